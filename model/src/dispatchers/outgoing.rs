//! The heartbeat queue of the heartbeat collector: what managers report waits there until one thread sends it.
//!
//! Whom a report is for is decided when it enters the queue: one that waits during a takeover still goes to the old
//! owner. The real queue holds 100,000 reports and then makes managers wait; nothing fills it here.

use std::collections::VecDeque;

use crate::{
    Cx, NodeId, Place,
    dispatchers::{Dispatchers, Timer},
    maintainer,
};

/// Reports that wait to be sent.
#[derive(Clone, Debug, Default)]
pub(super) struct Outgoing {
    queue: VecDeque<(NodeId, maintainer::Inbox)>,
}

impl Dispatchers {
    /// Puts a report into the queue.
    pub(super) fn enqueue(&mut self, target: NodeId, report: maintainer::Inbox, cx: &mut Cx) {
        self.outgoing.queue.push_back((target, report));
        if self.outgoing.queue.len() == 1 {
            cx.out.give_way(Timer::Send.into());
        }
    }

    pub(super) fn send_next(&mut self, cx: &mut Cx) {
        let Some((target, report)) = self.outgoing.queue.pop_front() else { return };
        cx.send(target, Place::Maintainers, report);
        if !self.outgoing.queue.is_empty() {
            cx.out.give_way(Timer::Send.into());
        }
    }
}
