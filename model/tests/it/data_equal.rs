//! The invariant `data_equal`, shown small clusters that have settled, as they are or with a part replaced.

use std::sync::Arc;

use crate::hand::settled::{N1, N2, T1, etcd, found, found_in, late, set, with_deletes};
use model::{
    Actor, Addr, ChangefeedId, DispatcherId, History, IsRedo, Note, Place, Record, Sim, Span, Ts,
    dispatchers,
    etcd::FeedState,
    invariants,
    sink::{self, Change, Op, QueryId, Sink, Transaction},
};
use sim::{Decisions, Input, Seed, StepId, What};

const INVARIANT: &str = "data_equal";

#[test]
fn a_row_that_is_older_than_the_checkpoint_has_to_be_downstream() {
    let text = found(INVARIANT, 10_000, 20_000, |actors| {
        set(actors, Addr::Sink, Actor::Sink(Box::<Sink>::default()))
    });
    insta::assert_snapshot!(text, @"data_equal (row): row 0 of t1 was changed at ts11402183, the checkpoint of cf1 is ts18400000, and downstream is nothing");
}

#[test]
fn rows_behind_the_checkpoint_may_be_missing() {
    let missing = |checkpoint| {
        found(INVARIANT, 0, 20_000, |actors| {
            set(actors, Addr::Sink, Actor::Sink(Box::<Sink>::default()));
            set(actors, Addr::Etcd, etcd(FeedState::Normal, checkpoint));
        })
    };
    insta::assert_snapshot!(missing(1), @"");
    insta::assert_snapshot!(missing(5_000_000), @"data_equal (row): row 262144 of t1 was changed at ts4551387, the checkpoint of cf1 is ts5000000, and downstream is nothing");
}

