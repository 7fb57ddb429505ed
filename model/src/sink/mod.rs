//! The downstream: statements reach the server, run for a while, and change rows.

mod class;
mod ddl;
mod ddl_ts;
mod failure;
mod faults;
mod locks;
mod log;
mod pending;
mod redo;
mod rows;
mod statements;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
    sync::Arc,
};

use sim::{Duration, Input, Now};

use crate::{
    Actor, Addr, ChangefeedId, DispatcherId, History, Out, TableId, Ts,
    upstream::ddl::Ddl,
    vocabulary::{heard, spoken, vocabulary, words},
};

pub use class::{Class, Downstream};
pub use ddl_ts::{Record, Recovery};
pub use failure::Failure;
pub use redo::Logged;
pub use rows::Stored;

use ddl::Catalog;
use ddl_ts::DdlTs;
use faults::Faults;
use locks::Locks;
use redo::RedoStorage;
pub(crate) use rows::RowKey;
use rows::Store;
use statements::Statement;

/// A call of one client, numbered by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueryId(pub u32);

vocabulary! {
    /// What a client sends.
    pub enum Inbox {
        /// Opens a connection pool.
        Connect { query: QueryId },
        /// Asks where the DDLs of these tables stand (the `ddl_ts` table).
        TableRecoveryInfo { query: QueryId, cf: ChangefeedId, tables: Vec<TableId> },
        /// Deletes what is recorded of a changefeed that is removed for good.
        CleanupRemovedChangefeed { query: QueryId, cf: ChangefeedId },
        /// A changefeed of this name begins: what is recorded about its DDLs is deleted.
        RemoveDdlTs { query: QueryId, cf: ChangefeedId },
        /// Records how far these tables are with a DDL, or all of them with a syncpoint, and deletes other records.
        WriteDdlTs { query: QueryId, cf: ChangefeedId, tables: Vec<TableId>, ts: Ts, finished: bool, syncpoint: bool, deleted: Vec<TableId> },
        /// Changes the schema.
        ExecuteDdl { query: QueryId, cf: ChangefeedId, ddl: Box<Ddl> },
        /// Notes that the downstream is consistent, as of a moment of the upstream.
        WriteSyncPoint { query: QueryId, cf: ChangefeedId, ts: Ts },
        /// Tells of a table that is there when the changefeed begins (to a log).
        WriteBootstrap { query: QueryId, cf: ChangefeedId, table: TableId },
        /// Everything up to here is downstream (to a log). There is no answer.
        AddCheckpointTs { query: QueryId, cf: ChangefeedId, checkpoint: Ts },
        /// One transaction: changes of rows, all of it in one packet. `stepwise`: one statement after the other instead,
        /// each when the one before it has ended.
        Execute { query: QueryId, stepwise: bool, transaction: Box<Transaction> },
        /// The client drops the connection of a call. If the call has not been received yet, it never will be; of a
        /// transaction that comes stepwise, the end will not.
        Disconnect { query: QueryId },
        /// Adds a file with these rows to the redo log.
        WriteRedoLog { query: QueryId, cf: ChangefeedId, rows: Vec<Logged> },
        /// Adds a DDL to the redo log.
        WriteRedoDdl { query: QueryId, cf: ChangefeedId, ddl: Box<Ddl> },
        /// Asks how far the redo log is.
        ReadRedoMeta { query: QueryId, cf: ChangefeedId },
        /// Writes down how far the redo log is, and the downstream. `alone`: what others have written about that goes.
        WriteRedoMeta { query: QueryId, cf: ChangefeedId, checkpoint: Ts, resolved: Ts, alone: bool },
        /// Deletes the redo log of a changefeed that is removed for good.
        RemoveRedoLog { query: QueryId, cf: ChangefeedId },
    }
}

vocabulary! {
    /// What a client hears.
    pub enum Reply {
        /// The pool is open.
        Connected { query: QueryId },
        /// From where each table may be recovered.
        TableRecovery { query: QueryId, recoveries: Vec<Recovery> },
        /// It was done.
        Committed { query: QueryId },
        /// What was recorded of a removed changefeed is deleted.
        Cleaned { query: QueryId },
        /// Nothing came of the call.
        Failed { query: QueryId, why: Failure },
        /// How far the redo log is, and the downstream; zero: there is none yet.
        RedoMeta { query: QueryId, checkpoint: Ts, resolved: Ts },
    }
}

