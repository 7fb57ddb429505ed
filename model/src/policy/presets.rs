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

/// The line of merged versions, oldest first: each has everything that came before it.
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

pub(super) fn baseline() -> Policy {
    Policy {
        node: Node {
            session_loss: SessionLoss::GracefulExit,
            watchdog_end: WatchdogEnd::Leaves,
            watchdog_call: WatchdogCall::Blocks,
        },
        coordinator: Coordinator {
            ownership_epoch: OwnershipEpoch::Unchanged,
            memory_epoch: MemoryEpoch::Drawn,
            add_config: AddConfig::AtFirst,
            load_defaults: LoadDefaults::Unmaintained,
            bump_defaults: BumpDefaults::Completed,
            resume: Resume::Blind,
            resume_error: ResumeError::Kept,
            warning: Warning::Blind,
            warning_stop: WarningStop::Running,
            regressed_error: RegressedError::Lost,
            next_epoch: NextEpoch::AtLeastOneMore,
            pd_fallback: PdFallback::Clock,
            bump_base: BumpBase::Persisted,
            bump_compare: BumpCompare::Revision,
            bump_job: BumpJob::Untouched,
            bump_limit: BumpLimit::TenSeconds,
            wire_epoch: WireEpoch::Absent,
            add_epoch: AddEpoch::Present,
            add_check: AddCheck::AnyEpoch,
            bump_lock: BumpLock::Released,
            bump_reservation: BumpReservation::Respected,
            bump_recheck: BumpRecheck::Made,
            move_origin_check: AddCheck::AnyEpoch,
            move_target_check: AddCheck::AnyEpoch,
            move_remove_epoch: MoveRemoveEpoch::Origin,
            move_success: MoveSuccess::OnceOriginStopped,
            move_target_loss: MoveTargetLoss::Absent,
            move_origin_loss: MoveOriginLoss::Remembered,
            stop_during_move: StopDuringMove::Present,
            adopted_checkpoint: AdoptedCheckpoint::Reported,
            stale_maintainer: StaleMaintainer::Stopped,
            stale_epoch: StaleEpoch::Reported,
            empty_batch: EmptyBatch::Queued,
            stopped_owner: StoppedOwner::Adopted,
            load_failure: LoadFailure::Fatal,
            unloaded_gc: UnloadedGc::LetGo,
            stopped_state: StoppedState::Changed,
            drain_freeze: DrainFreeze::WhileKnown,
            drain_scope: DrainScope::Tracked,
            checkpoint_compare: CheckpointCompare::Nothing,
            checkpoint_base: CheckpointBase::Whatever,
            stop_patience: StopPatience::None,
            progress_error: ProgressError::PassedBy,
            repeated_error: RepeatedError::Counts,
            returned_error: ReturnedError::PassedBy,
            pause_compare: PauseCompare::Nothing,
            api_compare: ApiCompare::Nothing,
            call_recheck: CallRecheck::Missing,
            second_stop: SecondStop::LooksUp,
            warned_move: WarnedMove::Forgotten,
            replaced_stop: ReplacedStop::Over,
            bump_state: BumpState::Ignored,
            fast_fail: FastFail::AfterProgress,
            move_course: MoveCourse::Shortcut,
            stop_check: StopCheck::Anybody,
            status_filter: StatusFilter::AnyEpoch,
            adoption: Adoption::Whoever,
            orphan_epoch: OrphanEpoch::None,
            move_epoch: MoveEpoch::Always,
            stop_end: StopEnd::AtOnce,
            unknown_changefeed: UnknownChangefeed::Guarded,
        },
        maintainer: Maintainer {
            drain: Drain::Known,
            stamp: EpochStamp::Unstamped,
            redo_stamp: RedoStamp::Unstamped,
            generation: Generation::FromRequest,
            add_admission: AddAdmission::NeverOver,
            remove_admission: RemoveAdmission::Anybodys,
            remove_refusal: RemoveRefusal::Silent,
            early_removal: EarlyRemoval::Ignored,
            response_fence: ResponseFence::AnyEpoch,
            close_response: CloseResponse::Always,
            remove_operators: RemoveOperators::Run,
            remove_self_heal: RemoveSelfHeal::Heals,
            remove_node_change: RemoveNodeChange::Follows,
            remove_resend: RemoveResend::Resends,
            report_mark: ReportMark::AfterSnapshot,
            prompting: Prompting::None,
            heartbeat_order: HeartbeatOrder::WatermarkFirst,
            watermark: WatermarkRule::LaterSequence,
            checkpoint_order: CheckpointOrder::ConstraintsFirst,
            round_nodes: RoundNodes::Free,
            checkpoint_node_change: CheckpointNodeChange::Followed,
            journal: Journal::Restored,
            stale_create: StaleCreate::Skipped,
            restored_remove: RestoredRemove::LeavesReplica,
            restored_move: RestoredMove::LetsPass,
            covered_terminal: CoveredTerminal::MarkedAbsent,
            bootstrap_overlap: BootstrapOverlap::Trusted,
            bootstrap_key: BootstrapKey::Start,
            remove_block_status: RemoveBlockStatus::Handled,
            start_at_ddl: StartAtDdl::WithoutRows,
            start_clamp: StartClamp::Committed,
            unasked_end: UnaskedEnd::Rescheduled,
            stopped_in_add: StoppedInAdd::Ignored,
            move_abort: MoveAbort::WaitsForOrigin,
            done_move: DoneMove::Stands,
            trigger_end: TriggerEnd::Status,
            move_target: MoveTarget::Any,
            young_tables: YoungTables::LeftOut,
            missing_group: MissingGroup::Fatal,
            late_operator: LateOperator::Replaces,
            nodeless_merge: NodelessMerge::Taken,
            remove_check: RemoveCheck::Terminal,
            remove_node: RemoveNode::Remembered,
            affected_check: AffectedCheck::AfterStart,
            balance_interval: BalanceInterval::FiveSeconds,
            occupy_release: OccupyRelease::Last,
            bootstrap_merges: BootstrapMerges::Ignored,
            bootstrap_holes: BootstrapHoles::TakeNoOverlaps,
            quiesce_admission: QuiesceAdmission::Waited,
            quiesced_operators: QuiescedOperators::Kept,
        },
        barrier: Barrier {
            schedule: ScheduleMoment::AfterWrite,
            schedule_order: ScheduleOrder::ByTimestamp,
            wide_events: WideEvents::WaitForTables,
            reporters: Reporters::CheckedAgain,
            passed: Passed::Behind,
            pass: PassTo::All,
            early_report: EarlyReport::Answered,
            taken_up: TakenUp::All,
            forwarded: Forwarded::Alone,
            left_behind: LeftBehind::Stays,
            new_tables: NewTables::Hold,
        },
        orchestrator: Orchestrator {
            shards: Shards::Eight,
            pending_queue: PendingQueue::FirstWins,
            pending_key: PendingKey::FreedAtPop,
            fenced_requests: FencedRequests::Handled,
            initializing: Initializing::Unknown,
            publication: Publication::Unchecked,
            write_path: WritePath::Open,
            fence_order: FenceOrder::DispatchersFirst,
            fence_cleanup: FenceCleanup::InBackground,
            redo_sink_check: RedoSinkCheck::Missing,
            failed_construction: FailedConstruction::LeftBehind,
            closed_manager: ClosedManager::TakenOver,
            closed_path_error: ClosedPathError::Reported,
            ending_errors: EndingErrors::Reported,
            manager_epoch: ManagerEpoch::FromConfig,
            bootstrap_fence: BootstrapFence::LastWins,
            takeover_order: TakeoverOrder::OwnerLast,
            foreign_trigger: ForeignTrigger::Kept,
            unwanted_trigger: UnwantedTrigger::Tolerated,
            post_bootstrap_fence: RequestFence::AnySender,
            post_bootstrap_owner: PostBootstrapOwner::Kept,
            missing_trigger: MissingTrigger::Silent,
            bootstrap_emission: BootstrapEmission::GoesOn,
            bootstrap_mutex: BootstrapMutex::Released,
            close_fence: CloseFence::AnySender,
            tombstone: Tombstone::Forgotten,
            unnumbered_bootstrap: UnnumberedBootstrap::Dropped,
            close_claim: CloseClaim::LoadAndStore,
            unregister_error: UnregisterError::Aborts,
            removal_intent: RemovalIntent::Latched,
            fence_mutex: FenceMutex::None,
            mutex_release: MutexRelease::Always,
            close_map_lock: CloseMapLock::Held,
            bootstrap_map_lock: BootstrapMapLock::Released,
            manager_recheck: ManagerRecheck::Missing,
            response_epoch: ResponseEpoch::Absent,
        },
        dispatchers: Dispatchers {
            schedule_fence: RequestFence::AnySender,
            merge_fence: RequestFence::AnySender,
            heartbeat_response_fence: RequestFence::AnySender,
            add_table_blocker: AddTableBlocker::AfterFlush,
            checkpoint_gate: CheckpointGate::Always,
            redo_fence: RequestFence::AnySender,
            redo_meta_gate: CheckpointGate::Always,
            stale_journal: StaleJournal::Blocks,
            create_journal: CreateJournal::UntilAttempted,
            journal_key: JournalKey::Dispatcher,
            stale_creates: StaleCreates::Told,
            stale_removes: StaleRemoves::Told,
            status_watermark: StatusWatermark::AfterTheOneBefore,
            merge_journal: MergeJournal::None,
            merge_journal_moment: MergeJournalMoment::Admitted,
            merge_journal_end: MergeJournalEnd::SourcesGone,
            merge_journal_entry: MergeJournalEntry::Copy,
            merge_journal_key: MergeJournalKey::Named,
            removed_target: RemovedTarget::Stays,
            trigger_leave: TriggerLeave::WaitsForNote,
            abnormal_sink: AbnormalSink::LeftAtOnce,
            syncpoint_record: SyncpointRecord::OnlyBesideOwn,
            heartbeat_pace: HeartbeatPace::Ordinary,
        },
    }
}

