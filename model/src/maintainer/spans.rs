//! The span controller: which spans there are to be, and where each is replicated.

use std::collections::BTreeMap;

use crate::{
    Cx, DispatcherId, NodeId, Span, TableId, Ts,
    dispatchers::{ComponentState, DispatcherStatus},
};

/// Where a span is on its way to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Placement {
    /// No node has it.
    Absent,
    /// An operator is giving it to a node.
    Scheduling,
    /// A node replicates it.
    Replicating,
    /// It is the table trigger's: always on the maintainer's own node.
    Trigger,
}

/// A span that is to be replicated, and the dispatcher of the same id that does it.
#[derive(Clone, Debug)]
pub(super) struct Replica {
    pub(super) span: Span,
    pub(super) placement: Placement,
    pub(super) node: Option<NodeId>,
    pub(super) state: ComponentState,
    pub(super) checkpoint: Ts,
}

/// All spans of a changefeed.
#[derive(Clone, Debug)]
pub(super) struct Spans {
    all: BTreeMap<DispatcherId, Replica>,
    trigger: DispatcherId,
    /// The replica of the trigger after it has been dropped: an operator still tells it of its dispatcher.
    dropped_trigger: Option<Replica>,
    /// Everything up to here is known to be downstream; it never decreases.
    committed: Ts,
}

impl Spans {
    pub(super) fn new(trigger: DispatcherId, node: NodeId, checkpoint: Ts) -> Spans {
        let replica = Replica {
            span: Span::TRIGGER,
            placement: Placement::Trigger,
            node: Some(node),
            state: ComponentState::Working,
            checkpoint,
        };
        Spans { all: [(trigger, replica)].into(), trigger, dropped_trigger: None, committed: checkpoint }
    }

    pub(super) fn trigger(&self) -> DispatcherId {
        self.trigger
    }

    /// The trigger is no longer desired.
    pub(super) fn drop_trigger(&mut self) {
        if let Some(replica) = self.all.remove(&self.trigger) {
            self.dropped_trigger = Some(replica);
        }
    }

    /// Whether the trigger works, as far as is known.
    pub(super) fn is_trigger_working(&self) -> bool {
        let replica = self.get(self.trigger).or(self.dropped_trigger.as_ref());
        replica.is_some_and(|replica| replica.state == ComponentState::Working)
    }

    /// The spans of a table, wherever they are.
    pub(super) fn of_table(&self, table: TableId) -> impl Iterator<Item = Span> {
        self.all.values().map(|replica| replica.span).filter(move |span| span.table == table)
    }

    pub(super) fn committed(&self) -> Ts {
        self.committed
    }

