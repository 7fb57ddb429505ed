//! The merge journal: merges that were begun and not finished, for the next maintainer to take up (pingcap/ticdc#3769).

use std::collections::BTreeMap;

use crate::{
    Cx, DispatcherId, Mode, NodeId,
    dispatchers::{Dispatchers, Manager, ManagerId, MergeRequest},
};

/// When a request may be written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// It has arrived, and nobody has looked at it.
    Received,
    /// It is the owner's.
    Admitted,
}

/// At most one request per target.
#[derive(Clone, Debug, Default, Hash)]
pub(in crate::dispatchers) struct Journal {
    entries: BTreeMap<DispatcherId, (NodeId, MergeRequest)>,
}

impl Journal {
    /// The requests, by target.
    pub(in crate::dispatchers) fn requests(&self) -> impl Iterator<Item = &MergeRequest> {
        self.entries.values().map(|(_, request)| request)
    }

    pub(super) fn erase(&mut self, merged: DispatcherId) {
        self.entries.remove(&merged);
    }
}

impl Manager {
    /// Writes a request down, if this is the moment to do so, in the place of an earlier one for the same target.
    pub(in crate::dispatchers) fn journal_merge(
        &mut self,
        moment: Moment,
        from: NodeId,
        request: &MergeRequest,
        cx: &Cx,
    ) {
        let policy = &cx.policy().dispatchers;
        if !policy.merge_journal.is_kept() {
            return;
        }
        let named = request.merged != DispatcherId::NONE || policy.merge_journal_key.takes_none();
        let (entries, merged) = (&mut self.merges.entries, request.merged);
        if named && policy.merge_journal_moment.is(moment) {
            entries.insert(merged, (from, request.clone()));
        } else if let Some(entry) = entries.get_mut(&merged)
            // Within a process a message is a pointer, and its sender may use what is behind it again.
            && from == cx.process.id
            && entry.0 == from
            && policy.merge_journal_entry.is_shared()
        {
            entry.1 = request.clone();
        }
    }

    /// Erases what is finished.
    pub(in crate::dispatchers) fn clean_merge_journal(&mut self, cx: &Cx) {
        if self.merges.entries.is_empty() {
            return;
        }
        let mut merges = std::mem::take(&mut self.merges);
        merges.entries.retain(|_, (_, request)| !self.is_finished(request, cx));
        self.merges = merges;
    }

    fn is_finished(&self, request: &MergeRequest, cx: &Cx) -> bool {
        if request.sources.len() < 2 {
            return true;
        }
        if request.mode == Mode::Redo && !self.redo.ready {
            return false;
        }
        let sources_left = request.sources.iter().any(|source| self.has(*source, request.mode));
        let target = self.dispatchers.get(&request.merged).filter(|one| one.mode == request.mode);
        let target = target.map(|target| target.state);
        cx.policy().dispatchers.merge_journal_end.is_reached(sources_left, target)
    }
}

impl Dispatchers {
    /// A request began nothing: what was written down of it is erased, unless the target is there and not finished.
    pub(super) fn forget_idle_merge(&mut self, id: ManagerId, request: &MergeRequest, cx: &Cx) {
        let Some(manager) = self.managers.get_mut(&id) else { return };
        let target_exists = manager.dispatchers.contains_key(&request.merged);
        if !target_exists || manager.is_finished(request, cx) {
            manager.merges.erase(request.merged);
        }
    }
}
