//! What the downstream records about DDLs, and what becomes of tables there: a node writes, dies, and begins again.

use crate::hand::{CF, Hand, N1, bootstrap, create};
use model::{
    Addr, DdlKind, DispatcherId, Epoch, Joined, Mode, NamedDdl, Ts, Workload,
    dispatchers::{Answer, BlockAnswer, EventKey, Inbox, Influenced},
    sink::{Command, Downstream},
};
use sim::Duration;

const SECOND: u64 = 1_000_000;
const NEVER: Duration = Duration::from_secs(100_000);
const OFTEN: Duration = Duration::from_millis(300);

/// Three tables, and one DDL after a second.
fn workload(kind: DdlKind, row_every: Duration) -> Workload {
    Workload {
        tables: 3,
        row_every,
        rows: 1,
        until: Duration::from_secs(10),
        named_ddls: vec![NamedDdl { at: Duration::from_secs(1), kind, nth: 0, to: 0 }],
        ..Workload::default()
    }
}

fn hand(workload: &Workload) -> Hand {
    Hand::replicating(workload, Downstream::default(), "master")
}

const TRIGGER: DispatcherId = DispatcherId { maker: N1, n: 9 };

/// The table trigger, and a dispatcher for table t1.
fn begin(hand: &mut Hand, epoch: u64) {
    hand.tell(N1, bootstrap(epoch, Some(9)));
    let request = Inbox::MaintainerPostBootstrapRequest { cf: CF, trigger: TRIGGER, epoch: Epoch(epoch) };
    hand.tell(N1, request);
    hand.tell(N1, create(epoch, 1));
}

/// The same for a changefeed that has just been created.
fn begin_anew(hand: &mut Hand, epoch: u64) {
    let (cf, start_ts, trigger, epoch) = (CF, Ts(10), Some(TRIGGER), Epoch(epoch));
    hand.tell(
        N1,
        Inbox::MaintainerBootstrapRequest {
            cf,
            start_ts,
            trigger,
            is_new: true,
            epoch,
            config: None,
            redo: Default::default(),
        },
    );
    begin(hand, epoch.0);
}

/// The trigger is to write the event at one second.
fn write(epoch: u64) -> Inbox {
    let answer = Answer::Write { event: EventKey { ts: Ts(SECOND), syncpoint: false } };
    let influenced = Influenced::Normal(vec![TRIGGER]);
    let statuses = vec![BlockAnswer { answer, influenced, exclude: Joined(Vec::new()) }];
    Inbox::HeartBeatResponse { cf: CF, statuses, mode: Mode::Default, epoch: Epoch(epoch) }
}

/// Only what matters to the downstream, and where dispatchers start.
fn told(hand: &Hand) -> String {
    let matters = ["DispatcherCreated", "Ddl", "Applied", "RolledBack", "crashes"];
    let lines = hand.text.lines().filter(|line| matters.iter().any(|word| line.contains(word)));
    lines.map(|line| format!("{}\n", line.trim())).collect()
}

