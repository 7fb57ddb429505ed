//! Remove: a node is told to remove a dispatcher until it reports that it is gone.

use crate::{
    DispatcherId, NodeId,
    dispatchers::{DispatcherStatus, OperatorType},
    maintainer::spans::Spans,
};

#[derive(Clone, Debug)]
pub(crate) struct Remove {
    pub(super) node: NodeId,
    pub(super) kind: OperatorType,
    /// Whether the span is absent afterwards: the first half of a restored move or split.
    then_absent: bool,
    finished: bool,
}

impl Remove {
    pub(super) fn new(node: NodeId, kind: OperatorType, then_absent: bool) -> Remove {
        Remove { node, kind, then_absent, finished: false }
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
        self.then_absent = false;
    }

    pub(super) fn post_finish(&self, id: DispatcherId, spans: &mut Spans) {
        if self.then_absent {
            spans.mark_absent(id);
        }
    }
}
