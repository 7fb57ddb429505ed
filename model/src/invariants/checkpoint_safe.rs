//! What is persisted as the checkpoint of a changefeed is downstream, and does not go back.
//!
//! For pingcap/ticdc#2767, #2943, #3045, #3846, #4703, #5401 and everything else that lets a checkpoint run ahead: whoever starts
//! again starts from it, and what was committed before it is never read again. So whenever a checkpoint is written to etcd, this
//! asks whether all that happened before it could be forgotten now. Reported separately, each once per changefeed and run:
//!
//! * *monotone*: the persisted checkpoint goes back, and no user has said that it should;
//! * *data*: it passes a row that is not downstream;
//! * *skipped*: it passes a DDL or a syncpoint that was not executed;
//! * *infinite*: it is larger than any time, as the lowest of no checkpoints at all (pingcap/ticdc#4703).

use std::collections::{BTreeMap, BTreeSet};

use sim::{StepId, What};

use crate::{
    Addr, ChangefeedId, Record, Sim, Ts,
    dispatchers::EventKey,
    invariants::{
        Invariant, Named, Violation,
        kept::{Kept, Moved},
        services::Services,
    },
    sink,
};

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
    ],
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
        let Moved { cf, before, now } = news;
        if now == Ts::INFINITE {
            return self.report(cf, "infinite", format!("the checkpoint of {cf} is {now}"), step, found);
        }
        if now < before {
            let what = format!("the checkpoint of {cf} went back from {before} to {now}");
            self.report(cf, "monotone", what, step, found);
        }
        if !self.reported.contains(&(cf, "data"))
            && let Err(what) = services.equal(cf, before, now)
        {
            self.report(cf, "data", what, step, found);
        }
        self.pass(services, cf, now, step, found);
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
