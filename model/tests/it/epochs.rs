//! How a coordinator gets and persists epochs when PD or etcd fail, and what it loads.

use crate::hand::{CF, Hand, N1, N3, changefeed, preset};
use model::{
    Addr, ChangefeedId, Epoch, Place, Policy, Ts,
    coordinator::{Command as Call, Inbox},
    etcd::{ChangefeedInfo, Command, FeedState, Job, Key, Op, Outcome, Progress, Value},
    pd,
    policy::{BumpBase, BumpCompare, BumpJob, BumpLimit, PdFallback},
};

/// What `n3/coordinator` does from its election on; nobody runs a maintainer.
fn elected(policy: Policy, script: impl FnOnce(&mut Hand)) -> String {
    let mut hand = Hand::at(N3, Place::Coordinator, policy);
    script(&mut hand);
    hand.text
}

fn elect(hand: &mut Hand) {
    hand.elect();
    hand.report_all(None);
    hand.advance(0);
}

/// With epoch 5; what follows is how an add is admitted.
fn admits(policy: Policy, script: impl FnOnce(&mut Hand)) -> String {
    elected(policy, |hand| {
        persist(hand, 5);
        hand.overlook("CoordinatorBootstrapRequest");
        hand.overlook("AddMaintainerRequest");
        hand.text.clear();
        script(hand);
    })
}

fn persist(hand: &mut Hand, epoch: u64) {
    let [(key, value), _] = changefeed(epoch);
    hand.change(Op::Put { key, value, lease: None });
}

fn put(hand: &mut Hand, key: Key, value: Value) {
    hand.change(Op::Put { key, value, lease: None });
}

fn info(epoch: u64) -> ChangefeedInfo {
    ChangefeedInfo::new(Epoch(epoch), Ts(20))
}

/// Transactions fail, once.
fn fail(times_out: bool, outcome: Outcome) -> Command {
    let (kind, share_per_million, times) = ("TxnRequest", 1_000_000, Some(1));
    Command::FailRequests { kind, times_out, outcome, share_per_million, times, lasts: None }
}

fn without_fallback() -> Policy {
    let mut policy = preset("master");
    policy.coordinator.pd_fallback = PdFallback::Fails;
    policy
}

