//! The weather of a finding taken out of a scenario: what is left is as it was.

use toml::{Table, Value};

use crate::{Case, chaos::text, units::Span};

/// What is taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mend {
    /// A process that would be stopped for as long as leases may take to end dies instead, and comes back when it would have gone on.
    Stops,
    /// Everything heals at the end, not only a core.
    Core,
    /// The cluster has five times as long to settle: a call of the redo log's storage may take five minutes.
    Haste,
    /// The downstream neither hangs nor is slow, and everybody reaches it: no statement takes much longer than usual.
    Outages,
    /// A node whose lease is revoked from outside dies at that moment, and is started again by its supervisor.
    Revocations,
}

/// They, by the names that they have in files.
const NAMES: &[(&str, Mend)] = &[
    ("stops", Mend::Stops),
    ("core", Mend::Core),
    ("haste", Mend::Haste),
    ("outages", Mend::Outages),
    ("revocations", Mend::Revocations),
];

/// A stop that is shorter ends before a lease of 10 s can, which is renewed every third of that; unless only a core heals, and it
/// does not end at all.
const LONG: sim::Duration = sim::Duration::from_secs(6);

impl Mend {
    /// By its name.
    pub fn named(name: &str) -> Result<Mend, String> {
        let found = NAMES.iter().find(|(known, _)| *known == name);
        found.map(|(_, mend)| *mend).ok_or_else(|| {
            crate::error::unknown("kind of weather", name, NAMES.iter().map(|(known, _)| *known))
        })
    }

    /// The same case, in this respect mended; none: there is nothing of it.
    pub(super) fn apply(self, case: &Case) -> Option<Case> {
        let case = case.clone().concrete();
        let mut table = case.scenario.table();
        let changed = match self {
            Mend::Stops => {
                let calm = ends_calmly(&table, &case);
                stops(&mut table, calm)
            }
            Mend::Core => core(&mut table, &case),
            Mend::Haste => {
                let (_, settles) = case.scenario.phases();
                table.insert("settle_for".to_owned(), text(&settles.times(5)));
                true
            }
            Mend::Outages => outages(&mut table),
            Mend::Revocations => revocations(&mut table),
        };
        changed.then(|| case.scenario.changed(&table)).flatten().map(|scenario| Case { scenario, ..case })
    }
}

fn stops(table: &mut Table, calm: bool) -> bool {
    let Some(Value::Array(faults)) = table.get_mut("fault") else { return false };
    let mut changed = false;
    for fault in faults.iter_mut().filter_map(Value::as_table_mut) {
        let Some(Value::Table(what)) = fault.get_mut("do") else { continue };
        let Some(Value::Table(mut pause)) = what.get("pause").cloned() else { continue };
        let lasts = pause.get("for").and_then(Value::as_str).map(str::parse::<Span>);
        if calm && lasts.is_some_and(|lasts| lasts.is_ok_and(|Span(_, most)| most < LONG)) {
            continue;
        }
        if let Some(lasts) = pause.remove("for") {
            pause.insert("back_after".to_owned(), lasts);
        }
        what.clear();
        what.insert("crash".to_owned(), Value::Table(pause));
        changed = true;
    }
    changed
}

fn core(table: &mut Table, case: &Case) -> bool {
    let changed = !ends_calmly(table, case);
    table.insert("ending".to_owned(), text(&"calm"));
    changed
}

fn outages(table: &mut Table) -> bool {
    let weather = table.get_mut("weather").and_then(|weather| weather.get_mut("downstream"));
    let tail = weather.and_then(|weather| weather.as_table_mut()?.remove("statement_tail"));
    let Some(Value::Array(faults)) = table.get_mut("fault") else { return tail.is_some() };
    let before = faults.len();
    let is_one = |fault: &Value| {
        let what = fault.get("do").and_then(Value::as_table);
        what.is_some_and(|what| {
            let to_it = |link: &Value| link.get("class").and_then(Value::as_str) == Some("sink");
            what.contains_key("downstream_outage")
                || what.contains_key("slow_statements")
                || ["cut", "slow"].iter().any(|kind| what.get(*kind).is_some_and(to_it))
        })
    };
    faults.retain(|fault| !is_one(fault));
    faults.len() < before || tail.is_some()
}

