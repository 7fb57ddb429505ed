//! A request of another owner or generation that is refused changes nothing.
//!
//! What a refusal leaves behind comes to light later, when nobody looks for it: a changefeed that counts as closed though its
//! manager is there (review of pingcap/ticdc#5435), a merge that the next maintainer is told of (review of
//! pingcap/ticdc#3769). So the state of the manager before such a request is compared with that after it, by digests of its
//! parts (`dispatchers::Foreign`): when it arrives, and in the step that refuses it. Reported separately, each once per run:
//! *manager* (any part of it), *closed epoch* (what the orchestrator remembers of the end of the changefeed) and *takeover* (a
//! bootstrap is answered with an error because of a table trigger, and in the step before it the manager has begun to follow
//! its sender; review of pingcap/ticdc#5436).

use std::collections::BTreeMap;

use sim::{StepId, What};

use crate::{
    Actor, Addr, ChangefeedId, Epoch, NodeId, Note, Place, Record, Sim,
    dispatchers::{Foreign, Note as Said},
    invariants::{Invariant, Named, Sight, Sort, Told, Violation},
};

const NAME: &str = "inertness";

pub(super) const NAMED: Named = Named {
    name: NAME,
    promise: "a request of another owner or generation that is refused changes nothing",
    bugs: &["#5435", "#5436", "#3769", "#5179"],
    aspects: &[
        (MANAGER, "a node refused a request as stale, and a part of its manager was not as before"),
        (CLOSED_EPOCH, "the same, and the changefeed counted as closed, or no longer did"),
        (
            TAKEOVER,
            "a node refused a bootstrap because of a table trigger, and its manager had begun to follow who sent it",
        ),
    ],
    sight: Sight::of(&[Sort::Dispatchers]).news(&[Sort::Rows]),
    make: || Box::new(Inertness::default()),
};
const MANAGER: &str = "manager";
const CLOSED_EPOCH: &str = "closed epoch";
const TAKEOVER: &str = "takeover";

/// Whose requests they are, at which node.
type Sender = (NodeId, ChangefeedId, NodeId, Epoch);

#[derive(Default)]
pub(super) struct Inertness {
    /// The last step in which a request changed something when it arrived, before anybody had looked whose it was; and what.
    arrived: BTreeMap<Sender, (StepId, &'static str)>,
    /// The step in which a manager has last got an owner, and which.
    taken: BTreeMap<(NodeId, ChangefeedId), (StepId, NodeId)>,
    told: Told,
}

impl Invariant for Inertness {
    fn observe(&mut self, sim: &Sim, record: &Record, found: &mut Vec<Violation>) {
        let What::Step { actor: addr @ Addr::Node(node, Place::Dispatchers), .. } = &record.what else {
            return;
        };
        let Actor::Dispatchers(all) = sim.machine(*addr) else { return };
        for foreign in all.foreign().iter().filter(|foreign| foreign.arrives) {
            if let Some(part) = foreign.changed {
                self.arrived.insert(sender_of(*node, foreign), (record.id, part));
            }
        }
        for note in &record.notes {
            match note {
                Note::Dispatchers(Said::StaleRefused { cf, from, epoch, .. }) => {
                    let sender = (*node, *cf, *from, *epoch);
                    let mut here = all.foreign().iter().filter(|foreign| sender_of(*node, foreign) == sender);
                    let here = here.find_map(|foreign| Some((record.id, foreign.changed?)));
                    if let Some((step, part)) = here.or_else(|| self.arrived.get(&sender).copied()) {
                        let aspect = if part == CLOSED_EPOCH { CLOSED_EPOCH } else { MANAGER };
                        let what =
                            format!("{node} refuses a request of {from} for {cf}, and changes its {part}");
                        self.told.once(NAME, aspect, what, because(step, record.id), found);
                    }
                }
                Note::Dispatchers(Said::OwnerChanged { cf, owner, epoch, .. }) => {
                    // What it has asked for before is its right now.
                    self.arrived.remove(&(*node, *cf, *owner, *epoch));
                    self.taken.insert((*node, *cf), (record.id, *owner));
                }
                Note::Dispatchers(Said::TakeoverRefused { cf, from, why }) => {
                    let taken = self.taken.get(&(*node, *cf)).copied();
                    // The step that goes on with a handler is caused by the one in which it stood aside.
                    if let Some((step, owner)) = taken
                        && Some(step) == record.cause
                        && owner == *from
                    {
                        let what = format!("{node} refuses {from} for {cf} (`{why}`), and follows it");
                        self.told.once(NAME, TAKEOVER, what, because(step, record.id), found);
                    }
                }
                _ => {}
            }
        }
    }
}

/// The steps to blame.
fn because(change: StepId, refusal: StepId) -> Vec<StepId> {
    if change == refusal { vec![refusal] } else { vec![change, refusal] }
}

fn sender_of(node: NodeId, foreign: &Foreign) -> Sender {
    (node, foreign.cf, foreign.from, foreign.epoch)
}
