//! Operators of the coordinator: at most one per changefeed; each ends by a status it waits for, or by the loss of a
//! node.

mod add;
mod move_to;
mod stop;

use std::{collections::BTreeMap, fmt};

use sim::{Duration, Instant};

use crate::{
    ChangefeedId, ConfigEpoch, Cx, Epoch, NodeId, Place,
    coordinator::{MaintainerStatus, Note, Outcome, Term, Timer, Wait, changefeeds::ChangefeedDb},
    etcd::{self, ChangefeedInfo, Compare, Job, Key, Kv, Op, Progress, Range, Value, client::CALL_TIMEOUT},
    maintainer,
    state::flags,
};
use move_to::Says;

pub(super) use add::Add;
pub(super) use move_to::Move;
use stop::Last;
pub(super) use stop::Stop;

/// How soon an operator that has not ended sends again.
const RESEND: Duration = Duration::from_millis(500);
/// So often the last action of a stop is tried that somebody else's write gets in front of.
const TRIES: u32 = 10;
const BETWEEN_TRIES: Duration = Duration::from_millis(25);
/// How long the executor sleeps when nothing is due.
const EXECUTOR_IDLE: Duration = Duration::from_millis(200);

/// Something that is done to a changefeed.
#[derive(Clone, Debug)]
pub(super) enum Operator {
    /// A node is to maintain it.
    Add(Add),
    /// A node is to maintain it in the place of another.
    Move(Move),
    /// A node is to stop maintaining it.
    Stop(Stop),
}

/// An operator and when it is its turn again.
#[derive(Clone, Debug)]
struct Queued {
    operator: Operator,
    notify_at: Instant,
    /// Which one it is: a replaced operator's place in the queue is void.
    number: u64,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Operators {
    operators: BTreeMap<ChangefeedId, Queued>,
    pushed: u64,
    /// The operator whose last action is under way: the lock is held until it is through.
    locked: Option<Locked>,
    /// Whether the executor waits for the lock.
    executor_waits: bool,
}

/// The last action of an operator, while it writes to etcd.
#[derive(Clone, Debug)]
struct Locked {
    cf: ChangefeedId,
    tries: u32,
    /// What takes its place then; none: it has ended, and the executor goes on.
    next: Option<Stop>,
}

impl Operators {
    /// Whether nobody else may look at operators.
    pub(super) fn is_locked(&self) -> bool {
        self.locked.is_some()
    }

    /// A line for each.
    pub(super) fn describe(&self, f: &mut impl fmt::Write) -> fmt::Result {
        for (cf, queued) in &self.operators {
            let nodes =
                queued.operator.affected().map(|node| node.to_string()).collect::<Vec<_>>().join(" to ");
            let flags = flags(&[(queued.operator.is_finished(), "finished")]);
            writeln!(f, "  operator {cf} {} at {nodes}{flags}", queued.operator.name())?;
        }
        Ok(())
    }

    pub(super) fn get(&self, cf: ChangefeedId) -> Option<&Operator> {
        self.operators.get(&cf).map(|queued| &queued.operator)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = (ChangefeedId, &'static str)> {
        self.operators.iter().map(|(cf, queued)| (*cf, queued.operator.name()))
    }

    pub(super) fn len(&self) -> usize {
        self.operators.len()
    }

    /// The operator whose turn is first, and when.
    fn first(&self) -> Option<(Instant, ChangefeedId)> {
        let order = |(cf, queued): (&ChangefeedId, &Queued)| (queued.notify_at, queued.number, *cf);
        self.operators.iter().map(order).min().map(|(at, _, cf)| (at, cf))
    }
}

impl Operator {
    fn name(&self) -> &'static str {
        match self {
            Operator::Add(_) => "add",
            Operator::Move(_) => "move",
            Operator::Stop(_) => "stop",
        }
    }

    fn start(&self, cf: ChangefeedId, db: &mut ChangefeedDb) {
        match self {
            Operator::Add(add) => add.start(cf, db),
            Operator::Move(one) => one.start(cf, db),
            Operator::Stop(_) => {}
        }
    }

    fn is_finished(&self) -> bool {
        match self {
            Operator::Add(add) => add.is_finished(),
            Operator::Move(one) => one.is_finished(),
            Operator::Stop(stop) => stop.is_finished(),
        }
    }

    /// Its last action: what is in memory is done, what it writes to etcd is returned.
    fn post_finish(&self, cf: ChangefeedId, db: &mut ChangefeedDb) -> Last {
        match self {
            Operator::Add(add) => {
                add.post_finish(cf, db);
                Last::Nothing
            }
            Operator::Move(one) => {
                one.post_finish(cf, db);
                Last::Nothing
            }
            Operator::Stop(stop) => stop.post_finish(),
        }
    }

