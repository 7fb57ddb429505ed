//! `cdcsim draw`: what a seed makes of a scenario.

use scenarios::{Error, Seed, catalogue};

use crate::{
    args::Draw as Args,
    exit::{Exit, Stop},
    output::Output,
};

pub(crate) fn draw(args: &Args, output: &mut Output) -> Result<Exit, Stop> {
    let scenario = catalogue::find(&args.scenario)?;
    if !scenario.has_chaos() {
        let what = "it has no [chaos]: every seed makes the same of it, but for its weather and the times of its faults";
        return Err(Error::new(format!("scenario `{}`", args.scenario), what).into());
    }
    output.line(scenario.concrete(Seed(args.seed)).text().trim_end())?;
    Ok(Exit::Held)
}
