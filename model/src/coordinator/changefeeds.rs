//! The changefeeds of a term: where each of them is maintained, and how it is doing.

use std::collections::BTreeMap;

use sim::Instant;

use crate::{
    ChangefeedId, NodeId, Ts,
    coordinator::{MaintainerStatus, backoff::Backoff},
    etcd::ChangefeedInfo,
};

/// Where a changefeed is on its way to a maintainer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Placement {
    /// Nobody maintains it.
    Absent,
    /// An operator is giving it to a node.
    Scheduling,
    /// A node maintains it.
    Replicating,
    /// Nobody is to maintain it.
    Stopped,
}

/// A changefeed in memory.
#[derive(Clone, Debug)]
pub(super) struct Changefeed {
    /// The latest copy of what is persisted.
    pub(super) info: ChangefeedInfo,
    pub(super) placement: Placement,
    pub(super) node: Option<NodeId>,
    /// The last status that was accepted.
    pub(super) status: MaintainerStatus,
    /// The last checkpoint that was persisted.
    pub(super) saved: Ts,
    pub(super) is_new: bool,
    pub(super) backoff: Backoff,
}

#[derive(Clone, Debug, Default)]
pub(super) struct ChangefeedDb {
    all: BTreeMap<ChangefeedId, Changefeed>,
}

impl Placement {
    pub(super) fn name(self) -> &'static str {
        match self {
            Placement::Absent => "absent",
            Placement::Scheduling => "scheduling",
            Placement::Replicating => "replicating",
            Placement::Stopped => "stopped",
        }
    }
}

impl ChangefeedDb {
    pub(super) fn insert(&mut self, cf: ChangefeedId, changefeed: Changefeed) {
        self.all.insert(cf, changefeed);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (ChangefeedId, &Changefeed)> {
        self.all.iter().map(|(cf, one)| (*cf, one))
    }

    pub(super) fn get(&self, cf: ChangefeedId) -> Option<&Changefeed> {
        self.all.get(&cf)
    }

    pub(super) fn get_mut(&mut self, cf: ChangefeedId) -> Option<&mut Changefeed> {
        self.all.get_mut(&cf)
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// The changefeeds that nobody maintains.
    pub(super) fn absent(&self) -> impl Iterator<Item = ChangefeedId> {
        let absent = self.all.iter().filter(|(_, one)| one.placement == Placement::Absent);
        absent.map(|(cf, _)| *cf)
    }

    /// Those of them that may be tried now.
    pub(super) fn runnable(&self, now: Instant) -> impl Iterator<Item = ChangefeedId> {
        let may = move |cf: &ChangefeedId| self.get(*cf).is_some_and(|one| one.backoff.should_run(now));
        self.absent().filter(may)
    }

    /// The changefeeds that are bound to a node.
    pub(super) fn on_node(&self, node: NodeId) -> impl Iterator<Item = ChangefeedId> {
        self.all.iter().filter(move |(_, one)| one.node == Some(node)).map(|(cf, _)| *cf)
    }

    pub(super) fn bind(&mut self, cf: ChangefeedId, node: NodeId) {
        self.change(cf, Placement::Scheduling, Some(node));
    }

    /// It keeps its node.
    pub(super) fn mark_scheduling(&mut self, cf: ChangefeedId) {
        if let Some(one) = self.all.get_mut(&cf) {
            one.placement = Placement::Scheduling;
        }
    }

    pub(super) fn mark_replicating(&mut self, cf: ChangefeedId) {
        if let Some(one) = self.all.get_mut(&cf) {
            one.placement = Placement::Replicating;
        }
    }

    pub(super) fn mark_absent(&mut self, cf: ChangefeedId) {
        self.change(cf, Placement::Absent, None);
    }

    /// A changefeed that has been stopped because of an error is to be placed again, when it may be tried.
    pub(super) fn wait_for_another_try(&mut self, cf: ChangefeedId) {
        if let Some(one) = self.all.get_mut(&cf) {
            one.placement = Placement::Absent;
            one.is_new = false;
        }
    }

    /// Takes a changefeed out of service: the node that had it, if any.
    pub(super) fn stop(&mut self, cf: ChangefeedId, removed: bool) -> Option<NodeId> {
        let node = self.all.get(&cf).and_then(|one| one.node);
        if removed {
            self.all.remove(&cf);
        } else {
            self.change(cf, Placement::Stopped, None);
        }
        node
    }

    fn change(&mut self, cf: ChangefeedId, placement: Placement, node: Option<NodeId>) {
        if let Some(one) = self.all.get_mut(&cf) {
            one.placement = placement;
            one.node = node;
        }
    }
}
