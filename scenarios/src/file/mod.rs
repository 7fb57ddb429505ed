//! The scenario format: TOML, every field known.

mod faults;
mod weather;

use std::{collections::BTreeMap, num::NonZeroU32};

use serde::Deserialize;
use sim::Duration;
use toml::Spanned;

use crate::{
    about::{Issue, Topic},
    chaos::Chaos,
    units::{Length, Share},
};
pub(crate) use faults::*;
pub(crate) use weather::*;

/// The contents of a scenario file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    /// What happens, in words.
    pub(crate) story: String,
    /// What it is about.
    pub(crate) topic: Option<Topic>,
    /// The issues and pull requests that it is after.
    #[serde(default)]
    pub(crate) issues: Vec<Issue>,
    /// How many seeds show what is claimed.
    #[serde(default = "hundred")]
    pub(crate) seeds: u64,
    /// How long things may go wrong.
    pub(crate) run_for: Length,
    /// How long the cluster has to settle after that.
    pub(crate) settle_for: Length,
    /// What heals after the fault phase; if nothing is said, the seed decides.
    pub(crate) ending: Option<Spanned<Ending>>,
    pub(crate) cluster: Cluster,
    pub(crate) workload: Workload,
    #[serde(default)]
    pub(crate) downstream: Downstream,
    #[serde(default)]
    pub(crate) scheduling: Scheduling,
    #[serde(default)]
    pub(crate) weather: Weather,
    #[serde(default, rename = "fault")]
    pub(crate) faults: Vec<Fault>,
    /// What a seed may make of all this.
    pub(crate) chaos: Option<Chaos>,
    #[serde(default, rename = "claim")]
    pub(crate) claims: Vec<ClaimText>,
}

/// What heals after the fault phase.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "write ending = \"calm\", \"core\", or { core = [\"n1\"] }")]
pub(crate) enum Ending {
    Named(NamedEnding),
    Nodes(CoreOf),
}

/// An ending that the seed works out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NamedEnding {
    /// Everything.
    Calm,
    /// The services, and some of the nodes.
    Core,
}

/// The services, and these nodes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CoreOf {
    pub(crate) core: Vec<String>,
}

fn hundred() -> u64 {
    100
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cluster {
    pub(crate) nodes: Spanned<u32>,
    #[serde(default = "one")]
    pub(crate) changefeeds: Spanned<u32>,
    /// Whether changefeeds are replicated with low latency rather than high throughput.
    #[serde(default)]
    pub(crate) low_latency: bool,
    /// Whether everything is written to a redo log first.
    #[serde(default)]
    pub(crate) redo: bool,
    /// Where changefeeds end, as the time upstream; those that are not named do not.
    #[serde(default)]
    pub(crate) targets: BTreeMap<Spanned<String>, Spanned<Duration>>,
    /// What the upstream collects.
    pub(crate) gc: Option<Gc>,
    /// Whether the descriptions of changefeeds have been written by a version that did not know all sections.
    #[serde(default)]
    pub(crate) old_metadata: bool,
    /// Nodes that run another version before their first restart.
    #[serde(default)]
    pub(crate) old: BTreeMap<Spanned<String>, Spanned<String>>,
    /// How long a session lives without being renewed.
    #[serde(default = "ten_seconds")]
    pub(crate) session_ttl: Duration,
}

/// What the upstream collects.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Gc {
    /// How long something is kept for changefeeds that stand still.
    #[serde(default = "a_day")]
    pub(crate) ttl: Duration,
    /// How long everything is kept.
    #[serde(default = "ten_minutes")]
    pub(crate) life: Duration,
}

fn a_day() -> Duration {
    Duration::from_secs(24 * 60 * 60)
}

fn ten_minutes() -> Duration {
    Duration::from_secs(600)
}

fn ten_seconds() -> Duration {
    Duration::from_secs(10)
}

