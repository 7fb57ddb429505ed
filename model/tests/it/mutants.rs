//! What review mutants of the coordinator and the maintainer do otherwise than the version that they are made in: the same
//! script twice, and the lines that differ. `-` is only in the version, `+` only in the mutant.

use crate::hand::{CF, Hand, N1, N2, N3, add, changefeed, coordinator, preset, remove_maintainer, term};
use model::{
    Addr, ChangefeedId, DispatcherId, Epoch, Mode, Place, Span, TableId, Ts,
    coordinator::{self, MaintainerStatus},
    dispatchers::{BootstrapResponse, ComponentState, DispatcherStatus, Heartbeat, ReportedSpan},
    etcd::{Job, Op, Progress, Value},
    maintainer,
};

/// The same script under `master` and under a mutant of it; only what differs, and the inputs.
fn differs(place: Place, mutant: &str, script: impl Fn(&mut Hand)) -> String {
    let told = |policy: &str| {
        let mut hand = Hand::at(N3, place, preset(policy));
        script(&mut hand);
        hand.text
    };
    let (master, mutant) = (told("master"), told(mutant));
    assert_ne!(master, mutant, "the script does not tell them apart");
    difference(&master.lines().collect::<Vec<_>>(), &mutant.lines().collect::<Vec<_>>())
}

/// The lines of two texts by the longest sequence that they share. Of what is shared, only inputs are told.
fn difference(old: &[&str], new: &[&str]) -> String {
    let mut longest = vec![vec![0; new.len() + 1]; old.len() + 1];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            longest[i][j] = match old[i] == new[j] {
                true => longest[i + 1][j + 1] + 1,
                false => longest[i + 1][j].max(longest[i][j + 1]),
            };
        }
    }
    let (mut i, mut j, mut text) = (0, 0, String::new());
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            if !old[i].starts_with(' ') {
                text += &format!("  {}\n", old[i]);
            }
            (i, j) = (i + 1, j + 1);
        } else if j == new.len() || i < old.len() && longest[i + 1][j] >= longest[i][j + 1] {
            text += &format!("- {}\n", old[i].trim_start());
            i += 1;
        } else {
            text += &format!("+ {}\n", new[j].trim_start());
            j += 1;
        }
    }
    text
}

/// A coordinator is elected; the changefeed is persisted with this epoch and progress, and these maintainers run.
fn lead(hand: &mut Hand, epoch: u64, progress: Progress, running: [Vec<MaintainerStatus>; 3]) {
    let [(key, value), (job, _)] = changefeed(epoch);
    hand.change(Op::Put { key, value, lease: None });
    let value = Value::Job(Job { checkpoint: Ts(10), progress });
    hand.change(Op::Put { key: job, value, lease: None });
    hand.elect();
    hand.text.clear();
    for (node, statuses) in [N1, N2, N3].into_iter().zip(running) {
        hand.report(node, statuses);
    }
}

fn working(epoch: u64) -> MaintainerStatus {
    term::working(epoch, 100)
}

fn stopped(epoch: u64) -> MaintainerStatus {
    term::stopped(epoch, 100)
}

fn heartbeat(status: MaintainerStatus) -> coordinator::Inbox {
    coordinator::Inbox::MaintainerHeartbeat { statuses: vec![status] }
}

