//! What the run loop does about the state of a changefeed: it persists it, and stops a maintainer that reports an error.
//!
//! Since pingcap/ticdc#5434 a warning begins a new generation, in the transaction that persists it, and the maintainer is stopped
//! with the epoch of the old one. Before, the transaction compares nothing.

use sim::Duration;

use crate::{
    ChangefeedId, Cx, Epoch, RunningError,
    coordinator::{
        Note, Outcome, PdCall, Term, Timer, Wait,
        epoch::{bumped, draws_epoch},
    },
    etcd::{self, Answer, ChangefeedInfo, Compare, FeedState, Job, Key, Kv, Op, Progress, Range, Value},
};

const TRIES: u32 = 10;
const BETWEEN_TRIES: Duration = Duration::from_millis(25);

/// That a changefeed is to be in a state, and why.
#[derive(Clone, Copy, Debug)]
pub(super) struct StateChange {
    pub(super) cf: ChangefeedId,
    pub(super) state: FeedState,
    pub(super) error: Option<RunningError>,
}

/// The one that the run loop is at.
#[derive(Clone, Debug)]
pub(super) struct Under {
    change: StateChange,
    candidate: Epoch,
    tries: u32,
    /// What is being written; when it is `written`, it waits for the lock of the operators.
    info: Option<ChangefeedInfo>,
    written: bool,
}

impl Under {
    pub(super) fn changefeed(&self) -> ChangefeedId {
        self.change.cf
    }
}

impl Term {
    /// The run loop takes up a change of state, unless there is nothing to change. Whether it has to wait for it.
    pub(super) fn begin_state_change(&mut self, change: StateChange, cx: &mut Cx) -> bool {
        let Some(known) = self.changefeeds.get(change.cf).map(|one| one.info.clone()) else { return false };
        let kept = known.state == FeedState::Stopped && cx.policy().coordinator.stopped_state.is_kept();
        let returned = change.state == FeedState::Warning
            && self.changefeeds.is_replicating(change.cf)
            && cx.policy().coordinator.returned_error.stops();
        let is_same = known.state == change.state && known.error == change.error;
        if kept || is_same && !returned {
            return false;
        }
        let under = Under { change, candidate: Epoch::NONE, tries: 0, info: None, written: false };
        self.changes.under = Some(under);
        if change.state == FeedState::Warning && cx.policy().coordinator.warning.bumps() {
            self.ask_for_state_epoch(cx);
        } else {
            let info = ChangefeedInfo { state: change.state, error: change.error, ..known };
            self.write_state(info, Vec::new(), cx);
        }
        true
    }

    fn ask_for_state_epoch(&mut self, cx: &mut Cx) {
        let call = self.next_pd_call();
        self.ask_for_timestamp(call, PdCall::State, cx);
    }

    pub(super) fn state_on_tso(&mut self, candidate: Epoch, cx: &mut Cx) {
        if let Some(cf) = self.changes.drawing.take() {
            if let Some(changefeed) = self.changefeeds.get_mut(cf) {
                changefeed.info.epoch = candidate;
                cx.note(Note::EpochDrawn { cf, epoch: candidate });
            }
            self.changefeeds.move_to_scheduling_queue(cf, false, false);
            return self.run_changes(cx);
        }
        if let Some(under) = &mut self.changes.under {
            under.candidate = candidate;
            self.read_state(cx);
        }
    }

    pub(super) fn read_state(&mut self, cx: &mut Cx) {
        if let Some(under) = self.changes.under.as_ref().filter(|_| self.loops_run()) {
            let range = Range::One(Key::Info(under.change.cf));
            self.calls.call(cx, Wait::StateRead, |call| etcd::Inbox::RangeRequest { call, range });
        }
    }

    /// Everything else of what is persisted is kept.
    pub(super) fn on_state_read(&mut self, found: Option<&Kv>, cx: &mut Cx) -> Outcome {
        let Some(Under { change, candidate, .. }) = self.changes.under else { return Ok(()) };
        let Some(Kv { key, value: Value::Info(info), modified, .. }) = found else {
            return Err("the changefeed does not exist");
        };
        let info = bumped((**info).clone(), candidate, cx).ok_or("changefeed epoch overflow")?;
        let info = ChangefeedInfo { state: change.state, error: change.error, ..info };
        self.write_state(info, vec![Compare::Modified(*key, *modified)], cx);
        Ok(())
    }

    /// A new generation is written alone; whatever else is written takes the progress along, as it is known here.
    fn write_state(&mut self, info: ChangefeedInfo, compares: Vec<Compare>, cx: &mut Cx) {
        let Some(under) = &mut self.changes.under else { return };
        let StateChange { cf, state, .. } = under.change;
        under.info = Some(info.clone());
        under.tries += 1;
        let put = |key, value| Op::Put { key, value, lease: None };
        let mut then = vec![put(Key::Info(cf), Value::Info(Box::new(info)))];
        if compares.is_empty()
            && let Some(changefeed) = self.changefeeds.get(cf)
        {
            let ends = matches!(state, FeedState::Failed | FeedState::Finished);
            let progress = if ends { Progress::Stopping } else { Progress::None };
            let job = Job { checkpoint: changefeed.checkpoint(), progress };
            then.push(put(Key::Job(cf), Value::Job(job)));
        }
        self.calls.txn(cx, Wait::StateWrite, compares, then);
    }

    pub(super) fn on_state_written(&mut self, answer: &Answer, cx: &mut Cx) -> Outcome {
        let Some(under) = &mut self.changes.under else { return Ok(()) };
        match answer {
            Answer::Txn { succeeded: true, .. } => {
                under.written = true;
                self.end_state_change(cx);
                Ok(())
            }
            _ if under.tries >= TRIES => Err("too many conflicts"),
            _ => {
                cx.out.alarm(Timer::StateAgain { term: self.number }.into(), BETWEEN_TRIES);
                Ok(())
            }
        }
    }

    /// It is persisted: the memory follows, and the maintainer is stopped, when nobody holds the lock of the operators.
    pub(super) fn end_state_change(&mut self, cx: &mut Cx) {
        if self.operators.is_locked() || !self.changes.under.as_ref().is_some_and(|under| under.written) {
            return;
        }
        let Some(Under { change, info: Some(info), .. }) = self.changes.under.take() else { return };
        let StateChange { cf, state, error } = change;
        if let Some(changefeed) = self.changefeeds.get_mut(cf) {
            let old = std::mem::replace(&mut changefeed.info, info).epoch;
            let new = changefeed.info.epoch;
            cx.note(Note::StateChanged { cf, state, error: error.map(|error| error.text) });
            if new != old {
                cx.note(Note::EpochPersisted { cf, epoch: new });
            }
            match state {
                FeedState::Warning => {
                    let epoch = cx.policy().coordinator.warning_stop.of(old, new);
                    self.stop_generation(cf, epoch, cx);
                    if new == old && draws_epoch(cx) {
                        self.changes.drawing = Some(cf);
                        return self.ask_for_state_epoch(cx);
                    }
                    self.changefeeds.move_to_scheduling_queue(cf, false, false);
                }
                FeedState::Failed | FeedState::Finished => _ = self.stop_changefeed(cf, false, cx),
                FeedState::Normal | FeedState::Stopped => {}
            }
        }
        self.run_changes(cx);
    }
}
