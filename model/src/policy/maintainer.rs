//! Switches of the maintainer and its manager.

use sim::Duration;

use super::switches;
use crate::{
    Epoch, NodeId, Span, Ts,
    dispatchers::{ComponentState, Watermark},
};

/// What carries the epoch of a maintainer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stamped {
    /// A request to create or remove a dispatcher.
    Schedule,
    /// A request to merge dispatchers.
    Merge,
    /// An answer to reports about block events.
    HeartbeatResponse,
    /// A bootstrap request.
    Bootstrap,
    /// A post-bootstrap request.
    PostBootstrap,
    /// A close request.
    Close,
    /// The status of a maintainer.
    Status,
    /// The status of one that is not there: it counts as stopped.
    Missing,
}

/// What holds the checkpoint back.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part {
    /// Operators, and the spans that nobody replicates.
    Spans,
    /// Block events that add tables.
    Barrier,
    /// The watermarks of the nodes.
    Watermarks,
}

switches! {
    /// The maintainer's switches.
    pub struct Maintainer {
        /// Whether a node knows of coordinators that drain nodes.
        pub drain: Drain: is_known {
            /// It does not: it says nothing of itself, and does not know what it is told (versions of before `baseline`). A
            /// cluster with such a node cannot be drained; whoever asks is told to take his node away at once.
            Unknown => false,
            /// It does (every version here).
            Known => true,
        },
        /// Whether a maintainer and its manager stamp their messages with the generation (`stamp_epoch_on_*`,
        /// `remove_missing_echo_epoch`).
        pub stamp: EpochStamp {
            /// They leave the field zero (before pingcap/ticdc#5435).
            Unstamped,
            /// They do (pingcap/ticdc#5435).
            Stamped,
            /// All but requests to create and remove dispatchers (mutant).
            AllButSchedule,
            /// All but requests to merge dispatchers (mutant).
            AllButMerge,
            /// All but answers to reports about block events (mutant).
            AllButHeartbeatResponse,
            /// All but bootstrap requests (mutant).
            AllButBootstrap,
            /// All but post-bootstrap requests (mutant).
            AllButPostBootstrap,
            /// All but close requests (mutant).
            AllButClose,
            /// All but statuses, those of maintainers that are not there included (mutant).
            AllButStatus,
            /// All but statuses of maintainers that are not there (review mutant M-H17).
            AllButMissing,
            /// Bootstrap, post-bootstrap and close requests and statuses, but not that of one that is not there (draft
            /// pingcap/ticdc#5181).
            Lifecycle,
            /// Requests to create and remove dispatchers, bootstrap, post-bootstrap and close requests; no status (draft
            /// pingcap/ticdc#5182).
            Requests,
        },
        /// Whether what a maintainer says about the redo log carries its generation (S34, `fence_redo_control`).
        pub redo_stamp: RedoStamp: is_stamped {
            /// There is no field for it (before pingcap/ticdc#5436).
            Unstamped => false,
            /// It does (pingcap/ticdc#5436).
            Stamped => true,
        },
        /// Where a maintainer has its generation from (`wire_epoch_is_authoritative`).
        pub generation: Generation {
            /// From the request that adds it; none from a coordinator that does not say (all merged versions).
            FromRequest,
            /// From the configuration of its changefeed, which a newer coordinator may have written (draft pingcap/ticdc#5182;
            /// mutant of pingcap/ticdc#5435).
            FromConfig,
            /// From the request that adds it, or from the configuration if that has none (draft pingcap/ticdc#5181).
            FromRequestOrConfig,
        },
        /// When a maintainer may be added where one is registered (`add_requires_stopped_and_newer`).
        pub add_admission: AddAdmission {
            /// Never (before pingcap/ticdc#5435).
            NeverOver,
            /// If that one is fully stopped and of an older generation (pingcap/ticdc#5435).
            StoppedAndOlder,
            /// If that one is of an older generation: it goes on beside the new one (review mutant MU-39).
            Older,
        },
        /// Which request removes a maintainer (`maint_remove_epoch_check`).
        pub remove_admission: RemoveAdmission {
            /// Any (before pingcap/ticdc#5435).
            Anybodys,
            /// One for its generation, or any if it knows none (pingcap/ticdc#5435).
            MatchingEpoch,
            /// One of no earlier generation (draft pingcap/ticdc#5181).
            NotOlder,
        },
        /// What a request is answered that does not remove a maintainer of another generation.
        pub remove_refusal: RemoveRefusal: is_answered {
            /// Nothing: it waits among the maintainer's events before it is looked at (pingcap/ticdc#5435).
            Silent => false,
            /// How the maintainer is doing, at once and by its manager (draft pingcap/ticdc#5181).
            Answered => true,
        },
        /// What becomes of a request to hand over before the maintainer has bootstrapped (`noncascade_remove_ignored_before_init`).
        pub early_removal: EarlyRemoval: is_ignored {
            /// It is ignored, and sent again (pingcap/ticdc#4114).
            Ignored => true,
            /// The removal begins: answers to the bootstrap are dropped from then on, and nobody bootstraps (before
            /// pingcap/ticdc#4114, review mutant MU-74).
            Obeyed => false,
        },
        /// Which answers of dispatcher managers a maintainer believes (`maint_response_epoch_check`).
        pub response_fence: ResponseFence {
            /// All (before pingcap/ticdc#5435).
            AnyEpoch,
            /// Those to its own generation, and those without one (pingcap/ticdc#5435).
            MatchingEpoch,
            /// Those to its own generation, or all if it knows none: managers of earlier versions do not say which one they
            /// answer (draft pingcap/ticdc#5181, review mutant M9).
            ExactEpoch,
        },
        /// When the answer to a close request counts (`close_resp_requires_removing`).
        pub close_response: CloseResponse: needs_removing {
            /// Always: a stray one can begin a removal (before pingcap/ticdc#5435).
            Always => false,
            /// While the maintainer is being removed (pingcap/ticdc#5435).
            WhileRemoving => true,
        },
        /// Whether operators and schedulers run while the maintainer is removed (`remove_quiesce_operators`).
        pub remove_operators: RemoveOperators: are_quiesced {
            /// They do (before pingcap/ticdc#4828).
            Run => false,
            /// Only those of the table trigger do (pingcap/ticdc#4828).
            Quiesced => true,
        },
        /// Whether a maintainer that is removed mends what statuses show (`remove_skip_self_heal`).
        pub remove_self_heal: RemoveSelfHeal: heals {
            /// It does (before pingcap/ticdc#4828, review mutant M20).
            Heals => true,
            /// It does not (pingcap/ticdc#4828).
            Skips => false,
        },
        /// Whether a maintainer that is removed follows the node set (`remove_ignore_node_change`).
        pub remove_node_change: RemoveNodeChange: follows {
            /// It does (before pingcap/ticdc#4828).
            Follows => true,
            /// It does not (pingcap/ticdc#4828).
            Ignores => false,
        },
        /// Whether a maintainer that is handed over goes on asking for bootstrap and post-bootstrap (`remove_suppress_resend`).
        pub remove_resend: RemoveResend: resends {
            /// It does (before pingcap/ticdc#4828).
            Resends => true,
            /// It does not (pingcap/ticdc#4828).
            Suppressed => false,
        },
        /// When the mark that a maintainer has something to report is taken off it (`status_dirty_clear_before_snapshot`).
        pub report_mark: ReportMark: is_cleared_first {
            /// When its status has been read: what changes in between waits for the next regular report (before
            /// pingcap/ticdc#5862).
            AfterSnapshot => false,
            /// Before its status is read (pingcap/ticdc#5862).
            BeforeSnapshot => true,
        },
        /// Whether a maintainer of a changefeed with low latency waits for the next tick (`low_latency_notify`).
        pub prompting: Prompting {
            /// It does, to compute its checkpoint and to report (before pingcap/ticdc#5862).
            None,
            /// It does not (pingcap/ticdc#5862).
            LowLatency,
        },
        /// What is read first of a heartbeat (`watermark_before_status`).
        pub heartbeat_order: HeartbeatOrder: is_watermark_first {
            /// The watermark, so that it is there when a status ends an operator (pingcap/ticdc#2864).
            WatermarkFirst => true,
            /// The statuses (before pingcap/ticdc#2864, review mutant MU-68).
            StatusesFirst => false,
        },
        /// Which watermark of a node takes the place of the known one (`watermark_seq_rule`).
        pub watermark: WatermarkRule {
            /// One of a later sequence, even if it is lower, or a higher one of the same (pingcap/ticdc#2945).
            LaterSequence,
            /// A higher one (before pingcap/ticdc#2945, review mutant MU-69).
            Higher,
        },
        /// What is read first to compute the checkpoint (`constraints_before_watermark`).
        pub checkpoint_order: CheckpointOrder {
            /// What operators and absent spans allow, and block events; then the watermarks (pingcap/ticdc#2864).
            ConstraintsFirst,
            /// The watermarks (review mutant MU-68).
            WatermarksFirst,
            /// What block events allow, and operators and absent spans; then the watermarks. So nothing is missed that an event
            /// has just left to a span (no version).
            EventsFirst,
        },
        /// Whether the checkpoint loop follows the node set before it computes (`node_change_before_checkpoint`).
        pub checkpoint_node_change: CheckpointNodeChange: is_followed {
            /// It does (all versions).
            Followed => true,
            /// It leaves that to the event loop, and takes the nodes as they are (mutant).
            LeftToEventLoop => false,
        },
        /// Whether the node set may change while the checkpoint loop computes.
        pub round_nodes: RoundNodes: are_kept {
            /// It may: the event loop sees to it in between (all versions).
            Free => false,
            /// It may not: the change waits for the next event after the round. No version does this; it shows what the other one
            /// costs.
            Kept => true,
        },
        /// What becomes of the requests of a predecessor that nodes have not finished.
        pub journal: Journal: is_restored {
            /// Nobody takes them up (before pingcap/ticdc#3691).
            Ignored => false,
            /// They are operators again (pingcap/ticdc#3691).
            Restored => true,
        },
        /// What becomes of a dispatcher that a predecessor was creating for a table that is gone (`skip_create_of_dropped_table`).
        pub stale_create: StaleCreate: is_skipped {
            /// Nothing (pingcap/ticdc#4453).
            Skipped => true,
            /// It is created: a ghost (before pingcap/ticdc#4453, review mutant R20).
            Restored => false,
        },
        /// What becomes of a replica whose removal a predecessor had begun, when its dispatcher is gone (`restored_remove_repairs_coverage`).
        pub restored_remove: RestoredRemove: repairs {
            /// It stays as it is: nobody replicates the span, and nobody notices (before pingcap/ticdc#3769).
            LeavesReplica => false,
            /// It goes, and what nothing else covers is to be replicated again (pingcap/ticdc#3769).
            RepairsCoverage => true,
        },
        /// Whether the first half of a move, which a successor takes up, holds the checkpoint back as the move did.
        pub restored_move: RestoredMove: holds_checkpoint {
            /// It does not: between the end of the dispatcher and that of the operator nothing stands for the span (all versions).
            LetsPass => false,
            /// It does. No version does this; it shows what the other one costs.
            HoldsBack => true,
        },
        /// What becomes of a span whose dispatcher has gone unasked, if another one covers it (`terminal_covered_span_removed`).
        pub covered_terminal: CoveredTerminal: is_removed {
            /// It is to be replicated again (before pingcap/ticdc#3769).
            MarkedAbsent => false,
            /// It goes (pingcap/ticdc#3769).
            Removed => true,
        },
        /// What becomes of reported dispatchers that overlap (`bootstrap_overlap_cleanup`).
        pub bootstrap_overlap: BootstrapOverlap: is_resolved {
            /// All of them are taken over (before pingcap/ticdc#3769).
            Trusted => false,
            /// One of two is removed, unless an operator or a merge explains them (pingcap/ticdc#3769).
            Resolved => true,
        },
        /// Which of the reported dispatchers of a table count as the same one (`lossless_overlap_index`).
        pub bootstrap_key: BootstrapKey {
            /// Those with one first key (before pingcap/ticdc#3769).
            Start,
            /// Those with one range (pingcap/ticdc#3769).
            Range,
        },
        /// What a maintainer that is removed does with reports about block events (`remove_ignore_block_status`).
        pub remove_block_status: RemoveBlockStatus: is_ignored {
            /// It handles them (before pingcap/ticdc#4828).
            Handled => false,
            /// It ignores them (pingcap/ticdc#4828).
            Ignored => true,
        },
        /// Where a dispatcher starts whose predecessor waits at a DDL, if nothing says that it is done.
        pub start_at_ddl: StartAtDdl {
            /// Right before it, without the rows of its commit, which are downstream (pingcap/ticdc#3677).
            WithoutRows,
            /// Right before it: these rows are written again (before pingcap/ticdc#3677).
            WithRows,
            /// At it: it is not there for it (before pingcap/ticdc#3677).
            Behind,
        },
        /// Where a dispatcher that is created again starts (`clamp_start_to_committed`).
        pub start_clamp: StartClamp {
            /// Where its last status was (before pingcap/ticdc#4548, review mutant MU-64).
            Unclamped,
            /// Not below the committed checkpoint (pingcap/ticdc#4548).
            Committed,
        },
        /// What becomes of a span whose dispatcher has gone unasked (`terminal_without_operator_marks_absent`).
        pub unasked_end: UnaskedEnd: is_mended {
            /// Nothing: nobody replicates it (release-8.5 since pingcap/ticdc#4874).
            Ignored => false,
            /// It is to be replicated again (pingcap/ticdc#3411).
            Rescheduled => true,
        },
        /// What an operator that adds a dispatcher makes of one that has stopped (`ignore_nonworking_in_add`).
        pub stopped_in_add: StoppedInAdd {
            /// It is that of an earlier dispatcher of the same id (all versions).
            Ignored,
            /// It ends the operator (mutant).
            Aborts,
        },
        /// What a move does when its destination leaves before its origin has let go (`move_abort_waits_origin`).
        pub move_abort: MoveAbort: waits_for_origin {
            /// It goes on with the origin first (all versions).
            WaitsForOrigin => true,
            /// It gives up at once: the span is to be replicated again (mutant).
            AtOnce => false,
        },
        /// What a bootstrap does about reported dispatchers of tables that come into being after the start of the table trigger.
        pub young_tables: YoungTables: are_kept {
            /// They are left out, and removed when they report again (all versions).
            LeftOut => false,
            /// They are kept (what F7 asks for; no version).
            Kept => true,
        },
        /// Whether a user may move a table to a node that is drained.
        pub move_target: MoveTarget: is_any {
            /// He may (all versions).
            Any => true,
            /// He is refused (what F39 asks for; no version).
            NotDrained => false,
        },
        /// When a maintainer that hands over takes its table trigger for gone.
        pub trigger_end: TriggerEnd: is_of_operator {
            /// When what it knows of its state says so: a status that has a lower checkpoint than the known one does not count (all versions).
            Status => false,
            /// Also when the operator that removes it has ended (what F14 asks for; no version).
            Operator => true,
        },
        /// What the basic scheduler does about the group of a split table that is gone since it has listed the groups.
        pub missing_group: MissingGroup: is_fatal {
            /// The process ends: `mustGetGroup` (all versions).
            Fatal => true,
            /// It passes it by (what F47 asks for; no version).
            PassedBy => false,
        },
        /// What becomes of an operator that has been admitted when another one for the same span has been taken meanwhile.
        pub late_operator: LateOperator: is_dropped {
            /// It takes the place of that one, which goes on with its work (all versions).
            Replaces => false,
            /// It is dropped (what F40 asks for; no version).
            Dropped => true,
        },
        /// Whether a merge is taken of neighbours that no node has: both are on the same one, which has no name.
        pub nodeless_merge: NodelessMerge: is_taken {
            /// It is, and is given up at once: those who occupy its sources may be gone before it gives them back (all versions).
            Taken => true,
            /// It is not (what F57 asks for; no version).
            Refused => false,
        },
        /// What becomes of a move that has succeeded when its destination leaves before anybody takes note of the success.
        pub done_move: DoneMove: is_undone {
            /// It stands: the span counts as replicated by a node that is gone (all versions).
            Stands => false,
            /// It has failed, as an add has: the span is to be replicated again (no version).
            Undone => true,
        },
        /// When an operator that removes a dispatcher has done its work (`remove_needs_terminal`).
        pub remove_check: RemoveCheck {
            /// When it has stopped or is removed (all versions).
            Terminal,
            /// When it does not work: also when it only waits for a merge (mutant).
            NotWorking,
        },
        /// To which node an operator talks that removes a dispatcher (`remove_op_node_snapshot`).
        pub remove_node: RemoveNode {
            /// To the one that the span had when the operator was made (all versions).
            Remembered,
            /// To the one that the span has now: none if it was marked absent (mutant).
            LookedUp,
        },
        /// When it is looked whether the nodes of a new operator are there (`start_then_check_affected`).
        pub affected_check: AffectedCheck: is_after_start {
            /// After its start (all versions).
            AfterStart => true,
            /// Before: its start undoes what was done about a node that is gone (mutant).
            BeforeStart => false,
        },
        /// How often it is looked whether the nodes have as much to do (`balance_interval_configurable`).
        pub balance_interval: BalanceInterval {
            /// Every 5 s (before pingcap/ticdc#5979).
            FiveSeconds,
            /// As configured, every 15 s by default (pingcap/ticdc#5979).
            Configured,
        },
        /// When the sources of a merge are released (`occupy_released_last`).
        pub occupy_release: OccupyRelease: is_early {
            /// When they are gone, or have been given back (pingcap/ticdc#4543).
            Last => false,
            /// When the merged dispatcher works: the last report of a source may find no operator (mutant, coarser than
            /// before pingcap/ticdc#4543).
            Early => true,
        },
        /// What a maintainer makes of the merges that its predecessor had begun (`restore_merge_ops`).
        pub bootstrap_merges: BootstrapMerges: are_restored {
            /// Nothing: their targets are orphans, and nobody waits for their sources (before pingcap/ticdc#3769).
            Ignored => false,
            /// They go on, are taken as done, or are cleaned up (pingcap/ticdc#3769).
            Restored => true,
        },
        /// Whether spans that are reported may overlap when holes between them are looked for
        /// (`find_holes_tolerates_overlap`).
        pub bootstrap_holes: BootstrapHoles: tolerate_overlaps {
            /// The process does not survive that (before pingcap/ticdc#3769).
            TakeNoOverlaps => false,
            /// They may (pingcap/ticdc#3769).
            OfTheUnion => true,
        },
        /// Whether a removal waits for whoever is in the middle of adding or asking an operator (`quiesce_waits_inflight`).
        pub quiesce_admission: QuiesceAdmission: is_crossed {
            /// It does (pingcap/ticdc#4828).
            Waited => false,
            /// It does not: what has been admitted takes effect after the removal has begun (mutant of pingcap/ticdc#4828).
            Crossed => true,
        },
        /// What becomes of the operators that a removal freezes (`quiesce_keeps_checkpoint_constraint`).
        pub quiesced_operators: QuiescedOperators: are_dropped {
            /// They stay, and hold the checkpoint back (pingcap/ticdc#4828).
            Kept => false,
            /// They go, and hold nothing back (mutant of pingcap/ticdc#4828, text of pingcap/ticdc#5403).
            Dropped => true,
        },
    }
}

