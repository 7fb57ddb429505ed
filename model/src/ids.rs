//! Names of things. Each prints with its letter, so that any line can be read alone.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use sim::{Duration, Instant};

use crate::vocabulary::{heard, words};

/// One process of TiCDC. A restarted process is another node: its id is new (server start makes a fresh UUID).
///
/// Prints as `n1` for the first process on the first machine, `n1.2` for the second one there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId {
    /// The machine, counted from one.
    pub slot: u8,
    /// How many processes ran there before.
    pub life: u8,
}

/// A changefeed, by its unique id: one that is created again under the same name is another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChangefeedId(pub u8);

/// A table. Table 0 stands for the DDL stream, which the table trigger reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableId(pub u32);

/// A database of the upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SchemaId(pub u32);

/// What a table is called: its database, and its name there. A name can be used again after its table was dropped.
///
/// Prints as `db1.a2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableName {
    /// The database.
    pub schema: SchemaId,
    /// The name in it.
    pub name: u32,
}

/// A range of keys of one table, `from` inclusive to `to` exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The table.
    pub table: TableId,
    /// Its first key.
    pub from: u32,
    /// The first key behind it.
    pub to: u32,
}

/// A dispatcher and the replica of a span that it stands for: unique in a run, as 128-bit random ids are.
///
/// Prints as `d7@n1`: the seventh id that node n1 made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DispatcherId {
    /// Who made it.
    pub maker: NodeId,
    /// How many it had made by then.
    pub n: u32,
}

/// The generation of a maintainer. Zero: its sender knows nothing of epochs.
///
/// Prints as `e7`; one that PD's oracle gave, `(milliseconds << 18) + logical`, as `e@5003` or `e@5003+1`; one from the clock of a
/// node, in nanoseconds, as `e-clock@5003000000`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u64);

/// The epoch in the configuration that a message brings along, where it is not the epoch of the message itself.
///
/// Prints as `config-e7`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConfigEpoch(pub Epoch);

/// A commit, resolved or checkpoint timestamp: microseconds of true time since the start of the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ts(pub u64);

/// Ordinary replication, or its redo twin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Writes downstream.
    Default,
    /// Writes the redo log.
    Redo,
}

/// The part of an actor in its node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// Session, membership, election, watchdog.
    Server,
    /// The coordinator, where it is elected.
    Coordinator,
    /// The maintainer manager and its maintainers.
    Maintainers,
    /// The dispatcher orchestrator, its managers and their dispatchers.
    Dispatchers,
    /// The message centre.
    Messages,
}

/// Where an actor is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Addr {
    /// The metadata store.
    Etcd,
    /// The placement driver: the timestamp oracle.
    Pd,
    /// What is replicated from.
    Upstream,
    /// What is replicated to.
    Sink,
    /// A part of a node.
    Node(NodeId, Place),
}

impl TableId {
    /// The DDL stream.
    pub const TRIGGER: TableId = TableId(0);
    /// In the records of the downstream: the last syncpoint, which counts for all tables (table -1 in the real system).
    pub const SYNC_POINT: TableId = TableId(u32::MAX);
}

impl DispatcherId {
    /// No dispatcher: an id that a message leaves out. Prints as `d0@n0`.
    pub const NONE: DispatcherId = DispatcherId { maker: NodeId { slot: 0, life: 0 }, n: 0 };
}

impl Span {
    /// The end of the key space of every table.
    pub const KEYS: u32 = 1 << 20;

    /// The whole of a table.
    pub const fn whole(table: TableId) -> Span {
        Span { table, from: 0, to: Span::KEYS }
    }

    /// The span of a table trigger.
    pub const TRIGGER: Span = Span::whole(TableId::TRIGGER);

    /// Whether a key of the table is in it.
    pub fn has(self, key: u32) -> bool {
        (self.from..self.to).contains(&key)
    }

    /// The two as one span, if the other one begins where this one ends.
    pub fn joined(self, next: Span) -> Option<Span> {
        let consecutive = self.table == next.table && self.to == next.from;
        consecutive.then_some(Span { to: next.to, ..self })
    }

    /// Whether every key of the other one is in it.
    pub fn includes(self, other: Span) -> bool {
        self.table == other.table && self.from <= other.from && other.to <= self.to
    }

    /// Whether some key is in both.
    pub fn overlaps(self, other: Span) -> bool {
        self.table == other.table && self.from < other.to && other.from < self.to
    }
}

impl Epoch {
    /// Known to nobody: the sender is of a version without epochs.
    pub const NONE: Epoch = Epoch(0);
    /// The start of a run as the clock of a node tells it: nanoseconds since 1970. PD tells the same time in another unit, so
    /// every epoch from a clock is larger than every one from PD: 1.78e18 to 4.67e17 in 2026.
    const CLOCK: u64 = 1_780_000_000_000_000_000;

    /// The epoch that a wall clock gives.
    pub(crate) fn of_clock(wall: Instant) -> Epoch {
        Epoch(Epoch::CLOCK + wall.nanos())
    }

