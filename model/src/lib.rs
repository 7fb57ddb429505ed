//! The control plane of TiCDC (pingcap/ticdc, new architecture) as deterministic state machines.
//!
//! Every party is a machine of the kernel's: etcd, PD, the upstream and the downstream, and on each node the server,
//! the coordinator, the maintainers and the dispatchers. Versions of the protocol differ by the alternatives of
//! behaviour switches ([`policy`]); what the protocol promises is watched by [`invariants`].

mod bootstrapper;
mod cluster;
mod config;
pub mod coordinator;
pub mod dispatchers;
pub mod etcd;
mod hear;
mod ids;
pub mod invariants;
mod lives;
pub mod maintainer;
pub mod measures;
pub mod messages;
pub mod node;
pub mod pd;
mod pending;
pub mod policy;
mod process;
mod running_error;
pub mod sink;
mod state;
mod tasks;
mod twin;
pub mod upstream;
mod vocabulary;

use sim::{Cut, HostId, Input, Machine, Now, Outbox};

pub use cluster::{Cluster, LinkClass, NodeSpec, Role, Weather, candidates};
pub use config::{ChangefeedConfig, Gc, Scheduling};
pub use ids::{
    Addr, ChangefeedId, ConfigEpoch, DispatcherId, Epoch, Mode, NodeId, Place, SchemaId, Span, TableId,
    TableName, Ts,
};
pub use lives::Misery;
pub use pending::Pending;
pub use policy::Policy;
pub use process::{Liveness, Process, Settings, Shared};
pub use running_error::RunningError;
pub use twin::{IsRedo, Twin};
pub use upstream::{DdlKind, History, NamedDdl, Row, RowKind, Workload};
pub use vocabulary::Joined;

pub(crate) use process::Cx;

use vocabulary::vocabularies;

/// A run of the model.
pub type Sim = sim::Sim<Actor>;
/// A record of such a run.
pub type Record = sim::Record<Actor>;
pub(crate) type Out = Outbox<Actor>;

vocabularies! {
    /// Whatever travels, by its receiver.
    pub enum Msg {
        /// To etcd.
        Etcd(etcd::Inbox),
        /// From etcd, to whoever asked.
        EtcdReply(etcd::Reply),
        /// To PD.
        Pd(pd::Inbox),
        /// From PD.
        PdReply(pd::Reply),
        /// To the downstream.
        Sink(sink::Inbox),
        /// From the downstream.
        SinkReply(sink::Reply),
        /// To the server of a node.
        Server(node::Inbox),
        /// To the coordinator.
        Coordinator(coordinator::Inbox),
        /// To the maintainer manager and its maintainers.
        Maintainers(maintainer::Inbox),
        /// To the orchestrator and its dispatcher managers.
        Dispatchers(dispatchers::Inbox),
        /// To the message centre of a node.
        Messages(messages::Inbox),
        /// To PD, about what the upstream may collect.
        PdSafepoint(pd::Safepoint),
        /// From PD, about that.
        PdSafepointReply(pd::SafepointReply),
    }
}

vocabularies! {
    /// Whatever rings.
    pub enum Timer {
        /// In etcd.
        Etcd(etcd::Timer),
        /// In the upstream.
        Upstream(upstream::Timer),
        /// In the downstream.
        Sink(sink::Timer),
        /// In the server of a node.
        Server(node::Timer),
        /// In the coordinator.
        Coordinator(coordinator::Timer),
        /// In the maintainer manager and its maintainers.
        Maintainers(maintainer::Timer),
        /// In the orchestrator and its dispatcher managers.
        Dispatchers(dispatchers::Timer),
        /// In the message centre of a node.
        Messages(messages::Timer),
        /// In the coordinator, because of what the upstream may collect.
        Gc(coordinator::GcTimer),
    }
}

impl Copy for Timer {}