/// V1 of the dispatcher side, LSF of the maintainer.
fn pr_5106() -> Policy {
    let mut policy = baseline();
    policy.node.session_loss = SessionLoss::SelfFence;
    policy.dispatchers.create_journal = CreateJournal::UntilItExists;
    policy.dispatchers.checkpoint_gate = CheckpointGate::WhileOpen;
    policy.dispatchers.redo_meta_gate = CheckpointGate::WhileOpen;
    policy.orchestrator.fenced_requests = FencedRequests::Dropped;
    policy.orchestrator.initializing = Initializing::Registered;
    policy.orchestrator.publication = Publication::Rechecked;
    policy.orchestrator.write_path = WritePath::ClosedAtOnce;
    policy.orchestrator.fence_order = FenceOrder::CancelFirst;
    policy.orchestrator.redo_sink_check = RedoSinkCheck::Made;
    policy.orchestrator.bootstrap_emission = BootstrapEmission::StopsAtFence;
    policy.orchestrator.failed_construction = FailedConstruction::Fenced;
    policy.orchestrator.closed_path_error = ClosedPathError::ByCode;
    policy.orchestrator.ending_errors = EndingErrors::SilentConstruction;
    policy.orchestrator.close_claim = CloseClaim::CompareAndSwap;
    policy.orchestrator.unregister_error = UnregisterError::OnlyLogged;
    policy
}

