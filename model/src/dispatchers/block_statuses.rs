//! How reports about block events get to the maintainer: out of a buffer of the manager, where what is the same waits once,
//! through a queue of the node, and again and again until they are acknowledged.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use sim::Duration;

use crate::{
    ChangefeedId, Cx, DispatcherId, Mode, NodeId, Place,
    dispatchers::{
        Dispatchers, ManagerId, Timer,
        block_messages::{BlockState, BlockStatus, EventKey, Stage},
    },
    maintainer,
};

/// How long reports are gathered.
const GATHER: Duration = Duration::from_millis(10);
/// How many of them go into one message.
const BATCH: usize = 2048;
/// How soon a report that is not acknowledged is repeated.
const AGAIN: Duration = Duration::from_secs(5);

/// What makes two reports the same.
type Key = (DispatcherId, EventKey, Mode, Stage);

impl BlockStatus {
    /// Reports of stage NONE are never the same: they say what is to be scheduled.
    fn key(&self) -> Option<Key> {
        let key = (self.id, self.state.event, self.mode, self.state.stage);
        matches!(self.state.stage, Stage::Waiting | Stage::Done).then_some(key)
    }
}

/// The buffer of a manager, and what it repeats.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct StatusBuffer {
    waiting: Vec<BlockStatus>,
    keys: BTreeSet<Key>,
    /// Reports that are repeated, even for dispatchers that are gone.
    repeated: BTreeMap<(DispatcherId, EventKey), Repeated>,
    made: u32,
}

#[derive(Clone, Debug, Hash)]
struct Repeated {
    number: u32,
    status: BlockStatus,
    /// Whether its event holds the checkpoint back as if it were not flushed.
    readded: bool,
}

impl StatusBuffer {
    /// Takes a report, unless the same waits already. Whether it is the first.
    fn offer(&mut self, status: BlockStatus) -> bool {
        if let Some(key) = status.key()
            && !self.keys.insert(key)
        {
            return false;
        }
        self.waiting.push(status);
        self.waiting.len() == 1
    }

    /// The events that a dispatcher has reported and repeats.
    pub(super) fn repeated_by(&self, id: DispatcherId) -> Vec<EventKey> {
        self.repeated.keys().filter(|(one, _)| *one == id).map(|(_, event)| *event).collect()
    }
}

/// A message to a maintainer that waits for the thread that sends such.
#[derive(Clone, Debug)]
struct Request {
    target: NodeId,
    cf: ChangefeedId,
    mode: Mode,
    statuses: Vec<BlockStatus>,
}

/// The queue of a node: what waits in it or is being sent is not taken again.
#[derive(Clone, Debug, Default)]
pub(super) struct StatusQueue {
    waiting: VecDeque<Request>,
    queued: BTreeSet<(NodeId, Key)>,
    in_flight: BTreeSet<(NodeId, Key)>,
    sending: Option<Request>,
}

impl StatusQueue {
    /// Whether the thread has to be woken.
    fn push(&mut self, mut request: Request) -> bool {
        let target = request.target;
        request.statuses.retain(|status| {
            status.key().is_none_or(|key| {
                !self.in_flight.contains(&(target, key)) && self.queued.insert((target, key))
            })
        });
        let idle = self.waiting.is_empty() && self.sending.is_none();
        let taken = !request.statuses.is_empty();
        if taken {
            self.waiting.push_back(request);
        }
        idle && taken
    }

    fn take(&mut self) {
        self.sending = self.waiting.pop_front();
        let Some(request) = &self.sending else { return };
        for key in request.statuses.iter().filter_map(BlockStatus::key) {
            self.queued.remove(&(request.target, key));
            self.in_flight.insert((request.target, key));
        }
    }
}

impl Dispatchers {
    /// A dispatcher stops at an event: it says so until that is acknowledged.
    pub(super) fn report_until_acknowledged(
        &mut self,
        id: ManagerId,
        dispatcher: DispatcherId,
        mode: Mode,
        state: BlockState,
        readded: bool,
        cx: &mut Cx,
    ) {
        let Some(manager) = self.managers.get_mut(&id) else { return };
        let status = BlockStatus { id: dispatcher, state, mode };
        let buffer = &mut manager.statuses_of_blocks;
        buffer.made += 1;
        let (key, number) = ((dispatcher, status.state.event), buffer.made);
        buffer.repeated.insert(key, Repeated { number, status: status.clone(), readded });
        cx.out.alarm(Timer::BlockStatusAgain { manager: id, number }.into(), AGAIN);
        self.offer(id, status, cx);
    }

