//! The same seed gives the same run: twice, on every build, and from a clone.

use std::fmt::Write as _;

use crate::support::{Node, gossip, ping_pong, scribes, timers};
use proptest::prelude::*;
use sim::{
    Cut, Decision, Decisions, Duration, End, Fault, HostId, HostWeather, Instant, Latency, LinkWeather,
    Links, Moment, Otherwise, Planned, Priorities, Seed, Sim, When, Who,
};

fn after(secs: u64) -> Instant {
    Instant::START + Duration::from_secs(secs)
}

fn millis(min: u64, max: u64) -> Latency {
    Latency::uniform(Duration::from_millis(min), Duration::from_millis(max))
}

/// Every kind of weather, and a fault of every kind.
fn stormy(seed: u64, decisions: &Decisions) -> Sim<Node> {
    let weather = LinkWeather {
        latency: Latency {
            tail: Some((50_000, (Duration::from_millis(200), Duration::from_secs(1)))),
            ..millis(1, 20)
        },
        loss_per_million: 20_000,
        copies_per_million: 20_000,
        capacity: 50,
        straggler: None,
    };
    let host = HostWeather {
        hop: Some(millis(0, 2)),
        yields: millis(0, 5),
        slack: Some(millis(0, 1)),
        boot: millis(0, 9),
    };
    let n = |n: u16| Who::Host(HostId(n));
    let lasts = Some(Duration::from_millis(700));
    let at = |millis: u64, fault| Planned {
        when: When::At(Instant::START + Duration::from_millis(millis)),
        fault,
    };
    let upon = |nth: u64, fault| Planned {
        when: When::Upon {
            kind: Moment::named::<Node>("Heard").unwrap(),
            nth,
            to: None,
            after: Duration::from_millis(3),
        },
        fault,
    };
    let plan = vec![
        at(300, Fault::Crash { who: n(0), back_after: lasts }),
        at(500, Fault::Pause { who: n(1), lasts }),
        at(700, Fault::Cut { links: Links::around(n(2)), mode: Cut::Hold, lasts }),
        at(800, Fault::Cut { links: Links::between(HostId(1), HostId(2)), mode: Cut::Drop, lasts }),
        at(900, Fault::ClockDrift { who: n(3), ppm: 40_000 }),
        at(950, Fault::ClockJump { who: n(3), nanos: -5 }),
        at(
            1000,
            Fault::Slow {
                links: Links { from: End::Any, ..Links::around(n(0)) },
                latency: millis(90, 100),
                lasts,
            },
        ),
        at(1500, Fault::Crash { who: Who::Role(3), back_after: None }),
        at(2500, Fault::Restart { who: n(3) }),
        upon(50, Fault::Pause { who: Who::Receiver, lasts }),
        upon(90, Fault::Crash { who: Who::Sender, back_after: lasts }),
        upon(95, Fault::Command { to: crate::support::Peer(1), command: 3 }),
        at(4000, Fault::Calm),
    ];
    Sim::new(scribes(4, weather, host), plan, Seed(seed), decisions)
}

/// Runs to the end and returns the number of records and the digest.
fn finish(sim: &mut Sim<Node>) -> (u64, u64) {
    let mut records = 0;
    while sim.step(after(6)) {
        records += 1;
    }
    (records, sim.digest().value())
}

#[test]
fn the_same_seed_twice_is_the_same_run() {
    for seed in 0..20 {
        let (one, two) = (&mut stormy(seed, &Decisions::default()), &mut stormy(seed, &Decisions::default()));
        assert_eq!(finish(one), finish(two));
        assert_ne!(finish(&mut stormy(seed + 1, &Decisions::default())).1, one.digest().value());
    }
}