/// Row 786432 exists at the checkpoint and in the end. Row 0 was deleted behind the checkpoint and row 262144 inserted, so
/// both states are right; row 524288 was deleted before it.
#[test]
fn rows_that_late_statements_have_changed() {
    let cluster = with_deletes(sink::Class::Mysql);
    let mut text = String::new();
    for (op, key) in [
        (Op::Update, 0),
        (Op::Replace, 0),
        (Op::Delete, 786_432),
        (Op::Delete, 262_144),
        (Op::Replace, 262_144),
        (Op::Delete, 524_288),
        (Op::Update, 524_288),
        (Op::Replace, 524_288),
    ] {
        let found =
            found_in(INVARIANT, &cluster, (10_000, 20_000), |actors| late(actors, op, key, 2_000_000));
        text += &format!("{op} {key}: {}\n", found.trim());
    }
    insta::assert_snapshot!(text, @"
    UPDATE 0: 
    REPLACE 0: data_equal (row): row 0 of t1 was changed at ts11402183, the checkpoint of cf1 is ts18400000, and downstream is ts2000000
    DELETE 786432: data_equal (row): row 786432 of t1 was changed at ts15236710, the checkpoint of cf1 is ts18400000, and downstream is nothing
    DELETE 262144: 
    REPLACE 262144: data_equal (row): row 262144 of t1 was deleted at ts18114410, the checkpoint of cf1 is ts18400000, and downstream is ts2000000
    DELETE 524288: 
    UPDATE 524288: 
    REPLACE 524288: data_equal (row): row 524288 of t1 was deleted at ts17728707, the checkpoint of cf1 is ts18400000, and downstream is ts2000000
    ");
}

/// Whatever a log has besides: a consumer knows which message is the newest.
#[test]
fn a_log_has_every_message_and_others() {
    let kafka = with_deletes(sink::Class::Kafka);
    let late = |op, key, commit| {
        found_in(INVARIANT, &kafka, (10_000, 20_000), |actors| late(actors, op, key, commit))
    };
    insta::assert_snapshot!(late(Op::Update, 0, 2_000_000), @"");
    insta::assert_snapshot!(late(Op::Delete, 0, 2_000_000), @"");
    let text = found_in(INVARIANT, &kafka, (10_000, 20_000), |actors| {
        let history = Arc::new(History::draw(&kafka.workload, Seed(1)));
        set(actors, Addr::Sink, Actor::Sink(Box::new(Sink::new(sink::Class::Kafka, history))));
    });
    insta::assert_snapshot!(text, @"data_equal (missing): row 0 of t1 was changed at ts11402183, the checkpoint of cf1 is ts18400000, and downstream is nothing");
}

/// What happens to a log: a dispatcher is created on a node, takes over from others there, or has a change of row 0 appended.
enum Happens {
    Created(model::NodeId, DispatcherId),
    Merged(model::NodeId, DispatcherId),
    Appended(model::NodeId, DispatcherId, u64),
}

/// What the invariant finds in these records.
fn appended(happens: &[Happens]) -> String {
    let kafka = with_deletes(sink::Class::Kafka);
    let sim = Sim::new(kafka.layout(Seed(1)), Vec::new(), Seed(1), &Decisions::default());
    let named = invariants::ALL.iter().find(|named| named.name == INVARIANT).expect("it exists");
    let (mut watch, mut found, cf) = (named.watch(), Vec::new(), ChangefeedId(1));
    for (n, one) in (1..).zip(happens) {
        let (actor, note): (Addr, Note) = match *one {
            Happens::Created(node, id) => {
                let (span, start_ts, redo) = (Span::whole(T1), Ts(1), IsRedo(false));
                let note = dispatchers::Note::DispatcherCreated { cf, id, span, start_ts, redo };
                (Addr::Node(node, Place::Dispatchers), note.into())
            }
            Happens::Merged(node, id) => {
                let note = dispatchers::Note::MergeCommitted { cf, id, start_ts: Ts(1) };
                (Addr::Node(node, Place::Dispatchers), note.into())
            }
            Happens::Appended(node, writer, commit) => {
                let change = Change { op: Op::Update, table: T1, key: 0, commit: Ts(commit), writer };
                let transaction = Box::new(Transaction { cf, changes: vec![change] });
                let (client, query) = (Addr::Node(node, Place::Dispatchers), QueryId(n));
                (Addr::Sink, sink::Note::Applied { client, query, transaction }.into())
            }
        };
        let what = What::Step { actor, input: Input::Start };
        let record = Record { id: StepId(n.into()), at: sim.now(), cause: None, what, notes: vec![note] };
        watch.observe(&sim, &record, &mut found);
    }
    found.iter().map(|violation| format!("{violation}\n")).collect()
}

/// So does the target of a merge: sources come as far as they come, and it begins where the last of them is.
#[test]
fn the_target_of_a_merge_writes_again_what_its_sources_have_written() {
    use Happens::{Appended, Created, Merged};
    let (source, target) = (DispatcherId { maker: N1, n: 1 }, DispatcherId { maker: N1, n: 2 });
    let before = [Created(N1, source), Appended(N1, source, 5), Appended(N1, source, 9)];
    let all: Vec<Happens> = before.into_iter().chain([Merged(N1, target), Appended(N1, target, 5)]).collect();
    assert_eq!(appended(&all), "");
}

/// One that is created later declares that it writes again; one of before does not, nor does anybody a second time.
#[test]
fn what_is_appended_again_has_been_declared() {
    use Happens::{Appended, Created};
    let (one, other) = (DispatcherId { maker: N1, n: 1 }, DispatcherId { maker: N2, n: 1 });
    let begins = || vec![Created(N1, one), Appended(N1, one, 5), Appended(N1, one, 9)];
    let with = |more: Vec<Happens>| {
        let mut all = begins();
        all.extend(more);
        appended(&all)
    };
    insta::assert_snapshot!(with(vec![Appended(N1, one, 9)]), @"");
    insta::assert_snapshot!(with(vec![Created(N2, other), Appended(N2, other, 5), Appended(N2, other, 9)]), @"");
    let again = |commit| Appended(N2, other, commit);
    insta::assert_snapshot!(with(vec![Created(N2, other), again(3), again(5), again(7), again(9), again(11)]), @"");
    insta::assert_snapshot!(with(vec![Created(N2, other), again(3), again(7), again(5)]), @"data_equal (order): row 0 of t1 as of ts5 is appended to the log of cf1 after the same row as of ts7; d1@n2 of n2/dispatchers has not declared to write that again");
    // A dispatcher that moves keeps its id, and declares anew where it comes to.
    insta::assert_snapshot!(with(vec![Created(N2, one), Appended(N2, one, 5)]), @"");
    insta::assert_snapshot!(with(vec![Appended(N1, one, 5)]), @"data_equal (order): row 0 of t1 as of ts5 is appended to the log of cf1 after the same row as of ts9; d1@n1 of n1/dispatchers has not declared to write that again");
    insta::assert_snapshot!(with(vec![Created(N2, other), Appended(N2, other, 12), Appended(N1, one, 11)]), @"data_equal (order): row 0 of t1 as of ts11 is appended to the log of cf1 after the same row as of ts12; d1@n1 of n1/dispatchers has not declared to write that again");
    insta::assert_snapshot!(with(vec![Created(N2, other), Appended(N2, other, 5), Appended(N1, one, 5)]), @"data_equal (order): row 0 of t1 as of ts5 is appended to the log of cf1 after the same row as of ts9; d1@n1 of n1/dispatchers has not declared to write that again");
}
