//! The dispatchers of a node, driven by hand: inputs are values, the answer is text.

use crate::hand::{Hand, N1, N2, N3, bootstrap, close, create, remove};
use model::Place;

/// Everything that is asked of `n3/dispatchers`, and what it says, sends and sets off.
fn told(policy: &str, script: impl FnOnce(&mut Hand)) -> String {
    let mut hand = Hand::new(Place::Dispatchers, policy);
    script(&mut hand);
    hand.text
}

#[test]
fn a_dispatcher_is_created_and_works() {
    let text = told("master", |hand| {
        hand.resolve(100);
        hand.tell(N1, bootstrap(5, None));
        hand.tell(N1, create(5, 7));
    });
    insta::assert_snapshot!(text, @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts0 to n1/maintainers
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d7@n1 t7 ts10 default e5
        ** DispatcherCreated cf1 d7@n1 t7 ts10
    ");
}

#[test]
fn a_stale_create_is_refused_by_epoch() {
    let text = told("master", |hand| {
        hand.tell(N1, bootstrap(5, None));
        hand.tell(N2, bootstrap(6, None));
        hand.tell(N1, create(5, 7));
    });
    insta::assert_snapshot!(text, @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts0 to n1/maintainers
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
        ** OwnerChanged cf1 n3 n2 e6
        -> MaintainerBootstrapResponse cf1 e6 ts0 to n2/maintainers
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d7@n1 t7 ts10 default e5
        ** StaleRefused cf1 n1 e5 n2 e6
    ");
}

#[test]
fn without_a_fence_a_stale_create_is_executed() {
    let text = told("baseline", |hand| {
        hand.tell(N1, bootstrap(0, None));
        hand.tell(N2, bootstrap(0, None));
        hand.tell(N1, create(0, 7));
    });
    insta::assert_snapshot!(text, @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e0
        ** ManagerCreated cf1 n3 n1 e0
        -> MaintainerBootstrapResponse cf1 e0 ts0 to n1/maintainers
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e0
        ** OwnerChanged cf1 n3 n2 e0
        -> MaintainerBootstrapResponse cf1 e0 ts0 to n2/maintainers
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d7@n1 t7 ts10 default e0
        ** DispatcherCreated cf1 d7@n1 t7 ts10
    ");
}

#[test]
fn a_foreign_close_is_acknowledged_and_not_executed() {
    let text = told("master", |hand| {
        hand.tell(N1, bootstrap(5, None));
        hand.tell(N2, close(4, false));
        hand.tell(N1, close(5, false));
        hand.tell(N1, close(5, false));
        hand.tell(N1, bootstrap(5, None));
        hand.tell(N2, bootstrap(6, None));
    });
    insta::assert_snapshot!(text, @"
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
    n1/maintainers: MaintainerCloseRequest cf1 e5
        -> MaintainerCloseResponse cf1 success e5 to n1/maintainers
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** ClosedEpochRefused cf1 n1 e5 e5
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
        ** ManagerCreated cf1 n3 n2 e6
        -> MaintainerBootstrapResponse cf1 e6 ts0 to n2/maintainers
    ");
}

#[test]
fn another_table_trigger_is_no_reason_to_change_the_owner() {
    let text = told("master", |hand| {
        hand.tell(N1, bootstrap(5, Some(1)));
        hand.tell(N2, bootstrap(6, Some(2)));
        hand.tell(N2, bootstrap(6, None));
        hand.tell(N1, close(5, false));
    });
    insta::assert_snapshot!(text, @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 d1@n1 e5
        ** DispatcherCreated cf1 d1@n1 ddl ts10
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts10 spans: d1@n1 ddl Initializing ts10 default to n1/maintainers
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 d2@n1 e6
        ** TakeoverRefused cf1 n2 `the table trigger is another one`
        -> MaintainerBootstrapResponse cf1 e6 ts0 `the table trigger is another one` to n2/maintainers
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
        ** TakeoverRefused cf1 n2 `there is a table trigger`
        -> MaintainerBootstrapResponse cf1 e6 ts0 `there is a table trigger` to n2/maintainers
    n1/maintainers: MaintainerCloseRequest cf1 e5
        -> MaintainerCloseResponse cf1 e5 to n1/maintainers
        ** WritePathClosed cf1 n3
        ** ManagerClosed cf1 n3
    ");
}

#[test]
fn the_removal_of_an_unknown_dispatcher_is_answered() {
    let text = told("master", |hand| {
        hand.tell(N1, bootstrap(5, None));
        hand.tell(N1, remove(5, 7));
        hand.advance(20);
    });
    insta::assert_snapshot!(text, @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts0 to n1/maintainers
    n1/maintainers: ScheduleDispatcherRequest cf1 Remove (Remove) d7@n1 t7 ts10 default e5
    20 ms pass
        -> HeartBeatRequest cf1 ts10 ts10 seq=0 statuses: d7@n1 Stopped ts0 to n1/maintainers
    ");
}

#[test]
fn a_removed_dispatcher_is_reported_stopped_once() {
    let text = told("master", |hand| {
        hand.resolve(100);
        hand.tell(N1, bootstrap(5, None));
        hand.tell(N1, create(5, 7));
        hand.advance(1000);
        hand.tell(N1, remove(5, 7));
        hand.tell(N1, remove(5, 7));
        hand.advance(450);
    });
    insta::assert_snapshot!(text, @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts0 to n1/maintainers
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d7@n1 t7 ts10 default e5
        ** DispatcherCreated cf1 d7@n1 t7 ts10
    1000 ms pass
        -> HeartBeatRequest cf1 ts10 ts10 seq=1 statuses: d7@n1 Working ts10 to n1/maintainers
        -> HeartBeatRequest cf1 ts100 ts100 seq=1 to n1/maintainers
    n1/maintainers: ScheduleDispatcherRequest cf1 Remove (Remove) d7@n1 t7 ts10 default e5
        ** DispatcherUnregistered cf1 d7@n1
    n1/maintainers: ScheduleDispatcherRequest cf1 Remove (Remove) d7@n1 t7 ts10 default e5
    450 ms pass
        ** DispatcherCleaned cf1 d7@n1 ts100
        -> HeartBeatRequest cf1 ts100 ts100 seq=1 statuses: d7@n1 Stopped ts100 to n1/maintainers
        -> HeartBeatRequest cf1 ts-infinite ts-infinite seq=1 to n1/maintainers
    ");
}

#[test]
fn a_fenced_node_takes_no_requests() {
    let text = told("master", |hand| {
        hand.resolve(100);
        hand.tell(N1, bootstrap(5, None));
        hand.tell(N1, create(5, 7));
        hand.tell(N3, model::dispatchers::Inbox::LocalFence);
        hand.tell(N1, create(5, 8));
        hand.tell(N1, bootstrap(5, None));
    });
    insta::assert_snapshot!(text, @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts0 to n1/maintainers
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d7@n1 t7 ts10 default e5
        ** DispatcherCreated cf1 d7@n1 t7 ts10
    n3/maintainers: LocalFence
        ** WritePathClosed cf1 n3 fenced
        ** DispatcherUnregistered cf1 d7@n1
        ** ManagerClosed cf1 n3
        -> LocalFenced to n3/server
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d8@n1 t8 ts10 default e5
        ** Ignored cf1 n1 `no dispatcher manager`
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** Ignored cf1 n1 `the orchestrator ends`
    ");
}
