//! Policies by name: a preset, and switches that differ from it.

use std::{fmt, sync::Arc};

use model::Policy;

use crate::{Error, error::unknown};

/// A policy with the name by which a user asked for it: `master`, or `master+dispatchers.schedule_fence=any_sender`.
#[derive(Clone, Debug)]
pub struct PolicySpec {
    name: String,
    policy: Arc<Policy>,
}

impl PolicySpec {
    /// The policy of a name. A preset or a mutant may be followed by any number of `+part.switch=alternative`.
    pub fn parse(name: &str) -> Result<PolicySpec, Error> {
        let wrong = |wrong: model::policy::Unknown| match wrong.known.is_empty() {
            true => wrong.what,
            false => unknown(&wrong.what, &wrong.written, wrong.known.iter().map(String::as_str)),
        };
        let policy =
            Policy::named(name).map_err(|error| Error::new(format!("policy `{name}`"), wrong(error)))?;
        Ok(PolicySpec { name: name.to_owned(), policy: Arc::new(policy) })
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it chooses for a switch, `part.switch`; none: there is no such switch.
    pub(crate) fn choice(&self, path: &str) -> Option<usize> {
        let (part, switch) = path.split_once('.')?;
        let parts = self.policy.parts();
        let (_, switches) = parts.iter().find(|(name, _)| *name == part)?;
        switches.iter().find(|about| about.switch == switch).map(|about| about.chosen)
    }

    pub(crate) fn policy(&self) -> &Arc<Policy> {
        &self.policy
    }
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
        let mut expected = Policy::named("master").unwrap();
        expected.dispatchers.schedule_fence = model::policy::RequestFence::AnySender;
        assert_eq!(**spec.policy(), expected);
    }

    #[test]
    fn what_is_wrong_is_said() {
        let wrong = |name: &str| PolicySpec::parse(name).unwrap_err().to_string();
        insta::assert_snapshot!(wrong("mster"), @"policy `mster`: `mster` is no policy; did you mean `master`?");
        insta::assert_snapshot!(wrong("v9"), @"policy `v9`: `v9` is no policy; there is baseline, pr-5106, pr-4828, pr-5434, pr-5435, pr-5436, pr-3769, master, pr-5181 or pr-5182");
        insta::assert_snapshot!(wrong("master+dispatcher.schedule_fence=any_sender"), @"policy `master+dispatcher.schedule_fence=any_sender`: `dispatcher` is no part of a policy; did you mean `dispatchers`?");
        insta::assert_snapshot!(wrong("master+dispatchers.schedule_fenc=any_sender"), @"policy `master+dispatchers.schedule_fenc=any_sender`: `schedule_fenc` is no switch of dispatchers; did you mean `schedule_fence`?");
        insta::assert_snapshot!(wrong("master+dispatchers.schedule_fence=nobody"), @"policy `master+dispatchers.schedule_fence=nobody`: `nobody` is no alternative of dispatchers.schedule_fence; there is any_sender, owner_and_epoch or not_older");
        insta::assert_snapshot!(wrong("master+x"), @"policy `master+x`: `x` changes nothing; write part.switch=alternative");
    }
}
