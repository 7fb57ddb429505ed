//! The maintainer manager: the registry of maintainers, and what the coordinator may do with it.
//!
//! Its loop takes one thing at a time: a request of the coordinator, a prompt of a maintainer, or the tick. So nobody adds
//! or removes a maintainer while it cleans up.

use std::collections::{BTreeMap, VecDeque};

use sim::Duration;

use crate::{
    ChangefeedId, ConfigEpoch, Cx, Epoch, Liveness, NodeId, Place, Ts,
    coordinator::{self, MaintainerStatus},
    etcd::Sparse,
    maintainer::{
        Inbox, Maintainer, MaintainerId, Maintainers, Note, Timer, checkpoint::is_prompt, instance::Event,
        node_state::NodeState, removal, stamp,
    },
    node,
    policy::Stamped,
};

const TICK: Duration = Duration::from_millis(200);

/// What a node knows of the coordinator, and its registry.
#[derive(Clone, Debug, Default)]
pub(super) struct Manager {
    /// The coordinator that it obeys, and its term; term 0: none yet.
    coordinator: Option<NodeId>,
    version: u64,
    registry: BTreeMap<ChangefeedId, MaintainerId>,
    made: u32,
    /// Whether its loop has returned.
    stopped: bool,
    pub(super) node: NodeState,
    /// What its loop is in the middle of: requests of the coordinator wait.
    at_hand: Option<AtHand>,
    waiting: VecDeque<(NodeId, Inbox)>,
    /// Whether a maintainer has asked it to report at once.
    prompted: bool,
    /// Whether a tick or a prompt has come while it was in the middle of something.
    missed: Missed,
}

#[derive(Clone, Copy, Debug, Default)]
struct Missed {
    tick: bool,
    prompt: bool,
}

/// The status of maintainers has been read.
#[derive(Clone, Debug)]
struct AtHand {
    /// Those that are still marked.
    reported: Vec<MaintainerId>,
    /// Whether it cleans up next.
    cleans_up: bool,
}

impl Manager {
    pub(super) fn start(&mut self, cx: &mut Cx) {
        self.node.start(cx.now);
        cx.out.alarm(Timer::Manager.into(), TICK);
    }

    pub(super) fn stop(&mut self) {
        self.stopped = true;
    }

    pub(super) fn registered(&self, cf: ChangefeedId) -> Option<MaintainerId> {
        self.registry.get(&cf).copied()
    }

    /// The coordinator, and its term.
    pub(super) fn obeyed(&self) -> Option<(NodeId, u64)> {
        self.coordinator.map(|coordinator| (coordinator, self.version))
    }

    pub(super) fn obeys(&self, from: NodeId) -> bool {
        !self.stopped && self.version > 0 && self.coordinator == Some(from)
    }

    /// The coordinator, while the loop runs and there is one.
    pub(super) fn reports_to(&self) -> Option<NodeId> {
        self.coordinator.filter(|_| !self.stopped)
    }
}

impl Maintainers {
    /// The loop of the manager takes a request of the coordinator, or lets it wait.
    pub(super) fn on_request(&mut self, from: NodeId, inbox: &Inbox, cx: &mut Cx) {
        match inbox {
            Inbox::SetNodeLivenessRequest { .. } | Inbox::SetDispatcherDrainTargetRequest { .. }
                if !self.can_be_drained(cx) => {}
            _ if self.manager.at_hand.is_some() => self.manager.waiting.push_back((from, inbox.clone())),
            Inbox::CoordinatorBootstrapRequest { version } => self.on_coordinator(from, *version, cx),
            Inbox::SetNodeLivenessRequest { target, node_epoch } => {
                self.on_liveness(from, *target, *node_epoch, cx);
            }
            Inbox::SetDispatcherDrainTargetRequest { order } => self.on_drain_order(from, *order, cx),
            Inbox::AddMaintainerRequest { cf, checkpoint, is_new, epoch, config, sparse } => {
                let config = ConfigEpoch::of(*config, *epoch);
                self.on_add(from, *cf, *checkpoint, *is_new, (*epoch, config, *sparse), cx);
            }
            Inbox::RemoveMaintainerRequest { cf, cascade, removed, epoch } => {
                let request = removal::Request { cascade: *cascade, removed: *removed, epoch: *epoch };
                self.on_remove(from, *cf, request, cx);
            }
            _ => unreachable!("not from the coordinator"),
        }
    }

