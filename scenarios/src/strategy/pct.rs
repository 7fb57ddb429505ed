//! Probabilistic concurrency testing: what is slow is slow all the time, and a few times something else becomes slow.

use sim::{Decisions, Draws, Otherwise, Priorities, Seed};

use super::Strategy;
use crate::{Case, PolicySpec, Scenario};

/// With one to three changes of priorities.
pub(super) struct Pct;

/// A change comes at a delay whose number has so many bits: early moments, which decide much, are as probable as late ones.
const BITS: (u64, u64) = (6, 17);

impl Strategy for Pct {
    fn name(&self) -> &'static str {
        "pct"
    }

    fn case(&self, scenario: &Scenario, policy: &PolicySpec, seed: Seed) -> Case {
        let case = Case::new(scenario, policy, seed).concrete();
        let mut draws = Draws::new(seed, "strategy pct");
        let count = 1 + draws.below(3);
        let mut changes: Vec<u64> = (0..count)
            .map(|_| {
                let low = 1 << (BITS.0 + draws.below(BITS.1 - BITS.0));
                low + draws.below(low)
            })
            .collect();
        changes.sort_unstable();
        let priorities = Priorities { key: draws.below(u64::MAX), changes };
        let otherwise = Otherwise::Prioritized(priorities);
        Case { decisions: Decisions { otherwise, ..Decisions::default() }, ..case }
    }
}
