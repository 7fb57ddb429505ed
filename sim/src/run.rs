//! A run: the loop that takes the next event, lets an actor handle it, and lends the record of it.

use std::{collections::VecDeque, hash::Hash};

use crate::{
    Address, Class, Decided, Decisions, Digest, Duration, Fault, HostId, HostSpec, Instant, Kind,
    LinkWeather, Loss, Machine, Message, Moment, Now, Outbox, Planned, Record, Seed, StepId, What, Who,
    body::{Body, Parcel, Stage},
    host::{Host, Up},
    local::Local,
    machine::{Asked, Input},
    network::{Due, Network},
    plan::Waits,
    queue::Queue,
    random::Random,
};

/// Hosts and the classes of links between them.
#[derive(Clone, Debug)]
pub struct Layout<M: Machine> {
    /// The hosts, by number.
    pub hosts: Vec<HostSpec<M>>,
    /// The weather of each class of links, by number.
    pub classes: Vec<LinkWeather>,
}

/// An actor in a run.
#[derive(Clone, Debug)]
pub(crate) struct Actor<M: Machine> {
    pub(crate) machine: M,
    pub(crate) host: HostId,
    /// Its address in this life and in its first.
    pub(crate) addr: M::Addr,
    pub(crate) home: M::Addr,
    /// By queue, no later message gets to it before this.
    queues: Vec<Instant>,
}

/// One run. Stepping it is the only way to change it; a clone goes the same way as its original.
#[derive(Clone, Debug)]
pub struct Sim<M: Machine> {
    pub(crate) now: Instant,
    pub(crate) queue: Queue,
    /// Slots of what happens now, before anything that is queued.
    pub(crate) front: VecDeque<u32>,
    pub(crate) actors: Vec<Actor<M>>,
    pub(crate) hosts: Vec<Host<M>>,
    pub(crate) names: Vec<String>,
    /// Actor numbers by address index.
    by_index: Vec<u32>,
    pub(crate) network: Network,
    /// Whether only a core has healed.
    pub(crate) has_core: bool,
    local: Local,
    pub(crate) out: Outbox<M>,
    waits: Waits<M>,
    record: Record<M>,
    digest: Digest,
}

impl<M: Machine> Sim<M> {
    /// A run that has not begun. Panics if the layout makes no sense: two actors of one address index, a class
    /// without weather, no actors.
    pub fn new(layout: Layout<M>, plan: Vec<Planned<M>>, seed: Seed, decisions: &Decisions) -> Sim<M> {
        let mut random = Random::new(seed, decisions);
        let classes: Vec<Class> = layout.hosts.iter().map(|host| host.class).collect();
        let network = Network::new::<M>(&classes, layout.classes, random.is_special());
        let (mut actors, mut hosts, mut names) = (Vec::new(), Vec::new(), Vec::new());
        for (id, spec) in (0..).zip(layout.hosts) {
            let first = actors.len();
            actors.extend(spec.actors.into_iter().map(|(addr, machine)| Actor {
                machine,
                host: HostId(id),
                addr,
                home: addr,
                queues: Vec::new(),
            }));
            let boot = random.stream(&format!("boot {}", spec.name));
            names.push(spec.name);
            hosts.push(Host {
                up: Up::Down,
                life: 0,
                broken: false,
                clock: spec.clock,
                weather: spec.weather,
                shared: spec.shared,
                actors: first..actors.len(),
                pile: Vec::new(),
                boot,
            });
        }
        let mut by_index = Vec::new();
        for (number, actor) in (0..).zip(&actors) {
            let index = actor.addr.index();
            by_index.resize(by_index.len().max(index + 1), u32::MAX);
            assert!(by_index[index] == u32::MAX, "two actors have the address {}", actor.addr);
            by_index[index] = number;
        }
        let (timed, waits) = Waits::part(plan);
        let first = actors.first().expect("a run has actors").addr;
        let mut sim = Sim {
            now: Instant::START,
            queue: Queue::default(),
            front: VecDeque::new(),
            local: Local::new::<M>(actors.len()),
            actors,
            hosts,
            names,
            by_index,
            network,
            has_core: false,
            out: Outbox::new(random, first),
            waits,
            record: Record {
                id: StepId(0),
                at: Instant::START,
                cause: None,
                what: What::Nothing,
                notes: Vec::new(),
            },
            digest: Digest::default(),
        };
        for host in sim.host_ids() {
            sim.boot(host, None);
        }
        for (at, fault) in timed {
            sim.schedule(at, Body::Fault { fault: Box::new(fault), cause: None, planned: true });
        }
        sim
    }

