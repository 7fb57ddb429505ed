//! The creation of dispatchers: where their DDLs stand downstream is asked first, then they are inserted one by one.

use crate::{
    Cx, DispatcherId, IsRedo, Mode, Span, TableId, Ts,
    dispatchers::{Asker, Dispatcher, Dispatchers, ManagerId, Note, Timer, Wake, failure::Failure},
    sink::{self, QueryId, Recovery},
    tasks::{Next, TaskId},
    upstream::events::Position,
};

/// Dispatchers that are being created together.
#[derive(Clone, Debug)]
pub(super) struct Creation {
    manager: ManagerId,
    /// All are of one mode.
    mode: Mode,
    /// Those that are still to be inserted, the last one first.
    infos: Vec<NewDispatcher>,
    /// Whether the downstream is to forget the DDLs of an earlier changefeed of this name.
    is_new: bool,
    /// When that began, by PD's clock.
    creation: Ts,
    stage: Stage,
}

/// A dispatcher that is to be created.
#[derive(Clone, Copy, Debug)]
pub(super) struct NewDispatcher {
    pub(super) id: DispatcherId,
    pub(super) span: Span,
    pub(super) mode: Mode,
    pub(super) start_ts: Ts,
    /// Whether the rows of the commit right behind the start are downstream.
    pub(super) skip_dml: bool,
    /// Whether the syncpoint at the start is.
    pub(super) skip_syncpoint: bool,
}

#[derive(Clone, Debug)]
enum Stage {
    Begin,
    Asking { query: QueryId },
    Insert,
}

/// What a step of a creation comes to.
pub(super) enum Created {
    NotYet(Next),
    /// What is not inserted will not be.
    Failed(Failure),
    Done,
}

/// The write path is closed.
const CLOSED: Created = Created::Failed(Failure::WritePathClosed { wrapped: true });

impl Creation {
    pub(super) fn new(manager: ManagerId, mode: Mode, infos: Vec<NewDispatcher>) -> Creation {
        Creation { manager, mode, infos, is_new: false, creation: Ts::NONE, stage: Stage::Begin }
    }

    pub(super) fn trigger(manager: ManagerId, id: DispatcherId, start_ts: Ts, mode: Mode) -> Creation {
        Creation::new(manager, mode, vec![NewDispatcher::new(id, Span::TRIGGER, mode, start_ts, false)])
    }

    pub(super) fn of_new_changefeed(self) -> Creation {
        Creation { is_new: true, ..self }
    }

    pub(super) fn resume(&mut self, me: TaskId, wake: Wake, all: &mut Dispatchers, cx: &mut Cx) -> Created {
        match &self.stage {
            Stage::Begin => self.begin(me, all, cx),
            Stage::Asking { query } => match wake {
                Wake::Answer(sink::Reply::TableRecovery { recoveries, .. }) => {
                    // Asked for in the order in which they are inserted; behind them, perhaps, for the last syncpoint.
                    let syncpoint = recoveries.get(self.infos.len()).copied().unwrap_or(Recovery::NONE);
                    for (info, recovery) in self.infos.iter_mut().rev().zip(recoveries) {
                        let is_recorded = recovery.start != Recovery::NONE.start;
                        info.recover(if is_recorded { *recovery } else { syncpoint });
                    }
                    self.stage = Stage::Insert;
                    Created::NotYet(Next::Yield)
                }
                Wake::Answer(sink::Reply::Committed { .. }) => {
                    self.stage = Stage::Insert;
                    Created::NotYet(Next::Yield)
                }
                Wake::Answer(sink::Reply::Failed { why, .. }) => {
                    if let Some(manager) = all.managers.get_mut(&self.manager) {
                        manager.sink.set_abnormal();
                    }
                    Created::Failed(Failure::Downstream(*why))
                }
                _ if all.queries.contains_key(query) => Created::NotYet(Next::Wait),
                _ => Created::Failed(Failure::Cancelled),
            },
            Stage::Insert => self.insert(me, all, cx),
        }
    }

