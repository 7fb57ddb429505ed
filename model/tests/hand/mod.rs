//! One party, driven by hand: yields go on at once, etcd, PD and the downstream answer at once unless they are held, time
//! passes only when it is told to.

#![allow(dead_code, reason = "shared by several test targets, each of which uses a part")]

pub mod settled;
pub mod term;
pub mod told;
pub mod watched;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use model::{
    Actor, Addr, ChangefeedConfig, ChangefeedId, DispatcherId, Epoch, History, Liveness, Mode, Msg, NodeId,
    Place, Policy, Process, Record, Shared, Span, TableId, Timer, Ts, Workload, dispatchers,
    dispatchers::{MergeRequest, ScheduleRequest},
    etcd::{CallId, ChangefeedInfo, Etcd, Inbox as Request, Job, Key, Op, Progress, Sparse, Value},
    maintainer,
    pd::Pd,
    sink::{Class, Downstream, Sink},
    upstream::Upstream,
    upstream::ddl::Ddl,
};
use sim::{
    Address as _, Duration, Effect, Input, Instant, Kind as _, Machine as _, Now, Outbox, Seed, StepId, What,
};

pub const N1: NodeId = NodeId { slot: 1, life: 0 };
pub const N2: NodeId = NodeId { slot: 2, life: 0 };
pub const N3: NodeId = NodeId { slot: 3, life: 0 };
pub const CF: ChangefeedId = ChangefeedId(1);

/// A party, and the services that it calls.
pub struct Hand {
    me: Addr,
    parties: BTreeMap<Addr, Party>,
    seed: Seed,
    /// What waits for a party that is held.
    held: BTreeMap<Addr, Held>,
    now: Instant,
    /// What rings when, and whose it is.
    alarms: Vec<(Instant, Addr, Timer)>,
    /// The yields that are to wait, by how they begin, and those that do.
    stalled: Vec<String>,
    waiting: Vec<(Addr, Timer)>,
    /// Messages and notes that are not worth a line, by name.
    overlooked: Vec<String>,
    /// Everything that happened, as text.
    pub text: String,
    /// Every step, and what it made of its actor.
    pub steps: Vec<(Record, Actor)>,
}

/// What a party lives in.
pub struct World {
    /// What there is to be replicated.
    pub workload: Workload,
    /// How changefeeds are configured, the downstream among other things.
    pub config: ChangefeedConfig,
    /// What falls out otherwise than by what a party is told.
    pub seed: Seed,
}

impl Default for World {
    fn default() -> World {
        World { workload: workload(), config: ChangefeedConfig::default(), seed: Seed(0) }
    }
}

/// A service that is silent.
#[derive(Default)]
struct Held {
    /// The messages that it does not hear; none named: all.
    only: Vec<&'static str>,
    waiting: Vec<Input<Actor>>,
}

struct Party {
    actor: Actor,
    shared: Shared,
    out: Outbox<Actor>,
}

impl Hand {
    /// A part of node n3, in a process that knows n1, n2 and n3; its server knows nobody.
    pub fn new(place: Place, policy: &str) -> Hand {
        Hand::at(N3, place, preset(policy))
    }

    /// The same part of another node.
    pub fn at(node: NodeId, place: Place, policy: Policy) -> Hand {
        Hand::with(node, place, policy, World::default())
    }

    /// The same, in another world.
    pub fn with(node: NodeId, place: Place, policy: Policy, world: World) -> Hand {
        let World { workload, config, seed } = world;
        let history = Arc::new(History::draw(&workload, Seed(1)));
        let sink = Sink::new(config.downstream.class, history.clone());
        let mut process = Process::new(node, Arc::new(policy), history);
        process.config = config;
        let actor = match place {
            Place::Server => Actor::Server(Box::default()),
            Place::Coordinator => Actor::Coordinator(Box::default()),
            Place::Maintainers => Actor::Maintainers(Box::default()),
            Place::Dispatchers => Actor::Dispatchers(Box::default()),
            Place::Messages => Actor::Messages(Box::default()),
        };
        if !matches!(place, Place::Server | Place::Messages) {
            process.see([N1, N2, N3]);
        }
        let mut hand = Hand::of(Addr::Node(node, place), actor, Shared::Node(Box::new(process)), seed);
        hand.join(Addr::Etcd, Actor::Etcd(Box::new(Etcd::holding(changefeed(1)))), Shared::Service);
        hand.join(Addr::Pd, Actor::Pd(Pd::default()), Shared::Service);
        hand.join(Addr::Sink, Actor::Sink(Box::new(sink)), Shared::Service);
        hand
    }

