//! What a bootstrap response tells of a dispatcher manager.

use crate::{
    Cx, Epoch, Mode, Ts,
    dispatchers::{Action, BootstrapResponse, Manager, ReportedSpan, ScheduleRequest, response_epoch},
};

impl Manager {
    /// Everything that is here at this moment, in answer to a request of this epoch.
    pub(super) fn snapshot(&self, request: Epoch, cx: &Cx) -> BootstrapResponse {
        let spans = self.dispatchers.values().map(|one| ReportedSpan {
            id: one.id,
            span: one.span,
            state: one.state,
            checkpoint: one.checkpoint(),
            mode: Mode::Default,
        });
        let spans: Vec<ReportedSpan> = spans.collect();
        let reported = |request: &ScheduleRequest| spans.iter().any(|span| span.id == request.id);
        let entries = self.journal.entries().filter(|entry| {
            let current = self.owner.allows(entry.from, entry.request.epoch);
            let removes_reported = entry.request.action == Action::Remove && reported(&entry.request);
            cx.policy().dispatchers.journal_report.includes(current, removes_reported)
        });
        let operators = entries.map(|entry| entry.request.clone()).collect();
        let trigger = self.trigger.and_then(|trigger| self.dispatchers.get(&trigger));
        BootstrapResponse {
            cf: self.cf,
            epoch: response_epoch(request, cx),
            checkpoint: trigger.map_or(Ts::NONE, |trigger| trigger.start_ts),
            operators,
            spans,
            err: None,
        }
    }
}
