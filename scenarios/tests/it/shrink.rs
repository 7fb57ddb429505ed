//! Shrinking: the same break from less, the same result with any number of jobs, and a case that can be run again.

use std::sync::atomic::AtomicBool;

use scenarios::{
    Case, PolicySpec, Scenario, Seed,
    capsule::{Capsule, Reproduced},
    catalogue,
    shrink::{Shrinking, Shrunk, deviations, shrink},
};

fn case(name: &str, policy: &str, seed: u64) -> Case {
    let scenario = catalogue::find(name).expect("it is in the catalogue");
    Case::new(&scenario, &PolicySpec::parse(policy).expect("a policy"), Seed(seed))
}

fn shrunk(case: &Case, budget: u64, jobs: usize) -> (Shrunk, Vec<String>) {
    let (stop, mut steps) = (AtomicBool::new(false), Vec::new());
    let mut tell = |progress: &scenarios::shrink::Progress| {
        steps.push(format!("{} {} {} {}", progress.runs, progress.decisions, progress.faults, progress.step));
    };
    let how = Shrinking { budget, jobs, beside: None, stop: &stop, tell: &mut tell };
    let shrunk = shrink(case, None, how).expect("it breaks something");
    (shrunk, steps)
}

#[test]
fn a_late_message_is_all_that_is_needed() {
    let (small, _) = shrunk(&case("delayed-create", "baseline", 55), 3000, 4);
    assert!(!small.unfinished);
    let told = deviations(&small.case);
    assert!(told.len() <= 5, "{told:?}");
    let late = |one: &String| one.starts_with("the 1st ScheduleDispatcherRequest from ");
    assert!(told.iter().any(late), "{told:?}");
    assert_eq!(small.signature.name(), "single_writer (admitted)");
}

#[test]
fn the_result_does_not_depend_on_the_number_of_jobs() {
    let case = case("delayed-create", "baseline", 55);
    let ((one, steps), (four, others)) = (shrunk(&case, 60, 1), shrunk(&case, 60, 4));
    assert_eq!(steps, others);
    assert_eq!(Capsule::of(&one.case).0.to_text(), Capsule::of(&four.case).0.to_text());
    assert!(one.unfinished, "60 runs are not enough for it");
}

#[test]
fn what_is_shrunk_breaks_the_same_and_can_be_saved() {
    let whole = case("young-table", "master", 0);
    let (small, _) = shrunk(&whole, 300, 4);
    let (outcome, signatures) = small.case.signatures();
    assert!(signatures.contains(&small.signature));
    assert!(whole.signatures().1.contains(&small.signature));
    assert!(outcome.records < whole.run().records / 2, "{} records", outcome.records);
    let (capsule, _) = Capsule::of(&small.case);
    let again = Capsule::parse("c.json", &capsule.to_text()).and_then(|capsule| capsule.case("c.json"));
    let (outcome, lines) = again.expect("it was just written").trace();
    assert_eq!(capsule.compare(&outcome, &lines), Reproduced::Exact);
}

#[test]
fn there_has_to_be_something_to_shrink() {
    let (stop, mut tell) = (AtomicBool::new(false), |_: &scenarios::shrink::Progress| {});
    let mut wrong = |case: &Case, aspect| {
        let how = Shrinking { budget: 10, jobs: 1, beside: None, stop: &stop, tell: &mut tell };
        shrink(case, aspect, how).expect_err("nothing to shrink").to_string()
    };
    insta::assert_snapshot!(wrong(&case("quiet-cluster", "master", 0), None), @"quiet-cluster: everything holds in this run; there is nothing to shrink");
    insta::assert_snapshot!(wrong(&case("delayed-create", "baseline", 55), Some("no_panic (coordinator)")), @"delayed-create: this run does not break no_panic (coordinator); it breaks single_writer (admitted)");
}

/// A fault keeps its draws when others are left out.
#[test]
fn faults_keep_their_draws() {
    let text = |faults: &str| {
        format!(
            "story = \"x\"\nrun_for = \"20s\"\nsettle_for = \"1s\"\n[cluster]\nnodes = 3\n[workload]\n\
             tables = 2\nrow_every = \"1s\"\nrows = 4\n{faults}"
        )
    };
    let pause = |who: &str, draws: &str| {
        format!(
            "[[fault]]\nwhen = {{ at = \"2s..9s\" }}\n{draws}do = {{ pause = {{ who = \"{who}\", for = \"1s..3s\" }} }}\n"
        )
    };
    let when = |text: &str| {
        let scenario = Scenario::parse("x", "x", text).expect("it is well-formed");
        deviations(&Case::new(&scenario, &PolicySpec::parse("master").expect("a preset"), Seed(3)))
    };
    let both = when(&text(&(pause("n1", "") + &pause("n2", ""))));
    let second = when(&text(&pause("n2", "draws = 1\n")));
    assert!(both.len() == 2 && both.contains(&second[0]), "{both:?} {second:?}");
}

/// What the other policy breaks as well is not what is looked for.
#[test]
fn a_shrunk_case_can_be_one_that_another_policy_does_not_break() {
    let case = case("delayed-create", "baseline", 55);
    let beside = PolicySpec::parse("master").expect("a preset");
    let stop = AtomicBool::new(false);
    let how = Shrinking { budget: 60, jobs: 2, beside: Some(&beside), stop: &stop, tell: &mut |_| {} };
    let small = shrink(&case, None, how).expect("it breaks something");
    let name = small.signature.name();
    let breaks = |case: &Case| case.signatures().1.iter().any(|one| one.name() == name);
    assert!(breaks(&small.case) && !breaks(&Case { policy: beside, ..small.case.clone() }));
}
