//! Switches of the dispatcher orchestrator and its managers. S numbers are those of the protocol page.

use super::switches;
use crate::{
    DispatcherId, Epoch, NodeId,
    dispatchers::{ComponentState, Moment, Owner},
};

switches! {
    /// The switches of the dispatcher side.
    pub struct Dispatchers {
        /// Which bootstrap request takes over a manager (S15, S16; `dm_bootstrap_takeover_rule`).
        pub bootstrap_fence: BootstrapFence {
            /// Every one, as the last step (before pingcap/ticdc#5435).
            LastWins,
            /// One of a larger epoch, or the owner again; before anything else is done (pingcap/ticdc#5435).
            ByEpoch,
        },
        /// Which requests to create or remove dispatchers a manager carries out (S17, `dm_owner_epoch_fence`). Carrying out
        /// all of them is the cause of pingcap/ticdc#5083.
        pub schedule_fence: RequestFence {
            /// All (before pingcap/ticdc#5435).
            AnySender,
            /// Those of its owner and of the owner's epoch (pingcap/ticdc#5435).
            OwnerAndEpoch,
        },
        /// Which requests to merge dispatchers a manager carries out (S18, `fence_merge`).
        pub merge_fence: RequestFence,
        /// Which post-bootstrap requests a manager carries out (S20).
        pub post_bootstrap_fence: RequestFence,
        /// Which close requests a manager carries out; the others are acknowledged (S21,
        /// `dm_stale_close_acked_not_executed`).
        pub close_fence: RequestFence,
        /// Whether whoever changes the owner and whoever acts on its word exclude each other (S24,
        /// `serialize_owner_change_with_side_effects`).
        pub fence_mutex: FenceMutex: is_used {
            /// They do not (before pingcap/ticdc#5435).
            None => false,
            /// A mutex per manager (`MaintainerFenceMu`, pingcap/ticdc#5435).
            PerManager => true,
        },
        /// Whether an orchestrator remembers with which generation a changefeed was closed (S22, `closed_epoch_tombstone`).
        pub tombstone: Tombstone {
            /// It does not (before pingcap/ticdc#5435).
            Forgotten,
            /// It does, and drops a bootstrap that is not of a later one (pingcap/ticdc#5435).
            ClosedEpoch,
        },
        /// What happens to a request whose like waits already (S23, `queue_epoch_replacement`).
        pub pending_queue: PendingQueue {
            /// It is dropped, but a close that removes replaces one that does not (before pingcap/ticdc#5435).
            FirstWins,
            /// It takes the place of one of an older epoch (pingcap/ticdc#5435).
            NewerEpochWins,
        },
        /// What becomes of the journal entry of an earlier owner when the present one sends its own request (S25,
        /// `journal_replaces_stale_entry`).
        pub stale_journal: StaleJournal {
            /// It blocks (before pingcap/ticdc#5435).
            Blocks,
            /// It is erased (pingcap/ticdc#5435).
            Erased,
        },
        /// When the journal entry of a Create is erased (S6, `keep_create_journal_until_dispatcher_exists`).
        pub create_journal: CreateJournal {
            /// When the attempt is over, whatever came of it (before pingcap/ticdc#5106).
            UntilAttempted,
            /// When the dispatcher exists (pingcap/ticdc#5106).
            UntilItExists,
        },
        /// What tells entries of the journal apart.
        pub journal_key: JournalKey {
            /// The dispatcher.
            Dispatcher,
            /// The dispatcher and the generation, so that two requests for one dispatcher can be under way (the text of
            /// pingcap/ticdc#5182; review mutant M4).
            DispatcherAndGeneration,
        },
        /// Whether a bootstrap response tells of Creates that an earlier owner has begun (S32,
        /// `bootstrap_omits_stale_creates`).
        pub stale_creates: StaleCreates: are_told {
            /// It does (before pingcap/ticdc#5436).
            Told => true,
            /// It does not (pingcap/ticdc#5436).
            Omitted => false,
        },
        /// Whether a bootstrap response tells of Removes that an earlier owner has begun (S33,
        /// `bootstrap_stale_remove_only_if_reported`).
        pub stale_removes: StaleRemoves {
            /// It does (before pingcap/ticdc#5436).
            Told,
            /// Of those whose dispatcher it reports (pingcap/ticdc#5436).
            ToldIfReported,
        },
        /// Whether a manager writes down the merges that it has begun, for the next maintainer (S36, `merge_journal`).
        pub merge_journal: MergeJournal: is_kept {
            /// It does not: the next maintainer sees spans that overlap (before pingcap/ticdc#3769).
            None => false,
            /// It does, and tells of them in bootstrap responses (pingcap/ticdc#3769).
            Kept => true,
        },
        /// When a merge is written down (S37, `merge_journal_after_owner_check`).
        pub merge_journal_moment: MergeJournalMoment {
            /// When it has turned out to be the owner's.
            Admitted,
            /// When it arrives, whoever sent it (review of pingcap/ticdc#3769).
            Received,
        },
        /// When a merge that was written down is finished (S38, `merge_journal_kept_until_sources_gone`).
        pub merge_journal_end: MergeJournalEnd {
            /// When the sources are gone and the target works.
            SourcesGone,
            /// When the target has taken over, though its sources are still there (review of pingcap/ticdc#3769).
            Committed,
        },
        /// What the merge journal keeps.
        pub merge_journal_entry: MergeJournalEntry: is_shared {
            /// A copy of the request.
            Copy => false,
            /// The request itself, which a maintainer of the same process may use again (review mutant M27).
            Pointer => true,
        },
        /// Whether the merge journal keeps a request that names no target.
        pub merge_journal_key: MergeJournalKey: takes_none {
            /// It does not.
            Named => false,
            /// It does (review mutant M28).
            Any => true,
        },
        /// How often a manager reports where low latency is configured (S39, `low_latency_heartbeat`).
        pub heartbeat_pace: HeartbeatPace {
            /// As often as elsewhere: every 200 ms (before pingcap/ticdc#5862).
            Ordinary,
            /// Every 50 ms, from the first dispatcher on (pingcap/ticdc#5862).
            AsConfigured,
        },
        /// Whether responses to maintainers name the generation that they answer (S26, `responses_carry_epoch`).
        pub response_epoch: ResponseEpoch {
            /// There is no such field (before pingcap/ticdc#5435).
            Absent,
            /// They do (pingcap/ticdc#5435).
            Present,
        },
        /// What a bootstrap request does about a table trigger that is there already (S29, S30, S31).
        pub trigger_validation: TriggerValidation {
            /// Another one is kept silently (before pingcap/ticdc#5436).
            None,
            /// One that the request does not name is an error, before the owner changes (pingcap/ticdc#5436).
            BeforeTakeOver,
        },
        /// What a post-bootstrap request is answered where there is no table trigger (S35).
        pub missing_trigger: MissingTrigger: is_reported {
            /// Nothing (before pingcap/ticdc#5436).
            Silent => false,
            /// An error (pingcap/ticdc#5436).
            Reported => true,
        },
        /// Whether managers under construction are known to the orchestrator (S3, `fence_covers_initializing_managers`).
        pub initializing: Initializing: is_registered {
            /// They are not: a fence misses them (before pingcap/ticdc#5106).
            Unknown => false,
            /// They are registered first of all (pingcap/ticdc#5106).
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
            /// It finds out in the end (before pingcap/ticdc#5106).
            Open => false,
            /// It does (`write_path_closed`, pingcap/ticdc#5106).
            ClosedAtOnce => true,
        },
    }
}

