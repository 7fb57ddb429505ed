//! The span controller: which spans there are to be, and where each is replicated.
//!
//! An operator holds on to its span while others take it out. So a span that is no longer desired is kept, and can be
//! marked: then it is a ghost, which schedulers see and nobody can have an operator for.

mod groups;
mod replica;
mod tracker;

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Cx, DispatcherId, NodeId, SchemaId, Span, TableId, Ts,
    dispatchers::{BlockState, ComponentState, DispatcherStatus},
    lives::Touched,
};
use groups::Group;
pub(super) use groups::{GroupId, Placement};
use replica::Replica;
use tracker::Tracker;

/// All spans of a changefeed.
#[derive(Clone, Debug)]
pub(super) struct Spans {
    /// What is desired.
    tasks: BTreeMap<DispatcherId, Replica>,
    /// What is not desired any more, and perhaps in the hands of an operator.
    gone: BTreeMap<DispatcherId, Replica>,
    tables: BTreeMap<TableId, BTreeSet<DispatcherId>>,
    groups: BTreeMap<GroupId, Group>,
    /// Those that are absent or being given to a node, without the table trigger.
    waiting: Tracker,
    trigger: DispatcherId,
    /// Everything up to here is known to be downstream; it never decreases.
    committed: Ts,
    /// What the real process would not survive, if that has happened.
    fatal: Option<&'static str>,
    /// Which spans have come, gone, or changed their places: for whoever watches.
    touched: Touched<TableId>,
}

impl Spans {
    pub(super) fn new(trigger: DispatcherId, node: NodeId, checkpoint: Ts) -> Spans {
        let replica = Replica::new(Span::TRIGGER, Some(node), ComponentState::Working, checkpoint);
        Spans {
            tasks: [(trigger, replica)].into(),
            gone: BTreeMap::new(),
            tables: [(TableId::TRIGGER, [trigger].into())].into(),
            groups: [(GroupId::Default, Group::default())].into(),
            waiting: Tracker::default(),
            trigger,
            committed: checkpoint,
            fatal: None,
            touched: Touched::default(),
        }
    }

    pub(super) fn trigger(&self) -> DispatcherId {
        self.trigger
    }

    /// Whether the trigger works, as far as is known.
    pub(super) fn is_trigger_working(&self) -> bool {
        self.held(self.trigger).is_some_and(|replica| replica.state == ComponentState::Working)
    }

    pub(super) fn committed(&self) -> Ts {
        self.committed
    }

    pub(super) fn commit(&mut self, checkpoint: Ts) {
        self.committed = self.committed.max(checkpoint);
    }

