//! Switches of the coordinator.

use super::switches;
use sim::Duration;

use crate::{
    Epoch, NodeId, RunningError, Ts,
    coordinator::{Reports, Selection},
    etcd::{ChangefeedInfo, Job, Progress, Sparse},
};

switches! {
    /// The coordinator's switches.
    pub struct Coordinator {
        /// Whether a resume or a warning that persists no new generation begins one in memory.
        pub memory_epoch: MemoryEpoch: is_drawn {
            /// It does: a timestamp of the oracle, whatever was before. It is persisted when the state changes next, or never; nobody is
            /// told (before pingcap/ticdc#5434), or maintainers are (draft pingcap/ticdc#5181).
            Drawn => true,
            /// There is none that is not persisted (pingcap/ticdc#5434, draft pingcap/ticdc#5182).
            Kept => false,
        },
        /// Which configuration an add carries (`add_config_follows_info`).
        pub add_config: AddConfig {
            /// The one that the changefeed had when it came to the coordinator's knowledge, with the epoch of that time: at the
            /// bootstrap, or when a user created it or changed its configuration (before pingcap/ticdc#5434).
            AtFirst,
            /// The present one (pingcap/ticdc#5434).
            Present,
        },
        /// Of which changefeeds a new term fills in what their configuration lacks.
        pub load_defaults: LoadDefaults {
            /// Of those that nobody maintains (before pingcap/ticdc#5434).
            Unmaintained,
            /// Of all (pingcap/ticdc#5434).
            All,
        },
        /// What becomes of a configuration that lacks something when a new epoch is persisted (`bump_completes_defaults`).
        pub bump_defaults: BumpDefaults {
            /// It is written, and taken for the present one, as it is (history of pingcap/ticdc#5182, review mutant M-H5).
            Left,
            /// What it lacks is filled in (pingcap/ticdc#5434).
            Completed,
        },
        /// When a new generation of a maintainer begins (`persist_epoch_on_ownership_change`).
        pub ownership_epoch: OwnershipEpoch: is_bumped {
            /// With the changefeed; another owner has the same epoch (before pingcap/ticdc#5434).
            Unchanged => false,
            /// With every owner: the new epoch is persisted before the owner is told (pingcap/ticdc#5434).
            BumpedFirst => true,
        },
        /// What a resume writes (`resume_clears_error_atomically`, `bump_cas`).
        pub resume: Resume: bumps {
            /// State and progress, whatever is there (before pingcap/ticdc#5434).
            Blind => false,
            /// These and a new epoch, if nobody else has written meanwhile (pingcap/ticdc#5434).
            Bumped => true,
        },
        /// What a resume leaves of the error that a changefeed has stopped with (`resume_clears_error_atomically`).
        pub resume_error: ResumeError {
            /// All of it (before pingcap/ticdc#5434, review mutant R11).
            Kept,
            /// Nothing (pingcap/ticdc#5434).
            Cleared,
        },
        /// What persisting a warning does to the generation (`warning_state_in_bump_txn`).
        pub warning: Warning: bumps {
            /// Nothing, whatever is there (before pingcap/ticdc#5434).
            Blind => false,
            /// A new one begins in the same transaction, if nobody else has written meanwhile (pingcap/ticdc#5434).
            Bumped => true,
        },
        /// With which epoch a maintainer is stopped that has reported an error (`stop_uses_running_epoch`).
        pub warning_stop: WarningStop {
            /// Its own (pingcap/ticdc#5434).
            Running,
            /// That of the new generation, which it does not obey (history of pingcap/ticdc#5182, review mutant M-H7).
            New,
        },
        /// What becomes of an error in a status whose checkpoint is lower than the known one (`errors_on_regressed_checkpoint`).
        pub regressed_error: RegressedError: is_heard {
            /// It is lost with the status (before pingcap/ticdc#5779).
            Lost => false,
            /// It counts (pingcap/ticdc#5779).
            Heard => true,
        },
        /// Which epoch follows a persisted one (`epoch_max_persisted_plus_one`).
        pub next_epoch: NextEpoch {
            /// The oracle's timestamp, whatever it is (review mutant MU-30).
            Candidate,
            /// The oracle's timestamp, or one more than is persisted if that is larger (pingcap/ticdc#5434).
            AtLeastOneMore,
        },
        /// Whether the lock of the operators is held while an epoch is persisted for one that asks to be admitted
        /// (`bump_outside_operator_lock`).
        pub bump_lock: BumpLock: is_held {
            /// It is: statuses, losses of nodes and stops wait for that (draft pingcap/ticdc#5182, review mutant M-H10).
            Held => true,
            /// It is not (pingcap/ticdc#5434).
            Released => false,
        },
        /// Whether anybody else may have an epoch persisted for the same changefeed meanwhile (`epoch_bumping_reservation`).
        pub bump_reservation: BumpReservation: is_respected {
            /// Yes: what is in memory afterwards may be smaller than what is persisted (review mutant M-H14).
            None => false,
            /// No (pingcap/ticdc#5434).
            Respected => true,
        },
        /// Whether it is looked, when the epoch is persisted, what has become of the changefeed meanwhile (`recheck_after_bump`).
        pub bump_recheck: BumpRecheck: is_made {
            /// It is not: an add takes the place of the stop of a changefeed that has been paused (feared in the review of
            /// pingcap/ticdc#5434).
            Skipped => false,
            /// It is (pingcap/ticdc#5434).
            Made => true,
        },
        /// On what a new epoch is founded (`bump_reads_persisted_info`).
        pub bump_base: BumpBase {
            /// On what is in memory: changes that others have made are undone (history of pingcap/ticdc#5182, review mutant
            /// M-H2).
            Memory,
            /// On what is persisted (pingcap/ticdc#5434).
            Persisted,
        },
        /// Whether a new epoch is written only if nobody else has written meanwhile (`bump_cas_modrev`).
        pub bump_compare: BumpCompare: is_made {
            /// It is written in any case (history of pingcap/ticdc#5182, review mutant M-H2).
            None => false,
            /// It is compared with what was read (pingcap/ticdc#5434).
            Revision => true,
        },
        /// What a new epoch does to the progress of its changefeed (`bump_preserves_job`, `bump_without_job_compare`).
        pub bump_job: BumpJob {
            /// Nothing (pingcap/ticdc#5434).
            Untouched,
            /// It is written again as it is, and nobody else may have written it meanwhile (history of pingcap/ticdc#5182,
            /// review mutant M-H6).
            Compared,
            /// What is in memory is written, and that nothing is being done to the changefeed (history of pingcap/ticdc#5182,
            /// review mutant M-H3).
            Overwritten,
        },
        /// How long the admission of an operator may take (`bump_timeout`).
        pub bump_limit: BumpLimit {
            /// As long as its calls take (history of pingcap/ticdc#5182, review mutant M-H10).
            None,
            /// Ten seconds (pingcap/ticdc#5434).
            TenSeconds,
        },
        /// What becomes of a new generation when PD gives no timestamp.
        pub pd_fallback: PdFallback: falls_back {
            /// Its epoch is the clock of the node, in nanoseconds; that is larger than any timestamp of PD.
            Clock => true,
            /// There is none (history of pingcap/ticdc#5182, review mutant M-H4).
            Fails => false,
        },
        /// Whether AddMaintainer and RemoveMaintainer name a generation.
        pub wire_epoch: WireEpoch {
            /// There is no such field (before pingcap/ticdc#5434).
            Absent,
            /// They do (pingcap/ticdc#5434).
            Present,
        },
        /// Which epoch an add tells, and waits for.
        pub add_epoch: AddEpoch {
            /// The one that is the present one whenever it looks (pingcap/ticdc#5434).
            Present,
            /// The one that was when the operator was made, before a new one is persisted for it (draft pingcap/ticdc#5181,
            /// where nobody persists one; review mutant M-5181-8).
            Constructed,
        },
        /// Which status of a working maintainer ends an add (`add_check_epoch`).
        pub add_check: AddCheck {
            /// Any (before pingcap/ticdc#5434).
            AnyEpoch,
            /// One of the changefeed's present generation, or of an unknown one (pingcap/ticdc#5434).
            MatchingEpoch,
            /// One of the changefeed's present generation, and not of an unknown one; any if the changefeed knows none, or before
            /// anybody has been told of one (draft pingcap/ticdc#5181, M8).
            ExactEpoch,
        },
        /// Which status tells a move that its origin has let go (`move_check_origin_epoch`): the present generation is the one
        /// that is to go.
        pub move_origin_check: AddCheck,
        /// Which status of a working maintainer ends a move (`move_check_target_epoch`).
        pub move_target_check: AddCheck,
        /// Which generation a move tells to go.
        pub move_remove_epoch: MoveRemoveEpoch {
            /// The one that was there before the move (pingcap/ticdc#5434).
            Origin,
            /// The present one, which it does not obey (draft pingcap/ticdc#5181, review mutant M-5181-10).
            Present,
        },
        /// From when on a status of its target ends a move (`move_success_requires_add_sent`).
        pub move_success: MoveSuccess: needs_add {
            /// As soon as its origin has let go: a maintainer that was left over there ends it, and nobody is told (before
            /// pingcap/ticdc#5434).
            OnceOriginStopped => false,
            /// When the target has been told (pingcap/ticdc#5434).
            OnceAddSent => true,
        },
        /// What a move does when its target leaves before its origin has let go (`move_origin_first`).
        pub move_course: MoveCourse: is_origin_first {
            /// It tells the origin to maintain the changefeed, which it has just been told to let go of (before
            /// pingcap/ticdc#5434).
            Shortcut => false,
            /// The origin lets go first (pingcap/ticdc#5434).
            OriginFirst => true,
        },
        /// What a move does when its target leaves after it has been told (`move_target_loss_after_add_is_absent`).
        pub move_target_loss: MoveTargetLoss: turns_back {
            /// It tells the origin to maintain the changefeed, with the same epoch.
            TurnsBack => true,
            /// It ends, and the changefeed is absent.
            Absent => false,
        },
        /// Whether a move knows, when its target leaves, that its origin has left before (`move_tracks_origin_removed`).
        pub move_origin_loss: MoveOriginLoss: is_remembered {
            /// No: it turns back to a node that is not there (review mutant M-H19).
            Forgotten => false,
            /// Yes, so it ends (pingcap/ticdc#5434).
            Remembered => true,
        },
        /// Whom a stop is aimed at that takes the place of a move (`stop_during_move_targets_origin`,
        /// `stop_during_move_until_bind`).
        pub stop_during_move: StopDuringMove {
            /// The node that has the changefeed, with the present epoch (before pingcap/ticdc#5434, review mutant M-H12).
            Present,
            /// The origin with its own epoch, until it has let go (review mutant M-H13).
            OriginUntilStopped,
            /// The origin with its own epoch, until the target has been told (pingcap/ticdc#5434).
            OriginUntilBound,
        },
        /// Which epoch the last request of a move carries, if its target has left and the origin is to have the changefeed again.
        pub move_epoch: MoveEpoch {
            /// None: it is looked up when the target is told, and not when the move turns back (draft pingcap/ticdc#5181, review
            /// mutants M7 and MU-01).
            OnTheWayOut,
            /// The one that was persisted for the move (pingcap/ticdc#5434).
            Always,
        },
        /// Which status ends a stop (`stop_check_sender` and `stop_check_epoch`).
        pub stop_check: StopCheck {
            /// From any node, of any generation (before pingcap/ticdc#5434).
            Anybody,
            /// From any node, of the generation that was to be stopped.
            Epoch,
            /// From the node that was told, of any generation.
            Sender,
            /// From the node that was told, of the generation that it was told to stop or of an earlier one (draft
            /// pingcap/ticdc#5181, review mutant M-5181-7).
            SenderUpToEpoch,
            /// From the node that was told, of the generation that it was told to stop (pingcap/ticdc#5434).
            SenderAndEpoch,
        },
        /// Whether other threads can get in between the look at a status and the end of the stop that has waited for it.
        pub stop_end: StopEnd: is_atomic {
            /// They can: a node may be lost in between, so that its late status ends a stop that is another node's by now (draft
            /// pingcap/ticdc#5181, review mutant M10).
            TwoSteps => false,
            /// They cannot (pingcap/ticdc#5434).
            AtOnce => true,
        },
        /// Which statuses update a changefeed (`status_epoch_filter`).
        pub status_filter: StatusFilter {
            /// Those of the node that has it (before pingcap/ticdc#5434).
            AnyEpoch,
            /// Those of its present generation only (pingcap/ticdc#5434).
            MatchingEpoch,
        },
        /// Which reporting maintainer a new term takes for the owner (`bootstrap_select_by_epoch`,
        /// `bootstrap_tolerates_duplicates`).
        pub adoption: Adoption {
            /// Whichever reports; two of them are a fatal error (before pingcap/ticdc#5434).
            Whoever,
            /// The one of the persisted generation; the others are stopped (pingcap/ticdc#5434).
            ByEpoch,
            /// The one of the persisted generation; but if two report at all, that is a fatal error (review mutant M-H15).
            ByEpochAlone,
            /// The one of the persisted generation; without one whichever reports, and from then on its generation counts as
            /// the present one, although a larger one may be persisted (draft pingcap/ticdc#5181, review mutant M11).
            ReportedEpoch,
            /// Whichever reports, and the generation that it tells counts as the present one; two of them are a fatal error (draft
            /// pingcap/ticdc#5181).
            WhoeverWithEpoch,
        },
        /// What a new term does about the owner of a changefeed that is not to run, when nobody has written down that it is being
        /// stopped.
        pub stopped_owner: StoppedOwner: is_stopped {
            /// It is adopted like any other owner (every version).
            Adopted => false,
            /// It is stopped (what F33 asks for; in no version).
            Stopped => true,
        },
        /// Whether the status of a maintainer changes the state of a changefeed that a user has stopped meanwhile.
        pub stopped_state: StoppedState: is_kept {
            /// It does (every version).
            Changed => false,
            /// It does not (what F34 asks for; in no version).
            Kept => true,
        },
        /// What a coordinator does that cannot load its changefeeds.
        pub load_failure: LoadFailure: is_fatal {
            /// It ends its process (every version).
            Fatal => true,
            /// It tries again, as long as it leads (what F48 asks for; in no version).
            Retried => false,
        },
        /// What a term that has not loaded the changefeeds tells PD about what they need.
        pub unloaded_gc: UnloadedGc: is_let_go {
            /// That nothing is needed, for it knows of no changefeed (every version).
            LetGo => true,
            /// Nothing (what F44 asks for; in no version).
            Kept => false,
        },
        /// Whether a term that has no drain of its own gives maintainers to nobody while some node is known to drain or to stop.
        pub drain_freeze: DrainFreeze: is_observed {
            /// It does, as long as a node is (every version).
            WhileKnown => true,
            /// It does not: such a node is given nothing, and that is all (what F38 asks for; in no version).
            Never => false,
        },
        /// Of which changefeeds a drain waits to hear that nothing is left on its node.
        pub drain_scope: DrainScope: is_everything {
            /// Of those that were replicating when it began (every version).
            Tracked => false,
            /// Of all that are to run, as of now, also of those whose maintainer changes (what F28 and F39 ask for; in no version).
            Everything => true,
        },
        /// What the transaction compares that persists checkpoints.
        pub checkpoint_compare: CheckpointCompare: is_made {
            /// Nothing (every version).
            Nothing => false,
            /// The owner key of the term (what F4 asks for; in no version).
            Owner => true,
        },
        /// Over what the run loop writes checkpoints.
        pub checkpoint_base: CheckpointBase: is_compared {
            /// Over whatever is there when the transaction arrives (every version).
            Whatever => false,
            /// Over what is behind (what F60 asks for; in no version, and a real etcd would have to be read first).
            Behind => true,
        },
        /// How soon after its beginning a stop can be ended by a status.
        pub stop_patience: StopPatience: waits {
            /// At once, also by one that answers what was asked before (every version).
            None => false,
            /// When what was asked before has been answered: after two seconds (what F30 asks for, roughly; in no version).
            Some => true,
        },
        /// Whether an error counts that is told together with a later checkpoint than before.
        pub progress_error: ProgressError: counts {
            /// It does not, and is not told again: the checkpoint is a sign that all is well (every version).
            PassedBy => false,
            /// It does (what F46 asks for; in no version).
            Counts => true,
        },
        /// Whether an error counts that is reported while the changefeed waits for its next try.
        pub repeated_error: RepeatedError: counts {
            /// It does: each status that tells of it doubles the waiting time (every version).
            Counts => true,
            /// It does not (what F49 asks for; in no version).
            Ignored => false,
        },
        /// What an error is that a changefeed has with which it has been tried again, and which is still written down.
        pub returned_error: ReturnedError: stops {
            /// No news: nothing is done (every version).
            PassedBy => false,
            /// A new one: the maintainer is stopped again (what F54 asks for; in no version).
            Stops => true,
        },
        /// What a user's pause compares when it is written.
        pub pause_compare: PauseCompare: is_made {
            /// Nothing (every version).
            Nothing => false,
            /// What it has read, as a resume does (what F12 and F32 ask for; in no version).
            Persisted => true,
        },
        /// Whether what a call of a user writes, or a new epoch, is compared with who leads.
        pub api_compare: ApiCompare: is_made {
            /// It is not: a coordinator that is deposed goes on with its calls (every version).
            Nothing => false,
            /// The owner key of the term is (what F35 asks for; in no version).
            Owner => true,
        },
        /// Whether an update or a resume looks at the changefeed again when it has the lock.
        pub call_recheck: CallRecheck: is_made {
            /// It does not: what its user has seen is written back, the description by an update, the checkpoint by a resume (every
            /// version).
            Missing => false,
            /// It does, and writes what it finds, if that may be done (what F29 asks for; in no version).
            Made => true,
        },
        /// Whom a stop is for that takes the place of another one, when the changefeed has no node any more.
        pub second_stop: SecondStop: is_heir {
            /// The coordinator's own node, with the generation that is persisted (every version).
            LooksUp => false,
            /// The node and the generation of the first one (what F26 asks for; in no version).
            Inherits => true,
        },
        /// Which generation is stopped for an error of a maintainer that is moving.
        pub warned_move: WarnedMove: is_known {
            /// The one that is persisted, which nobody has been told of (every version).
            Forgotten => false,
            /// That of the maintainer, as a user's pause does (what F58 asks for; in no version).
            Known => true,
        },
        /// When a stop is over, for the user who waits for it, that another stop has taken the place of.
        pub replaced_stop: ReplacedStop: is_over {
            /// At once, before anything has stopped (every version).
            Over => true,
            /// When the changefeed is not being stopped any more (what F52 asks for; in no version).
            HandedOn => false,
        },
        /// Whether it is looked, when an epoch is persisted for an operator, if the changefeed is still to run.
        pub bump_state: BumpState: is_looked_at {
            /// It is not (every version).
            Ignored => false,
            /// It is: nobody is told to maintain what has been paused meanwhile (what F31 asks for; in no version).
            Looked => true,
        },
        /// Which checkpoint a changefeed has for a new term whose maintainer is reported.
        pub adopted_checkpoint: AdoptedCheckpoint {
            /// The one that is reported; a maintainer that only removes reports the lowest there is (every version).
            Reported,
            /// That, or the persisted one if it is higher (what F56 asks for; in no version).
            Highest,
        },
        /// What a new term does about a maintainer of another generation that is reported (`bootstrap_stale_occupies_slot`).
        pub stale_maintainer: StaleMaintainer {
            /// Nothing: it goes on.
            Ignored,
            /// It is told once to go, and the next one may be told to begin.
            ToldOnce,
            /// It is stopped, and nobody else is told to begin before it has gone (pingcap/ticdc#5434).
            Stopped,
        },
        /// With which epoch that is told (`bootstrap_stops_stale_with_reported_epoch`).
        pub stale_epoch: StaleEpoch {
            /// None (review mutant M6).
            None,
            /// The persisted one, which it does not obey.
            Persisted,
            /// The one that it reports (pingcap/ticdc#5434).
            Reported,
        },
        /// With which epoch a maintainer of an unknown changefeed is removed (`orphan_remove_reported_epoch`).
        pub orphan_epoch: OrphanEpoch {
            /// None (before pingcap/ticdc#5434, review mutant M6).
            None,
            /// The one that it reports (pingcap/ticdc#5434).
            Reported,
        },
        /// What becomes of a heartbeat from which nothing follows (`skip_empty_change_batch`).
        pub empty_batch: EmptyBatch: is_skipped {
            /// It takes a place in the queue of the run loop, which drops what comes when it is full (before
            /// pingcap/ticdc#5434, review mutant M-H16).
            Queued => false,
            /// Nothing (pingcap/ticdc#5434).
            Skipped => true,
        },
        /// What an error without hope counts for that comes with a checkpoint that has moved on (`fast_fail_before_progress`).
        pub fast_fail: FastFail: comes_first {
            /// Nothing: the checkpoint has moved on (before pingcap/ticdc#5424).
            AfterProgress => false,
            /// The changefeed has failed (pingcap/ticdc#5424).
            First => true,
        },
        /// Whether the present generation of a changefeed is looked up with care when a status comes for an operator.
        pub unknown_changefeed: UnknownChangefeed: is_dereferenced {
            /// It is not: of a changefeed that is being removed, and is not in memory any more, that is a panic (draft
            /// pingcap/ticdc#5181, review mutant M12).
            Dereferenced => true,
            /// It is (pingcap/ticdc#5434).
            Guarded => false,
        },
    }
}

