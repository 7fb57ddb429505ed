//! No process ends because it takes for granted what is not there.
//!
//! For the nil dereferences that reviews of pingcap/ticdc#5181 and pingcap/ticdc#5106 have found, and for what the real
//! process treats as impossible. Reported separately for coordinators, maintainers and dispatcher managers, each
//! once per run.

use std::collections::BTreeSet;

use sim::What;

use crate::{
    Note, Record, Sim, coordinator, dispatchers,
    invariants::{Invariant, Named, Sight, Sort, Violation},
    maintainer,
};

const NAME: &str = "no_panic";

pub(super) const NAMED: Named = Named {
    name: NAME,
    promise: "no process ends because it takes for granted what is not there",
    bugs: &["#4509", "#3221", "#3667", "#5106", "#5181"],
    aspects: &[
        ("coordinator", "a coordinator took for granted what was not there, and its process ended"),
        ("maintainers", "a maintainer did"),
        ("dispatchers", "the dispatchers of a node did"),
    ],
    sight: Sight::of(&[]).news(&[Sort::Coordinator, Sort::Maintainers, Sort::Dispatchers, Sort::Rows]),
    make: || Box::new(NoPanic::default()),
};

#[derive(Default)]
pub(super) struct NoPanic {
    reported: BTreeSet<&'static str>,
}

impl Invariant for NoPanic {
    fn observe(&mut self, _: &Sim, record: &Record, found: &mut Vec<Violation>) {
        let What::Step { actor, .. } = &record.what else { return };
        for note in &record.notes {
            let (aspect, why) = match note {
                Note::Coordinator(coordinator::Note::Panicked { why }) => ("coordinator", why),
                Note::Maintainers(maintainer::Note::MaintainerPanicked { why, .. }) => ("maintainers", why),
                Note::Dispatchers(dispatchers::Note::ProcessPanicked { why, .. }) => ("dispatchers", why),
                _ => continue,
            };
            if self.reported.insert(aspect) {
                let what = format!("{actor} panics: {why}");
                found.push(Violation { invariant: NAME, aspect, what, because: vec![record.id] });
            }
        }
    }
}
