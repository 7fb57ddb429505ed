//! The operator controller of a maintainer: at most one operator per dispatcher, worked off from a queue by time.
//!
//! Its steps are those between which other threads of the maintainer can get in. An operator is taken from the queue, and
//! asked what it sends. One that has finished is noticed only when it comes to the head of the queue; then it is claimed,
//! takes its last action, and is removed from the map. Until then it counts as present.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use sim::{Duration, Instant};

use crate::{
    Cx, DispatcherId, Misery, NodeId, Place, Ts,
    dispatchers::{self, Action, DispatcherStatus, OperatorType},
    lives::{Lives, Touched},
    maintainer::{
        Maintainer, Note,
        operators::{Add, After, Operator, Order, Remove, Scene, Then},
        redo::Thread,
        spans::Spans,
    },
    policy::Stamped,
    state::flags,
};

/// How soon an operator's turn comes again.
const REARM: Duration = Duration::from_millis(500);
/// How long the controller sleeps when nothing is due, and when it has asked as many operators as it may in a row.
const EMPTY_POLL: Duration = Duration::from_millis(200);
const NEXT_POLL: Duration = Duration::from_millis(50);

/// An operator that has been taken, in the order in which that happened.
pub(in crate::maintainer) type Number = u64;

#[derive(Clone, Debug)]
struct Item {
    operator: Box<dyn Operator>,
    /// Whether somebody is taking its last action, or has.
    claimed: bool,
}

/// What the controller is in the middle of.
#[derive(Clone, Copy, Debug, Default)]
enum AtHand {
    #[default]
    Nothing,
    /// An operator that has been taken from the queue and is to be asked.
    Polled(Number),
    /// An operator that is to take its last action.
    Claimed(Number),
    /// An operator that has taken its last action, and is still in the map.
    PostFinished(Number),
}

/// All operators of a maintainer.
#[derive(Clone, Debug, Default)]
pub(in crate::maintainer) struct Operators {
    /// All that are in the map, or in the hands of somebody.
    items: BTreeMap<Number, Item>,
    map: BTreeMap<DispatcherId, Number>,
    queue: BTreeSet<(Instant, Number)>,
    taken: Number,
    at_hand: AtHand,
    /// How many have been asked in a row.
    asked: usize,
    /// For whoever watches.
    lives: Lives<DispatcherId>,
    touched: Touched<DispatcherId>,
}

impl Operators {
    /// A finished operator counts until it is removed.
    pub(in crate::maintainer) fn has(&self, id: DispatcherId) -> bool {
        self.map.contains_key(&id)
    }

    /// Whether a span is a source of a merge that is still to take its last action, with which it is given back or goes.
    pub(in crate::maintainer) fn merges(&self, id: DispatcherId) -> bool {
        self.in_map().any(|item| item.operator.sources().contains(&id))
    }

    /// The operator of a span.
    pub(in crate::maintainer) fn existing(&self, id: DispatcherId) -> Option<(Number, &dyn Operator)> {
        let number = *self.map.get(&id)?;
        Some((number, &*self.items.get(&number)?.operator))
    }

    /// The operator that has been taken last.
    pub(in crate::maintainer) fn latest(&self) -> Number {
        self.taken
    }

    /// Whether an operator is over; one that is not there any more is.
    pub(in crate::maintainer) fn has_finished(&self, number: Number) -> bool {
        self.items.get(&number).is_none_or(|item| item.operator.is_finished())
    }

    pub(in crate::maintainer) fn len(&self) -> usize {
        self.map.len()
    }

    /// What is wrong with the lives of operators.
    pub(in crate::maintainer) fn miseries(&self) -> impl Iterator<Item = (DispatcherId, Misery)> {
        self.lives.miseries()
    }

    /// Whose operators have begun or been removed: for whoever watches.
    pub(in crate::maintainer) fn touched(&self) -> &Touched<DispatcherId> {
        &self.touched
    }

    fn in_map(&self) -> impl Iterator<Item = &Item> {
        self.map.values().filter_map(|number| self.items.get(number))
    }

    /// Those that have not finished: in words, with the node that each waits for.
    pub(in crate::maintainer) fn unfinished(&self) -> impl Iterator<Item = (String, Option<NodeId>)> {
        let all = self.in_map().map(|item| &item.operator).filter(|operator| !operator.is_finished());
        all.map(|operator| (format!("{} {}", operator.id(), operator.words()), operator.awaits()))
    }

