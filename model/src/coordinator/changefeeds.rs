//! The changefeeds of a term: the sets that they are in, which node has each of them, and how they are doing.
//!
//! A changefeed is in one set at a time, as a rule: absent (nobody maintains it), scheduling (an operator is giving it to a
//! node), replicating (a node maintains it) or stopped (nobody is to). The sets do not know of each other, though, as in TiCDC:
//! an operator that is admitted for one that has been stopped meanwhile leaves it among the stopped ones, too.

use std::collections::{BTreeMap, BTreeSet};

use sim::Instant;

use crate::{
    ChangefeedId, Epoch, NodeId, Ts,
    coordinator::{Heard, MaintainerStatus, backoff::Backoff},
    etcd::{ChangefeedInfo, FeedState, Sparse},
};

/// Which object in memory: one that has taken the place of another, under the same id, is not the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::coordinator) struct ObjectId(u64);

/// A changefeed in memory.
#[derive(Clone, Debug)]
pub(super) struct Changefeed {
    pub(super) object: ObjectId,
    /// The latest copy of what is persisted.
    pub(super) info: ChangefeedInfo,
    /// The configuration as it was when this object was made: its epoch, and whether it lacked something.
    pub(super) at_first: (Epoch, Sparse),
    pub(super) node: Option<NodeId>,
    /// The last status that was accepted.
    pub(super) status: MaintainerStatus,
    /// The last checkpoint that was persisted.
    pub(super) saved: Ts,
    /// It was created, or resumed with another checkpoint, and no maintainer of it has begun to work. A term does not know
    /// what its predecessor knew of that.
    pub(super) is_new: bool,
    pub(super) backoff: Backoff,
}

#[derive(Clone, Debug, Default)]
pub(super) struct ChangefeedDb {
    all: BTreeMap<ChangefeedId, Changefeed>,
    absent: BTreeSet<ChangefeedId>,
    scheduling: BTreeSet<ChangefeedId>,
    replicating: BTreeSet<ChangefeedId>,
    stopped: BTreeSet<ChangefeedId>,
    node_tasks: BTreeMap<NodeId, BTreeSet<ChangefeedId>>,
    objects: u64,
    /// Objects that are not there any more, as long as the run loop may still have them.
    gone: Vec<Changefeed>,
}

impl Changefeed {
    /// One that has just come to the coordinator's knowledge, at a checkpoint.
    pub(super) fn new(cf: ChangefeedId, info: ChangefeedInfo, checkpoint: Ts, now: Instant) -> Changefeed {
        let stopped = MaintainerStatus::stopped(cf, Epoch::NONE);
        Changefeed {
            object: ObjectId::default(),
            backoff: Backoff::new(checkpoint, info.state == FeedState::Warning, now),
            at_first: (info.epoch, info.sparse),
            info,
            node: None,
            status: MaintainerStatus { checkpoint, ..stopped },
            saved: checkpoint,
            is_new: false,
        }
    }

    /// The checkpoint from which a new maintainer goes on.
    pub(super) fn checkpoint(&self) -> Ts {
        self.status.checkpoint
    }

    pub(super) fn heard(&self) -> Heard {
        let (errors, in_series, given_up) = self.backoff.counted();
        Heard { object: self.object, errors, in_series, given_up }
    }

    /// Whether what its checkpoint needs may not be collected upstream.
    pub(super) fn blocks_gc(&self) -> bool {
        blocks_gc(&self.info)
    }
}

/// Whether what the checkpoint of a changefeed needs may not be collected upstream.
pub(crate) fn blocks_gc(info: &ChangefeedInfo) -> bool {
    match info.state {
        FeedState::Normal | FeedState::Stopped | FeedState::Warning => true,
        FeedState::Failed => !info.error.is_some_and(|error| super::backoff::is_of_gc(error.text)),
        FeedState::Finished => false,
    }
}

impl ChangefeedDb {
    pub(super) fn add_absent(&mut self, cf: ChangefeedId, changefeed: Changefeed) {
        self.insert(cf, changefeed);
        self.absent.insert(cf);
    }

    pub(super) fn add_stopped(&mut self, cf: ChangefeedId, changefeed: Changefeed) {
        self.insert(cf, changefeed);
        self.stopped.insert(cf);
    }

    pub(super) fn add_replicating(&mut self, cf: ChangefeedId, changefeed: Changefeed, node: NodeId) {
        self.insert(cf, Changefeed { node: Some(node), ..changefeed });
        self.replicating.insert(cf);
        self.node_tasks.entry(node).or_default().insert(cf);
    }

    /// Puts another object in the place of one that is stopped. Whether there is such a one.
    pub(super) fn replace_stopped(&mut self, cf: ChangefeedId, changefeed: Changefeed) -> bool {
        let stopped = self.stopped.contains(&cf);
        if stopped {
            self.insert(cf, changefeed);
        }
        stopped
    }

