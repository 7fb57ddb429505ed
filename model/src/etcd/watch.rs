//! Watches: every change of some keys, in order, from a revision on.

use std::fmt;

use sim::Address as _;

use crate::{
    Addr,
    etcd::{
        Key, Kv, Range, Reply, Revision,
        store::{Change, Store},
    },
    vocabulary::{Say, say, unheard},
};

/// A watch of one client, numbered by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WatchId(pub u32);

/// A change of a watched key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// It was written.
    Put(Kv),
    /// It was deleted.
    Delete(Key),
}

#[derive(Clone, Debug)]
struct Watch {
    client: Addr,
    id: WatchId,
    range: Range,
    /// The first revision of which the client has not been told.
    next: Revision,
    /// How many messages were sent; the creation counts as one.
    sent: u32,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Watches {
    watches: Vec<Watch>,
}

impl Watches {
    /// Begins a watch. Revision zero means: from the next change on.
    pub(crate) fn create(&mut self, client: Addr, id: WatchId, range: Range, from: Revision, now: Revision) {
        // Also one that an earlier process of the client made: its connection is gone.
        self.watches.retain(|watch| (watch.client.index(), watch.id) != (client.index(), id));
        let next = if from == Revision(0) { Revision(now.0 + 1) } else { from };
        self.watches.push(Watch { client, id, range, next, sent: 1 });
    }

    /// A message without events that tells how many came before it; none at all if the watch was never created.
    pub(crate) fn progress(&self, client: Addr, id: WatchId, revision: Revision) -> Reply {
        let watch = self.watches.iter().find(|watch| (watch.client, watch.id) == (client, id));
        let number = watch.map_or(0, |watch| watch.sent);
        Reply::WatchResponse { watch: id, number, revision, events: Vec::new() }
    }

    /// Tells every watcher what it has not been told; one message each, if there is anything for it.
    pub(crate) fn tell(&mut self, store: &Store, mut send: impl FnMut(Addr, Reply)) {
        let revision = store.revision();
        for watch in &mut self.watches {
            if watch.next > revision {
                continue;
            }
            let changes = store.changes_from(watch.next).iter().filter(|change| watch.range.has(change.key));
            let events: Vec<Event> = changes.map(Event::from).collect();
            watch.next = Revision(revision.0 + 1);
            if !events.is_empty() {
                watch.sent += 1;
                let (watch, client, number) = (watch.id, watch.client, watch.sent);
                send(client, Reply::WatchResponse { watch, number, revision, events });
            }
        }
    }
}

impl From<&Change> for Event {
    fn from(change: &Change) -> Event {
        change.kv.clone().map_or(Event::Delete(change.key), Event::Put)
    }
}

say!(WatchId);

impl fmt::Display for WatchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "watch{}", self.0)
    }
}

unheard!(Event);

impl Say for Event {
    fn say(&self, _: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::Put(kv) => {
                write!(f, " put {} =", kv.key)?;
                kv.value.say("", f)
            }
            Event::Delete(key) => write!(f, " delete {key}"),
        }
    }
}
