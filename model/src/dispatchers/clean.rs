//! The end of dispatchers that are drained: the heartbeat task takes them out, and then reports.
//!
//! It holds no lock: between its steps a maintainer may take over, and find a journal entry whose dispatcher is gone.

use crate::{
    Cx, DispatcherId, SchemaId, Ts,
    dispatchers::{Dispatchers, Heartbeat, ManagerId, Note},
    tasks::Next,
};

/// Dispatchers that are being taken out, and the report that follows.
#[derive(Clone, Debug)]
pub(super) struct Clean {
    manager: ManagerId,
    report: Option<Heartbeat>,
    /// Id and checkpoint of those that are still to be taken out, the last one first.
    left: Vec<(DispatcherId, Ts)>,
    /// The one that has left the map, and neither the index of databases nor the journal.
    half: Option<(DispatcherId, SchemaId)>,
}

impl Clean {
    pub(super) fn new(manager: ManagerId, report: Heartbeat, mut drained: Vec<(DispatcherId, Ts)>) -> Clean {
        drained.reverse();
        Clean { manager, report: Some(report), left: drained, half: None }
    }

    pub(super) fn resume(&mut self, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        let Some(manager) = all.managers.get_mut(&self.manager) else { return Next::Done };
        if let Some((id, schema)) = self.half.take() {
            if let Some(here) = manager.schemas.get_mut(&schema) {
                here.remove(&id);
            }
            manager.journal.erase_all(id);
            manager.trigger = manager.trigger.filter(|trigger| *trigger != id);
        }
        if let Some((id, checkpoint)) = self.left.pop() {
            self.half = manager.dispatchers.remove(&id).map(|one| (id, one.schema));
            cx.note(Note::DispatcherCleaned { cf: manager.cf, id, checkpoint });
            all.touch();
            return Next::Yield;
        }
        if let Some(report) = self.report.take() {
            all.finish_heartbeat(self.manager, report, cx);
        }
        Next::Done
    }
}
