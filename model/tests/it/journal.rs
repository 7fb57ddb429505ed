//! The journal of a dispatcher manager, driven by hand: what is begun and not finished, and what of it the next maintainer
//! learns.

use crate::hand::{Hand, N1, N2, bootstrap, changed, close, create, remove};
use model::{
    Addr, DispatcherId, Mode, Place,
    dispatchers::{Inbox, OperatorType},
};

/// A manager of n1's maintainer, of epoch 5 where there are epochs; then the script.
fn told(policy: &str, script: impl FnOnce(&mut Hand)) -> String {
    let mut hand = Hand::new(Place::Dispatchers, policy);
    hand.resolve(100);
    hand.tell(N1, bootstrap(5, None));
    hand.text.clear();
    script(&mut hand);
    hand.text
}

fn working(hand: &mut Hand, n: u32) {
    hand.tell(N1, create(5, n));
    hand.advance(20);
    hand.text.clear();
}

/// A dispatcher that is to be removed by n1's maintainer, and cannot be drained.
fn stuck(hand: &mut Hand) {
    working(hand, 7);
    hand.hold(Addr::Sink);
    hand.resolve(3_000_000);
    hand.tell(N1, remove(5, 7));
    hand.text.clear();
}

fn as_part_of(kind: OperatorType, request: Inbox) -> Inbox {
    changed(request, |request| request.kind = kind)
}

