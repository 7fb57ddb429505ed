//! The local fence (pingcap/ticdc#5106): a manager, or all managers of a node, stop writing at once, without draining.

use crate::{
    Cx,
    dispatchers::{
        Dispatchers, ManagerId, Task,
        finish::Finish,
        stop::{StopWritePath, Stopped},
        try_close::claim_is_atomic,
    },
    tasks::{Next, TaskId},
};

/// `LocalFence` of one manager, in the thread of whoever calls it.
#[derive(Clone, Debug)]
pub(super) struct LocalFence {
    manager: ManagerId,
    /// Whether this fence has begun the closing, and so has to finish it.
    claimed: bool,
    stage: Stage,
}

#[derive(Clone, Debug)]
enum Stage {
    Look,
    Claim,
    Store,
    Stop(StopWritePath),
    Finish(Finish),
}

impl LocalFence {
    pub(super) fn of(manager: ManagerId) -> LocalFence {
        LocalFence { manager, claimed: false, stage: Stage::Look }
    }

    /// `Done`: the caller goes on.
    pub(super) fn resume(&mut self, me: TaskId, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        let Some(manager) = all.managers.get_mut(&self.manager) else { return Next::Done };
        match &mut self.stage {
            Stage::Look if manager.closed => Next::Done,
            Stage::Look => self.go_to(Stage::Claim),
            Stage::Claim if manager.closing => self.go_to(Stage::Stop(StopWritePath::at_once(self.manager))),
            Stage::Claim if claim_is_atomic(cx) => self.claim(all),
            Stage::Claim => self.go_to(Stage::Store),
            Stage::Store => self.claim(all),
            Stage::Stop(stop) => match stop.resume(me, all, cx) {
                Stopped::NotYet(next) => next,
                Stopped::Aborted | Stopped::Done if !self.claimed => Next::Done,
                Stopped::Aborted | Stopped::Done => self.finish(all, cx),
            },
            Stage::Finish(finish) => finish.resume(me, all, cx),
        }
    }

    fn go_to(&mut self, stage: Stage) -> Next {
        self.stage = stage;
        Next::Yield
    }

    fn claim(&mut self, all: &mut Dispatchers) -> Next {
        if let Some(manager) = all.managers.get_mut(&self.manager) {
            manager.closing = true;
        }
        self.claimed = true;
        self.go_to(Stage::Stop(StopWritePath::at_once(self.manager)))
    }

    fn finish(&mut self, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        if cx.policy().orchestrator.fence_cleanup.is_awaited() {
            return self.go_to(Stage::Finish(Finish::of(self.manager)));
        }
        all.fork(Task::Finish(Finish::of(self.manager)), cx);
        Next::Done
    }
}

/// `LocalFence` of the orchestrator: the node has lost its session.
#[derive(Clone, Debug)]
pub(super) struct Fence {
    /// How often the managers are still to be looked up.
    rounds: u8,
    stage: Round,
}

#[derive(Clone, Debug)]
enum Round {
    /// Notes which managers there are, those under construction too.
    LookUp,
    /// Fences them, one after the other.
    Managers { left: Vec<ManagerId>, at: Option<LocalFence> },
}

impl Dispatchers {
    /// The node has lost its session. The second time only what is there is fenced once more.
    pub(super) fn local_fence(&mut self, cx: &mut Cx) {
        let again = std::mem::replace(&mut self.orchestrator.fenced, true);
        // The second look is for those that have come late: between the first one and the end of all handlers.
        let rounds = if again { 1 } else { 2 };
        self.spawn(Task::Fence(Fence { rounds, stage: Round::LookUp }), cx);
    }
}

impl Fence {
    pub(super) fn resume(&mut self, me: TaskId, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        match &mut self.stage {
            Round::LookUp => {
                if !all.orchestrator.map.pass(me) {
                    return Next::Wait;
                }
                let visible = all.orchestrator.managers.values();
                let left = visible.chain(all.orchestrator.initializing.values()).copied().collect();
                self.stage = Round::Managers { left, at: None };
                Next::Yield
            }
            Round::Managers { at: Some(fence), .. } => match fence.resume(me, all, cx) {
                Next::Done => self.next(cx),
                next => next,
            },
            Round::Managers { at: None, .. } => self.next(cx),
        }
    }

    /// Goes on with the next manager. Visible ones and those under construction are in the order of Go maps.
    fn next(&mut self, cx: &mut Cx) -> Next {
        let Round::Managers { left, at } = &mut self.stage else { return Next::Done };
        if !left.is_empty() {
            let chosen = left.remove(cx.out.choose("manager to fence", left.len()));
            *at = Some(LocalFence::of(chosen));
            return Next::Yield;
        }
        self.rounds -= 1;
        if self.rounds == 0 {
            return Next::Done;
        }
        self.stage = Round::LookUp;
        Next::Yield
    }
}
