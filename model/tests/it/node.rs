//! The server of a node, driven by hand: its session, its view, its candidacy, and its end.

use crate::hand::{Hand, N1, N2, N3, preset};
use model::{
    Addr, NodeId, Place,
    etcd::{Command, Key, LeaseId, Op, Value},
    node::Inbox,
};

/// Everything that `n3/server` hears, says, changes in etcd and asks of the rest of its process.
fn told(policy: &str, script: impl FnOnce(&mut Hand)) -> String {
    let mut hand = Hand::at(N3, Place::Server, preset(policy));
    script(&mut hand);
    hand.text
}

/// The same, from the moment when it is a registered candidate while n1 leads.
fn running(policy: &str, script: impl FnOnce(&mut Hand)) -> String {
    told(policy, |hand| {
        for node in [N1, N2] {
            hand.change(put(Key::Capture(node), node));
        }
        hand.change(put(LEADER, N1));
        hand.start();
        hand.advance(1000);
        hand.text.clear();
        script(hand);
    })
}

const N4: NodeId = NodeId { slot: 4, life: 0 };

/// The owner key of n1.
const LEADER: Key = Key::Owner(LeaseId(99));

fn put(key: Key, node: NodeId) -> Op {
    Op::Put { key, value: Value::Node(node), lease: None }
}

/// The lease of n3 is revoked.
fn revoke(hand: &mut Hand) {
    hand.command(Addr::Etcd, Command::RevokeLeaseOf { node: N3 });
}

fn from(hand: &mut Hand, place: Place, msg: Inbox) {
    hand.hear(Addr::Node(N3, place), msg);
}

