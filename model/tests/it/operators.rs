//! The operators of a maintainer, each as a table: what happens, what it sends, and what becomes of the span.

use crate::{
    hand::{CF, Hand, N1, N2, N3, preset, remove_maintainer},
    spans::{bootstrap, bootstrapped, id, own, part, report, splittable},
};
use ComponentState::{Removed, Stopped, WaitingMerge, Working};
use model::{
    Addr, DispatcherId, Epoch, Mode, Msg, NodeId, Place, Span, TableId, Ts,
    dispatchers::{Action, ComponentState, OperatorType, ScheduleRequest},
    maintainer::Inbox,
};

/// What can happen to an operator.
#[derive(Clone, Copy)]
enum Event {
    /// A node tells of the state of a dispatcher, with a checkpoint.
    Is(NodeId, DispatcherId, ComponentState, u64),
    /// A node leaves.
    Leaves(NodeId),
    /// A table is dropped.
    Dropped(u32),
    /// So many milliseconds pass.
    Pass(u64),
}
use Event::{Dropped, Is, Leaves, Pass};

fn happen(hand: &mut Hand, event: Event) {
    match event {
        Is(from, id, state, checkpoint) => report(hand, from, &[(id, state, checkpoint)], false),
        Leaves(gone) => {
            let left: Vec<NodeId> =
                hand.process().view().iter().copied().filter(|node| *node != gone).collect();
            hand.see(&left);
            hand.hear(Addr::Node(N3, Place::Server), Inbox::NodesChanged);
            hand.advance(100);
        }
        Dropped(table) => {
            let line =
                format!("BlockStatusRequest cf1 statuses: d1@n3 NONE ts70 dropped=t{table} default default");
            let heard = Msg::hear(&line).into_iter().find_map(Result::ok);
            hand.tell(N3, heard.expect("a message"));
        }
        Pass(millis) => hand.advance(millis),
    }
}

/// A table: a line for each row and what it leads to. Each row begins anew.
fn table(make: impl Fn() -> Hand, watched: &str, rows: &[(&str, &[Event])]) -> String {
    let mut text = String::new();
    for (name, events) in rows {
        let mut hand = make();
        text += &format!("{name}\n");
        for event in *events {
            hand.text.clear();
            happen(&mut hand, *event);
            let told = |line: &&str| line.contains("ScheduleDispatcher") || line.contains("MergeDispatcher");
            let noted = |line: &&str| line.contains("Panicked") || line.contains("Refused");
            for line in hand.text.lines().filter(|line| told(line) || noted(line)) {
                text += &format!("{}\n", line.replace(" cf1", "").replace(" default e5", ""));
            }
        }
        let state = hand.state();
        let lines = state.lines().filter(|line| line.contains(watched) && !line.contains(" sees "));
        lines.for_each(|line| text += &format!("   {line}\n"));
    }
    text
}

/// Nine tables, four of them on n1 and two on n2: d1@n1 moves.
fn moving(policy: &str) -> Hand {
    let mut hand = bootstrapped(policy, [(&[1, 2, 3, 5], &[]), (&[4, 6], &[]), (&[7, 8, 9], &[])], &[]);
    hand.advance(1);
    hand
}

