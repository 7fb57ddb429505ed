//! The block executor of a manager: eight workers that carry out what block events ask for.
//!
//! A dispatcher has one task at a time there, in order. Nobody withdraws a task: it runs even if its dispatcher has been
//! removed and cleaned meanwhile.

use std::collections::{BTreeMap, VecDeque};

use crate::{
    Cx, DispatcherId, Mode,
    dispatchers::{Dispatcher, Dispatchers, ManagerId, Task, Timer, block_task::BlockTask},
    tasks::TaskId,
};

const WORKERS: usize = 8;

#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Executor {
    ready: VecDeque<BlockTask>,
    /// What the workers are at.
    running: BTreeMap<DispatcherId, TaskId>,
    /// Whether it takes nothing more, and who waits for its workers.
    closed: bool,
    waiting: Vec<TaskId>,
}

impl Executor {
    /// What an idle worker does next: the first task whose dispatcher has none running.
    fn next(&mut self) -> Option<BlockTask> {
        if self.running.len() == WORKERS {
            return None;
        }
        let free = |task: &BlockTask| !self.running.contains_key(&task.dispatcher());
        let next = self.ready.iter().position(free)?;
        self.ready.remove(next)
    }

    /// It takes nothing more. Whether all is done; if not, this task is woken when it is.
    pub(super) fn close(&mut self, task: TaskId) -> bool {
        self.closed = true;
        let idle = self.ready.is_empty() && self.running.is_empty();
        if !idle && !self.waiting.contains(&task) {
            self.waiting.push(task);
        }
        idle
    }

    /// The tasks that run.
    pub(super) fn running(&self) -> impl Iterator<Item = TaskId> {
        self.running.values().copied()
    }
}

impl Dispatchers {
    pub(super) fn submit(&mut self, id: ManagerId, task: BlockTask, cx: &mut Cx) {
        let Some(manager) = self.managers.get_mut(&id).filter(|one| !one.executor.closed) else { return };
        let mode = manager.dispatchers.get(&task.dispatcher()).map_or(Mode::Default, Dispatcher::mode);
        let task = task.of(mode);
        manager.executor.ready.push_back(task);
        self.work_executor(id, cx);
    }

    fn work_executor(&mut self, id: ManagerId, cx: &mut Cx) {
        let Some(manager) = self.managers.get_mut(&id) else { return };
        while let Some(task) = manager.executor.next() {
            let dispatcher = task.dispatcher();
            let task = self.tasks.add(Task::Block(task));
            manager.executor.running.insert(dispatcher, task);
            cx.out.give_way(Timer::Task { task }.into());
        }
    }

    /// The worker that was at this task takes the next one.
    pub(super) fn worker_is_free(&mut self, id: ManagerId, task: TaskId, cx: &mut Cx) {
        let Some(manager) = self.managers.get_mut(&id) else { return };
        manager.executor.running.retain(|_, running| *running != task);
        self.work_executor(id, cx);
        let Some(manager) = self.managers.get_mut(&id) else { return };
        if manager.executor.running.is_empty() {
            Dispatchers::wake_all(std::mem::take(&mut manager.executor.waiting), cx);
        }
    }
}
