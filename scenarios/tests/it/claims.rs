//! What the scenarios of the catalogue claim is so, over as many seeds as they ask for.

use std::{ops::Range, sync::atomic::AtomicBool};

use scenarios::{
    Decisions, PolicySpec, Scenario, Seed, catalogue,
    gate::{Detections, Outcomes, claimed, runs},
    run::{Outcome, run},
    sweep::{Ended, Tally, Verdict, sweep},
};

/// One seed by itself.
fn alone(scenario: &Scenario, policy: &PolicySpec, seed: u64) -> Outcome {
    run(scenario, policy, Seed(seed), &Decisions::default())
}

/// Many seeds, on every core.
fn together(scenario: &Scenario, policy: &PolicySpec, seeds: Range<u64>, tell: impl FnMut(&Ended)) -> Tally {
    let run = |seed| run(scenario, policy, seed, &Decisions::default());
    let jobs = std::thread::available_parallelism().map_or(2, usize::from);
    sweep(seeds, jobs, &AtomicBool::new(false), run, tell).expect("as many threads as cores can be had")
}

#[test]
fn every_claim_is_confirmed() {
    for scenario in catalogue::all().expect("the catalogue is well-formed") {
        assert!(!scenario.claims().is_empty(), "{} claims nothing", scenario.name());
        for claim in scenario.claims() {
            let tally = together(&scenario, &claim.policy, 0..scenario.seeds(), |_| {});
            assert_eq!(tally.failed, 0, "{} under {}", scenario.name(), claim.policy);
            assert_eq!(tally.judge(&claim), Verdict::Confirmed, "{} under {}", scenario.name(), claim.policy);
        }
    }
}

/// The first row of a table was changed when the changefeed began, in one seed of 100,000: it is a microsecond later now.
#[test]
fn nothing_is_changed_before_changefeeds_begin() {
    let scenario = catalogue::find("quiet-cluster").expect("it is in the catalogue");
    let policy = PolicySpec::parse("master").expect("a preset");
    for seed in [189_649, 309_123] {
        assert_eq!(alone(&scenario, &policy, seed).violations, []);
    }
}

/// A run in a batch is the run alone.
#[test]
fn seeds_do_not_influence_each_other() {
    let scenario = catalogue::find("delayed-create").expect("it is in the catalogue");
    let policy = PolicySpec::parse("baseline").expect("a preset");
    let mut batch = Vec::new();
    together(&scenario, &policy, 50..60, |ended| match ended {
        Ended::Ran(outcome) => batch.push(outcome.clone()),
        Ended::Failed { seed, message } => panic!("seed {seed}: {message}"),
    });
    let alone: Vec<Outcome> = (50..60).map(|seed| alone(&scenario, &policy, seed)).collect();
    assert_eq!(batch, alone);
}

/// What a few runs of every claim come to is the same in debug and release builds and on every machine. It changes with the
/// meaning of seeds only: `UPDATE_DIGESTS=1 cargo test -p scenarios` rewrites it, as `cdcsim gate --update` does.
#[test]
fn golden_digests() {
    let mut found = Outcomes::default();
    for scenario in catalogue::all().expect("the catalogue is well-formed") {
        for claim in scenario.claims() {
            for case in runs(&scenario, &claim) {
                found.add(scenario.name(), claim.policy.name(), &case.run());
            }
        }
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/outcomes.txt");
    let found = found.text();
    if std::env::var_os("UPDATE_DIGESTS").is_some() {
        std::fs::write(path, &found).expect("the fixtures can be written");
    }
    let known = std::fs::read_to_string(path).unwrap_or_default();
    let moved: Vec<&str> = found.lines().filter(|line| !known.lines().any(|known| known == *line)).collect();
    assert!(
        found == known,
        "{} runs are not as they were, or in another place:\n{}",
        moved.len(),
        moved.join("\n")
    );
}

/// A run is written down for every mutant that a scenario claims to detect, and for no other: `cdcsim gate --update`.
#[test]
fn every_detection_is_written_down() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/detections.txt");
    let known = Detections::read(path).expect("it can be read");
    let claimed = claimed(&catalogue::all().expect("the catalogue is well-formed"));
    let missing: Vec<&str> =
        claimed.iter().map(|mutant| mutant.id).filter(|mutant| known.of(mutant).is_none()).collect();
    assert_eq!((missing, known.len()), (Vec::new(), claimed.len()), "cdcsim gate --update writes them down");
}
