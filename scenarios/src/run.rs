//! One run: a pure function of a scenario, a policy and a seed.

use std::ops::ControlFlow;

use model::{
    Record, Sim,
    invariants::{self, Named, Violation, Watchers},
    measures::{Measured, Measures},
};
use sim::{Decided, Decisions, Fault, HostId, Instant, Kind as _, Seed, What};

use crate::{Case, Coverage, Drawn, PolicySpec, Scenario, coverage::Covering};

/// What came of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The seed.
    pub seed: Seed,
    /// The digest of all records.
    pub digest: u64,
    /// How many records there were.
    pub records: u64,
    /// What was broken, in order of discovery: each aspect of an invariant once.
    pub violations: Vec<Violation>,
    /// Which kinds of notes were made, by kind.
    pub witnessed: Vec<bool>,
    /// Why the run could not be won, if only a core has healed and that cannot carry the load.
    pub inconclusive: Option<String>,
    /// What was measured of it.
    pub measured: Measured,
    /// How many of the overriding decisions were applied.
    pub overrides_used: usize,
}

impl Outcome {
    /// Whether everything held, in a run that could be won.
    pub fn held(&self) -> bool {
        !self.is_broken() && self.inconclusive.is_none()
    }

    /// Whether something broke.
    pub fn is_broken(&self) -> bool {
        !self.violations.is_empty()
    }
}

/// Who watches a run, and what they have seen.
struct Watch {
    invariants: Watchers,
    measures: Measures,
    violations: Vec<Violation>,
    witnessed: Vec<bool>,
    inconclusive: Option<String>,
    records: u64,
}

impl Watch {
    fn new(scenario: &Scenario) -> Watch {
        Watch::by(Watchers::of(watching(scenario)))
    }

    fn by(invariants: Watchers) -> Watch {
        Watch {
            invariants,
            measures: Measures::default(),
            violations: Vec::new(),
            inconclusive: None,
            witnessed: vec![false; model::Note::KINDS],
            records: 0,
        }
    }

    #[inline]
    fn observe(&mut self, sim: &Sim, record: &Record) {
        self.records += 1;
        for note in &record.notes {
            self.witnessed[note.kind()] = true;
        }
        self.invariants.observe(sim, record, &mut self.violations);
        self.measures.observe(sim, record);
        if let What::Fault(Fault::Core { hosts }) = &record.what {
            self.inconclusive = cannot_be_won(sim, hosts);
        }
    }

    /// Looks at the cluster when it has had time to settle, if it could.
    fn settled(&mut self, sim: &Sim) {
        if self.inconclusive.is_none() {
            self.invariants.settled(sim, &mut self.violations);
        }
    }
}

/// The invariants that a scenario is watched by.
fn watching(scenario: &Scenario) -> impl Iterator<Item = Named> + Clone {
    invariants::ALL.iter().filter(|named| scenario.is_watched_by(named.name)).copied()
}

/// Why a core cannot carry the load, if it cannot: somebody in it has to lead, which a node that is drained does not.
fn cannot_be_won(sim: &Sim, core: &[HostId]) -> Option<String> {
    let candidates = model::candidates(sim, core);
    let names: Vec<&str> = core.iter().map(|host| sim.names()[usize::from(host.0)].as_str()).collect();
    candidates.is_empty().then(|| format!("nobody of the core ({}) may become coordinator", names.join(", ")))
}

/// Runs a scenario under a policy and a seed.
pub fn run(scenario: &Scenario, policy: &PolicySpec, seed: Seed, decisions: &Decisions) -> Outcome {
    run_with(scenario, policy, seed, decisions, |_, _| {})
}

/// The same, and shows every record to `see`.
pub(crate) fn run_with(
    scenario: &Scenario,
    policy: &PolicySpec,
    seed: Seed,
    decisions: &Decisions,
    mut see: impl FnMut(&Sim, &Record),
) -> Outcome {
    whole(scenario, policy, seed, decisions, |sim, record, _| {
        see(sim, record);
        ControlFlow::Continue(())
    })
    .0
}

