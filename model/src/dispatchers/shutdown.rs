//! The graceful end of the orchestrator: what is queued is worked off, then every manager is closed.

use sim::Duration;

use crate::{
    Cx,
    dispatchers::{
        Dispatchers, ManagerId, Task,
        try_close::{Tried, TryClose},
    },
    tasks::{Next, TaskId},
};

/// How often it looks whether every manager is closed. The real process does not sleep in between.
const SPIN: Duration = Duration::from_millis(10);

/// `Close` of the orchestrator.
#[derive(Clone, Debug)]
pub(super) enum Shutdown {
    /// Waits for the workers of the shards.
    Workers,
    /// Waits for the lock of the maps, which it holds from then on to its end.
    Lock,
    /// Tries to close every manager that is left, one after the other.
    Managers { left: Vec<ManagerId>, at: Option<(ManagerId, TryClose)> },
}

impl Dispatchers {
    pub(super) fn shut_down(&mut self, cx: &mut Cx) {
        if !std::mem::replace(&mut self.orchestrator.closed, true) {
            self.closing = Some(self.spawn(Task::Shutdown(Shutdown::Workers), cx));
        }
    }

    /// A worker has nothing to do: the end of the orchestrator may have waited for that.
    pub(super) fn shard_is_idle(&mut self, cx: &mut Cx) {
        Dispatchers::wake_all(self.closing.into_iter().collect(), cx);
    }

    fn has_requests(&self) -> bool {
        let mut shards = self.orchestrator.shards.iter();
        shards.any(|shard| !shard.running.is_empty() || !shard.requests.is_empty())
    }
}

impl Shutdown {
    pub(super) fn resume(&mut self, me: TaskId, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        match self {
            Shutdown::Workers if all.has_requests() => Next::Wait,
            Shutdown::Workers => {
                all.closing = None;
                *self = Shutdown::Lock;
                Next::Yield
            }
            Shutdown::Lock if !all.lock_map(me) => Next::Wait,
            Shutdown::Lock => {
                *self = Shutdown::round(all);
                Next::Yield
            }
            Shutdown::Managers { at: Some((id, attempt)), .. } => match attempt.resume(all, cx) {
                Tried::NotYet(next) => next,
                Tried::Closed(closed) => {
                    let id = *id;
                    all.orchestrator.managers.retain(|_, manager| !closed || *manager != id);
                    self.next(me, all, cx)
                }
            },
            Shutdown::Managers { at: None, .. } => self.next(me, all, cx),
        }
    }

    fn round(all: &Dispatchers) -> Shutdown {
        Shutdown::Managers { left: all.orchestrator.managers.values().copied().collect(), at: None }
    }

    /// Goes on with the next manager, in the order of a Go map; behind the last one begins again, until none is left.
    fn next(&mut self, me: TaskId, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        let Shutdown::Managers { left, at } = self else { return Next::Done };
        if !left.is_empty() {
            let id = left.remove(cx.out.choose("manager to close", left.len()));
            *at = Some((id, TryClose::new(id, false)));
            return Next::Yield;
        }
        if all.orchestrator.managers.is_empty() {
            all.unlock_map(me, cx);
            return Next::Done;
        }
        *self = Shutdown::round(all);
        Next::Sleep(SPIN)
    }
}
