//! The schema of the downstream: which tables a changefeed has made there, and what its DDLs do to them.
//!
//! Statements go by names. A row of a table that was truncated meanwhile lands in the one that has its name now.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    Addr, ChangefeedId, History, Out, SchemaId, TableId, TableName, Ts,
    sink::{Failure, Inbox, Note, QueryId, Record, Reply, Sink},
    upstream::ddl::{Change, Ddl},
};

/// The databases and tables of every changefeed.
#[derive(Clone, Debug, Default)]
pub(super) struct Catalog {
    /// What is known of the upstream's names; without it, every table exists.
    history: Option<Arc<History>>,
    schemas: BTreeMap<ChangefeedId, Schema>,
}

#[derive(Clone, Debug, Default)]
struct Schema {
    databases: BTreeSet<SchemaId>,
    tables: BTreeMap<TableName, Table>,
    views: BTreeSet<Ts>,
}

#[derive(Clone, Debug, Default)]
struct Table {
    /// By the ids that they have upstream.
    partitions: Vec<TableId>,
    /// Columns that were added, by the commit that did.
    columns: BTreeSet<Ts>,
}

impl Catalog {
    pub(super) fn new(history: Arc<History>) -> Catalog {
        Catalog { history: Some(history), schemas: BTreeMap::new() }
    }

    /// The table that a row of an upstream table lands in.
    pub(super) fn table_of(
        &mut self,
        cf: ChangefeedId,
        table: TableId,
        commit: Ts,
    ) -> Result<TableId, Failure> {
        let Catalog { history: Some(history), schemas } = self else { return Ok(table) };
        // At one commit rows come before the DDL.
        let name = history.name_of(table, commit.before()).ok_or(Failure::NoSuchTable)?;
        let schema = schemas.entry(cf).or_insert_with(|| Schema::first(history));
        let partitions = &schema.tables.get(&name).ok_or(Failure::NoSuchTable)?.partitions;
        match partitions.as_slice() {
            partitions if partitions.contains(&table) => Ok(table),
            [successor] => Ok(*successor),
            _ => Err(Failure::NoSuchPartition),
        }
    }

    /// Carries out a DDL; the upstream tables whose rows it takes.
    fn execute(&mut self, cf: ChangefeedId, ddl: &Ddl) -> Result<Vec<TableId>, Failure> {
        let Catalog { history: Some(history), schemas } = self else { return Ok(Vec::new()) };
        schemas.entry(cf).or_insert_with(|| Schema::first(history)).execute(ddl)
    }
}

impl Sink {
    /// Executes a DDL, all of it or nothing. A log takes any.
    pub(super) fn execute_ddl(
        &mut self,
        client: Addr,
        query: QueryId,
        cf: ChangefeedId,
        ddl: Box<Ddl>,
        out: &mut Out,
    ) -> Reply {
        let executed = if self.store.has_locks() { self.catalog.execute(cf, &ddl) } else { Ok(Vec::new()) };
        match executed {
            Ok(tables) => {
                self.store.drop_tables(cf, &tables);
                out.note(Note::DdlApplied { client, query, cf, ddl }.into());
                Reply::Committed { query }
            }
            Err(why) => {
                out.note(Note::DdlRefused { client, query, cf, ddl, why }.into());
                Reply::Failed { query, why }
            }
        }
    }

    /// Writes down what is not about rows; nothing can be wrong with it.
    pub(super) fn note_down(&mut self, client: Addr, inbox: Inbox) -> Option<Note> {
        Some(match inbox {
            Inbox::RemoveDdlTs { query, cf } => {
                self.ddl_ts.forget(cf);
                Note::DdlTsForgotten { client, query, cf }
            }
            Inbox::WriteDdlTs { query, cf, tables, ts, finished, syncpoint, deleted } => {
                self.ddl_ts.write(cf, &tables, Record { ts, finished, syncpoint });
                self.ddl_ts.delete(cf, &deleted);
                Note::DdlTsWritten { client, query, cf, tables, ts, finished, syncpoint, deleted }
            }
            Inbox::WriteSyncPoint { query, cf, ts } => Note::SyncPointApplied { client, query, cf, ts },
            Inbox::WriteBootstrap { query, cf, table } => Note::BootstrapApplied { client, query, cf, table },
            _ => return None,
        })
    }
}

impl Schema {
    fn first(history: &History) -> Schema {
        let mut schema = Schema { databases: history.first_databases().collect(), ..Schema::default() };
        for table in history.tables_at(Ts::NONE) {
            if let Some(name) = history.name_of(table, Ts::NONE) {
                schema.tables.entry(name).or_default().partitions.push(table);
            }
        }
        schema
    }

    fn execute(&mut self, ddl: &Ddl) -> Result<Vec<TableId>, Failure> {
        match &ddl.change {
            Change::CreateTable { name, table } => {
                self.is_free(*name)?;
                self.tables.insert(*name, Table { partitions: vec![*table], columns: BTreeSet::new() });
            }
            Change::DropTable { name } => {
                return self
                    .tables
                    .remove(name)
                    .map(|table| table.partitions)
                    .ok_or(Failure::TableDropExists);
            }
            Change::TruncateTable { name, tables } => {
                return Ok(std::mem::replace(&mut self.table(*name)?.partitions, tables.clone()));
            }
            Change::RenameTable { name, to } => {
                // If both names are wrong, the server complains about the new one.
                self.is_free(*to)?;
                let table = self.tables.remove(name).ok_or(Failure::NoSuchTable)?;
                self.tables.insert(*to, table);
            }
            Change::AddColumn { name } => {
                let added = self.table(*name)?.columns.insert(ddl.commit);
                return if added { Ok(Vec::new()) } else { Err(Failure::ColumnExists) };
            }
            Change::AddPartition { name, table } => {
                let partitions = &mut self.table(*name)?.partitions;
                if partitions.contains(table) {
                    return Err(Failure::PartitionExists);
                }
                partitions.push(*table);
            }
            Change::DropPartition { name, table } => {
                let partitions = &mut self.table(*name)?.partitions;
                let at =
                    partitions.iter().position(|one| one == table).ok_or(Failure::PartitionDropExists)?;
                return Ok(vec![partitions.remove(at)]);
            }
            Change::CreateDatabase { schema } => {
                let created = self.databases.insert(*schema);
                return if created { Ok(Vec::new()) } else { Err(Failure::DatabaseExists) };
            }
            Change::DropDatabase { schema } => {
                if !self.databases.remove(schema) {
                    return Err(Failure::DatabaseDropExists);
                }
                let dropped = self.tables.extract_if(.., |name, _| name.schema == *schema);
                return Ok(dropped.flat_map(|(_, table)| table.partitions).collect());
            }
            Change::CreateView { .. } => {
                if !self.views.insert(ddl.commit) {
                    return Err(Failure::TableExists);
                }
            }
        }
        Ok(Vec::new())
    }

    fn table(&mut self, name: TableName) -> Result<&mut Table, Failure> {
        self.tables.get_mut(&name).ok_or(Failure::NoSuchTable)
    }

    /// Whether a table may be made under this name.
    fn is_free(&self, name: TableName) -> Result<(), Failure> {
        if !self.databases.contains(&name.schema) {
            return Err(Failure::UnknownDatabase);
        }
        if self.tables.contains_key(&name) { Err(Failure::TableExists) } else { Ok(()) }
    }
}
