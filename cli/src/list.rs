//! `cdcsim list`: what there is.

use scenarios::{DESIGNS, PRESETS, catalogue, invariants};

use crate::{
    args::{Format, List},
    exit::{Exit, Stop},
    output::Output,
};

pub(crate) fn list(args: &List, output: &mut Output) -> Result<Exit, Stop> {
    let scenarios = catalogue::all()?;
    match args.format {
        Format::Json => {
            let list = reports::json::List::new(&scenarios, [PRESETS, DESIGNS], invariants::ALL);
            output.line(&reports::json::text(&list))?;
        }
        Format::Text => {
            output.line(&reports::summary::list(&scenarios, [PRESETS, DESIGNS], invariants::ALL))?;
        }
    }
    Ok(Exit::Held)
}
