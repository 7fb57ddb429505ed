//! Whether every number of a file is in its range, and every name means something.

use model::{Actor, invariants};
use sim::{Draws, Duration, Moment, Seed};
use toml::Spanned;

use super::{Wrong, ddl_kinds, hosts::Hosts, moment_names, named_ddls, note_names};
use crate::{
    Error,
    error::unknown,
    file::{self, Ending, File},
    policy::PolicySpec,
    scenario::Place,
    units::Length,
};

/// More changes of rows make a run that takes minutes and gigabytes.
const MOST_CHANGES: u64 = 10_000_000;

/// Whether every number of a file is in its range and every name means something.
pub(crate) fn check(file: &File, place: &Place) -> Result<(), Error> {
    let complain = |(span, what): Wrong| place.error(span, what);
    let within = |value: &Spanned<u32>, what: &str, max: u32| {
        let n = *value.get_ref();
        let wrong = || place.error(value.span(), format!("{what} are from 1 to {max}, not {n}"));
        if (1..=max).contains(&n) { Ok(()) } else { Err(wrong()) }
    };
    within(&file.cluster.nodes, "nodes", 9)?;
    within(&file.cluster.changefeeds, "changefeeds", 9)?;
    within(&file.workload.tables, "tables", 1000)?;
    within(&file.workload.rows, "rows of a table", 1024)?;
    if let Some(workers) = &file.downstream.workers {
        within(workers, "workers", 1024)?;
    }
    let row_every = &file.workload.row_every;
    let Length(every) = *row_every.get_ref();
    if every < Duration::from_millis(1) {
        return Err(place.error(row_every.span(), "a row of a table changes every millisecond at most"));
    }
    within(&file.workload.databases, "databases", 100)?;
    for (every, what) in [
        (&file.workload.ddl_every, "the schema changes"),
        (&file.workload.syncpoint_every, "a syncpoint comes"),
    ] {
        if let Some(every) = every
            && *every.get_ref() < Duration::from_millis(100)
        {
            return Err(place.error(every.span(), format!("{what} every 100ms at most")));
        }
    }
    let regions = file.workload.growth.iter().map(|growth| &growth.regions);
    for regions in regions.chain([&file.workload.regions]) {
        within(regions, "regions of a table", 10_000)?;
    }
    let scheduling = &file.scheduling;
    within(&scheduling.region_threshold, "regions of a span", 1_000_000)?;
    within(&scheduling.regions_per_span, "regions of a span", 1_000_000)?;
    within(&scheduling.tasks_per_node, "spans that a node is given at once", 10_000)?;
    within(&scheduling.add_batch, "operators at once", 1_000_000)?;
    within(&scheduling.move_batch, "moves in one run", 1_000_000)?;
    for (every, what, least) in [
        (&scheduling.region_refresh, "regions are counted", Duration::from_secs(1)),
        // The real configuration is refused below that, too.
        (&scheduling.balance_every, "balance is looked for", Duration::from_millis(1001)),
    ] {
        if *every.get_ref() < least {
            return Err(place.error(every.span(), format!("{what} every {least} at most")));
        }
    }
    ddl_kinds(&file.workload).map_err(complain)?;
    named_ddls(&file.workload).map_err(complain)?;
    let (tables, lasts) = (*file.workload.tables.get_ref(), file.run_for.0 + file.settle_for.0);
    let changes = u64::from(tables) * (lasts.nanos() / every.nanos());
    if changes > MOST_CHANGES {
        let what = format!(
            "{tables} tables with a change every {every} for {lasts} make {changes} changes of rows; \
             at most {MOST_CHANGES}: take fewer tables, rarer changes or a shorter run"
        );
        return Err(place.error(row_every.span(), what));
    }
    let hosts = Hosts::of(file);
    if let Some(ending) = &file.ending
        && let Ending::Nodes(named) = ending.get_ref()
    {
        if named.core.is_empty() {
            return Err(place.error(ending.span(), "a core has a node at least; name it"));
        }
        for name in &named.core {
            hosts.named_node(&Spanned::new(ending.span(), name.clone())).map_err(complain)?;
        }
    }
    for (name, version) in &file.cluster.old {
        hosts.named_node(name).map_err(complain)?;
        PolicySpec::parse(version.get_ref()).map_err(|error| complain((version.span(), error.what)))?;
    }
    for (name, at) in &file.cluster.targets {
        hosts.changefeed(name).map_err(complain)?;
        if *at.get_ref() < Duration::from_millis(1) {
            return Err(
                place.error(at.span(), "a changefeed ends after it has begun: a millisecond at least")
            );
        }
    }
    if let Some(chaos) = &file.chaos {
        crate::chaos::check(chaos, place)?;
        for moment in &chaos.moments {
            let wrong =
                || (moment.span(), unknown("kind of message or note", moment.get_ref(), moment_names()));
            Moment::named::<Actor>(moment.get_ref()).ok_or_else(wrong).map_err(complain)?;
        }
    }
    for fault in &file.faults {
        hosts.planned(fault, &mut Draws::new(Seed(0), "check")).map_err(complain)?;
        if let file::When::At(at) = &fault.when
            && at.get_ref().1 >= file.run_for.0
        {
            let what = format!("the fault phase ends after {}; a fault happens before", file.run_for.0);
            return Err(place.error(at.span(), what));
        }
    }
    file.claims.iter().try_for_each(|claim| check_claim(claim).map_err(complain))
}

fn check_claim(claim: &file::ClaimText) -> Result<(), Wrong> {
    PolicySpec::parse(claim.policy.get_ref()).map_err(|error| (claim.policy.span(), error.what))?;
    let mut named: Vec<&str> = Vec::new();
    for names in claim.breaks.iter().chain(&claim.may_break) {
        for name in names.get_ref().all() {
            known_invariant(name).map_err(|what| (names.span(), what))?;
            if named.contains(&name.as_str()) {
                return Err((names.span(), format!("`{name}` is named twice in this claim; once is enough")));
            }
            named.push(name);
        }
    }
    claim.witnesses.iter().try_for_each(|witness| match Moment::named::<Actor>(witness.get_ref()) {
        Some(Moment::Note(_)) => Ok(()),
        _ => Err((witness.span(), unknown("note", witness.get_ref(), note_names()))),
    })
}

/// An invariant, or one of the things that it reports separately: `single_writer (applied)`.
fn known_invariant(name: &str) -> Result<(), String> {
    let (invariant, aspect) = match name.split_once(" (") {
        Some((invariant, aspect)) => (invariant, Some(aspect.strip_suffix(')').unwrap_or(aspect))),
        None => (name, None),
    };
    let known = invariants::ALL.iter().map(|one| one.name);
    let found = invariants::ALL.iter().find(|one| one.name == invariant);
    let found = found.ok_or_else(|| unknown("invariant", invariant, known))?;
    match aspect {
        Some(aspect) if !found.has_aspect(aspect) => {
            let known = found.aspects.iter().map(|(name, _)| *name).filter(|name| !name.is_empty());
            Err(unknown(&format!("aspect of {invariant}"), aspect, known))
        }
        _ => Ok(()),
    }
}
