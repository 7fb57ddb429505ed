//! What is still to happen, in order of time, and first come first served at one time.

use std::{cmp::Reverse, collections::BinaryHeap};

use crate::Instant;

/// Slots by due time. Two entries of one time come out in the order in which they went in.
///
/// An entry is one 128-bit integer (time, sequence number, slot), so a comparison is one instruction and the
/// bodies stay where they are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Queue {
    heap: BinaryHeap<Reverse<u128>>,
    /// Entries so far.
    sequence: u64,
}

/// Bits of an entry that hold the slot: sixteen million entries at once.
const SLOT_BITS: u32 = 24;
const SEQUENCE_BITS: u32 = 64 - SLOT_BITS;

fn slot_of(entry: u128) -> u32 {
    entry as u32 & ((1 << SLOT_BITS) - 1)
}

impl Queue {
    #[inline]
    pub(crate) fn push(&mut self, at: Instant, slot: u32) {
        assert!(slot < 1 << SLOT_BITS, "more than {} events are pending", 1 << SLOT_BITS);
        assert!(self.sequence < 1 << SEQUENCE_BITS, "a run has at most 2^{SEQUENCE_BITS} events");
        let entry = u128::from(at.nanos()) << 64 | u128::from(self.sequence) << SLOT_BITS | u128::from(slot);
        self.sequence += 1;
        self.heap.push(Reverse(entry));
    }

    /// Takes the first entry, unless it is due after `until`.
    #[inline]
    pub(crate) fn pop(&mut self, until: Instant) -> Option<(Instant, u32)> {
        let Reverse(entry) = *self.heap.peek()?;
        let at = Instant::from_nanos((entry >> 64) as u64);
        if at > until {
            return None;
        }
        self.heap.pop();
        Some((at, slot_of(entry)))
    }

    /// Takes out every entry whose slot is wanted: those slots, in order.
    pub(crate) fn withdraw(&mut self, wanted: impl Fn(u32) -> bool) -> Vec<u32> {
        let mut taken = Vec::new();
        self.heap.retain(|Reverse(entry)| {
            let taking = wanted(slot_of(*entry));
            if taking {
                taken.push(*entry);
            }
            !taking
        });
        taken.sort_unstable();
        taken.into_iter().map(slot_of).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.heap.len()
    }
}

/// Values in numbered slots; a freed slot is used again.
#[derive(Clone, Debug)]
pub(crate) struct Slab<T> {
    slots: Vec<T>,
    free: Vec<u32>,
}

impl<T: Default> Slab<T> {
    #[inline(always)]
    pub(crate) fn insert(&mut self, value: T) -> u32 {
        if let Some(slot) = self.free.pop() {
            self.slots[slot as usize] = value;
            return slot;
        }
        let slot = u32::try_from(self.slots.len()).expect("the queue limits the slots");
        self.slots.push(value);
        slot
    }

    /// Takes the value and frees its slot, in which a default value stays.
    #[inline]
    pub(crate) fn take(&mut self, slot: u32) -> T {
        self.free.push(slot);
        std::mem::take(&mut self.slots[slot as usize])
    }

    #[inline]
    pub(crate) fn get(&self, slot: u32) -> &T {
        &self.slots[slot as usize]
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, slot: u32) -> &mut T {
        &mut self.slots[slot as usize]
    }

    /// All slots in order of their numbers, the free ones with a default value.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        (0..).zip(&self.slots)
    }
}

impl<T> Default for Slab<T> {
    fn default() -> Slab<T> {
        Slab { slots: Vec::new(), free: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Against the plainest structure there is: a map from (time, order of arrival).
        #[test]
        fn behaves_like_a_sorted_map(steps in prop::collection::vec((0_u64..50, any::<bool>()), 0..200)) {
            let (mut queue, mut model) = (Queue::default(), BTreeMap::new());
            let mut now = 0;
            for (n, (ahead, push)) in (0_u32..).zip(steps) {
                if push {
                    queue.push(Instant::from_nanos(now + ahead), n);
                    model.insert((now + ahead, n), n);
                } else {
                    let until = Instant::from_nanos(now + ahead);
                    let expected = model.first_key_value().filter(|((at, _), _)| *at <= until.nanos());
                    let expected = expected.map(|((at, _), slot)| (Instant::from_nanos(*at), *slot));
                    prop_assert_eq!(queue.pop(until), expected);
                    if let Some((at, _)) = expected {
                        now = at.nanos();
                        model.pop_first();
                    }
                }
                prop_assert_eq!(queue.len(), model.len());
            }
        }
    }
}
