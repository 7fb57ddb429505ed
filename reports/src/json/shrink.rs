//! What a finding has been shrunk to, for programs.

use scenarios::{capsule::hex, run::Outcome, shrink};
use serde::Serialize;

/// The format of the result of `shrink`.
pub const SHRINK: &str = "cdcsim.shrink/1";

/// What came of a `shrink`.
#[derive(Debug, Serialize)]
pub struct Shrunk {
    /// [`SHRINK`].
    pub schema: &'static str,
    /// The scenario.
    pub scenario: String,
    /// The policy.
    pub policy: String,
    /// The seed.
    pub seed: String,
    /// How many runs it took.
    pub runs: u64,
    /// Whether something was left to be tried.
    pub unfinished: bool,
    /// What breaks, and the shape of how.
    pub signature: String,
    /// What differs from nominal weather, in words.
    pub deviations: Vec<String>,
    /// The digest of its records.
    pub digest: String,
    /// Where it has been saved.
    pub capsule: String,
}

impl Shrunk {
    /// From the result of the search, a run of it, its deviations, and the path of its capsule.
    pub fn new(
        shrunk: &shrink::Shrunk,
        outcome: &Outcome,
        deviations: Vec<String>,
        capsule: String,
    ) -> Shrunk {
        Shrunk {
            schema: SHRINK,
            scenario: shrunk.case.scenario.name().to_owned(),
            policy: shrunk.case.policy.name().to_owned(),
            seed: shrunk.case.seed.to_string(),
            runs: shrunk.runs,
            unfinished: shrunk.unfinished,
            signature: shrunk.signature.to_string(),
            deviations,
            digest: hex(outcome.digest),
            capsule,
        }
    }
}
