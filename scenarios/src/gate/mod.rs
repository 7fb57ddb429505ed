//! The gate: one verdict on whether a change may go in.
//!
//! Four kinds of work: every claim of the catalogue, with a few of its runs held against what is written down; every capsule
//! of the fixtures; every mutant that the catalogue claims to detect; and fresh seeds of the general scenarios, in which
//! something may break only if it is known. Work is numbered, so that it can be divided into shards, and what comes of it
//! does not depend on how it was divided.

mod check;
mod detections;
mod fixtures;
mod fresh;
mod outcomes;
mod shard;
mod update;

use std::sync::{
    Mutex,
    atomic::{AtomicBool, Ordering},
};

use model::policy::Mutant;
use rayon::prelude::*;

pub use detections::{Detection, Detections, claimed};
pub use fixtures::{CAPSULES, DETECTIONS, Fixtures, KNOWN, OUTCOMES};
pub use fresh::{Finding, Fresh, Place, Ran, Seeds};
pub use outcomes::{Differs, Outcomes, SEEDS, runs, verdict};
pub use shard::Shard;
pub use update::{Updated, update};

use crate::{
    Case, Claim, Error, PolicySpec, Scenario,
    capsule::Capsule,
    shrink::{Shrinking, deviations, shrink},
    signature::Signature,
};

/// The policy that a gate is about: the merged state of the protocol.
pub const UNDER_TEST: &str = "master";

/// So many failures are shrunk, and so many new findings; the others are told as they are.
pub const SHRUNK: usize = 5;

/// What is to be checked, and how.
pub struct Gate<'a> {
    /// The scenarios; whatever belongs to others is left out.
    pub scenarios: &'a [Scenario],
    /// What runs where `master` is meant: itself, or a change of it that is tried.
    pub policy: &'a PolicySpec,
    /// What is written down.
    pub fixtures: &'a Fixtures,
    /// The fresh seeds.
    pub seeds: Seeds,
    /// Which part of the work.
    pub shard: Shard,
    /// How many runs a shrink may take.
    pub shrink_budget: u64,
    /// How many runs at the same time; the result does not depend on it.
    pub jobs: usize,
    /// Set from outside to end it early.
    pub stop: &'a AtomicBool,
    /// Whether there is no more time for fresh seeds. It is asked before the first of them, and now and then.
    pub time_is_up: &'a (dyn Fn() -> bool + Sync),
    /// Is told how much work is done, of how much.
    pub tell: &'a (dyn Fn(u64, u64) + Sync),
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Gated {
    /// Claims, capsules and mutants, in the order of all work.
    pub checked: Vec<Checked>,
    /// The fresh seeds.
    pub fresh: Fresh,
    /// What was found in them, by name and shape.
    pub findings: Vec<Found>,
    /// Whether it was stopped early.
    pub interrupted: bool,
}

/// A piece of work, and how it came out.
#[derive(Clone, Debug)]
pub struct Checked {
    /// Its number among all work.
    pub n: u64,
    /// What it is.
    pub what: What,
    /// How it came out.
    pub judged: Judged,
}

/// What is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// What a scenario claims of a policy.
    Claim {
        /// The scenario.
        scenario: String,
        /// The policy that the claim names.
        policy: String,
    },
    /// A capsule of the fixtures, by its path.
    Capsule(String),
    /// A mutant, by name.
    Mutant(&'static str),
}

/// How a piece of work came out.
#[derive(Clone, Debug)]
pub enum Judged {
    /// As it is to be.
    Passed,
    /// It is not as it is to be.
    Failed(Failure),
    /// The testbed failed.
    Errored(Failure),
    /// It was stopped before.
    NotRun,
}

/// Why something failed.
#[derive(Clone, Debug)]
pub struct Failure {
    /// In words.
    pub why: String,
    /// The run that shows it, if one does.
    pub case: Option<Box<Case>>,
    /// What that breaks, as claims name it, if it is about that.
    pub breaks: Option<String>,
    /// The smallest run that breaks the same.
    pub shrunk: Option<Box<Shrunk>>,
}

/// A shrunk run.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// It.
    pub case: Case,
    /// In what it differs from nominal weather, in words.
    pub deviations: Vec<String>,
}

/// What broke in fresh seeds.
#[derive(Clone, Debug)]
pub struct Found {
    /// What, and the shape of how.
    pub signature: Signature,
    /// Where and how often.
    pub finding: Finding,
    /// The names of the known findings that explain it, together; none: it is new.
    pub known: Vec<String>,
    /// The smallest run that breaks the same, if it is not known.
    pub shrunk: Option<Box<Shrunk>>,
}

/// Work in its order.
enum Work<'a> {
    Claim(&'a Scenario, Claim),
    Capsule(&'a str, &'a Capsule),
    Mutant(&'static Mutant),
}

/// Checks everything that a shard has.
///
/// The only error is that there cannot be so many jobs.
pub fn gate(gate: &Gate) -> Result<Gated, Error> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(gate.jobs).build().map_err(|error| {
        Error::new(
            format!("{} jobs", gate.jobs),
            format!("so many threads cannot be had ({error}); ask for fewer"),
        )
    })?;
    Ok(pool.install(|| gate.run()))
}

impl Judged {
    fn failed(why: String, case: Case, breaks: Option<String>) -> Judged {
        Judged::Failed(Failure { why, case: Some(Box::new(case)), breaks, shrunk: None })
    }

    fn errored(case: &Case, message: &str) -> Judged {
        let why = format!("the testbed failed: {message}");
        Judged::Errored(Failure { why, case: Some(Box::new(case.clone())), breaks: None, shrunk: None })
    }

