//! The session watchdog (pingcap/ticdc#5106): asks for the lease's TTL every second, and fences the node when it is gone.
//!
//! It is one loop that selects among what is ready, and Go selects at random. While a call for the TTL hangs the loop
//! sees nothing else: not even the end of the session. Once the process is told to end, the watchdog leaves without
//! fencing, wherever it is: a call for the TTL ends with the context of the group, and both ways on from there, as from
//! the end of a session, ask first whether that is done.

use sim::Duration;

use crate::{
    Cx, Liveness, dispatchers,
    etcd::Inbox as Etcd,
    ids::Place,
    node::{Note, Server, Timer, Wait},
};

const POLL: Duration = Duration::from_secs(1);

#[derive(Clone, Debug, Default)]
pub(super) struct Watchdog {
    at: At,
    /// Whether its ticker has ticked since it was read last.
    ticked: bool,
}

/// Where the loop is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum At {
    /// There is none, or it has returned.
    #[default]
    Nowhere,
    /// It waits for something to be ready.
    Select,
    /// It waits for the TTL.
    Call,
}

/// What can be ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ready {
    SessionDone,
    Tick,
}

impl Watchdog {
    /// What it waits for, if it runs.
    pub(super) fn word(&self) -> Option<&'static str> {
        match self.at {
            At::Nowhere => None,
            At::Select => Some("waits"),
            At::Call => Some("asks"),
        }
    }
}

impl Server {
    pub(super) fn start_watchdog(&mut self, cx: &mut Cx) {
        if cx.policy().node.session_loss.has_watchdog() && !self.shutdown.group_is_done() {
            self.watchdog.at = At::Select;
            cx.out.alarm(Timer::WatchdogPoll.into(), POLL);
        }
    }

    /// Its ticker ticks. A tick that nobody reads is kept; a second one is lost.
    pub(super) fn watchdog_ticks(&mut self, cx: &mut Cx) {
        if self.watchdog.at != At::Nowhere {
            self.watchdog.ticked = true;
            cx.out.alarm(Timer::WatchdogPoll.into(), POLL);
            self.watchdog_selects(cx);
        }
    }

    /// Something may be ready.
    pub(super) fn watchdog_selects(&mut self, cx: &mut Cx) {
        match self.watchdog.at {
            At::Nowhere => return,
            At::Select => {}
            At::Call if self.is_session_done() && cx.policy().node.watchdog_call.is_watched_over() => {
                return self.local_fence("etcd session done", cx);
            }
            At::Call => return,
        }
        let ready = [(Ready::SessionDone, self.is_session_done()), (Ready::Tick, self.watchdog.ticked)];
        let ready: Vec<Ready> = ready.into_iter().filter(|(_, is)| *is).map(|(one, _)| one).collect();
        if ready.is_empty() {
            return;
        }
        match ready[cx.out.choose("watchdog select", ready.len())] {
            Ready::SessionDone => self.local_fence("etcd session done", cx),
            Ready::Tick => self.ask_for_ttl(cx),
        }
    }

    fn ask_for_ttl(&mut self, cx: &mut Cx) {
        let Some(lease) = self.lease() else { return };
        self.watchdog = Watchdog { at: At::Call, ticked: false };
        self.calls.call(cx, Wait::WatchdogTtl, |call| Etcd::LeaseTimeToLiveRequest { call, lease });
    }

    pub(super) fn on_ttl(&mut self, left: Option<Duration>, cx: &mut Cx) {
        if self.watchdog.at != At::Call {
            return;
        }
        match left {
            None => self.local_fence("etcd lease expired", cx),
            Some(_) => self.watchdog_goes_on(cx),
        }
    }

    /// A failing call is only logged.
    pub(super) fn on_ttl_error(&mut self, cx: &mut Cx) {
        if self.watchdog.at == At::Call {
            self.watchdog_goes_on(cx);
        }
    }

    fn watchdog_goes_on(&mut self, cx: &mut Cx) {
        self.watchdog.at = At::Select;
        self.watchdog_selects(cx);
    }

    /// The process is told to end: a call for the TTL ends with that, and the watchdog with it.
    pub(super) fn stop_watchdog(&mut self, cx: &mut Cx) {
        let runs = std::mem::take(&mut self.watchdog.at) != At::Nowhere;
        if runs && cx.policy().node.watchdog_end.fences() {
            self.local_fence("the process ends", cx);
        }
    }

    /// Takes the node out of service at once: liveness first, then every dispatcher manager, then the process.
    fn local_fence(&mut self, why: &'static str, cx: &mut Cx) {
        self.watchdog.at = At::Nowhere;
        cx.note(Note::SelfFence { node: cx.id(), why });
        cx.process.store_liveness(Liveness::Draining);
        cx.process.store_liveness(Liveness::Stopping);
        cx.tell(Place::Dispatchers, dispatchers::Inbox::LocalFence);
    }

    /// The orchestrator has fenced all its managers: the process ends, without waiting for its modules.
    pub(super) fn on_fenced(&mut self, cx: &mut Cx) {
        cx.note(Note::SelfFenced { node: cx.id() });
        self.run_returns("fenced", cx);
    }
}
