//! The maintainer manager: the registry of maintainers, and what the coordinator may do with it.

use std::collections::{BTreeMap, VecDeque};

use sim::Duration;

use crate::{
    ChangefeedId, ConfigEpoch, Cx, Epoch, Liveness, NodeId, Place, Ts,
    coordinator::{self, MaintainerStatus},
    maintainer::{
        Inbox, Maintainer, MaintainerId, Maintainers, Note, Timer, instance::Event, removal, stamp,
    },
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
    /// Whether it has reported and is about to clean up: requests of the coordinator wait.
    cleans_up: bool,
    waiting: VecDeque<(NodeId, Inbox)>,
}

impl Manager {
    pub(super) fn start(&self, cx: &mut Cx) {
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

    fn obeys(&self, from: NodeId) -> bool {
        !self.stopped && self.version > 0 && self.coordinator == Some(from)
    }
}

impl Maintainers {
    /// The loop of the manager takes a request of the coordinator, or lets it wait.
    pub(super) fn on_request(&mut self, from: NodeId, inbox: &Inbox, cx: &mut Cx) {
        match inbox {
            _ if self.manager.cleans_up => self.manager.waiting.push_back((from, inbox.clone())),
            Inbox::CoordinatorBootstrapRequest { version } => self.on_coordinator(from, *version, cx),
            Inbox::AddMaintainerRequest { cf, checkpoint, is_new, epoch, config } => {
                let config = ConfigEpoch::of(*config, *epoch);
                self.on_add(from, *cf, *checkpoint, *is_new, (*epoch, config), cx);
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
        let statuses = self.maintainers.values_mut().map(|one| one.report(cx)).collect();
        cx.send(
            from,
            Place::Coordinator,
            coordinator::Inbox::CoordinatorBootstrapResponse { version, statuses },
        );
    }

    fn on_add(
        &mut self,
        from: NodeId,
        cf: ChangefeedId,
        checkpoint: Ts,
        is_new: bool,
        (epoch, config): (Epoch, Epoch),
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
        cx.note(Note::MaintainerAdded { cf, node: cx.id(), epoch });
        let mut maintainer = Maintainer::new(cf, epoch, checkpoint, is_new, cx);
        maintainer.config_epoch = config;
        let id = self.register(cf, maintainer);
        if let Some(maintainer) = self.maintainers.get_mut(&id) {
            maintainer.begin(id, cx);
            maintainer.push(Event::Init, cx);
        }
    }

    /// Registers a maintainer in the place of a stopped one.
    fn register(&mut self, cf: ChangefeedId, maintainer: Maintainer) -> MaintainerId {
        self.manager.made += 1;
        let id = MaintainerId(self.manager.made);
        if let Some(stopped) = self.manager.registry.insert(cf, id) {
            self.maintainers.remove(&stopped);
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
                let epoch = stamp(request.epoch, cx);
                let statuses = vec![MaintainerStatus::stopped(cf, epoch)];
                return cx.send(
                    from,
                    Place::Coordinator,
                    coordinator::Inbox::MaintainerHeartbeat { statuses },
                );
            }
            None => self.removal_only(cf, request.epoch, cx),
        };
        if let Some(maintainer) = self.maintainers.get_mut(&id) {
            maintainer.push(Event::Remove(request), cx);
        }
    }

    /// A maintainer that never bootstraps: it closes what is left of the changefeed on all nodes.
    fn removal_only(&mut self, cf: ChangefeedId, epoch: Epoch, cx: &mut Cx) -> MaintainerId {
        let epoch = stamp(epoch, cx);
        cx.note(Note::RemovalOnlyMaintainer { cf, epoch });
        let mut maintainer = Maintainer::new(cf, epoch, Ts(1), false, cx);
        maintainer.only_removes();
        let id = self.register(cf, maintainer);
        if let Some(maintainer) = self.maintainers.get_mut(&id) {
            maintainer.begin(id, cx);
        }
        id
    }

    /// Reports the maintainers that have something to say, then cleans up the removed ones. A maintainer that closes
    /// between the two is cleaned up before it has reported that it stopped.
    pub(super) fn on_manager_tick(&mut self, cx: &mut Cx) {
        if self.manager.stopped {
            return;
        }
        cx.out.alarm(Timer::Manager.into(), TICK);
        if let Some(coordinator) = self.manager.coordinator {
            let due = self.maintainers.values_mut().filter(|one| one.is_report_due(cx.now.steady));
            let statuses: Vec<MaintainerStatus> = due.map(|one| one.report(cx)).collect();
            if !statuses.is_empty() {
                cx.send(
                    coordinator,
                    Place::Coordinator,
                    coordinator::Inbox::MaintainerHeartbeat { statuses },
                );
            }
        }
        self.manager.cleans_up = true;
        if self.maintainers.values().any(Maintainer::may_close) {
            cx.out.give_way(Timer::Cleanup.into());
        } else {
            self.clean_up(cx);
        }
    }

    pub(super) fn clean_up(&mut self, cx: &mut Cx) {
        self.manager.cleans_up = false;
        let removed = self.maintainers.extract_if(.., |_, one| one.is_removed());
        for (id, _) in removed {
            self.manager.registry.retain(|_, registered| *registered != id);
        }
        for (from, inbox) in std::mem::take(&mut self.manager.waiting) {
            self.on_request(from, &inbox, cx);
        }
    }
}
