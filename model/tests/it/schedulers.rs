//! The schedulers of a maintainer: what they make of its spans.

use crate::{
    hand::{Hand, N1, N2, N3, World, preset, workload},
    spans::{Nodes, bootstrap, bootstrapped, id, own, part, report, scheduled, splittable},
};
use ComponentState::{Stopped, Working};
use model::{
    ChangefeedConfig, DispatcherId, NodeId, Place, Scheduling, Workload, coordinator,
    dispatchers::ComponentState, maintainer,
};
use sim::{Input, Seed, What};

/// The notes of a maintainer about its spans.
fn notes(hand: &Hand) -> String {
    let told =
        |line: &&str| line.contains("** Span") || line.contains("Refused") || line.contains("Panicked");
    let lines: Vec<&str> = hand.text.lines().filter(told).map(str::trim_start).collect();
    lines.join("\n").replace("** ", "").replace(" cf1", "")
}

/// What is noted while time passes.
fn passing(hand: &mut Hand, millis: u64) -> String {
    hand.text.clear();
    hand.advance(millis);
    notes(hand)
}

#[test]
fn tables_are_moved_until_every_node_has_its_share() {
    let mut hand = bootstrapped("master", [(&[1, 2, 3, 4, 5, 6, 7, 8, 9], &[]), (&[], &[]), (&[], &[])], &[]);
    insta::assert_snapshot!(notes(&hand), @"
    SpanMoves d2@n1 n1 n3
    SpanMoves d4@n1 n1 n2
    SpanMoves d7@n1 n1 n2
    SpanMoves d9@n1 n1 n3
    SpanMoves d1@n1 n1 n2
    SpanMoves d3@n1 n1 n3
    ");
    // They have all arrived; nobody looks before the interval is over.
    for (n, to) in [(2, N3), (4, N2), (7, N2), (9, N3), (1, N2), (3, N3)] {
        report(&mut hand, N1, &[(id(n), Stopped, 60)], false);
        report(&mut hand, to, &[(id(n), Working, 60)], false);
    }
    insta::assert_snapshot!(passing(&mut hand, 40_000), @"
    SpanReplicating d2@n1 n3
    SpanReplicating d4@n1 n2
    SpanReplicating d7@n1 n2
    SpanReplicating d9@n1 n3
    SpanReplicating d1@n1 n2
    SpanReplicating d3@n1 n3
    ");
}

#[test]
fn balance_is_looked_for_every_five_or_fifteen_seconds() {
    let looked = |policy: &str| {
        let mut hand = bootstrapped(policy, [(&[1, 2, 5], &[]), (&[3, 4, 6], &[]), (&[7, 8, 9], &[])], &[]);
        // The last table comes to n1 from n2 on its own account.
        report(&mut hand, N2, &[(id(3), Stopped, 60)], false);
        hand.advance(1000);
        let steps = hand.steps.len();
        hand.advance(60_000);
        let checks = |step: &(model::Record, model::Actor)| match &step.0.what {
            What::Step { input: Input::Alarm(timer), .. } => timer.to_string().starts_with("Checker"),
            _ => false,
        };
        hand.steps[steps..].iter().filter(|step| checks(step)).count()
    };
    assert_eq!([looked("pr-3769"), looked("master")], [12, 4]);
}

#[test]
fn a_move_that_is_refused_is_asked_for_again_and_again() {
    // A table is dropped while the basic scheduler is giving it to a node: it leaves a ghost.
    let mut hand = Hand::at(N3, Place::Maintainers, preset("master"));
    hand.stall("BasicScheduler");
    let mut hand = bootstrap(hand, [(&[1, 2, 3, 4, 6, 7, 8, 9], &[]), (&[], &[]), (&[], &[])], &[]);
    hand.one_step();
    let line = "BlockStatusRequest cf1 statuses: d1@n3 NONE ts70 dropped=t5 default default";
    hand.tell(N3, model::Msg::hear(line).into_iter().find_map(Result::ok).expect("a message"));
    hand.go_on();
    hand.advance(100);
    report(&mut hand, N1, &[(own(2), Working, 80)], false);
    insta::assert_snapshot!(passing(&mut hand, 40_000), @"
    SpanMoves d2@n1 n1 n3
    SpanMoves d4@n1 n1 n2
    SpanMoves d8@n1 n1 n2
    MoveRefused d2@n3
    ");
    let state = hand.state();
    insta::assert_snapshot!(state.lines().find(|line| line.contains("ghost")).unwrap_or_default(), @"  d2@n3 t5 ghost replicating ts10 at n1");
}

/// A table with so many regions, on three nodes, that may be split.
fn split(regions: u32, scheduling: Scheduling, nodes: Nodes) -> Hand {
    scheduled("master", regions, Scheduling { split_tables: true, ..scheduling }, nodes)
}

#[test]
fn a_new_table_with_many_regions_is_split_at_first_and_each_node_gets_a_few() {
    let scheduling =
        Scheduling { region_threshold: 8, regions_per_span: 2, tasks_per_node: 1, ..Scheduling::default() };
    let mut hand = split(9, scheduling, [(&[], &[]), (&[], &[]), (&[], &[])]);
    insta::assert_snapshot!(notes(&hand), @"
    SpanAssigned d5@n3 t1[699050..932067) n1
    SpanAssigned d6@n3 t1[932067..) n3
    SpanAssigned d3@n3 t1[233016..466033) n2
    ");
    report(&mut hand, N1, &[(own(5), Working, 60)], false);
    insta::assert_snapshot!(passing(&mut hand, 1000), @"
    SpanReplicating d5@n3 n1
    SpanAssigned d4@n3 t1[466033..699050) n1
    ");
}

#[test]
fn what_nobody_reports_of_a_split_table_is_replicated_again() {
    let filled =
        |policy: &str, parts: &[_]| notes(&splittable(policy, 4, [(&[], parts), (&[], &[]), (&[], &[])]));
    let apart = [part(1, 0, 2), part(2, 6, 8)];
    insta::assert_snapshot!(filled("master", &apart), @"SpanAssigned d2@n3 t1[262144..786432) n1");
    insta::assert_snapshot!(filled("pr-5436", &apart), @"SpanAssigned d2@n3 t1[262144..786432) n1");
    // Overlaps are cleaned up today; before, looking for holes ended the process.
    let overlapping = [part(1, 0, 3), part(2, 2, 8)];
    insta::assert_snapshot!(filled("master", &overlapping), @"");
    insta::assert_snapshot!(filled("pr-5436", &overlapping), @"MaintainerPanicked `spans overlap where holes are looked for`");
}

/// All parts tell three times, to n1, n2 and n3 in turn, and then time passes.
fn told(hand: &mut Hand, parts: &[(NodeId, DispatcherId)], seconds: u64) -> String {
    hand.text.clear();
    let mut now = 0;
    for n in 0..seconds {
        if n < 3 || n % 10 == 0 {
            for (node, id) in parts {
                report(hand, *node, &[(*id, Working, now)], true);
            }
        }
        now += 1_000_000;
        hand.advance(1000);
    }
    notes(hand)
}

#[test]
fn a_part_with_too_many_regions_is_split_where_it_is() {
    // Three quarters of the table have 9 of 12 regions.
    let parts = [part(1, 0, 6), part(2, 6, 8)];
    let scheduling = Scheduling { region_threshold: 8, ..Scheduling::default() };
    let mut hand = split(12, scheduling, [(&[], &parts), (&[], &[]), (&[], &[])]);
    insta::assert_snapshot!(told(&mut hand, &[(N1, id(1)), (N1, id(2))], 16), @"SpanSplits d1@n1 t1[0..786432) parts=2");
    report(&mut hand, N1, &[(id(1), Stopped, 16_000_000)], false);
    hand.text.clear();
    hand.advance(700);
    insta::assert_snapshot!(hand.state(), @"
    n3 is alive and sees n1, n2, n3
    obeys n1 version=1
    maintainer cf1 e5 working committed ts10
      d2@n1 t1[786432..) replicating Working ts10000000 at n1
      d1@n3 ddl trigger Working ts10 at n3
      d2@n3 t1[0..436906) scheduling Working ts16000000 at n1
      d3@n3 t1[436906..786432) scheduling Working ts16000000 at n1
      operator d2@n3 Create (Split) at n1 sent
      operator d3@n3 Create (Split) at n1 sent
    ");
}

#[test]
fn a_table_with_few_regions_is_gathered_on_one_node() {
    let (one, other) = ([part(1, 0, 4)], [part(2, 4, 8)]);
    let scheduling = Scheduling { region_threshold: 8, ..Scheduling::default() };
    let mut hand = split(4, scheduling, [(&[], &one), (&[], &other), (&[], &[])]);
    insta::assert_snapshot!(told(&mut hand, &[(N1, id(1)), (N2, id(2))], 16), @"SpanMoves d1@n1 n1 n2");
}

#[test]
fn neighbours_are_joined_when_there_have_been_too_many_parts_for_a_while() {
    let eighths: Vec<_> = (0..8).map(|n| part(n + 1, n, n + 1)).collect();
    let scheduling = Scheduling { region_threshold: 8, ..Scheduling::default() };
    let all: Vec<(NodeId, DispatcherId)> = (1..=8).map(|n| (if n < 6 { N1 } else { N2 }, id(n))).collect();
    let mut hand = split(8, scheduling, [(&[], &eighths[..5]), (&[], &eighths[5..]), (&[], &[])]);
    insta::assert_snapshot!(told(&mut hand, &all, 70), @"");
    insta::assert_snapshot!(told(&mut hand, &all, 16), @"
    SpansMerge d2@n3 t1[0..655360) sources=5
    SpansMerge d3@n3 t1[655360..) sources=3
    ");
    // No two neighbours are on one node.
    let all: Vec<(NodeId, DispatcherId)> = (1..=8).map(|n| ([N1, N2, N3][(n % 3) as usize], id(n))).collect();
    let on = |node: NodeId| eighths.iter().zip(&all).filter(move |(_, (at, _))| *at == node);
    let [a, b, c] = [N1, N2, N3].map(|node| on(node).map(|(part, _)| part.clone()).collect::<Vec<_>>());
    let mut hand = split(8, scheduling, [(&[], &a), (&[], &b), (&[], &c)]);
    insta::assert_snapshot!(told(&mut hand, &all, 90), @"
    SpanMoves d2@n1 n3 n1
    SpanMoves d4@n1 n2 n1
    SpanMoves d6@n1 n1 n2
    SpanMoves d5@n1 n3 n2
    SpanMoves d1@n1 n2 n3
    ");
}

fn drain(hand: &mut Hand, target: Option<NodeId>, target_epoch: u64) {
    let order = coordinator::DrainOrder { target_epoch, target };
    hand.tell(N1, maintainer::Inbox::SetDispatcherDrainTargetRequest { order });
}

#[test]
fn a_node_is_drained_ten_spans_at_a_time() {
    let mut hand = bootstrapped("master", [(&[1, 2, 5], &[]), (&[3, 4, 6], &[]), (&[7, 8, 9], &[])], &[]);
    drain(&mut hand, Some(N1), 1);
    insta::assert_snapshot!(passing(&mut hand, 600), @"
    SpanMoves d2@n1 n1 n3
    SpanMoves d5@n1 n1 n2
    SpanMoves d1@n1 n1 n2
    ");
    // An earlier order, the same one again, and another node under the same epoch change nothing.
    drain(&mut hand, Some(N2), 0);
    drain(&mut hand, Some(N1), 1);
    drain(&mut hand, Some(N2), 1);
    insta::assert_snapshot!(passing(&mut hand, 1000), @"");
    // Its own node is left to a successor elsewhere.
    drain(&mut hand, None, 1);
    drain(&mut hand, Some(N3), 2);
    insta::assert_snapshot!(passing(&mut hand, 5000), @"");
}

/// A maintainer whose tables are all on n1, which is being drained.
fn draining(tables: u32) -> Hand {
    let scheduling = Scheduling { move_batch: 0, ..Scheduling::default() };
    let workload = Workload { tables, ..workload() };
    let config = ChangefeedConfig { scheduling, ..ChangefeedConfig::default() };
    let world = World { workload, config, seed: Seed(0) };
    let all: Vec<u32> = (1..=tables).collect();
    let hand = Hand::with(N3, Place::Maintainers, preset("master"), world);
    let mut hand = bootstrap(hand, [(&all, &[]), (&[], &[]), (&[], &[])], &[]);
    drain(&mut hand, Some(N1), 1);
    hand
}

/// How many moves begin within a second; all of them are over then.
fn moved(hand: &mut Hand) -> usize {
    let notes = passing(hand, 1000);
    let moves: Vec<(DispatcherId, NodeId)> = (1..=1100)
        .map(id)
        .flat_map(|id| [N2, N3].map(|to| (id, to)))
        .filter(|(id, to)| notes.contains(&format!("SpanMoves {id} n1 {to}")))
        .collect();
    for (id, to) in &moves {
        report(hand, N1, &[(*id, Stopped, 60)], false);
        report(hand, *to, &[(*id, Working, 60)], false);
    }
    hand.steps.clear();
    moves.len()
}

// TestDrainSchedulerKeepsFixedLimitWithinDrainEpoch, TestDrainSchedulerRecomputesLimitForNewDrainEpoch.
#[test]
fn how_many_are_moved_at_once_does_not_change_until_the_next_order() {
    let mut hand = draining(1100);
    let rounds: Vec<usize> = (0..20).map(|_| moved(&mut hand)).collect();
    assert_eq!(rounds, [11; 20]);
    drain(&mut hand, None, 1);
    drain(&mut hand, Some(N1), 2);
    assert_eq!(moved(&mut hand), 10, "880 are left");
}
