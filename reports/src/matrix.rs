//! Policies against scenarios: which breaks what, in how many seeds.

use scenarios::{
    matrix::{Found, Matrix},
    sweep::{Broke, Tally},
};

use crate::table::Table;

/// A row for each policy, a column for each scenario.
pub fn table(matrix: &Matrix) -> Table {
    let heading = std::iter::once("policy".to_owned()).chain(matrix.scenarios.iter().cloned()).collect();
    let rows = matrix.rows.iter().map(|(policy, cells)| {
        let cells = (0..matrix.scenarios.len()).map(|n| cells.get(n).map_or("not run".to_owned(), cell));
        std::iter::once(policy.clone()).chain(cells).collect()
    });
    Table { heading, rows: rows.collect() }
}

fn cell(tally: &Tally) -> String {
    let mut parts: Vec<String> = tally.by_invariant.iter().map(broke).collect();
    if tally.failed > 0 {
        parts.push(format!("the testbed failed in {}", tally.failed));
    }
    if tally.interrupted {
        parts.push(format!("interrupted after {}", tally.ran));
    }
    match parts.is_empty() {
        true => format!("holds in {}", tally.ran),
        false => format!("{} of {}", parts.join(", "), tally.ran),
    }
}

fn broke(broke: &Broke) -> String {
    format!("{broke} in {}", broke.runs)
}

/// A row for each mutant: by what it is detected.
pub fn mutants(found: &[Found]) -> Table {
    let heading = ["mutant", "policy", "mistake", "detected by"].map(ToOwned::to_owned).to_vec();
    let rows = found.iter().map(|Found { mutant, by }| {
        let by = by.iter().map(|detection| {
            let broke: Vec<String> = detection.broke.iter().map(broke).collect();
            format!("{}: {} of {}", detection.scenario, broke.join(", "), detection.ran)
        });
        let by: Vec<String> = by.collect();
        let by = if by.is_empty() { "nothing".to_owned() } else { by.join("; ") };
        vec![mutant.id.to_owned(), mutant.policy.to_owned(), mutant.about.to_owned(), by]
    });
    Table { heading, rows: rows.collect() }
}

/// How many mutants are detected, in words.
pub fn detected(found: &[Found]) -> String {
    let detected = found.iter().filter(|found| !found.by.is_empty()).count();
    format!("{detected} of {} mutants are detected", found.len())
}
