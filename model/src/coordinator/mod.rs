//! The coordinator: owns the changefeeds, places one maintainer for each of them, and keeps their progress in etcd.
//!
//! A term has several activities that interleave at every message and every call: the event loop (T1), the loop that
//! persists (T2), the operator executor (T3), the schedulers (T4).

mod adoption;
mod api;
mod backoff;
mod balance;
mod changefeeds;
mod drain;
mod ending;
mod epoch;
mod gc;
mod load;
mod messages;
mod operators;
mod pending;
mod persist;
mod scheduler;
mod state;
mod state_change;
mod status;
mod watched;

use std::collections::{BTreeMap, VecDeque};

use sim::{Duration, Input};

use crate::{
    Addr, ChangefeedId, Cx, Epoch, Liveness, Msg, NodeId, Place,
    bootstrapper::Bootstrapper,
    etcd::{self, Reply, client::Calls},
    maintainer, node, pd,
};
pub(crate) use adoption::{Reports, Selection};
pub use api::{ApiCall, Command};
pub(crate) use backoff::fails_fast;
use changefeeds::ChangefeedDb;
pub(crate) use changefeeds::blocks_gc;
use ending::{Cause, Ending};
use epoch::{Bump, BumpId};
pub use gc::{GcNote, GcTimer};
pub use messages::*;
use operators::Operators;
pub use watched::Heard;

/// What a call to etcd is for.
#[derive(Clone, Debug)]
enum Wait {
    Load,
    Mend { loading: load::Loading },
    Persist { checkpoints: Vec<persist::Saved> },
    BumpRead { bump: BumpId },
    BumpJob { bump: BumpId, compares: Vec<etcd::Compare>, then: Vec<etcd::Op> },
    BumpWrite { bump: BumpId },
    Api { call: ApiCall },
    StateRead,
    StateWrite,
    StopRead,
    StopDone,
}

const PERIOD: Duration = Duration::from_millis(500);
/// How many operators there are at once, and how many have their turn in a row (`max-task-concurrency`).
const BATCH: usize = 10;

/// What a call to PD is for.
#[derive(Clone, Copy, Debug)]
enum PdCall {
    Bump(BumpId),
    Api(ApiCall),
    State,
    Gc(gc::GcCall),
}

/// The coordinator of one node: idle unless elected.
#[derive(Clone, Debug, Default)]
pub struct Coordinator {
    term: Option<Term>,
    /// Terms that have ended, as long as calls of users are under way in them.
    past: Vec<Term>,
    counted: Counted,
}

/// How many calls a process has made in earlier terms: an answer that comes late is none for the next term.
#[derive(Clone, Copy, Debug, Default)]
struct Counted {
    terms: TermNumber,
    etcd: u32,
    ids: u32,
}

/// One term.
#[derive(Clone, Debug)]
pub(crate) struct Term {
    number: TermNumber,
    version: u64,
    calls: Calls<Wait>,
    pd_calls: BTreeMap<etcd::CallId, PdCall>,
    bootstrapper: Bootstrapper<Vec<MaintainerStatus>>,
    /// Events that wait for the event loop.
    events: VecDeque<(NodeId, Event)>,
    /// Whether the event loop is inside a handler that waits for etcd.
    loading: bool,
    nodes_changed: bool,
    initialized: bool,
    changefeeds: ChangefeedDb,
    operators: Operators,
    bumps: BTreeMap<BumpId, Bump>,
    /// For whoever watches: whether the last of them took too long.
    last_bump_starved: bool,
    /// Calls to PD, bumps and calls of users that have been counted, with those of earlier terms.
    ids: u32,
    api: api::Api,
    basic: scheduler::Basic,
    balance: balance::Balance,
    drain: drain::Drain,
    changes: persist::Changes,
    gc: gc::Gc,
    ending: Option<Ending>,
}

/// An event of the event loop.
#[derive(Clone, Debug)]
enum Event {
    Period,
    BootstrapResponse(Vec<MaintainerStatus>, Option<DrainOrder>, bool),
    Heartbeat(Vec<MaintainerStatus>),
    NodeHeartbeat(Liveness, u64, Option<DrainOrder>),
    Liveness(Liveness, u64),
}

impl Coordinator {
    /// Whether a term is on.
    pub fn leads(&self) -> bool {
        self.term.is_some()
    }

