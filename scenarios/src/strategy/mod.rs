//! Strategies: where a search looks, given the same scenarios and seeds.
//!
//! A strategy makes a case of every seed: the concrete scenario, and decisions that are not left to the seed. All but one do
//! so without knowing what other seeds came to; `guided` learns, in rounds of a fixed size, so that results do not depend
//! on the number of jobs.

mod guided;
mod late;
mod pct;
mod sweep;

use std::fmt;

use sim::Seed;

use crate::{Case, Error, PolicySpec, Scenario, coverage::Coverage, error::unknown};

pub use sweep::Cases;

/// Where a search looks.
pub trait Strategy: Send + Sync {
    /// Its name on the command line.
    fn name(&self) -> &'static str;

    /// The case of a seed.
    fn case(&self, scenario: &Scenario, policy: &PolicySpec, seed: Seed) -> Case;

    /// Whether it wants to know what its cases have covered.
    fn learns(&self) -> bool {
        false
    }

    /// What a case has covered. Told in order of the seeds, at the end of each round.
    fn learn(&mut self, case: Case, covered: &Coverage) {
        let _ = (case, covered);
    }
}

/// The strategies there are, with what they do.
pub const ALL: &[(&str, &str)] = &[
    ("random", "the weather as the seed draws it"),
    ("late", "and one to three messages, chosen at random, are very late"),
    ("pct", "delays by priorities of links and threads, with one to three changes (Burckhardt et al. 2010)"),
    ("guided", "what has covered something new is changed a little and tried again"),
];

/// The strategy of a name.
pub fn named(name: &str) -> Result<Box<dyn Strategy>, Error> {
    Ok(match name {
        "random" => Box::new(Random),
        "late" => Box::new(late::Late::default()),
        "pct" => Box::new(pct::Pct),
        "guided" => Box::new(guided::Guided::default()),
        _ => {
            let known = ALL.iter().map(|(name, _)| *name);
            return Err(Error::new(format!("strategy `{name}`"), unknown("strategy", name, known)));
        }
    })
}

/// What is to be written behind a line that replays a seed: nothing if the strategy leaves everything to the seed. None if a
/// seed alone does not say what was run.
pub fn replayed(strategy: &str) -> Option<String> {
    match strategy {
        "random" => Some(String::new()),
        "guided" => None,
        other => Some(format!(" --strategy {other}")),
    }
}

/// The weather as it is drawn.
struct Random;

impl Strategy for Random {
    fn name(&self) -> &'static str {
        "random"
    }

    fn case(&self, scenario: &Scenario, policy: &PolicySpec, seed: Seed) -> Case {
        Case::new(scenario, policy, seed)
    }
}

impl fmt::Debug for dyn Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
