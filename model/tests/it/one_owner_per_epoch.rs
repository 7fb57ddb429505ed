//! The invariant `one_owner_per_epoch`, shown what a coordinator and etcd do, and whom maintainer managers are told to maintain.

use crate::hand::{CF, Hand, N1, N2, N3, add, changefeed, preset, term, told::Told};
use model::{
    Actor, Addr, Command, NodeId, Note, Place, Record, Shared, Sim, coordinator, etcd::Op, invariants,
    maintainer,
};
use sim::{Class, Clock, Decisions, HostSpec, HostWeather, Input, Layout, LinkWeather, Seed, StepId, What};

/// A coordinator on n3 that has been elected; n1 maintains the changefeed with epoch 1.
fn leading(policy: &str) -> Hand {
    let mut hand = Hand::at(N3, Place::Coordinator, preset(policy));
    hand.elect();
    hand.report_all(Some(term::working(1, 10)));
    hand
}

fn command(hand: &mut Hand, command: coordinator::Command) {
    hand.command(Addr::Node(N3, Place::Coordinator), Command::Coordinator(command));
}

/// What the invariant finds in what has been done by hand, in these requests to maintainer managers behind it, and in the end.
fn found(hand: &mut Hand, told: &[(NodeId, u64)]) -> String {
    let named = invariants::ALL.iter().find(|named| named.name == "one_owner_per_epoch").expect("it exists");
    let (mut watch, mut found) = (named.watch(), Vec::new());
    let mut etcd = None;
    let mut steps: Vec<(What<Actor>, Vec<Note>, Option<Actor>)> = Vec::new();
    for (record, actor) in std::mem::take(&mut hand.steps) {
        steps.push((record.what, record.notes, Some(actor)));
    }
    for (node, epoch) in told {
        let request: maintainer::Inbox = add(*epoch);
        let input = Input::Message { from: Addr::Node(N3, Place::Coordinator), msg: request.into() };
        steps.push((What::Step { actor: Addr::Node(*node, Place::Maintainers), input }, Vec::new(), None));
    }
    let coordinator = || host(Addr::Node(N3, Place::Coordinator), hand.actor().clone());
    let mut last = None;
    for (n, (what, notes, actor)) in (1..).zip(steps) {
        if let Some(Actor::Etcd(now)) = actor {
            etcd = Some(now);
        }
        let Some(etcd) = &etcd else { continue };
        let hosts = vec![coordinator(), host(Addr::Etcd, Actor::Etcd(etcd.clone()))];
        let layout = Layout { hosts, classes: vec![LinkWeather::default()] };
        let sim: Sim = Sim::new(layout, Vec::new(), Seed(0), &Decisions::default());
        let record = Record { id: StepId(n), at: sim.now(), cause: None, what, notes };
        watch.observe(&sim, &record, &mut found);
        last = Some(sim);
    }
    watch.settled(&last.expect("etcd has been asked"), &mut found);
    found.iter().map(|violation| format!("{violation}\n")).collect()
}

fn host(addr: Addr, actor: Actor) -> HostSpec<Actor> {
    HostSpec {
        name: addr.to_string(),
        class: Class(0),
        clock: Clock::default(),
        weather: HostWeather::default(),
        shared: Shared::Service,
        actors: vec![(addr, actor)],
    }
}

#[test]
fn a_move_has_an_epoch_of_its_own() {
    let mut hand = leading("master");
    command(&mut hand, coordinator::Command::MoveMaintainer { cf: CF });
    assert_eq!(found(&mut hand, &[(N1, 1), (N2, 2), (N2, 2)]), "");
}

#[test]
fn two_nodes_of_one_epoch_are_one_too_many() {
    insta::assert_snapshot!(found(&mut leading("master"), &[(N1, 1), (N2, 1), (N3, 1)]), @"one_owner_per_epoch (shared): n1 and n2 are told to maintain cf1 with e1");
}

#[test]
fn nobody_is_told_what_is_not_persisted() {
    insta::assert_snapshot!(found(&mut leading("master"), &[(N1, 5)]), @"one_owner_per_epoch (unpersisted): n1 is told to maintain cf1 with e5, and e1 is persisted");
}

