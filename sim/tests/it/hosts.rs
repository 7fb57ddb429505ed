//! Hosts: pauses, crashes, clocks.

use crate::support::{Node, Peer, scribes, seen};
use sim::{
    Cut, Decisions, Duration, Fault, HostId, HostWeather, Input, Instant, Latency, LinkWeather, Links, Loss,
    Moment, Planned, Seed, Sim, What, When, Who,
};

fn at(millis: u64) -> Instant {
    Instant::START + Duration::from_millis(millis)
}

fn run(plan: Vec<Planned<Node>>) -> Sim<Node> {
    let latency = Latency::fixed(Duration::from_millis(1));
    let weather = LinkWeather { latency, ..LinkWeather::default() };
    Sim::new(scribes(2, weather, HostWeather::default()), plan, Seed(1), &Decisions::default())
}

fn planned(time: u64, fault: Fault<Node>) -> Planned<Node> {
    Planned { when: When::At(at(time)), fault }
}

const N1: Who<Node> = Who::Host(HostId(0));

/// The trace of everything at one actor between two times.
fn trace(sim: &mut Sim<Node>, actor: Peer, from: u64, until: u64) -> String {
    let mut text = String::new();
    while sim.step(at(until)) {
        let record = sim.record();
        let here = match &record.what {
            What::Step { actor: one, .. } | What::Lost { to: one, .. } => *one == actor,
            _ => true,
        };
        if here && record.at >= at(from) {
            text += &format!("{}\n", record.show(sim.names()));
        }
    }
    text
}

