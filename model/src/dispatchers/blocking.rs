//! What a dispatcher knows of block events: the one that it stops at, and those that it has reported.

use std::{collections::BTreeMap, fmt};

use crate::{
    SchemaId, Span, TableId, Ts,
    dispatchers::{
        Dispatcher,
        block_messages::{BlockState, EventKey, Stage},
    },
    upstream::ddl::{BlockEvent, Influence},
    vocabulary::Joined,
};

/// The tables of the changefeed, with their databases, as the table trigger keeps them for the sink.
pub(super) type SchemaStore = BTreeMap<TableId, SchemaId>;

#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Blocking {
    /// The event that it stops at, while it waits for an action or carries one out.
    pub(super) pending: Option<(BlockEvent, Stage)>,
    /// Of the table trigger: an event that is not reported before all earlier reports are acknowledged.
    pub(super) held: Option<BlockEvent>,
    /// Of the table trigger: how many of its reports are not acknowledged.
    pub(super) unacknowledged: i32,
    /// Of the table trigger: commits of DDLs that bring tables which the maintainer may not know yet.
    pub(super) bringing: Vec<Ts>,
    /// Of the table trigger: there from its activation on.
    pub(super) tables: Option<SchemaStore>,
}

impl Blocking {
    /// The stage of the event that waits for this action or is meant by this hint.
    pub(super) fn waits_at(&self, ts: Ts) -> bool {
        self.pending.as_ref().is_some_and(|(event, stage)| *stage == Stage::Waiting && event.commit() == ts)
    }

    /// The checkpoint of the table trigger stays below a table that has just come, until the maintainer counts it.
    pub(super) fn cap(&self, checkpoint: Ts) -> Ts {
        self.bringing.iter().fold(checkpoint, |capped, commit| capped.min(commit.before()))
    }

    /// What there is, behind the dispatcher's own line.
    pub(super) fn describe(&self, f: &mut impl fmt::Write) -> fmt::Result {
        if let Some((event, stage)) = &self.pending {
            write!(f, " {stage} {event}")?;
        }
        if let Some(event) = &self.held {
            write!(f, " holds {event}")?;
        }
        if !self.bringing.is_empty() {
            let commits: Vec<String> = self.bringing.iter().map(ToString::to_string).collect();
            write!(f, " bringing={}", commits.join("+"))?;
        }
        if self.unacknowledged != 0 {
            write!(f, " unacknowledged={}", self.unacknowledged)?;
        }
        Ok(())
    }

    pub(super) fn remove_bringing(&mut self, commit: Ts) {
        self.bringing.retain(|one| *one != commit);
    }

    /// The tables of a set, as the schema store knows them; `with_trigger`: the table trigger counts as one of a database.
    pub(super) fn tables_in(&self, influence: &Influence, with_trigger: bool) -> Vec<TableId> {
        let trigger = with_trigger.then_some(TableId::TRIGGER);
        let known = self.tables.iter().flatten();
        match influence {
            Influence::Normal(tables) => tables.clone(),
            Influence::Db(schema) => {
                let here = known.filter(|(_, one)| *one == schema);
                here.map(|(table, _)| *table).chain(trigger).collect()
            }
            Influence::All => known.map(|(table, _)| *table).chain(trigger).collect(),
        }
    }

    /// A DDL is behind the table trigger: the schema store follows.
    pub(super) fn follow(&mut self, event: &BlockEvent) {
        let Some(ddl) = event.ddl() else { return };
        let dropped = ddl.dropped.as_ref().map(|dropped| self.tables_in(dropped, false)).unwrap_or_default();
        let Some(tables) = &mut self.tables else { return };
        tables.retain(|table, _| !dropped.contains(table));
        tables.extend(ddl.added.iter().map(|new| (new.table, new.schema)));
        tables.extend(ddl.moved.iter().map(|change| (change.table, change.new)));
    }
}

impl Dispatcher {
    /// Whether an event may not be executed before the maintainer says so. Events of one whole table may.
    pub(super) fn stops_at(&self, event: &BlockEvent) -> bool {
        let whole = self.span == Span::whole(self.span.table);
        match event.blocked() {
            Influence::Normal(tables) => !whole || tables.len() > 1,
            Influence::Db(_) | Influence::All => true,
        }
    }

    /// Whether the event has to wait for the acknowledgement of earlier ones, so that the maintainer does not think that
    /// it knows all tables which the event concerns.
    pub(super) fn holds(&self, event: &BlockEvent) -> bool {
        let concerns_many = !matches!(event.blocked(), Influence::Normal(_));
        self.is_trigger() && self.blocking.unacknowledged > 0 && concerns_many
    }

    /// What a bootstrap response tells of the event that it stops at.
    pub(super) fn block_state(&self) -> Option<BlockState> {
        let (event, stage) = self.blocking.pending.as_ref()?;
        Some(BlockState::of(event, *stage)).filter(|_| self.stops_at(event))
    }
}

impl EventKey {
    pub(super) fn of(event: &BlockEvent) -> EventKey {
        EventKey { ts: event.commit(), syncpoint: event.is_sync_point() }
    }
}

impl BlockState {
    /// Everything about an event.
    pub(super) fn of(event: &BlockEvent, stage: Stage) -> BlockState {
        let ddl = event.ddl();
        BlockState {
            blocked: Some(event.blocked().clone()).filter(|_| stage != Stage::None),
            dropped: ddl.and_then(|ddl| ddl.dropped.clone()),
            added: Joined(ddl.map(|ddl| ddl.added.clone()).unwrap_or_default()),
            moved: Joined(ddl.map(|ddl| ddl.moved.clone()).unwrap_or_default()),
            ..BlockState::bare(stage, EventKey::of(event))
        }
    }
}
