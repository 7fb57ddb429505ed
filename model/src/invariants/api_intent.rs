//! What a user has been promised holds for good, also under another coordinator: what is paused stays paused, what is resumed runs,
//! and what is removed is gone and is never maintained again.
//!
//! Only calls that nobody has got in the way of promise something: no other call about the changefeed was under way at the same time, and
//! none has come since. Four things are reported separately, each once per run: that a changefeed is not *paused*, *resumed* or
//! *removed* when the cluster has settled, or that it is *revived* at any time.

use std::collections::{BTreeMap, BTreeSet};

use sim::{Input, StepId, What};

use crate::{
    Actor, Addr, ChangefeedId, Command, Note, Record, Sim, coordinator,
    etcd::{Etcd, FeedState, Key, Value},
    invariants::{Invariant, Named, Sight, Sort, Violation},
    maintainer, node,
};

const NAME: &str = "api_intent";

pub(super) const NAMED: Named = Named {
    name: NAME,
    promise: "what a user has been promised about a changefeed holds for good, also under another coordinator",
    bugs: &["#3557", "#3542", "#4825", "#1644"],
    aspects: &[
        (
            "paused",
            "a changefeed whose pause was the last thing that users called for is in a state in which it runs, when the cluster has settled",
        ),
        ("resumed", "one that was resumed is stopped, or gone"),
        ("removed", "one that was removed is still there"),
        ("revived", "a maintainer was added of a changefeed that had been removed"),
    ],
    sight: Sight::of(&[]).news(&[Sort::Coordinator, Sort::Maintainers]),
    make: || Box::new(ApiIntent::default()),
};

#[derive(Default)]
pub(super) struct ApiIntent {
    /// The calls about a changefeed that have not been answered at a coordinator.
    open: BTreeMap<ChangefeedId, u32>,
    /// Whether calls about it have been under way together since it was last at rest.
    mixed: BTreeSet<ChangefeedId>,
    /// What was promised last, and since when.
    promised: BTreeMap<ChangefeedId, (&'static str, StepId)>,
    reported: BTreeSet<&'static str>,
}

impl Invariant for ApiIntent {
    fn observe(&mut self, _: &Sim, record: &Record, found: &mut Vec<Violation>) {
        let What::Step { input, .. } = &record.what else { return };
        let called = match input {
            Input::Command(Command::Coordinator(request))
            | Input::Command(Command::Server(node::Command::ApiCall { request })) => request.changefeed(),
            _ => None,
        };
        if let Some(cf) = called {
            self.begins(cf);
        }
        for note in &record.notes {
            match note {
                Note::Coordinator(coordinator::Note::CallAnswered { cf, call, answer }) => {
                    self.ends(*cf, call, answer, record.id);
                }
                Note::Maintainers(maintainer::Note::MaintainerAdded { cf, node, .. }) => {
                    if let Some(("remove", since)) = self.promised.get(cf).copied()
                        && self.reported.insert("revived")
                    {
                        let what = format!("{cf} has been removed, and {node} maintains it");
                        let because = vec![since, record.id];
                        found.push(Violation { invariant: NAME, aspect: "revived", what, because });
                    }
                }
                _ => {}
            }
        }
    }

    fn settled(&mut self, sim: &Sim, found: &mut Vec<Violation>) {
        let Actor::Etcd(etcd) = sim.machine(Addr::Etcd) else { return };
        for (cf, (call, since)) in &self.promised {
            let state = state(etcd, *cf);
            let (aspect, holds) = match *call {
                "pause" => ("paused", state.is_none_or(|state| !state.should_run())),
                "resume" => ("resumed", state.is_some_and(|state| state != FeedState::Stopped)),
                "remove" => ("removed", state.is_none()),
                _ => continue,
            };
            if !holds && self.reported.insert(aspect) {
                let state = state.map_or("gone".to_owned(), |state| state.to_string());
                let what = format!("{cf} was {aspect} by a user, and is {state}");
                found.push(Violation { invariant: NAME, aspect, what, because: vec![*since] });
            }
        }
    }
}

impl ApiIntent {
    fn begins(&mut self, cf: ChangefeedId) {
        self.promised.remove(&cf);
        let open = self.open.entry(cf).or_default();
        *open += 1;
        if *open > 1 {
            self.mixed.insert(cf);
        }
    }

    fn ends(&mut self, cf: ChangefeedId, call: &'static str, answer: &'static str, step: StepId) {
        // An answer may be lost with its coordinator: such a call stays open, and later ones promise nothing.
        let open = self.open.entry(cf).or_default();
        *open = open.saturating_sub(1);
        if *open > 0 {
            return;
        }
        if !self.mixed.remove(&cf) && answer == "done" {
            self.promised.insert(cf, (call, step));
        }
    }
}

/// The persisted state of a changefeed; none if there is none.
fn state(etcd: &Etcd, cf: ChangefeedId) -> Option<FeedState> {
    match &etcd.get(Key::Info(cf))?.value {
        Value::Info(info) => Some(info.state),
        _ => None,
    }
}
