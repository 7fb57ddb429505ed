//! What users do, and those who run the cluster.

use sim::{Draws, Duration};
use toml::{Table, Value};

use super::{
    Drawing,
    draws::{log_between, log_count, moment},
    shapes::{at, entry, tied},
    text,
};

/// So many changefeeds there can be.
const MOST_CHANGEFEEDS: u64 = 9;

/// All commands of a class, each with draws of its own.
pub(super) fn commands(drawing: &Drawing, class: &str, faults: &mut Vec<Table>) {
    let dice = &drawing.dice;
    let count = log_count(&mut dice.draws(&format!("{class} count")), drawing.chaos.most.into());
    // A changefeed that is removed is gone; a cluster is restarted once.
    let count = if matches!(class, "remove" | "rolling-restart") { 1 } else { count };
    // What is one call and no more may come upon moments of the protocol.
    let may_be_tied = !matches!(class, "pause-and-resume" | "update" | "rewind" | "rolling-restart");
    let is_tied = may_be_tied
        && !drawing.chaos.moments.is_empty()
        && dice.draws(&format!("{class} shape")).below(2) == 0;
    for n in 0..count {
        let before = faults.len();
        command(drawing, class, &mut dice.draws(&format!("{class} {n}")), faults);
        if is_tied {
            let when = tied(drawing, &mut dice.draws(&format!("{class} {n} when")));
            faults[before].insert("when".to_owned(), Value::Table(when));
        }
    }
}

fn command(drawing: &Drawing, class: &str, draws: &mut Draws, faults: &mut Vec<Table>) {
    let mut of = Table::new();
    of.insert("cf".to_owned(), text(&drawing.changefeed(draws)));
    let from = moment(draws, drawing.run_for);
    // Somebody always resumes: what is paused for ever shows nothing.
    let last = drawing.run_for - Duration::from_millis(1);
    let later = |after: Duration| at((from + after).min(last));
    match class {
        "pause-and-resume" => {
            faults.push(entry(at(from), "pause_changefeed", of.clone()));
            let pause = log_between(draws, Duration::from_millis(10), Duration::from_secs(30));
            faults.push(entry(later(pause), "resume_changefeed", of));
        }
        "update" => {
            faults.push(entry(at(from), "pause_changefeed", of.clone()));
            let pause = log_between(draws, Duration::from_millis(10), Duration::from_secs(30));
            let update = Duration::from_nanos(draws.below(pause.nanos()));
            faults.push(entry(later(update), "update_changefeed", of.clone()));
            faults.push(entry(later(pause), "resume_changefeed", of));
        }
        "rewind" => {
            faults.push(entry(at(from), "pause_changefeed", of.clone()));
            let pause = log_between(draws, Duration::from_secs(1), Duration::from_secs(30));
            // Never forwards: what a user skips on purpose nobody owes him.
            let to = Duration::from_millis(1 + draws.below(1_000));
            of.insert("overwrite".to_owned(), text(&to));
            faults.push(entry(later(pause), "resume_changefeed", of));
        }
        "remove" => faults.push(entry(at(from), "remove_changefeed", of)),
        "create" => {
            // One that is there, or was, now and then.
            if draws.below(4) > 0 {
                let cf = (drawing.changefeeds + 1 + draws.below(2)).min(MOST_CHANGEFEEDS);
                of.insert("cf".to_owned(), text(&format!("cf{cf}")));
            }
            faults.push(entry(at(from), "create_changefeed", of));
        }
        "move-maintainer" => faults.push(entry(at(from), "move_maintainer", of)),
        "move-table" | "split-table" | "merge-table" => {
            of.insert("table".to_owned(), text(&format!("t{}", 1 + draws.below(drawing.tables))));
            let what = match class {
                "move-table" => {
                    of.insert("to".to_owned(), text(&node(drawing, draws)));
                    "move_table"
                }
                "split-table" => "split_table",
                _ => "merge_table",
            };
            faults.push(entry(at(from), what, of));
        }
        "drain" => {
            let lasts = log_between(draws, Duration::from_secs(1), Duration::from_secs(40));
            let fields = [("node", text(&node(drawing, draws))), ("for", text(&lasts))];
            faults.push(entry(at(from), "drain_node", table(fields)));
        }
        "restart" => {
            faults.push(entry(at(from), "restart", table([("who", text(&drawing.somebody(draws)))])));
        }
        "rolling-restart" => {
            let every = log_between(draws, Duration::from_millis(500), Duration::from_secs(20));
            let mut fields = table([("every", text(&every))]);
            if draws.below(2) == 0 {
                let drain = log_between(draws, Duration::from_secs(1), Duration::from_secs(20));
                fields.insert("drain".to_owned(), text(&drain));
            }
            faults.push(entry(at(from), "rolling_restart", fields));
        }
        _ => unreachable!("it was checked when the file was read"),
    }
}

fn node(drawing: &Drawing, draws: &mut Draws) -> String {
    format!("n{}", 1 + draws.below(drawing.nodes))
}

fn table<const N: usize>(fields: [(&str, Value); N]) -> Table {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
