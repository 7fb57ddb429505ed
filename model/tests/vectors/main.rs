//! Decision vectors: rows of facts about the real system, as transcripts (docs/vectors.md).
//!
//! `VECTORS_DIR=<folder>` runs that folder instead of `fixtures/vectors`; `UPDATE_VECTORS=1` writes down what the model
//! does now.

#[path = "../hand/mod.rs"]
mod hand;

mod file;
mod row;

use std::{collections::BTreeSet, env, fs, path::Path, path::PathBuf};

use file::File;
use model::{coordinator, dispatchers, maintainer, node, pd, sink};

/// How many rows of each party may be beyond what the model can express, in percent.
const UNMODELLED_PERCENT: usize = 10;

#[test]
fn every_row_passes() {
    let built_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/vectors");
    let given = env::var_os("VECTORS_DIR").map(PathBuf::from);
    let folder = given.clone().unwrap_or(built_in);
    let mut paths = Vec::new();
    find(&folder, &mut paths);
    paths.sort();
    assert!(!paths.is_empty(), "there is no .txt file in {}", folder.display());

    let (mut complaints, mut rows) = (Vec::new(), BTreeSet::new());
    for path in &paths {
        let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let name = path.strip_prefix(&folder).unwrap_or(path).display().to_string();
        if name == "unmodelled.txt" {
            continue;
        }
        let mut file = File::parse(&name, &text).unwrap_or_else(|wrong| panic!("{wrong}"));
        for row in &mut file.rows {
            rows.insert((name.clone(), row.id.clone()));
            complaints.extend(row.run(&name));
        }
        if env::var_os("UPDATE_VECTORS").is_some() {
            fs::write(path, file.to_string()).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        }
    }
    let updated = env::var_os("UPDATE_VECTORS").is_some();
    let count = format!("{} rows in {} files", rows.len(), paths.len());
    assert!(complaints.is_empty() || updated, "{count}; these fail:\n{}", complaints.join("\n"));
    if given.is_none() {
        unmodelled_rows_are_few(&folder, &rows);
    }
}

/// Under this line the document is written by the test.
const WRITTEN: &str =
    "<!-- What follows is written by `UPDATE_DOCS=1 cargo test -p model --test vectors`. -->";

#[test]
fn the_document_lists_every_message() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/vectors.md");
    let document = fs::read_to_string(&path).expect("it is there");
    let (introduction, _) = document.split_once(WRITTEN).expect("it has an introduction");
    let real = format!("{introduction}{WRITTEN}\n{}", messages());
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(path, &real).expect("a document can be written");
    } else {
        let same = document == real;
        assert!(same, "UPDATE_DOCS=1 cargo test -p model --test vectors lists the messages there are now");
    }
    for name in types(&messages()) {
        let explained = real.contains(&format!("\n| {name}")) || real.contains(&format!("\n- {name}: "));
        assert!(explained, "docs/vectors.md does not tell how a {name} is written");
    }
}

/// The types that forms name.
fn types(forms: &str) -> BTreeSet<&str> {
    let words = forms.split(|letter: char| !letter.is_alphanumeric());
    let fields = forms.split(": ").skip(1).filter_map(|rest| rest.split([';', '`', '\n']).next());
    let named = |word: &str| fields.clone().any(|field| field.split(['<', '>', ',']).any(|one| one == word));
    words.filter(|word| word.starts_with(char::is_uppercase) && *word != "Box" && named(word)).collect()
}

fn messages() -> String {
    let parties = [
        ("Dispatchers", dispatchers::Inbox::FORMS),
        ("Maintainers", maintainer::Inbox::FORMS),
        ("Coordinator", coordinator::Inbox::FORMS),
        ("Server", node::Inbox::FORMS),
        ("Whoever asked the downstream", sink::Reply::FORMS),
        ("Whoever asked PD", pd::Reply::FORMS),
    ];
    let structs = [
        ("ScheduleRequest", dispatchers::ScheduleRequest::FORM),
        ("MergeRequest", dispatchers::MergeRequest::FORM),
        ("BootstrapResponse", dispatchers::BootstrapResponse::FORM),
        ("ReportedSpan", dispatchers::ReportedSpan::FORM),
        ("Heartbeat", dispatchers::Heartbeat::FORM),
        ("Watermark", dispatchers::Watermark::FORM),
        ("DispatcherStatus", dispatchers::DispatcherStatus::FORM),
        ("MaintainerStatus", coordinator::MaintainerStatus::FORM),
    ];
    let mut text = String::new();
    for (party, forms) in parties {
        text += &format!("\n### {party}\n\n");
        text.extend(forms.iter().map(|form| format!("- `{}`\n", form.trim_end_matches(';'))));
    }
    text += "\n### Structs\n\n";
    text.extend(structs.iter().map(|(name, form)| format!("- {name}: `{}`\n", form.trim_end_matches("; "))));
    text
}

/// `unmodelled.txt`: a line for each row that the model cannot express, `dispatcher/A01: why`.
fn unmodelled_rows_are_few(folder: &Path, rows: &BTreeSet<(String, String)>) {
    let text = fs::read_to_string(folder.join("unmodelled.txt")).expect("there is a list of unmodelled rows");
    let listed = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    let listed: Vec<(&str, &str)> = listed
        .map(|line| line.split_once(": ").unwrap_or_else(|| panic!("`{line}` does not say why")).0)
        .map(|name| name.split_once('/').unwrap_or_else(|| panic!("`{name}` names no party")))
        .collect();
    let party_of = |file: &str| file.split('/').next().unwrap_or_default().to_owned();
    let parties: BTreeSet<String> = rows.iter().map(|(file, _)| party_of(file)).collect();
    for party in parties {
        let modelled: BTreeSet<&str> =
            rows.iter().filter(|(file, _)| party_of(file) == party).map(|(_, id)| id.as_str()).collect();
        let left: BTreeSet<&str> =
            listed.iter().filter(|(name, _)| *name == party).map(|(_, id)| *id).collect();
        let both: Vec<&&str> = modelled.intersection(&left).collect();
        assert!(both.is_empty(), "{party}: {both:?} pass and are listed as unmodelled");
        let (left, all) = (left.len(), left.len() + modelled.len());
        assert!(left * 100 <= all * UNMODELLED_PERCENT, "{party}: {left} of {all} rows are unmodelled");
    }
}

fn find(folder: &Path, found: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for path in entries.map(|entry| entry.expect("it can be read").path()) {
        if path.is_dir() {
            find(&path, found);
        } else if path.extension().is_some_and(|end| end == "txt") {
            found.push(path);
        }
    }
}
