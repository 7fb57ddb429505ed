//! The calling side of etcd: which calls are under way, and what each of them is for.
//!
//! A call has 30 s, with all its tries. It ends without an answer then, and its outcome is unknown: the request may have been
//! carried out. If nobody answers it simply hangs until then. One that fails sooner is tried again, at most twelve times and
//! with growing pauses that nothing interrupts, so it can also end later. Which failures that are depends on the call: a
//! transaction is tried again if the server says that it has taken too long, or the connection is reset under it; it may have
//! been carried out then, and its own compares fail. What does not pass through TiCDC's wrapper, as a candidacy does not, is
//! tried once, and so is a deletion.

use std::collections::BTreeMap;

use sim::{Duration, Instant};

use crate::{
    Addr, Cx, Out, Timer,
    etcd::{CallId, Compare, Inbox, Op, Reply},
};

/// The time-out of a call, retries included.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(30);
const TRIES: u32 = 12;
/// The shortest pause before the next try, and the longest, in milliseconds.
const BACKOFF: (u64, u64) = (500, 60_000);

/// The calls of one actor that are under way, each with what it is for.
#[derive(Clone, Debug)]
pub(crate) struct Calls<W> {
    made: u32,
    waiting: BTreeMap<CallId, Waiting<W>>,
    /// What rings at the earliest deadline, and when it is set to.
    timer: Timer,
    rings_at: Option<Instant>,
}

impl Reply {
    /// The call that has failed, if this says so, and how.
    pub(crate) fn failure(&self) -> Option<(CallId, Failure)> {
        match self {
            Reply::Unavailable { call } => Some((*call, Failure::Unavailable)),
            Reply::RequestTimedOut { call } => Some((*call, Failure::TimedOut)),
            Reply::Answer { .. } | Reply::WatchResponse { .. } | Reply::WatchCanceled { .. } => None,
        }
    }
}

/// How a try fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The connection is refused, or ends without an answer.
    Unavailable,
    /// The connection is reset while the call is under way.
    Reset,
    /// The server says that it has taken too long.
    TimedOut,
}

/// What is tried again, and after which failures.
#[derive(Clone, Debug)]
enum Again {
    Never,
    /// After those of which the real client knows that a transaction may be tried again.
    Txn(Inbox),
    Always(Inbox),
}

impl Again {
    fn after(&self, failure: Failure) -> Option<&Inbox> {
        match (self, failure) {
            (Again::Never, _) | (Again::Txn(_), Failure::Unavailable) => None,
            (Again::Txn(request), Failure::Reset | Failure::TimedOut) | (Again::Always(request), _) => {
                Some(request)
            }
        }
    }
}

/// A call that is under way.
#[derive(Clone, Debug)]
struct Waiting<W> {
    what: W,
    deadline: Instant,
    request: Again,
    tries: u32,
    /// When it is tried again; none: an answer is awaited.
    again: Option<Instant>,
}

impl<W> Waiting<W> {
    /// When something is to be done about it at the latest.
    fn due(&self) -> Instant {
        self.again.unwrap_or(self.deadline)
    }
}

impl<W> Calls<W> {
    /// No calls yet; `timer` is to lead to [`Self::on_alarm`].
    pub(crate) fn new(timer: impl Into<Timer>) -> Calls<W> {
        Calls { made: 0, waiting: BTreeMap::new(), timer: timer.into(), rings_at: None }
    }

    /// No calls yet, counted from there on: what was called before is answered to others, if at all.
    pub(crate) fn after(made: u32, timer: impl Into<Timer>) -> Calls<W> {
        Calls { made, ..Calls::new(timer) }
    }

    /// How many have been made.
    pub(crate) fn made(&self) -> u32 {
        self.made
    }

    /// Makes a call with the ordinary time-out that is tried again whenever it fails.
    pub(crate) fn call(&mut self, cx: &mut Cx, what: W, request: impl FnOnce(CallId) -> Inbox) -> CallId {
        self.make(cx, CALL_TIMEOUT, what, request, Again::Always)
    }

