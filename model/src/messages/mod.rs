//! The message centre of a node: its connections with the others, and what becomes of what is sent over them.
//!
//! Each pair of nodes has one connection, which the node with the smaller address makes. The centre is one goroutine that
//! follows the view of the process and, every second, makes failed connections again; while it dials it does nothing else.
//! What parts of the process send and hear passes the targets in the shared memory ([`target`]).
//!
//! In the real system a connection carries two streams, of events and of commands, which come and go together; here
//! nodes exchange commands only.

mod accept;
mod connect;
mod keep_alive;
mod target;

use std::{
    collections::VecDeque,
    fmt::{self, Write},
};

use sim::{Duration, Input, Instant};

use crate::{Addr, Cx, Msg, NodeId, Place, vocabulary::vocabulary};
use accept::Waiting;
use connect::Work;
use target::Link;
pub(crate) use target::Targets;

vocabulary! {
    /// What the message centre hears.
    pub enum Inbox {
        /// The view of the process has changed (from the server).
        TargetsChanged,
        /// The process takes no connections any more (from the server).
        StopServing,
        /// The process shuts down (from the server).
        CloseTargets,
        /// The connections with the machine of a node are reset (from the network).
        ConnectionReset { peer: NodeId },
        /// A node wants a connection.
        Dial { connection: u32 },
        /// There is a connection.
        Dialled { connection: u32 },
        /// The streams of a connection begin. It names the process that it is meant for.
        Handshake { connection: u32, to: NodeId },
        /// The streams are taken.
        Accepted { connection: u32 },
        /// There is nobody to connect with, or the streams are not taken.
        Refused { connection: u32 },
        /// The other end has closed the connection, or knows of none.
        StreamClosed { connection: u32 },
        /// Is the other end still there?
        Ping { connection: u32 },
        /// It is.
        Pong { connection: u32 },
    }
}

vocabulary! {
    /// What the message centre wakes up for.
    pub enum Timer {
        /// Failed connections are made again.
        Check,
        /// A node has not answered to being dialled.
        DialTimeout { node: NodeId, connection: u32 },
        /// An unknown node may be known by now.
        HandshakeAgain { node: NodeId, connection: u32 },
        /// The streams of a new target begin to work.
        StreamsBegin { node: NodeId, connection: u32 },
        /// Nothing may have been heard of a node for long.
        KeepAlive { node: NodeId, connection: u32 },
        /// A node has not answered for a while; it may take so much longer.
        PingTimeout { node: NodeId, connection: u32, left: Duration },
    }
}

impl Copy for Timer {}

