//! What only the node of the table trigger does besides: the downstream is told checkpoints.

use std::collections::VecDeque;

use sim::Instant;

use crate::{
    Cx, DispatcherId, Ts,
    dispatchers::{Asker, Dispatchers, Inbox, Manager, ManagerId, Note, sink_client, streams::Letter},
    sink::{self, QueryId},
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
/// it ends only when the log has answered, or has not for too long.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Telling {
    /// What is being sent, and since when.
    sending: Option<(QueryId, Instant)>,
    queue: VecDeque<Ts>,
    awaited_by: Vec<TaskId>,
}

impl Dispatchers {
    fn tell_checkpoint(&mut self, id: ManagerId, checkpoint: Ts, cx: &mut Cx) {
        let Some(manager) = self.managers.get_mut(&id) else { return };
        let cf = manager.cf;
        if let Some((query, since)) = manager.telling.sending {
            manager.telling.queue.push_back(checkpoint);
            if cx.now.steady.since(since) >= sink_client::timeout(cx.process.config.downstream.class) {
                self.disconnect(query, cx);
                self.checkpoint_told(id, cx);
            }
            return;
        }
        let asker = Asker::Checkpoint { manager: id };
        let query = self.ask(asker, cx, |query| sink::Inbox::AddCheckpointTs { query, cf, checkpoint });
        if let Some(manager) = self.managers.get_mut(&id) {
            manager.telling.sending = Some((query, cx.now.steady));
        }
    }

    /// Whether the log is not being told of anything, now that the context is cancelled; if it is, the task is woken then.
    pub(super) fn has_told(&mut self, id: ManagerId, task: TaskId, cx: &mut Cx) -> bool {
        let telling = self.managers.get_mut(&id).map(|manager| &mut manager.telling);
        let Some((telling, (query, _))) = telling.and_then(|one| one.sending.map(|sending| (one, sending)))
        else {
            return true;
        };
        telling.awaited_by.push(task);
        self.wait_patiently(query, cx);
        false
    }

    /// The log has been told of a checkpoint, or it is given up.
    pub(super) fn checkpoint_told(&mut self, id: ManagerId, cx: &mut Cx) {
        let Some(manager) = self.managers.get_mut(&id) else { return };
        manager.telling.sending = None;
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
