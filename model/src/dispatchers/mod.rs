//! The dispatcher orchestrator of a node, its dispatcher managers (one per changefeed) and their dispatchers.
//!
//! Handlers that can be interrupted are tasks ([`crate::tasks`]): the workers of the orchestrator's shards, the threads
//! of the heartbeat collector's streams, and what runs beside them. The fence mutex of a manager is a lock that tasks
//! wait for.

mod admission;
mod block_events;
mod block_messages;
mod block_statuses;
mod block_task;
mod block_writes;
mod blocking;
mod bootstrap;
mod close;
mod construct;
mod create;
mod dispatcher;
mod emission;
mod events;
mod executor;
mod failure;
mod fence;
mod finish;
mod heartbeat;
mod journal;
mod locks;
mod manager;
mod merge;
mod messages;
mod orchestrator;
mod outgoing;
mod pending;
mod post_bootstrap;
mod progress;
mod queries;
mod redo;
mod remove;
mod reports;
mod requests;
mod response;
mod schedule;
mod schemas;
mod shutdown;
mod sink_client;
mod snapshot;
mod state;
mod stop;
mod streams;
mod takeover;
mod trigger;
mod try_close;
mod watched;

use std::collections::{BTreeMap, VecDeque};

use sim::{Input, Instant};

use crate::{
    Addr, ChangefeedId, Cx, DispatcherId, Epoch, IsRedo, Msg, NodeId, Span, Ts, Twin,
    ids::Place,
    maintainer, node,
    sink::{self, QueryId},
    tasks::{Next, TaskId, Tasks},
    upstream::ddl::BlockEvent,
    vocabulary::{say, vocabulary},
};
pub use admission::Owner;
pub use block_messages::*;
use block_statuses::StatusQueue;
pub use dispatcher::{ComponentState, Dispatcher};
pub(crate) use failure::{Failure, is_of_the_end};
pub use locks::{HeldUp, Resource};
pub use manager::{Manager, ManagerId};
pub(crate) use merge::Moment;
pub use messages::*;
use orchestrator::Orchestrator;
use outgoing::Outgoing;
use queries::Asker;
use requests::{Request, Sender};
pub use streams::Stream;
use streams::Streams;
pub use watched::Foreign;

vocabulary! {
    /// What the orchestrator and its managers wake up for.
    pub enum Timer {
        /// A shard's worker takes the next request.
        Shard { shard: u32 },
        /// A stream's thread takes the next batch.
        Stream { stream: Stream, thread: u32 },
        /// A task goes on.
        Task { task: TaskId },
        /// A dispatcher handles what has come for it.
        Events { manager: ManagerId, dispatcher: DispatcherId },
        /// A worker of the sink client looks into its queue.
        Worker { manager: ManagerId, worker: u32 },
        /// A worker of the sink client tries its transaction again.
        WriteAgain { manager: ManagerId, worker: u32 },
        /// A transaction may have waited too long for its answer.
        WriteTimeout { manager: ManagerId },
        /// A call of a task may have waited too long for its answer.
        Unanswered,
        /// A manager reports an error to its maintainer.
        Errors { manager: ManagerId },
        /// A manager reports to its maintainer.
        Heartbeat { manager: ManagerId },
        /// A manager reports changes of states.
        Statuses { manager: ManagerId },
        /// A manager reports what has happened about block events.
        BlockStatuses { manager: ManagerId },
        /// Such a report has not been acknowledged.
        BlockStatusAgain { manager: ManagerId, number: u32 },
        /// The thread that sends such reports goes on.
        SendBlockStatuses,
        /// A dispatcher handles what its maintainer says about a block event.
        BlockAnswer { manager: ManagerId, dispatcher: DispatcherId },
        /// The next report leaves the queue of the heartbeat collector.
        Send,
        /// It is time for a file of the redo log.
        RedoFlush { manager: ManagerId },
    }
}

impl Copy for Timer {}

