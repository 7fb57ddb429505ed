//! Changefeeds that their users know to be paused or removed, and that write.

use std::collections::BTreeMap;

use sim::{Input, StepId, What};

use crate::{
    ChangefeedId, Command, Note, Record, coordinator, dispatchers::Note as Said,
    invariants::no_write_after_stop::Wrong, node,
};

#[derive(Default)]
pub(super) struct Stopped {
    /// What users have called for last.
    wanted: BTreeMap<ChangefeedId, &'static str>,
    /// Calls to resume it that have not been answered; a call that is passed on may come after a later one.
    resumes: BTreeMap<ChangefeedId, u32>,
    /// Since when a changefeed is paused or removed, as its user knows.
    stopped: BTreeMap<ChangefeedId, (&'static str, StepId)>,
}

impl Stopped {
    pub(super) fn observe(&mut self, record: &Record, report: &mut impl FnMut(Wrong)) {
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
                    call: call @ ("resume" | "create"),
                    answer,
                }) => {
                    if *call == "resume" {
                        self.answered(*cf);
                    }
                    if *answer == "done" {
                        self.stopped.remove(cf);
                        self.wanted.remove(cf);
                    }
                }
                Note::Coordinator(coordinator::Note::CallAnswered { cf, call, answer: "done" }) => {
                    let wanted = self.wanted.get(cf).filter(|aspect| aspect.starts_with(call));
                    if let Some(aspect) =
                        wanted.filter(|_| *call != "pause" || !self.resumes.contains_key(cf))
                    {
                        self.stopped.insert(*cf, (aspect, record.id));
                    }
                }
                Note::Dispatchers(Said::WriteStarted { cf, id, span, .. }) => {
                    if let Some((aspect, since)) = self.stopped.get(cf) {
                        let what = format!("{id} at {actor} writes {span} of {cf}, which is {aspect}");
                        report((aspect, what, vec![*since, record.id]));
                    }
                }
                _ => {}
            }
        }
    }

    /// A call to resume it is over.
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
            coordinator::Command::ResumeChangefeed { cf, .. } => {
                *self.resumes.entry(*cf).or_default() += 1;
                self.stopped.remove(cf);
                self.wanted.remove(cf)
            }
            coordinator::Command::CreateChangefeed { cf } => {
                self.stopped.remove(cf);
                self.wanted.remove(cf)
            }
            coordinator::Command::MoveMaintainer { .. }
            | coordinator::Command::UpdateChangefeed { .. }
            | coordinator::Command::DrainNode { .. }
            | coordinator::Command::ResignOwner => None,
        };
    }
}