    /// A later term, or the same one again, is adopted; an earlier one is ignored.
    fn on_coordinator(&mut self, from: NodeId, version: u64, cx: &mut Cx) {
        if self.manager.stopped || self.manager.version > version {
            return;
        }
        (self.manager.coordinator, self.manager.version) = (Some(from), version);
        let all = self.maintainers.keys().copied().filter(|id| self.is_registered(*id)).collect();
        let statuses = self.read_statuses(all, false, cx);
        let drain = self.manager.node.drain_order();
        let legacy = coordinator::Legacy(!self.can_be_drained(cx));
        let response = coordinator::Inbox::CoordinatorBootstrapResponse { version, statuses, drain, legacy };
        cx.send(from, Place::Coordinator, response);
        self.send_node_heartbeat(cx);
    }

    fn is_registered(&self, id: MaintainerId) -> bool {
        let cf = self.maintainers.get(&id).map(|one| one.changefeed());
        cf.is_some_and(|cf| self.manager.registered(cf) == Some(id))
    }

    /// The statuses of these maintainers. What they have to say counts as said: at once, or when another thread has had a
    /// chance to get in.
    fn read_statuses(
        &mut self,
        ids: Vec<MaintainerId>,
        cleans_up: bool,
        cx: &mut Cx,
    ) -> Vec<MaintainerStatus> {
        let clears_first = cx.policy().maintainer.report_mark.is_cleared_first();
        let mut statuses = Vec::new();
        for id in &ids {
            if let Some(one) = self.maintainers.get_mut(id) {
                if clears_first {
                    one.reported(cx.now.steady);
                }
                statuses.push(one.status(cx));
            }
        }
        let reported = if clears_first { Vec::new() } else { ids };
        let interleaves =
            !reported.is_empty() || cleans_up && self.maintainers.values().any(Maintainer::may_close);
        self.manager.at_hand = Some(AtHand { reported, cleans_up });
        if interleaves {
            cx.out.give_way(Timer::Cleanup.into());
        } else {
            self.go_on(cx);
        }
        statuses
    }

    /// The loop of the manager goes on with what it is in the middle of.
    pub(super) fn go_on(&mut self, cx: &mut Cx) {
        let Some(AtHand { reported, cleans_up }) = self.manager.at_hand.take() else { return };
        for id in reported {
            if let Some(one) = self.maintainers.get_mut(&id) {
                one.reported(cx.now.steady);
            }
        }
        if cleans_up {
            self.clean_up();
        }
        while self.manager.at_hand.is_none()
            && let Some((from, inbox)) = self.manager.waiting.pop_front()
        {
            self.on_request(from, &inbox, cx);
        }
        if self.manager.at_hand.is_none() && std::mem::take(&mut self.manager.missed.tick) {
            self.report_and_clean_up(cx);
        }
        if self.manager.at_hand.is_none() && std::mem::take(&mut self.manager.missed.prompt) {
            self.send_heartbeat(false, cx);
        }
    }

    fn on_add(
        &mut self,
        from: NodeId,
        cf: ChangefeedId,
        checkpoint: Ts,
        is_new: bool,
        (epoch, config, sparse): (Epoch, Epoch, Sparse),
        cx: &mut Cx,
    ) {
        if !self.manager.obeys(from) {
            return;
        }
        let existing = self.registered(cf).map(|one| (one.is_stopped(), one.epoch()));
        let why = if cx.process.liveness == Liveness::Stopping {
            Some("the node is stopping")
        } else if checkpoint == Ts::NONE {
            Some("no checkpoint")
        } else if cx.policy().maintainer.add_admission.admits(existing, epoch) {
            None
        } else {
            Some("there is a maintainer")
        };
        if let Some(why) = why {
            return cx.note(Note::AddIgnored { cf, epoch, why });
        }
        if sparse.0 {
            let why = "the configuration of a changefeed lacks what it takes for granted";
            cx.note(Note::MaintainerPanicked { cf, why });
            return cx.out.exit(Some(node::RESTART_AFTER));
        }
        let (epoch, config) = cx.policy().maintainer.generation.of(epoch, config);
        cx.note(Note::MaintainerAdded { cf, node: cx.id(), epoch });
        let mut maintainer = Maintainer::new(cf, epoch, checkpoint, is_new, cx);
        maintainer.config_epoch = config;
        let id = self.register(cf, maintainer);
        if let Some(maintainer) = self.maintainers.get_mut(&id) {
            maintainer.begin(id, cx);
            maintainer.set_drain_order(self.manager.node.drain_order(), cx);
            maintainer.push(Event::Init, cx);
        }
    }

    /// Registers a maintainer in the place of a stopped one, which ends. One that has not stopped goes on.
    fn register(&mut self, cf: ChangefeedId, maintainer: Maintainer) -> MaintainerId {
        self.manager.made += 1;
        let id = MaintainerId(self.manager.made);
        if let Some(old) = self.manager.registry.insert(cf, id)
            && self.maintainers.get(&old).is_some_and(Maintainer::is_stopped)
        {
            self.maintainers.remove(&old);
        }
        self.maintainers.insert(id, maintainer);
        id
    }

