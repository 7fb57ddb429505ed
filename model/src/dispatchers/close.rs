//! A close request: the manager of a changefeed is closed, which takes at least two of them.

use crate::{
    ChangefeedId, Cx, Place,
    dispatchers::{
        Dispatchers, ManagerId,
        requests::Sender,
        response_epoch,
        try_close::{Tried, TryClose},
    },
    maintainer,
    policy::{Entrant, Stale},
    tasks::{Next, TaskId},
};

/// A close request that is being worked off.
#[derive(Clone, Debug)]
pub(super) struct Close {
    sender: Sender,
    removed: bool,
    stage: Stage,
}

#[derive(Clone, Debug)]
enum Stage {
    /// Looks whether there is a manager.
    Look,
    /// Waits for its fence mutex.
    Enter(ManagerId),
    TryClose(ManagerId, TryClose),
    /// The manager is closed: the orchestrator forgets it.
    Forget(ManagerId),
    /// The request is a stale one and has been judged; so it is answered, if at all.
    Stale(ManagerId, Option<bool>),
}

impl Close {
    pub(super) fn new(sender: Sender, removed: bool) -> Close {
        Close { sender, removed, stage: Stage::Look }
    }

    pub(super) fn changefeed(&self) -> ChangefeedId {
        self.sender.cf
    }

    pub(super) fn sender(&self) -> Sender {
        self.sender
    }

    pub(super) fn resume(&mut self, me: TaskId, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        match &mut self.stage {
            Stage::Look => self.look(me, all, cx),
            Stage::Enter(manager) => {
                let manager = *manager;
                self.enter(me, manager, all, cx)
            }
            Stage::TryClose(manager, attempt) => {
                let manager = *manager;
                match attempt.resume(all, cx) {
                    Tried::NotYet(next) => next,
                    Tried::Closed(true) => self.go_to(Stage::Forget(manager)),
                    Tried::Closed(false) => self.end(me, manager, Some(false), all, cx),
                }
            }
            Stage::Forget(manager) => {
                let manager = *manager;
                if !all.lock_map(me) {
                    return Next::Wait;
                }
                // By the changefeed, whatever manager stands there now.
                all.orchestrator.managers.remove(&self.sender.cf);
                all.orchestrator.record_closed(self.sender, self.removed, true, cx);
                self.end(me, manager, Some(true), all, cx)
            }
            Stage::Stale(manager, answer) => {
                let (manager, answer) = (*manager, *answer);
                if !all.lock_map(me) {
                    return Next::Wait;
                }
                all.orchestrator.record_closed(self.sender, self.removed, false, cx);
                self.end(me, manager, answer, all, cx)
            }
        }
    }

    fn go_to(&mut self, stage: Stage) -> Next {
        self.stage = stage;
        Next::Yield
    }

    fn look(&mut self, me: TaskId, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        if !all.lock_map(me) {
            return Next::Wait;
        }
        let Some(manager) = all.orchestrator.managers.get(&self.sender.cf).copied() else {
            all.orchestrator.record_closed(self.sender, self.removed, true, cx);
            all.unlock_map(me, cx);
            self.respond(true, cx);
            return Next::Done;
        };
        if !cx.policy().orchestrator.close_map_lock.is_held() {
            all.unlock_map(me, cx);
        }
        self.go_to(Stage::Enter(manager))
    }

    fn enter(&mut self, me: TaskId, id: ManagerId, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        if !all.enter(id, Entrant::Owner, me, cx) {
            return Next::Wait;
        }
        if !all.is_still_registered(self.sender.cf, id, cx) {
            self.sender.ignore("the manager is not registered any more", cx);
            return self.end(me, id, Some(false), all, cx);
        }
        let Some(owner) = all.managers.get(&id).map(|manager| manager.owner) else { return Next::Done };
        let Sender { from, epoch, .. } = self.sender;
        match cx.policy().orchestrator.close_fence.verdict(&owner, from, epoch) {
            Stale::Executed => self.go_to(Stage::TryClose(id, TryClose::new(id, self.removed))),
            Stale::Answered(answer) => {
                self.sender.refuse(owner, cx);
                self.stage = Stage::Stale(id, answer);
                self.resume(me, all, cx)
            }
        }
    }

    /// Releases what it holds, then answers.
    fn end(
        &self,
        me: TaskId,
        manager: ManagerId,
        success: Option<bool>,
        all: &mut Dispatchers,
        cx: &mut Cx,
    ) -> Next {
        all.unlock_map(me, cx);
        all.leave(manager, me, cx);
        if let Some(success) = success {
            self.respond(success, cx);
        }
        Next::Done
    }

    fn respond(&self, success: bool, cx: &mut Cx) {
        let Sender { from, cf, epoch } = self.sender;
        let epoch = response_epoch(epoch, cx);
        cx.send(from, Place::Maintainers, maintainer::Inbox::MaintainerCloseResponse { cf, success, epoch });
    }
}
