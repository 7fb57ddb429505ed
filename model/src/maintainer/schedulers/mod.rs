//! The schedulers of a maintainer. Each of them looks at the spans from time to time and adds operators. They are tasks of
//! their own: between the moment at which an operator is admitted and the one at which it is taken, others can get in.

mod balance;
mod balance_splits;
mod basic;
mod checker;
mod drain;
mod regions;
mod split_check;
mod splitter;

use crate::{
    Cx, DispatcherId, Mode, NodeId, Span, Ts,
    maintainer::{Maintainer, Note, Timer, operators::Operator, redo::Thread},
};
use splitter::{Parts, split};

/// What the schedulers are in the middle of.
#[derive(Clone, Debug, Default)]
pub(super) struct Schedulers {
    basic: basic::Basic,
    drain: drain::Drains,
    checker: checker::Checker,
}

/// An operator that has been admitted, and is to be taken next.
#[derive(Clone, Debug)]
struct Admitted {
    operator: Box<dyn Operator>,
    note: Option<Note>,
}

impl Schedulers {
    /// Whether an operator for a span has been admitted, and is to be taken next.
    pub(super) fn have_admitted(&self, id: DispatcherId) -> bool {
        let all = [&self.basic.admitted, &self.drain.admitted, &self.checker.admitted];
        all.into_iter().flatten().any(|admitted| admitted.operator.id() == id)
    }
}

impl Maintainer {
    /// The schedulers start.
    pub(super) fn start_schedulers(&mut self, cx: &mut Cx) {
        for mode in [Mode::Default, Mode::Redo] {
            self.in_mode(mode, |m| cx.out.give_way(m.timer(Thread::BasicScheduler).into()));
        }
        cx.out.give_way(Timer::Checker { m: self.id }.into());
        for mode in [Mode::Default, Mode::Redo] {
            self.in_mode(mode, |m| m.run_drain(cx));
        }
    }

    /// Admits an operator, to be taken in the next step of its scheduler.
    fn admit(&self, operator: Box<dyn Operator>, note: Option<Note>, cx: &Cx) -> Option<Admitted> {
        self.admits_operator(operator.id(), cx).then_some(Admitted { operator, note })
    }

    fn take_admitted(&mut self, admitted: Option<Admitted>, cx: &mut Cx) {
        if let Some(Admitted { operator, note }) = admitted {
            if let Some(note) = note {
                cx.note(note);
            }
            self.push_admitted(operator, cx);
        }
    }

    /// What schedulers have had admitted is taken now.
    pub(super) fn take_all_admitted(&mut self, cx: &mut Cx) {
        let schedulers = &mut self.schedulers;
        let all = [
            schedulers.basic.admitted.take(),
            schedulers.drain.admitted.take(),
            schedulers.checker.admitted.take(),
        ];
        for admitted in all {
            self.take_admitted(admitted, cx);
        }
        self.take_admitted_by_api(cx);
    }

    /// The nodes that may be given spans: all that are there, but not one that is drained.
    fn candidates(&self, cx: &Cx) -> impl Iterator<Item = NodeId> {
        let drained = self.drained();
        cx.process.view().iter().copied().filter(move |node| drained != Some(*node))
    }

    /// The spans that a new table gets, or what is missing of one.
    pub(super) fn split_at_first(&self, span: Span, cx: &Cx) -> Vec<Span> {
        self.split(span, Parts::ByRegions, cx)
    }

    fn split(&self, span: Span, parts: Parts, cx: &Cx) -> Vec<Span> {
        let config = &cx.process.config.scheduling;
        match config.split_tables {
            true => split(span, parts, &cx.process.history, Ts::at(cx.now.steady), config),
            false => vec![span],
        }
    }
}
