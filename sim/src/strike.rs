//! Faults strike: what each of them does to hosts, links and clocks, and how it is undone.

use crate::{
    Address, Cut, Duration, End, Fault, HostId, Input, Latency, Links, Machine, Sim, StepId, Who,
    body::{Body, Stage},
    host::Up,
};

/// What ends a fault of limited length.
#[derive(Clone, Debug)]
pub(crate) enum Undo<M: Machine> {
    Crash { host: HostId, life: u32 },
    Pause { host: HostId, life: u32 },
    Cut { links: Links<M>, numbers: Vec<usize>, mode: Cut },
    Slow { links: Links<M>, numbers: Vec<usize> },
}

impl<M: Machine> Sim<M> {
    /// A fault happens. Always worth a record.
    pub(crate) fn fault(&mut self, mut fault: Fault<M>, cause: Option<StepId>) -> bool {
        if let Fault::Command { to, command } = fault {
            return self.command(to, command, cause);
        }
        self.settle_roles(&mut fault);
        if let Fault::Tell { who: Who::Host(host), command } = &fault
            && let Some(number) = self.listener(*host, command)
        {
            return self.handle(number, Input::Command(command.clone()), cause);
        }
        let kind = match &fault {
            Fault::Crash { .. } => 1,
            Fault::Restart { .. } => 2,
            Fault::Pause { .. } => 3,
            Fault::Resume { .. } => 4,
            Fault::ClockJump { .. } => 5,
            Fault::ClockDrift { .. } => 6,
            Fault::Cut { .. } => 7,
            Fault::Heal { .. } => 8,
            Fault::Slow { .. } => 9,
            Fault::Command { .. } => 10,
            Fault::Calm => 11,
            Fault::Core { .. } => 17,
            Fault::Tell { .. } => 16,
        };
        self.tell_fault(cause, fault.clone(), kind);
        match fault {
            Fault::Crash { who, back_after } => {
                if let Some((host, life)) = self.host(&who).and_then(|host| self.crash(host)) {
                    self.later(back_after, Undo::Crash { host, life });
                }
            }
            Fault::Restart { who } => {
                if let Some(host) = self.host(&who) {
                    self.boot(host, Some(self.record().id));
                }
            }
            Fault::Pause { who, lasts } => {
                if let Some((host, life)) = self.host(&who).and_then(|host| self.pause(host)) {
                    self.later(lasts, Undo::Pause { host, life });
                }
            }
            Fault::Resume { who } => {
                if let Some(host) = self.host(&who) {
                    self.resume(host);
                }
            }
            Fault::ClockJump { who, nanos } => {
                if let Some(host) = self.host(&who) {
                    self.hosts[usize::from(host.0)].clock.jump(nanos);
                }
            }
            Fault::ClockDrift { who, ppm } => {
                if let Some(host) = self.host(&who) {
                    self.drift(host, ppm);
                }
            }
            Fault::Cut { links, mode, lasts } => {
                let numbers = self.numbers(&links);
                numbers.iter().for_each(|link| self.network.cut(*link, mode));
                self.disturb(&numbers, mode);
                self.later(lasts, Undo::Cut { links, numbers, mode });
            }
            Fault::Heal { links } => self.numbers(&links).into_iter().for_each(|link| self.heal(link)),
            Fault::Slow { links, latency, lasts } => {
                let numbers = self.numbers(&links);
                self.slow(&numbers, Some(latency));
                self.later(lasts, Undo::Slow { links, numbers });
            }
            Fault::Command { .. } | Fault::Tell { .. } => {}
            Fault::Calm => self.calm(None),
            Fault::Core { hosts } => self.calm(Some(&hosts)),
        }
        true
    }