    /// The nodes that it needs.
    fn affected(&self) -> impl Iterator<Item = NodeId> {
        let (first, second) = match self {
            Operator::Add(add) => (add.dest, None),
            Operator::Move(one) => (one.origin, Some(one.target)),
            Operator::Stop(stop) => (stop.node, None),
        };
        [Some(first), second].into_iter().flatten()
    }

    fn on_node_removed(&mut self, cf: ChangefeedId, gone: NodeId, me: NodeId, db: &mut ChangefeedDb) {
        match self {
            Operator::Add(add) => add.on_node_removed(gone),
            Operator::Move(one) => one.on_node_removed(cf, gone, db),
            Operator::Stop(stop) => stop.on_node_removed(gone, me),
        }
    }

    fn on_task_removed(&mut self) {
        match self {
            Operator::Add(add) => add.on_task_removed(),
            Operator::Move(one) => one.on_task_removed(),
            Operator::Stop(stop) => stop.on_task_removed(),
        }
    }
}

/// The epoch that a request to a maintainer manager carries.
fn wire_epoch(epoch: Epoch, cx: &Cx) -> Epoch {
    cx.policy().coordinator.wire_epoch.of(epoch)
}

impl Term {
    pub(super) fn start_operators(&mut self, cx: &mut Cx) {
        cx.out.alarm(Timer::Executor.into(), Duration::ZERO);
        cx.out.alarm(Timer::BasicScheduler.into(), Duration::ZERO);
    }

    /// Gives a changefeed to a node. With epochs, the new one is persisted first, outside the lock, so that other
    /// things may happen meanwhile. Whether the operator is queued, or a bump is under way for it.
    pub(super) fn add_operator(&mut self, cf: ChangefeedId, operator: Operator, cx: &mut Cx) -> bool {
        if self.operators.get(cf).is_some() || self.is_bumping(cf) || self.changefeeds.get(cf).is_none() {
            return false;
        }
        if cx.policy().coordinator.ownership_epoch.is_bumped() {
            self.begin_bump(cf, operator, cx);
        } else {
            self.push_owner(cf, operator, cx);
        }
        true
    }

    /// The epoch is persisted. What may have changed meanwhile is checked again; if it has, the epoch stays ahead.
    pub(super) fn add_after_bump(
        &mut self,
        cf: ChangefeedId,
        operator: Operator,
        info: ChangefeedInfo,
        cx: &mut Cx,
    ) {
        let free = self.operators.get(cf).is_none();
        let Some(changefeed) = self.changefeeds.get_mut(cf) else { return };
        if free {
            changefeed.info = info;
            self.push_owner(cf, operator, cx);
        }
    }

    fn push_owner(&mut self, cf: ChangefeedId, operator: Operator, cx: &mut Cx) {
        if let Some(changefeed) = self.changefeeds.get(cf)
            && let Some(node) = operator.affected().last()
        {
            cx.note(Note::Placed { cf, node, epoch: changefeed.info.epoch });
        }
        self.push(cf, operator, cx);
    }

    /// Replaces whatever operator the changefeed has by a stop; one that removes it stays. The number of the stop that is or
    /// will be there.
    pub(super) fn push_stop(&mut self, stop: Stop, cx: &mut Cx) -> u64 {
        let cf = stop.cf;
        let Some(old) = self.operators.operators.get_mut(&cf) else {
            return self.push(cf, Operator::Stop(stop), cx);
        };
        if let Operator::Stop(Stop { removed: true, .. }) = old.operator {
            return old.number;
        }
        old.operator.on_task_removed();
        let (number, operator) = (old.number, old.operator.clone());
        match operator.post_finish(cf, &mut self.changefeeds) {
            Last::Nothing => {
                self.operators.operators.remove(&cf);
                self.push(cf, Operator::Stop(stop), cx)
            }
            // What is replaced has its last action all the same, and whoever puts the new one in its place waits for it.
            last => {
                self.answer_waiting(number, cx);
                self.write_with_lock(cf, last, Some(stop), cx);
                self.operators.pushed + 1
            }
        }
    }

    /// Takes a changefeed out of service and stops its maintainer, wherever it is. The number of the stop.
    pub(super) fn stop_changefeed(&mut self, cf: ChangefeedId, removed: bool, cx: &mut Cx) -> u64 {
        let epoch = self.changefeeds.get(cf).map_or(Epoch::NONE, |one| one.info.epoch);
        let moving = match self.operators.get(cf) {
            Some(Operator::Move(one)) => one.remaining_origin(),
            _ => None,
        };
        let node = self.changefeeds.stop(cf, removed).unwrap_or(cx.id());
        let (node, epoch) = moving.unwrap_or((node, epoch));
        self.push_stop(Stop::new(cf, node, removed, epoch), cx)
    }

