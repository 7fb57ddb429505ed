//! What is persisted as the checkpoint is downstream, and does not go back; after the calm, every changefeed is still
//! there, every span has exactly one working dispatcher, and the checkpoint moves.
//!
//! For pingcap/ticdc#5179, #3411 and everything else that leaves a table without a writer, or a checkpoint ahead of
//! what was written.

use std::collections::{BTreeMap, BTreeSet};

use sim::{Fault, Input, StepId, What};

use crate::{
    Actor, Addr, ChangefeedId, Command, Mode, Msg, NodeId, Note, Place, Record, Row, RowKind, Sim, Span,
    TableId, Ts, coordinator,
    dispatchers::ComponentState,
    etcd::{self, Etcd, Job, Key, Op, Progress, Value},
    invariants::{Invariant, Violation},
    node,
    sink::Sink,
    upstream::Upstream,
};

pub(super) const NAME: &str = "downstream_is_fed";

#[derive(Default)]
pub(super) struct DownstreamIsFed {
    /// When the calm began.
    calm: Option<(StepId, Ts)>,
    /// The changefeeds that nobody has asked to remove, and what was last persisted of each.
    changefeeds: Option<BTreeMap<ChangefeedId, Persisted>>,
    /// From where users want changefeeds to go on, instead of from their checkpoints.
    overwrites: BTreeMap<ChangefeedId, Ts>,
}

/// What was last persisted of a changefeed.
#[derive(Clone, Copy)]
struct Persisted {
    checkpoint: Ts,
    /// What changed before this nobody has promised: a user has let it go on from there.
    from: Ts,
    /// Whether it has gone back, and whether it has passed a row that is not downstream.
    went_back: bool,
    lost: bool,
}

impl Persisted {
    fn new(checkpoint: Ts) -> Persisted {
        Persisted { checkpoint, from: Ts::NONE, went_back: false, lost: false }
    }
}

/// The services, as they are.
struct End<'a> {
    sim: &'a Sim,
    etcd: &'a Etcd,
    upstream: &'a Upstream,
    sink: &'a Sink,
}

impl Invariant for DownstreamIsFed {
    fn observe(&mut self, sim: &Sim, record: &Record, found: &mut Vec<Violation>) {
        if self.changefeeds.is_none() {
            self.changefeeds = End::of(sim).map(|end| end.to_be_kept().collect());
        }
        match &record.what {
            What::Step { input: Input::Command(command), .. } => self.called(command),
            What::Step { actor: Addr::Node(_, Place::Coordinator), .. } => self.created(sim, record),
            What::Fault(Fault::Calm) => self.calm = Some((record.id, Ts::at(record.at))),
            What::Step { actor: Addr::Etcd, input: Input::Message { msg: Msg::Etcd(request), .. } } => {
                for cf in persisted_by(request) {
                    self.on_persisted(sim, cf, record.id, found);
                }
            }
            _ => {}
        }
    }

    fn settled(&mut self, sim: &Sim, found: &mut Vec<Violation>) {
        let Some(end) = End::of(sim) else { return };
        for (cf, persisted) in self.changefeeds.iter().flatten() {
            if let Err((aspect, what)) = self.check(&end, *cf, *persisted) {
                let because = self.calm.iter().map(|(step, _)| *step).collect();
                found.push(Violation { invariant: NAME, aspect, what, because });
            }
        }
    }
}

/// The changefeeds whose status a request to etcd writes.
fn persisted_by(request: &etcd::Inbox) -> impl Iterator<Item = ChangefeedId> {
    let ops = match request {
        etcd::Inbox::TxnRequest { then, .. } => then.as_slice(),
        _ => &[],
    };
    ops.iter().filter_map(|op| match op {
        Op::Put { key: Key::Job(cf), .. } => Some(*cf),
        _ => None,
    })
}

