//! Two policies on the same weather: where their runs part.

use crate::{
    Case, PolicySpec,
    run::Outcome,
    trace::{Line, trace},
};

/// Two runs that are the same up to a record.
#[derive(Debug)]
pub struct Diff {
    /// What they came to.
    pub outcomes: [Outcome; 2],
    /// How many records are the same in both.
    pub same: usize,
    /// The last of these.
    pub last: Option<Line>,
    /// What follows in each, a few records at most. Both are empty if the runs do not part.
    pub next: [Vec<Line>; 2],
}

impl Diff {
    /// Whether the runs part.
    pub fn part(&self) -> bool {
        self.next.iter().any(|next| !next.is_empty())
    }
}

/// Runs a case under two policies, whatever its own one is; `next`: so many records of each are told from where they part.
pub fn diff(case: &Case, policies: [&PolicySpec; 2], next: usize) -> Diff {
    // The chaos of a seed is the same for both.
    let case = case.clone().concrete();
    let [(one, first), (other, second)] =
        policies.map(|policy| trace(&Case { policy: policy.clone(), ..case.clone() }));
    let same = first.iter().zip(&second).take_while(|(one, other)| one.text() == other.text()).count();
    let few = |lines: &[Line]| lines[same..].iter().take(next).cloned().collect();
    let (last, next) = (first[..same].last().cloned(), [few(&first), few(&second)]);
    Diff { outcomes: [one, other], same, last, next }
}
