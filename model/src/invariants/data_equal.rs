//! In the end the downstream is what the upstream was at the checkpoint, row by row; a log has every row, and no older row of
//! a key comes after a newer one unless somebody has declared to write it again.
//!
//! For everything that loses a row or brings an old one back, whoever is to blame, also where no checkpoint was wrong when it was
//! persisted: a late statement that overwrites (pingcap/ticdc#5083), a writer that was closed before its rows were flushed. What
//! happens above the checkpoint is not compared, since it will be written again. Reported separately, each once per changefeed:
//!
//! * *row*: of a database, a row is not as it was at the checkpoint, or later;
//! * *missing*: of a log, the last change of a row up to the checkpoint is not in it;
//! * *order*: of a log, an older change of a row comes after a newer one. A dispatcher declares, when it is created or
//!   takes over as the target of a merge, that it writes again everything from its start on: what it writes may be older than what
//!   dispatchers before it have written, and not older than what it has written itself, or what a dispatcher after it has. A message
//!   that its client has sent again, because no answer came, may be in the log twice: Kafka promises each at least once.

use std::collections::{BTreeMap, BTreeSet};

use sim::What;

use crate::{
    Actor, Addr, ChangefeedId, DispatcherId, Note, Record, Sim, TableId, Ts,
    dispatchers::Note as Said,
    invariants::{Invariant, Named, Sight, Sort, Violation, kept::Kept, services::Services},
    sink::{Change, Note as Stored, Transaction},
};

const NAME: &str = "data_equal";

pub(super) const NAMED: Named = Named {
    name: NAME,
    promise: "in the end the downstream is what the upstream was at the checkpoint, row by row",
    bugs: &["#5083", "#3952", "#5710"],
    aspects: &[
        ("row", "in the end a row is not downstream as it was at the checkpoint, or later"),
        ("missing", "the same of a log: it has not got the last change of a row up to the checkpoint"),
        (
            "order",
            "an older change of a row was appended to a log after a newer one, by a dispatcher that was not created after the one that \
             wrote the newer one",
        ),
    ],
    sight: Sight::of(&[Sort::Etcd]).news(&[Sort::Sink, Sort::Coordinator, Sort::Dispatchers, Sort::Rows]),
    make: || Box::new(DataEqual::default()),
};

#[derive(Default)]
pub(super) struct DataEqual {
    kept: Kept,
    /// Whether the downstream is a log.
    log: Option<bool>,
    /// Which in order of creation the last dispatcher of an id on a node is.
    born: BTreeMap<(Addr, ChangefeedId, DispatcherId), u64>,
    births: u64,
    /// The newest change of each row in the log that each of its dispatchers has written, by their order of creation.
    newest: BTreeMap<(ChangefeedId, TableId, u32), Vec<(u64, Ts)>>,
    disordered: BTreeSet<ChangefeedId>,
}

impl Invariant for DataEqual {
    fn observe(&mut self, sim: &Sim, record: &Record, found: &mut Vec<Violation>) {
        self.kept.observe(sim, record, |_, _| {});
        if record.notes.is_empty() || !*self.log.get_or_insert_with(|| is_log(sim)) {
            return;
        }
        let What::Step { actor, .. } = &record.what else { return };
        for note in &record.notes {
            match note {
                Note::Dispatchers(
                    Said::DispatcherCreated { cf, id, .. } | Said::MergeCommitted { cf, id, .. },
                ) => {
                    self.births += 1;
                    self.born.insert((*actor, *cf, *id), self.births);
                }
                Note::Sink(Stored::Applied { client, transaction, .. }) => {
                    self.appended(sim, *client, transaction, record, found);
                }
                _ => {}
            }
        }
    }

    fn settled(&mut self, sim: &Sim, found: &mut Vec<Violation>) {
        let Some(services) = Services::of(sim) else { return };
        for (cf, kept) in self.kept.iter() {
            let Some(job) = services.job(cf) else { continue };
            if let Err(what) = services.equal(cf, (kept.from, job.checkpoint), kept.skipped) {
                let aspect = if services.sink.is_log() { "missing" } else { "row" };
                found.push(Violation { invariant: NAME, aspect, what, because: Vec::new() });
            }
        }
    }
}

impl DataEqual {
    /// Messages have been appended to the log.
    fn appended(
        &mut self,
        sim: &Sim,
        client: Addr,
        transaction: &Transaction,
        record: &Record,
        found: &mut Vec<Violation>,
    ) {
        let cf = transaction.cf;
        for change in &transaction.changes {
            let by = self.born.get(&(client, cf, change.writer)).copied().unwrap_or(0);
            let newest = self.newest.entry((cf, change.table, change.key)).or_default();
            // What dispatchers before it have written it may write again.
            let newer = newest.iter().find(|(other, commit)| *other >= by && *commit > change.commit);
            if let Some((_, newer)) = newer
                && !is_repeated(sim, cf, change)
                && self.disordered.insert(cf)
            {
                let what = format!(
                    "row {} of {} as of {} is appended to the log of {cf} after the same row as of {newer}; {} of {client} has not \
                     declared to write that again",
                    change.key, change.table, change.commit, change.writer
                );
                found.push(Violation { invariant: NAME, aspect: "order", what, because: vec![record.id] });
            }
            match newest.iter_mut().find(|(other, _)| *other == by) {
                Some((_, commit)) => *commit = change.commit.max(*commit),
                None => newest.push((by, change.commit)),
            }
        }
    }
}

/// Whether a dispatcher has appended a change, which stands in the log now, before.
pub(super) fn is_repeated(sim: &Sim, cf: ChangefeedId, change: &Change) -> bool {
    let Actor::Sink(sink) = sim.machine(Addr::Sink) else { return false };
    let log = sink.log(cf, change.table, change.key).unwrap_or_default();
    log.iter().filter(|one| (one.commit, one.writer) == (change.commit, change.writer)).count() > 1
}

fn is_log(sim: &Sim) -> bool {
    matches!(sim.machine(Addr::Sink), Actor::Sink(sink) if sink.is_log())
}
