//! The causal story of a violation: the steps to blame, what caused them, and what went wrong before.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use scenarios::{
    Violation,
    trace::{Line, LineKind},
};

use crate::style::{BAD, FAINT, STRONG, styled};

/// A story has at most this many records.
pub const LIMIT: usize = 30;
/// A chain of alarms without a word between them is followed this far; then it is a mere tick.
const PATIENCE: usize = 40;

/// The records that tell why something broke, in order. Never more than [`LIMIT`].
///
/// From each step to blame the causes are followed backwards. Alarms that only lead on are left out; where a chain
/// comes down to a periodic tick, the last thing its actor said before stands for what it acted on. Faults before the
/// violation are told too. When there is too much, what is nearest to the blamed steps stays.
pub fn story<'a>(lines: &'a [Line], violation: &Violation) -> Vec<&'a Line> {
    let by_id: BTreeMap<u64, &Line> = lines.iter().map(|line| (line.id, line)).collect();
    let blamed: BTreeSet<u64> = violation.because.iter().map(|step| step.0).collect();
    let mut chosen: Vec<u64> = Vec::new();
    let mut queue: VecDeque<u64> = blamed.iter().copied().collect();
    let mut seen: BTreeSet<u64> = blamed.clone();
    while let Some(id) = queue.pop_front() {
        let Some(line) = by_id.get(&id) else { continue };
        chosen.push(id);
        if let Some(cause) = next_told(line, &by_id, lines)
            && seen.insert(cause)
        {
            queue.push_back(cause);
        }
    }
    let last = blamed.last().copied().unwrap_or(u64::MAX);
    let faults =
        lines.iter().filter(|line| line.kind == LineKind::Fault && line.id <= last).map(|line| line.id);
    let mut told: BTreeSet<u64> = faults.rev().take(LIMIT / 3).collect();
    for id in chosen {
        if told.len() < LIMIT {
            told.insert(id);
        }
    }
    told.into_iter().filter_map(|id| by_id.get(&id).copied()).collect()
}

/// The nearest cause of a record that is worth telling.
fn next_told(line: &Line, by_id: &BTreeMap<u64, &Line>, lines: &[Line]) -> Option<u64> {
    let mut at = line;
    for _ in 0..PATIENCE {
        at = by_id.get(&at.cause?)?;
        if is_worth_telling(at) {
            return Some(at.id);
        }
    }
    let actor = &at.actor;
    let before = lines.iter().take_while(|other| other.id < line.id);
    let said = before.filter(|other| other.actor == *actor && other.has_notes);
    said.last().map(|other| other.id)
}

/// Alarms and exchanges with services (those whose names have no node in front) tell something only by what was said.
fn is_worth_telling(line: &Line) -> bool {
    let with_service = |name: &String| !name.contains('/');
    let exchange = with_service(&line.actor) || line.from.as_ref().is_some_and(with_service);
    line.has_notes || line.kind == LineKind::Fault || line.kind != LineKind::Alarm && !exchange
}

/// The story as text, the blamed steps marked.
pub fn text(lines: &[Line], violation: &Violation) -> String {
    let story = story(lines, violation);
    let mut text = format!("{}\n", styled(BAD, violation));
    for line in story {
        let blamed = violation.because.iter().any(|step| step.0 == line.id);
        let mark = if blamed { styled(BAD, ">") } else { " ".to_owned() };
        let shown = match line.kind {
            _ if blamed => styled(STRONG, &line.text),
            LineKind::Fault => styled(STRONG, &line.text),
            LineKind::Alarm if !line.has_notes => styled(FAINT, &line.text),
            LineKind::Alarm | LineKind::Step | LineKind::Lost => line.text.clone(),
        };
        text += &format!("{mark} {}\n", shown.replace('\n', "\n  "));
    }
    text
}
