//! The downstream's server, driven by hand: what statements do to rows, and what others do to statements.

use crate::hand::{CF, Hand, N1, N2};
use model::{
    Addr, DispatcherId, NodeId, Place, TableId, Ts,
    sink::{Change, Class, Command, Inbox, Op, QueryId, Transaction},
};
use sim::Duration;

const DELETE: Op = Op::Delete;
const INSERT: Op = Op::Insert;
const REPLACE: Op = Op::Replace;
const UPDATE: Op = Op::Update;

/// What a server of this class says and answers.
fn told(class: Class, script: impl FnOnce(&mut Hand)) -> String {
    let mut hand = Hand::sink(class);
    script(&mut hand);
    hand.text
}

/// The dispatchers of a node write rows of table 1: what is done, which row, which commit.
fn write(hand: &mut Hand, node: NodeId, query: u32, changes: &[(Op, u32, u64)]) {
    let writer = DispatcherId { maker: node, n: 1 };
    let change = |(op, key, commit): &(Op, u32, u64)| Change {
        op: *op,
        table: TableId(1),
        key: *key,
        commit: Ts(*commit),
        writer,
    };
    let transaction = Transaction { cf: CF, changes: changes.iter().map(change).collect() };
    let inbox = Inbox::Execute { query: QueryId(query), stepwise: false, transaction: Box::new(transaction) };
    hand.hear(Addr::Node(node, Place::Dispatchers), inbox);
}

fn disconnect(hand: &mut Hand, node: NodeId, query: u32) {
    hand.hear(Addr::Node(node, Place::Dispatchers), Inbox::Disconnect { query: QueryId(query) });
}

/// The rows that there are, of the first few.
fn rows(hand: &mut Hand) {
    let model::Actor::Sink(sink) = hand.actor() else { panic!("it is the downstream") };
    let row = |key| sink.row(CF, TableId(1), key).map(|row| format!("{key}: {}", row.commit));
    let rows: Vec<String> = (0..4).filter_map(row).collect();
    hand.text += &format!("rows: {}\n", rows.join(", "));
}

