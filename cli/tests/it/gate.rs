//! `cdcsim gate` and `cdcsim merge`.

use std::{fs, path::Path};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Called, cdcsim, cdcsim_in};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures");

/// A gate over a few scenarios.
fn gate(folder: &TempDir, line: &str) -> Called {
    cdcsim_in(folder, &format!("gate {line} --fixtures {FIXTURES}"))
}

fn json(folder: &TempDir, name: &str) -> Value {
    let text = fs::read_to_string(folder.path().join(name)).expect("the report was written");
    serde_json::from_str(&text).expect("it is JSON")
}

#[test]
fn what_is_as_it_was_passes_and_says_the_same_twice() {
    let folder = tempfile::tempdir().expect("a folder");
    let line = "quiet-cluster half-closed-manager --budget 0s --base-seed 5";
    let [first, second] = [1, 2].map(|n| gate(&folder, &format!("{line} --jobs {n} --json {n}.json")));
    assert_eq!(first.code, Some(0), "{}{}", first.stdout, first.stderr);
    assert_eq!(first.stdout, second.stdout);
    assert_eq!(json(&folder, "1.json"), json(&folder, "2.json"));
    insta::assert_snapshot!(first.stdout, @"
    base seed 5 (--base-seed)
    the gate is passed by master
      claims: 6 of 6 passed
      capsules: 0 of 0 passed
      mutants: 2 of 2 passed
      fresh: 0 seeds from 5, 0 of each general scenario: 0 broken, 0 inconclusive, 0 new findings, 0 known
    ");
}

/// Breaking the protocol on purpose: one line of it, as a switch. The gate fails and leaves a capsule that shows why.
fn broken(edit: &str, scenario: &str, invariant: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let line =
        format!("{scenario} --policy {edit} --budget 0s --shrink-budget 0 --json gate.json --out capsules");
    let called = gate(&folder, &line);
    assert_eq!(called.code, Some(1), "{}{}", called.stdout, called.stderr);
    let report = json(&folder, "gate.json");
    let cases = report["cases"].as_array().expect("a list");
    let failed = cases.iter().find(|case| case["status"] == "failed").expect("something failed");
    assert_eq!((&failed["suite"], &failed["name"]), (&scenario.into(), &"master".into()));
    assert!(failed["why"].as_str().is_some_and(|why| why.contains(invariant)), "{failed}");
    let capsule = failed["capsule"].as_str().expect("it left a capsule");
    let replayed = cdcsim_in(&folder, &format!("replay capsules/{capsule}"));
    assert_eq!(replayed.code, Some(1), "{}{}", replayed.stdout, replayed.stderr);
    assert!(replayed.stdout.contains(invariant), "{}", replayed.stdout);
}

#[test]
fn a_manager_that_hears_any_sender_is_caught() {
    broken("master+dispatchers.schedule_fence=any_sender", "delayed-create", "single_writer");
}

#[test]
fn a_bootstrap_that_keeps_the_lock_of_the_maps_is_caught() {
    broken("master+orchestrator.bootstrap_map_lock=held", "head-of-line", "no_head_of_line");
}

#[test]
fn a_handler_that_keeps_the_fence_mutex_is_caught() {
    broken(
        "master+orchestrator.mutex_release=not_on_early_return",
        "fence-while-building",
        "no_lock_forever",
    );
}

#[test]
fn a_coordinator_that_adopts_by_what_is_reported_is_caught() {
    broken("master+coordinator.adoption=reported_epoch", "resume-before-stop", "recovers");
}

#[test]
fn an_error_of_a_closed_write_path_that_is_reported_is_caught() {
    broken("master+orchestrator.closed_path_error=reported", "half-closed-manager", "no_false_alarm");
}

/// All work in four parts, one of which fails, with fresh seeds: joined it is what one gate says.
#[test]
fn shards_are_joined_to_what_one_gate_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let edit = "master+orchestrator.closed_path_error=reported";
    let line = format!(
        "quiet-cluster half-closed-manager partition-storm --policy {edit} --budget 1s --base-seed 3 --shrink-budget 20"
    );
    let whole = gate(&folder, &format!("{line} --json whole.json --junit whole.xml"));
    assert_eq!(whole.code, Some(1), "{}{}", whole.stdout, whole.stderr);
    for n in 1..=4 {
        let part = gate(&folder, &format!("{line} --shard {n}/4 --json {n}.json"));
        assert!(matches!(part.code, Some(0 | 1)), "{}{}", part.stdout, part.stderr);
    }
    let merged =
        cdcsim_in(&folder, "merge 3.json 1.json 4.json 2.json --json merged.json --junit merged.xml");
    assert_eq!(merged.code, Some(1), "{}{}", merged.stdout, merged.stderr);
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).expect("it was written");
    assert_eq!(read("merged.json"), read("whole.json"));
    assert_eq!(read("merged.xml"), read("whole.xml"));
    let missing = cdcsim_in(&folder, "merge 1.json 2.json");
    insta::assert_snapshot!(missing.complaint(), @"error: merge: the report of shard 3/4 and of shard 4/4 is missing");
}

