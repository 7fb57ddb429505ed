//! Leases: whether one has run out is for the server's clock to say.

use std::{collections::BTreeMap, fmt};

use sim::{Duration, Instant};

use crate::vocabulary::say;

/// A lease, numbered by the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeaseId(pub u32);

#[derive(Clone, Copy, Debug)]
struct Lease {
    ttl: Duration,
    ends: Instant,
}

/// How much longer than its time a lease lives when a server begins to lead: the election time-out, as PD sets it.
const EXTENSION: Duration = Duration::from_secs(3);

#[derive(Clone, Debug, Default)]
pub(crate) struct Leases {
    granted: u32,
    leases: BTreeMap<LeaseId, Lease>,
}

impl Leases {
    pub(crate) fn grant(&mut self, now: Instant, ttl: Duration) -> LeaseId {
        self.granted += 1;
        let id = LeaseId(self.granted);
        self.leases.insert(id, Lease { ttl, ends: now + ttl });
        id
    }

    /// How long the lease lives from now on; none if it is gone.
    pub(crate) fn renew(&mut self, now: Instant, id: LeaseId) -> Option<Duration> {
        let lease = self.leases.get_mut(&id)?;
        lease.ends = now + lease.ttl;
        Some(lease.ttl)
    }

    /// How long the lease still lives; none if it is gone.
    pub(crate) fn left(&self, now: Instant, id: LeaseId) -> Option<Duration> {
        self.leases.get(&id).map(|lease| lease.ends.since(now))
    }

    /// Gives every lease its whole time again, and a little more, as a server does when it begins to lead
    /// (`lessor.Promote`).
    pub(crate) fn renew_all(&mut self, now: Instant) -> impl Iterator<Item = (LeaseId, Duration)> {
        self.leases.iter_mut().map(move |(id, lease)| {
            let left = lease.ttl + EXTENSION;
            lease.ends = now + left;
            (*id, left)
        })
    }

    pub(crate) fn has(&self, id: LeaseId) -> bool {
        self.leases.contains_key(&id)
    }

    pub(crate) fn remove(&mut self, id: LeaseId) -> bool {
        self.leases.remove(&id).is_some()
    }
}

say!(LeaseId);

impl fmt::Display for LeaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "lease{}", self.0)
    }
}
