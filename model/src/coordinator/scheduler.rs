//! The basic scheduler: gives absent changefeeds to the nodes that have the fewest.

use std::collections::VecDeque;

use sim::Duration;

use crate::{
    ChangefeedId, Cx, NodeId,
    coordinator::{
        Note, Term, Timer,
        changefeeds::Placement,
        operators::{Add, Move, Operator},
    },
};

const PERIOD: Duration = Duration::from_millis(500);
const SOON: Duration = Duration::from_millis(100);
/// `max-task-concurrency`.
const BATCH: usize = 10;

/// A run of the scheduler; it stands still while an operator is being admitted.
#[derive(Clone, Debug, Default)]
pub(super) struct Basic {
    left: VecDeque<ChangefeedId>,
    /// Whether a run is due and waits for the lock of the operators.
    waits: bool,
}

impl Term {
    pub(super) fn run_basic(&mut self, cx: &mut Cx) {
        if self.operators.is_locked() {
            self.basic.waits = true;
            return;
        }
        let available = BATCH.saturating_sub(self.operators.len());
        self.basic.left = self.changefeeds.runnable(cx.now.steady).take(available).collect();
        if self.changefeeds.absent().next().is_none() || available == 0 {
            cx.out.alarm(Timer::BasicScheduler.into(), PERIOD);
        } else if available < BATCH / 2 {
            self.basic.left.clear();
            cx.out.alarm(Timer::BasicScheduler.into(), SOON);
        } else {
            self.basic_goes_on(cx);
        }
    }

    /// The lock of the operators is free.
    pub(super) fn wake_basic(&mut self, cx: &mut Cx) {
        if std::mem::take(&mut self.basic.waits) {
            cx.out.give_way(Timer::BasicScheduler.into());
        }
    }

    /// Places the changefeeds that are left, until one has to wait for its epoch.
    pub(super) fn basic_goes_on(&mut self, cx: &mut Cx) {
        while let Some(cf) = self.basic.left.pop_front() {
            if let Some(node) = self.least_loaded(cx)
                && self.add_operator(cf, Operator::Add(Add::new(node)), cx)
                && self.is_bumping(cf)
            {
                return;
            }
        }
        cx.out.alarm(Timer::BasicScheduler.into(), PERIOD);
    }

    /// A changefeed is to be maintained by another node, as if a scheduler had found that its node has too many.
    pub(super) fn move_maintainer(&mut self, cf: ChangefeedId, cx: &mut Cx) {
        if let Err(why) = self.begin_move(cf, cx) {
            cx.note(Note::MaintainerStays { cf, why });
        }
    }

    fn begin_move(&mut self, cf: ChangefeedId, cx: &mut Cx) -> Result<(), &'static str> {
        let changefeed = self.changefeeds.get(cf).ok_or("the changefeed is not known")?;
        let node = changefeed.node.filter(|_| changefeed.placement == Placement::Replicating);
        let origin = node.ok_or("no node maintains it")?;
        let epoch = changefeed.info.epoch;
        let target = self.least_loaded_but(Some(origin), cx).ok_or("there is no other node")?;
        let operator = Operator::Move(Move::new(origin, target, epoch, cx.policy().coordinator.move_course));
        let added = !self.operators.is_locked() && self.add_operator(cf, operator, cx);
        added.then_some(()).ok_or("another operator is under way")
    }

    fn least_loaded(&self, cx: &mut Cx) -> Option<NodeId> {
        self.least_loaded_but(None, cx)
    }

    /// One of the nodes with the fewest changefeeds; which of several is chance.
    fn least_loaded_but(&self, but: Option<NodeId>, cx: &mut Cx) -> Option<NodeId> {
        let load = |node: NodeId| self.changefeeds.on_node(node).count();
        let nodes = || cx.process.view().iter().copied().filter(|node| Some(*node) != but);
        let least = nodes().map(load).min()?;
        let candidates: Vec<NodeId> = nodes().filter(|node| load(*node) == least).collect();
        Some(candidates[cx.out.choose("node for a maintainer", candidates.len())])
    }
}
