//! The node manager: who is alive, in the view of this process, and who leads.
//!
//! It is one loop that selects among what is ready, at random, as Go does. Every tick reads the leader key before
//! anything else, so a read that hangs holds back all that follows from it, the end of the session too. In the real
//! process a tick comes every 50 ms; here it sleeps while there is nothing for it to find (the leader key is watched too,
//! renewals of the lease are answered, and nobody has cut the way to etcd), and ticks on the same grid when there may be.

use sim::{Duration, Instant};

use crate::{
    Cx, NodeId, coordinator,
    etcd::{Inbox as Etcd, Kv, Range, Value},
    ids::Place,
    node::{Server, Timer, Wait},
};

const TICK: Duration = Duration::from_millis(50);

#[derive(Clone, Debug, Default)]
pub(super) struct NodeManager {
    at: At,
    /// When the next tick comes; a wake may bring it forward.
    next: Option<Instant>,
    /// The leader that the last tick saw.
    leader: Option<NodeId>,
}

/// Where the loop is.
#[derive(Clone, Copy, Debug, Default)]
enum At {
    /// It learns what is there, and has not begun.
    #[default]
    Beginning,
    /// It waits for something to be ready.
    Select,
    /// It reads the leader key, since then.
    Tick { since: Instant },
    /// In the same tick it has told the coordinator that somebody else leads, and waits until that has stopped.
    Deposing { since: Instant },
    /// It has returned.
    Ended,
}

/// What can be ready.
#[derive(Clone, Copy, Debug)]
enum Ready {
    GroupDone,
    SessionDone,
    Compacted,
    Tick,
    Watch,
}

impl NodeManager {
    pub(super) fn has_ended(&self) -> bool {
        matches!(self.at, At::Ended)
    }

    /// Who leads, as far as it knows.
    pub(super) fn leader(&self) -> Option<NodeId> {
        self.leader
    }
}

impl Server {
    /// The loop can begin.
    pub(super) fn begin_node_manager(&mut self, cx: &mut Cx) {
        if matches!(self.node_manager.at, At::Beginning) {
            self.node_manager.at = At::Select;
            self.node_manager_selects(cx);
        }
        self.wake_membership(cx);
    }

    /// There may be something for a tick to find.
    pub(super) fn wake_membership(&mut self, cx: &mut Cx) {
        // The end of a tick looks itself whether there is to be another one.
        if !matches!(self.node_manager.at, At::Tick { .. } | At::Deposing { .. }) {
            self.tick_at(cx.now.steady, cx);
        }
    }

    /// Ticks at this time, or on the grid after it, unless a tick comes before.
    fn tick_at(&mut self, at: Instant, cx: &mut Cx) {
        let at = at.next_on_grid(TICK);
        if self.node_manager.next.is_none_or(|next| at < next) {
            self.node_manager.next = Some(at);
            cx.out.alarm(Timer::Tick.into(), at.since(cx.now.steady));
        }
    }

    pub(super) fn tick(&mut self, cx: &mut Cx) {
        if self.node_manager.next.is_none_or(|next| cx.now.steady < next) {
            return;
        }
        self.node_manager.next = None;
        if matches!(self.node_manager.at, At::Select) {
            self.read_leader(cx);
        }
    }

    fn read_leader(&mut self, cx: &mut Cx) {
        self.node_manager.at = At::Tick { since: cx.now.steady };
        let read = |call| Etcd::RangeRequest { call, range: Range::FIRST_OWNER };
        self.calls.call(cx, Wait::Leader, read);
    }

    /// The leader key could not be read: the whole tick is skipped.
    pub(super) fn on_leader_error(&mut self, cx: &mut Cx) {
        self.end_of_tick(cx);
    }

    pub(super) fn on_leader(&mut self, leader: Option<&Kv>, cx: &mut Cx) {
        // Without a leader key the tick is skipped too: the view is frozen while nobody leads.
        if let Some(Kv { value: Value::Node(leader), .. }) = leader {
            self.apply_view(cx);
            if self.node_manager.leader.replace(*leader) != Some(*leader) {
                cx.tell(Place::Coordinator, coordinator::Inbox::LeaderChanged { leader: *leader });
                if self.election.is_leading()
                    && *leader != cx.id()
                    && let At::Tick { since } = self.node_manager.at
                {
                    self.node_manager.at = At::Deposing { since };
                    return;
                }
            }
        }
        self.end_of_tick(cx);
    }

    /// The coordinator has stopped: the tick that deposed it goes on.
    pub(super) fn tick_goes_on(&mut self, cx: &mut Cx) {
        if let At::Deposing { .. } = self.node_manager.at {
            self.end_of_tick(cx);
        }
    }

    fn end_of_tick(&mut self, cx: &mut Cx) {
        let (At::Tick { since } | At::Deposing { since }) = self.node_manager.at else { return };
        self.node_manager.at = At::Select;
        let late = cx.now.steady.since(since) >= TICK;
        if !self.selects_an_end(late, cx) {
            self.sleep_or_tick(cx);
        }
    }

    /// Something may be ready.
    pub(super) fn node_manager_selects(&mut self, cx: &mut Cx) {
        match self.node_manager.at {
            At::Beginning if self.shutdown.group_is_done() => self.node_manager.at = At::Ended,
            At::Beginning | At::Tick { .. } | At::Deposing { .. } | At::Ended => {}
            At::Select => {
                self.selects_an_end(false, cx);
            }
        }
    }

    /// Whether there is a reason to end. Of what is ready anything may be taken, so the loop may tick once more.
    fn selects_an_end(&mut self, ticked: bool, cx: &mut Cx) -> bool {
        let (group_done, session_done) = (self.shutdown.group_is_done(), self.is_session_done());
        let compacted = self.membership.compacted;
        if !group_done && !session_done && !compacted {
            return false;
        }
        let ready = [
            (Ready::GroupDone, group_done),
            (Ready::SessionDone, session_done),
            (Ready::Compacted, compacted),
            (Ready::Tick, ticked),
            (Ready::Watch, ticked && self.membership.changed),
        ];
        let ready: Vec<Ready> = ready.into_iter().filter(|(_, is)| *is).map(|(one, _)| one).collect();
        match ready[cx.out.choose("node manager select", ready.len())] {
            Ready::GroupDone => self.node_manager_ends("", cx),
            Ready::SessionDone => self.node_manager_ends("capture suicide", cx),
            Ready::Compacted => self.node_manager_ends("the changes of captures are compacted", cx),
            Ready::Tick | Ready::Watch => self.read_leader(cx),
        }
        true
    }

    /// The loop returns, with this error if it is the first module to do so.
    pub(super) fn node_manager_ends(&mut self, why: &'static str, cx: &mut Cx) {
        self.node_manager.at = At::Ended;
        self.module_fails(why, cx);
        self.close_if_modules_ended(cx);
    }

    fn sleep_or_tick(&mut self, cx: &mut Cx) {
        let now = cx.now.steady;
        let suspicious = self.session.as_ref().is_none_or(|session| session.is_suspicious(now));
        if suspicious || self.membership.changed || self.node_manager.leader.is_none() {
            return self.tick_at(now, cx);
        }
        if let Some(due) = self.membership.next_end() {
            self.tick_at(due, cx);
        }
    }
}
