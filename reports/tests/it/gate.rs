//! What is told of a gate: by a report made by hand, with everything in it that can be.

use reports::gate::{Report, annotations, junit, markdown, merge, text};
use uppsala::{XsdValidator, parse};

/// A gate that has failed in every way.
const FAILED: &str = r#"{
  "schema": "cdcsim.gate/2",
  "version": "0.1.0",
  "policy": "master+x.y=z",
  "base_seed": "7",
  "fresh_seeds": 4,
  "interrupted": false,
  "cases": [
    { "n": 0, "suite": "head-of-line", "name": "master", "status": "passed" },
    {
      "n": 1, "suite": "delayed-create", "name": "master", "status": "failed",
      "why": "what was to hold broke: single_writer in 5 of 200 seeds",
      "replay": "cdcsim replay delayed-create --policy master+x.y=z --seed 28",
      "capsule": "claim-delayed-create-28.json",
      "deviations": ["the 1st ScheduleDispatcherRequest from n1 to n2 takes 9s", "at 3s: crash n1 | <back>"]
    },
    {
      "n": 2, "suite": "head-of-line", "name": "baseline", "status": "failed",
      "why": "what was to hold broke: single_writer in 1 of 60 seeds",
      "replay": "cdcsim replay head-of-line --policy baseline --seed 3"
    },
    { "n": 3, "suite": "capsules", "name": "found/f17.json", "status": "errored", "why": "the testbed failed: 50% \"off\"" },
    { "n": 4, "suite": "mutants", "name": "M1", "status": "not_run" }
  ],
  "fresh": [
    { "scenario": "api-storm", "ran": 3, "broken": 2,
      "failures": [{ "seed": "9", "message": "a panic", "replay": "cdcsim replay api-storm --policy master --seed 9" }] },
    { "scenario": "ddl-storm", "ran": 4, "broken": 0 }
  ],
  "findings": [
    {
      "breaks": "recovers", "shape": ["maintainer A < B"], "known": ["F17"], "runs": 2,
      "first": { "n": 1, "scenario": "api-storm", "seed": "8" }, "smallest": { "n": 1, "scenario": "api-storm", "seed": "8" },
      "records": 100, "replay": "cdcsim replay api-storm --policy master --seed 8"
    },
    {
      "breaks": "single_writer (applied)", "shape": ["sink Execute < sink_client Worker"], "runs": 1,
      "first": { "n": 0, "scenario": "api-storm", "seed": "7" }, "smallest": { "n": 0, "scenario": "api-storm", "seed": "7" },
      "records": 50, "replay": "cdcsim replay api-storm --policy master --seed 7", "capsule": "fresh-api-storm-7.json",
      "deviations": ["at 1s: pause n2 for 2s"]
    }
  ],
  "known": [
    { "id": "F17", "breaks": ["recovers"], "reason": "an old watermark comes back", "link": "docs/findings.md", "runs": 2 },
    { "id": "F9", "breaks": ["single_writer"], "reason": "no fence", "link": "docs/findings.md", "runs": 0 }
  ],
  "exit": 3
}"#;

fn failed() -> Report {
    Report::parse(FAILED).expect("it is a report")
}

