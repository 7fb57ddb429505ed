//! The services of a run side by side: what is persisted, what has changed upstream, and what of that is downstream.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Actor, Addr, ChangefeedId, Row, RowKind, Sim, TableId, Ts,
    etcd::{Etcd, Job, Key, Progress, Value},
    sink::Sink,
    upstream::Upstream,
};

/// The services, as they are.
pub(super) struct Services<'a> {
    pub(super) sim: &'a Sim,
    pub(super) etcd: &'a Etcd,
    pub(super) upstream: &'a Upstream,
    pub(super) sink: &'a Sink,
}

impl<'a> Services<'a> {
    pub(super) fn of(sim: &'a Sim) -> Option<Services<'a>> {
        match (sim.machine(Addr::Etcd), sim.machine(Addr::Upstream), sim.machine(Addr::Sink)) {
            (Actor::Etcd(etcd), Actor::Upstream(upstream), Actor::Sink(sink)) => {
                Some(Services { sim, etcd, upstream, sink })
            }
            _ => None,
        }
    }

    /// The changefeeds in etcd that are not being removed, with their checkpoints.
    pub(super) fn to_be_kept(&self) -> impl Iterator<Item = (ChangefeedId, Ts)> {
        let all = (1..=u8::MAX).map(ChangefeedId);
        all.filter_map(|cf| {
            let job = self.job(cf).filter(|job| job.progress != Progress::Removing)?;
            Some((cf, job.checkpoint))
        })
    }

    /// The changefeeds in etcd that end somewhere, and where.
    pub(super) fn targets(&self) -> impl Iterator<Item = (ChangefeedId, Ts)> {
        let all = (1..=u8::MAX).map(ChangefeedId);
        all.filter_map(|cf| match &self.etcd.get(Key::Info(cf))?.value {
            Value::Info(info) => Some((cf, info.target.0?)),
            _ => None,
        })
    }

    pub(super) fn job(&self, cf: ChangefeedId) -> Option<&'a Job> {
        match &self.etcd.get(Key::Job(cf))?.value {
            Value::Job(job) => Some(job),
            _ => None,
        }
    }

    /// The tables that exist at the checkpoint, and have not been dropped since.
    pub(super) fn tables(&self, checkpoint: Ts) -> impl Iterator<Item = TableId> {
        let (history, now) = (self.upstream.history(), Ts::at(self.sim.now()));
        let there: BTreeSet<TableId> = history.tables_at(now).collect();
        history.tables_at(checkpoint).filter(move |table| there.contains(table))
    }

    /// Every row that changed after one time is downstream as it was at the checkpoint, or later. A log has its last change
    /// up to there at least once. If not: which is missing. Of a row that was inserted where a user has had the changefeed jump over,
    /// updates find nothing.
    pub(super) fn equal(
        &self,
        cf: ChangefeedId,
        (after, checkpoint): (Ts, Ts),
        skipped: Option<(Ts, Ts)>,
    ) -> Result<(), String> {
        let history = self.upstream.history();
        for table in self.tables(checkpoint) {
            let mut expected: BTreeMap<u32, Row> = BTreeMap::new();
            for row in history.rows(table, after, checkpoint) {
                expected.insert(row.key, *row);
            }
            for row in expected.into_values() {
                let stored = self.sink.row(cf, table, row.key).map(|stored| stored.commit);
                if !self.is_fed(cf, table, row, checkpoint) && !self.is_left_out(cf, table, row, skipped) {
                    let stored = stored.map_or("nothing".to_owned(), |stored| stored.to_string());
                    let what = match row.kind {
                        RowKind::Insert | RowKind::Update => "changed",
                        RowKind::Delete => "deleted",
                    };
                    return Err(format!(
                        "row {} of {table} was {what} at {}, the checkpoint of {cf} is {checkpoint}, \
                         and downstream is {stored}",
                        row.key, row.commit
                    ));
                }
            }
        }
        Ok(())
    }

    /// Whether a row is not there and is only updated since it was inserted in this time.
    fn is_left_out(&self, cf: ChangefeedId, table: TableId, row: Row, skipped: Option<(Ts, Ts)>) -> bool {
        let Some((first, last)) = skipped else { return false };
        let before = self.upstream.history().rows(table, Ts::NONE, row.commit);
        let inserted = before.iter().rfind(|one| one.key == row.key && one.kind != RowKind::Update);
        let within = |one: &Row| one.kind == RowKind::Insert && first < one.commit && one.commit <= last;
        row.kind == RowKind::Update
            && self.sink.row(cf, table, row.key).is_none()
            && inserted.is_some_and(within)
    }

    /// `row`: the last change up to the checkpoint.
    pub(super) fn is_fed(&self, cf: ChangefeedId, table: TableId, row: Row, checkpoint: Ts) -> bool {
        if let Some(log) = self.sink.log(cf, table, row.key) {
            return log.iter().any(|change| change.commit == row.commit);
        }
        let exists = row.kind != RowKind::Delete;
        match self.sink.row(cf, table, row.key) {
            Some(stored) => exists && stored.commit == row.commit || stored.commit > checkpoint,
            None => !exists || self.is_deleted_after(table, row),
        }
    }

    fn is_deleted_after(&self, table: TableId, row: Row) -> bool {
        let mut later = self.upstream.history().rows(table, row.commit, self.upstream.resolved()).iter();
        later.any(|later| later.key == row.key && later.kind == RowKind::Delete)
    }
}
