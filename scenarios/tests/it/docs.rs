//! The documents leave out nothing that a scenario can say.

use std::{collections::BTreeSet, fs, path::Path};

use scenarios::{Decisions, PolicySpec, Scenario, Seed, run::run};
use sim::Kind as _;

fn document(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name);
    fs::read_to_string(path).expect("it is there")
}

/// What is in backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The words that a document explains: those in backticks outside of its blocks of code.
fn explained(document: &str) -> BTreeSet<&str> {
    let text = document.split("```").step_by(2);
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    text.flat_map(quoted).flat_map(|quoted| quoted.split(move |letter| !is_part(letter))).collect()
}

/// The names that would have been right, out of a complaint.
fn expected(complaint: &str) -> Vec<String> {
    let (_, right) = complaint.split_once("expected").unwrap_or_else(|| panic!("{complaint}"));
    quoted(right.lines().next().unwrap_or_default()).map(ToOwned::to_owned).collect()
}

const FILE: &str = r#"
story = "-"
run_for = "1s"
settle_for = "1s"
[cluster]
nodes = 1
[workload]
tables = 1
row_every = "1s"
rows = 1
"#;

/// Every field and every alternative that the format knows is named.
#[test]
fn every_field_is_explained() {
    let fault = |what: &str| format!("[[fault]]\nwhen = {{ at = '0s' }}\ndo = {what}");
    let mut wrong: Vec<String> = vec!["x = 1".into(), "[cluster]\nx = 1".into(), "[workload]\nx = 1".into()];
    wrong.push(format!("topic = 'x'{FILE}"));
    wrong.push(format!("{FILE}[[workload.ddl]]\nx = 1"));
    wrong.push(format!("{FILE}[downstream]\nx = 1"));
    wrong.push(format!("{FILE}[scheduling]\nx = 1"));
    wrong.push(format!("{FILE}[[workload.growth]]\nx = 1"));
    wrong.push(format!("{FILE}[downstream]\nclass = 'x'"));
    for table in ["", ".peer", ".node", ".downstream"] {
        wrong.push(format!("{FILE}[weather{table}]\nx = 1"));
    }
    wrong.push(format!("{FILE}[weather.peer]\ntail = {{ x = 1 }}"));
    wrong.push(format!("{FILE}[[claim]]\nx = 1"));
    wrong.push(format!("{FILE}[[fault]]\nx = 1"));
    wrong.push(format!("{FILE}[[fault]]\nwhen = {{ x = 1 }}"));
    wrong.push(format!("{FILE}[[fault]]\nwhen = {{ upon = {{ x = 1 }} }}"));
    wrong.push(format!("{FILE}{}", fault("{ cut = { from = 'all', to = 'all', mode = 'x' } }")));
    wrong.push(format!("{FILE}{}", fault("{ downstream_outage = { mode = 'x' } }")));
    let kinds = complaint(&format!("{FILE}{}", fault("{ x = 1 }")));
    wrong.extend(
        expected(&kinds)
            .iter()
            .map(|kind| format!("{FILE}{}", fault(&format!("{{ {kind} = {{ x = 1 }} }}")))),
    );

    let document = document("scenarios.md");
    let explained = explained(&document);
    for name in wrong.iter().map(|text| complaint(text)).chain([kinds]).flat_map(|text| expected(&text)) {
        assert!(explained.contains(name.as_str()), "docs/scenarios.md does not explain `{name}`");
    }
}

fn complaint(text: &str) -> String {
    Scenario::parse("x", "x.toml", text).expect_err("something is wrong with it").to_string()
}

#[test]
fn every_kind_of_moment_is_named() {
    let document = document("scenarios.md");
    let named = explained(&document);
    let messages = (0..model::Msg::KINDS).map(model::Msg::name);
    let all = messages.chain((0..model::Note::KINDS).map(model::Note::name));
    let missing: Vec<&str> = all.filter(|name| !named.contains(*name)).collect();
    assert!(missing.is_empty(), "docs/scenarios.md does not name {}", missing.join(", "));
}

/// The scenarios in the document are well-formed, and the one that spells out every default is the one that leaves
/// them out.
#[test]
fn the_defaults_are_as_documented() {
    let document = document("scenarios.md");
    let blocks = document.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let files = blocks.filter(|block| block.starts_with("story"));
    let digests = files.map(|text| {
        let scenario =
            Scenario::parse("x", "docs/scenarios.md", text).unwrap_or_else(|error| panic!("{error}"));
        let policy = PolicySpec::parse("master").unwrap();
        run(&scenario, &policy, Seed(1), &Decisions::default()).digest
    });
    let digests: Vec<u64> = digests.collect();
    assert!(matches!(digests[..], [small, whole, ..] if small == whole));
}
