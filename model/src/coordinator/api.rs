//! What users ask of a coordinator: to pause, resume or remove a changefeed.
//!
//! One call at a time has the lock of the API, from its first read to the stop that it queues; the schedulers and the event
//! loop do not take it. Who pauses or removes is answered when the stop has ended.

use std::collections::VecDeque;

use sim::Duration;

use crate::{
    ChangefeedId, Cx, Epoch, Ts,
    coordinator::{
        Note, PdCall, Term, Timer, Wait,
        epoch::{draws_epoch, epoch_after},
    },
    etcd::{
        self, Answer, CallId, ChangefeedInfo, Compare, FeedState, Job, Key, Kv, Op, Progress, Range, Value,
    },
    vocabulary::vocabulary,
};

vocabulary! {
    /// What somebody outside asks for; a node that does not lead has nothing to do with it.
    pub enum Command {
        /// Nobody is to replicate the changefeed any more; what is known of it stays.
        PauseChangefeed { cf: ChangefeedId },
        /// A paused changefeed goes on from its checkpoint.
        ResumeChangefeed { cf: ChangefeedId },
        /// The changefeed is to be forgotten.
        RemoveChangefeed { cf: ChangefeedId },
        /// The maintainer of a changefeed is to move to another node; no user can ask for that, it stands for a scheduler.
        MoveMaintainer { cf: ChangefeedId },
    }
}

/// So often a write is tried that somebody else's gets in front of.
const TRIES: u32 = 10;
const BETWEEN_TRIES: Duration = Duration::from_millis(25);

/// The calls of users.
#[derive(Clone, Debug, Default)]
pub(super) struct Api {
    /// Those that wait for the lock.
    queue: VecDeque<Command>,
    at: Option<Call>,
    /// Those that wait for the end of a stop, by its number.
    waiting: Vec<(u64, Command)>,
}

/// The call that has the lock.
#[derive(Clone, Debug)]
struct Call {
    command: Command,
    /// The oracle's timestamp, if the call asks for one.
    candidate: Option<Epoch>,
    tries: u32,
    stage: Stage,
}

#[derive(Clone, Debug)]
enum Stage {
    /// Waits for a timestamp.
    Candidate,
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
}

impl Command {
    pub(super) fn changefeed(&self) -> ChangefeedId {
        match self {
            Command::PauseChangefeed { cf }
            | Command::ResumeChangefeed { cf }
            | Command::RemoveChangefeed { cf }
            | Command::MoveMaintainer { cf } => *cf,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Command::PauseChangefeed { .. } => "pause",
            Command::ResumeChangefeed { .. } => "resume",
            Command::RemoveChangefeed { .. } => "remove",
            Command::MoveMaintainer { .. } => "move",
        }
    }
}

impl Api {
    /// The call that has the lock, if there is one.
    pub(super) fn at(&self) -> Option<&Command> {
        self.at.as_ref().map(|call| &call.command)
    }
}

impl Term {
    /// A user calls.
    pub(super) fn on_command(&mut self, command: &Command, cx: &mut Cx) {
        if !self.initialized {
            return answer(command, "the coordinator is not initialized", cx);
        }
        if let Command::MoveMaintainer { cf } = command {
            return self.move_maintainer(*cf, cx);
        }
        self.api.queue.push_back(command.clone());
        self.next_call(cx);
    }

    /// The next call takes the lock.
    fn next_call(&mut self, cx: &mut Cx) {
        while self.api.at.is_none()
            && let Some(command) = self.api.queue.pop_front()
        {
            let Some(changefeed) = self.changefeeds.get(command.changefeed()) else {
                answer(&command, "there is no such changefeed", cx);
                continue;
            };
            let resumes = matches!(command, Command::ResumeChangefeed { .. });
            if resumes && !changefeed.info.state.is_resumable() {
                answer(&command, "it is not stopped", cx);
                continue;
            }
            let stage = match command {
                Command::ResumeChangefeed { .. } if cx.policy().coordinator.resume.bumps() => {
                    Stage::Candidate
                }
                Command::ResumeChangefeed { .. } | Command::PauseChangefeed { .. } => Stage::Info,
                Command::RemoveChangefeed { .. } => Stage::Job(None, None),
                Command::MoveMaintainer { .. } => unreachable!("no call of a user"),
            };
            self.api.at = Some(Call { command, candidate: None, tries: 0, stage });
            self.api_step(cx);
        }
    }

