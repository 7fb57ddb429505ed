//! At any moment, a changefeed has at most one active table trigger.
//!
//! For pingcap/ticdc#5436 and everything else that leaves two of them: they execute DDLs without asking anybody. An active
//! one gets events, and its manager may write. Three things are reported separately, each once per run:
//!
//! * *active*: two table triggers of a changefeed are active;
//! * *twice*: a DDL was executed again after it had been recorded as finished;
//! * *regress*: a record of how far a table is with its DDLs (`ddl_ts`) went back.

use std::collections::BTreeMap;

use sim::{StepId, What};

use crate::{
    Actor, Addr, ChangefeedId, DispatcherId, NodeId, Place, Record, Sim, TableId, Ts,
    invariants::{Invariant, Named, Sight, Sort, Told, Violation},
    sink,
};

const NAME: &str = "one_ddl_owner";

pub(super) const NAMED: Named = Named {
    name: NAME,
    promise: "a changefeed has at most one active table trigger, and no DDL is forgotten or done again",
    bugs: &["#5083", "#5436", "#2768"],
    aspects: &[
        ("active", "two table triggers of a changefeed get events, and their managers may write"),
        ("twice", "a DDL was executed again after it had been recorded as finished"),
        ("regress", "the record of how far a table is with its DDLs (`ddl_ts`) went back"),
    ],
    sight: Sight::of(&[]).news(&[Sort::Dispatchers, Sort::Rows, Sort::Sink]),
    make: || Box::new(OneDdlOwner::default()),
};

/// An active table trigger, and since when it is.
type Trigger = (ChangefeedId, DispatcherId, StepId);

/// The active table triggers of a node.
#[derive(Default)]
struct Active {
    /// The revision of the node at which that was looked up.
    revision: u64,
    triggers: Vec<Trigger>,
}

/// What was last recorded about a table.
#[derive(Clone, Copy)]
struct Recorded {
    ts: Ts,
    finished: bool,
    step: StepId,
}

#[derive(Default)]
pub(super) struct OneDdlOwner {
    active: BTreeMap<NodeId, Active>,
    recorded: BTreeMap<(ChangefeedId, TableId), Recorded>,
    finished: BTreeMap<(ChangefeedId, Ts), StepId>,
    told: Told,
}

impl Invariant for OneDdlOwner {
    fn observe(&mut self, sim: &Sim, record: &Record, found: &mut Vec<Violation>) {
        match &record.what {
            What::Step { actor: Addr::Node(node, Place::Dispatchers), .. } => {
                self.look_at(*node, sim, record.id, found)
            }
            What::Step { actor: Addr::Sink, .. } => {
                for note in &record.notes {
                    if let crate::Note::Sink(note) = note {
                        self.downstream(note, record.id, found);
                    }
                }
            }
            What::Fault(_) => self.active.retain(|node, _| {
                let addr = Addr::Node(*node, Place::Dispatchers);
                sim.machines().any(|(present, _)| present == addr) && sim.is_up(sim.host_of(addr))
            }),
            _ => {}
        }
    }
}

impl OneDdlOwner {
    /// Looks who is active on a node, if that may have changed.
    fn look_at(&mut self, node: NodeId, sim: &Sim, step: StepId, found: &mut Vec<Violation>) {
        let Actor::Dispatchers(all) = sim.machine(Addr::Node(node, Place::Dispatchers)) else { return };
        let Active { revision, triggers } = self.active.entry(node).or_default();
        if std::mem::replace(revision, all.revision()) == all.revision() {
            return;
        }
        let before = std::mem::take(triggers);
        for manager in all.managers() {
            let (cf, Some(id)) = (manager.changefeed(), manager.active_trigger()) else { continue };
            let known = before.iter().find(|(_, one, _)| *one == id);
            let since = known.map_or(step, |(.., since)| *since);
            if since == step {
                self.come(node, (cf, id, since), found);
            }
            self.active.entry(node).or_default().triggers.push((cf, id, since));
        }
    }

    /// A table trigger is active from now on: is there another one?
    fn come(&mut self, node: NodeId, (cf, id, since): Trigger, found: &mut Vec<Violation>) {
        let all =
            self.active.iter().flat_map(|(node, active)| active.triggers.iter().map(move |one| (node, one)));
        let mut others = all.filter(|(_, (theirs, other, _))| *theirs == cf && *other != id);
        if let Some((there, (_, other, theirs))) = others.next() {
            let what = format!("{cf} has two active table triggers: {other} on {there} and {id} on {node}");
            let because = vec![*theirs, since];
            self.told.once(NAME, "active", what, because, found);
        }
    }

    fn downstream(&mut self, note: &sink::Note, step: StepId, found: &mut Vec<Violation>) {
        match note {
            sink::Note::DdlApplied { cf, ddl, .. } => {
                if let Some(finished) = self.finished.get(&(*cf, ddl.commit)) {
                    let what =
                        format!("{ddl} of {cf} was executed again after it had been recorded as finished");
                    let because = vec![*finished, step];
                    self.told.once(NAME, "twice", what, because, found);
                }
            }
            sink::Note::DdlTsWritten { cf, tables, ts, finished, syncpoint, deleted, .. } => {
                for table in tables {
                    self.record((*cf, *table), Recorded { ts: *ts, finished: *finished, step }, found);
                }
                deleted.iter().for_each(|table| _ = self.recorded.remove(&(*cf, *table)));
                if *finished && !syncpoint {
                    self.finished.entry((*cf, *ts)).or_insert(step);
                }
            }
            sink::Note::DdlTsForgotten { cf, .. } => {
                self.recorded.retain(|(one, _), _| one != cf);
                self.finished.retain(|(one, _), _| one != cf);
            }
            _ => {}
        }
    }

    /// Something is recorded about a table.
    fn record(&mut self, key: (ChangefeedId, TableId), new: Recorded, found: &mut Vec<Violation>) {
        let Some(old) = self.recorded.insert(key, new) else { return };
        if (new.ts, new.finished) < (old.ts, old.finished) {
            let (cf, table) = key;
            let told = |one: Recorded| {
                format!("{} ({})", one.ts, if one.finished { "finished" } else { "unfinished" })
            };
            let what = format!("the ddl_ts of {table} of {cf} went back from {} to {}", told(old), told(new));
            self.told.once(NAME, "regress", what, vec![old.step, new.step], found);
        }
    }
}