fn revocations(table: &mut Table) -> bool {
    let Some(Value::Array(faults)) = table.get_mut("fault") else { return false };
    let dies = |fault: &Value| {
        let who = fault.get("do")?.get("revoke_lease")?.get("who")?.clone();
        let crash = Table::from_iter([
            ("who".to_owned(), who),
            ("back_after".to_owned(), text(&model::node::RESTART_AFTER)),
        ]);
        let mut fault = fault.clone();
        fault
            .as_table_mut()?
            .insert("do".to_owned(), Table::from_iter([("crash".to_owned(), Value::Table(crash))]).into());
        Some(fault)
    };
    let died: Vec<Value> = faults.iter().filter_map(dies).collect();
    let changed = !died.is_empty();
    // At one moment the first one is last: the lease goes, and then the node.
    faults.extend(died);
    changed
}

fn ends_calmly(table: &Table, case: &Case) -> bool {
    let drawn = || crate::draw::said_ending(case.scenario.nodes(), case.seed);
    table.get("ending").cloned().unwrap_or_else(drawn) == text(&"calm")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{PolicySpec, Scenario};

    const FILE: &str = r#"
story = "s"
run_for = "30s"
settle_for = "10s"
ending = "calm"
[cluster]
nodes = 3
[workload]
tables = 1
row_every = "1s"
rows = 1
[[fault]]
when = { at = "1s" }
do = { pause = { who = "n1", for = "20s" } }
[[fault]]
when = { at = "2s" }
do = { pause = { who = "n2", for = "1s" } }
"#;

    fn mended(mend: Mend, file: &str) -> Option<String> {
        let scenario = Scenario::parse("s", "s.toml", file).expect("well-formed");
        let policy = PolicySpec::parse("master").expect("it is a policy");
        let case = mend.apply(&Case::new(&scenario, &policy, sim::Seed(0)))?;
        Some(case.scenario.text().to_owned())
    }

    #[test]
    fn long_stops_are_crashes() {
        let text = mended(Mend::Stops, FILE).expect("there is a long one");
        assert!(text.contains("[fault.do.crash]\nback_after = \"20s\"\nwho = \"n1\""), "{text}");
        assert!(text.contains("[fault.do.pause]\nfor = \"1s\"\nwho = \"n2\""), "{text}");
        assert_eq!(mended(Mend::Stops, &FILE.replace("20s", "2s")), None);
        // What only a core outlives may not go on at all.
        let core = FILE.replace("\"calm\"", "{ core = [\"n3\"] }");
        let text = mended(Mend::Stops, &core).expect("there is one");
        assert!(!text.contains("pause"), "{text}");
    }

    #[test]
    fn the_downstream_is_well() {
        assert_eq!(mended(Mend::Outages, FILE), None);
        let hangs = format!(
            "{FILE}[[fault]]\nwhen = {{ at = \"3s\" }}\ndo = {{ downstream_outage = {{ mode = \"hang\", for = \"5s\" }} }}\n"
        );
        let text = mended(Mend::Outages, &hangs).expect("there is one");
        assert!(!text.contains("outage") && text.contains("pause"), "{text}");
        let slow = format!(
            "{FILE}[weather.downstream]\nstatement = \"1ms\"\nstatement_tail = {{ share = \"1%\", delay = \"9s\" }}\n"
        );
        let text = mended(Mend::Outages, &slow).expect("some are slow");
        assert!(!text.contains("tail") && text.contains("statement = \"1ms\""), "{text}");
    }

    #[test]
    fn who_loses_its_lease_dies() {
        assert_eq!(mended(Mend::Revocations, FILE), None);
        let revoked = format!(
            "{FILE}[[fault]]\nwhen = {{ at = \"3s\" }}\ndo = {{ revoke_lease = {{ who = \"n2\" }} }}\n"
        );
        let text = mended(Mend::Revocations, &revoked).expect("there is one");
        assert!(text.contains("[fault.do.revoke_lease]\nwho = \"n2\""), "{text}");
        assert!(
            text.contains("[fault.do.crash]\nback_after = \"2s\"\nwho = \"n2\"\n\n[fault.when]\nat = \"3s\""),
            "{text}"
        );
    }

    #[test]
    fn everything_heals_and_has_more_time() {
        assert_eq!(mended(Mend::Core, FILE), None);
        let core = FILE.replace("\"calm\"", "{ core = [\"n3\"] }");
        assert!(mended(Mend::Core, &core).expect("it had a core").contains("ending = \"calm\""));
        assert!(mended(Mend::Haste, FILE).expect("always").contains("settle_for = \"50s\""));
    }
}
