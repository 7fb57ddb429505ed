//! The calling side of etcd: which calls are under way, and what each of them is for.
//!
//! A call ends 30 s after it was made, the client's time-out with all its retries, and its outcome is then unknown: the
//! request may have been carried out. If nobody answers it simply hangs until then. If the connection is refused, reads
//! are tried again, at most twelve times and with growing pauses that nothing interrupts, so such a call can end later.

use std::collections::BTreeMap;

use sim::{Duration, Instant};

use crate::{
    Addr, Cx, Out, Timer,
    etcd::{CallId, Inbox},
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

/// A call that is under way.
#[derive(Clone, Debug)]
struct Waiting<W> {
    what: W,
    deadline: Instant,
    /// What is tried again; none: a refusal ends the call.
    request: Option<Inbox>,
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

    /// Makes a call with the ordinary time-out that is tried again when the connection is refused.
    pub(crate) fn call(&mut self, cx: &mut Cx, what: W, request: impl Fn(CallId) -> Inbox) -> CallId {
        let call = self.call_once(cx, CALL_TIMEOUT, what, &request);
        if let Some(waiting) = self.waiting.get_mut(&call) {
            waiting.request = Some(request(call));
        }
        call
    }

    /// Makes a call that is tried once: so are transactions and deletions, and what goes past the client's retries.
    pub(crate) fn call_once(
        &mut self,
        cx: &mut Cx,
        limit: Duration,
        what: W,
        request: impl FnOnce(CallId) -> Inbox,
    ) -> CallId {
        self.made += 1;
        let (call, deadline) = (CallId(self.made), cx.now.steady + limit);
        self.waiting.insert(call, Waiting { what, deadline, request: None, tries: 1, again: None });
        cx.out.send(Addr::Etcd, request(call).into());
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

    /// The connection was refused to a call, or broke while it was under way: what the call was for if it has failed
    /// by that.
    pub(crate) fn refused(&mut self, call: CallId, cx: &mut Cx) -> Option<W> {
        let waiting = self.waiting.get_mut(&call)?;
        if waiting.request.is_none() || waiting.tries >= TRIES {
            return self.answered(call);
        }
        let again = cx.now.steady + backoff(waiting.tries, cx.out);
        waiting.again = Some(again);
        self.ring_by(again, cx);
        None
    }

    /// The connection broke: what the calls that have failed by that were for.
    pub(crate) fn broken(&mut self, cx: &mut Cx) -> Vec<W> {
        let awaited = self.waiting.iter().filter(|(_, waiting)| waiting.again.is_none());
        let awaited: Vec<CallId> = awaited.map(|(call, _)| *call).collect();
        awaited.into_iter().filter_map(|call| self.refused(call, cx)).collect()
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
                && let Some(request) = &waiting.request
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
