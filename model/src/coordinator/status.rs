//! What the coordinator does with the status of a maintainer.

use crate::{
    Cx, NodeId, RunningError,
    coordinator::{
        MaintainerState, MaintainerStatus, Note, Outcome, Term,
        changefeeds::{Changefeed, ObjectId},
        persist::Batch,
        state_change::StateChange,
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
            if let Some((object, news)) = self.on_status(from, status, cx) {
                batch.changed.push((status.cf, object));
                batch.states.extend(news);
            }
        }
        if !(batch.changed.is_empty() && cx.policy().coordinator.empty_batch.is_skipped()) {
            self.push_changes(batch, cx);
        }
        Ok(())
    }

    /// The object in memory, and what follows for its state from a status that is its owner's; none if the status is not.
    fn on_status(
        &mut self,
        from: NodeId,
        status: &MaintainerStatus,
        cx: &mut Cx,
    ) -> Option<(ObjectId, Option<StateChange>)> {
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
        let news = changefeed.take(status.clone(), cx);
        let news = news.map(|(state, error)| StateChange { cf: status.cf, state, error });
        Some((changefeed.object, news))
    }

    /// A maintainer of a changefeed that does not exist is removed, at every heartbeat again.
    fn remove_orphan(&mut self, from: NodeId, status: &MaintainerStatus, cx: &mut Cx) {
        if status.state == MaintainerState::Working && self.operators.get(status.cf).is_none() {
            self.remove_unknown_one(status.cf, from, status.epoch, cx);
        }
    }
}

impl Changefeed {
    /// Takes a status of its owner: the state that follows from it, with the error that is the reason, if that is news.
    fn take(
        &mut self,
        mut status: MaintainerStatus,
        cx: &mut Cx,
    ) -> Option<(FeedState, Option<RunningError>)> {
        if status.checkpoint < self.status.checkpoint {
            if status.err.is_none() || !cx.policy().coordinator.regressed_error.is_heard() {
                return None;
            }
            status.checkpoint = self.status.checkpoint;
        }
        let flips = self.status.bootstrap_done != status.bootstrap_done;
        let (checkpoint, error) = (status.checkpoint, status.err);
        self.status = status;
        let first = cx.policy().coordinator.fast_fail.comes_first();
        if first && let Some(failed) = self.backoff.check_failed(checkpoint, error.map(|error| error.text)) {
            return failed.map(|state| (state, error));
        }
        // What else is told by the status in which a maintainer has bootstrapped is not looked at.
        if flips {
            return Some((FeedState::Normal, None));
        }
        // Nobody else knows of the target: what is beyond it is replicated until the maintainer is stopped.
        if self.info.target.is_reached(checkpoint) {
            return Some((FeedState::Finished, None));
        }
        let state = self.backoff.check(checkpoint, error.map(|error| error.text), cx)?;
        Some((state, error.filter(|_| state != FeedState::Normal)))
    }
}
