//! A run, record by record, as text that can be read and searched for causes.

use sim::{Decisions, Input, Instant, Seed, What};

use crate::{
    PolicySpec, Scenario,
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
    /// Who handled something, if it was an actor.
    pub actor: String,
    /// Who had sent it, if it was a message.
    pub from: Option<String>,
    /// The record as text; one line, then one for each note.
    pub text: String,
    /// Whether the actor said anything.
    pub has_notes: bool,
}

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

/// Runs a seed and keeps every record as text.
pub fn trace(
    scenario: &Scenario,
    policy: &PolicySpec,
    seed: Seed,
    decisions: &Decisions,
) -> (Outcome, Vec<Line>) {
    let mut lines = Vec::new();
    let outcome = run_with(scenario, policy, seed, decisions, |sim, record| {
        let (kind, actor) = match &record.what {
            What::Nothing => return,
            What::Step { actor, input: Input::Alarm(_) } => (LineKind::Alarm, actor.to_string()),
            What::Step { actor, .. } => (LineKind::Step, actor.to_string()),
            What::Lost { to, .. } => (LineKind::Lost, to.to_string()),
            What::Fault(_) => (LineKind::Fault, String::new()),
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
            actor,
            from,
            text: record.show(sim.names()).to_string(),
            has_notes: !record.notes.is_empty(),
        });
    });
    (outcome, lines)
}
