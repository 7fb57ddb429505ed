//! What becomes of a merge that was begun: it is looked at every second, and carried out or given up.
//!
//! Nobody asks here who the owner is, and the fence mutex is not held.

use sim::Duration;

use crate::{
    Cx, DispatcherId, Mode, Ts,
    dispatchers::{
        Asker, ComponentState, Dispatchers, Manager, ManagerId, MergeRequest, Note, Timer, Wake,
        merge::Start, remove::Removal,
    },
    sink::{self, QueryId},
    tasks::{Next, TaskId},
};

/// How often a merge that is not ready is looked at.
const PERIOD: Duration = Duration::from_secs(1);
/// How often sources are asked whether they are drained.
const POLL: Duration = Duration::from_millis(10);
/// The event service is ready for a new span after up to so many times this long.
const READY_STEP: Duration = Duration::from_millis(50);
const READY_STEPS: usize = 40;

/// The event service of the node opens the span of a target, and tells when it is ready.
#[derive(Clone, Debug)]
pub(in crate::dispatchers) struct Ready {
    manager: ManagerId,
    merged: DispatcherId,
    asked: bool,
}

impl Ready {
    pub(in crate::dispatchers) fn new(manager: ManagerId, merged: DispatcherId) -> Ready {
        Ready { manager, merged, asked: false }
    }

    pub(in crate::dispatchers) fn resume(&mut self, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        if !std::mem::replace(&mut self.asked, true) {
            let steps = cx.out.choose("when the target of a merge is ready", READY_STEPS);
            return Next::Sleep(READY_STEP.times(steps as u64));
        }
        let Some(manager) = all.managers.get_mut(&self.manager) else { return Next::Done };
        // The event collector says nothing of a dispatcher that it does not know any more.
        if let Some(target) = manager.dispatchers.get_mut(&self.merged).filter(|target| target.prepared) {
            target.state = ComponentState::MergeReady;
            cx.note(Note::MergeReady { cf: manager.cf, id: self.merged });
        }
        Next::Done
    }
}

/// A merge that was begun.
#[derive(Clone, Debug)]
pub(in crate::dispatchers) struct Check {
    manager: ManagerId,
    merged: DispatcherId,
    mode: Mode,
    sources: Vec<DispatcherId>,
    stage: Stage,
}

#[derive(Clone, Debug)]
enum Stage {
    Begin,
    Look,
    /// The sources get no more events. `ends`: where each of them has ended, once it is drained.
    Drain {
        ends: Vec<Option<End>>,
    },
    /// Where the target may start is asked downstream.
    Recover {
        start: Start,
    },
    Asking {
        start: Start,
        query: QueryId,
    },
    Commit {
        start: Start,
    },
    /// The sources may be cleaned, one after the other.
    Retire {
        left: Vec<DispatcherId>,
    },
    /// The merge is given up, and its target goes.
    Remove(Removal),
}

/// How a source has ended: its checkpoint, and the barrier that it waited for (whether it is a syncpoint).
pub(super) type End = (Ts, Option<(Ts, bool)>);

impl Check {
    pub(super) fn new(manager: ManagerId, request: &MergeRequest) -> Check {
        let (merged, sources, mode) = (request.merged, request.sources.clone(), request.mode);
        Check { manager, merged, mode, sources, stage: Stage::Begin }
    }

    pub(in crate::dispatchers) fn resume(
        &mut self,
        me: TaskId,
        wake: Wake,
        all: &mut Dispatchers,
        cx: &mut Cx,
    ) -> Next {
        let Some(manager) = all.managers.get_mut(&self.manager) else { return Next::Done };
        match &mut self.stage {
            Stage::Begin => {
                self.stage = Stage::Look;
                Next::Sleep(PERIOD)
            }
            Stage::Look if manager.closed => Next::Done,
            Stage::Look | Stage::Drain { .. } => match manager.obstacle(self.merged, &self.sources) {
                Some(why) => self.abort(why, all, cx),
                None => self.go_on(all, cx),
            },
            Stage::Recover { start } => {
                let (start, cf, tables) = (*start, manager.cf, manager.table_of(self.merged));
                let asker = Asker::Task { task: me, manager: self.manager };
                let query = all.ask(asker, cx, |query| sink::Inbox::TableRecoveryInfo { query, cf, tables });
                self.stage = Stage::Asking { start, query };
                Next::Wait
            }
            Stage::Asking { start, query } => {
                let start = match wake {
                    Wake::Answer(sink::Reply::TableRecovery { recoveries, .. }) => {
                        start.recovered(recoveries)
                    }
                    // The error is reported, and the merge goes on.
                    Wake::Answer(sink::Reply::Failed { why, .. }) => {
                        manager.sink.set_abnormal();
                        let start = *start;
                        all.report_error(self.manager, why.why(), cx);
                        start
                    }
                    // Without an answer the target starts where its sources ended.
                    Wake::Go if !all.queries.contains_key(query) => *start,
                    _ => return Next::Wait,
                };
                self.stage = Stage::Commit { start };
                Next::Yield
            }
            Stage::Commit { start } => {
                let start = *start;
                self.commit(start, all, cx)
            }
            Stage::Retire { left } => match left.pop() {
                Some(source) => {
                    all.remove_from_streams(self.manager, source, cx);
                    all.touch();
                    Next::Yield
                }
                None => Next::Done,
            },
            Stage::Remove(removal) => removal.resume(all, cx),
        }
    }