impl EpochStamp {
    pub(crate) fn of(self, what: Stamped, epoch: Epoch) -> Epoch {
        let left_out = match self {
            EpochStamp::Unstamped => true,
            EpochStamp::Stamped => false,
            EpochStamp::AllButSchedule => what == Stamped::Schedule,
            EpochStamp::AllButMerge => what == Stamped::Merge,
            EpochStamp::AllButHeartbeatResponse => what == Stamped::HeartbeatResponse,
            EpochStamp::AllButBootstrap => what == Stamped::Bootstrap,
            EpochStamp::AllButPostBootstrap => what == Stamped::PostBootstrap,
            EpochStamp::AllButClose => what == Stamped::Close,
            EpochStamp::AllButStatus => matches!(what, Stamped::Status | Stamped::Missing),
            EpochStamp::AllButMissing => what == Stamped::Missing,
            EpochStamp::Lifecycle => {
                use Stamped::{Bootstrap, Close, PostBootstrap, Status};
                !matches!(what, Bootstrap | PostBootstrap | Close | Status)
            }
            EpochStamp::Requests => {
                use Stamped::{Bootstrap, Close, PostBootstrap, Schedule};
                !matches!(what, Schedule | Bootstrap | PostBootstrap | Close)
            }
        };
        if left_out { Epoch::NONE } else { epoch }
    }
}

