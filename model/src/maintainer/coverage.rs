//! What covers a table: the spans that dispatcher managers report at a bootstrap, without overlaps, and the holes that
//! are left when one of them goes (pingcap/ticdc#3769).

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Cx, DispatcherId, NodeId, SchemaId, Span, TableId, Ts,
    dispatchers::{BootstrapResponse, ComponentState, MergeRequest, OperatorType, ReportedSpan},
    maintainer::{
        Maintainer, Note,
        operators::{Remove, Then},
        spans::Spans,
    },
};

/// The spans that are reported, by table and key, each with the node that reports it.
pub(super) type Reported = BTreeMap<TableId, BTreeMap<(u32, u32), (NodeId, ReportedSpan)>>;

/// The merges that nodes are in the middle of: pairs of a source and its target.
#[derive(Debug, Default)]
pub(super) struct Merges(BTreeSet<(DispatcherId, DispatcherId)>);

impl Merges {
    /// Those that the journal of a node and its dispatchers agree on.
    pub(super) fn of(responses: &[(NodeId, BootstrapResponse)]) -> Merges {
        let mut pairs = BTreeSet::new();
        for (_, response) in responses {
            for merge in response.merge_operators.iter().filter(|merge| is_valid(merge, &response.spans)) {
                pairs.extend(merge.sources.iter().map(|source| (*source, merge.merged)));
            }
        }
        Merges(pairs)
    }

    fn relate(&self, one: DispatcherId, other: DispatcherId) -> bool {
        self.0.contains(&(one, other)) || self.0.contains(&(other, one))
    }
}

/// Whether there is the target, and two sources or more wait that come to exactly the target.
fn is_valid(merge: &MergeRequest, spans: &[ReportedSpan]) -> bool {
    let find = |id: DispatcherId| spans.iter().find(|span| span.id == id && span.mode == merge.mode);
    let waits = |id: &DispatcherId| find(*id).filter(|span| span.state == ComponentState::WaitingMerge);
    let distinct: BTreeSet<DispatcherId> = merge.sources.iter().copied().collect();
    let waiting: Option<Vec<Span>> = distinct.iter().map(|id| Some(waits(id)?.span)).collect();
    let (Some(target), Some(mut sources)) = (find(merge.merged), waiting) else { return false };
    sources.sort();
    let joined = sources.iter().copied().map(Some).reduce(|before, next| before?.joined(next?)).flatten();
    is_target(target.state) && sources.len() > 1 && joined == Some(target.span)
}

fn is_target(state: ComponentState) -> bool {
    is_abortable(state) || matches!(state, ComponentState::Initializing | ComponentState::Working)
}

impl Maintainer {
    /// Gives every overlap that nothing explains to an operator that removes one of the two. Until its dispatcher is
    /// gone, it counts as a replica: a replacement would race with it.
    pub(super) fn resolve_overlaps(&mut self, reported: &Reported, merges: &Merges, cx: &mut Cx) {
        for spans in reported.values() {
            let mut candidates: Vec<&(NodeId, ReportedSpan)> = spans.values().collect();
            // The sources survive a merge that can still be given up.
            candidates.sort_by_key(|(_, span)| is_abortable(span.state));
            let mut accepted: Vec<&ReportedSpan> = Vec::new();
            for (node, candidate) in candidates {
                if accepted.iter().any(|one| self.is_unexpected(one, candidate, merges)) {
                    self.remove_overlap(*node, candidate, cx);
                } else {
                    accepted.push(candidate);
                }
            }
        }
    }

    /// Whether two spans overlap, and neither an operator nor a merge is about to change that.
    fn is_unexpected(&self, one: &ReportedSpan, other: &ReportedSpan, merges: &Merges) -> bool {
        let operator = || self.operators.has(one.id) || self.operators.has(other.id);
        let merge =
            || merges.relate(one.id, other.id) || is_merged_into(one, other) || is_merged_into(other, one);
        one.span.overlaps(other.span) && !operator() && !merge()
    }

    fn remove_overlap(&mut self, node: NodeId, span: &ReportedSpan, cx: &mut Cx) {
        cx.note(Note::OverlapRemoved { cf: self.cf, id: span.id, span: span.span, node });
        self.add_reported(node, span, cx);
        self.add_operator(Remove::new(span.id, node, OperatorType::Remove, Then::Repaired), cx);
    }

    /// What is missing of a table that may be split is to be replicated, in parts if it has too many regions. The table is in the
    /// database that it has where the table trigger starts.
    pub(super) fn fill_holes(&mut self, table: TableId, start: Ts, cx: &mut Cx) {
        let mut spans: Vec<Span> = self.spans.of_table(table).collect();
        spans.sort();
        let overlap = spans.windows(2).any(|pair| pair[0].overlaps(pair[1]));
        if overlap && !cx.policy().maintainer.bootstrap_holes.tolerate_overlaps() {
            return self.spans.die("spans overlap where holes are looked for");
        }
        let schema = cx.process.history.schema_of(table, start);
        for hole in holes(table, &self.spans) {
            self.add_absent_spans(hole, schema, self.start_ts, cx);
        }
    }

    /// The ranges of a table that no replica covers get new ones, which nobody replicates yet; they are in the database of
    /// the replica that is gone.
    pub(super) fn repair_coverage(&mut self, table: TableId, schema: SchemaId, cx: &mut Cx) {
        for span in holes(table, &self.spans) {
            let id = cx.process.fresh_id();
            cx.note(Note::CoverageRepaired { cf: self.cf, id, span });
            self.spans.add_absent(id, span, schema, self.start_ts);
        }
    }

    /// Whether a replicating replica covers all that this one does: what is left of a merge.
    pub(super) fn is_covered(&self, id: DispatcherId) -> bool {
        let Some(span) = self.spans.get(id).map(|replica| replica.span) else { return false };
        let covers = |other: DispatcherId| self.spans.get(other).is_some_and(|one| one.span.includes(span));
        self.spans.replicating().any(|other| other != id && covers(other))
    }
}

fn is_abortable(state: ComponentState) -> bool {
    matches!(state, ComponentState::Preparing | ComponentState::MergeReady)
}

/// Whether one is a source of a merge that is settled, and the other its target.
fn is_merged_into(source: &ReportedSpan, target: &ReportedSpan) -> bool {
    source.state == ComponentState::WaitingMerge
        && matches!(target.state, ComponentState::Initializing | ComponentState::Working)
        && target.span.includes(source.span)
}

/// The ranges of a table that no replica covers, whatever its state.
fn holes(table: TableId, spans: &Spans) -> Vec<Span> {
    let mut covered: Vec<Span> = spans.of_table(table).collect();
    covered.sort();
    covered.push(Span { table, from: Span::KEYS, to: Span::KEYS });
    let mut from = 0;
    let mut holes = Vec::new();
    for span in covered {
        if span.from > from {
            holes.push(Span { table, from, to: span.from });
        }
        from = from.max(span.to);
    }
    holes
}
