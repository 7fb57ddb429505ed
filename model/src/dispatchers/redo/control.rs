//! What a maintainer tells about redo: how far the redo log is, for those who wait for it, and for the one who keeps it.

use std::collections::VecDeque;

use crate::{
    Cx, DispatcherId, Epoch, NodeId, Ts,
    dispatchers::{Dispatchers, Inbox, ManagerId, Note, streams::Letter, watched::Asked},
    policy::Entrant,
    tasks::{Next, TaskId},
};

/// Who tells something, and under which generation.
#[derive(Clone, Copy, Debug)]
struct Teller {
    manager: ManagerId,
    from: NodeId,
    epoch: Epoch,
}

/// The redo log is complete up to here: what dispatchers keep is handled.
#[derive(Clone, Debug)]
pub(in crate::dispatchers) struct Forward {
    teller: Teller,
    resolved: Ts,
    /// Those that are still to look at what they keep; nobody has been told yet.
    left: Option<VecDeque<DispatcherId>>,
}

/// How far the redo log and the downstream are, for the one who keeps that.
#[derive(Clone, Debug)]
pub(in crate::dispatchers) struct UpdateMeta {
    teller: Teller,
    checkpoint: Ts,
    resolved: Ts,
}

/// What an attempt to be heard comes to.
enum Heard {
    Wait,
    No,
    Yes,
}

impl Teller {
    fn asked(self) -> Asked {
        let Teller { manager, from, epoch } = self;
        Asked { manager, from, epoch }
    }

    /// Before pingcap/ticdc#5436 nobody asks who it is, and no mutex is taken.
    fn is_heard(self, me: TaskId, all: &mut Dispatchers, cx: &mut Cx) -> Heard {
        let fence = cx.policy().dispatchers.redo_fence;
        if fence.is_asked() && !all.enter(self.manager, Entrant::Redo, me, cx) {
            return Heard::Wait;
        }
        let Some(manager) = all.managers.get(&self.manager) else { return Heard::No };
        let (cf, owner) = (manager.cf, manager.owner);
        if fence.admits(&owner, self.from, self.epoch) {
            return Heard::Yes;
        }
        let Teller { from, epoch, .. } = self;
        cx.note(Note::StaleRefused { cf, from, epoch, owner: owner.node, current: owner.epoch });
        Heard::No
    }
}

impl Forward {
    /// Such messages are not batched.
    pub(in crate::dispatchers) fn new(manager: ManagerId, letters: Vec<Letter>) -> Forward {
        let letter = letters.into_iter().find_map(|(from, inbox)| match inbox {
            Inbox::RedoResolvedTsForwardMessage { resolved, epoch, .. } => Some((from, resolved, epoch)),
            _ => None,
        });
        let (from, resolved, epoch) = letter.expect("this stream carries nothing else");
        Forward { teller: Teller { manager, from, epoch }, resolved, left: None }
    }

    /// What is told, if nobody has been told yet.
    pub(in crate::dispatchers) fn asked(&self) -> Option<Asked> {
        self.left.is_none().then(|| self.teller.asked())
    }

    pub(in crate::dispatchers) fn resume(&mut self, me: TaskId, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        let id = self.teller.manager;
        let Some(left) = &mut self.left else {
            let heard = self.teller.is_heard(me, all, cx);
            if let Heard::Wait = heard {
                return Next::Wait;
            }
            let Some(manager) = all.managers.get_mut(&id) else { return Next::Done };
            let news = matches!(heard, Heard::Yes) && manager.raise_redo_global(self.resolved);
            // What dispatchers keep is handled without the mutex.
            self.left = news.then(|| manager.ordinary_ones().into());
            all.leave(id, me, cx);
            return if news { Next::Yield } else { Next::Done };
        };
        match left.pop_front() {
            Some(dispatcher) => {
                all.handle_kept(id, dispatcher, cx);
                Next::Yield
            }
            None => Next::Done,
        }
    }
}

impl UpdateMeta {
    /// Such messages are not batched.
    pub(in crate::dispatchers) fn new(manager: ManagerId, letters: Vec<Letter>) -> UpdateMeta {
        let letter = letters.into_iter().find_map(|(from, inbox)| match inbox {
            Inbox::RedoMetaMessage { checkpoint, resolved, epoch, .. } => {
                Some((from, checkpoint, resolved, epoch))
            }
            _ => None,
        });
        let (from, checkpoint, resolved, epoch) = letter.expect("this stream carries nothing else");
        UpdateMeta { teller: Teller { manager, from, epoch }, checkpoint, resolved }
    }

    pub(in crate::dispatchers) fn asked(&self) -> Asked {
        self.teller.asked()
    }

    pub(in crate::dispatchers) fn resume(&mut self, me: TaskId, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        let id = self.teller.manager;
        match self.teller.is_heard(me, all, cx) {
            Heard::Wait => return Next::Wait,
            Heard::No => {}
            Heard::Yes => {
                let Some(manager) = all.managers.get_mut(&id) else { return Next::Done };
                let gated = cx.policy().dispatchers.redo_meta_gate.asks_for_write_path();
                let (cf, checkpoint, resolved) = (manager.cf, self.checkpoint, self.resolved);
                if manager.redo.trigger.is_none() || gated && manager.write_path_closed {
                    cx.note(Note::RedoMetaIgnored { cf, checkpoint, resolved });
                } else {
                    manager.update_redo_meta(checkpoint, resolved);
                }
            }
        }
        all.leave(id, me, cx);
        Next::Done
    }
}