impl Generation {
    /// The generation, and what the configuration says from now on. `config`: what it says in the request.
    pub(crate) fn of(self, request: Epoch, config: Epoch) -> (Epoch, Epoch) {
        match self {
            Generation::FromRequest => (request, config),
            Generation::FromRequestOrConfig if request != Epoch::NONE => (request, request),
            Generation::FromConfig | Generation::FromRequestOrConfig => (config, config),
        }
    }
}

impl CheckpointOrder {
    pub(crate) fn parts(self) -> [Part; 3] {
        match self {
            CheckpointOrder::ConstraintsFirst => [Part::Spans, Part::Barrier, Part::Watermarks],
            CheckpointOrder::WatermarksFirst => [Part::Watermarks, Part::Spans, Part::Barrier],
            CheckpointOrder::EventsFirst => [Part::Barrier, Part::Spans, Part::Watermarks],
        }
    }
}

impl StartAtDdl {
    /// The start, and whether rows of the DDL's commit are left out.
    pub(crate) fn start(self, ddl: Ts) -> (Ts, bool) {
        match self {
            StartAtDdl::WithoutRows => (ddl.before(), true),
            StartAtDdl::WithRows => (ddl.before(), false),
            StartAtDdl::Behind => (ddl, false),
        }
    }
}

