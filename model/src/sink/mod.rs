//! The downstream, of the MySQL class: statements reach the server, run for a while, and change rows.
//!
//! A statement that has reached the server runs to its end, whatever becomes of who sent it.

use std::collections::BTreeMap;

use sim::{Input, Now};

use crate::{
    Actor, Addr, ChangefeedId, DispatcherId, Out, Row, TableId, Ts,
    vocabulary::{heard, spoken, vocabulary},
};

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
        /// One transaction: these rows of a table, by one dispatcher.
        Execute { query: QueryId, transaction: Box<Transaction> },
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
    }
}

spoken! {
    /// Row changes that are written together.
    pub struct Transaction {
        /// The changefeed.
        pub cf: ChangefeedId,
        /// Who writes.
        pub writer: DispatcherId,
        /// The table.
        pub table: TableId,
        /// The changes, in order of commit.
        pub rows: Vec<Row>,
    }
}

vocabulary! {
    /// What is set off at the server.
    pub enum Timer {
        /// A statement has run to its end.
        Run { statement: u32 },
    }
}

impl Copy for Timer {}

vocabulary! {
    /// What the server says about itself.
    pub enum Note {
        /// A transaction was committed.
        Applied { client: Addr, query: QueryId, transaction: Box<Transaction> },
    }
}

/// A row as it is downstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stored {
    /// The upstream commit of the content.
    pub commit: Ts,
    /// Who wrote it last.
    pub writer: DispatcherId,
}

/// A statement that runs.
#[derive(Clone, Debug)]
struct Statement {
    from: Addr,
    inbox: Inbox,
}

/// The server.
#[derive(Clone, Debug, Default)]
pub struct Sink {
    rows: BTreeMap<(ChangefeedId, TableId, u32), Stored>,
    running: BTreeMap<u32, Statement>,
    received: u32,
}

impl Sink {
    /// A row of a table, as a changefeed has written it.
    pub fn row(&self, cf: ChangefeedId, table: TableId, key: u32) -> Option<Stored> {
        self.rows.get(&(cf, table, key)).copied()
    }

    pub(crate) fn step(&mut self, _: Now, input: &Input<Actor>, out: &mut Out) {
        match input {
            Input::Message { from, msg: crate::Msg::Sink(inbox) } => {
                self.received += 1;
                self.running.insert(self.received, Statement { from: *from, inbox: inbox.clone() });
                // How long a statement runs is the local weather of the downstream's host.
                out.give_way(Timer::Run { statement: self.received }.into());
            }
            Input::Alarm(crate::Timer::Sink(Timer::Run { statement })) => {
                if let Some(statement) = self.running.remove(statement) {
                    self.end(statement, out);
                }
            }
            _ => {}
        }
    }

    fn end(&mut self, Statement { from, inbox }: Statement, out: &mut Out) {
        let reply = match inbox {
            Inbox::Connect { query } => Reply::Connected { query },
            Inbox::TableRecoveryInfo { query, tables, .. } => {
                Reply::TableRecovery { query, starts: vec![None; tables.len()] }
            }
            // No DDL is ever recorded.
            Inbox::CleanupRemovedChangefeed { query, .. } => Reply::Cleaned { query },
            Inbox::Execute { query, transaction } => {
                for row in &transaction.rows {
                    let stored = Stored { commit: row.commit, writer: transaction.writer };
                    self.rows.insert((transaction.cf, transaction.table, row.key), stored);
                }
                out.note(Note::Applied { client: from, query, transaction }.into());
                Reply::Committed { query }
            }
        };
        out.send(from, reply.into());
    }
}

heard!(QueryId);

impl std::str::FromStr for QueryId {
    type Err = &'static str;

    fn from_str(word: &str) -> Result<QueryId, &'static str> {
        let number = word.strip_prefix("query").and_then(|number| number.parse().ok());
        number.map(QueryId).ok_or("a query such as query1")
    }
}

impl std::fmt::Display for QueryId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "query{}", self.0)
    }
}
