//! A few lines on one seed, on many, and on what there is.

use crate::support::{broken, five, incident, plain};
use reports::summary;
use scenarios::{
    Claim, DESIGNS, PRESETS, Scenario, Seed,
    sweep::{Broke, Tally},
};

#[test]
fn one_seed_and_many() {
    let ((scenario, policy), broken, five) = (incident(), broken(), five());
    let claim = scenario.claim(&policy).expect("it claims a break");
    let told = [
        summary::outcome(scenario.name(), policy.name(), &broken),
        String::new(),
        summary::heading(scenario.name(), policy.name(), &(0..5)),
        summary::finding(&broken, "cdcsim replay …"),
        summary::saved("found/it.json"),
        summary::failure("4", "a bug of the testbed", "cdcsim replay …"),
        summary::tally(&five, 5),
        summary::verdict(&claim, &five),
    ];
    insta::assert_snapshot!(plain(&told.join("\n")), @"
    delayed-create under baseline, seed 2: broken
      digest 000000000000feed, 99 records
      single_writer (admitted): t3 may be written by d3@n3 and by d4@n1 (#17, #42)
      single_writer (applied): row 7 of t3 went back

    delayed-create under baseline, seeds 0..5
      seed 2  broken  digest 000000000000feed
        single_writer (admitted): t3 may be written by d3@n3 and by d4@n1
        single_writer (applied): row 7 of t3 went back
        replay: cdcsim replay …
        capsule: found/it.json
      seed 4  the testbed failed: a bug of the testbed
        replay: cdcsim replay …
      5 seeds: 3 held, 1 broken, 1 failed in the testbed
        single_writer (admitted) broke in 1
        single_writer (applied) broke in 1
      median/99%/max: without writer 1.2s/1.2s/1.2s, recovery 34.567s/34.567s/34.567s, written twice 8/8/8, lag 910ms/910ms/910ms, control messages 11/11/11
      claim: breaks single_writer, may break recovers (checkpoint) and recovers (operator) and checkpoint_safe (behind): confirmed
    ");
}

#[test]
fn what_did_not_go_as_claimed() {
    let (scenario, policy) = incident();
    let claim = |breaks: Option<&str>| Claim {
        policy: policy.clone(),
        breaks: breaks.into_iter().map(str::to_owned).collect(),
        may_break: Vec::new(),
        witnesses: vec!["StaleRefused".to_owned()],
    };
    let mut cut_short = Tally::default();
    (cut_short.ran, cut_short.held, cut_short.broken, cut_short.failed) = (3, 2, 1, 1);
    let first = vec![Seed(7)];
    cut_short.by_invariant.push(Broke { invariant: "recovers", aspect: None, runs: 1, first });
    cut_short.interrupted = true;
    let told = [
        summary::tally(&cut_short, scenario.seeds()),
        summary::verdict(&claim(None), &cut_short),
        summary::verdict(&claim(Some("single_writer")), &cut_short),
        summary::verdict(&claim(Some("single_writer")), &Tally::default()),
        summary::verdict(
            &Claim { may_break: vec!["recovers".to_owned()], witnesses: Vec::new(), ..claim(None) },
            &cut_short,
        ),
    ];
    insta::assert_snapshot!(plain(&told.join("\n")), @"
    4 of 200 seeds: 2 held, 1 broken, 1 failed in the testbed
    interrupted: the seeds that are missing were not run
    claim: holds: refuted by recovers in 1 (seed 7); witnesses: StaleRefused in 0
    claim: breaks single_writer: refuted by recovers in 1 (seed 7); witnesses: StaleRefused in 0
    claim: breaks single_writer: nothing shown for want of StaleRefused and of a run and of a broken single_writer; witnesses: StaleRefused in 0
    claim: holds, may break recovers: confirmed so far
    ");
}

#[test]
fn what_there_is() {
    let text = "story = \"\"\"\nA story of\ntwo lines.\nThe rest is in the file.\n\"\"\"\nrun_for = \"5s\"\nsettle_for = \"5s\"\n\
                [cluster]\nnodes = 1\n[workload]\ntables = 1\nrow_every = \"1s\"\nrows = 1\n\
                [[claim]]\npolicy = \"baseline\"\nbreaks = \"single_writer\"\n[[claim]]\npolicy = \"master\"\n";
    let scenario = Scenario::parse("short", "short.toml", text).expect("it is well-formed");
    insta::assert_snapshot!(plain(&summary::list(&[scenario], [&PRESETS[..1], &DESIGNS[..1]], &[])), @"
    Scenarios
      short     A story of two lines.

    Policies
      baseline  2026-06-12: before any fence; epochs exist and mean nothing (072f1bdb0)

    Designs that were not merged
      pr-5181   2026-06-01: receivers refuse earlier epochs, which nobody persists for a new owner (closed) (a9f6b9e16)

    Invariants

    `cdcsim catalogue` tells the whole stories, and what they claim.
    ");
}
