//! The construction of a dispatcher manager: slow, with downstream I/O, and without any lock held.
//!
//! Its parts become visible one after the other, so a fence or a close may find a manager that has only some of them.

use crate::{
    Cx, Epoch, Mode,
    dispatchers::{
        Asker, Dispatchers, Manager, ManagerId, Note, Owner, Wake,
        create::{Created, Creation},
        failure::Failure,
        fence::LocalFence,
        redo::{Init, Initialized},
        requests::{BootstrapRequest, Sender},
    },
    sink::{self, QueryId},
    tasks::{Next, TaskId},
};

/// A manager under construction.
#[derive(Clone, Debug)]
pub(super) struct Construction {
    sender: Sender,
    request: BootstrapRequest,
    owner: Owner,
    stage: Stage,
}

/// What comes next, in the order of the real system.
#[derive(Clone, Debug)]
enum Stage {
    Allocate,
    /// It becomes known to fences.
    Register(ManagerId),
    Connect(ManagerId),
    Connecting(ManagerId, QueryId),
    PublishSink(ManagerId),
    SharedInfo(ManagerId),
    /// From here on requests of the heartbeat collector are handled, although the manager is not visible yet and its sink
    /// does not run.
    Paths(ManagerId),
    Trigger(ManagerId, Creation),
    Redo(ManagerId, Init),
    Loops(ManagerId),
    /// It has failed, and fences itself.
    Fence(LocalFence, Failure),
}

/// What a step of a construction comes to.
pub(super) enum Built {
    NotYet(Next),
    Failed(Failure),
    Done(ManagerId),
}

impl Construction {
    pub(super) fn new(sender: Sender, request: BootstrapRequest, cx: &mut Cx) -> Construction {
        let epoch = manager_epoch(None, sender, request.config_epoch, cx);
        let owner = Owner { node: Some(sender.from), epoch };
        Construction { sender, request, owner, stage: Stage::Allocate }
    }

    pub(super) fn resume(&mut self, me: TaskId, wake: Wake, all: &mut Dispatchers, cx: &mut Cx) -> Built {
        match &mut self.stage {
            Stage::Allocate => self.allocate(all, cx),
            Stage::Register(id) => {
                let id = *id;
                self.register(me, id, all, cx)
            }
            Stage::Connect(id) => {
                let asker = Asker::Task { task: me, manager: *id };
                let query = all.ask(asker, cx, |query| sink::Inbox::Connect { query });
                self.stage = Stage::Connecting(*id, query);
                Built::NotYet(Next::Wait)
            }
            Stage::Connecting(id, query) => {
                let (id, query) = (*id, *query);
                match wake {
                    Wake::Answer(sink::Reply::Failed { why, .. }) => {
                        self.fail(id, Failure::Downstream(*why), cx)
                    }
                    Wake::Answer(_) => self.go_to(Stage::PublishSink(id)),
                    Wake::Go if all.queries.contains_key(&query) => Built::NotYet(Next::Wait),
                    Wake::Go => self.fail(id, Failure::Cancelled, cx),
                }
            }
            Stage::PublishSink(id) => {
                let id = *id;
                self.publish(me, id, all, cx, |manager| manager.has_sink = true, Stage::SharedInfo(id))
            }
            Stage::SharedInfo(id) => {
                let id = *id;
                self.publish(me, id, all, cx, |manager| manager.has_shared_info = true, Stage::Paths(id))
            }
            Stage::Paths(id) => {
                let id = *id;
                self.register_paths(me, id, all, cx)
            }
            Stage::Trigger(id, creation) => {
                let id = *id;
                match creation.resume(me, wake, all, cx) {
                    Created::NotYet(next) => Built::NotYet(next),
                    Created::Failed(failure) => self.fail(id, failure, cx),
                    Created::Done => self.begin_redo(id),
                }
            }
            Stage::Redo(id, init) => {
                let id = *id;
                match init.resume(me, wake, all, cx) {
                    Initialized::NotYet(next) => Built::NotYet(next),
                    Initialized::Failed(failure) => self.fail(id, failure, cx),
                    Initialized::Done => self.go_to(Stage::Loops(id)),
                }
            }
            Stage::Loops(id) => Construction::start_loops(*id, all, cx),
            Stage::Fence(fence, failure) => match fence.resume(me, all, cx) {
                Next::Done => Built::Failed(*failure),
                next => Built::NotYet(next),
            },
        }
    }