    /// The end of a fault of limited length; no record if there is nothing left to undo.
    pub(crate) fn undo(&mut self, undo: Undo<M>, cause: StepId) -> bool {
        let cause = Some(cause);
        if self.is_void(&undo) {
            return false;
        }
        match undo {
            Undo::Crash { host, life } => {
                if self.hosts[usize::from(host.0)].life != life || self.is_up(host) {
                    return false;
                }
                self.tell_fault(cause, Fault::Restart { who: Who::Host(host) }, 12);
                self.boot(host, Some(self.record().id));
            }
            Undo::Pause { host, life } => {
                let paused = &self.hosts[usize::from(host.0)];
                if paused.life != life || paused.up != Up::Paused {
                    return false;
                }
                self.tell_fault(cause, Fault::Resume { who: Who::Host(host) }, 13);
                self.resume(host);
            }
            Undo::Cut { links, numbers, mode } => {
                self.tell_fault(cause, Fault::Heal { links }, 14);
                for link in numbers {
                    let released = self.network.uncut(link, mode);
                    self.front.extend(released);
                }
            }
            Undo::Slow { links, numbers } => {
                self.tell_fault(cause, Fault::Heal { links }, 15);
                self.slow(&numbers, None);
            }
        }
        true
    }

    /// Whether what would be undone stays as it is for ever: what was broken when only a core healed. Links break no more after
    /// that; a process outside of the core may still end, and come back.
    fn is_void(&self, undo: &Undo<M>) -> bool {
        match undo {
            Undo::Crash { host, .. } | Undo::Pause { host, .. } => self.hosts[usize::from(host.0)].broken,
            Undo::Cut { .. } | Undo::Slow { .. } => self.has_core,
        }
    }

    /// Puts hosts in the place of "the sender" and "the receiver" of the message of the present record.
    pub(crate) fn settle_ends(&self, fault: &mut Fault<M>) {
        let Some((sender, receiver)) = self.ends() else { return };
        fault.each_who(|who| match who {
            Who::Sender => *who = Who::Host(sender),
            Who::Receiver => *who = Who::Host(receiver),
            Who::Host(_) | Who::Role(_) => {}
        });
    }

    /// Puts hosts in the place of roles, as far as somebody plays them now.
    fn settle_roles(&self, fault: &mut Fault<M>) {
        fault.each_who(|who| {
            if let Who::Role(role) = &*who
                && let Some(host) = M::locate(role, self)
            {
                *who = Who::Host(host);
            }
        });
    }

    fn host(&self, who: &Who<M>) -> Option<HostId> {
        match who {
            Who::Host(host) => Some(*host),
            Who::Sender | Who::Receiver | Who::Role(_) => None,
        }
    }

    fn later(&mut self, lasts: Option<Duration>, undo: Undo<M>) {
        if let Some(lasts) = lasts {
            let cause = self.record().id;
            self.schedule(self.now + lasts, Body::Undo { undo: Box::new(undo), cause });
        }
    }

    /// A command reaches its actor at once; one to a host that does not run is lost, which the fault's record shows.
    fn command(&mut self, to: M::Addr, command: M::Command, cause: Option<StepId>) -> bool {
        let number = self.number(to);
        let host = &self.hosts[usize::from(self.actors[number].host.0)];
        if host.up == Up::Running {
            return self.handle(number, Input::Command(command), cause);
        }
        self.tell_fault(cause, Fault::Command { to, command }, 10);
        true
    }

    /// The actor of a host that hears a command, if the host runs.
    fn listener(&self, host: HostId, command: &M::Command) -> Option<usize> {
        let host = &self.hosts[usize::from(host.0)];
        let mut actors = host.actors.clone();
        let listens = |number: &usize| M::hears(self.actors[*number].addr, command);
        (host.up == Up::Running).then(|| actors.find(listens)).flatten()
    }

    /// The host's new life, if it was up.
    fn crash(&mut self, id: HostId) -> Option<(HostId, u32)> {
        let host = &mut self.hosts[usize::from(id.0)];
        if host.up == Up::Down {
            return None;
        }
        host.up = Up::Down;
        host.life += 1;
        let life = host.life;
        M::reboot(&mut host.shared);
        let pile = std::mem::take(&mut host.pile);
        for number in host.actors.clone() {
            let actor = &mut self.actors[number];
            actor.addr = actor.addr.reborn();
            actor.machine = actor.machine.clone().recover();
        }
        for slot in pile {
            match self.out.bodies.get_mut(slot) {
                Body::Parcel(parcel) => {
                    if parcel.stage == Stage::Door {
                        self.network.leave(parcel.way);
                    }
                    parcel.stage = Stage::Down;
                    self.front.push_back(slot);
                }
                _ => drop(self.out.bodies.take(slot)),
            }
        }
        Some((id, life))
    }

