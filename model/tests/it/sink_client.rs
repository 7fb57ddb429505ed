//! The sink client of a manager, driven by hand: which worker writes a row, how, how often, and what comes of errors.

use crate::hand::{CF, Hand, N1, N2, N3, bootstrap, create, remove};
use model::{
    Addr, DispatcherId, Msg, Note, Place, TableId, Ts, Workload, dispatchers,
    sink::{self, Change, Class, Command, Downstream, Op, QueryId, Transaction},
};
use sim::{Duration, Input, What};

const MYSQL: Class = Class::Mysql;

/// What the dispatchers say that replicate nine tables of so many rows to a downstream of this class.
fn told(class: Class, rows: u32, script: impl FnOnce(&mut Hand)) -> String {
    driven(class, rows, script).text
}

fn driven(class: Class, rows: u32, script: impl FnOnce(&mut Hand)) -> Hand {
    driven_under("master", class, rows, script)
}

fn driven_under(policy: &'static str, class: Class, rows: u32, script: impl FnOnce(&mut Hand)) -> Hand {
    let second = Duration::from_secs(1);
    let workload = Workload {
        tables: 9,
        row_every: second,
        rows,
        deletes_per_million: 300_000,
        until: second.times(400),
        ..Workload::default()
    };
    let mut hand = Hand::replicating(&workload, Downstream::of(class), policy);
    script(&mut hand);
    hand
}

/// Dispatcher 7 of table 7 works; everything that it has to write is new.
fn working(hand: &mut Hand) {
    hand.resolve(100);
    hand.tell(N1, bootstrap(5, None));
    hand.tell(N1, create(5, 7));
    hand.text.clear();
}

fn fail(hand: &mut Hand, kind: &'static str, retryable: bool, times: Option<u32>) {
    let share_per_million = 1_000_000;
    let command = Command::FailStatements { kind, retryable, share_per_million, times, lasts: None };
    hand.command(Addr::Sink, command);
}

