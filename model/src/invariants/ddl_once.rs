//! Every DDL is executed once, by one dispatcher, after all rows before it and before any row after it.
//!
//! For pingcap/ticdc#1643, #3663, #3799, #5401 and everything else that lets a barrier open too early, twice, or never. It is
//! about the tables that a DDL concerns; a syncpoint concerns all tables, and is watched, too. Reported separately, each once
//! per run:
//!
//! * *twice*: one was begun while another dispatcher was still at it, or after it had been recorded as finished (a replay of
//!   what did not come to its end, because its process has died or its manager is closed, is declared);
//! * *early*: one was begun before a row before it was downstream;
//! * *late*: one was executed after a row after it;
//! * *overtaken*: a row before one was written after it.
//!
//! That none is left out is a matter of the checkpoint: `checkpoint_safe (skipped)`.
//!
//! A log has no record of what has been executed, so there whatever starts again replays: only *early* and *late* are watched,
//! of a first execution.

use std::collections::BTreeMap;

use sim::{Input, StepId, What};

use crate::{
    Actor, Addr, ChangefeedId, DispatcherId, IsRedo, Msg, NodeId, Place, Record, RowKind, Sim, TableId, Ts,
    dispatchers::{self, EventKey},
    invariants::{Invariant, Named, Sight, Sort, Told, Violation},
    sink::{self, Sink},
    upstream::{History, Upstream},
};

const NAME: &str = "ddl_once";

pub(super) const NAMED: Named = Named {
    name: NAME,
    promise: "every DDL is executed once, by one dispatcher, after all rows before it and before any row after it",
    bugs: &["#1587", "#1643", "#3663", "#3799", "#3974", "#4398", "#5401"],
    aspects: &[
        (
            "twice",
            "a dispatcher began a DDL or syncpoint that another one was still at, or that had been recorded as finished",
        ),
        ("early", "a DDL or syncpoint reached the downstream before a row before it"),
        ("late", "it was executed after a row after it"),
        ("overtaken", "a row before a DDL was written after it"),
    ],
    sight: Sight::of(&[Sort::Sink]).news(&[Sort::Dispatchers, Sort::Rows]),
    make: || Box::new(DdlOnce::default()),
};

/// A dispatcher that is at an event.
#[derive(Clone, Copy)]
struct Attempt {
    node: NodeId,
    id: DispatcherId,
    since: StepId,
}

#[derive(Default)]
pub(super) struct DdlOnce {
    attempts: BTreeMap<(ChangefeedId, EventKey), Vec<Attempt>>,
    /// What was executed first, and what was recorded as finished.
    executed: BTreeMap<(ChangefeedId, EventKey), StepId>,
    finished: BTreeMap<(ChangefeedId, EventKey), StepId>,
    /// Up to where all rows of a table have been found downstream.
    fed: BTreeMap<(ChangefeedId, TableId), Ts>,
    /// The highest commit among the rows of a table that were written.
    highest: BTreeMap<(ChangefeedId, TableId), (Ts, StepId)>,
    /// The last DDL that was executed on a table.
    last: BTreeMap<(ChangefeedId, TableId), (Ts, StepId)>,
    told: Told,
}

/// What the services know.
struct World<'a> {
    history: &'a History,
    sink: &'a Sink,
}

