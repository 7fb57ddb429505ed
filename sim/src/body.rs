//! What is to happen: the bodies of queued events.

use crate::{Fault, HostId, Instant, Machine, StepId, network::Way, strike::Undo};

/// A message under way.
#[derive(Clone, Debug)]
pub(crate) struct Parcel<M: Machine> {
    pub(crate) msg: M::Msg,
    pub(crate) cause: StepId,
    pub(crate) from: M::Addr,
    pub(crate) to: M::Addr,
    /// The receiver's number.
    pub(crate) receiver: u32,
    pub(crate) way: Way,
    pub(crate) stage: Stage,
}

/// How far a message has come when its event is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// At the end of its link.
    Wire,
    /// At the door of its host: it has passed the link.
    Door,
    /// At its actor, in this life of the host.
    Inside { life: u32 },
    /// Nowhere: there was no room for it.
    Full,
    /// Nowhere: its host has gone down.
    Down,
    /// Nowhere: the connection that it was in has broken.
    Broken,
}

/// What is to happen.
#[derive(Clone, Debug, Default)]
pub(crate) enum Body<M: Machine> {
    /// Nothing: the slot is free, or what was in it has been moved to another time.
    #[default]
    Void,
    /// A message gets somewhere.
    Parcel(Parcel<M>),
    /// An alarm of an actor, set in this life of its host, for this reading of the steady clock.
    Alarm { actor: u32, life: u32, timer: M::Timer, steady: Instant, cause: StepId },
    /// A host comes up.
    Boot { host: HostId, life: u32, cause: Option<StepId> },
    /// An actor starts.
    Start { actor: u32, cause: Option<StepId> },
    /// A fault happens, unless it was planned and the calm has come before it.
    Fault { fault: Box<Fault<M>>, cause: Option<StepId>, planned: bool },
    /// What a fault of limited length did is undone.
    Undo { undo: Box<Undo<M>>, cause: StepId },
}
