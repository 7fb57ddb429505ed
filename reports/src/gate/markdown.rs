//! A gate's result for a page: `$GITHUB_STEP_SUMMARY`.

use super::{Report, Status};
use crate::table::Table;

/// What was checked; then what failed; then what is known.
pub fn markdown(report: &Report) -> String {
    let verdict = match report.exit {
        0 => "passed",
        130 => "interrupted",
        3 => "the testbed failed",
        4 => "nothing was checked",
        _ => "not passed",
    };
    let part = report.shard.as_ref().map(|shard| format!(", shard {}/{}", shard.index, shard.total));
    let mut text = format!("## cdcsim gate: {verdict} (`{}`{})\n\n", report.policy, part.unwrap_or_default());
    let rows = report.rows().into_iter().map(|(what, how)| vec![what.to_owned(), how]);
    text += &table(&["checked", "result"], rows.collect());
    let failures = report.failures().map(|case| {
        let why = match case.status {
            Status::Errored => format!("testbed: {}", case.why.as_deref().unwrap_or_default()),
            _ => case.why.clone().unwrap_or_default(),
        };
        vec![
            format!("{} · {}", case.suite, case.name),
            why,
            story(&case.deviations),
            code(case.replay.as_deref().unwrap_or_default()),
            case.capsule.as_deref().map(code).unwrap_or_default(),
        ]
    });
    let unknown = report.unknown().map(|found| {
        vec![
            format!("new: {}", found.breaks),
            format!("in {} runs; {}", found.runs, found.shape.join("; ")),
            story(&found.deviations),
            code(&found.replay),
            found.capsule.as_deref().map(code).unwrap_or_default(),
        ]
    });
    let testbed = report.failed_runs().map(|(scenario, failed)| {
        let what = format!("testbed: {}", failed.message);
        vec![
            format!("{scenario} · seed {}", failed.seed),
            what,
            String::new(),
            code(&failed.replay),
            String::new(),
        ]
    });
    let failures: Vec<Vec<String>> = failures.chain(unknown).chain(testbed).collect();
    if !failures.is_empty() {
        text += "\n### What failed\n\n";
        text += &table(&["what", "why", "story", "replay", "capsule"], failures);
    }
    let known = report.known.iter().filter(|known| known.runs > 0);
    let known: Vec<Vec<String>> =
        known.map(|known| vec![known.id.clone(), known.runs.to_string(), known.reason.clone()]).collect();
    if !known.is_empty() {
        text += "\n### Known findings that occurred\n\n";
        text += &table(&["finding", "runs", "why"], known);
    }
    text
}

fn table(heading: &[&str], rows: Vec<Vec<String>>) -> String {
    let heading = heading.iter().map(|one| (*one).to_owned()).collect();
    Table { heading, rows }.markdown() + "\n"
}

fn story(deviations: &[String]) -> String {
    deviations.join("; ")
}

fn code(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("`{text}`") }
}
