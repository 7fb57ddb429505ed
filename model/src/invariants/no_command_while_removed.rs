//! A maintainer that is being removed commands nobody, but to close and to stop its table trigger.
//!
//! For pingcap/ticdc#4828: what it starts now its successor does not know of. Reported separately, each once per run, by
//! what it sends: *schedule* (dispatchers are created, removed or merged), *block events* (answers and actions) and
//! *bootstrap* (requests for that and what follows it).

use std::collections::{BTreeMap, BTreeSet};

use sim::{Input, StepId, What};

use crate::{
    Addr, ChangefeedId, Msg, NodeId, Note, Place, Record, Sim, Span,
    dispatchers::Inbox,
    invariants::{Invariant, Named, Sight, Sort, Violation},
    maintainer,
};

const NAME: &str = "no_command_while_removed";

pub(super) const NAMED: Named = Named {
    name: NAME,
    promise: "a maintainer that is being removed commands nobody, but to close and to stop its table trigger",
    bugs: &["#4827", "#4828", "#4115"],
    aspects: &[
        (
            "schedule",
            "a maintainer has had dispatchers created, removed or merged after its removal had begun",
        ),
        ("block events", "it has answered reports about block events, or sent actions"),
        ("bootstrap", "it has asked for a bootstrap or what follows it"),
    ],
    sight: Sight::of(&[Sort::Maintainers, Sort::Dispatchers]),
    make: || Box::new(NoCommandWhileRemoved::default()),
};

/// A removal: when it began, and the steps of its node since then.
struct Removal {
    begun: StepId,
    steps: BTreeSet<StepId>,
    /// Whether another maintainer of the changefeed has begun on the node: later steps may be that one's.
    over: bool,
}

#[derive(Default)]
pub(super) struct NoCommandWhileRemoved {
    removals: BTreeMap<(NodeId, ChangefeedId), Removal>,
    reported: BTreeSet<&'static str>,
}

impl Invariant for NoCommandWhileRemoved {
    fn observe(&mut self, _: &Sim, record: &Record, found: &mut Vec<Violation>) {
        match &record.what {
            What::Step { actor: Addr::Node(node, Place::Maintainers), .. } => self.follow(*node, record),
            What::Step {
                actor: Addr::Node(..),
                input:
                    Input::Message { from: Addr::Node(node, Place::Maintainers), msg: Msg::Dispatchers(inbox) },
            } => self.judge(*node, inbox, record, found),
            _ => {}
        }
    }
}

impl NoCommandWhileRemoved {
    /// The maintainers of a node have taken a step.
    fn follow(&mut self, node: NodeId, record: &Record) {
        for ((at, _), removal) in &mut self.removals {
            if *at == node && !removal.over {
                removal.steps.insert(record.id);
            }
        }
        for note in &record.notes {
            match note {
                Note::Maintainers(maintainer::Note::MaintainerRemoving { cf, .. }) => {
                    let removal = Removal { begun: record.id, steps: BTreeSet::new(), over: false };
                    self.removals.insert((node, *cf), removal);
                }
                Note::Maintainers(maintainer::Note::MaintainerAdded { cf, .. }) => {
                    if let Some(removal) = self.removals.get_mut(&(node, *cf)) {
                        removal.over = true;
                    }
                }
                _ => {}
            }
        }
    }

    /// A message of a maintainer has arrived, perhaps after its sender has ended.
    fn judge(&mut self, sender: NodeId, inbox: &Inbox, record: &Record, found: &mut Vec<Violation>) {
        if self.removals.is_empty() {
            return;
        }
        let (cf, aspect) = match inbox {
            Inbox::ScheduleDispatcherRequest { request } if request.span != Some(Span::TRIGGER) => {
                (request.cf, "schedule")
            }
            Inbox::MergeDispatcherRequest { request } => (request.cf, "schedule"),
            Inbox::HeartBeatResponse { cf, .. } => (*cf, "block events"),
            Inbox::MaintainerBootstrapRequest { cf, .. }
            | Inbox::MaintainerPostBootstrapRequest { cf, .. } => (*cf, "bootstrap"),
            _ => return,
        };
        let Some(removal) = self.removals.get(&(sender, cf)) else { return };
        if record.cause.is_some_and(|cause| removal.steps.contains(&cause)) && self.reported.insert(aspect) {
            let what =
                format!("the maintainer of {cf} on {sender}, which is being removed, has sent {inbox}");
            let because =
                [Some(removal.begun), record.cause, Some(record.id)].into_iter().flatten().collect();
            found.push(Violation { invariant: NAME, aspect, what, because });
        }
    }
}
