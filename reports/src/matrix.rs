//! Policies against scenarios: which breaks what, in how many seeds.

use scenarios::{
    matrix::{Checked, Found, Matrix},
    sweep::{Broke, Tally, Verdict},
};

use crate::{summary, table::Table};

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

/// A row for each claim: what breaks in how many runs, and whether that is as claimed.
pub fn claims(checked: &[Checked]) -> Table {
    let heading = ["scenario", "policy", "breaks", "claim"].map(ToOwned::to_owned).to_vec();
    let rows = checked.iter().map(|Checked { scenario, claim, tally, .. }| {
        let mut breaks: Vec<String> = tally.by_aspect.iter().map(broke).collect();
        if tally.failed > 0 {
            breaks.push(format!("the testbed failed in {}", tally.failed));
        }
        let breaks = if breaks.is_empty() { "nothing".to_owned() } else { breaks.join(", ") };
        let breaks = if tally.interrupted { format!("{breaks}, of {} so far", tally.ran) } else { breaks };
        let verdict = match tally.judge(claim) {
            Verdict::Confirmed => "confirmed".to_owned(),
            Verdict::Refuted { by } => {
                let by: Vec<String> = by.iter().map(summary::broke).collect();
                format!("refuted by {}", by.join(" and by "))
            }
            Verdict::Vacuous { missing } => format!("nothing shown for want of {}", missing.join(" and of ")),
        };
        vec![scenario.clone(), claim.policy.name().to_owned(), breaks, verdict]
    });
    Table { heading, rows: rows.collect() }
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
        // As a rule the policy begins with what it is a mistake in.
        let policy = match mutant.policy.starts_with(mutant.beside) {
            true => mutant.policy.to_owned(),
            false => format!("{} beside {}", mutant.policy, mutant.beside),
        };
        vec![mutant.id.to_owned(), policy, mutant.about.to_owned(), by]
    });
    Table { heading, rows: rows.collect() }
}

/// How many mutants are detected, in words.
pub fn detected(found: &[Found]) -> String {
    let detected = found.iter().filter(|found| !found.by.is_empty()).count();
    format!("{detected} of {} mutants are detected", found.len())
}
