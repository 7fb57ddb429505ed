//! The faults that are planted: `xtask/plants.toml`.

use std::{fs, path::Path};

use serde::Deserialize;

/// A fault: in one file, one piece of text becomes another one.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Plant {
    /// What it is called.
    pub(crate) name: String,
    /// What is wrong then, in a sentence.
    pub(crate) says: String,
    /// Where, from the root of the workspace.
    pub(crate) file: String,
    /// What stands there, once.
    find: String,
    /// What stands there instead.
    replace: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    plant: Vec<Plant>,
}

const FILE: &str = "xtask/plants.toml";

/// All of them, in the order of the file.
pub(crate) fn read(root: &Path) -> Result<Vec<Plant>, String> {
    let text = fs::read_to_string(root.join(FILE)).map_err(|error| format!("{FILE}: {error}"))?;
    let File { plant: plants } = toml::from_str(&text).map_err(|error| format!("{FILE}: {error}"))?;
    for (n, plant) in plants.iter().enumerate() {
        if plants[..n].iter().any(|earlier| earlier.name == plant.name) {
            return Err(format!("{FILE}: there are two faults {}", plant.name));
        }
    }
    Ok(plants)
}

impl Plant {
    /// The text of its file with the fault.
    pub(crate) fn applied_to(&self, text: &str) -> Result<String, String> {
        match text.matches(&self.find).count() {
            1 if self.find != self.replace => Ok(text.replacen(&self.find, &self.replace, 1)),
            1 => Err(format!("{FILE}: {} changes nothing", self.name)),
            times => Err(format!(
                "{FILE}: {} looks for a text that is in {} {times} times, not once:\n{}",
                self.name, self.file, self.find
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sources go on; the faults have to follow them.
    #[test]
    fn every_fault_can_be_planted() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let plants = read(&root).expect("the file can be read");
        assert!(plants.len() >= 20, "there are {} faults", plants.len());
        for plant in plants {
            let text = fs::read_to_string(root.join(&plant.file)).expect(&plant.file);
            if let Err(error) = plant.applied_to(&text) {
                panic!("{error}");
            }
        }
    }
}
