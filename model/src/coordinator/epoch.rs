//! Epochs: a new one is persisted before ownership changes hands (pingcap/ticdc#5434).
//!
//! Nobody cancels a bump: it has a time limit of its own and goes on when its coordinator is deposed, so it may be persisted
//! when a successor leads already. If the outcome of its write is unknown, what is persisted may be ahead of what is known
//! here; a write that is tried again, and finds that it has been carried out, counts as somebody else's, so one more epoch is
//! persisted.

use std::fmt;

use sim::Duration;

use crate::{
    Addr, ChangefeedId, Cx, Epoch,
    coordinator::{Note, Outcome, PdCall, Term, Timer, Wait, operators::Request},
    etcd::{self, CallId, ChangefeedInfo, Compare, Key, Kv, Op, Range, Revision, Value},
    pd,
    policy::ProgressWrite,
};

/// One attempt to persist a new epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BumpId(pub u32);

const TRIES: u32 = 10;
const BETWEEN_TRIES: Duration = Duration::from_millis(25);

/// A bump under way: timestamp, read, compare and write, again on a conflict.
#[derive(Clone, Debug)]
pub(super) struct Bump {
    /// What is to give the changefeed to a node.
    request: Request,
    candidate: Epoch,
    tries: u32,
    /// What is being written.
    info: Option<ChangefeedInfo>,
    /// How it ended, while that waits for the lock of the operators.
    ended: Option<Result<(), &'static str>>,
}

impl Bump {
    /// Whose generation it is.
    pub(super) fn changefeed(&self) -> ChangefeedId {
        self.request.cf
    }
}

impl Term {
    pub(super) fn begin_bump(&mut self, request: Request, cx: &mut Cx) {
        let call = self.next_pd_call();
        let id = BumpId(call.0);
        let (candidate, tries) = (Epoch::NONE, 0);
        self.bumps.insert(id, Bump { request, candidate, tries, info: None, ended: None });
        self.ask_for_timestamp(call, PdCall::Bump(id), cx);
        // The admission of an operator has one limit for the timestamp and all that follows.
        match cx.policy().coordinator.bump_limit.length() {
            Some(limit) => cx.out.alarm(Timer::BumpDeadline { bump: id }.into(), limit),
            None => cx.out.alarm(Timer::TsoTimeout { call }.into(), pd::CLIENT_TIMEOUT),
        }
    }

    /// Asks PD, with a call of this number.
    pub(super) fn ask_for_timestamp(&mut self, call: CallId, what: PdCall, cx: &mut Cx) {
        self.pd_calls.insert(call, what);
        cx.out.send(Addr::Pd, pd::Inbox::TsoRequest { call }.into());
        if !matches!(what, PdCall::Bump(_)) {
            cx.out.alarm(Timer::TsoTimeout { call }.into(), pd::CLIENT_TIMEOUT);
        }
    }

    /// PD is not there, or takes too long. An intermediate state of pingcap/ticdc#5182 ended the call then; every version that
    /// was released takes the clock of the node instead, which is ahead of PD for a hundred years.
    pub(super) fn on_tso_error(&mut self, call: CallId, cx: &mut Cx) -> Outcome {
        let Some(what) = self.pd_calls.get(&call).copied() else { return Ok(()) };
        if let PdCall::Gc(what) = what {
            self.pd_calls.remove(&call);
            self.safepoint_failed(what, cx);
            return Ok(());
        }
        let by_clock = cx.policy().coordinator.pd_fallback.falls_back().then(|| Epoch::of_clock(cx.now.wall));
        cx.note(Note::TsoFailed { by_clock });
        if let Some(epoch) = by_clock {
            self.on_tso(call, epoch, cx);
            return Ok(());
        }
        self.pd_calls.remove(&call);
        match what {
            PdCall::Bump(id) => self.bump_failed(id, "PD does not answer", cx),
            PdCall::Api(call) => self.api_failed(call, cx),
            PdCall::State => return Err("there is no epoch for a warning"),
            PdCall::Gc(_) => unreachable!("it asks for no timestamp"),
        }
        Ok(())
    }

    /// Whether an epoch of this changefeed is being bumped: nobody else may.
    pub(super) fn is_bumping(&self, cf: ChangefeedId) -> bool {
        self.bumps.values().any(|bump| bump.request.cf == cf)
    }

    /// Whether any bump is under way.
    pub(super) fn is_bumping_any(&self) -> bool {
        !self.bumps.is_empty()
    }

    pub(super) fn on_tso(&mut self, call: CallId, epoch: Epoch, cx: &mut Cx) {
        match self.pd_calls.remove(&call) {
            Some(PdCall::Bump(id)) => {
                if let Some(bump) = self.bumps.get_mut(&id) {
                    bump.candidate = epoch;
                    self.bump_read(id, cx);
                }
            }
            Some(PdCall::Api(call)) => self.api_on_tso(call, epoch, cx),
            Some(PdCall::State) => self.state_on_tso(epoch, cx),
            Some(PdCall::Gc(_)) | None => {}
        }
    }

    pub(super) fn bump_read(&mut self, id: BumpId, cx: &mut Cx) {
        if let Some(bump) = self.bumps.get(&id) {
            let range = Range::One(Key::Info(bump.request.cf));
            self.calls
                .call(cx, Wait::BumpRead { bump: id }, |call| etcd::Inbox::RangeRequest { call, range });
        }
    }

