//! After the calm, every span has exactly one working dispatcher, and the downstream is what the upstream was at the
//! checkpoint.
//!
//! For pingcap/ticdc#5179, #3411 and everything else that leaves a table without a writer, or a checkpoint ahead of
//! what was written.

use std::collections::BTreeMap;

use sim::{Fault, StepId, What};

use crate::{
    Actor, Addr, ChangefeedId, NodeId, Place, Record, Row, RowKind, Sim, Span, TableId, Ts,
    dispatchers::ComponentState,
    etcd::{Etcd, Key, Value},
    invariants::{Invariant, Violation},
    sink::Sink,
    upstream::Upstream,
};

pub(super) const NAME: &str = "downstream_is_fed";

#[derive(Default)]
pub(super) struct DownstreamIsFed {
    /// When the calm began.
    calm: Option<(StepId, Ts)>,
}

/// The services, as they are in the end.
struct End<'a> {
    sim: &'a Sim,
    etcd: &'a Etcd,
    upstream: &'a Upstream,
    sink: &'a Sink,
}

impl Invariant for DownstreamIsFed {
    fn observe(&mut self, _: &Sim, record: &Record, _: &mut Vec<Violation>) {
        if let What::Fault(Fault::Calm) = record.what {
            self.calm = Some((record.id, Ts::at(record.at)));
        }
    }

    fn settled(&mut self, sim: &Sim, found: &mut Vec<Violation>) {
        let (Actor::Etcd(etcd), Actor::Upstream(upstream), Actor::Sink(sink)) =
            (sim.machine(Addr::Etcd), sim.machine(Addr::Upstream), sim.machine(Addr::Sink))
        else {
            return;
        };
        let end = End { sim, etcd, upstream, sink };
        for cf in (1..).map(ChangefeedId).map_while(|cf| end.etcd.get(Key::Info(cf)).map(|_| cf)) {
            if let Err((aspect, what)) = self.check(&end, cf) {
                let because = self.calm.iter().map(|(step, _)| *step).collect();
                found.push(Violation { invariant: NAME, aspect, what, because });
            }
        }
    }
}

/// What is wrong: which part of the promise, and how.
type Wrong = (&'static str, String);

impl DownstreamIsFed {
    fn check(&self, end: &End, cf: ChangefeedId) -> Result<(), Wrong> {
        let Some(checkpoint) = end.checkpoint(cf) else { return Ok(()) };
        for table in end.upstream.history().tables_at(checkpoint) {
            end.one_writer(cf, table)?;
        }
        if let Some((_, calm)) = self.calm
            && checkpoint <= calm
        {
            let what = format!("the checkpoint of {cf} stands at {checkpoint}, not past the calm at {calm}");
            return Err(("checkpoint", format!("{what}; {}", end.why(cf))));
        }
        end.equal(cf, checkpoint)
    }
}

impl End<'_> {
    /// The persisted checkpoint of a changefeed that is to run.
    fn checkpoint(&self, cf: ChangefeedId) -> Option<Ts> {
        let (info, job) = (self.etcd.get(Key::Info(cf))?, self.etcd.get(Key::Job(cf))?);
        match (&info.value, &job.value) {
            (Value::Info(info), Value::Job(job)) if info.state.should_run() => Some(job.checkpoint),
            _ => None,
        }
    }

    fn dispatchers(&self) -> impl Iterator<Item = (NodeId, &crate::dispatchers::Dispatchers)> {
        self.sim.machines().filter_map(|(addr, actor)| match actor {
            Actor::Dispatchers(all) if self.sim.is_up(self.sim.host_of(addr)) => Some((addr.node()?, &**all)),
            _ => None,
        })
    }

    /// The working dispatchers of a table cover it exactly.
    fn one_writer(&self, cf: ChangefeedId, table: TableId) -> Result<(), Wrong> {
        let mut working: Vec<(Span, String)> = Vec::new();
        for (node, all) in self.dispatchers() {
            for manager in all.managers().filter(|manager| manager.changefeed() == cf) {
                let here = manager.dispatchers().filter(|one| one.span().table == table);
                let here = here.filter(|one| one.state() == ComponentState::Working);
                working.extend(here.map(|one| (one.span(), format!("{} on {node}", one.id()))));
            }
        }
        working.sort();
        let mut covered = 0;
        for (span, who) in &working {
            if span.from != covered {
                let others: Vec<&str> = working.iter().map(|(_, who)| who.as_str()).collect();
                let what = format!(
                    "the working dispatchers of {table} of {cf} do not cover it once: {}",
                    others.join(", ")
                );
                let _ = who;
                return Err(("coverage", what));
            }
            covered = span.to;
        }
        if covered != Span::KEYS {
            return Err(("coverage", format!("{table} of {cf} has no working dispatcher; {}", self.why(cf))));
        }
        Ok(())
    }

    /// Every row is downstream as it was at the checkpoint, or later. A log has its last change up to there at least once.
    fn equal(&self, cf: ChangefeedId, checkpoint: Ts) -> Result<(), Wrong> {
        let history = self.upstream.history();
        for table in history.tables_at(checkpoint) {
            let mut expected: BTreeMap<u32, Row> = BTreeMap::new();
            for row in history.rows(table, Ts::NONE, checkpoint) {
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
