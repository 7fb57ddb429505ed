//! In steady state the kernel allocates nothing.

#![allow(unsafe_code, reason = "a counting allocator cannot be written otherwise")]

mod support;

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicU64, Ordering},
};

use sim::{Decisions, Instant, Seed, Sim};

struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: every call is passed on unchanged to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.realloc(memory, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// One test for all workloads: the counter is shared by the threads of a test process.
#[test]
fn no_allocation_in_steady_state() {
    for layout in [support::ping_pong(), support::gossip(), support::timers()] {
        let mut sim = Sim::new(layout, Vec::new(), Seed(1), &Decisions::default());
        for _ in 0..300_000 {
            sim.step(Instant::NEVER);
        }
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        for _ in 0..100_000 {
            sim.step(Instant::NEVER);
        }
        assert_eq!(ALLOCATIONS.load(Ordering::Relaxed) - before, 0);
    }
}
