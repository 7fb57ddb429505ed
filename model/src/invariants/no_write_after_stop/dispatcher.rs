//! Dispatchers that have been reported gone, and write.

use std::collections::BTreeMap;

use sim::{Input, StepId, What};

use crate::{
    Addr, ChangefeedId, DispatcherId, Msg, NodeId, Place, Record, dispatchers::Note as Said,
    invariants::no_write_after_stop::Wrong, maintainer::Inbox,
};

/// One dispatcher of a node.
type Instance = (NodeId, ChangefeedId, DispatcherId);

/// What maintainers have heard of the end of dispatchers.
#[derive(Default)]
pub(super) struct Reported {
    /// When each began last. One that is created again under its id is another.
    begun: BTreeMap<Instance, StepId>,
    /// When its end was sent last to its maintainer, and when that arrived.
    gone: BTreeMap<Instance, (StepId, StepId)>,
}

impl Reported {
    pub(super) fn observe(&mut self, record: &Record, report: &mut impl FnMut(Wrong)) {
        match &record.what {
            What::Step { actor: Addr::Node(node, Place::Dispatchers), .. } => {
                for note in &record.notes {
                    if let crate::Note::Dispatchers(note) = note {
                        self.said(*node, note, record.id, report);
                    }
                }
            }
            What::Step {
                actor: Addr::Node(_, Place::Maintainers),
                input:
                    Input::Message { from, msg: Msg::Maintainers(Inbox::HeartBeatRequest { cf, heartbeat }) },
            } => {
                let Some(node) = from.node() else { return };
                let sent = record.cause.unwrap_or(record.id);
                for status in heartbeat.statuses.iter().filter(|one| one.state.is_terminal() && !one.redo.0) {
                    self.gone.insert((node, *cf, status.id), (sent, record.id));
                }
            }
            _ => {}
        }
    }

    fn said(&mut self, node: NodeId, note: &Said, step: StepId, report: &mut impl FnMut(Wrong)) {
        match note {
            Said::DispatcherCreated { cf, id, .. } | Said::MergeBegun { cf, id, .. } => {
                self.begun.insert((node, *cf, *id), step);
            }
            Said::WriteStarted { cf, id, span, .. } => {
                let one = (node, *cf, *id);
                let Some((sent, heard)) = self.gone.get(&one).copied() else { return };
                // What was told of an earlier one of its id may come late.
                if self.begun.get(&one).is_none_or(|begun| *begun <= sent) {
                    let what = format!(
                        "{id} writes {span} of {cf} on {node}, and its maintainer knows that it is gone"
                    );
                    report(("dispatcher", what, vec![sent, heard, step]));
                }
            }
            _ => {}
        }
    }
}
