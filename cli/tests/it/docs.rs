//! What the documents show of the program is what it prints.
//!
//! A block that begins with ```` ```console ```` holds commands, `$ …`, and what each of them prints on a terminal without
//! colours. `UPDATE_DOCS=1 cargo test -p cli --test it docs` writes down what they print now.

#![cfg(unix)]

use std::{env, fs, mem, path::Path, process::Command};

#[test]
fn transcripts_are_real() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let pages =
        fs::read_dir(root.join("docs")).expect("there are documents").map(|page| page.unwrap().path());
    let mut documents: Vec<_> =
        pages.filter(|page| page.extension().is_some_and(|end| end == "md")).collect();
    documents.extend([root.join("README.md"), root.join("CONTRIBUTING.md")]);
    let matrix = fs::read_to_string(root.join("docs/matrix.md")).expect("it is there");
    for document in documents {
        let written = fs::read_to_string(&document).expect("a document is text");
        let real = with_rows(&rerun(&written), &matrix);
        if written != real && env::var_os("UPDATE_DOCS").is_some() {
            fs::write(&document, &real).expect("a document can be written");
        } else if written != real {
            let same =
                written.lines().zip(real.lines()).take_while(|(written, real)| written == real).count();
            let now = real.lines().nth(same).unwrap_or("the end");
            let (document, line) = (document.display(), same + 1);
            panic!(
                "{document}:{line} would read `{now}` now; UPDATE_DOCS=1 cargo test -p cli --test it docs corrects it"
            );
        }
    }
}

#[test]
fn the_readme_names_the_oldest_compiler() {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md")).unwrap();
    assert!(readme.contains(concat!("Rust ", env!("CARGO_PKG_RUST_VERSION"))));
}

/// The document with what its commands print now. The commands of one block share a folder.
fn rerun(document: &str) -> String {
    let mut text = String::new();
    let mut block = None;
    for line in document.lines() {
        match (&mut block, line.strip_prefix("$ ")) {
            (None, _) => {
                if line == "```console" {
                    block = Some(Shell::new());
                }
                text += &format!("{line}\n");
            }
            (Some(_), _) if line == "```" => {
                block = None;
                text += "```\n";
            }
            (Some(shell), Some(command)) => text += &format!("{line}\n{}", shell.run(command)),
            // What a command printed when the document was written.
            (Some(_), None) => {}
        }
    }
    text
}

/// Behind this line come some rows of the matrix.
const ROWS: &str = "<!-- What follows are rows of docs/matrix.md, written by `UPDATE_DOCS=1 cargo test -p cli --test it docs`. -->";

/// The document with what the matrix says: its first paragraph, and of its table the rows that the document has.
fn with_rows(document: &str, matrix: &str) -> String {
    let Some((above, below)) = document.split_once(ROWS) else { return document.to_owned() };
    let name = |line: &str| line.split('|').nth(1).map(|name| name.trim().to_owned());
    let is_row = |line: &&str| line.starts_with('|');
    let table = below.lines().skip_while(|line| !is_row(line));
    let rows = table.clone().take_while(is_row).map(|row| {
        let same = matrix.lines().find(|line| is_row(line) && name(line) == name(row));
        same.unwrap_or_else(|| panic!("docs/matrix.md has no row for {row}"))
    });
    let rows: Vec<&str> = rows.collect();
    let rest: String = table.skip(rows.len()).map(|line| format!("{line}\n")).collect();
    let words = matrix.lines().next().unwrap_or_default();
    format!("{above}{ROWS}\n\n{words}\n\n{}\n{rest}", rows.join("\n"))
}

/// Where the commands of a block are run.
struct Shell {
    folder: tempfile::TempDir,
    /// What the last command exited with.
    status: i32,
}

impl Shell {
    fn new() -> Shell {
        Shell { folder: tempfile::tempdir().expect("a folder can be made"), status: 0 }
    }

    /// What a command prints. `cargo run` stands for the program that has been built for this test.
    fn run(&mut self, command: &str) -> String {
        let program = Path::new(env!("CARGO_BIN_EXE_cdcsim"));
        let path =
            format!("{}:{}", program.parent().unwrap().display(), env::var("PATH").unwrap_or_default());
        let command = command.replace("cargo run --release --", "cdcsim");
        let before = mem::take(&mut self.status);
        let done = Command::new("sh")
            .args(["-c", &format!("exec 2>&1; (exit {before}); {command}")])
            .current_dir(&self.folder)
            .env("PATH", path)
            .env("NO_COLOR", "1")
            .env_remove("RUST_LOG")
            .output()
            .expect("there is a shell");
        self.status = done.status.code().unwrap_or(-1);
        let printed = String::from_utf8(done.stdout).expect("the program prints text");
        assert!(!printed.trim().is_empty(), "`{command}` shows nothing");
        printed.trim_end().to_owned() + "\n"
    }
}
