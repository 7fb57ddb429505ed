//! `cdcsim catalogue`: what every scenario tells, claims and comes from.

use reports::{catalogue as report, json};
use scenarios::catalogue;

use crate::{
    args::{Catalogue, CatalogueFormat},
    exit::{Exit, Stop},
    output::Output,
};

pub(crate) fn catalogue(args: &Catalogue, output: &mut Output) -> Result<Exit, Stop> {
    let scenarios = match args.scenarios.as_slice() {
        [] => catalogue::all()?,
        called => called.iter().map(|called| catalogue::find(called)).collect::<Result<_, _>>()?,
    };
    output.line(&match args.format {
        CatalogueFormat::Text => report::text(&scenarios),
        CatalogueFormat::Markdown => report::markdown(&scenarios),
        CatalogueFormat::Json => json::text(&json::Catalogue::new(&scenarios)),
    })?;
    Ok(Exit::Held)
}
