//! From where a dispatcher begins, and from where everybody would begin if all processes ended now.

use crate::{
    Actor, Addr, ChangefeedId, DispatcherId, Mode, NodeId, Place, Row, RowKind, Sim, Span, TableId, Ts,
    invariants::services::Services,
};

/// From where something begins, and whether it leaves out the rows of the commit right behind that.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start {
    pub(super) ts: Ts,
    pub(super) skip_dml: bool,
}

impl Start {
    /// From where a dispatcher has begun; none of one that writes to the redo log only.
    pub(super) fn of(sim: &Sim, node: NodeId, cf: ChangefeedId, id: DispatcherId) -> Option<(Start, Span)> {
        let Actor::Dispatchers(all) = sim.machine(Addr::Node(node, Place::Dispatchers)) else { return None };
        let mut managers = all.managers().filter(|manager| manager.changefeed() == cf);
        let one = managers.find_map(|manager| manager.dispatchers().find(|one| one.id() == id))?;
        if one.mode() == Mode::Redo {
            return None;
        }
        let (ts, skip_dml) = one.start();
        Some((Start { ts, skip_dml }, one.span()))
    }

    /// What was committed up to here is not written again.
    fn upto(self) -> Ts {
        if self.skip_dml { Ts(self.ts.0.saturating_add(1)) } else { self.ts }
    }
}

impl Services<'_> {
    /// A row of a span that changed after one time, that whoever starts there does not write, and that is not downstream.
    pub(super) fn missed(&self, cf: ChangefeedId, span: Span, after: Ts, start: Start) -> Option<Row> {
        let upto = start.upto();
        // What a dropped table had is gone downstream, too, though its dispatcher may not know yet.
        let now = Ts::at(self.sim.now());
        let exists = || self.upstream.history().tables_at(now).any(|table| table == span.table);
        if upto <= after || !exists() {
            return None;
        }
        let rows = self.upstream.history().rows(span.table, after, upto);
        let last = |row: &&Row| rows.iter().rfind(|other| other.key == row.key) == Some(*row);
        let mut ours = rows.iter().filter(|row| span.has(row.key)).filter(last);
        ours.find(|row| !self.is_fed(cf, span.table, **row, upto)).copied()
    }
}

/// What is said of a row that nobody writes.
pub(super) fn told(row: Row, table: TableId) -> String {
    let what = match row.kind {
        RowKind::Insert | RowKind::Update => "changed",
        RowKind::Delete => "deleted",
    };
    format!("row {} of {table}, which was {what} at {}, is not downstream", row.key, row.commit)
}
