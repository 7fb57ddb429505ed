//! The coordinator, driven by hand: what it hears are values, what it does is text.

use crate::hand::{
    CF, Hand, N1, N2, N3, changefeed, preset,
    term::{self, working},
};
use model::{
    Addr, ChangefeedId, Epoch, Place, Policy, Ts,
    coordinator::{Inbox, MaintainerState, MaintainerStatus},
    etcd::{ChangefeedInfo, Job, Key, Op, Progress, Value},
    policy::{NextEpoch, StopCheck},
};

/// Everything that `n3/coordinator` hears, says and asks for.
fn told(policy: Policy, script: impl FnOnce(&mut Hand)) -> String {
    let mut hand = Hand::at(N3, Place::Coordinator, policy);
    script(&mut hand);
    hand.text
}

/// The same, from its election to its bootstrap; the changefeed is persisted with this epoch, and these maintainers run.
fn bootstrapped(
    policy: Policy,
    epoch: u64,
    running: [Option<MaintainerStatus>; 3],
    script: impl FnOnce(&mut Hand),
) -> String {
    told(policy, |hand| {
        persist(hand, epoch);
        hand.elect();
        hand.text.clear();
        for (node, status) in [N1, N2, N3].into_iter().zip(running) {
            hand.report(node, Vec::from_iter(status));
        }
        script(hand);
    })
}

fn from_server(hand: &mut Hand, msg: Inbox) {
    hand.hear(Addr::Node(N3, Place::Server), msg);
}

fn persist(hand: &mut Hand, epoch: u64) {
    let [(key, value), _] = changefeed(epoch);
    hand.change(Op::Put { key, value, lease: None });
}

fn heartbeat(status: MaintainerStatus) -> Inbox {
    Inbox::MaintainerHeartbeat { statuses: vec![status] }
}

fn stopped(epoch: u64) -> MaintainerStatus {
    term::stopped(epoch, 0)
}

/// A moment later: operators and schedulers have had their turn.
fn soon(hand: &mut Hand) {
    hand.advance(1);
}

