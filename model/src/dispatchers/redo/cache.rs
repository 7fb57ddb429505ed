//! An ordinary dispatcher keeps a batch that is behind what is known of the redo log, and its stream stands still. It is at
//! most one batch; when the redo log is further, the batch is handled as it came.

use crate::{
    Cx, DispatcherId, Mode, Ts,
    dispatchers::{Dispatcher, Dispatchers, Manager, ManagerId},
    upstream::History,
};

impl Dispatcher {
    /// Whether a batch has to wait that was sent when everything up to here was resolved.
    pub(in crate::dispatchers) fn keeps(
        &self,
        global: Ts,
        history: &History,
        resolved: Ts,
        size: usize,
    ) -> bool {
        self.waits_for_redo && global < self.last_commit(history, resolved, size)
    }
}

impl Manager {
    /// The redo log is complete up to here; whether that is news.
    pub(super) fn raise_redo_global(&mut self, resolved: Ts) -> bool {
        let news = self.redo.global_ts < resolved;
        self.redo.global_ts = self.redo.global_ts.max(resolved);
        news
    }

    /// The dispatchers that may keep something.
    pub(in crate::dispatchers) fn ordinary_ones(&self) -> Vec<DispatcherId> {
        self.dispatchers_of(Mode::Default).map(Dispatcher::id).collect()
    }
}

impl Dispatchers {
    /// A dispatcher handles what it keeps, or keeps it on.
    pub(super) fn handle_kept(&mut self, id: ManagerId, dispatcher: DispatcherId, cx: &mut Cx) {
        let Some(one) = self.dispatcher(id, dispatcher) else { return };
        let Some(resolved) = one.kept.take() else { return };
        one.blocked = false;
        if !one.removing {
            self.handle_batch(id, dispatcher, resolved, cx);
        }
    }
}
