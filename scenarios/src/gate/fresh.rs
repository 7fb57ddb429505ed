//! Seeds that nobody has run before, of the general scenarios: what breaks in them and is not known is new.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
};

use rayon::prelude::*;
use sim::Seed;

use super::Shard;
use crate::{
    Case, PolicySpec, Scenario,
    known::{KnownFinding, KnownFindings},
    run::Outcome,
    signature::Signature,
    sweep::caught,
};

/// Which seeds are fresh.
#[derive(Clone, Copy, Debug)]
pub struct Seeds {
    /// The first.
    pub base: u64,
    /// How many of each general scenario.
    pub each: u64,
}

/// What a general scenario came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ran {
    /// How many runs came to their end.
    pub ran: u64,
    /// In how many of them something broke.
    pub broken: u64,
    /// How many of the others could not be won: they show nothing.
    pub inconclusive: u64,
    /// The runs that the testbed failed: seed and message.
    pub failures: Vec<(Seed, String)>,
}

/// One kind of break, in some of these seeds.
#[derive(Clone, Debug)]
pub struct Finding {
    /// In how many runs.
    pub runs: u64,
    /// The first of them in the order of all work.
    pub first: Place,
    /// The one with the fewest records.
    pub smallest: Place,
    /// How many records it has.
    pub records: u64,
    /// It.
    pub case: Case,
}

/// A run in the order of all fresh seeds: by scenario, then by seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its number.
    pub n: u64,
    /// The scenario.
    pub scenario: String,
    /// The seed.
    pub seed: Seed,
}

/// What came of all of them.
#[derive(Clone, Debug, Default)]
pub struct Fresh {
    /// By scenario, in their order.
    pub ran: Vec<(String, Ran)>,
    /// By signature, and by the names of the known findings that explain it: none, if it is new.
    pub findings: BTreeMap<(Signature, Vec<String>), Finding>,
    /// Whether some were left out because it was stopped.
    pub cut_short: bool,
}

/// What a run broke, and the names of the known findings that explain it.
type Broken = (Signature, Vec<String>);

/// Seeds that are run before it is looked whether to go on.
const CHUNK: usize = 64;

/// Runs the part of them that a shard has, in parallel; what comes of them does not depend on how many at the same time.
pub(super) fn run(
    scenarios: &[&Scenario],
    policy: &PolicySpec,
    seeds: Seeds,
    shard: Shard,
    known: &KnownFindings,
    stop: &AtomicBool,
    mut tell: impl FnMut(u64),
) -> Fresh {
    let mut fresh = Fresh {
        ran: scenarios.iter().map(|scenario| (scenario.name().to_owned(), Ran::default())).collect(),
        ..Fresh::default()
    };
    // Scenarios take turns, so that whatever is cut short has some of each.
    let all = (0..seeds.each).flat_map(|k| (0..scenarios.len() as u64).map(move |s| (s, k)));
    let places = all.map(|(s, k)| (s as usize, k, s * seeds.each + k)).filter(|(_, _, n)| shard.has(*n));
    let places: Vec<(usize, u64, u64)> = places.collect();
    for chunk in places.chunks(CHUNK) {
        let one = |(s, k, n): &(usize, u64, u64)| {
            let go = !stop.load(Ordering::Relaxed);
            let scenario = scenarios[*s];
            go.then(|| {
                let seed = Seed(seeds.base.wrapping_add(*k));
                let place = Place { n: *n, scenario: scenario.name().to_owned(), seed };
                let case = Case::new(scenario, policy, seed);
                let result = caught(|| {
                    let (outcome, signatures) = case.signatures_if_broken();
                    let names = |by: Vec<&KnownFinding>| by.iter().map(|one| one.id.clone()).collect();
                    let explained = known.explain(&signatures, &case).into_iter().map(names);
                    let broken: Vec<Broken> = signatures.into_iter().zip(explained).collect();
                    (outcome, broken)
                });
                (*s, place, case, result)
            })
        };
        let ran: Vec<_> = chunk.par_iter().map(one).collect();
        let complete = ran.iter().all(Option::is_some);
        for (s, place, case, result) in ran.into_iter().flatten() {
            fresh.count(s, place, case, result);
        }
        if !complete {
            fresh.cut_short = true;
            break;
        }
        tell(chunk.len() as u64);
    }
    fresh
}

impl Fresh {
    fn count(
        &mut self,
        scenario: usize,
        place: Place,
        case: Case,
        result: Result<(Outcome, Vec<Broken>), String>,
    ) {
        let ran = &mut self.ran[scenario].1;
        let (outcome, all_broken) = match result {
            Ok(result) => result,
            Err(message) => return ran.failures.push((place.seed, message)),
        };
        ran.ran += 1;
        ran.broken += u64::from(outcome.is_broken());
        ran.inconclusive += u64::from(!outcome.is_broken() && !outcome.held());
        for broken in all_broken {
            let records = outcome.records;
            let new = || {
                let (first, smallest, case) = (place.clone(), place.clone(), case.clone());
                Finding { runs: 0, first, smallest, records, case }
            };
            let finding = self.findings.entry(broken).or_insert_with(new);
            finding.runs += 1;
            if place.n < finding.first.n {
                finding.first = place.clone();
            }
            if (records, place.n) < (finding.records, finding.smallest.n) {
                finding.smallest = place.clone();
                (finding.records, finding.case) = (records, case.clone());
            }
        }
    }
}
