//! What a bootstrap response tells of a dispatcher manager. Its parts are gathered one after the other, from maps that
//! others change meanwhile.

use crate::{
    Cx, Mode, Ts, Twin,
    dispatchers::{
        Action, BootstrapResponse, Manager, ReportedSpan, ScheduleRequest, journal::Entry, response_epoch,
    },
};

impl Manager {
    /// A response that tells only where the table trigger starts.
    pub(super) fn response(&self, cx: &Cx) -> BootstrapResponse {
        let trigger = self.trigger.and_then(|trigger| self.dispatchers.get(&trigger));
        let redo = self.redo.trigger.filter(|_| self.redo.ready);
        let redo = redo.and_then(|trigger| self.dispatchers.get(&trigger));
        BootstrapResponse {
            cf: self.cf,
            epoch: response_epoch(self.owner.epoch, cx),
            checkpoint: trigger.map_or(Ts::NONE, |trigger| trigger.start_ts),
            redo_checkpoint: Twin(redo.map(|trigger| trigger.start_ts)),
            spans: Vec::new(),
            operators: Vec::new(),
            merge_operators: Vec::new(),
            err: None,
        }
    }

    /// Every dispatcher that is here at this moment, those being removed included.
    pub(super) fn add_spans(&self, response: &mut BootstrapResponse) {
        response.spans = self.reported_spans().collect();
    }

    /// What is unfinished. What counts as reported is what the response tells, whatever has changed since.
    pub(super) fn add_operators(&self, response: &mut BootstrapResponse, cx: &Cx) {
        let told = self.journal.entries().filter(|entry| self.is_told(entry, &response.spans, cx));
        response.operators = told.map(|entry| entry.request.clone()).collect();
    }

    /// The merges that are unfinished.
    pub(super) fn add_merges(&self, response: &mut BootstrapResponse) {
        response.merge_operators = self.merges.requests().cloned().collect();
    }

    fn reported_spans(&self) -> impl Iterator<Item = ReportedSpan> {
        let redo = self.dispatchers_of(Mode::Redo).filter(|_| self.redo.ready);
        self.dispatchers_of(Mode::Default).chain(redo).map(|one| ReportedSpan {
            id: one.id,
            span: one.span,
            state: one.state,
            checkpoint: one.checkpoint(),
            mode: one.mode,
            schema: one.moved_to,
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
