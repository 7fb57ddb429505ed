//! The balance scheduler: moves changefeeds from the nodes that have many to those that have few, when nothing else is going
//! on. Which changefeeds move is chance.

use std::collections::{BTreeMap, VecDeque};

use sim::{Duration, Instant};

use crate::{
    ChangefeedId, Cx, NodeId,
    coordinator::{
        BATCH, Note, Term, Timer,
        operators::{Admission, Asker},
    },
};

/// How often it looks at most (the task that it is a part of).
const LONGEST: Duration = Duration::from_secs(120);
/// It never gives up on a move that is refused: it asks again and again, here only as often as this.
const SPIN: Duration = Duration::from_millis(10);

#[derive(Clone, Debug)]
pub(super) struct Balance {
    /// When something has been moved last, or the term has begun.
    last: Instant,
    /// The last run has moved as many as it may, so there are probably more.
    force: bool,
    /// A node has been leaving: nothing is moved for a while.
    blocked_until: Instant,
    /// The run that is on, if there is one.
    run: Option<Run>,
    /// Whether a run is due and waits for the lock of the operators.
    waits: bool,
}

/// A run that has found an imbalance.
#[derive(Clone, Debug)]
struct Run {
    /// When it began.
    began: Instant,
    /// What every node is to have at least.
    lower: usize,
    /// The nodes that have less, with how many.
    few: BTreeMap<NodeId, usize>,
    /// The nodes that have not, with their changefeeds in the order in which they go.
    many: BTreeMap<NodeId, VecDeque<ChangefeedId>>,
    /// How many may go at most, and how many have gone.
    most: usize,
    moved: usize,
    /// The move that waits for its epoch.
    pick: Option<Pick>,
    /// Whether one has been refused.
    refused: bool,
}

#[derive(Clone, Copy, Debug)]
struct Pick {
    cf: ChangefeedId,
    victim: NodeId,
    target: NodeId,
}

impl Default for Balance {
    fn default() -> Balance {
        let start = Instant::START;
        Balance { last: start, force: false, blocked_until: start, run: None, waits: false }
    }
}

impl Run {
    /// The next changefeed of the node that has the most, for the one that has the fewest; which of several is chance.
    fn pick(&self, cx: &mut Cx) -> Option<Pick> {
        let (fewest, most) = (self.few.values().min()?, self.many.values().map(VecDeque::len).max()?);
        if self.moved >= self.most || *fewest >= self.lower {
            return None;
        }
        let few: Vec<NodeId> = self.few.iter().filter(|(_, n)| *n == fewest).map(|(node, _)| *node).collect();
        let many = self.many.iter().filter(|(_, cfs)| cfs.len() == most);
        let many: Vec<(NodeId, ChangefeedId)> =
            many.filter_map(|(node, cfs)| Some((*node, *cfs.front()?))).collect();
        let target = few[cx.out.choose("node to give a maintainer to", few.len())];
        let (victim, cf) = *many.get(cx.out.choose("node to take a maintainer from", many.len().max(1)))?;
        Some(Pick { cf, victim, target })
    }

    fn carry_out(&mut self, pick: Pick) {
        self.moved += 1;
        *self.few.entry(pick.target).or_default() += 1;
        self.many.entry(pick.victim).or_default().pop_front();
    }
}

impl Term {
    pub(super) fn start_balance(&mut self, cx: &mut Cx) {
        self.balance.last = cx.now.steady;
        cx.out.alarm(Timer::BalanceScheduler { term: self.number }.into(), Duration::ZERO);
    }

    /// A run, or the next step of one.
    pub(super) fn run_balance(&mut self, cx: &mut Cx) {
        if self.operators.is_locked() {
            self.balance.waits = true;
            return;
        }
        if self.balance.run.is_none() {
            let interval = cx.process.config.scheduling.balance_every;
            let now = cx.now.steady;
            let next = match self.is_evacuated(cx) {
                true => {
                    self.balance.blocked_until = now + interval;
                    now + interval
                }
                false if now < self.balance.blocked_until => now + interval,
                false if !self.balance.force && now.since(self.balance.last) < interval => {
                    self.balance.last + interval
                }
                false => match self.find_imbalance(cx) {
                    Some(run) => {
                        self.balance.run = Some(run);
                        return self.balance_step(cx);
                    }
                    None => now + interval,
                },
            };
            return self.balance_sleeps(next, cx);
        }
        self.balance_step(cx);
    }

