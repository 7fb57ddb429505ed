//! Ctrl-C and SIGTERM: the first one lets runs under way come to their end, the second one ends the program.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use crate::{exit::Exit, output::complain};

/// A flag that is set when the program is asked to stop.
pub(crate) fn watch() -> Arc<AtomicBool> {
    let asked = Arc::new(AtomicBool::new(false));
    let flag = asked.clone();
    let handler = move || {
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(Exit::Interrupted.code().into());
        }
        complain("stopping after the runs under way; once more to stop at once");
    };
    if let Err(error) = ctrlc::set_handler(handler) {
        tracing::warn!("signals cannot be handled: {error}");
    }
    asked
}
