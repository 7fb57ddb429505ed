//! `cdcsim bench-search`: how soon each strategy finds bugs that are known, and what the findings come down to.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use reports::{
    bench::{self as report, Small},
    json,
    table::Table,
};
use scenarios::{
    Duration, Error, PolicySpec, Scenario,
    bench::{self, BUGS, Bench, Bug, First, Measured},
    capsule::Capsule,
    catalogue,
    shrink::{self, Shrinking},
    story::story,
    strategy,
};

use crate::{
    args::{BenchSearch as Args, TableFormat},
    clock::Stopwatch,
    exit::{Exit, Stop},
    folder, interrupt,
    output::Output,
    progress::Status,
};

/// So many runs a shrink may take.
const BUDGET: u64 = 1_000;

pub(crate) fn bench_search(args: &Args, output: &mut Output) -> Result<Exit, Stop> {
    let bugs = bugs(args)?;
    let strategies = strategies(args)?;
    let scenarios = scenarios(args)?;
    if let Some(out) = &args.out {
        folder::prepare(out)?;
    }
    let stop = interrupt::watch();
    let watch = Stopwatch::start();
    let clock = || Duration::from_nanos(u64::try_from(watch.passed().as_nanos()).unwrap_or(u64::MAX));
    let jobs = args.jobs.map_or_else(|| thread::available_parallelism().map_or(1, usize::from), usize::from);
    let (repetitions, within) = (args.repetitions, args.within);
    let how = Bench { scenarios: &scenarios, repetitions, within, jobs, stop: &stop, clock: &clock };
    let mut status = Status::new();
    let (mut measured, mut small) = (Vec::new(), Vec::new());
    for bug in &bugs {
        for strategy in &strategies {
            status.show(&format!("{} by {strategy}", bug.id));
            let one = how.measure(bug, strategy)?;
            tracing::info!("{} by {strategy}: {} of {repetitions}", bug.id, one.found());
            if !one.interrupted {
                measured.push(one);
            }
        }
    }
    for bug in bugs.iter().filter(|_| args.shrink || args.out.is_some()) {
        let found = measured.iter().filter(|one: &&Measured| one.bug.id == bug.id);
        let Some(first) = found.filter_map(Measured::soonest).min_by_key(|first| first.runs) else {
            continue;
        };
        status.show(&format!("shrinking {}", bug.id));
        if !stop.load(Ordering::Relaxed) {
            small.extend(shrunk(args, bug, first, jobs, &stop, &mut status)?);
        }
    }
    status.clear();
    let tables = |form: fn(&Table) -> String| {
        let mut text = form(&report::table(&measured, &strategies, within));
        for line in report::comparison(&measured, &strategies) {
            text += &format!("\n\n{line}");
        }
        if !small.is_empty() {
            text += &format!("\n\n{}\n\n{}", form(&report::shrunk(&small)), report::medians(&small));
        }
        text
    };
    match args.format {
        TableFormat::Text => output.line(&tables(Table::text))?,
        TableFormat::Markdown => output.line(&tables(Table::markdown))?,
        TableFormat::Json => output.line(&json::text(&json::Bench::new(&measured, &small, within)))?,
    }
    let failed = measured.iter().any(|one| one.failed > 0);
    Ok(match stop.load(Ordering::Relaxed) {
        true => Exit::Interrupted,
        false if failed => Exit::Failed,
        false => Exit::Held,
    })
}

/// Shrinks a finding, if that was asked for, and saves what there is.
fn shrunk(
    args: &Args,
    bug: &'static Bug,
    first: &First,
    jobs: usize,
    stop: &AtomicBool,
    status: &mut Status,
) -> Result<Option<Small>, Stop> {
    let name = format!("{}-{}-{}", bug.id, first.case.scenario.name(), first.case.seed);
    if let Some(out) = &args.out {
        folder::save(out, &name, &Capsule::of(&first.case).0)?;
    }
    if !args.shrink {
        return Ok(None);
    }
    let beside = PolicySpec::parse(bug.beside)?;
    let mut tell = |progress: &shrink::Progress| {
        status.show(&format!("shrinking {}: {} runs, {}", bug.id, progress.runs, progress.step));
    };
    let watch = Stopwatch::start();
    let how = Shrinking { budget: BUDGET, jobs, beside: Some(&beside), stop, tell: &mut tell };
    let broken = first.signature.name();
    let shrunk = shrink::shrink(&first.case, Some(&broken), how)?;
    let millis = u64::try_from(watch.passed().as_millis()).unwrap_or(u64::MAX);
    let (outcome, lines) = shrunk.case.trace();
    let violation = outcome
        .violations
        .iter()
        .find(|one| (one.invariant, one.aspect) == (shrunk.signature.invariant, shrunk.signature.aspect));
    let records = violation.map_or(0, |violation| story(&lines, violation).len());
    let capsule = match &args.out {
        Some(out) => {
            let capsule = Capsule::of(&shrunk.case).0;
            Some(folder::save(out, &format!("{name}-shrunk"), &capsule)?.display().to_string())
        }
        None => None,
    };
    Ok(Some(Small {
        bug,
        scenario: first.case.scenario.name().to_owned(),
        seed: first.case.seed.to_string(),
        broken,
        deviations: shrink::deviations(&shrunk.case),
        records,
        runs: shrunk.runs,
        millis,
        unfinished: shrunk.unfinished,
        capsule,
    }))
}

fn bugs(args: &Args) -> Result<Vec<&'static Bug>, Error> {
    match args.bugs.as_slice() {
        [] => Ok(BUGS.iter().collect()),
        called => called.iter().map(|id| bench::bug(id)).collect(),
    }
}

fn strategies(args: &Args) -> Result<Vec<String>, Error> {
    let called = match args.strategies.as_slice() {
        [] => strategy::ALL.iter().map(|(name, _)| (*name).to_owned()).collect(),
        called => called.to_vec(),
    };
    called.into_iter().map(|name| strategy::named(&name).map(|_| name)).collect()
}

fn scenarios(args: &Args) -> Result<Vec<Scenario>, Error> {
    args.scenarios.iter().map(|called| catalogue::find(called)).collect()
}
