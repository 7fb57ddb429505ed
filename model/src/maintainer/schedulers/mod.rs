//! The schedulers of a maintainer. Each of them looks at the spans from time to time and adds operators. They are tasks of
//! their own: between the moment at which an operator is admitted and the one at which it is taken, others can get in.

mod balance;
mod basic;
mod checker;

use crate::{
    Cx,
    maintainer::{Maintainer, Timer},
};

/// What the schedulers are in the middle of.
#[derive(Clone, Debug, Default)]
pub(super) struct Schedulers {
    basic: basic::Basic,
    checker: checker::Checker,
}

impl Maintainer {
    /// The schedulers start.
    pub(super) fn start_schedulers(&self, cx: &mut Cx) {
        cx.out.give_way(Timer::BasicScheduler { m: self.id }.into());
        cx.out.give_way(Timer::Checker { m: self.id }.into());
    }

    /// What schedulers have had admitted is taken now.
    pub(super) fn push_checked(&mut self, cx: &mut Cx) {
        self.push_checked_add(cx);
        self.push_checked_move(cx);
    }
}
