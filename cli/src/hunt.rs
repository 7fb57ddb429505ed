//! `cdcsim hunt`: looking for what nobody has written down, until time is up.

use std::{thread, time::Duration};

use reports::{hunt as report, json};
use scenarios::{
    PolicySpec, Scenario,
    capsule::Capsule,
    catalogue,
    hunt::{Hunt, Hunted, hunt as hunting},
    strategy,
};

use crate::{
    args::{Format, Hunt as Args},
    clock::Stopwatch,
    exit::{Exit, Stop},
    folder, interrupt,
    output::Output,
    progress::Status,
};

pub(crate) fn hunt(args: &Args, output: &mut Output) -> Result<Exit, Stop> {
    let scenarios = scenarios(&args.scenarios)?;
    let scenarios: Vec<Scenario> =
        scenarios.iter().map(|scenario| scenario.without(&args.without)).collect::<Result<_, _>>()?;
    let policy = PolicySpec::parse(&args.policy)?;
    let mut strategy = strategy::named(&args.strategy)?;
    if let Some(out) = &args.out {
        folder::prepare(out)?;
    }
    let jobs = args.jobs.map_or_else(|| thread::available_parallelism().map_or(1, usize::from), usize::from);
    let stop = interrupt::watch();
    let (clock, mut status) = (Stopwatch::start(), Status::new());
    let length = args.length;
    let (from, seeds) =
        args.seeds.as_ref().map_or((0, u64::MAX), |seeds| (seeds.start, seeds.end - seeds.start));
    let mut prey = Hunt {
        scenarios: &scenarios,
        policy: &policy,
        strategy: &mut *strategy,
        from,
        seeds,
        jobs,
        stop: &stop,
    };
    let hunted = hunting(&mut prey, |hunted| {
        let passed = clock.passed();
        status.show(&report::progress(hunted, passed));
        length.is_none_or(|length| passed < length)
    })?;
    status.clear();
    let passed = clock.passed();
    let capsules = save(args, &hunted, &policy)?;
    match args.format {
        Format::Json => {
            output.line(&json::text(&json::Hunted::new(&hunted, policy.name(), &args.strategy, &capsules)))?
        }
        Format::Text => {
            output.line(report::text(&hunted, policy.name(), &args.strategy, &capsules, passed).trim_end())?
        }
    }
    Ok(exit(&hunted, stop.load(std::sync::atomic::Ordering::Relaxed)))
}

/// The scenarios of these names; `all` are those with chaos, since the others tell a story that is known.
fn scenarios(called: &[String]) -> Result<Vec<Scenario>, Stop> {
    let mut scenarios = Vec::new();
    for called in called {
        match called.as_str() {
            "all" => scenarios.extend(catalogue::all()?.into_iter().filter(Scenario::has_chaos)),
            called => scenarios.push(catalogue::find(called)?),
        }
    }
    Ok(scenarios)
}

/// The smallest capsule of each finding, in the order in which they are told.
fn save(args: &Args, hunted: &Hunted, policy: &PolicySpec) -> Result<Vec<Option<String>>, Stop> {
    let Some(out) = &args.out else { return Ok(vec![None; hunted.findings.len()]) };
    let saved = hunted.by_frequency().into_iter().map(|finding| {
        let case = &finding.smallest;
        let name = format!("{}-{}-{}", case.scenario.name(), folder::file_name(policy.name()), case.seed);
        let (capsule, _) = Capsule::of(case);
        Ok(Some(folder::save(out, &name, &capsule)?.display().to_string()))
    });
    saved.collect()
}

fn exit(hunted: &Hunted, stopped: bool) -> Exit {
    match () {
        () if stopped => Exit::Interrupted,
        () if hunted.failed > 0 => Exit::Failed,
        () if hunted.ran == 0 => Exit::Vacuous,
        () if hunted.broken > 0 => Exit::Broken,
        () if hunted.ran == hunted.inconclusive => Exit::Vacuous,
        () => Exit::Held,
    }
}

/// A length of real time, such as `60s` or `10m`.
pub(crate) fn length(text: &str) -> Result<Duration, String> {
    let length: scenarios::Duration = text.parse()?;
    Ok(Duration::from_nanos(length.nanos()))
}
