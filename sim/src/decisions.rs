//! Decisions by address: which there are, and what is decided otherwise than by the seed.

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{Duration, Latency, digest::mix};

/// Names one decision of a run: the stream it is read from and its number in there, counted from zero.
///
/// Prints as `latency n1>n2 ScheduleDispatcherRequest #3`. The names come from the layout of the run and from the
/// kinds of its messages, so an address keeps its meaning while those names exist.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// What is decided, where, and for what: words separated by single spaces.
    pub stream: String,
    /// How many decisions of this stream come before.
    pub n: u64,
}

/// What was, or is to be, decided at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// It takes this long.
    Delay(Duration),
    /// It happens, or not.
    Whether(bool),
    /// This one of several, counted from zero; beyond the last it means the last.
    Pick(u64),
}

/// Decisions that are not left to chance.
#[derive(Clone, Debug, Default)]
pub struct Decisions {
    /// Instead of what the stream says.
    pub overrides: BTreeMap<Address, Decision>,
    /// How everything without an override falls.
    pub otherwise: Otherwise,
    /// Whether the run keeps a list of what was decided ([`crate::Sim::decided`]).
    pub logged: bool,
}

/// How decisions fall that nobody has made before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Otherwise {
    /// As the seed says.
    #[default]
    Seeded,
    /// Each takes its nominal value: the middle of its range, not lost, not copied, the first of several.
    Nominal,
    /// Delays by priorities; everything else as the seed says.
    Prioritized(Priorities),
}

/// Probabilistic concurrency testing (Burckhardt et al., ASPLOS 2010), for delays: every stream of delays has a priority of
/// its own, the first of all being the fastest, and at a few moments the stream whose turn it is becomes the slowest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Priorities {
    /// What the priorities follow from.
    pub key: u64,
    /// At which delays, counted from zero over all streams, a stream is put last; in ascending order.
    pub changes: Vec<u64>,
}

impl Decisions {
    /// These decisions; everything else takes its nominal value.
    pub fn nominal_but(overrides: BTreeMap<Address, Decision>) -> Decisions {
        Decisions { overrides, otherwise: Otherwise::Nominal, logged: false }
    }

    /// Whether all is left to the seed, and nobody wants to know.
    fn are_ordinary(&self) -> bool {
        self.overrides.is_empty() && self.otherwise == Otherwise::Seeded && !self.logged
    }
}

/// Something that was decided otherwise than nominally.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// Where.
    pub address: Address,
    /// What.
    pub decision: Decision,
    /// What the nominal value would have been.
    pub nominal: Decision,
}

/// What a run needs to know if not all of it is left to the seed.
#[derive(Clone, Debug)]
pub(crate) struct Special {
    /// With those that have been applied.
    overrides: BTreeMap<(u64, u64), (Decision, bool)>,
    otherwise: Otherwise,
    /// How many delays have been decided.
    delays: u64,
    /// The streams that were put last, the last of them at the end.
    last: Vec<u64>,
    log: Option<Log>,
}

#[derive(Clone, Debug, Default)]
struct Log {
    names: BTreeMap<u64, String>,
    entries: Vec<(u64, u64, Decision, Decision)>,
}

impl Special {
    /// Nothing, if there is nothing special.
    pub(crate) fn of(decisions: &Decisions) -> Option<Box<Special>> {
        if decisions.are_ordinary() {
            return None;
        }
        let overrides = decisions.overrides.iter();
        let overrides = overrides
            .map(|(address, decision)| ((stream_id(&address.stream), address.n), (*decision, false)))
            .collect();
        let log = decisions.logged.then(Log::default);
        let otherwise = decisions.otherwise.clone();
        Some(Box::new(Special { overrides, otherwise, delays: 0, last: Vec::new(), log }))
    }

    /// A stream has this name.
    pub(crate) fn named(&mut self, id: u64, name: &str) {
        if let Some(log) = &mut self.log {
            log.names.insert(id, name.to_owned());
        }
    }

    /// A delay, if it is not left to its stream.
    pub(crate) fn delay(&mut self, stream: u64, n: u64, latency: &Latency) -> Option<Duration> {
        if let Some(Decision::Delay(length)) = self.overridden(stream, n) {
            return Some(length);
        }
        if latency.is_fixed() {
            return None;
        }
        self.delays += 1;
        match &self.otherwise {
            Otherwise::Seeded => None,
            Otherwise::Nominal => Some(latency.nominal()),
            Otherwise::Prioritized(priorities) => {
                if priorities.changes.binary_search(&(self.delays - 1)).is_ok() {
                    self.last.push(stream);
                }
                Some(match self.last.contains(&stream) {
                    true => latency.longest(),
                    false => latency.at((mix(stream ^ priorities.key) >> 32) as u32),
                })
            }
        }
    }

    /// Whether something happens, if it is not left to its stream.
    pub(crate) fn whether(&mut self, stream: u64, n: u64) -> Option<bool> {
        match self.overridden(stream, n) {
            Some(Decision::Whether(answer)) => Some(answer),
            _ => (self.otherwise == Otherwise::Nominal).then_some(false),
        }
    }

    /// Which one of several, if it is not left to its stream.
    pub(crate) fn pick(&mut self, stream: u64, n: u64, among: u64) -> Option<u64> {
        match self.overridden(stream, n) {
            Some(Decision::Pick(one)) => Some(one.min(among - 1)),
            _ => (self.otherwise == Otherwise::Nominal).then_some(0),
        }
    }

    fn overridden(&mut self, stream: u64, n: u64) -> Option<Decision> {
        let (decision, applied) = self.overrides.get_mut(&(stream, n))?;
        *applied = true;
        Some(*decision)
    }

    /// Keeps what was decided.
    pub(crate) fn decided(&mut self, stream: u64, n: u64, decision: Decision, nominal: Decision) {
        if let Some(log) = &mut self.log
            && decision != nominal
        {
            log.entries.push((stream, n, decision, nominal));
        }
    }

    /// How many of the overrides have been applied.
    pub(crate) fn overrides_used(&self) -> usize {
        self.overrides.values().filter(|(_, applied)| *applied).count()
    }

    /// What was decided otherwise than nominally, in order.
    pub(crate) fn log(&self) -> impl Iterator<Item = Decided> {
        let log = self.log.as_ref();
        log.into_iter().flat_map(|log| {
            log.entries.iter().map(|(stream, n, decision, nominal)| {
                let stream = log.names.get(stream).cloned().unwrap_or_default();
                let address = Address { stream, n: *n };
                Decided { address, decision: *decision, nominal: *nominal }
            })
        })
    }
}

/// The stream number of a name. Part of the meaning of a seed: FNV-1a over the bytes, then mixed.
pub(crate) fn stream_id(name: &str) -> u64 {
    let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    mix(name.bytes().fold(0xcbf2_9ce4_8422_2325, fold))
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} #{}", self.stream, self.n)
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Address, String> {
        let parts = text.rsplit_once(" #").and_then(|(stream, n)| Some((stream, n.parse().ok()?)));
        let (stream, n) = parts.ok_or_else(|| {
            format!("`{text}` is no address of a decision; one reads `latency n1>n2 SomeMessage #3`")
        })?;
        Ok(Address { stream: stream.to_owned(), n })
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Address, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}
