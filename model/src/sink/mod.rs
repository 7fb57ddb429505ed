//! The downstream: statements reach the server, run for a while, and change rows.

mod class;
mod faults;
mod locks;
mod log;
mod rows;
mod statements;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};

use sim::{Duration, Input, Now};

use crate::{
    Actor, Addr, ChangefeedId, DispatcherId, Out, TableId, Ts,
    vocabulary::{heard, spoken, vocabulary, words},
};

pub use class::{Class, Downstream};
pub use rows::Stored;

use faults::Faults;
use locks::Locks;
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
        /// One transaction: changes of rows, all of it in one packet. `stepwise`: one statement after the other instead,
        /// each when the one before it has ended.
        Execute { query: QueryId, stepwise: bool, transaction: Box<Transaction> },
        /// The client drops the connection of a call. If the call has not been received yet, it never will be; of a
        /// transaction that comes stepwise, the end will not.
        Disconnect { query: QueryId },
    }
}

vocabulary! {
    /// What a client hears.
    pub enum Reply {
        /// The pool is open.
        Connected { query: QueryId },
        /// From where each table may be recovered; none: no DDL was recorded.
        TableRecovery { query: QueryId, starts: Vec<Option<Ts>> },
        /// The transaction was committed.
        Committed { query: QueryId },
        /// What was recorded of a removed changefeed is deleted.
        Cleaned { query: QueryId },
        /// Nothing came of the call.
        Failed { query: QueryId, why: Failure },
    }
}

/// Why nothing came of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Failure {
    /// The server cannot be reached, or the connection broke.
    BadConnection,
    /// A row that is inserted exists.
    DuplicateEntry,
    /// A table does not exist.
    NoSuchTable,
    /// Two transactions waited for each other.
    Deadlock,
    /// Another transaction has kept a row for too long.
    LockWaitTimeout,
    /// A message is larger than the log takes.
    MessageTooLarge,
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
        /// A transaction ended without any effect.
        RolledBack { client: Addr, query: QueryId, why: Failure },
        /// A transaction waits for a row that another one is changing.
        LockWaits { client: Addr, query: QueryId, table: TableId, key: u32 },
        /// A call was not received, because its client had dropped the connection.
        NotReceived { client: Addr, query: QueryId },
        /// The server is not available from now on; `hangs`: it takes calls and does nothing about them.
        OutageBegins { hangs: bool },
        /// The server is available again.
        OutageOver,
    }
}

vocabulary! {
    /// What happens to the server.
    pub enum Command {
        /// It is not available: it breaks and refuses connections, or it hangs. Without a length: until it recovers.
        Outage { hangs: bool, lasts: Option<Duration> },
        /// Statements that begin to run take between so long and so long.
        SlowStatements { from: Duration, to: Duration, lasts: Option<Duration> },
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
    locks: Locks,
    faults: Faults,
    /// What has been received and has not ended, in order.
    statements: BTreeMap<u32, Statement>,
    received: u32,
    /// Calls whose connection was dropped before they arrived.
    dropped: BTreeSet<(Addr, QueryId)>,
}

impl Sink {
    /// An empty downstream.
    pub fn new(class: Class) -> Sink {
        Sink { store: Store::new(class), ..Sink::default() }
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
            | Inbox::Execute { query, .. }
            | Inbox::Disconnect { query } => *query,
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
            | Reply::Failed { query, .. } => *query,
        }
    }
}

impl Failure {
    /// Whether the same transaction may succeed at another try.
    pub(crate) fn is_retryable(self) -> bool {
        match self {
            Failure::BadConnection | Failure::Deadlock | Failure::LockWaitTimeout => true,
            Failure::DuplicateEntry | Failure::NoSuchTable | Failure::MessageTooLarge => false,
        }
    }

    /// In words.
    pub fn why(self) -> &'static str {
        match self {
            Failure::BadConnection => "bad connection",
            Failure::DuplicateEntry => "duplicate entry",
            Failure::NoSuchTable => "the table does not exist",
            Failure::Deadlock => "deadlock",
            Failure::LockWaitTimeout => "lock wait timeout",
            Failure::MessageTooLarge => "message too large",
        }
    }
}

words! {
    Failure {
        BadConnection => "BadConnection",
        DuplicateEntry => "DuplicateEntry",
        NoSuchTable => "NoSuchTable",
        Deadlock => "Deadlock",
        LockWaitTimeout => "LockWaitTimeout",
        MessageTooLarge => "MessageTooLarge",
    }
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
