//! What the coordinator knows of nodes that may be drained: what they have said of themselves, and what they were told.
//!
//! A node counts as unknown when it has said nothing for 30 s, and as alive when it never has: then its version does not tell.

use std::collections::BTreeMap;

use sim::{Duration, Instant};

use crate::{Liveness, NodeId};

/// How long what a node says of itself holds.
const HOLDS: Duration = Duration::from_secs(30);
/// How soon an order to take less part may be given again.
const RESEND: Duration = Duration::from_secs(1);

/// Whether a node takes part, as far as is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Alive,
    Draining,
    Stopping,
    /// It has not been heard of for a while.
    Unknown,
}

/// Whether a node takes part when another one, or it itself, is drained. It tells in its answer to the bootstrap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Capability {
    #[default]
    Unknown,
    /// It is of a version in which no coordinator drains nodes, and does not know the messages.
    Legacy,
    Drains,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    nodes: BTreeMap<NodeId, Fact>,
}

/// What is known of one node.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Fact {
    /// Whether it can be drained.
    pub(super) capability: Capability,
    /// It is to be drained.
    pub(super) requested: bool,
    /// It has said that it drains, and that it stops.
    pub(super) draining: bool,
    pub(super) stopping: bool,
    draining_sent: Option<Instant>,
    stopping_sent: Option<Instant>,
    seen: Option<Seen>,
}

/// What it said last, and which process of it that was.
#[derive(Clone, Copy, Debug)]
struct Seen {
    at: Instant,
    epoch: u64,
    liveness: Liveness,
}

impl Facts {
    pub(super) fn of(&self, node: NodeId) -> Fact {
        self.nodes.get(&node).copied().unwrap_or_default()
    }

    pub(super) fn tells_capability(&mut self, node: NodeId, capability: Capability) {
        self.nodes.entry(node).or_default().capability = capability;
    }

    /// Whether a node can be drained, for all that is known.
    pub(super) fn drains(&self, node: NodeId) -> bool {
        self.of(node).capability == Capability::Drains
    }

    pub(super) fn request(&mut self, node: NodeId) {
        self.nodes.entry(node).or_default().requested = true;
    }

    /// The node has left the cluster.
    pub(super) fn forget(&mut self, node: NodeId) {
        self.nodes.remove(&node);
    }

    /// What a node says of itself; whether another process says it than before. What comes out of order is ignored.
    pub(super) fn observe(&mut self, node: NodeId, liveness: Liveness, epoch: u64, now: Instant) -> bool {
        let fact = self.nodes.entry(node).or_default();
        let is_new_process = fact.seen.is_some_and(|seen| seen.epoch < epoch);
        if fact.seen.is_some_and(|seen| (epoch, liveness) < (seen.epoch, seen.liveness)) {
            return false;
        }
        if is_new_process {
            *fact = Fact { requested: fact.requested, ..Fact::default() };
        }
        fact.seen = Some(Seen { at: now, epoch, liveness });
        fact.requested |= liveness >= Liveness::Draining;
        fact.draining |= liveness >= Liveness::Draining;
        fact.stopping |= liveness == Liveness::Stopping;
        is_new_process
    }

    /// Which process of a node has been heard.
    pub(super) fn epoch(&self, node: NodeId) -> Option<u64> {
        self.of(node).seen.map(|seen| seen.epoch)
    }

    pub(super) fn state(&self, node: NodeId, now: Instant) -> State {
        match self.of(node).seen {
            None => State::Alive,
            Some(seen) if now.since(seen.at) > HOLDS => State::Unknown,
            Some(seen) => match seen.liveness {
                Liveness::Alive => State::Alive,
                Liveness::Draining => State::Draining,
                Liveness::Stopping => State::Stopping,
            },
        }
    }

    /// The nodes that drain or stop.
    pub(super) fn leaving(&self, now: Instant) -> Vec<NodeId> {
        let leaves = |node: &NodeId| matches!(self.state(*node, now), State::Draining | State::Stopping);
        self.nodes.keys().copied().filter(leaves).collect()
    }

    /// With which epoch a node is to be told to drain, if it is time to; zero if no process of it is known. Counts as told.
    pub(super) fn may_send_draining(&mut self, node: NodeId, now: Instant) -> Option<u64> {
        let fact = self.nodes.entry(node).or_default();
        if fact.draining || is_too_soon(fact.draining_sent, now) {
            return None;
        }
        fact.draining_sent = Some(now);
        Some(fact.seen.map_or(0, |seen| seen.epoch))
    }

    /// With which epoch a node is to be told to stop, if it has said that it drains. Counts as told.
    pub(super) fn may_send_stopping(&mut self, node: NodeId, now: Instant) -> Option<u64> {
        let fact = self.nodes.entry(node).or_default();
        let seen = fact.seen.filter(|_| fact.requested && fact.draining && !fact.stopping)?;
        if is_too_soon(fact.stopping_sent, now) {
            return None;
        }
        fact.stopping_sent = Some(now);
        Some(seen.epoch)
    }
}

fn is_too_soon(sent: Option<Instant>, now: Instant) -> bool {
    sent.is_some_and(|sent| now.since(sent) < RESEND)
}
