//! Many seeds: in parallel, with results in order of the seeds, whatever the number of jobs.

use std::{
    any::Any,
    collections::BTreeMap,
    fmt,
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicBool, Ordering},
};

use model::measures::{self, Measure};
use rayon::prelude::*;
use sim::{Kind as _, Seed};

use crate::{Claim, Error, draw, run::Outcome};

/// How one seed ended.
#[derive(Clone, Debug)]
pub enum Ended {
    /// The run came to its end.
    Ran(Outcome),
    /// The testbed failed: a panic, which takes no other seed with it.
    Failed {
        /// The seed.
        seed: Seed,
        /// What the panic said.
        message: String,
    },
}

/// What came of many seeds.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// How many runs came to their end.
    pub ran: u64,
    /// In how many of them everything held.
    pub held: u64,
    /// In how many of them something broke.
    pub broken: u64,
    /// How many of them could not be won, and broke nothing: they show nothing.
    pub inconclusive: u64,
    /// How many runs the testbed failed.
    pub failed: u64,
    /// In which runs each aspect of each invariant broke, in order of discovery.
    pub by_aspect: Vec<Broke>,
    /// In which runs each invariant broke, in order of discovery.
    pub by_invariant: Vec<Broke>,
    /// All records of all runs.
    pub records: u64,
    /// Whether it was stopped before the last seed.
    pub interrupted: bool,
    /// In how many runs each kind of note was made, by kind.
    witnessed: Vec<u64>,
    /// In how many runs each measure had each value. Values are whole milliseconds and small counts, so that there are far fewer of
    /// them than runs.
    measured: [BTreeMap<u64, u64>; measures::COUNT],
}

/// What a measure came to over many runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Distribution {
    /// Half of the runs are not above it.
    pub median: u64,
    /// 99 of a hundred are not above it.
    pub p99: u64,
    /// None is above it.
    pub max: u64,
}

/// The runs in which an invariant broke, or one of the things that it reports separately.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broke {
    /// The invariant.
    pub invariant: &'static str,
    /// Which aspect of it; none: any.
    pub aspect: Option<&'static str>,
    /// In how many runs.
    pub runs: u64,
    /// The first of these seeds, a few at most.
    pub first: Vec<Seed>,
}

/// How a claim came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As claimed.
    Confirmed,
    /// Something broke that was to hold.
    Refuted {
        /// What broke and where.
        by: Vec<Broke>,
    },
    /// Something did not break that was to break, or a witness is missing: these seeds show nothing.
    Vacuous {
        /// What is missing.
        missing: Vec<String>,
    },
}

/// Seeds that each job runs before results are told, so that memory does not grow with the number of seeds.
const CHUNK: u64 = 32;
/// So many seeds are remembered of each invariant that breaks.
const REMEMBERED: usize = 5;

/// Runs every seed of a range with `run`; results are told in order. Stops early when `stop` is set, between two seeds.
///
/// The only error is that there cannot be so many jobs.
pub fn sweep(
    seeds: Range<u64>,
    jobs: usize,
    stop: &AtomicBool,
    run: impl Fn(Seed) -> Outcome + Sync,
    tell: impl FnMut(&Ended),
) -> Result<Tally, Error> {
    in_rounds(seeds, CHUNK * jobs as u64, jobs, stop, run, tell)
}

/// The same; seeds are told of after every `round` of them, and none of the next round begins before.
pub fn in_rounds(
    seeds: Range<u64>,
    round: u64,
    jobs: usize,
    stop: &AtomicBool,
    run: impl Fn(Seed) -> Outcome + Sync,
    mut tell: impl FnMut(&Ended),
) -> Result<Tally, Error> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(jobs).build().map_err(|error| {
        Error::new(format!("{jobs} jobs"), format!("so many threads cannot be had ({error}); ask for fewer"))
    })?;
    let mut tally = Tally::new();
    let mut next = seeds.start;
    while next < seeds.end && !tally.interrupted {
        let end = seeds.end.min(next.saturating_add(round));
        let chunk: Vec<Option<Ended>> = pool.install(|| {
            let one = |seed| (!stop.load(Ordering::Relaxed)).then(|| attempt(Seed(seed), &run));
            (next..end).into_par_iter().map(one).collect()
        });
        // The first gap ends the sweep: what a worker ran behind it would not be all that was asked for.
        for ended in chunk {
            match ended {
                Some(ended) if !tally.interrupted => {
                    tally.count(&ended);
                    tell(&ended);
                }
                _ => tally.interrupted = true,
            }
        }
        next = end;
    }
    Ok(tally)
}

/// Runs one seed; a panic becomes a result.
pub fn attempt(seed: Seed, run: impl FnOnce(Seed) -> Outcome) -> Ended {
    match caught(|| run(seed)) {
        Ok(outcome) => Ended::Ran(outcome),
        Err(message) => Ended::Failed { seed, message },
    }
}

/// What something comes to, or what its panic said. What it was working on must not be used any more.
pub fn caught<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| message(&*panic))
}

/// What a panic said.
pub fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without a message").to_owned()
}

impl Ended {
    /// The seed.
    pub fn seed(&self) -> Seed {
        match self {
            Ended::Ran(outcome) => outcome.seed,
            Ended::Failed { seed, .. } => *seed,
        }
    }

    /// Whether something broke, or the testbed failed.
    pub fn is_bad(&self) -> bool {
        !matches!(self, Ended::Ran(outcome) if outcome.held())
    }
}

