//! Whether what breaks is known: the same run is made again with what cures the findings that it may be.
//!
//! A signature alone says little: whatever leaves two writers behind breaks the same. So a finding names the rule that
//! mends it, and its instances hold with that rule, under the same weather. Randomness has addresses: a rule that is asked for nothing
//! in a run changes nothing in it, and the run breaks as before.

use std::collections::BTreeSet;

use super::{KnownFinding, KnownFindings, Mend};
use crate::{Case, PolicySpec, Scenario, gate::UNDER_TEST, run::Outcome, signature::Signature};

/// What takes findings out of a run.
#[derive(Clone, Debug, Default)]
struct Cure<'a> {
    switches: Vec<&'a str>,
    mends: BTreeSet<Mend>,
}

impl<'a> Cure<'a> {
    /// Of findings together.
    fn of(findings: &[&'a KnownFinding]) -> Cure<'a> {
        let mut cure = Cure::default();
        for finding in findings {
            cure.switches.extend(finding.cured_by.iter().flat_map(|switches| switches.split('+')));
            cure.mends.extend(finding.mends());
        }
        cure
    }

    /// Its weather without its switches, if it has both.
    fn weather(&self) -> Option<Cure<'a>> {
        let has_both = !self.switches.is_empty() && !self.mends.is_empty();
        has_both.then(|| Cure { switches: Vec::new(), mends: self.mends.clone() })
    }

    fn is_none(&self) -> bool {
        self.switches.is_empty() && self.mends.is_empty()
    }

    /// The same case with it; none: it is the same. A switch that is not as in the policy that findings are of is what is tried, and stays.
    fn apply(&self, case: &Case) -> Option<Case> {
        let known = PolicySpec::parse(UNDER_TEST).expect("it is a policy");
        let own = |switch: &&&str| {
            let path = switch.split('=').next().unwrap_or_default();
            case.policy.choice(path) == known.choice(path)
        };
        let mut name = case.policy.name().to_owned();
        for switch in self.switches.iter().filter(own) {
            name = format!("{name}+{switch}");
        }
        let policy = PolicySpec::parse(&name).expect("it was checked when the file was read");
        let changes = policy.policy() != case.policy.policy();
        let mut cured = Case { policy, ..case.clone() };
        let mut mended = false;
        if let Some(scenario) = self.of_old_nodes(&cured) {
            (cured.scenario, mended) = (scenario, true);
        }
        for mend in &self.mends {
            if let Some(without) = mend.apply(&cured) {
                (cured, mended) = (without, true);
            }
        }
        (changes || mended).then_some(cured)
    }

    /// The same scenario, in which nodes of older versions have the switches, too; none: there is no such node.
    fn of_old_nodes(&self, case: &Case) -> Option<Scenario> {
        let scenario = case.clone().concrete().scenario;
        let mut table = scenario.table();
        let old = table.get_mut("cluster")?.get_mut("old")?.as_table_mut()?;
        for (_, version) in old.iter_mut() {
            let name =
                self.switches.iter().fold(version.as_str()?.to_owned(), |name, one| format!("{name}+{one}"));
            *version = name.into();
        }
        (!old.is_empty() && !self.switches.is_empty()).then(|| scenario.changed(&table)).flatten()
    }
}

impl KnownFindings {
    /// For each signature of a run, the findings that it is an instance of, together if it takes several; none: it is new. The run is
    /// made again with what cures those that it may be, one after the other and then several.
    pub fn explain(&self, signatures: &[Signature], case: &Case) -> Vec<Vec<&KnownFinding>> {
        let mut explained: Vec<Vec<&KnownFinding>> = vec![Vec::new(); signatures.len()];
        let mut tried: Vec<&KnownFinding> = Vec::new();
        for finding in self.all() {
            let left: Vec<usize> = left(&explained).filter(|n| finding.is_of(&signatures[*n])).collect();
            if left.is_empty() {
                continue;
            }
            let cure = Cure::of(&[finding]);
            if cure.is_none() {
                left.iter().for_each(|n| explained[*n].push(finding));
                continue;
            }
            let Some(outcome) = cure.apply(case).map(|cured| cured.run()) else { continue };
            tried.push(finding);
            let cured: Vec<usize> = left.into_iter().filter(|n| is_cured(signatures, *n, &outcome)).collect();
            // Where the weather alone is enough, nothing is shown of the switches.
            let weather = cure.weather().filter(|_| !cured.is_empty());
            let weather = weather.and_then(|weather| weather.apply(case)).map(|cured| cured.run());
            for n in cured {
                if weather.as_ref().is_none_or(|outcome| !is_cured(signatures, n, outcome)) {
                    explained[n].push(finding);
                }
            }
        }
        let left: Vec<usize> = left(&explained).collect();
        tried.retain(|finding| left.iter().any(|n| finding.is_of(&signatures[*n])));
        for together in combinations(&tried) {
            if left.iter().all(|n| !explained[*n].is_empty()) {
                break;
            }
            let Some(outcome) = Cure::of(&together).apply(case).map(|cured| cured.run()) else { continue };
            for n in &left {
                if explained[*n].is_empty() && is_cured(signatures, *n, &outcome) {
                    explained[*n].clone_from(&together);
                }
            }
        }
        explained
    }
}

/// Findings that may have come together: one that comes of the weather with each other, and all.
fn combinations<'a>(tried: &[&'a KnownFinding]) -> Vec<Vec<&'a KnownFinding>> {
    let mut combinations = Vec::new();
    for (n, one) in tried.iter().enumerate() {
        for other in &tried[n + 1..] {
            combinations.push(vec![*one, *other]);
        }
    }
    if tried.len() > 1 {
        combinations.push(tried.to_vec());
    }
    combinations
}

/// Those that nothing explains yet.
fn left(explained: &[Vec<&KnownFinding>]) -> impl Iterator<Item = usize> {
    explained.iter().enumerate().filter(|(_, by)| by.is_empty()).map(|(n, _)| n)
}

/// Whether what broke holds now, and the invariant breaks in no other way than before.
fn is_cured(signatures: &[Signature], n: usize, outcome: &Outcome) -> bool {
    let Signature { invariant, aspect, .. } = signatures[n];
    let before = |violation: &model::invariants::Violation| {
        violation.aspect != aspect
            && signatures
                .iter()
                .any(|one| (one.invariant, one.aspect) == (violation.invariant, violation.aspect))
    };
    let mut same = outcome.violations.iter().filter(|violation| violation.invariant == invariant);
    // What is looked at in the end is not looked at in a run that could not be won.
    let is_shown = outcome.inconclusive.is_none() || invariant != "recovers";
    same.all(before) && is_shown
}
