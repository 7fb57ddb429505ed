//! Draws of chaos: a stream for every parameter, named after it.

use sim::{Draws, Duration, Seed};

/// Where draws come from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dice {
    seed: Seed,
}

impl Dice {
    pub(crate) fn new(seed: Seed) -> Dice {
        Dice { seed }
    }

    /// The draws of a parameter.
    pub(crate) fn draws(&self, parameter: &str) -> Draws {
        Draws::new(self.seed, &format!("chaos {parameter}"))
    }

    /// Whether a class is in, which it is about half of the time.
    pub(crate) fn has(&self, class: &str) -> bool {
        self.draws(&format!("class {class}")).below(2) == 0
    }
}

/// A length between two, short ones as probable as long ones.
pub(crate) fn log_between(draws: &mut Draws, from: Duration, to: Duration) -> Duration {
    let (low, high) = (from.nanos().max(1), to.nanos().max(1));
    let octaves = (high / low).ilog2();
    let low = low << draws.below(u64::from(octaves) + 1);
    let drawn = Duration::from_nanos(low + draws.below(low)).nanos();
    // Three digits are enough, and can be read.
    let unit = 10_u64.pow(drawn.ilog10().saturating_sub(2));
    Duration::from_nanos((drawn / unit * unit).clamp(from.nanos(), to.nanos()))
}

/// A number from one to `most`, small ones as probable as large ones: rare, some, heavy.
pub(crate) fn log_count(draws: &mut Draws, most: u64) -> u64 {
    let octaves = most.max(1).ilog2();
    let low = 1 << draws.below(u64::from(octaves) + 1);
    (low + draws.below(low)).min(most.max(1))
}

/// A moment of the fault phase, after the cluster has begun.
pub(crate) fn moment(draws: &mut Draws, run_for: Duration) -> Duration {
    let from = Duration::from_secs(2).nanos().min(run_for.nanos() / 4);
    let to = run_for.nanos().saturating_sub(Duration::from_millis(500).nanos()).max(from + 1);
    let millis = Duration::from_millis(1).nanos();
    Duration::from_nanos((from + draws.below(to - from)) / millis * millis)
}