    /// Lets the next thing happen, if it is due at `until` or before. Returns whether something did; [`Self::record`]
    /// then tells what.
    pub fn step(&mut self, until: Instant) -> bool {
        loop {
            let slot = match self.front.pop_front() {
                Some(slot) => slot,
                None => match self.queue.pop(until) {
                    Some((at, slot)) => {
                        assert!(self.now <= at, "time runs forward");
                        self.now = at;
                        slot
                    }
                    None => return false,
                },
            };
            if self.happen(slot) {
                return true;
            }
        }
    }

    /// What happened in the last step.
    pub fn record(&self) -> &Record<M> {
        &self.record
    }

    /// True time.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// The digest of all records so far.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// How many things are still to happen.
    pub fn pending(&self) -> usize {
        self.queue.len() + self.front.len()
    }

    /// How many overrides have been applied so far.
    pub fn overrides_used(&self) -> usize {
        self.out.random.overrides_used()
    }

    /// What was decided otherwise than nominally so far, in order; nothing, unless a list was asked for.
    pub fn decided(&self) -> impl Iterator<Item = Decided> {
        self.out.random.decided()
    }

    /// All actors with their present addresses, those of hosts that are down included.
    pub fn machines(&self) -> impl Iterator<Item = (M::Addr, &M)> {
        self.actors.iter().map(|actor| (actor.addr, &actor.machine))
    }

    /// The actor at this address, in whatever life it is.
    pub fn machine(&self, addr: M::Addr) -> &M {
        &self.actors[self.number(addr)].machine
    }

    /// The host of the actor at this address.
    pub fn host_of(&self, addr: M::Addr) -> HostId {
        self.actors[self.number(addr)].host
    }

    /// Whether a host is up, paused or not.
    pub fn is_up(&self, host: HostId) -> bool {
        self.hosts[usize::from(host.0)].up != Up::Down
    }

    /// Whether a host is up and not paused.
    pub fn is_running(&self, host: HostId) -> bool {
        self.hosts[usize::from(host.0)].up == Up::Running
    }

    /// Whether a link from a host to another one is cut, clogged or slow.
    pub fn is_broken(&self, from: HostId, to: HostId) -> bool {
        self.network.is_broken(self.network.link(from, to))
    }

    /// What the actors of a host share.
    pub fn shared(&self, host: HostId) -> &M::Shared {
        &self.hosts[usize::from(host.0)].shared
    }

    /// What the clocks of a host say.
    pub fn clock(&self, host: HostId) -> Now {
        self.hosts[usize::from(host.0)].clock.read(self.now)
    }

    /// The names of the hosts, by number.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// All hosts.
    pub fn host_ids(&self) -> impl Iterator<Item = HostId> + use<M> {
        let count = u16::try_from(self.hosts.len()).expect("hosts are few");
        (0..count).map(HostId)
    }

    /// Makes a fault happen next, as if it had been planned for now.
    pub fn strike(&mut self, fault: Fault<M>) {
        self.next(Body::Fault { fault: Box::new(fault), cause: None, planned: false });
    }

    #[inline]
    pub(crate) fn number(&self, addr: M::Addr) -> usize {
        self.by_index[addr.index()] as usize
    }

    pub(crate) fn schedule(&mut self, at: Instant, body: Body<M>) {
        let slot = self.out.bodies.insert(body);
        self.queue.push(at, slot);
    }

    /// Lets this happen at this time, after what is to happen at once already.
    pub(crate) fn at_once(&mut self, body: Body<M>) {
        let slot = self.out.bodies.insert(body);
        self.front.push_back(slot);
    }

    /// Lets this happen before anything else.
    fn next(&mut self, body: Body<M>) {
        let slot = self.out.bodies.insert(body);
        self.front.push_front(slot);
    }

