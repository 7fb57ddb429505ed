//! The candidacy for coordinator: the oldest key under the owner prefix leads.
//!
//! An etcd election is a recipe of its clients: each candidate puts a key bound to its session, and waits for the end of the
//! youngest of the older ones, until there is none.

use sim::{Duration, Instant};

use crate::{
    Cx, Liveness, coordinator,
    etcd::{
        Compare, Event, Inbox as Etcd, Key, Kv, Op, OpAnswer, Range, Revision, Value, WatchId,
        client::CALL_TIMEOUT,
    },
    ids::Place,
    node::{Note, Server, Timer, Wait},
};

/// At most one campaign in this time.
const CAMPAIGN_EVERY: Duration = Duration::from_secs(1);
/// The watch of the key that is to go first.
pub(super) const BEFORE: WatchId = WatchId(3);
/// How long a term's key may take to be given back.
const RESIGN_LIMIT: Duration = Duration::from_secs(5);

#[derive(Clone, Debug, Default)]
pub(super) struct Election {
    stage: Stage,
    campaigned_at: Option<Instant>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// Not a candidate.
    #[default]
    Idle,
    /// Its key is being put.
    Registering,
    /// A candidate since this revision; it hears when the one before it goes.
    Candidate { since: Revision },
    /// It has the oldest key, and reads the number of its term.
    Chosen,
    /// The coordinator of a term.
    Leading,
    /// Gives its key back; then the election goes on, or fails the process for this reason.
    Resigning { failed: Option<&'static str> },
    /// The module has ended.
    Ended,
}

impl Election {
    pub(super) fn is_leading(&self) -> bool {
        self.stage == Stage::Leading
    }

    pub(super) fn has_ended(&self) -> bool {
        self.stage == Stage::Ended
    }

    /// How far it is.
    pub(super) fn word(&self) -> &'static str {
        match self.stage {
            Stage::Idle => "idle",
            Stage::Registering => "registering",
            Stage::Candidate { .. } => "candidate",
            Stage::Chosen => "chosen",
            Stage::Leading => "leading",
            Stage::Resigning { .. } => "resigning",
            Stage::Ended => "ended",
        }
    }
}

impl Server {
    pub(super) fn campaign(&mut self, cx: &mut Cx) {
        let Some(lease) = self.lease() else { return };
        if self.election.stage != Stage::Idle
            || cx.process.liveness != Liveness::Alive
            || self.shutdown.group_is_done()
        {
            return;
        }
        self.election = Election { stage: Stage::Registering, campaigned_at: Some(cx.now.steady) };
        let key = Key::Owner(lease);
        let put = Op::Put { key, value: Value::Node(cx.id()), lease: Some(lease) };
        self.calls.call_once(cx, CALL_TIMEOUT, Wait::Candidacy, |call| Etcd::TxnRequest {
            call,
            compares: vec![Compare::Created(key, Revision(0))],
            then: vec![put],
            otherwise: vec![Op::Get(Range::One(key))],
        });
    }

    /// The key is put now, at this revision, or has been there already.
    pub(super) fn on_candidacy(&mut self, revision: Revision, answers: &[OpAnswer], cx: &mut Cx) {
        if self.election.stage == Stage::Registering {
            let known = match answers {
                [OpAnswer::Got(kvs)] => kvs.first().map(|kv| kv.created),
                _ => None,
            };
            self.election.stage = Stage::Candidate { since: known.unwrap_or(revision) };
            self.look_at_candidates(cx);
        }
    }

    /// The key before one's own has changed.
    pub(super) fn on_candidate_before(&mut self, events: &[Event], cx: &mut Cx) {
        if events.iter().any(|event| matches!(event, Event::Delete(_))) {
            self.unwatch(BEFORE);
            self.look_at_candidates(cx);
        }
    }

    fn look_at_candidates(&mut self, cx: &mut Cx) {
        if let Stage::Candidate { since } = self.election.stage {
            let read = |call| Etcd::RangeRequest { call, range: Range::owner_before(since) };
            self.calls.call_once(cx, CALL_TIMEOUT, Wait::Candidates, read);
        }
    }