    /// The dispatchers of node n3, which replicate this to a downstream that is configured so.
    pub fn replicating(workload: &Workload, downstream: Downstream, policy: &str) -> Hand {
        let config = ChangefeedConfig { downstream, ..ChangefeedConfig::default() };
        let world = World { workload: workload.clone(), config, seed: Seed(0) };
        Hand::with(N3, Place::Dispatchers, preset(policy), world)
    }

    /// An empty etcd.
    pub fn etcd() -> Hand {
        Hand::of(Addr::Etcd, Actor::Etcd(Box::default()), Shared::Service, Seed(0))
    }

    /// A downstream without rows.
    pub fn sink(class: Class) -> Hand {
        let history = Arc::new(History::draw(&workload(), Seed(1)));
        let sink = Sink::new(class, history);
        Hand::of(Addr::Sink, Actor::Sink(Box::new(sink)), Shared::Service, Seed(0))
    }

    fn of(me: Addr, actor: Actor, shared: Shared, seed: Seed) -> Hand {
        let (parties, held, now) = (BTreeMap::new(), BTreeMap::new(), Instant::START);
        let (alarms, text, steps) = (Vec::new(), String::new(), Vec::new());
        let (stalled, waiting, overlooked) = (Vec::new(), Vec::new(), Vec::new());
        let mut hand =
            Hand { me, parties, seed, held, now, alarms, stalled, waiting, overlooked, text, steps };
        hand.join(me, actor, shared);
        hand
    }

    fn join(&mut self, addr: Addr, actor: Actor, shared: Shared) {
        self.parties.insert(addr, Party { actor, shared, out: Outbox::by_hand_under(addr, self.seed) });
    }

    /// The host comes up.
    pub fn start(&mut self) {
        self.text += &format!("{} starts\n", self.me);
        self.input(self.me, Input::Start);
    }

    /// A message arrives from whoever sends such messages: dispatchers hear maintainers, etcd hears servers.
    pub fn tell(&mut self, from: NodeId, msg: impl Into<Msg>) {
        let place = match self.me {
            Addr::Node(_, Place::Dispatchers | Place::Coordinator) => Place::Maintainers,
            Addr::Node(_, Place::Maintainers) => Place::Dispatchers,
            _ => Place::Server,
        };
        self.hear(Addr::Node(from, place), msg);
    }

    /// A message arrives.
    pub fn hear(&mut self, from: Addr, msg: impl Into<Msg>) {
        let msg = msg.into();
        self.text += &format!("{from}: {msg}\n");
        self.input(self.me, Input::Message { from, msg });
    }

    /// The host crashes and comes up again.
    pub fn crash(&mut self) {
        self.text += &format!("{} crashes\n", self.me);
        if let Some(Party { actor, mut shared, .. }) = self.parties.remove(&self.me) {
            self.alarms.retain(|(_, whose, _)| *whose != self.me);
            Actor::reboot(&mut shared);
            self.me = self.me.reborn();
            self.join(self.me, actor.recover(), shared);
        }
        self.start();
    }

    /// Somebody else changes etcd.
    pub fn change(&mut self, op: Op) {
        let request = Request::TxnRequest {
            call: CallId(0),
            compares: Vec::new(),
            then: vec![op],
            otherwise: Vec::new(),
        };
        let (from, msg) = (Addr::Node(N1, Place::Server), request.into());
        self.text += &format!("{from} to etcd: {msg}\n");
        self.input(Addr::Etcd, Input::Message { from, msg });
    }

    /// Somebody else asks a service.
    pub fn ask(&mut self, service: Addr, from: Addr, msg: impl Into<Msg>) {
        let msg = msg.into();
        self.text += &format!("{from} to {service}: {msg}\n");
        self.input(service, Input::Message { from, msg });
    }

    /// The outside world asks for something.
    pub fn command(&mut self, to: Addr, command: impl Into<model::Command>) {
        let command = command.into();
        self.text += &format!("{command} at {to}\n");
        self.input(to, Input::Command(command));
    }

    /// The upstream has resolved everything up to here; not worth a line.
    pub fn resolve(&mut self, resolved: u64) {
        let msg = dispatchers::Inbox::Resolved { resolved: Ts(resolved) }.into();
        self.input(self.me, Input::Message { from: Addr::Upstream, msg });
    }

