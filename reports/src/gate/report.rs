//! A gate's result for programs: without times, so that it is the same wherever it was made.

use scenarios::{
    Seed,
    gate::{Checked, Failure, Gated, Judged, Place, Shard, What},
    known::KnownFindings,
};
use serde::{Deserialize, Serialize};

use crate::{replay_line, shrink::told};

/// The format of the result of `gate` and `merge`.
pub const GATE: &str = "cdcsim.gate/2";

/// What came of a gate, or of a part of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// [`GATE`].
    pub schema: String,
    /// The version of the tool.
    pub version: String,
    /// What ran where `master` is meant.
    pub policy: String,
    /// Which part of the work it is; none: all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<ShardOf>,
    /// The first fresh seed, as text: it has 64 bits.
    pub base_seed: String,
    /// How many fresh seeds of each general scenario were asked for.
    pub fresh_seeds: u64,
    /// Whether it was stopped early.
    pub interrupted: bool,
    /// Whether time was up before all fresh seeds had been run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut_short: bool,
    /// Claims, capsules and mutants, by their number.
    pub cases: Vec<Case>,
    /// What the fresh seeds came to, by scenario.
    pub fresh: Vec<FreshSeeds>,
    /// What broke in them, by its signature.
    pub findings: Vec<Found>,
    /// What is known, and whether it still occurs.
    pub known: Vec<Known>,
    /// The exit code.
    pub exit: u8,
}

/// One of so many parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShardOf {
    /// Which one, from 1.
    pub index: u64,
    /// Of how many.
    pub total: u64,
}

/// A piece of work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Its number among all work.
    pub n: u64,
    /// What it belongs to: a scenario, `capsules` or `mutants`.
    pub suite: String,
    /// What it is called there.
    pub name: String,
    /// How it came out.
    pub status: Status,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The line that runs it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay: Option<String>,
    /// The name of the file with a run that shows it, in the folder of capsules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capsule: Option<String>,
    /// In what that run differs from nominal weather, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deviations: Vec<String>,
}

/// How a piece of work came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// As it is to be.
    Passed,
    /// Not as it is to be.
    Failed,
    /// The testbed failed.
    Errored,
    /// It was stopped before.
    NotRun,
}

/// What the fresh seeds of a scenario came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FreshSeeds {
    /// The scenario.
    pub scenario: String,
    /// How many runs came to their end.
    pub ran: u64,
    /// In how many of them something broke, known or not.
    pub broken: u64,
    /// How many of the others could not be won: they show nothing.
    #[serde(default)]
    pub inconclusive: u64,
    /// The runs that the testbed failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<FailedRun>,
}

/// A run that the testbed failed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailedRun {
    /// The seed.
    pub seed: String,
    /// What the panic said.
    pub message: String,
    /// The line that runs it again.
    pub replay: String,
}

/// What broke in fresh seeds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Found {
    /// What broke, as claims name it.
    pub breaks: String,
    /// The shape of how.
    pub shape: Vec<String>,
    /// The known findings that explain it, together; none: it is new.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub known: Vec<String>,
    /// In how many runs.
    pub runs: u64,
    /// The first of them.
    pub first: Run,
    /// The one with the fewest records.
    pub smallest: Run,
    /// How many records that one has.
    pub records: u64,
    /// The line that runs it again.
    pub replay: String,
    /// The name of the file with it, shrunk, in the folder of capsules; none if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capsule: Option<String>,
    /// In what it differs from nominal weather when it is shrunk, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deviations: Vec<String>,
}

/// A fresh run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// Its number among all fresh seeds.
    pub n: u64,
    /// The scenario.
    pub scenario: String,
    /// The seed.
    pub seed: String,
}

/// A known finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    /// Its name.
    pub id: String,
    /// What breaks.
    pub breaks: Vec<String>,
    /// Why.
    pub reason: String,
    /// Where more is said about it.
    pub link: String,
    /// In how many runs of fresh seeds it occurred, each way that it shows counted by itself.
    pub runs: u64,
}

/// The name of the file for a run that shows something.
fn capsule_name(kind: &str, scenario: &str, policy: &str, seed: Seed) -> String {
    format!("{kind}-{scenario}-{}-{seed}", plain(policy))
}

/// As a part of a file's name.
fn plain(name: &str) -> String {
    let parts = name.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-');
    parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join("_")
}

impl Report {
    /// Of a gate that has come to its end. Also the runs that are to be saved, by the names of their files without ending.
    pub fn new(
        gated: &Gated,
        policy: &str,
        (base, each): (u64, u64),
        shard: Shard,
        known: &KnownFindings,
    ) -> (Report, Vec<(String, scenarios::Case)>) {
        let mut capsules = Vec::new();
        let cases = gated.checked.iter().map(|checked| Case::new(checked, &mut capsules)).collect();
        let findings: Vec<Found> =
            gated.findings.iter().map(|found| Found::new(found, policy, &mut capsules)).collect();
        let fresh = gated.fresh.ran.iter().map(|(scenario, ran)| {
            let failures = ran.failures.iter().map(|(seed, message)| FailedRun {
                seed: seed.to_string(),
                message: message.clone(),
                replay: replay_line(scenario, policy, &seed.to_string()),
            });
            let failures = failures.collect();
            FreshSeeds {
                scenario: scenario.clone(),
                ran: ran.ran,
                broken: ran.broken,
                inconclusive: ran.inconclusive,
                failures,
            }
        });
        let report = Report {
            schema: GATE.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            policy: policy.to_owned(),
            shard: shard.is_part().then_some(ShardOf { index: shard.index, total: shard.total }),
            base_seed: base.to_string(),
            fresh_seeds: each,
            interrupted: gated.interrupted,
            cut_short: gated.fresh.cut_short && !gated.interrupted,
            cases,
            fresh: fresh.collect(),
            known: known
                .all()
                .iter()
                .map(|one| Known {
                    id: one.id.clone(),
                    breaks: one.breaks().to_vec(),
                    reason: one.reason.clone(),
                    link: one.link.clone(),
                    runs: 0,
                })
                .collect(),
            findings,
            exit: 0,
        };
        (report.concluded(), capsules)
    }

