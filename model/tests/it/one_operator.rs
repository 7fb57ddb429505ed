//! The invariant `one_operator`, shown coordinators and maintainers whose operators get in each other's way.

use crate::{
    hand::{CF, Hand, N3, preset, term, told::Told},
    script::watch,
};
use model::{Addr, Command, Place, coordinator};

/// What the invariant finds after each step of a coordinator on n3; n1 maintains the changefeed.
fn found(policy: &str, script: impl FnOnce(&mut Hand)) -> String {
    let mut hand = Hand::at(N3, Place::Coordinator, preset(policy));
    hand.elect();
    hand.report_all(Some(term::working(1, 10)));
    script(&mut hand);
    let mut told = Told::by("one_operator", Vec::new());
    told.steps(&mut hand);
    told.found()
}

fn call(hand: &mut Hand, command: coordinator::Command) {
    hand.command(Addr::Node(N3, Place::Coordinator), Command::Coordinator(command));
}

#[test]
fn a_stop_takes_the_place_of_a_move() {
    let text = found("master", |hand| {
        call(hand, coordinator::Command::MoveMaintainer { cf: CF });
        call(hand, coordinator::Command::PauseChangefeed { cf: CF });
        hand.advance(1000);
    });
    assert_eq!(text, "");
}

/// While an epoch is persisted for a move, the changefeed is stopped; without another look the move is taken all the same.
#[test]
fn nobody_looks_again_after_a_bump() {
    let both = |policy: &str| {
        found(policy, |hand| {
            hand.hold(Addr::Pd);
            call(hand, coordinator::Command::MoveMaintainer { cf: CF });
            call(hand, coordinator::Command::PauseChangefeed { cf: CF });
            hand.advance(100);
            hand.release(Addr::Pd);
        })
    };
    assert_eq!(both("master"), "");
    insta::assert_snapshot!(both("master+coordinator.bump_recheck=skipped"), @"one_operator (two): n3/coordinator has for cf1 two operators");
}

/// A maintainer that adds and drops dispatchers as it should.
#[test]
fn a_maintainer_has_one_operator_for_each_dispatcher() {
    let script = "
        party maintainers with 1 tables
        start
        n1/coordinator: CoordinatorBootstrapRequest version=1
        n1/coordinator: AddMaintainerRequest cf1 ts10 e5
        n1/dispatchers: MaintainerBootstrapResponse cf1 e5 ts0
        n2/dispatchers: MaintainerBootstrapResponse cf1 e5 ts0
        n3/dispatchers: MaintainerBootstrapResponse cf1 e5 ts50
        n3/dispatchers: MaintainerPostBootstrapResponse cf1 d1@n3 e5
        pass 3s
    ";
    let text = watch(&["one_operator"], "master", script);
    assert!(!text.contains("!!"), "{text}");
}
