//! A dispatcher manager that has been fenced, or is being closed, gets no new dispatcher.
//!
//! For pingcap/ticdc#5106: what took long to build may be published when its manager has ended meanwhile. Those who close it
//! have seen to its dispatchers already, so nobody takes the new one away again: it gets events until the process ends.
//! Reported once per run.

use std::collections::BTreeMap;

use sim::What;

use crate::{
    Actor, Addr, DispatcherId, NodeId, Note, Place, Record, Sim,
    dispatchers::{ManagerId, Note as Said},
    invariants::{Invariant, Named, Sight, Sort, Violation},
};

const NAME: &str = "closed_stays_closed";

pub(super) const NAMED: Named = Named {
    name: NAME,
    promise: "a dispatcher manager that has been fenced, or is being closed, gets no new dispatcher",
    bugs: &["#5106", "#5202"],
    aspects: &[("", "a dispatcher began in a manager that was to write nothing any more")],
    sight: Sight::of(&[]).news(&[Sort::Dispatchers, Sort::Rows]),
    make: || Box::new(ClosedStaysClosed::default()),
};

#[derive(Default)]
pub(super) struct ClosedStaysClosed {
    /// The managers that had a dispatcher when one of its id was created last, with the numbers of its insertions.
    known: BTreeMap<(NodeId, DispatcherId), Vec<(ManagerId, u64)>>,
    reported: bool,
}

impl Invariant for ClosedStaysClosed {
    fn observe(&mut self, sim: &Sim, record: &Record, found: &mut Vec<Violation>) {
        let What::Step { actor: addr @ Addr::Node(node, Place::Dispatchers), .. } = &record.what else {
            return;
        };
        for note in &record.notes {
            if let Note::Dispatchers(Said::DispatcherCreated { cf, id, span, .. }) = note
                && let Actor::Dispatchers(all) = sim.machine(*addr)
            {
                let known = self.known.entry((*node, *id)).or_default();
                let ended = all.holders(*id).any(|(dm, seq, ended)| ended && !known.contains(&(dm, seq)));
                *known = all.holders(*id).map(|(dm, seq, _)| (dm, seq)).collect();
                if !ended || std::mem::replace(&mut self.reported, true) {
                    continue;
                }
                let what = format!("{id} for {span} begins on {node}, where the manager of {cf} has ended");
                found.push(Violation { invariant: NAME, aspect: "", what, because: vec![record.id] });
            }
        }
    }
}
