//! What PD keeps, and the invariant `needed_is_kept`.

use crate::hand::settled::{after, cluster};
use model::{Actor, Addr, Gc, Sim, Ts, invariants, pd::Pd};
use sim::{Decisions, Duration, Seed};

fn gc(ttl: u64, life: u64) -> Gc {
    Gc { ttl: Duration::from_secs(ttl), life: Duration::from_secs(life) }
}

#[test]
fn the_upstream_collects_when_nobody_needs_anything_any_more() {
    let pd = Pd::collecting(gc(60, 10));
    assert_eq!(
        pd.collected_at(after(59_000)),
        Ts(0),
        "an earlier coordinator has told it that everything is needed"
    );
    assert_eq!(pd.collected_at(after(60_000)), Ts(50_000_000));
    assert_eq!(Pd::default().collected_at(after(60_000)), Ts(0), "it keeps everything for ten minutes");
}

/// What the invariant finds in 40 s of a small cluster whose PD is like that, and whose coordinator tells it nothing.
fn found(gc: Gc) -> String {
    let mut layout = cluster().layout(Seed(1));
    for (addr, actor) in layout.hosts.iter_mut().flat_map(|host| &mut host.actors) {
        if *addr == Addr::Pd {
            *actor = Actor::Pd(Pd::collecting(gc));
        }
    }
    let mut sim = Sim::new(layout, Vec::new(), Seed(1), &Decisions::default());
    let named = invariants::ALL.iter().find(|named| named.name == "needed_is_kept").expect("it exists");
    let (mut watch, mut found) = (named.watch(), Vec::new());
    while sim.step(after(40_000)) {
        watch.observe(&sim, sim.record(), &mut found);
    }
    watch.settled(&sim, &mut found);
    found.iter().map(|violation| format!("{violation}\n")).collect()
}

#[test]
fn what_a_changefeed_needs_is_kept() {
    insta::assert_snapshot!(found(gc(30, 0)), @"needed_is_kept: cf1 goes on from ts38800000, and the upstream has collected up to ts40000000");
    // The upstream keeps everything for longer than the changefeed is behind.
    insta::assert_snapshot!(found(gc(30, 20)), @"");
    // It is kept for the cluster.
    insta::assert_snapshot!(found(gc(50, 0)), @"");
}
