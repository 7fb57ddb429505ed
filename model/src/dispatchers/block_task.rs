//! A task of the block executor: what a block event asks for at one dispatcher.
//!
//! It tests neither whether the dispatcher is being removed nor whether it still exists.

use crate::{
    Cx, DispatcherId, IsRedo, Mode,
    dispatchers::{
        Dispatchers, ManagerId, Note, Wake,
        block_messages::{BlockState, EventKey, Stage},
        block_writes::{Writing, Written},
    },
    tasks::{Next, TaskId},
    upstream::ddl::BlockEvent,
};

#[derive(Clone, Debug, Hash)]
pub(super) struct BlockTask {
    manager: ManagerId,
    dispatcher: DispatcherId,
    /// Whether it writes downstream, or the redo log.
    mode: Mode,
    event: BlockEvent,
    work: Work,
    stage: TaskStage,
}

/// What is to be done with the event.
#[derive(Clone, Debug, Hash)]
pub(super) enum Work {
    /// It stops the dispatcher: the maintainer is told.
    Report,
    /// It does not: it is written at once.
    Local(Local),
    /// The maintainer wants it to be written.
    Write(EventKey),
    /// The maintainer wants it to be passed.
    Pass(EventKey),
}

/// What follows when an event has been written without asking the maintainer.
#[derive(Clone, Copy, Debug, Hash)]
pub(super) struct Local {
    /// Whether the maintainer is told, because tables come or go.
    pub(super) told: bool,
    /// Whether later events wait for its acknowledgement.
    pub(super) counted: bool,
    /// Whether the checkpoint waits for it.
    pub(super) blocks: bool,
    /// Whether these two hold since before the event was handed to the executor.
    pub(super) early: bool,
}

#[derive(Clone, Debug, Hash)]
enum TaskStage {
    /// Everything before the event is flushed.
    Flush,
    /// The event is reported, written or passed.
    Work(Writing),
    /// What has been done is told.
    Tell,
}

impl BlockTask {
    pub(super) fn new(
        manager: ManagerId,
        dispatcher: DispatcherId,
        event: BlockEvent,
        work: Work,
    ) -> BlockTask {
        // What has got an action was flushed before it was reported.
        let stage = match &work {
            Work::Report | Work::Local(_) => TaskStage::Flush,
            Work::Write(_) | Work::Pass(_) => TaskStage::Work(Writing::new()),
        };
        BlockTask { manager, dispatcher, mode: Mode::Default, event, work, stage }
    }

    /// The same for a dispatcher of this mode.
    pub(super) fn of(self, mode: Mode) -> BlockTask {
        BlockTask { mode, ..self }
    }

    pub(super) fn manager(&self) -> ManagerId {
        self.manager
    }

    pub(super) fn dispatcher(&self) -> DispatcherId {
        self.dispatcher
    }

    pub(super) fn resume(&mut self, me: TaskId, wake: Wake, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        match &mut self.stage {
            TaskStage::Flush => {
                self.count(all);
                self.stage = TaskStage::Work(Writing::new());
                Next::Yield
            }
            TaskStage::Work(writing) => match self.work {
                Work::Report => {
                    all.report_waiting(self.manager, self.dispatcher, self.mode, &self.event, cx);
                    Next::Done
                }
                Work::Pass(_) => {
                    if let Some(one) = all.dispatcher(self.manager, self.dispatcher) {
                        one.progress.pass(self.event.commit());
                    }
                    all.event_is_over(self.manager, self.dispatcher, &self.event, cx);
                    self.stage = TaskStage::Tell;
                    Next::Yield
                }
                Work::Local(_) | Work::Write(_) => {
                    let who = (self.manager, self.dispatcher, self.mode);
                    match writing.resume(me, wake, who, &self.event, all, cx) {
                        Written::NotYet(next) => next,
                        Written::Failed(why) => self.fail(why, all, cx),
                        Written::Done => {
                            all.event_is_over(self.manager, self.dispatcher, &self.event, cx);
                            self.stage = TaskStage::Tell;
                            Next::Yield
                        }
                    }
                }
            },
            TaskStage::Tell => {
                self.tell(all, cx);
                Next::Done
            }
        }
    }

    /// Before pingcap/ticdc#5402 an event counted as reported only from here on.
    fn count(&self, all: &mut Dispatchers) {
        if let Work::Local(Local { counted: true, early: false, .. }) = self.work
            && let Some(one) = all.dispatcher(self.manager, self.dispatcher)
        {
            one.blocking.unacknowledged += 1;
        }
    }

    fn tell(&self, all: &mut Dispatchers, cx: &mut Cx) {
        match &self.work {
            Work::Report => {}
            Work::Local(Local { told: false, .. }) => {}
            Work::Local(local) => {
                // Between the flush and this the checkpoint was free (before pingcap/ticdc#5402).
                let readded = local.blocks && !local.early;
                if readded && let Some(one) = all.dispatcher(self.manager, self.dispatcher) {
                    one.progress.add(self.event.commit());
                }
                let state = BlockState::of(&self.event, Stage::None);
                all.report_until_acknowledged(self.manager, self.dispatcher, self.mode, state, readded, cx);
            }
            Work::Write(event) | Work::Pass(event) => {
                all.report_done(self.manager, self.dispatcher, self.mode, *event, cx);
                all.go_on_with_answers(self.manager, self.dispatcher, cx);
            }
        }
    }

    /// The sink has failed. What waits for a DONE waits for ever.
    fn fail(&self, why: &'static str, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        let (commit, manager) = (self.event.commit(), self.manager);
        if let Some(manager) = all.managers.get_mut(&manager) {
            manager.set_abnormal(self.mode);
            cx.note(Note::BlockEventFailed {
                cf: manager.cf,
                id: self.dispatcher,
                event: self.event.clone(),
                why,
                redo: IsRedo::of(self.mode),
            });
        }
        if let Work::Local(local) = self.work
            && let Some(one) = all.dispatcher(manager, self.dispatcher)
        {
            one.blocking.unacknowledged -= i32::from(local.counted);
            one.blocking.remove_bringing(commit);
        }
        all.report_error(manager, why, cx);
        Next::Done
    }
}
