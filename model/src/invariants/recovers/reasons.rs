//! Why a changefeed does not go on: who waits for what from whom, and what that one has dropped.

use std::{collections::BTreeMap, fmt};

use sim::{Kind as _, Loss, What};

use crate::{
    Actor, Addr, ChangefeedId, Msg, NodeId, Note, Pending, Place, Record, coordinator, dispatchers,
    invariants::recovers::Settled,
    maintainer::{self, Maintainer},
};

/// So many reasons are told of a changefeed.
const TOLD: usize = 6;

/// What has been dropped, counted by who dropped whose messages about what.
#[derive(Default)]
pub(super) struct Dropped {
    refused: BTreeMap<(NodeId, NodeId, ChangefeedId), Refused>,
    lost: BTreeMap<(NodeId, NodeId), Lost>,
}

/// What a node has refused of another one.
struct Refused {
    count: u64,
    /// The last of them.
    last: Note,
}

/// What of a node's messages has not reached another one.
struct Lost {
    count: u64,
    kind: usize,
    why: Loss,
}

impl Dropped {
    #[inline]
    pub(super) fn observe(&mut self, record: &Record) {
        match &record.what {
            What::Step { actor: Addr::Node(node, _), .. } if !record.notes.is_empty() => {
                for note in &record.notes {
                    self.refuses(*node, note);
                }
            }
            What::Lost { from: Addr::Node(from, _), to: Addr::Node(to, _), msg, why } => {
                let lost = self.lost.entry((*to, *from)).or_insert(Lost { count: 0, kind: 0, why: *why });
                *lost = Lost { count: lost.count + 1, kind: msg.kind(), why: *why };
            }
            _ => {}
        }
    }

    fn refuses(&mut self, node: NodeId, note: &Note) {
        use {coordinator::Note as C, dispatchers::Note as D, maintainer::Note as M};
        let (cf, from) = match note {
            Note::Dispatchers(
                D::StaleRefused { cf, from, .. }
                | D::Ignored { cf, from, .. }
                | D::ClosedEpochRefused { cf, from, .. }
                | D::TakeoverRefused { cf, from, .. },
            ) => (*cf, *from),
            Note::Maintainers(M::StaleResponse { cf, from, .. }) => (*cf, *from),
            Note::Coordinator(C::StaleStatus { cf, node, .. }) => (*cf, *node),
            _ => return,
        };
        let refused =
            self.refused.entry((node, from, cf)).or_insert_with(|| Refused { count: 0, last: note.clone() });
        refused.count += 1;
        refused.last.clone_from(note);
    }

    /// What `node` has dropped of what `from` has sent it about a changefeed.
    fn by(&self, node: NodeId, from: NodeId, cf: Option<ChangefeedId>) -> impl fmt::Display {
        fmt::from_fn(move |f| {
            if let Some(refused) = cf.and_then(|cf| self.refused.get(&(node, from, cf))) {
                return write!(f, ", which dropped {}: {}", requests(refused.count), Why(&refused.last));
            }
            // What it should have answered, or what it has said.
            if let Some(Lost { count, kind, why }) = self.lost.get(&(node, from)) {
                let name = Msg::name(*kind);
                return write!(f, ", which {} did not reach, the last a {name}: {why}", messages(*count));
            }
            if let Some(Lost { count, kind, why }) = self.lost.get(&(from, node)) {
                let name = Msg::name(*kind);
                return write!(f, ", of which {} were lost, the last a {name}: {why}", messages(*count));
            }
            Ok(())
        })
    }
}

fn requests(count: u64) -> String {
    if count == 1 { "1 request".to_owned() } else { format!("{count} requests") }
}

fn messages(count: u64) -> String {
    if count == 1 { "1 message".to_owned() } else { format!("{count} messages") }
}

/// Why something was refused: in what it was, and in what it should have been.
struct Why<'a>(&'a Note);

impl fmt::Display for Why<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use {coordinator::Note as C, dispatchers::Note as D, maintainer::Note as M};
        let name = Note::name(self.0.kind());
        let compared = |f: &mut fmt::Formatter<'_>, epoch: crate::Epoch, current: crate::Epoch| {
            let order = match epoch.cmp(&current) {
                std::cmp::Ordering::Less => "<",
                std::cmp::Ordering::Equal => "=",
                std::cmp::Ordering::Greater => ">",
            };
            write!(f, "{name} {epoch} {order} {current}")
        };
        match self.0 {
            Note::Dispatchers(D::StaleRefused { epoch, owner, current, from, .. }) => {
                compared(f, *epoch, *current)?;
                match owner.filter(|owner| owner != from) {
                    Some(owner) => write!(f, " of {owner}"),
                    None => Ok(()),
                }
            }
            Note::Dispatchers(D::ClosedEpochRefused { epoch, closed, .. }) => compared(f, *epoch, *closed),
            Note::Maintainers(M::StaleResponse { epoch, current, .. })
            | Note::Coordinator(C::StaleStatus { epoch, current, .. }) => compared(f, *epoch, *current),
            Note::Dispatchers(D::Ignored { why, .. } | D::TakeoverRefused { why, .. }) => {
                write!(f, "{name} `{why}`")
            }
            other => write!(f, "{other}"),
        }
    }
}

