//! The operator journal: requests that were begun and not finished, for the next maintainer to take up.

use std::collections::BTreeMap;

use crate::{
    DispatcherId, NodeId,
    dispatchers::{Action, ScheduleRequest},
};

/// One entry: who asked for what.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) from: NodeId,
    pub(super) request: ScheduleRequest,
}

/// At most one entry per dispatcher.
#[derive(Clone, Debug, Default)]
pub(super) struct Journal {
    entries: BTreeMap<DispatcherId, Entry>,
}

impl Journal {
    pub(super) fn get(&self, id: DispatcherId) -> Option<&Entry> {
        self.entries.get(&id)
    }

    /// Writes an entry in the place of any other for the dispatcher.
    pub(super) fn write(&mut self, from: NodeId, request: ScheduleRequest) {
        self.entries.insert(request.id, Entry { from, request });
    }

    pub(super) fn erase(&mut self, id: DispatcherId) {
        self.entries.remove(&id);
    }

    /// Erases the entry if it is a Create.
    pub(super) fn erase_create(&mut self, id: DispatcherId) {
        if self.get(id).is_some_and(|entry| entry.request.action == Action::Create) {
            self.erase(id);
        }
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }
}
