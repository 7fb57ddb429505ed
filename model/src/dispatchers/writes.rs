//! How the rows of a dispatcher get through the sink to the downstream.

use crate::{
    Cx, DispatcherId, Row,
    dispatchers::{Asker, Dispatcher, Dispatchers, ManagerId, Note},
    sink::{self, QueryId, Transaction},
};

impl Dispatchers {
    /// A worker of the sink takes the next batch and sends it.
    pub(super) fn start_write(&mut self, id: ManagerId, cx: &mut Cx) {
        let Some(manager) = self.managers.get_mut(&id).filter(|manager| manager.sink_running) else { return };
        let Some(dispatcher) = manager.queued.pop_front() else { return };
        let (cf, Some(one)) = (manager.cf, manager.dispatchers.get(&dispatcher)) else { return };
        let (span, registered, rows): (_, _, Vec<Row>) = (one.span, one.registered, one.batch.clone());
        let transaction = Transaction { cf, writer: dispatcher, table: span.table, rows };
        let query = self.ask(Asker::Write { manager: id, dispatcher }, cx, |query| sink::Inbox::Execute {
            query,
            transaction: Box::new(transaction),
        });
        cx.note(Note::WriteStarted { cf, id: dispatcher, span, query });
        if !registered {
            self.touch();
        }
    }

    /// A batch is downstream: the dispatcher may go on.
    pub(super) fn flushed(&mut self, id: ManagerId, dispatcher: DispatcherId, query: QueryId, cx: &mut Cx) {
        let Some(manager) = self.managers.get_mut(&id) else { return };
        let (cf, Some(one)) = (manager.cf, manager.dispatchers.get_mut(&dispatcher)) else { return };
        let Dispatcher { batch, progress, .. } = one;
        batch.drain(..).for_each(|row| progress.flushed(row.commit));
        cx.note(Note::WriteFlushed { cf, id: dispatcher, query });
        self.wake(id, dispatcher, cx);
    }
}
