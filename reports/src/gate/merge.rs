//! Joining the reports of shards: what comes of it is the report of the whole.

use std::collections::BTreeMap;

use scenarios::gate::SHRUNK;

use super::report::{Found, GATE, Report};

/// One report of the reports of all shards, each given with the name of its file. An error says which ones do not belong
/// together, or which are missing.
pub fn merge(reports: &[(String, Report)]) -> Result<Report, String> {
    let Some((name, first)) = reports.first() else { return Err("there is nothing to merge".to_owned()) };
    let Some(total) = first.shard.as_ref().map(|shard| shard.total) else {
        return Err(format!("{name} is no part: it was made without --shard"));
    };
    let mut parts: BTreeMap<u64, (&str, &Report)> = BTreeMap::new();
    for (other, report) in reports {
        belongs(name, first, other, report)?;
        let index = report.shard.as_ref().map_or(0, |shard| shard.index);
        if let Some((before, _)) = parts.insert(index, (other, report)) {
            return Err(format!("{before} and {other} are the same shard {index}/{total}"));
        }
    }
    let missing: Vec<String> =
        (1..=total).filter(|n| !parts.contains_key(n)).map(|n| format!("{n}/{total}")).collect();
    if !missing.is_empty() {
        return Err(format!("the report of shard {} is missing", missing.join(" and of shard ")));
    }
    let mut whole = Report { shard: None, ..first.clone() };
    whole.cases.clear();
    whole.findings.clear();
    whole.fresh.iter_mut().for_each(|fresh| {
        (fresh.ran, fresh.broken, fresh.inconclusive) = (0, 0, 0);
        fresh.failures.clear();
    });
    let mut findings: BTreeMap<(String, Vec<String>, Vec<String>), Found> = BTreeMap::new();
    for (_, part) in parts.into_values() {
        whole.interrupted |= part.interrupted;
        whole.cut_short |= part.cut_short;
        whole.cases.extend(part.cases.iter().cloned());
        for (sum, fresh) in whole.fresh.iter_mut().zip(&part.fresh) {
            sum.ran += fresh.ran;
            sum.broken += fresh.broken;
            sum.inconclusive += fresh.inconclusive;
            sum.failures.extend(fresh.failures.iter().cloned());
        }
        for found in &part.findings {
            let key = (found.breaks.clone(), found.shape.clone(), found.known.clone());
            match findings.remove(&key) {
                None => findings.insert(key, found.clone()),
                Some(before) => findings.insert(key, joined(before, found.clone())),
            };
        }
    }
    whole.cases.sort_by_key(|case| case.n);
    whole.fresh.iter_mut().for_each(|fresh| {
        fresh.failures.sort_by_key(|failed| (failed.seed.len(), failed.seed.clone()));
    });
    whole.findings = findings.into_values().collect();
    whole.forget_stories();
    Ok(whole.concluded())
}

impl Report {
    /// Every shard has shrunk its first few; the whole tells of its first few.
    fn forget_stories(&mut self) {
        let cases = self.cases.iter_mut().filter(|case| case.capsule.is_some());
        cases.skip(SHRUNK).for_each(|case| case.deviations.clear());
        let unknown = self.findings.iter_mut().filter(|found| found.known.is_empty());
        unknown.skip(SHRUNK).for_each(|found| found.deviations.clear());
    }
}

/// Whether two reports are of the same work.
fn belongs(name: &str, first: &Report, other: &str, report: &Report) -> Result<(), String> {
    if report.schema != GATE {
        return Err(format!("{other} has the schema `{}`; this version reads `{GATE}`", report.schema));
    }
    let total = |report: &Report| report.shard.as_ref().map(|shard| shard.total);
    let scenarios = |report: &Report| -> Vec<String> {
        report.fresh.iter().map(|fresh| fresh.scenario.clone()).collect()
    };
    let same: [(&str, bool); 6] = [
        ("the version", first.version == report.version),
        ("the policy", first.policy == report.policy),
        ("the number of shards", total(first) == total(report)),
        ("the base seed", first.base_seed == report.base_seed),
        ("the number of fresh seeds", first.fresh_seeds == report.fresh_seeds),
        ("the scenarios", scenarios(first) == scenarios(report)),
    ];
    match same.iter().find(|(_, same)| !same) {
        Some((what, _)) => Err(format!("{name} and {other} are of different gates: {what} differs")),
        None => Ok(()),
    }
}

/// One kind of break in two shards.
fn joined(one: Found, other: Found) -> Found {
    let runs = one.runs + other.runs;
    let first = if one.first.n < other.first.n { one.first.clone() } else { other.first.clone() };
    let smaller = (one.records, one.smallest.n) < (other.records, other.smallest.n);
    Found { runs, first, ..if smaller { one } else { other } }
}
