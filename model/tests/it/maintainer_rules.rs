//! Rules of the maintainer manager and its maintainers, one by one.

use crate::script::play;

/// A maintainer on n3 of one table, in bootstrap.
const ADDED: &str = "
    party maintainers with 1 tables
    start
    n1/coordinator: CoordinatorBootstrapRequest version=1
    n1/coordinator: AddMaintainerRequest cf1 ts10 e5
";

/// The same, when n1 has reported the dispatcher of the table, and n2 and n3 nothing.
const WORKING: &str = "
    n1/dispatchers: MaintainerBootstrapResponse cf1 e5 ts0 spans: d7@n1 t1 Working ts50 default
    n2/dispatchers: MaintainerBootstrapResponse cf1 e5 ts0
    n3/dispatchers: MaintainerBootstrapResponse cf1 e5 ts50
    n3/dispatchers: MaintainerPostBootstrapResponse cf1 d1@n3 e5
";

/// The same, when n1 has told that it was about to create that dispatcher, and then reports much later rows.
const CREATING: &str = "
    n1/dispatchers: MaintainerBootstrapResponse cf1 e5 ts0 operators: cf1 Create (Add) d7@n1 t1 ts150 default e4
    n2/dispatchers: MaintainerBootstrapResponse cf1 e5 ts0
    n3/dispatchers: MaintainerBootstrapResponse cf1 e5 ts50
    n3/dispatchers: MaintainerPostBootstrapResponse cf1 d1@n3 e5
    n3/dispatchers: HeartBeatRequest cf1 ts200 ts200 seq=1
    n1/dispatchers: HeartBeatRequest cf1 ts200 ts200 seq=1
    pass 100ms
";

/// What is said from the line `then` on.
fn told(policy: &str, scenes: &[&str]) -> String {
    let script: String = scenes.iter().copied().collect();
    let (before, then) = script.split_once("then\n").expect("a line `then`");
    let begun = play(policy, before).lines().count();
    let text = play(policy, &format!("{before}{then}"));
    text.lines().skip(begun).map(|line| format!("{line}\n")).collect()
}

