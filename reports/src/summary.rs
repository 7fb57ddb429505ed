//! A few lines on what came of one seed, and of many.

use std::fmt::Write as _;

use scenarios::{
    Claim, Duration, Preset, Scenario, Violation,
    capsule::{Reproduced, hex},
    invariants::Named,
    measures::{Measure, Unit},
    run::Outcome,
    sweep::{Broke, Distribution, Tally, Verdict},
};

use crate::style::{BAD, FAINT, GOOD, ODD, STRONG, styled};

/// The heading of a sweep.
pub fn heading(scenario: &str, policy: &str, seeds: &std::ops::Range<u64>) -> String {
    format!(
        "{} under {}, seeds {}..{}",
        styled(STRONG, scenario),
        styled(STRONG, policy),
        seeds.start,
        seeds.end
    )
}

/// A seed in which something broke, with the line that replays it.
pub fn finding(outcome: &Outcome, replay: &str) -> String {
    let mut text =
        format!("  seed {}  {}  digest {}\n", outcome.seed, styled(BAD, "broken"), hex(outcome.digest));
    for violation in &outcome.violations {
        writeln!(text, "    {violation}").expect("a string takes it");
    }
    text + "    " + &styled(FAINT, "replay:") + " " + replay
}

/// How well a capsule has been reproduced, if it has.
pub fn reproduced(how: &Reproduced) -> String {
    let how = match how {
        Reproduced::Exact => "reproduced exactly: the same records".to_owned(),
        Reproduced::Rebased { broken, applied, decisions } => {
            let same = broken.as_ref().map_or("everything holds", |_| "the same breaks");
            let decided = match decisions - applied {
                0 => format!("{applied} of {decisions} decisions replayed"),
                1 => format!("{applied} of {decisions} decisions replayed, 1 address gone"),
                gone => format!("{applied} of {decisions} decisions replayed, {gone} addresses gone"),
            };
            format!("rebased: other records, and {same}; {decided}")
        }
        Reproduced::Otherwise { .. } | Reproduced::Not { .. } => "not reproduced".to_owned(),
    };
    format!("  {how}")
}

/// Where such a seed has been saved.
pub fn saved(capsule: &str) -> String {
    format!("    {} {capsule}", styled(FAINT, "capsule:"))
}

/// A seed in which the testbed failed.
pub fn failure(seed: &str, message: &str, replay: &str) -> String {
    let what = styled(ODD, "the testbed failed");
    format!("  seed {seed}  {what}: {message}\n    {} {replay}", styled(FAINT, "replay:"))
}

/// What came of many seeds.
pub fn tally(tally: &Tally, asked: u64) -> String {
    let mut text = String::new();
    let seeds = if asked == 1 { "seed" } else { "seeds" };
    let how_many = if tally.ran + tally.failed == asked {
        format!("{asked} {seeds}")
    } else {
        format!("{} of {asked} {seeds}", tally.ran + tally.failed)
    };
    write!(text, "  {how_many}: ").expect("a string takes it");
    let mut parts = vec![styled(if tally.held > 0 { GOOD } else { FAINT }, format!("{} held", tally.held))];
    if tally.broken > 0 {
        parts.push(styled(BAD, format!("{} broken", tally.broken)));
    }
    if tally.inconclusive > 0 {
        parts.push(styled(ODD, format!("{} inconclusive", tally.inconclusive)));
    }
    if tally.failed > 0 {
        parts.push(styled(ODD, format!("{} failed in the testbed", tally.failed)));
    }
    text += &parts.join(", ");
    for broke in &tally.by_aspect {
        write!(text, "\n    {broke} broke in {}", broke.runs).expect("a string takes it");
    }
    let measured: Vec<String> = tally.measured().map(|(measure, of)| distribution(measure, of)).collect();
    if !measured.is_empty() {
        let heading = styled(FAINT, "median/99%/max:");
        write!(text, "\n  {heading} {}", measured.join(", ")).expect("a string takes it");
    }
    if tally.interrupted {
        write!(text, "\n  {}: the seeds that are missing were not run", styled(ODD, "interrupted"))
            .expect("a string takes it");
    }
    text
}

/// `recovery 10.2s/12s/40s`.
fn distribution(measure: &Measure, of: Distribution) -> String {
    let value = |value: u64| match measure.unit {
        Unit::Milliseconds => Duration::from_millis(value).to_string(),
        Unit::Rows | Unit::Messages => value.to_string(),
    };
    format!("{} {}/{}/{}", measure.short, value(of.median), value(of.p99), value(of.max))
}