vocabularies! {
    /// Whatever an actor says about itself.
    pub enum Note {
        /// Etcd.
        Etcd(etcd::Note),
        /// The downstream.
        Sink(sink::Note),
        /// The server of a node.
        Server(node::Note),
        /// The coordinator.
        Coordinator(coordinator::Note),
        /// The maintainer manager and its maintainers.
        Maintainers(maintainer::Note),
        /// The orchestrator and its dispatcher managers.
        Dispatchers(dispatchers::Note),
        /// The message centre of a node.
        Messages(messages::Note),
        /// The coordinator, about what the upstream may collect.
        Gc(coordinator::GcNote),
    }
}

vocabularies! {
    /// Whatever the outside world asks for.
    pub enum Command {
        /// Of etcd.
        Etcd(etcd::Command),
        /// Of the downstream.
        Sink(sink::Command),
        /// Of the coordinator that leads.
        Coordinator(coordinator::Command),
        /// Of a node.
        Server(node::Command),
        /// Of the node of a maintainer.
        Maintainers(maintainer::Command),
    }
}

/// Any party.
#[derive(Clone, Debug)]
pub enum Actor {
    /// The metadata store.
    Etcd(Box<etcd::Etcd>),
    /// The timestamp oracle.
    Pd(pd::Pd),
    /// What is replicated from.
    Upstream(upstream::Upstream),
    /// What is replicated to.
    Sink(Box<sink::Sink>),
    /// The server of a node.
    Server(Box<node::Server>),
    /// The coordinator of a node, elected or not.
    Coordinator(Box<coordinator::Coordinator>),
    /// The maintainer manager of a node.
    Maintainers(Box<maintainer::Maintainers>),
    /// The dispatcher orchestrator of a node.
    Dispatchers(Box<dispatchers::Dispatchers>),
    /// The message centre of a node.
    Messages(Box<messages::Messages>),
}

impl Actor {
    /// The state of a party, as lines for people and for decision vectors.
    pub fn describe(&self) -> String {
        let mut text = String::new();
        match self {
            Actor::Server(server) => server.describe(&mut text).expect("text can be written"),
            Actor::Coordinator(one) => one.describe(&mut text).expect("text can be written"),
            Actor::Maintainers(all) => all.describe(&mut text).expect("text can be written"),
            Actor::Dispatchers(all) => all.describe(&mut text).expect("text can be written"),
            Actor::Messages(centre) => centre.describe(&mut text).expect("text can be written"),
            other => text = format!("{other:#?}\n"),
        }
        text
    }
}

impl Machine for Actor {
    type Addr = Addr;
    type Msg = Msg;
    type Timer = Timer;
    type Note = Note;
    type Command = Command;
    type Role = Role;
    type Shared = Shared;

    fn step(&mut self, shared: &mut Shared, now: Now, input: &Input<Actor>, out: &mut Out) {
        match (self, shared) {
            (Actor::Etcd(etcd), _) => etcd.step(now, input, out),
            (Actor::Pd(pd), _) => pd.step(now, input, out),
            (Actor::Upstream(upstream), _) => upstream.step(now, input, out),
            (Actor::Sink(sink), _) => sink.step(now, input, out),
            (Actor::Server(server), Shared::Node(process)) => {
                server.step(input, &mut Cx { now, process, out })
            }
            (Actor::Coordinator(one), Shared::Node(process)) => {
                one.step(input, &mut Cx { now, process, out })
            }
            (Actor::Maintainers(all), Shared::Node(process)) => {
                all.step(input, &mut Cx { now, process, out })
            }
            (Actor::Dispatchers(all), Shared::Node(process)) => {
                all.step(input, &mut Cx { now, process, out })
            }
            (Actor::Messages(centre), Shared::Node(process)) => {
                centre.step(input, &mut Cx { now, process, out })
            }
            (_, Shared::Service) => unreachable!("the parts of a node live in a process"),
        }
    }

    fn recover(self) -> Actor {
        match self {
            // Etcd, PD and the two databases keep what they have acknowledged.
            durable @ (Actor::Etcd(_) | Actor::Pd(_) | Actor::Upstream(_) | Actor::Sink(_)) => durable,
            Actor::Server(_) => Actor::Server(Box::default()),
            Actor::Coordinator(_) => Actor::Coordinator(Box::default()),
            Actor::Maintainers(_) => Actor::Maintainers(Box::default()),
            Actor::Dispatchers(_) => Actor::Dispatchers(Box::default()),
            Actor::Messages(_) => Actor::Messages(Box::default()),
        }
    }