    /// Whether the term on has loaded the changefeeds.
    pub fn is_initialized(&self) -> bool {
        self.term.as_ref().is_some_and(|term| term.initialized)
    }

    /// Where a changefeed is maintained, as this term sees it, and whether that is settled.
    pub fn placement(&self, cf: ChangefeedId) -> Option<(Option<NodeId>, &'static str)> {
        let changefeeds = &self.term.as_ref()?.changefeeds;
        Some((changefeeds.get(cf)?.node, changefeeds.placement(cf)))
    }

    /// The epoch that this term takes for the present one of each changefeed, but for those that it is about to change.
    pub fn epochs(&self) -> impl Iterator<Item = (ChangefeedId, Epoch)> {
        self.term.iter().flat_map(|term| {
            let still = |cf| !term.is_bumping(cf) && !term.is_changing(cf);
            let all = term.changefeeds.iter().map(|(cf, one)| (cf, one.info.epoch));
            all.filter(move |(cf, _)| still(*cf))
        })
    }

    /// The changefeed whose epoch is being persisted while something that has been heard waits for that.
    pub fn held_up_by(&self) -> Option<ChangefeedId> {
        let term = self.term.as_ref()?;
        term.operators.bumps_for().filter(|_| term.waits_for_operators())
    }

    /// The operators under way.
    pub fn operators(&self) -> impl Iterator<Item = (ChangefeedId, &'static str)> {
        self.term.iter().flat_map(|term| term.operators.names())
    }

    pub(crate) fn step(&mut self, input: &Input<crate::Actor>, cx: &mut Cx) {
        match input {
            Input::Start => {}
            Input::Message { from, msg: Msg::Coordinator(inbox) } => self.on_message(*from, inbox, cx),
            Input::Command(crate::Command::Coordinator(Command::ResignOwner)) => self.resign(None, cx),
            Input::Command(crate::Command::Coordinator(command)) => {
                if let Some(term) = &mut self.term {
                    term.on_command(command, None, cx);
                }
            }
            _ => {
                if let Some(term) = &mut self.term {
                    let goes_on = term.step(input, cx);
                    self.end_unless(goes_on, cx);
                    self.end_if_through(cx);
                }
                self.each_past(|term| {
                    // Nothing is left that an error could end.
                    let _ = term.step(input, cx);
                });
            }
        }
    }

    fn on_message(&mut self, from: Addr, inbox: &Inbox, cx: &mut Cx) {
        match inbox {
            Inbox::Elected { version } => {
                cx.note(Note::TermBegins { node: cx.id(), version: *version });
                self.term = Some(Term::begin(*version, self.counted, cx));
            }
            Inbox::ApiRequest { number, request: Command::ResignOwner } if self.term.is_some() => {
                self.resign(Some(*number), cx);
            }
            Inbox::ApiRequest { number, request } => match &mut self.term {
                Some(term) => term.on_command(request, Some(*number), cx),
                None => cx.tell(Place::Server, node::Inbox::ApiNotOwner { number: *number }),
            },
            Inbox::LeaderChanged { leader } if *leader != cx.id() => self.stop(Cause::Deposed, "deposed", cx),
            Inbox::LeaderChanged { .. } => {}
            Inbox::Stop => self.stop(Cause::Shutdown, "shutdown", cx),
            Inbox::EtcdDisconnected => {
                if let Some(term) = &mut self.term {
                    let failed = term.calls.reset(cx);
                    let goes_on = failed.into_iter().try_for_each(|wait| term.on_failure(wait, cx));
                    self.end_unless(goes_on, cx);
                    self.end_if_through(cx);
                }
                self.each_past(|term| {
                    for wait in term.calls.reset(cx) {
                        let _ = term.on_failure(wait, cx);
                    }
                });
            }
            Inbox::NodesChanged => {
                if let Some(term) = &mut self.term {
                    term.nodes_changed = true;
                }
            }
            // On a node that does not lead, or not for long, the topic has no handler: the message is dropped.
            Inbox::CoordinatorBootstrapResponse { statuses, drain, legacy, .. } => {
                self.push(from, Event::BootstrapResponse(statuses.clone(), *drain, legacy.0), cx);
            }
            Inbox::MaintainerHeartbeat { statuses } => {
                self.push(from, Event::Heartbeat(statuses.clone()), cx)
            }
            Inbox::NodeHeartbeat { liveness, node_epoch, drain } => {
                self.push(from, Event::NodeHeartbeat(*liveness, *node_epoch, *drain), cx);
            }
            Inbox::SetNodeLivenessResponse { applied, node_epoch } => {
                self.push(from, Event::Liveness(*applied, *node_epoch), cx);
            }
        }
    }

