//! How changes get from the event service through a dispatcher to the downstream.

use crate::{
    Cx, DispatcherId, Row, Ts,
    dispatchers::{Asker, ComponentState, DispatcherStatus, Dispatchers, ManagerId, Note, Timer},
    sink::{self, QueryId, Transaction},
};

/// Rows of one transaction (`max-txn-row`).
const BATCH: usize = 256;

impl Dispatchers {
    /// The event service knows more: dispatchers that are not at a batch get what is new for them.
    pub(super) fn on_resolved(&mut self, resolved: Ts, cx: &mut Cx) {
        self.resolved = resolved.max(self.resolved);
        let resolved = self.resolved;
        for manager in self.managers.values_mut() {
            for dispatcher in manager.dispatchers.values_mut() {
                if !dispatcher.registered || dispatcher.events_coming || !dispatcher.is_drained() {
                    continue;
                }
                if dispatcher.next_change <= resolved {
                    dispatcher.events_coming = true;
                    let timer = Timer::Events { manager: manager.id, dispatcher: dispatcher.id };
                    cx.out.give_way(timer.into());
                } else {
                    dispatcher.read = resolved.max(dispatcher.read);
                }
            }
        }
    }

    /// A dispatcher handles a batch of rows, or a resolved timestamp. Its stream then stands still until the batch is
    /// downstream.
    pub(super) fn handle_events(&mut self, id: ManagerId, dispatcher: DispatcherId, cx: &mut Cx) {
        let resolved = self.resolved;
        let Some(manager) = self.managers.get_mut(&id) else { return };
        let Some(one) = manager.dispatchers.get_mut(&dispatcher) else { return };
        one.events_coming = false;
        if !one.registered || one.removing || !one.is_drained() || resolved < one.start_ts {
            return;
        }
        let rows = cx.process.history.rows(one.span.table, one.read, resolved);
        one.unflushed = rows.iter().filter(|row| one.span.has(row.key)).take(BATCH).copied().collect();
        one.read = match one.unflushed.last() {
            Some(last) if one.unflushed.len() == BATCH => last.commit,
            _ => resolved.max(one.read),
        };
        one.next_change = cx.process.history.next_change(one.span, one.read);
        if !one.is_drained() {
            manager.queued.push_back(dispatcher);
            cx.out.give_way(Timer::Worker { manager: id }.into());
        }
        if one.state == ComponentState::Initializing {
            one.state = ComponentState::Working;
            let status = DispatcherStatus { id: dispatcher, state: one.state, checkpoint: one.checkpoint() };
            let seq = one.seq;
            self.report_soon(id, status, seq, cx);
        }
    }

    /// A worker of the sink takes the next batch and sends it.
    pub(super) fn start_write(&mut self, id: ManagerId, cx: &mut Cx) {
        let Some(manager) = self.managers.get_mut(&id).filter(|manager| manager.sink_running) else { return };
        let Some(dispatcher) = manager.queued.pop_front() else { return };
        let (cf, Some(one)) = (manager.cf, manager.dispatchers.get(&dispatcher)) else { return };
        let (span, registered, rows): (_, _, Vec<Row>) = (one.span, one.registered, one.unflushed.clone());
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
        let resolved = self.resolved;
        let Some(manager) = self.managers.get_mut(&id) else { return };
        let (cf, Some(one)) = (manager.cf, manager.dispatchers.get_mut(&dispatcher)) else { return };
        one.flushed = one.unflushed.last().map_or(one.flushed, |row| row.commit);
        one.unflushed.clear();
        cx.note(Note::WriteFlushed { cf, id: dispatcher, query });
        if one.registered && !one.events_coming && one.next_change <= resolved {
            one.events_coming = true;
            cx.out.give_way(Timer::Events { manager: id, dispatcher }.into());
        }
    }
}
