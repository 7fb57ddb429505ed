//! The invariants `api_intent` and `drained_is_empty`, shown records that are made by hand.

use crate::hand::{CF, Hand, N1, N2, N3, changefeed, create, preset, told::picture};
use model::{
    Actor, Addr, Epoch, Note, Place, Record,
    coordinator::{self, Command},
    etcd::{Etcd, FeedState, Job, Progress, Value},
    invariants::{self, Violation},
    maintainer,
};
use sim::{Input, Instant, StepId, What};

/// What users call for, and what the nodes say.
enum Event {
    Call(Command),
    Say(Note),
}

fn answer(call: &'static str, answer: &'static str) -> Event {
    Event::Say(coordinator::Note::CallAnswered { cf: CF, call, answer }.into())
}

/// What the invariant finds, if the changefeed is in this state in the end; none: it is gone.
fn found(state: Option<FeedState>, events: Vec<Event>) -> String {
    let [(info, Value::Info(known)), (job, _)] = changefeed(5) else {
        unreachable!("that is its description")
    };
    let keys = state.map(|state| {
        let known = model::etcd::ChangefeedInfo { state, ..*known };
        let progress = Job { checkpoint: model::Ts(10), progress: Progress::None };
        [(info, Value::Info(Box::new(known))), (job, Value::Job(progress))]
    });
    let etcd = Etcd::holding(keys.into_iter().flatten());
    let sim = picture(vec![(Addr::Etcd, Actor::Etcd(Box::new(etcd)))]);
    let mut watch = watch("api_intent");
    let mut violations: Vec<Violation> = Vec::new();
    for (n, event) in (1..).zip(events) {
        let actor = Addr::Node(N3, Place::Coordinator);
        let (input, notes) = match event {
            Event::Call(command) => (Input::Command(command.into()), Vec::new()),
            Event::Say(note) => (Input::Start, vec![note]),
        };
        let what = What::Step { actor, input };
        let record = Record { id: StepId(n), at: Instant::START, cause: None, what, notes };
        watch.observe(&sim, &record, &mut violations);
    }
    watch.settled(&sim, &mut violations);
    violations.iter().map(|one| format!("{one}\n")).collect()
}

fn watch(name: &str) -> Box<dyn invariants::Invariant> {
    invariants::ALL.iter().find(|named| named.name == name).expect("it exists").watch()
}

fn pause() -> Event {
    Event::Call(Command::PauseChangefeed { cf: CF })
}

fn resume() -> Event {
    Event::Call(Command::ResumeChangefeed { cf: CF, overwrite: None })
}

fn remove() -> Event {
    Event::Call(Command::RemoveChangefeed { cf: CF })
}

fn maintained() -> Event {
    Event::Say(maintainer::Note::MaintainerAdded { cf: CF, node: N1, epoch: Epoch(7) }.into())
}

#[test]
fn what_was_promised_last_holds() {
    use FeedState::{Normal, Stopped, Warning};
    let paused = || vec![pause(), answer("pause", "done")];
    let resumed = || vec![resume(), answer("resume", "done")];
    let removed = || vec![remove(), answer("remove", "done")];
    insta::assert_snapshot!(found(Some(Normal), paused()), @"api_intent (paused): cf1 was paused by a user, and is normal");
    insta::assert_snapshot!(found(Some(Stopped), resumed()), @"api_intent (resumed): cf1 was resumed by a user, and is stopped");
    insta::assert_snapshot!(found(None, resumed()), @"api_intent (resumed): cf1 was resumed by a user, and is gone");
    insta::assert_snapshot!(found(Some(Stopped), removed()), @"api_intent (removed): cf1 was removed by a user, and is stopped");
    assert_eq!(found(Some(Stopped), paused()), "");
    assert_eq!(found(None, paused()), "", "somebody has removed it since");
    assert_eq!(found(Some(Warning), resumed()), "");
    assert_eq!(found(None, removed()), "");
    let both: Vec<Event> = paused().into_iter().chain(resumed()).collect();
    assert_eq!(found(Some(Normal), both), "");
}

#[test]
fn what_was_refused_or_mixed_up_promises_nothing() {
    use FeedState::Normal;
    let refused = vec![pause(), answer("pause", "etcd does not answer")];
    assert_eq!(found(Some(Normal), refused), "");
    let mixed = vec![pause(), resume(), answer("resume", "done"), answer("pause", "done")];
    assert_eq!(found(Some(Normal), mixed), "");
    // A later call may have taken effect, though nobody has answered it.
    let open = vec![pause(), answer("pause", "done"), resume()];
    assert_eq!(found(Some(Normal), open), "");
}

#[test]
fn what_was_removed_is_never_maintained_again() {
    let revived = vec![remove(), answer("remove", "done"), maintained()];
    insta::assert_snapshot!(found(None, revived), @"api_intent (revived): cf1 has been removed, and n1 maintains it");
    let created = Event::Call(Command::CreateChangefeed { cf: CF });
    let again = vec![remove(), answer("remove", "done"), created, answer("create", "done"), maintained()];
    assert_eq!(found(Some(FeedState::Normal), again), "");
}

/// What the other invariant finds when a user is told that n2 is drained.
fn told(hand: &Hand) -> String {
    let at = Addr::Node(N2, Place::Dispatchers);
    let sim = picture(vec![(at, hand.actor().clone())]);
    let (mut watch, mut violations) = (watch("drained_is_empty"), Vec::new());
    let what = What::Step { actor: Addr::Node(N3, Place::Coordinator), input: Input::Start };
    let notes = vec![coordinator::Note::NodeDrained { node: N2 }.into()];
    let record = Record { id: StepId(1), at: Instant::START, cause: None, what, notes };
    watch.observe(&sim, &record, &mut violations);
    violations.iter().map(|one| format!("{one}\n")).collect()
}

#[test]
fn nothing_is_left_on_a_node_that_is_drained() {
    let empty = Hand::at(N2, Place::Dispatchers, preset("master"));
    assert_eq!(told(&empty), "");
    let mut hand = Hand::at(N2, Place::Dispatchers, preset("master"));
    hand.start();
    let (cf, start_ts, is_new, epoch) = (CF, model::Ts(10), false, Epoch(1));
    let request = model::dispatchers::Inbox::MaintainerBootstrapRequest {
        cf,
        start_ts,
        trigger: None,
        is_new,
        epoch,
        config: None,
        redo: Default::default(),
    };
    hand.tell(N1, request);
    assert_eq!(told(&hand), "", "a manager without dispatchers");
    hand.tell(N1, create(1, 7));
    insta::assert_snapshot!(told(&hand), @"drained_is_empty (dispatcher): n2 is said to be drained, and has d7@n1 of cf1");
}