    pub(super) fn on_bump_read(&mut self, id: BumpId, found: Option<&Kv>, cx: &mut Cx) {
        let Some(bump) = self.bumps.get_mut(&id) else { return };
        let Some(Kv { key, value, modified, .. }) = found else {
            return self.bump_failed(id, "the changefeed does not exist", cx);
        };
        let (Value::Info(persisted) | Value::OldInfo(persisted)) = value else {
            return self.bump_failed(id, "the changefeed cannot be decoded", cx);
        };
        let cf = bump.request.cf;
        let known = self.changefeeds.get(cf);
        let policy = &cx.policy().coordinator;
        let base = policy.bump_base.of(persisted, known.map(|one| &one.info));
        let Some(info) = bumped(base, bump.candidate, cx) else {
            return self.bump_failed(id, "changefeed epoch overflow", cx);
        };
        bump.info = Some(info.clone());
        bump.tries += 1;
        let put = |key, value| Op::Put { key, value, lease: None };
        let mut then = vec![put(*key, Value::Info(Box::new(info)))];
        let mut compares = match policy.bump_compare.is_made() {
            true => vec![Compare::Modified(*key, *modified)],
            false => Vec::new(),
        };
        compares.extend(self.leads_still(cx));
        let checkpoint = known.map_or(persisted.start_ts, |one| one.checkpoint());
        match policy.bump_job.write(checkpoint) {
            ProgressWrite::None => {}
            ProgressWrite::Blind(job) => then.push(put(Key::Job(cf), Value::Job(job))),
            ProgressWrite::Compared => {
                let wait = Wait::BumpJob { bump: id, compares, then };
                let range = Range::One(Key::Job(cf));
                self.calls.call(cx, wait, |call| etcd::Inbox::RangeRequest { call, range });
                return;
            }
        }
        self.calls.txn(cx, Wait::BumpWrite { bump: id }, compares, then);
    }

    /// The progress is to be written together with the epoch, as it is.
    pub(super) fn on_bump_job(
        &mut self,
        id: BumpId,
        mut compares: Vec<Compare>,
        mut then: Vec<Op>,
        found: Option<&Kv>,
        cx: &mut Cx,
    ) {
        let Some(Kv { key, value, modified, .. }) = found else {
            return self.bump_failed(id, "the progress does not exist", cx);
        };
        compares.push(Compare::Modified(*key, *modified));
        then.push(Op::Put { key: *key, value: value.clone(), lease: None });
        self.calls.txn(cx, Wait::BumpWrite { bump: id }, compares, then);
    }

    pub(super) fn on_bump_written(&mut self, id: BumpId, succeeded: bool, cx: &mut Cx) {
        let Some(bump) = self.bumps.get(&id) else { return };
        if !succeeded {
            match bump.tries {
                TRIES => self.bump_failed(id, "too many conflicts", cx),
                _ => cx.out.alarm(Timer::BumpAgain { bump: id }.into(), BETWEEN_TRIES),
            }
            return;
        }
        if let Some(Bump { request, info: Some(info), .. }) = self.bumps.get(&id) {
            self.last_bump_starved = false;
            cx.note(Note::EpochPersisted { cf: request.cf, epoch: info.epoch });
            self.end_bump(id, Ok(()), cx);
        }
    }

    pub(super) fn bump_deadline(&mut self, id: BumpId, cx: &mut Cx) {
        if self.bumps.get(&id).is_some_and(|bump| bump.ended.is_none()) {
            self.last_bump_starved = true;
            self.bump_failed(id, "it took too long", cx);
        }
    }

    /// What a transaction compares that is to fail when another coordinator leads.
    pub(super) fn leads_still(&self, cx: &Cx) -> Option<Compare> {
        let lease = cx.process.lease.filter(|_| cx.policy().coordinator.api_compare.is_made())?;
        Some(Compare::Created(Key::Owner(lease), Revision(self.version)))
    }

    /// The operator is not queued; the scheduler tries again later. What was written stays written.
    pub(super) fn bump_failed(&mut self, id: BumpId, why: &'static str, cx: &mut Cx) {
        self.end_bump(id, Err(why), cx);
    }

    /// Whatever came of it, the lock of the operators is taken to go on.
    fn end_bump(&mut self, id: BumpId, how: Result<(), &'static str>, cx: &mut Cx) {
        let Some(bump) = self.bumps.get_mut(&id) else { return };
        if self.operators.is_locked_for_bump_of(bump.request.cf) {
            bump.ended = Some(how);
            return;
        }
        let Some(Bump { request, info, .. }) = self.bumps.remove(&id) else { return };
        let how = how.and_then(|()| info.ok_or("there is nothing to write"));
        self.on_bumped(request, how, cx);
    }

    /// The lock of the operators is free.
    pub(super) fn end_waiting_bumps(&mut self, cx: &mut Cx) {
        let ended = |(id, bump): (&BumpId, &Bump)| bump.ended.map(|how| (*id, how));
        for (id, how) in self.bumps.iter().filter_map(ended).collect::<Vec<_>>() {
            self.end_bump(id, how, cx);
        }
    }
}

/// Whether a generation begins in memory where none is persisted.
pub(super) fn draws_epoch(cx: &Cx) -> bool {
    cx.policy().coordinator.memory_epoch.is_drawn()
}

/// A description in its next generation; none if there is no larger epoch. Everything else is kept.
pub(super) fn bumped(known: ChangefeedInfo, candidate: Epoch, cx: &Cx) -> Option<ChangefeedInfo> {
    let policy = &cx.policy().coordinator;
    let epoch = policy.next_epoch.after(known.epoch, candidate)?;
    Some(policy.bump_defaults.of(ChangefeedInfo { epoch, ..known }))
}

impl fmt::Display for BumpId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bump{}", self.0)
    }
}
