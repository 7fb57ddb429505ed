//! A gate's failures as annotations of GitHub Actions: one for each finding, since a step shows ten.

use super::Report;

/// So many annotations of a step are shown.
const SHOWN: usize = 10;

/// Workflow commands, a line each.
pub fn annotations(report: &Report) -> Vec<String> {
    let mut all: Vec<(String, String)> = Vec::new();
    // A rule that is broken breaks in many scenarios: what breaks the same is one annotation.
    let mut by_why: Vec<(String, Vec<String>)> = Vec::new();
    for case in report.failures() {
        let why = case.why.clone().unwrap_or_default();
        let kind = kind_of(&why);
        let what = format!("{} · {}: {why}", case.suite, case.name);
        match by_why.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, several)) => several.push(what),
            None => by_why.push((kind, vec![what])),
        }
    }
    for (kind, several) in by_why {
        let more = several.len() - 1;
        let title = if more > 0 { format!("{kind} ({} times)", more + 1) } else { kind };
        all.push((title, several.join("\n")));
    }
    for found in report.unknown() {
        let mut lines = vec![format!("in {} runs", found.runs)];
        lines.extend(found.shape.iter().cloned());
        lines.extend(found.deviations.iter().cloned());
        lines.push(found.replay.clone());
        all.push((format!("new finding: {}", found.breaks), lines.join("\n")));
    }
    for (scenario, failed) in report.failed_runs() {
        all.push((
            format!("the testbed failed in {scenario}"),
            format!("{}\n{}", failed.message, failed.replay),
        ));
    }
    if all.len() > SHOWN {
        let rest: Vec<String> = all.drain(SHOWN - 1..).map(|(title, _)| title).collect();
        all.push((format!("and {} more", rest.len()), rest.join("\n")));
    }
    all.iter().map(|(title, text)| format!("::error title={}::{}", property(title), data(text))).collect()
}

/// What kind of failure it is: its words up to the first number or colon.
fn kind_of(why: &str) -> String {
    let end = why.find(|letter: char| letter.is_ascii_digit() || letter == ':').unwrap_or(why.len());
    why[..end].trim().to_owned()
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