    /// Terms that have ended and still have calls of users.
    fn each_past(&mut self, mut does: impl FnMut(&mut Term)) {
        for term in &mut self.past {
            does(term);
        }
        self.past.retain(Term::has_calls_of_users);
    }

    fn push(&mut self, from: Addr, event: Event, cx: &mut Cx) {
        if let (Some(term), Some(node)) = (&mut self.term, from.node())
            && term.tasks_run()
        {
            term.events.push_back((node, event));
            let goes_on = term.run_events(cx);
            self.end_unless(goes_on, cx);
        }
    }

    fn end_unless(&mut self, goes_on: Result<(), &'static str>, cx: &mut Cx) {
        if let Err(why) = goes_on {
            self.stop(Cause::Failed, why, cx);
        }
    }
}

/// What a step of a term comes to; an error ends the term, and with it the process.
type Outcome = Result<(), &'static str>;

impl Term {
    fn begin(version: u64, counted: Counted, cx: &mut Cx) -> Term {
        let number = counted.terms;
        cx.out.alarm(Timer::Period { term: number }.into(), PERIOD);
        let mut term = Term {
            number,
            version,
            calls: Calls::after(counted.etcd, Timer::CallTimeout),
            pd_calls: BTreeMap::new(),
            bootstrapper: Bootstrapper::default(),
            events: VecDeque::new(),
            loading: false,
            nodes_changed: false,
            initialized: false,
            changefeeds: ChangefeedDb::default(),
            operators: Operators::default(),
            bumps: BTreeMap::new(),
            last_bump_starved: false,
            ids: counted.ids,
            api: api::Api::default(),
            basic: scheduler::Basic::default(),
            balance: balance::Balance::default(),
            drain: drain::Drain::default(),
            changes: persist::Changes::default(),
            gc: gc::Gc::default(),
            ending: None,
        };
        term.start_gc(cx);
        term.on_nodes_changed(cx);
        term
    }

    fn step(&mut self, input: &Input<crate::Actor>, cx: &mut Cx) -> Outcome {
        match input {
            Input::Message { msg: Msg::EtcdReply(Reply::Answer { call, answer, .. }), .. } => {
                match self.calls.answered(*call) {
                    Some(wait) => self.on_answer(wait, answer, cx),
                    None => Ok(()),
                }
            }
            Input::Message { msg: Msg::EtcdReply(reply), .. } => {
                let failed = reply.failure().and_then(|(call, how)| self.calls.failed(call, how, cx));
                failed.map_or(Ok(()), |wait| self.on_failure(wait, cx))
            }
            Input::Message { msg: Msg::PdReply(pd::Reply::TsoResponse { call, epoch }), .. } => {
                self.on_tso(*call, *epoch, cx);
                Ok(())
            }
            Input::Message { msg: Msg::PdReply(pd::Reply::TsoUnavailable { call }), .. } => {
                self.on_tso_error(*call, cx)
            }
            Input::Message { msg: Msg::PdSafepointReply(reply), .. } => {
                self.on_safepoint_reply(reply, cx);
                Ok(())
            }
            Input::Alarm(crate::Timer::Gc(timer)) => {
                self.on_gc_alarm(*timer, cx);
                Ok(())
            }
            Input::Alarm(crate::Timer::Coordinator(timer)) if !timer.is_of_another(self.number) => {
                self.on_alarm(*timer, cx)
            }
            _ => Ok(()),
        }
    }

