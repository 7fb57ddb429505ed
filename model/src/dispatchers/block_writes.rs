//! How a DDL or a syncpoint gets downstream: where it stands is recorded before and after (`ddl_ts`), so that whoever starts
//! again knows.
//!
//! The records are written without a context: once begun they are waited for, even if the manager is fenced meanwhile.

use crate::{
    Cx, DispatcherId, IsRedo, Mode, TableId,
    dispatchers::{Asker, Dispatchers, ManagerId, Note, Wake, sink_client::backoff},
    sink::{self, Failure, QueryId, Reply},
    tasks::{Next, TaskId},
    upstream::ddl::BlockEvent,
};

/// How often a DDL is tried (`defaultDDLMaxRetry`).
const TRIES: u32 = 20;

/// What an error is called that comes from the end of the manager.
const CANCELLED: &str = "context cancelled";

#[derive(Clone, Debug, Hash)]
pub(super) struct Writing {
    step: Step,
    query: Option<QueryId>,
    tries: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Step {
    Begin,
    /// That it has begun is being recorded.
    Before,
    /// It is to be executed, or is being executed.
    Execute,
    /// That it is finished is being recorded.
    After,
    Done,
}

/// What a step of a write comes to.
pub(super) enum Written {
    NotYet(Next),
    Failed(&'static str),
    Done,
}

/// The dispatcher, and whether it writes downstream or the redo log.
type Who = (ManagerId, DispatcherId, Mode);

impl Writing {
    pub(super) fn new() -> Writing {
        Writing { step: Step::Begin, query: None, tries: 0 }
    }

    pub(super) fn resume(
        &mut self,
        me: TaskId,
        wake: Wake,
        who: Who,
        event: &BlockEvent,
        all: &mut Dispatchers,
        cx: &mut Cx,
    ) -> Written {
        match (self.query, wake) {
            (Some(query), Wake::Answer(reply)) if reply.query() == query => {
                self.query = None;
                return match reply {
                    Reply::Failed { why, .. } => self.failed(who, *why, cx),
                    _ => self.go_on(who, cx),
                };
            }
            (Some(query), _) if all.queries.contains_key(&query) => return Written::NotYet(Next::Wait),
            (Some(_), _) => return Written::Failed(CANCELLED),
            (None, _) => {}
        }
        let Some(manager) = all.managers.get_mut(&who.0) else { return Written::Failed(CANCELLED) };
        let cf = manager.cf;
        if self.step == Step::Begin {
            let redo = IsRedo::of(who.2);
            cx.note(Note::BlockEventWritten { cf, id: who.1, event: event.clone(), redo });
            if let Some(one) = manager.dispatchers.get_mut(&who.1) {
                one.progress.add(event.commit());
            }
            self.step = if is_recorded(who, cx) { Step::Before } else { Step::Execute };
        }
        if all.managers.get(&who.0).is_none_or(|manager| manager.is_cancelled()) {
            return Written::Failed(CANCELLED);
        }
        self.send(me, who, event, all, cx);
        Written::NotYet(Next::Wait)
    }

    fn send(&mut self, me: TaskId, who: Who, event: &BlockEvent, all: &mut Dispatchers, cx: &mut Cx) {
        let Some(cf) = all.managers.get(&who.0).map(|manager| manager.cf) else { return };
        let (bounded, unbounded) = (Asker::Task { task: me, manager: who.0 }, Asker::Record { task: me });
        let (ts, syncpoint) = (event.commit(), event.is_sync_point());
        let query = match (self.step, event) {
            (Step::Execute, BlockEvent::Ddl(ddl)) if who.2 == Mode::Redo => {
                let ddl = Box::new((**ddl).clone());
                all.ask(bounded, cx, |query| sink::Inbox::WriteRedoDdl { query, cf, ddl })
            }
            (Step::Execute, BlockEvent::Ddl(ddl)) => {
                let ddl = Box::new((**ddl).clone());
                all.ask(bounded, cx, |query| sink::Inbox::ExecuteDdl { query, cf, ddl })
            }
            (Step::Execute, BlockEvent::SyncPoint(_)) => {
                all.ask(unbounded, cx, |query| sink::Inbox::WriteSyncPoint { query, cf, ts })
            }
            (Step::Begin | Step::Before | Step::After | Step::Done, _) => {
                let finished = self.step == Step::After;
                let Records { tables, deleted } = all.records(who, event, finished);
                all.ask(unbounded, cx, |query| sink::Inbox::WriteDdlTs {
                    query,
                    cf,
                    tables,
                    ts,
                    finished,
                    syncpoint,
                    deleted,
                })
            }
        };
        self.query = Some(query);
    }

    fn go_on(&mut self, who: Who, cx: &Cx) -> Written {
        let recorded = is_recorded(who, cx);
        self.step = match self.step {
            Step::Begin | Step::Before => Step::Execute,
            Step::Execute if recorded => Step::After,
            Step::Execute | Step::After | Step::Done => Step::Done,
        };
        if self.step == Step::Done { Written::Done } else { Written::NotYet(Next::Yield) }
    }

    /// A DDL is tried again, unless there is no hope; an error that only says that it has been executed before is none.
    fn failed(&mut self, who: Who, why: Failure, cx: &mut Cx) -> Written {
        // The redo log is not tried again.
        if self.step != Step::Execute || who.2 == Mode::Redo {
            return Written::Failed(why.why());
        }
        if why.is_ignorable() {
            return self.go_on(who, cx);
        }
        self.tries += 1;
        if !why.is_retryable() || self.tries == TRIES {
            return Written::Failed(why.why());
        }
        let class = cx.process.config.downstream.class;
        let draw = |below: u64| cx.out.choose("pause before a DDL is tried again", below as usize) as u64;
        let pause = backoff(class, self.tries, draw);
        Written::NotYet(Next::Sleep(pause))
    }
}

/// Whether it is recorded downstream where an event stands.
fn is_recorded(who: Who, cx: &Cx) -> bool {
    who.2 == Mode::Default && cx.process.config.downstream.class.is_database()
}

/// What is recorded about an event.
struct Records {
    /// The tables that are to know of it.
    tables: Vec<TableId>,
    /// The tables that are forgotten.
    deleted: Vec<TableId>,
}

impl Dispatchers {
    /// A syncpoint has one record for all tables; a DDL one for each table that it blocks or brings.
    fn records(&self, (manager, id, _): Who, event: &BlockEvent, finished: bool) -> Records {
        let Some(ddl) = event.ddl() else {
            return Records { tables: vec![TableId::SYNC_POINT], deleted: Vec::new() };
        };
        let known = self.managers.get(&manager).and_then(|manager| manager.dispatchers.get(&id));
        let tables_in = |influence, with_trigger| match known {
            Some(one) => one.blocking.tables_in(influence, with_trigger),
            None => influence.tables().to_vec(),
        };
        let mut tables = tables_in(&ddl.blocked, true);
        tables.extend(ddl.added.iter().map(|new| new.table));
        let dropped = ddl.dropped.as_ref().filter(|_| finished);
        Records { tables, deleted: dropped.map(|dropped| tables_in(dropped, false)).unwrap_or_default() }
    }
}
