//! Nodes and managers that have fenced themselves, and write (pingcap/ticdc#5202).

use std::collections::BTreeMap;

use sim::{Duration, Input, Instant, StepId, What};

use crate::{
    Actor, Addr, ChangefeedId, DispatcherId, Msg, NodeId, Note, Place, Record, Sim, Span,
    dispatchers::{Inbox, Note as Said},
    invariants::no_write_after_stop::Wrong,
};

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
pub(super) struct Fences {
    /// When a node was told to fence itself.
    nodes: BTreeMap<NodeId, (StepId, Instant)>,
    managers: BTreeMap<(NodeId, ChangefeedId), Fence>,
}

impl Fences {
    pub(super) fn observe(&mut self, sim: &Sim, record: &Record, report: &mut impl FnMut(Wrong)) {
        let What::Step { actor: Addr::Node(node, Place::Dispatchers), input } = &record.what else { return };
        let node = *node;
        if let Input::Message { msg: Msg::Dispatchers(Inbox::LocalFence), .. } = input {
            self.nodes.entry(node).or_insert((record.id, record.at));
        }
        self.look_whether_late(node, sim, record, report);
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
                    started(node, (*cf, *id, *span), fence, record.id, report);
                }
                _ => {}
            }
        }
    }

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
    fn look_whether_late(&self, node: NodeId, sim: &Sim, record: &Record, report: &mut impl FnMut(Wrong)) {
        if let Some((fence, since)) = self.nodes.get(&node)
            && record.at.since(*since) > LATE
            && let Actor::Dispatchers(all) = sim.machine(Addr::Node(node, Place::Dispatchers))
            && let Some(manager) = all.managers().find(|manager| manager.may_write())
        {
            let what = format!(
                "{LATE} after {node} was told to fence itself, its manager of {} may write",
                manager.changefeed()
            );
            report(("late", what, vec![*fence, record.id]));
        }
    }
}

fn started(
    node: NodeId,
    (cf, id, span): (ChangefeedId, DispatcherId, Span),
    fence: Option<(&'static str, StepId)>,
    step: StepId,
    report: &mut impl FnMut(Wrong),
) {
    let Some((aspect, fence)) = fence else { return };
    let when = if aspect == "node" { "has fenced itself" } else { "fences its manager" };
    let what = format!("{id} writes {span} of {cf} on {node}, which {when}");
    report((aspect, what, vec![fence, step]));
}
