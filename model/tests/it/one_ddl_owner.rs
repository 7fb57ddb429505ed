//! The invariant `one_ddl_owner`, shown the hands of two nodes: what they do is values, what it finds is text.

use crate::hand::{CF, Hand, N1, N2, N3, World, preset, remove, watched::Watched};
use model::{Addr, DdlKind, DispatcherId, Epoch, NamedDdl, NodeId, Place, Ts, Workload, dispatchers::Inbox};
use sim::Duration;

/// Two tables, and a DDL that a table trigger executes without asking.
fn workload(kind: DdlKind) -> Workload {
    Workload {
        tables: 2,
        row_every: Duration::from_secs(100_000),
        rows: 1,
        until: Duration::from_secs(10),
        named_ddls: vec![NamedDdl { at: Duration::from_secs(1), kind, nth: 0, to: 0 }],
        ..Workload::default()
    }
}

fn found(policy: &str, script: impl FnOnce(&mut Watched)) -> String {
    let workload = workload(DdlKind::CreateTable);
    let world = || World { workload: workload.clone(), ..World::default() };
    let hand = |node| Hand::with(node, Place::Dispatchers, preset(policy), world());
    let mut watched = Watched::by("one_ddl_owner", hand(N1), hand(N2));
    script(&mut watched);
    watched.text
}

fn trigger(n: u32) -> DispatcherId {
    DispatcherId { maker: N1, n }
}

/// A maintainer on n3 takes a node over and gives it a table trigger.
fn bootstrap(both: &mut Watched, node: NodeId, n: u32, epoch: u64) {
    let (cf, start_ts, trigger, is_new) = (CF, Ts(10), Some(trigger(n)), false);
    let epoch = Epoch(epoch);
    let request = Inbox::MaintainerBootstrapRequest {
        cf,
        start_ts,
        trigger,
        is_new,
        epoch,
        config: None,
        redo: Default::default(),
    };
    both.hand(node, |hand| hand.tell(N3, request));
}

/// The trigger of the node becomes active.
fn activate(both: &mut Watched, node: NodeId, n: u32, epoch: u64) {
    let request = Inbox::MaintainerPostBootstrapRequest { cf: CF, trigger: trigger(n), epoch: Epoch(epoch) };
    both.hand(node, |hand| hand.tell(N3, request));
}

