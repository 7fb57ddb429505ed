//! Close requests and the graceful end of the orchestrator: what closes a manager, who is told what, and what is left.

use crate::script::{play, watch};

/// The first request begins the closing, a later one finds it closed.
#[test]
fn it_takes_two_requests() {
    let script = "
        n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d7@n1 t7 ts10 default e5
        stall Task task4
        n1/maintainers: MaintainerCloseRequest cf1 e5
        n1/maintainers: MaintainerCloseRequest cf1 e5
        state cf1
        go on
        state cf1
        n1/maintainers: MaintainerCloseRequest cf1 e5
        state
    ";
    insta::assert_snapshot!(play("master", script), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts0 to n1/maintainers
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d7@n1 t7 ts10 default e5
        ** DispatcherCreated cf1 d7@n1 t7 ts10
    stall Task task4
    n1/maintainers: MaintainerCloseRequest cf1 e5
        -> MaintainerCloseResponse cf1 e5 to n1/maintainers
    n1/maintainers: MaintainerCloseRequest cf1 e5
        -> MaintainerCloseResponse cf1 e5 to n1/maintainers
    state cf1
        cf1 follows n1 e5 closing
    go on
        ** WritePathClosed cf1 n3
        ** DispatcherUnregistered cf1 d7@n1
        ** ManagerClosed cf1 n3
    state cf1
        cf1 follows n1 e5 closed write-path-closed cancelled
    n1/maintainers: MaintainerCloseRequest cf1 e5
        -> MaintainerCloseResponse cf1 success e5 to n1/maintainers
    state
        n3 is alive and sees n1, n2, n3
        cf1 closed e5
    ");
}

/// Nobody asks again, and another maintainer comes.
#[test]
fn a_maintainer_that_finds_a_closed_manager() {
    let script = "
        n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d7@n1 t7 ts10 default e5
        stall Task task4
        n1/maintainers: MaintainerCloseRequest cf1 e5
        n2/maintainers: MaintainerBootstrapRequest cf1 ts20 e6
        go on
        n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        n2/maintainers: MaintainerBootstrapRequest cf1 ts20 e6
        state cf1
    ";
    insta::assert_snapshot!(play("master", script), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts0 to n1/maintainers
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d7@n1 t7 ts10 default e5
        ** DispatcherCreated cf1 d7@n1 t7 ts10
    stall Task task4
    n1/maintainers: MaintainerCloseRequest cf1 e5
        -> MaintainerCloseResponse cf1 e5 to n1/maintainers
    n2/maintainers: MaintainerBootstrapRequest cf1 ts20 e6
        ** OwnerChanged cf1 n3 n2 e6
        -> MaintainerBootstrapResponse cf1 e6 ts0 spans: d7@n1 t7 Initializing ts10 default to n2/maintainers
    go on
        ** WritePathClosed cf1 n3
        ** DispatcherUnregistered cf1 d7@n1
        ** ManagerClosed cf1 n3
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** StaleRefused cf1 n1 e5 n2 e6
    n2/maintainers: MaintainerBootstrapRequest cf1 ts20 e6
        -> MaintainerBootstrapResponse cf1 e6 ts0 spans: d7@n1 t7 Initializing ts10 default to n2/maintainers
    state cf1
        cf1 follows n2 e6 closed write-path-closed cancelled
    ");
    insta::assert_snapshot!(play("master+orchestrator.closed_manager=forgotten", script), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts0 to n1/maintainers
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d7@n1 t7 ts10 default e5
        ** DispatcherCreated cf1 d7@n1 t7 ts10
    stall Task task4
    n1/maintainers: MaintainerCloseRequest cf1 e5
        -> MaintainerCloseResponse cf1 e5 to n1/maintainers
    n2/maintainers: MaintainerBootstrapRequest cf1 ts20 e6
        ** Ignored cf1 n2 `the manager is being closed`
    go on
        ** WritePathClosed cf1 n3
        ** DispatcherUnregistered cf1 d7@n1
        ** ManagerClosed cf1 n3
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** ClosedEpochRefused cf1 n1 e5 e5
    n2/maintainers: MaintainerBootstrapRequest cf1 ts20 e6
        ** ManagerCreated cf1 n3 n2 e6
        -> MaintainerBootstrapResponse cf1 e6 ts0 to n2/maintainers
    state cf1
        cf1 follows n2 e6
    ");
}

/// The steps of the end of a write path, one after the other.
#[test]
fn the_end_of_a_write_path() {
    let script = "
        n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d7@n1 t7 ts10 default e5
        n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d8@n1 t8 ts10 default e5
        stall Task task5
        n1/maintainers: MaintainerCloseRequest cf1 e5
        step
        step
        step
        step
        upstream: Resolved ts5000000
        step
        step
        n1/maintainers: ScheduleDispatcherRequest cf1 Remove (Remove) d7@n1 t7 ts10 default e5
        go on
    ";
    insta::assert_snapshot!(play("baseline", &script.replace("e5", "e0")), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e0
        ** ManagerCreated cf1 n3 n1 e0
        -> MaintainerBootstrapResponse cf1 e0 ts0 to n1/maintainers
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d7@n1 t7 ts10 default e0
        ** DispatcherCreated cf1 d7@n1 t7 ts10
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d8@n1 t8 ts10 default e0
        ** DispatcherCreated cf1 d8@n1 t8 ts10
    stall Task task5
    n1/maintainers: MaintainerCloseRequest cf1 e0
        -> MaintainerCloseResponse cf1 e0 to n1/maintainers
    step
    step
    step
        ** DispatcherUnregistered cf1 d7@n1
    step
        ** DispatcherUnregistered cf1 d8@n1
    upstream: Resolved ts5000000
    step
    step
    n1/maintainers: ScheduleDispatcherRequest cf1 Remove (Remove) d7@n1 t7 ts10 default e0
        ** Ignored cf1 n1 `no dispatcher manager`
    go on
        ** ManagerClosed cf1 n3
    ");
    insta::assert_snapshot!(play("master", script), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts0 to n1/maintainers
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d7@n1 t7 ts10 default e5
        ** DispatcherCreated cf1 d7@n1 t7 ts10
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d8@n1 t8 ts10 default e5
        ** DispatcherCreated cf1 d8@n1 t8 ts10
    stall Task task5
    n1/maintainers: MaintainerCloseRequest cf1 e5
        -> MaintainerCloseResponse cf1 e5 to n1/maintainers
    step
        ** WritePathClosed cf1 n3
    step
    step
        ** DispatcherUnregistered cf1 d7@n1
    step
        ** DispatcherUnregistered cf1 d8@n1
    upstream: Resolved ts5000000
    step
    step
    n1/maintainers: ScheduleDispatcherRequest cf1 Remove (Remove) d7@n1 t7 ts10 default e5
        ** Ignored cf1 n1 `no dispatcher manager`
    go on
        ** ManagerClosed cf1 n3
    ");
}

/// What a close of another owner or generation comes to.
#[test]
fn a_stale_close() {
    let script = "
        n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        n1/maintainers: MaintainerCloseRequest cf1 e4
        n2/maintainers: MaintainerCloseRequest cf1 e5
        n2/maintainers: MaintainerCloseRequest cf1 e6
        state
    ";
    insta::assert_snapshot!(play("master", script), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts0 to n1/maintainers
    n1/maintainers: MaintainerCloseRequest cf1 e4
        ** StaleRefused cf1 n1 e4 n1 e5
        -> MaintainerCloseResponse cf1 success e4 to n1/maintainers
    n2/maintainers: MaintainerCloseRequest cf1 e5
        ** StaleRefused cf1 n2 e5 n1 e5
        -> MaintainerCloseResponse cf1 success e5 to n2/maintainers
    n2/maintainers: MaintainerCloseRequest cf1 e6
        ** StaleRefused cf1 n2 e6 n1 e5
        -> MaintainerCloseResponse cf1 success e6 to n2/maintainers
    state
        n3 is alive and sees n1, n2, n3
        cf1 follows n1 e5
    ");
    insta::assert_snapshot!(play("M5", script), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts0 to n1/maintainers
    n1/maintainers: MaintainerCloseRequest cf1 e4
        ** StaleRefused cf1 n1 e4 n1 e5
        -> MaintainerCloseResponse cf1 e4 to n1/maintainers
    n2/maintainers: MaintainerCloseRequest cf1 e5
        ** StaleRefused cf1 n2 e5 n1 e5
        -> MaintainerCloseResponse cf1 e5 to n2/maintainers
    n2/maintainers: MaintainerCloseRequest cf1 e6
        ** StaleRefused cf1 n2 e6 n1 e5
        -> MaintainerCloseResponse cf1 e6 to n2/maintainers
    state
        n3 is alive and sees n1, n2, n3
        cf1 follows n1 e5
    ");
    insta::assert_snapshot!(play("master+orchestrator.close_fence=stale_unanswered", script), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts0 to n1/maintainers
    n1/maintainers: MaintainerCloseRequest cf1 e4
        ** StaleRefused cf1 n1 e4 n1 e5
    n2/maintainers: MaintainerCloseRequest cf1 e5
        ** StaleRefused cf1 n2 e5 n1 e5
    n2/maintainers: MaintainerCloseRequest cf1 e6
        ** StaleRefused cf1 n2 e6 n1 e5
    state
        n3 is alive and sees n1, n2, n3
        cf1 follows n1 e5
    ");
    insta::assert_snapshot!(play("M24", script), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts0 to n1/maintainers
    n1/maintainers: MaintainerCloseRequest cf1 e4
        ** StaleRefused cf1 n1 e4 n1 e5
        -> MaintainerCloseResponse cf1 success e4 to n1/maintainers
    n2/maintainers: MaintainerCloseRequest cf1 e5
        ** StaleRefused cf1 n2 e5 n1 e5
        -> MaintainerCloseResponse cf1 success e5 to n2/maintainers
    n2/maintainers: MaintainerCloseRequest cf1 e6
        ** StaleRefused cf1 n2 e6 n1 e5
        -> MaintainerCloseResponse cf1 success e6 to n2/maintainers
    state
        n3 is alive and sees n1, n2, n3
        cf1 follows n1 e5
        cf1 closed e6
    ");
    insta::assert_snapshot!(play("pr-5434", "
        n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e0
        n2/maintainers: MaintainerCloseRequest cf1 e0
    "), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e0
        ** ManagerCreated cf1 n3 n1 e0
        -> MaintainerBootstrapResponse cf1 e0 ts0 to n1/maintainers
    n2/maintainers: MaintainerCloseRequest cf1 e0
        -> MaintainerCloseResponse cf1 e0 to n2/maintainers
        ** WritePathClosed cf1 n3
        ** ManagerClosed cf1 n3
    ");
}

/// A removal that comes late still deletes what the changefeed has left downstream; nothing takes it back.
#[test]
fn a_removal_that_comes_late() {
    let while_closing = "
        n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        stall Task task3
        n1/maintainers: MaintainerCloseRequest cf1 e5
        n1/maintainers: MaintainerCloseRequest cf1 removed e5
        n1/maintainers: MaintainerCloseRequest cf1 e5
        go on
    ";
    insta::assert_snapshot!(play("master", while_closing), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts0 to n1/maintainers
    stall Task task3
    n1/maintainers: MaintainerCloseRequest cf1 e5
        -> MaintainerCloseResponse cf1 e5 to n1/maintainers
    n1/maintainers: MaintainerCloseRequest cf1 removed e5
        -> MaintainerCloseResponse cf1 e5 to n1/maintainers
    n1/maintainers: MaintainerCloseRequest cf1 e5
        -> MaintainerCloseResponse cf1 e5 to n1/maintainers
    go on
        ** WritePathClosed cf1 n3
        ** ManagerClosed cf1 n3
        ** DdlTsForgotten n3/dispatchers query2 cf1
        ** RemovalCleaned cf1 n3
    ");
    insta::assert_snapshot!(play("MC-25", while_closing), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts0 to n1/maintainers
    stall Task task3
    n1/maintainers: MaintainerCloseRequest cf1 e5
        -> MaintainerCloseResponse cf1 e5 to n1/maintainers
    n1/maintainers: MaintainerCloseRequest cf1 removed e5
        -> MaintainerCloseResponse cf1 e5 to n1/maintainers
    n1/maintainers: MaintainerCloseRequest cf1 e5
        -> MaintainerCloseResponse cf1 e5 to n1/maintainers
    go on
        ** WritePathClosed cf1 n3
        ** ManagerClosed cf1 n3
    ");
    let when_closed = "
        n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        n1/maintainers: MaintainerCloseRequest cf1 e5
        hold sink
        n1/maintainers: MaintainerCloseRequest cf1 removed e5
        n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
        release sink
    ";
    insta::assert_snapshot!(play("master", when_closed), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts0 to n1/maintainers
    n1/maintainers: MaintainerCloseRequest cf1 e5
        -> MaintainerCloseResponse cf1 e5 to n1/maintainers
        ** WritePathClosed cf1 n3
        ** ManagerClosed cf1 n3
    hold sink
    n1/maintainers: MaintainerCloseRequest cf1 removed e5
        -> MaintainerCloseResponse cf1 success e5 to n1/maintainers
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
    release sink
        ** DdlTsForgotten n3/dispatchers query2 cf1
        ** RemovalCleaned cf1 n3
        ** ManagerCreated cf1 n3 n1 e6
        -> MaintainerBootstrapResponse cf1 e6 ts0 to n1/maintainers
    ");
}

/// Two threads find that nobody has begun the closing, and both begin it. The second one finds its paths gone.
#[test]
fn a_closing_that_is_begun_twice() {
    let script = "
        n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e0
        stall Task
        n3/server: LocalFence
        n1/maintainers: MaintainerCloseRequest cf1 e0
        step
        step
        step
        step
        step
        step
        go on
    ";
    insta::assert_snapshot!(play("baseline", script), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e0
        ** ManagerCreated cf1 n3 n1 e0
        -> MaintainerBootstrapResponse cf1 e0 ts0 to n1/maintainers
    stall Task
    n3/server: LocalFence
    n1/maintainers: MaintainerCloseRequest cf1 e0
    step
    step
    step
    step
        -> MaintainerCloseResponse cf1 e0 to n1/maintainers
    step
    step
    go on
        ** ManagerClosed cf1 n3
        -> LocalFenced to n3/server
        ** CloseAborted cf1 n3
    ");
    insta::assert_snapshot!(play("baseline+orchestrator.close_claim=compare_and_swap", script), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e0
        ** ManagerCreated cf1 n3 n1 e0
        -> MaintainerBootstrapResponse cf1 e0 ts0 to n1/maintainers
    stall Task
    n3/server: LocalFence
    n1/maintainers: MaintainerCloseRequest cf1 e0
    step
    step
    step
        -> MaintainerCloseResponse cf1 e0 to n1/maintainers
    step
    step
    step
    go on
        ** ManagerClosed cf1 n3
        -> LocalFenced to n3/server
    ");
}

/// A path that is missing ends the closing of an old version for ever.
#[test]
fn a_path_is_missing() {
    let script = "
        hold sink
        n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
        serve sink
        serve sink
        n2/maintainers: MaintainerCloseRequest cf1 e6
        n2/maintainers: MaintainerCloseRequest cf1 e6
        state
    ";
    insta::assert_snapshot!(play("baseline+orchestrator.shards=unserialized", script), @"
    hold sink
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
    serve sink
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e0 ts0 to n1/maintainers
    serve sink
        ** ConstructionFailed cf1 n3 `the changefeed has a path already`
        -> MaintainerBootstrapResponse cf1 e0 ts0 `the changefeed has a path already` to n2/maintainers
    n2/maintainers: MaintainerCloseRequest cf1 e6
        -> MaintainerCloseResponse cf1 e0 to n2/maintainers
        ** CloseAborted cf1 n3
    n2/maintainers: MaintainerCloseRequest cf1 e6
        -> MaintainerCloseResponse cf1 e0 to n2/maintainers
        ** CloseAborted cf1 n3
    state
        n3 is alive and sees n1, n2, n3
        cf1 follows n1 e5
        cf1 follows n2 e6 unregistered
    ");
    insta::assert_snapshot!(play("pr-5106+orchestrator.shards=unserialized", script), @"
    hold sink
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
    serve sink
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e0 ts0 to n1/maintainers
    serve sink
        ** WritePathClosed cf1 n3 fenced
        ** ManagerClosed cf1 n3
        ** ConstructionFailed cf1 n3 `the changefeed has a path already`
        -> MaintainerBootstrapResponse cf1 e0 ts0 `the changefeed has a path already` to n2/maintainers
    n2/maintainers: MaintainerCloseRequest cf1 e6
        -> MaintainerCloseResponse cf1 e0 to n2/maintainers
        ** WritePathClosed cf1 n3
        ** ManagerClosed cf1 n3
    n2/maintainers: MaintainerCloseRequest cf1 e6
        -> MaintainerCloseResponse cf1 success e0 to n2/maintainers
    state
        n3 is alive and sees n1, n2, n3
    ");
}

/// A close that waits for a slow manager with the lock of all managers in its hand.
#[test]
fn the_lock_of_the_maps() {
    let script = "
        n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        hold sink
        n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d7@n1 t7 ts10 default e5
        n1/maintainers: MaintainerCloseRequest cf1 e5
        n1/maintainers: MaintainerCloseRequest cf2 e5
        n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        n1/maintainers: MaintainerCloseRequest cf3 e5
        release sink
    ";
    let found = |policy| watch(&["no_head_of_line", "no_lock_forever"], policy, script);
    insta::assert_snapshot!(found("master"), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts0 to n1/maintainers
    hold sink
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d7@n1 t7 ts10 default e5
    n1/maintainers: MaintainerCloseRequest cf1 e5
    n1/maintainers: MaintainerCloseRequest cf2 e5
        -> MaintainerCloseResponse cf2 success e5 to n1/maintainers
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
    n1/maintainers: MaintainerCloseRequest cf3 e5
        -> MaintainerCloseResponse cf3 success e5 to n1/maintainers
    release sink
        ** DispatcherCreated cf1 d7@n1 t7 ts10
        -> MaintainerCloseResponse cf1 e5 to n1/maintainers
        ** WritePathClosed cf1 n3
        ** DispatcherUnregistered cf1 d7@n1
        -> MaintainerBootstrapResponse cf1 e5 ts0 spans: d7@n1 t7 Initializing ts10 default to n1/maintainers
        ** ManagerClosed cf1 n3
    ");
    insta::assert_snapshot!(found("M2"), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts0 to n1/maintainers
    hold sink
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d7@n1 t7 ts10 default e5
    n1/maintainers: MaintainerCloseRequest cf1 e5
    n1/maintainers: MaintainerCloseRequest cf2 e5
        !! no_head_of_line (lock): a request of cf2 on n3 waits for the lock of the maps, which a request of cf1 has that waits itself
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
    n1/maintainers: MaintainerCloseRequest cf3 e5
    release sink
        ** DispatcherCreated cf1 d7@n1 t7 ts10
        -> MaintainerCloseResponse cf1 e5 to n1/maintainers
        ** WritePathClosed cf1 n3
        -> MaintainerCloseResponse cf2 success e5 to n1/maintainers
        -> MaintainerCloseResponse cf3 success e5 to n1/maintainers
        ** DispatcherUnregistered cf1 d7@n1
        -> MaintainerBootstrapResponse cf1 e5 ts0 spans: d7@n1 t7 Initializing ts10 default to n1/maintainers
        ** ManagerClosed cf1 n3
    ");
    let bootstrap = "
        n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        hold sink
        n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d7@n1 t7 ts10 default e5
        n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        n1/maintainers: MaintainerCloseRequest cf2 e5
        release sink
    ";
    insta::assert_snapshot!(watch(&["no_head_of_line"], "M1", bootstrap), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts0 to n1/maintainers
    hold sink
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d7@n1 t7 ts10 default e5
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
    n1/maintainers: MaintainerCloseRequest cf2 e5
        !! no_head_of_line (lock): a request of cf2 on n3 waits for the lock of the maps, which a request of cf1 has that waits itself
    release sink
        ** DispatcherCreated cf1 d7@n1 t7 ts10
        -> MaintainerCloseResponse cf2 success e5 to n1/maintainers
        -> MaintainerBootstrapResponse cf1 e5 ts0 spans: d7@n1 t7 Initializing ts10 default to n1/maintainers
    ");
}

/// The graceful end: what is queued is worked off, then all managers are closed, with the lock of the maps held.
#[test]
fn the_orchestrator_closes() {
    let script = "
        n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        hold sink
        n1/maintainers: MaintainerBootstrapRequest cf2 ts10 e5
        n1/maintainers: MaintainerCloseRequest cf2 e5
        n3/server: Close
        n1/maintainers: MaintainerCloseRequest cf1 e5
        release sink
        n3/server: LocalFence
        pass 100ms
        state
    ";
    insta::assert_snapshot!(play("master", script), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts0 to n1/maintainers
    hold sink
    n1/maintainers: MaintainerBootstrapRequest cf2 ts10 e5
    n1/maintainers: MaintainerCloseRequest cf2 e5
    n3/server: Close
    n1/maintainers: MaintainerCloseRequest cf1 e5
        ** Ignored cf1 n1 `the orchestrator ends`
    release sink
        ** WritePathClosed cf2 n3 fenced
        ** ManagerClosed cf2 n3
        -> MaintainerCloseResponse cf2 success e5 to n1/maintainers
        ** WritePathClosed cf1 n3
        ** ManagerClosed cf1 n3
    n3/server: LocalFence
    pass 100ms
        -> DispatchersClosed to n3/server
        -> LocalFenced to n3/server
    state
        n3 is alive and sees n1, n2, n3
        orchestrator fenced closed
        cf2 closed e5
    ");
    insta::assert_snapshot!(play("baseline", "
        n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e0
        hold sink
        n1/maintainers: MaintainerBootstrapRequest cf2 ts10 e0
        n3/server: Close
        release sink
        pass 100ms
        state
    "), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e0
        ** ManagerCreated cf1 n3 n1 e0
        -> MaintainerBootstrapResponse cf1 e0 ts0 to n1/maintainers
    hold sink
    n1/maintainers: MaintainerBootstrapRequest cf2 ts10 e0
    n3/server: Close
    release sink
        ** ManagerCreated cf2 n3 n1 e0
        -> MaintainerBootstrapResponse cf2 e0 ts0 to n1/maintainers
        ** ManagerClosed cf2 n3
        ** ManagerClosed cf1 n3
    pass 100ms
        -> DispatchersClosed to n3/server
    state
        n3 is alive and sees n1, n2, n3
        orchestrator closed
    ");
}

/// What is lost on its way to a log is waited for as long as its connections allow, and a close no longer.
#[test]
fn a_close_waits_ten_seconds_for_a_checkpoint_that_is_lost() {
    let script = "
        party dispatchers with kafka
        overlook HeartBeatRequest
        n3/maintainers: MaintainerBootstrapRequest cf1 ts10 d1@n3 e5
        n3/maintainers: MaintainerPostBootstrapRequest cf1 d1@n3 e5
        hold sink
        n3/maintainers: CheckpointTsMessage cf1 ts20
        lose sink
        pass 11s
        release sink
        n3/maintainers: CheckpointTsMessage cf1 ts30
        hold sink
        n3/maintainers: CheckpointTsMessage cf1 ts40
        lose sink
        n3/maintainers: MaintainerCloseRequest cf1 e5
        pass 9s
        pass 2s
    ";
    insta::assert_snapshot!(play("master", script), @"
    party dispatchers with kafka
    overlook HeartBeatRequest
    n3/maintainers: MaintainerBootstrapRequest cf1 ts10 d1@n3 e5
        ** DispatcherCreated cf1 d1@n3 ddl ts10
        ** ManagerCreated cf1 n3 n3 e5
        -> MaintainerBootstrapResponse cf1 e5 ts10 spans: d1@n3 ddl Initializing ts10 default to n3/maintainers
    n3/maintainers: MaintainerPostBootstrapRequest cf1 d1@n3 e5
        ** TriggerRegistered cf1 d1@n3
        -> MaintainerPostBootstrapResponse cf1 d1@n3 e5 to n3/maintainers
    hold sink
    n3/maintainers: CheckpointTsMessage cf1 ts20
    lose sink
    pass 11s
    release sink
    n3/maintainers: CheckpointTsMessage cf1 ts30
        ** CheckpointApplied n3/dispatchers query3 cf1 ts30
    hold sink
    n3/maintainers: CheckpointTsMessage cf1 ts40
    lose sink
    n3/maintainers: MaintainerCloseRequest cf1 e5
        -> MaintainerCloseResponse cf1 e5 to n3/maintainers
        ** WritePathClosed cf1 n3
        ** DispatcherUnregistered cf1 d1@n3
    pass 9s
    pass 2s
        ** ManagerClosed cf1 n3
    ");
}
