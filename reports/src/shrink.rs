//! What a finding has been shrunk to.

use std::fmt::Write as _;

use scenarios::{run::Outcome, shrink::Shrunk};

use crate::style::{BAD, FAINT, STRONG, styled};

/// So many deviations are a story; more are not.
const TOLD: usize = 40;

/// As many deviations as make a story, and how many there are beside them.
pub(crate) fn told(deviations: &[String]) -> Vec<String> {
    let rest = deviations.len().saturating_sub(TOLD);
    let more = (rest > 0).then(|| format!("and {rest} more, in the capsule"));
    deviations.iter().take(TOLD).cloned().chain(more).collect()
}

/// The deviations from nominal weather in plain words, and what breaks.
pub fn text(shrunk: &Shrunk, outcome: &Outcome, deviations: &[String], saved: &str) -> String {
    let case = &shrunk.case;
    let (name, policy) = (styled(STRONG, case.scenario.name()), styled(STRONG, case.policy.name()));
    let mut text = format!("{name} under {policy}, seed {}, shrunk in {} runs", case.seed, shrunk.runs);
    text += if shrunk.unfinished { " (there is more to try)\n" } else { "\n" };
    let size = case.scenario.size();
    writeln!(text, "  {size}").expect("a string takes it");
    match deviations.len() {
        0 => text += "  nominal weather, and nothing goes wrong:\n",
        1 => text += "  1 deviation from nominal weather:\n",
        many => writeln!(text, "  {many} deviations from nominal weather:").expect("a string takes it"),
    }
    for one in told(deviations) {
        writeln!(text, "    {one}").expect("a string takes it");
    }
    let broken = outcome.violations.iter().find(|violation| {
        (violation.invariant, violation.aspect) == (shrunk.signature.invariant, shrunk.signature.aspect)
    });
    if let Some(violation) = broken {
        writeln!(text, "  {}", styled(BAD, violation)).expect("a string takes it");
    }
    writeln!(text, "  {} {}", styled(FAINT, "signature:"), shrunk.signature).expect("a string takes it");
    writeln!(text, "  {} {saved}", styled(FAINT, "capsule:")).expect("a string takes it");
    text + "  " + &styled(FAINT, "story:") + " cdcsim replay " + &crate::quoted(saved) + " --report why\n"
}
