//! The scenario: fewer faults, less workload, a smaller cluster, round numbers.
//!
//! Edits are made in the file's table; one that makes no valid scenario is not tried.

use sim::Seed;
use toml::{Table, Value};

use super::{Attempt, Search, reduce::reduce};
use crate::{Error, Scenario};

/// A part of the table by its path, what it may become, and how that is told.
struct Edit {
    what: String,
    table: Table,
}

/// What makes all edits of a kind.
type Kind<'a> = &'a dyn Fn(&Table) -> Vec<Edit>;

/// The table that edits begin with: with the ending that it has, without claims, and each fault with the number of its draws, so that they stay when
/// others are left out.
pub(super) fn begin(scenario: &Scenario, seed: Seed) -> Result<(Table, Scenario), Error> {
    let read = |error: toml::de::Error| Error::new(scenario.name(), error.message().to_owned());
    let mut table: Table = toml::from_str(scenario.text()).map_err(read)?;
    table.remove("claim");
    table.remove("seeds");
    let story = format!("Shrunk from seed {seed} of {}. {}", scenario.name(), scenario.story());
    table.insert("story".to_owned(), Value::String(story));
    if let Some(Value::Array(faults)) = table.get_mut("fault") {
        for (n, fault) in faults.iter_mut().enumerate() {
            if let Value::Table(fault) = fault {
                let n = i64::try_from(n).expect("faults are few");
                fault.entry("draws").or_insert(Value::Integer(n));
            }
        }
    }
    if let Some(Value::Integer(nodes)) = get(&table, &["cluster", "nodes"]) {
        let ending = crate::draw::said_ending(u32::try_from(nodes).unwrap_or(1), seed);
        table.entry("ending").or_insert(ending);
    }
    let scenario = parse(scenario.name(), &table)?;
    Ok((table, scenario))
}

fn parse(name: &str, table: &Table) -> Result<Scenario, Error> {
    let text = toml::to_string(table).map_err(|error| Error::new(name, error.to_string()))?;
    Scenario::parse(name, name, &text)
}

/// How many faults and commands there are.
pub(super) fn faults(table: &Table) -> usize {
    match table.get("fault") {
        Some(Value::Array(faults)) => faults.len(),
        _ => 0,
    }
}

impl Search<'_> {
    /// Makes the scenario as small as possible.
    pub(super) fn edits(&mut self) {
        self.fewer_faults();
        let settles = self.settles();
        let lengths = move |table: &Table| lengths(table, !settles);
        let kinds: [Kind; 3] = [&sections, &numbers, &lengths];
        for make in kinds {
            let mut next = 0;
            while !self.is_over() {
                let edits: Vec<Edit> = make(&self.best.table).into_iter().skip(next).collect();
                let tried: Vec<(usize, Attempt)> = edits
                    .iter()
                    .enumerate()
                    .filter_map(|(n, edit)| Some((n, self.attempt(&edit.table)?)))
                    .collect();
                let attempts: Vec<Attempt> = tried.iter().map(|(_, attempt)| attempt.clone()).collect();
                match self.first(&attempts, |found| edits[tried[found].0].what.clone()) {
                    // What came before it has been tried; that it goes now is seen in the next round.
                    Some(found) => next += tried[found].0,
                    None => break,
                }
            }
        }
    }

    fn fewer_faults(&mut self) {
        let Some(Value::Array(faults)) = self.best.table.get("fault").cloned() else { return };
        reduce(faults, |lists| {
            let with = |faults: &Vec<Value>| {
                let mut table = self.best.table.clone();
                match faults.is_empty() {
                    true => table.remove("fault"),
                    false => table.insert("fault".to_owned(), Value::Array(faults.clone())),
                };
                self.attempt(&table)
            };
            let attempts: Option<Vec<Attempt>> = lists.iter().map(with).collect();
            self.first(&attempts?, |found| format!("{} faults", lists[found].len()))
        });
    }

    fn attempt(&self, table: &Table) -> Option<Attempt> {
        let scenario = parse(self.best.scenario.name(), table).ok()?;
        Some(Attempt { table: table.clone(), overrides: self.best.overrides.clone(), scenario })
    }
}

/// Sections and fields that need not be there.
fn sections(table: &Table) -> Vec<Edit> {
    let mut edits = Vec::new();
    if table.get("ending").is_some_and(Value::is_table) {
        set(table, &["ending"], Value::String("calm".to_owned()), "everything heals".to_owned(), &mut edits);
    }
    for name in ["weather", "downstream", "scheduling"] {
        leave_out(table, &[name], &mut edits);
    }
    if let Some(Value::Table(weather)) = table.get("weather") {
        for (part, fields) in weather {
            leave_out(table, &["weather", part], &mut edits);
            if let Value::Table(fields) = fields {
                for field in fields.keys() {
                    leave_out(table, &["weather", part, field], &mut edits);
                }
            }
        }
    }
    let fields = [
        ("cluster", &["low_latency", "redo", "old", "session_ttl"][..]),
        (
            "workload",
            &["ddl_every", "syncpoint_every", "growth", "ddl", "ddls", "regions", "deletes", "databases"],
        ),
    ];
    for (part, fields) in fields {
        for field in fields {
            leave_out(table, &[part, field], &mut edits);
        }
    }
    if let Some(Value::Array(ddls)) = get(table, &["workload", "ddl"]) {
        for n in 0..ddls.len() {
            let mut ddls = ddls.clone();
            ddls.remove(n);
            set(table, &["workload", "ddl"], Value::Array(ddls), "one DDL less".to_owned(), &mut edits);
        }
    }
    edits
}