impl AddConfig {
    pub(crate) fn of(self, first: (Epoch, Sparse), present: (Epoch, Sparse)) -> (Epoch, Sparse) {
        match self {
            AddConfig::AtFirst => first,
            AddConfig::Present => present,
        }
    }
}

impl LoadDefaults {
    /// The description of a changefeed that has been loaded.
    pub(crate) fn of(self, info: ChangefeedInfo, is_maintained: bool) -> ChangefeedInfo {
        match self {
            LoadDefaults::Unmaintained if is_maintained => info,
            LoadDefaults::Unmaintained | LoadDefaults::All => info.completed(),
        }
    }
}

impl BumpDefaults {
    pub(crate) fn of(self, info: ChangefeedInfo) -> ChangefeedInfo {
        match self {
            BumpDefaults::Left => info,
            BumpDefaults::Completed => info.completed(),
        }
    }
}

impl NextEpoch {
    /// The next epoch; none if there is no larger one.
    pub(crate) fn after(self, persisted: Epoch, candidate: Epoch) -> Option<Epoch> {
        match self {
            NextEpoch::Candidate => Some(candidate),
            NextEpoch::AtLeastOneMore if candidate > persisted => Some(candidate),
            NextEpoch::AtLeastOneMore => persisted.0.checked_add(1).map(Epoch),
        }
    }
}

