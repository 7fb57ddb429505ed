//! Add: a node is told to create a dispatcher until it reports that it works.

use crate::{
    DispatcherId, NodeId,
    dispatchers::{ComponentState, DispatcherStatus, OperatorType},
    maintainer::spans::Spans,
};

#[derive(Clone, Debug)]
pub(crate) struct Add {
    pub(super) dest: NodeId,
    pub(super) kind: OperatorType,
    end: Option<End>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Success,
    Removed,
}

impl Add {
    pub(super) fn new(dest: NodeId, kind: OperatorType) -> Add {
        Add { dest, kind, end: None }
    }

    pub(super) fn start(&self, id: DispatcherId, spans: &mut Spans) {
        if self.end.is_none() {
            spans.bind(id, self.dest);
        }
    }

    pub(super) fn is_finished(&self) -> bool {
        self.end.is_some()
    }

    /// Stopped is ignored: it may be the end of an earlier dispatcher of the same id.
    pub(super) fn check(&mut self, from: NodeId, status: &DispatcherStatus) {
        if self.end.is_none() && from == self.dest {
            match status.state {
                ComponentState::Working => self.end = Some(End::Success),
                ComponentState::Removed => self.end = Some(End::Removed),
                _ => {}
            }
        }
    }

    /// Counts also after success, as long as it is not finalised.
    pub(super) fn on_node_removed(&mut self, gone: NodeId) {
        if gone == self.dest {
            self.end = Some(End::Removed);
        }
    }

    pub(super) fn on_task_removed(&mut self) {
        self.end = Some(End::Removed);
    }

    pub(super) fn post_finish(&self, id: DispatcherId, spans: &mut Spans) {
        match self.end {
            Some(End::Success) => spans.mark_replicating(id),
            Some(End::Removed) => spans.mark_absent(id),
            None => {}
        }
    }
}
