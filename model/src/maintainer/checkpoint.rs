//! The checkpoint loop: every 100 ms, the lowest of what holds the checkpoint back.
//!
//! What holds it back is read first and the watermarks of the nodes last; other activities may get in between. The
//! order keeps the checkpoint from jumping over a dispatcher that has just been created.

use sim::Duration;

use crate::{
    Cx, Ts,
    maintainer::{Maintainer, Timer},
};

pub(super) const PERIOD: Duration = Duration::from_millis(100);

/// Where the present computation stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Round {
    #[default]
    Idle,
    /// The constraints are read.
    Constrained { lowest: Ts },
}

impl Maintainer {
    pub(super) fn compute_checkpoint(&mut self, cx: &mut Cx) {
        match self.round {
            Round::Idle if !self.initialized => self.next_round(cx),
            Round::Idle => {
                self.handle_node_change(cx);
                let operators = self.operators.lowest_blocking(&self.spans);
                let spans = self.spans.lowest_not_replicating();
                let constraints = operators.into_iter().chain(spans).chain(self.barrier.lowest());
                let lowest = constraints.min().unwrap_or(Ts::INFINITE);
                self.round = Round::Constrained { lowest };
                cx.out.give_way(Timer::Checkpoint { m: self.id }.into());
            }
            Round::Constrained { lowest } => {
                self.advance(lowest, cx);
                self.next_round(cx);
            }
        }
    }

    fn next_round(&mut self, cx: &mut Cx) {
        self.round = Round::Idle;
        cx.out.alarm(Timer::Checkpoint { m: self.id }.into(), PERIOD);
    }

    /// Every node that counts must have reported a watermark; otherwise there is no update this round.
    fn advance(&mut self, mut lowest: Ts, cx: &Cx) {
        for node in self.bootstrapper.nodes() {
            if node == cx.id() || self.spans.count_on(node) > 0 {
                let Some(watermark) = self.watermarks.get(&node) else { return };
                lowest = lowest.min(watermark.checkpoint);
            }
        }
        if lowest != Ts::INFINITE {
            self.spans.commit(lowest);
        }
    }
}
