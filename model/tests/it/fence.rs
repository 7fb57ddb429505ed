//! The local fence: managers stop writing at once, those under construction too, and nothing begins afterwards.

use crate::script::{play, watch};

/// Everything that is promised of fences.
const PROMISES: &[&str] = &["no_write_after_stop", "no_lock_forever"];

/// The context is cancelled before anything else; what has not been sent stays unsent.
#[test]
fn a_fence_cancels_first() {
    let script = "
        n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d1@n1 t1 ts10 default e5
        n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d2@n1 t2 ts10 default e5
        stall Task
        n3/server: LocalFence
        step
        step
        step
        step
        step
        step
        upstream: Resolved ts3000000
        go on
        state cf1
    ";
    insta::assert_snapshot!(watch(PROMISES, "master", script), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts0 to n1/maintainers
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d1@n1 t1 ts10 default e5
        ** DispatcherCreated cf1 d1@n1 t1 ts10
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d2@n1 t2 ts10 default e5
        ** DispatcherCreated cf1 d2@n1 t2 ts10
    stall Task
    n3/server: LocalFence
    step
    step
    step
    step
        ** WritePathClosed cf1 n3 fenced
    step
    step
    upstream: Resolved ts3000000
    go on
        ** DispatcherUnregistered cf1 d1@n1
        ** DispatcherUnregistered cf1 d2@n1
        ** ManagerClosed cf1 n3
        -> LocalFenced to n3/server
    state cf1
        cf1 follows n1 e5 closed write-path-closed cancelled
    ");
    insta::assert_snapshot!(watch(PROMISES, "master+orchestrator.fence_order=dispatchers_first", script), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts0 to n1/maintainers
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d1@n1 t1 ts10 default e5
        ** DispatcherCreated cf1 d1@n1 t1 ts10
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d2@n1 t2 ts10 default e5
        ** DispatcherCreated cf1 d2@n1 t2 ts10
    stall Task
    n3/server: LocalFence
    step
    step
    step
    step
        ** WritePathClosed cf1 n3 fenced
    step
    step
        ** DispatcherUnregistered cf1 d1@n1
    upstream: Resolved ts3000000
        ** WriteStarted cf1 d2@n1 t2 query4
        ** Applied n3/dispatchers query4 cf1 changes: INSERT t2 key=0 ts236440 d2@n1, UPDATE t2 key=0 ts1156964 d2@n1, UPDATE t2 key=0 ts2491562 d2@n1, UPDATE t2 key=0 ts2799357 d2@n1
        ** WriteFlushed cf1 d2@n1 query4
        !! no_write_after_stop (manager): d2@n1 writes t2 of cf1 on n3, which fences its manager
    go on
        ** DispatcherUnregistered cf1 d2@n1
        ** ManagerClosed cf1 n3
        -> LocalFenced to n3/server
    state cf1
        cf1 follows n1 e5 closed write-path-closed cancelled
    ");
}

/// One manager after the other. What comes after is dropped, wherever it is found.
#[test]
fn a_fenced_orchestrator() {
    let script = "
        n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        n1/maintainers: MaintainerBootstrapRequest cf2 ts10 e5
        stall Shard
        n1/maintainers: MaintainerBootstrapRequest cf3 ts10 e5
        n3/server: LocalFence
        n1/maintainers: MaintainerCloseRequest cf1 e5
        go on
        n3/server: LocalFence
        state
    ";
    insta::assert_snapshot!(play("master", script), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts0 to n1/maintainers
    n1/maintainers: MaintainerBootstrapRequest cf2 ts10 e5
        ** ManagerCreated cf2 n3 n1 e5
        -> MaintainerBootstrapResponse cf2 e5 ts0 to n1/maintainers
    stall Shard
    n1/maintainers: MaintainerBootstrapRequest cf3 ts10 e5
    n3/server: LocalFence
        ** WritePathClosed cf2 n3 fenced
        ** ManagerClosed cf2 n3
        ** WritePathClosed cf1 n3 fenced
        ** ManagerClosed cf1 n3
        -> LocalFenced to n3/server
    n1/maintainers: MaintainerCloseRequest cf1 e5
        ** Ignored cf1 n1 `the orchestrator ends`
    go on
        ** Ignored cf3 n1 `the node has fenced itself`
    n3/server: LocalFence
        -> LocalFenced to n3/server
    state
        n3 is alive and sees n1, n2, n3
        orchestrator fenced
        cf1 follows n1 e5 closed write-path-closed cancelled
        cf2 follows n1 e5 closed write-path-closed cancelled
    ");
    insta::assert_snapshot!(play("master+orchestrator.fenced_requests=handled", script), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts0 to n1/maintainers
    n1/maintainers: MaintainerBootstrapRequest cf2 ts10 e5
        ** ManagerCreated cf2 n3 n1 e5
        -> MaintainerBootstrapResponse cf2 e5 ts0 to n1/maintainers
    stall Shard
    n1/maintainers: MaintainerBootstrapRequest cf3 ts10 e5
    n3/server: LocalFence
        ** WritePathClosed cf2 n3 fenced
        ** ManagerClosed cf2 n3
        ** WritePathClosed cf1 n3 fenced
        ** ManagerClosed cf1 n3
        -> LocalFenced to n3/server
    n1/maintainers: MaintainerCloseRequest cf1 e5
    go on
        ** WritePathClosed cf3 n3 fenced
        ** ManagerClosed cf3 n3
        ** ConstructionFailed cf3 n3 `the write path is closed`
        -> MaintainerCloseResponse cf1 success e5 to n1/maintainers
    n3/server: LocalFence
        -> LocalFenced to n3/server
    state
        n3 is alive and sees n1, n2, n3
        orchestrator fenced
        cf2 follows n1 e5 closed write-path-closed cancelled
        cf1 closed e5
    ");
}

/// A manager under construction is fenced while it connects, and says nothing.
#[test]
fn a_fence_finds_a_manager_under_construction() {
    let script = "
        hold sink
        n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        n3/server: LocalFence
        release sink
        n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d1@n1 t1 ts10 default e5
        upstream: Resolved ts5000000
        state
    ";
    insta::assert_snapshot!(watch(PROMISES, "master", script), @"
    hold sink
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
    n3/server: LocalFence
        ** WritePathClosed cf1 n3 fenced
        ** ConstructionFailed cf1 n3 `the context is cancelled`
        ** ManagerClosed cf1 n3
        -> LocalFenced to n3/server
    release sink
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d1@n1 t1 ts10 default e5
        ** Ignored cf1 n1 `no dispatcher manager`
    upstream: Resolved ts5000000
    state
        n3 is alive and sees n1, n2, n3
        orchestrator fenced
    ");
    insta::assert_snapshot!(watch(PROMISES, "master+orchestrator.initializing=unknown", script), @"
    hold sink
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
    n3/server: LocalFence
        -> LocalFenced to n3/server
    release sink
        ** ManagerCreated cf1 n3 n1 e5
        ** WritePathClosed cf1 n3 fenced
        ** ManagerClosed cf1 n3
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d1@n1 t1 ts10 default e5
        ** Ignored cf1 n1 `no dispatcher manager`
    upstream: Resolved ts5000000
    state
        n3 is alive and sees n1, n2, n3
        orchestrator fenced
        cf1 follows n1 e5 closed write-path-closed cancelled
    ");
}

/// A construction that begins after a fence is refused, if anything lets it begin.
#[test]
fn a_construction_after_a_fence() {
    let script = "
        n3/server: LocalFence
        n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d1@n1 t1 ts10 default e5
        upstream: Resolved ts5000000
    ";
    let handled = "master+orchestrator.fenced_requests=handled";
    insta::assert_snapshot!(watch(PROMISES, handled, script), @"
    n3/server: LocalFence
        -> LocalFenced to n3/server
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** WritePathClosed cf1 n3 fenced
        ** ManagerClosed cf1 n3
        ** ConstructionFailed cf1 n3 `the write path is closed`
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d1@n1 t1 ts10 default e5
        ** Ignored cf1 n1 `no dispatcher manager`
    upstream: Resolved ts5000000
    ");
    let unknown = format!("{handled}+orchestrator.initializing=unknown");
    insta::assert_snapshot!(watch(PROMISES, &unknown, script), @"
    n3/server: LocalFence
        -> LocalFenced to n3/server
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts0 to n1/maintainers
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d1@n1 t1 ts10 default e5
        ** DispatcherCreated cf1 d1@n1 t1 ts10
    upstream: Resolved ts5000000
        ** WriteStarted cf1 d1@n1 t1 query3
        ** Applied n3/dispatchers query3 cf1 changes: INSERT t1 key=0 ts1568060 d1@n1, UPDATE t1 key=0 ts3446935 d1@n1, UPDATE t1 key=0 ts4551387 d1@n1, UPDATE t1 key=0 ts4835569 d1@n1
        ** WriteFlushed cf1 d1@n1 query3
        !! no_write_after_stop (node): d1@n1 writes t1 of cf1 on n3, which has fenced itself
    ");
}

/// What took long to build is thrown away when the write path was closed meanwhile.
#[test]
fn a_dispatcher_that_comes_too_late() {
    let script = "
        n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        stall Task task2
        n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d1@n1 t1 ts10 default e5
        step
        step
        step
        n3/server: LocalFence
        go on
        state
    ";
    insta::assert_snapshot!(play("master", script), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts0 to n1/maintainers
    stall Task task2
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d1@n1 t1 ts10 default e5
    step
    step
    step
    n3/server: LocalFence
        ** WritePathClosed cf1 n3 fenced
        ** ManagerClosed cf1 n3
        -> LocalFenced to n3/server
    go on
    state
        n3 is alive and sees n1, n2, n3
        orchestrator fenced
        cf1 follows n1 e5 closed write-path-closed cancelled
          journal d1@n1 Create (Add) from n1 e5
    ");
    insta::assert_snapshot!(play("M23", script), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts0 to n1/maintainers
    stall Task task2
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d1@n1 t1 ts10 default e5
    step
    step
    step
    n3/server: LocalFence
        ** WritePathClosed cf1 n3 fenced
        ** ManagerClosed cf1 n3
        -> LocalFenced to n3/server
    go on
        ** DispatcherCreated cf1 d1@n1 t1 ts10
    state
        n3 is alive and sees n1, n2, n3
        orchestrator fenced
        cf1 follows n1 e5 closed write-path-closed cancelled
          d1@n1 t1 Initializing ts10
    ");
}

/// A construction that fails fences what it has built. Half-built managers of old versions stay.
#[test]
fn a_construction_that_fails() {
    let script = "
        hold sink
        n1/maintainers: MaintainerBootstrapRequest cf1 ts10 d1@n1 e5
        sink: Connected query1
        sink: Failed query2 BadConnection
        state
    ";
    insta::assert_snapshot!(play("master", script), @"
    hold sink
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 d1@n1 e5
    sink: Connected query1
    sink: Failed query2 BadConnection
        ** WritePathClosed cf1 n3 fenced
        ** ManagerClosed cf1 n3
        ** ConstructionFailed cf1 n3 `bad connection`
        -> MaintainerBootstrapResponse cf1 e5 ts0 `bad connection` to n1/maintainers
    state
        n3 is alive and sees n1, n2, n3
    ");
    insta::assert_snapshot!(play("baseline", script), @"
    hold sink
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 d1@n1 e5
    sink: Connected query1
    sink: Failed query2 BadConnection
        ** ConstructionFailed cf1 n3 `bad connection`
        -> MaintainerBootstrapResponse cf1 e0 ts0 `bad connection` to n1/maintainers
    state
        n3 is alive and sees n1, n2, n3
        cf1 follows n1 e5 unregistered sink-abnormal
    ");
}

/// A fence does not wait until the goroutines of a manager have ended.
#[test]
fn a_fence_and_the_cleanup() {
    let script = "
        n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        stall Task task3
        n3/server: LocalFence
        step
        step
        step
        step
        step
        step
        step
        step
        step
        step
        step
        step
        go on
    ";
    insta::assert_snapshot!(play("master", &script.replace("        step\n", "")), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts0 to n1/maintainers
    stall Task task3
    n3/server: LocalFence
        ** WritePathClosed cf1 n3 fenced
        -> LocalFenced to n3/server
    go on
        ** ManagerClosed cf1 n3
    ");
    insta::assert_snapshot!(play("M22", &script.replace("task3", "task2")), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts0 to n1/maintainers
    stall Task task2
    n3/server: LocalFence
    step
    step
    step
    step
        ** WritePathClosed cf1 n3 fenced
    step
    step
    step
    step
    step
    step
    step
    step
        ** ManagerClosed cf1 n3
    go on
        -> LocalFenced to n3/server
    ");
}

/// A close that has begun is not hurried by a fence, which returns at once: the context is cancelled when the close comes to
/// that. So it is in every version.
#[test]
fn a_fence_that_finds_a_closing() {
    let script = "
        n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d1@n1 t1 ts10 default e5
        stall Task task4
        stall Worker
        upstream: Resolved ts5000000
        n1/maintainers: MaintainerCloseRequest cf1 e5
        step
        n3/server: LocalFence
        step
        step
        go on
    ";
    insta::assert_snapshot!(watch(PROMISES, "master", script), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts0 to n1/maintainers
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d1@n1 t1 ts10 default e5
        ** DispatcherCreated cf1 d1@n1 t1 ts10
    stall Task task4
    stall Worker
    upstream: Resolved ts5000000
    n1/maintainers: MaintainerCloseRequest cf1 e5
        -> MaintainerCloseResponse cf1 e5 to n1/maintainers
    step
        ** WriteStarted cf1 d1@n1 t1 query3
        ** Applied n3/dispatchers query3 cf1 changes: INSERT t1 key=0 ts1568060 d1@n1, UPDATE t1 key=0 ts3446935 d1@n1, UPDATE t1 key=0 ts4551387 d1@n1, UPDATE t1 key=0 ts4835569 d1@n1
        ** WriteFlushed cf1 d1@n1 query3
        ** WritePathClosed cf1 n3
    n3/server: LocalFence
        -> LocalFenced to n3/server
    step
    step
        ** DispatcherUnregistered cf1 d1@n1
    go on
        ** ManagerClosed cf1 n3
    ");
}

/// A fence that comes before a close has got anywhere does its work.
#[test]
fn a_close_and_a_fence_race() {
    let script = "
        n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        stall Task task3
        n1/maintainers: MaintainerCloseRequest cf1 e5
        n3/server: LocalFence
        go on
        state
    ";
    insta::assert_snapshot!(watch(PROMISES, "master", script), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts0 to n1/maintainers
    stall Task task3
    n1/maintainers: MaintainerCloseRequest cf1 e5
        -> MaintainerCloseResponse cf1 e5 to n1/maintainers
    n3/server: LocalFence
        ** WritePathClosed cf1 n3 fenced
        -> LocalFenced to n3/server
    go on
        ** ManagerClosed cf1 n3
    state
        n3 is alive and sees n1, n2, n3
        orchestrator fenced
        cf1 follows n1 e5 closed write-path-closed cancelled
    ");
}
