//! Capsules: one run in one file, to be replayed elsewhere or later.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sim::{Decision, DecisionAddress, Decisions, Otherwise, Seed};

use crate::{
    Case, Error, PolicySpec, Scenario,
    catalogue::reading,
    run::Outcome,
    signature::{Signature, name},
    story::story,
    trace::{Line, trace},
};

/// The format of capsules that this version writes.
pub const SCHEMA: &str = "cdcsim.capsule/3";
/// The formats that it reads. The first one had neither signatures nor stories; until the second one every run had a calm
/// ending, without a word in its scenario.
const READ: [&str; 3] = ["cdcsim.capsule/1", "cdcsim.capsule/2", SCHEMA];

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
    /// How the decisions fall that are not named below.
    #[serde(default, skip_serializing_if = "is_seeded")]
    pub otherwise: Otherwise,
    /// Decisions that were not left to chance.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub overrides: BTreeMap<DecisionAddress, Decision>,
    /// The digest of all records, in hexadecimal.
    pub digest: String,
    /// What was broken; empty: everything held.
    pub violations: Vec<Broken>,
    /// What led to the first violation: one line for each record, without numbers and times.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub story: Vec<String>,
}

fn is_seeded(otherwise: &Otherwise) -> bool {
    *otherwise == Otherwise::Seeded
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
    /// The shape of its causal story.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub shape: BTreeSet<String>,
}

impl Broken {
    /// Invariant and aspect, as claims name them.
    pub fn name(&self) -> String {
        name(&self.invariant, &self.aspect)
    }
}

/// The text of a scenario without its claims.
fn without_claims(text: &str) -> Option<String> {
    let mut table: toml::Table = toml::from_str(text).ok()?;
    table.remove("claim");
    toml::to_string(&table).ok()
}

impl Capsule {
    /// The capsule of a case, which is run for it. Also what it came to.
    pub fn of(case: &Case) -> (Capsule, Outcome) {
        // A capsule tells everything that broke, also what was not asked for.
        let mut case = case.clone().concrete();
        case.scenario = case.scenario.watched_by_all();
        let case = &case;
        let (outcome, lines) = trace(case);
        let broken = outcome.violations.iter().map(|violation| Broken {
            invariant: violation.invariant.to_owned(),
            aspect: violation.aspect.to_owned(),
            what: violation.what.clone(),
            shape: Signature::of(&lines, violation).shape,
        });
        let violations = broken.collect();
        let told = outcome.violations.first().map(|violation| story(&lines, violation));
        let capsule = Capsule {
            schema: SCHEMA.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            scenario: ScenarioText {
                name: case.scenario.name().to_owned(),
                text: case.scenario.text().to_owned(),
            },
            policy: case.policy.name().to_owned(),
            seed: case.seed.to_string(),
            otherwise: case.decisions.otherwise.clone(),
            overrides: case.decisions.overrides.clone(),
            digest: hex(outcome.digest),
            violations,
            story: told.into_iter().flatten().map(|line| line.what()).collect(),
        };
        (capsule, outcome)
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
            Some(schema) if READ.contains(&schema) => {
                serde_json::from_str(text).map_err(|error| wrong(&error))
            }
            Some(other) => Err(Error::new(
                at,
                format!("its schema is `{other}`; this version reads `{}`", READ.join("` and `")),
            )),
            None => Err(Error::new(at, format!("it is no capsule: one has \"schema\": \"{SCHEMA}\""))),
        }
    }

    /// The capsule as a file.
    pub fn to_text(&self) -> String {
        serde_json::to_string_pretty(self).expect("a capsule is plain data") + "\n"
    }

    /// What is to be run again.
    pub fn case(&self, at: &str) -> Result<Case, Error> {
        let inside = |error: Error| Error::new(format!("{at}, {}", error.at), error.what);
        let name = &self.scenario.name;
        let at_scenario = format!("scenario {name}");
        let text = self.text_with_ending();
        let scenario = Scenario::parse(name, &at_scenario, &text);
        // What is claimed does not matter to a run; it may name what is called otherwise by now.
        let scenario = scenario.or_else(|error| {
            let claimless = without_claims(&text).ok_or_else(|| error.clone())?;
            Scenario::parse(name, &at_scenario, &claimless).map_err(|_| error)
        });
        let scenario = scenario.map_err(inside)?;
        let policy = PolicySpec::parse(&self.policy).map_err(inside)?;
        let seed = self.seed.parse().map_err(|_| Error::new(at, format!("`{}` is no seed", self.seed)))?;
        let (overrides, otherwise) = (self.overrides.clone(), self.otherwise.clone());
        let decisions = Decisions { overrides, otherwise, logged: false };
        Ok(Case { scenario, policy, seed: Seed(seed), decisions })
    }

    /// The text of its scenario, which says how it ends if that was the same for all then.
    fn text_with_ending(&self) -> String {
        let text = &self.scenario.text;
        let says =
            |text: &str| toml::from_str(text).is_ok_and(|table: toml::Table| table.contains_key("ending"));
        match self.schema == SCHEMA || says(text) {
            true => text.clone(),
            false => format!("ending = \"calm\"\n{text}"),
        }
    }

    /// How well a run of [`Capsule::case`] reproduces what the capsule says of it.
    pub fn compare(&self, outcome: &Outcome, lines: &[Line]) -> Reproduced {
        let told: Vec<String> = self.violations.iter().map(Broken::name).collect();
        let found: Vec<String> =
            outcome.violations.iter().map(|one| name(one.invariant, one.aspect)).collect();
        if self.digest == hex(outcome.digest) {
            return match told == found {
                true => Reproduced::Exact,
                false => Reproduced::Otherwise { told, found },
            };
        }
        let (applied, decisions) = (outcome.overrides_used, self.overrides.len());
        match told.first() {
            Some(first) if found.contains(first) => {
                Reproduced::Rebased { broken: Some(first.clone()), applied, decisions }
            }
            None if found.is_empty() => Reproduced::Rebased { broken: None, applied, decisions },
            _ => {
                let mut later = lines.iter();
                let differs = |told: &&String| !later.any(|line| line.what() == **told);
                let first = self.story.iter().find(differs).cloned();
                Reproduced::Not { told, found, first, applied, decisions }
            }
        }
    }
}

/// How well a capsule is reproduced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reproduced {
    /// All records are the same, and so is what broke.
    Exact,
    /// All records are the same, and the invariants judge them differently.
    Otherwise {
        /// What broke by the capsule, by name.
        told: Vec<String>,
        /// What breaks now.
        found: Vec<String>,
    },
    /// Other records; still the same breaks, or everything holds as before.
    Rebased {
        /// What breaks first by the capsule, and now, too.
        broken: Option<String>,
        /// How many of the decisions in the capsule were applied. The others' addresses do not exist any more, and
        /// what takes their place falls nominally, or as the seed says.
        applied: usize,
        /// How many there are.
        decisions: usize,
    },
    /// Other records, and what broke by the capsule does not.
    Not {
        /// What broke by the capsule, by name.
        told: Vec<String>,
        /// What breaks now.
        found: Vec<String>,
        /// The first record of the capsule's story that does not happen any more.
        first: Option<String>,
        /// How many of the decisions in the capsule were applied.
        applied: usize,
        /// How many there are.
        decisions: usize,
    },
}

/// A digest as it is printed.
pub fn hex(digest: u64) -> String {
    format!("{digest:016x}")
}
