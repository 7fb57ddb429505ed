//! The invariant `checkpoint_safe`, shown small clusters in which a checkpoint is persisted.

use crate::{
    ddl_once::{Story, found_by},
    hand::settled::{after, cluster, etcd, picture, set},
};
use model::{
    Actor, Addr, Record, Sim, Ts,
    etcd::FeedState,
    invariants,
    sink::{Class, Failure, Sink},
};
use sim::{Decisions, Input, Seed, What};

/// What the invariant finds when a checkpoint is persisted after 12 s, in a cluster some of whose actors are replaced.
fn found_at_a_checkpoint(replace: impl FnOnce(&mut Vec<(Addr, Actor)>)) -> String {
    let mut sim = Sim::new(cluster().layout(Seed(1)), Vec::new(), Seed(1), &Decisions::default());
    let named = invariants::ALL.iter().find(|named| named.name == "checkpoint_safe").expect("it exists");
    let (mut watch, mut found) = (named.watch(), Vec::new());
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
