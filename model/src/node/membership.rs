//! Who is alive, in the view of this process: what is heard of captures and of the leader.

use std::collections::{BTreeMap, BTreeSet};

use sim::{Duration, Instant};

use crate::{
    Addr, Cx, NodeId, coordinator,
    etcd::{Event, Inbox as Etcd, Key, Kv, Range, Revision, WatchId},
    ids::Place,
    maintainer, messages,
    node::{Note, Server, Wait},
};

/// A node whose capture key is gone stays in the view at least this long, and half a TTL if that is longer.
const GRACE: Duration = Duration::from_secs(5);
const CAPTURES: WatchId = WatchId(1);
const OWNERS: WatchId = WatchId(2);

#[derive(Clone, Debug, Default)]
pub(super) struct Membership {
    /// Registered nodes; one whose key is gone is dropped at a time.
    nodes: BTreeMap<NodeId, Option<Instant>>,
    watching: BTreeMap<WatchId, Watching>,
    /// Whether something has been heard that a tick has not seen.
    pub(super) changed: bool,
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
    /// The number of its last message.
    number: u32,
    /// Everything up to here.
    revision: Revision,
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
        for watch in [CAPTURES, OWNERS] {
            self.watch(watch, revision, cx);
        }
        self.membership.changed = true;
        self.begin_node_manager(cx);
    }

    /// Watches everything after a revision.
    fn watch(&mut self, watch: WatchId, revision: Revision, cx: &mut Cx) {
        let range = if watch == CAPTURES { Range::Captures } else { Range::Owners };
        self.membership.watching.insert(watch, Watching { number: 1, revision });
        let from = Revision(revision.0 + 1);
        cx.out.send(Addr::Etcd, Etcd::WatchCreateRequest { watch, range, from }.into());
    }

    /// Asks whether everything has been heard: the answer shows a gap if a message was lost.
    pub(super) fn ask_for_progress(&mut self, cx: &mut Cx) {
        for watch in self.membership.watching.keys() {
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
        let expected = watching.number + u32::from(!events.is_empty());
        // Zero: the request to create the watch was lost.
        if number != expected {
            let heard = watching.revision;
            return self.watch(watch, heard, cx);
        }
        *watching = Watching { number, revision };
        if events.is_empty() {
            return;
        }
        if watch == OWNERS {
            self.on_owners_changed(cx);
        }
        for event in events {
            match event {
                Event::Put(Kv { key: Key::Capture(node), .. }) => self.membership.nodes.insert(*node, None),
                // The grace begins when this process hears of the end, not when the lease ends.
                Event::Delete(Key::Capture(node)) => {
                    let grace = GRACE.max(cx.process.settings.session_ttl().split(2));
                    self.membership.nodes.insert(*node, Some(cx.now.steady + grace))
                }
                Event::Put(_) | Event::Delete(_) => None,
            };
        }
        self.membership.changed = true;
        self.wake_membership(cx);
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