/// Smaller numbers.
fn numbers(table: &Table) -> Vec<Edit> {
    let mut edits = Vec::new();
    for (part, field) in
        [("cluster", "changefeeds"), ("workload", "tables"), ("cluster", "nodes"), ("workload", "rows")]
    {
        let Some(Value::Integer(now)) = get(table, &[part, field]) else { continue };
        let mut smaller: Vec<i64> = [1, 2, now / 4, now / 2, now * 3 / 4, now - 1].into();
        smaller.retain(|n| *n >= 1 && *n < now);
        smaller.dedup();
        for n in smaller {
            set(table, &[part, field], Value::Integer(n), format!("{n} {field}"), &mut edits);
        }
    }
    edits
}

/// Shorter runs, rarer rows, and each length of a fault without a range, shorter or with fewer digits.
fn lengths(table: &Table, settle_shorter: bool) -> Vec<Edit> {
    let mut edits = Vec::new();
    if let Some(every) = get(table, &["workload", "row_every"]).and_then(length) {
        for factor in [16, 4, 2] {
            let rarer = (every * factor).min(10_000_000_000);
            if rarer > every {
                let value = Value::String(said(rarer));
                set(
                    table,
                    &["workload", "row_every"],
                    value,
                    format!("a row every {}", said(rarer)),
                    &mut edits,
                );
            }
        }
    }
    for field in ["run_for", "settle_for"].into_iter().take(1 + usize::from(settle_shorter)) {
        if let Some(lasts) = get(table, &[field]).and_then(length) {
            for shorter in [lasts / 4, lasts / 2, lasts / 4 * 3].map(round) {
                if shorter >= 1_000_000_000 && shorter < lasts {
                    let what = format!("{field} {}", said(shorter));
                    set(table, &[field], Value::String(said(shorter)), what, &mut edits);
                }
            }
        }
    }
    if let Some(Value::Array(faults)) = table.get("fault") {
        for (n, fault) in faults.iter().enumerate() {
            for path in lengths_of(fault) {
                let Some(Value::String(text)) = inside(fault, &path) else { continue };
                for other in simpler(text, path.last().is_some_and(|name| name == "for")) {
                    let mut faults = faults.clone();
                    if let Some(place) = inside_mut(&mut faults[n], &path) {
                        *place = Value::String(other.clone());
                    }
                    let what = format!("fault {}: {} {other}", n + 1, path.join("."));
                    set(table, &["fault"], Value::Array(faults), what, &mut edits);
                }
            }
        }
    }
    edits
}

/// What may take the place of a length or a range of lengths: its middle, shorter ones if it lasts, rounder ones.
fn simpler(text: &str, lasts: bool) -> Vec<String> {
    let (from, to) = text.split_once("..").unwrap_or((text, text));
    let Some((from, to)) = nanos(from).zip(nanos(to)) else { return Vec::new() };
    let middle = from + (to - from) / 2;
    let mut others = Vec::new();
    if from != to {
        others.extend([round(middle), middle, from, to]);
    } else {
        if lasts {
            others.extend([round(middle / 4), round(middle / 2)]);
        }
        let second = 1_000_000_000;
        if middle > second {
            others.extend([middle / second * second, middle.div_ceil(second) * second]);
        }
        others.push(round(middle));
    }
    let mut others: Vec<String> = others.into_iter().filter(|n| *n > 0).map(said).collect();
    others.retain(|other| other != text && (from != to || other.len() <= text.len()));
    others.dedup();
    others
}

/// The paths of all lengths in a fault.
fn lengths_of(fault: &Value) -> Vec<Vec<String>> {
    fn walk(value: &Value, path: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
        match value {
            Value::Table(table) => {
                for (name, value) in table {
                    path.push(name.clone());
                    walk(value, path, found);
                    path.pop();
                }
            }
            Value::String(text) if text.split("..").all(|part| nanos(part).is_some()) => {
                found.push(path.clone())
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk(fault, &mut Vec::new(), &mut found);
    found
}

fn inside<'a>(value: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, name| value.get(name))
}

fn inside_mut<'a>(value: &'a mut Value, path: &[String]) -> Option<&'a mut Value> {
    path.iter().try_fold(value, |value, name| value.get_mut(name))
}

fn get(table: &Table, path: &[&str]) -> Option<Value> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(table.get(*first)?, |value, name| value.get(name)).cloned()
}

/// The table that holds the last part of a path.
fn holder<'a>(table: &'a mut Table, path: &[&str]) -> Option<&'a mut Table> {
    path[..path.len() - 1].iter().try_fold(table, |table, name| table.get_mut(*name)?.as_table_mut())
}

fn leave_out(table: &Table, path: &[&str], edits: &mut Vec<Edit>) {
    let (mut table, Some(last)) = (table.clone(), path.last()) else { return };
    let there = holder(&mut table, path).and_then(|table| table.remove(*last)).is_some();
    if there {
        edits.push(Edit { what: format!("without {}", path.join(".")), table });
    }
}

fn set(table: &Table, path: &[&str], value: Value, what: String, edits: &mut Vec<Edit>) {
    let mut table = table.clone();
    if let (Some(holder), Some(last)) = (holder(&mut table, path), path.last()) {
        holder.insert((*last).to_owned(), value);
        edits.push(Edit { what, table });
    }
}

fn length(value: Value) -> Option<u64> {
    nanos(value.as_str()?)
}

fn nanos(text: &str) -> Option<u64> {
    text.trim().parse::<sim::Duration>().ok().map(sim::Duration::nanos)
}

/// Two digits are enough.
fn round(nanos: u64) -> u64 {
    let unit = 10_u64.pow(nanos.max(1).ilog10().saturating_sub(1));
    nanos / unit * unit
}

/// As it is written in a file.
fn said(nanos: u64) -> String {
    sim::Duration::from_nanos(nanos).to_string()
}
