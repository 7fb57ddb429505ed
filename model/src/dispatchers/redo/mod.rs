//! The redo twin of a manager: everything is written to a redo log before it is written downstream.
//!
//! Each dispatcher has a redo dispatcher for the same span, with an id and a life of its own; so has the table trigger. An
//! ordinary dispatcher keeps a batch until its maintainer has told the node that the redo log is that far.

mod cache;
mod client;
mod control;
mod init;
mod meta;

use crate::{
    DispatcherId, Mode, SchemaId, Ts,
    dispatchers::{Dispatcher, Manager, Watermark, schemas::SchemaIndex},
    policy::Policy,
};

pub(super) use client::{BATCH, RedoClient};
pub(super) use control::{Forward, UpdateMeta};
pub(super) use init::{Init, Initialized};
pub(super) use meta::{Keeper, Progress};

/// What a manager has of redo.
#[derive(Clone, Debug, Hash)]
pub(super) struct Redo {
    /// Whether the changefeed wants it.
    pub(super) enabled: bool,
    /// Whether all of it has been built.
    pub(super) ready: bool,
    pub(super) client: Option<RedoClient>,
    /// Redo dispatchers of tables, by database.
    pub(super) schemas: SchemaIndex,
    /// How many redo dispatchers have been inserted.
    pub(super) seq: u64,
    pub(super) trigger: Option<DispatcherId>,
    /// The watermark that was told last.
    pub(super) watermark: Watermark,
    /// Up to where the redo log is known to be complete, everywhere.
    pub(super) global_ts: Ts,
    /// What the redo trigger keeps.
    meta: Option<meta::Meta>,
}

impl Redo {
    pub(super) fn new(enabled: bool, watermark: Watermark) -> Redo {
        Redo {
            enabled,
            ready: false,
            client: None,
            schemas: SchemaIndex::new(),
            seq: 0,
            trigger: None,
            watermark,
            global_ts: Ts::NONE,
            meta: None,
        }
    }
}

impl Manager {
    /// Its dispatchers of one mode, those being removed included.
    pub(super) fn dispatchers_of(&self, mode: Mode) -> impl DoubleEndedIterator<Item = &Dispatcher> {
        self.dispatchers.values().filter(move |one| one.mode == mode)
    }

    /// A dispatcher, if it is of this mode.
    pub(super) fn has(&self, id: DispatcherId, mode: Mode) -> bool {
        self.dispatchers.get(&id).is_some_and(|one| one.mode == mode)
    }

    pub(super) fn trigger_of(&self, mode: Mode) -> Option<DispatcherId> {
        match mode {
            Mode::Default => self.trigger,
            Mode::Redo => self.redo.trigger,
        }
    }

    pub(super) fn seq_of(&self, mode: Mode) -> u64 {
        match mode {
            Mode::Default => self.seq,
            Mode::Redo => self.redo.seq,
        }
    }

    pub(super) fn schemas_of(&mut self, mode: Mode) -> &mut SchemaIndex {
        match mode {
            Mode::Default => &mut self.schemas,
            Mode::Redo => &mut self.redo.schemas,
        }
    }

    /// Whether dispatchers of a mode that are removed wait until their rows are written.
    pub(super) fn sink_is_normal(&self, mode: Mode, policy: &Policy) -> bool {
        let (normal, runs) = match (mode, &self.redo.client) {
            (Mode::Default, _) => (self.sink.is_normal(), self.sink.is_running()),
            (Mode::Redo, Some(client)) => (client.is_normal(), client.is_running()),
            (Mode::Redo, None) => (false, false),
        };
        normal || runs && policy.dispatchers.abnormal_sink.is_awaited()
    }

    /// A part of a sink that is no worker has failed.
    pub(super) fn set_abnormal(&mut self, mode: Mode) {
        match mode {
            Mode::Default => self.sink.set_abnormal(),
            Mode::Redo => self.redo.client.iter_mut().for_each(RedoClient::set_abnormal),
        }
    }

    /// A dispatcher has been inserted: its number.
    pub(super) fn number_next(&mut self, mode: Mode) -> u64 {
        let seq = match mode {
            Mode::Default => &mut self.seq,
            Mode::Redo => &mut self.redo.seq,
        };
        *seq += 1;
        *seq
    }

    /// A dispatcher is gone: nobody finds it under its database, and there is no such trigger any more.
    pub(super) fn forget(&mut self, id: DispatcherId, schema: SchemaId, mode: Mode) {
        if let Some(here) = self.schemas_of(mode).get_mut(&schema) {
            here.remove(&id);
        }
        self.journal.erase_all(id);
        let trigger = match mode {
            Mode::Default => &mut self.trigger,
            Mode::Redo => &mut self.redo.trigger,
        };
        *trigger = trigger.filter(|trigger| *trigger != id);
    }

    /// A table trigger is there.
    pub(super) fn set_trigger(&mut self, id: DispatcherId, mode: Mode) {
        match mode {
            Mode::Default => self.trigger = Some(id),
            Mode::Redo => self.redo.trigger = Some(id),
        }
    }
}
