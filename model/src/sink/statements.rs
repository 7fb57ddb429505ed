//! The life of a statement at the server: it is received, takes the rows that it changes, runs, and has an effect or none.
//!
//! A statement that has been received runs to its end, whatever becomes of who sent it.

use sim::{Instant, Now};

use crate::{
    Addr, Out,
    sink::{
        Failure, Inbox, Note, QueryId, Reply, Sink, Timer, Transaction, locks, locks::Taken, rows::RowKey,
    },
};

/// A statement at the server.
#[derive(Clone, Debug)]
pub(super) struct Statement {
    pub(super) from: Addr,
    pub(super) inbox: Inbox,
    pub(super) stage: Stage,
    /// Whether nobody will hear what came of it.
    disconnected: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// It takes rows; how many it has, and since when it waits for the next one.
    Locks { taken: usize, waits_since: Option<Instant> },
    /// It runs.
    Runs,
}

impl Statement {
    /// The n-th row that it changes.
    fn row(&self, n: usize) -> Option<RowKey> {
        let Inbox::Execute { transaction, .. } = &self.inbox else { return None };
        let change = transaction.changes.get(n)?;
        Some(RowKey::new(transaction.cf, change.table, change.key))
    }
}

impl Sink {
    pub(super) fn receive(&mut self, from: Addr, inbox: &Inbox, now: Now, out: &mut Out) {
        let query = inbox.query();
        if self.dropped.remove(&(from, query)) {
            return out.note(Note::NotReceived { client: from, query }.into());
        }
        self.received += 1;
        let stage = Stage::Locks { taken: 0, waits_since: None };
        let statement = Statement { from, inbox: inbox.clone(), stage, disconnected: false };
        self.statements.insert(self.received, statement);
        match self.faults.hangs() {
            None => self.begin(self.received, now, out),
            Some(true) => {}
            Some(false) => self.fail(self.received, Failure::BadConnection, now, out),
        }
    }

    /// What is here goes on, and nobody hears of it. What is still on its way will not be received; a transaction of
    /// which the end is on its way is rolled back.
    pub(super) fn disconnect(&mut self, from: Addr, query: QueryId, now: Now, out: &mut Out) {
        let mut here = self.statements.iter_mut();
        let Some((number, statement)) = here.find(|(_, one)| one.from == from && one.inbox.query() == query)
        else {
            self.dropped.insert((from, query));
            return;
        };
        statement.disconnected = true;
        if let (number, Inbox::Execute { stepwise: true, .. }) = (*number, &statement.inbox) {
            self.fail(number, Failure::BadConnection, now, out);
        }
    }

    /// Takes rows, one after the other, and runs when it has all of them.
    pub(super) fn begin(&mut self, number: u32, now: Now, out: &mut Out) {
        let Some(statement) = self.statements.get_mut(&number) else { return };
        let Stage::Locks { mut taken, .. } = statement.stage else { return };
        while let Some(row) = statement.row(taken).filter(|_| self.store.has_locks()) {
            match self.locks.take(number, row) {
                Taken::Now => taken += 1,
                Taken::Later => {
                    statement.stage = Stage::Locks { taken, waits_since: Some(now.steady) };
                    let (client, query) = (statement.from, statement.inbox.query());
                    let (table, key) = row.place();
                    out.note(Note::LockWaits { client, query, table, key }.into());
                    return out.alarm(Timer::LockWait { statement: number }.into(), locks::WAIT);
                }
                Taken::Deadlock => return self.fail(number, Failure::Deadlock, now, out),
            }
        }
        statement.stage = Stage::Runs;
        self.faults.run(number, &statement.inbox, now, out);
    }

    pub(super) fn on_lock_wait(&mut self, number: u32, now: Now, out: &mut Out) {
        if self.faults.hangs() == Some(true) {
            return;
        }
        match self.statements.get(&number).map(|statement| statement.stage) {
            Some(Stage::Locks { waits_since: Some(since), .. }) if now.steady.since(since) >= locks::WAIT => {
                self.fail(number, Failure::LockWaitTimeout, now, out);
            }
            // It got that row, and perhaps waits for another one.
            Some(Stage::Locks { .. } | Stage::Runs) | None => {}
        }
    }

