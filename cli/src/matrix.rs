//! `cdcsim matrix`: policies, or mutants, against scenarios.

use std::{sync::atomic::AtomicBool, thread};

use reports::{json, matrix as report, table::Table};
use scenarios::{
    PRESETS, PolicySpec, Scenario, catalogue,
    matrix::{self, Matrix, Sweeping},
};

use crate::{
    args::{Matrix as Args, MatrixFormat},
    exit::{Exit, Stop},
    interrupt,
    output::Output,
    progress::Progress,
};

pub(crate) fn matrix(args: &Args, output: &mut Output) -> Result<Exit, Stop> {
    let scenarios = match args.scenarios.as_slice() {
        [] => catalogue::all()?,
        called => called.iter().map(|called| catalogue::find(called)).collect::<Result<_, _>>()?,
    };
    let names: Vec<&str> = match args.policies.as_slice() {
        [] => PRESETS.iter().map(|preset| preset.name).collect(),
        names => names.iter().map(String::as_str).collect(),
    };
    let policies: Vec<PolicySpec> = names.into_iter().map(PolicySpec::parse).collect::<Result<_, _>>()?;
    let stop = interrupt::watch();
    let mut progress = Progress::new(seeds(args, &scenarios, policies.len()));
    let mut tell = |_: &scenarios::sweep::Ended| progress.advance();
    let jobs = args.jobs.map_or_else(|| thread::available_parallelism().map_or(1, usize::from), usize::from);
    let how = Sweeping { seeds: args.seeds.clone(), jobs, stop: &stop, tell: &mut tell };
    if args.mutants {
        let found = matrix::mutants(&scenarios, args.claimed, how)?;
        progress.clear();
        match args.format {
            MatrixFormat::Json => output.line(&json::text(&json::Mutants::new(&found)))?,
            format => show(&report::mutants(&found), format, output)?,
        }
        if args.format == MatrixFormat::Text {
            output.line(&format!("\n{}", report::detected(&found)))?;
        }
        return Ok(ended(&stop));
    }
    let result = matrix::matrix(&policies, &scenarios, how)?;
    progress.clear();
    match args.format {
        MatrixFormat::Json => output.line(&json::text(&json::Grid::new(&result)))?,
        format => show(&report::table(&result), format, output)?,
    }
    Ok(if failed(&result) { Exit::Failed.or(ended(&stop)) } else { ended(&stop) })
}

/// A matrix tells what breaks; that something does is no failure of it.
fn ended(stop: &AtomicBool) -> Exit {
    if stop.load(std::sync::atomic::Ordering::Relaxed) { Exit::Interrupted } else { Exit::Held }
}

fn failed(matrix: &Matrix) -> bool {
    matrix.rows.iter().flat_map(|(_, cells)| cells).any(|cell| cell.failed > 0)
}

/// How many seeds will be run; of mutants, about.
fn seeds(args: &Args, scenarios: &[Scenario], policies: usize) -> u64 {
    let rows = if args.mutants { scenarios::MUTANTS.len() + 1 } else { policies };
    let each =
        |scenario: &Scenario| args.seeds.as_ref().map_or(scenario.seeds(), |seeds| seeds.end - seeds.start);
    scenarios.iter().map(each).fold(0, u64::saturating_add).saturating_mul(rows as u64)
}

fn show(table: &Table, format: MatrixFormat, output: &mut Output) -> Result<(), Stop> {
    output.line(&match format {
        MatrixFormat::Markdown => table.markdown(),
        MatrixFormat::Csv => table.csv(),
        MatrixFormat::Text | MatrixFormat::Json => table.text(),
    })
}