impl Settled<'_> {
    /// What a changefeed waits for.
    pub(super) fn why(&self, cf: ChangefeedId) -> String {
        let mut reasons: Vec<String> = Vec::new();
        let mut leads = false;
        for (addr, actor) in self.up() {
            let Some(node) = addr.node() else { continue };
            match actor {
                Actor::Coordinator(one) if one.leads() => {
                    leads = true;
                    reasons.push(self.placed(addr, one, cf));
                    self.tell(addr, node, cf, one.pending(), &mut reasons);
                }
                Actor::Maintainers(all) => {
                    for one in all.all().filter(|one| one.changefeed() == cf) {
                        let before = reasons.len();
                        self.tell(addr, node, cf, one.pending(), &mut reasons);
                        if reasons.len() == before {
                            let epoch = one.epoch();
                            reasons.push(format!("{addr} maintains {cf} ({epoch}), and waits for nothing"));
                        }
                    }
                }
                Actor::Dispatchers(all) => {
                    self.tell(addr, node, cf, all.pending(cf), &mut reasons);
                    for owner in all.managers().filter(|one| one.changefeed() == cf && one.is_open()) {
                        if let Some(owner) = owner.owner().node
                            && self.maintainers(cf).all(|(node, _)| node != owner)
                        {
                            reasons.push(format!("{addr} reports to {owner}, where nobody maintains {cf}"));
                        }
                    }
                }
                Actor::Server(one) => self.tell(addr, node, cf, one.pending(), &mut reasons),
                _ => {}
            }
        }
        let sink =
            self.services.sink.pending().into_iter().map(|pending| format!("{} {pending}", Addr::Sink));
        reasons.extend(sink);
        if !leads {
            reasons.insert(0, "nobody coordinates".to_owned());
        }
        if self.maintainers(cf).next().is_none() {
            reasons.push(format!("nobody maintains {cf}"));
        }
        let more = reasons.len().saturating_sub(TOLD);
        reasons.truncate(TOLD);
        if more > 0 {
            reasons.push(format!("and {more} more"));
        }
        reasons.join("; ")
    }

    /// What the coordinator thinks of a changefeed.
    fn placed(&self, addr: Addr, one: &coordinator::Coordinator, cf: ChangefeedId) -> String {
        match one.placement(cf) {
            _ if !one.is_initialized() => format!("{addr} has not bootstrapped"),
            Some((Some(at), how)) => format!("{addr} has {cf} {how} on {at}"),
            Some((None, how)) => format!("{addr} has {cf} {how}"),
            None => format!("{addr} does not know {cf}"),
        }
    }

    /// Whether somebody waits, on behalf of a changefeed, for a node that has not healed, or over a link that has not.
    pub(super) fn waits_outside(&self, cf: ChangefeedId) -> bool {
        self.up().any(|(addr, actor)| {
            // What a maintainer has come to it tells its coordinator.
            if let Actor::Coordinator(one) = actor
                && one.leads()
                && let Some((Some(node), _)) = one.placement(cf)
                && self.is_out_of_reach(addr, node)
            {
                return true;
            }
            let (pending, services): (_, &[Addr]) = match actor {
                // Changefeeds are given to nodes one after the other, and each of them takes a timestamp.
                Actor::Coordinator(one) if one.has_bumps() => (one.pending(), &[Addr::Pd]),
                Actor::Coordinator(one) => (one.pending(), &[]),
                Actor::Maintainers(all) => (all.all().flat_map(Maintainer::pending).collect(), &[]),
                Actor::Dispatchers(all) => (all.pending(cf), &[Addr::Sink, Addr::Upstream]),
                _ => (Vec::new(), &[]),
            };
            let cut_off = services.iter().any(|service| self.is_cut_off(addr, *service));
            let mut its = pending.iter().filter(|one| one.cf.is_none_or(|its| its == cf));
            its.any(|one| cut_off || one.from.is_some_and(|node| self.is_out_of_reach(addr, node)))
        })
    }

    /// Whether a link between an actor that has not healed and a service is broken for ever.
    fn is_cut_off(&self, addr: Addr, service: Addr) -> bool {
        let (here, there) = (self.sim.host_of(addr), self.sim.host_of(service));
        self.is_outside(addr) && (self.sim.is_broken(here, there) || self.sim.is_broken(there, here))
    }

    /// Whether a node is broken for ever, or a link between the host of an actor and it.
    fn is_out_of_reach(&self, addr: Addr, node: NodeId) -> bool {
        let (here, there) = (self.sim.host_of(addr), self.sim.host_of(Addr::Node(node, Place::Dispatchers)));
        let broken = self.sim.is_broken(here, there) || self.sim.is_broken(there, here);
        self.core.is_some() && (broken || !self.sim.is_running(there))
    }

    /// What one machine waits for on behalf of a changefeed: the first thing.
    pub(super) fn first(&self, addr: Addr, cf: ChangefeedId, pending: Vec<Pending>) -> String {
        let mut reasons = Vec::new();
        if let Some(node) = addr.node() {
            self.tell(addr, node, cf, pending, &mut reasons);
        }
        reasons.truncate(1);
        reasons.pop().map_or(String::new(), |reason| format!("; {reason}"))
    }

    /// What a machine waits for on behalf of a changefeed, with what the one who owes it has dropped.
    fn tell(
        &self,
        addr: Addr,
        node: NodeId,
        cf: ChangefeedId,
        pending: Vec<Pending>,
        reasons: &mut Vec<String>,
    ) {
        for one in pending.into_iter().filter(|one| one.cf.is_none_or(|its| its == cf)) {
            let mut reason = format!("{addr} {one}");
            if let Some(from) = one.from {
                reason += &match self.up().any(|(addr, _)| addr.node() == Some(from)) {
                    true => self.dropped.by(from, node, one.cf).to_string(),
                    false => ", which is not there".to_owned(),
                };
            }
            reasons.push(reason);
        }
    }
}