#[test]
fn statements_change_rows() {
    let text = told(Class::Mysql, |hand| {
        write(hand, N1, 1, &[(INSERT, 1, 10), (INSERT, 2, 10), (REPLACE, 3, 10)]);
        write(hand, N1, 2, &[(UPDATE, 1, 20), (DELETE, 2, 20), (REPLACE, 3, 20)]);
        rows(hand);
    });
    insta::assert_snapshot!(text, @"
    n1/dispatchers: Execute query1 cf1 changes: INSERT t1 key=1 ts10 d1@n1, INSERT t1 key=2 ts10 d1@n1, REPLACE t1 key=3 ts10 d1@n1
        ** Applied n1/dispatchers query1 cf1 changes: INSERT t1 key=1 ts10 d1@n1, INSERT t1 key=2 ts10 d1@n1, REPLACE t1 key=3 ts10 d1@n1
        -> Committed query1 to n1/dispatchers
    n1/dispatchers: Execute query2 cf1 changes: UPDATE t1 key=1 ts20 d1@n1, DELETE t1 key=2 ts20 d1@n1, REPLACE t1 key=3 ts20 d1@n1
        ** Applied n1/dispatchers query2 cf1 changes: UPDATE t1 key=1 ts20 d1@n1, DELETE t1 key=2 ts20 d1@n1, REPLACE t1 key=3 ts20 d1@n1
        -> Committed query2 to n1/dispatchers
    rows: 1: ts20, 3: ts20
    ");
}

/// An UPDATE or DELETE of a row that is not there is no error; an effect is told only if there is one.
#[test]
fn what_is_not_there_is_not_changed() {
    let text = told(Class::Mysql, |hand| {
        write(hand, N1, 1, &[(INSERT, 1, 10), (UPDATE, 2, 10), (DELETE, 3, 10)]);
        rows(hand);
    });
    insta::assert_snapshot!(text, @"
    n1/dispatchers: Execute query1 cf1 changes: INSERT t1 key=1 ts10 d1@n1, UPDATE t1 key=2 ts10 d1@n1, DELETE t1 key=3 ts10 d1@n1
        ** Applied n1/dispatchers query1 cf1 changes: INSERT t1 key=1 ts10 d1@n1
        -> Committed query1 to n1/dispatchers
    rows: 1: ts10
    ");
}

#[test]
fn a_duplicate_key_rolls_the_whole_transaction_back() {
    let text = told(Class::Mysql, |hand| {
        write(hand, N1, 1, &[(INSERT, 1, 10), (INSERT, 2, 10)]);
        write(hand, N2, 1, &[(UPDATE, 1, 20), (DELETE, 2, 20), (INSERT, 3, 20), (INSERT, 1, 30)]);
        rows(hand);
        write(hand, N2, 2, &[(DELETE, 1, 30), (INSERT, 1, 30)]);
        rows(hand);
    });
    insta::assert_snapshot!(text, @"
    n1/dispatchers: Execute query1 cf1 changes: INSERT t1 key=1 ts10 d1@n1, INSERT t1 key=2 ts10 d1@n1
        ** Applied n1/dispatchers query1 cf1 changes: INSERT t1 key=1 ts10 d1@n1, INSERT t1 key=2 ts10 d1@n1
        -> Committed query1 to n1/dispatchers
    n2/dispatchers: Execute query1 cf1 changes: UPDATE t1 key=1 ts20 d1@n2, DELETE t1 key=2 ts20 d1@n2, INSERT t1 key=3 ts20 d1@n2, INSERT t1 key=1 ts30 d1@n2
        ** RolledBack n2/dispatchers query1 DuplicateEntry
        -> Failed query1 DuplicateEntry to n2/dispatchers
    rows: 1: ts10, 2: ts10
    n2/dispatchers: Execute query2 cf1 changes: DELETE t1 key=1 ts30 d1@n2, INSERT t1 key=1 ts30 d1@n2
        ** Applied n2/dispatchers query2 cf1 changes: DELETE t1 key=1 ts30 d1@n2, INSERT t1 key=1 ts30 d1@n2
        -> Committed query2 to n2/dispatchers
    rows: 1: ts30, 2: ts10
    ");
}

/// Nothing orders two writers.
#[test]
fn two_writers_of_one_row() {
    let text = told(Class::Mysql, |hand| {
        write(hand, N2, 1, &[(INSERT, 1, 10), (UPDATE, 1, 20)]);
        write(hand, N1, 1, &[(UPDATE, 1, 15)]);
        rows(hand);
        write(hand, N2, 2, &[(DELETE, 1, 30)]);
        write(hand, N1, 2, &[(REPLACE, 1, 25)]);
        rows(hand);
        write(hand, N2, 3, &[(DELETE, 1, 40)]);
        write(hand, N1, 3, &[(UPDATE, 1, 35)]);
        rows(hand);
    });
    insta::assert_snapshot!(text, @"
    n2/dispatchers: Execute query1 cf1 changes: INSERT t1 key=1 ts10 d1@n2, UPDATE t1 key=1 ts20 d1@n2
        ** Applied n2/dispatchers query1 cf1 changes: INSERT t1 key=1 ts10 d1@n2, UPDATE t1 key=1 ts20 d1@n2
        -> Committed query1 to n2/dispatchers
    n1/dispatchers: Execute query1 cf1 changes: UPDATE t1 key=1 ts15 d1@n1
        ** Applied n1/dispatchers query1 cf1 changes: UPDATE t1 key=1 ts15 d1@n1
        -> Committed query1 to n1/dispatchers
    rows: 1: ts15
    n2/dispatchers: Execute query2 cf1 changes: DELETE t1 key=1 ts30 d1@n2
        ** Applied n2/dispatchers query2 cf1 changes: DELETE t1 key=1 ts30 d1@n2
        -> Committed query2 to n2/dispatchers
    n1/dispatchers: Execute query2 cf1 changes: REPLACE t1 key=1 ts25 d1@n1
        ** Applied n1/dispatchers query2 cf1 changes: REPLACE t1 key=1 ts25 d1@n1
        -> Committed query2 to n1/dispatchers
    rows: 1: ts25
    n2/dispatchers: Execute query3 cf1 changes: DELETE t1 key=1 ts40 d1@n2
        ** Applied n2/dispatchers query3 cf1 changes: DELETE t1 key=1 ts40 d1@n2
        -> Committed query3 to n2/dispatchers
    n1/dispatchers: Execute query3 cf1 changes: UPDATE t1 key=1 ts35 d1@n1
        ** Applied n1/dispatchers query3 cf1
        -> Committed query3 to n1/dispatchers
    rows:
    ");
}

#[test]
fn a_statement_runs_to_its_end_though_its_client_is_gone() {
    let text = told(Class::Mysql, |hand| {
        hand.stall("Run");
        write(hand, N1, 1, &[(INSERT, 1, 10)]);
        disconnect(hand, N1, 1);
        rows(hand);
        hand.go_on();
        rows(hand);
    });
    insta::assert_snapshot!(text, @"
    Run stands still
    n1/dispatchers: Execute query1 cf1 changes: INSERT t1 key=1 ts10 d1@n1
    n1/dispatchers: Disconnect query1
    rows: 
    all go on
        ** Applied n1/dispatchers query1 cf1 changes: INSERT t1 key=1 ts10 d1@n1
    rows: 1: ts10
    ");
}

/// Its COMMIT was still to come.
#[test]
fn a_transaction_that_comes_stepwise_ends_with_its_connection() {
    let text = told(Class::Mysql, |hand| {
        hand.stall("Run statement=1");
        let writer = DispatcherId { maker: N1, n: 1 };
        let change = Change { op: INSERT, table: TableId(1), key: 1, commit: Ts(10), writer };
        let transaction = Box::new(Transaction { cf: CF, changes: vec![change] });
        let execute = Inbox::Execute { query: QueryId(1), stepwise: true, transaction };
        hand.hear(Addr::Node(N1, Place::Dispatchers), execute);
        write(hand, N2, 1, &[(INSERT, 1, 20)]);
        disconnect(hand, N1, 1);
        hand.go_on();
        rows(hand);
    });
    insta::assert_snapshot!(text, @"
    Run statement=1 stands still
    n1/dispatchers: Execute query1 stepwise cf1 changes: INSERT t1 key=1 ts10 d1@n1
    n2/dispatchers: Execute query1 cf1 changes: INSERT t1 key=1 ts20 d1@n2
        ** LockWaits n2/dispatchers query1 t1 key=1
    n1/dispatchers: Disconnect query1
        ** RolledBack n1/dispatchers query1 BadConnection
        ** Applied n2/dispatchers query1 cf1 changes: INSERT t1 key=1 ts20 d1@n2
        -> Committed query1 to n2/dispatchers
    all go on
    rows: 1: ts20
    ");
}

#[test]
fn a_statement_is_not_received_when_its_connection_is_dropped_first() {
    let text = told(Class::Mysql, |hand| {
        disconnect(hand, N1, 1);
        write(hand, N1, 1, &[(INSERT, 1, 10)]);
        write(hand, N2, 1, &[(INSERT, 1, 20)]);
        rows(hand);
    });
    insta::assert_snapshot!(text, @"
    n1/dispatchers: Disconnect query1
    n1/dispatchers: Execute query1 cf1 changes: INSERT t1 key=1 ts10 d1@n1
        ** NotReceived n1/dispatchers query1
    n2/dispatchers: Execute query1 cf1 changes: INSERT t1 key=1 ts20 d1@n2
        ** Applied n2/dispatchers query1 cf1 changes: INSERT t1 key=1 ts20 d1@n2
        -> Committed query1 to n2/dispatchers
    rows: 1: ts20
    ");
}

/// Whoever comes later waits, in line; other rows are nobody's business.
#[test]
fn a_row_is_changed_by_one_transaction_at_a_time() {
    let text = told(Class::Mysql, |hand| {
        hand.stall("Run statement=1");
        write(hand, N1, 1, &[(REPLACE, 1, 10), (REPLACE, 1, 11)]);
        write(hand, N2, 1, &[(REPLACE, 2, 20), (REPLACE, 1, 20)]);
        write(hand, N2, 2, &[(REPLACE, 1, 30)]);
        write(hand, N2, 3, &[(REPLACE, 3, 30)]);
        hand.go_on();
        rows(hand);
    });
    insta::assert_snapshot!(text, @"
    Run statement=1 stands still
    n1/dispatchers: Execute query1 cf1 changes: REPLACE t1 key=1 ts10 d1@n1, REPLACE t1 key=1 ts11 d1@n1
    n2/dispatchers: Execute query1 cf1 changes: REPLACE t1 key=2 ts20 d1@n2, REPLACE t1 key=1 ts20 d1@n2
        ** LockWaits n2/dispatchers query1 t1 key=1
    n2/dispatchers: Execute query2 cf1 changes: REPLACE t1 key=1 ts30 d1@n2
        ** LockWaits n2/dispatchers query2 t1 key=1
    n2/dispatchers: Execute query3 cf1 changes: REPLACE t1 key=3 ts30 d1@n2
        ** Applied n2/dispatchers query3 cf1 changes: REPLACE t1 key=3 ts30 d1@n2
        -> Committed query3 to n2/dispatchers
    all go on
        ** Applied n1/dispatchers query1 cf1 changes: REPLACE t1 key=1 ts10 d1@n1, REPLACE t1 key=1 ts11 d1@n1
        -> Committed query1 to n1/dispatchers
        ** Applied n2/dispatchers query1 cf1 changes: REPLACE t1 key=2 ts20 d1@n2, REPLACE t1 key=1 ts20 d1@n2
        -> Committed query1 to n2/dispatchers
        ** Applied n2/dispatchers query2 cf1 changes: REPLACE t1 key=1 ts30 d1@n2
        -> Committed query2 to n2/dispatchers
    rows: 1: ts30, 2: ts20, 3: ts30
    ");
}

#[test]
fn a_transaction_waits_for_a_row_for_fifty_seconds() {
    let text = told(Class::Tidb, |hand| {
        hand.stall("Run statement=1");
        write(hand, N1, 1, &[(REPLACE, 1, 10)]);
        hand.advance(20_000);
        write(hand, N2, 1, &[(REPLACE, 2, 20), (REPLACE, 1, 20)]);
        write(hand, N2, 2, &[(REPLACE, 2, 30)]);
        hand.advance(49_999);
        hand.advance(1);
        hand.go_on();
        rows(hand);
    });
    insta::assert_snapshot!(text, @"
    Run statement=1 stands still
    n1/dispatchers: Execute query1 cf1 changes: REPLACE t1 key=1 ts10 d1@n1
    20000 ms pass
    n2/dispatchers: Execute query1 cf1 changes: REPLACE t1 key=2 ts20 d1@n2, REPLACE t1 key=1 ts20 d1@n2
        ** LockWaits n2/dispatchers query1 t1 key=1
    n2/dispatchers: Execute query2 cf1 changes: REPLACE t1 key=2 ts30 d1@n2
        ** LockWaits n2/dispatchers query2 t1 key=2
    49999 ms pass
    1 ms pass
        ** RolledBack n2/dispatchers query1 LockWaitTimeout
        -> Failed query1 LockWaitTimeout to n2/dispatchers
        ** Applied n2/dispatchers query2 cf1 changes: REPLACE t1 key=2 ts30 d1@n2
        -> Committed query2 to n2/dispatchers
    all go on
        ** Applied n1/dispatchers query1 cf1 changes: REPLACE t1 key=1 ts10 d1@n1
        -> Committed query1 to n1/dispatchers
    rows: 1: ts10, 2: ts30
    ");
}

#[test]
fn two_transactions_that_wait_for_each_other() {
    let text = told(Class::Mysql, |hand| {
        hand.stall("Run");
        write(hand, N1, 1, &[(REPLACE, 1, 10)]);
        write(hand, N1, 2, &[(REPLACE, 1, 20), (REPLACE, 2, 20)]);
        write(hand, N2, 1, &[(REPLACE, 2, 30), (REPLACE, 1, 30)]);
        hand.one_step();
        hand.go_on();
        rows(hand);
    });
    insta::assert_snapshot!(text, @"
    Run stands still
    n1/dispatchers: Execute query1 cf1 changes: REPLACE t1 key=1 ts10 d1@n1
    n1/dispatchers: Execute query2 cf1 changes: REPLACE t1 key=1 ts20 d1@n1, REPLACE t1 key=2 ts20 d1@n1
        ** LockWaits n1/dispatchers query2 t1 key=1
    n2/dispatchers: Execute query1 cf1 changes: REPLACE t1 key=2 ts30 d1@n2, REPLACE t1 key=1 ts30 d1@n2
        ** LockWaits n2/dispatchers query1 t1 key=1
    one step
        ** Applied n1/dispatchers query1 cf1 changes: REPLACE t1 key=1 ts10 d1@n1
        ** RolledBack n1/dispatchers query2 Deadlock
        -> Committed query1 to n1/dispatchers
        -> Failed query2 Deadlock to n1/dispatchers
    all go on
        ** Applied n2/dispatchers query1 cf1 changes: REPLACE t1 key=2 ts30 d1@n2, REPLACE t1 key=1 ts30 d1@n2
        -> Committed query1 to n2/dispatchers
    rows: 1: ts30, 2: ts30
    ");
}

#[test]
fn an_outage_breaks_what_runs_and_refuses_what_comes() {
    let text = told(Class::Mysql, |hand| {
        hand.stall("Run statement=1");
        write(hand, N1, 1, &[(REPLACE, 1, 10)]);
        write(hand, N2, 1, &[(REPLACE, 1, 20)]);
        hand.command(Addr::Sink, Command::Outage { hangs: false, lasts: Some(Duration::from_secs(5)) });
        write(hand, N1, 2, &[(REPLACE, 1, 10)]);
        hand.hear(Addr::Node(N1, Place::Dispatchers), Inbox::Connect { query: QueryId(3) });
        hand.advance(5_000);
        write(hand, N1, 4, &[(REPLACE, 1, 10)]);
        rows(hand);
    });
    insta::assert_snapshot!(text, @"
    Run statement=1 stands still
    n1/dispatchers: Execute query1 cf1 changes: REPLACE t1 key=1 ts10 d1@n1
    n2/dispatchers: Execute query1 cf1 changes: REPLACE t1 key=1 ts20 d1@n2
        ** LockWaits n2/dispatchers query1 t1 key=1
    Outage lasts=5s at sink
        ** OutageBegins
        ** RolledBack n1/dispatchers query1 BadConnection
        ** RolledBack n2/dispatchers query1 BadConnection
        -> Failed query1 BadConnection to n1/dispatchers
        -> Failed query1 BadConnection to n2/dispatchers
    n1/dispatchers: Execute query2 cf1 changes: REPLACE t1 key=1 ts10 d1@n1
        ** RolledBack n1/dispatchers query2 BadConnection
        -> Failed query2 BadConnection to n1/dispatchers
    n1/dispatchers: Connect query3
        -> Failed query3 BadConnection to n1/dispatchers
    5000 ms pass
        ** OutageOver
    n1/dispatchers: Execute query4 cf1 changes: REPLACE t1 key=1 ts10 d1@n1
        ** Applied n1/dispatchers query4 cf1 changes: REPLACE t1 key=1 ts10 d1@n1
        -> Committed query4 to n1/dispatchers
    rows: 1: ts10
    ");
}

/// What was running goes on afterwards, and what came meanwhile begins.
#[test]
fn a_server_that_hangs_takes_calls() {
    let text = told(Class::Mysql, |hand| {
        hand.stall("Run statement=1");
        write(hand, N1, 1, &[(REPLACE, 1, 10)]);
        write(hand, N2, 1, &[(REPLACE, 1, 20)]);
        hand.command(Addr::Sink, Command::Outage { hangs: true, lasts: None });
        hand.go_on();
        write(hand, N1, 2, &[(REPLACE, 2, 10)]);
        write(hand, N1, 3, &[(REPLACE, 3, 10)]);
        disconnect(hand, N1, 3);
        hand.advance(60_000);
        rows(hand);
        hand.command(Addr::Sink, Command::Recover);
        rows(hand);
    });
    insta::assert_snapshot!(text, @"
    Run statement=1 stands still
    n1/dispatchers: Execute query1 cf1 changes: REPLACE t1 key=1 ts10 d1@n1
    n2/dispatchers: Execute query1 cf1 changes: REPLACE t1 key=1 ts20 d1@n2
        ** LockWaits n2/dispatchers query1 t1 key=1
    Outage hangs at sink
        ** OutageBegins hangs
    all go on
    n1/dispatchers: Execute query2 cf1 changes: REPLACE t1 key=2 ts10 d1@n1
    n1/dispatchers: Execute query3 cf1 changes: REPLACE t1 key=3 ts10 d1@n1
    n1/dispatchers: Disconnect query3
    60000 ms pass
    rows: 
    Recover at sink
        ** OutageOver
        ** LockWaits n2/dispatchers query1 t1 key=1
        ** Applied n1/dispatchers query1 cf1 changes: REPLACE t1 key=1 ts10 d1@n1
        -> Committed query1 to n1/dispatchers
        ** Applied n1/dispatchers query2 cf1 changes: REPLACE t1 key=2 ts10 d1@n1
        -> Committed query2 to n1/dispatchers
        ** Applied n1/dispatchers query3 cf1 changes: REPLACE t1 key=3 ts10 d1@n1
        ** Applied n2/dispatchers query1 cf1 changes: REPLACE t1 key=1 ts20 d1@n2
        -> Committed query1 to n2/dispatchers
    rows: 1: ts20, 2: ts10, 3: ts10
    ");
}

#[test]
fn slow_statements() {
    let text = told(Class::Mysql, |hand| {
        let second = Duration::from_secs(1);
        let lasts = Some(second.times(2));
        hand.command(
            Addr::Sink,
            Command::SlowStatements { kind: None, from: second, to: second, share_per_million: None, lasts },
        );
        write(hand, N1, 1, &[(INSERT, 1, 10)]);
        hand.advance(999);
        hand.advance(1);
        hand.advance(1000);
        write(hand, N1, 2, &[(INSERT, 2, 10)]);
    });
    insta::assert_snapshot!(text, @"
    SlowStatements from=1s to=1s lasts=2s at sink
    n1/dispatchers: Execute query1 cf1 changes: INSERT t1 key=1 ts10 d1@n1
    999 ms pass
    1 ms pass
        ** Applied n1/dispatchers query1 cf1 changes: INSERT t1 key=1 ts10 d1@n1
        -> Committed query1 to n1/dispatchers
    1000 ms pass
    n1/dispatchers: Execute query2 cf1 changes: INSERT t1 key=2 ts10 d1@n1
        ** Applied n1/dispatchers query2 cf1 changes: INSERT t1 key=2 ts10 d1@n1
        -> Committed query2 to n1/dispatchers
    ");
}

/// Only calls of one kind, and not all of them.
#[test]
fn a_share_of_the_calls_of_a_kind_is_slow() {
    let text = told(Class::Mysql, |hand| {
        let (from, to) = (Duration::from_secs(1), Duration::from_secs(2));
        let (kind, share_per_million) = (Some("Connect"), Some(300_000));
        let slow = Command::SlowStatements { kind, from, to, share_per_million, lasts: None };
        hand.command(Addr::Sink, slow);
        write(hand, N1, 1, &[(INSERT, 1, 10)]);
        for n in 2..102 {
            hand.hear(Addr::Node(N1, Place::Dispatchers), Inbox::Connect { query: QueryId(n) });
        }
    });
    let at_once = text.matches("-> Connected").count();
    assert!(text.contains("Committed query1"));
    assert!((55..=85).contains(&at_once), "{at_once} of 100 are not slow");
}

/// Calls of another kind, those after so many, and those after so long succeed.
#[test]
fn statements_that_fail() {
    let text = told(Class::Mysql, |hand| {
        let fail = |retryable, times, lasts| Command::FailStatements {
            kind: "Execute",
            retryable,
            share_per_million: 1_000_000,
            times,
            lasts,
        };
        hand.command(Addr::Sink, fail(true, Some(1), None));
        hand.hear(Addr::Node(N1, Place::Dispatchers), Inbox::Connect { query: QueryId(1) });
        write(hand, N1, 2, &[(INSERT, 1, 10)]);
        write(hand, N1, 3, &[(INSERT, 2, 10)]);
        hand.command(Addr::Sink, fail(false, None, Some(Duration::from_secs(1))));
        write(hand, N1, 4, &[(INSERT, 3, 10)]);
        hand.advance(1000);
        write(hand, N1, 5, &[(INSERT, 3, 10)]);
        rows(hand);
    });
    insta::assert_snapshot!(text, @"
    FailStatements `Execute` retryable share_per_million=1000000 times=1 at sink
    n1/dispatchers: Connect query1
        -> Connected query1 to n1/dispatchers
    n1/dispatchers: Execute query2 cf1 changes: INSERT t1 key=1 ts10 d1@n1
        ** RolledBack n1/dispatchers query2 BadConnection
        -> Failed query2 BadConnection to n1/dispatchers
    n1/dispatchers: Execute query3 cf1 changes: INSERT t1 key=2 ts10 d1@n1
        ** Applied n1/dispatchers query3 cf1 changes: INSERT t1 key=2 ts10 d1@n1
        -> Committed query3 to n1/dispatchers
    FailStatements `Execute` share_per_million=1000000 lasts=1s at sink
    n1/dispatchers: Execute query4 cf1 changes: INSERT t1 key=3 ts10 d1@n1
        ** RolledBack n1/dispatchers query4 NoSuchTable
        -> Failed query4 NoSuchTable to n1/dispatchers
    1000 ms pass
    n1/dispatchers: Execute query5 cf1 changes: INSERT t1 key=3 ts10 d1@n1
        ** Applied n1/dispatchers query5 cf1 changes: INSERT t1 key=3 ts10 d1@n1
        -> Committed query5 to n1/dispatchers
    rows: 2: ts10, 3: ts10
    ");
}

/// Nothing is overwritten, nothing waits, nothing is a duplicate; a consumer takes what is newest.
#[test]
fn a_log_is_appended_to() {
    let text = told(Class::Kafka, |hand| {
        hand.stall("Run statement=1");
        write(hand, N1, 1, &[(INSERT, 1, 10), (UPDATE, 1, 20)]);
        write(hand, N2, 1, &[(INSERT, 1, 10), (DELETE, 1, 30), (DELETE, 2, 5)]);
        hand.go_on();
        rows(hand);
        write(hand, N2, 2, &[(INSERT, 1, 40)]);
        rows(hand);
        let model::Actor::Sink(sink) = hand.actor() else { panic!("it is the downstream") };
        let log = sink.log(CF, TableId(1), 1).expect("it is a log").iter();
        let log: Vec<String> = log.map(|change| format!("{}@{}", change.op, change.commit)).collect();
        hand.text += &format!("about row 1: {}\n", log.join(", "));
    });
    insta::assert_snapshot!(text, @"
    Run statement=1 stands still
    n1/dispatchers: Execute query1 cf1 changes: INSERT t1 key=1 ts10 d1@n1, UPDATE t1 key=1 ts20 d1@n1
    n2/dispatchers: Execute query1 cf1 changes: INSERT t1 key=1 ts10 d1@n2, DELETE t1 key=1 ts30 d1@n2, DELETE t1 key=2 ts5 d1@n2
        ** Applied n2/dispatchers query1 cf1 changes: INSERT t1 key=1 ts10 d1@n2, DELETE t1 key=1 ts30 d1@n2, DELETE t1 key=2 ts5 d1@n2
        -> Committed query1 to n2/dispatchers
    all go on
        ** Applied n1/dispatchers query1 cf1 changes: INSERT t1 key=1 ts10 d1@n1, UPDATE t1 key=1 ts20 d1@n1
        -> Committed query1 to n1/dispatchers
    rows: 
    n2/dispatchers: Execute query2 cf1 changes: INSERT t1 key=1 ts40 d1@n2
        ** Applied n2/dispatchers query2 cf1 changes: INSERT t1 key=1 ts40 d1@n2
        -> Committed query2 to n2/dispatchers
    rows: 1: ts40
    about row 1: INSERT@ts10, DELETE@ts30, INSERT@ts10, UPDATE@ts20, INSERT@ts40
    ");
}
