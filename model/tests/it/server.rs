//! How a node ends: a whole cluster loses one of its nodes in every way of the failure matrix, and
//! what the node and the others do is told by the moments that count.

use std::sync::Arc;

use model::{
    Actor, Cluster, LinkClass, NodeId, NodeSpec, Note, Policy, Settings, Sim, Weather, Workload,
    coordinator::Note as Coordinator, dispatchers::Note as Dispatchers, etcd::Note as Etcd,
    node::Note as Server,
};
use sim::{
    Clock, Cut, Decisions, Duration, End, Fault, HostId, HostWeather, Instant, Latency, LinkWeather, Links,
    Planned, Seed, What, When, Who,
};

const N3: NodeId = NodeId { slot: 3, life: 0 };
/// When the node fails.
const FAILS_AT: Instant = Instant::from_nanos(10_000_000_000);

pub fn cluster(policy: &str) -> Cluster {
    let millis = Duration::from_millis;
    let link = LinkWeather {
        latency: Latency::uniform(Duration::from_micros(200), millis(2)),
        capacity: 16_384,
        ..LinkWeather::default()
    };
    let micros = |min, max| Latency::uniform(Duration::from_micros(min), Duration::from_micros(max));
    let node = HostWeather {
        hop: Some(micros(10, 300)),
        yields: micros(5, 300),
        slack: Some(micros(0, 300)),
        boot: micros(0, 500_000),
    };
    let statement = Latency::uniform(millis(1), millis(20));
    let policy = Arc::new(Policy::named(policy).expect("a policy"));
    let second = Duration::from_secs(1);
    Cluster {
        nodes: vec![NodeSpec { policy, before: None, clock: Clock::default() }; 3],
        settings: Settings::default(),
        changefeeds: 1,
        targets: Vec::new(),
        old_metadata: false,
        config: model::ChangefeedConfig::default(),
        workload: Workload {
            tables: 6,
            row_every: second,
            rows: 8,
            until: second.times(130),
            ..Workload::default()
        },
        weather: Weather { peer: link, etcd: link, pd: link, upstream: link, sink: link, node, statement },
    }
}

/// The links of node n3 to etcd, or to the other nodes.
fn links(class: LinkClass) -> Links<Actor> {
    let from = End::One(Who::Host(HostId(2)));
    Links { from, to: End::Any, both_ways: true, class: Some(class.class()) }
}

fn cut(class: LinkClass, mode: Cut) -> Fault<Actor> {
    Fault::Cut { links: links(class), mode, lasts: None }
}

fn revocation() -> Fault<Actor> {
    let command = model::etcd::Command::RevokeLeaseOf { node: N3 }.into();
    Fault::Command { to: model::Addr::Etcd, command }
}

/// The moments that count, each with the seconds since the failure: what n3 says of its end, when it starts its last
/// write, what etcd says of its lease, when the others drop it, and when a checkpoint is persisted for the last time.
fn told(policy: &str, seed: u64, fault: Fault<Actor>) -> String {
    told_of(&cluster(policy), seed, FAILS_AT, fault)
}

fn told_of(cluster: &Cluster, seed: u64, failed: Instant, fault: Fault<Actor>) -> String {
    let plan = vec![Planned { when: When::At(failed), fault }];
    let mut sim = Sim::new(cluster.layout(Seed(seed)), plan, Seed(seed), &Decisions::default());
    let mut moments: Vec<(Instant, String)> = Vec::new();
    let (mut write, mut checkpoint) = (None, None);
    while sim.step(Instant::START + Duration::from_secs(130)) {
        let record = sim.record();
        if let What::Fault(Fault::Crash { who: Who::Host(HostId(2)), .. }) = &record.what {
            moments.push((record.at, "n3 is down".to_owned()));
        }
        let What::Step { actor, .. } = &record.what else { continue };
        for note in &record.notes {
            let tells = match note {
                Note::Server(Server::NodeRemoved { gone, .. }) => *gone == N3,
                Note::Server(
                    Server::SessionDone { node }
                    | Server::SelfFence { node, .. }
                    | Server::SelfFenced { node }
                    | Server::ShutsDown { node, .. }
                    | Server::Closing { node },
                ) => *node == N3,
                Note::Etcd(Etcd::LeaseExpired { .. } | Etcd::LeaseRevoked { .. }) => true,
                Note::Dispatchers(Dispatchers::WriteStarted { .. }) => {
                    write = Some(record.at).filter(|_| actor.node() == Some(N3)).or(write);
                    false
                }
                Note::Coordinator(Coordinator::CheckpointPersisted { .. }) => {
                    checkpoint = Some(record.at);
                    false
                }
                _ => false,
            };
            if tells {
                moments.push((record.at, note.to_string()));
            }
        }
    }
    let last = [(write, "n3 starts its last write"), (checkpoint, "the last checkpoint is persisted")];
    moments.extend(last.into_iter().filter_map(|(at, what)| Some((at?, what.to_owned()))));
    moments.sort_by_key(|(at, _)| *at);
    let after = moments.into_iter().filter(|(at, _)| *at >= failed);
    let line = |(at, what): (Instant, String)| {
        format!("{:>3} s {what}\n", (at.since(failed).nanos() + 500_000_000) / 1_000_000_000)
    };
    after.map(line).collect()
}