/// The request has been on its way while its epoch was persisted: only when it was sent counts.
#[test]
fn what_is_sent_is_persisted_before() {
    let etcd = |epoch| {
        let keys = changefeed(epoch);
        vec![(Addr::Etcd, Actor::Etcd(Box::new(model::etcd::Etcd::holding(keys))))]
    };
    let (coordinator, node) = (Addr::Node(N3, Place::Coordinator), Addr::Node(N1, Place::Maintainers));
    let [(key, value), _] = changefeed(2);
    let put = model::etcd::Inbox::TxnRequest {
        call: model::etcd::CallId(1),
        compares: Vec::new(),
        then: vec![Op::Put { key, value, lease: None }],
        otherwise: Vec::new(),
    };
    let found = |early: bool| {
        let mut told = Told::by("one_owner_per_epoch", etcd(1));
        let before = told.notes(coordinator, Vec::new());
        told.see(etcd(2));
        let persisted = told.hears(Addr::Etcd, coordinator, put.clone(), None);
        told.hears(node, coordinator, add(2), Some(if early { before } else { persisted }));
        told.found()
    };
    assert_eq!(found(false), "");
    insta::assert_snapshot!(found(true), @"one_owner_per_epoch (unpersisted): n1 was sent e2 of cf1, and it was persisted only then");
}

/// Versions that do not say which epoch an owner has.
#[test]
fn owners_without_an_epoch_do_not_count() {
    assert_eq!(found(&mut leading("baseline"), &[(N1, 0), (N2, 0)]), "");
}

/// They begin generations in memory all the same.
#[test]
fn what_nobody_is_told_does_not_count() {
    let resumed = |policy: &str| {
        let mut hand = leading(policy);
        command(&mut hand, coordinator::Command::PauseChangefeed { cf: CF });
        hand.advance(1200);
        command(&mut hand, coordinator::Command::ResumeChangefeed { cf: CF, overwrite: None });
        hand.advance(10);
        hand
    };
    assert_eq!(found(&mut resumed("baseline"), &[]), "");
    insta::assert_snapshot!(found(&mut resumed("baseline"), &[(N1, 1)]), @"one_owner_per_epoch (memory): n3/coordinator takes e@1200 for the epoch of cf1, and e1 is persisted");
}

/// It shares a cluster with later versions, whose coordinator gave an epoch before it led.
#[test]
fn what_an_older_coordinator_has_in_memory_does_not_count() {
    let mut hand = leading("baseline");
    command(&mut hand, coordinator::Command::PauseChangefeed { cf: CF });
    hand.advance(1200);
    command(&mut hand, coordinator::Command::ResumeChangefeed { cf: CF, overwrite: None });
    hand.advance(10);
    assert_eq!(found(&mut hand, &[(N1, 1), (N2, 0)]), "");
}

#[test]
fn what_is_persisted_does_not_become_smaller() {
    let mut hand = leading("master");
    command(&mut hand, coordinator::Command::MoveMaintainer { cf: CF });
    let [(key, value), _] = changefeed(1);
    hand.change(Op::Put { key, value, lease: None });
    insta::assert_snapshot!(found(&mut hand, &[]), @"
    one_owner_per_epoch (lowered): the persisted epoch of cf1 goes from e2 back to e1
    one_owner_per_epoch (memory): n3/coordinator takes e2 for the epoch of cf1, and e1 is persisted
    ");
}

/// Two epochs are persisted at once: that of the second one stays ahead of what is in memory.
#[test]
fn what_is_in_memory_is_persisted() {
    let twice = |policy: &str| {
        let mut hand = leading(policy);
        hand.hold(Addr::Etcd);
        command(&mut hand, coordinator::Command::MoveMaintainer { cf: CF });
        command(&mut hand, coordinator::Command::MoveMaintainer { cf: CF });
        hand.release(Addr::Etcd);
        found(&mut hand, &[])
    };
    assert_eq!(twice("master"), "");
    insta::assert_snapshot!(twice("M-H14"), @"one_owner_per_epoch (memory): n3/coordinator takes e2 for the epoch of cf1, and e3 is persisted");
}
