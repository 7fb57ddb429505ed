//! The end of a manager's write path: its parts are stopped in order, gently when it is closed, at once when it is fenced.

use crate::{
    Addr, Cx, DispatcherId, Mode,
    dispatchers::{Asker, Dispatcher, Dispatchers, Manager, ManagerId, Note, Stream, panic},
    sink,
    tasks::{Next, TaskId},
};

/// `stopWritePath` of one manager, in the thread of whoever calls it.
#[derive(Clone, Debug)]
pub(super) struct StopWritePath {
    manager: ManagerId,
    /// Whether it is a fence.
    fence: bool,
    stage: Stage,
}

#[derive(Clone, Debug)]
enum Stage {
    /// Nothing may be written from now on. That happens once; whoever comes second is done.
    Close,
    /// The context is cancelled: by a fence in the beginning, by a close behind the heartbeats.
    Cancel {
        late: bool,
    },
    Redo,
    /// Dispatchers get no more events and are not drained; the last one first.
    RedoDispatchers(Vec<DispatcherId>),
    Dispatchers(Vec<DispatcherId>),
    Paths,
    Heartbeats,
    SharedInfo,
    Sinks,
}

/// What a step comes to.
pub(super) enum Stopped {
    NotYet(Next),
    /// It has given up.
    Aborted,
    /// It has stopped, or somebody else has begun to stop it.
    Done,
}

impl StopWritePath {
    /// By a close.
    pub(super) fn gently(manager: ManagerId) -> StopWritePath {
        StopWritePath { manager, fence: false, stage: Stage::Close }
    }

    /// By a fence.
    pub(super) fn at_once(manager: ManagerId) -> StopWritePath {
        StopWritePath { manager, fence: true, stage: Stage::Close }
    }

    pub(super) fn manager(&self) -> ManagerId {
        self.manager
    }

    pub(super) fn resume(&mut self, me: TaskId, all: &mut Dispatchers, cx: &mut Cx) -> Stopped {
        let id = self.manager;
        let Some(manager) = all.managers.get_mut(&id) else { return Stopped::Done };
        match &mut self.stage {
            Stage::Close => self.close(me, manager, cx),
            Stage::Cancel { late } => {
                let next = if *late { Stage::SharedInfo } else { Stage::Redo };
                all.cancel(id, cx);
                self.go_to(next)
            }
            Stage::Redo => self.close_redo(manager, cx),
            Stage::RedoDispatchers(left) => match left.pop() {
                Some(dispatcher) => {
                    manager.close_dispatcher(dispatcher, cx);
                    manager.stop_redo_meta(dispatcher);
                    all.remove_from_streams(id, dispatcher, cx);
                    Stopped::NotYet(Next::Yield)
                }
                None => {
                    let cf = manager.cf;
                    let left = manager.ordinary_ones();
                    // If one was missing, that is only logged.
                    let _ = Stream::OF_REDO.into_iter().all(|stream| all.streams.unregister(stream, cf));
                    self.begin_dispatchers(left)
                }
            },
            Stage::Dispatchers(left) => match left.pop() {
                Some(dispatcher) => {
                    manager.close_dispatcher(dispatcher, cx);
                    if manager.trigger == Some(dispatcher) {
                        all.streams.unregister(Stream::CheckpointTs, manager.cf);
                    }
                    all.remove_from_streams(id, dispatcher, cx);
                    all.touch();
                    Stopped::NotYet(Next::Yield)
                }
                None => self.go_to(Stage::Paths),
            },
            Stage::Paths => {
                let cf = manager.cf;
                let complete = all.streams.unregister_manager(cf);
                if !complete && cx.policy().orchestrator.unregister_error.aborts() {
                    cx.note(Note::CloseAborted { cf, node: cx.id() });
                    return Stopped::Aborted;
                }
                self.go_to(Stage::Heartbeats)
            }
            Stage::Heartbeats => {
                manager.heartbeat.cancel();
                let cancelled = manager.is_cancelled() && self.fence;
                self.go_to(if cancelled { Stage::SharedInfo } else { Stage::Cancel { late: true } })
            }
            // It waits until no block event is being written any more, and none is queued.
            Stage::SharedInfo if !manager.executor.close(me) => Stopped::NotYet(Next::Wait),
            Stage::SharedInfo => self.go_to(Stage::Sinks),
            // Connections of running statements were dropped when the context was cancelled.
            Stage::Sinks => Stopped::Done,
        }
    }

