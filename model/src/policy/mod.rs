//! Behaviour switches: the points where versions of the protocol differ.
//!
//! A switch is a noun with named alternatives and one question that the protocol asks it. The protocol always asks;
//! only this folder knows that the answers differ. Each alternative names the version or pull request of
//! pingcap/ticdc that it stands for. A [`Policy`] is one choice for every switch; presets are whole versions, and designs that
//! never became one.

mod barrier;
mod coordinator;
mod designs;
mod dispatchers;
mod maintainer;
mod mutants;
mod named;
mod node;
mod orchestrator;
mod presets;
mod reviews;

pub use barrier::*;
pub use coordinator::*;
pub use designs::DESIGNS;
pub use dispatchers::*;
pub use maintainer::*;
pub(crate) use maintainer::{Part, Stamped};
pub use mutants::{MUTANTS, Mutant};
pub use named::{Unknown, in_files};
pub use node::*;
pub use orchestrator::*;
use presets::baseline;
pub use presets::{PRESETS, Preset};
pub use reviews::{Made, REVIEWS, Review};

/// Which version of the protocol a node follows: one choice for every switch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The server's.
    pub node: Node,
    /// The coordinator's.
    pub coordinator: Coordinator,
    /// The maintainer's and its manager's.
    pub maintainer: Maintainer,
    /// The maintainer's barrier's.
    pub barrier: Barrier,
    /// The dispatcher orchestrator's.
    pub orchestrator: Orchestrator,
    /// The dispatcher managers'.
    pub dispatchers: Dispatchers,
}

/// A switch of a policy: what it is called, what it decides, and what the policy chooses.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// What it is called, behind its part.
    pub switch: &'static str,
    /// What it decides.
    pub meaning: &'static str,
    /// Its alternatives as they are declared, and what each of them means.
    pub alternatives: &'static [(&'static str, &'static str)],
    /// Which of them the policy chooses.
    pub chosen: usize,
}

impl Policy {
    /// The parts, by name.
    pub fn parts(&self) -> [(&'static str, Vec<About>); 6] {
        [
            ("node", self.node.switches()),
            ("coordinator", self.coordinator.switches()),
            ("maintainer", self.maintainer.switches()),
            ("barrier", self.barrier.switches()),
            ("orchestrator", self.orchestrator.switches()),
            ("dispatchers", self.dispatchers.switches()),
        ]
    }

    /// Chooses the `nth` alternative of a switch; both are taken from [`Policy::parts`].
    fn choose(&mut self, part: &str, switch: &str, nth: usize) {
        match part {
            "node" => self.node.choose(switch, nth),
            "coordinator" => self.coordinator.choose(switch, nth),
            "maintainer" => self.maintainer.choose(switch, nth),
            "barrier" => self.barrier.choose(switch, nth),
            "orchestrator" => self.orchestrator.choose(switch, nth),
            _ => self.dispatchers.choose(switch, nth),
        }
    }
}

/// Declares the switches of one part: a struct with a field for each, and beside the field its type, an enum of
/// alternatives. A switch that is asked a yes-no question names it, and answers it beside each alternative. One that has
/// the alternatives of another only names their type.
macro_rules! switches {
    ($(#[$meta:meta])* pub struct $part:ident { $(
        $(#[doc = $doc:literal])* pub $field:ident: $switch:ident $(: $question:ident)? $({ $($alternatives:tt)* })?
    ),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $part { $($(#[doc = $doc])* pub $field: $switch),* }

        impl $part {
            pub(super) fn switches(&self) -> Vec<$crate::policy::About> {
                vec![$($crate::policy::About {
                    switch: stringify!($field),
                    meaning: concat!($($doc),*),
                    alternatives: $switch::MEANINGS,
                    chosen: self.$field as usize,
                }),*]
            }

            pub(super) fn choose(&mut self, switch: &str, nth: usize) {
                $(if switch == stringify!($field) {
                    self.$field = $switch::ALL[nth];
                })*
            }
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
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $switch { $($(#[doc = $doc])* $alternative),* }

        impl $switch {
            pub(super) const ALL: &'static [$switch] = &[$($switch::$alternative),*];
            pub(super) const MEANINGS: &'static [(&'static str, &'static str)] =
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
