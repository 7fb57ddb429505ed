//! The scheduler for tables that are split: of each whose spans are all replicated it asks the [check](super::split_check)
//! what is to be done, and adds the operators for it.

use sim::Duration;

use crate::{
    Cx, DispatcherId, NodeId, Span, Ts,
    dispatchers::ComponentState,
    maintainer::{
        Maintainer, Note,
        operators::{Merge, Move, Occupy, Operator, Split},
        schedulers::{
            Admitted, Parts,
            checker::Wants,
            split_check::{Action, Check, Part},
        },
        spans::GroupId,
    },
};

const PERIOD: Duration = Duration::from_secs(15);
/// A table whose spans are further behind is not merged.
const LAG: Duration = Duration::from_secs(30);
/// A span is judged only when its dispatcher has told so often how much is written to it.
const REPORTS: u32 = 3;

/// Where a run is.
#[derive(Clone, Debug, Default)]
pub(super) struct BalanceSplits {
    running: bool,
    /// The tables that are still to be looked at, the next one last.
    groups: Vec<GroupId>,
    /// What is still to be done about the table that was looked at last, the next one last.
    actions: Vec<Action>,
    /// The merge whose spans are being occupied, and how many of them are.
    merging: Option<(Vec<DispatcherId>, usize)>,
}

impl Maintainer {
    /// A step of the scheduler, as part of the checker's task.
    pub(super) fn run_balance_splits(&mut self, cx: &mut Cx) -> Wants {
        if !self.schedulers.checker.splits.running {
            if !self.may_balance(cx) {
                return Wants::Again(PERIOD);
            }
            let mut groups: Vec<GroupId> = self.spans.split_groups().collect();
            cx.shuffle(&mut groups, "order of split tables");
            self.schedulers.checker.splits =
                BalanceSplits { running: true, groups, ..BalanceSplits::default() };
            self.schedulers.checker.regions.refresh(cx);
        }
        loop {
            if let Some((sources, occupied)) = self.schedulers.checker.splits.merging.take() {
                if self.go_on_merging(sources, occupied, cx) {
                    return Wants::Yield;
                }
                continue;
            }
            if let Some(action) = self.schedulers.checker.splits.actions.pop() {
                self.schedulers.checker.admitted = self.add_for(action, cx);
                if self.schedulers.checker.admitted.is_some() {
                    return Wants::Yield;
                }
                continue;
            }
            let Some(group) = self.schedulers.checker.splits.groups.pop() else { break };
            let mut actions = self.check_group(group, cx);
            actions.reverse();
            self.schedulers.checker.splits.actions = actions;
        }
        self.schedulers.checker.splits.running = false;
        Wants::Again(PERIOD)
    }

    fn check_group(&mut self, id: GroupId, cx: &mut Cx) -> Vec<Action> {
        let Some(group) = self.spans.must_see_group(id) else { return Vec::new() };
        if group.replicating().len() != group.len() {
            return Vec::new();
        }
        let ids: Vec<DispatcherId> = group.replicating().iter().copied().collect();
        let mut looks = group.looks;
        let (mut parts, mut slowest, mut judged) = (Vec::new(), Ts::INFINITE, true);
        for id in ids {
            let Some(replica) = self.spans.get(id) else { continue };
            let regions = self.schedulers.checker.regions.of(id, replica.span, cx);
            parts.push(Part { id, span: replica.span, node: replica.node, regions });
            slowest = slowest.min(replica.checkpoint);
            judged &= replica.reports >= REPORTS;
        }
        parts.sort_by_key(|part| part.span);
        let now = Ts::at(cx.now.steady);
        let check = Check {
            parts,
            nodes: cx.process.view().iter().copied().collect(),
            threshold: cx.process.config.scheduling.region_threshold as usize,
            lags: Ts(slowest.0.saturating_add(LAG.nanos() / 1000)) < now,
            descending: matches!(id, GroupId::Table(table) if table.0 % 2 == 0),
        };
        let decided = if judged {
            check.decide(&mut looks, cx)
        } else {
            looks = 0;
            Ok(Vec::new())
        };
        self.spans.set_looks(id, looks);
        decided.unwrap_or_else(|_| {
            self.spans.die("unexpected error: span is not continuous");
            Vec::new()
        })
    }

