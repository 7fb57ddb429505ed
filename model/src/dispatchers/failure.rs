//! Why a manager, a table trigger or dispatchers could not be created, and who is told.

use crate::{Cx, dispatchers::Dispatchers, sink};

/// Why something could not be created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The write path of the manager is closed. `wrapped`: it comes from the creation of dispatchers, through other
    /// functions.
    WritePathClosed { wrapped: bool },
    /// The context of the manager was cancelled while the downstream was asked.
    Cancelled,
    /// The changefeed has a path in a stream already.
    DuplicatePath,
    /// There is a table trigger already.
    TriggerExists,
    /// The downstream cannot be reached, or does not answer what it is asked.
    Downstream(sink::Failure),
}

impl Failure {
    /// What a maintainer is told.
    pub(crate) fn why(self) -> &'static str {
        match self {
            Failure::WritePathClosed { .. } => "the write path is closed",
            Failure::Cancelled => "the context is cancelled",
            Failure::DuplicatePath => "the changefeed has a path already",
            Failure::TriggerExists => "there is a table trigger already",
            Failure::Downstream(failure) => failure.why(),
        }
    }
}

/// Whether a maintainer that is told this has been told of nothing but the end of a manager.
pub(crate) fn is_of_the_end(why: &str) -> bool {
    why == Failure::WritePathClosed { wrapped: false }.why()
}

impl Dispatchers {
    /// Whether a failure is kept from the maintainer, and whether it was taken for a closed write path. `construction`: of
    /// a manager, not of a table trigger.
    pub(super) fn is_silent(&self, failure: Failure, construction: bool, cx: &Cx) -> (bool, bool) {
        let closed = self.is_closed_path(failure, cx);
        let silent = cx.policy().orchestrator.ending_errors.are_silent(construction);
        (closed || self.orchestrator.is_ending() && silent, closed)
    }

    /// Whether a failure is taken for a closed write path.
    pub(super) fn is_closed_path(&self, failure: Failure, cx: &Cx) -> bool {
        cx.policy().orchestrator.closed_path_error.recognizes(failure)
    }
}
