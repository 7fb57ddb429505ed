//! The end of the coordinator's bootstrap: which reported maintainers are the owners of their changefeeds.

use std::collections::BTreeMap;

use crate::{
    ChangefeedId, Cx, Epoch, NodeId, Ts,
    coordinator::{
        MaintainerStatus, Note, Outcome, Term,
        backoff::Backoff,
        changefeeds::{Changefeed, Placement},
        operators::Stop,
    },
    etcd::{ChangefeedInfo, FeedState, Job, Key, Kv, Progress, Value},
};

/// What the nodes report of one changefeed.
pub(crate) type Reports = Vec<(NodeId, MaintainerStatus)>;

/// Which of them owns it, and which are of other generations.
pub(crate) struct Selection {
    pub(crate) winner: Option<(NodeId, MaintainerStatus)>,
    pub(crate) stale: Reports,
    /// What counts as the present generation from now on.
    pub(crate) current: Epoch,
}

impl Term {
    /// The changefeeds are loaded: what is persisted and what is reported are brought together.
    pub(super) fn on_loaded(&mut self, infos: &[Kv], jobs: &[Kv], cx: &mut Cx) -> Outcome {
        self.loading = false;
        let mut reported: BTreeMap<ChangefeedId, Reports> = BTreeMap::new();
        for (node, statuses) in self.bootstrapper.responses() {
            for status in statuses {
                reported.entry(status.cf).or_default().push((node, status.clone()));
            }
        }
        let jobs: BTreeMap<Key, Job> = jobs
            .iter()
            .filter_map(|kv| if let Value::Job(job) = &kv.value { Some((kv.key, job.clone())) } else { None })
            .collect();
        for kv in infos {
            if let (Key::Info(cf), Value::Info(info)) = (kv.key, &kv.value) {
                let job = jobs.get(&Key::Job(cf)).cloned();
                let job = job.unwrap_or(Job { checkpoint: info.start_ts, progress: Progress::None });
                let reports = reported.remove(&cf).unwrap_or_default();
                let chosen = cx.policy().coordinator.adoption.select(info.epoch, reports);
                let selection = chosen.map_err(|why| {
                    cx.note(Note::Panicked { why });
                    "panic"
                })?;
                let changefeed = Changefeed {
                    info: ChangefeedInfo { epoch: selection.current, ..(**info).clone() },
                    placement: Placement::Absent,
                    node: None,
                    status: MaintainerStatus {
                        checkpoint: job.checkpoint,
                        ..MaintainerStatus::stopped(cf, Epoch::NONE)
                    },
                    saved: job.checkpoint,
                    is_new: false,
                    backoff: Backoff::new(job.checkpoint, info.state == FeedState::Warning, cx.now.steady),
                };
                self.restore(cf, changefeed, job.progress, selection, cx);
            }
        }
        self.remove_unknown(reported, cx);
        cx.note(Note::Bootstrapped {
            changefeeds: u32::try_from(self.changefeeds.len()).expect("they are few"),
        });
        self.initialized = true;
        self.bootstrapper.clear();
        self.start_operators(cx);
        self.run_events(cx)
    }

    fn restore(
        &mut self,
        cf: ChangefeedId,
        mut changefeed: Changefeed,
        progress: Progress,
        Selection { winner, stale, .. }: Selection,
        cx: &mut Cx,
    ) {
        for (node, status) in &stale {
            cx.note(Note::StaleMaintainer { cf, node: *node, epoch: status.epoch });
        }
        let adopted = winner.is_some();
        match winner {
            Some((node, status)) => {
                cx.note(Note::Adopted { cf, node, epoch: status.epoch });
                changefeed.placement = Placement::Replicating;
                changefeed.node = Some(node);
                changefeed.saved = status.checkpoint;
                changefeed.backoff.begin_at(status.checkpoint);
                changefeed.status = status;
            }
            None if !changefeed.info.state.should_run() => changefeed.placement = Placement::Stopped,
            None => {}
        }
        self.changefeeds.insert(cf, changefeed);
        let removed = progress == Progress::Removing;
        match progress {
            Progress::None => {}
            Progress::Removing | Progress::Stopping if adopted || stale.is_empty() => {
                self.stop_changefeed(cf, removed, cx);
            }
            Progress::Removing | Progress::Stopping => {
                self.changefeeds.stop(cf, removed);
            }
        }
        for (node, status) in stale {
            self.stop_stale(cf, node, removed, orphan_epoch(status.epoch, cx), cx);
        }
    }

