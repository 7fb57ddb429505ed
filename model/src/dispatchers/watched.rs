//! What a request of another owner or generation does to the manager that it comes to, for whoever watches. Nobody who takes
//! part in the protocol asks this.
//!
//! A manager has a digest of each of its parts. They are computed only around what such a request does: when it arrives, and
//! in each step in which it is handled. That costs nothing while maintainers do not change.

use std::hash::{Hash, Hasher};

use sim::Digest;

use crate::{
    ChangefeedId, Epoch, NodeId,
    dispatchers::{Dispatchers, Manager, ManagerId, Owner, Sender, Task},
};

/// What a request of another owner or generation has done in a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// Whose manager it came to.
    pub cf: ChangefeedId,
    /// Who sent it.
    pub from: NodeId,
    /// Under which generation.
    pub epoch: Epoch,
    /// Whether it has only arrived: nobody has looked yet whose it is.
    pub arrives: bool,
    /// The first part of the manager that is not as it was before, if one is not.
    pub changed: Option<&'static str>,
}

/// A request for a manager: who sent it, and under which generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) manager: ManagerId,
    pub(super) from: NodeId,
    pub(super) epoch: Epoch,
}

/// A manager before a request of another owner or generation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Before {
    asked: Asked,
    parts: [Part; PARTS],
}

/// What a part is called, and its digest.
type Part = (&'static str, u64);

const PARTS: usize = 9;

impl Dispatchers {
    /// What requests of other owners or generations have done in the last step.
    pub fn foreign(&self) -> &[Foreign] {
        &self.foreign
    }

    /// What a request finds, if it is not of the owner of its manager.
    pub(super) fn before(&self, asked: Option<Asked>) -> Option<Before> {
        let asked = asked?;
        let owner = self.managers.get(&asked.manager)?.owner;
        let own = owner == Owner { node: Some(asked.from), epoch: asked.epoch };
        if own {
            return None;
        }
        Some(Before { asked, parts: self.parts_of(asked.manager)? })
    }

    /// Remembers what has become of that.
    pub(super) fn after(&mut self, before: Option<Before>, arrives: bool) {
        let Some(Before { asked: Asked { manager, from, epoch }, parts }) = before else { return };
        let (Some(now), Some(cf)) = (self.parts_of(manager), self.managers.get(&manager).map(|one| one.cf))
        else {
            return;
        };
        let changed = parts.iter().zip(now).find(|(before, now)| *before != now).map(|((part, _), _)| *part);
        self.foreign.push(Foreign { cf, from, epoch, arrives, changed });
    }

    fn parts_of(&self, id: ManagerId) -> Option<[Part; PARTS]> {
        let manager = self.managers.get(&id)?;
        let mut parts = [("closed epoch", digest(&self.closed_epoch(manager.cf))); PARTS];
        parts[1..].copy_from_slice(&manager.parts());
        Some(parts)
    }

    /// The request that a task is about to look at.
    pub(super) fn asked_by(&self, task: &Task) -> Option<Asked> {
        let of = |sender: Sender| {
            let manager = *self.orchestrator.managers.get(&sender.cf)?;
            Some(Asked { manager, from: sender.from, epoch: sender.epoch })
        };
        match task {
            Task::Bootstrap(task) => of(task.sender()),
            Task::PostBootstrap(task) => of(task.sender()),
            Task::Close(task) => of(task.sender()),
            Task::Schedule(task) => task.asked(),
            Task::Merge(task) => task.asked(),
            Task::Response(task) => Some(task.asked()),
            Task::RedoForward(task) => task.asked(),
            Task::UpdateRedoMeta(task) => Some(task.asked()),
            Task::Ready(_)
            | Task::MergeCheck(_)
            | Task::Remove(_)
            | Task::Heartbeat(_)
            | Task::Block(_)
            | Task::CheckpointTs(_)
            | Task::RedoMeta(_)
            | Task::RedoProgress(_)
            | Task::Closing(_)
            | Task::Finish(_)
            | Task::Cleanup(_)
            | Task::Fence(_)
            | Task::Shutdown(_) => None,
        }
    }
}

impl Manager {
    /// A digest of each part. All fields are named here, and what they are made of hashes whatever it has.
    fn parts(&self) -> [Part; PARTS - 1] {
        let Manager {
            id,
            cf,
            owner,
            dispatchers,
            schemas,
            seq,
            trigger,
            journal,
            merges,
            redo,
            has_sink,
            has_shared_info,
            closing,
            closed,
            write_path_closed,
            cancelled,
            remove_requested,
            remove_cleaned,
            remove_cleanup_running,
            sink_running,
            sink,
            errors,
            executor,
            telling,
            statuses_of_blocks,
            heartbeat,
            watermark,
            changes,
            // Who holds something, and who waits for it, is no state of the protocol: that comes and goes with every request.
            fence: _,
            write_path_mu: _,
            awaiting_cancel: _,
        } = self;
        let ends = (closing, closed, write_path_closed, cancelled);
        let removal = (remove_requested, remove_cleaned, remove_cleanup_running);
        [
            ("owner", digest(&(id, cf, owner))),
            ("dispatchers", digest(&(dispatchers, schemas, seq, trigger))),
            ("journal", digest(journal)),
            ("merge journal", digest(merges)),
            ("redo part", digest(redo)),
            ("life", digest(&(has_sink, has_shared_info, sink_running, ends, removal))),
            ("sink client", digest(&(sink, errors, telling))),
            (
                "reports and block events",
                digest(&(executor, statuses_of_blocks, heartbeat, watermark, changes)),
            ),
        ]
    }
}

fn digest(what: &impl Hash) -> u64 {
    let mut digest = Digest::default();
    what.hash(&mut digest);
    digest.finish()
}
