//! `cdcsim hunt` and `cdcsim draw`: what is found is told once, can be replayed, and does not depend on the jobs.

use crate::support::{cdcsim, cdcsim_in, folder};

/// All but how long it took.
fn timeless(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.contains("times real time"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn what_is_found_is_saved_and_replayed() {
    let folder = folder(&[]);
    let hunt = "hunt failover-storm --policy baseline --seeds 0..64 --out found";
    let called = cdcsim_in(&folder, hunt);
    assert_eq!((called.code, called.stderr.as_str()), (Some(1), ""));
    let capsule = called.stdout.lines().find_map(|line| line.trim().strip_prefix("capsule: "));
    let capsule = capsule.expect("something was found").to_owned();
    let replayed = cdcsim_in(&folder, &format!("replay {capsule}"));
    assert_eq!((replayed.code, replayed.stderr.as_str()), (Some(1), ""));
    assert!(replayed.stdout.contains("  reproduced exactly: the same records\n"), "{}", replayed.stdout);
    let again = cdcsim_in(&folder, &format!("{hunt} --jobs 1"));
    assert_eq!(timeless(&again.stdout), timeless(&called.stdout));
    let json = cdcsim_in(&folder, &format!("{hunt} --format json")).json();
    assert_eq!((&json["schema"], &json["ran"]), (&"cdcsim.hunt/2".into(), &64.into()));
}

#[test]
fn nothing_found_is_said() {
    let called = cdcsim("hunt quiet-cluster --seeds 0..10 --strategy late");
    assert_eq!((called.code, called.stderr.as_str()), (Some(0), ""));
    assert_eq!(timeless(&called.stdout), "nothing found under master, strategy late: 0 of 10 seeds broken");
    let timed = cdcsim("hunt quiet-cluster --for 10ms");
    assert_eq!((timed.code, timed.stderr.as_str()), (Some(0), ""));
}

#[test]
fn what_is_wrong_is_said() {
    let wrong = |line: &str| cdcsim(line).complaint().to_owned();
    insta::assert_snapshot!(wrong("hunt all --seeds 0..1 --strategy rndom"), @"error: strategy `rndom`: `rndom` is no strategy; did you mean `random`?");
    assert!(wrong("hunt al --seeds 0..1").starts_with("error: scenario `al`: it is not in the catalogue; "));
    insta::assert_snapshot!(wrong("draw delayed-create --seed 1"), @"error: scenario `delayed-create`: it has no [chaos]: every seed makes the same of it, but for its weather and the times of its faults");
    assert_eq!(cdcsim("hunt all").code, Some(2));
    assert_eq!(cdcsim("hunt all --for soon").code, Some(2));
}

/// What is drawn is a scenario file.
#[test]
fn what_is_drawn_can_be_run() {
    let drawn = cdcsim("draw everything --seed 7");
    assert_eq!((drawn.code, drawn.stderr.as_str()), (Some(0), ""));
    let folder = folder(&[("drawn.toml", &drawn.stdout)]);
    let digest = |stdout: String| {
        stdout.lines().find_map(|line| line.trim().strip_prefix("digest ")).map(str::to_owned)
    };
    let run = cdcsim_in(&folder, "replay drawn.toml --policy master --seed 7");
    let storm = cdcsim("replay everything --policy master --seed 7");
    assert_eq!(digest(run.stdout), digest(storm.stdout));
}