    /// Carries out a transaction.
    pub(crate) fn txn(&mut self, cx: &mut Cx, what: W, compares: Vec<Compare>, then: Vec<Op>) -> CallId {
        let request = |call| Inbox::TxnRequest { call, compares, then, otherwise: Vec::new() };
        self.make(cx, CALL_TIMEOUT, what, request, Again::Txn)
    }

    /// Makes a call that is tried once.
    pub(crate) fn call_once(
        &mut self,
        cx: &mut Cx,
        limit: Duration,
        what: W,
        request: impl FnOnce(CallId) -> Inbox,
    ) -> CallId {
        self.make(cx, limit, what, request, |_| Again::Never)
    }

    fn make(
        &mut self,
        cx: &mut Cx,
        limit: Duration,
        what: W,
        request: impl FnOnce(CallId) -> Inbox,
        again: impl FnOnce(Inbox) -> Again,
    ) -> CallId {
        self.made += 1;
        let (call, deadline) = (CallId(self.made), cx.now.steady + limit);
        let request = request(call);
        cx.out.send(Addr::Etcd, request.clone().into());
        self.waiting.insert(call, Waiting { what, deadline, request: again(request), tries: 1, again: None });
        self.ring_by(deadline, cx);
        call
    }

    /// Sets the alarm, unless it rings early enough.
    fn ring_by(&mut self, at: Instant, cx: &mut Cx) {
        if self.rings_at.is_none_or(|rings_at| at < rings_at) {
            self.rings_at = Some(at);
            cx.out.alarm(self.timer, at.since(cx.now.steady));
        }
    }

    /// An answer has come: what the call was for, unless nobody waits for it any more.
    pub(crate) fn answered(&mut self, call: CallId) -> Option<W> {
        self.waiting.remove(&call).map(|waiting| waiting.what)
    }

    /// A try of a call has failed: what the call was for if it has failed by that.
    pub(crate) fn failed(&mut self, call: CallId, how: Failure, cx: &mut Cx) -> Option<W> {
        let waiting = self.waiting.get_mut(&call)?;
        if waiting.request.after(how).is_none() || waiting.tries >= TRIES {
            return self.answered(call);
        }
        let again = cx.now.steady + backoff(waiting.tries, cx.out);
        waiting.again = Some(again);
        self.ring_by(again, cx);
        None
    }

    /// The connection is reset: what the calls that have failed by that were for.
    pub(crate) fn reset(&mut self, cx: &mut Cx) -> Vec<W> {
        let awaited = self.waiting.iter().filter(|(_, waiting)| waiting.again.is_none());
        let awaited: Vec<CallId> = awaited.map(|(call, _)| *call).collect();
        awaited.into_iter().filter_map(|call| self.failed(call, Failure::Reset, cx)).collect()
    }

    /// The alarm rings: what the calls that have timed out were for.
    pub(crate) fn on_alarm(&mut self, cx: &mut Cx) -> Vec<W> {
        let now = cx.now.steady;
        if self.rings_at.is_some_and(|at| at > now) {
            return Vec::new();
        }
        self.rings_at = None;
        for (_, waiting) in self.waiting.iter_mut().filter(|(_, waiting)| waiting.due() <= now) {
            if waiting.again.take().is_some()
                && now < waiting.deadline
                && let Again::Txn(request) | Again::Always(request) = &waiting.request
            {
                waiting.tries += 1;
                cx.out.send(Addr::Etcd, request.clone().into());
            }
        }
        let expired = self.waiting.extract_if(.., |_, waiting| waiting.due() <= now);
        let expired = expired.map(|(_, waiting)| waiting.what).collect();
        if let Some(next) = self.waiting.values().map(Waiting::due).min() {
            self.ring_by(next, cx);
        }
        expired
    }
}

/// The pause after so many tries: exponential, and mostly chance.
fn backoff(tries: u32, out: &mut Out) -> Duration {
    let (base, cap) = BACKOFF;
    let half = (base << tries.min(16)).min(cap) / 2;
    let mut chance = |below: u64| out.choose("etcd backoff", usize::try_from(below).unwrap_or(1)) as u64;
    let longest = (half + chance(half)) * 3;
    Duration::from_millis((chance(longest) + base).min(cap))
}
