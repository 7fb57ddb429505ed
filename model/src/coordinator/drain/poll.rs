//! A user asks how far the draining of a node is, and thereby that it goes on.

use crate::{
    Cx, Epoch, NodeId,
    coordinator::{Note, Term, drain::facts::Capability},
};

/// What follows for a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::coordinator) enum Step {
    /// It needs a timestamp for a new session.
    Waits,
    /// It is answered: so much is left on the node, at least.
    Answered(u32),
    Refused(&'static str),
}

impl Term {
    /// What there is to say, unless a session has to be opened first.
    pub(in crate::coordinator) fn poll_drain(&mut self, target: NodeId, cx: &mut Cx) -> Step {
        if target == cx.id() {
            return Step::Refused("the coordinator cannot be drained");
        }
        let session = self.drain.session.as_ref().map(|session| session.target);
        if !cx.process.view().contains(&target) {
            return match session {
                _ if self.drain.completed == Some(target) => Step::Answered(0),
                Some(of) if of == target => Step::Answered(self.look_at_drain(target, cx).answer()),
                _ => Step::Refused("there is no such node"),
            };
        }
        let blocked = session.map_or(self.drain.clear.is_some(), |of| of != target);
        if blocked || !self.initialized {
            return Step::Answered(1);
        }
        if session.is_some() {
            return self.go_on_draining(target, cx);
        }
        let capability = |node: &NodeId| self.drain.facts.of(*node).capability;
        let all: Vec<Capability> = cx.process.view().iter().map(capability).collect();
        if all.contains(&Capability::Unknown) {
            Step::Answered(1)
        } else if all.contains(&Capability::Legacy) {
            // Whoever asks takes the node away as before there was such an order.
            Step::Answered(0)
        } else {
            Step::Waits
        }
    }

    /// The timestamp is there.
    pub(in crate::coordinator) fn poll_drain_with(
        &mut self,
        target: NodeId,
        tso: Epoch,
        cx: &mut Cx,
    ) -> Step {
        match self.open_drain_session(target, tso, cx) {
            Ok(()) => self.go_on_draining(target, cx),
            Err(why) => Step::Refused(why),
        }
    }

    /// All are told again, and it is looked at what is left.
    fn go_on_draining(&mut self, target: NodeId, cx: &mut Cx) -> Step {
        self.sync_freeze(cx);
        self.broadcast_drain(true, cx);
        self.drain.facts.request(target);
        self.send_draining(target, cx);
        let answer = self.look_at_drain(target, cx).answer();
        if answer == 0 {
            cx.note(Note::NodeDrained { node: target });
        }
        Step::Answered(answer)
    }
}
