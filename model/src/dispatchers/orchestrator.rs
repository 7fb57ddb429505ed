//! The dispatcher orchestrator: which managers there are, and the shards that work off the requests of maintainers.

use std::collections::BTreeMap;

use crate::{
    ChangefeedId, Cx, Epoch,
    dispatchers::{
        Dispatchers, ManagerId, Task, Timer, Wake, bootstrap, close, post_bootstrap,
        requests::{Request, Requests, What},
    },
    tasks::TaskId,
};

/// Requests of one changefeed are always worked off by the same of them.
const SHARDS: usize = 8;

/// What the maps of the orchestrator hold. Access to them is one step: their lock is held for no longer.
#[derive(Clone, Debug, Default)]
pub(super) struct Orchestrator {
    pub(super) managers: BTreeMap<ChangefeedId, ManagerId>,
    /// Managers whose construction is not finished.
    pub(super) initializing: BTreeMap<ChangefeedId, ManagerId>,
    /// The highest generation with which a changefeed was closed here.
    closed_epochs: BTreeMap<ChangefeedId, Epoch>,
    shards: [Shard; SHARDS],
    /// Whether a graceful end has begun.
    pub(super) closed: bool,
    /// Whether the node has fenced itself. Never reset.
    pub(super) fenced: bool,
}

#[derive(Clone, Debug, Default)]
struct Shard {
    requests: Requests,
    /// What its worker is at.
    task: Option<TaskId>,
}

impl Orchestrator {
    pub(super) fn is_ending(&self) -> bool {
        self.closed || self.fenced
    }

    pub(super) fn closed_epoch(&self, cf: ChangefeedId) -> Option<Epoch> {
        self.closed_epochs.get(&cf).copied()
    }

    pub(super) fn closed_epochs(&self) -> impl Iterator<Item = (ChangefeedId, Epoch)> {
        self.closed_epochs.iter().map(|(cf, epoch)| (*cf, *epoch))
    }

    /// Remembers that a generation was closed here. Epoch zero counts only if the changefeed was removed for good.
    pub(super) fn record_closed(&mut self, cf: ChangefeedId, epoch: Epoch, removed: bool) {
        if epoch != Epoch::NONE || removed {
            let closed = self.closed_epochs.entry(cf).or_insert(epoch);
            *closed = epoch.max(*closed);
        }
    }

    /// Makes a manager visible.
    pub(super) fn install(&mut self, cf: ChangefeedId, manager: ManagerId) {
        self.managers.insert(cf, manager);
        self.closed_epochs.remove(&cf);
    }

    fn shard_of(cf: ChangefeedId) -> usize {
        usize::from(cf.0) % SHARDS
    }
}

impl Dispatchers {
    /// A request of a maintainer arrives: it is queued.
    pub(super) fn receive(&mut self, request: Request, cx: &mut Cx) {
        if self.orchestrator.is_ending() {
            return;
        }
        let number = Orchestrator::shard_of(request.cf);
        let shard = &mut self.orchestrator.shards[number];
        let waits = shard.requests.push(request, cx.policy().dispatchers.pending_queue);
        if waits && shard.task.is_none() {
            cx.out.give_way(Timer::Shard { shard: u32::try_from(number).expect("shards are few") }.into());
        }
    }

    /// The worker of a shard takes the next request, unless it is at one.
    pub(super) fn work_shard(&mut self, number: u32, cx: &mut Cx) {
        let shard = &mut self.orchestrator.shards[number as usize];
        if shard.task.is_some() {
            return;
        }
        let Some(Request { from, cf, epoch, what }) = shard.requests.pop() else { return };
        if self.orchestrator.fenced {
            return self.work_shard(number, cx);
        }
        let task = match what {
            What::Bootstrap { start_ts, trigger, is_new } => {
                Task::Bootstrap(bootstrap::Bootstrap::new(from, cf, epoch, start_ts, trigger, is_new))
            }
            What::PostBootstrap { trigger } => {
                Task::PostBootstrap(post_bootstrap::PostBootstrap::new(from, cf, epoch, trigger))
            }
            What::Close { removed } => Task::Close(close::Close::new(from, cf, epoch, removed)),
        };
        let task = self.tasks.add(task);
        self.orchestrator.shards[number as usize].task = Some(task);
        self.run(task, Wake::Go, cx);
    }

    /// The worker that was at this task takes the next request.
    pub(super) fn shard_is_free(&mut self, task: TaskId, cx: &mut Cx) {
        for (number, shard) in (0..).zip(&mut self.orchestrator.shards) {
            if shard.task == Some(task) {
                shard.task = None;
                cx.out.give_way(Timer::Shard { shard: number }.into());
            }
        }
    }
}
