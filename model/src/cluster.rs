//! A whole cluster: which hosts there are, how they are linked, and what is in etcd when the run begins.

use std::{fmt, sync::Arc};

use sim::{Class, Clock, HostId, HostSpec, HostWeather, Latency, Layout, LinkWeather, Seed};

use crate::{
    Actor, Addr, ChangefeedConfig, ChangefeedId, Epoch, History, Liveness, NodeId, Place, Policy, Process,
    Settings, Shared, Sim, Ts, Workload,
    coordinator::Coordinator,
    dispatchers::Dispatchers,
    etcd::{ChangefeedInfo, Etcd, Job, Key, Progress, Sparse, Target, Value},
    maintainer::Maintainers,
    messages::Messages,
    node::Server,
    pd::Pd,
    sink::Sink,
    upstream::Upstream,
};

/// A class of links, by what is at their far end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LinkClass {
    /// Between nodes.
    Peer,
    /// To etcd.
    Etcd,
    /// To PD.
    Pd,
    /// From the upstream.
    Upstream,
    /// To the downstream.
    Sink,
}

/// How links and hosts behave.
#[derive(Clone, Debug)]
pub struct Weather {
    /// Links between nodes.
    pub peer: LinkWeather,
    /// Links to etcd.
    pub etcd: LinkWeather,
    /// Links to PD.
    pub pd: LinkWeather,
    /// Links from the upstream.
    pub upstream: LinkWeather,
    /// Links to the downstream.
    pub sink: LinkWeather,
    /// Local delays of the nodes.
    pub node: HostWeather,
    /// How long a statement runs at the downstream's server.
    pub statement: Latency,
}

/// One machine that runs TiCDC.
#[derive(Clone, Debug)]
pub struct NodeSpec {
    /// The version it runs.
    pub policy: Arc<Policy>,
    /// The version it runs before its first restart, if that is another one.
    pub before: Option<Arc<Policy>>,
    /// Its clock at the start.
    pub clock: Clock,
}

/// What a cluster consists of.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// The machines that run TiCDC.
    pub nodes: Vec<NodeSpec>,
    /// How every node is configured.
    pub settings: Settings,
    /// How many changefeeds there are, numbered from one.
    pub changefeeds: u8,
    /// Where each of them ends, if it does; by its number, from the first one on. None for those that are not listed.
    pub targets: Vec<Option<Ts>>,
    /// Whether their descriptions have been written by a version that did not know all sections.
    pub old_metadata: bool,
    /// How each of them is configured.
    pub config: ChangefeedConfig,
    /// What changes upstream.
    pub workload: Workload,
    /// How links and hosts behave.
    pub weather: Weather,
}

/// A place in the cluster that moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The node whose coordinator leads.
    Coordinator,
    /// The node that runs the youngest maintainer of a changefeed.
    Maintainer(ChangefeedId),
}

/// From where every changefeed replicates.
pub(crate) const START: Ts = Ts(1);

impl LinkClass {
    /// Every class.
    pub const ALL: [LinkClass; 5] =
        [LinkClass::Peer, LinkClass::Etcd, LinkClass::Pd, LinkClass::Upstream, LinkClass::Sink];

    /// What it is called in files.
    pub fn name(self) -> &'static str {
        match self {
            LinkClass::Peer => "peer",
            LinkClass::Etcd => "etcd",
            LinkClass::Pd => "pd",
            LinkClass::Upstream => "upstream",
            LinkClass::Sink => "sink",
        }
    }

    /// Its number in a layout.
    pub fn class(self) -> Class {
        Class(self as u8)
    }
}

