//! The invariant `recovers`, shown small clusters that have settled, as they are or with a part replaced.

use crate::hand::{
    Hand,
    settled::{N1, N2, after, cluster, dispatchers as at, etcd, found, found_in, set, writers},
};
use model::{
    Actor, Addr, ChangefeedId, Epoch, Note, Place, Record, Sim, dispatchers,
    etcd::{Etcd, FeedState},
    invariants,
    sink::Sink,
};
use sim::{Decisions, Duration, Input, Seed, StepId, What};

const INVARIANT: &str = "recovers";

#[test]
fn a_quiet_cluster_feeds_its_downstream() {
    let text = found(INVARIANT, 10_000, 20_000, |_| {});
    insta::assert_snapshot!(text, @"");
}

#[test]
fn a_table_without_dispatcher_is_fed_by_nobody() {
    let text = found(INVARIANT, 10_000, 20_000, |actors| {
        for node in [N1, N2] {
            set(actors, at(node), Actor::Dispatchers(Box::default()));
        }
    });
    insta::assert_snapshot!(text, @"recovers (coverage): t1 of cf1 has no working dispatcher; n1/maintainers maintains cf1 (e@570), and waits for nothing; n2/coordinator has cf1 replicating on n1");
}

#[test]
fn a_table_with_two_dispatchers_is_covered_twice() {
    let text = found(INVARIANT, 10_000, 20_000, |actors| {
        let twice = writers(actors);
        for node in [N1, N2] {
            set(actors, at(node), twice.clone());
        }
    });
    insta::assert_snapshot!(text, @"recovers (coverage): the working dispatchers of t1 of cf1 do not cover it once: d2@n1 on n1, d2@n1 on n2");
}

#[test]
fn a_checkpoint_that_is_not_past_the_calm_is_stuck() {
    let text = found(INVARIANT, 10_000, 20_000, |actors| {
        set(actors, Addr::Etcd, etcd(FeedState::Normal, 10_000_000))
    });
    insta::assert_snapshot!(text, @"recovers (checkpoint): the checkpoint of cf1 stands at ts10000000, not past the calm at ts10000000; n1/maintainers maintains cf1 (e@570), and waits for nothing; n2/coordinator has cf1 replicating on n1");
    let text = found(INVARIANT, 10_000, 20_000, |actors| {
        set(actors, Addr::Etcd, etcd(FeedState::Normal, 10_000_001))
    });
    insta::assert_snapshot!(text, @"");
}

#[test]
fn nothing_is_promised_of_a_changefeed_that_is_stopped() {
    let text = found(INVARIANT, 10_000, 20_000, |actors| {
        set(actors, Addr::Etcd, etcd(FeedState::Stopped, 1));
        set(actors, Addr::Sink, Actor::Sink(Box::<Sink>::default()));
        set(actors, at(N1), Actor::Dispatchers(Box::default()));
    });
    insta::assert_snapshot!(text, @"recovers (still): cf1 is stopped, and n1/maintainers has a maintainer of it");
}

