//! What users ask of the coordinator, by hand.

use crate::hand::{
    CF, Hand, N1, N2, N3, changefeed, preset,
    term::{self, working},
};
use model::{
    Addr, ChangefeedId, Place, Ts,
    coordinator::{Command, Inbox},
    etcd::{Key, Op, Value},
};

const COORDINATOR: Addr = Addr::Node(N3, Place::Coordinator);

/// Everything that a coordinator on n3 says and asks for, whose changefeed is maintained by n1 with epoch 5.
fn told(policy: &str, script: impl FnOnce(&mut Hand)) -> String {
    told_of(policy, 100, script)
}

/// And that is told of this checkpoint.
fn told_of(policy: &str, checkpoint: u64, script: impl FnOnce(&mut Hand)) -> String {
    let mut hand = Hand::at(N3, Place::Coordinator, preset(policy));
    let [(key, value), _] = changefeed(5);
    hand.change(Op::Put { key, value, lease: None });
    hand.elect();
    hand.report_all(Some(working(5, checkpoint)));
    hand.advance(1);
    hand.text.clear();
    script(&mut hand);
    hand.text
}

fn stopped() -> Inbox {
    Inbox::MaintainerHeartbeat { statuses: vec![term::stopped(5, 100)] }
}

fn pause() -> Command {
    Command::PauseChangefeed { cf: CF }
}

fn resume() -> Command {
    Command::ResumeChangefeed { cf: CF, overwrite: None }
}

fn remove() -> Command {
    Command::RemoveChangefeed { cf: CF }
}

