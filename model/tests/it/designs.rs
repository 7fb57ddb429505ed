//! The designs that were not merged: what follows from several of their rules together. Each rule by itself is a row of
//! `fixtures/vectors/*/designs.txt`.

use crate::script::play;

/// The coordinator leads, and nobody maintains cf1, which is in this state and has epoch 5.
fn leads(state: &str, rest: &str) -> String {
    format!(
        "party coordinator
        changefeed cf1 e5 ts10 {state}
        n3/server: Elected version=7
        n1/maintainers: CoordinatorBootstrapResponse version=7
        n2/maintainers: CoordinatorBootstrapResponse version=7
        n3/maintainers: CoordinatorBootstrapResponse version=7
        {rest}"
    )
}

/// What comes after the bootstrap.
fn told(policy: &str, script: &str) -> String {
    let text = play(policy, script);
    let from = text.find("** Bootstrapped").expect("it bootstraps");
    text[from..].lines().skip(1).map(|line| format!("{line}\n")).collect()
}

const NEXT_TERM: &str = "pass 20s
        command:n3/coordinator ResumeChangefeed cf1
        pass 600ms
        n3/server: LeaderChanged n1
        n3/server: Elected version=9
        n1/maintainers: CoordinatorBootstrapResponse version=9
        n2/maintainers: CoordinatorBootstrapResponse version=9
        n3/maintainers: CoordinatorBootstrapResponse version=9
        pass 300ms";

