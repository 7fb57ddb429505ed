//! A bootstrap request: a maintainer takes over the dispatcher manager of its changefeed and learns what it runs.
//!
//! The steps are those of the protocol page (dispatcher, 1.4); between any two of them others may get in, except while
//! the fence mutex is held.

use crate::{
    ChangefeedId, Cx, DispatcherId, Epoch, NodeId, Place, Ts,
    dispatchers::{
        BootstrapResponse, Dispatchers, ManagerId, Note, Wake,
        admission::Owner,
        construct::{Built, Construction},
        create::{Created, Creation},
        response_epoch,
    },
    maintainer,
    policy::Tombstone,
    tasks::{Next, TaskId},
};

/// A bootstrap request that is being worked off.
#[derive(Clone, Debug)]
pub(super) struct Bootstrap {
    from: NodeId,
    cf: ChangefeedId,
    epoch: Epoch,
    start_ts: Ts,
    trigger: Option<DispatcherId>,
    is_new: bool,
    stage: Stage,
}

#[derive(Clone, Debug)]
enum Stage {
    /// Looks whether there is a manager.
    Look,
    /// Builds one.
    Construct(Box<Construction>),
    /// Waits for the fence mutex, then takes over. `existed`: before this request.
    TakeOver { manager: ManagerId, existed: bool },
    /// Creates the table trigger that is missing.
    Trigger { manager: ManagerId, creation: Creation },
}

impl Bootstrap {
    pub(super) fn new(
        from: NodeId,
        cf: ChangefeedId,
        epoch: Epoch,
        start_ts: Ts,
        trigger: Option<DispatcherId>,
        is_new: bool,
    ) -> Bootstrap {
        Bootstrap { from, cf, epoch, start_ts, trigger, is_new, stage: Stage::Look }
    }

    pub(super) fn resume(&mut self, me: TaskId, wake: Wake, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        match &mut self.stage {
            Stage::Look => self.look(all, cx),
            Stage::Construct(construction) => match construction.resume(me, wake, all, cx) {
                Built::NotYet(next) => next,
                Built::Failed { silent } => {
                    self.fail(silent, all, "the dispatcher manager cannot be created", cx)
                }
                Built::Done(manager) => self.install(manager, all, cx),
            },
            Stage::TakeOver { manager, existed } => {
                let (manager, existed) = (*manager, *existed);
                self.take_over(me, manager, existed, all, cx)
            }
            Stage::Trigger { manager, creation } => {
                let manager = *manager;
                match creation.resume(me, wake, all, cx) {
                    Created::NotYet(next) => next,
                    Created::Failed => self.unlock_and_end(me, manager, all, cx),
                    Created::Done => self.answer(me, manager, all, cx),
                }
            }
        }
    }

    fn look(&mut self, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        if all.orchestrator.fenced {
            return Next::Done;
        }
        if let Some(manager) = all.orchestrator.managers.get(&self.cf) {
            self.stage = Stage::TakeOver { manager: *manager, existed: true };
            return Next::Yield;
        }
        if let Some(closed) = all.orchestrator.closed_epoch(self.cf)
            && !Tombstone::lets_in(closed, self.epoch)
        {
            cx.note(Note::ClosedEpochRefused { cf: self.cf, from: self.from, epoch: self.epoch, closed });
            return Next::Done;
        }
        let owner = Owner { node: Some(self.from), epoch: self.epoch };
        let construction = Construction::new(self.cf, owner, self.start_ts, self.trigger, self.is_new);
        self.stage = Stage::Construct(Box::new(construction));
        Next::Yield
    }

    /// The manager is built: it becomes visible, unless the node has been fenced meanwhile.
    fn install(&mut self, manager: ManagerId, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        all.orchestrator.initializing.remove(&self.cf);
        if all.orchestrator.is_ending() {
            all.fence_manager(manager, cx);
            return Next::Done;
        }
        all.orchestrator.install(self.cf, manager);
        let (cf, node, owner, epoch) = (self.cf, cx.id(), self.from, self.epoch);
        cx.note(Note::ManagerCreated { cf, node, owner, epoch });
        self.stage = Stage::TakeOver { manager, existed: false };
        Next::Yield
    }

