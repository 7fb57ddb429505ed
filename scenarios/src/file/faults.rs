//! What goes wrong and what users do, as it is written.

use serde::Deserialize;
use sim::Duration;
use toml::Spanned;

use crate::units::{Length, Nth, Share, Span};

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
    /// A user wants another node to lead.
    ResignOwner(ResignOwner),
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
pub(crate) struct ResignOwner {
    /// The node that is called; without it the one that leads.
    #[serde(default)]
    pub(crate) at: Option<Spanned<String>>,
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