    /// Whether two parties that may be of different versions can mean the same generation.
    pub fn matches(self, other: Epoch) -> bool {
        self == other || self == Epoch::NONE || other == Epoch::NONE
    }
}

impl ConfigEpoch {
    /// What a message of an epoch says of that in the configuration.
    pub(crate) fn beside(epoch: Epoch, config: Epoch) -> Option<ConfigEpoch> {
        (config != epoch).then_some(ConfigEpoch(config))
    }

    /// The epoch in the configuration that came with a message of an epoch.
    pub(crate) fn of(config: Option<ConfigEpoch>, epoch: Epoch) -> Epoch {
        config.map_or(epoch, |config| config.0)
    }
}

impl Ts {
    /// No timestamp; checkpoint 0 is a fatal error in the real system.
    pub const NONE: Ts = Ts(0);
    /// Nothing to report: the watermark of a manager without dispatchers.
    pub const INFINITE: Ts = Ts(u64::MAX);

    /// The timestamp of a moment.
    pub const fn at(time: Instant) -> Ts {
        Ts(time.nanos() / 1000)
    }

    /// So much later.
    #[must_use]
    pub(crate) const fn plus(self, length: Duration) -> Ts {
        Ts(self.0.saturating_add(length.nanos() / 1000))
    }

    /// The timestamp just before.
    #[must_use]
    pub const fn before(self) -> Ts {
        Ts(self.0.saturating_sub(1))
    }
}

impl Addr {
    /// The node of an actor, if it is one of a node's.
    pub fn node(self) -> Option<NodeId> {
        match self {
            Addr::Node(node, _) => Some(node),
            Addr::Etcd | Addr::Pd | Addr::Upstream | Addr::Sink => None,
        }
    }
}

impl sim::Address for Addr {
    #[inline]
    fn index(self) -> usize {
        match self {
            Addr::Etcd => 0,
            Addr::Pd => 1,
            Addr::Upstream => 2,
            Addr::Sink => 3,
            Addr::Node(node, place) => 5 * usize::from(node.slot) + place as usize,
        }
    }

    fn reborn(self) -> Addr {
        match self {
            Addr::Node(NodeId { slot, life }, place) => Addr::Node(NodeId { slot, life: life + 1 }, place),
            service => service,
        }
    }
}

heard!(NodeId, ChangefeedId, TableId, SchemaId, TableName, Span, DispatcherId, Epoch, ConfigEpoch, Ts, Addr);

words! {
    Mode { Default => "default", Redo => "redo" }
    Place {
        Server => "server",
        Coordinator => "coordinator",
        Maintainers => "maintainers",
        Dispatchers => "dispatchers",
        Messages => "messages",
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n{}", self.slot)?;
        if self.life > 0 { write!(f, ".{}", self.life + 1) } else { Ok(()) }
    }
}

impl fmt::Display for ChangefeedId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cf{}", self.0)
    }
}

impl fmt::Display for TableId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            TableId::TRIGGER => f.write_str("ddl"),
            TableId::SYNC_POINT => f.write_str("syncpoint"),
            TableId(n) => write!(f, "t{n}"),
        }
    }
}

impl fmt::Display for SchemaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "db{}", self.0)
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.a{}", self.schema, self.name)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.table.fmt(f)?;
        match (self.from, self.to) {
            (0, Span::KEYS) => Ok(()),
            (from, Span::KEYS) => write!(f, "[{from}..)"),
            (from, to) => write!(f, "[{from}..{to})"),
        }
    }
}

impl fmt::Display for DispatcherId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "d{}@{}", self.n, self.maker)
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(nanos) = self.0.checked_sub(Epoch::CLOCK)
            && nanos < Epoch::CLOCK
        {
            return write!(f, "e-clock@{nanos}");
        }
        match (self.0 >> 18, self.0 & ((1 << 18) - 1)) {
            (0, small) => write!(f, "e{small}"),
            (millis, 0) => write!(f, "e@{millis}"),
            (millis, logical) => write!(f, "e@{millis}+{logical}"),
        }
    }
}

impl fmt::Display for ConfigEpoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "config-{}", self.0)
    }
}

impl fmt::Display for Ts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Ts::INFINITE { f.write_str("ts-infinite") } else { write!(f, "ts{}", self.0) }
    }
}

impl fmt::Display for Addr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Addr::Etcd => f.write_str("etcd"),
            Addr::Pd => f.write_str("pd"),
            Addr::Upstream => f.write_str("upstream"),
            Addr::Sink => f.write_str("sink"),
            Addr::Node(node, place) => write!(f, "{node}/{place}"),
        }
    }
}

/// The number behind a letter: `cf7`.
fn numbered<T: FromStr>(word: &str, letter: &str) -> Option<T> {
    word.strip_prefix(letter)?.parse().ok()
}

impl FromStr for NodeId {
    type Err = &'static str;

