//! Policies against scenarios, and mutants against the versions that they are made in: all under the same weather.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    ops::Range,
    sync::atomic::AtomicBool,
};

use model::policy::{MUTANTS, Mutant};
use sim::Decisions;

use crate::{
    Error, PolicySpec, Scenario,
    run::run,
    sweep::{Broke, Ended, Tally, sweep},
};

/// Which seeds, and how.
pub struct Sweeping<'a> {
    /// The same for every scenario; none: as many as each asks for.
    pub seeds: Option<Range<u64>>,
    /// How many run at the same time.
    pub jobs: usize,
    /// Set when they are to end.
    pub stop: &'a AtomicBool,
    /// Is told of every seed that is done.
    pub tell: &'a mut dyn FnMut(&Ended),
}

/// What came of each policy in each scenario.
#[derive(Debug)]
pub struct Matrix {
    /// The columns.
    pub scenarios: Vec<String>,
    /// A policy and its cells, in order of the scenarios. One that was interrupted ends early.
    pub rows: Vec<(String, Vec<Tally>)>,
}

/// A mutant, and by what it gives itself away.
#[derive(Debug)]
pub struct Found {
    /// The mutant.
    pub mutant: &'static Mutant,
    /// The scenarios in which something breaks that holds, on the same seeds, in the version that the mutant is made in.
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
    fn cell(&mut self, scenario: &Scenario, policy: &PolicySpec) -> Result<Tally, Error> {
        let seeds = self.seeds.clone().unwrap_or(0..scenario.seeds());
        let one = |seed| run(scenario, policy, seed, &Decisions::default());
        sweep(seeds, self.jobs, self.stop, one, |ended| (self.tell)(ended))
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

/// Runs every mutant in every scenario, beside the version that it is made in; `claimed`: only in those that claim something
/// about it. Those after an interruption are left out.
///
/// The errors are that there cannot be so many jobs, and that a mutant is no policy.
pub fn mutants(scenarios: &[Scenario], claimed: bool, mut how: Sweeping) -> Result<Vec<Found>, Error> {
    let mut found = Vec::new();
    let mut sound: BTreeMap<(&str, usize), Tally> = BTreeMap::new();
    for mutant in MUTANTS {
        let version = mutant.policy.split('+').next().unwrap_or_default();
        let policy = PolicySpec::parse(mutant.id)?;
        let mut by = Vec::new();
        for (n, scenario) in scenarios.iter().enumerate() {
            if claimed && !scenario.claims().iter().any(|claim| claim.policy.name() == mutant.id) {
                continue;
            }
            let sound = match sound.entry((version, n)) {
                Entry::Occupied(entry) => entry.into_mut(),
                Entry::Vacant(entry) => entry.insert(how.cell(scenario, &PolicySpec::parse(version)?)?),
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