impl Prompting {
    pub(crate) fn is_prompt(self, low_latency: bool) -> bool {
        match self {
            Prompting::None => false,
            Prompting::LowLatency => low_latency,
        }
    }
}

impl WatermarkRule {
    pub(crate) fn accepts(self, new: &Watermark, known: &Watermark) -> bool {
        match self {
            WatermarkRule::LaterSequence => new.supersedes(known),
            WatermarkRule::Higher => new.checkpoint > known.checkpoint,
        }
    }
}

impl AddAdmission {
    /// `existing`: whether it is fully stopped, and its generation.
    pub(crate) fn admits(self, existing: Option<(bool, Epoch)>, epoch: Epoch) -> bool {
        match (self, existing) {
            (_, None) => true,
            (AddAdmission::NeverOver, Some(_)) => false,
            (AddAdmission::StoppedAndOlder, Some((stopped, old))) => stopped && epoch > old,
            (AddAdmission::Older, Some((_, old))) => epoch > old,
        }
    }
}

impl RemoveAdmission {
    pub(crate) fn admits(self, request: Epoch, local: Epoch) -> bool {
        match self {
            RemoveAdmission::Anybodys => true,
            RemoveAdmission::MatchingEpoch => local == Epoch::NONE || request == local,
            RemoveAdmission::NotOlder => request >= local,
        }
    }
}

