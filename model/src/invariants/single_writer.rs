//! At any moment, a span is written by at most one dispatcher.
//!
//! For pingcap/ticdc#5083, #5202, #4827 and everything else that leaves two owners behind. Reported separately, each once per
//! run:
//!
//! * *admitted*: two dispatchers with overlapping spans may both start a write now;
//! * *started*: both have a statement on its way or running at the downstream;
//! * *applied*: an older content of a row landed over a newer one of a writer that had not ended before this one began.
//!   (A successor that writes again from its start is a declared replay.)
//! * *redo*: two redo dispatchers with overlapping spans may both hand rows to the redo log;
//! * *redo started*: files with rows of both are being written to the redo log. There is no *applied* of it: a redo log is a set of rows,
//!   which whoever reads it puts in order by their commits, so that it does not matter in which order they came, or how often.

use std::collections::BTreeMap;

use sim::{Input, StepId, What};

use crate::{
    Actor, Addr, ChangefeedId, DispatcherId, Mode, NodeId, Place, Record, Sim, Span, Ts, dispatchers,
    invariants::{Invariant, Named, Sight, Sort, Told, Violation, data_equal::is_repeated},
    sink::{self, Logged, QueryId, RowKey},
};

const NAME: &str = "single_writer";

pub(super) const NAMED: Named = Named {
    name: NAME,
    promise: "no two dispatchers of one changefeed with overlapping spans write at once",
    bugs: &["#5083", "#5202", "#4827", "#2613", "#4077", "#4763"],
    aspects: &[
        ("admitted", "two dispatchers with overlapping spans may both start a write"),
        ("started", "both have a statement on its way, or running at the downstream"),
        (
            "applied",
            "an older content of a row landed over a newer one of a writer that had not ended before",
        ),
        ("redo", "two redo dispatchers with overlapping spans may both hand rows to the redo log"),
        ("redo started", "files with rows of both are being written to the redo log"),
    ],
    sight: Sight::of(&[Sort::Dispatchers, Sort::Sink, Sort::Lost]).news(&[Sort::Rows]),
    make: || Box::new(SingleWriter::default()),
};

/// One dispatcher in one process; one that was removed and created again under its id is another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Writer {
    node: NodeId,
    cf: ChangefeedId,
    id: DispatcherId,
    mode: Mode,
    /// The step since which it may write.
    born: StepId,
}

/// A statement between its start and its end at the server.
#[derive(Clone, Copy, Debug)]
struct Running {
    query: QueryId,
    writer: Writer,
    span: Span,
    since: StepId,
    /// Whether the server has received it. One that it has not received, and never will once its connection is dropped, is on its way.
    received: bool,
}

impl Running {
    fn is(&self, node: NodeId, query: QueryId) -> bool {
        (self.writer.node, self.query) == (node, query)
    }
}

/// Who wrote a row last, and what.
#[derive(Clone, Copy, Debug)]
struct Landed {
    commit: Ts,
    writer: Writer,
    step: StepId,
}

/// Who may write on a node.
#[derive(Default)]
struct Admitted {
    /// The revision of the node at which that was looked up.
    revision: u64,
    /// What was found then.
    listed: Vec<(ChangefeedId, DispatcherId, Span, Mode)>,
    writers: BTreeMap<(ChangefeedId, DispatcherId), (Writer, Span)>,
}

#[derive(Default)]
pub(super) struct SingleWriter {
    admitted: BTreeMap<NodeId, Admitted>,
    /// When writers ceased to be admitted.
    ended: BTreeMap<Writer, StepId>,
    running: Vec<Running>,
    rows: BTreeMap<RowKey, Landed>,
    /// When the last request to create a dispatcher reached its node: who is to blame for it.
    requested: BTreeMap<(NodeId, DispatcherId), StepId>,
    told: Told,
}

impl Invariant for SingleWriter {
    fn observe(&mut self, sim: &Sim, record: &Record, found: &mut Vec<Violation>) {
        match &record.what {
            What::Step { actor: Addr::Node(node, Place::Dispatchers), input } => {
                if let Some(id) = created(input) {
                    self.requested.insert((*node, id), record.id);
                }
                self.look_at(*node, sim, record.id, found);
                for note in &record.notes {
                    if let crate::Note::Dispatchers(dispatchers::Note::WriteStarted { cf, id, span, query }) =
                        note
                    {
                        let who = (*cf, *id, Mode::Default);
                        self.started(*node, who, *span, *query, record.id, found);
                    }
                }
            }
            What::Step { actor: Addr::Sink, input } => {
                if let Input::Message {
                    from,
                    msg: crate::Msg::Sink(sink::Inbox::WriteRedoLog { query, cf, rows }),
                } = input
                    && !record.notes.iter().any(|note| is_end_of(note, *from, *query))
                {
                    self.file_comes(*from, *cf, *query, rows, record.id, found);
                }
                self.statement_comes(input);
                for note in &record.notes {
                    match note {
                        crate::Note::Sink(sink::Note::Applied { client, query, transaction }) => {
                            self.applied(*client, *query, transaction, sim, record.id, found);
                        }
                        crate::Note::Sink(
                            sink::Note::RolledBack { client, query, .. }
                            | sink::Note::NotReceived { client, query }
                            | sink::Note::RedoLogged { client, query, .. },
                        ) => self.ends(*client, *query),
                        _ => {}
                    }
                }
            }
            What::Lost { from, msg: crate::Msg::Sink(sink::Inbox::Execute { query, .. }), .. } => {
                self.ends(*from, *query);
            }
            What::Fault(_) => self.forget_the_dead(sim, record.id),
            What::Step { .. } | What::Lost { .. } | What::Nothing => {}
        }
    }
}

