//! The invariant `checkpoint_safe`, shown small clusters in which a checkpoint is persisted.

use crate::{
    ddl_once::{Story, found_by},
    hand::settled::{after, cluster, dispatchers, etcd, give, picture, set},
    hand::{CF, Hand, N1, World, bootstrap, changed, create, preset},
};
use model::{
    Actor, Addr, ChangefeedConfig, Command, Epoch, Mode, Place, Record, Sim, TableId, Ts, coordinator,
    dispatchers::Note,
    etcd::{self as store, CallId, ChangefeedInfo, Etcd, FeedState, Job, Key, Op, Progress, Value},
    invariants,
    sink::{Class, Failure, Inbox, QueryId, Sink},
};
use sim::{Decisions, Input, Seed, StepId, What};

/// What the invariant finds when a checkpoint is persisted after 12 s, in a cluster some of whose actors are replaced.
fn found_at_a_checkpoint(replace: impl FnOnce(&mut Vec<(Addr, Actor)>)) -> String {
    found_after(None, replace)
}

/// And whose changefeed a user has let go on from there, in the beginning.
fn found_after(overwrite: Option<Ts>, replace: impl FnOnce(&mut Vec<(Addr, Actor)>)) -> String {
    let mut sim = Sim::new(cluster().layout(Seed(1)), Vec::new(), Seed(1), &Decisions::default());
    let named = invariants::ALL.iter().find(|named| named.name == "checkpoint_safe").expect("it exists");
    let (mut watch, mut found) = (named.watch(), Vec::new());
    if let Some(ts) = overwrite {
        let mut actors: Vec<(Addr, Actor)> = sim.machines().map(|(addr, one)| (addr, one.clone())).collect();
        watch.observe(&picture(&sim, actors.clone()), &record(&sim, moves(ts)[0].clone()), &mut found);
        set(&mut actors, Addr::Etcd, etcd(FeedState::Normal, ts.0));
        watch.observe(&picture(&sim, actors), &record(&sim, moves(ts)[1].clone()), &mut found);
    }
    while sim.step(after(20_000)) && !(sim.record().at > after(12_000) && persists(sim.record())) {
        watch.observe(&sim, sim.record(), &mut found);
    }
    let mut actors: Vec<(Addr, Actor)> = sim.machines().map(|(addr, actor)| (addr, actor.clone())).collect();
    replace(&mut actors);
    let picture = picture(&sim, actors);
    watch.observe(&picture, sim.record(), &mut found);
    watch.observe(&picture, sim.record(), &mut found);
    found.iter().map(|violation| format!("{violation}\n")).collect()
}

fn record(sim: &Sim, what: What<Actor>) -> Record {
    Record { id: StepId(999_999), at: sim.now(), cause: None, what, notes: Vec::new() }
}

/// A user lets the changefeed go on from there, and that is persisted.
fn moves(ts: Ts) -> [What<Actor>; 2] {
    let resume = coordinator::Command::ResumeChangefeed { cf: CF, overwrite: Some(ts) };
    [What::Step { actor: COORDINATOR, input: Input::Command(Command::Coordinator(resume)) }, persisted(ts)]
}

const COORDINATOR: Addr = Addr::Node(N1, Place::Coordinator);

fn persisted(checkpoint: Ts) -> What<Actor> {
    let value = Value::Job(Job { checkpoint, progress: Progress::None });
    let put = Op::Put { key: Key::Job(CF), value, lease: None };
    let (call, compares, otherwise) = (CallId(1), Vec::new(), Vec::new());
    let msg = store::Inbox::TxnRequest { call, compares, then: vec![put], otherwise }.into();
    What::Step { actor: Addr::Etcd, input: Input::Message { from: COORDINATOR, msg } }
}

/// Whether etcd is asked to write the status of a changefeed.
fn persists(record: &Record) -> bool {
    let What::Step { actor: Addr::Etcd, input: Input::Message { msg, .. } } = &record.what else {
        return false;
    };
    msg.to_string().contains("put status/cf1")
}

#[test]
fn every_persisted_checkpoint_is_downstream_and_none_goes_back() {
    insta::assert_snapshot!(found_at_a_checkpoint(|_| {}), @"");
    let empty = found_at_a_checkpoint(|actors| set(actors, Addr::Sink, Actor::Sink(Box::<Sink>::default())));
    insta::assert_snapshot!(empty, @"checkpoint_safe (data): row 0 of t1 was changed at ts11402183, the checkpoint of cf1 is ts12400000, and downstream is nothing");
    let back = found_at_a_checkpoint(|actors| set(actors, Addr::Etcd, etcd(FeedState::Normal, 2)));
    insta::assert_snapshot!(back, @"checkpoint_safe (monotone): the checkpoint of cf1 went back from ts11200000 to ts2");
}

