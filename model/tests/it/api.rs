//! What users ask of the coordinator, by hand.

use crate::hand::{CF, Hand, N1, N2, N3, changefeed, preset};
use model::{
    Addr, ChangefeedId, Epoch, Place, Ts,
    coordinator::{Command, Inbox, MaintainerState, MaintainerStatus},
    etcd::{Key, Op, Value},
};

const COORDINATOR: Addr = Addr::Node(N3, Place::Coordinator);

/// Everything that a coordinator on n3 says and asks for, whose changefeed is maintained by n1 with epoch 5.
fn told(policy: &str, script: impl FnOnce(&mut Hand)) -> String {
    let mut hand = Hand::at(N3, Place::Coordinator, preset(policy));
    let [(key, value), _] = changefeed(5);
    hand.change(Op::Put { key, value, lease: None });
    hand.hear(Addr::Node(N3, Place::Server), Inbox::Elected { version: 7 });
    for (node, statuses) in [(N1, vec![status(MaintainerState::Working)]), (N2, vec![]), (N3, vec![])] {
        hand.tell(node, Inbox::CoordinatorBootstrapResponse { version: 7, statuses, drain: None });
    }
    hand.advance(1);
    hand.text.clear();
    script(&mut hand);
    hand.text
}

fn status(state: MaintainerState) -> MaintainerStatus {
    MaintainerStatus {
        cf: CF,
        state,
        checkpoint: Ts(100),
        bootstrap_done: true,
        epoch: Epoch(5),
        err: None,
        drain: None,
    }
}

fn stopped() -> Inbox {
    Inbox::MaintainerHeartbeat { statuses: vec![status(MaintainerState::Stopped)] }
}

fn pause() -> Command {
    Command::PauseChangefeed { cf: CF }
}

fn resume() -> Command {
    Command::ResumeChangefeed { cf: CF }
}

fn remove() -> Command {
    Command::RemoveChangefeed { cf: CF }
}

#[test]
fn a_pause_is_answered_when_its_stop_has_ended() {
    insta::assert_snapshot!(told("master", |hand| {
        hand.command(COORDINATOR, pause());
        hand.advance(600);
        hand.tell(N1, stopped());
        hand.advance(600);
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
        -> TsoRequest call1 to pd
        -> TxnRequest call9 compares: modified(info/cf1)=rev4, modified(status/cf1)=rev5 then: put info/cf1 = normal e@602 ts10, put status/cf1 = ts100 progress-none to etcd
        ** EpochPersisted cf1 e@602
        ** CallAnswered cf1 `resume` `done`
    600 ms pass
        -> TsoRequest call2 to pd
        -> TxnRequest call11 compares: modified(info/cf1)=rev6 then: put info/cf1 = normal e@1000 ts10 to etcd
        ** EpochPersisted cf1 e@1000
        ** Placed cf1 n1 e@1000
        -> AddMaintainerRequest cf1 ts100 e@1000 to n1/maintainers
    ");
    insta::assert_snapshot!(told("pr-4828", script), @"
    ResumeChangefeed cf1 at n3/coordinator
        -> TxnRequest call9 then: put info/cf1 = normal e5 ts10, put status/cf1 = ts100 progress-none to etcd
        ** CallAnswered cf1 `resume` `done`
    600 ms pass
        ** Placed cf1 n1 e5
        -> AddMaintainerRequest cf1 ts100 e0 config-e5 to n1/maintainers
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
        -> TsoRequest call1 to pd
        -> TxnRequest call7 compares: modified(info/cf1)=rev4, modified(status/cf1)=rev4 then: put info/cf1 = normal e@2 ts10, put status/cf1 = ts100 progress-none to etcd
        ** EpochPersisted cf1 e@2
        ** CallAnswered cf1 `resume` `done`
    1000 ms pass
        -> RemoveMaintainerRequest cf1 cascade e5 to n1/maintainers
        -> RemoveMaintainerRequest cf1 cascade e5 to n1/maintainers
    n1/maintainers: MaintainerHeartbeat statuses: cf1 stopped ts100 bootstrap_done e5
    600 ms pass
        ** OperatorDone cf1 `stop`
        ** CallAnswered cf1 `pause` `done`
        -> TsoRequest call2 to pd
        -> TxnRequest call10 compares: modified(info/cf1)=rev5 then: put info/cf1 = normal e@1500 ts10 to etcd
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
        hand.advance(600);
    }), @"
    RemoveChangefeed cf1 at n3/coordinator
        -> TxnRequest call3 compares: modified(status/cf1)=rev2 then: put status/cf1 = ts10 removing to etcd
    PauseChangefeed cf1 at n3/coordinator
        ** CallAnswered cf1 `pause` `there is no such changefeed`
    1 ms pass
    n1/maintainers: MaintainerHeartbeat statuses: cf1 stopped ts100 bootstrap_done e5
    600 ms pass
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
        hand.advance(600);
    }), @"
    PauseChangefeed cf1 at n3/coordinator
        -> TxnRequest call4 then: put info/cf1 = stopped e5 ts10, put status/cf1 = ts10 stopping to etcd
    1 ms pass
    RemoveChangefeed cf1 at n3/coordinator
        -> TxnRequest call6 compares: modified(status/cf1)=rev4 then: put status/cf1 = ts10 removing to etcd
        ** CallAnswered cf1 `pause` `done`
        -> TxnRequest call8 compares: modified(status/cf1)=rev5 then: put status/cf1 = ts10 progress-none to etcd
    1 ms pass
    n1/maintainers: MaintainerHeartbeat statuses: cf1 stopped ts100 bootstrap_done e5
    600 ms pass
        -> RemoveMaintainerRequest cf1 cascade removed e5 to n3/maintainers
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
    hand.hear(Addr::Node(N3, Place::Server), Inbox::Elected { version: 7 });
    hand.text.clear();
    hand.command(COORDINATOR, pause());
    insta::assert_snapshot!(hand.text, @"
    PauseChangefeed cf1 at n3/coordinator
        ** CallAnswered cf1 `pause` `the coordinator is not initialized`
    ");
}
