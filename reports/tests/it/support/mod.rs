//! What the tests of reports share: a run that breaks, and text without styles.

use std::sync::atomic::AtomicBool;

use scenarios::{
    Case, Decisions, PolicySpec, Scenario, Seed, Violation, catalogue,
    measures::Measured,
    run::{Outcome, run},
    sweep::{Tally, sweep},
    trace::Line,
};
use sim::StepId;

/// A made-up run that broke.
pub fn broken() -> Outcome {
    let violation = |aspect, what: &str, because: &[u64]| Violation {
        invariant: "single_writer",
        aspect,
        what: what.to_owned(),
        because: because.iter().map(|id| StepId(*id)).collect(),
    };
    let violations = vec![
        violation("admitted", "t3 may be written by d3@n3 and by d4@n1", &[17, 42]),
        violation("applied", "row 7 of t3 went back", &[]),
    ];
    Outcome {
        seed: Seed(2),
        digest: 0xfeed,
        records: 99,
        violations,
        witnessed: Vec::new(),
        inconclusive: None,
        measured: Measured([1200, 34_567, 8, 910, 11]),
        overrides_used: 0,
    }
}

/// Made-up runs of five seeds: one broke, one failed, and the rest held.
pub fn five() -> Tally {
    let run = |seed| match seed {
        Seed(2) => broken(),
        Seed(4) => panic!("a bug of the testbed"),
        _ => Outcome { seed, violations: Vec::new(), ..broken() },
    };
    sweep(0..5, 1, &AtomicBool::new(false), run, |_| {}).expect("a thread can be had")
}

/// The scenario of pingcap/ticdc#5083, and the policy that it breaks.
pub fn incident() -> (Scenario, PolicySpec) {
    let scenario = catalogue::find("delayed-create").expect("it is in the catalogue");
    (scenario, PolicySpec::parse("baseline").expect("a preset"))
}

/// The runs of the incident that break `single_writer` within as many seeds as the scenario asks for.
pub fn findings() -> Vec<Outcome> {
    let (scenario, policy) = incident();
    let runs = (0..scenario.seeds()).map(|seed| run(&scenario, &policy, Seed(seed), &Decisions::default()));
    runs.filter(|run| run.violations.iter().any(|one| one.invariant == "single_writer")).collect()
}

/// The records of a finding.
pub fn lines(finding: &Outcome) -> Vec<Line> {
    let (scenario, policy) = incident();
    Case::new(&scenario, &policy, finding.seed).trace().1
}

/// Text without its styles.
pub fn plain(text: &str) -> String {
    let mut parts = text.split('\u{1b}');
    let first = parts.next().unwrap_or_default();
    let others = parts.map(|part| part.split_once('m').expect("a style ends with an m").1);
    first.to_owned() + &others.collect::<String>()
}
