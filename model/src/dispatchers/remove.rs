//! The removal of a dispatcher: it is polled until everything that was handed to the sink is downstream.

use sim::Duration;

use crate::{
    Cx, DispatcherId, Ts,
    dispatchers::{ComponentState, DispatcherStatus, Dispatchers, ManagerId, Note, Stream, Task},
    tasks::Next,
};

const POLL: Duration = Duration::from_millis(10);

/// A removal that waits for a dispatcher to drain.
#[derive(Clone, Debug)]
pub(super) struct Remove {
    manager: ManagerId,
    dispatcher: DispatcherId,
    submitted: bool,
}

impl Dispatchers {
    /// Begins the removal of a dispatcher: it gets no more events from here on. Of one that does not exist the maintainer
    /// hears that it has stopped.
    pub(super) fn remove_dispatcher(&mut self, id: ManagerId, dispatcher: DispatcherId, cx: &mut Cx) {
        let Some(manager) = self.managers.get_mut(&id) else { return };
        let (cf, seq) = (manager.cf, manager.seq);
        let Some(one) = manager.dispatchers.get_mut(&dispatcher) else {
            let status =
                DispatcherStatus { id: dispatcher, state: ComponentState::Stopped, checkpoint: Ts::NONE };
            return self.report_soon(id, status, seq, cx);
        };
        if !std::mem::replace(&mut one.try_removing, true) {
            one.unregister();
            if one.is_trigger() {
                self.streams.unregister(Stream::CheckpointTs, cf);
            }
            cx.note(Note::DispatcherUnregistered { cf, id: dispatcher });
            self.touch();
            self.spawn(Task::Remove(Remove { manager: id, dispatcher, submitted: false }), cx);
        }
    }
}

impl Remove {
    pub(super) fn resume(&mut self, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        if !std::mem::replace(&mut self.submitted, true) {
            return Next::Yield;
        }
        let Some(manager) = all.managers.get_mut(&self.manager).filter(|manager| !manager.closed) else {
            return Next::Done;
        };
        let normal = manager.sink.is_normal();
        match manager.dispatchers.get_mut(&self.dispatcher) {
            Some(dispatcher) if dispatcher.removing => Next::Done,
            Some(dispatcher) if dispatcher.may_close(normal) => {
                all.remove_from_streams(self.manager, self.dispatcher, cx);
                all.touch();
                Next::Done
            }
            Some(_) => Next::Sleep(POLL),
            None => Next::Done,
        }
    }
}
