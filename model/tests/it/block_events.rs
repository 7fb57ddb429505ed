//! Block events at the dispatchers of a node, driven by hand: DDLs and syncpoints, and what the maintainer says about them.

use crate::hand::{CF, Hand, N1, N2, N3, bootstrap, close, create, remove};
use model::{
    Actor, Addr, DdlKind, DispatcherId, Epoch, Joined, Mode, NamedDdl, Place, SchemaId, Ts, Workload,
    dispatchers::{Answer, BlockAnswer, EventKey, Inbox, Influenced},
    sink::{Class, Command, Downstream},
};
use sim::Duration;

/// Three tables without rows, and one DDL for every second.
fn workload(ddls: &[(DdlKind, usize)]) -> Workload {
    let ddl = |(n, (kind, nth)): (u64, &(DdlKind, usize))| NamedDdl {
        at: Duration::from_secs(n),
        kind: *kind,
        nth: *nth,
        to: 0,
    };
    Workload {
        tables: 3,
        row_every: Duration::from_secs(100_000),
        rows: 1,
        until: Duration::from_secs(100),
        named_ddls: (1..).zip(ddls).map(ddl).collect(),
        ..Workload::default()
    }
}

fn hand(policy: &str, workload: &Workload) -> Hand {
    Hand::replicating(workload, Downstream::default(), policy)
}

/// What is said from the moment when the table trigger is active and the three dispatchers of tables work.
fn told(policy: &str, workload: &Workload, script: impl FnOnce(&mut Hand)) -> String {
    let mut hand = hand(policy, workload);
    let epoch = epoch_of(policy);
    hand.tell(N1, bootstrap(epoch, Some(9)));
    hand.tell(N1, post_bootstrap(epoch));
    for table in 1..=3 {
        hand.tell(N1, create(epoch, table));
    }
    hand.resolve(100);
    hand.advance(20);
    hand.text.clear();
    script(&mut hand);
    quiet(&hand.text)
}

/// What maintainers of that version write into their requests.
fn epoch_of(policy: &str) -> u64 {
    if ["baseline", "pr-4828", "pr-5434"].contains(&policy) { 0 } else { 5 }
}

/// Without what is reported all the time.
fn quiet(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.contains("-> HeartBeatRequest"));
    lines.map(|line| format!("{line}\n")).collect()
}

fn post_bootstrap(epoch: u64) -> Inbox {
    Inbox::MaintainerPostBootstrapRequest { cf: CF, trigger: id(9), epoch: Epoch(epoch) }
}

fn id(n: u32) -> DispatcherId {
    DispatcherId { maker: N1, n }
}

fn event(seconds: u64) -> EventKey {
    EventKey { ts: Ts(seconds * SECOND), syncpoint: false }
}

fn answers(epoch: u64, statuses: Vec<BlockAnswer>) -> Inbox {
    Inbox::HeartBeatResponse { cf: CF, statuses, mode: Mode::Default, epoch: Epoch(epoch) }
}

fn answer(to: u32, answer: Answer) -> Inbox {
    answer_of(5, to, answer)
}

fn answer_of(epoch: u64, to: u32, answer: Answer) -> Inbox {
    answers(epoch, vec![answer_to(Influenced::Normal(vec![id(to)]), answer)])
}

fn answer_to(influenced: Influenced, answer: Answer) -> BlockAnswer {
    BlockAnswer { answer, influenced, exclude: Joined(Vec::new()) }
}

const SECOND: u64 = 1_000_000;

