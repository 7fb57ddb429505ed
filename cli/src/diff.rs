//! `cdcsim diff`: two versions on the same weather, and where they part.

use reports::{diff as report, json};
use scenarios::{Case, Error, PolicySpec, Seed, capsule::Capsule, catalogue, diff, sweep::caught};

use crate::{
    args::{Diff as Args, Format},
    exit::{Exit, Stop},
    output::{Output, complain},
};

pub(crate) fn diff(args: &Args, output: &mut Output) -> Result<Exit, Stop> {
    let [one, other] = args.policies.as_slice() else {
        let what = format!("two are compared, not {}: --policy A --policy B", args.policies.len());
        return Err(Error::new("--policy", what).into());
    };
    let policies = [PolicySpec::parse(one)?, PolicySpec::parse(other)?];
    let case = case(args, &policies[0])?;
    let compared = caught(|| diff::diff(&case, policies.each_ref(), args.records.into()));
    let compared = match compared {
        Ok(compared) => compared,
        Err(message) => {
            complain(format_args!("error: {}: the testbed failed: {message}", args.what));
            return Ok(Exit::Failed);
        }
    };
    let (scenario, names) = (case.scenario.name(), policies.each_ref().map(PolicySpec::name));
    match args.format {
        Format::Text => output.line(&report::text(&compared, scenario, names))?,
        Format::Json => output.line(&json::text(&json::Diff::new(&compared, scenario, names)))?,
    }
    Ok(if compared.part() { Exit::Broken } else { Exit::Held })
}

/// The scenario, seed and decisions.
fn case(args: &Args, policy: &PolicySpec) -> Result<Case, Stop> {
    if !args.what.ends_with(".json") {
        let scenario = catalogue::find(&args.what)?;
        let missing = || Error::new(&args.what, "which run is meant? Say so with --seed");
        return Ok(Case::new(&scenario, policy, Seed(args.seed.ok_or_else(missing)?)));
    }
    if args.seed.is_some() {
        return Err(Error::new(&args.what, "a capsule names its own seed; leave out --seed").into());
    }
    Ok(Capsule::read(&args.what)?.case(&args.what)?)
}
