//! Remove: a node is told to remove a dispatcher until it reports that it is gone.

use crate::{
    NodeId, Span,
    dispatchers::{DispatcherStatus, OperatorType},
    maintainer::spans::Spans,
};

#[derive(Clone, Debug)]
pub(crate) struct Remove {
    pub(super) node: NodeId,
    pub(super) kind: OperatorType,
    /// What it removes, also if that is no longer desired.
    pub(super) span: Span,
    pub(super) then: Then,
    finished: bool,
}

/// What becomes of a replica when its dispatcher is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::maintainer) enum Then {
    /// Nothing.
    Nothing,
    /// It is absent: the first half of a restored move or split is over.
    Absent,
    /// It goes, and what nothing else covers is absent.
    Repaired,
}

impl Remove {
    pub(super) fn new(node: NodeId, kind: OperatorType, span: Span, then: Then) -> Remove {
        Remove { node, kind, span, then, finished: false }
    }

    pub(super) fn is_finished(&self) -> bool {
        self.finished
    }

    pub(super) fn check(&mut self, from: NodeId, status: &DispatcherStatus, spans: &mut Spans) {
        if from == self.node && status.state.is_terminal() {
            spans.update(status);
            self.finished = true;
        }
    }

    pub(super) fn on_node_removed(&mut self, gone: NodeId) {
        if gone == self.node {
            self.finished = true;
        }
    }

    pub(super) fn on_task_removed(&mut self) {
        self.finished = true;
        self.then = Then::Nothing;
    }
}
