//! What users ask of a maintainer: to move, split and merge tables, by hand.

/// A maintainer on n1 with three tables: t1 and t2 on n2, t3 on n1.
fn told(party: &str, script: &str) -> String {
    let script = format!(
        "party maintainers at n1 with {party}
        see n1, n2, n3
        stall BasicScheduler
        stall Checker
        overlook NotSent
        overlook MaintainerHeartbeat
        n1/coordinator: CoordinatorBootstrapRequest version=1
        n1/coordinator: AddMaintainerRequest cf1 ts1000 e0
        n2/dispatchers: MaintainerBootstrapResponse cf1 e0 ts0 spans: d7@n2 t1 Working ts1000 default, d8@n2 t2 Working ts1000 default
        n3/dispatchers: MaintainerBootstrapResponse cf1 e0 ts0
        n1/dispatchers: MaintainerBootstrapResponse cf1 e0 ts1000 spans: d9@n1 t3 Working ts1000 default
        n1/dispatchers: MaintainerPostBootstrapResponse cf1 d1@n1 e0
        {script}"
    );
    let text = crate::script::play("baseline", &script);
    let begin = text.find("command:").unwrap_or(0);
    text[begin..].to_owned()
}

#[test]
fn a_table_is_moved_and_its_user_looks_every_two_seconds() {
    insta::assert_snapshot!(told("3 tables", "
        command:n1/maintainers MoveTable cf1 t1 n3
        pass 300ms
        n2/dispatchers: HeartBeatRequest cf1 ts1500 ts1500 seq=1 statuses: d7@n2 Stopped ts1500
        pass 700ms
        n3/dispatchers: HeartBeatRequest cf1 ts1500 ts1500 seq=1 statuses: d7@n2 Working ts1500
        pass 500ms
        pass 1s
        command:n1/maintainers MoveTable cf1 t1 n3
    "), @"
    command:n1/maintainers MoveTable cf1 t1 n3
        ** SpanMoves cf1 d7@n2 n2 n3
    pass 300ms
        -> ScheduleDispatcherRequest cf1 Remove (Move) d7@n2 t1 ts0 default e0 to n2/dispatchers
    n2/dispatchers: HeartBeatRequest cf1 ts1500 ts1500 seq=1 statuses: d7@n2 Stopped ts1500
    pass 700ms
        -> ScheduleDispatcherRequest cf1 Create (Move) d7@n2 t1 ts1000 default e0 to n3/dispatchers
    n3/dispatchers: HeartBeatRequest cf1 ts1500 ts1500 seq=1 statuses: d7@n2 Working ts1500
    pass 500ms
        ** SpanReplicating cf1 d7@n2 n3
    pass 1s
        ** TableCallAnswered cf1 t1 `move table` `done`
    command:n1/maintainers MoveTable cf1 t1 n3
        ** TableCallAnswered cf1 t1 `move table` `done`
    ");
}

/// A second call waits for the move of the first one, wherever that leads.
#[test]
fn a_move_in_the_way_is_taken_for_ones_own() {
    insta::assert_snapshot!(told("3 tables", "
        command:n1/maintainers MoveTable cf1 t1 n3
        command:n1/maintainers MoveTable cf1 t1 n1
        state operator
        pass 62s
    "), @"
    command:n1/maintainers MoveTable cf1 t1 n3
        ** SpanMoves cf1 d7@n2 n2 n3
    command:n1/maintainers MoveTable cf1 t1 n1
    state operator
          operator d7@n2 Move from n2 to n3 remove-origin
    pass 62s
        -> ScheduleDispatcherRequest cf1 Remove (Move) d7@n2 t1 ts0 default e0 to n2/dispatchers
        -> ScheduleDispatcherRequest cf1 Remove (Move) d7@n2 t1 ts0 default e0 to n2/dispatchers
        -> ScheduleDispatcherRequest cf1 Remove (Move) d7@n2 t1 ts0 default e0 to n2/dispatchers
        -> ScheduleDispatcherRequest cf1 Remove (Move) d7@n2 t1 ts0 default e0 to n2/dispatchers
        -> ScheduleDispatcherRequest cf1 Remove (Move) d7@n2 t1 ts0 default e0 to n2/dispatchers
        -> ScheduleDispatcherRequest cf1 Remove (Move) d7@n2 t1 ts0 default e0 to n2/dispatchers
        ** TableCallAnswered cf1 t1 `move table` `it takes too long`
        ** TableCallAnswered cf1 t1 `move table` `it takes too long`
        -> ScheduleDispatcherRequest cf1 Remove (Move) d7@n2 t1 ts0 default e0 to n2/dispatchers
    ");
}

#[test]
fn what_cannot_be_done_is_said() {
    insta::assert_snapshot!(told("3 tables", "
        command:n1/maintainers MoveTable cf1 t9 n3
        command:n1/maintainers MoveTable cf1 ddl n3
        command:n1/maintainers MoveTable cf1 t1 n5
        command:n1/maintainers MoveTable cf2 t1 n3
        command:n1/maintainers SplitTable cf1 t1
        command:n1/maintainers MergeTable cf1 t1
    "), @"
    command:n1/maintainers MoveTable cf1 t9 n3
        ** TableCallAnswered cf1 t9 `move table` `there is no such table`
    command:n1/maintainers MoveTable cf1 ddl n3
        ** TableCallAnswered cf1 ddl `move table` `the table trigger cannot be moved`
    command:n1/maintainers MoveTable cf1 t1 n5
        ** TableCallAnswered cf1 t1 `move table` `there is no such node`
    command:n1/maintainers MoveTable cf2 t1 n3
        ** TableCallAnswered cf2 t1 `move table` `there is no maintainer here`
    command:n1/maintainers SplitTable cf1 t1
        ** TableCallAnswered cf1 t1 `split table` `tables are not split`
    command:n1/maintainers MergeTable cf1 t1
        ** TableCallAnswered cf1 t1 `merge table` `done`
    ");
}

#[test]
fn a_table_is_split_by_its_regions() {
    insta::assert_snapshot!(told("3 tables, 12000 regions, across-nodes", "
        overlook SpanAbsent
        command:n1/maintainers SplitTable cf1 t1
        pass 200ms
        n2/dispatchers: HeartBeatRequest cf1 ts1500 ts1500 seq=1 statuses: d7@n2 Stopped ts1500
        pass 1s
        count absent
        pass 1s
        command:n1/maintainers SplitTable cf1 t1
    "), @"
    command:n1/maintainers SplitTable cf1 t1
        ** SpanSplits cf1 d7@n2 t1 parts=120
    pass 200ms
        -> ScheduleDispatcherRequest cf1 Remove (Split) d7@n2 t1 ts0 default e0 to n2/dispatchers
    n2/dispatchers: HeartBeatRequest cf1 ts1500 ts1500 seq=1 statuses: d7@n2 Stopped ts1500
    pass 1s
        ** SpanReplaced cf1 d7@n2 parts=120
        ** TableCallAnswered cf1 t1 `split table` `done`
    count absent
        120
    pass 1s
    command:n1/maintainers SplitTable cf1 t1
        ** TableCallAnswered cf1 t1 `split table` `done`
    ");
}

/// Two neighbours on one node become one; what is not on one node is brought together first.
#[test]
fn two_spans_of_a_table_are_merged() {
    let bootstrap = "
        party maintainers at n1 with 1 tables, across-nodes
        see n1, n2, n3
        stall BasicScheduler
        stall Checker
        overlook NotSent
        overlook MaintainerHeartbeat
        overlook SpanReplicating
        n1/coordinator: CoordinatorBootstrapRequest version=1
        n1/coordinator: AddMaintainerRequest cf1 ts1000 e0
        n2/dispatchers: MaintainerBootstrapResponse cf1 e0 ts0 spans: d7@n2 t1[0..100) Working ts1000 default
        n3/dispatchers: MaintainerBootstrapResponse cf1 e0 ts0 spans: d8@n3 t1[100..1048576) Working ts1000 default
        n1/dispatchers: MaintainerBootstrapResponse cf1 e0 ts1000
        n1/dispatchers: MaintainerPostBootstrapResponse cf1 d1@n1 e0
        command:n1/maintainers MergeTable cf1 t1
        pass 200ms
        n3/dispatchers: HeartBeatRequest cf1 ts1500 ts1500 seq=1 statuses: d8@n3 Stopped ts1500
        pass 1s
        n2/dispatchers: HeartBeatRequest cf1 ts1500 ts1500 seq=1 statuses: d8@n3 Working ts1500
        pass 2s
        state operator
        n2/dispatchers: HeartBeatRequest cf1 ts1600 ts1600 seq=2 statuses: d2@n1 Working ts1600
        pass 2s
    ";
    let text = crate::script::play("baseline", bootstrap);
    let begin = text.find("command:").unwrap_or(0);
    insta::assert_snapshot!(&text[begin..], @"
    command:n1/maintainers MergeTable cf1 t1
        ** SpanMoves cf1 d8@n3 n3 n2
    pass 200ms
        -> ScheduleDispatcherRequest cf1 Remove (Move) d8@n3 t1[100..) ts0 default e0 to n3/dispatchers
    n3/dispatchers: HeartBeatRequest cf1 ts1500 ts1500 seq=1 statuses: d8@n3 Stopped ts1500
    pass 1s
        -> ScheduleDispatcherRequest cf1 Create (Move) d8@n3 t1[100..) ts1000 default e0 to n2/dispatchers
    n2/dispatchers: HeartBeatRequest cf1 ts1500 ts1500 seq=1 statuses: d8@n3 Working ts1500
    pass 2s
        ** SpansMerge cf1 d2@n1 t1 sources=2
        -> MergeDispatcherRequest cf1 d2@n1 sources: d7@n2, d8@n3 default e0 to n2/dispatchers
    state operator
          operator d2@n1 Merge of d7@n2, d8@n3 at n2 sent
          operator d7@n2 Occupy
          operator d8@n3 Occupy
    n2/dispatchers: HeartBeatRequest cf1 ts1600 ts1600 seq=2 statuses: d2@n1 Working ts1600
    pass 2s
        ** SpansMerged cf1 d2@n1 sources=2
        ** TableCallAnswered cf1 t1 `merge table` `done`
    ");
}
