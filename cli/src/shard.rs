//! Which part of the work is to be done: by the flag, or by what the machine says on which it runs.

use std::env;

use scenarios::{Error, gate::Shard};

use crate::exit::Stop;

/// How a system tells a job which one it is, and of how many.
struct System {
    index: &'static str,
    total: &'static str,
    /// The index of the first job, where that is not always the same: the name of a variable.
    first: First,
}

enum First {
    Is(u64),
    Variable(&'static str),
}

const SYSTEMS: &[System] = &[
    // GitLab
    System { index: "CI_NODE_INDEX", total: "CI_NODE_TOTAL", first: First::Is(1) },
    // Buildkite
    System { index: "BUILDKITE_PARALLEL_JOB", total: "BUILDKITE_PARALLEL_JOB_COUNT", first: First::Is(0) },
    // CircleCI
    System { index: "CIRCLE_NODE_INDEX", total: "CIRCLE_NODE_TOTAL", first: First::Is(0) },
    // An indexed job of Kubernetes does not know of how many; its manifest has to say so.
    System { index: "JOB_COMPLETION_INDEX", total: "JOB_COMPLETIONS", first: First::Is(0) },
    // An array of Slurm
    System {
        index: "SLURM_ARRAY_TASK_ID",
        total: "SLURM_ARRAY_TASK_COUNT",
        first: First::Variable("SLURM_ARRAY_TASK_MIN"),
    },
];

/// A shard as it is written.
pub(crate) fn parse(text: &str) -> Result<Shard, String> {
    text.parse()
}

/// The part of the work: everything, if nobody says otherwise.
pub(crate) fn chosen(flag: Option<Shard>) -> Result<Shard, Stop> {
    match flag {
        Some(shard) => Ok(shard),
        None => Ok(of_variables(|name| env::var(name).ok())?.unwrap_or(Shard::WHOLE)),
    }
}

fn of_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Option<Shard>, Error> {
    let number = |name: &str| -> Result<u64, Error> {
        let text =
            variable(name).ok_or_else(|| Error::new(name, "it is not set; set it, or give --shard"))?;
        let what = || format!("`{text}` is no number; set it to one, or give --shard");
        text.trim().parse().map_err(|_| Error::new(name, what()))
    };
    // A system that has one job may say so, or leave it out.
    let Some(system) = SYSTEMS.iter().find(|system| variable(system.index).is_some()) else {
        return Ok(None);
    };
    let first = match system.first {
        First::Is(first) => first,
        First::Variable(name) => number(name)?,
    };
    let (index, total) = (number(system.index)?, number(system.total)?);
    let place = index.checked_sub(first).map(|place| place + 1).unwrap_or_default();
    let wrong = |what| Error::new(format!("{}={index}, {}={total}", system.index, system.total), what);
    Shard::new(place, total).map(Some).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shard(variables: &[(&str, &str)]) -> String {
        let variable = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        match of_variables(variable) {
            Ok(shard) => shard.map_or("everything".to_owned(), |shard| shard.to_string()),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn every_system_says_it_in_its_own_way() {
        assert_eq!(shard(&[]), "everything");
        assert_eq!(shard(&[("CI_NODE_INDEX", "4"), ("CI_NODE_TOTAL", "4")]), "4/4");
        assert_eq!(shard(&[("BUILDKITE_PARALLEL_JOB", "0"), ("BUILDKITE_PARALLEL_JOB_COUNT", "4")]), "1/4");
        assert_eq!(shard(&[("CIRCLE_NODE_INDEX", "3"), ("CIRCLE_NODE_TOTAL", "4")]), "4/4");
        assert_eq!(shard(&[("JOB_COMPLETION_INDEX", "1"), ("JOB_COMPLETIONS", "4")]), "2/4");
        let slurm =
            [("SLURM_ARRAY_TASK_ID", "12"), ("SLURM_ARRAY_TASK_MIN", "10"), ("SLURM_ARRAY_TASK_COUNT", "4")];
        assert_eq!(shard(&slurm), "3/4");
    }

    #[test]
    fn what_is_missing_or_wrong_is_said() {
        insta::assert_snapshot!(shard(&[("JOB_COMPLETION_INDEX", "1")]), @"JOB_COMPLETIONS: it is not set; set it, or give --shard");
        insta::assert_snapshot!(shard(&[("CI_NODE_INDEX", "one"), ("CI_NODE_TOTAL", "4")]), @"CI_NODE_INDEX: `one` is no number; set it to one, or give --shard");
        insta::assert_snapshot!(shard(&[("CI_NODE_INDEX", "0"), ("CI_NODE_TOTAL", "4")]), @"CI_NODE_INDEX=0, CI_NODE_TOTAL=4: there is no shard 0 of 4; the first is 1/4, the last 4/4");
        insta::assert_snapshot!(shard(&[("CIRCLE_NODE_INDEX", "4"), ("CIRCLE_NODE_TOTAL", "4")]), @"CIRCLE_NODE_INDEX=4, CIRCLE_NODE_TOTAL=4: there is no shard 5 of 4; the first is 1/4, the last 4/4");
    }
}
