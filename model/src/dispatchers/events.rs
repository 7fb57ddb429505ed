//! How events get from the event service to a dispatcher, and what it does with a batch of them.

use crate::{
    Cx, DispatcherId, IsRedo, Mode, Ts,
    dispatchers::{
        ComponentState, Dispatcher, DispatcherStatus, Dispatchers, ManagerId, Timer, redo, sink_client::Event,
    },
    upstream::{History, ddl::BlockEvent, events::Position},
};

impl Dispatchers {
    /// The event service knows more: dispatchers that are not at a batch get what is new for them.
    pub(super) fn on_resolved(&mut self, resolved: Ts, cx: &mut Cx) {
        self.resolved = resolved.max(self.resolved);
        self.pd_clock = (resolved, cx.now.steady);
        let resolved = self.resolved;
        for manager in self.managers.values_mut() {
            for dispatcher in manager.dispatchers.values_mut() {
                if !dispatcher.registered || dispatcher.events_coming || dispatcher.blocked {
                    continue;
                }
                let waits = dispatcher.waits_for_redo && manager.redo.global_ts < resolved;
                if dispatcher.next_event <= resolved || waits {
                    dispatcher.events_coming = true;
                    let timer = Timer::Events { manager: manager.id, dispatcher: dispatcher.id };
                    cx.out.give_way(timer.into());
                } else {
                    dispatcher.resolve(resolved);
                }
            }
        }
    }

    /// A dispatcher handles a batch of rows, or a resolved timestamp. Its stream then stands still until the batch is
    /// downstream.
    pub(super) fn handle_events(&mut self, id: ManagerId, dispatcher: DispatcherId, cx: &mut Cx) {
        let resolved = self.resolved;
        let Some(one) = self.dispatcher(id, dispatcher) else { return };
        one.events_coming = false;
        if one.is_fed() && !one.blocked && resolved >= one.start_ts {
            self.handle_batch(id, dispatcher, resolved, cx);
        }
    }

    /// A dispatcher handles a batch that was sent when everything up to here was resolved; or it keeps it, because the redo
    /// log is not that far.
    pub(super) fn handle_batch(
        &mut self,
        id: ManagerId,
        dispatcher: DispatcherId,
        resolved: Ts,
        cx: &mut Cx,
    ) {
        let Some(manager) = self.managers.get_mut(&id) else { return };
        let Some(one) = manager.dispatchers.get_mut(&dispatcher) else { return };
        let size = if one.mode == Mode::Redo { redo::BATCH } else { manager.sink.batch() };
        if one.keeps(manager.redo.global_ts, &cx.process.history, resolved, size) {
            (one.kept, one.blocked) = (Some(resolved), true);
            return;
        }
        let first = one.state == ComponentState::Initializing;
        let checkpoint = one.checkpoint();
        let status = DispatcherStatus {
            id: dispatcher,
            state: ComponentState::Working,
            checkpoint,
            redo: IsRedo::of(one.mode),
        };
        let (seq, mode) = (one.seq, one.mode);
        let block_event = one.take_events(&cx.process.history, resolved, size);
        let mut is_full = false;
        for row in one.batch.drain(..) {
            if mode == Mode::Redo {
                let client = manager.redo.client.as_mut();
                is_full |= client.is_some_and(|client| client.add(dispatcher, one.span.table, &row));
                continue;
            }
            let event = Event { dispatcher, span: one.span, row, creation: one.creation };
            if let Some(worker) = manager.sink.add(event) {
                cx.out.give_way(Timer::Worker { manager: id, worker }.into());
            }
        }
        if first {
            one.state = ComponentState::Working;
            one.answers.get_or_insert_default();
            self.report_soon(id, status, seq, cx);
        }
        if is_full {
            self.write_redo_file(id, cx);
        }
        match block_event {
            // The redo log has no syncpoints.
            Some(event) if mode == Mode::Redo && event.is_sync_point() => self.wake(id, dispatcher, cx),
            Some(event) => self.on_block_event(id, dispatcher, event, cx),
            None => self.come_again(id, dispatcher, cx),
        }
    }

