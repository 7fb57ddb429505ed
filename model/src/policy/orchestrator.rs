//! Switches of the dispatcher orchestrator: requests, takeover, close and fence. What S and M numbers mean:
//! docs/policies.md.

use super::{RequestFence, switches};
use crate::{
    DispatcherId, Epoch, NodeId,
    dispatchers::{Failure, Owner},
};

switches! {
    /// The orchestrator's switches.
    pub struct Orchestrator {
        /// Which requests share a queue and its worker.
        pub shards: Shards {
            /// All (before pingcap/ticdc#5052): a slow one holds up every changefeed (pingcap/ticdc#5139).
            One,
            /// Those of an eighth of the changefeeds (pingcap/ticdc#5052).
            Eight,
            /// None: each is handled at once, beside others of its changefeed. No version does this; it shows what leans on the
            /// order.
            Unserialized,
        },
        /// What happens to a request whose like waits already (S23, `queue_epoch_replacement`).
        pub pending_queue: PendingQueue {
            /// It is dropped, but a close that removes replaces one that does not (before pingcap/ticdc#5435).
            FirstWins,
            /// It takes the place of one of an older epoch; a close that removes also that of one of the same epoch that does
            /// not (pingcap/ticdc#5435).
            NewerEpochWins,
            /// As before, but a close that removes takes the place of one that does not, of whatever epoch (review mutant M26).
            NewerEpochOrRemovalWins,
        },
        /// How long a request counts as waiting.
        pub pending_key: PendingKey: is_freed_at_pop {
            /// Until it has been handled: a close that removes is lost while one that does not is handled (before
            /// pingcap/ticdc#4815; pingcap/ticdc#4825).
            FreedAtEnd => false,
            /// Until a worker takes it (pingcap/ticdc#4815).
            FreedAtPop => true,
        },
        /// What an orchestrator that is fenced does with requests (S2, `fenced_orchestrator_drops_requests`).
        pub fenced_requests: FencedRequests: are_dropped {
            /// It handles them (before pingcap/ticdc#5106).
            Handled => false,
            /// It drops them, wherever it finds them (pingcap/ticdc#5106).
            Dropped => true,
        },
        /// Whether managers under construction are known to the orchestrator (S3, `fence_covers_initializing_managers`).
        pub initializing: Initializing: is_registered {
            /// They are not: a fence misses them (before pingcap/ticdc#5106).
            Unknown => false,
            /// They are registered first of all, and not made visible after a fence (pingcap/ticdc#5106).
            Registered => true,
        },
        /// Whether the write path is looked at again when something that took long is published (S4,
        /// `write_path_recheck_on_publish`).
        pub publication: Publication: is_rechecked {
            /// It is not (before pingcap/ticdc#5106; review mutant M23).
            Unchecked => false,
            /// It is (pingcap/ticdc#5106).
            Rechecked => true,
        },
        /// Whether a manager that closes knows at once that nothing may be written any more.
        pub write_path: WritePath: is_closed_at_once {
            /// It does not know it at all (before pingcap/ticdc#5106).
            Open => false,
            /// It does (`write_path_closed`, pingcap/ticdc#5106).
            ClosedAtOnce => true,
        },
        /// What a fence does first (S5, `fence_cancels_before_dispatcher_close`).
        pub fence_order: FenceOrder: cancels_first {
            /// It closes the dispatchers, one by one; workers go on meanwhile (before pingcap/ticdc#5106).
            DispatchersFirst => false,
            /// It cancels the manager's context: workers take nothing more (pingcap/ticdc#5106).
            CancelFirst => true,
        },
        /// Who waits until the goroutines of a fenced manager have ended.
        pub fence_cleanup: FenceCleanup: is_awaited {
            /// Nobody: that goes on in the background (pingcap/ticdc#5106).
            InBackground => false,
            /// The fence, before it goes on to the next manager (review mutant M22).
            Awaited => true,
        },
        /// Whether a fence or a close looks whether there is a redo sink (M15).
        pub redo_sink_check: RedoSinkCheck: is_made {
            /// It takes it for granted: a panic while redo is not yet built (before pingcap/ticdc#5106; review mutant M15).
            Missing => false,
            /// It does (pingcap/ticdc#5106).
            Made => true,
        },
        /// What becomes of a manager whose construction fails (S9, `constructor_error_self_cleanup`).
        pub failed_construction: FailedConstruction: is_fenced {
            /// It stays, half-built (before pingcap/ticdc#5106).
            LeftBehind => false,
            /// It fences itself (pingcap/ticdc#5106).
            Fenced => true,
        },
        /// What a bootstrap does that finds a manager which has been closed, and which nobody has asked about since.
        pub closed_manager: ClosedManager: is_forgotten {
            /// It takes it over, with dispatchers that never go on, or does not answer (every version).
            TakenOver => false,
            /// It has it forgotten and makes a new one; while it is being closed, it does not answer (what F10 asks for; in no version).
            Forgotten => true,
        },
        /// How a closed write path is told from other failures when a manager or a table trigger cannot be created.
        pub closed_path_error: ClosedPathError {
            /// Not at all: the maintainer is told of an error (before pingcap/ticdc#5106; review mutant M14).
            Reported,
            /// By a text in the message: one that came through other functions is not recognized (review mutant M16).
            BySubstring,
            /// By a code of its own; the maintainer is not told (pingcap/ticdc#5106).
            ByCode,
        },
        /// What a maintainer is told of failures while the orchestrator ends.
        pub ending_errors: EndingErrors {
            /// Everything (before pingcap/ticdc#5106).
            Reported,
            /// Nothing of a construction that fails (pingcap/ticdc#5106).
            SilentConstruction,
            /// Nothing of a table trigger that cannot be created either (pingcap/ticdc#5436).
            Silent,
        },
        /// Where the first epoch of a manager comes from (S15, `dm_epoch_from_request`).
        pub manager_epoch: ManagerEpoch {
            /// From the configuration of the changefeed in the first request; it never changes (before pingcap/ticdc#5435).
            FromConfig,
            /// From each request that takes over (pingcap/ticdc#5435).
            FromRequest,
            /// From each request that takes over and has one; a manager that is created without one has it from the
            /// configuration (draft pingcap/ticdc#5181).
            FromRequestOrConfig,
        },
        /// Which bootstrap request takes over a manager (S16, `fence_bootstrap_owner`).
        pub bootstrap_fence: BootstrapFence {
            /// Every one (before pingcap/ticdc#5435).
            LastWins,
            /// One of a larger epoch, or the owner's (pingcap/ticdc#5435).
            ByEpoch,
            /// One of no earlier epoch: an equal one also from another node. Who has created the manager is not asked (draft
            /// pingcap/ticdc#5181).
            NotOlder,
        },
        /// When the owner changes, seen from the table trigger (S29, `trigger_validated_before_owner_update`).
        pub takeover_order: TakeoverOrder {
            /// After a missing one has been created (before pingcap/ticdc#5435).
            OwnerLast,
            /// Before anything is done about it: a request that fails has stolen the manager (pingcap/ticdc#5435, review mutant
            /// MU-46).
            OwnerFirst,
            /// After the one that is there has been looked at, before a missing one is created (pingcap/ticdc#5436).
            ValidatedFirst,
        },
        /// What a bootstrap request does about a table trigger of another id than its own (S30,
        /// `trigger_id_checked_at_bootstrap`).
        pub foreign_trigger: ForeignTrigger: is_refused {
            /// It keeps it silently (before pingcap/ticdc#5436).
            Kept => false,
            /// It is an error (pingcap/ticdc#5436).
            Refused => true,
        },
        /// What a bootstrap request that brings no table trigger does about one that is there (S31,
        /// `nil_trigger_requires_absence`).
        pub unwanted_trigger: UnwantedTrigger: is_refused {
            /// Nothing (before pingcap/ticdc#5436).
            Tolerated => false,
            /// It is an error (pingcap/ticdc#5436).
            Refused => true,
        },
        /// Which post-bootstrap requests a manager carries out (S20, `fence_post_bootstrap`).
        pub post_bootstrap_fence: RequestFence,
        /// Whether a post-bootstrap request that a manager carries out makes its sender the owner.
        pub post_bootstrap_owner: PostBootstrapOwner: is_taken {
            /// It does not (all merged versions).
            Kept => false,
            /// It does, if it is of another epoch and has one (draft pingcap/ticdc#5181).
            Taken => true,
        },
        /// What a post-bootstrap request is answered where there is no table trigger (S35,
        /// `post_bootstrap_missing_trigger_reports_error`).
        pub missing_trigger: MissingTrigger: is_reported {
            /// Nothing. It is looked for before the fence mutex is taken, and taken for granted afterwards (before
            /// pingcap/ticdc#5436).
            Silent => false,
            /// An error (pingcap/ticdc#5436).
            Reported => true,
        },
        /// Whether a table trigger that is being activated goes on telling the downstream of tables when the write path is
        /// closed (S7, `bootstrap_emit_stops_on_fence`).
        pub bootstrap_emission: BootstrapEmission: stops_at_fence {
            /// It does (before pingcap/ticdc#5106).
            GoesOn => false,
            /// It does not (pingcap/ticdc#5106).
            StopsAtFence => true,
        },
        /// Whether the mutex of the write path is held while the downstream is told of tables; a fence waits for it.
        pub bootstrap_mutex: BootstrapMutex: is_held {
            /// It is not: the write path is looked at again afterwards.
            Released => false,
            /// It is (review mutant M21 of pingcap/ticdc#5106).
            Held => true,
        },
        /// What a close request of another owner or generation comes to (S21, `fence_close`).
        pub close_fence: CloseFence {
            /// The manager is closed (before pingcap/ticdc#5435).
            AnySender,
            /// It is acknowledged and not carried out, so that a maintainer that only removes stops asking
            /// (pingcap/ticdc#5435).
            StaleAcknowledged,
            /// It is answered that the manager is not closed (draft pingcap/ticdc#5181, review mutant M5).
            StaleRefused,
            /// It is not answered (draft pingcap/ticdc#5181, review mutant M5).
            StaleUnanswered,
            /// It is acknowledged and not carried out if it is of an earlier epoch; of a later one, or of the same and another
            /// node, it is carried out (draft pingcap/ticdc#5181).
            OlderAcknowledged,
        },
        /// What an orchestrator remembers of closed changefeeds (S22, `closed_epoch_tombstone`).
        pub tombstone: Tombstone {
            /// Nothing (before pingcap/ticdc#5435).
            Forgotten,
            /// The highest epoch that closed each, and epoch zero if the changefeed is removed: a bootstrap that is not of a later
            /// one is dropped (pingcap/ticdc#5435).
            ClosedEpoch,
            /// Also that of a close that was acknowledged and not carried out (review mutant M24).
            StaleCloses,
            /// Also epoch zero of a changefeed that is only paused (review mutant M25).
            EpochZero,
            /// The highest epoch that closed each, and never epoch zero (draft pingcap/ticdc#5181).
            NonZeroEpoch,
        },
        /// Whether a bootstrap without an epoch is dropped where the changefeed counts as closed.
        pub unnumbered_bootstrap: UnnumberedBootstrap: is_dropped {
            /// It is: zero is an early epoch (pingcap/ticdc#5435).
            Dropped => true,
            /// It is not: whoever tells no epoch may be of an earlier version (draft pingcap/ticdc#5181).
            Admitted => false,
        },
        /// Whether a close of a manager may be begun twice (S10, `close_single_start_cas`).
        pub close_claim: CloseClaim: is_atomic {
            /// It may, by two threads that both find it not closing (before pingcap/ticdc#5106).
            LoadAndStore => false,
            /// It may not: compare-and-swap (pingcap/ticdc#5106).
            CompareAndSwap => true,
        },
        /// What a close does that finds a path missing when it unregisters its manager (S11, `close_survives_unregister_error`).
        pub unregister_error: UnregisterError: aborts {
            /// It gives up: the manager is never closed (before pingcap/ticdc#5106).
            Aborts => true,
            /// It goes on (pingcap/ticdc#5106).
            OnlyLogged => false,
        },
        /// Whether a close that removes counts if the closing has begun without it.
        pub removal_intent: RemovalIntent: is_latched {
            /// It does not (before pingcap/ticdc#4604, review mutant MC-25).
            FirstClose => false,
            /// It does, and nothing takes it back (pingcap/ticdc#4604).
            Latched => true,
        },
        /// Whether whoever changes the owner and whoever acts on its word exclude each other (S24,
        /// `serialize_owner_change_with_side_effects`).
        pub fence_mutex: FenceMutex {
            /// They do not (before pingcap/ticdc#5435).
            None,
            /// A mutex per manager (`MaintainerFenceMu`, pingcap/ticdc#5435).
            PerManager,
            /// A mutex per manager, which only bootstraps, post-bootstraps and closes take, and requests to create and remove
            /// dispatchers (draft pingcap/ticdc#5182).
            WithoutMerges,
        },
        /// Which handlers end without releasing the fence mutex (S28, `fence_mutex_released_on_write_path_closed`).
        pub mutex_release: MutexRelease {
            /// None (pingcap/ticdc#5436).
            Always,
            /// A bootstrap or post-bootstrap that finds the write path closed (the mistake of pingcap/ticdc#5435).
            NotOnClosedPath,
            /// A post-bootstrap that ends early, for whatever reason (review mutant M13).
            NotOnEarlyReturn,
        },
        /// Whether a close holds the lock of the orchestrator's maps while it waits for the manager (S27,
        /// `map_lock_not_held_during_close`).
        pub close_map_lock: CloseMapLock: is_held {
            /// It does: without a fence mutex it never waits long (before pingcap/ticdc#5435), with one it may (review mutant M2).
            Held => true,
            /// It does not (pingcap/ticdc#5435).
            Released => false,
        },
        /// Whether a bootstrap holds the lock of the orchestrator's maps while it waits for the fence mutex.
        pub bootstrap_map_lock: BootstrapMapLock: is_held {
            /// It does (draft pingcap/ticdc#5182, review mutant M1).
            Held => true,
            /// It does not (pingcap/ticdc#5435).
            Released => false,
        },
        /// Whether a handler that has waited for the fence mutex looks whether the manager is still the registered one.
        pub manager_recheck: ManagerRecheck: is_made {
            /// It does not: one worker per changefeed is what makes that safe (pingcap/ticdc#5435, review mutant M3).
            Missing => false,
            /// It does (asked for in the review of draft pingcap/ticdc#5182).
            Made => true,
        },
        /// Whether responses to maintainers name the generation that they answer (S26, `responses_carry_epoch`).
        pub response_epoch: ResponseEpoch {
            /// There is no such field (before pingcap/ticdc#5435).
            Absent,
            /// They do (pingcap/ticdc#5435).
            Present,
        },
    }
}

