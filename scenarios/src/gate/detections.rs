//! For every mutant that a scenario claims to detect, one run that does: `fixtures/detections.txt`.
//!
//! A line for each: the mutant, the scenario, the seed, and what breaks there in the mutant and holds in the policy that it is
//! a mistake in. The file is rewritten by `cdcsim gate --update`.

use std::collections::BTreeMap;

use model::policy::{MUTANTS, Mutant};
use sim::Seed;

use crate::{Case, Error, PolicySpec, Scenario, catalogue::reading, run::Outcome};

/// One run for each mutant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Detections {
    by_mutant: BTreeMap<String, Detection>,
}

/// A run that detects a mutant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detection {
    /// The scenario.
    pub scenario: String,
    /// The seed.
    pub seed: Seed,
    /// What breaks, as claims name it.
    pub breaks: String,
}

impl Detections {
    /// Reads the file.
    pub fn read(path: &str) -> Result<Detections, Error> {
        let text = std::fs::read_to_string(path).map_err(|error| Error::new(path, reading(&error)))?;
        Detections::parse(path, &text)
    }

    /// Reads it from text; `at` names the file in complaints.
    pub fn parse(at: &str, text: &str) -> Result<Detections, Error> {
        let mut detections = Detections::default();
        for (n, line) in text.lines().enumerate() {
            let wrong = || {
                let what = "a line is `mutant scenario seed what-breaks`";
                Error::new(format!("{at}:{}", n + 1), format!("{what}\n  | {line}"))
            };
            let words: Vec<&str> = line.splitn(4, ' ').collect();
            let [mutant, scenario, seed, breaks] = words[..] else { return Err(wrong()) };
            let seed = Seed(seed.parse().map_err(|_| wrong())?);
            let detection = Detection { scenario: scenario.to_owned(), seed, breaks: breaks.to_owned() };
            detections.by_mutant.insert(mutant.to_owned(), detection);
        }
        Ok(detections)
    }

    /// The run that detects a mutant.
    pub fn of(&self, mutant: &str) -> Option<&Detection> {
        self.by_mutant.get(mutant)
    }

    /// Writes one down.
    pub fn add(&mut self, mutant: &str, detection: Detection) {
        self.by_mutant.insert(mutant.to_owned(), detection);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_mutant.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_mutant.is_empty()
    }

    /// The file.
    pub fn text(&self) -> String {
        let line = |(mutant, Detection { scenario, seed, breaks }): (&String, &Detection)| {
            format!("{mutant} {scenario} {seed} {breaks}\n")
        };
        self.by_mutant.iter().map(line).collect()
    }
}

/// The mutants that one of these scenarios claims to detect: that breaks something of it.
pub fn claimed(scenarios: &[Scenario]) -> Vec<&'static Mutant> {
    let is_claimed =
        |mutant: &&Mutant| scenarios.iter().any(|scenario| !breaks(scenario, mutant.id).is_empty());
    MUTANTS.iter().filter(is_claimed).collect()
}

/// What a mutant breaks in a scenario, by what the scenario claims.
fn breaks(scenario: &Scenario, mutant: &str) -> Vec<String> {
    let mut claims = scenario.claims();
    claims.retain(|claim| claim.policy.name() == mutant);
    claims.into_iter().flat_map(|claim| claim.breaks).collect()
}

/// Whether a run breaks something, as claims name it.
fn is_broken(outcome: &Outcome, name: &str) -> bool {
    outcome.violations.iter().any(|violation| {
        violation.invariant == name || crate::signature::name(violation.invariant, violation.aspect) == name
    })
}

/// The run of a detection.
pub(super) fn case(mutant: &Mutant, scenario: &Scenario, seed: Seed) -> Result<Case, Error> {
    Ok(Case::new(scenario, &PolicySpec::parse(mutant.id)?, seed))
}

/// Whether something breaks in the mutant, and not in the policy that it is a mistake in.
pub(super) fn detects(mutant: &Mutant, case: &Case, name: &str) -> Result<bool, Error> {
    let beside = PolicySpec::parse(mutant.beside)?;
    Ok(is_broken(&case.run(), name) && !is_broken(&Case { policy: beside, ..case.clone() }.run(), name))
}

/// Looks for the shortest run that detects a mutant: of each scenario that claims it, the first seed.
pub(super) fn find(mutant: &Mutant, scenarios: &[Scenario]) -> Result<Option<Detection>, Error> {
    let beside = PolicySpec::parse(mutant.beside)?;
    let mut found: Option<(u64, Detection)> = None;
    for scenario in scenarios {
        let names = breaks(scenario, mutant.id);
        if names.is_empty() {
            continue;
        }
        for seed in (0..scenario.seeds()).map(Seed) {
            let case = case(mutant, scenario, seed)?;
            let outcome = case.run();
            let Some(name) = names.iter().find(|name| is_broken(&outcome, name)) else { continue };
            let sound = Case { policy: beside.clone(), ..case }.run();
            if is_broken(&sound, name) {
                continue;
            }
            if found.as_ref().is_none_or(|(records, _)| outcome.records < *records) {
                let (scenario, breaks) = (scenario.name().to_owned(), name.clone());
                found = Some((outcome.records, Detection { scenario, seed, breaks }));
            }
            break;
        }
    }
    Ok(found.map(|(_, detection)| detection))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_what_was_written() {
        let text = "M1 head-of-line 0 no_head_of_line\nM4 delayed-create 12 single_writer (applied)\n";
        let detections = Detections::parse("detections.txt", text).expect("well-formed");
        assert_eq!(detections.text(), text);
        assert_eq!(detections.of("M4").map(|one| one.breaks.as_str()), Some("single_writer (applied)"));
        let wrong = Detections::parse("detections.txt", "M1 head-of-line x no_head_of_line").unwrap_err();
        insta::assert_snapshot!(wrong, @"
        detections.txt:1: a line is `mutant scenario seed what-breaks`
          | M1 head-of-line x no_head_of_line
        ");
    }
}
