//! The basic scheduler: gives absent spans to the nodes that are being given the fewest.

use std::collections::VecDeque;

use sim::Duration;

use crate::{
    Cx, DispatcherId, NodeId,
    dispatchers::OperatorType,
    maintainer::{Maintainer, Note, Timer, operators::Operator},
};

const PERIOD: Duration = Duration::from_millis(500);

/// A run of the scheduler: the spans that are still to be placed.
#[derive(Clone, Debug, Default)]
pub(super) struct Basic {
    left: VecDeque<DispatcherId>,
    /// The operator that has been checked and is to be pushed next.
    checked: Option<(DispatcherId, NodeId)>,
}

impl Maintainer {
    pub(super) fn run_basic(&mut self, cx: &mut Cx) {
        if let Some((id, node)) = self.basic.checked.take() {
            self.assign(id, node, cx);
        } else if self.basic.left.is_empty() && !self.is_quiescing(cx) {
            self.basic.left = self.spans.absent().collect();
        }
        while let Some(id) = self.basic.left.pop_front() {
            if let Some(node) = self.least_loaded(cx)
                && self.admits_operator(id, cx)
            {
                // The check and the insertion are two steps.
                self.basic.checked = Some((id, node));
                return cx.out.give_way(Timer::BasicScheduler { m: self.id }.into());
            }
        }
        cx.out.alarm(Timer::BasicScheduler { m: self.id }.into(), PERIOD);
    }

    fn assign(&mut self, id: DispatcherId, node: NodeId, cx: &mut Cx) {
        let Some(replica) = self.spans.get(id) else { return };
        cx.note(Note::SpanAssigned { cf: self.cf, id, span: replica.span, node });
        self.push_operator(id, Operator::add(node, OperatorType::Add), cx);
    }

    /// One of the nodes that are being given the fewest spans; which of several is chance.
    fn least_loaded(&self, cx: &mut Cx) -> Option<NodeId> {
        let least = cx.process.view().iter().map(|node| self.spans.scheduling_on(*node)).min()?;
        let fewest = |node: &NodeId| self.spans.scheduling_on(*node) == least;
        let candidates: Vec<NodeId> = cx.process.view().iter().copied().filter(fewest).collect();
        Some(candidates[cx.out.choose("node for a span", candidates.len())])
    }
}