/// Rows that are replaced may be downstream already; later ones are inserted, updated and deleted.
#[test]
fn what_was_committed_before_a_dispatcher_was_created_is_written_in_safe_mode() {
    let text = told(MYSQL, 1, |hand| {
        hand.resolve(3_000_000);
        hand.tell(N1, bootstrap(5, None));
        hand.tell(N1, create(5, 7));
        hand.resolve(7_000_000);
    });
    insta::assert_snapshot!(text, @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts0 to n1/maintainers
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d7@n1 t7 ts10 default e5
        ** DispatcherCreated cf1 d7@n1 t7 ts10
        ** WriteStarted cf1 d7@n1 t7 query3
        ** Applied n3/dispatchers query3 cf1 changes: REPLACE t7 key=0 ts46286 d7@n1, DELETE t7 key=0 ts1030271 d7@n1, REPLACE t7 key=0 ts1030271 d7@n1, DELETE t7 key=0 ts2268381 d7@n1, REPLACE t7 key=0 ts2268381 d7@n1, DELETE t7 key=0 ts2377393 d7@n1, REPLACE t7 key=0 ts2916734 d7@n1
        ** WriteFlushed cf1 d7@n1 query3
        ** WriteStarted cf1 d7@n1 t7 query4
        ** Applied n3/dispatchers query4 cf1 changes: DELETE t7 key=0 ts3892538 d7@n1, INSERT t7 key=0 ts4733242 d7@n1, UPDATE t7 key=0 ts5424329 d7@n1
        ** WriteFlushed cf1 d7@n1 query4
    ");
}

/// The rows of one key go to one worker, in order, as long as one of them is under way.
#[test]
fn rows_that_conflict_keep_their_order() {
    let text = told(MYSQL, 2, |hand| {
        working(hand);
        hand.hold_only(Addr::Sink, "Execute");
        hand.resolve(6_000_000);
        hand.release(Addr::Sink);
        hand.resolve(9_000_000);
    });
    insta::assert_snapshot!(text, @"
    sink does not hear Execute
        ** WriteStarted cf1 d7@n1 t7 query3
        ** WriteStarted cf1 d7@n1 t7 query4
    sink answers
        ** Applied n3/dispatchers query3 cf1 changes: INSERT t7 key=0 ts46286 d7@n1, UPDATE t7 key=0 ts2268381 d7@n1, DELETE t7 key=0 ts2377393 d7@n1, INSERT t7 key=0 ts2916734 d7@n1, UPDATE t7 key=0 ts4733242 d7@n1
        ** WriteFlushed cf1 d7@n1 query3
        ** Applied n3/dispatchers query4 cf1 changes: INSERT t7 key=524288 ts1030271 d7@n1, DELETE t7 key=524288 ts3892538 d7@n1, INSERT t7 key=524288 ts5424329 d7@n1
        ** WriteFlushed cf1 d7@n1 query4
        ** WriteStarted cf1 d7@n1 t7 query5
        ** WriteStarted cf1 d7@n1 t7 query6
        ** Applied n3/dispatchers query5 cf1 changes: DELETE t7 key=524288 ts7289064 d7@n1
        ** Applied n3/dispatchers query6 cf1 changes: DELETE t7 key=0 ts8035883 d7@n1
        ** WriteFlushed cf1 d7@n1 query5
        ** WriteFlushed cf1 d7@n1 query6
    ");
}

/// A worker has one transaction under way; what comes meanwhile is its next one, of all dispatchers together.
#[test]
fn transactions_take_rows_of_several_dispatchers() {
    let mut hand = Hand::replicating(
        &crate::hand::workload(),
        Downstream { workers: 1, ..Downstream::of(MYSQL) },
        "master",
    );
    working(&mut hand);
    hand.tell(N1, create(5, 8));
    hand.text.clear();
    hand.hold_only(Addr::Sink, "Execute");
    hand.resolve(1_000_000);
    hand.resolve(4_000_000);
    hand.release(Addr::Sink);
    insta::assert_snapshot!(hand.text, @"
    sink does not hear Execute
        ** WriteStarted cf1 d7@n1 t7 query4
    sink answers
        ** Applied n3/dispatchers query4 cf1 changes: INSERT t7 key=0 ts46286 d7@n1
        ** WriteFlushed cf1 d7@n1 query4
        ** WriteStarted cf1 d8@n1 t8 query5
        ** WriteStarted cf1 d7@n1 t7 query5
        ** Applied n3/dispatchers query5 cf1 changes: INSERT t8 key=0 ts1728747 d8@n1, UPDATE t8 key=0 ts2909535 d8@n1, UPDATE t7 key=0 ts1030271 d7@n1, UPDATE t7 key=0 ts2268381 d7@n1, UPDATE t7 key=0 ts2377393 d7@n1, UPDATE t7 key=0 ts2916734 d7@n1, UPDATE t7 key=0 ts3892538 d7@n1
        ** WriteFlushed cf1 d8@n1 query5
        ** WriteFlushed cf1 d7@n1 query5
    ");
}

/// How many transactions are under way at most, and how many rows they have at most, in the order of their end.
fn sizes(class: Class) -> (usize, Vec<usize>) {
    let millis = Duration::from_millis(1);
    let workload = Workload {
        tables: 9,
        row_every: millis,
        rows: 1024,
        until: millis.times(60_000),
        ..Workload::default()
    };
    let mut hand = Hand::replicating(&workload, Downstream::of(class), "master");
    working(&mut hand);
    hand.hold_only(Addr::Sink, "Execute");
    hand.resolve(60_000_000);
    let under_way = hand.waiting_for(Addr::Sink).expect("it is held");
    hand.release(Addr::Sink);
    let applied = hand.steps.iter().flat_map(|(record, _)| &record.notes).filter_map(|note| match note {
        Note::Sink(sink::Note::Applied { transaction, .. }) => Some(transaction.changes.len()),
        _ => None,
    });
    (under_way, applied.collect())
}

#[test]
fn workers_and_rows_of_a_transaction_are_limited() {
    for (class, workers) in [(Class::Mysql, 16), (Class::Tidb, 64), (Class::Kafka, 1)] {
        let (under_way, sizes) = sizes(class);
        assert_eq!(under_way, workers, "{class:?}");
        assert_eq!(sizes.iter().max(), Some(&256), "{class:?}");
    }
}

/// Somebody else has written a row that the dispatchers know nothing of.
fn somebody_writes(hand: &mut Hand, key: u32) {
    let writer = DispatcherId { maker: N2, n: 9 };
    let change = Change { op: Op::Insert, table: TableId(7), key, commit: Ts(5), writer };
    let transaction = Box::new(Transaction { cf: CF, changes: vec![change] });
    let execute = sink::Inbox::Execute { query: QueryId(1), stepwise: false, transaction };
    hand.ask(Addr::Sink, Addr::Node(N2, Place::Dispatchers), execute);
}

/// The whole transaction is. Another worker knows nothing of it.
#[test]
fn a_duplicate_key_is_written_once_more_in_safe_mode() {
    let text = told(MYSQL, 1, |hand| {
        working(hand);
        somebody_writes(hand, 0);
        hand.resolve(2_000_000);
        hand.resolve(2_300_000);
    });
    insta::assert_snapshot!(text, @"
    n2/dispatchers to sink: Execute query1 cf1 changes: INSERT t7 key=0 ts5 d9@n2
        ** Applied n2/dispatchers query1 cf1 changes: INSERT t7 key=0 ts5 d9@n2
        ** WriteStarted cf1 d7@n1 t7 query3
        ** RolledBack n3/dispatchers query3 DuplicateEntry
        ** SafeMode cf1 worker=1 query3
        ** WriteStarted cf1 d7@n1 t7 query4
        ** Applied n3/dispatchers query4 cf1 changes: REPLACE t7 key=0 ts46286 d7@n1, DELETE t7 key=0 ts1030271 d7@n1, REPLACE t7 key=0 ts1030271 d7@n1
        ** WriteFlushed cf1 d7@n1 query4
        ** WriteStarted cf1 d7@n1 t7 query5
        ** Applied n3/dispatchers query5 cf1 changes: UPDATE t7 key=0 ts2268381 d7@n1
        ** WriteFlushed cf1 d7@n1 query5
    ");
}

/// It stays in safe mode for five seconds; that is looked at when a transaction begins.
#[test]
fn a_worker_leaves_safe_mode() {
    let mut hand = Hand::replicating(
        &crate::hand::workload(),
        Downstream { workers: 1, ..Downstream::of(MYSQL) },
        "master",
    );
    working(&mut hand);
    somebody_writes(&mut hand, 0);
    hand.resolve(1_000_000);
    hand.advance(5_000);
    hand.resolve(2_300_000);
    hand.advance(1);
    hand.resolve(3_000_000);
    insta::assert_snapshot!(only(&hand.text, &["pass", "**", "sink"]), @"
    n2/dispatchers to sink: Execute query1 cf1 changes: INSERT t7 key=0 ts5 d9@n2
        ** Applied n2/dispatchers query1 cf1 changes: INSERT t7 key=0 ts5 d9@n2
        ** WriteStarted cf1 d7@n1 t7 query3
        ** RolledBack n3/dispatchers query3 DuplicateEntry
        ** SafeMode cf1 worker=0 query3
        ** WriteStarted cf1 d7@n1 t7 query4
        ** Applied n3/dispatchers query4 cf1 changes: REPLACE t7 key=0 ts46286 d7@n1
        ** WriteFlushed cf1 d7@n1 query4
    5000 ms pass
        ** WriteStarted cf1 d7@n1 t7 query5
        ** Applied n3/dispatchers query5 cf1 changes: DELETE t7 key=0 ts1030271 d7@n1, REPLACE t7 key=0 ts1030271 d7@n1, DELETE t7 key=0 ts2268381 d7@n1, REPLACE t7 key=0 ts2268381 d7@n1
        ** WriteFlushed cf1 d7@n1 query5
    1 ms pass
        ** WriteStarted cf1 d7@n1 t7 query6
        ** Applied n3/dispatchers query6 cf1 changes: UPDATE t7 key=0 ts2377393 d7@n1, UPDATE t7 key=0 ts2916734 d7@n1
        ** WriteFlushed cf1 d7@n1 query6
    ");
}

/// From the second try on it is sent one statement after the other.
#[test]
fn a_transaction_is_tried_again_after_a_while() {
    let text = told(MYSQL, 1, |hand| {
        working(hand);
        fail(hand, "Execute", true, Some(2));
        hand.resolve(1_000_000);
        hand.advance(900);
        for (record, _) in &hand.steps {
            if let What::Step {
                input: Input::Message { msg: msg @ Msg::Sink(sink::Inbox::Execute { .. }), .. },
                ..
            } = &record.what
            {
                hand.text += &format!("sent: {msg}\n");
            }
        }
    });
    insta::assert_snapshot!(text, @"
    FailStatements `Execute` retryable share_per_million=1000000 times=2 at sink
        ** WriteStarted cf1 d7@n1 t7 query3
        ** RolledBack n3/dispatchers query3 BadConnection
        ** WriteFailed cf1 query3 BadConnection
    900 ms pass
        -> HeartBeatRequest cf1 ts10 ts10 seq=1 statuses: d7@n1 Working ts10 to n1/maintainers
        ** WriteStarted cf1 d7@n1 t7 query4
        ** RolledBack n3/dispatchers query4 BadConnection
        ** WriteFailed cf1 query4 BadConnection
        ** WriteStarted cf1 d7@n1 t7 query5
        ** Applied n3/dispatchers query5 cf1 changes: INSERT t7 key=0 ts46286 d7@n1
        ** WriteFlushed cf1 d7@n1 query5
    sent: Execute query3 cf1 changes: INSERT t7 key=0 ts46286 d7@n1
    sent: Execute query4 stepwise cf1 changes: INSERT t7 key=0 ts46286 d7@n1
    sent: Execute query5 stepwise cf1 changes: INSERT t7 key=0 ts46286 d7@n1
    ");
}

/// How often a transaction was sent that always fails, and after how many milliseconds each.
fn tries(class: Class) -> Vec<u64> {
    let hand = driven(class, 1, |hand| {
        working(hand);
        fail(hand, "Execute", true, None);
        hand.resolve(1_000_000);
        hand.advance(60_000);
    });
    let sent = hand.steps.iter().filter(|(record, _)| {
        matches!(&record.what, What::Step { actor: Addr::Sink, input: Input::Message { msg, .. } }
            if matches!(msg, Msg::Sink(sink::Inbox::Execute { .. })))
    });
    sent.map(|(record, _)| record.at.nanos() / 1_000_000).collect()
}

#[test]
fn a_transaction_is_given_up_after_so_many_tries() {
    let (mysql, kafka) = (tries(Class::Mysql), tries(Class::Kafka));
    assert_eq!(mysql.len(), 8);
    assert!(mysql.windows(2).all(|two| (100..=5000).contains(&(two[1] - two[0]))), "{mysql:?}");
    assert_eq!(kafka, [0, 100, 200, 300, 400, 500]);
}

/// The maintainer hears of the first error, again every five seconds, and whoever is the owner then.
#[test]
fn an_error_is_reported_to_whoever_is_the_owner() {
    let text = told(MYSQL, 1, |hand| {
        working(hand);
        fail(hand, "Execute", false, Some(1));
        hand.resolve(1_000_000);
        hand.tell(N2, bootstrap(6, None));
        hand.advance(5_000);
    });
    insta::assert_snapshot!(only(&text, &["**", "err", "`"]), @"
    FailStatements `Execute` share_per_million=1000000 times=1 at sink
        ** WriteStarted cf1 d7@n1 t7 query3
        ** RolledBack n3/dispatchers query3 NoSuchTable
        ** WorkerFailed cf1 worker=1 query3 NoSuchTable
        ** SinkFailed cf1 `the table does not exist`
        -> HeartBeatRequest cf1 `the table does not exist` to n1/maintainers
        ** OwnerChanged cf1 n3 n2 e6
        -> HeartBeatRequest cf1 `the table does not exist` to n2/maintainers
    ");
}

/// Lines of which a part is one of these.
fn only(text: &str, parts: &[&str]) -> String {
    let lines = text.lines().filter(|line| parts.iter().any(|part| line.contains(part)));
    lines.map(|line| format!("{line}\n")).collect()
}

/// The sink is abnormal only when all workers have stopped: those that are at a transaction end with it. From then on
/// removals wait for nothing (I03).
#[test]
fn the_other_workers_finish_what_they_are_at() {
    let text = told(MYSQL, 1, |hand| {
        working(hand);
        hand.tell(N1, create(5, 8));
        hand.hold_only(Addr::Sink, "Execute");
        hand.resolve(2_400_000);
        hand.tell(N1, remove(5, 7));
        hand.advance(50);
        fail(hand, "Execute", false, Some(1));
        hand.serve(Addr::Sink);
        hand.advance(50);
        hand.text += &hand.state();
        hand.serve(Addr::Sink);
        hand.text += &hand.state();
        hand.advance(1000);
    });
    insta::assert_snapshot!(text, @"
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d8@n1 t8 ts10 default e5
        ** DispatcherCreated cf1 d8@n1 t8 ts10
    sink does not hear Execute
        ** WriteStarted cf1 d7@n1 t7 query4
        ** WriteStarted cf1 d8@n1 t8 query5
    n1/maintainers: ScheduleDispatcherRequest cf1 Remove (Remove) d7@n1 t7 ts10 default e5
        ** DispatcherUnregistered cf1 d7@n1
    50 ms pass
        -> HeartBeatRequest cf1 ts10 ts10 seq=2 statuses: d7@n1 Working ts10, d8@n1 Working ts10 to n1/maintainers
    FailStatements `Execute` share_per_million=1000000 times=1 at sink
    sink answers once
        ** RolledBack n3/dispatchers query4 NoSuchTable
        ** WorkerFailed cf1 worker=1 query4 NoSuchTable
    50 ms pass
    n3 is alive and sees n1, n2, n3
    cf1 follows n1 e5
      d7@n1 t7 Working ts46285 unregistered try-removing events-wait
      d8@n1 t8 Working ts1728746 events-wait
      journal d7@n1 Remove (Remove) from n1 e5
    sink answers once
        ** Applied n3/dispatchers query5 cf1 changes: INSERT t8 key=0 ts1728747 d8@n1
        ** WriteFlushed cf1 d8@n1 query5
        ** SinkFailed cf1 `the table does not exist`
        -> HeartBeatRequest cf1 `the table does not exist` to n1/maintainers
    n3 is alive and sees n1, n2, n3
    cf1 follows n1 e5 sink-abnormal
      d7@n1 t7 Working ts46285 unregistered try-removing events-wait
      d8@n1 t8 Working ts2400000
      journal d7@n1 Remove (Remove) from n1 e5
    1000 ms pass
        ** DispatcherCleaned cf1 d7@n1 ts46285
        -> HeartBeatRequest cf1 ts46285 ts2400000 seq=2 statuses: d7@n1 Stopped ts46285 to n1/maintainers
    ");
}

/// After an error no row is taken any more.
#[test]
fn a_failed_sink_takes_nothing() {
    let text = told(MYSQL, 1, |hand| {
        working(hand);
        fail(hand, "Execute", false, Some(1));
        hand.resolve(1_000_000);
        hand.tell(N1, create(5, 8));
        hand.resolve(9_000_000);
        hand.text += &hand.state();
    });
    insta::assert_snapshot!(text, @"
    FailStatements `Execute` share_per_million=1000000 times=1 at sink
        ** WriteStarted cf1 d7@n1 t7 query3
        ** RolledBack n3/dispatchers query3 NoSuchTable
        ** WorkerFailed cf1 worker=1 query3 NoSuchTable
        ** SinkFailed cf1 `the table does not exist`
        -> HeartBeatRequest cf1 `the table does not exist` to n1/maintainers
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d8@n1 t8 ts10 default e5
        ** DispatcherCreated cf1 d8@n1 t8 ts10
    n3 is alive and sees n1, n2, n3
    cf1 follows n1 e5 sink-abnormal
      d7@n1 t7 Working ts46285 events-wait
      d8@n1 t8 Working ts1728746 events-wait
    ");
}

/// What has not reached the server when the context is cancelled never will.
#[test]
fn a_fence_drops_connections() {
    let text = told(MYSQL, 1, |hand| {
        working(hand);
        hand.hold_only(Addr::Sink, "Execute");
        hand.resolve(1_000_000);
        hand.tell(N3, dispatchers::Inbox::LocalFence);
        hand.release(Addr::Sink);
    });
    insta::assert_snapshot!(text, @"
    sink does not hear Execute
        ** WriteStarted cf1 d7@n1 t7 query3
    n3/maintainers: LocalFence
        ** WritePathClosed cf1 n3 fenced
        ** WriteCancelled cf1 query3
        ** DispatcherUnregistered cf1 d7@n1
        ** ManagerClosed cf1 n3
        -> LocalFenced to n3/server
    sink answers
        ** NotReceived n3/dispatchers query3
    ");
}

#[test]
fn what_has_reached_the_server_is_applied_after_a_fence() {
    let text = told(MYSQL, 1, |hand| {
        working(hand);
        hand.stall("Run");
        hand.resolve(1_000_000);
        hand.tell(N3, dispatchers::Inbox::LocalFence);
        hand.go_on();
    });
    insta::assert_snapshot!(text, @"
    Run stands still
        ** WriteStarted cf1 d7@n1 t7 query3
    n3/maintainers: LocalFence
        ** WritePathClosed cf1 n3 fenced
        ** WriteCancelled cf1 query3
        ** DispatcherUnregistered cf1 d7@n1
        ** ManagerClosed cf1 n3
        -> LocalFenced to n3/server
    all go on
        ** Applied n3/dispatchers query3 cf1 changes: INSERT t7 key=0 ts46286 d7@n1
    ");
}

/// A transaction that will be tried again is not, once the context is cancelled.
#[test]
fn a_fence_ends_a_backoff() {
    let text = told(MYSQL, 1, |hand| {
        working(hand);
        fail(hand, "Execute", true, Some(1));
        hand.resolve(1_000_000);
        hand.tell(N3, dispatchers::Inbox::LocalFence);
        hand.advance(10_000);
    });
    insta::assert_snapshot!(text, @"
    FailStatements `Execute` retryable share_per_million=1000000 times=1 at sink
        ** WriteStarted cf1 d7@n1 t7 query3
        ** RolledBack n3/dispatchers query3 BadConnection
        ** WriteFailed cf1 query3 BadConnection
    n3/maintainers: LocalFence
        ** WritePathClosed cf1 n3 fenced
        ** DispatcherUnregistered cf1 d7@n1
        ** ManagerClosed cf1 n3
        -> LocalFenced to n3/server
    10000 ms pass
    ");
}

/// The statement whose connection has broken may still be applied, here before the next try.
#[test]
fn a_call_without_an_answer_is_made_again() {
    let text = told(MYSQL, 1, |hand| {
        working(hand);
        hand.stall("Run");
        hand.resolve(1_000_000);
        hand.advance(119_999);
        hand.text.clear();
        hand.advance(1);
        hand.go_on();
        hand.advance(500);
    });
    insta::assert_snapshot!(only(&text, &["pass", "**", "go on"]), @"
    1 ms pass
        ** WriteFailed cf1 query3 BadConnection
    all go on
        ** Applied n3/dispatchers query3 cf1 changes: INSERT t7 key=0 ts46286 d7@n1
    500 ms pass
        ** WriteStarted cf1 d7@n1 t7 query4
        ** RolledBack n3/dispatchers query4 DuplicateEntry
        ** SafeMode cf1 worker=1 query4
        ** WriteStarted cf1 d7@n1 t7 query5
        ** Applied n3/dispatchers query5 cf1 changes: REPLACE t7 key=0 ts46286 d7@n1
        ** WriteFlushed cf1 d7@n1 query5
    ");
}

/// Nobody reads the channel after the first error: it holds one more, and that is all.
#[test]
fn the_error_channel_has_room_for_one() {
    let text = told(MYSQL, 1, |hand| {
        hand.resolve(100);
        hand.tell(N1, bootstrap(5, None));
        fail(hand, "TableRecoveryInfo", true, None);
        hand.tell(N1, create(5, 7));
        hand.tell(N1, create(5, 8));
        hand.tell(N1, create(5, 9));
        hand.text += &hand.state();
    });
    insta::assert_snapshot!(text, @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts0 to n1/maintainers
    FailStatements `TableRecoveryInfo` retryable share_per_million=1000000 at sink
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d7@n1 t7 ts10 default e5
        -> HeartBeatRequest cf1 `bad connection` to n1/maintainers
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d8@n1 t8 ts10 default e5
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d9@n1 t9 ts10 default e5
        ** ErrorDiscarded cf1 `bad connection`
    n3 is alive and sees n1, n2, n3
    cf1 follows n1 e5 sink-abnormal
      journal d7@n1 Create (Add) from n1 e5
      journal d8@n1 Create (Add) from n1 e5
      journal d9@n1 Create (Add) from n1 e5
    ");
}

/// A query that fails makes the sink abnormal at once, though its workers go on.
#[test]
fn a_failed_query_makes_the_sink_abnormal() {
    let text = told(MYSQL, 1, |hand| {
        working(hand);
        fail(hand, "TableRecoveryInfo", true, Some(1));
        hand.tell(N1, create(5, 8));
        hand.hold_only(Addr::Sink, "Execute");
        hand.resolve(1_000_000);
        hand.tell(N1, remove(5, 7));
        hand.text += &hand.state();
        hand.release(Addr::Sink);
    });
    insta::assert_snapshot!(text, @"
    FailStatements `TableRecoveryInfo` retryable share_per_million=1000000 times=1 at sink
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d8@n1 t8 ts10 default e5
        -> HeartBeatRequest cf1 `bad connection` to n1/maintainers
    sink does not hear Execute
        ** WriteStarted cf1 d7@n1 t7 query4
    n1/maintainers: ScheduleDispatcherRequest cf1 Remove (Remove) d7@n1 t7 ts10 default e5
        ** DispatcherUnregistered cf1 d7@n1
    n3 is alive and sees n1, n2, n3
    cf1 follows n1 e5 sink-abnormal
      d7@n1 t7 Working ts46285 unregistered try-removing removing events-wait
      journal d7@n1 Remove (Remove) from n1 e5
      journal d8@n1 Create (Add) from n1 e5
    sink answers
        ** Applied n3/dispatchers query4 cf1 changes: INSERT t7 key=0 ts46286 d7@n1
        ** WriteFlushed cf1 d7@n1 query4
    ");
}

#[test]
fn a_manager_cannot_be_created_without_its_downstream() {
    let text = told(MYSQL, 1, |hand| {
        fail(hand, "Connect", true, Some(1));
        hand.tell(N1, bootstrap(5, None));
        hand.tell(N1, bootstrap(5, None));
        fail(hand, "TableRecoveryInfo", true, Some(1));
        hand.tell(N1, bootstrap(5, Some(1)));
        hand.tell(N1, bootstrap(5, Some(1)));
    });
    insta::assert_snapshot!(text, @"
    FailStatements `Connect` retryable share_per_million=1000000 times=1 at sink
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** WritePathClosed cf1 n3 fenced
        ** ManagerClosed cf1 n3
        ** ConstructionFailed cf1 n3 `bad connection`
        -> MaintainerBootstrapResponse cf1 e5 ts0 `bad connection` to n1/maintainers
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts0 to n1/maintainers
    FailStatements `TableRecoveryInfo` retryable share_per_million=1000000 times=1 at sink
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 d1@n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts0 `bad connection` to n1/maintainers
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 d1@n1 e5
        ** DispatcherCreated cf1 d1@n1 ddl ts10
        -> MaintainerBootstrapResponse cf1 e5 ts10 spans: d1@n1 ddl Initializing ts10 default to n1/maintainers
    ");
}

/// Nobody asks for DDLs, nothing is replaced, and a message whose acknowledgement is late is there twice.
#[test]
fn a_log_gets_every_change_at_least_once() {
    let text = told(Class::Kafka, 1, |hand| {
        hand.resolve(3_000_000);
        hand.tell(N1, bootstrap(5, None));
        hand.hold_only(Addr::Sink, "TableRecoveryInfo");
        hand.stall("Run");
        hand.tell(N1, create(5, 7));
        hand.go_on();
        hand.stall("Run");
        hand.resolve(6_000_000);
        hand.advance(9_999);
        hand.text.clear();
        hand.advance(1);
        hand.go_on();
        hand.advance(100);
    });
    insta::assert_snapshot!(only(&text, &["pass", "**", "go on"]), @"
    1 ms pass
        ** WriteFailed cf1 query3 BadConnection
    all go on
        ** Applied n3/dispatchers query3 cf1 changes: DELETE t7 key=0 ts3892538 d7@n1, INSERT t7 key=0 ts4733242 d7@n1, UPDATE t7 key=0 ts5424329 d7@n1
    100 ms pass
        ** WriteStarted cf1 d7@n1 t7 query4
        ** Applied n3/dispatchers query4 cf1 changes: DELETE t7 key=0 ts3892538 d7@n1, INSERT t7 key=0 ts4733242 d7@n1, UPDATE t7 key=0 ts5424329 d7@n1
        ** WriteFlushed cf1 d7@n1 query4
    ");
}

/// All partitions have one producer: when it is at its end, so are they, whatever is under way.
#[test]
fn the_producer_of_a_log_fails_as_a_whole() {
    let text = told(Class::Kafka, 1, |hand| {
        working(hand);
        hand.tell(N1, create(5, 8));
        hand.tell(N1, create(5, 9));
        hand.text.clear();
        hand.hold_only(Addr::Sink, "Execute");
        hand.resolve(3_000_000);
        fail(hand, "Execute", false, Some(1));
        hand.serve(Addr::Sink);
        hand.release(Addr::Sink);
        hand.text += &hand.state();
    });
    insta::assert_snapshot!(text, @"
    sink does not hear Execute
        ** WriteStarted cf1 d7@n1 t7 query2
        ** WriteStarted cf1 d8@n1 t8 query3
        ** WriteStarted cf1 d9@n1 t9 query4
    FailStatements `Execute` share_per_million=1000000 times=1 at sink
    sink answers once
        ** RolledBack n3/dispatchers query2 MessageTooLarge
        ** WorkerFailed cf1 worker=1 query2 MessageTooLarge
        ** SinkFailed cf1 `message too large`
        -> HeartBeatRequest cf1 `message too large` to n1/maintainers
    sink answers
        ** Applied n3/dispatchers query3 cf1 changes: INSERT t8 key=0 ts1728747 d8@n1, DELETE t8 key=0 ts2909535 d8@n1
        ** Applied n3/dispatchers query4 cf1 changes: INSERT t9 key=0 ts1825321 d9@n1
    n3 is alive and sees n1, n2, n3
    cf1 follows n1 e5 sink-abnormal
      d7@n1 t7 Working ts46285 events-wait
      d8@n1 t8 Working ts1728746 events-wait
      d9@n1 t9 Working ts1825320 events-wait
    ");
}

#[test]
fn a_merge_goes_on_though_the_downstream_does_not_say_where_its_target_starts() {
    let text = told(MYSQL, 1, |hand| {
        hand.resolve(40_000);
        hand.tell(N1, bootstrap(5, None));
        hand.tell(N1, crate::hand::create_part(5, 1, 2));
        hand.tell(N1, crate::hand::create_part(5, 2, 2));
        hand.tell(N1, crate::hand::merge(5, &[1, 2], 3));
        fail(hand, "TableRecoveryInfo", true, Some(1));
        hand.text.clear();
        hand.advance(3_000);
    });
    insta::assert_snapshot!(only(&text, &["**", "`"]), @"
    ** MergeReady cf1 d3@n1
    ** DispatcherUnregistered cf1 d1@n1
    ** DispatcherUnregistered cf1 d2@n1
    ** MergeCommitted cf1 d3@n1 ts40000
    -> HeartBeatRequest cf1 `bad connection` to n1/maintainers
    ** DispatcherCleaned cf1 d1@n1 ts40000
    ** DispatcherCleaned cf1 d2@n1 ts40000
    ");
}

/// Dispatchers may be created before the construction of their manager has ended, and events come for them: their rows wait
/// for the loop of the sink, and what has gone wrong and what has changed for those who report it.
#[test]
fn what_waits_for_the_loops_is_taken_up() {
    let text = told(MYSQL, 1, |hand| {
        fail(hand, "TableRecoveryInfo", false, Some(1));
        hand.stall("Task task1");
        hand.tell(N1, bootstrap(5, None));
        for _ in 0..6 {
            hand.one_step();
        }
        hand.tell(N1, create(5, 8));
        hand.tell(N1, create(5, 7));
        hand.resolve(3_000_000);
        hand.text += "so far nothing is written or reported\n";
        hand.go_on();
        hand.advance(20);
    });
    insta::assert_snapshot!(text, @"
    FailStatements `TableRecoveryInfo` share_per_million=1000000 times=1 at sink
    Task task1 stands still
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
    one step
    one step
    one step
    one step
    one step
    one step
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d8@n1 t8 ts10 default e5
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d7@n1 t7 ts10 default e5
        ** DispatcherCreated cf1 d7@n1 t7 ts10
    so far nothing is written or reported
    all go on
        ** WriteStarted cf1 d7@n1 t7 query4
        ** ManagerCreated cf1 n3 n1 e5
        -> HeartBeatRequest cf1 `the table does not exist` to n1/maintainers
        ** Applied n3/dispatchers query4 cf1 changes: INSERT t7 key=0 ts46286 d7@n1, UPDATE t7 key=0 ts1030271 d7@n1, UPDATE t7 key=0 ts2268381 d7@n1, DELETE t7 key=0 ts2377393 d7@n1, INSERT t7 key=0 ts2916734 d7@n1
        ** WriteFlushed cf1 d7@n1 query4
        -> MaintainerBootstrapResponse cf1 e5 ts0 spans: d7@n1 t7 Working ts3000000 default operators: cf1 Create (Add) d8@n1 t8 ts10 default e5 to n1/maintainers
    20 ms pass
        -> HeartBeatRequest cf1 ts10 ts10 seq=1 statuses: d7@n1 Working ts10 to n1/maintainers
    ");
}

/// The downstream does not say where a new dispatcher starts, which makes the sink abnormal, and workers go on: a dispatcher that is
/// removed has gone while a worker is to write its rows again.
#[test]
fn a_dispatcher_of_an_abnormal_sink_leaves_with_rows_in_hand() {
    let told = |policy| {
        let hand = driven_under(policy, MYSQL, 1, |hand| {
            working(hand);
            fail(hand, "TableRecoveryInfo", true, Some(1));
            hand.tell(N1, create(5, 8));
            fail(hand, "Execute", true, Some(6));
            hand.resolve(1_000_000);
            hand.text.clear();
            hand.tell(N1, remove(5, 7));
            hand.advance(5_000);
        });
        only(&hand.text, &["Remove", "**"])
    };
    insta::assert_snapshot!(told("master"), @"
    n1/maintainers: ScheduleDispatcherRequest cf1 Remove (Remove) d7@n1 t7 ts10 default e5
        ** DispatcherUnregistered cf1 d7@n1
        ** WriteStarted cf1 d7@n1 t7 query5
        ** RolledBack n3/dispatchers query5 BadConnection
        ** WriteFailed cf1 query5 BadConnection
        ** WriteStarted cf1 d7@n1 t7 query6
        ** RolledBack n3/dispatchers query6 BadConnection
        ** WriteFailed cf1 query6 BadConnection
        ** DispatcherCleaned cf1 d7@n1 ts46285
        ** WriteStarted cf1 d7@n1 t7 query7
        ** RolledBack n3/dispatchers query7 BadConnection
        ** WriteFailed cf1 query7 BadConnection
        ** WriteStarted cf1 d7@n1 t7 query8
        ** RolledBack n3/dispatchers query8 BadConnection
        ** WriteFailed cf1 query8 BadConnection
    ");
    insta::assert_snapshot!(told("master+dispatchers.abnormal_sink=awaited"), @"
    n1/maintainers: ScheduleDispatcherRequest cf1 Remove (Remove) d7@n1 t7 ts10 default e5
        ** DispatcherUnregistered cf1 d7@n1
        ** WriteStarted cf1 d7@n1 t7 query5
        ** RolledBack n3/dispatchers query5 BadConnection
        ** WriteFailed cf1 query5 BadConnection
        ** WriteStarted cf1 d7@n1 t7 query6
        ** RolledBack n3/dispatchers query6 BadConnection
        ** WriteFailed cf1 query6 BadConnection
        ** WriteStarted cf1 d7@n1 t7 query7
        ** RolledBack n3/dispatchers query7 BadConnection
        ** WriteFailed cf1 query7 BadConnection
        ** WriteStarted cf1 d7@n1 t7 query8
        ** RolledBack n3/dispatchers query8 BadConnection
        ** WriteFailed cf1 query8 BadConnection
    ");
}
