//! The calling side of etcd: which calls are under way, and what each of them is for.
//!
//! A call that gets no answer ends after 30 s, the client's time-out with all its retries, and its outcome is unknown:
//! the request may have been carried out.

use std::collections::BTreeMap;

use sim::{Duration, Instant};

use crate::{
    Addr, Cx, Timer,
    etcd::{CallId, Inbox},
};

/// The time-out of a call, retries included.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// The calls of one actor that are under way, each with what it is for.
#[derive(Clone, Debug)]
pub(crate) struct Calls<W> {
    made: u32,
    waiting: BTreeMap<CallId, (Instant, W)>,
    /// What rings at the earliest deadline, and whether it is set.
    timer: Timer,
    armed: bool,
}

impl<W> Calls<W> {
    /// No calls yet; `timer` is to lead to [`Self::timed_out`].
    pub(crate) fn new(timer: impl Into<Timer>) -> Calls<W> {
        Calls { made: 0, waiting: BTreeMap::new(), timer: timer.into(), armed: false }
    }

    /// Makes a call with the ordinary time-out.
    pub(crate) fn call(&mut self, cx: &mut Cx, what: W, request: impl FnOnce(CallId) -> Inbox) -> CallId {
        self.made += 1;
        let call = CallId(self.made);
        self.waiting.insert(call, (cx.now.steady + CALL_TIMEOUT, what));
        cx.out.send(Addr::Etcd, request(call).into());
        if !self.armed {
            self.armed = true;
            cx.out.alarm(self.timer, CALL_TIMEOUT);
        }
        call
    }

    /// An answer has come: what the call was for, unless nobody waits for it any more.
    pub(crate) fn answered(&mut self, call: CallId) -> Option<W> {
        self.waiting.remove(&call).map(|(_, what)| what)
    }

    /// The alarm rings: what the calls that have timed out were for.
    pub(crate) fn timed_out(&mut self, cx: &mut Cx) -> Vec<W> {
        let now = cx.now.steady;
        let expired = self.waiting.extract_if(.., |_, (deadline, _)| *deadline <= now);
        let expired = expired.map(|(_, (_, what))| what).collect();
        let next = self.waiting.values().map(|(deadline, _)| *deadline).min();
        self.armed = next.is_some();
        if let Some(next) = next {
            cx.out.alarm(self.timer, next.since(now));
        }
        expired
    }
}
