//! Targets: the other nodes, as the message centre knows them. Every message that is sent to a node or comes from one
//! passes here, without the centre's goroutine.

use std::{collections::VecDeque, fmt};

use sim::{Instant, Kind as _};

use crate::{Addr, Cx, Msg, NodeId, messages::Note};

/// So many messages wait for a stream at most.
const CAPACITY: usize = 16_384;

/// The targets of a process.
#[derive(Clone, Debug, Default)]
pub(crate) struct Targets {
    targets: Vec<Target>,
    /// Nodes that are no targets any more, of whose stream one more message may be read: at the accepting end the
    /// receive loop looks only between two messages whether it is to end.
    slips: Vec<NodeId>,
}

/// One target.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) node: NodeId,
    pub(super) link: Link,
    /// What was sent and has not left, in order.
    kept: VecDeque<Letter>,
    /// When something was heard of it last.
    pub(super) heard: Instant,
}

/// How it is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    /// There are no streams: what is sent fails.
    Down,
    /// A connection is being made: what is sent fails.
    Dialling { connection: u32 },
    /// Streams are being made: what is sent is taken, and waits.
    Handshaking { connection: u32 },
    /// What is sent leaves.
    Up { connection: u32 },
    /// The streams have failed, and the target does not tell: what is sent is taken, and waits for other streams. The
    /// initiator finds out within a second; the other end waits until it is connected again.
    Failed,
}

#[derive(Clone, Debug)]
struct Letter {
    from: Addr,
    to: Addr,
    msg: Msg,
}

impl Target {
    /// The connection that it has, or is about to have.
    pub(super) fn connection(&self) -> Option<u32> {
        match self.link {
            Link::Dialling { connection } | Link::Handshaking { connection } | Link::Up { connection } => {
                Some(connection)
            }
            Link::Down | Link::Failed => None,
        }
    }

    /// What has been taken by streams that did not come about is lost.
    pub(super) fn forget(&mut self) {
        self.kept.clear();
    }
}

impl Targets {
    /// Whether what is sent to a node leaves at once.
    #[inline]
    pub(crate) fn is_up(&self, node: NodeId) -> bool {
        self.get(node).is_some_and(|target| matches!(target.link, Link::Up { .. }))
    }

    #[inline]
    pub(super) fn get(&self, node: NodeId) -> Option<&Target> {
        self.targets.iter().find(|target| target.node == node)
    }

    pub(super) fn get_mut(&mut self, node: NodeId) -> Option<&mut Target> {
        self.targets.iter_mut().find(|target| target.node == node)
    }

    /// The target on a machine that has this connection.
    pub(super) fn on(&mut self, slot: u8, connection: u32) -> Option<&mut Target> {
        let mut targets = self.targets.iter_mut();
        targets.find(|target| target.node.slot == slot && target.connection() == Some(connection))
    }

    pub(super) fn nodes(&self) -> Vec<NodeId> {
        self.targets.iter().map(|target| target.node).collect()
    }

    /// The targets on a machine that have a connection.
    pub(super) fn connected_with(&self, slot: u8) -> Vec<NodeId> {
        let on_it = self.targets.iter().filter(|target| target.node.slot == slot);
        on_it.filter(|target| target.connection().is_some()).map(|target| target.node).collect()
    }

    pub(super) fn add(&mut self, node: NodeId, now: Instant) {
        self.slips.retain(|slip| *slip != node);
        self.targets.push(Target { node, link: Link::Down, kept: VecDeque::new(), heard: now });
    }

    /// A node is no target any more; what waits for it is lost. One more message of it may slip through.
    pub(super) fn remove(&mut self, node: NodeId, slips: bool) {
        self.targets.retain(|target| target.node != node);
        if slips {
            self.slips.push(node);
        }
    }

    /// A connection has broken. Returns what it was, if there was one.
    pub(super) fn fail(&mut self, node: NodeId, initiator: bool) -> Option<Link> {
        self.slips.retain(|slip| slip.slot != node.slot);
        let target = self.get_mut(node)?;
        let was = target.link;
        target.link = match was {
            Link::Down | Link::Failed => return None,
            Link::Dialling { .. } => Link::Down,
            Link::Handshaking { .. } | Link::Up { .. } => Link::Failed,
        };
        if initiator && matches!(was, Link::Handshaking { .. }) {
            target.forget();
        }
        Some(was)
    }

    /// Lets a process know nodes as if it had been connected with them for long, for driving a part of it by hand.
    pub(crate) fn connect_by_hand(&mut self, nodes: impl Iterator<Item = NodeId>) {
        self.targets.clear();
        for node in nodes {
            self.add(node, Instant::START);
            if let Some(target) = self.get_mut(node) {
                target.link = Link::Up { connection: 0 };
            }
        }
    }

    /// Whether a message that comes from a node is read.
    #[inline]
    pub(crate) fn admit(&mut self, now: Instant, node: NodeId) -> Result<(), &'static str> {
        match self.get_mut(node) {
            Some(Target { link: Link::Up { .. } | Link::Handshaking { .. }, heard, .. }) => {
                *heard = now;
                Ok(())
            }
            Some(_) => Err("there is no stream of its sender"),
            None => self.admit_slip(node),
        }
    }

    #[cold]
    fn admit_slip(&mut self, node: NodeId) -> Result<(), &'static str> {
        let slip = self.slips.iter().position(|slip| *slip == node);
        slip.map(|slip| self.slips.remove(slip)).map(|_| ()).ok_or("its sender is no known node")
    }

    /// Something that is no message has been heard of a node.
    pub(super) fn hear(&mut self, now: Instant, node: NodeId) {
        if let Some(target) = self.get_mut(node) {
            target.heard = now;
        }
    }
}

