//! What the coordinator hears, what it wakes up for, and what it says about itself.

use std::{
    fmt,
    hash::{Hash, Hasher},
};

use crate::{
    ChangefeedId, Epoch, Liveness, NodeId, RunningError, Ts,
    coordinator::{ApiCall, Command, epoch::BumpId},
    etcd::{self, FeedState},
    hear::{Hear, Unheard, Words},
    vocabulary::{Say, say, spoken, unheard, vocabulary, words},
};

vocabulary! {
    /// What the coordinator hears.
    pub enum Inbox {
        /// Its node has been elected (from the server).
        Elected { version: u64 },
        /// Somebody leads who was not seen to lead before (from the server).
        LeaderChanged { leader: NodeId },
        /// The view of the process has changed (from the server).
        NodesChanged,
        /// The process shuts down (from the server).
        Stop,
        /// The connection to etcd has broken (from the server).
        EtcdDisconnected,
        /// What maintainers a node runs. `legacy`: its version cannot be drained by a coordinator.
        CoordinatorBootstrapResponse { version: u64, statuses: Vec<MaintainerStatus>, drain: Option<DrainOrder>, legacy: Legacy },
        /// How maintainers are doing.
        MaintainerHeartbeat { statuses: Vec<MaintainerStatus> },
        /// How a node is doing, and which node its dispatchers are to leave.
        NodeHeartbeat { liveness: Liveness, node_epoch: u64, drain: Option<DrainOrder> },
        /// How far a node takes part.
        SetNodeLivenessResponse { applied: Liveness, node_epoch: u64 },
        /// A user has called this node (from the server).
        ApiRequest { number: u32, request: Command },
    }
}

impl Inbox {
    pub(crate) fn queue(&self) -> Option<usize> {
        Some(0)
    }
}

spoken! {
    /// How one maintainer is doing.
    pub struct MaintainerStatus {
        /// Its changefeed.
        pub cf: ChangefeedId,
        /// Whether it runs.
        pub state: MaintainerState,
        /// The checkpoint of the changefeed.
        pub checkpoint: Ts,
        /// Whether it has heard from all dispatcher managers.
        pub bootstrap_done: bool,
        /// Its generation; zero from versions that do not tell.
        pub epoch: Epoch,
        /// An error since its last status; of several, that of the last node.
        pub err: Option<RunningError>,
        /// How far its dispatchers have left the node that they are to leave.
        pub drain: Option<DrainProgress>,
    }
}

spoken! {
    /// That all dispatchers are to leave a node.
    #[derive(Copy)]
    pub struct DrainOrder {
        /// Orders are counted; a later one takes the place of an earlier one.
        pub target_epoch: u64,
        /// The node; none if they may stay everywhere again.
        pub target: Option<NodeId>,
    }
}

spoken! {
    /// How far the dispatchers of a maintainer have left a node.
    pub struct DrainProgress {
        /// The node.
        pub target: NodeId,
        /// The number of the order.
        pub target_epoch: u64,
        /// How many spans are bound to it.
        pub spans: u32,
        /// How many moves away from it are under way.
        pub moves: u32,
    }
}

/// The reported state of a maintainer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MaintainerState {
    /// From its construction until it is fully closed.
    Working,
    /// Fully closed, or not there.
    Stopped,
}

vocabulary! {
    /// What the coordinator wakes up for.
    pub enum Timer {
        /// The period event of the event loop.
        Period { term: TermNumber },
        /// The event loop takes the next event.
        EventLoop { term: TermNumber },
        /// The run loop takes the next batch of changes.
        RunLoop { term: TermNumber },
        /// The operator executor looks at its queue.
        Executor { term: TermNumber },
        /// The basic scheduler places absent changefeeds.
        BasicScheduler { term: TermNumber },
        /// The balance scheduler moves changefeeds from the nodes that have many to those that have few.
        BalanceScheduler { term: TermNumber },
        /// The drain scheduler moves maintainers away from nodes that drain.
        DrainScheduler { term: TermNumber },
        /// A stop ends, by a status that came a moment ago.
        StopEnds { stop: u64 },
        /// A bump goes on after a conflict.
        BumpAgain { bump: BumpId },
        /// PD may have taken too long to give a timestamp.
        TsoTimeout { call: etcd::CallId },
        /// A bump has taken as long as it may.
        BumpDeadline { bump: BumpId },
        /// The call of a user goes on: after a conflict, where others may get in, or to look again.
        ApiAgain { call: ApiCall },
        /// A user has waited for an answer long enough.
        ApiGivesUp { call: ApiCall },
        /// A change of state goes on after a conflict.
        StateAgain { term: TermNumber },
        /// The last action of a stop goes on after a conflict.
        StopAgain { term: TermNumber },
        /// A call to etcd may have timed out.
        CallTimeout,
    }
}

impl Copy for Timer {}

