//! How soon a search finds bugs that are known: the measure of strategies.
//!
//! A repetition runs case after case, the scenarios in turn, until one gives the bug away: it breaks an invariant that the
//! bug is known by, and the policy without the bug does not break it in the same case. Seeds are chosen by the number of the
//! repetition alone, so how many runs it takes is the same everywhere; how many seconds is not.

mod bugs;

use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;
use sim::{Duration, Seed};

use crate::{
    Case, Coverage, Error, PolicySpec, Scenario, catalogue,
    hunt::ROUND,
    run::{Outcome, covered},
    signature::{Signature, name},
    strategy,
    sweep::caught,
};

pub use bugs::{BUGS, Bug};

/// What is measured, and how.
pub struct Bench<'a> {
    /// The scenarios, in turn; none: those that the bug names.
    pub scenarios: &'a [Scenario],
    /// How often, each time with other seeds.
    pub repetitions: u64,
    /// After so many runs a repetition gives up.
    pub within: u64,
    /// How many repetitions at the same time.
    pub jobs: usize,
    /// Set from outside to end it.
    pub stop: &'a AtomicBool,
    /// The time on somebody's watch.
    pub clock: &'a (dyn Fn() -> Duration + Sync),
}

/// How soon a strategy finds a bug.
#[derive(Debug)]
pub struct Measured {
    /// The bug.
    pub bug: &'static Bug,
    /// The strategy, by name.
    pub strategy: String,
    /// By repetition, what was found first, if anything was.
    pub first: Vec<Option<First>>,
    /// How many runs the testbed failed.
    pub failed: u64,
    /// Whether it was stopped from outside.
    pub interrupted: bool,
}

/// The first case that gives a bug away.
#[derive(Clone, Debug)]
pub struct First {
    /// How many runs there were until then, with this one.
    pub runs: u64,
    /// How much time of one thread they took.
    pub took: Duration,
    /// The case.
    pub case: Case,
    /// What gives the bug away.
    pub signature: Signature,
}

/// Seeds of two repetitions are so far apart.
const APART: u64 = 1_000_000;

/// The bug of an id.
pub fn bug(id: &str) -> Result<&'static Bug, Error> {
    let known = || BUGS.iter().map(|bug| bug.id);
    let found = BUGS.iter().find(|bug| bug.id == id);
    found.ok_or_else(|| Error::new(format!("bug `{id}`"), crate::error::unknown("bug", id, known())))
}

impl Bench<'_> {
    /// Measures how soon a strategy finds a bug.
    ///
    /// The errors are that there is no such strategy, and that there cannot be so many jobs.
    pub fn measure(&self, bug: &'static Bug, strategy: &str) -> Result<Measured, Error> {
        let (policy, beside) = (PolicySpec::parse(bug.policy)?, PolicySpec::parse(bug.beside)?);
        strategy::named(strategy)?;
        let named = || bug.scenarios.iter().map(|name| catalogue::find(name)).collect::<Result<_, _>>();
        let scenarios: Vec<Scenario> =
            if self.scenarios.is_empty() { named()? } else { self.scenarios.to_vec() };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(self.jobs).build().map_err(|error| {
            let what = format!("so many threads cannot be had ({error}); ask for fewer");
            Error::new(format!("{} jobs", self.jobs), what)
        })?;
        let repetitions = || (0..self.repetitions).into_par_iter();
        let ended: Vec<Repetition> = pool.install(|| {
            let one = |n| self.repetition(bug, strategy, &scenarios, [&policy, &beside], n);
            repetitions().map(one).collect()
        });
        let failed = ended.iter().map(|one| one.failed).sum();
        let interrupted = ended.iter().any(|one| one.interrupted);
        let first = ended.into_iter().map(|one| one.first).collect();
        Ok(Measured { bug, strategy: strategy.to_owned(), first, failed, interrupted })
    }

    fn repetition(
        &self,
        bug: &'static Bug,
        strategy: &str,
        scenarios: &[Scenario],
        [policy, beside]: [&PolicySpec; 2],
        nth: u64,
    ) -> Repetition {
        let mut strategy = strategy::named(strategy).expect("it was looked for before");
        let mut ended = Repetition::default();
        let mut took = Duration::ZERO;
        let mut news: Vec<(Case, Coverage)> = Vec::new();
        let count = scenarios.len() as u64;
        for n in 0..self.within {
            if self.stop.load(Ordering::Relaxed) {
                ended.interrupted = true;
                return ended;
            }
            let scenario = &scenarios[(n % count) as usize];
            let seed = Seed(nth * APART + n / count);
            let began = (self.clock)();
            let ran = caught(|| {
                let case = strategy.case(scenario, policy, seed);
                let (outcome, covered) = match strategy.learns() {
                    true => covered(&case),
                    false => (case.run(), Coverage::default()),
                };
                (case, outcome, covered)
            });
            took += (self.clock)() - began;
            let judged = ran.and_then(|(case, outcome, covered)| {
                let given_away = caught(|| given_away(bug, &case, &outcome, beside))?;
                Ok((case, given_away, covered))
            });
            match judged {
                Err(_) => ended.failed += 1,
                Ok((case, Some(signature), _)) => {
                    ended.first = Some(First { runs: n + 1, took, case, signature });
                    return ended;
                }
                Ok((case, None, covered)) if strategy.learns() => news.push((case, covered)),
                Ok(_) => {}
            }
            if n % ROUND == ROUND - 1 {
                news.drain(..).for_each(|(case, covered)| strategy.learn(case, &covered));
            }
        }
        ended
    }
}

