//! A deterministic discrete-event simulation kernel.
//!
//! One [`Sim`] is one run: a value that is stepped from outside, with no threads, callbacks, globals, real clocks or
//! ambient randomness in it. Actors ([`Machine`]) live on hosts, exchange messages over links, set alarms by their
//! host's clock, and let others get in between two steps of a task. Faults are data. The only output is a stream of
//! [`Record`]s, each with its cause, and a [`Digest`] of them: the same layout, plan, decisions and seed give the same
//! records on every machine.
//!
//! The kernel knows nothing of what it simulates.

mod body;
mod clock;
mod decisions;
mod digest;
mod fault;
mod host;
mod local;
mod machine;
mod network;
mod plan;
mod queue;
mod random;
mod record;
mod run;
mod sever;
mod strike;
mod time;

pub use clock::{Clock, Now};
pub use decisions::{Address as DecisionAddress, Decided, Decision, Decisions, Otherwise, Priorities};
pub use digest::Digest;
pub use fault::{Cut, End, Fault, Links, Moment, Planned, When, Who};
pub use host::{Class, HostId, HostSpec, HostWeather};
pub use machine::{Address, Effect, Input, Kind, Machine, Message, Outbox};
pub use network::LinkWeather;
pub use random::{Draws, Latency, Seed};
pub use record::{Loss, Record, StepId, What};
pub use run::{Layout, Sim};
pub use time::{Duration, Instant};
