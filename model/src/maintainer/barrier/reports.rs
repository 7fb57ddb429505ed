//! What dispatchers report about block events, one report after the other.

use std::collections::{BTreeMap, VecDeque};

use crate::{
    Cx, DispatcherId, IsRedo, Mode, NodeId,
    dispatchers::{
        Answer, BlockAnswer, BlockStatus, ComponentState, DispatcherStatus, EventKey, Influenced, Stage,
    },
    maintainer::{
        Maintainer, Note,
        barrier::schedule::{Schedule, Then},
        duplicates::Key,
        instance::AtHand,
        spans::Placement,
    },
    vocabulary::Joined,
};

/// A message with reports that is being handled, and what is to be answered to it.
#[derive(Clone, Debug)]
pub(in crate::maintainer) struct Reports {
    from: NodeId,
    mode: Mode,
    /// What keeps equal reports out of the queue until these are handled.
    keys: Vec<Key>,
    waiting: VecDeque<BlockStatus>,
    /// A report whose event is being scheduled.
    scheduling: Option<(DispatcherId, Schedule)>,
    ignored: Vec<BlockAnswer>,
    acknowledged: BTreeMap<EventKey, Vec<DispatcherId>>,
    writes: BTreeMap<NodeId, Vec<BlockAnswer>>,
}

impl Reports {
    /// Whether they are from redo dispatchers, which have a barrier of their own.
    pub(in crate::maintainer) fn mode(&self) -> Mode {
        self.mode
    }

    fn acknowledge(&mut self, id: DispatcherId, event: EventKey) {
        self.acknowledged.entry(event).or_default().push(id);
    }
}

impl Maintainer {
    /// Reports about block events. Nobody hears of them before the spans are known.
    pub(in crate::maintainer) fn on_block_statuses(
        &mut self,
        from: NodeId,
        statuses: Vec<BlockStatus>,
        mode: Mode,
        cx: &mut Cx,
    ) {
        let keys = Key::of_all(from, &statuses);
        let removing = self.removal.has_begun() && cx.policy().maintainer.remove_block_status.is_ignored();
        if !self.initialized || removing {
            return self.release_all(&keys);
        }
        let reports = Reports {
            from,
            mode,
            keys,
            waiting: statuses.into(),
            scheduling: None,
            ignored: Vec::new(),
            acknowledged: BTreeMap::new(),
            writes: BTreeMap::new(),
        };
        self.handle_next_report(Box::new(reports), cx);
    }

    /// Takes the next step with reports: others may get in before the one after that.
    pub(in crate::maintainer) fn handle_next_report(&mut self, mut reports: Box<Reports>, cx: &mut Cx) {
        if let Some((id, mut schedule)) = reports.scheduling.take() {
            if self.schedule_next(&mut schedule, cx) {
                reports.scheduling = Some((id, schedule));
            } else {
                self.scheduled(id, &schedule, &mut reports, cx);
            }
        } else if let Some(status) = reports.waiting.pop_front() {
            self.on_block_status(status, &mut reports, cx);
        }
        if reports.scheduling.is_some() || !reports.waiting.is_empty() {
            self.at_hand = Some(AtHand::Reports(reports));
        } else {
            self.answer_reports(*reports, cx);
        }
    }

    /// The sender always gets an answer, even one that says nothing.
    fn answer_reports(&mut self, reports: Reports, cx: &mut Cx) {
        let Reports { from, mode, keys, ignored, acknowledged, mut writes, .. } = reports;
        let acknowledge = |(event, ids)| {
            let (answer, influenced) = (Answer::Ack { event }, Influenced::Normal(ids));
            BlockAnswer { answer, influenced, exclude: Joined(Vec::new()) }
        };
        let here = writes.remove(&from).unwrap_or_default();
        let statuses = ignored.into_iter().chain(acknowledged.into_iter().map(acknowledge)).chain(here);
        self.answer(from, statuses.collect(), mode, cx);
        for (node, writes) in writes {
            self.answer(node, writes, mode, cx);
        }
        self.release_all(&keys);
    }

    fn on_block_status(&mut self, status: BlockStatus, reports: &mut Reports, cx: &mut Cx) {
        let (id, event) = (status.id, status.state.event);
        if id != self.spans.trigger() {
            match self.spans.get(id).map(|replica| replica.placement) {
                None => return cx.note(Note::BlockStatusIgnored { cf: self.cf, id, event, why: "unknown" }),
                Some(Placement::Replicating) => {}
                Some(_) => {
                    cx.note(Note::BlockStatusIgnored { cf: self.cf, id, event, why: "not replicating" });
                    if cx.policy().barrier.early_report.is_answered() {
                        reports.ignored.push(BlockAnswer::to(id, Answer::IgnoredBlockStatus { event }));
                    }
                    return;
                }
            }
        }
        // Whoever has come to an event has everything before it downstream. What holds the checkpoint back does not hear of it.
        if self.spans.get(id).is_some() {
            let (state, checkpoint) = (ComponentState::Working, event.ts.before());
            self.spans.store(&DispatcherStatus { id, state, checkpoint, redo: IsRedo::of(self.mode) });
            self.spans.remember_block(id, &status.state);
        }
        match status.state.stage {
            Stage::Done => self.on_done(id, event, reports, cx),
            Stage::Waiting | Stage::Writing => self.on_waiting(&status, reports, cx),
            Stage::None => self.on_written(&status, reports, cx),
        }
    }

