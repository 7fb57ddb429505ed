//! What goes wrong at the server: outages, slow statements, statements that fail.

use sim::{Duration, Instant, Kind as _, Now};

use crate::{
    Out,
    sink::{
        Command, Failure, Inbox, Note, Sink, Timer,
        statements::{Stage, Statement},
    },
};

/// What is wrong now.
#[derive(Clone, Debug, Default)]
pub(super) struct Faults {
    /// Whether the server hangs, or refuses; none: it is available.
    outage: Option<bool>,
    outages: u32,
    slow: Option<Slow>,
    errors: Option<Errors>,
}

#[derive(Clone, Copy, Debug)]
struct Slow {
    /// Only calls of this kind.
    kind: Option<&'static str>,
    share_per_million: u32,
    range: (Duration, Duration),
    until: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct Errors {
    kind: &'static str,
    why: Failure,
    share_per_million: u32,
    left: Option<u32>,
    until: Option<Instant>,
}

/// Every one.
const MILLION: u32 = 1_000_000;

impl Slow {
    /// Whether a call is slow. Nothing is drawn where that is no matter of chance.
    fn strikes(&self, inbox: &Inbox, now: Now, out: &mut Out) -> bool {
        self.until.is_none_or(|until| now.steady < until)
            && self.kind.is_none_or(|kind| kind == Inbox::name(inbox.kind()))
            && (self.share_per_million == MILLION
                || out.choose("slow statement or not", MILLION as usize) < self.share_per_million as usize)
    }
}

impl Faults {
    /// Whether the server hangs; none: it is available.
    pub(super) fn hangs(&self) -> Option<bool> {
        self.outage
    }

    /// A statement runs: for as long as the local weather of the downstream's host says, or slowly.
    pub(super) fn run(&mut self, statement: u32, inbox: &Inbox, now: Now, out: &mut Out) {
        let timer = Timer::Run { statement }.into();
        match self.slow.filter(|slow| slow.strikes(inbox, now, out)) {
            None => out.give_way(timer),
            Some(Slow { range: (from, to), .. }) => {
                let steps = usize::try_from((to - from).nanos() / 1000).expect("64 bits") + 1;
                let more = u64::try_from(out.choose("slow statement", steps)).expect("64 bits");
                out.alarm(timer, from + Duration::from_micros(more));
            }
        }
    }

    /// Whether a call that has run to its end fails.
    pub(super) fn error(&mut self, inbox: &Inbox, now: Now, out: &mut Out) -> Option<Failure> {
        let errors = self.errors.as_mut()?;
        if errors.kind != Inbox::name(inbox.kind()) || errors.until.is_some_and(|until| now.steady >= until) {
            return None;
        }
        let fails = out.choose("failing statement", MILLION as usize) < errors.share_per_million as usize;
        if !fails || errors.left == Some(0) {
            return None;
        }
        errors.left = errors.left.map(|left| left - 1);
        Some(errors.why)
    }
}

impl Sink {
    pub(super) fn on_command(&mut self, command: &Command, now: Now, out: &mut Out) {
        let until = |lasts: &Option<Duration>| lasts.map(|lasts| now.steady + lasts);
        match command {
            Command::Outage { hangs, lasts } => self.outage_begins(*hangs, *lasts, now, out),
            Command::SlowStatements { kind, from, to, share_per_million, lasts } => {
                let share_per_million = share_per_million.unwrap_or(MILLION);
                let (kind, range, until) = (*kind, (*from, *to), until(lasts));
                self.faults.slow = Some(Slow { kind, share_per_million, range, until });
            }
            Command::FailStatements { kind, retryable, share_per_million, times, lasts } => {
                let why = match retryable {
                    true => Failure::BadConnection,
                    false if self.store.has_locks() => Failure::NoSuchTable,
                    false => Failure::MessageTooLarge,
                };
                let (left, share_per_million, until) = (*times, *share_per_million, until(lasts));
                self.faults.errors = Some(Errors { kind, why, share_per_million, left, until });
            }
            Command::Recover => {
                (self.faults.slow, self.faults.errors) = (None, None);
                self.outage_ends(self.faults.outages, now, out);
            }
        }
    }

    /// If it refuses, what runs is rolled back and every connection breaks. If it hangs, everything stays as it is.
    fn outage_begins(&mut self, hangs: bool, lasts: Option<Duration>, now: Now, out: &mut Out) {
        self.faults.outages += 1;
        self.faults.outage = Some(hangs);
        out.note(Note::OutageBegins { hangs }.into());
        if let Some(lasts) = lasts {
            out.alarm(Timer::OutageEnds { outage: self.faults.outages }.into(), lasts);
        }
        if !hangs {
            let here: Vec<u32> = self.statements.keys().copied().collect();
            for number in here {
                self.fail(number, Failure::BadConnection, now, out);
            }
        }
    }

    /// What was received meanwhile begins, and what had begun goes on.
    pub(super) fn outage_ends(&mut self, outage: u32, now: Now, out: &mut Out) {
        if outage != self.faults.outages || self.faults.outage.take().is_none() {
            return;
        }
        out.note(Note::OutageOver.into());
        let here: Vec<u32> = self.statements.keys().copied().collect();
        for number in here {
            match self.statements.get(&number) {
                Some(Statement { stage: Stage::Runs, inbox, .. }) => self.faults.run(number, inbox, now, out),
                Some(Statement { stage: Stage::Locks { .. }, .. }) => self.begin(number, now, out),
                None => {}
            }
        }
    }
}
