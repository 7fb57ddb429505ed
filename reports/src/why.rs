//! The causal story of a violation as text.

use scenarios::{
    Violation,
    story::story,
    trace::{Line, LineKind},
};

use crate::style::{BAD, FAINT, STRONG, styled};

/// The story as text, the blamed steps marked.
pub fn text(lines: &[Line], violation: &Violation) -> String {
    let story = story(lines, violation);
    let mut text = format!("{}\n", styled(BAD, violation));
    for line in story {
        let blamed = violation.because.iter().any(|step| step.0 == line.id());
        let mark = if blamed { styled(BAD, ">") } else { " ".to_owned() };
        let shown = match line.kind() {
            _ if blamed => styled(STRONG, line.text()),
            LineKind::Fault => styled(STRONG, line.text()),
            LineKind::Alarm if !line.has_notes() => styled(FAINT, line.text()),
            LineKind::Alarm | LineKind::Step | LineKind::Lost => line.text(),
        };
        text += &format!("{mark} {}\n", shown.replace('\n', "\n  "));
    }
    text
}
