//! The command line.

use std::{ops::Range, path::PathBuf};

use clap::{ArgAction, Parser, Subcommand, ValueEnum};

const EXIT_CODES: &str = "\
Exit codes:
  0    everything held (without --policy: every claim was confirmed)
  1    an invariant broke (without --policy: one that no claim lets break)
  2    bad input or usage
  3    the testbed failed: a panic in a run, or a digest that differs when a run is repeated
  4    nothing ran, no run could be won, or a witness is missing: nothing has been shown
  130  interrupted; what was found until then has been printed
  141  the reader of the output went away";

const DIFF_CODES: &str = "\
Exit codes:
  0    the runs do not part: every record is the same
  1    they do
  2    bad input or usage
  3    the testbed failed: a panic in a run
  141  the reader of the output went away";

const EXAMPLES: &str = "\
Examples:
  cdcsim list
  cdcsim catalogue delayed-create
  cdcsim run delayed-create
  cdcsim run delayed-create --policy baseline --seeds 0..200
  cdcsim replay delayed-create --policy baseline --seed 55 --report why";

/// A deterministic simulation testbed for the failover protocol of TiCDC.
#[derive(Debug, Parser)]
#[command(name = "cdcsim", version, after_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"), max_term_width = 100)]
pub(crate) struct Args {
    /// Diagnostics on stderr: once for a little, up to three times for more; RUST_LOG says more finely
    #[arg(short, long, action = ArgAction::Count, global = true)]
    pub(crate) verbose: u8,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Tell which scenarios, policies and invariants there are
    List(List),
    /// Tell what scenarios are about: their stories, what they claim and why, and where they come from
    Catalogue(Catalogue),
    /// Tell what each invariant promises, and where it fires
    #[command(after_help = EXIT_CODES)]
    Invariants(Invariants),
    /// Run scenarios under seeds
    #[command(after_help = EXIT_CODES)]
    Run(Run),
    /// Run policies, claims or review mutants against scenarios, and tell which breaks what
    #[command(after_help = EXIT_CODES)]
    Matrix(Matrix),
    /// Run one seed again, and tell more of it
    #[command(after_help = EXIT_CODES)]
    Replay(Replay),
    /// Run a seed or a capsule under two policies, and tell where they part
    #[command(after_help = DIFF_CODES)]
    Diff(Diff),
    /// Look for what nobody has written down, until time is up
    #[command(after_help = EXIT_CODES)]
    Hunt(Hunt),
    /// Check everything that a change must not break: claims, capsules, mutants, fresh seeds
    #[command(after_help = EXIT_CODES)]
    Gate(Gate),
    /// Join the reports of the shards of a gate into one
    #[command(after_help = EXIT_CODES)]
    Merge(Merge),
    /// Measure how soon each strategy finds bugs that are known, with the general scenarios
    BenchSearch(BenchSearch),
    /// Print what a seed makes of a scenario with [chaos], as a scenario file
    Draw(Draw),
    /// Find the fewest deviations from nominal weather that still break what a capsule breaks
    #[command(after_help = EXIT_CODES)]
    Shrink(Shrink),
}

