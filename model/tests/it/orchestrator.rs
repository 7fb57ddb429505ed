//! The dispatcher orchestrator: its queues, and what bootstrap and post-bootstrap requests come to in every state of a
//! manager and in every version.

use crate::script::{play, watch};

/// What waits is dropped, or takes the place of what waits in front of others.
#[test]
fn one_request_of_a_kind_waits() {
    let script = "
        stall Shard
        n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        n1/maintainers: MaintainerBootstrapRequest cf9 ts10 e5
        n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
        n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e4
        n1/maintainers: MaintainerPostBootstrapRequest cf1 d1@n1 e5
        go on
    ";
    insta::assert_snapshot!(play("pr-5434", script), @"
    stall Shard
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
    n1/maintainers: MaintainerBootstrapRequest cf9 ts10 e5
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** Ignored cf1 n2 `a request of its kind waits already`
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
        ** Ignored cf1 n2 `a request of its kind waits already`
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e4
        ** Ignored cf1 n1 `a request of its kind waits already`
    n1/maintainers: MaintainerPostBootstrapRequest cf1 d1@n1 e5
    go on
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e0 ts0 to n1/maintainers
        ** ManagerCreated cf9 n3 n1 e5
        -> MaintainerBootstrapResponse cf9 e0 ts0 to n1/maintainers
        ** Ignored cf1 n1 `there is no table trigger`
    ");
    insta::assert_snapshot!(play("master", script), @"
    stall Shard
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
    n1/maintainers: MaintainerBootstrapRequest cf9 ts10 e5
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** Ignored cf1 n2 `a request of its kind waits already`
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e4
        ** Ignored cf1 n1 `a request of its kind waits already`
    n1/maintainers: MaintainerPostBootstrapRequest cf1 d1@n1 e5
    go on
        ** ManagerCreated cf1 n3 n2 e6
        -> MaintainerBootstrapResponse cf1 e6 ts0 to n2/maintainers
        ** ManagerCreated cf9 n3 n1 e5
        -> MaintainerBootstrapResponse cf9 e5 ts0 to n1/maintainers
        ** StaleRefused cf1 n1 e5 n2 e6
    ");
}

/// A close that removes is the stronger one, but not against a newer generation.
#[test]
fn closes_that_wait() {
    let stronger = "
        n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        stall Shard
        n1/maintainers: MaintainerCloseRequest cf1 e5
        n1/maintainers: MaintainerCloseRequest cf1 removed e5
        n1/maintainers: MaintainerCloseRequest cf1 e5
        go on
    ";
    insta::assert_snapshot!(play("master", stronger), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts0 to n1/maintainers
    stall Shard
    n1/maintainers: MaintainerCloseRequest cf1 e5
    n1/maintainers: MaintainerCloseRequest cf1 removed e5
    n1/maintainers: MaintainerCloseRequest cf1 e5
        ** Ignored cf1 n1 `a request of its kind waits already`
    go on
        -> MaintainerCloseResponse cf1 e5 to n1/maintainers
        ** WritePathClosed cf1 n3
        ** ManagerClosed cf1 n3
        ** DdlTsForgotten n3/dispatchers query2 cf1
        ** RemovalCleaned cf1 n3
    ");
    let stale = "
        n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        stall Shard
        n1/maintainers: MaintainerCloseRequest cf1 e5
        n2/maintainers: MaintainerCloseRequest cf1 removed e4
        go on
    ";
    insta::assert_snapshot!(play("pr-5434", stale), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e0 ts0 to n1/maintainers
    stall Shard
    n1/maintainers: MaintainerCloseRequest cf1 e5
    n2/maintainers: MaintainerCloseRequest cf1 removed e4
    go on
        -> MaintainerCloseResponse cf1 e0 to n2/maintainers
        ** WritePathClosed cf1 n3
        ** ManagerClosed cf1 n3
        ** DdlTsForgotten n3/dispatchers query2 cf1
        ** RemovalCleaned cf1 n3
    ");
    insta::assert_snapshot!(play("master", stale), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts0 to n1/maintainers
    stall Shard
    n1/maintainers: MaintainerCloseRequest cf1 e5
    n2/maintainers: MaintainerCloseRequest cf1 removed e4
        ** Ignored cf1 n2 `a request of its kind waits already`
    go on
        -> MaintainerCloseResponse cf1 e5 to n1/maintainers
        ** WritePathClosed cf1 n3
        ** ManagerClosed cf1 n3
    ");
    insta::assert_snapshot!(play("M26", stale), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts0 to n1/maintainers
    stall Shard
    n1/maintainers: MaintainerCloseRequest cf1 e5
    n2/maintainers: MaintainerCloseRequest cf1 removed e4
    go on
        ** StaleRefused cf1 n2 e4 n1 e5
        -> MaintainerCloseResponse cf1 success e4 to n2/maintainers
    ");
    let newer = "
        n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        stall Shard
        n2/maintainers: MaintainerCloseRequest cf1 removed e4
        n1/maintainers: MaintainerCloseRequest cf1 e5
        go on
    ";
    insta::assert_snapshot!(play("master", newer), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts0 to n1/maintainers
    stall Shard
    n2/maintainers: MaintainerCloseRequest cf1 removed e4
    n1/maintainers: MaintainerCloseRequest cf1 e5
    go on
        -> MaintainerCloseResponse cf1 e5 to n1/maintainers
        ** WritePathClosed cf1 n3
        ** ManagerClosed cf1 n3
    ");
}

/// pingcap/ticdc#4825: the close that removes is lost while one that does not is handled.
#[test]
fn a_request_that_is_handled_may_count_as_waiting() {
    let script = "
        n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        stall Task
        n1/maintainers: MaintainerCloseRequest cf1 e5
        n1/maintainers: MaintainerCloseRequest cf1 removed e5
        go on
    ";
    insta::assert_snapshot!(play("master", script), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts0 to n1/maintainers
    stall Task
    n1/maintainers: MaintainerCloseRequest cf1 e5
    n1/maintainers: MaintainerCloseRequest cf1 removed e5
    go on
        -> MaintainerCloseResponse cf1 e5 to n1/maintainers
        ** WritePathClosed cf1 n3
        -> MaintainerCloseResponse cf1 e5 to n1/maintainers
        ** ManagerClosed cf1 n3
        ** DdlTsForgotten n3/dispatchers query2 cf1
        ** RemovalCleaned cf1 n3
    ");
    insta::assert_snapshot!(play("master+orchestrator.pending_key=freed_at_end", script), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts0 to n1/maintainers
    stall Task
    n1/maintainers: MaintainerCloseRequest cf1 e5
    n1/maintainers: MaintainerCloseRequest cf1 removed e5
        ** Ignored cf1 n1 `a request of its kind is being handled`
    go on
        -> MaintainerCloseResponse cf1 e5 to n1/maintainers
        ** WritePathClosed cf1 n3
        ** ManagerClosed cf1 n3
    ");
}

/// A slow construction holds up those that share its queue.
#[test]
fn eight_queues() {
    let script = "
        hold sink
        n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        n1/maintainers: MaintainerCloseRequest cf9 e5
        n1/maintainers: MaintainerCloseRequest cf2 e5
        release sink
    ";
    let found = |policy| watch(&["no_head_of_line"], policy, script);
    insta::assert_snapshot!(found("master"), @"
    hold sink
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
    n1/maintainers: MaintainerCloseRequest cf9 e5
    n1/maintainers: MaintainerCloseRequest cf2 e5
        -> MaintainerCloseResponse cf2 success e5 to n1/maintainers
    release sink
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts0 to n1/maintainers
        -> MaintainerCloseResponse cf9 success e5 to n1/maintainers
    ");
    insta::assert_snapshot!(found("master+orchestrator.shards=one"), @"
    hold sink
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
    n1/maintainers: MaintainerCloseRequest cf9 e5
    n1/maintainers: MaintainerCloseRequest cf2 e5
        !! no_head_of_line (queue): a request of cf2 on n3 waits for the worker of its queue, which a request of cf1 has that waits itself
    release sink
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts0 to n1/maintainers
        -> MaintainerCloseResponse cf9 success e5 to n1/maintainers
        -> MaintainerCloseResponse cf2 success e5 to n1/maintainers
    ");
}

/// Before pingcap/ticdc#5435 a manager has the epoch of the first configuration that it sees, and keeps it.
#[test]
fn where_the_epoch_of_a_manager_comes_from() {
    let script = "
        n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e0 config-e1
        n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e0 config-e7
        state cf1
    ";
    insta::assert_snapshot!(play("pr-5434", script), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e0 config-e1
        ** ManagerCreated cf1 n3 n1 e1
        -> MaintainerBootstrapResponse cf1 e0 ts0 to n1/maintainers
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e0 config-e7
        ** EpochMismatch cf1 n3 e1 e7
        ** OwnerChanged cf1 n3 n2 e1
        -> MaintainerBootstrapResponse cf1 e0 ts0 to n2/maintainers
    state cf1
        cf1 follows n2 e1
    ");
    insta::assert_snapshot!(play("master", script), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e0 config-e1
        ** ManagerCreated cf1 n3 n1 e0
        -> MaintainerBootstrapResponse cf1 e0 ts0 to n1/maintainers
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e0 config-e7
        ** OwnerChanged cf1 n3 n2 e0
        -> MaintainerBootstrapResponse cf1 e0 ts0 to n2/maintainers
    state cf1
        cf1 follows n2 e0
    ");
}

/// A generation that was closed here does not come back.
#[test]
fn closed_generations() {
    let script = "
        n1/maintainers: MaintainerCloseRequest cf1 e5
        n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e0
        n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
        n1/maintainers: MaintainerCloseRequest cf2 e0
        n1/maintainers: MaintainerBootstrapRequest cf2 ts10 e0
        n1/maintainers: MaintainerCloseRequest cf3 removed e0
        n1/maintainers: MaintainerBootstrapRequest cf3 ts10 e0
        state
    ";
    insta::assert_snapshot!(play("master", script), @"
    n1/maintainers: MaintainerCloseRequest cf1 e5
        -> MaintainerCloseResponse cf1 success e5 to n1/maintainers
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e0
        ** ClosedEpochRefused cf1 n1 e0 e5
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** ClosedEpochRefused cf1 n1 e5 e5
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
        ** ManagerCreated cf1 n3 n1 e6
        -> MaintainerBootstrapResponse cf1 e6 ts0 to n1/maintainers
    n1/maintainers: MaintainerCloseRequest cf2 e0
        -> MaintainerCloseResponse cf2 success e0 to n1/maintainers
    n1/maintainers: MaintainerBootstrapRequest cf2 ts10 e0
        ** ManagerCreated cf2 n3 n1 e0
        -> MaintainerBootstrapResponse cf2 e0 ts0 to n1/maintainers
    n1/maintainers: MaintainerCloseRequest cf3 removed e0
        -> MaintainerCloseResponse cf3 success e0 to n1/maintainers
    n1/maintainers: MaintainerBootstrapRequest cf3 ts10 e0
        ** ClosedEpochRefused cf3 n1 e0 e0
    state
        n3 is alive and sees n1, n2, n3
        cf1 follows n1 e6
        cf2 follows n1 e0
        cf3 closed e0
    ");
    insta::assert_snapshot!(play("M25", script), @"
    n1/maintainers: MaintainerCloseRequest cf1 e5
        -> MaintainerCloseResponse cf1 success e5 to n1/maintainers
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e0
        ** ClosedEpochRefused cf1 n1 e0 e5
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** ClosedEpochRefused cf1 n1 e5 e5
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
        ** ManagerCreated cf1 n3 n1 e6
        -> MaintainerBootstrapResponse cf1 e6 ts0 to n1/maintainers
    n1/maintainers: MaintainerCloseRequest cf2 e0
        -> MaintainerCloseResponse cf2 success e0 to n1/maintainers
    n1/maintainers: MaintainerBootstrapRequest cf2 ts10 e0
        ** ClosedEpochRefused cf2 n1 e0 e0
    n1/maintainers: MaintainerCloseRequest cf3 removed e0
        -> MaintainerCloseResponse cf3 success e0 to n1/maintainers
    n1/maintainers: MaintainerBootstrapRequest cf3 ts10 e0
        ** ClosedEpochRefused cf3 n1 e0 e0
    state
        n3 is alive and sees n1, n2, n3
        cf1 follows n1 e6
        cf2 closed e0
        cf3 closed e0
    ");
    insta::assert_snapshot!(play("pr-5434", "
        n1/maintainers: MaintainerCloseRequest cf1 e0
        n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e0
    "), @"
    n1/maintainers: MaintainerCloseRequest cf1 e0
        -> MaintainerCloseResponse cf1 success e0 to n1/maintainers
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e0
        ** ManagerCreated cf1 n3 n1 e0
        -> MaintainerBootstrapResponse cf1 e0 ts0 to n1/maintainers
    ");
}

/// A table trigger that is there, and one that another maintainer brings: who owns the manager afterwards.
#[test]
fn a_foreign_table_trigger() {
    let script = "
        n1/maintainers: MaintainerBootstrapRequest cf1 ts10 d1@n1 e5
        n2/maintainers: MaintainerBootstrapRequest cf1 ts10 d1@n2 e6
        state cf1
    ";
    insta::assert_snapshot!(play("pr-5434", script), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 d1@n1 e5
        ** DispatcherCreated cf1 d1@n1 ddl ts10
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e0 ts10 spans: d1@n1 ddl Initializing ts10 default to n1/maintainers
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 d1@n2 e6
        ** EpochMismatch cf1 n3 e5 e6
        ** OwnerChanged cf1 n3 n2 e5
        -> MaintainerBootstrapResponse cf1 e0 ts10 spans: d1@n1 ddl Initializing ts10 default to n2/maintainers
    state cf1
        cf1 follows n2 e5
    ");
    insta::assert_snapshot!(play("pr-5435", script), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 d1@n1 e5
        ** DispatcherCreated cf1 d1@n1 ddl ts10
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts10 spans: d1@n1 ddl Initializing ts10 default to n1/maintainers
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 d1@n2 e6
        ** OwnerChanged cf1 n3 n2 e6
        -> MaintainerBootstrapResponse cf1 e6 ts10 spans: d1@n1 ddl Initializing ts10 default to n2/maintainers
    state cf1
        cf1 follows n2 e6
    ");
    insta::assert_snapshot!(play("master", script), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 d1@n1 e5
        ** DispatcherCreated cf1 d1@n1 ddl ts10
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts10 spans: d1@n1 ddl Initializing ts10 default to n1/maintainers
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 d1@n2 e6
        ** TakeoverRefused cf1 n2 `the table trigger is another one`
        -> MaintainerBootstrapResponse cf1 e6 ts0 `the table trigger is another one` to n2/maintainers
    state cf1
        cf1 follows n1 e5
    ");
    insta::assert_snapshot!(play("MU-46", script), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 d1@n1 e5
        ** DispatcherCreated cf1 d1@n1 ddl ts10
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts10 spans: d1@n1 ddl Initializing ts10 default to n1/maintainers
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 d1@n2 e6
        ** OwnerChanged cf1 n3 n2 e6
        ** TakeoverRefused cf1 n2 `the table trigger is another one`
        -> MaintainerBootstrapResponse cf1 e6 ts0 `the table trigger is another one` to n2/maintainers
    state cf1
        cf1 follows n2 e6
    ");
}

/// The same for a maintainer whose table trigger is elsewhere.
#[test]
fn an_unwanted_table_trigger() {
    let script = "
        n1/maintainers: MaintainerBootstrapRequest cf1 ts10 d1@n1 e5
        n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
        state cf1
    ";
    insta::assert_snapshot!(play("pr-5435", script), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 d1@n1 e5
        ** DispatcherCreated cf1 d1@n1 ddl ts10
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts10 spans: d1@n1 ddl Initializing ts10 default to n1/maintainers
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
        ** OwnerChanged cf1 n3 n2 e6
        -> MaintainerBootstrapResponse cf1 e6 ts10 spans: d1@n1 ddl Initializing ts10 default to n2/maintainers
    state cf1
        cf1 follows n2 e6
    ");
    insta::assert_snapshot!(play("master", script), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 d1@n1 e5
        ** DispatcherCreated cf1 d1@n1 ddl ts10
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts10 spans: d1@n1 ddl Initializing ts10 default to n1/maintainers
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
        ** TakeoverRefused cf1 n2 `there is a table trigger`
        -> MaintainerBootstrapResponse cf1 e6 ts0 `there is a table trigger` to n2/maintainers
    state cf1
        cf1 follows n1 e5
    ");
}

/// A missing table trigger is created while the mutex is held; the owner changes before, or after.
#[test]
fn a_missing_table_trigger() {
    let script = "
        n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        hold sink
        n2/maintainers: MaintainerBootstrapRequest cf1 ts10 d1@n2 e6
        state cf1
        n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d7@n1 t7 ts10 default e5
        release sink
    ";
    insta::assert_snapshot!(play("pr-5434", script), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e0 ts0 to n1/maintainers
    hold sink
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 d1@n2 e6
    state cf1
        cf1 follows n1 e5
        shard 1 handles MaintainerBootstrapRequest cf1 as task2
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d7@n1 t7 ts10 default e5
    release sink
        ** DispatcherCreated cf1 d1@n2 ddl ts10
        ** EpochMismatch cf1 n3 e5 e6
        ** OwnerChanged cf1 n3 n2 e5
        -> MaintainerBootstrapResponse cf1 e0 ts10 spans: d1@n2 ddl Initializing ts10 default operators: cf1 Create (Add) d7@n1 t7 ts10 default e5 to n2/maintainers
        ** DispatcherCreated cf1 d7@n1 t7 ts10
    ");
    insta::assert_snapshot!(play("master", script), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts0 to n1/maintainers
    hold sink
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 d1@n2 e6
        ** OwnerChanged cf1 n3 n2 e6
    state cf1
        cf1 follows n2 e6 locked
        shard 1 handles MaintainerBootstrapRequest cf1 as task2
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d7@n1 t7 ts10 default e5
    release sink
        ** DispatcherCreated cf1 d1@n2 ddl ts10
        -> MaintainerBootstrapResponse cf1 e6 ts10 spans: d1@n2 ddl Initializing ts10 default to n2/maintainers
        ** StaleRefused cf1 n1 e5 n2 e6
    ");
}

/// A manager that closes cannot create a table trigger. The maintainer is not told; who recognizes that how.
#[test]
fn a_takeover_of_a_manager_that_closes() {
    let script = "
        n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        n1/maintainers: MaintainerCloseRequest cf1 e5
        n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
        n2/maintainers: MaintainerBootstrapRequest cf1 ts10 d1@n2 e7
        state cf1
        n2/maintainers: MaintainerCloseRequest cf1 e7
    ";
    let found = |policy| watch(&["no_lock_forever"], policy, script);
    insta::assert_snapshot!(found("master"), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts0 to n1/maintainers
    n1/maintainers: MaintainerCloseRequest cf1 e5
        -> MaintainerCloseResponse cf1 e5 to n1/maintainers
        ** WritePathClosed cf1 n3
        ** ManagerClosed cf1 n3
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
        ** OwnerChanged cf1 n3 n2 e6
        -> MaintainerBootstrapResponse cf1 e6 ts0 to n2/maintainers
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 d1@n2 e7
        ** OwnerChanged cf1 n3 n2 e7
        ** Ignored cf1 n2 `the write path is closed`
    state cf1
        cf1 follows n2 e7 closed write-path-closed cancelled
    n2/maintainers: MaintainerCloseRequest cf1 e7
        -> MaintainerCloseResponse cf1 success e7 to n2/maintainers
    ");
    insta::assert_snapshot!(found("M14"), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts0 to n1/maintainers
    n1/maintainers: MaintainerCloseRequest cf1 e5
        -> MaintainerCloseResponse cf1 e5 to n1/maintainers
        ** WritePathClosed cf1 n3
        ** ManagerClosed cf1 n3
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
        ** OwnerChanged cf1 n3 n2 e6
        -> MaintainerBootstrapResponse cf1 e6 ts0 to n2/maintainers
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 d1@n2 e7
        ** OwnerChanged cf1 n3 n2 e7
        -> MaintainerBootstrapResponse cf1 e7 ts0 `the write path is closed` to n2/maintainers
    state cf1
        cf1 follows n2 e7 closed write-path-closed cancelled
    n2/maintainers: MaintainerCloseRequest cf1 e7
        -> MaintainerCloseResponse cf1 success e7 to n2/maintainers
    ");
    insta::assert_snapshot!(found("M16"), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts0 to n1/maintainers
    n1/maintainers: MaintainerCloseRequest cf1 e5
        -> MaintainerCloseResponse cf1 e5 to n1/maintainers
        ** WritePathClosed cf1 n3
        ** ManagerClosed cf1 n3
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
        ** OwnerChanged cf1 n3 n2 e6
        -> MaintainerBootstrapResponse cf1 e6 ts0 to n2/maintainers
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 d1@n2 e7
        ** OwnerChanged cf1 n3 n2 e7
        -> MaintainerBootstrapResponse cf1 e7 ts0 `the write path is closed` to n2/maintainers
    state cf1
        cf1 follows n2 e7 closed write-path-closed cancelled
    n2/maintainers: MaintainerCloseRequest cf1 e7
        -> MaintainerCloseResponse cf1 success e7 to n2/maintainers
    ");
    // The mistake of pingcap/ticdc#5435: the mutex stays locked, and the close waits for ever.
    insta::assert_snapshot!(found("pr-5435"), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts0 to n1/maintainers
    n1/maintainers: MaintainerCloseRequest cf1 e5
        -> MaintainerCloseResponse cf1 e5 to n1/maintainers
        ** WritePathClosed cf1 n3
        ** ManagerClosed cf1 n3
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
        ** OwnerChanged cf1 n3 n2 e6
        -> MaintainerBootstrapResponse cf1 e6 ts0 to n2/maintainers
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 d1@n2 e7
        ** OwnerChanged cf1 n3 n2 e7
        ** Ignored cf1 n2 `the write path is closed`
        !! no_lock_forever (fence mutex): a handler on n3 has ended with the fence mutex of cf1 in its hand
    state cf1
        cf1 follows n2 e7 closed write-path-closed cancelled locked
    n2/maintainers: MaintainerCloseRequest cf1 e7
    ");
}

/// The trigger gets its schema store and is registered, once.
#[test]
fn a_post_bootstrap_is_repeated() {
    let script = "
        n1/maintainers: MaintainerPostBootstrapRequest cf1 d1@n1 e5
        n1/maintainers: MaintainerBootstrapRequest cf1 ts10 d1@n1 e5
        n1/maintainers: MaintainerPostBootstrapRequest cf1 d1@n1 e5
        n1/maintainers: MaintainerPostBootstrapRequest cf1 d1@n1 e5
        n1/maintainers: MaintainerPostBootstrapRequest cf1 d2@n1 e5
        n2/maintainers: MaintainerPostBootstrapRequest cf1 d1@n1 e5
        n1/maintainers: MaintainerPostBootstrapRequest cf1 d1@n1 e4
    ";
    insta::assert_snapshot!(play("master", script), @"
    n1/maintainers: MaintainerPostBootstrapRequest cf1 d1@n1 e5
        ** Ignored cf1 n1 `no dispatcher manager`
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 d1@n1 e5
        ** DispatcherCreated cf1 d1@n1 ddl ts10
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts10 spans: d1@n1 ddl Initializing ts10 default to n1/maintainers
    n1/maintainers: MaintainerPostBootstrapRequest cf1 d1@n1 e5
        ** TriggerRegistered cf1 d1@n1
        -> MaintainerPostBootstrapResponse cf1 d1@n1 e5 to n1/maintainers
    n1/maintainers: MaintainerPostBootstrapRequest cf1 d1@n1 e5
        -> MaintainerPostBootstrapResponse cf1 d1@n1 e5 to n1/maintainers
    n1/maintainers: MaintainerPostBootstrapRequest cf1 d2@n1 e5
        -> MaintainerPostBootstrapResponse cf1 d2@n1 e5 `the table trigger is another one` to n1/maintainers
    n2/maintainers: MaintainerPostBootstrapRequest cf1 d1@n1 e5
        ** StaleRefused cf1 n2 e5 n1 e5
    n1/maintainers: MaintainerPostBootstrapRequest cf1 d1@n1 e4
        ** StaleRefused cf1 n1 e4 n1 e5
    ");
    insta::assert_snapshot!(play("pr-5434", "
        n1/maintainers: MaintainerBootstrapRequest cf1 ts10 d1@n1 e0
        n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e0
        n1/maintainers: MaintainerPostBootstrapRequest cf1 d1@n1 e0
    "), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 d1@n1 e0
        ** DispatcherCreated cf1 d1@n1 ddl ts10
        ** ManagerCreated cf1 n3 n1 e0
        -> MaintainerBootstrapResponse cf1 e0 ts10 spans: d1@n1 ddl Initializing ts10 default to n1/maintainers
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e0
        ** OwnerChanged cf1 n3 n2 e0
        -> MaintainerBootstrapResponse cf1 e0 ts10 spans: d1@n1 ddl Initializing ts10 default to n2/maintainers
    n1/maintainers: MaintainerPostBootstrapRequest cf1 d1@n1 e0
        ** TriggerRegistered cf1 d1@n1
        -> MaintainerPostBootstrapResponse cf1 d1@n1 e0 to n1/maintainers
    ");
}

/// Without a table trigger: no answer, or an error.
#[test]
fn a_post_bootstrap_without_a_table_trigger() {
    let script = "
        n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        n1/maintainers: MaintainerPostBootstrapRequest cf1 d1@n1 e5
    ";
    insta::assert_snapshot!(play("pr-5435", script), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts0 to n1/maintainers
    n1/maintainers: MaintainerPostBootstrapRequest cf1 d1@n1 e5
        ** Ignored cf1 n1 `there is no table trigger`
    ");
    insta::assert_snapshot!(play("master", script), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts0 to n1/maintainers
    n1/maintainers: MaintainerPostBootstrapRequest cf1 d1@n1 e5
        -> MaintainerPostBootstrapResponse cf1 d1@n1 e5 `there is no table trigger` to n1/maintainers
    ");
}

/// It is looked for, then cleaned by a heartbeat, then taken for granted.
#[test]
fn a_table_trigger_that_goes_while_a_post_bootstrap_waits() {
    let script = "
        n1/maintainers: MaintainerBootstrapRequest cf1 ts10 d1@n1 e5
        pass 900ms
        n1/maintainers: ScheduleDispatcherRequest cf1 Remove (Move) d1@n1 ddl ts10 default e5
        pass 20ms
        stall Task task4
        n1/maintainers: MaintainerPostBootstrapRequest cf1 d1@n1 e5
        step
        step
        pass 200ms
        go on
    ";
    insta::assert_snapshot!(play("pr-5435", script), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 d1@n1 e5
        ** DispatcherCreated cf1 d1@n1 ddl ts10
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts10 spans: d1@n1 ddl Initializing ts10 default to n1/maintainers
    pass 900ms
    n1/maintainers: ScheduleDispatcherRequest cf1 Remove (Move) d1@n1 ddl ts10 default e5
        ** DispatcherUnregistered cf1 d1@n1
    pass 20ms
    stall Task task4
    n1/maintainers: MaintainerPostBootstrapRequest cf1 d1@n1 e5
    step
    step
    pass 200ms
        ** DispatcherCleaned cf1 d1@n1 ts10
        -> HeartBeatRequest cf1 ts10 ts10 seq=1 statuses: d1@n1 Stopped ts10 to n1/maintainers
    go on
        -> MaintainerPostBootstrapResponse cf1 d1@n1 e5 to n1/maintainers
    ");
    insta::assert_snapshot!(play("master", script), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 d1@n1 e5
        ** DispatcherCreated cf1 d1@n1 ddl ts10
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts10 spans: d1@n1 ddl Initializing ts10 default to n1/maintainers
    pass 900ms
    n1/maintainers: ScheduleDispatcherRequest cf1 Remove (Move) d1@n1 ddl ts10 default e5
        ** DispatcherUnregistered cf1 d1@n1
    pass 20ms
    stall Task task4
    n1/maintainers: MaintainerPostBootstrapRequest cf1 d1@n1 e5
    step
    step
    pass 200ms
        ** DispatcherCleaned cf1 d1@n1 ts10
        -> HeartBeatRequest cf1 ts10 ts10 seq=1 statuses: d1@n1 Stopped ts10 to n1/maintainers
    go on
        -> MaintainerPostBootstrapResponse cf1 d1@n1 e5 to n1/maintainers
    ");
}

/// On a manager that closes: silence, and in pingcap/ticdc#5435 a mutex that stays locked.
#[test]
fn a_post_bootstrap_of_a_manager_that_closes() {
    let script = "
        n1/maintainers: MaintainerBootstrapRequest cf1 ts10 d1@n1 e5
        n1/maintainers: MaintainerCloseRequest cf1 e5
        n1/maintainers: MaintainerPostBootstrapRequest cf1 d1@n1 e5
        n1/maintainers: MaintainerCloseRequest cf1 e5
        state
    ";
    let found = |policy| watch(&["no_lock_forever"], policy, script);
    insta::assert_snapshot!(found("master"), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 d1@n1 e5
        ** DispatcherCreated cf1 d1@n1 ddl ts10
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts10 spans: d1@n1 ddl Initializing ts10 default to n1/maintainers
    n1/maintainers: MaintainerCloseRequest cf1 e5
        -> MaintainerCloseResponse cf1 e5 to n1/maintainers
        ** WritePathClosed cf1 n3
        ** ManagerClosed cf1 n3
    n1/maintainers: MaintainerPostBootstrapRequest cf1 d1@n1 e5
        ** Ignored cf1 n1 `the write path is closed`
    n1/maintainers: MaintainerCloseRequest cf1 e5
        -> MaintainerCloseResponse cf1 success e5 to n1/maintainers
    state
        n3 is alive and sees n1, n2, n3
        cf1 closed e5
    ");
    insta::assert_snapshot!(found("pr-5435"), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 d1@n1 e5
        ** DispatcherCreated cf1 d1@n1 ddl ts10
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts10 spans: d1@n1 ddl Initializing ts10 default to n1/maintainers
    n1/maintainers: MaintainerCloseRequest cf1 e5
        -> MaintainerCloseResponse cf1 e5 to n1/maintainers
        ** WritePathClosed cf1 n3
        ** ManagerClosed cf1 n3
    n1/maintainers: MaintainerPostBootstrapRequest cf1 d1@n1 e5
        ** Ignored cf1 n1 `the write path is closed`
        !! no_lock_forever (fence mutex): a handler on n3 has ended with the fence mutex of cf1 in its hand
    n1/maintainers: MaintainerCloseRequest cf1 e5
    state
        n3 is alive and sees n1, n2, n3
        cf1 follows n1 e5 closed write-path-closed cancelled locked
          d1@n1 ddl Initializing ts10 unregistered removing
        shard 1 handles MaintainerCloseRequest cf1 as task5
    ");
    insta::assert_snapshot!(found("M14"), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 d1@n1 e5
        ** DispatcherCreated cf1 d1@n1 ddl ts10
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts10 spans: d1@n1 ddl Initializing ts10 default to n1/maintainers
    n1/maintainers: MaintainerCloseRequest cf1 e5
        -> MaintainerCloseResponse cf1 e5 to n1/maintainers
        ** WritePathClosed cf1 n3
        ** ManagerClosed cf1 n3
    n1/maintainers: MaintainerPostBootstrapRequest cf1 d1@n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts0 `the write path is closed` to n1/maintainers
    n1/maintainers: MaintainerCloseRequest cf1 e5
        -> MaintainerCloseResponse cf1 success e5 to n1/maintainers
    state
        n3 is alive and sees n1, n2, n3
        cf1 closed e5
    ");
}

/// A post-bootstrap that ends early is to release the mutex.
#[test]
fn a_stale_post_bootstrap_and_the_mutex() {
    let script = "
        n1/maintainers: MaintainerBootstrapRequest cf1 ts10 d1@n1 e5
        n2/maintainers: MaintainerPostBootstrapRequest cf1 d1@n1 e4
        n1/maintainers: MaintainerCloseRequest cf1 e5
    ";
    let found = |policy| watch(&["no_lock_forever"], policy, script);
    insta::assert_snapshot!(found("master"), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 d1@n1 e5
        ** DispatcherCreated cf1 d1@n1 ddl ts10
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts10 spans: d1@n1 ddl Initializing ts10 default to n1/maintainers
    n2/maintainers: MaintainerPostBootstrapRequest cf1 d1@n1 e4
        ** StaleRefused cf1 n2 e4 n1 e5
    n1/maintainers: MaintainerCloseRequest cf1 e5
        -> MaintainerCloseResponse cf1 e5 to n1/maintainers
        ** WritePathClosed cf1 n3
        ** ManagerClosed cf1 n3
    ");
    insta::assert_snapshot!(found("M13"), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 d1@n1 e5
        ** DispatcherCreated cf1 d1@n1 ddl ts10
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts10 spans: d1@n1 ddl Initializing ts10 default to n1/maintainers
    n2/maintainers: MaintainerPostBootstrapRequest cf1 d1@n1 e4
        ** StaleRefused cf1 n2 e4 n1 e5
        !! no_lock_forever (fence mutex): a handler on n3 has ended with the fence mutex of cf1 in its hand
    n1/maintainers: MaintainerCloseRequest cf1 e5
    ");
}

/// Without an order among the requests of a changefeed, a bootstrap may take over a manager that is not there any more.
#[test]
fn a_bootstrap_into_a_deleted_manager() {
    let script = "
        n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        n1/maintainers: MaintainerCloseRequest cf1 e5
        stall Task task4
        n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
        n1/maintainers: MaintainerCloseRequest cf1 e5
        go on
        state
    ";
    insta::assert_snapshot!(play("master", script), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts0 to n1/maintainers
    n1/maintainers: MaintainerCloseRequest cf1 e5
        -> MaintainerCloseResponse cf1 e5 to n1/maintainers
        ** WritePathClosed cf1 n3
        ** ManagerClosed cf1 n3
    stall Task task4
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
    n1/maintainers: MaintainerCloseRequest cf1 e5
    go on
        ** OwnerChanged cf1 n3 n2 e6
        -> MaintainerBootstrapResponse cf1 e6 ts0 to n2/maintainers
        ** StaleRefused cf1 n1 e5 n2 e6
        -> MaintainerCloseResponse cf1 success e5 to n1/maintainers
    state
        n3 is alive and sees n1, n2, n3
        cf1 follows n2 e6 closed write-path-closed cancelled
    ");
    insta::assert_snapshot!(play("M3", script), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts0 to n1/maintainers
    n1/maintainers: MaintainerCloseRequest cf1 e5
        -> MaintainerCloseResponse cf1 e5 to n1/maintainers
        ** WritePathClosed cf1 n3
        ** ManagerClosed cf1 n3
    stall Task task4
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
    n1/maintainers: MaintainerCloseRequest cf1 e5
        -> MaintainerCloseResponse cf1 success e5 to n1/maintainers
    go on
        ** OwnerChanged cf1 n3 n2 e6
        -> MaintainerBootstrapResponse cf1 e6 ts0 to n2/maintainers
    state
        n3 is alive and sees n1, n2, n3
        cf1 closed e5
    ");
    insta::assert_snapshot!(play("M3+orchestrator.manager_recheck=made", script), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts0 to n1/maintainers
    n1/maintainers: MaintainerCloseRequest cf1 e5
        -> MaintainerCloseResponse cf1 e5 to n1/maintainers
        ** WritePathClosed cf1 n3
        ** ManagerClosed cf1 n3
    stall Task task4
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
    n1/maintainers: MaintainerCloseRequest cf1 e5
        -> MaintainerCloseResponse cf1 success e5 to n1/maintainers
    go on
        ** Ignored cf1 n2 `the manager is not registered any more`
    state
        n3 is alive and sees n1, n2, n3
        cf1 closed e5
    ");
}

/// Two bootstraps that find no manager both build one.
#[test]
fn two_managers_are_built_at_once() {
    let script = "
        hold sink
        n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
        release sink
        state
    ";
    insta::assert_snapshot!(play("M3", script), @"
    hold sink
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
    release sink
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts0 to n1/maintainers
        ** WritePathClosed cf1 n3 fenced
        ** ManagerClosed cf1 n3
        ** ConstructionFailed cf1 n3 `the changefeed has a path already`
        -> MaintainerBootstrapResponse cf1 e6 ts0 `the changefeed has a path already` to n2/maintainers
    state
        n3 is alive and sees n1, n2, n3
        cf1 follows n1 e5
    ");
}

/// The downstream is silent: whoever asks it gives up after two minutes, and does not hold up others for ever.
#[test]
fn a_silent_downstream() {
    let script = "
        hold sink
        n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        n1/maintainers: MaintainerCloseRequest cf9 e5
        lose sink
        pass 119s
        pass 2s
    ";
    insta::assert_snapshot!(play("master", script), @"
    hold sink
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
    n1/maintainers: MaintainerCloseRequest cf9 e5
    lose sink
    pass 119s
    pass 2s
        ** WritePathClosed cf1 n3 fenced
        ** ManagerClosed cf1 n3
        ** ConstructionFailed cf1 n3 `bad connection`
        -> MaintainerBootstrapResponse cf1 e5 ts0 `bad connection` to n1/maintainers
        -> MaintainerCloseResponse cf9 success e5 to n1/maintainers
    ");
}

/// A manager that is built anew has a table trigger of the same id as the one before, which is no dispatcher of that.
#[test]
fn a_trigger_that_is_built_anew_is_not_one_of_a_closed_manager() {
    let script = "
        party dispatchers with redo
        overlook HeartBeatRequest
        hold sink
        n3/maintainers: MaintainerBootstrapRequest cf1 ts10 d1@n3 e5 redo=d2@n3
        serve sink
        serve sink
        lose sink
        pass 121s
        release sink
        n3/maintainers: MaintainerBootstrapRequest cf1 ts10 d1@n3 e5 redo=d2@n3
    ";
    insta::assert_snapshot!(watch(&["closed_stays_closed"], "master", script), @"
    party dispatchers with redo
    overlook HeartBeatRequest
    hold sink
    n3/maintainers: MaintainerBootstrapRequest cf1 ts10 d1@n3 e5 redo=d2@n3
    serve sink
    serve sink
        ** DispatcherCreated cf1 d1@n3 ddl ts10
    lose sink
    pass 121s
        ** WritePathClosed cf1 n3 fenced
        ** ManagerClosed cf1 n3
        ** ConstructionFailed cf1 n3 `bad connection`
        -> MaintainerBootstrapResponse cf1 e5 ts0 `bad connection` to n3/maintainers
    release sink
    n3/maintainers: MaintainerBootstrapRequest cf1 ts10 d1@n3 e5 redo=d2@n3
        ** DispatcherCreated cf1 d1@n3 ddl ts10
        ** DispatcherCreated cf1 d2@n3 ddl ts10 redo
        ** ManagerCreated cf1 n3 n3 e5
        ** RedoMetaWritten n3/dispatchers query8 cf1 ts10 ts10
        -> MaintainerBootstrapResponse cf1 e5 ts10 redo=ts10 spans: d1@n3 ddl Initializing ts10 default, d2@n3 ddl Initializing ts10 redo to n3/maintainers
    ");
}

/// A refused close leaves nothing behind, but under M24; a refused merge neither, but under MU-58.
#[test]
fn what_is_refused_changes_nothing() {
    let found = |policy, script| watch(&["inertness"], policy, script);
    let close = "
        n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        n2/maintainers: MaintainerCloseRequest cf1 e4
        n1/maintainers: MaintainerCloseRequest cf1 e5
    ";
    insta::assert_snapshot!(found("master", close), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts0 to n1/maintainers
    n2/maintainers: MaintainerCloseRequest cf1 e4
        ** StaleRefused cf1 n2 e4 n1 e5
        -> MaintainerCloseResponse cf1 success e4 to n2/maintainers
    n1/maintainers: MaintainerCloseRequest cf1 e5
        -> MaintainerCloseResponse cf1 e5 to n1/maintainers
        ** WritePathClosed cf1 n3
        ** ManagerClosed cf1 n3
    ");
    insta::assert_snapshot!(found("M24", close), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts0 to n1/maintainers
    n2/maintainers: MaintainerCloseRequest cf1 e4
        ** StaleRefused cf1 n2 e4 n1 e5
        -> MaintainerCloseResponse cf1 success e4 to n2/maintainers
        !! inertness (closed epoch): n3 refuses a request of n2 for cf1, and changes its closed epoch
    n1/maintainers: MaintainerCloseRequest cf1 e5
        -> MaintainerCloseResponse cf1 e5 to n1/maintainers
        ** WritePathClosed cf1 n3
        ** ManagerClosed cf1 n3
    ");
    let merge = "
        n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
        n1/maintainers: MergeDispatcherRequest cf1 d3@n1 sources: d1@n1, d2@n1 default e5
    ";
    insta::assert_snapshot!(found("master", merge), @"
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
        ** ManagerCreated cf1 n3 n2 e6
        -> MaintainerBootstrapResponse cf1 e6 ts0 to n2/maintainers
    n1/maintainers: MergeDispatcherRequest cf1 d3@n1 sources: d1@n1, d2@n1 default e5
        ** StaleRefused cf1 n1 e5 n2 e6
    ");
    insta::assert_snapshot!(found("MU-58", merge), @"
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
        ** ManagerCreated cf1 n3 n2 e6
        -> MaintainerBootstrapResponse cf1 e6 ts0 to n2/maintainers
    n1/maintainers: MergeDispatcherRequest cf1 d3@n1 sources: d1@n1, d2@n1 default e5
        ** StaleRefused cf1 n1 e5 n2 e6
        !! inertness (manager): n3 refuses a request of n1 for cf1, and changes its merge journal
    ");
}