    /// The event that a dispatcher stopped at is over: its stream goes on, at least with what has been resolved meanwhile.
    pub(super) fn wake(&mut self, id: ManagerId, dispatcher: DispatcherId, cx: &mut Cx) {
        let resolved = Position::resolved(self.resolved);
        if let Some(one) = self.dispatcher(id, dispatcher) {
            one.blocked = false;
            one.next_event =
                if one.sent < resolved { one.next_event.min(resolved.ts) } else { one.next_event };
        }
        self.come_again(id, dispatcher, cx);
    }

    /// If there is more for a dispatcher that does not stand still, it comes.
    fn come_again(&mut self, id: ManagerId, dispatcher: DispatcherId, cx: &mut Cx) {
        let resolved = self.resolved;
        if self.dispatcher(id, dispatcher).is_some_and(|one| one.goes_on(resolved)) {
            cx.out.give_way(Timer::Events { manager: id, dispatcher }.into());
        }
    }
}

impl Dispatcher {
    /// The event service sends rows, up to the next event that is sent by itself; or that event; or, when there is nothing
    /// else, the resolved timestamp, which also comes behind the last rows. What comes by itself is returned.
    fn take_events(&mut self, history: &History, resolved: Ts, size: usize) -> Option<BlockEvent> {
        let next = history.next_block(self.span.table, self.sent).filter(|event| event.commit() <= resolved);
        let upto = next.as_ref().map_or(resolved, BlockEvent::commit);
        let rows = history.rows(self.span.table, self.sent.ts, upto);
        let (span, mut last, mut count) = (self.span, upto, 0);
        for row in rows.iter().filter(|row| span.has(row.key)).take(size) {
            (last, count) = (row.commit, count + 1);
            if !self.is_stale(row.commit) && !self.leaves_out(row.commit) {
                self.batch.push(*row);
                self.progress.add(row.commit);
            }
        }
        self.blocked = !self.batch.is_empty();
        let mut alone = None;
        match next {
            _ if count == size => self.sent = Position::rows(last),
            Some(_) if count > 0 => self.sent = Position::rows(upto),
            Some(event) => {
                self.sent = Position::behind(&event);
                alone = Some(event).filter(|event| !self.is_stale(event.commit()));
                self.blocked = alone.is_some();
            }
            None => self.resolve(resolved),
        }
        self.next_event = history.next_event(self.span, self.sent);
        alone
    }

    /// When the last event of such a batch was committed or resolved.
    pub(super) fn last_commit(&self, history: &History, resolved: Ts, size: usize) -> Ts {
        let next = history.next_block(self.span.table, self.sent).filter(|event| event.commit() <= resolved);
        let upto = next.as_ref().map_or(resolved, BlockEvent::commit);
        let rows = history.rows(self.span.table, self.sent.ts, upto);
        let (mut last, mut count) = (upto, 0);
        for row in rows.iter().filter(|row| self.span.has(row.key)).take(size) {
            (last, count) = (row.commit, count + 1);
        }
        if count == size || next.is_some() { last } else { resolved }
    }

    /// Whether rows of a commit are downstream already, although it is behind the start.
    fn leaves_out(&self, commit: Ts) -> bool {
        self.skip_dml && commit.before() == self.start_ts
    }

    /// It is sent a resolved timestamp.
    fn resolve(&mut self, resolved: Ts) {
        self.sent = self.sent.max(Position::resolved(resolved));
        self.resolved = self.resolved.max(resolved);
    }

    /// What it handled is downstream. Whether its stream goes on at once, because there is more for it.
    pub(super) fn wake(&mut self, resolved: Ts) -> bool {
        self.blocked = false;
        self.goes_on(resolved)
    }

    /// A resolved timestamp that has come meanwhile waits in the stream. Only where redo is on does it matter to whom.
    fn goes_on(&mut self, resolved: Ts) -> bool {
        let waits = self.waits_for_redo && self.sent < Position::resolved(resolved);
        let more = self.next_event <= resolved || waits;
        let goes_on = !self.blocked && self.registered && !self.events_coming && more;
        self.events_coming |= goes_on;
        goes_on
    }
}
