//! `cdcsim replay`: one seed again, with more detail.

use reports::{json, summary, trace, why};
use scenarios::{
    Decisions, Error, PolicySpec, Seed,
    capsule::{self, Capsule, hex},
    catalogue,
    run::{self, Outcome},
    sweep::caught,
    trace::{self as tracing_run, Line},
};

use crate::{
    args::{Format, Replay, Report},
    exit::{Exit, Stop},
    output::{Output, complain},
};

pub(crate) fn replay(args: &Replay, output: &mut Output) -> Result<Exit, Stop> {
    let (replay, capsule) = what(args)?;
    let capsule::Replay { scenario, policy, seed, decisions } = &replay;
    let first = caught(|| run::run(scenario, policy, *seed, decisions).digest);
    let (run, failure, exit) = match first.and_then(|first| again(&replay, first)) {
        Err(failure) => (None, Some(failure), Exit::Failed),
        Ok((outcome, lines)) => match differs(capsule.as_ref(), &outcome) {
            Some(difference) => (Some((outcome, lines)), Some(difference), Exit::Failed),
            None if outcome.held() => (Some((outcome, lines)), None, Exit::Held),
            None => (Some((outcome, lines)), None, Exit::Broken),
        },
    };
    match args.format {
        Format::Json => {
            let run =
                run.map(|(outcome, lines)| json::Run::new(&outcome, told(&outcome, &lines, args.report)));
            let (scenario, policy) = (scenario.name().to_owned(), policy.name().to_owned());
            let (schema, seed, exit) = (json::REPLAY, seed.to_string(), exit.code());
            let replayed = json::Replayed { schema, scenario, policy, seed, run, failure, exit };
            output.line(&json::text(&replayed))?;
        }
        Format::Text => {
            if let Some((outcome, lines)) = &run {
                output.line(&summary::outcome(scenario.name(), policy.name(), outcome))?;
                tell(outcome, lines, args.report, output)?;
            }
            if let Some(failure) = failure {
                complain(format_args!("error: {}: the testbed failed in seed {seed}: {failure}", args.what));
            }
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
    let missing = |flags: &str| Error::new(&args.what, format!("which run is meant? Say so with {flags}"));
    let (policy, seed) = match (&args.policy, args.seed) {
        (Some(policy), Some(seed)) => (PolicySpec::parse(policy)?, Seed(seed)),
        (Some(_), None) => return Err(missing("--seed").into()),
        (None, Some(_)) => return Err(missing("--policy").into()),
        (None, None) => return Err(missing("--policy and --seed").into()),
    };
    Ok((capsule::Replay { scenario, policy, seed, decisions: Decisions::default() }, None))
}

/// Runs a seed again and keeps its records. An error is the testbed's: a panic, or other records than the `first` time.
pub(crate) fn again(replay: &capsule::Replay, first: u64) -> Result<(Outcome, Vec<Line>), String> {
    let capsule::Replay { scenario, policy, seed, decisions } = replay;
    let (outcome, lines) = caught(|| tracing_run::trace(scenario, policy, *seed, decisions))?;
    if outcome.digest != first {
        let (first, digest) = (hex(first), hex(outcome.digest));
        return Err(format!("its digest was {first} and then {digest}: the testbed is not deterministic"));
    }
    Ok((outcome, lines))
}

/// How a run differs from what its capsule says of it.
fn differs(capsule: Option<&Capsule>, outcome: &Outcome) -> Option<String> {
    let capsule = capsule?;
    if capsule.digest == hex(outcome.digest) {
        let told: Vec<String> =
            capsule.violations.iter().map(|one| format!("{} ({})", one.invariant, one.aspect)).collect();
        let found: Vec<String> =
            outcome.violations.iter().map(|one| format!("{} ({})", one.invariant, one.aspect)).collect();
        let list =
            |names: Vec<String>| if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
        return (told != found).then(|| {
            let (found, told) = (list(found), list(told));
            format!(
                "its digest is the same, but what broke is {found}; the capsule says {told}: \
                     either the invariants have changed since, or the capsule"
            )
        });
    }
    Some(format!(
        "its digest is {}, but {} in the capsule, which version {} wrote (this is {}): \
         either the model has changed since, or the capsule",
        hex(outcome.digest),
        capsule.digest,
        capsule.version,
        env!("CARGO_PKG_VERSION")
    ))
}

/// What is told of a run beyond its summary, for people.
pub(crate) fn tell(
    outcome: &Outcome,
    lines: &[Line],
    report: Report,
    output: &mut Output,
) -> Result<(), Stop> {
    match (report, outcome.violations.first()) {
        (Report::Summary, _) => Ok(()),
        (Report::Trace, _) => lines.iter().try_for_each(|line| output.part(&trace::line(line))),
        (Report::Why, None) => output.line("  nothing broke"),
        (Report::Why, Some(violation)) => {
            output.part("")?;
            output.line(why::text(lines, violation).trim_end())
        }
    }
}

/// The same for programs.
pub(crate) fn told(outcome: &Outcome, lines: &[Line], report: Report) -> Vec<json::Record> {
    match (report, outcome.violations.first()) {
        (Report::Summary, _) | (Report::Why, None) => Vec::new(),
        (Report::Trace, _) => lines.iter().map(json::Record::from).collect(),
        (Report::Why, Some(violation)) => {
            why::story(lines, violation).into_iter().map(json::Record::from).collect()
        }
    }
}
