//! How many regions each span has, as far as the maintainer knows: they are counted when they are first asked for, and
//! again every few minutes.

use std::collections::BTreeMap;

use sim::Instant;

use crate::{Cx, DispatcherId, Span, Ts};

#[derive(Clone, Debug, Default)]
pub(super) struct Regions {
    counts: BTreeMap<DispatcherId, usize>,
    counted_at: Option<Instant>,
}

impl Regions {
    /// Forgets what is too old.
    pub(super) fn refresh(&mut self, cx: &Cx) {
        let (now, every) = (cx.now.steady, cx.process.config.scheduling.region_refresh);
        if self.counted_at.is_none_or(|at| now.since(at) >= every) {
            self.counts.clear();
            self.counted_at = Some(now);
        }
    }

    pub(super) fn of(&mut self, id: DispatcherId, span: Span, cx: &Cx) -> usize {
        let count = || cx.process.history.regions(span, Ts::at(cx.now.steady)).count();
        *self.counts.entry(id).or_insert_with(count)
    }
}