    /// A dispatcher waits at an event.
    fn on_waiting(&mut self, status: &BlockStatus, reports: &mut Reports, cx: &mut Cx) {
        let (id, key) = (status.id, status.state.event);
        let by_trigger = id == self.spans.trigger();
        self.track(&status.state, cx);
        let Some(event) = self.barrier.events.get_mut(&key) else { return };
        event.with_trigger |= by_trigger;
        if event.selected {
            reports.acknowledge(id, key);
            return self.finish_event(key, cx);
        }
        // Which tables there are is known when those of earlier events are there. Until then it is as if nothing had come;
        // the trigger tells again.
        let early = by_trigger && event.is_wide() && !self.barrier.pending.is_empty();
        if early && cx.policy().barrier.wide_events.wait() {
            return cx.note(Note::BlockStatusIgnored {
                cf: self.cf,
                id,
                event: key,
                why: "tables are to come",
            });
        }
        let selected = self.with_event(key, cx, |event, scene| {
            event.mark(id, scene);
            event.is_reported_by_all(scene).then(|| event.select(id, scene))
        });
        reports.acknowledge(id, key);
        if let Some(Some(writer)) = selected {
            self.on_selected(key, writer, id, reports, cx);
        }
    }

    fn on_selected(
        &mut self,
        key: EventKey,
        writer: DispatcherId,
        last: DispatcherId,
        reports: &mut Reports,
        cx: &mut Cx,
    ) {
        cx.note(Note::BlockEventSelected { cf: self.cf, event: key, writer });
        let Some(event) = self.barrier.events.get(&key) else { return };
        if let Some(node) = self.spans.get(writer).and_then(|replica| replica.node) {
            reports.writes.entry(node).or_default().push(BlockAnswer::to(writer, event.write()));
        }
        if event.needs_schedule() {
            if is_scheduled_late(cx) {
                self.barrier.pending.add(key);
            } else {
                reports.scheduling = Some((last, Schedule::at_selection(&event.state)));
            }
        }
    }

    /// A dispatcher has written an event, or passed it.
    fn on_done(&mut self, id: DispatcherId, key: EventKey, reports: &mut Reports, cx: &mut Cx) {
        let Some(event) = self.barrier.events.get_mut(&key) else { return };
        if event.writer == Some(id) {
            if event.needs_schedule() && is_scheduled_late(cx) {
                if !self.barrier.pending.takes_turn(key, cx) {
                    // The report does not count. The writer is told to write again, and answers that it has.
                    cx.note(Note::BlockEventNotItsTurn { cf: self.cf, event: key });
                    return reports.acknowledge(id, key);
                }
                reports.scheduling = Some((id, Schedule::after_write(&event.state)));
                return;
            }
            event.advance();
        }
        self.count_done(id, key, reports, cx);
    }

    fn count_done(&mut self, id: DispatcherId, key: EventKey, reports: &mut Reports, cx: &mut Cx) {
        self.with_event(key, cx, |event, scene| event.mark(id, scene));
        reports.acknowledge(id, key);
        self.finish_event(key, cx);
    }

    /// A dispatcher has written an event without asking. Nobody else is concerned; tables may come and go.
    fn on_written(&mut self, status: &BlockStatus, reports: &mut Reports, cx: &mut Cx) {
        let (id, key) = (status.id, status.state.event);
        // While it is there, it holds the checkpoint back.
        self.track(&status.state, cx);
        let Some(event) = self.barrier.events.get_mut(&key) else { return };
        event.writer = Some(id);
        if !event.needs_schedule() {
            self.barrier.events.remove(&key);
            return reports.acknowledge(id, key);
        }
        self.barrier.pending.add(key);
        if self.barrier.pending.takes_turn(key, cx) {
            reports.scheduling = Some((id, Schedule::of_written(&event.state)));
        } else {
            // It stays among those that are to be scheduled, and is reported again.
            cx.note(Note::BlockEventNotItsTurn { cf: self.cf, event: key });
            self.barrier.events.remove(&key);
        }
    }

    /// All tables of an event have come and gone.
    fn scheduled(&mut self, id: DispatcherId, schedule: &Schedule, reports: &mut Reports, cx: &mut Cx) {
        let key = schedule.event();
        match schedule.then() {
            Then::Write => {}
            Then::Pass => {
                self.with_event(key, cx, |event, _| event.advance());
                self.count_done(id, key, reports, cx);
            }
            Then::Forget => {
                self.barrier.events.remove(&key);
                reports.acknowledge(id, key);
            }
        }
    }
}

/// Whether tables come and go with an event when it has been written, and not when its writer is chosen.
fn is_scheduled_late(cx: &Cx) -> bool {
    cx.policy().barrier.schedule.is_after_write()
}
