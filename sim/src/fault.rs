//! Faults as data: what goes wrong, and when.

use std::fmt;

use crate::{Class, Duration, HostId, Instant, Kind, Latency, Machine};

/// Which host a fault hits.
#[derive(Clone, Debug)]
pub enum Who<M: Machine> {
    /// This one.
    Host(HostId),
    /// The sender's host of the message at whose delivery the fault happens.
    Sender,
    /// The receiver's host of that message.
    Receiver,
    /// Whoever plays this role when it happens.
    Role(M::Role),
}

/// One end of a set of links.
#[derive(Clone, Debug)]
pub enum End<M: Machine> {
    /// One host.
    One(Who<M>),
    /// Several hosts.
    Group(Vec<HostId>),
    /// Every host.
    Any,
}

/// A set of directed links.
#[derive(Clone, Debug)]
pub struct Links<M: Machine> {
    /// From here …
    pub from: End<M>,
    /// … to there.
    pub to: End<M>,
    /// And back.
    pub both_ways: bool,
    /// Only links of this class.
    pub class: Option<Class>,
}

/// What a cut link does with the messages that come due on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cut {
    /// Keeps them; after the heal they all come out at once, in order (a clog).
    Hold,
    /// Loses them.
    Drop,
    /// Refuses them: they are lost, and their senders may hear of it ([`Machine::refused`]). When the cut begins,
    /// connections break: what is under way between the two hosts is lost in both directions.
    Reset,
}

/// What goes wrong.
///
/// A fault with a length undoes itself after it; one without lasts until its opposite, [`Fault::Calm`] or
/// [`Fault::Core`].
#[derive(Clone, Debug)]
pub enum Fault<M: Machine> {
    /// The power is cut: what [`Machine::recover`] does not keep is gone.
    Crash {
        /// Which host.
        who: Who<M>,
        /// After how long it comes back by itself.
        back_after: Option<Duration>,
    },
    /// A host that is down comes up.
    Restart {
        /// Which host.
        who: Who<M>,
    },
    /// The process stops being scheduled; its alarms and messages pile up.
    Pause {
        /// Which host.
        who: Who<M>,
        /// For how long.
        lasts: Option<Duration>,
    },
    /// A paused host goes on and handles its pile in order.
    Resume {
        /// Which host.
        who: Who<M>,
    },
    /// The wall clock jumps.
    ClockJump {
        /// Which host.
        who: Who<M>,
        /// By how many nanoseconds, backwards if negative.
        nanos: i64,
    },
    /// The clock runs at another rate from now on.
    ClockDrift {
        /// Which host.
        who: Who<M>,
        /// Parts per million fast, slow if negative.
        ppm: i32,
    },
    /// Nothing is delivered on these links. Two cuts of one link last until both have ended. The hosts at its ends
    /// may hear of a cut ([`Machine::disturbed`]).
    Cut {
        /// Which links.
        links: Links<M>,
        /// What becomes of the messages.
        mode: Cut,
        /// For how long.
        lasts: Option<Duration>,
    },
    /// Ends every cut of these links.
    Heal {
        /// Which links.
        links: Links<M>,
    },
    /// Messages sent on these links from now on take this long instead.
    Slow {
        /// Which links.
        links: Links<M>,
        /// The delays.
        latency: Latency,
        /// For how long.
        lasts: Option<Duration>,
    },
    /// The outside world tells an actor something.
    Command {
        /// Whom.
        to: M::Addr,
        /// What.
        command: M::Command,
    },
    /// The outside world tells a host something; the actor that hears such things ([`Machine::hears`]) handles it. If the host
    /// does not run, or nobody plays the role, nobody hears it.
    Tell {
        /// Which host.
        who: Who<M>,
        /// What.
        command: M::Command,
    },
    /// Everything heals and everybody is up: cuts and slow links end, paused hosts go on, hosts that are down come
    /// up, clocks run true, and links neither lose, copy nor delay more than ordinarily from now on. What is under
    /// way stays under way. Faults that were planned and have not happened do not happen any more.
    Calm,
    /// As [`Fault::Calm`], but only these hosts heal, and the links between them. Whatever else is broken stays so for ever: hosts
    /// that are down or paused, links that are cut or slow, clocks that are wrong. Bad weather ends everywhere.
    Core {
        /// The hosts.
        hosts: Vec<HostId>,
    },
}

/// A kind of thing whose n-th occurrence is a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// A message of this kind is delivered to an actor.
    Message(usize),
    /// A note of this kind is made.
    Note(usize),
}

/// When a fault happens.
#[derive(Clone, Copy, Debug)]
pub enum When<M: Machine> {
    /// At this true time.
    At(Instant),
    /// Right after a moment of the run.
    Upon {
        /// Of what kind.
        kind: Moment,
        /// Which of them, counted from one.
        nth: u64,
        /// Counting only those at this actor, in any of its lives.
        to: Option<M::Addr>,
        /// How long after.
        after: Duration,
    },
}

/// A fault and its time.
#[derive(Clone, Debug)]
pub struct Planned<M: Machine> {
    /// When.
    pub when: When<M>,
    /// What.
    pub fault: Fault<M>,
}

