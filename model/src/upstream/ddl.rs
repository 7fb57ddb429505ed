//! Changes of the schema: what each kind does, which tables it concerns, and who gets to see it.
//!
//! A partitioned table is several physical tables under one name. Any table may get partitions here.

use std::{fmt, str::FromStr, sync::Arc};

use crate::{
    SchemaId, TableId, TableName, Ts,
    hear::{Hear, Unheard, Words},
    vocabulary::{Joined, Say, say, say_joined, vocabulary},
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

/// A table that comes, and its database. Prints as `t9@db1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NewTable {
    /// Which table.
    pub table: TableId,
    /// Its database.
    pub schema: SchemaId,
}

/// A table that moves to another database. Prints as `t9@db1>db2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SchemaChange {
    /// Which table.
    pub table: TableId,
    /// Its database until now.
    pub old: SchemaId,
    /// Its database from now on.
    pub new: SchemaId,
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

impl Ddl {
    /// Whether it takes a table; it may name none.
    pub(crate) fn drops(&self) -> bool {
        self.dropped.as_ref().is_some_and(|dropped| !dropped.is_empty())
    }
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

impl FromStr for Ddl {
    type Err = String;

    /// `ts20 DropTable db1.a1 blocked=t1+ddl dropped=t1`; what is left out concerns the table trigger alone.
    fn from_str(line: &str) -> Result<Ddl, String> {
        let words = &mut Words::of(line);
        let (commit, change) = (Ts::hear("commit", words)?, Change::hear("change", words)?);
        let blocked = Option::hear("blocked", words)?.unwrap_or(Influence::Normal(vec![TableId::TRIGGER]));
        let dropped = Option::hear("dropped", words)?;
        let (Joined(added), Joined(moved)) = (Joined::hear("added", words)?, Joined::hear("moved", words)?);
        words.end()?;
        Ok(Ddl { commit, change, blocked, added, dropped, moved })
    }
}

impl Influence {
    /// Whether it concerns no table at all.
    pub fn is_empty(&self) -> bool {
        matches!(self, Influence::Normal(tables) if tables.is_empty())
    }

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
            Influence::Normal(tables) => say_joined(tables, field, f),
            Influence::Db(schema) => write!(f, " {field}={schema}"),
            Influence::All => write!(f, " {field}=all"),
        }
    }
}

impl Hear for Influence {
    fn hear(field: &str, words: &mut Words) -> Result<Influence, Unheard> {
        let right = format!("`{field}=…`, which is tables such as t1+ddl, a database or all");
        let found = words.next(|word| {
            let value = word.strip_prefix(field)?.strip_prefix('=')?;
            let tables = || value.split('+').map(str::parse).collect::<Result<_, _>>().map(Influence::Normal);
            match value {
                "all" => Some(Influence::All),
                "" => Some(Influence::Normal(Vec::new())),
                _ => value.parse().map(Influence::Db).or_else(|_| tables()).ok(),
            }
        });
        found.ok_or_else(|| words.wrong(field, &right))
    }
}

impl Say for Change {
    fn say(&self, _: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " {self}")
    }
}

say!(Ddl, BlockEvent);

impl fmt::Display for NewTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.table, self.schema)
    }
}

impl FromStr for NewTable {
    type Err = &'static str;

    fn from_str(word: &str) -> Result<NewTable, &'static str> {
        let parts =
            word.split_once('@').and_then(|(table, schema)| table.parse().ok().zip(schema.parse().ok()));
        parts
            .map(|(table, schema)| NewTable { table, schema })
            .ok_or("a table and its database such as t9@db1")
    }
}

impl fmt::Display for SchemaChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}>{}", self.table, self.old, self.new)
    }
}

impl FromStr for SchemaChange {
    type Err = &'static str;

    fn from_str(word: &str) -> Result<SchemaChange, &'static str> {
        let (old, new) = word.split_once('>').unwrap_or((word, ""));
        let parts = old.parse().ok().zip(new.parse().ok());
        parts
            .map(|(NewTable { table, schema }, new)| SchemaChange { table, old: schema, new })
            .ok_or("a table and its databases such as t9@db1>db2")
    }
}

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