impl ResponseFence {
    pub(crate) fn accepts(self, response: Epoch, local: Epoch) -> bool {
        match self {
            ResponseFence::AnyEpoch => true,
            ResponseFence::MatchingEpoch => response.matches(local),
            ResponseFence::ExactEpoch => local == Epoch::NONE || response == local,
        }
    }
}

impl BootstrapKey {
    pub(crate) fn of(self, span: Span) -> (u32, u32) {
        match self {
            BootstrapKey::Start => (span.from, 0),
            BootstrapKey::Range => (span.from, span.to),
        }
    }
}

impl StartClamp {
    pub(crate) fn start(self, checkpoint: Ts, committed: Ts) -> Ts {
        match self {
            StartClamp::Unclamped => checkpoint,
            StartClamp::Committed => checkpoint.max(committed),
        }
    }
}

impl StoppedInAdd {
    /// Whether an Add ends without success when its dispatcher has this state.
    pub(crate) fn gives_up(self, state: ComponentState) -> bool {
        match self {
            StoppedInAdd::Ignored => state == ComponentState::Removed,
            StoppedInAdd::Aborts => state.is_terminal(),
        }
    }
}

impl BalanceInterval {
    pub(crate) fn length(self, configured: Duration) -> Duration {
        match self {
            BalanceInterval::FiveSeconds => Duration::from_secs(5),
            BalanceInterval::Configured => configured,
        }
    }
}

impl RemoveCheck {
    /// Whether a Remove has done its work when its dispatcher has this state.
    pub(crate) fn ends(self, state: ComponentState) -> bool {
        match self {
            RemoveCheck::Terminal => state.is_terminal(),
            RemoveCheck::NotWorking => state != ComponentState::Working,
        }
    }
}

impl RemoveNode {
    pub(crate) fn of(self, remembered: NodeId, now: impl FnOnce() -> Option<NodeId>) -> Option<NodeId> {
        match self {
            RemoveNode::Remembered => Some(remembered),
            RemoveNode::LookedUp => now(),
        }
    }
}
