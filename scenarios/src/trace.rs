//! A run, record by record, to be read and searched for causes.

use std::sync::Arc;

use model::{Actor, Addr, Msg, Record, Timer};
use sim::{Fault, Input, Instant, Kind as _, What};

use crate::{
    Case,
    run::{Outcome, run_with},
};

/// One record. It becomes text when it is asked for: most are not.
#[derive(Clone, Debug)]
pub struct Line {
    record: Record,
    names: Arc<[String]>,
}

impl Line {
    /// A record of a run in which hosts are called by these names.
    pub fn new(record: Record, names: Arc<[String]>) -> Line {
        Line { record, names }
    }

    /// Its number, counted from one.
    pub fn id(&self) -> u64 {
        self.record.id.0
    }

    /// When, in true time.
    pub fn at(&self) -> Instant {
        self.record.at
    }

    /// The record that caused it.
    pub fn cause(&self) -> Option<u64> {
        self.record.cause.map(|cause| cause.0)
    }

    /// What kind of thing happened.
    pub fn kind(&self) -> LineKind {
        match &self.record.what {
            What::Step { input: Input::Alarm(_), .. } => LineKind::Alarm,
            What::Step { .. } | What::Nothing => LineKind::Step,
            What::Lost { .. } => LineKind::Lost,
            What::Fault(_) => LineKind::Fault,
        }
    }

    /// The kind of the message, alarm or fault, by name.
    pub fn label(&self) -> &'static str {
        match &self.record.what {
            What::Step { input, .. } => input_label(input),
            What::Lost { msg, .. } => Msg::name(msg.kind()),
            What::Fault(fault) => fault_label(fault),
            What::Nothing => "",
        }
    }

    /// Who handled something, or would have.
    pub fn actor(&self) -> Option<Addr> {
        match &self.record.what {
            What::Step { actor, .. } => Some(*actor),
            What::Lost { to, .. } => Some(*to),
            What::Fault(_) | What::Nothing => None,
        }
    }

    /// Who had sent it, if it was a message.
    pub fn from(&self) -> Option<Addr> {
        match &self.record.what {
            What::Step { input: Input::Message { from, .. }, .. } | What::Lost { from, .. } => Some(*from),
            What::Step { .. } | What::Fault(_) | What::Nothing => None,
        }
    }

    /// Whether the actor said anything.
    pub fn has_notes(&self) -> bool {
        !self.record.notes.is_empty()
    }

    /// The record as text: one line, then one for each note.
    pub fn text(&self) -> String {
        self.record.show(&self.names).to_string()
    }

    /// The record itself, in one line, without its number, time and cause.
    pub fn what(&self) -> String {
        self.record.what.show(&self.names).to_string()
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

/// Runs a case and keeps every record.
pub fn trace(case: &Case) -> (Outcome, Vec<Line>) {
    let mut lines = Vec::new();
    let mut names: Option<Arc<[String]>> = None;
    let Case { scenario, policy, seed, decisions } = case;
    let outcome = run_with(scenario, policy, *seed, decisions, |sim, record| {
        if !matches!(record.what, What::Nothing) {
            let names = names.get_or_insert_with(|| sim.names().into());
            lines.push(Line::new(record.clone(), names.clone()));
        }
    });
    (outcome, lines)
}

/// What was planned, what undoes it, and the end of all faults.
fn fault_label(fault: &Fault<Actor>) -> &'static str {
    match fault {
        Fault::Restart { .. } | Fault::Resume { .. } | Fault::Heal { .. } => UNDONE,
        Fault::Calm | Fault::Core { .. } => CALM,
        _ => "fault",
    }
}

fn input_label(input: &Input<Actor>) -> &'static str {
    match input {
        Input::Start => "start",
        Input::Message { msg, .. } => Msg::name(msg.kind()),
        Input::Alarm(timer) => Timer::name(timer.kind()),
        Input::Command(_) => COMMAND,
    }
}
