//! Who has stopped writes no more: a dispatcher that has been reported gone, a node that has fenced itself, and a changefeed that
//! its user knows to be paused or removed.
//!
//! For pingcap/ticdc#2613, #5202 and everything else that says it has ended while it goes on: whoever hears of the end lets
//! somebody else begin. A statement that left before may still run. Reported separately, each once per run:
//!
//! * *dispatcher*: one starts a write after its maintainer was told that it is gone;
//! * *manager*: a transaction leaves a manager after a fence has closed the first of its dispatchers. (Between the step that
//!   closes the write path and the one that cancels the context, a worker may still take one, in every version.)
//! * *node*: a transaction leaves a node after the fence of all its managers has come to its end.
//! * *late*: two seconds after a node was told to fence itself, one of its managers may still write. A fence that takes longer is
//!   none.
//! * *paused*, *removed*: a user has been told that a changefeed is, and it writes what it replicates, though nobody has resumed
//!   it.

mod dispatcher;
mod fence;
mod user;

use std::collections::BTreeSet;

use sim::StepId;

use crate::{
    Record, Sim,
    invariants::{Invariant, Named, Sight, Sort, Violation},
};

const NAME: &str = "no_write_after_stop";

pub(super) const NAMED: Named = Named {
    name: NAME,
    promise: "who has stopped writes no more: a dispatcher reported gone, a node that is fenced, a changefeed that a user has stopped",
    bugs: &["#2613", "#5202", "#5106", "#2314"],
    aspects: &[
        (
            "dispatcher",
            "a transaction left for the downstream though the maintainer had been told that its dispatcher was gone",
        ),
        ("manager", "a transaction left a manager after a fence had closed the first of its dispatchers"),
        ("node", "a transaction left a node after all its managers had been fenced"),
        ("late", "two seconds after a node was told to fence itself, one of its managers might still write"),
        (
            "paused",
            "a transaction left for the downstream though the user had been told that the changefeed was paused",
        ),
        ("removed", "the same, of a changefeed that was removed"),
    ],
    sight: Sight::of(&[Sort::Rows, Sort::Dispatchers, Sort::Maintainers]).news(&[Sort::Coordinator]),
    make: || Box::new(NoWriteAfterStop::default()),
};

#[derive(Default)]
pub(super) struct NoWriteAfterStop {
    dispatchers: dispatcher::Reported,
    fences: fence::Fences,
    users: user::Stopped,
    reported: BTreeSet<&'static str>,
}

/// A write that should not have been: which part of the promise it breaks, how, and the steps to blame.
type Wrong = (&'static str, String, Vec<StepId>);

impl Invariant for NoWriteAfterStop {
    fn observe(&mut self, sim: &Sim, record: &Record, found: &mut Vec<Violation>) {
        let mut report = |(aspect, what, because): Wrong| {
            if self.reported.insert(aspect) {
                found.push(Violation { invariant: NAME, aspect, what, because });
            }
        };
        self.dispatchers.observe(record, &mut report);
        self.fences.observe(sim, record, &mut report);
        self.users.observe(record, &mut report);
    }
}
