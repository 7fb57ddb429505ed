//! How a worker writes: it takes a transaction, sends it, and does so again until it is downstream or there is no hope.

use crate::{
    Cx,
    dispatchers::{
        Asker, Dispatchers, Manager, ManagerId, Note, Timer,
        sink_client::{
            Event,
            worker::{Next, State, backoff, timeout},
        },
    },
    sink::{self, Class, Failure, QueryId, Transaction},
};

impl Dispatchers {
    /// The loop of a sink client begins.
    pub(in crate::dispatchers) fn start_sink(&mut self, id: ManagerId, cx: &mut Cx) {
        let Some(manager) = self.managers.get_mut(&id) else { return };
        for worker in manager.sink.start() {
            cx.out.give_way(Timer::Worker { manager: id, worker }.into());
        }
    }

    /// A worker takes its next transaction; after an error of another one it ends instead.
    pub(in crate::dispatchers) fn work(&mut self, id: ManagerId, number: u32, cx: &mut Cx) {
        let Some(manager) = self.managers.get_mut(&id) else { return };
        let failed = manager.sink.failure.is_some();
        let worker = &mut manager.sink.workers[number as usize];
        if worker.state != State::Woken {
            return;
        }
        if failed {
            self.end_worker(id, number, cx);
        } else if worker.take(cx.now.steady) {
            self.write(id, number, cx);
        } else {
            worker.state = State::Idle;
        }
    }

    /// A worker sends its transaction, for the first time or once more.
    fn write(&mut self, id: ManagerId, number: u32, cx: &mut Cx) {
        let Some(manager) = self.managers.get_mut(&id) else { return };
        let (cf, class) = (manager.cf, manager.sink.class);
        let worker = &manager.sink.workers[number as usize];
        let (changes, stepwise) = (worker.changes(class), worker.is_stepwise());
        let query = self.ask(Asker::Write { manager: id, worker: number }, cx, |query| {
            let transaction = Box::new(Transaction { cf, changes });
            sink::Inbox::Execute { query, stepwise, transaction }
        });
        let Some(manager) = self.managers.get_mut(&id) else { return };
        manager.sink.workers[number as usize].state = State::Writing { query, since: cx.now.steady };
        manager.tell_started(number, query, cx);
        if !std::mem::replace(&mut manager.sink.watched, true) {
            cx.out.alarm(Timer::WriteTimeout { manager: id }.into(), timeout(class));
        }
    }

    /// The time for another try has come.
    pub(in crate::dispatchers) fn write_again(&mut self, id: ManagerId, number: u32, cx: &mut Cx) {
        let Some(manager) = self.managers.get(&id) else { return };
        if manager.sink.workers[number as usize].state == State::BackingOff {
            self.write(id, number, cx);
        }
    }

    /// The server has answered a worker.
    pub(in crate::dispatchers) fn written(
        &mut self,
        id: ManagerId,
        number: u32,
        reply: &sink::Reply,
        cx: &mut Cx,
    ) {
        match reply {
            sink::Reply::Committed { query } => self.committed(id, number, *query, cx),
            sink::Reply::Failed { query, why } => self.failed(id, number, *query, *why, cx),
            sink::Reply::Connected { .. }
            | sink::Reply::TableRecovery { .. }
            | sink::Reply::Cleaned { .. }
            | sink::Reply::RedoMeta { .. } => {}
        }
    }

    /// A transaction is downstream: each of its rows is struck from the progress of its dispatcher. A dispatcher whose
    /// whole batch is downstream goes on.
    fn committed(&mut self, id: ManagerId, number: u32, query: QueryId, cx: &mut Cx) {
        let resolved = self.resolved;
        let Some(Manager { cf, sink, dispatchers, .. }) = self.managers.get_mut(&id) else { return };
        let worker = &mut sink.workers[number as usize];
        let mut touched = false;
        for (n, event) in worker.batch.iter().enumerate() {
            sink.detector.finish(event);
            if is_first_of_its_dispatcher(&worker.batch, n) {
                cx.note(Note::WriteFlushed { cf: *cf, id: event.dispatcher, query });
            }
            let Some(one) = dispatchers.get_mut(&event.dispatcher) else {
                touched = true;
                continue;
            };
            one.progress.flushed(event.row.commit);
            if one.is_drained() {
                touched |= !one.registered;
                if one.wake(resolved) {
                    cx.out.give_way(Timer::Events { manager: id, dispatcher: event.dispatcher }.into());
                }
            }
        }
        worker.batch.clear();
        if sink.failure.is_some() {
            self.end_worker(id, number, cx);
        } else if worker.goes_on() {
            cx.out.give_way(Timer::Worker { manager: id, worker: number }.into());
        }
        if touched {
            self.touch();
        }
    }

