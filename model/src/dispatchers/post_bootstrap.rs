//! A post-bootstrap request: the table trigger gets the list of tables and becomes active.
//!
//! Where there is a fence mutex it is held all the time, also while the downstream is told of every table.

use crate::{
    ChangefeedId, Cx, DispatcherId, Epoch, IsRedo, Place,
    dispatchers::{
        Dispatchers, ManagerId, Note, Owner, Stream, Timer, Wake,
        emission::{Emission, Emitted},
        failure::Failure,
        fence::LocalFence,
        panic,
        requests::Sender,
        respond_with_error, response_epoch,
    },
    maintainer,
    policy::{EarlyReturn, Entrant},
    tasks::{Next, TaskId},
};

/// A post-bootstrap request that is being worked off.
#[derive(Clone, Debug)]
pub(super) struct PostBootstrap {
    sender: Sender,
    trigger: DispatcherId,
    stage: Stage,
}

#[derive(Clone, Debug)]
enum Stage {
    /// Looks whether there is a manager.
    Look,
    /// Looks whether it has a table trigger, before the mutex is taken.
    Glance(ManagerId),
    /// Waits for the fence mutex, then looks whose request it is.
    Enter(ManagerId),
    /// The trigger gets its table schema store.
    Schema(ManagerId),
    /// The downstream is told of every table.
    Emit(ManagerId, Emission),
    /// The trigger gets events from now on.
    Register(ManagerId),
    /// The same for the redo trigger.
    Redo(ManagerId),
    Answer(ManagerId),
    /// The node has been fenced meanwhile.
    Fence(LocalFence),
}

impl PostBootstrap {
    pub(super) fn new(sender: Sender, trigger: DispatcherId) -> PostBootstrap {
        PostBootstrap { sender, trigger, stage: Stage::Look }
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
            Stage::Glance(manager) => {
                let manager = *manager;
                self.glance(manager, all, cx)
            }
            Stage::Enter(manager) => {
                let manager = *manager;
                self.enter(me, manager, all, cx)
            }
            Stage::Schema(manager) => {
                let manager = *manager;
                self.install_schema_store(me, manager, all, cx)
            }
            Stage::Emit(manager, emission) => {
                let manager = *manager;
                match emission.resume(me, wake, all, cx) {
                    Emitted::NotYet(next) => next,
                    Emitted::WritePathClosed => self.fail(me, manager, all, cx),
                    Emitted::Done => self.go_to(Stage::Register(manager)),
                }
            }
            Stage::Register(manager) => {
                let manager = *manager;
                self.register(me, manager, all, cx)
            }
            Stage::Redo(manager) => {
                let manager = *manager;
                self.activate_redo(me, manager, all, cx)
            }
            Stage::Answer(manager) => {
                let manager = *manager;
                self.answer(me, manager, all, cx)
            }
            Stage::Fence(fence) => fence.resume(me, all, cx),
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
        if !all.orchestrator.map.pass(me) {
            return Next::Wait;
        }
        match all.orchestrator.managers.get(&self.sender.cf) {
            Some(manager) => self.go_to(Stage::Glance(*manager)),
            None => {
                self.sender.ignore("no dispatcher manager", cx);
                Next::Done
            }
        }
    }

    /// Where a missing trigger is no error, it is looked for now.
    fn glance(&mut self, id: ManagerId, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        let missing = all.managers.get(&id).is_none_or(|manager| manager.trigger.is_none());
        if missing && !self.reports_missing_trigger(cx) {
            self.sender.ignore("there is no table trigger", cx);
            return Next::Done;
        }
        self.go_to(Stage::Enter(id))
    }

    fn reports_missing_trigger(&self, cx: &Cx) -> bool {
        cx.policy().orchestrator.missing_trigger.is_reported()
    }

    fn enter(&mut self, me: TaskId, id: ManagerId, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        if !all.enter(id, Entrant::Owner, me, cx) {
            return Next::Wait;
        }
        let Some(manager) = all.managers.get_mut(&id) else { return Next::Done };
        let (owner, present) = (manager.owner, manager.trigger);
        let Sender { from, cf, epoch } = self.sender;
        if !cx.policy().orchestrator.post_bootstrap_fence.admits(&owner, from, epoch) {
            self.sender.refuse(owner, cx);
            return self.leave_early(me, id, EarlyReturn::PostBootstrap, all, cx);
        }
        let is_new = epoch != Epoch::NONE && epoch != owner.epoch;
        if is_new && cx.policy().orchestrator.post_bootstrap_owner.is_taken() {
            manager.owner = Owner { node: Some(from), epoch };
            cx.note(Note::OwnerChanged { cf, node: cx.id(), owner: from, epoch });
        }
        let why = match present {
            Some(trigger) if trigger == self.trigger => return self.go_to(Stage::Schema(id)),
            Some(_) => "the table trigger is another one",
            None if self.reports_missing_trigger(cx) => "there is no table trigger",
            None => {
                // It was there a moment ago, and a heartbeat has cleaned it since.
                panic(cf, "there is no table trigger", cx);
                return Next::Done;
            }
        };
        self.respond(Some(why), cx);
        self.leave_early(me, id, EarlyReturn::PostBootstrap, all, cx)
    }

