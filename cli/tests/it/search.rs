//! Strategies on `run` and `replay`, `diff`, `--check-determinism` and `bench-search`.

use crate::support::{cdcsim, cdcsim_in, folder};

/// What a sweep comes to with a strategy does not depend on the jobs, and each line that replays a seed does.
#[test]
fn a_strategy_makes_the_same_of_a_seed_everywhere() {
    for strategy in ["late", "pct", "guided"] {
        let run = format!("run failover-storm --policy baseline --strategy {strategy} --seeds 0..80");
        let (one, four) = (cdcsim(&format!("{run} --jobs 1")), cdcsim(&format!("{run} --jobs 4")));
        assert_eq!((one.code, one.stderr.as_str()), (Some(1), ""), "{strategy}");
        assert_eq!(one.stdout, four.stdout, "{strategy}");
    }
    let run = cdcsim("run failover-storm --policy baseline --strategy late --seeds 0..80 --max-findings 1");
    let line = run.stdout.lines().find_map(|line| line.trim().strip_prefix("replay: cdcsim "));
    let line = line.expect("something breaks");
    assert!(line.ends_with(" --strategy late"), "{line}");
    let digest = run.stdout.split("digest ").nth(1).and_then(|rest| rest.lines().next());
    let again = cdcsim(line);
    assert_eq!(again.code, Some(1), "{}", again.stderr);
    assert!(again.stdout.contains(digest.expect("it is told")), "{}", again.stdout);
}

/// What a strategy that learns makes of a seed cannot be made again of the seed alone; its capsule can be replayed.
#[test]
fn what_guided_finds_is_in_its_capsules() {
    let folder = folder(&[]);
    let run = "run failover-storm --policy baseline --strategy guided --seeds 0..128 --out found";
    let run = cdcsim_in(&folder, run);
    let capsule = run.stdout.lines().rev().find_map(|line| line.trim().strip_prefix("capsule: "));
    let again = cdcsim_in(&folder, &format!("replay {}", capsule.expect("something breaks")));
    assert_eq!(again.code, Some(1), "{}", again.stderr);
    assert!(again.stdout.contains("reproduced exactly"), "{}", again.stdout);
    let alone = cdcsim("replay failover-storm --policy baseline --seed 1 --strategy guided");
    insta::assert_snapshot!(alone.complaint(), @"error: strategy `guided`: what it makes of a seed depends on other seeds; replay a capsule, as `run --out` saves them");
}

#[test]
fn two_policies_part_where_one_refuses() {
    let diff = "diff delayed-create --seed 55 --policy baseline --policy master+maintainer.journal=ignored";
    let called = cdcsim(&format!("{diff} --records 1"));
    assert_eq!((called.code, called.stderr.as_str()), (Some(1), ""));
    insta::assert_snapshot!(called.stdout, @"
    the last of 177 records that are the same:
    #177     0.91495704s n1/coordinator .. Executor (#176)
    baseline goes on with
    #178    0.915101377s n1/coordinator .. BasicScheduler (#176)
                          ** Placed cf1 n1 e1
    master+maintainer.journal=ignored goes on with
    #178    0.915101377s n1/coordinator .. BasicScheduler (#176)
    delayed-create under baseline, seed 55: broken
      digest 6a7b8f7cab5ac054, 23281 records
      single_writer (admitted): t7 of cf1 may be written by d6@n3 on n3 and by d8@n1 on n3 (#1525, #1708, #3247, #3254)
      single_writer (applied): row 0 of t7 went back from ts19754292 (by d6@n3 on n3) to ts6569590 (by d8@n1 on n3) (#1525, #1708, #2834, #3247, #3254, #3262, #3277)
    delayed-create under master+maintainer.journal=ignored, seed 55: held
      digest e9acefdda2655d26, 23892 records
    ");
    let json = cdcsim(&format!("{diff} --records 3 --format json")).json();
    assert_eq!((&json["schema"], &json["part"]), (&"cdcsim.diff/1".into(), &true.into()));
    assert_eq!(json["sides"][0]["run"]["lines"].as_array().map(Vec::len), Some(3), "{json}");
    let same = cdcsim(
        "diff quiet-cluster --seed 1 --policy master --policy master+dispatchers.schedule_fence=any_sender",
    );
    assert_eq!((same.code, same.stderr.as_str()), (Some(0), ""));
    assert!(same.stdout.starts_with("the runs do not part: all "), "{}", same.stdout);
    let wrong = |line: &str| cdcsim(line).complaint().to_owned();
    insta::assert_snapshot!(wrong("diff quiet-cluster --seed 1 --policy master"), @"error: --policy: two are compared, not 1: --policy A --policy B");
    insta::assert_snapshot!(wrong("diff quiet-cluster --policy master --policy baseline"), @"error: quiet-cluster: which run is meant? Say so with --seed");
}

#[test]
fn every_seed_is_the_same_from_the_middle_on() {
    let called = cdcsim("run failover-storm everything --policy master --seeds 0..3 --check-determinism");
    assert!(!called.stdout.contains("deterministic"), "{}", called.stdout);
    assert_ne!(called.code, Some(3), "{}", called.stdout);
}

#[test]
fn a_bench_tells_how_soon_a_bug_is_found() {
    let bench = "bench-search --bugs TC-4827 --strategies random,late --repetitions 4 --within 40";
    let json = |jobs: u32| cdcsim(&format!("{bench} --jobs {jobs} --format json")).json();
    let (one, four) = (json(1), json(4));
    let runs = |json: &serde_json::Value| -> Vec<serde_json::Value> {
        json["measured"].as_array().expect("a list").iter().map(|one| one["runs"].clone()).collect()
    };
    assert_eq!((runs(&one), runs(&one).len()), (runs(&four), 2));
    let text = cdcsim(&format!("{bench} --format markdown"));
    assert_eq!((text.code, text.stderr.as_str()), (Some(0), ""));
    assert!(text.stdout.starts_with("| bug | policy | beside | random | late |\n"), "{}", text.stdout);
    insta::assert_snapshot!(cdcsim("bench-search --bugs TC-508").complaint(), @"error: bug `TC-508`: `TC-508` is no bug; did you mean `TC-5083`?");
    insta::assert_snapshot!(cdcsim("bench-search --strategies rnd").complaint(), @"error: strategy `rnd`: `rnd` is no strategy; there is random, late, pct or guided");
}
