//! What the protocol promises, watched from outside: one property per file.
//!
//! An invariant reads records and machine states, keeps what it needs incrementally, and never changes a run.

mod downstream_is_fed;
mod no_head_of_line;
mod no_lock_forever;
mod no_write_after_fence;
mod one_ddl_owner;
mod single_writer;

use std::fmt;

use sim::StepId;

use crate::{Record, Sim};

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
    make: fn() -> Box<dyn Invariant>,
}

/// Every invariant.
pub const ALL: &[Named] = &[
    Named {
        name: single_writer::NAME,
        promise: "no two dispatchers of one changefeed with overlapping spans write at once",
        make: || Box::new(single_writer::SingleWriter::default()),
    },
    Named {
        name: one_ddl_owner::NAME,
        promise: "a changefeed has at most one active table trigger, and no DDL is forgotten or done again",
        make: || Box::new(one_ddl_owner::OneDdlOwner::default()),
    },
    Named {
        name: downstream_is_fed::NAME,
        promise: "after the calm every span has one working dispatcher, and the downstream is what the upstream was",
        make: || Box::new(downstream_is_fed::DownstreamIsFed::default()),
    },
    Named {
        name: no_write_after_fence::NAME,
        promise: "a node that has fenced itself starts no new write, and neither does a manager that a fence stops",
        make: || Box::new(no_write_after_fence::NoWriteAfterFence::default()),
    },
    Named {
        name: no_lock_forever::NAME,
        promise: "no lock is held by a handler that has ended",
        make: || Box::new(no_lock_forever::NoLockForever::default()),
    },
    Named {
        name: no_head_of_line::NAME,
        promise: "a slow changefeed holds up only itself, and those that share its queue on purpose",
        make: || Box::new(no_head_of_line::NoHeadOfLine::default()),
    },
];

impl Named {
    /// A fresh watcher for one run.
    pub fn watch(&self) -> Box<dyn Invariant> {
        (self.make)()
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