    fn go_to(&mut self, stage: Stage) -> Stopped {
        self.stage = stage;
        Stopped::NotYet(Next::Yield)
    }

    fn close(&mut self, me: TaskId, manager: &mut Manager, cx: &mut Cx) -> Stopped {
        let policy = &cx.policy().orchestrator;
        let cancels_first = self.fence && policy.fence_order.cancels_first();
        if policy.write_path.is_closed_at_once() {
            if !manager.write_path_mu.pass(me) {
                return Stopped::NotYet(Next::Wait);
            }
            if std::mem::replace(&mut manager.write_path_closed, true) {
                return Stopped::Done;
            }
            cx.note(Note::WritePathClosed { cf: manager.cf, node: cx.id(), fenced: self.fence });
        }
        self.go_to(if cancels_first { Stage::Cancel { late: false } } else { Stage::Redo })
    }

    /// What there is of redo is closed. While it is being built there is no sink of it.
    fn close_redo(&mut self, manager: &Manager, cx: &mut Cx) -> Stopped {
        if manager.redo.enabled
            && manager.redo.client.is_none()
            && !cx.policy().orchestrator.redo_sink_check.is_made()
        {
            panic(manager.cf, "there is no redo sink", cx);
            return Stopped::NotYet(Next::Done);
        }
        if manager.redo.client.is_some() {
            let left = manager.dispatchers_of(Mode::Redo).rev().map(Dispatcher::id).collect();
            return self.go_to(Stage::RedoDispatchers(left));
        }
        self.begin_dispatchers(if manager.has_sink { manager.ordinary_ones() } else { Vec::new() })
    }

    fn begin_dispatchers(&mut self, mut left: Vec<DispatcherId>) -> Stopped {
        left.reverse();
        self.go_to(Stage::Dispatchers(left))
    }
}

impl Manager {
    /// A dispatcher gets no more events. What is in the sink stays there until the context is
    /// cancelled.
    fn close_dispatcher(&mut self, id: DispatcherId, cx: &mut Cx) {
        let Some(dispatcher) = self.dispatchers.get_mut(&id) else { return };
        let registered = dispatcher.registered || dispatcher.prepared;
        dispatcher.unregister();
        if registered {
            cx.note(Note::DispatcherUnregistered { cf: self.cf, id });
        }
    }
}

impl Dispatchers {
    /// Cancels the context of a manager: workers take nothing more, connections are dropped, queries get no answer.
    /// What has reached the downstream's server goes on there.
    fn cancel(&mut self, id: ManagerId, cx: &mut Cx) {
        let mut woken = self.orphaned_tasks(id);
        if let Some(manager) = self.managers.get_mut(&id) {
            woken.extend(manager.cancel());
            woken.extend(manager.executor.running());
            for query in manager.sink.cancel() {
                cx.note(Note::WriteCancelled { cf: manager.cf, query });
                cx.out.send(Addr::Sink, sink::Inbox::Disconnect { query }.into());
            }
        }
        self.cancel_redo(id, cx);
        Dispatchers::wake_all(woken, cx);
        self.queries.retain(|_, asker| match asker {
            Asker::Task { manager, .. } | Asker::Write { manager, .. } | Asker::RedoFlush { manager } => {
                *manager != id
            }
            Asker::Record { .. } | Asker::Checkpoint { .. } | Asker::Cleanup { .. } => true,
        });
        self.touch();
    }

    /// The tasks of a manager that wait for an answer that will not come.
    fn orphaned_tasks(&self, id: ManagerId) -> Vec<TaskId> {
        let waiting = self.queries.values().filter_map(|asker| match asker {
            Asker::Task { task, manager } if *manager == id => Some(*task),
            Asker::Task { .. } | Asker::Record { .. } => None,
            Asker::Write { .. }
            | Asker::Checkpoint { .. }
            | Asker::RedoFlush { .. }
            | Asker::Cleanup { .. } => None,
        });
        waiting.collect()
    }
}
