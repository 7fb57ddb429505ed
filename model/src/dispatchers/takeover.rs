//! What a bootstrap request does with the dispatcher manager that it finds: the maintainer becomes its owner, its table
//! trigger is created if it is missing, and the maintainer is told what runs.
//!
//! Where there is a fence mutex it is held from the first step to the last.

use crate::{
    Cx, Mode,
    dispatchers::{
        BootstrapResponse, Dispatchers, ManagerId, Note, Owner, Wake,
        construct::manager_epoch,
        create::{Created, Creation},
        failure::Failure,
        fence::LocalFence,
        requests::{BootstrapRequest, Sender},
        respond, respond_with_error,
    },
    policy::{self, EarlyReturn, Entrant, TakeoverOrder, check_trigger},
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
    /// Waits for the fence mutex, then looks whose request it is.
    Enter,
    /// Looks at the table trigger that is there, if the manager was there before.
    Validate,
    /// Looks again, whether a table trigger is missing.
    Ensure,
    /// Creates the table trigger that is missing.
    Trigger(Creation),
    /// The same for the redo trigger.
    EnsureRedo,
    RedoTrigger(Creation),
    /// The table trigger is as it is to be.
    Ensured,
    /// Looks where the table trigger starts.
    Snapshot,
    /// Looks at the dispatchers that are there.
    Spans(BootstrapResponse),
    /// Looks at what is unfinished.
    Operators(BootstrapResponse),
    /// Looks at the merges that are unfinished, and answers.
    Merges(BootstrapResponse),
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
            Stage::Validate => self.validate(me, all, cx),
            Stage::Ensure => self.ensure(all),
            Stage::Trigger(creation) => match creation.resume(me, wake, all, cx) {
                Created::NotYet(next) => next,
                Created::Failed(failure) => self.fail(me, failure, all, cx),
                Created::Done => self.go_on_to_redo(all),
            },
            Stage::EnsureRedo => self.ensure_redo(all),
            Stage::RedoTrigger(creation) => match creation.resume(me, wake, all, cx) {
                Created::NotYet(next) => next,
                Created::Failed(failure) => self.fail(me, failure, all, cx),
                Created::Done => self.go_to(Stage::Ensured),
            },
            Stage::Ensured => self.ensured(me, all, cx),
            Stage::Snapshot | Stage::Spans(_) | Stage::Operators(_) | Stage::Merges(_) => {
                self.take_snapshot(me, all, cx)
            }
            Stage::Fence(fence) => fence.resume(me, all, cx),
        }
    }

    fn go_to(&mut self, stage: Stage) -> Next {
        self.stage = stage;
        Next::Yield
    }

    fn enter(&mut self, me: TaskId, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        if !all.enter(self.manager, Entrant::Owner, me, cx) {
            return Next::Wait;
        }
        all.unlock_map(me, cx);
        if !all.is_still_registered(self.sender.cf, self.manager, cx) {
            self.sender.ignore("the manager is not registered any more", cx);
            return self.leave_early(me, EarlyReturn::Bootstrap, all, cx);
        }
        let Some(manager) = all.managers.get(&self.manager) else { return Next::Done };
        let owner = manager.owner;
        let Sender { from, epoch, .. } = self.sender;
        if !cx.policy().orchestrator.bootstrap_fence.admits(&owner, from, epoch, self.existed) {
            self.sender.refuse(owner, cx);
            return self.leave_early(me, EarlyReturn::Bootstrap, all, cx);
        }
        self.come_to(policy::Takeover::Admitted, all, cx);
        self.go_to(Stage::Validate)
    }

    fn validate(&mut self, me: TaskId, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        let Some(manager) = all.managers.get(&self.manager) else { return Next::Done };
        let policy = &cx.policy().orchestrator;
        let rules = (policy.foreign_trigger, policy.unwanted_trigger);
        let check = || {
            check_trigger(rules, manager.trigger, self.request.trigger)?;
            check_trigger(rules, manager.redo.trigger, self.request.redo)
        };
        if self.existed
            && let Err(why) = check()
        {
            cx.note(Note::TakeoverRefused { cf: self.sender.cf, from: self.sender.from, why });
            respond_with_error(self.sender, why, cx);
            return self.leave_early(me, EarlyReturn::Bootstrap, all, cx);
        }
        self.come_to(policy::Takeover::Validated, all, cx);
        self.go_to(Stage::Ensure)
    }

    /// A heartbeat may have cleaned the table trigger that was there a moment ago.
    fn ensure(&mut self, all: &Dispatchers) -> Next {
        let Some(manager) = all.managers.get(&self.manager) else { return Next::Done };
        match self.request.trigger.filter(|_| self.existed && manager.trigger.is_none()) {
            Some(trigger) => {
                let start_ts = self.request.start_ts;
                self.go_to(Stage::Trigger(Creation::trigger(self.manager, trigger, start_ts, Mode::Default)))
            }
            None => self.go_on_to_redo(all),
        }
    }

    fn go_on_to_redo(&mut self, all: &Dispatchers) -> Next {
        let redo = all.managers.get(&self.manager).is_some_and(|manager| manager.redo.enabled);
        self.go_to(if redo { Stage::EnsureRedo } else { Stage::Ensured })
    }

    fn ensure_redo(&mut self, all: &Dispatchers) -> Next {
        let Some(manager) = all.managers.get(&self.manager) else { return Next::Done };
        match self.request.redo.filter(|_| self.existed && manager.redo.trigger.is_none()) {
            Some(trigger) => {
                let start_ts = self.request.start_ts;
                self.go_to(Stage::RedoTrigger(Creation::trigger(self.manager, trigger, start_ts, Mode::Redo)))
            }
            None => self.go_to(Stage::Ensured),
        }
    }

    /// At one of its stages the owner changes.
    fn come_to(&self, so_far: policy::Takeover, all: &mut Dispatchers, cx: &mut Cx) {
        if !self.order.changes_owner(so_far) {
            return;
        }
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
        self.come_to(policy::Takeover::Ensured, all, cx);
        if all.refuses_requests(cx) {
            all.leave(self.manager, me, cx);
            return self.go_to(Stage::Fence(LocalFence::of(self.manager)));
        }
        self.go_to(Stage::Snapshot)
    }

    /// Gathers the next part of the response; behind the last one, answers.
    fn take_snapshot(&mut self, me: TaskId, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        let Some(manager) = all.managers.get(&self.manager) else { return Next::Done };
        match std::mem::replace(&mut self.stage, Stage::Snapshot) {
            Stage::Spans(mut response) => {
                manager.add_spans(&mut response);
                self.go_to(Stage::Operators(response))
            }
            Stage::Operators(mut response) => {
                manager.add_operators(&mut response, cx);
                self.go_to(Stage::Merges(response))
            }
            Stage::Merges(mut response) => {
                manager.add_merges(&mut response);
                all.leave(self.manager, me, cx);
                respond(self.sender, response, cx);
                Next::Done
            }
            _ => {
                let response = manager.response(cx);
                self.go_to(Stage::Spans(response))
            }
        }
    }

    fn leave_early(&self, me: TaskId, early: EarlyReturn, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        all.leave_early(self.manager, me, early, cx);
        Next::Done
    }
}
