//! What a call writes, and what follows for the memory of the coordinator.
//!
//! A pause and an update compare nothing; a removal compares the progress, and a resume both. Before pingcap/ticdc#5434 a resume
//! compared nothing either.

use crate::{
    Cx, Epoch,
    coordinator::{
        Note, Term, Timer, Wait,
        api::{ApiCall, BETWEEN_TRIES, Call, Command, Stage, TRIES},
        changefeeds::Changefeed,
        epoch::bumped,
    },
    etcd::{ChangefeedInfo, Compare, FeedState, Job, Key, Op, Progress, Value},
};

impl Term {
    pub(super) fn api_write(
        &mut self,
        call: ApiCall,
        info: Option<ChangefeedInfo>,
        job: Job,
        compares: [Option<Compare>; 2],
        cx: &mut Cx,
    ) {
        let Some(one) = self.api.calls.get(&call) else { return };
        let (info, job, compares) = match (&one.command, info) {
            (Command::PauseChangefeed { .. }, Some(known)) => {
                let info = ChangefeedInfo { state: FeedState::Stopped, ..known };
                let compares =
                    if cx.policy().coordinator.pause_compare.is_made() { compares } else { [None, None] };
                (Some(info), Job { progress: Progress::Stopping, ..job }, compares)
            }
            (Command::ResumeChangefeed { overwrite, .. }, Some(known)) => {
                let (next, compares) = match one.candidate {
                    Epoch::NONE => (Some(known.completed()), [None, None]),
                    candidate => (bumped(known, candidate, cx), compares),
                };
                let Some(next) = next else {
                    return self.api_ends(call, "changefeed epoch overflow", cx);
                };
                let error = cx.policy().coordinator.resume_error.of(next.error);
                let info = ChangefeedInfo { state: FeedState::Normal, error, ..next };
                let checkpoint = overwrite.unwrap_or(one.checkpoint);
                (Some(info), Job { checkpoint, progress: Progress::None }, compares)
            }
            _ => (None, Job { progress: Progress::Removing, ..job }, compares),
        };
        let compares = compares.into_iter().flatten().collect();
        self.api_put(call, info, job, compares, cx);
    }

    /// What a user has seen of it is written back, whatever has become of it since.
    pub(super) fn api_update(&mut self, call: ApiCall, cx: &mut Cx) {
        let Some(Call { command: Command::UpdateChangefeed { cf }, info: Some(info), .. }) =
            self.api.calls.get(&call)
        else {
            return;
        };
        let (info, Some(changefeed)) = (info.clone(), self.changefeeds.get(*cf)) else { return };
        let ended = matches!(changefeed.info.state, FeedState::Failed | FeedState::Finished);
        let progress = if ended { Progress::Stopping } else { Progress::None };
        let job = Job { checkpoint: changefeed.checkpoint(), progress };
        self.api_put(call, Some(info), job, Vec::new(), cx);
    }

    pub(super) fn api_put(
        &mut self,
        call: ApiCall,
        info: Option<ChangefeedInfo>,
        job: Job,
        mut compares: Vec<Compare>,
        cx: &mut Cx,
    ) {
        compares.extend(self.leads_still(cx));
        let Some(one) = self.api.calls.get_mut(&call) else { return };
        let Some(cf) = one.command.changefeed() else { return };
        let put = |key, value| Op::Put { key, value, lease: None };
        let mut then = vec![put(Key::Job(cf), Value::Job(job))];
        if let Some(info) = &info {
            then.insert(0, put(Key::Info(cf), Value::Info(Box::new(info.clone()))));
        }
        one.stage = Stage::Write(info);
        one.tries += 1;
        self.calls.txn(cx, Wait::Api { call }, compares, then);
    }

    /// Somebody else's write got in front: it is tried again, but for a changefeed that is to be new.
    pub(super) fn api_conflict(&mut self, call: ApiCall, cx: &mut Cx) {
        let Some(one) = self.api.calls.get(&call) else { return };
        if let Command::CreateChangefeed { .. } = one.command {
            self.api_ends(call, "the changefeed exists", cx);
        } else if one.tries >= TRIES {
            self.api_ends(call, "too many conflicts", cx);
        } else {
            cx.out.alarm(Timer::ApiAgain { call }.into(), BETWEEN_TRIES);
        }
    }

    /// It is persisted; now the memory follows.
    pub(super) fn api_written(&mut self, call: ApiCall, info: Option<ChangefeedInfo>, cx: &mut Cx) {
        let Some(command) = self.api.calls.get(&call).map(|one| one.command.clone()) else { return };
        match (command, info) {
            (Command::CreateChangefeed { cf }, Some(info)) => self.api_created(call, cf, info, cx),
            (Command::PauseChangefeed { cf }, _) => {
                if let Some(changefeed) = self.changefeeds.get_mut(cf) {
                    changefeed.info.state = FeedState::Stopped;
                }
                self.api_goes_to(call, Stage::Stop, cx);
            }
            (Command::RemoveChangefeed { .. }, _) => self.api_goes_to(call, Stage::Stop, cx),
            (Command::UpdateChangefeed { cf }, Some(info)) => {
                if let Some(checkpoint) = self.changefeeds.get(cf).map(|one| one.checkpoint()) {
                    let another = Changefeed::new(cf, info, checkpoint, cx.now.steady);
                    self.changefeeds.replace_stopped(cf, another);
                }
                self.api_ends(call, "done", cx);
            }
            (Command::ResumeChangefeed { cf, overwrite }, Some(info)) => {
                let one = self.api.calls.get(&call);
                let (persisted, checkpoint) =
                    one.map_or((false, None), |one| (one.candidate != Epoch::NONE, Some(one.checkpoint)));
                if let (Some(changefeed), Some(checkpoint)) = (self.changefeeds.get_mut(cf), checkpoint) {
                    if persisted && info.epoch != changefeed.info.epoch {
                        cx.note(Note::EpochPersisted { cf, epoch: info.epoch });
                    }
                    changefeed.info = info;
                    changefeed.status.bootstrap_done = false;
                    changefeed.status.checkpoint = overwrite.unwrap_or(checkpoint);
                    changefeed.saved = overwrite.unwrap_or(changefeed.saved);
                    self.changefeeds.move_to_scheduling_queue(cf, true, overwrite.is_some());
                }
                self.api_ends(call, "done", cx);
            }
            (Command::CreateChangefeed { .. } | Command::UpdateChangefeed { .. }, None)
            | (Command::ResumeChangefeed { .. }, None)
            | (Command::DrainNode { .. } | Command::ResignOwner | Command::MoveMaintainer { .. }, _) => {
                unreachable!("it writes no such thing")
            }
        }
    }
}
