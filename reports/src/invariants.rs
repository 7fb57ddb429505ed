//! What invariants promise, what they are for, and where they fire.

use std::fmt::Write as _;

use scenarios::{fires::Fires, invariants::Named};

use crate::{
    style::{FAINT, STRONG, styled},
    table::Table,
};

/// What stands in the place of issues, if none is known.
const NO_ISSUE: &str = "what no issue tells";

/// A few lines for each.
pub fn text(invariants: &[&Named]) -> String {
    let mut text = String::new();
    for (n, one) in invariants.iter().enumerate() {
        if n > 0 {
            text.push('\n');
        }
        writeln!(text, "{}  {}", styled(STRONG, one.name), one.promise).expect("a string takes it");
        let bugs = if one.bugs.is_empty() { NO_ISSUE.to_owned() } else { one.bugs.join(", ") };
        writeln!(text, "  {} {bugs}", styled(FAINT, "for")).expect("a string takes it");
        for (aspect, meaning) in one.aspects {
            let aspect = if aspect.is_empty() { String::new() } else { format!("{aspect}: ") };
            writeln!(text, "  - {aspect}{meaning}").expect("a string takes it");
        }
    }
    text.trim_end().to_owned()
}

/// A chapter for each, for documents.
pub fn markdown(invariants: &[&Named]) -> String {
    let mut text = String::new();
    for one in invariants {
        writeln!(text, "### `{}`\n\n{}.\n", one.name, capital(one.promise)).expect("a string takes it");
        let bugs: Vec<String> = one.bugs.iter().map(|bug| link(bug)).collect();
        let bugs = if bugs.is_empty() { NO_ISSUE.to_owned() } else { bugs.join(", ") };
        writeln!(text, "For {bugs}.\n").expect("a string takes it");
        for (aspect, meaning) in one.aspects {
            let aspect = if aspect.is_empty() { String::new() } else { format!("*{aspect}*: ") };
            writeln!(text, "- {aspect}{meaning}").expect("a string takes it");
        }
        text.push('\n');
    }
    text.trim_end().to_owned()
}

/// A row for each thing that is reported separately: where it fires, and in how many seeds.
pub fn fires(fires: &[Fires]) -> Table {
    let heading = ["invariant", "aspect", "scenario", "policy", "fires in"].map(ToOwned::to_owned).to_vec();
    let rows = fires.iter().map(|one| {
        let (scenario, policy, count) = match &one.at {
            Some((scenario, policy, runs, ran)) => {
                (scenario.clone(), policy.clone(), format!("{runs} of {ran}"))
            }
            None => ("none".to_owned(), String::new(), "0".to_owned()),
        };
        vec![one.invariant.to_owned(), one.aspect.to_owned(), scenario, policy, count]
    });
    Table { heading, rows: rows.collect() }
}

fn capital(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

/// An issue or a pull request of pingcap/ticdc; its site knows which of both it is.
fn link(bug: &str) -> String {
    format!("[{bug}](https://github.com/pingcap/ticdc/issues/{})", bug.trim_start_matches('#'))
}
