//! What parties send each other is printed so that it can be read again.

use model::{Addr, Msg};
use scenarios::{Case, PolicySpec, Scenario, Seed, catalogue, trace::trace};

#[test]
fn messages_are_heard_as_they_were_said() {
    let mut heard = 0;
    for scenario in catalogue::all().unwrap() {
        let policy = PolicySpec::parse("master").unwrap();
        heard += check(&scenario, &policy);
    }
    assert!(heard > 1000, "only {heard} messages have been looked at");
}

/// How many messages between parts of nodes were looked at.
fn check(scenario: &Scenario, policy: &PolicySpec) -> usize {
    let (_, lines) = trace(&Case::new(scenario, policy, Seed(1)));
    let is_part = |addr: Addr| matches!(addr, Addr::Node(..));
    let mut heard = 0;
    for line in lines.iter().filter(|line| line.from().is_some_and(is_part)) {
        let said = line.what();
        let Some((_, said)) = said.split_once(" <- ") else { continue };
        let Some((said, _)) = said.rsplit_once(" from ") else { continue };
        if !line.actor().is_some_and(is_part) {
            continue;
        }
        let meanings = Msg::hear(said);
        let same = meanings.iter().flatten().any(|msg| msg.to_string() == said);
        assert!(same, "`{said}` was heard as {meanings:?}");
        heard += 1;
    }
    heard
}
