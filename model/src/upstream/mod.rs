//! The upstream: tables, their rows with commit timestamps, and how far each node may read.
//!
//! Its history is drawn before the run begins and known to the schema store and the event service of every node;
//! what a node may read of it follows the resolved timestamps that this actor sends.

pub mod ddl;
pub mod events;
mod kinds;
mod schema;

use std::sync::Arc;

use sim::{Draws, Duration, Input, Now, Seed};

use crate::{
    Actor, Addr, Out, SchemaId, Span, TableId, TableName, Ts, cluster::START, dispatchers, ids::Place,
    vocabulary::vocabulary,
};
use ddl::Ddl;
use kinds::Kinds;
pub use kinds::RowKind;
pub use schema::{DdlKind, NamedDdl};
use schema::{Drawing, Life};

/// What changes upstream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Workload {
    /// How many tables there are, numbered from one.
    pub tables: u32,
    /// How often a row of a table changes, on average: the changes come at uneven distances.
    pub row_every: Duration,
    /// How many rows a table has, at most.
    pub rows: u32,
    /// How many of a million changes delete the row, if it exists.
    pub deletes_per_million: u32,
    /// When the last row changes.
    pub until: Duration,
    /// How many databases the tables are dealt out to.
    pub databases: u32,
    /// How often the schema changes, on average; none: never.
    pub ddl_every: Option<Duration>,
    /// When the schema changes for the last time, but for the changes at given times.
    pub ddl_until: Duration,
    /// The kinds of these changes, each as likely as the others. One that is named twice is twice as likely.
    pub ddls: Vec<DdlKind>,
    /// Further changes of the schema, at given times.
    pub named_ddls: Vec<NamedDdl>,
    /// How far syncpoints are apart; none: there are none.
    pub syncpoint_every: Option<Duration>,
    /// How many regions a table has, from the beginning and from these times on.
    pub regions: u32,
    /// In order of time.
    pub region_changes: Vec<(Duration, u32)>,
}

/// A change of a row. Its content is its commit timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Row {
    /// When it was committed.
    pub commit: Ts,
    /// Which row of its table.
    pub key: u32,
    /// What became of the row.
    pub kind: RowKind,
}

/// The whole history of the upstream.
#[derive(Clone, Debug)]
pub struct History {
    /// By table, from table 1 on, in order of commit.
    rows: Vec<Vec<Row>>,
    lives: Vec<Life>,
    /// How many databases there are at the beginning.
    databases: u32,
    /// By table, from the table trigger on: the DDLs that it gets to see, in order of commit.
    ddls: Vec<Vec<Arc<Ddl>>>,
    /// All of them.
    all_ddls: Vec<Arc<Ddl>>,
    /// The distance of syncpoints, in microseconds.
    syncpoint_every: Option<u64>,
    /// How many regions each table has, from these timestamps on.
    regions: Vec<(Ts, u32)>,
}

impl History {
    /// Draws a history. The rows of each table follow a stream of their own, and so do what becomes of them and the DDLs.
    pub fn draw(workload: &Workload, seed: Seed) -> History {
        let mut drawing = Drawing::new(workload);
        drawing.draw(workload, seed);
        let Drawing { lives, ddls, .. } = drawing;
        let rows = (1..).zip(&lives).map(|(table, life)| workload.draw_rows(TableId(table), life, seed));
        let rows = rows.collect();
        let syncpoint_every = workload.syncpoint_every.map(|every| every.nanos() / 1000);
        let databases = workload.databases.max(1);
        let changes = workload.region_changes.iter().map(|(at, regions)| (Ts(at.nanos() / 1000), *regions));
        let regions = [(Ts::NONE, workload.regions)].into_iter().chain(changes).collect();
        let ddls_seen = Vec::new();
        let mut history =
            History { rows, lives, databases, ddls: ddls_seen, all_ddls: ddls, syncpoint_every, regions };
        history.ddls = events::deliveries(&history, &history.all_ddls);
        history
    }

    /// The tables that exist at a timestamp: what the schema store answers.
    pub fn tables_at(&self, ts: Ts) -> impl Iterator<Item = TableId> {
        let lives = (1..).map(TableId).zip(&self.lives);
        lives.filter(move |(_, life)| life.exists_at(ts)).map(|(table, _)| table)
    }

    /// All tables that there ever are.
    pub(crate) fn all_tables(&self) -> impl Iterator<Item = TableId> {
        (1..).map(TableId).zip(&self.lives).map(|(table, _)| table)
    }

    /// The databases at the beginning.
    pub(crate) fn first_databases(&self) -> impl Iterator<Item = SchemaId> {
        (1..=self.databases).map(SchemaId)
    }

    /// Where the regions of a span begin at a timestamp, the first of them perhaps before the span. They part a table
    /// evenly, and there is always one.
    pub(crate) fn regions(&self, span: Span, ts: Ts) -> impl Iterator<Item = u32> {
        let changes = self.regions.partition_point(|(from, _)| *from <= ts);
        let count = changes.checked_sub(1).map_or(1, |n| self.regions[n].1.max(1));
        let begin = move |n: u32| u32::try_from(u64::from(Span::KEYS) * u64::from(n) / u64::from(count));
        let begin = move |n: u32| begin(n).expect("it is within the key space");
        (0..count).filter(move |n| begin(*n) < span.to && span.from < begin(*n + 1)).map(begin)
    }

