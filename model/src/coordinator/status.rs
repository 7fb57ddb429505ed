//! What the coordinator does with the status of a maintainer.

use crate::{
    Cx, NodeId,
    coordinator::{MaintainerState, MaintainerStatus, Note, Outcome, Term},
};

impl Term {
    /// A heartbeat counts only from a node that has answered the bootstrap, and only after it.
    pub(super) fn on_heartbeat(
        &mut self,
        from: NodeId,
        statuses: &[MaintainerStatus],
        cx: &mut Cx,
    ) -> Outcome {
        if !self.initialized || !self.bootstrapper.is_initialized(from) {
            return Ok(());
        }
        let mut changed = Vec::new();
        for status in statuses {
            self.check_operator(from, status, cx)?;
            if self.on_status(from, status, cx) {
                changed.push(status.cf);
            }
        }
        if !changed.is_empty() {
            self.push_changes(changed, cx);
        }
        Ok(())
    }

    /// Whether the status is the owner's and was stored.
    fn on_status(&mut self, from: NodeId, status: &MaintainerStatus, cx: &mut Cx) -> bool {
        let Some(changefeed) = self.changefeeds.get_mut(status.cf) else {
            self.remove_orphan(from, status, cx);
            return false;
        };
        if changefeed.node != Some(from) {
            return false;
        }
        let current = changefeed.info.epoch;
        if !cx.policy().coordinator.status_filter.accepts(status.epoch, current) {
            cx.note(Note::StaleStatus { cf: status.cf, node: from, epoch: status.epoch, current });
            return false;
        }
        if status.checkpoint < changefeed.status.checkpoint {
            return false;
        }
        changefeed.status = status.clone();
        true
    }

    /// A maintainer of a changefeed that does not exist is removed, at every heartbeat again.
    fn remove_orphan(&mut self, from: NodeId, status: &MaintainerStatus, cx: &mut Cx) {
        if status.state == MaintainerState::Working && self.operators.get(status.cf).is_none() {
            self.remove_unknown_one(status.cf, from, status.epoch, cx);
        }
    }
}
