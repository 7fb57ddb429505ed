//! What an actor is: values in, values out.

use std::{fmt, hash::Hash};

use crate::{
    Cut, Duration, HostId, Now, Sim, StepId,
    body::{Body, Parcel, Stage},
    network::Way,
    queue::Slab,
    random::{Random, Stream},
};

/// Has a name among finitely many: the kind of a message, of an alarm, of a note.
///
/// Kinds are interned once and then used as dense numbers; their *names* are what addresses of decisions and
/// `Upon` moments are made of.
pub trait Kind {
    /// How many kinds there are.
    const KINDS: usize;
    /// Which of them this is, below [`Self::KINDS`].
    fn kind(&self) -> usize;
    /// The name of a kind: one word.
    fn name(kind: usize) -> &'static str;
}

/// What travels between actors.
pub trait Message: Kind + Clone + fmt::Debug + fmt::Display + Hash {
    /// How many FIFO streams a link has.
    const STREAMS: usize;
    /// The stream in which this message crosses a link, below [`Self::STREAMS`]; one without a stream may overtake.
    fn stream(&self) -> Option<usize>;
    /// The queue in which it then waits for its actor, a small number; one without a queue may overtake.
    fn queue(&self) -> Option<usize>;
}

/// Where an actor is found.
pub trait Address: Copy + Ord + fmt::Debug + fmt::Display + Hash {
    /// A small number, different for each actor and the same for all lives of one actor.
    fn index(self) -> usize;
    /// The address of the same actor after its host came back.
    #[must_use]
    fn reborn(self) -> Self {
        self
    }
}

/// An actor: a state that inputs change, and that asks for effects.
///
/// It has no clock and no randomness of its own. All actors of a run are of one type, usually an enum.
pub trait Machine: Clone + fmt::Debug {
    /// Where actors are found.
    type Addr: Address;
    /// What they send each other.
    type Msg: Message;
    /// What they set alarms for, and by what a yielded task comes back.
    type Timer: Kind + Copy + fmt::Debug + fmt::Display + Hash;
    /// What they say about themselves, for whoever watches.
    type Note: Kind + Clone + fmt::Debug + fmt::Display + Hash;
    /// What the outside world tells them.
    type Command: Clone + fmt::Debug + fmt::Display + Hash;
    /// A place in the cluster that moves, such as "the leader's host".
    type Role: Clone + fmt::Debug + fmt::Display;
    /// What the actors of one host share without messages: the memory of their process.
    type Shared: Clone + fmt::Debug;

    /// Handles one input. Everything between two steps may be interleaved with anything else.
    fn step(&mut self, shared: &mut Self::Shared, now: Now, input: &Input<Self>, out: &mut Outbox<Self>);

    /// What a power cut leaves of the actor: the whole durability model.
    #[must_use]
    fn recover(self) -> Self;

    /// What a power cut leaves of the shared memory.
    fn reboot(shared: &mut Self::Shared);

    /// Whether the host lets in a message that came over a link; if not, a phrase that says why.
    fn admit(
        shared: &mut Self::Shared,
        now: Now,
        from: Self::Addr,
        to: Self::Addr,
        msg: &Self::Msg,
    ) -> Result<(), &'static str> {
        let _ = (shared, now, from, to, msg);
        Ok(())
    }

    /// What the sender of a message hears when a link refuses it ([`Cut::Reset`]) or the receiver is down, as if the
    /// receiver had sent it.
    fn refused(msg: &Self::Msg) -> Option<Self::Msg> {
        let _ = msg;
        None
    }

    /// Links between a host and a peer have been cut: the message by which one of its actors hears of it, if it does.
    ///
    /// A process hears when its connections are reset. Of the other cuts it hears nothing; but a machine that sleeps
    /// where the real process polls may have to be woken to try, and to notice.
    fn disturbed(shared: &mut Self::Shared, peer: HostId, mode: Cut) -> Option<(Self::Addr, Self::Msg)> {
        let _ = (shared, peer, mode);
        None
    }

    /// Whether the actor at this address is the one of its host that hears this command ([`crate::Fault::Tell`]).
    fn hears(addr: Self::Addr, command: &Self::Command) -> bool {
        let _ = (addr, command);
        false
    }

    /// The host that plays this role now, if one does.
    fn locate(role: &Self::Role, sim: &Sim<Self>) -> Option<HostId> {
        let _ = (role, sim);
        None
    }
}

