//! How stops come about, and what they take the place of.

use crate::{
    ChangefeedId, Cx, Epoch,
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
        let rule = cx.policy().coordinator.stop_during_move;
        let moving = match self.operators.get(cf) {
            Some(Operator::Move(one)) => one.remaining_origin(rule),
            _ => None,
        };
        let before = match self.operators.get(cf) {
            Some(Operator::Stop(one)) => Some((one.node, one.epoch)),
            _ => None,
        };
        let node = self.changefeeds.stop(cf, removed);
        let heir = node.is_none() && cx.policy().coordinator.second_stop.is_heir();
        let (node, epoch) = before.filter(|_| heir).unwrap_or((node.unwrap_or(cx.id()), epoch));
        let (node, epoch) = moving.unwrap_or((node, epoch));
        self.push_stop(Stop::new(cf, node, removed, epoch), cx)
    }

    /// The same for a maintainer of a known generation, also while a move is under way.
    pub(in crate::coordinator) fn stop_generation(&mut self, cf: ChangefeedId, epoch: Epoch, cx: &mut Cx) {
        let node = self.changefeeds.stop(cf, false).unwrap_or(cx.id());
        self.push_stop(Stop::new(cf, node, false, epoch), cx);
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
