//! How the program ends.

use std::{io, process::ExitCode};

use scenarios::Error;

use crate::output::complain;

/// What the exit code says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything held.
    Held,
    /// Nothing ran, or a witness is missing.
    Vacuous,
    /// An invariant broke.
    Broken,
    /// Bad input or usage.
    Usage,
    /// The testbed failed.
    Failed,
    /// Stopped from outside.
    Interrupted,
    /// Nobody reads the output.
    PipeClosed,
}

/// Why the program cannot go on.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Bad input.
    Input(Error),
    /// The output cannot be written.
    Output(io::Error),
}

impl Exit {
    pub(crate) fn code(self) -> u8 {
        match self {
            Exit::Held => 0,
            Exit::Broken => 1,
            Exit::Usage => 2,
            Exit::Failed => 3,
            Exit::Vacuous => 4,
            Exit::Interrupted => 130,
            Exit::PipeClosed => 141,
        }
    }

    /// The graver one of two.
    pub(crate) fn or(self, other: Exit) -> Exit {
        let gravity = |exit| match exit {
            Exit::Held => 0,
            Exit::Vacuous => 1,
            Exit::Broken => 2,
            Exit::Failed => 3,
            Exit::Usage => 4,
            Exit::Interrupted => 5,
            Exit::PipeClosed => 6,
        };
        if gravity(other) > gravity(self) { other } else { self }
    }
}

impl Stop {
    /// Tells on stderr what is wrong; a closed pipe is not worth a word.
    pub(crate) fn report(&self) -> Exit {
        match self {
            Stop::Input(error) => {
                complain(format_args!("error: {error}"));
                Exit::Usage
            }
            Stop::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::PipeClosed,
            Stop::Output(error) => {
                complain(format_args!("error: the output cannot be written: {error}"));
                Exit::Usage
            }
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Stop {
        Stop::Input(error)
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Stop {
        Stop::Output(error)
    }
}
