//! The basic scheduler: gives absent spans to the nodes that are being given the fewest, of each group for itself. Spans
//! of split tables come first, and each node gets only a few of a table at once.
//!
//! Every live node counts, also one that has not answered the bootstrap: what is sent there may be lost, and is sent again
//! after ten seconds.

use std::collections::BTreeMap;

use sim::Duration;

use crate::{
    Cx, DispatcherId, NodeId,
    dispatchers::OperatorType,
    maintainer::{
        Maintainer, Note, Timer,
        operators::{Add, BATCH},
        spans::GroupId,
    },
};

const PERIOD: Duration = Duration::from_millis(500);
/// How soon it looks again when there are too many operators.
const BUSY: Duration = Duration::from_millis(100);
/// How many spans of a split table a node is given at once (`scheduling-task-count-per-node`).
const PER_NODE: usize = 20;

/// A run of the scheduler.
#[derive(Clone, Debug, Default)]
pub(in crate::maintainer) struct Basic {
    /// The groups that are still to be looked at, the next one last.
    groups: Vec<GroupId>,
    /// How many operators it may still add.
    available: usize,
    placing: Placing,
}

/// The spans of one group that are being placed.
#[derive(Clone, Debug, Default)]
struct Placing {
    /// Those that are left, the next one last.
    absent: Vec<DispatcherId>,
    loads: BTreeMap<NodeId, usize>,
    /// The operator that has been checked and is to be pushed next.
    checked: Option<(DispatcherId, NodeId)>,
}

impl Placing {
    /// One of the nodes that are being given the fewest spans; which of several is chance.
    fn least_loaded(&self, cx: &mut Cx) -> Option<NodeId> {
        let least = self.loads.values().min()?;
        let candidates: Vec<NodeId> =
            self.loads.iter().filter(|(_, load)| *load == least).map(|(node, _)| *node).collect();
        Some(candidates[cx.out.choose("node for a span", candidates.len())])
    }
}

impl Maintainer {
    pub(in crate::maintainer) fn run_basic(&mut self, cx: &mut Cx) {
        let timer = Timer::BasicScheduler { m: self.id };
        self.push_checked_add(cx);
        if self.is_between_runs()
            && let Err(pause) = self.begin_basic(cx)
        {
            return cx.out.alarm(timer.into(), pause);
        }
        loop {
            while let Some(id) = self.schedulers.basic.placing.absent.pop() {
                let node = self.schedulers.basic.placing.least_loaded(cx);
                if let Some(node) = node.filter(|_| self.admits_operator(id, cx)) {
                    // The check and the insertion are two steps.
                    self.schedulers.basic.placing.checked = Some((id, node));
                    return cx.out.give_way(timer.into());
                }
            }
            let Some(group) = self.schedulers.basic.groups.pop() else { break };
            self.begin_group(group, cx);
        }
        cx.out.alarm(timer.into(), PERIOD);
    }

    fn is_between_runs(&self) -> bool {
        let basic = &self.schedulers.basic;
        basic.groups.is_empty() && basic.placing.absent.is_empty()
    }

    /// Begins a run, or tells how long to wait for the next.
    fn begin_basic(&mut self, cx: &mut Cx) -> Result<(), Duration> {
        let available = BATCH.saturating_sub(self.operators.len());
        if self.spans.absent_count() == 0 || available == 0 {
            return Err(PERIOD);
        }
        if available < BATCH / 2 {
            return Err(BUSY);
        }
        let mut split: Vec<GroupId> = self.spans.split_groups().collect();
        cx.shuffle(&mut split, "order of split tables");
        let basic = &mut self.schedulers.basic;
        basic.available = available;
        basic.groups = [GroupId::Default].into_iter().chain(split).collect();
        Ok(())
    }

    fn begin_group(&mut self, id: GroupId, cx: &mut Cx) {
        let Some(group) = self.spans.must_see_group(id) else { return };
        let nodes = cx.process.view().iter();
        let loads: BTreeMap<NodeId, usize> = nodes.map(|node| (*node, group.scheduling_on(*node))).collect();
        let mut room = self.schedulers.basic.available;
        if id != GroupId::Default {
            room = room.min(loads.values().map(|load| PER_NODE.saturating_sub(*load)).sum());
        }
        let mut absent: Vec<DispatcherId> = group.absent().iter().copied().collect();
        cx.shuffle(&mut absent, "order of absent spans");
        absent.truncate(room);
        self.schedulers.basic.available -= absent.len();
        self.schedulers.basic.placing = Placing { absent, loads, checked: None };
    }

    /// The operator that has been checked is taken.
    pub(super) fn push_checked_add(&mut self, cx: &mut Cx) {
        let placing = &mut self.schedulers.basic.placing;
        let Some((id, node)) = placing.checked.take() else { return };
        *placing.loads.entry(node).or_default() += 1;
        if let Some(span) = self.spans.held(id).map(|replica| replica.span) {
            cx.note(Note::SpanAssigned { cf: self.cf, id, span, node });
        }
        self.push_operator(Add::new(id, node, OperatorType::Add), cx);
    }
}
