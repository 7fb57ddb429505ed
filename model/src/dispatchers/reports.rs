//! What a dispatcher manager reports to its maintainer: how far everything is, and what has changed its state.

use sim::Duration;

use crate::{
    Cx, DispatcherId, IsRedo, Mode, Policy, Ts, Twin,
    dispatchers::{
        ComponentState, DispatcherStatus, Dispatchers, Heartbeat, Manager, ManagerId, Task, Timer, Watermark,
        heartbeat::Beat,
    },
    maintainer,
    policy::StatusWatermark,
};

/// How often a manager reports.
struct Pace {
    /// How long after its first dispatcher it begins to.
    first: Duration,
    period: Duration,
    /// Every so many reports lists every dispatcher: every 10 s.
    complete: u64,
}

const ORDINARY: Pace =
    Pace { first: Duration::from_secs(1), period: Duration::from_millis(200), complete: 50 };
const LOW_LATENCY: Pace = Pace { first: Duration::ZERO, period: Duration::from_millis(50), complete: 200 };
/// How long changes of states are gathered.
const GATHER: Duration = Duration::from_millis(10);

/// The periodic report of a manager.
#[derive(Clone, Copy, Debug, Default, Hash)]
pub(super) enum HeartbeatTask {
    /// There has been no dispatcher.
    #[default]
    None,
    /// It has run so many times.
    Runs { times: u64 },
    /// The manager closes. It does not start again.
    Cancelled,
}

/// Changes of states that are to be reported soon.
#[derive(Clone, Debug, Hash)]
pub(super) struct Changes {
    /// What has changed, with how many dispatchers had been inserted.
    statuses: Vec<(DispatcherStatus, u64)>,
    /// Whether they are being gathered: nobody does so before the manager is built.
    gathering: bool,
    /// The watermark that was known when the previous ones were reported, and that of the redo dispatchers.
    watermark: Watermark,
    redo: Watermark,
}

impl HeartbeatTask {
    pub(super) fn cancel(&mut self) {
        if let HeartbeatTask::Runs { .. } = self {
            *self = HeartbeatTask::Cancelled;
        }
    }
}

impl Changes {
    pub(super) fn after(watermark: Watermark) -> Changes {
        Changes { statuses: Vec::new(), gathering: false, redo: watermark.clone(), watermark }
    }
}

fn pace(cx: &Cx) -> &'static Pace {
    match cx.policy().dispatchers.heartbeat_pace.is_fast(cx.process.config.low_latency) {
        false => &ORDINARY,
        true => &LOW_LATENCY,
    }
}

impl Watermark {
    /// A status lowers the checkpoint, whatever its number; the number only rises, so that no maintainer takes the
    /// report for an old one.
    fn lower(&mut self, status: &DispatcherStatus, seq: u64) {
        self.seq = self.seq.max(seq);
        if status.checkpoint != Ts::NONE {
            self.checkpoint = self.checkpoint.min(status.checkpoint);
        }
    }
}

impl Dispatchers {
    pub(super) fn on_heartbeat(&mut self, id: ManagerId, cx: &mut Cx) {
        let Some(manager) = self.managers.get_mut(&id).filter(|one| !one.closed) else { return };
        let HeartbeatTask::Runs { times } = &mut manager.heartbeat else { return };
        *times += 1;
        let complete = times.is_multiple_of(pace(cx).complete);
        self.spawn(Task::Heartbeat(Beat::new(id, complete)), cx);
    }

    pub(super) fn finish_heartbeat(&mut self, id: ManagerId, heartbeat: Heartbeat, cx: &mut Cx) {
        if let Some(manager) = self.managers.get_mut(&id) {
            manager.clean_merge_journal(cx);
            cx.out.alarm(Timer::Heartbeat { manager: id }.into(), pace(cx).period);
        }
        self.report(id, heartbeat, cx);
    }

    /// A change of a state: it is reported together with others that come soon.
    pub(super) fn report_soon(&mut self, id: ManagerId, status: DispatcherStatus, seq: u64, cx: &mut Cx) {
        if let Some(manager) = self.managers.get_mut(&id) {
            manager.changes.statuses.push((status, seq));
            manager.gather(cx);
        }
    }

    pub(super) fn on_statuses(&mut self, id: ManagerId, cx: &mut Cx) {
        let Some(manager) = self.managers.get_mut(&id).filter(|one| one.sink_running) else { return };
        let changes = &mut manager.changes;
        let mut watermark = std::mem::replace(&mut changes.watermark, manager.watermark.clone());
        let mut redo = std::mem::replace(&mut changes.redo, manager.redo.watermark.clone());
        match cx.policy().dispatchers.status_watermark {
            StatusWatermark::AfterTheOneBefore => {}
            StatusWatermark::ForTheReport => {
                (watermark, redo) = (manager.watermark.clone(), manager.redo.watermark.clone());
            }
            StatusWatermark::Computed => {
                watermark = manager.lowest(Mode::Default, manager.seq_of(Mode::Default));
                redo = manager.lowest(Mode::Redo, manager.seq_of(Mode::Redo));
            }
        }
        let changes = &mut manager.changes;
        let mut statuses = Vec::with_capacity(changes.statuses.len());
        for (status, seq) in changes.statuses.drain(..) {
            let lowered = if status.redo.0 { &mut redo } else { &mut watermark };
            lowered.lower(&status, seq);
            statuses.push(status);
        }
        changes.gathering = false;
        let redo = Twin(Some(redo).filter(|_| manager.redo.enabled));
        let heartbeat = Heartbeat { watermark: Some(watermark), redo, statuses, complete: false, err: None };
        self.report(id, heartbeat, cx);
    }