    /// The process sees other nodes.
    pub fn see(&mut self, nodes: &[NodeId]) {
        let Some(Party { shared: Shared::Node(process), .. }) = self.parties.get_mut(&self.me) else {
            return;
        };
        match self.me {
            // The message centre connects with them itself.
            Addr::Node(_, Place::Messages) => process.set_view(nodes.iter().copied().collect()),
            _ => process.see(nodes.iter().copied()),
        }
    }

    /// Rows of the upstream change when this says so, and not otherwise.
    pub fn change_only(&mut self, span: Span, times: &[(Ts, u32)]) {
        self.history().change_only(span, times);
    }

    /// The schema of the upstream changes once more.
    pub fn add_ddl(&mut self, ddl: Ddl) {
        self.history().add_ddl(ddl);
    }

    /// There is a syncpoint whenever so many microseconds have passed.
    pub fn set_sync_points(&mut self, every: u64) {
        self.history().set_sync_points(every);
    }

    /// The upstream as its node sees it.
    pub fn upstream(&self) -> Actor {
        match self.parties.get(&self.me) {
            Some(Party { shared: Shared::Node(process), .. }) => {
                Actor::Upstream(Upstream::new(process.history.clone(), std::iter::empty()))
            }
            _ => panic!("services know no upstream"),
        }
    }

    fn history(&mut self) -> &mut History {
        match self.parties.get_mut(&self.me) {
            Some(Party { shared: Shared::Node(process), .. }) => Arc::make_mut(&mut process.history),
            _ => panic!("{} is no part of a node", self.me),
        }
    }

    /// The process is to have this liveness, if it may; whether it has changed.
    pub fn store_liveness(&mut self, liveness: Liveness) -> bool {
        self.text += &format!("{liveness} is stored\n");
        match self.parties.get_mut(&self.me) {
            Some(Party { shared: Shared::Node(process), .. }) => process.store_liveness(liveness),
            _ => panic!("{} is no part of a node", self.me),
        }
    }

    /// From now on messages and notes of this name are not told of.
    pub fn overlook(&mut self, name: &str) {
        self.text += &format!("{name} is overlooked\n");
        self.overlooked.push(name.to_owned());
    }

    /// What a service is asked from now on waits.
    pub fn hold(&mut self, service: Addr) {
        self.text += &format!("{service} is silent\n");
        self.held.entry(service).or_default().only.clear();
    }

    /// Of what a service is asked from now on, messages of this name wait.
    pub fn hold_only(&mut self, service: Addr, kind: &'static str) {
        self.text += &format!("{service} does not hear {kind}\n");
        self.held.entry(service).or_default().only.push(kind);
    }

    /// How much waits for a service, if it is held.
    pub fn waiting_for(&self, service: Addr) -> Option<usize> {
        self.held.get(&service).map(|held| held.waiting.len())
    }

    /// A service that is silent hears the first message that has waited.
    pub fn serve(&mut self, service: Addr) {
        let held = self.held.get_mut(&service).expect("it is silent");
        let input = held.waiting.remove(0);
        self.text += &format!("{service} answers once\n");
        self.input(service, input);
    }

    /// What has waited for a service is lost.
    pub fn lose(&mut self, service: Addr) -> Vec<Input<Actor>> {
        self.text += &format!("what {service} was asked is lost\n");
        self.held.get_mut(&service).map(|held| std::mem::take(&mut held.waiting)).unwrap_or_default()
    }

    /// A service hears what has waited, and everything from now on.
    pub fn release(&mut self, service: Addr) {
        self.text += &format!("{service} answers\n");
        for input in self.held.remove(&service).unwrap_or_default().waiting {
            self.input(service, input);
        }
    }

    /// A thread stands still from now on wherever another one can get in: yields that begin so wait.
    pub fn stall(&mut self, timer: &str) {
        self.text += &format!("{timer} stands still\n");
        self.stalled.push(timer.to_owned());
    }

    /// What stands still takes one step.
    pub fn one_step(&mut self) {
        self.text += "one step\n";
        for (whose, timer) in std::mem::take(&mut self.waiting) {
            self.input(whose, Input::Alarm(timer));
        }
    }

    /// What stands still already stays so; all others go on.
    pub fn stall_no_more(&mut self) {
        self.stalled.clear();
        self.text += "no more stand still\n";
    }

    /// What stands still goes on.
    pub fn go_on(&mut self) {
        self.stalled.clear();
        self.text += "all go on\n";
        for (whose, timer) in std::mem::take(&mut self.waiting) {
            self.input(whose, Input::Alarm(timer));
        }
    }

