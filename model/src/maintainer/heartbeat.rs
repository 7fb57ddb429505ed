//! What a maintainer does with the heartbeat of a dispatcher manager: the watermark first, then one status after the
//! other. Between any two of them another activity may get in.

use crate::{
    Cx, Mode, NodeId, Place,
    dispatchers::{self, Action, ComponentState, DispatcherStatus, Heartbeat, OperatorType, ScheduleRequest},
    maintainer::{Maintainer, Note, Timer},
};

impl Maintainer {
    pub(super) fn on_heartbeat(&mut self, from: NodeId, heartbeat: Box<Heartbeat>, cx: &mut Cx) {
        if !self.initialized {
            return;
        }
        let known = self.watermarks.get(&from);
        if let Some(watermark) = &heartbeat.watermark
            && known.is_none_or(|known| watermark.supersedes(known))
        {
            self.watermarks.insert(from, watermark.clone());
        }
        if let Some(why) = heartbeat.err {
            cx.note(Note::ErrorReported { cf: self.cf, from, why });
            self.mark_dirty();
        }
        if !heartbeat.statuses.is_empty() {
            self.handling = Some((from, heartbeat, 0));
            cx.out.give_way(Timer::EventLoop { m: self.id }.into());
        }
    }

    pub(super) fn handle_next_status(&mut self, cx: &mut Cx) {
        let Some((from, heartbeat, next)) = self.handling.take() else { return };
        self.on_status(from, &heartbeat.statuses[next], cx);
        if next + 1 < heartbeat.statuses.len() {
            self.handling = Some((from, heartbeat, next + 1));
            cx.out.give_way(Timer::EventLoop { m: self.id }.into());
        }
    }

    fn on_status(&mut self, from: NodeId, status: &DispatcherStatus, cx: &mut Cx) {
        self.check_operator(from, status, cx);
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
        if heals && status.state.is_terminal() && !self.operators.has(status.id) {
            cx.note(Note::SpanAbsent { cf: self.cf, id: status.id });
            self.spans.mark_absent(status.id);
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
            mode: Mode::Default,
            action: Action::Remove,
            kind: OperatorType::Remove,
            epoch: self.stamp(cx),
        };
        cx.send(from, Place::Dispatchers, dispatchers::Inbox::ScheduleDispatcherRequest { request });
    }
}
