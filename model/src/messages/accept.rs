//! The other side: connections that nodes with smaller addresses make.

use sim::Duration;

use crate::{
    Addr, Cx, NodeId, Place,
    messages::{Inbox, Messages, Note, Timer, initiates, target::Link, tell},
};

/// How often it is looked whether the node behind a handshake is known, and how long after each other. The real pauses
/// are between 10 and 100 ms, so that the tries are used up long before their limit of 10 s.
const TRIES: u32 = 10;
const BETWEEN_TRIES: Duration = Duration::from_millis(75);
/// How soon the loops of a stream look again whether the other stream of a new target is there.
const STREAMS_CHECK: Duration = Duration::from_millis(500);

/// A handshake of a node that is not known yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    pub(super) node: NodeId,
    pub(super) connection: u32,
    pub(super) tries: u32,
}

impl Messages {
    pub(super) fn on_dial(&mut self, from: NodeId, connection: u32, cx: &mut Cx) {
        let answer = if self.serving { Inbox::Dialled { connection } } else { Inbox::Refused { connection } };
        tell(from, answer, cx);
    }

    /// Streams that are meant for an earlier process are refused; those of an unknown node wait a little.
    pub(super) fn on_handshake(&mut self, from: NodeId, connection: u32, to: NodeId, cx: &mut Cx) {
        if !self.serving || to != cx.id() || initiates(to, from) {
            return tell(from, Inbox::Refused { connection }, cx);
        }
        self.waiting.retain(|waiting| waiting.node != from);
        self.waiting.push(Waiting { node: from, connection, tries: TRIES });
        self.try_handshake(from, connection, cx);
    }

    pub(super) fn try_handshake(&mut self, node: NodeId, connection: u32, cx: &mut Cx) {
        let mine = |waiting: &Waiting| waiting.node == node && waiting.connection == connection;
        let Some(index) = self.waiting.iter().position(mine) else { return };
        if cx.process.targets.get(node).is_some() {
            self.waiting.remove(index);
            return self.accept(node, connection, cx);
        }
        let waiting = &mut self.waiting[index];
        waiting.tries -= 1;
        if waiting.tries == 0 {
            self.waiting.remove(index);
            return tell(node, Inbox::Refused { connection }, cx);
        }
        cx.out.alarm(Timer::HandshakeAgain { node, connection }.into(), BETWEEN_TRIES);
    }

    /// The streams of a new target take half a second if the command stream is the first of the two to come: its loops
    /// find the other one missing, and look again after that time. The streams of an old one take the place of those
    /// before.
    fn accept(&mut self, node: NodeId, connection: u32, cx: &mut Cx) {
        let Some(target) = cx.process.targets.get_mut(node) else { return };
        let (old, new) = (target.connection(), target.link == Link::Down);
        (target.link, target.heard) = (Link::Handshaking { connection }, cx.now.steady);
        if old.is_some() {
            cx.out.sever(Addr::Node(node, Place::Messages));
        }
        if new && cx.out.choose("first stream", 2) == 0 {
            let begin = Timer::StreamsBegin { node, connection };
            return cx.out.alarm(begin.into(), STREAMS_CHECK);
        }
        self.streams_begin(node, connection, cx);
    }

    pub(super) fn streams_begin(&mut self, node: NodeId, connection: u32, cx: &mut Cx) {
        let link = cx.process.targets.get(node).map(|target| target.link);
        if link == Some(Link::Handshaking { connection }) {
            tell(node, Inbox::Accepted { connection }, cx);
            Messages::watch_over(node, connection, cx);
            self.up(node, connection, cx);
        }
    }

    /// The streams of a connection work.
    pub(super) fn up(&mut self, node: NodeId, connection: u32, cx: &mut Cx) {
        if let Some(target) = cx.process.targets.get_mut(node) {
            target.link = Link::Up { connection };
            cx.note(Note::ConnectionUp { node: cx.id(), peer: node });
            cx.send_what_waits(node);
        }
    }

    /// The other end has closed a connection, or knows of none.
    pub(super) fn on_closed(&mut self, from: NodeId, connection: u32, cx: &mut Cx) {
        if let Some(target) = cx.process.targets.on(from.slot, connection) {
            let node = target.node;
            self.lose(node, "the other end closed it", cx);
        }
    }

    /// The server of gRPC stops: every connection that others have made is closed.
    pub(super) fn stop_serving(&mut self, cx: &mut Cx) {
        self.serving = false;
        for node in cx.process.targets.nodes() {
            let connection = cx.process.targets.get(node).and_then(|target| target.connection());
            if let Some(connection) = connection
                && initiates(node, cx.id())
            {
                self.hang_up(node, connection, cx);
                self.lose(node, "it takes no connections any more", cx);
            }
        }
    }
}
