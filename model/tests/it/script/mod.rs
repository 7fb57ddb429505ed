//! Scripts: what is done to the dispatchers of node n3, line by line as in decision vectors (docs/vectors.md), and below each
//! line what they say to that.

#[path = "../../vectors/verbs.rs"]
mod verbs;

use std::fmt::Write;

use model::{
    Actor, Addr,
    invariants::{self, Invariant, Violation},
};
use sim::{Record, StepId};

use crate::hand::{Hand, told::picture};

/// What is done, and what is said to that.
pub fn play(policy: &str, script: &str) -> String {
    watch(&[], policy, script)
}

/// The same, with what invariants find.
pub fn watch(names: &[&str], policy: &str, script: &str) -> String {
    let named = names.iter().map(|name| invariants::ALL.iter().find(|one| one.name == *name));
    let mut watches: Vec<_> = named.map(|named| named.expect("an invariant").watch()).collect();
    let (mut hand, mut text, mut steps) = (None, String::new(), 0);
    verbs::obey(policy, "party dispatchers", &mut hand).expect("a policy");
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let said = verbs::obey(policy, line, &mut hand).unwrap_or_else(|wrong| panic!("{wrong}"));
        writeln!(text, "{line}").unwrap();
        said.lines().for_each(|line| writeln!(text, "    {line}").unwrap());
        if let Some(hand) = &mut hand {
            for violation in show(hand, &mut watches, &mut steps) {
                writeln!(text, "    !! {violation}").unwrap();
            }
        }
    }
    text
}

/// Shows every step to the invariants; what they find.
fn show(hand: &mut Hand, watches: &mut [Box<dyn Invariant>], steps: &mut u64) -> Vec<Violation> {
    let mut found = Vec::new();
    for (record, actor) in std::mem::take(&mut hand.steps) {
        *steps += 1;
        if let Actor::Dispatchers(_) | Actor::Maintainers(_) | Actor::Coordinator(_) = actor {
            let sim = picture(vec![(hand.me(), actor), (Addr::Upstream, hand.upstream())]);
            let record = Record { id: StepId(*steps), ..record };
            watches.iter_mut().for_each(|watch| watch.observe(&sim, &record, &mut found));
        }
    }
    found
}
