//! One block event: who has reported it, who is to write it, and whether that has been done.
//!
//! It goes through two rounds of reports. In the first one everybody says that it waits; then somebody is selected to write.
//! In the second one everybody says that it is done: the writer first, and the others, which are told to pass, afterwards.

use std::collections::BTreeSet;

use sim::{Duration, Instant};

use crate::{
    DispatcherId, NodeId, Span, TableId, Ts,
    dispatchers::{Answer, BlockState, EventKey, Influenced},
    maintainer::{
        barrier::{coverage::Coverage, schedule::Schedule},
        spans::{Placement, Spans},
    },
    policy,
    upstream::ddl::Influence,
};

/// How soon an action is sent again.
const AGAIN: Duration = Duration::from_secs(1);
/// How long nobody may have reported before many are told to pass again.
const QUIET: Duration = Duration::from_secs(1);

#[derive(Clone, Debug)]
pub(in crate::maintainer) struct Event {
    /// What its first reporter told of it.
    pub(super) state: BlockState,
    /// Whether the table trigger has reported it.
    pub(super) with_trigger: bool,
    /// Whether all have reported that they wait, or somebody is behind it already.
    pub(super) selected: bool,
    pub(super) writer: Option<DispatcherId>,
    /// Whether it is downstream, and the others may pass.
    pub(super) advanced: bool,
    /// Who has reported in this round.
    reported: BTreeSet<DispatcherId>,
    /// What that covers. Of a database, or all tables, it is there when the table trigger has reported: only then it is
    /// known which tables there are.
    coverage: Option<Coverage>,
    /// When an action went out; none: long ago.
    sent_at: Option<Instant>,
    /// When the last report of the second round came.
    heard_at: Instant,
    passed: bool,
}

/// What an event lacks that is downstream, and whose tables have neither come nor gone here.
pub(super) enum Lacks {
    /// The table trigger, which has not come to it yet.
    Trigger,
    /// Its tables.
    Tables(Schedule),
}

/// What a barrier knows besides its events.
#[derive(Clone, Copy)]
pub(super) struct Scene<'a> {
    pub(super) spans: &'a Spans,
    pub(super) policy: &'a policy::Barrier,
    /// Whether tables may be split (`enable-table-across-nodes`).
    pub(super) may_split: bool,
    pub(super) now: Instant,
}

impl Scene<'_> {
    fn is_replicating(&self, id: DispatcherId) -> bool {
        self.spans.get(id).is_some_and(|replica| replica.placement == Placement::Replicating)
    }

    fn tables_of(&self, ids: impl Iterator<Item = DispatcherId>) -> Vec<TableId> {
        ids.filter_map(|id| self.spans.get(id)).map(|replica| replica.span.table).collect()
    }

    /// The tables of an influence as they are now, each as often as it has spans; of a database with the table trigger.
    fn coverage(&self, influence: &Influence) -> Coverage {
        let tables = match influence {
            Influence::Normal(tables) => tables.clone(),
            Influence::Db(schema) => {
                let mut tables = self.tables_of(self.spans.ids_in_schema(*schema));
                tables.push(TableId::TRIGGER);
                tables
            }
            Influence::All => self.tables_of(self.spans.ids()),
        };
        Coverage::of(&tables, self.may_split)
    }
}

impl Event {
    pub(super) fn new(state: &BlockState, scene: Scene) -> Event {
        let named = state.blocked.as_ref().filter(|blocked| matches!(blocked, Influence::Normal(_)));
        Event {
            state: state.clone(),
            with_trigger: false,
            selected: false,
            writer: None,
            advanced: false,
            reported: BTreeSet::new(),
            coverage: named.map(|blocked| scene.coverage(blocked)),
            sent_at: None,
            heard_at: scene.now,
            passed: false,
        }
    }

    pub(super) fn key(&self) -> EventKey {
        self.state.event
    }

    pub(super) fn needs_schedule(&self) -> bool {
        self.state.needs_schedule()
    }

    pub(super) fn brings_tables(&self) -> bool {
        !self.state.added.0.is_empty()
    }

    /// Whether it concerns a whole database, or all tables.
    pub(super) fn is_wide(&self) -> bool {
        matches!(self.state.blocked, Some(Influence::Db(_) | Influence::All))
    }

