//! When a user has been told that a changefeed is paused or removed, nobody writes what it replicates any more, until it is
//! resumed.
//!
//! A transaction that left before may still arrive. Two things are reported separately, each once per run: *paused* and
//! *removed*.

use std::collections::{BTreeMap, BTreeSet};

use sim::{Input, StepId, What};

use crate::{
    ChangefeedId, Command, Note, Record, Sim, coordinator,
    dispatchers::Note as Said,
    invariants::{Invariant, Violation},
    node,
};

pub(super) const NAME: &str = "no_write_after_stop";

#[derive(Default)]
pub(super) struct NoWriteAfterStop {
    /// What users have called for last.
    wanted: BTreeMap<ChangefeedId, &'static str>,
    /// Calls to resume or create it that have not been answered; a call that is passed on may come after a later one.
    resumes: BTreeMap<ChangefeedId, u32>,
    /// Since when a changefeed is paused or removed, as its user knows.
    stopped: BTreeMap<ChangefeedId, (&'static str, StepId)>,
    reported: BTreeSet<&'static str>,
}

impl Invariant for NoWriteAfterStop {
    fn observe(&mut self, _: &Sim, record: &Record, found: &mut Vec<Violation>) {
        let What::Step { actor, input } = &record.what else { return };
        match input {
            Input::Command(Command::Coordinator(command)) => self.called(command),
            Input::Command(Command::Server(node::Command::ApiCall { request })) => self.called(request),
            _ => {}
        }
        for note in &record.notes {
            match note {
                Note::Coordinator(coordinator::Note::CallAnswered {
                    cf,
                    call: "resume" | "create",
                    answer,
                }) => {
                    self.answered(*cf);
                    if *answer == "done" {
                        self.stopped.remove(cf);
                        self.wanted.remove(cf);
                    }
                }
                Note::Coordinator(coordinator::Note::CallAnswered { cf, call, answer: "done" }) => {
                    let wanted = self.wanted.get(cf).filter(|aspect| aspect.starts_with(call));
                    if let Some(aspect) = wanted.filter(|_| !self.resumes.contains_key(cf)) {
                        self.stopped.insert(*cf, (aspect, record.id));
                    }
                }
                Note::Dispatchers(Said::WriteStarted { cf, id, span, .. }) => {
                    if let Some((aspect, since)) = self.stopped.get(cf)
                        && self.reported.insert(aspect)
                    {
                        let what = format!("{id} at {actor} writes {span} of {cf}, which is {aspect}");
                        let because = vec![*since, record.id];
                        found.push(Violation { invariant: NAME, aspect, what, because });
                    }
                }
                _ => {}
            }
        }
    }
}

impl NoWriteAfterStop {
    /// A call to resume or to create it is over.
    fn answered(&mut self, cf: ChangefeedId) {
        if let Some(open) = self.resumes.get_mut(&cf) {
            *open -= 1;
            if *open == 0 {
                self.resumes.remove(&cf);
            }
        }
    }

    /// A pause that is answered after the changefeed has been resumed, or while it may still be, promises nothing.
    fn called(&mut self, command: &coordinator::Command) {
        match command {
            coordinator::Command::PauseChangefeed { cf } => self.wanted.insert(*cf, "paused"),
            coordinator::Command::RemoveChangefeed { cf } => self.wanted.insert(*cf, "removed"),
            coordinator::Command::ResumeChangefeed { cf, .. }
            | coordinator::Command::CreateChangefeed { cf } => {
                *self.resumes.entry(*cf).or_default() += 1;
                self.stopped.remove(cf);
                self.wanted.remove(cf)
            }
            coordinator::Command::MoveMaintainer { .. }
            | coordinator::Command::UpdateChangefeed { .. }
            | coordinator::Command::DrainNode { .. } => None,
        };
    }
}
