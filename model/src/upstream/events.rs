//! The event service: in which order a dispatcher is sent rows, DDLs, syncpoints and resolved timestamps.
//!
//! At one timestamp rows come first, then the DDL, then the syncpoint, then the resolved timestamp.

use std::sync::Arc;

use crate::{
    Span, TableId, Ts,
    upstream::{
        History,
        ddl::{BlockEvent, Ddl, Influence},
    },
};

/// How far the events of a dispatcher have been sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Everything before it has been sent.
    pub ts: Ts,
    rank: Rank,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Rank {
    Rows,
    Ddl,
    SyncPoint,
}

impl Position {
    /// Where a dispatcher starts: rows and DDLs come after that, and so does a syncpoint, unless it is the very one that
    /// was the last thing to be written.
    pub fn start(ts: Ts, skip_sync_point: bool) -> Position {
        Position { ts, rank: if skip_sync_point { Rank::SyncPoint } else { Rank::Ddl } }
    }

    /// Behind the rows of a timestamp.
    pub fn rows(ts: Ts) -> Position {
        Position { ts, rank: Rank::Rows }
    }

    /// Behind everything of a timestamp.
    pub fn resolved(ts: Ts) -> Position {
        Position { ts, rank: Rank::SyncPoint }
    }

    /// Behind this event.
    pub fn behind(event: &BlockEvent) -> Position {
        let rank = if event.is_sync_point() { Rank::SyncPoint } else { Rank::Ddl };
        Position { ts: event.commit(), rank }
    }
}

impl History {
    /// When something happens next in a span of a table; infinite if nothing does.
    pub fn next_event(&self, span: Span, after: Position) -> Ts {
        let mut rows = self.rows(span.table, after.ts, Ts::INFINITE).iter();
        let row = rows.find(|row| span.has(row.key)).map_or(Ts::INFINITE, |row| row.commit);
        let block = self.next_block_at(span.table, after);
        row.min(block)
    }

    fn next_block_at(&self, table: TableId, after: Position) -> Ts {
        let ddl = self.next_ddl(table, after).map_or(Ts::INFINITE, |ddl| ddl.commit);
        ddl.min(self.next_sync_point(after))
    }

    /// The next event of a table that is sent by itself.
    pub fn next_block(&self, table: TableId, after: Position) -> Option<BlockEvent> {
        let (ddl, sync_point) = (self.next_ddl(table, after), self.next_sync_point(after));
        match ddl {
            Some(ddl) if ddl.commit <= sync_point => Some(BlockEvent::Ddl(ddl.clone())),
            _ => Some(BlockEvent::SyncPoint(sync_point)).filter(|_| sync_point != Ts::INFINITE),
        }
    }

    fn next_ddl(&self, table: TableId, after: Position) -> Option<&Arc<Ddl>> {
        let ddls = self.ddls.get(table.0 as usize)?;
        let next = ddls.partition_point(|ddl| Position { ts: ddl.commit, rank: Rank::Ddl } <= after);
        ddls.get(next)
    }

    fn next_sync_point(&self, after: Position) -> Ts {
        let Some(every) = self.syncpoint_every else { return Ts::INFINITE };
        let last = after.ts.0 / every * every;
        let reached = after >= Position { ts: Ts(last), rank: Rank::SyncPoint } || last == 0;
        Ts(if reached { last + every } else { last })
    }
}

/// Hands out each DDL to the tables that get to see it. Those that it brings start behind it.
pub(super) fn deliveries(history: &History, ddls: &[Arc<Ddl>]) -> Vec<Vec<Arc<Ddl>>> {
    let mut all = vec![Vec::new(); history.lives.len() + 1];
    for ddl in ddls {
        for table in receivers(history, ddl) {
            all[table.0 as usize].push(ddl.clone());
        }
    }
    all
}

/// The tables that get to see a DDL.
pub(super) fn receivers(history: &History, ddl: &Ddl) -> Vec<TableId> {
    let before = ddl.commit.before();
    match &ddl.blocked {
        Influence::Normal(tables) => tables.clone(),
        Influence::Db(schema) => {
            let here =
                |table: &TableId| history.name_of(*table, before).is_some_and(|name| name.schema == *schema);
            history.tables_at(before).filter(here).chain([TableId::TRIGGER]).collect()
        }
        Influence::All => history.tables_at(before).chain([TableId::TRIGGER]).collect(),
    }
}
