//! Whether a run is the same when it is run again, and when it goes on from a copy of itself.

use sim::Instant;

use crate::{
    Case,
    run::{Outcome, begun, run_with},
};

/// Where two runs of one case are different.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The number of the record, from one on.
    pub record: usize,
    /// It as text, the first time; none: the run had ended.
    pub first: Option<String>,
    /// The second time.
    pub second: Option<String>,
}

/// Runs a case twice, the second time from a clone that is taken in the middle, and compares the digest after every record.
pub fn check(case: &Case) -> Result<Outcome, Difference> {
    let mut digests = Vec::new();
    let Case { scenario, policy, seed, decisions } = case;
    let outcome = run_with(scenario, policy, *seed, decisions, |sim, _| digests.push(sim.digest().value()));
    let (mut sim, end) = begun(case);
    let middle = Instant::from_nanos(end.nanos() / 2);
    let mut records = 0;
    let mut is_clone = false;
    while sim.step(end) {
        if digests.get(records) != Some(&sim.digest().value()) {
            let second = Some(sim.record().show(sim.names()).to_string());
            return Err(Difference { record: records + 1, first: text(case, records), second });
        }
        records += 1;
        if !is_clone && sim.record().at >= middle {
            sim = sim.clone();
            is_clone = true;
        }
    }
    match records < digests.len() {
        true => Err(Difference { record: records + 1, first: text(case, records), second: None }),
        false => Ok(outcome),
    }
}

/// A record of the case, if it is run once more.
fn text(case: &Case, record: usize) -> Option<String> {
    let (mut count, mut text) = (0, None);
    let Case { scenario, policy, seed, decisions } = case;
    run_with(scenario, policy, *seed, decisions, |sim, at| {
        if count == record {
            text = Some(at.show(sim.names()).to_string());
        }
        count += 1;
    });
    text
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = |text: &Option<String>| text.clone().unwrap_or_else(|| "the run has ended".to_owned());
        let (record, first, second) = (self.record, shown(&self.first), shown(&self.second));
        write!(
            f,
            "the testbed is not deterministic: record {record} differs\n  first: {first}\n  then:  {second}"
        )
    }
}