/// The same file is checked by debug and release builds, on every machine. It changes only with the meaning of seeds:
/// `UPDATE_DIGESTS=1 cargo test -p sim` rewrites it.
#[test]
fn golden_digests() {
    let mut found = String::new();
    let layouts = [("ping-pong", ping_pong()), ("gossip", gossip()), ("timers", timers())];
    for (name, layout) in layouts {
        let mut sim = Sim::new(layout, Vec::new(), Seed(42), &Decisions::default());
        for _ in 0..100_000 {
            sim.step(Instant::NEVER);
        }
        writeln!(found, "{name} 42 {:016x}", sim.digest().value()).unwrap();
    }
    for seed in [0, 1, u64::MAX] {
        let (records, digest) = finish(&mut stormy(seed, &Decisions::default()));
        writeln!(found, "stormy {seed} {digest:016x} after {records} records").unwrap();
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/kernel-digests.txt");
    if std::env::var_os("UPDATE_DIGESTS").is_some() {
        std::fs::write(path, &found).unwrap();
    }
    assert_eq!(found, std::fs::read_to_string(path).unwrap());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    #[test]
    fn a_clone_goes_the_same_way(seed: u64, branch in 0_u64..6_000_000_000) {
        let mut original = stormy(seed, &Decisions::default());
        while original.step(Instant::from_nanos(branch)) {}
        let mut clone = original.clone();
        prop_assert_eq!(finish(&mut clone), finish(&mut original));
    }

    #[test]
    fn an_override_of_what_happened_anyway_changes_nothing(seed: u64) {
        let mut plain = stormy(seed, &Decisions::default());
        let expected = finish(&mut plain);
        let address = "loss n2>n3 Ping #999999".parse().unwrap();
        let overrides = [(address, Decision::Whether(true))].into();
        let mut same = stormy(seed, &Decisions { overrides, ..Decisions::default() });
        prop_assert_eq!(finish(&mut same), expected);
        prop_assert_eq!(same.overrides_used(), 0);
    }

    /// A run is known by what was decided in it otherwise than nominally, whoever decided.
    #[test]
    fn what_was_decided_can_be_decided_again(seed: u64, changes in prop::collection::btree_set(0_u64..5_000, 0..4)) {
        let changes = changes.into_iter().collect();
        let priorities = Otherwise::Prioritized(Priorities { key: seed, changes });
        for otherwise in [Otherwise::Seeded, Otherwise::Nominal, priorities] {
            let mut logged = stormy(seed, &Decisions { otherwise: otherwise.clone(), logged: true, ..Decisions::default() });
            let mut plain = stormy(seed, &Decisions { otherwise, ..Decisions::default() });
            let expected = finish(&mut plain);
            prop_assert_eq!(finish(&mut logged), expected);
            let decided: Vec<_> = logged.decided().collect();
            let overrides = decided.iter().map(|one| (one.address.clone(), one.decision)).collect();
            let mut again = stormy(seed, &Decisions::nominal_but(overrides));
            prop_assert_eq!(finish(&mut again), expected);
            prop_assert_eq!(again.overrides_used(), decided.len());
        }
    }
}

/// A stream whose turn it is becomes the slowest of all.
#[test]
fn priorities_change_at_a_moment() {
    let weather = LinkWeather { latency: millis(1, 2), ..LinkWeather::default() };
    let longest = |changes: &[u64]| {
        let otherwise = Otherwise::Prioritized(Priorities { key: 3, changes: changes.to_vec() });
        let decisions = Decisions { otherwise, logged: true, ..Decisions::default() };
        let mut sim = Sim::new(scribes(2, weather, HostWeather::default()), Vec::new(), Seed(1), &decisions);
        while sim.step(after(1)) {}
        let longest = Decision::Delay(Duration::from_millis(2));
        let longest = sim.decided().filter(|one| one.decision == longest);
        longest.map(|one| one.address.to_string()).next()
    };
    assert_eq!(longest(&[]), None);
    assert_eq!(longest(&[5]).as_deref(), Some("latency n2>n1 Ping #2"));
}

#[test]
fn an_override_changes_one_delivery() {
    let weather = LinkWeather { latency: millis(1, 2), ..LinkWeather::default() };
    let run = |decisions: &Decisions| {
        let mut sim = Sim::new(scribes(2, weather, HostWeather::default()), Vec::new(), Seed(1), decisions);
        while sim.step(after(1)) {}
        crate::support::seen(sim.machine(crate::support::Peer(1))).to_vec()
    };
    let lost: sim::DecisionAddress = "loss n1>n2 Ping #7".parse().unwrap();
    let decisions = Decisions { overrides: [(lost, Decision::Whether(true))].into(), ..Decisions::default() };
    let mut expected = run(&Decisions::default());
    expected.retain(|n| *n != 7);
    assert_eq!(run(&decisions), expected);
}
