//! The catalogue for programs.

use scenarios::{Scenario, Topic};
use serde::Serialize;

use crate::catalogue::mistake;

/// The format of `catalogue`.
pub const CATALOGUE: &str = "cdcsim.catalogue/1";

/// The scenarios, and what they say of themselves.
#[derive(Debug, Serialize)]
pub struct Catalogue {
    /// [`CATALOGUE`].
    pub schema: &'static str,
    /// In order of their names.
    pub scenarios: Vec<Entry>,
}

/// A scenario.
#[derive(Debug, Serialize)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// What its story is about; nothing, if a seed draws what goes wrong, or the file does not say.
    pub topic: Option<Topic>,
    /// Whether a seed draws what goes wrong.
    pub drawn: bool,
    /// What happens.
    pub story: String,
    /// How many seeds show what is claimed.
    pub seeds: String,
    /// The issues and pull requests that it is after.
    pub issues: Vec<Link>,
    /// What it claims.
    pub claims: Vec<Claimed>,
}

/// An issue or a pull request.
#[derive(Debug, Serialize)]
pub struct Link {
    /// Such as `pingcap/ticdc#5083`.
    pub name: String,
    /// Where it can be read.
    pub url: String,
}

/// What a scenario claims of a policy.
#[derive(Debug, Serialize)]
pub struct Claimed {
    /// The policy.
    pub policy: String,
    /// What is wrong in it, if it is a mutant.
    pub mistake: Option<&'static str>,
    /// The invariants that break in some seed.
    pub breaks: Vec<String>,
    /// The invariants that may break or not. All others hold.
    pub may_break: Vec<String>,
    /// Notes that have to appear.
    pub witnesses: Vec<String>,
    /// Why it is so, as the file says; empty if it does not.
    pub reason: String,
}

impl Catalogue {
    /// As it stands in a report.
    pub fn new(scenarios: &[Scenario]) -> Catalogue {
        Catalogue { schema: CATALOGUE, scenarios: scenarios.iter().map(Entry::from).collect() }
    }
}

impl From<&Scenario> for Entry {
    fn from(scenario: &Scenario) -> Entry {
        let claims = scenario.claims().into_iter().zip(scenario.reasons()).map(|(claim, reason)| Claimed {
            policy: claim.policy.name().to_owned(),
            mistake: mistake(&claim),
            breaks: claim.breaks,
            may_break: claim.may_break,
            witnesses: claim.witnesses,
            reason,
        });
        let link = |issue: &scenarios::Issue| Link { name: issue.to_string(), url: issue.url() };
        Entry {
            name: scenario.name().to_owned(),
            topic: scenario.topic(),
            drawn: scenario.has_chaos(),
            story: scenario.story().to_owned(),
            seeds: scenario.seeds().to_string(),
            issues: scenario.issues().iter().map(link).collect(),
            claims: claims.collect(),
        }
    }
}
