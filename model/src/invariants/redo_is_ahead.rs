//! What is downstream is in the redo log, and the redo log has everything that its meta promises.
//!
//! For what redo is there for: when the upstream is lost, the downstream is brought from the checkpoint of the redo meta to
//! its resolved timestamp, and is then as the upstream was at one moment. A node that goes ahead of the log, or a meta that
//! goes ahead of it, makes that impossible (pingcap/ticdc#5436 fences what maintainers say about it). Reported separately,
//! each once per run:
//!
//! * *log*: a change is downstream and is not in the redo log;
//! * *meta*: the redo meta promises a change that is not in the redo log.
//!
//! A redo dispatcher that begins behind a row which is not in the log is not reported when it begins: a row that nobody logs stays out
//! of the log, and one of these two tells of it as soon as that does harm.

use std::collections::BTreeMap;

use sim::{StepId, What};

use crate::{
    Actor, Addr, ChangefeedId, Record, Sim, TableId, Ts,
    invariants::{Invariant, Named, Sight, Sort, Violation},
    sink::{self, Logged, Sink, Transaction},
    upstream::History,
};

const NAME: &str = "redo_is_ahead";

pub(super) const NAMED: Named = Named {
    name: NAME,
    promise: "what is downstream is in the redo log, and the redo log has everything that its meta promises",
    bugs: &["#3689", "#5436"],
    aspects: &[
        ("log", "a row or a DDL was applied downstream that was not in the redo log"),
        ("meta", "the redo meta was written with a timestamp up to which the redo log is not complete"),
    ],
    sight: Sight::of(&[]).news(&[Sort::Sink]),
    make: || Box::new(RedoIsAhead::default()),
};

#[derive(Default)]
pub(super) struct RedoIsAhead {
    /// The changefeeds that have a redo log: from where on it has everything, and up to where that has been looked at.
    logs: BTreeMap<ChangefeedId, Known>,
    reported: Vec<&'static str>,
}

#[derive(Clone, Copy)]
struct Known {
    since: Ts,
    looked_at: Ts,
}

impl Invariant for RedoIsAhead {
    fn observe(&mut self, sim: &Sim, record: &Record, found: &mut Vec<Violation>) {
        let What::Step { actor: Addr::Sink, .. } = &record.what else { return };
        let (Actor::Sink(sink), Actor::Upstream(upstream)) =
            (sim.machine(Addr::Sink), sim.machine(Addr::Upstream))
        else {
            return;
        };
        for note in &record.notes {
            let crate::Note::Sink(note) = note else { continue };
            let wrong = match note {
                sink::Note::Applied { transaction, .. } => self.applied(transaction, sink),
                sink::Note::DdlApplied { cf, ddl, .. } => self
                    .is_expected(*cf, ddl.commit)
                    .then(|| format!("{ddl} of {cf} is downstream, and not in the redo log"))
                    .filter(|_| !sink.is_ddl_logged(*cf, ddl.commit))
                    .map(|what| ("log", what)),
                sink::Note::RedoMetaWritten { cf, resolved, .. } => {
                    self.promised(*cf, *resolved, upstream.history(), sink)
                }
                sink::Note::RedoLogRemoved { cf, .. } => {
                    self.logs.remove(cf);
                    None
                }
                _ => None,
            };
            if let Some((aspect, what)) = wrong {
                self.report(aspect, what, record.id, found);
            }
        }
    }
}

/// Which part of the promise is broken, and how.
type Wrong = Option<(&'static str, String)>;

impl RedoIsAhead {
    fn applied(&self, transaction: &Transaction, sink: &Sink) -> Wrong {
        let cf = transaction.cf;
        let missing = transaction.changes.iter().find(|change| {
            let row = Logged { table: change.table, key: change.key, commit: change.commit };
            self.is_expected(cf, change.commit) && !sink.is_logged(cf, row)
        })?;
        let (table, key, commit) = (missing.table, missing.key, missing.commit);
        Some((
            "log",
            format!("row {key} of {table} of {cf} at {commit} is downstream, and not in the redo log"),
        ))
    }

    /// Whether the redo log has everything of this time.
    fn is_expected(&self, cf: ChangefeedId, commit: Ts) -> bool {
        self.logs.get(&cf).is_some_and(|known| known.since < commit)
    }

    /// The redo log is said to be complete up to here: looks at what is new since the last time.
    fn promised(&mut self, cf: ChangefeedId, resolved: Ts, history: &History, sink: &Sink) -> Wrong {
        // The first meta says where the redo log begins.
        let known = self.logs.entry(cf).or_insert(Known { since: resolved, looked_at: resolved });
        let after = known.looked_at;
        known.looked_at = after.max(resolved);
        let missing = |table: TableId| {
            let rows = history.rows(table, after, resolved.max(after)).iter();
            let mut rows = rows.map(|row| Logged { table, key: row.key, commit: row.commit });
            rows.find(|row| !sink.is_logged(cf, *row))
        };
        let Logged { table, key, commit } = history.all_tables().find_map(missing)?;
        let what = format!(
            "the redo log of {cf} is said to be complete up to {resolved}, and row {key} of {table} at {commit} is missing"
        );
        Some(("meta", what))
    }

    fn report(&mut self, aspect: &'static str, what: String, step: StepId, found: &mut Vec<Violation>) {
        if !self.reported.contains(&aspect) {
            self.reported.push(aspect);
            found.push(Violation { invariant: NAME, aspect, what, because: vec![step] });
        }
    }
}