    /// A dispatcher has reported.
    pub(super) fn mark(&mut self, id: DispatcherId, scene: Scene) {
        if self.selected {
            self.heard_at = scene.now;
        }
        let Some(replica) = scene.spans.get(id) else { return };
        self.reported.insert(id);
        match (&mut self.coverage, &self.state.blocked) {
            (Some(coverage), _) => coverage.add(replica.span),
            (None, Some(blocked)) if id == scene.spans.trigger() => {
                let coverage = scene.coverage(blocked);
                self.coverage = Some(coverage);
                self.add_reported(scene);
            }
            (None, _) => {}
        }
    }

    fn add_reported(&mut self, scene: Scene) {
        let Some(coverage) = &mut self.coverage else { return };
        for replica in self.reported.iter().filter_map(|id| scene.spans.get(*id)) {
            coverage.add(replica.span);
        }
    }

    /// Whether all have reported in this round. Who is gone since, or not replicating any more, does not count: its range
    /// belongs to others, who may not have come so far.
    pub(super) fn is_reported_by_all(&mut self, scene: Scene) -> bool {
        if !self.coverage.as_ref().is_some_and(Coverage::is_full) {
            return false;
        }
        if !scene.policy.reporters.are_checked_again() {
            return true;
        }
        let trigger = scene.spans.trigger();
        let counts = |id: &DispatcherId| match *id {
            id if id == trigger => scene.spans.get(id).is_some(),
            id => scene.is_replicating(id),
        };
        let before = (self.reported.len(), self.reported.contains(&trigger));
        self.reported.retain(counts);
        if before.0 == self.reported.len() {
            return true;
        }
        if let Some(coverage) = &mut self.coverage {
            coverage.reset();
        }
        if before.1 && !self.reported.contains(&trigger) {
            return false;
        }
        self.coverage = self.state.blocked.as_ref().map(|blocked| scene.coverage(blocked));
        self.add_reported(scene);
        self.coverage.as_ref().is_some_and(Coverage::is_full)
    }

    /// All have reported that they wait: the table trigger is to write, or else who has reported last.
    pub(super) fn select(&mut self, last: DispatcherId, scene: Scene) -> DispatcherId {
        let by_trigger = self.is_wide() || self.with_trigger;
        let writer = if by_trigger { scene.spans.trigger() } else { last };
        self.begin_second_round();
        (self.selected, self.writer) = (true, Some(writer));
        (self.sent_at, self.passed) = (Some(scene.now), false);
        writer
    }

    /// Nobody has reported that it is done.
    pub(super) fn begin_second_round(&mut self) {
        if let Some(coverage) = &mut self.coverage {
            coverage.reset();
        }
        self.reported.clear();
    }

    /// It is downstream: the others are told at the next tick.
    pub(super) fn advance(&mut self) {
        (self.advanced, self.sent_at) = (true, None);
    }

    /// Somebody is behind it, so it is downstream. Neither is scheduled what comes and goes with it, nor does the second
    /// round begin.
    pub(super) fn forward(&mut self) {
        (self.selected, self.advanced) = (true, true);
    }

    /// The dispatcher that is behind it, if there is one.
    pub(super) fn first_behind(&self, scene: Scene) -> Option<DispatcherId> {
        let is_behind = |id: &DispatcherId| self.is_behind(*id, scene);
        match self.state.blocked.as_ref()? {
            Influence::Normal(tables) => {
                tables.iter().flat_map(|table| scene.spans.ids_of_table(*table)).find(is_behind)
            }
            Influence::Db(schema) => scene.spans.ids_in_schema(*schema).find(is_behind),
            Influence::All => scene.spans.ids().find(is_behind),
        }
    }

    /// Whether everybody whom it concerns is behind it, and nothing is left to be done about it: nobody will report it any more.
    pub(super) fn is_left_behind(&self, scene: Scene) -> bool {
        let is_behind = |id: DispatcherId| self.is_behind(id, scene);
        let all = match &self.state.blocked {
            None => false,
            Some(Influence::Normal(tables)) => {
                tables.iter().flat_map(|table| scene.spans.ids_of_table(*table)).all(is_behind)
            }
            Some(Influence::Db(schema)) => {
                scene.spans.ids_in_schema(*schema).chain([scene.spans.trigger()]).all(is_behind)
            }
            Some(Influence::All) => scene.spans.ids().all(is_behind),
        };
        all && (self.advanced || !self.selected)
    }