/// Who may have to enter what the fence mutex guards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entrant {
    /// A bootstrap, a post-bootstrap or a close.
    Owner,
    /// Requests to create or remove dispatchers.
    Schedule,
    /// A request to merge dispatchers, or an answer to reports about block events.
    Command,
    /// What a maintainer says about the redo log.
    Redo,
}

/// How far a takeover is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takeover {
    /// The request may take over.
    Admitted,
    /// The table trigger that is there is right.
    Validated,
    /// A table trigger that was missing is there.
    Ensured,
}

/// How a handler ends before its work is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EarlyReturn {
    /// A bootstrap: the write path is closed.
    BootstrapOnClosedPath,
    /// A bootstrap, for another reason.
    Bootstrap,
    /// A post-bootstrap: the write path is closed.
    PostBootstrapOnClosedPath,
    /// A post-bootstrap, for another reason.
    PostBootstrap,
}

/// What a close request of a stranger comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stale {
    /// It is carried out.
    Executed,
    /// It is not, and this is the answer, if any.
    Answered(Option<bool>),
}

impl Shards {
    /// How many queues there are.
    pub(crate) fn count(self) -> usize {
        match self {
            Shards::One => 1,
            Shards::Eight | Shards::Unserialized => 8,
        }
    }

    /// Whether a worker takes a request while it is at another one.
    pub(crate) fn overlap(self) -> bool {
        match self {
            Shards::One | Shards::Eight => false,
            Shards::Unserialized => true,
        }
    }
}

