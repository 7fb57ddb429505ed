//! `cdcsim replay`: a seed or a capsule comes out as it did before, and tells more.

use std::{env, fs, path::Path};

use crate::support::{Called, FINDING, cdcsim, cdcsim_in, command, folder, only_file};
use serde_json::Value;
use tempfile::TempDir;

/// A folder with the capsule of a finding, and its path there.
fn saved() -> (TempDir, String) {
    let folder = folder(&[]);
    let run = cdcsim_in(&folder, &FINDING.saving());
    let path = format!("found/delayed-create-baseline-{}.json", FINDING.seed);
    assert!(run.stdout.contains(&format!("    capsule: {path}\n")), "{}", run.stdout);
    assert_eq!(only_file(&folder.path().join("found")), folder.path().join(&path).display().to_string());
    (folder, path)
}

/// Replays a capsule in which something has been replaced.
fn tampered(replace: &str, by: &str, format: &str) -> Called {
    let (folder, path) = saved();
    let path = folder.path().join(path);
    let text = fs::read_to_string(&path).expect("a capsule is text");
    assert!(text.contains(replace), "no {replace} in {text}");
    fs::write(folder.path().join("x.json"), text.replace(replace, by)).expect("there is room for a file");
    cdcsim_in(&folder, &format!("replay x.json --format {format}"))
}

/// The line a run prints is pasted into a shell, also where names need quotes.
#[cfg(unix)]
#[test]
fn the_printed_line_reproduces_the_digest() {
    let scenario = include_str!("../../../scenarios/data/delayed-create.toml");
    let folder = folder(&[("it's mine.toml", scenario)]);
    let run = ["run", "it's mine.toml", "--policy", "baseline", "--seed", FINDING.seed.as_str()];
    let mut command = command();
    command.current_dir(folder.path()).args(run);
    let run = crate::support::call(command).stdout;
    let lines: Vec<&str> = run.lines().filter_map(|line| line.trim().strip_prefix("replay: ")).collect();
    assert_eq!(lines.len(), 1, "{run}");
    for line in [lines[0], FINDING.replay.as_str()] {
        let program = Path::new(env!("CARGO_BIN_EXE_cdcsim")).parent().expect("it is in a folder");
        let paths = env::var_os("PATH").unwrap_or_default();
        let paths = [program.to_owned()].into_iter().chain(env::split_paths(&paths));
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", line]).current_dir(folder.path());
        shell.env("PATH", env::join_paths(paths).expect("folders"));
        let replay = crate::support::call(shell);
        assert_eq!((replay.code, replay.stderr.as_str()), (Some(1), ""), "{line}");
        assert!(replay.stdout.contains(&format!("digest {}", FINDING.digest)), "{}", replay.stdout);
    }
}

#[test]
fn reports_tell_more_and_more() {
    let replay = |report: &str| {
        let Called { code, stdout, stderr } = cdcsim(&format!(
            "replay delayed-create --policy baseline --seed {} --report {report}",
            FINDING.seed
        ));
        assert_eq!((code, stderr.as_str()), (Some(1), ""));
        stdout
    };
    let (summary, why, trace) = (replay("summary"), replay("why"), replay("trace"));
    assert!(why.starts_with(&summary) && trace.starts_with(&summary));
    let records =
        |text: &str| text.lines().filter(|line| line.trim_start_matches(['>', ' ']).starts_with('#')).count();
    assert_eq!(records(&summary), 0);
    assert!((1..=30).contains(&records(&why)), "{why}");
    assert!(records(&trace) > 1000);
}

#[test]
fn results_for_programs() {
    let replay = format!("replay delayed-create --policy baseline --seed {} --format json", FINDING.seed);
    let called = cdcsim(&format!("{replay} --report why"));
    assert_eq!((called.code, called.stderr.as_str()), (Some(1), ""));
    let json = called.json();
    assert_eq!(json["schema"], "cdcsim.replay/2");
    assert_eq!(json["seed"], Value::from(FINDING.seed.as_str()));
    assert_eq!(json["digest"], Value::from(FINDING.digest.as_str()));
    assert_eq!(json["violations"][0]["invariant"], "single_writer");
    let ids: Vec<&str> =
        json["lines"].as_array().unwrap().iter().map(|line| line["id"].as_str().unwrap()).collect();
    for blamed in json["violations"][0]["because"].as_array().expect("steps to blame") {
        assert!(ids.contains(&blamed.as_str().unwrap()), "{blamed} is not in the story: {ids:?}");
    }
    let all = cdcsim(&format!("{replay} --report trace")).json()["lines"].as_array().unwrap().len();
    assert_eq!(Value::from(all), json["records"]);
}

#[test]
fn a_seed_in_which_everything_holds() {
    let Called { code, stdout, stderr } =
        cdcsim("replay quiet-cluster --policy master --seed 1 --report why");
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert!(stdout.contains("seed 1: held"), "{stdout}");
    assert!(stdout.ends_with("\n  nothing broke\n"), "{stdout}");
}

