//! Whom a dispatcher manager obeys: the owner and its epoch, and the rules by which they change (pingcap/ticdc#5435).

use crate::{Epoch, NodeId};

/// The maintainer that a manager follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Owner {
    /// Its node.
    pub node: Option<NodeId>,
    /// Its generation; zero: of a version without epochs.
    pub epoch: Epoch,
}

impl Owner {
    /// Whether a bootstrap request may take over. A larger epoch always may; an equal one only from the same node;
    /// without epochs the last one wins, and there is no way back to being without.
    pub(crate) fn can_update(&self, from: NodeId, epoch: Epoch) -> bool {
        if self.epoch == Epoch::NONE {
            return true;
        }
        epoch > self.epoch || epoch == self.epoch && self.node.is_none_or(|node| node == from)
    }

    /// Whether any other request is the owner's. A request of a newer generation is refused too: its sender has to
    /// bootstrap first.
    pub(crate) fn allows(&self, from: NodeId, epoch: Epoch) -> bool {
        let same_node = self.node == Some(from);
        if epoch == Epoch::NONE {
            return self.epoch == Epoch::NONE && (self.node.is_none() || same_node);
        }
        epoch == self.epoch && same_node
    }

    /// Whether a request is of no earlier generation, whoever sends it. One without an epoch is an early one (draft
    /// pingcap/ticdc#5181).
    pub(crate) fn is_not_after(&self, epoch: Epoch) -> bool {
        epoch >= self.epoch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: NodeId = NodeId { slot: 1, life: 0 };
    const B: NodeId = NodeId { slot: 2, life: 0 };

    fn owner(node: Option<NodeId>, epoch: u64) -> Owner {
        Owner { node, epoch: Epoch(epoch) }
    }

    #[test]
    fn bootstrap_takes_over_by_epoch() {
        for (local, from, epoch, expected) in [
            (owner(Some(A), 0), B, 0, true),
            (owner(Some(A), 0), B, 7, true),
            (owner(Some(A), 5), A, 0, false),
            (owner(Some(A), 5), B, 4, false),
            (owner(Some(A), 5), A, 5, true),
            (owner(None, 5), B, 5, true),
            (owner(Some(A), 5), B, 5, false),
            (owner(Some(A), 5), B, 6, true),
        ] {
            assert_eq!(local.can_update(from, Epoch(epoch)), expected, "{local:?} {from} {epoch}");
        }
    }

    #[test]
    fn a_draft_only_looks_for_earlier_generations() {
        for (local, epoch, expected) in [
            (owner(Some(A), 0), 0, true),
            (owner(Some(A), 0), 7, true),
            (owner(Some(A), 5), 0, false),
            (owner(Some(A), 5), 4, false),
            (owner(Some(A), 5), 5, true),
            (owner(Some(A), 5), 6, true),
        ] {
            assert_eq!(local.is_not_after(Epoch(epoch)), expected, "{local:?} {epoch}");
        }
    }

    #[test]
    fn other_requests_are_the_owners_or_nobodys() {
        for (local, from, epoch, expected) in [
            (owner(None, 0), B, 0, true),
            (owner(Some(A), 0), A, 0, true),
            (owner(Some(A), 0), B, 0, false),
            (owner(Some(A), 0), A, 7, false),
            (owner(Some(A), 5), A, 0, false),
            (owner(Some(A), 5), A, 5, true),
            (owner(Some(A), 5), B, 5, false),
            (owner(None, 5), A, 5, false),
            (owner(Some(A), 5), A, 4, false),
            (owner(Some(A), 5), A, 6, false),
        ] {
            assert_eq!(local.allows(from, Epoch(epoch)), expected, "{local:?} {from} {epoch}");
        }
    }
}
