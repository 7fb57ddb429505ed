//! A request of another owner or generation that is refused changes nothing.
//!
//! What a refusal leaves behind comes to light later, when nobody looks for it: a changefeed that counts as closed though its
//! manager is there (review of pingcap/ticdc#5435), a merge that the next maintainer is told of (review of
//! pingcap/ticdc#3769). So this looks at the node in the step that refuses. Reported separately, each once per run: *owner*
//! (whom the manager follows), *journal* (what it keeps of requests that have been begun), *closed epoch* (what the
//! orchestrator remembers of the end of the changefeed) and *takeover* (a bootstrap is answered with an error because of a table
//! trigger, and in the step before it the manager has begun to follow its sender; review of pingcap/ticdc#5436).

use std::collections::{BTreeMap, BTreeSet};

use sim::{Input, StepId, What};

use crate::{
    Actor, Addr, ChangefeedId, Epoch, Msg, NodeId, Note, Place, Record, Sim, Timer,
    dispatchers::{self, Dispatchers, Note as Said, Owner},
    invariants::{Invariant, Named, Sight, Sort, Violation},
    sink,
};

const NAME: &str = "inertness";

pub(super) const NAMED: Named = Named {
    name: NAME,
    promise: "a request of another owner or generation that is refused changes nothing",
    bugs: &["#5435", "#5436", "#3769", "#5179"],
    aspects: &[
        (
            "owner",
            "a node refused a request as stale, and in the same step a manager got another owner or generation",
        ),
        ("journal", "the same, and a journal kept more or less than before"),
        ("closed epoch", "the same, and the changefeed counted as closed"),
        (
            "takeover",
            "a node refused a bootstrap because of a table trigger, and its manager had begun to follow who sent it",
        ),
    ],
    sight: Sight::of(&[Sort::Dispatchers, Sort::Rows]),
    make: || Box::new(Inertness::default()),
};
const TAKEOVER: &str = "takeover";

#[derive(Default)]
pub(super) struct Inertness {
    /// What was last seen on each node.
    seen: BTreeMap<NodeId, BTreeMap<ChangefeedId, State>>,
    /// The step in which a manager has last got an owner, and which.
    taken: BTreeMap<(NodeId, ChangefeedId), (StepId, NodeId)>,
    reported: BTreeSet<&'static str>,
}

/// What a request may change for a changefeed on a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct State {
    owner: Option<Owner>,
    journalled: usize,
    closed: Option<Epoch>,
}

impl Invariant for Inertness {
    fn observe(&mut self, sim: &Sim, record: &Record, found: &mut Vec<Violation>) {
        let What::Step { actor: addr @ Addr::Node(node, Place::Dispatchers), input } = &record.what else {
            return;
        };
        if is_of_rows(input) {
            return;
        }
        let Actor::Dispatchers(all) = sim.machine(*addr) else { return };
        let seen = self.seen.entry(*node).or_default();
        for note in &record.notes {
            match note {
                Note::Dispatchers(Said::StaleRefused { cf, from, .. }) => {
                    let before = seen.get(cf).copied().unwrap_or_default();
                    let change = State::of(*cf, all).differs(before);
                    if let Some(aspect) = change.filter(|aspect| self.reported.insert(aspect)) {
                        let what =
                            format!("{node} refuses a request of {from} for {cf}, and changes its {aspect}");
                        found.push(Violation { invariant: NAME, aspect, what, because: vec![record.id] });
                    }
                }
                Note::Dispatchers(Said::OwnerChanged { cf, owner, .. }) => {
                    self.taken.insert((*node, *cf), (record.id, *owner));
                }
                Note::Dispatchers(Said::TakeoverRefused { cf, from, why }) => {
                    let taken = self.taken.get(&(*node, *cf)).copied();
                    // The step that goes on with a handler is caused by the one in which it stood aside.
                    if let Some((step, owner)) = taken
                        && Some(step) == record.cause
                        && owner == *from
                        && self.reported.insert(TAKEOVER)
                    {
                        let what = format!("{node} refuses {from} for {cf} (`{why}`), and follows it");
                        let because = vec![step, record.id];
                        found.push(Violation { invariant: NAME, aspect: TAKEOVER, what, because });
                    }
                }
                _ => {}
            }
        }
        for cf in all.known_changefeeds() {
            let state = State::of(cf, all);
            match seen.get_mut(&cf) {
                Some(known) => *known = state,
                None => _ = seen.insert(cf, state),
            }
        }
    }
}

/// Whether an input is only about rows, which no request changes.
fn is_of_rows(input: &Input<Actor>) -> bool {
    match input {
        Input::Message { msg: Msg::Dispatchers(dispatchers::Inbox::Resolved { .. }), .. }
        | Input::Message { msg: Msg::SinkReply(sink::Reply::Committed { .. }), .. }
        | Input::Alarm(Timer::Dispatchers(dispatchers::Timer::Events { .. })) => true,
        Input::Start | Input::Message { .. } | Input::Alarm(_) | Input::Command(_) => false,
    }
}

impl State {
    fn of(cf: ChangefeedId, all: &Dispatchers) -> State {
        let manager = all.registered(cf);
        State {
            owner: manager.map(|manager| *manager.owner()),
            journalled: manager.map_or(0, |manager| manager.journalled()),
            closed: all.closed_epoch(cf),
        }
    }

    fn differs(self, before: State) -> Option<&'static str> {
        [
            ("owner", self.owner != before.owner),
            ("journal", self.journalled != before.journalled),
            ("closed epoch", self.closed != before.closed),
        ]
        .into_iter()
        .find_map(|(aspect, differs)| differs.then_some(aspect))
    }
}