    /// Time passes: alarms ring.
    pub fn advance(&mut self, millis: u64) {
        let until = self.now + Duration::from_millis(millis);
        self.text += &format!("{millis} ms pass\n");
        while let Some(next) = self.alarms.iter().map(|(at, ..)| *at).min().filter(|at| *at <= until) {
            self.now = next;
            let index = self.alarms.iter().position(|(at, ..)| *at == next).expect("it was just found");
            let (_, whose, timer) = self.alarms.remove(index);
            self.input(whose, Input::Alarm(timer));
        }
        self.now = until;
    }

    /// Who is driven.
    pub fn me(&self) -> Addr {
        self.me
    }

    /// The state of the party, and of its process.
    pub fn state(&self) -> String {
        let Party { actor, shared, .. } = &self.parties[&self.me];
        let process = match shared {
            Shared::Node(process) => {
                let view: Vec<String> = process.view().iter().map(ToString::to_string).collect();
                format!("{} is {} and sees {}\n", process.id, process.liveness, view.join(", "))
            }
            Shared::Service => String::new(),
        };
        let targets = match (self.me, shared) {
            (Addr::Node(_, Place::Messages), Shared::Node(process)) => process.targets().to_string(),
            _ => String::new(),
        };
        process + &targets + &actor.describe()
    }

    /// The party as it is now.
    pub fn actor(&self) -> &Actor {
        &self.parties[&self.me].actor
    }

    /// Changefeeds are configured differently.
    pub fn configure(&mut self, change: impl FnOnce(&mut ChangefeedConfig)) {
        let party = self.parties.get_mut(&self.me).expect("it is there");
        match &mut party.shared {
            Shared::Node(process) => change(&mut process.config),
            Shared::Service => panic!("{} is no part of a node", self.me),
        }
    }

    /// The memory that the party shares with the rest of its process.
    pub fn process(&self) -> &Process {
        match &self.parties[&self.me].shared {
            Shared::Node(process) => process,
            Shared::Service => panic!("{} is no part of a node", self.me),
        }
    }

    fn input(&mut self, to: Addr, input: Input<Actor>) {
        let mut inputs = VecDeque::from([(to, input)]);
        while let Some((to, input)) = inputs.pop_front() {
            let Some(Party { actor, shared, out }) = self.parties.get_mut(&to) else { continue };
            let now = Now { steady: self.now, wall: self.now };
            actor.step(shared, now, &input, out);
            let (effects, notes) = out.take();
            for note in notes
                .iter()
                .map(ToString::to_string)
                .filter(|note| !self.overlooked.iter().any(|name| starts_with(note, name)))
            {
                self.text += &format!("    ** {note}\n");
            }
            let what = What::Step { actor: to, input };
            let record = Record { id: StepId(0), at: self.now, cause: None, what, notes };
            self.steps.push((record, actor.clone()));
            for effect in effects {
                let told = to == self.me && is_told(&effect);
                let line = if told { effect.to_string() } else { String::new() };
                if told
                    && !self.overlooked.iter().any(|name| starts_with(line.trim_start_matches("-> "), name))
                {
                    self.text += &format!("    {line}\n");
                }
                match effect {
                    Effect::Yield { timer } => {
                        let name = timer.to_string();
                        if self.stalled.iter().any(|stalled| name.starts_with(stalled.as_str())) {
                            self.waiting.push((to, timer));
                        } else {
                            inputs.push_back((to, Input::Alarm(timer)));
                        }
                    }
                    Effect::Alarm { timer, after } => self.alarms.push((self.now + after, to, timer)),
                    Effect::Send { to: receiver, msg } => {
                        let input = Input::Message { from: to, msg };
                        match self.held.get_mut(&receiver) {
                            Some(held) if held.holds(&input) => held.waiting.push(input),
                            _ => inputs.push_back((receiver, input)),
                        }
                    }
                    Effect::SendAs { from, to: receiver, msg } => {
                        inputs.push_back((receiver, Input::Message { from, msg }))
                    }
                    Effect::Sever { .. } | Effect::Exit { .. } => {}
                }
            }
        }
    }
}

/// Whether this is the first word of a line.
fn starts_with(line: &str, name: &str) -> bool {
    line.split(' ').next() == Some(name)
}

impl Held {
    fn holds(&self, input: &Input<Actor>) -> bool {
        let is_named = |msg: &Msg| self.only.contains(&Msg::name(msg.kind()));
        self.only.is_empty() || matches!(input, Input::Message { msg, .. } if is_named(msg))
    }
}

