//! What the coordinator does with the status of a maintainer.

use crate::{
    Cx, NodeId,
    coordinator::{
        MaintainerState, MaintainerStatus, Note, Outcome, Term, persist::Batch, state_change::StateChange,
    },
    etcd::FeedState,
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
        let mut batch = Batch::default();
        for status in statuses {
            self.check_operator(from, status, cx)?;
            if let Some(news) = self.on_status(from, status, cx) {
                batch.changed.push(status.cf);
                batch.states.extend(news);
            }
        }
        if !batch.changed.is_empty() {
            self.push_changes(batch, cx);
        }
        Ok(())
    }

    /// What follows for the state of the changefeed from a status that is its owner's; none if the status is not.
    fn on_status(
        &mut self,
        from: NodeId,
        status: &MaintainerStatus,
        cx: &mut Cx,
    ) -> Option<Option<StateChange>> {
        let Some(changefeed) = self.changefeeds.get_mut(status.cf) else {
            self.remove_orphan(from, status, cx);
            return None;
        };
        if changefeed.node != Some(from) {
            return None;
        }
        let current = changefeed.info.epoch;
        if !cx.policy().coordinator.status_filter.accepts(status.epoch, current) {
            cx.note(Note::StaleStatus { cf: status.cf, node: from, epoch: status.epoch, current });
            return None;
        }
        let known = &changefeed.status;
        let mut status = status.clone();
        if status.checkpoint < known.checkpoint {
            if status.err.is_none() || !cx.policy().coordinator.regressed_error.is_heard() {
                return None;
            }
            status.checkpoint = known.checkpoint;
        }
        let flips = known.bootstrap_done != status.bootstrap_done;
        let (cf, checkpoint, error) = (status.cf, status.checkpoint, status.err);
        changefeed.status = status;
        // What is told by the status in which a maintainer has bootstrapped is not looked at.
        let state = match flips {
            true => Some(FeedState::Normal),
            false => changefeed.backoff.check(checkpoint, error.is_some(), cx),
        };
        let error = |state: FeedState| error.filter(|_| state != FeedState::Normal);
        Some(state.map(|state| StateChange { cf, state, error: error(state) }))
    }

    /// A maintainer of a changefeed that does not exist is removed, at every heartbeat again.
    fn remove_orphan(&mut self, from: NodeId, status: &MaintainerStatus, cx: &mut Cx) {
        if status.state == MaintainerState::Working && self.operators.get(status.cf).is_none() {
            self.remove_unknown_one(status.cf, from, status.epoch, cx);
        }
    }
}