impl SingleWriter {
    /// Looks who may write on a node, if that may have changed.
    fn look_at(&mut self, node: NodeId, sim: &Sim, step: StepId, found: &mut Vec<Violation>) {
        let Actor::Dispatchers(all) = sim.machine(Addr::Node(node, Place::Dispatchers)) else { return };
        let Admitted { revision, listed, writers: before } = self.admitted.entry(node).or_default();
        if std::mem::replace(revision, all.revision()) == all.revision() {
            return;
        }
        let mut list = Vec::with_capacity(listed.len());
        for manager in all.managers() {
            let cf = manager.changefeed();
            list.extend(manager.writers().into_iter().map(|(id, span)| (cf, id, span, Mode::Default)));
            list.extend(manager.redo_writers().map(|(id, span)| (cf, id, span, Mode::Redo)));
        }
        if *listed == list {
            return;
        }
        let mut now = BTreeMap::new();
        for (cf, id, span, mode) in &list {
            let (cf, id, mode) = (*cf, *id, *mode);
            let fresh = Writer { node, cf, id, mode, born: step };
            now.insert((cf, id), before.get(&(cf, id)).copied().unwrap_or((fresh, *span)));
        }
        *listed = list;
        let ended = before.values().filter(|(writer, _)| !now.contains_key(&(writer.cf, writer.id)));
        self.ended.extend(ended.map(|(writer, _)| (*writer, step)));
        let new: Vec<(Writer, Span)> =
            now.values().filter(|(writer, _)| writer.born == step).copied().collect();
        *before = now;
        for (writer, span) in new {
            self.admit(writer, span, found);
        }
    }

    /// A dispatcher may write from now on: may another one that overlaps?
    fn admit(&mut self, writer: Writer, span: Span, found: &mut Vec<Violation>) {
        let others = self.admitted.values().flat_map(|admitted| admitted.writers.values());
        let mut overlapping = others.filter(|(other, theirs)| {
            (other.cf, other.mode) == (writer.cf, writer.mode)
                && (other.node, other.id) != (writer.node, writer.id)
                && theirs.overlaps(span)
        });
        if let Some((other, theirs)) = overlapping.next() {
            let what = format!(
                "{} of {} may be written by {} on {} and by {} on {}",
                span, writer.cf, other.id, other.node, writer.id, writer.node
            );
            let what = if *theirs == span { what } else { format!("{what} ({theirs})") };
            let because = self.because(&[*other, writer], &[]);
            let aspect = if writer.mode == Mode::Redo { "redo" } else { "admitted" };
            self.told.once(NAME, aspect, what, because, found);
        }
    }

    /// A statement has reached the server, or what drops the connection of one has.
    fn statement_comes(&mut self, input: &Input<Actor>) {
        let Input::Message { from, msg: crate::Msg::Sink(inbox) } = input else { return };
        let Some(node) = from.node() else { return };
        match inbox {
            sink::Inbox::Execute { query, .. } => {
                let here = self.running.iter_mut().filter(|one| one.is(node, *query));
                here.for_each(|one| one.received = true);
            }
            sink::Inbox::Disconnect { query } => {
                self.running.retain(|one| one.received || !one.is(node, *query));
            }
            _ => {}
        }
    }

    /// A file for the redo log is being written from now on. What rows of dispatchers that are gone by now are in it is not known.
    fn file_comes(
        &mut self,
        client: Addr,
        cf: ChangefeedId,
        query: QueryId,
        rows: &[Logged],
        step: StepId,
        found: &mut Vec<Violation>,
    ) {
        let Some(node) = client.node() else { return };
        let all = self.admitted.get(&node).into_iter().flat_map(|admitted| admitted.writers.values());
        let ours = all.filter(|(writer, span)| {
            let has = |row: &Logged| row.table == span.table && span.has(row.key);
            writer.cf == cf && writer.mode == Mode::Redo && rows.iter().any(has)
        });
        let ours: Vec<(DispatcherId, Span)> = ours.map(|(writer, span)| (writer.id, *span)).collect();
        for (id, span) in ours {
            self.started(node, (cf, id, Mode::Redo), span, query, step, found);
        }
    }

