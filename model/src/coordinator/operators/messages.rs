//! What operators say to maintainer managers.

use crate::{
    ChangefeedId, ConfigEpoch, Cx, Epoch, NodeId, Place,
    coordinator::{
        Term,
        operators::{Operator, move_to::Says},
    },
    maintainer,
};

impl Term {
    /// The message of an operator whose turn it is.
    pub(super) fn send_for(&mut self, cf: ChangefeedId, cx: &mut Cx) {
        let Some(queued) = self.operators.operators.get_mut(&cf) else { return };
        let now = self.changefeeds.get(cf).map_or(Epoch::NONE, |one| one.info.epoch);
        match &mut queued.operator {
            Operator::Add(add) => {
                let (dest, epoch) = (add.dest, add.epoch(now, &cx.policy().coordinator));
                self.send_add(cf, dest, epoch, cx);
            }
            Operator::Move(one) => match one.schedule(cf, &mut self.changefeeds) {
                Some(Says::Remove) => {
                    let epoch = cx.policy().coordinator.move_remove_epoch.of(one.origin_epoch, now);
                    let origin = one.origin;
                    self.send_remove(cf, origin, false, false, epoch, cx);
                }
                Some(Says::Add) => {
                    let (target, back) = (one.target, one.has_turned_back());
                    let epoch = cx.policy().coordinator.move_epoch.of(now, back);
                    self.send_add(cf, target, epoch, cx);
                }
                None => {}
            },
            Operator::Stop(stop) => {
                let (node, removed, epoch) = (stop.node, stop.removed, stop.epoch);
                self.send_remove(cf, node, true, removed, epoch, cx);
            }
        }
    }

    fn send_add(&self, cf: ChangefeedId, node: NodeId, epoch: Epoch, cx: &mut Cx) {
        let Some(changefeed) = self.changefeeds.get(cf) else { return };
        let epoch = wire_epoch(epoch, cx);
        let present = (changefeed.info.epoch, changefeed.info.sparse);
        let (config, sparse) = cx.policy().coordinator.add_config.of(changefeed.at_first, present);
        let config = ConfigEpoch::beside(epoch, config);
        let (checkpoint, is_new) = (changefeed.checkpoint(), changefeed.is_new);
        let request =
            maintainer::Inbox::AddMaintainerRequest { cf, checkpoint, is_new, epoch, config, sparse };
        cx.send(node, Place::Maintainers, request);
    }

    pub(in crate::coordinator) fn send_remove(
        &self,
        cf: ChangefeedId,
        node: NodeId,
        cascade: bool,
        removed: bool,
        epoch: Epoch,
        cx: &mut Cx,
    ) {
        let epoch = wire_epoch(epoch, cx);
        let request =
            maintainer::Inbox::RemoveMaintainerRequest { cf, cascade: cascade || removed, removed, epoch };
        cx.send(node, Place::Maintainers, request);
    }
}

/// The epoch that a request to a maintainer manager carries.
fn wire_epoch(epoch: Epoch, cx: &Cx) -> Epoch {
    cx.policy().coordinator.wire_epoch.of(epoch)
}
