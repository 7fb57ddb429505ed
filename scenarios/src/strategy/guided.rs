//! Guided by coverage: a case that has covered something new is kept, changed a little, and tried again.

use sim::{Decision, DecisionAddress, Draws, Duration, Seed};
use toml::{Table, Value};

use super::Strategy;
use crate::{Case, PolicySpec, Scenario, coverage::Coverage};

/// Cases that were worth keeping, and what all of them have covered.
#[derive(Default)]
pub(super) struct Guided {
    kept: Vec<Case>,
    covered: Coverage,
}

/// So many cases are kept; then the oldest go.
const KEPT: usize = 256;

impl Strategy for Guided {
    fn name(&self) -> &'static str {
        "guided"
    }

    fn case(&self, scenario: &Scenario, policy: &PolicySpec, seed: Seed) -> Case {
        let mut draws = Draws::new(seed, "strategy guided");
        let kept: Vec<&Case> =
            self.kept.iter().filter(|case| case.scenario.name() == scenario.name()).collect();
        // Something altogether new now and then, or what is known is all that is ever looked at.
        if kept.is_empty() || draws.below(4) == 0 {
            return Case::new(scenario, policy, seed).concrete();
        }
        // Of two, the one that was kept later: it had to cover what all before it had not.
        let place = draws.below(kept.len() as u64).max(draws.below(kept.len() as u64)) as usize;
        let other = kept[draws.below(kept.len() as u64) as usize];
        let mut case = kept[place].clone();
        case.policy = policy.clone();
        for _ in 0..=draws.below(3) {
            change(&mut case, other, seed, &mut draws);
        }
        case
    }

    fn learns(&self) -> bool {
        true
    }

    fn learn(&mut self, case: Case, covered: &Coverage) {
        if self.covered.add(covered) > 0 {
            if self.kept.len() >= KEPT {
                self.kept.remove(0);
            }
            self.kept.push(case);
        }
    }
}

/// One small change: of the weather, of a decision, or of a fault.
fn change(case: &mut Case, other: &Case, seed: Seed, draws: &mut Draws) {
    match draws.below(8) {
        0 => case.seed = seed,
        1 | 2 => {
            let hosts = ["n1", "n2", "n3", "n4"];
            let (from, to) = (hosts[draws.below(4) as usize], hosts[draws.below(4) as usize]);
            let kind = draws.below(model_messages() as u64) as usize;
            let kind = <model::Msg as sim::Kind>::name(kind);
            let address =
                DecisionAddress { stream: format!("latency {from}>{to} {kind}"), n: draws.below(24) };
            let late = Duration::from_millis(100 << draws.below(9));
            // Soon enough for the cluster to settle.
            let late = late.min(case.scenario.phases().1.split(2));
            case.decisions.overrides.insert(address, Decision::Delay(late));
        }
        3 if !case.decisions.overrides.is_empty() => {
            let nth = draws.below(case.decisions.overrides.len() as u64) as usize;
            let gone = case.decisions.overrides.keys().nth(nth).cloned();
            gone.map(|gone| case.decisions.overrides.remove(&gone));
        }
        _ => {
            let changed = faults(&case.scenario).map(|(mut table, mut list)| {
                let others = faults(&other.scenario).map(|(_, list)| list).unwrap_or_default();
                change_faults(&mut list, &others, draws);
                table.insert("fault".to_owned(), Value::Array(list));
                table
            });
            let changed = changed.and_then(|table| case.scenario.changed(&table));
            if let Some(scenario) = changed {
                case.scenario = scenario;
            }
        }
    }
}

fn model_messages() -> usize {
    <model::Msg as sim::Kind>::KINDS
}

/// The table of a scenario, and its faults.
fn faults(scenario: &Scenario) -> Option<(Table, Vec<Value>)> {
    let table = scenario.table();
    let faults = table.get("fault").and_then(Value::as_array).cloned().unwrap_or_default();
    Some((table, faults))
}

fn change_faults(list: &mut Vec<Value>, others: &[Value], draws: &mut Draws) {
    match draws.below(4) {
        0 if !others.is_empty() => list.push(others[draws.below(others.len() as u64) as usize].clone()),
        1 if list.len() > 1 => {
            list.remove(draws.below(list.len() as u64) as usize);
        }
        _ if !list.is_empty() => {
            let nth = draws.below(list.len() as u64) as usize;
            if let Some(when) = list[nth].get_mut("when") {
                move_in_time(when, draws);
            }
        }
        _ => {}
    }
}

/// Earlier or later: by a part of a second to some seconds, or by some moments of its kind.
fn move_in_time(when: &mut Value, draws: &mut Draws) {
    let later = draws.below(2) == 0;
    if let Some(Value::String(at)) = when.get_mut("at") {
        let by = 10_000_000_u64 << draws.below(10);
        if let Ok(now) = at.parse::<Duration>() {
            let moved = if later { now.nanos() + by } else { now.nanos().saturating_sub(by) };
            *at = Duration::from_nanos(moved).to_string();
        }
    } else if let Some(Value::Integer(nth)) = when.get_mut("upon").and_then(|upon| upon.get_mut("nth")) {
        let by = 1 + draws.below(4).cast_signed();
        *nth = if later { *nth + by } else { (*nth - by).max(1) };
    }
}
