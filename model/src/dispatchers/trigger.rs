//! What only the node of the table trigger does besides: the downstream is told checkpoints.

use std::collections::VecDeque;

use crate::{
    Cx, DispatcherId, Ts,
    dispatchers::{Asker, Dispatchers, Inbox, Manager, ManagerId, Note, streams::Letter},
    sink,
    tasks::{Next, TaskId},
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
        all.tell_checkpoint(self.manager, checkpoint, cx);
        Next::Done
    }
}

/// The goroutine of a producer that tells the log of checkpoints, one after the other. What it is sending knows no context:
/// it ends only when the log has answered.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Telling {
    busy: bool,
    queue: VecDeque<Ts>,
    awaited_by: Vec<TaskId>,
}

impl Telling {
    /// Whether it has ended, now that the context is cancelled; if not, the task is woken then.
    pub(super) fn has_ended(&mut self, task: TaskId) -> bool {
        if self.busy {
            self.awaited_by.push(task);
        }
        !self.busy
    }
}

impl Dispatchers {
    fn tell_checkpoint(&mut self, id: ManagerId, checkpoint: Ts, cx: &mut Cx) {
        let Some(manager) = self.managers.get_mut(&id) else { return };
        let cf = manager.cf;
        if std::mem::replace(&mut manager.telling.busy, true) {
            return manager.telling.queue.push_back(checkpoint);
        }
        let asker = Asker::Checkpoint { manager: id };
        self.ask(asker, cx, |query| sink::Inbox::AddCheckpointTs { query, cf, checkpoint });
    }

    /// The log has been told of a checkpoint.
    pub(super) fn checkpoint_told(&mut self, id: ManagerId, cx: &mut Cx) {
        let Some(manager) = self.managers.get_mut(&id) else { return };
        manager.telling.busy = false;
        if manager.is_cancelled() {
            return Dispatchers::wake_all(std::mem::take(&mut manager.telling.awaited_by), cx);
        }
        if let Some(checkpoint) = manager.telling.queue.pop_front() {
            self.tell_checkpoint(id, checkpoint, cx);
        }
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
