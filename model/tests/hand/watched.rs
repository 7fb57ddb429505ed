//! Two nodes by hand, and an invariant that watches them: every step of theirs is shown to it.

use std::collections::BTreeMap;

use model::{
    Actor, Addr, NodeId, Place, Record, Shared, Sim,
    dispatchers::Inbox,
    invariants::{self, Invariant, Violation},
};
use sim::{
    Class, Clock, Decisions, Fault, HostId, HostSpec, HostWeather, Input, Layout, LinkWeather, Loss, Seed,
    StepId, What, Who,
};

use super::{Hand, N1, N2};

/// The dispatchers of n1 and n2, and who watches them.
pub struct Watched {
    hands: BTreeMap<NodeId, Hand>,
    watch: Box<dyn Invariant>,
    steps: u64,
    found: Vec<Violation>,
    /// What the nodes and the downstream say, and what the invariant finds.
    pub text: String,
}

impl Watched {
    pub fn by(invariant: &str, first: Hand, second: Hand) -> Watched {
        let named = invariants::ALL.iter().find(|named| named.name == invariant).expect("it exists");
        let hands = BTreeMap::from([(N1, first), (N2, second)]);
        Watched { hands, watch: named.watch(), steps: 0, found: Vec::new(), text: String::new() }
    }

    /// Something is done by hand on a node, and every step of it is shown to the invariant.
    pub fn hand(&mut self, node: NodeId, script: impl FnOnce(&mut Hand)) {
        let hand = self.hands.get_mut(&node).expect("n1 or n2");
        script(hand);
        for (record, actor) in std::mem::take(&mut hand.steps) {
            self.show(node, actor, record.what, record.notes);
        }
    }

    /// Shows the invariant a picture of the nodes, this one with its dispatchers as they were after a step.
    fn show(&mut self, node: NodeId, actor: Actor, what: What<Actor>, notes: Vec<model::Note>) {
        self.steps += 1;
        let hosts = self.hands.iter().map(|(other, hand)| match &actor {
            Actor::Dispatchers(_) if *other == node => host(*other, actor.clone()),
            _ => host(*other, hand.actor().clone()),
        });
        let mut hosts: Vec<HostSpec<Actor>> = hosts.collect();
        if let Actor::Sink(_) = &actor {
            let upstream = self.hands[&node].upstream();
            hosts.extend([service(Addr::Sink, actor), service(Addr::Upstream, upstream)]);
        }
        let layout = Layout { hosts, classes: vec![LinkWeather::default()] };
        let sim: Sim = Sim::new(layout, Vec::new(), Seed(0), &Decisions::default());
        for note in &notes {
            self.text += &format!("{node}: {note}\n");
        }
        let record = Record { id: StepId(self.steps), at: sim.now(), cause: None, what, notes };
        self.watch.observe(&sim, &record, &mut self.found);
        for violation in self.found.drain(..) {
            self.text += &format!("!! {violation}\n");
        }
    }

    /// The node is fenced: what the downstream has been asked goes on there.
    pub fn fence(&mut self, node: NodeId) {
        self.hand(node, |hand| hand.hear(Addr::Node(node, Place::Server), Inbox::LocalFence));
    }

    /// The downstream does not hear the node, or does again.
    pub fn hold(&mut self, node: NodeId) {
        self.hand(node, |hand| hand.hold(Addr::Sink));
    }

    pub fn release(&mut self, node: NodeId) {
        self.hand(node, |hand| hand.release(Addr::Sink));
    }

    /// What the downstream was to hear is lost.
    pub fn lose(&mut self, node: NodeId) {
        let mut lost = Vec::new();
        self.hand(node, |hand| lost = hand.lose(Addr::Sink));
        for input in lost {
            let Input::Message { from, msg } = input else { continue };
            let what = What::Lost { from, to: Addr::Sink, msg, why: Loss::Weather };
            let actor = self.hands[&node].actor().clone();
            self.show(node, actor, what, Vec::new());
        }
    }

    /// Every host is down.
    pub fn crash(&mut self) {
        let what = What::Fault(Fault::Crash { who: Who::Host(HostId(0)), back_after: None });
        let actor = self.hands[&N1].actor().clone();
        self.show(N1, actor, what, Vec::new());
    }
}

/// A host with the dispatchers of a node. It has not booted, so it counts as one that is down.
fn host(node: NodeId, actor: Actor) -> HostSpec<Actor> {
    HostSpec { name: node.to_string(), ..service(Addr::Node(node, Place::Dispatchers), actor) }
}

fn service(addr: Addr, actor: Actor) -> HostSpec<Actor> {
    HostSpec {
        name: addr.to_string(),
        class: Class(0),
        clock: Clock::default(),
        weather: HostWeather::default(),
        shared: Shared::Service,
        actors: vec![(addr, actor)],
    }
}
