//! What maintainers and dispatcher managers say to each other.

use std::{fmt, str::FromStr};

use crate::{
    ChangefeedId, ConfigEpoch, DispatcherId, Epoch, IsRedo, Mode, SchemaId, Span, Ts, Twin,
    dispatchers::{BlockAnswer, BlockState, ComponentState, Stream},
    vocabulary::{spoken, vocabulary, words},
};

vocabulary! {
    /// What the orchestrator and its managers hear.
    pub enum Inbox {
        /// All changes up to here are known (from the upstream).
        Resolved { resolved: Ts },
        /// The node has lost its session: stop writing now (from the server).
        LocalFence,
        /// The process shuts down (from the server).
        Close,
        /// A maintainer asks what runs here, and takes over.
        MaintainerBootstrapRequest { cf: ChangefeedId, start_ts: Ts, trigger: Option<DispatcherId>, is_new: bool, epoch: Epoch, config: Option<ConfigEpoch>, redo: Twin<DispatcherId> },
        /// The table trigger is to become active.
        MaintainerPostBootstrapRequest { cf: ChangefeedId, trigger: DispatcherId, epoch: Epoch },
        /// The changefeed is to be closed here.
        MaintainerCloseRequest { cf: ChangefeedId, removed: bool, epoch: Epoch },
        /// A dispatcher is to be created or removed.
        ScheduleDispatcherRequest { request: ScheduleRequest },
        /// Dispatchers of neighbouring spans are to become one.
        MergeDispatcherRequest { request: MergeRequest },
        /// What a maintainer says about block events.
        HeartBeatResponse { cf: ChangefeedId, statuses: Vec<BlockAnswer>, mode: Mode, epoch: Epoch },
        /// The checkpoint of a changefeed is known to etcd (from the coordinator, passed on by the maintainer).
        CheckpointTsMessage { cf: ChangefeedId, checkpoint: Ts },
        /// How far the redo log and the downstream are, for the one who keeps the redo log.
        RedoMetaMessage { cf: ChangefeedId, checkpoint: Ts, resolved: Ts, epoch: Epoch },
        /// Everything up to here is in the redo log, so it may be written downstream.
        RedoResolvedTsForwardMessage { cf: ChangefeedId, resolved: Ts, epoch: Epoch },
    }
}

/// So many queues a changefeed has behind the router: the orchestrator's and one for each stream.
const QUEUES: usize = 8;

impl Inbox {
    /// Behind the router, what is for the orchestrator and what is for each stream of each changefeed have no order.
    pub(crate) fn queue(&self) -> Option<usize> {
        let of = |kind: usize, cf: ChangefeedId| Some(QUEUES * usize::from(cf.0) + kind);
        match self {
            Inbox::Resolved { .. } | Inbox::LocalFence | Inbox::Close => None,
            Inbox::MaintainerBootstrapRequest { cf, .. }
            | Inbox::MaintainerPostBootstrapRequest { cf, .. }
            | Inbox::MaintainerCloseRequest { cf, .. } => of(0, *cf),
            Inbox::ScheduleDispatcherRequest { .. }
            | Inbox::MergeDispatcherRequest { .. }
            | Inbox::HeartBeatResponse { .. }
            | Inbox::CheckpointTsMessage { .. }
            | Inbox::RedoMetaMessage { .. }
            | Inbox::RedoResolvedTsForwardMessage { .. } => {
                Stream::of(self).and_then(|(stream, cf)| of(1 + stream as usize, cf))
            }
        }
    }
}

spoken! {
    /// One dispatcher that is to be created or removed.
    pub struct ScheduleRequest {
        /// The changefeed.
        pub cf: ChangefeedId,
        /// What is to be done.
        pub action: Action,
        /// Why.
        pub kind: OperatorType,
        /// The dispatcher.
        pub id: DispatcherId,
        /// Its span; a removal may leave it out.
        pub span: Option<Span>,
        /// From where it is to replicate.
        pub start_ts: Ts,
        /// Whether the rows of the commit right behind that are downstream.
        pub skip_dml: bool,
        /// Whether it is a redo dispatcher.
        pub mode: Mode,
        /// The generation of the sender.
        pub epoch: Epoch,
    }
}

spoken! {
    /// Dispatchers that are to become one.
    pub struct MergeRequest {
        /// The changefeed.
        pub cf: ChangefeedId,
        /// The dispatcher that is to come out of it.
        pub merged: DispatcherId,
        /// The dispatchers that go into it, in the order of their spans.
        pub sources: Vec<DispatcherId>,
        /// Whether they are redo dispatchers.
        pub mode: Mode,
        /// The generation of the sender.
        pub epoch: Epoch,
    }
}

