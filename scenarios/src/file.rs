//! The scenario format: TOML, every field known, every name checked, and every complaint with its line.

use std::{collections::BTreeMap, num::NonZeroU32, ops::Range};

use serde::Deserialize;
use sim::Duration;
use toml::Spanned;

use crate::{
    Error,
    chaos::{self, Chaos},
    policy::PolicySpec,
    units::{Length, Nth, Share, Span},
};

/// A story that a colleague could retell, and what it shows.
#[derive(Clone, Debug)]
pub struct Scenario {
    name: String,
    text: String,
    pub(crate) file: File,
}

/// What a scenario says of a policy.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The policy.
    pub policy: PolicySpec,
    /// The invariants that it breaks, each in some seeds.
    pub breaks: Vec<String>,
    /// The invariants that it may break or not. All others hold in all seeds.
    pub may_break: Vec<String>,
    /// Notes of which each has to appear in some seed.
    pub witnesses: Vec<String>,
}

/// The contents of a scenario file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    /// What happens, in words.
    pub(crate) story: String,
    /// How many seeds show what is claimed.
    #[serde(default = "hundred")]
    pub(crate) seeds: u64,
    /// How long things may go wrong.
    pub(crate) run_for: Length,
    /// How long the cluster has to settle after that.
    pub(crate) settle_for: Length,
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
    /// Nodes that run another version before their first restart.
    #[serde(default)]
    pub(crate) old: BTreeMap<Spanned<String>, Spanned<String>>,
    /// How long a session lives without being renewed.
    #[serde(default = "ten_seconds")]
    pub(crate) session_ttl: Duration,
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

/// The weather of links and hosts; what is left out is fair.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Weather {
    pub(crate) peer: LinkWeather,
    pub(crate) etcd: LinkWeather,
    pub(crate) pd: LinkWeather,
    pub(crate) upstream: LinkWeather,
    pub(crate) sink: LinkWeather,
    pub(crate) node: NodeWeather,
    pub(crate) downstream: DownstreamWeather,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct LinkWeather {
    pub(crate) latency: Span,
    pub(crate) tail: Option<Tail>,
    pub(crate) loss: Share,
    pub(crate) copies: Share,
    /// How many messages may be under way in one direction.
    pub(crate) capacity: u32,
    /// What a thread had taken of a stream when its connection broke, and how late it goes on with it.
    pub(crate) straggler: Option<Tail>,
}