/// What the invariant finds in a story of DDLs and syncpoints.
fn story(tell: impl FnOnce(&mut Story)) -> String {
    found_by("checkpoint_safe", Class::Mysql, tell)
}

#[test]
fn the_checkpoint_passes_only_what_was_executed() {
    let nothing = story(Story::persisted);
    insta::assert_snapshot!(nothing, @"!! checkpoint_safe (skipped): the checkpoint of cf1 is ts8800000, and the DDL of ts2000000 was not executed");
    let text = story(|story| {
        story.refused(0, Failure::TableExists);
        story.syncpoint_executed(4);
        story.syncpoint_executed(8);
        story.persisted();
    });
    insta::assert_snapshot!(text, @"
    DdlRefused pd query1 cf1 ts2000000 TruncateTable db1.a1 tables: t3 TableExists
    SyncPointApplied pd query1 cf1 ts4000000
    SyncPointApplied pd query1 cf1 ts8000000
    ");
    let refused = story(|story| {
        story.refused(0, Failure::NoSuchTable);
        story.persisted();
    });
    insta::assert_snapshot!(refused, @"
    DdlRefused pd query1 cf1 ts2000000 TruncateTable db1.a1 tables: t3 NoSuchTable
    !! checkpoint_safe (skipped): the checkpoint of cf1 is ts8800000, and the DDL of ts2000000 was not executed
    ");
}

#[test]
fn a_checkpoint_is_a_time() {
    let most = Ts::INFINITE.0;
    let infinite = found_at_a_checkpoint(|actors| set(actors, Addr::Etcd, etcd(FeedState::Normal, most)));
    insta::assert_snapshot!(infinite, @"checkpoint_safe (infinite): the checkpoint of cf1 is ts-infinite");
}

/// The downstream has recorded that the table is behind a DDL of this time.
fn recorded(seconds: u64) -> String {
    found_at_a_checkpoint(|actors| {
        let (query, cf, tables, ts) = (QueryId(1_000_000), CF, vec![TableId(1)], Ts(seconds * 1_000_000));
        let (finished, syncpoint, deleted) = (true, false, Vec::new());
        give(actors, Inbox::WriteDdlTs { query, cf, tables, ts, finished, syncpoint, deleted });
    })
}

#[test]
fn whoever_starts_again_at_this_moment_leaves_nothing_out() {
    assert_eq!(recorded(5), "", "the checkpoint is further");
    insta::assert_snapshot!(recorded(30), @"checkpoint_safe (crash): the checkpoint of cf1 is ts12400000; whoever starts again now finds that row 0 of t1, which was changed at ts19480888, is not downstream");
}

/// What the invariant finds when a dispatcher of the table begins at this time, after the checkpoint has come to some twelve
/// seconds.
fn begins(seconds: u64, replace: impl FnOnce(&mut Vec<(Addr, Actor)>)) -> String {
    begins_when(Mode::Default, seconds, replace, Vec::new())
}

/// The same of a dispatcher of this mode, which takes over from others after these steps.
fn begins_when(
    mode: Mode,
    seconds: u64,
    replace: impl FnOnce(&mut Vec<(Addr, Actor)>),
    steps: Vec<What<Actor>>,
) -> String {
    let mut sim = Sim::new(cluster().layout(Seed(1)), Vec::new(), Seed(1), &Decisions::default());
    let named = invariants::ALL.iter().find(|named| named.name == "checkpoint_safe").expect("it exists");
    let (mut watch, mut found) = (named.watch(), Vec::new());
    while sim.step(after(12_500)) {
        watch.observe(&sim, sim.record(), &mut found);
    }
    let config = ChangefeedConfig { redo: mode == Mode::Redo, ..ChangefeedConfig::default() };
    let world = World { config, ..World::default() };
    let mut hand = Hand::with(N1, Place::Dispatchers, preset("master"), world);
    hand.tell(N1, bootstrap(5, None));
    let request = changed(create(5, 1), |request| {
        (request.start_ts, request.mode) = (Ts(seconds * 1_000_000), mode);
    });
    hand.tell(N1, request);
    let mut actors: Vec<(Addr, Actor)> = sim.machines().map(|(addr, actor)| (addr, actor.clone())).collect();
    set(&mut actors, dispatchers(N1), hand.actor().clone());
    replace(&mut actors);
    let id = model::DispatcherId { maker: N1, n: 1 };
    let note = Note::MergeCommitted { cf: CF, id, start_ts: Ts(seconds * 1_000_000) };
    let what = What::Step { actor: dispatchers(N1), input: Input::Start };
    let picture = picture(&sim, actors);
    for what in steps {
        let record = Record { id: StepId(999_999), at: sim.now(), cause: None, what, notes: Vec::new() };
        watch.observe(&picture, &record, &mut found);
    }
    let record = Record { id: StepId(1_000_000), at: sim.now(), cause: None, what, notes: vec![note.into()] };
    watch.observe(&picture, &record, &mut found);
    found.iter().map(|violation| format!("{violation}\n")).collect()
}

#[test]
fn a_dispatcher_begins_between_the_checkpoint_and_the_first_row_that_is_not_downstream() {
    let empty =
        |actors: &mut Vec<(Addr, Actor)>| set(actors, Addr::Sink, Actor::Sink(Box::<Sink>::default()));
    assert_eq!(begins(12, |_| {}), "");
    insta::assert_snapshot!(begins(5, |_| {}), @"checkpoint_safe (behind): d1@n1 for t1 of cf1 begins at ts5000000 on n1, and the checkpoint is ts11200000");
    insta::assert_snapshot!(begins(20, |_| {}), @"checkpoint_safe (gap): d1@n1 for t1 of cf1 begins at ts20000000 on n1, and row 786432 of t1, which was changed at ts15236710, is not downstream");
    insta::assert_snapshot!(begins(12, empty), @"checkpoint_safe (gap): d1@n1 for t1 of cf1 begins at ts12000000 on n1, and row 0 of t1, which was changed at ts11402183, is not downstream");
}

/// A user lets the changefeed go on from a later time, when a maintainer of generation 5 has a dispatcher made.
#[test]
fn a_dispatcher_of_before_begins_behind_what_a_user_has_said() {
    let begins = |epoch, overwrite: Option<Ts>| {
        let value = Job { checkpoint: Ts(13_000_000), progress: Progress::None };
        let info = ChangefeedInfo::new(Epoch(epoch), Ts(1));
        let keys = [(Key::Info(CF), Value::Info(Box::new(info))), (Key::Job(CF), Value::Job(value))];
        let steps = overwrite.map_or(vec![persisted(Ts(13_000_000))], |ts| moves(ts).to_vec());
        let etcd = Actor::Etcd(Box::new(Etcd::holding(keys)));
        let behind = begins_when(Mode::Default, 12, |actors| set(actors, Addr::Etcd, etcd), steps);
        behind.lines().find(|line| line.contains("behind")).unwrap_or_default().to_owned()
    };
    assert_eq!(begins(6, Some(Ts(13_000_000))), "");
    insta::assert_snapshot!(begins(5, Some(Ts(13_000_000))), @"checkpoint_safe (behind): d1@n1 for t1 of cf1 begins at ts12000000 on n1, and the checkpoint is ts13000000");
    insta::assert_snapshot!(begins(6, None), @"checkpoint_safe (behind): d1@n1 for t1 of cf1 begins at ts12000000 on n1, and the checkpoint is ts13000000");
}

#[test]
fn a_redo_dispatcher_is_ahead_of_what_is_downstream() {
    assert_eq!(begins_when(Mode::Redo, 20, |_| {}, Vec::new()), "");
}

/// A row was inserted in the time that a user has had the changefeed jump over: its updates find nothing downstream.
#[test]
fn what_a_user_has_left_out_is_not_missed() {
    let empty = |actors: &mut Vec<(Addr, Actor)>| {
        set(actors, Addr::Sink, Actor::Sink(Box::<Sink>::default()));
    };
    let data = |found: String| found.lines().find(|line| line.contains("(data)")).map(ToOwned::to_owned);
    insta::assert_snapshot!(data(found_after(Some(Ts(1_000)), empty)).unwrap_or_default(), @"checkpoint_safe (data): row 0 of t1 was changed at ts11402183, the checkpoint of cf1 is ts12400000, and downstream is nothing");
    insta::assert_snapshot!(data(found_after(Some(Ts(11_000_000)), empty)).unwrap_or_default(), @"");
}
