//! The balance scheduler: moves whole tables from the nodes that have many to those that have few, when nothing else is
//! going on. Which tables move is chance.

use std::collections::{BTreeMap, VecDeque};

use sim::Duration;

use crate::{
    Cx, DispatcherId, NodeId,
    maintainer::{Maintainer, Note, operators::Move, schedulers::checker::Wants, spans::GroupId},
};

/// How many operators it adds in one run (`balance-move-batch-size`).
const MOST: usize = 1024;
/// It never gives up on a move that is refused: it asks again and again, here only as often as this.
const SPIN: Duration = Duration::from_millis(10);

#[derive(Clone, Debug, Default)]
pub(super) struct Balance {
    moving: Option<Moving>,
}

/// A run that has found an imbalance.
#[derive(Clone, Debug)]
struct Moving {
    /// What every node is to have at least.
    lower: usize,
    /// The nodes that have less, with how many.
    few: BTreeMap<NodeId, usize>,
    /// The nodes that have not, with their spans in the order in which they go.
    many: BTreeMap<NodeId, VecDeque<DispatcherId>>,
    /// How many moves are left.
    left: usize,
    /// The move that has been checked and is to be pushed next, and where its span was then.
    checked: Option<(Pick, Option<NodeId>)>,
    /// Whether the last move was refused.
    refused: bool,
}

#[derive(Clone, Copy, Debug)]
struct Pick {
    id: DispatcherId,
    victim: NodeId,
    target: NodeId,
}

impl Moving {
    /// The next span of the node that has the most, for the one that has the fewest; which of several is chance.
    fn pick(&self, cx: &mut Cx) -> Option<Pick> {
        let (fewest, most) = (self.few.values().min()?, self.many.values().map(VecDeque::len).max()?);
        if self.left == 0 || *fewest >= self.lower {
            return None;
        }
        let few: Vec<NodeId> = self.few.iter().filter(|(_, n)| *n == fewest).map(|(node, _)| *node).collect();
        let many = self.many.iter().filter(|(_, spans)| spans.len() == most);
        let many: Vec<(NodeId, DispatcherId)> =
            many.filter_map(|(node, spans)| Some((*node, *spans.front()?))).collect();
        let target = few[cx.out.choose("node to move to", few.len())];
        let (victim, id) = *many.get(cx.out.choose("node to move from", many.len().max(1)))?;
        Some(Pick { id, victim, target })
    }

    fn carry_out(&mut self, pick: Pick) {
        self.left -= 1;
        *self.few.entry(pick.target).or_default() += 1;
        self.many.entry(pick.victim).or_default().pop_front();
    }
}

impl Maintainer {
    /// A step of the scheduler, as part of the checker's task.
    pub(super) fn run_balance(&mut self, cx: &mut Cx) -> Wants {
        let again = Wants::Again(cx.policy().maintainer.balance_interval.length());
        self.push_checked_move(cx);
        if self.schedulers.checker.balance.moving.is_none() {
            if self.operators.len() > 0 || self.spans.absent_count() > 0 {
                return again;
            }
            self.schedulers.checker.balance.moving = self.find_imbalance(cx);
        }
        let moving = self.schedulers.checker.balance.moving.as_ref();
        let Some(pick) = moving.and_then(|moving| moving.pick(cx)) else {
            self.schedulers.checker.balance.moving = None;
            return again;
        };
        let origin = self.spans.held(pick.id).and_then(|replica| replica.node);
        let admitted = self.admits_operator(pick.id, cx);
        let Some(moving) = &mut self.schedulers.checker.balance.moving else { return again };
        if admitted {
            moving.checked = Some((pick, origin));
            moving.refused = false;
            return Wants::Yield;
        }
        if !std::mem::replace(&mut moving.refused, true) {
            cx.note(Note::MoveRefused { cf: self.cf, id: pick.id });
        }
        Wants::Sleep(SPIN)
    }

    fn find_imbalance(&mut self, cx: &mut Cx) -> Option<Moving> {
        let group = self.spans.must_see_group(GroupId::Default)?;
        let nodes = cx.process.view();
        let counts: Vec<usize> = nodes.iter().map(|node| group.count_on(*node)).collect();
        let lower = counts.iter().sum::<usize>().checked_div(counts.len())?;
        if counts.iter().all(|count| *count >= lower) {
            return None;
        }
        let mut on: BTreeMap<NodeId, Vec<DispatcherId>> =
            nodes.iter().map(|node| (*node, Vec::new())).collect();
        let replicating: Vec<DispatcherId> = group.replicating().iter().copied().collect();
        for id in &replicating {
            if let Some(node) = self.spans.held(*id).and_then(|replica| replica.node) {
                on.entry(node).or_default().push(*id);
            }
        }
        // Nodes that are gone and still have spans count here.
        let lower = replicating.len() / on.len();
        let few: BTreeMap<NodeId, usize> =
            on.iter().filter(|(_, ids)| ids.len() < lower).map(|(node, ids)| (*node, ids.len())).collect();
        let left = few.values().map(|count| lower - count).sum::<usize>().min(MOST);
        let mut many = BTreeMap::new();
        for (node, mut ids) in on.into_iter().filter(|(node, _)| !few.contains_key(node)) {
            cx.shuffle(&mut ids, "order of spans to move");
            many.insert(node, ids.into());
        }
        Some(Moving { lower, few, many, left, checked: None, refused: false })
    }

    /// The move that has been checked is taken.
    pub(super) fn push_checked_move(&mut self, cx: &mut Cx) {
        let Some(moving) = &mut self.schedulers.checker.balance.moving else { return };
        let Some((pick, from)) = moving.checked.take() else { return };
        moving.carry_out(pick);
        let (id, to) = (pick.id, pick.target);
        cx.note(Note::SpanMoves { cf: self.cf, id, from, to });
        self.push_operator(Move::new(id, from, to), cx);
    }
}
