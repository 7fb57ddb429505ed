//! The queue of operators, and its lock.

use std::{collections::BTreeMap, fmt};

use sim::Instant;

use crate::{
    ChangefeedId, Cx, Misery, NodeId,
    coordinator::{
        Term, Timer,
        operators::{Awaited, Operator, Stop},
    },
    lives::Lives,
    state::flags,
};

/// An operator and when it is its turn again.
#[derive(Clone, Debug)]
pub(super) struct Queued {
    pub(super) operator: Operator,
    pub(super) notify_at: Instant,
    /// Which one it is: a replaced operator's place in the queue is void.
    pub(super) number: u64,
}

#[derive(Clone, Debug, Default)]
pub(in crate::coordinator) struct Operators {
    pub(super) operators: BTreeMap<ChangefeedId, Queued>,
    pub(super) pushed: u64,
    /// Who has the lock, and waits for etcd with it.
    pub(super) holder: Option<Holder>,
    /// Whether the executor waits for the lock.
    pub(super) executor_waits: bool,
    /// How many operators have had their turn in the executor's run.
    pub(super) executed: usize,
    /// For whoever watches.
    pub(super) lives: Lives<ChangefeedId>,
}

/// Who has the lock of the operators while etcd is asked.
#[derive(Clone, Debug)]
pub(in crate::coordinator) enum Holder {
    /// The last action of an operator.
    Last {
        cf: ChangefeedId,
        tries: u32,
        /// What takes its place then; none: it has ended, and the executor goes on.
        next: Option<Stop>,
    },
    /// A bump for an operator that is to be admitted.
    Bump(ChangefeedId),
}

impl Operators {
    /// Whether nobody else may look at operators.
    pub(in crate::coordinator) fn is_locked(&self) -> bool {
        self.holder.is_some()
    }

    /// Whether somebody else has the lock than the bump for a changefeed.
    pub(in crate::coordinator) fn is_locked_for_bump_of(&self, cf: ChangefeedId) -> bool {
        match self.holder {
            None => false,
            Some(Holder::Bump(its)) => its != cf,
            Some(Holder::Last { .. }) => true,
        }
    }

    /// The changefeed for which an epoch is persisted with the lock.
    pub(in crate::coordinator) fn bumps_for(&self) -> Option<ChangefeedId> {
        if let Some(Holder::Bump(cf)) = self.holder { Some(cf) } else { None }
    }

    /// A line for each.
    pub(in crate::coordinator) fn describe(&self, f: &mut impl fmt::Write) -> fmt::Result {
        for (cf, queued) in &self.operators {
            let nodes =
                queued.operator.affected().map(|node| node.to_string()).collect::<Vec<_>>().join(" to ");
            let stage = match &queued.operator {
                Operator::Move(one) => format!(" {}", one.stage_name()),
                Operator::Add(_) | Operator::Stop(_) => String::new(),
            };
            let flags = flags(&[(queued.operator.is_finished(), "finished")]);
            writeln!(f, "  operator {cf} {} at {nodes}{stage}{flags}", queued.operator.name())?;
        }
        Ok(())
    }

    pub(in crate::coordinator) fn get(&self, cf: ChangefeedId) -> Option<&Operator> {
        self.operators.get(&cf).map(|queued| &queued.operator)
    }

    pub(in crate::coordinator) fn names(&self) -> impl Iterator<Item = (ChangefeedId, &'static str)> {
        self.operators.iter().map(|(cf, queued)| (*cf, queued.operator.name()))
    }

    /// Each of them, and what it waits for.
    pub(in crate::coordinator) fn awaited(
        &self,
    ) -> impl Iterator<Item = (ChangefeedId, &'static str, Awaited)> {
        let all = self.operators.iter().map(|(cf, queued)| (*cf, &queued.operator));
        all.map(|(cf, operator)| (cf, operator.name(), operator.awaited()))
    }

    /// Who has the lock, and waits for etcd with it.
    pub(in crate::coordinator) fn holder(&self) -> Option<&Holder> {
        self.holder.as_ref()
    }

