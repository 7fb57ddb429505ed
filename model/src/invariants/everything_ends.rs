//! When the cluster has settled nobody is in the middle of anything: no operator is under way, and no journal keeps what has
//! been begun.
//!
//! An operator that never ends bars all later ones of its changefeed or span; an entry that nobody erases is handed to every
//! later maintainer. Two things are reported separately, each once per run:
//!
//! * *operator*: a coordinator or a maintainer has one;
//! * *journal*: a dispatcher manager has an entry.

use crate::{
    Actor, Addr, Place, Sim,
    invariants::{Invariant, Named, Violation},
};

const NAME: &str = "everything_ends";

pub(super) const NAMED: Named = Named {
    name: NAME,
    promise: "when the cluster has settled, no operator is under way and no journal keeps what was begun",
    bugs: &["#1427", "#2670", "#3372", "#3411"],
    aspects: &[
        ("operator", "in the end an operator of a coordinator or a maintainer was still under way"),
        ("journal", "in the end a manager still kept a request that it had begun"),
    ],
    make: || Box::new(EverythingEnds),
};

#[derive(Default)]
pub(super) struct EverythingEnds;

impl Invariant for EverythingEnds {
    fn observe(&mut self, _: &Sim, _: &crate::Record, _: &mut Vec<Violation>) {}

    fn settled(&mut self, sim: &Sim, found: &mut Vec<Violation>) {
        let mut report = |aspect, what| {
            if found.iter().all(|one: &Violation| (one.invariant, one.aspect) != (NAME, aspect)) {
                found.push(Violation { invariant: NAME, aspect, what, because: Vec::new() });
            }
        };
        for (addr, actor) in sim.machines().filter(|(addr, _)| sim.is_up(sim.host_of(*addr))) {
            match (addr, actor) {
                (Addr::Node(_, Place::Coordinator), Actor::Coordinator(one)) => {
                    for (cf, name) in one.operators() {
                        report("operator", format!("{addr} still has the operator {name} of {cf}"));
                    }
                }
                (Addr::Node(_, Place::Maintainers), Actor::Maintainers(all)) => {
                    for one in all.all().filter(|one| one.is_working() && one.operators() > 0) {
                        let (count, cf) = (one.operators(), one.changefeed());
                        report(
                            "operator",
                            format!("the maintainer of {cf} at {addr} still has {count} operators"),
                        );
                    }
                }
                (Addr::Node(..), Actor::Dispatchers(all)) => {
                    for manager in all.managers() {
                        let (cf, entries) = (manager.changefeed(), manager.journalled());
                        if entries > 0 {
                            report(
                                "journal",
                                format!("the manager of {cf} at {addr} still keeps {entries} requests"),
                            );
                        }
                    }
                }
                _ => {}
            }
        }
    }
}
