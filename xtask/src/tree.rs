//! A copy of the sources, in which something may be broken, with a target folder of its own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// A copy of what git knows of the workspace, as it is in the working tree.
pub(crate) struct Tree {
    root: PathBuf,
    target: PathBuf,
    // Goes with it.
    _folder: tempfile::TempDir,
}

/// What became of a run of cargo.
pub(crate) enum Ran {
    Well,
    /// It failed: what it printed.
    Badly(String),
}

impl Tree {
    /// Copies the workspace at `root`; what is compiled goes to `target`, where it is found again the next time.
    pub(crate) fn copy(root: &Path, target: PathBuf) -> Result<Tree, String> {
        let folder = tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}"))?;
        let tree = Tree { root: folder.path().to_owned(), target, _folder: folder };
        let listed = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(root)
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| format!("git ls-files: {error}"))?;
        if !listed.status.success() {
            return Err(format!("git ls-files: {}", listed.status));
        }
        let names = String::from_utf8_lossy(&listed.stdout);
        for name in names.split('\0').filter(|name| !name.is_empty()) {
            // One that has been deleted is still known until that is committed.
            if root.join(name).is_file() {
                let to = tree.root.join(name);
                let parent = to.parent().unwrap_or(&tree.root);
                fs::create_dir_all(parent).map_err(|error| format!("{}: {error}", parent.display()))?;
                fs::copy(root.join(name), &to).map_err(|error| format!("{name}: {error}"))?;
            }
        }
        Ok(tree)
    }

    pub(crate) fn read(&self, file: &str) -> Result<String, String> {
        fs::read_to_string(self.root.join(file)).map_err(|error| format!("{file}: {error}"))
    }

    pub(crate) fn write(&self, file: &str, text: &str) -> Result<(), String> {
        fs::write(self.root.join(file), text).map_err(|error| format!("{file}: {error}"))
    }

    /// Runs cargo in it.
    pub(crate) fn cargo(&self, args: &[&str]) -> Result<Ran, String> {
        let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(args)
            .current_dir(&self.root)
            .env("CARGO_TARGET_DIR", &self.target)
            .env("INSTA_UPDATE", "no")
            .env("CARGO_TERM_COLOR", "never")
            .env_remove("UPDATE_DIGESTS")
            .env_remove("UPDATE_DOCS")
            .output()
            .map_err(|error| format!("cargo: {error}"))?;
        if output.status.success() {
            return Ok(Ran::Well);
        }
        let said = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
        Ok(Ran::Badly(said.concat()))
    }
}
