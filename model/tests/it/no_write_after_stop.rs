//! The invariant `no_write_after_stop`, told of dispatchers whose end is reported. (Fences are
//! watched in `fence`.)

use crate::hand::{CF, N1, N2, told::Told};
use model::{
    Addr, DispatcherId, IsRedo, Note, Place, Span, TableId, Ts, Twin,
    coordinator::{self, Command},
    dispatchers::{self, ComponentState, DispatcherStatus, Heartbeat},
    maintainer,
    sink::QueryId,
};
use sim::Input;

const ID: DispatcherId = DispatcherId { maker: N2, n: 7 };
const SPAN: Span = Span::whole(TableId(1));
const HERE: Addr = Addr::Node(N1, Place::Dispatchers);
const THERE: Addr = Addr::Node(N2, Place::Maintainers);

fn begins() -> Note {
    let (start_ts, redo) = (Ts(10), IsRedo(false));
    dispatchers::Note::DispatcherCreated { cf: CF, id: ID, span: SPAN, start_ts, redo }.into()
}

fn writes() -> Note {
    dispatchers::Note::WriteStarted { cf: CF, id: ID, span: SPAN, query: QueryId(1) }.into()
}

fn reports(state: ComponentState) -> maintainer::Inbox {
    let statuses = vec![DispatcherStatus { id: ID, state, checkpoint: Ts(10), redo: IsRedo(false) }];
    let heartbeat = Heartbeat { watermark: None, redo: Twin(None), statuses, complete: false, err: None };
    maintainer::Inbox::HeartBeatRequest { cf: CF, heartbeat: Box::new(heartbeat) }
}

#[test]
fn what_is_reported_gone_writes_no_more() {
    let mut told = Told::by("no_write_after_stop", Vec::new());
    told.notes(HERE, vec![begins()]);
    let sent = told.notes(HERE, vec![writes()]);
    told.hears(THERE, HERE, reports(ComponentState::Working), Some(sent));
    told.notes(HERE, vec![writes()]);
    assert_eq!(told.found(), "");
    told.hears(THERE, HERE, reports(ComponentState::Stopped), Some(sent));
    assert_eq!(told.found(), "");
    told.notes(HERE, vec![writes()]);
    insta::assert_snapshot!(told.found(), @"no_write_after_stop (dispatcher): d7@n2 writes t1 of cf1 on n1, and its maintainer knows that it is gone");
    told.notes(HERE, vec![writes()]);
    assert_eq!(told.found(), "", "it is told once");
}

#[test]
fn what_is_created_again_is_another_one() {
    let mut told = Told::by("no_write_after_stop", Vec::new());
    let sent = told.notes(HERE, vec![begins()]);
    told.notes(HERE, vec![begins()]);
    // The report of the end of the first one has been on its way for long.
    told.hears(THERE, HERE, reports(ComponentState::Removed), Some(sent));
    told.notes(HERE, vec![writes()]);
    told.notes(Addr::Node(N2, Place::Dispatchers), vec![writes()]);
    assert_eq!(told.found(), "");
}

#[test]
fn a_paused_changefeed_writes_nothing_until_it_is_resumed() {
    let mut told = Told::by("no_write_after_stop", Vec::new());
    let coordinator = Addr::Node(N2, Place::Coordinator);
    let calls = |told: &mut Told, command: Command| {
        told.step(coordinator, Input::Command(command.into()), None, Vec::new());
    };
    let answers = |told: &mut Told, call| {
        let note = coordinator::Note::CallAnswered { cf: CF, call, answer: "done" };
        told.notes(coordinator, vec![note.into()]);
    };
    calls(&mut told, Command::PauseChangefeed { cf: CF });
    told.notes(HERE, vec![writes()]);
    assert_eq!(told.found(), "", "nobody has been told yet");
    answers(&mut told, "pause");
    told.notes(HERE, vec![writes()]);
    insta::assert_snapshot!(told.found(), @"no_write_after_stop (paused): d7@n2 at n1/dispatchers writes t1 of cf1, which is paused");
    calls(&mut told, Command::ResumeChangefeed { cf: CF, overwrite: None });
    told.notes(HERE, vec![writes()]);
    calls(&mut told, Command::RemoveChangefeed { cf: CF });
    answers(&mut told, "remove");
    assert_eq!(told.found(), "");
    told.notes(HERE, vec![writes()]);
    insta::assert_snapshot!(told.found(), @"no_write_after_stop (removed): d7@n2 at n1/dispatchers writes t1 of cf1, which is removed");
}

/// A call to resume is under way when a pause is answered; it may be carried out after the pause.
#[test]
fn a_pause_promises_nothing_while_a_resume_is_under_way() {
    let mut told = Told::by("no_write_after_stop", Vec::new());
    let coordinator = Addr::Node(N2, Place::Coordinator);
    let answered = |told: &mut Told, call, answer| {
        let note = coordinator::Note::CallAnswered { cf: CF, call, answer };
        told.notes(coordinator, vec![note.into()]);
    };
    for command in
        [Command::ResumeChangefeed { cf: CF, overwrite: None }, Command::PauseChangefeed { cf: CF }]
    {
        told.step(coordinator, Input::Command(command.into()), None, Vec::new());
    }
    answered(&mut told, "pause", "done");
    told.notes(HERE, vec![writes()]);
    assert_eq!(told.found(), "", "it may have been resumed since");
    answered(&mut told, "resume", "it is not stopped");
    told.step(coordinator, Input::Command(Command::PauseChangefeed { cf: CF }.into()), None, Vec::new());
    answered(&mut told, "pause", "done");
    told.notes(HERE, vec![writes()]);
    insta::assert_snapshot!(told.found(), @"no_write_after_stop (paused): d7@n2 at n1/dispatchers writes t1 of cf1, which is paused");
}