impl PendingQueue {
    /// Whether a request of one epoch takes the place of one of another.
    pub(crate) fn replaces(self, waiting: Epoch, incoming: Epoch) -> bool {
        match self {
            PendingQueue::FirstWins => false,
            PendingQueue::NewerEpochWins | PendingQueue::NewerEpochOrRemovalWins => incoming > waiting,
        }
    }

    /// Whether a close that removes takes the place of one that does not.
    pub(crate) fn upgrades(self, waiting: Epoch, incoming: Epoch) -> bool {
        match self {
            PendingQueue::FirstWins | PendingQueue::NewerEpochOrRemovalWins => true,
            PendingQueue::NewerEpochWins => incoming >= waiting,
        }
    }
}

impl ClosedPathError {
    /// Whether a failure is taken for a closed write path, of which the maintainer is not told.
    pub(crate) fn recognizes(self, failure: Failure) -> bool {
        match (self, failure) {
            (ClosedPathError::ByCode, Failure::WritePathClosed { .. })
            | (ClosedPathError::BySubstring, Failure::WritePathClosed { wrapped: false }) => true,
            (ClosedPathError::Reported | ClosedPathError::BySubstring | ClosedPathError::ByCode, _) => false,
        }
    }
}

impl EndingErrors {
    /// Whether a failure is kept from the maintainer.
    pub(crate) fn are_silent(self, construction: bool) -> bool {
        match self {
            EndingErrors::Reported => false,
            EndingErrors::SilentConstruction => construction,
            EndingErrors::Silent => true,
        }
    }
}

