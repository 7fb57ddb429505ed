//! Whether every dispatcher that an event concerns has reported it (`range_checker` upstream).

use std::collections::{BTreeMap, BTreeSet};

use crate::{Span, TableId};

/// What has been reported of an event, against what has to be.
#[derive(Clone, Debug)]
pub(super) enum Coverage {
    /// Tables are not split: those that have been reported are counted, whichever they are. So a table that is not in the
    /// list counts, and one that is in it twice can never be made up for.
    Tables { needed: usize, reported: BTreeSet<TableId>, all: bool },
    /// Tables may be split: of each of them the whole range has to be reported.
    Ranges { tables: BTreeMap<TableId, Ranges>, all: bool },
}

/// What has been reported of one table.
#[derive(Clone, Debug, Default)]
pub(super) struct Ranges {
    spans: BTreeSet<Span>,
    /// There is no such table any more: nobody has to report.
    gone: bool,
}

impl Coverage {
    pub(super) fn of(tables: &[TableId], may_be_split: bool) -> Coverage {
        if may_be_split {
            let tables = tables.iter().map(|table| (*table, Ranges::default())).collect();
            Coverage::Ranges { tables, all: false }
        } else {
            Coverage::Tables { needed: tables.len(), reported: BTreeSet::new(), all: false }
        }
    }

    /// The dispatcher of a span has reported.
    pub(super) fn add(&mut self, span: Span) {
        match self {
            Coverage::Tables { reported, .. } => _ = reported.insert(span.table),
            Coverage::Ranges { tables, .. } => {
                if let Some(ranges) = tables.get_mut(&span.table) {
                    ranges.spans.insert(span);
                }
            }
        }
    }

    /// A table has no dispatchers any more.
    pub(super) fn add_gone(&mut self, table: TableId) {
        match self {
            Coverage::Tables { reported, .. } => _ = reported.insert(table),
            Coverage::Ranges { tables, .. } => {
                if let Some(ranges) = tables.get_mut(&table) {
                    ranges.gone = true;
                }
            }
        }
    }

    /// Nobody has to report any more.
    pub(super) fn add_all(&mut self) {
        match self {
            Coverage::Tables { all, .. } | Coverage::Ranges { all, .. } => *all = true,
        }
    }

    /// Nothing has been reported.
    pub(super) fn reset(&mut self) {
        match self {
            Coverage::Tables { reported, all, .. } => {
                reported.clear();
                *all = false;
            }
            Coverage::Ranges { tables, all } => {
                tables.values_mut().for_each(|ranges| *ranges = Ranges::default());
                *all = false;
            }
        }
    }

    pub(super) fn is_full(&self) -> bool {
        match self {
            Coverage::Tables { needed, reported, all } => *all || reported.len() >= *needed,
            Coverage::Ranges { tables, all } => *all || tables.values().all(Ranges::is_full),
        }
    }
}

impl Ranges {
    fn is_full(&self) -> bool {
        let reach = |to: u32, span: &Span| if span.from <= to { to.max(span.to) } else { to };
        self.gone || self.spans.iter().fold(0, reach) == Span::KEYS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T1: TableId = TableId(1);
    const T2: TableId = TableId(2);
    const T3: TableId = TableId(3);

    fn part(table: TableId, from: u32, to: u32) -> Span {
        Span { table, from, to }
    }

    #[test]
    fn whole_tables_are_counted_whichever_they_are() {
        let mut coverage = Coverage::of(&[T1, T2], false);
        coverage.add(part(T1, 0, 5));
        coverage.add(part(T1, 5, 9));
        assert!(!coverage.is_full(), "one table");
        coverage.add(Span::whole(T3));
        assert!(coverage.is_full(), "t3 is not in the list, and counts");
        coverage.reset();
        assert!(!coverage.is_full());
        coverage.add_gone(T1);
        coverage.add_gone(T2);
        assert!(coverage.is_full());
        let mut twice = Coverage::of(&[T1, T1], false);
        twice.add(Span::whole(T1));
        assert!(!twice.is_full(), "two are needed, and there is only one");
        twice.add_all();
        assert!(twice.is_full());
    }

    #[test]
    fn split_tables_are_covered_key_by_key() {
        let mut coverage = Coverage::of(&[T1, T2], true);
        coverage.add(Span::whole(T3));
        coverage.add(Span::whole(T2));
        coverage.add(part(T1, 0, 10));
        coverage.add(part(T1, 20, Span::KEYS));
        assert!(!coverage.is_full(), "[10..20) of t1 is missing");
        coverage.add(part(T1, 5, 20));
        assert!(coverage.is_full());
        coverage.reset();
        coverage.add(Span::whole(T1));
        assert!(!coverage.is_full());
        coverage.add_gone(T2);
        assert!(coverage.is_full());
        assert!(Coverage::of(&[], true).is_full());
    }
}
