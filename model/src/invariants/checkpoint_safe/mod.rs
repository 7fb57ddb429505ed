//! What is persisted as the checkpoint of a changefeed is downstream, and does not go back.
//!
//! For pingcap/ticdc#2767, #2943, #3045, #3846, #4703, #5401 and everything else that lets a checkpoint run ahead: whoever starts
//! again starts from it, and what was committed before it is never read again. So whenever a checkpoint is written to etcd, this
//! asks whether all that happened before it could be forgotten now. Reported separately, each once per changefeed and run:
//!
//! * *monotone*: the persisted checkpoint goes back, and no user has said that it should;
//! * *data*: it passes a row that is not downstream;
//! * *skipped*: it passes a DDL or a syncpoint that was not executed;
//! * *infinite*: it is larger than any time, as the lowest of no checkpoints at all (pingcap/ticdc#4703). All versions here know
//!   better, so that only a fault of the model could bring that about;
//! * *crash*: if everybody ended at this moment and began again from what is durable, the checkpoint and what the downstream
//!   has recorded about DDLs (`ddl_ts`), a row or a DDL would be left out;
//! * *behind*: a dispatcher begins below the persisted checkpoint, so that it may replay what nobody keeps upstream any more, and
//!   the next failover jumps over what it has not done yet. Where a user has moved the checkpoint, and nothing has come of it since,
//!   that is no news to a maintainer of before, which is still to be stopped;
//! * *gap*: a dispatcher or a table trigger begins behind a row or a DDL that is not downstream.

mod starts;

use std::collections::{BTreeMap, BTreeSet};

use sim::{StepId, What};

use crate::{
    Actor, Addr, ChangefeedId, DispatcherId, NodeId, Place, Record, Sim, Span, TableId, Ts,
    dispatchers::{self, EventKey},
    etcd::{Key, Value},
    invariants::{
        Invariant, Named, Sight, Sort, Violation,
        kept::{Kept, Moved},
        services::Services,
    },
    sink::{self, Recovery},
};

use starts::{Start, told};

const NAME: &str = "checkpoint_safe";

pub(super) const NAMED: Named = Named {
    name: NAME,
    promise: "what is persisted as the checkpoint of a changefeed is downstream, and does not go back",
    bugs: &["#2767", "#2943", "#3045", "#3846", "#3946", "#4703", "#5401"],
    aspects: &[
        ("monotone", "the persisted checkpoint went back"),
        ("data", "the persisted checkpoint passed a row that was not downstream"),
        ("skipped", "the persisted checkpoint passed a DDL or syncpoint that was not executed"),
        ("infinite", "the persisted checkpoint is larger than any time"),
        (
            "crash",
            "a checkpoint was persisted, and if all had ended then, a row or a DDL would have been left out",
        ),
        ("behind", "a dispatcher began below the persisted checkpoint"),
        ("gap", "a dispatcher or table trigger began behind a row or a DDL that was not downstream"),
    ],
    sight: Sight::of(&[Sort::Etcd]).news(&[Sort::Sink, Sort::Coordinator, Sort::Dispatchers, Sort::Rows]),
    make: || Box::new(CheckpointSafe::default()),
};

