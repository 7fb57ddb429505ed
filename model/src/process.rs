//! What the actors of one process share without messages: its memory.

use std::{collections::BTreeSet, fmt, sync::Arc};

use sim::Now;

use crate::{
    Addr, ChangefeedConfig, DispatcherId, History, Msg, NodeId, Out, Policy, ids::Place, vocabulary::say,
};

/// Whether a node takes part. It only moves forward, one step at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Liveness {
    /// It campaigns and takes work.
    Alive,
    /// It does not campaign; it still takes maintainers.
    Draining,
    /// It takes no maintainers either.
    Stopping,
}

/// The shared memory of a process of TiCDC.
#[derive(Clone, Debug)]
pub struct Process {
    /// Which process it is.
    pub id: NodeId,
    /// The version it runs.
    pub policy: Arc<Policy>,
    /// What the schema store and the event service know of the upstream.
    pub history: Arc<History>,
    /// How its changefeeds are configured: what every request that carries a configuration says.
    pub config: ChangefeedConfig,
    /// Whether it takes part.
    pub liveness: Liveness,
    /// Dispatcher ids made so far.
    ids: u32,
    view: BTreeSet<NodeId>,
    /// Nodes that have left the view, from which one more message may slip through.
    slips: BTreeSet<NodeId>,
}

/// The shared memory of a host.
#[derive(Clone, Debug)]
pub enum Shared {
    /// A node's.
    Node(Box<Process>),
    /// A service of one actor needs none.
    Service,
}

/// What an actor of a node works with during one step.
pub(crate) struct Cx<'a> {
    pub(crate) now: Now,
    pub(crate) process: &'a mut Process,
    pub(crate) out: &'a mut Out,
}

impl Process {
    /// A process that has just started and knows nobody.
    pub fn new(id: NodeId, policy: Arc<Policy>, history: Arc<History>) -> Process {
        let (view, slips) = (BTreeSet::new(), BTreeSet::new());
        let (config, liveness) = (ChangefeedConfig::default(), Liveness::Alive);
        Process { id, policy, history, config, liveness, ids: 0, view, slips }
    }

    /// An id that no other dispatcher has.
    pub(crate) fn fresh_id(&mut self) -> DispatcherId {
        self.ids += 1;
        DispatcherId { maker: self.id, n: self.ids }
    }

    /// The nodes that this process takes for alive: the targets of its message centre.
    pub fn view(&self) -> &BTreeSet<NodeId> {
        &self.view
    }

    /// A process that already knows these nodes, for driving a part of it by hand.
    pub fn see(&mut self, nodes: impl IntoIterator<Item = NodeId>) {
        self.set_view(nodes.into_iter().collect());
    }

    /// The view changes; message targets follow.
    ///
    /// After a node has left, the receive loop that is about to block once more may still let one message through. That
    /// is so at the accepting end of the link, which is the node with the larger address.
    pub(crate) fn set_view(&mut self, view: BTreeSet<NodeId>) {
        let gone = self.view.difference(&view).copied();
        self.slips.extend(gone.filter(|gone| gone.slot < self.id.slot));
        self.slips.retain(|slip| !view.contains(slip));
        self.view = view;
    }

    /// The next step of liveness; there is no way back and no skipping.
    pub(crate) fn wind_down(&mut self) {
        self.liveness = match self.liveness {
            Liveness::Alive => Liveness::Draining,
            Liveness::Draining | Liveness::Stopping => Liveness::Stopping,
        };
    }

    /// The process dies, and another one with another id will start from nothing.
    pub(crate) fn restart(&mut self) {
        let id = NodeId { slot: self.id.slot, life: self.id.life + 1 };
        let config = self.config.clone();
        *self = Process { config, ..Process::new(id, self.policy.clone(), self.history.clone()) };
    }

    /// Whether the message centre takes a message that comes over the network.
    ///
    /// A handshake names the process it is meant for, and streams from nodes that are not in the view are refused.
    pub(crate) fn admit(&mut self, from: Addr, to: Addr) -> Result<(), &'static str> {
        if from == Addr::Upstream {
            return Ok(());
        }
        if to.node() != Some(self.id) {
            return Err("it is for an earlier process");
        }
        match from.node() {
            None => Ok(()),
            Some(node) if self.view.contains(&node) => Ok(()),
            Some(node) if self.slips.remove(&node) => Ok(()),
            Some(_) => Err("its sender is no known node"),
        }
    }
}

impl Cx<'_> {
    pub(crate) fn id(&self) -> NodeId {
        self.process.id
    }

    pub(crate) fn policy(&self) -> &Policy {
        &self.process.policy
    }

    /// The address of a part of this process.
    pub(crate) fn here(&self, place: Place) -> Addr {
        Addr::Node(self.process.id, place)
    }

    /// Sends through the message centre. To an unknown node it is an error that callers only log: the message is lost,
    /// and whoever needs it sends it again.
    pub(crate) fn send(&mut self, node: NodeId, place: Place, msg: impl Into<Msg>) {
        if node == self.process.id || self.process.view.contains(&node) {
            self.out.send(Addr::Node(node, place), msg.into());
        }
    }

    /// Calls another part of this process.
    pub(crate) fn tell(&mut self, place: Place, msg: impl Into<Msg>) {
        self.out.send(self.here(place), msg.into());
    }

    pub(crate) fn note(&mut self, note: impl Into<crate::Note>) {
        self.out.note(note.into());
    }
}

say!(Liveness);

impl fmt::Display for Liveness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Liveness::Alive => "alive",
            Liveness::Draining => "draining",
            Liveness::Stopping => "stopping",
        })
    }
}
