//! Writing down anew what the gate holds runs against.

use rayon::prelude::*;

use super::{Detections, Fixtures, Outcomes, claimed, detections, outcomes};
use crate::{Error, Scenario, run::Outcome};

/// What has been written down anew.
#[derive(Clone, Debug)]
pub struct Updated {
    /// The runs of claims.
    pub outcomes: Outcomes,
    /// The runs that detect mutants.
    pub detections: Detections,
    /// The mutants that a scenario claims to detect, and no run does.
    pub undetected: Vec<&'static str>,
}

/// Runs all claims and mutants of these scenarios. What others have come to stays, if `all` does not say that these are all.
///
/// The errors are that there cannot be so many jobs, and that a mutant is no policy.
pub fn update(scenarios: &[Scenario], all: bool, before: &Fixtures, jobs: usize) -> Result<Updated, Error> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(jobs).build().map_err(|error| {
        Error::new(format!("{jobs} jobs"), format!("so many threads cannot be had ({error}); ask for fewer"))
    })?;
    let mut written = before.outcomes.clone();
    let claims = scenarios
        .iter()
        .flat_map(|scenario| scenario.claims().into_iter().map(move |claim| (scenario, claim)));
    let claims: Vec<_> = claims.collect();
    let runs = |(scenario, claim): &(&Scenario, _)| -> Vec<Outcome> {
        outcomes::runs(scenario, claim).map(|case| case.run()).collect()
    };
    let ran: Vec<Vec<Outcome>> = pool.install(|| claims.par_iter().map(runs).collect());
    for ((scenario, claim), outcomes) in claims.iter().zip(ran) {
        for outcome in outcomes {
            written.add(scenario.name(), claim.policy.name(), &outcome);
        }
    }
    let written = if all { written.without_others(scenarios) } else { written };
    let mutants = claimed(scenarios);
    let find = |mutant: &&_| detections::find(mutant, scenarios);
    let found: Vec<_> = pool.install(|| mutants.par_iter().map(find).collect::<Result<Vec<_>, _>>())?;
    let mut known = if all { Detections::default() } else { before.detections.clone() };
    let mut undetected = Vec::new();
    for (mutant, found) in mutants.iter().zip(found) {
        match found {
            Some(detection) => known.add(mutant.id, detection),
            None => undetected.push(mutant.id),
        }
    }
    Ok(Updated { outcomes: written, detections: known, undetected })
}
