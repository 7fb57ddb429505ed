//! Redo, by hand: what is written to the redo log, who waits for it, and how it is built, taken over and ended.

use crate::hand::{CF, Hand, N1, N2, N3, World, create, preset, watched::Watched, workload};
use model::{
    Addr, ChangefeedConfig, DdlKind, DispatcherId, Epoch, Mode, NamedDdl, NodeId, Place, Span, TableId, Ts,
    Twin, Workload,
    dispatchers::{Action, Answer, BlockAnswer, EventKey, Inbox, Influenced, OperatorType, ScheduleRequest},
    sink::Command,
};
use sim::{Duration, Seed};

const SECOND: u64 = 1_000_000;

fn id(n: u32) -> DispatcherId {
    DispatcherId { maker: N1, n }
}

/// The dispatchers of n3, with a maintainer on n1 that brings both table triggers (d8, and d9 for redo).
fn hand(policy: &str, workload: &Workload) -> Hand {
    hand_at(N3, policy, workload)
}

fn hand_at(node: NodeId, policy: &str, workload: &Workload) -> Hand {
    let config = ChangefeedConfig { redo: true, ..ChangefeedConfig::default() };
    let world = World { workload: workload.clone(), config, seed: Seed(0) };
    let mut hand = Hand::with(node, Place::Dispatchers, preset(policy), world);
    hand.overlook("HeartBeatRequest");
    hand
}

fn bootstrap(epoch: u64, triggers: Option<(u32, u32)>) -> Inbox {
    let (trigger, redo) = (triggers.map(|(one, _)| id(one)), Twin(triggers.map(|(_, redo)| id(redo))));
    let (cf, start_ts, is_new, epoch, config) = (CF, Ts(10), false, Epoch(epoch), None);
    Inbox::MaintainerBootstrapRequest { cf, start_ts, trigger, is_new, epoch, config, redo }
}

fn post_bootstrap(epoch: u64) -> Inbox {
    Inbox::MaintainerPostBootstrapRequest { cf: CF, trigger: id(8), epoch: Epoch(epoch) }
}

fn schedule(action: Action, n: u32, table: u32) -> Inbox {
    let (kind, span) = (OperatorType::Add, Some(Span::whole(TableId(table))));
    let (mode, start_ts, skip_dml) = (Mode::Redo, Ts(10), false);
    let request =
        ScheduleRequest { cf: CF, action, kind, id: id(n), span, start_ts, skip_dml, mode, epoch: Epoch(5) };
    Inbox::ScheduleDispatcherRequest { request }
}

fn forward(resolved: u64) -> Inbox {
    Inbox::RedoResolvedTsForwardMessage { cf: CF, resolved: Ts(resolved), epoch: Epoch(5) }
}

fn meta(checkpoint: u64, resolved: u64) -> Inbox {
    let (checkpoint, resolved) = (Ts(checkpoint), Ts(resolved));
    Inbox::RedoMetaMessage { cf: CF, checkpoint, resolved, epoch: Epoch(5) }
}

/// One table whose row changes at ts30, replicated and written to the redo log.
fn working() -> Hand {
    working_under("master")
}

fn working_under(policy: &str) -> Hand {
    working_at(N3, policy)
}

fn working_at(node: NodeId, policy: &str) -> Hand {
    let mut hand = hand_at(node, policy, &Workload { tables: 1, ..workload() });
    hand.change_only(Span::whole(TableId(1)), &[(Ts(30), 1)]);
    hand.tell(N1, bootstrap(5, Some((8, 9))));
    hand.tell(N1, post_bootstrap(5));
    hand.tell(N1, create(5, 1));
    hand.tell(N1, schedule(Action::Create, 21, 1));
    hand
}

