//! How much of a class there is, and when: one long fault, many short ones, faults at moments of the protocol, swizzled links.

use sim::{Draws, Duration};
use toml::{Table, Value};

use super::{
    Drawing, FAULTS,
    classes::fault,
    draws::{log_between, log_count, moment},
    text,
};

/// The shape of the faults of one class in one seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    OneLong,
    ManyShort,
    /// Upon moments of the protocol.
    Tied,
    /// The links of a random half of the nodes are clogged one after another, and released in another order.
    Swizzled,
}

/// Everything that goes wrong and everything that users do.
pub(super) fn faults(drawing: &Drawing) -> Vec<Table> {
    let named: Vec<&str> = match &drawing.chaos.faults {
        Some(named) => named.iter().map(|name| name.get_ref().as_str()).collect(),
        None => FAULTS.to_vec(),
    };
    let mut classes: Vec<&str> = named.iter().copied().filter(|class| drawing.dice.has(class)).collect();
    // A seed in which nothing goes wrong shows nothing.
    if classes.is_empty() && !named.is_empty() {
        let one = drawing.dice.draws("class at least").below(named.len() as u64);
        classes.push(named[one as usize]);
    }
    let mut faults = Vec::new();
    for class in classes {
        of_class(drawing, class, &mut faults);
    }
    for command in &drawing.chaos.commands {
        if drawing.dice.has(command.get_ref()) {
            super::commands::commands(drawing, command.get_ref(), &mut faults);
        }
    }
    faults
}

fn of_class(drawing: &Drawing, class: &str, faults: &mut Vec<Table>) {
    let dice = &drawing.dice;
    let count = log_count(&mut dice.draws(&format!("{class} count")), drawing.chaos.most.into());
    let shape = shape(drawing, class);
    let span = drawing.chaos.lasts;
    let middle = log_middle(span.0, span.1);
    if shape == Shape::Swizzled {
        return swizzled(drawing, class, faults);
    }
    for n in 0..if shape == Shape::OneLong { 1 } else { count } {
        let mut lengths = dice.draws(&format!("{class} {n} lasts"));
        let lasts = match shape {
            Shape::OneLong => log_between(&mut lengths, middle, span.1),
            Shape::ManyShort => log_between(&mut lengths, span.0, middle),
            Shape::Tied | Shape::Swizzled => log_between(&mut lengths, span.0, span.1),
        };
        let (what, mut fields) = fault(drawing, class, lasts, &mut dice.draws(&format!("{class} {n} what")));
        let mut times = dice.draws(&format!("{class} {n} when"));
        let when = match shape {
            Shape::Tied => {
                whom(drawing, class, n, &mut fields);
                tied(drawing, &mut times)
            }
            _ => at(moment(&mut times, drawing.run_for)),
        };
        faults.push(entry(when, what, fields));
    }
}

/// A moment has two ends: it happens to one of them half of the time.
fn whom(drawing: &Drawing, class: &str, n: u64, fields: &mut Table) {
    let end = drawing.dice.draws(&format!("{class} {n} whom")).below(4);
    if let Some(end) = ["sender", "receiver"].get(end as usize)
        && matches!(class, "crash" | "pause")
    {
        fields.insert("who".to_owned(), text(end));
    }
}

fn shape(drawing: &Drawing, class: &str) -> Shape {
    let is_cut = class.ends_with("-cut") && drawing.nodes > 1;
    let is_tied = !drawing.chaos.moments.is_empty();
    let mut shapes = vec![Shape::OneLong, Shape::ManyShort];
    shapes.extend(is_tied.then_some(Shape::Tied));
    shapes.extend(is_cut.then_some(Shape::Swizzled));
    let which = drawing.dice.draws(&format!("{class} shape")).below(shapes.len() as u64);
    shapes[which as usize]
}

/// The links of a random half of the nodes are clogged one after another, and released in another order.
fn swizzled(drawing: &Drawing, class: &str, faults: &mut Vec<Table>) {
    let mut draws = drawing.dice.draws(&format!("{class} swizzle"));
    let mut nodes: Vec<u64> = (1..=drawing.nodes).collect();
    shuffle(&mut nodes, &mut draws);
    nodes.truncate((nodes.len() / 2).max(1));
    let begin = moment(&mut draws, drawing.run_for);
    let gap = log_between(&mut draws, Duration::from_millis(10), Duration::from_secs(4));
    let long = log_between(&mut draws, drawing.chaos.lasts.0, drawing.chaos.lasts.1);
    let mut order: Vec<u64> = (0..nodes.len() as u64).collect();
    shuffle(&mut order, &mut draws);
    let gaps = |count: u64| Duration::from_nanos(gap.nanos() * count);
    for (n, node) in nodes.iter().enumerate() {
        let from = begin + gaps(n as u64);
        let to = begin + gaps(nodes.len() as u64) + long + gaps(order[n]);
        if from.nanos() >= drawing.run_for.nanos() {
            continue;
        }
        let mut fields = Table::new();
        fields.insert("from".to_owned(), text(&format!("n{node}")));
        fields.insert("to".to_owned(), text(&"all"));
        fields.insert("class".to_owned(), text(&class.trim_end_matches("-cut")));
        fields.insert("mode".to_owned(), text(&"hold"));
        fields.insert("for".to_owned(), text(&(to - from)));
        faults.push(entry(at(from), "cut", fields));
    }
}

fn shuffle(items: &mut [u64], draws: &mut Draws) {
    for n in (1..items.len()).rev() {
        items.swap(n, draws.below(n as u64 + 1) as usize);
    }
}

/// Upon a moment of the protocol: an early one, or one of many.
pub(super) fn tied(drawing: &Drawing, draws: &mut Draws) -> Table {
    let moments = &drawing.chaos.moments;
    let kind = &moments[draws.below(moments.len() as u64) as usize];
    let nth = log_count(draws, 32);
    let after = match draws.below(2) {
        0 => Duration::ZERO,
        _ => log_between(draws, Duration::from_micros(100), Duration::from_secs(4)),
    };
    let mut upon = Table::new();
    upon.insert("kind".to_owned(), text(kind.get_ref()));
    upon.insert("nth".to_owned(), Value::Integer(nth.cast_signed()));
    if after > Duration::ZERO {
        upon.insert("after".to_owned(), text(&after));
    }
    one("upon", Value::Table(upon))
}

pub(super) fn at(when: Duration) -> Table {
    one("at", text(&when))
}

pub(super) fn entry(when: Table, what: &str, fields: Table) -> Table {
    let mut entry = one("when", Value::Table(when));
    entry.insert("do".to_owned(), Value::Table(one(what, Value::Table(fields))));
    entry
}

fn one(name: &str, value: Value) -> Table {
    let mut table = Table::new();
    table.insert(name.to_owned(), value);
    table
}

/// Half way between two lengths, where short ones are as probable as long ones.
fn log_middle(from: Duration, to: Duration) -> Duration {
    let from = from.nanos().max(1);
    Duration::from_nanos(from << ((to.nanos() / from).max(1).ilog2() / 2))
}
