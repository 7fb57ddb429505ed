//! `cdcsim matrix`: policies, claims or mutants against scenarios.

use std::{sync::atomic::AtomicBool, thread};

use reports::{json, matrix as report, table::Table};
use scenarios::{
    PolicySpec, Scenario, catalogue, invariants,
    matrix::{self, Checked, Matrix, Sweeping, VERSIONS},
    sweep::Verdict,
};

use crate::{
    args::{Matrix as Args, MatrixFormat, Rows},
    exit::{Exit, Stop},
    interrupt,
    output::Output,
    progress::Progress,
};

pub(crate) fn matrix(args: &Args, output: &mut Output) -> Result<Exit, Stop> {
    let scenarios = match args.scenarios.as_slice() {
        [] => catalogue::all()?,
        called => called.iter().map(|called| catalogue::find(called)).collect::<Result<Vec<_>, _>>()?,
    };
    let scenarios: Vec<Scenario> =
        scenarios.iter().map(|scenario| scenario.without(&args.without)).collect::<Result<_, _>>()?;
    let names: Vec<&str> = match args.policies.as_slice() {
        [] => VERSIONS.to_vec(),
        names => names.iter().map(String::as_str).collect(),
    };
    let policies: Vec<PolicySpec> = names.into_iter().map(PolicySpec::parse).collect::<Result<_, _>>()?;
    let stop = interrupt::watch();
    let mut progress = Progress::new(seeds(args, &scenarios, policies.len()));
    let mut tell = |scenario: &Scenario, ended: &scenarios::sweep::Ended| {
        progress.advance(scenario.length(), ended.is_bad());
    };
    let jobs = args.jobs.map_or_else(|| thread::available_parallelism().map_or(1, usize::from), usize::from);
    let how = Sweeping { seeds: args.seeds.clone(), jobs, stop: &stop, tell: &mut tell };
    if args.claims {
        let checked = matrix::claims(&scenarios, how)?;
        progress.clear();
        let exit = checked.iter().map(verdict).fold(Exit::Held, Exit::or);
        match args.format {
            MatrixFormat::Json => {
                let results = checked.iter().map(json::Sweep::from).collect();
                let results = json::Results { schema: json::RESULT, results, exit: exit.code() };
                output.line(&json::text(&results))?;
            }
            format => show(&report::claims(&checked), format, output)?,
        }
        return Ok(exit);
    }
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
    let rows = args.rows.unwrap_or(match scenarios.len() > policies.len() {
        true => Rows::Scenarios,
        false => Rows::Policies,
    });
    match (args.format, rows) {
        (MatrixFormat::Json, _) => output.line(&json::text(&json::Grid::new(&result)))?,
        (format, Rows::Policies) => show(&report::table(&result), format, output)?,
        (format, Rows::Scenarios) => {
            let (table, letters) = report::shares(&result, invariants::ALL);
            match format {
                // A page begins with what it says.
                MatrixFormat::Markdown => {
                    output.line(&report::explained(&letters, |name| format!("`{name}`")).join(" "))?;
                    output.line(&format!("\n{}", table.markdown()))?;
                }
                MatrixFormat::Text | MatrixFormat::Json => {
                    output.line(&table.text())?;
                    output.line(&format!("\n{}", report::explained(&letters, str::to_owned).join("\n")))?;
                }
                MatrixFormat::Csv => output.line(&report::table(&result).transposed("scenario").csv())?,
            }
        }
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

/// How a claim ends the program, as it does in `run`.
fn verdict(checked: &Checked) -> Exit {
    let tally = &checked.tally;
    match tally.judge(&checked.claim) {
        _ if tally.interrupted => Exit::Interrupted,
        _ if tally.failed > 0 => Exit::Failed,
        Verdict::Confirmed => Exit::Held,
        Verdict::Refuted { .. } => Exit::Broken,
        Verdict::Vacuous { .. } => Exit::Vacuous,
    }
}

/// How many seeds will be run; of mutants, about.
fn seeds(args: &Args, scenarios: &[Scenario], policies: usize) -> u64 {
    let each = |scenario: &Scenario| {
        let seeds = args.seeds.as_ref().map_or(scenario.seeds(), |seeds| seeds.end - seeds.start);
        let rows = match (args.claims, args.mutants) {
            (true, _) => scenario.claims().len(),
            (_, true) => scenarios::MUTANTS.len() + 1,
            _ => policies,
        };
        seeds.saturating_mul(rows as u64)
    };
    scenarios.iter().map(each).fold(0, u64::saturating_add)
}

fn show(table: &Table, format: MatrixFormat, output: &mut Output) -> Result<(), Stop> {
    output.line(&match format {
        MatrixFormat::Markdown => table.markdown(),
        MatrixFormat::Csv => table.csv(),
        MatrixFormat::Text | MatrixFormat::Json => table.text(),
    })
}
