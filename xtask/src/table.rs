//! The table of what became of planted faults.

use std::{fs, path::Path};

use crate::plant::Fate;

/// Between these two lines of the document stands the table.
const MARKS: [&str; 2] = ["<!-- printed by `cargo xtask plant` -->", "<!-- to here -->"];

/// At most so many tests of those that see a fault are named.
const NAMED: usize = 2;

/// Whether somebody has seen a fault who can say what is wrong.
pub(crate) fn is_seen(fate: &Fate) -> bool {
    fate.seen.as_ref().is_some_and(|(judge, _)| judge.knows_why())
}

/// A row for each fault, and how many are seen.
pub(crate) fn markdown(fates: &[Fate]) -> String {
    let mut table =
        String::from("| fault | what is wrong | file | seen by | of them |\n|---|---|---|---|---|\n");
    for Fate { plant, seen } in fates {
        let (judge, tests) = match seen {
            Some((judge, tests)) => (judge.name, named(tests)),
            None => ("nobody", String::new()),
        };
        let file = plant.file.trim_start_matches("model/src/");
        table += &format!("| `{}` | {} | `{file}` | {judge} | {tests} |\n", plant.name, plant.says);
    }
    let seen = fates.iter().filter(|fate| is_seen(fate)).count();
    table + &format!("\n{seen} of {} are seen by tests that say what is wrong.\n", fates.len())
}

fn named(tests: &[String]) -> String {
    let mut names: Vec<String> = tests.iter().take(NAMED).map(|test| format!("`{test}`")).collect();
    if tests.len() > NAMED {
        names.push(format!("{} more", tests.len() - NAMED));
    }
    names.join(", ")
}

/// Puts the table into the document, between its marks.
pub(crate) fn write(document: &Path, table: &str) -> Result<(), String> {
    let name = document.display();
    let text = fs::read_to_string(document).map_err(|error| format!("{name}: {error}"))?;
    let parts =
        text.split_once(MARKS[0]).and_then(|(before, rest)| Some((before, rest.split_once(MARKS[1])?.1)));
    let Some((before, after)) = parts else {
        return Err(format!("{name}: there is no line `{}`, or none `{}` behind it", MARKS[0], MARKS[1]));
    };
    let text = format!("{before}{}\n\n{table}\n{}{after}", MARKS[0], MARKS[1]);
    fs::write(document, text).map_err(|error| format!("{name}: {error}"))
}