/// The others drop the node when its lease has run out and the grace of 5 s is over.
#[test]
fn a_crash() {
    let fault = || Fault::Crash { who: Who::Host(HostId(2)), back_after: None };
    insta::assert_snapshot!(told("baseline", 1, fault()), @"
      0 s n3 is down
      7 s LeaseExpired lease3 keys: capture/n3, owner/lease3
     12 s NodeRemoved n1 n3
     12 s NodeRemoved n2 n3
    119 s the last checkpoint is persisted
    ");
    insta::assert_snapshot!(told("master", 1, fault()), @"
      0 s n3 is down
      7 s LeaseExpired lease3 keys: capture/n3, owner/lease3
     12 s NodeRemoved n1 n3
     12 s NodeRemoved n2 n3
    119 s the last checkpoint is persisted
    ");
}

/// A TTL that is too small is replaced; half of a large one is the grace.
#[test]
fn the_session_ttl() {
    let crash = |seconds| {
        let settings = Settings { session_ttl: Duration::from_secs(seconds), ..Settings::default() };
        let fault = Fault::Crash { who: Who::Host(HostId(2)), back_after: None };
        told_of(&Cluster { settings, ..cluster("master") }, 1, FAILS_AT, fault)
    };
    insta::assert_snapshot!(crash(4), @"
      0 s n3 is down
      7 s LeaseExpired lease3 keys: capture/n3, owner/lease3
     12 s NodeRemoved n1 n3
     12 s NodeRemoved n2 n3
    119 s the last checkpoint is persisted
    ");
    insta::assert_snapshot!(crash(5), @"
      0 s n3 is down
      4 s LeaseExpired lease3 keys: capture/n3, owner/lease3
      9 s NodeRemoved n1 n3
      9 s NodeRemoved n2 n3
    119 s the last checkpoint is persisted
    ");
    insta::assert_snapshot!(crash(40), @"
      0 s n3 is down
     30 s LeaseExpired lease3 keys: capture/n3, owner/lease3
     50 s NodeRemoved n1 n3
     50 s NodeRemoved n2 n3
    119 s the last checkpoint is persisted
    ");
}

/// A poll of the watchdog finds out within a second, a renewal within 3.3 s.
#[test]
fn a_lease_that_is_revoked_while_etcd_is_in_reach() {
    let fault = revocation;
    insta::assert_snapshot!(told("baseline", 3, fault()), @"
      0 s LeaseRevoked lease3 keys: capture/n3, owner/lease3
      0 s n3 starts its last write
      0 s SessionDone n3
      0 s ShutsDown n3 `capture suicide`
      0 s Closing n3
      0 s n3 is down
      5 s NodeRemoved n2 n3
      5 s NodeRemoved n1 n3
    119 s the last checkpoint is persisted
    ");
    insta::assert_snapshot!(told("master", 3, fault()), @"
      0 s LeaseRevoked lease3 keys: capture/n3, owner/lease3
      0 s n3 starts its last write
      0 s SelfFence n3 `etcd lease expired`
      0 s SelfFenced n3
      0 s ShutsDown n3 `fenced`
      0 s Closing n3
      0 s n3 is down
      5 s NodeRemoved n1 n3
      5 s NodeRemoved n2 n3
    120 s the last checkpoint is persisted
    ");
}

/// Dispatchers are closed when every module has ended; a fence waits for none of them.
#[test]
fn modules_that_take_their_time() {
    let revoked = |policy, seconds| {
        let modules = (Duration::from_secs(seconds), Duration::from_secs(seconds));
        let settings = Settings { modules, ..Settings::default() };
        told_of(&Cluster { settings, ..cluster(policy) }, 3, FAILS_AT, revocation())
    };
    insta::assert_snapshot!(revoked("baseline", 12), @"
      0 s LeaseRevoked lease3 keys: capture/n3, owner/lease3
      0 s SessionDone n3
      0 s ShutsDown n3 `capture suicide`
      5 s NodeRemoved n2 n3
      5 s NodeRemoved n1 n3
     12 s n3 starts its last write
     12 s Closing n3
     12 s n3 is down
    119 s the last checkpoint is persisted
    ");
    insta::assert_snapshot!(revoked("baseline", 40), @"
      0 s LeaseRevoked lease3 keys: capture/n3, owner/lease3
      0 s SessionDone n3
      0 s ShutsDown n3 `capture suicide`
      5 s NodeRemoved n2 n3
      5 s NodeRemoved n1 n3
     30 s n3 starts its last write
     30 s Closing n3
     30 s n3 is down
    119 s the last checkpoint is persisted
    ");
    insta::assert_snapshot!(revoked("master", 12), @"
      0 s LeaseRevoked lease3 keys: capture/n3, owner/lease3
      0 s n3 starts its last write
      0 s SelfFence n3 `etcd lease expired`
      0 s SelfFenced n3
      0 s ShutsDown n3 `fenced`
      0 s Closing n3
      0 s n3 is down
      5 s NodeRemoved n1 n3
      5 s NodeRemoved n2 n3
    120 s the last checkpoint is persisted
    ");
}

/// Both the watchdog and the node manager hang in a call for 30 s. Then each of them selects at random among what is
/// ready: the end of the session, or to ask once more, which takes another 30 s.
#[test]
fn etcd_is_a_black_hole() {
    for mode in [Cut::Drop, Cut::Hold] {
        let fault = || cut(LinkClass::Etcd, mode);
        insta::allow_duplicates! {
            insta::assert_snapshot!(told("baseline", 3, fault()), @"
              7 s LeaseExpired lease3 keys: capture/n3, owner/lease3
              7 s SessionDone n3
             12 s NodeRemoved n1 n3
             12 s NodeRemoved n2 n3
             90 s ShutsDown n3 `capture suicide`
             95 s n3 starts its last write
             95 s Closing n3
            105 s n3 is down
            119 s the last checkpoint is persisted
            ");
            insta::assert_snapshot!(told("master", 3, fault()), @"
              7 s LeaseExpired lease3 keys: capture/n3, owner/lease3
              7 s SessionDone n3
             12 s NodeRemoved n1 n3
             12 s NodeRemoved n2 n3
             30 s n3 starts its last write
             30 s SelfFence n3 `etcd session done`
             30 s SelfFenced n3
             30 s ShutsDown n3 `fenced`
             30 s Closing n3
             40 s n3 is down
             83 s n3 is down
            120 s the last checkpoint is persisted
            ");
            // The node manager is first, and the watchdog leaves without fencing.
            insta::assert_snapshot!(told("master", 0, fault()), @"
              7 s LeaseExpired lease1 keys: capture/n3, owner/lease1
              7 s SessionDone n3
             12 s NodeRemoved n1 n3
             12 s NodeRemoved n2 n3
             30 s ShutsDown n3 `capture suicide`
             35 s n3 starts its last write
             35 s Closing n3
             45 s n3 is down
             87 s n3 is down
            119 s the last checkpoint is persisted
            ");
        }
    }
}

/// A refused call is tried again until its 30 s are over, and the pause before the last try adds to that. A coordinator
/// that cannot persist a checkpoint does not try again: it takes its process with it.
#[test]
fn etcd_refuses() {
    let fault = || cut(LinkClass::Etcd, Cut::Reset);
    insta::assert_snapshot!(told("baseline", 6, fault()), @"
      7 s LeaseExpired lease3 keys: capture/n3, owner/lease3
      7 s SessionDone n3
     12 s NodeRemoved n1 n3
     12 s NodeRemoved n2 n3
     48 s n3 starts its last write
     48 s ShutsDown n3 `capture suicide`
     48 s Closing n3
     48 s n3 is down
    104 s n3 is down
    119 s the last checkpoint is persisted
    ");
    insta::assert_snapshot!(told("master", 6, fault()), @"
      7 s LeaseExpired lease3 keys: capture/n3, owner/lease3
      7 s SessionDone n3
     12 s NodeRemoved n2 n3
     12 s NodeRemoved n1 n3
     31 s n3 starts its last write
     31 s SelfFence n3 `etcd session done`
     31 s SelfFenced n3
     31 s ShutsDown n3 `fenced`
     31 s Closing n3
     31 s n3 is down
     80 s n3 is down
    119 s the last checkpoint is persisted
    ");
    insta::assert_snapshot!(told("master", 4, fault()), @"
      0 s ShutsDown n3 `the coordinator failed`
      7 s LeaseExpired lease1 keys: capture/n3, owner/lease1
      7 s SessionDone n3
     12 s NodeRemoved n2 n3
     12 s NodeRemoved n1 n3
     30 s n3 starts its last write
     30 s Closing n3
     30 s n3 is down
     95 s n3 is down
    120 s the last checkpoint is persisted
    ");
}

/// Nobody drops a node that only the others cannot reach: it goes on writing, and no checkpoint advances.
#[test]
fn the_other_captures_are_out_of_reach() {
    for policy in ["baseline", "master"] {
        for mode in [Cut::Drop, Cut::Hold, Cut::Reset] {
            insta::allow_duplicates! {
                insta::assert_snapshot!(told(policy, 1, cut(LinkClass::Peer, mode)), @"
                  0 s the last checkpoint is persisted
                120 s n3 starts its last write
                ");
            }
        }
    }
}

/// What etcd says to the node is lost, what the node says arrives: the node's own deadline passes, and since it renews
/// nothing any more, the lease ends too, by its length later.
#[test]
fn the_answers_of_etcd_are_lost() {
    let one_way = || {
        let host = |id| End::One(Who::Host(HostId(id)));
        let class = Some(LinkClass::Etcd.class());
        let links = Links { from: host(3), to: host(2), both_ways: false, class };
        Fault::Cut { links, mode: Cut::Drop, lasts: Some(Duration::from_secs(60)) }
    };
    insta::assert_snapshot!(told("baseline", 3, one_way()), @"
      7 s SessionDone n3
     17 s LeaseExpired lease3 keys: capture/n3, owner/lease3
     22 s NodeRemoved n2 n3
     22 s NodeRemoved n1 n3
     60 s n3 starts its last write
     60 s ShutsDown n3 `capture suicide`
     60 s Closing n3
     60 s n3 is down
    119 s the last checkpoint is persisted
    ");
    insta::assert_snapshot!(told("master", 3, one_way()), @"
      7 s SessionDone n3
     17 s LeaseExpired lease3 keys: capture/n3, owner/lease3
     22 s NodeRemoved n2 n3
     22 s NodeRemoved n1 n3
     30 s n3 starts its last write
     30 s SelfFence n3 `etcd session done`
     30 s SelfFenced n3
     30 s ShutsDown n3 `fenced`
     30 s Closing n3
     40 s n3 is down
     53 s LeaseExpired lease4
     73 s n3 is down
    120 s the last checkpoint is persisted
    ");
}

/// Etcd is out of reach for less than the lease: nobody notices.
#[test]
fn etcd_is_away_for_a_while() {
    let lasts = |seconds| {
        let lasts = Some(Duration::from_secs(seconds));
        Fault::Cut { links: links(LinkClass::Etcd), mode: Cut::Drop, lasts }
    };
    insta::assert_snapshot!(told("baseline", 3, lasts(5)), @"
    119 s the last checkpoint is persisted
    120 s n3 starts its last write
    ");
    insta::assert_snapshot!(told("master", 3, lasts(5)), @"
    120 s the last checkpoint is persisted
    120 s n3 starts its last write
    ");
}

/// The lease runs out while a call for its TTL hangs, and then etcd is back. Only when the call is over does the watchdog see
/// anything, and the node manager, which reads the leader key: at once if the network has held the answer, after the 30 s of
/// a call if it has lost it. The node manager reads more often, so its call hangs first and is over first; then the
/// watchdog leaves without fencing.
#[test]
fn a_call_that_hangs_holds_up_the_watchdog() {
    let away = |mode| {
        let lasts = Some(Duration::from_secs(12));
        Fault::Cut { links: links(LinkClass::Etcd), mode, lasts }
    };
    insta::assert_snapshot!(told("baseline", 3, away(Cut::Hold)), @"
      7 s LeaseExpired lease3 keys: capture/n3, owner/lease3
      7 s SessionDone n3
     12 s n3 starts its last write
     12 s ShutsDown n3 `capture suicide`
     12 s Closing n3
     12 s n3 is down
     12 s NodeRemoved n1 n3
     12 s NodeRemoved n2 n3
    119 s the last checkpoint is persisted
    ");
    insta::assert_snapshot!(told("master", 3, away(Cut::Hold)), @"
      7 s LeaseExpired lease3 keys: capture/n3, owner/lease3
      7 s SessionDone n3
     12 s n3 starts its last write
     12 s SelfFence n3 `etcd lease expired`
     12 s ShutsDown n3 `capture suicide`
     12 s SelfFenced n3
     12 s ShutsDown n3 `fenced`
     12 s Closing n3
     12 s n3 is down
     12 s NodeRemoved n1 n3
     12 s NodeRemoved n2 n3
    120 s the last checkpoint is persisted
    ");
    insta::assert_snapshot!(told("baseline", 3, away(Cut::Drop)), @"
      7 s LeaseExpired lease3 keys: capture/n3, owner/lease3
      7 s SessionDone n3
     12 s NodeRemoved n1 n3
     12 s NodeRemoved n2 n3
     30 s n3 starts its last write
     30 s ShutsDown n3 `capture suicide`
     30 s Closing n3
     30 s n3 is down
    119 s the last checkpoint is persisted
    ");
    insta::assert_snapshot!(told("master", 3, away(Cut::Drop)), @"
      7 s LeaseExpired lease3 keys: capture/n3, owner/lease3
      7 s SessionDone n3
     12 s NodeRemoved n1 n3
     12 s NodeRemoved n2 n3
     30 s n3 starts its last write
     30 s ShutsDown n3 `capture suicide`
     30 s Closing n3
     30 s n3 is down
    120 s the last checkpoint is persisted
    ");
    let fences =
        |mode| (0..12).filter(|seed| told("master", *seed, away(mode)).contains("SelfFenced")).count();
    assert_eq!((fences(Cut::Hold), fences(Cut::Drop)), (7, 0), "of 12 nodes that fence themselves");
}

/// A node without PD goes on: epochs come from PD, sessions do not.
#[test]
fn pd_is_out_of_reach() {
    for mode in [Cut::Drop, Cut::Reset] {
        insta::allow_duplicates! {
            insta::assert_snapshot!(told("baseline", 3, cut(LinkClass::Pd, mode)), @"
            119 s the last checkpoint is persisted
            120 s n3 starts its last write
            ");
            insta::assert_snapshot!(told("master", 3, cut(LinkClass::Pd, mode)), @"
            120 s the last checkpoint is persisted
            120 s n3 starts its last write
            ");
        }
    }
}

/// A process that stands still for longer than its lease and the grace of the others: when it goes on, it first goes on
/// with what it had in hand.
#[test]
fn the_process_stands_still() {
    let pause = || {
        let lasts = Some(Duration::from_secs(20));
        Fault::Pause { who: Who::Host(HostId(2)), lasts }
    };
    insta::assert_snapshot!(told("baseline", 3, pause()), @"
      7 s LeaseExpired lease3 keys: capture/n3, owner/lease3
     12 s NodeRemoved n1 n3
     12 s NodeRemoved n2 n3
     20 s SessionDone n3
     20 s ShutsDown n3 `capture suicide`
     20 s Closing n3
     20 s n3 starts its last write
     20 s n3 is down
    119 s the last checkpoint is persisted
    ");
    insta::assert_snapshot!(told("master", 3, pause()), @"
      7 s LeaseExpired lease3 keys: capture/n3, owner/lease3
     12 s NodeRemoved n1 n3
     12 s NodeRemoved n2 n3
     20 s SessionDone n3
     20 s ShutsDown n3 `capture suicide`
     20 s Closing n3
     20 s n3 starts its last write
     20 s n3 is down
    120 s the last checkpoint is persisted
    ");
}

/// Who notices first when etcd is out of reach is chance.
#[test]
fn the_watchdog_can_lose_against_the_node_manager() {
    let fences = |seed: &u64| told("master", *seed, cut(LinkClass::Etcd, Cut::Drop)).contains("SelfFence ");
    let fenced = (0..20).filter(fences).count();
    assert!((3..=17).contains(&fenced), "{fenced} of 20 nodes fenced themselves");
}

/// A poll of the watchdog or a renewal tells; the end of a session is seen by the watchdog or by the node manager.
#[test]
fn a_revoked_lease_is_noticed_in_three_ways() {
    let at = |seed| FAILS_AT + Duration::from_millis(83 * seed);
    let text = |seed| told_of(&cluster("master"), seed, at(seed), revocation());
    let texts: Vec<String> = (0..60).map(text).collect();
    for way in ["SelfFence n3 `etcd lease expired`", "SelfFence n3 `etcd session done`", "`capture suicide`"]
    {
        assert!(texts.iter().any(|text| text.contains(way)), "{way}");
    }
}
