//! `docs/policies.md` tells of every switch, its alternatives, and the presets that choose them, and `docs/mutants.md` of what
//! reviews objected to. Both are written from the declarations: `UPDATE_DOCS=1 cargo test -p model --test it policies`.

use std::{env, fmt::Write, fs, path::Path};

use model::policy::{DESIGNS, MUTANTS, Made, PRESETS, REVIEWS, in_files};

/// Under this line everything is written by the test.
const WRITTEN: &str =
    "<!-- What follows is written by `UPDATE_DOCS=1 cargo test -p model --test it policies`. -->";

#[test]
fn every_switch_is_explained() {
    written_in("policies.md", |_| switches());
}

/// Which mutants stand for what a review objected to, and whether the table of mutants has something that detects them.
#[test]
fn every_review_is_told_of() {
    written_in("mutants.md", reviews);
}

/// What follows the line [`WRITTEN`] in a document is written from what stands above it and from the declarations.
fn written_in(document: &str, what: impl Fn(&str) -> String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(document);
    let text = fs::read_to_string(&path).expect("it is there");
    let (above, _) = text.split_once(WRITTEN).expect("it has an introduction");
    let real = format!("{above}{WRITTEN}\n{}", what(above));
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(path, real).expect("a document can be written");
    } else {
        let same = text == real;
        assert!(same, "UPDATE_DOCS=1 cargo test -p model --test it policies writes what is declared now");
    }
}

fn reviews(above: &str) -> String {
    let detects = |mutant: &str| {
        let row = above.lines().find(|line| line.starts_with(&format!("| {mutant} |")));
        !row.unwrap_or_else(|| panic!("there is no row for {mutant}")).ends_with("| nothing |")
    };
    let mut text =
        "\n| review | pull request | objection | mutants | detected |\n|---|---|---|---|---|\n".to_owned();
    let (mut made, mut detected) = (0, 0);
    for review in REVIEWS {
        let (mutants, is) = match review.made {
            Made::By(mutants) => {
                let all = mutants.iter().all(|mutant| detects(mutant));
                made += 1;
                detected += usize::from(all);
                (mutants.join(", "), if all { "yes" } else { "no" }.to_owned())
            }
            Made::Shipped(why) => ("none".to_owned(), format!("it is what all versions do: {why}")),
        };
        writeln!(text, "| {} | {} | {} | {mutants} | {is} |", review.id, review.pull, review.mistake)
            .unwrap();
    }
    let rejected = REVIEWS.len() - made;
    writeln!(text, "\n{detected} of {made} are detected; {rejected} are none, since they were rejected.")
        .unwrap();
    text
}

/// Each has a row in `docs/mutants.md`, and those that no scenario detects have a reason.
#[test]
fn every_mutant_is_told_of() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/mutants.md");
    let document = fs::read_to_string(path).expect("it is there");
    for mutant in MUTANTS {
        let row = document.lines().find(|line| line.starts_with(&format!("| {} |", mutant.id)));
        let row = row.unwrap_or_else(|| panic!("docs/mutants.md has no row for {}", mutant.id));
        if row.ends_with("| nothing |") {
            let reason = document
                .lines()
                .any(|line| line.starts_with("- **") && line.contains(&format!("**{}**", mutant.id)));
            assert!(reason, "docs/mutants.md does not say why nothing detects {}", mutant.id);
        }
    }
}

/// Who changes a rule of a version finds the one place where the protocol asks for it.
#[test]
fn every_switch_is_asked_in_one_place() {
    let mut source = String::new();
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut source);
    let mut wrong = String::new();
    for (part, switches) in (PRESETS[0].policy)().parts() {
        for about in switches {
            let ways = [
                format!("policy.{}", about.switch),
                format!("policy().{part}.{}", about.switch),
                format!("policy.{part}.{}", about.switch),
            ];
            let asked: usize = ways.iter().map(|way| occurrences(&source, way)).sum();
            if asked != 1 {
                writeln!(wrong, "{part}.{}: {asked} places", about.switch).unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// The sources in a folder, `policy/` apart, without comments and white space.
fn read(folder: &Path, into: &mut String) {
    for entry in fs::read_dir(folder).expect("the sources are there") {
        let path = entry.expect("it can be read").path();
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "policy") {
                read(&path, into);
            }
        } else {
            let text = fs::read_to_string(&path).expect("a source can be read");
            let code = text.lines().map(|line| line.split("//").next().unwrap_or_default());
            into.extend(code.flat_map(str::split_whitespace));
        }
    }
}

/// How often a name is there, and not as the beginning of a longer one or as a method.
fn occurrences(source: &str, name: &str) -> usize {
    let ends = source.match_indices(name).map(|(start, _)| source[start + name.len()..].chars().next());
    ends.filter(|next| !next.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '(')).count()
}

fn switches() -> String {
    let all = PRESETS.iter().chain(DESIGNS);
    let presets: Vec<_> = all.map(|preset| (preset.name, (preset.policy)().parts())).collect();
    let mut text = String::new();
    for (n, (part, switches)) in presets[0].1.iter().enumerate() {
        write!(text, "\n## The {part}'s switches\n").unwrap();
        for (m, about) in switches.iter().enumerate() {
            write!(text, "\n### `{part}.{}`\n\n{}\n\n", about.switch, plain(about.meaning)).unwrap();
            for (k, (alternative, meaning)) in about.alternatives.iter().enumerate() {
                let chosen: Vec<bool> = presets.iter().map(|(_, parts)| parts[n].1[m].chosen == k).collect();
                let (name, presets) = (in_files(alternative), ranges(&chosen));
                writeln!(text, "- `{name}`{presets}: {}", plain(meaning)).unwrap();
            }
        }
    }
    text
}

/// Without what only the source needs.
fn plain(documentation: &str) -> String {
    documentation.trim().replace("pingcap/ticdc#", "#")
}

/// The presets that choose something, those that follow each other as one range, and the designs that differ from their
/// base by that.
fn ranges(chooses: &[bool]) -> String {
    let (chooses, designs) = chooses.split_at(PRESETS.len());
    if chooses.iter().all(|chosen| *chosen) {
        return " **all**".to_owned();
    }
    let mut text = String::new();
    let mut numbers = (0..chooses.len()).filter(|n| chooses[*n]).peekable();
    while let Some(first) = numbers.next() {
        let mut last = first;
        while let Some(next) = numbers.next_if_eq(&(last + 1)) {
            last = next;
        }
        text += &match last == first {
            true => format!(" **{}**", PRESETS[first].name),
            false => format!(" **{} … {}**", PRESETS[first].name, PRESETS[last].name),
        };
    }
    for (design, _) in DESIGNS.iter().zip(designs).filter(|(_, chosen)| **chosen && !chooses[0]) {
        text += &format!(" **{}**", design.name);
    }
    text
}
