//! Invariants for programs.

use scenarios::{fires::Fires, invariants::Named};
use serde::Serialize;

/// The format of the result of `invariants`.
pub const INVARIANTS: &str = "cdcsim.invariants/1";

/// What `invariants` tells.
#[derive(Debug, Serialize)]
pub struct Invariants {
    /// [`INVARIANTS`].
    pub schema: &'static str,
    /// All that were asked for.
    pub invariants: Vec<Invariant>,
}

/// An invariant.
#[derive(Debug, Serialize)]
pub struct Invariant {
    /// Its name.
    pub name: &'static str,
    /// What it promises.
    pub promise: &'static str,
    /// Issues and pull requests of pingcap/ticdc that it is for.
    pub bugs: &'static [&'static str],
    /// What it reports separately.
    pub aspects: Vec<Aspect>,
}

/// Something that an invariant reports separately.
#[derive(Debug, Serialize)]
pub struct Aspect {
    /// Its name; empty if it is only one thing.
    pub name: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// Where it fires, if that was asked for and it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fires: Option<FiresAt>,
}

/// Where an aspect fires most.
#[derive(Debug, Serialize)]
pub struct FiresAt {
    /// The scenario.
    pub scenario: String,
    /// The policy.
    pub policy: String,
    /// In how many runs.
    pub runs: u64,
    /// How many there were.
    pub of: u64,
}

impl Invariants {
    /// What there is to be told of them.
    pub fn new(invariants: &[&Named]) -> Invariants {
        let aspect = |(name, meaning): &(&'static str, &'static str)| Aspect { name, meaning, fires: None };
        let invariant = |one: &&Named| Invariant {
            name: one.name,
            promise: one.promise,
            bugs: one.bugs,
            aspects: one.aspects.iter().map(aspect).collect(),
        };
        Invariants { schema: INVARIANTS, invariants: invariants.iter().map(invariant).collect() }
    }

    /// The same, with where they fire.
    #[must_use]
    pub fn firing(mut self, fires: &[Fires]) -> Invariants {
        for one in &mut self.invariants {
            for aspect in &mut one.aspects {
                let found = fires.iter().find(|it| it.invariant == one.name && it.aspect == aspect.name);
                aspect.fires = found
                    .and_then(|it| it.at.clone())
                    .map(|(scenario, policy, runs, of)| FiresAt { scenario, policy, runs, of });
            }
        }
        self
    }
}
