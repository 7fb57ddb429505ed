//! The state of the maintainer manager and its maintainers, as lines.

use std::{
    collections::BTreeMap,
    fmt::{self, Write},
};

use crate::{
    NodeId,
    dispatchers::Watermark,
    maintainer::{
        Maintainer, Maintainers,
        barrier::Barrier,
        operators::Operators,
        spans::{Placement, Spans},
    },
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
        describe_spans(&self.spans, (&self.operators, &self.barrier), &self.watermarks, f)?;
        if let Some(twin) = &self.twin {
            writeln!(f, "  redo committed {}", twin.spans.committed())?;
            describe_spans(&twin.spans, (&twin.operators, &twin.barrier), &twin.watermarks, f)?;
        }
        let closed = list(self.removal.closed());
        if !closed.is_empty() {
            writeln!(f, "  closed {closed}")?;
        }
        Ok(())
    }
}

/// The spans of one mode, with where each is, its operators and how far the nodes are.
fn describe_spans(
    spans: &Spans,
    (operators, barrier): (&Operators, &Barrier),
    watermarks: &BTreeMap<NodeId, Watermark>,
    f: &mut impl Write,
) -> fmt::Result {
    for (id, replica) in spans.iter() {
        let (span, state, checkpoint) = (replica.span, replica.state, replica.checkpoint);
        let node = replica.node.map_or(String::new(), |node| format!(" at {node}"));
        writeln!(f, "  {id} {span} {} {state} {checkpoint}{node}", replica.placement.name())?;
    }
    for (id, replica) in spans.ghosts() {
        let (span, checkpoint) = (replica.span, replica.checkpoint);
        let node = replica.node.map_or(String::new(), |node| format!(" at {node}"));
        writeln!(f, "  {id} {span} ghost {} {checkpoint}{node}", replica.placement.name())?;
    }
    operators.describe(f)?;
    barrier.describe(f)?;
    for (node, watermark) in watermarks {
        let (checkpoint, resolved, seq) = (watermark.checkpoint, watermark.resolved, watermark.seq);
        writeln!(f, "  watermark {node} {checkpoint} {resolved} seq={seq}")?;
    }
    Ok(())
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
