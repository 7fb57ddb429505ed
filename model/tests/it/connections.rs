//! What becomes of commands between two nodes whose connection breaks: n1 has made it, n3 has accepted it.

use std::collections::BTreeMap;

use crate::server::cluster;
use model::{Actor, Cluster, LinkClass, Msg, Note, Sim, messages::Note as Messages};
use sim::{
    Cut, Decisions, Duration, End, Fault, HostId, Input, Instant, Kind as _, Links, Planned, Seed, StepId,
    What, When, Who,
};

const CUT_AT: Instant = Instant::from_nanos(20_000_000_000);

/// Between n1 and n3 something cuts the link, for so many seconds.
fn cut(mode: Cut, seconds: u64) -> Fault<Actor> {
    let host = |id| End::One(Who::Host(HostId(id)));
    let class = Some(LinkClass::Peer.class());
    let links = Links { from: host(0), to: host(2), both_ways: true, class };
    Fault::Cut { links, mode, lasts: Some(Duration::from_secs(seconds)) }
}

/// The commands that one of the two sends the other, from the cut on.
#[derive(Default)]
struct Way {
    arrived: u32,
    late: u32,
    longest: Duration,
    lost: BTreeMap<String, u32>,
    not_sent: BTreeMap<&'static str, u32>,
    overtaken: u32,
    last: Option<StepId>,
}

/// What both ends say of the connection, with the seconds since the cut, and what becomes of commands.
fn told(cluster: &Cluster, fault: Fault<Actor>) -> String {
    let plan = vec![Planned { when: When::At(CUT_AT), fault }];
    let mut sim = Sim::new(cluster.layout(Seed(0)), plan, Seed(0), &Decisions::default());
    let mut sent_at = vec![Instant::START];
    let mut ways: BTreeMap<(u8, u8), Way> = BTreeMap::new();
    let mut text = String::new();
    while sim.step(Instant::START + Duration::from_secs(130)) {
        let record = sim.record();
        sent_at.push(record.at);
        if record.at < CUT_AT {
            continue;
        }
        let sent = record.cause.map_or(Instant::START, |cause| sent_at[cause.0 as usize]);
        let between = |from: model::Addr, to: model::Addr, msg: &Msg| {
            let ends = (from.node()?.slot, to.node()?.slot);
            (matches!(ends, (1, 3) | (3, 1)) && !matches!(msg, Msg::Messages(_))).then_some(ends)
        };
        match &record.what {
            What::Step { actor, input: Input::Message { from, msg } } => {
                if let Some(ends) = between(*from, *actor, msg) {
                    let way = ways.entry(ends).or_default();
                    way.arrived += 1;
                    way.late += u32::from(record.at.since(sent) > Duration::from_secs(1));
                    way.longest = way.longest.max(record.at.since(sent));
                    // Messages of one kind keep their order behind the router, too.
                    if msg.kind() == heartbeat() {
                        way.overtaken += u32::from(way.last > record.cause);
                        way.last = way.last.max(record.cause);
                    }
                }
            }
            What::Lost { from, to, msg, why } => {
                if let Some(ends) = between(*from, *to, msg) {
                    *ways.entry(ends).or_default().lost.entry(why.to_string()).or_default() += 1;
                }
            }
            _ => {}
        }
        for note in &record.notes {
            let Note::Messages(note) = note else { continue };
            let (node, peer) = match note {
                Messages::ConnectionUp { node, peer } | Messages::ConnectionLost { node, peer, .. } => {
                    (node, peer)
                }
                Messages::DialFailed { node, peer } | Messages::SentLate { node, peer, .. } => (node, peer),
                Messages::NotSent { to, why, .. } => {
                    let What::Step { actor, .. } = &record.what else { continue };
                    let ends = (actor.node().expect("a node").slot, to.slot);
                    *ways.entry(ends).or_default().not_sent.entry(why).or_default() += 1;
                    continue;
                }
            };
            if let (1, 3) | (3, 1) = (node.slot, peer.slot) {
                text += &format!("{:>2} s {note}\n", record.at.since(CUT_AT).nanos() / 1_000_000_000);
            }
        }
    }
    for ((from, to), way) in ways {
        let seconds = way.longest.nanos() / 1_000_000_000;
        text += &format!("n{from} to n{to}: {} arrive", way.arrived);
        if way.late > 0 {
            text += &format!(", {} of them more than 1 s after they were sent, up to {seconds} s", way.late);
        }
        if way.overtaken > 0 {
            text += &format!("; {} overtaken", way.overtaken);
        }
        for (why, count) in way.lost {
            text += &format!("; {count} lost, {why}");
        }
        for (why, count) in way.not_sent {
            text += &format!("; {count} not sent, {why}");
        }
        text += "\n";
    }
    text
}