pub fn preset(name: &str) -> Policy {
    Policy::named(name).expect("a preset")
}

/// What is worth a line: what others hear. Of what services are asked, that is what changes something.
fn is_told(effect: &Effect<Actor>) -> bool {
    match effect {
        Effect::Yield { .. } | Effect::Alarm { .. } => false,
        Effect::Send { msg: Msg::Sink(_), .. } => false,
        Effect::Send { msg: Msg::Etcd(request), .. } => matches!(request, Request::TxnRequest { .. }),
        Effect::Send { .. } | Effect::SendAs { .. } | Effect::Sever { .. } | Effect::Exit { .. } => true,
    }
}

/// A row now and then, for ten seconds, but not within the first 100 us.
pub fn workload() -> Workload {
    let second = Duration::from_secs(1);
    Workload { tables: 9, row_every: second, rows: 1, until: second.times(10), ..Workload::default() }
}

/// What etcd holds of the changefeed.
pub fn changefeed(epoch: u64) -> [(Key, Value); 2] {
    let info = ChangefeedInfo::new(Epoch(epoch), Ts(10));
    let job = Job { checkpoint: Ts(10), progress: Progress::None };
    [(Key::Info(CF), Value::Info(Box::new(info))), (Key::Job(CF), Value::Job(job))]
}

pub fn bootstrap(epoch: u64, trigger: Option<u32>) -> dispatchers::Inbox {
    dispatchers::Inbox::MaintainerBootstrapRequest {
        cf: CF,
        start_ts: Ts(10),
        trigger: trigger.map(|n| DispatcherId { maker: N1, n }),
        is_new: false,
        epoch: Epoch(epoch),
        config: None,
        redo: Default::default(),
    }
}

pub fn close(epoch: u64, removed: bool) -> dispatchers::Inbox {
    dispatchers::Inbox::MaintainerCloseRequest { cf: CF, removed, epoch: Epoch(epoch) }
}

pub fn create(epoch: u64, n: u32) -> dispatchers::Inbox {
    schedule(epoch, n, dispatchers::Action::Create, dispatchers::OperatorType::Add)
}

/// Part `n` of so many parts of table 7.
pub fn create_part(epoch: u64, n: u32, parts: u32) -> dispatchers::Inbox {
    let key = |n: u32| Span::KEYS / parts * n;
    let span = Span { table: TableId(7), from: key(n - 1), to: key(n) };
    let create = schedule(epoch, n, dispatchers::Action::Create, dispatchers::OperatorType::Split);
    changed(create, |request| request.span = Some(span))
}

/// The dispatchers `sources` are to become dispatcher `merged`; zero is none.
pub fn merge(epoch: u64, sources: &[u32], merged: u32) -> dispatchers::Inbox {
    let id = |n| if n == 0 { DispatcherId::NONE } else { DispatcherId { maker: N1, n } };
    let request = MergeRequest {
        cf: CF,
        merged: id(merged),
        sources: sources.iter().map(|n| id(*n)).collect(),
        mode: Mode::Default,
        epoch: Epoch(epoch),
    };
    dispatchers::Inbox::MergeDispatcherRequest { request }
}

/// A request to create or remove a dispatcher, with a difference.
pub fn changed(request: dispatchers::Inbox, change: impl FnOnce(&mut ScheduleRequest)) -> dispatchers::Inbox {
    let dispatchers::Inbox::ScheduleDispatcherRequest { mut request } = request else {
        panic!("{request} creates and removes nothing")
    };
    change(&mut request);
    dispatchers::Inbox::ScheduleDispatcherRequest { request }
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
        skip_dml: false,
        mode: Mode::Default,
        epoch: Epoch(epoch),
    };
    dispatchers::Inbox::ScheduleDispatcherRequest { request }
}

pub fn add(epoch: u64) -> maintainer::Inbox {
    maintainer::Inbox::AddMaintainerRequest {
        cf: CF,
        checkpoint: Ts(10),
        is_new: false,
        epoch: Epoch(epoch),
        config: None,
        sparse: Sparse(false),
    }
}

pub fn remove_maintainer(epoch: u64, cascade: bool) -> maintainer::Inbox {
    maintainer::Inbox::RemoveMaintainerRequest { cf: CF, cascade, removed: false, epoch: Epoch(epoch) }
}

pub fn coordinator(version: u64) -> maintainer::Inbox {
    maintainer::Inbox::CoordinatorBootstrapRequest { version }
}