    /// The same for a maintainer of a known generation, also while a move is under way.
    pub(super) fn stop_generation(&mut self, cf: ChangefeedId, epoch: Epoch, cx: &mut Cx) {
        let node = self.changefeeds.stop(cf, false).unwrap_or(cx.id());
        self.push_stop(Stop::new(cf, node, false, epoch), cx);
    }

    fn push(&mut self, cf: ChangefeedId, mut operator: Operator, cx: &mut Cx) -> u64 {
        for node in operator.affected().collect::<Vec<_>>() {
            if !cx.process.view().contains(&node) {
                operator.on_node_removed(cf, node, cx.id(), &mut self.changefeeds);
            }
        }
        operator.start(cf, &mut self.changefeeds);
        self.operators.pushed += 1;
        let queued = Queued { operator, notify_at: cx.now.steady, number: self.operators.pushed };
        self.operators.operators.insert(cf, queued);
        self.operators.pushed
    }

    /// The executor: finishes or sends what is due.
    pub(super) fn execute_operators(&mut self, cx: &mut Cx) {
        if self.operators.is_locked() {
            self.operators.executor_waits = true;
            return;
        }
        let now = cx.now.steady;
        while let Some((_, cf)) = self.operators.first().filter(|(at, _)| *at <= now) {
            let Some(queued) = self.operators.operators.get_mut(&cf) else { break };
            if queued.operator.is_finished() {
                let last = queued.operator.post_finish(cf, &mut self.changefeeds);
                if last != Last::Nothing {
                    return self.write_with_lock(cf, last, None, cx);
                }
                self.remove_finished(cf, cx);
            } else {
                queued.notify_at = now + RESEND;
                self.send_for(cf, cx);
            }
        }
        cx.out.alarm(Timer::Executor.into(), EXECUTOR_IDLE);
    }

    /// The last action of an operator writes to etcd. It holds the lock all the while: the executor, the schedulers and
    /// the event loop wait, and the changefeed still has an operator.
    fn write_with_lock(&mut self, cf: ChangefeedId, last: Last, next: Option<Stop>, cx: &mut Cx) {
        self.operators.locked = Some(Locked { cf, tries: 0, next });
        match last {
            Last::Nothing | Last::ClearProgress => self.read_progress(cx),
            Last::Delete => {
                let then = vec![Op::Delete(Key::Info(cf)), Op::Delete(Key::Job(cf))];
                self.write_last(Vec::new(), then, cx);
            }
        }
    }

    fn write_last(&mut self, compares: Vec<Compare>, then: Vec<Op>, cx: &mut Cx) {
        self.calls.call_once(cx, CALL_TIMEOUT, Wait::StopDone, |call| etcd::Inbox::TxnRequest {
            call,
            compares,
            then,
            otherwise: Vec::new(),
        });
    }

    /// Reads what is being done to a changefeed, to say that it is nothing any more.
    pub(super) fn read_progress(&mut self, cx: &mut Cx) {
        if let Some(locked) = &mut self.operators.locked {
            locked.tries += 1;
            let range = Range::One(Key::Job(locked.cf));
            self.calls.call(cx, Wait::StopRead, |call| etcd::Inbox::RangeRequest { call, range });
        }
    }

