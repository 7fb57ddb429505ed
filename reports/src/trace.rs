//! Every record of a run, one after the other.

use scenarios::trace::{Line, LineKind};

use crate::style::{BAD, FAINT, STRONG, styled};

/// A record as it is printed in a trace.
pub fn line(line: &Line) -> String {
    match line.kind() {
        LineKind::Fault => styled(STRONG, line.text()),
        LineKind::Lost => styled(BAD, line.text()),
        LineKind::Alarm if !line.has_notes() => styled(FAINT, line.text()),
        LineKind::Step | LineKind::Alarm => line.text(),
    }
}
