//! The drain scheduler: moves all spans away from a node that is to be drained, a limited number at a time. A maintainer on
//! that very node leaves it to its successor elsewhere.

use sim::Duration;

use crate::{
    Cx, DispatcherId, NodeId,
    coordinator::DrainOrder,
    maintainer::{Maintainer, Note, operators::Move, redo::Thread, schedulers::Admitted},
};

const IDLE: Duration = Duration::from_millis(500);
const ACTIVE: Duration = Duration::from_millis(200);
const NOWHERE_TO: Duration = Duration::from_secs(1);
/// So many spans move at once, or a hundredth of those on the node if that is more.
const LEAST_AT_ONCE: usize = 10;

/// What the scheduler is in the middle of.
#[derive(Clone, Debug, Default)]
pub(super) struct Drains {
    pub(super) admitted: Option<Admitted>,
    /// Whether it sleeps until there is something to drain.
    sleeps: bool,
    /// The order that the limit was computed for, and the limit.
    limit: Option<(DrainOrder, usize)>,
    /// The spans that are left in this round, the next one last, and how many may still move.
    left: Vec<DispatcherId>,
    room: usize,
    /// How many spans each node has, as far as this round knows.
    loads: Vec<(NodeId, usize)>,
}

impl Maintainer {
    /// There may be something to drain.
    pub(in crate::maintainer) fn wake_drain(&mut self, cx: &mut Cx) {
        if std::mem::replace(&mut self.schedulers.drain.sleeps, false) {
            cx.out.alarm(self.timer(Thread::Drain).into(), IDLE);
        }
    }

    pub(in crate::maintainer) fn run_drain(&mut self, cx: &mut Cx) {
        let timer = self.timer(Thread::Drain);
        let admitted = self.schedulers.drain.admitted.take();
        self.take_admitted(admitted, cx);
        if self.schedulers.drain.left.is_empty() {
            match self.begin_drain(cx) {
                // A task that looks every 500 ms and finds nothing.
                None => return self.schedulers.drain.sleeps = true,
                Some(Err(pause)) => return cx.out.alarm(timer.into(), pause),
                Some(Ok(())) => {}
            }
        }
        while let Some(id) = self.schedulers.drain.left.pop() {
            if self.schedulers.drain.room > 0 && self.move_away(id, cx) {
                return cx.out.give_way(timer.into());
            }
        }
        cx.out.alarm(timer.into(), ACTIVE);
    }

    /// Begins a round, or tells how long to wait for the next; nothing if no node is drained.
    fn begin_drain(&mut self, cx: &mut Cx) -> Option<Result<(), Duration>> {
        let Some((order, target)) = self.drain.zip(self.drained()) else {
            self.schedulers.drain.limit = None;
            return None;
        };
        if target == cx.id() {
            return Some(Err(IDLE));
        }
        let limit = match self.schedulers.drain.limit {
            Some((drain, limit)) if drain == order => limit,
            _ => self.spans.count_on(target).div_ceil(100).max(LEAST_AT_ONCE),
        };
        self.schedulers.drain.limit = Some((order, limit));
        let room = limit.saturating_sub(self.operators.moving_from(target));
        if room == 0 {
            return Some(Err(ACTIVE));
        }
        let nodes: Vec<NodeId> = self.candidates(cx).collect();
        if nodes.is_empty() {
            return Some(Err(NOWHERE_TO));
        }
        let mut left: Vec<DispatcherId> = self.spans.on_node(target).collect();
        if left.is_empty() {
            return Some(Err(IDLE));
        }
        cx.shuffle(&mut left, "order of spans to drain");
        let loads = nodes.iter().map(|node| (*node, self.spans.count_on(*node))).collect();
        let drains = &mut self.schedulers.drain;
        (drains.left, drains.room, drains.loads) =
            (left, room.min(cx.process.config.scheduling.add_batch as usize), loads);
        Some(Ok(()))
    }

    /// Moves a span to the node that has the fewest, unless there is an operator; whether it does.
    fn move_away(&mut self, id: DispatcherId, cx: &mut Cx) -> bool {
        if self.operators.has(id) {
            return false;
        }
        let Some(from) = self.schedulers.drain.limit.and_then(|(order, _)| order.target) else {
            return false;
        };
        let loads = &self.schedulers.drain.loads;
        let least = loads.iter().map(|(_, load)| *load).min();
        let fewest: Vec<NodeId> =
            loads.iter().filter(|(_, load)| Some(*load) == least).map(|(node, _)| *node).collect();
        let to = fewest[cx.out.choose("node to move to", fewest.len())];
        let note = Note::SpanMoves { cf: self.cf, id, from: Some(from), to };
        let admitted = self.admit(Move::new(id, Some(from), to), Some(note), cx);
        let moves = admitted.is_some();
        let drains = &mut self.schedulers.drain;
        drains.admitted = admitted;
        if moves {
            drains.room -= 1;
            for (_, load) in drains.loads.iter_mut().filter(|(node, _)| *node == to) {
                *load += 1;
            }
        }
        moves
    }
}
