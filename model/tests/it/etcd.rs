//! The fake etcd, driven by hand: requests are values, the answer is text.

use crate::hand::{CF, Hand, N1, N2, N3};
use model::{
    ChangefeedId, NodeId, Ts,
    etcd::{
        ByAge, CallId, Command, Compare, Inbox as Etcd, Job, Key, LeaseId, Op, Outcome, Progress, Range,
        Revision, Value, WatchId,
    },
};
use sim::Duration;

/// Everything that etcd hears, says, and answers.
fn told(script: impl FnOnce(&mut Hand)) -> String {
    let mut etcd = Hand::etcd();
    script(&mut etcd);
    etcd.text
}

const C1: CallId = CallId(1);
const LEASE1: LeaseId = LeaseId(1);
const LEASE2: LeaseId = LeaseId(2);
const JOB: Key = Key::Job(CF);

fn grant(seconds: u64) -> Etcd {
    Etcd::LeaseGrantRequest { call: C1, ttl: Duration::from_secs(seconds) }
}

fn renew(lease: LeaseId) -> Etcd {
    Etcd::LeaseKeepAliveRequest { call: C1, lease }
}

fn left(lease: LeaseId) -> Etcd {
    Etcd::LeaseTimeToLiveRequest { call: C1, lease }
}

fn revoke(lease: LeaseId) -> Etcd {
    Etcd::LeaseRevokeRequest { call: C1, lease }
}

fn range(range: Range) -> Etcd {
    Etcd::RangeRequest { call: C1, range }
}

fn txn(compares: &[Compare], then: &[Op], otherwise: &[Op]) -> Etcd {
    let (compares, then, otherwise) = (compares.to_vec(), then.to_vec(), otherwise.to_vec());
    Etcd::TxnRequest { call: C1, compares, then, otherwise }
}

fn watch(watch: u32, range: Range, from: u64) -> Etcd {
    Etcd::WatchCreateRequest { watch: WatchId(watch), range, from: Revision(from) }
}

fn progress(watch: u32) -> Etcd {
    Etcd::WatchProgressRequest { watch: WatchId(watch) }
}

/// The checkpoint of a changefeed.
fn put(cf: u8, checkpoint: u64) -> Op {
    let job = Job { checkpoint: Ts(checkpoint), progress: Progress::None };
    Op::Put { key: Key::Job(ChangefeedId(cf)), value: Value::Job(job), lease: None }
}

fn capture(node: NodeId, lease: LeaseId) -> Op {
    Op::Put { key: Key::Capture(node), value: Value::Node(node), lease: Some(lease) }
}

fn owner(node: NodeId, lease: LeaseId) -> Op {
    Op::Put { key: Key::Owner(lease), value: Value::Node(node), lease: Some(lease) }
}

