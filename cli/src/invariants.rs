//! `cdcsim invariants`: what each invariant promises, what it is for, and where it fires.

use std::{sync::atomic::AtomicBool, thread};

use reports::{invariants as report, json};
use scenarios::{
    Scenario, catalogue,
    fires::{self, Fires},
    invariants::{ALL, Named},
    matrix::Sweeping,
};

use crate::{
    args::{Invariants as Args, InvariantsFormat},
    exit::{Exit, Stop},
    interrupt,
    output::Output,
    progress::Progress,
};

pub(crate) fn invariants(args: &Args, output: &mut Output) -> Result<Exit, Stop> {
    let chosen = chosen(&args.names)?;
    if !args.fires {
        output.line(&match args.format {
            InvariantsFormat::Text => report::text(&chosen),
            InvariantsFormat::Markdown => report::markdown(&chosen),
            InvariantsFormat::Json => json::text(&json::Invariants::new(&chosen)),
        })?;
        return Ok(Exit::Held);
    }
    let stop = interrupt::watch();
    let fires = fire(args, &chosen, &stop)?;
    output.line(&match args.format {
        InvariantsFormat::Text => report::fires(&fires).text(),
        InvariantsFormat::Markdown => report::fires(&fires).markdown(),
        InvariantsFormat::Json => json::text(&json::Invariants::new(&chosen).firing(&fires)),
    })?;
    let interrupted = stop.load(std::sync::atomic::Ordering::Relaxed);
    Ok(if interrupted { Exit::Interrupted } else { Exit::Held })
}

fn fire(args: &Args, chosen: &[&'static Named], stop: &AtomicBool) -> Result<Vec<Fires>, Stop> {
    let scenarios: Vec<Scenario> = catalogue::all()?;
    let candidates = fires::candidates(&scenarios, chosen);
    let seeds =
        |scenario: &Scenario| args.seeds.as_ref().map_or(scenario.seeds(), |seeds| seeds.end - seeds.start);
    let mut progress = Progress::new(candidates.iter().map(|(scenario, _)| seeds(scenario)).sum());
    let mut tell = |scenario: &Scenario, ended: &scenarios::sweep::Ended| {
        progress.advance(scenario.length(), ended.is_bad());
    };
    let jobs = args.jobs.map_or_else(|| thread::available_parallelism().map_or(1, usize::from), usize::from);
    let how = Sweeping { seeds: args.seeds.clone(), jobs, stop, tell: &mut tell };
    let fires = fires::fires(&candidates, chosen, how)?;
    progress.clear();
    Ok(fires)
}

fn chosen(names: &[String]) -> Result<Vec<&'static Named>, Stop> {
    if names.is_empty() {
        return Ok(ALL.iter().collect());
    }
    Ok(names.iter().map(|name| scenarios::invariant(name)).collect::<Result<_, _>>()?)
}
