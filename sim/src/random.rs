//! Randomness with an address, not a turn.
//!
//! Every kind of decision at every place (this link and message kind, that host, …) reads a ChaCha8 stream of its
//! own, and every decision of a stream takes as many words of it: one for yes or no, two for anything else. The n-th
//! decision therefore has a fixed position, one decision more in one place moves no decision anywhere else, a decision
//! can be looked up again by its [`crate::DecisionAddress`], and another value can be put in its place ([`Decisions`]).

use std::fmt;

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

use crate::{
    Decided, Decision, Decisions, Duration,
    decisions::{Special, stream_id},
};

/// What all randomness of a run follows from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seed(pub u64);

/// A distribution of delays: uniform between two lengths, and rarely a draw from a second, longer range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Latency {
    /// The shortest and the longest ordinary delay.
    pub range: (Duration, Duration),
    /// The heavy tail: how many of a million delays come from the second range, and that range.
    pub tail: Option<(u32, (Duration, Duration))>,
}

impl Latency {
    /// Uniform between two lengths.
    pub const fn uniform(min: Duration, max: Duration) -> Latency {
        Latency { range: (min, max), tail: None }
    }

    /// Always the same.
    pub const fn fixed(length: Duration) -> Latency {
        Latency::uniform(length, length)
    }

    /// The same without its tail.
    pub const fn calm(self) -> Latency {
        Latency { range: self.range, tail: None }
    }

    /// Whether there is only one delay.
    #[inline(always)]
    pub(crate) fn is_fixed(&self) -> bool {
        self.range.0 == self.range.1 && self.tail.is_none()
    }

    pub(crate) fn nominal(&self) -> Duration {
        let (min, max) = self.range;
        min + (max - min).split(2)
    }

    /// The longest there is.
    pub(crate) fn longest(&self) -> Duration {
        let ordinary = self.range.1;
        self.tail.map_or(ordinary, |(_, (_, longest))| ordinary.max(longest))
    }

    /// The ordinary delay at this place of the range, in parts of 2³².
    #[inline(always)]
    pub(crate) fn at(&self, place: u32) -> Duration {
        within(self.range, place)
    }

    #[inline(always)]
    fn sample(&self, (which, amount): (u32, u32)) -> Duration {
        let range = match self.tail {
            Some((per_million, tail)) if chance(which, per_million) => tail,
            _ => self.range,
        };
        within(range, amount)
    }
}

#[inline(always)]
fn within((min, max): (Duration, Duration), place: u32) -> Duration {
    let width = u128::from((max - min).nanos()) + 1;
    min + Duration::from_nanos(((u128::from(place) * width) >> 32) as u64)
}

#[inline]
fn chance(word: u32, per_million: u32) -> bool {
    (u64::from(word) * 1_000_000) >> 32 < u64::from(per_million)
}

/// Draws before a run begins: of a workload, of the times of faults. A stream of its own for every name.
#[derive(Clone, Debug)]
pub struct Draws {
    random: Random,
    stream: Stream,
    n: u64,
}

impl Draws {
    /// The draws of this name under this seed.
    pub fn new(seed: Seed, name: &str) -> Draws {
        let random = Random::new(seed, &Decisions::default());
        Draws { random, stream: Stream::named(&format!("draw {name}")), n: 0 }
    }

    /// A number below `among`, which is not zero.
    pub fn below(&mut self, among: u64) -> u64 {
        assert!(among > 0, "a draw among nothing");
        self.n += 1;
        self.random.pick(&mut self.stream, self.n - 1, among)
    }

    /// A length between two, both included.
    pub fn between(&mut self, min: Duration, max: Duration) -> Duration {
        min + Duration::from_nanos(self.below((max - min).nanos() + 1))
    }
}

/// One stream of decisions.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    id: u64,
    /// The decision at which the generator stands.
    stands_at: u64,
    /// Made at the first draw: most streams of most runs are never read.
    generator: Option<Box<ChaCha8Rng>>,
}

/// What all streams of a run have in common.
#[derive(Clone, Debug)]
pub(crate) struct Random {
    key: [u8; 32],
    /// If anything is decided otherwise than by its stream, or a list is kept.
    special: Option<Box<Special>>,
}

