//! What PD is to keep for a changefeed that a user begins: from where it starts, for an hour. If the call fails, that is taken back;
//! if not, the coordinator takes it back when it has told PD of the changefeed itself. Of a resume from where the changefeed stood it
//! does not, so that it lasts for the hour.

use crate::{
    Cx, Ts,
    coordinator::{
        Term,
        api::{ApiCall, Command, Stage, create::START},
    },
    pd::Service,
};

impl Term {
    pub(super) fn api_ensure(&mut self, call: ApiCall, cx: &mut Cx) {
        let Some(one) = self.api.calls.get_mut(&call) else { return };
        let (service, from) = match one.command {
            Command::CreateChangefeed { cf } => (Service::Creating(cf), START),
            Command::ResumeChangefeed { cf, overwrite } => {
                (Service::Resuming(cf), overwrite.unwrap_or(one.checkpoint))
            }
            _ => unreachable!("it begins no changefeed"),
        };
        one.ensured = Some(service);
        self.ensure_safepoint(call, service, from, cx);
    }

    /// PD keeps it, unless somebody has let it go before.
    pub(in crate::coordinator) fn api_ensured(&mut self, call: ApiCall, least: Ts, cx: &mut Cx) {
        let Some(one) = self.api.calls.get(&call) else { return };
        let from = match one.command {
            Command::ResumeChangefeed { overwrite, .. } => overwrite.unwrap_or(one.checkpoint),
            _ => START,
        };
        if from <= least {
            return self.api_ends(call, "the start is before GC", cx);
        }
        self.api_goes_to(call, Stage::Lock, cx);
    }

    /// The call has come to its end.
    pub(super) fn api_keeps(&mut self, command: &Command, service: Service, done: bool, cx: &mut Cx) {
        match command {
            _ if !done => self.undo_safepoint(service, cx),
            Command::ResumeChangefeed { overwrite: None, .. } => {}
            _ => self.clean_later(service, cx),
        }
    }

    /// A changefeed has been removed. If nobody needs anything any more, PD is told at once.
    pub(super) fn api_removed(&mut self, call: ApiCall, cx: &mut Cx) {
        let last = cx.process.config.gc.is_some() && self.changefeeds.gc_safepoint().is_none();
        if let Some(one) = self.api.calls.get_mut(&call)
            && matches!(one.command, Command::RemoveChangefeed { .. })
            && last
        {
            one.stage = Stage::Release;
            return self.release_safepoint(call, cx);
        }
        self.api_ends(call, "done", cx);
    }
}
