//! The streams of the heartbeat collector: what maintainers send to dispatcher managers without the orchestrator.
//!
//! Each kind of message has a stream, and each stream a few threads. A changefeed has a path in a stream while its
//! manager is registered there; its messages are handled in order, by one thread, which it shares with other
//! changefeeds. Between streams there is no order.

use std::collections::{BTreeMap, VecDeque};

use crate::{
    ChangefeedId, Cx, NodeId,
    dispatchers::{
        Action, Dispatchers, Inbox, ManagerId, Note, Task, Timer, Wake, merge,
        redo::{Forward, UpdateMeta},
        response::Response,
        schedule::Schedule,
        trigger::CheckpointTs,
    },
    tasks::TaskId,
    vocabulary::say,
};

/// How many threads a stream has (the number of CPUs).
const THREADS: u8 = 4;
/// How many Creates are worked off together.
const BATCH: usize = 1024;

/// A kind of message that has a stream of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stream {
    /// Dispatchers that are to be created and removed.
    Schedule,
    /// Dispatchers that are to become one.
    Merge,
    /// What maintainers say about block events.
    Response,
    /// Checkpoints for the downstream.
    CheckpointTs,
    /// How far the redo log is, for those who wait for it.
    RedoResolved,
    /// How far the redo log is, for the one who keeps it.
    RedoMeta,
}

/// One thread of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Thread {
    stream: Stream,
    number: u8,
}

/// A message that waits, and who sent it.
pub(super) type Letter = (NodeId, Inbox);

/// Where the messages of a changefeed wait.
#[derive(Clone, Debug)]
struct Path {
    manager: ManagerId,
    waiting: VecDeque<Letter>,
}

/// All streams of a node.
#[derive(Clone, Debug, Default)]
pub(super) struct Streams {
    paths: BTreeMap<(Stream, ChangefeedId), Path>,
    /// What the threads are at that are not idle.
    busy: BTreeMap<Thread, TaskId>,
}

impl Stream {
    /// The streams in which a manager has a path from its construction to its end, in the order of registration.
    pub(super) const OF_MANAGERS: [Stream; 3] = [Stream::Response, Stream::Schedule, Stream::Merge];

    /// Those in which it has one if there is redo.
    pub(super) const OF_REDO: [Stream; 2] = [Stream::RedoResolved, Stream::RedoMeta];

    /// The stream of a message, and the changefeed of its path.
    pub(super) fn of(inbox: &Inbox) -> Option<(Stream, ChangefeedId)> {
        match inbox {
            Inbox::ScheduleDispatcherRequest { request } => Some((Stream::Schedule, request.cf)),
            Inbox::MergeDispatcherRequest { request } => Some((Stream::Merge, request.cf)),
            Inbox::HeartBeatResponse { cf, .. } => Some((Stream::Response, *cf)),
            Inbox::CheckpointTsMessage { cf, .. } => Some((Stream::CheckpointTs, *cf)),
            Inbox::RedoResolvedTsForwardMessage { cf, .. } => Some((Stream::RedoResolved, *cf)),
            Inbox::RedoMetaMessage { cf, .. } => Some((Stream::RedoMeta, *cf)),
            Inbox::Resolved { .. }
            | Inbox::LocalFence
            | Inbox::Close
            | Inbox::MaintainerBootstrapRequest { .. }
            | Inbox::MaintainerPostBootstrapRequest { .. }
            | Inbox::MaintainerCloseRequest { .. } => None,
        }
    }
}

impl Thread {
    fn of(stream: Stream, cf: ChangefeedId) -> Thread {
        Thread { stream, number: cf.0 % THREADS }
    }
}

impl Streams {
    /// From here on messages of every kind that a manager always takes reach it. Whether all paths were free; if one was
    /// not, those in front of it are registered nevertheless.
    pub(super) fn register_manager(&mut self, cf: ChangefeedId, manager: ManagerId) -> bool {
        Stream::OF_MANAGERS.into_iter().all(|stream| self.register(stream, cf, manager))
    }

    /// The changefeed has no such path any more, whichever manager's it was. Whether it had all; if it had not one, those
    /// behind it stay.
    pub(super) fn unregister_manager(&mut self, cf: ChangefeedId) -> bool {
        Stream::OF_MANAGERS.into_iter().all(|stream| self.unregister(stream, cf))
    }

    /// From here on messages of this kind reach the manager. Whether the path was free.
    pub(super) fn register(&mut self, stream: Stream, cf: ChangefeedId, manager: ManagerId) -> bool {
        let free = !self.paths.contains_key(&(stream, cf));
        if free {
            self.paths.insert((stream, cf), Path { manager, waiting: VecDeque::new() });
        }
        free
    }

