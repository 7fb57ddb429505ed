//! `cdcsim shrink`: what a finding comes down to.

use std::{
    path::{Path, PathBuf},
    thread,
};

use reports::{json, shrink as report};
use scenarios::{
    Case, Error, PolicySpec,
    capsule::Capsule,
    shrink::{self, Progress, Shrinking, Shrunk},
};

use crate::{
    args::{Format, Shrink as Args},
    exit::{Exit, Stop},
    folder, interrupt,
    output::Output,
    progress::Status,
};

pub(crate) fn shrink(args: &Args, output: &mut Output) -> Result<Exit, Stop> {
    let capsule = Capsule::read(&args.what)?;
    let case = capsule.case(&args.what)?;
    let out = args.out.clone().unwrap_or_else(|| beside(&args.what));
    folder::prepare(&out)?;
    let stop = interrupt::watch();
    let mut status = Status::new();
    let mut tell = |progress: &Progress| {
        status.show(&format!(
            "{} runs, {} decisions, {} faults: {}",
            progress.runs, progress.decisions, progress.faults, progress.step
        ));
    };
    let jobs = args.jobs.map_or_else(|| thread::available_parallelism().map_or(1, usize::from), usize::from);
    let beside = args.beside.as_deref().map(PolicySpec::parse).transpose()?;
    let beside = beside.as_ref();
    let how = Shrinking { budget: args.budget, jobs, beside, stop: &stop, tell: &mut tell };
    let shrunk = shrink::shrink(&case, args.invariant.as_deref(), how)
        .map_err(|error| Error::new(&args.what, error.what))?;
    status.clear();
    let (small, outcome) = Capsule::of(&shrunk.case);
    let deviations = shrink::deviations(&shrunk.case);
    let saved = folder::save(&out, &name(&args.what, &shrunk.case), &small)?.display().to_string();
    match args.format {
        Format::Json => {
            output.line(&json::text(&json::Shrunk::new(&shrunk, &outcome, deviations, saved)))?;
        }
        Format::Text => output.line(report::text(&shrunk, &outcome, &deviations, &saved).trim_end())?,
    }
    Ok(ended(&shrunk, stop.load(std::sync::atomic::Ordering::Relaxed)))
}

/// That something breaks was known before.
fn ended(shrunk: &Shrunk, stopped: bool) -> Exit {
    if stopped && shrunk.unfinished { Exit::Interrupted } else { Exit::Held }
}

/// The folder of a file.
fn beside(what: &str) -> PathBuf {
    let folder = Path::new(what).parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new(".")).to_owned()
}

fn name(what: &str, case: &Case) -> String {
    let stem = Path::new(what).file_stem().map(|stem| stem.to_string_lossy().into_owned());
    format!("{}-shrunk", stem.unwrap_or_else(|| case.scenario.name().to_owned()))
}