/// V2, QUI.
fn pr_4828() -> Policy {
    let mut policy = pr_5106();
    policy.maintainer.remove_operators = RemoveOperators::Quiesced;
    policy.maintainer.remove_self_heal = RemoveSelfHeal::Skips;
    policy.maintainer.remove_node_change = RemoveNodeChange::Ignores;
    policy.maintainer.remove_resend = RemoveResend::Suppressed;
    policy.maintainer.remove_block_status = RemoveBlockStatus::Ignored;
    policy
}

/// V3, CEP, P5434.
fn pr_5434() -> Policy {
    let mut policy = pr_4828();
    policy.coordinator.memory_epoch = MemoryEpoch::Kept;
    policy.coordinator.add_config = AddConfig::Present;
    policy.coordinator.load_defaults = LoadDefaults::All;
    policy.coordinator.resume = Resume::Bumped;
    policy.coordinator.resume_error = ResumeError::Cleared;
    policy.coordinator.warning = Warning::Bumped;
    policy.coordinator.ownership_epoch = OwnershipEpoch::BumpedFirst;
    policy.coordinator.wire_epoch = WireEpoch::Present;
    policy.coordinator.add_check = AddCheck::MatchingEpoch;
    policy.coordinator.move_origin_check = AddCheck::MatchingEpoch;
    policy.coordinator.move_target_check = AddCheck::MatchingEpoch;
    policy.coordinator.move_success = MoveSuccess::OnceAddSent;
    policy.coordinator.stop_during_move = StopDuringMove::OriginUntilBound;
    policy.coordinator.empty_batch = EmptyBatch::Skipped;
    policy.coordinator.fast_fail = FastFail::First;
    policy.coordinator.move_course = MoveCourse::OriginFirst;
    policy.coordinator.stop_check = StopCheck::SenderAndEpoch;
    policy.coordinator.status_filter = StatusFilter::MatchingEpoch;
    policy.coordinator.adoption = Adoption::ByEpoch;
    policy.coordinator.orphan_epoch = OrphanEpoch::Reported;
    policy.dispatchers.add_table_blocker = AddTableBlocker::BeforeWrite;
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
    policy.orchestrator.manager_epoch = ManagerEpoch::FromRequest;
    policy.orchestrator.bootstrap_fence = BootstrapFence::ByEpoch;
    policy.orchestrator.takeover_order = TakeoverOrder::OwnerFirst;
    policy.orchestrator.post_bootstrap_fence = RequestFence::OwnerAndEpoch;
    policy.orchestrator.close_fence = CloseFence::StaleAcknowledged;
    policy.orchestrator.tombstone = Tombstone::ClosedEpoch;
    policy.orchestrator.pending_queue = PendingQueue::NewerEpochWins;
    policy.orchestrator.fence_mutex = FenceMutex::PerManager;
    policy.orchestrator.mutex_release = MutexRelease::NotOnClosedPath;
    policy.orchestrator.close_map_lock = CloseMapLock::Released;
    policy.orchestrator.response_epoch = ResponseEpoch::Present;
    policy.dispatchers.schedule_fence = RequestFence::OwnerAndEpoch;
    policy.dispatchers.merge_fence = RequestFence::OwnerAndEpoch;
    policy.dispatchers.heartbeat_response_fence = RequestFence::OwnerAndEpoch;
    policy.dispatchers.stale_journal = StaleJournal::Erased;
    policy
}

