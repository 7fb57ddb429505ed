//! `TryClose` of a manager: whether it is closed; if not, its closing begins, or goes on in the background.

use crate::{
    Cx,
    dispatchers::{Dispatchers, ManagerId, Task, finish::Closing},
    tasks::Next,
};

/// A call, in the thread of whoever calls.
#[derive(Clone, Debug)]
pub(super) struct TryClose {
    manager: ManagerId,
    removed: bool,
    stage: Stage,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    Look,
    Claim,
    Store,
}

/// What a step comes to.
pub(super) enum Tried {
    NotYet(Next),
    /// Whether it is closed.
    Closed(bool),
}

/// Whether finding that a manager is not closing and claiming it is one step.
pub(super) fn claim_is_atomic(cx: &Cx) -> bool {
    cx.policy().orchestrator.close_claim.is_atomic()
}

impl TryClose {
    /// `removed`: the changefeed is removed for good.
    pub(super) fn new(manager: ManagerId, removed: bool) -> TryClose {
        TryClose { manager, removed, stage: Stage::Look }
    }

    pub(super) fn resume(&mut self, all: &mut Dispatchers, cx: &mut Cx) -> Tried {
        let policy = &cx.policy().orchestrator;
        let Some(manager) = all.managers.get_mut(&self.manager) else { return Tried::Closed(true) };
        match self.stage {
            Stage::Look => {
                let begun = manager.closing || manager.closed;
                manager.remove_requested |= self.removed && (!begun || policy.removal_intent.is_latched());
                if manager.closed {
                    all.schedule_cleanup(self.manager, cx);
                    return Tried::Closed(true);
                }
                self.stage = Stage::Claim;
                Tried::NotYet(Next::Yield)
            }
            Stage::Claim if manager.closing => Tried::Closed(manager.closed),
            Stage::Claim if !claim_is_atomic(cx) => {
                self.stage = Stage::Store;
                Tried::NotYet(Next::Yield)
            }
            Stage::Claim | Stage::Store => {
                manager.closing = true;
                all.fork(Task::Closing(Closing::of(self.manager)), cx);
                Tried::Closed(false)
            }
        }
    }
}
