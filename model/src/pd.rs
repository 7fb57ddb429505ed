//! The placement driver, as far as TiCDC asks it: the timestamp oracle, from which epochs come, and what the upstream may collect.
//!
//! It is as late, as far away, or as silent as the links to it are.

use std::{collections::BTreeMap, fmt};

use sim::{Duration, Input, Instant, Now};

use crate::{
    Actor, ChangefeedId, Epoch, Gc, Msg, Out, Ts,
    etcd::CallId,
    vocabulary::{say, vocabulary},
};

vocabulary! {
    /// What a client asks for, of the oracle.
    pub enum Inbox {
        /// A timestamp larger than every one before.
        TsoRequest { call: CallId },
    }
}

vocabulary! {
    /// What it asks for on behalf of what it replicates.
    pub enum Safepoint {
        /// That nothing after a timestamp is collected for so long; without a length, that it may be.
        UpdateServiceGCSafePoint { call: CallId, service: Service, ttl: Duration, safe_point: Ts },
    }
}

vocabulary! {
    /// What a client hears.
    pub enum Reply {
        /// The timestamp, as an epoch: physical milliseconds shifted by 18 bits, plus a counter.
        TsoResponse { call: CallId, epoch: Epoch },
        /// What the client's side says: the connection was refused.
        TsoUnavailable { call: CallId },
    }
}

vocabulary! {
    /// What it hears about that.
    pub enum SafepointReply {
        /// The least that anybody needs, the collector among them; and the time.
        GCSafePointResponse { call: CallId, least: Ts, now: Ts },
        /// What the client's side says: the connection was refused.
        GCSafePointUnavailable { call: CallId },
    }
}

/// Who needs what the upstream would collect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// The changefeeds of this cluster.
    Cluster,
    /// One that is being created.
    Creating(ChangefeedId),
    /// One that is being resumed.
    Resuming(ChangefeedId),
}

/// How long a client waits for an answer.
pub(crate) const CLIENT_TIMEOUT: Duration = Duration::from_secs(10);

/// `tikv_gc_life_time`, if nothing is said.
const LIFE: Duration = Duration::from_secs(600);

impl Inbox {
    /// What a client hears whose connection is refused.
    pub(crate) fn refused(&self) -> Reply {
        let Inbox::TsoRequest { call } = self;
        Reply::TsoUnavailable { call: *call }
    }
}

impl Safepoint {
    /// What a client hears whose connection is refused.
    pub(crate) fn refused(&self) -> SafepointReply {
        let Safepoint::UpdateServiceGCSafePoint { call, .. } = self;
        SafepointReply::GCSafePointUnavailable { call: *call }
    }
}

/// The oracle, and the safepoints of services.
#[derive(Clone, Debug)]
pub struct Pd {
    last: u64,
    /// How long the upstream keeps everything.
    life: Duration,
    /// What services need, and until when.
    services: BTreeMap<Service, (Ts, Instant)>,
    /// What the collector needs, and up to where it has collected.
    worker: Ts,
    collected: Ts,
    /// How long servers have something kept for changefeeds that stand still; none: nobody asks. For whoever watches.
    ttl: Option<Duration>,
}

impl Default for Pd {
    fn default() -> Pd {
        let (services, worker, collected) = (BTreeMap::new(), Ts::NONE, Ts::NONE);
        Pd { last: 0, life: LIFE, services, worker, collected, ttl: None }
    }
}

/// Bits of the counter.
const LOGICAL_BITS: u32 = 18;

impl Pd {
    /// One whose upstream collects. An earlier coordinator has told it that everything is needed.
    pub fn collecting(gc: Gc) -> Pd {
        let services = [(Service::Cluster, (Ts::NONE, Instant::START + gc.ttl))].into();
        Pd { life: gc.life, ttl: Some(gc.ttl), services, ..Pd::default() }
    }

    /// How long servers have something kept for changefeeds that stand still, if they do.
    pub(crate) fn ttl(&self) -> Option<Duration> {
        self.ttl
    }

    /// Up to where the upstream has collected by a time.
    pub fn collected_at(&self, now: Instant) -> Ts {
        let mut later = self.clone();
        later.collect(now);
        later.collected
    }

    pub(crate) fn step(&mut self, now: Now, input: &Input<Actor>, out: &mut Out) {
        let Input::Message { from, msg } = input else { return };
        let reply: Msg = match msg {
            Msg::Pd(Inbox::TsoRequest { call }) => {
                self.last = (now.steady.millis() << LOGICAL_BITS).max(self.last + 1);
                Reply::TsoResponse { call: *call, epoch: Epoch(self.last) }.into()
            }
            Msg::PdSafepoint(Safepoint::UpdateServiceGCSafePoint { call, service, ttl, safe_point }) => {
                self.collect(now.steady);
                if *ttl == Duration::ZERO {
                    self.services.remove(service);
                } else if *safe_point >= self.least() {
                    self.services.insert(*service, (*safe_point, now.steady + *ttl));
                }
                let (least, now) = (self.least(), Ts::at(now.steady));
                SafepointReply::GCSafePointResponse { call: *call, least, now }.into()
            }
            _ => return,
        };
        out.send(*from, reply);
    }

    /// The upstream collects all the time, as far as it may. What a service needed counts until the moment at which that ends; from
    /// then on it may go as far as others let it, so nothing is missed by looking only now.
    fn collect(&mut self, now: Instant) {
        self.services.retain(|_, (_, until)| *until > now);
        let kept = Instant::START + self.life;
        let old = if now > kept { Ts::at(Instant::START + now.since(kept)) } else { Ts::NONE };
        self.worker = self.worker.max(old);
        self.collected = self.collected.max(self.least());
    }

    fn least(&self) -> Ts {
        self.services.values().map(|(ts, _)| *ts).min().map_or(self.worker, |least| least.min(self.worker))
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Service::Cluster => f.write_str("ticdc"),
            Service::Creating(cf) => write!(f, "ticdc-creating-{cf}"),
            Service::Resuming(cf) => write!(f, "ticdc-resuming-{cf}"),
        }
    }
}

say!(Service);
