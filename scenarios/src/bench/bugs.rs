//! The bugs that a search is measured by: incidents of TiCDC, and mutants of all three parties.

/// A bug that is known: a policy that has it, and one that does not.
#[derive(Clone, Copy, Debug)]
pub struct Bug {
    /// The incident (TC and the number of the issue), or the mutant.
    pub id: &'static str,
    /// What goes wrong.
    pub about: &'static str,
    /// The policy that has it.
    pub policy: &'static str,
    /// The policy that does not, and is the same otherwise.
    pub beside: &'static str,
    /// The general scenarios that look where it is, run in turn.
    pub scenarios: &'static [&'static str],
    /// By which invariants, or aspects of them, it gives itself away. What else breaks is something else.
    pub by: &'static [&'static str],
}

/// All of them.
pub const BUGS: &[Bug] = &[
    Bug {
        id: "TC-5083",
        about: "a request of a dead maintainer creates a second dispatcher (#5434, #5435, #5436)",
        policy: "master+dispatchers.schedule_fence=any_sender",
        beside: "master",
        scenarios: &["failover-storm", "partition-storm", "operator-storm"],
        by: &["single_writer"],
    },
    Bug {
        id: "TC-5202",
        about: "a node writes on after its session has ended (#5106)",
        policy: "baseline",
        beside: "pr-5106",
        scenarios: &["lease-storm"],
        by: &["single_writer", "one_ddl_owner"],
    },
    Bug {
        id: "TC-4827",
        about: "a maintainer that is removed goes on commanding (#4828)",
        policy: "pr-5106",
        beside: "pr-4828",
        scenarios: &["operator-storm", "api-storm"],
        by: &["no_command_while_removed", "single_writer"],
    },
    Bug {
        id: "TC-3411",
        about: "what a maintainer had begun is lost with it (#3691)",
        policy: "MC-21",
        beside: "master",
        scenarios: &["operator-storm"],
        by: &["recovers (coverage)", "recovers (checkpoint)", "single_writer"],
    },
    Bug {
        id: "TC-4763",
        about: "a merge is lost with its maintainer (#3769)",
        policy: "pr-5436",
        beside: "pr-3769",
        scenarios: &["operator-storm"],
        by: &["no_panic (maintainers)", "single_writer", "recovers", "data_equal"],
    },
    Bug {
        id: "M1",
        about: "a bootstrap waits with the lock of all managers in its hand",
        policy: "M1",
        beside: "master",
        scenarios: &["lease-storm", "api-storm"],
        by: &["no_head_of_line (lock)"],
    },
    Bug {
        id: "M2",
        about: "a close waits with the lock of all managers in its hand",
        policy: "M2",
        beside: "master",
        scenarios: &["api-storm"],
        by: &["no_head_of_line (lock)"],
    },
    Bug {
        id: "M3",
        about: "the requests of a changefeed are handled in any order",
        policy: "M3",
        beside: "master",
        scenarios: &["api-storm", "lease-storm"],
        by: &[
            "closed_stays_closed",
            "no_write_after_stop",
            "recovers",
            "data_equal",
            "one_ddl_owner",
            "single_writer",
        ],
    },
    Bug {
        id: "MU-20",
        about: "a maintainer that hands over goes on with block events and bootstraps",
        policy: "MU-20",
        beside: "master",
        scenarios: &["ddl-storm"],
        by: &["no_command_while_removed"],
    },
    Bug {
        id: "R21",
        about: "the sources of a merge may be scheduled again before they are gone",
        policy: "R21",
        beside: "master",
        scenarios: &["operator-storm"],
        by: &["single_writer", "no_panic"],
    },
    Bug {
        id: "M6",
        about: "a maintainer of another generation is told to go without its epoch",
        policy: "M6",
        beside: "master",
        scenarios: &["failover-storm", "api-storm"],
        by: &["recovers"],
    },
    Bug {
        id: "M11",
        about: "a maintainer of an older generation is taken for the owner",
        policy: "M11",
        beside: "master",
        scenarios: &["failover-storm", "api-storm"],
        by: &["one_owner_per_epoch (memory)", "recovers (coverage)"],
    },
    Bug {
        id: "M-H1",
        about: "a new owner has the epoch of the one before it",
        policy: "M-H1",
        beside: "master",
        scenarios: &["failover-storm", "api-storm"],
        by: &["one_owner_per_epoch", "recovers (coverage)", "recovers (operator)"],
    },
    Bug {
        id: "M-H10",
        about: "statuses and stops wait until an epoch is persisted",
        policy: "M-H10",
        beside: "master",
        scenarios: &["lease-storm", "api-storm"],
        by: &["no_head_of_line (operators)"],
    },
    Bug {
        id: "M-H12",
        about: "a pause during a move stops the origin with the epoch of the target",
        policy: "M-H12",
        beside: "master",
        scenarios: &["api-storm"],
        by: &["no_write_after_stop (paused)", "recovers (operator)"],
    },
];
