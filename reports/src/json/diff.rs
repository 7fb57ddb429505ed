//! Where the runs of two policies part, for programs.

use scenarios::diff;
use serde::Serialize;

use super::{Record, Run};

/// The format of the result of `diff`.
pub const DIFF: &str = "cdcsim.diff/1";

/// What came of a `diff`.
#[derive(Debug, Serialize)]
pub struct Diff {
    /// [`DIFF`].
    pub schema: &'static str,
    /// The scenario.
    pub scenario: String,
    /// Whether the runs part.
    pub part: bool,
    /// How many records are the same.
    pub same: usize,
    /// The two policies.
    pub sides: Vec<Side>,
}

/// One of two policies.
#[derive(Debug, Serialize)]
pub struct Side {
    /// The policy.
    pub policy: String,
    /// What it came to; its records are the first ones that are not the same.
    pub run: Run,
}

impl Diff {
    /// From the result of the comparison.
    pub fn new(diff: &diff::Diff, scenario: &str, policies: [&str; 2]) -> Diff {
        let sides = policies.into_iter().zip(&diff.outcomes).zip(&diff.next);
        let sides = sides.map(|((policy, outcome), next)| Side {
            policy: policy.to_owned(),
            run: Run::new(outcome, next.iter().map(Record::from).collect()),
        });
        let (part, same) = (diff.part(), diff.same);
        Diff { schema: DIFF, scenario: scenario.to_owned(), part, same, sides: sides.collect() }
    }
}
