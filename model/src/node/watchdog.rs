//! The session watchdog (pingcap/ticdc#5106): asks for the lease's TTL every second, and fences the node when it is gone.
//!
//! It is one loop: while a call for the TTL hangs, it does not see that the session is done.

use sim::Duration;

use crate::{
    Cx, dispatchers,
    etcd::Inbox as Etcd,
    ids::Place,
    node::{Note, Server, Timer, Wait},
};

const POLL: Duration = Duration::from_secs(1);

#[derive(Clone, Debug, Default)]
pub(super) struct Watchdog {
    running: bool,
    /// Whether a call for the TTL is under way.
    asking: bool,
}

impl Server {
    pub(super) fn start_watchdog(&mut self, cx: &mut Cx) {
        if cx.policy().node.session_loss.has_watchdog() {
            self.watchdog.running = true;
            cx.out.alarm(Timer::WatchdogPoll.into(), POLL);
        }
    }

    pub(super) fn poll_watchdog(&mut self, cx: &mut Cx) {
        if !self.watchdog.running {
            return;
        }
        cx.out.alarm(Timer::WatchdogPoll.into(), POLL);
        if let Some(lease) = self.lease()
            && !self.watchdog.asking
        {
            self.watchdog.asking = true;
            self.calls.call(cx, Wait::WatchdogTtl, |call| Etcd::LeaseTimeToLiveRequest { call, lease });
        }
    }

    pub(super) fn on_ttl(&mut self, left: Option<Duration>, cx: &mut Cx) {
        self.watchdog.asking = false;
        match left {
            None => self.local_fence("etcd lease expired", cx),
            Some(_) if self.is_session_done() => self.local_fence("etcd session done", cx),
            Some(_) => {}
        }
    }

    /// A failing call is only logged.
    pub(super) fn on_ttl_error(&mut self, cx: &mut Cx) {
        self.watchdog.asking = false;
        if self.is_session_done() {
            self.local_fence("etcd session done", cx);
        }
    }

    pub(super) fn watchdog_sees_session_done(&mut self, cx: &mut Cx) {
        if !self.watchdog.asking {
            self.local_fence("etcd session done", cx);
        }
    }

    /// Takes the node out of service at once: liveness first, then every dispatcher manager, then the process.
    fn local_fence(&mut self, why: &'static str, cx: &mut Cx) {
        if !std::mem::replace(&mut self.watchdog.running, false) {
            return;
        }
        cx.note(Note::SelfFence { node: cx.id(), why });
        cx.process.wind_down();
        cx.process.wind_down();
        cx.tell(Place::Dispatchers, dispatchers::Inbox::LocalFence);
    }

    /// The orchestrator has fenced all its managers: the process ends, without waiting for its modules.
    pub(super) fn on_fenced(&mut self, cx: &mut Cx) {
        cx.note(Note::SelfFenced { node: cx.id() });
        self.shut_down("fenced", cx);
    }
}
