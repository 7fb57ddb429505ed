//! Results on stdout: styled where that is wanted, and no panic when nobody reads them.

use std::io::{self, BufWriter, Write as _};

use crate::exit::Stop;

/// Says on stderr what is wrong. When stderr is gone too, the exit code still says it.
pub(crate) fn complain(what: impl std::fmt::Display) {
    let _ = writeln!(anstream::stderr(), "{what}");
}

/// Where results go.
pub(crate) struct Output {
    stream: BufWriter<anstream::AutoStream<io::Stdout>>,
}

impl Output {
    pub(crate) fn new() -> Output {
        Output { stream: BufWriter::new(anstream::AutoStream::auto(io::stdout())) }
    }

    /// Writes a line, or several, and lets the reader see it.
    pub(crate) fn line(&mut self, text: &str) -> Result<(), Stop> {
        writeln!(self.stream, "{text}")?;
        self.flush()
    }

    /// Writes a line, or several, that more will follow at once.
    pub(crate) fn part(&mut self, text: &str) -> Result<(), Stop> {
        Ok(writeln!(self.stream, "{text}")?)
    }

    pub(crate) fn flush(&mut self) -> Result<(), Stop> {
        Ok(self.stream.flush()?)
    }
}
