//! What etcd promises, held against a server that is too simple to be wrong: it keeps a copy of all keys for every revision.

use std::collections::BTreeMap;

use proptest::prelude::*;
use sim::{Duration, Instant};

use super::{
    store::{Compare, Key, Kv, Op, OpAnswer, Range, Revision, Store, Value},
    watch::{Event, WatchId, Watches},
    *,
};
use crate::{ChangefeedId, Place, Ts};

/// All keys at each revision.
#[derive(Clone, Debug)]
struct Simple {
    states: Vec<BTreeMap<Key, Kv>>,
}

impl Simple {
    fn new() -> Simple {
        Simple { states: vec![BTreeMap::new()] }
    }

    fn now(&self) -> &BTreeMap<Key, Kv> {
        self.states.last().expect("there is the empty one")
    }

    fn revision(&self) -> u64 {
        self.states.len() as u64 - 1
    }

    fn holds(&self, compare: Compare) -> bool {
        let kv = |key| self.now().get(&key);
        match compare {
            Compare::Created(key, revision) => kv(key).map_or(0, |kv| kv.created.0) == revision.0,
            Compare::Modified(key, revision) => kv(key).map_or(0, |kv| kv.modified.0) == revision.0,
            Compare::Behind(..) => unreachable!("no law asks"),
        }
    }

    /// One transaction: everything it changes has one revision; if it changes nothing there is none.
    fn carry_out(&mut self, ops: &[Op]) {
        let (mut next, mut changes) = (self.now().clone(), false);
        let revision = Revision(self.revision() + 1);
        for op in ops {
            match op {
                Op::Put { key, value, lease } => {
                    let (created, version) =
                        next.get(key).map_or((revision, 0), |kv| (kv.created, kv.version));
                    let (value, lease, version) = (value.clone(), *lease, version + 1);
                    next.insert(*key, Kv { key: *key, value, created, modified: revision, version, lease });
                    changes = true;
                }
                Op::Delete(key) => changes |= next.remove(key).is_some(),
                Op::Get(_) => {}
            }
        }
        if changes {
            self.states.push(next);
        }
    }

    /// The keys that are different at a revision from what they were before, in no order.
    fn changed_at(&self, revision: u64) -> BTreeMap<Key, Option<Kv>> {
        let (before, after) = (&self.states[revision as usize - 1], &self.states[revision as usize]);
        let gone = before.keys().filter(|key| !after.contains_key(key)).map(|key| (*key, None));
        let new = after.values().filter(|kv| kv.modified.0 == revision).map(|kv| (kv.key, Some(kv.clone())));
        gone.chain(new).collect()
    }
}

fn keys() -> impl Strategy<Value = Key> {
    prop_oneof![
        (1..4u8).prop_map(|cf| Key::Info(ChangefeedId(cf))),
        (1..4u8).prop_map(|cf| Key::Job(ChangefeedId(cf))),
        (1..5u32).prop_map(|lease| Key::Owner(LeaseId(lease))),
        (1..4u8).prop_map(|slot| Key::Capture(NodeId { slot, life: 0 })),
    ]
}

fn ranges() -> impl Strategy<Value = Range> {
    let some =
        [Range::Captures, Range::Owners, Range::Infos, Range::Jobs, Range::Changefeeds, Range::FIRST_OWNER];
    let by_age = (any::<bool>(), proptest::option::of(0..12u64), 0..4u32).prop_map(
        |(youngest_first, until, limit)| {
            Range::OwnersByAge(ByAge { youngest_first, created_until: until.map(Revision), limit })
        },
    );
    prop_oneof![keys().prop_map(Range::One), proptest::sample::select(some.to_vec()), by_age]
}

fn ops() -> impl Strategy<Value = Op> {
    let put =
        (keys(), 0..50u64, proptest::option::of(1..4u32)).prop_map(|(key, checkpoint, lease)| Op::Put {
            key,
            value: Value::Job(Job { checkpoint: Ts(checkpoint), progress: Progress::None }),
            lease: lease.map(LeaseId),
        });
    prop_oneof![4 => put, 2 => keys().prop_map(Op::Delete), 1 => ranges().prop_map(Op::Get)]
}

fn compares() -> impl Strategy<Value = Compare> {
    let revision = || (0..10u64).prop_map(Revision);
    prop_oneof![
        (keys(), revision()).prop_map(|(key, revision)| Compare::Created(key, revision)),
        (keys(), revision()).prop_map(|(key, revision)| Compare::Modified(key, revision)),
    ]
}

