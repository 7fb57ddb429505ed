//! Links: streams keep their order under every fault, cuts are decided at delivery, clogs keep what they hold.

use crate::support::{Node, Peer, scribes, seen};
use proptest::prelude::*;
use sim::{
    Cut, Decisions, Duration, Fault, HostId, HostWeather, Input, Instant, Latency, LinkWeather, Links, Loss,
    Planned, Seed, Sim, What, When, Who,
};

fn millis(min: u64, max: u64) -> Latency {
    Latency::uniform(Duration::from_millis(min), Duration::from_millis(max))
}

fn at(millis: u64) -> Instant {
    Instant::START + Duration::from_millis(millis)
}

fn planned(time: u64, fault: Fault<Node>) -> Planned<Node> {
    Planned { when: When::At(at(time)), fault }
}

fn run(weather: LinkWeather, host: HostWeather, plan: Vec<Planned<Node>>, seed: u64) -> Sim<Node> {
    Sim::new(scribes(3, weather, host), plan, Seed(seed), &Decisions::default())
}

fn finish(sim: &mut Sim<Node>, until: u64) {
    while sim.step(at(until)) {}
}

/// A fault of some kind at some time, for some time.
fn any_fault() -> impl Strategy<Value = Planned<Node>> {
    (0..10, 0_u64..3000, 1_u64..1500, 0..3_u16).prop_map(|(kind, time, lasts, host)| {
        let who = Who::Host(HostId(host));
        let links = Links::around(Who::Host(HostId(host)));
        let lasts = Some(Duration::from_millis(lasts));
        let fault = match kind {
            0 => Fault::Pause { who, lasts },
            1 => Fault::Cut { links, mode: Cut::Hold, lasts },
            2 => Fault::Cut { links, mode: Cut::Drop, lasts },
            3 => Fault::Slow { links, latency: millis(0, 200), lasts },
            4 => Fault::Heal { links },
            5 => Fault::ClockDrift { who, ppm: 100_000 },
            6 => Fault::Cut { links: Links { both_ways: false, ..links }, mode: Cut::Hold, lasts },
            7 => Fault::Resume { who },
            8 => Fault::Cut { links, mode: Cut::Reset, lasts },
            _ => Fault::Calm,
        };
        planned(time, fault)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Whatever happens, what is delivered of a stream is delivered in the order in which it was sent.
    #[test]
    fn a_stream_keeps_its_order(seed: u64, plan in prop::collection::vec(any_fault(), 0..12), hops: bool) {
        let weather = LinkWeather {
            latency: Latency { tail: Some((100_000, (Duration::from_millis(100), Duration::from_secs(1)))), ..millis(1, 30) },
            loss_per_million: 50_000,
            copies_per_million: 50_000,
            capacity: 30,
            straggler: None,
        };
        let host = HostWeather { hop: hops.then(|| millis(0, 20)), yields: millis(0, 5), ..HostWeather::default() };
        let mut sim = run(weather, host, plan, seed);
        finish(&mut sim, 6000);
        for peer in 0..3 {
            let seen = seen(sim.machine(Peer(peer)));
            prop_assert!(seen.is_sorted(), "{seen:?}");
            prop_assert!(seen.len() > 50);
        }
    }

    /// Nothing crosses a link while it drops, not even what was sent before.
    #[test]
    fn nothing_is_delivered_across_a_cut(seed: u64) {
        let lasts = Some(Duration::from_millis(500));
        let links = Links::between(HostId(0), HostId(1));
        let weather = LinkWeather { latency: millis(1, 300), ..LinkWeather::default() };
        let cut = planned(400, Fault::Cut { links, mode: Cut::Drop, lasts });
        let mut sim = run(weather, HostWeather::default(), vec![cut], seed);
        let mut lost = 0;
        while sim.step(at(2000)) {
            let record = sim.record();
            let during = record.at > at(400) && record.at < at(900);
            match &record.what {
                What::Step { actor, input: Input::Message { .. } } => {
                    prop_assert!(!(during && *actor == Peer(1)), "delivered at {}", record.at);
                }
                What::Lost { to, why, .. } => {
                    prop_assert!(during && *to == Peer(1) && *why == Loss::Cut);
                    lost += 1;
                }
                _ => {}
            }
        }
        prop_assert!(lost > 0);
    }
}

#[test]
fn a_clog_loses_nothing_and_comes_out_in_one_burst() {
    let weather = LinkWeather { latency: millis(1, 5), ..LinkWeather::default() };
    let links = Links::between(HostId(0), HostId(1));
    let clog = planned(100, Fault::Cut { links, mode: Cut::Hold, lasts: Some(Duration::from_millis(200)) });
    let mut sim = run(weather, HostWeather::default(), vec![clog], 3);
    let mut burst = 0;
    while sim.step(at(1000)) {
        let record = sim.record();
        if let What::Step { actor: Peer(1), input: Input::Message { .. } } = record.what {
            assert!(record.at <= at(100) || record.at >= at(300));
            burst += u32::from(record.at == at(300));
        }
    }
    assert!(burst >= 19, "{burst}");
    let seen = seen(sim.machine(Peer(1)));
    assert!(seen.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{seen:?}");
}

/// What came to the door of a paused host was sent before what the link holds after it.
#[test]
fn the_calm_ends_a_pause_and_a_clog_in_order() {
    let weather = LinkWeather { latency: millis(1, 1), ..LinkWeather::default() };
    let pause = planned(100, Fault::Pause { who: Who::Host(HostId(1)), lasts: None });
    let links = Links::between(HostId(0), HostId(1));
    let clog = planned(200, Fault::Cut { links, mode: Cut::Hold, lasts: None });
    let mut sim = run(weather, HostWeather::default(), vec![pause, clog, planned(300, Fault::Calm)], 3);
    finish(&mut sim, 500);
    let seen = seen(sim.machine(Peer(1)));
    assert!(seen.len() > 40 && seen.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{seen:?}");
}

#[test]
fn two_cuts_of_one_link_last_until_both_have_ended() {
    let weather = LinkWeather { latency: millis(1, 1), ..LinkWeather::default() };
    let cut = |time, mode, millis| {
        let lasts = Some(Duration::from_millis(millis));
        planned(time, Fault::Cut { links: Links::between(HostId(0), HostId(1)), mode, lasts })
    };
    let mut sim =
        run(weather, HostWeather::default(), vec![cut(100, Cut::Hold, 100), cut(150, Cut::Drop, 200)], 3);
    finish(&mut sim, 340);
    assert_eq!(seen(sim.machine(Peer(1))).last(), Some(&8));
    finish(&mut sim, 1000);
    let seen = seen(sim.machine(Peer(1)));
    // Sent from 10 ms on every 10 ms: #9 arrives at 101 ms and is held, #14 at 151 ms is dropped.
    assert_eq!(seen[..16], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 34, 35]);
}

#[test]
fn a_full_queue_drops_what_is_sent() {
    let weather = LinkWeather { latency: millis(95, 95), capacity: 3, ..LinkWeather::default() };
    let mut sim = run(weather, HostWeather::default(), Vec::new(), 3);
    let mut full = 0;
    while sim.step(at(500)) {
        full += u32::from(matches!(sim.record().what, What::Lost { why: Loss::Full, .. }));
    }
    assert!(full > 0);
    assert_eq!(seen(sim.machine(Peer(1)))[..5], [0, 1, 2, 10, 11]);
}

#[test]
fn messages_survive_the_death_of_their_sender() {
    let weather = LinkWeather { latency: millis(300, 300), ..LinkWeather::default() };
    let crash = planned(105, Fault::Crash { who: Who::Host(HostId(0)), back_after: None });
    let mut sim = run(weather, HostWeather::default(), vec![crash], 3);
    finish(&mut sim, 1000);
    assert_eq!(seen(sim.machine(Peer(1))), (0..10).collect::<Vec<_>>());
}
