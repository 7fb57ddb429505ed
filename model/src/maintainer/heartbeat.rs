//! What a maintainer does with the heartbeat of a dispatcher manager: the watermark first, then one status after the
//! other. Another activity may get in between any two of them, and after the operator of one has seen its status:
//! whether there still is an operator is read again.

use crate::{
    Cx, DispatcherId, Mode, NodeId, Place,
    dispatchers::{
        self, Action, ComponentState, DispatcherStatus, Heartbeat, OperatorType, ScheduleRequest, Watermark,
    },
    maintainer::{Maintainer, Note, instance::AtHand},
    policy::Stamped,
};

/// A heartbeat whose statuses are being handled, one after the other.
#[derive(Clone, Debug)]
pub(super) struct Statuses {
    from: NodeId,
    heartbeat: Box<Heartbeat>,
    /// Whether its watermark is stored after the statuses, and whether it has been stored.
    waits: bool,
    updated: bool,
    next: usize,
    /// Whether the operator has seen the next one.
    checked: bool,
}

impl Maintainer {
    pub(super) fn on_heartbeat(&mut self, from: NodeId, heartbeat: Box<Heartbeat>, cx: &mut Cx) {
        if !self.initialized {
            return;
        }
        let waits =
            !heartbeat.statuses.is_empty() && !cx.policy().maintainer.heartbeat_order.is_watermark_first();
        let updated = !waits && self.store_watermarks(from, &heartbeat, cx);
        if let Some(why) = heartbeat.err {
            self.on_error(from, why, cx);
        }
        if heartbeat.statuses.is_empty() {
            self.end_heartbeat(updated, cx);
        } else {
            let statuses = Statuses { from, heartbeat, waits, updated, next: 0, checked: false };
            self.at_hand = Some(AtHand::Statuses(statuses));
        }
    }

    /// Whether the watermark takes the place of the known one. That of redo dispatchers is stored beside it.
    fn store_watermarks(&mut self, from: NodeId, heartbeat: &Heartbeat, cx: &Cx) -> bool {
        let updated = self.store_watermark(from, heartbeat.watermark.as_ref(), cx);
        self.in_mode(Mode::Redo, |m| m.store_watermark(from, heartbeat.redo.0.as_ref(), cx));
        updated
    }

    fn store_watermark(&mut self, from: NodeId, watermark: Option<&Watermark>, cx: &Cx) -> bool {
        let known = self.watermarks.get(&from);
        let rule = cx.policy().maintainer.watermark;
        let accepted = |new: &&Watermark| known.is_none_or(|known| rule.accepts(new, known));
        let accepted = watermark.filter(accepted).cloned();
        accepted.map(|watermark| self.watermarks.insert(from, watermark)).is_some()
    }

    fn end_heartbeat(&mut self, updated: bool, cx: &mut Cx) {
        if updated {
            self.prompt_checkpoint(cx);
        }
    }

    pub(super) fn handle_next_status(&mut self, mut statuses: Statuses, cx: &mut Cx) {
        let status = &statuses.heartbeat.statuses[statuses.next];
        self.in_mode(status.redo.mode(), |m| match statuses.checked {
            true => m.on_status(statuses.from, status, statuses.heartbeat.complete, cx),
            false => m.check_operator(statuses.from, status, cx),
        });
        statuses.next += usize::from(statuses.checked);
        statuses.checked = !statuses.checked;
        if statuses.next < statuses.heartbeat.statuses.len() {
            self.at_hand = Some(AtHand::Statuses(statuses));
        } else {
            let late = statuses.waits && self.store_watermarks(statuses.from, &statuses.heartbeat, cx);
            self.end_heartbeat(statuses.updated || late, cx);
        }
    }

    fn on_status(&mut self, from: NodeId, status: &DispatcherStatus, complete: bool, cx: &mut Cx) {
        let heals = !self.removal.has_begun() || cx.policy().maintainer.remove_self_heal.heals();
        let Some(replica) = self.spans.get(status.id) else {
            if heals && status.state == ComponentState::Working && !self.operators.has(status.id) {
                self.remove_orphan(from, status, cx);
            }
            return;
        };
        if replica.node != Some(from) {
            return;
        }
        self.spans.update(status);
        if complete {
            self.spans.count_report(status.id);
        }
        if heals && status.state.is_terminal() && !self.operators.has(status.id) {
            self.reschedule(status.id, cx);
        }
    }

    /// A dispatcher is gone, and no operator knows why: its span is to be replicated again, unless another one has taken
    /// its place.
    fn reschedule(&mut self, id: DispatcherId, cx: &mut Cx) {
        if cx.policy().maintainer.covered_terminal.is_removed() && self.is_covered(id) {
            self.spans.remove(id);
            return cx.note(Note::CoveredSpanRemoved { cf: self.cf, id });
        }
        if cx.policy().maintainer.unasked_end.is_mended() {
            cx.note(Note::SpanAbsent { cf: self.cf, id });
            self.spans.mark_absent(id);
        }
    }

    /// A working dispatcher that no span knows is removed, at every report again.
    fn remove_orphan(&mut self, from: NodeId, status: &DispatcherStatus, cx: &mut Cx) {
        cx.note(Note::OrphanRemoved { cf: self.cf, id: status.id, node: from });
        let request = ScheduleRequest {
            cf: self.cf,
            id: status.id,
            span: None,
            start_ts: crate::Ts::NONE,
            skip_dml: false,
            mode: self.mode,
            action: Action::Remove,
            kind: OperatorType::Remove,
            epoch: self.stamp(Stamped::Schedule, cx),
        };
        cx.send(from, Place::Dispatchers, dispatchers::Inbox::ScheduleDispatcherRequest { request });
    }
}
