//! Delays inside a host: hops between actors, yields, late alarms.

use crate::{
    Duration, Kind, Latency, Machine,
    random::{Random, Stream},
};

/// Streams of randomness by actor and kind, each with its number of decisions so far. An actor is named by the address
/// of its first life, so that a later life continues the same streams.
#[derive(Clone, Debug)]
struct Table {
    what: &'static str,
    kinds: usize,
    /// One more than the index into `streams`; zero: not opened yet.
    index: Vec<u32>,
    streams: Vec<(Stream, u64)>,
}

impl Table {
    fn new(what: &'static str, actors: usize, kinds: usize) -> Table {
        Table { what, kinds, index: vec![0; actors * kinds], streams: Vec::new() }
    }

    #[inline]
    fn delay<M: Machine, K: Kind>(
        &mut self,
        random: &mut Random,
        (actor, home): (usize, M::Addr),
        kind: usize,
        latency: &Latency,
    ) -> Duration {
        let index = actor * self.kinds + kind;
        if self.index[index] == 0 {
            let stream = random.stream(&format!("{} {home} {}", self.what, K::name(kind)));
            self.streams.push((stream, 0));
            self.index[index] = u32::try_from(self.streams.len()).expect("actors and kinds are few");
        }
        let (stream, n) = &mut self.streams[self.index[index] as usize - 1];
        *n += 1;
        random.delay(stream, *n - 1, latency)
    }
}

/// All local delays of a run.
#[derive(Clone, Debug)]
pub(crate) struct Local {
    hops: Table,
    yields: Table,
    slack: Table,
}

impl Local {
    pub(crate) fn new<M: Machine>(actors: usize) -> Local {
        Local {
            hops: Table::new("hop", actors, M::Msg::KINDS),
            yields: Table::new("yield", actors, M::Timer::KINDS),
            slack: Table::new("slack", actors, M::Timer::KINDS),
        }
    }

    #[inline]
    pub(crate) fn hop<M: Machine>(
        &mut self,
        random: &mut Random,
        to: (usize, M::Addr),
        msg: &M::Msg,
        latency: &Latency,
    ) -> Duration {
        self.hops.delay::<M, M::Msg>(random, to, msg.kind(), latency)
    }

    #[inline]
    pub(crate) fn yields<M: Machine>(
        &mut self,
        random: &mut Random,
        actor: (usize, M::Addr),
        timer: &M::Timer,
        latency: &Latency,
    ) -> Duration {
        self.yields.delay::<M, M::Timer>(random, actor, timer.kind(), latency)
    }

    #[inline]
    pub(crate) fn slack<M: Machine>(
        &mut self,
        random: &mut Random,
        actor: (usize, M::Addr),
        timer: &M::Timer,
        latency: &Latency,
    ) -> Duration {
        self.slack.delay::<M, M::Timer>(random, actor, timer.kind(), latency)
    }
}
