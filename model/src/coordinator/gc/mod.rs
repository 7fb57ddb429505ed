//! What the upstream may collect: the coordinator tells PD every minute how far changefeeds are behind, and gives up one of which
//! it knows that what it needs is not kept.
//!
//! The safepoint is that of all changefeeds that still need something, less one; if there are none, it is taken back at once. Nobody
//! looks whether the changefeeds are loaded. The run loop does that itself: until PD has answered, no checkpoint and no state is
//! persisted. A call is tried nine times, 100 ms apart (the longer pauses that are asked for are capped).
//!
//! A checkpoint is compared with what PD has said when it is about to be persisted; one that stands still is not.

mod cleaner;

use sim::{Duration, Instant};

use crate::{
    Addr, Cx, Ts,
    coordinator::{PdCall, Term, TermNumber, Timer, api::ApiCall},
    etcd::CallId,
    pd::{self, SafepointReply, Service},
    vocabulary::vocabulary,
};
use cleaner::Cleaner;

vocabulary! {
    /// What the coordinator wakes up for because of what the upstream may collect.
    pub enum GcTimer {
        /// PD is to be told how far changefeeds are.
        GcTick { term: TermNumber },
        /// It is told again.
        GcAgain { term: TermNumber },
        /// The cleaner of safepoints goes on after a failure.
        CleanerGoesOn { term: TermNumber },
    }
}

impl Copy for GcTimer {}

vocabulary! {
    /// What the coordinator says about that.
    pub enum GcNote {
        /// PD knows how far changefeeds are, less one; or that there are none.
        SafepointTold { safe_point: Option<Ts> },
        /// PD does not know, and is not told before the next minute is over.
        SafepointUntold,
    }
}

/// How often PD is told.
const EVERY: Duration = Duration::from_secs(60);
const TRIES: u32 = 9;
const BETWEEN_TRIES: Duration = Duration::from_millis(100);

/// What a call about safepoints is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::coordinator) enum GcCall {
    /// The run loop tells how far changefeeds are.
    Tick,
    /// A user's call is about to begin a changefeed somewhere.
    Ensure(ApiCall),
    /// A user has removed the last changefeed.
    Removed(ApiCall),
    /// What was kept for the beginning of a changefeed is not needed any more.
    Clean,
    /// The same, and nobody waits for it: the call has failed.
    Undo,
}

#[derive(Clone, Debug, Default)]
pub(in crate::coordinator) struct Gc {
    /// Whether a tick is due, and whether the run loop waits for PD because of one.
    due: bool,
    waits: bool,
    tries: u32,
    /// What was told last; none: that nothing is needed.
    told: Option<Ts>,
    /// Whether nobody needs less than this cluster, as PD has said last, and the least that anybody needs.
    blocks: bool,
    least: Ts,
    /// The time of PD, when that was.
    clock: Option<(Ts, Instant)>,
    cleaner: Cleaner,
}

impl Gc {
    pub(super) fn is_due(&self) -> bool {
        self.due
    }

    /// Why what comes after a checkpoint is not kept, if it is not.
    fn is_stale(&self, checkpoint: Ts, now: Instant, ttl: Duration) -> Option<&'static str> {
        let needed = checkpoint.before();
        if !self.blocks {
            return (needed < self.least).then_some("a snapshot is lost by GC");
        }
        let (time, since) = self.clock?;
        let time = time.plus(now.since(since));
        (time > needed.plus(ttl)).then_some("the GC TTL is exceeded")
    }
}

impl Term {
    pub(super) fn start_gc(&self, cx: &mut Cx) {
        if cx.process.config.gc.is_some() {
            cx.out.alarm(GcTimer::GcTick { term: self.number }.into(), EVERY);
        }
    }

    pub(super) fn on_gc_alarm(&mut self, timer: GcTimer, cx: &mut Cx) {
        let (GcTimer::GcTick { term } | GcTimer::GcAgain { term } | GcTimer::CleanerGoesOn { term }) = timer;
        if term != self.number || !self.loops_run() {
            return;
        }
        match timer {
            GcTimer::GcTick { .. } => self.gc_is_due(cx),
            GcTimer::GcAgain { .. } => self.gc_again(cx),
            GcTimer::CleanerGoesOn { .. } => self.cleaner_goes_on(cx),
        }
    }

    /// A minute has passed.
    fn gc_is_due(&mut self, cx: &mut Cx) {
        cx.out.alarm(GcTimer::GcTick { term: self.number }.into(), EVERY);
        self.gc.due = true;
        self.run_changes_unless_busy(cx);
    }

    /// The run loop tells PD, and waits.
    pub(super) fn gc_tick(&mut self, cx: &mut Cx) {
        self.gc.due = false;
        if !(self.initialized || cx.policy().coordinator.unloaded_gc.is_let_go()) {
            return self.run_changes(cx);
        }
        self.gc.waits = true;
        self.gc.tries = 0;
        self.gc.cleaner.begin_tick();
        self.gc.told = self.changefeeds.gc_safepoint().map(Ts::before);
        self.tell_pd(cx);
    }

