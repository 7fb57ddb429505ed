//! Policies against scenarios: which breaks what, in how many seeds.

use scenarios::{
    invariants::Named,
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
    if !parts.is_empty() {
        parts = vec![format!("{} of {}", parts.join(", "), tally.ran)];
    }
    parts.extend(spoilt(tally));
    if parts.is_empty() { format!("holds in {}", tally.ran) } else { parts.join(", ") }
}

fn broke(broke: &Broke) -> String {
    format!("{broke} in {}", broke.runs)
}

/// Why a cell is not what it would be.
fn spoilt(tally: &Tally) -> impl Iterator<Item = String> {
    let failed = (tally.failed > 0).then(|| format!("the testbed failed in {}", tally.failed));
    let interrupted = tally.interrupted.then(|| format!("interrupted after {}", tally.ran));
    let inconclusive = (tally.inconclusive > 0).then(|| format!("inconclusive in {}", tally.inconclusive));
    inconclusive.into_iter().chain(failed).chain(interrupted)
}

/// A row for each scenario, a column for each policy, and in each cell in which share of the seeds something breaks, and what, in letters.
/// Behind it: what the letters stand for, of those that occur.
pub fn shares(matrix: &Matrix, invariants: &[Named]) -> (Table, Vec<(String, &'static str)>) {
    let letters = letters(invariants.iter().map(|invariant| invariant.name));
    let policies = matrix.rows.iter().map(|(policy, _)| policy.clone());
    let heading = ["scenario".to_owned(), "seeds".to_owned()].into_iter().chain(policies).collect();
    let row = |(n, scenario): (usize, &String)| {
        let tallies = || matrix.rows.iter().map(|(_, cells)| cells.get(n));
        let seeds = tallies().flatten().map(|tally| tally.ran + tally.failed).max().unwrap_or(0);
        let cells = tallies().map(|tally| tally.map_or("not run".to_owned(), |tally| share(tally, &letters)));
        [scenario.clone(), seeds.to_string()].into_iter().chain(cells).collect()
    };
    let rows = matrix.scenarios.iter().enumerate().map(row).collect();
    let occurs = |name: &str| {
        let tallies = matrix.rows.iter().flat_map(|(_, cells)| cells);
        tallies.flat_map(|tally| &tally.by_invariant).any(|broke| broke.invariant == name)
    };
    let letters = letters.into_iter().filter(|(_, name)| occurs(name)).collect();
    (Table { heading, rows }, letters)
}

/// In which share of the seeds something breaks, and what, most frequent first.
fn share(tally: &Tally, letters: &[(String, &str)]) -> String {
    let mut broke: Vec<&Broke> = tally.by_invariant.iter().collect();
    broke.sort_by_key(|broke| std::cmp::Reverse(broke.runs));
    let of = |broke: &Broke| {
        let letters = letters.iter().find(|(_, name)| *name == broke.invariant);
        letters.map_or(broke.invariant.to_owned(), |(letters, _)| letters.clone())
    };
    let mut parts: Vec<String> = broke.into_iter().map(of).collect();
    if !parts.is_empty() {
        parts = vec![format!("{} {}", percent(tally.broken, tally.ran), parts.join(" "))];
    }
    parts.extend(spoilt(tally));
    if parts.is_empty() { "holds".to_owned() } else { parts.join(", ") }
}

/// Whole percents; only none is 0%, and only all are 100%.
fn percent(broken: u64, of: u64) -> String {
    match (broken * 100 + of / 2) / of.max(1) {
        0 if broken > 0 => "<1%".to_owned(),
        100 if broken < of => ">99%".to_owned(),
        percent => format!("{percent}%"),
    }
}

/// A short name for each invariant: its initials, and a number if another one has them already.
fn letters(names: impl Iterator<Item = &'static str>) -> Vec<(String, &'static str)> {
    let mut all: Vec<(String, &'static str)> = Vec::new();
    for name in names {
        let initials: String = name.split('_').filter_map(|word| word.chars().next()).collect();
        let initials = initials.to_uppercase();
        let taken = |name: &String| all.iter().any(|(letters, _)| letters == name);
        let numbered = (2..).map(|n| format!("{initials}{n}"));
        let free = std::iter::once(initials.clone()).chain(numbered).find(|name| !taken(name));
        all.push((free.expect("there are enough numbers"), name));
    }
    all
}

/// What a table of shares says, in sentences.
pub fn explained(letters: &[(String, &str)], named: impl Fn(&str) -> String) -> Vec<String> {
    let mut sentences = vec![
        "A cell tells in which share of the seeds something breaks, and what.".to_owned(),
        format!("Where it says {}, nothing does.", named("holds")),
        "All policies of a row meet the same weather.".to_owned(),
    ];
    if !letters.is_empty() {
        let all = letters.iter().map(|(letters, name)| format!("{letters} is {}", named(name)));
        sentences.push(format!("{}.", all.collect::<Vec<_>>().join(", ")));
    }
    sentences
}

/// A row for each claim: what breaks in how many runs, and whether that is as claimed.
pub fn claims(checked: &[Checked]) -> Table {
    let heading = ["scenario", "policy", "breaks", "claim"].map(ToOwned::to_owned).to_vec();
    let rows = checked.iter().map(|Checked { scenario, claim, tally, .. }| {
        let mut breaks: Vec<String> = tally.by_aspect.iter().map(broke).collect();
        if tally.inconclusive > 0 {
            breaks.push(format!("inconclusive in {}", tally.inconclusive));
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use scenarios::{Seed, invariants::ALL};

    fn tally(ran: u64, by: &[(&'static str, u64)]) -> Tally {
        let broke = |&(invariant, runs)| Broke { invariant, aspect: None, runs, first: vec![Seed(0)] };
        let broken = by.iter().map(|(_, runs)| *runs).max().unwrap_or(0);
        let by_invariant = by.iter().map(broke).collect();
        let mut tally = Tally::default();
        (tally.ran, tally.held, tally.broken, tally.by_invariant) = (ran, ran - broken, broken, by_invariant);
        tally
    }

    #[test]
    fn scenarios_as_rows() {
        let (mut interrupted, mut failed) = (tally(3, &[]), tally(198, &[("ddl_once", 1)]));
        (interrupted.interrupted, failed.failed) = (true, 2);
        let rows = vec![
            (
                "baseline".to_owned(),
                vec![tally(200, &[("ddl_once", 3), ("single_writer", 199)]), tally(7, &[])],
            ),
            ("pr-5106".to_owned(), vec![failed, tally(7, &[("single_writer", 7)])]),
            ("master".to_owned(), vec![interrupted]),
        ];
        let matrix = Matrix { scenarios: vec!["one".to_owned(), "another".to_owned()], rows };
        insta::assert_snapshot!(table(&matrix).text(), @"
        policy    one                                            another
        baseline  ddl_once in 3, single_writer in 199 of 200     holds in 7
        pr-5106   ddl_once in 1 of 198, the testbed failed in 2  single_writer in 7 of 7
        master    interrupted after 3                            not run
        ");
        let (table, letters) = shares(&matrix, ALL);
        insta::assert_snapshot!(format!("{}\n\n{}", table.text(), explained(&letters, str::to_owned).join("\n")), @"
        scenario  seeds  baseline    pr-5106                         master
        one       200    >99% SW DO  1% DO, the testbed failed in 2  interrupted after 3
        another   7      holds       100% SW                         not run

        A cell tells in which share of the seeds something breaks, and what.
        Where it says holds, nothing does.
        All policies of a row meet the same weather.
        SW is single_writer, DO is ddl_once.
        ");
    }

    #[test]
    fn letters_are_not_used_twice() {
        let all = letters(["single_writer", "slow_word", "ddl_once", "some_way"].into_iter());
        assert_eq!(
            all.iter().map(|(letters, _)| letters.as_str()).collect::<Vec<_>>(),
            ["SW", "SW2", "DO", "SW3"]
        );
    }
}
