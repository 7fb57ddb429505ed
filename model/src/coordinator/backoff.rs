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
        Backoff { failed: false, series, next_try: None, baseline: checkpoint }
    }

    /// A maintainer that runs has reported this checkpoint.
    pub(super) fn begin_at(&mut self, checkpoint: Ts) {
        self.baseline = checkpoint;
    }

    /// Whether a maintainer may be tried now.
    pub(super) fn should_run(&self, now: Instant) -> bool {
        !self.failed && self.next_try.is_none_or(|at| now > at)
    }

    /// A user lets it go on.
    pub(super) fn reset(&mut self, checkpoint: Ts) {
        (self.failed, self.series, self.next_try, self.baseline) = (false, None, None, checkpoint);
    }

    /// What a stored status says of the state of its changefeed, if that is news.
    pub(super) fn check(&mut self, checkpoint: Ts, has_error: bool, cx: &mut Cx) -> Option<FeedState> {
        if self.failed {
            return None;
        }
        if self.baseline < checkpoint {
            self.baseline = checkpoint;
            self.next_try = None;
            return self.series.take().map(|_| FeedState::Normal);
        }
        if !has_error {
            return None;
        }
        let now = cx.now.steady;
        let Series { since, interval } = *self.series.get_or_insert(Series { since: now, interval: FIRST });
        if now.since(since) > GIVES_UP {
            self.failed = true;
            return Some(FeedState::Failed);
        }
        let percent = 100 - JITTER + cx.out.choose("how long errors wait", 2 * JITTER as usize + 1) as u64;
        self.next_try = Some(now + Duration::from_nanos(interval.nanos() / 100 * percent));
        self.series = Some(Series { since, interval: (interval + interval).min(LONGEST) });
        Some(FeedState::Warning)
    }
}