    /// A statement has run to its end.
    pub(super) fn end(&mut self, number: u32, now: Now, out: &mut Out) {
        if self.faults.hangs() == Some(true) {
            return;
        }
        let Some(statement) = self.statements.get(&number) else { return };
        match self.faults.error(&statement.inbox, now, out) {
            Some(why) => self.fail(number, why, now, out),
            None => self.succeed(number, now, out),
        }
    }

    fn succeed(&mut self, number: u32, now: Now, out: &mut Out) {
        let Some(statement) = self.statements.remove(&number) else { return };
        let freed = self.unlock(number, &statement);
        let Statement { from, inbox, disconnected, .. } = statement;
        if let Some(reply) = self.carry_out(from, inbox, out)
            && !disconnected
        {
            out.send(from, reply.into());
        }
        self.go_on(freed, now, out);
    }

    /// What a call comes to.
    fn carry_out(&mut self, client: Addr, inbox: Inbox, out: &mut Out) -> Option<Reply> {
        Some(match inbox {
            Inbox::Connect { query } => Reply::Connected { query },
            Inbox::TableRecoveryInfo { query, cf, tables } => {
                let recoveries = tables.iter().map(|table| self.ddl_ts.recover(cf, *table)).collect();
                Reply::TableRecovery { query, recoveries }
            }
            Inbox::Execute { query, mut transaction, .. } => match self.commit(&mut transaction) {
                Ok(()) => {
                    out.note(Note::Applied { client, query, transaction }.into());
                    Reply::Committed { query }
                }
                Err(why) => {
                    out.note(Note::RolledBack { client, query, why }.into());
                    Reply::Failed { query, why }
                }
            },
            Inbox::ExecuteDdl { query, cf, ddl } => self.execute_ddl(client, query, cf, ddl, out),
            Inbox::AddCheckpointTs { query, cf, checkpoint } => {
                out.note(Note::CheckpointApplied { client, query, cf, checkpoint }.into());
                Reply::Committed { query }
            }
            Inbox::CleanupRemovedChangefeed { query, cf } => {
                self.ddl_ts.forget(cf);
                out.note(Note::DdlTsForgotten { client, query, cf }.into());
                Reply::Cleaned { query }
            }
            Inbox::RemoveDdlTs { .. }
            | Inbox::WriteDdlTs { .. }
            | Inbox::WriteSyncPoint { .. }
            | Inbox::WriteBootstrap { .. } => {
                let query = inbox.query();
                out.note(self.note_down(client, inbox)?.into());
                Reply::Committed { query }
            }
            Inbox::WriteRedoLog { .. }
            | Inbox::WriteRedoDdl { .. }
            | Inbox::ReadRedoMeta { .. }
            | Inbox::WriteRedoMeta { .. }
            | Inbox::RemoveRedoLog { .. } => {
                let (note, reply) = self.store_redo(client, &inbox)?;
                note.into_iter().for_each(|note| out.note(note.into()));
                reply
            }
            Inbox::Disconnect { .. } => return None,
        })
    }

    /// A transaction lands in the tables that have the names of its tables now.
    fn commit(&mut self, transaction: &mut Transaction) -> Result<(), Failure> {
        if self.store.has_locks() {
            for change in &mut transaction.changes {
                change.table = self.catalog.table_of(transaction.cf, change.table, change.commit)?;
            }
        }
        self.store.commit(transaction)
    }

    /// A statement ends without an effect.
    pub(super) fn fail(&mut self, number: u32, why: Failure, now: Now, out: &mut Out) {
        let Some(statement) = self.statements.remove(&number) else { return };
        let (client, query) = (statement.from, statement.inbox.query());
        if let Inbox::Execute { .. } | Inbox::WriteRedoLog { .. } = statement.inbox {
            out.note(Note::RolledBack { client, query, why }.into());
        }
        if !statement.disconnected {
            out.send(client, Reply::Failed { query, why }.into());
        }
        let freed = self.unlock(number, &statement);
        self.go_on(freed, now, out);
    }

    /// Gives back the rows of a statement; the statements that have got one by that.
    fn unlock(&mut self, number: u32, statement: &Statement) -> Vec<u32> {
        if !self.store.has_locks() {
            return Vec::new();
        }
        self.locks.leave(number);
        let rows = (0..).map_while(|n| statement.row(n));
        rows.filter_map(|row| self.locks.release(number, row)).collect()
    }

    fn go_on(&mut self, freed: Vec<u32>, now: Now, out: &mut Out) {
        for number in freed {
            if self.faults.hangs().is_none() {
                self.begin(number, now, out);
            }
        }
    }
}
