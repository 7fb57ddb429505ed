//! Signatures: by what a violation is recognized in another seed, and after it has been shrunk.
//!
//! A signature is what broke and the shape of its causal story: of each blamed step, and of the nearest cause that is worth
//! telling, the part of the node and the kind of what it handled, without nodes, changefeeds, tables, times or numbers.

use std::{collections::BTreeSet, fmt};

use model::{Addr, invariants::Violation};

use crate::{story::Causes, trace::Line};

/// What broke, and the shape of how.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Signature {
    /// Which invariant.
    pub invariant: &'static str,
    /// Which aspect of it.
    pub aspect: &'static str,
    /// The shapes of the blamed steps, each once, in alphabetical order. None for what is only seen at the end of a run.
    pub shape: BTreeSet<String>,
}

impl Signature {
    /// The signature of a violation of the run that these are the records of.
    pub fn of(lines: &[Line], violation: &Violation) -> Signature {
        let causes = Causes::new(lines);
        let shape = |line: &Line| match causes.next_told(line) {
            Some(cause) => format!("{} < {}", moment(line), moment(cause)),
            None => moment(line),
        };
        let blamed = violation.because.iter().filter_map(|step| causes.line(step.0));
        let shape = blamed.map(shape).collect();
        Signature { invariant: violation.invariant, aspect: violation.aspect, shape }
    }

    /// Invariant and aspect, as claims name them.
    pub fn name(&self) -> String {
        name(self.invariant, self.aspect)
    }
}

/// Invariant and aspect, as claims name them.
pub(crate) fn name(invariant: &str, aspect: &str) -> String {
    if aspect.is_empty() { invariant.to_owned() } else { format!("{invariant} ({aspect})") }
}

/// Where and what, without which: `dispatchers ScheduleDispatcherRequest`.
fn moment(line: &Line) -> String {
    match line.actor() {
        Some(Addr::Node(_, part)) => format!("{part} {}", line.label()),
        Some(service) => format!("{service} {}", line.label()),
        None => line.label().to_owned(),
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())?;
        for (n, shape) in self.shape.iter().enumerate() {
            write!(f, "{} {shape}", if n == 0 { ":" } else { ";" })?;
        }
        Ok(())
    }
}
