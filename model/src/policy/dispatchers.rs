//! Switches of the dispatcher orchestrator and its managers. S numbers are those of the protocol page.

use serde::{Deserialize, Serialize};

use super::switch;
use crate::{DispatcherId, Epoch, NodeId, dispatchers::Owner};

/// The switches of the dispatcher side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dispatchers {
    /// Which bootstrap request takes over a manager.
    pub bootstrap_fence: BootstrapFence,
    /// Which schedule requests are carried out.
    pub schedule_fence: ScheduleFence,
    /// Which post-bootstrap requests are carried out.
    pub post_bootstrap_fence: PostBootstrapFence,
    /// Which close requests are carried out.
    pub close_fence: CloseFence,
    /// Whether a change of the owner waits for what the old one began.
    pub fence_mutex: FenceMutex,
    /// Whether closed generations are remembered.
    pub tombstone: Tombstone,
    /// What happens to a request whose like waits already.
    pub pending_queue: PendingQueue,
    /// What becomes of a journal entry of an earlier owner.
    pub stale_journal: StaleJournal,
    /// When the journal entry of a Create is erased.
    pub create_journal: CreateJournal,
    /// Which journal entries a bootstrap response tells of.
    pub journal_report: JournalReport,
    /// Whether responses name a generation.
    pub response_epoch: ResponseEpoch,
    /// What a bootstrap request does about a table trigger that is there.
    pub trigger_validation: TriggerValidation,
    /// What a post-bootstrap request without a trigger is answered.
    pub missing_trigger: MissingTrigger,
    /// Whether managers under construction are known.
    pub initializing: Initializing,
    /// Whether what is built is checked again when it is published.
    pub publication: Publication,
    /// Whether closing a manager closes its write path first.
    pub write_path: WritePath,
}