impl BumpBase {
    pub(crate) fn of(self, persisted: &ChangefeedInfo, known: Option<&ChangefeedInfo>) -> ChangefeedInfo {
        match self {
            BumpBase::Memory => known.unwrap_or(persisted).clone(),
            BumpBase::Persisted => persisted.clone(),
        }
    }
}

/// What becomes of the progress of a changefeed that gets a new epoch.
pub(crate) enum ProgressWrite {
    /// Nothing.
    None,
    /// It is read, compared and written again.
    Compared,
    /// This is written.
    Blind(Job),
}

impl BumpJob {
    /// `checkpoint`: the one in memory.
    pub(crate) fn write(self, checkpoint: Ts) -> ProgressWrite {
        match self {
            BumpJob::Untouched => ProgressWrite::None,
            BumpJob::Compared => ProgressWrite::Compared,
            BumpJob::Overwritten => ProgressWrite::Blind(Job { checkpoint, progress: Progress::None }),
        }
    }
}

impl BumpLimit {
    pub(crate) fn length(self) -> Option<Duration> {
        match self {
            BumpLimit::None => None,
            BumpLimit::TenSeconds => Some(Duration::from_secs(10)),
        }
    }
}

impl ResumeError {
    pub(crate) fn of(self, known: Option<RunningError>) -> Option<RunningError> {
        match self {
            ResumeError::Kept => known,
            ResumeError::Cleared => None,
        }
    }
}

