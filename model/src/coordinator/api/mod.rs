//! What users ask of a coordinator: to create, pause, resume, remove or update a changefeed, or to drain a node.
//!
//! Every call runs by itself, as a request of HTTP does. Those that change a changefeed look at it first, as a reader, and then
//! have the lock of the API to themselves, from their first read to the stop that they queue; the schedulers and the event loop
//! do not take it. Who pauses or removes is answered when the stop has finished, which is looked at every second. A user waits
//! for a minute.
//!
//! Calls are neither cancelled nor awaited when a term ends: what has come before that, a coordinator that is deposed goes on
//! with.

mod create;
mod safepoint;
mod stop;
mod write;

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
};

use sim::Duration;

use crate::{
    ChangefeedId, Cx, Epoch, NodeId, Ts,
    coordinator::{Note, PdCall, Term, Timer, Wait, drain, epoch::draws_epoch},
    etcd::{self, Answer, CallId, ChangefeedInfo, Compare, Job, Key, Kv, Progress, Range, Value},
    node,
    pd::Service,
    vocabulary::{Say, vocabulary},
};

vocabulary! {
    /// What somebody outside asks for; a node that does not lead has nothing to do with it.
    pub enum Command {
        /// A changefeed that is not there is to replicate everything from the beginning.
        CreateChangefeed { cf: ChangefeedId },
        /// Nobody is to replicate the changefeed any more; what is known of it stays.
        PauseChangefeed { cf: ChangefeedId },
        /// A paused changefeed goes on from its checkpoint, or from that which is given.
        ResumeChangefeed { cf: ChangefeedId, overwrite: Option<Ts> },
        /// The changefeed is to be forgotten.
        RemoveChangefeed { cf: ChangefeedId },
        /// A paused changefeed gets another configuration; what it says is not modelled.
        UpdateChangefeed { cf: ChangefeedId },
        /// A node is to be left by everything: goes on with that, and asks how far it is.
        DrainNode { node: NodeId },
        /// The maintainer of a changefeed is to move to another node; no user can ask for that, it stands for a scheduler.
        MoveMaintainer { cf: ChangefeedId },
        /// Another node is to lead.
        ResignOwner,
    }
}

/// A call of a user, counted by the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApiCall(pub u32);

/// So often a write is tried that somebody else's gets in front of.
const TRIES: u32 = 10;
const BETWEEN_TRIES: Duration = Duration::from_millis(25);
/// How often it is looked whether a stop has finished.
const POLL: Duration = Duration::from_secs(1);
/// How long a user waits for an answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// The calls of users.
#[derive(Clone, Debug, Default)]
pub(super) struct Api {
    calls: BTreeMap<ApiCall, Call>,
    /// Those that wait for the lock, the first one first.
    queue: VecDeque<ApiCall>,
    /// Who has the lock to himself, and who shares it for longer than a step.
    writer: Option<ApiCall>,
    readers: Vec<ApiCall>,
}

impl Api {
    /// Whether somebody has the lock who is about to change what is persisted of a changefeed.
    pub(super) fn is_changing(&self, cf: ChangefeedId) -> bool {
        let writer = self.writer.and_then(|writer| self.calls.get(&writer));
        writer.is_some_and(|call| call.command.changefeed() == Some(cf))
    }
}

/// A call that is under way.
#[derive(Clone, Debug)]
struct Call {
    command: Command,
    /// The number under which the server of this node waits for the answer, if it passed the call on.
    asked: Option<u32>,
    /// What was found at the first look.
    info: Option<ChangefeedInfo>,
    checkpoint: Ts,
    /// The oracle's timestamp, if the call asks for one.
    candidate: Epoch,
    tries: u32,
    /// What PD keeps for it.
    ensured: Option<Service>,
    stage: Stage,
}

