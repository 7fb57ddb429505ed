//! Keys with revisions, and transactions on them.

use std::{collections::BTreeMap, fmt};

use crate::{
    ChangefeedId, NodeId,
    etcd::{ChangefeedInfo, Job, LeaseId},
    vocabulary::{Say, say, spoken, unheard},
};

/// The count of changes so far; every transaction that changes something raises it by one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub u64);

/// A key. They sort as their paths do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// `/tidb/cdc/<cluster>/__cdc_meta__/capture/<node>`: a live node, bound to its session.
    Capture(NodeId),
    /// `/tidb/cdc/<cluster>/__cdc_meta__/owner/<lease>`: a candidate for coordinator, bound to its session.
    Owner(LeaseId),
    /// `/tidb/cdc/<cluster>/<keyspace>/changefeed/info/<name>`.
    Info(ChangefeedId),
    /// `/tidb/cdc/<cluster>/<keyspace>/changefeed/status/<name>`.
    Job(ChangefeedId),
}

/// A value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// The node of a capture or owner key.
    Node(NodeId),
    /// What a changefeed is.
    Info(Box<ChangefeedInfo>),
    /// How far it is.
    Job(Job),
    /// What a changefeed is, as a version wrote it that did not write its id.
    OldInfo(Box<ChangefeedInfo>),
    /// Something that cannot be decoded.
    Undecodable,
}

spoken! {
    /// A key with its value and revisions.
    pub struct Kv {
        /// The key.
        pub key: Key,
        /// The value.
        pub value: Value,
        /// When the key was created.
        pub created: Revision,
        /// When it was last changed.
        pub modified: Revision,
        /// How often it was put since it was created.
        pub version: u64,
        /// The lease with which it goes.
        pub lease: Option<LeaseId>,
    }
}

/// Some keys, in their order unless it is said otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Range {
    /// One key.
    One(Key),
    /// Every capture key.
    Captures,
    /// Every owner key.
    Owners,
    /// Every info key.
    Infos,
    /// Every job key.
    Jobs,
    /// Every info key and every job key.
    Changefeeds,
    /// Some of the owner keys, by their age.
    OwnersByAge(ByAge),
}

/// Which of the keys of a prefix are read, and in which order: that of their creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ByAge {
    /// The youngest first, or else the oldest.
    pub youngest_first: bool,
    /// Only those that were created at this revision or before (`WithMaxCreateRev`).
    pub created_until: Option<Revision>,
    /// At most so many, if it is not zero (`WithLimit`).
    pub limit: u32,
}

/// A condition of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Compare {
    /// The key was created at this revision; zero: it does not exist.
    Created(Key, Revision),
    /// The key was last changed at this revision; zero: it does not exist.
    Modified(Key, Revision),
    /// The checkpoint of a job key is lower than this. The real etcd cannot look into a value.
    Behind(Key, crate::Ts),
}

/// An operation of a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// Writes a key.
    Put {
        /// The key.
        key: Key,
        /// Its value.
        value: Value,
        /// The lease with which it goes.
        lease: Option<LeaseId>,
    },
    /// Deletes a key.
    Delete(Key),
    /// Reads keys.
    Get(Range),
}

/// What an operation gave.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum OpAnswer {
    /// It was written.
    Put,
    /// So many keys were deleted.
    Deleted(u64),
    /// What was read.
    Got(Vec<Kv>),
}

/// A change of a key; without a value it was deleted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Change {
    pub(crate) revision: Revision,
    pub(crate) key: Key,
    pub(crate) kv: Option<Kv>,
}

/// The keys of a server and the history of their changes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Store {
    revision: Revision,
    keys: BTreeMap<Key, Kv>,
    history: Vec<Change>,
    /// What has changed before this revision is forgotten.
    compacted: Revision,
}

impl Range {
    /// The owner key that was created first: the leader's (`WithFirstCreate`).
    pub const FIRST_OWNER: Range =
        Range::OwnersByAge(ByAge { youngest_first: false, created_until: None, limit: 1 });

    /// The youngest of the owner keys that are older than one of this age (`WithLastCreate`): whoever campaigns waits for
    /// that one.
    pub fn owner_before(created: Revision) -> Range {
        let before = Revision(created.0.saturating_sub(1));
        Range::OwnersByAge(ByAge { youngest_first: true, created_until: Some(before), limit: 1 })
    }

    pub(crate) fn has(self, key: Key) -> bool {
        match (self, key) {
            (Range::One(one), key) => one == key,
            (Range::Captures, Key::Capture(_)) => true,
            (Range::Owners | Range::OwnersByAge(_), Key::Owner(_)) => true,
            (Range::Infos, Key::Info(_)) | (Range::Jobs, Key::Job(_)) => true,
            (Range::Changefeeds, Key::Info(_) | Key::Job(_)) => true,
            (Range::Captures | Range::Owners | Range::OwnersByAge(_), _) => false,
            (Range::Infos | Range::Jobs | Range::Changefeeds, _) => false,
        }
    }
}

impl ByAge {
    fn of(self, kvs: impl Iterator<Item = Kv>) -> Vec<Kv> {
        let old_enough = |kv: &Kv| self.created_until.is_none_or(|until| kv.created <= until);
        let mut kvs: Vec<Kv> = kvs.filter(old_enough).collect();
        kvs.sort_by_key(|kv| kv.created);
        if self.youngest_first {
            kvs.reverse();
        }
        if self.limit > 0 {
            kvs.truncate(self.limit as usize);
        }
        kvs
    }
}

impl Store {
    pub(crate) fn revision(&self) -> Revision {
        self.revision
    }

