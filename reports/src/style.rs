//! The styles of text.

use anstyle::{AnsiColor, Style};

/// Everything held.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// Something broke.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// Neither: nothing has been shown, or the testbed failed.
pub(crate) const ODD: Style = AnsiColor::Yellow.on_default().bold();
/// What matters.
pub(crate) const STRONG: Style = Style::new().bold();
/// What may be skipped.
pub(crate) const FAINT: Style = Style::new().dimmed();

/// A word in a style.
pub(crate) fn styled(style: Style, word: impl std::fmt::Display) -> String {
    format!("{style}{word}{style:#}")
}