impl Random {
    pub(crate) fn new(seed: Seed, decisions: &Decisions) -> Random {
        let mut key = *b"________ addressed randomness/1 ";
        key[..8].copy_from_slice(&seed.0.to_le_bytes());
        Random { key, special: Special::of(decisions) }
    }

    /// The stream of this name.
    pub(crate) fn stream(&mut self, name: &str) -> Stream {
        let stream = Stream::named(name);
        if let Some(special) = &mut self.special {
            special.named(stream.id, name);
        }
        stream
    }

    /// Whether anything is decided otherwise than by its stream, or a list is kept.
    pub(crate) fn is_special(&self) -> bool {
        self.special.is_some()
    }

    /// How many of the overrides have been applied so far.
    pub(crate) fn overrides_used(&self) -> usize {
        self.special.as_ref().map_or(0, |special| special.overrides_used())
    }

    /// What was decided otherwise than nominally, in order, if a list is kept.
    pub(crate) fn decided(&self) -> impl Iterator<Item = Decided> {
        self.special.iter().flat_map(|special| special.log())
    }

    #[inline(always)]
    pub(crate) fn delay(&mut self, stream: &mut Stream, n: u64, latency: &Latency) -> Duration {
        if self.special.is_some() {
            return self.special_delay(stream, n, latency);
        }
        self.seeded_delay(stream, n, latency)
    }

    #[inline(always)]
    fn seeded_delay(&self, stream: &mut Stream, n: u64, latency: &Latency) -> Duration {
        if latency.is_fixed() {
            return latency.range.0;
        }
        latency.sample(stream.words(&self.key, n))
    }

    #[cold]
    fn special_delay(&mut self, stream: &mut Stream, n: u64, latency: &Latency) -> Duration {
        let length = self.special.as_mut().and_then(|special| special.delay(stream.id, n, latency));
        let length = length.unwrap_or_else(|| self.seeded_delay(stream, n, latency));
        self.keep(stream, n, Decision::Delay(length), Decision::Delay(latency.nominal()));
        length
    }

    #[inline]
    pub(crate) fn whether(&mut self, stream: &mut Stream, n: u64, per_million: u32) -> bool {
        let made = self.special.as_mut().and_then(|special| special.whether(stream.id, n));
        let answer = made.unwrap_or_else(|| {
            per_million > 0 && chance(stream.generator(&self.key, n, 1).next_u32(), per_million)
        });
        self.keep(stream, n, Decision::Whether(answer), Decision::Whether(false));
        answer
    }

    #[inline]
    pub(crate) fn pick(&mut self, stream: &mut Stream, n: u64, among: u64) -> u64 {
        let made = self.special.as_mut().and_then(|special| special.pick(stream.id, n, among));
        let one = made.unwrap_or_else(|| {
            if among == 1 {
                return 0;
            }
            let (low, high) = stream.words(&self.key, n);
            let word = u64::from(high) << 32 | u64::from(low);
            ((u128::from(word) * u128::from(among)) >> 64) as u64
        });
        self.keep(stream, n, Decision::Pick(one), Decision::Pick(0));
        one
    }

    #[inline]
    fn keep(&mut self, stream: &Stream, n: u64, decision: Decision, nominal: Decision) {
        if let Some(special) = &mut self.special {
            special.decided(stream.id, n, decision, nominal);
        }
    }
}

impl Stream {
    /// The stream of this name.
    pub(crate) fn named(name: &str) -> Stream {
        Stream { id: stream_id(name), stands_at: 0, generator: None }
    }

    #[inline(always)]
    fn words(&mut self, key: &[u8; 32], n: u64) -> (u32, u32) {
        let both = self.generator(key, n, 2).next_u64();
        (both as u32, (both >> 32) as u32)
    }

    /// The generator of a stream whose decisions take this many words, standing at its n-th decision.
    #[inline(always)]
    fn generator(&mut self, key: &[u8; 32], n: u64, words: u64) -> &mut ChaCha8Rng {
        if self.stands_at != n || self.generator.is_none() {
            self.seek(key, n * words);
        }
        self.stands_at = n + 1;
        self.generator.as_mut().expect("it was just made")
    }

