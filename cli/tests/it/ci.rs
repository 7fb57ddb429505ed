//! The files in `docs/ci/` call commands that there are.

use std::{fs, path::Path};

use crate::support::cdcsim;

/// Every flag that a file gives a command is one of its flags.
#[test]
fn files_to_copy_give_flags_that_there_are() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/ci");
    let mut calls = 0;
    for file in fs::read_dir(folder).expect("there are files").map(|file| file.unwrap().path()) {
        let text = fs::read_to_string(&file).expect("it is text");
        for (command, flags) in commands(&text, &["hunt", "gate", "merge"]) {
            let help = cdcsim(&format!("{command} --help")).stdout;
            let known = |flag: &str| help.split_whitespace().any(|word| word == flag);
            let unknown: Vec<&String> = flags.iter().filter(|flag| !known(flag)).collect();
            assert!(unknown.is_empty(), "{}: cdcsim {command} has no {unknown:?}", file.display());
            calls += usize::from(!flags.is_empty());
        }
    }
    assert!(calls >= 3, "only {calls} calls were found");
}

/// The commands of these names that a text calls, and their flags. A command goes on behind a backslash, and with a line that is a flag.
fn commands(text: &str, names: &[&str]) -> Vec<(String, Vec<String>)> {
    let mut lines: Vec<String> = Vec::new();
    for line in text.replace("\\\n", " ").lines() {
        match lines.last_mut() {
            Some(last) if line.trim_start().starts_with("--") => *last += line,
            _ => lines.push(line.to_owned()),
        }
    }
    let mut found = Vec::new();
    for line in &lines {
        let words: Vec<&str> = line.split_whitespace().collect();
        for (n, pair) in words.windows(2).enumerate() {
            if pair[0].ends_with("cdcsim") && names.contains(&pair[1]) {
                let behind =
                    words[n + 2..].iter().take_while(|word| !["|", "||", "&&", ">", ";"].contains(word));
                let flags = behind.filter(|word| word.starts_with("--")).map(|word| (*word).to_owned());
                found.push((pair[1].to_owned(), flags.collect()));
            }
        }
    }
    found
}
