//! What a dispatcher does at a block event, and upon what the maintainer says about it.
//!
//! An event of one whole table is executed without asking. Any other stops the dispatcher: it reports the event, waits for
//! an action, carries that out, and says that it is done.

use std::collections::VecDeque;

use crate::{
    Cx, DispatcherId, Mode, Ts,
    dispatchers::{
        Dispatcher, Dispatchers, ManagerId, Note, Timer,
        block_messages::{Answer, BlockState, EventKey, Stage},
        block_task::{BlockTask, Local, Work},
    },
    upstream::ddl::{BlockEvent, Ddl},
};

/// The path of a dispatcher in the stream of answers: answers are handled in order, and while an action is carried out the
/// path stands still.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Answers {
    waiting: VecDeque<Answer>,
    /// Whether a thread is about to take the next one.
    scheduled: bool,
    /// Whether an action is being carried out.
    stands_still: bool,
}

impl Answers {
    /// Whether those that come wait until an action has been carried out.
    pub(super) fn stand_still(&self) -> bool {
        self.stands_still
    }

    /// Whether a thread has to be asked to take the next one.
    fn is_ready(&mut self) -> bool {
        let ready = !self.waiting.is_empty() && !self.stands_still && !self.scheduled;
        self.scheduled |= ready;
        ready
    }
}

impl Dispatchers {
    pub(super) fn dispatcher(&mut self, manager: ManagerId, id: DispatcherId) -> Option<&mut Dispatcher> {
        self.managers.get_mut(&manager)?.dispatchers.get_mut(&id)
    }

    /// A block event has come for a dispatcher, whose stream stands still from now on.
    pub(super) fn on_block_event(
        &mut self,
        id: ManagerId,
        dispatcher: DispatcherId,
        event: BlockEvent,
        cx: &mut Cx,
    ) {
        let early = cx.policy().dispatchers.add_table_blocker.is_installed_first();
        let Some(manager) = self.managers.get_mut(&id) else { return };
        let (cf, Some(one)) = (manager.cf, manager.dispatchers.get_mut(&dispatcher)) else { return };
        let work = if !one.stops_at(&event) {
            Work::Local(one.begin_local(&event, early))
        } else if one.holds(&event) {
            cx.note(Note::BlockEventHeld { cf, id: dispatcher, event: event.clone() });
            one.blocking.held = Some(event);
            return;
        } else {
            Work::Report
        };
        manager.follow_schema(dispatcher, &event);
        self.submit(id, BlockTask::new(id, dispatcher, event, work), cx);
    }

    /// Everything before an event is downstream: the maintainer is told that the dispatcher waits.
    pub(super) fn report_waiting(
        &mut self,
        id: ManagerId,
        dispatcher: DispatcherId,
        mode: Mode,
        event: &BlockEvent,
        cx: &mut Cx,
    ) {
        if let Some(one) = self.dispatcher(id, dispatcher) {
            one.blocking.unacknowledged += i32::from(one.is_trigger());
            one.blocking.pending = Some((event.clone(), Stage::Waiting));
        }
        let state = BlockState::of(event, Stage::Waiting);
        self.report_until_acknowledged(id, dispatcher, mode, state, false, cx);
    }

    /// An event is downstream, or another one has seen to that: the stream goes on.
    pub(super) fn event_is_over(
        &mut self,
        id: ManagerId,
        dispatcher: DispatcherId,
        event: &BlockEvent,
        cx: &mut Cx,
    ) {
        if let Some(one) = self.dispatcher(id, dispatcher) {
            one.progress.flushed(event.commit());
            one.blocking.pending.take_if(|(pending, _)| pending == event);
            one.blocking.follow(event);
        }
        self.wake(id, dispatcher, cx);
    }

    /// Something is answered to a dispatcher; whether it can hear it.
    pub(super) fn push_answer(
        &mut self,
        id: ManagerId,
        dispatcher: DispatcherId,
        answer: Answer,
        cx: &mut Cx,
    ) -> bool {
        let Some(one) = self.dispatcher(id, dispatcher) else { return false };
        let Some(answers) = &mut one.answers else { return false };
        answers.waiting.push_back(answer);
        if answers.is_ready() {
            cx.out.give_way(Timer::BlockAnswer { manager: id, dispatcher }.into());
        }
        true
    }

    /// An action has been carried out: the next answer may be handled.
    pub(super) fn go_on_with_answers(&mut self, id: ManagerId, dispatcher: DispatcherId, cx: &mut Cx) {
        let Some(answers) = self.dispatcher(id, dispatcher).and_then(|one| one.answers.as_mut()) else {
            return;
        };
        answers.stands_still = false;
        if answers.is_ready() {
            cx.out.give_way(Timer::BlockAnswer { manager: id, dispatcher }.into());
        }
    }