#[test]
fn as_text() {
    insta::assert_snapshot!(without_styles(&text(&failed(), Some("capsules"))), @r#"
    failed delayed-create · master
      what was to hold broke: single_writer in 5 of 200 seeds
      the smallest run that breaks it differs from nominal weather in this:
        the 1st ScheduleDispatcherRequest from n1 to n2 takes 9s
        at 3s: crash n1 | <back>
      replay: cdcsim replay delayed-create --policy master+x.y=z --seed 28
      capsule: capsules/claim-delayed-create-28.json
    failed head-of-line · baseline
      what was to hold broke: single_writer in 1 of 60 seeds
      replay: cdcsim replay head-of-line --policy baseline --seed 3
    testbed failed capsules · found/f17.json
      the testbed failed: 50% "off"
    new finding single_writer (applied)
      sink Execute < sink_client Worker
      in 1 run, first in seed 7 of api-storm; smallest: 50 records
      the smallest run that breaks it differs from nominal weather in this:
        at 1s: pause n2 for 2s
      replay: cdcsim replay api-storm --policy master --seed 7
      capsule: capsules/fresh-api-storm-7.json
    testbed failed api-storm: a panic
      replay: cdcsim replay api-storm --policy master --seed 9
    known F17 in 2 runs: an old watermark comes back
    known, and not in these 7 fresh seeds: F9
    the testbed failed by master+x.y=z
      claims: 1 of 3 passed, 2 failed
      capsules: 0 of 1 passed, 1 errored
      mutants: 0 of 1 passed, 1 not run
      fresh: 7 seeds from 7, 4 of each general scenario: 2 broken, 0 inconclusive, 1 new findings, 1 known
    "#);
}

#[test]
fn as_a_page() {
    insta::assert_snapshot!(markdown(&failed()), @r#"
    ## cdcsim gate: the testbed failed (`master+x.y=z`)

    | checked | result |
    |---|---|
    | claims | 1 of 3 passed, 2 failed |
    | capsules | 0 of 1 passed, 1 errored |
    | mutants | 0 of 1 passed, 1 not run |
    | fresh | 7 seeds from 7, 4 of each general scenario: 2 broken, 0 inconclusive, 1 new findings, 1 known |

    ### What failed

    | what | why | story | replay | capsule |
    |---|---|---|---|---|
    | delayed-create · master | what was to hold broke: single_writer in 5 of 200 seeds | the 1st ScheduleDispatcherRequest from n1 to n2 takes 9s; at 3s: crash n1 \| <back> | `cdcsim replay delayed-create --policy master+x.y=z --seed 28` | `claim-delayed-create-28.json` |
    | head-of-line · baseline | what was to hold broke: single_writer in 1 of 60 seeds |  | `cdcsim replay head-of-line --policy baseline --seed 3` |  |
    | capsules · found/f17.json | testbed: the testbed failed: 50% "off" |  |  |  |
    | new: single_writer (applied) | in 1 runs; sink Execute < sink_client Worker | at 1s: pause n2 for 2s | `cdcsim replay api-storm --policy master --seed 7` | `fresh-api-storm-7.json` |
    | api-storm · seed 9 | testbed: a panic |  | `cdcsim replay api-storm --policy master --seed 9` |  |

    ### Known findings that occurred

    | finding | runs | why |
    |---|---|---|
    | F17 | 2 | an old watermark comes back |
    "#);
}

/// Every row of a table has as many cells as its heading, and a line of dashes follows that.
#[test]
fn tables_of_a_page_are_tables() {
    let page = markdown(&failed());
    let tables = page.split("\n\n").filter(|part| part.starts_with('|'));
    let cells = |row: &str| row.replace("\\|", "").matches('|').count();
    let mut seen = 0;
    for table in tables {
        let rows: Vec<&str> = table.lines().collect();
        assert!(rows[1].chars().all(|letter| "|-: ".contains(letter)), "{table}");
        assert!(rows.iter().all(|row| cells(row) == cells(rows[0])), "{table}");
        seen += 1;
    }
    assert_eq!(seen, 3);
}

/// What breaks the same is one annotation.
#[test]
fn as_annotations() {
    insta::assert_snapshot!(annotations(&failed()).join("\n"), @r#"
    ::error title=what was to hold broke (2 times)::delayed-create · master: what was to hold broke: single_writer in 5 of 200 seeds%0Ahead-of-line · baseline: what was to hold broke: single_writer in 1 of 60 seeds
    ::error title=the testbed failed::capsules · found/f17.json: the testbed failed: 50%25 "off"
    ::error title=new finding%3A single_writer (applied)::in 1 runs%0Asink Execute < sink_client Worker%0Aat 1s: pause n2 for 2s%0Acdcsim replay api-storm --policy master --seed 7
    ::error title=the testbed failed in api-storm::a panic%0Acdcsim replay api-storm --policy master --seed 9
    "#);
    let mut many = failed();
    many.findings = vec![many.findings[1].clone(); 30];
    assert_eq!(annotations(&many).len(), 10);
}

/// The schema of Jenkins' xUnit plugin takes it.
#[test]
fn as_junit() {
    let written = junit(&failed());
    insta::assert_snapshot!(written, @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites name="cdcsim gate" tests="8" failures="3" errors="2">
        <testsuite name="head-of-line" tests="2" skipped="0" errors="0" failures="1">
            <testcase name="master" classname="head-of-line"/>
            <testcase name="baseline" classname="head-of-line">
                <failure message="what was to hold broke: single_writer in 1 of 60 seeds"/>
                <system-out>cdcsim replay head-of-line --policy baseline --seed 3</system-out>
            </testcase>
        </testsuite>
        <testsuite name="delayed-create" tests="1" skipped="0" errors="0" failures="1">
            <testcase name="master" classname="delayed-create">
                <failure message="what was to hold broke: single_writer in 5 of 200 seeds"/>
                <system-out>cdcsim replay delayed-create --policy master+x.y=z --seed 28
    capsule: claim-delayed-create-28.json
    the 1st ScheduleDispatcherRequest from n1 to n2 takes 9s
    at 3s: crash n1 | &lt;back&gt;</system-out>
            </testcase>
        </testsuite>
        <testsuite name="capsules" tests="1" skipped="0" errors="1" failures="0">
            <testcase name="found/f17.json" classname="capsules">
                <error message="the testbed failed: 50% &quot;off&quot;"/>
            </testcase>
        </testsuite>
        <testsuite name="mutants" tests="1" skipped="1" errors="0" failures="0">
            <testcase name="M1" classname="mutants">
                <skipped/>
            </testcase>
        </testsuite>
        <testsuite name="api-storm" tests="2" skipped="0" errors="1" failures="1">
            <testcase name="fresh seeds" classname="api-storm">
                <error message="the testbed failed in 1 runs: a panic"/>
                <system-out>cdcsim replay api-storm --policy master --seed 9</system-out>
            </testcase>
            <testcase name="new finding: single_writer (applied)" classname="api-storm">
                <failure message="broken in 1 fresh runs, not known"/>
                <system-out>cdcsim replay api-storm --policy master --seed 7
    capsule: fresh-api-storm-7.json
    sink Execute &lt; sink_client Worker
    at 1s: pause n2 for 2s</system-out>
            </testcase>
        </testsuite>
        <testsuite name="ddl-storm" tests="1" skipped="0" errors="0" failures="0">
            <testcase name="fresh seeds" classname="ddl-storm">
                <system-out>4 seeds from 7, 0 broken</system-out>
            </testcase>
        </testsuite>
    </testsuites>
    "#);
    assert_eq!(complaints(&written), [""; 0]);
}

/// The schema is one that can refuse something.
#[test]
fn the_schema_refuses_what_is_no_junit() {
    let written = junit(&failed());
    assert_ne!(complaints(&written.replace("classname", "class")), [""; 0]);
    assert_ne!(complaints(&written.replace("failures=", "failed=")), [""; 0]);
}

fn complaints(file: &str) -> Vec<String> {
    let schema = parse(include_str!("../junit-10.xsd")).expect("the schema is XML");
    let validator = XsdValidator::from_schema(&schema).expect("the schema is one");
    let file = parse(file).expect("the report is XML");
    validator.validate(&file).iter().map(ToString::to_string).collect()
}

/// Divides a report as the work would have been.
fn parts(whole: &Report, total: u64) -> Vec<(String, Report)> {
    let part = |index: u64| {
        let mine = |n: u64| n % total == index - 1;
        let mut part = whole.clone();
        part.shard =
            Some(serde_json::from_value(serde_json::json!({ "index": index, "total": total })).unwrap());
        part.cases.retain(|case| mine(case.n));
        // All findings here are of single runs: the scenario of a run has its numbers.
        part.findings.retain(|found| mine(found.smallest.n));
        for (n, fresh) in (0..).zip(&mut part.fresh) {
            if !mine(n) {
                (fresh.ran, fresh.broken) = (0, 0);
                fresh.failures.clear();
            }
        }
        (format!("{index}.json"), part)
    };
    (1..=total).map(part).collect()
}

#[test]
fn shards_are_joined_to_the_whole() {
    for total in [2, 4] {
        let mut parts = parts(&failed(), total);
        parts.reverse();
        assert_eq!(merge(&parts), Ok(failed()));
    }
}

#[test]
fn a_finding_of_two_shards_is_one() {
    let mut parts = parts(&failed(), 2);
    let mut again = parts[0].1.findings[0].clone();
    (again.runs, again.records, again.smallest.n, again.first.n) = (3, 20, 1, 1);
    parts[1].1.findings.push(again);
    let whole = merge(&parts).expect("they belong together");
    let found = whole.findings.iter().find(|found| found.known.is_empty()).expect("it is there");
    assert_eq!((found.runs, found.records, found.smallest.n, found.first.n), (4, 20, 1, 0));
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let all = parts(&failed(), 3);
    insta::assert_snapshot!(merge(&all[..2]).unwrap_err(), @"the report of shard 3/3 is missing");
    insta::assert_snapshot!(merge(&[all[0].clone(), all[0].clone()]).unwrap_err(), @"1.json and 1.json are the same shard 1/3");
    insta::assert_snapshot!(merge(&[("whole.json".to_owned(), failed())]).unwrap_err(), @"whole.json is no part: it was made without --shard");
    insta::assert_snapshot!(merge(&[]).unwrap_err(), @"there is nothing to merge");
    let mut other = all.clone();
    other[1].1.base_seed = "8".to_owned();
    insta::assert_snapshot!(merge(&other).unwrap_err(), @"1.json and 2.json are of different gates: the base seed differs");
}

/// Text without the sequences that style it.
fn without_styles(text: &str) -> String {
    let mut parts = text.split('\u{1b}');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once('m').map_or("", |(_, rest)| rest))
}