#[derive(Clone, Debug)]
enum Stage {
    /// Waits to look at the changefeed, or has waited for that.
    Look,
    /// Reads as a reader what is persisted.
    Persisted,
    /// Has PD keep what comes after the beginning.
    Ensure,
    /// Waits for the lock.
    Lock,
    /// Waits for the operator of a changefeed that had the same name, and has done so as often.
    Name(u32),
    /// Waits for a timestamp.
    Candidate,
    /// Writes back what was seen at the first look.
    Update,
    /// Reads the description.
    Info,
    /// Reads the progress.
    Job(Option<ChangefeedInfo>, Option<Compare>),
    /// Writes.
    Write(Option<ChangefeedInfo>),
    /// Has written, and waits for a timestamp that begins a generation in memory.
    Epoch(ChangefeedInfo),
    /// Has written, and waits for the lock of the operators.
    Stop,
    /// Has put a stop in the place of another operator, whose last action is under way.
    Stopping(u64),
    /// Waits for the stop of this number.
    Poll(u64),
    /// Has removed the last changefeed, and tells PD so.
    Release,
    /// Asks how far the draining is.
    Drain,
}

impl Command {
    /// The changefeed that it is about.
    pub fn changefeed(&self) -> Option<ChangefeedId> {
        match self {
            Command::CreateChangefeed { cf }
            | Command::PauseChangefeed { cf }
            | Command::ResumeChangefeed { cf, .. }
            | Command::RemoveChangefeed { cf }
            | Command::UpdateChangefeed { cf }
            | Command::MoveMaintainer { cf } => Some(*cf),
            Command::DrainNode { .. } | Command::ResignOwner => None,
        }
    }

    /// What it is called in answers.
    pub fn called(&self) -> &'static str {
        match self {
            Command::CreateChangefeed { .. } => "create",
            Command::PauseChangefeed { .. } => "pause",
            Command::ResumeChangefeed { .. } => "resume",
            Command::RemoveChangefeed { .. } => "remove",
            Command::UpdateChangefeed { .. } => "update",
            Command::DrainNode { .. } => "drain",
            Command::ResignOwner => "resign",
            Command::MoveMaintainer { .. } => "move",
        }
    }
}

impl Api {
    /// Whether calls are under way.
    pub(super) fn is_busy(&self) -> bool {
        !self.calls.is_empty()
    }

    fn stage(&self, call: ApiCall) -> Option<&Stage> {
        self.calls.get(&call).map(|call| &call.stage)
    }
}

impl Term {
    /// A user calls, perhaps by way of another node.
    pub(super) fn on_command(&mut self, command: &Command, asked: Option<u32>, cx: &mut Cx) {
        if let Command::MoveMaintainer { cf } = command {
            return match self.initialized {
                true => self.move_maintainer(*cf, cx),
                false => answer(command, asked, "the coordinator is not initialized", cx),
            };
        }
        let drains = matches!(command, Command::DrainNode { .. });
        if !self.initialized && !drains {
            return answer(command, asked, "the coordinator is not initialized", cx);
        }
        self.ids += 1;
        let call = ApiCall(self.ids);
        let stage = if drains { Stage::Drain } else { Stage::Look };
        let (info, checkpoint, candidate, tries) = (None, Ts::NONE, Epoch::NONE, 0);
        let ensured = None;
        let new =
            Call { command: command.clone(), asked, info, checkpoint, candidate, tries, ensured, stage };
        self.api.calls.insert(call, new);
        cx.out.alarm(Timer::ApiGivesUp { call }.into(), PATIENCE);
        if drains {
            self.api_drain(call, cx);
        } else {
            self.api.queue.push_back(call);
            self.api_lock(cx);
        }
    }

    /// Whoever is first in the queue gets the lock, if it is free for him.
    fn api_lock(&mut self, cx: &mut Cx) {
        while self.api.writer.is_none()
            && let Some(call) = self.api.queue.front().copied()
        {
            let reads = matches!(self.api.stage(call), Some(Stage::Look));
            if !reads && !self.api.readers.is_empty() {
                return;
            }
            self.api.queue.pop_front();
            if reads {
                self.api_look(call, cx);
            } else {
                self.api.writer = Some(call);
                self.api_begin(call, cx);
            }
        }
    }

