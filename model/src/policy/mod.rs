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
    /// The switches of every part.
    pub const PARTS: &[(&str, &[About])] = &[
        ("node", Node::SWITCHES),
        ("coordinator", Coordinator::SWITCHES),
        ("maintainer", Maintainer::SWITCHES),
        ("dispatchers", Dispatchers::SWITCHES),
    ];

    /// The preset of this name; the names are those of [`PRESETS`].
    pub fn preset(name: &str) -> Option<Policy> {
        PRESETS.iter().find(|preset| preset.name == name).map(|preset| (preset.policy)())
    }
}

/// A switch, as documents tell of it.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// What it is called in files, behind its part.
    pub switch: &'static str,
    /// What it decides.
    pub meaning: &'static str,
    /// Its alternatives, and what each of them means.
    pub alternatives: &'static [(&'static str, &'static str)],
}

/// Declares the switches of one part: a struct with a field for each, and beside the field its type, an enum of
/// alternatives. A switch that is asked a yes-no question names it, and answers it beside each alternative. One that has
/// the alternatives of another only names their type.
macro_rules! switches {
    ($(#[$meta:meta])* pub struct $part:ident { $(
        $(#[doc = $doc:literal])* pub $field:ident: $switch:ident $(: $question:ident)? $({ $($alternatives:tt)* })?
    ),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $part { $($(#[doc = $doc])* pub $field: $switch),* }

        impl $part {
            /// Its switches, in this order.
            pub const SWITCHES: &'static [$crate::policy::About] = &[$($crate::policy::About {
                switch: stringify!($field),
                meaning: concat!($($doc),*),
                alternatives: $switch::ALTERNATIVES,
            }),*];
        }

        $($crate::policy::switch! { [$($doc)*] $switch $([$question])? $({ $($alternatives)* })? })*
    };
}

macro_rules! switch {
    ([$($about:literal)*] $switch:ident) => {};
    ([$($about:literal)*] $switch:ident {
        $($(#[doc = $doc:literal])* $alternative:ident),* $(,)?
    }) => {
        $(#[doc = $about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $switch { $($(#[doc = $doc])* $alternative),* }

        impl $switch {
            const ALTERNATIVES: &'static [(&'static str, &'static str)] =
                &[$((stringify!($alternative), concat!($($doc),*))),*];
        }
    };
    ([$($about:literal)*] $switch:ident [$question:ident] {
        $($(#[doc = $doc:literal])* $alternative:ident => $answer:literal),* $(,)?
    }) => {
        $crate::policy::switch! { [$($about)*] $switch { $($(#[doc = $doc])* $alternative),* } }

        impl $switch {
            pub(crate) const fn $question(self) -> bool {
                match self { $($switch::$alternative => $answer),* }
            }
        }
    };
}

use {switch, switches};
