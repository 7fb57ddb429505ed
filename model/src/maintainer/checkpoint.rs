//! The checkpoint loop: every 100 ms, the lowest of what holds the checkpoint back.
//!
//! What holds it back is read first and the watermarks of the nodes last; other activities may get in between any two.
//! The order keeps the checkpoint from jumping over a dispatcher that has just been created (pingcap/ticdc#2864).

use sim::Duration;

use crate::{
    Cx, Ts,
    maintainer::{Maintainer, Timer},
    policy::Part,
};

pub(super) const PERIOD: Duration = Duration::from_millis(100);

/// The checkpoint loop, and what it has come to.
#[derive(Clone, Debug)]
pub(super) struct Checkpoints {
    round: Round,
    /// Whether another round is due.
    due: bool,
    /// The result of the last round. It may be lower than that of an earlier one; what is committed is not.
    displayed: Ts,
}

/// Where the present computation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Round {
    Idle,
    /// It waits until the event loop is through with a change of the node set.
    Waits,
    /// It has been woken up.
    Woken,
    /// These have been read, and come to that.
    Read {
        next: usize,
        lowest: Ts,
    },
}

/// Whether maintainers compute and report at once what has come.
pub(super) fn is_prompt(cx: &Cx) -> bool {
    cx.policy().maintainer.prompting.is_prompt(cx.process.config.low_latency)
}

impl Checkpoints {
    pub(super) fn new(checkpoint: Ts) -> Checkpoints {
        Checkpoints { round: Round::Idle, due: false, displayed: checkpoint }
    }

    pub(super) fn displayed(&self) -> Ts {
        self.displayed
    }
}

impl Maintainer {
    pub(super) fn checkpoint_tick(&mut self, cx: &mut Cx) {
        cx.out.alarm(Timer::CheckpointTick { m: self.id }.into(), PERIOD);
        if self.checkpoints.round == Round::Idle {
            self.begin_round(cx);
        } else {
            self.checkpoints.due = true;
        }
    }

    /// A watermark has come: a maintainer of a changefeed with low latency does not wait for the tick.
    pub(super) fn prompt_checkpoint(&mut self, cx: &mut Cx) {
        if !is_prompt(cx) {
            return;
        }
        if self.checkpoints.round == Round::Idle {
            self.checkpoints.round = Round::Woken;
            cx.out.give_way(Timer::Checkpoint { m: self.id }.into());
        } else {
            self.checkpoints.due = true;
        }
    }

    pub(super) fn compute_checkpoint(&mut self, cx: &mut Cx) {
        match self.checkpoints.round {
            Round::Idle | Round::Waits | Round::Woken => self.begin_round(cx),
            Round::Read { next, lowest } => self.read_next(next, lowest, cx),
        }
    }

    /// The event loop is through with a change of the node set.
    pub(super) fn unlock_checkpoint(&mut self, cx: &mut Cx) {
        if self.checkpoints.round == Round::Waits {
            self.checkpoints.round = Round::Woken;
            cx.out.give_way(Timer::Checkpoint { m: self.id }.into());
        }
    }

    fn begin_round(&mut self, cx: &mut Cx) {
        if !self.initialized {
            return self.end_round(cx);
        }
        if cx.policy().maintainer.checkpoint_node_change.is_followed() {
            if self.is_node_set_locked() {
                self.checkpoints.round = Round::Waits;
                return;
            }
            self.handle_node_change(cx);
        }
        self.read_next(0, Ts::INFINITE, cx);
    }

    fn read_next(&mut self, next: usize, lowest: Ts, cx: &mut Cx) {
        let order = cx.policy().maintainer.checkpoint_order.parts();
        let read = match order[next] {
            Part::Spans => self.lowest_of_spans(),
            Part::Barrier => self.barrier.lowest(cx).unwrap_or(Ts::INFINITE),
            Part::Watermarks => match self.lowest_watermark(cx) {
                Some(lowest) => lowest,
                None => return self.end_round(cx),
            },
        };
        let (next, lowest) = (next + 1, lowest.min(read));
        if next < order.len() {
            self.checkpoints.round = Round::Read { next, lowest };
            return cx.out.give_way(Timer::Checkpoint { m: self.id }.into());
        }
        // Without any limit nobody has anything to replicate.
        if lowest != Ts::INFINITE {
            self.spans.commit(lowest);
            let changed = std::mem::replace(&mut self.checkpoints.displayed, lowest) != lowest;
            if changed && cx.process.config.low_latency {
                self.mark_dirty();
            }
        }
        self.end_round(cx);
    }

    fn end_round(&mut self, cx: &mut Cx) {
        self.checkpoints.round = Round::Idle;
        if std::mem::take(&mut self.checkpoints.due) {
            self.checkpoints.round = Round::Woken;
            cx.out.give_way(Timer::Checkpoint { m: self.id }.into());
        }
    }

    pub(super) fn lowest_of_spans(&self) -> Ts {
        let operators = self.operators.lowest_blocking(&self.spans);
        let spans = self.spans.lowest_not_replicating();
        operators.into_iter().chain(spans).min().unwrap_or(Ts::INFINITE)
    }

    /// The lowest watermark of the nodes that count. Every one of them must have reported one.
    pub(super) fn lowest_watermark(&self, cx: &Cx) -> Option<Ts> {
        let mut lowest = Ts::INFINITE;
        for node in self.bootstrapper.nodes() {
            if node == cx.id() || self.spans.count_on(node) > 0 {
                lowest = lowest.min(self.watermarks.get(&node)?.checkpoint);
            }
        }
        Some(lowest)
    }
}