    /// An event is over at a dispatcher.
    pub(super) fn report_done(
        &mut self,
        id: ManagerId,
        dispatcher: DispatcherId,
        mode: Mode,
        event: EventKey,
        cx: &mut Cx,
    ) {
        let state = BlockState::bare(Stage::Done, event);
        self.offer(id, BlockStatus { id: dispatcher, state, mode }, cx);
    }

    fn offer(&mut self, id: ManagerId, status: BlockStatus, cx: &mut Cx) {
        if let Some(manager) = self.managers.get_mut(&id)
            && manager.statuses_of_blocks.offer(status)
            && manager.sink_running
        {
            cx.out.alarm(Timer::BlockStatuses { manager: id }.into(), GATHER);
        }
    }

    /// The goroutine that collects reports begins.
    pub(super) fn start_block_statuses(&mut self, id: ManagerId, cx: &mut Cx) {
        if self.managers.get(&id).is_some_and(|manager| !manager.statuses_of_blocks.waiting.is_empty()) {
            cx.out.alarm(Timer::BlockStatuses { manager: id }.into(), GATHER);
        }
    }

    /// Nobody has acknowledged a report.
    pub(super) fn report_again(&mut self, id: ManagerId, number: u32, cx: &mut Cx) {
        let Some(manager) = self.managers.get(&id).filter(|manager| !manager.closed) else { return };
        let mut repeated = manager.statuses_of_blocks.repeated.values();
        let Some(again) = repeated.find(|again| again.number == number) else { return };
        let status = again.status.clone();
        cx.out.alarm(Timer::BlockStatusAgain { manager: id, number }.into(), AGAIN);
        self.offer(id, status, cx);
    }

    /// The maintainer has not taken notice of a report: it is repeated at once, and its turn does not change.
    pub(super) fn report_at_once(
        &mut self,
        id: ManagerId,
        dispatcher: DispatcherId,
        event: EventKey,
        cx: &mut Cx,
    ) {
        let Some(manager) = self.managers.get(&id) else { return };
        if let Some(again) = manager.statuses_of_blocks.repeated.get(&(dispatcher, event)) {
            let status = again.status.clone();
            self.offer(id, status, cx);
        }
    }

    /// What is acknowledged is not repeated any more; whether it was, and whether its event was added again.
    pub(super) fn stop_repeating(
        &mut self,
        id: ManagerId,
        dispatcher: DispatcherId,
        event: EventKey,
    ) -> Option<bool> {
        let manager = self.managers.get_mut(&id)?;
        manager.statuses_of_blocks.repeated.remove(&(dispatcher, event)).map(|again| again.readded)
    }

    /// Reports that have come together go to whoever is the owner now, those of each mode in messages of their own.
    pub(super) fn on_block_statuses(&mut self, id: ManagerId, cx: &mut Cx) {
        let Some(manager) = self.managers.get_mut(&id).filter(|one| one.sink_running) else { return };
        let buffer = &mut manager.statuses_of_blocks;
        buffer.keys.clear();
        let waiting = std::mem::take(&mut buffer.waiting);
        let (cf, Some(target)) = (manager.cf, manager.owner.node) else { return };
        let (default, redo): (Vec<BlockStatus>, Vec<BlockStatus>) =
            waiting.into_iter().partition(|status| status.mode == Mode::Default);
        for (mode, statuses) in [(Mode::Default, default), (Mode::Redo, redo)] {
            for statuses in statuses.chunks(BATCH) {
                if self.status_queue.push(Request { target, cf, mode, statuses: statuses.to_vec() }) {
                    cx.out.give_way(Timer::SendBlockStatuses.into());
                }
            }
        }
    }

    /// The thread that sends such messages takes one, or is done with it.
    pub(super) fn send_block_statuses(&mut self, cx: &mut Cx) {
        let queue = &mut self.status_queue;
        match queue.sending.take() {
            Some(Request { target, cf, mode, statuses }) => {
                queue.in_flight.clear();
                let request = maintainer::Inbox::BlockStatusRequest { cf, statuses, mode };
                cx.send(target, Place::Maintainers, request);
            }
            None => queue.take(),
        }
        if queue.sending.is_some() || !queue.waiting.is_empty() {
            cx.out.give_way(Timer::SendBlockStatuses.into());
        }
    }
}
