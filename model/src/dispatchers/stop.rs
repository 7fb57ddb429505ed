//! The end of a manager's write path: gently, when it is closed, or at once, when the node fences itself.

use crate::{
    Cx, DispatcherId,
    dispatchers::{Asker, Dispatchers, ManagerId, Note, Stream, Task},
    tasks::{Next, TaskId},
};

/// A manager whose write path is being stopped.
#[derive(Clone, Debug)]
pub(super) struct Stop {
    manager: ManagerId,
    /// Whether running statements are cancelled before anything else.
    cancel_first: bool,
    stage: Stage,
}

#[derive(Clone, Debug)]
enum Stage {
    Begin,
    /// Unregisters the dispatchers, the last one first.
    Dispatchers {
        left: Vec<DispatcherId>,
    },
    Paths,
    Finish,
}

impl Stop {
    pub(super) fn gently(manager: ManagerId) -> Stop {
        Stop { manager, cancel_first: false, stage: Stage::Begin }
    }

    pub(super) fn at_once(manager: ManagerId) -> Stop {
        Stop { manager, cancel_first: true, stage: Stage::Begin }
    }

    pub(super) fn resume(&mut self, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        let id = self.manager;
        let Some(manager) = all.managers.get_mut(&id) else { return Next::Done };
        match &mut self.stage {
            Stage::Begin => {
                let known = cx.policy().dispatchers.write_path.is_closed_at_once();
                if known && !std::mem::replace(&mut manager.write_path_closed, true) {
                    cx.note(Note::WritePathClosed { cf: manager.cf, node: cx.id() });
                }
                let left = manager.dispatchers.keys().rev().copied().collect();
                if self.cancel_first {
                    all.cancel(id, cx);
                }
                all.touch();
                self.stage = Stage::Dispatchers { left };
                Next::Yield
            }
            Stage::Dispatchers { left } => {
                let Some(next) = left.pop() else {
                    self.stage = Stage::Paths;
                    return Next::Yield;
                };
                if let Some(dispatcher) = manager.dispatchers.get_mut(&next) {
                    // Not drained: what is in the sink already stays there until the context is cancelled.
                    dispatcher.unregister();
                    dispatcher.removing = true;
                }
                all.touch();
                Next::Yield
            }
            Stage::Paths => {
                manager.heartbeat.cancel();
                for stream in Stream::OF_MANAGERS {
                    all.streams.unregister(stream, manager.cf, id);
                }
                if !self.cancel_first {
                    all.cancel(id, cx);
                }
                all.touch();
                self.stage = Stage::Finish;
                Next::Yield
            }
            Stage::Finish => {
                let Some(manager) = all.managers.get_mut(&id) else { return Next::Done };
                manager.write_path_closed = true;
                manager.closed = true;
                cx.note(Note::ManagerClosed { cf: manager.cf, node: cx.id() });
                Next::Done
            }
        }
    }
}

impl Dispatchers {
    /// Cancels the context of a manager: workers take nothing more, connections are dropped, queries get no answer.
    /// What has reached the downstream's server goes on there.
    fn cancel(&mut self, id: ManagerId, cx: &mut Cx) {
        Dispatchers::wake_all(self.orphaned_tasks(id), cx);
        if let Some(manager) = self.managers.get_mut(&id) {
            manager.sink_running = false;
            manager.queued.clear();
        }
        self.queries.retain(|_, asker| match asker {
            Asker::Task { manager, .. } | Asker::Write { manager, .. } => *manager != id,
        });
    }

    /// The tasks of a manager that wait for an answer that will not come.
    fn orphaned_tasks(&self, id: ManagerId) -> Vec<TaskId> {
        let waiting = self.queries.values().filter_map(|asker| match asker {
            Asker::Task { task, manager } if *manager == id => Some(*task),
            Asker::Task { .. } | Asker::Write { .. } => None,
        });
        waiting.collect()
    }

    /// Stops the write path of one manager at once.
    pub(super) fn fence_manager(&mut self, id: ManagerId, cx: &mut Cx) {
        if let Some(manager) = self.managers.get_mut(&id)
            && !std::mem::replace(&mut manager.closing, true)
        {
            self.spawn(Task::Stop(Stop::at_once(id)), cx);
        }
    }

    /// The node has lost its session: every manager is fenced, one after the other, those under construction too.
    pub(super) fn local_fence(&mut self, cx: &mut Cx) {
        self.orchestrator.fenced = true;
        let visible = self.orchestrator.managers.values();
        let mut managers: Vec<ManagerId> =
            visible.chain(self.orchestrator.initializing.values()).copied().collect();
        managers.sort_unstable_by_key(|id| std::cmp::Reverse(*id));
        self.spawn(Task::Fence(Fence { managers }), cx);
    }
}

/// Managers that are still to be fenced, the last one first.
#[derive(Clone, Debug)]
pub(super) struct Fence {
    managers: Vec<ManagerId>,
}

impl Fence {
    pub(super) fn resume(&mut self, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        match self.managers.pop() {
            Some(manager) => {
                all.fence_manager(manager, cx);
                Next::Yield
            }
            None => Next::Done,
        }
    }
}
