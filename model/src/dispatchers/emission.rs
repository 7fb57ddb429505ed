//! What a log is told when a table trigger is activated: every table that there is.

use crate::{
    Cx, TableId,
    dispatchers::{Asker, Dispatchers, ManagerId, Wake},
    sink::{self, QueryId, Reply},
    tasks::{Next, TaskId},
};

/// Bootstrap messages that are being sent, in the thread of a post-bootstrap request.
#[derive(Clone, Debug)]
pub(super) struct Emission {
    manager: ManagerId,
    /// The last one first.
    left: Vec<TableId>,
    query: Option<QueryId>,
}

/// What a step comes to.
pub(super) enum Emitted {
    NotYet(Next),
    WritePathClosed,
    Done,
}

impl Emission {
    pub(super) fn new(manager: ManagerId, tables: impl DoubleEndedIterator<Item = TableId>) -> Emission {
        Emission { manager, left: tables.rev().collect(), query: None }
    }

    /// Tells of one table after the other. Whether the write path is still open is asked before and after each.
    pub(super) fn resume(&mut self, me: TaskId, wake: Wake, all: &mut Dispatchers, cx: &mut Cx) -> Emitted {
        let Some(manager) = all.managers.get(&self.manager) else { return Emitted::Done };
        let (cf, closed) = (manager.cf, manager.closed);
        if manager.write_path_closed && cx.policy().orchestrator.bootstrap_emission.stops_at_fence() {
            return Emitted::WritePathClosed;
        }
        match (self.query, wake) {
            (Some(asked), Wake::Answer(reply)) if reply.query() == asked => {
                self.query = None;
                if let Reply::Failed { why, .. } = reply {
                    self.give_up(why.why(), all, cx);
                }
            }
            (Some(asked), _) if all.queries.contains_key(&asked) => return Emitted::NotYet(Next::Wait),
            _ => {}
        }
        if closed && !self.left.is_empty() {
            self.give_up("the sink is closed", all, cx);
        }
        let Some(table) = self.left.pop() else { return Emitted::Done };
        // The producer of a log knows no context.
        let asker = Asker::Record { task: me };
        self.query = Some(all.ask(asker, cx, |query| sink::Inbox::WriteBootstrap { query, cf, table }));
        Emitted::NotYet(Next::Wait)
    }

    /// The other tables are not told of, and the trigger becomes active all the same.
    fn give_up(&mut self, why: &'static str, all: &mut Dispatchers, cx: &mut Cx) {
        self.left.clear();
        all.report_error(self.manager, why, cx);
    }
}
