//! A strategy that serves a sweep: it makes the case of a seed on whatever thread, and learns in the order of the seeds.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError, RwLock},
};

use sim::Seed;

use super::{Strategy, named};
use crate::{
    Case, Coverage, Error, PolicySpec, Scenario,
    hunt::ROUND,
    run::{Outcome, covered},
};

/// The cases of one scenario under one policy.
pub struct Cases {
    scenario: Scenario,
    policy: PolicySpec,
    strategy: RwLock<Box<dyn Strategy>>,
    /// What a strategy that learns has made and nobody has told of yet. It cannot be made again.
    made: Mutex<BTreeMap<Seed, (Case, Coverage)>>,
}

impl Cases {
    /// The strategy of a name, for a sweep of a scenario.
    pub fn new(scenario: &Scenario, policy: &PolicySpec, strategy: &str) -> Result<Cases, Error> {
        let (scenario, policy) = (scenario.clone(), policy.clone());
        Ok(Cases { scenario, policy, strategy: RwLock::new(named(strategy)?), made: Mutex::default() })
    }

    /// How many seeds are to be run before any of them is told of, if that matters.
    pub fn round(&self) -> Option<u64> {
        self.strategy.read().unwrap_or_else(PoisonError::into_inner).learns().then_some(ROUND)
    }

    /// Makes the case of a seed and runs it.
    pub fn run(&self, seed: Seed) -> Outcome {
        let strategy = self.strategy.read().unwrap_or_else(PoisonError::into_inner);
        let case = strategy.case(&self.scenario, &self.policy, seed);
        // The case of a seed may be made of another one.
        if !strategy.learns() {
            return Outcome { seed, ..case.run() };
        }
        let (outcome, covered) = covered(&case);
        self.made.lock().unwrap_or_else(PoisonError::into_inner).insert(seed, (case, covered));
        Outcome { seed, ..outcome }
    }

    /// The case of a seed, before it has been told of.
    pub fn case(&self, seed: Seed) -> Case {
        let strategy = self.strategy.read().unwrap_or_else(PoisonError::into_inner);
        strategy.case(&self.scenario, &self.policy, seed)
    }

    /// The case of a seed that has been run. To be told of every one, once, in their order: that is how a strategy learns.
    pub fn told(&self, seed: Seed) -> Case {
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner).remove(&seed);
        let mut strategy = self.strategy.write().unwrap_or_else(PoisonError::into_inner);
        match made {
            Some((case, covered)) => {
                strategy.learn(case.clone(), &covered);
                case
            }
            None => strategy.case(&self.scenario, &self.policy, seed),
        }
    }
}
