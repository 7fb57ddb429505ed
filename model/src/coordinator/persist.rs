//! The run loop (T2): takes batches of changes from a bounded queue and persists checkpoints.

use std::collections::VecDeque;

use crate::{
    ChangefeedId, Cx, Place, Ts,
    coordinator::{
        Note, Term, Timer, Wait,
        changefeeds::ObjectId,
        state_change::{StateChange, Under},
    },
    etcd::{Compare, FeedState, Job, Key, Op, Progress, Revision, Value},
    maintainer,
};

/// Batches beyond this are dropped: the event loop does not wait.
const CAPACITY: usize = 1024;

#[derive(Clone, Debug, Default)]
pub(super) struct Changes {
    queue: VecDeque<Batch>,
    /// What is left of the batch at hand, when its checkpoints are persisted.
    states: VecDeque<StateChange>,
    pub(super) under: Option<Under>,
    /// The changefeed for which it waits for a timestamp that begins a generation in memory.
    pub(super) drawing: Option<ChangefeedId>,
    /// Whether a batch is being handled.
    busy: bool,
}

/// What one heartbeat comes to.
#[derive(Clone, Debug, Default)]
pub(super) struct Batch {
    /// The changefeeds that a status has come of, as they were in memory: one that has been removed since still has its
    /// checkpoint persisted.
    pub(super) changed: Vec<(ChangefeedId, ObjectId)>,
    pub(super) states: VecDeque<StateChange>,
}

/// A checkpoint that is being persisted, of an object in memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Saved {
    cf: ChangefeedId,
    object: ObjectId,
    checkpoint: Ts,
}

impl Term {
    pub(super) fn push_changes(&mut self, batch: Batch, cx: &mut Cx) {
        if self.changes.queue.len() < CAPACITY {
            self.changes.queue.push_back(batch);
        }
        if !std::mem::replace(&mut self.changes.busy, true) {
            cx.out.give_way(Timer::RunLoop { term: self.number }.into());
        }
    }

    /// Something else is there for the run loop than a batch.
    pub(super) fn run_changes_unless_busy(&mut self, cx: &mut Cx) {
        if !std::mem::replace(&mut self.changes.busy, true) {
            self.run_changes(cx);
        }
    }

    /// Persists the checkpoints of the next batch that has any, in one transaction. It compares nothing. Then come the states.
    pub(super) fn run_changes(&mut self, cx: &mut Cx) {
        loop {
            if let Some(change) = self.changes.states.pop_front() {
                if self.begin_state_change(change, cx) {
                    return;
                }
                continue;
            }
            // Which of several things that are there a `select` takes is chance.
            let both = self.gc.is_due() && !self.changes.queue.is_empty();
            if self.gc.is_due() && (!both || cx.out.choose("what the run loop takes", 2) == 0) {
                return self.gc_tick(cx);
            }
            let Some(batch) = self.changes.queue.pop_front() else { break };
            self.changes.states = batch.states;
            let ahead = |(cf, object): &(ChangefeedId, ObjectId)| {
                let one = self.changefeeds.object(*cf, *object)?;
                let checkpoint = one.status.checkpoint;
                (checkpoint > one.saved).then_some(Saved { cf: *cf, object: *object, checkpoint })
            };
            let checkpoints: Vec<Saved> = batch.changed.iter().filter_map(ahead).collect();
            if !checkpoints.is_empty() {
                self.give_up_stale(&checkpoints, cx);
                return self.persist(checkpoints, cx);
            }
        }
        self.changefeeds.forget_gone();
        self.changes.busy = false;
    }

    /// A changefeed of which the upstream may have collected what it needs has failed: that comes behind what is in the queue. Its
    /// checkpoint is persisted all the same. (If the queue is full the real loop waits for itself, for 10 s.)
    fn give_up_stale(&mut self, checkpoints: &[Saved], cx: &Cx) {
        for Saved { cf, checkpoint, .. } in checkpoints {
            if let Some(error) = self.is_behind_gc(*checkpoint, cx)
                && self.changes.queue.len() < CAPACITY
            {
                let failed = StateChange { cf: *cf, state: FeedState::Failed, error: Some(error.into()) };
                self.changes.queue.push_back(Batch { changed: Vec::new(), states: [failed].into() });
            }
        }
    }

    fn persist(&mut self, checkpoints: Vec<Saved>, cx: &mut Cx) {
        let put = |Saved { cf, checkpoint, .. }: &Saved| {
            let job = Job { checkpoint: *checkpoint, progress: Progress::None };
            Op::Put { key: Key::Job(*cf), value: Value::Job(job), lease: None }
        };
        let then = checkpoints.iter().map(put).collect();
        let mut compares = Vec::new();
        if cx.policy().coordinator.checkpoint_base.is_compared() {
            let behind = |Saved { cf, checkpoint, .. }: &Saved| Compare::Behind(Key::Job(*cf), *checkpoint);
            compares.extend(checkpoints.iter().map(behind));
        }
        if cx.policy().coordinator.checkpoint_compare.is_made()
            && let Some(lease) = cx.process.lease
        {
            compares.push(Compare::Created(Key::Owner(lease), Revision(self.version)));
        }
        self.calls.txn(cx, Wait::Persist { checkpoints }, compares, then);
    }

    pub(super) fn on_persisted(&mut self, checkpoints: &[Saved], cx: &mut Cx) {
        for Saved { cf, object, checkpoint } in checkpoints {
            cx.note(Note::CheckpointPersisted { cf: *cf, checkpoint: *checkpoint });
            let Some(changefeed) = self.changefeeds.object_mut(*cf, *object) else { continue };
            changefeed.saved = *checkpoint;
            if let Some(node) = changefeed.node.filter(|_| cx.process.config.downstream.needs_checkpoints()) {
                let (cf, checkpoint) = (*cf, *checkpoint);
                let told = maintainer::Inbox::CheckpointTsPersisted { cf, checkpoint };
                cx.send(node, Place::Maintainers, told);
            }
        }
        self.run_changes(cx);
    }
}
