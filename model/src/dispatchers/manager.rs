//! A dispatcher manager: the dispatchers of one changefeed on one node, and the maintainer that they follow.

use std::{collections::BTreeMap, fmt};

use crate::{
    ChangefeedConfig, ChangefeedId, Cx, DispatcherId, Mode, Span, Ts,
    dispatchers::{
        Watermark,
        admission::Owner,
        block_statuses::StatusBuffer,
        dispatcher::Dispatcher,
        executor::Executor,
        journal::Journal,
        merge,
        redo::Redo,
        reports::{Changes, HeartbeatTask},
        schemas::SchemaIndex,
        sink_client::{Errors, SinkClient},
        trigger::Telling,
    },
    policy::Entrant,
    tasks::{Lock, TaskId},
};

/// One manager of a process, in order of their construction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ManagerId(pub u32);

/// The manager of a changefeed.
#[derive(Clone, Debug)]
pub struct Manager {
    pub(super) id: ManagerId,
    pub(super) cf: ChangefeedId,
    pub(super) owner: Owner,
    /// The fence mutex: whoever may change the owner, or acts on what the owner said, holds it.
    pub(super) fence: Lock,
    pub(super) dispatchers: BTreeMap<DispatcherId, Dispatcher>,
    /// Those of tables, by database.
    pub(super) schemas: SchemaIndex,
    /// How many dispatchers have been inserted.
    pub(super) seq: u64,
    pub(super) trigger: Option<DispatcherId>,
    pub(super) journal: Journal,
    pub(super) merges: merge::Journal,
    pub(super) redo: Redo,
    /// Whether it has a sink and what all dispatchers share: its construction comes to that one by one.
    pub(super) has_sink: bool,
    pub(super) has_shared_info: bool,
    pub(super) closing: bool,
    pub(super) closed: bool,
    /// Guards whether anything may be written, and what is made visible only while it may.
    pub(super) write_path_mu: Lock,
    /// Whether nothing may be written any more. Final.
    pub(super) write_path_closed: bool,
    /// Whether its context is cancelled, and who waits for that.
    pub(super) cancelled: bool,
    pub(super) awaiting_cancel: Vec<TaskId>,
    /// Whether a close request has said that the changefeed is removed for good; whether that has been seen to, or is.
    pub(super) remove_requested: bool,
    pub(super) remove_cleaned: bool,
    pub(super) remove_cleanup_running: bool,
    /// Whether its loops run: from the end of its construction until its context is cancelled.
    pub(super) sink_running: bool,
    pub(super) sink: SinkClient,
    pub(super) errors: Errors,
    pub(super) executor: Executor,
    pub(super) telling: Telling,
    pub(super) statuses_of_blocks: StatusBuffer,
    /// The periodic report, and the watermark that it told last.
    pub(super) heartbeat: HeartbeatTask,
    pub(super) watermark: Watermark,
    /// Changes of states that have not been reported.
    pub(super) changes: Changes,
}

impl Manager {
    /// How many requests its journals keep.
    pub fn journalled(&self) -> usize {
        self.journal.entries().count() + self.merges.requests().count()
    }

    pub(super) fn new(
        id: ManagerId,
        cf: ChangefeedId,
        owner: Owner,
        start_ts: Ts,
        config: &ChangefeedConfig,
    ) -> Manager {
        let watermark = Watermark { checkpoint: start_ts, resolved: start_ts, seq: 0 };
        Manager {
            id,
            cf,
            owner,
            fence: Lock::default(),
            dispatchers: BTreeMap::new(),
            schemas: SchemaIndex::new(),
            seq: 0,
            trigger: None,
            journal: Journal::default(),
            merges: merge::Journal::default(),
            redo: Redo::new(config.redo, watermark.clone()),
            has_sink: false,
            has_shared_info: false,
            closing: false,
            closed: false,
            write_path_mu: Lock::default(),
            write_path_closed: false,
            cancelled: false,
            awaiting_cancel: Vec::new(),
            remove_requested: false,
            remove_cleaned: false,
            remove_cleanup_running: false,
            sink_running: false,
            sink: SinkClient::new(config.downstream),
            errors: Errors::default(),
            executor: Executor::default(),
            telling: Telling::default(),
            statuses_of_blocks: StatusBuffer::default(),
            heartbeat: HeartbeatTask::None,
            changes: Changes::after(watermark.clone()),
            watermark,
        }
    }