spoken! {
    /// Changes of rows that are written together.
    pub struct Transaction {
        /// The changefeed.
        pub cf: ChangefeedId,
        /// What is done, in this order.
        pub changes: Vec<Change>,
    }
}

spoken! {
    /// What is done with one row.
    #[derive(Copy)]
    pub struct Change {
        /// The statement.
        pub op: Op,
        /// The table.
        pub table: TableId,
        /// The row.
        pub key: u32,
        /// The upstream commit, which is also the content.
        pub commit: Ts,
        /// The dispatcher that writes.
        pub writer: DispatcherId,
    }
}

/// A statement that changes a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Op {
    /// Creates a row; an error if it exists.
    Insert,
    /// Changes a row; nothing if there is none.
    Update,
    /// Deletes a row; nothing if there is none.
    Delete,
    /// Creates a row, or puts it in the place of one that exists.
    Replace,
}

vocabulary! {
    /// What is set off at the server.
    pub enum Timer {
        /// A statement has run to its end.
        Run { statement: u32 },
        /// A statement may have waited too long for a row.
        LockWait { statement: u32 },
        /// An outage is over.
        OutageEnds { outage: u32 },
    }
}

impl Copy for Timer {}

vocabulary! {
    /// What the server says about itself.
    pub enum Note {
        /// A transaction was committed; told are the changes that had an effect.
        Applied { client: Addr, query: QueryId, transaction: Box<Transaction> },
        /// A DDL was executed.
        DdlApplied { client: Addr, query: QueryId, cf: ChangefeedId, ddl: Box<Ddl> },
        /// A DDL was not executed.
        DdlRefused { client: Addr, query: QueryId, cf: ChangefeedId, ddl: Box<Ddl>, why: Failure },
        /// How far tables are with a DDL or a syncpoint was recorded.
        DdlTsWritten { client: Addr, query: QueryId, cf: ChangefeedId, tables: Vec<TableId>, ts: Ts, finished: bool, syncpoint: bool, deleted: Vec<TableId> },
        /// All records of a changefeed were deleted.
        DdlTsForgotten { client: Addr, query: QueryId, cf: ChangefeedId },
        /// A syncpoint was written.
        SyncPointApplied { client: Addr, query: QueryId, cf: ChangefeedId, ts: Ts },
        /// A table was told of.
        BootstrapApplied { client: Addr, query: QueryId, cf: ChangefeedId, table: TableId },
        /// A checkpoint was told.
        CheckpointApplied { client: Addr, query: QueryId, cf: ChangefeedId, checkpoint: Ts },
        /// A transaction, or a file for the redo log, ended without any effect.
        RolledBack { client: Addr, query: QueryId, why: Failure },
        /// A transaction waits for a row that another one is changing.
        LockWaits { client: Addr, query: QueryId, table: TableId, key: u32 },
        /// A call was not received, because its client had dropped the connection.
        NotReceived { client: Addr, query: QueryId },
        /// The server is not available from now on; `hangs`: it takes calls and does nothing about them.
        OutageBegins { hangs: bool },
        /// The server is available again.
        OutageOver,
        /// So many rows are in the redo log.
        RedoLogged { client: Addr, query: QueryId, cf: ChangefeedId, count: u32 },
        /// A DDL is in the redo log.
        RedoDdlLogged { client: Addr, query: QueryId, cf: ChangefeedId, ddl: Box<Ddl> },
        /// It is written down how far the redo log is, and the downstream.
        RedoMetaWritten { client: Addr, query: QueryId, cf: ChangefeedId, checkpoint: Ts, resolved: Ts },
        /// The redo log of a changefeed is deleted.
        RedoLogRemoved { client: Addr, query: QueryId, cf: ChangefeedId },
    }
}