    /// Asks for what the call needs next.
    fn api_step(&mut self, cx: &mut Cx) {
        let Some(Call { command, stage, .. }) = &self.api.at else { return };
        let cf = command.changefeed();
        match stage {
            Stage::Candidate | Stage::Epoch(_) => {
                let call = self.next_pd_call();
                self.ask_for_timestamp(call, PdCall::Api, cx);
            }
            Stage::Info => self.api_read(Key::Info(cf), cx),
            Stage::Job(..) => self.api_read(Key::Job(cf), cx),
            Stage::Write(_) => {}
            Stage::Stop => self.api_stop(cx),
        }
    }

    fn api_read(&mut self, key: Key, cx: &mut Cx) {
        let range = Range::One(key);
        self.calls.call(cx, Wait::Api, |call| etcd::Inbox::RangeRequest { call, range });
    }

    fn api_goes_to(&mut self, stage: Stage, cx: &mut Cx) {
        if let Some(call) = &mut self.api.at {
            call.stage = stage;
            self.api_step(cx);
        }
    }

    /// The call is over.
    fn api_ends(&mut self, how: &'static str, cx: &mut Cx) {
        if let Some(call) = self.api.at.take() {
            answer(&call.command, how, cx);
        }
        self.next_call(cx);
    }

    pub(super) fn api_on_tso(&mut self, candidate: Epoch, cx: &mut Cx) {
        let Some(call) = &mut self.api.at else { return };
        if let Stage::Epoch(info) = &call.stage {
            let (command, info) = (call.command.clone(), ChangefeedInfo { epoch: candidate, ..info.clone() });
            cx.note(Note::EpochDrawn { cf: command.changefeed(), epoch: candidate });
            return self.api_written(&command, Some(info), cx);
        }
        call.candidate = Some(candidate);
        self.api_goes_to(Stage::Info, cx);
    }

    pub(super) fn api_failed(&mut self, cx: &mut Cx) {
        self.api_ends("etcd does not answer", cx);
    }

    /// Somebody else's write got in front: reads again.
    pub(super) fn api_again(&mut self, cx: &mut Cx) {
        let stage = match self.api.at() {
            Some(Command::RemoveChangefeed { .. }) => Stage::Job(None, None),
            _ => Stage::Info,
        };
        self.api_goes_to(stage, cx);
    }

    pub(super) fn on_api_answer(&mut self, answer: &Answer, cx: &mut Cx) {
        let Some(Call { command, stage, candidate, tries }) = self.api.at.clone() else { return };
        match (stage, answer) {
            (Stage::Info, Answer::Range(found)) => match found.first() {
                Some(Kv { key, value: Value::Info(info), modified, .. }) => {
                    let info = ChangefeedInfo::clone(info);
                    let stage = Stage::Job(Some(info), Some(Compare::Modified(*key, *modified)));
                    self.api_goes_to(stage, cx);
                }
                _ => self.api_ends("there is no such changefeed", cx),
            },
            (Stage::Job(info, compare), Answer::Range(found)) => match found.first() {
                Some(Kv { key, value: Value::Job(job), modified, .. }) => {
                    let compares = [compare, Some(Compare::Modified(*key, *modified))];
                    self.api_write(&command, info, job.clone(), candidate, compares, cx);
                }
                _ => self.api_ends("there is no such changefeed", cx),
            },
            (Stage::Write(info), Answer::Txn { succeeded: true, .. }) => {
                let unpersisted = matches!(command, Command::ResumeChangefeed { .. }) && candidate.is_none();
                match info {
                    Some(info) if unpersisted && draws_epoch(cx) => self.api_goes_to(Stage::Epoch(info), cx),
                    info => self.api_written(&command, info, cx),
                }
            }
            (Stage::Write(_), Answer::Txn { .. }) if tries >= TRIES => {
                self.api_ends("too many conflicts", cx)
            }
            (Stage::Write(_), Answer::Txn { .. }) => cx.out.alarm(Timer::ApiAgain.into(), BETWEEN_TRIES),
            _ => {}
        }
    }

