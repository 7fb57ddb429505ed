//! How soon strategies find bugs, for programs.

use scenarios::bench::Measured;
use serde::Serialize;

use crate::bench::Small;

/// The format of the result of `bench-search`.
pub const BENCH: &str = "cdcsim.bench-search/1";

/// What came of a `bench-search`.
#[derive(Debug, Serialize)]
pub struct Bench<'a> {
    /// [`BENCH`].
    pub schema: &'static str,
    /// After so many runs a repetition gives up.
    pub within: u64,
    /// One for each bug and strategy.
    pub measured: Vec<Row>,
    /// What a finding of each bug came down to, if that was asked for.
    #[serde(skip_serializing_if = "<[Small]>::is_empty")]
    pub shrunk: &'a [Small],
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

impl<'a> Bench<'a> {
    /// From measures, and what findings were shrunk to.
    pub fn new(measured: &[Measured], small: &'a [Small], within: u64) -> Bench<'a> {
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
        Bench { schema: BENCH, within, measured: measured.collect(), shrunk: small }
    }
}
