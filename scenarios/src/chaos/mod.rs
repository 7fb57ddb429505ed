//! What a seed makes of `[chaos]`: a concrete scenario, which is a file like any other.
//!
//! Chaos names what may vary and what may go wrong. A seed leaves out each class of faults, commands, weather and features
//! about half of the time (swarm testing: Groce et al., ISSTA 2012), so that no class hides what another one finds; of what stays it draws
//! how much there is and what shape it has. Every parameter has draws of its own, so that a new one moves no other.

mod classes;
mod commands;
mod draws;
mod shapes;
mod weather;

use serde::Deserialize;
use sim::Seed;
use toml::{Spanned, Table, Value};

use crate::{
    Error,
    scenario::Place,
    units::{Nth, Span},
};
pub(crate) use classes::{COMMANDS, FAULTS, FEATURES, WEATHER};
use draws::Dice;

/// What may vary.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Chaos {
    /// How many nodes there are.
    pub(crate) nodes: Option<Nth>,
    /// How many changefeeds.
    pub(crate) changefeeds: Option<Nth>,
    /// How many tables.
    pub(crate) tables: Option<Nth>,
    /// How often a row of a table changes.
    pub(crate) row_every: Option<Span>,
    /// Classes of faults; all, if none is named.
    pub(crate) faults: Option<Vec<Spanned<String>>>,
    /// Classes of users' commands; none, if none is named.
    #[serde(default)]
    pub(crate) commands: Vec<Spanned<String>>,
    /// What the weather may bring; none, if none is named.
    #[serde(default)]
    pub(crate) weather: Vec<Spanned<String>>,
    /// What the cluster and the changefeeds may be; none, if none is named.
    #[serde(default)]
    pub(crate) features: Vec<Spanned<String>>,
    /// How long a fault lasts: short ones are as probable as long ones (log-uniform).
    #[serde(default = "from_moments_to_a_minute")]
    pub(crate) lasts: Span,
    /// How many faults or commands of one class there may be.
    #[serde(default = "some")]
    pub(crate) most: u32,
    /// Kinds of messages and notes upon which faults may happen.
    #[serde(default)]
    pub(crate) moments: Vec<Spanned<String>>,
}

fn from_moments_to_a_minute() -> Span {
    Span(sim::Duration::from_millis(20), sim::Duration::from_secs(60))
}

fn some() -> u32 {
    8
}

/// What the draws have made of it: the parts of a file that they change, and the numbers that faults depend on.
pub(crate) struct Drawing<'a> {
    pub(crate) chaos: &'a Chaos,
    pub(crate) dice: Dice,
    pub(crate) nodes: u64,
    pub(crate) changefeeds: u64,
    pub(crate) tables: u64,
    /// When the fault phase ends.
    pub(crate) run_for: sim::Duration,
}

/// The concrete scenario of a seed, as a table: that of the file without chaos and claims, with what was drawn.
pub(crate) fn draw(table: &Table, chaos: &Chaos, run_for: sim::Duration, seed: Seed) -> Table {
    let mut table = table.clone();
    for gone in ["chaos", "claim", "seeds"] {
        table.remove(gone);
    }
    let dice = Dice::new(seed);
    let mut number = |part: &str, field: &str, range: Option<Nth>| {
        let section = section(&mut table, part);
        if let Some(range) = range {
            let drawn = range.draw(&mut dice.draws(field));
            section.insert(field.to_owned(), Value::Integer(drawn.cast_signed()));
        }
        let now = section.get(field).and_then(Value::as_integer).unwrap_or(1);
        u64::try_from(now).unwrap_or(1)
    };
    let nodes = number("cluster", "nodes", chaos.nodes);
    let changefeeds = number("cluster", "changefeeds", chaos.changefeeds);
    let tables = number("workload", "tables", chaos.tables);
    if let Some(Span(from, to)) = chaos.row_every {
        let every = draws::log_between(&mut dice.draws("row_every"), from, to);
        section(&mut table, "workload").insert("row_every".to_owned(), text(&every));
    }
    let ending = crate::draw::said_ending(u32::try_from(nodes).expect("nodes are few"), seed);
    table.entry("ending").or_insert(ending);
    let drawing = Drawing { chaos, dice, nodes, changefeeds, tables, run_for };
    weather::features(&drawing, &mut table);
    weather::weather(&drawing, &mut table);
    let drawn = shapes::faults(&drawing);
    let faults = table.entry("fault").or_insert_with(|| Value::Array(Vec::new()));
    if let Value::Array(faults) = faults {
        faults.extend(drawn.into_iter().map(Value::Table));
    }
    if matches!(table.get("fault"), Some(Value::Array(faults)) if faults.is_empty()) {
        table.remove("fault");
    }
    table
}

/// Whether every name in it means something.
pub(crate) fn check(chaos: &Chaos, place: &Place) -> Result<(), Error> {
    let lists = [
        ("class of faults", chaos.faults.as_deref().unwrap_or_default(), FAULTS),
        ("class of commands", &chaos.commands, COMMANDS),
        ("class of weather", &chaos.weather, WEATHER),
        ("feature", &chaos.features, FEATURES),
    ];
    for (what, written, known) in lists {
        for name in written {
            if !known.contains(&name.get_ref().as_str()) {
                let what = crate::error::unknown(what, name.get_ref(), known.iter().copied());
                return Err(place.error(name.span(), what));
            }
        }
    }
    Ok(())
}

/// A section of a file, made if it is not there.
pub(crate) fn section<'a>(table: &'a mut Table, name: &str) -> &'a mut Table {
    let section = table.entry(name).or_insert_with(|| Value::Table(Table::new()));
    section.as_table_mut().expect("sections are tables")
}

pub(crate) fn text(what: &impl ToString) -> Value {
    Value::String(what.to_string())
}
