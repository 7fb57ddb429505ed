//! Policies against scenarios, scenarios against what they claim, and mutants against what they are a mistake in: all under the same
//! weather.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    ops::Range,
    sync::atomic::AtomicBool,
};

use model::policy::{MUTANTS, Mutant};
use sim::Decisions;

use crate::{
    Claim, Error, PolicySpec, Scenario,
    run::run,
    sweep::{Broke, Ended, Tally, sweep},
};

/// The versions whose matrix tells which of the competing designs is safe, and what each pull request buys: those that were merged, in
/// order, and among them the two designs that were not.
pub const VERSIONS: &[&str] =
    &["baseline", "pr-5106", "pr-4828", "pr-5181", "pr-5182", "pr-5434", "pr-5435", "pr-5436", "master"];

/// Which seeds, and how.
pub struct Sweeping<'a> {
    /// The same for every scenario; none: as many as each asks for.
    pub seeds: Option<Range<u64>>,
    /// How many run at the same time.
    pub jobs: usize,
    /// Set when they are to end.
    pub stop: &'a AtomicBool,
    /// Is told of every seed that is done.
    pub tell: &'a mut dyn FnMut(&Scenario, &Ended),
}

/// What came of each policy in each scenario.
#[derive(Debug)]
pub struct Matrix {
    /// The columns.
    pub scenarios: Vec<String>,
    /// A policy and its cells, in order of the scenarios. One that was interrupted ends early.
    pub rows: Vec<(String, Vec<Tally>)>,
}

/// A claim of a scenario, and what came of it.
#[derive(Debug)]
pub struct Checked {
    /// The scenario.
    pub scenario: String,
    /// What it claims of a policy.
    pub claim: Claim,
    /// The seeds that were asked for.
    pub seeds: Range<u64>,
    /// What its runs under that policy came to. They may have been interrupted.
    pub tally: Tally,
}

/// A mutant, and by what it gives itself away.
#[derive(Debug)]
pub struct Found {
    /// The mutant.
    pub mutant: &'static Mutant,
    /// The scenarios in which something breaks that holds, on the same seeds, in the policy that the mutant is a mistake in.
    pub by: Vec<Detection>,
}

/// A scenario that detects a mutant.
#[derive(Debug)]
pub struct Detection {
    /// The scenario.
    pub scenario: String,
    /// What breaks, and in how many seeds.
    pub broke: Vec<Broke>,
    /// Of how many.
    pub ran: u64,
}

impl Sweeping<'_> {
    fn seeds(&self, scenario: &Scenario) -> Range<u64> {
        self.seeds.clone().unwrap_or(0..scenario.seeds())
    }

    fn cell(&mut self, scenario: &Scenario, policy: &PolicySpec) -> Result<Tally, Error> {
        let seeds = self.seeds(scenario);
        let one = |seed| run(scenario, policy, seed, &Decisions::default());
        sweep(seeds, self.jobs, self.stop, one, |ended| (self.tell)(scenario, ended))
    }
}

/// Runs every policy in every scenario.
///
/// The only error is that there cannot be so many jobs.
pub fn matrix(policies: &[PolicySpec], scenarios: &[Scenario], mut how: Sweeping) -> Result<Matrix, Error> {
    let mut rows = Vec::new();
    for policy in policies {
        let mut cells: Vec<Tally> = Vec::new();
        for scenario in scenarios {
            cells.push(how.cell(scenario, policy)?);
            if cells.last().is_some_and(|cell| cell.interrupted) {
                rows.push((policy.name().to_owned(), cells));
                return Ok(Matrix { scenarios: names(scenarios), rows });
            }
        }
        rows.push((policy.name().to_owned(), cells));
    }
    Ok(Matrix { scenarios: names(scenarios), rows })
}

fn names(scenarios: &[Scenario]) -> Vec<String> {
    scenarios.iter().map(|scenario| scenario.name().to_owned()).collect()
}

/// Checks every claim of every scenario. Those after an interruption are left out.
///
/// The only error is that there cannot be so many jobs.
pub fn claims(scenarios: &[Scenario], mut how: Sweeping) -> Result<Vec<Checked>, Error> {
    let mut all = Vec::new();
    for scenario in scenarios {
        for claim in scenario.claims() {
            let checked = check(scenario, &claim, &mut how)?;
            let interrupted = checked.tally.interrupted;
            all.push(checked);
            if interrupted {
                return Ok(all);
            }
        }
    }
    Ok(all)
}

/// Checks one claim.
pub(crate) fn check(scenario: &Scenario, claim: &Claim, how: &mut Sweeping) -> Result<Checked, Error> {
    let tally = how.cell(scenario, &claim.policy)?;
    let (name, seeds) = (scenario.name().to_owned(), how.seeds(scenario));
    Ok(Checked { scenario: name, claim: claim.clone(), seeds, tally })
}

/// Runs every mutant in every scenario, beside what it is a mistake in; `claimed`: only in those that claim something
/// about it. Those after an interruption are left out.
///
/// The errors are that there cannot be so many jobs, and that a mutant is no policy.
pub fn mutants(scenarios: &[Scenario], claimed: bool, mut how: Sweeping) -> Result<Vec<Found>, Error> {
    let mut found = Vec::new();
    let mut sound: BTreeMap<(&str, usize), Tally> = BTreeMap::new();
    for mutant in MUTANTS {
        let policy = PolicySpec::parse(mutant.id)?;
        let mut by = Vec::new();
        for (n, scenario) in scenarios.iter().enumerate() {
            if claimed && !scenario.claims().iter().any(|claim| claim.policy.name() == mutant.id) {
                continue;
            }
            let sound = match sound.entry((mutant.beside, n)) {
                Entry::Occupied(entry) => entry.into_mut(),
                Entry::Vacant(entry) => entry.insert(how.cell(scenario, &PolicySpec::parse(mutant.beside)?)?),
            };
            let cell = how.cell(scenario, &policy)?;
            if sound.interrupted || cell.interrupted {
                return Ok(found);
            }
            let known: Vec<String> = sound.by_aspect.iter().map(ToString::to_string).collect();
            let broke = cell.by_aspect.into_iter().filter(|broke| !known.contains(&broke.to_string()));
            let broke: Vec<Broke> = broke.collect();
            if !broke.is_empty() {
                by.push(Detection { scenario: scenario.name().to_owned(), broke, ran: cell.ran });
            }
        }
        found.push(Found { mutant, by });
    }
    Ok(found)
}
