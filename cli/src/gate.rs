//! `cdcsim gate`: one verdict for CI; and `cdcsim merge`, which joins those of shards.

use std::{
    env, fs,
    path::Path,
    process::{Command, Stdio},
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use reports::gate::{self as report, Report};
use scenarios::{
    Error, PolicySpec, Scenario,
    capsule::Capsule,
    catalogue,
    gate::{self, DETECTIONS, Fixtures, Gate, OUTCOMES, Seeds, Updated},
};

use crate::{
    args::{Gate as Args, GateFiles, Merge},
    clock::Stopwatch,
    exit::{Exit, Stop},
    folder, interrupt,
    output::{Output, complain},
    progress::Status,
    shard,
};

/// A second of the budget buys so many fresh seeds, of all general scenarios together.
const SEEDS_PER_SECOND: u64 = 4;
/// A machine may take so many times the budget before it stops.
const PATIENCE: u32 = 4;

/// Variables with the commit that is tested.
const COMMITS: &[&str] = &["GITHUB_SHA", "CI_COMMIT_SHA", "BUILDKITE_COMMIT", "CIRCLE_SHA1", "PULL_PULL_SHA"];

pub(crate) fn gate(args: &Args, output: &mut Output) -> Result<Exit, Stop> {
    let scenarios = match args.scenarios.as_slice() {
        [] => catalogue::all()?,
        called => called.iter().map(|called| catalogue::find(called)).collect::<Result<_, _>>()?,
    };
    let jobs = args.jobs.map_or_else(|| thread::available_parallelism().map_or(1, usize::from), usize::from);
    if args.update {
        return update(args, &scenarios, jobs, output);
    }
    let policy = PolicySpec::parse(&args.policy)?;
    let fixtures = Fixtures::read(&args.fixtures)?;
    let shard = shard::chosen(args.shard)?;
    for file in [&args.files.json, &args.files.junit, &args.files.markdown].into_iter().flatten() {
        try_file(file)?;
    }
    let (base, origin) = base_seed(args.base_seed);
    let seeds = Seeds { base, each: seeds_of_each(args, &scenarios) };
    let stop = interrupt::watch();
    output.line(&format!("base seed {base} ({origin})"))?;
    let clock = OnceLock::new();
    let limit = args.budget * PATIENCE;
    // The clock starts when it is asked for the first time.
    let time_is_up = || clock.get_or_init(Stopwatch::start).passed() > limit && !limit.is_zero();
    let (status, shown) = (Mutex::new(Status::new()), AtomicU64::new(0));
    let tell = |done: u64, all: u64| {
        if shown.swap(done, Ordering::Relaxed) != done {
            status.lock().unwrap_or_else(PoisonError::into_inner).show(&report::progress(done, all));
        }
    };
    let gate = Gate {
        scenarios: &scenarios,
        policy: &policy,
        fixtures: &fixtures,
        seeds,
        shard,
        shrink_budget: args.shrink_budget,
        jobs,
        stop: &stop,
        time_is_up: &time_is_up,
        tell: &tell,
    };
    let gated = gate::gate(&gate)?;
    status.lock().unwrap_or_else(PoisonError::into_inner).clear();
    let (result, capsules) =
        Report::new(&gated, policy.name(), (seeds.base, seeds.each), shard, &fixtures.known);
    if !capsules.is_empty() {
        folder::prepare(&args.out)?;
    }
    for (name, case) in capsules {
        folder::replace(&args.out, &name, &Capsule::of(&case).0)?;
    }
    tell_all(&result, Some(&args.out), &args.files, output)
}

pub(crate) fn merge(args: &Merge, output: &mut Output) -> Result<Exit, Stop> {
    let mut reports = Vec::new();
    for name in &args.reports {
        let text = fs::read_to_string(name).map_err(|error| Error::new(name, error.to_string()))?;
        let wrong = |error| Error::new(name, format!("it is no report of `cdcsim gate --json`: {error}"));
        let report = Report::parse(&text).map_err(wrong)?;
        reports.push((name.clone(), report));
    }
    let whole = report::merge(&reports).map_err(|what| Error::new("merge", what))?;
    tell_all(&whole, None, &args.files, output)
}

/// Writes the files, then tells people. Also how the program ends.
fn tell_all(
    report: &Report,
    folder: Option<&Path>,
    files: &GateFiles,
    output: &mut Output,
) -> Result<Exit, Stop> {
    if let Some(file) = &files.json {
        write(file, &(reports::json::text(report) + "\n"))?;
    }
    if let Some(file) = &files.junit {
        write(file, &report::junit(report))?;
    }
    if let Some(file) = &files.markdown {
        let is_summary = env::var_os("GITHUB_STEP_SUMMARY").is_some_and(|summary| summary == **file);
        let before = if is_summary { fs::read_to_string(file).unwrap_or_default() } else { String::new() };
        write(file, &(before + &report::markdown(report)))?;
    }
    let folder = folder.map(|folder| folder.display().to_string());
    output.part(report::text(report, folder.as_deref()).trim_end())?;
    if env::var_os("GITHUB_ACTIONS").is_some() {
        for annotation in report::annotations(report) {
            output.part(&annotation)?;
        }
    }
    output.flush()?;
    Ok(match report.exit {
        0 => Exit::Held,
        3 => Exit::Failed,
        4 => Exit::Vacuous,
        130 => Exit::Interrupted,
        _ => Exit::Broken,
    })
}

fn update(args: &Args, scenarios: &[Scenario], jobs: usize, output: &mut Output) -> Result<Exit, Stop> {
    let before = Fixtures::read_if_there(&args.fixtures)?;
    let Updated { outcomes, detections, undetected } =
        gate::update(scenarios, args.scenarios.is_empty(), &before, jobs)?;
    let changed = outcomes.changed_since(&before.outcomes);
    write(&args.fixtures.join(OUTCOMES), &outcomes.text())?;
    write(&args.fixtures.join(DETECTIONS), &detections.text())?;
    let (runs, mutants) = (outcomes.len(), detections.len());
    output.line(&format!(
        "{runs} runs written down, {changed} of them new, gone or otherwise; {mutants} mutants"
    ))?;
    for mutant in &undetected {
        complain(format_args!("warning: {mutant} is claimed to be detected, and no seed detects it"));
    }
    Ok(if undetected.is_empty() { Exit::Held } else { Exit::Vacuous })
}

/// How many fresh seeds of each general scenario the budget buys.
fn seeds_of_each(args: &Args, scenarios: &[Scenario]) -> u64 {
    let general = scenarios.iter().filter(|scenario| scenario.has_chaos()).count() as u64;
    let all = args.budget.as_secs().saturating_mul(SEEDS_PER_SECOND);
    if general == 0 { 0 } else { all.div_ceil(general) }
}

/// The first fresh seed, and where it comes from.
fn base_seed(flag: Option<u64>) -> (u64, String) {
    if let Some(seed) = flag {
        return (seed, "--base-seed".to_owned());
    }
    let of_variable = |name: &&str| env::var(name).ok();
    let commit = COMMITS.iter().find_map(of_variable).or_else(commit_here);
    let seed = commit.as_deref().and_then(|commit| u64::from_str_radix(commit.trim().get(..8)?, 16).ok());
    match (seed, commit) {
        (Some(seed), Some(commit)) => (seed, format!("from commit {}", commit.trim())),
        _ => (0, "there is no commit to take one from".to_owned()),
    }
}

/// The commit of the working tree, if this is one.
fn commit_here() -> Option<String> {
    let mut git = Command::new("git");
    let found = git.args(["rev-parse", "HEAD"]).stderr(Stdio::null()).output().ok()?;
    found.status.success().then(|| String::from_utf8_lossy(&found.stdout).into_owned())
}

/// Whether a file can be written, so that a long gate does not find out at its end.
fn try_file(path: &Path) -> Result<(), Stop> {
    let tried = fs::OpenOptions::new().create(true).append(true).open(path);
    tried.map(drop).map_err(|error| cannot_write(path, &error))
}

/// Writes a file: whole, or as it was. What is no ordinary file is written to.
fn write(path: &Path, text: &str) -> Result<(), Stop> {
    let is_special = fs::metadata(path).is_ok_and(|there| !there.is_file());
    let part = path.with_extension(format!("part-{}", std::process::id()));
    let written = match is_special {
        true => fs::write(path, text),
        false => fs::write(&part, text).and_then(|()| fs::rename(&part, path)),
    };
    written.map_err(|error| {
        let _ = fs::remove_file(&part);
        cannot_write(path, &error)
    })
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Stop {
    Error::new(path.display().to_string(), format!("it cannot be written: {error}")).into()
}
