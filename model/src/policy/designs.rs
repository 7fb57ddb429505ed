//! Designs that competed with the versions of the line and were never merged, each with the commit of its branch.
//!
//! Both branch off from 99f48594f (2026-05-29), two weeks before `baseline`. Of what came in between only the drain of nodes
//! by the coordinator (pingcap/ticdc#4762) and what a resume of a running changefeed is answered (pingcap/ticdc#4894) concern
//! the protocol. They have none of what came after it: a node that loses its session does not fence itself
//! (pingcap/ticdc#5106), and a maintainer that is removed goes on with its work (pingcap/ticdc#4828). So each is `baseline`
//! with rules of its own, and nothing is built upon it.

use super::*;

/// The designs, by their numbers.
pub const DESIGNS: &[Preset] = &[
    Preset {
        name: "pr-5181",
        commit: "a9f6b9e16",
        about: "2026-06-01: receivers refuse earlier epochs, which nobody persists for a new owner (closed)",
        policy: pr_5181,
    },
    Preset {
        name: "pr-5182",
        commit: "271b31094",
        about: "2026-06-01: the generation fence in its first form, for orders to dispatchers only (closed, grew into #5434 to #5436)",
        policy: pr_5182,
    },
];

/// Lifecycle messages carry the epoch, and their receivers refuse those of an earlier one. Nothing stops what was begun
/// before: requests to create, remove and merge dispatchers carry no epoch.
fn pr_5181() -> Policy {
    let mut policy = baseline();
    policy.coordinator.wire_epoch = WireEpoch::Present;
    policy.coordinator.add_epoch = AddEpoch::Constructed;
    policy.coordinator.add_check = AddCheck::ExactEpoch;
    policy.coordinator.move_target_check = AddCheck::ExactEpoch;
    policy.coordinator.move_remove_epoch = MoveRemoveEpoch::Present;
    // The look at a status and the end of the stop are two steps, but only the event loop takes them, and it is the event
    // loop that loses nodes: nothing gets in between.
    policy.coordinator.stop_check = StopCheck::SenderUpToEpoch;
    policy.coordinator.adoption = Adoption::WhoeverWithEpoch;
    policy.coordinator.orphan_epoch = OrphanEpoch::Reported;
    policy.maintainer.stamp = EpochStamp::Lifecycle;
    policy.maintainer.generation = Generation::FromRequestOrConfig;
    policy.maintainer.remove_admission = RemoveAdmission::NotOlder;
    policy.maintainer.remove_refusal = RemoveRefusal::Answered;
    policy.maintainer.response_fence = ResponseFence::MatchingEpoch;
    policy.orchestrator.pending_queue = PendingQueue::NewerEpochWins;
    policy.orchestrator.manager_epoch = ManagerEpoch::FromRequestOrConfig;
    policy.orchestrator.bootstrap_fence = BootstrapFence::NotOlder;
    policy.orchestrator.post_bootstrap_fence = RequestFence::NotOlder;
    policy.orchestrator.post_bootstrap_owner = PostBootstrapOwner::Taken;
    policy.orchestrator.close_fence = CloseFence::OlderAcknowledged;
    policy.orchestrator.tombstone = Tombstone::NonZeroEpoch;
    policy.orchestrator.unnumbered_bootstrap = UnnumberedBootstrap::Admitted;
    policy.orchestrator.response_epoch = ResponseEpoch::Present;
    policy
}

/// The epoch is persisted for every owner, and reaches dispatcher managers by the configuration of the changefeed. They
/// obey their owner and its generation only; coordinator and maintainers are as before.
fn pr_5182() -> Policy {
    let mut policy = baseline();
    policy.coordinator.ownership_epoch = OwnershipEpoch::BumpedFirst;
    policy.coordinator.memory_epoch = MemoryEpoch::Kept;
    policy.coordinator.add_config = AddConfig::Present;
    policy.coordinator.bump_defaults = BumpDefaults::Left;
    policy.coordinator.resume = Resume::Bumped;
    policy.coordinator.warning = Warning::Bumped;
    policy.coordinator.bump_lock = BumpLock::Held;
    // Nothing gets in while the lock is held.
    policy.coordinator.bump_reservation = BumpReservation::None;
    policy.coordinator.bump_recheck = BumpRecheck::Skipped;
    // A warning takes the progress along, too. Nobody but the run loop itself writes that alone, so it is left out here.
    policy.coordinator.bump_job = BumpJob::Compared;
    policy.coordinator.bump_limit = BumpLimit::None;
    policy.coordinator.pd_fallback = PdFallback::Fails;
    policy.maintainer.stamp = EpochStamp::Requests;
    policy.maintainer.generation = Generation::FromConfig;
    policy.orchestrator.pending_queue = PendingQueue::NewerEpochOrRemovalWins;
    policy.orchestrator.manager_epoch = ManagerEpoch::FromRequest;
    policy.orchestrator.bootstrap_fence = BootstrapFence::ByEpoch;
    policy.orchestrator.takeover_order = TakeoverOrder::OwnerFirst;
    policy.orchestrator.post_bootstrap_fence = RequestFence::OwnerAndEpoch;
    policy.orchestrator.close_fence = CloseFence::StaleAcknowledged;
    policy.orchestrator.fence_mutex = FenceMutex::WithoutMerges;
    policy.dispatchers.schedule_fence = RequestFence::OwnerAndEpoch;
    policy.dispatchers.journal_key = JournalKey::DispatcherAndGeneration;
    policy.dispatchers.stale_creates = StaleCreates::Omitted;
    policy.dispatchers.stale_removes = StaleRemoves::Omitted;
    policy
}
