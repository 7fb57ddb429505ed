//! A panic in a run is a result: it is reported with its seed, not as a crash of the program.

use std::panic;

/// From now on a panic is told in one line of diagnostics instead of a stack trace.
pub(crate) fn record() {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!("panic at {place}: {}", scenarios::sweep::message(info.payload()));
    }));
}
