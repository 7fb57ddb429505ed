//! The node manager: who is alive, in the view of this process, and who leads.
//!
//! Every tick reads the leader key before anything else, so a read that hangs holds back all that follows from it. In
//! the real process a tick comes every 50 ms; here it sleeps while there is nothing for it to find (the leader key is
//! watched too, and renewals of the lease are answered), and ticks on the same grid when there may be.

use std::collections::{BTreeMap, BTreeSet};

use sim::{Duration, Instant};

use crate::{
    Addr, Cx, NodeId, coordinator,
    etcd::{CallId, Event, Inbox as Etcd, Key, Kv, Range, Revision, Value, WatchId},
    ids::Place,
    maintainer,
    node::{Note, Server, Timer, Wait},
};

const TICK: Duration = Duration::from_millis(50);
/// A node whose capture key is gone stays in the view this long: `max(TTL / 2, 5 s)`.
const GRACE: Duration = Duration::from_secs(5);
const CAPTURES: WatchId = WatchId(1);
const OWNERS: WatchId = WatchId(2);

#[derive(Clone, Debug, Default)]
pub(super) struct Membership {
    /// Registered nodes; one whose key is gone is dropped at a time.
    nodes: BTreeMap<NodeId, Option<Instant>>,
    /// The leader that the last tick saw.
    leader: Option<NodeId>,
    watching: BTreeMap<WatchId, Watching>,
    /// When the next tick comes; a wake may bring it forward.
    next: Option<Instant>,
    reading: Option<CallId>,
    /// Whether something has been heard that a tick has not seen.
    changed: bool,
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
        self.wake_membership(cx);
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
                    self.membership.nodes.insert(*node, Some(cx.now.steady + GRACE))
                }
                Event::Put(_) | Event::Delete(_) => None,
            };
        }
        self.membership.changed = true;
        self.wake_membership(cx);
    }

    /// There may be something for a tick to find.
    pub(super) fn wake_membership(&mut self, cx: &mut Cx) {
        // The end of a tick looks itself whether there is to be another one.
        if self.membership.reading.is_none() {
            self.tick_at(cx.now.steady, cx);
        }
    }

    /// Ticks at this time, or on the grid after it, unless a tick comes before.
    fn tick_at(&mut self, at: Instant, cx: &mut Cx) {
        let at = at.next_on_grid(TICK);
        if self.membership.next.is_none_or(|next| at < next) {
            self.membership.next = Some(at);
            cx.out.alarm(Timer::Tick.into(), at.since(cx.now.steady));
        }
    }

    pub(super) fn tick(&mut self, cx: &mut Cx) {
        if self.membership.next.is_none_or(|next| cx.now.steady < next) {
            return;
        }
        self.membership.next = None;
        if self.membership.reading.is_none() && !self.shutdown.has_begun() {
            let read = |call| Etcd::RangeRequest { call, range: Range::FirstOwner };
            self.membership.reading = Some(self.calls.call(cx, Wait::Leader, read));
        }
    }

    /// The leader key could not be read: the whole tick is skipped.
    pub(super) fn on_leader_error(&mut self, cx: &mut Cx) {
        self.end_of_tick(cx);
    }

    pub(super) fn on_leader(&mut self, leader: Option<&Kv>, cx: &mut Cx) {
        // Without a leader key the tick is skipped too: the view is frozen while nobody leads.
        if let Some(Kv { value: Value::Node(leader), .. }) = leader {
            self.apply_view(cx);
            if self.membership.leader.replace(*leader) != Some(*leader) {
                cx.tell(Place::Coordinator, coordinator::Inbox::LeaderChanged { leader: *leader });
            }
        }
        self.end_of_tick(cx);
    }

    fn end_of_tick(&mut self, cx: &mut Cx) {
        self.membership.reading = None;
        if self.is_session_done() {
            return self.capture_suicide(cx);
        }
        let now = cx.now.steady;
        let suspicious = self.session.as_ref().is_none_or(|session| session.is_suspicious(now));
        if suspicious || self.membership.changed || self.membership.leader.is_none() {
            return self.tick_at(now, cx);
        }
        if let Some(due) = self.membership.nodes.values().flatten().min().copied() {
            self.tick_at(due, cx);
        }
    }

    /// Drops the nodes whose grace is over, and lets the process see who is there.
    fn apply_view(&mut self, cx: &mut Cx) {
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
        cx.tell(Place::Coordinator, coordinator::Inbox::NodesChanged);
        cx.tell(Place::Maintainers, maintainer::Inbox::NodesChanged);
    }
}
