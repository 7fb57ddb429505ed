//! The dispatcher orchestrator: which managers there are, and the shards that work off the requests of maintainers.

use std::collections::BTreeMap;

use crate::{
    ChangefeedId, Cx, Epoch,
    dispatchers::{
        Dispatchers, ManagerId, Task, Timer, Wake, bootstrap, close, post_bootstrap,
        requests::{Request, Requests, Sender, What},
    },
    policy::Shards,
    tasks::{Lock, TaskId},
};

/// How many queues there may be. Requests of one changefeed always go to the same.
pub(super) const SHARDS: usize = 8;

/// What the orchestrator of a node knows.
#[derive(Clone, Debug, Default)]
pub(super) struct Orchestrator {
    /// The lock of the maps. Most who take it release it in the same step.
    pub(super) map: Lock,
    pub(super) managers: BTreeMap<ChangefeedId, ManagerId>,
    /// Managers whose construction is not finished.
    pub(super) initializing: BTreeMap<ChangefeedId, ManagerId>,
    /// With which epoch a changefeed was closed here. That there is an entry means something even if it is zero.
    closed_epochs: BTreeMap<ChangefeedId, Epoch>,
    pub(super) shards: [Shard; SHARDS],
    /// Whether a graceful end has begun.
    pub(super) closed: bool,
    /// Whether the node has fenced itself. Never reset.
    pub(super) fenced: bool,
    /// Whether all managers that were there have been fenced.
    pub(super) fence_ended: bool,
}

/// A queue, and what its worker is at.
#[derive(Clone, Debug, Default)]
pub(super) struct Shard {
    pub(super) requests: Requests,
    /// The changefeed of each task. More than one only where a worker does not wait for what it has begun.
    pub(super) running: Vec<(TaskId, ChangefeedId)>,
}

impl Orchestrator {
    pub(super) fn is_ending(&self) -> bool {
        self.closed || self.fenced
    }

    /// With which epoch a changefeed was closed here, if a bootstrap of this one may not create a manager again.
    pub(super) fn closed_for(&self, cf: ChangefeedId, epoch: Epoch, cx: &Cx) -> Option<Epoch> {
        let dropped = epoch != Epoch::NONE || cx.policy().orchestrator.unnumbered_bootstrap.is_dropped();
        self.closed_epochs.get(&cf).copied().filter(|closed| dropped && epoch <= *closed)
    }

    pub(super) fn closed_epochs(&self) -> impl Iterator<Item = (ChangefeedId, Epoch)> {
        self.closed_epochs.iter().map(|(cf, epoch)| (*cf, *epoch))
    }

    /// Remembers with which epoch a changefeed was closed here, if that is to be. `executed`: it is closed by this request
    /// or was not there; otherwise the request was a stale one.
    pub(super) fn record_closed(&mut self, by: Sender, removed: bool, executed: bool, cx: &Cx) {
        if cx.policy().orchestrator.tombstone.records(by.epoch, removed, executed) {
            let closed = self.closed_epochs.entry(by.cf).or_insert(by.epoch);
            *closed = by.epoch.max(*closed);
        }
    }

    /// Makes a manager visible.
    pub(super) fn install(&mut self, cf: ChangefeedId, manager: ManagerId) {
        self.managers.insert(cf, manager);
        self.closed_epochs.remove(&cf);
    }

    /// Which of so many queues the requests of a changefeed wait in.
    pub(super) fn shard_of(cf: ChangefeedId, shards: usize) -> usize {
        usize::from(cf.0) % shards
    }
}

impl Dispatchers {
    /// A request of a maintainer arrives: it is queued.
    pub(super) fn receive(&mut self, request: Request, cx: &mut Cx) {
        if self.orchestrator.closed || self.refuses_requests(cx) {
            return request.sender.ignore("the orchestrator ends", cx);
        }
        let shards = shards(cx);
        let number = Orchestrator::shard_of(request.sender.cf, shards.count());
        let shard = &mut self.orchestrator.shards[number];
        shard.requests.push(request, cx);
        if (shard.running.is_empty() || shards.overlap()) && !shard.requests.is_empty() {
            cx.out.give_way(Timer::Shard { shard: u32::try_from(number).expect("shards are few") }.into());
        }
        self.stir();
    }

    /// Whether the node has fenced itself, and requests are therefore dropped wherever they are found.
    pub(super) fn refuses_requests(&self, cx: &Cx) -> bool {
        self.orchestrator.fenced && cx.policy().orchestrator.fenced_requests.are_dropped()
    }

    /// The worker of a shard takes the next request, unless it is at one.
    pub(super) fn work_shard(&mut self, number: u32, cx: &mut Cx) {
        let overlap = shards(cx).overlap();
        let shard = &mut self.orchestrator.shards[number as usize];
        if !shard.running.is_empty() && !overlap {
            return;
        }
        let Some(Request { sender, what }) = shard.requests.pop(cx) else { return };
        if self.refuses_requests(cx) {
            sender.ignore("the node has fenced itself", cx);
            return self.handled(number as usize, sender.cf, cx);
        }
        let task = match what {
            What::Bootstrap(request) => Task::Bootstrap(bootstrap::Bootstrap::new(sender, request)),
            What::PostBootstrap { trigger } => {
                Task::PostBootstrap(post_bootstrap::PostBootstrap::new(sender, trigger))
            }
            What::Close { removed } => Task::Close(close::Close::new(sender, removed)),
        };
        let task = self.tasks.add(task);
        self.orchestrator.shards[number as usize].running.push((task, sender.cf));
        self.stir();
        self.run(task, Wake::Go, cx);
        if overlap {
            cx.out.give_way(Timer::Shard { shard: number }.into());
        }
    }

    /// The worker that was at this task takes the next request.
    pub(super) fn shard_is_free(&mut self, task: TaskId, cx: &mut Cx) {
        for number in 0..SHARDS {
            let running = &mut self.orchestrator.shards[number].running;
            if let Some(place) = running.iter().position(|(one, _)| *one == task) {
                let (_, cf) = running.swap_remove(place);
                self.handled(number, cf, cx);
            }
        }
    }

    fn handled(&mut self, number: usize, cf: ChangefeedId, cx: &mut Cx) {
        let shard = &mut self.orchestrator.shards[number];
        shard.requests.handled(cf);
        if shard.requests.is_empty() {
            return self.shard_is_idle(cx);
        }
        cx.out.give_way(Timer::Shard { shard: u32::try_from(number).expect("shards are few") }.into());
    }
}

/// Which requests share a queue and its worker.
fn shards(cx: &Cx) -> Shards {
    cx.policy().orchestrator.shards
}
