//! The end of a manager: its goroutines have ended, it is closed, and what a removed changefeed has left downstream goes.

use crate::{
    Cx,
    dispatchers::{
        Asker, Dispatchers, ManagerId, Note, Task, Wake,
        stop::{StopWritePath, Stopped},
    },
    sink::{self, Reply},
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
            Stage::Wait => {
                if !all.has_told(self.manager, me, cx) {
                    return Next::Wait;
                }
                self.stage = Stage::Closed;
            }
            Stage::Closed => {
                manager.closing = false;
                return Next::Done;
            }
        }
        let Some(manager) = all.managers.get_mut(&self.manager) else { return Next::Done };
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
            self.fork(Task::Cleanup(Cleanup::of(id)), cx);
        }
    }
}

/// What only the removal of a changefeed deletes: by its name, whatever has become of the changefeed since. First the redo
/// log, where its trigger was, then the records about DDLs. If something fails the rest stays, until somebody asks again.
#[derive(Clone, Debug)]
pub(super) struct Cleanup {
    manager: ManagerId,
    stage: CleanupStage,
}

#[derive(Clone, Copy, Debug)]
enum CleanupStage {
    RedoLog,
    /// The redo log is being removed.
    Removing,
    Records,
    /// What is recorded about DDLs is being deleted.
    Deleting,
}

impl Cleanup {
    pub(super) fn of(manager: ManagerId) -> Cleanup {
        Cleanup { manager, stage: CleanupStage::RedoLog }
    }

    pub(super) fn resume(&mut self, me: TaskId, wake: Wake, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        let Some(manager) = all.managers.get_mut(&self.manager) else { return Next::Done };
        let (cf, asker) = (manager.cf, Asker::Cleanup { task: me });
        match (self.stage, wake) {
            (CleanupStage::RedoLog, _) if manager.redo.trigger.is_some() => {
                all.ask(asker, cx, |query| sink::Inbox::RemoveRedoLog { query, cf });
                self.go_to(CleanupStage::Removing, Next::Wait)
            }
            (CleanupStage::RedoLog | CleanupStage::Records, _) if manager.has_sink => {
                all.ask(asker, cx, |query| sink::Inbox::CleanupRemovedChangefeed { query, cf });
                self.go_to(CleanupStage::Deleting, Next::Wait)
            }
            (CleanupStage::Removing | CleanupStage::Deleting, Wake::Go) => Next::Wait,
            (CleanupStage::Removing | CleanupStage::Deleting, Wake::Answer(Reply::Failed { .. })) => {
                manager.remove_cleanup_running = false;
                Next::Done
            }
            (CleanupStage::Removing, Wake::Answer(_)) => self.go_to(CleanupStage::Records, Next::Yield),
            (CleanupStage::RedoLog | CleanupStage::Records | CleanupStage::Deleting, _) => {
                manager.remove_cleaned = true;
                manager.remove_cleanup_running = false;
                cx.note(Note::RemovalCleaned { cf, node: cx.id() });
                Next::Done
            }
        }
    }

    fn go_to(&mut self, stage: CleanupStage, next: Next) -> Next {
        self.stage = stage;
        next
    }
}