/// What is wrong: which part of the promise, and how.
type Wrong = (&'static str, String);

impl DownstreamIsFed {
    fn called(&mut self, command: &Command) {
        let request = match command {
            Command::Coordinator(request) | Command::Server(node::Command::ApiCall { request }) => request,
            _ => return,
        };
        if let coordinator::Command::ResumeChangefeed { cf, overwrite: Some(ts) } = request {
            self.overwrites.insert(*cf, *ts);
        }
    }

    /// A changefeed that a user has created is to be kept, too.
    fn created(&mut self, sim: &Sim, record: &Record) {
        for note in &record.notes {
            if let Note::Coordinator(coordinator::Note::CallAnswered { cf, call: "create", answer: "done" }) =
                note
                && let Some(job) = End::of(sim).and_then(|end| end.job(*cf).cloned())
                && let Some(changefeeds) = &mut self.changefeeds
            {
                changefeeds.insert(*cf, Persisted::new(job.checkpoint));
            }
        }
    }

    /// The status of a changefeed may have been written: looks at what is new since the last time.
    fn on_persisted(&mut self, sim: &Sim, cf: ChangefeedId, step: StepId, found: &mut Vec<Violation>) {
        let (Some(end), Some(changefeeds)) = (End::of(sim), &mut self.changefeeds) else { return };
        let Some(job) = end.job(cf) else { return };
        if job.progress == Progress::Removing {
            changefeeds.remove(&cf);
        }
        let Some(known) = changefeeds.get_mut(&cf) else { return };
        let mut report =
            |aspect, what| found.push(Violation { invariant: NAME, aspect, what, because: vec![step] });
        let mut before = std::mem::replace(&mut known.checkpoint, job.checkpoint);
        if self.overwrites.get(&cf) == Some(&job.checkpoint) {
            self.overwrites.remove(&cf);
            before = job.checkpoint;
            known.from = job.checkpoint;
        }
        if job.checkpoint < before && !std::mem::replace(&mut known.went_back, true) {
            let what = format!("the checkpoint of {cf} went back from {before} to {}", job.checkpoint);
            report("monotone", what);
        }
        if !known.lost
            && let Err((aspect, what)) = end.equal(cf, before, job.checkpoint)
        {
            known.lost = true;
            report(aspect, what);
        }
    }

    fn check(&self, end: &End, cf: ChangefeedId, known: Persisted) -> Result<(), Wrong> {
        if end.etcd.get(Key::Info(cf)).is_none() {
            return Err(("changefeed", format!("{cf} is gone from etcd, and nobody asked for that")));
        }
        let Some(checkpoint) = end.checkpoint(cf) else { return Ok(()) };
        for table in end.tables(checkpoint) {
            end.one_writer(cf, table, Mode::Default)?;
            if end.has_redo(cf) {
                end.one_writer(cf, table, Mode::Redo)?;
            }
        }
        if let Some((_, calm)) = self.calm
            && checkpoint <= calm
        {
            let what = format!("the checkpoint of {cf} stands at {checkpoint}, not past the calm at {calm}");
            return Err(("checkpoint", format!("{what}; {}", end.why(cf))));
        }
        if known.lost { Ok(()) } else { end.equal(cf, known.from, checkpoint) }
    }
}

impl<'a> End<'a> {
    fn of(sim: &'a Sim) -> Option<End<'a>> {
        match (sim.machine(Addr::Etcd), sim.machine(Addr::Upstream), sim.machine(Addr::Sink)) {
            (Actor::Etcd(etcd), Actor::Upstream(upstream), Actor::Sink(sink)) => {
                Some(End { sim, etcd, upstream, sink })
            }
            _ => None,
        }
    }

    /// The changefeeds in etcd that are not being removed, with what is persisted of them.
    fn to_be_kept(&self) -> impl Iterator<Item = (ChangefeedId, Persisted)> {
        let all = (1..=u8::MAX).map(ChangefeedId);
        all.filter_map(|cf| {
            let job = self.job(cf).filter(|job| job.progress != Progress::Removing)?;
            Some((cf, Persisted::new(job.checkpoint)))
        })
    }

    fn job(&self, cf: ChangefeedId) -> Option<&Job> {
        match &self.etcd.get(Key::Job(cf))?.value {
            Value::Job(job) => Some(job),
            _ => None,
        }
    }

    /// The persisted checkpoint of a changefeed that is to run.
    fn checkpoint(&self, cf: ChangefeedId) -> Option<Ts> {
        match (&self.etcd.get(Key::Info(cf))?.value, self.job(cf)?) {
            (Value::Info(info), job) if info.state.should_run() => Some(job.checkpoint),
            _ => None,
        }
    }

    fn dispatchers(&self) -> impl Iterator<Item = (NodeId, &crate::dispatchers::Dispatchers)> {
        self.sim.machines().filter_map(|(addr, actor)| match actor {
            Actor::Dispatchers(all) if self.sim.is_up(self.sim.host_of(addr)) => Some((addr.node()?, &**all)),
            _ => None,
        })
    }

    /// Whether somebody writes a redo log of a changefeed.
    fn has_redo(&self, cf: ChangefeedId) -> bool {
        let mut managers = self.dispatchers().flat_map(|(_, all)| all.managers());
        managers.any(|manager| manager.changefeed() == cf && manager.is_open() && manager.has_redo())
    }

    /// The working dispatchers of a table cover it exactly; its redo dispatchers do so by themselves.
    fn one_writer(&self, cf: ChangefeedId, table: TableId, mode: Mode) -> Result<(), Wrong> {
        let kind = if mode == Mode::Redo { "redo dispatcher" } else { "dispatcher" };
        let mut working: Vec<(Span, String)> = Vec::new();
        for (node, all) in self.dispatchers() {
            for manager in all.managers().filter(|manager| manager.changefeed() == cf && manager.is_open()) {
                let here =
                    manager.dispatchers().filter(|one| one.span().table == table && one.mode() == mode);
                let here = here.filter(|one| one.state() == ComponentState::Working && one.is_fed());
                working.extend(here.map(|one| (one.span(), format!("{} on {node}", one.id()))));
            }
        }
        working.sort();
        let mut covered = 0;
        for (span, _) in &working {
            if span.from != covered {
                let others: Vec<&str> = working.iter().map(|(_, who)| who.as_str()).collect();
                let what = format!(
                    "the working {kind}s of {table} of {cf} do not cover it once: {}",
                    others.join(", ")
                );
                return Err(("coverage", what));
            }
            covered = span.to;
        }
        if covered != Span::KEYS {
            return Err(("coverage", format!("{table} of {cf} has no working {kind}; {}", self.why(cf))));
        }
        Ok(())
    }

    /// The tables that exist at the checkpoint, and have not been dropped since.
    fn tables(&self, checkpoint: Ts) -> impl Iterator<Item = TableId> {
        let (history, now) = (self.upstream.history(), Ts::at(self.sim.now()));
        let there: BTreeSet<TableId> = history.tables_at(now).collect();
        history.tables_at(checkpoint).filter(move |table| there.contains(table))
    }

    /// Every row that changed after one time is downstream as it was at the checkpoint, or later. A log has its last change
    /// up to there at least once.
    fn equal(&self, cf: ChangefeedId, after: Ts, checkpoint: Ts) -> Result<(), Wrong> {
        let history = self.upstream.history();
        for table in self.tables(checkpoint) {
            let mut expected: BTreeMap<u32, Row> = BTreeMap::new();
            for row in history.rows(table, after, checkpoint) {
                expected.insert(row.key, *row);
            }
            for row in expected.into_values() {
                let stored = self.sink.row(cf, table, row.key).map(|stored| stored.commit);
                if !self.is_fed(cf, table, row, checkpoint) {
                    let stored = stored.map_or("nothing".to_owned(), |stored| stored.to_string());
                    let what = match row.kind {
                        RowKind::Insert | RowKind::Update => "changed",
                        RowKind::Delete => "deleted",
                    };
                    let what = format!(
                        "row {} of {table} was {what} at {}, the checkpoint of {cf} is {checkpoint}, \
                         and downstream is {stored}",
                        row.key, row.commit
                    );
                    return Err(("data", what));
                }
            }
        }
        Ok(())
    }

    /// Whether a node runs a maintainer of a changefeed.
    fn maintains(&self, node: NodeId, cf: ChangefeedId) -> bool {
        self.sim.machines().any(|(addr, actor)| match actor {
            Actor::Maintainers(all) => {
                let up = self.sim.is_up(self.sim.host_of(addr));
                up && addr.node() == Some(node) && all.registered(cf).is_some()
            }
            _ => false,
        })
    }

    /// `row`: the last change up to the checkpoint.
    fn is_fed(&self, cf: ChangefeedId, table: TableId, row: Row, checkpoint: Ts) -> bool {
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

    /// What a changefeed waits for, in the model's terms.
    fn why(&self, cf: ChangefeedId) -> String {
        let mut reasons = Vec::new();
        for (addr, actor) in self.sim.machines().filter(|(addr, _)| self.sim.is_up(self.sim.host_of(*addr))) {
            match (addr, actor) {
                (Addr::Node(node, Place::Coordinator), Actor::Coordinator(one)) if one.leads() => {
                    reasons.push(match one.placement(cf) {
                        _ if !one.is_initialized() => {
                            format!("the coordinator on {node} has not bootstrapped")
                        }
                        Some((Some(at), how)) => format!("the coordinator on {node} has it {how} on {at}"),
                        Some((None, how)) => format!("the coordinator on {node} has it {how}"),
                        None => format!("the coordinator on {node} does not know it"),
                    });
                }
                (Addr::Node(node, Place::Maintainers), Actor::Maintainers(all)) => {
                    let Some(one) = all.registered(cf) else { continue };
                    let (epoch, silent) = (one.epoch(), one.silent().map(|node| node.to_string()));
                    let silent: Vec<String> = silent.collect();
                    reasons.push(if !silent.is_empty() {
                        format!("its maintainer on {node} ({epoch}) waits for a bootstrap answer of {}", silent.join(", "))
                    } else if !one.is_trigger_active() {
                        format!("its maintainer on {node} ({epoch}) waits for its table trigger")
                    } else {
                        let missing = one.replicas().filter(|(.., at)| at.is_none()).count();
                        let operators = one.operators();
                        format!("its maintainer on {node} ({epoch}) has {missing} spans to place, {operators} operators")
                    });
                }
                (Addr::Node(node, Place::Dispatchers), Actor::Dispatchers(all)) => {
                    let managers = all.managers().filter(|manager| manager.changefeed() == cf);
                    let owners = managers.filter_map(|manager| manager.owner().node);
                    let strange = owners.filter(|owner| !self.maintains(*owner, cf));
                    reasons.extend(strange.map(|owner| {
                        format!(
                            "the dispatcher manager on {node} reports to {owner}, where nobody maintains it"
                        )
                    }));
                }
                _ => {}
            }
        }
        if reasons.is_empty() { "nobody coordinates or maintains it".to_owned() } else { reasons.join("; ") }
    }
}
