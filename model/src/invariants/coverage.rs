//! The spans that a maintainer wants replicated cover each table that is wanted exactly, and somebody takes care of each of them.
//!
//! For pingcap/ticdc#3411, #4452, #4542, #4763, #4077 and everything else that loses a span or counts one twice: a table that no
//! span stands for is never replicated again, and a span that nobody has in hand is never placed. This is about what maintainers
//! know, in every step of theirs, as soon as they have bootstrapped and as long as they are not being removed. Wanted
//! is every table that is there at the committed checkpoint, but for those that a DDL has taken that is executed, or about to be.
//! Reported separately, each once per run:
//!
//! * *hole*: a part of such a table is in no span;
//! * *overlap*: it is in two, and no operator is about to change that;
//! * *limbo*: a span has no operator, and is neither replicated by a node that is there nor absent, where schedulers see it;
//! * *ghost*: a span that is not to be replicated is in a set of the schedulers, and no operator has it in hand.

use std::collections::{BTreeMap, BTreeSet};

use sim::{StepId, What};

use crate::{
    Actor, Addr, ChangefeedId, Epoch, History, Mode, NodeId, Note, Place, Record, Sim, Span, TableId, Ts,
    invariants::{Invariant, Named, Sight, Sort, Violation},
    maintainer::{self, Desired, Maintainer, Maintainers, Revision, Standing},
    sink,
    upstream::Upstream,
};

const NAME: &str = "coverage";

pub(super) const NAMED: Named = Named {
    name: NAME,
    promise: "the spans of a maintainer cover every table that is wanted exactly, and each of them is taken care of",
    bugs: &["#3411", "#4452", "#4542", "#4763", "#4077", "#2444"],
    aspects: &[
        ("hole", "a maintainer has no span for a part of a table that is wanted"),
        ("overlap", "two spans of a maintainer overlap, and no operator is about to change that"),
        ("limbo", "a span has no operator, and is neither replicated nor where schedulers look for it"),
        ("ghost", "a span that is not to be replicated is in a set of the schedulers, and has no operator"),
    ],
    sight: Sight::of(&[Sort::Maintainers]).news(&[Sort::Sink]),
    make: || Box::new(Coverage::default()),
};

/// A maintainer: its node, its changefeed and its generation, and which of its spans.
type Whose = (NodeId, ChangefeedId, Epoch, Mode);

/// What was last looked at of a maintainer.
#[derive(Default)]
struct Seen {
    revision: Revision,
    /// How many DDLs its checkpoint had passed, and which nodes it counted on; none before the first look.
    passed: Option<usize>,
    locked: bool,
    nodes: Vec<NodeId>,
}

#[derive(Default)]
pub(super) struct Coverage {
    seen: BTreeMap<Whose, Seen>,
    /// The tables that a DDL has taken which is executed or about to be.
    taken: BTreeSet<(ChangefeedId, TableId)>,
    reported: BTreeSet<&'static str>,
}

impl Invariant for Coverage {
    fn observe(&mut self, sim: &Sim, record: &Record, found: &mut Vec<Violation>) {
        match &record.what {
            What::Step { actor: Addr::Sink, .. } => {
                for note in &record.notes {
                    if let Note::Sink(sink::Note::DdlApplied { cf, ddl, .. }) = note {
                        self.take(sim, *cf, ddl.commit);
                    }
                }
            }
            What::Step { actor: actor @ Addr::Node(node, Place::Maintainers), .. } => {
                for note in &record.notes {
                    if let Note::Maintainers(maintainer::Note::BlockEventScheduled { cf, event }) = note {
                        self.take(sim, *cf, event.ts);
                    }
                }
                if let (Actor::Maintainers(all), Some(history)) = (sim.machine(*actor), history(sim)) {
                    self.look_at(*node, all, history, record.id, found);
                }
            }
            _ => {}
        }
    }
}

fn history(sim: &Sim) -> Option<&History> {
    match sim.machine(Addr::Upstream) {
        Actor::Upstream(upstream) => Some(Upstream::history(upstream)),
        _ => None,
    }
}

impl Coverage {
    /// A DDL takes its tables from now on.
    fn take(&mut self, sim: &Sim, cf: ChangefeedId, commit: Ts) {
        let Some(history) = history(sim) else { return };
        let after: BTreeSet<TableId> = history.tables_at(commit).collect();
        let gone = history.tables_at(commit.before()).filter(|table| !after.contains(table));
        self.taken.extend(gone.map(|table| (cf, table)));
    }

