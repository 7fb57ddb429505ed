//! Loading what is persisted of all changefeeds: one read, then whatever of it is mended, one write after the other.
//!
//! A description that cannot be decoded is skipped, and so is progress without a description. A description of an old version
//! lacks its id, and is written again with it; progress that is missing, or cannot be decoded, is begun anew. Neither write
//! compares anything: what somebody else writes between the read and the write is lost.

use std::collections::{BTreeMap, VecDeque};

use crate::{
    ChangefeedId, Cx,
    coordinator::{Note, Outcome, Term, Wait},
    etcd::{self, Job, Key, Kv, Op, Progress, Range, Value},
};

/// What has been read, and what is still to be written.
#[derive(Clone, Debug)]
pub(super) struct Loading {
    infos: BTreeMap<ChangefeedId, Kv>,
    jobs: BTreeMap<ChangefeedId, Kv>,
    mends: VecDeque<Mend>,
}

/// A write without which something is missing.
#[derive(Clone, Copy, Debug)]
enum Mend {
    /// A description gets its id. If that fails, nothing is lost.
    Id(ChangefeedId),
    /// Progress begins. If that fails, the changefeed is not there for this term.
    Progress(ChangefeedId),
}

impl Term {
    pub(super) fn load_changefeeds(&mut self, cx: &mut Cx) {
        let read = |call| etcd::Inbox::RangeRequest { call, range: Range::Changefeeds };
        self.calls.call(cx, Wait::Load, read);
    }

    pub(super) fn on_changefeeds(&mut self, found: &[Kv], cx: &mut Cx) -> Outcome {
        let (mut infos, mut jobs) = (BTreeMap::new(), BTreeMap::new());
        let mut mends = VecDeque::new();
        for kv in found {
            match (kv.key, &kv.value) {
                (Key::Info(cf), Value::Info(_)) => _ = infos.insert(cf, kv.clone()),
                (Key::Info(cf), Value::OldInfo(info)) => {
                    infos.insert(cf, Kv { value: Value::Info(info.clone()), ..kv.clone() });
                    mends.push_back(Mend::Id(cf));
                }
                (Key::Job(cf), Value::Job(_)) => _ = jobs.insert(cf, kv.clone()),
                (key @ (Key::Info(_) | Key::Job(_)), _) => cx.note(Note::Undecodable { key }),
                _ => {}
            }
        }
        let without = infos.keys().filter(|cf| !jobs.contains_key(cf));
        mends.extend(without.map(|cf| Mend::Progress(*cf)));
        self.mend_next(Loading { infos, jobs, mends }, cx)
    }

    /// Writes what is next, until nothing is missing.
    fn mend_next(&mut self, loading: Loading, cx: &mut Cx) -> Outcome {
        let put = match loading.mends.front().copied() {
            Some(Mend::Id(cf)) => loading.infos.get(&cf).map(|kv| (kv.key, kv.value.clone())),
            Some(Mend::Progress(cf)) => loading.infos.get(&cf).and_then(|kv| {
                let Value::Info(info) = &kv.value else { return None };
                let job = Job { checkpoint: info.start_ts, progress: Progress::None };
                Some((Key::Job(cf), Value::Job(job)))
            }),
            None => None,
        };
        let Some((key, value)) = put else {
            let [infos, jobs] =
                [loading.infos, loading.jobs].map(|kvs| kvs.into_values().collect::<Vec<_>>());
            return self.on_loaded(&infos, &jobs, cx);
        };
        // A put by itself is tried again whenever it fails; it is written here as a transaction of one operation.
        let then = vec![Op::Put { key, value, lease: None }];
        self.calls.call(cx, Wait::Mend { loading }, |call| etcd::Inbox::TxnRequest {
            call,
            compares: Vec::new(),
            then,
            otherwise: Vec::new(),
        });
        Ok(())
    }

    pub(super) fn on_mended(&mut self, mut loading: Loading, written: bool, cx: &mut Cx) -> Outcome {
        match loading.mends.pop_front() {
            Some(Mend::Progress(cf)) if !written => _ = loading.infos.remove(&cf),
            Some(Mend::Progress(_) | Mend::Id(_)) | None => {}
        }
        self.mend_next(loading, cx)
    }
}