#[test]
fn pd_is_refused_and_the_clock_stands_in_for_it() {
    let refused = |hand: &mut Hand| {
        hand.hold(Addr::Pd);
        elect(hand);
        hand.text.clear();
        hand.lose(Addr::Pd);
        let call = model::etcd::CallId(1);
        hand.hear(Addr::Pd, pd::Reply::TsoUnavailable { call });
    };
    insta::assert_snapshot!(admits(preset("master"), refused), @"
    what pd was asked is lost
    pd: TsoUnavailable call1
        ** TsoFailed e-clock@0
        -> TxnRequest call3 compares: modified(info/cf1)=rev3 then: put info/cf1 = normal e-clock@0 ts10 to etcd
        ** EpochPersisted cf1 e-clock@0
        ** Placed cf1 n1 e-clock@0
    ");
    insta::assert_snapshot!(admits(without_fallback(), refused), @"
    what pd was asked is lost
    pd: TsoUnavailable call1
        ** TsoFailed
        ** BumpFailed cf1 `PD does not answer`
    ");
}

/// The epochs of PD are smaller than one that came from a clock: the next one is one more.
#[test]
fn when_pd_is_back_epochs_count_on_from_the_clock() {
    let text = elected(preset("master"), |hand| {
        let clock = "e-clock@12000000000".parse().expect("an epoch");
        let info = ChangefeedInfo { epoch: clock, ..info(1) };
        put(hand, Key::Info(CF), Value::Info(Box::new(info)));
        hand.text.clear();
        hand.overlook("CoordinatorBootstrapRequest");
        hand.advance(20_000);
        elect(hand);
    });
    insta::assert_snapshot!(text, @"
    CoordinatorBootstrapRequest is overlooked
    20000 ms pass
    n3/server: Elected version=7
        ** TermBegins n3 version=7
    n1/maintainers: CoordinatorBootstrapResponse version=7
    n2/maintainers: CoordinatorBootstrapResponse version=7
    n3/maintainers: CoordinatorBootstrapResponse version=7
        ** Bootstrapped changefeeds=1
    0 ms pass
        -> TsoRequest call1 to pd
        -> TxnRequest call3 compares: modified(info/cf1)=rev3 then: put info/cf1 = normal e-clock@12000000001 ts20 to etcd
        ** EpochPersisted cf1 e-clock@12000000001
        ** Placed cf1 n1 e-clock@12000000001
        -> AddMaintainerRequest cf1 ts10 e-clock@12000000001 to n1/maintainers
    ");
}

/// The timestamp and what follows share ten seconds; when they are over nobody takes the clock for it either.
#[test]
fn pd_that_hangs_takes_all_the_time_of_an_admission() {
    let hangs = |hand: &mut Hand| {
        hand.hold(Addr::Pd);
        elect(hand);
        hand.text.clear();
        hand.advance(9_999);
        hand.advance(1);
        hand.release(Addr::Pd);
        hand.advance(500);
    };
    insta::assert_snapshot!(admits(preset("master"), hangs), @"
    9999 ms pass
    1 ms pass
        ** BumpFailed cf1 `it took too long`
    pd answers
    500 ms pass
        -> TsoRequest call2 to pd
        -> TxnRequest call3 compares: modified(info/cf1)=rev3 then: put info/cf1 = normal e@10500 ts10 to etcd
        ** EpochPersisted cf1 e@10500
        ** Placed cf1 n2 e@10500
    ");
    let mut unlimited = preset("master");
    unlimited.coordinator.bump_limit = BumpLimit::None;
    insta::assert_snapshot!(admits(unlimited, hangs), @"
    9999 ms pass
    1 ms pass
        ** TsoFailed e-clock@10000000000
        -> TxnRequest call3 compares: modified(info/cf1)=rev3 then: put info/cf1 = normal e-clock@10000000000 ts10 to etcd
        ** EpochPersisted cf1 e-clock@10000000000
        ** Placed cf1 n1 e-clock@10000000000
    pd answers
    500 ms pass
    ");
}

/// A resume has no limit of its own: the client of PD gives up after ten seconds.
#[test]
fn a_resume_gets_its_epoch_from_the_clock_as_well() {
    let resume = |hand: &mut Hand| {
        let info = ChangefeedInfo { state: FeedState::Stopped, ..info(5) };
        put(hand, Key::Info(CF), Value::Info(Box::new(info)));
        elect(hand);
        hand.text.clear();
        hand.hold(Addr::Pd);
        hand.command(hand.me(), Call::ResumeChangefeed { cf: CF, overwrite: None });
        hand.advance(10_000);
    };
    insta::assert_snapshot!(admits(preset("master"), resume), @"
    pd is silent
    ResumeChangefeed cf1 at n3/coordinator
        -> TsoRequest call2 to pd
    10000 ms pass
        ** TsoFailed e-clock@10000000000
        -> TxnRequest call5 compares: modified(info/cf1)=rev4, modified(status/cf1)=rev2 then: put info/cf1 = normal e-clock@10000000000 ts20, put status/cf1 = ts10 progress-none to etcd
        ** EpochPersisted cf1 e-clock@10000000000
        ** CallAnswered cf1 `resume` `done`
        -> TsoRequest call3 to pd
    ");
    insta::assert_snapshot!(admits(without_fallback(), resume), @"
    pd is silent
    ResumeChangefeed cf1 at n3/coordinator
        -> TsoRequest call2 to pd
    10000 ms pass
        ** TsoFailed
        ** CallAnswered cf1 `resume` `etcd does not answer`
    ");
}

/// It was carried out, and the client tries it again: it finds its own epoch, and takes it for somebody else's.
#[test]
fn a_bump_that_is_tried_again_bumps_once_more() {
    let text = admits(preset("master"), |hand| {
        hand.command(Addr::Etcd, fail(true, Outcome::CarriedOut));
        elect(hand);
        hand.advance(5_000);
    });
    insta::assert_snapshot!(text, @"
    FailRequests `TxnRequest` times_out carried-out share_per_million=1000000 times=1 at etcd
    n3/server: Elected version=7
        ** TermBegins n3 version=7
    n1/maintainers: CoordinatorBootstrapResponse version=7
    n2/maintainers: CoordinatorBootstrapResponse version=7
    n3/maintainers: CoordinatorBootstrapResponse version=7
        ** Bootstrapped changefeeds=1
    0 ms pass
        -> TsoRequest call1 to pd
        -> TxnRequest call3 compares: modified(info/cf1)=rev3 then: put info/cf1 = normal e6 ts10 to etcd
        ** RequestFailed `TxnRequest` carried_out
    5000 ms pass
        -> TxnRequest call3 compares: modified(info/cf1)=rev3 then: put info/cf1 = normal e6 ts10 to etcd
        -> TxnRequest call5 compares: modified(info/cf1)=rev4 then: put info/cf1 = normal e7 ts10 to etcd
        ** EpochPersisted cf1 e7
        ** Placed cf1 n1 e7
    ");
}

/// The connection is lost after the write: the operator is not queued, what is persisted stays ahead, and the next bump is
/// larger than that.
#[test]
fn a_bump_of_unknown_outcome_leaves_what_is_persisted_ahead() {
    let text = admits(preset("master"), |hand| {
        hand.command(Addr::Etcd, fail(false, Outcome::CarriedOut));
        elect(hand);
        hand.advance(500);
    });
    insta::assert_snapshot!(text, @"
    FailRequests `TxnRequest` carried-out share_per_million=1000000 times=1 at etcd
    n3/server: Elected version=7
        ** TermBegins n3 version=7
    n1/maintainers: CoordinatorBootstrapResponse version=7
    n2/maintainers: CoordinatorBootstrapResponse version=7
    n3/maintainers: CoordinatorBootstrapResponse version=7
        ** Bootstrapped changefeeds=1
    0 ms pass
        -> TsoRequest call1 to pd
        -> TxnRequest call3 compares: modified(info/cf1)=rev3 then: put info/cf1 = normal e6 ts10 to etcd
        ** RequestFailed `TxnRequest` carried_out
        ** BumpFailed cf1 `etcd does not answer`
    500 ms pass
        -> TsoRequest call2 to pd
        -> TxnRequest call5 compares: modified(info/cf1)=rev4 then: put info/cf1 = normal e@500 ts10 to etcd
        ** EpochPersisted cf1 e@500
        ** Placed cf1 n2 e@500
    ");
}

/// It is not given up when its coordinator is deposed, and is persisted after the successor's.
#[test]
fn a_bump_outlives_its_term() {
    let text = admits(preset("master"), |hand| {
        hand.hold(Addr::Pd);
        elect(hand);
        hand.text.clear();
        hand.hear(Addr::Node(N3, Place::Server), Inbox::LeaderChanged { leader: N1 });
        put(hand, Key::Info(CF), Value::Info(Box::new(info(9))));
        hand.advance(5_000);
        hand.release(Addr::Pd);
    });
    insta::assert_snapshot!(text, @"
    n3/server: LeaderChanged n1
        ** TermLingers n3 `deposed`
    n1/server to etcd: TxnRequest call0 then: put info/cf1 = normal e9 ts20
    5000 ms pass
    pd answers
        -> TxnRequest call3 compares: modified(info/cf1)=rev4 then: put info/cf1 = normal e@5000 ts20 to etcd
        ** EpochPersisted cf1 e@5000
        ** Placed cf1 n1 e@5000
        ** TermEnds n3 `deposed`
        -> CoordinatorStopped to n3/server
    ");
}

/// Somebody changes what is persisted while the timestamp is waited for, and the progress while the epoch is written.
fn in_the_way(policy: Policy) -> String {
    admits(policy, |hand| {
        hand.hold(Addr::Pd);
        elect(hand);
        let failed = ChangefeedInfo { epoch: Epoch(9), error: Some("edited".into()), ..info(5) };
        hand.text.clear();
        put(hand, Key::Info(CF), Value::Info(Box::new(failed)));
        hand.hold_only(Addr::Etcd, "TxnRequest");
        hand.release(Addr::Pd);
        hand.release(Addr::Etcd);
    })
}

#[test]
fn what_a_bump_is_founded_on_and_what_it_writes() {
    let with = |change: fn(&mut model::policy::Coordinator)| {
        let mut policy = preset("master");
        change(&mut policy.coordinator);
        in_the_way(policy)
    };
    insta::assert_snapshot!(with(|_| {}), @"
    n1/server to etcd: TxnRequest call0 then: put info/cf1 = normal e9 ts20 `edited`
    etcd does not hear TxnRequest
    pd answers
        -> TxnRequest call3 compares: modified(info/cf1)=rev4 then: put info/cf1 = normal e10 ts20 `edited` to etcd
    etcd answers
        ** EpochPersisted cf1 e10
        ** Placed cf1 n1 e10
    ");
    insta::assert_snapshot!(with(|one| one.bump_base = BumpBase::Memory), @"
    n1/server to etcd: TxnRequest call0 then: put info/cf1 = normal e9 ts20 `edited`
    etcd does not hear TxnRequest
    pd answers
        -> TxnRequest call3 compares: modified(info/cf1)=rev4 then: put info/cf1 = normal e6 ts10 to etcd
    etcd answers
        ** EpochPersisted cf1 e6
        ** Placed cf1 n1 e6
    ");
    insta::assert_snapshot!(with(|one| one.bump_compare = BumpCompare::None), @"
    n1/server to etcd: TxnRequest call0 then: put info/cf1 = normal e9 ts20 `edited`
    etcd does not hear TxnRequest
    pd answers
        -> TxnRequest call3 then: put info/cf1 = normal e10 ts20 `edited` to etcd
    etcd answers
        ** EpochPersisted cf1 e10
        ** Placed cf1 n1 e10
    ");
    insta::assert_snapshot!(with(|one| one.bump_job = BumpJob::Overwritten), @"
    n1/server to etcd: TxnRequest call0 then: put info/cf1 = normal e9 ts20 `edited`
    etcd does not hear TxnRequest
    pd answers
        -> TxnRequest call3 compares: modified(info/cf1)=rev4 then: put info/cf1 = normal e10 ts20 `edited`, put status/cf1 = ts10 progress-none to etcd
    etcd answers
        ** EpochPersisted cf1 e10
        ** Placed cf1 n1 e10
    ");
    insta::assert_snapshot!(with(|one| one.bump_job = BumpJob::Compared), @"
    n1/server to etcd: TxnRequest call0 then: put info/cf1 = normal e9 ts20 `edited`
    etcd does not hear TxnRequest
    pd answers
        -> TxnRequest call4 compares: modified(info/cf1)=rev4, modified(status/cf1)=rev2 then: put info/cf1 = normal e10 ts20 `edited`, put status/cf1 = ts10 progress-none to etcd
    etcd answers
        ** EpochPersisted cf1 e10
        ** Placed cf1 n1 e10
    ");
}

/// The progress is written all the time: an epoch that waits for it to stand still is not persisted.
#[test]
fn an_epoch_that_compares_the_progress_may_never_be_persisted() {
    let busy = |job| {
        let mut policy = preset("master");
        policy.coordinator.bump_job = job;
        let text = admits(policy, |hand| {
            hand.hold_only(Addr::Etcd, "TxnRequest");
            elect(hand);
            for checkpoint in 101.. {
                if hand.waiting_for(Addr::Etcd) != Some(1) {
                    break;
                }
                let job = Job { checkpoint: Ts(checkpoint), progress: Progress::None };
                put(hand, Key::Job(CF), Value::Job(job));
                hand.serve(Addr::Etcd);
                hand.advance(25);
            }
        });
        let notes = ["EpochPersisted", "BumpFailed"];
        let notes = text.lines().filter(|line| notes.iter().any(|note| line.contains(note)));
        notes.map(|line| line.trim().to_owned()).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(busy(BumpJob::Untouched), @"** EpochPersisted cf1 e6");
    insta::assert_snapshot!(busy(BumpJob::Compared), @"** BumpFailed cf1 `too many conflicts`");
}

/// Descriptions without an id are written again, progress that is not there is begun; what makes no sense is skipped.
#[test]
fn loading_mends_what_old_versions_have_left() {
    let text = elected(preset("master"), |hand| {
        let cf = ChangefeedId;
        put(hand, Key::Info(cf(1)), Value::OldInfo(Box::new(info(5))));
        put(hand, Key::Job(cf(1)), Value::Undecodable);
        put(hand, Key::Info(cf(2)), Value::Undecodable);
        put(hand, Key::Job(cf(2)), Value::Job(Job { checkpoint: Ts(30), progress: Progress::None }));
        put(hand, Key::Job(cf(3)), Value::Job(Job { checkpoint: Ts(30), progress: Progress::None }));
        put(hand, Key::Info(cf(4)), Value::Info(Box::new(info(6))));
        hand.text.clear();
        hand.overlook("CoordinatorBootstrapRequest");
        hand.hold(Addr::Pd);
        elect(hand);
        hand.text += &hand.state();
    });
    insta::assert_snapshot!(text, @"
    CoordinatorBootstrapRequest is overlooked
    pd is silent
    n3/server: Elected version=7
        ** TermBegins n3 version=7
    n1/maintainers: CoordinatorBootstrapResponse version=7
    n2/maintainers: CoordinatorBootstrapResponse version=7
    n3/maintainers: CoordinatorBootstrapResponse version=7
        ** Undecodable info/cf2
        ** Undecodable status/cf1
        -> TxnRequest call2 then: put info/cf1 = normal e5 ts20 to etcd
        -> TxnRequest call3 then: put status/cf1 = ts20 progress-none to etcd
        -> TxnRequest call4 then: put status/cf4 = ts20 progress-none to etcd
        ** Bootstrapped changefeeds=2
    0 ms pass
        -> TsoRequest call1 to pd
    n3 is alive and sees n1, n2, n3
    term version=7 initialized
      gc-safepoint ts20
      cf1 absent normal e5 ts20 saved ts20
      cf4 absent normal e6 ts20 saved ts20
    ");
}

/// If progress cannot be written the changefeed is not there; if the id cannot be, nothing is lost.
#[test]
fn loading_goes_on_without_what_cannot_be_mended() {
    let mended = |only: &'static str| {
        elected(preset("master"), |hand| {
            put(hand, Key::Info(CF), Value::OldInfo(Box::new(info(5))));
            if only == "progress" {
                put(hand, Key::Info(CF), Value::Info(Box::new(info(5))));
                put(hand, Key::Job(CF), Value::Undecodable);
            }
            hand.text.clear();
            hand.overlook("CoordinatorBootstrapRequest");
            hand.hold(Addr::Pd);
            hand.hold_only(Addr::Etcd, "TxnRequest");
            elect(hand);
            hand.lose(Addr::Etcd);
            hand.advance(31_000);
            hand.text += &hand.state();
        })
    };
    insta::assert_snapshot!(mended("id"), @"
    CoordinatorBootstrapRequest is overlooked
    pd is silent
    etcd does not hear TxnRequest
    n3/server: Elected version=7
        ** TermBegins n3 version=7
    n1/maintainers: CoordinatorBootstrapResponse version=7
    n2/maintainers: CoordinatorBootstrapResponse version=7
    n3/maintainers: CoordinatorBootstrapResponse version=7
        -> TxnRequest call2 then: put info/cf1 = normal e5 ts20 to etcd
    0 ms pass
    what etcd was asked is lost
    31000 ms pass
        ** Bootstrapped changefeeds=1
        -> TsoRequest call1 to pd
    n3 is alive and sees n1, n2, n3
    term version=7 initialized
      gc-safepoint ts10
      cf1 absent normal e5 ts10 saved ts10
    ");
    insta::assert_snapshot!(mended("progress"), @"
    CoordinatorBootstrapRequest is overlooked
    pd is silent
    etcd does not hear TxnRequest
    n3/server: Elected version=7
        ** TermBegins n3 version=7
    n1/maintainers: CoordinatorBootstrapResponse version=7
    n2/maintainers: CoordinatorBootstrapResponse version=7
    n3/maintainers: CoordinatorBootstrapResponse version=7
        ** Undecodable status/cf1
        -> TxnRequest call2 then: put status/cf1 = ts20 progress-none to etcd
    0 ms pass
    what etcd was asked is lost
    31000 ms pass
        ** Bootstrapped changefeeds=0
    n3 is alive and sees n1, n2, n3
    term version=7 initialized
    ");
}
