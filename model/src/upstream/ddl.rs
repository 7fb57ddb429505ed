//! Changes of the schema: what each kind does, which tables it concerns, and who gets to see it.
//!
//! A partitioned table is several physical tables under one name. Any table may get partitions here.

use std::{fmt, sync::Arc};

use crate::{
    SchemaId, TableId, TableName, Ts,
    hear::{Hear, Unheard, Words},
    vocabulary::{Say, say, spoken, vocabulary},
};

vocabulary! {
    /// What a DDL does, in names and physical tables.
    pub enum Change {
        /// A table comes.
        CreateTable { name: TableName, table: TableId },
        /// A table goes.
        DropTable { name: TableName },
        /// A table is emptied: others come under its name.
        TruncateTable { name: TableName, tables: Vec<TableId> },
        /// A table gets another name, perhaps in another database.
        RenameTable { name: TableName, to: TableName },
        /// A table gets a column.
        AddColumn { name: TableName },
        /// A table gets another partition.
        AddPartition { name: TableName, table: TableId },
        /// A table loses a partition.
        DropPartition { name: TableName, table: TableId },
        /// A database comes.
        CreateDatabase { schema: SchemaId },
        /// A database goes, and its tables with it.
        DropDatabase { schema: SchemaId },
        /// A view comes, which may name any table.
        CreateView { schema: SchemaId },
    }
}

/// Which tables an event concerns.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Influence {
    /// These; [`TableId::TRIGGER`] stands for the table trigger.
    Normal(Vec<TableId>),
    /// All of a database.
    Db(SchemaId),
    /// All.
    All,
}

spoken! {
    /// A table that comes.
    pub struct NewTable {
        /// Which table.
        pub table: TableId,
        /// Its database.
        pub schema: SchemaId,
    }
}

spoken! {
    /// A table that moves to another database.
    pub struct SchemaChange {
        /// Which table.
        pub table: TableId,
        /// Its database until now.
        pub old: SchemaId,
        /// Its database from now on.
        pub new: SchemaId,
    }
}

/// A change of the schema.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ddl {
    /// When it was finished.
    pub commit: Ts,
    /// What it does.
    pub change: Change,
    /// The tables that may not go past it before it is executed.
    pub blocked: Influence,
    /// The tables that it brings.
    pub added: Vec<NewTable>,
    /// The tables that it takes.
    pub dropped: Option<Influence>,
    /// The tables that change their database.
    pub moved: Vec<SchemaChange>,
}

/// An event before which a dispatcher stops until everything before it is downstream.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum BlockEvent {
    /// A change of the schema.
    Ddl(Arc<Ddl>),
    /// A moment at which the downstream is to be consistent.
    SyncPoint(Ts),
}

impl BlockEvent {
    /// Its timestamp.
    pub fn commit(&self) -> Ts {
        match self {
            BlockEvent::Ddl(ddl) => ddl.commit,
            BlockEvent::SyncPoint(ts) => *ts,
        }
    }

    /// Whether it is a syncpoint.
    pub fn is_sync_point(&self) -> bool {
        matches!(self, BlockEvent::SyncPoint(_))
    }

    /// The DDL, if it is one.
    pub fn ddl(&self) -> Option<&Ddl> {
        match self {
            BlockEvent::Ddl(ddl) => Some(ddl),
            BlockEvent::SyncPoint(_) => None,
        }
    }

    /// The tables that may not go past it before it is executed.
    pub fn blocked(&self) -> &Influence {
        self.ddl().map_or(&Influence::All, |ddl| &ddl.blocked)
    }
}

impl Influence {
    /// The tables, if they are named.
    pub fn tables(&self) -> &[TableId] {
        match self {
            Influence::Normal(tables) => tables,
            Influence::Db(_) | Influence::All => &[],
        }
    }
}

impl Say for Influence {
    fn say(&self, field: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Influence::Normal(tables) => tables.say(field, f),
            Influence::Db(schema) => write!(f, " {field}: {schema}"),
            Influence::All => write!(f, " {field}: all"),
        }
    }
}

impl Hear for Influence {
    fn hear(field: &str, words: &mut Words) -> Result<Influence, Unheard> {
        if words.next(|word| (word.strip_suffix(':')? == field).then_some(())).is_none() {
            return Err(words.wrong(field, &format!("`{field}: …`")));
        }
        if words.next(|word| (word == "all").then_some(())).is_some() {
            return Ok(Influence::All);
        }
        if let Some(schema) = words.next(|word| word.parse().ok()) {
            return Ok(Influence::Db(schema));
        }
        let mut tables = vec![TableId::hear("", words)?];
        while words.next(|word| (word == ",").then_some(())).is_some() {
            tables.push(TableId::hear("", words)?);
        }
        Ok(Influence::Normal(tables))
    }
}

impl Say for Change {
    fn say(&self, _: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " {self}")
    }
}

say!(Ddl, BlockEvent);

impl fmt::Display for Ddl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.commit, self.change)
    }
}

impl fmt::Display for BlockEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BlockEvent::Ddl(ddl) => ddl.fmt(f),
            BlockEvent::SyncPoint(ts) => write!(f, "{ts} SyncPoint"),
        }
    }
}
