//! Where a span is parted: at borders of regions, so that every part has about as many of them.

use crate::{History, Scheduling, Span, Ts};

/// A table is never split into more spans than this at first.
const MOST: usize = 1000;

/// How a span is to be parted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::maintainer) enum Parts {
    /// So that none has too many regions; not at all if the span has few.
    ByRegions,
    /// Into so many; not at all if it has fewer regions.
    Number(usize),
}

/// The parts of a span; the span itself if it is not split.
pub(in crate::maintainer) fn split(
    span: Span,
    parts: Parts,
    history: &History,
    now: Ts,
    config: &Scheduling,
) -> Vec<Span> {
    let regions: Vec<u32> = history.regions(span, now).collect();
    let threshold = config.region_threshold as usize;
    let number = match parts {
        Parts::ByRegions if threshold == 0 || regions.len() <= threshold => return vec![span],
        Parts::ByRegions => {
            let regions_per_span = config.regions_per_span.min(config.region_threshold).max(1) as usize;
            regions.len().div_ceil(regions_per_span).min(MOST)
        }
        Parts::Number(number) if number == 0 || regions.len() < number => return vec![span],
        Parts::Number(number) => number,
    };
    let (each, mut more) = (regions.len() / number, regions.len() % number);
    let (mut spans, mut next) = (Vec::with_capacity(number), 0);
    for _ in 0..number {
        let from = if spans.is_empty() { span.from } else { regions[next] };
        next += each + usize::from(more > 0);
        more = more.saturating_sub(1);
        let to = regions.get(next).copied().unwrap_or(span.to);
        spans.push(Span { from, to, ..span });
    }
    spans
}