    /// A line for each.
    pub(in crate::maintainer) fn describe(&self, f: &mut impl fmt::Write) -> fmt::Result {
        for (id, number) in &self.map {
            let item = &self.items[number];
            let post_finished = matches!(self.at_hand, AtHand::PostFinished(at_hand) if at_hand == *number);
            let flags = flags(&[
                (item.operator.is_finished(), "finished"),
                (item.claimed, "claimed"),
                (post_finished, "post-finished"),
            ]);
            writeln!(f, "  operator {id} {}{flags}", item.operator.words())?;
        }
        Ok(())
    }

    /// The lowest checkpoint of the desired spans whose operators hold the checkpoint back.
    pub(in crate::maintainer) fn lowest_blocking(&self, spans: &Spans) -> Option<Ts> {
        let blocking = self.in_map().filter(|item| item.operator.blocks_checkpoint());
        blocking.filter_map(|item| spans.get(item.operator.id())).map(|replica| replica.checkpoint).min()
    }

    /// How many moves from a node are under way.
    pub(in crate::maintainer) fn moving_from(&self, node: NodeId) -> usize {
        self.in_map().filter(|item| item.operator.moves_from() == Some(node)).count()
    }

    /// Takes an operator out of the map, if it is still the one there.
    fn delete(&mut self, number: Number) -> Option<DispatcherId> {
        let id = self.items.remove(&number)?.operator.id();
        self.touched.push(id);
        if self.map.get(&id) == Some(&number) {
            self.map.remove(&id);
        }
        Some(id)
    }
}

impl Maintainer {
    /// Whether an operator for this span would be taken.
    pub(in crate::maintainer) fn admits_operator(&self, id: DispatcherId, cx: &Cx) -> bool {
        !self.is_frozen(id, cx) && !self.operators.has(id) && self.spans.get(id).is_some()
    }

    /// Takes an operator, unless the maintainer is being removed, there is one, or the span is not known. A scheduler, which
    /// others can get in the way of, checks and pushes in two steps.
    pub(in crate::maintainer) fn add_operator(&mut self, operator: Box<dyn Operator>, cx: &mut Cx) -> bool {
        let admitted = self.admits_operator(operator.id(), cx);
        if admitted {
            self.push_operator(operator, cx);
        }
        admitted
    }

    /// Takes an operator that has been admitted a moment ago: others may have got in between.
    pub(in crate::maintainer) fn push_admitted(&mut self, operator: Box<dyn Operator>, cx: &mut Cx) {
        let late = self.operators.has(operator.id());
        if !(late && cx.policy().maintainer.late_operator.is_dropped()) {
            self.push_operator(operator, cx);
        }
    }

    /// Takes an operator, whatever there is. It starts before anybody looks whether its nodes are there.
    pub(in crate::maintainer) fn push_operator(&mut self, operator: Box<dyn Operator>, cx: &mut Cx) {
        self.operators.taken += 1;
        let number = self.operators.taken;
        self.operators.lives.begins(number, operator.id());
        self.operators.touched.push(operator.id());
        self.operators.map.insert(operator.id(), number);
        self.operators.items.insert(number, Item { operator, claimed: false });
        let starts_first = cx.policy().maintainer.affected_check.is_after_start();
        self.operate(number, cx, |operator, scene| {
            if starts_first {
                operator.start(scene);
            }
            for node in operator.affected() {
                if !node.is_some_and(|node| scene.cx.process.view().contains(&node)) {
                    operator.on_node_removed(node, scene);
                }
            }
            if !starts_first {
                operator.start(scene);
            }
        });
        self.operators.queue.insert((cx.now.steady, number));
    }

    /// Lets an operator act, and those that it releases hear of it.
    fn operate<R>(
        &mut self,
        number: Number,
        cx: &mut Cx,
        does: impl FnOnce(&mut dyn Operator, &mut Scene) -> R,
    ) -> Option<R> {
        let item = self.operators.items.get_mut(&number)?;
        let mut scene = Scene { spans: &mut self.spans, cx, released: Vec::new() };
        let result = does(&mut *item.operator, &mut scene);
        for id in scene.released {
            if let Some(number) = self.operators.map.get(&id)
                && let Some(item) = self.operators.items.get_mut(number)
            {
                item.operator.release();
            }
        }
        Some(result)
    }

    /// The operator of a span, if there is one, is told that its span is gone, and takes its last action now.
    pub(in crate::maintainer) fn cancel_operator(&mut self, id: DispatcherId, cx: &mut Cx) {
        let Some(number) = self.operators.map.get(&id).copied() else { return };
        self.operate(number, cx, |operator, scene| operator.on_task_removed(scene));
        let Some(item) = self.operators.items.get_mut(&number) else { return };
        // The controller may have claimed it already, and finishes it: perhaps too late.
        if !std::mem::replace(&mut item.claimed, true) {
            self.post_finish(number, cx);
            self.operators.delete(number);
        }
    }

