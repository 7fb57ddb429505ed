//! What to do about the spans of one split table: part those with too many regions, join all if there are few, or join
//! neighbours if there are more spans than needed, moving them together first.
//!
//! Upstream also weighs how much is written to each span. Here every span counts as one that is hardly written to: what
//! the real maintainer does about a table that is busy on one node alone (above 1 MB/s) has no counterpart.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Cx, DispatcherId, NodeId, Span};

/// At most so many merges of one table are begun at once.
const MOST_MERGES: usize = 8;
/// At most so many spans are moved so that they can be merged.
const MOST_MOVES: usize = 16;
/// Merges are begun only after so many looks that found too many spans.
const PATIENCE: u32 = 5;
/// How much is written to a span.
const TRAFFIC: i64 = 1;

/// A span of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) id: DispatcherId,
    pub(super) span: Span,
    pub(super) node: Option<NodeId>,
    pub(super) regions: usize,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Into so many parts, which stay on the node of the span.
    Split {
        id: DispatcherId,
        parts: usize,
        node: NodeId,
    },
    Move {
        id: DispatcherId,
        to: NodeId,
    },
    /// Neighbours, in the order of their keys.
    Merge(Vec<DispatcherId>),
}

/// What there is to decide.
#[derive(Clone, Debug)]
pub(super) struct Check {
    /// All spans of the table, in the order of their keys.
    pub(super) parts: Vec<Part>,
    /// The nodes that are there.
    pub(super) nodes: Vec<NodeId>,
    /// A span with more regions is parted.
    pub(super) threshold: usize,
    /// Whether some span is more than 30 s behind.
    pub(super) lags: bool,
    /// Whether nodes with equally many spans are taken in the opposite order.
    pub(super) descending: bool,
}

/// The spans of the table are not one behind the other, which the real process does not survive.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotContinuous;

impl Check {
    /// What to do. `looks`: how often in a row there were too many spans.
    pub(super) fn decide(&self, looks: &mut u32, cx: &mut Cx) -> Result<Vec<Action>, NotContinuous> {
        let patience = std::mem::take(looks);
        let here = |part: &&Part| part.node.is_some_and(|node| self.nodes.contains(&node));
        let total: usize = self.parts.iter().filter(here).map(|part| part.regions).sum();
        let split = self.too_large();
        if !split.is_empty() {
            return Ok(split);
        }
        if total <= self.threshold / 2 {
            return Ok(self.merge_all(cx));
        }
        let needed = total.div_ceil(self.threshold.max(1)).max(self.nodes.len()) * 2;
        if self.lags || needed >= self.parts.len() {
            return Ok(Vec::new());
        }
        *looks = patience + 1;
        if *looks < PATIENCE {
            return Ok(Vec::new());
        }
        let merges = self.neighbours()?;
        Ok(if merges.is_empty() { self.moves(cx) } else { merges })
    }

    fn too_large(&self) -> Vec<Action> {
        let large = self.parts.iter().filter(|part| part.regions > self.threshold);
        let split = large.filter_map(|part| {
            let node = part.node.filter(|node| self.nodes.contains(node))?;
            Some(Action::Split { id: part.id, parts: part.regions.div_ceil(self.threshold.max(1)), node })
        });
        split.collect()
    }

    /// All to one of the nodes that have any, and then all into one.
    fn merge_all(&self, cx: &mut Cx) -> Vec<Action> {
        let used: BTreeSet<NodeId> = self.parts.iter().filter_map(|part| part.node).collect();
        let used: Vec<NodeId> = used.into_iter().filter(|node| self.nodes.contains(node)).collect();
        match used[..] {
            [] => Vec::new(),
            [_] => vec![Action::Merge(self.parts.iter().map(|part| part.id).collect())],
            _ => {
                let to = used[cx.out.choose("node to merge on", used.len())];
                let others = self.parts.iter().filter(|part| part.node != Some(to));
                others.map(|part| Action::Move { id: part.id, to }).collect()
            }
        }
    }

    /// How many regions joined spans may have together.
    fn joined(&self) -> usize {
        self.threshold / 4 * 3
    }

    /// Neighbours on one node that can be joined as they are.
    fn neighbours(&self) -> Result<Vec<Action>, NotContinuous> {
        let mut merges = Vec::new();
        let mut run: Vec<&Part> = Vec::new();
        for part in &self.parts {
            if let Some(before) = run.last() {
                if before.span.to != part.span.from {
                    return Err(NotContinuous);
                }
                let regions: usize = run.iter().map(|part| part.regions).sum();
                if before.node != part.node || regions + part.regions > self.joined() {
                    merges.extend(merge(&run));
                    run.clear();
                    if merges.len() == MOST_MERGES {
                        return Ok(merges);
                    }
                }
            }
            run.push(part);
        }
        merges.extend(merge(&run));
        Ok(merges)
    }

    /// The node with the fewest spans, and that with the most.
    fn extremes(&self) -> Option<(NodeId, NodeId)> {
        let mut nodes = self.nodes.clone();
        nodes.sort();
        if self.descending {
            nodes.reverse();
        }
        let load = self.load();
        nodes.sort_by_key(|node| load[node]);
        Some((*nodes.first()?, *nodes.last()?))
    }