#[derive(Default)]
struct Repetition {
    first: Option<First>,
    failed: u64,
    interrupted: bool,
}

/// By what a case gives a bug away: something breaks by which it is known, and not without it.
fn given_away(bug: &Bug, case: &Case, outcome: &Outcome, beside: &PolicySpec) -> Option<Signature> {
    let is_known = |invariant: &str, name: &str| bug.by.contains(&invariant) || bug.by.contains(&name);
    if !outcome.violations.iter().any(|one| is_known(one.invariant, &name(one.invariant, one.aspect))) {
        return None;
    }
    let sound = Case { policy: beside.clone(), ..case.clone() }.run();
    let breaks_too = |what: &str| sound.violations.iter().any(|one| name(one.invariant, one.aspect) == what);
    let (_, signatures) = case.signatures();
    signatures.into_iter().find(|one| is_known(one.invariant, &one.name()) && !breaks_too(&one.name()))
}

impl Measured {
    /// In how many repetitions it was found.
    pub fn found(&self) -> usize {
        self.first.iter().flatten().count()
    }

    /// The median number of runs; none if it was not found in half of the repetitions.
    pub fn runs(&self) -> Option<u64> {
        median(self.first.iter().map(|first| first.as_ref().map(|first| first.runs)).collect())
    }

    /// The median time of one thread, in milliseconds.
    pub fn millis(&self) -> Option<u64> {
        let millis = |first: &First| first.took.nanos() / 1_000_000;
        median(self.first.iter().map(|first| first.as_ref().map(millis)).collect())
    }

    /// The finding with the fewest runs.
    pub fn soonest(&self) -> Option<&First> {
        self.first.iter().flatten().min_by_key(|first| first.runs)
    }
}

/// The middle of a list, or half way between the two in the middle. What is not there is larger than everything.
fn median(mut list: Vec<Option<u64>>) -> Option<u64> {
    list.sort_by_key(|one| one.unwrap_or(u64::MAX));
    let (low, high) = (list.get(list.len().checked_sub(1)? / 2)?, list.get(list.len() / 2)?);
    Some((*low)?.midpoint((*high)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_found_counts_as_late() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![Some(9), None, Some(3)]), Some(9));
        assert_eq!(median(vec![Some(9), None, Some(3), Some(4)]), Some(6));
        assert_eq!(median(vec![Some(9), None, Some(3), None]), None);
    }

    #[test]
    fn every_bug_has_two_policies_and_is_known_by_something() {
        for bug in BUGS {
            for policy in [bug.policy, bug.beside] {
                PolicySpec::parse(policy).unwrap_or_else(|error| panic!("{}: {error}", bug.id));
            }
            for name in bug.by {
                let invariant = name.split(" (").next().unwrap_or_default();
                let known = model::invariants::ALL.iter().find(|one| one.name == invariant);
                let known = known.unwrap_or_else(|| panic!("{}: {name}", bug.id));
                let aspect = name.split_once(" (").map(|(_, aspect)| aspect.trim_end_matches(')'));
                assert!(
                    aspect.is_none_or(|aspect| known.aspects.iter().any(|(one, _)| *one == aspect)),
                    "{}: {name}",
                    bug.id
                );
            }
        }
    }
}