    /// What the real process would not have survived since this was asked last.
    pub(super) fn take_fatal(&mut self) -> Option<&'static str> {
        self.fatal.take()
    }

    /// The real process does not survive this.
    pub(super) fn die(&mut self, why: &'static str) {
        self.fatal.get_or_insert(why);
    }

    pub(super) fn touched(&self) -> &Touched<TableId> {
        &self.touched
    }

    fn touch(&mut self, id: DispatcherId) {
        let table = self.held(id).map_or(TableId::TRIGGER, |replica| replica.span.table);
        self.touched.push(table);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (DispatcherId, &Replica)> {
        self.tasks.iter().map(|(id, replica)| (*id, replica))
    }

    /// The spans that are not desired any more, and are in a group all the same.
    pub(super) fn ghosts(&self) -> impl Iterator<Item = (DispatcherId, &Replica)> {
        let gone = self.gone.iter().map(|(id, replica)| (*id, replica));
        gone.filter(|(_, replica)| replica.placement != Placement::Nowhere)
    }

    /// The span of an id, if it is desired.
    pub(super) fn get(&self, id: DispatcherId) -> Option<&Replica> {
        self.tasks.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: DispatcherId) -> Option<&mut Replica> {
        self.tasks.get_mut(&id)
    }

    /// The span of an id, desired or not: what an operator sees.
    pub(super) fn held(&self, id: DispatcherId) -> Option<&Replica> {
        self.tasks.get(&id).or_else(|| self.gone.get(&id))
    }

    fn held_mut(&mut self, id: DispatcherId) -> Option<&mut Replica> {
        self.tasks.get_mut(&id).or_else(|| self.gone.get_mut(&id))
    }

    /// Nobody holds on to a span any more, if it is not desired.
    pub(super) fn let_go(&mut self, id: DispatcherId) {
        if id != self.trigger && self.gone.get(&id).is_some_and(|one| one.placement == Placement::Nowhere) {
            self.gone.remove(&id);
        }
    }

    pub(super) fn has_table(&self, table: TableId) -> bool {
        self.tables.contains_key(&table)
    }

    /// The desired spans of a table, wherever they are.
    pub(super) fn of_table(&self, table: TableId) -> impl Iterator<Item = Span> {
        let ids = self.tables.get(&table).into_iter().flatten();
        ids.filter_map(|id| self.get(*id)).map(|replica| replica.span)
    }

    /// Every desired span, that of the table trigger included.
    pub(super) fn ids(&self) -> impl Iterator<Item = DispatcherId> {
        self.tasks.keys().copied()
    }

    pub(super) fn ids_of_table(&self, table: TableId) -> impl Iterator<Item = DispatcherId> {
        self.tables.get(&table).into_iter().flatten().copied()
    }

    pub(super) fn ids_in_schema(&self, schema: SchemaId) -> impl Iterator<Item = DispatcherId> {
        self.tasks.iter().filter(move |(_, replica)| replica.schema == schema).map(|(id, _)| *id)
    }

    /// A table is in another database from now on.
    pub(super) fn move_table(&mut self, table: TableId, schema: SchemaId) {
        for replica in self.tasks.values_mut().filter(|replica| replica.span.table == table) {
            replica.schema = schema;
        }
    }

    /// The tables that are split.
    pub(super) fn split_groups(&self) -> impl Iterator<Item = GroupId> {
        self.groups.keys().filter(|id| **id != GroupId::Default).copied()
    }

    pub(super) fn has_group(&self, id: GroupId) -> bool {
        self.groups.contains_key(&id)
    }

    /// A group that the real process takes for granted.
    pub(super) fn must_see_group(&mut self, id: GroupId) -> Option<&Group> {
        self.must_group(id).map(|group| &*group)
    }

    fn must_group(&mut self, id: GroupId) -> Option<&mut Group> {
        if !self.groups.contains_key(&id) {
            self.die("group not found");
        }
        self.groups.get_mut(&id)
    }

    /// Where the spans of tables are that somebody replicates, ghosts included.
    pub(super) fn replicating(&self) -> impl Iterator<Item = DispatcherId> {
        self.groups.values().flat_map(|group| group.replicating()).copied()
    }

    pub(super) fn absent(&self) -> impl Iterator<Item = DispatcherId> {
        self.groups.values().flat_map(|group| group.absent()).copied()
    }

    pub(super) fn absent_count(&self) -> usize {
        self.groups.values().map(|group| group.absent().len()).sum()
    }

    /// The spans of tables that are bound to a node.
    pub(super) fn on_node(&self, node: NodeId) -> impl Iterator<Item = DispatcherId> {
        self.groups.values().flat_map(move |group| group.on_node(node))
    }

    /// How many spans of tables are bound to a node.
    pub(super) fn count_on(&self, node: NodeId) -> usize {
        self.groups.values().map(|group| group.count_on(node)).sum()
    }

    /// The lowest checkpoint of the spans that nobody replicates yet.
    pub(super) fn lowest_not_replicating(&self) -> Option<Ts> {
        self.waiting.lowest()
    }

    fn admit(&mut self, id: DispatcherId, replica: Replica) {
        if replica.checkpoint == Ts::NONE {
            self.die("add replica with invalid checkpoint ts");
        }
        self.touched.push(replica.span.table);
        self.gone.remove(&id);
        self.tables.entry(replica.span.table).or_default().insert(id);
        self.tasks.insert(id, replica);
    }

    pub(super) fn add_absent(&mut self, id: DispatcherId, span: Span, schema: SchemaId, checkpoint: Ts) {
        let replica = Replica::new(span, None, ComponentState::Working, checkpoint);
        self.admit(id, Replica { schema, ..replica });
        self.groups.entry(GroupId::of(span)).or_default();
        self.place(id, Placement::Absent);
        self.waiting.track(id, checkpoint);
    }

    /// Adds a span that a node reports, unless it is known already.
    pub(super) fn add_replicating(
        &mut self,
        id: DispatcherId,
        span: Span,
        schema: SchemaId,
        node: NodeId,
        state: ComponentState,
        checkpoint: Ts,
    ) {
        if self.tasks.contains_key(&id) {
            return;
        }
        let replica = Replica::new(span, Some(node), state, checkpoint);
        self.admit(id, Replica { schema, ..replica });
        self.groups.entry(GroupId::of(span)).or_default();
        self.rebind(id, None, Some(node));
        self.place(id, Placement::Replicating);
    }

    /// Adds a span that a node is being given. Its group has to be there.
    pub(super) fn add_scheduling(
        &mut self,
        id: DispatcherId,
        span: Span,
        schema: SchemaId,
        node: Option<NodeId>,
        (state, checkpoint): (ComponentState, Ts),
    ) {
        let replica = Replica::new(span, None, state, checkpoint);
        self.admit(id, Replica { schema, ..replica });
        self.rebind(id, None, node);
        self.mark_scheduling(id);
    }

    /// Takes a span from a node, whoever that is.
    pub(super) fn mark_absent(&mut self, id: DispatcherId) {
        let node = self.held(id).and_then(|replica| replica.node);
        self.place(id, Placement::Absent);
        self.rebind(id, node, None);
        self.track(id);
    }

    /// Gives a span to a node; `from` is where its caller believes it to be.
    pub(super) fn bind(&mut self, id: DispatcherId, from: Option<NodeId>, to: NodeId) {
        self.rebind(id, from, Some(to));
        self.place(id, Placement::Scheduling);
        self.track(id);
    }

    /// The span keeps its node.
    pub(super) fn mark_scheduling(&mut self, id: DispatcherId) {
        self.place(id, Placement::Scheduling);
        self.track(id);
    }

    /// The span keeps its node.
    pub(super) fn mark_replicating(&mut self, id: DispatcherId) {
        self.place(id, Placement::Replicating);
        self.waiting.untrack(id);
    }

    fn place(&mut self, id: DispatcherId, placement: Placement) {
        self.touch(id);
        let Some(replica) = self.held_mut(id) else { return };
        let group = replica.group();
        if self.must_group(group).map(|group| group.place(id, placement)).is_some()
            && let Some(replica) = self.held_mut(id)
        {
            replica.placement = placement;
        }
    }

    fn rebind(&mut self, id: DispatcherId, from: Option<NodeId>, to: Option<NodeId>) {
        self.touch(id);
        let Some(replica) = self.held_mut(id) else { return };
        replica.node = to;
        let group = replica.group();
        if let Some(group) = self.must_group(group) {
            group.rebind(id, from, to);
        }
    }

    fn track(&mut self, id: DispatcherId) {
        if id != self.trigger
            && let Some(checkpoint) = self.held(id).map(|replica| replica.checkpoint)
        {
            self.waiting.track(id, checkpoint);
        }
    }

    /// A span is no longer desired.
    pub(super) fn remove(&mut self, id: DispatcherId) {
        let Some((group, node)) = self.held(id).map(|replica| (replica.group(), replica.node)) else {
            return;
        };
        self.touch(id);
        self.place(id, Placement::Nowhere);
        self.waiting.untrack(id);
        if let Some(of) = self.groups.get_mut(&group) {
            of.rebind(id, node, None);
            if of.is_empty() && group != GroupId::Default {
                self.groups.remove(&group);
            }
        }
        if let Some(replica) = self.tasks.remove(&id) {
            if let Some(ids) = self.tables.get_mut(&replica.span.table) {
                ids.remove(&id);
                if ids.is_empty() {
                    self.tables.remove(&replica.span.table);
                }
            }
            self.gone.insert(id, replica);
        }
    }

    /// Puts parts in the place of a span, from the lower of the two checkpoints on: given to these nodes, if there is one
    /// for each, absent otherwise. The real process does not survive if the span is not desired any more.
    pub(super) fn replace(
        &mut self,
        id: DispatcherId,
        parts: &[(DispatcherId, Span)],
        checkpoint: Ts,
        nodes: &[NodeId],
    ) -> bool {
        let Some((schema, checkpoint)) = self.get(id).map(|old| (old.schema, old.checkpoint.min(checkpoint)))
        else {
            self.die("old replica set not found");
            return false;
        };
        self.remove(id);
        let aligned = !nodes.is_empty() && nodes.len() == parts.len();
        for (n, (part, span)) in parts.iter().enumerate() {
            match nodes.get(n).filter(|_| aligned) {
                Some(node) => {
                    let known = (ComponentState::Working, checkpoint);
                    self.add_scheduling(*part, *span, schema, Some(*node), known)
                }
                None => self.add_absent(*part, *span, schema, checkpoint),
            }
        }
        aligned
    }

    /// Stores a status, unless its checkpoint is lower than the one known.
    pub(super) fn update(&mut self, status: &DispatcherStatus) {
        if self.store(status) {
            self.waiting.update(status.id, status.checkpoint);
        }
    }

    /// Stores a status as an operator does: what holds the checkpoint back does not hear of it.
    pub(super) fn store(&mut self, status: &DispatcherStatus) -> bool {
        let Some(replica) = self.held_mut(status.id) else { return false };
        let stored = status.checkpoint >= replica.checkpoint;
        if stored {
            let changed = std::mem::replace(&mut replica.state, status.state) != status.state;
            replica.checkpoint = status.checkpoint;
            if changed {
                self.touch(status.id);
            }
        }
        stored
    }

    /// A dispatcher has told how much is written to it.
    pub(super) fn count_report(&mut self, id: DispatcherId) {
        if let Some(replica) = self.tasks.get_mut(&id)
            && replica.state == ComponentState::Working
        {
            replica.reports = replica.reports.saturating_add(1);
        }
    }

    /// How often in a row a split table was found to have too many spans.
    pub(super) fn set_looks(&mut self, id: GroupId, looks: u32) {
        if let Some(group) = self.groups.get_mut(&id) {
            group.looks = looks;
        }
    }

    pub(super) fn remember_block(&mut self, id: DispatcherId, state: &BlockState) {
        if let Some(replica) = self.tasks.get_mut(&id) {
            replica.remember_block(state);
        }
    }

    /// Where a new dispatcher for this span starts, and whether it skips the rows of the next commit.
    pub(super) fn start(&self, id: DispatcherId, cx: &Cx) -> Option<(Ts, bool)> {
        self.held(id).map(|replica| replica.start(self.committed, cx.policy()))
    }

    pub(super) fn replicas(&self) -> impl Iterator<Item = (DispatcherId, Span, Option<NodeId>)> {
        let tables = self.tasks.iter().filter(|(_, replica)| replica.span.table != TableId::TRIGGER);
        tables.map(|(id, replica)| {
            let node = replica.node.filter(|_| replica.placement == Placement::Replicating);
            (*id, replica.span, node)
        })
    }
}