/// What makes an actor step.
#[derive(Clone, Debug)]
pub enum Input<M: Machine> {
    /// Its host has just come up.
    Start,
    /// A message has arrived.
    Message {
        /// Its sender.
        from: M::Addr,
        /// The message.
        msg: M::Msg,
    },
    /// An alarm rings, or a yielded task goes on.
    Alarm(M::Timer),
    /// The outside world asks for something.
    Command(M::Command),
}

/// What an actor asks for.
#[derive(Clone, Debug)]
pub enum Effect<M: Machine> {
    /// Send a message.
    Send {
        /// To whom.
        to: M::Addr,
        /// The message.
        msg: M::Msg,
    },
    /// Send a message in the name of another actor of the host.
    SendAs {
        /// In whose name.
        from: M::Addr,
        /// To whom.
        to: M::Addr,
        /// The message.
        msg: M::Msg,
    },
    /// Break the connections with the host of this actor.
    Sever {
        /// Whose host.
        with: M::Addr,
    },
    /// Ring after this long by the host's steady clock. An alarm rings once, and setting it twice makes it ring twice.
    Alarm {
        /// What rings.
        timer: M::Timer,
        /// After how long.
        after: Duration,
    },
    /// Let others get in, then go on: rings after a random local delay.
    Yield {
        /// What rings.
        timer: M::Timer,
    },
    /// End the process: its host goes down after this step.
    Exit {
        /// After how long a supervisor starts it again, if one does.
        back_after: Option<Duration>,
    },
}

/// Where an actor puts what it asks for. One is used for all steps of a run, so a step allocates nothing.
#[derive(Clone, Debug)]
pub struct Outbox<M: Machine> {
    pub(crate) asked: Vec<Asked<M>>,
    /// Messages are written where they stay until they are delivered.
    pub(crate) bodies: Slab<Body<M>>,
    pub(crate) notes: Vec<M::Note>,
    pub(crate) random: Random,
    /// The streams of `choose`, by actor and site, each with its number of decisions so far.
    choices: Vec<(usize, &'static str, Stream, u64)>,
    /// Whose step it is: its address now, and that of its first life.
    me: (M::Addr, M::Addr),
    step: StepId,
}

/// An effect, with a message only by its slot.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Asked<M: Machine> {
    Send { slot: u32 },
    Sever { with: M::Addr },
    Alarm { timer: M::Timer, after: Duration },
    Yield { timer: M::Timer },
    Exit { back_after: Option<Duration> },
}

impl<M: Machine> Outbox<M> {
    pub(crate) fn new(random: Random, actor: M::Addr) -> Outbox<M> {
        Outbox {
            asked: Vec::new(),
            bodies: Slab::default(),
            notes: Vec::new(),
            random,
            choices: Vec::new(),
            me: (actor, actor),
            step: StepId(0),
        }
    }

    #[inline]
    pub(crate) fn begin(&mut self, me: M::Addr, home: M::Addr, step: StepId) {
        self.me = (me, home);
        self.step = step;
    }

    /// An outbox outside a run, for driving one machine by hand.
    pub fn by_hand(actor: M::Addr) -> Outbox<M> {
        Outbox::by_hand_under(actor, crate::Seed(0))
    }

    /// As [`Outbox::by_hand`], with chance as this seed has it.
    pub fn by_hand_under(actor: M::Addr, seed: crate::Seed) -> Outbox<M> {
        Outbox::new(Random::new(seed, &crate::Decisions::default()), actor)
    }

    /// The address of the actor whose step this is.
    pub fn me(&self) -> M::Addr {
        self.me.0
    }

    /// Sends a message. It may be lost, and it outlives its sender.
    #[inline]
    pub fn send(&mut self, to: M::Addr, msg: M::Msg) {
        self.send_as(self.me.0, to, msg);
    }

