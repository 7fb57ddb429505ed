//! Where the runs of two policies part.

use std::fmt::Write as _;

use scenarios::{diff::Diff, trace::Line};

use crate::{
    style::{FAINT, STRONG, styled},
    summary, trace,
};

/// The last record that is the same, what follows under each policy, and what both come to.
pub fn text(diff: &Diff, scenario: &str, policies: [&str; 2]) -> String {
    let mut text = String::new();
    let mut line = |line: String| writeln!(text, "{line}").expect("a string takes it");
    if let (Some(last), true) = (&diff.last, diff.part()) {
        line(styled(FAINT, format!("the last of {} records that are the same:", diff.same)));
        line(trace::line(last));
    }
    for (policy, next) in policies.into_iter().zip(&diff.next) {
        if !diff.part() {
            break;
        }
        line(format!("{} goes on with", styled(STRONG, policy)));
        if next.is_empty() {
            line("  nothing: the run has ended".to_owned());
        }
        next.iter().for_each(|one: &Line| line(trace::line(one)));
    }
    if !diff.part() {
        line(format!("the runs do not part: all {} records are the same", diff.same));
    }
    for (policy, outcome) in policies.into_iter().zip(&diff.outcomes) {
        line(summary::outcome(scenario, policy, outcome));
    }
    text.trim_end().to_owned()
}
