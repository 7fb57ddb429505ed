//! The removal of a dispatcher: it is polled until everything that was handed to the sink is downstream.

use sim::Duration;

use crate::{
    Cx, DispatcherId, IsRedo, Mode, Ts,
    dispatchers::{ComponentState, DispatcherStatus, Dispatchers, ManagerId, Note, Stream, Task},
    tasks::Next,
};

const POLL: Duration = Duration::from_millis(10);

/// `removeDispatcher`: the dispatcher gets no more events from here on. Of one that does not exist the maintainer hears that
/// it has stopped.
#[derive(Clone, Debug)]
pub(super) struct Removal {
    manager: ManagerId,
    dispatcher: DispatcherId,
    mode: Mode,
    /// Whether the event collector has forgotten it. Only then does it count as being removed.
    unregistered: bool,
}

impl Removal {
    pub(super) fn of(manager: ManagerId, dispatcher: DispatcherId, mode: Mode) -> Removal {
        Removal { manager, dispatcher, mode, unregistered: false }
    }

    pub(super) fn resume(&mut self, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        let (id, dispatcher) = (self.manager, self.dispatcher);
        let Some(manager) = all.managers.get_mut(&id) else { return Next::Done };
        let (cf, seq, mode) = (manager.cf, manager.seq_of(self.mode), self.mode);
        let one = manager.dispatchers.get_mut(&dispatcher).filter(|one| one.mode == mode);
        if self.unregistered {
            all.fork(Task::Remove(Remove { manager: id, dispatcher }), cx);
            if let Some(one) = all.managers.get_mut(&id).and_then(|one| one.dispatchers.get_mut(&dispatcher))
            {
                one.try_removing = true;
            }
            return Next::Done;
        }
        match one {
            None => {
                let (state, checkpoint) = (ComponentState::Stopped, Ts::NONE);
                let status = DispatcherStatus { id: dispatcher, state, checkpoint, redo: IsRedo::of(mode) };
                all.report_soon(id, status, seq, cx);
                Next::Done
            }
            Some(one) if one.try_removing => Next::Done,
            Some(one) => {
                one.unregister();
                let is_trigger = one.is_trigger();
                one.leaves_at_once = is_trigger && !cx.policy().dispatchers.trigger_leave.waits();
                if is_trigger && mode == Mode::Default {
                    all.streams.unregister(Stream::CheckpointTs, cf);
                }
                cx.note(Note::DispatcherUnregistered { cf, id: dispatcher });
                all.touch();
                self.unregistered = true;
                Next::Yield
            }
        }
    }
}

/// A removal that waits for a dispatcher to drain.
#[derive(Clone, Debug)]
pub(super) struct Remove {
    manager: ManagerId,
    dispatcher: DispatcherId,
}

impl Remove {
    pub(super) fn resume(&mut self, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        let Some(manager) = all.managers.get_mut(&self.manager).filter(|manager| !manager.closed) else {
            return Next::Done;
        };
        let mode = manager.dispatchers.get(&self.dispatcher).map_or(Mode::Default, |one| one.mode);
        let normal = manager.sink_is_normal(mode, cx.policy());
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
