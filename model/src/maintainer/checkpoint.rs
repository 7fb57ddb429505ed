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
    /// Whether the ticker has rung, and nobody has heard it yet.
    ticked: bool,
    /// Whether a watermark has come, and nobody has looked yet. Those that come until somebody does are one.
    prompted: bool,
    /// The result of the last round. It may be lower than that of an earlier one; what is committed is not.
    displayed: Progress,
}

/// How far dispatchers are downstream, and how far the upstream is known to have nothing new for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Progress {
    pub(super) checkpoint: Ts,
    resolved: Ts,
}

impl Progress {
    const INFINITE: Progress = Progress::at(Ts::INFINITE);

    const fn at(ts: Ts) -> Progress {
        Progress { checkpoint: ts, resolved: ts }
    }

    fn min(self, other: Progress) -> Progress {
        Progress {
            checkpoint: self.checkpoint.min(other.checkpoint),
            resolved: self.resolved.min(other.resolved),
        }
    }

    /// Goes on, or back, to what is not infinite; whether that changes anything.
    fn replace(&mut self, new: Progress) -> bool {
        let old = *self;
        if new.checkpoint != Ts::INFINITE {
            self.checkpoint = new.checkpoint;
        }
        if new.resolved != Ts::INFINITE {
            self.resolved = new.resolved;
        }
        *self != old
    }
}

/// Where the present computation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Round {
    Idle,
    /// It has been woken up, and has not yet heard by what.
    Woken,
    /// It waits until the event loop is through with a change of the node set.
    Waits,
    /// The event loop is through with it.
    Admitted,
    /// These have been read, and come to that.
    Read {
        next: usize,
        lowest: Progress,
    },
}

/// Whether maintainers compute and report at once what has come.
pub(super) fn is_prompt(cx: &Cx) -> bool {
    cx.policy().maintainer.prompting.is_prompt(cx.process.config.low_latency)
}

impl Checkpoints {
    pub(super) fn new(checkpoint: Ts) -> Checkpoints {
        Checkpoints {
            round: Round::Idle,
            ticked: false,
            prompted: false,
            displayed: Progress::at(checkpoint),
        }
    }

    pub(super) fn displayed(&self) -> Ts {
        self.displayed.checkpoint
    }
}

impl Maintainer {
    pub(super) fn checkpoint_tick(&mut self, cx: &mut Cx) {
        cx.out.alarm(Timer::CheckpointTick { m: self.id }.into(), PERIOD);
        if self.checkpoints.round == Round::Idle {
            self.begin_round(cx);
        } else {
            self.checkpoints.ticked = true;
        }
    }

    /// A watermark has come: a maintainer of a changefeed with low latency does not wait for the tick.
    pub(super) fn prompt_checkpoint(&mut self, cx: &mut Cx) {
        if !is_prompt(cx) {
            return;
        }
        self.checkpoints.prompted = true;
        if self.checkpoints.round == Round::Idle {
            self.checkpoints.round = Round::Woken;
            cx.out.give_way(Timer::Checkpoint { m: self.id }.into());
        }
    }

    pub(super) fn compute_checkpoint(&mut self, cx: &mut Cx) {
        match self.checkpoints.round {
            Round::Idle | Round::Waits | Round::Admitted => self.begin_round(cx),
            Round::Woken => {
                // Of the ticker and a watermark it hears one; the other one makes another round.
                if !std::mem::take(&mut self.checkpoints.prompted) {
                    self.checkpoints.ticked = false;
                }
                self.begin_round(cx);
            }
            Round::Read { next, lowest } => self.read_next(next, lowest, cx),
        }
    }

    /// The event loop is through with a change of the node set.
    pub(super) fn unlock_checkpoint(&mut self, cx: &mut Cx) {
        if self.checkpoints.round == Round::Waits {
            self.checkpoints.round = Round::Admitted;
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
        self.read_next(0, Progress::INFINITE, cx);
    }

    /// Whether a round is under way in which nobody may change the node set.
    pub(super) fn keeps_nodes(&self, cx: &Cx) -> bool {
        matches!(self.checkpoints.round, Round::Read { .. }) && cx.policy().maintainer.round_nodes.are_kept()
    }

    fn read_next(&mut self, next: usize, lowest: Progress, cx: &mut Cx) {
        let order = cx.policy().maintainer.checkpoint_order.parts();
        let read = match order[next] {
            Part::Spans => Progress::at(self.lowest_of_spans()),
            Part::Barrier => Progress::at(self.barrier.lowest(cx).unwrap_or(Ts::INFINITE)),
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
        if lowest.checkpoint != Ts::INFINITE {
            self.spans.commit(lowest.checkpoint);
            let changed = self.checkpoints.displayed.replace(lowest);
            if changed && cx.process.config.low_latency {
                self.mark_dirty();
            }
        }
        self.end_round(cx);
    }

    fn end_round(&mut self, cx: &mut Cx) {
        self.checkpoints.round = Round::Idle;
        if self.checkpoints.ticked || self.checkpoints.prompted {
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
    pub(super) fn lowest_watermark(&self, cx: &Cx) -> Option<Progress> {
        let mut lowest = Progress::INFINITE;
        for node in self.bootstrapper.nodes() {
            if node == cx.id() || self.spans.count_on(node) > 0 {
                let watermark = self.watermarks.get(&node)?;
                let (checkpoint, resolved) = (watermark.checkpoint, watermark.resolved);
                lowest = lowest.min(Progress { checkpoint, resolved });
            }
        }
        Some(lowest)
    }
}
