//! What a bootstrap request does with the dispatcher manager that it finds: the maintainer becomes its owner, its table
//! trigger is created if it is missing, and the maintainer is told what runs.
//!
//! Where there is a fence mutex it is held from the first step to the last.

use crate::{
    Cx,
    dispatchers::{
        BootstrapResponse, Dispatchers, ManagerId, Note, Owner, Wake,
        construct::manager_epoch,
        create::{Created, Creation},
        failure::Failure,
        fence::LocalFence,
        requests::{BootstrapRequest, Sender},
        respond, respond_with_error,
    },
    policy::{EarlyReturn, TakeoverOrder, check_trigger},
    tasks::{Next, TaskId},
};

/// A takeover.
#[derive(Clone, Debug)]
pub(super) struct Takeover {
    manager: ManagerId,
    sender: Sender,
    request: BootstrapRequest,
    /// Whether the manager was there before this request.
    existed: bool,
    order: TakeoverOrder,
    stage: Stage,
}

#[derive(Clone, Debug)]
enum Stage {
    /// Waits for the fence mutex.
    Enter,
    /// Creates the table trigger that is missing.
    Trigger(Creation),
    /// The table trigger is as it is to be.
    Ensured,
    /// Looks at the dispatchers that are there.
    Spans,
    /// Looks at what is unfinished.
    Operators(BootstrapResponse),
    /// The node has been fenced meanwhile.
    Fence(LocalFence),
}

impl Takeover {
    /// `existed`: the manager was there before this request.
    pub(super) fn new(
        manager: ManagerId,
        existed: bool,
        sender: Sender,
        request: BootstrapRequest,
        cx: &Cx,
    ) -> Takeover {
        let order = cx.policy().orchestrator.takeover_order;
        Takeover { manager, sender, request, existed, order, stage: Stage::Enter }
    }

    pub(super) fn resume(&mut self, me: TaskId, wake: Wake, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        match &mut self.stage {
            Stage::Enter => self.enter(me, all, cx),
            Stage::Trigger(creation) => match creation.resume(me, wake, all, cx) {
                Created::NotYet(next) => next,
                Created::Failed(failure) => self.fail(me, failure, all, cx),
                Created::Done => self.go_to(Stage::Ensured),
            },
            Stage::Ensured => self.ensured(me, all, cx),
            Stage::Spans => self.look_at_spans(all, cx),
            Stage::Operators(response) => {
                let response = response.clone();
                self.answer(me, response, all, cx)
            }
            Stage::Fence(fence) => fence.resume(me, all, cx),
        }
    }

    fn go_to(&mut self, stage: Stage) -> Next {
        self.stage = stage;
        Next::Yield
    }

    fn enter(&mut self, me: TaskId, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        if !all.enter(self.manager, me, cx) {
            return Next::Wait;
        }
        all.unlock_map(me, cx);
        if !all.is_still_registered(self.sender.cf, self.manager, cx) {
            self.sender.ignore("the manager is not registered any more", cx);
            return self.leave_early(me, EarlyReturn::Bootstrap, all, cx);
        }
        let Some(manager) = all.managers.get(&self.manager) else { return Next::Done };
        let (owner, present) = (manager.owner, manager.trigger);
        let policy = &cx.policy().orchestrator;
        if !policy.bootstrap_fence.admits(&owner, self.sender.from, self.sender.epoch) {
            self.sender.refuse(owner, cx);
            return self.leave_early(me, EarlyReturn::Bootstrap, all, cx);
        }
        let rules = (policy.foreign_trigger, policy.unwanted_trigger);
        let verdict = if self.existed { check_trigger(rules, present, self.request.trigger) } else { Ok(()) };
        if self.order.is_owner_early() && (verdict.is_ok() || !self.order.is_validated_first()) {
            self.change_owner(all, cx);
        }
        match (verdict, self.request.trigger) {
            (Err(why), _) => {
                respond_with_error(self.sender, why, cx);
                self.leave_early(me, EarlyReturn::Bootstrap, all, cx)
            }
            (Ok(()), Some(trigger)) if self.existed && present.is_none() => {
                self.go_to(Stage::Trigger(Creation::trigger(self.manager, trigger, self.request.start_ts)))
            }
            (Ok(()), _) => self.ensured(me, all, cx),
        }
    }

    fn change_owner(&self, all: &mut Dispatchers, cx: &mut Cx) {
        let Some(manager) = all.managers.get_mut(&self.manager) else { return };
        let Sender { from, cf, .. } = self.sender;
        let config = self.request.config_epoch;
        let epoch = manager_epoch(Some(manager.owner.epoch), self.sender, config, cx);
        let new = Owner { node: Some(from), epoch };
        if std::mem::replace(&mut manager.owner, new) != new {
            cx.note(Note::OwnerChanged { cf, node: cx.id(), owner: from, epoch });
        }
    }

    /// The table trigger could not be created. Where the owner changes first, it has changed.
    fn fail(&self, me: TaskId, failure: Failure, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        let (silent, closed) = all.is_silent(failure, false, cx);
        if silent {
            self.sender.ignore(failure.why(), cx);
        } else {
            respond_with_error(self.sender, failure.why(), cx);
        }
        let early = if closed { EarlyReturn::BootstrapOnClosedPath } else { EarlyReturn::Bootstrap };
        self.leave_early(me, early, all, cx)
    }

    fn ensured(&mut self, me: TaskId, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        if !self.order.is_owner_early() {
            self.change_owner(all, cx);
        }
        if all.refuses_requests(cx) {
            all.leave(self.manager, me, cx);
            return self.go_to(Stage::Fence(LocalFence::of(self.manager)));
        }
        self.go_to(Stage::Spans)
    }

    fn look_at_spans(&mut self, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        let Some(manager) = all.managers.get(&self.manager) else { return Next::Done };
        let response = manager.spans(cx);
        self.go_to(Stage::Operators(response))
    }

    fn answer(&self, me: TaskId, response: BootstrapResponse, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        let Some(manager) = all.managers.get(&self.manager) else { return Next::Done };
        let response = manager.with_operators(response, cx);
        all.leave(self.manager, me, cx);
        respond(self.sender, response, cx);
        Next::Done
    }

    fn leave_early(&self, me: TaskId, early: EarlyReturn, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        all.leave_early(self.manager, me, early, cx);
        Next::Done
    }
}