    fn reboot(shared: &mut Shared) {
        if let Shared::Node(process) = shared {
            process.restart();
        }
    }

    fn admit(shared: &mut Shared, now: Now, from: Addr, to: Addr, msg: &Msg) -> Result<(), &'static str> {
        match shared {
            Shared::Node(process) => process.admit(now, from, to, msg),
            Shared::Service => Ok(()),
        }
    }

    fn refused(msg: &Msg) -> Option<Msg> {
        match msg {
            Msg::Etcd(request) => request.refused().map(Msg::from),
            Msg::Pd(request) => Some(request.refused().into()),
            Msg::PdSafepoint(request) => Some(request.refused().into()),
            Msg::Messages(inbox) => inbox.refused().map(Msg::from),
            Msg::Server(inbox) => inbox.refused().map(Msg::from),
            _ => None,
        }
    }

    fn disturbed(shared: &mut Shared, peer: HostId, mode: Cut) -> Option<(Addr, Msg)> {
        match shared {
            Shared::Node(process) => process.disturbed(peer, mode),
            Shared::Service => None,
        }
    }

    fn hears(addr: Addr, command: &Command) -> bool {
        match command {
            Command::Etcd(_) => addr == Addr::Etcd,
            Command::Sink(_) => addr == Addr::Sink,
            Command::Coordinator(_) => matches!(addr, Addr::Node(_, Place::Coordinator)),
            Command::Server(_) => matches!(addr, Addr::Node(_, Place::Server)),
            Command::Maintainers(_) => matches!(addr, Addr::Node(_, Place::Maintainers)),
        }
    }

    fn locate(role: &Role, sim: &Sim) -> Option<HostId> {
        role.locate(sim)
    }
}

/// The FIFO streams of a link.
#[derive(Clone, Copy)]
enum Stream {
    /// The connection of two message centres, as far as commands go.
    Command,
    /// The watches of an etcd connection.
    Watch,
    /// Resolved timestamps.
    Resolved,
}

impl sim::Message for Msg {
    const STREAMS: usize = Stream::Resolved as usize + 1;

    #[inline]
    fn stream(&self) -> Option<usize> {
        let stream = match self {
            Msg::Dispatchers(dispatchers::Inbox::Resolved { .. }) => Stream::Resolved,
            Msg::EtcdReply(etcd::Reply::WatchResponse { .. }) => Stream::Watch,
            Msg::Coordinator(_) | Msg::Maintainers(_) | Msg::Dispatchers(_) => Stream::Command,
            // What a connection is made and kept alive with shares its bytes with commands.
            Msg::Messages(inbox) if inbox.is_in_connection() => Stream::Command,
            // Calls to services are independent of each other, and so are the calls of a node to itself and attempts to
            // connect.
            Msg::Etcd(_) | Msg::EtcdReply(_) | Msg::Pd(_) | Msg::PdReply(_) => return None,
            Msg::PdSafepoint(_)
            | Msg::PdSafepointReply(_)
            | Msg::Sink(_)
            | Msg::SinkReply(_)
            | Msg::Server(_)
            | Msg::Messages(_) => {
                return None;
            }
        };
        Some(stream as usize)
    }

    /// Behind the router every topic, and every stream of the heartbeat collector, has a queue of its own.
    #[inline]
    fn queue(&self) -> Option<usize> {
        match self {
            Msg::Coordinator(inbox) => inbox.queue(),
            Msg::Maintainers(inbox) => inbox.queue(),
            Msg::Dispatchers(inbox) => inbox.queue(),
            Msg::EtcdReply(etcd::Reply::WatchResponse { .. }) => Some(0),
            Msg::Messages(inbox) => inbox.is_in_connection().then_some(0),
            Msg::Etcd(_) | Msg::EtcdReply(_) | Msg::Pd(_) | Msg::PdReply(_) => None,
            Msg::PdSafepoint(_)
            | Msg::PdSafepointReply(_)
            | Msg::Sink(_)
            | Msg::SinkReply(_)
            | Msg::Server(_) => None,
        }
    }
}