/// What happens to a server.
#[derive(Clone, Debug)]
enum Deed {
    Txn(Vec<Compare>, Vec<Op>, Vec<Op>),
    /// The keys of a lease go.
    Expire(LeaseId),
    Compact(u64),
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let list = || proptest::collection::vec(ops(), 0..4);
    let txn = (proptest::collection::vec(compares(), 0..2), list(), list());
    let deed = prop_oneof![
        12 => txn.prop_map(|(compares, then, otherwise)| Deed::Txn(compares, then, otherwise)),
        2 => (1..4u32).prop_map(|lease| Deed::Expire(LeaseId(lease))),
        1 => (0..3u64).prop_map(Deed::Compact),
    ];
    proptest::collection::vec(deed, 1..25)
}

/// Does it to both; they have to agree on what holds.
fn happen(store: &mut Store, simple: &mut Simple, deed: &Deed) {
    match deed {
        Deed::Txn(compares, then, otherwise) => {
            let holds = compares.iter().all(|compare| store.holds(*compare));
            assert_eq!(holds, compares.iter().all(|compare| simple.holds(*compare)));
            let ops = if holds { then } else { otherwise };
            let answers = store.carry_out(ops);
            simple.carry_out(ops);
            assert_eq!(answers.len(), ops.len(), "every operation is answered");
            // What is read last sees everything that the transaction has written before.
            if let (Some(Op::Get(range)), Some(OpAnswer::Got(found))) = (ops.last(), answers.last()) {
                assert_eq!(*found, store.range(*range));
            }
        }
        Deed::Expire(lease) => {
            let keys = simple.now().values().filter(|kv| kv.lease == Some(*lease)).map(|kv| kv.key);
            let keys: Vec<Key> = keys.collect();
            let deletes: Vec<Op> = keys.iter().map(|key| Op::Delete(*key)).collect();
            assert_eq!(store.delete_leased(*lease), keys, "in the order of keys");
            simple.carry_out(&deletes);
        }
        Deed::Compact(keep) => store.compact(*keep),
    }
}

/// The naive answer to a range request.
fn found(simple: &Simple, range: Range) -> Vec<Kv> {
    let mut found: Vec<Kv> = simple.now().values().filter(|kv| range.has(kv.key)).cloned().collect();
    if let Range::OwnersByAge(ByAge { youngest_first, created_until, limit }) = range {
        found.retain(|kv| created_until.is_none_or(|until| kv.created <= until));
        found.sort_by(|one, other| {
            let order = one.created.cmp(&other.created).then(one.key.cmp(&other.key));
            if youngest_first { order.reverse() } else { order }
        });
        if limit > 0 {
            found.truncate(limit as usize);
        }
    }
    found
}