    /// Whoever is before is waited for, from the revision on at which it was there.
    pub(super) fn on_candidates(&mut self, revision: Revision, before: Option<&Kv>, cx: &mut Cx) {
        if !matches!(self.election.stage, Stage::Candidate { .. }) {
            return;
        }
        if let Some(Kv { key, .. }) = before {
            return self.watch(BEFORE, Range::One(*key), revision, cx);
        }
        if cx.process.liveness != Liveness::Alive {
            return self.resign(RESIGN_LIMIT, None, cx);
        }
        self.election.stage = Stage::Chosen;
        // The term is named after the key of whoever leads by now.
        self.calls.call(cx, Wait::Leadership, |call| Etcd::RangeRequest { call, range: Range::FIRST_OWNER });
    }

    pub(super) fn on_leadership(&mut self, leader: Option<&Kv>, cx: &mut Cx) {
        if self.election.stage != Stage::Chosen {
            return;
        }
        match leader {
            Some(Kv { value: Value::Node(node), modified, .. }) if *node == cx.id() => {
                self.election.stage = Stage::Leading;
                cx.note(Note::Elected { node: *node, version: modified.0 });
                cx.tell(Place::Coordinator, coordinator::Inbox::Elected { version: modified.0 });
            }
            _ => self.election_fails("not owner", cx),
        }
    }

    /// The term is over: gives the key back, and campaigns again, unless the coordinator has failed.
    pub(super) fn on_coordinator_stopped(&mut self, failed: bool, cx: &mut Cx) {
        self.resign(RESIGN_LIMIT, failed.then_some("the coordinator failed"), cx);
        self.tick_goes_on(cx);
    }

    fn resign(&mut self, limit: Duration, failed: Option<&'static str>, cx: &mut Cx) {
        let Some(lease) = self.lease() else { return };
        self.election.stage = Stage::Resigning { failed };
        self.calls.call_once(cx, limit, Wait::Resignation, |call| Etcd::TxnRequest {
            call,
            compares: Vec::new(),
            then: vec![Op::Delete(Key::Owner(lease))],
            otherwise: Vec::new(),
        });
    }

    /// The key could not be given back, for another reason than that it took too long: the module ends.
    pub(super) fn on_resignation_failed(&mut self, cx: &mut Cx) {
        match self.election.stage {
            Stage::Resigning { failed: None } if !self.shutdown.group_is_done() => {
                self.election_fails("the coordinator cannot resign", cx);
            }
            _ => self.on_resigned(cx),
        }
    }

    /// The key is given back, or that took too long: both are the same to the election.
    pub(super) fn on_resigned(&mut self, cx: &mut Cx) {
        match self.election.stage {
            Stage::Resigning { failed: Some(why) } => self.election_fails(why, cx),
            Stage::Resigning { failed: None } if self.shutdown.group_is_done() => self.election_ends(cx),
            Stage::Resigning { failed: None } => self.campaign_again(cx),
            Stage::Idle
            | Stage::Registering
            | Stage::Candidate { .. }
            | Stage::Chosen
            | Stage::Leading
            | Stage::Ended => {}
        }
    }

    /// The loop begins anew: after a term, and when what a candidate waits for is forgotten. Its key stays meanwhile.
    pub(super) fn campaign_again(&mut self, cx: &mut Cx) {
        self.election.stage = Stage::Idle;
        let next = self.election.campaigned_at.map_or(cx.now.steady, |at| at + CAMPAIGN_EVERY);
        cx.out.alarm(Timer::Campaign.into(), next.since(cx.now.steady));
    }

    /// The module ends with an error.
    pub(super) fn election_fails(&mut self, why: &'static str, cx: &mut Cx) {
        self.election.stage = Stage::Ended;
        self.module_fails(why, cx);
    }

    fn election_ends(&mut self, cx: &mut Cx) {
        self.election.stage = Stage::Ended;
        self.close_if_modules_ended(cx);
    }

    /// The module is told to end. A candidate gives its key back first: without a limit of its own, but a connection
    /// that cannot be had fails it in a few seconds. One whose key is still being put does not know it and leaves it to
    /// the lease, as does one that reads the number of its term. A leader waits until its coordinator has stopped.
    pub(super) fn stop_election(&mut self, cx: &mut Cx) {
        match self.election.stage {
            Stage::Idle | Stage::Registering | Stage::Chosen => self.election.stage = Stage::Ended,
            Stage::Candidate { .. } => self.resign(RESIGN_LIMIT, None, cx),
            Stage::Leading | Stage::Resigning { .. } | Stage::Ended => {}
        }
    }
}
