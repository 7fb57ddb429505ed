//! The barrier of a maintainer, driven by hand: block events are reported, written, scheduled and passed.
//!
//! d1@n1 to d3@n1 on n1 to n3 replicate the tables t1 to t3, which are in db1, db2 and db1; the table trigger is d1@n3, on n3.
//! A line `n1: d1@n1 DONE ts20` is a report of a dispatcher on n1; several in one message have `&` between them.

use crate::script::play;

/// What is said from the moment when the maintainer knows its spans.
fn told(policy: &str, script: &str) -> String {
    told_with("3 tables, 2 databases", policy, script)
}

const WHOLE: [&str; 3] =
    ["d1@n1 t1 Working ts10 default", "d2@n1 t2 Working ts10 default", "d3@n1 t3 Working ts10 default"];
const WITHOUT: [&str; 4] = ["baseline", "pr-5106", "pr-4828", "pr-5434"];

fn told_with(settings: &str, policy: &str, script: &str) -> String {
    begun(settings, policy, WHOLE, script)
}

/// The same, if nodes report these dispatchers; the table trigger begins at ts10.
fn begun(settings: &str, policy: &str, spans: [&str; 3], script: &str) -> String {
    let epoch = if WITHOUT.contains(&policy) { "e0" } else { "e5" };
    let [n1, n2, n3] = spans.map(|spans| if spans.is_empty() { String::new() } else { format!(" {spans}") });
    let n3 = if n3.is_empty() { String::new() } else { format!(",{n3}") };
    let begin = format!(
        "party maintainers with {settings}
        n1/coordinator: CoordinatorBootstrapRequest version=1
        n1/coordinator: AddMaintainerRequest cf1 ts10 {epoch}
        n1/dispatchers: MaintainerBootstrapResponse cf1 {epoch} ts0 spans:{n1}
        n2/dispatchers: MaintainerBootstrapResponse cf1 {epoch} ts0 spans:{n2}
        n3/dispatchers: MaintainerBootstrapResponse cf1 {epoch} ts10 spans: d1@n3 ddl Initializing ts10 default{n3}
        n3/dispatchers: MaintainerPostBootstrapResponse cf1 d1@n3 {epoch}
        "
    )
    .replace(" spans:\n", "\n");
    let lines = script.lines().map(str::trim).filter(|line| !line.is_empty()).map(full);
    let script: Vec<String> = lines.collect();
    let begun = play(policy, &begin).len();
    let text = play(policy, &format!("{begin}{}", script.join("\n")))[begun..].to_owned();
    text.replace("/dispatchers: BlockStatusRequest cf1 statuses:", ":")
        .replace(" default default\n", "\n")
        .replace(" default,", " &")
        .replace("HeartBeatResponse cf1 statuses: ", "")
        .replace("HeartBeatResponse cf1 default", "nothing")
        .replace(&format!(" default {epoch} to "), " to ")
        .replace(&format!(" {epoch} to "), " to ")
        .replace("/dispatchers\n", "\n")
}

/// A report as a message.
fn full(line: &str) -> String {
    let Some((node, statuses)) = line.split_once(": ").filter(|(node, _)| node.len() == 2) else {
        return line.to_owned();
    };
    let statuses = statuses.replace(" &", " default,");
    format!("{node}/dispatchers: BlockStatusRequest cf1 statuses: {statuses} default default")
}

const CREATED: &str = "n3: d1@n3 NONE ts20 added=t9@db1";
const DROPPED: [&str; 2] =
    ["n1: d1@n1 WAITING ts20 blocked=t1+ddl dropped=t1", "n3: d1@n3 WAITING ts20 blocked=t1+ddl dropped=t1"];