/// Scenarios of one name in two folders, a run that is repeated, and a capsule that somebody has edited.
#[test]
fn no_capsule_is_written_over() {
    let scenario = include_str!("../../../scenarios/data/delayed-create.toml");
    let folder = folder(&[]);
    for (name, text) in [("a", scenario.to_owned()), ("b", format!("{scenario}# Another one.\n"))] {
        fs::create_dir(folder.path().join(name)).expect("there is room for a folder");
        fs::write(folder.path().join(name).join("x.toml"), text).expect("there is room for a file");
    }
    let run = format!("run a/x.toml b/x.toml --policy baseline --seed {} --out found", FINDING.seed);
    let capsules = || {
        let stdout = cdcsim_in(&folder, &run).stdout;
        let lines = stdout.lines().filter_map(|line| line.trim().strip_prefix("capsule: found/"));
        lines.map(|line| line.replace(&FINDING.seed, "SEED")).collect::<Vec<_>>().join(" ")
    };
    insta::assert_snapshot!(capsules(), @"x-baseline-SEED.json x-baseline-SEED-2.json");
    insta::assert_snapshot!(capsules(), @"x-baseline-SEED.json x-baseline-SEED-2.json");
    let first = folder.path().join(format!("found/x-baseline-{}.json", FINDING.seed));
    fs::write(&first, "mine").expect("the file is ours");
    insta::assert_snapshot!(capsules(), @"x-baseline-SEED-3.json x-baseline-SEED-2.json");
    assert_eq!(fs::read_to_string(&first).expect("it is there"), "mine");
    let mut files: Vec<String> = fs::read_dir(folder.path().join("found"))
        .expect("it is there")
        .map(|file| file.expect("a file").file_name().to_string_lossy().replace(&FINDING.seed, "SEED"))
        .collect();
    files.sort();
    insta::assert_snapshot!(files.join(" "), @"x-baseline-SEED-2.json x-baseline-SEED-3.json x-baseline-SEED.json");
}

#[test]
fn a_capsule_comes_out_as_it_was_saved() {
    let (folder, path) = saved();
    let Called { code, stdout, stderr } = cdcsim_in(&folder, &format!("replay {path}"));
    assert_eq!((code, stderr.as_str()), (Some(1), ""));
    assert!(stdout.contains(&format!("digest {}", FINDING.digest)), "{stdout}");
}

/// As after a change of the model that moves records, but leaves what broke.
#[test]
fn other_records_with_the_same_break_are_a_rebased_run() {
    let Called { code, stdout, stderr } = tampered(&FINDING.digest, "0123456789abcdef", "text");
    assert_eq!((code, stderr.as_str()), (Some(1), ""));
    assert!(
        stdout.contains("\n  rebased: other records, and the same breaks; 0 of 0 decisions replayed\n"),
        "{stdout}"
    );
    let json = tampered(&FINDING.digest, "0123456789abcdef", "json").json();
    assert_eq!(json["reproduced"]["level"], "rebased");
}

/// As after a change of the model that mends what broke.
#[test]
fn what_does_not_break_any_more_is_not_reproduced() {
    let (folder, path) = saved();
    let path = folder.path().join(path);
    let text = fs::read_to_string(&path).expect("a capsule is text");
    let mended = text.replace("\"policy\": \"baseline\"", "\"policy\": \"master\"");
    fs::write(folder.path().join("x.json"), mended).expect("there is room for a file");
    let called = cdcsim_in(&folder, "replay x.json");
    assert_eq!(called.code, Some(3));
    assert!(called.stdout.contains("\n  not reproduced\n"), "{}", called.stdout);
    let (what, story) = called.stderr.split_once('\n').expect("two lines");
    assert!(
        what.starts_with("error: x.json: not reproduced: what broke is nothing; the capsule, which version "),
        "{what}"
    );
    assert!(story.starts_with("  the first record of its story that does not happen any more: "), "{story}");
    let json = cdcsim_in(&folder, "replay x.json --format json").json();
    assert_eq!((&json["exit"], &json["reproduced"]["level"]), (&Value::from(3), &Value::from("not")));
    assert!(json["reproduced"]["first_difference"].is_string(), "{json}");
}

#[test]
fn a_capsule_that_tells_of_another_violation() {
    let called = tampered("\"aspect\": \"applied\"", "\"aspect\": \"imagined\"", "text");
    assert_eq!(called.code, Some(3));
    insta::assert_snapshot!(called.stderr.replace(&FINDING.seed, "SEED"), @"error: x.json: not reproduced: its digest is the same, but what broke is single_writer (admitted), checkpoint_safe (behind), single_writer (applied); the capsule says single_writer (admitted), checkpoint_safe (behind), single_writer (imagined): either the invariants have changed since, or the capsule");
}

#[test]
fn a_capsule_of_another_format() {
    insta::assert_snapshot!(tampered("cdcsim.capsule/3", "cdcsim.capsule/9", "text").complaint(), @"error: x.json: its schema is `cdcsim.capsule/9`; this version reads `cdcsim.capsule/1` and `cdcsim.capsule/2` and `cdcsim.capsule/3`");
}

#[test]
fn a_truncated_capsule() {
    let (folder, path) = saved();
    let path = folder.path().join(path);
    let text = fs::read_to_string(&path).expect("a capsule is text");
    fs::write(folder.path().join("half.json"), &text[..text.len() / 2]).expect("there is room for a file");
    let called = cdcsim_in(&folder, "replay half.json");
    let complaint = called.complaint();
    assert!(complaint.starts_with("error: half.json:"), "{complaint}");
    assert!(complaint.ends_with(": the capsule is truncated: it ends in the middle"), "{complaint}");
}
