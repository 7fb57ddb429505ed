//! The operators of a maintainer, each as a table: what happens, what it sends, and what becomes of the span.

use crate::hand::{CF, Hand, N1, N2, N3, add, coordinator, preset};
use ComponentState::{Removed, Stopped, WaitingMerge, Working};
use model::{
    Addr, DispatcherId, Epoch, Mode, Msg, NodeId, Place, Span, TableId, Ts,
    dispatchers::{
        Action, BootstrapResponse, ComponentState, DispatcherStatus, Heartbeat, OperatorType, ReportedSpan,
        ScheduleRequest,
    },
    maintainer::Inbox,
};

fn id(n: u32) -> DispatcherId {
    DispatcherId { maker: N1, n }
}

fn part(n: u32, from: u32, to: u32) -> ReportedSpan {
    let (span, state) = (Span { table: TableId(5), from, to }, Working);
    ReportedSpan { id: id(n), span, state, checkpoint: Ts(50), mode: Mode::Default, block_state: None }
}

/// What each node reports at the bootstrap of a maintainer on n3: whole tables, and parts of the fifth.
type Nodes<'a> = [(&'a [u32], &'a [ReportedSpan]); 3];

fn bootstrapped(policy: &str, nodes: Nodes, operators: &[ScheduleRequest]) -> Hand {
    let mut hand = Hand::at(N3, Place::Maintainers, preset(policy));
    hand.start();
    hand.tell(N1, coordinator(1));
    hand.tell(N1, add(5));
    for (node, (tables, parts)) in [N1, N2, N3].into_iter().zip(nodes) {
        let whole = |table: &u32| ReportedSpan { span: Span::whole(TableId(*table)), ..part(*table, 0, 0) };
        let response = BootstrapResponse {
            cf: CF,
            epoch: Epoch(5),
            checkpoint: if node == N3 { Ts(10) } else { Ts::NONE },
            spans: tables.iter().map(whole).chain(parts.iter().cloned()).collect(),
            operators: operators.iter().filter(|_| node == N1).cloned().collect(),
            merge_operators: Vec::new(),
            err: None,
        };
        hand.tell(node, Inbox::MaintainerBootstrapResponse { response: Box::new(response) });
    }
    hand.tell(
        N3,
        Inbox::MaintainerPostBootstrapResponse {
            cf: CF,
            trigger: DispatcherId { maker: N3, n: 1 },
            epoch: Epoch(5),
            err: None,
        },
    );
    hand
}

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
        Is(from, id, state, checkpoint) => {
            let statuses = vec![DispatcherStatus { id, state, checkpoint: Ts(checkpoint) }];
            let heartbeat = Heartbeat { watermark: None, statuses, complete: false, err: None };
            hand.tell(from, Inbox::HeartBeatRequest { cf: CF, heartbeat: Box::new(heartbeat) });
        }
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
        ("DoneSuccess, the destination leaves before it is noticed", &[stopped, works, Leaves(N2)]),
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
         d1@n1 t1 scheduling Working ts60 at n2
         operator d1@n1 Move from n1 to n2 done-success finished
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

/// Nobody reports the fifth table: it is given to n1, as d2@n3.
fn adding(policy: &str) -> Hand {
    let mut hand = bootstrapped(policy, [(&[1, 2], &[]), (&[3, 4, 6], &[]), (&[7, 8, 9], &[])], &[]);
    hand.advance(1);
    hand
}

/// What the maintainer on n3 has made, from d2@n3 on.
fn own(n: u32) -> DispatcherId {
    DispatcherId { maker: N3, n }
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
