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

/// All presets, oldest first: each has everything that came before it.
pub const PRESETS: &[Preset] = &[
    Preset {
        name: "baseline",
        commit: "072f1bdb0",
        about: "2026-06-12: before any fence; epochs exist and mean nothing",
        policy: baseline,
    },
    Preset {
        name: "pr-5106",
        commit: "f73e8dba2",
        about: "2026-06-12: a node that loses its session fences itself",
        policy: pr_5106,
    },
    Preset {
        name: "pr-4828",
        commit: "776315e72",
        about: "2026-06-15: a maintainer that is removed does nothing else",
        policy: pr_4828,
    },
    Preset {
        name: "pr-5434",
        commit: "0eec97153",
        about: "2026-06-23: the coordinator persists a new epoch before it changes the owner",
        policy: pr_5434,
    },
    Preset {
        name: "pr-5435",
        commit: "a0066dcc5",
        about: "2026-06-26: messages carry the epoch, and their receivers check it",
        policy: pr_5435,
    },
    Preset {
        name: "pr-5436",
        commit: "c1fd88c93",
        about: "2026-06-30: takeover of table triggers and journals hardened",
        policy: pr_5436,
    },
    Preset {
        name: "pr-3769",
        commit: "69ab69a15",
        about: "2026-07-29: merges are journalled and restored",
        policy: pr_3769,
    },
    Preset {
        name: "master",
        commit: "b813e76f9",
        about: "2026-08-18: low-latency heartbeats, errors on regressed checkpoints (#5862, #5779)",
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
            schedule_fence: RequestFence::AnySender,
            merge_fence: RequestFence::AnySender,
            post_bootstrap_fence: RequestFence::AnySender,
            close_fence: RequestFence::AnySender,
            fence_mutex: FenceMutex::None,
            tombstone: Tombstone::Forgotten,
            pending_queue: PendingQueue::FirstWins,
            stale_journal: StaleJournal::Blocks,
            create_journal: CreateJournal::UntilAttempted,
            journal_key: JournalKey::Dispatcher,
            stale_creates: StaleCreates::Told,
            stale_removes: StaleRemoves::Told,
            merge_journal: MergeJournal::None,
            merge_journal_moment: MergeJournalMoment::Admitted,
            merge_journal_end: MergeJournalEnd::SourcesGone,
            merge_journal_entry: MergeJournalEntry::Copy,
            merge_journal_key: MergeJournalKey::Named,
            heartbeat_pace: HeartbeatPace::Ordinary,
            response_epoch: ResponseEpoch::Absent,
            trigger_validation: TriggerValidation::None,
            missing_trigger: MissingTrigger::Silent,
            initializing: Initializing::Unknown,
            publication: Publication::Unchecked,
            write_path: WritePath::Open,
        },
    }
}

/// Dispatcher page V1, maintainer page LSF.
fn pr_5106() -> Policy {
    let mut policy = baseline();
    policy.node.session_loss = SessionLoss::SelfFence;
    policy.dispatchers.create_journal = CreateJournal::UntilItExists;
    policy.dispatchers.initializing = Initializing::Registered;
    policy.dispatchers.publication = Publication::Rechecked;
    policy.dispatchers.write_path = WritePath::ClosedAtOnce;
    policy
}

/// V2, QUI.
fn pr_4828() -> Policy {
    let mut policy = pr_5106();
    policy.maintainer.remove_operators = RemoveOperators::Quiesced;
    policy.maintainer.remove_self_heal = RemoveSelfHeal::Skips;
    policy.maintainer.remove_node_change = RemoveNodeChange::Ignores;
    policy.maintainer.remove_resend = RemoveResend::Suppressed;
    policy
}

/// V3, CEP, coordinator page P5434.
fn pr_5434() -> Policy {
    let mut policy = pr_4828();
    policy.coordinator.ownership_epoch = OwnershipEpoch::BumpedFirst;
    policy.coordinator.wire_epoch = WireEpoch::Present;
    policy.coordinator.add_check = AddCheck::MatchingEpoch;
    policy.coordinator.stop_check = StopCheck::SenderAndEpoch;
    policy.coordinator.status_filter = StatusFilter::MatchingEpoch;
    policy.coordinator.adoption = Adoption::ByEpoch;
    policy.coordinator.orphan_epoch = OrphanEpoch::Reported;
    policy
}

/// V4, FEN, P5435.
fn pr_5435() -> Policy {
    let mut policy = pr_5434();
    policy.maintainer.stamp = EpochStamp::Stamped;
    policy.maintainer.add_admission = AddAdmission::StoppedAndOlder;
    policy.maintainer.remove_admission = RemoveAdmission::MatchingEpoch;
    policy.maintainer.response_fence = ResponseFence::MatchingEpoch;
    policy.maintainer.close_response = CloseResponse::WhileRemoving;
    policy.dispatchers.bootstrap_fence = BootstrapFence::ByEpoch;
    policy.dispatchers.schedule_fence = RequestFence::OwnerAndEpoch;
    policy.dispatchers.merge_fence = RequestFence::OwnerAndEpoch;
    policy.dispatchers.post_bootstrap_fence = RequestFence::OwnerAndEpoch;
    policy.dispatchers.close_fence = RequestFence::OwnerAndEpoch;
    policy.dispatchers.fence_mutex = FenceMutex::PerManager;
    policy.dispatchers.tombstone = Tombstone::ClosedEpoch;
    policy.dispatchers.pending_queue = PendingQueue::NewerEpochWins;
    policy.dispatchers.stale_journal = StaleJournal::Erased;
    policy.dispatchers.response_epoch = ResponseEpoch::Present;
    policy
}

/// V5, TRG, P5436.
fn pr_5436() -> Policy {
    let mut policy = pr_5435();
    policy.dispatchers.trigger_validation = TriggerValidation::BeforeTakeOver;
    policy.dispatchers.stale_creates = StaleCreates::Omitted;
    policy.dispatchers.stale_removes = StaleRemoves::ToldIfReported;
    policy.dispatchers.missing_trigger = MissingTrigger::Reported;
    policy
}

/// V6, a part of MST.
fn pr_3769() -> Policy {
    let mut policy = pr_5436();
    policy.dispatchers.merge_journal = MergeJournal::Kept;
    policy
}

/// V7, MST, MASTER.
fn master() -> Policy {
    let mut policy = pr_3769();
    policy.dispatchers.heartbeat_pace = HeartbeatPace::AsConfigured;
    policy
}
