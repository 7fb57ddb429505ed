//! `cdcsim replay`: one seed again, with more detail.

use reports::{json, summary, trace, why};
use scenarios::{
    Case, Error, PolicySpec, Seed,
    capsule::{Capsule, Reproduced, hex},
    catalogue,
    run::Outcome,
    story::story,
    strategy,
    sweep::caught,
    trace::Line,
};

use crate::{
    args::{Format, Replay, Report},
    exit::{Exit, Stop},
    output::{Output, complain},
};

pub(crate) fn replay(args: &Replay, output: &mut Output) -> Result<Exit, Stop> {
    let (case, capsule) = what(args)?;
    let Case { scenario, policy, seed, .. } = &case;
    let first = caught(|| case.run().digest);
    let mut reproduced = None;
    let (run, failure, exit) = match first.and_then(|first| again(&case, first)) {
        Err(failure) => (None, Some(failure), Exit::Failed),
        Ok((mut outcome, lines)) => {
            // What a strategy makes of a seed may run under another one.
            outcome.seed = args.seed.map_or(outcome.seed, Seed);
            reproduced = capsule.as_ref().map(|capsule| capsule.compare(&outcome, &lines));
            let failure = capsule
                .as_ref()
                .zip(reproduced.as_ref())
                .and_then(|(capsule, how)| differs(capsule, &outcome, how));
            let exit = match &failure {
                Some(_) => Exit::Failed,
                None if outcome.held() => Exit::Held,
                None if outcome.is_broken() => Exit::Broken,
                None => Exit::Vacuous,
            };
            (Some((outcome, lines)), failure, exit)
        }
    };
    match args.format {
        Format::Json => {
            let run =
                run.map(|(outcome, lines)| json::Run::new(&outcome, told(&outcome, &lines, args.report)));
            let (scenario, policy) = (scenario.name().to_owned(), policy.name().to_owned());
            let reproduced = reproduced.as_ref().map(json::Level::from);
            let (schema, seed, exit) = (json::REPLAY, seed.to_string(), exit.code());
            let replayed = json::Replayed { schema, scenario, policy, seed, run, reproduced, failure, exit };
            output.line(&json::text(&replayed))?;
        }
        Format::Text => {
            if let Some((outcome, lines)) = &run {
                output.line(&summary::outcome(scenario.name(), policy.name(), outcome))?;
                if let Some(reproduced) = &reproduced {
                    output.part(&summary::reproduced(reproduced))?;
                }
                tell(outcome, lines, args.report, output)?;
            }
            if let Some(failure) = failure {
                match reproduced {
                    Some(_) => complain(format_args!("error: {}: not reproduced: {failure}", args.what)),
                    None => complain(format_args!(
                        "error: {}: the testbed failed in seed {seed}: {failure}",
                        args.what
                    )),
                }
            }
        }
    }
    Ok(exit)
}

/// What is to be replayed, and the capsule it comes from.
fn what(args: &Replay) -> Result<(Case, Option<Capsule>), Stop> {
    if args.what.ends_with(".json") {
        if args.policy.is_some() || args.seed.is_some() || args.strategy.is_some() {
            let what =
                "a capsule has its own policy, seed and decisions; leave out --policy, --seed and --strategy";
            return Err(Error::new(&args.what, what).into());
        }
        let mut capsule = Capsule::read(&args.what)?;
        let mut case = capsule.case(&args.what)?;
        case.scenario = case.scenario.without(&args.without)?;
        capsule
            .violations
            .retain(|broken| !args.without.iter().any(|name| name == "all" || *name == broken.invariant));
        return Ok((case, Some(capsule)));
    }
    let scenario = catalogue::find(&args.what)?.without(&args.without)?;
    let missing = |flags: &str| Error::new(&args.what, format!("which run is meant? Say so with {flags}"));
    let (policy, seed) = match (&args.policy, args.seed) {
        (Some(policy), Some(seed)) => (PolicySpec::parse(policy)?, Seed(seed)),
        (Some(_), None) => return Err(missing("--seed").into()),
        (None, Some(_)) => return Err(missing("--policy").into()),
        (None, None) => return Err(missing("--policy and --seed").into()),
    };
    let called = args.strategy.as_deref().unwrap_or("random");
    let strategy = strategy::named(called)?;
    if strategy.learns() {
        let what =
            "what it makes of a seed depends on other seeds; replay a capsule, as `run --out` saves them";
        return Err(Error::new(format!("strategy `{called}`"), what).into());
    }
    if called == "random" {
        return Ok((Case::new(&scenario, &policy, seed), None));
    }
    Ok((strategy.case(&scenario, &policy, seed), None))
}

/// Runs a seed again and keeps its records. An error is the testbed's: a panic, or other records than the `first` time.
pub(crate) fn again(case: &Case, first: u64) -> Result<(Outcome, Vec<Line>), String> {
    let (outcome, lines) = caught(|| case.trace())?;
    if outcome.digest != first {
        let (first, digest) = (hex(first), hex(outcome.digest));
        return Err(format!("its digest was {first} and then {digest}: the testbed is not deterministic"));
    }
    Ok((outcome, lines))
}

/// Why a run is not what its capsule says of it.
fn differs(capsule: &Capsule, outcome: &Outcome, how: &Reproduced) -> Option<String> {
    let list = |names: &[String]| if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
    match how {
        Reproduced::Exact | Reproduced::Rebased { .. } => None,
        Reproduced::Otherwise { told, found } => Some(format!(
            "its digest is the same, but what broke is {}; the capsule says {}: either the invariants have changed \
             since, or the capsule",
            list(found),
            list(told)
        )),
        Reproduced::Not { told, found, first, applied, decisions } => {
            let mut what = format!(
                "what broke is {}; the capsule, which version {} wrote (this is {}), says {}. Its digest \
                 is {}, but {} in the capsule: either the model has changed since, or the capsule",
                list(found),
                capsule.version,
                env!("CARGO_PKG_VERSION"),
                list(told),
                hex(outcome.digest),
                capsule.digest
            );
            if *decisions > 0 {
                what += &format!("; {applied} of {decisions} decisions were replayed");
            }
            if let Some(first) = first {
                what += &format!("\n  the first record of its story that does not happen any more: {first}");
            }
            Some(what)
        }
    }
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
            story(lines, violation).into_iter().map(json::Record::from).collect()
        }
    }
}