    /// Lets a host that is down come up after its boot time.
    pub(crate) fn boot(&mut self, id: HostId, cause: Option<StepId>) {
        let host = &mut self.hosts[usize::from(id.0)];
        if host.up != Up::Down {
            return;
        }
        let life = host.life;
        let delay = self.out.random.delay(&mut host.boot, life.into(), &host.weather.boot);
        self.schedule(self.now + delay, Body::Boot { host: id, life, cause });
    }

    fn pause(&mut self, id: HostId) -> Option<(HostId, u32)> {
        let host = &mut self.hosts[usize::from(id.0)];
        let running = host.up == Up::Running;
        if running {
            host.up = Up::Paused;
        }
        running.then_some((id, host.life))
    }

    fn resume(&mut self, id: HostId) {
        let host = &mut self.hosts[usize::from(id.0)];
        if host.up == Up::Paused {
            host.up = Up::Running;
            self.front.extend(host.pile.drain(..));
        }
    }

    /// The rate of a clock changes: every alarm by it rings at another true time.
    fn drift(&mut self, id: HostId, ppm: i32) {
        let clock = &mut self.hosts[usize::from(id.0)].clock;
        if !clock.set_drift(self.now, ppm) {
            return;
        }
        let clock = *clock;
        let alarms = self.out.bodies.iter().filter_map(|(slot, body)| match body {
            Body::Alarm { actor, steady, .. } if self.actors[*actor as usize].host == id => {
                Some((slot, *steady))
            }
            _ => None,
        });
        for (slot, steady) in alarms.collect::<Vec<_>>() {
            // One that has rung already, and waits to be handled, stays.
            let piled = self.hosts[usize::from(id.0)].pile.contains(&slot) || self.front.contains(&slot);
            if !piled {
                let alarm = std::mem::take(self.out.bodies.get_mut(slot));
                self.schedule(clock.true_time(steady).max(self.now), alarm);
            }
        }
    }

    fn numbers(&self, links: &Links<M>) -> Vec<usize> {
        let among = |end: &End<M>, host: HostId| match end {
            End::One(who) => self.host(who) == Some(host),
            End::Group(hosts) => hosts.contains(&host),
            End::Any => true,
        };
        let chosen = self.network.all(links.class).filter(|(_, from, to)| {
            among(&links.from, *from) && among(&links.to, *to)
                || links.both_ways && among(&links.from, *to) && among(&links.to, *from)
        });
        chosen.map(|(link, ..)| link).collect()
    }

    fn heal(&mut self, link: usize) {
        let released = self.network.heal(link);
        self.front.extend(released);
    }

    fn slow(&mut self, links: &[usize], latency: Option<Latency>) {
        links.iter().for_each(|link| self.network.slow(*link, latency));
    }

    /// Everything heals, or only these hosts and what is between them.
    fn calm(&mut self, core: Option<&[HostId]>) {
        let heals = |host: HostId| core.is_none_or(|core| core.contains(&host));
        self.has_core = core.is_some();
        self.network.calm();
        let cause = Some(self.record().id);
        for id in self.host_ids() {
            let host = &mut self.hosts[usize::from(id.0)];
            host.weather.hop = host.weather.hop.map(Latency::calm);
            host.weather.slack = host.weather.slack.map(Latency::calm);
            host.weather.yields = host.weather.yields.calm();
            if !heals(id) {
                host.broken = host.up != Up::Running;
                continue;
            }
            self.drift(id, 0);
            self.resume(id);
            self.boot(id, cause);
        }
        // What stands at a door came off its link before what the link holds.
        for link in self.numbers(&Links { from: End::Any, to: End::Any, both_ways: true, class: None }) {
            let (from, to) = self.network.ends(link);
            if heals(from) && heals(to) {
                self.network.slow(link, None);
                self.heal(link);
            }
        }
    }
}
