//! The weather of a scenario, as it is written.

use serde::Deserialize;
use sim::Duration;

use crate::units::{Length, Share, Span};

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
