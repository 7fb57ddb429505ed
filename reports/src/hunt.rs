//! What a hunt has found.

use std::{fmt::Write as _, time::Duration};

use scenarios::hunt::Hunted;

use crate::style::{BAD, FAINT, GOOD, ODD, STRONG, styled};

/// How far it has come, in one line.
pub fn progress(hunted: &Hunted, passed: Duration) -> String {
    let seconds = passed.as_secs().max(1);
    format!(
        "{}s: {} seeds ({}/s, {}x real time), {} broken, {} findings",
        passed.as_secs(),
        hunted.ran,
        hunted.ran / seconds,
        faster(hunted, passed),
        hunted.broken,
        hunted.findings.len()
    )
}

/// What was found, most frequent first; `capsules` are in the same order.
pub fn text(
    hunted: &Hunted,
    policy: &str,
    strategy: &str,
    capsules: &[Option<String>],
    passed: Duration,
) -> String {
    let mut text = String::new();
    let line = |text: &mut String, line: String| writeln!(text, "{line}").expect("a string takes it");
    for (finding, capsule) in hunted.by_frequency().into_iter().zip(capsules) {
        let (scenario, seed) = &finding.first;
        line(&mut text, styled(BAD, finding.signature.name()));
        for shape in &finding.signature.shape {
            line(&mut text, format!("  {shape}"));
        }
        let runs = if finding.runs == 1 { "1 run".to_owned() } else { format!("{} runs", finding.runs) };
        line(
            &mut text,
            format!("  in {runs}, first in seed {seed} of {scenario}; smallest: {} records", finding.records),
        );
        match capsule {
            Some(capsule) => line(&mut text, format!("  {} {capsule}", styled(FAINT, "capsule:"))),
            None => match scenarios::strategy::replayed(strategy) {
                Some(how) => {
                    let replay = crate::replay_line(scenario, policy, &seed.to_string()) + &how;
                    line(&mut text, format!("  {} {replay}", styled(FAINT, "replay:")));
                }
                None => line(&mut text, "  --out saves a capsule of it".to_owned()),
            },
        }
    }
    for (scenario, seed, message) in &hunted.failures {
        line(
            &mut text,
            format!("{} in seed {seed} of {scenario}: {message}", styled(ODD, "the testbed failed")),
        );
    }
    if hunted.not_kept > 0 {
        line(&mut text, format!("and {} breaks of more kinds than are kept", hunted.not_kept));
    }
    let what = match hunted.findings.len() {
        0 => styled(GOOD, "nothing found"),
        1 => styled(BAD, "1 finding"),
        many => styled(BAD, format!("{many} findings")),
    };
    let (policy, strategy) = (styled(STRONG, policy), styled(STRONG, strategy));
    line(
        &mut text,
        format!(
            "{what} under {policy}, strategy {strategy}: {} of {} seeds broken{}",
            hunted.broken,
            hunted.ran,
            match hunted.inconclusive {
                0 => String::new(),
                count => format!(", {count} inconclusive"),
            }
        ),
    );
    line(
        &mut text,
        format!(
            "  {}",
            styled(
                FAINT,
                format!(
                    "{}s, {} seeds per second, {} times real time",
                    passed.as_secs(),
                    hunted.ran / passed.as_secs().max(1),
                    faster(hunted, passed)
                )
            )
        ),
    );
    text
}

fn faster(hunted: &Hunted, passed: Duration) -> u64 {
    hunted.simulated.nanos() / 1_000_000 / u64::try_from(passed.as_millis()).unwrap_or(u64::MAX).max(1)
}
