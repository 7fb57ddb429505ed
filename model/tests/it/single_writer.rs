//! The invariant `single_writer`, shown the hands of two nodes: what they do is values, what it finds is text.

use crate::hand::{CF, Hand, N1, N2, N3, close, preset, watched::Watched};
use model::{
    Addr, ChangefeedId, DispatcherId, Epoch, Mode, NodeId, Place, Span, TableId, Ts,
    dispatchers::{Action, Inbox, OperatorType, ScheduleRequest},
    sink::Command,
};

/// What the nodes and the downstream say, and what the invariant finds.
fn found(script: impl FnOnce(&mut Watched)) -> String {
    found_under("baseline", script)
}

fn found_under(policy: &str, script: impl FnOnce(&mut Watched)) -> String {
    let hand = |node| Hand::at(node, Place::Dispatchers, preset(policy));
    let mut watched = Watched::by("single_writer", hand(N1), hand(N2));
    for node in [N1, N2] {
        watched.hand(node, |hand| {
            hand.tell(N3, bootstrap(CF));
            hand.tell(N3, bootstrap(CF2));
        });
    }
    watched.text.clear();
    script(&mut watched);
    watched.text
}

/// What a test does with the nodes.
trait Script {
    /// A dispatcher is created that replicates a span.
    fn create(&mut self, node: NodeId, n: u32, cf: ChangefeedId, span: Span);
    /// A dispatcher is removed, and gone as soon as it is drained.
    fn remove(&mut self, node: NodeId, n: u32);
    /// The upstream has resolved so many seconds: a dispatcher of the node writes what is new.
    fn write(&mut self, node: NodeId, seconds: u64);
}

impl Script for Watched {
    fn create(&mut self, node: NodeId, n: u32, cf: ChangefeedId, span: Span) {
        let request = request(Action::Create, OperatorType::Add, cf, n, span);
        self.hand(node, |hand| hand.tell(N3, request));
    }

    fn remove(&mut self, node: NodeId, n: u32) {
        let request = request(Action::Remove, OperatorType::Remove, CF, n, T1);
        self.hand(node, |hand| {
            hand.tell(N3, request);
            hand.advance(1000);
        });
    }

    fn write(&mut self, node: NodeId, seconds: u64) {
        self.hand(node, |hand| hand.resolve(seconds * 1_000_000));
    }
}

const CF2: ChangefeedId = ChangefeedId(2);
const T1: Span = Span::whole(TableId(1));

fn bootstrap(cf: ChangefeedId) -> Inbox {
    let (start_ts, trigger, is_new, epoch) = (Ts(10), None, false, Epoch::NONE);
    Inbox::MaintainerBootstrapRequest {
        cf,
        start_ts,
        trigger,
        is_new,
        epoch,
        config: None,
        redo: Default::default(),
    }
}

fn request(action: Action, kind: OperatorType, cf: ChangefeedId, n: u32, span: Span) -> Inbox {
    let (id, start_ts) = (DispatcherId { maker: N3, n }, Ts(10));
    let (span, mode, epoch) = (Some(span), Mode::Default, Epoch::NONE);
    let request = ScheduleRequest { cf, action, kind, id, span, start_ts, skip_dml: false, mode, epoch };
    Inbox::ScheduleDispatcherRequest { request }
}

