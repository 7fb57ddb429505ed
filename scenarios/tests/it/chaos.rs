//! Chaos: what seeds draw is a scenario, varied, and the same every time.

use std::collections::BTreeSet;

use scenarios::{Case, PolicySpec, Scenario, Seed, catalogue};

fn storms() -> Vec<Scenario> {
    let all = catalogue::all().expect("the catalogue is well-formed");
    all.into_iter().filter(Scenario::has_chaos).collect()
}

/// Drawing panics if it makes no valid scenario.
#[test]
fn every_seed_draws_a_scenario() {
    let storms = storms();
    assert!(storms.len() >= 8);
    for storm in storms {
        let drawn = |seed| storm.concrete(Seed(seed)).text().to_owned();
        let texts: BTreeSet<String> = (0..200).map(drawn).collect();
        assert!(texts.len() > 190, "{}: {} of 200 are different", storm.name(), texts.len());
        assert_eq!(drawn(7), drawn(7));
        assert!(!storm.concrete(Seed(7)).has_chaos());
    }
}

/// A drawn scenario that is printed and read again runs as the seed of the storm does.
#[test]
fn what_is_drawn_runs_the_same() {
    let policy = PolicySpec::parse("master").expect("a preset");
    for storm in storms() {
        let case = Case::new(&storm, &policy, Seed(3));
        let drawn = storm.concrete(Seed(3));
        let again = Scenario::parse("again", "again.toml", drawn.text()).expect("it can be read again");
        assert_eq!(case.run().digest, Case::new(&again, &policy, Seed(3)).run().digest, "{}", storm.name());
    }
}

/// Each class of faults is left out by some seeds and is in others.
#[test]
fn classes_are_left_out_about_half_of_the_time() {
    let everything = catalogue::find("everything").expect("it is in the catalogue");
    let texts: Vec<String> = (0..200).map(|seed| everything.concrete(Seed(seed)).text().to_owned()).collect();
    let with = |what: &str| texts.iter().filter(|text| text.contains(what)).count();
    for what in [
        "do.crash]",
        "do.pause]",
        "do.revoke_lease]",
        "do.downstream_outage]",
        "low_latency = true",
        "statement_tail",
    ] {
        assert!((60..=140).contains(&with(what)), "{what} in {} of 200", with(what));
    }
}

/// Another class in the file moves no draw of those that were there.
#[test]
fn a_new_class_moves_no_other() {
    let text = |faults: &str| {
        format!(
            "story = \"x\"\nrun_for = \"20s\"\nsettle_for = \"1s\"\n[cluster]\nnodes = 3\n[workload]\n\
             tables = 2\nrow_every = \"1s\"\nrows = 4\n[chaos]\nfaults = [{faults}]\n"
        )
    };
    let crashes = |faults: &str, seed: u64| {
        let scenario =
            Scenario::parse("x", "x", &text(faults)).expect("it is well-formed").concrete(Seed(seed));
        let blocks = scenario.text().split("[[fault]]").skip(1).filter(|block| block.contains("do.crash"));
        blocks
            .map(|block| block.split("\n[workload]").next().unwrap_or_default().trim().to_owned())
            .collect::<Vec<_>>()
    };
    // A seed that leaves crashes out takes one class all the same if there is no other.
    let mut compared = 0;
    for seed in 0..60 {
        let both = crashes("\"crash\", \"pause\"", seed);
        if !both.is_empty() {
            assert_eq!(crashes("\"crash\"", seed), both);
            compared += 1;
        }
    }
    assert!(compared > 20);
}

#[test]
fn names_are_checked() {
    let wrong = |chaos: &str| {
        let text = format!(
            "story = \"x\"\nrun_for = \"20s\"\nsettle_for = \"1s\"\n[cluster]\nnodes = 3\n[workload]\n\
             tables = 2\nrow_every = \"1s\"\nrows = 4\n[chaos]\n{chaos}\n"
        );
        Scenario::parse("x", "x.toml", &text).expect_err("a complaint").to_string()
    };
    insta::assert_snapshot!(wrong("faults = [\"crsh\"]"), @r#"
    x.toml:11:11: `crsh` is no class of faults; did you mean `crash`?
      | faults = ["crsh"]
    "#);
    insta::assert_snapshot!(wrong("commands = [\"crash\"]"), @r#"
    x.toml:11:13: `crash` is no class of commands; there is pause-and-resume, remove, move-maintainer, create, update, rewind, move-table, split-table, merge-table, drain, restart or rolling-restart
      | commands = ["crash"]
    "#);
    insta::assert_snapshot!(wrong("moments = [\"DispatcherCreate\"]"), @r#"
    x.toml:11:12: `DispatcherCreate` is no kind of message or note; did you mean `DispatcherCreated`?
      | moments = ["DispatcherCreate"]
    "#);
    insta::assert_snapshot!(wrong("nodes = 0"), @r#"
    x.toml:11:9: invalid value: integer `0`, expected a number from 1 on, or a range such as "1..17"
      | nodes = 0
    "#);
}
