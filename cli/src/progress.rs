//! How far it has come, for somebody who watches: on stderr, and only if that is a terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use scenarios::Duration;

use crate::clock::Stopwatch;

/// Drawn so often in a second, whatever happens.
const HERTZ: u8 = 8;

/// Seeds that are run.
pub(crate) struct Progress {
    bar: ProgressBar,
    began: Stopwatch,
    simulated: Duration,
    broken: u64,
}

impl Progress {
    /// Nothing is done yet of so many seeds.
    pub(crate) fn new(seeds: u64) -> Progress {
        let bar = bar(Some(seeds), "  {wide_bar} {pos} of {len} seeds, {per_sec}, {msg}, {eta} to go");
        Progress { bar, began: Stopwatch::start(), simulated: Duration::ZERO, broken: 0 }
    }

    /// One more seed is done: so much was simulated, and something broke or not.
    pub(crate) fn advance(&mut self, simulated: Duration, broken: bool) {
        self.simulated += simulated;
        self.broken += u64::from(broken);
        if !self.bar.is_hidden() {
            let real = u64::try_from(self.began.passed().as_millis()).unwrap_or(u64::MAX).max(1);
            let faster = self.simulated.nanos() / 1_000_000 / real;
            self.bar.set_message(format!("{faster}x real time, {} broken", self.broken));
        }
        self.bar.inc(1);
    }

    /// Prints something that is to stay while the bar is out of the way.
    pub(crate) fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }

    /// Nothing of it stays behind.
    pub(crate) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

/// What a search is at: a line that is written over.
pub(crate) struct Status {
    bar: ProgressBar,
}

impl Status {
    pub(crate) fn new() -> Status {
        Status { bar: bar(None, "  {spinner} {elapsed} {wide_msg}") }
    }

    /// Shows this in the place of what was shown before.
    pub(crate) fn show(&mut self, text: &str) {
        self.bar.set_message(text.to_owned());
        self.bar.tick();
    }

    /// Makes room for results.
    pub(crate) fn clear(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// A bar that is hidden where nobody watches.
fn bar(length: Option<u64>, form: &str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::stderr_with_hz(HERTZ));
    let style = ProgressStyle::with_template(form).expect("the template is well-formed");
    bar.with_style(style.progress_chars("=> "))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In tests stderr is no terminal, and nothing may come of it.
    #[test]
    fn where_nobody_watches_it_is_hidden() {
        let mut progress = Progress::new(1100);
        (0..1100).for_each(|_| progress.advance(Duration::from_secs(2), false));
        assert_eq!(progress.aside(|| 7), 7);
        assert_eq!((progress.bar.position(), progress.simulated), (1100, Duration::from_secs(2200)));
        progress.clear();
        let mut status = Status::new();
        status.show("something");
        status.clear();
    }
}