/// It and the table trigger wait, the trigger writes; then the table goes, and the rest pass.
#[test]
fn a_table_goes() {
    let text = told(
        "master",
        &format!(
            "
        {}
        state event
        {}
        state event
        pass 900ms
        pass 200ms
        n3: d1@n3 DONE ts20
        state d1@n1
        pass 100ms
        n1: d1@n1 DONE ts20
        pass 1s
        state event
    ",
            DROPPED[0], DROPPED[1]
        ),
    );
    insta::assert_snapshot!(text, @"
    n1: d1@n1 WAITING ts20 blocked=t1+ddl dropped=t1
        -> Ack ts20 to=d1@n1 to n1
    state event
          event ts20 reported by d1@n1
    n3: d1@n3 WAITING ts20 blocked=t1+ddl dropped=t1
        ** BlockEventSelected cf1 ts20 d1@n3
        -> Ack ts20 to=d1@n3, Write ts20 to=d1@n3 to n3
    state event
          event ts20 selected writer d1@n3
    pass 900ms
    pass 200ms
        -> Write ts20 to=d1@n3 to n3
    n3: d1@n3 DONE ts20
        ** BlockEventScheduled cf1 ts20
        -> Ack ts20 to=d1@n3 to n3
    state d1@n1
          operator d1@n1 Remove (Remove) at n1
    pass 100ms
        -> ScheduleDispatcherRequest cf1 Remove (Remove) d1@n1 t1 ts0 to n1
        ** BlockEventFinished cf1 ts20
        -> Pass ts20 to=d1@n3 to n3
    n1: d1@n1 DONE ts20
        ** BlockStatusIgnored cf1 d1@n1 ts20 `unknown`
        -> nothing to n1
    pass 1s
    state event
    ");
}

/// Another table comes under its name. What is new holds the checkpoint back from then on, and the event until then.
#[test]
fn a_table_is_emptied() {
    let script = "
        n1: d1@n1 WAITING ts20 blocked=t1+ddl dropped=t1 added=t9@db1
        n3: d1@n3 WAITING ts20 blocked=t1+ddl dropped=t1 added=t9@db1
        state to be scheduled
        n3: d1@n3 DONE ts20
        state t9
        state event
    ";
    insta::assert_snapshot!(told("master", script), @"
    n1: d1@n1 WAITING ts20 blocked=t1+ddl dropped=t1 added=t9@db1
        -> Ack ts20 to=d1@n1 to n1
    n3: d1@n3 WAITING ts20 blocked=t1+ddl dropped=t1 added=t9@db1
        ** BlockEventSelected cf1 ts20 d1@n3
        -> Ack ts20 to=d1@n3, Write ts20 to=d1@n3 to n3
    state to be scheduled
          to be scheduled ts20
    n3: d1@n3 DONE ts20
        ** BlockEventScheduled cf1 ts20
        -> Ack ts20 to=d1@n3 to n3
    state t9
          d2@n3 t9 absent Working ts20
    state event
          event ts20 selected advanced writer d1@n3 reported by d1@n3
    ");
    // Before pingcap/ticdc#3445 the new table is there before the old one has been emptied.
    insta::assert_snapshot!(told("master+barrier.schedule=at_selection", script), @"
    n1: d1@n1 WAITING ts20 blocked=t1+ddl dropped=t1 added=t9@db1
        -> Ack ts20 to=d1@n1 to n1
    n3: d1@n3 WAITING ts20 blocked=t1+ddl dropped=t1 added=t9@db1
        ** BlockEventSelected cf1 ts20 d1@n3
        ** BlockEventScheduled cf1 ts20
        -> Ack ts20 to=d1@n3, Write ts20 to=d1@n3 to n3
    state to be scheduled
    n3: d1@n3 DONE ts20
        -> Ack ts20 to=d1@n3 to n3
    state t9
          d2@n3 t9 absent Working ts20
    state event
          event ts20 selected advanced writer d1@n3 reported by d1@n3
    ");
}

#[test]
fn a_table_comes_without_asking() {
    let text = told(
        "master",
        &format!(
            "
        {CREATED}
        state t9
        state event
        {CREATED}
        n3: d1@n3 NONE ts30
        n3: d1@n3 NONE ts40 dropped=t2
        state t2
        state operator
    "
        ),
    );
    insta::assert_snapshot!(text, @"
    n3: d1@n3 NONE ts20 added=t9@db1
        ** BlockEventScheduled cf1 ts20
        -> Ack ts20 to=d1@n3 to n3
    state t9
          d2@n3 t9 absent Working ts20
    state event
    n3: d1@n3 NONE ts20 added=t9@db1
        ** BlockEventScheduled cf1 ts20
        -> Ack ts20 to=d1@n3 to n3
    n3: d1@n3 NONE ts30
        -> Ack ts30 to=d1@n3 to n3
    n3: d1@n3 NONE ts40 dropped=t2
        ** BlockEventScheduled cf1 ts40
        -> Ack ts40 to=d1@n3 to n3
    state t2
    state operator
          operator d2@n1 Remove (Remove) at n2
    ");
}

#[test]
fn a_table_moves_to_another_database() {
    let text = told(
        "master",
        "
        n1: d1@n1 WAITING ts20 blocked=t1+ddl moved=t1@db1>db2
        n3: d1@n3 WAITING ts20 blocked=t1+ddl moved=t1@db1>db2
        n3: d1@n3 DONE ts20
        pass 100ms
        n1: d1@n1 DONE ts20
        n3: d1@n3 WAITING ts30 blocked=db2 dropped=db2 & d1@n3 WAITING ts30 blocked=db2 dropped=db2
        state event
        n1: d1@n1 WAITING ts30 blocked=db2 dropped=db2
        n2: d2@n1 WAITING ts30 blocked=db2 dropped=db2
        n3: d1@n3 DONE ts30
        pass 100ms
        state event
        state t
    ",
    );
    insta::assert_snapshot!(text, @"
    n1: d1@n1 WAITING ts20 blocked=t1+ddl moved=t1@db1>db2
        -> Ack ts20 to=d1@n1 to n1
    n3: d1@n3 WAITING ts20 blocked=t1+ddl moved=t1@db1>db2
        ** BlockEventSelected cf1 ts20 d1@n3
        -> Ack ts20 to=d1@n3, Write ts20 to=d1@n3 to n3
    n3: d1@n3 DONE ts20
        ** BlockEventScheduled cf1 ts20
        -> Ack ts20 to=d1@n3 to n3
    pass 100ms
        -> Pass ts20 to=d1@n1 to n1
        -> Pass ts20 to=d1@n3 to n3
    n1: d1@n1 DONE ts20
        ** BlockEventFinished cf1 ts20
        -> Ack ts20 to=d1@n1 to n1
    n3: d1@n3 WAITING ts30 blocked=db2 dropped=db2 & d1@n3 WAITING ts30 blocked=db2 dropped=db2
        -> Ack ts30 to=d1@n3 to n3
    state event
          event ts30 reported by d1@n3
    n1: d1@n1 WAITING ts30 blocked=db2 dropped=db2
        -> Ack ts30 to=d1@n1 to n1
    n2: d2@n1 WAITING ts30 blocked=db2 dropped=db2
        ** BlockEventSelected cf1 ts30 d1@n3
        -> Ack ts30 to=d2@n1 to n2
        -> Write ts30 to=d1@n3 to n3
    n3: d1@n3 DONE ts30
        ** BlockEventScheduled cf1 ts30
        -> Ack ts30 to=d1@n3 to n3
    pass 100ms
        -> ScheduleDispatcherRequest cf1 Remove (Remove) d1@n1 t1 ts0 to n1
        -> ScheduleDispatcherRequest cf1 Remove (Remove) d2@n1 t2 ts0 to n2
        ** BlockEventFinished cf1 ts30
    state event
    state t
    ");
}

/// Its tables and the table trigger are counted when the trigger reports, and not before.
#[test]
fn a_database_goes() {
    let text = told(
        "master",
        "
        n1: d1@n1 WAITING ts20 blocked=db1 dropped=db1
        n3: d3@n1 WAITING ts20 blocked=db1 dropped=db1
        state event
        n3: d1@n3 WAITING ts20 blocked=db1 dropped=db1
        n3: d1@n3 DONE ts20
        state d
        pass 100ms
        state event
    ",
    );
    insta::assert_snapshot!(text, @"
    n1: d1@n1 WAITING ts20 blocked=db1 dropped=db1
        -> Ack ts20 to=d1@n1 to n1
    n3: d3@n1 WAITING ts20 blocked=db1 dropped=db1
        -> Ack ts20 to=d3@n1 to n3
    state event
          event ts20 reported by d1@n1, d3@n1
    n3: d1@n3 WAITING ts20 blocked=db1 dropped=db1
        ** BlockEventSelected cf1 ts20 d1@n3
        -> Ack ts20 to=d1@n3, Write ts20 to=d1@n3 to n3
    n3: d1@n3 DONE ts20
        ** BlockEventScheduled cf1 ts20
        -> Ack ts20 to=d1@n3 to n3
    state d
    pass 100ms
        ** BlockEventFinished cf1 ts20
    state event
    ");
}

/// A syncpoint, or a view: all tables, and all nodes. A DDL and a syncpoint of one timestamp are two events.
#[test]
fn an_event_concerns_all() {
    let text = told(
        "master",
        "
        n1: d1@n1 WAITING ts20 syncpoint blocked=all
        n3: d3@n1 WAITING ts20 syncpoint blocked=all
        n3: d1@n3 WAITING ts20 blocked=all
        n3: d1@n3 WAITING ts20 syncpoint blocked=all
        state event
        n2: d2@n1 WAITING ts20 syncpoint blocked=all
        n2: d2@n1 WAITING ts20 syncpoint blocked=all
        n3: d1@n3 DONE ts20 syncpoint
        pass 100ms
        n1: d1@n1 DONE ts20 syncpoint
        n3: d3@n1 DONE ts20 syncpoint
        pass 900ms
        pass 200ms
        n2: d2@n1 DONE ts20 syncpoint
        n2: d2@n1 DONE ts20 syncpoint
    ",
    );
    insta::assert_snapshot!(text, @"
    n1: d1@n1 WAITING ts20 syncpoint blocked=all
        -> Ack ts20 syncpoint to=d1@n1 to n1
    n3: d3@n1 WAITING ts20 syncpoint blocked=all
        -> Ack ts20 syncpoint to=d3@n1 to n3
    n3: d1@n3 WAITING ts20 blocked=all
        -> Ack ts20 to=d1@n3 to n3
    n3: d1@n3 WAITING ts20 syncpoint blocked=all
        -> Ack ts20 syncpoint to=d1@n3 to n3
    state event
          event ts20 reported by d1@n3
          event ts20 syncpoint reported by d1@n1, d3@n1, d1@n3
    n2: d2@n1 WAITING ts20 syncpoint blocked=all
        ** BlockEventSelected cf1 ts20 syncpoint d1@n3
        -> Ack ts20 syncpoint to=d2@n1 to n2
        -> Write ts20 syncpoint to=d1@n3 to n3
    n2: d2@n1 WAITING ts20 syncpoint blocked=all
        -> Ack ts20 syncpoint to=d2@n1 to n2
    n3: d1@n3 DONE ts20 syncpoint
        -> Ack ts20 syncpoint to=d1@n3 to n3
    pass 100ms
        ** BlockEventForwarded cf1 ts20 d1@n1
        -> Pass ts20 syncpoint to=all to n1
        -> Pass ts20 syncpoint to=all to n2
        -> Pass ts20 syncpoint to=all to n3
    n1: d1@n1 DONE ts20 syncpoint
        -> Ack ts20 syncpoint to=d1@n1 to n1
    n3: d3@n1 DONE ts20 syncpoint
        -> Ack ts20 syncpoint to=d3@n1 to n3
    pass 900ms
        -> Pass ts20 to=all to n1
        -> Pass ts20 to=all to n2
        -> Pass ts20 to=all to n3
    pass 200ms
        -> Pass ts20 syncpoint to=all to n1
        -> Pass ts20 syncpoint to=all to n2
        -> Pass ts20 syncpoint to=all to n3
        -> Pass ts20 to=all to n1
        -> Pass ts20 to=all to n2
        -> Pass ts20 to=all to n3
    n2: d2@n1 DONE ts20 syncpoint
        ** BlockEventFinished cf1 ts20 syncpoint
        -> Ack ts20 syncpoint to=d2@n1 to n2
    n2: d2@n1 DONE ts20 syncpoint
        -> nothing to n2
    ");
}

/// Whoever is told to pass is told once a second; those of a wide event only when nobody has reported for a second.
#[test]
fn actions_go_out_again() {
    let named = told(
        "master",
        "
        n1: d1@n1 WAITING ts20 blocked=t1+t2
        n2: d2@n1 WAITING ts20 blocked=t1+t2
        n2: d2@n1 DONE ts20
        pass 100ms
        pass 500ms
        n2: d2@n1 DONE ts20
        pass 500ms
        n1: d1@n1 DONE ts20
    ",
    );
    insta::assert_snapshot!(named, @"
    n1: d1@n1 WAITING ts20 blocked=t1+t2
        -> Ack ts20 to=d1@n1 to n1
    n2: d2@n1 WAITING ts20 blocked=t1+t2
        ** BlockEventSelected cf1 ts20 d2@n1
        -> Ack ts20 to=d2@n1, Write ts20 to=d2@n1 to n2
    n2: d2@n1 DONE ts20
        -> Ack ts20 to=d2@n1 to n2
    pass 100ms
        -> Pass ts20 to=d1@n1 to n1
        -> Pass ts20 to=d2@n1 to n2
    pass 500ms
    n2: d2@n1 DONE ts20
        -> Ack ts20 to=d2@n1 to n2
    pass 500ms
        -> Pass ts20 to=d1@n1 to n1
        -> Pass ts20 to=d2@n1 to n2
    n1: d1@n1 DONE ts20
        ** BlockEventFinished cf1 ts20
        -> Ack ts20 to=d1@n1 to n1
    ");
    let wide = told(
        "master",
        "
        n1: d1@n1 WAITING ts20 blocked=all
        n3: d3@n1 WAITING ts20 blocked=all
        n2: d2@n1 WAITING ts20 blocked=all
        n3: d1@n3 WAITING ts20 blocked=all
        n3: d1@n3 DONE ts20
        pass 100ms
        pass 500ms
        n2: d2@n1 DONE ts20
        pass 900ms
        pass 100ms
    ",
    );
    insta::assert_snapshot!(wide, @"
    n1: d1@n1 WAITING ts20 blocked=all
        -> Ack ts20 to=d1@n1 to n1
    n3: d3@n1 WAITING ts20 blocked=all
        -> Ack ts20 to=d3@n1 to n3
    n2: d2@n1 WAITING ts20 blocked=all
        -> Ack ts20 to=d2@n1 to n2
    n3: d1@n3 WAITING ts20 blocked=all
        ** BlockEventSelected cf1 ts20 d1@n3
        -> Ack ts20 to=d1@n3, Write ts20 to=d1@n3 to n3
    n3: d1@n3 DONE ts20
        -> Ack ts20 to=d1@n3 to n3
    pass 100ms
        -> Pass ts20 to=all to n1
        -> Pass ts20 to=all to n2
        -> Pass ts20 to=all to n3
    pass 500ms
    n2: d2@n1 DONE ts20
        -> Ack ts20 to=d2@n1 to n2
    pass 900ms
    pass 100ms
        -> Pass ts20 to=all to n1
        -> Pass ts20 to=all to n2
        -> Pass ts20 to=all to n3
    ");
}

/// Before pingcap/ticdc#3970 the writer was not told to pass; if it has been created again, it waits for ever.
#[test]
fn the_writer_is_told_to_pass() {
    let script = "
        n1: d1@n1 WAITING ts20 blocked=t1+t2
        n2: d2@n1 WAITING ts20 blocked=t1+t2
        n2: d2@n1 DONE ts20
        pass 100ms
    ";
    insta::assert_snapshot!(told("master", script), @"
    n1: d1@n1 WAITING ts20 blocked=t1+t2
        -> Ack ts20 to=d1@n1 to n1
    n2: d2@n1 WAITING ts20 blocked=t1+t2
        ** BlockEventSelected cf1 ts20 d2@n1
        -> Ack ts20 to=d2@n1, Write ts20 to=d2@n1 to n2
    n2: d2@n1 DONE ts20
        -> Ack ts20 to=d2@n1 to n2
    pass 100ms
        -> Pass ts20 to=d1@n1 to n1
        -> Pass ts20 to=d2@n1 to n2
    ");
    insta::assert_snapshot!(told("master+barrier.pass=all_but_writer", script), @"
    n1: d1@n1 WAITING ts20 blocked=t1+t2
        -> Ack ts20 to=d1@n1 to n1
    n2: d2@n1 WAITING ts20 blocked=t1+t2
        ** BlockEventSelected cf1 ts20 d2@n1
        -> Ack ts20 to=d2@n1, Write ts20 to=d2@n1 to n2
    n2: d2@n1 DONE ts20
        -> Ack ts20 to=d2@n1 to n2
    pass 100ms
        -> Pass ts20 to=d1@n1 to n1
    ");
}

/// Whoever is not known, or not replicating yet, is not counted.
#[test]
fn some_reports_are_ignored() {
    let script = format!(
        "
        n1: d8@n1 WAITING ts20 blocked=t1+t2 & d1@n1 DONE ts20
        {CREATED}
        pass 700ms
        n1: d2@n3 WAITING ts30 blocked=t9+t2
        state event
    "
    );
    insta::assert_snapshot!(told("master", &script), @"
    n1: d8@n1 WAITING ts20 blocked=t1+t2 & d1@n1 DONE ts20
        ** BlockStatusIgnored cf1 d8@n1 ts20 `unknown`
        -> nothing to n1
    n3: d1@n3 NONE ts20 added=t9@db1
        ** BlockEventScheduled cf1 ts20
        -> Ack ts20 to=d1@n3 to n3
    pass 700ms
        ** SpanAssigned cf1 d2@n3 t9 n1
        -> ScheduleDispatcherRequest cf1 Create (Add) d2@n3 t9 ts20 to n1
    n1: d2@n3 WAITING ts30 blocked=t9+t2
        ** BlockStatusIgnored cf1 d2@n3 ts30 `not replicating`
        -> IgnoredBlockStatus ts30 to=d2@n3 to n1
    state event
    ");
    insta::assert_snapshot!(told("master+barrier.early_report=dropped", &script), @"
    n1: d8@n1 WAITING ts20 blocked=t1+t2 & d1@n1 DONE ts20
        ** BlockStatusIgnored cf1 d8@n1 ts20 `unknown`
        -> nothing to n1
    n3: d1@n3 NONE ts20 added=t9@db1
        ** BlockEventScheduled cf1 ts20
        -> Ack ts20 to=d1@n3 to n3
    pass 700ms
        ** SpanAssigned cf1 d2@n3 t9 n1
        -> ScheduleDispatcherRequest cf1 Create (Add) d2@n3 t9 ts20 to n1
    n1: d2@n3 WAITING ts30 blocked=t9+t2
        ** BlockStatusIgnored cf1 d2@n3 ts30 `not replicating`
        -> nothing to n1
    state event
    ");
}

/// Tables come and go in the order of the events: a table that is recovered comes when its TRUNCATE is through.
#[test]
fn events_have_their_turns() {
    let script = "
        n1: d1@n1 WAITING ts20 blocked=t1+ddl dropped=t1 added=t9@db1
        n3: d1@n3 WAITING ts20 blocked=t1+ddl dropped=t1 added=t9@db1
        n3: d1@n3 NONE ts30 added=t1@db1
        state to be scheduled
        n3: d1@n3 DONE ts20
        n3: d1@n3 NONE ts30 added=t1@db1
        state d
        n3: d1@n3 DONE ts20
    ";
    insta::assert_snapshot!(told("master", script), @"
    n1: d1@n1 WAITING ts20 blocked=t1+ddl dropped=t1 added=t9@db1
        -> Ack ts20 to=d1@n1 to n1
    n3: d1@n3 WAITING ts20 blocked=t1+ddl dropped=t1 added=t9@db1
        ** BlockEventSelected cf1 ts20 d1@n3
        -> Ack ts20 to=d1@n3, Write ts20 to=d1@n3 to n3
    n3: d1@n3 NONE ts30 added=t1@db1
        ** BlockEventNotItsTurn cf1 ts30
        -> nothing to n3
    state to be scheduled
          to be scheduled ts20
          to be scheduled ts30
    n3: d1@n3 DONE ts20
        ** BlockEventScheduled cf1 ts20
        -> Ack ts20 to=d1@n3 to n3
    n3: d1@n3 NONE ts30 added=t1@db1
        ** BlockEventScheduled cf1 ts30
        -> Ack ts30 to=d1@n3 to n3
    state d
    n3: d1@n3 DONE ts20
        ** BlockEventNotItsTurn cf1 ts20
        -> Ack ts20 to=d1@n3 to n3
    ");
    // Before pingcap/ticdc#3445 the table that comes is there already, and then goes.
    insta::assert_snapshot!(told("master+barrier.schedule_order=as_reported", script), @"
    n1: d1@n1 WAITING ts20 blocked=t1+ddl dropped=t1 added=t9@db1
        -> Ack ts20 to=d1@n1 to n1
    n3: d1@n3 WAITING ts20 blocked=t1+ddl dropped=t1 added=t9@db1
        ** BlockEventSelected cf1 ts20 d1@n3
        -> Ack ts20 to=d1@n3, Write ts20 to=d1@n3 to n3
    n3: d1@n3 NONE ts30 added=t1@db1
        ** BlockEventScheduled cf1 ts30
        -> Ack ts30 to=d1@n3 to n3
    state to be scheduled
          to be scheduled ts20
    n3: d1@n3 DONE ts20
        ** BlockEventScheduled cf1 ts20
        -> Ack ts20 to=d1@n3 to n3
    n3: d1@n3 NONE ts30 added=t1@db1
        ** BlockEventScheduled cf1 ts30
        -> Ack ts30 to=d1@n3 to n3
    state d
    n3: d1@n3 DONE ts20
        ** BlockEventNotItsTurn cf1 ts20
        -> Ack ts20 to=d1@n3 to n3
    ");
}

/// Until all tables of earlier events are there, the table trigger's report of a wide event does not count.
#[test]
fn a_wide_event_waits_for_tables() {
    let script = "
        n1: d1@n1 WAITING ts20 blocked=t1+ddl dropped=t1 added=t9@db1
        n3: d1@n3 WAITING ts20 blocked=t1+ddl dropped=t1 added=t9@db1
        n3: d1@n3 WAITING ts30 syncpoint blocked=all
        n2: d2@n1 WAITING ts30 syncpoint blocked=all
        n1: d1@n1 WAITING ts30 syncpoint blocked=all
        n3: d3@n1 WAITING ts30 syncpoint blocked=all
        state event
        n3: d1@n3 DONE ts20
        n3: d1@n3 WAITING ts30 syncpoint blocked=all
        state event
    ";
    insta::assert_snapshot!(told("master", script), @"
    n1: d1@n1 WAITING ts20 blocked=t1+ddl dropped=t1 added=t9@db1
        -> Ack ts20 to=d1@n1 to n1
    n3: d1@n3 WAITING ts20 blocked=t1+ddl dropped=t1 added=t9@db1
        ** BlockEventSelected cf1 ts20 d1@n3
        -> Ack ts20 to=d1@n3, Write ts20 to=d1@n3 to n3
    n3: d1@n3 WAITING ts30 syncpoint blocked=all
        ** BlockStatusIgnored cf1 d1@n3 ts30 syncpoint `tables are to come`
        -> nothing to n3
    n2: d2@n1 WAITING ts30 syncpoint blocked=all
        -> Ack ts30 syncpoint to=d2@n1 to n2
    n1: d1@n1 WAITING ts30 syncpoint blocked=all
        -> Ack ts30 syncpoint to=d1@n1 to n1
    n3: d3@n1 WAITING ts30 syncpoint blocked=all
        -> Ack ts30 syncpoint to=d3@n1 to n3
    state event
          event ts20 selected writer d1@n3
          event ts30 syncpoint reported by d1@n1, d2@n1, d3@n1
    n3: d1@n3 DONE ts20
        ** BlockEventScheduled cf1 ts20
        -> Ack ts20 to=d1@n3 to n3
    n3: d1@n3 WAITING ts30 syncpoint blocked=all
        -> Ack ts30 syncpoint to=d1@n3 to n3
    state event
          event ts20 selected advanced writer d1@n3 reported by d1@n3
          event ts30 syncpoint reported by d1@n1, d2@n1, d3@n1, d1@n3
    ");
    // Before pingcap/ticdc#3802 it is over before t9 has come.
    insta::assert_snapshot!(told("master+barrier.wide_events=count_at_once", script), @"
    n1: d1@n1 WAITING ts20 blocked=t1+ddl dropped=t1 added=t9@db1
        -> Ack ts20 to=d1@n1 to n1
    n3: d1@n3 WAITING ts20 blocked=t1+ddl dropped=t1 added=t9@db1
        ** BlockEventSelected cf1 ts20 d1@n3
        -> Ack ts20 to=d1@n3, Write ts20 to=d1@n3 to n3
    n3: d1@n3 WAITING ts30 syncpoint blocked=all
        -> Ack ts30 syncpoint to=d1@n3 to n3
    n2: d2@n1 WAITING ts30 syncpoint blocked=all
        -> Ack ts30 syncpoint to=d2@n1 to n2
    n1: d1@n1 WAITING ts30 syncpoint blocked=all
        -> Ack ts30 syncpoint to=d1@n1 to n1
    n3: d3@n1 WAITING ts30 syncpoint blocked=all
        ** BlockEventSelected cf1 ts30 syncpoint d1@n3
        -> Ack ts30 syncpoint to=d3@n1, Write ts30 syncpoint to=d1@n3 to n3
    state event
          event ts20 selected writer d1@n3
          event ts30 syncpoint selected writer d1@n3
    n3: d1@n3 DONE ts20
        ** BlockEventScheduled cf1 ts20
        -> Ack ts20 to=d1@n3 to n3
    n3: d1@n3 WAITING ts30 syncpoint blocked=all
        -> Ack ts30 syncpoint to=d1@n3 to n3
    state event
          event ts20 selected advanced writer d1@n3 reported by d1@n3
          event ts30 syncpoint selected writer d1@n3
    ");
}

/// d1 has reported, and its node leaves: its successor has still to come to the event.
#[test]
fn reporters_are_looked_at_again() {
    let script = "
        n1: d1@n1 WAITING ts20 blocked=t1+t2
        see n2, n3
        n2: d2@n1 WAITING ts20 blocked=t1+t2
        state event
    ";
    insta::assert_snapshot!(told("master", script), @"
    n1: d1@n1 WAITING ts20 blocked=t1+t2
        -> Ack ts20 to=d1@n1 to n1
    see n2, n3
    n2: d2@n1 WAITING ts20 blocked=t1+t2
        ** SpanAbsent cf1 d1@n1
        -> Ack ts20 to=d2@n1 to n2
    state event
          event ts20 reported by d2@n1
    ");
    insta::assert_snapshot!(told("master+barrier.reporters=trusted", script), @"
    n1: d1@n1 WAITING ts20 blocked=t1+t2
        -> Ack ts20 to=d1@n1 to n1
    see n2, n3
    n2: d2@n1 WAITING ts20 blocked=t1+t2
        ** SpanAbsent cf1 d1@n1
        ** BlockEventSelected cf1 ts20 d2@n1
        -> Ack ts20 to=d2@n1, Write ts20 to=d2@n1 to n2
    state event
          event ts20 selected writer d2@n1
    ");
}

/// The writer of an event of named tables is gone: another dispatcher of the first table is told, a second later.
#[test]
fn another_one_writes() {
    let text = told(
        "master",
        "
        n1: d1@n1 WAITING ts20 blocked=t1+t2
        n2: d2@n1 WAITING ts20 blocked=t1+t2
        pass 900ms
        see n1, n3
        pass 100ms
        pass 1s
        state event
    ",
    );
    insta::assert_snapshot!(text, @"
    n1: d1@n1 WAITING ts20 blocked=t1+t2
        -> Ack ts20 to=d1@n1 to n1
    n2: d2@n1 WAITING ts20 blocked=t1+t2
        ** BlockEventSelected cf1 ts20 d2@n1
        -> Ack ts20 to=d2@n1, Write ts20 to=d2@n1 to n2
    pass 900ms
    see n1, n3
    pass 100ms
        ** SpanAbsent cf1 d2@n1
    pass 1s
        ** SpanAssigned cf1 d2@n1 t2 n1
        -> ScheduleDispatcherRequest cf1 Create (Add) d2@n1 t2 ts19 skip_dml to n1
        -> Write ts20 to=d1@n1 to n1
    state event
          event ts20 selected writer d1@n1
    ");
}

/// Tables that may be split are covered key by key; otherwise they are counted, whichever they are.
#[test]
fn what_is_reported_is_counted_or_covered() {
    let halves =
        ["d1@n1 t1[0..524288) Working ts10 default", "d4@n1 t1[524288..1048576) Working ts10 default", ""];
    let script = "
        n1: d1@n1 WAITING ts20 blocked=t1
        state event
        n2: d4@n1 WAITING ts20 blocked=t1
        state event
    ";
    insta::assert_snapshot!(begun("1 tables, across-nodes", "master", halves, script), @"
    n1: d1@n1 WAITING ts20 blocked=t1
        -> Ack ts20 to=d1@n1 to n1
    state event
          event ts20 reported by d1@n1
    n2: d4@n1 WAITING ts20 blocked=t1
        ** BlockEventSelected cf1 ts20 d4@n1
        -> Ack ts20 to=d4@n1, Write ts20 to=d4@n1 to n2
    state event
          event ts20 selected writer d4@n1
    ");
    insta::assert_snapshot!(begun("1 tables", "master", halves, script), @"
    n1: d1@n1 WAITING ts20 blocked=t1
        ** BlockEventSelected cf1 ts20 d1@n1
        -> Ack ts20 to=d1@n1, Write ts20 to=d1@n1 to n1
    state event
          event ts20 selected writer d1@n1
    n2: d4@n1 WAITING ts20 blocked=t1
        -> Ack ts20 to=d4@n1 to n2
    state event
          event ts20 selected writer d1@n1
    ");
    // A table that is not in the list counts for one that is.
    let stranger = "
        n1: d1@n1 WAITING ts20 blocked=t1+t2
        n3: d3@n1 WAITING ts20 blocked=t1+t2
        state event
    ";
    insta::assert_snapshot!(told("master", stranger), @"
    n1: d1@n1 WAITING ts20 blocked=t1+t2
        -> Ack ts20 to=d1@n1 to n1
    n3: d3@n1 WAITING ts20 blocked=t1+t2
        ** BlockEventSelected cf1 ts20 d3@n1
        -> Ack ts20 to=d3@n1, Write ts20 to=d3@n1 to n3
    state event
          event ts20 selected writer d3@n1
    ");
    insta::assert_snapshot!(told_with("3 tables, 2 databases, across-nodes", "master", stranger), @"
    n1: d1@n1 WAITING ts20 blocked=t1+t2
        -> Ack ts20 to=d1@n1 to n1
    n3: d3@n1 WAITING ts20 blocked=t1+t2
        -> Ack ts20 to=d3@n1 to n3
    state event
          event ts20 reported by d1@n1, d3@n1
    ");
}

const WAITS: &str = "d1@n1 t1 Working ts10 default WAITING ts20 blocked=t1+ddl";

/// A successor learns from the bootstrap who waits. Whoever is behind an event tells that it has been written.
#[test]
fn events_are_taken_up() {
    let all =
        [WAITS, "d2@n1 t2 Working ts10 default WRITING ts25 blocked=t2", "d3@n1 t3 Working ts10 default"];
    let text = begun(
        "3 tables",
        "master",
        all,
        "
        state event
        pass 1s
        n2: d2@n1 DONE ts25
        n3/dispatchers: HeartBeatRequest cf1 ts20 ts20 seq=1 statuses: d1@n3 Working ts20
        pass 100ms
        state event
        n3/dispatchers: HeartBeatRequest cf1 ts21 ts21 seq=1 statuses: d1@n3 Working ts21
        pass 100ms
        pass 100ms
        n3: d1@n3 DONE ts20
        n1: d1@n1 DONE ts20
    ",
    );
    insta::assert_snapshot!(text, @"
    state event
          event ts20 reported by d1@n1
          event ts25 selected writer d2@n1 reported by d2@n1
    pass 1s
        ** BlockEventFinished cf1 ts25
        -> Write ts25 to=d2@n1 to n2
    n2: d2@n1 DONE ts25
        -> nothing to n2
    n3/dispatchers: HeartBeatRequest cf1 ts20 ts20 seq=1 statuses: d1@n3 Working ts20
    pass 100ms
    state event
          event ts20 reported by d1@n1
    n3/dispatchers: HeartBeatRequest cf1 ts21 ts21 seq=1 statuses: d1@n3 Working ts21
    pass 100ms
        ** BlockEventForwarded cf1 ts20 d1@n3
    pass 100ms
        -> Pass ts20 to=d1@n1 to n1
        -> Pass ts20 to=d1@n3 to n3
    n3: d1@n3 DONE ts20
        ** BlockEventFinished cf1 ts20
        -> Ack ts20 to=d1@n3 to n3
    n1: d1@n1 DONE ts20
        -> nothing to n1
    ");
}

/// Before pingcap/ticdc#3677 one that starts at a syncpoint, and has not done it, counted as behind it.
#[test]
fn behind_is_not_at() {
    let script = "
        n1: d1@n1 WAITING ts20 syncpoint blocked=all
        n2/dispatchers: HeartBeatRequest cf1 ts20 ts20 seq=1 statuses: d2@n1 Working ts20
        pass 100ms
        n2: d2@n1 WAITING ts20 blocked=t2
        state event
    ";
    insta::assert_snapshot!(told("master", script), @"
    n1: d1@n1 WAITING ts20 syncpoint blocked=all
        -> Ack ts20 syncpoint to=d1@n1 to n1
    n2/dispatchers: HeartBeatRequest cf1 ts20 ts20 seq=1 statuses: d2@n1 Working ts20
    pass 100ms
    n2: d2@n1 WAITING ts20 blocked=t2
        ** BlockEventSelected cf1 ts20 d2@n1
        -> Ack ts20 to=d2@n1, Write ts20 to=d2@n1 to n2
    state event
          event ts20 selected writer d2@n1
          event ts20 syncpoint reported by d1@n1
    ");
    insta::assert_snapshot!(told("master+barrier.passed=at_it", script), @"
    n1: d1@n1 WAITING ts20 syncpoint blocked=all
        -> Ack ts20 syncpoint to=d1@n1 to n1
    n2/dispatchers: HeartBeatRequest cf1 ts20 ts20 seq=1 statuses: d2@n1 Working ts20
    pass 100ms
        ** BlockEventForwarded cf1 ts20 syncpoint d2@n1
    n2: d2@n1 WAITING ts20 blocked=t2
        ** BlockEventSelected cf1 ts20 d2@n1
        -> Ack ts20 to=d2@n1, Write ts20 to=d2@n1 to n2
    state event
          event ts20 selected writer d2@n1
          event ts20 syncpoint selected advanced reported by d1@n1
    ");
}

/// A dispatcher that stops at a syncpoint has the DDL of the same timestamp behind it.
#[test]
fn a_syncpoint_is_behind_a_ddl() {
    let text = told(
        "master",
        "
        n1: d1@n1 WAITING ts20 blocked=t1+t2
        n2: d2@n1 WAITING ts20 syncpoint blocked=all
        pass 100ms
        state event
    ",
    );
    insta::assert_snapshot!(text, @"
    n1: d1@n1 WAITING ts20 blocked=t1+t2
        -> Ack ts20 to=d1@n1 to n1
    n2: d2@n1 WAITING ts20 syncpoint blocked=all
        -> Ack ts20 syncpoint to=d2@n1 to n2
    pass 100ms
        ** BlockEventForwarded cf1 ts20 d2@n1
    state event
          event ts20 selected advanced reported by d1@n1
          event ts20 syncpoint reported by d2@n1
    ");
}

/// The trigger of a maintainer that is handed over is no task any more. Before pingcap/ticdc#4828 its events still are.
#[test]
fn a_wide_event_whose_writer_is_gone_ends_the_process() {
    let script = |epoch| {
        format!(
            "
        n1: d1@n1 WAITING ts20 syncpoint blocked=all
        n3: d3@n1 WAITING ts20 syncpoint blocked=all
        n2: d2@n1 WAITING ts20 syncpoint blocked=all
        n3: d1@n3 WAITING ts20 syncpoint blocked=all
        n1/coordinator: RemoveMaintainerRequest cf1 {epoch}
        pass 1100ms
    "
        )
    };
    insta::assert_snapshot!(told("pr-5106", &script("e0")), @"
    n1: d1@n1 WAITING ts20 syncpoint blocked=all
        -> Ack ts20 syncpoint to=d1@n1 to n1
    n3: d3@n1 WAITING ts20 syncpoint blocked=all
        -> Ack ts20 syncpoint to=d3@n1 to n3
    n2: d2@n1 WAITING ts20 syncpoint blocked=all
        -> Ack ts20 syncpoint to=d2@n1 to n2
    n3: d1@n3 WAITING ts20 syncpoint blocked=all
        ** BlockEventSelected cf1 ts20 syncpoint d1@n3
        -> Ack ts20 syncpoint to=d1@n3, Write ts20 syncpoint to=d1@n3 to n3
    n1/coordinator: RemoveMaintainerRequest cf1 e0
        ** MaintainerRemoving cf1 e0
    pass 1100ms
        -> ScheduleDispatcherRequest cf1 Remove (Remove) d1@n3 ddl ts0 to n3
        ** MaintainerPanicked cf1 `influence type should be normal when writer dispatcher not found`
        exits, back in 2s
    ");
    insta::assert_snapshot!(told("pr-4828", &script("e0")), @"
    n1: d1@n1 WAITING ts20 syncpoint blocked=all
        -> Ack ts20 syncpoint to=d1@n1 to n1
    n3: d3@n1 WAITING ts20 syncpoint blocked=all
        -> Ack ts20 syncpoint to=d3@n1 to n3
    n2: d2@n1 WAITING ts20 syncpoint blocked=all
        -> Ack ts20 syncpoint to=d2@n1 to n2
    n3: d1@n3 WAITING ts20 syncpoint blocked=all
        ** BlockEventSelected cf1 ts20 syncpoint d1@n3
        -> Ack ts20 syncpoint to=d1@n3, Write ts20 syncpoint to=d1@n3 to n3
    n1/coordinator: RemoveMaintainerRequest cf1 e0
        ** MaintainerRemoving cf1 e0
    pass 1100ms
        -> ScheduleDispatcherRequest cf1 Remove (Remove) d1@n3 ddl ts0 to n3
    ");
}

/// An event that brings tables holds the checkpoint back while it is under way.
#[test]
fn a_checkpoint_does_not_pass_an_event_that_brings_tables() {
    let script = "
        n1: d1@n1 WAITING ts20 blocked=t1+ddl added=t9@db1
        n1/dispatchers: HeartBeatRequest cf1 ts90 ts90 seq=1
        n2/dispatchers: HeartBeatRequest cf1 ts90 ts90 seq=1
        n3/dispatchers: HeartBeatRequest cf1 ts90 ts90 seq=1
        pass 200ms
        state committed
    ";
    insta::assert_snapshot!(told("master", script), @"
    n1: d1@n1 WAITING ts20 blocked=t1+ddl added=t9@db1
        -> Ack ts20 to=d1@n1 to n1
    n1/dispatchers: HeartBeatRequest cf1 ts90 ts90 seq=1
    n2/dispatchers: HeartBeatRequest cf1 ts90 ts90 seq=1
    n3/dispatchers: HeartBeatRequest cf1 ts90 ts90 seq=1
    pass 200ms
    state committed
        maintainer cf1 e5 working committed ts20
    ");
    insta::assert_snapshot!(told("master+barrier.new_tables=free", script), @"
    n1: d1@n1 WAITING ts20 blocked=t1+ddl added=t9@db1
        -> Ack ts20 to=d1@n1 to n1
    n1/dispatchers: HeartBeatRequest cf1 ts90 ts90 seq=1
    n2/dispatchers: HeartBeatRequest cf1 ts90 ts90 seq=1
    n3/dispatchers: HeartBeatRequest cf1 ts90 ts90 seq=1
    pass 200ms
    state committed
        maintainer cf1 e5 working committed ts90
    ");
}

/// A round of the checkpoint looks at spans, and then at block events. Just in between t1 is emptied: the event is over, and
/// its table is there.
#[test]
fn a_table_leaves_its_event_while_the_checkpoint_is_computed() {
    let script = "
        n1: d1@n1 WAITING ts20 blocked=t1+ddl dropped=t1 added=t9@db1
        n3: d1@n3 WAITING ts20 blocked=t1+ddl dropped=t1 added=t9@db1
        n1/dispatchers: HeartBeatRequest cf1 ts90 ts90 seq=1
        n2/dispatchers: HeartBeatRequest cf1 ts90 ts90 seq=1
        n3/dispatchers: HeartBeatRequest cf1 ts90 ts90 seq=1
        stall BasicScheduler
        pass 200ms
        state committed
        stall Checkpoint
        pass 100ms
        n3: d1@n3 DONE ts20
        pass 100ms
        state t9
        go on
        pass 50ms
        state committed
    ";
    insta::assert_snapshot!(told("master", script), @"
    n1: d1@n1 WAITING ts20 blocked=t1+ddl dropped=t1 added=t9@db1
        -> Ack ts20 to=d1@n1 to n1
    n3: d1@n3 WAITING ts20 blocked=t1+ddl dropped=t1 added=t9@db1
        ** BlockEventSelected cf1 ts20 d1@n3
        -> Ack ts20 to=d1@n3, Write ts20 to=d1@n3 to n3
    n1/dispatchers: HeartBeatRequest cf1 ts90 ts90 seq=1
    n2/dispatchers: HeartBeatRequest cf1 ts90 ts90 seq=1
    n3/dispatchers: HeartBeatRequest cf1 ts90 ts90 seq=1
    stall BasicScheduler
    pass 200ms
    state committed
        maintainer cf1 e5 working committed ts20
    stall Checkpoint
    pass 100ms
    n3: d1@n3 DONE ts20
        ** BlockEventScheduled cf1 ts20
        -> Ack ts20 to=d1@n3 to n3
    pass 100ms
        -> ScheduleDispatcherRequest cf1 Remove (Remove) d1@n1 t1 ts0 to n1
        ** BlockEventFinished cf1 ts20
        -> Pass ts20 to=d1@n3 to n3
    state t9
          d2@n3 t9 absent Working ts20
    go on
    pass 50ms
    state committed
        maintainer cf1 e5 working committed ts90
    ");
    insta::assert_snapshot!(told("master+maintainer.checkpoint_order=events_first", script), @"
    n1: d1@n1 WAITING ts20 blocked=t1+ddl dropped=t1 added=t9@db1
        -> Ack ts20 to=d1@n1 to n1
    n3: d1@n3 WAITING ts20 blocked=t1+ddl dropped=t1 added=t9@db1
        ** BlockEventSelected cf1 ts20 d1@n3
        -> Ack ts20 to=d1@n3, Write ts20 to=d1@n3 to n3
    n1/dispatchers: HeartBeatRequest cf1 ts90 ts90 seq=1
    n2/dispatchers: HeartBeatRequest cf1 ts90 ts90 seq=1
    n3/dispatchers: HeartBeatRequest cf1 ts90 ts90 seq=1
    stall BasicScheduler
    pass 200ms
    state committed
        maintainer cf1 e5 working committed ts20
    stall Checkpoint
    pass 100ms
    n3: d1@n3 DONE ts20
        ** BlockEventScheduled cf1 ts20
        -> Ack ts20 to=d1@n3 to n3
    pass 100ms
        -> ScheduleDispatcherRequest cf1 Remove (Remove) d1@n1 t1 ts0 to n1
        ** BlockEventFinished cf1 ts20
        -> Pass ts20 to=d1@n3 to n3
    state t9
          d2@n3 t9 absent Working ts20
    go on
    pass 50ms
    state committed
        maintainer cf1 e5 working committed ts20
    ");
}

/// Everybody has reported to the predecessor: all wait, and d2 writes.
#[test]
fn a_writer_is_taken_up() {
    let all = [
        "d1@n1 t1 Working ts10 default WAITING ts20 blocked=t1+t2",
        "d2@n1 t2 Working ts10 default WRITING ts20 blocked=t1+t2",
        "d3@n1 t3 Working ts10 default",
    ];
    let script = "
        state event
        pass 100ms
        state event
        n2: d2@n1 DONE ts20
        pass 100ms
        n1: d1@n1 DONE ts20
    ";
    insta::assert_snapshot!(begun("3 tables", "master", all, script), @"
    state event
          event ts20 selected writer d2@n1 reported by d1@n1, d2@n1
    pass 100ms
        ** BlockEventFinished cf1 ts20
        -> Write ts20 to=d2@n1 to n2
    state event
    n2: d2@n1 DONE ts20
        -> nothing to n2
    pass 100ms
    n1: d1@n1 DONE ts20
        -> nothing to n1
    ");
    insta::assert_snapshot!(begun("3 tables", "master+barrier.taken_up=done", all, script), @"
    state event
          event ts20 selected writer d2@n1
    pass 100ms
        -> Write ts20 to=d2@n1 to n2
    state event
          event ts20 selected writer d2@n1
    n2: d2@n1 DONE ts20
        -> Ack ts20 to=d2@n1 to n2
    pass 100ms
        -> Pass ts20 to=d1@n1 to n1
        -> Pass ts20 to=d2@n1 to n2
    n1: d1@n1 DONE ts20
        ** BlockEventFinished cf1 ts20
        -> Ack ts20 to=d1@n1 to n1
    ");
}