#[test]
fn a_term_begins_when_every_node_has_answered_or_left() {
    let text = told(preset("master"), |hand| {
        hand.elect();
        hand.report(N1, Vec::new());
        hand.tell(N1, heartbeat(working(1, 50)));
        hand.advance(500);
        hand.report(N3, Vec::new());
        hand.see(&[N1, N3]);
        from_server(hand, Inbox::NodesChanged);
        hand.advance(500);
    });
    insta::assert_snapshot!(text, @"
    n3/server: Elected version=7
        ** TermBegins n3 version=7
        -> CoordinatorBootstrapRequest version=7 to n1/maintainers
        -> CoordinatorBootstrapRequest version=7 to n2/maintainers
        -> CoordinatorBootstrapRequest version=7 to n3/maintainers
    n1/maintainers: CoordinatorBootstrapResponse version=7
    n1/maintainers: MaintainerHeartbeat statuses: cf1 working ts50 bootstrap_done e1
    500 ms pass
        -> CoordinatorBootstrapRequest version=7 to n2/maintainers
        -> CoordinatorBootstrapRequest version=7 to n3/maintainers
    n3/maintainers: CoordinatorBootstrapResponse version=7
    n3/server: NodesChanged
    500 ms pass
        ** Bootstrapped changefeeds=1
        -> TsoRequest call1 to pd
        -> TxnRequest call3 compares: modified(info/cf1)=rev1 then: put info/cf1 = normal e@1000 ts10 to etcd
        ** EpochPersisted cf1 e@1000
        ** Placed cf1 n1 e@1000
        -> AddMaintainerRequest cf1 ts10 e@1000 to n1/maintainers
    ");
}

#[test]
fn a_new_epoch_is_persisted_before_the_maintainer_is_told() {
    let text = bootstrapped(preset("pr-5434"), 1, [None, None, None], |hand| {
        hand.hold(Addr::Etcd);
        hand.advance(2000);
        hand.serve(Addr::Etcd);
        hand.advance(2000);
        hand.serve(Addr::Etcd);
        hand.advance(200);
    });
    insta::assert_snapshot!(text, @"
    n1/maintainers: CoordinatorBootstrapResponse version=7
    n2/maintainers: CoordinatorBootstrapResponse version=7
    n3/maintainers: CoordinatorBootstrapResponse version=7
        ** Bootstrapped changefeeds=1
    etcd is silent
    2000 ms pass
        -> TsoRequest call1 to pd
    etcd answers once
        -> TxnRequest call3 compares: modified(info/cf1)=rev3 then: put info/cf1 = normal e2 ts10 to etcd
    2000 ms pass
    etcd answers once
        ** EpochPersisted cf1 e2
        ** Placed cf1 n1 e2
    200 ms pass
        -> AddMaintainerRequest cf1 ts10 e2 to n1/maintainers
    ");
}

#[test]
fn before_there_were_epochs_the_maintainer_is_told_at_once() {
    let text = bootstrapped(preset("pr-4828"), 1, [None, None, None], |hand| {
        hand.hold(Addr::Etcd);
        hand.advance(200);
    });
    insta::assert_snapshot!(text, @"
    n1/maintainers: CoordinatorBootstrapResponse version=7
    n2/maintainers: CoordinatorBootstrapResponse version=7
    n3/maintainers: CoordinatorBootstrapResponse version=7
        ** Bootstrapped changefeeds=1
    etcd is silent
    200 ms pass
        ** Placed cf1 n1 e1
        -> AddMaintainerRequest cf1 ts10 e0 config-e1 to n1/maintainers
    ");
}

#[test]
fn a_bump_reads_again_when_somebody_else_was_faster() {
    let text = bootstrapped(preset("master"), 1, [None, None, None], |hand| {
        hand.hold(Addr::Etcd);
        soon(hand);
        hand.serve(Addr::Etcd);
        persist(hand, 1 << 40);
        hand.release(Addr::Etcd);
        hand.advance(25);
        hand.advance(200);
    });
    insta::assert_snapshot!(text, @"
    n1/maintainers: CoordinatorBootstrapResponse version=7
    n2/maintainers: CoordinatorBootstrapResponse version=7
    n3/maintainers: CoordinatorBootstrapResponse version=7
        ** Bootstrapped changefeeds=1
    etcd is silent
    1 ms pass
        -> TsoRequest call1 to pd
    etcd answers once
        -> TxnRequest call3 compares: modified(info/cf1)=rev3 then: put info/cf1 = normal e2 ts10 to etcd
    n1/server to etcd: TxnRequest call0 then: put info/cf1 = normal e@4194304 ts10
    etcd answers
    25 ms pass
        -> TxnRequest call5 compares: modified(info/cf1)=rev4 then: put info/cf1 = normal e@4194304+1 ts10 to etcd
        ** EpochPersisted cf1 e@4194304+1
        ** Placed cf1 n1 e@4194304+1
    200 ms pass
        -> AddMaintainerRequest cf1 ts10 e@4194304+1 to n1/maintainers
    ");
}

#[test]
fn a_bump_that_takes_too_long_is_given_up_and_tried_again() {
    let text = bootstrapped(preset("master"), 1, [None, None, None], |hand| {
        hand.hold(Addr::Pd);
        hand.advance(10_000);
        hand.release(Addr::Pd);
        hand.advance(1000);
    });
    insta::assert_snapshot!(text, @"
    n1/maintainers: CoordinatorBootstrapResponse version=7
    n2/maintainers: CoordinatorBootstrapResponse version=7
    n3/maintainers: CoordinatorBootstrapResponse version=7
        ** Bootstrapped changefeeds=1
    pd is silent
    10000 ms pass
        -> TsoRequest call1 to pd
        ** BumpFailed cf1 `it took too long`
    pd answers
    1000 ms pass
        -> TsoRequest call2 to pd
        -> TxnRequest call3 compares: modified(info/cf1)=rev3 then: put info/cf1 = normal e@10500 ts10 to etcd
        ** EpochPersisted cf1 e@10500
        ** Placed cf1 n2 e@10500
        -> AddMaintainerRequest cf1 ts10 e@10500 to n2/maintainers
    ");
}

#[test]
fn an_epoch_is_at_least_one_more_than_the_persisted_one() {
    let later = 1 << 60;
    let text = bootstrapped(preset("master"), later, [None, None, None], |hand| hand.advance(200));
    insta::assert_snapshot!(text, @"
    n1/maintainers: CoordinatorBootstrapResponse version=7
    n2/maintainers: CoordinatorBootstrapResponse version=7
    n3/maintainers: CoordinatorBootstrapResponse version=7
        ** Bootstrapped changefeeds=1
    200 ms pass
        -> TsoRequest call1 to pd
        -> TxnRequest call3 compares: modified(info/cf1)=rev3 then: put info/cf1 = normal e@4398046511104+1 ts10 to etcd
        ** EpochPersisted cf1 e@4398046511104+1
        ** Placed cf1 n1 e@4398046511104+1
        -> AddMaintainerRequest cf1 ts10 e@4398046511104+1 to n1/maintainers
    ");
    let text = bootstrapped(preset("master"), u64::MAX, [None, None, None], soon);
    insta::assert_snapshot!(text, @"
    n1/maintainers: CoordinatorBootstrapResponse version=7
    n2/maintainers: CoordinatorBootstrapResponse version=7
    n3/maintainers: CoordinatorBootstrapResponse version=7
        ** Bootstrapped changefeeds=1
    1 ms pass
        -> TsoRequest call1 to pd
        ** BumpFailed cf1 `changefeed epoch overflow`
    ");
}

#[test]
fn a_candidate_that_is_taken_as_it_is_may_go_back() {
    let mut policy = preset("master");
    policy.coordinator.next_epoch = NextEpoch::Candidate;
    let text = bootstrapped(policy, 1 << 60, [None, None, None], |hand| hand.advance(200));
    insta::assert_snapshot!(text, @"
    n1/maintainers: CoordinatorBootstrapResponse version=7
    n2/maintainers: CoordinatorBootstrapResponse version=7
    n3/maintainers: CoordinatorBootstrapResponse version=7
        ** Bootstrapped changefeeds=1
    200 ms pass
        -> TsoRequest call1 to pd
        -> TxnRequest call3 compares: modified(info/cf1)=rev3 then: put info/cf1 = normal e1 ts10 to etcd
        ** EpochPersisted cf1 e1
        ** Placed cf1 n1 e1
        -> AddMaintainerRequest cf1 ts10 e1 to n1/maintainers
    ");
}

#[test]
fn the_maintainer_of_the_persisted_generation_is_adopted_and_any_other_is_stopped() {
    let text = bootstrapped(preset("master"), 2, [Some(working(1, 150)), Some(working(2, 200)), None], soon);
    insta::assert_snapshot!(text, @"
    n1/maintainers: CoordinatorBootstrapResponse version=7 statuses: cf1 working ts150 bootstrap_done e1
    n2/maintainers: CoordinatorBootstrapResponse version=7 statuses: cf1 working ts200 bootstrap_done e2
    n3/maintainers: CoordinatorBootstrapResponse version=7
        ** StaleMaintainer cf1 n1 e1
        ** Adopted cf1 n2 e2
        ** Bootstrapped changefeeds=1
    1 ms pass
        -> RemoveMaintainerRequest cf1 cascade e1 to n1/maintainers
    ");
}

#[test]
fn a_maintainer_of_a_generation_that_is_not_persisted_is_not_adopted() {
    let text = bootstrapped(preset("master"), 2, [None, Some(working(3, 200)), None], soon);
    insta::assert_snapshot!(text, @"
    n1/maintainers: CoordinatorBootstrapResponse version=7
    n2/maintainers: CoordinatorBootstrapResponse version=7 statuses: cf1 working ts200 bootstrap_done e3
    n3/maintainers: CoordinatorBootstrapResponse version=7
        ** StaleMaintainer cf1 n2 e3
        ** Bootstrapped changefeeds=1
    1 ms pass
        -> RemoveMaintainerRequest cf1 cascade e3 to n2/maintainers
    ");
}

#[test]
fn a_maintainer_of_unknown_generation_is_adopted_if_it_is_the_only_one() {
    let text = bootstrapped(preset("pr-5434"), 2, [Some(working(0, 200)), None, None], soon);
    insta::assert_snapshot!(text, @"
    n1/maintainers: CoordinatorBootstrapResponse version=7 statuses: cf1 working ts200 bootstrap_done e0
    n2/maintainers: CoordinatorBootstrapResponse version=7
    n3/maintainers: CoordinatorBootstrapResponse version=7
        ** Adopted cf1 n1 e0
        ** Bootstrapped changefeeds=1
    1 ms pass
    ");
    let text = bootstrapped(preset("master"), 2, [Some(working(0, 150)), Some(working(2, 200)), None], soon);
    insta::assert_snapshot!(text, @"
    n1/maintainers: CoordinatorBootstrapResponse version=7 statuses: cf1 working ts150 bootstrap_done e0
    n2/maintainers: CoordinatorBootstrapResponse version=7 statuses: cf1 working ts200 bootstrap_done e2
    n3/maintainers: CoordinatorBootstrapResponse version=7
        ** StaleMaintainer cf1 n1 e0
        ** Adopted cf1 n2 e2
        ** Bootstrapped changefeeds=1
    1 ms pass
        -> RemoveMaintainerRequest cf1 cascade e0 to n1/maintainers
    ");
}

#[test]
fn two_owners_of_one_generation_end_the_process() {
    let text = bootstrapped(preset("master"), 2, [Some(working(2, 150)), Some(working(2, 200)), None], soon);
    insta::assert_snapshot!(text, @"
    n1/maintainers: CoordinatorBootstrapResponse version=7 statuses: cf1 working ts150 bootstrap_done e2
    n2/maintainers: CoordinatorBootstrapResponse version=7 statuses: cf1 working ts200 bootstrap_done e2
    n3/maintainers: CoordinatorBootstrapResponse version=7
        ** Panicked `two nodes report a maintainer of one generation`
        ** TermEnds n3 `panic`
        -> CoordinatorStopped failed to n3/server
    1 ms pass
    ");
}

#[test]
fn before_epochs_two_owners_end_the_process_and_one_is_adopted_whoever_it_is() {
    let two = [Some(working(0, 150)), Some(working(0, 200)), None];
    let text = bootstrapped(preset("baseline"), 1, two, soon);
    insta::assert_snapshot!(text, @"
    n1/maintainers: CoordinatorBootstrapResponse version=7 statuses: cf1 working ts150 bootstrap_done e0
    n2/maintainers: CoordinatorBootstrapResponse version=7 statuses: cf1 working ts200 bootstrap_done e0
    n3/maintainers: CoordinatorBootstrapResponse version=7
        ** Panicked `two nodes report a maintainer`
        ** TermEnds n3 `panic`
        -> CoordinatorStopped failed to n3/server
    1 ms pass
    ");
    let text = bootstrapped(preset("baseline"), 1, [Some(stopped(0)), None, None], soon);
    insta::assert_snapshot!(text, @"
    n1/maintainers: CoordinatorBootstrapResponse version=7 statuses: cf1 stopped ts0 bootstrap_done e0
    n2/maintainers: CoordinatorBootstrapResponse version=7
    n3/maintainers: CoordinatorBootstrapResponse version=7
        ** Adopted cf1 n1 e0
        ** Bootstrapped changefeeds=1
    1 ms pass
    ");
}

#[test]
fn a_status_of_another_generation_is_dropped() {
    let text = bootstrapped(preset("master"), 2, [Some(working(2, 100)), None, None], |hand| {
        hand.tell(N1, heartbeat(working(1, 300)));
        hand.tell(N2, heartbeat(working(2, 300)));
        hand.tell(N1, heartbeat(working(2, 90)));
        hand.tell(N1, heartbeat(working(2, 200)));
    });
    insta::assert_snapshot!(text, @"
    n1/maintainers: CoordinatorBootstrapResponse version=7 statuses: cf1 working ts100 bootstrap_done e2
    n2/maintainers: CoordinatorBootstrapResponse version=7
    n3/maintainers: CoordinatorBootstrapResponse version=7
        ** Adopted cf1 n1 e2
        ** Bootstrapped changefeeds=1
    n1/maintainers: MaintainerHeartbeat statuses: cf1 working ts300 bootstrap_done e1
        ** StaleStatus cf1 n1 e1 e2
    n2/maintainers: MaintainerHeartbeat statuses: cf1 working ts300 bootstrap_done e2
    n1/maintainers: MaintainerHeartbeat statuses: cf1 working ts90 bootstrap_done e2
    n1/maintainers: MaintainerHeartbeat statuses: cf1 working ts200 bootstrap_done e2
        -> TxnRequest call2 then: put status/cf1 = ts200 progress-none to etcd
        ** CheckpointPersisted cf1 ts200
    ");
}

#[test]
fn before_epochs_a_status_of_the_node_is_enough() {
    let text = bootstrapped(preset("baseline"), 2, [Some(working(0, 100)), None, None], |hand| {
        hand.tell(N1, heartbeat(working(1, 300)));
    });
    insta::assert_snapshot!(text, @"
    n1/maintainers: CoordinatorBootstrapResponse version=7 statuses: cf1 working ts100 bootstrap_done e0
    n2/maintainers: CoordinatorBootstrapResponse version=7
    n3/maintainers: CoordinatorBootstrapResponse version=7
        ** Adopted cf1 n1 e0
        ** Bootstrapped changefeeds=1
    n1/maintainers: MaintainerHeartbeat statuses: cf1 working ts300 bootstrap_done e1
        -> TxnRequest call2 then: put status/cf1 = ts300 progress-none to etcd
        ** CheckpointPersisted cf1 ts300
    ");
}

#[test]
fn an_add_ends_when_its_own_generation_works_where_it_was_put() {
    let text = bootstrapped(preset("master"), 1 << 60, [None, None, None], |hand| {
        hand.advance(200);
        let epoch = (1 << 60) + 1;
        hand.tell(N2, heartbeat(working(epoch, 20)));
        hand.tell(N1, heartbeat(working(1 << 60, 20)));
        hand.tell(N1, heartbeat(MaintainerStatus { bootstrap_done: false, ..working(epoch, 20) }));
        hand.advance(600);
        hand.tell(N1, heartbeat(working(epoch, 20)));
        hand.advance(600);
    });
    insta::assert_snapshot!(text, @"
    n1/maintainers: CoordinatorBootstrapResponse version=7
    n2/maintainers: CoordinatorBootstrapResponse version=7
    n3/maintainers: CoordinatorBootstrapResponse version=7
        ** Bootstrapped changefeeds=1
    200 ms pass
        -> TsoRequest call1 to pd
        -> TxnRequest call3 compares: modified(info/cf1)=rev3 then: put info/cf1 = normal e@4398046511104+1 ts10 to etcd
        ** EpochPersisted cf1 e@4398046511104+1
        ** Placed cf1 n1 e@4398046511104+1
        -> AddMaintainerRequest cf1 ts10 e@4398046511104+1 to n1/maintainers
    n2/maintainers: MaintainerHeartbeat statuses: cf1 working ts20 bootstrap_done e@4398046511104+1
    n1/maintainers: MaintainerHeartbeat statuses: cf1 working ts20 bootstrap_done e@4398046511104
        ** StaleStatus cf1 n1 e@4398046511104 e@4398046511104+1
    n1/maintainers: MaintainerHeartbeat statuses: cf1 working ts20 e@4398046511104+1
        -> TxnRequest call4 then: put status/cf1 = ts20 progress-none to etcd
        ** CheckpointPersisted cf1 ts20
    600 ms pass
        -> AddMaintainerRequest cf1 ts20 e@4398046511104+1 to n1/maintainers
    n1/maintainers: MaintainerHeartbeat statuses: cf1 working ts20 bootstrap_done e@4398046511104+1
    600 ms pass
        ** OperatorDone cf1 `add`
    ");
}

#[test]
fn a_node_that_leaves_ends_its_add_and_the_changefeed_is_placed_elsewhere() {
    let text = bootstrapped(preset("master"), 1, [None, None, None], |hand| {
        hand.advance(200);
        hand.see(&[N2, N3]);
        from_server(hand, Inbox::NodesChanged);
        hand.advance(1200);
    });
    insta::assert_snapshot!(text, @"
    n1/maintainers: CoordinatorBootstrapResponse version=7
    n2/maintainers: CoordinatorBootstrapResponse version=7
    n3/maintainers: CoordinatorBootstrapResponse version=7
        ** Bootstrapped changefeeds=1
    200 ms pass
        -> TsoRequest call1 to pd
        -> TxnRequest call3 compares: modified(info/cf1)=rev3 then: put info/cf1 = normal e2 ts10 to etcd
        ** EpochPersisted cf1 e2
        ** Placed cf1 n1 e2
        -> AddMaintainerRequest cf1 ts10 e2 to n1/maintainers
    n3/server: NodesChanged
    1200 ms pass
        ** OperatorDone cf1 `add`
        -> TsoRequest call2 to pd
        -> TxnRequest call5 compares: modified(info/cf1)=rev4 then: put info/cf1 = normal e@1000 ts10 to etcd
        ** EpochPersisted cf1 e@1000
        ** Placed cf1 n2 e@1000
        -> AddMaintainerRequest cf1 ts10 e@1000 to n2/maintainers
    ");
}

#[test]
fn a_stop_ends_by_the_node_and_generation_that_it_is_for() {
    let running = [Some(working(1, 150)), Some(working(2, 200)), None];
    let text = bootstrapped(preset("master"), 2, running, |hand| {
        soon(hand);
        hand.tell(N2, heartbeat(stopped(1)));
        hand.tell(N1, heartbeat(stopped(2)));
        hand.tell(N1, heartbeat(working(1, 150)));
        hand.advance(600);
        hand.tell(N1, heartbeat(stopped(1)));
        hand.advance(600);
    });
    insta::assert_snapshot!(text, @"
    n1/maintainers: CoordinatorBootstrapResponse version=7 statuses: cf1 working ts150 bootstrap_done e1
    n2/maintainers: CoordinatorBootstrapResponse version=7 statuses: cf1 working ts200 bootstrap_done e2
    n3/maintainers: CoordinatorBootstrapResponse version=7
        ** StaleMaintainer cf1 n1 e1
        ** Adopted cf1 n2 e2
        ** Bootstrapped changefeeds=1
    1 ms pass
        -> RemoveMaintainerRequest cf1 cascade e1 to n1/maintainers
    n2/maintainers: MaintainerHeartbeat statuses: cf1 stopped ts0 bootstrap_done e1
        ** StaleStatus cf1 n2 e1 e2
    n1/maintainers: MaintainerHeartbeat statuses: cf1 stopped ts0 bootstrap_done e2
    n1/maintainers: MaintainerHeartbeat statuses: cf1 working ts150 bootstrap_done e1
    600 ms pass
        -> RemoveMaintainerRequest cf1 cascade e1 to n1/maintainers
    n1/maintainers: MaintainerHeartbeat statuses: cf1 stopped ts0 bootstrap_done e1
    600 ms pass
        ** OperatorDone cf1 `stop`
    ");
}

#[test]
fn a_stop_that_asks_for_no_sender_is_ended_by_anybody() {
    let mut policy = preset("master");
    policy.coordinator.stop_check = StopCheck::Anybody;
    let running = [Some(working(1, 150)), Some(working(2, 200)), None];
    let text = bootstrapped(policy, 2, running, |hand| {
        soon(hand);
        hand.tell(N3, heartbeat(stopped(7)));
        hand.advance(600);
    });
    insta::assert_snapshot!(text, @"
    n1/maintainers: CoordinatorBootstrapResponse version=7 statuses: cf1 working ts150 bootstrap_done e1
    n2/maintainers: CoordinatorBootstrapResponse version=7 statuses: cf1 working ts200 bootstrap_done e2
    n3/maintainers: CoordinatorBootstrapResponse version=7
        ** StaleMaintainer cf1 n1 e1
        ** Adopted cf1 n2 e2
        ** Bootstrapped changefeeds=1
    1 ms pass
        -> RemoveMaintainerRequest cf1 cascade e1 to n1/maintainers
    n3/maintainers: MaintainerHeartbeat statuses: cf1 stopped ts0 bootstrap_done e7
    600 ms pass
        ** OperatorDone cf1 `stop`
    ");
}

#[test]
fn a_maintainer_of_an_unknown_changefeed_is_removed_at_every_heartbeat() {
    let unknown = || MaintainerStatus { cf: ChangefeedId(9), ..working(5, 20) };
    let script = |hand: &mut Hand| {
        hand.tell(N1, heartbeat(unknown()));
        hand.tell(N1, heartbeat(MaintainerStatus { state: MaintainerState::Stopped, ..unknown() }));
    };
    let running = || [Some(unknown()), Some(working(2, 200)), None];
    insta::assert_snapshot!(bootstrapped(preset("master"), 2, running(), script), @"
    n1/maintainers: CoordinatorBootstrapResponse version=7 statuses: cf9 working ts20 bootstrap_done e5
    n2/maintainers: CoordinatorBootstrapResponse version=7 statuses: cf1 working ts200 bootstrap_done e2
    n3/maintainers: CoordinatorBootstrapResponse version=7
        ** Adopted cf1 n2 e2
        ** Bootstrapped changefeeds=1
        -> RemoveMaintainerRequest cf9 cascade removed e5 to n1/maintainers
    n1/maintainers: MaintainerHeartbeat statuses: cf9 working ts20 bootstrap_done e5
        -> RemoveMaintainerRequest cf9 cascade removed e5 to n1/maintainers
    n1/maintainers: MaintainerHeartbeat statuses: cf9 stopped ts20 bootstrap_done e5
    ");
    insta::assert_snapshot!(bootstrapped(preset("baseline"), 2, running(), script), @"
    n1/maintainers: CoordinatorBootstrapResponse version=7 statuses: cf9 working ts20 bootstrap_done e5
    n2/maintainers: CoordinatorBootstrapResponse version=7 statuses: cf1 working ts200 bootstrap_done e2
    n3/maintainers: CoordinatorBootstrapResponse version=7
        ** Adopted cf1 n2 e2
        ** Bootstrapped changefeeds=1
        -> RemoveMaintainerRequest cf9 cascade removed e0 to n1/maintainers
    n1/maintainers: MaintainerHeartbeat statuses: cf9 working ts20 bootstrap_done e5
        -> RemoveMaintainerRequest cf9 cascade removed e0 to n1/maintainers
    n1/maintainers: MaintainerHeartbeat statuses: cf9 stopped ts20 bootstrap_done e5
    ");
}

#[test]
fn who_is_deposed_hears_nothing_more() {
    let text = bootstrapped(preset("master"), 2, [Some(working(2, 100)), None, None], |hand| {
        from_server(hand, Inbox::LeaderChanged { leader: N3 });
        from_server(hand, Inbox::LeaderChanged { leader: N1 });
        hand.tell(N1, heartbeat(working(2, 200)));
        from_server(hand, Inbox::Stop);
        hand.advance(2000);
    });
    insta::assert_snapshot!(text, @"
    n1/maintainers: CoordinatorBootstrapResponse version=7 statuses: cf1 working ts100 bootstrap_done e2
    n2/maintainers: CoordinatorBootstrapResponse version=7
    n3/maintainers: CoordinatorBootstrapResponse version=7
        ** Adopted cf1 n1 e2
        ** Bootstrapped changefeeds=1
    n3/server: LeaderChanged n3
    n3/server: LeaderChanged n1
        ** TermEnds n3 `deposed`
        -> CoordinatorStopped to n3/server
    n1/maintainers: MaintainerHeartbeat statuses: cf1 working ts200 bootstrap_done e2
    n3/server: Stop
    2000 ms pass
    ");
}

/// Another changefeed, which nobody maintains.
fn persist_another(hand: &mut Hand) {
    let info = ChangefeedInfo::new(Epoch(1), Ts(10));
    let job = Job { checkpoint: Ts(10), progress: Progress::None };
    let cf = ChangefeedId(2);
    for (key, value) in [(Key::Info(cf), Value::Info(Box::new(info))), (Key::Job(cf), Value::Job(job))] {
        hand.change(Op::Put { key, value, lease: None });
    }
}

/// Of two changefeeds the first is maintained on n1; etcd falls silent while a checkpoint of it is persisted and the
/// epoch of the other is bumped.
fn silent(hand: &mut Hand) {
    persist(hand, 2);
    persist_another(hand);
    hand.elect();
    for (node, status) in [(N1, Some(working(2, 100))), (N2, None), (N3, None)] {
        hand.report(node, Vec::from_iter(status));
    }
    hand.hold(Addr::Etcd);
    hand.tell(N1, heartbeat(working(2, 200)));
    hand.tell(N1, heartbeat(working(2, 300)));
    soon(hand);
    hand.text.clear();
}

#[test]
fn who_is_deposed_persists_and_bumps_until_its_tasks_are_through() {
    let text = told(preset("master"), |hand| {
        silent(hand);
        from_server(hand, Inbox::LeaderChanged { leader: N1 });
        hand.tell(N1, heartbeat(working(2, 400)));
        hand.advance(2000);
        hand.release(Addr::Etcd);
        hand.advance(2000);
    });
    insta::assert_snapshot!(text, @"
    n3/server: LeaderChanged n1
        ** TermLingers n3 `deposed`
    n1/maintainers: MaintainerHeartbeat statuses: cf1 working ts400 bootstrap_done e2
    2000 ms pass
    etcd answers
        ** CheckpointPersisted cf1 ts200
        -> TxnRequest call4 then: put status/cf1 = ts300 progress-none to etcd
        ** CheckpointPersisted cf1 ts300
        -> TxnRequest call5 compares: modified(info/cf2)=rev4 then: put info/cf2 = normal e2 ts10 to etcd
        ** EpochPersisted cf2 e2
        ** Placed cf2 n2 e2
        ** TermEnds n3 `deposed`
        -> CoordinatorStopped to n3/server
    2000 ms pass
    ");
}

#[test]
fn a_shutdown_cancels_the_loops_and_not_the_bump() {
    let text = told(preset("master"), |hand| {
        silent(hand);
        from_server(hand, Inbox::Stop);
        hand.release(Addr::Etcd);
    });
    insta::assert_snapshot!(text, @"
    n3/server: Stop
        ** TermLingers n3 `shutdown`
    etcd answers
        -> TxnRequest call4 compares: modified(info/cf2)=rev4 then: put info/cf2 = normal e2 ts10 to etcd
        ** EpochPersisted cf2 e2
        ** Placed cf2 n2 e2
        ** TermEnds n3 `shutdown`
        -> CoordinatorStopped to n3/server
    ");
    // The second stop returns at once.
    let text = told(preset("master"), |hand| {
        silent(hand);
        from_server(hand, Inbox::LeaderChanged { leader: N1 });
        from_server(hand, Inbox::Stop);
        hand.release(Addr::Etcd);
    });
    insta::assert_snapshot!(text, @"
    n3/server: LeaderChanged n1
        ** TermLingers n3 `deposed`
    n3/server: Stop
        ** TermEnds n3 `shutdown`
        -> CoordinatorStopped to n3/server
    etcd answers
        -> TxnRequest call4 compares: modified(info/cf2)=rev4 then: put info/cf2 = normal e2 ts10 to etcd
        ** EpochPersisted cf2 e2
        ** Placed cf2 n2 e2
    ");
}

#[test]
fn the_last_action_of_a_stop_holds_up_all_who_look_at_operators() {
    let text = told(preset("master"), |hand| {
        persist(hand, 2);
        let job = Job { checkpoint: Ts(10), progress: Progress::Removing };
        hand.change(Op::Put { key: Key::Job(CF), value: Value::Job(job), lease: None });
        hand.elect();
        for (node, status) in [(N1, Some(working(2, 100))), (N2, None), (N3, None)] {
            hand.report(node, Vec::from_iter(status));
        }
        soon(hand);
        hand.text.clear();
        hand.tell(N1, heartbeat(stopped(2)));
        hand.hold(Addr::Etcd);
        hand.advance(1000);
        // Nobody answers that the changefeed is unknown.
        hand.tell(N2, heartbeat(working(2, 100)));
        hand.advance(1000);
        hand.release(Addr::Etcd);
    });
    insta::assert_snapshot!(text, @"
    n1/maintainers: MaintainerHeartbeat statuses: cf1 stopped ts0 bootstrap_done e2
    etcd is silent
    1000 ms pass
        -> TxnRequest call2 then: delete info/cf1, delete status/cf1 to etcd
    n2/maintainers: MaintainerHeartbeat statuses: cf1 working ts100 bootstrap_done e2
    1000 ms pass
    etcd answers
        ** OperatorDone cf1 `stop`
        -> RemoveMaintainerRequest cf1 cascade removed e2 to n2/maintainers
    ");
}

/// The node that was to get the changefeed is lost before the old one has let go.
#[test]
fn a_move_whose_target_is_lost() {
    let script = "
        party coordinator
        n3/server: Elected version=7
        n1/maintainers: CoordinatorBootstrapResponse version=7 statuses: cf1 working ts50 bootstrap_done e1
        n2/maintainers: CoordinatorBootstrapResponse version=7
        n3/maintainers: CoordinatorBootstrapResponse version=7
        see n1, n2
        command:n3/coordinator MoveMaintainer cf1
        pass 200ms
        see n1, n3
        pass 600ms
        n1/maintainers: MaintainerHeartbeat statuses: cf1 working ts60 bootstrap_done e1
        pass 1s
        state cf1
    ";
    insta::assert_snapshot!(crate::script::play("pr-4828", script), @"
    party coordinator
    n3/server: Elected version=7
        ** TermBegins n3 version=7
        -> CoordinatorBootstrapRequest version=7 to n1/maintainers
        -> CoordinatorBootstrapRequest version=7 to n2/maintainers
        -> CoordinatorBootstrapRequest version=7 to n3/maintainers
    n1/maintainers: CoordinatorBootstrapResponse version=7 statuses: cf1 working ts50 bootstrap_done e1
    n2/maintainers: CoordinatorBootstrapResponse version=7
    n3/maintainers: CoordinatorBootstrapResponse version=7
        ** Adopted cf1 n1 e1
        ** Bootstrapped changefeeds=1
    see n1, n2
    command:n3/coordinator MoveMaintainer cf1
        ** Placed cf1 n2 e1
    pass 200ms
        -> RemoveMaintainerRequest cf1 e0 to n1/maintainers
    see n1, n3
    pass 600ms
        -> AddMaintainerRequest cf1 ts50 e0 config-e1 to n1/maintainers
    n1/maintainers: MaintainerHeartbeat statuses: cf1 working ts60 bootstrap_done e1
        -> TxnRequest call2 then: put status/cf1 = ts60 progress-none to etcd
        ** CheckpointPersisted cf1 ts60
    pass 1s
        ** OperatorDone cf1 `move`
    state cf1
          cf1 replicating at n1 normal e1 ts60 saved ts60 bootstrap_done
    ");
    insta::assert_snapshot!(crate::script::play("pr-5435", script), @"
    party coordinator
    n3/server: Elected version=7
        ** TermBegins n3 version=7
        -> CoordinatorBootstrapRequest version=7 to n1/maintainers
        -> CoordinatorBootstrapRequest version=7 to n2/maintainers
        -> CoordinatorBootstrapRequest version=7 to n3/maintainers
    n1/maintainers: CoordinatorBootstrapResponse version=7 statuses: cf1 working ts50 bootstrap_done e1
    n2/maintainers: CoordinatorBootstrapResponse version=7
    n3/maintainers: CoordinatorBootstrapResponse version=7
        ** Adopted cf1 n1 e1
        ** Bootstrapped changefeeds=1
    see n1, n2
    command:n3/coordinator MoveMaintainer cf1
        -> TsoRequest call1 to pd
        -> TxnRequest call3 compares: modified(info/cf1)=rev1 then: put info/cf1 = normal e2 ts10 to etcd
        ** EpochPersisted cf1 e2
        ** Placed cf1 n2 e2
    pass 200ms
        -> RemoveMaintainerRequest cf1 e1 to n1/maintainers
    see n1, n3
    pass 600ms
        -> RemoveMaintainerRequest cf1 e1 to n1/maintainers
    n1/maintainers: MaintainerHeartbeat statuses: cf1 working ts60 bootstrap_done e1
        ** StaleStatus cf1 n1 e1 e2
    pass 1s
        -> RemoveMaintainerRequest cf1 e1 to n1/maintainers
        -> RemoveMaintainerRequest cf1 e1 to n1/maintainers
    state cf1
          cf1 scheduling at n1 normal e2 ts50 saved ts50
          operator cf1 move at n1 to n1 remove-origin
    ");
}

#[test]
fn a_move_takes_the_origin_first() {
    let script = "
        party coordinator
        n3/server: Elected version=7
        n1/maintainers: CoordinatorBootstrapResponse version=7 statuses: cf1 working ts50 bootstrap_done e1
        n2/maintainers: CoordinatorBootstrapResponse version=7
        n3/maintainers: CoordinatorBootstrapResponse version=7
        command:n3/coordinator MoveMaintainer cf1
        command:n3/coordinator MoveMaintainer cf1
        pass 600ms
        n1/maintainers: MaintainerHeartbeat statuses: cf1 stopped ts0 e1
        pass 600ms
        state cf1
    ";
    insta::assert_snapshot!(crate::script::play("master", script), @"
    party coordinator
    n3/server: Elected version=7
        ** TermBegins n3 version=7
        -> CoordinatorBootstrapRequest version=7 to n1/maintainers
        -> CoordinatorBootstrapRequest version=7 to n2/maintainers
        -> CoordinatorBootstrapRequest version=7 to n3/maintainers
    n1/maintainers: CoordinatorBootstrapResponse version=7 statuses: cf1 working ts50 bootstrap_done e1
    n2/maintainers: CoordinatorBootstrapResponse version=7
    n3/maintainers: CoordinatorBootstrapResponse version=7
        ** Adopted cf1 n1 e1
        ** Bootstrapped changefeeds=1
    command:n3/coordinator MoveMaintainer cf1
        -> TsoRequest call1 to pd
        -> TxnRequest call3 compares: modified(info/cf1)=rev1 then: put info/cf1 = normal e2 ts10 to etcd
        ** EpochPersisted cf1 e2
        ** Placed cf1 n2 e2
    command:n3/coordinator MoveMaintainer cf1
        ** MaintainerStays cf1 `no node maintains it`
    pass 600ms
        -> RemoveMaintainerRequest cf1 e1 to n1/maintainers
        -> RemoveMaintainerRequest cf1 e1 to n1/maintainers
    n1/maintainers: MaintainerHeartbeat statuses: cf1 stopped ts0 e1
        ** StaleStatus cf1 n1 e1 e2
    pass 600ms
        -> AddMaintainerRequest cf1 ts50 e2 to n2/maintainers
    state cf1
          cf1 scheduling at n2 normal e2 ts50 saved ts50
          operator cf1 move at n1 to n2 add-target
    ");
}