    fn take_over(
        &mut self,
        me: TaskId,
        id: ManagerId,
        existed: bool,
        all: &mut Dispatchers,
        cx: &mut Cx,
    ) -> Next {
        let policy = &cx.process.policy.clone().dispatchers;
        let Some(manager) = all.managers.get_mut(&id) else { return Next::Done };
        if !manager.enter(me, cx) {
            return Next::Wait;
        }
        let old = manager.owner;
        if !policy.bootstrap_fence.admits(&old, self.from, self.epoch) {
            let (cf, from, epoch) = (self.cf, self.from, self.epoch);
            cx.note(Note::StaleRefused { cf, from, epoch, owner: old.node, current: old.epoch });
            return self.unlock_and_end(me, id, all, cx);
        }
        if existed && let Err(why) = policy.trigger_validation.check(manager.trigger, self.trigger) {
            self.respond_with_error(why, cx);
            return self.unlock_and_end(me, id, all, cx);
        }
        let missing = self.trigger.filter(|_| manager.trigger.is_none());
        match missing {
            // Before epochs the owner changes only when the trigger is there.
            Some(trigger) => {
                if policy.bootstrap_fence.is_owner_first() {
                    self.change_owner(id, all, cx);
                }
                let creation = Creation::trigger(id, trigger, self.start_ts);
                self.stage = Stage::Trigger { manager: id, creation };
                Next::Yield
            }
            None => self.answer(me, id, all, cx),
        }
    }

    fn change_owner(&self, id: ManagerId, all: &mut Dispatchers, cx: &mut Cx) {
        let Some(manager) = all.managers.get_mut(&id) else { return };
        let new = cx.policy().dispatchers.bootstrap_fence.new_owner(&manager.owner, self.from, self.epoch);
        if std::mem::replace(&mut manager.owner, new) != new {
            let (cf, node) = (self.cf, cx.id());
            cx.note(Note::OwnerChanged { cf, node, owner: self.from, epoch: new.epoch });
        }
    }

    /// Takes over, looks at everything that is there, and tells.
    fn answer(&mut self, me: TaskId, id: ManagerId, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        self.change_owner(id, all, cx);
        if all.orchestrator.fenced {
            Dispatchers::wake_all(all.release(id, me), cx);
            all.fence_manager(id, cx);
            return Next::Done;
        }
        let Some(manager) = all.managers.get(&id) else { return Next::Done };
        let response = manager.snapshot(cx);
        let waiters = all.release(id, me);
        Dispatchers::wake_all(waiters, cx);
        self.respond(response, cx);
        Next::Done
    }

    fn unlock_and_end(&self, me: TaskId, id: ManagerId, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        Dispatchers::wake_all(all.release(id, me), cx);
        Next::Done
    }

    /// There is no manager. While the node ends, nobody is told.
    fn fail(&mut self, silent: bool, all: &mut Dispatchers, why: &'static str, cx: &mut Cx) -> Next {
        all.orchestrator.initializing.remove(&self.cf);
        if !silent && !all.orchestrator.is_ending() {
            self.respond_with_error(why, cx);
        }
        Next::Done
    }

    fn respond_with_error(&self, why: &'static str, cx: &mut Cx) {
        let response = BootstrapResponse {
            cf: self.cf,
            epoch: response_epoch(self.epoch, cx),
            checkpoint: Ts::NONE,
            spans: Vec::new(),
            operators: Vec::new(),
            merge_operators: Vec::new(),
            err: Some(why),
        };
        self.respond(response, cx);
    }

    fn respond(&self, response: BootstrapResponse, cx: &mut Cx) {
        let response = maintainer::Inbox::MaintainerBootstrapResponse { response: Box::new(response) };
        cx.send(self.from, Place::Maintainers, response);
    }
}

impl Dispatchers {
    /// Releases the fence mutex of a manager; the tasks that wait for it.
    pub(super) fn release(&mut self, manager: ManagerId, task: TaskId) -> Vec<TaskId> {
        self.managers.get_mut(&manager).map(|manager| manager.fence.release(task)).unwrap_or_default()
    }
}
