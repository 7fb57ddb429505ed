//! One maintainer: what it knows, and the event loop that handles every message meant for it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use sim::{Duration, Instant};

use crate::{
    ChangefeedId, Cx, DispatcherId, Epoch, Mode, NodeId, Place, RunningError, Ts,
    bootstrapper::{Bootstrapper, NodeChange},
    coordinator::{DrainOrder, MaintainerState, MaintainerStatus},
    dispatchers::{self, BootstrapResponse, Watermark},
    maintainer::{
        Inbox, MaintainerId, Note, Timer,
        api::Api,
        barrier::{Barrier, Reports},
        checkpoint, duplicates, heartbeat,
        operators::Operators,
        redo::Twin,
        removal,
        schedulers::Schedulers,
        spans::Spans,
        stamp,
    },
    node,
    policy::Stamped,
};

const TICK: Duration = Duration::from_millis(100);
/// A status is reported at least this often.
const REPORT_EVERY: Duration = Duration::from_secs(1);

/// An event of the event loop.
#[derive(Clone, Debug)]
pub(super) enum Event {
    /// The first one of a maintainer that is to work.
    Init,
    /// The period.
    Tick,
    /// From the coordinator.
    Remove(removal::Request),
    /// From a dispatcher manager or an orchestrator.
    Message { from: NodeId, inbox: Inbox },
}

/// The maintainer of one changefeed.
#[derive(Clone, Debug)]
pub struct Maintainer {
    pub(super) id: MaintainerId,
    pub(super) cf: ChangefeedId,
    pub(super) epoch: Epoch,
    /// The epoch in the configuration that it was added with, which its bootstrap requests carry.
    pub(super) config_epoch: Epoch,
    /// The checkpoint with which it was added, where new spans start.
    pub(super) start_ts: Ts,
    pub(super) is_new: bool,
    pub(super) bootstrapper: Bootstrapper<BootstrapResponse>,
    /// Whether it has heard from every dispatcher manager and knows its spans.
    pub(super) initialized: bool,
    /// Whether the table trigger still has to be activated.
    pub(super) post_bootstrap_pending: bool,
    /// Whose spans, operators, block events, schedulers and watermarks these are; and what there is of the other mode.
    pub(super) mode: Mode,
    pub(super) twin: Option<Box<Twin>>,
    pub(super) spans: Spans,
    pub(super) operators: Operators,
    pub(super) barrier: Barrier,
    pub(super) schedulers: Schedulers,
    pub(super) api: Api,
    pub(super) checkpoints: checkpoint::Checkpoints,
    pub(super) watermarks: BTreeMap<NodeId, Watermark>,
    pub(super) removal: removal::Removal,
    pub(super) nodes_changed: bool,
    /// Which node its dispatchers are to leave.
    pub(super) drain: Option<DrainOrder>,
    /// Whether it has something to report, and whether it has said so since anybody listened.
    dirty: bool,
    prompts: bool,
    reported_at: Option<Instant>,
    /// Errors of nodes since the last status.
    errors: BTreeMap<NodeId, &'static str>,
    events: VecDeque<Event>,
    /// The reports about block events that are in the queue or being handled.
    pub(super) at_work: BTreeSet<duplicates::Key>,
    pub(super) at_hand: Option<AtHand>,
    /// Whether the event loop is to go on by itself.
    woken: bool,
}

/// What the event loop is in the middle of.
#[derive(Clone, Debug)]
pub(super) enum AtHand {
    /// Nodes have left, which is no news any more to whoever asks which nodes there are; what was on them comes next, and
    /// then this event.
    NodesLeft(NodeChange, Event),
    /// The statuses of a heartbeat.
    Statuses(heartbeat::Statuses),
    /// Reports about block events.
    Reports(Box<Reports>),
    /// A removal that is through: it may be cleaned up, and is not yet stopped.
    Stopping,
}

impl Maintainer {
    pub(super) fn new(
        cf: ChangefeedId,
        epoch: Epoch,
        checkpoint: Ts,
        is_new: bool,
        cx: &mut Cx,
    ) -> Maintainer {
        // A fresh trigger for every maintainer instance.
        let trigger = cx.process.fresh_id();
        let redo = cx.process.config.redo;
        let twin = redo.then(|| Box::new(Twin::new(cx.process.fresh_id(), cx.id(), checkpoint)));
        Maintainer {
            id: MaintainerId(0),
            cf,
            epoch,
            config_epoch: Epoch::NONE,
            start_ts: checkpoint,
            is_new,
            bootstrapper: Bootstrapper::default(),
            initialized: false,
            post_bootstrap_pending: false,
            mode: Mode::Default,
            twin,
            spans: Spans::new(trigger, cx.id(), checkpoint),
            operators: Operators::default(),
            barrier: Barrier::default(),
            schedulers: Schedulers::default(),
            api: Api::default(),
            checkpoints: checkpoint::Checkpoints::new(checkpoint),
            watermarks: BTreeMap::new(),
            removal: removal::Removal::default(),
            nodes_changed: false,
            drain: None,
            dirty: true,
            prompts: false,
            reported_at: None,
            errors: BTreeMap::new(),
            events: VecDeque::new(),
            at_work: BTreeSet::new(),
            at_hand: None,
            woken: false,
        }
    }