impl WarningStop {
    pub(crate) fn of(self, running: Epoch, new: Epoch) -> Epoch {
        match self {
            WarningStop::Running => running,
            WarningStop::New => new,
        }
    }
}

impl WireEpoch {
    pub(crate) fn of(self, epoch: Epoch) -> Epoch {
        match self {
            WireEpoch::Absent => Epoch::NONE,
            WireEpoch::Present => epoch,
        }
    }
}

impl AddCheck {
    pub(crate) fn accepts(self, status: Epoch, current: Epoch) -> bool {
        match self {
            AddCheck::AnyEpoch => true,
            AddCheck::MatchingEpoch => status.matches(current),
            AddCheck::ExactEpoch => current == Epoch::NONE || status == current,
        }
    }
}

impl AddEpoch {
    pub(crate) fn of(self, constructed: Epoch, present: Epoch) -> Epoch {
        match self {
            AddEpoch::Present => present,
            AddEpoch::Constructed => constructed,
        }
    }
}

impl MoveEpoch {
    /// `persisted`: the epoch of the changefeed. `back`: whether the move has turned back.
    pub(crate) fn of(self, persisted: Epoch, back: bool) -> Epoch {
        match self {
            MoveEpoch::OnTheWayOut if back => Epoch::NONE,
            MoveEpoch::OnTheWayOut | MoveEpoch::Always => persisted,
        }
    }
}

