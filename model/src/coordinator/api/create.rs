//! The creation of a changefeed. A removal of the same name may still be under way: it is waited for, for some time, with the
//! lock of the API held.

use sim::Duration;

use crate::{
    ChangefeedId, Cx, Ts,
    coordinator::{
        Term, Timer,
        api::{ApiCall, Stage},
        changefeeds::Changefeed,
    },
    etcd::{ChangefeedInfo, Compare, Job, Key, Progress, Revision},
};

/// So often, and so long in between, the operator of a changefeed with the same name is waited for.
const TIMES: u32 = 10;
const BETWEEN: Duration = Duration::from_secs(5);
/// It replicates everything.
pub(super) const START: Ts = Ts(1);

impl Term {
    pub(super) fn api_waits_for_name(&mut self, call: ApiCall, cf: ChangefeedId, times: u32, cx: &mut Cx) {
        // After the last time it is not looked at again.
        if times == TIMES {
            return self.api_ends(call, "a changefeed of this name is still being removed", cx);
        }
        if self.operators.get(cf).is_none() {
            return self.api_goes_to(call, Stage::Candidate, cx);
        }
        if let Some(one) = self.api.calls.get_mut(&call) {
            one.stage = Stage::Name(times + 1);
            cx.out.alarm(Timer::ApiAgain { call }.into(), BETWEEN);
        }
    }

    /// Nobody else may have created it. The first add takes another epoch.
    pub(super) fn api_create(&mut self, call: ApiCall, cx: &mut Cx) {
        let Some(one) = self.api.calls.get(&call) else { return };
        let Some(cf) = one.command.changefeed() else { return };
        let info = ChangefeedInfo::new(one.candidate, START);
        let job = Job { checkpoint: START, progress: Progress::None };
        let compares = [Key::Info(cf), Key::Job(cf)].map(|key| Compare::Created(key, Revision(0)));
        self.api_put(call, Some(info), job, compares.into(), cx);
    }

    pub(super) fn api_created(&mut self, call: ApiCall, cf: ChangefeedId, info: ChangefeedInfo, cx: &mut Cx) {
        let checkpoint = info.start_ts;
        let changefeed = Changefeed { is_new: true, ..Changefeed::new(cf, info, checkpoint, cx.now.steady) };
        self.changefeeds.add_absent(cf, changefeed);
        self.api_ends(call, "done", cx);
    }
}
