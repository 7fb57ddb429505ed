//! The plan of a run: which faults happen when, and which moments are being waited for.

use crate::{Address, Duration, Fault, Instant, Machine, Moment, Planned, When};

/// A fault that waits for a moment.
#[derive(Clone, Debug)]
struct Waiting<M: Machine> {
    kind: Moment,
    /// How many more of them until it happens.
    left: u64,
    to: Option<usize>,
    after: Duration,
    fault: Fault<M>,
}

/// The faults that wait for moments of the run.
#[derive(Clone, Debug)]
pub(crate) struct Waits<M: Machine> {
    waiting: Vec<Waiting<M>>,
}

impl<M: Machine> Waits<M> {
    /// Parts a plan into what happens at known times and what waits for a moment.
    pub(crate) fn part(plan: Vec<Planned<M>>) -> (Vec<(Instant, Fault<M>)>, Waits<M>) {
        let (mut timed, mut waiting) = (Vec::new(), Vec::new());
        for Planned { when, fault } in plan {
            match when {
                When::At(at) => timed.push((at, fault)),
                When::Upon { kind, nth, to, after } => {
                    assert!(nth > 0, "moments are counted from one");
                    waiting.push(Waiting { kind, left: nth, to: to.map(Address::index), after, fault });
                }
            }
        }
        (timed, Waits { waiting })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// A moment has come at this actor: the faults whose turn it is, each with its delay.
    pub(crate) fn reached(&mut self, moment: Moment, actor: usize) -> Vec<(Duration, Fault<M>)> {
        let mut due = Vec::new();
        for wait in &mut self.waiting {
            if wait.kind == moment && wait.to.is_none_or(|to| to == actor) {
                wait.left -= 1;
                if wait.left == 0 {
                    due.push((wait.after, wait.fault.clone()));
                }
            }
        }
        if !due.is_empty() {
            self.waiting.retain(|wait| wait.left > 0);
        }
        due
    }
}
