//! Errors of a manager, and how its maintainer hears of them: the first one, again and again.

use sim::Duration;

use crate::{
    Cx, Twin,
    dispatchers::{Dispatchers, Heartbeat, ManagerId, Note, Timer},
};

/// How often the error is reported again, to whoever is the owner then.
const AGAIN: Duration = Duration::from_secs(5);

/// The error channel of a manager, and what has come out of it.
#[derive(Clone, Debug, Default, Hash)]
pub(in crate::dispatchers) struct Errors {
    /// What waits in the channel, which has room for one.
    waiting: Option<&'static str>,
    /// What is reported. Nobody reads the channel any more then.
    reported: Option<&'static str>,
}

impl Errors {
    pub(in crate::dispatchers) fn reported(&self) -> Option<&'static str> {
        self.reported
    }
}

impl Dispatchers {
    /// Something of a manager has failed. If the channel is full, nobody will hear of it.
    pub(in crate::dispatchers) fn report_error(&mut self, id: ManagerId, why: &'static str, cx: &mut Cx) {
        let Some(manager) = self.managers.get_mut(&id) else { return };
        if manager.errors.waiting.is_some() {
            return cx.note(Note::ErrorDiscarded { cf: manager.cf, why });
        }
        manager.errors.waiting = Some(why);
        if manager.sink_running && manager.errors.reported.is_none() {
            cx.out.give_way(Timer::Errors { manager: id }.into());
        }
    }

    /// The goroutine that reads the error channel begins.
    pub(in crate::dispatchers) fn start_errors(&mut self, id: ManagerId, cx: &mut Cx) {
        if self.managers.get(&id).is_some_and(|manager| manager.errors.waiting.is_some()) {
            cx.out.give_way(Timer::Errors { manager: id }.into());
        }
    }

    /// The maintainer is told, until the manager's context is cancelled.
    pub(in crate::dispatchers) fn on_errors(&mut self, id: ManagerId, cx: &mut Cx) {
        let Some(manager) = self.managers.get_mut(&id).filter(|manager| manager.sink_running) else { return };
        let errors = &mut manager.errors;
        errors.reported = errors.reported.or_else(|| errors.waiting.take());
        if let err @ Some(_) = errors.reported {
            let error =
                Heartbeat { watermark: None, redo: Twin(None), statuses: Vec::new(), complete: false, err };
            self.report(id, error, cx);
            cx.out.alarm(Timer::Errors { manager: id }.into(), AGAIN);
        }
    }
}
