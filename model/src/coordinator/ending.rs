//! The end of a term.
//!
//! `Stop` takes the handler away at once, waits for the tasks of the pool, and only then cancels the loops. A task may
//! be inside a bump, which nothing cancels and which takes up to 10 s: meanwhile a deposed coordinator handles what is
//! queued, persists checkpoints and epochs, and may compete with its successor.

use crate::{
    Cx, Place,
    coordinator::{Coordinator, Counted, Note, Term},
    node,
};

/// Why a term ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// Somebody else leads: the node manager calls `Stop`, and the loops run until it is through.
    Deposed,
    /// A user has called for it: the same, but the node manager does not wait.
    Resigned,
    /// The process shuts down: the loops are cancelled first.
    Shutdown,
    /// A loop has ended with an error, and the other one with it.
    Failed,
}

/// A term that is to end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ending {
    why: &'static str,
    failed: bool,
    loops_run: bool,
    /// Whether the server knows.
    told: bool,
    /// The number under which the server waits for the answer to the user who has called for it.
    asked: Option<u32>,
}

impl Ending {
    fn new(cause: Cause, why: &'static str) -> Ending {
        let loops_run = matches!(cause, Cause::Deposed | Cause::Resigned);
        Ending { why, failed: cause == Cause::Failed, loops_run, told: false, asked: None }
    }

    fn tell(&mut self, cx: &mut Cx) {
        if !std::mem::replace(&mut self.told, true) {
            cx.note(Note::TermEnds { node: cx.id(), why: self.why });
            cx.tell(Place::Server, node::Inbox::CoordinatorStopped { failed: self.failed });
            if let Some(number) = self.asked {
                cx.tell(Place::Server, node::Inbox::ApiAnswered { number, answer: "done" });
            }
        }
    }
}

impl Coordinator {
    /// A user calls for another node to lead: the term is stopped, the key is given back, and the node is a candidate again. The user
    /// waits until the term has stopped; if it does so already, he does not.
    pub(super) fn resign(&mut self, asked: Option<u32>, cx: &mut Cx) {
        let Some(term) = &mut self.term else { return };
        if term.ending.is_none() {
            let ending = Ending { asked, ..Ending::new(Cause::Resigned, "resigned") };
            if term.has_tasks() {
                cx.note(Note::TermLingers { node: cx.id(), why: ending.why });
            }
            term.ending = Some(ending);
            self.end_if_through(cx);
        } else if let Some(number) = asked {
            cx.tell(Place::Server, node::Inbox::ApiAnswered { number, answer: "done" });
        }
    }

    pub(super) fn stop(&mut self, cause: Cause, why: &'static str, cx: &mut Cx) {
        let Some(term) = &mut self.term else { return };
        match &mut term.ending {
            None => {
                term.ending = Some(Ending::new(cause, why));
                if term.has_tasks() {
                    cx.note(Note::TermLingers { node: cx.id(), why });
                }
            }
            // A second `Stop` returns at once, so whoever ran the loops goes on.
            Some(ending) if ending.loops_run && cause != Cause::Deposed => {
                *ending = Ending { told: ending.told, asked: ending.asked, ..Ending::new(cause, why) };
                ending.tell(cx);
            }
            Some(_) => {}
        }
        self.end_if_through(cx);
    }

    /// A term ends when no task is left to wait for; the server resigns, and campaigns again if there was no error.
    pub(super) fn end_if_through(&mut self, cx: &mut Cx) {
        if let Some(term) = &mut self.term
            && !term.has_tasks()
            && let Some(ending) = &mut term.ending
        {
            ending.tell(cx);
            self.counted = Counted { terms: term.number.next(), etcd: term.calls.made(), ids: term.ids };
            self.past.extend(self.term.take().filter(Term::has_calls_of_users));
        }
    }
}

impl Term {
    /// Whether a task of the pool is in the middle of something: a bump, or the last action of an operator.
    fn has_tasks(&self) -> bool {
        self.is_bumping_any() || self.operators.is_locked()
    }

    /// Whether users wait for something, or have brought it about that an operator takes its last action. Nobody waits for that
    /// before the term ends.
    pub(super) fn has_calls_of_users(&self) -> bool {
        self.api.is_busy() || self.operators.is_locked()
    }

    /// Whether the event loop and the run loop go on.
    pub(super) fn loops_run(&self) -> bool {
        self.ending.is_none_or(|ending| ending.loops_run)
    }

    /// Whether the tasks of the pool are started again.
    pub(super) fn tasks_run(&self) -> bool {
        self.ending.is_none()
    }
}