    /// Why it failed, if it did.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Judged::Failed(failure) | Judged::Errored(failure) => Some(failure),
            Judged::Passed | Judged::NotRun => None,
        }
    }
}

impl Gate<'_> {
    fn run(&self) -> Gated {
        let work = self.work();
        let mine = (0..).zip(&work).filter(|(n, _)| self.shard.has(*n));
        let mine: Vec<(u64, &Work)> = mine.collect();
        let general: Vec<&Scenario> = self.scenarios.iter().filter(|scenario| scenario.has_chaos()).collect();
        let fresh_seeds = self.seeds.each * general.len() as u64 / self.shard.total;
        let all = mine.len() as u64 + fresh_seeds;
        let done = Mutex::new(0_u64);
        let tell = |more: u64| {
            let mut done = done.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            *done += more;
            (self.tell)((*done).min(all), all);
        };
        let one = |(n, work): &(u64, &Work)| {
            let judged = if self.is_stopped() { Judged::NotRun } else { self.judge(work) };
            tell(1);
            Checked { n: *n, what: work.what(), judged }
        };
        let mut checked: Vec<Checked> = mine.par_iter().map(one).collect();
        let both = AtomicBool::new(self.is_stopped() || (self.time_is_up)());
        let fresh =
            fresh::run(&general, self.policy, self.seeds, self.shard, &self.fixtures.known, &both, |more| {
                tell(more);
                both.store(self.is_stopped() || (self.time_is_up)(), Ordering::Relaxed);
            });
        self.shrink(&mut checked);
        let findings = self.found(&fresh);
        let not_run = checked.iter().any(|checked| matches!(checked.judged, Judged::NotRun));
        Gated { checked, fresh, findings, interrupted: not_run || self.is_stopped() }
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn work(&self) -> Vec<Work<'_>> {
        let is_here = |name: &str| self.scenarios.iter().any(|scenario| scenario.name() == name);
        let claims = self.scenarios.iter().flat_map(|scenario| {
            scenario.claims().into_iter().map(move |claim| Work::Claim(scenario, claim))
        });
        let capsules = self.fixtures.capsules.iter().filter(|(_, one)| is_here(&one.scenario.name));
        let capsules = capsules.map(|(name, capsule)| Work::Capsule(name, capsule));
        let mutants = claimed(self.scenarios).into_iter().filter(|mutant| {
            self.fixtures.detections.of(mutant.id).is_none_or(|detection| is_here(&detection.scenario))
        });
        claims.chain(capsules).chain(mutants.map(Work::Mutant)).collect()
    }

    fn judge(&self, work: &Work) -> Judged {
        let Fixtures { outcomes, detections, known, .. } = self.fixtures;
        match work {
            Work::Claim(scenario, claim) => {
                let is_tested = claim.policy.name() == UNDER_TEST;
                let policy = if is_tested { self.policy } else { &claim.policy };
                check::claim(scenario, claim, policy, outcomes, self.stop)
            }
            Work::Capsule(name, capsule) => check::capsule(name, capsule, self.policy, known),
            Work::Mutant(mutant) => check::mutant(mutant, self.scenarios, detections.of(mutant.id)),
        }
    }

    /// Shrinks what breaks something, the first few of them.
    fn shrink(&self, checked: &mut [Checked]) {
        let failures = checked.iter_mut().filter_map(|checked| match &mut checked.judged {
            Judged::Failed(failure) if failure.breaks.is_some() => Some(failure),
            Judged::Failed(_) | Judged::Errored(_) | Judged::Passed | Judged::NotRun => None,
        });
        for failure in failures.take(SHRUNK) {
            if let Some(case) = &failure.case {
                failure.shrunk = self.shrunk(case, failure.breaks.as_deref());
            }
        }
    }

    fn found(&self, fresh: &Fresh) -> Vec<Found> {
        let mut left = SHRUNK;
        let mut findings: Vec<(&(Signature, Vec<String>), &Finding)> = fresh.findings.iter().collect();
        findings.sort_by_key(|((signature, known), _)| (signature.name(), &signature.shape, known));
        let found = findings.into_iter().map(|((signature, known), finding)| {
            let known = known.clone();
            let shrinks = known.is_empty() && left > 0;
            left -= usize::from(shrinks);
            let shrunk = shrinks.then(|| self.shrunk(&finding.case, Some(&signature.name()))).flatten();
            Found { signature: signature.clone(), finding: finding.clone(), known, shrunk }
        });
        found.collect()
    }

    /// The smallest run that breaks the same; none if it cannot be shrunk.
    fn shrunk(&self, case: &Case, breaks: Option<&str>) -> Option<Box<Shrunk>> {
        // A claim may name an invariant as a whole; what is shrunk is one aspect of it.
        let (_, signatures) = case.signatures();
        let meant = |one: &&Signature| breaks.is_none_or(|name| one.name() == name || one.invariant == name);
        let aspect = signatures.iter().find(meant)?.name();
        let how = Shrinking {
            beside: None,
            budget: self.shrink_budget,
            jobs: self.jobs,
            stop: self.stop,
            tell: &mut |_| {},
        };
        let shrunk = shrink(case, Some(&aspect), how)
            .inspect_err(|error| tracing::warn!("not shrunk: {error}"))
            .ok()?;
        let deviations = deviations(&shrunk.case);
        Some(Box::new(Shrunk { case: shrunk.case, deviations }))
    }
}

impl Work<'_> {
    fn what(&self) -> What {
        match self {
            Work::Claim(scenario, claim) => {
                What::Claim { scenario: scenario.name().to_owned(), policy: claim.policy.name().to_owned() }
            }
            Work::Capsule(name, _) => What::Capsule((*name).to_owned()),
            Work::Mutant(mutant) => What::Mutant(mutant.id),
        }
    }
}
