//! The schema of the upstream through time: which tables exist when, under which names, and the DDLs that made it so.

use std::{collections::BTreeMap, sync::Arc};

use sim::{Draws, Duration, Seed};

use crate::{
    SchemaId, TableId, TableName, Ts,
    upstream::{
        Workload,
        ddl::{Change, Ddl, Influence, NewTable, SchemaChange},
    },
};

/// What a DDL does, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "as the changes of the same names")]
pub enum DdlKind {
    CreateTable,
    DropTable,
    TruncateTable,
    RenameTable,
    AddColumn,
    AddPartition,
    DropPartition,
    CreateDatabase,
    DropDatabase,
    CreateView,
}

impl DdlKind {
    /// Every kind, with its name in files.
    pub const ALL: &[(&str, DdlKind)] = &[
        ("create_table", DdlKind::CreateTable),
        ("drop_table", DdlKind::DropTable),
        ("truncate_table", DdlKind::TruncateTable),
        ("rename_table", DdlKind::RenameTable),
        ("add_column", DdlKind::AddColumn),
        ("add_partition", DdlKind::AddPartition),
        ("drop_partition", DdlKind::DropPartition),
        ("create_database", DdlKind::CreateDatabase),
        ("drop_database", DdlKind::DropDatabase),
        ("create_view", DdlKind::CreateView),
    ];
}

/// A DDL that a workload names. What it is done to is counted, in the order of names, at that moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedDdl {
    /// When.
    pub at: Duration,
    /// What.
    pub kind: DdlKind,
    /// To which table or database, from zero on.
    pub nth: usize,
    /// In which database a table is that gets another name; which partition goes.
    pub to: usize,
}

/// A DDL that is to be carried out, if it is possible.
struct Attempt {
    /// In microseconds.
    commit: u64,
    kinds: Vec<DdlKind>,
    nth: [usize; 2],
}

/// The DDLs that are drawn, all from one stream: each takes four draws.
fn drawn(workload: &Workload, seed: Seed) -> Vec<Attempt> {
    let (Some(every), false) = (workload.ddl_every, workload.ddls.is_empty()) else { return Vec::new() };
    let (mean, end) = (every.nanos() / 1000, workload.ddl_until.nanos() / 1000);
    let mut draws = Draws::new(seed, "workload ddl");
    let (mut attempts, mut commit) = (Vec::new(), 1);
    loop {
        commit += 1 + draws.below(2 * mean);
        let [kind, one, other] = [0; 3].map(|_| draws.below(1 << 16) as usize);
        if commit >= end {
            return attempts;
        }
        let kinds = workload.ddls.iter().cycle().skip(kind % workload.ddls.len());
        let kinds = kinds.take(workload.ddls.len()).copied().collect();
        attempts.push(Attempt { commit, kinds, nth: [one, other] });
    }
}

/// One physical table.
#[derive(Clone, Debug)]
pub(super) struct Life {
    /// It exists from here on, and not from there on any more.
    pub(super) born: Ts,
    pub(super) dead: Ts,
    /// Its names, each from its timestamp on.
    names: Vec<(Ts, TableName)>,
}

impl Life {
    pub(super) fn exists_at(&self, ts: Ts) -> bool {
        self.born <= ts && ts < self.dead
    }

    /// Its name at a timestamp; before its birth the first one.
    pub(super) fn name_at(&self, ts: Ts) -> TableName {
        let later = self.names.partition_point(|(from, _)| *from <= ts);
        self.names[later.max(1) - 1].1
    }
}

/// The schema at the end of what has been drawn, and how it came to that.
pub(super) struct Drawing {
    /// The names in each database, and the physical tables of each.
    databases: BTreeMap<SchemaId, BTreeMap<u32, Vec<TableId>>>,
    databases_made: u32,
    /// By table, from table 1 on.
    pub(super) lives: Vec<Life>,
    pub(super) ddls: Vec<Arc<Ddl>>,
}

impl Drawing {
    /// The schema at the beginning: tables are dealt out to the databases.
    pub(super) fn new(workload: &Workload) -> Drawing {
        let count = workload.databases.max(1);
        let databases = (1..=count).map(|n| (SchemaId(n), BTreeMap::new())).collect();
        let mut drawing = Drawing { databases, databases_made: count, lives: Vec::new(), ddls: Vec::new() };
        for n in 0..workload.tables {
            drawing.create_table(SchemaId(1 + n % count), Ts::NONE);
        }
        drawing
    }

