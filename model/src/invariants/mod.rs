//! What the protocol promises, watched from outside: one property per file.
//!
//! An invariant reads records and machine states, keeps what it needs incrementally, and never changes a run.

mod api_intent;
mod checkpoint_safe;
mod close_ack_truth;
mod closed_stays_closed;
mod coverage;
mod data_equal;
mod ddl_once;
mod drained_is_empty;
mod ends_at_target;
mod error_is_heard;
mod inertness;
mod kept;
mod needed_is_kept;
mod no_command_while_removed;
mod no_false_alarm;
mod no_head_of_line;
mod no_lock_forever;
mod no_panic;
mod no_write_after_stop;
mod one_ddl_owner;
mod one_operator;
mod one_owner_per_epoch;
mod recovers;
mod redo_is_ahead;
mod services;
mod sight;
mod single_writer;
mod watchers;

use std::{collections::BTreeSet, fmt};

use sim::StepId;

use crate::{Record, Sim};

pub use sight::Sight;
use sight::Sort;
pub use watchers::Watchers;

/// A broken promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which invariant is broken.
    pub invariant: &'static str,
    /// Which of the things that it reports separately.
    pub aspect: &'static str,
    /// What is wrong, in the model's terms.
    pub what: String,
    /// The steps to blame.
    pub because: Vec<StepId>,
}

/// A property of a run.
pub trait Invariant {
    /// Looks at what has just happened. Everything it finds is found once.
    fn observe(&mut self, sim: &Sim, record: &Record, found: &mut Vec<Violation>);

    /// Looks at the cluster when it has had time to settle after the calm.
    fn settled(&mut self, sim: &Sim, found: &mut Vec<Violation>) {
        let _ = (sim, found);
    }
}

/// An invariant that can be named.
#[derive(Clone, Copy)]
pub struct Named {
    /// Its name in scenarios and reports.
    pub name: &'static str,
    /// What it promises, in one line.
    pub promise: &'static str,
    /// Issues and pull requests of pingcap/ticdc that it is for.
    pub bugs: &'static [&'static str],
    /// What it reports separately, each with what it means; without a name if it is only one thing.
    pub aspects: &'static [(&'static str, &'static str)],
    /// Which records it has to be shown; of others it would make nothing.
    pub sight: Sight,
    make: fn() -> Box<dyn Invariant>,
}

/// Every invariant.
pub const ALL: &[Named] = &[
    single_writer::NAMED,
    no_write_after_stop::NAMED,
    one_ddl_owner::NAMED,
    ddl_once::NAMED,
    coverage::NAMED,
    one_operator::NAMED,
    one_owner_per_epoch::NAMED,
    inertness::NAMED,
    checkpoint_safe::NAMED,
    no_command_while_removed::NAMED,
    close_ack_truth::NAMED,
    closed_stays_closed::NAMED,
    api_intent::NAMED,
    drained_is_empty::NAMED,
    ends_at_target::NAMED,
    needed_is_kept::NAMED,
    error_is_heard::NAMED,
    no_false_alarm::NAMED,
    redo_is_ahead::NAMED,
    no_lock_forever::NAMED,
    no_head_of_line::NAMED,
    no_panic::NAMED,
    recovers::NAMED,
    data_equal::NAMED,
];

impl Named {
    /// Whether it reports this separately.
    pub fn has_aspect(&self, aspect: &str) -> bool {
        !aspect.is_empty() && self.aspects.iter().any(|(name, _)| *name == aspect)
    }

    /// A fresh watcher for one run.
    pub fn watch(&self) -> Box<dyn Invariant> {
        (self.make)()
    }
}

/// What an invariant has told of.
#[derive(Default)]
struct Told(BTreeSet<&'static str>);

impl Told {
    /// Tells of an aspect, once per run.
    fn once(
        &mut self,
        invariant: &'static str,
        aspect: &'static str,
        what: String,
        because: Vec<StepId>,
        found: &mut Vec<Violation>,
    ) {
        if self.0.insert(aspect) {
            found.push(Violation { invariant, aspect, what, because });
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.invariant)?;
        if !self.aspect.is_empty() {
            write!(f, " ({})", self.aspect)?;
        }
        write!(f, ": {}", self.what)
    }
}
