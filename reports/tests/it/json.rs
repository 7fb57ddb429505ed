//! What programs read: the shape of it is a promise, and a new shape needs a new schema.

use crate::support::{broken, five, incident};
use model::{Addr, Record};
use reports::json;
use scenarios::{Instant, trace::Line};
use sim::{Input, StepId, What};

#[test]
fn results_of_a_sweep() {
    let (scenario, policy) = incident();
    let claim = scenario.claim(&policy);
    let sweep = json::Sweep::new(scenario.name(), policy.name(), &(0..5), &five(), claim.as_ref());
    let finding = json::Finding::new(&broken(), "cdcsim replay …".to_owned());
    let findings = vec![json::Finding { capsule: Some("found/it.json".to_owned()), ..finding }];
    let failure =
        json::Failure { seed: "4".to_owned(), message: "a bug".to_owned(), replay: "…".to_owned() };
    let sweep = json::Sweep { findings, failures: vec![failure], findings_left_out: 1, ..sweep };
    let results = json::Results { schema: json::RESULT, results: vec![sweep], exit: 1 };
    insta::assert_snapshot!(json::text(&results), @r#"
    {
      "schema": "cdcsim.result/3",
      "results": [
        {
          "scenario": "delayed-create",
          "policy": "baseline",
          "seeds": {
            "from": "0",
            "to": "5"
          },
          "ran": 4,
          "held": 3,
          "broken": 1,
          "inconclusive": 0,
          "failed": 1,
          "interrupted": false,
          "records": 396,
          "broke": [
            {
              "invariant": "single_writer",
              "aspect": "admitted",
              "runs": 1
            },
            {
              "invariant": "single_writer",
              "aspect": "applied",
              "runs": 1
            }
          ],
          "measures": [
            {
              "measure": "without_writer",
              "unit": "ms",
              "median": 1200,
              "p99": 1200,
              "max": 1200
            },
            {
              "measure": "recovery",
              "unit": "ms",
              "median": 34567,
              "p99": 34567,
              "max": 34567
            },
            {
              "measure": "written_twice",
              "unit": "rows",
              "median": 8,
              "p99": 8,
              "max": 8
            },
            {
              "measure": "checkpoint_lag",
              "unit": "ms",
              "median": 910,
              "p99": 910,
              "max": 910
            },
            {
              "measure": "control_messages",
              "unit": "messages",
              "median": 11,
              "p99": 11,
              "max": 11
            }
          ],
          "claim": {
            "breaks": [
              "single_writer"
            ],
            "may_break": [
              "recovers (checkpoint)",
              "recovers (operator)",
              "checkpoint_safe (behind)"
            ],
            "verdict": "confirmed",
            "refuted_by": [],
            "missing": [],
            "witnesses": []
          },
          "findings": [
            {
              "seed": "2",
              "digest": "000000000000feed",
              "violations": [
                {
                  "invariant": "single_writer",
                  "aspect": "admitted",
                  "what": "t3 may be written by d3@n3 and by d4@n1",
                  "because": [
                    "17",
                    "42"
                  ]
                },
                {
                  "invariant": "single_writer",
                  "aspect": "applied",
                  "what": "row 7 of t3 went back",
                  "because": []
                }
              ],
              "replay": "cdcsim replay …",
              "capsule": "found/it.json"
            }
          ],
          "findings_left_out": 1,
          "failures": [
            {
              "seed": "4",
              "message": "a bug",
              "replay": "…"
            }
          ]
        }
      ],
      "exit": 1
    }
    "#);
}

#[test]
fn a_replayed_run() {
    let what = What::Step { actor: Addr::Upstream, input: Input::Start };
    let (id, at, cause) = (StepId(17), Instant::from_nanos(1_000_000_007), Some(StepId(4)));
    let line = Line::new(Record { id, at, cause, what, notes: Vec::new() }, [].into());
    let mut replayed = json::Replayed {
        schema: json::REPLAY,
        scenario: "delayed-create".to_owned(),
        policy: "baseline".to_owned(),
        seed: broken().seed.to_string(),
        run: Some(json::Run::new(&broken(), vec![json::Record::from(&line)])),
        reproduced: None,
        failure: None,
        exit: 1,
    };
    insta::assert_snapshot!(json::text(&replayed), @r##"
    {
      "schema": "cdcsim.replay/2",
      "scenario": "delayed-create",
      "policy": "baseline",
      "seed": "2",
      "digest": "000000000000feed",
      "records": 99,
      "violations": [
        {
          "invariant": "single_writer",
          "aspect": "admitted",
          "what": "t3 may be written by d3@n3 and by d4@n1",
          "because": [
            "17",
            "42"
          ]
        },
        {
          "invariant": "single_writer",
          "aspect": "applied",
          "what": "row 7 of t3 went back",
          "because": []
        }
      ],
      "measures": {
        "checkpoint_lag": 910,
        "control_messages": 11,
        "recovery": 34567,
        "without_writer": 1200,
        "written_twice": 8
      },
      "lines": [
        {
          "id": "17",
          "at_ns": "1000000007",
          "cause": "4",
          "text": "#17     1.000000007s upstream starts (#4)"
        }
      ],
      "exit": 1
    }
    "##);
    (replayed.run, replayed.failure, replayed.exit) = (None, Some("a bug".to_owned()), 3);
    insta::assert_snapshot!(json::text(&replayed), @r#"
    {
      "schema": "cdcsim.replay/2",
      "scenario": "delayed-create",
      "policy": "baseline",
      "seed": "2",
      "failure": "a bug",
      "exit": 3
    }
    "#);
}
