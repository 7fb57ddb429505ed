//! What becomes of the rows of a table: a row that does not exist is inserted, one that does is updated or deleted.

use sim::{Draws, Seed};

use crate::{TableId, Workload};

/// What becomes of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RowKind {
    /// It did not exist, and does now.
    Insert,
    /// It has another content.
    Update,
    /// It does not exist any more.
    Delete,
}

/// The rows of a table while its history is drawn.
pub(super) struct Kinds {
    draws: Draws,
    deletes_per_million: u64,
    exists: Vec<bool>,
}

impl Kinds {
    pub(super) fn new(table: TableId, workload: &Workload, seed: Seed) -> Kinds {
        let draws = Draws::new(seed, &format!("kinds {table}"));
        let exists = vec![false; workload.rows as usize];
        Kinds { draws, deletes_per_million: workload.deletes_per_million.into(), exists }
    }

    /// A row changes.
    pub(super) fn next(&mut self, row: u32) -> RowKind {
        let deletes = self.draws.below(1_000_000) < self.deletes_per_million;
        let exists = &mut self.exists[row as usize];
        let kind = match *exists {
            false => RowKind::Insert,
            true if deletes => RowKind::Delete,
            true => RowKind::Update,
        };
        *exists = kind != RowKind::Delete;
        kind
    }
}
