//! The story of a violation: short, in order, and with both of those that collide.

use crate::support::{findings, lines, plain};
use reports::why::text;
use scenarios::{
    Instant, Violation,
    story::{LIMIT, story},
    trace::{Line, LineKind},
};
use sim::StepId;

#[test]
fn the_incident() {
    let findings = findings();
    let finding = findings.first().expect("some seed breaks single_writer");
    let violation = finding.violations.iter().find(|one| one.invariant == "single_writer").expect("this one");
    let story = text(&lines(finding), violation);
    insta::assert_snapshot!(plain(&story), @"
    single_writer (admitted): t7 of cf1 may be written by d6@n3 on n3 and by d8@n1 on n3
      #89     0.378556513s n2/server starts
      #95     0.380830898s n2/server <- Answer call1 rev6 lease3 from etcd (#94)
                            ** SessionStarted n2 lease3
      #131    0.402233574s n1/server <- Answer call11 rev8 found: owner/lease1 n1 rev3 rev3 version=1 lease1 from etcd (#124)
                            ** NodeAdded n1 n2
      #133    0.402497037s n1/messages <- TargetsChanged from n1/server (#131)
      #142    0.404631741s n2/messages <- Dial connection=2 from n1/messages (#133)
      #143    0.405592223s n1/messages <- Dialled connection=2 from n2/messages (#142)
      #145    0.406538196s n2/messages <- Handshake connection=2 n2 from n1/messages (#143)
      #175    0.906606042s n2/messages .. StreamsBegin n1 connection=2 (#145)
                            ** ConnectionUp n2 n1
      #176    0.909625297s n1/messages <- Accepted connection=2 from n2/messages (#175)
                            ** ConnectionUp n1 n2
                            ** SentLate n1 n2 messages=1
      #177    0.911286568s n2/maintainers <- CoordinatorBootstrapRequest version=3 from n1/coordinator (#176)
      #178    0.911893956s n1/coordinator <- CoordinatorBootstrapResponse version=3 from n2/maintainers (#177)
      #183    0.917081988s n1/coordinator <- Answer call2 rev8 found: status/cf1 ts1 progress-none rev2 rev2 version=1 from etcd (#182)
                            ** Bootstrapped changefeeds=1
      #196    1.117365713s n1/maintainers <- AddMaintainerRequest cf1 ts1 e0 config-e1 from n1/coordinator (#195)
                            ** MaintainerAdded cf1 n1 e0
      #204    1.118910966s n3/dispatchers <- MaintainerBootstrapRequest cf1 ts1 e0 config-e1 from n1/maintainers (#197)
      #262    1.142488684s n3/dispatchers .. Task task1 (#261)
                            ** ManagerCreated cf1 n3 n1 e1
      #271    1.145168685s n1/maintainers <- MaintainerBootstrapResponse cf1 e0 ts0 from n3/dispatchers (#270)
                            ** MaintainerBootstrapped cf1 e0 working=0 absent=17
      #357    1.348590164s -- n1 crashes (#356)
      #1405  15.161880586s n3/coordinator <- NodeHeartbeat alive node_epoch=150635425 from n3/maintainers (#1404)
      #1409  15.166544633s n3/coordinator <- Answer call2 rev9 found: status/cf1 ts1 progress-none rev2 rev2 version=1 from etcd (#1408)
                            ** Bootstrapped changefeeds=1
      #1425  15.366879507s n3/maintainers <- AddMaintainerRequest cf1 ts1 e0 config-e1 from n3/coordinator (#1424)
                            ** MaintainerAdded cf1 n3 e0
      #1427   15.36737343s n3/dispatchers <- MaintainerBootstrapRequest cf1 ts1 d1@n3 e0 config-e1 from n3/maintainers (#1426)
      #1447  15.376858886s n3/dispatchers .. Task task2 (#1446)
                            ** DispatcherCreated cf1 d1@n3 ddl ts1
      #1448  15.377042721s n3/dispatchers .. Task task2 (#1447)
                            ** OwnerChanged cf1 n3 n3 e1
      #1453   15.37767257s n3/maintainers <- MaintainerBootstrapResponse cf1 e0 ts1 spans: d1@n3 ddl Initializing ts1 default from n3/dispatchers (#1452)
                            ** MaintainerBootstrapped cf1 e0 working=3 absent=14
      #1515  15.578281134s n3/dispatchers <- ScheduleDispatcherRequest cf1 Create (Add) d9@n3 t10 ts1 default e0 from n3/maintainers (#1514)
    > #1522  15.578937551s n3/dispatchers <- ScheduleDispatcherRequest cf1 Create (Add) d6@n3 t7 ts1 default e0 from n3/maintainers (#1518)
      #1595  15.594616031s n3/dispatchers .. Task task4 (#1594)
                            ** DispatcherCreated cf1 d9@n3 t10 ts1
    > #1704  15.605933007s n3/dispatchers .. Task task5 (#1702)
                            ** DispatcherCreated cf1 d6@n3 t7 ts1
    > #3239   21.63909645s n3/dispatchers <- ScheduleDispatcherRequest cf1 Create (Add) d8@n1 t7 ts1 default e0 from n1/maintainers (#336)
    > #3246   21.65135233s n3/dispatchers .. Task task33 (#3245)
                            ** DispatcherCreated cf1 d8@n1 t7 ts1
    ");
}

#[test]
fn every_story_is_short_and_shows_both_creators() {
    for finding in findings() {
        let lines = lines(&finding);
        for violation in finding.violations.iter().filter(|one| one.invariant == "single_writer") {
            let story = story(&lines, violation);
            assert!(story.len() <= LIMIT);
            assert!(story.is_sorted_by_key(|line| line.id));
            for step in &violation.because {
                assert!(story.iter().any(|line| line.id == step.0), "{step} is missing: {violation}");
            }
            // `t3 of cf1 may be written by d3@n3 on n3 and by d4@n1 on n3`
            let by = violation.what.split("by ").skip(1);
            let writers: Vec<&str> = by.filter_map(|rest| rest.split(' ').next()).collect();
            assert_eq!(writers.len(), 2, "{violation}");
            for writer in writers {
                let created = format!("DispatcherCreated cf1 {writer} ");
                let shown = story.iter().any(|line| line.text.contains(&created));
                assert!(shown, "seed {}: nobody creates {writer} in the story of {violation}", finding.seed);
            }
        }
    }
}

/// A made-up record.
fn line(id: u64, cause: u64, kind: LineKind, actor: &str, note: &str) -> Line {
    Line {
        id,
        at: Instant::START,
        cause: (cause > 0).then_some(cause),
        kind,
        label: "X",
        actor: actor.to_owned(),
        from: None,
        text: format!("#{id} {note}"),
        has_notes: !note.is_empty(),
    }
}

fn told(lines: &[Line], because: &[u64]) -> String {
    let because = because.iter().map(|id| StepId(*id)).collect();
    let violation = Violation { invariant: "x", aspect: "", what: "it broke".to_owned(), because };
    let ids = story(lines, &violation).into_iter().map(|line| line.id.to_string());
    ids.collect::<Vec<_>>().join(" ")
}

#[test]
fn what_is_nearest_stays_when_there_is_too_much() {
    let lines: Vec<Line> =
        (1..=100).map(|id| line(id, id - 1, LineKind::Step, "n1/a", "on it goes")).collect();
    let nearest: Vec<String> = (71..=100).map(|id| id.to_string()).collect();
    assert_eq!(told(&lines, &[100]), nearest.join(" "));
}

#[test]
fn a_tick_stands_for_the_last_thing_its_actor_said() {
    let mut lines = vec![
        line(1, 0, LineKind::Step, "n1/a", "learns of a failure"),
        line(2, 0, LineKind::Step, "n1/b", "says something else"),
    ];
    lines.extend((3..=90).map(|id| line(id, if id == 3 { 0 } else { id - 1 }, LineKind::Alarm, "n1/a", "")));
    lines.push(line(91, 90, LineKind::Alarm, "n1/a", "acts on it"));
    assert_eq!(told(&lines, &[91]), "1 91");
}

#[test]
fn faults_before_the_violation_are_told_and_later_ones_are_not() {
    let lines = [
        line(1, 0, LineKind::Fault, "", "n2 crashes"),
        line(2, 0, LineKind::Step, "n1/a", "writes"),
        line(3, 2, LineKind::Alarm, "n1/a", ""),
        line(4, 3, LineKind::Step, "n1/b", "writes too"),
        line(5, 0, LineKind::Fault, "", "n3 crashes"),
    ];
    assert_eq!(told(&lines, &[4]), "1 2 4");
}
