//! How a maintainer takes up the block events of its predecessor: from what dispatchers report at its bootstrap.
//!
//! What was to be scheduled with an event is not taken up: either its dispatchers report it again, or what its DDL has done
//! is in the snapshot that the maintainer begins with.

use crate::{
    Cx, NodeId,
    dispatchers::{BootstrapResponse, EventKey, Stage},
    maintainer::Maintainer,
};

impl Maintainer {
    pub(in crate::maintainer) fn restore_block_events(
        &mut self,
        responses: &[(NodeId, BootstrapResponse)],
        cx: &mut Cx,
    ) {
        for span in responses.iter().flat_map(|(_, response)| &response.spans) {
            let Some(state) = span.block_state.as_ref().filter(|_| span.mode == self.mode) else {
                continue;
            };
            if state.stage == Stage::None {
                continue;
            }
            // A dispatcher that nobody wants any more may be the one who makes an event known; it is not counted.
            self.track(state, cx);
            self.with_event(state.event, cx, |event, scene| {
                match state.stage {
                    Stage::None | Stage::Waiting => {}
                    Stage::Writing => (event.selected, event.writer) = (true, Some(span.id)),
                    Stage::Done => (event.selected, event.advanced) = (true, true),
                }
                event.mark(span.id, scene);
            });
        }
        if !cx.policy().barrier.taken_up.counts_waiting() {
            for event in self.barrier.events.values_mut().filter(|event| event.selected) {
                event.begin_second_round();
            }
            for span in responses.iter().flat_map(|(_, response)| &response.spans) {
                if let Some(state) = span.block_state.as_ref().filter(|state| state.stage == Stage::Done) {
                    self.with_event(state.event, cx, |event, scene| event.mark(span.id, scene));
                }
            }
        }
        for event in self.barrier.events.keys().copied().collect::<Vec<EventKey>>() {
            if self.with_event(event, cx, |event, scene| event.is_reported_by_all(scene)) == Some(false) {
                self.forward_event(event, cx);
            }
        }
    }
}
