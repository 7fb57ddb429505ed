//! Merges of dispatchers, driven by hand: how one goes, what is in its way, and what the next maintainer learns of it.

use crate::hand::{Hand, N1, N2, N3, bootstrap, close, create, create_part, merge, remove};
use model::{Addr, Place};

/// Two working dispatchers of one table, which belong to n1's maintainer of epoch 5; then the script.
fn told(policy: &str, script: impl FnOnce(&mut Hand)) -> String {
    let epoch = if policy.starts_with("baseline") { 0 } else { 5 };
    let mut hand = Hand::new(Place::Dispatchers, policy);
    hand.resolve(100);
    hand.tell(N1, bootstrap(epoch, None));
    hand.tell(N1, create_part(epoch, 1, 2));
    hand.tell(N1, create_part(epoch, 2, 2));
    hand.advance(20);
    hand.text.clear();
    script(&mut hand);
    hand.text
}

#[test]
fn two_dispatchers_become_one() {
    let text = told("master", |hand| {
        hand.tell(N1, merge(5, &[1, 2], 3));
        hand.advance(980);
        hand.resolve(200);
        hand.advance(20);
        hand.tell(N2, bootstrap(6, None));
        hand.advance(200);
        hand.tell(N2, bootstrap(6, None));
    });
    insta::assert_snapshot!(text, @"
    n1/maintainers: MergeDispatcherRequest cf1 d3@n1 sources: d1@n1, d2@n1 default e5
        ** MergeBegun cf1 d3@n1 t7
    980 ms pass
        ** MergeReady cf1 d3@n1
        -> HeartBeatRequest cf1 ts100 ts100 seq=3 to n1/maintainers
    20 ms pass
        ** DispatcherUnregistered cf1 d1@n1
        ** DispatcherUnregistered cf1 d2@n1
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
        ** OwnerChanged cf1 n3 n2 e6
        -> MaintainerBootstrapResponse cf1 e6 ts0 spans: d1@n1 t7[0..524288) WaitingMerge ts200 default, d2@n1 t7[524288..) WaitingMerge ts200 default, d3@n1 t7 MergeReady ts100 default merge_operators: cf1 d3@n1 sources: d1@n1, d2@n1 default e5 to n2/maintainers
    200 ms pass
        ** MergeCommitted cf1 d3@n1 ts200
        -> HeartBeatRequest cf1 ts10 ts10 seq=3 statuses: d3@n1 Working ts200 to n2/maintainers
        ** DispatcherCleaned cf1 d1@n1 ts200
        ** DispatcherCleaned cf1 d2@n1 ts200
        -> HeartBeatRequest cf1 ts200 ts200 seq=3 statuses: d1@n1 Stopped ts200, d2@n1 Stopped ts200 to n2/maintainers
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
        -> MaintainerBootstrapResponse cf1 e6 ts0 spans: d3@n1 t7 Working ts200 default to n2/maintainers
    ");
}

#[test]
fn the_slowest_source_decides_where_the_target_starts() {
    let text = told("master", |hand| {
        hand.hold(Addr::Sink);
        hand.tell(N1, merge(5, &[1, 2], 3));
        hand.resolve(3_000_000);
        hand.advance(1050);
        hand.release(Addr::Sink);
        hand.advance(250);
    });
    insta::assert_snapshot!(text, @"
    sink is silent
    n1/maintainers: MergeDispatcherRequest cf1 d3@n1 sources: d1@n1, d2@n1 default e5
        ** MergeBegun cf1 d3@n1 t7
        ** WriteStarted cf1 d1@n1 t7[0..524288) query4
    1050 ms pass
        ** MergeReady cf1 d3@n1
        -> HeartBeatRequest cf1 ts46285 ts3000000 seq=3 to n1/maintainers
        ** DispatcherUnregistered cf1 d1@n1
        ** DispatcherUnregistered cf1 d2@n1
    sink answers
        ** Applied n3/dispatchers query4 cf1 changes: INSERT t7 key=0 ts46286 d1@n1, UPDATE t7 key=0 ts1030271 d1@n1, UPDATE t7 key=0 ts2268381 d1@n1, UPDATE t7 key=0 ts2377393 d1@n1, UPDATE t7 key=0 ts2916734 d1@n1
        ** WriteFlushed cf1 d1@n1 query4
    250 ms pass
        ** MergeCommitted cf1 d3@n1 ts3000000
        -> HeartBeatRequest cf1 ts10 ts10 seq=3 statuses: d3@n1 Working ts3000000 to n1/maintainers
        ** DispatcherCleaned cf1 d1@n1 ts3000000
        ** DispatcherCleaned cf1 d2@n1 ts3000000
        -> HeartBeatRequest cf1 ts3000000 ts3000000 seq=3 statuses: d1@n1 Stopped ts3000000, d2@n1 Stopped ts3000000 to n1/maintainers
    ");
}

#[test]
fn what_cannot_be_merged_is_left_alone() {
    let text = told("master", |hand| {
        hand.tell(N1, merge(5, &[1], 3));
        hand.tell(N1, merge(5, &[1, 4], 3));
        hand.tell(N1, merge(5, &[2, 1], 3));
        hand.tell(N1, create(5, 8));
        hand.tell(N1, merge(5, &[1, 8], 3));
        hand.tell(N1, merge(5, &[1, 2], 3));
        hand.tell(N1, merge(5, &[1, 2], 3));
        hand.tell(N1, merge(5, &[1, 2], 4));
    });
    insta::assert_snapshot!(text, @"
    n1/maintainers: MergeDispatcherRequest cf1 d3@n1 sources: d1@n1 default e5
        ** Ignored cf1 n1 `fewer than two sources`
    n1/maintainers: MergeDispatcherRequest cf1 d3@n1 sources: d1@n1, d4@n1 default e5
        ** Ignored cf1 n1 `a source does not exist`
    n1/maintainers: MergeDispatcherRequest cf1 d3@n1 sources: d2@n1, d1@n1 default e5
        ** Ignored cf1 n1 `the sources do not follow each other`
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d8@n1 t8 ts10 default e5
        ** DispatcherCreated cf1 d8@n1 t8 ts10
    n1/maintainers: MergeDispatcherRequest cf1 d3@n1 sources: d1@n1, d8@n1 default e5
        ** Ignored cf1 n1 `the sources do not follow each other`
    n1/maintainers: MergeDispatcherRequest cf1 d3@n1 sources: d1@n1, d2@n1 default e5
        ** MergeBegun cf1 d3@n1 t7
    n1/maintainers: MergeDispatcherRequest cf1 d3@n1 sources: d1@n1, d2@n1 default e5
        ** Ignored cf1 n1 `the merge is under way`
    n1/maintainers: MergeDispatcherRequest cf1 d4@n1 sources: d1@n1, d2@n1 default e5
        ** Ignored cf1 n1 `a source does not work`
    ");
}

#[test]
fn a_merge_that_is_done_is_confirmed() {
    let text = told("master", |hand| {
        hand.tell(N1, merge(5, &[1, 2], 3));
        hand.advance(1300);
        hand.text.clear();
        hand.tell(N1, merge(5, &[1, 2], 3));
        hand.advance(20);
    });
    insta::assert_snapshot!(text, @"
    n1/maintainers: MergeDispatcherRequest cf1 d3@n1 sources: d1@n1, d2@n1 default e5
        ** Ignored cf1 n1 `the merge is done`
    20 ms pass
        -> HeartBeatRequest cf1 ts100 ts100 seq=3 statuses: d3@n1 Working ts100 to n1/maintainers
    ");
}

#[test]
fn the_removal_of_a_source_ends_a_merge() {
    let text = told("master", |hand| {
        hand.tell(N1, merge(5, &[1, 2], 3));
        hand.tell(N1, remove(5, 2));
        hand.advance(1300);
        hand.tell(N2, bootstrap(6, None));
    });
    insta::assert_snapshot!(text, @"
    n1/maintainers: MergeDispatcherRequest cf1 d3@n1 sources: d1@n1, d2@n1 default e5
        ** MergeBegun cf1 d3@n1 t7
    n1/maintainers: ScheduleDispatcherRequest cf1 Remove (Remove) d2@n1 t2 ts10 default e5
        ** DispatcherUnregistered cf1 d2@n1
    1300 ms pass
        ** MergeReady cf1 d3@n1
        ** DispatcherCleaned cf1 d2@n1 ts100
        -> HeartBeatRequest cf1 ts100 ts100 seq=3 statuses: d2@n1 Stopped ts100 to n1/maintainers
        ** MergeAborted cf1 d3@n1 `a source is missing`
        ** DispatcherUnregistered cf1 d3@n1
        -> HeartBeatRequest cf1 ts100 ts100 seq=3 to n1/maintainers
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
        ** OwnerChanged cf1 n3 n2 e6
        -> MaintainerBootstrapResponse cf1 e6 ts0 spans: d1@n1 t7[0..524288) Working ts100 default, d3@n1 t7 MergeReady ts100 default to n2/maintainers
    ");
}

/// Whatever is done to it, it is told of until the manager goes.
#[test]
fn a_target_that_is_removed_before_it_takes_over_stays() {
    let text = told("master", |hand| {
        hand.tell(N1, merge(5, &[1, 2], 3));
        hand.tell(N1, remove(5, 3));
        hand.advance(1300);
        hand.tell(N1, remove(5, 3));
        hand.advance(1000);
        hand.tell(N2, bootstrap(6, None));
    });
    insta::assert_snapshot!(text, @"
    n1/maintainers: MergeDispatcherRequest cf1 d3@n1 sources: d1@n1, d2@n1 default e5
        ** MergeBegun cf1 d3@n1 t7
    n1/maintainers: ScheduleDispatcherRequest cf1 Remove (Remove) d3@n1 t3 ts10 default e5
        ** DispatcherUnregistered cf1 d3@n1
    1300 ms pass
        -> HeartBeatRequest cf1 ts100 ts100 seq=3 to n1/maintainers
        ** MergeAborted cf1 d3@n1 `the target is being removed`
        -> HeartBeatRequest cf1 ts100 ts100 seq=3 to n1/maintainers
    n1/maintainers: ScheduleDispatcherRequest cf1 Remove (Remove) d3@n1 t3 ts10 default e5
    1000 ms pass
        -> HeartBeatRequest cf1 ts100 ts100 seq=3 to n1/maintainers
        -> HeartBeatRequest cf1 ts100 ts100 seq=3 to n1/maintainers
        -> HeartBeatRequest cf1 ts100 ts100 seq=3 to n1/maintainers
        -> HeartBeatRequest cf1 ts100 ts100 seq=3 to n1/maintainers
        -> HeartBeatRequest cf1 ts100 ts100 seq=3 to n1/maintainers
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
        ** OwnerChanged cf1 n3 n2 e6
        -> MaintainerBootstrapResponse cf1 e6 ts0 spans: d1@n1 t7[0..524288) Working ts100 default, d2@n1 t7[524288..) Working ts100 default, d3@n1 t7 Preparing ts100 default operators: cf1 Remove (Remove) d3@n1 t3 ts10 default e5 to n2/maintainers
    ");
}

#[test]
fn a_stale_merge_is_refused_by_epoch() {
    let script = |hand: &mut Hand| {
        hand.tell(N2, bootstrap(6, None));
        hand.tell(N1, merge(5, &[1, 2], 3));
        hand.tell(N2, bootstrap(6, None));
    };
    insta::assert_snapshot!(told("master", script), @"
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
        ** OwnerChanged cf1 n3 n2 e6
        -> MaintainerBootstrapResponse cf1 e6 ts0 spans: d1@n1 t7[0..524288) Working ts100 default, d2@n1 t7[524288..) Working ts100 default to n2/maintainers
    n1/maintainers: MergeDispatcherRequest cf1 d3@n1 sources: d1@n1, d2@n1 default e5
        ** StaleRefused cf1 n1 e5 n2 e6
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
        -> MaintainerBootstrapResponse cf1 e6 ts0 spans: d1@n1 t7[0..524288) Working ts100 default, d2@n1 t7[524288..) Working ts100 default to n2/maintainers
    ");
    insta::assert_snapshot!(told("master+dispatchers.merge_fence=any_sender", script), @"
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
        ** OwnerChanged cf1 n3 n2 e6
        -> MaintainerBootstrapResponse cf1 e6 ts0 spans: d1@n1 t7[0..524288) Working ts100 default, d2@n1 t7[524288..) Working ts100 default to n2/maintainers
    n1/maintainers: MergeDispatcherRequest cf1 d3@n1 sources: d1@n1, d2@n1 default e5
        ** MergeBegun cf1 d3@n1 t7
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
        -> MaintainerBootstrapResponse cf1 e6 ts0 spans: d1@n1 t7[0..524288) WaitingMerge ts100 default, d2@n1 t7[524288..) WaitingMerge ts100 default, d3@n1 t7 Preparing ts100 default merge_operators: cf1 d3@n1 sources: d1@n1, d2@n1 default e5 to n2/maintainers
    ");
}

#[test]
fn a_merge_survives_a_takeover() {
    let script = |hand: &mut Hand| {
        hand.tell(N1, merge(5, &[1, 2], 3));
        hand.tell(N2, bootstrap(6, None));
        hand.tell(N2, merge(6, &[1, 2], 3));
        hand.tell(N2, bootstrap(6, None));
    };
    insta::assert_snapshot!(told("master", script), @"
    n1/maintainers: MergeDispatcherRequest cf1 d3@n1 sources: d1@n1, d2@n1 default e5
        ** MergeBegun cf1 d3@n1 t7
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
        ** OwnerChanged cf1 n3 n2 e6
        -> MaintainerBootstrapResponse cf1 e6 ts0 spans: d1@n1 t7[0..524288) WaitingMerge ts100 default, d2@n1 t7[524288..) WaitingMerge ts100 default, d3@n1 t7 Preparing ts100 default merge_operators: cf1 d3@n1 sources: d1@n1, d2@n1 default e5 to n2/maintainers
    n2/maintainers: MergeDispatcherRequest cf1 d3@n1 sources: d1@n1, d2@n1 default e6
        ** Ignored cf1 n2 `the merge is under way`
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
        -> MaintainerBootstrapResponse cf1 e6 ts0 spans: d1@n1 t7[0..524288) WaitingMerge ts100 default, d2@n1 t7[524288..) WaitingMerge ts100 default, d3@n1 t7 Preparing ts100 default merge_operators: cf1 d3@n1 sources: d1@n1, d2@n1 default e6 to n2/maintainers
    ");
    insta::assert_snapshot!(told("pr-5436", script), @"
    n1/maintainers: MergeDispatcherRequest cf1 d3@n1 sources: d1@n1, d2@n1 default e5
        ** MergeBegun cf1 d3@n1 t7
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
        ** OwnerChanged cf1 n3 n2 e6
        -> MaintainerBootstrapResponse cf1 e6 ts0 spans: d1@n1 t7[0..524288) WaitingMerge ts100 default, d2@n1 t7[524288..) WaitingMerge ts100 default, d3@n1 t7 Preparing ts100 default to n2/maintainers
    n2/maintainers: MergeDispatcherRequest cf1 d3@n1 sources: d1@n1, d2@n1 default e6
        ** Ignored cf1 n2 `the merge is under way`
    n2/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
        -> MaintainerBootstrapResponse cf1 e6 ts0 spans: d1@n1 t7[0..524288) WaitingMerge ts100 default, d2@n1 t7[524288..) WaitingMerge ts100 default, d3@n1 t7 Preparing ts100 default to n2/maintainers
    ");
}

#[test]
fn a_closed_manager_merges_nothing() {
    let text = told("master", |hand| {
        hand.tell(N1, merge(5, &[1, 2], 3));
        hand.tell(N1, close(5, false));
        hand.advance(1100);
    });
    insta::assert_snapshot!(text, @"
    n1/maintainers: MergeDispatcherRequest cf1 d3@n1 sources: d1@n1, d2@n1 default e5
        ** MergeBegun cf1 d3@n1 t7
    n1/maintainers: MaintainerCloseRequest cf1 e5
        -> MaintainerCloseResponse cf1 e5 to n1/maintainers
        ** WritePathClosed cf1 n3
        ** DispatcherUnregistered cf1 d1@n1
        ** DispatcherUnregistered cf1 d2@n1
        ** DispatcherUnregistered cf1 d3@n1
        ** ManagerClosed cf1 n3
    1100 ms pass
    ");
}

/// What the response to a bootstrap request at some moment tells of merges.
fn journal(hand: &mut Hand) {
    let before = hand.text.len();
    hand.tell(N2, bootstrap(6, None));
    let told = hand.text.split_off(before);
    let merges = told.split("merge_operators:").nth(1).map_or(" nothing", |rest| rest.trim_end());
    hand.text += &format!("    the journal tells of{merges}\n");
}

#[test]
fn the_journal_is_kept_until_the_target_works_and_its_sources_are_gone() {
    let script = |hand: &mut Hand| {
        hand.tell(N1, merge(5, &[1, 2], 3));
        journal(hand);
        hand.hold(Addr::Sink);
        hand.advance(1020);
        journal(hand);
        hand.release(Addr::Sink);
        hand.tell(N2, merge(6, &[1, 2], 3));
        journal(hand);
        hand.advance(180);
        journal(hand);
    };
    insta::assert_snapshot!(told("master", script), @"
    n1/maintainers: MergeDispatcherRequest cf1 d3@n1 sources: d1@n1, d2@n1 default e5
        ** MergeBegun cf1 d3@n1 t7
        the journal tells of cf1 d3@n1 sources: d1@n1, d2@n1 default e5 to n2/maintainers
    sink is silent
    1020 ms pass
        ** MergeReady cf1 d3@n1
        -> HeartBeatRequest cf1 ts100 ts100 seq=3 to n2/maintainers
        ** DispatcherUnregistered cf1 d1@n1
        ** DispatcherUnregistered cf1 d2@n1
        the journal tells of cf1 d3@n1 sources: d1@n1, d2@n1 default e5 to n2/maintainers
    sink answers
        ** MergeCommitted cf1 d3@n1 ts100
    n2/maintainers: MergeDispatcherRequest cf1 d3@n1 sources: d1@n1, d2@n1 default e6
        ** Ignored cf1 n2 `the merge is done`
        the journal tells of cf1 d3@n1 sources: d1@n1, d2@n1 default e6 to n2/maintainers
    180 ms pass
        -> HeartBeatRequest cf1 ts10 ts10 seq=3 statuses: d3@n1 Working ts100, d3@n1 Working ts100 to n2/maintainers
        ** DispatcherCleaned cf1 d1@n1 ts100
        ** DispatcherCleaned cf1 d2@n1 ts100
        -> HeartBeatRequest cf1 ts100 ts100 seq=3 statuses: d1@n1 Stopped ts100, d2@n1 Stopped ts100 to n2/maintainers
        the journal tells of nothing
    ");
    insta::assert_snapshot!(told("MU-57", script), @"
    n1/maintainers: MergeDispatcherRequest cf1 d3@n1 sources: d1@n1, d2@n1 default e5
        ** MergeBegun cf1 d3@n1 t7
        the journal tells of cf1 d3@n1 sources: d1@n1, d2@n1 default e5 to n2/maintainers
    sink is silent
    1020 ms pass
        ** MergeReady cf1 d3@n1
        -> HeartBeatRequest cf1 ts100 ts100 seq=3 to n2/maintainers
        ** DispatcherUnregistered cf1 d1@n1
        ** DispatcherUnregistered cf1 d2@n1
        the journal tells of cf1 d3@n1 sources: d1@n1, d2@n1 default e5 to n2/maintainers
    sink answers
        ** MergeCommitted cf1 d3@n1 ts100
    n2/maintainers: MergeDispatcherRequest cf1 d3@n1 sources: d1@n1, d2@n1 default e6
        ** Ignored cf1 n2 `the merge is done`
        the journal tells of nothing
    180 ms pass
        -> HeartBeatRequest cf1 ts10 ts10 seq=3 statuses: d3@n1 Working ts100, d3@n1 Working ts100 to n2/maintainers
        ** DispatcherCleaned cf1 d1@n1 ts100
        ** DispatcherCleaned cf1 d2@n1 ts100
        -> HeartBeatRequest cf1 ts100 ts100 seq=3 statuses: d1@n1 Stopped ts100, d2@n1 Stopped ts100 to n2/maintainers
        the journal tells of nothing
    ");
}

#[test]
fn a_stale_merge_is_not_written_down() {
    let script = |hand: &mut Hand| {
        journal(hand);
        hand.tell(N1, merge(5, &[1, 2], 3));
        journal(hand);
        hand.advance(1000);
        journal(hand);
    };
    insta::assert_snapshot!(told("master", script), @"
        the journal tells of nothing
    n1/maintainers: MergeDispatcherRequest cf1 d3@n1 sources: d1@n1, d2@n1 default e5
        ** StaleRefused cf1 n1 e5 n2 e6
        the journal tells of nothing
    1000 ms pass
        -> HeartBeatRequest cf1 ts100 ts100 seq=2 to n2/maintainers
        the journal tells of nothing
    ");
    insta::assert_snapshot!(told("MU-58", script), @"
        the journal tells of nothing
    n1/maintainers: MergeDispatcherRequest cf1 d3@n1 sources: d1@n1, d2@n1 default e5
        ** StaleRefused cf1 n1 e5 n2 e6
        the journal tells of cf1 d3@n1 sources: d1@n1, d2@n1 default e5 to n2/maintainers
    1000 ms pass
        -> HeartBeatRequest cf1 ts100 ts100 seq=2 to n2/maintainers
        the journal tells of cf1 d3@n1 sources: d1@n1, d2@n1 default e5 to n2/maintainers
    ");
}

/// n3 is the node of the manager, and of the maintainer that sends the merge.
#[test]
fn a_sender_of_the_same_process_does_not_change_the_journal() {
    let script = |hand: &mut Hand| {
        hand.tell(N3, bootstrap(6, None));
        hand.tell(N3, merge(6, &[1, 2], 3));
        hand.tell(N3, merge(7, &[1, 2], 3));
        hand.tell(N3, bootstrap(6, None));
    };
    insta::assert_snapshot!(told("master", script), @"
    n3/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
        ** OwnerChanged cf1 n3 n3 e6
        -> MaintainerBootstrapResponse cf1 e6 ts0 spans: d1@n1 t7[0..524288) Working ts100 default, d2@n1 t7[524288..) Working ts100 default to n3/maintainers
    n3/maintainers: MergeDispatcherRequest cf1 d3@n1 sources: d1@n1, d2@n1 default e6
        ** MergeBegun cf1 d3@n1 t7
    n3/maintainers: MergeDispatcherRequest cf1 d3@n1 sources: d1@n1, d2@n1 default e7
        ** StaleRefused cf1 n3 e7 n3 e6
    n3/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
        -> MaintainerBootstrapResponse cf1 e6 ts0 spans: d1@n1 t7[0..524288) WaitingMerge ts100 default, d2@n1 t7[524288..) WaitingMerge ts100 default, d3@n1 t7 Preparing ts100 default merge_operators: cf1 d3@n1 sources: d1@n1, d2@n1 default e6 to n3/maintainers
    ");
    insta::assert_snapshot!(told("M27", script), @"
    n3/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
        ** OwnerChanged cf1 n3 n3 e6
        -> MaintainerBootstrapResponse cf1 e6 ts0 spans: d1@n1 t7[0..524288) Working ts100 default, d2@n1 t7[524288..) Working ts100 default to n3/maintainers
    n3/maintainers: MergeDispatcherRequest cf1 d3@n1 sources: d1@n1, d2@n1 default e6
        ** MergeBegun cf1 d3@n1 t7
    n3/maintainers: MergeDispatcherRequest cf1 d3@n1 sources: d1@n1, d2@n1 default e7
        ** StaleRefused cf1 n3 e7 n3 e6
    n3/maintainers: MaintainerBootstrapRequest cf1 ts10 e6
        -> MaintainerBootstrapResponse cf1 e6 ts0 spans: d1@n1 t7[0..524288) WaitingMerge ts100 default, d2@n1 t7[524288..) WaitingMerge ts100 default, d3@n1 t7 Preparing ts100 default merge_operators: cf1 d3@n1 sources: d1@n1, d2@n1 default e7 to n3/maintainers
    ");
}

/// The merge goes on: only the journal looks whether there is a name.
#[test]
fn a_merge_without_a_name_is_not_written_down() {
    let script = |hand: &mut Hand| {
        hand.tell(N1, merge(5, &[1, 2], 0));
        journal(hand);
    };
    insta::assert_snapshot!(told("master", script), @"
    n1/maintainers: MergeDispatcherRequest cf1 d0@n0 sources: d1@n1, d2@n1 default e5
        ** MergeBegun cf1 d0@n0 t7
        the journal tells of nothing
    ");
    insta::assert_snapshot!(told("M28", script), @"
    n1/maintainers: MergeDispatcherRequest cf1 d0@n0 sources: d1@n1, d2@n1 default e5
        ** MergeBegun cf1 d0@n0 t7
        the journal tells of cf1 d0@n0 sources: d1@n1, d2@n1 default e5 to n2/maintainers
    ");
}

/// A batch that its stream has handed out goes on when the fence has taken the path away.
#[test]
fn a_fenced_manager_begins_no_merge() {
    let script = |hand: &mut Hand| {
        hand.stall("Task");
        hand.tell(N1, merge(5, &[1, 2], 3));
        hand.stall_no_more();
        hand.tell(N3, model::dispatchers::Inbox::LocalFence);
        hand.go_on();
    };
    insta::assert_snapshot!(told("master", script), @"
    Task stands still
    n1/maintainers: MergeDispatcherRequest cf1 d3@n1 sources: d1@n1, d2@n1 default e5
    no more stand still
    n3/maintainers: LocalFence
        ** WritePathClosed cf1 n3 fenced
        ** DispatcherUnregistered cf1 d1@n1
        ** DispatcherUnregistered cf1 d2@n1
        ** ManagerClosed cf1 n3
        -> LocalFenced to n3/server
    all go on
        ** Ignored cf1 n1 `nothing may be written any more`
    ");
    insta::assert_snapshot!(told("M23", script), @"
    Task stands still
    n1/maintainers: MergeDispatcherRequest cf1 d3@n1 sources: d1@n1, d2@n1 default e5
    no more stand still
    n3/maintainers: LocalFence
        ** WritePathClosed cf1 n3 fenced
        ** DispatcherUnregistered cf1 d1@n1
        ** DispatcherUnregistered cf1 d2@n1
        ** ManagerClosed cf1 n3
        -> LocalFenced to n3/server
    all go on
        ** MergeBegun cf1 d3@n1 t7
    ");
}