#[test]
fn an_event_of_one_whole_table_is_executed_without_asking() {
    let text = told("master", &workload(&[(DdlKind::AddColumn, 0)]), |hand| {
        hand.resolve(2 * SECOND);
        hand.advance(20);
    });
    insta::assert_snapshot!(text, @"
        ** BlockEventWritten cf1 d1@n1 ts1000000 AddColumn db1.a1
        ** DdlTsWritten n3/dispatchers query6 cf1 tables: t1 ts1000000
        ** DdlApplied n3/dispatchers query7 cf1 ts1000000 AddColumn db1.a1
        ** DdlTsWritten n3/dispatchers query8 cf1 tables: t1 ts1000000 finished
    20 ms pass
    ");
}

#[test]
fn a_table_that_comes_holds_back_the_checkpoint_until_the_maintainer_counts_it() {
    let text = told("master", &workload(&[(DdlKind::CreateTable, 0)]), |hand| {
        hand.hold(Addr::Sink);
        hand.resolve(2 * SECOND);
        hand.text += &hand.state();
        // An acknowledgement before the report is of nothing.
        hand.tell(N1, answer(9, Answer::Ack { event: event(1) }));
        hand.release(Addr::Sink);
        hand.advance(20);
        hand.text += &hand.state();
        hand.tell(N1, answer(9, Answer::Ack { event: event(1) }));
        hand.text += &hand.state();
        hand.advance(6000);
    });
    insta::assert_snapshot!(text, @"
    sink is silent
        ** BlockEventWritten cf1 d9@n1 ts1000000 CreateTable db1.a4 t4
    n3 is alive and sees n1, n2, n3
    cf1 follows n1 e5
      d1@n1 t1 Working ts2000000
      d2@n1 t2 Working ts2000000
      d3@n1 t3 Working ts2000000
      d9@n1 ddl Working ts999999 events-wait bringing=ts1000000 unacknowledged=1
    n1/maintainers: HeartBeatResponse cf1 statuses: Ack ts1000000 to=d9@n1 default e5
    sink answers
        ** DdlTsWritten n3/dispatchers query6 cf1 tables: ddl, t4 ts1000000
        ** DdlApplied n3/dispatchers query7 cf1 ts1000000 CreateTable db1.a4 t4
        ** DdlTsWritten n3/dispatchers query8 cf1 tables: ddl, t4 ts1000000 finished
    20 ms pass
        -> BlockStatusRequest cf1 statuses: d9@n1 NONE ts1000000 added=t4@db1 default default to n1/maintainers
    n3 is alive and sees n1, n2, n3
    cf1 follows n1 e5
      d1@n1 t1 Working ts2000000
      d2@n1 t2 Working ts2000000
      d3@n1 t3 Working ts2000000
      d9@n1 ddl Working ts999999 bringing=ts1000000 unacknowledged=1
    n1/maintainers: HeartBeatResponse cf1 statuses: Ack ts1000000 to=d9@n1 default e5
    n3 is alive and sees n1, n2, n3
    cf1 follows n1 e5
      d1@n1 t1 Working ts2000000
      d2@n1 t2 Working ts2000000
      d3@n1 t3 Working ts2000000
      d9@n1 ddl Working ts2000000
    6000 ms pass
    ");
}

/// The checkpoints that the table trigger has had, one after the other.
fn checkpoints(policy: &str) -> Vec<Ts> {
    let mut all = Vec::new();
    told(policy, &workload(&[(DdlKind::CreateTable, 0)]), |hand| {
        hand.steps.clear();
        hand.resolve(2 * SECOND);
        for (_, actor) in &hand.steps {
            let Actor::Dispatchers(dispatchers) = actor else { continue };
            let mut here = dispatchers.managers().flat_map(|manager| manager.dispatchers());
            all.extend(here.find(|one| one.is_trigger()).map(|one| one.checkpoint()));
        }
    });
    all.dedup();
    all
}

#[test]
fn before_5402_the_checkpoint_jumps_over_a_table_that_comes() {
    let [before, during, after] = [100, SECOND - 1, 2 * SECOND].map(Ts);
    assert_eq!(checkpoints("pr-4828"), [before, during, after, during]);
    assert_eq!(checkpoints("pr-5434"), [before, during]);
}

#[test]
fn events_of_several_tables_wait_for_an_action() {
    let text = told("master", &workload(&[(DdlKind::DropTable, 0)]), |hand| {
        hand.resolve(2 * SECOND);
        hand.advance(20);
        hand.text += &hand.state();
        hand.tell(N1, answer(9, Answer::Ack { event: event(1) }));
        hand.tell(N1, answer(9, Answer::UnknownAction { event: event(1) }));
        hand.tell(N1, answer(9, Answer::Write { event: event(1) }));
        hand.tell(N1, answer(1, Answer::Pass { event: event(1) }));
        hand.advance(20);
        hand.text += &hand.state();
    });
    insta::assert_snapshot!(text, @"
    20 ms pass
        -> BlockStatusRequest cf1 statuses: d1@n1 WAITING ts1000000 blocked=t1+ddl dropped=t1 default, d9@n1 WAITING ts1000000 blocked=t1+ddl dropped=t1 default default to n1/maintainers
    n3 is alive and sees n1, n2, n3
    cf1 follows n1 e5
      d1@n1 t1 Working ts100 events-wait WAITING ts1000000 DropTable db1.a1
      d2@n1 t2 Working ts2000000
      d3@n1 t3 Working ts2000000
      d9@n1 ddl Working ts100 events-wait WAITING ts1000000 DropTable db1.a1 unacknowledged=1
    n1/maintainers: HeartBeatResponse cf1 statuses: Ack ts1000000 to=d9@n1 default e5
    n1/maintainers: HeartBeatResponse cf1 statuses: UnknownAction ts1000000 to=d9@n1 default e5
        ** ActionIgnored cf1 d9@n1 ts1000000 `no such action`
    n1/maintainers: HeartBeatResponse cf1 statuses: Write ts1000000 to=d9@n1 default e5
        ** BlockEventWritten cf1 d9@n1 ts1000000 DropTable db1.a1
        ** DdlTsWritten n3/dispatchers query6 cf1 tables: t1, ddl ts1000000
        ** DdlApplied n3/dispatchers query7 cf1 ts1000000 DropTable db1.a1
        ** DdlTsWritten n3/dispatchers query8 cf1 tables: t1, ddl ts1000000 finished deleted: t1
    n1/maintainers: HeartBeatResponse cf1 statuses: Pass ts1000000 to=d1@n1 default e5
    20 ms pass
        -> BlockStatusRequest cf1 statuses: d9@n1 DONE ts1000000 default, d1@n1 DONE ts1000000 default default to n1/maintainers
    n3 is alive and sees n1, n2, n3
    cf1 follows n1 e5
      d1@n1 t1 Working ts2000000
      d2@n1 t2 Working ts2000000
      d3@n1 t3 Working ts2000000
      d9@n1 ddl Working ts2000000
    ");
}

#[test]
fn a_report_is_repeated_until_it_is_acknowledged() {
    let text = told("master", &workload(&[(DdlKind::DropTable, 0)]), |hand| {
        hand.resolve(2 * SECOND);
        hand.advance(20);
        hand.tell(N1, answer(9, Answer::Ack { event: event(1) }));
        hand.text.clear();
        hand.advance(10_100);
        hand.tell(N1, answer(1, Answer::IgnoredBlockStatus { event: event(1) }));
        hand.advance(20);
    });
    insta::assert_snapshot!(text, @"
    10100 ms pass
        -> BlockStatusRequest cf1 statuses: d1@n1 WAITING ts1000000 blocked=t1+ddl dropped=t1 default default to n1/maintainers
        -> BlockStatusRequest cf1 statuses: d1@n1 WAITING ts1000000 blocked=t1+ddl dropped=t1 default default to n1/maintainers
    n1/maintainers: HeartBeatResponse cf1 statuses: IgnoredBlockStatus ts1000000 to=d1@n1 default e5
    20 ms pass
        -> BlockStatusRequest cf1 statuses: d1@n1 WAITING ts1000000 blocked=t1+ddl dropped=t1 default default to n1/maintainers
    ");
}

#[test]
fn everybody_passes_a_syncpoint_that_one_has_written() {
    let workload = Workload { syncpoint_every: Some(Duration::from_secs(1)), ..workload(&[]) };
    let text = told("master", &workload, |hand| {
        hand.resolve(SECOND + 500_000);
        hand.advance(20);
        let syncpoint = EventKey { ts: Ts(SECOND), syncpoint: true };
        hand.tell(N1, answer(9, Answer::Write { event: syncpoint }));
        hand.advance(20);
        // The exclude id is not honoured: the writer answers once more.
        let pass = answer_to(Influenced::All, Answer::Pass { event: syncpoint });
        hand.tell(N1, answers(5, vec![BlockAnswer { exclude: Joined(vec![id(9)]), ..pass }]));
        hand.advance(20);
    });
    insta::assert_snapshot!(text, @"
    20 ms pass
        -> BlockStatusRequest cf1 statuses: d1@n1 WAITING ts1000000 syncpoint blocked=all default, d2@n1 WAITING ts1000000 syncpoint blocked=all default, d3@n1 WAITING ts1000000 syncpoint blocked=all default, d9@n1 WAITING ts1000000 syncpoint blocked=all default default to n1/maintainers
    n1/maintainers: HeartBeatResponse cf1 statuses: Write ts1000000 syncpoint to=d9@n1 default e5
        ** BlockEventWritten cf1 d9@n1 ts1000000 SyncPoint
        ** DdlTsWritten n3/dispatchers query6 cf1 tables: syncpoint ts1000000 syncpoint
        ** SyncPointApplied n3/dispatchers query7 cf1 ts1000000
        ** DdlTsWritten n3/dispatchers query8 cf1 tables: syncpoint ts1000000 finished syncpoint
    20 ms pass
        -> BlockStatusRequest cf1 statuses: d9@n1 DONE ts1000000 syncpoint default default to n1/maintainers
    n1/maintainers: HeartBeatResponse cf1 statuses: Pass ts1000000 syncpoint to=all exclude=d9@n1 default e5
    20 ms pass
        -> BlockStatusRequest cf1 statuses: d9@n1 DONE ts1000000 syncpoint default, d1@n1 DONE ts1000000 syncpoint default, d2@n1 DONE ts1000000 syncpoint default, d3@n1 DONE ts1000000 syncpoint default default to n1/maintainers
    ");
}

#[test]
fn the_answer_for_a_database_goes_to_its_dispatchers_and_the_trigger() {
    let text = told("master", &workload(&[(DdlKind::DropDatabase, 0)]), |hand| {
        hand.resolve(2 * SECOND);
        hand.advance(20);
        let pass = |n| answer_to(Influenced::Db(SchemaId(n)), Answer::Pass { event: event(1) });
        hand.tell(N1, answers(5, vec![pass(2)]));
        hand.advance(20);
        hand.tell(N1, answers(5, vec![pass(1)]));
        hand.advance(20);
    });
    insta::assert_snapshot!(text, @"
    20 ms pass
        -> BlockStatusRequest cf1 statuses: d1@n1 WAITING ts1000000 blocked=db1 dropped=db1 default, d2@n1 WAITING ts1000000 blocked=db1 dropped=db1 default, d3@n1 WAITING ts1000000 blocked=db1 dropped=db1 default, d9@n1 WAITING ts1000000 blocked=db1 dropped=db1 default default to n1/maintainers
    n1/maintainers: HeartBeatResponse cf1 statuses: Pass ts1000000 to=db2 default e5
    20 ms pass
        -> BlockStatusRequest cf1 statuses: d9@n1 DONE ts1000000 default default to n1/maintainers
    n1/maintainers: HeartBeatResponse cf1 statuses: Pass ts1000000 to=db1 default e5
    20 ms pass
        -> BlockStatusRequest cf1 statuses: d9@n1 DONE ts1000000 default, d1@n1 DONE ts1000000 default, d2@n1 DONE ts1000000 default, d3@n1 DONE ts1000000 default default to n1/maintainers
    ");
}

#[test]
fn an_event_of_many_is_held_until_earlier_reports_are_acknowledged() {
    let ddls = [(DdlKind::CreateTable, 0), (DdlKind::DropDatabase, 0)];
    let text = told("master", &workload(&ddls), |hand| {
        hand.resolve(3 * SECOND);
        hand.advance(20);
        hand.text += &hand.state();
        hand.tell(N1, answer(9, Answer::Ack { event: event(1) }));
        hand.advance(20);
        hand.text += &hand.state();
    });
    insta::assert_snapshot!(text, @"
        ** BlockEventWritten cf1 d9@n1 ts1000000 CreateTable db1.a4 t4
        ** DdlTsWritten n3/dispatchers query6 cf1 tables: ddl, t4 ts1000000
        ** DdlApplied n3/dispatchers query7 cf1 ts1000000 CreateTable db1.a4 t4
        ** DdlTsWritten n3/dispatchers query8 cf1 tables: ddl, t4 ts1000000 finished
        ** BlockEventHeld cf1 d9@n1 ts2000000 DropDatabase db1
    20 ms pass
        -> BlockStatusRequest cf1 statuses: d1@n1 WAITING ts2000000 blocked=db1 dropped=db1 default, d2@n1 WAITING ts2000000 blocked=db1 dropped=db1 default, d3@n1 WAITING ts2000000 blocked=db1 dropped=db1 default, d9@n1 NONE ts1000000 added=t4@db1 default default to n1/maintainers
    n3 is alive and sees n1, n2, n3
    cf1 follows n1 e5
      d1@n1 t1 Working ts100 events-wait WAITING ts2000000 DropDatabase db1
      d2@n1 t2 Working ts100 events-wait WAITING ts2000000 DropDatabase db1
      d3@n1 t3 Working ts100 events-wait WAITING ts2000000 DropDatabase db1
      d9@n1 ddl Working ts999999 events-wait holds ts2000000 DropDatabase db1 bringing=ts1000000 unacknowledged=1
    n1/maintainers: HeartBeatResponse cf1 statuses: Ack ts1000000 to=d9@n1 default e5
    20 ms pass
        -> BlockStatusRequest cf1 statuses: d9@n1 WAITING ts2000000 blocked=db1 dropped=db1 default default to n1/maintainers
    n3 is alive and sees n1, n2, n3
    cf1 follows n1 e5
      d1@n1 t1 Working ts100 events-wait WAITING ts2000000 DropDatabase db1
      d2@n1 t2 Working ts100 events-wait WAITING ts2000000 DropDatabase db1
      d3@n1 t3 Working ts100 events-wait WAITING ts2000000 DropDatabase db1
      d9@n1 ddl Working ts999999 events-wait WAITING ts2000000 DropDatabase db1 unacknowledged=1
    ");
}

#[test]
fn an_action_that_is_late_is_done_and_one_that_is_early_is_ignored() {
    let text = told("master", &workload(&[(DdlKind::DropTable, 0), (DdlKind::DropTable, 0)]), |hand| {
        hand.tell(N1, answer(1, Answer::Pass { event: event(1) }));
        hand.resolve(3 * SECOND);
        hand.advance(20);
        hand.tell(N1, answer(1, Answer::Write { event: event(2) }));
        hand.tell(N1, answer(1, Answer::Pass { event: event(1) }));
        hand.advance(20);
        hand.tell(N1, answer(1, Answer::Pass { event: event(1) }));
        hand.advance(20);
    });
    insta::assert_snapshot!(text, @"
    n1/maintainers: HeartBeatResponse cf1 statuses: Pass ts1000000 to=d1@n1 default e5
        ** ActionIgnored cf1 d1@n1 ts1000000 `its event has not come yet`
    20 ms pass
        -> BlockStatusRequest cf1 statuses: d1@n1 WAITING ts1000000 blocked=t1+ddl dropped=t1 default, d2@n1 WAITING ts2000000 blocked=t2+ddl dropped=t2 default, d9@n1 WAITING ts1000000 blocked=t1+ddl dropped=t1 default default to n1/maintainers
    n1/maintainers: HeartBeatResponse cf1 statuses: Write ts2000000 to=d1@n1 default e5
        ** ActionIgnored cf1 d1@n1 ts2000000 `its event has not come yet`
    n1/maintainers: HeartBeatResponse cf1 statuses: Pass ts1000000 to=d1@n1 default e5
    20 ms pass
        -> BlockStatusRequest cf1 statuses: d1@n1 DONE ts1000000 default default to n1/maintainers
    n1/maintainers: HeartBeatResponse cf1 statuses: Pass ts1000000 to=d1@n1 default e5
    20 ms pass
        -> BlockStatusRequest cf1 statuses: d1@n1 DONE ts1000000 default default to n1/maintainers
    ");
}

#[test]
fn without_a_fence_a_stale_action_is_carried_out() {
    let script = |epoch, next| {
        move |hand: &mut Hand| {
            hand.resolve(2 * SECOND);
            hand.advance(20);
            hand.tell(N2, bootstrap(next, Some(9)));
            hand.text.clear();
            hand.tell(N1, answer_of(epoch, 9, Answer::Write { event: event(1) }));
            hand.advance(20);
        }
    };
    let ddls = workload(&[(DdlKind::DropTable, 0)]);
    insta::assert_snapshot!(told("pr-5434", &ddls, script(0, 0)), @"
    n1/maintainers: HeartBeatResponse cf1 statuses: Write ts1000000 to=d9@n1 default e0
        ** BlockEventWritten cf1 d9@n1 ts1000000 DropTable db1.a1
        ** DdlTsWritten n3/dispatchers query6 cf1 tables: t1, ddl ts1000000
        ** DdlApplied n3/dispatchers query7 cf1 ts1000000 DropTable db1.a1
        ** DdlTsWritten n3/dispatchers query8 cf1 tables: t1, ddl ts1000000 finished deleted: t1
    20 ms pass
        -> BlockStatusRequest cf1 statuses: d9@n1 DONE ts1000000 default default to n2/maintainers
    ");
    insta::assert_snapshot!(told("pr-5435", &ddls, script(5, 6)), @"
    n1/maintainers: HeartBeatResponse cf1 statuses: Write ts1000000 to=d9@n1 default e5
        ** StaleRefused cf1 n1 e5 n2 e6
    20 ms pass
    ");
}

#[test]
fn a_dispatcher_hears_answers_from_its_first_event_until_it_is_removed() {
    let mut hand = hand("master", &workload(&[(DdlKind::DropTable, 0)]));
    hand.tell(N1, bootstrap(5, None));
    hand.tell(N1, create(5, 1));
    hand.tell(N1, answer(1, Answer::Pass { event: event(1) }));
    hand.resolve(2 * SECOND);
    hand.advance(20);
    hand.tell(N1, remove(5, 1));
    hand.tell(N1, answer(1, Answer::Pass { event: event(1) }));
    hand.advance(10_000);
    insta::assert_snapshot!(quiet(&hand.text), @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 e5
        ** ManagerCreated cf1 n3 n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts0 to n1/maintainers
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d1@n1 t1 ts10 default e5
        ** DispatcherCreated cf1 d1@n1 t1 ts10
    n1/maintainers: HeartBeatResponse cf1 statuses: Pass ts1000000 to=d1@n1 default e5
        ** Ignored cf1 n1 `the dispatcher has had no event, or is gone`
    20 ms pass
        -> BlockStatusRequest cf1 statuses: d1@n1 WAITING ts1000000 blocked=t1+ddl dropped=t1 default default to n1/maintainers
    n1/maintainers: ScheduleDispatcherRequest cf1 Remove (Remove) d1@n1 t1 ts10 default e5
        ** DispatcherUnregistered cf1 d1@n1
    n1/maintainers: HeartBeatResponse cf1 statuses: Pass ts1000000 to=d1@n1 default e5
        ** Ignored cf1 n1 `the dispatcher has had no event, or is gone`
    10000 ms pass
        ** DispatcherCleaned cf1 d1@n1 ts10
    ");
}

/// Dispatcher d1 is removed when it has been told to write a DDL and all eight workers are busy, then a script goes on; what is
/// said about d1.
fn removed_before_its_write(script: impl FnOnce(&mut Hand)) -> String {
    let ddl = |millis, kind, nth| NamedDdl { at: Duration::from_millis(millis), kind, nth, to: 0 };
    // When table t1 is gone, these are t2 to t8 and t10: one for each worker.
    let busy = [0, 1, 2, 3, 4, 5, 6, 8].map(|nth| ddl(2000 + nth as u64, DdlKind::AddColumn, nth));
    let named_ddls = [vec![ddl(1000, DdlKind::DropTable, 0)], busy.to_vec()].concat();
    told("master", &Workload { tables: 10, named_ddls, ..workload(&[]) }, |hand| {
        for table in [4, 5, 6, 7, 8, 10] {
            hand.tell(N1, create(5, table));
        }
        hand.resolve(SECOND + 500_000);
        hand.advance(20);
        hand.hold(Addr::Sink);
        hand.resolve(3 * SECOND);
        hand.text.clear();
        hand.tell(N1, answer(1, Answer::Write { event: event(1) }));
        hand.tell(N1, remove(5, 1));
        script(hand);
        let about_it =
            |line: &&str| line.ends_with("a1") || ["d1@n1", "ms pass"].iter().any(|word| line.contains(word));
        let text = hand.text.lines().filter(about_it).map(|line| format!("{line}\n")).collect();
        hand.text = text;
    })
}

#[test]
fn nobody_withdraws_a_write_from_the_executor() {
    let text = removed_before_its_write(|hand| {
        hand.advance(1000);
        hand.release(Addr::Sink);
        hand.advance(20);
    });
    insta::assert_snapshot!(text, @"
    n1/maintainers: HeartBeatResponse cf1 statuses: Write ts1000000 to=d1@n1 default e5
    n1/maintainers: ScheduleDispatcherRequest cf1 Remove (Remove) d1@n1 t1 ts10 default e5
        ** DispatcherUnregistered cf1 d1@n1
    1000 ms pass
        ** DispatcherCleaned cf1 d1@n1 ts100
        ** BlockEventWritten cf1 d1@n1 ts1000000 DropTable db1.a1
        ** DdlApplied n3/dispatchers query23 cf1 ts1000000 DropTable db1.a1
    20 ms pass
        -> BlockStatusRequest cf1 statuses: d1@n1 DONE ts1000000 default default to n1/maintainers
    ");
}

#[test]
fn who_has_begun_to_write_again_is_not_reported_stopped() {
    let text = removed_before_its_write(|hand| {
        // It was drained, and counts as removed. Now a worker has recorded and executed its DDL, and takes the next task.
        for _ in 0..2 * 8 + 1 {
            hand.serve(Addr::Sink);
        }
        hand.advance(1000);
        hand.release(Addr::Sink);
        hand.advance(1000);
    });
    insta::assert_snapshot!(text, @"
    n1/maintainers: HeartBeatResponse cf1 statuses: Write ts1000000 to=d1@n1 default e5
    n1/maintainers: ScheduleDispatcherRequest cf1 Remove (Remove) d1@n1 t1 ts10 default e5
        ** DispatcherUnregistered cf1 d1@n1
        ** BlockEventWritten cf1 d1@n1 ts1000000 DropTable db1.a1
    1000 ms pass
        ** DdlApplied n3/dispatchers query37 cf1 ts1000000 DropTable db1.a1
    1000 ms pass
        -> BlockStatusRequest cf1 statuses: d1@n1 DONE ts1000000 default default to n1/maintainers
        ** DispatcherCleaned cf1 d1@n1 ts999999
    ");
}

#[test]
fn a_manager_is_not_closed_while_a_record_is_being_written() {
    let script = |stop: Inbox| {
        move |hand: &mut Hand| {
            hand.resolve(2 * SECOND);
            hand.advance(20);
            hand.hold(Addr::Sink);
            hand.text.clear();
            hand.tell(N1, answer(9, Answer::Write { event: event(1) }));
            hand.tell(N1, stop);
            hand.advance(1000);
            hand.release(Addr::Sink);
        }
    };
    let ddls = workload(&[(DdlKind::DropTable, 0)]);
    insta::assert_snapshot!(told("master", &ddls, script(close(5, false))), @"
    n1/maintainers: HeartBeatResponse cf1 statuses: Write ts1000000 to=d9@n1 default e5
        ** BlockEventWritten cf1 d9@n1 ts1000000 DropTable db1.a1
    n1/maintainers: MaintainerCloseRequest cf1 e5
        -> MaintainerCloseResponse cf1 e5 to n1/maintainers
        ** WritePathClosed cf1 n3
        ** DispatcherUnregistered cf1 d1@n1
        ** DispatcherUnregistered cf1 d2@n1
        ** DispatcherUnregistered cf1 d3@n1
        ** DispatcherUnregistered cf1 d9@n1
    1000 ms pass
    sink answers
        ** DdlTsWritten n3/dispatchers query6 cf1 tables: t1, ddl ts1000000
        ** BlockEventFailed cf1 d9@n1 ts1000000 DropTable db1.a1 `context cancelled`
        ** ManagerClosed cf1 n3
    ");
    insta::assert_snapshot!(told("master", &ddls, script(Inbox::LocalFence)), @"
    n1/maintainers: HeartBeatResponse cf1 statuses: Write ts1000000 to=d9@n1 default e5
        ** BlockEventWritten cf1 d9@n1 ts1000000 DropTable db1.a1
    n1/maintainers: LocalFence
        ** WritePathClosed cf1 n3 fenced
        ** DispatcherUnregistered cf1 d1@n1
        ** DispatcherUnregistered cf1 d2@n1
        ** DispatcherUnregistered cf1 d3@n1
        ** DispatcherUnregistered cf1 d9@n1
    1000 ms pass
    sink answers
        ** DdlTsWritten n3/dispatchers query6 cf1 tables: t1, ddl ts1000000
        ** BlockEventFailed cf1 d9@n1 ts1000000 DropTable db1.a1 `context cancelled`
        ** ManagerClosed cf1 n3
        -> LocalFenced to n3/server
    ");
}

#[test]
fn a_ddl_is_tried_twenty_times() {
    let text = told("master", &workload(&[(DdlKind::DropTable, 0)]), |hand| {
        hand.resolve(2 * SECOND);
        hand.advance(20);
        let fails = Command::FailStatements {
            kind: "ExecuteDdl",
            retryable: true,
            share_per_million: 1_000_000,
            times: None,
            lasts: None,
        };
        hand.command(Addr::Sink, fails);
        hand.text.clear();
        hand.tell(N1, answer(9, Answer::Write { event: event(1) }));
        hand.advance(150_000);
        let tries =
            hand.steps.iter().filter(|(record, _)| format!("{:?}", record.what).contains("ExecuteDdl {"));
        let tries = format!("{} tries\n", tries.count());
        let text = hand.text.lines().filter(|line| !line.contains("BlockStatus"));
        hand.text = text.map(|line| format!("{line}\n")).collect();
        hand.text += &(tries + &hand.state());
    });
    insta::assert_snapshot!(text, @"
    n1/maintainers: HeartBeatResponse cf1 statuses: Write ts1000000 to=d9@n1 default e5
        ** BlockEventWritten cf1 d9@n1 ts1000000 DropTable db1.a1
        ** DdlTsWritten n3/dispatchers query6 cf1 tables: t1, ddl ts1000000
    150000 ms pass
        ** BlockEventFailed cf1 d9@n1 ts1000000 DropTable db1.a1 `bad connection`
    20 tries
    n3 is alive and sees n1, n2, n3
    cf1 follows n1 e5 sink-abnormal
      d1@n1 t1 Working ts100 events-wait WAITING ts1000000 DropTable db1.a1
      d2@n1 t2 Working ts2000000
      d3@n1 t3 Working ts2000000
      d9@n1 ddl Working ts999999 events-wait answers-wait WRITING ts1000000 DropTable db1.a1 unacknowledged=1
    ");
}

#[test]
fn the_same_report_waits_once_but_that_of_a_syncpoint_is_another_one() {
    let text = told("master", &workload(&[(DdlKind::DropTable, 0)]), |hand| {
        hand.resolve(2 * SECOND);
        // Its report is still in the buffer.
        hand.tell(N1, answer(1, Answer::IgnoredBlockStatus { event: event(1) }));
        hand.advance(20);
        for _ in 0..3 {
            hand.tell(N1, answer(2, Answer::Pass { event: EventKey { ts: Ts(50), syncpoint: false } }));
        }
        hand.tell(N1, answer(2, Answer::Pass { event: EventKey { ts: Ts(50), syncpoint: true } }));
        hand.advance(20);
    });
    insta::assert_snapshot!(text, @"
    n1/maintainers: HeartBeatResponse cf1 statuses: IgnoredBlockStatus ts1000000 to=d1@n1 default e5
    20 ms pass
        -> BlockStatusRequest cf1 statuses: d1@n1 WAITING ts1000000 blocked=t1+ddl dropped=t1 default, d9@n1 WAITING ts1000000 blocked=t1+ddl dropped=t1 default default to n1/maintainers
    n1/maintainers: HeartBeatResponse cf1 statuses: Pass ts50 to=d2@n1 default e5
    n1/maintainers: HeartBeatResponse cf1 statuses: Pass ts50 to=d2@n1 default e5
    n1/maintainers: HeartBeatResponse cf1 statuses: Pass ts50 to=d2@n1 default e5
    n1/maintainers: HeartBeatResponse cf1 statuses: Pass ts50 syncpoint to=d2@n1 default e5
    20 ms pass
        -> BlockStatusRequest cf1 statuses: d2@n1 DONE ts50 default, d2@n1 DONE ts50 syncpoint default default to n1/maintainers
    ");
}

#[test]
fn a_bootstrap_response_tells_at_which_event_a_dispatcher_stops() {
    let text = told("master", &workload(&[(DdlKind::TruncateTable, 1)]), |hand| {
        hand.resolve(2 * SECOND);
        hand.hold(Addr::Sink);
        hand.tell(N1, answer(9, Answer::Write { event: event(1) }));
        hand.text.clear();
        hand.tell(N1, bootstrap(5, Some(9)));
    });
    insta::assert_snapshot!(text, @"
    n1/maintainers: MaintainerBootstrapRequest cf1 ts10 d9@n1 e5
        -> MaintainerBootstrapResponse cf1 e5 ts10 spans: d1@n1 t1 Working ts2000000 default, d2@n1 t2 Working ts100 default WAITING ts1000000 blocked=t2+ddl dropped=t2 added=t4@db1, d3@n1 t3 Working ts2000000 default, d9@n1 ddl Working ts999999 default WRITING ts1000000 blocked=t2+ddl dropped=t2 added=t4@db1 to n1/maintainers
    ");
}

/// A log is told of every table; meanwhile the node is fenced, or closes.
fn emission(policy: &str, stop: Inbox) -> String {
    let log = Downstream { bootstrap: true, ..Downstream::of(Class::Kafka) };
    let mut hand = Hand::replicating(&workload(&[]), log, policy);
    let epoch = epoch_of(policy);
    hand.tell(N1, bootstrap(epoch, Some(9)));
    hand.hold(Addr::Sink);
    hand.text.clear();
    hand.tell(N1, post_bootstrap(epoch));
    hand.hear(Addr::Node(N3, Place::Server), stop);
    hand.release(Addr::Sink);
    hand.text
}

#[test]
fn a_fence_ends_the_emission_of_tables() {
    insta::assert_snapshot!(emission("master", Inbox::LocalFence), @"
    n1/maintainers: MaintainerPostBootstrapRequest cf1 d9@n1 e5
    n3/server: LocalFence
        ** WritePathClosed cf1 n3 fenced
        ** ManagerClosed cf1 n3
        -> LocalFenced to n3/server
    sink answers
        ** BootstrapApplied n3/dispatchers query2 cf1 t1
        ** Ignored cf1 n1 `the write path is closed`
    ");
    insta::assert_snapshot!(emission("M21", Inbox::LocalFence), @"
    n1/maintainers: MaintainerPostBootstrapRequest cf1 d9@n1 e5
    n3/server: LocalFence
    sink answers
        ** BootstrapApplied n3/dispatchers query2 cf1 t1
        ** BootstrapApplied n3/dispatchers query3 cf1 t2
        ** BootstrapApplied n3/dispatchers query4 cf1 t3
        ** TriggerRegistered cf1 d9@n1
        ** WritePathClosed cf1 n3 fenced
        ** DispatcherUnregistered cf1 d9@n1
        ** ManagerClosed cf1 n3
        -> LocalFenced to n3/server
    ");
}

#[test]
fn before_5106_the_emission_goes_on_and_the_trigger_becomes_active() {
    insta::assert_snapshot!(emission("baseline", Inbox::LocalFence), @"
    n1/maintainers: MaintainerPostBootstrapRequest cf1 d9@n1 e0
    n3/server: LocalFence
        ** ManagerClosed cf1 n3
        -> LocalFenced to n3/server
    sink answers
        ** BootstrapApplied n3/dispatchers query2 cf1 t1
        ** TriggerRegistered cf1 d9@n1
        -> MaintainerPostBootstrapResponse cf1 d9@n1 e0 to n1/maintainers
    ");
    insta::assert_snapshot!(emission("baseline", Inbox::Close), @"
    n1/maintainers: MaintainerPostBootstrapRequest cf1 d9@n1 e0
    n3/server: Close
    sink answers
        ** BootstrapApplied n3/dispatchers query2 cf1 t1
        ** BootstrapApplied n3/dispatchers query3 cf1 t2
        ** BootstrapApplied n3/dispatchers query4 cf1 t3
        ** TriggerRegistered cf1 d9@n1
        -> MaintainerPostBootstrapResponse cf1 d9@n1 e0 to n1/maintainers
        ** DispatcherUnregistered cf1 d9@n1
        ** ManagerClosed cf1 n3
    ");
}

#[test]
fn a_log_is_told_of_checkpoints_while_the_write_path_is_open() {
    let checkpoint = |checkpoint| Inbox::CheckpointTsMessage { cf: CF, checkpoint: Ts(checkpoint) };
    let log = Downstream::of(Class::Kafka);
    let mut hand = Hand::replicating(&workload(&[]), log, "master");
    hand.tell(N1, bootstrap(5, Some(9)));
    hand.tell(N1, checkpoint(10));
    hand.tell(N1, post_bootstrap(5));
    hand.text.clear();
    // Whoever sends it.
    hand.tell(N2, checkpoint(20));
    hand.tell(N1, remove(5, 9));
    hand.tell(N1, checkpoint(30));
    insta::assert_snapshot!(hand.text, @"
    n2/maintainers: CheckpointTsMessage cf1 ts20
        ** CheckpointApplied n3/dispatchers query2 cf1 ts20
    n1/maintainers: ScheduleDispatcherRequest cf1 Remove (Remove) d9@n1 t9 ts10 default e5
        ** DispatcherUnregistered cf1 d9@n1
    n1/maintainers: CheckpointTsMessage cf1 ts30
        ** Ignored cf1 n1 `no dispatcher manager`
    ");
}