    /// Sends a message in the name of another actor of the same host.
    #[inline]
    pub fn send_as(&mut self, from: M::Addr, to: M::Addr, msg: M::Msg) {
        let (cause, way, stage) = (self.step, Way::default(), Stage::Wire);
        let slot = self.bodies.insert(Body::Parcel(Parcel { msg, cause, from, to, receiver: 0, way, stage }));
        self.asked.push(Asked::Send { slot });
    }

    /// Breaks the connections with the host of an actor: what is under way is lost, in both directions. Nobody hears
    /// of it but by messages that are sent after it.
    pub fn sever(&mut self, with: M::Addr) {
        self.asked.push(Asked::Sever { with });
    }

    /// Rings after this long by the host's steady clock.
    #[inline]
    pub fn alarm(&mut self, timer: M::Timer, after: Duration) {
        self.asked.push(Asked::Alarm { timer, after });
    }

    /// Lets others get in: the rest comes back as an alarm after a random local delay.
    #[inline]
    pub fn give_way(&mut self, timer: M::Timer) {
        self.asked.push(Asked::Yield { timer });
    }

    /// Ends the process after this step; a supervisor may start it again.
    pub fn exit(&mut self, back_after: Option<Duration>) {
        self.asked.push(Asked::Exit { back_after });
    }

    /// Tells whoever watches.
    #[inline]
    pub fn note(&mut self, note: M::Note) {
        self.notes.push(note);
    }

    /// One of `among` possibilities, counted from zero: where the real process depends on chance, such as the order
    /// of a hash map or a random victim. `site` names the place in the code; it is part of the decision's address.
    pub fn choose(&mut self, site: &'static str, among: usize) -> usize {
        assert!(among > 0, "a choice at `{site}` among nothing");
        let home = self.me.1;
        let index = home.index();
        let known = self.choices.iter().position(|(one, name, ..)| *one == index && *name == site);
        let known = known.unwrap_or_else(|| {
            let stream = self.random.stream(&format!("choice {home} {site}"));
            self.choices.push((index, site, stream, 0));
            self.choices.len() - 1
        });
        let (_, _, stream, n) = &mut self.choices[known];
        *n += 1;
        self.random.pick(stream, *n - 1, among as u64) as usize
    }

    /// What was asked for and said since the last call, in order; for driving one machine by hand.
    pub fn take(&mut self) -> (Vec<Effect<M>>, Vec<M::Note>) {
        let me = self.me.0;
        let asked = std::mem::take(&mut self.asked).into_iter();
        let effects = asked.filter_map(|asked| match asked {
            Asked::Send { slot } => match self.bodies.take(slot) {
                Body::Parcel(Parcel { from, to, msg, .. }) if from == me => Some(Effect::Send { to, msg }),
                Body::Parcel(Parcel { from, to, msg, .. }) => Some(Effect::SendAs { from, to, msg }),
                _ => None,
            },
            Asked::Sever { with } => Some(Effect::Sever { with }),
            Asked::Alarm { timer, after } => Some(Effect::Alarm { timer, after }),
            Asked::Yield { timer } => Some(Effect::Yield { timer }),
            Asked::Exit { back_after } => Some(Effect::Exit { back_after }),
        });
        (effects.collect(), std::mem::take(&mut self.notes))
    }
}

impl<M: Machine> fmt::Display for Input<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Input::Start => f.write_str("starts"),
            Input::Message { from, msg } => write!(f, "<- {msg} from {from}"),
            Input::Alarm(timer) => write!(f, ".. {timer}"),
            Input::Command(command) => write!(f, "!! {command}"),
        }
    }
}

impl<M: Machine> fmt::Display for Effect<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Effect::Send { to, msg } => write!(f, "-> {msg} to {to}"),
            Effect::SendAs { from, to, msg } => write!(f, "-> {msg} to {to} from {from}"),
            Effect::Sever { with } => write!(f, "breaks the connections with {with}"),
            Effect::Alarm { timer, after } => write!(f, ".. {timer} in {after}"),
            Effect::Yield { timer } => write!(f, ".. {timer} after a yield"),
            Effect::Exit { back_after: Some(after) } => write!(f, "exits, back in {after}"),
            Effect::Exit { back_after: None } => f.write_str("exits for good"),
        }
    }
}
