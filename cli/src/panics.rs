//! A panic is a result: in a run it is reported with its seed, and anywhere else it still has its exit code.

use std::panic;

use scenarios::sweep;

use crate::{
    exit::{Exit, Stop},
    output::complain,
};

/// From now on a panic is told in one line of diagnostics instead of a stack trace.
pub(crate) fn record() {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!("panic at {place}: {}", sweep::message(info.payload()));
    }));
}

/// The last resort: a panic outside of a run is a bug as well, and its own message has just been recorded.
pub(crate) fn guard(command: impl FnOnce() -> Result<Exit, Stop>) -> Result<Exit, Stop> {
    sweep::caught(command).unwrap_or_else(|_| {
        complain("error: this is a bug of cdcsim; please report it with what was printed above");
        Ok(Exit::Failed)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_has_an_exit_code() {
        assert_eq!(guard(|| panic!("a bug of the command line")).ok(), Some(Exit::Failed));
        assert_eq!(guard(|| Ok(Exit::Vacuous)).ok(), Some(Exit::Vacuous));
    }
}
