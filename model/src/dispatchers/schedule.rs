//! The schedule stream of a manager: one thread that works off requests to create and remove dispatchers, in order.
//!
//! Consecutive Creates are worked off together, Removes one at a time.

use crate::{
    Cx, DispatcherId, NodeId, Span, Ts,
    dispatchers::{
        Action, ComponentState, DispatcherStatus, Dispatchers, Inbox, Manager, ManagerId, Note,
        ScheduleRequest, Task, Wake,
        create::{Created, Creation},
        remove::Remove,
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
    creating: Option<(Vec<DispatcherId>, Creation)>,
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
            let ids = accepted.iter().map(|(id, ..)| *id).collect();
            self.creating = Some((ids, Creation::new(self.manager, accepted)));
        }
        let Some((ids, creation)) = &mut self.creating else { return Next::Done };
        match creation.resume(me, wake, all, cx) {
            Created::NotYet(next) => next,
            Created::Done | Created::Failed => {
                if let Some(manager) = all.managers.get_mut(&self.manager) {
                    for id in ids {
                        let exists = manager.dispatchers.contains_key(id);
                        if cx.policy().dispatchers.create_journal.is_settled(exists) {
                            manager.journal.erase_create(*id);
                        }
                    }
                }
                self.end(me, all, cx)
            }
        }
    }

    fn end(&self, me: TaskId, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        Dispatchers::wake_all(all.release(self.manager, me), cx);
        Next::Done
    }

    /// Looks at every request: what is to be removed is, what is to be created is returned.
    fn check(&mut self, all: &mut Dispatchers, cx: &mut Cx) -> Vec<(DispatcherId, Span, Ts)> {
        let mut accepted = Vec::new();
        for (from, request) in std::mem::take(&mut self.batch) {
            let Some(manager) = all.managers.get_mut(&self.manager) else { break };
            if !manager.admits(from, &request, cx) {
                continue;
            }
            match (request.action, request.span) {
                (Action::Create, Some(span)) => {
                    accepted.push((request.id, span, request.start_ts));
                    manager.journal.write(from, request);
                }
                (Action::Create, None) => {}
                (Action::Remove, _) => all.remove_dispatcher(self.manager, from, request, cx),
            }
        }
        accepted
    }
}

impl Manager {
    /// Whether a request is to be carried out. Nobody looks whether another dispatcher covers the same span.
    fn admits(&mut self, from: NodeId, request: &ScheduleRequest, cx: &mut Cx) -> bool {
        let policy = &cx.process.policy.clone().dispatchers;
        let (cf, id) = (self.cf, request.id);
        if !policy.schedule_fence.admits(&self.owner, from, request.epoch) {
            let (epoch, owner, current) = (request.epoch, self.owner.node, self.owner.epoch);
            cx.note(Note::StaleRefused { cf, from, epoch, owner, current });
            return false;
        }
        if let Some(entry) = self.journal.get(id) {
            if !policy.stale_journal.keeps(&self.owner, entry.from, entry.request.epoch) {
                self.journal.erase(id);
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

impl Dispatchers {
    /// Begins the removal of a dispatcher. For one that does not exist the maintainer is told so.
    fn remove_dispatcher(&mut self, id: ManagerId, from: NodeId, request: ScheduleRequest, cx: &mut Cx) {
        let Some(manager) = self.managers.get_mut(&id) else { return };
        let dispatcher_id = request.id;
        let Some(dispatcher) = manager.dispatchers.get_mut(&dispatcher_id) else {
            let state = ComponentState::Stopped;
            let status = DispatcherStatus { id: dispatcher_id, state, checkpoint: Ts::NONE };
            return self.report_soon(id, status, 0, cx);
        };
        let first = !std::mem::replace(&mut dispatcher.try_removing, true);
        let cf = manager.cf;
        manager.journal.write(from, request);
        if first {
            dispatcher.registered = false;
            cx.note(Note::DispatcherUnregistered { cf, id: dispatcher_id });
            self.touch();
            self.spawn(Task::Remove(Remove::new(id, dispatcher_id)), cx);
        }
    }
}