    /// To whoever is the owner now.
    pub(super) fn report(&mut self, id: ManagerId, heartbeat: Heartbeat, cx: &mut Cx) {
        if let Some(manager) = self.managers.get(&id)
            && let Some(owner) = manager.owner.node
        {
            let (cf, heartbeat) = (manager.cf, Box::new(heartbeat));
            self.enqueue(owner, maintainer::Inbox::HeartBeatRequest { cf, heartbeat }, cx);
        }
    }
}

impl Manager {
    /// The heartbeat task begins with the first dispatcher.
    pub(super) fn begin_heartbeats(&mut self, cx: &mut Cx) {
        if let HeartbeatTask::None = self.heartbeat {
            self.heartbeat = HeartbeatTask::Runs { times: 0 };
            cx.out.alarm(Timer::Heartbeat { manager: self.id }.into(), pace(cx).first);
        }
    }

    /// The manager is built: what has changed so far is reported, too.
    pub(super) fn begin_gathering(&mut self, cx: &mut Cx) {
        self.changes.watermark = self.watermark.clone();
        self.changes.redo = self.redo.watermark.clone();
        self.gather(cx);
    }

    fn gather(&mut self, cx: &mut Cx) {
        let Changes { statuses, gathering, .. } = &mut self.changes;
        if self.sink_running && !statuses.is_empty() && !std::mem::replace(gathering, true) {
            cx.out.alarm(Timer::Statuses { manager: self.id }.into(), GATHER);
        }
    }

    /// How far all dispatchers of a mode are.
    fn lowest(&self, mode: Mode, seq: u64) -> Watermark {
        let mut watermark = Watermark { checkpoint: Ts::INFINITE, resolved: Ts::INFINITE, seq };
        for one in self.dispatchers_of(mode).filter(|one| one.counts()) {
            watermark.checkpoint = watermark.checkpoint.min(one.checkpoint());
            watermark.resolved = watermark.resolved.min(one.resolved);
        }
        watermark
    }

    /// How far all dispatchers of a mode are, and those that are drained and removed: they are reported stopped. `seq`: how
    /// many had been inserted before this.
    ///
    /// The target of a merge that does not take over yet is passed by, even if it is being removed: then it is never cleaned.
    pub(super) fn aggregate(&mut self, mode: Mode, seq: u64, complete: bool, policy: &Policy) -> Aggregated {
        let watermark = self.lowest(mode, seq);
        let (normal, redo) = (self.sink_is_normal(mode, policy), IsRedo::of(mode));
        let (mut statuses, mut drained) = (Vec::new(), Vec::new());
        for one in self.dispatchers_of(mode) {
            if !one.counts() && (!one.removing || !policy.dispatchers.removed_target.is_cleaned()) {
                continue;
            }
            let checkpoint = one.checkpoint();
            if one.removing && one.may_close(normal) {
                let state = ComponentState::Stopped;
                statuses.push(DispatcherStatus { id: one.id, state, checkpoint, redo });
                drained.push((one.id, checkpoint));
            } else if complete && one.state != ComponentState::Initializing {
                statuses.push(DispatcherStatus { id: one.id, state: one.state, checkpoint, redo });
            }
        }
        match mode {
            Mode::Default => self.watermark = watermark.clone(),
            Mode::Redo => self.redo.watermark = watermark.clone(),
        }
        Aggregated { watermark, statuses, drained }
    }
}

impl Manager {
    /// What is reported of redo dispatchers while redo is being built.
    pub(super) fn no_redo_yet(&self) -> Option<Aggregated> {
        let watermark = Watermark { checkpoint: Ts::INFINITE, resolved: Ts::INFINITE, seq: 0 };
        self.redo.enabled.then(|| Aggregated { watermark, statuses: Vec::new(), drained: Vec::new() })
    }
}

/// What a look at all dispatchers of a mode has found.
#[derive(Clone, Debug)]
pub(super) struct Aggregated {
    watermark: Watermark,
    statuses: Vec<DispatcherStatus>,
    drained: Vec<(DispatcherId, Ts)>,
}

impl Aggregated {
    /// A report of the ordinary dispatchers, behind the redo dispatchers; and whoever is drained.
    pub(super) fn behind(
        self,
        redo: Option<Aggregated>,
        complete: bool,
    ) -> (Heartbeat, Vec<(DispatcherId, Ts)>) {
        let mut all = Aggregated { statuses: Vec::new(), drained: Vec::new(), ..self.clone() };
        let redo_watermark = redo.as_ref().map(|redo| redo.watermark.clone());
        for Aggregated { statuses, drained, .. } in redo.into_iter().chain([self]) {
            all.statuses.extend(statuses);
            all.drained.extend(drained);
        }
        let Aggregated { watermark, statuses, drained } = all;
        let redo = Twin(redo_watermark);
        (Heartbeat { watermark: Some(watermark), redo, statuses, complete, err: None }, drained)
    }
}
