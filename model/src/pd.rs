//! The placement driver, as far as TiCDC asks it: the timestamp oracle, from which epochs come.
//!
//! It is as late, as far away, or as silent as the links to it are.

use sim::{Duration, Input, Now};

use crate::{Actor, Epoch, Out, etcd::CallId, vocabulary::vocabulary};

vocabulary! {
    /// What a client asks for.
    pub enum Inbox {
        /// A timestamp larger than every one before.
        TsoRequest { call: CallId },
    }
}

vocabulary! {
    /// What a client hears.
    pub enum Reply {
        /// The timestamp, as an epoch: physical milliseconds shifted by 18 bits, plus a counter.
        TsoResponse { call: CallId, epoch: Epoch },
        /// What the client's side says: the connection was refused.
        TsoUnavailable { call: CallId },
    }
}

/// How long a client waits for a timestamp.
pub(crate) const CLIENT_TIMEOUT: Duration = Duration::from_secs(10);

impl Inbox {
    /// What a client hears whose connection is refused.
    pub(crate) fn refused(&self) -> Reply {
        let Inbox::TsoRequest { call } = self;
        Reply::TsoUnavailable { call: *call }
    }
}

/// The oracle.
#[derive(Clone, Debug, Default)]
pub struct Pd {
    last: u64,
}

/// Bits of the counter.
const LOGICAL_BITS: u32 = 18;

impl Pd {
    pub(crate) fn step(&mut self, now: Now, input: &Input<Actor>, out: &mut Out) {
        if let Input::Message { from, msg: crate::Msg::Pd(Inbox::TsoRequest { call }) } = input {
            self.last = (now.steady.millis() << LOGICAL_BITS).max(self.last + 1);
            out.send(*from, Reply::TsoResponse { call: *call, epoch: Epoch(self.last) }.into());
        }
    }
}
