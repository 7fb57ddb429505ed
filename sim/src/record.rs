//! Records: what happened, when, and because of what. They are the only output of a run.

use std::fmt;

use crate::{Fault, Input, Instant, Machine};

/// The number of a record, counted from one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepId(pub u64);

/// One thing that happened. Lent by the simulation until its next step.
#[derive(Clone, Debug)]
pub struct Record<M: Machine> {
    /// Its number.
    pub id: StepId,
    /// When, in true time.
    pub at: Instant,
    /// The earlier record that caused it, if any did: the step that sent the message or set the alarm, the record at
    /// which a fault was to happen.
    pub cause: Option<StepId>,
    /// What happened.
    pub what: What<M>,
    /// What the actor said while it handled its input.
    pub notes: Vec<M::Note>,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum What<M: Machine> {
    /// Nothing yet: before the first step.
    Nothing,
    /// An actor handled an input.
    Step {
        /// Which actor.
        actor: M::Addr,
        /// What it handled.
        input: Input<M>,
    },
    /// A message will not arrive.
    Lost {
        /// Its sender.
        from: M::Addr,
        /// Its receiver.
        to: M::Addr,
        /// The message.
        msg: M::Msg,
        /// Why.
        why: Loss,
    },
    /// Something went wrong, or right again.
    Fault(Fault<M>),
}

/// Why a message is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Loss {
    /// By chance.
    Weather,
    /// Its link is cut.
    Cut,
    /// Its receiver is down.
    Down,
    /// Too many are under way.
    Full,
    /// The host does not let it in.
    Refused(&'static str),
    /// The connection that it was in has broken.
    Broken,
}

impl<M: Machine> Record<M> {
    /// The record as text: one line, then one line for each note. Hosts are called by these names.
    pub fn show<'a>(&'a self, names: &'a [String]) -> impl fmt::Display + 'a {
        fmt::from_fn(move |f| {
            write!(f, "{:<6} {:>13} ", self.id.to_string(), self.at.to_string())?;
            write!(f, "{}", self.what.show(names))?;
            if let Some(cause) = self.cause {
                write!(f, " ({cause})")?;
            }
            self.notes.iter().try_for_each(|note| write!(f, "\n{:21} ** {note}", ""))
        })
    }
}

impl<M: Machine> What<M> {
    /// What happened as text: one line. Hosts are called by these names.
    pub fn show<'a>(&'a self, names: &'a [String]) -> impl fmt::Display + 'a {
        fmt::from_fn(move |f| match self {
            What::Nothing => f.write_str("nothing"),
            What::Step { actor, input } => write!(f, "{actor} {input}"),
            What::Lost { from, to, msg, why } => write!(f, "{to} xx {msg} from {from}: {why}"),
            What::Fault(fault) => write!(f, "-- {}", fault.describe(names)),
        })
    }
}

impl fmt::Display for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Loss::Weather => f.write_str("lost"),
            Loss::Cut => f.write_str("the link is cut"),
            Loss::Broken => f.write_str("the connection broke"),
            Loss::Down => f.write_str("the receiver is down"),
            Loss::Full => f.write_str("the queue is full"),
            Loss::Refused(why) => write!(f, "refused, {why}"),
        }
    }
}
