//! A thin barrier: it collects who waits at a block event, lets one of them write it, and then the others pass.
//!
//! An event whose tables come or go changes the spans when it has been written. What the real barrier knows beyond that
//! (its order of pending schedules, range checkers, suppressed resends) is not here yet.

use std::collections::{BTreeMap, BTreeSet};

use sim::{Duration, Instant};

use crate::{
    Cx, DispatcherId, IsRedo, Mode, NodeId, Place, Span, TableId, Ts,
    dispatchers::{
        self, Answer, BlockAnswer, BlockState, BlockStatus, ComponentState, DispatcherStatus, EventKey,
        Influenced, Stage,
    },
    maintainer::{
        Maintainer, Note,
        spans::{Placement, Spans},
    },
    policy::Stamped,
    upstream::ddl::Influence,
    vocabulary::Joined,
};

/// How soon an action is sent again.
const AGAIN: Duration = Duration::from_secs(1);

/// The block events that are under way.
#[derive(Clone, Debug, Default)]
pub(super) struct Barrier {
    events: BTreeMap<EventKey, Event>,
}

#[derive(Clone, Debug)]
struct Event {
    state: BlockState,
    /// Who waits at it.
    reported: BTreeSet<DispatcherId>,
    /// Who writes it, and whether that has been done.
    writer: Option<DispatcherId>,
    written: bool,
    /// Who is behind it.
    done: BTreeSet<DispatcherId>,
    sent_at: Option<Instant>,
}

impl Barrier {
    /// The checkpoint stays below what is under way.
    pub(super) fn lowest(&self) -> Option<Ts> {
        self.events.keys().next().map(|event| event.ts.before())
    }

    fn report(&mut self, id: DispatcherId, state: &BlockState) -> &mut Event {
        let event = self.events.entry(state.event).or_insert_with(|| Event {
            state: state.clone(),
            reported: BTreeSet::new(),
            writer: None,
            written: false,
            done: BTreeSet::new(),
            sent_at: None,
        });
        event.reported.insert(id);
        event
    }
}

impl Maintainer {
    /// A bootstrap response tells at which event a dispatcher stops.
    pub(super) fn restore_block_state(&mut self, id: DispatcherId, state: &BlockState) {
        let event = self.barrier.report(id, state);
        if state.stage == Stage::Writing {
            event.writer = Some(id);
        }
    }

    /// Reports about block events, one after the other. Nobody hears of them before the spans are known.
    pub(super) fn on_block_statuses(
        &mut self,
        from: NodeId,
        statuses: &[BlockStatus],
        mode: Mode,
        cx: &mut Cx,
    ) {
        let removing = self.removal.has_begun() && cx.policy().maintainer.remove_block_status.is_ignored();
        if !self.initialized || removing {
            return;
        }
        let answers = statuses.iter().filter_map(|status| self.on_block_status(from, status, cx));
        let answers: Vec<BlockAnswer> = answers.collect();
        self.answer(from, answers, mode, cx);
        self.advance_barrier(cx);
    }

    fn on_block_status(&mut self, from: NodeId, status: &BlockStatus, cx: &mut Cx) -> Option<BlockAnswer> {
        let (id, event) = (status.id, status.state.event);
        let replica = self.spans.get(id)?;
        if (id != self.spans.trigger() && replica.placement != Placement::Replicating)
            || replica.node != Some(from)
        {
            return Some(BlockAnswer::to(id, Answer::IgnoredBlockStatus { event }));
        }
        let (state, checkpoint) = (ComponentState::Working, event.ts.before());
        self.spans.update(&DispatcherStatus { id, state, checkpoint, redo: IsRedo(false) });
        self.spans.remember_block(id, &status.state);
        match status.state.stage {
            Stage::None => self.schedule_event(&status.state, cx),
            Stage::Waiting | Stage::Writing => _ = self.barrier.report(id, &status.state),
            Stage::Done => {
                let known = self.barrier.events.get_mut(&event)?;
                known.done.insert(id);
                if known.writer == Some(id) && !std::mem::replace(&mut known.written, true) {
                    known.sent_at = None;
                    let state = known.state.clone();
                    self.schedule_event(&state, cx);
                }
            }
        }
        Some(BlockAnswer::to(id, Answer::Ack { event }))
    }