vocabulary! {
    /// What the message centre says about itself.
    pub enum Note {
        /// There is a connection with a node.
        ConnectionUp { node: NodeId, peer: NodeId },
        /// A connection has broken.
        ConnectionLost { node: NodeId, peer: NodeId, why: &'static str },
        /// A node cannot be reached.
        DialFailed { node: NodeId, peer: NodeId },
        /// What was sent to a node without a connection leaves now.
        SentLate { node: NodeId, peer: NodeId, messages: u32 },
        /// A message is not sent; its sender only logs that.
        NotSent { to: NodeId, what: &'static str, why: &'static str },
    }
}

/// What the goroutine of the message centre of one process knows.
#[derive(Clone, Debug)]
pub struct Messages {
    /// What its goroutine has still to do, and the connection that it waits for.
    work: VecDeque<Work>,
    dialling: Option<(NodeId, u32)>,
    /// Since when it has been at that.
    busy_since: Instant,
    /// Whether the view has changed, and whether the second is over.
    changed: bool,
    ticked: bool,
    /// Whether the next second is waited for.
    checking: bool,
    /// Connections made so far.
    made: u32,
    /// Streams of nodes that are not known yet.
    waiting: Vec<Waiting>,
    /// Whether it takes connections, and whether it has closed.
    serving: bool,
    closed: bool,
}

impl Default for Messages {
    fn default() -> Messages {
        Messages {
            work: VecDeque::new(),
            dialling: None,
            busy_since: Instant::START,
            changed: false,
            ticked: false,
            checking: false,
            made: 0,
            waiting: Vec::new(),
            serving: true,
            closed: false,
        }
    }
}

impl Inbox {
    /// Whether this is a part of a connection: it does not overtake what the connection carries, and ends with it.
    pub(crate) fn is_in_connection(&self) -> bool {
        match self {
            Inbox::Handshake { .. } | Inbox::Accepted { .. } | Inbox::StreamClosed { .. } => true,
            Inbox::Ping { .. } | Inbox::Pong { .. } => true,
            Inbox::TargetsChanged | Inbox::StopServing | Inbox::CloseTargets => false,
            Inbox::ConnectionReset { .. } | Inbox::Dial { .. } | Inbox::Dialled { .. } => false,
            Inbox::Refused { .. } => false,
        }
    }

    /// What a centre hears when nobody listens at the other end.
    pub(crate) fn refused(&self) -> Option<Inbox> {
        match self {
            Inbox::Dial { connection } | Inbox::Handshake { connection, .. } => {
                Some(Inbox::Refused { connection: *connection })
            }
            Inbox::Ping { connection } => Some(Inbox::StreamClosed { connection: *connection }),
            _ => None,
        }
    }
}

impl Messages {
    pub(crate) fn step(&mut self, input: &Input<crate::Actor>, cx: &mut Cx) {
        match input {
            Input::Start => {}
            Input::Message { from, msg: Msg::Messages(inbox) } => self.on_message(*from, inbox, cx),
            Input::Alarm(crate::Timer::Messages(timer)) => self.on_alarm(*timer, cx),
            Input::Message { .. } | Input::Alarm(_) | Input::Command(_) => {
                unreachable!("not for a message centre")
            }
        }
    }

    fn on_message(&mut self, from: Addr, inbox: &Inbox, cx: &mut Cx) {
        let Some(node) = from.node() else { return };
        match *inbox {
            Inbox::TargetsChanged => {
                self.changed = true;
                self.go_on(cx);
            }
            Inbox::StopServing => self.stop_serving(cx),
            Inbox::CloseTargets => self.close_targets(cx),
            Inbox::ConnectionReset { peer } => self.on_reset(peer, cx),
            Inbox::Dial { connection } => self.on_dial(node, connection, cx),
            Inbox::Dialled { connection } => self.on_dialled(node, connection, cx),
            Inbox::Handshake { connection, to } => self.on_handshake(node, connection, to, cx),
            Inbox::Accepted { connection } => self.on_accepted(node, connection, cx),
            Inbox::Refused { connection } => self.on_refused(node, connection, cx),
            Inbox::StreamClosed { connection } => self.on_closed(node, connection, cx),
            Inbox::Ping { connection } => self.on_ping(node, connection, cx),
            Inbox::Pong { connection } => self.on_pong(node, connection, cx),
        }
    }

    fn on_alarm(&mut self, timer: Timer, cx: &mut Cx) {
        match timer {
            Timer::Check => {
                (self.ticked, self.checking) = (true, false);
                self.go_on(cx);
            }
            Timer::DialTimeout { node, connection } => self.on_dial_timeout(node, connection, cx),
            Timer::HandshakeAgain { node, connection } => self.try_handshake(node, connection, cx),
            Timer::StreamsBegin { node, connection } => self.streams_begin(node, connection, cx),
            Timer::KeepAlive { node, connection } => self.keep_alive(node, connection, cx),
            Timer::PingTimeout { node, connection, left } => self.on_ping_timeout(node, connection, left, cx),
        }
    }

    /// Something on the way to a machine has reset every connection with it.
    fn on_reset(&mut self, peer: NodeId, cx: &mut Cx) {
        self.waiting.retain(|waiting| waiting.node.slot != peer.slot);
        for node in cx.process.targets.connected_with(peer.slot) {
            self.lose(node, "it was reset", cx);
        }
    }

    /// A connection has broken: its target knows what becomes of what is sent now. The initiator makes it again at the
    /// next second, the other end waits.
    fn lose(&mut self, node: NodeId, why: &'static str, cx: &mut Cx) {
        let me = cx.id();
        match cx.process.targets.fail(node, initiates(me, node)) {
            Some(Link::Dialling { .. }) => cx.note(Note::DialFailed { node: me, peer: node }),
            Some(_) => cx.note(Note::ConnectionLost { node: me, peer: node, why }),
            None => {}
        }
        if initiates(cx.id(), node) {
            self.check_soon(cx);
        }
    }

    /// The failed connections are looked at when the second is over.
    fn check_soon(&mut self, cx: &mut Cx) {
        if !std::mem::replace(&mut self.checking, true) {
            let now = cx.now.steady;
            cx.out.alarm(Timer::Check.into(), now.next_on_grid(CHECK).since(now));
        }
    }
}

/// What the goroutine is at, as lines. The targets are in the shared memory.
impl Messages {
    pub(crate) fn describe(&self, f: &mut impl Write) -> fmt::Result {
        if let Some((node, connection)) = self.dialling {
            writeln!(f, "dials {node} connection={connection}")?;
        }
        for Waiting { node, connection, tries } in &self.waiting {
            writeln!(f, "handshake of {node} connection={connection} tries={tries}")?;
        }
        match (self.serving, self.closed) {
            (true, false) => Ok(()),
            (_, true) => writeln!(f, "closed"),
            (false, _) => writeln!(f, "takes no connections"),
        }
    }
}

/// How often failed connections are made again.
const CHECK: Duration = Duration::from_secs(1);

/// Whether the first of two nodes makes their connection: it has the smaller address.
fn initiates(one: NodeId, other: NodeId) -> bool {
    one.slot < other.slot
}

/// Tells the centre of another node.
fn tell(node: NodeId, inbox: Inbox, cx: &mut Cx) {
    cx.out.send(Addr::Node(node, Place::Messages), inbox.into());
}
