//! The maintainer manager of a node and its maintainers: each of them owns the table spans of one changefeed.
//!
//! A maintainer has five activities that share its state and interleave: the event loop, the checkpoint loop, the
//! operator controller, the schedulers and the periodic tick. Each of them is a timer here, and stands aside wherever
//! another one can get in.

mod api;
mod barrier;
mod bootstrap;
mod checkpoint;
mod coverage;
mod duplicates;
mod heartbeat;
mod instance;
mod manager;
mod node_state;
mod operators;
mod pending;
mod redo;
mod removal;
mod restored_merges;
mod schedulers;
mod spans;
mod state;
mod watched;

use std::{collections::BTreeMap, fmt};

use sim::Input;

use crate::{
    Addr, ChangefeedId, ConfigEpoch, Cx, DispatcherId, Epoch, Liveness, Mode, Msg, NodeId, Span, TableId, Ts,
    coordinator::DrainOrder,
    dispatchers::{Action, BlockStatus, BootstrapResponse, EventKey, Heartbeat, OperatorType},
    etcd::Sparse,
    policy::Stamped,
    vocabulary::{say, vocabulary},
};
pub use api::Command;
pub use instance::Maintainer;
use manager::Manager;
pub use watched::{Desired, Revision, Standing};

vocabulary! {
    /// What the maintainer manager and its maintainers hear.
    pub enum Inbox {
        /// The view of the process has changed (from the server).
        NodesChanged,
        /// The manager is to end (from the server). Its maintainers go on.
        StopManager,
        /// Every maintainer is to stop at once (from the server).
        CloseMaintainers,
        /// A coordinator asks what maintainers run here.
        CoordinatorBootstrapRequest { version: u64 },
        /// The node is to take less part.
        SetNodeLivenessRequest { target: Liveness, node_epoch: u64 },
        /// Dispatchers are to leave this node; without one, they may stay everywhere.
        SetDispatcherDrainTargetRequest { order: DrainOrder },
        /// Maintain this changefeed.
        AddMaintainerRequest { cf: ChangefeedId, checkpoint: Ts, is_new: bool, epoch: Epoch, config: Option<ConfigEpoch>, sparse: Sparse },
        /// Stop maintaining this changefeed.
        RemoveMaintainerRequest { cf: ChangefeedId, cascade: bool, removed: bool, epoch: Epoch },
        /// What a dispatcher manager runs, and what it was about to do.
        MaintainerBootstrapResponse { response: Box<BootstrapResponse> },
        /// Whether the table trigger is active.
        MaintainerPostBootstrapResponse { cf: ChangefeedId, trigger: DispatcherId, epoch: Epoch, err: Option<&'static str> },
        /// Whether a dispatcher manager is closed.
        MaintainerCloseResponse { cf: ChangefeedId, success: bool, epoch: Epoch },
        /// How the dispatchers of a dispatcher manager are doing.
        HeartBeatRequest { cf: ChangefeedId, heartbeat: Box<Heartbeat> },
        /// What has happened about block events at the dispatchers of a dispatcher manager.
        BlockStatusRequest { cf: ChangefeedId, statuses: Vec<BlockStatus>, mode: Mode },
        /// The coordinator has persisted this checkpoint (`CheckpointTsMessage` upstream).
        CheckpointTsPersisted { cf: ChangefeedId, checkpoint: Ts },
        /// The redo log is complete up to here, as its storage says.
        RedoResolvedTsProgressMessage { cf: ChangefeedId, resolved: Ts },
    }
}

impl Inbox {
    /// What comes from the coordinator waits in one queue; what is meant for a maintainer waits in its own.
    pub(crate) fn queue(&self) -> Option<usize> {
        let of = |cf: &ChangefeedId| Some(1 + usize::from(cf.0));
        match self {
            Inbox::NodesChanged | Inbox::StopManager | Inbox::CloseMaintainers => None,
            Inbox::CoordinatorBootstrapRequest { .. }
            | Inbox::SetNodeLivenessRequest { .. }
            | Inbox::SetDispatcherDrainTargetRequest { .. }
            | Inbox::AddMaintainerRequest { .. }
            | Inbox::RemoveMaintainerRequest { .. } => Some(0),
            Inbox::MaintainerBootstrapResponse { response } => of(&response.cf),
            Inbox::MaintainerPostBootstrapResponse { cf, .. }
            | Inbox::MaintainerCloseResponse { cf, .. }
            | Inbox::HeartBeatRequest { cf, .. }
            | Inbox::BlockStatusRequest { cf, .. }
            | Inbox::CheckpointTsPersisted { cf, .. }
            | Inbox::RedoResolvedTsProgressMessage { cf, .. } => of(cf),
        }
    }
}

/// One maintainer of a process, in order of their construction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MaintainerId(pub u32);

vocabulary! {
    /// What the maintainer manager and its maintainers wake up for.
    pub enum Timer {
        /// The manager reports to the coordinator.
        Manager,
        /// The manager has read the statuses of maintainers, and goes on: after the tick it cleans up.
        Cleanup,
        /// The manager reports before its tick.
        Prompt,
        /// The event loop of a maintainer takes its next event.
        EventLoop { m: MaintainerId },
        /// The period event of a maintainer is due.
        Tick { m: MaintainerId },
        /// The checkpoint loop of a maintainer begins another round.
        CheckpointTick { m: MaintainerId },
        /// The checkpoint loop of a maintainer goes on.
        Checkpoint { m: MaintainerId },
        /// The operator controller of a maintainer looks at its queue.
        Operators { m: MaintainerId },
        /// The basic scheduler of a maintainer places absent spans.
        BasicScheduler { m: MaintainerId },
        /// The schedulers for balance of a maintainer look at its spans.
        Checker { m: MaintainerId },
        /// The drain scheduler of a maintainer looks at the node that is to be drained.
        Drain { m: MaintainerId },
        /// The same for redo dispatchers.
        RedoOperators { m: MaintainerId },
        /// The same for redo dispatchers.
        RedoBasicScheduler { m: MaintainerId },
        /// The same for redo dispatchers.
        RedoDrain { m: MaintainerId },
        /// The redo loop of a maintainer goes on.
        RedoMeta { m: MaintainerId },
        /// The call of a user goes on.
        Api { m: MaintainerId, call: u32 },
    }
}

impl Copy for Timer {}

vocabulary! {
    /// What the maintainer manager and its maintainers say about themselves.
    pub enum Note {
        /// A maintainer begins.
        MaintainerAdded { cf: ChangefeedId, node: NodeId, epoch: Epoch },
        /// A request to add a maintainer is ignored.
        AddIgnored { cf: ChangefeedId, epoch: Epoch, why: &'static str },
        /// A maintainer begins that is only to close what is left of a changefeed.
        RemovalOnlyMaintainer { cf: ChangefeedId, epoch: Epoch },
        /// A request to remove a maintainer is ignored.
        RemoveIgnored { cf: ChangefeedId, epoch: Epoch, why: &'static str },
        /// A request to take less part is meant for another process.
        LivenessRefused { node_epoch: u64, current: u64 },
        /// A maintainer has begun to be removed.
        MaintainerRemoving { cf: ChangefeedId, epoch: Epoch, cascade: bool },
        /// A maintainer is fully closed.
        MaintainerClosed { cf: ChangefeedId, epoch: Epoch },
        /// An answer of another generation is dropped.
        StaleResponse { cf: ChangefeedId, from: NodeId, epoch: Epoch, current: Epoch },
        /// All dispatcher managers have answered, and the spans of the changefeed are known.
        MaintainerBootstrapped { cf: ChangefeedId, epoch: Epoch, working: u32, absent: u32 },
        /// The table trigger is active.
        TriggerActive { cf: ChangefeedId, trigger: DispatcherId },
        /// A span is to be replicated by a node.
        SpanAssigned { cf: ChangefeedId, id: DispatcherId, span: Span, node: NodeId },
        /// A span is to be replicated by another node.
        SpanMoves { cf: ChangefeedId, id: DispatcherId, from: Option<NodeId>, to: NodeId },
        /// A span is to be parted.
        SpanSplits { cf: ChangefeedId, id: DispatcherId, span: Span, parts: u32 },
        /// Parts have taken the place of a span.
        SpanReplaced { cf: ChangefeedId, id: DispatcherId, parts: u32 },
        /// Neighbouring spans are to be joined.
        SpansMerge { cf: ChangefeedId, id: DispatcherId, span: Span, sources: u32 },
        /// A span has taken the place of its neighbouring sources.
        SpansMerged { cf: ChangefeedId, id: DispatcherId, sources: u32 },
        /// A merge that a predecessor had begun goes on.
        MergeRestored { cf: ChangefeedId, id: DispatcherId, sources: u32 },
        /// A merge that a predecessor had begun is over: its target takes the place of the sources.
        MergeAdopted { cf: ChangefeedId, id: DispatcherId, node: NodeId },
        /// A merge that a predecessor had begun cannot go on: its target is removed.
        MergeCleanedUp { cf: ChangefeedId, id: DispatcherId, node: NodeId },
        /// A span that is to move cannot, and the scheduler asks again and again.
        MoveRefused { cf: ChangefeedId, id: DispatcherId },
        /// A span is replicated.
        SpanReplicating { cf: ChangefeedId, id: DispatcherId, node: NodeId },
        /// A span is replicated by nobody.
        SpanAbsent { cf: ChangefeedId, id: DispatcherId },
        /// A dispatcher works that no span knows: it is removed.
        OrphanRemoved { cf: ChangefeedId, id: DispatcherId, node: NodeId },
        /// A dispatcher of a predecessor overlaps with another one: it is removed.
        OverlapRemoved { cf: ChangefeedId, id: DispatcherId, span: Span, node: NodeId },
        /// A range that no span covers any more is to be replicated again.
        CoverageRepaired { cf: ChangefeedId, id: DispatcherId, span: Span },
        /// The dispatcher of a span is gone, and another one covers what it did: the span goes too.
        CoveredSpanRemoved { cf: ChangefeedId, id: DispatcherId },
        /// Tables come and go with a block event that has been written.
        BlockEventScheduled { cf: ChangefeedId, event: EventKey },
        /// All have come to a block event: one of them is to write it.
        BlockEventSelected { cf: ChangefeedId, event: EventKey, writer: DispatcherId },
        /// A dispatcher is behind a block event that others wait at: it has been written.
        BlockEventForwarded { cf: ChangefeedId, event: EventKey, id: DispatcherId },
        /// A block event has been written, and tables are still to come and go with earlier ones.
        BlockEventNotItsTurn { cf: ChangefeedId, event: EventKey },
        /// All are behind a block event.
        BlockEventFinished { cf: ChangefeedId, event: EventKey },
        /// A report about a block event changes nothing.
        BlockStatusIgnored { cf: ChangefeedId, id: DispatcherId, event: EventKey, why: &'static str },
        /// A fatal check has failed: the process ends.
        MaintainerPanicked { cf: ChangefeedId, why: &'static str },
        /// A dispatcher manager reports an error.
        ErrorReported { cf: ChangefeedId, from: NodeId, why: &'static str },
        /// A user's call about a table has come to its end.
        TableCallAnswered { cf: ChangefeedId, table: TableId, call: &'static str, answer: &'static str },
        /// What a predecessor had begun, as a node tells at the bootstrap, goes on.
        OperatorRestored { cf: ChangefeedId, id: DispatcherId, action: Action, kind: OperatorType, node: NodeId },
    }
}

/// The maintainer manager of a node and its maintainers.
#[derive(Clone, Debug, Default)]
pub struct Maintainers {
    manager: Manager,
    /// The maintainers that have not been cleaned up.
    maintainers: BTreeMap<MaintainerId, Maintainer>,
}

impl Maintainers {
    /// The maintainer that is registered for a changefeed.
    pub fn registered(&self, cf: ChangefeedId) -> Option<&Maintainer> {
        self.maintainers.get(&self.manager.registered(cf)?)
    }

    /// The maintainers that have not been cleaned up.
    pub fn all(&self) -> impl Iterator<Item = &Maintainer> {
        self.maintainers.values()
    }

    pub(crate) fn step(&mut self, input: &Input<crate::Actor>, cx: &mut Cx) {
        match input {
            Input::Start => self.manager.start(cx),
            Input::Message { from, msg: Msg::Maintainers(inbox) } => self.on_message(*from, inbox, cx),
            Input::Alarm(crate::Timer::Maintainers(timer)) => self.on_alarm(*timer, cx),
            Input::Command(crate::Command::Maintainers(command)) => self.on_command(command, cx),
            Input::Message { .. } | Input::Alarm(_) | Input::Command(_) => {
                unreachable!("not for maintainers")
            }
        }
    }

    fn on_message(&mut self, from: Addr, inbox: &Inbox, cx: &mut Cx) {
        let Some(from) = from.node() else { return };
        match inbox {
            // Maintainers of one changefeed have one callback: the last one has it.
            Inbox::NodesChanged => {
                for (id, maintainer) in &mut self.maintainers {
                    if self.manager.registered(maintainer.cf) == Some(*id) {
                        maintainer.nodes_changed();
                    }
                }
            }
            Inbox::StopManager => self.manager.stop(),
            Inbox::CloseMaintainers => {
                self.manager.stop();
                self.maintainers.clear();
            }
            Inbox::CoordinatorBootstrapRequest { .. }
            | Inbox::SetNodeLivenessRequest { .. }
            | Inbox::SetDispatcherDrainTargetRequest { .. }
            | Inbox::AddMaintainerRequest { .. }
            | Inbox::RemoveMaintainerRequest { .. } => self.on_request(from, inbox, cx),
            Inbox::MaintainerBootstrapResponse { response } => self.push(response.cf, from, inbox, cx),
            Inbox::MaintainerPostBootstrapResponse { cf, .. }
            | Inbox::MaintainerCloseResponse { cf, .. }
            | Inbox::HeartBeatRequest { cf, .. }
            | Inbox::BlockStatusRequest { cf, .. }
            | Inbox::CheckpointTsPersisted { cf, .. }
            | Inbox::RedoResolvedTsProgressMessage { cf, .. } => self.push(*cf, from, inbox, cx),
        }
    }

    /// Puts a message into the queue of the maintainer of its changefeed; without one it is dropped. The loop of the
    /// manager has no part in it.
    fn push(&mut self, cf: ChangefeedId, from: NodeId, inbox: &Inbox, cx: &mut Cx) {
        if let Some(id) = self.manager.registered(cf)
            && let Some(maintainer) = self.maintainers.get_mut(&id)
        {
            maintainer.hear(from, inbox, cx);
            maintainer.survive(cx);
            self.listen(id, cx);
        }
    }

    fn on_alarm(&mut self, timer: Timer, cx: &mut Cx) {
        let m = match timer {
            Timer::Manager => return self.on_manager_tick(cx),
            Timer::Cleanup => return self.go_on(cx),
            Timer::Prompt => return self.on_prompt(cx),
            Timer::EventLoop { m }
            | Timer::Tick { m }
            | Timer::CheckpointTick { m }
            | Timer::Checkpoint { m }
            | Timer::Operators { m }
            | Timer::BasicScheduler { m }
            | Timer::Checker { m }
            | Timer::Drain { m }
            | Timer::RedoOperators { m }
            | Timer::RedoBasicScheduler { m }
            | Timer::RedoDrain { m }
            | Timer::RedoMeta { m }
            | Timer::Api { m, .. } => m,
        };
        // One that has been cleaned up has no threads any more.
        let Some(maintainer) = self.maintainers.get_mut(&m) else { return };
        match timer {
            Timer::Manager | Timer::Cleanup | Timer::Prompt => {}
            Timer::EventLoop { .. } => maintainer.event_loop(cx),
            Timer::Tick { .. } => maintainer.period(cx),
            Timer::CheckpointTick { .. } => maintainer.checkpoint_tick(cx),
            Timer::Checkpoint { .. } => maintainer.compute_checkpoint(cx),
            Timer::Operators { .. } => maintainer.run_operators(cx),
            Timer::BasicScheduler { .. } => maintainer.run_basic(cx),
            Timer::Checker { .. } => maintainer.run_checker(cx),
            Timer::Drain { .. } => maintainer.run_drain(cx),
            Timer::RedoOperators { .. } => _ = maintainer.in_mode(Mode::Redo, |redo| redo.run_operators(cx)),
            Timer::RedoBasicScheduler { .. } => _ = maintainer.in_mode(Mode::Redo, |redo| redo.run_basic(cx)),
            Timer::RedoDrain { .. } => _ = maintainer.in_mode(Mode::Redo, |redo| redo.run_drain(cx)),
            Timer::RedoMeta { .. } => maintainer.run_redo(cx),
            Timer::Api { call, .. } => maintainer.api_goes_on(call, cx),
        }
        maintainer.survive(cx);
        self.listen(m, cx);
    }
}

/// The epoch that something carries, of the generation that it speaks for.
fn stamp(what: Stamped, epoch: Epoch, cx: &Cx) -> Epoch {
    cx.policy().maintainer.stamp.of(what, epoch)
}

say!(MaintainerId);

impl fmt::Display for MaintainerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "m{}", self.0)
    }
}
