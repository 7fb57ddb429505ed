//! What heals at the end of the fault phase.

use model::{Addr, Place};
use scenarios::{Case, PolicySpec, Scenario, Seed, trace::trace};

const FILE: &str = r#"
story = "n1 dies for ever."
run_for = "5s"
settle_for = "15s"

[cluster]
nodes = 3

[workload]
tables = 2
row_every = "1s"
rows = 8

[[fault]]
when = { at = "3s" }
do = { crash = { who = "n1" } }
"#;

/// The last fault of a run, and the nodes that come up after it.
fn ends(ending: &str, seed: u64) -> String {
    let scenario = Scenario::parse("x", "x.toml", &format!("{ending}\n{FILE}")).expect("it is well-formed");
    let case = Case::new(&scenario, &PolicySpec::parse("master").expect("a preset"), Seed(seed));
    let (outcome, lines) = trace(&case);
    assert!(outcome.held(), "{ending} {seed}: {:?}", outcome.violations);
    let after = lines.iter().skip_while(|line| line.label() != "calm");
    let started = |line: &scenarios::trace::Line| {
        let server = line.actor().filter(|actor| matches!(actor, Addr::Node(_, Place::Server)));
        server.filter(|_| line.label() == "start").map(|server| server.to_string())
    };
    let up: Vec<String> = after.clone().filter_map(started).collect();
    let last = after.take(1).map(|line| line.what()).collect::<String>();
    format!("{last}; up: {}", up.join(", "))
}

#[test]
fn a_scenario_says_how_it_ends() {
    insta::assert_snapshot!(ends("ending = 'calm'", 1), @"-- calm: everything heals and everybody is up; up: n1.2/server");
    insta::assert_snapshot!(ends("ending = { core = ['n1', 'n2'] }", 1), @"-- core: n1, n2, etcd, pd, upstream, sink heal, everything else stays as it is; up: n1.2/server");
    insta::assert_snapshot!(ends("ending = { core = ['n2', 'n3'] }", 1), @"-- core: n2, n3, etcd, pd, upstream, sink heal, everything else stays as it is; up:");
}