impl Moment {
    /// The moment kind of this name: a message's first, else a note's.
    pub fn named<M: Machine>(name: &str) -> Option<Moment> {
        let message = (0..M::Msg::KINDS).find(|kind| M::Msg::name(*kind) == name).map(Moment::Message);
        message.or_else(|| (0..M::Note::KINDS).find(|kind| M::Note::name(*kind) == name).map(Moment::Note))
    }
}

impl<M: Machine> Links<M> {
    /// Both directions between one host and everybody.
    pub fn around(who: Who<M>) -> Links<M> {
        Links { from: End::One(who), to: End::Any, both_ways: true, class: None }
    }

    /// Both directions between two hosts.
    pub fn between(one: HostId, other: HostId) -> Links<M> {
        let [from, to] = [one, other].map(|host| End::One(Who::Host(host)));
        Links { from, to, both_ways: true, class: None }
    }

    /// Every link of a class.
    pub fn of_class(class: Class) -> Links<M> {
        Links { from: End::Any, to: End::Any, both_ways: true, class: Some(class) }
    }
}

impl<M: Machine> Fault<M> {
    /// Whether nothing goes wrong any more from now on.
    pub fn is_the_last(&self) -> bool {
        matches!(self, Fault::Calm | Fault::Core { .. })
    }

    /// Lets every host that this fault names be changed.
    pub(crate) fn each_who(&mut self, mut change: impl FnMut(&mut Who<M>)) {
        match self {
            Fault::Crash { who, .. }
            | Fault::Restart { who }
            | Fault::Pause { who, .. }
            | Fault::Resume { who }
            | Fault::ClockJump { who, .. }
            | Fault::ClockDrift { who, .. }
            | Fault::Tell { who, .. } => change(who),
            Fault::Cut { links, .. } | Fault::Heal { links } | Fault::Slow { links, .. } => {
                for end in [&mut links.from, &mut links.to] {
                    if let End::One(who) = end {
                        change(who);
                    }
                }
            }
            Fault::Command { .. } | Fault::Calm | Fault::Core { .. } => {}
        }
    }

    /// The fault in words, with the hosts by name.
    pub fn describe<'a>(&'a self, names: &'a [String]) -> impl fmt::Display + 'a {
        fmt::from_fn(move |f| describe(self, names, f))
    }
}

fn describe<M: Machine>(fault: &Fault<M>, names: &[String], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let who = |who: &Who<M>| match who {
        Who::Host(host) => names[host.0 as usize].clone(),
        Who::Sender => "the sender".to_owned(),
        Who::Receiver => "the receiver".to_owned(),
        Who::Role(role) => role.to_string(),
    };
    let end = |end: &End<M>| match end {
        End::One(one) => who(one),
        End::Group(hosts) => {
            hosts.iter().map(|host| names[host.0 as usize].as_str()).collect::<Vec<_>>().join(", ")
        }
        End::Any => "all".to_owned(),
    };
    let links = |links: &Links<M>| {
        let arrow = if links.both_ways { "<->" } else { "->" };
        let class = links.class.map_or(String::new(), |class| format!(" (class {})", class.0));
        format!("{} {arrow} {}{class}", end(&links.from), end(&links.to))
    };
    let lasting = |lasts: &Option<Duration>| lasts.map_or(String::new(), |lasts| format!(" for {lasts}"));
    match fault {
        Fault::Crash { who: one, back_after: None } => write!(f, "{} crashes", who(one)),
        Fault::Crash { who: one, back_after: Some(after) } => {
            write!(f, "{} crashes, back in {after}", who(one))
        }
        Fault::Restart { who: one } => write!(f, "{} comes up", who(one)),
        Fault::Pause { who: one, lasts } => write!(f, "{} is paused{}", who(one), lasting(lasts)),
        Fault::Resume { who: one } => write!(f, "{} goes on", who(one)),
        Fault::ClockJump { who: one, nanos } => {
            write!(f, "the wall clock of {} jumps by {nanos} ns", who(one))
        }
        Fault::ClockDrift { who: one, ppm } => write!(f, "the clock of {} runs {ppm} ppm fast", who(one)),
        Fault::Cut { links: set, mode: Cut::Drop, lasts } => {
            write!(f, "{} is cut{}", links(set), lasting(lasts))
        }
        Fault::Cut { links: set, mode: Cut::Hold, lasts } => {
            write!(f, "{} is clogged{}", links(set), lasting(lasts))
        }
        Fault::Cut { links: set, mode: Cut::Reset, lasts } => {
            write!(f, "{} is reset{}", links(set), lasting(lasts))
        }
        Fault::Heal { links: set } => write!(f, "{} heals", links(set)),
        Fault::Slow { links: set, latency, lasts } => {
            write!(f, "{} takes {} to {}{}", links(set), latency.range.0, latency.range.1, lasting(lasts))
        }
        Fault::Command { to, command } => write!(f, "{to} is told: {command}"),
        Fault::Tell { who: one, command } => write!(f, "{} is told: {command}", who(one)),
        Fault::Calm => f.write_str("calm: everything heals and everybody is up"),
        Fault::Core { hosts } => {
            let hosts: Vec<&str> = hosts.iter().map(|host| names[host.0 as usize].as_str()).collect();
            write!(f, "core: {} heal, everything else stays as it is", hosts.join(", "))
        }
    }
}
