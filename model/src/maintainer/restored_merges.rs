//! The merges that bootstrap responses tell of: the predecessor had begun them, and the nodes go on by themselves.
//!
//! A merge that can still be driven gets its operators back; one that has passed its point of no return is taken as done;
//! the target of any other is removed. Before pingcap/ticdc#3769 nobody asked the nodes for merges.

use std::collections::BTreeSet;

use crate::{
    Cx, DispatcherId, NodeId, Span, TableId, Ts,
    dispatchers::{BootstrapResponse, ComponentState, MergeRequest, OperatorType, ReportedSpan},
    maintainer::{
        Maintainer, Note,
        operators::{Merge, Occupy, Remove, Then},
    },
};

/// A merge that a node tells of, and what the node and the maintainer know of it.
struct Told<'a> {
    node: NodeId,
    merged: DispatcherId,
    /// What the node says of the target, if it has one.
    target: Option<&'a ReportedSpan>,
    /// The sources that are known, in the order of the journal, and those of them that were not before.
    sources: Vec<DispatcherId>,
    added: Vec<DispatcherId>,
    /// Whether all of the journal's are among them.
    complete: bool,
}

impl Maintainer {
    /// `tables`: those of the schema.
    pub(super) fn restore_merges(
        &mut self,
        responses: &[(NodeId, BootstrapResponse)],
        tables: &[TableId],
        cx: &mut Cx,
    ) {
        let mode = self.mode;
        for (node, response) in responses {
            let merges = response.merge_operators.iter();
            for merge in merges.filter(|merge| merge.mode == mode && merge.sources.len() > 1) {
                self.restore_merge((*node, &response.spans), merge, tables, cx);
            }
        }
    }

    fn restore_merge(
        &mut self,
        (node, reported): (NodeId, &[ReportedSpan]),
        merge: &MergeRequest,
        tables: &[TableId],
        cx: &mut Cx,
    ) {
        let find = |id: DispatcherId| reported.iter().find(|span| span.id == id && span.mode == merge.mode);
        let merged = merge.merged;
        let (sources, added) = (Vec::new(), Vec::new());
        let mut told = Told { node, merged, target: find(merged), sources, added, complete: true };
        let mut seen = BTreeSet::new();
        for id in merge.sources.iter().filter(|id| seen.insert(**id)) {
            let known = self.spans.get(*id).map(|replica| replica.span.table);
            let Some(table) = known.or(find(*id).map(|span| span.span.table)) else {
                told.complete = false;
                break;
            };
            if !tables.contains(&table) {
                return self.forget(&told);
            }
            if known.is_none()
                && let Some(span) = find(*id)
            {
                self.add_reported(node, span, cx);
                told.added.push(*id);
            }
            told.sources.push(*id);
        }
        let target = told.target.map(|target| target.span.table);
        let known = self.spans.get(merged).map(|replica| replica.span.table);
        if target.into_iter().chain(known).any(|table| !tables.contains(&table)) {
            return self.forget(&told);
        }
        // What was to be done to one of them later counts more than the merge.
        if self.operators.has(merged) || told.sources.iter().any(|id| self.operators.has(*id)) {
            return self.settle(&told, cx);
        }
        match told.target {
            Some(target) if target.state == ComponentState::Working => self.adopt(&told, target, cx),
            target if !told.complete || told.sources.len() < 2 => {
                match target.filter(|target| is_committed(target.state)) {
                    Some(target) => self.adopt(&told, target, cx),
                    None if self.spans.get(merged).is_some() => self.clean_up(merged, cx),
                    None => self.forget(&told),
                }
            }
            _ => self.go_on(told, cx),
        }
    }

    /// The journal is of no use. What it brought to light is left to the rules for everything else.
    fn forget(&mut self, told: &Told) {
        for id in &told.added {
            self.spans.remove(*id);
        }
    }

    /// The node has passed the point of no return: the target takes the place of its sources.
    fn adopt(&mut self, told: &Told, target: &ReportedSpan, cx: &mut Cx) {
        self.add_reported(told.node, target, cx);
        self.supersede(told, cx);
    }

    fn supersede(&mut self, told: &Told, cx: &mut Cx) {
        for id in told.sources.iter().filter(|id| **id != told.merged) {
            self.spans.remove(*id);
        }
        self.spans.mark_replicating(told.merged);
        cx.note(Note::MergeAdopted { cf: self.cf, id: told.merged, node: told.node });
    }

    /// A merge that cannot be driven: who survives depends on whether its target has taken over.
    fn settle(&mut self, told: &Told, cx: &mut Cx) {
        let Some(known) = self.spans.get(told.merged) else { return };
        let state = told.target.map_or(known.state, |target| target.state);
        match is_committed(state) {
            true => self.supersede(told, cx),
            false => self.clean_up(told.merged, cx),
        }
    }

    /// The target of a merge is to go. Until it has, it counts as a replica; then what it leaves uncovered is absent.
    fn clean_up(&mut self, merged: DispatcherId, cx: &mut Cx) {
        let Some(node) = self.spans.get(merged).and_then(|replica| replica.node) else { return };
        if self.add_operator(Remove::new(merged, node, OperatorType::Remove, Then::Repaired), cx) {
            cx.note(Note::MergeCleanedUp { cf: self.cf, id: merged, node });
        }
    }

    /// The operators of the merge come back, with the epoch of this maintainer.
    fn go_on(&mut self, mut told: Told, cx: &mut Cx) {
        let first = |spans: &Self, id: &DispatcherId| spans.spans.get(*id).map(|replica| replica.span);
        told.sources.sort_by_key(|id| first(self, id));
        let joined = self.joined(&told.sources, cx);
        if self.spans.get(told.merged).is_none() {
            let target = told.target.map(|target| (target.span, target.state, target.checkpoint));
            let preparing = |(span, _, checkpoint): (Span, Option<NodeId>, Ts)| {
                (span, ComponentState::Preparing, checkpoint)
            };
            let Some((span, state, checkpoint)) = target.or(joined.map(preparing)) else {
                return self.forget(&told);
            };
            let of_source = || self.spans.get(told.sources[0]).map(|source| source.schema);
            let Some(schema) = told.target.and_then(|target| target.schema).or_else(of_source) else {
                return;
            };
            self.spans.add_scheduling(told.merged, span, schema, Some(told.node), (state, checkpoint));
        }
        let restored = joined.is_some_and(|(_, node, _)| self.add_restored(&told, node, cx));
        if !restored {
            return self.settle(&told, cx);
        }
        self.spans.mark_scheduling(told.merged);
        let sources = u32::try_from(told.sources.len()).expect("spans are few");
        cx.note(Note::MergeRestored { cf: self.cf, id: told.merged, sources });
    }

    /// All sources are occupied, or none.
    fn add_restored(&mut self, told: &Told, node: Option<NodeId>, cx: &mut Cx) -> bool {
        for (n, id) in told.sources.iter().enumerate() {
            let node = self.spans.get(*id).and_then(|replica| replica.node);
            if !self.add_operator(Occupy::new(*id, node), cx) {
                self.give_back(&told.sources[..n], cx);
                return false;
            }
        }
        let added = self.add_operator(Merge::new(told.merged, told.sources.clone(), node), cx);
        if !added {
            self.give_back(&told.sources, cx);
        }
        added
    }
}

fn is_committed(state: ComponentState) -> bool {
    matches!(state, ComponentState::Initializing | ComponentState::Working)
}
