//! Known findings: what they explain, and what they do not.

use std::path::Path;

use scenarios::{Case, PolicySpec, Seed, catalogue, known::KnownFindings};

fn known() -> KnownFindings {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/known-findings.toml");
    KnownFindings::read(&path.display().to_string()).unwrap_or_else(|error| panic!("{error}"))
}

/// What a run breaks, with the known findings that explain it.
fn explained(scenario: &str, policy: &str, seed: u64) -> Vec<(String, String)> {
    let scenario = catalogue::find(scenario).expect("it is in the catalogue");
    let policy = PolicySpec::parse(policy).expect("it is a policy");
    let case = Case::new(&scenario, &policy, Seed(seed));
    let (_, signatures) = case.signatures();
    let known = known();
    let by = known.explain(&signatures, &case).into_iter();
    let ids = by.map(|by| by.iter().map(|one| one.id.clone()).collect::<Vec<_>>().join(" with "));
    signatures.iter().map(|one| one.name()).zip(ids).collect()
}

/// The name of what is new.
fn new(scenario: &str, policy: &str, seed: u64) -> Vec<String> {
    let all = explained(scenario, policy, seed).into_iter();
    all.filter(|(_, by)| by.is_empty()).map(|(name, _)| name).collect()
}

/// Mistakes break what known findings break, too, and are told as new all the same.
#[test]
fn a_mistake_is_not_taken_for_a_known_finding() {
    for (scenario, policy, seed, breaks) in [
        ("delayed-create", "baseline", 55, "single_writer (admitted)"),
        ("delayed-create", "master+dispatchers.schedule_fence=any_sender", 55, "single_writer (admitted)"),
        ("lease-storm", "baseline", 504, "single_writer (admitted)"),
        ("failover-storm", "M-H1", 0, "one_owner_per_epoch (shared)"),
        ("api-storm", "M-H10", 2_000_000, "no_head_of_line (operators)"),
        ("ddl-storm", "MU-20", 1_000_000, "no_command_while_removed (block events)"),
    ] {
        let new = new(scenario, policy, seed);
        assert!(new.iter().any(|name| name == breaks), "{scenario} {policy} {seed}: {new:?}");
    }
}

/// What a change has made of a switch is what is tried: no cure undoes it.
#[test]
fn a_cure_does_not_undo_what_is_tried() {
    let policy = "master+dispatchers.status_watermark=for_the_report";
    let all = explained("maintainer-moves-twice", policy, 89);
    assert!(!all.is_empty() && all.iter().all(|(_, by)| by == "F18"), "{all:?}");
    let told = explained("maintainer-moves-twice", "master", 39);
    assert_eq!(told, [("checkpoint_safe (data)".to_owned(), "F17".to_owned())]);
}

/// An entry with a switch and weather is for what takes both.
#[test]
fn where_weather_is_enough_no_switch_explains_anything() {
    let scenario = catalogue::find("frozen-node").expect("it is in the catalogue");
    let case = Case::new(&scenario, &PolicySpec::parse("master").expect("a preset"), Seed(0));
    let (_, signatures) = case.signatures();
    let explained = |cure: &str| {
        let text = format!(
            "[[finding]]\nid = \"X\"\nbreaks = \"single_writer\"\n{cure}\nreason = \"r\"\nlink = \"l\"\n"
        );
        let known = KnownFindings::parse("known.toml", &text).unwrap_or_else(|error| panic!("{error}"));
        known.explain(&signatures, &case).iter().filter(|by| !by.is_empty()).count()
    };
    assert!(explained("without = \"stops\"") > 0);
    assert_eq!(explained("cured_by = \"coordinator.drain_freeze=never\"\nwithout = \"stops\""), 0);
}

/// A stop that is as long as a lease dies instead, and what it broke holds.
#[test]
fn weather_is_taken_out() {
    let all = explained("frozen-node", "master", 0);
    assert!(!all.is_empty() && all.iter().all(|(_, by)| by == "F2"), "{all:?}");
}

/// One outage is told several times, and counts as often.
#[test]
fn a_rule_that_mends_a_finding_explains_it() {
    let all = explained("operator-storm", "master", 9066);
    assert_eq!(all, [("recovers (coverage)".to_owned(), "F49".to_owned())]);
}