    fn tell_pd(&mut self, cx: &mut Cx) {
        let ttl = cx.process.config.gc.map_or(Duration::ZERO, |gc| gc.ttl);
        self.gc.tries += 1;
        let told = self.gc.told.map(|safe_point| (safe_point, ttl));
        self.update_safepoint(Service::Cluster, told, GcCall::Tick, cx);
    }

    /// Asks PD to keep what comes after a timestamp, for so long, or not to.
    fn update_safepoint(
        &mut self,
        service: Service,
        what: Option<(Ts, Duration)>,
        call_for: GcCall,
        cx: &mut Cx,
    ) {
        let call = self.next_pd_call();
        let (safe_point, ttl) = what.unwrap_or((Ts::INFINITE, Duration::ZERO));
        self.pd_calls.insert(call, PdCall::Gc(call_for));
        cx.out.send(
            Addr::Pd,
            pd::Safepoint::UpdateServiceGCSafePoint { call, service, ttl, safe_point }.into(),
        );
        cx.out.alarm(Timer::TsoTimeout { call }.into(), pd::CLIENT_TIMEOUT);
    }

    pub(super) fn on_safepoint_reply(&mut self, reply: &SafepointReply, cx: &mut Cx) {
        match reply {
            SafepointReply::GCSafePointResponse { call, least, now } => {
                self.on_safepoint(*call, *least, *now, cx);
            }
            SafepointReply::GCSafePointUnavailable { call } => {
                if let Some(PdCall::Gc(what)) = self.pd_calls.remove(call) {
                    self.safepoint_failed(what, cx);
                }
            }
        }
    }

    fn on_safepoint(&mut self, call: CallId, least: Ts, now: Ts, cx: &mut Cx) {
        let Some(PdCall::Gc(what)) = self.pd_calls.get(&call).copied() else { return };
        self.pd_calls.remove(&call);
        match what {
            GcCall::Tick if !self.loops_run() => {}
            GcCall::Tick => {
                self.gc.waits = false;
                self.gc_said(least, now, cx);
                self.gc.cleaner.end_tick();
                self.clean_safepoints(cx);
                self.run_changes(cx);
            }
            GcCall::Removed(api) => {
                (self.gc.blocks, self.gc.least) = (false, Ts::NONE);
                cx.note(GcNote::SafepointTold { safe_point: None });
                self.api_ends(api, "done", cx);
            }
            GcCall::Ensure(api) => self.api_ensured(api, least, cx),
            GcCall::Clean => self.cleaned(cx),
            GcCall::Undo => {}
        }
    }

    fn gc_said(&mut self, least: Ts, now: Ts, cx: &mut Cx) {
        let told = self.gc.told;
        self.gc.blocks = told == Some(least);
        self.gc.least = told.map_or(Ts::NONE, |_| least);
        self.gc.clock = Some((now, cx.now.steady));
        cx.note(GcNote::SafepointTold { safe_point: told });
    }

    /// PD does not answer, or cannot be reached.
    pub(super) fn safepoint_failed(&mut self, what: GcCall, cx: &mut Cx) {
        match what {
            GcCall::Tick if !self.loops_run() => {}
            GcCall::Tick if self.gc.tries < TRIES => {
                cx.out.alarm(GcTimer::GcAgain { term: self.number }.into(), BETWEEN_TRIES);
            }
            GcCall::Tick => {
                self.gc.waits = false;
                cx.note(GcNote::SafepointUntold);
                self.run_changes(cx);
            }
            GcCall::Ensure(api) => self.api_ends(api, "PD does not answer", cx),
            // It is only logged.
            GcCall::Removed(api) => self.api_ends(api, "done", cx),
            GcCall::Clean => self.clean_failed(cx),
            GcCall::Undo => {}
        }
    }

    fn gc_again(&mut self, cx: &mut Cx) {
        if self.gc.waits {
            self.tell_pd(cx);
        }
    }

    /// Why a changefeed whose checkpoint is about to be persisted is given up, if it is.
    pub(super) fn is_behind_gc(&self, checkpoint: Ts, cx: &Cx) -> Option<&'static str> {
        self.gc.is_stale(checkpoint, cx.now.steady, cx.process.config.gc?.ttl)
    }

    /// What comes after the beginning of a changefeed is to be kept until the coordinator sees to it.
    pub(super) fn ensure_safepoint(&mut self, api: ApiCall, service: Service, from: Ts, cx: &mut Cx) {
        let ttl = Duration::from_secs(3600);
        self.update_safepoint(service, Some((from, ttl)), GcCall::Ensure(api), cx);
    }

    pub(super) fn undo_safepoint(&mut self, service: Service, cx: &mut Cx) {
        self.update_safepoint(service, None, GcCall::Undo, cx);
    }

    /// A changefeed has been removed, and nobody needs anything of the upstream any more.
    pub(super) fn release_safepoint(&mut self, api: ApiCall, cx: &mut Cx) {
        self.update_safepoint(Service::Cluster, None, GcCall::Removed(api), cx);
    }
}
