//! The persisted epoch of a changefeed never goes back.
//!
//! For pingcap/ticdc#5434: generations are told apart by their epochs, so a smaller one after a larger one makes what is new look
//! stale. Nothing in etcd prevents it; whoever writes has to. Reported once for each changefeed.

use std::collections::BTreeMap;

use sim::{Input, StepId, What};

use crate::{
    Actor, Addr, ChangefeedId, Epoch, Msg, Record, Sim,
    etcd::{self, Key, Op, Value},
    invariants::{Invariant, Violation},
};

pub(super) const NAME: &str = "epochs_grow";

/// The largest epoch of each changefeed, and the step that wrote it; without a step it has been reported.
#[derive(Default)]
pub(super) struct EpochsGrow {
    largest: BTreeMap<ChangefeedId, (Epoch, Option<StepId>)>,
}

impl Invariant for EpochsGrow {
    fn observe(&mut self, sim: &Sim, record: &Record, found: &mut Vec<Violation>) {
        let What::Step { actor: Addr::Etcd, input } = &record.what else { return };
        let Input::Message { msg: Msg::Etcd(etcd::Inbox::TxnRequest { then, .. }), .. } = input else {
            return;
        };
        for op in then {
            match op {
                Op::Put { key: Key::Info(cf), .. } => self.on_put(sim, *cf, record.id, found),
                // One that is created again under the same name begins anew.
                Op::Delete(Key::Info(cf)) => _ = self.largest.remove(cf),
                Op::Put { .. } | Op::Delete(_) | Op::Get(_) => {}
            }
        }
    }
}

impl EpochsGrow {
    fn on_put(&mut self, sim: &Sim, cf: ChangefeedId, step: StepId, found: &mut Vec<Violation>) {
        let Actor::Etcd(etcd) = sim.machine(Addr::Etcd) else { return };
        let Some(Value::Info(info)) = etcd.get(Key::Info(cf)).map(|kv| &kv.value) else { return };
        let largest = self.largest.entry(cf).or_insert((info.epoch, Some(step)));
        match (info.epoch >= largest.0, largest.1) {
            (true, Some(_)) => *largest = (info.epoch, Some(step)),
            (false, Some(before)) => {
                let what =
                    format!("the persisted epoch of {cf} went back from {} to {}", largest.0, info.epoch);
                let because = vec![before, step];
                found.push(Violation { invariant: NAME, aspect: "", what, because });
                largest.1 = None;
            }
            (_, None) => {}
        }
    }
}
