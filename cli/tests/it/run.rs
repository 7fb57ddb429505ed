//! `cdcsim list` and `cdcsim run`: what they print, and what their exit codes say.

use crate::support::{Called, FINDING, SMALL, cdcsim, cdcsim_in, folder};
use serde_json::Value;

#[test]
fn list_tells_what_there_is() {
    let Called { code, stdout, stderr } = cdcsim("list");
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    let json = cdcsim("list --format json").json();
    assert_eq!(json["schema"], "cdcsim.list/2");
    for kind in ["scenarios", "policies", "invariants"] {
        let listed = json[kind].as_array().expect("a list");
        assert!(!listed.is_empty());
        for name in listed.iter().map(|one| one["name"].as_str().expect("a name")) {
            assert!(stdout.contains(&format!("\n  {name} ")), "{name} is missing in\n{stdout}");
        }
    }
}

#[test]
fn everything_holds_where_nothing_goes_wrong() {
    let Called { code, stdout, stderr } = cdcsim("run quiet-cluster --seeds 0..3 --policy master");
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    insta::assert_snapshot!(stdout, @"
    quiet-cluster under master, seeds 0..3
      3 seeds: 3 held
      median/99%/max: without writer 0s/0s/0s, recovery 0s/0s/0s, written twice 0/0/0, lag 3.399s/3.431s/3.431s, control messages 341/343/343
      claim: holds: confirmed; witnesses: EpochPersisted in 3, MaintainerBootstrapped in 3, TriggerActive in 3, CheckpointPersisted in 3
    ");
    assert_eq!(cdcsim("run quiet-cluster --seeds 0..3").code, Some(0));
}

#[test]
fn a_broken_invariant_is_told_with_its_seed() {
    let seed: u64 = FINDING.seed.parse().expect("a number");
    let window = format!("{}..{}", seed.saturating_sub(3), seed + 2);
    let Called { code, stdout, stderr } =
        cdcsim(&format!("run delayed-create --policy baseline --seeds {window}"));
    assert_eq!((code, stderr.as_str()), (Some(1), ""));
    assert!(stdout.contains(&format!("seed {seed}  broken  digest {}", FINDING.digest)), "{stdout}");
    assert!(stdout.contains("single_writer (admitted): "), "{stdout}");
    assert!(stdout.contains(&FINDING.replay), "{stdout}");
}

/// Without a policy the claims are what is judged: one that says `breaks` is confirmed by a break.
#[test]
fn a_claim_can_be_confirmed_by_a_break() {
    let scenario = include_str!("../../../scenarios/data/delayed-create.toml");
    let (story, _) = scenario.split_once("[[claim]]").expect("it claims something");
    let claim = "[[claim]]\npolicy = \"baseline\"\nbreaks = \"single_writer\"\n";
    let folder = folder(&[("breaks.toml", &format!("{story}{claim}"))]);
    let called =
        cdcsim_in(&folder, &format!("run breaks.toml --without checkpoint_safe --seed {}", FINDING.seed));
    assert_eq!(called.code, Some(0), "{}", called.stdout);
    assert!(called.stdout.ends_with("  claim: breaks single_writer: confirmed\n\n"), "{}", called.stdout);
}

/// An invariant that the claim does not name refutes it, with its seeds; one that may break does not.
#[test]
fn a_break_that_was_not_claimed_is_told() {
    let scenario = include_str!("../../../scenarios/data/delayed-create.toml");
    let (story, _) = scenario.split_once("[[claim]]").expect("it claims something");
    let ended = |claim: &str| {
        let text = format!("{story}[[claim]]\npolicy = \"baseline\"\n{claim}\n");
        let folder = folder(&[("breaks.toml", &text)]);
        let called =
            cdcsim_in(&folder, &format!("run breaks.toml --without checkpoint_safe --seed {}", FINDING.seed));
        let line = called.stdout.trim_end().lines().last().unwrap_or_default();
        format!("{} {}", called.code.unwrap_or(-1), line.trim().replace(&FINDING.seed, "SEED"))
    };
    insta::assert_snapshot!(ended("breaks = 'recovers'"), @"1 claim: breaks recovers: refuted by single_writer in 1 (seed SEED)");
    insta::assert_snapshot!(ended("may_break = 'recovers'"), @"1 claim: holds, may break recovers: refuted by single_writer in 1 (seed SEED)");
    insta::assert_snapshot!(ended("breaks = 'recovers'\nmay_break = 'single_writer'"), @"4 claim: breaks recovers, may break single_writer: nothing shown for want of a broken recovers");
    insta::assert_snapshot!(ended("breaks = ['single_writer', 'recovers']"), @"4 claim: breaks single_writer and recovers: nothing shown for want of a broken recovers");
    insta::assert_snapshot!(ended("breaks = ['single_writer']\nmay_break = ['recovers']"), @"0 claim: breaks single_writer, may break recovers: confirmed");
    insta::assert_snapshot!(ended("may_break = ['single_writer', 'recovers']"), @"0 claim: holds, may break single_writer and recovers: confirmed");
}

#[test]
fn a_missing_witness_shows_nothing() {
    let claim = "\n[[claim]]\npolicy = \"master\"\nwitnesses = [\"StaleRefused\"]\n";
    let folder = folder(&[("small.toml", &format!("{SMALL}{claim}"))]);
    for policy in ["", " --policy master"] {
        let Called { code, stdout, stderr } = cdcsim_in(&folder, &format!("run small.toml --seed 1{policy}"));
        assert_eq!((code, stderr.as_str()), (Some(4), ""));
        insta::allow_duplicates! {
            insta::assert_snapshot!(stdout, @"
            small under master, seeds 1..2
              1 seed: 1 held
              median/99%/max: without writer 0s/0s/0s, recovery 0s/0s/0s, written twice 0/0/0, lag 3.399s/3.399s/3.399s, control messages 63/63/63
              claim: holds: nothing shown for want of StaleRefused; witnesses: StaleRefused in 0
            ");
        }
    }
}

/// Not even when the scenario claims a break, so that holding would be a surprise.
#[test]
fn no_seeds_show_nothing() {
    let claim = "\n[[claim]]\npolicy = \"baseline\"\nbreaks = \"single_writer\"\n";
    let folder = folder(&[("none.toml", &format!("seeds = 0\n{SMALL}{claim}"))]);
    for policy in ["", " --policy baseline", " --policy master"] {
        assert_eq!(cdcsim_in(&folder, &format!("run none.toml{policy}")).code, Some(4), "{policy}");
    }
}

#[test]
fn results_for_programs() {
    let line =
        format!("run delayed-create quiet-cluster --policy baseline --seed {} --format json", FINDING.seed);
    let called = cdcsim(&line);
    assert_eq!((called.code, called.stderr.as_str()), (Some(1), ""));
    let json = called.json();
    assert_eq!(json["schema"], "cdcsim.result/3");
    assert_eq!(json["exit"], 1);
    assert_no_floats(&json);
    let [broken, held] = json["results"].as_array().expect("a list").as_slice() else {
        panic!("two of them")
    };
    assert_eq!(broken["seeds"]["from"], Value::from(FINDING.seed.as_str()));
    assert_eq!((&broken["ran"], &broken["broken"]), (&Value::from(1), &Value::from(1)));
    assert_eq!(broken["claim"]["verdict"], "confirmed");
    let finding = &broken["findings"][0];
    assert_eq!(finding["seed"], Value::from(FINDING.seed.as_str()));
    assert_eq!(finding["digest"], Value::from(FINDING.digest.as_str()));
    assert_eq!(finding["replay"], Value::from(FINDING.replay.as_str()));
    assert_eq!((&held["scenario"], &held["held"]), (&Value::from("quiet-cluster"), &Value::from(1)));
}

/// JavaScript would round what has more than 53 bits, and two programs may print a float differently.
fn assert_no_floats(value: &Value) {
    match value {
        Value::Number(number) => assert!(number.as_u64().is_some_and(|n| n < 1 << 53), "{number}"),
        Value::Array(values) => values.iter().for_each(assert_no_floats),
        Value::Object(fields) => fields.values().for_each(assert_no_floats),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

#[test]
fn findings_tell_as_much_as_is_asked_for() {
    let run = format!("run delayed-create --policy baseline --seed {}", FINDING.seed);
    let story = cdcsim(&format!("{run} --report why")).stdout;
    assert!(story.contains("\n> #"), "{story}");
    let json = cdcsim(&format!("{run} --report why --format json")).json();
    let lines = json["results"][0]["findings"][0]["lines"].as_array().expect("the story").len();
    assert!((1..=30).contains(&lines), "{lines} lines");
    let none = cdcsim(&format!("{run} --max-findings 0"));
    assert_eq!(none.code, Some(1));
    assert!(none.stdout.contains("and 1 more; --max-findings tells more of them"), "{}", none.stdout);
}

#[test]
fn exit_codes_are_documented() {
    for line in ["--help", "run --help", "replay --help"] {
        let Called { code, stdout, stderr } = cdcsim(line);
        assert_eq!((code, stderr.as_str()), (Some(0), ""));
        for documented in ["0", "1", "2", "3", "4", "130", "141"] {
            let listed = stdout.lines().any(|line| line.trim_start().starts_with(&format!("{documented} ")));
            assert!(listed, "`{line}` does not tell what {documented} means:\n{stdout}");
        }
    }
}

#[test]
fn the_examples_of_the_help_show_something() {
    let help = cdcsim("--help").stdout;
    let (_, examples) = help.split_once("Examples:").expect("it has examples");
    let examples = examples.lines().filter_map(|line| line.trim().strip_prefix("cdcsim "));
    let codes = examples.map(|line| format!("{} {line}", cdcsim(line).code.unwrap_or(-1)));
    insta::assert_snapshot!(codes.collect::<Vec<_>>().join("\n"), @"
    0 list
    0 catalogue delayed-create
    0 run delayed-create
    1 run delayed-create --policy baseline --seeds 0..200
    1 replay delayed-create --policy baseline --seed 55 --report why
    ");
}

#[test]
fn colours_only_where_they_are_wanted() {
    let run = format!("run delayed-create --policy baseline --seed {} --report why -v", FINDING.seed);
    let escapes = |variables: &[(&str, &str)]| {
        let mut command = crate::support::command();
        command.envs(variables.iter().copied()).args(run.split(' '));
        let called = crate::support::call(command);
        (called.stdout.contains('\u{1b}'), called.stderr.contains('\u{1b}'))
    };
    assert_eq!(escapes(&[]), (false, false), "not a terminal");
    assert_eq!(escapes(&[("CLICOLOR_FORCE", "1")]), (true, true));
    assert_eq!(escapes(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]), (false, false));
}

#[test]
fn diagnostics_stay_off_stdout() {
    let called = cdcsim("run quiet-cluster --policy master --seed 0 --format json -vv");
    assert!(called.stderr.contains("sweep begins"), "{}", called.stderr);
    assert_eq!(called.json()["exit"], 0);
}