/// A maintainer has been told e@20000. The next one, of the next term, is told e5, which whoever follows e@20000 refuses.
#[test]
fn an_epoch_in_memory_is_forgotten_with_its_term() {
    insta::assert_snapshot!(told("pr-5181", &leads("stopped", NEXT_TERM)), @"
    pass 20s
    command:n3/coordinator ResumeChangefeed cf1
        -> TxnRequest call5 then: put info/cf1 = normal e5 ts10, put status/cf1 = ts10 progress-none to etcd
        -> TsoRequest call2 to pd
        ** EpochDrawn cf1 e@20000
        ** CallAnswered cf1 `resume` `done`
    pass 600ms
        ** Placed cf1 n1 e@20000
        -> AddMaintainerRequest cf1 ts10 e@20000 config-e5 to n1/maintainers
    n3/server: LeaderChanged n1
        ** TermEnds n3 `deposed`
        -> CoordinatorStopped to n3/server
    n3/server: Elected version=9
        ** TermBegins n3 version=9
        -> CoordinatorBootstrapRequest version=9 to n1/maintainers
        -> CoordinatorBootstrapRequest version=9 to n2/maintainers
        -> CoordinatorBootstrapRequest version=9 to n3/maintainers
    n1/maintainers: CoordinatorBootstrapResponse version=9
    n2/maintainers: CoordinatorBootstrapResponse version=9
    n3/maintainers: CoordinatorBootstrapResponse version=9
        ** Bootstrapped changefeeds=1
    pass 300ms
        ** Placed cf1 n2 e5
        -> AddMaintainerRequest cf1 ts10 e5 to n2/maintainers
    ");
}

#[test]
fn an_epoch_that_is_persisted_is_not() {
    insta::assert_snapshot!(told("pr-5182", &leads("stopped", NEXT_TERM)), @"
    pass 20s
    command:n3/coordinator ResumeChangefeed cf1
        -> TsoRequest call2 to pd
        -> TxnRequest call5 compares: modified(info/cf1)=rev3, modified(status/cf1)=rev4 then: put info/cf1 = normal e@20000 ts10, put status/cf1 = ts10 progress-none to etcd
        ** EpochPersisted cf1 e@20000
        ** CallAnswered cf1 `resume` `done`
    pass 600ms
        -> TsoRequest call3 to pd
        -> TxnRequest call8 compares: modified(info/cf1)=rev5, modified(status/cf1)=rev5 then: put info/cf1 = normal e@20500 ts10, put status/cf1 = ts10 progress-none to etcd
        ** EpochPersisted cf1 e@20500
        ** Placed cf1 n1 e@20500
        -> AddMaintainerRequest cf1 ts10 e0 config-e@20500 to n1/maintainers
    n3/server: LeaderChanged n1
        ** TermEnds n3 `deposed`
        -> CoordinatorStopped to n3/server
    n3/server: Elected version=9
        ** TermBegins n3 version=9
        -> CoordinatorBootstrapRequest version=9 to n1/maintainers
        -> CoordinatorBootstrapRequest version=9 to n2/maintainers
        -> CoordinatorBootstrapRequest version=9 to n3/maintainers
    n1/maintainers: CoordinatorBootstrapResponse version=9
    n2/maintainers: CoordinatorBootstrapResponse version=9
    n3/maintainers: CoordinatorBootstrapResponse version=9
        ** Bootstrapped changefeeds=1
    pass 300ms
        -> TsoRequest call4 to pd
        -> TxnRequest call12 compares: modified(info/cf1)=rev6, modified(status/cf1)=rev6 then: put info/cf1 = normal e@20600 ts10, put status/cf1 = ts10 progress-none to etcd
        ** EpochPersisted cf1 e@20600
        ** Placed cf1 n2 e@20600
        -> AddMaintainerRequest cf1 ts10 e0 config-e@20600 to n2/maintainers
    ");
}

/// Nobody has persisted anything when a node is lost: the next maintainer has the epoch of the one before.
#[test]
fn two_owners_have_one_epoch() {
    let script = leads(
        "",
        "pass 300ms
        see n2, n3
        pass 1200ms",
    );
    insta::assert_snapshot!(told("pr-5181", &script), @"
    pass 300ms
        ** Placed cf1 n1 e5
        -> AddMaintainerRequest cf1 ts10 e5 to n1/maintainers
    see n2, n3
    pass 1200ms
        ** OperatorDone cf1 `add`
        ** Placed cf1 n2 e5
        -> AddMaintainerRequest cf1 ts10 e5 to n2/maintainers
    ");
    insta::assert_snapshot!(told("pr-5182", &script), @"
    pass 300ms
        -> TsoRequest call1 to pd
        -> TxnRequest call4 compares: modified(info/cf1)=rev3, modified(status/cf1)=rev4 then: put info/cf1 = normal e6 ts10, put status/cf1 = ts10 progress-none to etcd
        ** EpochPersisted cf1 e6
        ** Placed cf1 n1 e6
        -> AddMaintainerRequest cf1 ts10 e0 config-e6 to n1/maintainers
    see n2, n3
    pass 1200ms
        ** OperatorDone cf1 `add`
        -> TsoRequest call2 to pd
        -> TxnRequest call7 compares: modified(info/cf1)=rev5, modified(status/cf1)=rev5 then: put info/cf1 = normal e@1000 ts10, put status/cf1 = ts10 progress-none to etcd
        ** EpochPersisted cf1 e@1000
        ** Placed cf1 n2 e@1000
        -> AddMaintainerRequest cf1 ts10 e0 config-e@1000 to n2/maintainers
    ");
}

/// An add that tells the epoch of when it was made (review mutant M-5181-8): a new one has been persisted for it since, and
/// what its maintainer reports is not believed.
#[test]
fn an_add_that_tells_the_epoch_before() {
    let script = leads(
        "",
        "pass 300ms
        n1/maintainers: MaintainerHeartbeat statuses: cf1 working ts50 bootstrap_done e5
        pass 600ms
        state cf1",
    );
    insta::assert_snapshot!(told("M-5181-8", &script), @"
    pass 300ms
        -> TsoRequest call1 to pd
        -> TxnRequest call3 compares: modified(info/cf1)=rev3 then: put info/cf1 = normal e6 ts10 to etcd
        ** EpochPersisted cf1 e6
        ** Placed cf1 n1 e6
        -> AddMaintainerRequest cf1 ts10 e5 config-e6 to n1/maintainers
    n1/maintainers: MaintainerHeartbeat statuses: cf1 working ts50 bootstrap_done e5
        ** StaleStatus cf1 n1 e5 e6
    pass 600ms
        ** OperatorDone cf1 `add`
    state cf1
          cf1 replicating at n1 normal e6 ts10 saved ts10
    ");
}

/// A stop that waits for epoch 5 ends by an earlier maintainer of its node, which may have stopped long before the one that is
/// meant (review mutant M-5181-7).
#[test]
fn a_stop_that_an_earlier_maintainer_ends() {
    let script = "party coordinator
        changefeed cf1 e5 ts10
        n3/server: Elected version=7
        n1/maintainers: CoordinatorBootstrapResponse version=7 statuses: cf1 working ts50 bootstrap_done e5
        n2/maintainers: CoordinatorBootstrapResponse version=7
        n3/maintainers: CoordinatorBootstrapResponse version=7
        command:n3/coordinator PauseChangefeed cf1
        pass 300ms
        n1/maintainers: MaintainerHeartbeat statuses: cf1 stopped ts0 e4
        pass 1200ms";
    insta::assert_snapshot!(told("master", script), @"
    command:n3/coordinator PauseChangefeed cf1
        -> TxnRequest call4 then: put info/cf1 = stopped e5 ts10, put status/cf1 = ts10 stopping to etcd
    pass 300ms
        -> RemoveMaintainerRequest cf1 cascade e5 to n1/maintainers
    n1/maintainers: MaintainerHeartbeat statuses: cf1 stopped ts0 e4
    pass 1200ms
        -> RemoveMaintainerRequest cf1 cascade e5 to n1/maintainers
        -> RemoveMaintainerRequest cf1 cascade e5 to n1/maintainers
    ");
    insta::assert_snapshot!(told("M-5181-7", script), @"
    command:n3/coordinator PauseChangefeed cf1
        -> TxnRequest call4 then: put info/cf1 = stopped e5 ts10, put status/cf1 = ts10 stopping to etcd
    pass 300ms
        -> RemoveMaintainerRequest cf1 cascade e5 to n1/maintainers
    n1/maintainers: MaintainerHeartbeat statuses: cf1 stopped ts0 e4
    pass 1200ms
        -> TxnRequest call6 compares: modified(status/cf1)=rev5 then: put status/cf1 = ts10 progress-none to etcd
        ** OperatorDone cf1 `stop`
        ** CallAnswered cf1 `pause` `done`
    ");
}

/// A move that tells its origin the epoch that has been persisted for the target (review mutant M-5181-10).
#[test]
fn a_move_whose_origin_does_not_know_the_epoch() {
    let script = "party coordinator
        changefeed cf1 e5 ts10
        n3/server: Elected version=7
        n1/maintainers: CoordinatorBootstrapResponse version=7 statuses: cf1 working ts50 bootstrap_done e5
        n2/maintainers: CoordinatorBootstrapResponse version=7
        n3/maintainers: CoordinatorBootstrapResponse version=7
        see n1, n2
        command:n3/coordinator MoveMaintainer cf1
        pass 300ms";
    insta::assert_snapshot!(told("master", script), @"
    see n1, n2
    command:n3/coordinator MoveMaintainer cf1
        -> TsoRequest call1 to pd
        -> TxnRequest call3 compares: modified(info/cf1)=rev3 then: put info/cf1 = normal e6 ts10 to etcd
        ** EpochPersisted cf1 e6
        ** Placed cf1 n2 e6
    pass 300ms
        -> RemoveMaintainerRequest cf1 e5 to n1/maintainers
    ");
    insta::assert_snapshot!(told("M-5181-10", script), @"
    see n1, n2
    command:n3/coordinator MoveMaintainer cf1
        -> TsoRequest call1 to pd
        -> TxnRequest call3 compares: modified(info/cf1)=rev3 then: put info/cf1 = normal e6 ts10 to etcd
        ** EpochPersisted cf1 e6
        ** Placed cf1 n2 e6
    pass 300ms
        -> RemoveMaintainerRequest cf1 e6 to n1/maintainers
    ");
}