fn client(slot: u8) -> Addr {
    Addr::Node(NodeId { slot, life: 0 }, Place::Server)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Revisions count transactions that change something; keys know when they were created and changed, and how often; a
    /// range is in its order and within its limits.
    #[test]
    fn keys_are_as_the_simple_server_has_them(deeds in deeds(), range in ranges()) {
        let (mut store, mut simple) = (Store::default(), Simple::new());
        for deed in &deeds {
            happen(&mut store, &mut simple, deed);
            prop_assert_eq!(store.revision().0, simple.revision());
            prop_assert_eq!(store.range(range), found(&simple, range));
            for key in simple.now().keys() {
                prop_assert_eq!(store.get(*key), simple.now().get(key));
            }
        }
    }

    /// A transaction is one change: all its events have its revision, and all that is read afterwards shows all of it.
    #[test]
    fn history_replays_to_the_present(deeds in deeds(), from in 1..20u64) {
        let (mut store, mut simple) = (Store::default(), Simple::new());
        for deed in &deeds {
            happen(&mut store, &mut simple, deed);
        }
        let from = from.max(store.compacted().0).max(1).min(simple.revision() + 1);
        let mut state = simple.states[from as usize - 1].clone();
        let mut last = Revision(0);
        for change in store.changes_from(Revision(from)) {
            prop_assert!(last <= change.revision, "in the order of revisions");
            last = change.revision;
            match &change.kv {
                Some(kv) => _ = state.insert(change.key, kv.clone()),
                None => _ = state.remove(&change.key),
            }
        }
        prop_assert_eq!(&state, simple.now());
    }

    /// A watch tells every change of its keys, in order and once, however late it is, or else that it cannot.
    #[test]
    fn a_watch_tells_everything_or_is_cancelled(
        before in deeds(),
        after in deeds(),
        from in 0..12u64,
        range in ranges(),
        late in proptest::option::of(1..5u64),
    ) {
        prop_assume!(!matches!(range, Range::OwnersByAge(_)));
        let (mut store, mut simple) = (Store::default(), Simple::new());
        before.iter().for_each(|deed| happen(&mut store, &mut simple, deed));
        let mut watches = Watches::default();
        if let Some(late) = late {
            watches.slow_down(NodeId { slot: 1, life: 0 }, Duration::from_secs(late), None);
        }
        let first = if from == 0 { simple.revision() + 1 } else { from };
        watches.create(client(1), WatchId(1), range, Revision(from), store.revision());
        let (mut heard, mut cancelled, mut number) = (Vec::new(), None, 1);
        let mut now = Instant::START;
        let mut tell = |watches: &mut Watches, now, store: &Store| {
            watches.tell(now, store, |to, reply| {
                assert_eq!(to, client(1));
                match reply {
                    Reply::WatchResponse { number: n, revision, events, .. } => {
                        number += 1;
                        assert_eq!((n, revision), (number, store.revision()));
                        assert!(!events.is_empty());
                        heard.extend(events);
                    }
                    Reply::WatchCanceled { compacted, .. } => cancelled = Some(compacted),
                    other => panic!("{other:?} is no message of a watch"),
                }
            });
        };
        tell(&mut watches, now, &store);
        for deed in &after {
            happen(&mut store, &mut simple, deed);
            now = now + Duration::from_secs(1);
            tell(&mut watches, now, &store);
        }
        tell(&mut watches, now + Duration::from_secs(60), &store);
        let mut due: Vec<(u64, Key, Option<Kv>)> = Vec::new();
        for revision in first..=simple.revision() {
            let changed = simple.changed_at(revision).into_iter().filter(|(key, _)| range.has(*key));
            due.extend(changed.map(|(key, kv)| (revision, key, kv)));
        }
        // What is put and deleted in one transaction, or put twice, is told as often as that; the last word counts.
        let mut words: BTreeMap<Key, Option<Kv>> = BTreeMap::new();
        let mut put: Vec<u64> = Vec::new();
        for event in &heard {
            match event {
                Event::Put(kv) => {
                    put.push(kv.modified.0);
                    words.insert(kv.key, Some(kv.clone()));
                }
                Event::Delete(key) => _ = words.insert(*key, None),
            }
        }
        prop_assert!(put.is_sorted(), "in the order of revisions");
        match cancelled {
            None => {
                let last: BTreeMap<Key, Option<Kv>> =
                    due.into_iter().map(|(_, key, kv)| (key, kv)).collect();
                for (key, kv) in last {
                    prop_assert_eq!(words.get(&key), Some(&kv), "the last word on {}", key);
                }
            }
            Some(compacted) => prop_assert!(compacted <= store.compacted() && Revision(first) < compacted),
        }
    }

    /// Of all candidates exactly one finds nobody before it, and it is the one that has waited longest; everybody else waits for
    /// one that is older, and no two for the same.
    #[test]
    fn an_election_is_fair(deeds in deeds()) {
        let (mut store, mut simple) = (Store::default(), Simple::new());
        for deed in &deeds {
            happen(&mut store, &mut simple, deed);
        }
        // Candidates campaign in transactions of their own.
        let mut ages: Vec<u64> = store.range(Range::Owners).iter().map(|kv| kv.created.0).collect();
        ages.sort_unstable();
        prop_assume!(ages.windows(2).all(|two| two[0] < two[1]));
        let mut awaited = Vec::new();
        for mine in store.range(Range::Owners) {
            match store.range(Range::owner_before(mine.created)).first() {
                Some(before) => {
                    prop_assert!(before.created < mine.created);
                    awaited.push(before.key);
                }
                None => prop_assert_eq!(store.range(Range::FIRST_OWNER), vec![mine]),
            }
        }
        let waiting = awaited.len();
        awaited.sort();
        awaited.dedup();
        prop_assert_eq!(awaited.len(), waiting);
        prop_assert_eq!(waiting, ages.len().saturating_sub(1));
    }

    /// A lease that is renewed in time does not end, and one that is not ends at its time, with all its keys as one change.
    #[test]
    fn a_lease_ends_at_its_time(ttl in 1..20u64, renewals in proptest::collection::vec(0..25u64, 0..6)) {
        let at = |seconds| Instant::START + Duration::from_secs(seconds);
        let mut leases = Leases::default();
        let lease = leases.grant(at(0), Duration::from_secs(ttl));
        let (mut now, mut ends) = (0, ttl);
        for after in renewals {
            now += after;
            let left = leases.left(at(now), lease).expect("nobody has ended it");
            prop_assert_eq!(left, Duration::from_secs(ends.saturating_sub(now)));
            if now >= ends {
                break;
            }
            prop_assert_eq!(leases.renew(at(now), lease), Some(Duration::from_secs(ttl)));
            ends = now + ttl;
        }
        // Who begins to lead gives it its whole time again.
        let left = leases.renew_all(at(now)).next().map(|(_, left)| left);
        prop_assert!(left.is_some_and(|left| left >= Duration::from_secs(ttl)));
    }
}