    /// Whether nodes are leaving: whoever takes changefeeds away from them is not to be got in the way of.
    fn is_evacuated(&self, cx: &Cx) -> bool {
        !self.draining_nodes(cx).is_empty()
    }

    fn balance_sleeps(&mut self, next: Instant, cx: &mut Cx) {
        let wait = next.since(cx.now.steady.min(next)).min(LONGEST);
        cx.out.alarm(Timer::BalanceScheduler { term: self.number }.into(), wait);
    }

    fn find_imbalance(&mut self, cx: &mut Cx) -> Option<Run> {
        if self.operators.len() > 0 || self.changefeeds.absent_len() > 0 {
            return None;
        }
        let nodes: Vec<NodeId> = self.destinations(cx).collect();
        let loads: Vec<usize> = nodes.iter().map(|node| self.changefeeds.load(*node)).collect();
        let lower = loads.iter().sum::<usize>().checked_div(loads.len())?;
        if loads.iter().all(|load| *load >= lower) {
            return None;
        }
        let mut on: BTreeMap<NodeId, Vec<ChangefeedId>> =
            nodes.iter().map(|node| (*node, Vec::new())).collect();
        let mut all = 0;
        for (cf, node) in self.changefeeds.replicating() {
            on.entry(node).or_default().push(cf);
            all += 1;
        }
        // Nodes that get nothing and still have changefeeds count here.
        let lower = all / on.len();
        let few: BTreeMap<NodeId, usize> =
            on.iter().filter(|(_, cfs)| cfs.len() < lower).map(|(node, cfs)| (*node, cfs.len())).collect();
        let most = few.values().map(|count| lower - count).sum::<usize>().min(BATCH);
        let mut many = BTreeMap::new();
        for (node, mut cfs) in on.into_iter().filter(|(node, _)| !few.contains_key(node)) {
            cx.shuffle(&mut cfs, "order of maintainers to move");
            many.insert(node, cfs.into());
        }
        Some(Run { began: cx.now.steady, lower, few, many, most, moved: 0, pick: None, refused: false })
    }

    /// The next move, until one has to wait for its epoch, or is refused.
    fn balance_step(&mut self, cx: &mut Cx) {
        while let Some(run) = &mut self.balance.run {
            let Some(pick) = run.pick(cx) else { return self.balance_ends(cx) };
            run.pick = Some(pick);
            // It takes the node that has the changefeed now, which may be another one than when the run began.
            let origin = self.changefeeds.get(pick.cf).and_then(|one| one.node).unwrap_or(pick.victim);
            match self.add_move(pick.cf, origin, pick.target, Asker::Balance, cx) {
                Admission::Waits => return,
                Admission::Queued => self.balance.moves(),
                Admission::Refused => {
                    if self.balance.is_refused() {
                        cx.note(Note::MaintainerStays { cf: pick.cf, why: "another operator is under way" });
                    }
                    return cx.out.alarm(Timer::BalanceScheduler { term: self.number }.into(), SPIN);
                }
            }
        }
    }

    /// The epoch of a move is persisted, or not; if not, the same or another move is tried.
    pub(super) fn balance_goes_on(&mut self, admitted: bool, cx: &mut Cx) {
        if admitted {
            self.balance.moves();
        } else if let Some(run) = &mut self.balance.run {
            run.pick = None;
        }
        self.balance_step(cx);
    }

    fn balance_ends(&mut self, cx: &mut Cx) {
        let Some(run) = self.balance.run.take() else { return };
        let interval = cx.process.config.scheduling.balance_every;
        self.balance.force = run.moved >= BATCH;
        self.balance.last = cx.now.steady;
        self.balance_sleeps(run.began + interval, cx);
    }

    /// The lock of the operators is free.
    pub(super) fn wake_balance(&mut self, cx: &mut Cx) {
        if std::mem::take(&mut self.balance.waits) {
            cx.out.give_way(Timer::BalanceScheduler { term: self.number }.into());
        }
    }
}

impl Balance {
    /// A move is refused: whether it is the first one of this run.
    fn is_refused(&mut self) -> bool {
        self.run.as_mut().is_some_and(|run| {
            run.pick = None;
            !std::mem::replace(&mut run.refused, true)
        })
    }

    fn moves(&mut self) {
        if let Some(run) = &mut self.run
            && let Some(pick) = run.pick.take()
        {
            run.carry_out(pick);
        }
    }
}