#[test]
fn a_move_removes_before_it_creates() {
    let stopped = Is(N1, id(1), Stopped, 60);
    let works = Is(N2, id(1), Working, 60);
    let rows: &[(&str, &[Event])] = &[
        ("RemoveOrigin, and nobody answers", &[Pass(10_500)]),
        ("RemoveOrigin, and the origin works", &[Is(N1, id(1), Working, 60), Pass(700)]),
        ("RemoveOrigin, the origin has stopped: AddDest", &[Pass(100), stopped, Pass(500)]),
        (
            "RemoveOrigin, the origin waits for a merge: AddDest",
            &[Is(N1, id(1), WaitingMerge, 60), Pass(500)],
        ),
        ("RemoveOrigin, the origin leaves: AddDest", &[Leaves(N1), Pass(500)]),
        ("RemoveOrigin, the destination leaves: AbortRemoveOrigin", &[Leaves(N2), Pass(500)]),
        ("AbortRemoveOrigin, the origin has stopped: absent", &[Leaves(N2), stopped]),
        ("AbortRemoveOrigin, the origin leaves: absent", &[Leaves(N2), Leaves(N1)]),
        ("RemoveOrigin, the table is dropped: a Remove", &[Dropped(1), Pass(100)]),
        ("AddDest, and nobody answers", &[stopped, Pass(11_000)]),
        (
            "AddDest, the origin tells again: the request is repeated",
            &[stopped, Pass(700), stopped, Pass(500)],
        ),
        ("AddDest, the destination leaves: absent", &[stopped, Leaves(N2)]),
        ("AddDest, the table is dropped: a Remove", &[stopped, Dropped(1), Pass(100)]),
        ("AddDest, the destination works: DoneSuccess", &[stopped, works]),
        (
            "DoneSuccess, the destination leaves before it is noticed",
            &[stopped, works, Leaves(N2), Pass(900)],
        ),
        ("DoneSuccess, and it is noticed", &[stopped, works, Pass(700)]),
    ];
    insta::assert_snapshot!(table(|| moving("master"), "d1@n1", rows), @"
    RemoveOrigin, and nobody answers
        -> ScheduleDispatcherRequest Remove (Move) d1@n1 t1 ts0 to n1/dispatchers
        -> ScheduleDispatcherRequest Remove (Move) d1@n1 t1 ts0 to n1/dispatchers
         d1@n1 t1 scheduling Working ts50 at n1
         operator d1@n1 Move from n1 to n2 remove-origin sent
    RemoveOrigin, and the origin works
        -> ScheduleDispatcherRequest Remove (Move) d1@n1 t1 ts0 to n1/dispatchers
         d1@n1 t1 scheduling Working ts60 at n1
         operator d1@n1 Move from n1 to n2 remove-origin sent
    RemoveOrigin, the origin has stopped: AddDest
        -> ScheduleDispatcherRequest Create (Move) d1@n1 t1 ts50 to n2/dispatchers
         d1@n1 t1 scheduling Working ts50 at n2
         operator d1@n1 Move from n1 to n2 add-dest sent
    RemoveOrigin, the origin waits for a merge: AddDest
        -> ScheduleDispatcherRequest Create (Move) d1@n1 t1 ts50 to n2/dispatchers
         d1@n1 t1 scheduling Working ts50 at n2
         operator d1@n1 Move from n1 to n2 add-dest sent
    RemoveOrigin, the origin leaves: AddDest
        -> ScheduleDispatcherRequest Create (Move) d1@n1 t1 ts50 to n2/dispatchers
        -> ScheduleDispatcherRequest Create (Add) d2@n1 t2 ts50 to n3/dispatchers
        -> ScheduleDispatcherRequest Create (Add) d3@n1 t3 ts50 to n3/dispatchers
        -> ScheduleDispatcherRequest Create (Add) d5@n1 t5 ts50 to n2/dispatchers
         d1@n1 t1 scheduling Working ts50 at n2
         operator d1@n1 Move from n1 to n2 add-dest sent
    RemoveOrigin, the destination leaves: AbortRemoveOrigin
        -> ScheduleDispatcherRequest Remove (Move) d1@n1 t1 ts0 to n1/dispatchers
        -> ScheduleDispatcherRequest Create (Add) d4@n1 t4 ts50 to n3/dispatchers
        -> ScheduleDispatcherRequest Create (Add) d6@n1 t6 ts50 to n3/dispatchers
         d1@n1 t1 scheduling Working ts50 at n1
         operator d1@n1 Move from n1 to n2 abort-remove-origin sent
    AbortRemoveOrigin, the origin has stopped: absent
         d1@n1 t1 absent Working ts50
         operator d1@n1 Move from n1 to n2 done-no-post-finish finished
    AbortRemoveOrigin, the origin leaves: absent
        ** NotSent n1 `ScheduleDispatcherRequest` `there is no such target`
         d1@n1 t1 absent Working ts50
         operator d1@n1 Move from n1 to n2 done-no-post-finish finished
    RemoveOrigin, the table is dropped: a Remove
         operator d1@n1 Remove (Remove) at n1
    AddDest, and nobody answers
        -> ScheduleDispatcherRequest Create (Move) d1@n1 t1 ts50 to n2/dispatchers
        -> ScheduleDispatcherRequest Create (Move) d1@n1 t1 ts50 to n2/dispatchers
         d1@n1 t1 scheduling Working ts50 at n2
         operator d1@n1 Move from n1 to n2 add-dest sent
    AddDest, the origin tells again: the request is repeated
        -> ScheduleDispatcherRequest Create (Move) d1@n1 t1 ts50 to n2/dispatchers
        -> ScheduleDispatcherRequest Create (Move) d1@n1 t1 ts50 to n2/dispatchers
         d1@n1 t1 scheduling Working ts50 at n2
         operator d1@n1 Move from n1 to n2 add-dest sent
    AddDest, the destination leaves: absent
         d1@n1 t1 absent Working ts50
         operator d1@n1 Move from n1 to n2 done-no-post-finish finished
    AddDest, the table is dropped: a Remove
         operator d1@n1 Remove (Remove) at n2
    AddDest, the destination works: DoneSuccess
         d1@n1 t1 scheduling Working ts60 at n2
         operator d1@n1 Move from n1 to n2 done-success finished
    DoneSuccess, the destination leaves before it is noticed
        -> ScheduleDispatcherRequest Create (Add) d4@n1 t4 ts50 to n1/dispatchers
        -> ScheduleDispatcherRequest Create (Add) d6@n1 t6 ts50 to n3/dispatchers
         d1@n1 t1 replicating Working ts60 at n2
    DoneSuccess, and it is noticed
         d1@n1 t1 replicating Working ts60 at n2
    ");
}

#[test]
fn a_move_that_gives_up_at_once_leaves_its_span_to_two() {
    let policy = "master+maintainer.move_abort=at_once";
    let rows: &[(&str, &[Event])] = &[("the destination leaves, the origin works", &[Leaves(N2), Pass(600)])];
    insta::assert_snapshot!(table(|| moving(policy), "d1@n1", rows), @"
    the destination leaves, the origin works
        -> ScheduleDispatcherRequest Create (Add) d1@n1 t1 ts50 to n1/dispatchers
        -> ScheduleDispatcherRequest Create (Add) d4@n1 t4 ts50 to n3/dispatchers
        -> ScheduleDispatcherRequest Create (Add) d6@n1 t6 ts50 to n3/dispatchers
         d1@n1 t1 scheduling Working ts50 at n1
         operator d1@n1 Create (Add) at n1 sent
    ");
}

/// Finding F6, and what would help.
#[test]
fn a_move_that_has_succeeded_may_fail_until_somebody_takes_note() {
    let (stopped, works) = (Is(N1, id(1), Stopped, 60), Is(N2, id(1), Working, 60));
    let rows: &[(&str, &[Event])] = &[("the destination leaves", &[stopped, works, Leaves(N2), Pass(10)])];
    insta::assert_snapshot!(table(|| moving("master"), "d1@n1", rows), @"
    the destination leaves
         d1@n1 t1 scheduling Working ts60 at n2
         operator d1@n1 Move from n1 to n2 done-success finished
    ");
    insta::assert_snapshot!(table(|| moving("master+maintainer.done_move=undone"), "d1@n1", rows), @"
    the destination leaves
         d1@n1 t1 absent Working ts60
         operator d1@n1 Move from n1 to n2 done-no-post-finish finished
    ");
}

/// Nobody reports the fifth table: it is given to n1, as d2@n3.
fn adding(policy: &str) -> Hand {
    let mut hand = bootstrapped(policy, [(&[1, 2], &[]), (&[3, 4, 6], &[]), (&[7, 8, 9], &[])], &[]);
    hand.advance(1);
    hand
}

#[test]
fn an_add_asks_until_its_dispatcher_works() {
    let works = Is(N1, own(2), Working, 60);
    let rows: &[(&str, &[Event])] = &[
        ("nobody answers", &[Pass(10_500)]),
        ("another node tells of it", &[Is(N2, own(2), Working, 60), Pass(700)]),
        ("it has stopped", &[Is(N1, own(2), Stopped, 60), Pass(700)]),
        ("it is removed", &[Is(N1, own(2), Removed, 60), Pass(700)]),
        ("it works", &[works]),
        ("it works, and that is noticed", &[works, Pass(700)]),
        ("it works, and the node leaves before that is noticed", &[works, Leaves(N1)]),
        ("the node leaves", &[Leaves(N1)]),
        ("the node leaves, and another one gets it", &[Leaves(N1), Pass(1100)]),
        ("the table is dropped", &[Dropped(5), Pass(700)]),
    ];
    insta::assert_snapshot!(table(|| adding("master"), "d2@n3", rows), @"
    nobody answers
        -> ScheduleDispatcherRequest Create (Add) d2@n3 t5 ts10 to n1/dispatchers
        -> ScheduleDispatcherRequest Create (Add) d2@n3 t5 ts10 to n1/dispatchers
         d2@n3 t5 scheduling Working ts10 at n1
         operator d2@n3 Create (Add) at n1 sent
    another node tells of it
        -> ScheduleDispatcherRequest Create (Add) d2@n3 t5 ts10 to n1/dispatchers
         d2@n3 t5 scheduling Working ts10 at n1
         operator d2@n3 Create (Add) at n1 sent
    it has stopped
        -> ScheduleDispatcherRequest Create (Add) d2@n3 t5 ts60 to n1/dispatchers
         d2@n3 t5 scheduling Stopped ts60 at n1
         operator d2@n3 Create (Add) at n1 sent
    it is removed
        -> ScheduleDispatcherRequest Create (Add) d2@n3 t5 ts60 to n2/dispatchers
         d2@n3 t5 scheduling Removed ts60 at n2
         operator d2@n3 Create (Add) at n2 sent
    it works
         d2@n3 t5 scheduling Working ts60 at n1
         operator d2@n3 Create (Add) at n1 finished
    it works, and that is noticed
         d2@n3 t5 replicating Working ts60 at n1
    it works, and the node leaves before that is noticed
         d2@n3 t5 scheduling Working ts60 at n1
         operator d2@n3 Create (Add) at n1 finished
    the node leaves
         d2@n3 t5 scheduling Working ts10 at n1
         operator d2@n3 Create (Add) at n1 finished
    the node leaves, and another one gets it
        -> ScheduleDispatcherRequest Create (Add) d1@n1 t1 ts50 to n3/dispatchers
        -> ScheduleDispatcherRequest Create (Add) d2@n1 t2 ts50 to n2/dispatchers
        -> ScheduleDispatcherRequest Create (Add) d2@n3 t5 ts10 to n3/dispatchers
         d2@n3 t5 scheduling Working ts10 at n3
         operator d2@n3 Create (Add) at n3 sent
    the table is dropped
        -> ScheduleDispatcherRequest Remove (Remove) d2@n3 t5 ts0 to n1/dispatchers
         operator d2@n3 Remove (Remove) at n1 sent
    ");
    let rows: &[(&str, &[Event])] = &[("it has stopped", &[Is(N1, own(2), Stopped, 60), Pass(700)])];
    let mutant = "master+maintainer.stopped_in_add=aborts";
    insta::assert_snapshot!(table(|| adding(mutant), "d2@n3", rows), @"
    it has stopped
        -> ScheduleDispatcherRequest Create (Add) d2@n3 t5 ts60 to n2/dispatchers
         d2@n3 t5 scheduling Stopped ts60 at n2
         operator d2@n3 Create (Add) at n2 sent
    ");
}

/// A predecessor had begun to remove a dispatcher of the fifth table, of which n1 tells.
fn removing(policy: &str, kind: OperatorType) -> Hand {
    let request = ScheduleRequest {
        cf: CF,
        id: id(5),
        span: Some(Span::whole(TableId(5))),
        start_ts: Ts(40),
        skip_dml: false,
        mode: Mode::Default,
        action: Action::Remove,
        kind,
        epoch: Epoch(4),
    };
    let mut hand =
        bootstrapped(policy, [(&[1, 2, 5], &[]), (&[3, 4, 6], &[]), (&[7, 8, 9], &[])], &[request]);
    hand.advance(1);
    hand
}

#[test]
fn a_remove_ends_with_its_dispatcher() {
    let waits = Is(N1, id(5), WaitingMerge, 60);
    let rows: &[(&str, &[Event])] = &[
        ("nobody answers", &[Pass(10_500)]),
        ("another node tells of it", &[Is(N2, id(5), Stopped, 60), Pass(700)]),
        ("it works", &[Is(N1, id(5), Working, 60), Pass(700)]),
        ("it waits for a merge", &[waits, Pass(700)]),
        ("it has stopped", &[Is(N1, id(5), Stopped, 60), Pass(700)]),
        ("it is not known there", &[Is(N1, id(5), Stopped, 0), Pass(700)]),
        ("the node leaves", &[Leaves(N1), Pass(700)]),
        ("the table is dropped", &[Dropped(5), Pass(700)]),
    ];
    let moved = |policy: &'static str| move || removing(policy, OperatorType::Move);
    insta::assert_snapshot!(table(moved("master"), "d5@n1", rows), @"
    nobody answers
        -> ScheduleDispatcherRequest Remove (Move) d5@n1 t5 ts0 to n1/dispatchers
         d5@n1 t5 replicating Working ts50 at n1
         operator d5@n1 Remove (Move) at n1 sent
    another node tells of it
         d5@n1 t5 replicating Working ts50 at n1
         operator d5@n1 Remove (Move) at n1 sent
    it works
         d5@n1 t5 replicating Working ts60 at n1
         operator d5@n1 Remove (Move) at n1 sent
    it waits for a merge
         d5@n1 t5 replicating WaitingMerge ts60 at n1
         operator d5@n1 Remove (Move) at n1 sent
    it has stopped
        -> ScheduleDispatcherRequest Create (Add) d5@n1 t5 ts60 to n1/dispatchers
         d5@n1 t5 scheduling Stopped ts60 at n1
         operator d5@n1 Create (Add) at n1 sent
    it is not known there
        -> ScheduleDispatcherRequest Create (Add) d5@n1 t5 ts50 to n1/dispatchers
         d5@n1 t5 scheduling Working ts50 at n1
         operator d5@n1 Create (Add) at n1 sent
    the node leaves
        -> ScheduleDispatcherRequest Create (Add) d1@n1 t1 ts50 to n2/dispatchers
        -> ScheduleDispatcherRequest Create (Add) d2@n1 t2 ts50 to n3/dispatchers
        -> ScheduleDispatcherRequest Create (Add) d5@n1 t5 ts50 to n3/dispatchers
         d5@n1 t5 scheduling Working ts50 at n3
         operator d5@n1 Create (Add) at n3 sent
    the table is dropped
        -> ScheduleDispatcherRequest Remove (Remove) d5@n1 t5 ts0 to n1/dispatchers
         operator d5@n1 Remove (Remove) at n1 sent
    ");
    let rows: &[(&str, &[Event])] = &[("it waits for a merge", &[waits, Pass(700)])];
    insta::assert_snapshot!(table(moved("master+maintainer.remove_check=not_working"), "d5@n1", rows), @"
    it waits for a merge
        -> ScheduleDispatcherRequest Create (Add) d5@n1 t5 ts60 to n1/dispatchers
         d5@n1 t5 scheduling WaitingMerge ts60 at n1
         operator d5@n1 Create (Add) at n1 sent
    ");
}

/// The first table has as many regions as it may have at most.
fn splitting(policy: &str) -> Hand {
    let mut hand = splittable(policy, 8, [(&[1], &[]), (&[], &[]), (&[], &[])]);
    hand.advance(1);
    hand
}

#[test]
fn a_split_replaces_its_span_when_its_dispatcher_is_gone() {
    let stopped = Is(N1, id(1), Stopped, 60);
    let rows: &[(&str, &[Event])] = &[
        ("nobody answers", &[Pass(10_500)]),
        ("it works", &[Is(N1, id(1), Working, 60), Pass(700)]),
        ("it has stopped", &[stopped]),
        ("it has stopped, and that is noticed", &[stopped, Pass(200)]),
        ("it waits for a merge", &[Is(N1, id(1), WaitingMerge, 60), Pass(200)]),
        ("its node leaves", &[Leaves(N1)]),
        ("its node leaves, and that is noticed", &[Leaves(N1), Pass(200)]),
        ("it has stopped, and its node leaves before that is noticed", &[stopped, Leaves(N1), Pass(100)]),
        ("the table is dropped", &[Dropped(1), Pass(700)]),
    ];
    insta::assert_snapshot!(table(|| splitting("master"), "t1", rows), @"
    nobody answers
        -> ScheduleDispatcherRequest Remove (Split) d1@n1 t1 ts0 to n1/dispatchers
        -> ScheduleDispatcherRequest Remove (Split) d1@n1 t1 ts0 to n1/dispatchers
         d1@n1 t1 scheduling Working ts50 at n1
    it works
        -> ScheduleDispatcherRequest Remove (Split) d1@n1 t1 ts0 to n1/dispatchers
         d1@n1 t1 scheduling Working ts60 at n1
    it has stopped
         d1@n1 t1 scheduling Stopped ts60 at n1
    it has stopped, and that is noticed
         d2@n3 t1[0..262144) absent Working ts60
         d3@n3 t1[262144..524288) absent Working ts60
         d4@n3 t1[524288..655360) absent Working ts60
         d5@n3 t1[655360..786432) absent Working ts60
         d6@n3 t1[786432..917504) absent Working ts60
         d7@n3 t1[917504..) absent Working ts60
    it waits for a merge
         d2@n3 t1[0..262144) absent Working ts60
         d3@n3 t1[262144..524288) absent Working ts60
         d4@n3 t1[524288..655360) absent Working ts60
         d5@n3 t1[655360..786432) absent Working ts60
         d6@n3 t1[786432..917504) absent Working ts60
         d7@n3 t1[917504..) absent Working ts60
    its node leaves
         d1@n1 t1 scheduling Working ts50 at n1
    its node leaves, and that is noticed
         d1@n1 t1 absent Working ts50
    it has stopped, and its node leaves before that is noticed
         d1@n1 t1 absent Stopped ts60
    the table is dropped
        -> ScheduleDispatcherRequest Remove (Remove) d1@n1 t1 ts0 to n1/dispatchers
    ");
}

/// Three parts of the first table on n1 have been reported often enough, and there are few regions: they are to be one.
fn merging(policy: &str) -> Hand {
    let parts = [part(1, 0, 2), part(2, 2, 4), part(3, 4, 8)];
    let mut hand = splittable(policy, 4, [(&[], &parts), (&[], &[]), (&[], &[])]);
    for _ in 0..3 {
        report(&mut hand, N1, &[1, 2, 3].map(|n| (id(n), Working, 15_000_000)), true);
    }
    hand.advance(15_001);
    hand
}

#[test]
fn a_merge_occupies_its_sources_until_they_are_gone() {
    let works = Is(N1, own(2), Working, 15_000_000);
    let gone = Is(N1, id(2), Stopped, 15_000_000);
    let rows: &[(&str, &[Event])] = &[
        ("it has begun", &[]),
        ("nobody answers", &[Pass(10_500)]),
        ("a source is gone before its time", &[gone, Pass(700)]),
        ("the target works", &[works]),
        ("the target works, and that is noticed", &[works, Pass(500)]),
        ("the target works, the sources have gone", &[works, gone, Pass(1200)]),
        ("the node leaves", &[Leaves(N1)]),
        ("the node leaves, and that is noticed", &[Leaves(N1), Pass(500)]),
        ("the target works, and the node leaves before that is noticed", &[works, Leaves(N1), Pass(400)]),
        ("the table is dropped", &[Dropped(1), Pass(700)]),
    ];
    insta::assert_snapshot!(table(|| merging("master"), "d", rows), @"
    it has begun
       maintainer cf1 e5 working committed ts10
         d1@n1 t1[0..262144) scheduling Working ts15000000 at n1
         d2@n1 t1[262144..524288) scheduling Working ts15000000 at n1
         d3@n1 t1[524288..) scheduling Working ts15000000 at n1
         d1@n3 ddl trigger Working ts10 at n3
         d2@n3 t1 scheduling Working ts15000000 at n1
         operator d1@n1 Occupy
         operator d2@n1 Occupy
         operator d3@n1 Occupy
         operator d2@n3 Merge of d1@n1, d2@n1, d3@n1 at n1 sent
    nobody answers
        -> MergeDispatcherRequest d2@n3 sources: d1@n1, d2@n1, d3@n1 to n1/dispatchers
       maintainer cf1 e5 working committed ts10
         d1@n1 t1[0..262144) scheduling Working ts15000000 at n1
         d2@n1 t1[262144..524288) scheduling Working ts15000000 at n1
         d3@n1 t1[524288..) scheduling Working ts15000000 at n1
         d1@n3 ddl trigger Working ts10 at n3
         d2@n3 t1 scheduling Working ts15000000 at n1
         operator d1@n1 Occupy
         operator d2@n1 Occupy
         operator d3@n1 Occupy
         operator d2@n3 Merge of d1@n1, d2@n1, d3@n1 at n1 sent
    a source is gone before its time
       maintainer cf1 e5 working committed ts10
         d1@n1 t1[0..262144) scheduling Working ts15000000 at n1
         d2@n1 t1[262144..524288) scheduling Stopped ts15000000 at n1
         d3@n1 t1[524288..) scheduling Working ts15000000 at n1
         d1@n3 ddl trigger Working ts10 at n3
         d2@n3 t1 scheduling Working ts15000000 at n1
         operator d1@n1 Occupy
         operator d2@n1 Occupy
         operator d3@n1 Occupy
         operator d2@n3 Merge of d1@n1, d2@n1, d3@n1 at n1 sent
    the target works
       maintainer cf1 e5 working committed ts10
         d1@n1 t1[0..262144) scheduling Working ts15000000 at n1
         d2@n1 t1[262144..524288) scheduling Working ts15000000 at n1
         d3@n1 t1[524288..) scheduling Working ts15000000 at n1
         d1@n3 ddl trigger Working ts10 at n3
         d2@n3 t1 scheduling Working ts15000000 at n1
         operator d1@n1 Occupy
         operator d2@n1 Occupy
         operator d3@n1 Occupy
         operator d2@n3 Merge of d1@n1, d2@n1, d3@n1 at n1 sent finished
    the target works, and that is noticed
       maintainer cf1 e5 working committed ts10
         d1@n1 t1[0..262144) scheduling Working ts15000000 at n1
         d2@n1 t1[262144..524288) scheduling Working ts15000000 at n1
         d3@n1 t1[524288..) scheduling Working ts15000000 at n1
         d1@n3 ddl trigger Working ts10 at n3
         d2@n3 t1 scheduling Working ts15000000 at n1
         operator d1@n1 Occupy
         operator d2@n1 Occupy
         operator d3@n1 Occupy
         operator d2@n3 Merge of d1@n1, d2@n1, d3@n1 at n1 sent finished
    the target works, the sources have gone
       maintainer cf1 e5 working committed ts10
         d1@n3 ddl trigger Working ts10 at n3
         d2@n3 t1 replicating Working ts15000000 at n1
    the node leaves
       maintainer cf1 e5 working committed ts10
         d1@n1 t1[0..262144) absent Working ts15000000
         d2@n1 t1[262144..524288) absent Working ts15000000
         d3@n1 t1[524288..) absent Working ts15000000
         d1@n3 ddl trigger Working ts10 at n3
         d2@n3 t1 scheduling Working ts15000000 at n1
         operator d1@n1 Occupy finished
         operator d2@n1 Occupy finished
         operator d3@n1 Occupy finished
         operator d2@n3 Merge of d1@n1, d2@n1, d3@n1 at n1 sent aborted-by-node finished
    the node leaves, and that is noticed
        -> ScheduleDispatcherRequest Create (Add) d1@n1 t1[0..262144) ts15000000 to n2/dispatchers
        -> ScheduleDispatcherRequest Create (Add) d2@n1 t1[262144..524288) ts15000000 to n3/dispatchers
        -> ScheduleDispatcherRequest Create (Add) d3@n1 t1[524288..) ts15000000 to n3/dispatchers
       maintainer cf1 e5 working committed ts10
         d1@n1 t1[0..262144) scheduling Working ts15000000 at n2
         d2@n1 t1[262144..524288) scheduling Working ts15000000 at n3
         d3@n1 t1[524288..) scheduling Working ts15000000 at n3
         d1@n3 ddl trigger Working ts10 at n3
         operator d1@n1 Create (Add) at n2 sent
         operator d2@n1 Create (Add) at n3 sent
         operator d3@n1 Create (Add) at n3 sent
    the target works, and the node leaves before that is noticed
       maintainer cf1 e5 working committed ts10
         d1@n1 t1[0..262144) scheduling Working ts15000000 at n2
         d2@n1 t1[262144..524288) scheduling Working ts15000000 at n3
         d3@n1 t1[524288..) scheduling Working ts15000000 at n3
         d1@n3 ddl trigger Working ts10 at n3
         operator d1@n1 Create (Add) at n2
         operator d2@n1 Create (Add) at n3
         operator d3@n1 Create (Add) at n3
    the table is dropped
        -> ScheduleDispatcherRequest Remove (Remove) d1@n1 t1[0..262144) ts0 to n1/dispatchers
        -> ScheduleDispatcherRequest Remove (Remove) d2@n1 t1[262144..524288) ts0 to n1/dispatchers
        -> ScheduleDispatcherRequest Remove (Remove) d3@n1 t1[524288..) ts0 to n1/dispatchers
        -> ScheduleDispatcherRequest Remove (Remove) d2@n3 t1 ts0 to n1/dispatchers
       maintainer cf1 e5 working committed ts10
         d1@n3 ddl trigger Working ts69 at n3
         operator d1@n1 Remove (Remove) at n1 sent
         operator d2@n1 Remove (Remove) at n1 sent
         operator d3@n1 Remove (Remove) at n1 sent
         operator d2@n3 Remove (Remove) at n1 sent
    ");
}

/// The messages and notes of a script, and what there is in the end.
fn script(mut hand: Hand, steps: impl FnOnce(&mut Hand)) -> String {
    hand.text.clear();
    steps(&mut hand);
    let state = hand.state();
    let text: Vec<&str> = hand.text.lines().chain(state.lines().skip(2)).collect();
    text.join("\n").replace(" default e5", "")
}

#[test]
fn sources_that_are_released_early_are_replicated_again() {
    let released = |policy: &str| {
        script(merging(policy), |hand| {
            happen(hand, Is(N1, own(2), Working, 15_000_000));
            hand.stall("Operators");
            hand.advance(700);
            (0..9).for_each(|_| hand.one_step());
            hand.text.clear();
            // The controller is about to finalise the merge.
            happen(hand, Is(N1, id(2), Stopped, 15_000_000));
            hand.advance(500);
            hand.go_on();
            hand.advance(500);
        })
    };
    insta::assert_snapshot!(released("master"), @"
    n1/dispatchers: HeartBeatRequest cf1 statuses: d2@n1 Stopped ts15000000
    500 ms pass
        -> MaintainerHeartbeat statuses: cf1 working ts10 bootstrap_done e5 to n1/coordinator
    all go on
    500 ms pass
    maintainer cf1 e5 working committed ts10
      d1@n3 ddl trigger Working ts10 at n3
      d2@n3 t1 replicating Working ts15000000 at n1
    ");
    // A dispatcher is created for a part of what the merged one replicates.
    insta::assert_snapshot!(released("master+maintainer.occupy_release=early"), @"
    n1/dispatchers: HeartBeatRequest cf1 statuses: d2@n1 Stopped ts15000000
        ** SpanAbsent cf1 d2@n1
    500 ms pass
        -> MaintainerHeartbeat statuses: cf1 working ts10 bootstrap_done e5 to n1/coordinator
        ** SpanAssigned cf1 d2@n1 t1[262144..524288) n2
    all go on
        ** SpansMerged cf1 d2@n3 sources=3
        ** SpanReplicating cf1 d2@n3 n1
        -> ScheduleDispatcherRequest cf1 Create (Add) d2@n1 t1[262144..524288) ts15000000 to n2/dispatchers
    500 ms pass
    maintainer cf1 e5 working committed ts10
      d1@n3 ddl trigger Working ts10 at n3
      d2@n3 t1 replicating Working ts15000000 at n1
      operator d2@n1 Create (Add) at n2 sent
    ");
}

/// Nobody reports the fifth table; the basic scheduler has had an operator for it admitted, and not yet taken.
fn admitted(policy: &str) -> Hand {
    let mut hand = Hand::at(N3, Place::Maintainers, preset(policy));
    hand.stall("BasicScheduler");
    let mut hand = bootstrap(hand, [(&[1, 2], &[]), (&[3, 4, 6], &[]), (&[7, 8, 9], &[])], &[]);
    hand.one_step();
    hand
}

#[test]
fn what_is_added_while_its_table_is_dropped_is_a_ghost() {
    insta::assert_snapshot!(script(admitted("master"), |hand| {
        happen(hand, Dropped(5));
        hand.go_on();
        hand.advance(100);
        happen(hand, Is(N1, own(2), Working, 80));
        hand.advance(1000);
    }), @"
    n3/dispatchers: BlockStatusRequest cf1 statuses: d1@n3 NONE ts70 dropped=t5 default default
        ** BlockEventScheduled cf1 ts70
        -> HeartBeatResponse cf1 statuses: Ack ts70 to=d1@n3 to n3/dispatchers
    all go on
        ** SpanAssigned cf1 d2@n3 t5 n1
    100 ms pass
    n1/dispatchers: HeartBeatRequest cf1 statuses: d2@n3 Working ts80
    1000 ms pass
        -> MaintainerHeartbeat statuses: cf1 working ts10 bootstrap_done e5 to n1/coordinator
    maintainer cf1 e5 working committed ts10
      d1@n1 t1 replicating Working ts50 at n1
      d2@n1 t2 replicating Working ts50 at n1
      d3@n1 t3 replicating Working ts50 at n2
      d4@n1 t4 replicating Working ts50 at n2
      d6@n1 t6 replicating Working ts50 at n2
      d7@n1 t7 replicating Working ts50 at n3
      d8@n1 t8 replicating Working ts50 at n3
      d9@n1 t9 replicating Working ts50 at n3
      d1@n3 ddl trigger Working ts69 at n3
      d2@n3 t5 ghost replicating ts10 at n1
    ");
}

#[test]
fn a_removal_waits_for_whoever_adds_an_operator() {
    let removed = |policy: &str| {
        script(admitted(policy), |hand| {
            hand.tell(N1, remove_maintainer(5, false));
            hand.go_on();
            hand.advance(700);
        })
    };
    // Whoever has been admitted is waited for, and then stands still.
    insta::assert_snapshot!(removed("master"), @"
    n1/dispatchers: RemoveMaintainerRequest cf1 e5
        ** MaintainerRemoving cf1 e5
        ** SpanAssigned cf1 d2@n3 t5 n1
    all go on
    700 ms pass
        -> MaintainerHeartbeat statuses: cf1 working ts10 bootstrap_done e5 to n1/coordinator
        -> ScheduleDispatcherRequest cf1 Remove (Remove) d1@n3 ddl ts0 to n3/dispatchers
    maintainer cf1 e5 working committed ts10 removing
      d1@n1 t1 replicating Working ts50 at n1
      d2@n1 t2 replicating Working ts50 at n1
      d3@n1 t3 replicating Working ts50 at n2
      d4@n1 t4 replicating Working ts50 at n2
      d6@n1 t6 replicating Working ts50 at n2
      d7@n1 t7 replicating Working ts50 at n3
      d8@n1 t8 replicating Working ts50 at n3
      d9@n1 t9 replicating Working ts50 at n3
      d2@n3 t5 scheduling Working ts10 at n1
      operator d1@n3 Remove (Remove) at n3 sent
      operator d2@n3 Create (Add) at n1
    ");
    insta::assert_snapshot!(removed("pr-5106"), @"
    n1/dispatchers: RemoveMaintainerRequest cf1 e5
        ** MaintainerRemoving cf1 e5
    all go on
        ** SpanAssigned cf1 d2@n3 t5 n1
    700 ms pass
        -> MaintainerHeartbeat statuses: cf1 working ts10 bootstrap_done e0 to n1/coordinator
        -> ScheduleDispatcherRequest cf1 Remove (Remove) d1@n3 ddl ts0 default e0 to n3/dispatchers
        -> ScheduleDispatcherRequest cf1 Create (Add) d2@n3 t5 ts10 default e0 to n1/dispatchers
    maintainer cf1 e5 working committed ts10 removing
      d1@n1 t1 replicating Working ts50 at n1
      d2@n1 t2 replicating Working ts50 at n1
      d3@n1 t3 replicating Working ts50 at n2
      d4@n1 t4 replicating Working ts50 at n2
      d6@n1 t6 replicating Working ts50 at n2
      d7@n1 t7 replicating Working ts50 at n3
      d8@n1 t8 replicating Working ts50 at n3
      d9@n1 t9 replicating Working ts50 at n3
      d2@n3 t5 scheduling Working ts10 at n1
      operator d1@n3 Remove (Remove) at n3 sent
      operator d2@n3 Create (Add) at n1 sent
    ");
    let asked = |policy: &str| {
        script(adding(policy), |hand| {
            hand.stall("Operators");
            hand.advance(200);
            hand.tell(N1, remove_maintainer(5, false));
            hand.go_on();
        })
    };
    insta::assert_snapshot!(asked("master"), @"
    Operators stands still
    200 ms pass
        -> MaintainerHeartbeat statuses: cf1 working ts10 bootstrap_done e5 to n1/coordinator
    n1/dispatchers: RemoveMaintainerRequest cf1 e5
        ** MaintainerRemoving cf1 e5
    all go on
        -> ScheduleDispatcherRequest cf1 Remove (Remove) d1@n3 ddl ts0 to n3/dispatchers
    maintainer cf1 e5 working committed ts10 removing
      d1@n1 t1 replicating Working ts50 at n1
      d2@n1 t2 replicating Working ts50 at n1
      d3@n1 t3 replicating Working ts50 at n2
      d4@n1 t4 replicating Working ts50 at n2
      d6@n1 t6 replicating Working ts50 at n2
      d7@n1 t7 replicating Working ts50 at n3
      d8@n1 t8 replicating Working ts50 at n3
      d9@n1 t9 replicating Working ts50 at n3
      d2@n3 t5 scheduling Working ts10 at n1
      operator d1@n3 Remove (Remove) at n3 sent
      operator d2@n3 Create (Add) at n1
    ");
    insta::assert_snapshot!(asked("master+maintainer.quiesce_admission=crossed"), @"
    Operators stands still
    200 ms pass
        -> MaintainerHeartbeat statuses: cf1 working ts10 bootstrap_done e5 to n1/coordinator
    n1/dispatchers: RemoveMaintainerRequest cf1 e5
        ** MaintainerRemoving cf1 e5
    all go on
        -> ScheduleDispatcherRequest cf1 Create (Add) d2@n3 t5 ts10 to n1/dispatchers
        -> ScheduleDispatcherRequest cf1 Remove (Remove) d1@n3 ddl ts0 to n3/dispatchers
    maintainer cf1 e5 working committed ts10 removing
      d1@n1 t1 replicating Working ts50 at n1
      d2@n1 t2 replicating Working ts50 at n1
      d3@n1 t3 replicating Working ts50 at n2
      d4@n1 t4 replicating Working ts50 at n2
      d6@n1 t6 replicating Working ts50 at n2
      d7@n1 t7 replicating Working ts50 at n3
      d8@n1 t8 replicating Working ts50 at n3
      d9@n1 t9 replicating Working ts50 at n3
      d2@n3 t5 scheduling Working ts10 at n1
      operator d1@n3 Remove (Remove) at n3 sent
      operator d2@n3 Create (Add) at n1 sent
    ");
    insta::assert_snapshot!(asked("master+maintainer.quiesced_operators=dropped"), @"
    Operators stands still
    200 ms pass
        -> MaintainerHeartbeat statuses: cf1 working ts10 bootstrap_done e5 to n1/coordinator
    n1/dispatchers: RemoveMaintainerRequest cf1 e5
        ** MaintainerRemoving cf1 e5
    all go on
        -> ScheduleDispatcherRequest cf1 Remove (Remove) d1@n3 ddl ts0 to n3/dispatchers
    maintainer cf1 e5 working committed ts10 removing
      d1@n1 t1 replicating Working ts50 at n1
      d2@n1 t2 replicating Working ts50 at n1
      d3@n1 t3 replicating Working ts50 at n2
      d4@n1 t4 replicating Working ts50 at n2
      d6@n1 t6 replicating Working ts50 at n2
      d7@n1 t7 replicating Working ts50 at n3
      d8@n1 t8 replicating Working ts50 at n3
      d9@n1 t9 replicating Working ts50 at n3
      d2@n3 t5 scheduling Working ts10 at n1
      operator d1@n3 Remove (Remove) at n3 sent
    ");
}

#[test]
fn a_move_whose_nodes_are_both_gone_leaves_its_span_absent() {
    let both_gone = |policy: &str| {
        let mut hand = Hand::at(N3, Place::Maintainers, preset(policy));
        hand.stall("Checker");
        let mut hand = bootstrap(hand, [(&[1, 2, 3, 5], &[]), (&[4, 6], &[]), (&[7, 8, 9], &[])], &[]);
        hand.one_step();
        script(hand, |hand| {
            hand.see(&[N3]);
            hand.go_on();
            hand.advance(300);
        })
    };
    insta::assert_snapshot!(both_gone("master"), @"
    all go on
        ** SpanMoves cf1 d1@n1 n1 n2
    300 ms pass
        ** NotSent n1 `MaintainerHeartbeat` `there is no such target`
        ** SpanAbsent cf1 d1@n1
    maintainer cf1 e5 working committed ts10
      d1@n1 t1 absent Working ts50
      d2@n1 t2 replicating Working ts50 at n1
      d3@n1 t3 replicating Working ts50 at n1
      d4@n1 t4 replicating Working ts50 at n2
      d5@n1 t5 replicating Working ts50 at n1
      d6@n1 t6 replicating Working ts50 at n2
      d7@n1 t7 replicating Working ts50 at n3
      d8@n1 t8 replicating Working ts50 at n3
      d9@n1 t9 replicating Working ts50 at n3
      d1@n3 ddl trigger Working ts10 at n3
    ");
    insta::assert_snapshot!(both_gone("master+maintainer.affected_check=before_start"), @"
    all go on
        ** SpanMoves cf1 d1@n1 n1 n2
    300 ms pass
        ** NotSent n1 `MaintainerHeartbeat` `there is no such target`
        ** NotSent n1 `ScheduleDispatcherRequest` `there is no such target`
    maintainer cf1 e5 working committed ts10
      d1@n1 t1 scheduling Working ts50
      d2@n1 t2 replicating Working ts50 at n1
      d3@n1 t3 replicating Working ts50 at n1
      d4@n1 t4 replicating Working ts50 at n2
      d5@n1 t5 replicating Working ts50 at n1
      d6@n1 t6 replicating Working ts50 at n2
      d7@n1 t7 replicating Working ts50 at n3
      d8@n1 t8 replicating Working ts50 at n3
      d9@n1 t9 replicating Working ts50 at n3
      d1@n3 ddl trigger Working ts10 at n3
      operator d1@n1 Move from n1 to n2 remove-origin sent
    ");
}

#[test]
fn the_node_of_a_remove_is_that_of_its_making() {
    // The split that is given up marks its span absent.
    let rows: &[(&str, &[Event])] = &[("the table is dropped", &[Dropped(1), Pass(700)])];
    insta::assert_snapshot!(table(|| splitting("master"), "t1", rows), @"
    the table is dropped
        -> ScheduleDispatcherRequest Remove (Remove) d1@n1 t1 ts0 to n1/dispatchers
    ");
    insta::assert_snapshot!(table(|| splitting("master+maintainer.remove_node=looked_up"), "operator", rows), @"
    the table is dropped
         operator d1@n1 Remove (Remove) at n1 sent
    ");
}
