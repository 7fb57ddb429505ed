//! The operator controller of a maintainer: at most one operator per dispatcher, worked off from a queue.
//!
//! An operator that has finished is noticed only when its turn comes, and is finalised in two steps: first its last
//! action, then its removal from the map. Until then it counts as present.

mod add;
mod remove;

use std::{collections::BTreeMap, fmt};

use sim::{Duration, Instant};

use crate::{
    Cx, DispatcherId, NodeId, Place, Span, Ts,
    dispatchers::{self, Action, DispatcherStatus, OperatorType},
    maintainer::{Maintainer, Note, Timer, spans::Spans},
    state::flags,
};
use add::Add;
use remove::Remove;
pub(super) use remove::Then;

/// How soon an operator's turn comes again.
const REARM: Duration = Duration::from_millis(500);
/// How long the controller sleeps when nothing is due.
const IDLE: Duration = Duration::from_millis(200);
/// How soon an operator sends again.
const RESEND: Duration = Duration::from_secs(10);

/// Something that is done to a span.
#[derive(Clone, Debug)]
pub(super) enum Operator {
    /// A node is to replicate it.
    Add(Add),
    /// A node is to stop replicating it.
    Remove(Remove),
}

#[derive(Clone, Debug)]
struct Queued {
    operator: Operator,
    due: Instant,
    number: u64,
    sent_at: Option<Instant>,
    /// Whether its last action has been taken, and only its removal is left.
    post_finished: bool,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Operators {
    operators: BTreeMap<DispatcherId, Queued>,
    pushed: u64,
}

impl Operators {
    /// A finished operator counts until it is removed.
    pub(super) fn has(&self, id: DispatcherId) -> bool {
        self.operators.contains_key(&id)
    }

    pub(super) fn len(&self) -> usize {
        self.operators.len()
    }

    /// A line for each.
    pub(super) fn describe(&self, f: &mut impl fmt::Write) -> fmt::Result {
        for (id, queued) in &self.operators {
            let (node, action, kind) = queued.operator.message();
            let flags = flags(&[
                (queued.sent_at.is_some(), "sent"),
                (queued.operator.is_finished(), "finished"),
                (queued.post_finished, "post-finished"),
            ]);
            writeln!(f, "  operator {id} {action} {kind} at {node}{flags}")?;
        }
        Ok(())
    }

    fn first_due(&self, now: Instant) -> Option<DispatcherId> {
        let order = |(id, queued): (&DispatcherId, &Queued)| (queued.due, queued.number, *id);
        let first = self.operators.iter().map(order).min();
        first.filter(|(due, ..)| *due <= now).map(|(.., id)| id)
    }

    /// The lowest checkpoint of the spans whose operators hold the checkpoint back.
    pub(super) fn lowest_blocking(&self, spans: &Spans) -> Option<Ts> {
        let blocking = self.operators.iter().filter(|(_, queued)| queued.operator.blocks_checkpoint());
        blocking.filter_map(|(id, _)| spans.get(*id)).map(|replica| replica.checkpoint).min()
    }
}

impl Operator {
    pub(super) fn add(dest: NodeId, kind: OperatorType) -> Operator {
        Operator::Add(Add::new(dest, kind))
    }

    /// The node is remembered: a span that is marked absent meanwhile does not change it.
    pub(super) fn remove(node: NodeId, kind: OperatorType, span: Span, then: Then) -> Operator {
        Operator::Remove(Remove::new(node, kind, span, then))
    }

    fn start(&self, id: DispatcherId, spans: &mut Spans) {
        match self {
            Operator::Add(add) => add.start(id, spans),
            Operator::Remove(_) => {}
        }
    }

    fn is_finished(&self) -> bool {
        match self {
            Operator::Add(add) => add.is_finished(),
            Operator::Remove(remove) => remove.is_finished(),
        }
    }

    fn check(&mut self, from: NodeId, status: &DispatcherStatus, spans: &mut Spans) {
        match self {
            Operator::Add(add) => add.check(from, status),
            Operator::Remove(remove) => remove.check(from, status, spans),
        }
    }

    fn on_node_removed(&mut self, gone: NodeId) {
        match self {
            Operator::Add(add) => add.on_node_removed(gone),
            Operator::Remove(remove) => remove.on_node_removed(gone),
        }
    }

    fn on_task_removed(&mut self) {
        match self {
            Operator::Add(add) => add.on_task_removed(),
            Operator::Remove(remove) => remove.on_task_removed(),
        }
    }

    /// To whom it sends what.
    fn message(&self) -> (NodeId, Action, OperatorType) {
        match self {
            Operator::Add(add) => (add.dest, Action::Create, add.kind),
            Operator::Remove(remove) => (remove.node, Action::Remove, remove.kind),
        }
    }

    fn blocks_checkpoint(&self) -> bool {
        match self {
            Operator::Add(_) => true,
            Operator::Remove(_) => false,
        }
    }
}

impl Maintainer {
    /// Whether an operator for this span would be taken.
    pub(super) fn admits_operator(&self, id: DispatcherId, cx: &Cx) -> bool {
        !self.is_frozen(id, cx) && !self.operators.has(id) && self.spans.get(id).is_some()
    }

