//! Decisions: which have to differ from nominal weather, and by how much.

use std::collections::{BTreeMap, BTreeSet};

use sim::{Decision, DecisionAddress, Duration};

use super::{Attempt, Search, reduce::reduce};

type Overrides = BTreeMap<DecisionAddress, Decision>;

impl Search<'_> {
    /// Makes all decisions nominal, if that will do.
    pub(super) fn nominal_weather(&mut self) {
        let nothing = Attempt { overrides: Overrides::new(), ..self.best.clone() };
        self.first(&[nothing], |_| "all weather is nominal".to_owned());
    }

    /// Makes as many decisions nominal as possible: all, else by class, by stream, one by one.
    pub(super) fn decisions(&mut self) {
        if self.best.overrides.is_empty() || self.is_over() {
            return;
        }
        self.nominal_weather();
        self.group(|address| address.stream.split(' ').next().unwrap_or_default().to_owned());
        self.group(|address| address.stream.clone());
        self.group(ToString::to_string);
    }

    /// Makes groups of decisions nominal: those of which this gives the same name.
    fn group(&mut self, name: impl Fn(&DecisionAddress) -> String) {
        let groups: BTreeSet<String> = self.best.overrides.keys().map(&name).collect();
        if self.is_over() {
            return;
        }
        let named: Overrides = self.best.overrides.clone();
        let without = |groups: &Vec<String>| {
            let groups: BTreeSet<&String> = groups.iter().collect();
            let kept = named.iter().filter(|(address, _)| groups.contains(&name(address)));
            kept.map(|(address, decision)| (address.clone(), *decision)).collect::<Overrides>()
        };
        reduce(groups.into_iter().collect(), |lists| {
            if self.is_over() {
                return None;
            }
            let best = self.best.clone();
            let attempt = |list| Attempt { overrides: without(list), ..best.clone() };
            let attempts: Vec<Attempt> = lists.iter().map(attempt).collect();
            self.first(&attempts, |found| format!("{} decisions differ", attempts[found].overrides.len()))
        });
    }

    /// Brings delays that have to differ nearer to what they would be nominally, and rounds them.
    pub(super) fn magnitudes(&mut self) {
        let addresses: Vec<DecisionAddress> = self.best.overrides.keys().cloned().collect();
        for address in addresses {
            // Each attempt is a copy of all decisions, and without a budget there may be thousands.
            if self.is_over() {
                return;
            }
            let nominal = match self.nominal.get(&address) {
                Some(Decision::Delay(nominal)) => *nominal,
                _ => Duration::ZERO,
            };
            while let Some(Decision::Delay(length)) = self.best.overrides.get(&address).copied() {
                let half = |length: Duration| match length > nominal {
                    true => nominal + (length - nominal).split(2),
                    false => length + (nominal - length).split(2),
                };
                let mut nearer = vec![half(length), half(half(length)).max(half(length)), rounded(length)];
                nearer.retain(|other| *other != length && is_shorter_to_say(*other, length, nominal));
                let attempts: Vec<Attempt> = nearer
                    .iter()
                    .map(|length| {
                        let mut overrides = self.best.overrides.clone();
                        overrides.insert(address.clone(), Decision::Delay(*length));
                        Attempt { overrides, ..self.best.clone() }
                    })
                    .collect();
                let step = |found: usize| format!("{address} takes {}", nearer[found]);
                if self.is_over() || self.first(&attempts, step).is_none() {
                    break;
                }
            }
        }
    }
}

/// A delay with two digits.
fn rounded(length: Duration) -> Duration {
    let nanos = length.nanos();
    let digits = nanos.max(1).ilog10();
    let unit = 10_u64.pow(digits.saturating_sub(1));
    Duration::from_nanos(nanos.div_ceil(unit) * unit)
}

/// Whether it is a step: much nearer to the nominal value, or a round number about as far.
fn is_shorter_to_say(other: Duration, length: Duration, nominal: Duration) -> bool {
    let away = |length: Duration| if length > nominal { length - nominal } else { nominal - length };
    let near = nominal.nanos() / 100;
    away(length).nanos() > near && away(other).nanos() < away(length).nanos() / 10 * 9
        || other == rounded(length)
}