    /// Enters what the fence mutex guards, where there is one; if not now, the task is woken when it is free.
    pub(super) fn enter(&mut self, entrant: Entrant, task: TaskId, cx: &Cx) -> bool {
        !cx.policy().orchestrator.fence_mutex.guards(entrant) || self.fence.acquire(task)
    }

    /// Whether what took long to build may not be published any more.
    pub(super) fn is_refused(&self, cx: &Cx) -> bool {
        self.write_path_closed && cx.policy().orchestrator.publication.is_rechecked()
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled
    }

    /// Its context is cancelled: its workers take nothing more. Who has waited for that.
    pub(super) fn cancel(&mut self) -> Vec<TaskId> {
        self.cancelled = true;
        self.sink_running = false;
        std::mem::take(&mut self.awaiting_cancel)
    }

    /// Whether its context is cancelled; if not, the task is woken then.
    pub(super) fn wait_for_cancel(&mut self, task: TaskId) -> bool {
        if !self.cancelled {
            self.awaiting_cancel.push(task);
        }
        self.cancelled
    }

    /// Whether it is neither closed nor closing; dispatchers keep their state when they are closed.
    pub fn is_open(&self) -> bool {
        !self.closing && !self.closed && !self.write_path_closed
    }

    /// Whether it writes what comes: it has a sink, and neither is its write path closed nor its context cancelled.
    pub fn may_write(&self) -> bool {
        self.sink_running && !self.write_path_closed && !self.cancelled
    }

    /// Whether what it has begun downstream goes on: its context is not cancelled.
    pub fn is_writing(&self) -> bool {
        !self.cancelled && !self.closed
    }

    /// Which one of its process it is.
    pub fn id(&self) -> ManagerId {
        self.id
    }

    /// The redo dispatchers that may hand rows to the redo log now: those that get events.
    pub fn redo_writers(&self) -> impl Iterator<Item = (DispatcherId, Span)> {
        let runs = self.sink_running && self.redo.client.as_ref().is_some_and(|client| client.is_running());
        let all =
            self.dispatchers_of(Mode::Redo).filter(move |one| runs && one.is_fed() && !one.is_trigger());
        all.map(|one| (one.id, one.span))
    }

    /// The error that it tells its maintainer of again and again.
    pub fn reported_error(&self) -> Option<&'static str> {
        self.errors.reported()
    }

    /// Whether rows or DDLs of it may leave for the downstream.
    pub fn goes_on_writing(&self) -> bool {
        !self.cancelled && !self.closed && (self.active_trigger().is_some() || !self.writers().is_empty())
    }

    /// Its changefeed.
    pub fn changefeed(&self) -> ChangefeedId {
        self.cf
    }

    /// The maintainer that it follows.
    pub fn owner(&self) -> &Owner {
        &self.owner
    }

    /// Whether everything is written to a redo log, too.
    pub fn has_redo(&self) -> bool {
        self.redo.enabled
    }

    /// Its dispatchers and redo dispatchers, those being removed included.
    pub fn dispatchers(&self) -> impl Iterator<Item = &Dispatcher> {
        self.dispatchers.values()
    }

    /// The dispatchers that may start a write now: those that get events, and those whose rows a worker has, though they
    /// may be gone themselves. That the write path is closed keeps nobody from writing: a close takes the events from one
    /// dispatcher after the other, and workers go on until the context is cancelled.
    pub fn writers(&self) -> Vec<(DispatcherId, Span)> {
        if !self.sink_running || !self.sink.is_running() {
            return Vec::new();
        }
        let gets_events = |one: &Dispatcher| one.is_fed() && !one.is_trigger();
        let with_events = self.dispatchers_of(Mode::Default).filter(|one| gets_events(one));
        let mut writers: Vec<(DispatcherId, Span)> = with_events.map(|one| (one.id, one.span)).collect();
        for event in self.sink.events() {
            let known = self.dispatchers.get(&event.dispatcher).is_some_and(gets_events);
            if !known && writers.iter().all(|(id, _)| *id != event.dispatcher) {
                writers.push((event.dispatcher, event.span));
            }
        }
        writers
    }
}

impl fmt::Display for ManagerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dm{}", self.0)
    }
}
