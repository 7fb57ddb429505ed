//! What a bootstrap response tells of a dispatcher manager.

use crate::{
    Cx, Mode, Ts,
    dispatchers::{
        Action, BootstrapResponse, Manager, ReportedSpan, ScheduleRequest, journal::Entry, response_epoch,
    },
};

impl Manager {
    /// Everything that is here at this moment.
    pub(super) fn snapshot(&self, cx: &Cx) -> BootstrapResponse {
        let spans: Vec<ReportedSpan> = self.reported_spans().collect();
        let trigger = self.trigger.and_then(|trigger| self.dispatchers.get(&trigger));
        let told = self.journal.entries().filter(|entry| self.is_told(entry, &spans, cx));
        BootstrapResponse {
            cf: self.cf,
            epoch: response_epoch(self.owner.epoch, cx),
            checkpoint: trigger.map_or(Ts::NONE, |trigger| trigger.start_ts),
            operators: told.map(|entry| entry.request.clone()).collect(),
            merge_operators: self.merges.requests().cloned().collect(),
            spans,
            err: None,
        }
    }

    fn reported_spans(&self) -> impl Iterator<Item = ReportedSpan> {
        self.dispatchers.values().map(|one| ReportedSpan {
            id: one.id,
            span: one.span,
            state: one.state,
            checkpoint: one.checkpoint(),
            mode: Mode::Default,
        })
    }

    /// What is not the present owner's is stale. Whether its dispatcher is here is looked up in the same response.
    fn is_told(&self, entry: &Entry, spans: &[ReportedSpan], cx: &Cx) -> bool {
        let ScheduleRequest { id, mode, epoch, .. } = entry.request;
        let policy = &cx.policy().dispatchers;
        self.owner.allows(entry.from, epoch)
            || match entry.request.action {
                Action::Create => policy.stale_creates.are_told(),
                Action::Remove => {
                    let mut reported = spans.iter();
                    policy.stale_removes.are_told(reported.any(|span| (span.id, span.mode) == (id, mode)))
                }
            }
    }
}
