//! A request of a changefeed waits only for its own changefeed, and for those that share its queue on purpose.
//!
//! For pingcap/ticdc#5139, and for the draft pingcap/ticdc#5182, where a handler waited for one manager with the lock of all
//! managers in its hand. That a lock is held for some steps is no harm; here its holder waits itself, for another lock or for
//! the downstream, so that one slow manager holds up changefeeds that have nothing to do with it. Three things are reported
//! separately, each once per run:
//!
//! * *lock*: the request waits for a lock;
//! * *queue*: it waits in a queue behind the other changefeed's request. Changefeeds whose hash puts them into one of the
//!   eight queues hold up each other in every version, which is not reported;
//! * *operators*: what a coordinator hears waits for the lock of its operators while an epoch is persisted for one that is not
//!   even admitted (the first form of pingcap/ticdc#5182). That the last action of an operator holds the lock is so in every version.

use std::collections::BTreeSet;

use sim::{StepId, What};

use crate::{
    Actor, Addr, Place, Record, Sim,
    dispatchers::Resource,
    invariants::{
        Invariant, Named, Sight, Sort, Violation,
        no_lock_forever::{Seen, changed},
    },
};

const NAME: &str = "no_head_of_line";

pub(super) const NAMED: Named = Named {
    name: NAME,
    promise: "a slow changefeed holds up only itself, and those that share its queue on purpose",
    bugs: &["#5139", "#5052", "#5182", "#3962"],
    aspects: &[
        ("lock", "a request waits for a lock whose holder works for another changefeed, and waits itself"),
        (
            "queue",
            "a request waits behind one of another changefeed that does not share its queue on purpose",
        ),
        ("operators", "what a coordinator hears waits until the epoch of a changefeed is persisted"),
    ],
    sight: Sight::of(&[Sort::Coordinator, Sort::Dispatchers]),
    make: || Box::new(NoHeadOfLine::default()),
};

#[derive(Default)]
pub(super) struct NoHeadOfLine {
    nodes: Seen,
    reported: BTreeSet<&'static str>,
}

impl Invariant for NoHeadOfLine {
    fn observe(&mut self, sim: &Sim, record: &Record, found: &mut Vec<Violation>) {
        self.look_at_coordinator(sim, record, found);
        let Some((node, all, holders)) = changed(&mut self.nodes, sim, record) else { return };
        for one in all.held_up() {
            let aspect = if let Resource::Shard(_) = one.resource { "queue" } else { "lock" };
            if self.reported.insert(aspect) {
                let (resource, cf, other) = (one.resource.name(), one.cf, one.by_cf);
                let what = format!(
                    "a request of {cf} on {node} waits for the {resource}, which a request of {other} has that waits \
                     itself"
                );
                let taken = holders.get(&one.resource).map(|(_, step)| *step);
                let because: Vec<StepId> = taken.into_iter().chain([record.id]).collect();
                found.push(Violation { invariant: NAME, aspect, what, because });
            }
        }
    }
}

impl NoHeadOfLine {
    fn look_at_coordinator(&mut self, sim: &Sim, record: &Record, found: &mut Vec<Violation>) {
        if let What::Step { actor: at @ Addr::Node(_, Place::Coordinator), .. } = &record.what
            && !self.reported.contains("operators")
            && let Actor::Coordinator(one) = sim.machine(*at)
            && let Some(cf) = one.held_up_by()
        {
            self.reported.insert("operators");
            let what = format!("what {at} hears waits until an epoch of {cf} is persisted");
            let because = vec![record.id];
            found.push(Violation { invariant: NAME, aspect: "operators", what, because });
        }
    }
}
