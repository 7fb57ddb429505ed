//! The basic scheduler: gives absent changefeeds to the nodes that have the fewest.

use std::collections::{BTreeMap, VecDeque};

use sim::Duration;

use crate::{
    ChangefeedId, Cx, NodeId,
    coordinator::{
        BATCH, Note, Term, Timer,
        operators::{Add, Admission, Asker, Move, Operator},
    },
};

const PERIOD: Duration = Duration::from_millis(500);
const SOON: Duration = Duration::from_millis(100);

/// A run of the scheduler; it stands still while an operator is being admitted.
#[derive(Clone, Debug, Default)]
pub(super) struct Basic {
    left: VecDeque<ChangefeedId>,
    /// The nodes of this run, with how many changefeeds each has; what happens elsewhere meanwhile does not count.
    load: BTreeMap<NodeId, usize>,
    /// The node that a changefeed is being given to.
    node: Option<NodeId>,
    /// How many have been given to nodes, and how many may be.
    added: usize,
    available: usize,
    /// Whether a run is due and waits for the lock of the operators.
    waits: bool,
}

impl Term {
    /// The schedulers begin when the changefeeds are loaded.
    pub(super) fn start_schedulers(&mut self, cx: &mut Cx) {
        cx.out.alarm(Timer::BasicScheduler { term: self.number }.into(), Duration::ZERO);
        self.start_drain_scheduler(cx);
        self.start_balance(cx);
    }

    pub(super) fn run_basic(&mut self, cx: &mut Cx) {
        if self.operators.is_locked() {
            self.basic.waits = true;
            return;
        }
        let available = BATCH.saturating_sub(self.operators.len());
        if self.changefeeds.absent_len() == 0 || available == 0 {
            return cx.out.alarm(Timer::BasicScheduler { term: self.number }.into(), PERIOD);
        }
        if available < BATCH / 2 {
            return cx.out.alarm(Timer::BasicScheduler { term: self.number }.into(), SOON);
        }
        self.basic = Basic {
            left: self.changefeeds.runnable(cx.now.steady).take(available).collect(),
            load: self.destinations(cx).map(|node| (node, self.changefeeds.load(node))).collect(),
            available,
            ..Basic::default()
        };
        self.place_absent(cx);
    }

    /// The lock of the operators is free.
    pub(super) fn wake_basic(&mut self, cx: &mut Cx) {
        if std::mem::take(&mut self.basic.waits) {
            cx.out.give_way(Timer::BasicScheduler { term: self.number }.into());
        }
    }

    /// The epoch of an operator is persisted, or not.
    pub(super) fn basic_goes_on(&mut self, admitted: bool, cx: &mut Cx) {
        self.basic.count(admitted);
        self.place_absent(cx);
    }

    /// Places the changefeeds that are left, until one has to wait for its epoch.
    fn place_absent(&mut self, cx: &mut Cx) {
        while self.basic.added < self.basic.available
            && let Some(cf) = self.basic.left.pop_front()
        {
            let Some(node) = least_loaded(&self.basic.load, cx) else { break };
            self.basic.node = Some(node);
            let epoch = self.changefeeds.get(cf).map_or(crate::Epoch::NONE, |one| one.info.epoch);
            match self.add_operator(cf, Operator::Add(Add::new(node, epoch)), Asker::Basic, cx) {
                Admission::Waits => return,
                how => self.basic.count(how == Admission::Queued),
            }
        }
        self.basic.left.clear();
        cx.out.alarm(Timer::BasicScheduler { term: self.number }.into(), PERIOD);
    }

    /// A changefeed is to be maintained by another node, as if a scheduler had found that its node has too many.
    pub(super) fn move_maintainer(&mut self, cf: ChangefeedId, cx: &mut Cx) {
        if let Err(why) = self.begin_move(cf, cx) {
            cx.note(Note::MaintainerStays { cf, why });
        }
    }

    fn begin_move(&mut self, cf: ChangefeedId, cx: &mut Cx) -> Result<(), &'static str> {
        self.changefeeds.get(cf).ok_or("the changefeed is not known")?;
        let replicating = self.changefeeds.replicating().find(|(one, _)| *one == cf);
        let (_, origin) = replicating.ok_or("no node maintains it")?;
        let others = self.destinations(cx).filter(|node| *node != origin);
        let load = others.map(|node| (node, self.changefeeds.load(node))).collect();
        let target = least_loaded(&load, cx).ok_or("there is no other node")?;
        let free = !self.operators.is_locked();
        let admitted = free && self.add_move(cf, origin, target, Asker::Nobody, cx) != Admission::Refused;
        admitted.then_some(()).ok_or("another operator is under way")
    }

    /// A changefeed is to go from a node to another. The maintainer that is to let go is the present one.
    pub(super) fn add_move(
        &mut self,
        cf: ChangefeedId,
        origin: NodeId,
        target: NodeId,
        asker: Asker,
        cx: &mut Cx,
    ) -> Admission {
        let Some(changefeed) = self.changefeeds.get(cf) else { return Admission::Refused };
        let operator = Move::new(origin, target, changefeed.info.epoch, &cx.policy().coordinator);
        self.add_operator(cf, Operator::Move(operator), asker, cx)
    }
}

impl Basic {
    /// Whether a changefeed has been given to the node that was chosen.
    fn count(&mut self, admitted: bool) {
        if let Some(node) = self.node.take().filter(|_| admitted) {
            *self.load.entry(node).or_default() += 1;
            self.added += 1;
        }
    }
}

/// One of the nodes with the fewest changefeeds; which of several is chance.
fn least_loaded(load: &BTreeMap<NodeId, usize>, cx: &mut Cx) -> Option<NodeId> {
    let least = load.values().min()?;
    let candidates: Vec<NodeId> =
        load.iter().filter(|(_, load)| *load == least).map(|(node, _)| *node).collect();
    Some(candidates[cx.out.choose("node for a maintainer", candidates.len())])
}