impl BootstrapFence {
    pub(crate) fn admits(self, owner: &Owner, from: NodeId, epoch: Epoch) -> bool {
        match self {
            BootstrapFence::LastWins => true,
            BootstrapFence::ByEpoch => owner.can_update(from, epoch),
        }
    }

    /// Whether the owner changes before a missing trigger is created, or after.
    pub(crate) fn is_owner_first(self) -> bool {
        match self {
            BootstrapFence::LastWins => false,
            BootstrapFence::ByEpoch => true,
        }
    }

    /// The owner after a bootstrap. Without the fence the epoch of the first one stays.
    pub(crate) fn new_owner(self, old: &Owner, from: NodeId, epoch: Epoch) -> Owner {
        match self {
            BootstrapFence::LastWins => Owner { node: Some(from), epoch: old.epoch },
            BootstrapFence::ByEpoch => Owner { node: Some(from), epoch },
        }
    }
}

impl RequestFence {
    pub(crate) fn admits(self, owner: &Owner, from: NodeId, epoch: Epoch) -> bool {
        match self {
            RequestFence::AnySender => true,
            RequestFence::OwnerAndEpoch => owner.allows(from, epoch),
        }
    }
}

impl Tombstone {
    pub(crate) fn is_kept(self) -> bool {
        match self {
            Tombstone::Forgotten => false,
            Tombstone::ClosedEpoch => true,
        }
    }

