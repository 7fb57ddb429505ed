//! Draining: a node is to be left by all maintainers and dispatchers, so that it can be stopped without anybody noticing.
//!
//! A user asks for it again and again, until the answer is that nothing is left. The first call opens a session, of which
//! there is one at a time: every node is told which node is drained, and gets new maintainers only when it has said that it
//! knows. The node itself goes from Alive to Draining, and when it is empty to Stopping. The session ends when the node leaves
//! the cluster; then all are told that the order is void, and again each has to say that it knows. Nothing of this is
//! persisted: what a successor finds of it at the nodes it clears.

mod facts;
mod poll;
mod scheduler;
mod session;

use std::collections::BTreeMap;

use crate::{
    Cx, Liveness, NodeId, Place,
    coordinator::{DrainOrder, Term},
    maintainer,
};
use facts::{Capability, Facts, State};
pub(super) use poll::Step;
use scheduler::Rounds;
use session::{Clear, Session};

/// What a term knows about draining.
#[derive(Clone, Debug, Default)]
pub(super) struct Drain {
    facts: Facts,
    session: Option<Session>,
    /// The order that is being taken back.
    clear: Option<Clear>,
    /// The node whose session ended when nothing was left on it.
    completed: Option<NodeId>,
    /// Nobody gets maintainers: some node is drained, and by whose order is not known.
    frozen: bool,
    /// The largest number of an order that a node has told, and of one that was given.
    observed: u64,
    generated: u64,
    /// What orders nodes have told of in their bootstrap responses, until the bootstrap has ended.
    told: BTreeMap<NodeId, Option<DrainOrder>>,
    /// Whether the orders that were found at the bootstrap are to be taken back.
    recovered: bool,
    rounds: Rounds,
}

impl Term {
    /// The nodes that may be given maintainers now: they are alive, and know which node is being drained, if one is.
    pub(super) fn destinations(&self, cx: &Cx) -> impl Iterator<Item = NodeId> + use<> {
        let all = cx.process.view().iter().copied();
        let may: Vec<NodeId> = all.filter(|node| self.drain.is_destination(*node, cx)).collect();
        may.into_iter()
    }

    /// The nodes that are known to leave the cluster soon. While there are any, nothing is moved for balance.
    pub(super) fn draining_nodes(&self, cx: &Cx) -> Vec<NodeId> {
        self.drain.facts.leaving(cx.now.steady)
    }

    /// How a node is doing. Every node tells this, also before the bootstrap has ended.
    pub(super) fn on_node_heartbeat(
        &mut self,
        from: NodeId,
        (liveness, node_epoch): (Liveness, u64),
        order: Option<DrainOrder>,
        cx: &mut Cx,
    ) {
        self.observe(from, liveness, node_epoch, cx);
        if let Some(session) = &mut self.drain.session
            && from != session.target
            && self.drain.facts.epoch(from) == Some(node_epoch)
            && order == Some(session.order())
        {
            session.acked.insert(from, node_epoch);
        }
        if self.observe_order(from, order, cx) {
            self.broadcast_drain(true, cx);
        }
        self.sync_freeze(cx);
    }

    pub(super) fn on_liveness_response(
        &mut self,
        from: NodeId,
        liveness: Liveness,
        node_epoch: u64,
        cx: &mut Cx,
    ) {
        self.observe(from, liveness, node_epoch, cx);
        self.sync_freeze(cx);
    }

    fn observe(&mut self, from: NodeId, liveness: Liveness, node_epoch: u64, cx: &mut Cx) {
        let is_new_process = self.drain.facts.observe(from, liveness, node_epoch, cx.now.steady);
        if is_new_process && let Some(session) = &mut self.drain.session {
            session.acked.remove(&from);
        }
        if liveness > Liveness::Alive {
            self.wake_drain_scheduler(cx);
        }
    }

    /// A node has answered the bootstrap, and told thereby whether it can be drained.
    pub(super) fn drain_on_bootstrap_response(
        &mut self,
        from: NodeId,
        order: Option<DrainOrder>,
        legacy: bool,
    ) {
        let capability = if legacy { Capability::Legacy } else { Capability::Drains };
        self.drain.facts.tells_capability(from, capability);
        if !self.initialized {
            self.drain.told.insert(from, order);
        }
    }

    /// The same, when the bootstrapper has taken the response.
    pub(super) fn drain_after_bootstrap_response(
        &mut self,
        from: NodeId,
        order: Option<DrainOrder>,
        cx: &mut Cx,
    ) {
        let tracked = self.bootstrapper.is_initialized(from);
        if tracked && (self.sync_late_node(from, cx) || self.observe_order(from, order, cx)) {
            self.broadcast_drain(true, cx);
        }
    }

    /// The period event: what has not been done yet is asked for again.
    pub(super) fn drain_ticks(&mut self, cx: &mut Cx) {
        self.advance_liveness(cx);
        self.broadcast_drain(false, cx);
    }

    /// The node of the session is told to take less part, until it does.
    fn advance_liveness(&mut self, cx: &mut Cx) {
        self.sync_freeze(cx);
        let Some(session) = self.drain.session.as_ref().filter(|_| self.initialized) else { return };
        let target = session.target;
        let known = self.drain.facts.of(target);
        if !known.requested {
            return;
        }
        if !known.draining {
            self.send_draining(target, cx);
        } else if !known.stopping && self.look_at_drain(target, cx).is_empty() {
            self.send_stopping(target, cx);
        }
    }

    fn send_draining(&mut self, node: NodeId, cx: &mut Cx) {
        if let Some(node_epoch) = self.drain.facts.may_send_draining(node, cx.now.steady) {
            self.send_liveness(node, Liveness::Draining, node_epoch, cx);
        }
    }

    /// With the epoch of the process that has said that it drains, so that its successor is not stopped.
    fn send_stopping(&mut self, node: NodeId, cx: &mut Cx) {
        if let Some(node_epoch) = self.drain.facts.may_send_stopping(node, cx.now.steady) {
            self.send_liveness(node, Liveness::Stopping, node_epoch, cx);
        }
    }

    fn send_liveness(&self, node: NodeId, target: Liveness, node_epoch: u64, cx: &mut Cx) {
        let request = maintainer::Inbox::SetNodeLivenessRequest { target, node_epoch };
        cx.send(node, Place::Maintainers, request);
    }

    /// Whether maintainers are given to nobody: some node is known to drain, and there is no session. A term that has just
    /// begun does not know what its predecessor was doing.
    pub(super) fn sync_freeze(&mut self, cx: &Cx) {
        self.drain.frozen = self.drain.session.is_none()
            && cx.policy().coordinator.drain_freeze.is_observed()
            && !self.drain.facts.leaving(cx.now.steady).is_empty();
    }

    /// Whether the event loop, at its next event, will ask what operators there are.
    pub(super) fn drain_asks_for_operators(&self) -> bool {
        self.initialized && self.drain.session.is_some()
    }
}

impl Drain {
    fn is_destination(&self, node: NodeId, cx: &Cx) -> bool {
        let alive = self.facts.state(node, cx.now.steady) == State::Alive;
        let clears = self.clear.as_ref().is_some_and(|clear| clear.pending.contains(&node));
        let knows = match &self.session {
            None => true,
            Some(session) if session.target == node => false,
            Some(session) => {
                let epoch = self.facts.epoch(node);
                epoch.is_some() && session.acked.get(&node).copied() == epoch
            }
        };
        !self.frozen && alive && !clears && knows
    }
}
