//! One dispatcher: its state, what it has read and what of that is not downstream yet.

use crate::{
    DispatcherId, Mode, Row, SchemaId, Span, TableId, Ts,
    dispatchers::{block_events::Answers, blocking::Blocking, merge::Start, progress::Progress},
    upstream::events::Position,
    vocabulary::words,
};

/// The state of a dispatcher, as it is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ComponentState {
    /// It has had no event yet.
    Initializing,
    /// It replicates.
    Working,
    /// The target of a merge, before it is ready.
    Preparing,
    /// The target of a merge that may begin.
    MergeReady,
    /// A source of a merge.
    WaitingMerge,
    /// It has been removed, or does not exist: only ever reported.
    Stopped,
    /// As [`ComponentState::Stopped`], after its table was dropped.
    Removed,
}

impl ComponentState {
    /// Whether there is no such dispatcher any more.
    pub fn is_terminal(self) -> bool {
        matches!(self, ComponentState::Stopped | ComponentState::Removed)
    }
}

/// A dispatcher.
#[derive(Clone, Debug, Hash)]
pub struct Dispatcher {
    pub(super) id: DispatcherId,
    pub(super) span: Span,
    /// Whether it writes downstream, or the redo log.
    pub(super) mode: Mode,
    pub(super) state: ComponentState,
    pub(super) start_ts: Ts,
    /// Whether it leaves out the rows that were committed right after its start: they are downstream already.
    pub(super) skip_dml: bool,
    /// The number of its insertion.
    pub(super) seq: u64,
    /// Whether the event collector sends it events, and whether some are on their way.
    pub(super) registered: bool,
    pub(super) events_coming: bool,
    /// Whether the event collector only prepares to: the target of a merge.
    pub(super) prepared: bool,
    /// Whether its removal was asked for.
    pub(super) try_removing: bool,
    /// Whether it goes without waiting for its maintainer to take note of the tables that it has brought.
    pub(super) leaves_at_once: bool,
    /// Whether it is drained and may be cleaned.
    pub(super) removing: bool,
    /// How far events have been sent to it, and when the next event after that is.
    pub(super) sent: Position,
    pub(super) next_event: Ts,
    /// The last resolved timestamp among what it was sent.
    pub(super) resolved: Ts,
    /// Whether its stream stands still until what it handles is downstream.
    pub(super) blocked: bool,
    /// Whether its batches wait until the redo log is that far; one that does was sent when everything up to here was resolved.
    pub(super) waits_for_redo: bool,
    pub(super) kept: Option<Ts>,
    /// When it was created, by PD's clock: what was committed before may be downstream already.
    pub(super) creation: Ts,
    /// The rows that it hands to the sink, in order of commit.
    pub(super) batch: Vec<Row>,
    pub(super) progress: Progress,
    /// The database of its table.
    pub(super) schema: SchemaId,
    /// The same, if it has changed since the dispatcher was created.
    pub(super) moved_to: Option<SchemaId>,
    pub(super) blocking: Blocking,
    /// What the maintainer says about block events, from the first event on.
    pub(super) answers: Option<Answers>,
}

impl Dispatcher {
    pub(super) fn new(id: DispatcherId, span: Span, start_ts: Ts, creation: Ts) -> Dispatcher {
        Dispatcher {
            id,
            span,
            mode: Mode::Default,
            state: ComponentState::Initializing,
            start_ts,
            skip_dml: false,
            seq: 0,
            registered: false,
            events_coming: false,
            prepared: false,
            try_removing: false,
            leaves_at_once: false,
            removing: false,
            sent: Position::start(start_ts, false),
            next_event: Ts::NONE,
            resolved: start_ts,
            blocked: false,
            waits_for_redo: false,
            kept: None,
            creation,
            batch: Vec::new(),
            progress: Progress::default(),
            schema: SchemaId(0),
            moved_to: None,
            blocking: Blocking::default(),
            answers: None,
        }
    }

    /// Its id.
    pub fn id(&self) -> DispatcherId {
        self.id
    }

    /// From where it replicates, and whether it leaves out the rows that were committed right after that.
    pub fn start(&self) -> (Ts, bool) {
        (self.start_ts, self.skip_dml)
    }

    /// What it replicates.
    pub fn span(&self) -> Span {
        self.span
    }

    /// Whether it writes downstream, or the redo log.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Its state.
    pub fn state(&self) -> ComponentState {
        self.state
    }

    /// Whether it gets events, and goes on getting them.
    pub fn is_fed(&self) -> bool {
        self.registered && !self.removing
    }

    /// Whether it is a table trigger.
    pub fn is_trigger(&self) -> bool {
        self.span.table == TableId::TRIGGER
    }

    /// Whether it counts where its manager tells how far it is: not so the target of a merge before it takes over.
    pub(super) fn counts(&self) -> bool {
        !matches!(self.state, ComponentState::Preparing | ComponentState::MergeReady)
    }

    /// Everything up to here is downstream.
    pub fn checkpoint(&self) -> Ts {
        self.blocking.cap(self.progress.checkpoint(self.resolved))
    }

    /// It starts somewhere else, and has read nothing yet.
    pub(super) fn start_at(&mut self, start: Start) {
        (self.start_ts, self.skip_dml) = (start.ts, start.skip_dml);
        let sent = Position::start(start.ts, start.skip_syncpoint);
        (self.sent, self.next_event, self.resolved) = (sent, Ts::NONE, start.ts);
    }

    /// The event collector forgets it.
    pub(super) fn unregister(&mut self) {
        (self.registered, self.prepared) = (false, false);
    }

    /// The barrier that it waits for: its commit, and whether it is a syncpoint.
    pub(super) fn barrier(&self) -> Option<(Ts, bool)> {
        self.block_state().map(|state| (state.event.ts, state.event.syncpoint))
    }

    /// Whether it may be closed (`TryClose`): once the sink is abnormal nobody waits for it.
    pub(super) fn may_close(&self, sink_is_normal: bool) -> bool {
        !sink_is_normal || self.is_drained() && (self.leaves_at_once || self.blocking.bringing.is_empty())
    }

    /// Whether everything that was handed to the sink is downstream.
    pub(super) fn is_drained(&self) -> bool {
        self.progress.is_empty()
    }
}

words! {
    ComponentState {
        Initializing => "Initializing",
        Working => "Working",
        Preparing => "Preparing",
        MergeReady => "MergeReady",
        WaitingMerge => "WaitingMerge",
        Stopped => "Stopped",
        Removed => "Removed",
    }
}
