//! The changefeeds that nobody has asked to remove, and from where on they are promised.

use std::collections::{BTreeMap, BTreeSet};

use sim::{Input, What};

use crate::{
    Addr, ChangefeedId, Command, Msg, Note, Place, Record, Sim, Ts, coordinator,
    etcd::{self, Key, Op, Progress},
    invariants::services::Services,
    node,
};

/// The changefeeds that there are to be.
#[derive(Default)]
pub(super) struct Kept {
    /// None before the first record.
    changefeeds: Option<BTreeMap<ChangefeedId, Persisted>>,
    /// From where users want changefeeds to go on, instead of from their checkpoints.
    overwrites: BTreeSet<(ChangefeedId, Ts)>,
}

/// What was last persisted of a changefeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Persisted {
    pub(super) checkpoint: Ts,
    /// What changed before this nobody has promised: a user has let it go on from there.
    pub(super) from: Ts,
    /// What a user has had it jump over: from where on, and up to where.
    pub(super) skipped: Option<(Ts, Ts)>,
}

/// The checkpoint of a changefeed was written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moved {
    pub(super) cf: ChangefeedId,
    /// The checkpoint before; if a user has said where it is to go on, that is it.
    pub(super) before: Ts,
    pub(super) now: Ts,
    pub(super) skipped: Option<(Ts, Ts)>,
}

impl Kept {
    /// The changefeeds that are to be there.
    pub(super) fn iter(&self) -> impl Iterator<Item = (ChangefeedId, Persisted)> {
        self.changefeeds.iter().flatten().map(|(cf, persisted)| (*cf, *persisted))
    }

    /// What is known of a changefeed that is to be there.
    pub(super) fn get(&self, cf: ChangefeedId) -> Option<Persisted> {
        self.changefeeds.as_ref()?.get(&cf).copied()
    }

    /// Takes up what a record says; which checkpoints it has written.
    pub(super) fn observe(&mut self, sim: &Sim, record: &Record, mut moved: impl FnMut(&Services, Moved)) {
        if self.changefeeds.is_none() {
            let fresh = |(cf, checkpoint)| (cf, Persisted { checkpoint, from: Ts::NONE, skipped: None });
            self.changefeeds = Services::of(sim).map(|services| services.to_be_kept().map(fresh).collect());
        }
        match &record.what {
            What::Step { input: Input::Command(command), .. } => self.called(command),
            What::Step { actor: Addr::Node(_, Place::Coordinator), .. } => self.created(sim, record),
            What::Step { actor: Addr::Etcd, input: Input::Message { msg: Msg::Etcd(request), .. } } => {
                for cf in persisted_by(request) {
                    let Some(services) = Services::of(sim) else { continue };
                    if let Some(news) = self.persisted(&services, cf) {
                        moved(&services, news);
                    }
                }
            }
            _ => {}
        }
    }

    fn called(&mut self, command: &Command) {
        let request = match command {
            Command::Coordinator(request) | Command::Server(node::Command::ApiCall { request }) => request,
            _ => return,
        };
        if let coordinator::Command::ResumeChangefeed { cf, overwrite: Some(ts) } = request {
            self.overwrites.insert((*cf, *ts));
        }
    }

    /// A changefeed that a user has created is to be kept, too.
    fn created(&mut self, sim: &Sim, record: &Record) {
        for note in &record.notes {
            if let Note::Coordinator(coordinator::Note::CallAnswered { cf, call: "create", answer: "done" }) =
                note
                && let Some(services) = Services::of(sim)
                && let Some(job) = services.job(*cf)
                && let Some(changefeeds) = &mut self.changefeeds
            {
                let checkpoint = job.checkpoint;
                changefeeds.insert(*cf, Persisted { checkpoint, from: Ts::NONE, skipped: None });
            }
        }
    }

    fn persisted(&mut self, services: &Services, cf: ChangefeedId) -> Option<Moved> {
        let job = services.job(cf)?;
        let changefeeds = self.changefeeds.as_mut()?;
        if job.progress == Progress::Removing {
            changefeeds.remove(&cf);
        }
        let known = changefeeds.get_mut(&cf)?;
        let mut before = std::mem::replace(&mut known.checkpoint, job.checkpoint);
        if self.overwrites.remove(&(cf, job.checkpoint)) {
            if before < job.checkpoint {
                let (first, last) = known.skipped.unwrap_or((before, job.checkpoint));
                known.skipped = Some((first.min(before), last.max(job.checkpoint)));
            }
            before = job.checkpoint;
            known.from = job.checkpoint;
        }
        Some(Moved { cf, before, now: job.checkpoint, skipped: known.skipped })
    }
}

/// The changefeeds whose status a request to etcd writes.
fn persisted_by(request: &etcd::Inbox) -> impl Iterator<Item = ChangefeedId> {
    let ops = match request {
        etcd::Inbox::TxnRequest { then, .. } => then.as_slice(),
        _ => &[],
    };
    ops.iter().filter_map(|op| match op {
        Op::Put { key: Key::Job(cf), .. } => Some(*cf),
        _ => None,
    })
}