    /// Takes an operator, unless the maintainer is being removed, there is one, or the span is not known.
    pub(super) fn add_operator(&mut self, id: DispatcherId, operator: Operator, cx: &mut Cx) -> bool {
        let admitted = self.admits_operator(id, cx);
        if admitted {
            self.push_operator(id, operator, cx);
        }
        admitted
    }

    pub(super) fn push_operator(&mut self, id: DispatcherId, mut operator: Operator, cx: &mut Cx) {
        operator.start(id, &mut self.spans);
        let (affected, ..) = operator.message();
        if !cx.process.view().contains(&affected) {
            operator.on_node_removed(affected);
        }
        self.operators.pushed += 1;
        let (due, number) = (cx.now.steady, self.operators.pushed);
        let queued = Queued { operator, due, number, sent_at: None, post_finished: false };
        self.operators.operators.insert(id, queued);
    }

    /// Puts an operator in the place of whatever there is.
    pub(super) fn replace_operator(&mut self, id: DispatcherId, operator: Operator, cx: &mut Cx) {
        if let Some(mut old) = self.operators.operators.remove(&id) {
            old.operator.on_task_removed();
            self.post_finish(id, &old.operator, cx);
        }
        self.push_operator(id, operator, cx);
    }

    pub(super) fn check_operator(&mut self, from: NodeId, status: &DispatcherStatus, cx: &Cx) {
        if self.is_frozen(status.id, cx) {
            return;
        }
        if let Some(queued) = self.operators.operators.get_mut(&status.id) {
            queued.operator.check(from, status, &mut self.spans);
        }
    }

    /// While the maintainer is being removed, only the table trigger is worked on.
    fn is_frozen(&self, id: DispatcherId, cx: &Cx) -> bool {
        self.is_quiescing(cx) && id != self.spans.trigger()
    }

    /// The controller: one operator at a time; others may get in between two of them.
    pub(super) fn run_operators(&mut self, cx: &mut Cx) {
        let timer = Timer::Operators { m: self.id };
        let now = cx.now.steady;
        let Some(id) = self.operators.first_due(now) else {
            return cx.out.alarm(timer.into(), IDLE);
        };
        cx.out.give_way(timer.into());
        let frozen = self.is_frozen(id, cx);
        let Some(queued) = self.operators.operators.get_mut(&id) else { return };
        if frozen {
            // Out of the queue, but still in the map: it goes on holding the checkpoint back.
            queued.due = Instant::NEVER;
        } else if queued.post_finished {
            self.operators.operators.remove(&id);
        } else if queued.operator.is_finished() {
            queued.post_finished = true;
            let operator = queued.operator.clone();
            self.post_finish(id, &operator, cx);
            self.note_outcome(id, cx);
        } else {
            queued.due = now + REARM;
            self.send_for(id, cx);
        }
    }

    /// The last action of an operator.
    fn post_finish(&mut self, id: DispatcherId, operator: &Operator, cx: &mut Cx) {
        match operator {
            Operator::Add(add) => add.post_finish(id, &mut self.spans),
            Operator::Remove(remove) => match remove.then {
                Then::Nothing => {}
                Then::Absent => self.spans.mark_absent(id),
                Then::Repaired => {
                    self.spans.remove(id);
                    self.repair_coverage(remove.span.table, cx);
                }
            },
        }
    }

    fn note_outcome(&self, id: DispatcherId, cx: &mut Cx) {
        match self.spans.get(id).map(|replica| replica.node) {
            Some(Some(node)) => cx.note(Note::SpanReplicating { cf: self.cf, id, node }),
            Some(None) => cx.note(Note::SpanAbsent { cf: self.cf, id }),
            None => {}
        }
    }

    /// Sends what the operator has to say, unless it has done so lately.
    fn send_for(&mut self, id: DispatcherId, cx: &mut Cx) {
        let now = cx.now.steady;
        let Some(queued) = self.operators.operators.get_mut(&id) else { return };
        if queued.sent_at.is_some_and(|at| now.since(at) < RESEND) {
            return;
        }
        queued.sent_at = Some(now);
        let (node, action, kind) = queued.operator.message();
        let span = match &queued.operator {
            Operator::Add(_) => self.spans.get(id).map(|replica| replica.span),
            Operator::Remove(remove) => Some(remove.span),
        };
        let request = self.request(id, span, action, kind, cx);
        cx.send(node, Place::Dispatchers, dispatchers::Inbox::ScheduleDispatcherRequest { request });
    }

    /// A node has left: what it had without an operator is absent; then every operator hears of it.
    /// One that is being removed leaves all as it is.
    pub(super) fn operators_on_node_removed(&mut self, gone: NodeId, cx: &mut Cx) {
        if self.is_quiescing(cx) {
            return;
        }
        for id in self.spans.on_node(gone).collect::<Vec<_>>() {
            if !self.operators.has(id) {
                cx.note(Note::SpanAbsent { cf: self.cf, id });
                self.spans.mark_absent(id);
            }
        }
        self.operators.operators.values_mut().for_each(|queued| queued.operator.on_node_removed(gone));
    }
}
