//! How far a long sweep has come, for somebody who watches: on stderr, and only if that is a terminal.

use std::io::{self, IsTerminal as _, Write};

/// So many seeds take about a second.
const STEP: u64 = 500;

/// A line that is written over again and again.
pub(crate) struct Progress<W> {
    to: Option<W>,
    seeds: u64,
    done: u64,
}

impl Progress<anstream::Stderr> {
    /// Nothing is done yet of so many seeds.
    pub(crate) fn new(seeds: u64) -> Self {
        Progress { to: io::stderr().is_terminal().then(anstream::stderr), seeds, done: 0 }
    }
}

impl<W: Write> Progress<W> {
    /// One more seed is done.
    pub(crate) fn advance(&mut self) {
        self.done += 1;
        if self.done.is_multiple_of(STEP) {
            self.show(&format!("\r  {} of {} seeds", self.done, self.seeds));
        }
    }

    /// Makes room for something that is to stay.
    pub(crate) fn clear(&mut self) {
        if self.done >= STEP {
            self.show("\r\u{1b}[K");
        }
    }

    fn show(&mut self, text: &str) {
        if let Some(to) = &mut self.to {
            // It is a courtesy: nothing is lost if it cannot be written.
            let _ = to.write_all(text.as_bytes()).and_then(|()| to.flush());
        }
    }
}

/// What a search is at: a line that is written over, for somebody who watches.
pub(crate) struct Status {
    to: Option<anstream::Stderr>,
    shown: bool,
}

impl Status {
    pub(crate) fn new() -> Status {
        Status { to: io::stderr().is_terminal().then(anstream::stderr), shown: false }
    }

    /// Shows this in the place of what was shown before.
    pub(crate) fn show(&mut self, text: &str) {
        let line: String = text.chars().take(100).collect();
        self.write(&format!("\r\u{1b}[K  {line}"));
        self.shown = true;
    }

    /// Makes room for results.
    pub(crate) fn clear(&mut self) {
        if self.shown {
            self.write("\r\u{1b}[K");
        }
    }

    fn write(&mut self, text: &str) {
        if let Some(to) = &mut self.to {
            // It is a courtesy: nothing is lost if it cannot be written.
            let _ = to.write_all(text.as_bytes()).and_then(|()| to.flush());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_written_over_and_leaves_nothing_behind() {
        let mut progress = Progress { to: Some(Vec::new()), seeds: 1100, done: 0 };
        progress.clear();
        (0..1100).for_each(|_| progress.advance());
        progress.clear();
        let written = String::from_utf8(progress.to.unwrap_or_default()).expect("text");
        assert_eq!(written, "\r  500 of 1100 seeds\r  1000 of 1100 seeds\r\u{1b}[K");
    }
}