vocabulary! {
    /// What happens to the server.
    pub enum Command {
        /// It is not available: it breaks and refuses connections, or it hangs. Without a length: until it recovers.
        Outage { hangs: bool, lasts: Option<Duration> },
        /// Statements that begin to run take between so long and so long.
        SlowStatements { kind: Option<&'static str>, from: Duration, to: Duration, share_per_million: Option<u32>, lasts: Option<Duration> },
        /// So many of a million calls of this kind fail at their end, and at most so many of them.
        FailStatements { kind: &'static str, retryable: bool, share_per_million: u32, times: Option<u32>, lasts: Option<Duration> },
        /// It is well again.
        Recover,
    }
}

/// The server.
#[derive(Clone, Debug, Default)]
pub struct Sink {
    store: Store,
    catalog: Catalog,
    ddl_ts: DdlTs,
    redo: RedoStorage,
    locks: Locks,
    faults: Faults,
    /// What has been received and has not ended, in order.
    statements: BTreeMap<u32, Statement>,
    received: u32,
    /// Calls whose connection was dropped before they arrived.
    dropped: BTreeSet<(Addr, QueryId)>,
}

impl Sink {
    /// A downstream that has the tables of the upstream's beginning, without rows.
    pub fn new(class: Class, history: Arc<History>) -> Sink {
        Sink { store: Store::new(class), catalog: Catalog::new(history), ..Sink::default() }
    }

    /// Whether it is a log.
    pub fn is_log(&self) -> bool {
        !self.store.has_locks()
    }

    /// From where a table would be written if somebody asked now; a log tells nothing.
    pub fn recovery(&self, cf: ChangefeedId, table: TableId) -> Recovery {
        self.ddl_ts.recover(cf, table)
    }

    /// What is recorded about a table.
    pub fn record(&self, cf: ChangefeedId, table: TableId) -> Option<Record> {
        self.ddl_ts.get(cf, table)
    }

    /// A row of a table, as a changefeed has written it; of a log, what a consumer makes of it.
    pub fn row(&self, cf: ChangefeedId, table: TableId, key: u32) -> Option<Stored> {
        self.store.row(RowKey::new(cf, table, key))
    }

    /// The messages about a row, in order, if the downstream is a log.
    pub fn log(&self, cf: ChangefeedId, table: TableId, key: u32) -> Option<&[Change]> {
        self.store.log(RowKey::new(cf, table, key))
    }

    pub(crate) fn step(&mut self, now: Now, input: &Input<Actor>, out: &mut Out) {
        match input {
            Input::Message { from, msg: crate::Msg::Sink(Inbox::Disconnect { query }) } => {
                self.disconnect(*from, *query, now, out);
            }
            Input::Message { from, msg: crate::Msg::Sink(inbox) } => self.receive(*from, inbox, now, out),
            Input::Alarm(crate::Timer::Sink(timer)) => match timer {
                Timer::Run { statement } => self.end(*statement, now, out),
                Timer::LockWait { statement } => self.on_lock_wait(*statement, now, out),
                Timer::OutageEnds { outage } => self.outage_ends(*outage, now, out),
            },
            Input::Command(crate::Command::Sink(command)) => self.on_command(command, now, out),
            _ => {}
        }
    }
}

impl Inbox {
    /// The number of the call.
    pub fn query(&self) -> QueryId {
        match self {
            Inbox::Connect { query }
            | Inbox::TableRecoveryInfo { query, .. }
            | Inbox::CleanupRemovedChangefeed { query, .. }
            | Inbox::RemoveDdlTs { query, .. }
            | Inbox::WriteDdlTs { query, .. }
            | Inbox::ExecuteDdl { query, .. }
            | Inbox::WriteSyncPoint { query, .. }
            | Inbox::WriteBootstrap { query, .. }
            | Inbox::AddCheckpointTs { query, .. }
            | Inbox::Execute { query, .. }
            | Inbox::Disconnect { query }
            | Inbox::WriteRedoLog { query, .. }
            | Inbox::WriteRedoDdl { query, .. }
            | Inbox::ReadRedoMeta { query, .. }
            | Inbox::WriteRedoMeta { query, .. }
            | Inbox::RemoveRedoLog { query, .. } => *query,
        }
    }
}

impl Reply {
    /// The number of the call that it answers.
    pub fn query(&self) -> QueryId {
        match self {
            Reply::Connected { query }
            | Reply::TableRecovery { query, .. }
            | Reply::Committed { query }
            | Reply::Cleaned { query }
            | Reply::Failed { query, .. }
            | Reply::RedoMeta { query, .. } => *query,
        }
    }
}

words! {
    Op { Insert => "INSERT", Update => "UPDATE", Delete => "DELETE", Replace => "REPLACE" }
}

heard!(QueryId);

impl FromStr for QueryId {
    type Err = &'static str;

    fn from_str(word: &str) -> Result<QueryId, &'static str> {
        let number = word.strip_prefix("query").and_then(|number| number.parse().ok());
        number.map(QueryId).ok_or("a query such as query1")
    }
}

impl fmt::Display for QueryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "query{}", self.0)
    }
}