#[test]
fn a_row_is_written_when_the_redo_log_has_it() {
    let mut hand = working();
    hand.text.clear();
    hand.resolve(50);
    hand.advance(1900);
    hand.tell(N1, meta(10, 50));
    hand.advance(2200);
    hand.tell(N1, forward(40));
    hand.tell(N1, forward(50));
    insta::assert_snapshot!(hand.text, @"
    1900 ms pass
    n1/maintainers: RedoMetaMessage cf1 ts10 ts50 e5
    2200 ms pass
        -> RedoResolvedTsProgressMessage cf1 ts10 to n1/maintainers
        ** RedoLogged n3/dispatchers query7 cf1 count=1
        ** RedoMetaWritten n3/dispatchers query8 cf1 ts10 ts50
        -> RedoResolvedTsProgressMessage cf1 ts50 to n1/maintainers
    n1/maintainers: RedoResolvedTsForwardMessage cf1 ts40 e5
    n1/maintainers: RedoResolvedTsForwardMessage cf1 ts50 e5
        ** WriteStarted cf1 d1@n1 t1 query9
        ** Applied n3/dispatchers query9 cf1 changes: INSERT t1 key=0 ts30 d1@n1
        ** WriteFlushed cf1 d1@n1 query9
    ");
}

#[test]
fn a_ddl_is_executed_when_the_redo_log_has_it() {
    let ddl = NamedDdl { at: Duration::from_secs(2), kind: DdlKind::CreateTable, nth: 1, to: 1 };
    let quiet = Duration::from_secs(100_000);
    let workload =
        Workload { tables: 1, row_every: quiet, rows: 1, named_ddls: vec![ddl], ..Workload::default() };
    let mut hand = hand("master", &workload);
    hand.tell(N1, bootstrap(5, Some((8, 9))));
    hand.tell(N1, post_bootstrap(5));
    hand.text.clear();
    hand.resolve(3 * SECOND);
    hand.advance(20);
    hand.tell(N1, forward(3 * SECOND));
    hand.advance(20);
    insta::assert_snapshot!(hand.text, @"
        ** BlockEventWritten cf1 d9@n1 ts2000000 CreateTable db1.a2 t2 redo
        ** RedoDdlLogged n3/dispatchers query6 cf1 ts2000000 CreateTable db1.a2 t2
    20 ms pass
        -> BlockStatusRequest cf1 statuses: d9@n1 NONE ts2000000 added=t2@db1 redo redo to n1/maintainers
    n1/maintainers: RedoResolvedTsForwardMessage cf1 ts3000000 e5
        ** BlockEventWritten cf1 d8@n1 ts2000000 CreateTable db1.a2 t2
        ** DdlTsWritten n3/dispatchers query7 cf1 tables: ddl, t2 ts2000000
        ** DdlApplied n3/dispatchers query8 cf1 ts2000000 CreateTable db1.a2 t2
        ** DdlTsWritten n3/dispatchers query9 cf1 tables: ddl, t2 ts2000000 finished
    20 ms pass
        -> BlockStatusRequest cf1 statuses: d8@n1 NONE ts2000000 added=t2@db1 default default to n1/maintainers
    ");
}

#[test]
fn what_stops_everybody_stops_redo_dispatchers_by_themselves() {
    let ddl = NamedDdl { at: Duration::from_secs(2), kind: DdlKind::CreateView, nth: 1, to: 1 };
    let quiet = Duration::from_secs(100_000);
    let workload =
        Workload { tables: 1, row_every: quiet, rows: 1, named_ddls: vec![ddl], ..Workload::default() };
    let mut hand = hand("master", &workload);
    hand.tell(N1, bootstrap(5, Some((8, 9))));
    hand.tell(N1, post_bootstrap(5));
    hand.tell(N1, create(5, 1));
    hand.tell(N1, schedule(Action::Create, 21, 1));
    hand.resolve(SECOND);
    hand.tell(N1, forward(SECOND));
    hand.resolve(3 * SECOND);
    hand.advance(20);
    hand.text.clear();
    let event = EventKey { ts: Ts(2 * SECOND), syncpoint: false };
    let exclude = model::Joined(Vec::new());
    let write = BlockAnswer {
        answer: Answer::Write { event },
        influenced: Influenced::Normal(vec![id(9)]),
        exclude: exclude.clone(),
    };
    let pass = BlockAnswer { answer: Answer::Pass { event }, influenced: Influenced::All, exclude };
    for answer in [write, pass] {
        let (statuses, mode, epoch) = (vec![answer], Mode::Redo, Epoch(5));
        hand.tell(N1, Inbox::HeartBeatResponse { cf: CF, statuses, mode, epoch });
        hand.advance(20);
    }
    insta::assert_snapshot!(hand.text, @"
    n1/maintainers: HeartBeatResponse cf1 statuses: Write ts2000000 to=d9@n1 redo e5
        ** BlockEventWritten cf1 d9@n1 ts2000000 CreateView db1 redo
        ** RedoDdlLogged n3/dispatchers query7 cf1 ts2000000 CreateView db1
    20 ms pass
        -> BlockStatusRequest cf1 statuses: d9@n1 DONE ts2000000 redo redo to n1/maintainers
    n1/maintainers: HeartBeatResponse cf1 statuses: Pass ts2000000 to=all redo e5
    20 ms pass
        -> BlockStatusRequest cf1 statuses: d9@n1 DONE ts2000000 redo, d21@n1 DONE ts2000000 redo redo to n1/maintainers
    ");
}

#[test]
fn a_redo_dispatcher_that_is_removed_waits_for_its_file() {
    let mut hand = working();
    hand.resolve(50);
    hand.text.clear();
    hand.tell(N1, schedule(Action::Remove, 21, 1));
    hand.advance(1000);
    hand.text += "---\n";
    hand.advance(1500);
    insta::assert_snapshot!(hand.text, @"
    n1/maintainers: ScheduleDispatcherRequest cf1 Remove (Add) d21@n1 t1 ts10 redo e5
        ** DispatcherUnregistered cf1 d21@n1
    1000 ms pass
    ---
    1500 ms pass
        -> RedoResolvedTsProgressMessage cf1 ts10 to n1/maintainers
        ** RedoLogged n3/dispatchers query7 cf1 count=1
        ** DispatcherCleaned cf1 d21@n1 ts50
    ");
}

#[test]
fn redo_is_closed_first() {
    let mut hand = working();
    hand.resolve(50);
    hand.advance(300);
    hand.text.clear();
    hand.tell(N1, crate::hand::close(5, false));
    insta::assert_snapshot!(hand.text, @"
    n1/maintainers: MaintainerCloseRequest cf1 e5
        -> MaintainerCloseResponse cf1 e5 to n1/maintainers
        ** WritePathClosed cf1 n3
        ** DispatcherUnregistered cf1 d9@n1
        ** DispatcherUnregistered cf1 d21@n1
        ** DispatcherUnregistered cf1 d1@n1
        ** DispatcherUnregistered cf1 d8@n1
        ** ManagerClosed cf1 n3
    ");
}

/// What a successor hears that brings these triggers to where there are others.
fn taken_over(policy: &str, triggers: Option<(u32, u32)>) -> String {
    let mut hand = hand(policy, &workload());
    hand.tell(N1, bootstrap(5, Some((8, 9))));
    hand.tell(N1, post_bootstrap(5));
    hand.text.clear();
    hand.tell(N2, bootstrap(6, triggers));
    hand.text
}

#[test]
fn a_redo_trigger_of_a_predecessor_is_in_the_way() {
    insta::assert_snapshot!(taken_over("pr-5435", None), @"
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
        ** OwnerChanged cf1 n3 n2 e6
        -> MaintainerBootstrapResponse cf1 e6 ts10 redo=ts10 spans: d8@n1 ddl Initializing ts10 default, d9@n1 ddl Initializing ts10 redo to n2/maintainers
    ");
    insta::assert_snapshot!(taken_over("pr-5436", None), @"
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
        ** TakeoverRefused cf1 n2 `there is a table trigger`
        -> MaintainerBootstrapResponse cf1 e6 ts0 `there is a table trigger` to n2/maintainers
    ");
    insta::assert_snapshot!(taken_over("pr-5436", Some((8, 19))), @"
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 d8@n1 e6 redo=d19@n1
        ** TakeoverRefused cf1 n2 `the table trigger is another one`
        -> MaintainerBootstrapResponse cf1 e6 ts0 `the table trigger is another one` to n2/maintainers
    ");
}

#[test]
fn a_redo_trigger_that_is_missing_is_created() {
    let mut hand = hand("master", &workload());
    hand.tell(N1, bootstrap(5, None));
    hand.text.clear();
    hand.tell(N3, bootstrap(6, Some((8, 9))));
    insta::assert_snapshot!(hand.text, @"
    n3/maintainers: MaintainerBootstrapRequest cf1 ts10 d8@n1 e6 redo=d9@n1
        ** OwnerChanged cf1 n3 n3 e6
        ** DispatcherCreated cf1 d8@n1 ddl ts10
        ** DispatcherCreated cf1 d9@n1 ddl ts10 redo
        -> MaintainerBootstrapResponse cf1 e6 ts10 redo=ts10 spans: d8@n1 ddl Initializing ts10 default, d9@n1 ddl Initializing ts10 redo to n3/maintainers
        ** RedoMetaWritten n3/dispatchers query5 cf1 ts10 ts10
    ");
}

/// What a fence says that comes while the table trigger is being created, and nothing of redo is there.
fn fenced_early(policy: &str) -> String {
    let mut hand = hand(policy, &workload());
    hand.hold_only(Addr::Sink, "TableRecoveryInfo");
    hand.tell(N1, bootstrap(5, Some((8, 9))));
    hand.text.clear();
    hand.hear(Addr::Node(N3, Place::Server), Inbox::LocalFence);
    hand.text
}

#[test]
fn redo_that_is_being_built_has_no_sink() {
    insta::assert_snapshot!(fenced_early("master"), @"
    n3/server: LocalFence
        ** WritePathClosed cf1 n3 fenced
        ** ConstructionFailed cf1 n3 `the context is cancelled`
        ** ManagerClosed cf1 n3
        -> LocalFenced to n3/server
    ");
    insta::assert_snapshot!(fenced_early("M15"), @"
    n3/server: LocalFence
        ** WritePathClosed cf1 n3 fenced
        ** ProcessPanicked cf1 `there is no redo sink`
        exits, back in 2s
        ** ConstructionFailed cf1 n3 `the context is cancelled`
        -> LocalFenced to n3/server
    ");
}

/// What comes of redo meta that arrives when a close has begun, and has not yet come to the redo trigger.
fn meta_while_closing(policy: &str) -> String {
    let mut hand = hand(policy, &workload());
    hand.tell(N1, bootstrap(5, Some((8, 9))));
    hand.advance(1000);
    hand.stall("Task");
    hand.tell(N1, crate::hand::close(5, false));
    for _ in 0..6 {
        hand.one_step();
    }
    hand.text.clear();
    hand.tell(N1, meta(20, 30));
    hand.one_step();
    hand.text
}

#[test]
fn redo_meta_stops_with_the_write_path() {
    insta::assert_snapshot!(meta_while_closing("master"), @"
    n1/maintainers: RedoMetaMessage cf1 ts20 ts30 e5
        ** RedoMetaIgnored cf1 ts20 ts30
    one step
    ");
    insta::assert_snapshot!(meta_while_closing("M17"), @"
    n1/maintainers: RedoMetaMessage cf1 ts20 ts30 e5
    one step
    ");
}

/// What `redo_is_ahead` finds when an earlier maintainer, on n2, says that the redo log is complete up to ts50 and that this may be
/// written down. The row of ts30 is not in the log.
fn told_by_a_predecessor(policy: &str) -> String {
    let mut watched = Watched::by("redo_is_ahead", working_under(policy), hand(policy, &workload()));
    watched.hand(N1, |hand| hand.resolve(50));
    watched.text.clear();
    watched.hand(N1, |hand| {
        let (cf, resolved, epoch) = (CF, Ts(50), Epoch(4));
        hand.tell(N2, Inbox::RedoResolvedTsForwardMessage { cf, resolved, epoch });
        hand.tell(N2, Inbox::RedoMetaMessage { cf, checkpoint: Ts(10), resolved, epoch });
        hand.advance(210);
    });
    watched.text
}

#[test]
fn a_predecessor_that_knows_better_takes_the_downstream_ahead_of_the_redo_log() {
    insta::assert_snapshot!(told_by_a_predecessor("pr-5435"), @"
    n1: WriteStarted cf1 d1@n1 t1 query7
    n1: Applied n3/dispatchers query7 cf1 changes: INSERT t1 key=0 ts30 d1@n1
    !! redo_is_ahead (log): row 0 of t1 of cf1 at ts30 is downstream, and not in the redo log
    n1: WriteFlushed cf1 d1@n1 query7
    n1: RedoMetaWritten n3/dispatchers query8 cf1 ts10 ts50
    !! redo_is_ahead (meta): the redo log of cf1 is said to be complete up to ts50, and row 0 of t1 at ts30 is missing
    ");
    insta::assert_snapshot!(told_by_a_predecessor("pr-5436"), @"
    n1: StaleRefused cf1 n2 e4 n1 e5
    n1: StaleRefused cf1 n2 e4 n1 e5
    ");
}

/// What `single_writer` finds when two nodes have a redo dispatcher of one table, and write a file each; how long a file takes.
fn two_files_that_take(time: Duration) -> String {
    let mut watched = Watched::by("single_writer", working_at(N1, "master"), working_at(N2, "master"));
    for node in [N1, N2] {
        watched.hand(node, |hand| {
            let (kind, share_per_million, lasts) = (Some("WriteRedoLog"), None, None);
            let slow = Command::SlowStatements { kind, from: time, to: time, share_per_million, lasts };
            hand.command(Addr::Sink, slow);
            hand.resolve(50);
        });
    }
    watched.text.clear();
    for node in [N1, N2] {
        watched.hand(node, |hand| hand.advance(2100));
    }
    watched.text
}

#[test]
fn two_files_of_one_table_are_written_at_once() {
    insta::assert_snapshot!(two_files_that_take(Duration::from_secs(5)), @"!! single_writer (redo started): t1 of cf1 is being written to the redo log by d21@n1 on n1 and by d21@n1 on n2");
    insta::assert_snapshot!(two_files_that_take(Duration::from_millis(1)), @"
    n1: RedoLogged n1/dispatchers query7 cf1 count=1
    n2: RedoLogged n2/dispatchers query7 cf1 count=1
    ");
}

#[test]
fn a_file_that_the_storage_refuses_is_not_being_written() {
    let mut watched = Watched::by("single_writer", working_at(N1, "master"), working_at(N2, "master"));
    watched.hand(N1, |hand| hand.command(Addr::Sink, Command::Outage { hangs: false, lasts: None }));
    for node in [N1, N2] {
        watched.hand(node, |hand| hand.resolve(50));
    }
    watched.text.clear();
    for node in [N1, N2] {
        watched.hand(node, |hand| hand.advance(2100));
    }
    insta::assert_snapshot!(watched.text, @"
    n1: RolledBack n1/dispatchers query7 BadConnection
    n1: SinkFailed cf1 `bad connection`
    n2: RedoLogged n2/dispatchers query7 cf1 count=1
    ");
}

/// A file that is lost on its way is waited for, and its changefeed stands still; the time for it is five minutes.
#[test]
fn a_file_that_is_never_written_fails() {
    let mut hand = working_at(N1, "master");
    hand.hold_only(Addr::Sink, "WriteRedoLog");
    hand.resolve(50);
    hand.advance(290_000);
    hand.text.clear();
    hand.advance(20_000);
    insta::assert_snapshot!(hand.text, @"
    20000 ms pass
        ** SinkFailed cf1 `bad connection`
    ");
}

#[test]
fn a_redo_log_goes_with_its_changefeed() {
    let mut hand = working();
    hand.advance(300);
    hand.text.clear();
    for _ in 0..2 {
        hand.tell(N1, crate::hand::close(5, true));
        hand.advance(100);
    }
    insta::assert_snapshot!(hand.text, @"
    n1/maintainers: MaintainerCloseRequest cf1 removed e5
        -> MaintainerCloseResponse cf1 e5 to n1/maintainers
        ** WritePathClosed cf1 n3
        ** DispatcherUnregistered cf1 d9@n1
        ** DispatcherUnregistered cf1 d21@n1
        ** DispatcherUnregistered cf1 d1@n1
        ** DispatcherUnregistered cf1 d8@n1
        ** ManagerClosed cf1 n3
        ** RedoLogRemoved n3/dispatchers query7 cf1
        ** DdlTsForgotten n3/dispatchers query8 cf1
        ** RemovalCleaned cf1 n3
    100 ms pass
    n1/maintainers: MaintainerCloseRequest cf1 removed e5
        -> MaintainerCloseResponse cf1 success e5 to n1/maintainers
    100 ms pass
    ");
}
