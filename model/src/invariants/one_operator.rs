//! A dispatcher has at most one operator, a changefeed at most one at its coordinator, and each operator ends once.
//!
//! For pingcap/ticdc#3667, #3668, #4077 and everything else that lets two of them act on one thing: what one has
//! begun the other one takes for the work of nobody. An operator is there from when it is taken until it takes its last action.
//! Those of a maintainer that is removed are dropped as they are. Reported separately, each once per run:
//!
//! * *two*: one begins while another one for the same dispatcher or changefeed is there;
//! * *twice*: one takes its last action more than once. In no version does it; only a fault of the model could bring that about.

use std::{collections::BTreeSet, fmt};

use sim::{StepId, What};

use crate::{
    Actor, Addr, Misery, Place, Record, Sim,
    invariants::{Invariant, Named, Sight, Sort, Violation},
};

const NAME: &str = "one_operator";

pub(super) const NAMED: Named = Named {
    name: NAME,
    promise: "a dispatcher has at most one operator, a changefeed at most one at its coordinator, and each ends once",
    bugs: &["#3667", "#3668", "#4077", "#4543"],
    aspects: &[
        ("two", "an operator began while another one for the same dispatcher or changefeed was there"),
        ("twice", "an operator took its last action more than once"),
    ],
    sight: Sight::of(&[Sort::Coordinator, Sort::Maintainers]),
    make: || Box::new(OneOperator::default()),
};

#[derive(Default)]
pub(super) struct OneOperator {
    reported: BTreeSet<&'static str>,
}

impl Invariant for OneOperator {
    fn observe(&mut self, sim: &Sim, record: &Record, found: &mut Vec<Violation>) {
        let What::Step { actor: at @ Addr::Node(_, Place::Maintainers | Place::Coordinator), .. } =
            &record.what
        else {
            return;
        };
        match sim.machine(*at) {
            Actor::Coordinator(one) => {
                for (cf, misery) in one.miseries() {
                    self.report(misery, &format_args!("{at} has for {cf}"), record.id, found);
                }
            }
            Actor::Maintainers(all) => {
                for one in all.all() {
                    for (id, misery) in one.miseries() {
                        let whose = one.changefeed();
                        let what = format_args!("the maintainer of {whose} at {at} has for {id}");
                        self.report(misery, &what, record.id, found);
                    }
                }
            }
            _ => {}
        }
    }
}

impl OneOperator {
    fn report(&mut self, misery: Misery, whose: &dyn fmt::Display, step: StepId, found: &mut Vec<Violation>) {
        let (aspect, what) = match misery {
            Misery::Second => ("two", "two operators"),
            Misery::EndedTwice => ("twice", "an operator that has ended twice"),
        };
        if self.reported.insert(aspect) {
            let what = format!("{whose} {what}");
            found.push(Violation { invariant: NAME, aspect, what, because: vec![step] });
        }
    }
}
