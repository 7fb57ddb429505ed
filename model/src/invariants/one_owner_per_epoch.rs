//! Of two owners of a changefeed it can be told which is the later one, from their epochs.
//!
//! For the drafts pingcap/ticdc#5181 and pingcap/ticdc#5182, and for pingcap/ticdc#5434, which persists an epoch before anybody
//! is told. Receivers can fence an earlier owner only if no two have the same epoch, and a coordinator that fails must not give its
//! successor a reason to take the present owner for an earlier one. Four things are reported separately, each once per
//! run:
//!
//! * *shared*: an epoch is given to two nodes;
//! * *unpersisted*: one is sent to a node before it is persisted;
//! * *lowered*: what is persisted becomes smaller;
//! * *memory*: when the cluster has settled, the coordinator takes another epoch for the present one than is persisted. At the
//!   next failover its owner counts as one of another generation.
//!
//! Owners without an epoch do not count: a version that gives none breaks nothing here, whatever epochs it writes down. What is
//! persisted, and what a coordinator has in memory, counts from the first epoch on that somebody is told, or that is persisted for an
//! owner. Where versions share a cluster, what a coordinator has in memory that names no epoch to owners does not count: nobody hears of it.

use std::collections::{BTreeMap, BTreeSet};

use sim::{Input, StepId, What};

use crate::{
    Actor, Addr, ChangefeedId, Epoch, Msg, NodeId, Note, Place, Record, Sim,
    coordinator::Note as Said,
    etcd::{self, Etcd, Key, Op, Value},
    invariants::{Invariant, Named, Sight, Sort, Told, Violation},
    maintainer,
};

const NAME: &str = "one_owner_per_epoch";

pub(super) const NAMED: Named = Named {
    name: NAME,
    promise: "of two owners of a changefeed it can be told which is the later one, from their epochs",
    bugs: &["#5434", "#5181", "#5182", "#2968", "#3668"],
    aspects: &[
        ("shared", "two nodes were told to maintain a changefeed with the same epoch"),
        ("unpersisted", "a node was sent an epoch of a changefeed that was not persisted then"),
        ("lowered", "the persisted epoch of a changefeed became smaller"),
        ("memory", "in the end the coordinator takes another epoch for the present one than is persisted"),
    ],
    sight: Sight::of(&[Sort::Etcd, Sort::Maintainers]).news(&[Sort::Coordinator]),
    make: || Box::new(OneOwnerPerEpoch::default()),
};

#[derive(Default)]
pub(super) struct OneOwnerPerEpoch {
    /// Who was told to maintain a changefeed, by its epoch.
    owners: BTreeMap<(ChangefeedId, Epoch), (NodeId, StepId)>,
    persisted: BTreeMap<ChangefeedId, (Epoch, StepId)>,
    /// When the present run of larger and larger epochs came to each of them.
    reached: BTreeMap<ChangefeedId, BTreeMap<Epoch, StepId>>,
    /// Whether an epoch has been given to anybody.
    counts: bool,
    /// The coordinators that give none to owners.
    silent: BTreeSet<Addr>,
    told: Told,
}

impl Invariant for OneOwnerPerEpoch {
    fn observe(&mut self, sim: &Sim, record: &Record, found: &mut Vec<Violation>) {
        let persists = |note: &Note| matches!(note, Note::Coordinator(Said::EpochPersisted { .. }));
        self.counts = self.counts || record.notes.iter().any(persists);
        let What::Step { actor, input: Input::Message { from, msg, .. } } = &record.what else { return };
        match (actor, msg) {
            (Addr::Etcd, Msg::Etcd(etcd::Inbox::TxnRequest { then, .. })) => {
                for op in then {
                    if let Op::Put { key: Key::Info(cf), .. } | Op::Delete(Key::Info(cf)) = op {
                        self.on_persisted(sim, *cf, record.id, found);
                    }
                }
            }
            (
                Addr::Node(node, Place::Maintainers),
                Msg::Maintainers(maintainer::Inbox::AddMaintainerRequest { cf, epoch, .. }),
            ) => {
                if *epoch == Epoch::NONE {
                    self.silent.insert(*from);
                } else {
                    self.on_told(sim, *node, *cf, *epoch, record, found);
                }
            }
            _ => {}
        }
    }

    fn settled(&mut self, sim: &Sim, found: &mut Vec<Violation>) {
        if !self.counts {
            return;
        }
        let Some(etcd) = etcd(sim) else { return };
        // One that is paused for ever may believe what it likes.
        let paused = |addr| sim.is_up(sim.host_of(addr)) && !sim.is_running(sim.host_of(addr));
        for (addr, actor) in sim.machines().filter(|(addr, _)| !paused(*addr)) {
            let Actor::Coordinator(one) = actor else { continue };
            if self.silent.contains(&addr) {
                continue;
            }
            for (cf, known) in one.epochs() {
                if let Some(epoch) = persisted(etcd, cf).filter(|epoch| *epoch != known) {
                    let what =
                        format!("{addr} takes {known} for the epoch of {cf}, and {epoch} is persisted");
                    self.told.once(NAME, "memory", what, Vec::new(), found);
                }
            }
        }
    }
}

impl OneOwnerPerEpoch {
    fn on_persisted(&mut self, sim: &Sim, cf: ChangefeedId, step: StepId, found: &mut Vec<Violation>) {
        let Some(epoch) = etcd(sim).and_then(|etcd| persisted(etcd, cf)) else {
            self.persisted.remove(&cf);
            return;
        };
        self.reached.entry(cf).or_default().entry(epoch).or_insert(step);
        if let Some((before, earlier)) = self.persisted.insert(cf, (epoch, step))
            && epoch < before
            && self.counts
        {
            let what = format!("the persisted epoch of {cf} goes from {before} back to {epoch}");
            self.told.once(NAME, "lowered", what, vec![earlier, step], found);
        }
    }

    fn on_told(
        &mut self,
        sim: &Sim,
        node: NodeId,
        cf: ChangefeedId,
        epoch: Epoch,
        record: &Record,
        found: &mut Vec<Violation>,
    ) {
        self.counts = true;
        let step = record.id;
        let (other, earlier) = *self.owners.entry((cf, epoch)).or_insert((node, step));
        if other != node {
            let what = format!("{other} and {node} are told to maintain {cf} with {epoch}");
            self.told.once(NAME, "shared", what, vec![earlier, step], found);
        }
        if let Some(known) = etcd(sim).and_then(|etcd| persisted(etcd, cf)).filter(|known| epoch > *known) {
            let what = format!("{node} is told to maintain {cf} with {epoch}, and {known} is persisted");
            return self.told.once(NAME, "unpersisted", what, vec![step], found);
        }
        let sent = record.cause.unwrap_or(step);
        let reached = self.reached.get(&cf).and_then(|reached| reached.get(&epoch));
        if let Some(persisted) = reached.copied().filter(|persisted| *persisted > sent) {
            let what = format!("{node} was sent {epoch} of {cf}, and it was persisted only then");
            self.told.once(NAME, "unpersisted", what, vec![sent, persisted, step], found);
        }
    }
}

fn etcd(sim: &Sim) -> Option<&Etcd> {
    sim.machines().find_map(|(_, actor)| if let Actor::Etcd(etcd) = actor { Some(&**etcd) } else { None })
}

fn persisted(etcd: &Etcd, cf: ChangefeedId) -> Option<Epoch> {
    match etcd.get(Key::Info(cf)) {
        Some(etcd::Kv { value: Value::Info(info), .. }) => Some(info.epoch),
        _ => None,
    }
}