#[test]
fn a_removal_under_way_is_told_to_the_next_maintainer() {
    let text = told("master", |hand| {
        stuck(hand);
        hand.tell(N2, bootstrap(6, None));
        hand.tell(N1, remove(5, 7));
        hand.tell(N2, as_part_of(OperatorType::Move, remove(6, 7)));
        hand.tell(N2, bootstrap(6, None));
        hand.release(Addr::Sink);
        hand.advance(1000);
        hand.tell(N2, bootstrap(6, None));
    });
    insta::assert_snapshot!(text, @"
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
        ** OwnerChanged cf1 n3 n2 e6
        -> MaintainerBootstrapResponse cf1 e6 ts0 spans: d7@n1 t7 Working ts46285 default operators: cf1 Remove (Remove) d7@n1 t7 ts10 default e5 to n2/maintainers
    n1/maintainers: ScheduleDispatcherRequest cf1 Remove (Remove) d7@n1 t7 ts10 default e5
        ** StaleRefused cf1 n1 e5 n2 e6
    n2/maintainers: ScheduleDispatcherRequest cf1 Remove (Move) d7@n1 t7 ts10 default e6
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
        -> MaintainerBootstrapResponse cf1 e6 ts0 spans: d7@n1 t7 Working ts46285 default operators: cf1 Remove (Move) d7@n1 t7 ts10 default e6 to n2/maintainers
    sink answers
        ** Applied n3/dispatchers query3 cf1 changes: INSERT t7 key=0 ts46286 d7@n1, UPDATE t7 key=0 ts1030271 d7@n1, UPDATE t7 key=0 ts2268381 d7@n1, UPDATE t7 key=0 ts2377393 d7@n1, UPDATE t7 key=0 ts2916734 d7@n1
        ** WriteFlushed cf1 d7@n1 query3
    1000 ms pass
        ** DispatcherCleaned cf1 d7@n1 ts3000000
        -> HeartBeatRequest cf1 ts3000000 ts3000000 seq=1 statuses: d7@n1 Stopped ts3000000 to n2/maintainers
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
        -> MaintainerBootstrapResponse cf1 e6 ts0 to n2/maintainers
    ");
}

/// Whoever asks between two steps of the heartbeat task may find an entry of a dispatcher that is gone.
#[test]
fn a_removal_is_told_of_with_its_dispatcher() {
    let script = |hand: &mut Hand| {
        working(hand, 7);
        hand.tell(N1, remove(5, 7));
        hand.stall("Task");
        hand.advance(1000);
        hand.one_step();
        hand.one_step();
        hand.stall_no_more();
        hand.tell(N2, bootstrap(6, None));
        hand.go_on();
    };
    insta::assert_snapshot!(told("master", script), @"
    n1/maintainers: ScheduleDispatcherRequest cf1 Remove (Remove) d7@n1 t7 ts10 default e5
        ** DispatcherUnregistered cf1 d7@n1
    Task stands still
    1000 ms pass
    one step
    one step
        ** DispatcherCleaned cf1 d7@n1 ts100
    no more stand still
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
        ** OwnerChanged cf1 n3 n2 e6
        -> MaintainerBootstrapResponse cf1 e6 ts0 to n2/maintainers
    all go on
        -> HeartBeatRequest cf1 ts100 ts100 seq=1 statuses: d7@n1 Stopped ts100 to n2/maintainers
    ");
    insta::assert_snapshot!(told("master+dispatchers.stale_removes=told", script), @"
    n1/maintainers: ScheduleDispatcherRequest cf1 Remove (Remove) d7@n1 t7 ts10 default e5
        ** DispatcherUnregistered cf1 d7@n1
    Task stands still
    1000 ms pass
    one step
    one step
        ** DispatcherCleaned cf1 d7@n1 ts100
    no more stand still
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
        ** OwnerChanged cf1 n3 n2 e6
        -> MaintainerBootstrapResponse cf1 e6 ts0 operators: cf1 Remove (Remove) d7@n1 t7 ts10 default e5 to n2/maintainers
    all go on
        -> HeartBeatRequest cf1 ts100 ts100 seq=1 statuses: d7@n1 Stopped ts100 to n2/maintainers
    ");
}

#[test]
fn a_creation_that_did_not_succeed_is_told_while_it_may_be_tried_again() {
    let script = |hand: &mut Hand| {
        hand.hold(Addr::Sink);
        hand.tell(N1, create(5, 7));
        hand.tell(N1, close(5, false));
        hand.tell(N1, bootstrap(5, None));
    };
    insta::assert_snapshot!(told("pr-5434", script), @"
    sink is silent
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d7@n1 t7 ts10 default e5
    n1/maintainers: MaintainerCloseRequest cf1 e5
        -> MaintainerCloseResponse cf1 e0 to n1/maintainers
        ** WritePathClosed cf1 n3
        ** ManagerClosed cf1 n3
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        -> MaintainerBootstrapResponse cf1 e0 ts0 operators: cf1 Create (Add) d7@n1 t7 ts10 default e5 to n1/maintainers
    ");
    insta::assert_snapshot!(told("pr-5434+dispatchers.create_journal=until_attempted", script), @"
    sink is silent
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d7@n1 t7 ts10 default e5
    n1/maintainers: MaintainerCloseRequest cf1 e5
        -> MaintainerCloseResponse cf1 e0 to n1/maintainers
        ** WritePathClosed cf1 n3
        ** ManagerClosed cf1 n3
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        -> MaintainerBootstrapResponse cf1 e0 ts0 to n1/maintainers
    ");
}

#[test]
fn a_creation_of_an_earlier_owner_is_told_of_or_not() {
    let script = |hand: &mut Hand| {
        hand.hold(Addr::Sink);
        hand.tell(N1, create(5, 7));
        hand.tell(N1, close(5, false));
        hand.tell(N2, bootstrap(6, None));
    };
    let without_mutex = "master+orchestrator.fence_mutex=none";
    insta::assert_snapshot!(told(without_mutex, script), @"
    sink is silent
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d7@n1 t7 ts10 default e5
    n1/maintainers: MaintainerCloseRequest cf1 e5
        -> MaintainerCloseResponse cf1 e5 to n1/maintainers
        ** WritePathClosed cf1 n3
        ** ManagerClosed cf1 n3
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
        ** OwnerChanged cf1 n3 n2 e6
        -> MaintainerBootstrapResponse cf1 e6 ts0 to n2/maintainers
    ");
    let told_of = format!("{without_mutex}+dispatchers.stale_creates=told");
    insta::assert_snapshot!(told(&told_of, script), @"
    sink is silent
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d7@n1 t7 ts10 default e5
    n1/maintainers: MaintainerCloseRequest cf1 e5
        -> MaintainerCloseResponse cf1 e5 to n1/maintainers
        ** WritePathClosed cf1 n3
        ** ManagerClosed cf1 n3
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
        ** OwnerChanged cf1 n3 n2 e6
        -> MaintainerBootstrapResponse cf1 e6 ts0 operators: cf1 Create (Add) d7@n1 t7 ts10 default e5 to n2/maintainers
    ");
}

#[test]
fn an_entry_of_an_earlier_owner_blocks_nobody() {
    let script = |hand: &mut Hand| {
        stuck(hand);
        hand.tell(N2, bootstrap(6, None));
        hand.tell(N2, create(6, 7));
        hand.tell(N2, bootstrap(6, None));
    };
    insta::assert_snapshot!(told("master", script), @"
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
        ** OwnerChanged cf1 n3 n2 e6
        -> MaintainerBootstrapResponse cf1 e6 ts0 spans: d7@n1 t7 Working ts46285 default operators: cf1 Remove (Remove) d7@n1 t7 ts10 default e5 to n2/maintainers
    n2/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d7@n1 t7 ts10 default e6
        ** Ignored cf1 n2 `the dispatcher exists`
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
        -> MaintainerBootstrapResponse cf1 e6 ts0 spans: d7@n1 t7 Working ts46285 default to n2/maintainers
    ");
    insta::assert_snapshot!(told("master+dispatchers.stale_journal=blocks", script), @"
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
        ** OwnerChanged cf1 n3 n2 e6
        -> MaintainerBootstrapResponse cf1 e6 ts0 spans: d7@n1 t7 Working ts46285 default operators: cf1 Remove (Remove) d7@n1 t7 ts10 default e5 to n2/maintainers
    n2/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d7@n1 t7 ts10 default e6
        ** Ignored cf1 n2 `an earlier request is not finished`
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
        -> MaintainerBootstrapResponse cf1 e6 ts0 spans: d7@n1 t7 Working ts46285 default operators: cf1 Remove (Remove) d7@n1 t7 ts10 default e5 to n2/maintainers
    ");
}

#[test]
fn two_generations_may_be_in_the_journal_if_it_goes_by_them() {
    let script = |hand: &mut Hand| {
        stuck(hand);
        hand.tell(N2, bootstrap(6, None));
        hand.tell(N2, remove(6, 7));
        hand.tell(N2, bootstrap(6, None));
    };
    insta::assert_snapshot!(told("M4", script), @"
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
        ** OwnerChanged cf1 n3 n2 e6
        -> MaintainerBootstrapResponse cf1 e6 ts0 spans: d7@n1 t7 Working ts46285 default operators: cf1 Remove (Remove) d7@n1 t7 ts10 default e5 to n2/maintainers
    n2/maintainers: ScheduleDispatcherRequest cf1 Remove (Remove) d7@n1 t7 ts10 default e6
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
        -> MaintainerBootstrapResponse cf1 e6 ts0 spans: d7@n1 t7 Working ts46285 default operators: cf1 Remove (Remove) d7@n1 t7 ts10 default e5, cf1 Remove (Remove) d7@n1 t7 ts10 default e6 to n2/maintainers
    ");
}

#[test]
fn what_names_no_dispatcher_or_needs_redo_is_dropped() {
    let text = told("master", |hand| {
        hand.tell(N1, changed(create(5, 7), |request| request.id = DispatcherId::NONE));
        hand.tell(N1, changed(create(5, 7), |request| request.mode = Mode::Redo));
        hand.tell(N1, changed(remove(5, 7), |request| request.mode = Mode::Redo));
        hand.tell(N1, create(5, 7));
        hand.tell(N1, create(5, 7));
        hand.tell(N1, bootstrap(5, None));
    });
    insta::assert_snapshot!(text, @"
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d0@n0 t7 ts10 default e5
        ** Ignored cf1 n1 `it names no dispatcher`
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d7@n1 t7 ts10 redo e5
        ** Ignored cf1 n1 `redo is not ready`
    n1/maintainers: ScheduleDispatcherRequest cf1 Remove (Remove) d7@n1 t7 ts10 redo e5
        ** Ignored cf1 n1 `redo is not ready`
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d7@n1 t7 ts10 default e5
        ** DispatcherCreated cf1 d7@n1 t7 ts10
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d7@n1 t7 ts10 default e5
        ** Ignored cf1 n1 `the dispatcher exists`
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        -> MaintainerBootstrapResponse cf1 e5 ts0 spans: d7@n1 t7 Working ts100 default to n1/maintainers
    ");
}

/// Requests that were admitted are written down one by one, and struck out a moment after their dispatcher is there: without
/// a fence mutex a maintainer that asks in between is told of both.
#[test]
fn a_creation_is_unfinished_a_moment_longer_than_its_dispatcher_is_missing() {
    let script = |hand: &mut Hand| {
        hand.stall("Task task2");
        hand.tell(N1, create(5, 7));
        for _ in 0..4 {
            hand.one_step();
        }
        hand.tell(N2, bootstrap(6, None));
        hand.go_on();
    };
    insta::assert_snapshot!(told("pr-5434", script), @"
    Task task2 stands still
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d7@n1 t7 ts10 default e5
    one step
    one step
    one step
    one step
        ** DispatcherCreated cf1 d7@n1 t7 ts10
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
        ** EpochMismatch cf1 n3 e5 e6
        ** OwnerChanged cf1 n3 n2 e5
        -> MaintainerBootstrapResponse cf1 e0 ts0 spans: d7@n1 t7 Working ts100 default operators: cf1 Create (Add) d7@n1 t7 ts10 default e5 to n2/maintainers
    all go on
    ");
    insta::assert_snapshot!(told("pr-5435", script), @"
    Task task2 stands still
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d7@n1 t7 ts10 default e5
    one step
    one step
    one step
    one step
        ** DispatcherCreated cf1 d7@n1 t7 ts10
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
    all go on
        ** OwnerChanged cf1 n3 n2 e6
        -> MaintainerBootstrapResponse cf1 e6 ts0 spans: d7@n1 t7 Working ts100 default to n2/maintainers
    ");
}

/// What a response tells is gathered part by part: a dispatcher that was there may be gone when its removal is looked for.
#[test]
fn a_dispatcher_is_told_of_without_its_removal() {
    let text = told("master", |hand| {
        working(hand, 7);
        hand.advance(970);
        hand.tell(N1, remove(5, 7));
        hand.stall("Task task5");
        hand.tell(N2, bootstrap(6, None));
        for _ in 0..6 {
            hand.one_step();
        }
        hand.advance(200);
        hand.go_on();
    });
    insta::assert_snapshot!(text, @"
    970 ms pass
    n1/maintainers: ScheduleDispatcherRequest cf1 Remove (Remove) d7@n1 t7 ts10 default e5
        ** DispatcherUnregistered cf1 d7@n1
    Task task5 stands still
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
    one step
    one step
        ** OwnerChanged cf1 n3 n2 e6
    one step
    one step
    one step
    one step
    200 ms pass
        ** DispatcherCleaned cf1 d7@n1 ts100
        -> HeartBeatRequest cf1 ts100 ts100 seq=1 statuses: d7@n1 Stopped ts100 to n2/maintainers
    all go on
        -> MaintainerBootstrapResponse cf1 e6 ts0 spans: d7@n1 t7 Working ts100 default to n2/maintainers
    ");
}

/// A second Remove finds its dispatcher, which a heartbeat takes out before the entry is written: it stays for good.
#[test]
fn an_entry_may_come_too_late() {
    let script = |hand: &mut Hand| {
        working(hand, 7);
        hand.advance(970);
        hand.tell(N1, remove(5, 7));
        hand.stall("Task task5");
        hand.tell(N1, remove(5, 7));
        hand.advance(200);
        hand.go_on();
        hand.advance(20);
        hand.tell(N1, bootstrap(5, None));
        hand.tell(N2, bootstrap(6, None));
    };
    insta::assert_snapshot!(told("master", script), @"
    970 ms pass
    n1/maintainers: ScheduleDispatcherRequest cf1 Remove (Remove) d7@n1 t7 ts10 default e5
        ** DispatcherUnregistered cf1 d7@n1
    Task task5 stands still
    n1/maintainers: ScheduleDispatcherRequest cf1 Remove (Remove) d7@n1 t7 ts10 default e5
    200 ms pass
        ** DispatcherCleaned cf1 d7@n1 ts100
        -> HeartBeatRequest cf1 ts100 ts100 seq=1 statuses: d7@n1 Stopped ts100 to n1/maintainers
    all go on
    20 ms pass
        -> HeartBeatRequest cf1 ts-infinite ts-infinite seq=1 to n1/maintainers
        -> HeartBeatRequest cf1 ts10 ts10 seq=1 statuses: d7@n1 Stopped ts0 to n1/maintainers
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        -> MaintainerBootstrapResponse cf1 e5 ts0 operators: cf1 Remove (Remove) d7@n1 t7 ts10 default e5 to n1/maintainers
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
        ** OwnerChanged cf1 n3 n2 e6
        -> MaintainerBootstrapResponse cf1 e6 ts0 to n2/maintainers
    ");
}

/// When the write path is closed while dispatchers are created, even those that are there stay in the journal.
#[test]
fn a_closed_write_path_keeps_every_creation() {
    let script = |hand: &mut Hand| {
        hand.hold(Addr::Sink);
        hand.tell(N1, create(5, 6));
        hand.tell(N1, create(5, 7));
        hand.tell(N1, create(5, 8));
        hand.stall("Task task3");
        hand.release(Addr::Sink);
        for _ in 0..6 {
            hand.one_step();
        }
        hand.tell(N1, close(5, false));
        hand.go_on();
        hand.text += &hand.state();
    };
    insta::assert_snapshot!(told("pr-5106", script), @"
    sink is silent
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d6@n1 t6 ts10 default e5
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d7@n1 t7 ts10 default e5
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d8@n1 t8 ts10 default e5
    Task task3 stands still
    sink answers
        ** DispatcherCreated cf1 d6@n1 t6 ts10
    one step
    one step
    one step
    one step
    one step
    one step
        ** DispatcherCreated cf1 d8@n1 t8 ts10
    n1/maintainers: MaintainerCloseRequest cf1 e5
        -> MaintainerCloseResponse cf1 e0 to n1/maintainers
        ** WritePathClosed cf1 n3
        ** DispatcherUnregistered cf1 d6@n1
        ** DispatcherUnregistered cf1 d8@n1
        ** ManagerClosed cf1 n3
    all go on
    n3 is alive and sees n1, n2, n3
    cf1 follows n1 e5 closed write-path-closed cancelled
      d6@n1 t6 Working ts100 unregistered removing
      d8@n1 t8 Working ts100 unregistered removing
      journal d7@n1 Create (Add) from n1 e5
      journal d8@n1 Create (Add) from n1 e5
    ");
    insta::assert_snapshot!(told("baseline", script), @"
    sink is silent
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d6@n1 t6 ts10 default e5
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d7@n1 t7 ts10 default e5
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d8@n1 t8 ts10 default e5
    Task task3 stands still
    sink answers
        ** DispatcherCreated cf1 d6@n1 t6 ts10
    one step
    one step
    one step
    one step
    one step
    one step
        ** DispatcherCreated cf1 d8@n1 t8 ts10
    n1/maintainers: MaintainerCloseRequest cf1 e5
        -> MaintainerCloseResponse cf1 e0 to n1/maintainers
        ** DispatcherUnregistered cf1 d6@n1
        ** DispatcherUnregistered cf1 d8@n1
        ** ManagerClosed cf1 n3
    all go on
        ** DispatcherCreated cf1 d7@n1 t7 ts10
    n3 is alive and sees n1, n2, n3
    cf1 follows n1 e5 closed cancelled
      d6@n1 t6 Working ts100 unregistered removing
      d7@n1 t7 Working ts100
      d8@n1 t8 Working ts100 unregistered removing
    ");
}