    /// What is wrong with the lives of operators.
    pub(in crate::coordinator) fn miseries(&self) -> impl Iterator<Item = (ChangefeedId, Misery)> {
        self.lives.miseries()
    }

    pub(in crate::coordinator) fn len(&self) -> usize {
        self.operators.len()
    }

    /// How many need a node.
    pub(in crate::coordinator) fn touching(&self, node: NodeId) -> usize {
        let all = self.operators.values().map(|queued| &queued.operator);
        all.filter(|one| one.affected().any(|affected| affected == node)).count()
    }

    /// How many moves away from these nodes there are, finished or not.
    pub(in crate::coordinator) fn moves_from(&self, nodes: &[NodeId]) -> usize {
        let all = self.operators.values().map(|queued| &queued.operator);
        all.filter(|one| matches!(one, Operator::Move(one) if nodes.contains(&one.origin))).count()
    }

    /// Whether the stop of this number has finished, by itself or because something else has taken its place. It may still
    /// have its last action before it.
    pub(in crate::coordinator) fn is_over(&self, number: u64) -> bool {
        let comes = matches!(self.holder, Some(Holder::Last { next: Some(_), .. }) if number > self.pushed);
        let unfinished = |queued: &Queued| queued.number == number && !queued.operator.is_finished();
        !comes && !self.operators.values().any(unfinished)
    }

    /// Whether a changefeed has a stop that has not finished, or is about to have one.
    pub(in crate::coordinator) fn is_stopping(&self, cf: ChangefeedId) -> bool {
        let comes = matches!(self.holder, Some(Holder::Last { cf: its, next: Some(_), .. }) if its == cf);
        comes || matches!(self.get(cf), Some(Operator::Stop(stop)) if !stop.is_finished())
    }

    /// The operator whose turn is first, and when.
    pub(super) fn first(&self) -> Option<(Instant, ChangefeedId)> {
        let order = |(cf, queued): (&ChangefeedId, &Queued)| (queued.notify_at, queued.number, *cf);
        self.operators.iter().map(order).min().map(|(at, _, cf)| (at, cf))
    }
}

impl Term {
    /// Puts an operator into the queue: it hears of nodes that it needs and that are not there, and starts. Its number.
    pub(super) fn push(&mut self, cf: ChangefeedId, mut operator: Operator, cx: &mut Cx) -> u64 {
        for node in operator.affected().collect::<Vec<_>>() {
            if !cx.process.view().contains(&node) {
                operator.on_node_removed(cf, node, cx.id(), &mut self.changefeeds);
            }
        }
        operator.start(cf, &mut self.changefeeds);
        self.operators.pushed += 1;
        self.operators.lives.begins(self.operators.pushed, cf);
        let queued = Queued { operator, notify_at: cx.now.steady, number: self.operators.pushed };
        self.operators.operators.insert(cf, queued);
        self.operators.pushed
    }

    /// A node has left: what it had without an operator is absent; then every operator hears of it.
    pub(in crate::coordinator) fn on_node_removed(&mut self, gone: NodeId, cx: &mut Cx) {
        for cf in self.changefeeds.on_node(gone).collect::<Vec<_>>() {
            if self.operators.get(cf).is_none() {
                self.changefeeds.mark_absent(cf);
            }
        }
        let me = cx.id();
        for (cf, queued) in &mut self.operators.operators {
            queued.operator.on_node_removed(*cf, gone, me, &mut self.changefeeds);
        }
    }

    /// The lock of the operators is free: whoever waits for it goes on.
    pub(super) fn on_unlocked(&mut self, cx: &mut Cx) {
        self.end_waiting_bumps(cx);
        self.wake_basic(cx);
        self.wake_balance(cx);
        self.drain_may_go_on(cx);
        self.api_may_go_on(cx);
        self.end_state_change(cx);
        cx.out.give_way(Timer::EventLoop { term: self.number }.into());
    }
}
