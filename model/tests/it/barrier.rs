//! The barrier of a maintainer, driven by hand: block events are reported, written, scheduled and passed.
//!
//! d1 to d3 of n1, n2 and n1 replicate the tables t1 to t3; the table trigger is d1@n3. All tables are in db1.

use crate::script::play;

/// What is said from the moment when the maintainer knows its spans.
fn told(policy: &str, script: &str) -> String {
    told_with("3 tables", policy, script)
}

fn told_with(settings: &str, policy: &str, script: &str) -> String {
    let epoch = if ["baseline", "pr-5106", "pr-4828", "pr-5434"].contains(&policy) { "e0" } else { "e5" };
    let begin = format!(
        "party maintainers with {settings}
        n1/coordinator: CoordinatorBootstrapRequest version=1
        n1/coordinator: AddMaintainerRequest cf1 ts10 {epoch}
        n1/dispatchers: MaintainerBootstrapResponse cf1 {epoch} ts0 spans: d1@n1 t1 Working ts10 default, d3@n1 t3 Working ts10 default
        n2/dispatchers: MaintainerBootstrapResponse cf1 {epoch} ts0 spans: d2@n2 t2 Working ts10 default
        n3/dispatchers: MaintainerBootstrapResponse cf1 {epoch} ts10 spans: d1@n3 ddl Initializing ts10 default
        n3/dispatchers: MaintainerPostBootstrapResponse cf1 d1@n3 {epoch}
        "
    );
    let begun = play(policy, &begin).len();
    play(policy, &format!("{begin}{script}"))[begun..].to_owned()
}

/// A table that is dropped: it and the table trigger wait, the trigger writes, and when it has, the table goes.
#[test]
fn a_table_goes() {
    let text = told("master", "
        n1/dispatchers: BlockStatusRequest cf1 statuses: d1@n1 WAITING ts20 blocked=t1+ddl dropped=t1 default default
        state event
        n3/dispatchers: BlockStatusRequest cf1 statuses: d1@n3 WAITING ts20 blocked=t1+ddl dropped=t1 default default
        state event
        pass 1100ms
        n3/dispatchers: BlockStatusRequest cf1 statuses: d1@n3 DONE ts20 default default
        state
        pass 200ms
        n1/dispatchers: BlockStatusRequest cf1 statuses: d1@n1 DONE ts20 default default
        pass 1s
        state event
    ");
    insta::assert_snapshot!(text, @"
    n1/dispatchers: BlockStatusRequest cf1 statuses: d1@n1 WAITING ts20 blocked=t1+ddl dropped=t1 default default
        -> HeartBeatResponse cf1 statuses: Ack ts20 to=d1@n1 default e5 to n1/dispatchers
    state event
          event ts20 reported by d1@n1
    n3/dispatchers: BlockStatusRequest cf1 statuses: d1@n3 WAITING ts20 blocked=t1+ddl dropped=t1 default default
        ** BlockEventSelected cf1 ts20 d1@n3
        -> HeartBeatResponse cf1 statuses: Ack ts20 to=d1@n3, Write ts20 to=d1@n3 default e5 to n3/dispatchers
    state event
          event ts20 selected writer d1@n3
    pass 1100ms
        -> HeartBeatResponse cf1 statuses: Write ts20 to=d1@n3 default e5 to n3/dispatchers
    n3/dispatchers: BlockStatusRequest cf1 statuses: d1@n3 DONE ts20 default default
        ** BlockEventScheduled cf1 ts20
        -> HeartBeatResponse cf1 statuses: Ack ts20 to=d1@n3 default e5 to n3/dispatchers
    state
        n3 is alive and sees n1, n2, n3
        obeys n1 version=1
        maintainer cf1 e5 working committed ts10
          d3@n1 t3 replicating Working ts10 at n1
          d2@n2 t2 replicating Working ts10 at n2
          d1@n3 ddl trigger Working ts19 at n3
          operator d1@n1 Remove (Remove) at n1
          event ts20 selected advanced writer d1@n3 reported by d1@n3
    pass 200ms
        -> ScheduleDispatcherRequest cf1 Remove (Remove) d1@n1 t1 ts0 default e5 to n1/dispatchers
        ** BlockEventFinished cf1 ts20
        -> HeartBeatResponse cf1 statuses: Pass ts20 to=d1@n3 default e5 to n3/dispatchers
    n1/dispatchers: BlockStatusRequest cf1 statuses: d1@n1 DONE ts20 default default
        ** BlockStatusIgnored cf1 d1@n1 ts20 `unknown`
        -> HeartBeatResponse cf1 default e5 to n1/dispatchers
    pass 1s
    state event
    ");
}