    /// The dispatchers of those spans that a node has are removed, whatever is being done to them.
    pub(in crate::maintainer) fn remove_dispatchers(&mut self, ids: &[DispatcherId], cx: &mut Cx) {
        for id in ids {
            let node = self.spans.get(*id).and_then(|replica| replica.node);
            if let Some(node) = node.filter(|_| !self.is_frozen(*id, cx)) {
                let remove = Remove::new(*id, node, OperatorType::Remove, Then::Nothing);
                self.cancel_operator(*id, cx);
                self.push_operator(remove, cx);
            }
        }
    }

    /// These spans are no longer desired: the dispatchers of those that a node has are removed.
    pub(in crate::maintainer) fn remove_tasks(&mut self, ids: &[DispatcherId], cx: &mut Cx) {
        self.remove_dispatchers(ids, cx);
        // The target of a merge that has just been cancelled is gone already.
        for id in ids {
            if self.spans.get(*id).is_some() {
                self.spans.remove(*id);
            }
        }
    }

    pub(in crate::maintainer) fn check_operator(
        &mut self,
        from: NodeId,
        status: &DispatcherStatus,
        cx: &mut Cx,
    ) {
        if self.is_frozen(status.id, cx) {
            return;
        }
        if let Some(number) = self.operators.map.get(&status.id).copied() {
            self.operate(number, cx, |operator, scene| operator.check(from, status, scene));
        }
    }

    /// While the maintainer is being removed, only the table trigger is worked on.
    fn is_frozen(&self, id: DispatcherId, cx: &Cx) -> bool {
        self.is_quiescing(cx) && id != self.spans.trigger()
    }

    /// The controller takes its next step.
    pub(in crate::maintainer) fn run_operators(&mut self, cx: &mut Cx) {
        let timer = self.timer(Thread::Operators);
        let pause = match std::mem::take(&mut self.operators.at_hand) {
            AtHand::Nothing => self.poll(cx),
            AtHand::Polled(number) => self.schedule(number, cx),
            AtHand::Claimed(number) => {
                self.post_finish(number, cx);
                self.operators.at_hand = AtHand::PostFinished(number);
                None
            }
            AtHand::PostFinished(number) => {
                if let Some(id) = self.operators.delete(number) {
                    self.spans.let_go(id);
                }
                None
            }
        };
        match pause {
            None => cx.out.give_way(timer.into()),
            Some(pause) => {
                self.operators.asked = 0;
                cx.out.alarm(timer.into(), pause);
            }
        }
    }

    /// Takes the operator at the head of the queue; how long to sleep if there is none that is due.
    fn poll(&mut self, cx: &Cx) -> Option<Duration> {
        let now = cx.now.steady;
        while let Some((due, number)) = self.operators.queue.pop_first() {
            let Some(item) = self.operators.items.get_mut(&number).filter(|item| !item.claimed) else {
                continue;
            };
            let (id, finished) = (item.operator.id(), item.operator.is_finished());
            if self.is_frozen(id, cx) {
                // Out of the queue, but still in the map: it goes on holding the checkpoint back.
                continue;
            }
            if finished {
                if let Some(item) = self.operators.items.get_mut(&number) {
                    item.claimed = true;
                }
                self.operators.at_hand = AtHand::Claimed(number);
                return None;
            }
            if now < due {
                self.operators.queue.insert((due, number));
                return Some(EMPTY_POLL);
            }
            self.operators.queue.insert((now + REARM, number));
            self.operators.at_hand = AtHand::Polled(number);
            return None;
        }
        Some(EMPTY_POLL)
    }

    /// Sends what an operator has to say, unless it has been frozen meanwhile.
    fn schedule(&mut self, number: Number, cx: &mut Cx) -> Option<Duration> {
        let id = self.operators.items.get(&number).map(|item| item.operator.id());
        if let Some(id) = id.filter(|id| !self.is_frozen(*id, cx) || self.crosses_quiesce(cx))
            && let Some(order) =
                self.operate(number, cx, |operator, scene| operator.schedule(scene)).flatten()
        {
            self.carry_out(id, &order, cx);
        }
        self.operators.asked += 1;
        let batch = cx.process.config.scheduling.add_batch as usize;
        (self.operators.asked >= batch).then_some(NEXT_POLL)
    }