    fn begin(&mut self, me: TaskId, all: &mut Dispatchers, cx: &mut Cx) -> Created {
        let Some(manager) = all.managers.get(&self.manager) else { return CLOSED };
        if manager.write_path_closed {
            return CLOSED;
        }
        if self.is_trigger() && manager.trigger_of(self.mode).is_some() {
            return Created::Failed(Failure::TriggerExists);
        }
        self.creation = all.pd_clock(cx);
        self.infos.retain(|info| !manager.has(info.id, info.mode));
        if self.infos.is_empty() {
            return Created::Done;
        }
        cx.shuffle(&mut self.infos, "order of new dispatchers");
        if self.mode == Mode::Redo || !cx.process.config.downstream.class.is_database() {
            // No DDLs are recorded; the start stays as it was asked for.
            self.stage = Stage::Insert;
            return Created::NotYet(Next::Yield);
        }
        let (cf, mut tables, is_new) = (manager.cf, self.tables(), self.is_new);
        if cx.policy().dispatchers.syncpoint_record.counts_alone() {
            tables.push(TableId::SYNC_POINT);
        }
        let query = all.ask(Asker::Task { task: me, manager: self.manager }, cx, |query| match is_new {
            // The recorded DDLs are deleted instead of read.
            true => sink::Inbox::RemoveDdlTs { query, cf },
            false => sink::Inbox::TableRecoveryInfo { query, cf, tables },
        });
        self.stage = Stage::Asking { query };
        Created::NotYet(Next::Wait)
    }

    fn is_trigger(&self) -> bool {
        self.infos.iter().any(|info| info.span == Span::TRIGGER)
    }

    fn tables(&self) -> Vec<TableId> {
        self.infos.iter().rev().map(|info| info.span.table).collect()
    }

    /// Inserts the next one. Whether the write path is still open is looked at again.
    fn insert(&mut self, me: TaskId, all: &mut Dispatchers, cx: &mut Cx) -> Created {
        let Some(manager) = all.managers.get_mut(&self.manager) else { return CLOSED };
        if !manager.write_path_mu.pass(me) {
            return Created::NotYet(Next::Wait);
        }
        let Some(info) = self.infos.pop() else { return Created::Done };
        let NewDispatcher { id, span, mode, start_ts, .. } = info;
        manager.begin_heartbeats(cx);
        if manager.is_refused(cx) {
            return CLOSED;
        }
        let mut dispatcher = info.build(self.creation, cx);
        dispatcher.waits_for_redo = mode == Mode::Default && manager.redo.enabled;
        dispatcher.seq = manager.number_next(mode);
        let is_redo_trigger = mode == Mode::Redo && dispatcher.is_trigger();
        if dispatcher.is_trigger() {
            manager.set_trigger(id, mode);
        } else {
            manager.schemas_of(mode).entry(dispatcher.schema).or_default().insert(id);
            dispatcher.registered = true;
            dispatcher.events_coming = true;
            cx.out.give_way(Timer::Events { manager: manager.id, dispatcher: id }.into());
        }
        cx.note(Note::DispatcherCreated { cf: manager.cf, id, span, start_ts, redo: IsRedo::of(mode) });
        manager.dispatchers.insert(id, dispatcher);
        if is_redo_trigger {
            all.keep_redo_meta(self.manager, id, cx);
        }
        all.touch();
        if self.infos.is_empty() { Created::Done } else { Created::NotYet(Next::Yield) }
    }
}

impl NewDispatcher {
    pub(super) fn new(
        id: DispatcherId,
        span: Span,
        mode: Mode,
        start_ts: Ts,
        skip_dml: bool,
    ) -> NewDispatcher {
        NewDispatcher { id, span, mode, start_ts, skip_dml, skip_syncpoint: false }
    }

    /// The downstream tells where its table stands.
    fn recover(&mut self, recovery: Recovery) {
        let Recovery { start, skip_syncpoint, skip_dml } = recovery.applied_to(self.start_ts, self.skip_dml);
        (self.start_ts, self.skip_syncpoint, self.skip_dml) = (start, skip_syncpoint, skip_dml);
    }

    fn build(self, creation: Ts, cx: &Cx) -> Dispatcher {
        let NewDispatcher { id, span, mode, start_ts, skip_dml, skip_syncpoint } = self;
        let schema = cx.process.history.name_of(span.table, start_ts).map(|name| name.schema);
        let one = Dispatcher::new(id, span, start_ts, creation);
        let sent = Position::start(start_ts, skip_syncpoint);
        Dispatcher { sent, mode, skip_dml, schema: schema.unwrap_or(one.schema), ..one }
    }
}
