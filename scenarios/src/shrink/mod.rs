//! Shrinking: from a run that breaks something to the fewest deviations from nominal weather that still break it.
//!
//! Everything is tried in a fixed order: all decisions nominally, then whole classes of them, streams, single ones; fewer
//! faults, tables, nodes, less of the workload; and what stays made smaller. A step is taken if the same aspect of the same
//! invariant still breaks, with the same signature. The result is a case like any other: it can be run, saved and replayed.

mod decisions;
mod edits;
mod reduce;
mod words;

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
};

use rayon::prelude::*;
use sim::{Decided, Decision, DecisionAddress, Decisions, Duration, Instant, Seed};

use crate::{
    Case, Error, PolicySpec, Scenario,
    run::{Broken, broken_at},
    signature::Signature,
};

pub use words::deviations;

/// What a case has been shrunk to.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The smallest case that was found.
    pub case: Case,
    /// What it breaks, as the case did that it comes from.
    pub signature: Signature,
    /// How many runs it took, as if one had followed the other.
    pub runs: u64,
    /// Whether something was left to be tried when the budget was used up, or when it was told to stop.
    pub unfinished: bool,
}

/// How far it has come.
#[derive(Clone, Debug)]
pub struct Progress<'a> {
    /// How many runs have been made.
    pub runs: u64,
    /// What has been left out, made nominal or made smaller.
    pub step: &'a str,
    /// How many decisions still differ from nominal weather.
    pub decisions: usize,
    /// How many faults and commands there are.
    pub faults: usize,
}

/// How a case is shrunk.
pub struct Shrinking<'a> {
    /// How many runs it may take.
    pub budget: u64,
    /// How many of them at the same time; the result does not depend on it.
    pub jobs: usize,
    /// A policy under which the same must not break: what is looked for is what this one does better.
    pub beside: Option<&'a PolicySpec>,
    /// Set from outside to end it early; the smallest case until then is the result.
    pub stop: &'a AtomicBool,
    /// Hears of every step that was taken.
    pub tell: &'a mut dyn FnMut(&Progress),
}

/// A case on its way.
#[derive(Clone, Debug)]
struct Attempt {
    table: toml::Table,
    overrides: BTreeMap<DecisionAddress, Decision>,
    scenario: Scenario,
}

/// The search.
struct Search<'a> {
    best: Attempt,
    target: Target,
    /// What the decisions of the original case would have been nominally.
    nominal: BTreeMap<DecisionAddress, Decision>,
    pool: rayon::ThreadPool,
    how: Shrinking<'a>,
    runs: u64,
}

/// What an attempt has to break, and under what.
struct Target {
    policy: PolicySpec,
    beside: Option<PolicySpec>,
    seed: Seed,
    signature: Signature,
    /// When the original case breaks it.
    when: Broken,
}

/// So many candidates are tried at the same time, whatever the number of jobs.
const WINDOW: usize = 4;