impl ManagerEpoch {
    /// The epoch of a manager that a request takes over, or creates if there was none.
    pub(crate) fn of(self, old: Option<Epoch>, request: Epoch, config: Epoch) -> Epoch {
        match self {
            ManagerEpoch::FromConfig => old.unwrap_or(config),
            ManagerEpoch::FromRequest => request,
            ManagerEpoch::FromRequestOrConfig if request == Epoch::NONE => old.unwrap_or(config),
            ManagerEpoch::FromRequestOrConfig => request,
        }
    }
}

impl BootstrapFence {
    /// `existed`: the manager was there before the request.
    pub(crate) fn admits(self, owner: &Owner, from: NodeId, epoch: Epoch, existed: bool) -> bool {
        match self {
            BootstrapFence::LastWins => true,
            BootstrapFence::ByEpoch => owner.can_update(from, epoch),
            BootstrapFence::NotOlder => !existed || owner.is_not_after(epoch),
        }
    }
}

impl TakeoverOrder {
    /// Whether the owner changes when a takeover has come so far.
    pub(crate) fn changes_owner(self, so_far: Takeover) -> bool {
        match self {
            TakeoverOrder::OwnerLast => so_far == Takeover::Ensured,
            TakeoverOrder::OwnerFirst => so_far == Takeover::Admitted,
            TakeoverOrder::ValidatedFirst => so_far == Takeover::Validated,
        }
    }
}

