//! A changefeed that has a target ends there: it is finished when its checkpoint has come to the target, not before, and for good,
//! and nothing from after the target is downstream.
//!
//! Only the coordinator knows the target. Reported separately, each once per run:
//!
//! * *early*: it is persisted as finished, and its persisted checkpoint is before the target;
//! * *beyond*: a change from after the target has been applied downstream;
//! * *reopened*: it was persisted as finished, and is persisted in a state in which it runs, though no user has called for that;
//! * *unfinished*: its target lay before the end of the faults, its checkpoint has come there, and it is to run in the end.

use std::collections::{BTreeMap, BTreeSet};

use sim::{Input, StepId, What};

use crate::{
    Addr, ChangefeedId, Command, Msg, Note, Record, Sim, Ts, coordinator,
    etcd::{self, FeedState, Key, Op, Value},
    invariants::{Invariant, Named, Sight, Sort, Violation, services::Services},
    node,
    sink::Note as Stored,
};

const NAME: &str = "ends_at_target";

pub(super) const NAMED: Named = Named {
    name: NAME,
    promise: "a changefeed that has a target is finished when its checkpoint comes there, for good, and nothing beyond it is downstream",
    bugs: &[],
    aspects: &[
        (
            "early",
            "a changefeed was persisted as finished, and its persisted checkpoint was before its target",
        ),
        ("beyond", "a change from after the target of its changefeed was applied downstream"),
        (
            "reopened",
            "a changefeed that was finished was persisted in a state in which it runs, though no user had called for that",
        ),
        (
            "unfinished",
            "the checkpoint of a changefeed is past its target, and it is to run when the cluster has settled",
        ),
    ],
    sight: Sight::of(&[Sort::Etcd]).news(&[Sort::Sink]),
    make: || Box::new(EndsAtTarget::default()),
};

#[derive(Default)]
pub(super) struct EndsAtTarget {
    /// The changefeeds that have a target; none before the first record.
    targets: Option<BTreeMap<ChangefeedId, Ts>>,
    /// Those that are finished, and since when.
    finished: BTreeMap<ChangefeedId, StepId>,
    /// When the faults ended.
    calm: Option<Ts>,
    reported: BTreeSet<&'static str>,
}

impl Invariant for EndsAtTarget {
    fn observe(&mut self, sim: &Sim, record: &Record, found: &mut Vec<Violation>) {
        if self.targets.is_none() {
            self.targets = Services::of(sim).map(|services| services.targets().collect());
        }
        if self.targets.as_ref().is_none_or(BTreeMap::is_empty) {
            return;
        }
        match &record.what {
            What::Fault(fault) if fault.is_the_last() => self.calm = Some(Ts::at(record.at)),
            What::Step { input: Input::Command(command), .. } => self.called(command),
            What::Step { actor: Addr::Etcd, input: Input::Message { msg: Msg::Etcd(request), .. } } => {
                for cf in described_by(request) {
                    self.described(sim, cf, record.id, found);
                }
            }
            What::Step { actor: Addr::Sink, .. } => self.applied(record, found),
            _ => {}
        }
    }

    fn settled(&mut self, sim: &Sim, found: &mut Vec<Violation>) {
        let (Some(services), Some(calm)) = (Services::of(sim), self.calm) else { return };
        for (cf, target) in self.targets.iter().flatten() {
            let Some((state, checkpoint)) = state_of(&services, *cf) else { continue };
            if *target < calm && checkpoint >= *target && state.should_run() {
                let what =
                    format!("{cf} is {state}, and its checkpoint {checkpoint} is past its target {target}");
                found.push(Violation { invariant: NAME, aspect: "unfinished", what, because: Vec::new() });
            }
        }
    }
}

impl EndsAtTarget {
    fn target(&self, cf: ChangefeedId) -> Option<Ts> {
        self.targets.as_ref()?.get(&cf).copied()
    }

    /// A user who lets it go on takes back that it has ended.
    fn called(&mut self, command: &Command) {
        let request = match command {
            Command::Coordinator(request) | Command::Server(node::Command::ApiCall { request }) => request,
            _ => return,
        };
        if let coordinator::Command::ResumeChangefeed { cf, .. } = request {
            self.finished.remove(cf);
        }
    }

    /// What is persisted of a changefeed has been written.
    fn described(&mut self, sim: &Sim, cf: ChangefeedId, step: StepId, found: &mut Vec<Violation>) {
        let Some(target) = self.target(cf) else { return };
        let Some((state, checkpoint)) = Services::of(sim).and_then(|services| state_of(&services, cf)) else {
            return;
        };
        if state == FeedState::Finished {
            self.finished.entry(cf).or_insert(step);
            if checkpoint < target {
                let what = format!("{cf} is finished at {checkpoint}, before its target {target}");
                self.report("early", what, vec![step], found);
            }
        } else if state.should_run()
            && let Some(since) = self.finished.remove(&cf)
        {
            let what = format!("{cf} had come to its target {target}, and is {state} again");
            self.report("reopened", what, vec![since, step], found);
        }
    }

    fn applied(&mut self, record: &Record, found: &mut Vec<Violation>) {
        for note in &record.notes {
            let Note::Sink(Stored::Applied { transaction, .. }) = note else { continue };
            let Some(target) = self.target(transaction.cf) else { continue };
            if let Some(change) = transaction.changes.iter().find(|change| change.commit > target) {
                let (cf, table, commit) = (transaction.cf, change.table, change.commit);
                let what = format!("{table} as of {commit} is downstream, and {cf} ends at {target}");
                self.report("beyond", what, vec![record.id], found);
            }
        }
    }

    fn report(
        &mut self,
        aspect: &'static str,
        what: String,
        because: Vec<StepId>,
        found: &mut Vec<Violation>,
    ) {
        if self.reported.insert(aspect) {
            found.push(Violation { invariant: NAME, aspect, what, because });
        }
    }
}

/// The persisted state and checkpoint of a changefeed.
fn state_of(services: &Services, cf: ChangefeedId) -> Option<(FeedState, Ts)> {
    match &services.etcd.get(Key::Info(cf))?.value {
        Value::Info(info) => Some((info.state, services.job(cf)?.checkpoint)),
        _ => None,
    }
}

/// The changefeeds whose description a request to etcd writes.
fn described_by(request: &etcd::Inbox) -> impl Iterator<Item = ChangefeedId> {
    let ops = match request {
        etcd::Inbox::TxnRequest { then, .. } => then.as_slice(),
        _ => &[],
    };
    ops.iter().filter_map(|op| match op {
        Op::Put { key: Key::Info(cf), .. } => Some(*cf),
        _ => None,
    })
}
