//! A gate's result for people.

use std::fmt::Write as _;

use super::{Case, Found, Report, Status};
use crate::style::{BAD, FAINT, GOOD, ODD, STRONG, styled};

/// How far it has come, in one line.
pub fn progress(done: u64, all: u64) -> String {
    format!("{done} of {all} checked")
}

/// What failed, with the line that runs it again and the story; then what is known; then the verdict. `folder`: where the
/// capsules are.
pub fn text(report: &Report, folder: Option<&str>) -> String {
    let mut text = String::new();
    for case in report.failures() {
        failure(&mut text, case, folder);
    }
    for found in report.unknown() {
        unknown(&mut text, found, folder);
    }
    for (scenario, failed) in report.failed_runs() {
        line(&mut text, format!("{} {scenario}: {}", styled(ODD, "testbed failed"), failed.message));
        line(&mut text, format!("  {} {}", styled(FAINT, "replay:"), failed.replay));
    }
    known(&mut text, report);
    summary(&mut text, report);
    text
}

fn line(text: &mut String, line: impl std::fmt::Display) {
    writeln!(text, "{line}").expect("a string takes it");
}

fn failure(text: &mut String, case: &Case, folder: Option<&str>) {
    let what = match case.status {
        Status::Errored => styled(ODD, "testbed failed"),
        _ => styled(BAD, "failed"),
    };
    line(text, format!("{what} {} · {}", styled(STRONG, &case.suite), case.name));
    for part in case.why.iter().flat_map(|why| why.lines()) {
        line(text, format!("  {part}"));
    }
    shown(text, &case.deviations, case.replay.as_deref(), case.capsule.as_deref(), folder);
}

fn unknown(text: &mut String, found: &Found, folder: Option<&str>) {
    line(text, format!("{} {}", styled(BAD, "new finding"), styled(STRONG, &found.breaks)));
    for shape in &found.shape {
        line(text, format!("  {shape}"));
    }
    let runs = if found.runs == 1 { "1 run".to_owned() } else { format!("{} runs", found.runs) };
    let (first, records) = (&found.first, found.records);
    line(
        text,
        format!(
            "  in {runs}, first in seed {} of {}; smallest: {records} records",
            first.seed, first.scenario
        ),
    );
    shown(text, &found.deviations, Some(&found.replay), found.capsule.as_deref(), folder);
}

/// The run that shows something.
fn shown(
    text: &mut String,
    deviations: &[String],
    replay: Option<&str>,
    capsule: Option<&str>,
    folder: Option<&str>,
) {
    if !deviations.is_empty() {
        line(text, "  the smallest run that breaks it differs from nominal weather in this:");
        deviations.iter().for_each(|one| line(text, format!("    {one}")));
    }
    if let Some(replay) = replay {
        line(text, format!("  {} {replay}", styled(FAINT, "replay:")));
    }
    if let (Some(capsule), Some(folder)) = (capsule, folder) {
        line(text, format!("  {} {folder}/{capsule}", styled(FAINT, "capsule:")));
    }
}

fn known(text: &mut String, report: &Report) {
    let (seen, unseen): (Vec<_>, Vec<_>) = report.known.iter().partition(|known| known.runs > 0);
    for known in seen {
        line(
            text,
            format!("{} {} in {} runs: {}", styled(FAINT, "known"), known.id, known.runs, known.reason),
        );
    }
    if report.ran_fresh() > 0 && !unseen.is_empty() {
        let ids: Vec<&str> = unseen.iter().map(|known| known.id.as_str()).collect();
        let what = format!("known, and not in these {} fresh seeds", report.ran_fresh());
        line(text, format!("{} {}", styled(FAINT, format!("{what}:")), ids.join(", ")));
    }
}

fn summary(text: &mut String, report: &Report) {
    let part = report.shard.as_ref().map(|shard| format!(", shard {}/{}", shard.index, shard.total));
    let verdict = match report.exit {
        0 => styled(GOOD, "the gate is passed"),
        130 => styled(ODD, "the gate was interrupted"),
        3 => styled(ODD, "the testbed failed"),
        4 => styled(ODD, "nothing was checked"),
        _ => styled(BAD, "the gate is not passed"),
    };
    line(text, format!("{verdict} by {}{}", styled(STRONG, &report.policy), part.unwrap_or_default()));
    for row in report.rows() {
        line(text, format!("  {}: {}", row.0, row.1));
    }
}

impl Report {
    /// How many fresh seeds were run.
    pub(super) fn ran_fresh(&self) -> u64 {
        self.fresh.iter().map(|fresh| fresh.ran).sum()
    }

    /// What was checked, and how it came out.
    pub(super) fn rows(&self) -> Vec<(&'static str, String)> {
        let suite = |is: fn(&str) -> bool| {
            let cases = || self.cases.iter().filter(move |case| is(&case.suite));
            let count = |status| cases().filter(move |case| case.status == status).count();
            let mut parts = vec![format!("{} of {} passed", count(Status::Passed), cases().count())];
            for (status, what) in
                [(Status::Failed, "failed"), (Status::Errored, "errored"), (Status::NotRun, "not run")]
            {
                if count(status) > 0 {
                    parts.push(format!("{} {what}", count(status)));
                }
            }
            parts.join(", ")
        };
        let broken: u64 = self.fresh.iter().map(|fresh| fresh.broken).sum();
        let inconclusive: u64 = self.fresh.iter().map(|fresh| fresh.inconclusive).sum();
        let (new, known) = (self.unknown().count(), self.findings.len() - self.unknown().count());
        let asked = self.fresh_seeds;
        let cut_short = if self.cut_short { " (time was up)" } else { "" };
        let fresh = format!(
            "{} seeds from {}{cut_short}, {asked} of each general scenario: {broken} broken, {inconclusive} inconclusive, {new} new findings, {known} known",
            self.ran_fresh(),
            self.base_seed
        );
        vec![
            ("claims", suite(|suite| suite != "capsules" && suite != "mutants")),
            ("capsules", suite(|suite| suite == "capsules")),
            ("mutants", suite(|suite| suite == "mutants")),
            ("fresh", fresh),
        ]
    }
}
