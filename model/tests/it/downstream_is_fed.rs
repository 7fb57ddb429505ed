//! The invariant `downstream_is_fed`, shown small clusters that have settled, as they are or with a part replaced.

use std::sync::Arc;

use crate::hand::Hand;
use model::{
    Actor, Addr, ChangefeedId, Cluster, DispatcherId, Epoch, History, NodeId, NodeSpec, Place, Policy, Sim,
    TableId, Ts, Weather, Workload,
    etcd::{ChangefeedInfo, Etcd, FeedState, Job, Key, Progress, Value},
    invariants,
    sink::{Change, Downstream, Inbox, Op, QueryId, Sink, Transaction},
};
use sim::{
    Class, Clock, Decisions, Duration, Effect, Fault, HostId, HostSpec, HostWeather, Input, Instant, Latency,
    Layout, LinkWeather, Machine as _, Now, Outbox, Planned, Seed, When,
};

const N1: NodeId = NodeId { slot: 1, life: 0 };
const N2: NodeId = NodeId { slot: 2, life: 0 };
const T1: TableId = TableId(1);

pub(super) fn after(millis: u64) -> Instant {
    Instant::START + Duration::from_millis(millis)
}

/// What the invariant finds in a cluster of two nodes and one table, with a calm from one time until another (in
/// milliseconds), once some of its actors are replaced.
fn found(calm: u64, end: u64, replace: impl FnOnce(&mut Vec<(Addr, Actor)>)) -> String {
    found_in(&cluster(), (calm, end), replace)
}

/// The same in another cluster.
fn found_in(
    cluster: &Cluster,
    (calm, end): (u64, u64),
    replace: impl FnOnce(&mut Vec<(Addr, Actor)>),
) -> String {
    let plan = vec![Planned { when: When::At(after(calm)), fault: Fault::Calm }];
    let mut sim = Sim::new(cluster.layout(Seed(1)), plan, Seed(1), &Decisions::default());
    let named = invariants::ALL.iter().find(|named| named.name == "downstream_is_fed").expect("it exists");
    let (mut watch, mut found) = (named.watch(), Vec::new());
    while sim.step(after(end)) {
        watch.observe(&sim, sim.record(), &mut found);
    }
    let mut actors: Vec<(Addr, Actor)> = sim.machines().map(|(addr, actor)| (addr, actor.clone())).collect();
    replace(&mut actors);
    watch.settled(&picture(&sim, actors), &mut found);
    found.iter().map(|violation| format!("{violation}\n")).collect()
}

