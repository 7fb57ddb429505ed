//! The upstream: tables, their rows with commit timestamps, and how far each node may read.
//!
//! Its history is drawn before the run begins and known to the schema store and the event service of every node;
//! what a node may read of it follows the resolved timestamps that this actor sends.

use std::{fmt, sync::Arc};

use sim::{Draws, Duration, Input, Now, Seed};

use crate::{
    Actor, Addr, Out, Span, TableId, Ts, dispatchers,
    ids::Place,
    vocabulary::{say, vocabulary},
};

/// What changes upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload {
    /// How many tables there are, numbered from one.
    pub tables: u32,
    /// How often a row of a table changes, on average: the changes come at uneven distances.
    pub row_every: Duration,
    /// How many rows a table has.
    pub rows: u32,
    /// When the last row changes.
    pub until: Duration,
}

/// A change of a row. Its content is its commit timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Row {
    /// When it was committed.
    pub commit: Ts,
    /// Which row of its table.
    pub key: u32,
}

/// The whole history of the upstream.
#[derive(Clone, Debug)]
pub struct History {
    /// By table, from table 1 on, in order of commit.
    rows: Vec<Vec<Row>>,
}

impl History {
    /// Draws a history. The rows of each table follow a stream of their own.
    pub fn draw(workload: &Workload, seed: Seed) -> History {
        let (mean, end) = (workload.row_every.nanos() / 1000, workload.until.nanos() / 1000);
        let table = |table| {
            let mut draws = Draws::new(seed, &format!("workload {}", TableId(table)));
            let mut rows = Vec::new();
            let mut commit = 1 + draws.below(2 * mean + 1);
            while commit < end {
                let key = draws.below(workload.rows.into()) * u64::from(Span::KEYS / workload.rows);
                rows.push(Row { commit: Ts(commit), key: u32::try_from(key).expect("keys are small") });
                commit += 1 + draws.below(2 * mean);
            }
            rows
        };
        History { rows: (1..=workload.tables).map(table).collect() }
    }

    /// The tables that exist at a timestamp: what the schema store answers.
    pub fn tables_at(&self, _: Ts) -> impl Iterator<Item = TableId> {
        (1..).map(TableId).take(self.rows.len())
    }

    /// When something happens next after a timestamp in a span of a table; infinite if nothing does.
    pub fn next_event(&self, span: Span, after: Ts) -> Ts {
        let mut rows = self.rows(span.table, after, Ts::INFINITE).iter();
        rows.find(|row| span.has(row.key)).map_or(Ts::INFINITE, |row| row.commit)
    }

    /// The changes of a table after one timestamp up to another, in order of commit.
    pub fn rows(&self, table: TableId, after: Ts, upto: Ts) -> &[Row] {
        let Some(rows) = (table.0 as usize).checked_sub(1).and_then(|n| self.rows.get(n)) else { return &[] };
        let from = rows.partition_point(|row| row.commit <= after);
        let to = rows.partition_point(|row| row.commit <= upto);
        &rows[from.min(to)..to]
    }
}

vocabulary! {
    /// What is set off in the upstream.
    pub enum Timer {
        /// Resolved timestamps go out.
        Resolve,
    }
}

impl Copy for Timer {}

/// The storage nodes: they tell every node of TiCDC up to where all changes are known.
#[derive(Clone, Debug)]
pub struct Upstream {
    history: Arc<History>,
    nodes: Vec<Addr>,
}

/// How often a resolved timestamp goes out.
const RESOLVE_EVERY: Duration = Duration::from_millis(200);

impl Upstream {
    pub(crate) fn new(history: Arc<History>, nodes: impl Iterator<Item = crate::NodeId>) -> Upstream {
        Upstream { history, nodes: nodes.map(|node| Addr::Node(node, Place::Dispatchers)).collect() }
    }

    /// Everything that ever changed.
    pub fn history(&self) -> &History {
        &self.history
    }

    pub(crate) fn step(&mut self, now: Now, input: &Input<Actor>, out: &mut Out) {
        if let Input::Alarm(_) = input {
            let resolved = Ts::at(now.steady);
            for node in &self.nodes {
                out.send(*node, dispatchers::Inbox::Resolved { resolved }.into());
            }
        }
        if let Input::Start | Input::Alarm(_) = input {
            out.alarm(Timer::Resolve.into(), RESOLVE_EVERY);
        }
    }
}

say!(Row);

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.key, self.commit)
    }
}
