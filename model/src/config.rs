//! How changefeeds are configured. All changefeeds of a run are configured alike.

use sim::Duration;

use crate::sink::Downstream;

/// The configuration of a changefeed, as far as the protocol depends on it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangefeedConfig {
    /// Whether it is to be replicated with low latency rather than high throughput (`performance-mode`).
    pub low_latency: bool,
    /// Whether everything is written to a redo log before it is written downstream (`consistent.level = "eventual"`).
    pub redo: bool,
    /// The downstream (`sink-uri`).
    pub downstream: Downstream,
    /// How its spans are scheduled.
    pub scheduling: Scheduling,
    /// What the upstream collects, and what of that is kept. Without it nothing is ever collected, and nobody asks.
    pub gc: Option<Gc>,
}

/// What the upstream collects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gc {
    /// How long something is kept for changefeeds that stand still (`gc-ttl` of the servers).
    pub ttl: Duration,
    /// How long the upstream keeps everything (`tikv_gc_life_time`).
    pub life: Duration,
}

/// The configuration of the schedulers (`scheduler`), and that of the servers as far as it concerns them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scheduling {
    /// Whether a table may be split over several nodes (`enable-table-across-nodes`).
    pub split_tables: bool,
    /// A table with more regions is split (`region-threshold`).
    pub region_threshold: u32,
    /// How many regions a span has at most when its table is split at first (`region-count-per-span`).
    pub regions_per_span: u32,
    /// How often regions are counted again (`region-count-refresh-interval`).
    pub region_refresh: Duration,
    /// How many spans of a split table a node is given at once (`scheduling-task-count-per-node`).
    pub tasks_per_node: u32,
    /// How many operators there are at once, and how many a controller asks in a row (`add-table-batch-size`).
    pub add_batch: u32,
    /// How many tables are split or moved in one run for balance (`balance-move-batch-size`).
    pub move_batch: u32,
    /// How often it is looked whether the nodes have as much to do (`check-balance-interval`), where that can be said.
    pub balance_every: Duration,
}

impl Default for Scheduling {
    fn default() -> Scheduling {
        Scheduling {
            split_tables: false,
            region_threshold: 10_000,
            regions_per_span: 100,
            region_refresh: Duration::from_secs(300),
            tasks_per_node: 20,
            add_batch: 10_000,
            move_batch: 1024,
            balance_every: Duration::from_secs(15),
        }
    }
}