#[test]
fn the_only_node_has_a_session_is_registered_and_leads() {
    let text = told("master", |hand| {
        hand.start();
        hand.advance(50);
    });
    insta::assert_snapshot!(text, @"
    n3/server starts
        ** SessionStarted n3 lease1
        -> TxnRequest call3 compares: created(capture/n3)=rev0 then: put capture/n3 = n3 to etcd
        -> TxnRequest call4 compares: created(owner/lease1)=rev0 then: put owner/lease1 = n3 otherwise: get owner/lease1 to etcd
        ** Registered n3
        ** Elected n3 version=4
        -> Elected version=4 to n3/coordinator
    50 ms pass
        ** NodeAdded n3 n3
        -> TargetsChanged to n3/messages
        -> NodesChanged to n3/coordinator
        -> NodesChanged to n3/maintainers
        -> LeaderChanged n3 to n3/coordinator
    ");
}

#[test]
fn a_session_lasts_as_long_as_etcd_answers() {
    let text = running("master", |hand| hand.advance(3_600_000));
    insta::assert_snapshot!(text, @"3600000 ms pass");
}

#[test]
fn another_candidate_waits_until_the_leader_is_gone() {
    let text = told("master", |hand| {
        hand.change(put(LEADER, N1));
        hand.start();
        hand.advance(1000);
        hand.change(Op::Delete(LEADER));
        hand.advance(1000);
    });
    insta::assert_snapshot!(text, @"
    n1/server to etcd: TxnRequest call0 then: put owner/lease99 = n1
    n3/server starts
        ** SessionStarted n3 lease1
        -> TxnRequest call3 compares: created(capture/n3)=rev0 then: put capture/n3 = n3 to etcd
        -> TxnRequest call4 compares: created(owner/lease1)=rev0 then: put owner/lease1 = n3 otherwise: get owner/lease1 to etcd
        ** Registered n3
    1000 ms pass
        ** NodeAdded n3 n3
        -> TargetsChanged to n3/messages
        -> NodesChanged to n3/coordinator
        -> NodesChanged to n3/maintainers
        -> LeaderChanged n1 to n3/coordinator
    n1/server to etcd: TxnRequest call0 then: delete owner/lease99
        ** Elected n3 version=5
        -> Elected version=5 to n3/coordinator
    1000 ms pass
        -> LeaderChanged n3 to n3/coordinator
    ");
}

#[test]
fn after_its_term_a_node_gives_its_key_back_and_campaigns_again() {
    let text = told("master", |hand| {
        hand.start();
        hand.advance(100);
        from(hand, Place::Coordinator, Inbox::CoordinatorStopped { failed: false });
        hand.advance(899);
        hand.advance(1);
    });
    insta::assert_snapshot!(text, @"
    n3/server starts
        ** SessionStarted n3 lease1
        -> TxnRequest call3 compares: created(capture/n3)=rev0 then: put capture/n3 = n3 to etcd
        -> TxnRequest call4 compares: created(owner/lease1)=rev0 then: put owner/lease1 = n3 otherwise: get owner/lease1 to etcd
        ** Registered n3
        ** Elected n3 version=4
        -> Elected version=4 to n3/coordinator
    100 ms pass
        ** NodeAdded n3 n3
        -> TargetsChanged to n3/messages
        -> NodesChanged to n3/coordinator
        -> NodesChanged to n3/maintainers
        -> LeaderChanged n3 to n3/coordinator
    n3/coordinator: CoordinatorStopped
        -> TxnRequest call9 then: delete owner/lease1 to etcd
    899 ms pass
    1 ms pass
        -> TxnRequest call28 compares: created(owner/lease1)=rev0 then: put owner/lease1 = n3 otherwise: get owner/lease1 to etcd
        ** Elected n3 version=6
        -> Elected version=6 to n3/coordinator
    ");
}

#[test]
fn a_coordinator_that_fails_takes_its_process_with_it() {
    let text = told("master", |hand| {
        hand.start();
        hand.advance(100);
        from(hand, Place::Coordinator, Inbox::CoordinatorStopped { failed: true });
        from(hand, Place::Dispatchers, Inbox::DispatchersClosed);
    });
    insta::assert_snapshot!(text, @"
    n3/server starts
        ** SessionStarted n3 lease1
        -> TxnRequest call3 compares: created(capture/n3)=rev0 then: put capture/n3 = n3 to etcd
        -> TxnRequest call4 compares: created(owner/lease1)=rev0 then: put owner/lease1 = n3 otherwise: get owner/lease1 to etcd
        ** Registered n3
        ** Elected n3 version=4
        -> Elected version=4 to n3/coordinator
    100 ms pass
        ** NodeAdded n3 n3
        -> TargetsChanged to n3/messages
        -> NodesChanged to n3/coordinator
        -> NodesChanged to n3/maintainers
        -> LeaderChanged n3 to n3/coordinator
    n3/coordinator: CoordinatorStopped failed
        -> TxnRequest call9 then: delete owner/lease1 to etcd
        ** ShutsDown n3 `the coordinator failed`
        ** Closing n3
        -> Stop to n3/coordinator
        -> StopManager to n3/maintainers
        -> Close to n3/dispatchers
        -> CloseMaintainers to n3/maintainers
        -> StopServing to n3/messages
        -> TxnRequest call10 then: delete capture/n3 to etcd
    n3/dispatchers: DispatchersClosed
        -> CloseTargets to n3/messages
        exits, back in 2s
    ");
}

#[test]
fn a_node_that_goes_stays_in_the_view_for_five_seconds() {
    let text = running("master", |hand| {
        hand.change(Op::Delete(Key::Capture(N2)));
        hand.advance(4_999);
        hand.advance(51);
    });
    insta::assert_snapshot!(text, @"
    n1/server to etcd: TxnRequest call0 then: delete capture/n2
    4999 ms pass
    51 ms pass
        ** NodeRemoved n3 n2
        -> TargetsChanged to n3/messages
        -> NodesChanged to n3/coordinator
        -> NodesChanged to n3/maintainers
    ");
}

#[test]
fn a_node_that_goes_holds_up_nobody_else() {
    let text = running("master", |hand| {
        hand.change(Op::Delete(Key::Capture(N2)));
        hand.advance(1_000);
        hand.change(put(Key::Capture(N4), N4));
        hand.advance(50);
        hand.advance(3_950);
    });
    insta::assert_snapshot!(text, @"
    n1/server to etcd: TxnRequest call0 then: delete capture/n2
    1000 ms pass
    n1/server to etcd: TxnRequest call0 then: put capture/n4 = n4
    50 ms pass
        ** NodeAdded n3 n4
        -> TargetsChanged to n3/messages
        -> NodesChanged to n3/coordinator
        -> NodesChanged to n3/maintainers
    3950 ms pass
    ");
}

#[test]
fn a_node_that_comes_back_in_time_is_not_dropped() {
    let text = running("master", |hand| {
        hand.change(Op::Delete(Key::Capture(N2)));
        hand.advance(4_000);
        hand.change(put(Key::Capture(N2), N2));
        hand.advance(10_000);
    });
    insta::assert_snapshot!(text, @"
    n1/server to etcd: TxnRequest call0 then: delete capture/n2
    4000 ms pass
    n1/server to etcd: TxnRequest call0 then: put capture/n2 = n2
    10000 ms pass
    ");
}

#[test]
fn while_nobody_leads_the_view_is_frozen() {
    let text = told("master", |hand| {
        hand.hold(Addr::Etcd);
        hand.start();
        // The grant, the captures and the registration, but not the candidacy.
        for _ in 0..3 {
            hand.serve(Addr::Etcd);
        }
        hand.lose(Addr::Etcd);
        hand.release(Addr::Etcd);
        hand.change(put(Key::Capture(N2), N2));
        hand.advance(10_000);
        hand.change(put(LEADER, N1));
        hand.advance(50);
    });
    insta::assert_snapshot!(text, @"
    etcd is silent
    n3/server starts
    etcd answers once
        ** SessionStarted n3 lease1
        -> TxnRequest call3 compares: created(capture/n3)=rev0 then: put capture/n3 = n3 to etcd
        -> TxnRequest call4 compares: created(owner/lease1)=rev0 then: put owner/lease1 = n3 otherwise: get owner/lease1 to etcd
    etcd answers once
    etcd answers once
        ** Registered n3
    what etcd was asked is lost
    etcd answers
    n1/server to etcd: TxnRequest call0 then: put capture/n2 = n2
    10000 ms pass
    n1/server to etcd: TxnRequest call0 then: put owner/lease99 = n1
    50 ms pass
        ** NodeAdded n3 n2
        ** NodeAdded n3 n3
        -> TargetsChanged to n3/messages
        -> NodesChanged to n3/coordinator
        -> NodesChanged to n3/maintainers
        -> LeaderChanged n1 to n3/coordinator
    ");
}

#[test]
fn a_watch_that_was_never_created_is_asked_for_again() {
    let text = told("master", |hand| {
        hand.change(put(LEADER, N1));
        hand.hold(Addr::Etcd);
        hand.start();
        // The grant, the captures, the registration and the candidacy.
        for _ in 0..4 {
            hand.serve(Addr::Etcd);
        }
        hand.lose(Addr::Etcd);
        hand.release(Addr::Etcd);
        hand.change(put(Key::Capture(N2), N2));
        hand.advance(100);
    });
    insta::assert_snapshot!(text, @"
    n1/server to etcd: TxnRequest call0 then: put owner/lease99 = n1
    etcd is silent
    n3/server starts
    etcd answers once
        ** SessionStarted n3 lease1
        -> TxnRequest call3 compares: created(capture/n3)=rev0 then: put capture/n3 = n3 to etcd
        -> TxnRequest call4 compares: created(owner/lease1)=rev0 then: put owner/lease1 = n3 otherwise: get owner/lease1 to etcd
    etcd answers once
    etcd answers once
        ** Registered n3
    etcd answers once
    what etcd was asked is lost
    etcd answers
    n1/server to etcd: TxnRequest call0 then: put capture/n2 = n2
    100 ms pass
        ** NodeAdded n3 n2
        ** NodeAdded n3 n3
        -> TargetsChanged to n3/messages
        -> NodesChanged to n3/coordinator
        -> NodesChanged to n3/maintainers
        -> LeaderChanged n1 to n3/coordinator
    ");
}

#[test]
fn a_revoked_lease_is_noticed_by_the_watchdog_within_a_second() {
    let text = running("pr-5106", |hand| {
        revoke(hand);
        hand.advance(1000);
        hand.text += &format!("{}\n", hand.process().liveness);
        from(hand, Place::Dispatchers, Inbox::LocalFenced);
        from(hand, Place::Dispatchers, Inbox::DispatchersClosed);
    });
    insta::assert_snapshot!(text, @"
    RevokeLeaseOf n3 at etcd
        ** LeaseRevoked lease1 keys: capture/n3, owner/lease1
    1000 ms pass
        ** SelfFence n3 `etcd lease expired`
        -> LocalFence to n3/dispatchers
    stopping
    n3/dispatchers: LocalFenced
        ** SelfFenced n3
        ** ShutsDown n3 `fenced`
        ** Closing n3
        -> Stop to n3/coordinator
        -> StopManager to n3/maintainers
        -> TxnRequest call11 then: delete owner/lease1 to etcd
        -> Close to n3/dispatchers
        -> CloseMaintainers to n3/maintainers
        -> StopServing to n3/messages
        -> TxnRequest call12 then: delete capture/n3 to etcd
    n3/dispatchers: DispatchersClosed
        -> CloseTargets to n3/messages
        exits, back in 2s
    ");
}

#[test]
fn without_a_watchdog_the_next_renewal_tells_and_the_node_closes_in_order() {
    let text = running("baseline", |hand| {
        revoke(hand);
        hand.advance(1000);
        hand.advance(3000);
        hand.text += &format!("{}\n", hand.process().liveness);
        from(hand, Place::Dispatchers, Inbox::DispatchersClosed);
    });
    insta::assert_snapshot!(text, @"
    RevokeLeaseOf n3 at etcd
        ** LeaseRevoked lease1 keys: capture/n3, owner/lease1
    1000 ms pass
    3000 ms pass
        ** SessionDone n3
        ** ShutsDown n3 `capture suicide`
        -> Stop to n3/coordinator
        -> StopManager to n3/maintainers
        -> TxnRequest call10 then: delete owner/lease1 to etcd
        ** Closing n3
        -> Close to n3/dispatchers
        -> CloseMaintainers to n3/maintainers
        -> StopServing to n3/messages
        -> TxnRequest call11 then: delete capture/n3 to etcd
    alive
    n3/dispatchers: DispatchersClosed
        -> CloseTargets to n3/messages
        exits, back in 2s
    ");
}

#[test]
fn while_a_call_hangs_the_watchdog_does_not_see_the_end_of_the_session() {
    let script = |hand: &mut Hand| {
        hand.hold(Addr::Etcd);
        hand.advance(10_000);
        hand.advance(10_000);
        hand.advance(15_000);
    };
    insta::assert_snapshot!(running("master", script), @"
    etcd is silent
    10000 ms pass
        ** LeaseExpired lease1 keys: capture/n3, owner/lease1
        ** SessionDone n3
    10000 ms pass
    15000 ms pass
        ** ShutsDown n3 `capture suicide`
        -> Stop to n3/coordinator
        -> StopManager to n3/maintainers
        -> TxnRequest call26 then: delete owner/lease1 to etcd
    ");
    insta::assert_snapshot!(running("baseline", script), @"
    etcd is silent
    10000 ms pass
        ** LeaseExpired lease1 keys: capture/n3, owner/lease1
        ** SessionDone n3
    10000 ms pass
    15000 ms pass
        ** ShutsDown n3 `capture suicide`
        -> Stop to n3/coordinator
        -> StopManager to n3/maintainers
        -> TxnRequest call23 then: delete owner/lease1 to etcd
    ");
}

#[test]
fn a_node_fences_itself_once() {
    let text = running("master", |hand| {
        revoke(hand);
        hand.advance(1000);
        from(hand, Place::Dispatchers, Inbox::LocalFenced);
        hand.advance(4000);
    });
    insta::assert_snapshot!(text, @"
    RevokeLeaseOf n3 at etcd
        ** LeaseRevoked lease1 keys: capture/n3, owner/lease1
    1000 ms pass
        ** SelfFence n3 `etcd lease expired`
        -> LocalFence to n3/dispatchers
    n3/dispatchers: LocalFenced
        ** SelfFenced n3
        ** ShutsDown n3 `fenced`
        ** Closing n3
        -> Stop to n3/coordinator
        -> StopManager to n3/maintainers
        -> TxnRequest call11 then: delete owner/lease1 to etcd
        -> Close to n3/dispatchers
        -> CloseMaintainers to n3/maintainers
        -> StopServing to n3/messages
        -> TxnRequest call12 then: delete capture/n3 to etcd
    4000 ms pass
        ** SessionDone n3
    ");
}

#[test]
fn a_node_that_cannot_close_in_time_exits_anyway() {
    let text = running("baseline", |hand| {
        revoke(hand);
        hand.advance(4000);
        hand.advance(15_000);
    });
    insta::assert_snapshot!(text, @"
    RevokeLeaseOf n3 at etcd
        ** LeaseRevoked lease1 keys: capture/n3, owner/lease1
    4000 ms pass
        ** SessionDone n3
        ** ShutsDown n3 `capture suicide`
        -> Stop to n3/coordinator
        -> StopManager to n3/maintainers
        -> TxnRequest call10 then: delete owner/lease1 to etcd
        ** Closing n3
        -> Close to n3/dispatchers
        -> CloseMaintainers to n3/maintainers
        -> StopServing to n3/messages
        -> TxnRequest call11 then: delete capture/n3 to etcd
    15000 ms pass
        exits, back in 2s
    ");
}

#[test]
fn a_node_that_was_asleep_while_its_lease_ended_does_not_register() {
    let text = told("baseline", |hand| {
        hand.hold(Addr::Etcd);
        hand.start();
        hand.serve(Addr::Etcd);
        hand.advance(10_100);
        hand.release(Addr::Etcd);
    });
    insta::assert_snapshot!(text, @"
    etcd is silent
    n3/server starts
    etcd answers once
        ** SessionStarted n3 lease1
        -> TxnRequest call3 compares: created(capture/n3)=rev0 then: put capture/n3 = n3 to etcd
        -> TxnRequest call4 compares: created(owner/lease1)=rev0 then: put owner/lease1 = n3 otherwise: get owner/lease1 to etcd
    10100 ms pass
        ** LeaseExpired lease1
        ** SessionDone n3
    etcd answers
        ** ShutsDown n3 `capture suicide`
        ** Closing n3
        -> Stop to n3/coordinator
        -> StopManager to n3/maintainers
        -> Close to n3/dispatchers
        -> CloseMaintainers to n3/maintainers
        -> StopServing to n3/messages
        -> TxnRequest call25 then: delete capture/n3 to etcd
    ");
}

#[test]
fn a_restarted_process_is_another_node() {
    let text = told("master", |hand| {
        hand.start();
        hand.advance(100);
        hand.text.clear();
        hand.crash();
        hand.advance(5000);
        hand.advance(5000);
        hand.advance(5000);
    });
    insta::assert_snapshot!(text, @"
    n3/server crashes
    n3.2/server starts
        ** SessionStarted n3.2 lease2
        -> TxnRequest call3 compares: created(capture/n3.2)=rev0 then: put capture/n3.2 = n3.2 to etcd
        -> TxnRequest call4 compares: created(owner/lease2)=rev0 then: put owner/lease2 = n3.2 otherwise: get owner/lease2 to etcd
        ** Registered n3.2
    5000 ms pass
        ** NodeAdded n3.2 n3
        ** NodeAdded n3.2 n3.2
        -> TargetsChanged to n3.2/messages
        -> NodesChanged to n3.2/coordinator
        -> NodesChanged to n3.2/maintainers
        -> LeaderChanged n3 to n3.2/coordinator
    5000 ms pass
        ** LeaseExpired lease1 keys: capture/n3, owner/lease1
        ** Elected n3.2 version=6
        -> Elected version=6 to n3.2/coordinator
        -> LeaderChanged n3.2 to n3.2/coordinator
    5000 ms pass
        ** NodeRemoved n3.2 n3
        -> TargetsChanged to n3.2/messages
        -> NodesChanged to n3.2/coordinator
        -> NodesChanged to n3.2/maintainers
    ");
}

#[test]
fn a_leader_that_is_deposed_sees_nothing_new_until_its_coordinator_has_stopped() {
    let text = told("master", |hand| {
        hand.start();
        hand.advance(100);
        hand.text.clear();
        hand.change(Op::Delete(Key::Owner(LeaseId(1))));
        hand.change(put(LEADER, N1));
        hand.change(put(Key::Capture(N1), N1));
        hand.advance(100);
        hand.change(put(Key::Capture(N2), N2));
        hand.advance(100);
        from(hand, Place::Coordinator, Inbox::CoordinatorStopped { failed: false });
        hand.advance(100);
    });
    insta::assert_snapshot!(text, @"
    n1/server to etcd: TxnRequest call0 then: delete owner/lease1
    n1/server to etcd: TxnRequest call0 then: put owner/lease99 = n1
    n1/server to etcd: TxnRequest call0 then: put capture/n1 = n1
    100 ms pass
        ** NodeAdded n3 n1
        -> TargetsChanged to n3/messages
        -> NodesChanged to n3/coordinator
        -> NodesChanged to n3/maintainers
        -> LeaderChanged n1 to n3/coordinator
    n1/server to etcd: TxnRequest call0 then: put capture/n2 = n2
    100 ms pass
    n3/coordinator: CoordinatorStopped
        -> TxnRequest call10 then: delete owner/lease1 to etcd
    100 ms pass
        ** NodeAdded n3 n2
        -> TargetsChanged to n3/messages
        -> NodesChanged to n3/coordinator
        -> NodesChanged to n3/maintainers
    ");
}

/// The lease of n3 is revoked, and a renewal tells. The watchdog is slow to hear of it, the node manager is not.
fn outrun(policy: &str) -> String {
    running(policy, |hand| {
        hand.advance(2150);
        hand.text.clear();
        hand.stall("WatchdogWakes");
        revoke(hand);
        hand.advance(300);
        hand.go_on();
        hand.advance(5000);
    })
}

#[test]
fn a_watchdog_that_is_outrun_leaves_without_fencing() {
    insta::assert_snapshot!(outrun("master"), @"
    WatchdogWakes stands still
    RevokeLeaseOf n3 at etcd
        ** LeaseRevoked lease1 keys: capture/n3, owner/lease1
    300 ms pass
        ** SessionDone n3
        ** ShutsDown n3 `capture suicide`
        -> Stop to n3/coordinator
        -> StopManager to n3/maintainers
        -> TxnRequest call13 then: delete owner/lease1 to etcd
        ** Closing n3
        -> Close to n3/dispatchers
        -> CloseMaintainers to n3/maintainers
        -> StopServing to n3/messages
        -> TxnRequest call14 then: delete capture/n3 to etcd
    all go on
    5000 ms pass
    ");
}

#[test]
fn one_that_fences_first_does_so_whoever_is_first() {
    insta::assert_snapshot!(outrun("master+node.watchdog_end=fences"), @"
    WatchdogWakes stands still
    RevokeLeaseOf n3 at etcd
        ** LeaseRevoked lease1 keys: capture/n3, owner/lease1
    300 ms pass
        ** SessionDone n3
        ** ShutsDown n3 `capture suicide`
        ** SelfFence n3 `the process ends`
        -> LocalFence to n3/dispatchers
        -> Stop to n3/coordinator
        -> StopManager to n3/maintainers
        -> TxnRequest call13 then: delete owner/lease1 to etcd
        ** Closing n3
        -> Close to n3/dispatchers
        -> CloseMaintainers to n3/maintainers
        -> StopServing to n3/messages
        -> TxnRequest call14 then: delete capture/n3 to etcd
    all go on
    5000 ms pass
    ");
}

/// The modules are waited for, but not longer than 30 s: here the coordinator never says that its term has ended.
#[test]
fn modules_have_thirty_seconds_to_end() {
    let text = told("baseline", |hand| {
        hand.start();
        hand.advance(1000);
        revoke(hand);
        hand.text.clear();
        hand.advance(3000);
        hand.advance(29_000);
        hand.advance(2000);
    });
    insta::assert_snapshot!(text, @"
    3000 ms pass
        ** SessionDone n3
        ** ShutsDown n3 `capture suicide`
        -> Stop to n3/coordinator
        -> StopManager to n3/maintainers
    29000 ms pass
    2000 ms pass
        ** Closing n3
        -> Close to n3/dispatchers
        -> CloseMaintainers to n3/maintainers
        -> StopServing to n3/messages
        -> TxnRequest call56 then: delete capture/n3 to etcd
    ");
}
