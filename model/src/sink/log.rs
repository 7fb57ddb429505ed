//! A log to which changes are appended. Nothing is overwritten: what a consumer sees is what it makes of the messages.

use std::collections::BTreeMap;

use crate::sink::{Change, Op, Stored, Transaction, rows::RowKey};

/// The messages about each row, in the order of their partition.
#[derive(Clone, Debug, Default)]
pub(super) struct Log(BTreeMap<RowKey, Vec<Change>>);

impl Log {
    pub(super) fn append(&mut self, transaction: &Transaction) {
        for change in &transaction.changes {
            self.0.entry(RowKey::new(transaction.cf, change.table, change.key)).or_default().push(*change);
        }
    }

    pub(super) fn about(&self, key: RowKey) -> &[Change] {
        self.0.get(&key).map_or(&[], Vec::as_slice)
    }

    /// A consumer ignores what is older than what it has seen; of duplicates it takes the first.
    pub(super) fn row(&self, key: RowKey) -> Option<Stored> {
        let newest = self.about(key).iter().rev().max_by_key(|change| change.commit)?;
        let Change { commit, writer, .. } = *newest;
        (newest.op != Op::Delete).then_some(Stored { commit, writer })
    }
}