/// What is to be done with a dispatcher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// It is to be created.
    Create,
    /// It is to be removed.
    Remove,
}

/// The operator of which a request is a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OperatorType {
    /// A span gets a dispatcher.
    Add,
    /// A dispatcher goes.
    Remove,
    /// A span changes its node.
    Move,
    /// A span is parted.
    Split,
    /// Spans are joined.
    Merge,
}

spoken! {
    /// What a dispatcher manager answers to a bootstrap request.
    pub struct BootstrapResponse {
        /// The changefeed.
        pub cf: ChangefeedId,
        /// The generation that the manager follows now; the request's in an error.
        pub epoch: Epoch,
        /// From where the table trigger starts, if it is here; zero otherwise.
        pub checkpoint: Ts,
        /// The same of the redo trigger.
        pub redo_checkpoint: Twin<Ts>,
        /// Every dispatcher that is here.
        pub spans: Vec<ReportedSpan>,
        /// Requests that were begun and not finished.
        pub operators: Vec<ScheduleRequest>,
        /// Merges that were begun and not finished.
        pub merge_operators: Vec<MergeRequest>,
        /// Why there is no manager.
        pub err: Option<&'static str>,
    }
}

spoken! {
    /// A dispatcher in a bootstrap response.
    pub struct ReportedSpan {
        /// The dispatcher.
        pub id: DispatcherId,
        /// Its span.
        pub span: Span,
        /// Its state.
        pub state: ComponentState,
        /// Everything up to here is downstream.
        pub checkpoint: Ts,
        /// Whether it is a redo dispatcher.
        pub mode: Mode,
        /// The database of its table, if that has changed since it was created.
        pub schema: Option<SchemaId>,
        /// The block event at which it stops.
        pub block_state: Option<BlockState>,
    }
}

spoken! {
    /// How the dispatchers of a manager are doing.
    pub struct Heartbeat {
        /// How far all of them are; not in a report of an error.
        pub watermark: Option<Watermark>,
        /// How far the redo dispatchers are.
        pub redo: Twin<Watermark>,
        /// How some of them are doing.
        pub statuses: Vec<DispatcherStatus>,
        /// Whether the statuses are those of all of them.
        pub complete: bool,
        /// What went wrong.
        pub err: Option<&'static str>,
    }
}

spoken! {
    /// How far a set of dispatchers is.
    pub struct Watermark {
        /// The lowest checkpoint; infinite without dispatchers.
        pub checkpoint: Ts,
        /// The lowest resolved timestamp.
        pub resolved: Ts,
        /// How many dispatchers had been inserted when it was computed.
        pub seq: u64,
    }
}

spoken! {
    /// How one dispatcher is doing.
    pub struct DispatcherStatus {
        /// The dispatcher.
        pub id: DispatcherId,
        /// Its state.
        pub state: ComponentState,
        /// Everything up to here is downstream.
        pub checkpoint: Ts,
        /// Whether it is a redo dispatcher.
        pub redo: IsRedo,
    }
}

impl OperatorType {
    /// Whether an operator of this type ends with a new dispatcher at the node it sends a Create to.
    pub(crate) fn creates(self) -> bool {
        match self {
            OperatorType::Add | OperatorType::Move | OperatorType::Split => true,
            OperatorType::Remove | OperatorType::Merge => false,
        }
    }
}

impl fmt::Display for Watermark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.checkpoint, self.resolved, self.seq)
    }
}

impl FromStr for Watermark {
    type Err = &'static str;

    fn from_str(word: &str) -> Result<Watermark, &'static str> {
        let right = "a watermark such as ts10/ts20/3";
        let [checkpoint, resolved, seq] = word.split('/').collect::<Vec<_>>()[..] else { return Err(right) };
        let seq = seq.parse().map_err(|_| right)?;
        Ok(Watermark { checkpoint: checkpoint.parse()?, resolved: resolved.parse()?, seq })
    }
}

impl Watermark {
    /// Whether a node's watermark takes the place of the one known: a later one may be lower.
    pub(crate) fn supersedes(&self, known: &Watermark) -> bool {
        self.seq > known.seq || self.seq == known.seq && self.checkpoint > known.checkpoint
    }
}

words! {
    Action { Create => "Create", Remove => "Remove" }
    OperatorType {
        Add => "(Add)",
        Remove => "(Remove)",
        Move => "(Move)",
        Split => "(Split)",
        Merge => "(Merge)",
    }
}
