//! Hunting: the same from the same seeds, whatever the number of jobs, and every finding can be run again.

use std::{collections::BTreeSet, sync::atomic::AtomicBool};

use scenarios::{
    Decision, Duration, PolicySpec, Scenario, Seed, catalogue,
    hunt::{Hunt, Hunted, hunt},
    strategy,
};

fn hunted(scenario: &str, policy: &str, strategy: &str, seeds: u64, jobs: usize) -> Hunted {
    let scenarios = [catalogue::find(scenario).expect("it is in the catalogue")];
    let policy = PolicySpec::parse(policy).expect("a policy");
    let mut strategy = strategy::named(strategy).expect("a strategy");
    let stop = AtomicBool::new(false);
    let mut how = Hunt {
        scenarios: &scenarios,
        policy: &policy,
        strategy: &mut *strategy,
        from: 0,
        seeds,
        jobs,
        stop: &stop,
    };
    hunt(&mut how, |_| true).expect("so many threads can be had")
}

fn told(hunted: &Hunted) -> Vec<String> {
    let findings = hunted.by_frequency().into_iter();
    findings.map(|one| format!("{} {:?} {} {}", one.runs, one.first, one.records, one.signature)).collect()
}

#[test]
fn no_strategy_depends_on_the_number_of_jobs() {
    for (name, _) in strategy::ALL {
        let (one, four) = (
            hunted("delayed-create", "baseline", name, 96, 1),
            hunted("delayed-create", "baseline", name, 96, 4),
        );
        assert_eq!((one.ran, one.broken, one.failed), (96, four.broken, 0), "{name}");
        assert_eq!(told(&one), told(&four), "{name}");
    }
}

/// One to three messages are late, none so late that the cluster could not settle; each seed has its own weather, and most of
/// these messages.
#[test]
fn late_messages_are_few_and_not_too_late() {
    let storm = catalogue::find("failover-storm").expect("it is in the catalogue");
    let policy = PolicySpec::parse("master").expect("a preset");
    let late = strategy::named("late").expect("a strategy");
    let cases: Vec<_> = (32..40).map(|seed| late.case(&storm, &policy, Seed(seed))).collect();
    let (mut named, mut used) = (0, 0);
    for (case, seed) in cases.iter().zip(32..) {
        assert_eq!((case.seed, case.scenario.text()), (Seed(seed), storm.concrete(Seed(seed)).text()));
        let overrides = &case.decisions.overrides;
        assert!((1..=3).contains(&overrides.len()), "{overrides:?}");
        for (address, decision) in overrides {
            let Decision::Delay(length) = decision else { panic!("{address} is no delay") };
            assert!(
                address.stream.starts_with("latency ") && *length <= Duration::from_secs(45),
                "{address} {length}"
            );
        }
        (named, used) = (named + overrides.len(), used + case.run().overrides_used);
    }
    assert!(used * 2 > named, "{used} of {named}");
    let different: BTreeSet<String> =
        cases.iter().map(|case| format!("{:?}", case.decisions.overrides)).collect();
    assert!(different.len() > 6);
}

#[test]
fn a_finding_is_a_case() {
    let hunted = hunted("failover-storm", "baseline", "guided", 192, 4);
    assert!(hunted.covered.count() > 1000, "{:?}", hunted.covered);
    assert!(!hunted.findings.is_empty());
    for finding in hunted.by_frequency().into_iter().take(5) {
        let (outcome, signatures) = finding.smallest.signatures();
        assert!(signatures.contains(&finding.signature), "{}", finding.signature);
        assert_eq!(outcome.records, finding.records);
    }
}

#[test]
fn a_strategy_has_a_name() {
    insta::assert_snapshot!(strategy::named("randm").expect_err("a complaint"), @"strategy `randm`: `randm` is no strategy; did you mean `random`?");
    let names: Vec<&str> =
        strategy::ALL.iter().map(|(name, _)| strategy::named(name).expect("it is there").name()).collect();
    assert_eq!(names, ["random", "late", "pct", "guided"]);
    assert!(Scenario::has_chaos(&catalogue::find("everything").expect("it is in the catalogue")));
}
