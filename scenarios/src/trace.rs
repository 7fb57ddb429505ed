//! A run, record by record, as text that can be read and searched for causes.

use sim::{Fault, Input, Instant, Kind as _, What};

use crate::{
    Case,
    run::{Outcome, run_with},
};

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its number, counted from one.
    pub id: u64,
    /// When, in true time.
    pub at: Instant,
    /// The record that caused it.
    pub cause: Option<u64>,
    /// What kind of thing happened.
    pub kind: LineKind,
    /// The kind of the message, alarm or fault, by name.
    pub label: &'static str,
    /// Who handled something, if it was an actor.
    pub actor: String,
    /// Who had sent it, if it was a message.
    pub from: Option<String>,
    /// The record as text; one line, then one for each note.
    pub text: String,
    /// Whether the actor said anything.
    pub has_notes: bool,
}

impl Line {
    /// The record itself, in one line, without its number, time and cause.
    pub fn without_number(&self) -> &str {
        let line = self.text.lines().next().unwrap_or_default().trim_start();
        let number = line.split_once(' ').map_or("", |(_, rest)| rest.trim_start());
        let what = number.split_once(' ').map_or("", |(_, rest)| rest);
        match what.rsplit_once(" (#") {
            Some((what, cause)) if cause.ends_with(')') => what,
            _ => what,
        }
    }
}

/// The label of the end of a fault that undoes itself.
pub(crate) const UNDONE: &str = "undone";
/// The label of what the outside world tells an actor.
pub(crate) const COMMAND: &str = "command";
/// The label of the calm.
pub(crate) const CALM: &str = "calm";

/// What kind of thing happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineKind {
    /// An actor handled a message or a command, or started.
    Step,
    /// An alarm rang, or a task went on.
    Alarm,
    /// A message was lost.
    Lost,
    /// Something went wrong, or right again.
    Fault,
}

/// Runs a case and keeps every record as text.
pub fn trace(case: &Case) -> (Outcome, Vec<Line>) {
    lines(case, |sim, record| record.show(sim.names()).to_string())
}

/// Runs a case and keeps every record without its text.
pub(crate) fn skeleton(case: &Case) -> (Outcome, Vec<Line>) {
    lines(case, |_, _| String::new())
}

fn lines(case: &Case, text: impl Fn(&model::Sim, &model::Record) -> String) -> (Outcome, Vec<Line>) {
    let mut lines = Vec::new();
    let Case { scenario, policy, seed, decisions } = case;
    let outcome = run_with(scenario, policy, *seed, decisions, |sim, record| {
        let (kind, label, actor) = match &record.what {
            What::Nothing => return,
            What::Step { actor, input: Input::Alarm(timer) } => {
                (LineKind::Alarm, model::Timer::name(timer.kind()), actor.to_string())
            }
            What::Step { actor, input } => (LineKind::Step, input_label(input), actor.to_string()),
            What::Lost { to, msg, .. } => (LineKind::Lost, model::Msg::name(msg.kind()), to.to_string()),
            What::Fault(fault) => (LineKind::Fault, fault_label(fault), String::new()),
        };
        let from = match &record.what {
            What::Step { input: Input::Message { from, .. }, .. } | What::Lost { from, .. } => {
                Some(from.to_string())
            }
            What::Step { .. } | What::Fault(_) | What::Nothing => None,
        };
        lines.push(Line {
            id: record.id.0,
            at: record.at,
            cause: record.cause.map(|cause| cause.0),
            kind,
            label,
            actor,
            from,
            text: text(sim, record),
            has_notes: !record.notes.is_empty(),
        });
    });
    (outcome, lines)
}

/// What was planned, what undoes it, and the end of all faults.
fn fault_label(fault: &Fault<model::Actor>) -> &'static str {
    match fault {
        Fault::Restart { .. } | Fault::Resume { .. } | Fault::Heal { .. } => UNDONE,
        Fault::Calm | Fault::Core { .. } => CALM,
        _ => "fault",
    }
}

fn input_label(input: &Input<model::Actor>) -> &'static str {
    match input {
        Input::Start => "start",
        Input::Message { msg, .. } => model::Msg::name(msg.kind()),
        Input::Alarm(timer) => model::Timer::name(timer.kind()),
        Input::Command(_) => COMMAND,
    }
}
