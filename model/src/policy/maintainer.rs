//! Switches of the maintainer and its manager.

use serde::{Deserialize, Serialize};

use super::switch;
use crate::{Epoch, Ts};

/// The maintainer's switches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Maintainer {
    /// Whether a maintainer names its generation.
    pub stamp: EpochStamp,
    /// When a maintainer may be added where one is registered.
    pub add_admission: AddAdmission,
    /// Which request removes a maintainer.
    pub remove_admission: RemoveAdmission,
    /// Which answers a maintainer believes.
    pub response_fence: ResponseFence,
    /// When the answer to a close request counts.
    pub close_response: CloseResponse,
    /// Whether operators and schedulers run while the maintainer is removed.
    pub remove_operators: RemoveOperators,
    /// Whether a maintainer that is removed mends what statuses show.
    pub remove_self_heal: RemoveSelfHeal,
    /// Whether a maintainer that is removed follows the node set.
    pub remove_node_change: RemoveNodeChange,
    /// Whether a maintainer that is handed over goes on asking.
    pub remove_resend: RemoveResend,
    /// Where a dispatcher that is created again starts.
    pub start_clamp: StartClamp,
}

switch! {
    /// Whether a maintainer and its manager stamp their messages with the generation (maintainer page, `stamp_epoch_on_*`,
    /// `remove_missing_echo_epoch`).
    pub enum EpochStamp {
        /// They leave the field zero (before pingcap/ticdc#5435).
        Unstamped,
        /// They do (pingcap/ticdc#5435).
        Stamped,
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

switch! {
    /// When a maintainer may be added where one is registered (maintainer page, `add_requires_stopped_and_newer`).
    pub enum AddAdmission {
        /// Never (before pingcap/ticdc#5435).
        NeverOver,
        /// If that one is fully stopped and of an older generation (pingcap/ticdc#5435).
        StoppedAndOlder,
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

switch! {
    /// Which request removes a maintainer (maintainer page, `maint_remove_epoch_check`).
    pub enum RemoveAdmission {
        /// Any (before pingcap/ticdc#5435).
        Anybodys,
        /// One for its generation, or any if it knows none (pingcap/ticdc#5435).
        MatchingEpoch,
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

switch! {
    /// Which answers of dispatcher managers a maintainer believes (maintainer page, `maint_response_epoch_check`).
    pub enum ResponseFence {
        /// All (before pingcap/ticdc#5435).
        AnyEpoch,
        /// Those to its own generation, and those without one (pingcap/ticdc#5435).
        MatchingEpoch,
    }
}

impl ResponseFence {
    pub(crate) fn accepts(self, response: Epoch, local: Epoch) -> bool {
        match self {
            ResponseFence::AnyEpoch => true,
            ResponseFence::MatchingEpoch => response.matches(local),
        }
    }
}

switch! {
    /// When the answer to a close request counts (maintainer page, `close_resp_requires_removing`).
    pub enum CloseResponse {
        /// Always: a stray one can begin a removal (before pingcap/ticdc#5435).
        Always,
        /// While the maintainer is being removed (pingcap/ticdc#5435).
        WhileRemoving,
    }
}

impl CloseResponse {
    pub(crate) fn needs_removing(self) -> bool {
        match self {
            CloseResponse::Always => false,
            CloseResponse::WhileRemoving => true,
        }
    }
}

switch! {
    /// Whether operators and schedulers run while the maintainer is removed (maintainer page,
    /// `remove_quiesce_operators`).
    pub enum RemoveOperators {
        /// They do (before pingcap/ticdc#4828).
        Run,
        /// Only those of the table trigger do (pingcap/ticdc#4828).
        Quiesced,
    }
}

impl RemoveOperators {
    pub(crate) fn are_quiesced(self) -> bool {
        match self {
            RemoveOperators::Run => false,
            RemoveOperators::Quiesced => true,
        }
    }
}

switch! {
    /// Whether a maintainer that is removed mends what statuses show (maintainer page, `remove_skip_self_heal`).
    pub enum RemoveSelfHeal {
        /// It does (before pingcap/ticdc#4828).
        Heals,
        /// It does not (pingcap/ticdc#4828).
        Skips,
    }
}

impl RemoveSelfHeal {
    pub(crate) fn heals(self) -> bool {
        match self {
            RemoveSelfHeal::Heals => true,
            RemoveSelfHeal::Skips => false,
        }
    }
}

switch! {
    /// Whether a maintainer that is removed follows the node set (maintainer page, `remove_ignore_node_change`).
    pub enum RemoveNodeChange {
        /// It does (before pingcap/ticdc#4828).
        Follows,
        /// It does not (pingcap/ticdc#4828).
        Ignores,
    }
}

impl RemoveNodeChange {
    pub(crate) fn follows(self) -> bool {
        match self {
            RemoveNodeChange::Follows => true,
            RemoveNodeChange::Ignores => false,
        }
    }
}

switch! {
    /// Whether a maintainer that is handed over goes on asking for bootstrap and post-bootstrap (maintainer page,
    /// `remove_suppress_resend`).
    pub enum RemoveResend {
        /// It does (before pingcap/ticdc#4828).
        Resends,
        /// It does not (pingcap/ticdc#4828).
        Suppressed,
    }
}

impl RemoveResend {
    pub(crate) fn resends(self) -> bool {
        match self {
            RemoveResend::Resends => true,
            RemoveResend::Suppressed => false,
        }
    }
}

switch! {
    /// Where a dispatcher that is created again starts (maintainer page, `clamp_start_to_committed`).
    pub enum StartClamp {
        /// Where its last status was (before pingcap/ticdc#4548, review mutant MU-64).
        Unclamped,
        /// Not below the committed checkpoint (pingcap/ticdc#4548).
        Committed,
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