    fn failed(&mut self, id: ManagerId, number: u32, query: QueryId, why: Failure, cx: &mut Cx) {
        let Some(manager) = self.managers.get_mut(&id) else { return };
        let (cf, class) = (manager.cf, manager.sink.class);
        let worker = &mut manager.sink.workers[number as usize];
        match worker.fails(why, class, cx.now.steady) {
            Next::Safely => {
                cx.note(Note::SafeMode { cf, worker: number, query });
                self.write(id, number, cx);
            }
            Next::Later(tries) => {
                worker.state = State::BackingOff;
                cx.note(Note::WriteFailed { cf, query, why });
                let draw = |below: u64| cx.out.choose("backoff", below as usize) as u64;
                let pause = backoff(class, tries, draw);
                cx.out.alarm(Timer::WriteAgain { manager: id, worker: number }.into(), pause);
            }
            Next::Never => {
                cx.note(Note::WorkerFailed { cf, worker: number, query, why });
                manager.sink.failure.get_or_insert(why.why());
                self.end_worker(id, number, cx);
                self.end_others(id, cx);
            }
        }
    }

    /// A worker has failed: those that wait for rows end. In a database client the others finish what they are at; those of
    /// a log share one producer, which is at its end.
    fn end_others(&mut self, id: ManagerId, cx: &mut Cx) {
        let Some(Manager { sink, .. }) = self.managers.get_mut(&id) else { return };
        for (number, worker) in (0..).zip(&mut sink.workers) {
            match worker.state {
                State::Idle => {
                    worker.state = State::Woken;
                    cx.out.give_way(Timer::Worker { manager: id, worker: number }.into());
                }
                State::Writing { query, .. } if sink.class == Class::Kafka => {
                    self.queries.remove(&query);
                    worker.state = State::Woken;
                    cx.out.give_way(Timer::Worker { manager: id, worker: number }.into());
                }
                State::BackingOff if sink.class == Class::Kafka => {
                    worker.state = State::Woken;
                    cx.out.give_way(Timer::Worker { manager: id, worker: number }.into());
                }
                State::Writing { .. } | State::BackingOff | State::Woken | State::Ended => {}
            }
        }
    }

    /// The sink is at an error only when its last worker has ended.
    fn end_worker(&mut self, id: ManagerId, number: u32, cx: &mut Cx) {
        let Some(Manager { cf, sink, .. }) = self.managers.get_mut(&id) else { return };
        sink.workers[number as usize].end();
        let Some(why) = sink.failure.filter(|_| !sink.is_running()) else { return };
        sink.normal = false;
        cx.note(Note::SinkFailed { cf: *cf, why });
        self.touch();
        self.report_error(id, why, cx);
    }

    /// Looks whether a transaction has waited too long for its answer: its connection counts as broken then, though the
    /// statement may go on at the server.
    pub(in crate::dispatchers) fn on_write_timeout(&mut self, id: ManagerId, cx: &mut Cx) {
        let Some(Manager { sink, .. }) = self.managers.get_mut(&id) else { return };
        let timeout = timeout(sink.class);
        let writing = |(number, state)| match state {
            State::Writing { query, since } => Some((number, query, since + timeout)),
            State::Idle | State::Woken | State::BackingOff | State::Ended => None,
        };
        let states = (0..).zip(sink.workers.iter().map(|worker| worker.state));
        let (late, waiting): (Vec<_>, Vec<_>) =
            states.filter_map(writing).partition(|(.., until)| *until <= cx.now.steady);
        let next = waiting.iter().map(|(.., until)| *until).min();
        sink.watched = next.is_some();
        if let Some(until) = next {
            cx.out.alarm(Timer::WriteTimeout { manager: id }.into(), until.since(cx.now.steady));
        }
        for (number, query, _) in late {
            self.disconnect(query, cx);
            self.failed(id, number, query, Failure::BadConnection, cx);
        }
    }
}

impl Manager {
    fn tell_started(&self, number: u32, query: QueryId, cx: &mut Cx) {
        let batch = &self.sink.workers[number as usize].batch;
        for (n, event) in batch.iter().enumerate() {
            if is_first_of_its_dispatcher(batch, n) {
                let (cf, id, span) = (self.cf, event.dispatcher, event.span);
                cx.note(Note::WriteStarted { cf, id, span, query });
            }
        }
    }
}

/// Whether no row before the n-th one of a transaction is of the same dispatcher.
fn is_first_of_its_dispatcher(batch: &[Event], n: usize) -> bool {
    batch[..n].iter().all(|event| event.dispatcher != batch[n].dispatcher)
}