    /// Nothing is in the way: waits for the target, then drains the sources.
    fn go_on(&mut self, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        let Some(manager) = all.managers.get_mut(&self.manager) else { return Next::Done };
        if matches!(self.stage, Stage::Look) {
            let target = manager.dispatchers.get(&self.merged);
            if target.is_none_or(|target| target.state != ComponentState::MergeReady) {
                return Next::Sleep(PERIOD);
            }
            for id in &self.sources {
                if let Some(source) = manager.dispatchers.get_mut(id) {
                    source.unregister();
                    cx.note(Note::DispatcherUnregistered { cf: manager.cf, id: *id });
                }
            }
            self.stage = Stage::Drain { ends: vec![None; self.sources.len()] };
        }
        let Stage::Drain { ends } = &mut self.stage else { return Next::Done };
        let normal = manager.sink_is_normal(self.mode, cx.policy());
        for (id, end) in self.sources.iter().zip(ends.iter_mut()) {
            let drained =
                manager.dispatchers.get(id).filter(|source| end.is_none() && source.may_close(normal));
            *end = drained.map(|source| (source.checkpoint(), source.barrier())).or(*end);
        }
        if let Some(ends) = ends.iter().copied().collect::<Option<Vec<End>>>() {
            let start = Start::after(&ends);
            let database = self.mode == Mode::Default && cx.process.config.downstream.class.is_database();
            self.stage = if database { Stage::Recover { start } } else { Stage::Commit { start } };
        }
        all.touch();
        Next::Sleep(POLL)
    }

    /// The target takes over. From here on it counts for the watermark, while its sources still do.
    fn commit(&mut self, start: Start, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        let creation = all.pd_clock(cx);
        let Some(manager) = all.managers.get_mut(&self.manager) else { return Next::Done };
        if let Some(target) = manager.dispatchers.get_mut(&self.merged) {
            target.start_at(start);
            target.creation = creation;
            target.state = ComponentState::Initializing;
            // One that the event collector has forgotten meanwhile gets nothing.
            if std::mem::take(&mut target.prepared) {
                target.registered = true;
                target.events_coming = true;
                let timer = Timer::Events { manager: self.manager, dispatcher: self.merged };
                cx.out.give_way(timer.into());
            }
            cx.note(Note::MergeCommitted { cf: manager.cf, id: self.merged, start_ts: start.ts });
        }
        all.touch();
        self.stage = Stage::Retire { left: self.sources.iter().rev().copied().collect() };
        Next::Yield
    }

    /// The sources go on as before, and the target is removed.
    fn abort(&mut self, why: &'static str, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        let Some(manager) = all.managers.get_mut(&self.manager) else { return Next::Done };
        cx.note(Note::MergeAborted { cf: manager.cf, id: self.merged, why });
        for id in &self.sources {
            let source = manager.dispatchers.get_mut(id);
            let Some(source) = source.filter(|source| !source.try_removing && !source.removing) else {
                continue;
            };
            if source.state == ComponentState::WaitingMerge {
                source.state = ComponentState::Working;
            }
            if !source.registered {
                source.registered = true;
                source.events_coming = true;
                cx.out.give_way(Timer::Events { manager: self.manager, dispatcher: *id }.into());
            }
        }
        manager.merges.erase(self.merged);
        all.touch();
        self.stage = Stage::Remove(Removal::of(self.manager, self.merged, self.mode));
        Next::Yield
    }
}

impl Manager {
    /// Why a merge cannot go on.
    fn obstacle(&self, merged: DispatcherId, sources: &[DispatcherId]) -> Option<&'static str> {
        let goes = |id| self.dispatchers.get(id).map(|one| one.try_removing || one.removing);
        match goes(&merged) {
            None => return Some("the target is missing"),
            Some(true) => return Some("the target is being removed"),
            Some(false) => {}
        }
        sources.iter().find_map(|source| match goes(source) {
            None => Some("a source is missing"),
            Some(true) => Some("a source is being removed"),
            Some(false) => None,
        })
    }

    fn table_of(&self, id: DispatcherId) -> Vec<crate::TableId> {
        self.dispatchers.get(&id).map(|one| one.span.table).into_iter().collect()
    }
}
