//! Keep-alives: how a silent partition is found out. A node that has heard nothing for a while asks, and gives the
//! connection up if there is no answer; until then everything that is sent waits on the wire.

use sim::{Duration, Instant};

use crate::{
    Cx, NodeId,
    messages::{Inbox, Messages, Timer, initiates, target::Link, tell},
};

/// After how long without a word a node asks, and how long it then waits: as the client of gRPC, and as its server.
const CLIENT: (Duration, Duration) = (Duration::from_secs(20), Duration::from_secs(30));
const SERVER: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(60));

fn times(node: NodeId, cx: &Cx) -> (Duration, Duration) {
    if initiates(cx.id(), node) { CLIENT } else { SERVER }
}

impl Messages {
    /// A connection has begun.
    pub(super) fn watch_over(node: NodeId, connection: u32, cx: &mut Cx) {
        let (idle, _) = times(node, cx);
        cx.out.alarm(Timer::KeepAlive { node, connection }.into(), idle);
    }

    /// When something was heard of a node last, if this connection with it is still there.
    fn heard(node: NodeId, connection: u32, cx: &Cx) -> Option<Instant> {
        let target = cx.process.targets.get(node)?;
        (target.connection() == Some(connection)).then_some(target.heard)
    }

    pub(super) fn keep_alive(&mut self, node: NodeId, connection: u32, cx: &mut Cx) {
        let (idle, limit) = times(node, cx);
        let Some(heard) = Messages::heard(node, connection, cx) else { return };
        let silence = cx.now.steady.since(heard);
        if silence < idle {
            return cx.out.alarm(Timer::KeepAlive { node, connection }.into(), idle - silence);
        }
        tell(node, Inbox::Ping { connection }, cx);
        Messages::wait_for_pong(node, connection, limit, cx);
    }

    /// While it waits it looks as often as it would without waiting.
    fn wait_for_pong(node: NodeId, connection: u32, left: Duration, cx: &mut Cx) {
        let (idle, _) = times(node, cx);
        let next = left.min(idle);
        cx.out.alarm(Timer::PingTimeout { node, connection, left: left - next }.into(), next);
    }

    pub(super) fn on_ping_timeout(&mut self, node: NodeId, connection: u32, left: Duration, cx: &mut Cx) {
        let (idle, limit) = times(node, cx);
        let Some(heard) = Messages::heard(node, connection, cx) else { return };
        let silence = cx.now.steady.since(heard);
        if silence < idle + (limit - left) {
            self.keep_alive(node, connection, cx);
        } else if left > Duration::ZERO {
            Messages::wait_for_pong(node, connection, left, cx);
        } else {
            self.hang_up(node, connection, cx);
            self.lose(node, "the other end is silent", cx);
        }
    }

    pub(super) fn on_ping(&mut self, from: NodeId, connection: u32, cx: &mut Cx) {
        cx.process.targets.hear(cx.now.steady, from);
        let target = cx.process.targets.get(from).and_then(|target| target.connection());
        if target == Some(connection) {
            tell(from, Inbox::Pong { connection }, cx);
        } else if !self.waiting.iter().any(|waiting| waiting.node == from) {
            tell(from, Inbox::StreamClosed { connection }, cx);
        }
    }

    /// Also the answer to a handshake whose own answer was lost: the connection is known.
    pub(super) fn on_pong(&mut self, from: NodeId, connection: u32, cx: &mut Cx) {
        cx.process.targets.hear(cx.now.steady, from);
        let link = cx.process.targets.get(from).map(|target| target.link);
        if link == Some(Link::Handshaking { connection }) && initiates(cx.id(), from) {
            self.up(from, connection, cx);
        }
    }
}
