//! The invariant `ends_at_target`, told what is written to etcd and downstream.

use crate::hand::{CF, N1, N3, settled::cluster, told::Told};
use model::{
    Actor, Addr, DispatcherId, Epoch, Place, Sim, TableId, Ts,
    coordinator::Command,
    etcd::{CallId, ChangefeedInfo, Etcd, FeedState, Inbox, Job, Key, Op as Write, Progress, Target, Value},
    sink::{Change, Note, Op, QueryId, Transaction},
};
use sim::{Decisions, Duration, Fault, Input, Seed};

const COORDINATOR: Addr = Addr::Node(N3, Place::Coordinator);

/// A changefeed that ends at ts30, as it is persisted.
fn persisted(state: FeedState, checkpoint: u64) -> [(Key, Value); 2] {
    let info =
        ChangefeedInfo { state, target: Target(Some(Ts(30))), ..ChangefeedInfo::new(Epoch(1), Ts(10)) };
    let job = Job { checkpoint: Ts(checkpoint), progress: Progress::None };
    [(Key::Info(CF), Value::Info(Box::new(info))), (Key::Job(CF), Value::Job(job))]
}

/// The services, with that in etcd.
fn services(state: FeedState, checkpoint: u64) -> Vec<(Addr, Actor)> {
    let sim = Sim::new(cluster().layout(Seed(1)), Vec::new(), Seed(1), &Decisions::default());
    let there = [Addr::Upstream, Addr::Sink].map(|addr| (addr, sim.machine(addr).clone()));
    let etcd = Etcd::holding(persisted(state, checkpoint));
    there.into_iter().chain([(Addr::Etcd, Actor::Etcd(Box::new(etcd)))]).collect()
}

/// Somebody writes that.
fn writes(told: &mut Told, state: FeedState, checkpoint: u64) -> String {
    told.see(services(state, checkpoint));
    let then = persisted(state, checkpoint).map(|(key, value)| Write::Put { key, value, lease: None });
    let (compares, otherwise) = (Vec::new(), Vec::new());
    let request = Inbox::TxnRequest { call: CallId(1), compares, then: then.into(), otherwise };
    told.hears(Addr::Etcd, COORDINATOR, request, None);
    told.found()
}

fn told() -> Told {
    let mut told = Told::by("ends_at_target", services(FeedState::Normal, 10));
    told.notes(COORDINATOR, Vec::new());
    told
}

#[test]
fn what_is_finished_has_come_to_its_target() {
    let mut told = told();
    insta::assert_snapshot!(writes(&mut told, FeedState::Normal, 20), @"");
    insta::assert_snapshot!(writes(&mut told, FeedState::Finished, 29), @"ends_at_target (early): cf1 is finished at ts29, before its target ts30");
    insta::assert_snapshot!(writes(&mut self::told(), FeedState::Finished, 30), @"");
}

#[test]
fn what_is_finished_stays_so_until_a_user_lets_it_go_on() {
    let mut told = told();
    writes(&mut told, FeedState::Finished, 30);
    insta::assert_snapshot!(writes(&mut told, FeedState::Stopped, 30), @"");
    insta::assert_snapshot!(writes(&mut told, FeedState::Normal, 31), @"ends_at_target (reopened): cf1 had come to its target ts30, and is normal again");
    let mut told = self::told();
    writes(&mut told, FeedState::Finished, 30);
    let resume = Command::ResumeChangefeed { cf: CF, overwrite: Some(Ts(10)) };
    told.step(COORDINATOR, Input::Command(resume.into()), None, Vec::new());
    insta::assert_snapshot!(writes(&mut told, FeedState::Normal, 10), @"");
}

#[test]
fn nothing_beyond_the_target_is_downstream() {
    let mut told = told();
    let mut applies = |commit| {
        let writer = DispatcherId { maker: N1, n: 7 };
        let change = Change { op: Op::Insert, table: TableId(7), key: 1, commit: Ts(commit), writer };
        let transaction = Box::new(Transaction { cf: CF, changes: vec![change] });
        let client = Addr::Node(N1, Place::Dispatchers);
        told.notes(Addr::Sink, vec![Note::Applied { client, query: QueryId(1), transaction }.into()]);
        told.found()
    };
    insta::assert_snapshot!(applies(30), @"");
    insta::assert_snapshot!(applies(31), @"ends_at_target (beyond): t7 as of ts31 is downstream, and cf1 ends at ts30");
}

#[test]
fn what_has_come_to_its_target_does_not_run_in_the_end() {
    let ends = |state, checkpoint| {
        let mut told = told();
        told.see(services(state, checkpoint));
        told.advance(Duration::from_secs(1));
        told.strikes(Fault::Calm);
        told.settle();
        told.found()
    };
    insta::assert_snapshot!(ends(FeedState::Warning, 40), @"ends_at_target (unfinished): cf1 is warning, and its checkpoint ts40 is past its target ts30");
    insta::assert_snapshot!(ends(FeedState::Finished, 40), @"");
    // That it does not come there is for another invariant.
    insta::assert_snapshot!(ends(FeedState::Normal, 20), @"");
}