impl<'a> World<'a> {
    fn of(sim: &'a Sim) -> Option<World<'a>> {
        match (sim.machine(Addr::Upstream), sim.machine(Addr::Sink)) {
            (Actor::Upstream(upstream), Actor::Sink(sink)) => {
                Some(World { history: Upstream::history(upstream), sink })
            }
            _ => None,
        }
    }
}

impl Invariant for DdlOnce {
    fn observe(&mut self, sim: &Sim, record: &Record, found: &mut Vec<Violation>) {
        match &record.what {
            What::Step { actor: Addr::Sink, input } => {
                if let Input::Message { msg: Msg::Sink(inbox), .. } = input {
                    self.received(sim, inbox, record.id, found);
                }
                for note in &record.notes {
                    if let crate::Note::Sink(note) = note {
                        self.downstream(sim, note, record.id, found);
                    }
                }
            }
            What::Step { actor: Addr::Node(node, Place::Dispatchers), .. } => {
                for note in &record.notes {
                    if let crate::Note::Dispatchers(note) = note {
                        self.on_node(sim, *node, note, record.id, found);
                    }
                }
            }
            _ => {}
        }
    }
}

impl DdlOnce {
    fn on_node(
        &mut self,
        sim: &Sim,
        node: NodeId,
        note: &dispatchers::Note,
        step: StepId,
        found: &mut Vec<Violation>,
    ) {
        match note {
            // What is written to the redo log is no execution.
            dispatchers::Note::BlockEventWritten { redo: IsRedo(true), .. }
            | dispatchers::Note::BlockEventFailed { redo: IsRedo(true), .. } => {}
            dispatchers::Note::BlockEventWritten { cf, id, event, .. } => {
                let key = EventKey { ts: event.commit(), syncpoint: event.is_sync_point() };
                self.begins(sim, (*cf, key), Attempt { node, id: *id, since: step }, found);
            }
            dispatchers::Note::BlockEventFailed { cf, id, event, .. } => {
                let key = EventKey { ts: event.commit(), syncpoint: event.is_sync_point() };
                let attempts = self.attempts.entry((*cf, key)).or_default();
                attempts.retain(|attempt| (attempt.node, attempt.id) != (node, *id));
            }
            _ => {}
        }
    }

    /// A dispatcher is at an event from now on: is another one, or has it been done?
    fn begins(
        &mut self,
        sim: &Sim,
        event: (ChangefeedId, EventKey),
        new: Attempt,
        found: &mut Vec<Violation>,
    ) {
        let Some(World { sink, .. }) = World::of(sim) else { return };
        let (cf, key) = event;
        let attempts = self.attempts.entry(event).or_default();
        attempts.retain(|attempt| is_alive(sim, cf, *attempt));
        let other = attempts.first().copied();
        attempts.push(new);
        if sink.is_log() {
            return;
        }
        let (who, what) = (format!("{} on {}", new.id, new.node), told(key));
        if let Some(done) = self.finished.get(&event).copied() {
            let what = format!("{who} began {what} of {cf} after it had been recorded as finished");
            self.told.once(NAME, "twice", what, vec![done, new.since], found);
        } else if let Some(other) = other {
            let what = format!("{who} began {what} of {cf} while {} on {} was at it", other.id, other.node);
            self.told.once(NAME, "twice", what, vec![other.since, new.since], found);
        }
    }

    /// A DDL or a syncpoint reaches the downstream: everything before it has to be there.
    fn received(&mut self, sim: &Sim, inbox: &sink::Inbox, step: StepId, found: &mut Vec<Violation>) {
        let Some(world) = World::of(sim) else { return };
        let (cf, key, tables) = match inbox {
            sink::Inbox::ExecuteDdl { cf, ddl, .. } => {
                let key = EventKey { ts: ddl.commit, syncpoint: false };
                (*cf, key, world.history.concerned(ddl))
            }
            sink::Inbox::WriteSyncPoint { cf, ts, .. } => {
                (*cf, EventKey { ts: *ts, syncpoint: true }, world.history.tables_at(*ts).collect())
            }
            _ => return,
        };
        if self.executed.contains_key(&(cf, key)) {
            return;
        }
        for table in tables {
            if let Err(missing) = self.is_fed(&world, cf, table, key.ts) {
                let what = format!("{} of {cf} was begun before {missing} was downstream", told(key));
                return self.told.once(NAME, "early", what, vec![step], found);
            }
        }
    }

    /// Whether all rows of a table up to a timestamp are downstream; if not, which is missing.
    fn is_fed(&mut self, world: &World, cf: ChangefeedId, table: TableId, upto: Ts) -> Result<(), String> {
        let fed = self.fed.entry((cf, table)).or_default();
        let mut expected = BTreeMap::new();
        for row in world.history.rows(table, *fed, upto) {
            expected.insert(row.key, *row);
        }
        for row in expected.into_values() {
            let there = match (world.sink.log(cf, table, row.key), world.sink.row(cf, table, row.key)) {
                (Some(log), _) => log.iter().any(|change| change.commit == row.commit),
                (None, Some(stored)) => row.kind != RowKind::Delete && stored.commit >= row.commit,
                (None, None) => row.kind == RowKind::Delete,
            };
            if !there {
                return Err(format!("row {} of {table} ({})", row.key, row.commit));
            }
        }
        *fed = upto.max(*fed);
        Ok(())
    }

