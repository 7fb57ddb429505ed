//! Errors that maintainers report, and what the coordinator does about them.

use crate::script::play;

/// The coordinator leads, and n1 maintains the changefeed with this epoch. Of the first status after a bootstrap nothing but the
/// checkpoint is looked at, as it is the first to say that the maintainer has bootstrapped.
fn after(rest: &str) -> String {
    format!(
        "party coordinator
        n3/server: Elected version=7
        n1/maintainers: CoordinatorBootstrapResponse version=7 statuses: cf1 working ts50 bootstrap_done e1
        n2/maintainers: CoordinatorBootstrapResponse version=7
        n3/maintainers: CoordinatorBootstrapResponse version=7
        n1/maintainers: MaintainerHeartbeat statuses: cf1 working ts50 bootstrap_done e1
        {rest}"
    )
}

/// What comes after that.
fn told(policy: &str, rest: &str) -> String {
    let text = play(policy, &after(rest));
    let from = text.find("** Bootstrapped").expect("it bootstraps");
    text[from..].lines().skip(2).map(|line| format!("{line}\n")).collect()
}

const ERROR: &str = "
        n1/maintainers: MaintainerHeartbeat statuses: cf1 working ts50 bootstrap_done e1 `the downstream is away`
        pass 600ms
        n1/maintainers: MaintainerHeartbeat statuses: cf1 stopped ts0 e1
        pass 1s
        state cf1";

