//! The table `tidb_cdc.ddl_ts_v1` of the downstream: how far each table of a changefeed is with its DDLs.
//!
//! Whoever starts to write a table again reads from it where to start: old rows must not meet a new schema.

use std::collections::BTreeMap;

use crate::{ChangefeedId, TableId, Ts, vocabulary::spoken};

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Record {
    /// The commit of the DDL, or the syncpoint.
    pub ts: Ts,
    /// Whether it has been executed; until then it may have been or not.
    pub finished: bool,
    /// Whether it is a syncpoint.
    pub syncpoint: bool,
}

spoken! {
    /// From where a table may be written, and what is not to be done again.
    #[derive(Copy)]
    pub struct Recovery {
        /// From here; zero: nothing is recorded.
        pub start: Ts,
        /// The syncpoint at the start has been written.
        pub skip_syncpoint: bool,
        /// The rows of the commit right behind the start have been written.
        pub skip_dml: bool,
    }
}

/// The table. What is written overwrites what was there, whatever it is.
#[derive(Clone, Debug, Default)]
pub(super) struct DdlTs {
    records: BTreeMap<(ChangefeedId, TableId), Record>,
}

impl DdlTs {
    pub(super) fn get(&self, cf: ChangefeedId, table: TableId) -> Option<Record> {
        self.records.get(&(cf, table)).copied()
    }

    pub(super) fn write(&mut self, cf: ChangefeedId, tables: &[TableId], record: Record) {
        self.records.extend(tables.iter().map(|table| ((cf, *table), record)));
    }

    pub(super) fn delete(&mut self, cf: ChangefeedId, tables: &[TableId]) {
        for table in tables {
            self.records.remove(&(cf, *table));
        }
    }

    /// A changefeed of this name begins: nothing is known of it.
    pub(super) fn forget(&mut self, cf: ChangefeedId) {
        self.records.retain(|(one, _), _| *one != cf);
    }

    /// Of a table's own record and that of the last syncpoint the newer one counts; without its own, neither does.
    pub(super) fn recover(&self, cf: ChangefeedId, table: TableId) -> Recovery {
        let Some(own) = self.get(cf, table) else { return Recovery::NONE };
        let syncpoint = self.get(cf, TableId::SYNC_POINT).filter(|record| record.ts >= own.ts);
        Recovery::of(syncpoint.unwrap_or(own))
    }
}

impl Recovery {
    /// Nothing is recorded.
    pub const NONE: Recovery = Recovery { start: Ts::NONE, skip_syncpoint: false, skip_dml: false };

    fn of(record: Record) -> Recovery {
        let Record { ts, finished, syncpoint } = record;
        if finished || syncpoint {
            return Recovery { start: ts, skip_syncpoint: finished && syncpoint, skip_dml: false };
        }
        // The rows of that commit were written before the DDL; the DDL is done again.
        Recovery { start: ts.before(), skip_syncpoint: false, skip_dml: true }
    }

    /// What a dispatcher does that was asked to start at a timestamp, and perhaps to leave out the rows right behind it.
    pub(crate) fn applied_to(self, start: Ts, skip_dml: bool) -> Recovery {
        let behind = Recovery { start, ..Recovery::NONE };
        let chosen = if start > self.start { behind } else { self };
        // What was asked for counts only for the start that was asked for.
        Recovery { skip_dml: chosen.skip_dml || chosen.start == start && skip_dml, ..chosen }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CF: ChangefeedId = ChangefeedId(1);
    const T: TableId = TableId(1);

    fn record(ts: u64, finished: bool, syncpoint: bool) -> Record {
        Record { ts: Ts(ts), finished, syncpoint }
    }

    fn recovered(own: Option<Record>, syncpoint: Option<Record>) -> (u64, bool, bool) {
        let mut table = DdlTs::default();
        own.into_iter().for_each(|record| table.write(CF, &[T], record));
        syncpoint.into_iter().for_each(|record| table.write(CF, &[TableId::SYNC_POINT], record));
        let Recovery { start, skip_syncpoint, skip_dml } = table.recover(CF, T);
        (start.0, skip_syncpoint, skip_dml)
    }

    /// Rows J01 to J13 of the decision vectors.
    #[test]
    fn the_newer_record_tells_where_to_start() {
        for (own, syncpoint, expected) in [
            (None, None, (0, false, false)),
            (None, Some(record(100, true, true)), (0, false, false)),
            (Some(record(100, true, true)), None, (100, true, false)),
            (Some(record(200, true, false)), None, (200, false, false)),
            (Some(record(100, false, false)), None, (99, false, true)),
            (Some(record(90, true, false)), Some(record(100, true, true)), (100, true, false)),
            (Some(record(90, true, false)), Some(record(100, false, true)), (100, false, false)),
            (Some(record(100, true, false)), Some(record(100, true, true)), (100, true, false)),
            (Some(record(120, false, false)), Some(record(100, true, true)), (119, false, true)),
        ] {
            assert_eq!(recovered(own, syncpoint), expected, "{own:?} {syncpoint:?}");
        }
    }

    /// Rows J15 to J17, and what the schedule request says.
    #[test]
    fn a_start_that_is_ahead_of_the_record_stays() {
        let unfinished = Recovery { start: Ts(99), skip_syncpoint: false, skip_dml: true };
        let finished = Recovery { start: Ts(200), skip_syncpoint: true, skip_dml: false };
        let told = |start, skip_syncpoint, skip_dml| Recovery { start: Ts(start), skip_syncpoint, skip_dml };
        for (recovery, start, skip_dml, expected) in [
            (unfinished, 150, false, told(150, false, false)),
            (unfinished, 150, true, told(150, false, true)),
            (finished, 150, true, told(200, true, false)),
            (unfinished, 99, false, told(99, false, true)),
            (finished, 200, true, told(200, true, true)),
            (Recovery::NONE, 300, true, told(300, false, true)),
        ] {
            assert_eq!(recovery.applied_to(Ts(start), skip_dml), expected, "{recovery:?} {start}");
        }
    }

    #[test]
    fn a_record_is_overwritten_even_by_an_older_one() {
        let mut table = DdlTs::default();
        table.write(CF, &[T], record(200, true, false));
        table.write(CF, &[T], record(100, false, false));
        assert_eq!(table.get(CF, T), Some(record(100, false, false)));
        table.forget(CF);
        assert_eq!(table.recover(CF, T), Recovery::NONE);
    }
}
