//! How far persisted checkpoints are behind, and how long it takes until they are past a fault.
//!
//! A checkpoint that is past a fault says that everything from before it is downstream, so it covers all that a recovery consists
//! of: a lease that runs out, an election, bootstraps, dispatchers that are created and start again. Only changefeeds count that are
//! to run when a checkpoint is persisted or the run ends.

use std::collections::BTreeMap;

use sim::{Duration, Fault, Input, Instant, What};

use crate::{
    Actor, Addr, ChangefeedId, Msg, Record, Sim, Ts,
    etcd::{Etcd, Inbox, Key, Op, Value},
};

#[derive(Default)]
pub(super) struct Progress {
    /// Whether it has looked what is persisted when the run begins.
    begun: bool,
    checkpoints: BTreeMap<ChangefeedId, Ts>,
    /// The faults that some checkpoint is not past, in order.
    faults: Vec<Instant>,
    recovery: Duration,
    lag: Duration,
}

impl Progress {
    #[inline]
    pub(super) fn observe(&mut self, sim: &Sim, record: &Record) {
        if !std::mem::replace(&mut self.begun, true) {
            self.begin(sim);
        }
        match &record.what {
            What::Fault(fault) if is_one(fault) => self.faults.push(record.at),
            What::Step { actor: Addr::Etcd, input: Input::Message { msg: Msg::Etcd(request), .. } } => {
                if let Inbox::TxnRequest { then, .. } = request
                    && let Actor::Etcd(etcd) = sim.machine(Addr::Etcd)
                {
                    for op in then {
                        if let Op::Put { key: Key::Job(cf), .. } = op {
                            self.persisted(*cf, etcd, record.at);
                        }
                    }
                }
            }
            _ => {}
        }
    }

    fn begin(&mut self, sim: &Sim) {
        let Actor::Etcd(etcd) = sim.machine(Addr::Etcd) else { return };
        let all = (1..=u8::MAX).map(ChangefeedId);
        self.checkpoints = all.filter_map(|cf| Some((cf, checkpoint(cf, etcd)?))).collect();
    }

    fn persisted(&mut self, cf: ChangefeedId, etcd: &Etcd, now: Instant) {
        let Some(checkpoint) = checkpoint(cf, etcd) else {
            self.checkpoints.remove(&cf);
            return;
        };
        if let Some(before) = self.checkpoints.insert(cf, checkpoint).filter(|before| *before < checkpoint) {
            self.lag = self.lag.max(behind(before, now));
        }
        let Some(lowest) = self.checkpoints.values().min().copied() else { return };
        let past = self.faults.partition_point(|fault| Ts::at(*fault) < lowest);
        for fault in self.faults.drain(..past) {
            self.recovery = self.recovery.max(now.since(fault));
        }
    }

    /// The longest recovery and the largest lag. What has not recovered counts up to the end.
    pub(super) fn measured(mut self, sim: &Sim) -> (Duration, Duration) {
        let now = sim.now();
        if let Actor::Etcd(etcd) = sim.machine(Addr::Etcd) {
            let still: Vec<Ts> = self.checkpoints.keys().filter_map(|cf| checkpoint(*cf, etcd)).collect();
            for checkpoint in &still {
                self.lag = self.lag.max(behind(*checkpoint, now));
            }
            let lowest = still.into_iter().min();
            if let Some(fault) =
                self.faults.iter().find(|fault| lowest.is_some_and(|low| low <= Ts::at(**fault)))
            {
                self.recovery = self.recovery.max(now.since(*fault));
            }
        }
        (self.recovery, self.lag)
    }
}

/// Whether something goes wrong: neither what makes it well again, nor what users ask for.
fn is_one(fault: &Fault<Actor>) -> bool {
    match fault {
        Fault::Crash { .. }
        | Fault::Pause { .. }
        | Fault::ClockJump { .. }
        | Fault::ClockDrift { .. }
        | Fault::Cut { .. }
        | Fault::Slow { .. } => true,
        Fault::Restart { .. }
        | Fault::Resume { .. }
        | Fault::Heal { .. }
        | Fault::Command { .. }
        | Fault::Tell { .. }
        | Fault::Calm
        | Fault::Core { .. } => false,
    }
}

/// What is persisted, if the changefeed is to run.
fn checkpoint(cf: ChangefeedId, etcd: &Etcd) -> Option<Ts> {
    match (&etcd.get(Key::Info(cf))?.value, &etcd.get(Key::Job(cf))?.value) {
        (Value::Info(info), Value::Job(job)) if info.state.should_run() => Some(job.checkpoint),
        _ => None,
    }
}

fn behind(checkpoint: Ts, now: Instant) -> Duration {
    Duration::from_micros(Ts::at(now).0.saturating_sub(checkpoint.0))
}
