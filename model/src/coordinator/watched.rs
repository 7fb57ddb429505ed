//! What a coordinator has heard and done, for whoever watches it. Nobody who takes part in the protocol asks this.

use crate::{
    ChangefeedId, Misery, NodeId,
    coordinator::{Coordinator, MaintainerStatus, changefeeds::ObjectId},
};

/// What is known of the errors of a changefeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    pub(super) object: ObjectId,
    /// How many errors have counted.
    pub(super) errors: u64,
    pub(super) in_series: bool,
    pub(super) given_up: bool,
}

impl Heard {
    /// Whether a series of errors is on.
    pub fn is_in_series(&self) -> bool {
        self.in_series || self.given_up
    }

    /// Whether nothing is tried any more.
    pub fn is_given_up(&self) -> bool {
        self.given_up
    }
}

impl Coordinator {
    /// What is wrong with the lives of operators of this term.
    pub fn miseries(&self) -> impl Iterator<Item = (ChangefeedId, Misery)> {
        self.term.iter().flat_map(|term| term.operators.miseries())
    }

    /// What this term has heard of errors.
    pub fn heard(&self) -> impl Iterator<Item = (ChangefeedId, Heard)> {
        self.term.iter().flat_map(|term| term.changefeeds.iter().map(|(cf, one)| (cf, one.heard())))
    }

    /// Whether a status that comes from a node is that of the owner of its changefeed, as far as this term knows.
    pub fn listens_to(&self, from: NodeId, status: &MaintainerStatus) -> bool {
        let Some(term) = &self.term else { return false };
        let owner = term.changefeeds.get(status.cf).and_then(|one| one.node);
        owner == Some(from) && term.bootstrapper.is_initialized(from)
    }

    /// Whether there is something that it has been told and has not handled.
    pub fn has_events(&self) -> bool {
        self.term.as_ref().is_some_and(|term| term.loading || !term.events.is_empty())
    }
}