    /// The first request installs the schema store; any other one does nothing more, whatever has become of the first.
    fn install_schema_store(
        &mut self,
        me: TaskId,
        id: ManagerId,
        all: &mut Dispatchers,
        cx: &mut Cx,
    ) -> Next {
        let Some(manager) = all.managers.get_mut(&id) else { return Next::Done };
        let mutex = &mut manager.write_path_mu;
        let held = cx.policy().orchestrator.bootstrap_mutex.is_held();
        if !if held { mutex.acquire(me) } else { mutex.pass(me) } {
            return Next::Wait;
        }
        if manager.write_path_closed {
            return self.fail(me, id, all, cx);
        }
        let trigger = manager.trigger.and_then(|trigger| manager.dispatchers.get_mut(&trigger));
        let Some(trigger) = trigger.filter(|trigger| trigger.blocking.tables.is_none()) else {
            return self.end_of_activation(me, id, all, cx);
        };
        let (history, start_ts) = (&cx.process.history, trigger.start_ts);
        let named = |table| Some((table, history.name_of(table, start_ts)?.schema));
        let tables = trigger.blocking.tables.insert(history.tables_at(start_ts).filter_map(named).collect());
        let emits = cx.process.config.downstream.sends_bootstrap();
        let emission = Emission::new(id, tables.keys().copied().filter(|_| emits));
        self.go_to(Stage::Emit(id, emission))
    }

    fn end_of_activation(&mut self, me: TaskId, id: ManagerId, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        PostBootstrap::unlock_write_path(me, id, all, cx);
        self.go_to(Stage::Redo(id))
    }

    fn unlock_write_path(me: TaskId, id: ManagerId, all: &mut Dispatchers, cx: &mut Cx) {
        if let Some(manager) = all.managers.get_mut(&id) {
            Dispatchers::wake_all(manager.write_path_mu.release(me), cx);
        }
    }

    fn register(&mut self, me: TaskId, id: ManagerId, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        let Some(manager) = all.managers.get_mut(&id) else { return Next::Done };
        if !manager.write_path_mu.pass(me) {
            return Next::Wait;
        }
        if manager.is_refused(cx) {
            return self.fail(me, id, all, cx);
        }
        let cf = manager.cf;
        if let Some(trigger) = manager.dispatchers.get_mut(&self.trigger) {
            trigger.registered = true;
            trigger.events_coming = true;
            cx.out.give_way(Timer::Events { manager: id, dispatcher: self.trigger }.into());
            cx.note(Note::TriggerRegistered { cf, id: self.trigger, redo: IsRedo(false) });
            if cx.process.config.downstream.needs_checkpoints() {
                all.streams.register(Stream::CheckpointTs, cf, id);
            }
        }
        all.touch();
        self.end_of_activation(me, id, all, cx)
    }

    /// The redo trigger gets the list of tables and becomes active, in one step.
    fn activate_redo(&mut self, me: TaskId, id: ManagerId, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        let Some(manager) = all.managers.get_mut(&id) else { return Next::Done };
        if !manager.redo.ready {
            return self.go_to(Stage::Answer(id));
        }
        if !manager.write_path_mu.pass(me) {
            return Next::Wait;
        }
        if manager.write_path_closed {
            return self.fail(me, id, all, cx);
        }
        let cf = manager.cf;
        let trigger = manager.redo.trigger.and_then(|trigger| manager.dispatchers.get_mut(&trigger));
        if let Some(trigger) = trigger.filter(|trigger| trigger.blocking.tables.is_none()) {
            let (history, start_ts) = (&cx.process.history, trigger.start_ts);
            let named = |table| Some((table, history.name_of(table, start_ts)?.schema));
            trigger.blocking.tables = Some(history.tables_at(start_ts).filter_map(named).collect());
            (trigger.registered, trigger.events_coming) = (true, true);
            cx.out.give_way(Timer::Events { manager: id, dispatcher: trigger.id }.into());
            cx.note(Note::TriggerRegistered { cf, id: trigger.id, redo: IsRedo(true) });
        }
        self.go_to(Stage::Answer(id))
    }

    /// The write path is closed. The answer to any failure is one to a bootstrap request.
    fn fail(&self, me: TaskId, id: ManagerId, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        PostBootstrap::unlock_write_path(me, id, all, cx);
        let failure = Failure::WritePathClosed { wrapped: false };
        let closed = all.is_closed_path(failure, cx);
        if closed {
            self.sender.ignore(failure.why(), cx);
        } else {
            respond_with_error(self.sender, failure.why(), cx);
        }
        self.leave_early(me, id, EarlyReturn::PostBootstrapOnClosedPath, all, cx)
    }

    fn answer(&mut self, me: TaskId, id: ManagerId, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        if all.refuses_requests(cx) {
            all.leave_early(id, me, EarlyReturn::PostBootstrap, cx);
            return self.go_to(Stage::Fence(LocalFence::of(id)));
        }
        all.leave(id, me, cx);
        self.respond(None, cx);
        Next::Done
    }

    fn leave_early(
        &self,
        me: TaskId,
        id: ManagerId,
        early: EarlyReturn,
        all: &mut Dispatchers,
        cx: &mut Cx,
    ) -> Next {
        all.leave_early(id, me, early, cx);
        Next::Done
    }

    fn respond(&self, err: Option<&'static str>, cx: &mut Cx) {
        let Sender { from, cf, epoch } = self.sender;
        let (epoch, trigger) = (response_epoch(epoch, cx), self.trigger);
        let response = maintainer::Inbox::MaintainerPostBootstrapResponse { cf, trigger, epoch, err };
        cx.send(from, Place::Maintainers, response);
    }
}