    /// A maintainer of another generation is stopped with the epoch it reports. The stop takes the changefeed's slot, so
    /// that nobody is added before; if the slot is taken, one message has to do.
    fn stop_stale(&mut self, cf: ChangefeedId, node: NodeId, removed: bool, epoch: Epoch, cx: &mut Cx) {
        if self.operators.get(cf).is_none() {
            self.push_stop(Stop::new(cf, node, removed, epoch), cx);
        } else {
            self.send_remove(cf, node, true, removed, epoch, cx);
        }
    }

    /// Maintainers of changefeeds that are not persisted are removed: one message, repeated at later heartbeats.
    fn remove_unknown(&mut self, reported: BTreeMap<ChangefeedId, Reports>, cx: &mut Cx) {
        for (cf, reports) in reported {
            for (node, status) in reports {
                self.remove_unknown_one(cf, node, status.epoch, cx);
            }
        }
    }

    pub(super) fn remove_unknown_one(&self, cf: ChangefeedId, node: NodeId, reported: Epoch, cx: &mut Cx) {
        self.send_remove(cf, node, true, true, orphan_epoch(reported, cx), cx);
    }
}

/// The epoch with which a maintainer is removed that nobody owns.
fn orphan_epoch(reported: Epoch, cx: &Cx) -> Epoch {
    cx.policy().coordinator.orphan_epoch.of(reported)
}

impl Selection {
    /// Whoever is of the current generation; without one, a single reporter who may be.
    pub(crate) fn by_epoch(current: Epoch, reports: Reports) -> Result<Selection, &'static str> {
        let (exact, others): (Reports, Reports) =
            reports.into_iter().partition(|(_, one)| one.epoch == current);
        let (compat, mut stale): (Reports, Reports) =
            others.into_iter().partition(|(_, one)| one.epoch.matches(current));
        let winners = if exact.is_empty() {
            compat
        } else {
            stale.extend(compat);
            exact
        };
        let mut winners = winners.into_iter();
        let winner = winners.next();
        if winners.next().is_some() {
            return Err("two nodes report a maintainer of one generation");
        }
        Ok(Selection { winner, stale, current })
    }

    /// Whoever reports.
    pub(crate) fn whoever(current: Epoch, reports: Reports) -> Result<Selection, &'static str> {
        let mut reports = reports.into_iter();
        let winner = reports.next();
        if reports.next().is_some() {
            return Err("two nodes report a maintainer");
        }
        Ok(Selection { winner, stale: Vec::new(), current })
    }

    /// As by epoch; but if nobody is of the current generation, whoever reports is the owner, and his generation is the
    /// current one.
    pub(crate) fn whatever_epoch(current: Epoch, reports: Reports) -> Result<Selection, &'static str> {
        if reports.iter().any(|(_, one)| one.epoch.matches(current)) {
            return Selection::by_epoch(current, reports);
        }
        let selection = Selection::whoever(current, reports)?;
        let reported = selection.winner.as_ref().map(|(_, one)| one.epoch);
        Ok(Selection { current: reported.unwrap_or(current), ..selection })
    }
}

impl Changefeed {
    /// The checkpoint from which a new maintainer goes on.
    pub(super) fn checkpoint(&self) -> Ts {
        self.status.checkpoint
    }
}