    fn insert(&mut self, cf: ChangefeedId, changefeed: Changefeed) {
        self.objects += 1;
        let changefeed = Changefeed { object: ObjectId(self.objects), ..changefeed };
        self.gone.extend(self.all.insert(cf, changefeed));
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (ChangefeedId, &Changefeed)> {
        self.all.iter().map(|(cf, one)| (*cf, one))
    }

    pub(super) fn get(&self, cf: ChangefeedId) -> Option<&Changefeed> {
        self.all.get(&cf)
    }

    pub(super) fn get_mut(&mut self, cf: ChangefeedId) -> Option<&mut Changefeed> {
        self.all.get_mut(&cf)
    }

    /// An object, even if it is not there any more.
    pub(super) fn object(&self, cf: ChangefeedId, object: ObjectId) -> Option<&Changefeed> {
        let here = self.all.get(&cf).filter(|one| one.object == object);
        here.or_else(|| self.gone.iter().find(|one| one.object == object))
    }

    pub(super) fn object_mut(&mut self, cf: ChangefeedId, object: ObjectId) -> Option<&mut Changefeed> {
        let here = self.all.get_mut(&cf).filter(|one| one.object == object);
        here.or_else(|| self.gone.iter_mut().find(|one| one.object == object))
    }

    /// Nobody has an object any more that is not there.
    pub(super) fn forget_gone(&mut self) {
        self.gone.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// The set that a changefeed is in; if it is in several, the one that the schedulers see first.
    pub(super) fn placement(&self, cf: ChangefeedId) -> &'static str {
        let sets = [
            (&self.scheduling, "scheduling"),
            (&self.replicating, "replicating"),
            (&self.absent, "absent"),
            (&self.stopped, "stopped"),
        ];
        sets.into_iter().find(|(set, _)| set.contains(&cf)).map_or("nowhere", |(_, name)| name)
    }

    /// How many changefeeds are absent, those included that have to wait after an error.
    pub(super) fn absent_len(&self) -> usize {
        self.absent.len()
    }

    /// The absent changefeeds that may be tried now.
    pub(super) fn runnable(&self, now: Instant) -> impl Iterator<Item = ChangefeedId> {
        let may = move |cf: &ChangefeedId| self.get(*cf).is_some_and(|one| one.backoff.should_run(now));
        self.absent.iter().copied().filter(may)
    }

    /// The changefeeds that a node maintains while no operator is at them, each with its node.
    pub(super) fn replicating(&self) -> impl Iterator<Item = (ChangefeedId, NodeId)> {
        self.replicating.iter().filter_map(|cf| Some((*cf, self.get(*cf)?.node?)))
    }

    /// Whether a node maintains it while no operator is at it.
    pub(super) fn is_replicating(&self, cf: ChangefeedId) -> bool {
        self.replicating.contains(&cf)
    }

    /// The changefeeds that are bound to a node.
    pub(super) fn on_node(&self, node: NodeId) -> impl Iterator<Item = ChangefeedId> {
        self.node_tasks.get(&node).into_iter().flatten().copied()
    }

    /// How many changefeeds are bound to a node.
    pub(super) fn load(&self, node: NodeId) -> usize {
        self.node_tasks.get(&node).map_or(0, BTreeSet::len)
    }

    /// An operator gives it to a node, and takes it from the one that is named.
    pub(super) fn bind(&mut self, cf: ChangefeedId, old: Option<NodeId>, node: NodeId) {
        if let Some(one) = self.all.get_mut(&cf) {
            one.node = Some(node);
            self.mark_scheduling(cf);
            self.move_task(cf, old, Some(node));
        }
    }

    /// It keeps its node.
    pub(super) fn mark_scheduling(&mut self, cf: ChangefeedId) {
        self.absent.remove(&cf);
        self.replicating.remove(&cf);
        self.scheduling.insert(cf);
    }

    pub(super) fn mark_replicating(&mut self, cf: ChangefeedId) {
        self.absent.remove(&cf);
        self.scheduling.remove(&cf);
        self.replicating.insert(cf);
    }

    pub(super) fn mark_absent(&mut self, cf: ChangefeedId) {
        if let Some(one) = self.all.get_mut(&cf) {
            let old = one.node.take();
            self.scheduling.remove(&cf);
            self.replicating.remove(&cf);
            self.absent.insert(cf);
            self.move_task(cf, old, None);
        }
    }

    /// Takes a changefeed out of service: the node that had it, if any.
    pub(super) fn stop(&mut self, cf: ChangefeedId, removed: bool) -> Option<NodeId> {
        let one = self.all.get_mut(&cf)?;
        let node = one.node.take();
        for set in [&mut self.absent, &mut self.scheduling, &mut self.replicating] {
            set.remove(&cf);
        }
        self.move_task(cf, node, None);
        if removed {
            self.gone.extend(self.all.remove(&cf));
            self.stopped.remove(&cf);
        } else {
            self.stopped.insert(cf);
        }
        node
    }

    /// A changefeed that was stopped, by a user or because of an error, is to be placed again. `reset`: what is known of its
    /// errors is forgotten. `is_new`: a user has set another checkpoint.
    pub(super) fn move_to_scheduling_queue(&mut self, cf: ChangefeedId, reset: bool, is_new: bool) {
        if let Some(one) = self.all.get_mut(&cf) {
            if reset {
                one.backoff.reset(one.status.checkpoint);
            }
            one.is_new = is_new;
            self.stopped.remove(&cf);
            self.absent.insert(cf);
        }
    }

    /// The timestamp from which on the upstream has to keep everything; none if it need not keep anything for a changefeed.
    pub(super) fn gc_safepoint(&self) -> Option<Ts> {
        self.all.values().filter(|one| one.blocks_gc()).map(|one| one.saved).min()
    }

    fn move_task(&mut self, cf: ChangefeedId, old: Option<NodeId>, new: Option<NodeId>) {
        if let Some(node) = old
            && let Some(tasks) = self.node_tasks.get_mut(&node)
        {
            tasks.remove(&cf);
            if tasks.is_empty() {
                self.node_tasks.remove(&node);
            }
        }
        if let Some(node) = new {
            self.node_tasks.entry(node).or_default().insert(cf);
        }
    }
}
