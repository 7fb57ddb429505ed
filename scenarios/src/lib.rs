//! Scenarios of failover: how they are written, and how they are run.
//!
//! A run is a pure function of a scenario, a policy and a seed ([`run::run`]). A scenario is a TOML file
//! ([`Scenario`]); those of the catalogue are in the binary ([`catalogue`]).

mod about;
pub mod bench;
pub mod capsule;
mod case;
pub mod catalogue;
mod chaos;
mod coverage;
pub mod determinism;
pub mod diff;
mod draw;
mod error;
mod file;
pub mod fires;
pub mod gate;
pub mod hunt;
pub mod known;
pub mod matrix;
mod policy;
pub mod run;
mod scenario;
pub mod shrink;
pub mod signature;
pub mod story;
pub mod strategy;
pub mod sweep;
pub mod trace;
mod units;

pub use about::{Issue, Topic};
pub use case::Case;
pub use coverage::Coverage;
pub use draw::Drawn;
pub use error::Error;

pub use model::measures;
pub use model::{
    invariants::{self, Violation},
    policy::{DESIGNS, MUTANTS, Mutant, PRESETS, Preset},
};
pub use policy::PolicySpec;
pub use scenario::{Claim, Scenario, invariant};
pub use sim::{Decision, DecisionAddress, Decisions, Duration, Instant, Seed};
