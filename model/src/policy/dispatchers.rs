//! Switches of the dispatcher managers. What S and M numbers mean: docs/policies.md.

use super::switches;
use crate::{
    Epoch, NodeId,
    dispatchers::{ComponentState, Moment, Owner},
};

switches! {
    /// The switches of the dispatcher side.
    pub struct Dispatchers {
        /// Which requests to create or remove dispatchers a manager carries out (S17, `dm_owner_epoch_fence`). Carrying out
        /// all of them is the cause of pingcap/ticdc#5083.
        pub schedule_fence: RequestFence {
            /// All (before pingcap/ticdc#5435).
            AnySender,
            /// Those of its owner and of the owner's epoch (pingcap/ticdc#5435).
            OwnerAndEpoch,
            /// Those of no earlier epoch than the owner's, whoever sends them (draft pingcap/ticdc#5181, for post-bootstrap
            /// requests).
            NotOlder,
        },
        /// Which requests to merge dispatchers a manager carries out (S18, `fence_merge`).
        pub merge_fence: RequestFence,
        /// Which answers to reports about block events a manager hands out (S19, `fence_heartbeat_response`).
        pub heartbeat_response_fence: RequestFence,
        /// From when on a table that comes holds back the checkpoint of the table trigger (S13,
        /// `add_table_checkpoint_blocker`).
        pub add_table_blocker: AddTableBlocker: is_installed_first {
            /// From after its DDL was flushed, so that there is a gap (before pingcap/ticdc#5402).
            AfterFlush => false,
            /// From before its DDL is written (pingcap/ticdc#5402).
            BeforeWrite => true,
        },
        /// Whether a checkpoint is passed on to the downstream when the write path is closed (S8,
        /// `checkpoint_and_redo_meta_stop_on_fence`).
        pub checkpoint_gate: CheckpointGate: asks_for_write_path {
            /// It is (before pingcap/ticdc#5106).
            Always => false,
            /// It is not (pingcap/ticdc#5106).
            WhileOpen => true,
        },
        /// Which messages about the redo log a manager heeds (S34, `fence_redo_control`; pingcap/ticdc#5436).
        pub redo_fence: RequestFence,
        /// Whether the redo meta follows the maintainer when the write path is closed (S8,
        /// `checkpoint_and_redo_meta_stop_on_fence`).
        pub redo_meta_gate: CheckpointGate,
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
            /// It does not (draft pingcap/ticdc#5182, review mutant MU-48).
            Omitted,
        },
        /// From which watermark a report of changed states starts; what has changed lowers it.
        pub status_watermark: StatusWatermark {
            /// From the one that was known when the report before it had been made: minutes ago, perhaps. It may be higher than what
            /// dispatchers have come to that were created meanwhile, and its number keeps the lower ones away (all versions).
            AfterTheOneBefore,
            /// From the latest one when the report is made; a dispatcher may have come since. No version does this.
            ForTheReport,
            /// From that of all dispatchers that are there now. No version does this.
            Computed,
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
            /// When it arrives, whoever sent it (review mutant MU-58).
            Received,
        },
        /// When a merge that was written down is finished (S38, `merge_journal_kept_until_sources_gone`).
        pub merge_journal_end: MergeJournalEnd {
            /// When the sources are gone and the target works.
            SourcesGone,
            /// When the target has taken over, though its sources are still there (review mutant MU-57).
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
        /// Whether a table trigger that is told to go waits until its maintainer has taken note of the tables that it has created.
        pub trigger_leave: TriggerLeave: waits {
            /// It does (since pingcap/ticdc#5402 and before).
            WaitsForNote => true,
            /// It does not: whoever comes next starts before them (what F19 asks for; no version).
            AtOnce => false,
        },
        /// What a dispatcher waits for that is to go while its sink has seen an error, and workers of it go on.
        pub abnormal_sink: AbnormalSink: is_awaited {
            /// Nothing: its rows may be written later (every version).
            LeftAtOnce => false,
            /// That they are downstream, or the last worker has ended (what F55 asks for; in no version).
            Awaited => true,
        },
        /// What counts for a table about which nothing is recorded downstream, when a syncpoint is.
        pub syncpoint_record: SyncpointRecord: counts_alone {
            /// Nothing (all versions).
            OnlyBesideOwn => false,
            /// The syncpoint (what F27 asks for; no version).
            Alone => true,
        },
        /// What becomes of the target of a merge that is removed before it takes over.
        pub removed_target: RemovedTarget: is_cleaned {
            /// It stays, and nobody hears of its end: heartbeats pass it by (every version).
            Stays => false,
            /// It is cleaned and reported as stopped, as any other dispatcher is (proposed).
            Cleaned => true,
        },
        /// How often a manager reports where low latency is configured (S39, `low_latency_heartbeat`).
        pub heartbeat_pace: HeartbeatPace {
            /// As often as elsewhere: every 200 ms (before pingcap/ticdc#5862).
            Ordinary,
            /// Every 50 ms, from the first dispatcher on (pingcap/ticdc#5862).
            AsConfigured,
        },
    }
}

impl RequestFence {
    /// Whether anybody asks at all.
    pub(crate) fn is_asked(self) -> bool {
        self != RequestFence::AnySender
    }

    pub(crate) fn admits(self, owner: &Owner, from: NodeId, epoch: Epoch) -> bool {
        match self {
            RequestFence::AnySender => true,
            RequestFence::OwnerAndEpoch => owner.allows(from, epoch),
            RequestFence::NotOlder => owner.is_not_after(epoch),
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
            StaleRemoves::Omitted => false,
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
