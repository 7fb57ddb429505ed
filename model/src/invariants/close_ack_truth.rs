//! When a node tells a maintainer that a changefeed is closed there, nobody of that generation or an earlier one goes on writing it.
//!
//! For pingcap/ticdc#5106, #5435 and everything else that says it is through when it is not: the coordinator gives the changefeed to
//! another node then. A manager goes on writing as long as it has dispatchers that get events, workers with rows, or an active table
//! trigger. One that began after the answer was sent is another matter, and so is one of a later generation: a close that
//! is not for it is answered, and not carried out. Reported once per run.

use std::collections::{BTreeMap, BTreeSet};

use sim::{Input, StepId, What};

use crate::{
    Actor, Addr, ChangefeedId, Epoch, Msg, NodeId, Place, Record, Sim,
    dispatchers::ManagerId,
    invariants::{Invariant, Named, Sight, Sort, Violation},
    maintainer::Inbox,
};

const NAME: &str = "close_ack_truth";

pub(super) const NAMED: Named = Named {
    name: NAME,
    promise: "who is told that a changefeed is closed on a node is not wrong: nobody of that generation writes there",
    bugs: &["#5106", "#5202", "#5435", "#4825"],
    aspects: &[(
        "",
        "a maintainer was told that a changefeed was closed on a node, and a manager there might still write",
    )],
    sight: Sight::of(&[Sort::Maintainers]).news(&[Sort::Dispatchers, Sort::Rows]),
    make: || Box::new(CloseAckTruth::default()),
};

#[derive(Default)]
pub(super) struct CloseAckTruth {
    nodes: BTreeMap<NodeId, Writing>,
    reported: bool,
}

/// The managers of a node that may write.
#[derive(Default)]
struct Writing {
    /// The revision of the node at which that was looked up.
    revision: u64,
    /// Since when each of them does.
    since: BTreeMap<ManagerId, StepId>,
}

impl Invariant for CloseAckTruth {
    fn observe(&mut self, sim: &Sim, record: &Record, found: &mut Vec<Violation>) {
        match &record.what {
            What::Step { actor: Addr::Node(node, Place::Dispatchers), .. } => {
                self.look_at(*node, sim, record.id);
            }
            What::Step {
                actor: Addr::Node(_, Place::Maintainers),
                input:
                    Input::Message {
                        from,
                        msg: Msg::Maintainers(Inbox::MaintainerCloseResponse { cf, success: true, epoch }),
                    },
            } if !self.reported => {
                let Some(node) = from.node() else { return };
                let sent = record.cause.unwrap_or(record.id);
                if let Some((manager, since)) = self.writer(sim, node, (*cf, *epoch), sent) {
                    self.reported = true;
                    let what = format!(
                        "{node} says that {cf} is closed there, and its manager {manager} may write what it replicates"
                    );
                    let because = vec![since, sent, record.id];
                    found.push(Violation { invariant: NAME, aspect: "", what, because });
                }
            }
            // Whoever is down does not write.
            What::Fault(_) => self.nodes.retain(|node, _| {
                let addr = Addr::Node(*node, Place::Dispatchers);
                sim.machines().any(|(present, _)| present == addr) && sim.is_up(sim.host_of(addr))
            }),
            _ => {}
        }
    }
}

impl CloseAckTruth {
    fn look_at(&mut self, node: NodeId, sim: &Sim, step: StepId) {
        let Actor::Dispatchers(all) = sim.machine(Addr::Node(node, Place::Dispatchers)) else { return };
        let writing = self.nodes.entry(node).or_default();
        if std::mem::replace(&mut writing.revision, all.revision()) == all.revision() {
            return;
        }
        let now: BTreeSet<ManagerId> =
            all.managers().filter(|one| one.goes_on_writing()).map(|one| one.id()).collect();
        writing.since.retain(|manager, _| now.contains(manager));
        for manager in now {
            writing.since.entry(manager).or_insert(step);
        }
    }

    /// A manager that writes now and did when something was sent, of a generation or an earlier one.
    fn writer(
        &self,
        sim: &Sim,
        node: NodeId,
        (cf, epoch): (ChangefeedId, Epoch),
        sent: StepId,
    ) -> Option<(ManagerId, StepId)> {
        let since = &self.nodes.get(&node)?.since;
        let Actor::Dispatchers(all) = sim.machine(Addr::Node(node, Place::Dispatchers)) else { return None };
        let its = all.managers().filter(|one| one.changefeed() == cf && one.owner().epoch <= epoch);
        let mut writers = its.filter(|one| one.goes_on_writing());
        writers.find_map(|one| {
            let since = *since.get(&one.id())?;
            (since <= sent).then_some((one.id(), since))
        })
    }
}