impl CloseFence {
    /// What a request comes to.
    pub(crate) fn verdict(self, owner: &Owner, from: NodeId, epoch: Epoch) -> Stale {
        match self {
            CloseFence::AnySender => Stale::Executed,
            CloseFence::OlderAcknowledged if owner.is_not_after(epoch) => Stale::Executed,
            CloseFence::OlderAcknowledged => Stale::Answered(Some(true)),
            _ if owner.allows(from, epoch) => Stale::Executed,
            CloseFence::StaleAcknowledged => Stale::Answered(Some(true)),
            CloseFence::StaleRefused => Stale::Answered(Some(false)),
            CloseFence::StaleUnanswered => Stale::Answered(None),
        }
    }
}

impl Tombstone {
    /// Whether a close is remembered. `executed`: it was carried out, or found nothing; otherwise it was a stale one.
    pub(crate) fn records(self, epoch: Epoch, removed: bool, executed: bool) -> bool {
        let lasts = epoch != Epoch::NONE || removed;
        match self {
            Tombstone::Forgotten => false,
            Tombstone::ClosedEpoch => executed && lasts,
            Tombstone::StaleCloses => lasts,
            Tombstone::EpochZero => executed,
            Tombstone::NonZeroEpoch => executed && epoch != Epoch::NONE,
        }
    }
}

impl FenceMutex {
    /// Whether there is a mutex that this one has to take.
    pub(crate) fn guards(self, entrant: Entrant) -> bool {
        match self {
            FenceMutex::None => false,
            FenceMutex::PerManager => true,
            FenceMutex::WithoutMerges => matches!(entrant, Entrant::Owner | Entrant::Schedule),
        }
    }
}

impl MutexRelease {
    /// Whether a handler that ends early keeps the mutex.
    pub(crate) fn is_forgotten(self, early: EarlyReturn) -> bool {
        use EarlyReturn::{Bootstrap, BootstrapOnClosedPath, PostBootstrap, PostBootstrapOnClosedPath};
        match (self, early) {
            (MutexRelease::Always, _) => false,
            (MutexRelease::NotOnClosedPath, BootstrapOnClosedPath | PostBootstrapOnClosedPath) => true,
            (MutexRelease::NotOnClosedPath, Bootstrap | PostBootstrap) => false,
            (MutexRelease::NotOnEarlyReturn, PostBootstrap | PostBootstrapOnClosedPath) => true,
            (MutexRelease::NotOnEarlyReturn, Bootstrap | BootstrapOnClosedPath) => false,
        }
    }
}

impl ResponseEpoch {
    pub(crate) fn of(self, epoch: Epoch) -> Epoch {
        match self {
            ResponseEpoch::Absent => Epoch::NONE,
            ResponseEpoch::Present => epoch,
        }
    }
}

/// What is wrong with the table trigger that is present, in the eyes of a bootstrap that brings another or none.
pub(crate) fn check_trigger(
    (foreign, unwanted): (ForeignTrigger, UnwantedTrigger),
    present: Option<DispatcherId>,
    requested: Option<DispatcherId>,
) -> Result<(), &'static str> {
    match (present, requested) {
        (Some(_), None) if unwanted.is_refused() => Err("there is a table trigger"),
        (Some(one), Some(other)) if one != other && foreign.is_refused() => {
            Err("the table trigger is another one")
        }
        _ => Ok(()),
    }
}
