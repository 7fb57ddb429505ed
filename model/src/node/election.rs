//! The candidacy for coordinator: the oldest key under the owner prefix leads.
//!
//! An etcd election is a recipe of its clients: each candidate puts a key bound to its session, and waits until no
//! older one is left.

use sim::{Duration, Instant};

use crate::{
    Cx, Liveness, coordinator,
    etcd::{Compare, Inbox as Etcd, Key, Kv, LeaseId, Op, Range, Revision, Value},
    ids::Place,
    node::{Note, Server, Timer, Wait},
};

/// At most one campaign in this time.
const CAMPAIGN_EVERY: Duration = Duration::from_secs(1);

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
    /// A candidate; it hears when an owner key goes.
    Candidate,
    /// The coordinator of a term.
    Leading,
    /// Gives its key back.
    Resigning,
}

impl Server {
    pub(super) fn campaign(&mut self, cx: &mut Cx) {
        let Some(lease) = self.lease() else { return };
        if self.election.stage != Stage::Idle
            || cx.process.liveness != Liveness::Alive
            || self.shutdown.has_begun()
        {
            return;
        }
        self.election = Election { stage: Stage::Candidate, campaigned_at: Some(cx.now.steady) };
        let key = Key::Owner(lease);
        let put = Op::Put { key, value: Value::Node(cx.id()), lease: Some(lease) };
        self.calls.call(cx, Wait::Candidacy, |call| Etcd::TxnRequest {
            call,
            compares: vec![Compare::Created(key, Revision(0))],
            then: vec![put],
            otherwise: vec![Op::Get(Range::One(key))],
        });
    }

    /// An owner key has come or gone.
    pub(super) fn on_owners_changed(&mut self, cx: &mut Cx) {
        if self.election.stage == Stage::Candidate {
            self.look_at_candidates(cx);
        }
    }

    pub(super) fn look_at_candidates(&mut self, cx: &mut Cx) {
        self.calls.call(cx, Wait::Candidates, |call| Etcd::RangeRequest { call, range: Range::Owners });
    }

    pub(super) fn on_candidates(&mut self, candidates: &[Kv], cx: &mut Cx) {
        let oldest = candidates.iter().min_by_key(|kv| kv.created);
        let mine = self.lease().map(Key::Owner);
        if self.election.stage != Stage::Candidate || oldest.map(|kv| kv.key) != mine {
            return;
        }
        if cx.process.liveness != Liveness::Alive {
            return self.resign(cx);
        }
        // The term is named after the key of whoever leads by now.
        self.calls.call(cx, Wait::Leadership, |call| Etcd::RangeRequest { call, range: Range::FirstOwner });
    }

    pub(super) fn on_leadership(&mut self, leader: Option<&Kv>, cx: &mut Cx) {
        if self.election.stage != Stage::Candidate {
            return;
        }
        match leader {
            Some(Kv { value: Value::Node(node), modified, .. }) if *node == cx.id() => {
                self.election.stage = Stage::Leading;
                cx.note(Note::Elected { node: *node, version: modified.0 });
                cx.tell(Place::Coordinator, coordinator::Inbox::Elected { version: modified.0 });
            }
            _ => self.shut_down("not owner", cx),
        }
    }

    /// The term is over: gives the key back, and campaigns again.
    pub(super) fn resign(&mut self, cx: &mut Cx) {
        self.election.stage = Stage::Resigning;
        if let Some(lease) = self.lease() {
            self.delete_owner_key(lease, cx);
        }
    }

    fn delete_owner_key(&mut self, lease: LeaseId, cx: &mut Cx) {
        self.calls.call(cx, Wait::Resignation, |call| Etcd::TxnRequest {
            call,
            compares: Vec::new(),
            then: vec![Op::Delete(Key::Owner(lease))],
            otherwise: Vec::new(),
        });
    }

    pub(super) fn on_resigned(&mut self, cx: &mut Cx) {
        self.election.stage = Stage::Idle;
        let next = self.election.campaigned_at.map_or(cx.now.steady, |at| at + CAMPAIGN_EVERY);
        cx.out.alarm(Timer::Campaign.into(), next.since(cx.now.steady));
    }
}
