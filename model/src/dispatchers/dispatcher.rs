//! One dispatcher: its state, what it has read and what of that is not downstream yet.

use std::fmt;

use crate::{DispatcherId, Row, Span, TableId, Ts};

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
#[derive(Clone, Debug)]
pub struct Dispatcher {
    pub(super) id: DispatcherId,
    pub(super) span: Span,
    pub(super) state: ComponentState,
    pub(super) start_ts: Ts,
    /// The number of its insertion.
    pub(super) seq: u64,
    /// Whether the event collector sends it events, and whether some are on their way.
    pub(super) registered: bool,
    pub(super) events_coming: bool,
    /// Whether its removal was asked for.
    pub(super) try_removing: bool,
    /// Whether it is drained and may be cleaned.
    pub(super) removing: bool,
    /// Everything up to here has been handed to it.
    pub(super) read: Ts,
    /// When its span changes next after that.
    pub(super) next_change: Ts,
    /// Rows that are not known to be downstream, in order of commit: those of one batch at most.
    pub(super) unflushed: Vec<Row>,
    /// The last commit that was flushed.
    pub(super) flushed: Ts,
}

impl Dispatcher {
    pub(super) fn new(id: DispatcherId, span: Span, start_ts: Ts) -> Dispatcher {
        Dispatcher {
            id,
            span,
            state: ComponentState::Initializing,
            start_ts,
            seq: 0,
            registered: false,
            events_coming: false,
            try_removing: false,
            removing: false,
            read: start_ts,
            next_change: Ts::NONE,
            unflushed: Vec::new(),
            flushed: Ts::NONE,
        }
    }

    /// Its id.
    pub fn id(&self) -> DispatcherId {
        self.id
    }

    /// What it replicates.
    pub fn span(&self) -> Span {
        self.span
    }

    /// Its state.
    pub fn state(&self) -> ComponentState {
        self.state
    }

    /// Whether it is a table trigger.
    pub fn is_trigger(&self) -> bool {
        self.span.table == TableId::TRIGGER
    }

    /// Everything up to here is downstream.
    pub fn checkpoint(&self) -> Ts {
        match self.unflushed.first() {
            Some(row) => row.commit.before(),
            None => self.read.max(self.flushed.before()),
        }
    }

    /// Whether everything that was handed to the sink is downstream.
    pub(super) fn is_drained(&self) -> bool {
        self.unflushed.is_empty()
    }
}

impl fmt::Display for ComponentState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ComponentState::Initializing => "Initializing",
            ComponentState::Working => "Working",
            ComponentState::Preparing => "Preparing",
            ComponentState::MergeReady => "MergeReady",
            ComponentState::WaitingMerge => "WaitingMerge",
            ComponentState::Stopped => "Stopped",
            ComponentState::Removed => "Removed",
        })
    }
}