/// V5, TRG, P5436.
fn pr_5436() -> Policy {
    let mut policy = pr_5435();
    policy.orchestrator.takeover_order = TakeoverOrder::ValidatedFirst;
    policy.orchestrator.foreign_trigger = ForeignTrigger::Refused;
    policy.orchestrator.unwanted_trigger = UnwantedTrigger::Refused;
    policy.orchestrator.missing_trigger = MissingTrigger::Reported;
    policy.orchestrator.mutex_release = MutexRelease::Always;
    policy.orchestrator.ending_errors = EndingErrors::Silent;
    policy.dispatchers.redo_fence = RequestFence::OwnerAndEpoch;
    policy.maintainer.redo_stamp = RedoStamp::Stamped;
    policy.dispatchers.stale_creates = StaleCreates::Omitted;
    policy.dispatchers.stale_removes = StaleRemoves::ToldIfReported;
    policy
}

/// V6, a part of MST.
fn pr_3769() -> Policy {
    let mut policy = pr_5436();
    policy.maintainer.restored_remove = RestoredRemove::RepairsCoverage;
    policy.maintainer.covered_terminal = CoveredTerminal::Removed;
    policy.maintainer.bootstrap_overlap = BootstrapOverlap::Resolved;
    policy.maintainer.bootstrap_key = BootstrapKey::Range;
    policy.maintainer.bootstrap_merges = BootstrapMerges::Restored;
    policy.maintainer.bootstrap_holes = BootstrapHoles::OfTheUnion;
    policy.dispatchers.merge_journal = MergeJournal::Kept;
    policy
}

/// V7, MST, MASTER.
fn master() -> Policy {
    let mut policy = pr_3769();
    policy.dispatchers.heartbeat_pace = HeartbeatPace::AsConfigured;
    policy.maintainer.balance_interval = BalanceInterval::Configured;
    policy.maintainer.report_mark = ReportMark::BeforeSnapshot;
    policy.coordinator.regressed_error = RegressedError::Heard;
    policy.maintainer.prompting = Prompting::LowLatency;
    policy
}
