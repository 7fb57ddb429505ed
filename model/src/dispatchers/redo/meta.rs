//! What the redo trigger keeps: how far the redo log and the downstream are. It is written to the storage of the redo log,
//! and what has been written is told to the maintainer.

use sim::Duration;

use crate::{
    ChangefeedId, Cx, DispatcherId, Place, Ts,
    dispatchers::{Asker, Dispatchers, Manager, ManagerId, Task, Wake},
    maintainer,
    sink::{self, QueryId, Reply},
    tasks::{Next, TaskId},
};

/// How often it is written, if it has changed (`meta-flush-interval`).
const FLUSH: Duration = Duration::from_millis(200);
/// How often the maintainer is told (`flush-interval`).
const TELL: Duration = Duration::from_secs(2);

/// Checkpoint and resolved timestamp.
type Pair = (Ts, Ts);

/// The redo meta of a trigger.
#[derive(Clone, Copy, Debug, Hash)]
pub(super) struct Meta {
    trigger: DispatcherId,
    /// Whether the storage has been reached, until the trigger goes.
    running: bool,
    unflushed: Pair,
    flushed: Pair,
}

impl Manager {
    /// What goes back is ignored, and so is everything before the storage has been reached.
    pub(super) fn update_redo_meta(&mut self, checkpoint: Ts, resolved: Ts) {
        if let Some(meta) = self.redo.meta.as_mut().filter(|meta| meta.running) {
            let (old, older) = meta.unflushed;
            meta.unflushed = (old.max(checkpoint), older.max(resolved));
        }
    }

    /// The redo trigger goes: its meta is written no more.
    pub(in crate::dispatchers) fn stop_redo_meta(&mut self, dispatcher: DispatcherId) {
        if let Some(meta) = self.redo.meta.as_mut().filter(|meta| meta.trigger == dispatcher) {
            meta.running = false;
        }
    }
}

impl Dispatchers {
    /// A redo trigger has been created.
    pub(in crate::dispatchers) fn keep_redo_meta(
        &mut self,
        id: ManagerId,
        trigger: DispatcherId,
        cx: &mut Cx,
    ) {
        let Some(manager) = self.managers.get_mut(&id) else { return };
        let Some(start) = manager.dispatchers.get(&trigger).map(|one| one.start_ts) else { return };
        let none = (Ts::NONE, Ts::NONE);
        manager.redo.meta = Some(Meta { trigger, running: false, unflushed: none, flushed: none });
        let keeper = Keeper { manager: id, trigger, start, stage: Stage::Read };
        self.fork(Task::RedoMeta(keeper), cx);
        self.fork(Task::RedoProgress(Progress { manager: id, told: Ts::NONE, begun: false }), cx);
    }
}

/// The goroutine that writes the meta.
#[derive(Clone, Debug)]
pub(in crate::dispatchers) struct Keeper {
    manager: ManagerId,
    trigger: DispatcherId,
    start: Ts,
    stage: Stage,
}

#[derive(Clone, Debug)]
enum Stage {
    /// Looks how far the redo log is.
    Read,
    Reading(QueryId),
    /// Writes that down as its own, and deletes what others have written.
    Writing(QueryId, Pair, bool),
    Sleeping,
}

impl Keeper {
    pub(in crate::dispatchers) fn resume(
        &mut self,
        me: TaskId,
        wake: Wake,
        all: &mut Dispatchers,
        cx: &mut Cx,
    ) -> Next {
        let id = self.manager;
        let asked = match &self.stage {
            Stage::Reading(query) | Stage::Writing(query, ..) => Some(*query),
            Stage::Read | Stage::Sleeping => None,
        };
        if let (Some(query), Wake::Go) = (asked, wake)
            && all.queries.contains_key(&query)
        {
            return Next::Wait;
        }
        let Some(manager) = all.managers.get_mut(&id) else { return Next::Done };
        let (cf, cancelled) = (manager.cf, manager.is_cancelled());
        let gone = manager.dispatchers.get(&self.trigger).is_none_or(|one| one.removing);
        let Some(meta) = manager.redo.meta.as_mut().filter(|meta| meta.trigger == self.trigger) else {
            return Next::Done;
        };
        if cancelled || gone {
            meta.running = false;
            return Next::Done;
        }
        if let Wake::Answer(Reply::Failed { why, .. }) = wake {
            meta.running = false;
            let why = why.why();
            all.report_error(id, why, cx);
            return Next::Done;
        }
        match (&self.stage, wake) {
            (Stage::Reading(_), Wake::Answer(Reply::RedoMeta { checkpoint, resolved, .. })) => {
                let known = (self.start.max(*checkpoint), self.start.max(*resolved));
                meta.unflushed = known;
                self.write(me, cf, known, true, all, cx)
            }
            (Stage::Writing(_, pair, first), Wake::Answer(_)) => {
                meta.flushed = *pair;
                meta.running |= *first;
                self.stage = Stage::Sleeping;
                Next::Sleep(FLUSH)
            }
            (Stage::Read, _) => {
                let asker = Asker::Task { task: me, manager: id };
                let query = all.ask(asker, cx, |query| sink::Inbox::ReadRedoMeta { query, cf });
                self.stage = Stage::Reading(query);
                Next::Wait
            }
            (Stage::Sleeping, _) if meta.flushed == meta.unflushed => Next::Sleep(FLUSH),
            (Stage::Sleeping, _) => {
                let pair = meta.unflushed;
                self.write(me, cf, pair, false, all, cx)
            }
            // The context was cancelled, and the answer will not come.
            (Stage::Reading(_) | Stage::Writing(..), _) => Next::Done,
        }
    }

    fn write(
        &mut self,
        me: TaskId,
        cf: ChangefeedId,
        pair: Pair,
        alone: bool,
        all: &mut Dispatchers,
        cx: &mut Cx,
    ) -> Next {
        let asker = Asker::Task { task: me, manager: self.manager };
        let (checkpoint, resolved) = pair;
        let query =
            all.ask(asker, cx, |query| sink::Inbox::WriteRedoMeta { query, cf, checkpoint, resolved, alone });
        self.stage = Stage::Writing(query, pair, alone);
        Next::Wait
    }
}

/// The goroutine that tells the maintainer what has been written. It ends with the manager, not with the redo trigger.
#[derive(Clone, Debug)]
pub(in crate::dispatchers) struct Progress {
    manager: ManagerId,
    told: Ts,
    begun: bool,
}

impl Progress {
    pub(in crate::dispatchers) fn resume(&mut self, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        let Some(manager) = all.managers.get(&self.manager).filter(|one| !one.is_cancelled()) else {
            return Next::Done;
        };
        let flushed = manager.redo.trigger.and(manager.redo.meta).map_or(Ts::NONE, |meta| meta.flushed.1);
        if std::mem::replace(&mut self.begun, true) && self.told < flushed {
            self.told = flushed;
            if let Some(owner) = manager.owner.node {
                let (cf, resolved) = (manager.cf, flushed);
                let progress = maintainer::Inbox::RedoResolvedTsProgressMessage { cf, resolved };
                cx.send(owner, Place::Maintainers, progress);
            }
        }
        Next::Sleep(TELL)
    }
}
