//! The end of a pause and of a removal: the maintainer is stopped, and the user waits for that.
//!
//! The stop counts as soon as it has finished; what it writes at last may still be to come.

use crate::{
    Cx,
    coordinator::{
        Term, Timer,
        api::{ApiCall, Call, Command, POLL, Stage},
    },
};

impl Term {
    /// Queues the stop, if nobody holds the lock of the operators.
    pub(super) fn api_stop(&mut self, call: ApiCall, cx: &mut Cx) {
        let Some(one) = self.api.calls.get(&call).filter(|_| !self.operators.is_locked()) else { return };
        let removed = matches!(one.command, Command::RemoveChangefeed { .. });
        let Some(cf) = one.command.changefeed() else { return };
        let stop = self.stop_changefeed(cf, removed, cx);
        self.api_goes_to(call, Stage::Stopping(stop), cx);
    }

    /// Whoever waits for a stop looks whether it has finished. The lock of the API is free when the stop is there.
    pub(super) fn api_polls(&mut self, call: ApiCall, cx: &mut Cx) {
        let Some(one) = self.api.calls.get_mut(&call) else { return };
        if let Stage::Stopping(stop) = one.stage {
            if self.operators.is_locked() {
                return;
            }
            one.stage = Stage::Poll(stop);
            self.api_lets_go(call, cx);
        }
        let Some(Call { command, stage: Stage::Poll(stop), .. }) = self.api.calls.get(&call) else { return };
        let is_over = self.operators.is_over(*stop);
        let is_handed_on = is_over && !cx.policy().coordinator.replaced_stop.is_over();
        let stops = command.changefeed().is_some_and(|cf| is_handed_on && self.operators.is_stopping(cf));
        if is_over && !stops {
            self.api_removed(call, cx);
        } else {
            cx.out.alarm(Timer::ApiAgain { call }.into(), POLL);
        }
    }
}
