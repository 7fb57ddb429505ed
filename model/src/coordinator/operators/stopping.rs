//! How stops come about, and what they take the place of.

use crate::{
    ChangefeedId, Cx, Epoch, NodeId,
    coordinator::{
        Term,
        operators::{Last, Operator, Stop},
    },
};

impl Term {
    /// Takes a changefeed out of service and stops its maintainer, wherever it is; one that nobody has, or that is not known,
    /// is stopped at the coordinator's own node. The number of the stop.
    pub(in crate::coordinator) fn stop_changefeed(
        &mut self,
        cf: ChangefeedId,
        removed: bool,
        cx: &mut Cx,
    ) -> u64 {
        let epoch = self.changefeeds.get(cf).map_or(Epoch::NONE, |one| one.info.epoch);
        let moving = self.moving_origin(cf, cx);
        let node = self.changefeeds.stop(cf, removed);
        let (node, epoch) = moving.unwrap_or(self.whom_to_stop(cf, node, epoch, cx));
        self.push_stop(Stop::new(cf, node, removed, epoch), cx)
    }

    /// The same for a maintainer of a known generation, also while a move is under way.
    pub(in crate::coordinator) fn stop_generation(&mut self, cf: ChangefeedId, epoch: Epoch, cx: &mut Cx) {
        let moving = self.moving_origin(cf, cx).filter(|_| cx.policy().coordinator.warned_move.is_known());
        let node = self.changefeeds.stop(cf, false);
        let (node, epoch) = moving.unwrap_or(self.whom_to_stop(cf, node, epoch, cx));
        self.push_stop(Stop::new(cf, node, false, epoch), cx);
    }

    /// The node and the generation of the maintainer that is moving, as long as nobody else has been told.
    fn moving_origin(&self, cf: ChangefeedId, cx: &Cx) -> Option<(NodeId, Epoch)> {
        match self.operators.get(cf) {
            Some(Operator::Move(one)) => one.remaining_origin(cx.policy().coordinator.stop_during_move),
            _ => None,
        }
    }

    /// The node and the generation that a stop is for, where the changefeed was on this node, if on any.
    fn whom_to_stop(&self, cf: ChangefeedId, node: Option<NodeId>, epoch: Epoch, cx: &Cx) -> (NodeId, Epoch) {
        match (node, self.operators.get(cf)) {
            (Some(node), _) => (node, epoch),
            (None, Some(Operator::Stop(before))) if cx.policy().coordinator.second_stop.is_heir() => {
                (before.node, before.epoch)
            }
            (None, _) => (cx.id(), epoch),
        }
    }

    /// Replaces whatever operator the changefeed has by a stop; one that removes it stays. The number of the stop that is or
    /// will be there. The changefeed stays where it is.
    pub(in crate::coordinator) fn push_stop(&mut self, mut stop: Stop, cx: &mut Cx) -> u64 {
        let cf = stop.cf;
        stop.since = cx.policy().coordinator.stop_patience.waits().then_some(cx.now.steady);
        let Some(old) = self.operators.operators.get_mut(&cf) else {
            return self.push(cf, Operator::Stop(stop), cx);
        };
        if let Operator::Stop(Stop { removed: true, .. }) = old.operator {
            return old.number;
        }
        old.operator.on_task_removed();
        let operator = old.operator.clone();
        self.operators.lives.ends(old.number, cf);
        match operator.post_finish(cf, &mut self.changefeeds) {
            Last::Nothing => {
                self.operators.operators.remove(&cf);
                self.push(cf, Operator::Stop(stop), cx)
            }
            // What is replaced has its last action all the same, and whoever puts the new one in its place waits for it.
            last => {
                self.write_with_lock(cf, last, Some(stop), cx);
                self.operators.pushed + 1
            }
        }
    }
}