#[test]
fn a_paused_host_handles_its_backlog_in_order() {
    let pause = planned(35, Fault::Pause { who: N1, lasts: Some(Duration::from_millis(30)) });
    let mut sim = run(vec![pause]);
    // The alarm of 40 ms is the only one it had set; the messages are those that came meanwhile, in order.
    insta::assert_snapshot!(trace(&mut sim, Peer(0), 30, 82), @"
    #13            0.03s n1/actor .. Tick 2 (#9)
    #16           0.031s n1/actor <- Ping 2 from n2/actor (#14)
                          ** Heard 2
    #17           0.035s -- n1 is paused for 30ms
    #21           0.065s -- n1 goes on (#17)
    #22           0.065s n1/actor .. Tick 3 (#13)
    #23           0.065s n1/actor <- Ping 3 from n2/actor (#18)
                          ** Heard 3
    #24           0.065s n1/actor <- Ping 4 from n2/actor (#19)
                          ** Heard 4
    #25           0.065s n1/actor <- Ping 5 from n2/actor (#20)
                          ** Heard 5
    #28           0.071s n1/actor <- Ping 6 from n2/actor (#27)
                          ** Heard 6
    #29           0.075s n1/actor .. Tick 4 (#22)
    #32           0.081s n1/actor <- Ping 7 from n2/actor (#31)
                          ** Heard 7
    #33           0.081s n1/actor .. Rest 1 (#32)
    ");
}

#[test]
fn a_crash_loses_alarms_and_what_recover_does_not_keep() {
    let crash = planned(35, Fault::Crash { who: N1, back_after: Some(Duration::from_millis(30)) });
    let mut sim = run(vec![crash]);
    insta::assert_snapshot!(trace(&mut sim, Peer(0), 30, 82), @"
    #13            0.03s n1/actor .. Tick 2 (#9)
    #16           0.031s n1/actor <- Ping 2 from n2/actor (#14)
                          ** Heard 2
    #17           0.035s -- n1 crashes, back in 30ms
    #19           0.041s n1/actor xx Ping 3 from n2/actor: the receiver is down (#18)
    #21           0.051s n1/actor xx Ping 4 from n2/actor: the receiver is down (#20)
    #23           0.061s n1/actor xx Ping 5 from n2/actor: the receiver is down (#22)
    #24           0.065s -- n1 comes up (#17)
    #25           0.065s n1/actor starts (#24)
    #27           0.071s n1/actor <- Ping 6 from n2/actor (#26)
                          ** Heard 6
    #28           0.075s n1/actor .. Tick 0 (#25)
    #32           0.081s n1/actor <- Ping 7 from n2/actor (#31)
                          ** Heard 7
    #33           0.081s n1/actor .. Rest 1 (#32)
    ");
    let Node::Scribe { seen, .. } = sim.machine(Peer(0)) else { panic!("a scribe") };
    assert_eq!(seen[..5], [0, 1, 2, 6, 7], "what it had seen is durable");
}

#[test]
fn what_is_under_way_inside_a_host_dies_with_it() {
    let host = HostWeather { hop: Some(Latency::fixed(Duration::from_millis(8))), ..HostWeather::default() };
    let latency = Latency::fixed(Duration::from_millis(1));
    let layout = scribes(2, LinkWeather { latency, ..LinkWeather::default() }, host);
    let crash = planned(35, Fault::Crash { who: N1, back_after: Some(Duration::from_millis(1)) });
    let mut sim = Sim::new(layout, vec![crash], Seed(1), &Decisions::default());
    let mut lost = Vec::new();
    while sim.step(at(100)) {
        if let What::Lost { to, why: Loss::Down, msg, .. } = &sim.record().what {
            lost.push((*to, msg.to_string()));
        }
    }
    assert_eq!(lost, [(Peer(0), "Ping 2".to_owned())]);
}

#[test]
fn alarms_follow_the_clock_of_their_host() {
    let drift = planned(100, Fault::ClockDrift { who: N1, ppm: 250_000 });
    let mut sim = run(vec![drift]);
    let mut rings = Vec::new();
    while sim.step(at(150)) {
        if let What::Step { actor: Peer(0), input: Input::Alarm(crate::support::Timer::Tick(_)) } =
            sim.record().what
        {
            rings.push(sim.record().at.nanos() / 1000);
        }
    }
    assert_eq!(rings[8..], [90_000, 100_000, 108_000, 116_000, 124_000, 132_000, 140_000, 148_000]);
}

#[test]
fn a_pending_alarm_is_moved_when_the_clock_changes_its_rate() {
    let drift = planned(95, Fault::ClockDrift { who: N1, ppm: 250_000 });
    let mut sim = run(vec![drift]);
    let mut rings = Vec::new();
    while sim.step(at(120)) {
        if let What::Step { actor: Peer(0), input: Input::Alarm(crate::support::Timer::Tick(_)) } =
            sim.record().what
        {
            rings.push(sim.record().at.nanos() / 1000);
        }
    }
    assert_eq!(rings[8..], [90_000, 99_000, 107_000, 115_000]);
}

#[test]
fn a_moment_is_the_nth_delivery_to_somebody() {
    let when = |nth, to, name| When::Upon {
        kind: Moment::named::<Node>(name).expect("a kind of this name"),
        nth,
        to,
        after: Duration::ZERO,
    };
    let command = |command| Fault::Command { to: Peer(0), command };
    let plan = vec![
        Planned { when: when(4, Some(Peer(0)), "Ping"), fault: command(1) },
        Planned { when: when(5, None, "Heard"), fault: command(2) },
    ];
    let mut sim = run(plan);
    while sim.step(at(60)) {}
    assert_eq!(seen(sim.machine(Peer(0))), [0, 1, 1_000_002, 2, 3, 1_000_001, 4]);
    assert!(Moment::named::<Node>("Nonsense").is_none());
}

#[test]
fn calm_brings_everybody_back() {
    let plan = vec![
        planned(30, Fault::Crash { who: N1, back_after: None }),
        planned(50, Fault::Pause { who: Who::Host(HostId(1)), lasts: None }),
        planned(500, Fault::Calm),
    ];
    let mut sim = run(plan);
    while sim.step(at(499)) {}
    let before = [0, 1].map(|peer| seen(sim.machine(Peer(peer))).len());
    while sim.step(at(1000)) {}
    for (peer, before) in [0, 1].into_iter().zip(before) {
        assert!(seen(sim.machine(Peer(peer))).len() > before + 40);
    }
}

/// Whoever is outside stays down, paused and cut off, whatever was to end that.
#[test]
fn only_a_core_heals() {
    let who = |host| Who::Host(HostId(host));
    let long = || Some(Duration::from_millis(600));
    let cut = |one, other| {
        let links = Links::between(HostId(one), HostId(other));
        planned(60, Fault::Cut { links, mode: Cut::Drop, lasts: long() })
    };
    let plan = vec![
        planned(30, Fault::Crash { who: who(0), back_after: None }),
        planned(30, Fault::Crash { who: who(1), back_after: long() }),
        planned(50, Fault::Pause { who: who(2), lasts: long() }),
        cut(4, 0),
        cut(3, 4),
        planned(500, Fault::Core { hosts: vec![HostId(0), HostId(4)] }),
        planned(700, Fault::Crash { who: who(3), back_after: None }),
    ];
    let latency = Latency::fixed(Duration::from_millis(1));
    let weather = LinkWeather { latency, ..LinkWeather::default() };
    let layout = scribes(5, weather, HostWeather::default());
    let mut sim = Sim::new(layout, plan, Seed(1), &Decisions::default());
    while sim.step(at(499)) {}
    let count = |sim: &Sim<Node>| [0, 1, 2, 3, 4].map(|peer| seen(sim.machine(Peer(peer))).len());
    let before = count(&sim);
    let (mut faults, mut from_the_outside) = (Vec::new(), 0);
    while sim.step(at(1500)) {
        match &sim.record().what {
            What::Fault(fault) => faults.push(fault.describe(sim.names()).to_string()),
            What::Lost { from: Peer(3), to: Peer(4), .. } => from_the_outside += 1,
            _ => {}
        }
    }
    assert_eq!(faults, ["core: n1, n5 heal, everything else stays as it is"]);
    let after = count(&sim);
    let grown: Vec<bool> = after.iter().zip(before).map(|(after, before)| *after > before + 40).collect();
    // Each hears of the one before it: n1 of n5.
    assert_eq!(grown, [true, false, false, false, false], "{before:?} {after:?}");
    assert!(from_the_outside > 10, "a link with an end outside stays cut");
}

#[test]
fn a_command_to_a_host_that_is_down_is_lost() {
    let plan = vec![
        planned(30, Fault::Crash { who: N1, back_after: None }),
        planned(40, Fault::Command { to: Peer(0), command: 1 }),
    ];
    let mut sim = run(plan);
    while sim.step(at(100)) {}
    assert!(!seen(sim.machine(Peer(0))).contains(&1_000_001));
}

/// A host is told something; of its actors one hears it. Who plays a role is looked up when it happens.
#[test]
fn a_host_is_told_something() {
    let tell = |at, who, command| planned(at, Fault::Tell { who, command });
    let plan = vec![
        tell(10, N1, 10),
        tell(15, Who::Role(0), 20),
        // Nobody on this host hears it; nobody plays this role; the host is down.
        tell(20, N1, 37),
        tell(25, Who::Role(9), 40),
        planned(30, Fault::Crash { who: N1, back_after: None }),
        tell(40, N1, 50),
    ];
    let mut sim = run(plan);
    while sim.step(at(29)) {}
    let told = |sim: &Sim<Node>| {
        let seen = seen(sim.machine(Peer(0)));
        seen.iter().copied().filter(|one| *one >= 1_000_000).collect::<Vec<u64>>()
    };
    assert_eq!(told(&sim), [1_000_010, 1_000_020]);
    while sim.step(at(100)) {}
    assert_eq!(told(&sim), [1_000_010, 1_000_020], "the crash has left what it knew");
}