#[test]
fn two_active_triggers_are_one_too_many() {
    let text = found("baseline", |both| {
        bootstrap(both, N1, 1, 0);
        bootstrap(both, N2, 2, 0);
        activate(both, N1, 1, 0);
        activate(both, N2, 2, 0);
    });
    insta::assert_snapshot!(text, @"
    n1: DispatcherCreated cf1 d1@n1 ddl ts10
    n1: ManagerCreated cf1 n1 n3 e0
    n2: DispatcherCreated cf1 d2@n1 ddl ts10
    n2: ManagerCreated cf1 n2 n3 e0
    n1: TriggerRegistered cf1 d1@n1
    n2: TriggerRegistered cf1 d2@n1
    !! one_ddl_owner (active): cf1 has two active table triggers: d1@n1 on n1 and d2@n1 on n2
    ");
}

#[test]
fn a_trigger_that_is_not_active_yet_or_any_more_does_not_count() {
    let text = found("master", |both| {
        bootstrap(both, N1, 1, 5);
        bootstrap(both, N2, 2, 5);
        activate(both, N1, 1, 5);
        both.hand(N1, |hand| {
            hand.tell(N3, remove(5, 1));
            hand.advance(2000);
        });
        activate(both, N2, 2, 5);
        both.fence(N2);
        bootstrap(both, N1, 3, 6);
        activate(both, N1, 3, 6);
    });
    insta::assert_snapshot!(text, @"
    n1: DispatcherCreated cf1 d1@n1 ddl ts10
    n1: ManagerCreated cf1 n1 n3 e5
    n2: DispatcherCreated cf1 d2@n1 ddl ts10
    n2: ManagerCreated cf1 n2 n3 e5
    n1: TriggerRegistered cf1 d1@n1
    n1: DispatcherUnregistered cf1 d1@n1
    n1: DispatcherCleaned cf1 d1@n1 ts10
    n2: TriggerRegistered cf1 d2@n1
    n2: WritePathClosed cf1 n2 fenced
    n2: DispatcherUnregistered cf1 d2@n1
    n2: ManagerClosed cf1 n2
    n1: OwnerChanged cf1 n1 n3 e6
    n1: DispatcherCreated cf1 d3@n1 ddl ts10
    n1: TriggerRegistered cf1 d3@n1
    ");
}

#[test]
fn the_trigger_of_a_node_that_is_down_does_not_count() {
    let text = found("baseline", |both| {
        bootstrap(both, N1, 1, 0);
        bootstrap(both, N2, 2, 0);
        activate(both, N1, 1, 0);
        both.crash();
        activate(both, N2, 2, 0);
    });
    insta::assert_snapshot!(text, @"
    n1: DispatcherCreated cf1 d1@n1 ddl ts10
    n1: ManagerCreated cf1 n1 n3 e0
    n2: DispatcherCreated cf1 d2@n1 ddl ts10
    n2: ManagerCreated cf1 n2 n3 e0
    n1: TriggerRegistered cf1 d1@n1
    n2: TriggerRegistered cf1 d2@n1
    ");
}

#[test]
fn a_ddl_that_was_finished_is_not_executed_again() {
    let text = found("baseline", |both| {
        bootstrap(both, N1, 1, 0);
        activate(both, N1, 1, 0);
        both.hand(N1, |hand| hand.resolve(2_000_000));
        // Each hand has a downstream of its own, so this one knows of no record.
        bootstrap(both, N2, 2, 0);
        both.hand(N1, |hand| hand.tell(N3, remove(0, 1)));
        activate(both, N2, 2, 0);
        both.hand(N2, |hand| hand.resolve(2_000_000));
    });
    insta::assert_snapshot!(text, @"
    n1: DispatcherCreated cf1 d1@n1 ddl ts10
    n1: ManagerCreated cf1 n1 n3 e0
    n1: TriggerRegistered cf1 d1@n1
    n1: BlockEventWritten cf1 d1@n1 ts1000000 CreateTable db1.a3 t3
    n1: DdlTsWritten n1/dispatchers query3 cf1 tables: ddl, t3 ts1000000
    n1: DdlApplied n1/dispatchers query4 cf1 ts1000000 CreateTable db1.a3 t3
    n1: DdlTsWritten n1/dispatchers query5 cf1 tables: ddl, t3 ts1000000 finished
    n2: DispatcherCreated cf1 d2@n1 ddl ts10
    n2: ManagerCreated cf1 n2 n3 e0
    n1: DispatcherUnregistered cf1 d1@n1
    n2: TriggerRegistered cf1 d2@n1
    n2: BlockEventWritten cf1 d2@n1 ts1000000 CreateTable db1.a3 t3
    n2: DdlTsWritten n2/dispatchers query3 cf1 tables: ddl, t3 ts1000000
    !! one_ddl_owner (regress): the ddl_ts of ddl of cf1 went back from ts1000000 (finished) to ts1000000 (unfinished)
    n2: DdlApplied n2/dispatchers query4 cf1 ts1000000 CreateTable db1.a3 t3
    !! one_ddl_owner (twice): ts1000000 CreateTable db1.a3 t3 of cf1 was executed again after it had been recorded as finished
    n2: DdlTsWritten n2/dispatchers query5 cf1 tables: ddl, t3 ts1000000 finished
    ");
}

#[test]
fn a_record_does_not_go_back() {
    let text = found("baseline", |both| {
        bootstrap(both, N1, 1, 0);
        activate(both, N1, 1, 0);
        both.hand(N1, |hand| {
            hand.resolve(900_000);
            hand.hold(Addr::Sink);
            hand.resolve(2_000_000);
        });
        bootstrap(both, N2, 2, 0);
        both.hand(N1, |hand| hand.tell(N3, remove(0, 1)));
        activate(both, N2, 2, 0);
        both.hand(N2, |hand| hand.resolve(2_000_000));
        // The record of a beginning comes late.
        both.release(N1);
    });
    insta::assert_snapshot!(text, @"
    n1: DispatcherCreated cf1 d1@n1 ddl ts10
    n1: ManagerCreated cf1 n1 n3 e0
    n1: TriggerRegistered cf1 d1@n1
    n1: BlockEventWritten cf1 d1@n1 ts1000000 CreateTable db1.a3 t3
    n2: DispatcherCreated cf1 d2@n1 ddl ts10
    n2: ManagerCreated cf1 n2 n3 e0
    n1: DispatcherUnregistered cf1 d1@n1
    n2: TriggerRegistered cf1 d2@n1
    n2: BlockEventWritten cf1 d2@n1 ts1000000 CreateTable db1.a3 t3
    n2: DdlTsWritten n2/dispatchers query3 cf1 tables: ddl, t3 ts1000000
    n2: DdlApplied n2/dispatchers query4 cf1 ts1000000 CreateTable db1.a3 t3
    n2: DdlTsWritten n2/dispatchers query5 cf1 tables: ddl, t3 ts1000000 finished
    n1: DdlTsWritten n1/dispatchers query3 cf1 tables: ddl, t3 ts1000000
    !! one_ddl_owner (regress): the ddl_ts of ddl of cf1 went back from ts1000000 (finished) to ts1000000 (unfinished)
    n1: DdlApplied n1/dispatchers query4 cf1 ts1000000 CreateTable db1.a3 t3
    !! one_ddl_owner (twice): ts1000000 CreateTable db1.a3 t3 of cf1 was executed again after it had been recorded as finished
    n1: DdlTsWritten n1/dispatchers query5 cf1 tables: ddl, t3 ts1000000 finished
    ");
}

#[test]
fn whoever_begins_anew_may_do_everything_again() {
    let text = found("baseline", |both| {
        bootstrap(both, N1, 1, 0);
        activate(both, N1, 1, 0);
        both.hand(N1, |hand| hand.resolve(2_000_000));
        both.hand(N1, |hand| hand.tell(N3, remove(0, 1)));
        let (cf, start_ts, epoch) = (CF, Ts(10), Epoch(0));
        let anew = Inbox::MaintainerBootstrapRequest {
            cf,
            start_ts,
            trigger: Some(trigger(2)),
            is_new: true,
            epoch,
            config: None,
            redo: Default::default(),
        };
        both.hand(N2, |hand| hand.tell(N3, anew));
        activate(both, N2, 2, 0);
        both.hand(N2, |hand| hand.resolve(2_000_000));
    });
    insta::assert_snapshot!(text, @"
    n1: DispatcherCreated cf1 d1@n1 ddl ts10
    n1: ManagerCreated cf1 n1 n3 e0
    n1: TriggerRegistered cf1 d1@n1
    n1: BlockEventWritten cf1 d1@n1 ts1000000 CreateTable db1.a3 t3
    n1: DdlTsWritten n1/dispatchers query3 cf1 tables: ddl, t3 ts1000000
    n1: DdlApplied n1/dispatchers query4 cf1 ts1000000 CreateTable db1.a3 t3
    n1: DdlTsWritten n1/dispatchers query5 cf1 tables: ddl, t3 ts1000000 finished
    n1: DispatcherUnregistered cf1 d1@n1
    n2: DdlTsForgotten n2/dispatchers query2 cf1
    n2: DispatcherCreated cf1 d2@n1 ddl ts10
    n2: ManagerCreated cf1 n2 n3 e0
    n2: TriggerRegistered cf1 d2@n1
    n2: BlockEventWritten cf1 d2@n1 ts1000000 CreateTable db1.a3 t3
    n2: DdlTsWritten n2/dispatchers query3 cf1 tables: ddl, t3 ts1000000
    n2: DdlApplied n2/dispatchers query4 cf1 ts1000000 CreateTable db1.a3 t3
    n2: DdlTsWritten n2/dispatchers query5 cf1 tables: ddl, t3 ts1000000 finished
    ");
}

#[test]
fn a_ddl_that_may_not_be_finished_may_be_executed_again() {
    let text = found("baseline", |both| {
        bootstrap(both, N1, 1, 0);
        activate(both, N1, 1, 0);
        both.hand(N1, |hand| {
            hand.hold(Addr::Sink);
            hand.resolve(2_000_000);
            hand.serve(Addr::Sink);
            hand.serve(Addr::Sink);
        });
        both.crash();
        bootstrap(both, N2, 2, 0);
        activate(both, N2, 2, 0);
        both.hand(N2, |hand| hand.resolve(2_000_000));
    });
    insta::assert_snapshot!(text, @"
    n1: DispatcherCreated cf1 d1@n1 ddl ts10
    n1: ManagerCreated cf1 n1 n3 e0
    n1: TriggerRegistered cf1 d1@n1
    n1: BlockEventWritten cf1 d1@n1 ts1000000 CreateTable db1.a3 t3
    n1: DdlTsWritten n1/dispatchers query3 cf1 tables: ddl, t3 ts1000000
    n1: DdlApplied n1/dispatchers query4 cf1 ts1000000 CreateTable db1.a3 t3
    n2: DispatcherCreated cf1 d2@n1 ddl ts10
    n2: ManagerCreated cf1 n2 n3 e0
    n2: TriggerRegistered cf1 d2@n1
    n2: BlockEventWritten cf1 d2@n1 ts1000000 CreateTable db1.a3 t3
    n2: DdlTsWritten n2/dispatchers query3 cf1 tables: ddl, t3 ts1000000
    n2: DdlApplied n2/dispatchers query4 cf1 ts1000000 CreateTable db1.a3 t3
    n2: DdlTsWritten n2/dispatchers query5 cf1 tables: ddl, t3 ts1000000 finished
    ");
}