vocabulary! {
    /// What the orchestrator and its managers say about themselves.
    pub enum Note {
        /// A dispatcher manager is there.
        ManagerCreated { cf: ChangefeedId, node: NodeId, owner: NodeId, epoch: Epoch },
        /// A dispatcher manager follows another maintainer from now on.
        OwnerChanged { cf: ChangefeedId, node: NodeId, owner: NodeId, epoch: Epoch },
        /// A request of another owner or generation is refused.
        StaleRefused { cf: ChangefeedId, from: NodeId, epoch: Epoch, owner: Option<NodeId>, current: Epoch },
        /// A request is ignored.
        Ignored { cf: ChangefeedId, from: NodeId, why: &'static str },
        /// A bootstrap of a generation that was closed here is dropped.
        ClosedEpochRefused { cf: ChangefeedId, from: NodeId, epoch: Epoch, closed: Epoch },
        /// A dispatcher is there, and gets events from now on.
        DispatcherCreated { cf: ChangefeedId, id: DispatcherId, span: Span, start_ts: Ts, redo: IsRedo },
        /// A dispatcher gets no more events.
        DispatcherUnregistered { cf: ChangefeedId, id: DispatcherId },
        /// A dispatcher is gone.
        DispatcherCleaned { cf: ChangefeedId, id: DispatcherId, checkpoint: Ts },
        /// The table trigger gets events from now on.
        TriggerRegistered { cf: ChangefeedId, id: DispatcherId, redo: IsRedo },
        /// A merge has begun: its target is there, and gets no events yet.
        MergeBegun { cf: ChangefeedId, id: DispatcherId, span: Span },
        /// The event service can serve the target of a merge.
        MergeReady { cf: ChangefeedId, id: DispatcherId },
        /// The target of a merge takes over from its sources.
        MergeCommitted { cf: ChangefeedId, id: DispatcherId, start_ts: Ts },
        /// A merge is given up.
        MergeAborted { cf: ChangefeedId, id: DispatcherId, why: &'static str },
        /// A transaction with rows of this dispatcher leaves for the downstream.
        WriteStarted { cf: ChangefeedId, id: DispatcherId, span: Span, query: QueryId },
        /// A transaction with rows of this dispatcher is known to be downstream.
        WriteFlushed { cf: ChangefeedId, id: DispatcherId, query: QueryId },
        /// A dispatcher manager could not be created.
        ConstructionFailed { cf: ChangefeedId, node: NodeId, why: &'static str },
        /// A manager keeps its epoch, though the configuration in a bootstrap request names another one.
        EpochMismatch { cf: ChangefeedId, node: NodeId, epoch: Epoch, config: Epoch },
        /// A transaction met a duplicate key: its worker writes in safe mode for a while, and at once once more.
        SafeMode { cf: ChangefeedId, worker: u32, query: QueryId },
        /// A transaction failed, and will be tried again.
        WriteFailed { cf: ChangefeedId, query: QueryId, why: sink::Failure },
        /// The context of a transaction that was under way is cancelled: nobody will hear what comes of it.
        WriteCancelled { cf: ChangefeedId, query: QueryId },
        /// A transaction failed, and there is no hope: its worker ends, and so do the others when they are done.
        WorkerFailed { cf: ChangefeedId, worker: u32, query: QueryId, why: sink::Failure },
        /// All workers have ended because of an error: dispatchers wait for nothing any more.
        SinkFailed { cf: ChangefeedId, why: &'static str },
        /// An error will not be reported, because an earlier one has not been yet.
        ErrorDiscarded { cf: ChangefeedId, why: &'static str },
        /// A block event is not reported before earlier reports are acknowledged.
        BlockEventHeld { cf: ChangefeedId, id: DispatcherId, event: BlockEvent },
        /// A block event is being written.
        BlockEventWritten { cf: ChangefeedId, id: DispatcherId, event: BlockEvent, redo: IsRedo },
        /// A block event cannot be written.
        BlockEventFailed { cf: ChangefeedId, id: DispatcherId, event: BlockEvent, why: &'static str, redo: IsRedo },
        /// A dispatcher does not do what it is told about a block event.
        ActionIgnored { cf: ChangefeedId, id: DispatcherId, event: EventKey, why: &'static str },
        /// A checkpoint is not passed on to the downstream.
        CheckpointIgnored { cf: ChangefeedId, checkpoint: Ts },
        /// A manager writes nothing from now on.
        WritePathClosed { cf: ChangefeedId, node: NodeId, fenced: bool },
        /// The closing of a manager has been given up.
        CloseAborted { cf: ChangefeedId, node: NodeId },
        /// A manager is closed.
        ManagerClosed { cf: ChangefeedId, node: NodeId },
        /// What a removed changefeed had left downstream is gone.
        RemovalCleaned { cf: ChangefeedId, node: NodeId },
        /// The process ends in a panic.
        ProcessPanicked { cf: ChangefeedId, why: &'static str },
        /// A maintainer is not to take a manager over that has a table trigger of another one.
        TakeoverRefused { cf: ChangefeedId, from: NodeId, why: &'static str },
        /// What a maintainer says about the redo log is not written down.
        RedoMetaIgnored { cf: ChangefeedId, checkpoint: Ts, resolved: Ts },
    }
}

/// The orchestrator of a node and its managers.
#[derive(Clone, Debug, Default)]
pub struct Dispatchers {
    orchestrator: Orchestrator,
    /// Every manager whose goroutines run, visible in the orchestrator or not.
    managers: BTreeMap<ManagerId, Manager>,
    managers_made: u32,
    streams: Streams,
    status_queue: StatusQueue,
    outgoing: Outgoing,
    tasks: Tasks<Task>,
    /// Whom the answer to a query of the downstream is for.
    queries: BTreeMap<QueryId, Asker>,
    queries_made: u32,
    /// Calls that tasks have made, and when each of them counts as failed; answered ones too, until they would.
    patience: VecDeque<(Instant, QueryId)>,
    /// Up to where the event service of this node knows all changes.
    resolved: Ts,
    /// What PD's clock showed when this node last looked, and when that was.
    pd_clock: (Ts, Instant),
    /// Rises whenever it may have changed who may write.
    revision: u64,
    /// Rises whenever it may have changed who has or waits for what.
    traffic: u64,
    /// The graceful end of the orchestrator, while it waits for the shards.
    closing: Option<TaskId>,
    /// What requests of other owners or generations have done in this step: for whoever watches.
    foreign: Vec<Foreign>,
}

/// A handler that can be interrupted.
#[derive(Clone, Debug)]
enum Task {
    Bootstrap(bootstrap::Bootstrap),
    PostBootstrap(post_bootstrap::PostBootstrap),
    Close(close::Close),
    Schedule(schedule::Schedule),
    Merge(merge::Merge),
    Ready(merge::Ready),
    MergeCheck(merge::Check),
    Remove(remove::Remove),
    Heartbeat(heartbeat::Beat),
    Block(block_task::BlockTask),
    Response(response::Response),
    CheckpointTs(trigger::CheckpointTs),
    RedoForward(redo::Forward),
    UpdateRedoMeta(redo::UpdateMeta),
    RedoMeta(redo::Keeper),
    RedoProgress(redo::Progress),
    Closing(finish::Closing),
    Finish(finish::Finish),
    Cleanup(finish::Cleanup),
    Fence(fence::Fence),
    Shutdown(shutdown::Shutdown),
}

/// Why a task goes on.
#[derive(Clone, Copy, Debug)]
enum Wake<'a> {
    /// It is its turn.
    Go,
    /// The downstream has answered.
    Answer(&'a sink::Reply),
}

impl Dispatchers {
    /// The managers that are there and not closed, in order of their creation.
    pub fn managers(&self) -> impl Iterator<Item = &Manager> {
        self.managers.values().filter(|manager| !manager.closed)
    }

    /// The manager that requests for a changefeed come to.
    pub fn registered(&self, cf: ChangefeedId) -> Option<&Manager> {
        self.managers.get(self.orchestrator.managers.get(&cf)?)
    }

    /// With which epoch a changefeed counts as closed here.
    pub fn closed_epoch(&self, cf: ChangefeedId) -> Option<Epoch> {
        self.orchestrator.closed_epochs().find(|(closed, _)| *closed == cf).map(|(_, epoch)| epoch)
    }

    /// The managers that have a dispatcher of this id, with the number of its insertion there, and whether they are to write nothing any
    /// more. There may be several: a manager that is built anew has a table trigger of the same id as one that has failed.
    pub fn holders(&self, id: DispatcherId) -> impl Iterator<Item = (ManagerId, u64, bool)> + '_ {
        self.managers.values().filter_map(move |manager| {
            let ended = manager.closed || manager.write_path_closed || manager.is_cancelled();
            Some((manager.id, manager.dispatchers.get(&id)?.seq, ended))
        })
    }

    /// Rises whenever it may have changed who may write: for whoever watches.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Whether the node has fenced itself, and every manager that it had then.
    pub fn is_fenced(&self) -> bool {
        self.orchestrator.fence_ended
    }

    pub(crate) fn step(&mut self, input: &Input<crate::Actor>, cx: &mut Cx) {
        self.foreign.clear();
        match input {
            Input::Start => {}
            Input::Message { from, msg: Msg::Dispatchers(inbox) } => self.on_message(*from, inbox, cx),
            Input::Message { msg: Msg::SinkReply(reply), .. } => self.on_sink(reply, cx),
            Input::Alarm(crate::Timer::Dispatchers(timer)) => self.on_alarm(*timer, cx),
            Input::Message { .. } | Input::Alarm(_) | Input::Command(_) => {
                unreachable!("not for dispatchers")
            }
        }
    }

    fn on_message(&mut self, from: Addr, inbox: &Inbox, cx: &mut Cx) {
        match inbox {
            Inbox::Resolved { resolved } => return self.on_resolved(*resolved, cx),
            Inbox::LocalFence => return self.local_fence(cx),
            Inbox::Close => return self.shut_down(cx),
            _ => {}
        }
        let Some(from) = from.node() else { return };
        if let Some(path) = Stream::of(inbox) {
            self.deliver(path, from, inbox, cx);
        } else if let Some(request) = Request::from(from, inbox) {
            self.receive(request, cx);
        }
    }

    fn on_alarm(&mut self, timer: Timer, cx: &mut Cx) {
        match timer {
            Timer::Shard { shard } => self.work_shard(shard, cx),
            Timer::Stream { stream, thread } => {
                self.work_stream(stream, u8::try_from(thread).expect("threads are few"), cx);
            }
            Timer::Task { task } => self.run(task, Wake::Go, cx),
            Timer::Events { manager, dispatcher } => self.handle_events(manager, dispatcher, cx),
            Timer::Worker { manager, worker } => self.work(manager, worker, cx),
            Timer::WriteAgain { manager, worker } => self.write_again(manager, worker, cx),
            Timer::WriteTimeout { manager } => self.on_write_timeout(manager, cx),
            Timer::Unanswered => self.on_unanswered(cx),
            Timer::Errors { manager } => self.on_errors(manager, cx),
            Timer::Heartbeat { manager } => self.on_heartbeat(manager, cx),
            Timer::Statuses { manager } => self.on_statuses(manager, cx),
            Timer::BlockStatuses { manager } => self.on_block_statuses(manager, cx),
            Timer::BlockStatusAgain { manager, number } => self.report_again(manager, number, cx),
            Timer::SendBlockStatuses => self.send_block_statuses(cx),
            Timer::BlockAnswer { manager, dispatcher } => self.on_answer(manager, dispatcher, cx),
            Timer::Send => self.send_next(cx),
            Timer::RedoFlush { manager } => self.on_redo_flush(manager, cx),
        }
    }

    /// Begins a task in the thread of whoever begins it: its first step is taken now.
    fn spawn(&mut self, task: Task, cx: &mut Cx) -> TaskId {
        let id = self.tasks.add(task);
        self.run(id, Wake::Go, cx);
        id
    }

    /// Begins a task in a thread of its own: others may get in before its first step.
    fn fork(&mut self, task: Task, cx: &mut Cx) {
        let task = self.tasks.add(task);
        cx.out.give_way(Timer::Task { task }.into());
    }

    /// Lets a task take its next step.
    fn run(&mut self, id: TaskId, wake: Wake, cx: &mut Cx) {
        let Some(mut task) = self.tasks.take(id) else { return };
        let before = self.before(self.asked_by(&task));
        let next = match &mut task {
            Task::Bootstrap(task) => task.resume(id, wake, self, cx),
            Task::PostBootstrap(task) => task.resume(id, wake, self, cx),
            Task::Close(task) => task.resume(id, self, cx),
            Task::Schedule(task) => task.resume(id, wake, self, cx),
            Task::Merge(task) => task.resume(id, self, cx),
            Task::Ready(task) => task.resume(self, cx),
            Task::MergeCheck(task) => task.resume(id, wake, self, cx),
            Task::Remove(task) => task.resume(self, cx),
            Task::Heartbeat(task) => task.resume(self, cx),
            Task::Block(task) => task.resume(id, wake, self, cx),
            Task::Response(task) => task.resume(id, self, cx),
            Task::CheckpointTs(task) => task.resume(self, cx),
            Task::RedoForward(task) => task.resume(id, self, cx),
            Task::UpdateRedoMeta(task) => task.resume(id, self, cx),
            Task::RedoMeta(task) => task.resume(id, wake, self, cx),
            Task::RedoProgress(task) => task.resume(self, cx),
            Task::Closing(task) => task.resume(id, self, cx),
            Task::Finish(task) => task.resume(id, self, cx),
            Task::Cleanup(task) => task.resume(id, wake, self, cx),
            Task::Fence(task) => task.resume(id, self, cx),
            Task::Shutdown(task) => task.resume(id, self, cx),
        };
        self.after(before, false);
        match next {
            Next::Yield => cx.out.give_way(Timer::Task { task: id }.into()),
            Next::Sleep(length) => cx.out.alarm(Timer::Task { task: id }.into(), length),
            Next::Wait => self.stir(),
            Next::Done => return self.done(id, &task, cx),
        }
        self.tasks.put(id, task, next == Next::Wait);
    }

    /// The thread that ran the task takes what is next.
    fn done(&mut self, id: TaskId, task: &Task, cx: &mut Cx) {
        self.stir();
        match task {
            Task::Bootstrap(_) | Task::PostBootstrap(_) | Task::Close(_) => self.shard_is_free(id, cx),
            Task::Schedule(_)
            | Task::Merge(_)
            | Task::Response(_)
            | Task::CheckpointTs(_)
            | Task::RedoForward(_)
            | Task::UpdateRedoMeta(_) => self.stream_is_free(id, cx),
            Task::Block(task) => self.worker_is_free(task.manager(), id, cx),
            Task::Ready(_)
            | Task::MergeCheck(_)
            | Task::Remove(_)
            | Task::Heartbeat(_)
            | Task::RedoMeta(_)
            | Task::RedoProgress(_)
            | Task::Closing(_)
            | Task::Finish(_)
            | Task::Cleanup(_) => {}
            Task::Fence(_) => {
                self.orchestrator.fence_ended = true;
                cx.tell(Place::Server, node::Inbox::LocalFenced);
            }
            Task::Shutdown(_) => cx.tell(Place::Server, node::Inbox::DispatchersClosed),
        }
    }

    fn wake_all(tasks: Vec<TaskId>, cx: &mut Cx) {
        for task in tasks {
            cx.out.give_way(Timer::Task { task }.into());
        }
    }

    /// What PD's clock shows now, as far as this node knows: it asks often, and counts on by its own clock.
    fn pd_clock(&self, cx: &Cx) -> Ts {
        let (then, at) = self.pd_clock;
        Ts(then.0 + cx.now.steady.since(at).nanos() / 1000)
    }

    fn touch(&mut self) {
        self.revision += 1;
    }
}

/// The epoch that an answer to a request carries.
fn response_epoch(epoch: Epoch, cx: &Cx) -> Epoch {
    cx.policy().orchestrator.response_epoch.of(epoch)
}

/// Answers a bootstrap request.
fn respond(sender: Sender, response: BootstrapResponse, cx: &mut Cx) {
    let response = maintainer::Inbox::MaintainerBootstrapResponse { response: Box::new(response) };
    cx.send(sender.from, Place::Maintainers, response);
}

/// Answers a bootstrap request, or a post-bootstrap request that fails for a reason of its own.
fn respond_with_error(sender: Sender, why: &'static str, cx: &mut Cx) {
    let epoch = response_epoch(sender.epoch, cx);
    let response = BootstrapResponse {
        cf: sender.cf,
        epoch,
        checkpoint: Ts::NONE,
        redo_checkpoint: Twin(None),
        spans: Vec::new(),
        operators: Vec::new(),
        merge_operators: Vec::new(),
        err: Some(why),
    };
    respond(sender, response, cx);
}

/// The real process takes for granted what is not there: it panics, and is started again.
fn panic(cf: ChangefeedId, why: &'static str, cx: &mut Cx) {
    cx.note(Note::ProcessPanicked { cf, why });
    cx.out.exit(Some(node::RESTART_AFTER));
}

say!(ManagerId);
