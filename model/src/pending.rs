//! What a machine waits for, in its own words: asked when nothing moves, never in a step.

use std::fmt;

use crate::{ChangefeedId, NodeId};

/// One thing that a machine waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// The changefeed that it concerns; none: all of them.
    pub cf: Option<ChangefeedId>,
    /// What: a kind of message, or some words.
    pub awaits: String,
    /// The node that it is to come from, if it is to come from one.
    pub from: Option<NodeId>,
}

impl Pending {
    /// Something that all changefeeds wait for.
    pub(crate) fn new(awaits: impl Into<String>) -> Pending {
        Pending { cf: None, awaits: awaits.into(), from: None }
    }

    /// Something that a changefeed waits for.
    pub(crate) fn of(cf: ChangefeedId, awaits: impl Into<String>) -> Pending {
        Pending { cf: Some(cf), ..Pending::new(awaits) }
    }

    /// The same, from a node.
    pub(crate) fn from(self, node: NodeId) -> Pending {
        Pending { from: Some(node), ..self }
    }
}

impl fmt::Display for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(cf) = self.cf {
            write!(f, "{cf} ")?;
        }
        write!(f, "waits for {}", self.awaits)?;
        self.from.map_or(Ok(()), |node| write!(f, " from {node}"))
    }
}