    /// Its threads start.
    pub(super) fn begin(&mut self, id: MaintainerId, cx: &mut Cx) {
        self.id = id;
        cx.out.alarm(Timer::Tick { m: id }.into(), TICK);
        cx.out.alarm(Timer::CheckpointTick { m: id }.into(), checkpoint::PERIOD);
        self.begin_redo(cx);
    }

    /// Its changefeed.
    pub fn changefeed(&self) -> ChangefeedId {
        self.cf
    }

    /// Its generation.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Whether it knows its spans and is not being removed.
    pub fn is_working(&self) -> bool {
        self.initialized && !self.removal.has_begun()
    }

    /// Whether the table trigger has been activated.
    pub fn is_trigger_active(&self) -> bool {
        self.initialized && !self.post_bootstrap_pending
    }

    /// The checkpoint up to which everything is known to be downstream.
    pub fn committed(&self) -> Ts {
        self.spans.committed()
    }

    /// The spans, with where each is replicated; none while it is not.
    pub fn replicas(&self) -> impl Iterator<Item = (DispatcherId, crate::Span, Option<NodeId>)> {
        self.spans.replicas()
    }

    /// How many operators are under way.
    pub fn operators(&self) -> usize {
        self.operators.len() + self.twin.as_ref().map_or(0, |twin| twin.operators.len())
    }

    /// The nodes that have not answered the bootstrap.
    pub fn silent(&self) -> impl Iterator<Item = NodeId> {
        self.bootstrapper.silent()
    }

    pub(super) fn nodes_changed(&mut self) {
        self.nodes_changed = true;
    }

    pub(super) fn mark_dirty(&mut self) {
        self.dirty = true;
        self.prompts = true;
    }

    /// Whether it has had something to say since this was asked last.
    pub(super) fn take_prompt(&mut self) -> bool {
        std::mem::take(&mut self.prompts)
    }

    /// A node has an error: its status tells it, once.
    pub(super) fn on_error(&mut self, node: NodeId, why: &'static str, cx: &mut Cx) {
        cx.note(Note::ErrorReported { cf: self.cf, from: node, why });
        self.errors.insert(node, why);
        self.mark_dirty();
    }

    pub(super) fn is_report_due(&self, now: Instant) -> bool {
        self.dirty || self.reported_at.is_none_or(|at| now.since(at) > REPORT_EVERY)
    }

    /// What it had to say counts as said.
    pub(super) fn reported(&mut self, now: Instant) {
        self.dirty = false;
        self.reported_at = Some(now);
    }

    /// Its status, and the errors that nobody has been told of: if this one is lost, they are.
    pub(super) fn status(&mut self, cx: &Cx) -> MaintainerStatus {
        MaintainerStatus {
            cf: self.cf,
            state: if self.is_stopped() { MaintainerState::Stopped } else { MaintainerState::Working },
            checkpoint: self.spans.committed(),
            bootstrap_done: self.initialized,
            epoch: stamp(Stamped::Status, self.epoch, cx),
            err: std::mem::take(&mut self.errors)
                .pop_last()
                .map(|(node, text)| RunningError { text, node: Some(node) }),
            drain: self.drain_progress(),
        }
    }

    pub(super) fn period(&mut self, cx: &mut Cx) {
        cx.out.alarm(Timer::Tick { m: self.id }.into(), TICK);
        self.receive(Event::Tick, cx);
    }

    /// What the real process would not have survived ends this one.
    pub(super) fn survive(&mut self, cx: &mut Cx) {
        let redo = self.twin.as_mut().and_then(|twin| twin.spans.take_fatal());
        if let Some(why) = self.spans.take_fatal().or(redo) {
            cx.note(Note::MaintainerPanicked { cf: self.cf, why });
            cx.out.exit(Some(node::RESTART_AFTER));
        }
    }

    /// Puts an event into the queue of the event loop, from another thread.
    pub(super) fn push(&mut self, event: Event, cx: &mut Cx) {
        self.events.push_back(event);
        self.wake(cx);
    }

    /// A message comes from a dispatcher manager or an orchestrator.
    pub(super) fn hear(&mut self, from: NodeId, inbox: &Inbox, cx: &mut Cx) {
        if let Some(inbox) = self.without_duplicates(from, inbox.clone()) {
            self.receive(Event::Message { from, inbox }, cx);
        }
    }

