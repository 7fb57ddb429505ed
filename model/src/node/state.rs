//! The state of a server, as lines.

use std::fmt::{self, Write};

use crate::{node::Server, state::flags};

impl Server {
    /// A line for each of its loops that is there.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn describe(&self, f: &mut impl Write) -> fmt::Result {
        match &self.session {
            None => writeln!(f, "no session")?,
            Some(session) => writeln!(f, "session {}{}", session.lease, flags(&[(session.done, "done")]))?,
        }
        if let Some(at) = self.watchdog.word() {
            writeln!(f, "watchdog {at}")?;
        }
        if let Some(leader) = self.node_manager.leader() {
            writeln!(f, "leader {leader}")?;
        }
        writeln!(f, "election {}", self.election.word())?;
        let end = self.shutdown.words();
        if !end.is_empty() {
            writeln!(f, "ends{end}")?;
        }
        Ok(())
    }
}
