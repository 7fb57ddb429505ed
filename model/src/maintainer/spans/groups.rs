//! Groups of spans: the tables that are whole are one group, and every table that is split is one of its own. A group
//! knows which of its spans nobody replicates, which are being given to a node, and which are replicated.
//!
//! As upstream, nothing here asks whether a span is still desired: who marks one that is not brings back a ghost. And the
//! spans by node are an index of their own, which follows what its callers say of the node until now.

use std::collections::{BTreeMap, BTreeSet};

use crate::{DispatcherId, NodeId, Span, TableId};

/// A group: all tables that are whole, or one that is split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::maintainer) enum GroupId {
    /// Spans that are a whole table.
    Default,
    /// Parts of this table.
    Table(TableId),
}

impl GroupId {
    pub(in crate::maintainer) fn of(span: Span) -> GroupId {
        if span == Span::whole(span.table) { GroupId::Default } else { GroupId::Table(span.table) }
    }
}

/// Where a span is on its way to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::maintainer) enum Placement {
    /// In no group: that of the table trigger, which is always on the maintainer's own node, or one that is gone.
    Nowhere,
    /// No node has it.
    Absent,
    /// An operator is giving it to a node.
    Scheduling,
    /// A node replicates it.
    Replicating,
}

/// The spans of one group.
#[derive(Clone, Debug, Default)]
pub(in crate::maintainer) struct Group {
    absent: BTreeSet<DispatcherId>,
    scheduling: BTreeSet<DispatcherId>,
    replicating: BTreeSet<DispatcherId>,
    nodes: BTreeMap<NodeId, BTreeSet<DispatcherId>>,
    /// How often in a row it was found to have too many spans.
    pub(in crate::maintainer) looks: u32,
}

impl Group {
    pub(super) fn place(&mut self, id: DispatcherId, placement: Placement) {
        for (of, ids) in [
            (Placement::Absent, &mut self.absent),
            (Placement::Scheduling, &mut self.scheduling),
            (Placement::Replicating, &mut self.replicating),
        ] {
            if of == placement {
                ids.insert(id)
            } else {
                ids.remove(&id)
            };
        }
    }

    /// A span changes its node; `from` is where its caller believes it to be.
    pub(super) fn rebind(&mut self, id: DispatcherId, from: Option<NodeId>, to: Option<NodeId>) {
        if let Some(from) = from
            && let Some(ids) = self.nodes.get_mut(&from)
        {
            ids.remove(&id);
            if ids.is_empty() {
                self.nodes.remove(&from);
            }
        }
        if let Some(to) = to {
            self.nodes.entry(to).or_default().insert(id);
        }
    }

    pub(in crate::maintainer) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(in crate::maintainer) fn len(&self) -> usize {
        self.absent.len() + self.scheduling.len() + self.replicating.len()
    }

    pub(in crate::maintainer) fn absent(&self) -> &BTreeSet<DispatcherId> {
        &self.absent
    }

    pub(in crate::maintainer) fn replicating(&self) -> &BTreeSet<DispatcherId> {
        &self.replicating
    }

    pub(in crate::maintainer) fn on_node(&self, node: NodeId) -> impl Iterator<Item = DispatcherId> {
        self.nodes.get(&node).into_iter().flatten().copied()
    }

    /// How many spans a node has or is being given.
    pub(in crate::maintainer) fn count_on(&self, node: NodeId) -> usize {
        self.nodes.get(&node).map_or(0, BTreeSet::len)
    }

    /// How many spans a node is being given.
    pub(in crate::maintainer) fn scheduling_on(&self, node: NodeId) -> usize {
        self.on_node(node).filter(|id| self.scheduling.contains(id)).count()
    }
}
