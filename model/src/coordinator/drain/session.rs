//! The session of a drain, what it tells all nodes, and how its order is taken back.

use std::collections::{BTreeMap, BTreeSet};

use sim::{Duration, Instant};

use crate::{
    ChangefeedId, Cx, Epoch, NodeId, Place,
    coordinator::{DrainOrder, Note, Term, drain::facts::State},
    maintainer,
};

/// How soon nodes are told again.
const RESEND: Duration = Duration::from_secs(5);
/// The bits of a timestamp of the oracle that count within a millisecond.
const LOGICAL_BITS: u32 = 18;
const MILLISECOND: u64 = 1_000_000;

/// A node that is being drained.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) target: NodeId,
    /// The number of its order.
    epoch: u64,
    /// The nodes that are told of it: those that were there when it began, and those that came and answered the bootstrap.
    synced: BTreeSet<NodeId>,
    /// The nodes that know of it, each with the process that said so.
    pub(super) acked: BTreeMap<NodeId, u64>,
    /// The changefeeds that ran when it began, and those of them whose maintainers have not told how far they are.
    tracked: Vec<ChangefeedId>,
    pending: BTreeSet<ChangefeedId>,
    told: Told,
}

/// An order that is void.
#[derive(Clone, Debug)]
pub(super) struct Clear {
    target: NodeId,
    pub(super) epoch: u64,
    /// The nodes that may still follow it.
    pub(super) pending: BTreeSet<NodeId>,
    told: Told,
}

/// When the nodes were told last.
#[derive(Clone, Copy, Debug)]
struct Told {
    dirty: bool,
    at: Option<Instant>,
}

/// What is left on a node that is being drained.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    /// What there is most of: maintainers, operators, dispatchers, moves of dispatchers, or maintainers that have not said how
    /// far they are.
    remaining: u32,
    state: State,
    draining: bool,
    stopping: bool,
}

impl Look {
    /// Whether it drains and nothing is left on it, so that it may stop.
    pub(super) fn is_empty(&self) -> bool {
        self.state != State::Unknown && self.draining && self.remaining == 0
    }

    /// Whether it may be taken away.
    fn is_complete(&self) -> bool {
        self.is_empty() && self.stopping
    }

    /// What the user is told: zero only when the node may be taken away.
    pub(super) fn answer(&self) -> u32 {
        if self.is_complete() { 0 } else { self.remaining.max(1) }
    }
}

impl Told {
    const NOT_YET: Told = Told { dirty: true, at: None };

    fn is_due(self, now: Instant) -> bool {
        self.dirty || self.at.is_none_or(|at| now.since(at) >= RESEND)
    }
}

impl Session {
    pub(super) fn order(&self) -> DrainOrder {
        DrainOrder { target_epoch: self.epoch, target: Some(self.target) }
    }
}

