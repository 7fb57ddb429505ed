//! The heartbeat task: it looks at all dispatchers, takes out those that are drained, and then reports.
//!
//! It holds no lock: between its steps a maintainer may take over, and find a journal entry whose dispatcher is gone. Whom
//! the report is for is looked up last.

use crate::{
    Cx, DispatcherId, Mode, SchemaId, Ts,
    dispatchers::{Dispatchers, Heartbeat, ManagerId, Note, reports::Aggregated},
    tasks::Next,
};

/// One execution of the heartbeat task.
#[derive(Clone, Debug)]
pub(super) struct Beat {
    manager: ManagerId,
    stage: Stage,
}

#[derive(Clone, Debug)]
enum Stage {
    /// Looks how many dispatchers have been inserted.
    Number { complete: bool },
    /// The same for the redo dispatchers, and looks at them. That comes first.
    Redo { complete: bool },
    /// Looks at the dispatchers.
    Aggregate { seq: u64, complete: bool, redo: Option<Aggregated> },
    /// Takes out one after the other.
    Clean {
        report: Heartbeat,
        /// Id and checkpoint of those that are still to be taken out, the last one first.
        left: Vec<(DispatcherId, Ts)>,
        /// The one that has left the map, and neither the index of databases nor the journal.
        half: Option<(DispatcherId, SchemaId, Mode)>,
    },
    /// Reports.
    Report(Heartbeat),
}

impl Beat {
    /// `complete`: every dispatcher is listed.
    pub(super) fn new(manager: ManagerId, complete: bool) -> Beat {
        Beat { manager, stage: Stage::Number { complete } }
    }

    pub(super) fn resume(&mut self, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        let Some(manager) = all.managers.get_mut(&self.manager) else { return Next::Done };
        match &mut self.stage {
            Stage::Number { complete } if manager.redo.ready => {
                self.stage = Stage::Redo { complete: *complete };
            }
            Stage::Number { complete } => {
                self.stage =
                    Stage::Aggregate { seq: manager.seq, complete: *complete, redo: manager.no_redo_yet() };
            }
            Stage::Redo { complete } => {
                let (complete, seq) = (*complete, manager.redo.seq);
                let redo = manager.aggregate(Mode::Redo, seq, complete, cx.policy());
                self.stage = Stage::Aggregate { seq: manager.seq, complete, redo: Some(redo) };
            }
            Stage::Aggregate { seq, complete, redo } => {
                let (seq, complete, redo) = (*seq, *complete, redo.take());
                let (report, mut left) =
                    manager.aggregate(Mode::Default, seq, complete, cx.policy()).behind(redo, complete);
                left.reverse();
                // While the manager closes nothing is taken out, and every report tells of it again.
                self.stage = match manager.closing || left.is_empty() {
                    true => Stage::Report(report),
                    false => Stage::Clean { report, left, half: None },
                };
            }
            Stage::Clean { report, left, half } => {
                if let Some((id, schema, mode)) = half.take() {
                    manager.forget(id, schema, mode);
                }
                match left.pop() {
                    Some((id, checkpoint)) => {
                        *half = manager.dispatchers.remove(&id).map(|one| (id, one.schema, one.mode));
                        cx.note(Note::DispatcherCleaned { cf: manager.cf, id, checkpoint });
                        all.touch();
                    }
                    None => self.stage = Stage::Report(report.clone()),
                }
            }
            Stage::Report(report) => {
                let report = report.clone();
                all.finish_heartbeat(self.manager, report, cx);
                return Next::Done;
            }
        }
        Next::Yield
    }
}