    /// Reads a report.
    pub fn parse(text: &str) -> Result<Report, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// With what follows from its parts.
    pub(super) fn concluded(mut self) -> Report {
        for known in &mut self.known {
            let mine = self.findings.iter().filter(|found| found.known.contains(&known.id));
            known.runs = mine.map(|found| found.runs).sum();
        }
        self.exit = match () {
            () if self.interrupted => 130,
            () if self.count(Status::Errored) > 0 || self.failed_runs().next().is_some() => 3,
            () if self.count(Status::Failed) > 0 || self.unknown().next().is_some() => 1,
            () if self.shard.is_none() && self.ran() == 0 => 4,
            () => 0,
        };
        self
    }

    /// How many pieces of work came out so.
    pub fn count(&self, status: Status) -> usize {
        self.cases.iter().filter(|case| case.status == status).count()
    }

    /// How much was run: pieces of work and fresh seeds.
    fn ran(&self) -> u64 {
        let cases = self.cases.len() - self.count(Status::NotRun);
        cases as u64 + self.fresh.iter().map(|fresh| fresh.ran).sum::<u64>()
    }

    /// What broke in fresh seeds and is not known.
    pub fn unknown(&self) -> impl Iterator<Item = &Found> {
        self.findings.iter().filter(|found| found.known.is_empty())
    }

    /// The fresh runs that the testbed failed, with their scenarios.
    pub fn failed_runs(&self) -> impl Iterator<Item = (&str, &FailedRun)> {
        self.fresh
            .iter()
            .flat_map(|fresh| fresh.failures.iter().map(|failed| (fresh.scenario.as_str(), failed)))
    }

    /// The pieces of work that did not pass.
    pub fn failures(&self) -> impl Iterator<Item = &Case> {
        self.cases.iter().filter(|case| matches!(case.status, Status::Failed | Status::Errored))
    }
}

impl Case {
    fn new(Checked { n, what, judged }: &Checked, capsules: &mut Vec<(String, scenarios::Case)>) -> Case {
        let (suite, name, kind) = match what {
            What::Claim { scenario, policy } => (scenario.clone(), policy.clone(), "claim"),
            What::Capsule(path) => ("capsules".to_owned(), path.clone(), "capsule"),
            What::Mutant(id) => ("mutants".to_owned(), (*id).to_owned(), "mutant"),
        };
        let status = match judged {
            Judged::Passed => Status::Passed,
            Judged::Failed(_) => Status::Failed,
            Judged::Errored(_) => Status::Errored,
            Judged::NotRun => Status::NotRun,
        };
        let mut case = Case {
            n: *n,
            suite,
            name,
            status,
            why: None,
            replay: None,
            capsule: None,
            deviations: Vec::new(),
        };
        let Some(Failure { why, case: shown, breaks, shrunk }) = judged.failure() else { return case };
        case.why = Some(why.clone());
        let Some(shown) = shown else { return case };
        let (scenario, policy, seed) = (shown.scenario.name(), shown.policy.name(), shown.seed);
        case.replay = Some(replay_line(scenario, policy, &seed.to_string()));
        if breaks.is_some() {
            let file = capsule_name(kind, scenario, policy, seed);
            case.capsule = Some(format!("{file}.json"));
            let smallest = shrunk.as_ref().map_or(&**shown, |shrunk| &shrunk.case);
            capsules.push((file, smallest.clone()));
        }
        case.deviations = shrunk.as_ref().map(|shrunk| told(&shrunk.deviations)).unwrap_or_default();
        case
    }
}

impl Found {
    fn new(
        found: &scenarios::gate::Found,
        policy: &str,
        capsules: &mut Vec<(String, scenarios::Case)>,
    ) -> Found {
        let scenarios::gate::Found { signature, finding, known, shrunk } = found;
        let run = |Place { n, scenario, seed }: &Place| Run {
            n: *n,
            scenario: scenario.clone(),
            seed: seed.to_string(),
        };
        let Place { scenario, seed, .. } = &finding.smallest;
        let capsule = known.is_empty().then(|| {
            // One run may break several things.
            let file =
                format!("{}-{}", capsule_name("fresh", scenario, policy, *seed), plain(&signature.name()));
            let smallest = shrunk.as_ref().map_or(&finding.case, |shrunk| &shrunk.case);
            capsules.push((file.clone(), smallest.clone()));
            format!("{file}.json")
        });
        Found {
            breaks: signature.name(),
            shape: signature.shape.iter().cloned().collect(),
            known: known.clone(),
            runs: finding.runs,
            first: run(&finding.first),
            smallest: run(&finding.smallest),
            records: finding.records,
            replay: replay_line(scenario, policy, &seed.to_string()),
            capsule,
            deviations: shrunk.as_ref().map(|shrunk| told(&shrunk.deviations)).unwrap_or_default(),
        }
    }
}
