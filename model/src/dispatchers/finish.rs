//! The end of a manager: its goroutines have ended, it is closed, and what a removed changefeed has left downstream goes.

use crate::{
    Cx,
    dispatchers::{
        Asker, Dispatchers, ManagerId, Note, Task, Wake,
        stop::{StopWritePath, Stopped},
    },
    sink::{self, QueryId},
    tasks::{Next, TaskId},
};

/// `close` of a manager, which a close request sets off: it stops the write path, then finishes.
#[derive(Clone, Debug)]
pub(super) enum Closing {
    Stop(StopWritePath),
    Finish(Finish),
}

impl Closing {
    pub(super) fn of(manager: ManagerId) -> Closing {
        Closing::Stop(StopWritePath::gently(manager))
    }

    pub(super) fn resume(&mut self, me: TaskId, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        match self {
            Closing::Stop(stop) => match stop.resume(me, all, cx) {
                Stopped::NotYet(next) => next,
                Stopped::Done => {
                    let manager = stop.manager();
                    *self = Closing::Finish(Finish::of(manager));
                    Next::Yield
                }
                Stopped::Aborted => {
                    // The next request begins again.
                    if let Some(manager) = all.managers.get_mut(&stop.manager()) {
                        manager.closing = false;
                    }
                    Next::Done
                }
            },
            Closing::Finish(finish) => finish.resume(me, all, cx),
        }
    }
}

/// `finishClose` of a manager whose write path is stopped.
#[derive(Clone, Debug)]
pub(super) struct Finish {
    manager: ManagerId,
    stage: Stage,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    Wait,
    /// The manager counts as closed, and not as closing any more from the next step on.
    Closed,
}

impl Finish {
    pub(super) fn of(manager: ManagerId) -> Finish {
        Finish { manager, stage: Stage::Wait }
    }

    pub(super) fn resume(&mut self, me: TaskId, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        let Some(manager) = all.managers.get_mut(&self.manager) else { return Next::Done };
        match self.stage {
            // Loops and workers end when the context is cancelled, but for what is being sent to a log without one.
            Stage::Wait if !manager.wait_for_cancel(me) => return Next::Wait,
            Stage::Wait if !manager.telling.has_ended(me) => return Next::Wait,
            Stage::Wait => self.stage = Stage::Closed,
            Stage::Closed => {
                manager.closing = false;
                return Next::Done;
            }
        }
        if !std::mem::replace(&mut manager.closed, true) {
            cx.note(Note::ManagerClosed { cf: manager.cf, node: cx.id() });
            all.touch();
            all.schedule_cleanup(self.manager, cx);
        }
        Next::Yield
    }
}

impl Dispatchers {
    /// If the changefeed is removed for good, what it has left downstream goes, in the background.
    pub(super) fn schedule_cleanup(&mut self, id: ManagerId, cx: &mut Cx) {
        if let Some(manager) = self.managers.get_mut(&id)
            && manager.remove_requested
            && !manager.remove_cleaned
            && !std::mem::replace(&mut manager.remove_cleanup_running, true)
        {
            self.fork(Task::Cleanup(Cleanup { manager: id, query: None }), cx);
        }
    }
}

/// What only the removal of a changefeed deletes: by its name, whatever has become of the changefeed since.
#[derive(Clone, Debug)]
pub(super) struct Cleanup {
    manager: ManagerId,
    query: Option<QueryId>,
}

impl Cleanup {
    pub(super) fn resume(&mut self, me: TaskId, wake: Wake, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        let Some(manager) = all.managers.get_mut(&self.manager) else { return Next::Done };
        let cf = manager.cf;
        if manager.has_sink && self.query.is_none() {
            let cleanup = |query| sink::Inbox::CleanupRemovedChangefeed { query, cf };
            self.query = Some(all.ask(Asker::Cleanup { task: me }, cx, cleanup));
            return Next::Wait;
        }
        if self.query.is_some() && !matches!(wake, Wake::Answer(_)) {
            return Next::Wait;
        }
        manager.remove_cleaned = true;
        manager.remove_cleanup_running = false;
        cx.note(Note::RemovalCleaned { cf, node: cx.id() });
        Next::Done
    }
}
