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
    maintainer::{Maintainer, Note, operators::Add, redo::Thread, schedulers::Admitted, spans::GroupId},
};

const PERIOD: Duration = Duration::from_millis(500);
/// How soon it looks again when there are too many operators.
const BUSY: Duration = Duration::from_millis(100);

/// A run of the scheduler.
#[derive(Clone, Debug, Default)]
pub(in crate::maintainer) struct Basic {
    /// The groups that are still to be looked at, the next one last.
    groups: Vec<GroupId>,
    /// How many operators it may still add.
    available: usize,
    placing: Placing,
    pub(super) admitted: Option<Admitted>,
}

/// The spans of one group that are being placed.
#[derive(Clone, Debug, Default)]
struct Placing {
    /// Those that are left, the next one last.
    absent: Vec<DispatcherId>,
    loads: BTreeMap<NodeId, usize>,
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
        let timer = self.timer(Thread::BasicScheduler);
        let admitted = self.schedulers.basic.admitted.take();
        self.take_admitted(admitted, cx);
        if self.is_between_runs()
            && let Err(pause) = self.begin_basic(cx)
        {
            return cx.out.alarm(timer.into(), pause);
        }
        loop {
            while let Some(id) = self.schedulers.basic.placing.absent.pop() {
                let Some(node) = self.schedulers.basic.placing.least_loaded(cx) else { continue };
                let span = self.spans.held(id).map(|replica| replica.span);
                let note = span.map(|span| Note::SpanAssigned { cf: self.cf, id, span, node });
                let admitted = self.admit(Add::new(id, node, OperatorType::Add), note, cx);
                let basic = &mut self.schedulers.basic;
                if admitted.is_some() {
                    *basic.placing.loads.entry(node).or_default() += 1;
                    basic.admitted = admitted;
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
        let batch = cx.process.config.scheduling.add_batch as usize;
        let available = batch.saturating_sub(self.operators.len());
        if self.spans.absent_count() == 0 || available == 0 {
            return Err(PERIOD);
        }
        if available < batch / 2 {
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
        let nodes: Vec<NodeId> = self.candidates(cx).collect();
        let missing = !self.spans.has_group(id);
        if missing && !cx.policy().maintainer.missing_group.is_fatal() {
            return;
        }
        let Some(group) = self.spans.must_see_group(id) else { return };
        let loads: BTreeMap<NodeId, usize> =
            nodes.iter().map(|node| (*node, group.scheduling_on(*node))).collect();
        let mut room = self.schedulers.basic.available;
        if id != GroupId::Default {
            let most = cx.process.config.scheduling.tasks_per_node as usize;
            room = room.min(loads.values().map(|load| most.saturating_sub(*load)).sum());
        }
        let mut absent: Vec<DispatcherId> = group.absent().iter().copied().collect();
        cx.shuffle(&mut absent, "order of absent spans");
        absent.truncate(room);
        self.schedulers.basic.available -= absent.len();
        self.schedulers.basic.placing = Placing { absent, loads };
    }
}
