//! Policies by name: a preset, or a review mutant, and behind it switches that differ.

use std::fmt;

use super::{DESIGNS, MUTANTS, PRESETS, Policy, Preset};

/// A name that nothing has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// What it was taken for.
    pub what: String,
    /// The name.
    pub written: String,
    /// What there is of that kind; empty: the form is wrong, and `what` says so.
    pub known: Vec<String>,
}

impl Policy {
    /// The policy of a name: `master`, `M21`, or `master+dispatchers.schedule_fence=any_sender`. Presets are those of
    /// [`PRESETS`] and [`DESIGNS`], mutants those of [`MUTANTS`].
    ///
    /// # Errors
    ///
    /// Tells which name nothing has, and what there is.
    pub fn named(name: &str) -> Result<Policy, Unknown> {
        let mut changes = name.split('+');
        let base = changes.next().unwrap_or_default();
        let mut policy = match MUTANTS.iter().find(|mutant| mutant.id == base) {
            Some(mutant) => Policy::named(mutant.policy)?,
            None => preset(base)?,
        };
        for change in changes {
            policy.change(change)?;
        }
        Ok(policy)
    }

    /// Chooses another alternative: `part.switch=alternative`.
    fn change(&mut self, change: &str) -> Result<(), Unknown> {
        let form = || Unknown {
            what: format!("`{change}` changes nothing; write part.switch=alternative"),
            written: change.to_owned(),
            known: Vec::new(),
        };
        let (path, alternative) = change.split_once('=').ok_or_else(form)?;
        let (part, switch) = path.split_once('.').ok_or_else(form)?;
        let parts = self.parts();
        let names = parts.iter().map(|(name, _)| (*name).to_owned()).collect();
        let place = parts.iter().position(|(name, _)| *name == part);
        let (part, switches) = &parts[place.ok_or_else(|| unknown("part of a policy", part, names))?];
        let names = switches.iter().map(|about| about.switch.to_owned()).collect();
        let about = switches.iter().find(|about| about.switch == switch);
        let about = about.ok_or_else(|| unknown(&format!("switch of {part}"), switch, names))?;
        let names: Vec<String> = about.alternatives.iter().map(|(name, _)| in_files(name)).collect();
        let nth = names.iter().position(|name| name == alternative);
        let what = format!("alternative of {part}.{switch}");
        self.choose(part, switch, nth.ok_or_else(|| unknown(&what, alternative, names))?);
        Ok(())
    }
}

fn preset(name: &str) -> Result<Policy, Unknown> {
    let all = || PRESETS.iter().chain(DESIGNS);
    let names = all().map(|preset: &Preset| preset.name.to_owned()).collect();
    let preset = all().find(|preset| preset.name == name);
    preset.map(|preset| (preset.policy)()).ok_or_else(|| unknown("policy", name, names))
}

fn unknown(what: &str, written: &str, known: Vec<String>) -> Unknown {
    Unknown { what: what.to_owned(), written: written.to_owned(), known }
}

/// What an alternative is called in files: `AnySender` is `any_sender`.
pub fn in_files(alternative: &str) -> String {
    let mut name = String::new();
    for letter in alternative.chars() {
        if letter.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.extend(letter.to_lowercase());
    }
    name
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.known.is_empty() {
            true => f.write_str(&self.what),
            false => write!(f, "`{}` is no {}; there is {}", self.written, self.what, self.known.join(", ")),
        }
    }
}

impl std::error::Error for Unknown {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mutant_is_a_policy_of_its_own() {
        for mutant in MUTANTS {
            let policy = Policy::named(mutant.id).unwrap_or_else(|error| panic!("{}: {error}", mutant.id));
            let beside =
                Policy::named(mutant.beside).unwrap_or_else(|error| panic!("{}: {error}", mutant.id));
            assert_ne!(policy, beside, "{} differs from nothing", mutant.id);
        }
    }
}
