//! What a few runs of every claim come to, written down: `fixtures/outcomes.txt`.
//!
//! A line for each run: the scenario, the policy and the seed; the digest of its records and how many there are; and what
//! broke. The file is rewritten by `cdcsim gate --update`; the difference is for a human to judge.

use std::collections::BTreeMap;

use sim::Seed;

use crate::{Case, Claim, Error, Scenario, capsule::hex, catalogue::reading, run::Outcome};

/// So many seeds of every claim are written down, from 0.
pub const SEEDS: u64 = 4;

/// What is written down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// By scenario, policy and seed.
    lines: BTreeMap<(String, String, u64), Line>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    records: String,
    verdict: String,
}

/// How a run differs from what is written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Differs {
    /// Nothing is written down about it.
    Unknown,
    /// It comes to something else.
    Verdict {
        /// What is written down.
        was: String,
        /// What it comes to now.
        is: String,
    },
    /// It comes to the same by other records.
    Records,
}

impl Outcomes {
    /// Reads the file.
    pub fn read(path: &str) -> Result<Outcomes, Error> {
        let text = std::fs::read_to_string(path).map_err(|error| Error::new(path, reading(&error)))?;
        Outcomes::parse(path, &text)
    }

    /// Reads it from text; `at` names the file in complaints.
    pub fn parse(at: &str, text: &str) -> Result<Outcomes, Error> {
        let mut outcomes = Outcomes::default();
        for (n, line) in text.lines().enumerate() {
            let what = "a line is `scenario policy seed digest so-many records: what broke`";
            let wrong = || Error::new(format!("{at}:{}", n + 1), format!("{what}\n  | {line}"));
            let (run, verdict) = line.split_once(" records: ").ok_or_else(wrong)?;
            let words: Vec<&str> = run.split(' ').collect();
            let [scenario, policy, seed, digest, records] = words[..] else { return Err(wrong()) };
            let seed = seed.parse().map_err(|_| wrong())?;
            let line = Line { records: format!("{digest} {records}"), verdict: verdict.to_owned() };
            outcomes.lines.insert((scenario.to_owned(), policy.to_owned(), seed), line);
        }
        Ok(outcomes)
    }

    /// Writes down a run.
    pub fn add(&mut self, scenario: &str, policy: &str, outcome: &Outcome) {
        let key = (scenario.to_owned(), policy.to_owned(), outcome.seed.0);
        self.lines.insert(key, Line::of(outcome));
    }

    /// Whether a run is as it is written down.
    pub fn compare(&self, scenario: &str, policy: &str, outcome: &Outcome) -> Result<(), Differs> {
        let key = (scenario.to_owned(), policy.to_owned(), outcome.seed.0);
        let Some(known) = self.lines.get(&key) else { return Err(Differs::Unknown) };
        let found = Line::of(outcome);
        match () {
            () if known.verdict != found.verdict => {
                Err(Differs::Verdict { was: known.verdict.clone(), is: found.verdict })
            }
            () if known.records != found.records => Err(Differs::Records),
            () => Ok(()),
        }
    }

    /// The runs that are written down, without those that these scenarios do not ask for any more.
    pub fn without_others(mut self, scenarios: &[Scenario]) -> Outcomes {
        let asks = |(name, policy, seed): &(String, String, u64)| {
            let scenario = scenarios.iter().find(|scenario| scenario.name() == name);
            let claims = scenario.map(Scenario::claims).unwrap_or_default();
            *seed < SEEDS && claims.iter().any(|claim| claim.policy.name() == policy)
        };
        self.lines.retain(|key, _| asks(key));
        self
    }

    /// How many lines of another file are not in this one as they are.
    pub fn changed_since(&self, before: &Outcomes) -> usize {
        let new = self.lines.iter().filter(|(key, line)| before.lines.get(key) != Some(line)).count();
        let gone = before.lines.keys().filter(|key| !self.lines.contains_key(key)).count();
        new + gone
    }

    /// How many runs are written down.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether nothing is written down.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The file.
    pub fn text(&self) -> String {
        let line =
            |((scenario, policy, seed), Line { records, verdict }): (&(String, String, u64), &Line)| {
                format!("{scenario} {policy} {seed} {records} records: {verdict}\n")
            };
        self.lines.iter().map(line).collect()
    }
}

impl Line {
    fn of(outcome: &Outcome) -> Line {
        let records = format!("{} {}", hex(outcome.digest), outcome.records);
        Line { records, verdict: verdict(outcome) }
    }
}

/// What a run came to, in words.
pub fn verdict(outcome: &Outcome) -> String {
    let mut names: Vec<String> = Vec::new();
    for violation in &outcome.violations {
        let name = crate::signature::name(violation.invariant, violation.aspect);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    match (names.is_empty(), &outcome.inconclusive) {
        (false, _) => format!("broke {}", names.join(", ")),
        (true, Some(_)) => "inconclusive".to_owned(),
        (true, None) => "held".to_owned(),
    }
}

/// The runs of a claim that are written down.
pub fn runs(scenario: &Scenario, claim: &Claim) -> impl Iterator<Item = Case> {
    (0..SEEDS).map(|seed| Case::new(scenario, &claim.policy, Seed(seed)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::measures::Measured;

    const TEXT: &str = "\
head-of-line M1 0 00000000000000ff 12 records: broke no_head_of_line
head-of-line master 0 0000000000000001 13 records: held
";

    fn outcome(digest: u64, records: u64) -> Outcome {
        Outcome {
            seed: Seed(0),
            digest,
            records,
            violations: Vec::new(),
            witnessed: Vec::new(),
            inconclusive: None,
            measured: Measured::default(),
            overrides_used: 0,
        }
    }

    #[test]
    fn what_is_read_is_what_was_written() {
        let outcomes = Outcomes::parse("outcomes.txt", TEXT).expect("well-formed");
        assert_eq!(outcomes.text(), TEXT);
        assert_eq!(outcomes.len(), 2);
    }

    #[test]
    fn a_run_differs_by_what_broke_or_by_its_records() {
        let outcomes = Outcomes::parse("outcomes.txt", TEXT).expect("well-formed");
        let compare = |policy, outcome| outcomes.compare("head-of-line", policy, &outcome);
        assert_eq!(compare("master", outcome(1, 13)), Ok(()));
        assert_eq!(compare("master", outcome(2, 13)), Err(Differs::Records));
        assert_eq!(compare("baseline", outcome(1, 13)), Err(Differs::Unknown));
        let (was, is) = ("broke no_head_of_line".to_owned(), "held".to_owned());
        assert_eq!(compare("M1", outcome(255, 12)), Err(Differs::Verdict { was, is }));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let wrong = Outcomes::parse("outcomes.txt", &TEXT.replace(" 13 ", " ")).unwrap_err();
        insta::assert_snapshot!(wrong, @"
        outcomes.txt:2: a line is `scenario policy seed digest so-many records: what broke`
          | head-of-line master 0 0000000000000001 records: held
        ");
    }
}
