//! What the maintainer manager knows of its node: its liveness, and from which node the dispatchers are to move away.
//!
//! Both come from the coordinator, and node heartbeats tell it how far they have got.

use sim::{Duration, Instant, Now};

use crate::{
    Cx, Liveness, Mode, NodeId, Place,
    coordinator::{self, DrainOrder, DrainProgress},
    maintainer::{Maintainer, Maintainers, Note},
};

const HEARTBEAT_EVERY: Duration = Duration::from_secs(5);

#[derive(Clone, Debug, Default)]
pub(super) struct NodeState {
    /// When the process started, by its wall clock, in nanoseconds.
    started: u64,
    /// The node that dispatchers are to leave.
    drain: Option<DrainOrder>,
    heartbeat_at: Option<Instant>,
}

impl NodeState {
    pub(super) fn start(&mut self, now: Now) {
        self.started = now.wall.nanos();
    }

    /// Which process this is. Zero would be one that nobody knows.
    fn epoch(&self) -> u64 {
        self.started.max(1)
    }

    pub(super) fn drain_order(&self) -> Option<DrainOrder> {
        self.drain
    }

    pub(super) fn is_heartbeat_due(&self, now: Instant) -> bool {
        self.heartbeat_at.is_none_or(|at| now.since(at) >= HEARTBEAT_EVERY)
    }

    /// Whether an order is taken: a later one, or one that takes the same one back.
    fn take(&mut self, order: DrainOrder) -> bool {
        let taken = match self.drain {
            None => order.target_epoch > 0,
            Some(known) if order.target_epoch == known.target_epoch => {
                order.target.is_none() && known.target.is_some()
            }
            Some(known) => order.target_epoch > known.target_epoch,
        };
        if taken {
            self.drain = Some(order);
        }
        taken
    }
}

impl Maintainers {
    /// Whether this version knows of coordinators that drain nodes.
    pub(super) fn can_be_drained(&self, cx: &Cx) -> bool {
        cx.policy().maintainer.drain.is_known()
    }

    /// Tells the coordinator, if there is one.
    pub(super) fn send_node_heartbeat(&mut self, cx: &mut Cx) {
        let Some(coordinator) = self.manager.reports_to().filter(|_| self.can_be_drained(cx)) else { return };
        let node = &mut self.manager.node;
        node.heartbeat_at = Some(cx.now.steady);
        let heartbeat = coordinator::Inbox::NodeHeartbeat {
            liveness: cx.process.liveness,
            node_epoch: node.epoch(),
            drain: node.drain,
        };
        cx.send(coordinator, Place::Coordinator, heartbeat);
    }

    /// The node is to take less part than it does. It is told how far it goes in any case.
    pub(super) fn on_liveness(&mut self, from: NodeId, target: Liveness, node_epoch: u64, cx: &mut Cx) {
        if !self.manager.obeys(from) {
            return;
        }
        if node_epoch != self.manager.node.epoch() {
            cx.note(Note::LivenessRefused { node_epoch, current: self.manager.node.epoch() });
        } else if target > cx.process.liveness && cx.process.store_liveness(target) {
            self.send_node_heartbeat(cx);
        }
        let (applied, node_epoch) = (cx.process.liveness, self.manager.node.epoch());
        let response = coordinator::Inbox::SetNodeLivenessResponse { applied, node_epoch };
        cx.send(from, Place::Coordinator, response);
    }

    /// Dispatchers are to leave a node, or may stay again. The node heartbeat is the answer, also to an old order.
    pub(super) fn on_drain_order(&mut self, from: NodeId, order: DrainOrder, cx: &mut Cx) {
        if !self.manager.obeys(from) {
            return;
        }
        if self.manager.node.take(order) {
            for (id, maintainer) in &mut self.maintainers {
                if self.manager.registered(maintainer.changefeed()) == Some(*id) {
                    maintainer.set_drain_order(Some(order), cx);
                }
            }
        }
        self.send_node_heartbeat(cx);
    }
}

impl Maintainer {
    pub(super) fn set_drain_order(&mut self, order: Option<DrainOrder>, cx: &mut Cx) {
        self.drain = order;
        self.mark_dirty();
        for mode in [Mode::Default, Mode::Redo] {
            self.in_mode(mode, |m| m.wake_drain(cx));
        }
    }

    /// The node that dispatchers are to leave.
    pub(super) fn drained(&self) -> Option<NodeId> {
        self.drain.filter(|order| order.target_epoch > 0)?.target
    }

    /// How far its dispatchers have left the node that they are to leave.
    pub(super) fn drain_progress(&self) -> Option<DrainProgress> {
        let target = self.drained()?;
        let target_epoch = self.drain?.target_epoch;
        let spans = u32::try_from(
            self.spans.count_on(target) + self.twin.as_ref().map_or(0, |twin| twin.spans.count_on(target)),
        )
        .unwrap_or(u32::MAX);
        let moves = u32::try_from(
            self.operators.moving_from(target)
                + self.twin.as_ref().map_or(0, |twin| twin.operators.moving_from(target)),
        )
        .unwrap_or(u32::MAX);
        Some(DrainProgress { target, target_epoch, spans, moves })
    }
}
