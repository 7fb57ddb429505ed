//! The invariants of a run: who of them is shown what happens.

use sim::What;

use crate::{
    Actor, Addr, NodeId, Place, Record, Sim,
    invariants::{Invariant, Named, Violation, sight::Sort},
};

/// The invariants that watch a run, each of which is shown what is in its sight.
pub struct Watchers {
    all: Vec<Box<dyn Invariant>>,
    /// By sort of record, without news and with them: the numbers of those who are shown it.
    shown: [[Vec<u8>; 2]; Sort::COUNT],
    /// By slot of a node: its life when it was last seen, and the revision of its dispatchers.
    revisions: Vec<(NodeId, u64)>,
}

impl Watchers {
    /// A fresh watcher of each of these, shown what is in its sight.
    pub fn of(named: impl Iterator<Item = Named> + Clone) -> Watchers {
        let who = |sort, news| {
            let numbered = (0..).zip(named.clone());
            numbered.filter(|(_, one)| one.sight.has(sort, news)).map(|(number, _)| number).collect()
        };
        let shown = Sort::ALL.map(|sort| [who(sort, false), who(sort, true)]);
        Watchers { all: named.map(|one| one.watch()).collect(), shown, revisions: Vec::new() }
    }

    /// The same, each shown everything.
    pub fn of_everything(named: impl Iterator<Item = Named>) -> Watchers {
        let all: Vec<Box<dyn Invariant>> = named.map(|one| one.watch()).collect();
        let everybody: Vec<u8> = (0..).take(all.len()).collect();
        let shown = Sort::ALL.map(|_| [everybody.clone(), everybody.clone()]);
        Watchers { all, shown, revisions: Vec::new() }
    }

    /// Looks at what has just happened.
    #[inline]
    pub fn observe(&mut self, sim: &Sim, record: &Record, found: &mut Vec<Violation>) {
        let news = !record.notes.is_empty() | self.is_revised(sim, record);
        for number in &self.shown[Sort::of(record) as usize][usize::from(news)] {
            self.all[usize::from(*number)].observe(sim, record, found);
        }
    }

    /// Looks at the cluster when it has had time to settle.
    pub fn settled(&mut self, sim: &Sim, found: &mut Vec<Violation>) {
        for one in &mut self.all {
            one.settled(sim, found);
        }
    }

    /// Whether others may write on a node than before this step, for all that is known.
    #[inline]
    fn is_revised(&mut self, sim: &Sim, record: &Record) -> bool {
        let What::Step { actor: actor @ Addr::Node(node, Place::Dispatchers), .. } = &record.what else {
            return false;
        };
        let Actor::Dispatchers(all) = sim.machine(*actor) else { return false };
        let slot = usize::from(node.slot);
        if self.revisions.len() <= slot {
            self.revisions.resize(slot + 1, (*node, u64::MAX));
        }
        let now = (*node, all.revision());
        std::mem::replace(&mut self.revisions[slot], now) != now
    }
}