    /// The first look at a changefeed, as a reader.
    fn api_look(&mut self, call: ApiCall, cx: &mut Cx) {
        let Some(one) = self.api.calls.get_mut(&call) else { return };
        let found = one.command.changefeed().and_then(|cf| self.changefeeds.get(cf));
        one.info = found.map(|found| found.info.clone());
        one.checkpoint = found.map_or(Ts::NONE, |found| found.checkpoint());
        match (&one.command, &one.info) {
            (Command::CreateChangefeed { .. }, Some(_)) => {
                return self.api_ends(call, "the changefeed exists", cx);
            }
            (Command::CreateChangefeed { .. }, None) => {}
            (_, None) => return self.api_ends(call, "there is no such changefeed", cx),
            (Command::UpdateChangefeed { .. }, Some(info)) if !info.state.is_updatable() => {
                return self.api_ends(call, "it is not stopped", cx);
            }
            (Command::ResumeChangefeed { cf, .. }, Some(_)) => {
                let range = Range::One(Key::Info(*cf));
                one.stage = Stage::Persisted;
                self.api.readers.push(call);
                return self.api_call(call, |call| etcd::Inbox::RangeRequest { call, range }, cx);
            }
            (_, Some(_)) => {}
        }
        let creates = matches!(one.command, Command::CreateChangefeed { .. });
        let ensures = creates && cx.process.config.gc.is_some();
        one.stage = if ensures { Stage::Ensure } else { Stage::Lock };
        cx.out.give_way(Timer::ApiAgain { call }.into());
    }

    /// A resume looks at what is persisted first: somebody outside may have changed it.
    fn api_on_persisted(&mut self, call: ApiCall, found: Option<&Kv>, cx: &mut Cx) {
        self.api.readers.retain(|reader| *reader != call);
        match found.map(|kv| &kv.value) {
            Some(Value::Info(info)) if info.state.is_resumable() => {
                let ensures = cx.process.config.gc.is_some();
                self.api_goes_to(call, if ensures { Stage::Ensure } else { Stage::Lock }, cx);
            }
            Some(_) => self.api_ends(call, "it is not stopped", cx),
            None => self.api_ends(call, "there is no such changefeed", cx),
        }
        self.api_lock(cx);
    }

    /// A call has the lock.
    fn api_begin(&mut self, call: ApiCall, cx: &mut Cx) {
        let Some(one) = self.api.calls.get_mut(&call) else { return };
        let found = one.command.changefeed().and_then(|cf| self.changefeeds.get(cf));
        if let Some(found) = found
            && cx.policy().coordinator.call_recheck.is_made()
        {
            one.info = Some(found.info.clone());
            one.checkpoint = found.checkpoint();
            if matches!(one.command, Command::UpdateChangefeed { .. }) && !found.info.state.is_updatable() {
                return self.api_ends(call, "it is not stopped", cx);
            }
        }
        let stage = match (&one.command, found) {
            (Command::CreateChangefeed { .. }, Some(_)) => {
                return self.api_ends(call, "the changefeed exists", cx);
            }
            (Command::CreateChangefeed { .. }, None) => Stage::Name(0),
            (_, None) => return self.api_ends(call, "there is no such changefeed", cx),
            (Command::ResumeChangefeed { .. }, Some(found)) if !found.info.state.is_resumable() => {
                return self.api_ends(call, "it is not stopped", cx);
            }
            (Command::ResumeChangefeed { .. }, Some(_)) if cx.policy().coordinator.resume.bumps() => {
                Stage::Candidate
            }
            (Command::ResumeChangefeed { .. } | Command::PauseChangefeed { .. }, Some(_)) => Stage::Info,
            (Command::RemoveChangefeed { .. }, Some(_)) => Stage::Job(None, None),
            (Command::UpdateChangefeed { .. }, Some(_)) => Stage::Update,
            (Command::DrainNode { .. } | Command::ResignOwner | Command::MoveMaintainer { .. }, _) => {
                unreachable!("it takes no lock")
            }
        };
        self.api_goes_to(call, stage, cx);
    }

    fn api_goes_to(&mut self, call: ApiCall, stage: Stage, cx: &mut Cx) {
        if let Some(one) = self.api.calls.get_mut(&call) {
            one.stage = stage;
            self.api_step(call, cx);
        }
    }

