//! Asks every node something, and waits until all of them have answered or left: used by the coordinator for its
//! maintainer managers and by a maintainer for its dispatcher managers.

use std::collections::{BTreeMap, BTreeSet};

use sim::{Duration, Instant};

use crate::NodeId;

/// How soon a node that has not answered is asked again.
pub(crate) const RESEND: Duration = Duration::from_millis(500);

#[derive(Clone, Debug)]
struct Tracked<R> {
    initialized: bool,
    /// The last answer, until the answers are cleared.
    response: Option<R>,
    asked_at: Instant,
}

/// Who has been asked, who has answered, and what.
#[derive(Clone, Debug)]
pub(crate) struct Bootstrapper<R> {
    nodes: BTreeMap<NodeId, Tracked<R>>,
    all_ready: bool,
}

/// What a change of the node set means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct NodeChange {
    /// New nodes, to be asked now.
    pub(crate) added: Vec<NodeId>,
    /// Nodes that are no longer tracked.
    pub(crate) removed: Vec<NodeId>,
}

impl<R> Default for Bootstrapper<R> {
    fn default() -> Bootstrapper<R> {
        Bootstrapper { nodes: BTreeMap::new(), all_ready: false }
    }
}

impl<R> Bootstrapper<R> {
    pub(crate) fn on_nodes(&mut self, alive: &BTreeSet<NodeId>, now: Instant) -> NodeChange {
        let removed: Vec<NodeId> = self.nodes.keys().filter(|node| !alive.contains(node)).copied().collect();
        let added: Vec<NodeId> =
            alive.iter().filter(|node| !self.nodes.contains_key(node)).copied().collect();
        for node in &removed {
            self.nodes.remove(node);
        }
        for node in &added {
            self.nodes.insert(*node, Tracked { initialized: false, response: None, asked_at: now });
            self.all_ready = false;
        }
        NodeChange { added, removed }
    }

    /// Takes an answer; one from an untracked node is ignored, a repeated one replaces the first.
    pub(crate) fn on_response(&mut self, from: NodeId, response: R) {
        if let Some(tracked) = self.nodes.get_mut(&from) {
            tracked.initialized = true;
            tracked.response = Some(response);
        }
    }

    /// Whether the answers are complete, and have not been found so before. Without nodes they never are.
    pub(crate) fn collect(&mut self) -> bool {
        let complete = !self.nodes.is_empty() && self.nodes.values().all(|tracked| tracked.initialized);
        complete && !std::mem::replace(&mut self.all_ready, true)
    }

    /// The answers that have not been cleared.
    pub(crate) fn responses(&self) -> impl Iterator<Item = (NodeId, &R)> {
        self.nodes.iter().filter_map(|(node, tracked)| Some((*node, tracked.response.as_ref()?)))
    }

    /// Forgets the answers, not that they were given.
    pub(crate) fn clear(&mut self) {
        self.nodes.values_mut().for_each(|tracked| tracked.response = None);
    }

    /// The nodes to ask again; they count as asked now.
    pub(crate) fn resend(&mut self, now: Instant) -> Vec<NodeId> {
        if self.all_ready {
            return Vec::new();
        }
        let silent = self.nodes.iter_mut().filter(|(_, tracked)| !tracked.initialized);
        let due = silent.filter(|(_, tracked)| now.since(tracked.asked_at) >= RESEND);
        due.map(|(node, tracked)| {
            tracked.asked_at = now;
            *node
        })
        .collect()
    }

    pub(crate) fn is_initialized(&self, node: NodeId) -> bool {
        self.nodes.get(&node).is_some_and(|tracked| tracked.initialized)
    }

    pub(crate) fn nodes(&self) -> impl Iterator<Item = NodeId> {
        self.nodes.keys().copied()
    }

    /// The nodes that have not answered.
    pub(crate) fn silent(&self) -> impl Iterator<Item = NodeId> {
        self.nodes.iter().filter(|(_, tracked)| !tracked.initialized).map(|(node, _)| *node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes(slots: &[u8]) -> BTreeSet<NodeId> {
        slots.iter().map(|slot| node(*slot)).collect()
    }

    fn node(slot: u8) -> NodeId {
        NodeId { slot, life: 0 }
    }

    /// Upstream's `TestHandleNewNodes`: joins and leaves, before and after the answers were cleared.
    #[test]
    fn answers_are_complete_once() {
        let mut one = Bootstrapper::default();
        let now = Instant::START;
        assert!(!one.collect());
        assert_eq!(one.on_nodes(&nodes(&[1, 2]), now).added, [node(1), node(2)]);
        one.on_response(node(9), "stranger");
        one.on_response(node(1), "one");
        assert!(!one.collect());
        one.on_response(node(2), "two");
        assert!(one.collect());
        assert!(!one.collect());
        one.clear();
        assert_eq!(one.on_nodes(&nodes(&[1, 2, 3]), now).added, [node(3)]);
        assert!(!one.collect());
        one.on_response(node(3), "three");
        assert!(one.collect());
        assert_eq!(one.responses().collect::<Vec<_>>(), [(node(3), &"three")]);
        one.clear();
        assert_eq!(one.on_nodes(&nodes(&[2, 3]), now).removed, [node(1)]);
        assert!(!one.collect(), "still ready, nothing new");
        assert_eq!(
            one.on_nodes(&nodes(&[1, 3]), now),
            NodeChange { added: vec![node(1)], removed: vec![node(2)] }
        );
        assert!(!one.collect());
        one.on_response(node(1), "again");
        assert!(one.collect());
        assert_eq!(one.responses().collect::<Vec<_>>(), [(node(1), &"again")]);
    }

    /// Upstream's `TestResendBootstrapMessage`.
    #[test]
    fn only_the_silent_are_asked_again_and_not_too_soon() {
        let mut one: Bootstrapper<()> = Bootstrapper::default();
        let at = |n: u64| Instant::START + RESEND.split(2).times(n);
        one.on_nodes(&nodes(&[1]), at(0));
        one.on_nodes(&nodes(&[1, 2]), at(1));
        assert_eq!(one.resend(at(2)), [node(1)]);
        assert_eq!(one.resend(at(3)), [node(2)]);
    }
}