    /// What it lacks if it has been written before this maintainer was there. The tables that there are when the table trigger
    /// starts are known from the beginning.
    pub(super) fn lacks(&self, scene: Scene) -> Option<Lacks> {
        let trigger = scene.spans.trigger();
        let at_it = scene.spans.get(trigger).is_some_and(|replica| replica.checkpoint >= self.ts());
        if !self.needs_schedule() || at_it || self.is_behind(trigger, scene) {
            return None;
        }
        Some(if self.with_trigger {
            Lacks::Tables(Schedule::after_write(&self.state))
        } else {
            Lacks::Trigger
        })
    }

    fn is_behind(&self, id: DispatcherId, scene: Scene) -> bool {
        let Some(replica) = scene.spans.get(id) else { return false };
        let EventKey { ts, syncpoint } = self.key();
        // Whoever stops at a later event has this one behind it; so has who stops at a syncpoint that comes with a DDL.
        let stops_later = replica
            .block
            .is_some_and(|(stop, _)| stop.ts > ts || stop.ts == ts && stop.syncpoint && !syncpoint);
        stops_later || scene.policy.passed.is_behind(ts, replica.checkpoint)
    }

    /// Whether an action may go out again.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.sent_at.is_none_or(|at| now.since(at) >= AGAIN)
    }

    /// Whether so many are being told to pass that whoever is still reporting is waited for.
    pub(super) fn waits_for_quiet(&self, now: Instant) -> bool {
        self.passed && self.is_wide() && now.since(self.heard_at) < QUIET
    }

    pub(super) fn sent(&mut self, now: Instant) {
        self.sent_at = Some(now);
    }

    pub(super) fn passes(&mut self, now: Instant) {
        (self.sent_at, self.passed) = (Some(now), true);
    }

    /// A table has no dispatchers any more.
    pub(super) fn add_gone(&mut self, table: TableId) {
        if let Some(coverage) = &mut self.coverage {
            coverage.add_gone(table);
        }
    }

    /// The database has no dispatchers any more. The real process does not survive it if nothing was ever covered.
    pub(super) fn add_all(&mut self) -> Result<(), &'static str> {
        self.coverage.as_mut().map(Coverage::add_all).ok_or("a range checker that was never made")
    }

    pub(super) fn write(&self) -> Answer {
        Answer::Write { event: self.key() }
    }

    pub(super) fn pass(&self) -> Answer {
        Answer::Pass { event: self.key() }
    }

    /// Whom a pass on a node is for, if it does not name dispatchers.
    pub(super) fn influenced(&self) -> Option<Influenced> {
        match self.state.blocked.as_ref()? {
            Influence::Normal(_) => None,
            Influence::Db(schema) => Some(Influenced::Db(*schema)),
            Influence::All => Some(Influenced::All),
        }
    }

    /// Who has reported in this round.
    pub(super) fn reporters(&self) -> impl Iterator<Item = DispatcherId> {
        self.reported.iter().copied()
    }

    /// How far it is, in words.
    pub(in crate::maintainer) fn stage(&self) -> String {
        let reported = self.reported.len();
        match (self.selected, self.writer) {
            (false, _) => format!("reports of all that stop at it; {reported} have come"),
            (true, Some(writer)) if !self.advanced => format!("{writer} to write it"),
            (true, _) => format!("reports of all that they are behind it; {reported} have come"),
        }
    }

    /// The nodes of dispatchers that it concerns and that have not reported in this round.
    pub(in crate::maintainer) fn silent<'a>(&'a self, spans: &'a Spans) -> impl Iterator<Item = NodeId> {
        let concerns = |span: Span| match &self.state.blocked {
            Some(Influence::Normal(tables)) => tables.contains(&span.table),
            Some(Influence::Db(_) | Influence::All) => true,
            None => false,
        };
        let silent =
            spans.replicas().filter(move |(id, span, _)| concerns(*span) && !self.reported.contains(id));
        silent.filter_map(|(.., node)| node)
    }

    /// Its timestamp.
    pub(super) fn ts(&self) -> Ts {
        self.key().ts
    }
}