/// Rare long delays.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tail {
    pub(crate) share: Share,
    pub(crate) delay: Span,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct NodeWeather {
    /// From the door of the process to an actor, and between two actors.
    pub(crate) hop: Span,
    pub(crate) hop_tail: Option<Tail>,
    /// How long a handler stands aside where another thread can get in.
    pub(crate) yields: Span,
    /// By how much an alarm is late.
    pub(crate) slack: Span,
    /// How long a process takes to start.
    pub(crate) boot: Span,
    /// How long those of its modules take to end that are not modelled.
    pub(crate) modules: Span,
    /// How far a clock is off at the start, at most, forwards or backwards.
    pub(crate) clock_offset: Length,
    /// How fast or slow a clock runs, at most, in parts per million.
    pub(crate) clock_drift_ppm: u32,
    /// Whether one more message of a node that has left may be read.
    pub(crate) extra_one_after_removal: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct DownstreamWeather {
    /// How long a statement runs at the server.
    pub(crate) statement: Span,
    pub(crate) statement_tail: Option<Tail>,
}

impl Default for LinkWeather {
    fn default() -> LinkWeather {
        let latency = Span(Duration::from_micros(200), Duration::from_millis(2));
        let (loss, copies) = (Share::default(), Share::default());
        // The send and receive channels of the message centre hold so many.
        LinkWeather { latency, tail: None, loss, copies, capacity: 16_384, straggler: None }
    }
}

impl Default for NodeWeather {
    fn default() -> NodeWeather {
        let micros = |from, to| Span(Duration::from_micros(from), Duration::from_micros(to));
        NodeWeather {
            hop: micros(10, 300),
            hop_tail: None,
            yields: micros(5, 300),
            slack: micros(0, 300),
            boot: micros(0, 500_000),
            modules: micros(0, 0),
            clock_offset: Length(Duration::ZERO),
            clock_drift_ppm: 0,
            extra_one_after_removal: true,
        }
    }
}

impl Default for DownstreamWeather {
    fn default() -> DownstreamWeather {
        let statement = Span(Duration::from_millis(1), Duration::from_millis(20));
        DownstreamWeather { statement, statement_tail: None }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fault {
    pub(crate) when: When,
    /// The number of its draws, if it is not its place in the file: so it stays the same when others are left out.
    #[serde(default)]
    pub(crate) draws: Option<u32>,
    #[serde(rename = "do")]
    pub(crate) what: Do,
}

/// When a fault happens: at a time, or upon a moment of the protocol.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum When {
    At(Spanned<Span>),
    Upon(Upon),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Upon {
    /// The kind of a message that is delivered, or of a note.
    pub(crate) kind: Spanned<String>,
    /// Which of them.
    pub(crate) nth: Nth,
    /// Counting only those at this actor, such as `n2/dispatchers`.
    #[serde(default)]
    pub(crate) to: Option<Spanned<String>>,
    /// How long after.
    #[serde(default = "at_once")]
    pub(crate) after: Span,
}

fn at_once() -> Span {
    Span(Duration::ZERO, Duration::ZERO)
}

/// What goes wrong.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Do {
    /// The power is cut; the host comes back after a time, or at the calm.
    Crash(Crash),
    /// The process stops being scheduled.
    Pause(Pause),
    /// The wall clock jumps.
    ClockJump(ClockJump),
    /// The clock changes its rate.
    ClockDrift(ClockDrift),
    /// Links are cut or clogged.
    Cut(Cut),
    /// Links become slow.
    Slow(Slow),
    /// The lease of a node's session is revoked at etcd.
    RevokeLease(RevokeLease),
    /// Etcd has no leader for a while.
    EtcdLeaderChange(EtcdLeaderChange),
    /// Requests to etcd fail.
    EtcdError(EtcdError),
    /// A node's watches of etcd are late.
    EtcdSlowWatch(EtcdSlowWatch),
    /// Etcd forgets its history.
    EtcdCompaction(EtcdCompaction),
    /// The downstream's server is not available.
    DownstreamOutage(DownstreamOutage),
    /// Statements take longer at the downstream's server.
    SlowStatements(SlowStatements),
    /// Statements fail at the downstream's server.
    DownstreamError(DownstreamError),
    /// A user creates a changefeed that is not there.
    CreateChangefeed(Call),
    /// A user pauses a changefeed.
    PauseChangefeed(Call),
    /// A user resumes a changefeed.
    ResumeChangefeed(Resume),
    /// A user removes a changefeed.
    RemoveChangefeed(Call),
    /// A user changes the configuration of a changefeed.
    UpdateChangefeed(Call),
    /// The maintainer of a changefeed moves to another node.
    MoveMaintainer(OfChangefeed),
    /// A user moves a table to another node.
    MoveTable(MoveTable),
    /// A user splits a table by its regions.
    SplitTable(OfTable),
    /// A user merges two neighbouring spans of a table.
    MergeTable(OfTable),
    /// A user drains a node.
    DrainNode(DrainNode),
    /// A process is told to end, and comes back.
    Restart(Restart),
    /// All nodes are told to end and come back, one after the other.
    RollingRestart(RollingRestart),
}

impl Do {
    /// Whether it leaves etcd in a state that the calm has to end.
    pub(crate) fn is_of_etcd(&self) -> bool {
        matches!(self, Do::EtcdLeaderChange(_) | Do::EtcdError(_) | Do::EtcdSlowWatch(_))
    }

    /// Whether it leaves the downstream's server in a state that the calm has to end.
    pub(crate) fn is_of_the_downstream(&self) -> bool {
        matches!(self, Do::DownstreamOutage(_) | Do::SlowStatements(_) | Do::DownstreamError(_))
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Crash {
    pub(crate) who: Spanned<String>,
    #[serde(default)]
    pub(crate) back_after: Option<Span>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pause {
    pub(crate) who: Spanned<String>,
    #[serde(default, rename = "for")]
    pub(crate) lasts: Option<Span>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OfChangefeed {
    pub(crate) cf: Spanned<String>,
}

/// A call of the API.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Call {
    pub(crate) cf: Spanned<String>,
    /// The node that the user calls; without one it is whoever leads.
    #[serde(default)]
    pub(crate) at: Option<Spanned<String>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Resume {
    pub(crate) cf: Spanned<String>,
    #[serde(default)]
    pub(crate) at: Option<Spanned<String>>,
    /// From where it goes on, instead of from its checkpoint.
    #[serde(default)]
    pub(crate) overwrite: Option<Span>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MoveTable {
    pub(crate) cf: Spanned<String>,
    pub(crate) table: Spanned<String>,
    pub(crate) to: Spanned<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OfTable {
    pub(crate) cf: Spanned<String>,
    pub(crate) table: Spanned<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DrainNode {
    /// The node, and with it its first process.
    pub(crate) node: Spanned<String>,
    /// How often the user asks how far it is, and for how long.
    #[serde(default = "every_second")]
    pub(crate) every: Spanned<Length>,
    #[serde(rename = "for")]
    pub(crate) lasts: Length,
}

fn every_second() -> Spanned<Length> {
    Spanned::new(0..0, Length(Duration::from_secs(1)))
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Restart {
    pub(crate) who: Spanned<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RollingRestart {
    /// How long after the one the next follows.
    pub(crate) every: Span,
    /// How many nodes; all, if nothing is said.
    #[serde(default)]
    pub(crate) nodes: Option<Spanned<u32>>,
    /// For how long each node is drained before.
    #[serde(default)]
    pub(crate) drain: Option<Length>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClockJump {
    pub(crate) who: Spanned<String>,
    pub(crate) by: Span,
    #[serde(default)]
    pub(crate) backwards: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClockDrift {
    pub(crate) who: Spanned<String>,
    /// Parts per million fast; slow if negative.
    pub(crate) ppm: i32,
}

/// Links between two ends; both directions, unless one way is said, and of one class only if one is named.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cut {
    pub(crate) from: Spanned<Ends>,
    pub(crate) to: Spanned<Ends>,
    #[serde(default)]
    pub(crate) one_way: bool,
    #[serde(default)]
    pub(crate) class: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) mode: Mode,
    #[serde(default, rename = "for")]
    pub(crate) lasts: Option<Span>,
}

/// What becomes of messages on a cut link.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mode {
    /// They are lost.
    #[default]
    Drop,
    /// They come out in a burst after the heal.
    Hold,
    /// They are refused, and connections break.
    Reset,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Slow {
    pub(crate) from: Spanned<Ends>,
    pub(crate) to: Spanned<Ends>,
    #[serde(default)]
    pub(crate) one_way: bool,
    #[serde(default)]
    pub(crate) class: Option<Spanned<String>>,
    pub(crate) latency: Span,
    #[serde(default, rename = "for")]
    pub(crate) lasts: Option<Span>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RevokeLease {
    pub(crate) who: Spanned<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EtcdLeaderChange {
    #[serde(default, rename = "for")]
    pub(crate) lasts: Option<Span>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EtcdError {
    /// The kind of request that fails.
    #[serde(default)]
    pub(crate) kind: Option<Spanned<String>>,
    /// What its client hears.
    pub(crate) error: EtcdErrorKind,
    /// Whether it is carried out; without it that is chance.
    #[serde(default)]
    pub(crate) carried_out: Option<bool>,
    /// How many of them.
    #[serde(default = "every_one")]
    pub(crate) share: Share,
    /// And how many at most.
    #[serde(default)]
    pub(crate) times: Option<Nth>,
    #[serde(default, rename = "for")]
    pub(crate) lasts: Option<Span>,
}

/// What a client hears of a request that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EtcdErrorKind {
    /// The server says that it has taken too long.
    TimedOut,
    /// The connection ends without an answer.
    ConnectionLost,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EtcdSlowWatch {
    pub(crate) who: Spanned<String>,
    /// By how much.
    pub(crate) by: Span,
    #[serde(default, rename = "for")]
    pub(crate) lasts: Option<Span>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EtcdCompaction {
    /// How many revisions it keeps besides the present one.
    #[serde(default)]
    pub(crate) keep: u64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DownstreamOutage {
    #[serde(default)]
    pub(crate) mode: OutageMode,
    #[serde(default, rename = "for")]
    pub(crate) lasts: Option<Span>,
}

/// What the server does about calls while it is not available.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OutageMode {
    /// It refuses them, and breaks off what it was at.
    #[default]
    Refuse,
    /// It takes them, and does nothing until it is available again.
    Hang,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SlowStatements {
    pub(crate) duration: Span,
    /// The kind of call that is slow; none: every kind.
    #[serde(default)]
    pub(crate) kind: Option<Spanned<String>>,
    /// How many of them.
    #[serde(default = "every_one")]
    pub(crate) share: Share,
    #[serde(default, rename = "for")]
    pub(crate) lasts: Option<Span>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DownstreamError {
    /// Whether the same call may succeed at another try.
    pub(crate) retryable: bool,
    /// The kind of call that fails.
    #[serde(default)]
    pub(crate) kind: Option<Spanned<String>>,
    /// How many of them.
    #[serde(default = "every_one")]
    pub(crate) share: Share,
    /// And how many at most.
    #[serde(default)]
    pub(crate) times: Option<Nth>,
    #[serde(default, rename = "for")]
    pub(crate) lasts: Option<Span>,
}

fn every_one() -> Share {
    Share { per_million: 1_000_000 }
}

/// One host, several, or `all`.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "write a host such as \"n1\", a list of hosts, or \"all\"")]
pub(crate) enum Ends {
    One(String),
    Several(Vec<String>),
}

/// One name or several.
#[derive(Clone, Debug, Deserialize)]
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

impl Scenario {
    /// Reads a scenario. `at` names the file in complaints.
    pub fn parse(name: &str, at: &str, text: &str) -> Result<Scenario, Error> {
        let place = Place { at, text };
        let file: File = toml::from_str(text).map_err(|error| {
            let message = error.message().trim_end().replace('\n', "; ");
            place.error(error.span().unwrap_or(0..0), message)
        })?;
        crate::draw::check(&file, &place)?;
        Ok(Scenario { name: name.to_owned(), text: text.to_owned(), file })
    }

    /// The file as a table.
    pub(crate) fn table(&self) -> toml::Table {
        toml::from_str(&self.text).expect("it was read before")
    }

    /// The same with another table, if that is a scenario.
    pub(crate) fn changed(&self, table: &toml::Table) -> Option<Scenario> {
        Scenario::parse(&self.name, &self.name, &toml::to_string(table).ok()?).ok()
    }

    /// What a seed makes of it: itself, unless it has chaos.
    pub fn concrete(&self, seed: sim::Seed) -> Scenario {
        let Some(chaos) = &self.file.chaos else { return self.clone() };
        let table = chaos::draw(&self.table(), chaos, self.file.run_for.0, seed);
        let text = toml::to_string(&table).expect("tables can be written");
        Scenario::parse(&self.name, &format!("{} as drawn by seed {seed}", self.name), &text)
            .unwrap_or_else(|error| panic!("what was drawn is no scenario: {error}\n{text}"))
    }

    /// Whether a seed draws what goes wrong.
    pub fn has_chaos(&self) -> bool {
        self.file.chaos.is_some()
    }

    /// The name by which it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file, as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What happens, in words.
    pub fn story(&self) -> &str {
        self.file.story.trim()
    }

    /// How long things may go wrong in it, and how long the cluster has to settle after that.
    pub(crate) fn phases(&self) -> (Duration, Duration) {
        (self.file.run_for.0, self.file.settle_for.0)
    }

    /// How long a run of it is, in simulated time.
    pub fn length(&self) -> Duration {
        self.file.run_for.0 + self.file.settle_for.0
    }

    /// How large what it simulates is, in words.
    pub fn size(&self) -> String {
        let count = |n: u32, what: &str| if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") };
        let File { cluster, workload, run_for, settle_for, .. } = &self.file;
        let (nodes, changefeeds) = (*cluster.nodes.get_ref(), *cluster.changefeeds.get_ref());
        let (nodes, changefeeds) = (count(nodes, "node"), count(changefeeds, "changefeed"));
        let tables = count(*workload.tables.get_ref(), "table");
        format!("{nodes}, {changefeeds} of {tables}, for {} and {} to settle", run_for.0, settle_for.0)
    }

    /// How many seeds show what is claimed.
    pub fn seeds(&self) -> u64 {
        self.file.seeds
    }

    /// What it says of policies.
    pub fn claims(&self) -> Vec<Claim> {
        let names = |names: &Option<Spanned<Names>>| {
            names.as_ref().map(|names| names.get_ref().all().to_vec()).unwrap_or_default()
        };
        let claims = self.file.claims.iter().map(|claim| Claim {
            policy: PolicySpec::parse(claim.policy.get_ref()).expect("it was checked when the file was read"),
            breaks: names(&claim.breaks),
            may_break: names(&claim.may_break),
            witnesses: claim.witnesses.iter().map(|witness| witness.get_ref().clone()).collect(),
        });
        claims.collect()
    }

    /// What it says of this policy.
    pub fn claim(&self, policy: &PolicySpec) -> Option<Claim> {
        self.claims().into_iter().find(|claim| claim.policy.name() == policy.name())
    }
}

/// As much is shown of a line: a file that is none of TOML may be one long line.
const SHOWN: usize = 200;

/// Where complaints about a file are placed.
pub(crate) struct Place<'a> {
    at: &'a str,
    text: &'a str,
}

impl Place<'_> {
    /// A complaint about a part of the file, given in bytes.
    pub(crate) fn error(&self, span: Range<usize>, what: impl Into<String>) -> Error {
        let before = &self.text[..self.text.floor_char_boundary(span.start)];
        let line = before.matches('\n').count() + 1;
        let column = before.len() - before.rfind('\n').map_or(0, |newline| newline + 1) + 1;
        let shown: String = self.text.lines().nth(line - 1).unwrap_or_default().chars().take(SHOWN).collect();
        Error::new(format!("{}:{line}:{column}", self.at), format!("{}\n  | {shown}", what.into()))
    }
}