#[test]
fn a_cluster_that_has_not_had_time_says_what_it_waits_for() {
    let mut texts: Vec<String> = (1..200).map(|n| found(INVARIANT, 0, n * 20, |_| {})).collect();
    texts.dedup();
    insta::assert_snapshot!(texts.concat(), @"
    recovers (coverage): t1 of cf1 has no working dispatcher; n2/coordinator has not bootstrapped; nobody maintains cf1
    recovers (coverage): t1 of cf1 has no working dispatcher; n2/coordinator has not bootstrapped; n2/coordinator waits for CoordinatorBootstrapResponse from n1; nobody maintains cf1
    recovers (coverage): t1 of cf1 has no working dispatcher; n2/coordinator has cf1 scheduling on n1; n2/coordinator cf1 waits for MaintainerHeartbeat (working; operator add) from n1; nobody maintains cf1
    recovers (operator): n2/coordinator still has the operator add of cf1; n2/coordinator cf1 waits for MaintainerHeartbeat (working; operator add) from n1
    recovers (coverage): t1 of cf1 has no working dispatcher; n1/maintainers cf1 waits for MaintainerBootstrapResponse from n1; n1/maintainers cf1 waits for MaintainerBootstrapResponse from n2; n1/dispatchers cf1 waits for the end of MaintainerBootstrapRequest, which it is at; n2/coordinator has cf1 scheduling on n1; n2/coordinator cf1 waits for MaintainerHeartbeat (working; operator add) from n1; n2/dispatchers cf1 waits for the end of MaintainerBootstrapRequest, which it is at
    recovers (operator): n2/coordinator still has the operator add of cf1; n2/coordinator cf1 waits for MaintainerHeartbeat (working; operator add) from n1
    recovers (coverage): t1 of cf1 has no working dispatcher; n1/maintainers cf1 waits for HeartBeatRequest (operator d2@n1 Create (Add) at n1) from n1; n2/coordinator has cf1 scheduling on n1; n2/coordinator cf1 waits for MaintainerHeartbeat (working; operator add) from n1
    recovers (operator): the maintainer of cf1 at n1/maintainers still has 1 operators; n1/maintainers cf1 waits for HeartBeatRequest (operator d2@n1 Create (Add) at n1) from n1
    recovers (coverage): t1 of cf1 has no working dispatcher; n1/maintainers cf1 waits for HeartBeatRequest (operator d2@n1 Create (Add) at n1) from n1; n2/coordinator has cf1 scheduling on n1; n2/coordinator cf1 waits for the executor's turn (operator add has finished)
    recovers (operator): the maintainer of cf1 at n1/maintainers still has 1 operators; n1/maintainers cf1 waits for HeartBeatRequest (operator d2@n1 Create (Add) at n1) from n1
    recovers (coverage): t1 of cf1 has no working dispatcher; n1/maintainers cf1 waits for HeartBeatRequest (operator d2@n1 Create (Add) at n1) from n1; n2/coordinator has cf1 replicating on n1
    recovers (operator): the maintainer of cf1 at n1/maintainers still has 1 operators; n1/maintainers cf1 waits for HeartBeatRequest (operator d2@n1 Create (Add) at n1) from n1
    recovers (coverage): t1 of cf1 has no working dispatcher; n1/maintainers cf1 waits for HeartBeatRequest (operator d2@n1 Create (Add) at n1 sent) from n1; n2/coordinator has cf1 replicating on n1
    recovers (operator): the maintainer of cf1 at n1/maintainers still has 1 operators; n1/maintainers cf1 waits for HeartBeatRequest (operator d2@n1 Create (Add) at n1 sent) from n1
    recovers (journal): the manager of cf1 at n1/dispatchers still keeps 1 requests
    recovers (operator): the maintainer of cf1 at n1/maintainers still has 1 operators
    ");
}

#[test]
fn a_changefeed_that_is_gone_is_missed() {
    let text = found(INVARIANT, 10_000, 20_000, |actors| {
        set(actors, Addr::Etcd, Actor::Etcd(Box::new(Etcd::holding([]))))
    });
    insta::assert_snapshot!(text, @"
    recovers (changefeed): cf1 is gone from etcd, and nobody asked for that
    recovers (still): cf1 is removed, and n1/maintainers has a maintainer of it
    ");
}

#[test]
fn the_dispatchers_of_a_closed_manager_write_nothing() {
    let text = found(INVARIANT, 10_000, 20_000, |actors| {
        for node in [N1, N2] {
            let mut hand = Hand::at(N1, Place::Dispatchers, crate::hand::preset("master"));
            hand.tell(crate::hand::N1, crate::hand::bootstrap(5, None));
            hand.tell(crate::hand::N1, crate::hand::create(5, 1));
            hand.resolve(100);
            hand.tell(crate::hand::N1, crate::hand::close(5, false));
            assert!(hand.state().contains("closed"), "{}", hand.state());
            assert!(hand.state().contains("t1 Working"), "{}", hand.state());
            set(actors, at(node), hand.actor().clone());
        }
    });
    insta::assert_snapshot!(text, @"recovers (coverage): t1 of cf1 has no working dispatcher; n1/maintainers maintains cf1 (e@570), and waits for nothing; n2/coordinator has cf1 replicating on n1");
}

/// A coordinator that leads and a maintainer that has bootstrapped are needed, even where everything is still written.
#[test]
fn nobody_coordinates_or_maintains() {
    let without = |place: Place, actor: fn() -> Actor| {
        found(INVARIANT, 10_000, 20_000, |actors| {
            for node in [N1, N2] {
                set(actors, Addr::Node(node, place), actor());
            }
        })
    };
    insta::assert_snapshot!(without(Place::Coordinator, || Actor::Coordinator(Box::default())), @"recovers (bootstrap): no coordinator has bootstrapped, which cf1 needs; nobody coordinates; n1/maintainers maintains cf1 (e@570), and waits for nothing");
    insta::assert_snapshot!(without(Place::Maintainers, || Actor::Maintainers(Box::default())), @"recovers (bootstrap): cf1 has no maintainer that has bootstrapped; n1/dispatchers reports to n1, where nobody maintains cf1; n2/coordinator has cf1 replicating on n1; n2/dispatchers reports to n1, where nobody maintains cf1; nobody maintains cf1");
}

/// A changefeed that is paused is not written, either.
#[test]
fn a_paused_changefeed_is_still() {
    let text = found(INVARIANT, 10_000, 20_000, |actors| {
        set(actors, Addr::Etcd, etcd(FeedState::Stopped, 1));
        for node in [N1, N2] {
            set(actors, Addr::Node(node, Place::Maintainers), Actor::Maintainers(Box::default()));
        }
    });
    insta::assert_snapshot!(text, @"recovers (still): cf1 is stopped, and dispatchers at n1/dispatchers write it");
}

/// Whoever stops at a syncpoint while the faults end is to be through with it when the cluster has settled.
#[test]
fn a_block_event_that_nobody_ends() {
    let mut cluster = cluster();
    cluster.workload.syncpoint_every = Some(Duration::from_secs(5));
    let texts = (0..40).map(|n| found_in(INVARIANT, &cluster, (10_000, 10_000 + n * 20), |_| {}));
    let all: String = texts.collect();
    let mut barriers: Vec<&str> = all.lines().filter(|line| line.contains("(barrier)")).collect();
    barriers.dedup();
    insta::assert_snapshot!(barriers.join("\n"), @"
    recovers (barrier): the maintainer of cf1 at n1/maintainers is not through with the block event of ts10000000; n1/maintainers cf1 waits for the block event of ts10000000: d1@n1 to write it from n1
    recovers (barrier): the maintainer of cf1 at n1/maintainers is not through with the block event of ts10000000; n1/maintainers cf1 waits for the block event of ts10000000: reports of all that they are behind it; 1 have come from n1
    ");
}

/// What has been refused since the faults ended is counted, and the last of it is told.
#[test]
fn a_request_that_is_refused_again_and_again() {
    let mut sim = Sim::new(cluster().layout(Seed(1)), Vec::new(), Seed(1), &Decisions::default());
    let named = invariants::ALL.iter().find(|named| named.name == INVARIANT).expect("it exists");
    let (mut watch, mut found) = (named.watch(), Vec::new());
    // Until the maintainer on n1 waits for the answers to its bootstrap requests.
    while !sim.record().notes.iter().any(|note| note.to_string().starts_with("MaintainerAdded")) {
        assert!(sim.step(after(20_000)));
        watch.observe(&sim, sim.record(), &mut found);
    }
    let refused = |epoch| {
        let (cf, owner) = (ChangefeedId(1), Some(N2));
        Note::from(dispatchers::Note::StaleRefused { cf, from: N1, epoch, owner, current: Epoch(5) })
    };
    for n in 0..41 {
        let what = What::Step { actor: Addr::Node(N2, Place::Dispatchers), input: Input::Start };
        let notes = vec![refused(Epoch(4))];
        let record = Record { id: StepId(1000 + n), at: sim.now(), cause: None, what, notes };
        watch.observe(&sim, &record, &mut found);
    }
    while !sim.record().notes.iter().any(|note| note.to_string().starts_with("EpochPersisted")) {
        if !sim.step(sim.now()) {
            break;
        }
    }
    watch.settled(&sim, &mut found);
    let text: Vec<String> = found.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(text.join("\n"), @"
    recovers (coverage): t1 of cf1 has no working dispatcher; n1/maintainers cf1 waits for MaintainerBootstrapResponse from n1; n1/maintainers cf1 waits for MaintainerBootstrapResponse from n2, which dropped 41 requests: StaleRefused e4 < e5 of n2; n1/dispatchers cf1 waits for the end of MaintainerBootstrapRequest, which it is at; n2/coordinator has cf1 scheduling on n1; n2/coordinator cf1 waits for MaintainerHeartbeat (working; operator add) from n1
    recovers (operator): n2/coordinator still has the operator add of cf1; n2/coordinator cf1 waits for MaintainerHeartbeat (working; operator add) from n1
    ");
}
