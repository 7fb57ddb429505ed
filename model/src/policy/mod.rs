//! Behaviour switches: the points where versions of the protocol differ.
//!
//! A switch is a noun with named alternatives and one question that the protocol asks it. The protocol always asks;
//! only this folder knows that the answers differ. Each alternative names the version or pull request of
//! pingcap/ticdc that it stands for. A [`Policy`] is one choice for every switch; presets are whole versions.

mod coordinator;
mod dispatchers;
mod maintainer;
mod node;
mod presets;

use serde::{Deserialize, Serialize};

pub use coordinator::*;
pub use dispatchers::*;
pub use maintainer::*;
pub use node::*;
pub use presets::{PRESETS, Preset};

/// Which version of the protocol a node follows: one choice for every switch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The server's.
    pub node: Node,
    /// The coordinator's.
    pub coordinator: Coordinator,
    /// The maintainer's and its manager's.
    pub maintainer: Maintainer,
    /// The orchestrator's and its managers'.
    pub dispatchers: Dispatchers,
}

impl Policy {
    /// The preset of this name; the names are those of [`PRESETS`].
    pub fn preset(name: &str) -> Option<Policy> {
        PRESETS.iter().find(|preset| preset.name == name).map(|preset| (preset.policy)())
    }
}

/// Declares a switch: an enum whose alternatives are named in files as they are in the code.
macro_rules! switch {
    ($(#[$meta:meta])* pub enum $name:ident { $($(#[$doc:meta])* $alternative:ident),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$doc])* $alternative),* }
    };
}

use switch;
