//! The schedule stream of a manager: one thread that works off requests to create and remove dispatchers, in order.
//!
//! Consecutive Creates are worked off together, Removes one at a time. Who takes no fence mutex can get in between any two
//! steps: between the look at a request and its entry in the journal, and between the creation of a dispatcher and the end
//! of its entry.

use std::collections::VecDeque;

use crate::{
    Cx, DispatcherId, Mode, NodeId,
    dispatchers::{
        Action, Dispatchers, Inbox, Manager, ManagerId, Note, ScheduleRequest, Wake,
        create::{Created, Creation, NewDispatcher},
        failure::Failure,
        journal::Key,
        remove::Removal,
        streams::Letter,
        watched::Asked,
    },
    policy::Entrant,
    tasks::{Next, TaskId},
};

/// A batch that is being worked off.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    manager: ManagerId,
    batch: VecDeque<(NodeId, ScheduleRequest)>,
    /// The dispatchers that are to be created.
    accepted: Vec<(Key, NewDispatcher)>,
    /// The redo dispatchers that are to be created, before the others.
    redo: Vec<(Key, NewDispatcher)>,
    stage: Stage,
}

#[derive(Clone, Debug)]
enum Stage {
    /// Waits for the fence mutex, which it holds to the end.
    Enter,
    /// Looks at the next request.
    Look,
    /// The request is to be carried out, and is written down first.
    Write(Key, NodeId, ScheduleRequest),
    Remove(Removal),
    Create(Vec<Key>, Creation),
    /// What was created is unfinished no longer. `closed`: it was not, because the write path is closed.
    Settle {
        keys: Vec<Key>,
        closed: bool,
    },
}

impl Schedule {
    pub(super) fn new(manager: ManagerId, letters: Vec<Letter>) -> Schedule {
        let requests = letters.into_iter().filter_map(|(from, inbox)| match inbox {
            Inbox::ScheduleDispatcherRequest { request } => Some((from, request)),
            _ => None,
        });
        Schedule {
            manager,
            batch: requests.collect(),
            accepted: Vec::new(),
            redo: Vec::new(),
            stage: Stage::Enter,
        }
    }

    /// The request that it is at, if it has not looked at it yet.
    pub(super) fn asked(&self) -> Option<Asked> {
        let next = self.batch.front().filter(|_| matches!(self.stage, Stage::Enter | Stage::Look));
        next.map(|(from, request)| Asked { manager: self.manager, from: *from, epoch: request.epoch })
    }

    /// The whole batch is worked off under the fence mutex, where there is one.
    pub(super) fn resume(&mut self, me: TaskId, wake: Wake, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        match &mut self.stage {
            Stage::Enter => match all.enter(self.manager, Entrant::Schedule, me, cx) {
                true => self.look(me, all, cx),
                false => Next::Wait,
            },
            Stage::Look => self.look(me, all, cx),
            Stage::Write(key, from, request) => {
                let (key, from, request) = (*key, *from, request.clone());
                self.write(key, from, request, all)
            }
            Stage::Remove(removal) => match removal.resume(all, cx) {
                Next::Done => self.go_to(Stage::Look),
                next => next,
            },
            Stage::Create(keys, creation) => {
                let closed = match creation.resume(me, wake, all, cx) {
                    Created::NotYet(next) => return next,
                    Created::Failed(failure) => {
                        let closed = all.is_closed_path(failure, cx);
                        if let (false, Failure::Downstream(why)) = (closed, failure) {
                            all.report_error(self.manager, why.why(), cx);
                        }
                        closed
                    }
                    Created::Done => false,
                };
                let keys = std::mem::take(keys);
                self.go_to(Stage::Settle { keys, closed })
            }
            Stage::Settle { keys, closed } => {
                if let Some(manager) = all.managers.get_mut(&self.manager) {
                    for key in keys {
                        let exists = manager.dispatchers.contains_key(&key.id);
                        if cx.policy().dispatchers.create_journal.is_settled(*closed, exists) {
                            manager.journal.erase_create(*key);
                        }
                    }
                }
                // A closed write path ends it, whatever is left.
                if *closed {
                    return self.end(me, all, cx);
                }
                self.create(me, all, cx)
            }
        }
    }

