//! The cleaner: takes back what was kept for the beginning of a changefeed, once the coordinator has told PD of the changefeed. It is
//! a goroutine of its own, so the run loop does not wait for it.

use std::collections::{BTreeMap, VecDeque};

use sim::Duration;

use crate::{
    ChangefeedId, Cx,
    coordinator::{
        Term,
        gc::{GcCall, GcTimer},
    },
    pd::Service,
};

/// So many are taken back for one tick.
const AT_ONCE: usize = 4;
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

#[derive(Clone, Debug, Default)]
pub(super) struct Cleaner {
    /// The ticks that have begun, and the last one in which PD was told.
    tick: u64,
    told: u64,
    /// What is to be taken back, and in which tick it came.
    pending: BTreeMap<ChangefeedId, Entry>,
    /// What is being taken back; the first one is on its way.
    under: VecDeque<Service>,
    triggered: bool,
    pause: Option<Duration>,
    pauses: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    creating: Option<u64>,
    resuming: Option<u64>,
}

impl Cleaner {
    pub(super) fn begin_tick(&mut self) {
        self.tick += 1;
    }

    pub(super) fn end_tick(&mut self) {
        self.told = self.tick;
        self.triggered = true;
    }

    fn add(&mut self, service: Service) {
        match service {
            Service::Creating(cf) => self.pending.entry(cf).or_default().creating = Some(self.tick),
            Service::Resuming(cf) => self.pending.entry(cf).or_default().resuming = Some(self.tick),
            Service::Cluster => {}
        }
    }

    /// What came before the last tick in which PD was told. Changefeeds come in the order of a Go map; here in that of their
    /// numbers.
    fn take_ready(&mut self) -> VecDeque<Service> {
        let mut ready = VecDeque::new();
        let is_ready = |at: Option<u64>, told: u64| at.is_some_and(|at| at < told);
        for (cf, entry) in &mut self.pending {
            if ready.len() < AT_ONCE && is_ready(entry.creating, self.told) {
                ready.push_back(Service::Creating(*cf));
                entry.creating = None;
            }
            if ready.len() < AT_ONCE && is_ready(entry.resuming, self.told) {
                ready.push_back(Service::Resuming(*cf));
                entry.resuming = None;
            }
        }
        self.pending.retain(|_, entry| entry.creating.is_some() || entry.resuming.is_some());
        ready
    }
}

impl Term {
    /// Something was kept for the beginning of a changefeed that is known by now.
    pub(in crate::coordinator) fn clean_later(&mut self, service: Service, cx: &Cx) {
        if cx.process.config.gc.is_some() {
            self.gc.cleaner.add(service);
        }
    }

    /// The goroutine takes up what is ready, if it is not at something.
    pub(super) fn clean_safepoints(&mut self, cx: &mut Cx) {
        let cleaner = &mut self.gc.cleaner;
        if cleaner.pauses || !cleaner.under.is_empty() || !std::mem::take(&mut cleaner.triggered) {
            return;
        }
        cleaner.under = cleaner.take_ready();
        self.clean_next(cx);
    }

    fn clean_next(&mut self, cx: &mut Cx) {
        match self.gc.cleaner.under.front().copied() {
            Some(service) => self.update_safepoint(service, None, GcCall::Clean, cx),
            None => {
                self.gc.cleaner.pause = None;
                self.clean_safepoints(cx);
            }
        }
    }

    pub(super) fn cleaned(&mut self, cx: &mut Cx) {
        self.gc.cleaner.under.pop_front();
        self.clean_next(cx);
    }

    /// What is left comes again, in a later tick.
    pub(super) fn clean_failed(&mut self, cx: &mut Cx) {
        let cleaner = &mut self.gc.cleaner;
        for service in std::mem::take(&mut cleaner.under) {
            cleaner.add(service);
        }
        let pause = cleaner.pause.unwrap_or(FIRST_PAUSE);
        cleaner.pause = Some((pause + pause).min(LONGEST_PAUSE));
        cleaner.pauses = true;
        cx.out.alarm(GcTimer::CleanerGoesOn { term: self.number }.into(), pause);
    }

    pub(super) fn cleaner_goes_on(&mut self, cx: &mut Cx) {
        self.gc.cleaner.pauses = false;
        self.clean_safepoints(cx);
    }
}
