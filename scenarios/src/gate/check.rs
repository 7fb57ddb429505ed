//! What is checked of claims, capsules and mutants, each by itself.

use std::sync::atomic::{AtomicBool, Ordering};

use model::policy::Mutant;
use sim::Seed;

use super::{
    Failure, Judged,
    detections::{self, Detection},
    outcomes::{self, Differs, Outcomes},
};
use crate::{
    Case, Claim, PolicySpec, Scenario,
    capsule::{Capsule, Reproduced},
    known::KnownFindings,
    sweep::{Broke, Ended, Tally, Verdict, attempt},
};

/// So many seeds are enough of a claim that something breaks, if they show it, and of one that everything holds.
const BREAKS: u64 = 10;
const HOLDS: u64 = 25;

/// Whether a claim is so, over as many seeds as its scenario asks for at most, and the runs that are written down are as they were.
/// `policy` is run where it is not the claim's own.
pub(super) fn claim(
    scenario: &Scenario,
    claim: &Claim,
    policy: &PolicySpec,
    known: &Outcomes,
    stop: &AtomicBool,
) -> Judged {
    let mut tally = Tally::new();
    let mut differs: Option<(Case, Differs)> = None;
    for seed in (0..scenario.seeds().max(outcomes::SEEDS)).map(Seed) {
        if stop.load(Ordering::Relaxed) {
            return Judged::NotRun;
        }
        let enough = if claim.breaks.is_empty() { HOLDS } else { BREAKS };
        if seed.0 >= enough && matches!(tally.judge(claim), Verdict::Confirmed) {
            break;
        }
        let case = Case::new(scenario, policy, seed);
        let ended = attempt(seed, |_| case.run());
        match &ended {
            Ended::Failed { message, .. } => return Judged::errored(&case, message),
            Ended::Ran(outcome) if seed.0 < outcomes::SEEDS => {
                let compared = known.compare(scenario.name(), claim.policy.name(), outcome);
                differs = graver(differs, compared.err().map(|how| (case, how)));
            }
            Ended::Ran(_) => {}
        }
        if seed.0 < scenario.seeds() {
            tally.count(&ended);
        }
    }
    match (tally.judge(claim), differs) {
        (Verdict::Refuted { by }, _) => refuted(scenario, policy, &by, &tally),
        (Verdict::Vacuous { missing }, _) => Judged::failed(
            format!("nothing is shown by {} seeds for want of {}", tally.ran, missing.join(" and of ")),
            Case::new(scenario, policy, Seed(0)),
            None,
        ),
        (Verdict::Confirmed, Some((case, differs))) => {
            let (what, breaks) = told(&differs);
            Judged::failed(format!("seed {} {what}", case.seed), case, breaks)
        }
        (Verdict::Confirmed, None) => Judged::Passed,
    }
}

/// Something else that broke counts more than other records.
fn graver(before: Option<(Case, Differs)>, new: Option<(Case, Differs)>) -> Option<(Case, Differs)> {
    match (before, new) {
        (Some((_, Differs::Records)), Some(new @ (_, Differs::Verdict { .. }))) => Some(new),
        (None, new) => new,
        (before, _) => before,
    }
}

fn told(differs: &Differs) -> (String, Option<String>) {
    match differs {
        Differs::Unknown => ("is not written down; --update writes it down".to_owned(), None),
        Differs::Records => {
            ("comes to the same by other records: the model has changed, or the weather".to_owned(), None)
        }
        Differs::Verdict { was, is } => {
            let first = is.strip_prefix("broke ").and_then(|names| names.split(", ").next());
            (format!("{is}; it {was} when that was written down"), first.map(ToOwned::to_owned))
        }
    }
}

