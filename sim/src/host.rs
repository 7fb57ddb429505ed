//! Hosts: failure domains with a clock, shared memory and actors.

use crate::{Clock, Latency, Machine, random::Stream};

/// A host, by its number in the layout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostId(pub u16);

/// A class of links, by its number in the layout. Class 0 is the ordinary one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Class(pub u8);

/// The local delays of a host.
#[derive(Clone, Copy, Debug, Default)]
pub struct HostWeather {
    /// From the door of the host, or from one of its actors, to an actor; none: at once.
    pub hop: Option<Latency>,
    /// How long a task that yields stands aside.
    pub yields: Latency,
    /// By how much an alarm rings late; none: never.
    pub slack: Option<Latency>,
    /// From the start of the host to the first step of its actors.
    pub boot: Latency,
}

/// One host of a layout.
#[derive(Clone, Debug)]
pub struct HostSpec<M: Machine> {
    /// Its name, one word, unique: part of the addresses of decisions.
    pub name: String,
    /// A link belongs to the higher class of its two ends.
    pub class: Class,
    /// Its clock at the start.
    pub clock: Clock,
    /// Its local delays.
    pub weather: HostWeather,
    /// What its actors share.
    pub shared: M::Shared,
    /// Its actors; they start in this order.
    pub actors: Vec<(M::Addr, M)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Up {
    Down,
    Running,
    Paused,
}

/// A host in a run.
#[derive(Clone, Debug)]
pub(crate) struct Host<M: Machine> {
    pub(crate) up: Up,
    /// How many times it has gone down: what was set or under way inside it before then is void.
    pub(crate) life: u32,
    /// Whether it is as it is now for ever: it was down or paused when only others healed.
    pub(crate) broken: bool,
    pub(crate) clock: Clock,
    pub(crate) weather: HostWeather,
    pub(crate) shared: M::Shared,
    /// Its actors, by number.
    pub(crate) actors: std::ops::Range<usize>,
    /// Slots of what has piled up while it is paused, in order.
    pub(crate) pile: Vec<u32>,
    pub(crate) boot: Stream,
}