#[test]
fn a_node_takes_less_part_one_step_at_a_time_and_says_so() {
    let text = told(
        "master",
        &[
            ADDED,
            "
        then
        n1/coordinator: SetNodeLivenessRequest draining node_epoch=77
        n2/coordinator: SetNodeLivenessRequest draining node_epoch=1
        n1/coordinator: SetNodeLivenessRequest stopping node_epoch=1
        n1/coordinator: SetNodeLivenessRequest draining node_epoch=1
        n1/coordinator: SetNodeLivenessRequest alive node_epoch=1
    ",
        ],
    );
    insta::assert_snapshot!(text, @"
    n1/coordinator: SetNodeLivenessRequest draining node_epoch=77
        ** LivenessRefused node_epoch=77 current=1
        -> SetNodeLivenessResponse alive node_epoch=1 to n1/coordinator
    n2/coordinator: SetNodeLivenessRequest draining node_epoch=1
    n1/coordinator: SetNodeLivenessRequest stopping node_epoch=1
        -> SetNodeLivenessResponse alive node_epoch=1 to n1/coordinator
    n1/coordinator: SetNodeLivenessRequest draining node_epoch=1
        -> NodeHeartbeat draining node_epoch=1 to n1/coordinator
        -> SetNodeLivenessResponse draining node_epoch=1 to n1/coordinator
    n1/coordinator: SetNodeLivenessRequest alive node_epoch=1
        -> SetNodeLivenessResponse draining node_epoch=1 to n1/coordinator
    ");
}

#[test]
fn an_order_to_leave_a_node_is_replaced_by_a_later_one_or_taken_back() {
    let text = told(
        "master",
        &[
            ADDED,
            WORKING,
            "
        then
        n1/coordinator: SetDispatcherDrainTargetRequest target_epoch=4 n1
        pass 200ms
        n1/coordinator: SetDispatcherDrainTargetRequest target_epoch=4 n2
        n1/coordinator: SetDispatcherDrainTargetRequest target_epoch=3
        n1/coordinator: CoordinatorBootstrapRequest version=1
        n1/coordinator: SetDispatcherDrainTargetRequest target_epoch=4
        n1/coordinator: SetDispatcherDrainTargetRequest target_epoch=4 n1
        pass 200ms
    ",
        ],
    );
    insta::assert_snapshot!(text, @"
    n1/coordinator: SetDispatcherDrainTargetRequest target_epoch=4 n1
        -> NodeHeartbeat alive node_epoch=1 target_epoch=4 n1 to n1/coordinator
    pass 200ms
        -> MaintainerHeartbeat statuses: cf1 working ts10 bootstrap_done e5 n1 target_epoch=4 spans=1 moves=0 to n1/coordinator
    n1/coordinator: SetDispatcherDrainTargetRequest target_epoch=4 n2
        -> NodeHeartbeat alive node_epoch=1 target_epoch=4 n1 to n1/coordinator
    n1/coordinator: SetDispatcherDrainTargetRequest target_epoch=3
        -> NodeHeartbeat alive node_epoch=1 target_epoch=4 n1 to n1/coordinator
    n1/coordinator: CoordinatorBootstrapRequest version=1
        -> CoordinatorBootstrapResponse version=1 statuses: cf1 working ts10 bootstrap_done e5 n1 target_epoch=4 spans=1 moves=0 target_epoch=4 n1 to n1/coordinator
        -> NodeHeartbeat alive node_epoch=1 target_epoch=4 n1 to n1/coordinator
    n1/coordinator: SetDispatcherDrainTargetRequest target_epoch=4
        -> NodeHeartbeat alive node_epoch=1 target_epoch=4 to n1/coordinator
    n1/coordinator: SetDispatcherDrainTargetRequest target_epoch=4 n1
        -> NodeHeartbeat alive node_epoch=1 target_epoch=4 to n1/coordinator
    pass 200ms
        -> MaintainerHeartbeat statuses: cf1 working ts10 bootstrap_done e5 to n1/coordinator
    ");
}

#[test]
fn an_error_is_told_once() {
    let text = told(
        "master",
        &[
            ADDED,
            WORKING,
            "
        pass 200ms
        then
        n1/dispatchers: HeartBeatRequest cf1 `bad connection`
        n2/dispatchers: HeartBeatRequest cf1 `no such table`
        pass 200ms
        pass 1200ms
    ",
        ],
    );
    insta::assert_snapshot!(text, @"
    n1/dispatchers: HeartBeatRequest cf1 `bad connection`
        ** ErrorReported cf1 n1 `bad connection`
    n2/dispatchers: HeartBeatRequest cf1 `no such table`
        ** ErrorReported cf1 n2 `no such table`
    pass 200ms
        -> MaintainerHeartbeat statuses: cf1 working ts10 bootstrap_done e5 `no such table` on=n2 to n1/coordinator
    pass 1200ms
        -> MaintainerHeartbeat statuses: cf1 working ts10 bootstrap_done e5 to n1/coordinator
    ");
}

/// What happens while its status is being reported waits for a second before pingcap/ticdc#5862.
#[test]
fn a_mark_is_lost_if_it_is_taken_off_after_the_status_has_been_read() {
    let scene = "
        pass 200ms
        n1/dispatchers: HeartBeatRequest cf1 `bad connection`
        stall Cleanup
        pass 200ms
        then
        n2/dispatchers: HeartBeatRequest cf1 `no such table`
        go on
        pass 200ms
        pass 1s
    ";
    insta::assert_snapshot!(told("pr-3769", &[ADDED, WORKING, scene]), @"
    n2/dispatchers: HeartBeatRequest cf1 `no such table`
        ** ErrorReported cf1 n2 `no such table`
    go on
    pass 200ms
    pass 1s
        -> MaintainerHeartbeat statuses: cf1 working ts10 bootstrap_done e5 `no such table` on=n2 to n1/coordinator
    ");
    insta::assert_snapshot!(told("master", &[ADDED, WORKING, scene]), @"
    n2/dispatchers: HeartBeatRequest cf1 `no such table`
        ** ErrorReported cf1 n2 `no such table`
    go on
    pass 200ms
        -> MaintainerHeartbeat statuses: cf1 working ts10 bootstrap_done e5 `no such table` on=n2 to n1/coordinator
    pass 1s
    ");
}

#[test]
fn a_changefeed_with_low_latency_does_not_wait_for_ticks() {
    let scene = |settings: &str| {
        let added = ADDED.replace("1 tables", &format!("1 tables{settings}"));
        told(
            "master",
            &[
                &added,
                WORKING,
                "
            pass 210ms
            n1/dispatchers: HeartBeatRequest cf1 ts60 ts60 seq=1
            then
            n3/dispatchers: HeartBeatRequest cf1 ts60 ts60 seq=1
            state maintainer
        ",
            ],
        )
    };
    insta::assert_snapshot!(scene(""), @"
    n3/dispatchers: HeartBeatRequest cf1 ts60 ts60 seq=1
    state maintainer
        maintainer cf1 e5 working committed ts10
    ");
    insta::assert_snapshot!(scene(", low-latency"), @"
    n3/dispatchers: HeartBeatRequest cf1 ts60 ts60 seq=1
        -> MaintainerHeartbeat statuses: cf1 working ts60 bootstrap_done e5 to n1/coordinator
    state maintainer
        maintainer cf1 e5 working committed ts60
    ");
}

#[test]
fn equal_reports_about_block_events_do_not_pile_up() {
    let text = told("master", &[ADDED, WORKING, "
        stall EventLoop
        n1/dispatchers: HeartBeatRequest cf1 ts60 ts60 seq=1 statuses: d7@n1 Working ts60
        then
        n1/dispatchers: BlockStatusRequest cf1 statuses: d7@n1 WAITING ts80 blocked=t1+ddl default, d7@n1 WAITING ts80 blocked=t1+ddl default default
        n1/dispatchers: BlockStatusRequest cf1 statuses: d7@n1 WAITING ts80 blocked=t1+ddl default default
        n1/dispatchers: BlockStatusRequest cf1 statuses: d7@n1 DONE ts80 blocked=t1+ddl default default
        go on
        n1/dispatchers: BlockStatusRequest cf1 statuses: d7@n1 WAITING ts80 blocked=t1+ddl default default
    "]);
    insta::assert_snapshot!(text, @"
    n1/dispatchers: BlockStatusRequest cf1 statuses: d7@n1 WAITING ts80 blocked=t1+ddl default, d7@n1 WAITING ts80 blocked=t1+ddl default default
    n1/dispatchers: BlockStatusRequest cf1 statuses: d7@n1 WAITING ts80 blocked=t1+ddl default default
    n1/dispatchers: BlockStatusRequest cf1 statuses: d7@n1 DONE ts80 blocked=t1+ddl default default
    go on
        -> HeartBeatResponse cf1 statuses: Ack ts80 to=d7@n1 default e5 to n1/dispatchers
        -> HeartBeatResponse cf1 statuses: Ack ts80 to=d7@n1 default e5 to n1/dispatchers
    n1/dispatchers: BlockStatusRequest cf1 statuses: d7@n1 WAITING ts80 blocked=t1+ddl default default
        -> HeartBeatResponse cf1 statuses: Ack ts80 to=d7@n1 default e5 to n1/dispatchers
    ");
}

/// A dispatcher that was being created works: its node's watermark is lower than the last one. The status that ends the
/// operator comes with it.
#[test]
fn the_watermark_is_there_before_the_operator_ends() {
    let scene = "
        stall EventLoop
        n1/dispatchers: HeartBeatRequest cf1 ts150 ts150 seq=2 statuses: d7@n1 Working ts150
        step
        then
        pass 800ms
        state maintainer
        go on
    ";
    insta::assert_snapshot!(told("master", &[ADDED, CREATING, scene]), @"
    pass 800ms
        -> MaintainerHeartbeat statuses: cf1 working ts150 bootstrap_done e5 to n1/coordinator
        ** SpanReplicating cf1 d7@n1 n1
    state maintainer
        maintainer cf1 e5 working committed ts150
    go on
    ");
    insta::assert_snapshot!(told("master+maintainer.heartbeat_order=statuses_first", &[ADDED, CREATING, scene]), @"
    pass 800ms
        -> MaintainerHeartbeat statuses: cf1 working ts150 bootstrap_done e5 to n1/coordinator
        ** SpanReplicating cf1 d7@n1 n1
    state maintainer
        maintainer cf1 e5 working committed ts200
    go on
    ");
}

/// The same between two parts of the computation.
#[test]
fn watermarks_are_read_last() {
    let scene = "
        stall Checkpoint
        pass 100ms
        n1/dispatchers: HeartBeatRequest cf1 ts150 ts150 seq=2 statuses: d7@n1 Working ts150
        pass 800ms
        then
        go on
        state maintainer
    ";
    insta::assert_snapshot!(told("master", &[ADDED, CREATING, scene]), @"
    go on
    state maintainer
        maintainer cf1 e5 working committed ts150
    ");
    insta::assert_snapshot!(told("master+maintainer.checkpoint_order=watermarks_first", &[ADDED, CREATING, scene]), @"
    go on
    state maintainer
        maintainer cf1 e5 working committed ts200
    ");
}

#[test]
fn a_later_watermark_may_be_lower() {
    let scene = "
        then
        n1/dispatchers: HeartBeatRequest cf1 ts150 ts150 seq=2
        n1/dispatchers: HeartBeatRequest cf1 ts300 ts300 seq=1
        n1/dispatchers: HeartBeatRequest cf1 ts140 ts140 seq=2
        state watermark n1
    ";
    insta::assert_snapshot!(told("master", &[ADDED, CREATING, scene]), @"
    n1/dispatchers: HeartBeatRequest cf1 ts150 ts150 seq=2
    n1/dispatchers: HeartBeatRequest cf1 ts300 ts300 seq=1
    n1/dispatchers: HeartBeatRequest cf1 ts140 ts140 seq=2
    state watermark n1
          watermark n1 ts150 ts150 seq=2
    ");
    insta::assert_snapshot!(told("master+maintainer.watermark=higher", &[ADDED, CREATING, scene]), @"
    n1/dispatchers: HeartBeatRequest cf1 ts150 ts150 seq=2
    n1/dispatchers: HeartBeatRequest cf1 ts300 ts300 seq=1
    n1/dispatchers: HeartBeatRequest cf1 ts140 ts140 seq=2
    state watermark n1
          watermark n1 ts300 ts300 seq=1
    ");
}

/// A node has left, and the event loop has only begun to see to that: the table that was there is not absent yet, and its
/// node is not waited for any more.
#[test]
fn the_checkpoint_loop_waits_for_a_change_of_the_node_set() {
    let scene = "
        n1/dispatchers: HeartBeatRequest cf1 ts60 ts60 seq=1
        n3/dispatchers: HeartBeatRequest cf1 ts90 ts90 seq=1
        pass 100ms
        stall EventLoop
        see n2, n3
        then
        n3/dispatchers: HeartBeatRequest cf1 ts95 ts95 seq=1
        pass 200ms
        state maintainer
        go on
    ";
    insta::assert_snapshot!(told("master", &[ADDED, WORKING, scene]), @"
    n3/dispatchers: HeartBeatRequest cf1 ts95 ts95 seq=1
    pass 200ms
        ** NotSent n1 `MaintainerHeartbeat` `there is no such target`
    state maintainer
        maintainer cf1 e5 working committed ts60
    go on
        ** SpanAbsent cf1 d7@n1
    ");
    insta::assert_snapshot!(told("master+maintainer.checkpoint_node_change=left_to_event_loop", &[ADDED, WORKING, scene]), @"
    n3/dispatchers: HeartBeatRequest cf1 ts95 ts95 seq=1
    pass 200ms
        ** NotSent n1 `MaintainerHeartbeat` `there is no such target`
    state maintainer
        maintainer cf1 e5 working committed ts90
    go on
        ** SpanAbsent cf1 d7@n1
    ");
}

/// As upstream: what was on a node that leaves is neither absent when the constraints are read, nor is the node
/// there when the watermarks are.
#[test]
fn a_node_that_leaves_between_the_parts_of_the_computation_is_forgotten() {
    let text = told(
        "master",
        &[
            ADDED,
            WORKING,
            "
        n1/dispatchers: HeartBeatRequest cf1 ts60 ts60 seq=1
        n3/dispatchers: HeartBeatRequest cf1 ts90 ts90 seq=1
        pass 100ms
        stall Checkpoint
        pass 100ms
        then
        see n2, n3
        n3/dispatchers: HeartBeatRequest cf1 ts95 ts95 seq=1
        go on
        state cf1
        state d7@n1
    ",
        ],
    );
    insta::assert_snapshot!(text, @"
    see n2, n3
    n3/dispatchers: HeartBeatRequest cf1 ts95 ts95 seq=1
        ** SpanAbsent cf1 d7@n1
    go on
    state cf1
        maintainer cf1 e5 working committed ts95
    state d7@n1
          d7@n1 t1 absent Working ts50
    ");
}

#[test]
fn a_maintainer_that_has_not_bootstrapped_is_not_handed_over() {
    let scene = "
        n1/dispatchers: MaintainerBootstrapResponse cf1 e5 ts0
        n2/dispatchers: MaintainerBootstrapResponse cf1 e5 ts0
        then
        n1/coordinator: RemoveMaintainerRequest cf1 e5
        n3/dispatchers: MaintainerBootstrapResponse cf1 e5 ts50
    ";
    insta::assert_snapshot!(told("master", &[ADDED, scene]), @"
    n1/coordinator: RemoveMaintainerRequest cf1 e5
        ** RemoveIgnored cf1 e5 `it has not bootstrapped`
    n3/dispatchers: MaintainerBootstrapResponse cf1 e5 ts50
        ** MaintainerBootstrapped cf1 e5 working=0 absent=1
        -> MaintainerPostBootstrapRequest cf1 d1@n3 e5 to n3/dispatchers
        ** SpanAssigned cf1 d2@n3 t1 n1
    ");
    insta::assert_snapshot!(told("MU-74", &[ADDED, scene]), @"
    n1/coordinator: RemoveMaintainerRequest cf1 e5
        ** MaintainerRemoving cf1 e5
    n3/dispatchers: MaintainerBootstrapResponse cf1 e5 ts50
    ");
}

#[test]
fn a_dispatcher_of_a_table_that_is_gone_is_not_created() {
    let scene = "
        then
        n1/dispatchers: MaintainerBootstrapResponse cf1 e5 ts0 operators: cf1 Create (Add) d8@n1 t77 ts40 default e4
        n2/dispatchers: MaintainerBootstrapResponse cf1 e5 ts0
        n3/dispatchers: MaintainerBootstrapResponse cf1 e5 ts50
        state t77
    ";
    insta::assert_snapshot!(told("master", &[ADDED, scene]), @"
    n1/dispatchers: MaintainerBootstrapResponse cf1 e5 ts0 operators: cf1 Create (Add) d8@n1 t77 ts40 default e4
    n2/dispatchers: MaintainerBootstrapResponse cf1 e5 ts0
    n3/dispatchers: MaintainerBootstrapResponse cf1 e5 ts50
        ** MaintainerBootstrapped cf1 e5 working=0 absent=1
        -> MaintainerPostBootstrapRequest cf1 d1@n3 e5 to n3/dispatchers
        ** SpanAssigned cf1 d2@n3 t1 n1
    state t77
    ");
    insta::assert_snapshot!(told("R20", &[ADDED, scene]), @"
    n1/dispatchers: MaintainerBootstrapResponse cf1 e5 ts0 operators: cf1 Create (Add) d8@n1 t77 ts40 default e4
    n2/dispatchers: MaintainerBootstrapResponse cf1 e5 ts0
    n3/dispatchers: MaintainerBootstrapResponse cf1 e5 ts50
        ** OperatorRestored cf1 d8@n1 Create (Add) n1
        ** MaintainerBootstrapped cf1 e5 working=0 absent=1
        -> MaintainerPostBootstrapRequest cf1 d1@n3 e5 to n3/dispatchers
        ** SpanAssigned cf1 d2@n3 t1 n2
        -> ScheduleDispatcherRequest cf1 Create (Add) d8@n1 t77 ts40 default e5 to n1/dispatchers
        -> ScheduleDispatcherRequest cf1 Create (Add) d2@n3 t1 ts10 default e5 to n2/dispatchers
    state t77
          d8@n1 t77 scheduling Working ts40 at n1
    ");
}

#[test]
fn a_live_maintainer_that_is_replaced_goes_on() {
    let scene = "
        then
        n1/coordinator: AddMaintainerRequest cf1 ts10 e6
        pass 500ms
    ";
    insta::assert_snapshot!(told("master", &[ADDED, WORKING, scene]), @"
    n1/coordinator: AddMaintainerRequest cf1 ts10 e6
        ** AddIgnored cf1 e6 `there is a maintainer`
    pass 500ms
        -> MaintainerHeartbeat statuses: cf1 working ts10 bootstrap_done e5 to n1/coordinator
    ");
    insta::assert_snapshot!(told("MU-39", &[ADDED, WORKING, scene]), @"
    n1/coordinator: AddMaintainerRequest cf1 ts10 e6
        ** MaintainerAdded cf1 n3 e6
        -> MaintainerBootstrapRequest cf1 ts10 e6 to n1/dispatchers
        -> MaintainerBootstrapRequest cf1 ts10 e6 to n2/dispatchers
        -> MaintainerBootstrapRequest cf1 ts10 d2@n3 e6 to n3/dispatchers
    pass 500ms
        -> MaintainerHeartbeat statuses: cf1 working ts10 e6 to n1/coordinator
        -> MaintainerBootstrapRequest cf1 ts10 e6 to n1/dispatchers
        -> MaintainerBootstrapRequest cf1 ts10 e6 to n2/dispatchers
        -> MaintainerBootstrapRequest cf1 ts10 d2@n3 e6 to n3/dispatchers
    ");
}

/// A coordinator that does not say epochs has bumped none either, whatever the configuration says.
#[test]
fn the_generation_comes_with_the_request() {
    let added = ADDED.replace("ts10 e5", "ts10 e0 config-e7");
    let scene = "
        then
        state maintainer
    ";
    insta::assert_snapshot!(told("master", &[&added, scene]), @"
    state maintainer
        maintainer cf1 e0 bootstrapping committed ts10
    ");
    insta::assert_snapshot!(told("master+maintainer.generation=from_config", &[&added, scene]), @"
    state maintainer
        maintainer cf1 e7 bootstrapping committed ts10
    ");
}

/// A maintainer that hands over goes on with block events before pingcap/ticdc#4828. Its table trigger is no task any more, so
/// after a second it chooses another writer, and a second later it tells that one.
#[test]
fn a_maintainer_that_hands_over_sends_actions_again() {
    let scene = "
        n1/dispatchers: BlockStatusRequest cf1 statuses: d7@n1 WAITING ts80 blocked=t1+ddl default default
        n3/dispatchers: BlockStatusRequest cf1 statuses: d1@n3 WAITING ts80 blocked=t1+ddl default default
        n1/coordinator: RemoveMaintainerRequest cf1 e5
        then
        pass 2200ms
    ";
    insta::assert_snapshot!(told("pr-5106", &[ADDED, WORKING, scene]), @"
    pass 2200ms
        -> MaintainerHeartbeat statuses: cf1 working ts10 bootstrap_done e0 to n1/coordinator
        -> ScheduleDispatcherRequest cf1 Remove (Remove) d1@n3 ddl ts0 default e0 to n3/dispatchers
        -> MaintainerHeartbeat statuses: cf1 working ts10 bootstrap_done e0 to n1/coordinator
        -> HeartBeatResponse cf1 statuses: Write ts80 to=d7@n1 default e0 to n1/dispatchers
    ");
    insta::assert_snapshot!(told("pr-4828", &[ADDED, WORKING, scene]), @"
    pass 2200ms
        -> MaintainerHeartbeat statuses: cf1 working ts10 bootstrap_done e0 to n1/coordinator
        -> ScheduleDispatcherRequest cf1 Remove (Remove) d1@n3 ddl ts0 default e0 to n3/dispatchers
        -> MaintainerHeartbeat statuses: cf1 working ts10 bootstrap_done e0 to n1/coordinator
    ");
}

#[test]
fn one_kind_of_message_may_be_left_unstamped() {
    let scene = "
        then
        n1/coordinator: RemoveMaintainerRequest cf1 cascade e5
        pass 200ms
    ";
    insta::assert_snapshot!(told("master", &[ADDED, scene]), @"
    n1/coordinator: RemoveMaintainerRequest cf1 cascade e5
        ** MaintainerRemoving cf1 e5 cascade
        -> MaintainerCloseRequest cf1 e5 to n1/dispatchers
        -> MaintainerCloseRequest cf1 e5 to n2/dispatchers
        -> MaintainerCloseRequest cf1 e5 to n3/dispatchers
    pass 200ms
        -> MaintainerCloseRequest cf1 e5 to n1/dispatchers
        -> MaintainerCloseRequest cf1 e5 to n2/dispatchers
        -> MaintainerCloseRequest cf1 e5 to n3/dispatchers
        -> MaintainerHeartbeat statuses: cf1 working ts10 e5 to n1/coordinator
        -> MaintainerCloseRequest cf1 e5 to n1/dispatchers
        -> MaintainerCloseRequest cf1 e5 to n2/dispatchers
        -> MaintainerCloseRequest cf1 e5 to n3/dispatchers
    ");
    insta::assert_snapshot!(told("master+maintainer.stamp=all_but_close", &[ADDED, scene]), @"
    n1/coordinator: RemoveMaintainerRequest cf1 cascade e5
        ** MaintainerRemoving cf1 e5 cascade
        -> MaintainerCloseRequest cf1 e0 to n1/dispatchers
        -> MaintainerCloseRequest cf1 e0 to n2/dispatchers
        -> MaintainerCloseRequest cf1 e0 to n3/dispatchers
    pass 200ms
        -> MaintainerCloseRequest cf1 e0 to n1/dispatchers
        -> MaintainerCloseRequest cf1 e0 to n2/dispatchers
        -> MaintainerCloseRequest cf1 e0 to n3/dispatchers
        -> MaintainerHeartbeat statuses: cf1 working ts10 e5 to n1/coordinator
        -> MaintainerCloseRequest cf1 e0 to n1/dispatchers
        -> MaintainerCloseRequest cf1 e0 to n2/dispatchers
        -> MaintainerCloseRequest cf1 e0 to n3/dispatchers
    ");
    insta::assert_snapshot!(told("master+maintainer.stamp=all_but_status", &[ADDED, scene]), @"
    n1/coordinator: RemoveMaintainerRequest cf1 cascade e5
        ** MaintainerRemoving cf1 e5 cascade
        -> MaintainerCloseRequest cf1 e5 to n1/dispatchers
        -> MaintainerCloseRequest cf1 e5 to n2/dispatchers
        -> MaintainerCloseRequest cf1 e5 to n3/dispatchers
    pass 200ms
        -> MaintainerCloseRequest cf1 e5 to n1/dispatchers
        -> MaintainerCloseRequest cf1 e5 to n2/dispatchers
        -> MaintainerCloseRequest cf1 e5 to n3/dispatchers
        -> MaintainerHeartbeat statuses: cf1 working ts10 e0 to n1/coordinator
        -> MaintainerCloseRequest cf1 e5 to n1/dispatchers
        -> MaintainerCloseRequest cf1 e5 to n2/dispatchers
        -> MaintainerCloseRequest cf1 e5 to n3/dispatchers
    ");
}

/// A status is ignored if its checkpoint is lower than the one known, and the report of a block event raises that.
#[test]
fn a_maintainer_whose_trigger_waited_when_it_was_told_to_stop_never_ends() {
    let scene = "
        n3/dispatchers: BlockStatusRequest cf1 statuses: d1@n3 WAITING ts80 blocked=t1+ddl default default
        n1/coordinator: RemoveMaintainerRequest cf1 e5
        n3/dispatchers: HeartBeatRequest cf1 ts70 ts70 seq=1 statuses: d1@n3 Stopped ts70
        pass 900ms
        then
        n1/coordinator: RemoveMaintainerRequest cf1 e5
        state maintainer
    ";
    insta::assert_snapshot!(told("master", &[ADDED, WORKING, scene]), @"
    n1/coordinator: RemoveMaintainerRequest cf1 e5
    state maintainer
        maintainer cf1 e5 working committed ts10 removing
    ");
}