#[test]
fn what_was_written_down_otherwise_is_seen_and_can_be_written_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    let outcomes = folder.path().join("outcomes.txt");
    let line = "quiet-cluster --budget 0s --base-seed 0 --fixtures .";
    let call = |line: &str| cdcsim_in(&folder, &format!("gate {line}"));
    insta::assert_snapshot!(call(line).complaint(), @"error: .: there is no outcomes.txt in it; run in the root of the repository, name the folder with --fixtures, or let --update write one");
    let written = call(&format!("{line} --update"));
    assert_eq!(written.code, Some(0), "{}{}", written.stdout, written.stderr);
    assert_eq!(call(line).code, Some(0));
    let sound = fs::read_to_string(&outcomes).expect("it was written");
    fs::write(&outcomes, sound.replace(": held", ": broke single_writer")).expect("it can be written");
    let differs = call(line);
    assert_eq!(differs.code, Some(1));
    let why = "seed 0 held; it broke single_writer when that was written down";
    assert!(differs.stdout.contains(why), "{}", differs.stdout);
    fs::write(&outcomes, "nonsense\n").expect("it can be written");
    insta::assert_snapshot!(call(line).complaint(), @"
    error: ./outcomes.txt:1: a line is `scenario policy seed digest so-many records: what broke`
      | nonsense
    ");
}

#[test]
fn what_is_wrong_is_said() {
    let complaint = |line: &str| cdcsim(line).complaint().to_owned();
    insta::assert_snapshot!(complaint("gate --shard 5/4"), @"
    error: invalid value '5/4' for '--shard <I/N>': there is no shard 5 of 4; the first is 1/4, the last 4/4

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(complaint("gate --fixtures /nowhere"), @"error: /nowhere: there is no outcomes.txt in it; run in the root of the repository, name the folder with --fixtures, or let --update write one");
    insta::assert_snapshot!(complaint("gate quiet-clutser"), @"error: scenario `quiet-clutser`: it is not in the catalogue; did you mean `quiet-cluster`?");
    insta::assert_snapshot!(complaint("merge /nowhere.json"), @"error: /nowhere.json: No such file or directory (os error 2)");
    let fixtures = Path::new(FIXTURES).display();
    let unwritable = format!("gate quiet-cluster --fixtures {fixtures} --json /nowhere/gate.json");
    insta::assert_snapshot!(complaint(&unwritable), @"error: /nowhere/gate.json: it cannot be written: No such file or directory (os error 2)");
}

#[cfg(unix)]
#[test]
fn an_interrupted_gate_leaves_whole_reports() {
    use std::{io::BufRead as _, process::Stdio};

    use crate::support::{call, command};

    for signal in ["INT", "TERM"] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut gate = command();
        let line = format!(
            "gate --budget 10m --base-seed 1 --jobs 1 --fixtures {FIXTURES} --json gate.json --junit gate.xml --markdown gate.md"
        );
        gate.current_dir(folder.path()).args(line.split(' ')).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = gate.spawn().expect("the binary starts");
        let mut first = String::new();
        let mut stdout = std::io::BufReader::new(child.stdout.take().expect("it is piped"));
        stdout.read_line(&mut first).expect("stdout is text");
        assert_eq!(first, "base seed 1 (--base-seed)\n");
        let mut kill = std::process::Command::new("sh");
        kill.args(["-c", &format!("kill -{signal} {}", child.id())]);
        assert_eq!(call(kill).code, Some(0));
        let ended = child.wait().expect("it ends");
        assert_eq!(ended.code(), Some(130));
        let report = json(&folder, "gate.json");
        assert_eq!((&report["interrupted"], &report["exit"]), (&true.into(), &130.into()));
        let cases = report["cases"].as_array().expect("a list");
        assert!(cases.iter().any(|case| case["status"] == "not_run"));
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).expect("it was written");
        assert!(read("gate.xml").trim_end().ends_with("</testsuites>"));
        assert!(read("gate.md").starts_with("## cdcsim gate: interrupted"));
    }
}