impl StopCheck {
    pub(crate) fn accepts(self, status: (NodeId, Epoch), expected: (NodeId, Epoch)) -> bool {
        match self {
            StopCheck::Anybody => true,
            StopCheck::Epoch => status.1.matches(expected.1),
            StopCheck::Sender => status.0 == expected.0,
            StopCheck::SenderUpToEpoch => {
                status.0 == expected.0 && (expected.1 == Epoch::NONE || status.1 <= expected.1)
            }
            StopCheck::SenderAndEpoch => status.0 == expected.0 && status.1.matches(expected.1),
        }
    }
}

impl AdoptedCheckpoint {
    pub(crate) fn of(self, reported: Ts, persisted: Ts) -> Ts {
        match self {
            AdoptedCheckpoint::Reported => reported,
            AdoptedCheckpoint::Highest => reported.max(persisted),
        }
    }
}

impl StatusFilter {
    pub(crate) fn accepts(self, status: Epoch, current: Epoch) -> bool {
        match self {
            StatusFilter::AnyEpoch => true,
            StatusFilter::MatchingEpoch => status.matches(current),
        }
    }
}

impl Adoption {
    pub(crate) fn select(self, current: Epoch, reports: Reports) -> Result<Selection, &'static str> {
        match self {
            Adoption::Whoever => Selection::whoever(current, reports),
            Adoption::ByEpoch => Selection::by_epoch(current, reports),
            Adoption::ByEpochAlone if reports.len() > 1 => Selection::whoever(current, reports),
            Adoption::ByEpochAlone => Selection::by_epoch(current, reports),
            Adoption::ReportedEpoch => Selection::whatever_epoch(current, reports),
            Adoption::WhoeverWithEpoch => Selection::whoever_with_epoch(current, reports),
        }
    }
}

