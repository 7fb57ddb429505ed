//! Row locks: a transaction that changes a row keeps it until its end; others wait in line.

use std::collections::{BTreeMap, VecDeque, btree_map::Entry};

use sim::Duration;

use crate::sink::rows::RowKey;

/// How long a transaction waits for one row (`innodb_lock_wait_timeout`, of MySQL and TiDB alike).
pub(super) const WAIT: Duration = Duration::from_secs(50);

/// The rows that statements keep, and who waits for them.
#[derive(Clone, Debug, Default)]
pub(super) struct Locks {
    kept: BTreeMap<RowKey, Kept>,
    /// What each waiting statement waits for.
    waits: BTreeMap<u32, RowKey>,
}

#[derive(Clone, Debug)]
struct Kept {
    by: u32,
    line: VecDeque<u32>,
}

/// What comes of reaching for a row.
pub(super) enum Taken {
    Now,
    /// When whoever keeps it ends.
    Later,
    /// Never: whoever keeps it waits for this statement.
    Deadlock,
}

impl Locks {
    pub(super) fn take(&mut self, statement: u32, row: RowKey) -> Taken {
        let keeper = match self.kept.entry(row) {
            Entry::Vacant(entry) => {
                entry.insert(Kept { by: statement, line: VecDeque::new() });
                return Taken::Now;
            }
            Entry::Occupied(entry) => entry.get().by,
        };
        if keeper == statement {
            return Taken::Now;
        }
        if self.waits_for(keeper, statement) {
            return Taken::Deadlock;
        }
        if self.waits.insert(statement, row).is_none() {
            self.kept.entry(row).and_modify(|kept| kept.line.push_back(statement));
        }
        Taken::Later
    }

    /// Whether a statement cannot go on before another one has ended.
    fn waits_for(&self, mut one: u32, other: u32) -> bool {
        while let Some(kept) = self.waits.get(&one).and_then(|row| self.kept.get(row)) {
            if kept.by == other {
                return true;
            }
            one = kept.by;
        }
        false
    }

    /// A statement gives a row back; who has it now.
    pub(super) fn release(&mut self, statement: u32, row: RowKey) -> Option<u32> {
        let Entry::Occupied(mut entry) = self.kept.entry(row) else { return None };
        if entry.get().by != statement {
            return None;
        }
        let Some(next) = entry.get_mut().line.pop_front() else {
            entry.remove();
            return None;
        };
        entry.get_mut().by = next;
        self.waits.remove(&next);
        Some(next)
    }

    /// A statement waits no longer.
    pub(super) fn leave(&mut self, statement: u32) {
        if let Some(row) = self.waits.remove(&statement)
            && let Some(kept) = self.kept.get_mut(&row)
        {
            kept.line.retain(|waiting| *waiting != statement);
        }
    }
}
