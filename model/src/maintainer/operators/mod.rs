//! Operators: what is being done to a span, each a state machine in a file of its own. To add one is to add its file.
//!
//! The [controller](controller) starts an operator, asks it again and again what to send, tells it of every status of its
//! dispatcher and of nodes that leave, and takes its last action when it has finished.

mod add;
mod controller;
mod merge;
mod move_to;
mod occupy;
mod remove;
mod split;

use std::fmt;

use sim::{Duration, Instant};

use crate::{
    Cx, DispatcherId, NodeId, SchemaId, TableId,
    dispatchers::{Action, DispatcherStatus, OperatorType},
    maintainer::spans::Spans,
};
pub(super) use add::Add;
pub(super) use controller::{Number, Operators};
pub(super) use merge::Merge;
pub(super) use move_to::Move;
pub(super) use occupy::Occupy;
pub(super) use remove::{Remove, Then};
pub(super) use split::Split;

/// What an operator can reach when it acts: the spans, and the rest of the process.
pub(super) struct Scene<'a, 'b> {
    pub(super) spans: &'a mut Spans,
    pub(super) cx: &'a mut Cx<'b>,
    /// The spans that it does not occupy any longer.
    released: Vec<DispatcherId>,
}

impl Scene<'_, '_> {
    fn now(&self) -> Instant {
        self.cx.now.steady
    }
}

/// Something that is done to a span.
pub(super) trait Operator: fmt::Debug {
    /// The span, and its dispatcher.
    fn id(&self) -> DispatcherId;

    /// What it is, and to whom it is done, for people.
    fn words(&self) -> String;

    /// It has been taken: the first thing it does.
    fn start(&mut self, _: &mut Scene) {}

    /// What it has to send now, if anything. It is asked every 500 ms.
    fn schedule(&mut self, scene: &mut Scene) -> Option<Order>;

    /// A dispatcher of its id has this status.
    fn check(&mut self, from: NodeId, status: &DispatcherStatus, scene: &mut Scene);

    /// A node has left, or one that it affects was not there when it started; a span that no node had counts as that.
    fn on_node_removed(&mut self, gone: Option<NodeId>, scene: &mut Scene);

    /// A DDL has taken away the span, or another operator takes its place.
    fn on_task_removed(&mut self, scene: &mut Scene);

    fn is_finished(&self) -> bool;

    /// The last thing it does, exactly once.
    fn post_finish(&mut self, _: &mut Scene) -> After {
        After::Nothing
    }

    /// The nodes without which it cannot go on as it is.
    fn affected(&self) -> Vec<Option<NodeId>>;

    /// The node that has to say something next, before it has finished.
    fn awaits(&self) -> Option<NodeId> {
        self.affected().first().copied().flatten()
    }

    /// Whether the checkpoint of its span holds back that of the changefeed.
    fn blocks_checkpoint(&self) -> bool;

    /// From where it moves a span, if it is a move that is not finished.
    fn moves_from(&self) -> Option<NodeId> {
        None
    }

    /// Whether it is a move, finished or not.
    fn is_move(&self) -> bool {
        false
    }

    /// Whether it gives a span to a node that nobody has.
    fn is_add(&self) -> bool {
        false
    }

    /// The spans that are to become one, if it is a merge.
    fn sources(&self) -> &[DispatcherId] {
        &[]
    }

    /// The merge that it occupies a span for needs it no longer.
    fn release(&mut self) {}

    /// A copy of it: maintainers are values.
    fn copy(&self) -> Box<dyn Operator>;
}

impl Clone for Box<dyn Operator> {
    fn clone(&self) -> Box<dyn Operator> {
        self.copy()
    }
}

/// What an operator sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// A request that concerns one dispatcher.
    Schedule { node: NodeId, action: Action, kind: OperatorType },
    /// Neighbouring dispatchers are to become that of the operator.
    Merge { node: NodeId, sources: Vec<DispatcherId> },
}

/// What the controller is to do when an operator has taken its last action.
#[derive(Debug)]
pub(super) enum After {
    Nothing,
    /// What no span of this table covers is to be replicated again, in this database.
    Repair(TableId, SchemaId),
    /// These spans are new, and each is to be replicated by its node; those without one are absent.
    Split(Vec<(DispatcherId, Option<NodeId>)>),
    /// So many spans have become one.
    Merged(usize),
}

/// How soon an operator sends again.
const RESEND: Duration = Duration::from_secs(10);

/// Keeps an operator from sending too often.
#[derive(Clone, Debug, Default)]
struct Throttle {
    sent_at: Option<Instant>,
}

impl Throttle {
    /// Whether it may send now; then it counts as having done so.
    fn passes(&mut self, now: Instant) -> bool {
        let passes = self.sent_at.is_none_or(|at| now.since(at) >= RESEND);
        if passes {
            self.sent_at = Some(now);
        }
        passes
    }

    fn reset(&mut self) {
        self.sent_at = None;
    }

    fn has_sent(&self) -> bool {
        self.sent_at.is_some()
    }
}