#[test]
fn a_lease_lives_as_long_as_it_is_renewed() {
    let text = told(|etcd| {
        etcd.tell(N1, grant(10));
        etcd.tell(N1, txn(&[], &[capture(N1, LEASE1)], &[]));
        etcd.advance(9_999);
        etcd.tell(N1, left(LEASE1));
        etcd.tell(N1, renew(LEASE1));
        etcd.advance(9_999);
        etcd.tell(N1, range(Range::Captures));
        etcd.advance(1);
        etcd.tell(N1, range(Range::Captures));
        etcd.tell(N1, renew(LEASE1));
        etcd.tell(N1, left(LEASE1));
        etcd.tell(N1, grant(10));
    });
    insta::assert_snapshot!(text, @"
    n1/server: LeaseGrantRequest call1 ttl=10s
        -> Answer call1 rev0 lease1 to n1/server
    n1/server: TxnRequest call1 then: put capture/n1 = n1
        -> Answer call1 rev1 succeeded to n1/server
    9999 ms pass
    n1/server: LeaseTimeToLiveRequest call1 lease1
        -> Answer call1 rev1 left=1ms to n1/server
    n1/server: LeaseKeepAliveRequest call1 lease1
        -> Answer call1 rev1 left=10s to n1/server
    9999 ms pass
    n1/server: RangeRequest call1 capture/*
        -> Answer call1 rev1 found: capture/n1 n1 rev1 rev1 version=1 lease1 to n1/server
    1 ms pass
        ** LeaseExpired lease1 keys: capture/n1
    n1/server: RangeRequest call1 capture/*
        -> Answer call1 rev2 nothing to n1/server
    n1/server: LeaseKeepAliveRequest call1 lease1
        -> Answer call1 rev2 lease is gone to n1/server
    n1/server: LeaseTimeToLiveRequest call1 lease1
        -> Answer call1 rev2 lease is gone to n1/server
    n1/server: LeaseGrantRequest call1 ttl=10s
        -> Answer call1 rev2 lease2 to n1/server
    ");
}

#[test]
fn a_revoked_lease_takes_its_keys_with_it_as_one_change() {
    let text = told(|etcd| {
        etcd.tell(N1, grant(10));
        etcd.tell(N2, grant(10));
        etcd.tell(N1, txn(&[], &[capture(N1, LEASE1), owner(N1, LEASE1)], &[]));
        etcd.tell(N2, txn(&[], &[capture(N2, LEASE2)], &[]));
        etcd.tell(N1, revoke(LEASE1));
        etcd.tell(N1, revoke(LEASE1));
        etcd.tell(N1, range(Range::Owners));
        etcd.tell(N1, range(Range::Captures));
        etcd.advance(10_000);
    });
    insta::assert_snapshot!(text, @"
    n1/server: LeaseGrantRequest call1 ttl=10s
        -> Answer call1 rev0 lease1 to n1/server
    n2/server: LeaseGrantRequest call1 ttl=10s
        -> Answer call1 rev0 lease2 to n2/server
    n1/server: TxnRequest call1 then: put capture/n1 = n1, put owner/lease1 = n1
        -> Answer call1 rev1 succeeded to n1/server
    n2/server: TxnRequest call1 then: put capture/n2 = n2
        -> Answer call1 rev2 succeeded to n2/server
    n1/server: LeaseRevokeRequest call1 lease1
        ** LeaseRevoked lease1 keys: capture/n1, owner/lease1
        -> Answer call1 rev3 revoked to n1/server
    n1/server: LeaseRevokeRequest call1 lease1
        -> Answer call1 rev3 lease not found to n1/server
    n1/server: RangeRequest call1 owner/*
        -> Answer call1 rev3 nothing to n1/server
    n1/server: RangeRequest call1 capture/*
        -> Answer call1 rev3 found: capture/n2 n2 rev2 rev2 version=1 lease2 to n1/server
    10000 ms pass
        ** LeaseExpired lease2 keys: capture/n2
    ");
}

#[test]
fn an_operator_revokes_the_lease_of_a_node() {
    let text = told(|etcd| {
        etcd.tell(N1, grant(10));
        etcd.tell(N1, txn(&[], &[capture(N1, LEASE1)], &[]));
        etcd.command(model::Addr::Etcd, Command::RevokeLeaseOf { node: N1 });
        etcd.command(model::Addr::Etcd, Command::RevokeLeaseOf { node: N1 });
        etcd.tell(N1, renew(LEASE1));
    });
    insta::assert_snapshot!(text, @"
    n1/server: LeaseGrantRequest call1 ttl=10s
        -> Answer call1 rev0 lease1 to n1/server
    n1/server: TxnRequest call1 then: put capture/n1 = n1
        -> Answer call1 rev1 succeeded to n1/server
    RevokeLeaseOf n1 at etcd
        ** LeaseRevoked lease1 keys: capture/n1
    RevokeLeaseOf n1 at etcd
    n1/server: LeaseKeepAliveRequest call1 lease1
        -> Answer call1 rev2 lease is gone to n1/server
    ");
}

#[test]
fn a_key_that_was_put_again_without_its_lease_outlives_it() {
    let text = told(|etcd| {
        etcd.tell(N1, grant(10));
        etcd.tell(N1, txn(&[], &[capture(N1, LEASE1), capture(N2, LEASE1)], &[]));
        let put = Op::Put { key: Key::Capture(N2), value: Value::Node(N2), lease: None };
        etcd.tell(N1, txn(&[], &[put], &[]));
        etcd.advance(10_000);
        etcd.tell(N1, range(Range::Captures));
    });
    insta::assert_snapshot!(text, @"
    n1/server: LeaseGrantRequest call1 ttl=10s
        -> Answer call1 rev0 lease1 to n1/server
    n1/server: TxnRequest call1 then: put capture/n1 = n1, put capture/n2 = n2
        -> Answer call1 rev1 succeeded to n1/server
    n1/server: TxnRequest call1 then: put capture/n2 = n2
        -> Answer call1 rev2 succeeded to n1/server
    10000 ms pass
        ** LeaseExpired lease1 keys: capture/n1
    n1/server: RangeRequest call1 capture/*
        -> Answer call1 rev3 found: capture/n2 n2 rev1 rev2 version=2 to n1/server
    ");
}

#[test]
fn nothing_is_put_with_a_lease_that_is_gone() {
    let text = told(|etcd| {
        etcd.tell(N1, grant(10));
        etcd.advance(10_000);
        etcd.tell(N1, txn(&[], &[put(1, 10), owner(N1, LEASE1)], &[]));
        etcd.tell(N1, range(Range::Owners));
        etcd.tell(N1, range(Range::Jobs));
    });
    insta::assert_snapshot!(text, @"
    n1/server: LeaseGrantRequest call1 ttl=10s
        -> Answer call1 rev0 lease1 to n1/server
    10000 ms pass
        ** LeaseExpired lease1
    n1/server: TxnRequest call1 then: put status/cf1 = ts10 progress-none, put owner/lease1 = n1
        -> Answer call1 rev0 lease not found to n1/server
    n1/server: RangeRequest call1 owner/*
        -> Answer call1 rev0 nothing to n1/server
    n1/server: RangeRequest call1 status/*
        -> Answer call1 rev0 nothing to n1/server
    ");
}

#[test]
fn a_crash_of_the_server_ends_no_lease_and_keeps_none_for_ever() {
    let text = told(|etcd| {
        etcd.tell(N1, grant(10));
        etcd.tell(N1, txn(&[], &[capture(N1, LEASE1)], &[]));
        etcd.advance(6_000);
        etcd.crash();
        etcd.tell(N1, left(LEASE1));
        etcd.advance(12_999);
        etcd.tell(N1, range(Range::Captures));
        etcd.advance(1);
    });
    insta::assert_snapshot!(text, @"
    n1/server: LeaseGrantRequest call1 ttl=10s
        -> Answer call1 rev0 lease1 to n1/server
    n1/server: TxnRequest call1 then: put capture/n1 = n1
        -> Answer call1 rev1 succeeded to n1/server
    6000 ms pass
    etcd crashes
    etcd starts
    n1/server: LeaseTimeToLiveRequest call1 lease1
        -> Answer call1 rev1 left=13s to n1/server
    12999 ms pass
    n1/server: RangeRequest call1 capture/*
        -> Answer call1 rev1 found: capture/n1 n1 rev1 rev1 version=1 lease1 to n1/server
    1 ms pass
        ** LeaseExpired lease1 keys: capture/n1
    ");
}

#[test]
fn a_transaction_does_one_list_or_the_other() {
    let text = told(|etcd| {
        let absent = Compare::Created(JOB, Revision(0));
        etcd.tell(N1, txn(&[absent], &[put(1, 10)], &[]));
        etcd.tell(N2, txn(&[absent], &[put(1, 20)], &[Op::Get(Range::One(JOB))]));
        etcd.tell(N2, txn(&[Compare::Modified(JOB, Revision(1))], &[put(1, 30)], &[]));
        etcd.tell(N1, txn(&[Compare::Modified(JOB, Revision(1))], &[put(1, 40)], &[]));
        etcd.tell(N1, txn(&[Compare::Created(JOB, Revision(1)), absent], &[put(1, 50)], &[put(2, 60)]));
        etcd.tell(N1, range(Range::Jobs));
    });
    insta::assert_snapshot!(text, @"
    n1/server: TxnRequest call1 compares: created(status/cf1)=rev0 then: put status/cf1 = ts10 progress-none
        -> Answer call1 rev1 succeeded to n1/server
    n2/server: TxnRequest call1 compares: created(status/cf1)=rev0 then: put status/cf1 = ts20 progress-none otherwise: get status/cf1
        -> Answer call1 rev1 compare failed to n2/server
    n2/server: TxnRequest call1 compares: modified(status/cf1)=rev1 then: put status/cf1 = ts30 progress-none
        -> Answer call1 rev2 succeeded to n2/server
    n1/server: TxnRequest call1 compares: modified(status/cf1)=rev1 then: put status/cf1 = ts40 progress-none
        -> Answer call1 rev2 compare failed to n1/server
    n1/server: TxnRequest call1 compares: created(status/cf1)=rev1, created(status/cf1)=rev0 then: put status/cf1 = ts50 progress-none otherwise: put status/cf2 = ts60 progress-none
        -> Answer call1 rev3 compare failed to n1/server
    n1/server: RangeRequest call1 status/*
        -> Answer call1 rev3 found: status/cf1 ts30 progress-none rev1 rev2 version=2, status/cf2 ts60 progress-none rev3 rev3 version=1 to n1/server
    ");
}

#[test]
fn revisions_count_changes_and_a_key_that_comes_back_is_new() {
    let text = told(|etcd| {
        etcd.tell(N1, txn(&[], &[put(1, 10), put(2, 10)], &[]));
        etcd.tell(N1, txn(&[], &[put(1, 20)], &[]));
        etcd.tell(N1, txn(&[], &[Op::Get(Range::Jobs)], &[]));
        etcd.tell(N1, range(Range::Jobs));
        etcd.tell(N1, txn(&[], &[Op::Delete(JOB)], &[]));
        etcd.tell(N1, txn(&[], &[Op::Delete(JOB)], &[]));
        etcd.tell(N1, txn(&[], &[put(1, 30)], &[]));
        etcd.tell(N1, range(Range::One(JOB)));
    });
    insta::assert_snapshot!(text, @"
    n1/server: TxnRequest call1 then: put status/cf1 = ts10 progress-none, put status/cf2 = ts10 progress-none
        -> Answer call1 rev1 succeeded to n1/server
    n1/server: TxnRequest call1 then: put status/cf1 = ts20 progress-none
        -> Answer call1 rev2 succeeded to n1/server
    n1/server: TxnRequest call1 then: get status/*
        -> Answer call1 rev2 succeeded to n1/server
    n1/server: RangeRequest call1 status/*
        -> Answer call1 rev2 found: status/cf1 ts20 progress-none rev1 rev2 version=2, status/cf2 ts10 progress-none rev1 rev1 version=1 to n1/server
    n1/server: TxnRequest call1 then: delete status/cf1
        -> Answer call1 rev3 succeeded to n1/server
    n1/server: TxnRequest call1 then: delete status/cf1
        -> Answer call1 rev3 succeeded to n1/server
    n1/server: TxnRequest call1 then: put status/cf1 = ts30 progress-none
        -> Answer call1 rev4 succeeded to n1/server
    n1/server: RangeRequest call1 status/cf1
        -> Answer call1 rev4 found: status/cf1 ts30 progress-none rev4 rev4 version=1 to n1/server
    ");
}

#[test]
fn a_range_is_in_order_of_keys_but_the_first_owner_is_the_oldest() {
    let text = told(|etcd| {
        etcd.tell(N1, grant(10));
        etcd.tell(N2, grant(10));
        etcd.tell(N2, txn(&[], &[owner(N2, LEASE2)], &[]));
        etcd.tell(N1, txn(&[], &[owner(N1, LEASE1), put(1, 10)], &[]));
        etcd.tell(N3, range(Range::Owners));
        etcd.tell(N3, range(Range::FIRST_OWNER));
        etcd.tell(N3, range(Range::Infos));
    });
    insta::assert_snapshot!(text, @"
    n1/server: LeaseGrantRequest call1 ttl=10s
        -> Answer call1 rev0 lease1 to n1/server
    n2/server: LeaseGrantRequest call1 ttl=10s
        -> Answer call1 rev0 lease2 to n2/server
    n2/server: TxnRequest call1 then: put owner/lease2 = n2
        -> Answer call1 rev1 succeeded to n2/server
    n1/server: TxnRequest call1 then: put owner/lease1 = n1, put status/cf1 = ts10 progress-none
        -> Answer call1 rev2 succeeded to n1/server
    n3/server: RangeRequest call1 owner/*
        -> Answer call1 rev2 found: owner/lease1 n1 rev2 rev2 version=1 lease1, owner/lease2 n2 rev1 rev1 version=1 lease2 to n3/server
    n3/server: RangeRequest call1 oldest of owner/*
        -> Answer call1 rev2 found: owner/lease2 n2 rev1 rev1 version=1 lease2 to n3/server
    n3/server: RangeRequest call1 info/*
        -> Answer call1 rev2 nothing to n3/server
    ");
}

#[test]
fn a_watch_tells_every_change_of_its_keys_in_order() {
    let text = told(|etcd| {
        etcd.tell(N1, grant(10));
        etcd.tell(N3, watch(1, Range::Captures, 1));
        etcd.tell(N1, txn(&[], &[capture(N1, LEASE1), put(1, 10)], &[]));
        etcd.tell(N1, txn(&[], &[put(1, 20)], &[]));
        etcd.tell(N1, txn(&[], &[capture(N2, LEASE1)], &[]));
        etcd.tell(N3, progress(1));
        etcd.advance(10_000);
    });
    insta::assert_snapshot!(text, @"
    n1/server: LeaseGrantRequest call1 ttl=10s
        -> Answer call1 rev0 lease1 to n1/server
    n3/server: WatchCreateRequest watch1 capture/* rev1
    n1/server: TxnRequest call1 then: put capture/n1 = n1, put status/cf1 = ts10 progress-none
        -> Answer call1 rev1 succeeded to n1/server
        -> WatchResponse watch1 number=2 rev1 events: put capture/n1 = n1 to n3/server
    n1/server: TxnRequest call1 then: put status/cf1 = ts20 progress-none
        -> Answer call1 rev2 succeeded to n1/server
    n1/server: TxnRequest call1 then: put capture/n2 = n2
        -> Answer call1 rev3 succeeded to n1/server
        -> WatchResponse watch1 number=3 rev3 events: put capture/n2 = n2 to n3/server
    n3/server: WatchProgressRequest watch1
        -> WatchResponse watch1 number=3 rev3 to n3/server
    10000 ms pass
        ** LeaseExpired lease1 keys: capture/n1, capture/n2
        -> WatchResponse watch1 number=4 rev4 events: delete capture/n1, delete capture/n2 to n3/server
    ");
}

#[test]
fn a_watch_resumes_after_what_its_client_has_heard() {
    let text = told(|etcd| {
        etcd.tell(N1, txn(&[], &[put(1, 10)], &[]));
        etcd.tell(N1, txn(&[], &[put(1, 20)], &[]));
        etcd.tell(N1, txn(&[], &[put(1, 30)], &[]));
        etcd.tell(N3, watch(1, Range::Jobs, 2));
        etcd.tell(N1, txn(&[], &[put(1, 40)], &[]));
        etcd.tell(N3, watch(1, Range::Jobs, 4));
        etcd.tell(N1, txn(&[], &[put(1, 50)], &[]));
    });
    insta::assert_snapshot!(text, @"
    n1/server: TxnRequest call1 then: put status/cf1 = ts10 progress-none
        -> Answer call1 rev1 succeeded to n1/server
    n1/server: TxnRequest call1 then: put status/cf1 = ts20 progress-none
        -> Answer call1 rev2 succeeded to n1/server
    n1/server: TxnRequest call1 then: put status/cf1 = ts30 progress-none
        -> Answer call1 rev3 succeeded to n1/server
    n3/server: WatchCreateRequest watch1 status/* rev2
        -> WatchResponse watch1 number=2 rev3 events: put status/cf1 = ts20 progress-none, put status/cf1 = ts30 progress-none to n3/server
    n1/server: TxnRequest call1 then: put status/cf1 = ts40 progress-none
        -> Answer call1 rev4 succeeded to n1/server
        -> WatchResponse watch1 number=3 rev4 events: put status/cf1 = ts40 progress-none to n3/server
    n3/server: WatchCreateRequest watch1 status/* rev4
        -> WatchResponse watch1 number=2 rev4 events: put status/cf1 = ts40 progress-none to n3/server
    n1/server: TxnRequest call1 then: put status/cf1 = ts50 progress-none
        -> Answer call1 rev5 succeeded to n1/server
        -> WatchResponse watch1 number=3 rev5 events: put status/cf1 = ts50 progress-none to n3/server
    ");
}

#[test]
fn a_watch_from_revision_zero_begins_with_the_next_change() {
    let text = told(|etcd| {
        etcd.tell(N1, txn(&[], &[put(1, 10)], &[]));
        etcd.tell(N3, watch(1, Range::Jobs, 0));
        etcd.tell(N1, txn(&[], &[put(1, 20)], &[]));
    });
    insta::assert_snapshot!(text, @"
    n1/server: TxnRequest call1 then: put status/cf1 = ts10 progress-none
        -> Answer call1 rev1 succeeded to n1/server
    n3/server: WatchCreateRequest watch1 status/* rev0
    n1/server: TxnRequest call1 then: put status/cf1 = ts20 progress-none
        -> Answer call1 rev2 succeeded to n1/server
        -> WatchResponse watch1 number=2 rev2 events: put status/cf1 = ts20 progress-none to n3/server
    ");
}

#[test]
fn who_asks_for_a_watch_that_is_not_there_hears_so() {
    let text = told(|etcd| {
        etcd.tell(N3, progress(1));
        etcd.tell(N3, watch(1, Range::Jobs, 1));
        etcd.tell(N3, progress(1));
    });
    insta::assert_snapshot!(text, @"
    n3/server: WatchProgressRequest watch1
        -> WatchResponse watch1 number=0 rev0 to n3/server
    n3/server: WatchCreateRequest watch1 status/* rev1
    n3/server: WatchProgressRequest watch1
        -> WatchResponse watch1 number=1 rev0 to n3/server
    ");
}

fn owner_before(revision: u64) -> Etcd {
    range(Range::owner_before(Revision(revision)))
}

#[test]
fn whoever_campaigns_waits_for_the_youngest_of_the_older_ones() {
    let text = told(|etcd| {
        for node in [N1, N2, N3] {
            etcd.tell(node, grant(10));
        }
        etcd.tell(N2, txn(&[], &[owner(N2, LEASE2)], &[]));
        etcd.tell(N3, txn(&[], &[owner(N3, LeaseId(3))], &[]));
        etcd.tell(N1, txn(&[], &[owner(N1, LEASE1)], &[]));
        etcd.tell(N2, owner_before(1));
        etcd.tell(N3, owner_before(2));
        etcd.tell(N1, owner_before(3));
        // The one in the middle goes: the last one waits for the first from now on.
        etcd.tell(N3, revoke(LeaseId(3)));
        etcd.tell(N1, owner_before(3));
        etcd.tell(N2, revoke(LEASE2));
        etcd.tell(N1, owner_before(3));
        etcd.tell(N1, range(Range::FIRST_OWNER));
    });
    insta::assert_snapshot!(text, @"
    n1/server: LeaseGrantRequest call1 ttl=10s
        -> Answer call1 rev0 lease1 to n1/server
    n2/server: LeaseGrantRequest call1 ttl=10s
        -> Answer call1 rev0 lease2 to n2/server
    n3/server: LeaseGrantRequest call1 ttl=10s
        -> Answer call1 rev0 lease3 to n3/server
    n2/server: TxnRequest call1 then: put owner/lease2 = n2
        -> Answer call1 rev1 succeeded to n2/server
    n3/server: TxnRequest call1 then: put owner/lease3 = n3
        -> Answer call1 rev2 succeeded to n3/server
    n1/server: TxnRequest call1 then: put owner/lease1 = n1
        -> Answer call1 rev3 succeeded to n1/server
    n2/server: RangeRequest call1 youngest of owner/* until rev0
        -> Answer call1 rev3 nothing to n2/server
    n3/server: RangeRequest call1 youngest of owner/* until rev1
        -> Answer call1 rev3 found: owner/lease2 n2 rev1 rev1 version=1 lease2 to n3/server
    n1/server: RangeRequest call1 youngest of owner/* until rev2
        -> Answer call1 rev3 found: owner/lease3 n3 rev2 rev2 version=1 lease3 to n1/server
    n3/server: LeaseRevokeRequest call1 lease3
        ** LeaseRevoked lease3 keys: owner/lease3
        -> Answer call1 rev4 revoked to n3/server
    n1/server: RangeRequest call1 youngest of owner/* until rev2
        -> Answer call1 rev4 found: owner/lease2 n2 rev1 rev1 version=1 lease2 to n1/server
    n2/server: LeaseRevokeRequest call1 lease2
        ** LeaseRevoked lease2 keys: owner/lease2
        -> Answer call1 rev5 revoked to n2/server
    n1/server: RangeRequest call1 youngest of owner/* until rev2
        -> Answer call1 rev5 nothing to n1/server
    n1/server: RangeRequest call1 oldest of owner/*
        -> Answer call1 rev5 found: owner/lease1 n1 rev3 rev3 version=1 lease1 to n1/server
    ");
}

#[test]
fn a_range_by_age_has_its_order_and_its_limit() {
    let by_age = |youngest_first, created_until: Option<u64>, limit| {
        let created_until = created_until.map(Revision);
        range(Range::OwnersByAge(ByAge { youngest_first, created_until, limit }))
    };
    let text = told(|etcd| {
        for (node, lease) in [(N3, 3), (N1, 1), (N2, 2)] {
            etcd.tell(node, grant(10));
            let put = Op::Put { key: Key::Owner(LeaseId(lease)), value: Value::Node(node), lease: None };
            etcd.tell(node, txn(&[], &[put], &[]));
        }
        etcd.tell(N1, by_age(false, None, 0));
        etcd.tell(N1, by_age(true, None, 0));
        etcd.tell(N1, by_age(true, None, 2));
        etcd.tell(N1, by_age(false, Some(2), 0));
        etcd.tell(N1, by_age(true, Some(2), 1));
        etcd.tell(N1, by_age(true, Some(0), 1));
    });
    insta::assert_snapshot!(text, @"
    n3/server: LeaseGrantRequest call1 ttl=10s
        -> Answer call1 rev0 lease1 to n3/server
    n3/server: TxnRequest call1 then: put owner/lease3 = n3
        -> Answer call1 rev1 succeeded to n3/server
    n1/server: LeaseGrantRequest call1 ttl=10s
        -> Answer call1 rev1 lease2 to n1/server
    n1/server: TxnRequest call1 then: put owner/lease1 = n1
        -> Answer call1 rev2 succeeded to n1/server
    n2/server: LeaseGrantRequest call1 ttl=10s
        -> Answer call1 rev2 lease3 to n2/server
    n2/server: TxnRequest call1 then: put owner/lease2 = n2
        -> Answer call1 rev3 succeeded to n2/server
    n1/server: RangeRequest call1 oldest of owner/*
        -> Answer call1 rev3 found: owner/lease3 n3 rev1 rev1 version=1, owner/lease1 n1 rev2 rev2 version=1, owner/lease2 n2 rev3 rev3 version=1 to n1/server
    n1/server: RangeRequest call1 youngest of owner/*
        -> Answer call1 rev3 found: owner/lease2 n2 rev3 rev3 version=1, owner/lease1 n1 rev2 rev2 version=1, owner/lease3 n3 rev1 rev1 version=1 to n1/server
    n1/server: RangeRequest call1 2 youngest of owner/*
        -> Answer call1 rev3 found: owner/lease2 n2 rev3 rev3 version=1, owner/lease1 n1 rev2 rev2 version=1 to n1/server
    n1/server: RangeRequest call1 oldest of owner/* until rev2
        -> Answer call1 rev3 found: owner/lease3 n3 rev1 rev1 version=1, owner/lease1 n1 rev2 rev2 version=1 to n1/server
    n1/server: RangeRequest call1 youngest of owner/* until rev2
        -> Answer call1 rev3 found: owner/lease1 n1 rev2 rev2 version=1 to n1/server
    n1/server: RangeRequest call1 youngest of owner/* until rev0
        -> Answer call1 rev3 nothing to n1/server
    ");
}

#[test]
fn a_watch_of_what_is_forgotten_is_cancelled() {
    let text = told(|etcd| {
        etcd.tell(N1, txn(&[], &[put(1, 10)], &[]));
        etcd.tell(N1, txn(&[], &[put(1, 20)], &[]));
        etcd.tell(N1, txn(&[], &[put(1, 30)], &[]));
        etcd.tell(N2, watch(1, Range::Jobs, 3));
        etcd.command(model::Addr::Etcd, Command::Compact { keep: 0 });
        etcd.tell(N3, watch(1, Range::Jobs, 2));
        etcd.tell(N3, progress(1));
        // What has not changed since is still there, the present revision included.
        etcd.tell(N3, watch(2, Range::Jobs, 3));
        etcd.tell(N3, range(Range::Jobs));
        etcd.tell(N1, txn(&[], &[put(1, 40)], &[]));
    });
    insta::assert_snapshot!(text, @"
    n1/server: TxnRequest call1 then: put status/cf1 = ts10 progress-none
        -> Answer call1 rev1 succeeded to n1/server
    n1/server: TxnRequest call1 then: put status/cf1 = ts20 progress-none
        -> Answer call1 rev2 succeeded to n1/server
    n1/server: TxnRequest call1 then: put status/cf1 = ts30 progress-none
        -> Answer call1 rev3 succeeded to n1/server
    n2/server: WatchCreateRequest watch1 status/* rev3
        -> WatchResponse watch1 number=2 rev3 events: put status/cf1 = ts30 progress-none to n2/server
    Compact keep=0 at etcd
        ** Compacted rev3
    n3/server: WatchCreateRequest watch1 status/* rev2
        -> WatchCanceled watch1 rev3 to n3/server
    n3/server: WatchProgressRequest watch1
        -> WatchResponse watch1 number=0 rev3 to n3/server
    n3/server: WatchCreateRequest watch2 status/* rev3
        -> WatchResponse watch2 number=2 rev3 events: put status/cf1 = ts30 progress-none to n3/server
    n3/server: RangeRequest call1 status/*
        -> Answer call1 rev3 found: status/cf1 ts30 progress-none rev1 rev3 version=3 to n3/server
    n1/server: TxnRequest call1 then: put status/cf1 = ts40 progress-none
        -> Answer call1 rev4 succeeded to n1/server
        -> WatchResponse watch1 number=3 rev4 events: put status/cf1 = ts40 progress-none to n2/server
        -> WatchResponse watch2 number=3 rev4 events: put status/cf1 = ts40 progress-none to n3/server
    ");
}

#[test]
fn a_watcher_that_is_told_late_hears_everything_at_once_or_that_it_cannot() {
    let text = told(|etcd| {
        let slow = |node| Command::SlowWatches {
            node,
            by: Duration::from_secs(2),
            lasts: Some(Duration::from_secs(10)),
        };
        etcd.tell(N1, watch(1, Range::Jobs, 1));
        etcd.tell(N2, watch(1, Range::Jobs, 1));
        etcd.command(model::Addr::Etcd, slow(N1));
        etcd.tell(N3, txn(&[], &[put(1, 10)], &[]));
        etcd.advance(1_000);
        etcd.tell(N3, txn(&[], &[put(1, 20)], &[]));
        // Who has not been told of everything hears of no progress.
        etcd.tell(N1, progress(1));
        etcd.advance(1_000);
        etcd.tell(N1, progress(1));
        etcd.tell(N3, txn(&[], &[put(1, 30)], &[]));
        etcd.tell(N3, txn(&[], &[put(1, 40)], &[]));
        etcd.command(model::Addr::Etcd, Command::Compact { keep: 0 });
        etcd.advance(10_000);
        etcd.tell(N3, txn(&[], &[put(1, 50)], &[]));
        etcd.tell(N1, watch(1, Range::Jobs, 5));
    });
    insta::assert_snapshot!(text, @"
    n1/server: WatchCreateRequest watch1 status/* rev1
    n2/server: WatchCreateRequest watch1 status/* rev1
    SlowWatches n1 by=2s lasts=10s at etcd
    n3/server: TxnRequest call1 then: put status/cf1 = ts10 progress-none
        -> Answer call1 rev1 succeeded to n3/server
        -> WatchResponse watch1 number=2 rev1 events: put status/cf1 = ts10 progress-none to n2/server
    1000 ms pass
    n3/server: TxnRequest call1 then: put status/cf1 = ts20 progress-none
        -> Answer call1 rev2 succeeded to n3/server
        -> WatchResponse watch1 number=3 rev2 events: put status/cf1 = ts20 progress-none to n2/server
    n1/server: WatchProgressRequest watch1
    1000 ms pass
        -> WatchResponse watch1 number=2 rev2 events: put status/cf1 = ts10 progress-none, put status/cf1 = ts20 progress-none to n1/server
    n1/server: WatchProgressRequest watch1
        -> WatchResponse watch1 number=2 rev2 to n1/server
    n3/server: TxnRequest call1 then: put status/cf1 = ts30 progress-none
        -> Answer call1 rev3 succeeded to n3/server
        -> WatchResponse watch1 number=4 rev3 events: put status/cf1 = ts30 progress-none to n2/server
    n3/server: TxnRequest call1 then: put status/cf1 = ts40 progress-none
        -> Answer call1 rev4 succeeded to n3/server
        -> WatchResponse watch1 number=5 rev4 events: put status/cf1 = ts40 progress-none to n2/server
    Compact keep=0 at etcd
        ** Compacted rev4
        -> WatchCanceled watch1 rev4 to n1/server
    10000 ms pass
    n3/server: TxnRequest call1 then: put status/cf1 = ts50 progress-none
        -> Answer call1 rev5 succeeded to n3/server
        -> WatchResponse watch1 number=6 rev5 events: put status/cf1 = ts50 progress-none to n2/server
    n1/server: WatchCreateRequest watch1 status/* rev5
        -> WatchResponse watch1 number=2 rev5 events: put status/cf1 = ts50 progress-none to n1/server
    ");
}

#[test]
fn without_a_leader_everything_waits_and_no_lease_ends() {
    let text = told(|etcd| {
        let lose = |seconds: u64| Command::LoseLeader { lasts: Some(Duration::from_secs(seconds)) };
        etcd.tell(N1, grant(10));
        etcd.tell(N1, txn(&[], &[capture(N1, LEASE1)], &[]));
        etcd.advance(6_000);
        etcd.command(model::Addr::Etcd, lose(9));
        etcd.tell(N1, renew(LEASE1));
        etcd.tell(N2, txn(&[], &[put(1, 10)], &[]));
        // A watch needs no leader.
        etcd.tell(N3, watch(1, Range::Jobs, 1));
        etcd.advance(8_000);
        etcd.tell(N2, range(Range::Captures));
        etcd.advance(1_000);
        etcd.tell(N2, left(LEASE1));
        etcd.command(model::Addr::Etcd, lose(20));
        etcd.tell(N2, txn(&[], &[put(1, 20)], &[]));
        etcd.advance(10_999);
        etcd.advance(1);
        etcd.command(model::Addr::Etcd, Command::Recover);
        etcd.tell(N2, range(Range::Jobs));
        etcd.advance(9_000);
        etcd.tell(N2, left(LEASE1));
    });
    insta::assert_snapshot!(text, @"
    n1/server: LeaseGrantRequest call1 ttl=10s
        -> Answer call1 rev0 lease1 to n1/server
    n1/server: TxnRequest call1 then: put capture/n1 = n1
        -> Answer call1 rev1 succeeded to n1/server
    6000 ms pass
    LoseLeader lasts=9s at etcd
        ** LeaderLost
    n1/server: LeaseKeepAliveRequest call1 lease1
    n2/server: TxnRequest call1 then: put status/cf1 = ts10 progress-none
    n3/server: WatchCreateRequest watch1 status/* rev1
    8000 ms pass
    n2/server: RangeRequest call1 capture/*
    1000 ms pass
        ** LeaderFound
        -> Answer call1 rev1 left=10s to n1/server
        -> Answer call1 rev2 succeeded to n2/server
        -> WatchResponse watch1 number=2 rev2 events: put status/cf1 = ts10 progress-none to n3/server
        -> Answer call1 rev2 found: capture/n1 n1 rev1 rev1 version=1 lease1 to n2/server
    n2/server: LeaseTimeToLiveRequest call1 lease1
        -> Answer call1 rev2 left=10s to n2/server
    LoseLeader lasts=20s at etcd
        ** LeaderLost
    n2/server: TxnRequest call1 then: put status/cf1 = ts20 progress-none
    10999 ms pass
    1 ms pass
        -> RequestTimedOut call1 to n2/server
    Recover at etcd
        ** LeaderFound
    n2/server: RangeRequest call1 status/*
        -> Answer call1 rev2 found: status/cf1 ts10 progress-none rev2 rev2 version=1 to n2/server
    9000 ms pass
    n2/server: LeaseTimeToLiveRequest call1 lease1
        -> Answer call1 rev2 left=4s to n2/server
    ");
}

#[test]
fn a_request_that_fails_may_have_been_carried_out() {
    let text = told(|etcd| {
        let fail = |times_out, outcome, times| Command::FailRequests {
            kind: "TxnRequest",
            times_out,
            outcome,
            share_per_million: 1_000_000,
            times: Some(times),
            lasts: None,
        };
        etcd.tell(N3, watch(1, Range::Jobs, 1));
        etcd.command(model::Addr::Etcd, fail(true, Outcome::CarriedOut, 1));
        etcd.tell(N1, txn(&[], &[put(1, 10)], &[]));
        etcd.tell(N1, range(Range::Jobs));
        etcd.command(model::Addr::Etcd, fail(false, Outcome::NotCarriedOut, 2));
        etcd.tell(N1, txn(&[], &[put(1, 20)], &[]));
        etcd.tell(N1, txn(&[], &[put(1, 30)], &[]));
        etcd.tell(N1, txn(&[], &[put(1, 40)], &[]));
        etcd.command(model::Addr::Etcd, fail(true, Outcome::Either, 4));
        for checkpoint in 1..=5 {
            etcd.tell(N1, txn(&[], &[put(1, checkpoint)], &[]));
        }
    });
    insta::assert_snapshot!(text, @"
    n3/server: WatchCreateRequest watch1 status/* rev1
    FailRequests `TxnRequest` times_out carried-out share_per_million=1000000 times=1 at etcd
    n1/server: TxnRequest call1 then: put status/cf1 = ts10 progress-none
        ** RequestFailed `TxnRequest` carried_out
        -> RequestTimedOut call1 to n1/server
        -> WatchResponse watch1 number=2 rev1 events: put status/cf1 = ts10 progress-none to n3/server
    n1/server: RangeRequest call1 status/*
        -> Answer call1 rev1 found: status/cf1 ts10 progress-none rev1 rev1 version=1 to n1/server
    FailRequests `TxnRequest` not-carried-out share_per_million=1000000 times=2 at etcd
    n1/server: TxnRequest call1 then: put status/cf1 = ts20 progress-none
        ** RequestFailed `TxnRequest`
        -> Unavailable call1 to n1/server
    n1/server: TxnRequest call1 then: put status/cf1 = ts30 progress-none
        ** RequestFailed `TxnRequest`
        -> Unavailable call1 to n1/server
    n1/server: TxnRequest call1 then: put status/cf1 = ts40 progress-none
        -> Answer call1 rev2 succeeded to n1/server
        -> WatchResponse watch1 number=3 rev2 events: put status/cf1 = ts40 progress-none to n3/server
    FailRequests `TxnRequest` times_out either share_per_million=1000000 times=4 at etcd
    n1/server: TxnRequest call1 then: put status/cf1 = ts1 progress-none
        ** RequestFailed `TxnRequest` carried_out
        -> RequestTimedOut call1 to n1/server
        -> WatchResponse watch1 number=4 rev3 events: put status/cf1 = ts1 progress-none to n3/server
    n1/server: TxnRequest call1 then: put status/cf1 = ts2 progress-none
        ** RequestFailed `TxnRequest`
        -> RequestTimedOut call1 to n1/server
    n1/server: TxnRequest call1 then: put status/cf1 = ts3 progress-none
        ** RequestFailed `TxnRequest`
        -> RequestTimedOut call1 to n1/server
    n1/server: TxnRequest call1 then: put status/cf1 = ts4 progress-none
        ** RequestFailed `TxnRequest`
        -> RequestTimedOut call1 to n1/server
    n1/server: TxnRequest call1 then: put status/cf1 = ts5 progress-none
        -> Answer call1 rev4 succeeded to n1/server
        -> WatchResponse watch1 number=5 rev4 events: put status/cf1 = ts5 progress-none to n3/server
    ");
}
