//! The creation of dispatchers: where their DDLs stand downstream is asked first, then they are inserted one by one.

use crate::{
    Cx, DispatcherId, Span, TableId, Ts,
    dispatchers::{Asker, Dispatcher, Dispatchers, ManagerId, Note, Timer, Wake, failure::Failure},
    sink::{self, QueryId},
    tasks::{Next, TaskId},
};

/// Dispatchers that are being created together.
#[derive(Clone, Debug)]
pub(super) struct Creation {
    manager: ManagerId,
    /// Id, span and start of each that is still to be inserted, the last one first.
    infos: Vec<(DispatcherId, Span, Ts)>,
    /// Whether the downstream is to forget the DDLs of an earlier changefeed of this name.
    is_new: bool,
    /// When that began, by PD's clock.
    creation: Ts,
    stage: Stage,
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
    pub(super) fn new(manager: ManagerId, infos: Vec<(DispatcherId, Span, Ts)>) -> Creation {
        Creation { manager, infos, is_new: false, creation: Ts::NONE, stage: Stage::Begin }
    }

    pub(super) fn trigger(manager: ManagerId, id: DispatcherId, start_ts: Ts) -> Creation {
        Creation::new(manager, vec![(id, Span::TRIGGER, start_ts)])
    }

    pub(super) fn of_new_changefeed(self) -> Creation {
        Creation { is_new: true, ..self }
    }

    pub(super) fn resume(&mut self, me: TaskId, wake: Wake, all: &mut Dispatchers, cx: &mut Cx) -> Created {
        match &self.stage {
            Stage::Begin => self.begin(me, all, cx),
            Stage::Asking { query } => match wake {
                Wake::Answer(sink::Reply::TableRecovery { starts, .. }) => {
                    for ((_, _, start_ts), recovered) in self.infos.iter_mut().zip(starts) {
                        *start_ts = recovered.map_or(*start_ts, |recovered| recovered.max(*start_ts));
                    }
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
        if self.is_trigger() && manager.trigger.is_some() {
            return Created::Failed(Failure::TriggerExists);
        }
        self.creation = all.pd_clock(cx);
        self.infos.retain(|(id, ..)| !manager.dispatchers.contains_key(id));
        if self.infos.is_empty() {
            return Created::Done;
        }
        cx.shuffle(&mut self.infos, "order of new dispatchers");
        if self.is_new || !cx.process.config.downstream.class.is_database() {
            // The recorded DDLs are deleted instead of read, or there are none; the start stays as it was asked for.
            self.stage = Stage::Insert;
            return Created::NotYet(Next::Yield);
        }
        let (cf, tables) = (manager.cf, self.tables());
        let query = all.ask(Asker::Task { task: me, manager: self.manager }, cx, |query| {
            sink::Inbox::TableRecoveryInfo { query, cf, tables }
        });
        self.stage = Stage::Asking { query };
        Created::NotYet(Next::Wait)
    }

    fn is_trigger(&self) -> bool {
        self.infos.iter().any(|(_, span, _)| *span == Span::TRIGGER)
    }

    fn tables(&self) -> Vec<TableId> {
        self.infos.iter().map(|(_, span, _)| span.table).collect()
    }

    /// Inserts the next one. Whether the write path is still open is looked at again.
    fn insert(&mut self, me: TaskId, all: &mut Dispatchers, cx: &mut Cx) -> Created {
        let Some(manager) = all.managers.get_mut(&self.manager) else { return CLOSED };
        if !manager.write_path_mu.pass(me) {
            return Created::NotYet(Next::Wait);
        }
        let Some((id, span, start_ts)) = self.infos.pop() else { return Created::Done };
        manager.begin_heartbeats(cx);
        if manager.is_refused(cx) {
            return CLOSED;
        }
        let mut dispatcher = Dispatcher::new(id, span, start_ts, self.creation);
        manager.seq += 1;
        dispatcher.seq = manager.seq;
        if dispatcher.is_trigger() {
            manager.trigger = Some(id);
        } else {
            dispatcher.registered = true;
            dispatcher.events_coming = true;
            cx.out.give_way(Timer::Events { manager: manager.id, dispatcher: id }.into());
        }
        cx.note(Note::DispatcherCreated { cf: manager.cf, id, span, start_ts });
        manager.dispatchers.insert(id, dispatcher);
        all.touch();
        if self.infos.is_empty() { Created::Done } else { Created::NotYet(Next::Yield) }
    }
}
