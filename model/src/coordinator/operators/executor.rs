//! The executor: gives every operator its turn, and carries out the last action of those that have ended.

use sim::Duration;

use crate::{
    ChangefeedId, Cx, NodeId,
    coordinator::{
        BATCH, MaintainerStatus, Note, Outcome, Term, Timer, Wait,
        operators::{
            Last, Operator, Stop,
            queue::{Holder, Queued},
        },
    },
    etcd::{self, Compare, Job, Key, Kv, Op, Progress, Range, Value},
};

/// How soon an operator that has not ended sends again.
const RESEND: Duration = Duration::from_millis(500);
/// So often the last action of a stop is tried that somebody else's write gets in front of.
const TRIES: u32 = 10;
const BETWEEN_TRIES: Duration = Duration::from_millis(25);
/// How long the executor sleeps when nothing is due.
const IDLE: Duration = Duration::from_millis(200);
/// How long it sleeps when as many have had their turn as may in a row.
const AFTER_A_BATCH: Duration = Duration::from_millis(50);

impl Term {
    pub(in crate::coordinator) fn start_operators(&mut self, cx: &mut Cx) {
        cx.out.alarm(Timer::Executor { term: self.number }.into(), Duration::ZERO);
    }

    /// A run of the executor: whatever is first in the queue is finished if it has ended, and sends if it is its turn. Others
    /// can get in after every message.
    pub(in crate::coordinator) fn execute_operators(&mut self, cx: &mut Cx) {
        if self.operators.is_locked() {
            self.operators.executor_waits = true;
            return;
        }
        let now = cx.now.steady;
        while let Some((at, cf)) = self.operators.first() {
            let Some(queued) = self.operators.operators.get_mut(&cf) else { break };
            if queued.operator.is_finished() {
                self.operators.lives.ends(queued.number, cf);
                let last = queued.operator.post_finish(cf, &mut self.changefeeds);
                if last != Last::Nothing {
                    return self.write_with_lock(cf, last, None, cx);
                }
                self.remove_finished(cf, cx);
                continue;
            }
            if now < at {
                break;
            }
            queued.notify_at = now + RESEND;
            self.send_for(cf, cx);
            self.operators.executed += 1;
            if self.operators.executed >= BATCH {
                self.operators.executed = 0;
                return cx.out.alarm(Timer::Executor { term: self.number }.into(), AFTER_A_BATCH);
            }
            if self.operators.first().is_some_and(|(at, _)| at <= now) {
                return cx.out.give_way(Timer::Executor { term: self.number }.into());
            }
        }
        self.operators.executed = 0;
        cx.out.alarm(Timer::Executor { term: self.number }.into(), IDLE);
    }

    /// The last action of an operator writes to etcd. It holds the lock all the while: the executor, the schedulers and
    /// the event loop wait, and the changefeed still has an operator.
    pub(super) fn write_with_lock(&mut self, cf: ChangefeedId, last: Last, next: Option<Stop>, cx: &mut Cx) {
        self.operators.holder = Some(Holder::Last { cf, tries: 0, next });
        match last {
            Last::Nothing | Last::ClearProgress => self.read_progress(cx),
            Last::Delete => {
                let then = vec![Op::Delete(Key::Info(cf)), Op::Delete(Key::Job(cf))];
                self.write_last(Vec::new(), then, cx);
            }
        }
    }

    fn write_last(&mut self, compares: Vec<Compare>, then: Vec<Op>, cx: &mut Cx) {
        self.calls.txn(cx, Wait::StopDone, compares, then);
    }

    /// Reads what is being done to a changefeed, to say that it is nothing any more.
    pub(in crate::coordinator) fn read_progress(&mut self, cx: &mut Cx) {
        if let Some(Holder::Last { cf, tries, .. }) = &mut self.operators.holder {
            *tries += 1;
            let range = Range::One(Key::Job(*cf));
            self.calls.call(cx, Wait::StopRead, |call| etcd::Inbox::RangeRequest { call, range });
        }
    }

