//! Running a row: a party is set up and told things, and what it says is compared.

use std::{env, panic};

use model::{Addr, Command, Msg, Place};
use sim::Duration;

use crate::{
    file::{NOTHING, Paragraph, Row},
    hand::Hand,
};

impl Row {
    /// Runs the row under each of its policies; what is wrong. Where the files are to be updated, what happens under the
    /// first policy is taken over.
    pub fn run(&mut self, file: &str) -> Vec<String> {
        let mut complaints = Vec::new();
        for (n, policy) in self.policies.iter().enumerate() {
            let update = n == 0 && env::var_os("UPDATE_VECTORS").is_some();
            if let Err(wrong) = play(policy, &mut self.paragraphs, update) {
                let (number, what) = wrong;
                complaints.push(format!("{file}:{number}: row {} under {policy}\n{what}", self.id));
            }
        }
        complaints
    }
}

/// What is wrong, and in which line.
type Wrong = (usize, String);

fn play(policy: &str, paragraphs: &mut [Paragraph], update: bool) -> Result<(), Wrong> {
    let mut hand = None;
    for paragraph in paragraphs {
        let mut said = String::new();
        for (number, line) in &paragraph.lines {
            if !line.starts_with('#') {
                said += &obey(policy, line, &mut hand).map_err(|what| (*number, what))?;
            }
        }
        let Some(expected) = &mut paragraph.expected else { continue };
        let mut real: Vec<String> = said.lines().map(ToOwned::to_owned).collect();
        if real.is_empty() {
            real.push(NOTHING.to_owned());
        }
        if update {
            *expected = real;
        } else if *expected != real {
            let first = paragraph.lines.first().map_or(0, |(number, _)| *number);
            return Err((first, difference(expected, &real)));
        }
    }
    Ok(())
}

fn difference(expected: &[String], real: &[String]) -> String {
    let missing = expected.iter().filter(|line| !real.contains(line)).map(|line| format!("  - {line}\n"));
    let new = real.iter().filter(|line| !expected.contains(line)).map(|line| format!("  + {line}\n"));
    let lines: String = missing.chain(new).collect();
    if lines.is_empty() { format!("  the order is another one:\n  {}\n", real.join("\n  ")) } else { lines }
}

/// Does what a line says; what the party says to that.
fn obey(policy: &str, line: &str, hand: &mut Option<Hand>) -> Result<String, String> {
    if let Some(party) = line.strip_prefix("party ") {
        *hand = Some(set_up(policy, party)?);
        return Ok(String::new());
    }
    let hand = hand.as_mut().ok_or("there is no party yet; `party dispatchers` would set one up")?;
    let before = hand.text.len();
    let told = panic::catch_unwind(panic::AssertUnwindSafe(|| tell(hand, line)));
    let said = told.map_err(|_| format!("`{line}` makes the model panic"))??;
    let lines = hand.text[before..].lines().filter_map(|line| line.strip_prefix("    "));
    Ok(lines.map(|line| format!("{line}\n")).chain([said]).collect())
}

/// `dispatchers`, `dispatchers at n2`.
fn set_up(policy: &str, party: &str) -> Result<Hand, String> {
    let (place, node) = party.split_once(" at ").unwrap_or((party, "n3"));
    let node = node.parse().map_err(|right| format!("`{node}` is no node; {right} would be right"))?;
    let policy = model::Policy::named(policy).map_err(|error| error.to_string())?;
    match place {
        "etcd" => Ok(Hand::etcd()),
        place => {
            let right = "`etcd`, `server`, `coordinator`, `maintainers` or `dispatchers`";
            let place =
                place.parse().map_err(|_| format!("`{place}` is no party; {right} would be right"))?;
            Ok(Hand::at(node, place, policy))
        }
    }
}

fn tell(hand: &mut Hand, line: &str) -> Result<String, String> {
    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
    match (verb, rest) {
        ("start", "") => hand.start(),
        ("crash", "") => hand.crash(),
        ("state", "") => return Ok(hand.state()),
        ("pass", length) => {
            let length: Duration = length.parse()?;
            hand.advance(length.nanos() / 1_000_000);
        }
        ("hold", service) => hand.hold(addr(service)?),
        ("release", service) => hand.release(addr(service)?),
        (to, command) if to.starts_with("command:") => {
            hand.command(addr(&to["command:".len()..])?, heard(Command::hear(command), |_| true)?);
        }
        (from, message) => {
            let from =
                from.strip_suffix(':').ok_or_else(|| format!("`{line}` is nothing that can be done"))?;
            let me = hand.me();
            hand.hear(addr(from)?, heard(Msg::hear(message), |msg| is_for(msg, me))?);
        }
    }
    Ok(String::new())
}

fn addr(word: &str) -> Result<Addr, String> {
    word.parse().map_err(|right| format!("`{word}` is nobody; {right} would be right"))
}

/// The one meaning of a line that fits.
fn heard<T>(meanings: Vec<Result<T, String>>, fits: impl Fn(&T) -> bool) -> Result<T, String> {
    let mut wrong = "nobody hears such a message; docs/vectors.md lists those there are".to_owned();
    for meaning in meanings {
        match meaning {
            Ok(value) if fits(&value) => return Ok(value),
            Ok(_) => wrong = "this party hears no such message".to_owned(),
            Err(error) => wrong = error,
        }
    }
    Err(wrong)
}

/// Whether this party is one that hears such messages.
fn is_for(msg: &Msg, me: Addr) -> bool {
    match msg {
        Msg::Etcd(_) => me == Addr::Etcd,
        Msg::Pd(_) => me == Addr::Pd,
        Msg::Sink(_) => me == Addr::Sink,
        Msg::EtcdReply(_) | Msg::PdReply(_) | Msg::SinkReply(_) => me.node().is_some(),
        Msg::Server(_) => matches!(me, Addr::Node(_, Place::Server)),
        Msg::Coordinator(_) => matches!(me, Addr::Node(_, Place::Coordinator)),
        Msg::Maintainers(_) => matches!(me, Addr::Node(_, Place::Maintainers)),
        Msg::Dispatchers(_) => matches!(me, Addr::Node(_, Place::Dispatchers)),
    }
}
