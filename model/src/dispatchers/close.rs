//! A close request, and the graceful end of the orchestrator.

use sim::Duration;

use crate::{
    ChangefeedId, Cx, Epoch, NodeId, Place,
    dispatchers::{Dispatchers, ManagerId, Note, Task, response_epoch, stop::Stop},
    maintainer,
    tasks::{Next, TaskId},
};

/// A close request that is being worked off.
#[derive(Clone, Debug)]
pub(super) struct Close {
    from: NodeId,
    cf: ChangefeedId,
    epoch: Epoch,
    removed: bool,
}

impl Close {
    pub(super) fn new(from: NodeId, cf: ChangefeedId, epoch: Epoch, removed: bool) -> Close {
        Close { from, cf, epoch, removed }
    }

    pub(super) fn resume(&mut self, me: TaskId, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        let policy = &cx.process.policy.clone().dispatchers;
        let Some(id) = all.orchestrator.managers.get(&self.cf).copied() else {
            self.record(all, cx);
            self.respond(true, cx);
            return Next::Done;
        };
        let Some(manager) = all.managers.get_mut(&id) else { return Next::Done };
        if !manager.enter(me, cx) {
            return Next::Wait;
        }
        let owner = manager.owner;
        let success = if policy.close_fence.admits(&owner, self.from, self.epoch) {
            let closed = all.try_close(id, cx);
            if closed {
                all.orchestrator.managers.remove(&self.cf);
                self.record(all, cx);
            }
            closed
        } else {
            // Not closed, but acknowledged: otherwise a maintainer that only removes would ask for ever.
            let (cf, from, epoch) = (self.cf, self.from, self.epoch);
            cx.note(Note::StaleRefused { cf, from, epoch, owner: owner.node, current: owner.epoch });
            true
        };
        Dispatchers::wake_all(all.release(id, me), cx);
        self.respond(success, cx);
        Next::Done
    }

    fn record(&self, all: &mut Dispatchers, cx: &Cx) {
        if cx.policy().dispatchers.tombstone.is_kept() {
            all.orchestrator.record_closed(self.cf, self.epoch, self.removed);
        }
    }

    fn respond(&self, success: bool, cx: &mut Cx) {
        let epoch = response_epoch(self.epoch, cx);
        let response = maintainer::Inbox::MaintainerCloseResponse { cf: self.cf, success, epoch };
        cx.send(self.from, Place::Maintainers, response);
    }
}

impl Dispatchers {
    /// Whether a manager is closed; if not, its closing begins or goes on.
    fn try_close(&mut self, id: ManagerId, cx: &mut Cx) -> bool {
        let Some(manager) = self.managers.get_mut(&id) else { return true };
        if manager.closed {
            self.managers.remove(&id);
            return true;
        }
        if !std::mem::replace(&mut manager.closing, true) {
            self.spawn(Task::Stop(Stop::gently(id)), cx);
        }
        false
    }
}

/// How often the end of the orchestrator looks whether every manager is closed.
const SPIN: Duration = Duration::from_millis(10);

/// The graceful end of the orchestrator: what is queued is worked off, then every manager is closed.
#[derive(Clone, Debug)]
pub(super) struct Shutdown;

impl Dispatchers {
    pub(super) fn shut_down(&mut self, cx: &mut Cx) {
        if !std::mem::replace(&mut self.orchestrator.closed, true) {
            self.spawn(Task::Shutdown(Shutdown), cx);
        }
    }
}

impl Shutdown {
    pub(super) fn resume(&mut self, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        if all.is_handling_requests() {
            return Next::Sleep(SPIN);
        }
        let visible: Vec<ManagerId> = all.orchestrator.managers.values().copied().collect();
        let mut closed = true;
        for manager in visible {
            closed &= all.try_close(manager, cx);
        }
        if closed { Next::Done } else { Next::Sleep(SPIN) }
    }
}

impl Dispatchers {
    /// Whether a worker of a shard is at a request.
    fn is_handling_requests(&self) -> bool {
        self.tasks
            .iter()
            .any(|(_, task)| matches!(task, Task::Bootstrap(_) | Task::PostBootstrap(_) | Task::Close(_)))
    }
}
