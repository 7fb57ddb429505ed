//! A manager that ends does not look like a changefeed that is broken: no maintainer is told of an error only because the
//! write path of a manager has been closed.
//!
//! The coordinator restarts a changefeed upon an error, so a node that is shut down would set back changefeeds that have
//! nothing to do with it (review of pingcap/ticdc#5436). Reported once per run.

use sim::What;

use crate::{
    Note, Record, Sim, dispatchers,
    invariants::{Invariant, Named, Sight, Sort, Violation},
    maintainer,
};

const NAME: &str = "no_false_alarm";

pub(super) const NAMED: Named = Named {
    name: NAME,
    promise: "no maintainer is told that a changefeed is broken because a manager of it ends",
    bugs: &["#5436"],
    aspects: &[("", "a maintainer was told of an error, and it was only that a manager ended")],
    sight: Sight::of(&[]).news(&[Sort::Maintainers]),
    make: || Box::new(NoFalseAlarm::default()),
};

#[derive(Default)]
pub(super) struct NoFalseAlarm {
    reported: bool,
}

impl Invariant for NoFalseAlarm {
    fn observe(&mut self, _: &Sim, record: &Record, found: &mut Vec<Violation>) {
        let What::Step { actor, .. } = &record.what else { return };
        for note in &record.notes {
            if let Note::Maintainers(maintainer::Note::ErrorReported { cf, from, why }) = note
                && dispatchers::is_of_the_end(why)
                && !std::mem::replace(&mut self.reported, true)
            {
                let what = format!("{actor} is told by {from} that {cf} is broken: {why}");
                found.push(Violation { invariant: NAME, aspect: "", what, because: vec![record.id] });
            }
        }
    }
}
