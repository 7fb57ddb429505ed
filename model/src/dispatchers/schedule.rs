//! The schedule stream of a manager: one thread that works off requests to create and remove dispatchers, in order.
//!
//! Consecutive Creates are worked off together, Removes one at a time.

use crate::{
    Cx, DispatcherId, Mode, NodeId,
    dispatchers::{
        Action, Dispatchers, Inbox, Manager, ManagerId, Note, ScheduleRequest, Wake,
        create::{Created, Creation, NewDispatcher},
        failure::Failure,
        journal::Key,
        streams::Letter,
    },
    tasks::{Next, TaskId},
};

/// A batch that is being worked off.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    manager: ManagerId,
    batch: Vec<(NodeId, ScheduleRequest)>,
    /// The dispatchers that are being created, and their creation.
    creating: Option<(Vec<Key>, Creation)>,
}

impl Schedule {
    pub(super) fn new(manager: ManagerId, letters: Vec<Letter>) -> Schedule {
        let requests = letters.into_iter().filter_map(|(from, inbox)| match inbox {
            Inbox::ScheduleDispatcherRequest { request } => Some((from, request)),
            _ => None,
        });
        Schedule { manager, batch: requests.collect(), creating: None }
    }

    /// The whole batch is worked off under the fence mutex, where there is one.
    pub(super) fn resume(&mut self, me: TaskId, wake: Wake, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        if self.creating.is_none() {
            let Some(manager) = all.managers.get_mut(&self.manager) else { return Next::Done };
            if !manager.enter(me, cx) {
                return Next::Wait;
            }
            let accepted = self.check(all, cx);
            if accepted.is_empty() {
                return self.end(me, all, cx);
            }
            let (keys, infos) = accepted.into_iter().unzip();
            self.creating = Some((keys, Creation::new(self.manager, infos)));
        }
        let Some((keys, creation)) = &mut self.creating else { return Next::Done };
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
        if let Some(manager) = all.managers.get_mut(&self.manager) {
            for key in keys {
                let exists = manager.dispatchers.contains_key(&key.id);
                if cx.policy().dispatchers.create_journal.is_settled(closed, exists) {
                    manager.journal.erase_create(*key);
                }
            }
        }
        self.end(me, all, cx)
    }

    fn end(&self, me: TaskId, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        all.leave(self.manager, me, cx);
        Next::Done
    }

    /// Looks at every request: what is to be removed is, what is to be created is returned.
    fn check(&mut self, all: &mut Dispatchers, cx: &mut Cx) -> Vec<(Key, NewDispatcher)> {
        let mut accepted = Vec::new();
        for (from, request) in std::mem::take(&mut self.batch) {
            let Some(manager) = all.managers.get_mut(&self.manager) else { break };
            let key = Key::of(&request, cx);
            if !manager.admits(from, &request, key, cx) {
                continue;
            }
            let id = request.id;
            match (request.action, request.span) {
                (Action::Create, Some(span)) => {
                    accepted.push((key, NewDispatcher::new(id, span, request.start_ts, request.skip_dml)));
                    manager.journal.write(key, from, request);
                }
                (Action::Create, None) => {}
                (Action::Remove, _) => {
                    // Nobody would ever erase the entry of a dispatcher that does not exist.
                    if manager.dispatchers.contains_key(&id) {
                        manager.journal.write(key, from, request);
                    }
                    all.remove_dispatcher(self.manager, id, cx);
                }
            }
        }
        accepted
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
        if request.mode == Mode::Redo && !self.redo_ready {
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
        let exists = self.dispatchers.contains_key(&id);
        if exists && request.action == Action::Create {
            cx.note(Note::Ignored { cf, from, why: "the dispatcher exists" });
            return false;
        }
        true
    }
}
