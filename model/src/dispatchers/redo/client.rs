//! The sink client of redo dispatchers: rows gather in a file, which is written every two seconds, or when it is full. While
//! it is being written, what comes waits for the next one.

use sim::{Duration, Instant};

use crate::{
    Addr, Cx, DispatcherId, Row, TableId,
    dispatchers::{Asker, Dispatchers, ManagerId, Note, Timer},
    sink::{self, Failure, Logged, QueryId},
};

/// How often a file is written (`flush-interval`).
const FLUSH: Duration = Duration::from_secs(2);
/// How long it is waited for that a file is written (`defaultTimeout` of the external storage).
const PATIENCE: Duration = Duration::from_secs(300);
/// With more rows than this a file is written at once (`DefaultFlushBatchSize`).
const FULL: usize = 1024;
/// How many rows a redo dispatcher may hand over at once.
pub(in crate::dispatchers) const BATCH: usize = 4096;

/// A row on its way into the log, and whose it is.
#[derive(Clone, Copy, Debug, Hash)]
struct Entry {
    dispatcher: DispatcherId,
    row: Logged,
}

/// The client.
#[derive(Clone, Debug, Hash)]
pub(in crate::dispatchers) struct RedoClient {
    normal: bool,
    /// Whether its loop runs.
    running: bool,
    /// What goes into the next file.
    gathered: Vec<Entry>,
    /// What is being written, and since when.
    writing: Option<(QueryId, Instant, Vec<Entry>)>,
    /// What came meanwhile.
    waiting: Vec<Entry>,
    /// Whether it was time for a file while one was being written.
    due: bool,
}

impl RedoClient {
    pub(super) fn new() -> RedoClient {
        RedoClient {
            normal: true,
            running: false,
            gathered: Vec::new(),
            writing: None,
            waiting: Vec::new(),
            due: false,
        }
    }

    pub(in crate::dispatchers) fn is_normal(&self) -> bool {
        self.normal
    }

    pub(in crate::dispatchers) fn is_writing(&self) -> bool {
        self.writing.is_some()
    }

    pub(in crate::dispatchers) fn is_running(&self) -> bool {
        self.running
    }

    pub(super) fn set_abnormal(&mut self) {
        self.normal = false;
    }

    /// Takes a row. Whether the file is full.
    pub(in crate::dispatchers) fn add(
        &mut self,
        dispatcher: DispatcherId,
        table: TableId,
        row: &Row,
    ) -> bool {
        let entry = Entry { dispatcher, row: Logged { table, key: row.key, commit: row.commit } };
        match &self.writing {
            Some(_) => self.waiting.push(entry),
            None => self.gathered.push(entry),
        }
        self.running && self.is_full()
    }

    fn is_full(&self) -> bool {
        self.writing.is_none() && self.gathered.len() > FULL
    }

    /// The context is cancelled: the call that was under way.
    pub(in crate::dispatchers) fn cancel(&mut self) -> Option<QueryId> {
        (self.normal, self.running) = (false, false);
        self.writing.take().map(|(query, ..)| query)
    }
}

impl Dispatchers {
    /// The loop of the client begins.
    pub(super) fn start_redo_client(&mut self, id: ManagerId, cx: &mut Cx) {
        let Some(manager) = self.managers.get_mut(&id).filter(|manager| !manager.is_cancelled()) else {
            return;
        };
        if let Some(client) = &mut manager.redo.client {
            client.running = true;
            cx.out.alarm(Timer::RedoFlush { manager: id }.into(), FLUSH);
        }
    }

    /// It is time for a file. One that is being written for too long has failed.
    pub(in crate::dispatchers) fn on_redo_flush(&mut self, id: ManagerId, cx: &mut Cx) {
        let now = cx.now.steady;
        let Some(client) = self.redo_client(id).filter(|client| client.running) else { return };
        if let Some((query, since, _)) = client.writing
            && now.since(since) >= PATIENCE
        {
            self.disconnect(query, cx);
            let failed = sink::Reply::Failed { query, why: Failure::BadConnection };
            return self.redo_written(id, &failed, cx);
        }
        let busy = client.writing.is_some();
        client.due |= busy;
        cx.out.alarm(Timer::RedoFlush { manager: id }.into(), FLUSH);
        if !busy {
            self.write_redo_file(id, cx);
        }
    }

    pub(in crate::dispatchers) fn redo_client(&mut self, id: ManagerId) -> Option<&mut RedoClient> {
        self.managers.get_mut(&id)?.redo.client.as_mut()
    }

    /// Writes what has gathered, if there is anything.
    pub(in crate::dispatchers) fn write_redo_file(&mut self, id: ManagerId, cx: &mut Cx) {
        let Some(manager) = self.managers.get_mut(&id) else { return };
        let (cf, Some(client)) = (manager.cf, &mut manager.redo.client) else { return };
        let entries = std::mem::take(&mut client.gathered);
        if entries.is_empty() {
            return;
        }
        let rows = entries.iter().map(|entry| entry.row).collect();
        let asker = Asker::RedoFlush { manager: id };
        let query = self.ask(asker, cx, |query| sink::Inbox::WriteRedoLog { query, cf, rows });
        if let Some(client) = self.redo_client(id) {
            client.writing = Some((query, cx.now.steady, entries));
        }
    }

    /// The storage has answered: the rows of the file are in the log, and their dispatchers go on.
    pub(in crate::dispatchers) fn redo_written(&mut self, id: ManagerId, reply: &sink::Reply, cx: &mut Cx) {
        let resolved = self.resolved;
        let Some(client) = self.redo_client(id) else { return };
        let Some((_, _, entries)) = client.writing.take() else { return };
        if let sink::Reply::Failed { why, .. } = reply {
            return self.redo_failed(id, why.why(), cx);
        }
        client.gathered = std::mem::take(&mut client.waiting);
        let again = std::mem::take(&mut client.due) || client.is_full();
        let Some(manager) = self.managers.get_mut(&id) else { return };
        for Entry { dispatcher, row } in entries {
            let Some(one) = manager.dispatchers.get_mut(&dispatcher) else { continue };
            one.progress.flushed(row.commit);
            if one.is_drained() && one.wake(resolved) {
                cx.out.give_way(Timer::Events { manager: id, dispatcher }.into());
            }
        }
        if again {
            self.write_redo_file(id, cx);
        }
    }

    /// The loop of the client ends with an error.
    fn redo_failed(&mut self, id: ManagerId, why: &'static str, cx: &mut Cx) {
        let Some(manager) = self.managers.get_mut(&id) else { return };
        if let Some(client) = &mut manager.redo.client {
            (client.normal, client.running) = (false, false);
        }
        cx.note(Note::SinkFailed { cf: manager.cf, why });
        self.report_error(id, why, cx);
    }

    /// The context of a manager is cancelled: its file is not waited for.
    pub(in crate::dispatchers) fn cancel_redo(&mut self, id: ManagerId, cx: &mut Cx) {
        if let Some(query) = self.redo_client(id).and_then(RedoClient::cancel) {
            cx.out.send(Addr::Sink, sink::Inbox::Disconnect { query }.into());
        }
    }
}