/// How a claim came out, with how often its witnesses appeared.
pub fn verdict(claim: &Claim, tally: &Tally) -> String {
    let what = claimed(claim, str::to_owned);
    let result = match tally.judge(claim) {
        // Seeds that were not run may still refute it.
        Verdict::Confirmed if tally.interrupted => styled(ODD, "confirmed so far"),
        Verdict::Confirmed => styled(GOOD, "confirmed"),
        Verdict::Refuted { by } => {
            let by: Vec<String> = by.iter().map(broke).collect();
            format!("{} by {}", styled(BAD, "refuted"), by.join(" and by "))
        }
        Verdict::Vacuous { missing } => {
            format!("{} of {}", styled(ODD, "nothing shown for want"), missing.join(" and of "))
        }
    };
    let witnesses = claim.witnesses.iter().map(|note| format!("{note} in {}", tally.witnessed(note)));
    let witnesses: Vec<String> = witnesses.collect();
    let witnesses =
        if witnesses.is_empty() { String::new() } else { format!("; witnesses: {}", witnesses.join(", ")) };
    format!("  claim: {what}: {result}{witnesses}")
}

/// What is claimed, in words; `named` writes the name of an invariant.
pub(crate) fn claimed(claim: &Claim, named: impl Fn(&str) -> String) -> String {
    let all = |names: &[String]| names.iter().map(|name| named(name)).collect::<Vec<_>>().join(" and ");
    let what = match claim.breaks.as_slice() {
        [] => "holds".to_owned(),
        names => format!("breaks {}", all(names)),
    };
    match claim.may_break.as_slice() {
        [] => what,
        names => format!("{what}, may break {}", all(names)),
    }
}

/// The first sentence of a story.
pub(crate) fn first_sentence(scenario: &Scenario) -> String {
    let story = scenario.story().replace('\n', " ");
    story.split_inclusive(". ").next().unwrap_or_default().trim().to_owned()
}

/// What broke in how many runs, and the first of their seeds.
pub(crate) fn broke(broke: &Broke) -> String {
    let seeds: Vec<String> = broke.first.iter().map(ToString::to_string).collect();
    let more = if broke.runs > seeds.len() as u64 { ", …" } else { "" };
    let seed = if broke.runs == 1 { "seed" } else { "seeds" };
    format!("{broke} in {} ({seed} {}{more})", broke.runs, seeds.join(", "))
}

/// One replayed run.
pub fn outcome(scenario: &str, policy: &str, outcome: &Outcome) -> String {
    let verdict = match (outcome.is_broken(), &outcome.inconclusive) {
        (true, _) => styled(BAD, "broken"),
        (false, None) => styled(GOOD, "held"),
        (false, Some(_)) => styled(ODD, "inconclusive"),
    };
    let mut text = format!(
        "{} under {}, seed {}: {verdict}\n  digest {}, {} records",
        styled(STRONG, scenario),
        styled(STRONG, policy),
        outcome.seed,
        hex(outcome.digest),
        outcome.records
    );
    for violation in &outcome.violations {
        write!(text, "\n  {}", blamed(violation)).expect("a string takes it");
    }
    if let Some(why) = &outcome.inconclusive {
        write!(text, "\n  it could not be won: {why}").expect("a string takes it");
    }
    text
}

fn blamed(violation: &Violation) -> String {
    let because: Vec<String> = violation.because.iter().map(ToString::to_string).collect();
    if because.is_empty() { violation.to_string() } else { format!("{violation} ({})", because.join(", ")) }
}

/// What there is: scenarios, policies, invariants, a line each.
pub fn list(scenarios: &[Scenario], policies: [&[Preset]; 2], invariants: &[Named]) -> String {
    let stories = scenarios.iter().map(|scenario| (scenario.name(), first_sentence(scenario)));
    let preset = |preset: &Preset| (preset.name, format!("{} ({})", preset.about, preset.commit));
    let [policies, designs] = policies.map(|policies| policies.iter().map(preset).collect());
    let promises = invariants.iter().map(|invariant| (invariant.name, invariant.promise.to_owned()));
    let parts = [
        ("Scenarios", stories.collect::<Vec<_>>()),
        ("Policies", policies),
        ("Designs that were not merged", designs),
        ("Invariants", promises.collect()),
    ];
    let width = parts.iter().flat_map(|(_, lines)| lines).map(|(name, _)| name.len()).max().unwrap_or(0);
    let parts = parts.iter().map(|(title, lines)| {
        let lines = lines.iter().map(|(name, what)| format!("\n  {name:<width$}  {what}"));
        styled(STRONG, title) + &lines.collect::<String>()
    });
    let hint = "`cdcsim catalogue` tells the whole stories, and what they claim.";
    parts.chain([styled(FAINT, hint)]).collect::<Vec<_>>().join("\n\n")
}
