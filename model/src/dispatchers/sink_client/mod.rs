//! The sink client of a manager: it takes rows from all dispatchers, hands them to workers, and each worker writes one
//! transaction at a time.
//!
//! Rows that conflict go to the same worker and keep their order. That holds within one manager; nothing orders the
//! writers of different managers.

mod detector;
mod errors;
mod worker;
mod writing;

use crate::{
    DispatcherId, Row, Span, Ts,
    sink::{Class, Downstream, QueryId},
};
use detector::Detector;
pub(super) use errors::Errors;
use worker::{State, Worker};
pub(super) use worker::{backoff, timeout};

/// Rows of one transaction (`max-txn-row`).
const TRANSACTION: usize = 256;

/// A row on its way downstream.
#[derive(Clone, Copy, Debug, Hash)]
pub(super) struct Event {
    pub(super) dispatcher: DispatcherId,
    pub(super) span: Span,
    pub(super) row: Row,
    /// When its dispatcher was created (`ReplicatingTs`): what was committed before may be downstream already.
    pub(super) creation: Ts,
}

/// The sink client.
#[derive(Clone, Debug, Hash)]
pub(super) struct SinkClient {
    class: Class,
    detector: Detector,
    workers: Vec<Worker>,
    /// Whether its loop has begun; before that, rows wait.
    started: bool,
    /// Whether it has seen no error (`IsNormal`).
    normal: bool,
    /// The first error of a worker: no worker takes anything more.
    failure: Option<&'static str>,
    /// Whether an alarm looks after transactions that get no answer.
    watched: bool,
}

impl SinkClient {
    pub(super) fn new(downstream: Downstream) -> SinkClient {
        let Downstream { class, workers, .. } = downstream;
        let workers = (0..workers).map(|_| Worker::default()).collect();
        let (detector, failure) = (Detector::new(class), None);
        SinkClient { class, detector, workers, started: false, normal: true, failure, watched: false }
    }

    /// How many rows a dispatcher may hand over at once.
    pub(super) fn batch(&self) -> usize {
        match self.class {
            Class::Mysql | Class::Tidb => TRANSACTION * self.workers.len(),
            Class::Kafka => 4096,
        }
    }

    /// Whether dispatchers that are removed wait until their rows are downstream.
    pub(super) fn is_normal(&self) -> bool {
        self.normal
    }

    /// A part of it that is no worker has failed: from now on nobody waits for rows, though workers go on.
    pub(super) fn set_abnormal(&mut self) {
        self.normal = false;
    }

    /// Whether some worker may still write.
    pub(super) fn is_running(&self) -> bool {
        self.started && self.workers.iter().any(|worker| worker.state != State::Ended)
    }

    /// Takes a row; the worker to wake, if one is. After an error it is lost.
    pub(super) fn add(&mut self, event: Event) -> Option<u32> {
        if self.failure.is_some() {
            return None;
        }
        let number = self.detector.assign(&event, self.workers.len());
        let worker = self.workers.get_mut(number as usize)?;
        worker.queue.push_back(event);
        (self.started && worker.wakes()).then_some(number)
    }

    /// The loop begins; the workers to wake.
    pub(super) fn start(&mut self) -> Vec<u32> {
        self.started = true;
        let waiting = (0..).zip(&mut self.workers).filter(|(_, worker)| !worker.queue.is_empty());
        waiting.filter_map(|(number, worker)| worker.wakes().then_some(number)).collect()
    }

    /// Its context is cancelled: all workers end; the transactions that were under way.
    pub(super) fn cancel(&mut self) -> Vec<QueryId> {
        self.normal = false;
        self.failure.get_or_insert("context cancelled");
        let under_way = self.workers.iter().filter_map(Worker::query).collect();
        for worker in &mut self.workers {
            worker.end();
        }
        under_way
    }

    /// How many transactions are on their way, or at the server.
    pub(super) fn unanswered(&self) -> usize {
        self.workers.iter().filter(|worker| worker.query().is_some()).count()
    }

    /// The rows that workers have.
    pub(super) fn events(&self) -> impl Iterator<Item = &Event> {
        self.workers.iter().flat_map(|worker| worker.queue.iter().chain(&worker.batch))
    }
}
