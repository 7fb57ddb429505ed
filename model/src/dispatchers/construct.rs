//! The construction of a dispatcher manager: slow, with downstream I/O, and without any lock held.

use crate::{
    ChangefeedId, Cx, DispatcherId, Ts,
    dispatchers::{
        Asker, Dispatchers, Manager, ManagerId, Stream, Wake,
        admission::Owner,
        create::{Created, Creation},
    },
    sink::{self, QueryId},
    tasks::{Next, TaskId},
};

/// A manager under construction, in the order of the real system.
#[derive(Clone, Debug)]
pub(super) struct Construction {
    cf: ChangefeedId,
    owner: Owner,
    start_ts: Ts,
    trigger: Option<DispatcherId>,
    is_new: bool,
    stage: Stage,
}

#[derive(Clone, Debug)]
enum Stage {
    Allocate,
    Connect { manager: ManagerId },
    Connecting { manager: ManagerId, query: QueryId },
    Paths { manager: ManagerId },
    Trigger { manager: ManagerId, creation: Creation },
    Loops { manager: ManagerId },
}

/// What a step of a construction comes to.
pub(super) enum Built {
    NotYet(Next),
    /// `silent`: because the write path was closed meanwhile.
    Failed {
        silent: bool,
    },
    Done(ManagerId),
}

impl Construction {
    pub(super) fn new(
        cf: ChangefeedId,
        owner: Owner,
        start_ts: Ts,
        trigger: Option<DispatcherId>,
        is_new: bool,
    ) -> Construction {
        Construction { cf, owner, start_ts, trigger, is_new, stage: Stage::Allocate }
    }

    pub(super) fn resume(&mut self, me: TaskId, wake: Wake, all: &mut Dispatchers, cx: &mut Cx) -> Built {
        match &mut self.stage {
            Stage::Allocate => self.allocate(all, cx),
            Stage::Connect { manager } => {
                let manager = *manager;
                let query =
                    all.ask(Asker::Task { task: me, manager }, cx, |query| sink::Inbox::Connect { query });
                self.stage = Stage::Connecting { manager, query };
                Built::NotYet(Next::Wait)
            }
            Stage::Connecting { manager, query } => {
                let (manager, answered) = (*manager, matches!(wake, Wake::Answer(_)));
                if !answered && all.queries.contains_key(query) {
                    return Built::NotYet(Next::Wait);
                }
                self.publish_sink(manager, answered, all, cx)
            }
            Stage::Paths { manager } => {
                let manager = *manager;
                self.register_paths(manager, all, cx)
            }
            Stage::Trigger { manager, creation } => {
                let manager = *manager;
                match creation.resume(me, wake, all, cx) {
                    Created::NotYet(next) => Built::NotYet(next),
                    Created::Failed => self.fail(manager, all, cx),
                    Created::Done => self.go_to(Stage::Loops { manager }),
                }
            }
            Stage::Loops { manager } => {
                let manager = *manager;
                self.start_loops(manager, all, cx)
            }
        }
    }

    fn go_to(&mut self, stage: Stage) -> Built {
        self.stage = stage;
        Built::NotYet(Next::Yield)
    }

    /// Registers as initializing before anything else, so that a fence finds it. A node that ends refuses.
    fn allocate(&mut self, all: &mut Dispatchers, cx: &mut Cx) -> Built {
        let registered = cx.policy().dispatchers.initializing.is_registered();
        if registered && all.orchestrator.is_ending() {
            return Built::Failed { silent: true };
        }
        all.managers_made += 1;
        let id = ManagerId(all.managers_made);
        all.managers.insert(id, Manager::new(id, self.cf, self.owner, self.start_ts));
        if registered {
            all.orchestrator.initializing.insert(self.cf, id);
        }
        self.go_to(Stage::Connect { manager: id })
    }

    fn publish_sink(&mut self, id: ManagerId, connected: bool, all: &mut Dispatchers, cx: &mut Cx) -> Built {
        let Some(manager) = all.managers.get_mut(&id) else { return Built::Failed { silent: true } };
        if !connected || manager.is_refused(cx) {
            return self.fail(id, all, cx);
        }
        manager.has_sink = true;
        self.go_to(Stage::Paths { manager: id })
    }

    /// From here on requests of the heartbeat collector are handled, although the manager is not visible yet.
    fn register_paths(&mut self, id: ManagerId, all: &mut Dispatchers, cx: &mut Cx) -> Built {
        if !Stream::OF_MANAGERS.into_iter().all(|stream| all.streams.register(stream, self.cf, id)) {
            return self.fail(id, all, cx);
        }
        match self.trigger {
            Some(trigger) => {
                let creation = Creation::trigger(id, trigger, self.start_ts);
                let creation = if self.is_new { creation.of_new_changefeed() } else { creation };
                self.go_to(Stage::Trigger { manager: id, creation })
            }
            None => self.go_to(Stage::Loops { manager: id }),
        }
    }

    fn start_loops(&mut self, id: ManagerId, all: &mut Dispatchers, cx: &mut Cx) -> Built {
        let Some(manager) = all.managers.get_mut(&id) else { return Built::Failed { silent: true } };
        if manager.write_path_closed {
            return self.fail(id, all, cx);
        }
        manager.sink_running = true;
        manager.begin_gathering(cx);
        all.touch();
        Built::Done(id)
    }

    /// An error: what has been built is fenced and goes.
    fn fail(&mut self, id: ManagerId, all: &mut Dispatchers, cx: &mut Cx) -> Built {
        all.fence_manager(id, cx);
        Built::Failed { silent: true }
    }
}
