//! Which worker writes a row: one that conflicts with rows that are not downstream yet goes where those are.

use std::collections::BTreeMap;

use crate::{DispatcherId, dispatchers::sink_client::Event, sink::Class};

/// The key of a row; two dispatchers have none in common, whatever their spans.
type Key = (DispatcherId, u32);

/// The conflict detector; of a log, the choice of the partition.
#[derive(Clone, Debug, Hash)]
pub(super) struct Detector {
    class: Class,
    /// The worker that has the rows of a key, and how many of them.
    unfinished: BTreeMap<Key, (u32, u32)>,
    /// Rows without conflict are dealt out in turn.
    dealt: u32,
}

impl Detector {
    pub(super) fn new(class: Class) -> Detector {
        Detector { class, unfinished: BTreeMap::new(), dealt: 0 }
    }

    pub(super) fn assign(&mut self, event: &Event, workers: usize) -> u32 {
        let workers = u32::try_from(workers).expect("workers are few");
        if !self.class.is_database() {
            return event.span.table.0 % workers;
        }
        let key = (event.dispatcher, event.row.key);
        let (worker, rows) = self.unfinished.entry(key).or_insert_with(|| {
            self.dealt = (self.dealt + 1) % workers;
            (self.dealt, 0)
        });
        *rows += 1;
        *worker
    }

    /// A row is downstream.
    pub(super) fn finish(&mut self, event: &Event) {
        let key = (event.dispatcher, event.row.key);
        if let Some((_, rows)) = self.unfinished.get_mut(&key) {
            *rows -= 1;
            if *rows == 0 {
                self.unfinished.remove(&key);
            }
        }
    }
}