/// Its user looks every second.
#[test]
fn a_pause_is_answered_when_its_stop_has_finished() {
    insta::assert_snapshot!(told("master", |hand| {
        hand.command(COORDINATOR, pause());
        hand.advance(600);
        hand.tell(N1, stopped());
        hand.advance(600);
        hand.advance(800);
    }), @"
    PauseChangefeed cf1 at n3/coordinator
        -> TxnRequest call4 then: put info/cf1 = stopped e5 ts10, put status/cf1 = ts10 stopping to etcd
    600 ms pass
        -> RemoveMaintainerRequest cf1 cascade e5 to n1/maintainers
    n1/maintainers: MaintainerHeartbeat statuses: cf1 stopped ts100 bootstrap_done e5
    600 ms pass
        -> TxnRequest call6 compares: modified(status/cf1)=rev4 then: put status/cf1 = ts10 progress-none to etcd
        ** OperatorDone cf1 `stop`
        ** CallAnswered cf1 `pause` `done`
    800 ms pass
    ");
}

#[test]
fn a_resume_is_a_new_generation() {
    let script = |hand: &mut Hand| {
        hand.command(COORDINATOR, resume());
        hand.command(COORDINATOR, pause());
        hand.advance(1);
        hand.tell(N1, stopped());
        hand.advance(600);
        hand.text.clear();
        hand.command(COORDINATOR, resume());
        hand.advance(600);
    };
    insta::assert_snapshot!(told("master", script), @"
    ResumeChangefeed cf1 at n3/coordinator
        -> TsoRequest call4 to pd
        -> TxnRequest call11 compares: modified(info/cf1)=rev4, modified(status/cf1)=rev5 then: put info/cf1 = normal e@602 ts10, put status/cf1 = ts100 progress-none to etcd
        ** EpochPersisted cf1 e@602
        ** CallAnswered cf1 `resume` `done`
    600 ms pass
        -> TsoRequest call5 to pd
        -> TxnRequest call13 compares: modified(info/cf1)=rev6 then: put info/cf1 = normal e@1000 ts10 to etcd
        ** EpochPersisted cf1 e@1000
        ** Placed cf1 n1 e@1000
        -> AddMaintainerRequest cf1 ts100 e@1000 to n1/maintainers
        ** CallAnswered cf1 `pause` `done`
    ");
    insta::assert_snapshot!(told("pr-4828", script), @"
    ResumeChangefeed cf1 at n3/coordinator
        -> TxnRequest call11 then: put info/cf1 = normal e5 ts10, put status/cf1 = ts100 progress-none to etcd
        -> TsoRequest call4 to pd
        ** EpochDrawn cf1 e@602
        ** CallAnswered cf1 `resume` `done`
    600 ms pass
        ** Placed cf1 n1 e@602
        -> AddMaintainerRequest cf1 ts100 e0 config-e5 to n1/maintainers
        ** CallAnswered cf1 `pause` `done`
    ");
    // Before it has stopped: the next maintainer has to wait.
    insta::assert_snapshot!(told("master", |hand| {
        hand.command(COORDINATOR, pause());
        hand.advance(1);
        hand.command(COORDINATOR, resume());
        hand.advance(1000);
        hand.tell(N1, stopped());
        hand.advance(600);
    }), @"
    PauseChangefeed cf1 at n3/coordinator
        -> TxnRequest call4 then: put info/cf1 = stopped e5 ts10, put status/cf1 = ts10 stopping to etcd
    1 ms pass
    ResumeChangefeed cf1 at n3/coordinator
        -> TsoRequest call3 to pd
        -> TxnRequest call8 compares: modified(info/cf1)=rev4, modified(status/cf1)=rev4 then: put info/cf1 = normal e@2 ts10, put status/cf1 = ts100 progress-none to etcd
        ** EpochPersisted cf1 e@2
        ** CallAnswered cf1 `resume` `done`
    1000 ms pass
        -> RemoveMaintainerRequest cf1 cascade e5 to n1/maintainers
        -> RemoveMaintainerRequest cf1 cascade e5 to n1/maintainers
    n1/maintainers: MaintainerHeartbeat statuses: cf1 stopped ts100 bootstrap_done e5
    600 ms pass
        ** OperatorDone cf1 `stop`
        -> TsoRequest call4 to pd
        -> TxnRequest call11 compares: modified(info/cf1)=rev5 then: put info/cf1 = normal e@1500 ts10 to etcd
        ** EpochPersisted cf1 e@1500
        ** Placed cf1 n2 e@1500
        -> AddMaintainerRequest cf1 ts100 e@1500 to n2/maintainers
    ");
}

#[test]
fn a_removed_changefeed_is_deleted_when_its_stop_has_ended() {
    insta::assert_snapshot!(told("master", |hand| {
        hand.command(COORDINATOR, remove());
        hand.command(COORDINATOR, pause());
        hand.advance(1);
        hand.tell(N1, stopped());
        hand.advance(1600);
    }), @"
    RemoveChangefeed cf1 at n3/coordinator
        -> TxnRequest call3 compares: modified(status/cf1)=rev2 then: put status/cf1 = ts10 removing to etcd
    PauseChangefeed cf1 at n3/coordinator
        ** CallAnswered cf1 `pause` `there is no such changefeed`
    1 ms pass
    n1/maintainers: MaintainerHeartbeat statuses: cf1 stopped ts100 bootstrap_done e5
    1600 ms pass
        -> TxnRequest call4 then: delete info/cf1, delete status/cf1 to etcd
        ** OperatorDone cf1 `stop`
        ** CallAnswered cf1 `remove` `done`
    ");
}

/// The stop of the pause says last that nothing is being done to the changefeed, over the word of the removal.
#[test]
fn a_removal_takes_the_place_of_a_pause() {
    insta::assert_snapshot!(told("master", |hand| {
        hand.command(COORDINATOR, pause());
        hand.advance(1);
        hand.command(COORDINATOR, remove());
        hand.advance(1);
        hand.tell(N1, stopped());
        hand.advance(1600);
    }), @"
    PauseChangefeed cf1 at n3/coordinator
        -> TxnRequest call4 then: put info/cf1 = stopped e5 ts10, put status/cf1 = ts10 stopping to etcd
    1 ms pass
    RemoveChangefeed cf1 at n3/coordinator
        -> TxnRequest call6 compares: modified(status/cf1)=rev4 then: put status/cf1 = ts10 removing to etcd
        -> TxnRequest call8 compares: modified(status/cf1)=rev5 then: put status/cf1 = ts10 progress-none to etcd
    1 ms pass
    n1/maintainers: MaintainerHeartbeat statuses: cf1 stopped ts100 bootstrap_done e5
    1600 ms pass
        -> RemoveMaintainerRequest cf1 cascade removed e5 to n3/maintainers
        -> RemoveMaintainerRequest cf1 cascade removed e5 to n3/maintainers
        ** CallAnswered cf1 `pause` `done`
        -> RemoveMaintainerRequest cf1 cascade removed e5 to n3/maintainers
    ");
}

/// Of two pauses, the first one is answered as soon as the stop of the second one takes the place of its own.
#[test]
fn the_first_of_two_pauses_is_over_at_once() {
    let script = |hand: &mut Hand| {
        hand.command(COORDINATOR, pause());
        hand.advance(201);
        hand.command(COORDINATOR, pause());
        hand.text.clear();
        hand.advance(900);
        hand.tell(N1, stopped());
        hand.advance(1200);
    };
    insta::assert_snapshot!(told("master", script), @"
    900 ms pass
        -> RemoveMaintainerRequest cf1 cascade e5 to n3/maintainers
        -> RemoveMaintainerRequest cf1 cascade e5 to n3/maintainers
        ** CallAnswered cf1 `pause` `done`
    n1/maintainers: MaintainerHeartbeat statuses: cf1 stopped ts100 bootstrap_done e5
    1200 ms pass
        -> RemoveMaintainerRequest cf1 cascade e5 to n3/maintainers
        -> RemoveMaintainerRequest cf1 cascade e5 to n3/maintainers
    ");
    insta::assert_snapshot!(
        told("master+coordinator.replaced_stop=handed_on+coordinator.second_stop=inherits", script), @"
    900 ms pass
        -> RemoveMaintainerRequest cf1 cascade e5 to n1/maintainers
        -> RemoveMaintainerRequest cf1 cascade e5 to n1/maintainers
    n1/maintainers: MaintainerHeartbeat statuses: cf1 stopped ts100 bootstrap_done e5
    1200 ms pass
        ** OperatorDone cf1 `stop`
        ** CallAnswered cf1 `pause` `done`
        ** CallAnswered cf1 `pause` `done`
    ");
}

/// Somebody else's write in between is read; a pause looks at nothing, and takes back a checkpoint.
#[test]
fn what_is_compared_and_what_is_not() {
    let interfere = |command: Command| {
        told("master", |hand| {
            hand.hold(Addr::Etcd);
            hand.command(COORDINATOR, command);
            hand.text.clear();
            let [_, (key, value)] = changefeed(5);
            let Value::Job(job) = value else { unreachable!("it is the progress") };
            while hand.waiting_for(Addr::Etcd) == Some(1) && !hand.text.contains("TxnRequest") {
                hand.serve(Addr::Etcd);
            }
            let job = model::etcd::Job { checkpoint: Ts(90), ..job };
            hand.change(Op::Put { key, value: Value::Job(job), lease: None });
            hand.release(Addr::Etcd);
            hand.advance(30);
        })
    };
    insta::assert_snapshot!(interfere(pause()), @"
    etcd answers once
    etcd answers once
        -> TxnRequest call4 then: put info/cf1 = stopped e5 ts10, put status/cf1 = ts10 stopping to etcd
    n1/server to etcd: TxnRequest call0 then: put status/cf1 = ts90 progress-none
    etcd answers
    30 ms pass
    ");
    insta::assert_snapshot!(interfere(remove()), @"
    etcd answers once
        -> TxnRequest call3 compares: modified(status/cf1)=rev2 then: put status/cf1 = ts10 removing to etcd
    n1/server to etcd: TxnRequest call0 then: put status/cf1 = ts90 progress-none
    etcd answers
    30 ms pass
        -> TxnRequest call5 compares: modified(status/cf1)=rev4 then: put status/cf1 = ts90 removing to etcd
    ");
}

#[test]
fn what_cannot_be_done_is_said() {
    insta::assert_snapshot!(told("master", |hand| {
        hand.command(COORDINATOR, Command::PauseChangefeed { cf: ChangefeedId(9) });
        hand.command(COORDINATOR, resume());
        hand.change(Op::Delete(Key::Info(CF)));
        hand.command(COORDINATOR, pause());
    }), @"
    PauseChangefeed cf9 at n3/coordinator
        ** CallAnswered cf9 `pause` `there is no such changefeed`
    ResumeChangefeed cf1 at n3/coordinator
        ** CallAnswered cf1 `resume` `it is not stopped`
    n1/server to etcd: TxnRequest call0 then: delete info/cf1
    PauseChangefeed cf1 at n3/coordinator
        ** CallAnswered cf1 `pause` `there is no such changefeed`
    ");
    let mut hand = Hand::at(N3, Place::Coordinator, preset("master"));
    hand.command(COORDINATOR, pause());
    hand.elect();
    hand.text.clear();
    hand.command(COORDINATOR, pause());
    insta::assert_snapshot!(hand.text, @"
    PauseChangefeed cf1 at n3/coordinator
        ** CallAnswered cf1 `pause` `the coordinator is not initialized`
    ");
}

/// The first one looks at the changefeed while the second one waits for the lock; a change that was seen before is written back
/// over what has happened since.
#[test]
fn an_update_writes_back_what_its_user_has_seen() {
    let script = |hand: &mut Hand| {
        hand.command(COORDINATOR, Command::UpdateChangefeed { cf: CF });
        hand.command(COORDINATOR, pause());
        hand.advance(1);
        hand.tell(N1, stopped());
        hand.advance(1600);
        hand.text.clear();
        hand.stall("ApiAgain");
        hand.command(COORDINATOR, Command::UpdateChangefeed { cf: CF });
        hand.stall_no_more();
        hand.command(COORDINATOR, resume());
        hand.go_on();
        hand.advance(1);
    };
    insta::assert_snapshot!(told("master", script), @"
    ApiAgain stands still
    UpdateChangefeed cf1 at n3/coordinator
    no more stand still
    ResumeChangefeed cf1 at n3/coordinator
        -> TsoRequest call5 to pd
        -> TxnRequest call10 compares: modified(info/cf1)=rev4, modified(status/cf1)=rev5 then: put info/cf1 = normal e@1602 ts10, put status/cf1 = ts100 progress-none to etcd
        ** EpochPersisted cf1 e@1602
        ** CallAnswered cf1 `resume` `done`
    all go on
        -> TxnRequest call11 then: put info/cf1 = stopped e5 ts10, put status/cf1 = ts100 progress-none to etcd
        ** CallAnswered cf1 `update` `done`
    1 ms pass
    ");
    insta::assert_snapshot!(told("master+coordinator.call_recheck=made", script), @"
    ApiAgain stands still
    UpdateChangefeed cf1 at n3/coordinator
    no more stand still
    ResumeChangefeed cf1 at n3/coordinator
        -> TsoRequest call5 to pd
        -> TxnRequest call10 compares: modified(info/cf1)=rev4, modified(status/cf1)=rev5 then: put info/cf1 = normal e@1602 ts10, put status/cf1 = ts100 progress-none to etcd
        ** EpochPersisted cf1 e@1602
        ** CallAnswered cf1 `resume` `done`
    all go on
        ** CallAnswered cf1 `update` `it is not stopped`
    1 ms pass
    ");
}

/// A maintainer that only removes has no checkpoint of its own, and tells the lowest there is.
#[test]
fn what_a_maintainer_that_only_removes_tells_counts() {
    let script = |hand: &mut Hand| {
        hand.command(COORDINATOR, pause());
        hand.advance(1);
        hand.tell(N1, Inbox::MaintainerHeartbeat { statuses: vec![term::stopped(5, 1)] });
        hand.advance(1600);
        hand.text.clear();
        hand.command(COORDINATOR, Command::UpdateChangefeed { cf: CF });
    };
    insta::assert_snapshot!(told_of("master", 1, script), @"
    UpdateChangefeed cf1 at n3/coordinator
        -> TxnRequest call7 then: put info/cf1 = stopped e5 ts10, put status/cf1 = ts1 progress-none to etcd
        ** CallAnswered cf1 `update` `done`
    ");
    insta::assert_snapshot!(told_of("master+coordinator.adopted_checkpoint=highest", 1, script), @"
    UpdateChangefeed cf1 at n3/coordinator
        -> TxnRequest call7 then: put info/cf1 = stopped e5 ts10, put status/cf1 = ts10 progress-none to etcd
        ** CallAnswered cf1 `update` `done`
    ");
}

/// Nobody else may have it, and its first maintainer knows that it is new.
#[test]
fn a_changefeed_is_created_once() {
    let new = || Command::CreateChangefeed { cf: ChangefeedId(2) };
    insta::assert_snapshot!(told("master", |hand| {
        hand.command(COORDINATOR, new());
        hand.command(COORDINATOR, new());
        hand.advance(600);
        let [(key, value), _] = changefeed(1);
        let (Key::Info(_), other) = (key, Key::Info(ChangefeedId(3))) else { unreachable!("it is its description") };
        hand.change(Op::Put { key: other, value, lease: None });
        hand.command(COORDINATOR, Command::CreateChangefeed { cf: ChangefeedId(3) });
    }), @"
    CreateChangefeed cf2 at n3/coordinator
        -> TsoRequest call2 to pd
        -> TxnRequest call2 compares: created(info/cf2)=rev0, created(status/cf2)=rev0 then: put info/cf2 = normal e@1 ts1, put status/cf2 = ts1 progress-none to etcd
        ** CallAnswered cf2 `create` `done`
    CreateChangefeed cf2 at n3/coordinator
        ** CallAnswered cf2 `create` `the changefeed exists`
    600 ms pass
        -> TsoRequest call4 to pd
        -> TxnRequest call4 compares: modified(info/cf2)=rev4 then: put info/cf2 = normal e@500 ts1 to etcd
        ** EpochPersisted cf2 e@500
        ** Placed cf2 n2 e@500
        -> AddMaintainerRequest cf2 ts1 is_new e@500 to n2/maintainers
    n1/server to etcd: TxnRequest call0 then: put info/cf3 = normal e1 ts10
    CreateChangefeed cf3 at n3/coordinator
        -> TsoRequest call6 to pd
        -> TxnRequest call5 compares: created(info/cf3)=rev0, created(status/cf3)=rev0 then: put info/cf3 = normal e@601 ts1, put status/cf3 = ts1 progress-none to etcd
        ** CallAnswered cf3 `create` `the changefeed exists`
    ");
}

/// It holds the lock of the API meanwhile.
#[test]
fn a_creation_waits_until_its_name_is_free() {
    insta::assert_snapshot!(told("master", |hand| {
        hand.command(COORDINATOR, remove());
        hand.command(COORDINATOR, Command::CreateChangefeed { cf: CF });
        hand.text.clear();
        hand.overlook("RemoveMaintainerRequest");
        hand.advance(1500);
        hand.command(COORDINATOR, Command::CreateChangefeed { cf: CF });
        hand.tell(N1, stopped());
        hand.advance(4000);
    }), @"
    RemoveMaintainerRequest is overlooked
    1500 ms pass
    CreateChangefeed cf1 at n3/coordinator
    n1/maintainers: MaintainerHeartbeat statuses: cf1 stopped ts100 bootstrap_done e5
    4000 ms pass
        -> TxnRequest call4 then: delete info/cf1, delete status/cf1 to etcd
        ** OperatorDone cf1 `stop`
        ** CallAnswered cf1 `remove` `done`
        -> TsoRequest call4 to pd
        -> TxnRequest call5 compares: created(info/cf1)=rev0, created(status/cf1)=rev0 then: put info/cf1 = normal e@5001 ts1, put status/cf1 = ts1 progress-none to etcd
        ** CallAnswered cf1 `create` `done`
        ** CallAnswered cf1 `create` `the changefeed exists`
        -> TsoRequest call5 to pd
        -> TxnRequest call7 compares: modified(info/cf1)=rev6 then: put info/cf1 = normal e@5500 ts1 to etcd
        ** EpochPersisted cf1 e@5500
        ** Placed cf1 n1 e@5500
    ");
}

/// A maintainer that is new starts from there, and knows that it does.
#[test]
fn a_resume_may_begin_elsewhere() {
    insta::assert_snapshot!(told("master", |hand| {
        hand.command(COORDINATOR, pause());
        hand.advance(1);
        hand.tell(N1, stopped());
        hand.advance(600);
        hand.text.clear();
        hand.command(COORDINATOR, Command::ResumeChangefeed { cf: CF, overwrite: Some(Ts(40)) });
        hand.advance(600);
    }), @"
    ResumeChangefeed cf1 ts40 at n3/coordinator
        -> TsoRequest call3 to pd
        -> TxnRequest call10 compares: modified(info/cf1)=rev4, modified(status/cf1)=rev5 then: put info/cf1 = normal e@602 ts10, put status/cf1 = ts40 progress-none to etcd
        ** EpochPersisted cf1 e@602
        ** CallAnswered cf1 `resume` `done`
    600 ms pass
        -> TsoRequest call4 to pd
        -> TxnRequest call12 compares: modified(info/cf1)=rev6 then: put info/cf1 = normal e@1000 ts10 to etcd
        ** EpochPersisted cf1 e@1000
        ** Placed cf1 n1 e@1000
        -> AddMaintainerRequest cf1 ts40 is_new e@1000 to n1/maintainers
        ** CallAnswered cf1 `pause` `done`
    ");
}

/// A deposed coordinator goes on with what users have called for; nobody executes what it queues, and the user gives up.
#[test]
fn calls_outlive_their_term() {
    insta::assert_snapshot!(told("master", |hand| {
        hand.hold(Addr::Etcd);
        hand.command(COORDINATOR, pause());
        hand.text.clear();
        hand.hear(Addr::Node(N3, Place::Server), Inbox::LeaderChanged { leader: N1 });
        hand.release(Addr::Etcd);
        hand.hear(Addr::Node(N3, Place::Server), Inbox::Elected { version: 9 });
        hand.advance(100);
        hand.overlook("CoordinatorBootstrapRequest");
        hand.advance(60_000);
    }), @"
    n3/server: LeaderChanged n1
        ** TermEnds n3 `deposed`
        -> CoordinatorStopped to n3/server
    etcd answers
        -> TxnRequest call4 then: put info/cf1 = stopped e5 ts10, put status/cf1 = ts10 stopping to etcd
    n3/server: Elected version=9
        ** TermBegins n3 version=9
        -> CoordinatorBootstrapRequest version=9 to n1/maintainers
        -> CoordinatorBootstrapRequest version=9 to n2/maintainers
        -> CoordinatorBootstrapRequest version=9 to n3/maintainers
    100 ms pass
    CoordinatorBootstrapRequest is overlooked
    60000 ms pass
        ** CallAnswered cf1 `pause` `the user has given up`
    ");
}

/// A node that does not lead looks up who does, and passes the call on; the answer comes back the same way. Three times at most.
#[test]
fn a_call_of_a_user_goes_to_whoever_leads() {
    use model::{
        coordinator::Command as Request,
        node::{Command, Inbox},
    };
    let request = || Request::PauseChangefeed { cf: CF };
    let mut hand = Hand::new(Place::Server, "master");
    hand.change(Op::Put { key: Key::Capture(N1), value: Value::Node(N1), lease: None });
    hand.change(Op::Put { key: Key::Owner(model::etcd::LeaseId(9)), value: Value::Node(N1), lease: None });
    hand.text.clear();
    let (me, coordinator) = (hand.me(), Addr::Node(N3, Place::Coordinator));
    hand.command(me, Command::ApiCall { request: request() });
    hand.hear(coordinator, Inbox::ApiNotOwner { number: 1 });
    hand.hear(Addr::Node(N1, Place::Server), Inbox::ForwardedAnswer { number: 1, answer: "done" });
    hand.hear(
        Addr::Node(N2, Place::Server),
        Inbox::ForwardedRequest { number: 7, hops: 3, request: request() },
    );
    hand.hear(coordinator, Inbox::ApiNotOwner { number: 2 });
    hand.hear(
        Addr::Node(N2, Place::Server),
        Inbox::ForwardedRequest { number: 8, hops: 1, request: request() },
    );
    hand.hear(coordinator, Inbox::ApiAnswered { number: 3, answer: "it is not stopped" });
    insta::assert_snapshot!(hand.text, @"
    ApiCall PauseChangefeed cf1 at n3/server
        -> ApiRequest number=1 PauseChangefeed cf1 to n3/coordinator
    n3/coordinator: ApiNotOwner number=1
        ** ApiForwarded n3 n1 PauseChangefeed cf1
        -> ForwardedRequest number=1 hops=1 PauseChangefeed cf1 to n1/server
    n1/server: ForwardedAnswer number=1 `done`
        ** ApiReturned n3 PauseChangefeed cf1 `done`
    n2/server: ForwardedRequest number=7 hops=3 PauseChangefeed cf1
        -> ApiRequest number=2 PauseChangefeed cf1 to n3/coordinator
    n3/coordinator: ApiNotOwner number=2
        -> ForwardedAnswer number=7 `the cluster is unavailable` to n2/server
    n2/server: ForwardedRequest number=8 hops=1 PauseChangefeed cf1
        -> ApiRequest number=3 PauseChangefeed cf1 to n3/coordinator
    n3/coordinator: ApiAnswered number=3 `it is not stopped`
        -> ForwardedAnswer number=8 `it is not stopped` to n2/server
    ");
}
