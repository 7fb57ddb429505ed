//! Watches: every change of some keys, in order, from a revision on.

use std::{collections::BTreeMap, fmt};

use sim::{Address as _, Duration, Instant};

use crate::{
    Addr, NodeId,
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
    /// When the client is told of what it has not been told of, if that waits.
    tells_at: Option<Instant>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Watches {
    watches: Vec<Watch>,
    /// By how much the watches of a machine are late, and until when.
    slow: BTreeMap<u8, (Duration, Option<Instant>)>,
}

impl Watches {
    /// Begins a watch. Revision zero means: from the next change on.
    pub(crate) fn create(&mut self, client: Addr, id: WatchId, range: Range, from: Revision, now: Revision) {
        // Also one that an earlier process of the client made: its connection is gone.
        self.watches.retain(|watch| (watch.client.index(), watch.id) != (client.index(), id));
        let next = if from == Revision(0) { Revision(now.0 + 1) } else { from };
        self.watches.push(Watch { client, id, range, next, sent: 1, tells_at: None });
    }

    /// A message without events that tells how many came before it, none at all if the watch was never created. Who has
    /// not been told of everything hears nothing.
    pub(crate) fn progress(&self, client: Addr, id: WatchId, revision: Revision) -> Option<Reply> {
        let watch = self.watches.iter().find(|watch| (watch.client, watch.id) == (client, id));
        let number = watch.map_or(0, |watch| watch.sent);
        let late = watch.is_some_and(|watch| watch.tells_at.is_some());
        (!late).then_some(Reply::WatchResponse { watch: id, number, revision, events: Vec::new() })
    }

    /// The watches of a machine are told late from now on.
    pub(crate) fn slow_down(&mut self, node: NodeId, by: Duration, until: Option<Instant>) {
        self.slow.insert(node.slot, (by, until));
    }

    /// All are told at once again; what waits is told when it was to be.
    pub(crate) fn recover(&mut self) {
        self.slow.clear();
    }

    /// Tells every watcher what it has not been told; one message each, if there is anything for it. One that has to hear of
    /// what is forgotten is cancelled. How long it is until the next of those that are late.
    pub(crate) fn tell(
        &mut self,
        now: Instant,
        store: &Store,
        mut send: impl FnMut(Addr, Reply),
    ) -> Option<Duration> {
        let (revision, compacted) = (store.revision(), store.compacted());
        let forgotten = self.watches.extract_if(.., |watch| watch.next < compacted);
        for Watch { id, client, .. } in forgotten {
            send(client, Reply::WatchCanceled { watch: id, compacted });
        }
        let mut next = None;
        for watch in self.watches.iter_mut().filter(|watch| watch.next <= revision) {
            let changes = store.changes_from(watch.next).iter().filter(|change| watch.range.has(change.key));
            let events: Vec<Event> = changes.map(Event::from).collect();
            if !events.is_empty() {
                if let Some(late) = late_by(&self.slow, watch, now) {
                    let at = *watch.tells_at.get_or_insert_with(|| {
                        next = Some(next.map_or(late, |next: Duration| next.min(late)));
                        now + late
                    });
                    if now < at {
                        continue;
                    }
                }
                watch.sent += 1;
                let (watch, client, number) = (watch.id, watch.client, watch.sent);
                send(client, Reply::WatchResponse { watch, number, revision, events });
            }
            (watch.next, watch.tells_at) = (Revision(revision.0 + 1), None);
        }
        next
    }
}

/// By how much a watch is late; none if it is not.
fn late_by(
    slow: &BTreeMap<u8, (Duration, Option<Instant>)>,
    watch: &Watch,
    now: Instant,
) -> Option<Duration> {
    let (by, until) = slow.get(&watch.client.node()?.slot)?;
    let on = until.is_none_or(|until| now < until);
    (on || watch.tells_at.is_some()).then_some(*by)
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
