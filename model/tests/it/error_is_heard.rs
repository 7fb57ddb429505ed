//! The invariant `error_is_heard`, shown a coordinator on n3 that is told of errors by the maintainer on n1.

use crate::hand::{Hand, N1, N2, N3, preset, term, told::Told};
use model::{
    Place,
    coordinator::{Inbox, MaintainerStatus},
};
use sim::Duration;

fn status(checkpoint: u64, err: Option<&'static str>) -> MaintainerStatus {
    MaintainerStatus { err: err.map(Into::into), ..term::working(1, checkpoint) }
}

/// What the invariant finds when the maintainer tells this, every five seconds.
fn found(policy: &str, told: &[(u64, Option<&'static str>)]) -> String {
    let mut hand = Hand::at(N3, Place::Coordinator, preset(policy));
    hand.elect();
    hand.report_all(Some(term::working(1, 100)));
    let mut watch = Told::by("error_is_heard", Vec::new());
    let mut show = |hand: &mut Hand| {
        watch.steps(hand);
        watch.advance(Duration::from_secs(5));
        watch.found()
    };
    let mut text = show(&mut hand);
    for (checkpoint, err) in told {
        hand.tell(N1, Inbox::MaintainerHeartbeat { statuses: vec![status(*checkpoint, *err)] });
        text += &show(&mut hand);
    }
    text
}

const LASTING: &str = "the downstream cannot be reached";
const HOPELESS: &str = "no retry mends it";

#[test]
fn an_error_is_heard_if_it_is_told_again() {
    let again = [(100, Some(LASTING)); 6];
    assert_eq!(found("master", &again), "");
    // What comes with a checkpoint that has moved on is not looked at; the next one is.
    assert_eq!(found("master", &[(200, Some(LASTING)), (200, Some(LASTING))]), "");
}

/// pingcap/ticdc#5709: the maintainer has restarted, and its checkpoint is behind what is known.
#[test]
fn an_error_behind_a_checkpoint_that_went_back() {
    let regressed = [(50, Some(LASTING)); 6];
    assert_eq!(found("master", &regressed), "");
    insta::assert_snapshot!(found("pr-3769", &regressed), @"error_is_heard (unheard): the coordinator on n3 was told by n1 of an error of cf1 (`the downstream cannot be reached`), and went on as before");
}

/// pingcap/ticdc#5424: an error that no retry mends comes with progress.
#[test]
fn an_error_without_hope_behind_progress() {
    let moving = [(200, Some(HOPELESS)), (200, None)];
    assert_eq!(found("master", &moving), "");
    insta::assert_snapshot!(found("master+coordinator.fast_fail=after_progress", &moving), @"error_is_heard (dropped): the coordinator on n3 was told by n1 of an error of cf1 (`no retry mends it`), and went on as before");
}

#[test]
fn errors_of_others_do_not_count() {
    let mut hand = Hand::at(N3, Place::Coordinator, preset("master"));
    hand.elect();
    let mut watch = Told::by("error_is_heard", Vec::new());
    hand.tell(N2, Inbox::MaintainerHeartbeat { statuses: vec![status(50, Some(HOPELESS))] });
    watch.steps(&mut hand);
    assert_eq!(watch.found(), "");
}
