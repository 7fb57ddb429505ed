//! Capsules: one run in one file, to be replayed elsewhere or later.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sim::{Decision, DecisionAddress, Decisions, Seed};

use crate::{Error, PolicySpec, Scenario, catalogue::reading, run::Outcome};

/// The format of capsules that this version reads and writes.
pub const SCHEMA: &str = "cdcsim.capsule/1";

/// A run with its result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capsule {
    /// [`SCHEMA`].
    pub schema: String,
    /// The version of the tool that wrote it.
    pub version: String,
    /// The scenario, as it was written.
    pub scenario: ScenarioText,
    /// The policy, by name.
    pub policy: String,
    /// The seed, as text: it has 64 bits.
    pub seed: String,
    /// Decisions that were not left to chance.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub overrides: BTreeMap<DecisionAddress, Decision>,
    /// The digest of all records, in hexadecimal.
    pub digest: String,
    /// What was broken; empty: everything held.
    pub violations: Vec<Broken>,
}

/// A scenario in a capsule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScenarioText {
    /// Its name.
    pub name: String,
    /// Its file.
    pub text: String,
}

/// A broken invariant in a capsule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Broken {
    /// Which one.
    pub invariant: String,
    /// Which aspect of it.
    pub aspect: String,
    /// What was wrong.
    pub what: String,
}

/// A run that can be repeated, from a capsule or from the command line.
#[derive(Clone, Debug)]
pub struct Replay {
    /// The scenario.
    pub scenario: Scenario,
    /// The policy.
    pub policy: PolicySpec,
    /// The seed.
    pub seed: Seed,
    /// Decisions that are not left to chance.
    pub decisions: Decisions,
}

impl Capsule {
    /// A capsule of a run.
    pub fn of(scenario: &Scenario, policy: &PolicySpec, outcome: &Outcome) -> Capsule {
        let broken = outcome.violations.iter().map(|violation| Broken {
            invariant: violation.invariant.to_owned(),
            aspect: violation.aspect.to_owned(),
            what: violation.what.clone(),
        });
        Capsule {
            schema: SCHEMA.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            scenario: ScenarioText { name: scenario.name().to_owned(), text: scenario.text().to_owned() },
            policy: policy.name().to_owned(),
            seed: outcome.seed.to_string(),
            overrides: BTreeMap::new(),
            digest: hex(outcome.digest),
            violations: broken.collect(),
        }
    }

    /// Reads a capsule.
    pub fn read(path: &str) -> Result<Capsule, Error> {
        let text = std::fs::read_to_string(path).map_err(|error| Error::new(path, reading(&error)))?;
        Capsule::parse(path, &text)
    }

    /// Reads a capsule from text; `at` names the file in complaints.
    pub fn parse(at: &str, text: &str) -> Result<Capsule, Error> {
        let wrong = |error: &serde_json::Error| {
            let place = format!("{at}:{}:{}", error.line(), error.column());
            if error.is_eof() {
                return Error::new(place, "the capsule is truncated: it ends in the middle");
            }
            let what = error.to_string();
            let what = what.split(" at line ").next().unwrap_or_default();
            Error::new(place, format!("it is no capsule: {what}"))
        };
        let value: serde_json::Value = serde_json::from_str(text).map_err(|error| wrong(&error))?;
        match value.get("schema").and_then(serde_json::Value::as_str) {
            Some(SCHEMA) => serde_json::from_str(text).map_err(|error| wrong(&error)),
            Some(other) => {
                Err(Error::new(at, format!("its schema is `{other}`; this version reads `{SCHEMA}`")))
            }
            None => Err(Error::new(at, format!("it is no capsule: one has \"schema\": \"{SCHEMA}\""))),
        }
    }

    /// The capsule as a file.
    pub fn to_text(&self) -> String {
        serde_json::to_string_pretty(self).expect("a capsule is plain data") + "\n"
    }

    /// What is to be run again.
    pub fn replay(&self, at: &str) -> Result<Replay, Error> {
        let inside = |error: Error| Error::new(format!("{at}, {}", error.at), error.what);
        let name = &self.scenario.name;
        let scenario =
            Scenario::parse(name, &format!("scenario {name}"), &self.scenario.text).map_err(inside)?;
        let policy = PolicySpec::parse(&self.policy).map_err(inside)?;
        let seed = self.seed.parse().map_err(|_| Error::new(at, format!("`{}` is no seed", self.seed)))?;
        let decisions = Decisions { overrides: self.overrides.clone(), ..Decisions::default() };
        Ok(Replay { scenario, policy, seed: Seed(seed), decisions })
    }
}

/// A digest as it is printed.
pub fn hex(digest: u64) -> String {
    format!("{digest:016x}")
}