#[test]
fn whoever_begins_again_starts_behind_a_finished_ddl() {
    let mut hand = hand(&workload(DdlKind::AddColumn, NEVER));
    begin(&mut hand, 5);
    hand.resolve(2 * SECOND);
    hand.crash();
    begin(&mut hand, 6);
    hand.resolve(3 * SECOND);
    insta::assert_snapshot!(told(&hand), @"
    ** DispatcherCreated cf1 d9@n1 ddl ts10
    ** DispatcherCreated cf1 d1@n1 t1 ts10
    ** DdlTsWritten n3/dispatchers query4 cf1 tables: t1 ts1000000
    ** DdlApplied n3/dispatchers query5 cf1 ts1000000 AddColumn db1.a1
    ** DdlTsWritten n3/dispatchers query6 cf1 tables: t1 ts1000000 finished
    n3/dispatchers crashes
    ** DispatcherCreated cf1 d9@n1 ddl ts10
    ** DispatcherCreated cf1 d1@n1 t1 ts1000000
    ");
}

#[test]
fn a_ddl_that_is_not_known_to_be_finished_is_done_again() {
    let mut hand = hand(&workload(DdlKind::AddColumn, NEVER));
    begin(&mut hand, 5);
    hand.hold(Addr::Sink);
    hand.resolve(2 * SECOND);
    // It is recorded, and executed; then the node dies.
    hand.serve(Addr::Sink);
    hand.serve(Addr::Sink);
    hand.lose(Addr::Sink);
    hand.release(Addr::Sink);
    hand.crash();
    begin(&mut hand, 6);
    hand.resolve(3 * SECOND);
    insta::assert_snapshot!(told(&hand), @"
    ** DispatcherCreated cf1 d9@n1 ddl ts10
    ** DispatcherCreated cf1 d1@n1 t1 ts10
    ** DdlTsWritten n3/dispatchers query4 cf1 tables: t1 ts1000000
    ** DdlApplied n3/dispatchers query5 cf1 ts1000000 AddColumn db1.a1
    n3/dispatchers crashes
    ** DispatcherCreated cf1 d9@n1 ddl ts10
    ** DispatcherCreated cf1 d1@n1 t1 ts999999
    ** DdlTsWritten n3.2/dispatchers query4 cf1 tables: t1 ts1000000
    ** DdlRefused n3.2/dispatchers query5 cf1 ts1000000 AddColumn db1.a1 ColumnExists
    ** DdlTsWritten n3.2/dispatchers query6 cf1 tables: t1 ts1000000 finished
    ");
}

#[test]
fn a_new_changefeed_forgets_what_is_recorded() {
    let mut hand = hand(&workload(DdlKind::CreateTable, NEVER));
    begin(&mut hand, 5);
    hand.resolve(2 * SECOND);
    hand.crash();
    begin_anew(&mut hand, 6);
    insta::assert_snapshot!(told(&hand), @"
    ** DispatcherCreated cf1 d9@n1 ddl ts10
    ** DispatcherCreated cf1 d1@n1 t1 ts10
    ** DdlTsWritten n3/dispatchers query4 cf1 tables: ddl, t4 ts1000000
    ** DdlApplied n3/dispatchers query5 cf1 ts1000000 CreateTable db1.a4 t4
    ** DdlTsWritten n3/dispatchers query6 cf1 tables: ddl, t4 ts1000000 finished
    n3/dispatchers crashes
    ** DdlTsForgotten n3.2/dispatchers query2 cf1
    ** DispatcherCreated cf1 d9@n1 ddl ts10
    ** DispatcherCreated cf1 d1@n1 t1 ts10
    ");
}

#[test]
fn a_table_that_was_dropped_takes_no_rows() {
    let mut hand = hand(&workload(DdlKind::DropTable, OFTEN));
    begin(&mut hand, 5);
    hand.resolve(2 * SECOND);
    hand.advance(20);
    hand.tell(N1, write(5));
    hand.crash();
    // Its record went with it, so nothing keeps old rows away.
    begin(&mut hand, 6);
    hand.resolve(3 * SECOND);
    hand.advance(20);
    insta::assert_snapshot!(told(&hand), @"
    ** DispatcherCreated cf1 d9@n1 ddl ts10
    ** DispatcherCreated cf1 d1@n1 t1 ts10
    ** Applied n3/dispatchers query4 cf1 changes: INSERT t1 key=0 ts470419 d1@n1
    ** DdlTsWritten n3/dispatchers query5 cf1 tables: t1, ddl ts1000000
    ** DdlApplied n3/dispatchers query6 cf1 ts1000000 DropTable db1.a1
    ** DdlTsWritten n3/dispatchers query7 cf1 tables: t1, ddl ts1000000 finished deleted: t1
    n3/dispatchers crashes
    ** DispatcherCreated cf1 d9@n1 ddl ts1000000
    ** DispatcherCreated cf1 d1@n1 t1 ts10
    ** RolledBack n3.2/dispatchers query4 NoSuchTable
    ");
}

#[test]
fn rows_of_a_truncated_table_land_in_its_successor() {
    let mut hand = hand(&workload(DdlKind::TruncateTable, OFTEN));
    begin(&mut hand, 5);
    hand.resolve(2 * SECOND);
    hand.advance(20);
    hand.tell(N1, write(5));
    hand.crash();
    begin(&mut hand, 6);
    hand.resolve(3 * SECOND);
    hand.advance(20);
    insta::assert_snapshot!(told(&hand), @"
    ** DispatcherCreated cf1 d9@n1 ddl ts10
    ** DispatcherCreated cf1 d1@n1 t1 ts10
    ** Applied n3/dispatchers query4 cf1 changes: INSERT t1 key=0 ts470419 d1@n1
    ** DdlTsWritten n3/dispatchers query5 cf1 tables: t1, ddl, t4 ts1000000
    ** DdlApplied n3/dispatchers query6 cf1 ts1000000 TruncateTable db1.a1 tables: t4
    ** DdlTsWritten n3/dispatchers query7 cf1 tables: t1, ddl, t4 ts1000000 finished deleted: t1
    n3/dispatchers crashes
    ** DispatcherCreated cf1 d9@n1 ddl ts1000000
    ** DispatcherCreated cf1 d1@n1 t1 ts10
    ** Applied n3.2/dispatchers query4 cf1 changes: INSERT t4 key=0 ts470419 d1@n1
    ");
}

#[test]
fn a_rename_that_is_done_again_is_refused_and_over() {
    let mut hand = hand(&workload(DdlKind::RenameTable, NEVER));
    begin(&mut hand, 5);
    hand.resolve(2 * SECOND);
    hand.advance(20);
    hand.tell(N1, write(5));
    hand.crash();
    begin_anew(&mut hand, 6);
    hand.resolve(3 * SECOND);
    hand.advance(20);
    hand.tell(N1, write(6));
    insta::assert_snapshot!(told(&hand), @"
    ** DispatcherCreated cf1 d9@n1 ddl ts10
    ** DispatcherCreated cf1 d1@n1 t1 ts10
    ** DdlTsWritten n3/dispatchers query4 cf1 tables: t1, ddl ts1000000
    ** DdlApplied n3/dispatchers query5 cf1 ts1000000 RenameTable db1.a1 db1.a4
    ** DdlTsWritten n3/dispatchers query6 cf1 tables: t1, ddl ts1000000 finished
    n3/dispatchers crashes
    ** DdlTsForgotten n3.2/dispatchers query2 cf1
    ** DispatcherCreated cf1 d9@n1 ddl ts10
    ** DispatcherCreated cf1 d1@n1 t1 ts10
    ** DdlTsWritten n3.2/dispatchers query4 cf1 tables: t1, ddl ts1000000
    ** DdlRefused n3.2/dispatchers query5 cf1 ts1000000 RenameTable db1.a1 db1.a4 TableExists
    ** DdlTsWritten n3.2/dispatchers query6 cf1 tables: t1, ddl ts1000000 finished
    ");
}

#[test]
fn an_error_of_a_record_is_final() {
    let mut hand = hand(&workload(DdlKind::AddColumn, NEVER));
    begin(&mut hand, 5);
    let fails = Command::FailStatements {
        kind: "WriteDdlTs",
        retryable: true,
        share_per_million: 1_000_000,
        times: None,
        lasts: None,
    };
    hand.command(Addr::Sink, fails);
    hand.text.clear();
    hand.resolve(2 * SECOND);
    hand.advance(20_000);
    hand.tell(N1, create(5, 2));
    let lines =
        hand.text.lines().filter(|line| line.contains("**") || line.contains("err") || line.contains('`'));
    let text: Vec<&str> = lines.take(4).collect();
    insta::assert_snapshot!(text.join("\n"), @"
    ** BlockEventWritten cf1 d1@n1 ts1000000 AddColumn db1.a1
    ** BlockEventFailed cf1 d1@n1 ts1000000 AddColumn db1.a1 `bad connection`
    -> HeartBeatRequest cf1 `bad connection` to n1/maintainers
    -> HeartBeatRequest cf1 `bad connection` to n1/maintainers
    ");
}