    pub(super) fn on_progress_read(&mut self, job: Option<&Kv>, cx: &mut Cx) -> Outcome {
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
    pub(super) fn on_progress_conflict(&mut self, cx: &mut Cx) -> Outcome {
        if self.operators.locked.as_ref().is_some_and(|locked| locked.tries >= TRIES) {
            return self.on_stop_done(cx);
        }
        cx.out.alarm(Timer::StopAgain.into(), BETWEEN_TRIES);
        Ok(())
    }

    /// Who has held the lock goes on, and when it is free, all others do.
    pub(super) fn on_stop_done(&mut self, cx: &mut Cx) -> Outcome {
        match self.operators.locked.take() {
            Some(Locked { cf, next: Some(stop), .. }) => {
                self.operators.operators.remove(&cf);
                self.push(cf, Operator::Stop(stop), cx);
                if std::mem::take(&mut self.operators.executor_waits) {
                    self.execute_operators(cx);
                }
            }
            Some(Locked { cf, next: None, .. }) => {
                self.remove_finished(cf, cx);
                self.execute_operators(cx);
            }
            None => {}
        }
        if !self.operators.is_locked() {
            self.end_waiting_bumps(cx);
            self.wake_basic(cx);
            self.api_stop(cx);
            self.end_state_change(cx);
            cx.out.give_way(Timer::EventLoop.into());
        }
        Ok(())
    }

    fn remove_finished(&mut self, cf: ChangefeedId, cx: &mut Cx) {
        if let Some(done) = self.operators.operators.remove(&cf) {
            cx.note(Note::OperatorDone { cf, operator: done.operator.name() });
            self.answer_waiting(done.number, cx);
        }
    }

    fn send_for(&mut self, cf: ChangefeedId, cx: &mut Cx) {
        let Some(queued) = self.operators.operators.get_mut(&cf) else { return };
        match &mut queued.operator {
            Operator::Add(add) => {
                let dest = add.dest;
                self.send_add(cf, dest, false, cx);
            }
            Operator::Move(one) => match one.schedule(cf, &mut self.changefeeds) {
                Some(Says::Remove) => {
                    let (origin, epoch) = (one.origin, one.origin_epoch);
                    self.send_remove(cf, origin, false, false, epoch, cx);
                }
                Some(Says::Add) => {
                    let (target, back) = (one.target, one.has_turned_back());
                    self.send_add(cf, target, back, cx);
                }
                None => {}
            },
            Operator::Stop(stop) => {
                let (node, removed, epoch) = (stop.node, stop.removed, stop.epoch);
                self.send_remove(cf, node, true, removed, epoch, cx);
            }
        }
    }

    /// `back`: a move has turned back to its origin.
    fn send_add(&self, cf: ChangefeedId, node: NodeId, back: bool, cx: &mut Cx) {
        let Some(changefeed) = self.changefeeds.get(cf) else { return };
        let epoch = cx.policy().coordinator.move_epoch.of(changefeed.info.epoch, back);
        let epoch = wire_epoch(epoch, cx);
        let config = ConfigEpoch::beside(epoch, changefeed.info.epoch);
        let (checkpoint, is_new) = (changefeed.checkpoint(), changefeed.is_new);
        let request = maintainer::Inbox::AddMaintainerRequest { cf, checkpoint, is_new, epoch, config };
        cx.send(node, Place::Maintainers, request);
    }

    pub(super) fn send_remove(
        &self,
        cf: ChangefeedId,
        node: NodeId,
        cascade: bool,
        removed: bool,
        epoch: Epoch,
        cx: &mut Cx,
    ) {
        let epoch = wire_epoch(epoch, cx);
        let request =
            maintainer::Inbox::RemoveMaintainerRequest { cf, cascade: cascade || removed, removed, epoch };
        cx.send(node, Place::Maintainers, request);
    }

    /// Gives a status to the operator of its changefeed.
    pub(super) fn check_operator(&mut self, from: NodeId, status: &MaintainerStatus, cx: &mut Cx) -> Outcome {
        let Some(queued) = self.operators.operators.get_mut(&status.cf) else { return Ok(()) };
        let policy = cx.process.policy.clone();
        let policy = &policy.coordinator;
        let current = match self.changefeeds.get(status.cf) {
            Some(changefeed) => changefeed.info.epoch,
            None if policy.unknown_changefeed.is_dereferenced() => {
                cx.note(Note::Panicked { why: "the epoch of an unknown changefeed" });
                return Err("panic");
            }
            None => Epoch::NONE,
        };
        match &mut queued.operator {
            Operator::Add(add) => add.check(from, status, current, policy),
            Operator::Move(one) => one.check(from, status, current, policy),
            Operator::Stop(stop) if !stop.is_ended_by(from, status, policy) => {}
            Operator::Stop(stop) if policy.stop_end.is_atomic() => stop.finish(),
            Operator::Stop(_) => cx.out.give_way(Timer::StopEnds { stop: queued.number }.into()),
        }
        Ok(())
    }

    /// A status was found to end a stop a moment ago. Whether the stop still waits for its sender is not looked at again.
    pub(super) fn end_stop(&mut self, number: u64) {
        let mut all = self.operators.operators.values_mut();
        if let Some(Queued { operator: Operator::Stop(stop), .. }) = all.find(|one| one.number == number) {
            stop.finish();
        }
    }

    /// A node has left: what it had without an operator is absent; then every operator hears of it.
    pub(super) fn on_node_removed(&mut self, gone: NodeId, cx: &mut Cx) {
        for cf in self.changefeeds.on_node(gone).collect::<Vec<_>>() {
            if self.operators.get(cf).is_none() {
                self.changefeeds.mark_absent(cf);
            }
        }
        let me = cx.id();
        for (cf, queued) in &mut self.operators.operators {
            queued.operator.on_node_removed(*cf, gone, me, &mut self.changefeeds);
        }
    }
}
