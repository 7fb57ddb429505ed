//! Every error that a maintainer tells its coordinator reaches the state of its changefeed, and none is told for ever.
//!
//! For pingcap/ticdc#5709, #5424 and everything else that drops an error because of what comes along with it: a changefeed whose
//! downstream fails would stay normal, and nobody would start it again. An error counts if it comes from the node that has the
//! changefeed, and in its generation. What comes together with a checkpoint that has moved on is not looked at, in every version;
//! its manager tells the error again after 5 s. Reported separately, each once per run:
//!
//! * *dropped*: an error that no retry mends has been told, and the coordinator goes on as if there were none;
//! * *unheard*: the same error has been told again and again for 15 s, and the coordinator goes on as if there were none;
//! * *lost*: when the cluster has settled, a dispatcher manager still tells of an error, and its changefeed counts as one without.

use std::collections::{BTreeMap, BTreeSet};

use sim::{Duration, Input, Instant, StepId, What};

use crate::{
    Actor, Addr, ChangefeedId, Msg, NodeId, Note, Place, Record, RunningError, Sim,
    coordinator::{self, Coordinator, Heard, Inbox},
    etcd::{FeedState, Key, Value},
    invariants::{Invariant, Named, Sight, Sort, Violation},
};

const NAME: &str = "error_is_heard";

pub(super) const NAMED: Named = Named {
    name: NAME,
    promise: "every error that a maintainer tells its coordinator reaches the state of its changefeed",
    bugs: &["#5709", "#5779", "#5424", "#3953"],
    aspects: &[
        (
            "dropped",
            "a coordinator was told of an error that no retry mends, and went on as if there were none",
        ),
        ("unheard", "a coordinator was told of an error for 15 s, and went on as if there were none"),
        (
            "lost",
            "in the end a dispatcher manager tells of an error, and its changefeed counts as one without",
        ),
    ],
    sight: Sight::of(&[Sort::Coordinator]),
    make: || Box::new(ErrorIsHeard::default()),
};

#[derive(Default)]
pub(super) struct ErrorIsHeard {
    /// What a coordinator had heard of errors before.
    heard: BTreeMap<(NodeId, ChangefeedId), Heard>,
    /// Errors that a coordinator has been told of, and that have not counted yet.
    told: BTreeMap<(NodeId, ChangefeedId), Told>,
    reported: BTreeSet<&'static str>,
}

/// An error that a coordinator has been told of.
struct Told {
    by: NodeId,
    why: &'static str,
    first: (StepId, Instant),
    last: (StepId, Instant),
    /// What the coordinator had heard before.
    before: Heard,
}

/// An error that is not told again for so long is over.
const OVER: Duration = Duration::from_secs(8);
/// For so long an error may be told before it counts.
const PATIENCE: Duration = Duration::from_secs(15);

impl Invariant for ErrorIsHeard {
    fn observe(&mut self, sim: &Sim, record: &Record, found: &mut Vec<Violation>) {
        let What::Step { actor: at @ Addr::Node(node, Place::Coordinator), input } = &record.what else {
            return;
        };
        let Actor::Coordinator(one) = sim.machine(*at) else { return };
        if !one.is_initialized() {
            self.told.retain(|(its, _), _| its != node);
            return;
        }
        if let Input::Message { from, msg: Msg::Coordinator(Inbox::MaintainerHeartbeat { statuses }) } = input
            && let Some(from) = from.node()
        {
            for status in statuses {
                let key = (*node, status.cf);
                if let Some(RunningError { text: why, .. }) = status.err
                    && let Some(before) = self.heard.get(&key)
                    && one.listens_to(from, status)
                {
                    let now = (record.id, record.at);
                    let fresh = Told { by: from, why, first: now, last: now, before: *before };
                    self.told.entry(key).and_modify(|told| told.again(&fresh)).or_insert(fresh);
                }
            }
        }
        for note in &record.notes {
            if let Note::Coordinator(coordinator::Note::StaleStatus { cf, .. }) = note {
                self.told.remove(&(*node, *cf));
            }
        }
        if !one.has_events() {
            self.judge(*node, one, record.id, found);
        }
        for (cf, heard) in one.heard() {
            self.heard.insert((*node, cf), heard);
        }
    }