#[test]
fn two_dispatchers_of_one_table_may_not_both_write() {
    let text = found(|both| {
        both.create(N1, 1, CF, T1);
        both.create(N2, 2, CF, T1);
        both.create(N2, 3, CF, T1);
    });
    insta::assert_snapshot!(text, @"
    n1: DispatcherCreated cf1 d1@n3 t1 ts10
    n2: DispatcherCreated cf1 d2@n3 t1 ts10
    !! single_writer (admitted): t1 of cf1 may be written by d1@n3 on n1 and by d2@n3 on n2
    n2: DispatcherCreated cf1 d3@n3 t1 ts10
    ");
}

#[test]
fn half_a_table_overlaps_the_whole() {
    let text = found(|both| {
        both.create(N1, 1, CF, Span { to: Span::KEYS / 2, ..T1 });
        both.create(N1, 2, CF, T1);
    });
    insta::assert_snapshot!(text, @"
    n1: DispatcherCreated cf1 d1@n3 t1[0..524288) ts10
    n1: DispatcherCreated cf1 d2@n3 t1 ts10
    !! single_writer (admitted): t1 of cf1 may be written by d1@n3 on n1 and by d2@n3 on n1 (t1[0..524288))
    ");
}

#[test]
fn halves_of_a_table_and_other_tables_and_other_changefeeds_are_nobodys_business() {
    let text = found(|both| {
        both.create(N1, 1, CF, Span { to: Span::KEYS / 2, ..T1 });
        both.create(N2, 2, CF, Span { from: Span::KEYS / 2, ..T1 });
        both.create(N2, 3, CF, Span::whole(TableId(2)));
        both.create(N2, 4, CF2, T1);
        both.write(N1, 5);
        both.write(N2, 5);
    });
    insta::assert_snapshot!(text, @"
    n1: DispatcherCreated cf1 d1@n3 t1[0..524288) ts10
    n2: DispatcherCreated cf1 d2@n3 t1[524288..) ts10
    n2: DispatcherCreated cf1 d3@n3 t2 ts10
    n2: DispatcherCreated cf2 d4@n3 t1 ts10
    n1: WriteStarted cf1 d1@n3 t1[0..524288) query4
    n1: Applied n1/dispatchers query4 cf1 changes: INSERT t1 key=0 ts1568060 d1@n3, UPDATE t1 key=0 ts3446935 d1@n3, UPDATE t1 key=0 ts4551387 d1@n3, UPDATE t1 key=0 ts4835569 d1@n3
    n1: WriteFlushed cf1 d1@n3 query4
    n2: WriteStarted cf1 d3@n3 t2 query6
    n2: WriteStarted cf2 d4@n3 t1 query7
    n2: Applied n2/dispatchers query6 cf1 changes: INSERT t2 key=0 ts236440 d3@n3, UPDATE t2 key=0 ts1156964 d3@n3, UPDATE t2 key=0 ts2491562 d3@n3, UPDATE t2 key=0 ts2799357 d3@n3, UPDATE t2 key=0 ts4587904 d3@n3
    n2: Applied n2/dispatchers query7 cf2 changes: INSERT t1 key=0 ts1568060 d4@n3, UPDATE t1 key=0 ts3446935 d4@n3, UPDATE t1 key=0 ts4551387 d4@n3, UPDATE t1 key=0 ts4835569 d4@n3
    n2: WriteFlushed cf1 d3@n3 query6
    n2: WriteFlushed cf2 d4@n3 query7
    ");
}

#[test]
fn both_write_at_once() {
    let text = found(|both| {
        both.create(N1, 1, CF, T1);
        both.hold(N1);
        both.write(N1, 5);
        both.create(N2, 2, CF, T1);
        both.write(N2, 5);
    });
    insta::assert_snapshot!(text, @"
    n1: DispatcherCreated cf1 d1@n3 t1 ts10
    n1: WriteStarted cf1 d1@n3 t1 query4
    n2: DispatcherCreated cf1 d2@n3 t1 ts10
    !! single_writer (admitted): t1 of cf1 may be written by d1@n3 on n1 and by d2@n3 on n2
    n2: WriteStarted cf1 d2@n3 t1 query4
    !! single_writer (started): t1 of cf1 is being written by d1@n3 on n1 and by d2@n3 on n2
    n2: Applied n2/dispatchers query4 cf1 changes: INSERT t1 key=0 ts1568060 d2@n3, UPDATE t1 key=0 ts3446935 d2@n3, UPDATE t1 key=0 ts4551387 d2@n3, UPDATE t1 key=0 ts4835569 d2@n3
    n2: WriteFlushed cf1 d2@n3 query4
    ");
}

#[test]
fn the_statement_of_a_fenced_node_still_runs_while_its_successor_writes() {
    let text = found(|both| {
        both.create(N1, 1, CF, T1);
        both.hold(N1);
        both.write(N1, 2);
        both.fence(N1);
        both.create(N2, 2, CF, T1);
        both.write(N2, 5);
        both.release(N1);
    });
    insta::assert_snapshot!(text, @"
    n1: DispatcherCreated cf1 d1@n3 t1 ts10
    n1: WriteStarted cf1 d1@n3 t1 query4
    n1: ManagerClosed cf2 n1
    n1: DispatcherUnregistered cf1 d1@n3
    n1: WriteCancelled cf1 query4
    n1: ManagerClosed cf1 n1
    n2: DispatcherCreated cf1 d2@n3 t1 ts10
    n2: WriteStarted cf1 d2@n3 t1 query4
    !! single_writer (started): t1 of cf1 is being written by d1@n3 on n1 and by d2@n3 on n2
    n2: Applied n2/dispatchers query4 cf1 changes: INSERT t1 key=0 ts1568060 d2@n3, UPDATE t1 key=0 ts3446935 d2@n3, UPDATE t1 key=0 ts4551387 d2@n3, UPDATE t1 key=0 ts4835569 d2@n3
    n2: WriteFlushed cf1 d2@n3 query4
    n1: Applied n1/dispatchers query4 cf1 changes: INSERT t1 key=0 ts1568060 d1@n3
    !! single_writer (applied): row 0 of t1 went back from ts4835569 (by d2@n3 on n2) to ts1568060 (by d1@n3 on n1)
    ");
}

/// A manager that closes gently takes the events from its dispatchers one by one, and its workers go on until its context is
/// cancelled: what is left may still write, though the write path counts as closed. One that is fenced is cancelled first.
#[test]
fn a_manager_that_closes_still_writes() {
    let text = found_under("master", |both| {
        both.create(N1, 1, CF, T1);
        both.hand(N1, |hand| {
            hand.stall("Task");
            hand.tell(N3, close(0, false));
            for _ in 0..4 {
                hand.one_step();
            }
        });
        both.create(N2, 2, CF, T1);
        both.write(N1, 5);
    });
    insta::assert_snapshot!(text, @"
    n1: DispatcherCreated cf1 d1@n3 t1 ts10
    n1: WritePathClosed cf1 n1
    n2: DispatcherCreated cf1 d2@n3 t1 ts10
    !! single_writer (admitted): t1 of cf1 may be written by d1@n3 on n1 and by d2@n3 on n2
    n1: WriteStarted cf1 d1@n3 t1 query4
    n1: Applied n1/dispatchers query4 cf1 changes: INSERT t1 key=0 ts1568060 d1@n3, UPDATE t1 key=0 ts3446935 d1@n3, UPDATE t1 key=0 ts4551387 d1@n3, UPDATE t1 key=0 ts4835569 d1@n3
    n1: WriteFlushed cf1 d1@n3 query4
    ");
    let text = found_under("master", |both| {
        both.create(N1, 1, CF, T1);
        both.hand(N1, |hand| hand.stall("Task"));
        both.fence(N1);
        both.hand(N1, |hand| {
            let is_cancelled = |line: &str| line.starts_with("cf1") && line.contains("cancelled");
            while !hand.state().lines().any(is_cancelled) {
                hand.one_step();
            }
        });
        both.create(N2, 2, CF, T1);
        both.write(N1, 5);
    });
    insta::assert_snapshot!(text, @"
    n1: DispatcherCreated cf1 d1@n3 t1 ts10
    n1: WritePathClosed cf2 n1 fenced
    n1: ManagerClosed cf2 n1
    n1: WritePathClosed cf1 n1 fenced
    n2: DispatcherCreated cf1 d2@n3 t1 ts10
    ");
}

#[test]
fn a_statement_that_was_lost_on_its_way_is_not_running() {
    let text = found(|both| {
        both.create(N1, 1, CF, T1);
        both.hold(N1);
        both.write(N1, 2);
        both.lose(N1);
        both.fence(N1);
        both.create(N2, 2, CF, T1);
        both.write(N2, 5);
    });
    insta::assert_snapshot!(text, @"
    n1: DispatcherCreated cf1 d1@n3 t1 ts10
    n1: WriteStarted cf1 d1@n3 t1 query4
    n1: ManagerClosed cf2 n1
    n1: DispatcherUnregistered cf1 d1@n3
    n1: WriteCancelled cf1 query4
    n1: ManagerClosed cf1 n1
    n2: DispatcherCreated cf1 d2@n3 t1 ts10
    n2: WriteStarted cf1 d2@n3 t1 query4
    n2: Applied n2/dispatchers query4 cf1 changes: INSERT t1 key=0 ts1568060 d2@n3, UPDATE t1 key=0 ts3446935 d2@n3, UPDATE t1 key=0 ts4551387 d2@n3, UPDATE t1 key=0 ts4835569 d2@n3
    n2: WriteFlushed cf1 d2@n3 query4
    ");
}

#[test]
fn a_statement_whose_connection_is_dropped_before_it_comes_is_not_running() {
    let text = found(|both| {
        both.create(N1, 1, CF, T1);
        both.hand(N1, |hand| hand.hold_only(Addr::Sink, "Execute"));
        both.write(N1, 2);
        both.fence(N1);
        both.create(N2, 2, CF, T1);
        both.write(N2, 5);
        both.release(N1);
    });
    insta::assert_snapshot!(text, @"
    n1: DispatcherCreated cf1 d1@n3 t1 ts10
    n1: WriteStarted cf1 d1@n3 t1 query4
    n1: ManagerClosed cf2 n1
    n1: DispatcherUnregistered cf1 d1@n3
    n1: WriteCancelled cf1 query4
    n1: ManagerClosed cf1 n1
    n2: DispatcherCreated cf1 d2@n3 t1 ts10
    n2: WriteStarted cf1 d2@n3 t1 query4
    n2: Applied n2/dispatchers query4 cf1 changes: INSERT t1 key=0 ts1568060 d2@n3, UPDATE t1 key=0 ts3446935 d2@n3, UPDATE t1 key=0 ts4551387 d2@n3, UPDATE t1 key=0 ts4835569 d2@n3
    n2: WriteFlushed cf1 d2@n3 query4
    n1: NotReceived n1/dispatchers query4
    ");
}

#[test]
fn a_row_goes_back_while_its_last_writer_has_not_ended() {
    let text = found(|both| {
        both.create(N1, 1, CF, T1);
        both.write(N1, 5);
        both.create(N2, 2, CF, T1);
        both.write(N2, 2);
    });
    insta::assert_snapshot!(text, @"
    n1: DispatcherCreated cf1 d1@n3 t1 ts10
    n1: WriteStarted cf1 d1@n3 t1 query4
    n1: Applied n1/dispatchers query4 cf1 changes: INSERT t1 key=0 ts1568060 d1@n3, UPDATE t1 key=0 ts3446935 d1@n3, UPDATE t1 key=0 ts4551387 d1@n3, UPDATE t1 key=0 ts4835569 d1@n3
    n1: WriteFlushed cf1 d1@n3 query4
    n2: DispatcherCreated cf1 d2@n3 t1 ts10
    !! single_writer (admitted): t1 of cf1 may be written by d1@n3 on n1 and by d2@n3 on n2
    n2: WriteStarted cf1 d2@n3 t1 query4
    n2: Applied n2/dispatchers query4 cf1 changes: INSERT t1 key=0 ts1568060 d2@n3
    !! single_writer (applied): row 0 of t1 went back from ts4835569 (by d1@n3 on n1) to ts1568060 (by d2@n3 on n2)
    n2: WriteFlushed cf1 d2@n3 query4
    ");
}

#[test]
fn a_successor_after_a_removal_may_write_old_rows_again() {
    let text = found(|both| {
        both.create(N1, 1, CF, T1);
        both.write(N1, 5);
        both.remove(N1, 1);
        both.create(N2, 2, CF, T1);
        both.write(N2, 2);
        both.write(N2, 9);
    });
    insta::assert_snapshot!(text, @"
    n1: DispatcherCreated cf1 d1@n3 t1 ts10
    n1: WriteStarted cf1 d1@n3 t1 query4
    n1: Applied n1/dispatchers query4 cf1 changes: INSERT t1 key=0 ts1568060 d1@n3, UPDATE t1 key=0 ts3446935 d1@n3, UPDATE t1 key=0 ts4551387 d1@n3, UPDATE t1 key=0 ts4835569 d1@n3
    n1: WriteFlushed cf1 d1@n3 query4
    n1: DispatcherUnregistered cf1 d1@n3
    n1: DispatcherCleaned cf1 d1@n3 ts5000000
    n2: DispatcherCreated cf1 d2@n3 t1 ts10
    n2: WriteStarted cf1 d2@n3 t1 query4
    n2: Applied n2/dispatchers query4 cf1 changes: INSERT t1 key=0 ts1568060 d2@n3
    n2: WriteFlushed cf1 d2@n3 query4
    n2: WriteStarted cf1 d2@n3 t1 query5
    n2: Applied n2/dispatchers query5 cf1 changes: UPDATE t1 key=0 ts3446935 d2@n3, UPDATE t1 key=0 ts4551387 d2@n3, UPDATE t1 key=0 ts4835569 d2@n3, UPDATE t1 key=0 ts5474806 d2@n3, UPDATE t1 key=0 ts6609536 d2@n3, UPDATE t1 key=0 ts7707483 d2@n3
    n2: WriteFlushed cf1 d2@n3 query5
    ");
}

#[test]
fn a_dispatcher_that_is_removed_and_has_not_drained_still_writes() {
    let text = found(|both| {
        both.create(N1, 1, CF, T1);
        both.hold(N1);
        both.write(N1, 5);
        both.remove(N1, 1);
        both.create(N2, 2, CF, T1);
        both.write(N2, 5);
    });
    insta::assert_snapshot!(text, @"
    n1: DispatcherCreated cf1 d1@n3 t1 ts10
    n1: WriteStarted cf1 d1@n3 t1 query4
    n1: DispatcherUnregistered cf1 d1@n3
    n2: DispatcherCreated cf1 d2@n3 t1 ts10
    !! single_writer (admitted): t1 of cf1 may be written by d1@n3 on n1 and by d2@n3 on n2
    n2: WriteStarted cf1 d2@n3 t1 query4
    !! single_writer (started): t1 of cf1 is being written by d1@n3 on n1 and by d2@n3 on n2
    n2: Applied n2/dispatchers query4 cf1 changes: INSERT t1 key=0 ts1568060 d2@n3, UPDATE t1 key=0 ts3446935 d2@n3, UPDATE t1 key=0 ts4551387 d2@n3, UPDATE t1 key=0 ts4835569 d2@n3
    n2: WriteFlushed cf1 d2@n3 query4
    ");
}

#[test]
fn a_dispatcher_that_is_created_again_under_its_id_is_its_own_successor() {
    let text = found(|both| {
        both.create(N1, 1, CF, T1);
        both.write(N1, 5);
        both.remove(N1, 1);
        both.create(N1, 1, CF, T1);
        both.write(N1, 9);
    });
    insta::assert_snapshot!(text, @"
    n1: DispatcherCreated cf1 d1@n3 t1 ts10
    n1: WriteStarted cf1 d1@n3 t1 query4
    n1: Applied n1/dispatchers query4 cf1 changes: INSERT t1 key=0 ts1568060 d1@n3, UPDATE t1 key=0 ts3446935 d1@n3, UPDATE t1 key=0 ts4551387 d1@n3, UPDATE t1 key=0 ts4835569 d1@n3
    n1: WriteFlushed cf1 d1@n3 query4
    n1: DispatcherUnregistered cf1 d1@n3
    n1: DispatcherCleaned cf1 d1@n3 ts5000000
    n1: DispatcherCreated cf1 d1@n3 t1 ts10
    n1: WriteStarted cf1 d1@n3 t1 query6
    n1: Applied n1/dispatchers query6 cf1 changes: REPLACE t1 key=0 ts1568060 d1@n3, DELETE t1 key=0 ts3446935 d1@n3, REPLACE t1 key=0 ts3446935 d1@n3, DELETE t1 key=0 ts4551387 d1@n3, REPLACE t1 key=0 ts4551387 d1@n3, DELETE t1 key=0 ts4835569 d1@n3, REPLACE t1 key=0 ts4835569 d1@n3
    n1: WriteFlushed cf1 d1@n3 query6
    n1: WriteStarted cf1 d1@n3 t1 query7
    n1: Applied n1/dispatchers query7 cf1 changes: DELETE t1 key=0 ts5474806 d1@n3, REPLACE t1 key=0 ts5474806 d1@n3, UPDATE t1 key=0 ts6609536 d1@n3, UPDATE t1 key=0 ts7707483 d1@n3
    n1: WriteFlushed cf1 d1@n3 query7
    ");
}

#[test]
fn who_is_down_does_not_write() {
    let text = found(|both| {
        both.create(N1, 1, CF, T1);
        both.write(N1, 5);
        both.crash();
        both.create(N2, 2, CF, T1);
        both.write(N2, 2);
    });
    insta::assert_snapshot!(text, @"
    n1: DispatcherCreated cf1 d1@n3 t1 ts10
    n1: WriteStarted cf1 d1@n3 t1 query4
    n1: Applied n1/dispatchers query4 cf1 changes: INSERT t1 key=0 ts1568060 d1@n3, UPDATE t1 key=0 ts3446935 d1@n3, UPDATE t1 key=0 ts4551387 d1@n3, UPDATE t1 key=0 ts4835569 d1@n3
    n1: WriteFlushed cf1 d1@n3 query4
    n2: DispatcherCreated cf1 d2@n3 t1 ts10
    n2: WriteStarted cf1 d2@n3 t1 query4
    n2: Applied n2/dispatchers query4 cf1 changes: INSERT t1 key=0 ts1568060 d2@n3
    n2: WriteFlushed cf1 d2@n3 query4
    ");
}

/// A downstream that does not say where a table starts makes the sink abnormal: removals wait for nothing then, and what
/// workers have of a dispatcher that is gone is still written (4.7).
#[test]
fn a_dispatcher_that_is_gone_may_still_write() {
    let text = found(|both| {
        both.create(N1, 1, CF, T1);
        both.hand(N1, |hand| hand.hold_only(Addr::Sink, "Execute"));
        both.write(N1, 2);
        both.hand(N1, |hand| {
            let (kind, retryable, share_per_million) = ("TableRecoveryInfo", true, 1_000_000);
            let (times, lasts) = (None, None);
            let fail = Command::FailStatements { kind, retryable, share_per_million, times, lasts };
            hand.command(Addr::Sink, fail);
        });
        both.create(N1, 3, CF, Span::whole(TableId(3)));
        both.remove(N1, 1);
        both.create(N2, 2, CF, T1);
        both.write(N2, 5);
        both.release(N1);
    });
    insta::assert_snapshot!(text, @"
    n1: DispatcherCreated cf1 d1@n3 t1 ts10
    n1: WriteStarted cf1 d1@n3 t1 query4
    n1: DispatcherUnregistered cf1 d1@n3
    n1: DispatcherCleaned cf1 d1@n3 ts1568059
    n2: DispatcherCreated cf1 d2@n3 t1 ts10
    !! single_writer (admitted): t1 of cf1 may be written by d1@n3 on n1 and by d2@n3 on n2
    n2: WriteStarted cf1 d2@n3 t1 query4
    !! single_writer (started): t1 of cf1 is being written by d1@n3 on n1 and by d2@n3 on n2
    n2: Applied n2/dispatchers query4 cf1 changes: INSERT t1 key=0 ts1568060 d2@n3, UPDATE t1 key=0 ts3446935 d2@n3, UPDATE t1 key=0 ts4551387 d2@n3, UPDATE t1 key=0 ts4835569 d2@n3
    n2: WriteFlushed cf1 d2@n3 query4
    n1: Applied n1/dispatchers query4 cf1 changes: INSERT t1 key=0 ts1568060 d1@n3
    !! single_writer (applied): row 0 of t1 went back from ts4835569 (by d2@n3 on n2) to ts1568060 (by d1@n3 on n1)
    n1: WriteFlushed cf1 d1@n3 query4
    ");
}
