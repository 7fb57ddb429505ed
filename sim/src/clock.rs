//! The clock of one host: offset and drift against true time.

use crate::{Duration, Instant};

/// What a host's clocks say at one moment.
///
/// Go programs see the same pair: deadlines and tickers run on the monotonic reading, timestamps on the wall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// The monotonic clock: runs at the host's own rate, never jumps. Alarms ring by it.
    pub steady: Instant,
    /// The wall clock: the same rate, plus the offset and every jump.
    pub wall: Instant,
}

/// How a host's clock relates to true time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    /// True time at which the current rate began, and the steady clock's reading there.
    since: Instant,
    reading: Instant,
    /// Parts per million by which the host runs fast (positive) or slow (negative).
    drift_ppm: i32,
    /// Nanoseconds by which the wall clock is ahead (positive) or behind (negative) of the steady one.
    offset: i64,
}

const MILLION: i128 = 1_000_000;

impl Clock {
    /// A clock that is `offset_nanos` ahead of true time and runs `drift_ppm` parts per million fast.
    ///
    /// A drift of a whole second per second backwards or more would stop the clock; it is limited to ±500,000 ppm.
    pub fn new(offset_nanos: i64, drift_ppm: i32) -> Clock {
        Clock { offset: offset_nanos, drift_ppm: limited(drift_ppm), ..Clock::default() }
    }

    /// What the host reads at true time `at`.
    #[inline]
    pub fn read(&self, at: Instant) -> Now {
        let steady = self.steady(at);
        Now { steady, wall: Instant::from_nanos(steady.nanos().saturating_add_signed(self.offset)) }
    }

    #[inline]
    fn steady(&self, at: Instant) -> Instant {
        let passed = at.since(self.since).nanos();
        if self.drift_ppm == 0 {
            return self.reading + Duration::from_nanos(passed);
        }
        let scaled = i128::from(passed) * (MILLION + i128::from(self.drift_ppm)) / MILLION;
        self.reading + Duration::from_nanos(scaled.try_into().unwrap_or(u64::MAX))
    }

    /// The first true time at which the steady clock reads `steady` or more.
    #[inline]
    pub(crate) fn true_time(&self, steady: Instant) -> Instant {
        let ahead = steady.since(self.reading).nanos();
        if self.drift_ppm == 0 {
            return self.since + Duration::from_nanos(ahead);
        }
        let rate = MILLION + i128::from(self.drift_ppm);
        let scaled = (i128::from(ahead) * MILLION + rate - 1) / rate;
        self.since + Duration::from_nanos(scaled.try_into().unwrap_or(u64::MAX))
    }

    /// From true time `at` on, runs `drift_ppm` fast. Whether that is a change.
    pub(crate) fn set_drift(&mut self, at: Instant, drift_ppm: i32) -> bool {
        let before = std::mem::replace(&mut self.drift_ppm, limited(drift_ppm));
        if before == self.drift_ppm {
            return false;
        }
        let old = Clock { drift_ppm: before, ..*self };
        self.reading = old.steady(at);
        self.since = at;
        true
    }

    /// Moves the wall clock by `nanos`; the steady clock does not notice.
    pub(crate) fn jump(&mut self, nanos: i64) {
        self.offset = self.offset.saturating_add(nanos);
    }
}

fn limited(drift_ppm: i32) -> i32 {
    drift_ppm.clamp(-500_000, 500_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> Instant {
        Instant::START + Duration::from_secs(secs)
    }

    #[test]
    fn a_fast_clock_reaches_its_alarm_early() {
        let clock = Clock::new(0, 100_000);
        assert_eq!(clock.read(at(10)).steady, at(11));
        assert_eq!(clock.true_time(at(11)), at(10));
    }

    #[test]
    fn a_jump_moves_only_the_wall() {
        let mut clock = Clock::new(-1_000_000_000, 0);
        clock.jump(3_000_000_000);
        assert_eq!(clock.read(at(10)), Now { steady: at(10), wall: at(12) });
    }

    #[test]
    fn a_change_of_rate_keeps_the_reading() {
        let mut clock = Clock::new(0, 500_000);
        clock.set_drift(at(10), 0);
        assert_eq!(clock.read(at(10)).steady, at(15));
        assert_eq!(clock.read(at(12)).steady, at(17));
        assert_eq!(clock.true_time(at(17)), at(12));
    }

    #[test]
    fn no_alarm_rings_before_its_time() {
        let clock = Clock::new(0, 333);
        for nanos in [1, 7, 1_000_003, 999_999_999_937] {
            let steady = Instant::from_nanos(nanos);
            assert!(clock.read(clock.true_time(steady)).steady >= steady);
        }
    }
}
