//! Handlers that yield, written as data, and the locks they wait for.
//!
//! A task is a value in its machine's table; each step of it is a named state. Between two steps anything else can
//! happen: that is how the threads of the real process interleave.

use std::{collections::BTreeMap, fmt};

use crate::vocabulary::say;

/// One task of one machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(pub u32);

/// What a task wants after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// To go on after others may have got in.
    Yield,
    /// To go on after this long.
    Sleep(sim::Duration),
    /// To be woken: by the holder of a lock, or by an answer.
    Wait,
    /// Nothing: it is done.
    Done,
}

/// The tasks of a machine.
#[derive(Clone, Debug)]
pub(crate) struct Tasks<T> {
    next: u32,
    /// Each task that is not running, and whether it waits to be woken.
    table: BTreeMap<TaskId, (T, bool)>,
}

impl<T> Default for Tasks<T> {
    fn default() -> Tasks<T> {
        Tasks { next: 0, table: BTreeMap::new() }
    }
}

impl<T> Tasks<T> {
    pub(crate) fn add(&mut self, task: T) -> TaskId {
        self.next += 1;
        let id = TaskId(self.next);
        self.table.insert(id, (task, false));
        id
    }

    /// Takes a task out for its next step.
    pub(crate) fn take(&mut self, id: TaskId) -> Option<T> {
        self.table.remove(&id).map(|(task, _)| task)
    }

    /// Puts it back; `waits`: to be woken.
    pub(crate) fn put(&mut self, id: TaskId, task: T, waits: bool) {
        self.table.insert(id, (task, waits));
    }

    /// A task that has not ended.
    pub(crate) fn get(&self, id: TaskId) -> Option<&T> {
        self.table.get(&id).map(|(task, _)| task)
    }

    /// Whether a task waits to be woken.
    pub(crate) fn is_waiting(&self, id: TaskId) -> bool {
        self.table.get(&id).is_some_and(|(_, waits)| *waits)
    }
}

/// A mutex of the real process. It is not fair: a released lock goes to whichever waiter comes first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lock {
    holder: Option<TaskId>,
    waiters: Vec<TaskId>,
}

impl Lock {
    /// Whether the task holds the lock now. If not, it is woken when the lock is released, and asks again.
    pub(crate) fn acquire(&mut self, task: TaskId) -> bool {
        if self.holder.is_none_or(|holder| holder == task) {
            self.holder = Some(task);
            return true;
        }
        if !self.waiters.contains(&task) {
            self.waiters.push(task);
        }
        false
    }

    pub(crate) fn is_held(&self) -> bool {
        self.holder.is_some()
    }

    /// Whether the task may do now what takes one step only: it acquires the lock and will have released it at the end of
    /// the step. If not, it is woken as by [`Lock::acquire`].
    pub(crate) fn pass(&mut self, task: TaskId) -> bool {
        let held = self.holder == Some(task);
        let passes = self.acquire(task);
        if passes && !held {
            self.holder = None;
        }
        passes
    }

    /// Releases the lock if the task holds it; the waiters to wake.
    pub(crate) fn release(&mut self, task: TaskId) -> Vec<TaskId> {
        if self.holder != Some(task) {
            return Vec::new();
        }
        self.holder = None;
        std::mem::take(&mut self.waiters)
    }

    /// Who holds it.
    pub(crate) fn holder(&self) -> Option<TaskId> {
        self.holder
    }

    /// Who waits for it.
    pub(crate) fn waiters(&self) -> &[TaskId] {
        &self.waiters
    }
}

say!(TaskId);

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task{}", self.0)
    }
}