    /// The name that a table has at a timestamp, if it ever had one.
    pub fn name_of(&self, table: TableId, ts: Ts) -> Option<TableName> {
        let life = self.lives.get((table.0 as usize).checked_sub(1)?)?;
        Some(life.name_at(ts))
    }

    /// Every DDL, in order of commit.
    pub fn all_ddls(&self) -> &[Arc<Ddl>] {
        &self.all_ddls
    }

    /// The DDLs that the dispatchers of a table get to see, in order of commit; those of the table trigger, too.
    pub fn ddls_of(&self, table: TableId) -> &[Arc<Ddl>] {
        self.ddls.get(table.0 as usize).map_or(&[], Vec::as_slice)
    }

    /// The tables that may not go past a DDL before it is executed, without the table trigger.
    pub fn concerned(&self, ddl: &Ddl) -> Vec<TableId> {
        let receivers = events::receivers(self, ddl).into_iter();
        receivers.filter(|table| *table != TableId::TRIGGER).collect()
    }

    /// The first syncpoint after a timestamp, if there are any.
    pub fn sync_point_after(&self, ts: Ts) -> Option<Ts> {
        self.syncpoint_every.map(|every| Ts((ts.0 / every + 1) * every))
    }

    /// The database that a table is in at a timestamp; none if there never was such a table.
    pub(crate) fn schema_of(&self, table: TableId, ts: Ts) -> SchemaId {
        self.name_of(table, ts).map_or(SchemaId(0), |name| name.schema)
    }

    /// The rows of a span change at these times, and at no others: so many of them each time, the first rows of the span.
    /// Each change is a transaction of its own.
    pub fn change_only(&mut self, span: Span, times: &[(Ts, u32)]) {
        let table = (span.table.0 as usize).checked_sub(1).and_then(|n| self.rows.get_mut(n));
        let rows = table.expect("only tables have rows");
        rows.retain(|row| !span.has(row.key));
        let mut exist = 0;
        for (commit, count) in times {
            for n in 0..*count {
                let kind = if n < exist { RowKind::Update } else { RowKind::Insert };
                rows.push(Row { commit: *commit, key: span.from + n, kind });
            }
            exist = exist.max(*count);
        }
        rows.sort_by_key(|row| row.commit);
    }

    /// The schema changes once more. Tables that come with it have no rows.
    pub fn add_ddl(&mut self, ddl: Ddl) {
        let ddl = Arc::new(ddl);
        for table in events::receivers(self, &ddl) {
            let ddls = self.ddls.get_mut(table.0 as usize).expect("only tables see DDLs");
            ddls.push(ddl.clone());
            ddls.sort_by_key(|ddl| ddl.commit);
        }
    }

    /// There is a syncpoint whenever so many microseconds have passed.
    pub fn set_sync_points(&mut self, every: u64) {
        self.syncpoint_every = Some(every);
    }

    /// The changes of a table after one timestamp up to another, in order of commit.
    pub fn rows(&self, table: TableId, after: Ts, upto: Ts) -> &[Row] {
        let Some(rows) = (table.0 as usize).checked_sub(1).and_then(|n| self.rows.get(n)) else { return &[] };
        let from = rows.partition_point(|row| row.commit <= after);
        let to = rows.partition_point(|row| row.commit <= upto);
        &rows[from.min(to)..to]
    }
}

impl Workload {
    /// The changes of a table while it exists.
    fn draw_rows(&self, table: TableId, life: &Life, seed: Seed) -> Vec<Row> {
        let (mean, end) = (self.row_every.nanos() / 1000, self.until.nanos() / 1000);
        let mut draws = Draws::new(seed, &format!("workload {table}"));
        let mut kinds = Kinds::new(table, self, seed);
        let mut rows = Vec::new();
        // What has been committed when a changefeed begins is not its business.
        let mut commit = (life.born.0 + 1 + draws.below(2 * mean + 1)).max(START.0 + 1);
        while commit < end.min(life.dead.0) {
            let row = u32::try_from(draws.below(self.rows.into())).expect("rows are few");
            let (key, kind) = (row * (Span::KEYS / self.rows), kinds.next(row));
            rows.push(Row { commit: Ts(commit), key, kind });
            commit += 1 + draws.below(2 * mean);
        }
        rows
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
    /// The last resolved timestamp that went out.
    resolved: Ts,
}

/// How often a resolved timestamp goes out.
const RESOLVE_EVERY: Duration = Duration::from_millis(200);

impl Upstream {
    /// The upstream with this history, which tells these nodes what is resolved.
    pub fn new(history: Arc<History>, nodes: impl Iterator<Item = crate::NodeId>) -> Upstream {
        let nodes = nodes.map(|node| Addr::Node(node, Place::Dispatchers)).collect();
        Upstream { history, nodes, resolved: Ts::NONE }
    }

    /// Nobody can know of a later change yet.
    pub fn resolved(&self) -> Ts {
        self.resolved
    }

    /// Everything that ever changes.
    pub fn history(&self) -> &History {
        &self.history
    }

    pub(crate) fn step(&mut self, now: Now, input: &Input<Actor>, out: &mut Out) {
        if let Input::Alarm(_) = input {
            self.resolved = Ts::at(now.steady);
            for node in &self.nodes {
                out.send(*node, dispatchers::Inbox::Resolved { resolved: self.resolved }.into());
            }
        }
        if let Input::Start | Input::Alarm(_) = input {
            out.alarm(Timer::Resolve.into(), RESOLVE_EVERY);
        }
    }
}
