//! The only clock that looks at real time: when a hunt is to stop, and how fast it was. No result depends on it.
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "how long to go on is a matter of real time"
)]

use std::time::{Duration, Instant};

/// How much time has passed since it was made.
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    pub(crate) fn start() -> Stopwatch {
        Stopwatch(Instant::now())
    }

    pub(crate) fn passed(&self) -> Duration {
        self.0.elapsed()
    }
}
