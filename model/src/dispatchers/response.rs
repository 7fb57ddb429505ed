//! A heartbeat response: what a maintainer says about block events is handed out to the dispatchers that it concerns.

use crate::{
    ChangefeedId, Cx, DispatcherId, Epoch, Mode, NodeId,
    dispatchers::{
        Dispatcher, Dispatchers, Inbox, Manager, ManagerId, Note,
        block_messages::{BlockAnswer, Influenced},
        streams::Letter,
        watched::Asked,
    },
    policy::Entrant,
    tasks::{Next, TaskId},
};

/// A response that is being handed out.
#[derive(Clone, Debug)]
pub(super) struct Response {
    manager: ManagerId,
    from: NodeId,
    cf: ChangefeedId,
    answers: Vec<BlockAnswer>,
    mode: Mode,
    epoch: Epoch,
}

impl Response {
    /// Responses are not batched.
    pub(super) fn new(manager: ManagerId, letters: Vec<Letter>) -> Response {
        let letter = letters.into_iter().find_map(|(from, inbox)| match inbox {
            Inbox::HeartBeatResponse { cf, statuses, mode, epoch } => Some((from, cf, statuses, mode, epoch)),
            _ => None,
        });
        let (from, cf, answers, mode, epoch) = letter.expect("this stream carries nothing else");
        Response { manager, from, cf, answers, mode, epoch }
    }

    pub(super) fn asked(&self) -> Asked {
        Asked { manager: self.manager, from: self.from, epoch: self.epoch }
    }

    /// All of it is handed out under the fence mutex, where there is one.
    pub(super) fn resume(&mut self, me: TaskId, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        let fence = cx.policy().dispatchers.heartbeat_response_fence;
        if !all.enter(self.manager, Entrant::Command, me, cx) {
            return Next::Wait;
        }
        let Some(owner) = all.managers.get(&self.manager).map(|manager| manager.owner) else {
            return Next::Done;
        };
        if fence.admits(&owner, self.from, self.epoch) {
            for answer in std::mem::take(&mut self.answers) {
                self.hand_out(&answer, all, cx);
            }
        } else {
            let (cf, from, epoch) = (self.cf, self.from, self.epoch);
            cx.note(Note::StaleRefused { cf, from, epoch, owner: owner.node, current: owner.epoch });
        }
        all.leave(self.manager, me, cx);
        Next::Done
    }

    fn hand_out(&self, answer: &BlockAnswer, all: &mut Dispatchers, cx: &mut Cx) {
        let Some(manager) = all.managers.get(&self.manager) else { return };
        for id in manager.influenced(&answer.influenced, self.mode) {
            if !all.push_answer(self.manager, id, answer.answer.clone(), cx) {
                let (cf, from) = (self.cf, self.from);
                cx.note(Note::Ignored { cf, from, why: "the dispatcher has had no event, or is gone" });
            }
        }
    }
}

impl Manager {
    /// Whom an answer concerns; nobody looks at whom it leaves out.
    fn influenced(&self, influenced: &Influenced, mode: Mode) -> Vec<DispatcherId> {
        match influenced {
            Influenced::Normal(ids) => ids.clone(),
            Influenced::Db(schema) => {
                let schemas = if mode == Mode::Redo { &self.redo.schemas } else { &self.schemas };
                let here = schemas.get(schema).into_iter().flatten().copied();
                here.chain(self.trigger_of(mode)).collect()
            }
            Influenced::All => self.dispatchers_of(mode).map(Dispatcher::id).collect(),
        }
    }
}
