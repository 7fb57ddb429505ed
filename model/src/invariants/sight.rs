//! Which records an invariant is shown: most steps of a run concern few of them.

use sim::{Input, What};

use crate::{
    Actor, Addr, Msg, Place, Record, Timer,
    dispatchers::{self, Timer::*},
    sink,
};

/// What kind of record it is, as far as that decides whom it concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
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
    /// A step of the dispatchers of a node that is about rows and their progress only: most of them.
    Rows,
    /// Another step of the dispatchers of a node.
    Dispatchers,
    /// A step of a message centre.
    Messages,
    /// A message that is lost.
    Lost,
    /// What is seldom: a fault, a user's command. Everybody is shown it.
    Seldom,
}

/// Which records an invariant is shown: those of some sorts always, those of others if there is news. There is news in a record
/// with notes, and in a step of dispatchers after which others may write than before.
#[derive(Clone, Copy, Debug)]
pub struct Sight {
    always: u16,
    news: u16,
}

impl Sort {
    /// How many there are.
    pub(super) const COUNT: usize = 12;

    /// All of them, by number.
    pub(super) const ALL: [Sort; Sort::COUNT] = [
        Sort::Etcd,
        Sort::Pd,
        Sort::Upstream,
        Sort::Sink,
        Sort::Server,
        Sort::Coordinator,
        Sort::Maintainers,
        Sort::Rows,
        Sort::Dispatchers,
        Sort::Messages,
        Sort::Lost,
        Sort::Seldom,
    ];

    /// The sort of a record.
    #[inline]
    pub(super) fn of(record: &Record) -> Sort {
        match &record.what {
            What::Step { input: Input::Command(_), .. } | What::Fault(_) | What::Nothing => Sort::Seldom,
            What::Lost { .. } => Sort::Lost,
            What::Step { actor, input } => match actor {
                Addr::Etcd => Sort::Etcd,
                Addr::Pd => Sort::Pd,
                Addr::Upstream => Sort::Upstream,
                Addr::Sink => Sort::Sink,
                Addr::Node(_, Place::Server) => Sort::Server,
                Addr::Node(_, Place::Coordinator) => Sort::Coordinator,
                Addr::Node(_, Place::Maintainers) => Sort::Maintainers,
                Addr::Node(_, Place::Dispatchers) if is_about_rows(input) => Sort::Rows,
                Addr::Node(_, Place::Dispatchers) => Sort::Dispatchers,
                Addr::Node(_, Place::Messages) => Sort::Messages,
            },
        }
    }
}

/// Whether an input of dispatchers is about rows and their progress only.
fn is_about_rows(input: &Input<Actor>) -> bool {
    match input {
        Input::Message { msg: Msg::Dispatchers(dispatchers::Inbox::Resolved { .. }), .. }
        | Input::Message { msg: Msg::SinkReply(sink::Reply::Committed { .. }), .. } => true,
        Input::Alarm(Timer::Dispatchers(timer)) => match timer {
            Events { .. } | Worker { .. } | WriteAgain { .. } | Heartbeat { .. } | Send => true,
            Shard { .. } | Stream { .. } | Task { .. } | WriteTimeout { .. } | Unanswered | Errors { .. } => {
                false
            }
            Statuses { .. } | BlockStatuses { .. } | BlockStatusAgain { .. } | SendBlockStatuses => false,
            BlockAnswer { .. } | RedoFlush { .. } => false,
        },
        Input::Start | Input::Message { .. } | Input::Alarm(_) | Input::Command(_) => false,
    }
}

impl Sight {
    /// Only what everybody is shown, and every record of these sorts.
    pub(super) const fn of(sorts: &[Sort]) -> Sight {
        Sight { always: mask(sorts), news: 0 }
    }

    /// And those of these sorts in which there is news.
    pub(super) const fn news(self, sorts: &[Sort]) -> Sight {
        Sight { news: self.news | mask(sorts), ..self }
    }

    /// Whether a record of this sort is in it.
    pub(super) fn has(self, sort: Sort, news: bool) -> bool {
        let bit = 1 << sort as u16;
        sort == Sort::Seldom || self.always & bit != 0 || (news && self.news & bit != 0)
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
