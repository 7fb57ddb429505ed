//! The end of a manager's write path: its parts are stopped in order, gently when it is closed, at once when it is fenced.

use crate::{
    Addr, Cx, DispatcherId,
    dispatchers::{Asker, Dispatchers, Manager, ManagerId, Note, Stream, panic},
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
        if manager.redo_enabled
            && !manager.has_redo_sink
            && !cx.policy().orchestrator.redo_sink_check.is_made()
        {
            panic(manager.cf, "there is no redo sink", cx);
            return Stopped::NotYet(Next::Done);
        }
        let left = manager.dispatchers.keys().rev().copied();
        self.go_to(Stage::Dispatchers(if manager.has_sink { left.collect() } else { Vec::new() }))
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
        Dispatchers::wake_all(woken, cx);
        self.queries.retain(|_, asker| match asker {
            Asker::Task { manager, .. } | Asker::Write { manager, .. } => *manager != id,
            Asker::Record { .. } | Asker::Checkpoint { .. } | Asker::Cleanup { .. } => true,
        });
        self.touch();
    }

    /// The tasks of a manager that wait for an answer that will not come.
    fn orphaned_tasks(&self, id: ManagerId) -> Vec<TaskId> {
        let waiting = self.queries.values().filter_map(|asker| match asker {
            Asker::Task { task, manager } if *manager == id => Some(*task),
            Asker::Task { .. } | Asker::Record { .. } => None,
            Asker::Write { .. } | Asker::Checkpoint { .. } | Asker::Cleanup { .. } => None,
        });
        waiting.collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use sim::{Duration, Instant, Now, Outbox, Seed};

    use super::*;
    use crate::{
        ChangefeedId, Epoch, History, NodeId, Place, Policy, Process, Ts, Workload, dispatchers::Owner,
        sink::Downstream,
    };

    /// What the stop of a manager says whose redo is still being built.
    fn stopped_without_redo_sink(policy: &str) -> Vec<String> {
        let node = NodeId { slot: 1, life: 0 };
        let second = Duration::from_secs(1);
        let workload =
            Workload { tables: 1, row_every: second, rows: 1, until: second, ..Workload::default() };
        let history = Arc::new(History::draw(&workload, Seed(1)));
        let policy = Arc::new(Policy::named(policy).expect("a policy"));
        let mut process = Process::new(node, policy, history);
        let mut out = Outbox::by_hand(Addr::Node(node, Place::Dispatchers));
        let now = Now { steady: Instant::START, wall: Instant::START };
        let cx = &mut Cx { now, process: &mut process, out: &mut out };
        let owner = Owner { node: Some(node), epoch: Epoch(5) };
        let mut manager = Manager::new(ManagerId(1), ChangefeedId(1), owner, Ts(10), Downstream::default());
        manager.redo_enabled = true;
        let mut stop = StopWritePath::at_once(manager.id);
        stop.close_redo(&manager, cx);
        out.take().1.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn redo_that_is_being_built_has_no_sink() {
        assert_eq!(stopped_without_redo_sink("master"), [""; 0]);
        assert_eq!(stopped_without_redo_sink("M15"), ["ProcessPanicked cf1 `there is no redo sink`"]);
    }
}