    /// Puts an event into the queue of the event loop that has just come to it: if it is idle, it takes it at once.
    pub(super) fn receive(&mut self, event: Event, cx: &mut Cx) {
        self.events.push_back(event);
        if !self.woken {
            self.event_loop(cx);
        }
    }

    fn wake(&mut self, cx: &mut Cx) {
        if !std::mem::replace(&mut self.woken, true) {
            cx.out.give_way(Timer::EventLoop { m: self.id }.into());
        }
    }

    /// Goes on with what is at hand, or takes the next event; other threads may get in before the next step.
    pub(super) fn event_loop(&mut self, cx: &mut Cx) {
        self.woken = false;
        match self.at_hand.take() {
            Some(AtHand::NodesLeft(change, event)) => {
                self.end_node_change(change, cx);
                self.unlock_checkpoint(cx);
                self.handle(event, cx);
            }
            Some(AtHand::Statuses(statuses)) => self.handle_next_status(statuses, cx),
            Some(AtHand::Reports(reports)) => {
                self.in_mode(reports.mode(), |m| m.handle_next_report(reports, cx));
            }
            Some(AtHand::Stopping) => self.set_stopped(cx),
            None => self.next_event(cx),
        }
        if self.is_busy() {
            self.wake(cx);
        }
    }

    /// Whether the event loop has anything to do.
    pub(super) fn is_busy(&self) -> bool {
        self.at_hand.is_some() || !self.events.is_empty()
    }

    fn next_event(&mut self, cx: &mut Cx) {
        let Some(event) = self.events.pop_front() else { return };
        if self.is_stopped() {
            return self.release(&event);
        }
        match self.take_node_change(cx) {
            Some(change) if !change.removed.is_empty() => {
                self.at_hand = Some(AtHand::NodesLeft(change, event));
            }
            Some(change) => {
                self.end_node_change(change, cx);
                self.handle(event, cx);
            }
            None => self.handle(event, cx),
        }
    }

    /// Whether somebody is in the middle of a change of the node set: others wait for its end.
    pub(super) fn is_node_set_locked(&self) -> bool {
        matches!(self.at_hand, Some(AtHand::NodesLeft(..)))
    }

    fn handle(&mut self, event: Event, cx: &mut Cx) {
        match event {
            Event::Init => self.init(cx),
            Event::Tick => self.tick(cx),
            Event::Remove(request) => self.on_remove(request, cx),
            Event::Message { from, inbox } => match inbox {
                Inbox::MaintainerBootstrapResponse { response } => {
                    self.on_bootstrap_response(from, *response, cx)
                }
                Inbox::MaintainerPostBootstrapResponse { trigger, epoch, err, .. } => {
                    self.on_post_bootstrap_response(from, trigger, epoch, err, cx);
                }
                Inbox::MaintainerCloseResponse { success, epoch, .. } => {
                    self.on_close_response(from, success, epoch, cx);
                }
                Inbox::HeartBeatRequest { heartbeat, .. } => self.on_heartbeat(from, heartbeat, cx),
                Inbox::BlockStatusRequest { statuses, mode, .. } => {
                    self.in_mode(mode, |m| m.on_block_statuses(from, statuses, mode, cx));
                }
                Inbox::CheckpointTsPersisted { checkpoint, .. } => {
                    let (cf, here) = (self.cf, Place::Dispatchers);
                    cx.send(cx.id(), here, dispatchers::Inbox::CheckpointTsMessage { cf, checkpoint });
                }
                Inbox::RedoResolvedTsProgressMessage { resolved, .. } => self.on_redo_persisted(resolved, cx),
                Inbox::NodesChanged
                | Inbox::StopManager
                | Inbox::CloseMaintainers
                | Inbox::CoordinatorBootstrapRequest { .. }
                | Inbox::SetNodeLivenessRequest { .. }
                | Inbox::SetDispatcherDrainTargetRequest { .. }
                | Inbox::AddMaintainerRequest { .. }
                | Inbox::RemoveMaintainerRequest { .. } => unreachable!("the manager handles these"),
            },
        }
    }

    /// What is sent again until it is answered.
    fn tick(&mut self, cx: &mut Cx) {
        if self.removal.has_begun() {
            self.resend_while_removing(cx);
        } else {
            self.resend_bootstrap(cx);
            self.advance_barriers(cx);
        }
    }

    pub(super) fn stale_response(&self, from: NodeId, epoch: Epoch, cx: &mut Cx) -> bool {
        let fresh = cx.policy().maintainer.response_fence.accepts(epoch, self.epoch);
        if !fresh {
            cx.note(Note::StaleResponse { cf: self.cf, from, epoch, current: self.epoch });
        }
        !fresh
    }
}
