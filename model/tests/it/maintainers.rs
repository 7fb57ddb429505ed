//! The maintainer manager of a node and its maintainers, driven by hand.

use crate::hand::{CF, Hand, N1, N2, add, coordinator, remove_maintainer};
use model::{
    Actor, Addr, DispatcherId, Epoch, Mode, Place, Span, TableId, Ts,
    dispatchers::{
        Action, BootstrapResponse, ComponentState, DispatcherStatus, Heartbeat, MergeRequest, OperatorType,
        ReportedSpan, ScheduleRequest, Watermark,
    },
    maintainer::Inbox,
};

/// Everything that `n3/maintainers` hears, says, sends and sets off.
fn told(policy: &str, script: impl FnOnce(&mut Hand)) -> String {
    let mut hand = Hand::new(Place::Maintainers, policy);
    script(&mut hand);
    hand.text
}

fn response(epoch: u64, checkpoint: u64, tables: &[u32]) -> Inbox {
    respond(epoch, checkpoint, tables, Vec::new())
}

/// What a dispatcher manager runs, each dispatcher with the number of its table, and what it was about to do.
fn respond(epoch: u64, checkpoint: u64, tables: &[u32], operators: Vec<ScheduleRequest>) -> Inbox {
    let span = |table: &u32| ReportedSpan {
        id: DispatcherId { maker: N1, n: *table },
        span: Span::whole(TableId(*table)),
        state: ComponentState::Working,
        checkpoint: Ts(50),
        mode: Mode::Default,
        schema: None,
        block_state: None,
    };
    let response = BootstrapResponse {
        cf: CF,
        epoch: Epoch(epoch),
        checkpoint: Ts(checkpoint),
        spans: tables.iter().map(span).collect(),
        operators,
        merge_operators: Vec::new(),
        err: None,
        redo_checkpoint: Default::default(),
    };
    Inbox::MaintainerBootstrapResponse { response: Box::new(response) }
}

fn working(n: u32) -> Inbox {
    status(DispatcherId { maker: N1, n }, ComponentState::Working, 60)
}

fn stopped(n: u32) -> Inbox {
    status(DispatcherId { maker: N1, n }, ComponentState::Stopped, 60)
}

/// The trigger that the first maintainer of n3 has made.
const TRIGGER: DispatcherId = DispatcherId { maker: crate::hand::N3, n: 1 };

fn trigger(state: ComponentState) -> Inbox {
    status(TRIGGER, state, 60)
}

fn status(id: DispatcherId, state: ComponentState, checkpoint: u64) -> Inbox {
    let statuses = vec![DispatcherStatus { id, state, checkpoint: Ts(checkpoint), redo: Default::default() }];
    let watermark = Watermark { checkpoint: Ts(60), resolved: Ts(60), seq: 1 };
    let heartbeat = Heartbeat {
        watermark: Some(watermark),
        statuses,
        complete: false,
        err: None,
        redo: Default::default(),
    };
    Inbox::HeartBeatRequest { cf: CF, heartbeat: Box::new(heartbeat) }
}

