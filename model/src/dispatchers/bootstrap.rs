//! A bootstrap request: a maintainer asks for the dispatcher manager of its changefeed, which is built if there is none,
//! and takes it over.
//!
//! The steps are those of `handleBootstrapRequest`. Between any two of them others may get in.

use crate::{
    ChangefeedId, Cx,
    dispatchers::{
        Dispatchers, ManagerId, Note, Wake,
        construct::{Built, Construction},
        failure::Failure,
        fence::LocalFence,
        requests::{BootstrapRequest, Sender},
        respond_with_error,
        takeover::Takeover,
    },
    tasks::{Next, TaskId},
};

/// A bootstrap request that is being worked off.
#[derive(Clone, Debug)]
pub(super) struct Bootstrap {
    sender: Sender,
    request: BootstrapRequest,
    stage: Stage,
}

#[derive(Clone, Debug)]
enum Stage {
    /// Looks whether there is a manager.
    Look,
    /// Builds one.
    Construct(Box<Construction>),
    /// It could not be built.
    Failed(Failure),
    /// It is built, and becomes visible.
    Install(ManagerId),
    /// It is built, and the node ends.
    Fence(LocalFence),
    TakeOver(Box<Takeover>),
}

impl Bootstrap {
    pub(super) fn new(sender: Sender, request: BootstrapRequest) -> Bootstrap {
        Bootstrap { sender, request, stage: Stage::Look }
    }

    pub(super) fn changefeed(&self) -> ChangefeedId {
        self.sender.cf
    }

    pub(super) fn sender(&self) -> Sender {
        self.sender
    }

    pub(super) fn resume(&mut self, me: TaskId, wake: Wake, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        match &mut self.stage {
            Stage::Look => self.look(me, all, cx),
            Stage::Construct(construction) => match construction.resume(me, wake, all, cx) {
                Built::NotYet(next) => next,
                Built::Failed(failure) => self.go_to(Stage::Failed(failure)),
                Built::Done(manager) => self.go_to(Stage::Install(manager)),
            },
            Stage::Failed(failure) => {
                let failure = *failure;
                self.fail(me, failure, all, cx)
            }
            Stage::Install(manager) => {
                let manager = *manager;
                self.install(me, manager, all, cx)
            }
            Stage::Fence(fence) => fence.resume(me, all, cx),
            Stage::TakeOver(takeover) => takeover.resume(me, wake, all, cx),
        }
    }

    fn go_to(&mut self, stage: Stage) -> Next {
        self.stage = stage;
        Next::Yield
    }

    fn look(&mut self, me: TaskId, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        if all.refuses_requests(cx) {
            self.sender.ignore("the node has fenced itself", cx);
            return Next::Done;
        }
        if !all.lock_map(me) {
            return Next::Wait;
        }
        if cx.policy().orchestrator.closed_manager.is_forgotten() && self.waits_for_close(all, cx) {
            self.sender.ignore("the manager is being closed", cx);
            all.unlock_map(me, cx);
            return Next::Done;
        }
        if let Some(manager) = all.orchestrator.managers.get(&self.sender.cf).copied() {
            let takeover = Takeover::new(manager, true, self.sender, self.request, cx);
            if !cx.policy().orchestrator.bootstrap_map_lock.is_held() {
                all.unlock_map(me, cx);
            }
            return self.go_to(Stage::TakeOver(Box::new(takeover)));
        }
        all.unlock_map(me, cx);
        let Sender { from, cf, epoch } = self.sender;
        if let Some(closed) = all.orchestrator.closed_for(cf, epoch, cx) {
            cx.note(Note::ClosedEpochRefused { cf, from, epoch, closed });
            return Next::Done;
        }
        let construction = Construction::new(self.sender, self.request, cx);
        self.go_to(Stage::Construct(Box::new(construction)))
    }

    /// Whether the manager that there is has begun to close. One that is closed is forgotten, as its owner's next request would have it.
    fn waits_for_close(&self, all: &mut Dispatchers, cx: &Cx) -> bool {
        let cf = self.sender.cf;
        let Some(id) = all.orchestrator.managers.get(&cf).copied() else { return false };
        let Some(manager) = all.managers.get(&id).filter(|manager| !manager.is_open()) else { return false };
        let (from, epoch) = (manager.owner.node.unwrap_or(self.sender.from), manager.owner.epoch);
        let (is_closed, removed) = (manager.closed, manager.remove_requested);
        if is_closed {
            all.orchestrator.managers.remove(&cf);
            all.orchestrator.record_closed(Sender { from, cf, epoch }, removed, true, cx);
        }
        !is_closed
    }

    /// There is no manager. Not every failure is told.
    fn fail(&mut self, me: TaskId, failure: Failure, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        if !all.orchestrator.map.pass(me) {
            return Next::Wait;
        }
        all.orchestrator.initializing.remove(&self.sender.cf);
        let (cf, node) = (self.sender.cf, cx.id());
        cx.note(Note::ConstructionFailed { cf, node, why: failure.why() });
        if !all.is_silent(failure, true, cx).0 {
            // By the changefeed: the paths of another manager of it go as well.
            all.streams.unregister_manager(cf);
            respond_with_error(self.sender, failure.why(), cx);
        }
        Next::Done
    }

    /// The manager is built: it becomes visible, unless the node has been fenced or has begun to close meanwhile.
    fn install(&mut self, me: TaskId, manager: ManagerId, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        if !all.orchestrator.map.pass(me) {
            return Next::Wait;
        }
        let known = all.orchestrator.initializing.remove(&self.sender.cf);
        if known.is_some() && all.orchestrator.is_ending() {
            return self.go_to(Stage::Fence(LocalFence::of(manager)));
        }
        let cf = self.sender.cf;
        all.orchestrator.install(cf, manager);
        if let Some(owner) = all.managers.get(&manager).map(|manager| manager.owner) {
            let (node, epoch) = (cx.id(), owner.epoch);
            cx.note(Note::ManagerCreated { cf, node, owner: self.sender.from, epoch });
        }
        let takeover = Takeover::new(manager, false, self.sender, self.request, cx);
        self.go_to(Stage::TakeOver(Box::new(takeover)))
    }
}
