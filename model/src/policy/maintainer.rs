//! Switches of the maintainer and its manager.

use sim::Duration;

use super::switches;
use crate::{Epoch, NodeId, Span, Ts, dispatchers::ComponentState};

switches! {
    /// The maintainer's switches.
    pub struct Maintainer {
        /// Whether a maintainer and its manager stamp their messages with the generation (`stamp_epoch_on_*`,
        /// `remove_missing_echo_epoch`).
        pub stamp: EpochStamp {
            /// They leave the field zero (before pingcap/ticdc#5435).
            Unstamped,
            /// They do (pingcap/ticdc#5435).
            Stamped,
        },
        /// When a maintainer may be added where one is registered (`add_requires_stopped_and_newer`).
        pub add_admission: AddAdmission {
            /// Never (before pingcap/ticdc#5435).
            NeverOver,
            /// If that one is fully stopped and of an older generation (pingcap/ticdc#5435).
            StoppedAndOlder,
        },
        /// Which request removes a maintainer (`maint_remove_epoch_check`).
        pub remove_admission: RemoveAdmission {
            /// Any (before pingcap/ticdc#5435).
            Anybodys,
            /// One for its generation, or any if it knows none (pingcap/ticdc#5435).
            MatchingEpoch,
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
        /// What becomes of a replica whose removal a predecessor had begun, when its dispatcher is gone (`restored_remove_repairs_coverage`).
        pub restored_remove: RestoredRemove: repairs {
            /// It stays as it is: nobody replicates the span, and nobody notices (before pingcap/ticdc#3769).
            LeavesReplica => false,
            /// It goes, and what nothing else covers is to be replicated again (pingcap/ticdc#3769).
            RepairsCoverage => true,
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
            /// Every 15 s, the default of `check-balance-interval` (pingcap/ticdc#5979).
            FifteenSeconds,
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
    pub(crate) fn of(self, epoch: Epoch) -> Epoch {
        match self {
            EpochStamp::Unstamped => Epoch::NONE,
            EpochStamp::Stamped => epoch,
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
        }
    }
}

impl RemoveAdmission {
    pub(crate) fn admits(self, request: Epoch, local: Epoch) -> bool {
        match self {
            RemoveAdmission::Anybodys => true,
            RemoveAdmission::MatchingEpoch => local == Epoch::NONE || request == local,
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
    pub(crate) fn length(self) -> Duration {
        match self {
            BalanceInterval::FiveSeconds => Duration::from_secs(5),
            BalanceInterval::FifteenSeconds => Duration::from_secs(15),
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
