//! What a dispatcher has handed to the sink and does not know to be downstream, and the checkpoint that follows from it.

use std::collections::VecDeque;

use crate::Ts;

/// The commits that are not flushed, in order of their arrival.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Progress {
    unflushed: VecDeque<Ts>,
    /// The last commit that was added or passed; none: nothing yet.
    last: Ts,
}

impl Progress {
    /// Something is handed to the sink. It counts from before that until it is flushed.
    pub(super) fn add(&mut self, commit: Ts) {
        self.unflushed.push_back(commit);
        self.last = commit;
    }

    /// Something is downstream.
    pub(super) fn flushed(&mut self, commit: Ts) {
        if let Some(at) = self.unflushed.iter().position(|one| *one == commit) {
            self.unflushed.remove(at);
        }
    }

    /// An event that is not for this dispatcher to write is behind it.
    pub(super) fn pass(&mut self, commit: Ts) {
        self.last = commit;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.unflushed.is_empty()
    }

    /// Everything up to here is downstream. The last commit is not: another transaction may have the same.
    pub(super) fn checkpoint(&self, resolved: Ts) -> Ts {
        match self.unflushed.front() {
            Some(first) => first.before(),
            None if self.last == Ts::NONE => resolved,
            None => resolved.max(self.last.before()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_flushed_holds_the_checkpoint_back() {
        let mut progress = Progress::default();
        assert_eq!(progress.checkpoint(Ts(7)), Ts(7), "nothing was ever written");
        progress.add(Ts(20));
        progress.add(Ts(20));
        progress.add(Ts(30));
        assert_eq!(progress.checkpoint(Ts(7)), Ts(19));
        progress.flushed(Ts(30));
        progress.flushed(Ts(20));
        assert_eq!(progress.checkpoint(Ts(7)), Ts(19), "one of two with the same commit");
        progress.flushed(Ts(20));
        assert_eq!((progress.is_empty(), progress.checkpoint(Ts(7))), (true, Ts(29)));
        assert_eq!(progress.checkpoint(Ts(40)), Ts(40));
    }

    #[test]
    fn an_event_that_is_passed_is_behind() {
        let mut progress = Progress::default();
        progress.pass(Ts(80));
        assert_eq!((progress.is_empty(), progress.checkpoint(Ts(7))), (true, Ts(79)));
    }
}
