//! The barrier: a block event waits until all whom it concerns have come to it. Then one of them writes it, tables come and
//! go with it, and the others pass.
//!
//! All of that happens in the event loop of the maintainer. It handles one report after the other, and a schedule table by
//! table: the operator controller, the schedulers and the checkpoint loop may get in between.

mod coverage;
mod event;
mod pending;
mod reports;
mod resend;
mod restore;
mod schedule;

use std::{collections::BTreeMap, fmt};

use crate::{
    Cx, Mode, NodeId, Place, Ts,
    dispatchers::{self, BlockAnswer, BlockState, EventKey},
    maintainer::{Maintainer, Note},
    policy::Stamped,
    state::flags,
};
pub(super) use event::Event;
use event::Scene;
use pending::Pending;
pub(super) use reports::Reports;

/// The block events that are under way.
#[derive(Clone, Debug, Default)]
pub(super) struct Barrier {
    events: BTreeMap<EventKey, Event>,
    /// Those whose tables are still to come and go.
    pending: Pending,
}

impl Barrier {
    /// The first event under way that brings tables: the checkpoint does not pass it before they are counted themselves.
    pub(super) fn lowest(&self, cx: &Cx) -> Option<Ts> {
        let brings = self.events.values().filter(|event| event.brings_tables());
        brings.map(Event::ts).min().filter(|_| cx.policy().barrier.new_tables.hold_checkpoint())
    }

    /// The events that are under way.
    pub(super) fn under_way(&self) -> impl Iterator<Item = (EventKey, &Event)> {
        self.events.iter().map(|(key, event)| (*key, event))
    }

    /// A line for each event.
    pub(super) fn describe(&self, f: &mut impl fmt::Write) -> fmt::Result {
        for (key, event) in &self.events {
            let syncpoint = if key.syncpoint { " syncpoint" } else { "" };
            write!(f, "  event {}{syncpoint}", key.ts)?;
            f.write_str(&flags(&[(event.selected, "selected"), (event.advanced, "advanced")]))?;
            if let Some(writer) = event.writer {
                write!(f, " writer {writer}")?;
            }
            for (n, id) in event.reporters().enumerate() {
                write!(f, "{}{id}", if n == 0 { " reported by " } else { ", " })?;
            }
            writeln!(f)?;
        }
        for key in self.pending.iter() {
            writeln!(f, "  to be scheduled {}", key.ts)?;
        }
        Ok(())
    }
}

impl Maintainer {
    fn scene<'a>(&'a self, cx: &'a Cx) -> Scene<'a> {
        Scene {
            spans: &self.spans,
            policy: &cx.policy().barrier,
            may_split: cx.process.config.scheduling.split_tables,
            now: cx.now.steady,
        }
    }

    /// Does something with an event, and with what it has to know for that.
    fn with_event<T>(
        &mut self,
        key: EventKey,
        cx: &Cx,
        act: impl FnOnce(&mut Event, Scene) -> T,
    ) -> Option<T> {
        let mut event = self.barrier.events.remove(&key)?;
        let result = act(&mut event, self.scene(cx));
        self.barrier.events.insert(key, event);
        Some(result)
    }

    /// An event is under way, since now if it was not before. What comes and goes with it is what its first reporter said.
    fn track(&mut self, state: &BlockState, cx: &Cx) {
        if !self.barrier.events.contains_key(&state.event) {
            let event = Event::new(state, self.scene(cx));
            self.barrier.events.insert(state.event, event);
        }
    }

    /// An event that has been selected, and reported by all once more, is over.
    fn finish_event(&mut self, event: EventKey, cx: &mut Cx) {
        let over = self.with_event(event, cx, |event, scene| {
            let reported = event.is_reported_by_all(scene) && event.selected;
            reported || scene.policy.left_behind.is_over() && event.is_left_behind(scene)
        });
        if over == Some(true) {
            self.barrier.events.remove(&event);
            cx.note(Note::BlockEventFinished { cf: self.cf, event });
        }
    }

    fn answer(&self, node: NodeId, statuses: Vec<BlockAnswer>, mode: Mode, cx: &mut Cx) {
        let epoch = self.stamp(Stamped::HeartbeatResponse, cx);
        let response = dispatchers::Inbox::HeartBeatResponse { cf: self.cf, statuses, mode, epoch };
        cx.send(node, Place::Dispatchers, response);
    }
}
