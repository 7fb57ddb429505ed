//! Invariants watch and change nothing: switching one off moves no digest, and only its own findings go.

use scenarios::{
    Case, Decisions, PolicySpec, Scenario, Seed, catalogue, invariants,
    run::{run, watched_by_all},
};

fn scenario(name: &str) -> Scenario {
    catalogue::find(name).expect("it is in the catalogue")
}

#[test]
fn to_switch_an_invariant_off_changes_nothing_but_what_it_finds() {
    for (name, policy, seeds) in [("delayed-create", "baseline", 28..30), ("api-storm", "master", 1..2)] {
        let (scenario, policy) = (scenario(name), PolicySpec::parse(policy).expect("a preset"));
        for seed in seeds.map(Seed) {
            let run = |scenario: &Scenario| run(scenario, &policy, seed, &Decisions::default());
            let whole = run(&scenario);
            for one in invariants::ALL.iter().map(|one| one.name).chain(["all"]) {
                let outcome = run(&scenario.without(&[one]).expect("it is known"));
                assert_eq!((outcome.digest, outcome.records), (whole.digest, whole.records), "{one}");
                let others = whole.violations.iter().filter(|found| one != "all" && found.invariant != one);
                assert!(outcome.violations.iter().eq(others), "{one}");
            }
        }
    }
}

/// An invariant is shown only some sorts of records. It must not need others.
#[test]
fn nobody_looks_away() {
    let mut broken = 0;
    for scenario in catalogue::all().expect("the catalogue is well-formed") {
        for claim in scenario.claims().iter().filter(|claim| !claim.breaks.is_empty()) {
            let case = Case::new(&scenario, &claim.policy, Seed(0));
            let violations = watched_by_all(&case);
            assert_eq!(case.run().violations, violations, "{} under {}", scenario.name(), claim.policy);
            broken += usize::from(!violations.is_empty());
        }
    }
    assert!(broken > 50, "only {broken} runs break something");
}

#[test]
fn what_is_switched_off_breaks_no_claim() {
    let claims = |scenario: &Scenario| {
        let claims = scenario.claims().into_iter();
        claims.map(|claim| format!("{}: {}\n", claim.policy, claim.breaks.join(", "))).collect::<String>()
    };
    let whole = scenario("frozen-node");
    insta::assert_snapshot!(claims(&whole), @"
    baseline: single_writer, one_ddl_owner, checkpoint_safe
    master: single_writer, one_ddl_owner, checkpoint_safe
    ");
    let parts = whole.without(&["single_writer", "checkpoint_safe"]).expect("they are known");
    insta::assert_snapshot!(claims(&parts), @"
    baseline: one_ddl_owner
    master: one_ddl_owner
    ");
}

#[test]
fn names_that_are_none() {
    let wrong = |name: &str| scenario("quiet-cluster").without(&[name]).expect_err("it is none").to_string();
    insta::assert_snapshot!(wrong("single_writer (applied)"), @"invariant `single_writer (applied)`: an invariant is named as a whole here: write `single_writer`");
    insta::assert_snapshot!(wrong("one_writer"), @"invariant `one_writer`: `one_writer` is no invariant; did you mean `single_writer`?");
}

/// Every invariant says what it is for, and names what it reports.
#[test]
fn every_invariant_is_described() {
    for one in invariants::ALL {
        assert!(!one.aspects.is_empty(), "{}", one.name);
        assert!(one.bugs.iter().all(|bug| bug.starts_with('#')), "{}", one.name);
        let twice = |name: &str| one.aspects.iter().filter(|(other, _)| *other == name).count() > 1;
        assert!(!one.aspects.iter().any(|(name, _)| twice(name)), "{}", one.name);
    }
}
