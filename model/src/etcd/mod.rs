//! A fake etcd: keys with revisions, transactions, leases by the server's clock, watches.
//!
//! The requests and answers are those of etcd v3; an election is a recipe of its clients, as in the real one.

pub(crate) mod client;
mod faults;
#[cfg(test)]
mod laws;
mod lease;
mod metadata;
mod store;
mod watch;

use std::fmt;

use sim::{Input, Now};

pub use lease::LeaseId;
pub use metadata::{ChangefeedInfo, FeedState, Job, Progress, Sparse, Target};
pub use store::{ByAge, Compare, Key, Kv, Op, OpAnswer, Range, Revision, Value};
pub use watch::{Event, WatchId};

use crate::{
    Actor, Addr, NodeId, Out,
    vocabulary::{Say, say, unheard, vocabulary, words},
};
use lease::Leases;
use store::Store;
use watch::Watches;

/// A call of one client, numbered by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u32);

vocabulary! {
    /// What a client asks for.
    pub enum Inbox {
        /// Reads keys, in order.
        RangeRequest { call: CallId, range: Range },
        /// Compares, then does one list of operations or the other.
        TxnRequest { call: CallId, compares: Vec<Compare>, then: Vec<Op>, otherwise: Vec<Op> },
        /// A lease that lives this long after each renewal.
        LeaseGrantRequest { call: CallId, ttl: sim::Duration },
        /// Renews a lease.
        LeaseKeepAliveRequest { call: CallId, lease: LeaseId },
        /// Ends a lease and deletes its keys.
        LeaseRevokeRequest { call: CallId, lease: LeaseId },
        /// How long a lease still lives.
        LeaseTimeToLiveRequest { call: CallId, lease: LeaseId },
        /// Tells of every change of these keys from this revision on.
        WatchCreateRequest { watch: WatchId, range: Range, from: Revision },
        /// Asks whether a watch has told everything: the answer has no events, and the number of the last message; zero
        /// if there is no such watch.
        WatchProgressRequest { watch: WatchId },
    }
}

vocabulary! {
    /// What a client hears.
    pub enum Reply {
        /// The answer to a call.
        Answer { call: CallId, revision: Revision, answer: Answer },
        /// What the client's side of a call says: the connection was refused, or ended without an answer.
        Unavailable { call: CallId },
        /// The server has taken too long over a call (`etcdserver: request timed out`). It may have been carried out.
        RequestTimedOut { call: CallId },
        /// Changes of watched keys, in order. Messages of one watch are numbered, its creation being the first: a gap
        /// tells that its stream broke.
        WatchResponse { watch: WatchId, number: u32, revision: Revision, events: Vec<Event> },
        /// A watch is over: what it was to tell of is forgotten. Changes are known from this revision on.
        WatchCanceled { watch: WatchId, compacted: Revision },
    }
}

/// The answer to a call.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// The keys in the range.
    Range(Vec<Kv>),
    /// Whether the compares held, and what each operation gave.
    Txn {
        /// Whether the compares held.
        succeeded: bool,
        /// What each operation gave.
        answers: Vec<OpAnswer>,
    },
    /// The new lease.
    Granted(LeaseId),
    /// The lease lives this much longer; none: it is gone.
    KeptAlive(Option<sim::Duration>),
    /// The lease has ended.
    Revoked,
    /// The lease lives this much longer; none: it is gone (TTL −1).
    TimeToLive(Option<sim::Duration>),
    /// A transaction was to put a key with a lease that is gone, or that one was to end; nothing was done.
    LeaseNotFound,
}

vocabulary! {
    /// What is set off inside the server.
    pub enum Timer {
        /// A lease may have run out.
        Expire { lease: LeaseId },
        /// Some watchers have to be told what they are late with.
        TellWatchers,
        /// A request has waited for a leader for as long as it may.
        RequestTimeout { request: u32 },
        /// The server has a leader again.
        LeaderElected { change: u32 },
    }
}

impl Copy for Timer {}

