//! Where invariants fire: for each thing that one of them reports separately, a scenario and a policy that break it.

use model::invariants::Named;

use crate::{
    Claim, Error, Scenario,
    matrix::{Sweeping, check},
};

/// Where an aspect of an invariant fires most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fires {
    /// The invariant.
    pub invariant: &'static str,
    /// What it reports separately; without a name if it is only one thing.
    pub aspect: &'static str,
    /// The scenario, the policy, in how many runs, and how many there were; none if it fires in no run of these claims.
    pub at: Option<(String, String, u64, u64)>,
}

/// The claims that are run: of those that say that an aspect breaks, or its whole invariant, the first.
pub fn candidates<'a>(scenarios: &'a [Scenario], invariants: &[&Named]) -> Vec<(&'a Scenario, Claim)> {
    let all: Vec<(&Scenario, Claim)> =
        scenarios.iter().flat_map(|one| one.claims().into_iter().map(move |claim| (one, claim))).collect();
    let mut chosen: Vec<usize> = Vec::new();
    for named in invariants {
        for (aspect, _) in named.aspects {
            let exact = name(named.name, aspect);
            let breaks =
                |name: &str| all.iter().position(|(_, claim)| claim.breaks.iter().any(|one| one == name));
            let may =
                |name: &str| all.iter().position(|(_, claim)| claim.may_break.iter().any(|one| one == name));
            let found = breaks(&exact).or_else(|| breaks(named.name)).or_else(|| may(&exact));
            if let Some(n) = found.or_else(|| may(named.name)).filter(|n| !chosen.contains(n)) {
                chosen.push(n);
            }
        }
    }
    chosen.sort_unstable();
    chosen.into_iter().map(|n| all[n].clone()).collect()
}

/// Runs these claims: where each aspect fires most.
///
/// The only error is that there cannot be so many jobs.
pub fn fires(
    candidates: &[(&Scenario, Claim)],
    invariants: &[&Named],
    mut how: Sweeping,
) -> Result<Vec<Fires>, Error> {
    let mut checked = Vec::new();
    for (scenario, claim) in candidates {
        let one = check(scenario, claim, &mut how)?;
        let interrupted = one.tally.interrupted;
        checked.push(one);
        if interrupted {
            break;
        }
    }
    let aspects = invariants
        .iter()
        .flat_map(|named| named.aspects.iter().map(move |(aspect, _)| (named.name, *aspect)));
    let fires = aspects.map(|(invariant, aspect)| {
        let counts = checked.iter().filter_map(|one| {
            let its = |broke: &&crate::sweep::Broke| {
                broke.is_called(&name(invariant, aspect)) && broke.aspect.is_some()
            };
            let broke = one.tally.by_aspect.iter().find(its)?;
            Some((one.scenario.clone(), one.claim.policy.name().to_owned(), broke.runs, one.tally.ran))
        });
        // The first of those with the most runs.
        let at = counts.rev().max_by_key(|(.., runs, _)| *runs);
        Fires { invariant, aspect, at }
    });
    Ok(fires.collect())
}

/// Invariant and aspect, as claims name them.
fn name(invariant: &str, aspect: &str) -> String {
    if aspect.is_empty() { invariant.to_owned() } else { format!("{invariant} ({aspect})") }
}
