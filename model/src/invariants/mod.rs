//! What the protocol promises, watched from outside: one property per file.
//!
//! An invariant reads records and machine states, keeps what it needs incrementally, and never changes a run.

mod api_intent;
mod closed_stays_closed;
mod ddl_once;
mod downstream_is_fed;
mod drained_is_empty;
mod everything_ends;
mod no_command_while_removed;
mod no_false_alarm;
mod no_head_of_line;
mod no_lock_forever;
mod no_panic;
mod no_write_after_fence;
mod no_write_after_stop;
mod one_ddl_owner;
mod one_owner_per_epoch;
mod redo_is_ahead;
mod refused_changes_nothing;
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
    /// What it reports separately.
    pub aspects: &'static [&'static str],
    make: fn() -> Box<dyn Invariant>,
}

/// Every invariant.
pub const ALL: &[Named] = &[
    Named {
        name: single_writer::NAME,
        promise: "no two dispatchers of one changefeed with overlapping spans write at once",
        aspects: &["admitted", "started", "applied"],
        make: || Box::new(single_writer::SingleWriter::default()),
    },
    Named {
        name: one_ddl_owner::NAME,
        promise: "a changefeed has at most one active table trigger, and no DDL is forgotten or done again",
        aspects: &["active", "twice", "regress"],
        make: || Box::new(one_ddl_owner::OneDdlOwner::default()),
    },
    Named {
        name: one_owner_per_epoch::NAME,
        promise: "of two owners of a changefeed it can be told which is the later one, from their epochs",
        aspects: &["shared", "unpersisted", "lowered", "memory"],
        make: || Box::new(one_owner_per_epoch::OneOwnerPerEpoch::default()),
    },
    Named {
        name: ddl_once::NAME,
        promise: "every DDL is executed once, by one dispatcher, after all rows before it and before any row after it",
        aspects: &["twice", "early", "late", "overtaken", "skipped"],
        make: || Box::new(ddl_once::DdlOnce::default()),
    },
    Named {
        name: downstream_is_fed::NAME,
        promise: "after the calm every span has one working dispatcher, and the downstream is what the upstream was",
        aspects: &["data", "monotone", "changefeed", "coverage", "checkpoint"],
        make: || Box::new(downstream_is_fed::DownstreamIsFed::default()),
    },
    Named {
        name: no_command_while_removed::NAME,
        promise: "a maintainer that is being removed commands nobody, but to close and to stop its table trigger",
        aspects: &["schedule", "block events", "bootstrap"],
        make: || Box::new(no_command_while_removed::NoCommandWhileRemoved::default()),
    },
    Named {
        name: redo_is_ahead::NAME,
        promise: "what is downstream is in the redo log, and the redo log has everything that its meta promises",
        aspects: &["log", "meta"],
        make: || Box::new(redo_is_ahead::RedoIsAhead::default()),
    },
    Named {
        name: no_write_after_fence::NAME,
        promise: "a node that has fenced itself starts no new write, and neither does a manager that a fence stops",
        aspects: &["manager", "node", "late"],
        make: || Box::new(no_write_after_fence::NoWriteAfterFence::default()),
    },
    Named {
        name: no_write_after_stop::NAME,
        promise: "when a user knows that a changefeed is paused or removed, nobody writes it any more",
        aspects: &["paused", "removed"],
        make: || Box::new(no_write_after_stop::NoWriteAfterStop::default()),
    },
    Named {
        name: api_intent::NAME,
        promise: "what a user has been promised about a changefeed holds for good, also under another coordinator",
        aspects: &["paused", "resumed", "removed", "revived"],
        make: || Box::new(api_intent::ApiIntent::default()),
    },
    Named {
        name: drained_is_empty::NAME,
        promise: "when a user is told that a node has been drained, no maintainer and no dispatcher is left on it",
        aspects: &["maintainer", "dispatcher"],
        make: || Box::new(drained_is_empty::DrainedIsEmpty::default()),
    },
    Named {
        name: no_lock_forever::NAME,
        promise: "no lock is held by a handler that has ended",
        aspects: &["lock of the maps", "fence mutex", "mutex of the write path"],
        make: || Box::new(no_lock_forever::NoLockForever::default()),
    },
    Named {
        name: no_head_of_line::NAME,
        promise: "a slow changefeed holds up only itself, and those that share its queue on purpose",
        aspects: &["lock", "queue", "operators"],
        make: || Box::new(no_head_of_line::NoHeadOfLine::default()),
    },
    Named {
        name: no_panic::NAME,
        promise: "no process ends because it takes for granted what is not there",
        aspects: &["coordinator", "maintainers", "dispatchers"],
        make: || Box::new(no_panic::NoPanic::default()),
    },
    Named {
        name: no_false_alarm::NAME,
        promise: "no maintainer is told that a changefeed is broken because a manager of it ends",
        aspects: &[],
        make: || Box::new(no_false_alarm::NoFalseAlarm::default()),
    },
    Named {
        name: closed_stays_closed::NAME,
        promise: "a dispatcher manager that has been fenced, or is being closed, gets no new dispatcher",
        aspects: &[],
        make: || Box::new(closed_stays_closed::ClosedStaysClosed::default()),
    },
    Named {
        name: refused_changes_nothing::NAME,
        promise: "a request of another owner or generation that is refused changes nothing",
        aspects: &["owner", "journal", "closed epoch", "takeover"],
        make: || Box::new(refused_changes_nothing::RefusedChangesNothing::default()),
    },
    Named {
        name: everything_ends::NAME,
        promise: "when the cluster has settled, no operator is under way and no journal keeps what was begun",
        aspects: &["operator", "journal"],
        make: || Box::new(everything_ends::EverythingEnds),
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