#[derive(Debug, clap::Args)]
pub(crate) struct List {
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Catalogue {
    /// Scenarios of the catalogue by name, or files by their path; without any, the whole catalogue
    #[arg(value_name = "SCENARIO")]
    pub(crate) scenarios: Vec<String>,
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: CatalogueFormat,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum CatalogueFormat {
    /// For people
    #[default]
    Text,
    /// For documents: `docs/catalogue.md`
    Markdown,
    /// For programs
    Json,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Invariants {
    /// These of them; without any, all
    #[arg(value_name = "INVARIANT")]
    pub(crate) names: Vec<String>,
    /// Run claims that say that something breaks, and tell in how many seeds each aspect of an invariant does
    #[arg(long)]
    pub(crate) fires: bool,
    /// A range of seeds for that, the end not included; without it, as many as each scenario asks for
    #[arg(long, value_name = "A..B", value_parser = seeds, allow_hyphen_values = true, requires = "fires")]
    pub(crate) seeds: Option<Range<u64>>,
    /// How many seeds run at the same time; the results do not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024), allow_hyphen_values = true, requires = "fires")]
    pub(crate) jobs: Option<u16>,
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: InvariantsFormat,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum InvariantsFormat {
    /// For people
    #[default]
    Text,
    /// For documents
    Markdown,
    /// For programs
    Json,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Run {
    /// Scenarios of the catalogue by name, or files by their path
    #[arg(required = true, value_name = "SCENARIO")]
    pub(crate) scenarios: Vec<String>,
    /// The version of the protocol; without it every claim of the scenario is checked under its own policy
    ///
    /// A preset such as `baseline` or `master`, and behind it any number of switches that differ:
    /// `master+dispatchers.schedule_fence=any_sender`.
    #[arg(long)]
    pub(crate) policy: Option<String>,
    /// What is made of each seed: random, late, pct or guided
    #[arg(long, default_value = "random")]
    pub(crate) strategy: String,
    /// Run every seed again, from the middle on from a copy, and tell the first record that differs
    #[arg(long)]
    pub(crate) check_determinism: bool,
    /// Invariants that are switched off, with commas between; `all` are all of them. Nothing else of a run changes
    #[arg(long, value_name = "INVARIANT,…", value_delimiter = ',')]
    pub(crate) without: Vec<String>,
    /// One seed
    #[arg(long, conflicts_with = "seeds", value_parser = seed, allow_hyphen_values = true)]
    pub(crate) seed: Option<u64>,
    /// A range of seeds, the end not included; without it, as many as the scenario asks for
    #[arg(long, value_name = "A..B", value_parser = seeds, allow_hyphen_values = true)]
    pub(crate) seeds: Option<Range<u64>>,
    /// How many seeds run at the same time; the results do not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024), allow_hyphen_values = true)]
    pub(crate) jobs: Option<u16>,
    /// What to tell of each seed in which something broke
    #[arg(long, value_enum, default_value_t)]
    pub(crate) report: Report,
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
    /// Tell at most so many broken seeds of each scenario and policy; all are counted
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = count, allow_hyphen_values = true)]
    pub(crate) max_findings: u64,
    /// Save each broken seed that is told as a capsule in this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Matrix {
    /// Scenarios of the catalogue by name, or files by their path; without any, the whole catalogue
    #[arg(value_name = "SCENARIO")]
    pub(crate) scenarios: Vec<String>,
    /// Versions of the protocol, as `--policy` of `run` takes them, with commas between; without it, `baseline`, each
    /// of the pull requests, the two designs that were not merged, and `master`
    #[arg(long, value_name = "POLICY,…", value_delimiter = ',')]
    pub(crate) policies: Vec<String>,
    /// What makes a row; without it, whatever there is more of. With scenarios as rows cells are short: a share of seeds and letters
    #[arg(long, value_enum, value_name = "WHAT")]
    pub(crate) rows: Option<Rows>,
    /// Instead of policies: what each scenario claims, and whether it is so
    #[arg(long, conflicts_with_all = ["policies", "rows", "mutants"])]
    pub(crate) claims: bool,
    /// Instead of policies: every review mutant, beside the policy that it is a mistake in
    #[arg(long, conflicts_with_all = ["policies", "rows"])]
    pub(crate) mutants: bool,
    /// Each mutant only in the scenarios that claim something about it
    #[arg(long, requires = "mutants")]
    pub(crate) claimed: bool,
    /// Invariants that are switched off, with commas between; `all` are all of them. Nothing else of a run changes
    #[arg(long, value_name = "INVARIANT,…", value_delimiter = ',')]
    pub(crate) without: Vec<String>,
    /// A range of seeds, the end not included; without it, as many as each scenario asks for
    #[arg(long, value_name = "A..B", value_parser = seeds, allow_hyphen_values = true)]
    pub(crate) seeds: Option<Range<u64>>,
    /// How many seeds run at the same time; the results do not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024), allow_hyphen_values = true)]
    pub(crate) jobs: Option<u16>,
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: MatrixFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Rows {
    /// A row for each policy, and counts of seeds in the cells
    Policies,
    /// A row for each scenario, and shares in the cells
    Scenarios,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum MatrixFormat {
    /// For people
    #[default]
    Text,
    /// For documents
    Markdown,
    /// For spreadsheets
    Csv,
    /// For programs
    Json,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Replay {
    /// A scenario of the catalogue, a scenario file (.toml), or a capsule (.json)
    #[arg(value_name = "SCENARIO|CAPSULE")]
    pub(crate) what: String,
    /// The version of the protocol; a capsule names its own
    #[arg(long)]
    pub(crate) policy: Option<String>,
    /// What is made of the seed: random, late or pct; a capsule has it inside
    #[arg(long)]
    pub(crate) strategy: Option<String>,
    /// The seed; a capsule names its own
    #[arg(long, value_parser = seed, allow_hyphen_values = true)]
    pub(crate) seed: Option<u64>,
    /// Invariants that are switched off, with commas between; `all` are all of them. Nothing else of a run changes
    #[arg(long, value_name = "INVARIANT,…", value_delimiter = ',')]
    pub(crate) without: Vec<String>,
    /// What to tell: a few lines, every record, or the story of what led to the first violation
    #[arg(long, value_enum, default_value_t)]
    pub(crate) report: Report,
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Diff {
    /// A scenario of the catalogue, a scenario file (.toml), or a capsule (.json)
    #[arg(value_name = "SCENARIO|CAPSULE")]
    pub(crate) what: String,
    /// Two versions of the protocol
    #[arg(long = "policy", value_name = "POLICY", required = true, num_args = 1, action = ArgAction::Append)]
    pub(crate) policies: Vec<String>,
    /// The seed; a capsule names its own
    #[arg(long, value_parser = seed, allow_hyphen_values = true)]
    pub(crate) seed: Option<u64>,
    /// How many records of each are told, from where they part
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=1000), allow_hyphen_values = true)]
    pub(crate) records: u16,
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Hunt {
    /// Scenarios of the catalogue by name, files by their path, or `all`: every one with [chaos]
    #[arg(required = true, value_name = "SCENARIO|all")]
    pub(crate) scenarios: Vec<String>,
    /// The version of the protocol
    #[arg(long, default_value = "master")]
    pub(crate) policy: String,
    /// Invariants that are switched off, with commas between; `all` are all of them. Nothing else of a run changes
    #[arg(long, value_name = "INVARIANT,…", value_delimiter = ',')]
    pub(crate) without: Vec<String>,
    /// Where to look: random, late, pct or guided
    #[arg(long, default_value = "random")]
    pub(crate) strategy: String,
    /// How long to go on, such as 60s or 10m
    #[arg(long = "for", value_name = "TIME", value_parser = crate::hunt::length, required_unless_present = "seeds")]
    pub(crate) length: Option<std::time::Duration>,
    /// A range of seeds, the end not included; each scenario gets all of them
    #[arg(long, value_name = "A..B", value_parser = seeds, allow_hyphen_values = true)]
    pub(crate) seeds: Option<Range<u64>>,
    /// How many seeds run at the same time; what a range of seeds comes to does not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024), allow_hyphen_values = true)]
    pub(crate) jobs: Option<u16>,
    /// Save the smallest case of each finding as a capsule in this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Gate {
    /// Scenarios of the catalogue by name; without any, the whole catalogue
    #[arg(value_name = "SCENARIO")]
    pub(crate) scenarios: Vec<String>,
    /// What is to pass: a version of the protocol that runs wherever `master` is meant
    #[arg(long, default_value = scenarios::gate::UNDER_TEST)]
    pub(crate) policy: String,
    /// The folder with outcomes.txt, detections.txt, known-findings.toml and capsules/
    #[arg(long, value_name = "DIR", default_value = "fixtures")]
    pub(crate) fixtures: PathBuf,
    /// Time for fresh seeds, such as 30s or 2m. It buys a fixed number of seeds, four for each second, so that the same
    /// budget checks the same everywhere; a machine that needs four times as long stops there and says so
    #[arg(long, value_name = "TIME", value_parser = crate::hunt::length, default_value = "30s")]
    pub(crate) budget: std::time::Duration,
    /// The first fresh seed; without it, it follows from the commit
    #[arg(long, value_name = "SEED", value_parser = seed, allow_hyphen_values = true)]
    pub(crate) base_seed: Option<u64>,
    /// Only a part of all work, such as 2/4: the second of four; without it, what the variables of GitLab, Buildkite,
    /// CircleCI, Kubernetes or Slurm say
    #[arg(long, value_name = "I/N", value_parser = crate::shard::parse)]
    pub(crate) shard: Option<scenarios::gate::Shard>,
    /// How many runs at the same time; the results do not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024), allow_hyphen_values = true)]
    pub(crate) jobs: Option<u16>,
    /// Save what shows a failure as a capsule, shrunk, in this folder
    #[arg(long, value_name = "DIR", default_value = "gate-capsules")]
    pub(crate) out: PathBuf,
    /// Take so many runs at most to shrink a capsule
    #[arg(long, value_name = "RUNS", default_value_t = 400, value_parser = count, allow_hyphen_values = true)]
    pub(crate) shrink_budget: u64,
    /// Instead: write down anew what runs come to and which of them detect mutants; the difference is for a human
    #[arg(long, conflicts_with_all = ["policy", "shard", "json", "junit", "markdown"])]
    pub(crate) update: bool,
    #[command(flatten)]
    pub(crate) files: GateFiles,
}

/// Where the result of a gate goes, beside stdout.
#[derive(Debug, clap::Args)]
pub(crate) struct GateFiles {
    /// Write the result as JSON, from which `merge` joins shards
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Write the result as JUnit
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    /// Write the result as Markdown; behind what there is, if it is $GITHUB_STEP_SUMMARY
    #[arg(long, value_name = "FILE")]
    pub(crate) markdown: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Merge {
    /// The JSON of every shard, in any order
    #[arg(required = true, value_name = "FILE")]
    pub(crate) reports: Vec<String>,
    #[command(flatten)]
    pub(crate) files: GateFiles,
}

#[derive(Debug, clap::Args)]
pub(crate) struct BenchSearch {
    /// Which bugs, with commas between; without it, all
    #[arg(long, value_name = "BUG,…", value_delimiter = ',')]
    pub(crate) bugs: Vec<String>,
    /// Which strategies, with commas between; without it, all
    #[arg(long, value_name = "STRATEGY,…", value_delimiter = ',')]
    pub(crate) strategies: Vec<String>,
    /// Which scenarios, with commas between, run in turn; without it, those general ones that look where the bug is
    #[arg(long, value_name = "SCENARIO,…", value_delimiter = ',')]
    pub(crate) scenarios: Vec<String>,
    /// How often each strategy looks for each bug, with other seeds each time
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=1000), allow_hyphen_values = true)]
    pub(crate) repetitions: u64,
    /// Give up after so many runs
    #[arg(long, value_name = "RUNS", default_value_t = 400, value_parser = clap::value_parser!(u64).range(1..=999_999), allow_hyphen_values = true)]
    pub(crate) within: u64,
    /// Then shrink a finding of each bug, and tell what they come down to
    #[arg(long)]
    pub(crate) shrink: bool,
    /// How many repetitions at the same time; the numbers of runs do not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024), allow_hyphen_values = true)]
    pub(crate) jobs: Option<u16>,
    /// Save the soonest finding of each bug, and what it is shrunk to, as capsules in this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: TableFormat,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum TableFormat {
    /// For people
    #[default]
    Text,
    /// For documents
    Markdown,
    /// For programs
    Json,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Draw {
    /// A scenario of the catalogue, or a file by its path
    #[arg(value_name = "SCENARIO")]
    pub(crate) scenario: String,
    /// The seed
    #[arg(long, value_parser = seed, allow_hyphen_values = true)]
    pub(crate) seed: u64,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Shrink {
    /// A capsule (.json), as `run --out` saves them
    #[arg(value_name = "CAPSULE")]
    pub(crate) what: String,
    /// What is to be broken still, such as "single_writer (admitted)"; without it, what breaks first
    #[arg(long, value_name = "INVARIANT")]
    pub(crate) invariant: Option<String>,
    /// Under this policy the same must not break: what comes out is what the capsule's own policy does worse
    #[arg(long, value_name = "POLICY")]
    pub(crate) beside: Option<String>,
    /// Take so many runs at most
    #[arg(long, value_name = "RUNS", default_value_t = 3000, value_parser = count, allow_hyphen_values = true)]
    pub(crate) budget: u64,
    /// How many runs at the same time; the result does not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024), allow_hyphen_values = true)]
    pub(crate) jobs: Option<u16>,
    /// Save the shrunk capsule in this folder; without it, beside the one that it comes from
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Report {
    /// A few lines
    #[default]
    Summary,
    /// Every record
    Trace,
    /// What led to the first violation: at most thirty records
    Why,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
}

/// A seed; the last 64-bit number is none, so that a range of seeds has an end.
fn seed(text: &str) -> Result<u64, String> {
    let seed = text.parse().ok().filter(|seed| *seed < u64::MAX);
    seed.ok_or_else(|| format!("a seed is a whole number from 0 to {}", u64::MAX - 1))
}

/// A number of things.
fn count(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| "write a whole number, 0 or more".to_owned())
}

/// A range such as `0..200`.
fn seeds(text: &str) -> Result<Range<u64>, String> {
    let form = || "write a range such as 0..200; the end is not included".to_owned();
    let (from, to) = text.split_once("..").ok_or_else(form)?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|letter| letter.is_ascii_digit());
    if !is_number(from) || !is_number(to) {
        return Err(form());
    }
    let large = |_| format!("the end of a range is at most {}", u64::MAX);
    let (from, to): (u64, u64) = (from.parse().map_err(large)?, to.parse().map_err(large)?);
    if from >= to {
        return Err(format!("the range is empty: {from} is not less than {to}"));
    }
    Ok(from..to)
}