impl Cx<'_> {
    /// Sends to a node whose stream does not simply take it. An error is only logged by callers on this side: the
    /// message is lost, and whoever needs it sends it again.
    #[cold]
    pub(crate) fn send_without_stream(&mut self, node: NodeId, to: Addr, msg: Msg) {
        let from = self.out.me();
        let why = match self.process.targets.get_mut(node) {
            None => "there is no such target",
            Some(Target { link: Link::Down | Link::Dialling { .. }, .. }) => "the streams are not ready",
            Some(target) if target.kept.len() >= CAPACITY => "it is congested",
            Some(target) => return target.kept.push_back(Letter { from, to, msg }),
        };
        self.note(Note::NotSent { to: node, what: Msg::name(msg.kind()), why });
    }

    /// The streams of a target work: what has waited leaves, in order.
    pub(super) fn send_what_waits(&mut self, node: NodeId) {
        let me = self.id();
        let Some(target) = self.process.targets.get_mut(node) else { return };
        let kept = std::mem::take(&mut target.kept);
        if let Ok(messages) = u32::try_from(kept.len())
            && messages > 0
        {
            self.note(Note::SentLate { node: me, peer: node, messages });
        }
        for Letter { from, to, msg } in kept {
            self.out.send_as(from, to, msg);
        }
    }
}

impl fmt::Display for Targets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Target { node, link, kept, .. } in &self.targets {
            write!(f, "target {node} {link}")?;
            if !kept.is_empty() {
                write!(f, " keeps={}", kept.len())?;
            }
            f.write_str("\n")?;
        }
        self.slips.iter().try_for_each(|node| writeln!(f, "slips {node}"))
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Link::Down => f.write_str("down"),
            Link::Dialling { connection } => write!(f, "dialling connection={connection}"),
            Link::Handshaking { connection } => write!(f, "handshaking connection={connection}"),
            Link::Up { connection } => write!(f, "up connection={connection}"),
            Link::Failed => f.write_str("failed"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use sim::{Duration, Effect, Now};

    use super::*;
    use crate::{Actor, Place, Policy, Process, Workload, maintainer, upstream::History};

    const ME: NodeId = NodeId { slot: 2, life: 0 };
    const PEER: NodeId = NodeId { slot: 3, life: 0 };

    /// n2's maintainers send to n3, so many times as the link goes through these states; what is told and leaves.
    fn told(links: &[(Link, usize)]) -> String {
        let policy = Arc::new(Policy::named("master").expect("a preset"));
        let workload = Workload { until: Duration::ZERO, ..Workload::default() };
        let history = Arc::new(History::draw(&workload, sim::Seed(1)));
        let mut process = Process::new(ME, policy, history);
        let mut out = sim::Outbox::<Actor>::by_hand(Addr::Node(ME, Place::Maintainers));
        process.targets.add(PEER, Instant::START);
        let now = Now { steady: Instant::START, wall: Instant::START };
        let mut text = String::new();
        for (link, messages) in links {
            let mut cx = Cx { now, process: &mut process, out: &mut out };
            if let Some(target) = cx.process.targets.get_mut(PEER) {
                target.link = *link;
            }
            if let Link::Up { .. } = link {
                cx.send_what_waits(PEER);
            }
            for _ in 0..*messages {
                cx.send(PEER, Place::Maintainers, maintainer::Inbox::NodesChanged);
            }
            let (effects, notes) = out.take();
            let sent = effects.iter().filter(|effect| matches!(effect, Effect::Send { .. })).count();
            text += &format!("{link}: {sent} of {messages} leave\n");
            let notes: Vec<String> = notes.iter().map(ToString::to_string).collect();
            for same in notes.chunk_by(|one, other| one == other) {
                text += &format!("  {} times {}\n", same.len(), same[0]);
            }
        }
        text
    }

    #[test]
    fn what_is_sent_while_there_are_no_streams_is_lost() {
        let connection = 1;
        let text = told(&[(Link::Down, 1), (Link::Dialling { connection }, 2), (Link::Up { connection }, 1)]);
        insta::assert_snapshot!(text, @"
        down: 0 of 1 leave
          1 times NotSent n3 `NodesChanged` `the streams are not ready`
        dialling connection=1: 0 of 2 leave
          2 times NotSent n3 `NodesChanged` `the streams are not ready`
        up connection=1: 1 of 1 leave
        ");
    }

    #[test]
    fn what_is_sent_into_streams_that_have_failed_or_begin_waits_for_others() {
        let connection = 1;
        let up = Link::Up { connection };
        let text = told(&[(up, 1), (Link::Failed, 3), (Link::Handshaking { connection }, 2), (up, 1)]);
        insta::assert_snapshot!(text, @"
        up connection=1: 1 of 1 leave
        failed: 0 of 3 leave
        handshaking connection=1: 0 of 2 leave
        up connection=1: 6 of 1 leave
          1 times SentLate n2 n3 messages=5
        ");
    }

    #[test]
    fn a_buffer_that_is_full_drops() {
        let text = told(&[(Link::Failed, CAPACITY + 2), (Link::Up { connection: 1 }, 0)]);
        insta::assert_snapshot!(text, @"
        failed: 0 of 16386 leave
          2 times NotSent n3 `NodesChanged` `it is congested`
        up connection=1: 16384 of 0 leave
          1 times SentLate n2 n3 messages=16384
        ");
    }
}
