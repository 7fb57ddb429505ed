//! How many changes of rows reach the downstream though it has got them, or later ones of the same row, before.
//!
//! A statement that has no effect (an update of a row that is not there) is not counted; a second delete therefore never is.

use std::collections::BTreeMap;

use sim::What;

use crate::{Addr, Note, Record, Ts, sink, sink::RowKey};

#[derive(Default)]
pub(super) struct Rows {
    newest: BTreeMap<RowKey, Ts>,
    pub(super) written_twice: u64,
}

impl Rows {
    #[inline]
    pub(super) fn observe(&mut self, record: &Record) {
        if !matches!(record.what, What::Step { actor: Addr::Sink, .. }) {
            return;
        }
        for note in &record.notes {
            let Note::Sink(sink::Note::Applied { transaction, .. }) = note else { continue };
            let mut last = None;
            for change in &transaction.changes {
                // In safe mode a change is a delete and a replace.
                if last.replace((change.table, change.key, change.commit))
                    == Some((change.table, change.key, change.commit))
                {
                    continue;
                }
                let row = RowKey::new(transaction.cf, change.table, change.key);
                let newest = self.newest.entry(row).or_insert(Ts::NONE);
                self.written_twice += u64::from(change.commit <= *newest);
                *newest = change.commit.max(*newest);
            }
        }
    }
}
