//! How soon strategies find bugs, and what the findings come down to.

use scenarios::bench::{BUGS, Bug, Measured};
use serde::{Serialize, Serializer};

use crate::table::Table;

/// What the finding of a bug was shrunk to.
#[derive(Debug, Serialize)]
pub struct Small {
    /// The bug; for programs, its name.
    #[serde(serialize_with = "by_name")]
    pub bug: &'static Bug,
    /// The scenario.
    pub scenario: String,
    /// The seed.
    pub seed: String,
    /// What breaks.
    pub broken: String,
    /// What differs from nominal weather, in words.
    pub deviations: Vec<String>,
    /// How many records tell why.
    pub records: usize,
    /// How many runs it took.
    pub runs: u64,
    /// How long it took, in milliseconds.
    pub millis: u64,
    /// Whether something was left to be tried.
    pub unfinished: bool,
    /// Where it was saved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capsule: Option<String>,
}

fn by_name<S: Serializer>(bug: &&'static Bug, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(bug.id)
}

/// A row for each bug, a column for each strategy: the median number of runs to the first finding, and the median time.
pub fn table(measured: &[Measured], strategies: &[String], within: u64) -> Table {
    let heading = ["bug", "policy", "beside"].map(ToOwned::to_owned).into_iter();
    let heading = heading.chain(strategies.iter().cloned()).collect();
    let bugs = BUGS.iter().filter(|bug| measured.iter().any(|one| one.bug.id == bug.id));
    let rows = bugs.map(|bug| {
        let cell = |strategy: &String| {
            let found = of(measured, bug, strategy);
            found.map_or("not measured".to_owned(), |one| cell(one, within))
        };
        let names = [bug.id, bug.policy, bug.beside].map(ToOwned::to_owned).into_iter();
        names.chain(strategies.iter().map(cell)).collect()
    });
    Table { heading, rows: rows.collect() }
}

fn of<'a>(measured: &'a [Measured], bug: &Bug, strategy: &str) -> Option<&'a Measured> {
    measured.iter().find(|one| one.bug.id == bug.id && one.strategy == strategy)
}

fn cell(measured: &Measured, within: u64) -> String {
    let (found, all) = (measured.found(), measured.first.len());
    let mut cell = match measured.runs().zip(measured.millis()) {
        Some((runs, millis)) => format!("{runs}, {}", seconds(millis)),
        None => format!("not within {within}"),
    };
    if found < all {
        cell += &format!(" ({found} of {all})");
    }
    if measured.failed > 0 {
        cell += &format!(", the testbed failed in {}", measured.failed);
    }
    cell
}

fn seconds(millis: u64) -> String {
    format!("{}.{} s", millis / 1000, millis % 1000 / 100)
}

/// For each strategy but `random`: for how many bugs it takes fewer runs, as many, or more.
pub fn comparison(measured: &[Measured], strategies: &[String]) -> Vec<String> {
    let bugs = || BUGS.iter().filter(|bug| measured.iter().any(|one| one.bug.id == bug.id));
    let others = strategies.iter().filter(|strategy| *strategy != "random");
    let mut told: Vec<String> = others
        .filter_map(|strategy| {
            let pairs = bugs().filter_map(|bug| {
                Some((of(measured, bug, strategy)?.runs(), of(measured, bug, "random")?.runs()))
            });
            let pairs: Vec<_> = pairs.map(|(a, b)| (a.unwrap_or(u64::MAX), b.unwrap_or(u64::MAX))).collect();
            let count = |is: fn(&(u64, u64)) -> bool| pairs.iter().filter(|pair| is(pair)).count();
            let (fewer, more) = (count(|(a, b)| a < b), count(|(a, b)| a > b));
            (!pairs.is_empty()).then(|| {
                format!(
                    "{strategy} takes fewer runs than random for {fewer} of {} bugs, and more for {more}",
                    pairs.len()
                )
            })
        })
        .collect();
    let sooner = bugs().filter(|bug| {
        let runs = |strategy: &str| of(measured, bug, strategy).and_then(Measured::runs).unwrap_or(u64::MAX);
        runs("late").min(runs("guided")) < runs("random")
    });
    if ["random", "late", "guided"].iter().all(|one| strategies.iter().any(|other| other == one)) {
        told.push(format!(
            "late or guided takes fewer runs than random for {} of {} bugs",
            sooner.count(),
            bugs().count()
        ));
    }
    told
}

/// A row for each bug: what its finding came down to.
pub fn shrunk(small: &[Small]) -> Table {
    let heading = ["bug", "found in", "breaks", "deviations", "records in why", "runs", "time"];
    let rows = small.iter().map(|one| {
        let deviations = match one.unfinished {
            true => format!("{} (more to try)", one.deviations.len()),
            false => one.deviations.len().to_string(),
        };
        vec![
            one.bug.id.to_owned(),
            format!("{} {}", one.scenario, one.seed),
            one.broken.clone(),
            deviations,
            one.records.to_string(),
            one.runs.to_string(),
            seconds(one.millis),
        ]
    });
    Table { heading: heading.map(ToOwned::to_owned).to_vec(), rows: rows.collect() }
}

/// The medians of the table, in words.
pub fn medians(small: &[Small]) -> String {
    let median = |mut list: Vec<u64>| {
        list.sort_unstable();
        list.get(list.len() / 2).copied().unwrap_or(0)
    };
    let deviations = median(small.iter().map(|one| one.deviations.len() as u64).collect());
    let records = median(small.iter().map(|one| one.records as u64).collect());
    let longest = small.iter().map(|one| one.millis).max().unwrap_or(0);
    format!(
        "median: {deviations} deviations, {records} records in why; the longest took {}",
        seconds(longest)
    )
}