#[derive(Default)]
pub(super) struct CheckpointSafe {
    kept: Kept,
    /// What was executed downstream.
    executed: BTreeSet<(ChangefeedId, EventKey)>,
    /// How many events the persisted checkpoint has passed: DDLs, and the last syncpoint.
    passed: BTreeMap<ChangefeedId, (usize, Ts)>,
    reported: BTreeSet<(ChangefeedId, &'static str)>,
}

impl Invariant for CheckpointSafe {
    fn observe(&mut self, sim: &Sim, record: &Record, found: &mut Vec<Violation>) {
        if let What::Step { actor: Addr::Sink, .. } = &record.what {
            for note in &record.notes {
                if let crate::Note::Sink(note) = note {
                    self.downstream(note);
                }
            }
        }
        if let What::Step { actor: Addr::Node(node, Place::Dispatchers), .. } = &record.what {
            for note in &record.notes {
                if let crate::Note::Dispatchers(note) = note {
                    self.begun(sim, *node, note, record.id, found);
                }
            }
        }
        let mut moved: Vec<Moved> = Vec::new();
        self.kept.observe(sim, record, |_, news| moved.push(news));
        for news in moved {
            if let Some(services) = Services::of(sim) {
                self.persisted(&services, news, record.id, found);
            }
        }
    }
}

impl CheckpointSafe {
    fn downstream(&mut self, note: &sink::Note) {
        let (cf, ts, syncpoint) = match note {
            sink::Note::DdlApplied { cf, ddl, .. } => (cf, ddl.commit, false),
            sink::Note::DdlRefused { cf, ddl, why, .. } if why.is_ignorable() => (cf, ddl.commit, false),
            sink::Note::SyncPointApplied { cf, ts, .. } => (cf, *ts, true),
            _ => return,
        };
        self.executed.insert((*cf, EventKey { ts, syncpoint }));
    }

    /// A checkpoint has been written: looks at what is new since the last time.
    fn persisted(&mut self, services: &Services, news: Moved, step: StepId, found: &mut Vec<Violation>) {
        let Moved { cf, before, now, skipped } = news;
        if now == Ts::INFINITE {
            return self.report(cf, "infinite", format!("the checkpoint of {cf} is {now}"), step, found);
        }
        if now < before {
            let what = format!("the checkpoint of {cf} went back from {before} to {now}");
            self.report(cf, "monotone", what, step, found);
        }
        if !self.reported.contains(&(cf, "data"))
            && let Err(what) = services.equal(cf, (before, now), skipped)
        {
            self.report(cf, "data", what, step, found);
        }
        self.pass(services, cf, now, step, found);
        if !self.reported.contains(&(cf, "crash"))
            && let Some(lost) = self.lost(services, cf, now)
        {
            let what = format!("the checkpoint of {cf} is {now}; whoever starts again now finds that {lost}");
            self.report(cf, "crash", what, step, found);
        }
    }

    /// What would be left out if everybody began again from this checkpoint and what is recorded downstream.
    fn lost(&self, services: &Services, cf: ChangefeedId, checkpoint: Ts) -> Option<String> {
        let start = |table| {
            let Recovery { start, skip_dml, .. } =
                services.sink.recovery(cf, table).applied_to(checkpoint, false);
            Start { ts: start, skip_dml }
        };
        if services.sink.is_log() {
            return None;
        }
        let mut all = services.tables(checkpoint).chain([TableId::TRIGGER]);
        all.find_map(|table| self.left_out(services, cf, Span::whole(table), checkpoint, start(table)))
    }

    /// What changed after one time, and whoever starts there does not write, though it is not downstream.
    fn left_out(
        &self,
        services: &Services,
        cf: ChangefeedId,
        span: Span,
        after: Ts,
        start: Start,
    ) -> Option<String> {
        let row = services.missed(cf, span, after, start).map(|row| told(row, span.table));
        row.or_else(|| self.unexecuted(services, cf, span.table, (after, start.ts)))
    }

    /// A DDL that a table sees after one time and up to another, and that is not executed.
    fn unexecuted(
        &self,
        services: &Services,
        cf: ChangefeedId,
        table: TableId,
        (after, upto): (Ts, Ts),
    ) -> Option<String> {
        let ddls = services.upstream.history().ddls_of(table);
        let from = ddls.partition_point(|ddl| ddl.commit <= after);
        let mut passed = ddls[from..].iter().take_while(|ddl| ddl.commit <= upto);
        let is_executed = |ts| self.executed.contains(&(cf, EventKey { ts, syncpoint: false }));
        let ddl = passed.find(|ddl| !is_executed(ddl.commit))?;
        Some(format!("the DDL of {} is not executed", ddl.commit))
    }

