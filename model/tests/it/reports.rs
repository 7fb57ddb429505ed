//! What a dispatcher manager reports to its maintainer, driven by hand: when, and what it says.

use crate::hand::{Hand, N1, N2, N3, bootstrap, changed, close, create, remove};
use model::{Addr, Place, Ts, dispatchers};

/// A manager of n1's maintainer; then the script.
fn told(policy: &str, script: impl FnOnce(&mut Hand)) -> String {
    let mut hand = Hand::new(Place::Dispatchers, policy);
    script(&mut hand);
    hand.text
}

fn begin(hand: &mut Hand, resolved: u64) {
    hand.resolve(resolved);
    hand.tell(N1, bootstrap(5, None));
    hand.text.clear();
}

#[test]
fn a_manager_reports_after_a_second_and_then_five_times_a_second() {
    let text = told("master", |hand| {
        begin(hand, 100);
        hand.advance(2000);
        hand.tell(N1, create(5, 7));
        hand.advance(10);
        hand.advance(989);
        hand.advance(1);
        hand.advance(199);
        hand.advance(1);
    });
    insta::assert_snapshot!(text, @"
    2000 ms pass
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d7@n1 t7 ts10 default e5
        ** DispatcherCreated cf1 d7@n1 t7 ts10
    10 ms pass
        -> HeartBeatRequest cf1 ts10 ts10 seq=1 statuses: d7@n1 Working ts10 to n1/maintainers
    989 ms pass
    1 ms pass
        -> HeartBeatRequest cf1 ts100 ts100 seq=1 to n1/maintainers
    199 ms pass
    1 ms pass
        -> HeartBeatRequest cf1 ts100 ts100 seq=1 to n1/maintainers
    ");
}

#[test]
fn every_fiftieth_report_is_complete() {
    let text = told("master", |hand| {
        begin(hand, 100);
        hand.tell(N1, create(5, 7));
        hand.advance(10_799);
        hand.text.clear();
        hand.advance(201);
    });
    insta::assert_snapshot!(text, @"
    201 ms pass
        -> HeartBeatRequest cf1 ts100 ts100 seq=1 statuses: d7@n1 Working ts100 complete to n1/maintainers
        -> HeartBeatRequest cf1 ts100 ts100 seq=1 to n1/maintainers
    ");
}

#[test]
fn with_low_latency_reports_begin_at_once_and_come_twenty_times_a_second() {
    let script = |hand: &mut Hand| {
        hand.configure(|config| config.low_latency = true);
        begin(hand, 100);
        hand.tell(N1, create(5, 7));
        hand.advance(0);
        hand.advance(49);
        hand.advance(1);
    };
    insta::assert_snapshot!(told("master", script), @"
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d7@n1 t7 ts10 default e5
        ** DispatcherCreated cf1 d7@n1 t7 ts10
    0 ms pass
        -> HeartBeatRequest cf1 ts100 ts100 seq=1 to n1/maintainers
    49 ms pass
        -> HeartBeatRequest cf1 ts10 ts10 seq=1 statuses: d7@n1 Working ts10 to n1/maintainers
    1 ms pass
        -> HeartBeatRequest cf1 ts100 ts100 seq=1 to n1/maintainers
    ");
    insta::assert_snapshot!(told("pr-3769", script), @"
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d7@n1 t7 ts10 default e5
        ** DispatcherCreated cf1 d7@n1 t7 ts10
    0 ms pass
    49 ms pass
        -> HeartBeatRequest cf1 ts10 ts10 seq=1 statuses: d7@n1 Working ts10 to n1/maintainers
    1 ms pass
    ");
    let complete = |hand: &mut Hand| {
        script(hand);
        hand.advance(9899);
        hand.text.clear();
        hand.advance(1);
    };
    insta::assert_snapshot!(told("master", complete), @"
    1 ms pass
        -> HeartBeatRequest cf1 ts100 ts100 seq=1 statuses: d7@n1 Working ts100 complete to n1/maintainers
    ");
}

/// The status of a dispatcher lowers the checkpoint that was known before, and its number never lowers that of the
/// report: the maintainer would take it for an old one.
#[test]
fn the_number_of_a_report_never_falls_back() {
    let text = told("master", |hand| {
        begin(hand, 5);
        hand.tell(N1, create(5, 7));
        hand.tell(N1, changed(create(5, 8), |request| request.start_ts = Ts(3)));
        hand.advance(1000);
        hand.tell(N1, remove(5, 9));
        hand.advance(100);
        hand.text.clear();
        hand.resolve(100);
        hand.advance(20);
    });
    insta::assert_snapshot!(text, @"
    20 ms pass
        -> HeartBeatRequest cf1 ts5 ts5 seq=2 statuses: d7@n1 Working ts10 to n1/maintainers
    ");
}

#[test]
fn changes_of_ten_milliseconds_go_together() {
    let text = told("master", |hand| {
        begin(hand, 100);
        hand.tell(N1, create(5, 7));
        hand.advance(9);
        hand.tell(N1, create(5, 8));
        hand.advance(1);
        hand.tell(N1, remove(5, 9));
        hand.advance(10);
    });
    insta::assert_snapshot!(text, @"
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d7@n1 t7 ts10 default e5
        ** DispatcherCreated cf1 d7@n1 t7 ts10
    9 ms pass
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d8@n1 t8 ts10 default e5
        ** DispatcherCreated cf1 d8@n1 t8 ts10
    1 ms pass
        -> HeartBeatRequest cf1 ts10 ts10 seq=2 statuses: d7@n1 Working ts10, d8@n1 Working ts10 to n1/maintainers
    n1/maintainers: ScheduleDispatcherRequest cf1 Remove (Remove) d9@n1 t9 ts10 default e5
    10 ms pass
        -> HeartBeatRequest cf1 ts10 ts10 seq=2 statuses: d9@n1 Stopped ts0 to n1/maintainers
    ");
}

/// It holds the checkpoint back, though nobody is told of it.
#[test]
fn a_dispatcher_without_events_is_counted_and_not_listed() {
    let text = told("master", |hand| {
        begin(hand, 5);
        hand.tell(N1, create(5, 7));
        hand.advance(10_799);
        hand.text.clear();
        hand.advance(1);
    });
    insta::assert_snapshot!(text, @"
    1 ms pass
        -> HeartBeatRequest cf1 ts10 ts10 seq=1 complete to n1/maintainers
    ");
}

#[test]
fn a_dispatcher_that_drains_is_listed_as_it_was() {
    let text = told("master", |hand| {
        begin(hand, 100);
        hand.tell(N1, create(5, 7));
        hand.advance(100);
        hand.hold(Addr::Sink);
        hand.resolve(3_000_000);
        hand.tell(N1, remove(5, 7));
        hand.advance(10_699);
        hand.text.clear();
        hand.advance(1);
        hand.release(Addr::Sink);
        hand.advance(400);
    });
    insta::assert_snapshot!(text, @"
    1 ms pass
        -> HeartBeatRequest cf1 ts46285 ts3000000 seq=1 statuses: d7@n1 Working ts46285 complete to n1/maintainers
    sink answers
        ** Applied n3/dispatchers query3 cf1 changes: INSERT t7 key=0 ts46286 d7@n1, UPDATE t7 key=0 ts1030271 d7@n1, UPDATE t7 key=0 ts2268381 d7@n1, UPDATE t7 key=0 ts2377393 d7@n1, UPDATE t7 key=0 ts2916734 d7@n1
        ** WriteFlushed cf1 d7@n1 query3
    400 ms pass
        ** DispatcherCleaned cf1 d7@n1 ts3000000
        -> HeartBeatRequest cf1 ts3000000 ts3000000 seq=1 statuses: d7@n1 Stopped ts3000000 to n1/maintainers
        -> HeartBeatRequest cf1 ts-infinite ts-infinite seq=1 to n1/maintainers
    ");
}

#[test]
fn a_report_goes_to_the_owner_of_its_time() {
    let text = told("master", |hand| {
        begin(hand, 100);
        hand.tell(N1, create(5, 7));
        hand.advance(1000);
        hand.tell(N2, bootstrap(6, None));
        hand.advance(200);
    });
    insta::assert_snapshot!(text, @"
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d7@n1 t7 ts10 default e5
        ** DispatcherCreated cf1 d7@n1 t7 ts10
    1000 ms pass
        -> HeartBeatRequest cf1 ts10 ts10 seq=1 statuses: d7@n1 Working ts10 to n1/maintainers
        -> HeartBeatRequest cf1 ts100 ts100 seq=1 to n1/maintainers
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
        ** OwnerChanged cf1 n3 n2 e6
        -> MaintainerBootstrapResponse cf1 e6 ts0 spans: d7@n1 t7 Working ts100 default to n2/maintainers
    200 ms pass
        -> HeartBeatRequest cf1 ts100 ts100 seq=1 to n2/maintainers
    ");
}

#[test]
fn a_manager_that_is_closed_reports_nothing() {
    let text = told("master", |hand| {
        begin(hand, 100);
        hand.tell(N1, create(5, 7));
        hand.advance(1000);
        hand.text.clear();
        hand.tell(N1, remove(5, 9));
        hand.tell(N1, close(5, false));
        hand.advance(1000);
    });
    insta::assert_snapshot!(text, @"
    n1/maintainers: ScheduleDispatcherRequest cf1 Remove (Remove) d9@n1 t9 ts10 default e5
    n1/maintainers: MaintainerCloseRequest cf1 e5
        -> MaintainerCloseResponse cf1 e5 to n1/maintainers
        ** WritePathClosed cf1 n3
        ** DispatcherUnregistered cf1 d7@n1
        ** ManagerClosed cf1 n3
    1000 ms pass
    ");
}

/// The watermark of a manager without dispatchers is infinite, and so is that of one whose last dispatcher has stopped.
#[test]
fn the_last_dispatcher_stops_once() {
    let text = told("master", |hand| {
        begin(hand, 100);
        hand.tell(N1, create(5, 7));
        hand.advance(1000);
        hand.text.clear();
        hand.tell(N1, remove(5, 7));
        hand.advance(400);
        hand.tell(N1, remove(5, 7));
        hand.advance(20);
        hand.tell(N3, dispatchers::Inbox::LocalFence);
        hand.advance(400);
    });
    insta::assert_snapshot!(text, @"
    n1/maintainers: ScheduleDispatcherRequest cf1 Remove (Remove) d7@n1 t7 ts10 default e5
        ** DispatcherUnregistered cf1 d7@n1
    400 ms pass
        ** DispatcherCleaned cf1 d7@n1 ts100
        -> HeartBeatRequest cf1 ts100 ts100 seq=1 statuses: d7@n1 Stopped ts100 to n1/maintainers
        -> HeartBeatRequest cf1 ts-infinite ts-infinite seq=1 to n1/maintainers
    n1/maintainers: ScheduleDispatcherRequest cf1 Remove (Remove) d7@n1 t7 ts10 default e5
    20 ms pass
        -> HeartBeatRequest cf1 ts10 ts10 seq=1 statuses: d7@n1 Stopped ts0 to n1/maintainers
    n3/maintainers: LocalFence
        ** WritePathClosed cf1 n3 fenced
        ** ManagerClosed cf1 n3
        -> LocalFenced to n3/server
    400 ms pass
    ");
}

/// A report that is being made when another maintainer takes over goes to that one.
#[test]
fn whom_a_report_is_for_is_looked_up_last() {
    let text = told("master", |hand| {
        begin(hand, 100);
        hand.tell(N1, create(5, 7));
        hand.advance(900);
        hand.stall("Task");
        hand.advance(100);
        hand.one_step();
        hand.stall_no_more();
        hand.tell(N2, bootstrap(6, None));
        hand.go_on();
    });
    insta::assert_snapshot!(text, @"
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d7@n1 t7 ts10 default e5
        ** DispatcherCreated cf1 d7@n1 t7 ts10
    900 ms pass
        -> HeartBeatRequest cf1 ts10 ts10 seq=1 statuses: d7@n1 Working ts10 to n1/maintainers
    Task stands still
    100 ms pass
    one step
    no more stand still
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
        ** OwnerChanged cf1 n3 n2 e6
        -> MaintainerBootstrapResponse cf1 e6 ts0 spans: d7@n1 t7 Working ts100 default to n2/maintainers
    all go on
        -> HeartBeatRequest cf1 ts100 ts100 seq=1 to n2/maintainers
    ");
}

/// The report that an unknown dispatcher has stopped has the number of the last one that was inserted.
#[test]
fn an_unknown_dispatcher_stops_under_the_present_number() {
    let text = told("master", |hand| {
        begin(hand, 100);
        hand.tell(N1, create(5, 8));
        hand.advance(20);
        hand.tell(N1, remove(5, 5));
        hand.advance(20);
    });
    insta::assert_snapshot!(text, @"
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d8@n1 t8 ts10 default e5
        ** DispatcherCreated cf1 d8@n1 t8 ts10
    20 ms pass
        -> HeartBeatRequest cf1 ts10 ts10 seq=1 statuses: d8@n1 Working ts10 to n1/maintainers
    n1/maintainers: ScheduleDispatcherRequest cf1 Remove (Remove) d5@n1 t5 ts10 default e5
    20 ms pass
        -> HeartBeatRequest cf1 ts10 ts10 seq=1 statuses: d5@n1 Stopped ts0 to n1/maintainers
    ");
}

/// The report of the second dispatcher starts from what was known when that of the first was made (F17 in docs/findings.md).
#[test]
fn a_report_of_a_change_starts_from_where_the_one_before_ended() {
    let told = |policy| {
        let mut hand = Hand::new(Place::Dispatchers, policy);
        begin(&mut hand, 100);
        hand.tell(N1, create(5, 7));
        hand.advance(2000);
        hand.text.clear();
        hand.tell(N1, changed(create(5, 8), |request| request.start_ts = Ts(20)));
        hand.advance(10);
        hand.text
    };
    insta::assert_snapshot!(told("master"), @"
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d8@n1 t8 ts20 default e5
        ** DispatcherCreated cf1 d8@n1 t8 ts20
    10 ms pass
        -> HeartBeatRequest cf1 ts10 ts10 seq=2 statuses: d8@n1 Working ts20 to n1/maintainers
    ");
    insta::assert_snapshot!(told("master+dispatchers.status_watermark=for_the_report"), @"
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d8@n1 t8 ts20 default e5
        ** DispatcherCreated cf1 d8@n1 t8 ts20
    10 ms pass
        -> HeartBeatRequest cf1 ts20 ts100 seq=2 statuses: d8@n1 Working ts20 to n1/maintainers
    ");
}