#[test]
fn m6_maintainers_of_nobody_are_removed_without_their_epoch() {
    let unknown = || MaintainerStatus { cf: ChangefeedId(9), ..working(3) };
    insta::assert_snapshot!(differs(Place::Coordinator, "M6", |hand| {
        lead(hand, 5, Progress::None, [vec![working(4)], vec![unknown()], vec![]]);
        hand.advance(1);
        hand.tell(N2, heartbeat(unknown()));
        hand.tell(N1, heartbeat(stopped(4)));
        hand.advance(600);
    }), @"
      n1/maintainers: CoordinatorBootstrapResponse version=7 statuses: cf1 working ts100 bootstrap_done e4
      n2/maintainers: CoordinatorBootstrapResponse version=7 statuses: cf9 working ts100 bootstrap_done e3
      n3/maintainers: CoordinatorBootstrapResponse version=7
    - -> RemoveMaintainerRequest cf9 cascade removed e3 to n2/maintainers
    + -> RemoveMaintainerRequest cf9 cascade removed e0 to n2/maintainers
      1 ms pass
    - -> RemoveMaintainerRequest cf1 cascade e4 to n1/maintainers
    + -> RemoveMaintainerRequest cf1 cascade e0 to n1/maintainers
      n2/maintainers: MaintainerHeartbeat statuses: cf9 working ts100 bootstrap_done e3
    - -> RemoveMaintainerRequest cf9 cascade removed e3 to n2/maintainers
    + -> RemoveMaintainerRequest cf9 cascade removed e0 to n2/maintainers
      n1/maintainers: MaintainerHeartbeat statuses: cf1 stopped ts100 bootstrap_done e4
      600 ms pass
    ");
}

#[test]
fn m8_a_status_without_an_epoch_does_not_end_an_add() {
    insta::assert_snapshot!(differs(Place::Coordinator, "M8", |hand| {
        lead(hand, 5, Progress::None, [vec![], vec![], vec![]]);
        hand.advance(600);
        hand.tell(N1, heartbeat(working(0)));
        hand.advance(600);
    }), @"
      n1/maintainers: CoordinatorBootstrapResponse version=7
      n2/maintainers: CoordinatorBootstrapResponse version=7
      n3/maintainers: CoordinatorBootstrapResponse version=7
      600 ms pass
      n1/maintainers: MaintainerHeartbeat statuses: cf1 working ts100 bootstrap_done e0
      600 ms pass
    - ** OperatorDone cf1 `add`
    + -> AddMaintainerRequest cf1 ts100 e6 to n1/maintainers
    ");
}

#[test]
fn m10_a_late_status_ends_a_stop_that_is_another_nodes_by_now() {
    insta::assert_snapshot!(differs(Place::Coordinator, "M10", |hand| {
        lead(hand, 5, Progress::Stopping, [vec![working(5)], vec![], vec![]]);
        hand.advance(1);
        hand.stall("StopEnds");
        hand.tell(N2, heartbeat(stopped(5)));
        hand.tell(N1, heartbeat(stopped(5)));
        hand.see(&[N2, N3]);
        hand.hear(Addr::Node(N3, Place::Server), coordinator::Inbox::NodesChanged);
        hand.advance(600);
        hand.go_on();
        hand.advance(600);
    }), @"
      n1/maintainers: CoordinatorBootstrapResponse version=7 statuses: cf1 working ts100 bootstrap_done e5
      n2/maintainers: CoordinatorBootstrapResponse version=7
      n3/maintainers: CoordinatorBootstrapResponse version=7
      1 ms pass
      StopEnds stands still
      n2/maintainers: MaintainerHeartbeat statuses: cf1 stopped ts100 bootstrap_done e5
      n1/maintainers: MaintainerHeartbeat statuses: cf1 stopped ts100 bootstrap_done e5
      n3/server: NodesChanged
      600 ms pass
    - -> TxnRequest call3 compares: modified(status/cf1)=rev4 then: put status/cf1 = ts10 progress-none to etcd
    - ** OperatorDone cf1 `stop`
    + -> RemoveMaintainerRequest cf1 cascade e5 to n3/maintainers
      all go on
      600 ms pass
    + -> TxnRequest call3 compares: modified(status/cf1)=rev4 then: put status/cf1 = ts10 progress-none to etcd
    + ** OperatorDone cf1 `stop`
    ");
    // What is lost before its status is not waited for any more.
    let text = |policy| {
        let mut hand = Hand::at(N3, Place::Coordinator, preset(policy));
        lead(&mut hand, 5, Progress::Stopping, [vec![working(5)], vec![], vec![]]);
        hand.see(&[N2, N3]);
        hand.hear(Addr::Node(N3, Place::Server), coordinator::Inbox::NodesChanged);
        hand.tell(N1, heartbeat(stopped(5)));
        hand.advance(1200);
        hand.text
    };
    assert_eq!(text("master"), text("M10"));
}

#[test]
fn m11_an_older_maintainer_is_taken_for_the_owner() {
    insta::assert_snapshot!(differs(Place::Coordinator, "M11", |hand| {
        lead(hand, 5, Progress::None, [vec![working(4)], vec![], vec![]]);
        hand.advance(1);
        hand.tell(N1, heartbeat(MaintainerStatus { checkpoint: Ts(200), ..working(4) }));
    }), @"
      n1/maintainers: CoordinatorBootstrapResponse version=7 statuses: cf1 working ts100 bootstrap_done e4
      n2/maintainers: CoordinatorBootstrapResponse version=7
      n3/maintainers: CoordinatorBootstrapResponse version=7
    - ** StaleMaintainer cf1 n1 e4
    + ** Adopted cf1 n1 e4
      1 ms pass
    - -> RemoveMaintainerRequest cf1 cascade e4 to n1/maintainers
      n1/maintainers: MaintainerHeartbeat statuses: cf1 working ts200 bootstrap_done e4
    + -> TxnRequest call2 then: put status/cf1 = ts200 progress-none to etcd
    + ** CheckpointPersisted cf1 ts200
    ");
}

#[test]
fn m12_a_status_of_a_changefeed_that_is_being_removed_is_a_panic() {
    insta::assert_snapshot!(differs(Place::Coordinator, "M12", |hand| {
        lead(hand, 5, Progress::Removing, [vec![working(5)], vec![], vec![]]);
        hand.advance(1);
        hand.tell(N1, heartbeat(working(5)));
        hand.tell(N1, heartbeat(stopped(5)));
        hand.advance(600);
    }), @"
      n1/maintainers: CoordinatorBootstrapResponse version=7 statuses: cf1 working ts100 bootstrap_done e5
      n2/maintainers: CoordinatorBootstrapResponse version=7
      n3/maintainers: CoordinatorBootstrapResponse version=7
      1 ms pass
      n1/maintainers: MaintainerHeartbeat statuses: cf1 working ts100 bootstrap_done e5
    + ** Panicked `the epoch of an unknown changefeed`
    + ** TermEnds n3 `panic`
    + -> CoordinatorStopped failed to n3/server
      n1/maintainers: MaintainerHeartbeat statuses: cf1 stopped ts100 bootstrap_done e5
      600 ms pass
    - -> TxnRequest call2 then: delete info/cf1, delete status/cf1 to etcd
    - ** OperatorDone cf1 `stop`
    ");
}

fn respond(epoch: u64, checkpoint: u64, tables: &[u32]) -> maintainer::Inbox {
    let span = |table: &u32| ReportedSpan {
        id: DispatcherId { maker: N1, n: *table },
        span: Span::whole(TableId(*table)),
        state: ComponentState::Working,
        checkpoint: Ts(50),
        mode: Mode::Default,
        schema: None,
        block_state: None,
    };
    let response = BootstrapResponse {
        cf: CF,
        epoch: Epoch(epoch),
        checkpoint: Ts(checkpoint),
        spans: tables.iter().map(span).collect(),
        operators: Vec::new(),
        merge_operators: Vec::new(),
        err: None,
        redo_checkpoint: Default::default(),
    };
    maintainer::Inbox::MaintainerBootstrapResponse { response: Box::new(response) }
}

#[test]
fn m9_answers_without_an_epoch_are_not_believed() {
    insta::assert_snapshot!(differs(Place::Maintainers, "M9", |hand| {
        hand.tell(N1, coordinator(1));
        hand.tell(N1, add(5));
        hand.text.clear();
        hand.tell(N1, respond(0, 0, &[1, 2, 5]));
        hand.tell(N2, respond(5, 0, &[3, 4, 6]));
        hand.tell(N3, respond(5, 10, &[7, 8, 9]));
    }), @"
      n1/dispatchers: MaintainerBootstrapResponse cf1 e0 ts0 spans: d1@n1 t1 Working ts50 default, d2@n1 t2 Working ts50 default, d5@n1 t5 Working ts50 default
    + ** StaleResponse cf1 n1 e0 e5
      n2/dispatchers: MaintainerBootstrapResponse cf1 e5 ts0 spans: d3@n1 t3 Working ts50 default, d4@n1 t4 Working ts50 default, d6@n1 t6 Working ts50 default
      n3/dispatchers: MaintainerBootstrapResponse cf1 e5 ts10 spans: d7@n1 t7 Working ts50 default, d8@n1 t8 Working ts50 default, d9@n1 t9 Working ts50 default
    - ** MaintainerBootstrapped cf1 e5 working=9 absent=0
    - -> MaintainerPostBootstrapRequest cf1 d1@n3 e5 to n3/dispatchers
    ");
}

#[test]
fn m20_a_maintainer_that_is_being_removed_mends_what_it_sees() {
    let status = |n, state| {
        let statuses = vec![DispatcherStatus {
            id: DispatcherId { maker: N1, n },
            state,
            checkpoint: Ts(60),
            redo: Default::default(),
        }];
        let heartbeat =
            Heartbeat { watermark: None, statuses, complete: false, err: None, redo: Default::default() };
        maintainer::Inbox::HeartBeatRequest { cf: CF, heartbeat: Box::new(heartbeat) }
    };
    let script = |hand: &mut Hand| {
        hand.tell(N1, coordinator(1));
        hand.tell(N1, add(5));
        hand.tell(N1, respond(5, 0, &[1, 2, 5]));
        hand.tell(N2, respond(5, 0, &[3, 4, 6]));
        hand.tell(N3, respond(5, 10, &[7, 8, 9]));
        hand.text.clear();
        hand.tell(N1, remove_maintainer(5, true));
        hand.tell(N1, status(5, ComponentState::Stopped));
        hand.tell(N2, status(77, ComponentState::Working));
        hand.advance(700);
    };
    // The span is to be replicated again; but nobody does it while operators stand still.
    insta::assert_snapshot!(differs(Place::Maintainers, "M20", script), @"
      n1/dispatchers: RemoveMaintainerRequest cf1 cascade e5
      n1/dispatchers: HeartBeatRequest cf1 statuses: d5@n1 Stopped ts60
    + ** SpanAbsent cf1 d5@n1
      n2/dispatchers: HeartBeatRequest cf1 statuses: d77@n1 Working ts60
    + ** OrphanRemoved cf1 d77@n1 n2
    + -> ScheduleDispatcherRequest cf1 Remove (Remove) d77@n1 ts0 default e5 to n2/dispatchers
      700 ms pass
    ");
    insta::assert_snapshot!(differs(Place::Maintainers, "M20+maintainer.remove_operators=run", script), @"
      n1/dispatchers: RemoveMaintainerRequest cf1 cascade e5
      n1/dispatchers: HeartBeatRequest cf1 statuses: d5@n1 Stopped ts60
    + ** SpanAbsent cf1 d5@n1
      n2/dispatchers: HeartBeatRequest cf1 statuses: d77@n1 Working ts60
    + ** OrphanRemoved cf1 d77@n1 n2
    + -> ScheduleDispatcherRequest cf1 Remove (Remove) d77@n1 ts0 default e5 to n2/dispatchers
      700 ms pass
    + ** SpanAssigned cf1 d5@n1 t5 n1
    + -> ScheduleDispatcherRequest cf1 Create (Add) d5@n1 t5 ts60 default e5 to n1/dispatchers
    ");
}
