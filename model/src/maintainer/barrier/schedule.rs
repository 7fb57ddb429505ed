//! What comes and goes with a block event: tables, and the databases that they are in.

use crate::{
    Cx, DispatcherId, Span, TableId,
    dispatchers::{BlockState, EventKey},
    maintainer::{Maintainer, Note},
    upstream::ddl::Influence,
};

/// A schedule that is being carried out.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    state: BlockState,
    next: Part,
    then: Then,
}

/// What follows when it is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// The event is written.
    Write,
    /// Others pass the event.
    Pass,
    /// The event is over.
    Forget,
}

#[derive(Clone, Copy, Debug)]
enum Part {
    /// The dispatchers of tables that go are removed.
    Remove,
    /// The spans of tables that go are forgotten: all that there are by then.
    Forget,
    /// This table comes.
    Add(usize),
    /// Tables change their databases.
    Move,
}

impl Schedule {
    pub(super) fn at_selection(state: &BlockState) -> Schedule {
        Schedule { state: state.clone(), next: Part::Remove, then: Then::Write }
    }

    pub(super) fn after_write(state: &BlockState) -> Schedule {
        Schedule { state: state.clone(), next: Part::Remove, then: Then::Pass }
    }

    pub(super) fn of_written(state: &BlockState) -> Schedule {
        Schedule { state: state.clone(), next: Part::Remove, then: Then::Forget }
    }

    pub(super) fn event(&self) -> EventKey {
        self.state.event
    }

    pub(super) fn then(&self) -> Then {
        self.then
    }

    /// Goes on to the first part, this one or a later one, in which there is something to do.
    fn skip(&mut self) -> bool {
        let state = &self.state;
        self.next = match self.next {
            Part::Remove | Part::Forget if state.dropped.is_some() => return true,
            Part::Remove | Part::Forget => Part::Add(0),
            next => next,
        };
        if let Part::Add(n) = self.next {
            if n < state.added.0.len() {
                return true;
            }
            self.next = Part::Move;
            return !state.moved.0.is_empty();
        }
        false
    }
}

impl Maintainer {
    /// Takes the next step of a schedule; whether there is another one.
    pub(super) fn schedule_next(&mut self, schedule: &mut Schedule, cx: &mut Cx) -> bool {
        if let Part::Remove = schedule.next {
            cx.note(Note::BlockEventScheduled { cf: self.cf, event: schedule.event() });
        }
        if !schedule.skip() {
            return false;
        }
        let state = &schedule.state;
        schedule.next = match schedule.next {
            Part::Remove => {
                if state.dropped == Some(Influence::All) {
                    self.spans.die("no DDL drops all tables");
                }
                self.remove_dispatchers(&self.dropped_spans(state), cx);
                Part::Forget
            }
            Part::Forget => {
                for id in self.dropped_spans(state) {
                    self.spans.remove(id);
                }
                Part::Add(0)
            }
            Part::Add(n) => {
                let new = state.added.0[n];
                if !self.spans.has_table(new.table) {
                    self.add_absent_spans(Span::whole(new.table), new.schema, state.event.ts, cx);
                }
                Part::Add(n + 1)
            }
            Part::Move => {
                for change in &state.moved.0 {
                    self.spans.move_table(change.table, change.new);
                }
                return false;
            }
        };
        schedule.skip()
    }

    fn dropped_spans(&self, state: &BlockState) -> Vec<DispatcherId> {
        match &state.dropped {
            None | Some(Influence::All) => Vec::new(),
            Some(Influence::Db(schema)) => self.spans.ids_in_schema(*schema).collect(),
            Some(Influence::Normal(tables)) => {
                let ids = tables.iter().flat_map(|table: &TableId| self.spans.ids_of_table(*table));
                ids.collect()
            }
        }
    }
}