    fn on_alarm(&mut self, timer: Timer, cx: &mut Cx) -> Outcome {
        match timer {
            Timer::Period { .. }
            | Timer::Executor { .. }
            | Timer::BasicScheduler { .. }
            | Timer::BalanceScheduler { .. }
            | Timer::DrainScheduler { .. }
                if !self.tasks_run() =>
            {
                Ok(())
            }
            Timer::EventLoop { .. } | Timer::RunLoop { .. } if !self.loops_run() => Ok(()),
            Timer::Period { .. } => {
                cx.out.alarm(Timer::Period { term: self.number }.into(), PERIOD);
                self.events.push_back((cx.id(), Event::Period));
                self.run_events(cx)
            }
            Timer::EventLoop { .. } => self.run_events(cx),
            Timer::RunLoop { .. } => {
                self.run_changes(cx);
                Ok(())
            }
            Timer::Executor { .. } => {
                self.execute_operators(cx);
                Ok(())
            }
            Timer::BasicScheduler { .. } => {
                self.run_basic(cx);
                Ok(())
            }
            Timer::BalanceScheduler { .. } => {
                self.run_balance(cx);
                Ok(())
            }
            Timer::DrainScheduler { .. } => {
                self.run_drain_scheduler(cx);
                Ok(())
            }
            Timer::StopEnds { stop } => {
                self.end_stop(stop);
                Ok(())
            }
            Timer::BumpAgain { bump } => {
                self.bump_read(bump, cx);
                Ok(())
            }
            Timer::TsoTimeout { call } => self.on_tso_error(call, cx),
            Timer::BumpDeadline { bump } => {
                self.bump_deadline(bump, cx);
                Ok(())
            }
            Timer::ApiAgain { call } => {
                self.api_again(call, cx);
                Ok(())
            }
            Timer::ApiGivesUp { call } => {
                self.api_gives_up(call, cx);
                Ok(())
            }
            Timer::StateAgain { .. } => {
                self.read_state(cx);
                Ok(())
            }
            Timer::StopAgain { .. } => {
                self.read_progress(cx);
                Ok(())
            }
            Timer::CallTimeout => {
                let expired = self.calls.on_alarm(cx);
                expired.into_iter().try_for_each(|wait| self.on_failure(wait, cx))
            }
        }
    }

    fn on_answer(&mut self, wait: Wait, answer: &etcd::Answer, cx: &mut Cx) -> Outcome {
        use etcd::Answer;
        match (wait, answer) {
            (wait, _) if self.is_void(&wait) => Ok(()),
            (Wait::Load, Answer::Range(found)) => self.on_changefeeds(found, cx),
            (Wait::Mend { loading }, _) => self.on_mended(loading, true, cx),
            (Wait::Persist { checkpoints }, Answer::Txn { succeeded, .. }) => {
                // Only who compares can fail: then somebody else leads, or has written a later one.
                let persisted = if *succeeded { checkpoints } else { Vec::new() };
                self.on_persisted(&persisted, cx);
                Ok(())
            }
            (Wait::BumpRead { bump }, Answer::Range(info)) => {
                self.on_bump_read(bump, info.first(), cx);
                Ok(())
            }
            (Wait::BumpJob { bump, compares, then }, Answer::Range(job)) => {
                self.on_bump_job(bump, compares, then, job.first(), cx);
                Ok(())
            }
            (Wait::BumpWrite { bump }, Answer::Txn { succeeded, .. }) => {
                self.on_bump_written(bump, *succeeded, cx);
                Ok(())
            }
            (Wait::Api { call }, answer) => {
                self.on_api_answer(call, answer, cx);
                Ok(())
            }
            (Wait::StateRead, Answer::Range(info)) => self.on_state_read(info.first(), cx),
            (Wait::StateWrite, answer) => self.on_state_written(answer, cx),
            (Wait::StopRead, Answer::Range(job)) => self.on_progress_read(job.first(), cx),
            (Wait::StopDone, Answer::Txn { succeeded: false, .. }) => self.on_progress_conflict(cx),
            (Wait::StopDone, _) => self.on_stop_done(cx),
            (wait, answer) => unreachable!("{wait:?} answered by {answer:?}"),
        }
    }

    /// A call has failed; whether it was carried out is not known.
    fn on_failure(&mut self, wait: Wait, cx: &mut Cx) -> Outcome {
        match wait {
            wait if self.is_void(&wait) => Ok(()),
            Wait::Mend { loading } => self.on_mended(loading, false, cx),
            Wait::Load if !cx.policy().coordinator.load_failure.is_fatal() => {
                self.load_changefeeds(cx);
                Ok(())
            }
            Wait::Load => {
                cx.note(Note::Panicked { why: "the changefeeds cannot be loaded" });
                Err("panic")
            }
            Wait::Persist { .. } => Err("a checkpoint cannot be persisted"),
            Wait::BumpRead { bump } | Wait::BumpJob { bump, .. } | Wait::BumpWrite { bump } => {
                self.bump_failed(bump, "etcd does not answer", cx);
                Ok(())
            }
            Wait::Api { call } => {
                self.api_failed(call, cx);
                Ok(())
            }
            Wait::StateRead | Wait::StateWrite => Err("a state cannot be persisted"),
            // A failure of what ends a stop is only logged.
            Wait::StopRead | Wait::StopDone => self.on_stop_done(cx),
        }
    }

