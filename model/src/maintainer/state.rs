//! The state of the maintainer manager and its maintainers, as lines.

use std::fmt::{self, Write};

use crate::{
    maintainer::{Maintainer, Maintainers, spans::Placement},
    state::{flags, list},
};

impl Maintainers {
    /// A line for whatever is there: the coordinator that is obeyed, and each maintainer with its spans, operators and
    /// watermarks.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn describe(&self, f: &mut impl Write) -> fmt::Result {
        if let Some((coordinator, version)) = self.manager.obeyed() {
            writeln!(f, "obeys {coordinator} version={version}")?;
        }
        for (id, maintainer) in &self.maintainers {
            let registered = self.manager.registered(maintainer.cf) == Some(*id);
            maintainer.describe(registered, f)?;
        }
        Ok(())
    }
}

impl Maintainer {
    fn describe(&self, registered: bool, f: &mut impl Write) -> fmt::Result {
        let stage = if self.initialized { "working" } else { "bootstrapping" };
        let flags =
            flags(&[(!registered, "unregistered"), (self.post_bootstrap_pending, "post-bootstrap-pending")]);
        let (epoch, committed, removal) = (self.epoch, self.spans.committed(), self.removal.words());
        writeln!(f, "maintainer {} {epoch} {stage} committed {committed}{flags}{removal}", self.cf)?;
        let silent = list(self.silent());
        if !silent.is_empty() {
            writeln!(f, "  silent {silent}")?;
        }
        for (id, replica) in self.spans.iter() {
            let (span, state, checkpoint) = (replica.span, replica.state, replica.checkpoint);
            let node = replica.node.map_or(String::new(), |node| format!(" at {node}"));
            writeln!(f, "  {id} {span} {} {state} {checkpoint}{node}", replica.placement.name())?;
        }
        for (id, replica) in self.spans.ghosts() {
            let (span, checkpoint) = (replica.span, replica.checkpoint);
            let node = replica.node.map_or(String::new(), |node| format!(" at {node}"));
            writeln!(f, "  {id} {span} ghost {} {checkpoint}{node}", replica.placement.name())?;
        }
        self.operators.describe(f)?;
        self.barrier.describe(f)?;
        for (node, watermark) in &self.watermarks {
            let (checkpoint, resolved, seq) = (watermark.checkpoint, watermark.resolved, watermark.seq);
            writeln!(f, "  watermark {node} {checkpoint} {resolved} seq={seq}")?;
        }
        let closed = list(self.removal.closed());
        if !closed.is_empty() {
            writeln!(f, "  closed {closed}")?;
        }
        Ok(())
    }
}

impl Placement {
    fn name(self) -> &'static str {
        match self {
            Placement::Absent => "absent",
            Placement::Scheduling => "scheduling",
            Placement::Replicating => "replicating",
            Placement::Nowhere => "trigger",
        }
    }
}
