//! What a maintainer knows of its spans and operators, for whoever watches it. Nobody who takes part in the protocol asks this.

use std::collections::BTreeSet;

use crate::{
    DispatcherId, Misery, Mode, NodeId, Span, TableId, Ts,
    maintainer::{
        Maintainer,
        operators::Operators,
        schedulers::Schedulers,
        spans::{Placement, Spans},
    },
};

/// A span in the hands of a maintainer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Desired {
    /// The dispatcher that replicates it, or is to.
    pub id: DispatcherId,
    /// What is to be replicated.
    pub span: Span,
    /// Whether that is taken care of.
    pub standing: Standing,
    /// Whether an operator has it in hand, if only as a source of a merge, or has been admitted and is to be taken next.
    pub operated: bool,
}

/// How many changes there have been of the spans and operators of a maintainer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Revision {
    spans: u64,
    operators: u64,
}

/// How a span stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// This node replicates it.
    Replicated(NodeId),
    /// This node has replicated it, and has said that its dispatcher is gone.
    Gone(NodeId),
    /// A node replicates it, and nobody knows which.
    Homeless,
    /// It is being given to a node.
    Scheduling,
    /// Nobody replicates it, and the schedulers see that.
    Absent,
    /// No scheduler sees it.
    Nowhere,
    /// It is not to be replicated, and is in a set of the schedulers all the same.
    Ghost,
}

impl Maintainer {
    /// How many changes there have been of what is told here about the spans of a mode; none if there is no such mode.
    pub fn revision(&self, mode: Mode) -> Option<Revision> {
        let (spans, operators, _) = self.parts(mode)?;
        Some(Revision { spans: spans.touched().count(), operators: operators.touched().count() })
    }

    /// The tables whose spans have changed since then; none if too many have.
    pub fn touched(&self, mode: Mode, since: Revision) -> Option<BTreeSet<TableId>> {
        let (spans, operators, _) = self.parts(mode)?;
        let mut tables: BTreeSet<TableId> = spans.touched().since(since.spans)?.collect();
        let ids = operators.touched().since(since.operators)?;
        tables.extend(ids.filter_map(|id| spans.held(id)).map(|replica| replica.span.table));
        Some(tables)
    }

    /// The nodes that it counts on, and whether it is in the middle of finding out which have left.
    pub fn counted(&self) -> (bool, impl Iterator<Item = NodeId>) {
        (self.is_node_set_locked(), self.bootstrapper.nodes())
    }

    /// Everything up to here is known to be downstream, or in the redo log.
    pub fn committed_of(&self, mode: Mode) -> Option<Ts> {
        Some(self.parts(mode)?.0.committed())
    }

    /// The spans that there are to be of these tables, and what is left of others; without a choice, of all tables.
    pub fn desired(&self, mode: Mode, only: Option<&BTreeSet<TableId>>) -> impl Iterator<Item = Desired> {
        self.parts(mode).into_iter().flat_map(move |(spans, operators, schedulers)| {
            let operated = move |id| {
                let by_user = mode == Mode::Default && self.api.has_admitted(id);
                operators.has(id) || schedulers.have_admitted(id) || by_user
            };
            let ids: Vec<DispatcherId> = match only {
                Some(tables) => tables.iter().flat_map(|table| spans.ids_of_table(*table)).collect(),
                None => spans.ids().collect(),
            };
            let known = ids.into_iter().filter_map(|id| Some((id, spans.get(id)?)));
            let desired = known.map(move |(id, replica)| {
                let standing = match (replica.placement, replica.node) {
                    (Placement::Nowhere, _) => Standing::Nowhere,
                    (Placement::Absent, _) => Standing::Absent,
                    (Placement::Scheduling, _) => Standing::Scheduling,
                    (Placement::Replicating, Some(node)) if replica.state.is_terminal() => {
                        Standing::Gone(node)
                    }
                    (Placement::Replicating, Some(node)) => Standing::Replicated(node),
                    (Placement::Replicating, None) => Standing::Homeless,
                };
                // Who occupies it may have gone before the merge does, if no node has it.
                let merged = || standing == Standing::Scheduling && operators.merges(id);
                Desired { id, span: replica.span, standing, operated: operated(id) || merged() }
            });
            let left = spans
                .ghosts()
                .filter(move |(_, replica)| only.is_none_or(|tables| tables.contains(&replica.span.table)));
            let ghosts = left.map(move |(id, replica)| {
                let (span, standing) = (replica.span, Standing::Ghost);
                Desired { id, span, standing, operated: operated(id) }
            });
            desired.chain(ghosts).filter(|one| one.span.table != TableId::TRIGGER)
        })
    }

    /// Whether it counts on a node: not while it is in the middle of finding out which nodes have left.
    pub fn counts_on(&self, node: NodeId) -> bool {
        self.is_node_set_locked() || self.bootstrapper.nodes().any(|one| one == node)
    }

    /// What is wrong with the lives of operators.
    pub fn miseries(&self) -> impl Iterator<Item = (DispatcherId, Misery)> {
        let twin = self.twin.iter().flat_map(|twin| twin.operators.miseries());
        self.operators.miseries().chain(twin)
    }

    fn parts(&self, mode: Mode) -> Option<(&Spans, &Operators, &Schedulers)> {
        match &self.twin {
            _ if mode == self.mode => Some((&self.spans, &self.operators, &self.schedulers)),
            Some(twin) => Some((&twin.spans, &twin.operators, &twin.schedulers)),
            None => None,
        }
    }
}
