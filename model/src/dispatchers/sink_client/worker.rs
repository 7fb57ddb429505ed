//! One worker: its queue, the transaction that it writes, and whether it writes in safe mode.

use std::collections::VecDeque;

use sim::{Duration, Instant};

use crate::{
    RowKind,
    dispatchers::sink_client::{Event, TRANSACTION},
    sink::{Change, Class, Failure, Op, QueryId},
};

/// For how long a worker stays in safe mode after a duplicate key.
const SAFE: Duration = Duration::from_secs(5);

/// A worker of a sink client.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Worker {
    pub(super) queue: VecDeque<Event>,
    pub(super) state: State,
    /// The rows of its transaction.
    pub(super) batch: Vec<Event>,
    /// How often that transaction was tried in vain.
    tries: u32,
    /// Whether that transaction met a duplicate key.
    duplicate: bool,
    /// Whether it is sent one statement after the other, because it has failed as one packet.
    stepwise: bool,
    /// Since when it writes in safe mode because of a duplicate key.
    safe_since: Option<Instant>,
}

/// What a worker is at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum State {
    /// It waits for rows.
    #[default]
    Idle,
    /// It is about to look into its queue.
    Woken,
    /// Its transaction is on its way, or at the server.
    Writing { query: QueryId, since: Instant },
    /// Its transaction failed and will be tried again.
    BackingOff,
    /// It takes nothing any more.
    Ended,
}

/// What follows a failure.
pub(super) enum Next {
    /// The transaction is written again at once, in safe mode.
    Safely,
    /// It is written again later, after so many tries.
    Later(u32),
    /// The worker ends.
    Never,
}

impl Worker {
    /// Whether it is to be woken, which it is from now on.
    pub(super) fn wakes(&mut self) -> bool {
        let idle = self.state == State::Idle;
        if idle {
            self.state = State::Woken;
        }
        idle
    }

    pub(super) fn is_stepwise(&self) -> bool {
        self.stepwise
    }

    pub(super) fn query(&self) -> Option<QueryId> {
        match self.state {
            State::Writing { query, .. } => Some(query),
            State::Idle | State::Woken | State::BackingOff | State::Ended => None,
        }
    }

    /// Takes the rows of its next transaction; whether there are any.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        let rows = self.queue.len().min(TRANSACTION);
        self.batch.extend(self.queue.drain(..rows));
        (self.tries, self.duplicate, self.stepwise) = (0, false, false);
        self.safe_since = self.safe_since.filter(|since| now.since(*since) <= SAFE);
        rows > 0
    }

    /// What is done downstream: a row that may be there already is replaced.
    pub(super) fn changes(&self, class: Class) -> Vec<Change> {
        let mut changes = Vec::with_capacity(self.batch.len());
        for event in &self.batch {
            let safe =
                class.is_database() && (self.safe_since.is_some() || event.row.commit < event.creation);
            let (first, second) = match (event.row.kind, safe) {
                (RowKind::Insert, false) => (Op::Insert, None),
                (RowKind::Insert, true) => (Op::Replace, None),
                (RowKind::Update, false) => (Op::Update, None),
                (RowKind::Update, true) => (Op::Delete, Some(Op::Replace)),
                (RowKind::Delete, _) => (Op::Delete, None),
            };
            let Event { dispatcher: writer, span, row, .. } = *event;
            let change = |op| Change { op, table: span.table, key: row.key, commit: row.commit, writer };
            changes.push(change(first));
            changes.extend(second.map(change));
        }
        changes
    }

    /// Its transaction failed. The first duplicate key is no reason to give up.
    pub(super) fn fails(&mut self, why: Failure, class: Class, now: Instant) -> Next {
        if why == Failure::DuplicateEntry && !self.duplicate {
            self.safe_since.get_or_insert(now);
            (self.tries, self.duplicate, self.stepwise) = (0, true, false);
            return Next::Safely;
        }
        self.tries += 1;
        self.stepwise = class.is_database();
        if why.is_retryable() && self.tries < tries(class) { Next::Later(self.tries) } else { Next::Never }
    }

    /// Its transaction is downstream. Whether there is more to write.
    pub(super) fn goes_on(&mut self) -> bool {
        self.state = if self.queue.is_empty() { State::Idle } else { State::Woken };
        self.state == State::Woken
    }

    pub(super) fn end(&mut self) {
        self.state = State::Ended;
        self.queue.clear();
        self.batch.clear();
    }
}

/// How often a transaction is tried (`DMLMaxRetry`; of a Kafka producer, its retries and the first try).
fn tries(class: Class) -> u32 {
    match class {
        Class::Mysql | Class::Tidb => 8,
        Class::Kafka => 6,
    }
}

/// How long a connection waits for an answer. The deadline of a statement, 5 s later, is never reached.
pub(in crate::dispatchers) fn timeout(class: Class) -> Duration {
    match class {
        Class::Mysql | Class::Tidb => Duration::from_secs(120),
        Class::Kafka => Duration::from_secs(10),
    }
}

/// The pause after so many tries. `draw` gives a number below its argument.
pub(in crate::dispatchers) fn backoff(
    class: Class,
    tries: u32,
    mut draw: impl FnMut(u64) -> u64,
) -> Duration {
    /// `BackoffBaseDelay` and `BackoffMaxDelay`, in milliseconds.
    const BASE: u64 = 100;
    const CAP: u64 = 5000;
    Duration::from_millis(match class {
        Class::Mysql | Class::Tidb => {
            let half = CAP.min(BASE << tries) / 2;
            let range = 3 * (half + draw(half));
            CAP.min(BASE + draw(range))
        }
        Class::Kafka => BASE,
    })
}