    pub(crate) fn get(&self, key: Key) -> Option<&Kv> {
        self.keys.get(&key)
    }

    pub(crate) fn range(&self, range: Range) -> Vec<Kv> {
        let found = self.keys.values().filter(|kv| range.has(kv.key)).cloned();
        match range {
            Range::OwnersByAge(by_age) => by_age.of(found),
            _ => found.collect(),
        }
    }

    /// Whether a condition of a transaction holds.
    pub(crate) fn holds(&self, compare: Compare) -> bool {
        let of = |key, part: fn(&Kv) -> Revision| self.get(key).map_or(Revision(0), part);
        match compare {
            Compare::Created(key, revision) => of(key, |kv| kv.created) == revision,
            Compare::Modified(key, revision) => of(key, |kv| kv.modified) == revision,
            Compare::Behind(key, ts) => {
                self.get(key).is_some_and(|kv| matches!(&kv.value, Value::Job(job) if job.checkpoint < ts))
            }
        }
    }

    /// Carries out the operations of a transaction, as one change: what each of them gave.
    pub(crate) fn carry_out(&mut self, ops: &[Op]) -> Vec<OpAnswer> {
        let next = Revision(self.revision.0 + 1);
        let before = self.history.len();
        let answers = ops.iter().map(|op| self.carry_out_one(op, next)).collect();
        if self.history.len() > before {
            self.revision = next;
        }
        answers
    }

    fn carry_out_one(&mut self, op: &Op, revision: Revision) -> OpAnswer {
        match op {
            Op::Put { key, value, lease } => {
                let (created, version) = self.get(*key).map_or((revision, 0), |kv| (kv.created, kv.version));
                let (value, lease, version) = (value.clone(), *lease, version + 1);
                let kv = Kv { key: *key, value, created, modified: revision, version, lease };
                self.keys.insert(*key, kv.clone());
                self.history.push(Change { revision, key: *key, kv: Some(kv) });
                OpAnswer::Put
            }
            Op::Delete(key) => OpAnswer::Deleted(u64::from(self.delete(*key, revision))),
            Op::Get(range) => OpAnswer::Got(self.range(*range)),
        }
    }

    fn delete(&mut self, key: Key, revision: Revision) -> bool {
        let existed = self.keys.remove(&key).is_some();
        if existed {
            self.history.push(Change { revision, key, kv: None });
        }
        existed
    }

    /// Deletes the keys of a lease, as one change.
    pub(crate) fn delete_leased(&mut self, lease: LeaseId) -> Vec<Key> {
        let keys: Vec<Key> =
            self.keys.values().filter(|kv| kv.lease == Some(lease)).map(|kv| kv.key).collect();
        if !keys.is_empty() {
            self.revision.0 += 1;
        }
        for key in &keys {
            self.delete(*key, self.revision);
        }
        keys
    }

    /// The changes since a revision, that one included, in order.
    pub(crate) fn changes_from(&self, revision: Revision) -> &[Change] {
        &self.history[self.history.partition_point(|change| change.revision < revision)..]
    }

    /// Forgets what has changed before a revision: the present one, or one that is so many before it.
    pub(crate) fn compact(&mut self, keep: u64) {
        self.compacted = self.compacted.max(Revision(self.revision.0.saturating_sub(keep)));
        self.history.drain(..self.history.partition_point(|change| change.revision < self.compacted));
    }

    /// From which revision on changes are still known.
    pub(crate) fn compacted(&self) -> Revision {
        self.compacted
    }
}

say!(Revision, Key, Range);

unheard!(Value, Compare, Op);

impl Say for Value {
    fn say(&self, field: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Node(node) => node.say(field, f),
            Value::Info(info) => info.say(field, f),
            Value::Job(job) => job.say(field, f),
            Value::OldInfo(info) => {
                info.say(field, f)?;
                f.write_str(" without-id")
            }
            Value::Undecodable => f.write_str(" undecodable"),
        }
    }
}

impl Say for Compare {
    fn say(&self, _: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Compare::Created(key, revision) => write!(f, " created({key})={revision}"),
            Compare::Modified(key, revision) => write!(f, " modified({key})={revision}"),
            Compare::Behind(key, ts) => write!(f, " checkpoint({key})<{ts}"),
        }
    }
}

impl Say for Op {
    fn say(&self, _: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Op::Put { key, value, .. } => {
                write!(f, " put {key} =")?;
                value.say("", f)
            }
            Op::Delete(key) => write!(f, " delete {key}"),
            Op::Get(range) => write!(f, " get {range}"),
        }
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rev{}", self.0)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Key::Capture(node) => write!(f, "capture/{node}"),
            Key::Owner(lease) => write!(f, "owner/{lease}"),
            Key::Info(cf) => write!(f, "info/{cf}"),
            Key::Job(cf) => write!(f, "status/{cf}"),
        }
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Range::One(key) => key.fmt(f),
            Range::Captures => f.write_str("capture/*"),
            Range::Owners => f.write_str("owner/*"),
            Range::Changefeeds => f.write_str("info/*, status/*"),
            Range::OwnersByAge(ByAge { youngest_first, created_until, limit }) => {
                if *limit > 1 {
                    write!(f, "{limit} ")?;
                }
                f.write_str(if *youngest_first { "youngest of owner/*" } else { "oldest of owner/*" })?;
                created_until.map_or(Ok(()), |until| write!(f, " until {until}"))
            }
            Range::Infos => f.write_str("info/*"),
            Range::Jobs => f.write_str("status/*"),
        }
    }
}
