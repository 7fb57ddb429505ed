//! How soon strategies find bugs, for programs.

use scenarios::bench::Measured;
use serde::Serialize;

use crate::bench::Small;

/// The format of the result of `bench-search`.
pub const BENCH: &str = "cdcsim.bench-search/1";

/// What came of a `bench-search`.
#[derive(Debug, Serialize)]
pub struct Bench {
    /// [`BENCH`].
    pub schema: &'static str,
    /// After so many runs a repetition gives up.
    pub within: u64,
    /// One for each bug and strategy.
    pub measured: Vec<Row>,
    /// What a finding of each bug came down to, if that was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shrunk: Vec<Shrunk>,
}

/// How soon a strategy finds a bug.
#[derive(Debug, Serialize)]
pub struct Row {
    /// The bug.
    pub bug: &'static str,
    /// The policy that has it.
    pub policy: &'static str,
    /// The policy that does not.
    pub beside: &'static str,
    /// The strategy.
    pub strategy: String,
    /// The median number of runs; none if it was not found in half of the repetitions.
    pub median_runs: Option<u64>,
    /// The median time of one thread, in milliseconds.
    pub median_millis: Option<u64>,
    /// How many runs each repetition took; none: it gave up.
    pub runs: Vec<Option<u64>>,
    /// How many runs the testbed failed.
    pub failed: u64,
}

/// What a finding came down to.
#[derive(Debug, Serialize)]
pub struct Shrunk {
    /// The bug.
    pub bug: &'static str,
    /// The scenario.
    pub scenario: String,
    /// The seed.
    pub seed: String,
    /// What breaks.
    pub broken: String,
    /// What differs from nominal weather, in words.
    pub deviations: Vec<String>,
    /// How many records tell why.
    pub records: usize,
    /// How many runs it took.
    pub runs: u64,
    /// How long it took, in milliseconds.
    pub millis: u64,
    /// Whether something was left to be tried.
    pub unfinished: bool,
    /// Where it was saved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capsule: Option<String>,
}

impl Bench {
    /// From measures, and what findings were shrunk to.
    pub fn new(measured: &[Measured], small: &[Small], within: u64) -> Bench {
        let measured = measured.iter().map(|one| Row {
            bug: one.bug.id,
            policy: one.bug.policy,
            beside: one.bug.beside,
            strategy: one.strategy.clone(),
            median_runs: one.runs(),
            median_millis: one.millis(),
            runs: one.first.iter().map(|first| first.as_ref().map(|first| first.runs)).collect(),
            failed: one.failed,
        });
        let shrunk = small.iter().map(|one| Shrunk {
            bug: one.bug.id,
            scenario: one.scenario.clone(),
            seed: one.seed.clone(),
            broken: one.broken.clone(),
            deviations: one.deviations.clone(),
            records: one.records,
            runs: one.runs,
            millis: one.millis,
            unfinished: one.unfinished,
            capsule: one.capsule.clone(),
        });
        Bench { schema: BENCH, within, measured: measured.collect(), shrunk: shrunk.collect() }
    }
}