switch! {
    /// Which bootstrap request takes over a manager (S15, S16; `dm_bootstrap_takeover_rule`).
    pub enum BootstrapFence {
        /// Every one, as the last step (before pingcap/ticdc#5435).
        LastWins,
        /// One of a larger epoch, or the owner again; before anything else is done (pingcap/ticdc#5435).
        ByEpoch,
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

switch! {
    /// Which schedule requests a manager carries out (S17; `dm_owner_epoch_fence`).
    pub enum ScheduleFence {
        /// All (before pingcap/ticdc#5435): the cause of pingcap/ticdc#5083.
        AnySender,
        /// Those of its owner and of the owner's epoch (pingcap/ticdc#5435).
        OwnerAndEpoch,
    }
}

impl ScheduleFence {
    pub(crate) fn admits(self, owner: &Owner, from: NodeId, epoch: Epoch) -> bool {
        match self {
            ScheduleFence::AnySender => true,
            ScheduleFence::OwnerAndEpoch => owner.allows(from, epoch),
        }
    }
}

switch! {
    /// Which post-bootstrap requests a manager carries out (S20).
    pub enum PostBootstrapFence {
        /// All (before pingcap/ticdc#5435).
        AnySender,
        /// Those of its owner and of the owner's epoch (pingcap/ticdc#5435).
        OwnerAndEpoch,
    }
}

impl PostBootstrapFence {
    pub(crate) fn admits(self, owner: &Owner, from: NodeId, epoch: Epoch) -> bool {
        match self {
            PostBootstrapFence::AnySender => true,
            PostBootstrapFence::OwnerAndEpoch => owner.allows(from, epoch),
        }
    }
}

switch! {
    /// Which close requests a manager carries out; the others are acknowledged (S21; `dm_stale_close_acked_not_executed`).
    pub enum CloseFence {
        /// All (before pingcap/ticdc#5435).
        AnySender,
        /// Those of its owner and of the owner's epoch (pingcap/ticdc#5435).
        OwnerAndEpoch,
    }
}

impl CloseFence {
    pub(crate) fn admits(self, owner: &Owner, from: NodeId, epoch: Epoch) -> bool {
        match self {
            CloseFence::AnySender => true,
            CloseFence::OwnerAndEpoch => owner.allows(from, epoch),
        }
    }
}

switch! {
    /// Whether whoever changes the owner and whoever acts on its word exclude each other (S24,
    /// `serialize_owner_change_with_side_effects`).
    pub enum FenceMutex {
        /// They do not (before pingcap/ticdc#5435).
        None,
        /// A mutex per manager (`MaintainerFenceMu`, pingcap/ticdc#5435).
        PerManager,
    }
}

impl FenceMutex {
    pub(crate) fn is_used(self) -> bool {
        match self {
            FenceMutex::None => false,
            FenceMutex::PerManager => true,
        }
    }
}

switch! {
    /// Whether an orchestrator remembers with which generation a changefeed was closed (S22, `closed_epoch_tombstone`).
    pub enum Tombstone {
        /// It does not (before pingcap/ticdc#5435).
        Forgotten,
        /// It does, and drops a bootstrap that is not of a later one (pingcap/ticdc#5435).
        ClosedEpoch,
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

switch! {
    /// What happens to a request whose like waits already (S23, `queue_epoch_replacement`).
    pub enum PendingQueue {
        /// It is dropped, but a close that removes replaces one that does not (before pingcap/ticdc#5435).
        FirstWins,
        /// It takes the place of one of an older epoch (pingcap/ticdc#5435).
        NewerEpochWins,
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

switch! {
    /// What becomes of the journal entry of an earlier owner when the present one sends its own request (S25,
    /// `journal_replaces_stale_entry`).
    pub enum StaleJournal {
        /// It blocks (before pingcap/ticdc#5435).
        Blocks,
        /// It is erased (pingcap/ticdc#5435).
        Erased,
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

switch! {
    /// When the journal entry of a Create is erased (S6, `keep_create_journal_until_dispatcher_exists`).
    pub enum CreateJournal {
        /// When the attempt is over, whatever came of it (before pingcap/ticdc#5106).
        UntilAttempted,
        /// When the dispatcher exists (pingcap/ticdc#5106).
        UntilItExists,
    }
}

impl CreateJournal {
    pub(crate) fn is_settled(self, exists: bool) -> bool {
        match self {
            CreateJournal::UntilAttempted => true,
            CreateJournal::UntilItExists => exists,
        }
    }
}

switch! {
    /// Which journal entries a bootstrap response tells of (S32, S33).
    pub enum JournalReport {
        /// All (before pingcap/ticdc#5436).
        All,
        /// Those of the present owner, and Removes of dispatchers that the same response reports (pingcap/ticdc#5436).
        CurrentAndReportedRemoves,
    }
}

impl JournalReport {
    /// `current`: the entry is the present owner's; `removes_reported`: it removes a dispatcher of the same response.
    pub(crate) fn includes(self, current: bool, removes_reported: bool) -> bool {
        match self {
            JournalReport::All => true,
            JournalReport::CurrentAndReportedRemoves => current || removes_reported,
        }
    }
}

switch! {
    /// Whether responses to maintainers name the generation that they answer (S26, `responses_carry_epoch`).
    pub enum ResponseEpoch {
        /// There is no such field (before pingcap/ticdc#5435).
        Absent,
        /// They do (pingcap/ticdc#5435).
        Present,
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

switch! {
    /// What a bootstrap request does about a table trigger that is there already (S29, S30, S31).
    pub enum TriggerValidation {
        /// Another one is kept silently (before pingcap/ticdc#5436).
        None,
        /// One that the request does not name is an error, before the owner changes (pingcap/ticdc#5436).
        BeforeTakeOver,
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

switch! {
    /// What a post-bootstrap request is answered where there is no table trigger (S35).
    pub enum MissingTrigger {
        /// Nothing (before pingcap/ticdc#5436).
        Silent,
        /// An error (pingcap/ticdc#5436).
        Reported,
    }
}

impl MissingTrigger {
    pub(crate) fn is_reported(self) -> bool {
        match self {
            MissingTrigger::Silent => false,
            MissingTrigger::Reported => true,
        }
    }
}

switch! {
    /// Whether managers under construction are known to the orchestrator (S3, `fence_covers_initializing_managers`).
    pub enum Initializing {
        /// They are not: a fence misses them (before pingcap/ticdc#5106).
        Unknown,
        /// They are registered first of all (pingcap/ticdc#5106).
        Registered,
    }
}

impl Initializing {
    pub(crate) fn is_registered(self) -> bool {
        match self {
            Initializing::Unknown => false,
            Initializing::Registered => true,
        }
    }
}

switch! {
    /// Whether the write path is looked at again when something that took long is published (S4,
    /// `write_path_recheck_on_publish`).
    pub enum Publication {
        /// It is not (before pingcap/ticdc#5106).
        Unchecked,
        /// It is (pingcap/ticdc#5106).
        Rechecked,
    }
}

impl Publication {
    pub(crate) fn is_rechecked(self) -> bool {
        match self {
            Publication::Unchecked => false,
            Publication::Rechecked => true,
        }
    }
}

switch! {
    /// Whether a manager that closes knows at once that nothing may be written any more.
    pub enum WritePath {
        /// It finds out in the end (before pingcap/ticdc#5106).
        Open,
        /// It does (`write_path_closed`, pingcap/ticdc#5106).
        ClosedAtOnce,
    }
}

impl WritePath {
    pub(crate) fn is_closed_at_once(self) -> bool {
        match self {
            WritePath::Open => false,
            WritePath::ClosedAtOnce => true,
        }
    }
}
