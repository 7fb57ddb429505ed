//! Reports about block events that a maintainer has not handled yet keep equal ones out of its queue.

use crate::{
    DispatcherId, Mode, NodeId,
    dispatchers::{BlockStatus, EventKey, Stage},
    maintainer::{Inbox, Maintainer, instance::Event},
};

/// What makes two reports equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    from: NodeId,
    mode: Mode,
    id: DispatcherId,
    event: EventKey,
    stage: Stage,
}

impl Key {
    fn of(from: NodeId, status: &BlockStatus) -> Key {
        let (event, stage) = (status.state.event, status.state.stage);
        Key { from, mode: status.mode, id: status.id, event, stage }
    }

    pub(super) fn of_all(from: NodeId, statuses: &[BlockStatus]) -> Vec<Key> {
        statuses.iter().map(|status| Key::of(from, status)).collect()
    }
}

impl Maintainer {
    /// What is left of a message without the reports that are in the queue or being handled; nothing if it has no others.
    pub(super) fn without_duplicates(&mut self, from: NodeId, mut inbox: Inbox) -> Option<Inbox> {
        if let Inbox::BlockStatusRequest { statuses, .. } = &mut inbox
            && !statuses.is_empty()
        {
            statuses.retain(|status| self.at_work.insert(Key::of(from, status)));
            if statuses.is_empty() {
                return None;
            }
        }
        Some(inbox)
    }

    /// An event is dropped: equal reports may come in again.
    pub(super) fn release(&mut self, event: &Event) {
        if let Event::Message { from, inbox: Inbox::BlockStatusRequest { statuses, .. } } = event {
            self.release_all(&Key::of_all(*from, statuses));
        }
    }

    /// Reports have been handled to the end: equal ones may come in again.
    pub(super) fn release_all(&mut self, keys: &[Key]) {
        for key in keys {
            self.at_work.remove(key);
        }
    }
}
