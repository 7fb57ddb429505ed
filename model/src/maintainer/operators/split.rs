//! Split: a span is parted. Its dispatcher is removed, and then its parts take its place.

use crate::{
    DispatcherId, NodeId, Span, Ts,
    dispatchers::{Action, ComponentState, DispatcherStatus, OperatorType},
    maintainer::operators::{After, Operator, Order, Scene, Throttle},
};

#[derive(Clone, Debug)]
pub(in crate::maintainer) struct Split {
    id: DispatcherId,
    origin: Option<NodeId>,
    parts: Vec<Span>,
    /// A node for each part; none at all if the basic scheduler is to place them.
    targets: Vec<NodeId>,
    checkpoint: Ts,
    finished: bool,
    aborted: bool,
    throttle: Throttle,
}

impl Split {
    /// Behind the span: where it is, and its checkpoint.
    pub(in crate::maintainer) fn new(
        id: DispatcherId,
        (origin, checkpoint): (Option<NodeId>, Ts),
        parts: Vec<Span>,
        targets: Vec<NodeId>,
    ) -> Box<Split> {
        let (finished, aborted, throttle) = (false, false, Throttle::default());
        Box::new(Split { id, origin, parts, targets, checkpoint, finished, aborted, throttle })
    }

    fn abort(&mut self) {
        self.finished = true;
        self.aborted = true;
    }
}

impl Operator for Split {
    fn id(&self) -> DispatcherId {
        self.id
    }

    fn words(&self) -> String {
        let origin = self.origin.map_or("nobody".to_owned(), |node| node.to_string());
        let sent = if self.throttle.has_sent() { " sent" } else { "" };
        let aborted = if self.aborted { " aborted" } else { "" };
        format!("Split into {} at {origin} {}{sent}{aborted}", self.parts.len(), self.checkpoint)
    }

    fn start(&mut self, scene: &mut Scene) {
        scene.spans.mark_scheduling(self.id);
    }

    /// Whether it has finished does not matter: one that finishes when it is about to be asked sends all the same.
    fn schedule(&mut self, scene: &mut Scene) -> Option<Order> {
        let node = self.origin.filter(|_| self.throttle.passes(scene.now()))?;
        Some(Order::Schedule { node, action: Action::Remove, kind: OperatorType::Split })
    }

    fn check(&mut self, from: NodeId, status: &DispatcherStatus, _: &mut Scene) {
        if Some(from) == self.origin && status.state != ComponentState::Working {
            self.checkpoint = self.checkpoint.max(status.checkpoint);
            self.finished = true;
        }
    }

    /// Also when it has succeeded, as long as it is not finalised.
    fn on_node_removed(&mut self, gone: Option<NodeId>, _: &mut Scene) {
        if gone == self.origin {
            self.abort();
        }
    }

    fn on_task_removed(&mut self, _: &mut Scene) {
        self.abort();
    }

    fn is_finished(&self) -> bool {
        self.finished
    }

    /// Nobody asks whether the span is still desired.
    fn post_finish(&mut self, scene: &mut Scene) -> After {
        if self.aborted {
            scene.spans.mark_absent(self.id);
            return After::Nothing;
        }
        let parts = self.parts.iter().map(|span| (scene.cx.process.fresh_id(), *span));
        let parts: Vec<(DispatcherId, Span)> = parts.collect();
        let placed = scene.spans.replace(self.id, &parts, self.checkpoint, &self.targets);
        let node = |n: usize| self.targets.get(n).copied().filter(|_| placed);
        After::Split(parts.iter().enumerate().map(|(n, (id, _))| (*id, node(n))).collect())
    }

    fn affected(&self) -> Vec<Option<NodeId>> {
        vec![self.origin]
    }

    fn blocks_checkpoint(&self) -> bool {
        true
    }

    fn copy(&self) -> Box<dyn Operator> {
        Box::new(self.clone())
    }
}