    /// Redo dispatchers come first.
    fn create(&mut self, me: TaskId, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        let (accepted, mode) = match self.redo.is_empty() {
            true => (std::mem::take(&mut self.accepted), Mode::Default),
            false => (std::mem::take(&mut self.redo), Mode::Redo),
        };
        let (keys, infos): (Vec<Key>, Vec<_>) = accepted.into_iter().unzip();
        match infos.is_empty() {
            true => self.end(me, all, cx),
            false => self.go_to(Stage::Create(keys, Creation::new(self.manager, mode, infos))),
        }
    }

    fn go_to(&mut self, stage: Stage) -> Next {
        self.stage = stage;
        Next::Yield
    }

    fn end(&self, me: TaskId, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        all.leave(self.manager, me, cx);
        Next::Done
    }

    /// Looks at the next request; behind the last one, what is to be created is.
    fn look(&mut self, me: TaskId, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        let Some((from, request)) = self.batch.pop_front() else {
            return self.create(me, all, cx);
        };
        let Some(manager) = all.managers.get_mut(&self.manager) else { return Next::Done };
        let key = Key::of(&request, cx);
        if !manager.admits(from, &request, key, cx) {
            return self.go_to(Stage::Look);
        }
        // Nobody would ever erase the entry of a removal whose dispatcher does not exist.
        match request.action {
            Action::Create if request.span.is_none() => self.go_to(Stage::Look),
            Action::Remove if !manager.has(request.id, request.mode) => {
                self.go_to(Stage::Remove(Removal::of(self.manager, request.id, request.mode)))
            }
            Action::Create | Action::Remove => self.go_to(Stage::Write(key, from, request)),
        }
    }

    fn write(&mut self, key: Key, from: NodeId, request: ScheduleRequest, all: &mut Dispatchers) -> Next {
        let Some(manager) = all.managers.get_mut(&self.manager) else { return Next::Done };
        let ScheduleRequest { id, action, span, start_ts, skip_dml, mode, .. } = request;
        manager.journal.write(key, from, request);
        match span.filter(|_| action == Action::Create) {
            Some(span) => {
                let accepted = if mode == Mode::Redo { &mut self.redo } else { &mut self.accepted };
                accepted.push((key, NewDispatcher::new(id, span, mode, start_ts, skip_dml)));
                self.go_to(Stage::Look)
            }
            None => self.go_to(Stage::Remove(Removal::of(self.manager, id, mode))),
        }
    }
}

impl Manager {
    /// Whether a request is to be carried out. Nobody looks whether another dispatcher covers the same span.
    fn admits(&mut self, from: NodeId, request: &ScheduleRequest, key: Key, cx: &mut Cx) -> bool {
        let policy = &cx.process.policy.clone().dispatchers;
        let (cf, id) = (self.cf, request.id);
        if id == DispatcherId::NONE {
            cx.note(Note::Ignored { cf, from, why: "it names no dispatcher" });
            return false;
        }
        if !policy.schedule_fence.admits(&self.owner, from, request.epoch) {
            let (epoch, owner, current) = (request.epoch, self.owner.node, self.owner.epoch);
            cx.note(Note::StaleRefused { cf, from, epoch, owner, current });
            return false;
        }
        if request.mode == Mode::Redo && !self.redo.ready {
            cx.note(Note::Ignored { cf, from, why: "redo is not ready" });
            return false;
        }
        if let Some(entry) = self.journal.get(key) {
            if !policy.stale_journal.keeps(&self.owner, entry.from, entry.request.epoch) {
                self.journal.erase(key);
            } else if request.action == Action::Create {
                cx.note(Note::Ignored { cf, from, why: "an earlier request is not finished" });
                return false;
            }
        }
        let exists = self.has(id, request.mode);
        if exists && request.action == Action::Create {
            cx.note(Note::Ignored { cf, from, why: "the dispatcher exists" });
            return false;
        }
        true
    }
}