fn heartbeat() -> usize {
    let name = |kind: &usize| Msg::name(*kind) == "HeartBeatRequest";
    (0..Msg::KINDS).find(name).expect("there are heartbeats")
}

#[test]
fn it_is_reset_and_stays_away_for_five_seconds() {
    insta::assert_snapshot!(told(&cluster("master"), cut(Cut::Reset, 5)), @"
     0 s ConnectionLost n1 n3 `it was reset`
     0 s ConnectionLost n3 n1 `it was reset`
     1 s DialFailed n1 n3
     2 s DialFailed n1 n3
     3 s DialFailed n1 n3
     4 s DialFailed n1 n3
     5 s ConnectionUp n3 n1
     5 s SentLate n3 n1 messages=25
     5 s ConnectionUp n1 n3
     5 s SentLate n1 n3 messages=2
    n1 to n3: 128 arrive; 4 not sent, the streams are not ready
    n3 to n1: 549 arrive
    ");
}

#[test]
fn a_silent_partition_that_heals_in_time_is_noticed_by_nobody() {
    insta::assert_snapshot!(told(&cluster("master"), cut(Cut::Hold, 40)), @"
    n1 to n3: 132 arrive, 47 of them more than 1 s after they were sent, up to 39 s
    n3 to n1: 549 arrive, 195 of them more than 1 s after they were sent, up to 39 s
    ");
}

#[test]
fn a_silent_partition_that_lasts_is_given_up() {
    insta::assert_snapshot!(told(&cluster("master"), cut(Cut::Hold, 70)), @"
    49 s ConnectionLost n1 n3 `the other end is silent`
    53 s DialFailed n1 n3
    56 s DialFailed n1 n3
    59 s DialFailed n1 n3
    62 s DialFailed n1 n3
    65 s DialFailed n1 n3
    68 s DialFailed n1 n3
    70 s ConnectionLost n3 n1 `the other end closed it`
    70 s ConnectionUp n3 n1
    70 s ConnectionUp n1 n3
    n1 to n3: 48 arrive; 60 lost, the connection broke; 24 not sent, the streams are not ready
    n3 to n1: 200 arrive; 100 lost, refused, there is no stream of its sender; 249 lost, the connection broke
    ");
}

#[test]
fn at_a_reconnect_one_message_of_a_stream_may_be_overtaken() {
    let mut cluster = cluster("master");
    cluster.weather.peer.straggler = Some((1_000_000, (Duration::from_secs(7), Duration::from_secs(8))));
    cluster.weather.peer.latency =
        sim::Latency::uniform(Duration::from_millis(300), Duration::from_millis(400));
    insta::assert_snapshot!(told(&cluster, cut(Cut::Reset, 1)), @"
     0 s ConnectionLost n1 n3 `it was reset`
     0 s ConnectionLost n3 n1 `it was reset`
     2 s ConnectionUp n3 n1
     2 s SentLate n3 n1 messages=11
     2 s ConnectionUp n1 n3
     2 s SentLate n1 n3 messages=2
    n1 to n3: 131 arrive; 1 not sent, the streams are not ready
    n3 to n1: 548 arrive, 1 of them more than 1 s after they were sent, up to 8 s; 1 overtaken; 1 lost, the connection broke
    ");
}

#[test]
fn a_link_holds_no_more_than_its_capacity() {
    let mut cluster = cluster("master");
    cluster.weather.peer.capacity = 100;
    insta::assert_snapshot!(told(&cluster, cut(Cut::Hold, 40)), @"
    n1 to n3: 132 arrive, 47 of them more than 1 s after they were sent, up to 39 s
    n3 to n1: 449 arrive, 100 of them more than 1 s after they were sent, up to 39 s; 100 lost, the queue is full
    ");
}
