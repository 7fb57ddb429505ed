//! A node that has fenced itself starts no new write, and neither does a manager that a fence stops.
//!
//! For pingcap/ticdc#5202: after a node has lost its session, others may write what it wrote. A statement that was sent
//! before may still run. Three things are reported separately, each once per run:
//!
//! * *manager*: a transaction leaves a manager after a fence has closed the first of its dispatchers. (Between the step that
//!   closes the write path and the one that cancels the context, a worker may still take one, in every version.)
//! * *node*: a transaction leaves a node after the fence of all its managers has come to its end.
//! * *late*: two seconds after a node was told to fence itself, one of its managers may still write. A fence that takes longer is
//!   none.

use std::collections::{BTreeMap, BTreeSet};

use sim::{Duration, Input, Instant, StepId, What};

use crate::{
    Actor, Addr, ChangefeedId, DispatcherId, Msg, NodeId, Note, Place, Record, Sim, Span,
    dispatchers::{Inbox, Note as Said},
    invariants::{Invariant, Violation},
};

pub(super) const NAME: &str = "no_write_after_fence";

/// So long after a node was told to fence itself, nothing may leave it any more.
const LATE: Duration = Duration::from_secs(2);

/// How far the fence of a manager is.
#[derive(Clone, Copy, Debug)]
enum Fence {
    /// Its write path is closed.
    Begun(StepId),
    /// The first of its dispatchers is closed as well. The step is that of the beginning.
    Closing(StepId),
}

#[derive(Default)]
pub(super) struct NoWriteAfterFence {
    /// When a node was told to fence itself.
    nodes: BTreeMap<NodeId, (StepId, Instant)>,
    managers: BTreeMap<(NodeId, ChangefeedId), Fence>,
    reported: BTreeSet<&'static str>,
}

impl Invariant for NoWriteAfterFence {
    fn observe(&mut self, sim: &Sim, record: &Record, found: &mut Vec<Violation>) {
        let What::Step { actor: Addr::Node(node, Place::Dispatchers), input } = &record.what else { return };
        let node = *node;
        if let Input::Message { msg: Msg::Dispatchers(Inbox::LocalFence), .. } = input {
            self.nodes.entry(node).or_insert((record.id, record.at));
        }
        self.look_whether_late(node, sim, record, found);
        for note in &record.notes {
            let Note::Dispatchers(note) = note else { continue };
            match note {
                Said::WritePathClosed { cf, fenced: true, .. } => {
                    self.managers.insert((node, *cf), Fence::Begun(record.id));
                }
                Said::DispatcherUnregistered { cf, .. } => {
                    if let Some(fence) = self.managers.get_mut(&(node, *cf))
                        && let Fence::Begun(step) = *fence
                    {
                        *fence = Fence::Closing(step);
                    }
                }
                // One that could not be built had fenced itself; this is its successor.
                Said::ManagerCreated { cf, .. } => {
                    self.managers.remove(&(node, *cf));
                }
                Said::WriteStarted { cf, id, span, .. } => {
                    let fence = self.fence_of(node, *cf, sim);
                    self.started(node, (*cf, *id, *span), fence, record.id, found);
                }
                _ => {}
            }
        }
    }
}

impl NoWriteAfterFence {
    /// Which fence forbids a write of a changefeed on a node, and when it began.
    fn fence_of(&self, node: NodeId, cf: ChangefeedId, sim: &Sim) -> Option<(&'static str, StepId)> {
        if let Some((fence, _)) = self.nodes.get(&node)
            && let Actor::Dispatchers(all) = sim.machine(Addr::Node(node, Place::Dispatchers))
            && all.is_fenced()
        {
            return Some(("node", *fence));
        }
        match self.managers.get(&(node, cf)) {
            Some(Fence::Closing(fence)) => Some(("manager", *fence)),
            Some(Fence::Begun(_)) | None => None,
        }
    }

    /// A fence should have come to its end by now.
    fn look_whether_late(&mut self, node: NodeId, sim: &Sim, record: &Record, found: &mut Vec<Violation>) {
        if let Some((fence, since)) = self.nodes.get(&node)
            && record.at.since(*since) > LATE
            && let Actor::Dispatchers(all) = sim.machine(Addr::Node(node, Place::Dispatchers))
            && let Some(manager) = all.managers().find(|manager| manager.may_write())
            && self.reported.insert("late")
        {
            let what = format!(
                "{LATE} after {node} was told to fence itself, its manager of {} may write",
                manager.changefeed()
            );
            found.push(Violation { invariant: NAME, aspect: "late", what, because: vec![*fence, record.id] });
        }
    }

    fn started(
        &mut self,
        node: NodeId,
        (cf, id, span): (ChangefeedId, DispatcherId, Span),
        fence: Option<(&'static str, StepId)>,
        step: StepId,
        found: &mut Vec<Violation>,
    ) {
        let Some((aspect, fence)) = fence else { return };
        if self.reported.insert(aspect) {
            let when = if aspect == "node" { "has fenced itself" } else { "fences its manager" };
            let what = format!("{id} writes {span} of {cf} on {node}, which {when}");
            found.push(Violation { invariant: NAME, aspect, what, because: vec![fence, step] });
        }
    }
}
