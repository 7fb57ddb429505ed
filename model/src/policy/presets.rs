//! Presets: whole versions of the real system, each with the commit of pingcap/ticdc whose rules it follows.

use super::*;

/// A version.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// What it is called on the command line and in files.
    pub name: &'static str,
    /// The commit of pingcap/ticdc.
    pub commit: &'static str,
    /// What it stands for, in one line.
    pub about: &'static str,
    /// Its choices.
    pub policy: fn() -> Policy,
}

/// All presets, oldest first.
pub const PRESETS: &[Preset] = &[
    Preset {
        name: "baseline",
        commit: "072f1bdb0",
        about: "2026-06-12, before any fence: epochs exist and mean nothing",
        policy: baseline,
    },
    Preset {
        name: "master",
        commit: "b813e76f9",
        about: "2026-08-18: self fence (#5106), quiesce (#4828), generation fence (#5434, #5435, #5436)",
        policy: master,
    },
];

fn baseline() -> Policy {
    Policy {
        node: Node { session_loss: SessionLoss::GracefulExit },
        coordinator: Coordinator {
            ownership_epoch: OwnershipEpoch::Unchanged,
            next_epoch: NextEpoch::AtLeastOneMore,
            wire_epoch: WireEpoch::Absent,
            add_check: AddCheck::AnyEpoch,
            stop_check: StopCheck::Anybody,
            status_filter: StatusFilter::AnyEpoch,
            adoption: Adoption::Whoever,
            orphan_epoch: OrphanEpoch::None,
        },
        maintainer: Maintainer {
            stamp: EpochStamp::Unstamped,
            add_admission: AddAdmission::NeverOver,
            remove_admission: RemoveAdmission::Anybodys,
            response_fence: ResponseFence::AnyEpoch,
            close_response: CloseResponse::Always,
            remove_operators: RemoveOperators::Run,
            remove_self_heal: RemoveSelfHeal::Heals,
            remove_node_change: RemoveNodeChange::Follows,
            remove_resend: RemoveResend::Resends,
            start_clamp: StartClamp::Committed,
        },
        dispatchers: Dispatchers {
            bootstrap_fence: BootstrapFence::LastWins,
            schedule_fence: ScheduleFence::AnySender,
            post_bootstrap_fence: PostBootstrapFence::AnySender,
            close_fence: CloseFence::AnySender,
            fence_mutex: FenceMutex::None,
            tombstone: Tombstone::Forgotten,
            pending_queue: PendingQueue::FirstWins,
            stale_journal: StaleJournal::Blocks,
            create_journal: CreateJournal::UntilAttempted,
            journal_report: JournalReport::All,
            response_epoch: ResponseEpoch::Absent,
            trigger_validation: TriggerValidation::None,
            missing_trigger: MissingTrigger::Silent,
            initializing: Initializing::Unknown,
            publication: Publication::Unchecked,
            write_path: WritePath::Open,
        },
    }
}

fn master() -> Policy {
    Policy {
        node: Node { session_loss: SessionLoss::SelfFence },
        coordinator: Coordinator {
            ownership_epoch: OwnershipEpoch::BumpedFirst,
            next_epoch: NextEpoch::AtLeastOneMore,
            wire_epoch: WireEpoch::Present,
            add_check: AddCheck::MatchingEpoch,
            stop_check: StopCheck::SenderAndEpoch,
            status_filter: StatusFilter::MatchingEpoch,
            adoption: Adoption::ByEpoch,
            orphan_epoch: OrphanEpoch::Reported,
        },
        maintainer: Maintainer {
            stamp: EpochStamp::Stamped,
            add_admission: AddAdmission::StoppedAndOlder,
            remove_admission: RemoveAdmission::MatchingEpoch,
            response_fence: ResponseFence::MatchingEpoch,
            close_response: CloseResponse::WhileRemoving,
            remove_operators: RemoveOperators::Quiesced,
            remove_self_heal: RemoveSelfHeal::Skips,
            remove_node_change: RemoveNodeChange::Ignores,
            remove_resend: RemoveResend::Suppressed,
            start_clamp: StartClamp::Committed,
        },
        dispatchers: Dispatchers {
            bootstrap_fence: BootstrapFence::ByEpoch,
            schedule_fence: ScheduleFence::OwnerAndEpoch,
            post_bootstrap_fence: PostBootstrapFence::OwnerAndEpoch,
            close_fence: CloseFence::OwnerAndEpoch,
            fence_mutex: FenceMutex::PerManager,
            tombstone: Tombstone::ClosedEpoch,
            pending_queue: PendingQueue::NewerEpochWins,
            stale_journal: StaleJournal::Erased,
            create_journal: CreateJournal::UntilItExists,
            journal_report: JournalReport::CurrentAndReportedRemoves,
            response_epoch: ResponseEpoch::Present,
            trigger_validation: TriggerValidation::BeforeTakeOver,
            missing_trigger: MissingTrigger::Reported,
            initializing: Initializing::Registered,
            publication: Publication::Rechecked,
            write_path: WritePath::ClosedAtOnce,
        },
    }
}
