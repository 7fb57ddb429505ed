//! What goes wrong at the server: a leader that is lost, requests that fail, watches that are late, forgotten history.

use std::collections::VecDeque;

use sim::{Duration, Instant, Kind as _, Now};

use crate::{
    Addr, Out,
    etcd::{CallId, Command, Etcd, Inbox, Note, Outcome, Reply, Timer},
};

/// How long a request may wait for a leader: 5 s and twice the election time-out, which PD sets to 3 s.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(11);
/// Every one.
const MILLION: u32 = 1_000_000;

/// What is wrong now.
#[derive(Clone, Debug, Default)]
pub(super) struct Faults {
    /// Whether nobody leads.
    leaderless: bool,
    /// How often a leader was lost.
    changes: u32,
    /// Requests that wait for a leader, in order, numbered as they came.
    waiting: VecDeque<(u32, Addr, Inbox)>,
    waited: u32,
    failing: Option<Failing>,
}

/// Which requests fail.
#[derive(Clone, Copy, Debug)]
struct Failing {
    kind: &'static str,
    times_out: bool,
    outcome: Outcome,
    share_per_million: u32,
    left: Option<u32>,
    until: Option<Instant>,
}

/// How one request fails.
#[derive(Clone, Copy, Debug)]
pub(super) struct Failure {
    times_out: bool,
    /// Whether it is carried out all the same.
    pub(super) carried_out: bool,
}

impl Failure {
    /// What its client hears.
    pub(super) fn reply(self, call: CallId) -> Reply {
        if self.times_out { Reply::RequestTimedOut { call } } else { Reply::Unavailable { call } }
    }
}

impl Faults {
    pub(super) fn has_leader(&self) -> bool {
        !self.leaderless
    }

    /// The server has crashed, and with it the connections of those who wait.
    pub(super) fn forget_requests(&mut self) {
        self.waiting.clear();
        self.leaderless = false;
    }

    /// A request waits for a leader.
    pub(super) fn keep(&mut self, from: Addr, inbox: &Inbox, out: &mut Out) {
        self.waited += 1;
        self.waiting.push_back((self.waited, from, inbox.clone()));
        out.alarm(Timer::RequestTimeout { request: self.waited }.into(), REQUEST_TIMEOUT);
    }

    /// A request has waited for as long as it may.
    pub(super) fn time_out(&mut self, request: u32, out: &mut Out) {
        let over = self.waiting.iter().position(|(number, ..)| *number == request);
        if let Some((_, from, inbox)) = over.and_then(|nth| self.waiting.remove(nth))
            && let Some(call) = inbox.call()
        {
            out.send(from, Reply::RequestTimedOut { call }.into());
        }
    }

    /// Whether a request fails, and how. Nothing is drawn where that is no matter of chance.
    pub(super) fn strike(&mut self, now: Now, inbox: &Inbox, out: &mut Out) -> Option<Failure> {
        let failing = self.failing.as_mut()?;
        let kind = Inbox::name(inbox.kind());
        if failing.kind != kind
            || failing.left == Some(0)
            || failing.until.is_some_and(|until| now.steady >= until)
            || failing.share_per_million < MILLION
                && out.choose("failing request", MILLION as usize) >= failing.share_per_million as usize
        {
            return None;
        }
        failing.left = failing.left.map(|left| left - 1);
        let carried_out = match failing.outcome {
            Outcome::CarriedOut => true,
            Outcome::NotCarriedOut => false,
            Outcome::Either => out.choose("outcome", 2) == 1,
        };
        out.note(Note::RequestFailed { kind, carried_out }.into());
        Some(Failure { times_out: failing.times_out, carried_out })
    }
}

impl Etcd {
    pub(super) fn on_command(&mut self, now: Now, command: &Command, out: &mut Out) {
        let until = |lasts: &Option<Duration>| lasts.map(|lasts| now.steady + lasts);
        match command {
            Command::RevokeLeaseOf { node } => {
                if let Some(lease) = self.lease_on(*node) {
                    self.revoke(now, lease, out);
                }
            }
            Command::LoseLeader { lasts } => {
                self.faults.changes += 1;
                self.faults.leaderless = true;
                out.note(Note::LeaderLost.into());
                if let Some(lasts) = lasts {
                    out.alarm(Timer::LeaderElected { change: self.faults.changes }.into(), *lasts);
                }
            }
            Command::FailRequests { kind, times_out, outcome, share_per_million, times, lasts } => {
                let (kind, times_out, outcome) = (*kind, *times_out, *outcome);
                let (share_per_million, left, until) = (*share_per_million, *times, until(lasts));
                self.faults.failing =
                    Some(Failing { kind, times_out, outcome, share_per_million, left, until });
            }
            Command::SlowWatches { node, by, lasts } => self.watches.slow_down(*node, *by, until(lasts)),
            Command::Compact { keep } => {
                self.store.compact(*keep);
                out.note(Note::Compacted { revision: self.store.compacted() }.into());
                self.tell_watchers(now, out);
            }
            Command::Recover => {
                self.faults.failing = None;
                self.watches.recover();
                self.find_leader(None, now, out);
            }
        }
    }

    /// Somebody leads again. What has waited is carried out in order.
    pub(super) fn find_leader(&mut self, change: Option<u32>, now: Now, out: &mut Out) {
        if !self.faults.leaderless || change.is_some_and(|change| change != self.faults.changes) {
            return;
        }
        self.faults.leaderless = false;
        out.note(Note::LeaderFound.into());
        self.renew_leases(now, out);
        for (_, from, inbox) in std::mem::take(&mut self.faults.waiting) {
            self.on_request(now, from, &inbox, out);
        }
    }
}
