//! The locks of handlers: the lock of the orchestrator's maps, and of each manager the fence mutex and the mutex of its
//! write path. And who waits for whom.
//!
//! Lock order: the fence mutex before the lock of the maps, and before the mutex of the write path.

use crate::{
    ChangefeedId, Cx,
    dispatchers::{
        Dispatchers, ManagerId, Task,
        orchestrator::{Orchestrator, SHARDS},
    },
    policy::{EarlyReturn, Entrant},
    tasks::{Lock, TaskId},
};

/// A lock, or a worker that can do one thing at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource {
    /// The lock of the orchestrator's maps.
    Map,
    /// The fence mutex of a manager.
    Fence(ManagerId),
    /// The mutex of the write path of a manager.
    WritePath(ManagerId),
    /// The worker of a queue of requests.
    Shard(u8),
}

impl Resource {
    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Resource::Map => "lock of the maps",
            Resource::Fence(_) => "fence mutex",
            Resource::WritePath(_) => "mutex of the write path",
            Resource::Shard(_) => "worker of its queue",
        }
    }
}

/// A request that waits for something that another handler has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HeldUp {
    /// The changefeed of the request.
    pub cf: ChangefeedId,
    /// What it waits for.
    pub resource: Resource,
    /// Who has that.
    pub by: TaskId,
    /// The changefeed that this one works for.
    pub by_cf: ChangefeedId,
}

impl Dispatchers {
    /// Takes the lock of the maps; if not now, the task is woken when it is free.
    pub(super) fn lock_map(&mut self, task: TaskId) -> bool {
        self.stir();
        self.orchestrator.map.acquire(task)
    }

    /// Enters what the fence mutex of a manager guards, where there is one; if not now, the task is woken when it is free.
    pub(super) fn enter(&mut self, id: ManagerId, entrant: Entrant, task: TaskId, cx: &Cx) -> bool {
        self.stir();
        self.managers.get_mut(&id).is_none_or(|manager| manager.enter(entrant, task, cx))
    }

    /// Releases the fence mutex of a manager, if the task holds it.
    pub(super) fn leave(&mut self, id: ManagerId, task: TaskId, cx: &mut Cx) {
        if let Some(manager) = self.managers.get_mut(&id) {
            Dispatchers::wake_all(manager.fence.release(task), cx);
        }
    }

    /// As [`Dispatchers::leave`], by a handler that has not done its work. Some versions forget it.
    pub(super) fn leave_early(&mut self, id: ManagerId, task: TaskId, early: EarlyReturn, cx: &mut Cx) {
        if !cx.policy().orchestrator.mutex_release.is_forgotten(early) {
            self.leave(id, task, cx);
        }
    }

    /// Releases the lock of the maps, if the task holds it.
    pub(super) fn unlock_map(&mut self, task: TaskId, cx: &mut Cx) {
        Dispatchers::wake_all(self.orchestrator.map.release(task), cx);
    }

    /// Whether the orchestrator still knows a manager under its changefeed, if a handler looks at all.
    pub(super) fn is_still_registered(&self, cf: ChangefeedId, id: ManagerId, cx: &Cx) -> bool {
        !cx.policy().orchestrator.manager_recheck.is_made()
            || self.orchestrator.managers.get(&cf) == Some(&id)
    }

    /// Rises whenever it may have changed who has or waits for what: for whoever watches.
    pub fn traffic(&self) -> u64 {
        self.traffic
    }

    pub(super) fn stir(&mut self) {
        self.traffic += 1;
    }

    /// The changefeed of a lock, if it is a manager's.
    pub fn changefeed_of(&self, resource: Resource) -> Option<ChangefeedId> {
        match resource {
            Resource::Fence(id) | Resource::WritePath(id) => self.managers.get(&id).map(|manager| manager.cf),
            Resource::Map | Resource::Shard(_) => None,
        }
    }

    fn locks(&self) -> impl Iterator<Item = (Resource, &Lock)> {
        let of_managers = self.managers.iter().flat_map(|(id, manager)| {
            [(Resource::Fence(*id), &manager.fence), (Resource::WritePath(*id), &manager.write_path_mu)]
        });
        std::iter::once((Resource::Map, &self.orchestrator.map)).chain(of_managers)
    }

    /// Every lock that is held, who holds it, and whether that handler has ended.
    pub fn held(&self) -> impl Iterator<Item = (Resource, TaskId, bool)> {
        self.locks().filter_map(|(resource, lock)| {
            lock.holder().map(|holder| (resource, holder, self.tasks.get(holder).is_none()))
        })
    }

    /// The requests that wait for a handler of another changefeed, while that one waits itself.
    pub fn held_up(&self) -> Vec<HeldUp> {
        let mut found = Vec::new();
        for (resource, lock) in self.locks() {
            let requests = lock.waiters().iter().filter_map(|task| self.tasks.get(*task)?.request());
            let by = lock.holder().into_iter().flat_map(|by| self.waits_for(by));
            let by: Vec<(TaskId, ChangefeedId)> = by.collect();
            for cf in requests {
                found.extend(by.iter().map(|(by, by_cf)| HeldUp { cf, resource, by: *by, by_cf: *by_cf }));
            }
        }
        for (number, shard) in (0..).zip(&self.orchestrator.shards) {
            for cf in shard.requests.waiting().map(|request| request.sender.cf) {
                for (task, by_cf) in &shard.running {
                    if self.tasks.is_waiting(*task) {
                        let resource = Resource::Shard(number);
                        found.push(HeldUp { cf, resource, by: *task, by_cf: *by_cf });
                    }
                }
            }
        }
        found.retain(|one| home(one.cf) != home(one.by_cf));
        found
    }

    /// The handler that a holder of a lock keeps others waiting for: itself, if it waits for an answer or a lock.
    fn waits_for(&self, holder: TaskId) -> Option<(TaskId, ChangefeedId)> {
        let task = self.tasks.get(holder)?;
        self.tasks.is_waiting(holder).then_some((holder, task.request()?))
    }
}

/// The shard that the requests of a changefeed share with those of some others, as they do on purpose.
fn home(cf: ChangefeedId) -> usize {
    Orchestrator::shard_of(cf, SHARDS)
}

impl Task {
    /// The changefeed of the request that is being worked off.
    fn request(&self) -> Option<ChangefeedId> {
        match self {
            Task::Bootstrap(task) => Some(task.changefeed()),
            Task::PostBootstrap(task) => Some(task.changefeed()),
            Task::Close(task) => Some(task.changefeed()),
            Task::Schedule(_)
            | Task::Merge(_)
            | Task::Ready(_)
            | Task::MergeCheck(_)
            | Task::Remove(_)
            | Task::Heartbeat(_)
            | Task::Block(_)
            | Task::Response(_)
            | Task::CheckpointTs(_)
            | Task::RedoForward(_)
            | Task::UpdateRedoMeta(_)
            | Task::RedoMeta(_)
            | Task::RedoProgress(_)
            | Task::Closing(_)
            | Task::Finish(_)
            | Task::Cleanup(_)
            | Task::Fence(_)
            | Task::Shutdown(_) => None,
        }
    }
}
