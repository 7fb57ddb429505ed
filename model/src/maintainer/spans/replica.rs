//! A span that is to be replicated, and where a dispatcher for it starts.

use crate::{
    NodeId, Policy, SchemaId, Span, Ts,
    dispatchers::{BlockState, ComponentState, EventKey, Stage},
    maintainer::spans::{GroupId, Placement},
};

/// A span that is to be replicated, and the dispatcher of the same id that does it.
#[derive(Clone, Debug)]
pub(in crate::maintainer) struct Replica {
    pub(in crate::maintainer) span: Span,
    pub(in crate::maintainer) placement: Placement,
    pub(in crate::maintainer) node: Option<NodeId>,
    pub(in crate::maintainer) state: ComponentState,
    pub(in crate::maintainer) checkpoint: Ts,
    /// How often its dispatcher has told how much is written to it.
    pub(in crate::maintainer) reports: u32,
    /// The database of its table; the trigger is in none.
    pub(in crate::maintainer) schema: SchemaId,
    /// The last block event that its dispatcher told of, and how far that was. It stays when the event is over.
    pub(in crate::maintainer) block: Option<(EventKey, Stage)>,
}

impl Replica {
    pub(super) fn new(span: Span, node: Option<NodeId>, state: ComponentState, checkpoint: Ts) -> Replica {
        let (placement, schema) = (Placement::Nowhere, SchemaId(0));
        Replica { span, placement, node, state, checkpoint, reports: 0, schema, block: None }
    }

    pub(super) fn group(&self) -> GroupId {
        GroupId::of(self.span)
    }

    pub(super) fn remember_block(&mut self, state: &BlockState) {
        self.block = Some((state.event, state.stage));
    }

    /// From where a new dispatcher replicates, and whether the rows of the commit right behind that are downstream.
    ///
    /// One that waits at a syncpoint has everything up to it downstream; one that waits at a DDL has to get it again, but
    /// not the rows of its commit (pingcap/ticdc#3663). Never below what is known to be downstream: then the event is over.
    pub(super) fn start(&self, committed: Ts, policy: &Policy) -> (Ts, bool) {
        let (mut start, mut skip_dml) = (self.checkpoint, false);
        if let Some((event, Stage::Waiting | Stage::Writing)) = self.block {
            let (at, skips) = match event.syncpoint {
                true => (event.ts, false),
                false => policy.maintainer.start_at_ddl.start(event.ts),
            };
            (start, skip_dml) = (start.max(at), skips && start <= at);
        }
        match policy.maintainer.start_clamp.start(start, committed) {
            clamped if clamped == start => (start, skip_dml),
            clamped => (clamped, false),
        }
    }
}
