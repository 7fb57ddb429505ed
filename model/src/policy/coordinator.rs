//! Switches of the coordinator.

use serde::{Deserialize, Serialize};

use super::switch;
use crate::{
    Epoch, NodeId,
    coordinator::{Reports, Selection},
};

/// The coordinator's switches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Coordinator {
    /// When a new generation begins.
    pub ownership_epoch: OwnershipEpoch,
    /// Which epoch follows another.
    pub next_epoch: NextEpoch,
    /// Whether requests to maintainer managers name a generation.
    pub wire_epoch: WireEpoch,
    /// Which status ends an add.
    pub add_check: AddCheck,
    /// Which status ends a stop.
    pub stop_check: StopCheck,
    /// Which statuses update a changefeed.
    pub status_filter: StatusFilter,
    /// Which reporting maintainers a new term takes for owners.
    pub adoption: Adoption,
    /// With which epoch a maintainer of an unknown changefeed is removed.
    pub orphan_epoch: OrphanEpoch,
}

switch! {
    /// When a new generation of a maintainer begins (coordinator page, `persist_epoch_on_ownership_change`).
    pub enum OwnershipEpoch {
        /// With the changefeed; another owner has the same epoch (before pingcap/ticdc#5434).
        Unchanged,
        /// With every owner: the new epoch is persisted before the owner is told (pingcap/ticdc#5434).
        BumpedFirst,
    }
}

impl OwnershipEpoch {
    pub(crate) fn is_bumped(self) -> bool {
        match self {
            OwnershipEpoch::Unchanged => false,
            OwnershipEpoch::BumpedFirst => true,
        }
    }
}

switch! {
    /// Which epoch follows a persisted one (coordinator page, `epoch_max_persisted_plus_one`).
    pub enum NextEpoch {
        /// The oracle's timestamp, whatever it is (review mutant MU-30).
        Candidate,
        /// The oracle's timestamp, or one more than is persisted if that is larger (pingcap/ticdc#5434).
        AtLeastOneMore,
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

switch! {
    /// Whether AddMaintainer and RemoveMaintainer name a generation.
    pub enum WireEpoch {
        /// There is no such field (before pingcap/ticdc#5434).
        Absent,
        /// They do (pingcap/ticdc#5434).
        Present,
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

switch! {
    /// Which status of a working maintainer ends an add (coordinator page, `add_check_epoch`).
    pub enum AddCheck {
        /// Any (before pingcap/ticdc#5434).
        AnyEpoch,
        /// One of the changefeed's present generation, or of an unknown one (pingcap/ticdc#5434).
        MatchingEpoch,
    }
}

impl AddCheck {
    pub(crate) fn accepts(self, status: Epoch, current: Epoch) -> bool {
        match self {
            AddCheck::AnyEpoch => true,
            AddCheck::MatchingEpoch => status.matches(current),
        }
    }
}

switch! {
    /// Which status ends a stop (coordinator page, `stop_check_sender` and `stop_check_epoch`).
    pub enum StopCheck {
        /// From any node, of any generation (before pingcap/ticdc#5434).
        Anybody,
        /// From the node that was told, of the generation that it was told to stop (pingcap/ticdc#5434).
        SenderAndEpoch,
    }
}

impl StopCheck {
    pub(crate) fn accepts(self, status: (NodeId, Epoch), expected: (NodeId, Epoch)) -> bool {
        match self {
            StopCheck::Anybody => true,
            StopCheck::SenderAndEpoch => status.0 == expected.0 && status.1.matches(expected.1),
        }
    }
}

switch! {
    /// Which statuses update a changefeed (coordinator page, `status_epoch_filter`).
    pub enum StatusFilter {
        /// Those of the node that has it (before pingcap/ticdc#5434).
        AnyEpoch,
        /// Those of its present generation only (pingcap/ticdc#5434).
        MatchingEpoch,
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

switch! {
    /// Which reporting maintainer a new term takes for the owner (coordinator page, `bootstrap_select_by_epoch`,
    /// `bootstrap_tolerates_duplicates`).
    pub enum Adoption {
        /// Whichever reports; two of them are a fatal error (before pingcap/ticdc#5434).
        Whoever,
        /// The one of the persisted generation; the others are stopped (pingcap/ticdc#5434).
        ByEpoch,
    }
}

impl Adoption {
    pub(crate) fn select(self, current: Epoch, reports: Reports) -> Result<Selection, &'static str> {
        match self {
            Adoption::Whoever => Selection::whoever(reports),
            Adoption::ByEpoch => Selection::by_epoch(current, reports),
        }
    }
}

switch! {
    /// With which epoch a maintainer of an unknown changefeed is removed (coordinator page,
    /// `orphan_remove_reported_epoch`).
    pub enum OrphanEpoch {
        /// None (before pingcap/ticdc#5434).
        None,
        /// The one that it reports (pingcap/ticdc#5434).
        Reported,
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