/// When a case breaks an aspect of an invariant, if it does: at a time, or only at the end, when the cluster has settled. The
/// run ends as soon as it does, or at `until`.
pub(crate) fn broken_at(
    case: &Case,
    invariant: &str,
    aspect: &str,
    until: Option<Instant>,
) -> Option<Broken> {
    let breaks = |violations: &[Violation]| {
        violations.iter().any(|one| one.invariant == invariant && one.aspect == aspect)
    };
    let mut when = None;
    let mut cut_off = false;
    let Case { scenario, policy, seed, decisions } = case;
    let (outcome, _) = whole(scenario, policy, *seed, decisions, |_, record, violations| {
        if !violations.is_empty() && breaks(violations) {
            when = Some(Broken::At(record.at));
            return ControlFlow::Break(());
        }
        cut_off = until.is_some_and(|until| record.at > until);
        if cut_off { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    when.or_else(|| (!cut_off && breaks(&outcome.violations)).then_some(Broken::AtTheEnd))
}

/// When something broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// At this time.
    At(Instant),
    /// When the cluster had settled.
    AtTheEnd,
}

/// Runs a case whose decisions are logged, and tells what was decided otherwise than nominally: in all of it, or `until` a time.
pub(crate) fn decided(case: &Case, until: Option<Instant>) -> (Outcome, Vec<Decided>) {
    let Case { scenario, policy, seed, decisions } = case;
    let (outcome, sim) = whole(scenario, policy, *seed, decisions, |_, record, _| {
        match until.is_some_and(|until| record.at >= until) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    });
    (outcome, sim.decided().collect())
}

/// Runs a case, and tells what it has covered.
pub(crate) fn covered(case: &Case) -> (Outcome, Coverage) {
    let mut covering = Covering::default();
    let Case { scenario, policy, seed, decisions } = case;
    let outcome = run_with(scenario, policy, *seed, decisions, |_, record| covering.see(record));
    (outcome, covering.done())
}

/// Runs a case with nobody watching, and tells how many records there were: what the simulation costs alone.
pub fn unwatched(case: &Case) -> u64 {
    let (mut sim, end) = begun(case);
    let mut records = 0;
    while sim.step(end) {
        records += 1;
    }
    records
}

/// Runs a case with every invariant shown every record, and tells what was broken: what [`run`] tells, unless an invariant is not
/// shown something that it needs.
pub fn watched_by_all(case: &Case) -> Vec<Violation> {
    let (mut sim, end) = begun(case);
    let mut watch = Watch::by(Watchers::of_everything(watching(&case.scenario)));
    while sim.step(end) {
        watch.observe(&sim, sim.record());
    }
    watch.settled(&sim);
    watch.violations
}

/// A case before its first record, and when it ends.
pub(crate) fn begun(case: &Case) -> (Sim, Instant) {
    beginning(&case.scenario, &case.policy, case.seed, &case.decisions)
}

fn beginning(scenario: &Scenario, policy: &PolicySpec, seed: Seed, decisions: &Decisions) -> (Sim, Instant) {
    let concrete = scenario.has_chaos().then(|| scenario.concrete(seed));
    let drawn = Drawn::draw(&concrete.as_ref().unwrap_or(scenario).file, policy.policy(), seed);
    (Sim::new(drawn.cluster.layout(seed), drawn.plan, seed, decisions), drawn.end)
}

/// A run as long as `see`, who is shown every record and what has broken, lets it go on.
fn whole(
    scenario: &Scenario,
    policy: &PolicySpec,
    seed: Seed,
    decisions: &Decisions,
    mut see: impl FnMut(&Sim, &Record, &[Violation]) -> ControlFlow<()>,
) -> (Outcome, Sim) {
    let (mut sim, end) = beginning(scenario, policy, seed, decisions);
    let mut watch = Watch::new(scenario);
    let mut settles = true;
    while sim.step(end) {
        watch.observe(&sim, sim.record());
        if see(&sim, sim.record(), &watch.violations).is_break() {
            settles = false;
            break;
        }
    }
    if settles {
        watch.settled(&sim);
    }
    let Watch { violations, witnessed, records, inconclusive, measures, .. } = watch;
    let (digest, overrides_used, measured) =
        (sim.digest().value(), sim.overrides_used(), measures.measured(&sim));
    let outcome =
        Outcome { seed, digest, records, violations, witnessed, inconclusive, measured, overrides_used };
    (outcome, sim)
}
