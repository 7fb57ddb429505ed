//! The three workloads of the kernel benchmark, which are also what its golden digests are taken of.

#![allow(dead_code, missing_docs, reason = "shared by several test targets, each of which uses a part")]

use std::fmt;

use sim::{
    Address, Class, Clock, Duration, HostSpec, HostWeather, Input, Kind, Latency, Layout, LinkWeather,
    Machine, Message, Now, Outbox,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Peer(pub u16);

#[derive(Clone, Debug, Hash)]
pub enum Msg {
    Ping(u64),
    Rumour { n: u64, body: [u64; 8] },
    Ack(u64),
}

#[derive(Clone, Copy, Debug, Hash)]
pub enum Timer {
    Gossip,
    Tick(u32),
    Rest(u32),
}

#[derive(Clone, Debug, Hash)]
pub enum Note {
    Heard(u64),
}

/// What an actor does.
#[derive(Clone, Debug)]
pub enum Node {
    /// Sends every message back.
    PingPong { other: Peer, serves: bool },
    /// Tells everybody every 100 ms; everybody acknowledges.
    Gossip { peers: u16, sent: u64, acked: u64 },
    /// Has many periodic alarms.
    Timers { count: u32, rung: u64 },
    /// Writes down all it sees, for tests: sends `script[n]` messages to its neighbour at its n-th tick.
    Scribe { neighbour: Peer, period: Duration, next: u64, seen: Vec<u64>, rung: Vec<u64> },
}

impl Kind for Msg {
    const KINDS: usize = 3;
    fn kind(&self) -> usize {
        match self {
            Msg::Ping(_) => 0,
            Msg::Rumour { .. } => 1,
            Msg::Ack(_) => 2,
        }
    }
    fn name(kind: usize) -> &'static str {
        ["Ping", "Rumour", "Ack"][kind]
    }
}

impl Message for Msg {
    const STREAMS: usize = 1;
    fn stream(&self) -> Option<usize> {
        matches!(self, Msg::Ping(_)).then_some(0)
    }
    fn queue(&self) -> Option<usize> {
        self.stream()
    }
}

impl Kind for Timer {
    const KINDS: usize = 3;
    fn kind(&self) -> usize {
        match self {
            Timer::Gossip => 0,
            Timer::Tick(_) => 1,
            Timer::Rest(_) => 2,
        }
    }
    fn name(kind: usize) -> &'static str {
        ["Gossip", "Tick", "Rest"][kind]
    }
}

impl Kind for Note {
    const KINDS: usize = 1;
    fn kind(&self) -> usize {
        0
    }
    fn name(_: usize) -> &'static str {
        "Heard"
    }
}

impl Address for Peer {
    fn index(self) -> usize {
        self.0.into()
    }
}

impl Machine for Node {
    type Addr = Peer;
    type Msg = Msg;
    type Timer = Timer;
    type Note = Note;
    type Command = u64;
    type Role = u8;
    type Shared = ();

    fn step(&mut self, (): &mut (), _: Now, input: &Input<Node>, out: &mut Outbox<Node>) {
        match self {
            Node::PingPong { other, serves } => match input {
                Input::Start if *serves => out.send(*other, Msg::Ping(0)),
                Input::Message { msg: Msg::Ping(n), .. } => out.send(*other, Msg::Ping(n + 1)),
                _ => {}
            },
            Node::Gossip { peers, sent, acked } => match input {
                Input::Start => out.alarm(Timer::Gossip, Duration::from_millis(100)),
                Input::Alarm(_) => {
                    *sent += 1;
                    let me = out.me();
                    for peer in (0..*peers).map(Peer).filter(|peer| *peer != me) {
                        out.send(peer, Msg::Rumour { n: *sent, body: [*sent; 8] });
                    }
                    out.alarm(Timer::Gossip, Duration::from_millis(100));
                }
                Input::Message { from, msg: Msg::Rumour { n, .. } } => out.send(*from, Msg::Ack(*n)),
                Input::Message { .. } => *acked += 1,
                Input::Command(_) => {}
            },
            Node::Timers { count, rung } => match input {
                Input::Start => (0..*count).for_each(|n| out.alarm(Timer::Tick(n), period(n))),
                Input::Alarm(Timer::Tick(n)) => {
                    *rung += 1;
                    out.alarm(Timer::Tick(*n), period(*n));
                }
                _ => {}
            },
            Node::Scribe { neighbour, period, next, seen, rung } => match input {
                Input::Start => out.alarm(Timer::Tick(0), *period),
                Input::Alarm(Timer::Tick(n)) => {
                    rung.push((*n).into());
                    out.send(*neighbour, Msg::Ping(*next));
                    *next += 1;
                    out.alarm(Timer::Tick(n + 1), *period);
                }
                Input::Message { msg: Msg::Ping(n), .. } => {
                    seen.push(*n);
                    out.note(Note::Heard(*n));
                    if n.is_multiple_of(7) {
                        let which = out.choose("rest", 5);
                        out.give_way(Timer::Rest(u32::try_from(which).unwrap()));
                    }
                }
                Input::Command(n) => seen.push(1_000_000 + n),
                _ => {}
            },
        }
    }

