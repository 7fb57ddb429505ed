//! Why nothing came of a call of the downstream, and what that means for whoever made it.

use crate::vocabulary::words;

/// Why nothing came of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Failure {
    /// The server cannot be reached, or the connection broke.
    BadConnection,
    /// A row that is inserted exists.
    DuplicateEntry,
    /// A table does not exist.
    NoSuchTable,
    /// No partition takes the row.
    NoSuchPartition,
    /// A database does not exist.
    UnknownDatabase,
    /// A table that is to be made exists, or one that is to be renamed has been.
    TableExists,
    /// A table that is to be dropped does not exist.
    TableDropExists,
    /// A column that is to be made exists.
    ColumnExists,
    /// A partition that is to be made exists.
    PartitionExists,
    /// A partition that is to be dropped does not exist.
    PartitionDropExists,
    /// A database that is to be made exists.
    DatabaseExists,
    /// A database that is to be dropped does not exist.
    DatabaseDropExists,
    /// Two transactions waited for each other.
    Deadlock,
    /// Another transaction has kept a row for too long.
    LockWaitTimeout,
    /// A message is larger than the log takes.
    MessageTooLarge,
}

impl Failure {
    /// Whether the same transaction may succeed at another try.
    pub(crate) fn is_retryable(self) -> bool {
        matches!(self, Failure::BadConnection | Failure::Deadlock | Failure::LockWaitTimeout)
    }

    /// Whether it says no more than that a DDL has been executed before.
    pub(crate) fn is_ignorable(self) -> bool {
        match self {
            Failure::TableExists
            | Failure::TableDropExists
            | Failure::ColumnExists
            | Failure::PartitionExists
            | Failure::PartitionDropExists
            | Failure::DatabaseExists
            | Failure::DatabaseDropExists => true,
            Failure::BadConnection
            | Failure::DuplicateEntry
            | Failure::NoSuchTable
            | Failure::NoSuchPartition
            | Failure::UnknownDatabase
            | Failure::Deadlock
            | Failure::LockWaitTimeout
            | Failure::MessageTooLarge => false,
        }
    }

    /// In words.
    pub fn why(self) -> &'static str {
        match self {
            Failure::BadConnection => "bad connection",
            Failure::DuplicateEntry => "duplicate entry",
            Failure::NoSuchTable => "the table does not exist",
            Failure::NoSuchPartition => "no partition takes the row",
            Failure::UnknownDatabase => "the database does not exist",
            Failure::TableExists => "the table exists",
            Failure::TableDropExists => "there is no table to drop",
            Failure::ColumnExists => "the column exists",
            Failure::PartitionExists => "the partition exists",
            Failure::PartitionDropExists => "there is no partition to drop",
            Failure::DatabaseExists => "the database exists",
            Failure::DatabaseDropExists => "there is no database to drop",
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
        NoSuchPartition => "NoSuchPartition",
        UnknownDatabase => "UnknownDatabase",
        TableExists => "TableExists",
        TableDropExists => "TableDropExists",
        ColumnExists => "ColumnExists",
        PartitionExists => "PartitionExists",
        PartitionDropExists => "PartitionDropExists",
        DatabaseExists => "DatabaseExists",
        DatabaseDropExists => "DatabaseDropExists",
        Deadlock => "Deadlock",
        LockWaitTimeout => "LockWaitTimeout",
        MessageTooLarge => "MessageTooLarge",
    }
}