    fn settled(&mut self, sim: &Sim, found: &mut Vec<Violation>) {
        let Actor::Etcd(etcd) = sim.machine(Addr::Etcd) else { return };
        let up = || sim.machines().filter(|(addr, _)| sim.is_up(sim.host_of(*addr)));
        for (addr, actor) in up() {
            let Actor::Dispatchers(all) = actor else { continue };
            for manager in all.managers().filter(|one| one.is_open()) {
                let (cf, Some(why)) = (manager.changefeed(), manager.reported_error()) else { continue };
                let info = etcd.get(Key::Info(cf)).map(|stored| &stored.value);
                let normal = matches!(info, Some(Value::Info(info)) if info.state == FeedState::Normal);
                let known = up().any(|(_, actor)| match actor {
                    Actor::Coordinator(one) => {
                        one.heard().any(|(its, heard)| its == cf && heard.is_in_series())
                    }
                    _ => false,
                });
                let reaches = is_in_reach(sim, addr, manager.owner().node);
                if normal && !known && reaches && self.reported.insert("lost") {
                    let what = format!(
                        "the manager of {cf} at {addr} tells of an error (`{why}`), and {cf} is normal"
                    );
                    found.push(Violation { invariant: NAME, aspect: "lost", what, because: Vec::new() });
                }
            }
        }
    }
}

/// Whether what a manager tells can come to whoever leads, by way of its maintainer: a link that is broken now stays so for ever.
fn is_in_reach(sim: &Sim, manager: Addr, owner: Option<NodeId>) -> bool {
    let host = |addr: Addr| sim.host_of(addr);
    let open = |from, to| from == to || !sim.is_broken(from, to) && !sim.is_broken(to, from);
    let maintainer = owner.map_or(host(manager), |node| host(Addr::Node(node, Place::Maintainers)));
    let mut coordinators = sim.machines().filter(|(addr, _)| sim.is_up(host(*addr)));
    open(host(manager), maintainer)
        && coordinators.all(|(addr, actor)| match actor {
            Actor::Coordinator(one) if one.leads() => open(maintainer, host(addr)),
            _ => true,
        })
}

impl Told {
    /// It is told once more, or another one is, or after a long time.
    fn again(&mut self, now: &Told) {
        let fresh = now.by != self.by || now.last.1.since(self.last.1) > OVER;
        if fresh {
            (self.first, self.before) = (now.first, now.before);
        }
        (self.by, self.why, self.last) = (now.by, now.why, now.last);
    }
}

impl ErrorIsHeard {
    /// A coordinator has handled everything that it was told.
    fn judge(&mut self, node: NodeId, one: &Coordinator, step: StepId, found: &mut Vec<Violation>) {
        let reported = &mut self.reported;
        self.told.retain(|(at, cf), told| {
            if *at != node {
                return true;
            }
            let Some((_, now)) = one.heard().find(|(known, _)| known == cf) else { return false };
            if now != told.before || now.is_given_up() {
                return false;
            }
            let aspect = match () {
                () if coordinator::fails_fast(told.why) => "dropped",
                () if told.last.1.since(told.first.1) >= PATIENCE => "unheard",
                () => return true,
            };
            if reported.insert(aspect) {
                let Told { by, why, .. } = told;
                let what = format!(
                    "the coordinator on {node} was told by {by} of an error of {cf} (`{why}`), and went on as before"
                );
                let mut because = vec![told.first.0, told.last.0, step];
                because.dedup();
                found.push(Violation { invariant: NAME, aspect, what, because });
            }
            false
        });
    }
}
