//! Remove: a node is told to remove a dispatcher until it reports that it is gone.

use crate::{
    DispatcherId, NodeId,
    dispatchers::{Action, DispatcherStatus, OperatorType},
    maintainer::operators::{After, Operator, Order, Scene, Throttle},
};

#[derive(Clone, Debug)]
pub(in crate::maintainer) struct Remove {
    id: DispatcherId,
    /// Where the dispatcher was when the operator was made: a span that is marked absent meanwhile does not change it.
    node: NodeId,
    kind: OperatorType,
    then: Then,
    /// Whether the checkpoint of its span holds back that of the changefeed.
    blocks: bool,
    finished: bool,
    throttle: Throttle,
}

/// What becomes of a replica when its dispatcher is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::maintainer) enum Then {
    /// Nothing.
    Nothing,
    /// It is absent, if it is still desired: the first half of a restored move or split is over.
    Absent,
    /// It goes, and what nothing else covers is absent.
    Repaired,
}

impl Remove {
    pub(in crate::maintainer) fn new(
        id: DispatcherId,
        node: NodeId,
        kind: OperatorType,
        then: Then,
    ) -> Box<Remove> {
        let (blocks, finished, throttle) = (false, false, Throttle::default());
        Box::new(Remove { id, node, kind, then, blocks, finished, throttle })
    }

    /// It stands for a move, and holds the checkpoint back as that does.
    pub(in crate::maintainer) fn holding_back(mut self: Box<Remove>) -> Box<Remove> {
        self.blocks = true;
        self
    }

    /// To whom it talks.
    fn node(&self, scene: &Scene) -> Option<NodeId> {
        let now = || scene.spans.held(self.id).and_then(|replica| replica.node);
        scene.cx.policy().maintainer.remove_node.of(self.node, now)
    }
}

impl Operator for Remove {
    fn id(&self) -> DispatcherId {
        self.id
    }

    fn words(&self) -> String {
        let sent = if self.throttle.has_sent() { " sent" } else { "" };
        format!("Remove {} at {}{sent}", self.kind, self.node)
    }

    fn schedule(&mut self, scene: &mut Scene) -> Option<Order> {
        let sends = self.throttle.passes(scene.now()) && !self.finished;
        let node = self.node(scene).filter(|_| sends)?;
        Some(Order::Schedule { node, action: Action::Remove, kind: self.kind })
    }

    /// A source that waits for its merge is not gone.
    fn check(&mut self, from: NodeId, status: &DispatcherStatus, scene: &mut Scene) {
        let ends = scene.cx.policy().maintainer.remove_check.ends(status.state);
        if !self.finished && Some(from) == self.node(scene) && ends {
            scene.spans.store(status);
            self.finished = true;
        }
    }

    fn on_node_removed(&mut self, gone: Option<NodeId>, scene: &mut Scene) {
        if gone == self.node(scene) {
            self.finished = true;
        }
    }

    fn on_task_removed(&mut self, _: &mut Scene) {
        self.finished = true;
        self.then = Then::Nothing;
    }

    fn is_finished(&self) -> bool {
        self.finished
    }

    fn post_finish(&mut self, scene: &mut Scene) -> After {
        match (self.then, scene.spans.held(self.id).map(|replica| (replica.span.table, replica.schema))) {
            (Then::Absent, _) if scene.spans.get(self.id).is_some() => scene.spans.mark_absent(self.id),
            (Then::Repaired, Some((table, schema))) => {
                scene.spans.remove(self.id);
                return After::Repair(table, schema);
            }
            (Then::Absent | Then::Nothing | Then::Repaired, _) => {}
        }
        After::Nothing
    }

    fn affected(&self) -> Vec<Option<NodeId>> {
        vec![Some(self.node)]
    }

    fn blocks_checkpoint(&self) -> bool {
        self.blocks
    }

    fn copy(&self) -> Box<dyn Operator> {
        Box::new(self.clone())
    }
}