impl Cluster {
    /// The layout of a run under this seed, which decides what changes upstream.
    pub fn layout(&self, seed: Seed) -> Layout<Actor> {
        let history = Arc::new(History::draw(&self.workload, seed));
        let nodes = (1..).zip(&self.nodes);
        let mut hosts: Vec<HostSpec<Actor>> =
            nodes.map(|(slot, spec)| self.node(slot, spec, &history)).collect();
        let ids = (1..).take(self.nodes.len()).map(|slot| NodeId { slot, life: 0 });
        let statements = HostWeather { yields: self.weather.statement, ..HostWeather::default() };
        let services = [
            (LinkClass::Etcd, Addr::Etcd, Actor::Etcd(Box::new(self.etcd())), HostWeather::default()),
            (
                LinkClass::Pd,
                Addr::Pd,
                Actor::Pd(self.config.gc.map_or_else(Pd::default, Pd::collecting)),
                HostWeather::default(),
            ),
            (
                LinkClass::Upstream,
                Addr::Upstream,
                Actor::Upstream(Upstream::new(history.clone(), ids)),
                HostWeather::default(),
            ),
            (
                LinkClass::Sink,
                Addr::Sink,
                Actor::Sink(Box::new(Sink::new(self.config.downstream.class, history))),
                statements,
            ),
        ];
        for (class, addr, actor, weather) in services {
            hosts.push(HostSpec {
                name: class.name().to_owned(),
                class: class.class(),
                clock: Clock::default(),
                weather,
                shared: Shared::Service,
                actors: vec![(addr, actor)],
            });
        }
        let weather = &self.weather;
        let classes = vec![weather.peer, weather.etcd, weather.pd, weather.upstream, weather.sink];
        Layout { hosts, classes }
    }

    fn node(&self, slot: u8, spec: &NodeSpec, history: &Arc<History>) -> HostSpec<Actor> {
        let id = NodeId { slot, life: 0 };
        let at = |place| Addr::Node(id, place);
        let first = spec.before.as_ref().unwrap_or(&spec.policy);
        let mut process = Process::new(id, first.clone(), history.clone());
        process.upgrade = Some(spec.policy.clone());
        process.config = self.config.clone();
        process.settings = self.settings;
        process.etcd = HostId(u16::try_from(self.nodes.len()).expect("nodes are few"));
        HostSpec {
            name: id.to_string(),
            class: LinkClass::Peer.class(),
            clock: spec.clock,
            weather: self.weather.node,
            shared: Shared::Node(Box::new(process)),
            actors: vec![
                (at(Place::Server), Actor::Server(Box::<Server>::default())),
                (at(Place::Coordinator), Actor::Coordinator(Box::<Coordinator>::default())),
                (at(Place::Maintainers), Actor::Maintainers(Box::<Maintainers>::default())),
                (at(Place::Dispatchers), Actor::Dispatchers(Box::<Dispatchers>::default())),
                (at(Place::Messages), Actor::Messages(Box::<Messages>::default())),
            ],
        }
    }

    /// The changefeeds exist when the run begins, with the first epoch.
    fn etcd(&self) -> Etcd {
        let cfs = (1..=self.changefeeds).map(ChangefeedId);
        Etcd::holding(cfs.flat_map(|cf| {
            let target = Target(self.targets.get(usize::from(cf.0) - 1).copied().flatten());
            let sparse = Sparse(self.old_metadata);
            let info = ChangefeedInfo { target, sparse, ..ChangefeedInfo::new(Epoch(1), START) };
            let job = Job { checkpoint: START, progress: Progress::None };
            [(Key::Info(cf), Value::Info(Box::new(info))), (Key::Job(cf), Value::Job(job))]
        }))
    }
}

/// The nodes among these hosts that may become coordinator: those that take part, or will when they come up.
pub fn candidates(sim: &Sim, hosts: &[HostId]) -> Vec<NodeId> {
    let process = |host: &HostId| match sim.shared(*host) {
        Shared::Node(process) => Some(process),
        Shared::Service => None,
    };
    let all = hosts.iter().filter_map(process).filter(|process| process.liveness == Liveness::Alive);
    all.map(|process| process.id).collect()
}

impl Role {
    pub(crate) fn locate(self, sim: &Sim) -> Option<HostId> {
        let up = sim.machines().filter(|(addr, _)| addr.node().is_some() && sim.is_up(sim.host_of(*addr)));
        let playing = up.filter_map(|(addr, actor)| match (self, actor) {
            (Role::Coordinator, Actor::Coordinator(one)) => one.leads().then_some((Epoch::NONE, addr)),
            (Role::Maintainer(cf), Actor::Maintainers(all)) => {
                all.registered(cf).map(|one| (one.epoch(), addr))
            }
            _ => None,
        });
        playing.max().map(|(_, addr)| sim.host_of(addr))
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Role::Coordinator => f.write_str("the coordinator's node"),
            Role::Maintainer(cf) => write!(f, "the node of the maintainer of {cf}"),
        }
    }
}
