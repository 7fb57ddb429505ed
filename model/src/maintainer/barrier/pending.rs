//! Events whose tables are to come and go, in the order of their timestamps.
//!
//! An event takes its place when its writer is chosen, or when it is reported as done without asking. Its turn comes when all
//! earlier ones have had theirs; until then whoever reports it has to report it again.

use std::collections::BTreeSet;

use crate::{Cx, dispatchers::EventKey, policy::ScheduleOrder};

#[derive(Clone, Debug, Default)]
pub(super) struct Pending {
    events: BTreeSet<EventKey>,
}

impl Pending {
    /// An event waits, once.
    pub(super) fn add(&mut self, event: EventKey) {
        self.events.insert(event);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &EventKey> {
        self.events.iter()
    }

    /// Takes an event out if it is its turn.
    pub(super) fn takes_turn(&mut self, event: EventKey, cx: &Cx) -> bool {
        self.take(event, cx.policy().barrier.schedule_order)
    }

    /// One that is not there has no turn any more.
    fn take(&mut self, event: EventKey, order: ScheduleOrder) -> bool {
        let turn = self.events.first().is_some_and(|first| order.is_turn_of(event, *first));
        turn && self.events.remove(&event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Ts;

    fn event(ts: u64, syncpoint: bool) -> EventKey {
        EventKey { ts: Ts(ts), syncpoint }
    }

    #[test]
    fn every_event_has_its_turn_once() {
        let mut pending = Pending::default();
        let [early, ddl, syncpoint] = [event(10, false), event(20, false), event(20, true)];
        for one in [syncpoint, ddl, early, ddl] {
            pending.add(one);
        }
        let mut taken = |event| pending.take(event, ScheduleOrder::ByTimestamp);
        assert_eq!(
            [ddl, early, early, syncpoint, ddl, ddl, syncpoint].map(&mut taken),
            [false, true, false, false, true, false, true]
        );
        assert!(pending.is_empty());
    }
}