impl Term {
    /// Opens a session, numbered by a timestamp of the oracle. What may have changed while that was awaited is looked at again.
    pub(super) fn open_drain_session(
        &mut self,
        target: NodeId,
        tso: Epoch,
        cx: &mut Cx,
    ) -> Result<(), &'static str> {
        match &self.drain.session {
            Some(session) if session.target == target => return Ok(()),
            Some(_) => return Err("another node is being drained"),
            None => {}
        }
        if !cx.process.view().contains(&target) {
            return Err("there is no such node");
        }
        let epoch = self.next_order(tso, cx).ok_or("drain epoch overflow")?;
        let runs = |cf: &ChangefeedId| {
            let runs = self.changefeeds.get(*cf).is_some_and(|one| one.info.state.should_run());
            runs && self.changefeeds.is_replicating(*cf)
        };
        let tracked: Vec<ChangefeedId> = self.changefeeds.iter().map(|(cf, _)| cf).filter(runs).collect();
        self.drain.clear = None;
        self.drain.session = Some(Session {
            target,
            epoch,
            synced: cx.process.view().clone(),
            acked: BTreeMap::new(),
            pending: tracked.iter().copied().collect(),
            tracked,
            told: Told::NOT_YET,
        });
        self.drain.generated = epoch;
        self.drain.completed = None;
        cx.note(Note::DrainBegins { node: target, target_epoch: epoch });
        Ok(())
    }

    /// One more than the largest that anybody may know. It is as large as the nanoseconds of a clock, because earlier versions
    /// numbered orders by their clock.
    fn next_order(&self, tso: Epoch, cx: &Cx) -> Option<u64> {
        let (physical, logical) = (tso.0 >> LOGICAL_BITS, tso.0 & ((1 << LOGICAL_BITS) - 1));
        let oracle = physical.checked_mul(MILLISECOND)?.checked_add(logical)?;
        let clears = self.drain.clear.as_ref().map_or(0, |clear| clear.epoch);
        let known = [oracle, cx.now.wall.nanos(), self.drain.observed, self.drain.generated, clears];
        known.into_iter().max()?.checked_add(1)
    }

    /// What is left on a node. Maintainers that have begun to tell how far they are, or do not run any more, are not waited for
    /// again.
    pub(super) fn look_at_drain(&mut self, target: NodeId, cx: &Cx) -> Look {
        let maintainers = self.changefeeds.load(target);
        let operators = self.operators.touching(target);
        let (mut spans, mut moves, mut pending) = (0, 0, 0);
        if let Some(session) = self.drain.session.as_mut().filter(|session| session.target == target) {
            let order = session.epoch;
            let told = |cf: &ChangefeedId| {
                let progress = self.changefeeds.get(*cf)?.status.drain.as_ref()?;
                (progress.target == target && progress.target_epoch == order).then_some(progress)
            };
            let is_everything = cx.policy().coordinator.drain_scope.is_everything();
            if is_everything {
                session.tracked = self.changefeeds.iter().map(|(cf, _)| cf).collect();
                session.pending = session.tracked.iter().copied().collect();
            }
            for cf in &session.tracked {
                if let Some(progress) = told(cf).filter(|_| self.changefeeds.is_replicating(*cf)) {
                    spans += progress.spans;
                    moves += progress.moves;
                }
            }
            session.pending.retain(|cf| {
                let runs = self.changefeeds.get(*cf).is_some_and(|one| one.info.state.should_run());
                runs && (told(cf).is_none() || is_everything && !self.changefeeds.is_replicating(*cf))
            });
            pending = session.pending.len();
        }
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let known = self.drain.facts.of(target);
        Look {
            remaining: count(maintainers).max(count(operators)).max(spans).max(moves).max(count(pending)),
            state: self.drain.facts.state(target, cx.now.steady),
            draining: known.draining,
            stopping: known.stopping,
        }
    }

    /// A node is leaving the cluster. Before operators hear of it: whether it was drained, and nothing was left on it.
    pub(in crate::coordinator) fn is_drained(&mut self, gone: NodeId, cx: &Cx) -> bool {
        let has_session = self.drain.session.as_ref().is_some_and(|session| session.target == gone);
        has_session && self.look_at_drain(gone, cx).is_complete()
    }

    /// When operators have heard of it: its session ends, nobody waits for its word, and nothing is known of it.
    pub(in crate::coordinator) fn drain_on_node_removed(&mut self, gone: NodeId, drained: bool, cx: &mut Cx) {
        if let Some(session) = self.drain.session.take_if(|session| session.target == gone) {
            self.end_drain_session(session, cx);
            if drained {
                self.drain.completed = Some(gone);
            }
        }
        self.drain_acknowledged(gone, cx);
        if let Some(session) = &mut self.drain.session {
            session.acked.remove(&gone);
        }
        self.drain.facts.forget(gone);
        self.sync_freeze(cx);
    }

    /// What was ordered is void: all who were told have to say that they know.
    fn end_drain_session(&mut self, session: Session, cx: &mut Cx) {
        let Session { target, epoch, synced, .. } = session;
        let pending: BTreeSet<NodeId> = synced.intersection(cx.process.view()).copied().collect();
        cx.note(Note::DrainEnds { node: target, target_epoch: epoch });
        let clear = Clear { target, epoch, pending, told: Told::NOT_YET };
        self.drain.clear = Some(clear).filter(|clear| !clear.pending.is_empty());
        self.sync_freeze(cx);
        self.broadcast_drain(true, cx);
    }

    /// A node has joined that was drained under this very id before.
    pub(in crate::coordinator) fn drain_on_node_added(&mut self, node: NodeId) {
        self.drain.completed.take_if(|completed| *completed == node);
    }

    /// Tells the nodes of the session, or of what is being taken back, if it is time to.
    pub(in crate::coordinator) fn broadcast_drain(&mut self, force: bool, cx: &mut Cx) {
        let now = cx.now.steady;
        let (order, to, told) = match (&mut self.drain.session, &mut self.drain.clear) {
            (Some(session), _) => (session.order(), &session.synced, &mut session.told),
            (None, Some(clear)) => {
                let order = DrainOrder { target_epoch: clear.epoch, target: None };
                (order, &clear.pending, &mut clear.told)
            }
            (None, None) => return,
        };
        if !force && !told.is_due(now) {
            return;
        }
        *told = Told { dirty: false, at: Some(now) };
        let to: Vec<NodeId> = to.intersection(cx.process.view()).copied().collect();
        for node in to {
            let request = maintainer::Inbox::SetDispatcherDrainTargetRequest { order };
            cx.send(node, Place::Maintainers, request);
        }
    }

    /// A node that came after the session began has answered the bootstrap: it is told, too. Whether that is news.
    pub(super) fn sync_late_node(&mut self, node: NodeId, cx: &Cx) -> bool {
        let drains = self.drain.facts.drains(node);
        let Some(session) = self.drain.session.as_mut().filter(|_| drains) else { return false };
        let new = cx.process.view().contains(&node) && session.synced.insert(node);
        session.told.dirty |= new;
        new
    }

    /// A node has told which order it follows: one that nobody stands behind is taken back, and one that it has let go of is
    /// ticked off. Whether nodes are to be told anew.
    pub(super) fn observe_order(&mut self, from: NodeId, order: Option<DrainOrder>, cx: &mut Cx) -> bool {
        if self.drain.session.is_some() {
            return false;
        }
        let takes_part = self.has_to_clear(from, cx);
        let Some(clear) = &self.drain.clear else {
            if !takes_part {
                return false;
            }
            self.drain_epoch_observed(order);
            return match order {
                Some(DrainOrder { target: Some(target), target_epoch }) => {
                    self.take_back(target, target_epoch, cx)
                }
                _ => false,
            };
        };
        let clears = clear.epoch;
        if !clear.pending.contains(&from) && !takes_part {
            return false;
        }
        self.drain_epoch_observed(order);
        let Some(DrainOrder { target_epoch, target }) = order.filter(|order| order.target_epoch >= clears)
        else {
            return false;
        };
        match target {
            None => {
                self.drain_acknowledged(from, cx);
                false
            }
            Some(_) if target_epoch == clears => takes_part && self.add_pending(from),
            Some(target) => self.take_back(target, target_epoch, cx),
        }
    }

    fn drain_epoch_observed(&mut self, order: Option<DrainOrder>) {
        self.drain.observed = self.drain.observed.max(order.map_or(0, |order| order.target_epoch));
    }

    fn add_pending(&mut self, node: NodeId) -> bool {
        let Some(clear) = &mut self.drain.clear else { return false };
        let new = clear.pending.insert(node);
        clear.told.dirty |= new;
        new
    }

    /// An order is void for all who may follow it.
    fn take_back(&mut self, target: NodeId, epoch: u64, cx: &mut Cx) -> bool {
        let mut pending: BTreeSet<NodeId> =
            cx.process.view().iter().copied().filter(|node| self.has_to_clear(*node, cx)).collect();
        if epoch == 0 || pending.is_empty() || self.drain.session.is_some() {
            return false;
        }
        if let Some(clear) = &mut self.drain.clear {
            if clear.epoch > epoch {
                return false;
            }
            if clear.epoch == epoch {
                let before = clear.pending.len();
                clear.pending.append(&mut pending);
                let more = clear.pending.len() > before;
                clear.told.dirty |= more;
                return more;
            }
        }
        cx.note(Note::DrainOrderFound { node: target, target_epoch: epoch });
        self.drain.clear = Some(Clear { target, epoch, pending, told: Told::NOT_YET });
        true
    }

    /// Whether a node may follow an old order: it is there, and has answered the bootstrap.
    fn has_to_clear(&self, node: NodeId, cx: &Cx) -> bool {
        cx.process.view().contains(&node)
            && self.bootstrapper.is_initialized(node)
            && self.drain.facts.drains(node)
    }

    /// A node follows the void order no longer, or is gone.
    fn drain_acknowledged(&mut self, node: NodeId, cx: &mut Cx) {
        let Some(clear) = &mut self.drain.clear else { return };
        clear.pending.remove(&node);
        if let Some(Clear { target, epoch, .. }) = self.drain.clear.take_if(|clear| clear.pending.is_empty())
        {
            cx.note(Note::DrainCleared { node: target, target_epoch: epoch });
        }
    }

    /// All nodes have answered the bootstrap: the latest order that any of them follows is a predecessor's, and void.
    pub(in crate::coordinator) fn recover_drain(&mut self, cx: &mut Cx) {
        let told = std::mem::take(&mut self.drain.told).into_iter();
        let told = told.filter(|(node, _)| self.bootstrapper.is_initialized(*node));
        let told: Vec<DrainOrder> = told.filter_map(|(_, order)| order).collect();
        for order in &told {
            self.drain_epoch_observed(Some(*order));
        }
        let stale = told.into_iter().filter(|order| order.target.is_some());
        let stale = stale.max_by_key(|order| order.target_epoch);
        let known = self.drain.clear.as_ref().map(|clear| (clear.target, clear.epoch));
        self.drain.recovered = match (known, stale) {
            (Some((target, epoch)), stale) if stale.is_none_or(|order| epoch > order.target_epoch) => {
                self.take_back(target, epoch, cx)
            }
            (_, Some(DrainOrder { target: Some(target), target_epoch })) => {
                self.take_back(target, target_epoch, cx)
            }
            _ => false,
        };
    }

    /// The bootstrap has ended.
    pub(in crate::coordinator) fn tell_recovered_drain(&mut self, cx: &mut Cx) {
        if std::mem::take(&mut self.drain.recovered) {
            self.broadcast_drain(true, cx);
        }
    }
}