    /// A pause compares nothing; a removal compares the progress, and a resume both. Before pingcap/ticdc#5434 a resume
    /// compared nothing either.
    fn api_write(
        &mut self,
        command: &Command,
        info: Option<ChangefeedInfo>,
        job: Job,
        candidate: Option<Epoch>,
        compares: [Option<Compare>; 2],
        cx: &mut Cx,
    ) {
        let known = info.unwrap_or(ChangefeedInfo {
            state: FeedState::Normal,
            epoch: Epoch::NONE,
            start_ts: Ts::NONE,
            error: None,
        });
        let (info, job, compares) = match command {
            Command::PauseChangefeed { .. } => {
                let info = ChangefeedInfo { state: FeedState::Stopped, ..known };
                (Some(info), Job { progress: Progress::Stopping, ..job }, [None, None])
            }
            Command::RemoveChangefeed { .. } => (None, Job { progress: Progress::Removing, ..job }, compares),
            Command::ResumeChangefeed { cf } => {
                let (epoch, compares) = match candidate {
                    Some(candidate) => (epoch_after(known.epoch, candidate, cx), compares),
                    None => (Some(known.epoch), [None, None]),
                };
                let Some(epoch) = epoch else { return self.api_ends("changefeed epoch overflow", cx) };
                let checkpoint = self.changefeeds.get(*cf).map_or(job.checkpoint, |one| one.checkpoint());
                let error = cx.policy().coordinator.resume_error.of(known.error);
                let info = ChangefeedInfo { state: FeedState::Normal, epoch, error, ..known };
                (Some(info), Job { checkpoint, progress: Progress::None }, compares)
            }
            Command::MoveMaintainer { .. } => unreachable!("no call of a user"),
        };
        let cf = command.changefeed();
        let put = |key, value| Op::Put { key, value, lease: None };
        let mut then = vec![put(Key::Job(cf), Value::Job(job))];
        if let Some(info) = &info {
            then.insert(0, put(Key::Info(cf), Value::Info(Box::new(info.clone()))));
        }
        let compares: Vec<Compare> = compares.into_iter().flatten().collect();
        if let Some(call) = &mut self.api.at {
            call.stage = Stage::Write(info);
            call.tries += 1;
        }
        self.calls.txn(cx, Wait::Api, compares, then);
    }

    /// It is persisted; now the memory follows.
    fn api_written(&mut self, command: &Command, info: Option<ChangefeedInfo>, cx: &mut Cx) {
        let cf = command.changefeed();
        match command {
            Command::PauseChangefeed { .. } => {
                if let Some(changefeed) = self.changefeeds.get_mut(cf) {
                    changefeed.info.state = FeedState::Stopped;
                }
                self.api_goes_to(Stage::Stop, cx);
            }
            Command::RemoveChangefeed { .. } => self.api_goes_to(Stage::Stop, cx),
            Command::ResumeChangefeed { .. } => {
                let bumped = self.api.at.as_ref().is_some_and(|call| call.candidate.is_some());
                if let (Some(changefeed), Some(info)) = (self.changefeeds.get_mut(cf), info) {
                    if bumped && info.epoch != changefeed.info.epoch {
                        cx.note(Note::EpochPersisted { cf, epoch: info.epoch });
                    }
                    changefeed.info = info;
                    changefeed.status.bootstrap_done = false;
                    self.changefeeds.move_to_scheduling_queue(cf, true, false);
                }
                self.api_ends("done", cx);
            }
            Command::MoveMaintainer { .. } => unreachable!("no call of a user"),
        }
    }

    /// Queues the stop, if nobody holds the lock of the operators.
    pub(super) fn api_stop(&mut self, cx: &mut Cx) {
        let Some(Call { command, stage: Stage::Stop, .. }) = &self.api.at else { return };
        if self.operators.is_locked() {
            return;
        }
        let command = command.clone();
        let removed = matches!(command, Command::RemoveChangefeed { .. });
        let stop = self.stop_changefeed(command.changefeed(), removed, cx);
        self.api.at = None;
        self.api.waiting.push((stop, command));
        self.next_call(cx);
    }

    /// A stop has ended, or another one has taken its place: whoever waited for it is answered.
    pub(super) fn answer_waiting(&mut self, stop: u64, cx: &mut Cx) {
        for (_, command) in self.api.waiting.extract_if(.., |(number, _)| *number == stop) {
            answer(&command, "done", cx);
        }
    }

    /// The number of the next call to PD.
    pub(super) fn next_pd_call(&mut self) -> CallId {
        self.bumps_begun += 1;
        CallId(self.bumps_begun)
    }
}

fn answer(command: &Command, answer: &'static str, cx: &mut Cx) {
    cx.note(Note::CallAnswered { cf: command.changefeed(), call: command.name(), answer });
}
