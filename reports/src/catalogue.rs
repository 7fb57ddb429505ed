//! The catalogue: every scenario with its story, what it claims and why, and where it comes from.

use std::fmt::Write as _;

use scenarios::{Claim, MUTANTS, Scenario, Topic};

use crate::{
    links::{anchor, linked},
    style::{FAINT, STRONG, styled},
    summary::{claimed, first_sentence},
    table::Table,
};

const HEADING: &str = "\
# The catalogue

The scenarios that come with `cdcsim`: what happens in each of them, how many seeds show it, and what it claims of which version of the
protocol. *Breaks* means in some of these seeds, *may break* that either is right; whatever is not named holds in all of them.
Witnesses are notes without which nothing would have been shown. A claim about a [mutant](mutants.md) says which scenario gives the
mistake away, and F-numbers are [findings](findings.md). How such files are written is told in [scenarios.md](scenarios.md), what all
versions come to under the same weather in [matrix.md](matrix.md).

This page is what `cdcsim catalogue --format markdown` prints; `UPDATE_DOCS=1 cargo test -p reports --test it catalogue` writes it.
";

/// Scenarios of one kind, under a heading.
struct Group<'a> {
    title: &'static str,
    scenarios: Vec<&'a Scenario>,
}

/// First those in which seeds draw what goes wrong, then stories by their topic.
fn groups(scenarios: &[Scenario]) -> Vec<Group<'_>> {
    let group = |title, is_one: &dyn Fn(&Scenario) -> bool| Group {
        title,
        scenarios: scenarios.iter().filter(|scenario| is_one(scenario)).collect(),
    };
    let drawn = group("General scenarios: a seed draws what goes wrong", &Scenario::has_chaos);
    let by_topic = Topic::ALL.into_iter().map(|topic| {
        group(topic.title(), &|scenario| !scenario.has_chaos() && scenario.topic() == Some(topic))
    });
    let others = group("Other stories", &|scenario| !scenario.has_chaos() && scenario.topic().is_none());
    let all = std::iter::once(drawn).chain(by_topic).chain([others]);
    all.filter(|group| !group.scenarios.is_empty()).collect()
}

/// For people.
pub fn text(scenarios: &[Scenario]) -> String {
    let mut parts = Vec::new();
    for group in groups(scenarios) {
        parts.push(styled(STRONG, group.title));
        parts.extend(group.scenarios.into_iter().map(told));
    }
    parts.join("\n\n")
}

fn told(scenario: &Scenario) -> String {
    let mut text = format!("  {}", styled(STRONG, scenario.name()));
    let mut line = |indent: usize, words: &str| {
        write!(text, "\n{:indent$}{words}", "").expect("a string takes it");
    };
    line(4, &styled(FAINT, scale(scenario)));
    for words in scenario.story().lines() {
        line(if words.is_empty() { 0 } else { 4 }, words);
    }
    for issue in scenario.issues() {
        line(4, &styled(FAINT, issue.url()));
    }
    for (claim, reason) in scenario.claims().iter().zip(scenario.reasons()) {
        let witnesses = match claim.witnesses.as_slice() {
            [] => String::new(),
            notes => format!("; witnesses: {}", notes.join(", ")),
        };
        line(4, &format!("{}: {}{witnesses}", claim.policy, claimed(claim, str::to_owned)));
        for words in [mistake(claim).map(ToOwned::to_owned), Some(reason)].into_iter().flatten() {
            if !words.is_empty() {
                line(6, &styled(FAINT, words));
            }
        }
    }
    text
}

/// For documents: a page.
pub fn markdown(scenarios: &[Scenario]) -> String {
    let groups = groups(scenarios);
    let mut text = format!("{HEADING}\n## Contents\n");
    let mut part = |words: &str| writeln!(text, "{words}").expect("a string takes it");
    for group in &groups {
        part(&format!("\n[{}](#{})\n", group.title, anchor(group.title)));
        for scenario in &group.scenarios {
            let name = scenario.name();
            part(&format!("- [{name}](#{name}): {}", first_sentence(scenario)));
        }
    }
    for group in &groups {
        part(&format!("\n## {}", group.title));
        for scenario in &group.scenarios {
            part(&format!("\n{}", section(scenario)));
        }
    }
    text.trim_end().to_owned()
}

fn section(scenario: &Scenario) -> String {
    let mut parts = vec![format!("### {}", scenario.name()), linked(scenario.story()), scale(scenario) + "."];
    if !scenario.issues().is_empty() {
        let issues = scenario.issues().iter().map(|issue| format!("[{issue}]({})", issue.url()));
        parts.push(format!("Upstream: {}.", issues.collect::<Vec<_>>().join(", ")));
    }
    let claims = scenario.claims();
    if !claims.is_empty() {
        let heading = ["policy", "claim", "witnesses", "why"].map(ToOwned::to_owned).to_vec();
        let quoted = |name: &str| format!("`{name}`");
        let rows = claims.iter().zip(scenario.reasons()).map(|(claim, reason)| {
            let witnesses: Vec<String> = claim.witnesses.iter().map(|note| quoted(note)).collect();
            let why: Vec<String> = [mistake(claim).map(linked), Some(linked(&reason))]
                .into_iter()
                .flatten()
                .filter(|words| !words.is_empty())
                .collect();
            let claimed = claimed(claim, quoted);
            vec![quoted(claim.policy.name()), claimed, witnesses.join(", "), why.join(". ")]
        });
        parts.push(Table { heading, rows: rows.collect() }.markdown());
    }
    parts.join("\n\n")
}

/// How large it is, and how many seeds show what is claimed.
fn scale(scenario: &Scenario) -> String {
    let seeds = match scenario.seeds() {
        1 => "1 seed".to_owned(),
        seeds => format!("{seeds} seeds"),
    };
    match scenario.has_chaos() {
        true => format!("{seeds}; each draws a cluster and what goes wrong in it"),
        false => format!("{seeds}; {}", scenario.size()),
    }
}

/// What is wrong in the mutant that a claim is about.
pub(crate) fn mistake(claim: &Claim) -> Option<&'static str> {
    MUTANTS.iter().find(|mutant| mutant.id == claim.policy.name()).map(|mutant| mutant.about)
}
