//! A gate's result as JUnit: a suite for each scenario, one for capsules and one for mutants; a case for each claim or
//! finding, never one for each seed.

use quick_junit::{NonSuccessKind, Report as File, TestCase, TestCaseStatus, TestSuite};

use super::{Case, Report, Status};

/// The file.
pub fn junit(report: &Report) -> String {
    let mut file = File::new("cdcsim gate");
    let mut suites: Vec<TestSuite> = Vec::new();
    for case in &report.cases {
        suite(&mut suites, &case.suite).add_test_case(test_case(case));
    }
    for fresh in &report.fresh {
        if fresh.ran == 0 && fresh.failures.is_empty() {
            continue;
        }
        let mut seeds = TestCase::new("fresh seeds", TestCaseStatus::success());
        seeds.set_classname(&fresh.scenario);
        seeds.set_system_out(format!(
            "{} seeds from {}, {} broken",
            fresh.ran, report.base_seed, fresh.broken
        ));
        if let Some(first) = fresh.failures.first() {
            let more = fresh.failures.len();
            seeds.status = failed(
                NonSuccessKind::Error,
                &format!("the testbed failed in {more} runs: {}", first.message),
            );
            seeds.set_system_out(first.replay.clone());
        }
        suite(&mut suites, &fresh.scenario).add_test_case(seeds);
    }
    for found in report.unknown() {
        let status =
            failed(NonSuccessKind::Failure, &format!("broken in {} fresh runs, not known", found.runs));
        let mut case = TestCase::new(format!("new finding: {}", found.breaks), status);
        case.set_classname(&found.first.scenario);
        let mut out = vec![found.replay.clone()];
        out.extend(found.capsule.iter().map(|capsule| format!("capsule: {capsule}")));
        out.extend(found.shape.iter().chain(&found.deviations).cloned());
        case.set_system_out(out.join("\n"));
        suite(&mut suites, &found.first.scenario).add_test_case(case);
    }
    file.add_test_suites(suites);
    let text = file.to_string().expect("plain data can be written");
    // Jenkins' schema knows how many of a suite were skipped, and not how many of all: the first that is said is of all.
    let skipped = format!(" skipped=\"{}\"", report.count(Status::NotRun));
    text.replacen(&skipped, "", 1)
}

/// The suite of a name, which is made if it is not there.
fn suite<'a>(suites: &'a mut Vec<TestSuite>, name: &str) -> &'a mut TestSuite {
    let place = suites.iter().position(|suite| suite.name.as_str() == name);
    let place = place.unwrap_or_else(|| {
        suites.push(TestSuite::new(name));
        suites.len() - 1
    });
    &mut suites[place]
}

fn test_case(case: &Case) -> TestCase {
    let why = case.why.as_deref().unwrap_or_default();
    let status = match case.status {
        Status::Passed => TestCaseStatus::success(),
        Status::NotRun => TestCaseStatus::skipped(),
        Status::Failed => failed(NonSuccessKind::Failure, why),
        Status::Errored => failed(NonSuccessKind::Error, why),
    };
    let mut test = TestCase::new(&case.name, status);
    test.set_classname(&case.suite);
    let mut out: Vec<String> = case.replay.iter().cloned().collect();
    out.extend(case.capsule.iter().map(|capsule| format!("capsule: {capsule}")));
    out.extend(case.deviations.iter().cloned());
    if !out.is_empty() {
        test.set_system_out(out.join("\n"));
    }
    test
}

fn failed(kind: NonSuccessKind, why: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_message(why);
    status
}