    fn load(&self) -> BTreeMap<NodeId, i64> {
        let mut load: BTreeMap<NodeId, i64> = self.nodes.iter().map(|node| (*node, 0)).collect();
        for node in self.parts.iter().filter_map(|part| part.node) {
            if let Some(load) = load.get_mut(&node) {
                *load += TRAFFIC;
            }
        }
        load
    }

    /// Moves after which neighbours can be joined, and which leave no node with less or more than some node has now.
    fn moves(&self, cx: &mut Cx) -> Vec<Action> {
        let Some((few, many)) = self.extremes() else { return Vec::new() };
        let on = |node: NodeId| self.parts.iter().filter(move |part| part.node == Some(node));
        if on(few).next().is_none() {
            let movable: Vec<&Part> = on(many).collect();
            if !movable.is_empty() {
                let part = movable[cx.out.choose("span to move", movable.len())];
                return vec![Action::Move { id: part.id, to: few }];
            }
        }
        let mut nodes = self.nodes.clone();
        cx.shuffle(&mut nodes, "order of nodes");
        let mut plan = Plan::new(self, few, many);
        nodes.sort_by_key(|node| plan.load[node]);
        for node in nodes {
            for n in 0..self.parts.len() {
                if plan.actions.len() >= MOST_MOVES {
                    return plan.actions;
                }
                plan.consider(n, node);
            }
        }
        plan.actions
    }
}

fn merge(run: &[&Part]) -> Option<Action> {
    (run.len() > 1).then(|| Action::Merge(run.iter().map(|part| part.id).collect()))
}

/// Moves that have been found so far, and what comes of them.
struct Plan<'a> {
    check: &'a Check,
    load: BTreeMap<NodeId, i64>,
    /// What no node may have less or more than.
    bounds: (i64, i64),
    /// Spans that stay as they are: they move, or are to be merged with one that does.
    chosen: BTreeSet<usize>,
    targets: BTreeMap<usize, NodeId>,
    actions: Vec<Action>,
}

impl<'a> Plan<'a> {
    fn new(check: &'a Check, few: NodeId, many: NodeId) -> Plan<'a> {
        let load = check.load();
        let bounds = (load[&few], load[&many]);
        let (chosen, targets) = (BTreeSet::new(), BTreeMap::new());
        Plan { check, load, bounds, chosen, targets, actions: Vec::new() }
    }

    fn node(&self, n: usize) -> Option<NodeId> {
        self.targets.get(&n).copied().or(self.check.parts[n].node)
    }

    /// Moves a span to a node if it can be joined with a neighbour there, perhaps with another one in return.
    fn consider(&mut self, n: usize, to: NodeId) {
        let Some(from) = self.check.parts[n].node.filter(|from| *from != to) else { return };
        let partners = self.partners(n, to);
        if self.chosen.contains(&n) || partners.is_empty() {
            return;
        }
        if self.shift(&[(to, TRAFFIC), (from, -TRAFFIC)]) {
            return self.choose(n, to, &partners);
        }
        // What moves in return changes nothing about how much either node has.
        let free =
            |other: &usize| *other != n && !self.chosen.contains(other) && self.node(*other) == Some(to);
        if let Some(other) = (0..self.check.parts.len()).find(free)
            && self.shift(&[])
        {
            self.choose(n, to, &partners);
            self.choose(other, from, &[]);
            let partners = self.partners(other, from);
            self.chosen.extend(partners);
        }
    }

    fn choose(&mut self, n: usize, to: NodeId, partners: &[usize]) {
        self.actions.push(Action::Move { id: self.check.parts[n].id, to });
        self.chosen.insert(n);
        self.chosen.extend(partners);
        self.targets.insert(n, to);
    }

    /// The neighbours with which a span could be joined on a node.
    fn partners(&self, n: usize, node: NodeId) -> Vec<usize> {
        let parts = &self.check.parts;
        let adjacent = |one: usize, other: usize| parts[one].span.to == parts[other].span.from;
        let before = n.checked_sub(1).filter(|before| adjacent(*before, n));
        let after = Some(n + 1).filter(|after| *after < parts.len() && adjacent(n, *after));
        let mut regions = parts[n].regions;
        let mut partners = Vec::new();
        for other in [before, after].into_iter().flatten().filter(|other| self.node(*other) == Some(node)) {
            if regions + parts[other].regions <= self.check.joined() {
                regions += parts[other].regions;
                partners.push(other);
            }
        }
        partners
    }

    /// Makes these changes if no node comes out of bounds.
    fn shift(&mut self, changes: &[(NodeId, i64)]) -> bool {
        let mut load = self.load.clone();
        for (node, change) in changes {
            if let Some(load) = load.get_mut(node) {
                *load += change;
            }
        }
        let within = load.values().all(|load| (self.bounds.0..=self.bounds.1).contains(load));
        if within {
            self.load = load;
        }
        within
    }
}