    fn add_for(&mut self, action: Action, cx: &mut Cx) -> Option<Admitted> {
        match action {
            Action::Split { id, parts, node } => {
                let replica = self.spans.held(id)?;
                let (span, known) = (replica.span, (replica.node, replica.checkpoint));
                let targets: Vec<NodeId> = vec![node; parts];
                let parts = self.split(span, Parts::Number(parts), cx);
                if parts.len() < 2 {
                    return None;
                }
                let number = u32::try_from(parts.len()).expect("spans are few");
                let note = Note::SpanSplits { cf: self.cf, id, span, parts: number };
                self.admit(Split::new(id, known, parts, targets), Some(note), cx)
            }
            Action::Move { id, to } => {
                let from = self.spans.held(id).and_then(|replica| replica.node);
                let note = Note::SpanMoves { cf: self.cf, id, from, to };
                self.admit(Move::new(id, from, to), Some(note), cx)
            }
            Action::Merge(sources) => {
                if self.joined(&sources, cx).is_some() {
                    self.schedulers.checker.splits.merging = Some((sources, 0));
                }
                None
            }
        }
    }

    /// What neighbouring spans on one node come to.
    pub(in crate::maintainer) fn joined(
        &self,
        sources: &[DispatcherId],
        cx: &Cx,
    ) -> Option<(Span, Option<NodeId>, Ts)> {
        let mut replicas = sources.iter().map(|id| self.spans.held(*id));
        let first = replicas.next()??;
        if first.node.is_none() && !cx.policy().maintainer.nodeless_merge.is_taken() {
            return None;
        }
        let mut joined = (first.span, first.node, first.checkpoint);
        for replica in replicas {
            let replica = replica.filter(|replica| replica.node == joined.1)?;
            joined = (joined.0.joined(replica.span)?, joined.1, joined.2.min(replica.checkpoint));
        }
        Some(joined).filter(|_| sources.len() > 1)
    }

    /// Occupies the next source, or begins the merge when all are; whether something has been admitted. If something is
    /// refused, all sources that are occupied are given back.
    fn go_on_merging(&mut self, sources: Vec<DispatcherId>, occupied: usize, cx: &mut Cx) -> bool {
        if let Some(source) = sources.get(occupied).copied() {
            let node = self.spans.held(source).and_then(|replica| replica.node);
            let admitted = self.admit(Occupy::new(source, node), None, cx);
            if admitted.is_none() {
                self.give_back(&sources[..occupied], cx);
                return false;
            }
            self.schedulers.checker.admitted = admitted;
            self.schedulers.checker.splits.merging = Some((sources, occupied + 1));
            return true;
        }
        let Some((merge, note)) = self.merge_of(&sources, cx) else { return false };
        self.schedulers.checker.admitted = Some(Admitted { operator: merge, note: Some(note) });
        true
    }

    /// The merge of spans that are all occupied, if it is admitted; otherwise all are given back. The target takes its place before
    /// anybody asks whether it is.
    pub(in crate::maintainer) fn merge_of(
        &mut self,
        sources: &[DispatcherId],
        cx: &mut Cx,
    ) -> Option<(Box<dyn Operator>, Note)> {
        let (first, last) = (self.spans.held(*sources.first()?)?, self.spans.held(*sources.last()?)?);
        let (span, schema, node) = (Span { to: last.span.to, ..first.span }, first.schema, first.node);
        let checkpoints =
            sources.iter().filter_map(|id| self.spans.held(*id)).map(|replica| replica.checkpoint);
        let checkpoint = checkpoints.min().unwrap_or(Ts::NONE).max(Ts(1));
        let target = cx.process.fresh_id();
        self.spans.add_scheduling(target, span, schema, node, (ComponentState::Working, checkpoint));
        let number = u32::try_from(sources.len()).expect("spans are few");
        let note = Note::SpansMerge { cf: self.cf, id: target, span, sources: number };
        if !self.admits_operator(target, cx) {
            self.give_back(sources, cx);
            self.spans.remove(target);
            return None;
        }
        Some((Merge::new(target, sources.to_vec(), node), note))
    }

    pub(in crate::maintainer) fn give_back(&mut self, occupied: &[DispatcherId], cx: &mut Cx) {
        for id in occupied {
            self.cancel_operator(*id, cx);
        }
    }
}
