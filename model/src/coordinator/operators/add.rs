//! Add: a node is told to maintain a changefeed until it reports that it does.

use crate::{
    ChangefeedId, Epoch, NodeId,
    coordinator::{MaintainerState, MaintainerStatus, changefeeds::ChangefeedDb},
    policy,
};

#[derive(Clone, Debug)]
pub(crate) struct Add {
    pub(super) dest: NodeId,
    /// The generation of the changefeed when this was made: before a new one is persisted for it.
    constructed: Epoch,
    end: Option<End>,
}

/// How an add has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Success,
    NodeRemoved,
    TaskRemoved,
}

impl Add {
    pub(in crate::coordinator) fn new(dest: NodeId, epoch: Epoch) -> Add {
        Add { dest, constructed: epoch, end: None }
    }

    /// The generation that it tells, and waits for.
    pub(super) fn epoch(&self, current: Epoch, policy: &policy::Coordinator) -> Epoch {
        policy.add_epoch.of(self.constructed, current)
    }

    pub(super) fn start(&self, cf: ChangefeedId, db: &mut ChangefeedDb) {
        db.bind(cf, None, self.dest);
    }

    pub(super) fn is_finished(&self) -> bool {
        self.end.is_some()
    }

    pub(super) fn check(
        &mut self,
        from: NodeId,
        status: &MaintainerStatus,
        current: Epoch,
        policy: &policy::Coordinator,
    ) {
        let working = status.state == MaintainerState::Working && status.bootstrap_done;
        if self.end.is_none()
            && from == self.dest
            && working
            && policy.add_check.accepts(status.epoch, self.epoch(current, policy))
        {
            self.end = Some(End::Success);
        }
    }

    /// Counts even if the node had already reported success.
    pub(super) fn on_node_removed(&mut self, gone: NodeId) {
        if gone == self.dest {
            self.end = Some(End::NodeRemoved);
        }
    }

    pub(super) fn on_task_removed(&mut self) {
        self.end = Some(End::TaskRemoved);
    }

    pub(super) fn post_finish(&self, cf: ChangefeedId, db: &mut ChangefeedDb) {
        match self.end {
            Some(End::Success) => {
                db.mark_replicating(cf);
                if let Some(changefeed) = db.get_mut(cf) {
                    changefeed.is_new = false;
                }
            }
            Some(End::NodeRemoved) => db.mark_absent(cf),
            Some(End::TaskRemoved) | None => {}
        }
    }
}
