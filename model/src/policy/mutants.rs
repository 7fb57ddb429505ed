//! Mutants: single mistakes that reviews of the real pull requests found or feared. The worth of the testbed is measured
//! by how many of them its scenarios detect (docs/mutants.md).

/// A mistake, as a policy.
#[derive(Clone, Copy, Debug)]
pub struct Mutant {
    /// What reviewers call it; it is a name for its policy.
    pub id: &'static str,
    /// The version that it is made in, and the switch that makes it.
    pub policy: &'static str,
    /// What goes wrong in it, and where that was found.
    pub about: &'static str,
}

/// All mutants.
pub const MUTANTS: &[Mutant] = &[Mutant {
    id: "MU-30",
    policy: "master+coordinator.next_epoch=candidate",
    about: "an epoch may be smaller than the one before (#5434)",
}];
