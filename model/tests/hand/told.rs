//! An invariant that is told records made by hand, beside a picture of the actors that changes only when a test says so.

use model::{
    Actor, Addr, Msg, Note, Record, Shared, Sim,
    invariants::{self, Invariant, Violation},
    pd::Pd,
};
use sim::{
    Class, Clock, Decisions, Duration, Fault, HostSpec, HostWeather, Input, Instant, Layout, LinkWeather,
    Seed, StepId, What,
};

use super::Hand;

/// Who is told what has happened.
pub struct Told {
    watch: Box<dyn Invariant>,
    sim: Sim,
    steps: u64,
    at: Instant,
    found: Vec<Violation>,
}

impl Told {
    /// The invariant of this name, and actors that are there.
    pub fn by(invariant: &str, actors: Vec<(Addr, Actor)>) -> Told {
        let named = invariants::ALL.iter().find(|named| named.name == invariant).expect("it exists");
        Told { watch: named.watch(), sim: picture(actors), steps: 0, at: Instant::START, found: Vec::new() }
    }

    /// The actors are like that from now on.
    pub fn see(&mut self, actors: Vec<(Addr, Actor)>) {
        self.sim = picture(actors);
    }

    /// Time passes.
    pub fn advance(&mut self, length: Duration) {
        self.at = self.at + length;
    }

    /// An actor starts, and makes these notes.
    pub fn notes(&mut self, actor: Addr, notes: Vec<Note>) -> StepId {
        self.step(actor, Input::Start, None, notes)
    }

    /// A message arrives that was sent in a step.
    pub fn hears(&mut self, actor: Addr, from: Addr, msg: impl Into<Msg>, sent: Option<StepId>) -> StepId {
        self.step(actor, Input::Message { from, msg: msg.into() }, sent, Vec::new())
    }

    /// Everything that was done by hand, beside the actor as it was then.
    pub fn steps(&mut self, hand: &mut Hand) {
        for (record, actor) in std::mem::take(&mut hand.steps) {
            if let What::Step { actor: at @ Addr::Node(..), input } = record.what {
                self.see(vec![(at, actor)]);
                self.step(at, input, None, record.notes);
            }
        }
    }

    pub fn step(
        &mut self,
        actor: Addr,
        input: Input<Actor>,
        cause: Option<StepId>,
        notes: Vec<Note>,
    ) -> StepId {
        self.steps += 1;
        let (id, at) = (StepId(self.steps), self.at);
        let record = Record { id, at, cause, what: What::Step { actor, input }, notes };
        self.watch.observe(&self.sim, &record, &mut self.found);
        id
    }

    /// A fault happens.
    pub fn strikes(&mut self, fault: Fault<Actor>) {
        self.steps += 1;
        let what = What::Fault(fault);
        let record = Record { id: StepId(self.steps), at: self.at, cause: None, what, notes: Vec::new() };
        self.watch.observe(&self.sim, &record, &mut self.found);
    }

    /// The run has come to its end.
    pub fn settle(&mut self) {
        self.watch.settled(&self.sim, &mut self.found);
    }

    /// What has been found since this was asked last.
    pub fn found(&mut self) -> String {
        self.found.drain(..).map(|violation| format!("{violation}\n")).collect()
    }
}

/// A run whose actors are these, each on a host of its own, and PD.
pub fn picture(mut actors: Vec<(Addr, Actor)>) -> Sim {
    if actors.iter().all(|(addr, _)| *addr != Addr::Pd) {
        actors.push((Addr::Pd, Actor::Pd(Pd::default())));
    }
    let hosts = actors.into_iter().map(|(addr, actor)| HostSpec {
        name: addr.to_string(),
        class: Class(0),
        clock: Clock::default(),
        weather: HostWeather::default(),
        shared: Shared::Service,
        actors: vec![(addr, actor)],
    });
    let layout = Layout { hosts: hosts.collect(), classes: vec![LinkWeather::default()] };
    Sim::new(layout, Vec::new(), Seed(0), &Decisions::default())
}