    fn downstream(&mut self, sim: &Sim, note: &sink::Note, step: StepId, found: &mut Vec<Violation>) {
        let Some(world) = World::of(sim) else { return };
        match note {
            sink::Note::Applied { transaction, .. } => {
                for change in &transaction.changes {
                    self.written((transaction.cf, change.table), change.commit, &world, step, found);
                }
            }
            sink::Note::DdlApplied { cf, ddl, .. } => {
                let key = EventKey { ts: ddl.commit, syncpoint: false };
                let mut tables = world.history.concerned(ddl);
                tables.extend(ddl.added.iter().map(|new| new.table));
                if self.executed((*cf, key), &tables, step, found) {
                    self.last.extend(tables.iter().map(|table| ((*cf, *table), (ddl.commit, step))));
                }
            }
            sink::Note::DdlRefused { cf, ddl, why, .. } if why.is_ignorable() => {
                let key = EventKey { ts: ddl.commit, syncpoint: false };
                self.executed.entry((*cf, key)).or_insert(step);
            }
            sink::Note::SyncPointApplied { cf, ts, .. } => {
                let key = EventKey { ts: *ts, syncpoint: true };
                let tables: Vec<TableId> = world.history.tables_at(*ts).collect();
                self.executed((*cf, key), &tables, step, found);
            }
            sink::Note::DdlTsWritten { cf, ts, finished: true, syncpoint, .. } => {
                let key = EventKey { ts: *ts, syncpoint: *syncpoint };
                self.attempts.remove(&(*cf, key));
                self.finished.entry((*cf, key)).or_insert(step);
            }
            // A changefeed that begins: one of its name that was removed is another, and this one may start long before where that was.
            sink::Note::DdlTsForgotten { cf, .. } => {
                self.finished.retain(|(one, _), _| one != cf);
                self.executed.retain(|(one, _), _| one != cf);
                self.fed.retain(|(one, _), _| one != cf);
                self.highest.retain(|(one, _), _| one != cf);
                self.last.retain(|(one, _), _| one != cf);
            }
            _ => {}
        }
    }

    /// An event has been executed; whether for the first time.
    fn executed(
        &mut self,
        event: (ChangefeedId, EventKey),
        tables: &[TableId],
        step: StepId,
        found: &mut Vec<Violation>,
    ) -> bool {
        if self.executed.contains_key(&event) {
            return false;
        }
        self.executed.insert(event, step);
        let (cf, key) = event;
        let highest = tables.iter().filter_map(|table| Some((table, self.highest.get(&(cf, *table))?)));
        let late = highest.filter(|(_, (commit, _))| *commit > key.ts).min_by_key(|(_, (commit, _))| *commit);
        if let Some((table, (commit, written))) = late {
            let what = format!("{} of {cf} was executed after a row of {table} ({commit})", told(key));
            let because = vec![*written, step];
            self.told.once(NAME, "late", what, because, found);
        }
        true
    }

    /// A row is written.
    fn written(
        &mut self,
        of: (ChangefeedId, TableId),
        commit: Ts,
        world: &World,
        step: StepId,
        found: &mut Vec<Violation>,
    ) {
        let highest = self.highest.entry(of).or_insert((commit, step));
        if commit > highest.0 {
            *highest = (commit, step);
        }
        let overtaken = self.last.get(&of).filter(|(ddl, _)| commit <= *ddl).copied();
        if let Some((ddl, executed)) = overtaken.filter(|_| !world.sink.is_log()) {
            let (cf, table) = of;
            let what = format!("a row of {table} of {cf} ({commit}) was written after the DDL of {ddl}");
            self.told.once(NAME, "overtaken", what, vec![executed, step], found);
        }
    }
}

/// Whether a dispatcher that began an event may still be at it: its process lives, and its manager is not closed.
fn is_alive(sim: &Sim, cf: ChangefeedId, attempt: Attempt) -> bool {
    let addr = Addr::Node(attempt.node, Place::Dispatchers);
    let present = sim.machines().any(|(here, _)| here == addr) && sim.is_up(sim.host_of(addr));
    let Some(Actor::Dispatchers(all)) = present.then(|| sim.machine(addr)) else { return false };
    all.managers().any(|manager| manager.changefeed() == cf && manager.is_writing())
}

fn told(event: EventKey) -> String {
    format!("the {} of {}", if event.syncpoint { "syncpoint" } else { "DDL" }, event.ts)
}
