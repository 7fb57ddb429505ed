//! The checker: one task that runs the schedulers for balance one after the other, in an order that is chance. It comes
//! again when the first of them asks for it.

use sim::{Duration, Instant};

use crate::{
    Cx, Mode,
    maintainer::{
        Maintainer, Timer,
        schedulers::{Admitted, balance::Balance, balance_splits::BalanceSplits, regions::Regions},
    },
};

/// The longest gap between two passes.
const LONGEST: Duration = Duration::from_secs(120);
/// How long nothing is moved after a node has been drained.
const COOLDOWN: Duration = Duration::from_secs(120);

/// The schedulers that share the task.
#[derive(Clone, Copy, Debug)]
enum Which {
    Balance,
    BalanceSplits,
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
    left: Vec<(Mode, Which)>,
    /// When the next pass is due.
    next: Option<Instant>,
    /// Until when nothing is moved, after a node has been drained.
    blocked_until: Option<Instant>,
    pub(super) admitted: Option<Admitted>,
    pub(super) regions: Regions,
    pub(super) balance: Balance,
    pub(super) splits: BalanceSplits,
}

impl Maintainer {
    pub(in crate::maintainer) fn run_checker(&mut self, cx: &mut Cx) {
        let (timer, now) = (Timer::Checker { m: self.id }, cx.now.steady);
        for mode in [Mode::Default, Mode::Redo] {
            self.in_mode(mode, |m| {
                let admitted = m.schedulers.checker.admitted.take();
                m.take_admitted(admitted, cx);
            });
        }
        if self.schedulers.checker.left.is_empty() {
            let splits = cx.process.config.scheduling.split_tables.then_some(Which::BalanceSplits);
            let all = [Which::Balance].into_iter().chain(splits);
            let redo = self.twin.iter().map(|_| Mode::Redo);
            let modes = [Mode::Default].into_iter().chain(redo);
            let mut order: Vec<(Mode, Which)> =
                modes.flat_map(|mode| all.clone().map(move |which| (mode, which))).collect();
            cx.shuffle(&mut order, "order of schedulers");
            self.schedulers.checker.left = order;
            self.schedulers.checker.next = Some(now + LONGEST);
        }
        while let Some((mode, which)) = self.schedulers.checker.left.last().copied() {
            let wants = self.in_mode(mode, |m| match which {
                Which::Balance => m.run_balance(cx),
                Which::BalanceSplits => m.run_balance_splits(cx),
            });
            let Some(wants) = wants else { return };
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

    /// Whether spans may be moved for balance now: nothing else is going on, and no node is being drained or has just been.
    pub(super) fn may_balance(&mut self, cx: &Cx) -> bool {
        let now = cx.now.steady;
        if self.drained().is_some() {
            self.schedulers.checker.blocked_until = Some(now + COOLDOWN);
        }
        let blocked = self.schedulers.checker.blocked_until.is_some_and(|until| now < until);
        !blocked && self.operators.len() == 0 && self.spans.absent_count() == 0
    }
}