impl Timer {
    /// Whether it was set by a task of another term of the same process: that task is no more.
    pub(super) fn is_of_another(&self, number: TermNumber) -> bool {
        match self {
            Timer::Period { term }
            | Timer::EventLoop { term }
            | Timer::RunLoop { term }
            | Timer::Executor { term }
            | Timer::BasicScheduler { term }
            | Timer::BalanceScheduler { term }
            | Timer::DrainScheduler { term }
            | Timer::StateAgain { term }
            | Timer::StopAgain { term } => *term != number,
            Timer::StopEnds { .. }
            | Timer::BumpAgain { .. }
            | Timer::TsoTimeout { .. }
            | Timer::BumpDeadline { .. }
            | Timer::ApiAgain { .. }
            | Timer::ApiGivesUp { .. }
            | Timer::CallTimeout => false,
        }
    }
}

vocabulary! {
    /// What the coordinator says about itself.
    pub enum Note {
        /// A term begins.
        TermBegins { node: NodeId, version: u64 },
        /// A term is to end, and waits for what its tasks are in the middle of.
        TermLingers { node: NodeId, why: &'static str },
        /// A term has ended.
        TermEnds { node: NodeId, why: &'static str },
        /// All maintainer managers have answered and the changefeeds are loaded.
        Bootstrapped { changefeeds: u32 },
        /// A value that is persisted cannot be decoded; it is as if it were not there.
        Undecodable { key: etcd::Key },
        /// A reporting maintainer is taken for the owner.
        Adopted { cf: ChangefeedId, node: NodeId, epoch: Epoch },
        /// A reporting maintainer is of another generation.
        StaleMaintainer { cf: ChangefeedId, node: NodeId, epoch: Epoch },
        /// A new epoch is persisted.
        EpochPersisted { cf: ChangefeedId, epoch: Epoch },
        /// A new epoch counts from now on that is not persisted.
        EpochDrawn { cf: ChangefeedId, epoch: Epoch },
        /// PD gives no timestamp: whether the clock of the node does instead.
        TsoFailed { by_clock: Option<Epoch> },
        /// An epoch could not be persisted; the operator is not queued.
        BumpFailed { cf: ChangefeedId, why: &'static str },
        /// A changefeed is to be maintained by a node.
        Placed { cf: ChangefeedId, node: NodeId, epoch: Epoch },
        /// A maintainer that was to move does not.
        MaintainerStays { cf: ChangefeedId, why: &'static str },
        /// An operator has ended.
        OperatorDone { cf: ChangefeedId, operator: &'static str },
        /// A status of another generation is dropped.
        StaleStatus { cf: ChangefeedId, node: NodeId, epoch: Epoch, current: Epoch },
        /// The checkpoint of a changefeed is persisted.
        CheckpointPersisted { cf: ChangefeedId, checkpoint: Ts },
        /// The state of a changefeed is persisted.
        StateChanged { cf: ChangefeedId, state: FeedState, error: Option<&'static str> },
        /// A user's call has come to its end.
        CallAnswered { cf: ChangefeedId, call: &'static str, answer: &'static str },
        /// A node is to be left by all maintainers and dispatchers: this order tells all nodes.
        DrainBegins { node: NodeId, target_epoch: u64 },
        /// A user is told how much is left on a node, at least; nothing if it may be taken away.
        DrainAnswered { node: NodeId, remaining: u32 },
        /// A user who wants to drain a node is refused.
        DrainRefused { node: NodeId, why: &'static str },
        /// A user is told that nothing is left on a node that has been drained.
        NodeDrained { node: NodeId },
        /// The node that was drained has left the cluster, and the order is void.
        DrainEnds { node: NodeId, target_epoch: u64 },
        /// Nodes follow an order that nobody stands behind any more; it is void.
        DrainOrderFound { node: NodeId, target_epoch: u64 },
        /// No node follows the order any more.
        DrainCleared { node: NodeId, target_epoch: u64 },
        /// The real coordinator panics here.
        Panicked { why: &'static str },
    }
}

/// That a node is of a version that no coordinator can drain. That it is not leaves digests as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Legacy(pub bool);

impl Hash for Legacy {
    fn hash<H: Hasher>(&self, state: &mut H) {
        if self.0 {
            self.0.hash(state);
        }
    }
}

impl Say for Legacy {
    fn say(&self, field: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.say(field, f)
    }
}

impl Hear for Legacy {
    fn hear(field: &str, words: &mut Words) -> Result<Legacy, Unheard> {
        bool::hear(field, words).map(Legacy)
    }
}

/// Which of the terms of a process this is. The first one is not told apart in lines and digests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TermNumber(u32);

impl TermNumber {
    pub(super) fn next(self) -> TermNumber {
        TermNumber(self.0 + 1)
    }
}

impl Hash for TermNumber {
    fn hash<H: Hasher>(&self, state: &mut H) {
        if self.0 > 0 {
            self.0.hash(state);
        }
    }
}

impl Say for TermNumber {
    fn say(&self, _: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 > 0 { write!(f, " term={}", self.0 + 1) } else { Ok(()) }
    }
}

unheard!(TermNumber);

impl MaintainerStatus {
    /// What somebody says of a maintainer that is not there.
    pub(crate) fn stopped(cf: ChangefeedId, epoch: Epoch) -> MaintainerStatus {
        let state = MaintainerState::Stopped;
        let (err, drain) = (None, None);
        MaintainerStatus { cf, state, checkpoint: Ts::NONE, bootstrap_done: false, epoch, err, drain }
    }
}

say!(BumpId, ApiCall);

words! {
    MaintainerState { Working => "working", Stopped => "stopped" }
}