    pub(in crate::coordinator) fn on_progress_read(&mut self, job: Option<&Kv>, cx: &mut Cx) -> Outcome {
        match job {
            Some(Kv { key, value: Value::Job(job), modified, .. }) if job.progress != Progress::None => {
                let value = Value::Job(Job { progress: Progress::None, ..job.clone() });
                let then = vec![Op::Put { key: *key, value, lease: None }];
                self.write_last(vec![Compare::Modified(*key, *modified)], then, cx);
                Ok(())
            }
            _ => self.on_stop_done(cx),
        }
    }

    /// Somebody else has written it meanwhile.
    pub(in crate::coordinator) fn on_progress_conflict(&mut self, cx: &mut Cx) -> Outcome {
        if matches!(self.operators.holder, Some(Holder::Last { tries, .. }) if tries >= TRIES) {
            return self.on_stop_done(cx);
        }
        cx.out.alarm(Timer::StopAgain { term: self.number }.into(), BETWEEN_TRIES);
        Ok(())
    }

    /// Who has held the lock goes on, and when it is free, all others do.
    pub(in crate::coordinator) fn on_stop_done(&mut self, cx: &mut Cx) -> Outcome {
        match self.operators.holder.take() {
            Some(Holder::Last { cf, next: Some(stop), .. }) => {
                self.operators.operators.remove(&cf);
                self.push(cf, Operator::Stop(stop), cx);
                self.wake_executor(cx);
            }
            Some(Holder::Last { cf, next: None, .. }) => {
                self.remove_finished(cf, cx);
                self.execute_operators(cx);
            }
            Some(Holder::Bump(_)) | None => {}
        }
        if !self.operators.is_locked() {
            self.on_unlocked(cx);
        }
        Ok(())
    }

    /// The lock is free.
    pub(super) fn wake_executor(&mut self, cx: &mut Cx) {
        if std::mem::take(&mut self.operators.executor_waits) {
            self.execute_operators(cx);
        }
    }

    fn remove_finished(&mut self, cf: ChangefeedId, cx: &mut Cx) {
        if let Some(done) = self.operators.operators.remove(&cf) {
            cx.note(Note::OperatorDone { cf, operator: done.operator.name() });
        }
    }

    /// Gives a status to the operator of its changefeed.
    pub(in crate::coordinator) fn check_operator(
        &mut self,
        from: NodeId,
        status: &MaintainerStatus,
        cx: &mut Cx,
    ) -> Outcome {
        let Some(queued) = self.operators.operators.get_mut(&status.cf) else { return Ok(()) };
        let policy = cx.process.policy.clone();
        let policy = &policy.coordinator;
        let current = match self.changefeeds.get(status.cf) {
            Some(changefeed) => changefeed.info.epoch,
            None if policy.unknown_changefeed.is_dereferenced() => {
                cx.note(Note::Panicked { why: "the epoch of an unknown changefeed" });
                return Err("panic");
            }
            None => crate::Epoch::NONE,
        };
        match &mut queued.operator {
            Operator::Add(add) => add.check(from, status, current, policy),
            Operator::Move(one) => one.check(from, status, current, policy),
            Operator::Stop(stop) if !stop.is_ended_by(from, status, policy) => {}
            Operator::Stop(stop) if stop.is_young(cx.now.steady) => {}
            Operator::Stop(stop) if policy.stop_end.is_atomic() => stop.finish(),
            Operator::Stop(_) => cx.out.give_way(Timer::StopEnds { stop: queued.number }.into()),
        }
        Ok(())
    }

    /// A status was found to end a stop a moment ago. Whether the stop still waits for its sender is not looked at again.
    pub(in crate::coordinator) fn end_stop(&mut self, number: u64) {
        let mut all = self.operators.operators.values_mut();
        if let Some(Queued { operator: Operator::Stop(stop), .. }) = all.find(|one| one.number == number) {
            stop.finish();
        }
    }
}