#[test]
fn a_warning_stops_the_old_generation_and_waits() {
    insta::assert_snapshot!(told("master", ERROR), @"
    n1/maintainers: MaintainerHeartbeat statuses: cf1 working ts50 bootstrap_done e1 `the downstream is away`
        -> TsoRequest call1 to pd
        -> TxnRequest call3 compares: modified(info/cf1)=rev1 then: put info/cf1 = warning e2 ts10 `the downstream is away` to etcd
        ** StateChanged cf1 warning `the downstream is away`
        ** EpochPersisted cf1 e2
    pass 600ms
        -> RemoveMaintainerRequest cf1 cascade e1 to n1/maintainers
        -> RemoveMaintainerRequest cf1 cascade e1 to n1/maintainers
    n1/maintainers: MaintainerHeartbeat statuses: cf1 stopped ts0 e1
    pass 1s
        ** OperatorDone cf1 `stop`
    state cf1
          cf1 absent warning `the downstream is away` e2 ts50 saved ts50 bootstrap_done
    ");
}

/// The error has come when the epoch of its successor is persisted, of which nobody has been told.
#[test]
fn a_warning_of_a_maintainer_that_moves() {
    let moved = "
        stall RunLoop
        n1/maintainers: MaintainerHeartbeat statuses: cf1 working ts50 bootstrap_done e1 `the downstream is away`
        command:n3/coordinator MoveMaintainer cf1
        go on
        pass 600ms";
    insta::assert_snapshot!(told("master", moved), @"
    stall RunLoop
    n1/maintainers: MaintainerHeartbeat statuses: cf1 working ts50 bootstrap_done e1 `the downstream is away`
    command:n3/coordinator MoveMaintainer cf1
        -> TsoRequest call1 to pd
        -> TxnRequest call3 compares: modified(info/cf1)=rev1 then: put info/cf1 = normal e2 ts10 to etcd
        ** EpochPersisted cf1 e2
        ** Placed cf1 n2 e2
    go on
        -> TsoRequest call2 to pd
        -> TxnRequest call5 compares: modified(info/cf1)=rev3 then: put info/cf1 = warning e3 ts10 `the downstream is away` to etcd
        ** StateChanged cf1 warning `the downstream is away`
        ** EpochPersisted cf1 e3
    pass 600ms
        -> RemoveMaintainerRequest cf1 cascade e2 to n1/maintainers
        -> RemoveMaintainerRequest cf1 cascade e2 to n1/maintainers
    ");
    insta::assert_snapshot!(told("master+coordinator.warned_move=known", moved), @"
    stall RunLoop
    n1/maintainers: MaintainerHeartbeat statuses: cf1 working ts50 bootstrap_done e1 `the downstream is away`
    command:n3/coordinator MoveMaintainer cf1
        -> TsoRequest call1 to pd
        -> TxnRequest call3 compares: modified(info/cf1)=rev1 then: put info/cf1 = normal e2 ts10 to etcd
        ** EpochPersisted cf1 e2
        ** Placed cf1 n2 e2
    go on
        -> TsoRequest call2 to pd
        -> TxnRequest call5 compares: modified(info/cf1)=rev3 then: put info/cf1 = warning e3 ts10 `the downstream is away` to etcd
        ** StateChanged cf1 warning `the downstream is away`
        ** EpochPersisted cf1 e3
    pass 600ms
        -> RemoveMaintainerRequest cf1 cascade e1 to n1/maintainers
        -> RemoveMaintainerRequest cf1 cascade e1 to n1/maintainers
    ");
}

#[test]
fn a_warning_without_epochs() {
    insta::assert_snapshot!(told("baseline", ERROR), @"
    n1/maintainers: MaintainerHeartbeat statuses: cf1 working ts50 bootstrap_done e1 `the downstream is away`
        -> TxnRequest call2 then: put info/cf1 = warning e1 ts10 `the downstream is away`, put status/cf1 = ts50 progress-none to etcd
        ** StateChanged cf1 warning `the downstream is away`
        -> TsoRequest call1 to pd
        ** EpochDrawn cf1 e1
    pass 600ms
        -> RemoveMaintainerRequest cf1 cascade e0 to n1/maintainers
        -> RemoveMaintainerRequest cf1 cascade e0 to n1/maintainers
    n1/maintainers: MaintainerHeartbeat statuses: cf1 stopped ts0 e1
    pass 1s
        ** OperatorDone cf1 `stop`
    state cf1
          cf1 absent warning `the downstream is away` e1 ts50 saved ts50 bootstrap_done
    ");
}

#[test]
fn a_mutant_stops_the_generation_that_nobody_has() {
    insta::assert_snapshot!(told("master+coordinator.warning_stop=new", ERROR), @"
    n1/maintainers: MaintainerHeartbeat statuses: cf1 working ts50 bootstrap_done e1 `the downstream is away`
        -> TsoRequest call1 to pd
        -> TxnRequest call3 compares: modified(info/cf1)=rev1 then: put info/cf1 = warning e2 ts10 `the downstream is away` to etcd
        ** StateChanged cf1 warning `the downstream is away`
        ** EpochPersisted cf1 e2
    pass 600ms
        -> RemoveMaintainerRequest cf1 cascade e2 to n1/maintainers
        -> RemoveMaintainerRequest cf1 cascade e2 to n1/maintainers
    n1/maintainers: MaintainerHeartbeat statuses: cf1 stopped ts0 e1
    pass 1s
        -> RemoveMaintainerRequest cf1 cascade e2 to n1/maintainers
    state cf1
          cf1 absent warning `the downstream is away` e2 ts50 saved ts50 bootstrap_done
          operator cf1 stop at n1
    ");
}

#[test]
fn after_ten_seconds_it_is_tried_again() {
    insta::assert_snapshot!(told("master", "
        n1/maintainers: MaintainerHeartbeat statuses: cf1 working ts50 bootstrap_done e1 `the downstream is away`
        pass 600ms
        n1/maintainers: MaintainerHeartbeat statuses: cf1 stopped ts0 e1
        pass 12s
        n1/maintainers: MaintainerHeartbeat statuses: cf1 working ts50 e@10500
        n1/maintainers: MaintainerHeartbeat statuses: cf1 working ts50 bootstrap_done e@10500
        pass 1s
        state cf1"), @"
    n1/maintainers: MaintainerHeartbeat statuses: cf1 working ts50 bootstrap_done e1 `the downstream is away`
        -> TsoRequest call1 to pd
        -> TxnRequest call3 compares: modified(info/cf1)=rev1 then: put info/cf1 = warning e2 ts10 `the downstream is away` to etcd
        ** StateChanged cf1 warning `the downstream is away`
        ** EpochPersisted cf1 e2
    pass 600ms
        -> RemoveMaintainerRequest cf1 cascade e1 to n1/maintainers
        -> RemoveMaintainerRequest cf1 cascade e1 to n1/maintainers
    n1/maintainers: MaintainerHeartbeat statuses: cf1 stopped ts0 e1
    pass 12s
        ** OperatorDone cf1 `stop`
        -> TsoRequest call2 to pd
        -> TxnRequest call6 compares: modified(info/cf1)=rev3 then: put info/cf1 = warning e@10500 ts10 `the downstream is away` to etcd
        ** EpochPersisted cf1 e@10500
        ** Placed cf1 n1 e@10500
        -> AddMaintainerRequest cf1 ts50 e@10500 to n1/maintainers
        -> AddMaintainerRequest cf1 ts50 e@10500 to n1/maintainers
        -> AddMaintainerRequest cf1 ts50 e@10500 to n1/maintainers
        -> AddMaintainerRequest cf1 ts50 e@10500 to n1/maintainers
    n1/maintainers: MaintainerHeartbeat statuses: cf1 working ts50 e@10500
        -> TxnRequest call7 then: put info/cf1 = normal e@10500 ts10, put status/cf1 = ts50 progress-none to etcd
        ** StateChanged cf1 normal
    n1/maintainers: MaintainerHeartbeat statuses: cf1 working ts50 bootstrap_done e@10500
    pass 1s
        ** OperatorDone cf1 `add`
    state cf1
          cf1 replicating at n1 normal e@10500 ts50 saved ts50 bootstrap_done
    ");
}

/// A maintainer that has bootstrapped before its first status does not end the warning, and the error that was to be mended is no news.
#[test]
fn the_same_error_again_is_passed_by() {
    let rest = "
        n1/maintainers: MaintainerHeartbeat statuses: cf1 working ts50 bootstrap_done e1 `the downstream is away`
        pass 600ms
        n1/maintainers: MaintainerHeartbeat statuses: cf1 stopped ts0 e1
        pass 12s
        n1/maintainers: MaintainerHeartbeat statuses: cf1 working ts50 bootstrap_done e@10500
        pass 1s
        n1/maintainers: MaintainerHeartbeat statuses: cf1 working ts50 bootstrap_done e@10500 `the downstream is away`
        pass 1s
        state cf1";
    insta::assert_snapshot!(told("master", rest), @"
    n1/maintainers: MaintainerHeartbeat statuses: cf1 working ts50 bootstrap_done e1 `the downstream is away`
        -> TsoRequest call1 to pd
        -> TxnRequest call3 compares: modified(info/cf1)=rev1 then: put info/cf1 = warning e2 ts10 `the downstream is away` to etcd
        ** StateChanged cf1 warning `the downstream is away`
        ** EpochPersisted cf1 e2
    pass 600ms
        -> RemoveMaintainerRequest cf1 cascade e1 to n1/maintainers
        -> RemoveMaintainerRequest cf1 cascade e1 to n1/maintainers
    n1/maintainers: MaintainerHeartbeat statuses: cf1 stopped ts0 e1
    pass 12s
        ** OperatorDone cf1 `stop`
        -> TsoRequest call2 to pd
        -> TxnRequest call6 compares: modified(info/cf1)=rev3 then: put info/cf1 = warning e@10500 ts10 `the downstream is away` to etcd
        ** EpochPersisted cf1 e@10500
        ** Placed cf1 n1 e@10500
        -> AddMaintainerRequest cf1 ts50 e@10500 to n1/maintainers
        -> AddMaintainerRequest cf1 ts50 e@10500 to n1/maintainers
        -> AddMaintainerRequest cf1 ts50 e@10500 to n1/maintainers
        -> AddMaintainerRequest cf1 ts50 e@10500 to n1/maintainers
    n1/maintainers: MaintainerHeartbeat statuses: cf1 working ts50 bootstrap_done e@10500
    pass 1s
        ** OperatorDone cf1 `add`
    n1/maintainers: MaintainerHeartbeat statuses: cf1 working ts50 bootstrap_done e@10500 `the downstream is away`
    pass 1s
    state cf1
          cf1 replicating at n1 warning `the downstream is away` e@10500 ts50 saved ts50 bootstrap_done
    ");
    insta::assert_snapshot!(told("master+coordinator.returned_error=stops", rest), @"
    n1/maintainers: MaintainerHeartbeat statuses: cf1 working ts50 bootstrap_done e1 `the downstream is away`
        -> TsoRequest call1 to pd
        -> TxnRequest call3 compares: modified(info/cf1)=rev1 then: put info/cf1 = warning e2 ts10 `the downstream is away` to etcd
        ** StateChanged cf1 warning `the downstream is away`
        ** EpochPersisted cf1 e2
    pass 600ms
        -> RemoveMaintainerRequest cf1 cascade e1 to n1/maintainers
        -> RemoveMaintainerRequest cf1 cascade e1 to n1/maintainers
    n1/maintainers: MaintainerHeartbeat statuses: cf1 stopped ts0 e1
    pass 12s
        ** OperatorDone cf1 `stop`
        -> TsoRequest call2 to pd
        -> TxnRequest call6 compares: modified(info/cf1)=rev3 then: put info/cf1 = warning e@10500 ts10 `the downstream is away` to etcd
        ** EpochPersisted cf1 e@10500
        ** Placed cf1 n1 e@10500
        -> AddMaintainerRequest cf1 ts50 e@10500 to n1/maintainers
        -> AddMaintainerRequest cf1 ts50 e@10500 to n1/maintainers
        -> AddMaintainerRequest cf1 ts50 e@10500 to n1/maintainers
        -> AddMaintainerRequest cf1 ts50 e@10500 to n1/maintainers
    n1/maintainers: MaintainerHeartbeat statuses: cf1 working ts50 bootstrap_done e@10500
    pass 1s
        ** OperatorDone cf1 `add`
    n1/maintainers: MaintainerHeartbeat statuses: cf1 working ts50 bootstrap_done e@10500 `the downstream is away`
        -> TsoRequest call3 to pd
        -> TxnRequest call8 compares: modified(info/cf1)=rev4 then: put info/cf1 = warning e@13600 ts10 `the downstream is away` to etcd
        ** StateChanged cf1 warning `the downstream is away`
        ** EpochPersisted cf1 e@13600
    pass 1s
        -> RemoveMaintainerRequest cf1 cascade e@10500 to n1/maintainers
        -> RemoveMaintainerRequest cf1 cascade e@10500 to n1/maintainers
    state cf1
          cf1 absent warning `the downstream is away` e@13600 ts50 saved ts50 bootstrap_done
          operator cf1 stop at n1
    ");
}

/// The checkpoint of a new maintainer may be lower than what the coordinator knows (pingcap/ticdc#5709).
#[test]
fn an_error_with_a_checkpoint_that_is_lower() {
    let rest = "
        n1/maintainers: MaintainerHeartbeat statuses: cf1 working ts40 bootstrap_done e1 `the downstream is away`
        pass 1s
        state cf1";
    insta::assert_snapshot!(told("pr-3769", rest), @"
    n1/maintainers: MaintainerHeartbeat statuses: cf1 working ts40 bootstrap_done e1 `the downstream is away`
    pass 1s
    state cf1
          cf1 replicating at n1 normal e1 ts50 saved ts50 bootstrap_done
    ");
    insta::assert_snapshot!(told("master", rest), @"
    n1/maintainers: MaintainerHeartbeat statuses: cf1 working ts40 bootstrap_done e1 `the downstream is away`
        -> TsoRequest call1 to pd
        -> TxnRequest call3 compares: modified(info/cf1)=rev1 then: put info/cf1 = warning e2 ts10 `the downstream is away` to etcd
        ** StateChanged cf1 warning `the downstream is away`
        ** EpochPersisted cf1 e2
    pass 1s
        -> RemoveMaintainerRequest cf1 cascade e1 to n1/maintainers
        -> RemoveMaintainerRequest cf1 cascade e1 to n1/maintainers
    state cf1
          cf1 absent warning `the downstream is away` e2 ts50 saved ts50 bootstrap_done
          operator cf1 stop at n1
    ");
}

/// Whatever comes with the end of a bootstrap is not looked at.
#[test]
fn an_error_with_the_end_of_a_bootstrap_is_lost() {
    insta::assert_snapshot!(told("master", "
        n1/maintainers: MaintainerHeartbeat statuses: cf1 working ts60 e1
        n1/maintainers: MaintainerHeartbeat statuses: cf1 working ts60 bootstrap_done e1 `the downstream is away`
        pass 1s
        state cf1"), @"
    n1/maintainers: MaintainerHeartbeat statuses: cf1 working ts60 e1
        -> TxnRequest call2 then: put status/cf1 = ts60 progress-none to etcd
        ** CheckpointPersisted cf1 ts60
    n1/maintainers: MaintainerHeartbeat statuses: cf1 working ts60 bootstrap_done e1 `the downstream is away`
    pass 1s
    state cf1
          cf1 replicating at n1 normal e1 ts60 saved ts60 bootstrap_done
    ");
}

/// The same error of another node is another one.
#[test]
fn the_same_error_of_another_node_is_news() {
    let text = told(
        "master",
        "
        n1/maintainers: MaintainerHeartbeat statuses: cf1 working ts50 bootstrap_done e1 `the downstream is away` on=n2
        pass 600ms
        n1/maintainers: MaintainerHeartbeat statuses: cf1 stopped ts50 bootstrap_done e1
        pass 12s
        n1/maintainers: MaintainerHeartbeat statuses: cf1 working ts50 bootstrap_done e@10500
        pass 1s
        n1/maintainers: MaintainerHeartbeat statuses: cf1 working ts50 bootstrap_done e@10500 `the downstream is away` on=n3
        pass 600ms
        state cf1",
    );
    let from = text.rfind("n1/maintainers: MaintainerHeartbeat").expect("it is told");
    insta::assert_snapshot!(text[from..], @"
    n1/maintainers: MaintainerHeartbeat statuses: cf1 working ts50 bootstrap_done e@10500 `the downstream is away` on=n3
        -> TsoRequest call3 to pd
        -> TxnRequest call8 compares: modified(info/cf1)=rev4 then: put info/cf1 = warning e@13600 ts10 `the downstream is away` on=n3 to etcd
        ** StateChanged cf1 warning `the downstream is away`
        ** EpochPersisted cf1 e@13600
    pass 600ms
        -> RemoveMaintainerRequest cf1 cascade e@10500 to n1/maintainers
    state cf1
          cf1 absent warning `the downstream is away` e@13600 ts50 saved ts50 bootstrap_done
          operator cf1 stop at n1
    ");
}
