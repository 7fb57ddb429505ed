//! Merges: the dispatchers of neighbouring spans become one.
//!
//! The target is made known to the event collector while its sources still write. When it is ready the sources are cut
//! off and drained, and the target starts where the slowest of them has ended. From then on the sources only wait to be
//! cleaned. What was begun goes on by itself, whoever owns the manager; a journal tells the next maintainer of it
//! (pingcap/ticdc#3769).

mod check;
mod journal;
mod request;
mod start;

pub(super) use check::{Check, Ready};
pub(super) use journal::Journal;
pub(crate) use journal::Moment;
pub(super) use request::Merge;
pub(super) use start::Start;
