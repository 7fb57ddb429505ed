//! After the calm, every changefeed is still there, every span has exactly one working dispatcher, the checkpoint moves, and
//! what it promises is downstream.
//!
//! For pingcap/ticdc#5179, #3411 and everything else that leaves a table without a writer, or a changefeed stuck.

use sim::{Fault, StepId, What};

use crate::{
    Actor, Addr, ChangefeedId, Mode, NodeId, Place, Record, Sim, Span, TableId, Ts,
    dispatchers::ComponentState,
    etcd::{Key, Value},
    invariants::{
        Invariant, Named, Violation,
        kept::{Kept, Persisted},
        services::Services,
    },
};

const NAME: &str = "downstream_is_fed";

pub(super) const NAMED: Named = Named {
    name: NAME,
    promise: "after the calm every span has one working dispatcher, and the downstream is what the upstream was",
    bugs: &["#5179", "#3411", "#4115", "#3952", "#5710"],
    aspects: &[
        ("data", "in the end a row that was changed before the checkpoint is not downstream"),
        ("changefeed", "a changefeed is gone from etcd though nobody asked to remove it"),
        ("coverage", "after the calm a table is not covered by working dispatchers exactly once"),
        (
            "checkpoint",
            "the persisted checkpoint does not stand past the calm; the message says who waits for what",
        ),
    ],
    make: || Box::new(DownstreamIsFed::default()),
};

#[derive(Default)]
pub(super) struct DownstreamIsFed {
    /// When the calm began.
    calm: Option<(StepId, Ts)>,
    kept: Kept,
}

impl Invariant for DownstreamIsFed {
    fn observe(&mut self, sim: &Sim, record: &Record, _: &mut Vec<Violation>) {
        self.kept.observe(sim, record, |_, _| {});
        if let What::Fault(Fault::Calm) = &record.what {
            self.calm = Some((record.id, Ts::at(record.at)));
        }
    }

    fn settled(&mut self, sim: &Sim, found: &mut Vec<Violation>) {
        let Some(end) = Services::of(sim) else { return };
        for (cf, persisted) in self.kept.iter() {
            if let Err((aspect, what)) = self.check(&end, cf, persisted) {
                let because = self.calm.iter().map(|(step, _)| *step).collect();
                found.push(Violation { invariant: NAME, aspect, what, because });
            }
        }
    }
}

/// What is wrong: which part of the promise, and how.
type Wrong = (&'static str, String);

impl DownstreamIsFed {
    fn check(&self, end: &Services, cf: ChangefeedId, known: Persisted) -> Result<(), Wrong> {
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
        end.equal(cf, known.from, checkpoint).map_err(|what| ("data", what))
    }
}

impl Services<'_> {
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