    pub(super) fn commit(&mut self, checkpoint: Ts) {
        self.committed = self.committed.max(checkpoint);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (DispatcherId, &Replica)> {
        self.all.iter().map(|(id, replica)| (*id, replica))
    }

    pub(super) fn get(&self, id: DispatcherId) -> Option<&Replica> {
        self.all.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: DispatcherId) -> Option<&mut Replica> {
        self.all.get_mut(&id)
    }

    pub(super) fn remove(&mut self, id: DispatcherId) -> Option<Replica> {
        self.all.remove(&id)
    }

    pub(super) fn has_table(&self, table: TableId) -> bool {
        self.all.values().any(|replica| replica.span.table == table)
    }

    pub(super) fn add_absent(&mut self, id: DispatcherId, span: Span, checkpoint: Ts) {
        assert!(checkpoint != Ts::NONE, "a replica starts somewhere");
        let (placement, state) = (Placement::Absent, ComponentState::Working);
        self.all.insert(id, Replica { span, placement, node: None, state, checkpoint });
    }

    /// Adds a span that a node reports, unless it is known already.
    pub(super) fn add_replicating(
        &mut self,
        id: DispatcherId,
        span: Span,
        node: NodeId,
        state: ComponentState,
        checkpoint: Ts,
    ) {
        let placement = Placement::Replicating;
        self.all.entry(id).or_insert(Replica { span, placement, node: Some(node), state, checkpoint });
    }

    pub(super) fn bind(&mut self, id: DispatcherId, node: NodeId) {
        self.place(id, Placement::Scheduling, Some(node));
    }

    pub(super) fn mark_replicating(&mut self, id: DispatcherId) {
        let node = self.get(id).and_then(|replica| replica.node);
        self.place(id, Placement::Replicating, node);
    }

    pub(super) fn mark_absent(&mut self, id: DispatcherId) {
        self.place(id, Placement::Absent, None);
    }

    fn place(&mut self, id: DispatcherId, placement: Placement, node: Option<NodeId>) {
        if let Some(replica) = self.all.get_mut(&id) {
            replica.placement = placement;
            replica.node = node;
        }
    }

    /// Stores a status, unless its checkpoint is lower than the one known.
    pub(super) fn update(&mut self, status: &DispatcherStatus) {
        let dropped = self.dropped_trigger.as_mut().filter(|_| status.id == self.trigger);
        if let Some(replica) = self.all.get_mut(&status.id).or(dropped)
            && status.checkpoint >= replica.checkpoint
        {
            replica.state = status.state;
            replica.checkpoint = status.checkpoint;
        }
    }

    /// Every span, that of the table trigger included, and its table.
    pub(super) fn tables(&self) -> impl Iterator<Item = (DispatcherId, TableId)> {
        self.all.iter().map(|(id, replica)| (*id, replica.span.table))
    }

    pub(super) fn absent(&self) -> impl Iterator<Item = DispatcherId> {
        self.placed(Placement::Absent)
    }

    pub(super) fn replicating(&self) -> impl Iterator<Item = DispatcherId> {
        self.placed(Placement::Replicating)
    }

    fn placed(&self, placement: Placement) -> impl Iterator<Item = DispatcherId> {
        self.all.iter().filter(move |(_, replica)| replica.placement == placement).map(|(id, _)| *id)
    }

    /// The spans of tables that are bound to a node.
    pub(super) fn on_node(&self, node: NodeId) -> impl Iterator<Item = DispatcherId> {
        let bound = self.all.iter().filter(move |(_, replica)| replica.node == Some(node));
        bound.filter(|(_, replica)| replica.placement != Placement::Trigger).map(|(id, _)| *id)
    }

    /// How many spans are being given to a node.
    pub(super) fn scheduling_on(&self, node: NodeId) -> usize {
        let here =
            |replica: &&Replica| replica.placement == Placement::Scheduling && replica.node == Some(node);
        self.all.values().filter(here).count()
    }

    /// Whether anything is bound to a node, the trigger included.
    pub(super) fn uses(&self, node: NodeId) -> bool {
        self.all.values().any(|replica| replica.node == Some(node))
    }

    /// The lowest checkpoint of the spans that nobody replicates yet.
    pub(super) fn lowest_not_replicating(&self) -> Option<Ts> {
        let waiting =
            |replica: &&Replica| matches!(replica.placement, Placement::Absent | Placement::Scheduling);
        self.all.values().filter(waiting).map(|replica| replica.checkpoint).min()
    }

    /// Where a new dispatcher for this span starts: never below what is known to be downstream.
    pub(super) fn start_ts(&self, id: DispatcherId, cx: &Cx) -> Option<Ts> {
        let checkpoint = self.get(id)?.checkpoint;
        Some(cx.policy().maintainer.start_clamp.start(checkpoint, self.committed))
    }

    pub(super) fn replicas(&self) -> impl Iterator<Item = (DispatcherId, Span, Option<NodeId>)> {
        let tables = self.all.iter().filter(|(_, replica)| replica.placement != Placement::Trigger);
        tables.map(|(id, replica)| {
            let node = replica.node.filter(|_| replica.placement == Placement::Replicating);
            (*id, replica.span, node)
        })
    }
}
