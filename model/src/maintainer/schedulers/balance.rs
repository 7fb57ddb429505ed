//! The balance scheduler: splits whole tables that have become large, and moves whole tables from the nodes that have many
//! to those that have few, when nothing else is going on. Which tables move is chance.

use std::collections::{BTreeMap, VecDeque};

use sim::Duration;

use crate::{
    Cx, DispatcherId, NodeId,
    dispatchers::ComponentState,
    maintainer::{
        Maintainer, Note,
        operators::{Move, Split},
        schedulers::{Parts, checker::Wants},
        spans::GroupId,
    },
};

/// It never gives up on a move that is refused: it asks again and again, here only as often as this.
const SPIN: Duration = Duration::from_millis(10);

/// Where a run is.
#[derive(Clone, Debug, Default)]
pub(super) enum Balance {
    #[default]
    Idle,
    /// Tables are to be split, the next one last, each with how many regions it has.
    Splitting { left: Vec<(DispatcherId, usize)>, room: usize },
    /// The nodes are to have equally many tables.
    Moving(Moving),
}

/// A run that has found an imbalance.
#[derive(Clone, Debug)]
pub(super) struct Moving {
    /// What every node is to have at least.
    lower: usize,
    /// The nodes that have less, with how many.
    few: BTreeMap<NodeId, usize>,
    /// The nodes that have not, with their spans in the order in which they go.
    many: BTreeMap<NodeId, VecDeque<DispatcherId>>,
    /// How many moves are left.
    left: usize,
    /// The move that has been refused.
    refused: Option<Pick>,
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
        let configured = cx.process.config.scheduling.balance_every;
        let again = Wants::Again(cx.policy().maintainer.balance_interval.length(configured));
        loop {
            match std::mem::take(&mut self.schedulers.checker.balance) {
                Balance::Idle if !self.may_balance(cx) => return again,
                Balance::Idle => {
                    let left = self.large_tables(cx);
                    let room = cx.process.config.scheduling.move_batch as usize;
                    self.schedulers.checker.balance = Balance::Splitting { left, room };
                }
                Balance::Splitting { mut left, mut room } => {
                    if room == 0 {
                        return again;
                    }
                    let Some((id, regions)) = left.pop() else {
                        let Some(moving) = self.find_imbalance(room, cx) else { return again };
                        self.schedulers.checker.balance = Balance::Moving(moving);
                        continue;
                    };
                    let splits = self.split_table(id, regions, cx);
                    room -= usize::from(splits);
                    self.schedulers.checker.balance = Balance::Splitting { left, room };
                    if splits {
                        return Wants::Yield;
                    }
                }
                Balance::Moving(mut moving) => {
                    let Some(pick) = moving.refused.or_else(|| moving.pick(cx)) else { return again };
                    let wants = self.move_table(pick, &mut moving, cx);
                    self.schedulers.checker.balance = Balance::Moving(moving);
                    return wants;
                }
            }
        }
    }

    /// The whole tables that have too many regions.
    fn large_tables(&mut self, cx: &mut Cx) -> Vec<(DispatcherId, usize)> {
        let config = cx.process.config.scheduling;
        if !config.split_tables || config.region_threshold == 0 {
            return Vec::new();
        }
        self.schedulers.checker.regions.refresh(cx);
        let mut large = Vec::new();
        let trigger = self.spans.trigger();
        let Some(group) = self.spans.must_see_group(GroupId::Default) else { return large };
        let ids: Vec<DispatcherId> =
            group.replicating().iter().copied().filter(|id| *id != trigger).collect();
        for id in ids {
            if let Some(replica) = self.spans.get(id)
                && replica.state == ComponentState::Working
            {
                let regions = self.schedulers.checker.regions.of(id, replica.span, cx);
                if regions >= config.region_threshold as usize {
                    large.push((id, regions));
                }
            }
        }
        cx.shuffle(&mut large, "order of tables to split");
        large
    }

    fn split_table(&mut self, id: DispatcherId, regions: usize, cx: &mut Cx) -> bool {
        let threshold = cx.process.config.scheduling.region_threshold as usize;
        let number = (regions.div_ceil(threshold) * 2).max(cx.process.view().len() * 2);
        let Some(replica) = self.spans.held(id) else { return false };
        let (span, known) = (replica.span, (replica.node, replica.checkpoint));
        let parts = self.split(span, Parts::Number(number), cx);
        if parts.len() < 2 {
            return false;
        }
        let number = u32::try_from(parts.len()).expect("spans are few");
        let note = Note::SpanSplits { cf: self.cf, id, span, parts: number };
        let admitted = self.admit(Split::new(id, known, parts, Vec::new()), Some(note), cx);
        self.schedulers.checker.admitted = admitted;
        self.schedulers.checker.admitted.is_some()
    }

    fn move_table(&mut self, pick: Pick, moving: &mut Moving, cx: &mut Cx) -> Wants {
        let (id, to) = (pick.id, pick.target);
        let from = self.spans.held(id).and_then(|replica| replica.node);
        let note = Note::SpanMoves { cf: self.cf, id, from, to };
        self.schedulers.checker.admitted = self.admit(Move::new(id, from, to), Some(note), cx);
        if self.schedulers.checker.admitted.is_some() {
            moving.refused = None;
            moving.carry_out(pick);
            return Wants::Yield;
        }
        if moving.refused.replace(pick).is_none() {
            cx.note(Note::MoveRefused { cf: self.cf, id });
        }
        Wants::Sleep(SPIN)
    }

    fn find_imbalance(&mut self, room: usize, cx: &mut Cx) -> Option<Moving> {
        let nodes: Vec<NodeId> = self.candidates(cx).collect();
        let group = self.spans.must_see_group(GroupId::Default)?;
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
        // Nodes that get nothing and still have spans count here.
        let lower = replicating.len() / on.len();
        let few: BTreeMap<NodeId, usize> =
            on.iter().filter(|(_, ids)| ids.len() < lower).map(|(node, ids)| (*node, ids.len())).collect();
        let left = few.values().map(|count| lower - count).sum::<usize>().min(room);
        let mut many = BTreeMap::new();
        for (node, mut ids) in on.into_iter().filter(|(node, _)| !few.contains_key(node)) {
            cx.shuffle(&mut ids, "order of spans to move");
            many.insert(node, ids.into());
        }
        Some(Moving { lower, few, many, left, refused: None })
    }
}