    /// The DDLs of a workload: those that it names, and those that are drawn.
    pub(super) fn draw(&mut self, workload: &Workload, seed: Seed) {
        let named = workload.named_ddls.iter().map(|ddl| Attempt {
            commit: ddl.at.nanos() / 1000,
            kinds: vec![ddl.kind],
            nth: [ddl.nth, ddl.to],
        });
        let mut attempts: Vec<Attempt> = named.chain(drawn(workload, seed)).collect();
        attempts.sort_by_key(|attempt| attempt.commit);
        attempts.dedup_by_key(|attempt| attempt.commit);
        for Attempt { commit, kinds, nth: [one, other] } in attempts {
            // A kind that is not possible now gives way to the next one.
            let _ = kinds.iter().any(|kind| self.apply(*kind, one, other, Ts(commit)));
        }
    }

    /// Carries out one DDL upstream, if it is possible.
    fn apply(&mut self, kind: DdlKind, one: usize, other: usize, commit: Ts) -> bool {
        let ddl = match kind {
            DdlKind::CreateTable => self.pick_database(one).map(|schema| self.create(schema, commit)),
            DdlKind::DropTable => self.pick_table(one).map(|name| self.drop_table(name, commit)),
            DdlKind::TruncateTable => self.pick_table(one).map(|name| self.truncate(name, commit)),
            DdlKind::RenameTable => {
                let to = self.pick_database(other);
                self.pick_table(one).zip(to).map(|(name, to)| self.rename(name, to, commit))
            }
            DdlKind::AddColumn => self.pick_table(one).map(|name| self.add_column(name, commit)),
            DdlKind::AddPartition => self.pick_table(one).map(|name| self.add_partition(name, commit)),
            DdlKind::DropPartition => self.drop_partition(one, other, commit),
            DdlKind::CreateDatabase => Some(self.create_database(commit)),
            DdlKind::DropDatabase => self.pick_database(one).map(|schema| self.drop_database(schema, commit)),
            DdlKind::CreateView => self.pick_database(one).map(|schema| {
                let change = Change::CreateView { schema };
                Ddl { blocked: Influence::All, ..Ddl::of_trigger(change, commit) }
            }),
        };
        let possible = ddl.is_some();
        self.ddls.extend(ddl.map(Arc::new));
        possible
    }

    fn pick_database(&self, nth: usize) -> Option<SchemaId> {
        self.databases.keys().nth(nth.checked_rem(self.databases.len())?).copied()
    }

    fn names(&self) -> impl Iterator<Item = TableName> {
        let all = self.databases.iter();
        all.flat_map(|(schema, names)| names.keys().map(|name| TableName { schema: *schema, name: *name }))
    }

    fn pick_table(&self, nth: usize) -> Option<TableName> {
        self.names().nth(nth.checked_rem(self.names().count())?)
    }

    fn tables(&self, name: TableName) -> &[TableId] {
        &self.databases[&name.schema][&name.name]
    }

    /// The tables of a name, and the trigger: whom most DDLs concern.
    fn with_trigger(&self, name: TableName) -> Influence {
        Influence::Normal(self.tables(name).iter().copied().chain([TableId::TRIGGER]).collect())
    }

    /// A name that is free in a database: that of a dropped table is taken again.
    fn free_name(&self, schema: SchemaId) -> TableName {
        let names = &self.databases[&schema];
        let free = (1..).find(|name| !names.contains_key(name));
        TableName { schema, name: free.expect("there are many numbers") }
    }

    fn new_table(&mut self, name: TableName, born: Ts) -> TableId {
        self.lives.push(Life { born, dead: Ts::INFINITE, names: vec![(born, name)] });
        let table = TableId(u32::try_from(self.lives.len()).expect("tables are few"));
        self.databases.entry(name.schema).or_default().entry(name.name).or_default().push(table);
        table
    }

    fn end(&mut self, tables: &[TableId], dead: Ts) {
        for table in tables {
            self.life(*table).dead = dead;
        }
    }

    fn life(&mut self, table: TableId) -> &mut Life {
        &mut self.lives[table.0 as usize - 1]
    }

    fn forget(&mut self, name: TableName) -> Vec<TableId> {
        self.databases.get_mut(&name.schema).and_then(|names| names.remove(&name.name)).unwrap_or_default()
    }

