//! Who is alive, in the view of this process: what is heard of captures and of the leader.

use std::collections::{BTreeMap, BTreeSet};

use sim::{Duration, Instant};

use crate::{
    Addr, Cx, NodeId, coordinator,
    etcd::{Event, Inbox as Etcd, Key, Kv, Range, Revision, WatchId},
    ids::Place,
    maintainer, messages,
    node::{Note, Server, Wait, election::BEFORE},
};

/// A node whose capture key is gone stays in the view at least this long, and half a TTL if that is longer.
const GRACE: Duration = Duration::from_secs(5);
const CAPTURES: WatchId = WatchId(1);
/// Nobody watches the owner keys in TiCDC: this watch wakes up the node manager, who reads the leader key all the time there.
const OWNERS: WatchId = WatchId(2);
/// A watch that has been silent for so long is begun again.
const SILENCE: Duration = Duration::from_secs(10);

#[derive(Clone, Debug, Default)]
pub(super) struct Membership {
    /// Registered nodes; one whose key is gone is dropped at a time.
    nodes: BTreeMap<NodeId, Option<Instant>>,
    watching: BTreeMap<WatchId, Watching>,
    /// Whether something has been heard that a tick has not seen.
    pub(super) changed: bool,
    /// Whether changes of captures that have not been heard are forgotten.
    pub(super) compacted: bool,
}

impl Membership {
    /// When the first grace ends.
    pub(super) fn next_end(&self) -> Option<Instant> {
        self.nodes.values().flatten().min().copied()
    }
}

/// What has been heard of one watch.
#[derive(Clone, Copy, Debug)]
struct Watching {
    range: Range,
    /// The number of its last message.
    number: u32,
    /// Everything up to here.
    revision: Revision,
    /// The revision of its last changes.
    changed: Revision,
    /// Since when it owes an answer.
    silent: Option<Instant>,
}

impl Server {
    pub(super) fn look_around(&mut self, cx: &mut Cx) {
        self.calls.call(cx, Wait::Captures, |call| Etcd::RangeRequest { call, range: Range::Captures });
    }

    pub(super) fn on_captures(&mut self, revision: Revision, captures: &[Kv], cx: &mut Cx) {
        for kv in captures {
            if let Key::Capture(node) = kv.key {
                self.membership.nodes.insert(node, None);
            }
        }
        for (watch, range) in [(CAPTURES, Range::Captures), (OWNERS, Range::Owners)] {
            self.watch(watch, range, revision, cx);
        }
        self.membership.changed = true;
        self.begin_node_manager(cx);
    }

    /// Watches everything after a revision.
    pub(super) fn watch(&mut self, watch: WatchId, range: Range, revision: Revision, cx: &mut Cx) {
        let changed = Revision(revision.0 + 1);
        let watching = Watching { range, number: 1, revision, changed, silent: None };
        self.membership.watching.insert(watch, watching);
        cx.out.send(Addr::Etcd, Etcd::WatchCreateRequest { watch, range, from: changed }.into());
    }

    /// Nobody waits for a watch any more.
    pub(super) fn unwatch(&mut self, watch: WatchId) {
        self.membership.watching.remove(&watch);
    }

    /// Asks whether everything has been heard: the answer shows a gap if a message was lost. A watch of captures that is silent
    /// for too long is begun anew, from its last change on.
    pub(super) fn ask_for_progress(&mut self, cx: &mut Cx) {
        let now = cx.now.steady;
        for (watch, watching) in &mut self.membership.watching {
            let silent = *watching.silent.get_or_insert(now);
            if *watch == CAPTURES && now.since(silent) >= SILENCE {
                let Watching { range, changed, .. } = *watching;
                (watching.number, watching.silent) = (1, Some(now));
                let begins = Etcd::WatchCreateRequest { watch: *watch, range, from: changed };
                cx.out.send(Addr::Etcd, begins.into());
            }
            cx.out.send(Addr::Etcd, Etcd::WatchProgressRequest { watch: *watch }.into());
        }
    }

    pub(super) fn on_watch(
        &mut self,
        watch: WatchId,
        number: u32,
        revision: Revision,
        events: &[Event],
        cx: &mut Cx,
    ) {
        let Some(watching) = self.membership.watching.get_mut(&watch) else { return };
        watching.silent = None;
        let expected = watching.number + u32::from(!events.is_empty());
        // Zero: the request to create the watch was lost.
        if number != expected {
            let Watching { range, revision, changed, .. } = *watching;
            self.watch(watch, range, revision, cx);
            if let Some(watching) = self.membership.watching.get_mut(&watch) {
                watching.changed = changed;
            }
            return;
        }
        (watching.number, watching.revision) = (number, revision);
        if events.is_empty() {
            return;
        }
        watching.changed = revision;
        if watch == BEFORE {
            return self.on_candidate_before(events, cx);
        }
        for event in events {
            match event {
                Event::Put(Kv { key: Key::Capture(node), .. }) => {
                    _ = self.membership.nodes.insert(*node, None)
                }
                // The grace begins when this process hears of the end, not when the lease ends. It may hear of it twice.
                Event::Delete(Key::Capture(node)) => {
                    let grace = GRACE.max(cx.process.settings.session_ttl().split(2));
                    if let Some(drop_at) = self.membership.nodes.get_mut(node) {
                        *drop_at = Some(cx.now.steady + grace);
                    }
                }
                Event::Put(_) | Event::Delete(_) => {}
            }
        }
        self.membership.changed = true;
        self.wake_membership(cx);
    }

    /// What a watch was to tell of is forgotten. The node manager ends by that, a candidate begins again.
    pub(super) fn on_watch_canceled(&mut self, watch: WatchId, compacted: Revision, cx: &mut Cx) {
        let Some(Watching { range, .. }) = self.membership.watching.remove(&watch) else { return };
        cx.note(Note::WatchLost { node: cx.id(), compacted: compacted.0 });
        match watch {
            CAPTURES => {
                self.membership.compacted = true;
                self.node_manager_selects(cx);
            }
            BEFORE => self.campaign_again(cx),
            _ => {
                self.watch(watch, range, compacted, cx);
                self.wake_membership(cx);
            }
        }
    }

    /// Drops the nodes whose grace is over, and lets the process see who is there.
    pub(super) fn apply_view(&mut self, cx: &mut Cx) {
        self.membership.changed = false;
        let (now, me) = (cx.now.steady, cx.id());
        self.membership.nodes.retain(|_, drop_at| drop_at.is_none_or(|at| at > now));
        let view: BTreeSet<NodeId> = self.membership.nodes.keys().copied().collect();
        if view == *cx.process.view() {
            return;
        }
        for gone in cx.process.view().difference(&view).copied().collect::<Vec<_>>() {
            cx.note(Note::NodeRemoved { node: me, gone });
        }
        for new in view.difference(cx.process.view()).copied().collect::<Vec<_>>() {
            cx.note(Note::NodeAdded { node: me, new });
        }
        cx.process.set_view(view);
        cx.tell(Place::Messages, messages::Inbox::TargetsChanged);
        cx.tell(Place::Coordinator, coordinator::Inbox::NodesChanged);
        cx.tell(Place::Maintainers, maintainer::Inbox::NodesChanged);
    }
}
