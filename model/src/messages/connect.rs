//! The initiator's side: its goroutine follows the view, dials, and makes failed connections again.

use sim::Duration;

use crate::{
    Addr, Cx, NodeId, Place,
    messages::{CHECK, Inbox, Messages, Timer, initiates, target::Link, tell},
};

/// How long a node may take to be reached (gRPC's `MinConnectTimeout`).
const DIAL_LIMIT: Duration = Duration::from_secs(3);

/// What the goroutine has to do.
#[derive(Clone, Copy, Debug)]
pub(super) enum Work {
    Add(NodeId),
    Remove(NodeId),
    Reset(NodeId),
}

/// Whether a connection has failed that this process makes.
fn is_to_be_made(node: NodeId, cx: &Cx) -> bool {
    let link = cx.process.targets.get(node).map(|target| target.link);
    initiates(cx.id(), node) && matches!(link, Some(Link::Down | Link::Failed))
}

impl Messages {
    /// The goroutine does what it has to do, until it has to wait for a node that it dials.
    pub(super) fn go_on(&mut self, cx: &mut Cx) {
        while self.dialling.is_none() && !self.closed {
            match self.work.pop_front() {
                Some(Work::Add(node)) => self.add(node, cx),
                Some(Work::Remove(node)) => self.close(node, cx),
                Some(Work::Reset(node)) => self.dial(node, cx),
                None if !self.select(cx) => return,
                None => self.busy_since = cx.now.steady,
            }
        }
    }

    /// Takes up what is ready, one of both at random; whether something is.
    fn select(&mut self, cx: &mut Cx) -> bool {
        let view = match (self.changed, self.ticked) {
            (false, false) => return false,
            (true, true) => cx.out.choose("message centre select", 2) == 0,
            (changed, _) => changed,
        };
        if view {
            self.changed = false;
            self.follow_view(cx);
        } else {
            self.ticked = false;
            let failed = cx.process.targets.nodes().into_iter().filter(|node| is_to_be_made(*node, cx));
            self.work.extend(failed.map(Work::Reset));
        }
        true
    }

    /// First what is new, then what is gone.
    fn follow_view(&mut self, cx: &Cx) {
        let (me, known, view) = (cx.id(), cx.process.targets.nodes(), cx.process.view());
        let new = view.iter().filter(|node| **node != me && !known.contains(node));
        self.work.extend(new.map(|node| Work::Add(*node)));
        self.work.extend(known.iter().filter(|node| !view.contains(node)).map(|node| Work::Remove(*node)));
    }

    /// It waits for a node no more. Its ticker has gone on meanwhile, and a tick that nobody has read is kept.
    fn dial_is_over(&mut self, cx: &mut Cx) {
        self.ticked |= self.busy_since.next_on_grid(CHECK) <= cx.now.steady;
        self.go_on(cx);
    }

    fn add(&mut self, node: NodeId, cx: &mut Cx) {
        if cx.process.targets.get(node).is_none() {
            cx.process.targets.add(node, cx.now.steady);
            if initiates(cx.id(), node) {
                self.dial(node, cx);
            }
        }
    }

    fn dial(&mut self, node: NodeId, cx: &mut Cx) {
        let Some(target) = cx.process.targets.get_mut(node) else { return };
        self.made += 1;
        let connection = self.made;
        target.link = Link::Dialling { connection };
        self.dialling = Some((node, connection));
        tell(node, Inbox::Dial { connection }, cx);
        cx.out.alarm(Timer::DialTimeout { node, connection }.into(), DIAL_LIMIT);
    }

    /// The connection is there; its streams are not refused yet, and the goroutine does not wait for that.
    pub(super) fn on_dialled(&mut self, from: NodeId, connection: u32, cx: &mut Cx) {
        let Some((to, _)) = self.dialling.take_if(|(to, made)| to.slot == from.slot && *made == connection)
        else {
            return;
        };
        if let Some(target) = cx.process.targets.get_mut(to) {
            (target.link, target.heard) = (Link::Handshaking { connection }, cx.now.steady);
            tell(to, Inbox::Handshake { connection, to }, cx);
            Messages::watch_over(to, connection, cx);
        }
        self.dial_is_over(cx);
    }

    pub(super) fn on_dial_timeout(&mut self, node: NodeId, connection: u32, cx: &mut Cx) {
        if self.dialling == Some((node, connection)) {
            self.on_refused(node, connection, cx);
        }
    }

    /// There is no connection, or its streams were not taken: what they had taken is lost.
    pub(super) fn on_refused(&mut self, from: NodeId, connection: u32, cx: &mut Cx) {
        if let Some(target) = cx.process.targets.on(from.slot, connection) {
            let node = target.node;
            self.lose(node, "it was refused", cx);
        }
        let dialled = self.dialling.take_if(|(to, made)| to.slot == from.slot && *made == connection);
        if dialled.is_some() {
            self.dial_is_over(cx);
        }
    }

    pub(super) fn on_accepted(&mut self, from: NodeId, connection: u32, cx: &mut Cx) {
        if let Some(target) = cx.process.targets.on(from.slot, connection)
            && target.link == (Link::Handshaking { connection })
        {
            let node = target.node;
            self.up(node, connection, cx);
        }
    }

    /// A node is no target any more. What waits for it is lost; at the initiator's end the connection is closed, at the
    /// other end its loops are only told to end.
    pub(super) fn close(&mut self, node: NodeId, cx: &mut Cx) {
        let Some(target) = cx.process.targets.get(node) else { return };
        let (connection, initiator) = (target.connection(), initiates(cx.id(), node));
        let slips = !initiator && connection.is_some() && cx.process.settings.extra_one_after_removal;
        cx.process.targets.remove(node, slips);
        if let Some(connection) = connection
            && initiator
        {
            self.hang_up(node, connection, cx);
        }
    }

    /// Closes a connection: what is under way is lost, and the other end hears of it if it can.
    pub(super) fn hang_up(&mut self, node: NodeId, connection: u32, cx: &mut Cx) {
        // Another process on the same machine may have a connection too: the network knows only machines.
        if cx.process.targets.connected_with(node.slot).iter().all(|other| *other == node) {
            cx.out.sever(Addr::Node(node, Place::Messages));
        }
        tell(node, Inbox::StreamClosed { connection }, cx);
    }

    /// The message centre closes: there are no targets any more.
    pub(super) fn close_targets(&mut self, cx: &mut Cx) {
        self.closed = true;
        for node in cx.process.targets.nodes() {
            self.close(node, cx);
        }
    }
}