    fn carry_out(&self, id: DispatcherId, order: &Order, cx: &mut Cx) {
        match order {
            Order::Schedule { node, action, kind } => {
                let (start_ts, skip_dml) = match action {
                    Action::Create => self.spans.start(id, cx).unwrap_or_default(),
                    Action::Remove => (Ts::NONE, false),
                };
                let request = dispatchers::ScheduleRequest {
                    cf: self.cf,
                    id,
                    span: self.spans.held(id).map(|replica| replica.span),
                    start_ts,
                    skip_dml,
                    mode: self.mode,
                    action: *action,
                    kind: *kind,
                    epoch: self.stamp(Stamped::Schedule, cx),
                };
                let request = dispatchers::Inbox::ScheduleDispatcherRequest { request };
                cx.send(*node, Place::Dispatchers, request);
            }
            Order::Merge { node, sources } => {
                let request = dispatchers::MergeRequest {
                    cf: self.cf,
                    merged: id,
                    sources: sources.clone(),
                    mode: self.mode,
                    epoch: self.stamp(Stamped::Merge, cx),
                };
                cx.send(*node, Place::Dispatchers, dispatchers::Inbox::MergeDispatcherRequest { request });
            }
        }
    }

    /// The last action of an operator.
    fn post_finish(&mut self, number: Number, cx: &mut Cx) {
        let Some(id) = self.operators.items.get(&number).map(|item| item.operator.id()) else { return };
        self.operators.lives.ends(number, id);
        let after = self.operate(number, cx, |operator, scene| operator.post_finish(scene));
        match after.unwrap_or(After::Nothing) {
            After::Nothing => {}
            After::Repair(table, schema) => self.repair_coverage(table, schema, cx),
            After::Split(parts) => self.place_parts(id, &parts, cx),
            After::Merged(sources) => {
                let sources = u32::try_from(sources).expect("spans are few");
                cx.note(Note::SpansMerged { cf: self.cf, id, sources });
            }
        }
        match self.spans.get(id).map(|replica| replica.node) {
            Some(Some(node)) => cx.note(Note::SpanReplicating { cf: self.cf, id, node }),
            Some(None) => cx.note(Note::SpanAbsent { cf: self.cf, id }),
            None => {}
        }
    }

    /// A span has been split: each part is given to its node, if it has one.
    fn place_parts(&mut self, id: DispatcherId, parts: &[(DispatcherId, Option<NodeId>)], cx: &mut Cx) {
        let number = u32::try_from(parts.len()).expect("spans are few");
        cx.note(Note::SpanReplaced { cf: self.cf, id, parts: number });
        for (part, node) in parts {
            if let Some(node) = node
                && !self.add_operator(Add::new(*part, *node, OperatorType::Split), cx)
            {
                self.spans.mark_absent(*part);
            }
        }
    }

    /// A node has left: what it had without an operator is absent; then every operator hears of it.
    /// One that is being removed leaves all as it is.
    pub(in crate::maintainer) fn operators_on_node_removed(&mut self, gone: NodeId, cx: &mut Cx) {
        if self.is_quiescing(cx) {
            return;
        }
        for id in self.spans.on_node(gone).collect::<Vec<_>>() {
            if !self.operators.has(id) {
                cx.note(Note::SpanAbsent { cf: self.cf, id });
                self.spans.mark_absent(id);
            }
        }
        for number in self.operators.map.values().copied().collect::<Vec<_>>() {
            self.operate(number, cx, |operator, scene| operator.on_node_removed(Some(gone), scene));
        }
    }

    /// The maintainer begins to be removed: its operators stand still from now on, but for that of the table trigger.
    /// Whoever is in the middle of adding one is waited for (pingcap/ticdc#4828).
    pub(in crate::maintainer) fn quiesce(&mut self, cx: &mut Cx) {
        if !self.crosses_quiesce(cx) {
            self.take_all_admitted(cx);
        }
        if cx.policy().maintainer.quiesced_operators.are_dropped() {
            let trigger = self.spans.trigger();
            let ids: Vec<DispatcherId> = self.operators.map.keys().copied().collect();
            for id in ids.into_iter().filter(|id| *id != trigger) {
                if let Some(number) = self.operators.map.remove(&id) {
                    self.operators.touched.push(id);
                    self.operators.lives.forget(number);
                    self.operators.items.remove(&number);
                }
            }
        }
    }

    /// Whether what has been admitted before a removal began takes effect afterwards.
    fn crosses_quiesce(&self, cx: &Cx) -> bool {
        cx.policy().maintainer.quiesce_admission.is_crossed()
    }
}
