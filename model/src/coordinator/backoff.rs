//! How long a changefeed waits after errors, and when it is given up.
//!
//! The first error of a series waits for 10 s, each further one twice as long, up to 10 min, give or take a tenth; a checkpoint
//! that moves on ends the series. After half an hour of errors the changefeed has failed.

use sim::{Duration, Instant};

use crate::{Cx, Ts, etcd::FeedState};

const FIRST: Duration = Duration::from_secs(10);
const LONGEST: Duration = Duration::from_secs(600);
/// `changefeed-error-stuck-duration`.
const GIVES_UP: Duration = Duration::from_secs(1800);
/// In hundredths: how far the waiting time may be off.
const JITTER: u64 = 10;

/// Errors of which the upstream has collected what a changefeed needs: `ErrGCTTLExceeded`, `ErrSnapshotLostByGC`,
/// `ErrStartTsBeforeGC`.
const GC_ERRORS: [&str; 3] = ["the GC TTL is exceeded", "a snapshot is lost by GC", "the start is before GC"];

/// Other errors that no further try mends: `ErrDispatcherFailed`, `ErrColumnSelectorFailed`, `ErrMySQLInvalidConfig`,
/// `ErrKafkaInvalidConfig`, `ErrTableRoutingFailed`, `ErrTableRouteConflict`, `ErrSyncRenameTableFailed`,
/// `ErrChangefeedUnretryable` and others.
const HOPELESS_ERRORS: [&str; 8] = [
    "a dispatcher has failed",
    "a column selector fails",
    "the configuration of MySQL is invalid",
    "the configuration of Kafka is invalid",
    "table routing fails",
    "table routes are in conflict",
    "a renaming of tables cannot be replicated",
    "no retry mends it",
];

/// Whether an error says that the upstream has collected what a changefeed needs.
pub(super) fn is_of_gc(error: &str) -> bool {
    GC_ERRORS.contains(&error)
}

/// Whether a changefeed with this error is given up at once.
pub(crate) fn fails_fast(error: &str) -> bool {
    is_of_gc(error) || HOPELESS_ERRORS.contains(&error)
}

#[derive(Clone, Debug)]
pub(super) struct Backoff {
    /// Nothing is tried any more.
    failed: bool,
    /// A series of errors is on: since when, and how long the next one waits.
    series: Option<Series>,
    /// Not before this.
    next_try: Option<Instant>,
    /// The checkpoint at which errors count as one series.
    baseline: Ts,
    /// How many errors have counted: for whoever watches.
    counted: u64,
}

#[derive(Clone, Copy, Debug)]
struct Series {
    since: Instant,
    interval: Duration,
}

impl Backoff {
    /// `retrying`: it is persisted that an error has been.
    pub(super) fn new(checkpoint: Ts, retrying: bool, now: Instant) -> Backoff {
        let series = retrying.then_some(Series { since: now, interval: FIRST });
        Backoff { failed: false, series, next_try: None, baseline: checkpoint, counted: 0 }
    }

    /// Whether a maintainer may be tried now.
    pub(super) fn should_run(&self, now: Instant) -> bool {
        !self.failed && self.next_try.is_none_or(|at| now > at)
    }

    /// How many errors have counted, whether a series of them is on, and whether nothing is tried any more.
    pub(super) fn counted(&self) -> (u64, bool, bool) {
        (self.counted, self.series.is_some(), self.failed)
    }

    /// A user lets it go on.
    pub(super) fn reset(&mut self, checkpoint: Ts) {
        (self.failed, self.series, self.next_try, self.baseline) = (false, None, None, checkpoint);
    }

    /// What a stored status says before anything else of it is looked at: whether the changefeed has failed, and if so,
    /// whether that is news.
    pub(super) fn check_failed(&mut self, checkpoint: Ts, error: Option<&str>) -> Option<Option<FeedState>> {
        if self.failed {
            return Some(None);
        }
        error.filter(|error| fails_fast(error)).map(|_| {
            self.baseline = self.baseline.max(checkpoint);
            self.counted += 1;
            self.failed = true;
            Some(FeedState::Failed)
        })
    }

    /// What a stored status says of the state of its changefeed, if that is news.
    pub(super) fn check(&mut self, checkpoint: Ts, error: Option<&str>, cx: &mut Cx) -> Option<FeedState> {
        if self.failed {
            return None;
        }
        if self.baseline < checkpoint {
            self.baseline = checkpoint;
            self.next_try = None;
            let ended = self.series.take().map(|_| FeedState::Normal);
            if error.is_none() || !cx.policy().coordinator.progress_error.counts() {
                return ended;
            }
        }
        let error = error?;
        if !self.should_run(cx.now.steady) && !cx.policy().coordinator.repeated_error.counts() {
            return None;
        }
        self.counted += 1;
        if fails_fast(error) {
            self.failed = true;
            return Some(FeedState::Failed);
        }
        let now = cx.now.steady;
        let Series { since, interval } = *self.series.get_or_insert(Series { since: now, interval: FIRST });
        self.series = Some(Series { since, interval: (interval + interval).min(LONGEST) });
        let percent = 100 - JITTER + cx.out.choose("how long errors wait", 2 * JITTER as usize + 1) as u64;
        let wait = Duration::from_nanos(interval.nanos() / 100 * percent);
        if now.since(since) + wait > GIVES_UP {
            self.failed = true;
            return Some(FeedState::Failed);
        }
        self.next_try = Some(now + wait);
        Some(FeedState::Warning)
    }
}