#[test]
fn a_maintainer_asks_every_node_and_only_its_own_gets_a_trigger() {
    let text = told("master", |hand| {
        hand.tell(N1, coordinator(1));
        hand.tell(N1, add(5));
    });
    insta::assert_snapshot!(text, @"
    n1/dispatchers: CoordinatorBootstrapRequest version=1
        -> CoordinatorBootstrapResponse version=1 to n1/coordinator
        -> NodeHeartbeat alive node_epoch=1 to n1/coordinator
    n1/dispatchers: AddMaintainerRequest cf1 ts10 e5
        ** MaintainerAdded cf1 n3 e5
        -> MaintainerBootstrapRequest cf1 ts10 e5 to n1/dispatchers
        -> MaintainerBootstrapRequest cf1 ts10 e5 to n2/dispatchers
        -> MaintainerBootstrapRequest cf1 ts10 d1@n3 e5 to n3/dispatchers
    ");
}

#[test]
fn a_live_maintainer_is_not_replaced() {
    let text = told("master", |hand| {
        hand.tell(N1, coordinator(1));
        hand.tell(N1, add(5));
        hand.tell(N1, add(6));
        hand.tell(N2, add(7));
    });
    insta::assert_snapshot!(text.lines().skip(6).collect::<Vec<_>>().join("\n"), @"
        -> MaintainerBootstrapRequest cf1 ts10 e5 to n2/dispatchers
        -> MaintainerBootstrapRequest cf1 ts10 d1@n3 e5 to n3/dispatchers
    n1/dispatchers: AddMaintainerRequest cf1 ts10 e6
        ** AddIgnored cf1 e6 `there is a maintainer`
    n2/dispatchers: AddMaintainerRequest cf1 ts10 e7
    ");
}

#[test]
fn a_removal_is_for_one_generation() {
    let text = told("master", |hand| {
        hand.tell(N1, coordinator(1));
        hand.tell(N1, remove_maintainer(4, false));
        hand.tell(N1, add(5));
        hand.tell(N1, remove_maintainer(4, true));
        hand.tell(N1, remove_maintainer(5, false));
        hand.tell(N1, remove_maintainer(5, true));
    });
    insta::assert_snapshot!(text, @"
    n1/dispatchers: CoordinatorBootstrapRequest version=1
        -> CoordinatorBootstrapResponse version=1 to n1/coordinator
        -> NodeHeartbeat alive node_epoch=1 to n1/coordinator
    n1/dispatchers: RemoveMaintainerRequest cf1 e4
        -> MaintainerHeartbeat statuses: cf1 stopped ts0 e4 to n1/coordinator
    n1/dispatchers: AddMaintainerRequest cf1 ts10 e5
        ** MaintainerAdded cf1 n3 e5
        -> MaintainerBootstrapRequest cf1 ts10 e5 to n1/dispatchers
        -> MaintainerBootstrapRequest cf1 ts10 e5 to n2/dispatchers
        -> MaintainerBootstrapRequest cf1 ts10 d1@n3 e5 to n3/dispatchers
    n1/dispatchers: RemoveMaintainerRequest cf1 cascade e4
        ** RemoveIgnored cf1 e4 `another generation is meant`
    n1/dispatchers: RemoveMaintainerRequest cf1 e5
        ** RemoveIgnored cf1 e5 `it has not bootstrapped`
    n1/dispatchers: RemoveMaintainerRequest cf1 cascade e5
        ** MaintainerRemoving cf1 e5 cascade
        -> MaintainerCloseRequest cf1 e5 to n1/dispatchers
        -> MaintainerCloseRequest cf1 e5 to n2/dispatchers
        -> MaintainerCloseRequest cf1 e5 to n3/dispatchers
    ");
}

#[test]
fn spans_that_nobody_reports_are_placed_and_orphans_removed() {
    let text = told("master", |hand| {
        hand.tell(N1, coordinator(1));
        hand.tell(N1, add(5));
        hand.tell(N1, response(4, 0, &[9]));
        hand.tell(N1, response(5, 0, &[1, 2, 3, 4]));
        hand.tell(N2, response(5, 0, &[5, 6, 7, 8]));
        hand.tell(crate::hand::N3, response(5, 10, &[]));
        hand.tell(N2, working(77));
    });
    insta::assert_snapshot!(text, @"
    n1/dispatchers: CoordinatorBootstrapRequest version=1
        -> CoordinatorBootstrapResponse version=1 to n1/coordinator
        -> NodeHeartbeat alive node_epoch=1 to n1/coordinator
    n1/dispatchers: AddMaintainerRequest cf1 ts10 e5
        ** MaintainerAdded cf1 n3 e5
        -> MaintainerBootstrapRequest cf1 ts10 e5 to n1/dispatchers
        -> MaintainerBootstrapRequest cf1 ts10 e5 to n2/dispatchers
        -> MaintainerBootstrapRequest cf1 ts10 d1@n3 e5 to n3/dispatchers
    n1/dispatchers: MaintainerBootstrapResponse cf1 e4 ts0 spans: d9@n1 t9 Working ts50 default
        ** StaleResponse cf1 n1 e4 e5
    n1/dispatchers: MaintainerBootstrapResponse cf1 e5 ts0 spans: d1@n1 t1 Working ts50 default, d2@n1 t2 Working ts50 default, d3@n1 t3 Working ts50 default, d4@n1 t4 Working ts50 default
    n2/dispatchers: MaintainerBootstrapResponse cf1 e5 ts0 spans: d5@n1 t5 Working ts50 default, d6@n1 t6 Working ts50 default, d7@n1 t7 Working ts50 default, d8@n1 t8 Working ts50 default
    n3/dispatchers: MaintainerBootstrapResponse cf1 e5 ts10
        ** MaintainerBootstrapped cf1 e5 working=8 absent=1
        -> MaintainerPostBootstrapRequest cf1 d1@n3 e5 to n3/dispatchers
        ** SpanAssigned cf1 d2@n3 t9 n1
    n2/dispatchers: HeartBeatRequest cf1 ts60 ts60 seq=1 statuses: d77@n1 Working ts60
        ** OrphanRemoved cf1 d77@n1 n2
        -> ScheduleDispatcherRequest cf1 Remove (Remove) d77@n1 ts0 default e5 to n2/dispatchers
    ");
}

fn post_bootstrapped() -> Inbox {
    Inbox::MaintainerPostBootstrapResponse { cf: CF, trigger: TRIGGER, epoch: Epoch(5), err: None }
}

/// A request that a dispatcher manager has in its journal.
fn journalled(action: Action, kind: OperatorType, n: u32) -> ScheduleRequest {
    let id = DispatcherId { maker: N1, n };
    let span = Some(Span::whole(TableId(n)));
    let (mode, epoch) = (Mode::Default, Epoch(4));
    ScheduleRequest { cf: CF, id, span, start_ts: Ts(40), skip_dml: false, mode, action, kind, epoch }
}

/// A maintainer on n3 that has bootstrapped; every node reports three tables, and n1, which has the fifth, this journal.
fn bootstrapped(hand: &mut Hand, operators: Vec<ScheduleRequest>) {
    hand.start();
    hand.tell(N1, coordinator(1));
    hand.tell(N1, add(5));
    hand.tell(N1, respond(5, 0, &[1, 2, 5], operators));
    hand.tell(N2, response(5, 0, &[3, 4, 6]));
    hand.tell(crate::hand::N3, response(5, 10, &[7, 8, 9]));
    hand.text.clear();
}

#[test]
fn an_operator_that_is_finalised_while_its_status_is_handled_leaves_the_span_absent() {
    let text = told("baseline", |hand| {
        bootstrapped(hand, vec![journalled(Action::Remove, OperatorType::Remove, 5)]);
        hand.tell(crate::hand::N3, post_bootstrapped());
        hand.stall("EventLoop");
        hand.tell(N1, stopped(5));
        hand.one_step();
        hand.advance(700);
        hand.go_on();
    });
    insta::assert_snapshot!(text, @"
    n3/dispatchers: MaintainerPostBootstrapResponse cf1 d1@n3 e5
        ** TriggerActive cf1 d1@n3
    EventLoop stands still
    n1/dispatchers: HeartBeatRequest cf1 ts60 ts60 seq=1 statuses: d5@n1 Stopped ts60
    one step
    700 ms pass
        -> MaintainerHeartbeat statuses: cf1 working ts10 bootstrap_done e0 to n1/coordinator
        ** SpanReplicating cf1 d5@n1 n1
    all go on
        ** SpanAbsent cf1 d5@n1
    ");
}

#[test]
fn the_last_report_of_a_maintainer_may_be_lost() {
    let text = told("master", |hand| {
        bootstrapped(hand, Vec::new());
        hand.tell(N1, remove_maintainer(5, false));
        hand.tell(crate::hand::N3, trigger(ComponentState::Stopped));
        hand.stall("EventLoop");
        hand.tell(N1, remove_maintainer(5, false));
        hand.one_step();
        hand.advance(200);
        hand.go_on();
        hand.tell(N1, remove_maintainer(5, true));
    });
    insta::assert_snapshot!(text, @"
    n1/dispatchers: RemoveMaintainerRequest cf1 e5
        ** MaintainerRemoving cf1 e5
    n3/dispatchers: HeartBeatRequest cf1 ts60 ts60 seq=1 statuses: d1@n3 Stopped ts60
    EventLoop stands still
    n1/dispatchers: RemoveMaintainerRequest cf1 e5
    one step
    200 ms pass
        -> MaintainerHeartbeat statuses: cf1 working ts10 bootstrap_done e5 to n1/coordinator
    all go on
    n1/dispatchers: RemoveMaintainerRequest cf1 cascade e5
        ** RemovalOnlyMaintainer cf1 e5
        ** MaintainerRemoving cf1 e5 cascade
        -> MaintainerCloseRequest cf1 e5 to n1/dispatchers
        -> MaintainerCloseRequest cf1 e5 to n2/dispatchers
        -> MaintainerCloseRequest cf1 e5 to n3/dispatchers
    ");
}

#[test]
fn a_maintainer_that_only_removes_waits_for_those_that_it_has_asked() {
    let mut hand = Hand::new(Place::Maintainers, "master");
    hand.tell(N1, coordinator(1));
    hand.tell(N1, remove_maintainer(5, true));
    let waits = |hand: &Hand| {
        let Actor::Maintainers(all) = hand.actor() else { unreachable!() };
        let pending = all.all().flat_map(|one| one.pending());
        pending.map(|pending| pending.to_string()).collect::<Vec<_>>().join("; ")
    };
    let all = waits(&hand);
    hand.tell(N1, closed(5));
    let others = waits(&hand);
    hand.see(&[N1, crate::hand::N3]);
    hand.advance(1000);
    insta::assert_snapshot!(format!("{all}\n{others}\n{}", waits(&hand)), @"
    cf1 waits for MaintainerCloseResponse from n1; cf1 waits for MaintainerCloseResponse from n2; cf1 waits for MaintainerCloseResponse from n3
    cf1 waits for MaintainerCloseResponse from n2; cf1 waits for MaintainerCloseResponse from n3
    cf1 waits for MaintainerCloseResponse from n3
    ");
}

#[test]
fn a_maintainer_that_closes_after_the_report_is_cleaned_up_before_the_next() {
    let text = told("master", |hand| {
        bootstrapped(hand, Vec::new());
        hand.tell(N1, remove_maintainer(5, true));
        hand.tell(N1, closed(5));
        hand.tell(N2, closed(5));
        hand.stall("Cleanup");
        hand.advance(200);
        hand.text.clear();
        hand.tell(crate::hand::N3, closed(5));
        hand.go_on();
        hand.advance(200);
        hand.tell(N1, remove_maintainer(5, false));
    });
    insta::assert_snapshot!(text, @"
    n3/dispatchers: MaintainerCloseResponse cf1 success e5
        ** MaintainerClosed cf1 e5
    all go on
    200 ms pass
    n1/dispatchers: RemoveMaintainerRequest cf1 e5
        -> MaintainerHeartbeat statuses: cf1 stopped ts0 e5 to n1/coordinator
    ");
}

fn closed(epoch: u64) -> Inbox {
    Inbox::MaintainerCloseResponse { cf: CF, success: true, epoch: Epoch(epoch) }
}

#[test]
fn the_trigger_is_no_longer_desired_once_a_successor_is_to_take_over() {
    let text = told("baseline", |hand| {
        bootstrapped(hand, Vec::new());
        hand.tell(crate::hand::N3, post_bootstrapped());
        hand.tell(N1, remove_maintainer(5, false));
        hand.tell(crate::hand::N3, status(TRIGGER, ComponentState::Stopped, 0));
        hand.advance(700);
        // The operator has gone, and the status was too old to close the maintainer.
        hand.tell(N1, remove_maintainer(5, false));
        hand.tell(crate::hand::N3, trigger(ComponentState::Stopped));
        hand.advance(700);
    });
    insta::assert_snapshot!(text, @"
    n3/dispatchers: MaintainerPostBootstrapResponse cf1 d1@n3 e5
        ** TriggerActive cf1 d1@n3
    n1/dispatchers: RemoveMaintainerRequest cf1 e5
        ** MaintainerRemoving cf1 e5
    n3/dispatchers: HeartBeatRequest cf1 ts60 ts60 seq=1 statuses: d1@n3 Stopped ts0
    700 ms pass
        -> MaintainerHeartbeat statuses: cf1 working ts10 bootstrap_done e0 to n1/coordinator
    n1/dispatchers: RemoveMaintainerRequest cf1 e5
    n3/dispatchers: HeartBeatRequest cf1 ts60 ts60 seq=1 statuses: d1@n3 Stopped ts60
    700 ms pass
        -> MaintainerHeartbeat statuses: cf1 working ts10 bootstrap_done e0 to n1/coordinator
    ");
}

#[test]
fn a_stray_close_response_does_not_stop_what_has_not_bootstrapped() {
    let text = told("baseline", |hand| {
        hand.tell(N1, coordinator(1));
        hand.tell(N1, add(5));
        hand.text.clear();
        hand.tell(N1, closed(0));
    });
    insta::assert_snapshot!(text, @"
    n1/dispatchers: MaintainerCloseResponse cf1 success e0
        ** RemoveIgnored cf1 e0 `it has not bootstrapped`
    ");
}

#[test]
fn two_journals_for_one_dispatcher_fail_the_bootstrap() {
    let text = told("master", |hand| {
        hand.tell(N1, coordinator(1));
        hand.tell(N1, add(5));
        hand.text.clear();
        let moved = || vec![journalled(Action::Remove, OperatorType::Move, 5)];
        hand.tell(N1, respond(5, 0, &[5], moved()));
        hand.tell(N2, respond(5, 0, &[5], moved()));
        hand.tell(crate::hand::N3, response(5, 10, &[]));
    });
    insta::assert_snapshot!(text, @"
    n1/dispatchers: MaintainerBootstrapResponse cf1 e5 ts0 spans: d5@n1 t5 Working ts50 default operators: cf1 Remove (Move) d5@n1 t5 ts40 default e4
    n2/dispatchers: MaintainerBootstrapResponse cf1 e5 ts0 spans: d5@n1 t5 Working ts50 default operators: cf1 Remove (Move) d5@n1 t5 ts40 default e4
    n3/dispatchers: MaintainerBootstrapResponse cf1 e5 ts10
        ** OperatorRestored cf1 d5@n1 Remove (Move) n1
        ** ErrorReported cf1 n3 `two operators are to be restored for one span`
    ");
}

#[test]
fn a_maintainer_that_is_removed_leaves_operators_and_spans_of_a_lost_node_alone() {
    let lost = |policy: &str| {
        told(policy, |hand| {
            bootstrapped(hand, Vec::new());
            hand.tell(N1, remove_maintainer(5, false));
            hand.text.clear();
            hand.see(&[N2, crate::hand::N3]);
            hand.hear(Addr::Node(crate::hand::N3, Place::Server), Inbox::NodesChanged);
            hand.advance(100);
        })
    };
    insta::assert_snapshot!(lost("master+maintainer.remove_node_change=follows"), @"
    n3/server: NodesChanged
    100 ms pass
    ");
    insta::assert_snapshot!(lost("pr-5106"), @"
    n3/server: NodesChanged
    100 ms pass
        ** SpanAbsent cf1 d1@n1
        ** SpanAbsent cf1 d2@n1
        ** SpanAbsent cf1 d5@n1
        -> MaintainerPostBootstrapRequest cf1 d1@n3 e0 to n3/dispatchers
    ");
}

#[test]
fn what_a_predecessor_had_begun_to_remove_is_replicated_again() {
    let removed = |policy: &str| {
        told(policy, |hand| {
            bootstrapped(hand, vec![journalled(Action::Remove, OperatorType::Remove, 5)]);
            hand.tell(crate::hand::N3, post_bootstrapped());
            hand.tell(N1, stopped(5));
            hand.advance(1100);
        })
    };
    insta::assert_snapshot!(removed("pr-5436"), @"
    n3/dispatchers: MaintainerPostBootstrapResponse cf1 d1@n3 e5
        ** TriggerActive cf1 d1@n3
    n1/dispatchers: HeartBeatRequest cf1 ts60 ts60 seq=1 statuses: d5@n1 Stopped ts60
    1100 ms pass
        -> MaintainerHeartbeat statuses: cf1 working ts10 bootstrap_done e5 to n1/coordinator
        ** SpanReplicating cf1 d5@n1 n1
    ");
    insta::assert_snapshot!(removed("master"), @"
    n3/dispatchers: MaintainerPostBootstrapResponse cf1 d1@n3 e5
        ** TriggerActive cf1 d1@n3
    n1/dispatchers: HeartBeatRequest cf1 ts60 ts60 seq=1 statuses: d5@n1 Stopped ts60
    1100 ms pass
        -> MaintainerHeartbeat statuses: cf1 working ts10 bootstrap_done e5 to n1/coordinator
        ** CoverageRepaired cf1 d2@n3 t5
        ** SpanAssigned cf1 d2@n3 t5 n1
        -> ScheduleDispatcherRequest cf1 Create (Add) d2@n3 t5 ts10 default e5 to n1/dispatchers
    ");
}

/// A dispatcher of table 5 in a bootstrap response.
fn part(n: u32, from: u32, to: u32, state: ComponentState) -> ReportedSpan {
    let span = Span { table: TableId(5), from, to };
    ReportedSpan {
        id: DispatcherId { maker: N1, n },
        span,
        state,
        checkpoint: Ts(50),
        mode: Mode::Default,
        schema: None,
        block_state: None,
    }
}

/// A maintainer has bootstrapped; n1 and n2 report these parts of the fifth table, and the nodes share all others.
fn with_parts(hand: &mut Hand, on_n1: ReportedSpan, on_n2: ReportedSpan) {
    hand.start();
    hand.tell(N1, coordinator(1));
    hand.tell(N1, add(5));
    hand.text.clear();
    for (node, tables, part) in [(N1, &[1, 2][..], on_n1), (N2, &[3, 4, 6][..], on_n2)] {
        let Inbox::MaintainerBootstrapResponse { mut response } = response(5, 0, tables) else { return };
        response.spans.push(part);
        hand.tell(node, Inbox::MaintainerBootstrapResponse { response });
    }
    hand.tell(crate::hand::N3, response(5, 10, &[7, 8, 9]));
    hand.tell(crate::hand::N3, post_bootstrapped());
}

#[test]
fn of_two_dispatchers_that_overlap_one_is_removed_and_what_is_left_is_covered() {
    let half = Span::KEYS / 2;
    let overlapping = |policy: &str, from: u32, to: u32| {
        told(policy, |hand| {
            let whole = part(5, 0, Span::KEYS, ComponentState::Working);
            with_parts(hand, whole, part(25, from, to, ComponentState::Working));
            hand.advance(500);
            hand.text = hand.text.lines().skip(2).collect::<Vec<_>>().join("\n") + "\n";
            hand.tell(N1, stopped(5));
            hand.advance(1100);
        })
    };
    // Both write, for ever.
    insta::assert_snapshot!(overlapping("pr-5436", half, Span::KEYS), @"
    n3/dispatchers: MaintainerBootstrapResponse cf1 e5 ts10 spans: d7@n1 t7 Working ts50 default, d8@n1 t8 Working ts50 default, d9@n1 t9 Working ts50 default
        ** MaintainerBootstrapped cf1 e5 working=10 absent=0
        -> MaintainerPostBootstrapRequest cf1 d1@n3 e5 to n3/dispatchers
    n3/dispatchers: MaintainerPostBootstrapResponse cf1 d1@n3 e5
        ** TriggerActive cf1 d1@n3
    500 ms pass
        -> MaintainerHeartbeat statuses: cf1 working ts10 bootstrap_done e5 to n1/coordinator
    n1/dispatchers: HeartBeatRequest cf1 ts60 ts60 seq=1 statuses: d5@n1 Stopped ts60
        ** SpanAbsent cf1 d5@n1
    1100 ms pass
        ** SpanAssigned cf1 d5@n1 t5 n1
        -> ScheduleDispatcherRequest cf1 Create (Add) d5@n1 t5 ts60 default e5 to n1/dispatchers
        -> MaintainerHeartbeat statuses: cf1 working ts10 bootstrap_done e5 to n1/coordinator
    ");
    // The narrower one of two that begin together stays.
    insta::assert_snapshot!(overlapping("master", 0, half), @"
    n3/dispatchers: MaintainerBootstrapResponse cf1 e5 ts10 spans: d7@n1 t7 Working ts50 default, d8@n1 t8 Working ts50 default, d9@n1 t9 Working ts50 default
        ** OverlapRemoved cf1 d5@n1 t5 n1
        ** MaintainerBootstrapped cf1 e5 working=10 absent=0
        -> MaintainerPostBootstrapRequest cf1 d1@n3 e5 to n3/dispatchers
        -> ScheduleDispatcherRequest cf1 Remove (Remove) d5@n1 t5 ts0 default e5 to n1/dispatchers
    n3/dispatchers: MaintainerPostBootstrapResponse cf1 d1@n3 e5
        ** TriggerActive cf1 d1@n3
    500 ms pass
        -> MaintainerHeartbeat statuses: cf1 working ts10 bootstrap_done e5 to n1/coordinator
    n1/dispatchers: HeartBeatRequest cf1 ts60 ts60 seq=1 statuses: d5@n1 Stopped ts60
    1100 ms pass
        ** CoverageRepaired cf1 d2@n3 t5[524288..)
        ** SpanAssigned cf1 d2@n3 t5[524288..) n1
        -> ScheduleDispatcherRequest cf1 Create (Add) d2@n3 t5[524288..) ts10 default e5 to n1/dispatchers
        -> MaintainerHeartbeat statuses: cf1 working ts10 bootstrap_done e5 to n1/coordinator
    ");
}

#[test]
fn the_source_of_a_merge_goes_when_the_merged_dispatcher_covers_it() {
    let half = Span::KEYS / 2;
    let merged = |policy: &str| {
        told(policy, |hand| {
            let whole = part(25, 0, Span::KEYS, ComponentState::Working);
            with_parts(hand, part(5, 0, half, ComponentState::WaitingMerge), whole);
            hand.text.clear();
            hand.tell(N1, stopped(5));
        })
    };
    insta::assert_snapshot!(merged("master"), @"
    n1/dispatchers: HeartBeatRequest cf1 ts60 ts60 seq=1 statuses: d5@n1 Stopped ts60
        ** CoveredSpanRemoved cf1 d5@n1
    ");
    insta::assert_snapshot!(merged("master+maintainer.covered_terminal=marked_absent"), @"
    n1/dispatchers: HeartBeatRequest cf1 ts60 ts60 seq=1 statuses: d5@n1 Stopped ts60
        ** SpanAbsent cf1 d5@n1
    ");
}

#[test]
fn a_merge_that_a_journal_explains_is_no_overlap() {
    let half = Span::KEYS / 2;
    let merging = |sources: &[u32]| {
        told("master", |hand| {
            hand.tell(N1, coordinator(1));
            hand.tell(N1, add(5));
            hand.text.clear();
            let id = |n: u32| DispatcherId { maker: N1, n };
            let Inbox::MaintainerBootstrapResponse { mut response } = response(5, 0, &[]) else { return };
            response.spans.push(part(5, 0, half, ComponentState::WaitingMerge));
            response.spans.push(part(6, half, Span::KEYS, ComponentState::WaitingMerge));
            response.spans.push(part(25, 0, Span::KEYS, ComponentState::Preparing));
            let sources = sources.iter().map(|n| id(*n)).collect();
            let (merged, mode, epoch) = (id(25), Mode::Default, Epoch(5));
            response.merge_operators.push(MergeRequest { cf: CF, merged, sources, mode, epoch });
            hand.tell(N1, Inbox::MaintainerBootstrapResponse { response });
            hand.tell(N2, self::response(5, 0, &[]));
            hand.tell(crate::hand::N3, self::response(5, 10, &[]));
        })
    };
    let overlaps = |text: String| text.matches("OverlapRemoved").count();
    assert_eq!(overlaps(merging(&[5, 6])), 0);
    assert_eq!(overlaps(merging(&[5])), 1, "one source is no merge");
    assert_eq!(overlaps(merging(&[5, 7])), 1, "the second source is not there");
}
