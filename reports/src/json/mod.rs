//! Results for programs: versioned, without floats, seeds and digests as text.

use std::collections::BTreeMap;

use scenarios::{
    Claim, Preset, Scenario, Violation,
    capsule::{Reproduced, hex},
    invariants::Named,
    matrix::Checked,
    measures::{self, Measure},
    run::Outcome,
    sweep::{self, Distribution, Tally, Verdict},
    trace::Line,
};
use serde::Serialize;

mod bench;
mod catalogue;
mod diff;
mod hunt;
mod invariants;
mod matrix;
mod shrink;

pub use bench::{BENCH, Bench};
pub use catalogue::{CATALOGUE, Catalogue};
pub use diff::{DIFF, Diff};
pub use hunt::{HUNT, Hunted};
pub use invariants::{INVARIANTS, Invariants};
pub use matrix::{Grid, MATRIX, MUTANTS, Mutants};
pub use shrink::{SHRINK, Shrunk};

/// The format of the results of `run`, and of `matrix --claims`.
pub const RESULT: &str = "cdcsim.result/3";
/// The format of the result of `replay`.
pub const REPLAY: &str = "cdcsim.replay/2";

/// What came of a `run`, or of a `matrix --claims`.
#[derive(Debug, Serialize)]
pub struct Results {
    /// [`RESULT`].
    pub schema: &'static str,
    /// One for each scenario and policy.
    pub results: Vec<Sweep>,
    /// The exit code.
    pub exit: u8,
}

/// What came of one scenario under one policy.
#[derive(Debug, Serialize)]
pub struct Sweep {
    /// The scenario.
    pub scenario: String,
    /// The policy.
    pub policy: String,
    /// The seeds that were asked for.
    pub seeds: Seeds,
    /// How many runs came to their end.
    pub ran: u64,
    /// In how many of them everything held.
    pub held: u64,
    /// In how many of them something broke.
    pub broken: u64,
    /// How many could not be won, and broke nothing: they show nothing.
    pub inconclusive: u64,
    /// How many runs the testbed failed.
    pub failed: u64,
    /// Whether seeds are missing.
    pub interrupted: bool,
    /// All records of all runs.
    pub records: u64,
    /// What broke how often.
    pub broke: Vec<Broke>,
    /// What was measured, over all runs.
    pub measures: Vec<MeasuredIn>,
    /// How the scenario's claim for this policy came out, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim: Option<ClaimResult>,
    /// The first seeds in which something broke.
    pub findings: Vec<Finding>,
    /// How many more there were.
    pub findings_left_out: u64,
    /// The seeds in which the testbed failed.
    pub failures: Vec<Failure>,
}

/// How a measure is distributed over the runs.
#[derive(Debug, Serialize)]
pub struct MeasuredIn {
    /// Its name.
    pub measure: &'static str,
    /// What is counted: `ms`, `rows` or `messages`.
    pub unit: &'static str,
    /// Half of the runs are not above it.
    pub median: u64,
    /// 99 of a hundred are not above it.
    pub p99: u64,
    /// None is above it.
    pub max: u64,
}

