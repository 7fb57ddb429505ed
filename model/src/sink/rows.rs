//! What is stored downstream: rows that transactions change, or a log to which they are appended.

use std::collections::{BTreeMap, btree_map::Entry};

use crate::{
    ChangefeedId, DispatcherId, Span, TableId, Ts,
    sink::{Change, Class, Failure, Op, Transaction, log::Log},
};

/// A row of a changefeed: each has the downstream for itself. One number, because rows are looked up very often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RowKey(u64);

/// How many bits the key of a row within its table takes.
const KEY_BITS: u32 = 24;
const _: () = assert!(Span::KEYS <= 1 << KEY_BITS);

impl RowKey {
    pub(crate) fn new(cf: ChangefeedId, table: TableId, key: u32) -> RowKey {
        RowKey(u64::from(cf.0) << (32 + KEY_BITS) | u64::from(table.0) << KEY_BITS | u64::from(key))
    }

    /// Its table, and its key in there.
    pub(super) fn place(self) -> (TableId, u32) {
        let low =
            |bits: u64, n: u32| u32::try_from(bits & ((1 << n) - 1)).expect("it is cut to so many bits");
        (TableId(low(self.0 >> KEY_BITS, 32)), low(self.0, KEY_BITS))
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

/// Everything that is stored.
#[derive(Clone, Debug)]
pub(super) enum Store {
    Rows(Rows),
    Log(Log),
}

impl Default for Store {
    fn default() -> Store {
        Store::new(Class::default())
    }
}

impl Store {
    pub(super) fn new(class: Class) -> Store {
        if class.is_database() { Store::Rows(Rows::default()) } else { Store::Log(Log::default()) }
    }

    /// Whether transactions exclude each other from the rows that they change.
    pub(super) fn has_locks(&self) -> bool {
        matches!(self, Store::Rows(_))
    }

    /// All of a transaction or nothing of it. Changes without an effect are taken out of it.
    pub(super) fn commit(&mut self, transaction: &mut Transaction) -> Result<(), Failure> {
        match self {
            Store::Rows(rows) => rows.commit(transaction),
            Store::Log(log) => {
                log.append(transaction);
                Ok(())
            }
        }
    }

    /// The rows of these tables go.
    pub(super) fn drop_tables(&mut self, cf: ChangefeedId, tables: &[TableId]) {
        let Store::Rows(rows) = self else { return };
        for table in tables {
            let all = RowKey::new(cf, *table, 0)..RowKey::new(cf, *table, Span::KEYS);
            rows.0.extract_if(all, |_, _| true).for_each(drop);
        }
    }

    pub(super) fn row(&self, key: RowKey) -> Option<Stored> {
        match self {
            Store::Rows(rows) => rows.0.get(&key).copied(),
            Store::Log(log) => log.row(key),
        }
    }

    pub(super) fn log(&self, key: RowKey) -> Option<&[Change]> {
        match self {
            Store::Rows(_) => None,
            Store::Log(log) => Some(log.about(key)),
        }
    }
}

/// The rows of a database.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows(BTreeMap<RowKey, Stored>);

impl Rows {
    fn commit(&mut self, transaction: &mut Transaction) -> Result<(), Failure> {
        let (cf, mut undo, mut result) = (transaction.cf, Vec::new(), Ok(()));
        let alone = transaction.changes.len() == 1;
        transaction.changes.retain(|change| {
            let key = RowKey::new(cf, change.table, change.key);
            match result.and_then(|()| self.change(key, change)) {
                Ok(Effect::Row(before)) if !alone => undo.push((key, before)),
                Ok(Effect::Row(_)) => {}
                Ok(Effect::None) => return false,
                Err(why) => result = Err(why),
            }
            true
        });
        if result.is_err() {
            for (key, before) in undo.into_iter().rev() {
                match before {
                    Some(row) => _ = self.0.insert(key, row),
                    None => _ = self.0.remove(&key),
                }
            }
        }
        result
    }

    fn change(&mut self, key: RowKey, change: &Change) -> Result<Effect, Failure> {
        let row = Stored { commit: change.commit, writer: change.writer };
        Ok(Effect::Row(match (change.op, self.0.entry(key)) {
            (Op::Insert, Entry::Occupied(_)) => return Err(Failure::DuplicateEntry),
            (Op::Update | Op::Delete, Entry::Vacant(_)) => return Ok(Effect::None),
            (Op::Insert | Op::Replace, Entry::Vacant(entry)) => {
                entry.insert(row);
                None
            }
            (Op::Update | Op::Replace, Entry::Occupied(mut entry)) => Some(entry.insert(row)),
            (Op::Delete, Entry::Occupied(entry)) => Some(entry.remove()),
        }))
    }
}

/// What a statement does.
enum Effect {
    /// It affects no row.
    None,
    /// It affects a row; the row as it was before, if it existed.
    Row(Option<Stored>),
}
