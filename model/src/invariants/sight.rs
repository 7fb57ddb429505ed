//! Which records an invariant is shown: most steps of a run concern few of them.

use sim::{Input, What};

use crate::{Addr, Place, Record};

/// What kind of record it is, as far as that decides whom it concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// A step of etcd.
    Etcd,
    /// A step of PD.
    Pd,
    /// A step of the upstream.
    Upstream,
    /// A step of the downstream.
    Sink,
    /// A step of a node's server.
    Server,
    /// A step of a coordinator.
    Coordinator,
    /// A step of the maintainers of a node.
    Maintainers,
    /// A step of the dispatchers of a node.
    Dispatchers,
    /// A step of a message centre.
    Messages,
    /// A message that is lost.
    Lost,
    /// What is seldom: a fault, a user's command. Everybody is shown it.
    Seldom,
}

/// Which records an invariant is shown: those of some sorts always, those of others if they have notes.
#[derive(Clone, Copy, Debug)]
pub struct Sight {
    always: u16,
    noted: u16,
}

impl Sort {
    /// How many there are.
    pub const COUNT: usize = 11;

    /// All of them, by number.
    pub const ALL: [Sort; Sort::COUNT] = [
        Sort::Etcd,
        Sort::Pd,
        Sort::Upstream,
        Sort::Sink,
        Sort::Server,
        Sort::Coordinator,
        Sort::Maintainers,
        Sort::Dispatchers,
        Sort::Messages,
        Sort::Lost,
        Sort::Seldom,
    ];

    /// The sort of a record.
    #[inline]
    pub fn of(record: &Record) -> Sort {
        match &record.what {
            What::Step { input: Input::Command(_), .. } | What::Fault(_) | What::Nothing => Sort::Seldom,
            What::Lost { .. } => Sort::Lost,
            What::Step { actor, .. } => match actor {
                Addr::Etcd => Sort::Etcd,
                Addr::Pd => Sort::Pd,
                Addr::Upstream => Sort::Upstream,
                Addr::Sink => Sort::Sink,
                Addr::Node(_, Place::Server) => Sort::Server,
                Addr::Node(_, Place::Coordinator) => Sort::Coordinator,
                Addr::Node(_, Place::Maintainers) => Sort::Maintainers,
                Addr::Node(_, Place::Dispatchers) => Sort::Dispatchers,
                Addr::Node(_, Place::Messages) => Sort::Messages,
            },
        }
    }
}

impl Sight {
    /// Only what everybody is shown, and every record of these sorts.
    pub(super) const fn of(sorts: &[Sort]) -> Sight {
        Sight { always: mask(sorts), noted: 0 }
    }

    /// And those of these sorts that have notes.
    pub(super) const fn noted(self, sorts: &[Sort]) -> Sight {
        Sight { noted: self.noted | mask(sorts), ..self }
    }

    /// Whether records of this sort, with notes or without, are in it.
    pub fn has(self, sort: Sort, noted: bool) -> bool {
        let bit = 1 << sort as u16;
        sort == Sort::Seldom || self.always & bit != 0 || (noted && self.noted & bit != 0)
    }
}

const fn mask(sorts: &[Sort]) -> u16 {
    let (mut all, mut next) = (0, 0);
    while next < sorts.len() {
        all |= 1 << sorts[next] as u16;
        next += 1;
    }
    all
}
