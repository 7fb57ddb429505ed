//! How well the protocol does: measured, not judged. Integers, of one run each; a sweep tells their distribution.
//!
//! Measures read records and machine states as invariants do, and change nothing. Without faults they say what the protocol costs
//! anyway; what a fault costs is the difference.

mod coverage;
mod messages;
mod progress;
mod rows;

use sim::Duration;

use crate::{Record, Sim};
use coverage::Coverage;
use messages::Messages;
use progress::Progress;
use rows::Rows;

/// A thing that is measured.
#[derive(Clone, Copy, Debug)]
pub struct Measure {
    /// Its name in results for programs.
    pub name: &'static str,
    /// What it is called in a summary.
    pub short: &'static str,
    /// What is counted.
    pub unit: Unit,
    /// What it says, in one line.
    pub about: &'static str,
}

/// What a measure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Milliseconds of simulated time.
    Milliseconds,
    /// Changes of rows.
    Rows,
    /// Messages.
    Messages,
}

/// How many measures there are.
pub const COUNT: usize = 5;

/// Every measure, in the order of [`Measured`].
pub const ALL: [Measure; COUNT] = [
    Measure {
        name: "without_writer",
        short: "without writer",
        unit: Unit::Milliseconds,
        about: "the longest time for which some range of a table had a writer before and has none",
    },
    Measure {
        name: "recovery",
        short: "recovery",
        unit: Unit::Milliseconds,
        about: "the longest time from a fault until every checkpoint that is persisted is past it",
    },
    Measure {
        name: "written_twice",
        short: "written twice",
        unit: Unit::Rows,
        about: "changes of rows that reached the downstream when they, or later ones of their row, had before",
    },
    Measure {
        name: "checkpoint_lag",
        short: "lag",
        unit: Unit::Milliseconds,
        about: "how far a persisted checkpoint was behind at most, just before a later one was persisted",
    },
    Measure {
        name: "control_messages",
        short: "control messages",
        unit: Unit::Messages,
        about: "messages from node to node, those that were lost included",
    },
];

/// What was measured of a run, in the order of [`ALL`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measured(pub [u64; COUNT]);

/// Whoever measures a run.
#[derive(Default)]
pub struct Measures {
    coverage: Coverage,
    progress: Progress,
    rows: Rows,
    messages: Messages,
}

impl Measures {
    /// Looks at what has just happened.
    #[inline]
    pub fn observe(&mut self, sim: &Sim, record: &Record) {
        self.coverage.observe(sim, record);
        self.progress.observe(sim, record);
        self.rows.observe(record);
        self.messages.observe(record);
    }

    /// What has been measured, when the run has ended.
    pub fn measured(self, sim: &Sim) -> Measured {
        let (recovery, lag) = self.progress.measured(sim);
        let without = self.coverage.measured(sim);
        Measured([
            millis(without),
            millis(recovery),
            self.rows.written_twice,
            millis(lag),
            self.messages.between_nodes,
        ])
    }
}

impl Unit {
    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Unit::Milliseconds => "ms",
            Unit::Rows => "rows",
            Unit::Messages => "messages",
        }
    }
}

fn millis(length: Duration) -> u64 {
    length.nanos() / 1_000_000
}