    fn started(
        &mut self,
        node: NodeId,
        (cf, id, mode): (ChangefeedId, DispatcherId, Mode),
        span: Span,
        query: QueryId,
        step: StepId,
        found: &mut Vec<Violation>,
    ) {
        let known = self.admitted.get(&node).and_then(|admitted| admitted.writers.get(&(cf, id)));
        // One that was still admitted a step ago has just sent its last batch.
        let ended = || {
            self.ended.keys().rfind(|writer| (writer.node, writer.cf, writer.id) == (node, cf, id)).copied()
        };
        let writer = known.map(|(writer, _)| *writer).or_else(ended);
        let writer = writer.unwrap_or(Writer { node, cf, id, mode, born: step });
        let mut others = self.running.iter().filter(|running| {
            let other = running.writer;
            (other.cf, other.mode) == (cf, mode)
                && (other.node, other.id) != (node, id)
                && running.span.overlaps(span)
        });
        if let Some(other) = others.next() {
            let (aspect, log) =
                if mode == Mode::Redo { ("redo started", " to the redo log") } else { ("started", "") };
            let what = format!(
                "{span} of {cf} is being written{log} by {} on {} and by {id} on {node}",
                other.writer.id, other.writer.node
            );
            let because = self.because(&[other.writer, writer], &[other.since, step]);
            self.told.once(NAME, aspect, what, because, found);
        }
        let received = mode == Mode::Redo;
        self.running.push(Running { query, writer, span, since: step, received });
    }

    fn applied(
        &mut self,
        client: Addr,
        query: QueryId,
        transaction: &sink::Transaction,
        sim: &Sim,
        step: StepId,
        found: &mut Vec<Violation>,
    ) {
        let Some(node) = client.node() else { return };
        for change in &transaction.changes {
            let mut running = self.running.iter();
            let running = running.find(|one| one.is(node, query) && one.writer.id == change.writer);
            let Some(Running { writer, since, .. }) = running.copied() else { continue };
            let key = RowKey::new(transaction.cf, change.table, change.key);
            let landed = Landed { commit: change.commit, writer, step };
            let Some(before) = self.rows.insert(key, landed) else { continue };
            let ended = self.ended.get(&before.writer);
            let replay = before.writer != writer && ended.is_some_and(|ended| *ended <= writer.born);
            // What a client has sent again, because no answer came, may be in a log twice.
            let repeated = || before.writer == writer && is_repeated(sim, transaction.cf, change);
            if change.commit < before.commit && !replay && !repeated() {
                let what = format!(
                    "row {} of {} went back from {} (by {} on {}) to {} (by {} on {})",
                    change.key,
                    change.table,
                    before.commit,
                    before.writer.id,
                    before.writer.node,
                    change.commit,
                    writer.id,
                    writer.node
                );
                let because = self.because(&[before.writer, writer], &[before.step, since, step]);
                self.told.once(NAME, "applied", what, because, found);
            }
        }
        self.ends(client, query);
    }

    /// A statement has run to its end, or will never run.
    fn ends(&mut self, client: Addr, query: QueryId) {
        if let Some(node) = client.node() {
            self.running.retain(|one| !one.is(node, query));
        }
    }

    /// The steps to blame: how each writer came to be, and what else.
    fn because(&self, writers: &[Writer], steps: &[StepId]) -> Vec<StepId> {
        let requested =
            writers.iter().filter_map(|writer| self.requested.get(&(writer.node, writer.id)).copied());
        let born = writers.iter().map(|writer| writer.born);
        let mut because: Vec<StepId> = requested.chain(born).chain(steps.iter().copied()).collect();
        because.sort_unstable();
        because.dedup();
        because
    }

    /// The dispatchers of a host that is down do not write.
    fn forget_the_dead(&mut self, sim: &Sim, step: StepId) {
        let dead = self.admitted.extract_if(.., |node, _| {
            let addr = Addr::Node(*node, Place::Dispatchers);
            let alive = sim.machines().any(|(present, _)| present == addr) && sim.is_up(sim.host_of(addr));
            !alive
        });
        for (_, admitted) in dead {
            self.ended.extend(admitted.writers.into_values().map(|(writer, _)| (writer, step)));
        }
    }
}

/// Whether a call that has just come is over: nothing is done about it.
fn is_end_of(note: &crate::Note, from: Addr, of: QueryId) -> bool {
    matches!(
        note,
        crate::Note::Sink(
            sink::Note::RolledBack { client, query, .. } | sink::Note::NotReceived { client, query }
        ) if (*client, *query) == (from, of)
    )
}

/// The dispatcher that an input asks to be created, or to come out of a merge.
fn created(input: &Input<Actor>) -> Option<DispatcherId> {
    match input {
        Input::Message {
            msg: crate::Msg::Dispatchers(dispatchers::Inbox::ScheduleDispatcherRequest { request }),
            ..
        } if request.action == dispatchers::Action::Create => Some(request.id),
        Input::Message {
            msg: crate::Msg::Dispatchers(dispatchers::Inbox::MergeDispatcherRequest { request }),
            ..
        } => Some(request.merged),
        _ => None,
    }
}
