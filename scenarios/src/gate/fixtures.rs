//! What the gate holds runs against: the files of a folder, `fixtures/` in the repository.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{Detections, Outcomes};
use crate::{Error, capsule::Capsule, catalogue::reading, known::KnownFindings};

/// The files of a folder.
#[derive(Clone, Debug, Default)]
pub struct Fixtures {
    /// `outcomes.txt`.
    pub outcomes: Outcomes,
    /// `detections.txt`.
    pub detections: Detections,
    /// `known-findings.toml`.
    pub known: KnownFindings,
    /// Every `.json` under `capsules/`, by its path from there, in order.
    pub capsules: Vec<(String, Capsule)>,
}

/// The names of the files in the folder.
pub const OUTCOMES: &str = "outcomes.txt";
/// The names of the files in the folder.
pub const DETECTIONS: &str = "detections.txt";
/// The names of the files in the folder.
pub const KNOWN: &str = "known-findings.toml";
/// The folder of capsules in the folder.
pub const CAPSULES: &str = "capsules";

impl Fixtures {
    /// Reads a folder. What is not there is empty, but for the outcomes.
    pub fn read(folder: &Path) -> Result<Fixtures, Error> {
        let path = |name: &str| folder.join(name).display().to_string();
        let is_there = |name: &str| folder.join(name).exists();
        if !is_there(OUTCOMES) {
            let what = format!(
                "there is no {OUTCOMES} in it; run in the root of the repository, name the folder with --fixtures, or let \
                 --update write one"
            );
            return Err(Error::new(folder.display().to_string(), what));
        }
        Fixtures::of(folder, Outcomes::read(&path(OUTCOMES))?, |name| is_there(name).then(|| path(name)))
    }

    /// As much of a folder as there is, to be updated.
    pub fn read_if_there(folder: &Path) -> Result<Fixtures, Error> {
        let there = |name: &str| folder.join(name).exists().then(|| folder.join(name).display().to_string());
        let outcomes = there(OUTCOMES).map(|path| Outcomes::read(&path)).transpose()?.unwrap_or_default();
        Fixtures::of(folder, outcomes, there)
    }

    fn of(
        folder: &Path,
        outcomes: Outcomes,
        there: impl Fn(&str) -> Option<String>,
    ) -> Result<Fixtures, Error> {
        let detections =
            there(DETECTIONS).map(|path| Detections::read(&path)).transpose()?.unwrap_or_default();
        let known = there(KNOWN).map(|path| KnownFindings::read(&path)).transpose()?.unwrap_or_default();
        let mut capsules = Vec::new();
        if there(CAPSULES).is_some() {
            let root = folder.join(CAPSULES);
            for path in files(&root)? {
                let name = path.strip_prefix(&root).unwrap_or(&path).display().to_string();
                capsules.push((name, Capsule::read(&path.display().to_string())?));
            }
        }
        capsules.sort_by(|one, other| one.0.cmp(&other.0));
        for finding in known.all() {
            for capsule in &finding.capsules {
                let named = capsule.strip_prefix("capsules/").unwrap_or(capsule);
                if capsules.iter().all(|(name, _)| name != named) {
                    let at = folder.join(KNOWN).display().to_string();
                    return Err(Error::new(
                        at,
                        format!("{}: there is no {capsule} in the folder", finding.id),
                    ));
                }
            }
        }
        Ok(Fixtures { outcomes, detections, known, capsules })
    }
}

/// Every `.json` in a folder and those below.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let wrong = |error: std::io::Error| Error::new(folder.display().to_string(), reading(&error));
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(wrong)? {
        let path = entry.map_err(wrong)?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else if path.extension().is_some_and(|ending| ending == "json") {
            found.push(path);
        }
    }
    Ok(found)
}
