//! Hunting: seed after seed of several scenarios, until time is up; what is found is told once, by its signature.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
};

use rayon::prelude::*;
use sim::{Duration, Seed};

use crate::{
    Case, Coverage, Error, PolicySpec, Scenario,
    run::{Outcome, covered},
    signature::Signature,
    strategy::Strategy,
    sweep::caught,
};

/// One kind of break, however often it was found.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What breaks, and the shape of how.
    pub signature: Signature,
    /// In how many runs.
    pub runs: u64,
    /// The scenario and the first seed.
    pub first: (String, Seed),
    /// The case with the fewest records of those found.
    pub smallest: Case,
    /// How many records it has.
    pub records: u64,
}

/// What came of a hunt.
#[derive(Clone, Debug, Default)]
pub struct Hunted {
    /// How many runs came to their end.
    pub ran: u64,
    /// In how many of them something broke.
    pub broken: u64,
    /// How many of them could not be won, and broke nothing.
    pub inconclusive: u64,
    /// All simulated time.
    pub simulated: Duration,
    /// How many runs the testbed failed, with the scenario, seed and message of a few of them.
    pub failed: u64,
    /// The first of these.
    pub failures: Vec<(String, Seed, String)>,
    /// What was found, by signature.
    pub findings: BTreeMap<Signature, Finding>,
    /// How many runs broke in a way that was not kept, because so many others were.
    pub not_kept: u64,
    /// What the runs have covered, if the strategy learns.
    pub covered: Coverage,
}

/// What is hunted, and how.
pub struct Hunt<'a> {
    /// Each scenario in turn.
    pub scenarios: &'a [Scenario],
    /// The version.
    pub policy: &'a PolicySpec,
    /// Where to look.
    pub strategy: &'a mut dyn Strategy,
    /// The first seed; each scenario gets the same ones.
    pub from: u64,
    /// As many seeds of each scenario, at most.
    pub seeds: u64,
    /// How many runs at the same time. What a given number of seeds comes to does not depend on it.
    pub jobs: usize,
    /// Set from outside to end it.
    pub stop: &'a AtomicBool,
}

/// So many seeds of a scenario are run before the next one has its turn, and before a strategy learns.
pub(crate) const ROUND: u64 = 16;
/// So many kinds of breaks are kept.
const KEPT: usize = 1000;
/// So many failures are told.
const FAILURES: usize = 10;

/// What one case came to.
struct Ran {
    seed: Seed,
    case: Case,
    result: Result<(Outcome, Vec<Signature>, Coverage), String>,
}

/// Hunts until all seeds are run, or `goes_on`, which is told after each round, says no, or it is stopped.
pub fn hunt(hunt: &mut Hunt, mut goes_on: impl FnMut(&Hunted) -> bool) -> Result<Hunted, Error> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(hunt.jobs).build().map_err(|error| {
        Error::new(
            format!("{} jobs", hunt.jobs),
            format!("so many threads cannot be had ({error}); ask for fewer"),
        )
    })?;
    let mut hunted = Hunted::default();
    let end = hunt.from.saturating_add(hunt.seeds);
    let mut next = hunt.from;
    while next < end {
        let round = next..end.min(next + ROUND);
        for scenario in hunt.scenarios {
            let (strategy, stop) = (&*hunt.strategy, hunt.stop);
            let one = |seed: u64| {
                (!stop.load(Ordering::Relaxed)).then(|| attempt(strategy, scenario, hunt.policy, Seed(seed)))
            };
            let ran: Vec<Option<Ran>> = pool.install(|| round.clone().into_par_iter().map(one).collect());
            let complete = ran.iter().all(Option::is_some);
            // In order of the seeds: the first gap ends what counts.
            for ran in ran.into_iter().map_while(|ran| ran) {
                hunted.count(scenario, ran, hunt.strategy);
            }
            if !complete || !goes_on(&hunted) {
                return Ok(hunted);
            }
        }
        next = round.end;
    }
    Ok(hunted)
}

fn attempt(strategy: &dyn Strategy, scenario: &Scenario, policy: &PolicySpec, seed: Seed) -> Ran {
    let made = caught(|| strategy.case(scenario, policy, seed));
    let case = match made {
        Ok(case) => case,
        Err(message) => {
            return Ran { seed, case: Case::new(scenario, policy, seed), result: Err(message) };
        }
    };
    let result = caught(|| {
        let (outcome, covered) = match strategy.learns() {
            true => covered(&case),
            false => (case.run(), Coverage::default()),
        };
        match outcome.is_broken() {
            false => (outcome, Vec::new(), covered),
            true => {
                let (outcome, signatures) = case.signatures();
                (outcome, signatures, covered)
            }
        }
    });
    Ran { seed, case, result }
}

impl Hunted {
    fn count(&mut self, scenario: &Scenario, ran: Ran, strategy: &mut dyn Strategy) {
        let Ran { seed, case, result } = ran;
        let (outcome, signatures, covered) = match result {
            Ok(result) => result,
            Err(message) => {
                self.failed += 1;
                if self.failures.len() < FAILURES {
                    self.failures.push((scenario.name().to_owned(), seed, message));
                }
                return;
            }
        };
        self.ran += 1;
        self.simulated += case.scenario.length();
        self.broken += u64::from(outcome.is_broken());
        self.inconclusive += u64::from(!outcome.is_broken() && !outcome.held());
        for signature in signatures {
            self.find(scenario, seed, &case, &outcome, signature);
        }
        if strategy.learns() {
            self.covered.add(&covered);
            strategy.learn(case, &covered);
        }
    }

    fn find(
        &mut self,
        scenario: &Scenario,
        seed: Seed,
        case: &Case,
        outcome: &Outcome,
        signature: Signature,
    ) {
        let records = outcome.records;
        let room = self.findings.len() < KEPT;
        match self.findings.get_mut(&signature) {
            Some(finding) => {
                finding.runs += 1;
                if records < finding.records {
                    (finding.smallest, finding.records) = (case.clone(), records);
                }
            }
            None if !room => self.not_kept += 1,
            None => {
                let first = (scenario.name().to_owned(), seed);
                let finding =
                    Finding { signature: signature.clone(), runs: 1, first, smallest: case.clone(), records };
                self.findings.insert(signature, finding);
            }
        }
    }

    /// What was found, most frequent first.
    pub fn by_frequency(&self) -> Vec<&Finding> {
        let mut findings: Vec<&Finding> = self.findings.values().collect();
        findings.sort_by_key(|finding| (std::cmp::Reverse(finding.runs), &finding.signature));
        findings
    }
}
