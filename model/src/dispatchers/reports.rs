//! What a dispatcher manager reports to its maintainer: how far everything is, and what has changed its state.

use sim::Duration;

use crate::{
    Cx, Place, Ts,
    dispatchers::{
        ComponentState, DispatcherStatus, Dispatchers, Heartbeat, Manager, ManagerId, Note, Timer, Watermark,
    },
    maintainer,
};

const PERIOD: Duration = Duration::from_millis(200);
/// Every so many reports lists every dispatcher: every 10 s.
const COMPLETE: u64 = 50;
/// How long changes of states are gathered.
const GATHER: Duration = Duration::from_millis(10);

impl Dispatchers {
    pub(super) fn on_heartbeat(&mut self, id: ManagerId, cx: &mut Cx) {
        let Some(manager) = self.managers.get_mut(&id).filter(|one| one.reporting && !one.closed) else {
            return;
        };
        manager.reports += 1;
        let complete = manager.reports.is_multiple_of(COMPLETE);
        let (heartbeat, cleaned) = manager.aggregate(complete, cx);
        manager.send(heartbeat, cx);
        cx.out.alarm(Timer::Heartbeat { manager: id }.into(), PERIOD);
        if cleaned {
            self.touch();
        }
    }

    /// A change of a state: it is reported together with others that come soon.
    pub(super) fn report_soon(&mut self, id: ManagerId, status: DispatcherStatus, seq: u64, cx: &mut Cx) {
        if let Some(manager) = self.managers.get_mut(&id)
            && manager.push_status(status, seq)
        {
            cx.out.alarm(Timer::Statuses { manager: id }.into(), GATHER);
        }
    }

    pub(super) fn on_statuses(&mut self, id: ManagerId, cx: &mut Cx) {
        let Some(manager) = self.managers.get_mut(&id).filter(|one| one.sink_running) else { return };
        let mut watermark = manager.watermark_then.clone();
        let mut statuses = Vec::new();
        for (status, seq) in std::mem::take(&mut manager.statuses) {
            watermark.seq = watermark.seq.max(seq);
            if status.checkpoint != Ts::NONE {
                watermark.checkpoint = watermark.checkpoint.min(status.checkpoint);
            }
            statuses.push(status);
        }
        manager.watermark_then = manager.watermark.clone();
        manager.send(Heartbeat { watermark, statuses, complete: false, err: None }, cx);
    }
}

impl Manager {
    /// To whoever is the owner now. A message that is under way is not redirected.
    fn send(&self, heartbeat: Heartbeat, cx: &mut Cx) {
        if let Some(owner) = self.owner.node {
            let heartbeat = Box::new(heartbeat);
            cx.send(
                owner,
                Place::Maintainers,
                maintainer::Inbox::HeartBeatRequest { cf: self.cf, heartbeat },
            );
        }
    }

    /// How far all dispatchers are. Those that are drained are reported stopped, once, and cleaned; not while the
    /// manager closes. Whether any was.
    fn aggregate(&mut self, complete: bool, cx: &mut Cx) -> (Heartbeat, bool) {
        let mut watermark = Watermark { checkpoint: Ts::INFINITE, resolved: Ts::INFINITE, seq: self.seq };
        let (mut statuses, mut clean) = (Vec::new(), Vec::new());
        for one in self.dispatchers.values() {
            if matches!(one.state, ComponentState::Preparing | ComponentState::MergeReady) {
                continue;
            }
            let checkpoint = one.checkpoint();
            watermark.checkpoint = watermark.checkpoint.min(checkpoint);
            watermark.resolved = watermark.resolved.min(one.resolved);
            if one.removing && one.is_drained() {
                statuses.push(DispatcherStatus { id: one.id, state: ComponentState::Stopped, checkpoint });
                clean.push((one.id, checkpoint));
            } else if complete && one.state != ComponentState::Initializing {
                statuses.push(DispatcherStatus { id: one.id, state: one.state, checkpoint });
            }
        }
        self.watermark = watermark.clone();
        let cleaned = !self.closing && !clean.is_empty();
        if cleaned {
            for (id, checkpoint) in clean {
                self.dispatchers.remove(&id);
                self.journal.erase(id);
                self.trigger = self.trigger.filter(|trigger| *trigger != id);
                cx.note(Note::DispatcherCleaned { cf: self.cf, id, checkpoint });
            }
        }
        (Heartbeat { watermark, statuses, complete, err: None }, cleaned)
    }
}