pub(super) fn cluster() -> Cluster {
    let millis = Duration::from_millis;
    let link = LinkWeather { latency: Latency::uniform(millis(1), millis(3)), ..LinkWeather::default() };
    let policy = Arc::new(Policy::named("master").expect("a preset"));
    let node = NodeSpec { policy, before: None, clock: Clock::default() };
    Cluster {
        nodes: vec![node.clone(), node],
        settings: model::Settings::default(),
        changefeeds: 1,
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
pub(super) fn picture(sim: &Sim, actors: Vec<(Addr, Actor)>) -> Sim {
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
pub(super) fn set(actors: &mut [(Addr, Actor)], addr: Addr, actor: Actor) {
    actors.iter_mut().find(|(one, _)| *one == addr).expect("it is there").1 = actor;
}

/// A dispatcher that has been forgotten changes a row of the table once more.
fn late(actors: &mut [(Addr, Actor)], op: Op, key: u32, commit: u64) {
    let writer = DispatcherId { maker: N2, n: 99 };
    let changes = vec![Change { op, table: T1, key, commit: Ts(commit), writer }];
    let transaction = Box::new(Transaction { cf: ChangefeedId(1), changes });
    give(actors, Inbox::Execute { query: QueryId(1_000_000), stepwise: false, transaction });
}

/// The downstream hears something more, and has done it.
pub(super) fn give(actors: &mut [(Addr, Actor)], inbox: Inbox) {
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
fn with_deletes(class: model::sink::Class) -> Cluster {
    let mut cluster = cluster();
    cluster.workload.deletes_per_million = 1_000_000;
    cluster.config.downstream = Downstream::of(class);
    cluster
}

/// The dispatchers of the node that has the table.
fn writers(actors: &[(Addr, Actor)]) -> Actor {
    let has_it = |actor: &Actor| match actor {
        Actor::Dispatchers(all) => {
            all.managers().any(|one| one.writers().iter().any(|(_, span)| span.table == T1))
        }
        _ => false,
    };
    actors.iter().find(|(_, actor)| has_it(actor)).expect("somebody writes").1.clone()
}

/// An etcd that holds only this of the changefeed.
pub(super) fn etcd(state: FeedState, checkpoint: u64) -> Actor {
    let cf = ChangefeedId(1);
    let info = ChangefeedInfo { state, epoch: Epoch(1), start_ts: Ts(1), error: None };
    let job = Job { checkpoint: Ts(checkpoint), progress: Progress::None };
    let keys = [(Key::Info(cf), Value::Info(Box::new(info))), (Key::Job(cf), Value::Job(job))];
    Actor::Etcd(Box::new(Etcd::holding(keys)))
}

pub(super) fn dispatchers(node: NodeId) -> Addr {
    Addr::Node(node, Place::Dispatchers)
}

#[test]
fn a_quiet_cluster_feeds_its_downstream() {
    let text = found(10_000, 20_000, |_| {});
    insta::assert_snapshot!(text, @"");
}

#[test]
fn a_table_without_dispatcher_is_fed_by_nobody() {
    let text = found(10_000, 20_000, |actors| {
        for node in [N1, N2] {
            set(actors, dispatchers(node), Actor::Dispatchers(Box::default()));
        }
    });
    insta::assert_snapshot!(text, @"downstream_is_fed (coverage): t1 of cf1 has no working dispatcher; its maintainer on n1 (e@570) has 0 spans to place, 0 operators; the coordinator on n2 has it replicating on n1");
}

#[test]
fn a_table_with_two_dispatchers_is_covered_twice() {
    let text = found(10_000, 20_000, |actors| {
        let twice = writers(actors);
        for node in [N1, N2] {
            set(actors, dispatchers(node), twice.clone());
        }
    });
    insta::assert_snapshot!(text, @"downstream_is_fed (coverage): the working dispatchers of t1 of cf1 do not cover it once: d2@n1 on n1, d2@n1 on n2");
}

#[test]
fn a_checkpoint_that_is_not_past_the_calm_is_stuck() {
    let text = found(10_000, 20_000, |actors| set(actors, Addr::Etcd, etcd(FeedState::Normal, 10_000_000)));
    insta::assert_snapshot!(text, @"downstream_is_fed (checkpoint): the checkpoint of cf1 stands at ts10000000, not past the calm at ts10000000; its maintainer on n1 (e@570) has 0 spans to place, 0 operators; the coordinator on n2 has it replicating on n1");
    let text = found(10_000, 20_000, |actors| set(actors, Addr::Etcd, etcd(FeedState::Normal, 10_000_001)));
    insta::assert_snapshot!(text, @"");
}

#[test]
fn a_row_that_is_older_than_the_checkpoint_has_to_be_downstream() {
    let text = found(10_000, 20_000, |actors| set(actors, Addr::Sink, Actor::Sink(Box::<Sink>::default())));
    insta::assert_snapshot!(text, @"downstream_is_fed (data): row 0 of t1 was changed at ts11402183, the checkpoint of cf1 is ts18400000, and downstream is nothing");
}

#[test]
fn rows_behind_the_checkpoint_may_be_missing() {
    let missing = |checkpoint| {
        found(0, 20_000, |actors| {
            set(actors, Addr::Sink, Actor::Sink(Box::<Sink>::default()));
            set(actors, Addr::Etcd, etcd(FeedState::Normal, checkpoint));
        })
    };
    insta::assert_snapshot!(missing(1), @"");
    insta::assert_snapshot!(missing(5_000_000), @"downstream_is_fed (data): row 262144 of t1 was changed at ts4551387, the checkpoint of cf1 is ts5000000, and downstream is nothing");
}

#[test]
fn nothing_is_promised_of_a_changefeed_that_is_stopped() {
    let text = found(10_000, 20_000, |actors| {
        set(actors, Addr::Etcd, etcd(FeedState::Stopped, 1));
        set(actors, Addr::Sink, Actor::Sink(Box::<Sink>::default()));
        set(actors, dispatchers(N1), Actor::Dispatchers(Box::default()));
    });
    insta::assert_snapshot!(text, @"");
}

#[test]
fn a_cluster_that_has_not_had_time_says_what_it_waits_for() {
    let mut texts: Vec<String> = (1..200).map(|n| found(0, n * 20, |_| {})).collect();
    texts.dedup();
    insta::assert_snapshot!(texts.concat(), @"
    downstream_is_fed (coverage): t1 of cf1 has no working dispatcher; the coordinator on n2 has not bootstrapped
    downstream_is_fed (coverage): t1 of cf1 has no working dispatcher; the coordinator on n2 has it scheduling on n1
    downstream_is_fed (coverage): t1 of cf1 has no working dispatcher; its maintainer on n1 (e@570) waits for a bootstrap answer of n1, n2; the coordinator on n2 has it scheduling on n1
    downstream_is_fed (coverage): t1 of cf1 has no working dispatcher; its maintainer on n1 (e@570) has 1 spans to place, 1 operators; the coordinator on n2 has it scheduling on n1
    downstream_is_fed (coverage): t1 of cf1 has no working dispatcher; its maintainer on n1 (e@570) has 1 spans to place, 1 operators; the coordinator on n2 has it replicating on n1
    ");
}

/// Row 786432 exists at the checkpoint and in the end. Row 0 was deleted behind the checkpoint and row 262144 inserted, so
/// both states are right; row 524288 was deleted before it.
#[test]
fn rows_that_late_statements_have_changed() {
    let cluster = with_deletes(model::sink::Class::Mysql);
    let mut text = String::new();
    for (op, key) in [
        (Op::Update, 0),
        (Op::Replace, 0),
        (Op::Delete, 786_432),
        (Op::Delete, 262_144),
        (Op::Replace, 262_144),
        (Op::Delete, 524_288),
        (Op::Update, 524_288),
        (Op::Replace, 524_288),
    ] {
        let found = found_in(&cluster, (10_000, 20_000), |actors| late(actors, op, key, 2_000_000));
        text += &format!("{op} {key}: {}\n", found.trim());
    }
    insta::assert_snapshot!(text, @"
    UPDATE 0: 
    REPLACE 0: downstream_is_fed (data): row 0 of t1 was changed at ts11402183, the checkpoint of cf1 is ts18400000, and downstream is ts2000000
    DELETE 786432: downstream_is_fed (data): row 786432 of t1 was changed at ts15236710, the checkpoint of cf1 is ts18400000, and downstream is nothing
    DELETE 262144: 
    REPLACE 262144: downstream_is_fed (data): row 262144 of t1 was deleted at ts18114410, the checkpoint of cf1 is ts18400000, and downstream is ts2000000
    DELETE 524288: 
    UPDATE 524288: 
    REPLACE 524288: downstream_is_fed (data): row 524288 of t1 was deleted at ts17728707, the checkpoint of cf1 is ts18400000, and downstream is ts2000000
    ");
}

/// Whatever a log has besides: a consumer knows which message is the newest.
#[test]
fn a_log_has_every_message_and_others() {
    let kafka = with_deletes(model::sink::Class::Kafka);
    let late = |op, key, commit| found_in(&kafka, (10_000, 20_000), |actors| late(actors, op, key, commit));
    insta::assert_snapshot!(late(Op::Update, 0, 2_000_000), @"");
    insta::assert_snapshot!(late(Op::Delete, 0, 2_000_000), @"");
    let text = found_in(&kafka, (10_000, 20_000), |actors| {
        let history = Arc::new(History::draw(&kafka.workload, Seed(1)));
        set(actors, Addr::Sink, Actor::Sink(Box::new(Sink::new(model::sink::Class::Kafka, history))));
    });
    insta::assert_snapshot!(text, @"downstream_is_fed (data): row 0 of t1 was changed at ts11402183, the checkpoint of cf1 is ts18400000, and downstream is nothing");
}

#[test]
fn a_changefeed_that_is_gone_is_missed() {
    let text =
        found(10_000, 20_000, |actors| set(actors, Addr::Etcd, Actor::Etcd(Box::new(Etcd::holding([])))));
    insta::assert_snapshot!(text, @"downstream_is_fed (changefeed): cf1 is gone from etcd, and nobody asked for that");
}

#[test]
fn the_dispatchers_of_a_closed_manager_write_nothing() {
    let text = found(10_000, 20_000, |actors| {
        for node in [N1, N2] {
            let mut hand = Hand::at(N1, Place::Dispatchers, crate::hand::preset("master"));
            hand.tell(crate::hand::N1, crate::hand::bootstrap(5, None));
            hand.tell(crate::hand::N1, crate::hand::create(5, 1));
            hand.resolve(100);
            hand.tell(crate::hand::N1, crate::hand::close(5, false));
            assert!(hand.state().contains("closed"), "{}", hand.state());
            assert!(hand.state().contains("t1 Working"), "{}", hand.state());
            set(actors, dispatchers(node), hand.actor().clone());
        }
    });
    insta::assert_snapshot!(text, @"downstream_is_fed (coverage): t1 of cf1 has no working dispatcher; its maintainer on n1 (e@570) has 0 spans to place, 0 operators; the coordinator on n2 has it replicating on n1");
}