    /// Tables come and go with an event that has been written.
    fn schedule_event(&mut self, state: &BlockState, cx: &mut Cx) {
        if !state.needs_schedule() {
            return;
        }
        let event = state.event;
        cx.note(Note::BlockEventScheduled { cf: self.cf, event });
        let dropped = state.dropped.as_ref().map(|dropped| self.concerned(dropped, event.ts, cx));
        let trigger = self.spans.trigger();
        let dropped: Vec<DispatcherId> = dropped.into_iter().flatten().filter(|id| *id != trigger).collect();
        self.remove_tasks(&dropped, cx);
        for new in &state.added.0 {
            if !self.spans.has_table(new.table) {
                self.add_absent_spans(Span::whole(new.table), event.ts, cx);
            }
        }
    }

    /// The dispatchers that an event at a timestamp concerns.
    fn concerned(&self, influence: &Influence, ts: Ts, cx: &Cx) -> BTreeSet<DispatcherId> {
        let history = &cx.process.history;
        let concerns = |table: TableId| match influence {
            Influence::Normal(tables) => tables.contains(&table),
            Influence::Db(schema) => {
                let here = history.name_of(table, ts.before()).is_some_and(|name| name.schema == *schema);
                table == TableId::TRIGGER || here
            }
            Influence::All => true,
        };
        self.spans.tables().filter(|(_, table)| concerns(*table)).map(|(id, _)| id).collect()
    }

    /// Every 100 ms, and after each report: writers are chosen, and actions sent again that are due.
    pub(super) fn advance_barrier(&mut self, cx: &mut Cx) {
        for key in self.barrier.events.keys().copied().collect::<Vec<_>>() {
            let Some(mut event) = self.barrier.events.remove(&key) else { continue };
            let blocked = event.state.blocked.clone().unwrap_or(Influence::All);
            let concerned = self.concerned(&blocked, key.ts, cx);
            event.choose_writer(&concerned, &self.spans, key);
            if event.written && concerned.is_subset(&event.done) {
                continue;
            }
            if event.sent_at.is_none_or(|at| cx.now.steady.since(at) >= AGAIN) {
                self.act(&mut event, key, &blocked, &concerned, cx);
            }
            self.barrier.events.insert(key, event);
        }
    }

    fn act(
        &self,
        event: &mut Event,
        key: EventKey,
        blocked: &Influence,
        concerned: &BTreeSet<DispatcherId>,
        cx: &mut Cx,
    ) {
        if !event.written {
            let Some(writer) = event.writer else { return };
            event.sent_at = Some(cx.now.steady);
            if let Some(node) = self.spans.get(writer).and_then(|replica| replica.node) {
                self.answer(
                    node,
                    vec![BlockAnswer::to(writer, Answer::Write { event: key })],
                    Mode::Default,
                    cx,
                );
            }
            return;
        }
        event.sent_at = Some(cx.now.steady);
        let mut nodes: BTreeMap<NodeId, Vec<DispatcherId>> = BTreeMap::new();
        for id in concerned.difference(&event.done) {
            if let Some(node) = self.spans.get(*id).and_then(|replica| replica.node) {
                nodes.entry(node).or_default().push(*id);
            }
        }
        for (node, ids) in nodes {
            let influenced = match blocked {
                Influence::Normal(_) => Influenced::Normal(ids),
                Influence::Db(schema) => Influenced::Db(*schema),
                Influence::All => Influenced::All,
            };
            let exclude = Joined(event.writer.into_iter().collect());
            let answer = BlockAnswer { answer: Answer::Pass { event: key }, influenced, exclude };
            self.answer(node, vec![answer], Mode::Default, cx);
        }
    }

    fn answer(&self, node: NodeId, statuses: Vec<BlockAnswer>, mode: Mode, cx: &mut Cx) {
        if statuses.is_empty() {
            return;
        }
        let response = dispatchers::Inbox::HeartBeatResponse {
            cf: self.cf,
            statuses,
            mode,
            epoch: self.stamp(Stamped::HeartbeatResponse, cx),
        };
        cx.send(node, Place::Dispatchers, response);
    }
}

impl Event {
    /// When all have reported, one of them is to write: the table trigger, if it is among them. If somebody is behind the
    /// event already, it has been written, and what comes and goes with it is known.
    fn choose_writer(&mut self, concerned: &BTreeSet<DispatcherId>, spans: &Spans, key: EventKey) {
        let gone = self.writer.is_some_and(|writer| !concerned.contains(&writer));
        if self.written || self.writer.is_some() && !gone {
            return;
        }
        self.writer = None;
        let is_behind = |id: &DispatcherId| spans.get(*id).is_some_and(|replica| replica.checkpoint > key.ts);
        if concerned.iter().any(is_behind) {
            self.written = true;
        } else if concerned.is_subset(&self.reported) {
            let trigger = concerned.get(&spans.trigger());
            self.writer = trigger.or(concerned.first()).copied();
        }
    }
}
