//! The invariant `close_ack_truth`, shown the dispatchers of n1 and the answers that n2 gets to its close requests.

use crate::hand::{CF, Hand, N1, N2, N3, bootstrap, create, preset, told::Told};
use model::{Actor, Addr, Epoch, Place, maintainer::Inbox};
use sim::StepId;

const HERE: Addr = Addr::Node(N1, Place::Dispatchers);
const MAINTAINER: Addr = Addr::Node(N2, Place::Maintainers);

/// The dispatchers of n1, which write for generation 5.
fn writing() -> Actor {
    let mut hand = Hand::at(N1, Place::Dispatchers, preset("master"));
    hand.tell(N3, bootstrap(5, None));
    hand.tell(N3, create(5, 1));
    hand.actor().clone()
}

fn closed(success: bool, epoch: u64) -> Inbox {
    Inbox::MaintainerCloseResponse { cf: CF, success, epoch: Epoch(epoch) }
}

/// What the invariant finds when such an answer comes that was sent when n1 was as it is.
fn found(actor: Actor, answer: Inbox) -> String {
    told(actor, answer, |told| told.notes(HERE, Vec::new()))
}

fn told(actor: Actor, answer: Inbox, sent: impl FnOnce(&mut Told) -> StepId) -> String {
    let mut told = Told::by("close_ack_truth", vec![(HERE, Actor::Dispatchers(Box::default()))]);
    let before = told.notes(HERE, Vec::new());
    told.see(vec![(HERE, actor)]);
    let sent = sent(&mut told).max(before);
    told.hears(MAINTAINER, HERE, answer, Some(sent));
    told.found()
}

#[test]
fn who_is_closed_does_not_write() {
    insta::assert_snapshot!(found(writing(), closed(true, 5)), @"close_ack_truth: n1 says that cf1 is closed there, and its manager dm1 may write what it replicates");
    insta::assert_snapshot!(found(writing(), closed(true, 6)), @"close_ack_truth: n1 says that cf1 is closed there, and its manager dm1 may write what it replicates");
    assert_eq!(found(writing(), closed(false, 5)), "", "that is what the answer says");
    assert_eq!(found(writing(), closed(true, 4)), "", "a later generation is another matter");
    assert_eq!(found(Actor::Dispatchers(Box::default()), closed(true, 5)), "");
}

#[test]
fn a_manager_that_began_later_is_another_one() {
    let early = |told: &mut Told| {
        let sent = told.notes(Addr::Pd, Vec::new());
        told.notes(HERE, Vec::new());
        sent
    };
    assert_eq!(told(writing(), closed(true, 5), early), "");
}

/// A manager that is closed in the end has told the truth.
#[test]
fn a_close_that_is_carried_out() {
    let mut hand = Hand::at(N1, Place::Dispatchers, preset("master"));
    hand.tell(N3, bootstrap(5, None));
    hand.tell(N3, create(5, 1));
    hand.tell(N3, crate::hand::close(5, false));
    hand.advance(1000);
    assert_eq!(found(hand.actor().clone(), closed(true, 5)), "");
}
