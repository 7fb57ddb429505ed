//! No lock is held by a handler that has ended: whoever waits for it would wait for ever.
//!
//! For the early returns of pingcap/ticdc#5435 that forget the fence mutex (pingcap/ticdc#5436). Reported separately for
//! each kind of lock, each once per run. Some versions forget the fence mutex; the lock of the maps and the mutex of the write path
//! none does, so that only a fault of the model could bring that about.

use std::collections::{BTreeMap, BTreeSet};

use sim::{Input, StepId, What};

use crate::{
    Actor, Addr, Msg, NodeId, Place, Record, Sim, Timer,
    dispatchers::{self, Dispatchers, Resource},
    invariants::{Invariant, Named, Sight, Sort, Violation},
    sink,
    tasks::TaskId,
};

const NAME: &str = "no_lock_forever";

pub(super) const NAMED: Named = Named {
    name: NAME,
    promise: "no lock is held by a handler that has ended",
    bugs: &["#5435", "#5436"],
    aspects: &[
        ("lock of the maps", "a handler ended with the lock of the orchestrator's maps in its hand"),
        ("fence mutex", "a handler ended with the fence mutex of a manager in its hand"),
        ("mutex of the write path", "a handler ended with the mutex of a manager's write path in its hand"),
    ],
    sight: Sight::of(&[Sort::Dispatchers]),
    make: || Box::new(NoLockForever::default()),
};

/// Who holds the locks of a node, and since when that is known.
pub(super) type Holders = BTreeMap<Resource, (TaskId, StepId)>;

/// What was last seen of each node, by its slot: the process, its traffic, and who holds its locks.
pub(super) type Seen = Vec<(u8, u64, Holders)>;

#[derive(Default)]
pub(super) struct NoLockForever {
    nodes: Seen,
    reported: BTreeSet<&'static str>,
}

impl Invariant for NoLockForever {
    fn observe(&mut self, sim: &Sim, record: &Record, found: &mut Vec<Violation>) {
        let Some((node, all, holders)) = changed(&mut self.nodes, sim, record) else { return };
        for (resource, _, ended) in all.held() {
            let aspect = resource.name();
            if ended && self.reported.insert(aspect) {
                let of = all.changefeed_of(resource).map_or(String::new(), |cf| format!(" of {cf}"));
                let what = format!("a handler on {node} has ended with the {aspect}{of} in its hand");
                let taken = holders.get(&resource).map(|(_, step)| *step);
                let because = taken.into_iter().chain([record.id]).collect();
                found.push(Violation { invariant: NAME, aspect, what, because });
            }
        }
    }
}

/// Whether an input lets a handler take a step, and not only a dispatcher.
fn runs_a_handler(input: &Input<Actor>) -> bool {
    use dispatchers::Timer::{Shard, Stream, Task};
    match input {
        Input::Message { msg: Msg::Dispatchers(dispatchers::Inbox::Resolved { .. }), .. }
        | Input::Message { msg: Msg::SinkReply(sink::Reply::Committed { .. }), .. } => false,
        Input::Alarm(Timer::Dispatchers(timer)) => {
            matches!(timer, Task { .. } | Shard { .. } | Stream { .. })
        }
        Input::Start | Input::Message { .. } | Input::Alarm(_) | Input::Command(_) => true,
    }
}

/// The dispatchers of a node, if it may have changed in this step who holds or waits for what; and since when each lock
/// is held.
pub(super) fn changed<'a>(
    nodes: &'a mut Seen,
    sim: &'a Sim,
    record: &Record,
) -> Option<(NodeId, &'a Dispatchers, &'a Holders)> {
    let What::Step { actor: Addr::Node(node, Place::Dispatchers), input } = &record.what else { return None };
    let node = *node;
    if !runs_a_handler(input) {
        return None;
    }
    let Actor::Dispatchers(all) = sim.machine(Addr::Node(node, Place::Dispatchers)) else { return None };
    let slot = usize::from(node.slot);
    if nodes.len() <= slot {
        nodes.resize_with(slot + 1, Default::default);
    }
    let (life, traffic, holders) = &mut nodes[slot];
    if *life == node.life && *traffic == all.traffic() {
        return None;
    }
    if std::mem::replace(life, node.life) != node.life {
        holders.clear();
    }
    *traffic = all.traffic();
    let held: Vec<(Resource, TaskId)> = all.held().map(|(resource, holder, _)| (resource, holder)).collect();
    holders.retain(|resource, (holder, _)| held.contains(&(*resource, *holder)));
    for (resource, holder) in held {
        holders.entry(resource).or_insert((holder, record.id));
    }
    Some((node, all, holders))
}
