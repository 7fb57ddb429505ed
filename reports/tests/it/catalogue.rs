//! `docs/catalogue.md` is the catalogue as it is: `UPDATE_DOCS=1 cargo test -p reports --test it catalogue` writes it.

use std::{collections::BTreeSet, env, fs, path::Path};

use crate::support::plain;
use reports::catalogue;
use scenarios::{Scenario, catalogue::all};

#[test]
fn the_page_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/catalogue.md");
    let real = catalogue::markdown(&all().expect("the catalogue is well-formed")) + "\n";
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &real).expect("a document can be written");
    }
    let written = fs::read_to_string(&path).expect("it is there");
    assert!(
        written == real,
        "UPDATE_DOCS=1 cargo test -p reports --test it catalogue writes what the catalogue says now"
    );
}

/// Every link within the page leads somewhere, and no scenario is left out.
#[test]
fn every_scenario_is_reached() {
    let scenarios = all().expect("the catalogue is well-formed");
    let page = catalogue::markdown(&scenarios);
    let targets: BTreeSet<&str> =
        page.split("](#").skip(1).map(|rest| rest.split(')').next().unwrap_or_default()).collect();
    let anchor = |heading: &str| {
        let kept = heading.to_lowercase().replace([':', ','], "");
        kept.trim_start_matches(['#', ' ']).replace(' ', "-")
    };
    let anchors: BTreeSet<String> = page.lines().filter(|line| line.starts_with('#')).map(anchor).collect();
    let lost: Vec<&&str> = targets.iter().filter(|target| !anchors.contains(**target)).collect();
    assert!(lost.is_empty(), "{lost:?}");
    assert!(scenarios.iter().all(|scenario| targets.contains(scenario.name())));
}

const FILE: &str = r#"
story = """
Two nodes replicate a table (pingcap/ticdc#1). One of them goes, as in `delayed-create`.

It comes back.
"""
topic = "takeover"
issues = ["pingcap/ticdc#1", "pingcap/tiflow#22"]
seeds = 7
run_for = "5s"
settle_for = "10s"

[cluster]
nodes = 2

[workload]
tables = 1
row_every = "1s"
rows = 8

# A late request: F1 in docs/findings.md.
[[claim]]
policy = "baseline"
breaks = "single_writer"
may_break = ["data_equal"]

[[claim]]
policy = "master"
witnesses = ["StaleRefused", "Bootstrapped"]

[[claim]]
policy = "M24"
# Not always.
may_break = "inertness"
"#;

#[test]
fn a_scenario_as_text_and_as_a_page() {
    let scenario = [Scenario::parse("two-nodes", "two-nodes.toml", FILE).expect("it is well-formed")];
    insta::assert_snapshot!(plain(&catalogue::text(&scenario)), @"
    Maintainers that follow a dead one

      two-nodes
        7 seeds; 2 nodes, 1 changefeed of 1 table, for 5s and 10s to settle
        Two nodes replicate a table (pingcap/ticdc#1). One of them goes, as in `delayed-create`.

        It comes back.
        https://github.com/pingcap/ticdc/issues/1
        https://github.com/pingcap/tiflow/issues/22
        baseline: breaks single_writer, may break data_equal
          A late request: F1 in docs/findings.md.
        master: holds; witnesses: StaleRefused, Bootstrapped
        M24: holds, may break inertness
          a stale close that is only acknowledged counts as a close (#5435)
          Not always.
    ");
    let page = catalogue::markdown(&scenario);
    let (_, contents) = page.split_once("## Contents\n\n").expect("it has contents");
    insta::assert_snapshot!(contents, @"
    [Maintainers that follow a dead one](#maintainers-that-follow-a-dead-one)

    - [two-nodes](#two-nodes): Two nodes replicate a table (pingcap/ticdc#1).

    ## Maintainers that follow a dead one

    ### two-nodes

    Two nodes replicate a table ([pingcap/ticdc#1](https://github.com/pingcap/ticdc/issues/1)). One of them goes, as in [`delayed-create`](#delayed-create).

    It comes back.

    7 seeds; 2 nodes, 1 changefeed of 1 table, for 5s and 10s to settle.

    Upstream: [pingcap/ticdc#1](https://github.com/pingcap/ticdc/issues/1), [pingcap/tiflow#22](https://github.com/pingcap/tiflow/issues/22).

    | policy | claim | witnesses | why |
    |---|---|---|---|
    | `baseline` | breaks `single_writer`, may break `data_equal` |  | A late request: [F1](findings.md). |
    | `master` | holds | `StaleRefused`, `Bootstrapped` |  |
    | `M24` | holds, may break `inertness` |  | a stale close that is only acknowledged counts as a close ([#5435](https://github.com/pingcap/ticdc/issues/5435)). Not always. |
    ");
}