vocabulary! {
    /// What the server says about itself.
    pub enum Note {
        /// A lease ran out without being renewed, and its keys are gone.
        LeaseExpired { lease: LeaseId, keys: Vec<Key> },
        /// A lease was revoked, and its keys are gone.
        LeaseRevoked { lease: LeaseId, keys: Vec<Key> },
        /// It has no leader: nothing is carried out, and no lease runs out.
        LeaderLost,
        /// It has a leader again, who has given every lease its whole time.
        LeaderFound,
        /// A call has failed; perhaps it has been carried out all the same.
        RequestFailed { kind: &'static str, carried_out: bool },
        /// What was before a revision is forgotten.
        Compacted { revision: Revision },
    }
}

vocabulary! {
    /// What the outside world does to the server.
    pub enum Command {
        /// Revokes the lease of the session of whatever process runs on a node, as an operator would.
        RevokeLeaseOf { node: NodeId },
        /// It loses its leader: whatever it is asked waits until there is another one.
        LoseLeader { lasts: Option<sim::Duration> },
        /// So many of a million requests of this kind fail, and at most so many of them: the server says that it has taken too
        /// long, or else the connection ends without an answer.
        FailRequests { kind: &'static str, times_out: bool, outcome: Outcome, share_per_million: u32, times: Option<u32>, lasts: Option<sim::Duration> },
        /// The watches of a node are told late.
        SlowWatches { node: NodeId, by: sim::Duration, lasts: Option<sim::Duration> },
        /// It forgets everything but its last revisions and the present one.
        Compact { keep: u64 },
        /// All that is over.
        Recover,
    }
}

/// What becomes of a request that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It is carried out all the same.
    CarriedOut,
    /// It is not.
    NotCarriedOut,
    /// The one or the other.
    Either,
}

words! {
    Outcome { CarriedOut => "carried-out", NotCarriedOut => "not-carried-out", Either => "either" }
}

/// The server. It is one machine: a cluster of them is linearisable, which is what its clients see.
#[derive(Clone, Debug, Default)]
pub struct Etcd {
    store: Store,
    leases: Leases,
    watches: Watches,
    faults: faults::Faults,
}

impl Inbox {
    /// The call that a request is.
    fn call(&self) -> Option<CallId> {
        match self {
            Inbox::RangeRequest { call, .. }
            | Inbox::TxnRequest { call, .. }
            | Inbox::LeaseGrantRequest { call, .. }
            | Inbox::LeaseKeepAliveRequest { call, .. }
            | Inbox::LeaseRevokeRequest { call, .. }
            | Inbox::LeaseTimeToLiveRequest { call, .. } => Some(*call),
            // The stream of a watch is opened again in the background.
            Inbox::WatchCreateRequest { .. } | Inbox::WatchProgressRequest { .. } => None,
        }
    }

    /// What a client hears whose connection is refused.
    pub(crate) fn refused(&self) -> Option<Reply> {
        self.call().map(|call| Reply::Unavailable { call })
    }
}

impl Etcd {
    /// A server that holds these keys already.
    pub fn holding(keys: impl IntoIterator<Item = (Key, Value)>) -> Etcd {
        let mut etcd = Etcd::default();
        for (key, value) in keys {
            etcd.store.carry_out(&[Op::Put { key, value, lease: None }]);
        }
        etcd
    }

    /// What is stored under a key.
    pub fn get(&self, key: Key) -> Option<&Kv> {
        self.store.get(key)
    }

    pub(crate) fn step(&mut self, now: Now, input: &Input<Actor>, out: &mut Out) {
        match input {
            Input::Start => {
                self.faults.forget_requests();
                self.renew_leases(now, out);
            }
            Input::Message { from, msg: crate::Msg::Etcd(inbox) } => self.on_request(now, *from, inbox, out),
            Input::Alarm(crate::Timer::Etcd(timer)) => self.on_alarm(now, *timer, out),
            Input::Command(crate::Command::Etcd(command)) => self.on_command(now, command, out),
            Input::Message { .. } | Input::Alarm(_) | Input::Command(_) => {
                unreachable!("etcd is asked by its own requests only")
            }
        }
    }

    fn on_alarm(&mut self, now: Now, timer: Timer, out: &mut Out) {
        match timer {
            Timer::Expire { lease } if self.faults.has_leader() => self.expire(now, lease, out),
            // Who begins to lead looks at all leases.
            Timer::Expire { .. } => {}
            Timer::TellWatchers => self.tell_watchers(now, out),
            Timer::RequestTimeout { request } => self.faults.time_out(request, out),
            Timer::LeaderElected { change } => self.find_leader(Some(change), now, out),
        }
    }

    /// A server begins to lead.
    fn renew_leases(&mut self, now: Now, out: &mut Out) {
        for (lease, left) in self.leases.renew_all(now.steady) {
            out.alarm(Timer::Expire { lease }.into(), left);
        }
    }

    /// The lease of the last process on a node that is registered.
    fn lease_on(&self, node: NodeId) -> Option<LeaseId> {
        let captures = self.store.range(Range::Captures);
        let of_node = captures.iter().filter_map(|kv| match kv.key {
            Key::Capture(one) if one.slot == node.slot => Some((one, kv.lease?)),
            _ => None,
        });
        of_node.max().map(|(_, lease)| lease)
    }

    fn on_request(&mut self, now: Now, from: Addr, inbox: &Inbox, out: &mut Out) {
        let Some(call) = inbox.call() else { return self.on_watch_request(now, from, inbox, out) };
        if !self.faults.has_leader() {
            return self.faults.keep(from, inbox, out);
        }
        let failure = self.faults.strike(now, inbox, out);
        if failure.as_ref().is_none_or(|failure| failure.carried_out) {
            let answer = self.carry_out(now, inbox, out);
            if failure.is_none() {
                let revision = self.store.revision();
                out.send(from, Reply::Answer { call, revision, answer }.into());
            }
        }
        if let Some(failure) = failure {
            out.send(from, failure.reply(call).into());
        }
        self.tell_watchers(now, out);
    }

    /// Watches are the business of the server that a client is connected with; they need no leader.
    fn on_watch_request(&mut self, now: Now, from: Addr, inbox: &Inbox, out: &mut Out) {
        match inbox {
            Inbox::WatchCreateRequest { watch, range, from: revision } => {
                self.watches.create(from, *watch, *range, *revision, self.store.revision());
                self.tell_watchers(now, out);
            }
            Inbox::WatchProgressRequest { watch } => {
                if let Some(progress) = self.watches.progress(from, *watch, self.store.revision()) {
                    out.send(from, progress.into());
                }
            }
            _ => unreachable!("all others are calls"),
        }
    }

    fn carry_out(&mut self, now: Now, inbox: &Inbox, out: &mut Out) -> Answer {
        match inbox {
            Inbox::RangeRequest { range, .. } => Answer::Range(self.store.range(*range)),
            Inbox::TxnRequest { compares, then, otherwise, .. } => self.txn(compares, then, otherwise),
            Inbox::LeaseGrantRequest { ttl, .. } => {
                let lease = self.leases.grant(now.steady, *ttl);
                out.alarm(Timer::Expire { lease }.into(), *ttl);
                Answer::Granted(lease)
            }
            Inbox::LeaseKeepAliveRequest { lease, .. } => {
                Answer::KeptAlive(self.leases.renew(now.steady, *lease))
            }
            Inbox::LeaseTimeToLiveRequest { lease, .. } => {
                Answer::TimeToLive(self.leases.left(now.steady, *lease))
            }
            Inbox::LeaseRevokeRequest { lease, .. } if self.leases.has(*lease) => {
                self.revoke(now, *lease, out);
                Answer::Revoked
            }
            Inbox::LeaseRevokeRequest { .. } => Answer::LeaseNotFound,
            Inbox::WatchCreateRequest { .. } | Inbox::WatchProgressRequest { .. } => {
                unreachable!("watches are no calls")
            }
        }
    }

    fn txn(&mut self, compares: &[Compare], then: &[Op], otherwise: &[Op]) -> Answer {
        let succeeded = compares.iter().all(|compare| self.store.holds(*compare));
        let ops = if succeeded { then } else { otherwise };
        let gone = |op: &Op| matches!(op, Op::Put { lease: Some(lease), .. } if !self.leases.has(*lease));
        if ops.iter().any(gone) {
            return Answer::LeaseNotFound;
        }
        Answer::Txn { succeeded, answers: self.store.carry_out(ops) }
    }

    fn expire(&mut self, now: Now, lease: LeaseId, out: &mut Out) {
        match self.leases.left(now.steady, lease) {
            None => {}
            Some(left) if left > sim::Duration::ZERO => out.alarm(Timer::Expire { lease }.into(), left),
            Some(_) => {
                self.leases.remove(lease);
                let keys = self.store.delete_leased(lease);
                out.note(Note::LeaseExpired { lease, keys }.into());
                self.tell_watchers(now, out);
            }
        }
    }

    fn revoke(&mut self, now: Now, lease: LeaseId, out: &mut Out) {
        if self.leases.remove(lease) {
            let keys = self.store.delete_leased(lease);
            out.note(Note::LeaseRevoked { lease, keys }.into());
            self.tell_watchers(now, out);
        }
    }

    fn tell_watchers(&mut self, now: Now, out: &mut Out) {
        let next = self.watches.tell(now.steady, &self.store, |to, reply| out.send(to, reply.into()));
        if let Some(next) = next {
            out.alarm(Timer::TellWatchers.into(), next);
        }
    }
}

say!(CallId);

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "call{}", self.0)
    }
}

unheard!(Answer);

impl Say for Answer {
    fn say(&self, _: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Answer::Range(kvs) if kvs.is_empty() => f.write_str(" nothing"),
            Answer::Range(kvs) => kvs.say("found", f),
            Answer::Txn { succeeded: true, .. } => f.write_str(" succeeded"),
            Answer::Txn { succeeded: false, .. } => f.write_str(" compare failed"),
            Answer::LeaseNotFound => f.write_str(" lease not found"),
            Answer::Granted(lease) => lease.say("", f),
            Answer::KeptAlive(Some(left)) | Answer::TimeToLive(Some(left)) => left.say("left", f),
            Answer::KeptAlive(None) | Answer::TimeToLive(None) => f.write_str(" lease is gone"),
            Answer::Revoked => f.write_str(" revoked"),
        }
    }
}
