//! Policies by name: a preset, and switches that differ from it.

use std::{fmt, sync::Arc};

use model::{Policy, policy::PRESETS};
use serde_json::Value;

use crate::{Error, error::unknown};

/// A policy with the name by which a user asked for it: `master`, or `master+dispatchers.schedule_fence=any_sender`.
#[derive(Clone, Debug)]
pub struct PolicySpec {
    name: String,
    policy: Arc<Policy>,
}

impl PolicySpec {
    /// The policy of a name. A preset may be followed by any number of `+part.switch=alternative`.
    pub fn parse(name: &str) -> Result<PolicySpec, Error> {
        let at = format!("policy `{name}`");
        let mut parts = name.split('+');
        let preset = parts.next().unwrap_or_default();
        let known = PRESETS.iter().map(|preset| preset.name);
        let policy =
            Policy::preset(preset).ok_or_else(|| Error::new(&at, unknown("policy", preset, known)))?;
        let mut value = serde_json::to_value(policy).map_err(|error| Error::new(&at, error.to_string()))?;
        for change in parts {
            replace(&mut value, change).map_err(|what| Error::new(&at, what))?;
        }
        let policy = serde_json::from_value(value).map_err(|error| Error::new(&at, error.to_string()))?;
        Ok(PolicySpec { name: name.to_owned(), policy: Arc::new(policy) })
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn policy(&self) -> &Arc<Policy> {
        &self.policy
    }
}

/// Puts another alternative in the place of a switch: `part.switch=alternative`.
fn replace(policy: &mut Value, change: &str) -> Result<(), String> {
    let form = || format!("`{change}` changes nothing; write part.switch=alternative");
    let (path, alternative) = change.split_once('=').ok_or_else(form)?;
    let (part, switch) = path.split_once('.').ok_or_else(form)?;
    let parts = policy.as_object_mut().ok_or_else(form)?;
    let known: Vec<String> = parts.keys().cloned().collect();
    let switches = parts.get_mut(part).and_then(Value::as_object_mut);
    let switches =
        switches.ok_or_else(|| unknown("part of a policy", part, known.iter().map(String::as_str)))?;
    let known: Vec<String> = switches.keys().cloned().collect();
    let place = switches.get_mut(switch);
    let wrong = || unknown(&format!("switch of {part}"), switch, known.iter().map(String::as_str));
    *place.ok_or_else(wrong)? = Value::String(alternative.to_owned());
    Ok(())
}

impl fmt::Display for PolicySpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_can_be_changed_by_name() {
        let spec = PolicySpec::parse("master+dispatchers.schedule_fence=any_sender").unwrap();
        let mut expected = Policy::preset("master").unwrap();
        expected.dispatchers.schedule_fence = model::policy::RequestFence::AnySender;
        assert_eq!(**spec.policy(), expected);
    }

    #[test]
    fn what_is_wrong_is_said() {
        let wrong = |name: &str| PolicySpec::parse(name).unwrap_err().to_string();
        insta::assert_snapshot!(wrong("mster"), @"policy `mster`: `mster` is no policy; did you mean `master`?");
        insta::assert_snapshot!(wrong("v9"), @"policy `v9`: `v9` is no policy; there is baseline, pr-5106, pr-4828, pr-5434, pr-5435, pr-5436, pr-3769 or master");
        insta::assert_snapshot!(wrong("master+dispatcher.schedule_fence=any_sender"), @"policy `master+dispatcher.schedule_fence=any_sender`: `dispatcher` is no part of a policy; did you mean `dispatchers`?");
        insta::assert_snapshot!(wrong("master+dispatchers.schedule_fenc=any_sender"), @"policy `master+dispatchers.schedule_fenc=any_sender`: `schedule_fenc` is no switch of dispatchers; did you mean `schedule_fence`?");
        insta::assert_snapshot!(wrong("master+dispatchers.schedule_fence=nobody"), @"policy `master+dispatchers.schedule_fence=nobody`: unknown variant `nobody`, expected `any_sender` or `owner_and_epoch`");
        insta::assert_snapshot!(wrong("master+x"), @"policy `master+x`: `x` changes nothing; write part.switch=alternative");
    }
}
