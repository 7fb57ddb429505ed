//! The causal story of a violation: the steps to blame, what caused them, and what went wrong before.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use model::{Addr, invariants::Violation};

use crate::trace::{Line, LineKind};

/// A story has at most this many records.
pub const LIMIT: usize = 30;
/// A chain of alarms without a word between them is followed this far; then it is a mere tick.
const PATIENCE: usize = 40;

/// The records of a run, to be searched for causes.
pub(crate) struct Causes<'a> {
    lines: &'a [Line],
    by_id: BTreeMap<u64, &'a Line>,
}

impl<'a> Causes<'a> {
    pub(crate) fn new(lines: &'a [Line]) -> Causes<'a> {
        Causes { lines, by_id: lines.iter().map(|line| (line.id(), line)).collect() }
    }

    pub(crate) fn line(&self, id: u64) -> Option<&'a Line> {
        self.by_id.get(&id).copied()
    }

    /// The nearest cause of a record that is worth telling.
    pub(crate) fn next_told(&self, line: &Line) -> Option<&'a Line> {
        let mut at = line;
        for _ in 0..PATIENCE {
            let cause = self.line(at.cause()?)?;
            if is_worth_telling(cause) {
                return Some(cause);
            }
            at = cause;
        }
        let before = self.lines.iter().take_while(|other| other.id() < line.id());
        before.filter(|other| other.actor() == at.actor() && other.has_notes()).last()
    }
}

/// The records that tell why something broke, in order. Never more than [`LIMIT`].
///
/// From each step to blame the causes are followed backwards. Alarms that only lead on are left out; where a chain
/// comes down to a periodic tick, the last thing its actor said before stands for what it acted on. Faults before the
/// violation are told too. When there is too much, what is nearest to the blamed steps stays.
pub fn story<'a>(lines: &'a [Line], violation: &Violation) -> Vec<&'a Line> {
    let causes = Causes::new(lines);
    let blamed: BTreeSet<u64> = violation.because.iter().map(|step| step.0).collect();
    let mut chosen: Vec<u64> = Vec::new();
    let mut queue: VecDeque<u64> = blamed.iter().copied().collect();
    let mut seen: BTreeSet<u64> = blamed.clone();
    while let Some(id) = queue.pop_front() {
        let Some(line) = causes.line(id) else { continue };
        chosen.push(id);
        if let Some(cause) = causes.next_told(line)
            && seen.insert(cause.id())
        {
            queue.push_back(cause.id());
        }
    }
    let last = blamed.last().copied().unwrap_or(u64::MAX);
    let faults =
        lines.iter().filter(|line| line.kind() == LineKind::Fault && line.id() <= last).map(Line::id);
    let mut told: BTreeSet<u64> = faults.rev().take(LIMIT / 3).collect();
    for id in chosen {
        if told.len() < LIMIT {
            told.insert(id);
        }
    }
    told.into_iter().filter_map(|id| causes.line(id)).collect()
}

/// Alarms and exchanges with services tell something only by what was said.
fn is_worth_telling(line: &Line) -> bool {
    let is_service = |addr: Addr| !matches!(addr, Addr::Node(..));
    let exchange = line.actor().is_some_and(is_service) || line.from().is_some_and(is_service);
    line.has_notes() || line.kind() == LineKind::Fault || line.kind() != LineKind::Alarm && !exchange
}
