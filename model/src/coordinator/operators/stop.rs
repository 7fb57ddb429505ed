//! Stop: a node is told to remove a maintainer, cascading to its dispatchers, until it reports that it has.

use sim::{Duration, Instant};

use crate::{
    ChangefeedId, Epoch, NodeId,
    coordinator::{MaintainerState, MaintainerStatus},
    policy,
};

/// By then answers to earlier requests have come.
const PATIENCE: Duration = Duration::from_secs(2);

/// What an operator does when it has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Last {
    /// Nothing that others have to wait for.
    Nothing,
    /// The changefeed is deleted.
    Delete,
    /// Its progress is none again.
    ClearProgress,
}

#[derive(Clone, Debug)]
pub(crate) struct Stop {
    pub(super) cf: ChangefeedId,
    pub(super) node: NodeId,
    pub(super) removed: bool,
    pub(super) epoch: Epoch,
    /// When it began, if that matters.
    pub(super) since: Option<Instant>,
    finished: bool,
}

impl Stop {
    pub(in crate::coordinator) fn new(cf: ChangefeedId, node: NodeId, removed: bool, epoch: Epoch) -> Stop {
        Stop { cf, node, removed, epoch, since: None, finished: false }
    }

    /// Whether what its node was asked before may still be answered.
    pub(super) fn is_young(&self, now: Instant) -> bool {
        self.since.is_some_and(|since| now.since(since) < PATIENCE)
    }

    pub(super) fn is_finished(&self) -> bool {
        self.finished
    }

    /// Whether it has waited for this status.
    pub(super) fn is_ended_by(
        &self,
        from: NodeId,
        status: &MaintainerStatus,
        policy: &policy::Coordinator,
    ) -> bool {
        let expected = policy.stop_check.accepts((from, status.epoch), (self.node, self.epoch));
        expected && status.state != MaintainerState::Working
    }

    pub(super) fn finish(&mut self) {
        self.finished = true;
    }

    /// The node is gone: the coordinator's own node is to close the dispatchers that are left.
    pub(super) fn on_node_removed(&mut self, gone: NodeId, me: NodeId) {
        if gone == self.node {
            self.node = me;
        }
    }

    pub(super) fn on_task_removed(&mut self) {
        self.finished = true;
    }

    /// What is written at the end; if that fails, it is only logged.
    pub(super) fn post_finish(&self) -> Last {
        if self.removed { Last::Delete } else { Last::ClearProgress }
    }
}