    /// Looks at the maintainers of a node, if anything has changed there.
    fn look_at(
        &mut self,
        node: NodeId,
        all: &Maintainers,
        history: &History,
        step: StepId,
        found: &mut Vec<Violation>,
    ) {
        for one in all.all().filter(|one| one.is_working()) {
            for mode in [Mode::Default, Mode::Redo] {
                let (Some(revision), Some(committed)) = (one.revision(mode), one.committed_of(mode)) else {
                    continue;
                };
                let passed = history.all_ddls().partition_point(|ddl| ddl.commit <= committed);
                let seen = self.seen.entry((node, one.changefeed(), one.epoch(), mode)).or_default();
                let (locked, nodes) = one.counted();
                let same_nodes = seen.locked == locked && nodes.eq(seen.nodes.iter().copied());
                if !same_nodes {
                    (seen.locked, seen.nodes) = (locked, one.counted().1.collect());
                }
                let before = std::mem::replace(&mut seen.revision, revision);
                let settled = seen.passed.replace(passed) == Some(passed) && same_nodes;
                if settled && before == revision {
                    continue;
                }
                let only = if settled { one.touched(mode, before) } else { None };
                let spans = Spans::of(one, mode, only.as_ref());
                let wanted = history.tables_at(committed);
                let wanted = wanted.filter(|table| {
                    let asked = only.as_ref().is_none_or(|tables| tables.contains(table));
                    asked && !self.taken.contains(&(one.changefeed(), *table))
                });
                for (aspect, what) in spans.wrongs(one, wanted) {
                    if self.reported.insert(aspect) {
                        let (cf, epoch) = (one.changefeed(), one.epoch());
                        let what = format!("the maintainer of {cf} on {node} ({epoch}): {what}");
                        found.push(Violation { invariant: NAME, aspect, what, because: vec![step] });
                    }
                }
            }
        }
    }
}

/// The spans of a maintainer, in order.
struct Spans(Vec<Desired>);

impl Spans {
    fn of(one: &Maintainer, mode: Mode, only: Option<&BTreeSet<TableId>>) -> Spans {
        let mut spans: Vec<Desired> = one.desired(mode, only).collect();
        spans.sort_by_key(|one| (one.span, one.id));
        Spans(spans)
    }

    fn wrongs(&self, one: &Maintainer, wanted: impl Iterator<Item = TableId>) -> Vec<(&'static str, String)> {
        let mut wrongs: Vec<(&'static str, String)> = wanted.filter_map(|table| self.hole(table)).collect();
        wrongs.extend(self.overlap());
        wrongs.extend(self.0.iter().filter_map(|span| lost(span, one)));
        wrongs
    }

    /// The spans that are to be replicated.
    fn desired(&self) -> impl Iterator<Item = &Desired> {
        self.0.iter().filter(|one| one.standing != Standing::Ghost)
    }

    fn hole(&self, table: TableId) -> Option<(&'static str, String)> {
        let mut covered = 0;
        let from = self.0.partition_point(|one| one.span.table < table);
        let here = self.0[from..].iter().take_while(|one| one.span.table == table);
        for one in here.filter(|one| one.standing != Standing::Ghost) {
            if one.span.from > covered {
                break;
            }
            covered = covered.max(one.span.to);
        }
        let ends = |one: &&Desired| one.span.table == table && one.span.from > covered;
        let to = self.desired().find(ends).map_or(Span::KEYS, |one| one.span.from);
        let hole = Span { table, from: covered, to };
        (covered < Span::KEYS).then(|| ("hole", format!("{hole} is in no span")))
    }

    fn overlap(&self) -> Option<(&'static str, String)> {
        let mut reaches: Option<&Desired> = None;
        for one in self.desired().filter(|one| !one.operated) {
            if let Some(other) = reaches.filter(|other| other.span.overlaps(one.span)) {
                let what = format!("{} for {} and {} for {}", other.id, other.span, one.id, one.span);
                return Some(("overlap", what));
            }
            let further = |other: &Desired| (other.span.table, other.span.to) < (one.span.table, one.span.to);
            if reaches.is_none_or(further) {
                reaches = Some(one);
            }
        }
        None
    }
}

/// Whether nobody takes care of a span.
fn lost(span: &Desired, one: &Maintainer) -> Option<(&'static str, String)> {
    let Desired { id, span, standing, operated: false } = *span else { return None };
    let (aspect, why) = match standing {
        Standing::Absent => return None,
        Standing::Replicated(node) if one.counts_on(node) => return None,
        Standing::Replicated(node) => ("limbo", format!("counts as replicated by {node}, which has left")),
        Standing::Gone(node) => {
            ("limbo", format!("counts as replicated by {node}, which has said that it is gone"))
        }
        Standing::Homeless => ("limbo", "counts as replicated by nobody".to_owned()),
        Standing::Scheduling => ("limbo", "is being given to a node, and no operator does it".to_owned()),
        Standing::Nowhere => ("limbo", "is where no scheduler looks".to_owned()),
        Standing::Ghost => ("ghost", "is not to be replicated, and schedulers see it".to_owned()),
    };
    Some((aspect, format!("{id} for {span} {why}")))
}