fn one() -> Spanned<u32> {
    Spanned::new(0..0, 1)
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Workload {
    pub(crate) tables: Spanned<u32>,
    /// How often a row of a table changes, on average.
    pub(crate) row_every: Spanned<Length>,
    /// How many rows a table has, at most.
    pub(crate) rows: Spanned<u32>,
    /// How many changes delete their row, if it exists.
    #[serde(default = "a_tenth")]
    pub(crate) deletes: Share,
    /// How many databases the tables are dealt out to.
    #[serde(default = "one")]
    pub(crate) databases: Spanned<u32>,
    /// How often the schema changes, on average.
    pub(crate) ddl_every: Option<Spanned<Duration>>,
    /// What kinds of changes these are; all, if none is named.
    #[serde(default)]
    pub(crate) ddls: Vec<Spanned<String>>,
    /// Further changes of the schema, at given times.
    #[serde(default, rename = "ddl")]
    pub(crate) named_ddls: Vec<NamedDdl>,
    /// How far syncpoints are apart.
    pub(crate) syncpoint_every: Option<Spanned<Duration>>,
    /// How many regions each table has at the beginning.
    #[serde(default = "one")]
    pub(crate) regions: Spanned<u32>,
    /// How many it has later.
    #[serde(default)]
    pub(crate) growth: Vec<Growth>,
}

fn a_tenth() -> Share {
    Share { per_million: 100_000 }
}

/// From when on each table has how many regions.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Growth {
    pub(crate) at: Duration,
    pub(crate) regions: Spanned<u32>,
}

/// How maintainers give spans to nodes.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Scheduling {
    /// Whether a table may be split over several nodes.
    pub(crate) split_tables: bool,
    /// A table with more regions is split.
    pub(crate) region_threshold: Spanned<u32>,
    /// How many regions a span has at most when its table is split at first.
    pub(crate) regions_per_span: Spanned<u32>,
    /// How often regions are counted again.
    pub(crate) region_refresh: Spanned<Duration>,
    /// How many spans of a split table a node is given at once.
    pub(crate) tasks_per_node: Spanned<u32>,
    /// How many operators there are at once.
    pub(crate) add_batch: Spanned<u32>,
    /// How many tables are split or moved in one run for balance.
    pub(crate) move_batch: Spanned<u32>,
    /// How often it is looked whether the nodes have as much to do.
    pub(crate) balance_every: Spanned<Duration>,
}

impl Default for Scheduling {
    fn default() -> Scheduling {
        let defaults = model::Scheduling::default();
        let spanned = |value: u32| Spanned::new(0..0, value);
        Scheduling {
            split_tables: defaults.split_tables,
            region_threshold: spanned(defaults.region_threshold),
            regions_per_span: spanned(defaults.regions_per_span),
            region_refresh: Spanned::new(0..0, defaults.region_refresh),
            tasks_per_node: spanned(defaults.tasks_per_node),
            add_batch: spanned(defaults.add_batch),
            move_batch: spanned(defaults.move_batch),
            balance_every: Spanned::new(0..0, defaults.balance_every),
        }
    }
}

/// What the changefeeds write to.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Downstream {
    pub(crate) class: Class,
    /// How many workers write at once; of a log, how many partitions it has.
    pub(crate) workers: Option<Spanned<u32>>,
    /// Whether it is told of every table when a changefeed begins.
    pub(crate) bootstrap: bool,
}

/// What kind of a system the downstream is.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Class {
    #[default]
    Mysql,
    Tidb,
    Kafka,
}

/// A DDL at a given time.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NamedDdl {
    pub(crate) at: Duration,
    pub(crate) kind: Spanned<String>,
    /// Which table or database, counted from one in the order of names.
    #[serde(default = "first")]
    pub(crate) nth: NonZeroU32,
    /// Which database it is renamed to, or which partition goes.
    #[serde(default = "first")]
    pub(crate) to: NonZeroU32,
}

fn first() -> NonZeroU32 {
    NonZeroU32::MIN
}

/// One name or several.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "write an invariant such as \"single_writer\", or a list of invariants")]
pub(crate) enum Names {
    One(String),
    Several(Vec<String>),
}

impl Names {
    pub(crate) fn all(&self) -> &[String] {
        match self {
            Names::One(name) => std::slice::from_ref(name),
            Names::Several(names) => names,
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClaimText {
    pub(crate) policy: Spanned<String>,
    /// The invariants that this policy breaks; without any everything holds.
    #[serde(default)]
    pub(crate) breaks: Option<Spanned<Names>>,
    /// The invariants of which it does not matter whether they hold.
    #[serde(default)]
    pub(crate) may_break: Option<Spanned<Names>>,
    /// Notes without which nothing has been shown.
    #[serde(default)]
    pub(crate) witnesses: Vec<Spanned<String>>,
}