impl Tally {
    pub(crate) fn new() -> Tally {
        Tally { witnessed: vec![0; model::Note::KINDS], ..Tally::default() }
    }

    pub(crate) fn count(&mut self, ended: &Ended) {
        let Ended::Ran(outcome) = ended else {
            self.failed += 1;
            return;
        };
        self.ran += 1;
        self.records += outcome.records;
        for (count, seen) in self.witnessed.iter_mut().zip(&outcome.witnessed) {
            *count += u64::from(*seen);
        }
        for (all, value) in self.measured.iter_mut().zip(outcome.measured.0) {
            *all.entry(value).or_insert(0) += 1;
        }
        if outcome.held() {
            self.held += 1;
            return;
        }
        if !outcome.is_broken() {
            self.inconclusive += 1;
            return;
        }
        self.broken += 1;
        for (n, violation) in outcome.violations.iter().enumerate() {
            let before = || outcome.violations[..n].iter().filter(|one| one.invariant == violation.invariant);
            if before().all(|one| one.aspect != violation.aspect) {
                let aspect = Some(violation.aspect);
                Broke::count(&mut self.by_aspect, violation.invariant, aspect, outcome.seed);
            }
            if before().next().is_none() {
                Broke::count(&mut self.by_invariant, violation.invariant, None, outcome.seed);
            }
        }
    }

    /// How each measure is distributed over the runs.
    pub fn measured(&self) -> impl Iterator<Item = (&'static Measure, Distribution)> {
        let all = measures::ALL.iter().zip(&self.measured).filter(|(_, values)| !values.is_empty());
        all.map(|(measure, values)| (measure, Distribution::of(values)))
    }

    /// In how many runs a note was made.
    pub fn witnessed(&self, note: &str) -> u64 {
        let kind = draw::note_names().position(|name| name == note);
        kind.and_then(|kind| self.witnessed.get(kind)).copied().unwrap_or(0)
    }

    /// How a claim came out over these seeds. Nothing may break that is not named; what is to break has to, and each
    /// witness has to appear, in one seed at least.
    pub fn judge(&self, claim: &Claim) -> Verdict {
        let by = self
            .unnamed(&claim.breaks.iter().chain(&claim.may_break).map(String::as_str).collect::<Vec<_>>());
        if !by.is_empty() {
            return Verdict::Refuted { by };
        }
        let unseen = claim.witnesses.iter().filter(|note| self.witnessed(note) == 0);
        let mut missing: Vec<String> = unseen.cloned().collect();
        if self.ran == 0 {
            missing.push("a run".to_owned());
        } else if self.ran == self.inconclusive {
            missing.push("a run that could be won".to_owned());
        }
        let unbroken = claim.breaks.iter().filter(|name| !self.broke().any(|one| one.is_called(name)));
        missing.extend(unbroken.map(|name| format!("a broken {name}")));
        if missing.is_empty() { Verdict::Confirmed } else { Verdict::Vacuous { missing } }
    }

    fn broke(&self) -> impl Iterator<Item = &Broke> {
        self.by_invariant.iter().chain(&self.by_aspect)
    }

    /// What broke and has no name in this list, as a whole or in the aspect that broke. An invariant of which the list says
    /// nothing is told as a whole.
    pub fn unnamed(&self, names: &[&str]) -> Vec<Broke> {
        let mut unnamed = Vec::new();
        for whole in &self.by_invariant {
            if names.iter().any(|name| whole.is_called(name)) {
                continue;
            }
            let aspects = self.by_aspect.iter().filter(|one| one.invariant == whole.invariant);
            let (named, others): (Vec<&Broke>, Vec<&Broke>) =
                aspects.partition(|one| names.iter().any(|name| one.is_called(name)));
            match named.is_empty() {
                true => unnamed.push(whole.clone()),
                false => unnamed.extend(others.into_iter().cloned()),
            }
        }
        unnamed
    }
}

impl Distribution {
    /// Of at least one value: in how many runs each was.
    fn of(values: &BTreeMap<u64, u64>) -> Distribution {
        let all: u64 = values.values().sum();
        // The nearest rank: so many of a hundred are not above it.
        let at = |percent: u64| {
            let rank = (u128::from(all) * u128::from(percent)).div_ceil(100);
            let mut below = 0;
            let ranked = values.iter().find(|(_, runs)| {
                below += u128::from(**runs);
                below >= rank
            });
            *ranked.expect("there is at least one").0
        };
        Distribution { median: at(50), p99: at(99), max: at(100) }
    }
}

impl Broke {
    fn count(all: &mut Vec<Broke>, invariant: &'static str, aspect: Option<&'static str>, seed: Seed) {
        let place = all.iter().position(|broke| (broke.invariant, broke.aspect) == (invariant, aspect));
        let place = place.unwrap_or_else(|| {
            all.push(Broke { invariant, aspect, runs: 0, first: Vec::new() });
            all.len() - 1
        });
        all[place].runs += 1;
        if all[place].first.len() < REMEMBERED {
            all[place].first.push(seed);
        }
    }

    /// Whether this is what a claim calls it: `single_writer`, or `single_writer (applied)`.
    pub fn is_called(&self, name: &str) -> bool {
        self.to_string() == name
    }
}

impl fmt::Display for Broke {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.aspect.filter(|aspect| !aspect.is_empty()) {
            Some(aspect) => write!(f, "{} ({aspect})", self.invariant),
            None => f.write_str(self.invariant),
        }
    }
}
