//! What only the node of the table trigger does besides: the downstream is told checkpoints.

use crate::{
    Addr, Cx, DispatcherId, Ts,
    dispatchers::{Dispatchers, Inbox, Manager, ManagerId, Note, streams::Letter},
    sink::{self, QueryId},
    tasks::Next,
};

/// A checkpoint that the downstream is to be told, if there is a table trigger here. Nobody asks who sent it.
#[derive(Clone, Debug)]
pub(super) struct CheckpointTs {
    manager: ManagerId,
    checkpoint: Ts,
}

impl CheckpointTs {
    /// Checkpoints are not batched.
    pub(super) fn new(manager: ManagerId, letters: Vec<Letter>) -> CheckpointTs {
        let checkpoint = letters.into_iter().find_map(|(_, inbox)| match inbox {
            Inbox::CheckpointTsMessage { checkpoint, .. } => Some(checkpoint),
            _ => None,
        });
        CheckpointTs { manager, checkpoint: checkpoint.expect("this stream carries nothing else") }
    }

    pub(super) fn resume(&mut self, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        let Some(manager) = all.managers.get(&self.manager) else { return Next::Done };
        let (cf, checkpoint) = (manager.cf, self.checkpoint);
        let gated = cx.policy().dispatchers.checkpoint_gate.asks_for_write_path();
        if manager.trigger.is_none() || manager.is_cancelled() || gated && manager.write_path_closed {
            cx.note(Note::CheckpointIgnored { cf, checkpoint });
            return Next::Done;
        }
        all.queries_made += 1;
        let query = QueryId(all.queries_made);
        cx.out.send(Addr::Sink, sink::Inbox::AddCheckpointTs { query, cf, checkpoint }.into());
        Next::Done
    }
}

impl Manager {
    /// The table trigger, if it is active: events come for it, and it may write.
    pub fn active_trigger(&self) -> Option<DispatcherId> {
        let one = self.dispatchers.get(&self.trigger?)?;
        let active = one.registered && !one.removing && !self.write_path_closed && !self.is_cancelled();
        active.then_some(one.id)
    }
}
