//! What the scenarios of the catalogue claim is so, over as many seeds as they ask for.

use std::sync::atomic::AtomicBool;

use scenarios::{
    PolicySpec, Seed, catalogue,
    sweep::{Ended, Verdict, attempt, sweep},
};

#[test]
fn every_claim_is_confirmed() {
    for scenario in catalogue::all().expect("the catalogue is well-formed") {
        assert!(!scenario.claims().is_empty(), "{} claims nothing", scenario.name());
        for claim in scenario.claims() {
            let tally =
                sweep(&scenario, &claim.policy, 0..scenario.seeds(), 2, &AtomicBool::new(false), |_| {});
            assert_eq!(tally.failed, 0, "{} under {}", scenario.name(), claim.policy);
            assert_eq!(tally.judge(&claim), Verdict::Confirmed, "{} under {}", scenario.name(), claim.policy);
        }
    }
}

fn results(seeds: std::ops::Range<u64>, jobs: usize, policy: &str) -> Vec<String> {
    let scenario = catalogue::find("delayed-create").expect("it is in the catalogue");
    let policy = PolicySpec::parse(policy).expect("a preset");
    let mut results = Vec::new();
    let stop = AtomicBool::new(false);
    let tally = sweep(&scenario, &policy, seeds, jobs, &stop, |ended| results.push(format!("{ended:?}")));
    results.push(format!("{tally:?}"));
    results
}

#[test]
fn results_do_not_depend_on_the_number_of_jobs() {
    assert_eq!(results(50..120, 1, "baseline"), results(50..120, 3, "baseline"));
}

/// A run in a batch is the run alone.
#[test]
fn seeds_do_not_influence_each_other() {
    let scenario = catalogue::find("delayed-create").expect("it is in the catalogue");
    let policy = PolicySpec::parse("baseline").expect("a preset");
    let alone = attempt(&scenario, &policy, Seed(55));
    let mut batch = None;
    sweep(&scenario, &policy, 50..60, 2, &AtomicBool::new(false), |ended| match ended {
        Ended::Ran(outcome) if outcome.seed == Seed(55) => batch = Some(format!("{ended:?}")),
        _ => {}
    });
    assert_eq!(batch, Some(format!("{alone:?}")));
}

/// The digests of a few runs, the same in debug and release builds and on every machine. They change with the meaning
/// of seeds only: `UPDATE_DIGESTS=1 cargo test -p scenarios` rewrites them.
#[test]
fn golden_digests() {
    let mut found = String::new();
    for scenario in catalogue::all().expect("the catalogue is well-formed") {
        for claim in scenario.claims() {
            for seed in 0..4 {
                if let Ended::Ran(outcome) = attempt(&scenario, &claim.policy, Seed(seed)) {
                    let (name, digest) = (scenario.name(), outcome.digest);
                    found += &format!(
                        "{name} {} {seed} {digest:016x} {} records\n",
                        claim.policy, outcome.records
                    );
                }
            }
        }
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/run-digests.txt");
    if std::env::var_os("UPDATE_DIGESTS").is_some() {
        std::fs::write(path, &found).expect("the fixtures can be written");
    }
    assert_eq!(found, std::fs::read_to_string(path).unwrap_or_default());
}

#[test]
fn a_sweep_stops_between_two_seeds() {
    let scenario = catalogue::find("quiet-cluster").expect("it is in the catalogue");
    let policy = PolicySpec::parse("master").expect("a preset");
    let stop = AtomicBool::new(false);
    let mut told = 0;
    let tally = sweep(&scenario, &policy, 0..100_000, 1, &stop, |_| {
        told += 1;
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    assert!(tally.interrupted);
    assert_eq!(tally.ran, told);
    assert!(told < 100);
}
