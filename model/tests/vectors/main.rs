//! Decision vectors: rows of facts about the real system, as transcripts (docs/vectors.md).
//!
//! `VECTORS_DIR=<folder>` runs that folder instead of `fixtures/vectors`; `UPDATE_VECTORS=1` writes down what the model
//! does now.

#[path = "../hand/mod.rs"]
mod hand;

mod complaints;
mod document;
mod file;
mod row;
mod verbs;

use std::{collections::BTreeSet, env, fs, path::Path, path::PathBuf};

use file::File;
use row::Purpose;

/// How many rows of each party may be beyond what the model can express, in percent.
const UNMODELLED_PERCENT: usize = 10;

#[test]
fn every_row_passes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let given = env::var_os("VECTORS_DIR").map(|folder| root.join(folder));
    let purpose = if env::var_os("UPDATE_VECTORS").is_some() { Purpose::Update } else { Purpose::Compare };
    let built_in = root.join("fixtures/vectors");
    let ran = Ran::folder(given.as_ref().unwrap_or(&built_in), purpose);
    let (rows, complaints) = (ran.rows.len(), ran.complaints.join("\n\n"));
    assert!(complaints.is_empty(), "of {rows} rows these fail:\n\n{complaints}\n");
    if given.is_none() {
        unmodelled_rows_are_few(&built_in, &ran.rows);
    }
}

/// What came of the rows of a folder.
#[derive(Default)]
struct Ran {
    /// The file and the id of each.
    rows: BTreeSet<(String, String)>,
    complaints: Vec<String>,
}

impl Ran {
    fn folder(folder: &Path, purpose: Purpose) -> Ran {
        let (mut ran, mut paths) = (Ran::default(), Vec::new());
        find(folder, &mut paths);
        paths.sort();
        for path in &paths {
            let name = path.strip_prefix(folder).unwrap_or(path).display().to_string();
            if name != "unmodelled.txt" {
                ran.file(path, &name, purpose);
            }
        }
        if ran.rows.is_empty() && ran.complaints.is_empty() {
            ran.complaints.push(format!("there is no row in any .txt file in {}", folder.display()));
        }
        ran
    }

    fn file(&mut self, path: &Path, name: &str, purpose: Purpose) {
        let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut file = match File::parse(name, &text) {
            Ok(file) => file,
            Err(wrong) => return self.complaints.push(wrong),
        };
        for row in &mut file.rows {
            self.rows.insert((name.to_owned(), row.id.clone()));
            self.complaints.extend(row.run(name, purpose));
        }
        if purpose == Purpose::Update {
            fs::write(path, file.to_string()).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        }
    }
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