    fn recover(self) -> Node {
        match self {
            Node::Scribe { neighbour, period, seen, .. } => {
                Node::Scribe { neighbour, period, next: 0, seen, rung: Vec::new() }
            }
            other => other,
        }
    }

    fn reboot((): &mut ()) {}

    fn hears(addr: Peer, command: &u64) -> bool {
        u64::from(addr.0) == command % 10
    }

    fn locate(role: &u8, sim: &sim::Sim<Node>) -> Option<sim::HostId> {
        sim.machines().nth((*role).into()).map(|(addr, _)| sim.host_of(addr))
    }
}

/// Alarm periods of 10 to 100 ms.
fn period(n: u32) -> Duration {
    Duration::from_millis(10) + Duration::from_micros(u64::from(n) * 90)
}

fn layout(nodes: Vec<Node>, weather: LinkWeather) -> Layout<Node> {
    let hosts = (0_u16..).zip(nodes).map(|(n, node)| HostSpec {
        name: format!("n{}", n + 1),
        class: Class(0),
        clock: Clock::default(),
        weather: HostWeather::default(),
        shared: (),
        actors: vec![(Peer(n), node)],
    });
    Layout { hosts: hosts.collect(), classes: vec![weather] }
}

fn millis(min: u64, max: u64) -> Latency {
    Latency::uniform(Duration::from_millis(min), Duration::from_millis(max))
}

/// W1: 2 hosts, 1–10 ms latency.
pub fn ping_pong() -> Layout<Node> {
    let node = |n: u16| Node::PingPong { other: Peer(1 - n), serves: n == 0 };
    layout(vec![node(0), node(1)], LinkWeather { latency: millis(1, 10), ..LinkWeather::default() })
}

/// W2: 9 hosts, 64 bytes to all others every 100 ms, each acknowledged, 1–50 ms, 1 % loss.
pub fn gossip() -> Layout<Node> {
    let nodes = vec![Node::Gossip { peers: 9, sent: 0, acked: 0 }; 9];
    let weather = LinkWeather { latency: millis(1, 50), loss_per_million: 10_000, ..LinkWeather::default() };
    layout(nodes, weather)
}

/// W3: 9 hosts × 1,000 periodic alarms.
pub fn timers() -> Layout<Node> {
    layout(vec![Node::Timers { count: 1000, rung: 0 }; 9], LinkWeather::default())
}

/// For tests: a ring of hosts, each of which sends a numbered message to the next one every 10 ms.
pub fn scribes(count: u16, weather: LinkWeather, host: HostWeather) -> Layout<Node> {
    let scribe = |n: u16| Node::Scribe {
        neighbour: Peer((n + 1) % count),
        period: Duration::from_millis(10),
        next: 0,
        seen: Vec::new(),
        rung: Vec::new(),
    };
    let mut layout = layout((0..count).map(scribe).collect(), weather);
    layout.hosts.iter_mut().for_each(|spec| spec.weather = host);
    layout
}

/// What a scribe has seen.
pub fn seen(node: &Node) -> &[u64] {
    match node {
        Node::Scribe { seen, .. } => seen,
        _ => &[],
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n{}/actor", self.0 + 1)
    }
}

impl fmt::Display for Msg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Msg::Ping(n) => write!(f, "Ping {n}"),
            Msg::Rumour { n, .. } => write!(f, "Rumour {n}"),
            Msg::Ack(n) => write!(f, "Ack {n}"),
        }
    }
}

impl fmt::Display for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Timer::Gossip => f.write_str("Gossip"),
            Timer::Tick(n) => write!(f, "Tick {n}"),
            Timer::Rest(n) => write!(f, "Rest {n}"),
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Note::Heard(n) = self;
        write!(f, "Heard {n}")
    }
}