    fn from_str(word: &str) -> Result<NodeId, &'static str> {
        let (slot, life) = word.split_once('.').unwrap_or((word, "1"));
        let life: Option<u8> = life.parse().ok();
        numbered(slot, "n")
            .zip(life.and_then(|life| life.checked_sub(1)))
            .map(|(slot, life)| NodeId { slot, life })
            .ok_or("a node such as n1")
    }
}

impl FromStr for ChangefeedId {
    type Err = &'static str;

    fn from_str(word: &str) -> Result<ChangefeedId, &'static str> {
        numbered(word, "cf").map(ChangefeedId).ok_or("a changefeed such as cf1")
    }
}

impl FromStr for TableId {
    type Err = &'static str;

    fn from_str(word: &str) -> Result<TableId, &'static str> {
        match word {
            "ddl" => Ok(TableId::TRIGGER),
            "syncpoint" => Ok(TableId::SYNC_POINT),
            _ => numbered(word, "t").map(TableId).ok_or("a table such as t1, or ddl"),
        }
    }
}

impl FromStr for SchemaId {
    type Err = &'static str;

    fn from_str(word: &str) -> Result<SchemaId, &'static str> {
        numbered(word, "db").map(SchemaId).ok_or("a database such as db1")
    }
}

impl FromStr for TableName {
    type Err = &'static str;

    fn from_str(word: &str) -> Result<TableName, &'static str> {
        let (schema, name) = word.split_once('.').unwrap_or((word, ""));
        let parts = schema.parse().ok().zip(numbered(name, "a"));
        parts.map(|(schema, name)| TableName { schema, name }).ok_or("the name of a table such as db1.a2")
    }
}

impl FromStr for Span {
    type Err = &'static str;

    fn from_str(word: &str) -> Result<Span, &'static str> {
        let right = "a span such as t1, t1[0..10) or ddl";
        let Some((table, range)) = word.split_once('[') else {
            return word.parse().map(Span::whole).map_err(|_| right);
        };
        let table = table.parse().map_err(|_| right)?;
        let (from, to) = range.strip_suffix(')').and_then(|range| range.split_once("..")).ok_or(right)?;
        let to = if to.is_empty() { Some(Span::KEYS) } else { to.parse().ok() };
        from.parse().ok().zip(to).map(|(from, to)| Span { table, from, to }).ok_or(right)
    }
}

impl FromStr for DispatcherId {
    type Err = &'static str;

    fn from_str(word: &str) -> Result<DispatcherId, &'static str> {
        let (n, maker) = word.split_once('@').unwrap_or((word, ""));
        let n = numbered(n, "d");
        n.zip(maker.parse().ok())
            .map(|(n, maker)| DispatcherId { maker, n })
            .ok_or("a dispatcher such as d7@n1")
    }
}

impl FromStr for Epoch {
    type Err = &'static str;

    fn from_str(word: &str) -> Result<Epoch, &'static str> {
        let oracle = word.strip_prefix("e@").map(|stamp| {
            let (millis, logical) = stamp.split_once('+').unwrap_or((stamp, "0"));
            let parts = millis.parse::<u64>().ok().zip(logical.parse::<u64>().ok());
            parts.map(|(millis, logical)| (millis << 18) + logical)
        });
        let clock = word.strip_prefix("e-clock@").map(|nanos| nanos.parse::<u64>().ok());
        let clock = clock.map(|nanos| nanos.and_then(|nanos| nanos.checked_add(Epoch::CLOCK)));
        oracle
            .or(clock)
            .unwrap_or_else(|| numbered(word, "e"))
            .map(Epoch)
            .ok_or("an epoch such as e7 or e@5003")
    }
}

impl FromStr for ConfigEpoch {
    type Err = &'static str;

    fn from_str(word: &str) -> Result<ConfigEpoch, &'static str> {
        let epoch = word.strip_prefix("config-").and_then(|epoch| epoch.parse().ok());
        epoch.map(ConfigEpoch).ok_or("an epoch such as config-e7")
    }
}

impl FromStr for Ts {
    type Err = &'static str;

    fn from_str(word: &str) -> Result<Ts, &'static str> {
        let ts = if word == "ts-infinite" { Some(u64::MAX) } else { numbered(word, "ts") };
        ts.map(Ts).ok_or("a timestamp such as ts10")
    }
}

impl FromStr for Addr {
    type Err = &'static str;

    fn from_str(word: &str) -> Result<Addr, &'static str> {
        let right = "an actor such as n1/maintainers, etcd, pd, upstream or sink";
        match (word, word.split_once('/')) {
            ("etcd", _) => Ok(Addr::Etcd),
            ("pd", _) => Ok(Addr::Pd),
            ("upstream", _) => Ok(Addr::Upstream),
            ("sink", _) => Ok(Addr::Sink),
            (_, Some((node, place))) => node
                .parse()
                .ok()
                .zip(place.parse().ok())
                .map(|(node, place)| Addr::Node(node, place))
                .ok_or(right),
            _ => Err(right),
        }
    }
}