    /// Lets what is in this slot happen; whether that is worth a record.
    #[inline]
    fn happen(&mut self, slot: u32) -> bool {
        match self.out.bodies.get_mut(slot) {
            Body::Parcel(parcel) => match parcel.stage {
                Stage::Wire => self.arrive(slot),
                Stage::Door => self.knock(slot),
                Stage::Inside { life } => {
                    let host = &self.hosts[usize::from(self.actors[parcel.receiver as usize].host.0)];
                    match host.up {
                        Up::Running if host.life == life => self.deliver(slot),
                        Up::Paused if host.life == life => self.pile(slot),
                        _ => self.lose(slot, Loss::Down),
                    }
                }
                Stage::Full => self.lose(slot, Loss::Full),
                Stage::Down => self.lose(slot, Loss::Down),
                Stage::Broken => self.lose(slot, Loss::Broken),
            },
            Body::Alarm { actor, life, timer, cause, .. } => {
                let host = &self.hosts[usize::from(self.actors[*actor as usize].host.0)];
                let (number, timer, cause) = (*actor as usize, *timer, *cause);
                match host.up {
                    Up::Running if host.life == *life => {
                        self.out.bodies.take(slot);
                        self.handle(number, Input::Alarm(timer), Some(cause))
                    }
                    Up::Paused if host.life == *life => self.pile(slot),
                    _ => {
                        self.out.bodies.take(slot);
                        false
                    }
                }
            }
            _ => self.seldom(slot),
        }
    }

    #[cold]
    fn seldom(&mut self, slot: u32) -> bool {
        match self.out.bodies.take(slot) {
            Body::Boot { host, life, cause } => {
                self.come_up(host, life, cause);
                false
            }
            Body::Start { actor, cause } => self.handle(actor as usize, Input::Start, cause),
            Body::Fault { planned: true, .. } if self.network.is_calm() => false,
            Body::Fault { fault, cause, .. } => self.fault(*fault, cause),
            Body::Undo { undo, cause } => self.undo(*undo, cause),
            Body::Void | Body::Parcel(_) | Body::Alarm { .. } => false,
        }
    }

    /// A message comes to the end of its link.
    #[inline]
    fn arrive(&mut self, slot: u32) -> bool {
        let Body::Parcel(parcel) = self.out.bodies.get_mut(slot) else { return false };
        let way = parcel.way;
        if self.network.is_plain(way) {
            return self.knock(slot);
        }
        let streamed = parcel.msg.stream().is_some();
        let why = match self.network.due(&mut self.out.random, way) {
            Due::Arrives => {
                if let Some(later) = self.network.copies(&mut self.out.random, way, streamed) {
                    self.copy(slot, later);
                }
                return self.knock(slot);
            }
            Due::Held => {
                self.network.hold(way, slot);
                return false;
            }
            Due::Refused => return self.refuse(slot, Loss::Cut),
            Due::Cut => Loss::Cut,
            Due::Lost => Loss::Weather,
        };
        self.network.leave(way);
        self.lose(slot, why)
    }

    #[cold]
    fn copy(&mut self, slot: u32, later: Duration) {
        if let Body::Parcel(parcel) = self.out.bodies.get_mut(slot) {
            let copy = Body::Parcel(Parcel { stage: Stage::Door, ..parcel.clone() });
            if later == Duration::ZERO { self.next(copy) } else { self.schedule(self.now + later, copy) }
        }
    }

    /// A message stands at the door of its host.
    #[inline]
    fn knock(&mut self, slot: u32) -> bool {
        let Body::Parcel(parcel) = self.out.bodies.get_mut(slot) else { return false };
        let host = &mut self.hosts[usize::from(self.actors[parcel.receiver as usize].host.0)];
        match host.up {
            Up::Running => {}
            Up::Down => return self.refuse(slot, Loss::Down),
            Up::Paused => {
                parcel.stage = Stage::Door;
                return self.pile(slot);
            }
        }
        self.network.leave(parcel.way);
        let now = host.clock.read(self.now);
        if let Err(why) = M::admit(&mut host.shared, now, parcel.from, parcel.to, &parcel.msg) {
            return self.lose(slot, Loss::Refused(why));
        }
        if host.weather.hop.is_none() {
            return self.deliver(slot);
        }
        self.enter(slot);
        false
    }

    /// A message is inside the host of its actor, and will come to it after a hop.
    #[inline]
    pub(crate) fn enter(&mut self, slot: u32) {
        let Outbox { bodies, random, .. } = &mut self.out;
        let Body::Parcel(parcel) = bodies.get_mut(slot) else { return };
        let number = parcel.receiver as usize;
        let actor = &mut self.actors[number];
        let host = &self.hosts[usize::from(actor.host.0)];
        let mut at = self.now;
        if let Some(latency) = &host.weather.hop {
            at = at + self.local.hop::<M>(random, (number, actor.home), &parcel.msg, latency);
        }
        if let Some(queue) = parcel.msg.queue() {
            if actor.queues.len() <= queue {
                actor.queues.resize(queue + 1, Instant::START);
            }
            at = at.max(actor.queues[queue]);
            actor.queues[queue] = at;
        }
        parcel.stage = Stage::Inside { life: host.life };
        self.queue.push(at, slot);
    }