/// Both endings come, and each node is outside sometimes.
#[test]
fn or_the_seed_does() {
    let mut all: Vec<String> = (0..40).map(|seed| ends("", seed)).collect();
    let core: Vec<String> = (0..20).map(|seed| ends("ending = 'core'", seed)).collect();
    assert!(core.iter().all(|end| end.contains("core: ")), "{core:?}");
    all.sort();
    all.dedup();
    insta::assert_snapshot!(all.join("\n"), @"
    -- calm: everything heals and everybody is up; up: n1.2/server
    -- core: n1, etcd, pd, upstream, sink heal, everything else stays as it is; up: n1.2/server
    -- core: n1, n2, etcd, pd, upstream, sink heal, everything else stays as it is; up: n1.2/server
    -- core: n1, n3, etcd, pd, upstream, sink heal, everything else stays as it is; up: n1.2/server
    -- core: n2, etcd, pd, upstream, sink heal, everything else stays as it is; up: 
    -- core: n2, n3, etcd, pd, upstream, sink heal, everything else stays as it is; up: 
    -- core: n3, etcd, pd, upstream, sink heal, everything else stays as it is; up:
    ");
}

/// n1 and n2 hear nothing of each other any more.
const APART: &str = "[[fault]]\nwhen = { at = '4s' }\ndo = { cut = { from = 'n1', to = 'n2', class = 'peer', mode = 'drop' } }\n";

/// What breaks where only n2 of two nodes heals; and, for comparison, that nothing does if everything heals.
fn broken_outside(faults: &str) -> String {
    broken_with(2, faults)
}

/// The same with so many tables.
fn broken_with(tables: u32, faults: &str) -> String {
    assert_eq!(broken_when("'calm'", tables, faults), "");
    broken_when("{ core = ['n2'] }", tables, faults)
}

/// What breaks with this ending.
fn broken_when(ending: &str, tables: u32, faults: &str) -> String {
    let file = FILE.split("[[fault]]").next().expect("it has a beginning").replace("nodes = 3", "nodes = 2");
    let file = file.replace("tables = 2", &format!("tables = {tables}"));
    let scenario = Scenario::parse("x", "x.toml", &format!("ending = {ending}\n{file}{faults}"));
    let policy = PolicySpec::parse("master").expect("a preset");
    let case = Case::new(&scenario.expect("it is well-formed"), &policy, Seed(1));
    let broken: Vec<String> = case.run().violations.iter().map(|one| format!("{one}")).collect();
    broken.join("\n")
}

/// A changefeed is removed, and its maintainer is on a node that cannot be reached any more.
#[test]
fn what_waits_outside_to_be_stopped_is_told_as_that() {
    let removed = "[[fault]]\nwhen = { at = '4.5s' }\ndo = { remove_changefeed = { cf = 'cf1' } }\n";
    let text = broken_outside(&format!("{APART}{removed}"));
    insta::assert_snapshot!(text, @"recovers (outside): n2/coordinator still has the operator stop of cf1; n2/coordinator cf1 waits for MaintainerHeartbeat (stopped; operator stop) from n1, which 100 messages did not reach, the last a HeartBeatRequest: the link is cut");
}

/// A changefeed is replicated, and the coordinator hears nothing of it any more.
#[test]
fn a_maintainer_that_cannot_be_heard_is_outside() {
    let text = broken_with(1, APART);
    insta::assert_snapshot!(text, @"recovers (outside): the checkpoint of cf1 stands at ts3200000, not past the calm at ts5000000; n1/maintainers maintains cf1 (e@988), and waits for nothing; n2/coordinator has cf1 replicating on n1");
}

/// Its maintainer tells of an error, and nobody hears it: no fault of anybody's who hears.
#[test]
fn an_error_that_cannot_be_told_is_not_lost() {
    let error =
        "[[fault]]\nwhen = { at = '4.1s' }\ndo = { downstream_error = { retryable = false, times = 1 } }\n";
    let text = broken_when("{ core = ['n2'] }", 1, &format!("{APART}{error}"));
    insta::assert_snapshot!(text, @"recovers (outside): the checkpoint of cf1 stands at ts3200000, not past the calm at ts5000000; n1/maintainers maintains cf1 (e@988), and waits for nothing; n1/dispatchers cf1 waits for a successor of its sink, which has failed; n2/coordinator has cf1 replicating on n1");
}

/// A node that everybody reaches cannot reach the downstream any more.
#[test]
fn a_node_that_is_cut_off_from_the_downstream_is_outside() {
    let text = broken_outside(
        "[[fault]]\nwhen = { at = '4s' }\ndo = { cut = { from = 'n1', to = 'all', class = 'sink', mode = 'hold' } }\n",
    );
    insta::assert_snapshot!(text, @"recovers (outside): the checkpoint of cf1 stands at ts4587903, not past the calm at ts5000000; n1/maintainers cf1 waits for HeartBeatRequest, with a later watermark, from n1; n1/dispatchers cf1 waits for the downstream to answer 1 transactions; n2/coordinator has cf1 replicating on n1");
}

/// The coordinator keeps its session, and has no way to PD any more: it cannot give a changefeed to anybody.
#[test]
fn a_coordinator_that_is_cut_off_from_pd_is_outside() {
    let file = r#"
story = "The coordinator is cut off from PD, and the node of the maintainer dies."
run_for = "20s"
settle_for = "30s"
ending = { core = ["n2", "n3"] }

[cluster]
nodes = 3

[workload]
tables = 2
row_every = "1s"
rows = 8

[[fault]]
when = { at = "3s" }
do = { cut = { from = "coordinator", to = "all", class = "pd", mode = "hold", for = "60s" } }

[[fault]]
when = { at = "5s" }
do = { crash = { who = "maintainer", back_after = "60s" } }
"#;
    let scenario = Scenario::parse("x", "x.toml", file).expect("it is well-formed");
    let found = |seed| {
        let case = Case::new(&scenario, &PolicySpec::parse("master").expect("a preset"), Seed(seed));
        let found = case.run().violations.into_iter().map(|one| format!("{} {}", one.aspect, one.what));
        found.collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(found(7), @"outside the checkpoint of cf1 stands at ts4000000, not past the calm at ts20000000; n1/coordinator has cf1 absent; n1/coordinator cf1 waits for a node to maintain it; n1/dispatchers reports to n2, where nobody maintains cf1; n3/dispatchers reports to n2, where nobody maintains cf1; nobody maintains cf1");
}