    /// Whether a bootstrap creates a manager again. Nothing is remembered where nothing is kept.
    pub(crate) fn lets_in(closed: Epoch, epoch: Epoch) -> bool {
        epoch > closed
    }
}

impl PendingQueue {
    /// Whether a request of one epoch takes the place of one of another.
    pub(crate) fn replaces(self, waiting: Epoch, incoming: Epoch) -> bool {
        match self {
            PendingQueue::FirstWins => false,
            PendingQueue::NewerEpochWins => incoming > waiting,
        }
    }

    /// Whether a close that removes takes the place of one that does not.
    pub(crate) fn upgrades(self, waiting: Epoch, incoming: Epoch) -> bool {
        match self {
            PendingQueue::FirstWins => true,
            PendingQueue::NewerEpochWins => incoming >= waiting,
        }
    }
}

impl StaleJournal {
    pub(crate) fn keeps(self, owner: &Owner, from: NodeId, epoch: Epoch) -> bool {
        match self {
            StaleJournal::Blocks => true,
            StaleJournal::Erased => owner.allows(from, epoch),
        }
    }
}

impl CreateJournal {
    /// `closed`: the attempt ended because the write path is closed.
    pub(crate) fn is_settled(self, closed: bool, exists: bool) -> bool {
        match self {
            CreateJournal::UntilAttempted => true,
            CreateJournal::UntilItExists => !closed && exists,
        }
    }
}

impl JournalKey {
    /// What of the generation is part of a key.
    pub(crate) fn generation(self, epoch: Epoch) -> Epoch {
        match self {
            JournalKey::Dispatcher => Epoch::NONE,
            JournalKey::DispatcherAndGeneration => epoch,
        }
    }
}

impl StaleRemoves {
    pub(crate) fn are_told(self, reported: bool) -> bool {
        match self {
            StaleRemoves::Told => true,
            StaleRemoves::ToldIfReported => reported,
        }
    }
}

impl MergeJournalMoment {
    pub(crate) fn is(self, moment: Moment) -> bool {
        match self {
            MergeJournalMoment::Admitted => moment == Moment::Admitted,
            MergeJournalMoment::Received => moment == Moment::Received,
        }
    }
}

impl MergeJournalEnd {
    /// `target`: its state, if it is there.
    pub(crate) fn is_reached(self, sources_left: bool, target: Option<ComponentState>) -> bool {
        use ComponentState::{MergeReady, Preparing, Working};
        match self {
            MergeJournalEnd::SourcesGone => !sources_left && target.is_none_or(|state| state == Working),
            MergeJournalEnd::Committed => target.is_none_or(|state| !matches!(state, Preparing | MergeReady)),
        }
    }
}

impl HeartbeatPace {
    /// `configured`: whether low latency is.
    pub(crate) fn is_fast(self, configured: bool) -> bool {
        match self {
            HeartbeatPace::Ordinary => false,
            HeartbeatPace::AsConfigured => configured,
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

impl TriggerValidation {
    pub(crate) fn check(
        self,
        present: Option<DispatcherId>,
        requested: Option<DispatcherId>,
    ) -> Result<(), &'static str> {
        match (self, present, requested) {
            (TriggerValidation::None, ..) | (TriggerValidation::BeforeTakeOver, None, _) => Ok(()),
            (TriggerValidation::BeforeTakeOver, Some(_), None) => Err("there is a table trigger"),
            (TriggerValidation::BeforeTakeOver, Some(one), Some(other)) if one == other => Ok(()),
            (TriggerValidation::BeforeTakeOver, Some(_), Some(_)) => Err("the table trigger is another one"),
        }
    }
}
