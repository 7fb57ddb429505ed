//! What a changefeed still needs is not collected upstream: nothing is from after its persisted checkpoint, unless that has stood still
//! for longer than `gc-ttl`.
//!
//! For pingcap/ticdc#6350 of the old architecture and whatever else lets a safepoint go. A changefeed that has failed for want of what
//! was collected, and one that is finished or being removed, needs nothing. Reported once per changefeed.

use std::collections::BTreeSet;

use sim::What;

use crate::{
    Actor, Addr, ChangefeedId, Record, Sim, Ts,
    coordinator::blocks_gc,
    etcd::{Key, Value},
    invariants::{Invariant, Named, Sight, Sort, Violation, kept::Kept, services::Services},
};

const NAME: &str = "needed_is_kept";

pub(super) const NAMED: Named = Named {
    name: NAME,
    promise: "what comes after the persisted checkpoint of a changefeed is not collected upstream, unless it has stood still for too long",
    bugs: &[],
    aspects: &[("", "something was collected upstream that a changefeed still needed")],
    sight: Sight::of(&[Sort::Etcd, Sort::Pd]).news(&[Sort::Coordinator]),
    make: || Box::new(NeededIsKept::default()),
};

#[derive(Default)]
pub(super) struct NeededIsKept {
    kept: Kept,
    reported: BTreeSet<ChangefeedId>,
}

impl Invariant for NeededIsKept {
    fn observe(&mut self, sim: &Sim, record: &Record, found: &mut Vec<Violation>) {
        self.kept.observe(sim, record, |_, _| {});
        if let What::Step { actor: Addr::Pd, .. } = record.what {
            self.look(sim, found);
        }
    }

    fn settled(&mut self, sim: &Sim, found: &mut Vec<Violation>) {
        self.look(sim, found);
    }
}

impl NeededIsKept {
    fn look(&mut self, sim: &Sim, found: &mut Vec<Violation>) {
        let Actor::Pd(pd) = sim.machine(Addr::Pd) else { return };
        let (Some(services), Some(ttl)) = (Services::of(sim), pd.ttl()) else { return };
        let collected = pd.collected_at(sim.now());
        for (cf, persisted) in self.kept.iter().filter(|(_, one)| one.checkpoint.before() < collected) {
            let needs = match services.etcd.get(Key::Info(cf)).map(|kv| &kv.value) {
                Some(Value::Info(info)) => blocks_gc(info),
                _ => false,
            };
            let stood = Ts::at(sim.now()) > persisted.checkpoint.plus(ttl);
            if needs && !stood && self.reported.insert(cf) {
                let checkpoint = persisted.checkpoint;
                let what = format!(
                    "{cf} goes on from {checkpoint}, and the upstream has collected up to {collected}"
                );
                found.push(Violation { invariant: NAME, aspect: "", what, because: Vec::new() });
            }
        }
    }
}
