//! A case: everything that one run follows from.

use sim::{Decisions, Seed};

use crate::{
    PolicySpec, Scenario,
    run::{Outcome, run},
    signature::Signature,
    trace::{Line, trace},
};

/// What is run: four things, and nothing else matters.
#[derive(Clone, Debug)]
pub struct Case {
    /// The scenario.
    pub scenario: Scenario,
    /// The policy.
    pub policy: PolicySpec,
    /// The seed.
    pub seed: Seed,
    /// Decisions that are not left to the seed.
    pub decisions: Decisions,
}

impl Case {
    /// A seed of a scenario, with everything left to it.
    pub fn new(scenario: &Scenario, policy: &PolicySpec, seed: Seed) -> Case {
        let (scenario, policy) = (scenario.clone(), policy.clone());
        Case { scenario, policy, seed, decisions: Decisions::default() }
    }

    /// The same with what its seed makes of the scenario: without chaos.
    #[must_use]
    pub fn concrete(self) -> Case {
        if !self.scenario.has_chaos() {
            return self;
        }
        Case { scenario: self.scenario.concrete(self.seed), ..self }
    }

    /// Runs it.
    pub fn run(&self) -> Outcome {
        run(&self.scenario, &self.policy, self.seed, &self.decisions)
    }

    /// Runs it, and keeps every record.
    pub fn trace(&self) -> (Outcome, Vec<Line>) {
        trace(self)
    }

    /// Runs it, and a second time, for the signatures, only if something broke.
    pub(crate) fn signatures_if_broken(&self) -> (Outcome, Vec<Signature>) {
        let outcome = self.run();
        if outcome.is_broken() { self.signatures() } else { (outcome, Vec::new()) }
    }

    /// Runs it, and tells what it broke by its signature: each aspect of an invariant once, in order of discovery.
    pub fn signatures(&self) -> (Outcome, Vec<Signature>) {
        let (outcome, lines) = trace(self);
        let signatures = outcome.violations.iter().map(|violation| Signature::of(&lines, violation));
        let mut known: Vec<Signature> = Vec::new();
        for signature in signatures {
            if known.iter().all(|one| one.name() != signature.name()) {
                known.push(signature);
            }
        }
        (outcome, known)
    }
}
