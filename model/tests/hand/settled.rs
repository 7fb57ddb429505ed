//! Small clusters that have settled, as they are or with a part replaced, and what an invariant finds in them.

use std::sync::Arc;

use model::{
    Actor, Addr, ChangefeedId, Cluster, DispatcherId, Epoch, NodeId, NodeSpec, Place, Policy, Sim, TableId,
    Ts, Weather, Workload,
    etcd::{ChangefeedInfo, Etcd, FeedState, Job, Key, Progress, Value},
    invariants,
    sink::{Change, Downstream, Inbox, Op, QueryId, Transaction},
};
use sim::{
    Class, Clock, Decisions, Duration, Effect, Fault, HostId, HostSpec, HostWeather, Input, Instant, Latency,
    Layout, LinkWeather, Machine as _, Now, Outbox, Planned, Seed, When,
};

pub const N1: NodeId = NodeId { slot: 1, life: 0 };
pub const N2: NodeId = NodeId { slot: 2, life: 0 };
pub const T1: TableId = TableId(1);

pub fn after(millis: u64) -> Instant {
    Instant::START + Duration::from_millis(millis)
}

/// What the invariant finds in a cluster of two nodes and one table, with a calm from one time until another (in
/// milliseconds), once some of its actors are replaced.
pub fn found(invariant: &str, calm: u64, end: u64, replace: impl FnOnce(&mut Vec<(Addr, Actor)>)) -> String {
    found_in(invariant, &cluster(), (calm, end), replace)
}

/// The same in another cluster.
pub fn found_in(
    invariant: &str,
    cluster: &Cluster,
    (calm, end): (u64, u64),
    replace: impl FnOnce(&mut Vec<(Addr, Actor)>),
) -> String {
    let plan = vec![Planned { when: When::At(after(calm)), fault: Fault::Calm }];
    let mut sim = Sim::new(cluster.layout(Seed(1)), plan, Seed(1), &Decisions::default());
    let named = invariants::ALL.iter().find(|named| named.name == invariant).expect("it exists");
    let (mut watch, mut found) = (named.watch(), Vec::new());
    while sim.step(after(end)) {
        watch.observe(&sim, sim.record(), &mut found);
    }
    let mut actors: Vec<(Addr, Actor)> = sim.machines().map(|(addr, actor)| (addr, actor.clone())).collect();
    replace(&mut actors);
    watch.settled(&picture(&sim, actors), &mut found);
    found.iter().map(|violation| format!("{violation}\n")).collect()
}

pub fn cluster() -> Cluster {
    let millis = Duration::from_millis;
    let link = LinkWeather { latency: Latency::uniform(millis(1), millis(3)), ..LinkWeather::default() };
    let policy = Arc::new(Policy::named("master").expect("a preset"));
    let node = NodeSpec { policy, before: None, clock: Clock::default() };
    Cluster {
        nodes: vec![node.clone(), node],
        settings: model::Settings::default(),
        changefeeds: 1,
        targets: Vec::new(),
        old_metadata: false,
        config: model::ChangefeedConfig::default(),
        workload: Workload {
            tables: 1,
            row_every: millis(1000),
            rows: 4,
            until: millis(60_000),
            ..Workload::default()
        },
        weather: Weather {
            peer: link,
            etcd: link,
            pd: link,
            upstream: link,
            sink: link,
            node: HostWeather::default(),
            statement: Latency::uniform(millis(1), millis(20)),
        },
    }
}

/// A run whose actors are these, each on a host of its own that is up. The servers of nodes are left out: they would
/// begin to work.
pub fn picture(sim: &Sim, actors: Vec<(Addr, Actor)>) -> Sim {
    let shown = actors.into_iter().filter(|(_, actor)| !matches!(actor, Actor::Server(_)));
    let hosts = shown.map(|(addr, actor)| HostSpec {
        name: addr.to_string(),
        class: Class(0),
        clock: Clock::default(),
        weather: HostWeather::default(),
        shared: sim.shared(sim.host_of(addr)).clone(),
        actors: vec![(addr, actor)],
    });
    let layout = Layout { hosts: hosts.collect(), classes: vec![LinkWeather::default()] };
    let mut picture = Sim::new(layout, Vec::new(), Seed(0), &Decisions::default());
    while picture.step(Instant::START) {}
    assert!(picture.host_ids().all(|host: HostId| picture.is_up(host)), "everybody has come up");
    picture
}

/// Replaces an actor.
pub fn set(actors: &mut [(Addr, Actor)], addr: Addr, actor: Actor) {
    actors.iter_mut().find(|(one, _)| *one == addr).expect("it is there").1 = actor;
}

/// A dispatcher that has been forgotten changes a row of the table once more.
pub fn late(actors: &mut [(Addr, Actor)], op: Op, key: u32, commit: u64) {
    let writer = DispatcherId { maker: N2, n: 99 };
    let changes = vec![Change { op, table: T1, key, commit: Ts(commit), writer }];
    let transaction = Box::new(Transaction { cf: ChangefeedId(1), changes });
    give(actors, Inbox::Execute { query: QueryId(1_000_000), stepwise: false, transaction });
}

/// The downstream hears something more, and has done it.
pub fn give(actors: &mut [(Addr, Actor)], inbox: Inbox) {
    let (_, sink) = actors.iter_mut().find(|(addr, _)| *addr == Addr::Sink).expect("it is there");
    let msg = inbox.into();
    let mut inputs = vec![Input::Message { from: dispatchers(N2), msg }];
    let mut out = Outbox::by_hand(Addr::Sink);
    while let Some(input) = inputs.pop() {
        let now = Now { steady: Instant::START, wall: Instant::START };
        sink.step(&mut model::Shared::Service, now, &input, &mut out);
        inputs.extend(out.take().0.into_iter().filter_map(|effect| match effect {
            Effect::Yield { timer } => Some(Input::Alarm(timer)),
            _ => None,
        }));
    }
}

/// A cluster in which every second change of a row deletes it, with this downstream.
pub fn with_deletes(class: model::sink::Class) -> Cluster {
    let mut cluster = cluster();
    cluster.workload.deletes_per_million = 1_000_000;
    cluster.config.downstream = Downstream::of(class);
    cluster
}

/// The dispatchers of the node that has the table.
pub fn writers(actors: &[(Addr, Actor)]) -> Actor {
    let has_it = |actor: &Actor| match actor {
        Actor::Dispatchers(all) => {
            all.managers().any(|one| one.writers().iter().any(|(_, span)| span.table == T1))
        }
        _ => false,
    };
    actors.iter().find(|(_, actor)| has_it(actor)).expect("somebody writes").1.clone()
}

/// An etcd that holds only this of the changefeed.
pub fn etcd(state: FeedState, checkpoint: u64) -> Actor {
    let cf = ChangefeedId(1);
    let info = ChangefeedInfo { state, ..ChangefeedInfo::new(Epoch(1), Ts(1)) };
    let job = Job { checkpoint: Ts(checkpoint), progress: Progress::None };
    let keys = [(Key::Info(cf), Value::Info(Box::new(info))), (Key::Job(cf), Value::Job(job))];
    Actor::Etcd(Box::new(Etcd::holding(keys)))
}

pub fn dispatchers(node: NodeId) -> Addr {
    Addr::Node(node, Place::Dispatchers)
}
