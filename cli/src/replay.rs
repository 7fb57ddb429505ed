//! `cdcsim replay`: one seed again, with more detail.

use std::panic::{AssertUnwindSafe, catch_unwind};

use reports::{json, summary, trace, why};
use scenarios::{
    Decisions, Error, PolicySpec, Scenario, Seed,
    capsule::{self, Capsule},
    catalogue,
    run::Outcome,
    sweep,
    trace::{self as tracing_run, Line},
};

use crate::{
    args::{Format, Replay, Report},
    exit::{Exit, Stop},
    output::Output,
};

pub(crate) fn replay(args: &Replay, output: &mut Output) -> Result<Exit, Stop> {
    let (replay, capsule) = what(args)?;
    let capsule::Replay { scenario, policy, seed, decisions } = &replay;
    let runs = catch_unwind(AssertUnwindSafe(|| {
        let first = scenarios::run::run(scenario, policy, *seed, decisions);
        (first, tracing_run::trace(scenario, policy, *seed, decisions))
    }));
    let (first, (outcome, lines)) = match runs {
        Ok(runs) => runs,
        Err(panic) => {
            let line = reports::replay_line(&args.what, policy.name(), &seed.to_string());
            output.line(&summary::failure(&seed.to_string(), &sweep::message(&*panic), &line))?;
            return Ok(Exit::Failed);
        }
    };
    let mut exit = if outcome.held() { Exit::Held } else { Exit::Broken };
    if first.digest != outcome.digest {
        anstream::eprintln!(
            "error: seed {seed} came out with digest {} and then with {}: the testbed is not deterministic",
            capsule::hex(first.digest),
            capsule::hex(outcome.digest)
        );
        exit = Exit::Failed;
    }
    if let Some(capsule) = &capsule
        && capsule.digest != capsule::hex(outcome.digest)
    {
        anstream::eprintln!(
            "error: {}: the capsule has digest {}, this run {}: the model has changed since version {} wrote it",
            args.what,
            capsule.digest,
            capsule::hex(outcome.digest),
            capsule.version
        );
        exit = Exit::Failed;
    }
    match args.format {
        Format::Json => output.line(&json::text(&result(&replay, &outcome, &lines, args.report, exit)))?,
        Format::Text => {
            output.line(&summary::outcome(scenario.name(), policy.name(), &outcome))?;
            more(&outcome, &lines, args.report, output)?;
        }
    }
    Ok(exit)
}

/// What is to be replayed, and the capsule it comes from.
fn what(args: &Replay) -> Result<(capsule::Replay, Option<Capsule>), Stop> {
    if args.what.ends_with(".json") {
        if args.policy.is_some() || args.seed.is_some() {
            let what = "a capsule names its own policy and seed; leave out --policy and --seed";
            return Err(Error::new(&args.what, what).into());
        }
        let capsule = Capsule::read(&args.what)?;
        return Ok((capsule.replay(&args.what)?, Some(capsule)));
    }
    let scenario = catalogue::find(&args.what)?;
    let missing = |flag: &str| Error::new(&args.what, format!("which run is meant? Say so with {flag}"));
    let policy = PolicySpec::parse(args.policy.as_deref().ok_or_else(|| missing("--policy"))?)?;
    let seed = Seed(args.seed.ok_or_else(|| missing("--seed"))?);
    Ok((capsule::Replay { scenario, policy, seed, decisions: Decisions::default() }, None))
}

/// Runs a seed again to tell more of it.
pub(crate) fn tell_more(
    (scenario, policy, seed, decisions): (&Scenario, &PolicySpec, Seed, &Decisions),
    report: Report,
    output: &mut Output,
) -> Result<(), Stop> {
    let (outcome, lines) = tracing_run::trace(scenario, policy, seed, decisions);
    more(&outcome, &lines, report, output)
}

fn more(outcome: &Outcome, lines: &[Line], report: Report, output: &mut Output) -> Result<(), Stop> {
    match report {
        Report::Summary => Ok(()),
        Report::Trace => lines.iter().try_for_each(|line| output.part(&trace::line(line))),
        Report::Why if outcome.held() => output.line("nothing broke"),
        Report::Why => outcome.violations.first().map_or(Ok(()), |violation| {
            output.line("")?;
            output.line(why::text(lines, violation).trim_end())
        }),
    }
}

fn result(
    replay: &capsule::Replay,
    outcome: &Outcome,
    lines: &[Line],
    report: Report,
    exit: Exit,
) -> json::Replayed {
    let told: Vec<json::Record> = match report {
        Report::Summary => Vec::new(),
        Report::Trace => lines.iter().map(json::Record::from).collect(),
        Report::Why => {
            let violation = outcome.violations.first();
            let story = violation.map(|violation| why::story(lines, violation)).unwrap_or_default();
            story.into_iter().map(json::Record::from).collect()
        }
    };
    json::Replayed {
        schema: json::REPLAY,
        scenario: replay.scenario.name().to_owned(),
        policy: replay.policy.name().to_owned(),
        seed: replay.seed.to_string(),
        digest: capsule::hex(outcome.digest),
        records: outcome.records,
        violations: outcome.violations.iter().map(json::Broken::from).collect(),
        lines: told,
        exit: exit.code(),
    }
}
