//! Many seeds are told in order and each for itself, whatever happens to one of them.

use std::{
    ops::Range,
    sync::atomic::{AtomicBool, Ordering},
};

use scenarios::{
    Claim, PolicySpec, Seed, Violation,
    measures::{COUNT, Measured},
    run::Outcome,
    sweep::{Broke, Ended, Tally, Verdict, sweep},
};

/// A run that takes no time, with a digest that tells which seed it was.
fn held(seed: Seed) -> Outcome {
    Outcome {
        seed,
        digest: seed.0 * 10,
        records: 1,
        violations: Vec::new(),
        witnessed: Vec::new(),
        inconclusive: None,
        measured: Measured([seed.0; COUNT]),
        overrides_used: 0,
    }
}

/// What is told of the seeds, one line each, and what they come to.
fn told(seeds: Range<u64>, jobs: usize, run: impl Fn(Seed) -> Outcome + Sync) -> (Vec<String>, Tally) {
    let mut told = Vec::new();
    let tally = sweep(seeds, jobs, &AtomicBool::new(false), run, |ended| {
        told.push(match ended {
            Ended::Ran(outcome) => format!("{} came to {}", outcome.seed, outcome.digest),
            Ended::Failed { seed, message } => format!("{seed} failed: {message}"),
        });
    });
    (told, tally.expect("a few threads can be had"))
}

#[test]
fn a_panic_is_told_with_its_seed_and_takes_no_other_seed_with_it() {
    let run = |seed: Seed| match seed.0 {
        2 => panic!("seed {seed} is cursed"),
        3 => panic!("without any number in it"),
        4 => std::panic::panic_any(seed.0),
        _ => held(seed),
    };
    for jobs in [1, 3] {
        let (told, tally) = told(1..6, jobs, run);
        insta::allow_duplicates! {
            insta::assert_snapshot!(told.join("\n"), @"
            1 came to 10
            2 failed: seed 2 is cursed
            3 failed: without any number in it
            4 failed: a panic without a message
            5 came to 50
            ");
        }
        assert_eq!((tally.ran, tally.held, tally.failed), (2, 2, 3));
        assert!(!tally.interrupted);
    }
}

/// A claim names all that breaks; seeds of the rest are told.
#[test]
fn what_breaks_is_counted_by_invariant_and_judged() {
    let run = |seed: Seed| {
        let violation =
            |invariant, aspect| Violation { invariant, aspect, what: String::new(), because: Vec::new() };
        let mut violations = Vec::new();
        if seed.0 >= 2 {
            let (first, second) =
                (violation("single_writer", "admitted"), violation("single_writer", "applied"));
            violations.extend([first, violation("recovers", "data"), second]);
        }
        Outcome { violations, ..held(seed) }
    };
    let (_, tally) = told(0..9, 2, run);
    let counts: Vec<(&str, u64)> =
        tally.by_invariant.iter().map(|broke| (broke.invariant, broke.runs)).collect();
    assert_eq!(counts, [("single_writer", 7), ("recovers", 7)]);
    let judged = |breaks: &[&str], may_break: &[&str]| {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let policy = PolicySpec::parse("master").expect("a preset");
        let (breaks, may_break) = (names(breaks), names(may_break));
        tally.judge(&Claim { policy, breaks, may_break, witnesses: Vec::new() })
    };
    let first = (2..7).map(Seed).collect();
    let by = vec![Broke { invariant: "recovers", aspect: None, runs: 7, first }];
    assert_eq!(judged(&["single_writer"], &[]), Verdict::Refuted { by: by.clone() });
    assert_eq!(judged(&["other"], &["single_writer"]), Verdict::Refuted { by }, "before what is missing");
    assert_eq!(judged(&["single_writer", "recovers"], &[]), Verdict::Confirmed);
    assert_eq!(judged(&["single_writer"], &["recovers"]), Verdict::Confirmed);
    assert_eq!(judged(&[], &["single_writer", "recovers"]), Verdict::Confirmed);
    let missing = vec!["a broken other".to_owned()];
    assert_eq!(judged(&["single_writer", "other"], &["recovers"]), Verdict::Vacuous { missing });
}

#[test]
fn results_do_not_depend_on_the_number_of_jobs() {
    let results = |jobs| {
        let (told, tally) = told(0..1000, jobs, held);
        (told, format!("{tally:?}"))
    };
    assert_eq!(results(1), results(3));
    assert_eq!(results(1).0.len(), 1000);
}

#[test]
fn the_last_seeds_there_are() {
    let (told, _) = told(u64::MAX - 2..u64::MAX, 2, |seed| Outcome { seed, ..held(Seed(0)) });
    assert_eq!(told, ["18446744073709551613 came to 0", "18446744073709551614 came to 0"]);
}

#[test]
fn it_stops_between_two_seeds() {
    let (stop, mut told) = (AtomicBool::new(false), 0);
    let tally = sweep(0..100_000, 1, &stop, held, |_| {
        told += 1;
        stop.store(true, Ordering::Relaxed);
    });
    let tally = tally.expect("a thread can be had");
    assert!(tally.interrupted);
    assert_eq!(tally.ran, told);
    assert!(told < 100);
}

/// What could not be won shows nothing, unless it breaks something all the same.
#[test]
fn an_inconclusive_run_is_counted_apart() {
    let why = || Some("nobody may lead".to_owned());
    let broken = |seed: Seed| {
        let what = String::new();
        let violation =
            Violation { invariant: "single_writer", aspect: "applied", what, because: Vec::new() };
        Outcome { violations: vec![violation], inconclusive: why(), ..held(seed) }
    };
    let run = |seed: Seed| match seed.0 {
        0 | 1 => Outcome { inconclusive: why(), ..held(seed) },
        2 => broken(seed),
        _ => held(seed),
    };
    let (_, tally) = told(0..5, 2, run);
    assert_eq!((tally.ran, tally.held, tally.broken, tally.inconclusive), (5, 2, 1, 2));
    let policy = PolicySpec::parse("master").expect("a preset");
    let claim = Claim { policy, breaks: Vec::new(), may_break: Vec::new(), witnesses: Vec::new() };
    let (_, tally) = told(0..2, 2, run);
    let missing = vec!["a run that could be won".to_owned()];
    assert_eq!(tally.judge(&claim), Verdict::Vacuous { missing });
}

/// By the nearest rank: a value that was measured.
#[test]
fn measures_are_told_by_their_distribution() {
    let of = |seeds: Range<u64>| {
        let (_, tally) = told(seeds, 2, held);
        tally.measured().map(|(_, of)| (of.median, of.p99, of.max)).collect::<Vec<_>>()
    };
    assert_eq!(of(0..0), []);
    assert_eq!(of(7..8), [(7, 7, 7); COUNT]);
    assert_eq!(of(1..3), [(1, 2, 2); COUNT]);
    assert_eq!(of(1..101), [(50, 99, 100); COUNT]);
    assert_eq!(of(1..201), [(100, 198, 200); COUNT]);
}
