//! The merge stream of a manager: one thread that begins one merge after the other.

use crate::{
    Cx, IsRedo, Mode, NodeId, Span, Ts,
    dispatchers::{
        ComponentState, Dispatcher, DispatcherStatus, Dispatchers, Inbox, Manager, ManagerId, MergeRequest,
        Note, Task, merge, streams::Letter, watched::Asked,
    },
    policy::Entrant,
    tasks::{Next, TaskId},
};

/// A request that is being worked off.
#[derive(Clone, Debug)]
pub(in crate::dispatchers) struct Merge {
    manager: ManagerId,
    letter: Option<(NodeId, MergeRequest)>,
    stage: Stage,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    /// Waits for the fence mutex, then looks who asks.
    Admit,
    Register,
}

impl Merge {
    pub(in crate::dispatchers) fn new(manager: ManagerId, letters: Vec<Letter>) -> Merge {
        let mut requests = letters.into_iter().filter_map(|(from, inbox)| match inbox {
            Inbox::MergeDispatcherRequest { request } => Some((from, request)),
            _ => None,
        });
        Merge { manager, letter: requests.next(), stage: Stage::Admit }
    }

    /// What is asked for, if it has not looked at it yet.
    pub(in crate::dispatchers) fn asked(&self) -> Option<Asked> {
        let letter = self.letter.as_ref().filter(|_| matches!(self.stage, Stage::Admit));
        letter.map(|(from, request)| request.asked(self.manager, *from))
    }

    /// The request is worked off under the fence mutex, where there is one.
    pub(in crate::dispatchers) fn resume(&mut self, me: TaskId, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        let (Some(manager), Some((from, request))) = (all.managers.get_mut(&self.manager), &self.letter)
        else {
            return Next::Done;
        };
        match self.stage {
            Stage::Admit => {
                if !manager.enter(Entrant::Command, me, cx) {
                    return Next::Wait;
                }
                if !manager.admits_merge(*from, request, cx) {
                    return self.end(me, all, cx);
                }
                manager.journal_merge(merge::Moment::Admitted, *from, request, cx);
                self.stage = Stage::Register;
                Next::Yield
            }
            Stage::Register => {
                if !manager.write_path_mu.pass(me) {
                    return Next::Wait;
                }
                if let Err(why) = all.begin_merge(self.manager, request, cx) {
                    all.forget_idle_merge(self.manager, request, cx);
                    cx.note(Note::Ignored { cf: request.cf, from: *from, why });
                }
                self.end(me, all, cx)
            }
        }
    }

    fn end(&self, me: TaskId, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        all.leave(self.manager, me, cx);
        Next::Done
    }
}

impl MergeRequest {
    pub(in crate::dispatchers) fn asked(&self, manager: ManagerId, from: NodeId) -> Asked {
        Asked { manager, from, epoch: self.epoch }
    }
}

impl Manager {
    fn admits_merge(&self, from: NodeId, request: &MergeRequest, cx: &mut Cx) -> bool {
        let admitted = cx.policy().dispatchers.merge_fence.admits(&self.owner, from, request.epoch);
        if !admitted {
            let (cf, epoch) = (self.cf, request.epoch);
            let (owner, current) = (self.owner.node, self.owner.epoch);
            cx.note(Note::StaleRefused { cf, from, epoch, owner, current });
        }
        admitted
    }

    /// The span of working dispatchers that follow each other, and the lowest of their checkpoints.
    fn joined(&self, request: &MergeRequest) -> Result<(Span, Ts), &'static str> {
        let mut joined: Option<(Span, Ts)> = None;
        for id in &request.sources {
            let source = self.dispatchers.get(id).filter(|one| one.mode == request.mode);
            let source = source.ok_or("a source does not exist")?;
            if source.state != ComponentState::Working {
                return Err("a source does not work");
            }
            let checkpoint = source.checkpoint();
            joined = Some(match joined {
                None => (source.span, checkpoint),
                Some((span, lowest)) => {
                    let span = span.joined(source.span).ok_or("the sources do not follow each other")?;
                    (span, lowest.min(checkpoint))
                }
            });
        }
        joined.ok_or("fewer than two sources")
    }
}

impl Dispatchers {
    /// Makes the target, and lets it and its sources wait for each other. Otherwise tells why nothing was begun.
    fn begin_merge(
        &mut self,
        id: ManagerId,
        request: &MergeRequest,
        cx: &mut Cx,
    ) -> Result<(), &'static str> {
        let creation = self.pd_clock(cx);
        let Some(manager) = self.managers.get_mut(&id) else { return Err("no dispatcher manager") };
        if request.mode == Mode::Redo && !manager.redo.ready {
            return Err("redo is not ready");
        }
        if request.sources.len() < 2 {
            return Err("fewer than two sources");
        }
        let merged = manager.dispatchers.get(&request.merged);
        if let Some(merged) = merged.filter(|one| one.mode == request.mode) {
            if merged.state != ComponentState::Working {
                return Err("the merge is under way");
            }
            let (state, checkpoint, seq) = (merged.state, merged.checkpoint(), manager.seq_of(request.mode));
            let redo = IsRedo::of(request.mode);
            self.report_soon(id, DispatcherStatus { id: request.merged, state, checkpoint, redo }, seq, cx);
            return Err("the merge is done");
        }
        let (span, start_ts) = manager.joined(request)?;
        if manager.is_refused(cx) {
            return Err("nothing may be written any more");
        }
        manager.prepare(request, span, start_ts, creation);
        cx.note(Note::MergeBegun { cf: request.cf, id: request.merged, span });
        self.spawn(Task::Ready(merge::Ready::new(id, request.merged)), cx);
        self.spawn(Task::MergeCheck(merge::Check::new(id, request)), cx);
        Ok(())
    }
}

impl Manager {
    /// Inserts the target, which the event collector knows from here on. The sources still get events.
    fn prepare(&mut self, request: &MergeRequest, span: Span, start_ts: Ts, creation: Ts) {
        let mut target = Dispatcher::new(request.merged, span, start_ts, creation);
        target.mode = request.mode;
        target.waits_for_redo = request.mode == Mode::Default && self.redo.enabled;
        target.state = ComponentState::Preparing;
        target.prepared = true;
        let source = request.sources.first().and_then(|source| self.dispatchers.get(source));
        target.schema = source.map_or(target.schema, |source| source.schema);
        target.moved_to = source.and_then(|source| source.moved_to);
        self.schemas_of(request.mode).entry(target.schema).or_default().insert(request.merged);
        target.seq = self.number_next(request.mode);
        self.dispatchers.insert(request.merged, target);
        for source in &request.sources {
            if let Some(source) = self.dispatchers.get_mut(source) {
                source.state = ComponentState::WaitingMerge;
            }
        }
    }
}
