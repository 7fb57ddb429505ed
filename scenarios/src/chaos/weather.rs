//! Weather and features that a seed may bring.

use sim::Duration;
use toml::{Table, Value};

use super::{Drawing, draws::log_between, section, text};

/// What the weather brings; a class that is left out leaves the file's own weather.
pub(super) fn weather(drawing: &Drawing, table: &mut Table) {
    for class in &drawing.chaos.weather {
        let class = class.get_ref().as_str();
        if !drawing.dice.has(class) {
            continue;
        }
        let mut draws = drawing.dice.draws(class);
        let weather = section(table, "weather");
        let mut tail = |most: u64| {
            let longest = log_between(&mut draws, Duration::from_millis(100), Duration::from_secs(most));
            let share = ["0.01%", "0.1%", "1%"][draws.below(3) as usize];
            let mut tail = Table::new();
            tail.insert("share".to_owned(), text(&share));
            tail.insert("delay".to_owned(), text(&format!("{}..{longest}", Duration::from_millis(10))));
            Value::Table(tail)
        };
        let (part, field, value) = match class {
            "peer-tail" => ("peer", "tail", tail(30)),
            "etcd-tail" => ("etcd", "tail", tail(15)),
            "sink-tail" => ("sink", "tail", tail(30)),
            "slow-threads" => ("node", "hop_tail", tail(5)),
            "slow-statements" => ("downstream", "statement_tail", tail(20)),
            "stragglers" => ("peer", "straggler", tail(20)),
            "loss" => ("peer", "loss", text(&["0.01%", "0.1%", "1%"][draws.below(3) as usize])),
            "copies" => ("peer", "copies", text(&["0.01%", "0.1%", "1%"][draws.below(3) as usize])),
            "clocks" => {
                let offset = log_between(&mut draws, Duration::from_millis(1), Duration::from_secs(60));
                section(weather, "node").insert("clock_offset".to_owned(), text(&offset));
                let drift = [100, 1000, 10_000][draws.below(3) as usize];
                ("node", "clock_drift_ppm", Value::Integer(drift))
            }
            _ => unreachable!("it was checked when the file was read"),
        };
        section(weather, part).insert(field.to_owned(), value);
    }
}

/// What the cluster and the changefeeds are.
pub(super) fn features(drawing: &Drawing, table: &mut Table) {
    for feature in &drawing.chaos.features {
        let feature = feature.get_ref().as_str();
        if !drawing.dice.has(feature) {
            continue;
        }
        let mut draws = drawing.dice.draws(feature);
        let (part, field, value) = match feature {
            "low-latency" => ("cluster", "low_latency", Value::Boolean(true)),
            "redo" => ("cluster", "redo", Value::Boolean(true)),
            "kafka" => ("downstream", "class", text(&"kafka")),
            "ddls" => {
                let every = log_between(&mut draws, Duration::from_millis(500), Duration::from_secs(30));
                ("workload", "ddl_every", text(&every))
            }
            "syncpoints" => {
                let every = log_between(&mut draws, Duration::from_secs(2), Duration::from_secs(30));
                ("workload", "syncpoint_every", text(&every))
            }
            "split-tables" => {
                let regions = 1 + draws.below(40).cast_signed();
                section(table, "workload").insert("regions".to_owned(), Value::Integer(regions));
                section(table, "scheduling").insert("region_threshold".to_owned(), Value::Integer(10));
                ("scheduling", "split_tables", Value::Boolean(true))
            }
            "growth" => {
                // Tables grow and shrink: what is split is merged, and the other way round.
                let step = drawing.run_for.nanos() / 4;
                let growth = (0..3_u64).map(|n| {
                    let at = Duration::from_nanos(n * step + draws.below(step) / 1_000_000 * 1_000_000);
                    let mut growth = Table::new();
                    growth.insert("at".to_owned(), text(&at));
                    growth.insert("regions".to_owned(), Value::Integer(1 + draws.below(40).cast_signed()));
                    Value::Table(growth)
                });
                let growth = growth.collect();
                section(table, "workload").insert("growth".to_owned(), Value::Array(growth));
                let refresh = log_between(&mut draws, Duration::from_secs(1), Duration::from_secs(16));
                ("scheduling", "region_refresh", text(&refresh))
            }
            "old-node" => {
                let mut old = Table::new();
                old.insert(format!("n{}", 1 + draws.below(drawing.nodes)), text(&"pr-4828"));
                ("cluster", "old", Value::Table(old))
            }
            _ => unreachable!("it was checked when the file was read"),
        };
        section(table, part).insert(field.to_owned(), value);
    }
}