impl MoveRemoveEpoch {
    pub(crate) fn of(self, origin: Epoch, present: Epoch) -> Epoch {
        match self {
            MoveRemoveEpoch::Origin => origin,
            MoveRemoveEpoch::Present => present,
        }
    }
}

impl StopDuringMove {
    /// Whether the origin is to be stopped, whether or not it has let go; the target has not been told.
    pub(crate) fn targets_origin(self, has_let_go: bool) -> bool {
        match self {
            StopDuringMove::Present => false,
            StopDuringMove::OriginUntilStopped => !has_let_go,
            StopDuringMove::OriginUntilBound => true,
        }
    }
}

impl StaleMaintainer {
    pub(crate) fn is_told(self) -> bool {
        self != StaleMaintainer::Ignored
    }

    pub(crate) fn takes_slot(self) -> bool {
        self == StaleMaintainer::Stopped
    }
}

impl StaleEpoch {
    pub(crate) fn of(self, reported: Epoch, persisted: Epoch) -> Epoch {
        match self {
            StaleEpoch::None => Epoch::NONE,
            StaleEpoch::Persisted => persisted,
            StaleEpoch::Reported => reported,
        }
    }
}

impl OrphanEpoch {
    pub(crate) fn of(self, reported: Epoch) -> Epoch {
        match self {
            OrphanEpoch::None => Epoch::NONE,
            OrphanEpoch::Reported => reported,
        }
    }
}