    /// A dispatcher has begun.
    fn begun(
        &mut self,
        sim: &Sim,
        node: NodeId,
        note: &dispatchers::Note,
        step: StepId,
        found: &mut Vec<Violation>,
    ) {
        use dispatchers::Note::{DispatcherCreated, MergeCommitted};
        let (cf, id) = match note {
            DispatcherCreated { cf, id, .. } | MergeCommitted { cf, id, .. } => (*cf, *id),
            _ => return,
        };
        let (Some(services), Some(known)) = (Services::of(sim), self.kept.get(cf)) else { return };
        let Some((start, span)) = Start::of(sim, node, cf, id) else { return };
        let is_moved = known.checkpoint == known.from && is_of_before(sim, &services, node, cf, id);
        if start.ts < known.checkpoint && !is_moved {
            let what = format!(
                "{id} for {span} of {cf} begins at {} on {node}, and the checkpoint is {}",
                start.ts, known.checkpoint
            );
            self.report(cf, "behind", what, step, found);
        }
        let after = known.checkpoint.max(known.from);
        let missing = self.left_out(&services, cf, span, after, start);
        if let Some(missing) = missing {
            let what = format!("{id} for {span} of {cf} begins at {} on {node}, and {missing}", start.ts);
            self.report(cf, "gap", what, step, found);
        }
    }

    /// Everything up to the checkpoint has to have been executed.
    fn pass(
        &mut self,
        services: &Services,
        cf: ChangefeedId,
        checkpoint: Ts,
        step: StepId,
        found: &mut Vec<Violation>,
    ) {
        let history = services.upstream.history();
        let (mut ddls, mut syncpoint) = self.passed.get(&cf).copied().unwrap_or_default();
        while let Some(ddl) = history.all_ddls().get(ddls).filter(|ddl| ddl.commit <= checkpoint) {
            ddls += 1;
            let key = EventKey { ts: ddl.commit, syncpoint: false };
            self.has_passed(cf, key, checkpoint, step, found);
        }
        while let Some(next) = history.sync_point_after(syncpoint).filter(|next| *next <= checkpoint) {
            syncpoint = next;
            self.has_passed(cf, EventKey { ts: next, syncpoint: true }, checkpoint, step, found);
        }
        self.passed.insert(cf, (ddls, syncpoint));
    }

    fn has_passed(
        &mut self,
        cf: ChangefeedId,
        key: EventKey,
        checkpoint: Ts,
        step: StepId,
        found: &mut Vec<Violation>,
    ) {
        if !self.executed.contains(&(cf, key)) {
            let event = if key.syncpoint { "syncpoint" } else { "DDL" };
            let what = format!(
                "the checkpoint of {cf} is {checkpoint}, and the {event} of {} was not executed",
                key.ts
            );
            self.report(cf, "skipped", what, step, found);
        }
    }

    fn report(
        &mut self,
        cf: ChangefeedId,
        aspect: &'static str,
        what: String,
        step: StepId,
        found: &mut Vec<Violation>,
    ) {
        if self.reported.insert((cf, aspect)) {
            found.push(Violation { invariant: NAME, aspect, what, because: vec![step] });
        }
    }
}

/// Whether the owner of a dispatcher's manager is of an earlier generation than is persisted.
fn is_of_before(sim: &Sim, services: &Services, node: NodeId, cf: ChangefeedId, id: DispatcherId) -> bool {
    let Actor::Dispatchers(all) = sim.machine(Addr::Node(node, Place::Dispatchers)) else { return false };
    let Some(Value::Info(info)) = services.etcd.get(Key::Info(cf)).map(|kv| &kv.value) else { return false };
    let mut its = all.managers().filter(|manager| manager.dispatchers().any(|one| one.id() == id));
    its.any(|manager| manager.changefeed() == cf && manager.owner().epoch < info.epoch)
}
