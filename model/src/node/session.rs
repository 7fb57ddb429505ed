//! The session with etcd: a lease that is renewed, and what the client knows of its end.
//!
//! Whether the lease has run out is for etcd's clock to say; the client's own deadline is its last answer plus the
//! TTL. The two can differ, and the process may learn of the end late. Of its goroutines that wait for the end, each
//! wakes up in its own time.

use sim::{Duration, Instant};

use crate::{
    Cx,
    etcd::{Inbox as Etcd, LeaseId, client::CALL_TIMEOUT},
    node::{Note, Server, Timer, Wait},
};

/// How soon a renewal without answer is repeated: the pace of the client's keep-alive loop.
const RESEND: Duration = Duration::from_millis(500);
/// How often the client looks at its deadline.
const DEADLINE_CHECK: Duration = Duration::from_millis(500);

/// A session, as the client sees it.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) lease: LeaseId,
    /// When it ends by the local clock: the last answer plus the TTL.
    deadline: Instant,
    /// When the lease is to be renewed next.
    renew_at: Instant,
    /// Whether the client knows that it is over.
    pub(super) done: bool,
}

impl Session {
    pub(super) fn begin(lease: LeaseId, cx: &mut Cx) -> Session {
        let (now, ttl) = (cx.now.steady, cx.process.settings.session_ttl());
        cx.process.lease = Some(lease);
        cx.out.alarm(Timer::KeepAlive.into(), Duration::ZERO);
        cx.out.alarm(Timer::SessionDeadline.into(), ttl);
        Session { lease, deadline: now + ttl, renew_at: now, done: false }
    }

    /// Whether renewals go unanswered: etcd may be out of reach.
    pub(super) fn is_suspicious(&self, now: Instant) -> bool {
        self.done || now > self.renew_at + RESEND
    }
}

impl Server {
    pub(super) fn keep_alive(&mut self, cx: &mut Cx) {
        let now = cx.now.steady;
        let Some(session) = &self.session else { return };
        if session.done {
            return;
        }
        if now < session.renew_at {
            cx.out.alarm(Timer::KeepAlive.into(), session.renew_at.since(now));
            return;
        }
        if session.is_suspicious(now) {
            self.wake_membership(cx);
        }
        let Some(session) = &self.session else { return };
        let lease = session.lease;
        let renewal = |call| Etcd::LeaseKeepAliveRequest { call, lease };
        self.calls.call_once(cx, CALL_TIMEOUT, Wait::KeepAlive, renewal);
        self.ask_for_progress(cx);
        cx.out.alarm(Timer::KeepAlive.into(), RESEND);
    }

    pub(super) fn on_kept_alive(&mut self, left: Option<Duration>, cx: &mut Cx) {
        let Some(session) = &mut self.session else { return };
        match left {
            Some(ttl) => {
                let now = cx.now.steady;
                session.deadline = session.deadline.max(now + ttl);
                session.renew_at = now + ttl.split(3);
            }
            None => self.session_done(cx),
        }
    }

    pub(super) fn check_deadline(&mut self, cx: &mut Cx) {
        let now = cx.now.steady;
        match &self.session {
            Some(session) if session.done => {}
            Some(session) if now < session.deadline => {
                let next = session.deadline.since(now);
                let next = Duration::from_nanos(next.nanos().next_multiple_of(DEADLINE_CHECK.nanos()));
                cx.out.alarm(Timer::SessionDeadline.into(), next);
            }
            Some(_) => self.session_done(cx),
            None => {}
        }
    }

    /// `session.Done` fires. The watchdog and the node manager both wait for it, and either can be first.
    fn session_done(&mut self, cx: &mut Cx) {
        let Some(session) = &mut self.session else { return };
        if !std::mem::replace(&mut session.done, true) {
            cx.note(Note::SessionDone { node: cx.id() });
            cx.out.give_way(Timer::WatchdogWakes.into());
            cx.out.give_way(Timer::NodeManagerWakes.into());
        }
    }

    pub(super) fn is_session_done(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.done)
    }

    pub(super) fn lease(&self) -> Option<LeaseId> {
        self.session.as_ref().map(|session| session.lease)
    }
}