    fn on_remove(&mut self, from: NodeId, cf: ChangefeedId, request: removal::Request, cx: &mut Cx) {
        if !self.manager.obeys(from) {
            return;
        }
        let id = match self.manager.registered(cf) {
            Some(id) => id,
            None if !request.cascade => {
                let epoch = stamp(Stamped::Missing, request.epoch, cx);
                return answer(from, MaintainerStatus::stopped(cf, epoch), cx);
            }
            None => self.removal_only(cf, request.epoch, cx),
        };
        let Some(maintainer) = self.maintainers.get_mut(&id) else { return };
        if cx.policy().maintainer.remove_refusal.is_answered() && !maintainer.admits_removal(request, cx) {
            return answer(from, maintainer.status(cx), cx);
        }
        maintainer.push(Event::Remove(request), cx);
    }

    /// A maintainer that never bootstraps: it closes what is left of the changefeed on all nodes.
    fn removal_only(&mut self, cf: ChangefeedId, epoch: Epoch, cx: &mut Cx) -> MaintainerId {
        cx.note(Note::RemovalOnlyMaintainer { cf, epoch });
        let mut maintainer = Maintainer::new(cf, epoch, Ts(1), false, cx);
        maintainer.only_removes();
        let id = self.register(cf, maintainer);
        if let Some(maintainer) = self.maintainers.get_mut(&id) {
            maintainer.begin(id, cx);
        }
        id
    }

    pub(super) fn on_manager_tick(&mut self, cx: &mut Cx) {
        if self.manager.stopped {
            return;
        }
        cx.out.alarm(Timer::Manager.into(), TICK);
        if self.manager.at_hand.is_some() {
            self.manager.missed.tick = true;
        } else {
            self.report_and_clean_up(cx);
        }
    }

    /// Reports the maintainers that have something to say, then cleans up the removed ones. A maintainer that closes
    /// between the two is cleaned up before it has reported that it stopped.
    fn report_and_clean_up(&mut self, cx: &mut Cx) {
        if self.manager.node.is_heartbeat_due(cx.now.steady) {
            self.send_node_heartbeat(cx);
        }
        self.send_heartbeat(true, cx);
    }

    /// Maintainers have something to say that cannot wait for the tick (pingcap/ticdc#5862).
    pub(super) fn on_prompt(&mut self, cx: &mut Cx) {
        self.manager.prompted = false;
        if self.manager.at_hand.is_some() {
            self.manager.missed.prompt = true;
        } else if !self.manager.stopped {
            self.send_heartbeat(false, cx);
        }
    }

    /// A maintainer has taken a step; perhaps it does not want to wait for the tick.
    pub(super) fn listen(&mut self, id: MaintainerId, cx: &mut Cx) {
        let prompts = self.maintainers.get_mut(&id).is_some_and(Maintainer::take_prompt);
        if prompts && is_prompt(cx) && !self.manager.prompted {
            self.manager.prompted = true;
            cx.out.give_way(Timer::Prompt.into());
        }
    }

    fn send_heartbeat(&mut self, cleans_up: bool, cx: &mut Cx) {
        let is_due =
            |id: &MaintainerId, one: &Maintainer| one.is_report_due(cx.now.steady) && self.is_registered(*id);
        let due = self.maintainers.iter().filter(|(id, one)| is_due(id, one)).map(|(id, _)| *id);
        let due: Vec<MaintainerId> = due.filter(|_| self.manager.reports_to().is_some()).collect();
        let coordinator = self.manager.reports_to();
        let statuses = self.read_statuses(due, cleans_up, cx);
        if let Some(coordinator) = coordinator.filter(|_| !statuses.is_empty()) {
            let heartbeat = coordinator::Inbox::MaintainerHeartbeat { statuses };
            cx.send(coordinator, Place::Coordinator, heartbeat);
        }
    }

    /// What has been removed ends, if it is still the one that is registered.
    fn clean_up(&mut self) {
        let Maintainers { manager, maintainers } = self;
        let registered =
            |id: MaintainerId, one: &Maintainer| manager.registered(one.changefeed()) == Some(id);
        let removed: Vec<MaintainerId> = maintainers
            .iter()
            .filter(|(id, one)| one.is_removed() && registered(**id, one))
            .map(|(id, _)| *id)
            .collect();
        for id in removed {
            self.maintainers.remove(&id);
            self.manager.registry.retain(|_, registered| *registered != id);
        }
    }
}

/// Answers a request to remove a maintainer with how it is doing.
fn answer(coordinator: NodeId, status: MaintainerStatus, cx: &mut Cx) {
    let heartbeat = coordinator::Inbox::MaintainerHeartbeat { statuses: vec![status] };
    cx.send(coordinator, Place::Coordinator, heartbeat);
}
