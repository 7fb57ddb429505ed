//! The end of the coordinator's bootstrap: which reported maintainers are the owners of their changefeeds.

use std::collections::BTreeMap;

use crate::{
    ChangefeedId, Cx, Epoch, NodeId,
    coordinator::{MaintainerStatus, Note, Outcome, Term, changefeeds::Changefeed, operators::Stop},
    etcd::{ChangefeedInfo, Job, Key, Kv, Progress, Value},
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
                let info = ChangefeedInfo { epoch: selection.current, ..(**info).clone() };
                let info = cx.policy().coordinator.load_defaults.of(info, selection.winner.is_some());
                if info.sparse.0 {
                    let why = "the configuration of a changefeed lacks what it takes for granted";
                    cx.note(Note::Panicked { why });
                    return Err("panic");
                }
                self.restore(cf, info, &job, selection, cx);
            }
        }
        self.remove_unknown(reported, cx);
        cx.note(Note::Bootstrapped {
            changefeeds: u32::try_from(self.changefeeds.len()).expect("they are few"),
        });
        self.initialized = true;
        self.bootstrapper.clear();
        self.sync_freeze(cx);
        self.start_schedulers(cx);
        self.start_operators(cx);
        self.tell_recovered_drain(cx);
        self.run_events(cx)
    }

    fn restore(
        &mut self,
        cf: ChangefeedId,
        info: ChangefeedInfo,
        job: &Job,
        Selection { winner, stale, current }: Selection,
        cx: &mut Cx,
    ) {
        for (node, status) in &stale {
            cx.note(Note::StaleMaintainer { cf, node: *node, epoch: status.epoch });
        }
        let (adopted, should_run) = (winner.is_some(), info.state.should_run());
        match winner {
            Some((node, status)) => {
                cx.note(Note::Adopted { cf, node, epoch: status.epoch });
                let rule = cx.policy().coordinator.adopted_checkpoint;
                let checkpoint = rule.of(status.checkpoint, job.checkpoint);
                let changefeed = Changefeed::new(cf, info, checkpoint, cx.now.steady);
                self.changefeeds.add_replicating(cf, changefeed, node);
            }
            None => {
                let changefeed = Changefeed::new(cf, info, job.checkpoint, cx.now.steady);
                match changefeed.info.state.should_run() {
                    true => self.changefeeds.add_absent(cf, changefeed),
                    false => self.changefeeds.add_stopped(cf, changefeed),
                }
            }
        }
        let removed = job.progress == Progress::Removing;
        let is_forgotten = adopted && !should_run && cx.policy().coordinator.stopped_owner.is_stopped();
        match job.progress {
            Progress::None if is_forgotten => _ = self.stop_changefeed(cf, false, cx),
            Progress::None => {}
            Progress::Removing | Progress::Stopping if adopted || stale.is_empty() => {
                self.stop_changefeed(cf, removed, cx);
            }
            Progress::Removing | Progress::Stopping => {
                self.changefeeds.stop(cf, removed);
            }
        }
        let rule = cx.policy().coordinator.stale_maintainer;
        let epochs = cx.policy().coordinator.stale_epoch;
        for (node, status) in stale.into_iter().filter(|_| rule.is_told()) {
            let epoch = epochs.of(status.epoch, current);
            // A maintainer of another generation takes the changefeed's slot until it has gone, so that nobody is added
            // before; if the slot is taken, one message has to do.
            if rule.takes_slot() && self.operators.get(cf).is_none() {
                self.push_stop(Stop::new(cf, node, removed, epoch), cx);
            } else {
                self.send_remove(cf, node, true, removed, epoch, cx);
            }
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
        let epoch = cx.policy().coordinator.orphan_epoch.of(reported);
        self.send_remove(cf, node, true, true, epoch, cx);
    }
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
        Selection::whoever_with_epoch(current, reports)
    }

    /// Whoever reports is the owner, and the generation that he tells, if any, is the current one, older or newer.
    pub(crate) fn whoever_with_epoch(current: Epoch, reports: Reports) -> Result<Selection, &'static str> {
        let selection = Selection::whoever(current, reports)?;
        let reported = selection.winner.as_ref().map(|(_, one)| one.epoch);
        let current = reported.filter(|epoch| *epoch != Epoch::NONE).unwrap_or(current);
        Ok(Selection { current, ..selection })
    }
}
