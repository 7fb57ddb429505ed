//! What is wrong with a file is said with its line and with what would be right.

use scenarios::{Scenario, capsule::Capsule};

const GOOD: &str = r#"
story = "a story"
run_for = "5s"
settle_for = "5s"

[cluster]
nodes = 3

[workload]
tables = 2
row_every = "1s"
rows = 8
"#;

/// What is said about a scenario to which this is added, or in which this is replaced.
fn wrong(replace: &str, by: &str) -> String {
    let text = if replace.is_empty() { format!("{GOOD}\n{by}") } else { GOOD.replace(replace, by) };
    Scenario::parse("x", "x.toml", &text).expect_err("it is wrong").to_string()
}

#[test]
fn a_scenario_can_be_small() {
    assert!(Scenario::parse("x", "x.toml", GOOD).is_ok());
}

#[test]
fn unknown_fields_and_missing_ones() {
    insta::assert_snapshot!(wrong("nodes = 3", "nodes = 3\nnods = 4"), @"
    x.toml:8:1: unknown field `nods`, expected one of `nodes`, `changefeeds`, `low_latency`, `redo`, `targets`, `gc`, `old_metadata`, `old`, `session_ttl`
      | nods = 4
    ");
    insta::assert_snapshot!(wrong("story = \"a story\"", "stroy = \"x\""), @r#"
    x.toml:2:1: unknown field `stroy`, expected one of `story`, `topic`, `issues`, `seeds`, `run_for`, `settle_for`, `ending`, `cluster`, `workload`, `downstream`, `scheduling`, `weather`, `fault`, `chaos`, `claim`
      | stroy = "x"
    "#);
    insta::assert_snapshot!(wrong("tables = 2", ""), @"
    x.toml:9:1: missing field `tables`
      | [workload]
    ");
    insta::assert_snapshot!(wrong("", "[weather.peer]\nlatency = \"1ms\"\ndelay = \"1s\""), @r#"
    x.toml:16:1: unknown field `delay`, expected one of `latency`, `tail`, `loss`, `copies`, `capacity`, `straggler`
      | delay = "1s"
    "#);
    insta::assert_snapshot!(wrong("", "[[fault]]\nwhen = { at = \"1s\" }\ndo = { explode = { who = \"n1\" } }"), @r#"
    x.toml:16:8: unknown variant `explode`, expected one of `crash`, `pause`, `clock_jump`, `clock_drift`, `cut`, `slow`, `revoke_lease`, `etcd_leader_change`, `etcd_error`, `etcd_slow_watch`, `etcd_compaction`, `downstream_outage`, `slow_statements`, `downstream_error`, `create_changefeed`, `pause_changefeed`, `resume_changefeed`, `remove_changefeed`, `update_changefeed`, `move_maintainer`, `move_table`, `split_table`, `merge_table`, `drain_node`, `resign_owner`, `restart`, `rolling_restart`
      | do = { explode = { who = "n1" } }
    "#);
    insta::assert_snapshot!(wrong("", "[[fault]]\nwhen = { at = \"1s\" }\ndo = { cut = { from = \"n1\", to = \"n2\", kind = \"peer\" } }"), @r#"
    x.toml:16:40: unknown field `kind`, expected one of `from`, `to`, `one_way`, `class`, `mode`, `for`
      | do = { cut = { from = "n1", to = "n2", kind = "peer" } }
    "#);
}

#[test]
fn what_is_for_readers() {
    let story = "story = \"a story\"";
    insta::assert_snapshot!(wrong(story, &format!("{story}\nissues = [\"ticdc#5083\"]")), @r#"
    x.toml:3:10: `ticdc#5083` is no issue; write `pingcap/ticdc#5083`
      | issues = ["ticdc#5083"]
    "#);
    insta::assert_snapshot!(wrong(story, &format!("{story}\ntopic = \"session\"")), @r#"
    x.toml:3:9: unknown variant `session`, expected one of `cluster`, `sessions`, `coordinator`, `takeover`, `handover`, `spans`, `ddls`, `dispatchers`, `downstream`, `users`, `upgrades`
      | topic = "session"
    "#);
}

#[test]
fn malformed_text() {
    insta::assert_snapshot!(wrong("nodes = 3", "nodes = "), @"
    x.toml:7:9: string values must be quoted, expected literal string
      | nodes =
    ");
    insta::assert_snapshot!(wrong("[cluster]", "[cluster"), @"
    x.toml:6:9: unclosed table, expected `]`
      | [cluster
    ");
    insta::assert_snapshot!(wrong("nodes = 3", "nodes = \"three\""), @r#"
    x.toml:7:9: invalid type: string "three", expected u32
      | nodes = "three"
    "#);
}

#[test]
fn values_out_of_their_ranges() {
    insta::assert_snapshot!(wrong("nodes = 3", "nodes = 0"), @"
    x.toml:7:9: nodes are from 1 to 9, not 0
      | nodes = 0
    ");
    insta::assert_snapshot!(wrong("nodes = 3", "nodes = 12"), @"
    x.toml:7:9: nodes are from 1 to 9, not 12
      | nodes = 12
    ");
    insta::assert_snapshot!(wrong("nodes = 3", "nodes = 3\ntargets = { cf2 = \"20s\" }"), @r#"
    x.toml:8:13: there is no `cf2`; the only changefeed is cf1
      | targets = { cf2 = "20s" }
    "#);
    insta::assert_snapshot!(wrong("nodes = 3", "nodes = 3\ntargets = { cf1 = \"0s\" }"), @r#"
    x.toml:8:19: a changefeed ends after it has begun: a millisecond at least
      | targets = { cf1 = "0s" }
    "#);
    insta::assert_snapshot!(wrong("rows = 8", "rows = 0"), @"
    x.toml:12:8: rows of a table are from 1 to 1024, not 0
      | rows = 0
    ");
    insta::assert_snapshot!(wrong("row_every = \"1s\"", "row_every = \"1us\""), @r#"
    x.toml:11:13: a row of a table changes every millisecond at most
      | row_every = "1us"
    "#);
    insta::assert_snapshot!(wrong("run_for = \"5s\"", "run_for = \"5 parsecs\""), @r#"
    x.toml:3:11: `5 parsecs` is no length of time; write a number and a unit, such as 250ms, 1.5s or 2m
      | run_for = "5 parsecs"
    "#);
    insta::assert_snapshot!(wrong("run_for = \"5s\"", "run_for = \"1000000h\""), @r#"
    x.toml:3:11: `1000000h` is too long; nothing in a scenario takes longer than 24h
      | run_for = "1000000h"
    "#);
    insta::assert_snapshot!(wrong("settle_for = \"5s\"", "settle_for = \"25h\""), @r#"
    x.toml:4:14: `25h` is too long; nothing in a scenario takes longer than 24h
      | settle_for = "25h"
    "#);
    insta::assert_snapshot!(wrong("", "[weather.peer]\nlatency = \"0s..18446744073709551615ns\""), @r#"
    x.toml:15:11: `18446744073709551615ns` is too long; nothing in a scenario takes longer than 24h
      | latency = "0s..18446744073709551615ns"
    "#);
    insta::assert_snapshot!(wrong("", "[weather.node]\nclock_offset = \"3000000h\""), @r#"
    x.toml:15:16: `3000000h` is too long; nothing in a scenario takes longer than 24h
      | clock_offset = "3000000h"
    "#);
    insta::assert_snapshot!(wrong("tables = 2\nrow_every = \"1s\"", "tables = 1000\nrow_every = \"900us\"").lines().next().unwrap(), @"x.toml:11:13: a row of a table changes every millisecond at most");
    let long = GOOD.replace("5s", "1h").replace("\"1s\"", "\"1ms\"");
    insta::assert_snapshot!(Scenario::parse("x", "x.toml", &long).expect_err("it is long").to_string(), @r#"
    x.toml:11:13: 2 tables with a change every 1ms for 7200s make 14400000 changes of rows; at most 10000000: take fewer tables, rarer changes or a shorter run
      | row_every = "1ms"
    "#);
    insta::assert_snapshot!(wrong("", "[weather.peer]\nlatency = \"3ms..1ms\""), @r#"
    x.toml:15:11: `3ms..1ms` is an empty range: 3ms is more than 1ms
      | latency = "3ms..1ms"
    "#);
    insta::assert_snapshot!(wrong("", "[weather.peer]\nloss = \"200%\""), @r#"
    x.toml:15:8: `200%` is no share; write one such as 2%, 0.5% or 40ppm, at most 100%
      | loss = "200%"
    "#);
    insta::assert_snapshot!(wrong("", "[[fault]]\nwhen = { at = \"7s\" }\ndo = { crash = { who = \"n1\" } }"), @r#"
    x.toml:15:15: the fault phase ends after 5s; a fault happens before
      | when = { at = "7s" }
    "#);
    insta::assert_snapshot!(wrong("", "[[fault]]\nwhen = { upon = { kind = \"Elected\", nth = 0 } }\ndo = { crash = { who = \"n1\" } }"), @r#"
    x.toml:15:43: invalid value: integer `0`, expected a number from 1 on, or a range such as "1..17"
      | when = { upon = { kind = "Elected", nth = 0 } }
    "#);
}

#[test]
fn changes_of_the_schema() {
    insta::assert_snapshot!(wrong("rows = 8", "rows = 8\nddls = [\"drop_table\", \"alter\"]"), @r#"
    x.toml:13:23: `alter` is no kind of DDL; there is create_table, drop_table, truncate_table, rename_table, add_column, add_partition, drop_partition, create_database, drop_database or create_view
      | ddls = ["drop_table", "alter"]
    "#);
    insta::assert_snapshot!(wrong("rows = 8", "rows = 8\nddl_every = \"1ms\""), @r#"
    x.toml:13:13: the schema changes every 100ms at most
      | ddl_every = "1ms"
    "#);
    insta::assert_snapshot!(wrong("rows = 8", "rows = 8\nsyncpoint_every = \"0s\""), @r#"
    x.toml:13:19: a syncpoint comes every 100ms at most
      | syncpoint_every = "0s"
    "#);
    insta::assert_snapshot!(wrong("rows = 8", "rows = 8\ndatabases = 0"), @"
    x.toml:13:13: databases are from 1 to 100, not 0
      | databases = 0
    ");
    insta::assert_snapshot!(wrong("", "[[workload.ddl]]\nat = \"1s\"\nkind = \"truncate\""), @r#"
    x.toml:16:8: `truncate` is no kind of DDL; there is create_table, drop_table, truncate_table, rename_table, add_column, add_partition, drop_partition, create_database, drop_database or create_view
      | kind = "truncate"
    "#);
    insta::assert_snapshot!(wrong("", "[[workload.ddl]]\nat = \"1s\"\nkind = \"drop_table\"\nnth = 0"), @"
    x.toml:17:7: invalid value: integer `0`, expected a nonzero u32
      | nth = 0
    ");
}

#[test]
fn names_that_mean_nothing() {
    let fault = |when: &str, what: &str| wrong("", &format!("[[fault]]\nwhen = {when}\ndo = {what}"));
    let at = "{ at = \"1s\" }";
    insta::assert_snapshot!(fault(at, "{ crash = { who = \"n4\" } }"), @r#"
    x.toml:16:24: there is no `n4`; the nodes of this cluster are n1 to n3
      | do = { crash = { who = "n4" } }
    "#);
    insta::assert_snapshot!(fault(at, "{ crash = { who = \"coordinatr\" } }"), @r#"
    x.toml:16:24: `coordinatr` is no host; there is n1, n2, n3, sender, receiver, coordinator, maintainer or maintainer of cf1
      | do = { crash = { who = "coordinatr" } }
    "#);
    insta::assert_snapshot!(fault(at, "{ cut = { from = [\"n1\", \"n9\"], to = \"all\" } }"), @r#"
    x.toml:16:23: there is no `n9`; the nodes of this cluster are n1 to n3
      | do = { cut = { from = ["n1", "n9"], to = "all" } }
    "#);
    insta::assert_snapshot!(fault(at, "{ cut = { from = \"n1\", to = \"all\", class = \"peers\" } }"), @r#"
    x.toml:16:49: `peers` is no class of links; did you mean `peer`?
      | do = { cut = { from = "n1", to = "all", class = "peers" } }
    "#);
    insta::assert_snapshot!(fault(at, "{ crash = { who = \"leader\" } }"), @r#"
    x.toml:16:24: `leader` is no host; there is n1, n2, n3, sender, receiver, coordinator, maintainer or maintainer of cf1
      | do = { crash = { who = "leader" } }
    "#);
    insta::assert_snapshot!(fault(at, "{ crash = { who = \"maintainer of cf2\" } }"), @r#"
    x.toml:16:24: there is no `cf2`; the only changefeed is cf1
      | do = { crash = { who = "maintainer of cf2" } }
    "#);
    insta::assert_snapshot!(fault(at, "{ crash = { who = \"etcd\" } }"), @r#"
    x.toml:16:24: `etcd` is a service, and faults happen to nodes; to cut or slow its links write to = "all", class = "etcd"
      | do = { crash = { who = "etcd" } }
    "#);
    insta::assert_snapshot!(fault(at, "{ cut = { from = \"n1\", to = 3 } }"), @r#"
    x.toml:16:34: write a host such as "n1", a list of hosts, or "all"
      | do = { cut = { from = "n1", to = 3 } }
    "#);
    insta::assert_snapshot!(fault(at, "{ cut = { from = [\"n1\", \"maintainer\"], to = \"all\" } }"), @r#"
    x.toml:16:23: `maintainer` cannot be in a list; a list names nodes: n1, n2, n3
      | do = { cut = { from = ["n1", "maintainer"], to = "all" } }
    "#);
    insta::assert_snapshot!(fault(at, "{ revoke_lease = { who = \"maintainer\" } }"), @r#"
    x.toml:16:31: `maintainer` is no node; there is n1, n2 or n3
      | do = { revoke_lease = { who = "maintainer" } }
    "#);
    insta::assert_snapshot!(fault(at, "{ pause_changefeed = { cf = \"cf2\" } }"), @r#"
    x.toml:16:34: there is no `cf2`; the only changefeed is cf1
      | do = { pause_changefeed = { cf = "cf2" } }
    "#);
    insta::assert_snapshot!(fault(at, "{ resume_changefeed = { cf = \"x\" } }"), @r#"
    x.toml:16:35: `x` is no changefeed; the only changefeed is cf1
      | do = { resume_changefeed = { cf = "x" } }
    "#);
    let crash = "{ crash = { who = \"n1\" } }";
    insta::assert_snapshot!(fault("{ upon = { kind = \"ScheduleDispatcherReq\", nth = 1 } }", crash), @r#"
    x.toml:15:26: `ScheduleDispatcherReq` is no kind of message or note; did you mean `ScheduleDispatcherRequest`?
      | when = { upon = { kind = "ScheduleDispatcherReq", nth = 1 } }
    "#);
    insta::assert_snapshot!(fault("{ upon = { kind = \"Elected\", nth = 1, to = \"m2\" } }", crash), @r#"
    x.toml:15:51: `m2` is no address; write a node and its part, such as n1/dispatchers, or a service. The parts are server, coordinator, maintainers and dispatchers, the services etcd, pd, upstream and sink; the nodes of this cluster are n1 to n3
      | when = { upon = { kind = "Elected", nth = 1, to = "m2" } }
    "#);
    insta::assert_snapshot!(wrong("", "[[claim]]\npolicy = \"mastr\""), @r#"
    x.toml:15:10: `mastr` is no policy; did you mean `master`?
      | policy = "mastr"
    "#);
    insta::assert_snapshot!(wrong("", "[[claim]]\npolicy = \"master\"\nbreaks = \"single_writer (aplied)\""), @r#"
    x.toml:16:10: `aplied` is no aspect of single_writer; did you mean `applied`?
      | breaks = "single_writer (aplied)"
    "#);
    insta::assert_snapshot!(wrong("", "[cluster.old]\nn4 = \"master\""), @r#"
    x.toml:15:1: there is no `n4`; the nodes of this cluster are n1 to n3
      | n4 = "master"
    "#);
    insta::assert_snapshot!(wrong("", "[cluster.old]\nn1 = \"mastr\""), @r#"
    x.toml:15:6: `mastr` is no policy; did you mean `master`?
      | n1 = "mastr"
    "#);
    insta::assert_snapshot!(wrong("", "[[claim]]\npolicy = \"master\"\nbreaks = \"one_writer\""), @r#"
    x.toml:16:10: `one_writer` is no invariant; did you mean `single_writer`?
      | breaks = "one_writer"
    "#);
    insta::assert_snapshot!(wrong("", "[[claim]]\npolicy = \"master\"\nbreaks = [\"single_writer\", \"fed\"]"), @r#"
    x.toml:16:10: `fed` is no invariant; there is single_writer, no_write_after_stop, one_ddl_owner, ddl_once, coverage, one_operator, one_owner_per_epoch, inertness, checkpoint_safe, no_command_while_removed, close_ack_truth, closed_stays_closed, api_intent, drained_is_empty, ends_at_target, needed_is_kept, error_is_heard, no_false_alarm, redo_is_ahead, no_lock_forever, no_head_of_line, no_panic, recovers or data_equal
      | breaks = ["single_writer", "fed"]
    "#);
    insta::assert_snapshot!(wrong("", "[[claim]]\npolicy = \"master\"\nbreaks = 1"), @r#"
    x.toml:16:10: write an invariant such as "single_writer", or a list of invariants
      | breaks = 1
    "#);
    insta::assert_snapshot!(wrong("", "[[claim]]\npolicy = \"master\"\nmay_break = \"single_writers\""), @r#"
    x.toml:16:13: `single_writers` is no invariant; did you mean `single_writer`?
      | may_break = "single_writers"
    "#);
    insta::assert_snapshot!(wrong("", "[[claim]]\npolicy = \"master\"\nbreaks = [\"single_writer\"]\nmay_break = \"single_writer\""), @r#"
    x.toml:17:13: `single_writer` is named twice in this claim; once is enough
      | may_break = "single_writer"
    "#);
    insta::assert_snapshot!(wrong("", "[[claim]]\npolicy = \"master\"\nwitnesses = [\"StaleRefusd\"]"), @r#"
    x.toml:16:14: `StaleRefusd` is no note; did you mean `StaleRefused`?
      | witnesses = ["StaleRefusd"]
    "#);
}

#[test]
fn capsules() {
    let wrong = |text: &str| {
        let capsule = Capsule::parse("c.json", text).and_then(|capsule| capsule.case("c.json"));
        capsule.expect_err("it is wrong").to_string()
    };
    insta::assert_snapshot!(wrong("{\"schema\": \"cdcsim.capsule/1\", \"ver"), @"c.json:1:35: the capsule is truncated: it ends in the middle");
    insta::assert_snapshot!(wrong("{\"schema\": \"cdcsim.capsule/9\"}"), @"c.json: its schema is `cdcsim.capsule/9`; this version reads `cdcsim.capsule/1` and `cdcsim.capsule/2` and `cdcsim.capsule/3`");
    insta::assert_snapshot!(wrong("{}"), @r#"c.json: it is no capsule: one has "schema": "cdcsim.capsule/3""#);
    insta::assert_snapshot!(wrong("not json"), @"c.json:1:2: it is no capsule: expected ident");
    insta::assert_snapshot!(wrong("{\"schema\": \"cdcsim.capsule/1\"}"), @"c.json:1:30: it is no capsule: missing field `version`");
    let whole = |policy: &str, seed: &str, text: &str| {
        format!(
            "{{\"schema\": \"cdcsim.capsule/1\", \"version\": \"0\", \"scenario\": {{\"name\": \"x\", \"text\": {text:?}}}, \
             \"policy\": \"{policy}\", \"seed\": \"{seed}\", \"digest\": \"0\", \"violations\": []}}"
        )
    };
    insta::assert_snapshot!(wrong(&whole("x", "1", GOOD)), @"c.json, policy `x`: `x` is no policy; there is baseline, pr-5106, pr-4828, pr-5434, pr-5435, pr-5436, pr-3769, master, pr-5181 or pr-5182");
    insta::assert_snapshot!(wrong(&whole("master", "-1", GOOD)), @"c.json: `-1` is no seed");
    insta::assert_snapshot!(wrong(&whole("master", "1", "nodes = 3")), @"
    c.json, scenario x:2:1: unknown field `nodes`, expected one of `story`, `topic`, `issues`, `seeds`, `run_for`, `settle_for`, `ending`, `cluster`, `workload`, `downstream`, `scheduling`, `weather`, `fault`, `chaos`, `claim`
      | nodes = 3
    ");
}

#[test]
fn the_downstream() {
    insta::assert_snapshot!(wrong("", "[downstream]\nclass = \"oracle\""), @r#"
    x.toml:15:9: unknown variant `oracle`, expected one of `mysql`, `tidb`, `kafka`
      | class = "oracle"
    "#);
    insta::assert_snapshot!(wrong("", "[downstream]\nworkers = 0"), @"
    x.toml:15:11: workers are from 1 to 1024, not 0
      | workers = 0
    ");
    insta::assert_snapshot!(wrong("", "[downstream]\nworkers = 2000"), @"
    x.toml:15:11: workers are from 1 to 1024, not 2000
      | workers = 2000
    ");
    insta::assert_snapshot!(wrong("", "[downstream]\nworker = 2"), @"
    x.toml:15:1: unknown field `worker`, expected one of `class`, `workers`, `bootstrap`
      | worker = 2
    ");
    insta::assert_snapshot!(wrong("rows = 8", "rows = 8\ndeletes = \"1\""), @r#"
    x.toml:13:11: `1` is no share; write one such as 2%, 0.5% or 40ppm, at most 100%
      | deletes = "1"
    "#);
    let fault = |what: &str| wrong("", &format!("[[fault]]\nwhen = {{ at = \"1s\" }}\ndo = {{ {what} }}"));
    insta::assert_snapshot!(fault("downstream_outage = { mode = \"crash\" }"), @r#"
    x.toml:16:37: unknown variant `crash`, expected `refuse` or `hang`
      | do = { downstream_outage = { mode = "crash" } }
    "#);
    insta::assert_snapshot!(fault("downstream_outage = { lasts = \"1s\" }"), @r#"
    x.toml:16:30: unknown field `lasts`, expected `mode` or `for`
      | do = { downstream_outage = { lasts = "1s" } }
    "#);
    insta::assert_snapshot!(fault("slow_statements = { for = \"1s\" }"), @r#"
    x.toml:16:26: missing field `duration`
      | do = { slow_statements = { for = "1s" } }
    "#);
    insta::assert_snapshot!(fault("slow_statements = { duration = \"2s..1s\" }"), @r#"
    x.toml:16:39: `2s..1s` is an empty range: 2s is more than 1s
      | do = { slow_statements = { duration = "2s..1s" } }
    "#);
    insta::assert_snapshot!(fault("downstream_error = { share = \"1%\" }"), @r#"
    x.toml:16:27: missing field `retryable`
      | do = { downstream_error = { share = "1%" } }
    "#);
    insta::assert_snapshot!(fault("downstream_error = { retryable = true, kind = \"Exec\" }"), @r#"
    x.toml:16:54: `Exec` is no call to the downstream; there is Connect, TableRecoveryInfo or Execute
      | do = { downstream_error = { retryable = true, kind = "Exec" } }
    "#);
    insta::assert_snapshot!(fault("downstream_error = { retryable = true, times = 0 }"), @r#"
    x.toml:16:55: invalid value: integer `0`, expected a number from 1 on, or a range such as "1..17"
      | do = { downstream_error = { retryable = true, times = 0 } }
    "#);
}

#[test]
fn endings() {
    insta::assert_snapshot!(wrong("run_for", "ending = \"clam\"\nrun_for"), @r#"
    x.toml:3:10: write ending = "calm", "core", or { core = ["n1"] }
      | ending = "clam"
    "#);
    insta::assert_snapshot!(wrong("run_for", "ending = { core = [] }\nrun_for"), @"
    x.toml:3:10: a core has a node at least; name it
      | ending = { core = [] }
    ");
    insta::assert_snapshot!(wrong("run_for", "ending = { core = [\"n4\"] }\nrun_for"), @r#"
    x.toml:3:10: there is no `n4`; the nodes of this cluster are n1 to n3
      | ending = { core = ["n4"] }
    "#);
    insta::assert_snapshot!(wrong("run_for", "ending = { core = [\"coordinator\"] }\nrun_for"), @r#"
    x.toml:3:10: `coordinator` is no node; there is n1, n2 or n3
      | ending = { core = ["coordinator"] }
    "#);
}