impl From<(&'static Measure, Distribution)> for MeasuredIn {
    fn from((measure, of): (&'static Measure, Distribution)) -> MeasuredIn {
        let Distribution { median, p99, max } = of;
        MeasuredIn { measure: measure.name, unit: measure.unit.name(), median, p99, max }
    }
}

/// A range of seeds, the end not included.
#[derive(Debug, Serialize)]
pub struct Seeds {
    /// The first.
    pub from: String,
    /// The first that is not one of them.
    pub to: String,
}

/// How often an aspect of an invariant broke.
#[derive(Debug, Serialize)]
pub struct Broke {
    /// The invariant.
    pub invariant: &'static str,
    /// The aspect.
    pub aspect: &'static str,
    /// In how many runs.
    pub runs: u64,
}

/// How a claim came out.
#[derive(Debug, Serialize)]
pub struct ClaimResult {
    /// The invariants that were to break.
    pub breaks: Vec<String>,
    /// The invariants that might break or not. All others were to hold.
    pub may_break: Vec<String>,
    /// `confirmed`, `refuted` or `vacuous`.
    pub verdict: &'static str,
    /// What broke that was to hold, if it is refuted.
    pub refuted_by: Vec<BrokenIn>,
    /// What is missing, if it is vacuous.
    pub missing: Vec<String>,
    /// How often each witness appeared.
    pub witnesses: Vec<Witness>,
}

/// An invariant that broke in some seeds.
#[derive(Debug, Serialize)]
pub struct BrokenIn {
    /// The invariant.
    pub invariant: &'static str,
    /// Which aspect of it; none: any.
    pub aspect: Option<&'static str>,
    /// In how many runs.
    pub runs: u64,
    /// The first of their seeds.
    pub seeds: Vec<String>,
}

/// How often a witness appeared.
#[derive(Debug, Serialize)]
pub struct Witness {
    /// The note.
    pub note: String,
    /// In how many runs.
    pub runs: u64,
}

/// A seed in which something broke.
#[derive(Debug, Serialize)]
pub struct Finding {
    /// The seed.
    pub seed: String,
    /// The digest of its records.
    pub digest: String,
    /// What broke.
    pub violations: Vec<Broken>,
    /// The line that replays it.
    pub replay: String,
    /// The capsule it was saved in, if it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capsule: Option<String>,
    /// The records that were asked for: the story of the first violation, or all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<Record>,
}

/// Something that broke.
#[derive(Debug, Serialize)]
pub struct Broken {
    /// The invariant.
    pub invariant: &'static str,
    /// The aspect.
    pub aspect: &'static str,
    /// What is wrong.
    pub what: String,
    /// The steps to blame.
    pub because: Vec<String>,
}

/// A seed in which the testbed failed.
#[derive(Debug, Serialize)]
pub struct Failure {
    /// The seed.
    pub seed: String,
    /// What went wrong: what the panic said, or how two runs of the seed differ.
    pub message: String,
    /// The line that replays it.
    pub replay: String,
}

/// What came of a `replay`.
#[derive(Debug, Serialize)]
pub struct Replayed {
    /// [`REPLAY`].
    pub schema: &'static str,
    /// The scenario.
    pub scenario: String,
    /// The policy.
    pub policy: String,
    /// The seed.
    pub seed: String,
    /// What came of the run; nothing, if the testbed failed before its end.
    #[serde(flatten)]
    pub run: Option<Run>,
    /// How well a capsule was reproduced; nothing of a run that comes from none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reproduced: Option<Level>,
    /// How the testbed failed, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// The exit code.
    pub exit: u8,
}

/// How well a capsule was reproduced.
#[derive(Debug, Serialize)]
pub struct Level {
    /// `exact`, `rebased` or `not`.
    pub level: &'static str,
    /// How many of its decisions were applied, where that tells something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub applied: Option<usize>,
    /// The first record of its story that does not happen any more, if it was not reproduced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_difference: Option<String>,
}

impl From<&Reproduced> for Level {
    fn from(how: &Reproduced) -> Level {
        match how {
            Reproduced::Exact => Level { level: "exact", applied: None, first_difference: None },
            Reproduced::Rebased { applied, .. } => {
                Level { level: "rebased", applied: Some(*applied), first_difference: None }
            }
            Reproduced::Otherwise { .. } => Level { level: "not", applied: None, first_difference: None },
            Reproduced::Not { applied, first, .. } => {
                Level { level: "not", applied: Some(*applied), first_difference: first.clone() }
            }
        }
    }
}

/// A run that came to its end.
#[derive(Debug, Serialize)]
pub struct Run {
    /// The digest of its records.
    pub digest: String,
    /// How many there were.
    pub records: u64,
    /// What broke.
    pub violations: Vec<Broken>,
    /// Why it could not be won, if it could not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inconclusive: Option<String>,
    /// What was measured, by name.
    pub measures: BTreeMap<&'static str, u64>,
    /// The records that were asked for: the story of the first violation, or all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<Record>,
}

/// A record of a run.
#[derive(Debug, Serialize)]
pub struct Record {
    /// Its number.
    pub id: String,
    /// When it happened, in nanoseconds of true time.
    pub at_ns: String,
    /// The record that caused it.
    pub cause: Option<String>,
    /// The record as text.
    pub text: String,
}

impl Sweep {
    /// The result of a sweep, its findings to be added.
    pub fn new(
        scenario: &str,
        policy: &str,
        seeds: &std::ops::Range<u64>,
        tally: &Tally,
        claim: Option<&Claim>,
    ) -> Sweep {
        let broke = tally.by_aspect.iter();
        let broke = broke.map(|one| Broke {
            invariant: one.invariant,
            aspect: one.aspect.unwrap_or_default(),
            runs: one.runs,
        });
        Sweep {
            scenario: scenario.to_owned(),
            policy: policy.to_owned(),
            seeds: Seeds { from: seeds.start.to_string(), to: seeds.end.to_string() },
            ran: tally.ran,
            held: tally.held,
            broken: tally.broken,
            inconclusive: tally.inconclusive,
            failed: tally.failed,
            interrupted: tally.interrupted,
            records: tally.records,
            broke: broke.collect(),
            measures: tally.measured().map(MeasuredIn::from).collect(),
            claim: claim.map(|claim| ClaimResult::new(claim, tally)),
            findings: Vec::new(),
            findings_left_out: 0,
            failures: Vec::new(),
        }
    }
}

impl From<&Checked> for Sweep {
    fn from(Checked { scenario, claim, seeds, tally }: &Checked) -> Sweep {
        Sweep::new(scenario, claim.policy.name(), seeds, tally, Some(claim))
    }
}

impl ClaimResult {
    fn new(claim: &Claim, tally: &Tally) -> ClaimResult {
        let (verdict, by, missing) = match tally.judge(claim) {
            Verdict::Confirmed => ("confirmed", Vec::new(), Vec::new()),
            Verdict::Refuted { by } => ("refuted", by, Vec::new()),
            Verdict::Vacuous { missing } => ("vacuous", Vec::new(), missing),
        };
        let refuted_by = by.iter().map(BrokenIn::from).collect();
        let witnesses = claim.witnesses.iter();
        let witnesses = witnesses.map(|note| Witness { note: note.clone(), runs: tally.witnessed(note) });
        let (breaks, may_break) = (claim.breaks.clone(), claim.may_break.clone());
        ClaimResult { breaks, may_break, verdict, refuted_by, missing, witnesses: witnesses.collect() }
    }
}

impl From<&sweep::Broke> for BrokenIn {
    fn from(broke: &sweep::Broke) -> BrokenIn {
        let seeds = broke.first.iter().map(ToString::to_string).collect();
        BrokenIn { invariant: broke.invariant, aspect: broke.aspect, runs: broke.runs, seeds }
    }
}

impl Finding {
    /// A seed in which something broke.
    pub fn new(outcome: &Outcome, replay: String) -> Finding {
        Finding {
            seed: outcome.seed.to_string(),
            digest: hex(outcome.digest),
            violations: outcome.violations.iter().map(Broken::from).collect(),
            replay,
            capsule: None,
            lines: Vec::new(),
        }
    }
}

impl Run {
    /// A run with the records of it that were asked for.
    pub fn new(outcome: &Outcome, lines: Vec<Record>) -> Run {
        Run {
            digest: hex(outcome.digest),
            records: outcome.records,
            violations: outcome.violations.iter().map(Broken::from).collect(),
            inconclusive: outcome.inconclusive.clone(),
            measures: measures::ALL.iter().map(|one| one.name).zip(outcome.measured.0).collect(),
            lines,
        }
    }
}

impl From<&Violation> for Broken {
    fn from(violation: &Violation) -> Broken {
        Broken {
            invariant: violation.invariant,
            aspect: violation.aspect,
            what: violation.what.clone(),
            because: violation.because.iter().map(|step| step.0.to_string()).collect(),
        }
    }
}

impl From<&Line> for Record {
    fn from(line: &Line) -> Record {
        Record {
            id: line.id().to_string(),
            at_ns: line.at().nanos().to_string(),
            cause: line.cause().map(|cause| cause.to_string()),
            text: line.text(),
        }
    }
}

/// A result as text.
pub fn text(result: &impl Serialize) -> String {
    serde_json::to_string_pretty(result).expect("results are plain data")
}

/// The format of `list`.
pub const LIST: &str = "cdcsim.list/2";

/// What there is.
#[derive(Debug, Serialize)]
pub struct List {
    /// [`LIST`].
    pub schema: &'static str,
    /// The scenarios of the catalogue.
    pub scenarios: Vec<ListedScenario>,
    /// The presets.
    pub policies: Vec<ListedPolicy>,
    /// The designs that were not merged.
    pub designs: Vec<ListedPolicy>,
    /// The invariants.
    pub invariants: Vec<ListedInvariant>,
}

/// A scenario of the catalogue.
#[derive(Debug, Serialize)]
pub struct ListedScenario {
    /// Its name.
    pub name: String,
    /// What happens.
    pub story: String,
    /// What it says of policies.
    pub claims: Vec<ListedClaim>,
}

/// What a scenario says of a policy.
#[derive(Debug, Serialize)]
pub struct ListedClaim {
    /// The policy.
    pub policy: String,
    /// The invariants that break.
    pub breaks: Vec<String>,
    /// The invariants that may break or not. All others hold.
    pub may_break: Vec<String>,
    /// Notes that have to appear.
    pub witnesses: Vec<String>,
}

/// A preset.
#[derive(Debug, Serialize)]
pub struct ListedPolicy {
    /// Its name.
    pub name: &'static str,
    /// The commit of pingcap/ticdc.
    pub commit: &'static str,
    /// What it stands for.
    pub about: &'static str,
}

/// An invariant.
#[derive(Debug, Serialize)]
pub struct ListedInvariant {
    /// Its name.
    pub name: &'static str,
    /// What it promises.
    pub promise: &'static str,
}

impl List {
    /// Everything there is. `policies`: presets and designs.
    pub fn new(scenarios: &[Scenario], policies: [&[Preset]; 2], invariants: &[Named]) -> List {
        let claim = |claim: Claim| ListedClaim {
            policy: claim.policy.name().to_owned(),
            breaks: claim.breaks,
            may_break: claim.may_break,
            witnesses: claim.witnesses,
        };
        let scenario = |scenario: &Scenario| ListedScenario {
            name: scenario.name().to_owned(),
            story: scenario.story().to_owned(),
            claims: scenario.claims().into_iter().map(claim).collect(),
        };
        let policy =
            |preset: &Preset| ListedPolicy { name: preset.name, commit: preset.commit, about: preset.about };
        let invariant = |one: &Named| ListedInvariant { name: one.name, promise: one.promise };
        List {
            schema: LIST,
            scenarios: scenarios.iter().map(scenario).collect(),
            policies: policies[0].iter().map(policy).collect(),
            designs: policies[1].iter().map(policy).collect(),
            invariants: invariants.iter().map(invariant).collect(),
        }
    }
}
