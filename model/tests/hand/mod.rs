//! One part of a node, driven by hand: yields go on at once, queries of the downstream are answered at once, time passes
//! only when it is told to.

#![allow(dead_code, reason = "shared by several test targets, each of which uses a part")]

use std::{collections::VecDeque, sync::Arc};

use model::{
    Actor, Addr, ChangefeedId, DispatcherId, Epoch, History, Mode, Msg, NodeId, Place, Policy, Process,
    Shared, Span, TableId, Timer, Ts, Workload, dispatchers, dispatchers::ScheduleRequest, maintainer, sink,
};
use sim::{Duration, Effect, Input, Instant, Machine as _, Now, Outbox, Seed};

pub const N1: NodeId = NodeId { slot: 1, life: 0 };
pub const N2: NodeId = NodeId { slot: 2, life: 0 };
pub const N3: NodeId = NodeId { slot: 3, life: 0 };
pub const CF: ChangefeedId = ChangefeedId(1);

/// A part of node n3.
pub struct Hand {
    me: Addr,
    actor: Actor,
    shared: Shared,
    now: Instant,
    out: Outbox<Actor>,
    /// What rings when.
    alarms: Vec<(Instant, Timer)>,
    /// Everything that happened, as text.
    pub text: String,
}

impl Hand {
    pub fn new(place: Place, policy: &str) -> Hand {
        let second = Duration::from_secs(1);
        let workload = Workload { tables: 9, row_every: second.times(1000), rows: 1, until: second };
        let history = Arc::new(History::draw(&workload, Seed(1)));
        let policy = Arc::new(Policy::named(policy).expect("a preset"));
        let mut process = Process::new(N3, policy, history);
        process.see([N1, N2, N3]);
        let actor = match place {
            Place::Server => Actor::Server(Box::default()),
            Place::Coordinator => Actor::Coordinator(Box::default()),
            Place::Maintainers => Actor::Maintainers(Box::default()),
            Place::Dispatchers => Actor::Dispatchers(Box::default()),
        };
        let me = Addr::Node(N3, place);
        let (shared, out) = (Shared::Node(Box::new(process)), Outbox::by_hand(me));
        let (now, alarms) = (Instant::START, Vec::new());
        Hand { me, actor, shared, now, out, alarms, text: String::new() }
    }

    /// A message arrives from the same part of a node, or from the maintainers for the dispatchers.
    pub fn tell(&mut self, from: NodeId, msg: impl Into<Msg>) {
        let place = if matches!(self.me, Addr::Node(_, Place::Dispatchers)) {
            Place::Maintainers
        } else {
            Place::Dispatchers
        };
        let (from, msg) = (Addr::Node(from, place), msg.into());
        self.text += &format!("{from}: {msg}\n");
        self.input(Input::Message { from, msg });
    }

    /// The upstream has resolved everything up to here; not worth a line.
    pub fn resolve(&mut self, resolved: u64) {
        let msg = dispatchers::Inbox::Resolved { resolved: Ts(resolved) }.into();
        self.input(Input::Message { from: Addr::Upstream, msg });
    }

    /// Time passes: alarms ring.
    pub fn advance(&mut self, millis: u64) {
        let until = self.now + Duration::from_millis(millis);
        self.text += &format!("{millis} ms pass\n");
        while let Some(next) = self.alarms.iter().map(|(at, _)| *at).min().filter(|at| *at <= until) {
            self.now = next;
            let index = self.alarms.iter().position(|(at, _)| *at == next).expect("it was just found");
            let (_, timer) = self.alarms.remove(index);
            self.input(Input::Alarm(timer));
        }
        self.now = until;
    }

    fn input(&mut self, input: Input<Actor>) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let now = Now { steady: self.now, wall: self.now };
            self.actor.step(&mut self.shared, now, &input, &mut self.out);
            let (effects, notes) = self.out.take();
            for note in notes {
                self.text += &format!("    ** {note}\n");
            }
            for effect in effects {
                match effect {
                    Effect::Yield { timer } => inputs.push_back(Input::Alarm(timer)),
                    Effect::Alarm { timer, after } => self.alarms.push((self.now + after, timer)),
                    Effect::Send { to: Addr::Sink, msg: Msg::Sink(query) } => {
                        let msg = answer(&query).into();
                        inputs.push_back(Input::Message { from: Addr::Sink, msg });
                    }
                    effect => self.text += &format!("    {effect}\n"),
                }
            }
        }
    }
}

/// What the downstream answers.
fn answer(query: &sink::Inbox) -> sink::Reply {
    match query {
        sink::Inbox::Connect { query } => sink::Reply::Connected { query: *query },
        sink::Inbox::TableRecoveryInfo { query, tables, .. } => {
            sink::Reply::TableRecovery { query: *query, starts: vec![None; tables.len()] }
        }
        sink::Inbox::Execute { query, .. } => sink::Reply::Committed { query: *query },
    }
}

pub fn bootstrap(epoch: u64, trigger: Option<u32>) -> dispatchers::Inbox {
    dispatchers::Inbox::MaintainerBootstrapRequest {
        cf: CF,
        start_ts: Ts(10),
        trigger: trigger.map(|n| DispatcherId { maker: N1, n }),
        is_new: false,
        epoch: Epoch(epoch),
    }
}

pub fn close(epoch: u64, removed: bool) -> dispatchers::Inbox {
    dispatchers::Inbox::MaintainerCloseRequest { cf: CF, removed, epoch: Epoch(epoch) }
}

pub fn create(epoch: u64, n: u32) -> dispatchers::Inbox {
    schedule(epoch, n, dispatchers::Action::Create, dispatchers::OperatorType::Add)
}

pub fn remove(epoch: u64, n: u32) -> dispatchers::Inbox {
    schedule(epoch, n, dispatchers::Action::Remove, dispatchers::OperatorType::Remove)
}

fn schedule(
    epoch: u64,
    n: u32,
    action: dispatchers::Action,
    kind: dispatchers::OperatorType,
) -> dispatchers::Inbox {
    let request = ScheduleRequest {
        cf: CF,
        action,
        kind,
        id: DispatcherId { maker: N1, n },
        span: Some(Span::whole(TableId(n))),
        start_ts: Ts(10),
        mode: Mode::Default,
        epoch: Epoch(epoch),
    };
    dispatchers::Inbox::ScheduleDispatcherRequest { request }
}

pub fn add(epoch: u64) -> maintainer::Inbox {
    maintainer::Inbox::AddMaintainerRequest { cf: CF, checkpoint: Ts(10), is_new: false, epoch: Epoch(epoch) }
}

pub fn remove_maintainer(epoch: u64, cascade: bool) -> maintainer::Inbox {
    maintainer::Inbox::RemoveMaintainerRequest { cf: CF, cascade, removed: false, epoch: Epoch(epoch) }
}

pub fn coordinator(version: u64) -> maintainer::Inbox {
    maintainer::Inbox::CoordinatorBootstrapRequest { version }
}
