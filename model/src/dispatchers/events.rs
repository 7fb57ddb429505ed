//! How events get from the event service to a dispatcher, and what it does with a batch of them.

use crate::{
    Cx, DispatcherId, Row, Ts,
    dispatchers::{
        ComponentState, Dispatcher, DispatcherStatus, Dispatchers, ManagerId, Timer, sink_client::Event,
    },
    upstream::{History, events::Position},
};

impl Dispatchers {
    /// The event service knows more: dispatchers that are not at a batch get what is new for them.
    pub(super) fn on_resolved(&mut self, resolved: Ts, cx: &mut Cx) {
        self.resolved = resolved.max(self.resolved);
        self.pd_clock = (resolved, cx.now.steady);
        let resolved = self.resolved;
        for manager in self.managers.values_mut() {
            for dispatcher in manager.dispatchers.values_mut() {
                if !dispatcher.registered || dispatcher.events_coming || dispatcher.blocked {
                    continue;
                }
                if dispatcher.next_event <= resolved {
                    dispatcher.events_coming = true;
                    let timer = Timer::Events { manager: manager.id, dispatcher: dispatcher.id };
                    cx.out.give_way(timer.into());
                } else {
                    dispatcher.resolve(resolved);
                }
            }
        }
    }

    /// A dispatcher handles a batch of rows, or a resolved timestamp. Its stream then stands still until the batch is
    /// downstream.
    pub(super) fn handle_events(&mut self, id: ManagerId, dispatcher: DispatcherId, cx: &mut Cx) {
        let resolved = self.resolved;
        let Some(manager) = self.managers.get_mut(&id) else { return };
        let Some(one) = manager.dispatchers.get_mut(&dispatcher) else { return };
        one.events_coming = false;
        if !one.registered || one.removing || one.blocked || resolved < one.start_ts {
            return;
        }
        one.take_batch(&cx.process.history, resolved, manager.sink.batch());
        for row in one.batch.drain(..) {
            let event = Event { dispatcher, span: one.span, row, creation: one.creation };
            if let Some(worker) = manager.sink.add(event) {
                cx.out.give_way(Timer::Worker { manager: id, worker }.into());
            }
        }
        if one.state == ComponentState::Initializing {
            one.state = ComponentState::Working;
            let status = DispatcherStatus { id: dispatcher, state: one.state, checkpoint: one.checkpoint() };
            let seq = one.seq;
            self.report_soon(id, status, seq, cx);
        }
    }
}

impl Dispatcher {
    /// The event service sends rows, and behind the last ones the resolved timestamp.
    fn take_batch(&mut self, history: &History, resolved: Ts, size: usize) {
        let rows = history.rows(self.span.table, self.sent.ts, resolved);
        let (span, start_ts, skip_dml) = (self.span, self.start_ts, self.skip_dml);
        let is_left_out = |row: &Row| skip_dml && row.commit.before() == start_ts;
        self.batch.extend(rows.iter().filter(|row| span.has(row.key) && !is_left_out(row)).take(size));
        self.blocked = !self.batch.is_empty();
        self.batch.iter().for_each(|row| self.progress.add(row.commit));
        match self.batch.last() {
            Some(last) if self.batch.len() == size => self.sent = Position::rows(last.commit),
            _ => self.resolve(resolved),
        }
        self.next_event = history.next_event(self.span, self.sent);
    }

    /// It is sent a resolved timestamp.
    fn resolve(&mut self, resolved: Ts) {
        self.sent = self.sent.max(Position::resolved(resolved));
        self.resolved = self.resolved.max(resolved);
    }

    /// What it handled is downstream. Whether its stream goes on at once, because there is more for it.
    pub(super) fn wake(&mut self, resolved: Ts) -> bool {
        self.blocked = false;
        let wakes = self.registered && !self.events_coming && self.next_event <= resolved;
        self.events_coming |= wakes;
        wakes
    }
}