    /// Whether a call was one of the loops', and they are cancelled.
    fn is_void(&self, wait: &Wait) -> bool {
        let of_loops = matches!(
            wait,
            Wait::Load | Wait::Mend { .. } | Wait::Persist { .. } | Wait::StateRead | Wait::StateWrite
        );
        of_loops && !self.loops_run()
    }

    /// The event loop: one event at a time; before each, a change of the node set is handled.
    fn run_events(&mut self, cx: &mut Cx) -> Outcome {
        while !self.loading && self.loops_run() && !self.waits_for_operators() {
            if self.nodes_changed {
                self.nodes_changed = false;
                self.on_nodes_changed(cx);
                continue;
            }
            match self.events.pop_front() {
                None => break,
                Some((_, Event::Period)) => {
                    self.resend_bootstrap(cx);
                    self.drain_ticks(cx);
                }
                Some((from, Event::BootstrapResponse(statuses, drain, legacy))) => {
                    self.drain_on_bootstrap_response(from, drain, legacy);
                    self.on_bootstrap_response(from, statuses, drain, cx)
                }
                Some((from, Event::NodeHeartbeat(liveness, node_epoch, drain))) => {
                    self.on_node_heartbeat(from, (liveness, node_epoch), drain, cx);
                }
                Some((from, Event::Liveness(liveness, node_epoch))) => {
                    self.on_liveness_response(from, liveness, node_epoch, cx);
                }
                Some((from, Event::Heartbeat(statuses))) => self.on_heartbeat(from, &statuses, cx)?,
            }
        }
        Ok(())
    }

    /// Whether a user or an error is about to change what is persisted of a changefeed.
    fn is_changing(&self, cf: ChangefeedId) -> bool {
        self.api.is_changing(cf) || self.changes.under.as_ref().is_some_and(|under| under.changefeed() == cf)
    }

    /// What comes next looks at operators, and somebody holds their lock.
    fn waits_for_operators(&self) -> bool {
        let looks = match self.events.front() {
            Some((_, Event::Heartbeat(_))) => true,
            Some((_, Event::Period)) => self.drain_asks_for_operators(),
            _ => false,
        };
        self.operators.is_locked() && (self.nodes_changed || looks)
    }

    fn on_nodes_changed(&mut self, cx: &mut Cx) {
        let change = self.bootstrapper.on_nodes(cx.process.view(), cx.now.steady);
        for gone in change.removed {
            let drained = self.is_drained(gone, cx);
            self.on_node_removed(gone, cx);
            self.drain_on_node_removed(gone, drained, cx);
        }
        for node in change.added {
            self.drain_on_node_added(node);
            self.ask(node, cx);
        }
        self.broadcast_drain(true, cx);
        self.load_if_complete(cx);
    }

    fn resend_bootstrap(&mut self, cx: &mut Cx) {
        for node in self.bootstrapper.resend(cx.now.steady) {
            self.ask(node, cx);
        }
    }

    fn ask(&self, node: NodeId, cx: &mut Cx) {
        let version = self.version;
        cx.send(node, Place::Maintainers, maintainer::Inbox::CoordinatorBootstrapRequest { version });
    }

    fn on_bootstrap_response(
        &mut self,
        from: NodeId,
        statuses: Vec<MaintainerStatus>,
        drain: Option<DrainOrder>,
        cx: &mut Cx,
    ) {
        self.bootstrapper.on_response(from, statuses);
        self.drain_after_bootstrap_response(from, drain, cx);
        self.load_if_complete(cx);
    }

    /// When every maintainer manager has answered, the changefeeds are loaded; the event loop waits for that.
    fn load_if_complete(&mut self, cx: &mut Cx) {
        let complete = self.bootstrapper.collect();
        if complete && self.initialized {
            // What a node that joined later reports is ignored; its heartbeats are not.
            self.bootstrapper.clear();
        } else if complete {
            self.recover_drain(cx);
            self.loading = true;
            self.load_changefeeds(cx);
        }
    }
}