    /// What waits is dropped; a batch that is being handled goes on. Whether there was such a path.
    pub(super) fn unregister(&mut self, stream: Stream, cf: ChangefeedId) -> bool {
        self.paths.remove(&(stream, cf)).is_some()
    }

    /// Every message that waits.
    pub(super) fn waiting(&self) -> impl Iterator<Item = (Stream, &Letter)> {
        self.paths.iter().flat_map(|((stream, _), path)| path.waiting.iter().map(|letter| (*stream, letter)))
    }

    fn has_work(&self, thread: Thread) -> bool {
        let mut paths = self.paths.iter();
        paths.any(|((stream, cf), path)| Thread::of(*stream, *cf) == thread && !path.waiting.is_empty())
    }

    /// What an idle thread handles next: messages of one changefeed. Consecutive Creates go together.
    fn next(&mut self, thread: Thread) -> Option<(ManagerId, Vec<Letter>)> {
        let mut paths = self.paths.iter_mut();
        let (_, path) = paths
            .find(|((stream, cf), path)| Thread::of(*stream, *cf) == thread && !path.waiting.is_empty())?;
        let mut batch = Vec::from_iter(path.waiting.pop_front());
        while is_create(&batch[0]) && batch.len() < BATCH && path.waiting.front().is_some_and(is_create) {
            batch.extend(path.waiting.pop_front());
        }
        Some((path.manager, batch))
    }
}

fn is_create((_, inbox): &Letter) -> bool {
    matches!(inbox, Inbox::ScheduleDispatcherRequest { request } if request.action == Action::Create)
}

impl Dispatchers {
    /// A message for a manager arrives. Without a path for its changefeed it is dropped.
    pub(super) fn deliver(
        &mut self,
        (stream, cf): (Stream, ChangefeedId),
        from: NodeId,
        inbox: &Inbox,
        cx: &mut Cx,
    ) {
        let Some(path) = self.streams.paths.get_mut(&(stream, cf)) else {
            return cx.note(Note::Ignored { cf, from, why: "no dispatcher manager" });
        };
        path.waiting.push_back((from, inbox.clone()));
        let id = path.manager;
        if let Inbox::MergeDispatcherRequest { request } = inbox {
            let before = self.before(Some(request.asked(id, from)));
            if let Some(manager) = self.managers.get_mut(&id) {
                manager.journal_merge(merge::Moment::Received, from, request, cx);
            }
            self.after(before, true);
        }
        self.work_stream(stream, Thread::of(stream, cf).number, cx);
    }

    /// A thread of a stream takes the next batch, unless it is at one.
    pub(super) fn work_stream(&mut self, stream: Stream, number: u8, cx: &mut Cx) {
        let thread = Thread { stream, number };
        if self.streams.busy.contains_key(&thread) {
            return;
        }
        let Some((manager, batch)) = self.streams.next(thread) else { return };
        let task = self.tasks.add(match stream {
            Stream::Schedule => Task::Schedule(Schedule::new(manager, batch)),
            Stream::Merge => Task::Merge(merge::Merge::new(manager, batch)),
            Stream::Response => Task::Response(Response::new(manager, batch)),
            Stream::CheckpointTs => Task::CheckpointTs(CheckpointTs::new(manager, batch)),
            Stream::RedoResolved => Task::RedoForward(Forward::new(manager, batch)),
            Stream::RedoMeta => Task::UpdateRedoMeta(UpdateMeta::new(manager, batch)),
        });
        self.streams.busy.insert(thread, task);
        self.run(task, Wake::Go, cx);
    }

    /// The thread that was at this task takes the next batch.
    pub(super) fn stream_is_free(&mut self, task: TaskId, cx: &mut Cx) {
        let freed = self.streams.busy.extract_if(.., |_, busy| *busy == task).next();
        if let Some((thread, _)) = freed
            && self.streams.has_work(thread)
        {
            let (stream, thread) = (thread.stream, u32::from(thread.number));
            cx.out.give_way(Timer::Stream { stream, thread }.into());
        }
    }
}

say!(Stream);

impl std::fmt::Display for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Stream::Schedule => "schedule",
            Stream::Merge => "merge",
            Stream::Response => "hb-response",
            Stream::CheckpointTs => "checkpoint-ts",
            Stream::RedoResolved => "redo-resolved",
            Stream::RedoMeta => "redo-meta",
        })
    }
}
