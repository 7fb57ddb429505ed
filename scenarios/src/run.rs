//! One run: a pure function of a scenario, a policy and a seed.

use model::{
    Record, Sim,
    invariants::{self, Invariant, Violation},
};
use sim::{Decisions, Kind as _, Seed};

use crate::{Drawn, PolicySpec, Scenario};

/// What came of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The seed.
    pub seed: Seed,
    /// The digest of all records.
    pub digest: u64,
    /// How many records there were.
    pub records: u64,
    /// What was broken, in order of discovery: each aspect of an invariant once.
    pub violations: Vec<Violation>,
    /// Which kinds of notes were made, by kind.
    pub witnessed: Vec<bool>,
    /// How many of the overriding decisions were applied.
    pub overrides_used: usize,
}

impl Outcome {
    /// Whether everything held.
    pub fn held(&self) -> bool {
        self.violations.is_empty()
    }
}

/// Who watches a run, and what they have seen.
struct Watch {
    invariants: Vec<Box<dyn Invariant>>,
    violations: Vec<Violation>,
    witnessed: Vec<bool>,
    records: u64,
}

impl Watch {
    fn new() -> Watch {
        Watch {
            invariants: invariants::ALL.iter().map(invariants::Named::watch).collect(),
            violations: Vec::new(),
            witnessed: vec![false; model::Note::KINDS],
            records: 0,
        }
    }

    #[inline]
    fn observe(&mut self, sim: &Sim, record: &Record) {
        self.records += 1;
        for note in &record.notes {
            self.witnessed[note.kind()] = true;
        }
        for invariant in &mut self.invariants {
            invariant.observe(sim, record, &mut self.violations);
        }
    }
}

/// Runs a scenario under a policy and a seed.
pub fn run(scenario: &Scenario, policy: &PolicySpec, seed: Seed, decisions: &Decisions) -> Outcome {
    run_with(scenario, policy, seed, decisions, |_, _| {})
}

/// The same, and shows every record to `see`.
pub(crate) fn run_with(
    scenario: &Scenario,
    policy: &PolicySpec,
    seed: Seed,
    decisions: &Decisions,
    mut see: impl FnMut(&Sim, &Record),
) -> Outcome {
    let drawn = Drawn::draw(&scenario.file, policy.policy(), seed);
    let mut sim = Sim::new(drawn.cluster.layout(seed), drawn.plan, seed, decisions);
    let mut watch = Watch::new();
    while sim.step(drawn.end) {
        watch.observe(&sim, sim.record());
        see(&sim, sim.record());
    }
    for invariant in &mut watch.invariants {
        invariant.settled(&sim, &mut watch.violations);
    }
    let Watch { violations, witnessed, records, .. } = watch;
    let (digest, overrides_used) = (sim.digest().value(), sim.overrides_used());
    Outcome { seed, digest, records, violations, witnessed, overrides_used }
}
