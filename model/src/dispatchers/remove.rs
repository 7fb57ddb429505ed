//! The removal of a dispatcher: it is polled until everything that was handed to the sink is downstream.

use sim::Duration;

use crate::{
    Cx, DispatcherId,
    dispatchers::{Dispatchers, ManagerId},
    tasks::Next,
};

const POLL: Duration = Duration::from_millis(10);

/// A removal that waits for a dispatcher to drain.
#[derive(Clone, Debug)]
pub(super) struct Remove {
    manager: ManagerId,
    dispatcher: DispatcherId,
}

impl Remove {
    pub(super) fn new(manager: ManagerId, dispatcher: DispatcherId) -> Remove {
        Remove { manager, dispatcher }
    }

    pub(super) fn resume(&mut self, all: &mut Dispatchers, _: &mut Cx) -> Next {
        let Some(manager) = all.managers.get_mut(&self.manager).filter(|manager| !manager.closed) else {
            return Next::Done;
        };
        match manager.dispatchers.get_mut(&self.dispatcher) {
            Some(dispatcher) if dispatcher.removing => Next::Done,
            Some(dispatcher) if dispatcher.is_drained() => {
                dispatcher.removing = true;
                all.touch();
                Next::Done
            }
            Some(_) => Next::Sleep(POLL),
            None => Next::Done,
        }
    }
}
