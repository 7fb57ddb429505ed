//! Capsules in a folder: each whole or not there, and none written over.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process,
};

use scenarios::{Error, capsule::Capsule};

use crate::exit::Stop;

/// How long a policy's part of a file's name can be.
const LONGEST: usize = 100;

/// Makes the folder of capsules and tries it, so that a long sweep does not find out at the end.
pub(crate) fn prepare(out: &Path) -> Result<(), Stop> {
    let tried = fs::create_dir_all(out).and_then(|()| {
        let trial = part(out);
        fs::write(&trial, "")?;
        fs::remove_file(&trial)
    });
    tried.map_err(|error| cannot_write(out, &error))
}

/// Saves a capsule under a name that tells what it is. A file of that name with something else in it stays as it is, and
/// the capsule gets a number: scenarios of one name may be in several folders.
pub(crate) fn save(out: &Path, name: &str, capsule: &Capsule) -> Result<PathBuf, Stop> {
    let text = capsule.to_text();
    let numbered = (2..).map(|n| out.join(format!("{name}-{n}.json")));
    for path in [out.join(format!("{name}.json"))].into_iter().chain(numbered) {
        match place(out, &path, &text) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(cannot_write(&path, &error)),
        }
    }
    unreachable!("there is always another number")
}

/// Saves a capsule under this name, whatever was there before.
pub(crate) fn replace(out: &Path, name: &str, capsule: &Capsule) -> Result<(), Stop> {
    let (part, path) = (part(out), out.join(format!("{name}.json")));
    let written = fs::write(&part, capsule.to_text()).and_then(|()| fs::rename(&part, &path));
    written.map_err(|error| cannot_write(&path, &error))
}

/// A policy as a part of a file's name; the beginning of a long one: names of files end somewhere, and capsules of one name get numbers.
pub(crate) fn file_name(policy: &str) -> String {
    let name = policy.replace(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-', "_");
    name.chars().take(LONGEST).collect()
}

/// A file that no other process writes.
fn part(out: &Path) -> PathBuf {
    out.join(format!(".cdcsim-{}.part", process::id()))
}

/// Writes a file, unless it is there already. It is written beside and then named: a capsule is whole or not there.
fn place(out: &Path, path: &Path, text: &str) -> io::Result<()> {
    if fs::read(path).is_ok_and(|there| there == text.as_bytes()) {
        return Ok(());
    }
    let (part, is_taken) = (part(out), || fs::symlink_metadata(path).is_ok());
    // A link, other than a renaming, never replaces a file. Where there are no links, nobody else is to write meanwhile.
    let done = fs::write(&part, text).and_then(|()| match fs::hard_link(&part, path) {
        Err(_) if !is_taken() => fs::rename(&part, path),
        done => done,
    });
    let _ = fs::remove_file(&part);
    done.map_err(|error| if is_taken() { io::ErrorKind::AlreadyExists.into() } else { error })
}

fn cannot_write(path: &Path, error: &io::Error) -> Stop {
    let what = match error.kind() {
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
            "capsules cannot be saved there: a part of this path is a file, not a folder".to_owned()
        }
        _ => format!("capsules cannot be saved there: {error}"),
    };
    Error::new(path.display().to_string(), what).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_end_somewhere() {
        assert_eq!(file_name("master+node.watchdog_end=fences"), "master_node_watchdog_end_fences");
        assert_eq!(file_name(&"é".repeat(300)), "_".repeat(LONGEST));
    }
}
