//! What a hunt has found, for programs.

use scenarios::hunt;
use serde::Serialize;

/// The format of the result of `hunt`.
pub const HUNT: &str = "cdcsim.hunt/2";

/// What came of a `hunt`.
#[derive(Debug, Serialize)]
pub struct Hunted {
    /// [`HUNT`].
    pub schema: &'static str,
    /// The policy.
    pub policy: String,
    /// The strategy.
    pub strategy: String,
    /// How many runs came to their end.
    pub ran: u64,
    /// In how many of them something broke.
    pub broken: u64,
    /// How many could not be won, and broke nothing.
    pub inconclusive: u64,
    /// How many runs the testbed failed.
    pub failed: u64,
    /// What was found, most frequent first.
    pub findings: Vec<Found>,
    /// The first failures of the testbed.
    pub failures: Vec<Failed>,
    /// How many runs broke in ways of which too many were found to keep them all.
    pub not_kept: u64,
}

/// One kind of break.
#[derive(Debug, Serialize)]
pub struct Found {
    /// The invariant.
    pub invariant: &'static str,
    /// Which aspect of it.
    pub aspect: &'static str,
    /// The shape of how.
    pub shape: Vec<String>,
    /// In how many runs.
    pub runs: u64,
    /// Of which scenario the first one was.
    pub scenario: String,
    /// The first seed.
    pub seed: String,
    /// Where the smallest one has been saved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capsule: Option<String>,
}

/// A run that the testbed failed.
#[derive(Debug, Serialize)]
pub struct Failed {
    /// The scenario.
    pub scenario: String,
    /// The seed.
    pub seed: String,
    /// What the panic said.
    pub message: String,
}

impl Hunted {
    /// From the result of a hunt; `capsules` are in the order of [`hunt::Hunted::by_frequency`].
    pub fn new(hunted: &hunt::Hunted, policy: &str, strategy: &str, capsules: &[Option<String>]) -> Hunted {
        let findings = hunted.by_frequency().into_iter().zip(capsules).map(|(finding, capsule)| Found {
            invariant: finding.signature.invariant,
            aspect: finding.signature.aspect,
            shape: finding.signature.shape.iter().cloned().collect(),
            runs: finding.runs,
            scenario: finding.first.0.clone(),
            seed: finding.first.1.to_string(),
            capsule: capsule.clone(),
        });
        let failures = hunted.failures.iter().map(|(scenario, seed, message)| Failed {
            scenario: scenario.clone(),
            seed: seed.to_string(),
            message: message.clone(),
        });
        Hunted {
            schema: HUNT,
            policy: policy.to_owned(),
            strategy: strategy.to_owned(),
            ran: hunted.ran,
            broken: hunted.broken,
            inconclusive: hunted.inconclusive,
            failed: hunted.failed,
            findings: findings.collect(),
            failures: failures.collect(),
            not_kept: hunted.not_kept,
        }
    }
}
