//! When a user is told that a node has been drained, no maintainer and no dispatcher is left on it.
//!
//! Two things are reported separately, each once per run: *maintainer* and *dispatcher*.

use crate::{
    Actor, Addr, Note, Place, Record, Sim, coordinator,
    invariants::{Invariant, Named, Sight, Sort, Violation},
};

const NAME: &str = "drained_is_empty";

pub(super) const NAMED: Named = Named {
    name: NAME,
    promise: "when a user is told that a node has been drained, no maintainer and no dispatcher is left on it",
    bugs: &["#2529"],
    aspects: &[
        ("maintainer", "a user was told that a node was drained, and there was still a maintainer on it"),
        ("dispatcher", "the same, and there was still a dispatcher"),
    ],
    sight: Sight::of(&[]).news(&[Sort::Coordinator]),
    make: || Box::new(DrainedIsEmpty::default()),
};

#[derive(Default)]
pub(super) struct DrainedIsEmpty {
    reported: [bool; 2],
}

impl Invariant for DrainedIsEmpty {
    fn observe(&mut self, sim: &Sim, record: &Record, found: &mut Vec<Violation>) {
        for note in &record.notes {
            let Note::Coordinator(coordinator::Note::NodeDrained { node }) = note else { continue };
            let mut report = |aspect: usize, what| {
                if !std::mem::replace(&mut self.reported[aspect], true) {
                    let (aspect, because) = (["maintainer", "dispatcher"][aspect], vec![record.id]);
                    found.push(Violation { invariant: NAME, aspect, what, because });
                }
            };
            for (addr, actor) in sim.machines() {
                match (addr, actor) {
                    (Addr::Node(at, Place::Maintainers), Actor::Maintainers(all)) if at == *node => {
                        for one in all.all().filter(|one| one.is_working()) {
                            let cf = one.changefeed();
                            report(0, format!("{node} is said to be drained, and maintains {cf}"));
                        }
                    }
                    (Addr::Node(at, Place::Dispatchers), Actor::Dispatchers(all)) if at == *node => {
                        for manager in all.managers().filter(|manager| manager.is_open()) {
                            for one in manager.dispatchers() {
                                let (cf, id) = (manager.changefeed(), one.id());
                                report(1, format!("{node} is said to be drained, and has {id} of {cf}"));
                            }
                        }
                    }
                    _ => {}
                }
            }
        }
    }
}