    #[cold]
    fn seek(&mut self, key: &[u8; 32], word: u64) {
        let generator = self.generator.get_or_insert_with(|| {
            let mut generator = ChaCha8Rng::from_seed(*key);
            generator.set_stream(self.id);
            Box::new(generator)
        });
        generator.set_word_pos(word.into());
    }
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RANGE: Latency = Latency {
        range: (Duration::from_millis(1), Duration::from_millis(3)),
        tail: Some((10_000, (Duration::from_secs(1), Duration::from_secs(2)))),
    };

    fn random(seed: u64) -> Random {
        Random::new(Seed(seed), &Decisions::default())
    }

    proptest! {
        /// The property that everything else rests on.
        #[test]
        fn a_draw_in_one_stream_leaves_every_other_alone(
            seed: u64,
            noise in prop::collection::vec((0..4_usize, 0..100_u64), 0..50),
        ) {
            let (mut quiet, mut noisy) = (random(seed), random(seed));
            let mut here = Stream::named("latency n1>n2 Hello");
            let expected: Vec<_> = (0..20).map(|n| quiet.delay(&mut here, n, &RANGE)).collect();

            let others = ["loss n1>n2 Hello", "latency n2>n1 Hello", "latency n1>n2 Goodbye", "hop n1"];
            let mut others = others.map(Stream::named);
            let mut here = Stream::named("latency n1>n2 Hello");
            let mut found = Vec::new();
            for n in 0..20 {
                for (which, at) in &noise {
                    noisy.whether(&mut others[*which], *at, 500_000);
                }
                found.push(noisy.delay(&mut here, n, &RANGE));
            }
            prop_assert_eq!(found, expected);
        }

        /// An address means the same decision whatever was asked before.
        #[test]
        fn decisions_do_not_depend_on_the_order_of_asking(seed: u64, mut order in Just((0..64_u64).collect::<Vec<_>>()).prop_shuffle()) {
            let mut random = random(seed);
            let mut stream = Stream::named("choice n1");
            let mut found: Vec<_> = order.iter().map(|n| (*n, random.pick(&mut stream, *n, 1000))).collect();
            found.sort_unstable();
            order.sort_unstable();
            let expected: Vec<_> = order.iter().map(|n| (*n, random.pick(&mut stream, *n, 1000))).collect();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn delays_stay_in_their_ranges(seed: u64) {
            let mut random = random(seed);
            let mut stream = Stream::named("latency");
            for n in 0..1000 {
                let nanos = random.delay(&mut stream, n, &RANGE).nanos();
                prop_assert!((1_000_000..=3_000_000).contains(&nanos) || (1_000_000_000..=2_000_000_000).contains(&nanos));
            }
        }
    }

    #[test]
    fn an_override_stands_for_one_decision() {
        let address: crate::DecisionAddress = "latency n1>n2 Hello #3".parse().unwrap();
        assert_eq!(address.to_string(), "latency n1>n2 Hello #3");
        let late = Decision::Delay(Duration::from_secs(9));
        let decisions = Decisions { overrides: [(address, late)].into(), ..Decisions::default() };
        let (mut plain, mut changed) = (random(7), Random::new(Seed(7), &decisions));
        let (mut one, mut two) = (Stream::named("latency n1>n2 Hello"), Stream::named("latency n1>n2 Hello"));
        for n in 0..10 {
            let expected = if n == 3 { Duration::from_secs(9) } else { plain.delay(&mut one, n, &RANGE) };
            assert_eq!(changed.delay(&mut two, n, &RANGE), expected);
        }
        assert_eq!(changed.overrides_used(), 1);
    }

    #[test]
    fn nominal_weather_is_the_middle() {
        let mut random = Random::new(Seed(1), &Decisions::nominal_but([].into()));
        let mut stream = Stream::named("anything");
        assert_eq!(random.delay(&mut stream, 0, &RANGE), Duration::from_millis(2));
        assert!(!random.whether(&mut stream, 1, 1_000_000));
        assert_eq!(random.pick(&mut stream, 2, 9), 0);
    }

    /// A change of these numbers changes the meaning of every seed.
    #[test]
    fn the_draws_are_part_of_the_format() {
        let mut random = random(42);
        let mut stream = Stream::named("latency n1>n2 Hello");
        let draws: Vec<_> = (0..4).map(|n| random.pick(&mut stream, n, 1_000_000)).collect();
        insta::assert_debug_snapshot!(draws, @"
        [
            631276,
            579281,
            413010,
            904112,
        ]
        ");
    }
}
