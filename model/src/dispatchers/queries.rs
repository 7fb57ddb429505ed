//! Calls of the downstream, and who waits for their answers.

use crate::{
    Addr, Cx,
    dispatchers::{Dispatchers, ManagerId, Timer, Wake, sink_client},
    sink::{self, Failure, QueryId, Reply},
    tasks::TaskId,
};

/// Who asked the downstream.
#[derive(Clone, Copy, Debug)]
pub(super) enum Asker {
    /// A task, which waits.
    Task { task: TaskId, manager: ManagerId },
    /// A task that waits even if the context of its manager is cancelled.
    Record { task: TaskId },
    /// A worker of a sink client.
    Write { manager: ManagerId, worker: u32 },
    /// The goroutine that tells a log of checkpoints: nothing cancels it.
    Checkpoint { manager: ManagerId },
    /// The redo client.
    RedoFlush { manager: ManagerId },
    /// What is deleted behind a manager that is closed: nothing cancels it.
    Cleanup { task: TaskId },
}

impl Asker {
    /// The task that waits for the answer, if it is a task.
    fn task(self) -> Option<TaskId> {
        match self {
            Asker::Task { task, .. } | Asker::Record { task } | Asker::Cleanup { task } => Some(task),
            Asker::Write { .. } | Asker::Checkpoint { .. } | Asker::RedoFlush { .. } => None,
        }
    }
}

impl Dispatchers {
    /// Asks the downstream something.
    pub(super) fn ask(
        &mut self,
        asker: Asker,
        cx: &mut Cx,
        inbox: impl FnOnce(QueryId) -> sink::Inbox,
    ) -> QueryId {
        self.queries_made += 1;
        let query = QueryId(self.queries_made);
        self.queries.insert(query, asker);
        cx.out.send(Addr::Sink, inbox(query).into());
        if asker.task().is_some() {
            self.wait_patiently(query, cx);
        }
        query
    }

    /// From now on a call is waited for only as long as the connections of the downstream's client allow.
    pub(super) fn wait_patiently(&mut self, query: QueryId, cx: &mut Cx) {
        let patience = sink_client::timeout(cx.process.config.downstream.class);
        if self.patience.is_empty() {
            cx.out.alarm(Timer::Unanswered.into(), patience);
        }
        self.patience.push_back((cx.now.steady + patience, query));
    }

    pub(super) fn on_sink(&mut self, reply: &Reply, cx: &mut Cx) {
        match self.queries.remove(&reply.query()) {
            Some(Asker::Task { task, .. } | Asker::Record { task } | Asker::Cleanup { task }) => {
                self.run(task, Wake::Answer(reply), cx);
            }
            Some(Asker::Write { manager, worker }) => self.written(manager, worker, reply, cx),
            Some(Asker::Checkpoint { manager }) => self.checkpoint_told(manager, cx),
            Some(Asker::RedoFlush { manager }) => self.redo_written(manager, reply, cx),
            // The client has dropped the connection.
            None => {}
        }
    }

    /// Calls that have waited too long for their answers fail, as the connections of their tasks count as broken; what they
    /// ask for may be done at the server all the same.
    pub(super) fn on_unanswered(&mut self, cx: &mut Cx) {
        let now = cx.now.steady;
        while let Some((_, query)) = self.patience.pop_front_if(|(until, _)| *until <= now) {
            let asker = self.queries.get(&query).copied();
            if let Some(Asker::Checkpoint { manager }) = asker {
                self.disconnect(query, cx);
                self.checkpoint_told(manager, cx);
            }
            if let Some(task) = asker.and_then(Asker::task) {
                self.disconnect(query, cx);
                self.run(task, Wake::Answer(&Reply::Failed { query, why: Failure::BadConnection }), cx);
            }
        }
        if let Some((until, _)) = self.patience.front() {
            cx.out.alarm(Timer::Unanswered.into(), until.since(cx.now.steady));
        }
    }

    /// Drops the connection of a call: no answer will come.
    pub(super) fn disconnect(&mut self, query: QueryId, cx: &mut Cx) {
        self.queries.remove(&query);
        cx.out.send(Addr::Sink, sink::Inbox::Disconnect { query }.into());
    }
}
