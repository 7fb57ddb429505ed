//! Connections break, and who hears of it.

use std::collections::BTreeSet;

use crate::{
    Cut, HostId, Loss, Machine, Sim,
    body::{Body, Parcel, Stage},
    host::Up,
    network::{Network, Way},
};

impl<M: Machine> Sim<M> {
    /// These links have just been cut in this way.
    pub(crate) fn disturb(&mut self, links: &[usize], mode: Cut) {
        let ends = links.iter().map(|link| self.network.ends(*link));
        let pairs: BTreeSet<(HostId, HostId)> =
            ends.map(|(one, other)| (one.min(other), one.max(other))).collect();
        for (one, other) in pairs {
            if mode == Cut::Reset {
                self.sever(one, other);
            }
            self.tell_disturbed(one, other, mode);
            self.tell_disturbed(other, one, mode);
        }
    }

    /// Breaks the connections between two hosts: what is under way is lost, in both directions. Of each stream the
    /// first message may be at the far end already, in the hands of a thread that goes on with it.
    pub(crate) fn sever(&mut self, one: HostId, other: HostId) {
        for link in [self.network.link(one, other), self.network.link(other, one)] {
            let mut taken = Vec::new();
            for slot in self.under_way(link) {
                self.break_off(slot, &mut taken);
            }
        }
    }

    /// Takes what is under way on a link off it, in order.
    fn under_way(&mut self, link: usize) -> Vec<u32> {
        let mut slots = Vec::from(self.network.sever(link, self.now));
        let bodies = &self.out.bodies;
        let is_there = |slot: u32| match bodies.get(slot) {
            Body::Parcel(parcel) => parcel.stage == Stage::Wire && Network::is_on(link, parcel.way),
            _ => false,
        };
        slots.extend(self.front.iter().filter(|slot| is_there(**slot)));
        self.front.retain(|slot| !is_there(*slot));
        slots.extend(self.queue.withdraw(is_there));
        slots
    }

    fn break_off(&mut self, slot: u32, taken: &mut Vec<u32>) {
        let Body::Parcel(parcel) = self.out.bodies.get_mut(slot) else { return };
        self.network.leave(parcel.way);
        let receiver = &self.actors[parcel.receiver as usize];
        let host = &self.hosts[usize::from(receiver.host.0)];
        let what = (parcel.way, &parcel.msg);
        if host.up != Up::Down
            && receiver.addr == parcel.to
            && let Some(later) = self.network.straggles::<M>(&mut self.out.random, &self.names, what, taken)
        {
            parcel.stage = Stage::Inside { life: host.life };
            return self.queue.push(self.now + later, slot);
        }
        parcel.stage = Stage::Broken;
        self.front.push_back(slot);
    }

    /// Lets an actor of a host hear that links to a peer are cut, if one listens.
    fn tell_disturbed(&mut self, id: HostId, peer: HostId, mode: Cut) {
        let host = &mut self.hosts[usize::from(id.0)];
        if host.up == Up::Down {
            return;
        }
        let stage = Stage::Inside { life: host.life };
        if let Some((to, msg)) = M::disturbed(&mut host.shared, peer, mode) {
            let receiver = u32::try_from(self.number(to)).expect("actors are few");
            let cause = self.record().id;
            self.at_once(Body::Parcel(Parcel {
                msg,
                cause,
                from: to,
                to,
                receiver,
                way: Way::default(),
                stage,
            }));
        }
    }

    /// A message is refused at the end of its link or by a host without a process: it is lost, and its sender may hear
    /// of it.
    #[cold]
    pub(crate) fn refuse(&mut self, slot: u32, why: Loss) -> bool {
        let Body::Parcel(parcel) = self.out.bodies.get(slot) else { return false };
        let (way, from, to, back) = (parcel.way, parcel.to, parcel.from, M::refused(&parcel.msg));
        self.network.leave(way);
        self.lose(slot, why);
        if let Some(msg) = back {
            let number = self.number(to);
            let sender = &self.actors[number];
            if sender.addr == to && self.is_up(sender.host) {
                let (receiver, cause) = (u32::try_from(number).expect("actors are few"), self.record().id);
                let (way, stage) = (Way::default(), Stage::Door);
                let slot = self.out.bodies.insert(Body::Parcel(Parcel {
                    msg,
                    cause,
                    from,
                    to,
                    receiver,
                    way,
                    stage,
                }));
                self.enter(slot);
            }
        }
        true
    }
}