    fn go_to(&mut self, stage: Stage) -> Built {
        self.stage = stage;
        Built::NotYet(Next::Yield)
    }

    fn begin_redo(&mut self, id: ManagerId) -> Built {
        let BootstrapRequest { redo, start_ts, .. } = self.request;
        self.go_to(Stage::Redo(id, Init::new(id, self.sender.cf, redo, start_ts)))
    }

    fn allocate(&mut self, all: &mut Dispatchers, cx: &Cx) -> Built {
        all.managers_made += 1;
        let id = ManagerId(all.managers_made);
        let manager = Manager::new(id, self.sender.cf, self.owner, self.request.start_ts, &cx.process.config);
        all.managers.insert(id, manager);
        self.go_to(Stage::Register(id))
    }

    /// Before anything else, so that a fence finds it. A node that ends refuses.
    fn register(&mut self, me: TaskId, id: ManagerId, all: &mut Dispatchers, cx: &mut Cx) -> Built {
        if cx.policy().orchestrator.initializing.is_registered() {
            if !all.orchestrator.map.pass(me) {
                return Built::NotYet(Next::Wait);
            }
            if all.orchestrator.is_ending() {
                return self.fail(id, Failure::WritePathClosed { wrapped: false }, cx);
            }
            all.orchestrator.initializing.insert(self.sender.cf, id);
        }
        self.go_to(Stage::Connect(id))
    }

    /// What has been built becomes a part of the manager, unless it has been fenced meanwhile.
    fn publish(
        &mut self,
        me: TaskId,
        id: ManagerId,
        all: &mut Dispatchers,
        cx: &mut Cx,
        publish: impl FnOnce(&mut Manager),
        next: Stage,
    ) -> Built {
        let Some(manager) = all.managers.get_mut(&id) else { return Built::NotYet(Next::Done) };
        if !manager.write_path_mu.pass(me) {
            return Built::NotYet(Next::Wait);
        }
        if manager.is_refused(cx) {
            return self.fail(id, Failure::WritePathClosed { wrapped: false }, cx);
        }
        publish(manager);
        self.go_to(next)
    }

    fn register_paths(&mut self, me: TaskId, id: ManagerId, all: &mut Dispatchers, cx: &mut Cx) -> Built {
        let Some(manager) = all.managers.get_mut(&id) else { return Built::NotYet(Next::Done) };
        if !manager.write_path_mu.pass(me) {
            return Built::NotYet(Next::Wait);
        }
        if manager.is_refused(cx) {
            return self.fail(id, Failure::WritePathClosed { wrapped: false }, cx);
        }
        if !all.streams.register_manager(self.sender.cf, id) {
            return self.fail(id, Failure::DuplicatePath, cx);
        }
        match self.request.trigger {
            Some(trigger) => {
                let creation = Creation::trigger(id, trigger, self.request.start_ts, Mode::Default);
                let creation = if self.request.is_new { creation.of_new_changefeed() } else { creation };
                self.go_to(Stage::Trigger(id, creation))
            }
            None => self.begin_redo(id),
        }
    }

    /// Nobody looks again whether the manager has been fenced: what begins then ends at once.
    fn start_loops(id: ManagerId, all: &mut Dispatchers, cx: &mut Cx) -> Built {
        if let Some(manager) = all.managers.get_mut(&id) {
            manager.sink_running = !manager.is_cancelled();
            manager.begin_gathering(cx);
        }
        all.start_sink(id, cx);
        all.start_errors(id, cx);
        all.start_block_statuses(id, cx);
        all.touch();
        Built::Done(id)
    }

    fn fail(&mut self, id: ManagerId, failure: Failure, cx: &Cx) -> Built {
        match cx.policy().orchestrator.failed_construction.is_fenced() {
            true => self.go_to(Stage::Fence(LocalFence::of(id), failure)),
            false => Built::Failed(failure),
        }
    }
}

/// The epoch of a manager that a request creates, or takes over from one of an old epoch.
pub(super) fn manager_epoch(old: Option<Epoch>, sender: Sender, config: Epoch, cx: &mut Cx) -> Epoch {
    let epoch = cx.policy().orchestrator.manager_epoch.of(old, sender.epoch, config);
    if old.is_some() && epoch != sender.epoch && epoch != config {
        let (cf, node) = (sender.cf, cx.id());
        cx.note(Note::EpochMismatch { cf, node, epoch, config });
    }
    epoch
}
