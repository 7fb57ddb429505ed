//! What the actors of one process share without messages: its memory.

use std::{collections::BTreeSet, fmt, sync::Arc};

use sim::{Cut, Duration, HostId, Now};

use crate::{
    Addr, ChangefeedConfig, DispatcherId, History, Msg, NodeId, Out, Policy,
    etcd::LeaseId,
    ids::Place,
    messages::{self, Targets},
    node,
    vocabulary::words,
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

impl Liveness {
    /// The next step, if there is one; there is no way back and no skipping.
    fn next(self) -> Option<Liveness> {
        match self {
            Liveness::Alive => Some(Liveness::Draining),
            Liveness::Draining => Some(Liveness::Stopping),
            Liveness::Stopping => None,
        }
    }
}

/// The shared memory of a process of TiCDC.
#[derive(Clone, Debug)]
pub struct Process {
    /// Which process it is.
    pub id: NodeId,
    /// The version it runs.
    pub policy: Arc<Policy>,
    /// The version that the next process of its machine runs, if that is another one.
    pub upgrade: Option<Arc<Policy>>,
    /// What the schema store and the event service know of the upstream.
    pub history: Arc<History>,
    /// How its changefeeds are configured: what every request that carries a configuration says.
    pub config: ChangefeedConfig,
    /// How it is configured.
    pub settings: Settings,
    /// The host of etcd; before it come those of the nodes.
    pub etcd: HostId,
    /// Whether it takes part.
    pub liveness: Liveness,
    /// The lease of its session.
    pub(crate) lease: Option<LeaseId>,
    /// Dispatcher ids made so far.
    ids: u32,
    view: BTreeSet<NodeId>,
    /// The targets of its message centre.
    pub(crate) targets: Targets,
}

/// The configuration of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `capture-session-ttl`, as it is written.
    pub session_ttl: Duration,
    /// How long modules that are not modelled take to end, at least and at most: log puller, schema store, event store.
    pub modules: (Duration, Duration),
    /// Whether one more message of a node that is no target any more may slip through.
    pub extra_one_after_removal: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        let modules = (Duration::ZERO, Duration::ZERO);
        Settings { session_ttl: Duration::from_secs(10), modules, extra_one_after_removal: true }
    }
}

impl Settings {
    /// How long a session lives without being renewed. A value below 5 s is replaced.
    pub(crate) fn session_ttl(&self) -> Duration {
        if self.session_ttl < Duration::from_secs(5) {
            Settings::default().session_ttl
        } else {
            self.session_ttl
        }
    }
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
        let (view, targets) = (BTreeSet::new(), Targets::default());
        let (config, settings, etcd) = (ChangefeedConfig::default(), Settings::default(), HostId(u16::MAX));
        let liveness = Liveness::Alive;
        let upgrade = None;
        let lease = None;
        Process {
            id,
            policy,
            upgrade,
            history,
            config,
            settings,
            etcd,
            liveness,
            lease,
            ids: 0,
            view,
            targets,
        }
    }

    /// An id that no other dispatcher has.
    pub(crate) fn fresh_id(&mut self) -> DispatcherId {
        self.ids += 1;
        DispatcherId { maker: self.id, n: self.ids }
    }

    /// The nodes that this process takes for alive.
    pub fn view(&self) -> &BTreeSet<NodeId> {
        &self.view
    }

    /// The targets of its message centre, as lines.
    pub fn targets(&self) -> impl fmt::Display {
        &self.targets
    }

    /// A process that already knows these nodes, for driving a part of it by hand.
    pub fn see(&mut self, nodes: impl IntoIterator<Item = NodeId>) {
        self.view = nodes.into_iter().collect();
        self.targets.connect_by_hand(self.view.iter().copied().filter(|node| *node != self.id));
    }

    /// The view changes.
    pub fn set_view(&mut self, view: BTreeSet<NodeId>) {
        self.view = view;
    }

    /// Stores a liveness if it is the next one; whether it is stored.
    pub fn store_liveness(&mut self, liveness: Liveness) -> bool {
        let is_next = self.liveness.next() == Some(liveness);
        if is_next {
            self.liveness = liveness;
        }
        is_next
    }

    /// The process dies, and another one with another id will start from nothing.
    pub(crate) fn restart(&mut self) {
        let id = NodeId { slot: self.id.slot, life: self.id.life + 1 };
        let (config, settings, etcd) = (self.config.clone(), self.settings, self.etcd);
        let policy = self.upgrade.as_ref().unwrap_or(&self.policy).clone();
        *self = Process { config, settings, etcd, ..Process::new(id, policy, self.history.clone()) };
    }

    /// Links to another host are cut: what a part of the process hears of it.
    pub(crate) fn disturbed(&self, peer: HostId, mode: Cut) -> Option<(Addr, Msg)> {
        let (at, reset) = (|place| Addr::Node(self.id, place), mode == Cut::Reset);
        if peer == self.etcd {
            return Some((at(Place::Server), node::Inbox::EtcdDisturbed { reset }.into()));
        }
        let slot = u8::try_from(peer.0 + 1).ok().filter(|_| reset && peer < self.etcd)?;
        let peer = NodeId { slot, life: 0 };
        Some((at(Place::Messages), messages::Inbox::ConnectionReset { peer }.into()))
    }

    /// Whether the process takes a message that comes over the network. Connections are made between machines; only
    /// their handshakes name processes.
    #[inline]
    pub(crate) fn admit(&mut self, now: Now, from: Addr, to: Addr, msg: &Msg) -> Result<(), &'static str> {
        if from == Addr::Upstream || matches!(msg, Msg::Messages(_)) {
            return Ok(());
        }
        if to.node() != Some(self.id) {
            return Err("it is for an earlier process");
        }
        match from.node() {
            // What users ask goes past the message centre.
            Some(_) if matches!(msg, Msg::Server(_)) => Ok(()),
            None => Ok(()),
            Some(node) => self.targets.admit(now.steady, node),
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

    /// Sends through the message centre. What is for this process itself passes no link.
    pub(crate) fn send(&mut self, node: NodeId, place: Place, msg: impl Into<Msg>) {
        let to = Addr::Node(node, place);
        if node == self.process.id || self.process.targets.is_up(node) {
            return self.out.send(to, msg.into());
        }
        self.send_without_stream(node, to, msg.into());
    }

    /// Calls another part of this process.
    pub(crate) fn tell(&mut self, place: Place, msg: impl Into<Msg>) {
        self.out.send(self.here(place), msg.into());
    }

    /// Puts things in the order in which a Go map is visited.
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T], site: &'static str) {
        for n in (1..items.len()).rev() {
            items.swap(n, self.out.choose(site, n + 1));
        }
    }

    pub(crate) fn note(&mut self, note: impl Into<crate::Note>) {
        self.out.note(note.into());
    }
}

words! {
    Liveness { Alive => "alive", Draining => "draining", Stopping => "stopping" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn liveness_moves_one_step_at_a_time_and_never_back() {
        use Liveness::{Alive, Draining, Stopping};
        let next = [Alive, Draining, Stopping].map(Liveness::next);
        assert_eq!(next, [Some(Draining), Some(Stopping), None]);
    }
}