    #[inline]
    fn deliver(&mut self, slot: u32) -> bool {
        let Body::Parcel(parcel) = self.out.bodies.take(slot) else { return false };
        let Parcel { from, receiver, cause, msg, .. } = parcel;
        self.handle(receiver as usize, Input::Message { from, msg }, Some(cause))
    }

    /// What would happen on a paused host waits until it goes on.
    #[cold]
    fn pile(&mut self, slot: u32) -> bool {
        let number = match self.out.bodies.get_mut(slot) {
            Body::Parcel(parcel) => parcel.receiver,
            Body::Alarm { actor, .. } => *actor,
            _ => return false,
        };
        let host = self.actors[number as usize].host;
        self.hosts[usize::from(host.0)].pile.push(slot);
        false
    }

    fn come_up(&mut self, id: HostId, life: u32, cause: Option<StepId>) {
        let host = &mut self.hosts[usize::from(id.0)];
        if host.up == Up::Down && host.life == life {
            (host.up, host.broken) = (Up::Running, false);
            for actor in host.actors.clone() {
                self.at_once(Body::Start { actor: actor as u32, cause });
            }
        }
    }

    #[cold]
    pub(crate) fn lose(&mut self, slot: u32, why: Loss) -> bool {
        let Body::Parcel(parcel) = self.out.bodies.take(slot) else { return false };
        let Parcel { from, to, msg, cause, .. } = parcel;
        self.digest.fold(4 << 16 | msg.kind() as u64);
        self.digest.fold((from.index() as u64) << 32 | to.index() as u64);
        why.hash(&mut self.digest);
        msg.hash(&mut self.digest);
        self.record.what = What::Lost { from, to, msg, why };
        tell(&mut self.record, &mut self.digest, self.now, Some(cause));
        true
    }

    /// Lets an actor handle an input. Always worth a record.
    #[inline]
    pub(crate) fn handle(&mut self, number: usize, input: Input<M>, cause: Option<StepId>) -> bool {
        let actor = &mut self.actors[number];
        let host = &mut self.hosts[usize::from(actor.host.0)];
        let addr = actor.addr;
        fold_input(&mut self.digest, number, &input);
        self.record.what = What::Step { actor: addr, input };
        tell(&mut self.record, &mut self.digest, self.now, cause);
        self.out.begin(addr, actor.home, self.record.id);
        let now = host.clock.read(self.now);
        if let What::Step { input, .. } = &self.record.what {
            actor.machine.step(&mut host.shared, now, input, &mut self.out);
        }
        if !self.out.notes.is_empty() {
            std::mem::swap(&mut self.record.notes, &mut self.out.notes);
            for note in &self.record.notes {
                self.digest.fold(note.kind() as u64);
                note.hash(&mut self.digest);
            }
        }
        if !self.out.asked.is_empty() {
            self.carry_out(number, now);
        }
        if !self.waits.is_empty() {
            self.moments(number);
        }
        true
    }

    pub(crate) fn tell_fault(&mut self, cause: Option<StepId>, fault: Fault<M>, kind: u64) {
        self.digest.fold(5 << 16 | kind);
        self.record.what = What::Fault(fault);
        tell(&mut self.record, &mut self.digest, self.now, cause);
    }

    /// Carries out what an actor asked for in its step.
    #[inline]
    fn carry_out(&mut self, number: usize, now: Now) {
        for n in 0..self.out.asked.len() {
            match self.out.asked[n] {
                Asked::Send { slot } => self.send(number, slot),
                Asked::Sever { with } => {
                    let (here, there) = (self.actors[number].host, self.host_of(with));
                    self.sever(here, there);
                }
                Asked::Alarm { timer, after } => self.set_alarm(number, timer, now.steady + after),
                Asked::Yield { timer } => {
                    let Actor { home, host, .. } = &self.actors[number];
                    let host = &self.hosts[usize::from(host.0)];
                    let random = &mut self.out.random;
                    let delay = self.local.yields::<M>(random, (number, *home), &timer, &host.weather.yields);
                    let steady = now.steady + delay;
                    let (actor, life, cause) = (number as u32, host.life, self.record.id);
                    self.schedule(self.now + delay, Body::Alarm { actor, life, timer, steady, cause });
                }
                Asked::Exit { back_after } => {
                    let who = Who::Host(self.actors[number].host);
                    let fault = Box::new(Fault::Crash { who, back_after });
                    self.next(Body::Fault { fault, cause: Some(self.record.id), planned: false });
                }
            }
        }
        self.out.asked.clear();
    }