    /// A dispatcher handles the next answer.
    pub(super) fn on_answer(&mut self, id: ManagerId, dispatcher: DispatcherId, cx: &mut Cx) {
        let Some(answers) = self.dispatcher(id, dispatcher).and_then(|one| one.answers.as_mut()) else {
            return;
        };
        answers.scheduled = false;
        let Some(answer) = answers.waiting.pop_front() else { return };
        let awaits = match answer {
            Answer::Ack { event } => {
                self.acknowledge(id, dispatcher, event, cx);
                false
            }
            Answer::IgnoredBlockStatus { event } => {
                let meant = self.dispatcher(id, dispatcher).is_some_and(|one| one.waits_for(event));
                if meant {
                    self.report_at_once(id, dispatcher, event, cx);
                }
                false
            }
            Answer::Write { event } => self.act(id, dispatcher, event, Some(Work::Write(event)), cx),
            Answer::Pass { event } => self.act(id, dispatcher, event, Some(Work::Pass(event)), cx),
            Answer::UnknownAction { event } => self.act(id, dispatcher, event, None, cx),
        };
        let Some(answers) = self.dispatcher(id, dispatcher).and_then(|one| one.answers.as_mut()) else {
            return;
        };
        answers.stands_still = awaits;
        if answers.is_ready() {
            cx.out.give_way(Timer::BlockAnswer { manager: id, dispatcher }.into());
        }
    }

    /// A report is acknowledged.
    pub(super) fn acknowledge(
        &mut self,
        id: ManagerId,
        dispatcher: DispatcherId,
        event: EventKey,
        cx: &mut Cx,
    ) {
        let Some(readded) = self.stop_repeating(id, dispatcher, event) else { return };
        let Some(one) = self.dispatcher(id, dispatcher) else { return };
        if !event.syncpoint {
            one.blocking.remove_bringing(event.ts);
        }
        if readded {
            one.progress.flushed(event.ts);
        }
        if !one.is_trigger() {
            return;
        }
        one.blocking.unacknowledged -= 1;
        match one.blocking.unacknowledged {
            0 => self.release_held(id, dispatcher, cx),
            1.. => {}
            ..0 => self.report_error(id, "more acknowledgements than reports", cx),
        }
    }

    /// Nothing is unacknowledged any more: an event that was held is flushed and reported.
    fn release_held(&mut self, id: ManagerId, dispatcher: DispatcherId, cx: &mut Cx) {
        let held = self.dispatcher(id, dispatcher).and_then(|one| one.blocking.held.take());
        if let Some(event) = held {
            self.submit(id, BlockTask::new(id, dispatcher, event, Work::Report), cx);
        }
    }

    /// Carries out an action for the event that waits for it; whether answers have to wait until then. Whether a syncpoint
    /// or a DDL is meant is not compared. An action that comes late or again is answered as if it had been carried out.
    fn act(
        &mut self,
        id: ManagerId,
        dispatcher: DispatcherId,
        key: EventKey,
        work: Option<Work>,
        cx: &mut Cx,
    ) -> bool {
        let Some(manager) = self.managers.get_mut(&id) else { return false };
        let (cf, Some(one)) = (manager.cf, manager.dispatchers.get_mut(&dispatcher)) else { return false };
        let mode = one.mode;
        let pending = one.blocking.pending.as_ref().map(|(event, _)| event.commit());
        let ahead = pending.map_or(key.ts > one.resolved, |pending| key.ts > pending);
        if one.blocking.waits_at(key.ts) {
            let Some(work) = work else {
                cx.note(Note::ActionIgnored { cf, id: dispatcher, event: key, why: "no such action" });
                return false;
            };
            let Some((event, stage)) = &mut one.blocking.pending else { return false };
            *stage = Stage::Writing;
            let task = BlockTask::new(id, dispatcher, event.clone(), work);
            self.submit(id, task, cx);
            return true;
        }
        if ahead {
            cx.note(Note::ActionIgnored {
                cf,
                id: dispatcher,
                event: key,
                why: "its event has not come yet",
            });
            return false;
        }
        self.report_done(id, dispatcher, mode, key, cx);
        false
    }

    /// A dispatcher is drained, or need not be: it hears no answers any more, and what it has reported is not repeated.
    pub(super) fn remove_from_streams(&mut self, id: ManagerId, dispatcher: DispatcherId, cx: &mut Cx) {
        let Some(manager) = self.managers.get_mut(&id) else { return };
        let reported = manager.statuses_of_blocks.repeated_by(dispatcher);
        let Some(one) = manager.dispatchers.get_mut(&dispatcher) else { return };
        one.removing = true;
        one.answers = None;
        for event in reported {
            self.acknowledge(id, dispatcher, event, cx);
        }
    }
}

impl Dispatcher {
    /// What holds from now on, and what follows when an event that does not stop it has been written.
    fn begin_local(&mut self, event: &BlockEvent, early: bool) -> Local {
        let brings = event.ddl().is_some_and(|ddl| !ddl.added.is_empty());
        let told = brings || event.ddl().is_some_and(Ddl::drops);
        let local =
            Local { told, counted: told && self.is_trigger(), blocks: brings && self.is_trigger(), early };
        if early {
            self.blocking.unacknowledged += i32::from(local.counted);
            self.blocking.bringing.extend(Some(event.commit()).filter(|_| local.blocks));
        }
        local
    }

    /// Whether it waits for an action for exactly this event.
    fn waits_for(&self, key: EventKey) -> bool {
        let pending = self.blocking.pending.as_ref();
        self.blocking.waits_at(key.ts) && pending.is_some_and(|(event, _)| EventKey::of(event) == key)
    }

    /// Events that are behind what is resolved are not new.
    pub(super) fn is_stale(&self, commit: Ts) -> bool {
        commit < self.resolved
    }
}
