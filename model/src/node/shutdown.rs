//! The end of a process: it closes what it can within a budget, gives back its capture key, exits, and is started again.

use sim::Duration;

use crate::{
    Cx, coordinator, dispatchers,
    etcd::{Inbox as Etcd, Key, Op},
    ids::Place,
    node::{Note, RESTART_AFTER, Server, Timer, Wait},
};

/// How long `Close()` waits for the services that close first, the dispatcher orchestrator among them.
const CLOSE_BUDGET: Duration = Duration::from_secs(15);

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shutdown {
    begun: bool,
    dispatchers_closed: bool,
    unregistered: bool,
}

impl Shutdown {
    pub(super) fn has_begun(self) -> bool {
        self.begun
    }
}

impl Server {
    /// The node manager finds the session done.
    pub(super) fn capture_suicide(&mut self, cx: &mut Cx) {
        self.shut_down("capture suicide", cx);
    }

    /// Closes the parts of the process. The dispatchers and the capture key go in parallel, in no order.
    pub(super) fn shut_down(&mut self, why: &'static str, cx: &mut Cx) {
        if std::mem::replace(&mut self.shutdown.begun, true) {
            return;
        }
        cx.note(Note::ShutsDown { node: cx.id(), why });
        cx.tell(Place::Coordinator, coordinator::Inbox::Stop);
        cx.tell(Place::Dispatchers, dispatchers::Inbox::Close);
        let key = Key::Capture(cx.id());
        self.calls.call(cx, Wait::Unregister, |call| Etcd::TxnRequest {
            call,
            compares: Vec::new(),
            then: vec![Op::Delete(key)],
            otherwise: Vec::new(),
        });
        cx.out.alarm(Timer::CloseBudget.into(), CLOSE_BUDGET);
    }

    pub(super) fn on_dispatchers_closed(&mut self, cx: &mut Cx) {
        self.shutdown.dispatchers_closed = true;
        self.exit_if_closed(cx);
    }

    pub(super) fn on_unregistered(&mut self, cx: &mut Cx) {
        self.shutdown.unregistered = true;
        self.exit_if_closed(cx);
    }

    fn exit_if_closed(&mut self, cx: &mut Cx) {
        if self.shutdown.dispatchers_closed && self.shutdown.unregistered {
            self.exit(cx);
        }
    }

    pub(super) fn exit(&mut self, cx: &mut Cx) {
        cx.out.exit(Some(RESTART_AFTER));
    }
}