fn refuted(scenario: &Scenario, policy: &PolicySpec, by: &[Broke], tally: &Tally) -> Judged {
    let told = |broke: &Broke| format!("{broke} in {} of {} seeds", broke.runs, tally.ran);
    let what: Vec<String> = by.iter().map(told).collect();
    let seed = by.iter().filter_map(|broke| broke.first.first()).min().copied().unwrap_or(Seed(0));
    let first = by.iter().find(|broke| broke.first.first() == Some(&seed));
    let case = Case::new(scenario, policy, seed);
    Judged::failed(
        format!("what was to hold broke: {}", what.join(", ")),
        case,
        first.map(ToString::to_string),
    )
}

/// Whether a capsule still shows what it says. `stands_for`: what runs where the capsule says `master`.
pub(super) fn capsule(
    name: &str,
    capsule: &Capsule,
    stands_for: &PolicySpec,
    known: &KnownFindings,
) -> Judged {
    let case = match capsule.case(name) {
        Ok(case) if case.policy.name() == super::UNDER_TEST => Case { policy: stands_for.clone(), ..case },
        Ok(case) => case,
        Err(error) => {
            return Judged::Failed(Failure {
                why: error.to_string(),
                case: None,
                breaks: None,
                shrunk: None,
            });
        }
    };
    let of = known.all().iter().find(|one| one.capsules.contains(&format!("capsules/{name}")));
    let ran = crate::sweep::caught(|| case.trace());
    let (outcome, lines) = match ran {
        Ok(ran) => ran,
        Err(message) => return Judged::errored(&case, &message),
    };
    let what = match capsule.compare(&outcome, &lines) {
        Reproduced::Exact | Reproduced::Rebased { .. } => return Judged::Passed,
        Reproduced::Otherwise { told, found } => {
            format!("the same records are judged otherwise: {} then, {} now", words(&told), words(&found))
        }
        Reproduced::Not { told, found, first, applied, decisions } => {
            let first = first.map(|line| format!("; the first record that is missing: {line}"));
            format!(
                "it is not reproduced: {} then, {} now; {applied} of {decisions} decisions replayed{}",
                words(&told),
                words(&found),
                first.unwrap_or_default()
            )
        }
    };
    let what = match of {
        Some(finding) => format!("{} does not occur any more, or looks different: {what}", finding.id),
        None => what,
    };
    Judged::failed(what, case, None)
}

fn words(names: &[String]) -> String {
    if names.is_empty() { "everything held".to_owned() } else { format!("{} broke", names.join(", ")) }
}

/// Whether the run that is written down for a mutant still detects it.
pub(super) fn mutant(mutant: &'static Mutant, scenarios: &[Scenario], known: Option<&Detection>) -> Judged {
    let Some(Detection { scenario: name, seed, breaks }) = known else {
        let why = "no run that detects it is written down; --update looks for one".to_owned();
        return Judged::Failed(Failure { why, case: None, breaks: None, shrunk: None });
    };
    let Some(scenario) = scenarios.iter().find(|scenario| scenario.name() == name) else {
        let why = format!("there is no scenario {name} any more; --update looks for another one");
        return Judged::Failed(Failure { why, case: None, breaks: None, shrunk: None });
    };
    let case = match detections::case(mutant, scenario, *seed) {
        Ok(case) => case,
        Err(error) => {
            return Judged::Failed(Failure {
                why: error.to_string(),
                case: None,
                breaks: None,
                shrunk: None,
            });
        }
    };
    match crate::sweep::caught(|| detections::detects(mutant, &case, breaks)) {
        Err(message) => Judged::errored(&case, &message),
        Ok(Ok(true)) => Judged::Passed,
        Ok(Ok(false) | Err(_)) => {
            let elsewhere = detections::find(mutant, scenarios).ok().flatten();
            let elsewhere = match elsewhere {
                Some(Detection { scenario, seed, breaks }) => {
                    format!("seed {seed} of {scenario} does, by {breaks}: --update writes it down")
                }
                None => {
                    "nor does any seed of the scenarios that claim to: nothing sees this mistake".to_owned()
                }
            };
            let why = format!("seed {seed} of {name} does not detect it by {breaks} any more; {elsewhere}");
            Judged::failed(why, case, None)
        }
    }
}
