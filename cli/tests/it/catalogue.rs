//! `cdcsim catalogue` through the binary.

use crate::support::{SMALL, cdcsim, cdcsim_in, folder};

#[test]
fn the_whole_catalogue() {
    // This is `docs/catalogue.md`, as a test of the reports insists.
    let page = reports::catalogue::markdown(&scenarios::catalogue::all().expect("it is well-formed"));
    assert_eq!(cdcsim("catalogue --format markdown").stdout, page + "\n");
    let json = cdcsim("catalogue --format json").json();
    assert_eq!(json["schema"], "cdcsim.catalogue/1");
    let scenarios = json["scenarios"].as_array().expect("a list");
    let incident =
        scenarios.iter().find(|one| one["name"] == "delayed-create").expect("it is in the catalogue");
    assert_eq!(incident["topic"], "takeover");
    assert_eq!(incident["issues"][0]["url"], "https://github.com/pingcap/ticdc/issues/5083");
    assert_eq!(incident["claims"][0]["policy"], "baseline");
    assert!(incident["claims"][1]["reason"].as_str().expect("a text").contains("F24"));
    // In the order of names, whatever their topics.
    let listed = cdcsim("list --format json").json();
    let names = |list: &serde_json::Value| -> Vec<String> {
        let all = list.as_array().expect("a list").iter();
        all.map(|one| one["name"].as_str().expect("a name").to_owned()).collect()
    };
    assert_eq!(names(&json["scenarios"]), names(&listed["scenarios"]));
}

#[test]
fn some_scenarios() {
    let called = cdcsim("catalogue quiet-cluster");
    assert_eq!((called.code, called.stderr.as_str()), (Some(0), ""));
    insta::assert_snapshot!(called.stdout, @"
    A cluster in which nothing particular goes wrong

      quiet-cluster
        50 seeds; 3 nodes, 1 changefeed of 17 tables, for 20s and 10s to settle
        Nothing goes wrong: three nodes start, elect a coordinator, a maintainer spreads 17 tables over them, and every change
        of the upstream arrives downstream. Whatever breaks here is the testbed's fault.
        baseline: holds; witnesses: MaintainerBootstrapped, TriggerActive, CheckpointPersisted
        master: holds; witnesses: EpochPersisted, MaintainerBootstrapped, TriggerActive, CheckpointPersisted
    ");
    let folder = folder(&[("mine.toml", SMALL)]);
    let mine = cdcsim_in(&folder, "catalogue ./mine.toml --format json").json();
    assert_eq!(mine["scenarios"][0]["name"], "mine");
    assert_eq!(mine["scenarios"][0]["topic"], serde_json::Value::Null);
}

#[test]
fn what_is_wrong_is_said() {
    let complaint = |line: &str| cdcsim(line).complaint().to_owned();
    insta::assert_snapshot!(complaint("catalogue quiet-clustr"), @"error: scenario `quiet-clustr`: it is not in the catalogue; did you mean `quiet-cluster`?");
    insta::assert_snapshot!(complaint("catalogue --format html"), @"
    error: invalid value 'html' for '--format <FORMAT>'
      [possible values: text, markdown, json]

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(complaint("list quiet-cluster"), @"
    error: unexpected argument 'quiet-cluster' found

    Usage: cdcsim list [OPTIONS]

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(complaint("catalogue missing.toml"), @"error: missing.toml: there is no such file");
}
