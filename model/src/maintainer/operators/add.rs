//! Add: a node is told to create a dispatcher until it reports that it works.

use crate::{
    DispatcherId, NodeId,
    dispatchers::{Action, ComponentState, DispatcherStatus, OperatorType},
    maintainer::operators::{After, Operator, Order, Scene, Throttle},
};

#[derive(Clone, Debug)]
pub(in crate::maintainer) struct Add {
    id: DispatcherId,
    dest: NodeId,
    kind: OperatorType,
    end: Option<End>,
    throttle: Throttle,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Success,
    Removed,
}

impl Add {
    pub(in crate::maintainer) fn new(id: DispatcherId, dest: NodeId, kind: OperatorType) -> Box<Add> {
        Box::new(Add { id, dest, kind, end: None, throttle: Throttle::default() })
    }
}

impl Operator for Add {
    fn id(&self) -> DispatcherId {
        self.id
    }

    fn words(&self) -> String {
        let sent = if self.throttle.has_sent() { " sent" } else { "" };
        format!("Create {} at {}{sent}", self.kind, self.dest)
    }

    fn start(&mut self, scene: &mut Scene) {
        if self.end.is_none() {
            scene.spans.bind(self.id, None, self.dest);
        }
    }

    fn schedule(&mut self, scene: &mut Scene) -> Option<Order> {
        let sends = self.end.is_none() && self.throttle.passes(scene.now());
        sends.then_some(Order::Schedule { node: self.dest, action: Action::Create, kind: self.kind })
    }

    /// Stopped is ignored: it may be the end of an earlier dispatcher of the same id.
    fn check(&mut self, from: NodeId, status: &DispatcherStatus, scene: &mut Scene) {
        if self.end.is_none() && from == self.dest {
            let gives_up = scene.cx.policy().maintainer.stopped_in_add.gives_up(status.state);
            match status.state {
                ComponentState::Working => self.end = Some(End::Success),
                _ if gives_up => self.end = Some(End::Removed),
                _ => {}
            }
        }
    }

    /// Counts also after success, as long as it is not finalised.
    fn on_node_removed(&mut self, gone: Option<NodeId>, scene: &mut Scene) {
        if gone == Some(self.dest) {
            self.on_task_removed(scene);
        }
    }

    fn on_task_removed(&mut self, _: &mut Scene) {
        self.end = Some(End::Removed);
    }

    fn is_finished(&self) -> bool {
        self.end.is_some()
    }

    fn post_finish(&mut self, scene: &mut Scene) -> After {
        match self.end {
            Some(End::Success) => scene.spans.mark_replicating(self.id),
            Some(End::Removed) if scene.spans.get(self.id).is_some() => scene.spans.mark_absent(self.id),
            Some(End::Removed) | None => {}
        }
        After::Nothing
    }

    fn affected(&self) -> Vec<Option<NodeId>> {
        vec![Some(self.dest)]
    }

    fn blocks_checkpoint(&self) -> bool {
        true
    }

    fn is_add(&self) -> bool {
        true
    }

    fn copy(&self) -> Box<dyn Operator> {
        Box::new(self.clone())
    }
}
