//! The maintainer manager of a node and its maintainers, driven by hand.

use crate::hand::{CF, Hand, N1, N2, add, coordinator, remove_maintainer};
use model::{
    DispatcherId, Epoch, Mode, Place, Span, TableId, Ts,
    dispatchers::{
        Action, BootstrapResponse, ComponentState, DispatcherStatus, Heartbeat, OperatorType, ReportedSpan,
        ScheduleRequest, Watermark,
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
    };
    let response = BootstrapResponse {
        cf: CF,
        epoch: Epoch(epoch),
        checkpoint: Ts(checkpoint),
        spans: tables.iter().map(span).collect(),
        operators,
        merge_operators: Vec::new(),
        err: None,
    };
    Inbox::MaintainerBootstrapResponse { response: Box::new(response) }
}

fn working(n: u32) -> Inbox {
    status(DispatcherId { maker: N1, n }, ComponentState::Working, 60)
}

fn stopped(n: u32) -> Inbox {
    status(DispatcherId { maker: N1, n }, ComponentState::Stopped, 60)
}

/// Of the trigger that the first maintainer of n3 has made.
fn trigger(state: ComponentState) -> Inbox {
    status(DispatcherId { maker: hand::N3, n: 1 }, state, 60)
}

fn status(id: DispatcherId, state: ComponentState, checkpoint: u64) -> Inbox {
    let statuses = vec![DispatcherStatus { id, state, checkpoint: Ts(checkpoint) }];
    let watermark = Watermark { checkpoint: Ts(60), resolved: Ts(60), seq: 1 };
    let heartbeat = Heartbeat { watermark: Some(watermark), statuses, complete: false, err: None };
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
    let trigger = DispatcherId { maker: hand::N3, n: 1 };
    Inbox::MaintainerPostBootstrapResponse { cf: CF, trigger, epoch: Epoch(5), err: None }
}

/// A request that a dispatcher manager has in its journal.
fn journalled(action: Action, kind: OperatorType, n: u32) -> ScheduleRequest {
    let id = DispatcherId { maker: N1, n };
    let span = Some(Span::whole(TableId(n)));
    let (mode, epoch) = (Mode::Default, Epoch(4));
    ScheduleRequest { cf: CF, id, span, start_ts: Ts(40), mode, action, kind, epoch }
}

/// A maintainer on n3 that has bootstrapped; n1 reports all nine tables, and this journal.
fn bootstrapped(hand: &mut Hand, operators: Vec<ScheduleRequest>) {
    hand.start();
    hand.tell(N1, coordinator(1));
    hand.tell(N1, add(5));
    hand.tell(N1, respond(5, 0, &[1, 2, 3, 4, 5, 6, 7, 8, 9], operators));
    hand.tell(N2, response(5, 0, &[]));
    hand.tell(hand::N3, response(5, 10, &[]));
    hand.text.clear();
}

#[test]
fn an_operator_that_is_finalised_while_its_status_is_handled_leaves_the_span_absent() {
    let text = told("baseline", |hand| {
        bootstrapped(hand, vec![journalled(Action::Remove, OperatorType::Remove, 5)]);
        hand.tell(hand::N3, post_bootstrapped());
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
        hand.tell(hand::N3, trigger(ComponentState::Stopped));
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
fn a_maintainer_that_closes_after_the_report_is_cleaned_up_before_the_next() {
    let text = told("master", |hand| {
        bootstrapped(hand, Vec::new());
        hand.tell(N1, remove_maintainer(5, false));
        hand.stall("Cleanup");
        hand.advance(200);
        hand.tell(hand::N3, trigger(ComponentState::Stopped));
        hand.tell(N1, remove_maintainer(5, false));
        hand.go_on();
        hand.advance(200);
        hand.tell(N1, remove_maintainer(5, false));
    });
    insta::assert_snapshot!(text, @"
    n1/dispatchers: RemoveMaintainerRequest cf1 e5
        ** MaintainerRemoving cf1 e5
    Cleanup stands still
    200 ms pass
        -> MaintainerHeartbeat statuses: cf1 working ts10 bootstrap_done e5 to n1/coordinator
        -> ScheduleDispatcherRequest cf1 Remove (Remove) d1@n3 ddl ts10 default e5 to n3/dispatchers
    n3/dispatchers: HeartBeatRequest cf1 ts60 ts60 seq=1 statuses: d1@n3 Stopped ts60
    n1/dispatchers: RemoveMaintainerRequest cf1 e5
    all go on
        ** MaintainerClosed cf1 e5
    200 ms pass
        -> MaintainerHeartbeat statuses: cf1 stopped ts10 bootstrap_done e5 to n1/coordinator
    n1/dispatchers: RemoveMaintainerRequest cf1 e5
        -> MaintainerHeartbeat statuses: cf1 stopped ts0 e5 to n1/coordinator
    ");
}
