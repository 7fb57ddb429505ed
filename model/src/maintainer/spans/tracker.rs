//! The checkpoints of the spans that nobody replicates yet: the lowest of them holds the changefeed's back.

use std::collections::{BTreeMap, BTreeSet};

use crate::{DispatcherId, Ts};

#[derive(Clone, Debug, Default)]
pub(super) struct Tracker {
    of: BTreeMap<DispatcherId, Ts>,
    ordered: BTreeSet<(Ts, DispatcherId)>,
}

impl Tracker {
    pub(super) fn track(&mut self, id: DispatcherId, checkpoint: Ts) {
        self.untrack(id);
        self.of.insert(id, checkpoint);
        self.ordered.insert((checkpoint, id));
    }

    /// The checkpoint of a span has moved; whether it counts does not change.
    pub(super) fn update(&mut self, id: DispatcherId, checkpoint: Ts) {
        if self.of.contains_key(&id) {
            self.track(id, checkpoint);
        }
    }

    pub(super) fn untrack(&mut self, id: DispatcherId) {
        if let Some(checkpoint) = self.of.remove(&id) {
            self.ordered.remove(&(checkpoint, id));
        }
    }

    pub(super) fn lowest(&self) -> Option<Ts> {
        self.ordered.first().map(|(checkpoint, _)| *checkpoint)
    }
}