    #[inline]
    fn set_alarm(&mut self, number: usize, timer: M::Timer, mut steady: Instant) {
        let Actor { home, host, .. } = &self.actors[number];
        let host = &self.hosts[usize::from(host.0)];
        if let Some(latency) = &host.weather.slack {
            steady = steady + self.local.slack::<M>(&mut self.out.random, (number, *home), &timer, latency);
        }
        let (actor, life, cause) = (number as u32, host.life, self.record.id);
        let at = host.clock.true_time(steady).max(self.now);
        self.schedule(at, Body::Alarm { actor, life, timer, steady, cause });
    }

    #[inline]
    fn send(&mut self, number: usize, slot: u32) {
        let Outbox { bodies, random, .. } = &mut self.out;
        let Body::Parcel(parcel) = bodies.get_mut(slot) else { return };
        let receiver = self.by_index[parcel.to.index()];
        parcel.receiver = receiver;
        let (here, there) = (self.actors[number].host, self.actors[receiver as usize].host);
        if here == there {
            return self.enter(slot);
        }
        let link = self.network.link(here, there);
        match self.network.send::<M>(random, &self.names, self.now, link, &parcel.msg) {
            Some((way, due)) => {
                parcel.way = way;
                self.queue.push(due, slot);
            }
            None => {
                parcel.stage = Stage::Full;
                self.front.push_back(slot);
            }
        }
    }

    /// Looks whether this record is a moment that a fault waits for.
    fn moments(&mut self, number: usize) {
        let index = self.actors[number].addr.index();
        if let What::Step { input: Input::Message { msg, .. }, .. } = &self.record.what {
            self.reach(Moment::Message(msg.kind()), index);
        }
        for n in 0..self.record.notes.len() {
            self.reach(Moment::Note(self.record.notes[n].kind()), index);
        }
    }

    fn reach(&mut self, moment: Moment, index: usize) {
        let cause = Some(self.record.id);
        for (after, mut fault) in self.waits.reached(moment, index).into_iter().rev() {
            self.settle_ends(&mut fault);
            let body = Body::Fault { fault: Box::new(fault), cause, planned: true };
            if after.nanos() == 0 { self.next(body) } else { self.schedule(self.now + after, body) }
        }
    }

    /// The hosts of the sender and of the receiver of the message of this record; the actor's own without a message.
    pub(crate) fn ends(&self) -> Option<(HostId, HostId)> {
        match &self.record.what {
            What::Step { actor, input: Input::Message { from, .. } } => {
                Some((self.host_of(*from), self.host_of(*actor)))
            }
            What::Step { actor, .. } => Some((self.host_of(*actor), self.host_of(*actor))),
            What::Nothing | What::Lost { .. } | What::Fault(_) => None,
        }
    }
}

/// Numbers and dates the next record.
#[inline]
fn tell<M: Machine>(record: &mut Record<M>, digest: &mut Digest, now: Instant, cause: Option<StepId>) {
    record.id.0 += 1;
    record.at = now;
    record.cause = cause;
    if !record.notes.is_empty() {
        record.notes.clear();
    }
    digest.fold(now.nanos());
    digest.fold(cause.map_or(0, |cause| cause.0));
}

/// Folds who handled what.
#[inline]
fn fold_input<M: Machine>(digest: &mut Digest, actor: usize, input: &Input<M>) {
    let what = match input {
        Input::Start => 0,
        Input::Message { from, msg } => {
            from.hash(digest);
            msg.hash(digest);
            1 << 16 | msg.kind()
        }
        Input::Alarm(timer) => {
            timer.hash(digest);
            2 << 16 | timer.kind()
        }
        Input::Command(command) => {
            command.hash(digest);
            3 << 16
        }
    };
    digest.fold((actor as u64) << 32 | what as u64);
}