    fn create_table(&mut self, schema: SchemaId, born: Ts) -> (TableName, TableId) {
        let name = self.free_name(schema);
        (name, self.new_table(name, born))
    }

    fn create(&mut self, schema: SchemaId, commit: Ts) -> Ddl {
        let (name, table) = self.create_table(schema, commit);
        let change = Change::CreateTable { name, table };
        Ddl { added: vec![NewTable { table, schema }], ..Ddl::of_trigger(change, commit) }
    }

    fn drop_table(&mut self, name: TableName, commit: Ts) -> Ddl {
        let blocked = self.with_trigger(name);
        let tables = self.forget(name);
        self.end(&tables, commit);
        let dropped = Some(Influence::Normal(tables));
        Ddl { blocked, dropped, ..Ddl::of_trigger(Change::DropTable { name }, commit) }
    }

    fn truncate(&mut self, name: TableName, commit: Ts) -> Ddl {
        let drop = self.drop_table(name, commit);
        let partitions = drop.dropped.as_ref().map_or(0, |dropped| dropped.tables().len());
        let tables: Vec<TableId> = (0..partitions).map(|_| self.new_table(name, commit)).collect();
        let added = tables.iter().map(|table| NewTable { table: *table, schema: name.schema }).collect();
        Ddl { added, change: Change::TruncateTable { name, tables }, ..drop }
    }

    fn rename(&mut self, name: TableName, schema: SchemaId, commit: Ts) -> Ddl {
        let blocked = self.with_trigger(name);
        let to = self.free_name(schema);
        let tables = self.forget(name);
        for table in &tables {
            self.life(*table).names.push((commit, to));
        }
        let moved = |table: &TableId| SchemaChange { table: *table, old: name.schema, new: schema };
        let moved = tables.iter().filter(|_| name.schema != schema).map(moved).collect();
        self.databases.entry(schema).or_default().insert(to.name, tables);
        Ddl { blocked, moved, ..Ddl::of_trigger(Change::RenameTable { name, to }, commit) }
    }

    fn add_column(&self, name: TableName, commit: Ts) -> Ddl {
        let blocked = Influence::Normal(self.tables(name).to_vec());
        Ddl { blocked, ..Ddl::of_trigger(Change::AddColumn { name }, commit) }
    }

    fn add_partition(&mut self, name: TableName, commit: Ts) -> Ddl {
        let blocked = self.with_trigger(name);
        let table = self.new_table(name, commit);
        let added = vec![NewTable { table, schema: name.schema }];
        Ddl { blocked, added, ..Ddl::of_trigger(Change::AddPartition { name, table }, commit) }
    }

    /// Only a table that has more than one partition can lose one.
    fn drop_partition(&mut self, one: usize, other: usize, commit: Ts) -> Option<Ddl> {
        let partitioned: Vec<TableName> = self.names().filter(|name| self.tables(*name).len() > 1).collect();
        let name = partitioned[..].get(one.checked_rem(partitioned.len())?).copied()?;
        let blocked = self.with_trigger(name);
        let tables = self.databases.get_mut(&name.schema)?.get_mut(&name.name)?;
        let table = tables.remove(other % tables.len());
        self.end(&[table], commit);
        let dropped = Some(Influence::Normal(vec![table]));
        Some(Ddl { blocked, dropped, ..Ddl::of_trigger(Change::DropPartition { name, table }, commit) })
    }

    fn create_database(&mut self, commit: Ts) -> Ddl {
        self.databases_made += 1;
        let schema = SchemaId(self.databases_made);
        self.databases.insert(schema, BTreeMap::new());
        Ddl::of_trigger(Change::CreateDatabase { schema }, commit)
    }

    fn drop_database(&mut self, schema: SchemaId, commit: Ts) -> Ddl {
        let names = self.databases.remove(&schema).unwrap_or_default();
        names.values().for_each(|tables| self.end(tables, commit));
        let (blocked, dropped) = (Influence::Db(schema), Some(Influence::Db(schema)));
        Ddl { blocked, dropped, ..Ddl::of_trigger(Change::DropDatabase { schema }, commit) }
    }
}

impl Ddl {
    /// One that concerns the table trigger alone.
    fn of_trigger(change: Change, commit: Ts) -> Ddl {
        let blocked = Influence::Normal(vec![TableId::TRIGGER]);
        Ddl { commit, change, blocked, added: Vec::new(), dropped: None, moved: Vec::new() }
    }
}
