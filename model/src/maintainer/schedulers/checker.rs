//! The checker: one task that runs the schedulers for balance one after the other, in an order that is chance. It comes
//! again when the first of them asks for it.

use sim::{Duration, Instant};

use crate::{
    Cx,
    maintainer::{Maintainer, Timer, schedulers::balance::Balance},
};

/// The longest gap between two passes.
const LONGEST: Duration = Duration::from_secs(120);

/// The schedulers that share the task.
#[derive(Clone, Copy, Debug)]
enum Which {
    Balance,
}

/// What a scheduler wants after a step.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wants {
    /// To go on after others may have got in.
    Yield,
    /// To go on after this long, while the others wait.
    Sleep(Duration),
    /// To be run again after this long.
    Again(Duration),
}

#[derive(Clone, Debug, Default)]
pub(super) struct Checker {
    /// The schedulers that are still to be run in this pass, the next one last; the last one may be in the middle of it.
    left: Vec<Which>,
    /// When the next pass is due.
    next: Option<Instant>,
    pub(super) balance: Balance,
}

impl Maintainer {
    pub(in crate::maintainer) fn run_checker(&mut self, cx: &mut Cx) {
        let (timer, now) = (Timer::Checker { m: self.id }, cx.now.steady);
        if self.schedulers.checker.left.is_empty() {
            let mut order = vec![Which::Balance];
            cx.shuffle(&mut order, "order of schedulers");
            self.schedulers.checker.left = order;
            self.schedulers.checker.next = Some(now + LONGEST);
        }
        while let Some(which) = self.schedulers.checker.left.last() {
            let wants = match which {
                Which::Balance => self.run_balance(cx),
            };
            let checker = &mut self.schedulers.checker;
            match wants {
                Wants::Yield => return cx.out.give_way(timer.into()),
                Wants::Sleep(pause) => return cx.out.alarm(timer.into(), pause),
                Wants::Again(after) => {
                    checker.left.pop();
                    checker.next = checker.next.map(|next| next.min(now + after));
                }
            }
        }
        let next = self.schedulers.checker.next.unwrap_or(now + LONGEST);
        cx.out.alarm(timer.into(), next.since(now));
    }
}
