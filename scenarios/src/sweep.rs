//! Many seeds: in parallel, with results in order of the seeds, whatever the number of jobs.

use std::{
    any::Any,
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicBool, Ordering},
};

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
    /// How many runs the testbed failed.
    pub failed: u64,
    /// In how many runs each aspect of each invariant broke, in order of discovery.
    pub by_aspect: Vec<(&'static str, &'static str, u64)>,
    /// In which runs each invariant broke, in order of discovery.
    pub by_invariant: Vec<Broke>,
    /// All records of all runs.
    pub records: u64,
    /// Whether it was stopped before the last seed.
    pub interrupted: bool,
    /// In how many runs each kind of note was made, by kind.
    witnessed: Vec<u64>,
}

/// The runs in which an invariant broke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broke {
    /// The invariant.
    pub invariant: &'static str,
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
    mut tell: impl FnMut(&Ended),
) -> Result<Tally, Error> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(jobs).build().map_err(|error| {
        Error::new(format!("{jobs} jobs"), format!("so many threads cannot be had ({error}); ask for fewer"))
    })?;
    let mut tally = Tally { witnessed: vec![0; model::Note::KINDS], ..Tally::default() };
    let mut next = seeds.start;
    while next < seeds.end && !tally.interrupted {
        let end = seeds.end.min(next.saturating_add(CHUNK * jobs as u64));
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

impl Tally {
    fn count(&mut self, ended: &Ended) {
        let Ended::Ran(outcome) = ended else {
            self.failed += 1;
            return;
        };
        self.ran += 1;
        self.records += outcome.records;
        for (count, seen) in self.witnessed.iter_mut().zip(&outcome.witnessed) {
            *count += u64::from(*seen);
        }
        if outcome.held() {
            self.held += 1;
            return;
        }
        self.broken += 1;
        for violation in &outcome.violations {
            let key = (violation.invariant, violation.aspect);
            match self.by_aspect.iter_mut().find(|(invariant, aspect, _)| (*invariant, *aspect) == key) {
                Some((.., count)) => *count += 1,
                None => self.by_aspect.push((key.0, key.1, 1)),
            }
        }
        for (n, violation) in outcome.violations.iter().enumerate() {
            if !outcome.violations[..n].iter().any(|before| before.invariant == violation.invariant) {
                self.count_broken(violation.invariant, outcome.seed);
            }
        }
    }

    fn count_broken(&mut self, invariant: &'static str, seed: Seed) {
        let place = self.by_invariant.iter().position(|broke| broke.invariant == invariant);
        let place = place.unwrap_or_else(|| {
            self.by_invariant.push(Broke { invariant, runs: 0, first: Vec::new() });
            self.by_invariant.len() - 1
        });
        let broke = &mut self.by_invariant[place];
        broke.runs += 1;
        if broke.first.len() < REMEMBERED {
            broke.first.push(seed);
        }
    }

    /// In how many runs a note was made.
    pub fn witnessed(&self, note: &str) -> u64 {
        let kind = draw::note_names().position(|name| name == note);
        kind.and_then(|kind| self.witnessed.get(kind)).copied().unwrap_or(0)
    }

    /// How a claim came out over these seeds. Nothing may break that is not named; what is to break has to, and each
    /// witness has to appear, in one seed at least.
    pub fn judge(&self, claim: &Claim) -> Verdict {
        let is_named =
            |broke: &&Broke| claim.breaks.iter().chain(&claim.may_break).any(|one| one == broke.invariant);
        let by: Vec<Broke> = self.by_invariant.iter().filter(|broke| !is_named(broke)).cloned().collect();
        if !by.is_empty() {
            return Verdict::Refuted { by };
        }
        let unseen = claim.witnesses.iter().filter(|note| self.witnessed(note) == 0);
        let mut missing: Vec<String> = unseen.cloned().collect();
        if self.ran == 0 {
            missing.push("a run".to_owned());
        }
        let unbroken =
            claim.breaks.iter().filter(|name| !self.by_invariant.iter().any(|one| one.invariant == **name));
        missing.extend(unbroken.map(|name| format!("a broken {name}")));
        if missing.is_empty() { Verdict::Confirmed } else { Verdict::Vacuous { missing } }
    }
}
