//! Occupy: nobody else does anything to a span while it goes into a merge.

use crate::{
    DispatcherId, NodeId,
    dispatchers::DispatcherStatus,
    maintainer::operators::{Operator, Order, Scene},
};

#[derive(Clone, Debug)]
pub(in crate::maintainer) struct Occupy {
    id: DispatcherId,
    node: Option<NodeId>,
    finished: bool,
}

impl Occupy {
    pub(in crate::maintainer) fn new(id: DispatcherId, node: Option<NodeId>) -> Box<Occupy> {
        Box::new(Occupy { id, node, finished: false })
    }
}

impl Operator for Occupy {
    fn id(&self) -> DispatcherId {
        self.id
    }

    fn words(&self) -> String {
        "Occupy".to_owned()
    }

    fn schedule(&mut self, _: &mut Scene) -> Option<Order> {
        None
    }

    fn check(&mut self, _: NodeId, _: &DispatcherStatus, _: &mut Scene) {}

    /// Also when the merge is over and only this is left.
    fn on_node_removed(&mut self, gone: Option<NodeId>, scene: &mut Scene) {
        if gone == self.node {
            scene.spans.mark_absent(self.id);
            self.finished = true;
        }
    }

    fn on_task_removed(&mut self, _: &mut Scene) {
        self.finished = true;
    }

    fn is_finished(&self) -> bool {
        self.finished
    }

    fn affected(&self) -> Vec<Option<NodeId>> {
        vec![self.node]
    }

    fn blocks_checkpoint(&self) -> bool {
        false
    }

    fn release(&mut self) {
        self.finished = true;
    }

    fn copy(&self) -> Box<dyn Operator> {
        Box::new(self.clone())
    }
}
