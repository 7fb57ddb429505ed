//! The operator journal: requests that were begun and not finished, for the next maintainer to take up.

use std::collections::BTreeMap;

use crate::{
    Cx, DispatcherId, Epoch, NodeId,
    dispatchers::{Action, ScheduleRequest},
};

/// One entry: who asked for what.
#[derive(Clone, Debug, Hash)]
pub(super) struct Entry {
    pub(super) from: NodeId,
    pub(super) request: ScheduleRequest,
}

/// What tells entries apart: there is at most one of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key {
    pub(super) id: DispatcherId,
    /// Zero where the generation is not part of it.
    epoch: Epoch,
}

#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Journal {
    entries: BTreeMap<Key, Entry>,
}

impl Key {
    pub(super) fn of(request: &ScheduleRequest, cx: &Cx) -> Key {
        Key { id: request.id, epoch: cx.policy().dispatchers.journal_key.generation(request.epoch) }
    }
}

impl Journal {
    pub(super) fn get(&self, key: Key) -> Option<&Entry> {
        self.entries.get(&key)
    }

    /// Writes an entry in the place of any other of its key.
    pub(super) fn write(&mut self, key: Key, from: NodeId, request: ScheduleRequest) {
        self.entries.insert(key, Entry { from, request });
    }

    pub(super) fn erase(&mut self, key: Key) {
        self.entries.remove(&key);
    }

    /// Erases the entry if it is a Create.
    pub(super) fn erase_create(&mut self, key: Key) {
        if self.get(key).is_some_and(|entry| entry.request.action == Action::Create) {
            self.erase(key);
        }
    }

    /// Erases whatever there is of a dispatcher.
    pub(super) fn erase_all(&mut self, id: DispatcherId) {
        self.entries.retain(|key, _| key.id != id);
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }
}
