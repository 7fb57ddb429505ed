//! Where the target of a merge starts: where the slowest source has ended, or at the barrier that all of them wait for.

use super::check::End;
use crate::{Ts, sink::Recovery};

/// Where a dispatcher starts, and what it leaves out there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::dispatchers) struct Start {
    pub(in crate::dispatchers) ts: Ts,
    /// Whether rows that were committed right after it are downstream already.
    pub(in crate::dispatchers) skip_dml: bool,
    /// Whether the syncpoint at the start is.
    pub(in crate::dispatchers) skip_syncpoint: bool,
}

impl Start {
    /// A barrier is met again: a syncpoint at its commit, a DDL from just before it, without the rows of its commit.
    pub(super) fn after(ends: &[End]) -> Start {
        let lowest = ends.iter().map(|(checkpoint, _)| *checkpoint).min().unwrap_or(Ts::INFINITE);
        let mut barriers = ends.iter().map(|(_, barrier)| *barrier);
        let first = barriers.next().flatten();
        match first.filter(|_| barriers.all(|barrier| barrier == first)) {
            Some((commit, true)) => Start::at(commit, false),
            Some((commit, false)) if commit != Ts::NONE => Start::at(commit.before(), true),
            Some((_, false)) | None => Start::at(lowest, false),
        }
    }

    /// With what the downstream knows of the DDLs of the table: a later start counts alone.
    pub(super) fn recovered(self, recoveries: &[Recovery]) -> Start {
        let Some(recovery) = recoveries.first() else { return self };
        let Recovery { start: ts, skip_dml, skip_syncpoint } = recovery.applied_to(self.ts, self.skip_dml);
        Start { ts, skip_dml, skip_syncpoint }
    }

    fn at(ts: Ts, skip_dml: bool) -> Start {
        Start { ts, skip_dml, skip_syncpoint: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(ts: u64, skip_dml: bool) -> Start {
        Start::at(Ts(ts), skip_dml)
    }

    #[test]
    fn a_barrier_counts_if_all_sources_wait_for_it() {
        let (ddl, syncpoint) = (Some((Ts(40), false)), Some((Ts(40), true)));
        for (ends, expected) in [
            (vec![(Ts(30), None), (Ts(20), None)], start(20, false)),
            (vec![(Ts(30), ddl), (Ts(20), None)], start(20, false)),
            (vec![(Ts(30), ddl), (Ts(20), syncpoint)], start(20, false)),
            (vec![(Ts(30), ddl), (Ts(20), Some((Ts(41), false)))], start(20, false)),
            (vec![(Ts(30), ddl), (Ts(20), ddl)], start(39, true)),
            (vec![(Ts(30), syncpoint), (Ts(20), syncpoint)], start(40, false)),
        ] {
            assert_eq!(Start::after(&ends), expected, "{ends:?}");
        }
    }

    #[test]
    fn the_downstream_may_be_further() {
        for (candidate, recovered, expected) in [
            (start(39, true), 0, start(39, true)),
            (start(39, true), 38, start(39, true)),
            (start(39, true), 45, start(45, false)),
        ] {
            let recovery = Recovery { start: Ts(recovered), ..Recovery::NONE };
            assert_eq!(candidate.recovered(&[recovery]), expected, "{candidate:?} {recovered:?}");
        }
    }
}
