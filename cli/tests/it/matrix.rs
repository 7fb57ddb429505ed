//! `cdcsim matrix` through the binary.

#![cfg(unix)]

use crate::support::cdcsim;

#[test]
fn policies_against_scenarios() {
    let called = cdcsim("matrix delayed-create quiet-cluster --policies baseline,master --seeds 50..60");
    assert_eq!(called.code, Some(0), "{}", called.stderr);
    insta::assert_snapshot!(called.stdout, @"
    policy    delayed-create            quiet-cluster
    baseline  single_writer in 1 of 10  holds in 10
    master    holds in 10               holds in 10
    ");
    let called = cdcsim("matrix delayed-create --policies baseline --seeds 50..60 --format markdown");
    insta::assert_snapshot!(called.stdout, @"
    | policy | delayed-create |
    |---|---|
    | baseline | single_writer in 1 of 10 |
    ");
    let called = cdcsim("matrix delayed-create --policies baseline --seeds 50..60 --format csv");
    insta::assert_snapshot!(called.stdout, @"
    policy,delayed-create
    baseline,single_writer in 1 of 10
    ");
    let json = cdcsim("matrix delayed-create --policies baseline --seeds 50..60 --format json").json();
    assert_eq!(json["schema"], "cdcsim.matrix/2");
    assert_eq!(json["cells"][0]["by"][0]["invariant"], "single_writer");
    assert_eq!(json["cells"][0]["measures"][0]["unit"], "ms");
}

/// Whatever there is more of makes the rows, unless it is said.
#[test]
fn scenarios_against_policies() {
    let called = cdcsim("matrix delayed-create quiet-cluster --policies baseline --seeds 50..60");
    assert_eq!(called.code, Some(0), "{}", called.stderr);
    insta::assert_snapshot!(called.stdout, @"
    scenario        seeds  baseline
    delayed-create  10     10% SW
    quiet-cluster   10     holds

    A cell tells in which share of the seeds something breaks, and what.
    Where it says holds, nothing does.
    All policies of a row meet the same weather.
    SW is single_writer.
    ");
    let called = cdcsim(
        "matrix delayed-create --policies baseline,master --rows scenarios --seeds 50..60 --format markdown",
    );
    insta::assert_snapshot!(called.stdout, @"
    A cell tells in which share of the seeds something breaks, and what. Where it says `holds`, nothing does. All policies of a row meet the same weather. SW is `single_writer`.

    | scenario | seeds | baseline | master |
    |---|---|---|---|
    | delayed-create | 10 | 10% SW | holds |
    ");
    let called = cdcsim(
        "matrix delayed-create --policies baseline,master --rows scenarios --seeds 50..60 --format csv",
    );
    insta::assert_snapshot!(called.stdout, @"
    scenario,baseline,master
    delayed-create,single_writer in 1 of 10,holds in 10
    ");
    let called =
        cdcsim("matrix delayed-create quiet-cluster --policies master --rows policies --seeds 50..52");
    insta::assert_snapshot!(called.stdout, @"
    policy  delayed-create  quiet-cluster
    master  holds in 2      holds in 2
    ");
}

/// Without `--policies`: what was merged, in order, and the two designs that were not.
#[test]
fn the_usual_versions() {
    let json = cdcsim("matrix quiet-cluster --seeds 0..1 --format json").json();
    let policies: Vec<&str> = json["cells"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|cell| cell["policy"].as_str().expect("a name"))
        .collect();
    insta::assert_snapshot!(policies.join(" "), @"baseline pr-5106 pr-4828 pr-5181 pr-5182 pr-5434 pr-5435 pr-5436 master");
    let known =
        |name: &&str| scenarios::PRESETS.iter().chain(scenarios::DESIGNS).any(|preset| preset.name == *name);
    assert!(policies.iter().all(known));
}

#[test]
fn mutants_against_scenarios() {
    let called = cdcsim("matrix quiet-cluster --mutants --seeds 0..1");
    assert_eq!(called.code, Some(0), "{}", called.stderr);
    assert!(called.stdout.starts_with("mutant"), "{}", called.stdout);
    assert!(called.stdout.contains("mutants are detected"), "{}", called.stdout);
    let json = cdcsim("matrix quiet-cluster --mutants --seeds 0..1 --format json").json();
    assert_eq!(json["schema"], "cdcsim.mutants/1");
}

/// The scenario claims something about M1, and about no other mutant.
#[test]
fn mutants_where_they_are_claimed() {
    let called = cdcsim("matrix head-of-line --mutants --claimed --seeds 0..8");
    assert_eq!(called.code, Some(0), "{}", called.stderr);
    let found: Vec<&str> = called.stdout.lines().filter(|line| line.contains("head-of-line")).collect();
    assert!(matches!(found[..], [one] if one.starts_with("M1 ")), "{}", called.stdout);
    assert!(cdcsim("matrix --claimed").complaint().contains("--mutants"));
}

#[test]
fn claims_of_scenarios() {
    let called = cdcsim("matrix head-of-line --claims --seeds 0..4 --format markdown");
    assert_eq!(called.code, Some(0), "{}", called.stderr);
    insta::assert_snapshot!(called.stdout, @"
    | scenario | policy | breaks | claim |
    |---|---|---|---|
    | head-of-line | M1 | no_head_of_line (lock) in 2 | confirmed |
    | head-of-line | master+orchestrator.shards=one | no_head_of_line (queue) in 4 | confirmed |
    | head-of-line | master | nothing | confirmed |
    ");
    // Ten seeds in which the late request never matters do not show that `baseline` breaks.
    let called = cdcsim("matrix delayed-create --claims --seeds 0..10 --format csv");
    assert_eq!(called.code, Some(4), "{}", called.stderr);
    insta::assert_snapshot!(called.stdout, @"
    scenario,policy,breaks,claim
    delayed-create,baseline,nothing,nothing shown for want of a broken single_writer
    delayed-create,master,nothing,nothing shown for want of StaleRefused
    ");
    let json = cdcsim("matrix head-of-line --claims --seeds 0..1 --format json").json();
    assert_eq!(json["schema"], "cdcsim.result/3");
    assert_eq!(json["results"][0]["scenario"], "head-of-line");
    assert_eq!(json["results"][0]["seeds"]["to"], "1");
}

#[test]
fn what_is_wrong_is_said() {
    let complaint = |line: &str| cdcsim(line).complaint().to_owned();
    insta::assert_snapshot!(complaint("matrix delayed-creat --seeds 0..1"), @"error: scenario `delayed-creat`: it is not in the catalogue; did you mean `delayed-create`?");
    insta::assert_snapshot!(complaint("matrix --policies basline --seeds 0..1"), @"error: policy `basline`: `basline` is no policy; did you mean `baseline`?");
    insta::assert_snapshot!(complaint("matrix --policies master --mutants"), @"
    error: the argument '--policies <POLICY,…>' cannot be used with '--mutants'

    Usage: cdcsim matrix --policies <POLICY,…> [SCENARIO]...

    For more information, try '--help'.
    ");
    assert!(complaint("matrix --claims --mutants").contains("cannot be used with"));
    assert!(complaint("matrix --claims --rows scenarios").contains("cannot be used with"));
    insta::assert_snapshot!(complaint("matrix --rows policy"), @"
    error: invalid value 'policy' for '--rows <WHAT>'
      [possible values: policies, scenarios]

      tip: a similar value exists: 'policies'

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(complaint("matrix --policies baseline,"), @"error: policy ``: `` is no policy; there is baseline, pr-5106, pr-4828, pr-5434, pr-5435, pr-5436, pr-3769, master, pr-5181 or pr-5182");
}
