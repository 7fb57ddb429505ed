//! What it costs to watch: runs with all invariants against the same runs with none, in one process.
//!
//! `cargo bench -p scenarios --bench invariants` prints the median of the ratios, and what each invariant adds by itself. The
//! target is twice the time of a run that nobody watches, at most.

#![allow(
    clippy::print_stdout,
    clippy::float_arithmetic,
    clippy::disallowed_methods,
    clippy::disallowed_types
)]
#![allow(missing_docs)]

use std::{hint::black_box, time::Instant as Wall};

use scenarios::{Decisions, PolicySpec, Scenario, Seed, catalogue, invariants, run::run};

/// What is run: scenarios of different kinds.
const SCENARIOS: [&str; 4] = ["quiet-cluster", "delayed-create", "ddl-over-failover", "busy-cluster"];

fn main() {
    // Runs under `cargo test --benches` too: then once, quickly, to see that it works.
    let measures = std::env::args().any(|arg| arg == "--bench");
    let (rounds, seeds) = if measures { (7, 8) } else { (1, 1) };
    let policy = PolicySpec::parse("master").expect("a preset");
    for name in SCENARIOS {
        let all = catalogue::find(name).expect("it is in the catalogue");
        let none = all.without(&["all"]).expect("all of them");
        println!(
            "{name}: with all invariants {:.2} times as long as with none",
            ratio(&all, &none, &policy, rounds, seeds)
        );
        if !measures {
            continue;
        }
        for one in invariants::ALL {
            let others: Vec<&str> =
                invariants::ALL.iter().map(|other| other.name).filter(|other| *other != one.name).collect();
            let alone = all.without(&others).expect("they are known");
            let added = ratio(&alone, &none, &policy, 3, seeds) - 1.0;
            println!("  {:<26} {:>5.1} %", one.name, added * 100.0);
        }
    }
}

/// How long runs of one scenario take against those of another: the median of some rounds, which alternate.
fn ratio(one: &Scenario, other: &Scenario, policy: &PolicySpec, rounds: usize, seeds: u64) -> f64 {
    let mut ratios: Vec<f64> = Vec::new();
    for _ in 0..rounds {
        ratios.push(time(one, policy, seeds) / time(other, policy, seeds));
    }
    ratios.sort_by(f64::total_cmp);
    ratios[ratios.len() / 2]
}

fn time(scenario: &Scenario, policy: &PolicySpec, seeds: u64) -> f64 {
    let begun = Wall::now();
    for seed in 0..seeds {
        black_box(run(scenario, policy, Seed(seed), &Decisions::default()).digest);
    }
    begun.elapsed().as_secs_f64()
}
