//! The story of a violation: short, in order, and with both of those that collide.

use crate::support::{findings, lines, plain};
use model::{Addr, NodeId, Place, Record};
use reports::why::text;
use scenarios::{
    Instant, Violation,
    story::{LIMIT, story},
    trace::{Line, LineKind},
};
use sim::{Fault, Input, StepId, What};

#[test]
fn the_incident() {
    let findings = findings();
    let finding = findings.first().expect("some seed breaks single_writer");
    let violation = finding.violations.iter().find(|one| one.invariant == "single_writer").expect("this one");
    let story = text(&lines(finding), violation);
    insta::assert_snapshot!(plain(&story), @"
    single_writer (admitted): t2 of cf1 may be written by d2@n2 on n2 and by d3@n1 on n3
      #130     0.25188324s n1/messages <- TargetsChanged from n1/server (#127)
      #137     0.25498092s n2/messages <- Dial connection=2 from n1/messages (#130)
      #140    0.255570123s n1/messages <- Dialled connection=2 from n2/messages (#137)
      #141    0.257741016s n2/messages <- Handshake connection=2 n2 from n1/messages (#140)
      #235    0.757808171s n2/messages .. StreamsBegin n1 connection=2 (#141)
                            ** ConnectionUp n2 n1
      #237     0.75937694s n1/messages <- Accepted connection=2 from n2/messages (#235)
                            ** ConnectionUp n1 n2
                            ** SentLate n1 n2 messages=2
      #239     0.76177203s n2/dispatchers <- MaintainerBootstrapRequest cf1 ts1 e0 config-e1 from n1/maintainers (#237)
      #255    0.774426657s n2/dispatchers .. Task task1 (#254)
                            ** ManagerCreated cf1 n2 n1 e1
      #264    0.778559989s n1/maintainers <- MaintainerBootstrapResponse cf1 e0 ts0 from n2/dispatchers (#263)
                            ** MaintainerBootstrapped cf1 e0 working=0 absent=17
      #345    0.980468277s -- n1 crashes (#344)
      #1318  10.095041602s etcd .. Expire lease1 (#1317)
                            ** LeaseExpired lease1 keys: capture/n1, owner/lease1
      #1337  10.103791301s n3/server <- Answer call13 rev9 found: owner/lease2 n3 rev6 rev6 version=1 lease2 from etcd (#1334)
                            ** Elected n3 version=6
      #1338  10.104062295s n3/coordinator <- Elected version=6 from n3/server (#1337)
                            ** TermBegins n3 version=6
      #1871  15.108650533s n3/coordinator <- Answer call1 rev9 found: info/cf1 normal e1 ts1 rev1 rev1 version=1, status/cf1 ts1 progress-none rev2 rev2 version=1 from etcd (#1870)
                            ** Bootstrapped changefeeds=1
      #1897  15.310985737s n2/maintainers <- AddMaintainerRequest cf1 ts1 e0 config-e1 from n3/coordinator (#1896)
                            ** MaintainerAdded cf1 n2 e0
      #1899  15.311209223s n2/dispatchers <- MaintainerBootstrapRequest cf1 ts1 d1@n2 e0 config-e1 from n2/maintainers (#1898)
      #1919  15.323230252s n2/dispatchers .. Task task71 (#1918)
                            ** DispatcherCreated cf1 d1@n2 ddl ts1
      #1920   15.32332045s n2/dispatchers .. Task task71 (#1919)
                            ** OwnerChanged cf1 n2 n2 e1
      #1925  15.324183776s n2/maintainers <- MaintainerBootstrapResponse cf1 e0 ts1 spans: d2@n1 t1 Working ts15200000 default, d10@n1 t9 Working ts15200000 default, d1@n2 ddl Initializing ts1 default from n2/dispatchers (#1924)
                            ** MaintainerBootstrapped cf1 e0 working=4 absent=13
      #1991  15.525477007s n2/dispatchers <- ScheduleDispatcherRequest cf1 Create (Add) d9@n2 t11 ts1 default e0 from n2/maintainers (#1989)
    > #2020  15.528133996s n2/dispatchers <- ScheduleDispatcherRequest cf1 Create (Add) d2@n2 t2 ts1 default e0 from n2/maintainers (#2019)
      #2036  15.530782919s n2/dispatchers .. Task task74 (#2033)
                            ** DispatcherCreated cf1 d9@n2 t11 ts1
      #2124  15.542402987s n2/dispatchers .. Task task75 (#2121)
                            ** DispatcherCreated cf1 d7@n2 t8 ts1
      #2125  15.542478184s n2/dispatchers .. Task task75 (#2124)
                            ** DispatcherCreated cf1 d10@n2 t12 ts1
      #2135  15.542741938s n2/dispatchers .. Task task75 (#2125)
                            ** DispatcherCreated cf1 d12@n2 t14 ts1
      #2144  15.543034622s n2/dispatchers .. Task task75 (#2135)
                            ** DispatcherCreated cf1 d6@n2 t7 ts1
      #2147  15.543252197s n2/dispatchers .. Task task75 (#2144)
                            ** DispatcherCreated cf1 d8@n2 t10 ts1
    > #2154  15.543534074s n2/dispatchers .. Task task75 (#2147)
                            ** DispatcherCreated cf1 d2@n2 t2 ts1
    > #4168  22.610844854s n3/dispatchers <- ScheduleDispatcherRequest cf1 Create (Add) d3@n1 t2 ts1 default e0 from n1/maintainers (#343)
    > #4183  22.624282504s n3/dispatchers .. Task task110 (#4182)
                            ** DispatcherCreated cf1 d3@n1 t2 ts1
    ");
}

#[test]
fn every_story_is_short_and_shows_both_creators() {
    for finding in findings() {
        let lines = lines(&finding);
        for violation in finding.violations.iter().filter(|one| one.invariant == "single_writer") {
            let story = story(&lines, violation);
            assert!(story.len() <= LIMIT);
            assert!(story.is_sorted_by_key(|line| line.id()));
            for step in &violation.because {
                assert!(story.iter().any(|line| line.id() == step.0), "{step} is missing: {violation}");
            }
            // `t3 of cf1 may be written by d3@n3 on n3 and by d4@n1 on n3`
            let by = violation.what.split("by ").skip(1);
            let writers: Vec<&str> = by.filter_map(|rest| rest.split(' ').next()).collect();
            assert_eq!(writers.len(), 2, "{violation}");
            for writer in writers {
                let created = format!("DispatcherCreated cf1 {writer} ");
                let shown = story.iter().any(|line| line.text().contains(&created));
                assert!(shown, "seed {}: nobody creates {writer} in the story of {violation}", finding.seed);
            }
        }
    }
}

/// A made-up record, and whether its actor said anything.
fn line(id: u64, cause: u64, kind: LineKind, place: Place, says: bool) -> Line {
    let n1 = NodeId { slot: 1, life: 0 };
    let step = |input| What::Step { actor: Addr::Node(n1, place), input };
    let what = match kind {
        LineKind::Fault => What::Fault(Fault::Calm),
        LineKind::Alarm => step(Input::Alarm(model::Timer::Dispatchers(model::dispatchers::Timer::Send))),
        LineKind::Step | LineKind::Lost => step(Input::Start),
    };
    let cause = (cause > 0).then_some(StepId(cause));
    let notes = if says { vec![model::node::Note::SelfFenced { node: n1 }.into()] } else { Vec::new() };
    Line::new(Record { id: StepId(id), at: Instant::START, cause, what, notes }, ["n1".to_owned()].into())
}

fn told(lines: &[Line], because: &[u64]) -> String {
    let because = because.iter().map(|id| StepId(*id)).collect();
    let violation = Violation { invariant: "x", aspect: "", what: "it broke".to_owned(), because };
    let ids = story(lines, &violation).into_iter().map(|line| line.id().to_string());
    ids.collect::<Vec<_>>().join(" ")
}

#[test]
fn what_is_nearest_stays_when_there_is_too_much() {
    let lines: Vec<Line> =
        (1..=100).map(|id| line(id, id - 1, LineKind::Step, Place::Server, true)).collect();
    let nearest: Vec<String> = (71..=100).map(|id| id.to_string()).collect();
    assert_eq!(told(&lines, &[100]), nearest.join(" "));
}

#[test]
fn a_tick_stands_for_the_last_thing_its_actor_said() {
    let mut lines = vec![
        line(1, 0, LineKind::Step, Place::Server, true),
        line(2, 0, LineKind::Step, Place::Dispatchers, true),
    ];
    lines.extend((3..=90).map(|id| {
        let cause = if id == 3 { 0 } else { id - 1 };
        line(id, cause, LineKind::Alarm, Place::Server, false)
    }));
    lines.push(line(91, 90, LineKind::Alarm, Place::Server, true));
    assert_eq!(told(&lines, &[91]), "1 91");
}

#[test]
fn faults_before_the_violation_are_told_and_later_ones_are_not() {
    let lines = [
        line(1, 0, LineKind::Fault, Place::Server, false),
        line(2, 0, LineKind::Step, Place::Server, true),
        line(3, 2, LineKind::Alarm, Place::Server, false),
        line(4, 3, LineKind::Step, Place::Dispatchers, true),
        line(5, 0, LineKind::Fault, Place::Server, false),
    ];
    assert_eq!(told(&lines, &[4]), "1 2 4");
}
