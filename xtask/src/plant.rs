//! Plants faults, one at a time, and asks the tests.
//!
//! The digests of runs are asked last and counted apart: almost any change of behaviour moves one, and a digest does not
//! say that something is wrong.

use std::path::{Path, PathBuf};

use crate::{
    plants::{self, Plant},
    table,
    tree::{Ran, Tree},
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only these faults; all, if none is named
    names: Vec<String>,
    /// Write the table into docs/plants.md, too: only with all faults
    #[arg(long, conflicts_with = "names")]
    write: bool,
}

/// Those whom a fault is shown to, in this order: the cheap ones first.
const JUDGES: &[Judge] = &[
    Judge { name: "tests of the model", args: &["test", "--quiet", "-p", "model"] },
    Judge {
        name: "claims of the catalogue",
        args: &["test", "--quiet", "-p", "scenarios", "--test", "it", "claims::every_claim"],
    },
    Judge {
        name: "a digest only",
        args: &["test", "--quiet", "-p", "scenarios", "--test", "it", "claims::golden_digests"],
    },
];

/// Tests that may see a fault.
pub(crate) struct Judge {
    /// What they are called in the table.
    pub(crate) name: &'static str,
    args: &'static [&'static str],
}

impl Judge {
    /// Whether they say what is wrong.
    pub(crate) fn knows_why(&self) -> bool {
        self.name != "a digest only"
    }
}

/// What became of a fault.
pub(crate) struct Fate {
    pub(crate) plant: Plant,
    /// Who has seen it, and by which tests.
    pub(crate) seen: Option<(&'static Judge, Vec<String>)>,
}

/// Plants them. Whether each was seen by somebody who can say what is wrong.
pub(crate) fn plant(args: &Args) -> Result<bool, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let plants = chosen(plants::read(&root)?, &args.names)?;
    let tree = Tree::copy(&root, target(&root))?;
    eprintln!("without a fault ...");
    if let Some((judge, failed)) = judge(&tree)? {
        return Err(format!("the tests fail without a fault ({}): {}", judge.name, failed.join(", ")));
    }
    let mut fates = Vec::new();
    for plant in plants {
        eprintln!("{} ...", plant.name);
        let sound = tree.read(&plant.file)?;
        tree.write(&plant.file, &plant.applied_to(&sound)?)?;
        if let Ran::Badly(said) = tree.cargo(&["check", "--quiet", "-p", "model"])? {
            return Err(format!("{} does not compile:\n{said}", plant.name));
        }
        let seen = judge(&tree)?;
        tree.write(&plant.file, &sound)?;
        fates.push(Fate { plant, seen });
    }
    let table = table::markdown(&fates);
    println!("{table}");
    if args.write {
        table::write(&root.join("docs/plants.md"), &table)?;
    }
    Ok(fates.iter().all(table::is_seen))
}

/// Those with these names; all, without any.
fn chosen(plants: Vec<Plant>, names: &[String]) -> Result<Vec<Plant>, String> {
    if let Some(unknown) = names.iter().find(|name| !plants.iter().any(|plant| plant.name == **name)) {
        let known: Vec<&str> = plants.iter().map(|plant| plant.name.as_str()).collect();
        return Err(format!("there is no fault `{unknown}`; there are {}", known.join(", ")));
    }
    Ok(plants.into_iter().filter(|plant| names.is_empty() || names.contains(&plant.name)).collect())
}

/// Where what is compiled is kept between two calls.
fn target(root: &Path) -> PathBuf {
    let of_cargo = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    of_cargo.join("plant")
}

/// The first who sees something wrong, and the tests that fail.
fn judge(tree: &Tree) -> Result<Option<(&'static Judge, Vec<String>)>, String> {
    for judge in JUDGES {
        if let Ran::Badly(said) = tree.cargo(judge.args)? {
            let failed = failed_tests(&said);
            // It did not compile, or was killed: that is nobody's judgement.
            return if failed.is_empty() { Err(said) } else { Ok(Some((judge, failed))) };
        }
    }
    Ok(None)
}

/// The names of the tests that failed, as the test harness lists them at its end.
fn failed_tests(said: &str) -> Vec<String> {
    let list = said.rsplit("\nfailures:\n").next().filter(|_| said.contains("\nfailures:\n"));
    let lines = list.into_iter().flat_map(str::lines).map_while(|line| line.strip_prefix("    "));
    let mut names: Vec<String> = lines.map(ToOwned::to_owned).collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_list_has_the_names() {
        let said = "\nfailures:\n\n---- a::b stdout ----\nfailures:\n  no\n\n\nfailures:\n    fence::b\n    a::b\n\ntest result: FAILED.\n";
        assert_eq!(failed_tests(said), ["a::b", "fence::b"]);
        assert_eq!(failed_tests("error: could not compile"), [""; 0]);
    }
}
