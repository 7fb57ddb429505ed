//! How fast runs are: against real time, per second and core, with and without invariants and traces, by the number of tables and
//! of jobs.
//!
//! `cargo bench -p scenarios` prints medians. Where the kernel tells it, time is that of the processor, so that a busy machine
//! does not matter much; but for the speed-up by jobs, which is by the clock. Absolute figures depend on the machine, the ratios hardly.

#![allow(
    clippy::print_stdout,
    clippy::float_arithmetic,
    clippy::disallowed_methods,
    clippy::disallowed_types
)]
#![allow(missing_docs)]

use std::{hint::black_box, sync::atomic::AtomicBool, time::Instant as Wall};

use scenarios::{Case, PolicySpec, Scenario, Seed, catalogue, run::unwatched, sweep::sweep};

fn main() {
    // Runs under `cargo test --benches` too: then once, quickly, to see that it works.
    let quick = std::env::args().any(|arg| arg == "--test");
    let (rounds, seeds) = if quick { (1, 1) } else { (7, 40) };
    let find = |name: &str| catalogue::find(name).expect("it is in the catalogue");
    let (quiet, delayed) = (find("quiet-cluster"), find("delayed-create"));
    let watched = median(rounds, || runs(&quiet, seeds, |case| case.run().records));
    let bare = median(rounds, || runs(&quiet, seeds, unwatched));
    let traced = median(rounds, || runs(&quiet, seeds, |case| case.trace().0.records));
    let simulated = quiet.length().nanos() as f64 / 1e9 * seeds as f64;
    println!("{:<58} {:>10} {:>10}", "", "measured", "target");
    let line =
        |what: &str, measured: String, target: &str| println!("{what:<58} {measured:>10} {target:>10}");
    line("quiet-cluster, all invariants: times real time", format!("{:.0}", simulated / watched), ">= 3000");
    line("quiet-cluster, all invariants against none: times as long", ratio(watched, bare), "<= 2");
    line("quiet-cluster, a whole trace kept against none", ratio(traced, watched), "<= 2");
    let delayed_time = median(rounds, || runs(&delayed, seeds, |case| case.run().records));
    line(
        "delayed-create: seeds per second and core",
        format!("{:.0}", seeds as f64 / delayed_time),
        ">= 200",
    );
    let [few, many] = [4, 64].map(|tables| with_tables(&quiet, tables));
    let [few, many] =
        [few, many].map(|one| median(rounds, || runs(&one, seeds.min(10), |case| case.run().records)));
    line("64 tables against 4: times as long", ratio(many, few), "<= 20");
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let swept = seeds * if quick { 1 } else { 20 };
    let one = median(rounds.min(3), || by_the_clock(|| sweeps(&delayed, swept, 1)));
    let all = median(rounds.min(3), || by_the_clock(|| sweeps(&delayed, swept, cores)));
    let target = format!(">= {:.1}", 0.9 * cores as f64);
    line(&format!("a sweep with {cores} jobs against 1: times as fast"), ratio(one, all), &target);
}

fn runs(scenario: &Scenario, seeds: u64, run: impl Fn(&Case) -> u64) -> f64 {
    let policy = PolicySpec::parse("master").expect("a preset");
    by_the_processor(|| {
        for seed in 0..seeds {
            black_box(run(&Case::new(scenario, &policy, Seed(seed))));
        }
    })
}

fn sweeps(scenario: &Scenario, seeds: u64, jobs: usize) {
    let policy = PolicySpec::parse("master").expect("a preset");
    let run = |seed| Case::new(scenario, &policy, seed).run();
    let tally = sweep(0..seeds, jobs, &AtomicBool::new(false), run, |_| {});
    black_box(tally.expect("so many threads can be had"));
}

/// The same scenario with another number of tables.
fn with_tables(scenario: &Scenario, tables: u32) -> Scenario {
    let lines = scenario.text().lines().map(|line| match line.starts_with("tables = ") {
        true => format!("tables = {tables}"),
        false => line.to_owned(),
    });
    let text = lines.collect::<Vec<_>>().join("\n");
    Scenario::parse(scenario.name(), scenario.name(), &text).expect("it is well-formed")
}

fn ratio(one: f64, other: f64) -> String {
    format!("{:.2}", one / other)
}

fn by_the_clock(work: impl FnOnce()) -> f64 {
    let begin = Wall::now();
    work();
    begin.elapsed().as_secs_f64()
}

/// Seconds of the processor that this thread takes; by the clock where nobody tells that.
fn by_the_processor(work: impl FnOnce()) -> f64 {
    let on_it = || {
        let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        told.split_whitespace().next()?.parse::<f64>().ok()
    };
    let (begin, clock) = (on_it(), Wall::now());
    work();
    match (begin, on_it()) {
        (Some(begin), Some(end)) if end > begin => (end - begin) / 1e9,
        _ => clock.elapsed().as_secs_f64(),
    }
}

fn median(rounds: usize, measure: impl Fn() -> f64) -> f64 {
    let mut rounds: Vec<f64> = (0..rounds).map(|_| measure()).collect();
    rounds.sort_by(f64::total_cmp);
    rounds[rounds.len() / 2]
}