    /// Asks for what the call needs next.
    fn api_step(&mut self, call: ApiCall, cx: &mut Cx) {
        let Some(Call { command, stage, .. }) = self.api.calls.get(&call) else { return };
        let cf = command.changefeed().unwrap_or(ChangefeedId(0));
        match stage {
            Stage::Look | Stage::Persisted | Stage::Write(_) | Stage::Release => {}
            Stage::Ensure => self.api_ensure(call, cx),
            Stage::Lock => {
                self.api.queue.push_back(call);
                self.api_lock(cx);
            }
            Stage::Name(times) => self.api_waits_for_name(call, cf, *times, cx),
            Stage::Candidate | Stage::Epoch(_) => {
                let number = self.next_pd_call();
                self.ask_for_timestamp(number, PdCall::Api(call), cx);
            }
            Stage::Info => self.api_read(call, Key::Info(cf), cx),
            Stage::Job(..) => self.api_read(call, Key::Job(cf), cx),
            Stage::Update => self.api_update(call, cx),
            Stage::Stop => self.api_stop(call, cx),
            Stage::Stopping(_) | Stage::Poll(_) => self.api_polls(call, cx),
            Stage::Drain => self.api_drain(call, cx),
        }
    }

    fn api_read(&mut self, call: ApiCall, key: Key, cx: &mut Cx) {
        let range = Range::One(key);
        self.api_call(call, |call| etcd::Inbox::RangeRequest { call, range }, cx);
    }

    fn api_call(&mut self, call: ApiCall, request: impl FnOnce(CallId) -> etcd::Inbox, cx: &mut Cx) {
        self.calls.call(cx, Wait::Api { call }, request);
    }

    /// The call is over.
    pub(super) fn api_ends(&mut self, call: ApiCall, how: &'static str, cx: &mut Cx) {
        let Some(Call { command, asked, ensured, .. }) = self.api.calls.remove(&call) else { return };
        if let Some(service) = ensured {
            self.api_keeps(&command, service, how == "done", cx);
        }
        answer(&command, asked, how, cx);
        self.api_lets_go(call, cx);
    }

    /// Whatever the call has of the lock is free.
    fn api_lets_go(&mut self, call: ApiCall, cx: &mut Cx) {
        self.api.queue.retain(|waiting| *waiting != call);
        self.api.readers.retain(|reader| *reader != call);
        self.api.writer.take_if(|writer| *writer == call);
        self.api_lock(cx);
    }

    /// The user does not wait any longer: a call that waits for something ends, whatever becomes of what it has asked for. One
    /// that is about to stop a maintainer does not notice before it has.
    pub(super) fn api_gives_up(&mut self, call: ApiCall, cx: &mut Cx) {
        match self.api.stage(call) {
            None | Some(Stage::Stop | Stage::Stopping(_)) => {}
            Some(_) => self.api_ends(call, "the user has given up", cx),
        }
    }

    pub(super) fn api_on_tso(&mut self, call: ApiCall, candidate: Epoch, cx: &mut Cx) {
        let Some(one) = self.api.calls.get_mut(&call) else { return };
        if let (Stage::Epoch(info), Some(cf)) = (&one.stage, one.command.changefeed()) {
            let info = ChangefeedInfo { epoch: candidate, ..info.clone() };
            cx.note(Note::EpochDrawn { cf, epoch: candidate });
            return self.api_written(call, Some(info), cx);
        }
        one.candidate = candidate;
        match (&one.stage, &one.command) {
            (Stage::Candidate, Command::DrainNode { .. }) => self.api_goes_to(call, Stage::Drain, cx),
            (Stage::Candidate, Command::CreateChangefeed { .. }) => self.api_create(call, cx),
            (Stage::Candidate, _) => self.api_goes_to(call, Stage::Info, cx),
            _ => {}
        }
    }

    pub(super) fn api_failed(&mut self, call: ApiCall, cx: &mut Cx) {
        self.api_ends(call, "etcd does not answer", cx);
    }

    /// An alarm of the call rings: it goes on with what it waited for, or tries again.
    pub(super) fn api_again(&mut self, call: ApiCall, cx: &mut Cx) {
        match self.api.stage(call) {
            Some(Stage::Write(_)) => {
                let removes = matches!(
                    self.api.calls.get(&call).map(|call| &call.command),
                    Some(Command::RemoveChangefeed { .. })
                );
                let stage = if removes { Stage::Job(None, None) } else { Stage::Info };
                self.api_goes_to(call, stage, cx);
            }
            Some(_) => self.api_step(call, cx),
            None => {}
        }
    }