/// Shrinks a case that breaks something.
///
/// `aspect` says what (`single_writer (admitted)`); without it, the first thing that breaks. An error says that the case
/// does not break it, or that its weather cannot be told by its decisions.
pub fn shrink(case: &Case, aspect: Option<&str>, how: Shrinking) -> Result<Shrunk, Error> {
    let case = &case.clone().concrete();
    let at = case.scenario.name().to_owned();
    let logged = Decisions { logged: true, ..case.decisions.clone() };
    let logged = Case { decisions: logged, ..case.clone() };
    let (outcome, decided) = crate::run::decided(&logged, None);
    let wanted = |signature: &&Signature| aspect.is_none_or(|aspect| signature.name() == aspect);
    let (_, signatures) = case.signatures();
    let Some(signature) = signatures.iter().find(wanted).cloned() else {
        let what = match (aspect, signatures.first()) {
            (_, None) => "everything holds in this run; there is nothing to shrink".to_owned(),
            (Some(aspect), Some(first)) => {
                format!("this run does not break {aspect}; it breaks {}", first.name())
            }
            (None, Some(_)) => unreachable!("without an aspect any will do"),
        };
        return Err(Error::new(at, what));
    };
    tracing::debug!(seed = %outcome.seed, decided = decided.len(), "{signature}");
    let pool = rayon::ThreadPoolBuilder::new().num_threads(how.jobs).build().map_err(|error| {
        Error::new(
            format!("{} jobs", how.jobs),
            format!("so many threads cannot be had ({error}); ask for fewer"),
        )
    })?;
    let (table, scenario) = edits::begin(&case.scenario, case.seed)?;
    let overrides = decided.iter().map(|one| (one.address.clone(), one.decision)).collect();
    let nominal = decided.into_iter().map(|Decided { address, nominal, .. }| (address, nominal)).collect();
    let best = Attempt { table, overrides, scenario };
    let Some(when) = broken_at(case, signature.invariant, signature.aspect, None) else {
        return Err(Error::new(
            at,
            format!("{} breaks once, and not when it is run again", signature.name()),
        ));
    };
    let beside = how.beside.cloned();
    let target = Target { policy: case.policy.clone(), beside, seed: case.seed, signature, when };
    let mut search = Search { best, target, nominal, pool, how, runs: 0 };
    if !search.target.is_broken_by(&search.best) {
        let what = "this run cannot be told by its decisions alone: a fault of the testbed; please report it";
        return Err(Error::new(at, what));
    }
    search.everything();
    let unfinished = search.is_over();
    let case = search.target.case(&search.best);
    Ok(Shrunk { case, signature: search.target.signature, runs: search.runs, unfinished })
}

impl Search<'_> {
    fn everything(&mut self) {
        self.nominal_weather();
        loop {
            let before = self.best.size();
            // What is smaller runs faster; there may be many decisions to try.
            self.edits();
            self.decisions();
            if self.best.size() == before || self.is_over() {
                break;
            }
        }
        self.magnitudes();
    }

    /// Whether it settles before it is judged: then the time for that is not to be taken away.
    fn settles(&self) -> bool {
        self.target.when == Broken::AtTheEnd
    }

    fn is_over(&self) -> bool {
        self.runs >= self.how.budget || self.how.stop.load(Ordering::Relaxed)
    }

    /// Takes the first of these attempts that still breaks the same. Says which one.
    fn first(&mut self, attempts: &[Attempt], step: impl Fn(usize) -> String) -> Option<usize> {
        for (window, tried) in attempts.chunks(WINDOW).enumerate() {
            if self.is_over() {
                return None;
            }
            let target = &self.target;
            let breaks = |attempt: &Attempt| target.is_broken_by(attempt);
            let found = self.pool.install(|| tried.par_iter().position_first(breaks));
            self.runs += found.map_or(tried.len(), |found| found + 1) as u64;
            if let Some(found) = found {
                let found = window * WINDOW + found;
                self.best = attempts[found].clone();
                let (decisions, faults) = (self.best.overrides.len(), edits::faults(&self.best.table));
                (self.how.tell)(&Progress { runs: self.runs, step: &step(found), decisions, faults });
                return Some(found);
            }
        }
        None
    }
}

impl Target {
    /// The case that an attempt stands for.
    fn case(&self, attempt: &Attempt) -> Case {
        let decisions = Decisions::nominal_but(attempt.overrides.clone());
        let (policy, seed) = (self.policy.clone(), self.seed);
        Case { scenario: attempt.scenario.clone(), policy, seed, decisions }
    }

    /// Whether an attempt still breaks the same in the same way.
    fn is_broken_by(&self, attempt: &Attempt) -> bool {
        let case = self.case(attempt);
        let same = || case.signatures().1.contains(&self.signature);
        // What takes much longer is another story; what is seen when the cluster has settled takes until then.
        let until = match self.when {
            Broken::At(at) => Some(Instant::from_nanos(at.nanos() / 4 * 5) + Duration::from_secs(5)),
            Broken::AtTheEnd => None,
        };
        let breaks =
            |case: &Case| broken_at(case, self.signature.invariant, self.signature.aspect, until).is_some();
        let other = |beside: &PolicySpec| Case { policy: beside.clone(), ..case.clone() };
        breaks(&case) && same() && self.beside.as_ref().is_none_or(|beside| !breaks(&other(beside)))
    }
}

impl Attempt {
    /// What grows with everything that a story has to tell.
    fn size(&self) -> (usize, usize) {
        (self.overrides.len(), self.table.to_string().len())
    }
}
