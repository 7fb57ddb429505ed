//! Move: a span changes its node. Its dispatcher is removed from the one, and only then created on the other.

use crate::{
    DispatcherId, NodeId,
    dispatchers::{Action, ComponentState, DispatcherStatus, OperatorType},
    maintainer::operators::{After, Operator, Order, Scene, Throttle},
};

#[derive(Clone, Debug)]
pub(in crate::maintainer) struct Move {
    id: DispatcherId,
    /// Nobody, if the span lost its node before the move began.
    origin: Option<NodeId>,
    dest: NodeId,
    phase: Phase,
    throttle: Throttle,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Until its origin says that it does not work any more.
    RemoveOrigin,
    /// The same, but the destination has left: nobody may get the span before its origin has let go of it.
    AbortRemoveOrigin,
    /// Until its destination says that it works.
    AddDest,
    DoneSuccess,
    /// The span has been taken care of.
    DoneNoPostFinish,
}

impl Move {
    pub(in crate::maintainer) fn new(id: DispatcherId, origin: Option<NodeId>, dest: NodeId) -> Box<Move> {
        let (phase, throttle) = (Phase::RemoveOrigin, Throttle::default());
        Box::new(Move { id, origin, dest, phase, throttle })
    }

    /// The dispatcher is gone from the origin.
    fn origin_is_free(&mut self, scene: &mut Scene) {
        self.throttle.reset();
        match self.phase {
            Phase::RemoveOrigin => {
                scene.spans.bind(self.id, self.origin, self.dest);
                self.phase = Phase::AddDest;
            }
            Phase::AbortRemoveOrigin => self.finish_as_absent(scene),
            Phase::AddDest | Phase::DoneSuccess | Phase::DoneNoPostFinish => {}
        }
    }

    fn finish_as_absent(&mut self, scene: &mut Scene) {
        scene.spans.mark_absent(self.id);
        self.phase = Phase::DoneNoPostFinish;
    }
}

impl Operator for Move {
    fn id(&self) -> DispatcherId {
        self.id
    }

    fn words(&self) -> String {
        let sent = if self.throttle.has_sent() { " sent" } else { "" };
        let origin = self.origin.map_or("nobody".to_owned(), |node| node.to_string());
        format!("Move from {origin} to {} {}{sent}", self.dest, self.phase.name())
    }

    fn start(&mut self, scene: &mut Scene) {
        if self.origin == Some(self.dest) {
            self.phase = Phase::DoneSuccess;
        } else {
            scene.spans.mark_scheduling(self.id);
            self.phase = Phase::RemoveOrigin;
        }
    }

    fn schedule(&mut self, scene: &mut Scene) -> Option<Order> {
        let (node, action) = match self.phase {
            Phase::RemoveOrigin | Phase::AbortRemoveOrigin => (self.origin, Action::Remove),
            Phase::AddDest => (Some(self.dest), Action::Create),
            Phase::DoneSuccess | Phase::DoneNoPostFinish => return None,
        };
        let sends = self.throttle.passes(scene.now());
        Some(Order::Schedule { node: node.filter(|_| sends)?, action, kind: OperatorType::Move })
    }

    /// Whatever is not working is gone from the origin, though it may only wait for a merge. What the origin says later
    /// makes it send the next request at once.
    fn check(&mut self, from: NodeId, status: &DispatcherStatus, scene: &mut Scene) {
        if self.is_finished() {
            return;
        }
        let working = status.state == ComponentState::Working;
        if Some(from) == self.origin && !working {
            self.origin_is_free(scene);
        }
        if self.phase == Phase::AddDest && from == self.dest && working {
            self.phase = Phase::DoneSuccess;
        }
    }

    fn on_node_removed(&mut self, gone: Option<NodeId>, scene: &mut Scene) {
        if self.is_finished() {
            let lost = self.phase == Phase::DoneSuccess && gone == Some(self.dest);
            if lost && scene.cx.policy().maintainer.done_move.is_undone() {
                self.finish_as_absent(scene);
            }
            return;
        }
        if gone == Some(self.dest) {
            let waits = scene.cx.policy().maintainer.move_abort.waits_for_origin();
            match self.phase {
                Phase::RemoveOrigin if waits => self.phase = Phase::AbortRemoveOrigin,
                Phase::RemoveOrigin | Phase::AddDest => self.finish_as_absent(scene),
                Phase::AbortRemoveOrigin | Phase::DoneSuccess | Phase::DoneNoPostFinish => {}
            }
        } else if gone == self.origin {
            self.origin_is_free(scene);
        }
    }

    /// The span keeps its node, so that whoever removes its dispatcher knows where that is.
    fn on_task_removed(&mut self, scene: &mut Scene) {
        scene.spans.mark_replicating(self.id);
        self.phase = Phase::DoneNoPostFinish;
    }

    fn is_finished(&self) -> bool {
        matches!(self.phase, Phase::DoneSuccess | Phase::DoneNoPostFinish)
    }

    fn post_finish(&mut self, scene: &mut Scene) -> After {
        if self.phase == Phase::DoneSuccess {
            scene.spans.mark_replicating(self.id);
        }
        After::Nothing
    }

    fn affected(&self) -> Vec<Option<NodeId>> {
        vec![self.origin, Some(self.dest)]
    }

    fn awaits(&self) -> Option<NodeId> {
        match self.phase {
            Phase::RemoveOrigin | Phase::AbortRemoveOrigin => self.origin,
            Phase::AddDest => Some(self.dest),
            Phase::DoneSuccess | Phase::DoneNoPostFinish => None,
        }
    }

    fn blocks_checkpoint(&self) -> bool {
        true
    }

    fn moves_from(&self) -> Option<NodeId> {
        self.origin.filter(|_| !self.is_finished())
    }

    fn is_move(&self) -> bool {
        true
    }

    fn copy(&self) -> Box<dyn Operator> {
        Box::new(self.clone())
    }
}

impl Phase {
    fn name(self) -> &'static str {
        match self {
            Phase::RemoveOrigin => "remove-origin",
            Phase::AbortRemoveOrigin => "abort-remove-origin",
            Phase::AddDest => "add-dest",
            Phase::DoneSuccess => "done-success",
            Phase::DoneNoPostFinish => "done-no-post-finish",
        }
    }
}