    /// The lock of the operators is free.
    pub(super) fn api_may_go_on(&mut self, cx: &mut Cx) {
        let wait = |(call, one): (&ApiCall, &Call)| {
            matches!(one.stage, Stage::Stop | Stage::Stopping(_) | Stage::Drain).then_some(*call)
        };
        for call in self.api.calls.iter().filter_map(wait).collect::<Vec<_>>() {
            self.api_step(call, cx);
        }
    }

    /// A call about a node. The look at operators takes their lock.
    fn api_drain(&mut self, call: ApiCall, cx: &mut Cx) {
        let Some(one) = self.api.calls.get(&call).filter(|_| !self.operators.is_locked()) else { return };
        let Command::DrainNode { node } = one.command else { return };
        let step = match one.candidate {
            Epoch::NONE => self.poll_drain(node, cx),
            tso => self.poll_drain_with(node, tso, cx),
        };
        let how = match step {
            drain::Step::Waits => return self.api_goes_to(call, Stage::Candidate, cx),
            drain::Step::Answered(remaining) => {
                cx.note(Note::DrainAnswered { node, remaining });
                if remaining == 0 { "done" } else { "something is left" }
            }
            drain::Step::Refused(why) => {
                cx.note(Note::DrainRefused { node, why });
                why
            }
        };
        self.api_ends(call, how, cx);
    }

    /// The number of the next call to PD.
    pub(super) fn next_pd_call(&mut self) -> CallId {
        self.ids += 1;
        CallId(self.ids)
    }
}

/// The user, or the server that has passed the call on, is told.
fn answer(command: &Command, asked: Option<u32>, answer: &'static str, cx: &mut Cx) {
    if let Some(cf) = command.changefeed() {
        cx.note(Note::CallAnswered { cf, call: command.called(), answer });
    }
    if let Some(number) = asked {
        cx.tell(crate::Place::Server, node::Inbox::ApiAnswered { number, answer });
    }
}

/// What etcd answers to a call.
impl Term {
    pub(super) fn on_api_answer(&mut self, call: ApiCall, answer: &Answer, cx: &mut Cx) {
        let Some(stage) = self.api.stage(call).cloned() else { return };
        match (stage, answer) {
            (Stage::Persisted, Answer::Range(found)) => self.api_on_persisted(call, found.first(), cx),
            (Stage::Info, Answer::Range(found)) => match found.first() {
                Some(Kv { key, value: Value::Info(info), modified, .. }) => {
                    let info = ChangefeedInfo::clone(info);
                    let stage = Stage::Job(Some(info), Some(Compare::Modified(*key, *modified)));
                    self.api_goes_to(call, stage, cx);
                }
                _ => self.api_ends(call, "there is no such changefeed", cx),
            },
            (Stage::Job(info, compare), Answer::Range(found)) => match found.first() {
                // It is being removed already: nothing is written.
                Some(Kv { value: Value::Job(Job { progress: Progress::Removing, .. }), .. })
                    if info.is_none() =>
                {
                    self.api_written(call, None, cx);
                }
                Some(Kv { key, value: Value::Job(job), modified, .. }) => {
                    let compares = [compare, Some(Compare::Modified(*key, *modified))];
                    self.api_write(call, info, job.clone(), compares, cx);
                }
                _ => self.api_ends(call, "there is no such changefeed", cx),
            },
            (Stage::Write(Some(info)), Answer::Txn { succeeded: true, .. })
                if draws_epoch(cx) && self.is_unpersisted_resume(call) =>
            {
                self.api_goes_to(call, Stage::Epoch(info), cx);
            }
            (Stage::Write(info), Answer::Txn { succeeded: true, .. }) => self.api_written(call, info, cx),
            (Stage::Write(_), Answer::Txn { .. }) => self.api_conflict(call, cx),
            _ => {}
        }
    }
}

impl Term {
    /// Whether a call resumes without having persisted a new generation.
    fn is_unpersisted_resume(&self, call: ApiCall) -> bool {
        self.api.calls.get(&call).is_some_and(|one| {
            matches!(one.command, Command::ResumeChangefeed { .. }) && one.candidate == Epoch::NONE
        })
    }
}

impl Say for Command {
    fn say(&self, _: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " {self}")
    }
}

impl fmt::Display for ApiCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "api{}", self.0)
    }
}
