//! What a bootstrap response tells of a dispatcher manager.

use crate::{
    Cx, Mode, Ts,
    dispatchers::{
        Action, BootstrapResponse, Manager, ReportedSpan, ScheduleRequest, journal::Entry, response_epoch,
    },
};

impl Manager {
    /// Every dispatcher that is here at this moment, those being removed included.
    pub(super) fn spans(&self, cx: &Cx) -> BootstrapResponse {
        let trigger = self.trigger.and_then(|trigger| self.dispatchers.get(&trigger));
        BootstrapResponse {
            cf: self.cf,
            epoch: response_epoch(self.owner.epoch, cx),
            checkpoint: trigger.map_or(Ts::NONE, |trigger| trigger.start_ts),
            spans: self.reported_spans().collect(),
            operators: Vec::new(),
            merge_operators: Vec::new(),
            err: None,
        }
    }

    /// Adds what is unfinished. What counts as reported is what the response tells, whatever has changed since.
    pub(super) fn with_operators(&self, response: BootstrapResponse, cx: &Cx) -> BootstrapResponse {
        let told = self.journal.entries().filter(|entry| self.is_told(entry, &response.spans, cx));
        let operators = told.map(|entry| entry.request.clone()).collect();
        let merge_operators = self.merges.requests().cloned().collect();
        BootstrapResponse { operators, merge_operators, ..response }
    }

    fn reported_spans(&self) -> impl Iterator<Item = ReportedSpan> {
        self.dispatchers.values().map(|one| ReportedSpan {
            id: one.id,
            span: one.span,
            state: one.state,
            checkpoint: one.checkpoint(),
            mode: Mode::Default,
            block_state: one.block_state(),
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
