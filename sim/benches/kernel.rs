//! Events per second of the kernel, against a floor measured in the same run: the barest loop that does the same
//! three workloads, with std's heap, a ChaCha8 draw per message and a `match`, but no hosts, causes, records or digest.
//!
//! `cargo bench -p sim` prints medians; absolute figures depend on the machine, the ratios hardly.

#![allow(
    clippy::print_stdout,
    clippy::float_arithmetic,
    clippy::disallowed_methods,
    clippy::disallowed_types
)]
#![allow(missing_docs)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::{cmp::Reverse, collections::BinaryHeap, hint::black_box, time::Instant as Wall};

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};
use sim::{Decisions, Instant, Layout, Seed, Sim};
use support::Node;

const ROUNDS: usize = 11;

type Workload = (&'static str, fn() -> Layout<Node>, fn(u64) -> u64);

const WORKLOADS: [Workload; 3] = [
    ("W1 ping-pong", support::ping_pong, floor::ping_pong),
    ("W2 gossip", support::gossip, floor::gossip),
    ("W3 timers", support::timers, floor::timers),
];

fn main() {
    // Runs under `cargo test --benches` too: then once, quickly, to see that it works.
    let arg = std::env::args().nth(1).unwrap_or_default();
    // `--only kernel:W1` or `floor:W2` runs one of them once, for counting its instructions.
    if let Some(only) = arg.strip_prefix("--only=") {
        return only_one(only);
    }
    let quick = arg == "--test";
    let (rounds, events) = if quick { (1, 10_000) } else { (ROUNDS, 2_000_000) };
    println!("{:<14} {:>14} {:>14} {:>7}", "workload", "events/s", "floor", "ratio");
    for (name, layout, floor) in WORKLOADS {
        let (mut kernel_rates, mut floor_rates) = (Vec::new(), Vec::new());
        // Alternating, so that a slow moment of the machine meets both.
        for _ in 0..rounds {
            kernel_rates.push(rate(events, |events| kernel(layout(), events)));
            floor_rates.push(rate(events, floor));
        }
        let ratios = kernel_rates.iter().zip(&floor_rates).map(|(kernel, floor)| kernel / floor);
        let ratio = median(ratios.collect());
        let (kernel, floor) = (median(kernel_rates), median(floor_rates));
        println!("{name:<14} {kernel:>14.0} {floor:>14.0} {ratio:>7.2}");
    }
}

fn only_one(which: &str) {
    let events = 500_000;
    for (name, layout, floor) in WORKLOADS {
        match which.split_once(':') {
            Some(("kernel", workload)) if name.starts_with(workload) => black_box(kernel(layout(), events)),
            Some(("floor", workload)) if name.starts_with(workload) => black_box(floor(events)),
            _ => continue,
        };
        println!("{events} events of {which}");
    }
}

fn rate(events: u64, run: impl FnOnce(u64) -> u64) -> f64 {
    let start = Wall::now();
    let done = black_box(run(events));
    done as f64 / start.elapsed().as_secs_f64()
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

fn kernel(layout: Layout<Node>, events: u64) -> u64 {
    let mut sim = Sim::new(layout, Vec::new(), Seed(1), &Decisions::default());
    for _ in 0..events {
        sim.step(Instant::NEVER);
    }
    black_box(sim.digest());
    events
}

/// The bare loop: one program for all three workloads.
mod floor {
    use super::*;

    #[derive(PartialEq, Eq, PartialOrd, Ord)]
    enum Event {
        Ping { to: u8, n: u64 },
        Gossip { from: u8 },
        Rumour { from: u8, to: u8, body: [u64; 8] },
        Ack { to: u8 },
        Tick { host: u8, n: u32 },
    }

    struct Floor {
        heap: BinaryHeap<Reverse<(u64, u64, Event)>>,
        rng: ChaCha8Rng,
        sequence: u64,
        /// What a host has seen: something has to come of it.
        seen: [u64; 9],
    }

    const MS: u64 = 1_000_000;

    fn period(n: u32) -> u64 {
        10 * MS + u64::from(n) * 90_000
    }

    impl Floor {
        fn new() -> Floor {
            Floor { heap: BinaryHeap::new(), rng: ChaCha8Rng::from_seed([7; 32]), sequence: 0, seen: [0; 9] }
        }

        fn push(&mut self, at: u64, event: Event) {
            self.sequence += 1;
            self.heap.push(Reverse((at, self.sequence, event)));
        }

        fn delay(&mut self, min: u64, max: u64) -> u64 {
            let width = u128::from(max - min) + 1;
            min + ((u128::from(self.rng.next_u64()) * width) >> 64) as u64
        }

        fn lost(&mut self) -> bool {
            self.rng.next_u32() < u32::MAX / 100
        }

        fn run(mut self, events: u64) -> u64 {
            for _ in 0..events {
                let Some(Reverse((now, _, event))) = self.heap.pop() else { break };
                match event {
                    Event::Ping { to, n } => {
                        self.seen[usize::from(to)] += n;
                        let at = now + self.delay(MS, 10 * MS);
                        self.push(at, Event::Ping { to: 1 - to, n: n + 1 });
                    }
                    Event::Gossip { from } => {
                        for to in (0..9).filter(|to| *to != from) {
                            if !self.lost() {
                                let at = now + self.delay(MS, 50 * MS);
                                self.push(at, Event::Rumour { from, to, body: [now; 8] });
                            }
                        }
                        self.push(now + 100 * MS, Event::Gossip { from });
                    }
                    Event::Rumour { from, to, body } => {
                        self.seen[usize::from(to)] += body[7];
                        if !self.lost() {
                            let at = now + self.delay(MS, 50 * MS);
                            self.push(at, Event::Ack { to: from });
                        }
                    }
                    Event::Ack { to } => self.seen[usize::from(to)] += 1,
                    Event::Tick { host, n } => {
                        self.seen[usize::from(host)] += 1;
                        self.push(now + period(n), Event::Tick { host, n });
                    }
                }
            }
            black_box(self.seen);
            events
        }
    }

    pub(super) fn ping_pong(events: u64) -> u64 {
        let mut floor = Floor::new();
        floor.push(0, Event::Ping { to: 0, n: 0 });
        floor.run(events)
    }

    pub(super) fn gossip(events: u64) -> u64 {
        let mut floor = Floor::new();
        (0..9).for_each(|from| floor.push(0, Event::Gossip { from }));
        floor.run(events)
    }

    pub(super) fn timers(events: u64) -> u64 {
        let mut floor = Floor::new();
        (0..9).for_each(|host| (0..1000).for_each(|n| floor.push(period(n), Event::Tick { host, n })));
        floor.run(events)
    }
}
