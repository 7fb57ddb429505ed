//! Requests for the orchestrator, and the queue in which they wait: at most one of a type per changefeed.

use std::collections::VecDeque;

use crate::{
    ChangefeedId, ConfigEpoch, Cx, DispatcherId, Epoch, NodeId, Ts,
    dispatchers::{Inbox, Note, Owner},
    policy,
};

/// Whose request it is, and for what changefeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sender {
    pub(super) from: NodeId,
    pub(super) cf: ChangefeedId,
    pub(super) epoch: Epoch,
}

/// A request of a maintainer to the orchestrator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) sender: Sender,
    pub(super) what: What,
}

/// What a maintainer wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// To know what runs here, and to take over.
    Bootstrap(BootstrapRequest),
    /// The table trigger to become active.
    PostBootstrap { trigger: DispatcherId },
    /// The changefeed closed.
    Close { removed: bool },
}

/// What a bootstrap request brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BootstrapRequest {
    /// The epoch in the configuration of the changefeed.
    pub(super) config_epoch: Epoch,
    pub(super) start_ts: Ts,
    pub(super) trigger: Option<DispatcherId>,
    pub(super) redo: Option<DispatcherId>,
    pub(super) is_new: bool,
}

impl Sender {
    /// Says that its request is not the owner's.
    pub(super) fn refuse(self, owner: Owner, cx: &mut Cx) {
        let Sender { from, cf, epoch } = self;
        cx.note(Note::StaleRefused { cf, from, epoch, owner: owner.node, current: owner.epoch });
    }

    /// Says why its request changes nothing.
    pub(super) fn ignore(self, why: &'static str, cx: &mut Cx) {
        cx.note(Note::Ignored { cf: self.cf, from: self.from, why });
    }
}

impl Request {
    pub(super) fn from(from: NodeId, inbox: &Inbox) -> Option<Request> {
        let (cf, epoch, what) = match inbox {
            Inbox::MaintainerBootstrapRequest { cf, start_ts, trigger, is_new, epoch, config, redo } => {
                let (start_ts, trigger, is_new, redo) = (*start_ts, *trigger, *is_new, redo.0);
                let config_epoch = ConfigEpoch::of(*config, *epoch);
                let request = BootstrapRequest { config_epoch, start_ts, trigger, redo, is_new };
                (cf, epoch, What::Bootstrap(request))
            }
            Inbox::MaintainerPostBootstrapRequest { cf, trigger, epoch } => {
                (cf, epoch, What::PostBootstrap { trigger: *trigger })
            }
            Inbox::MaintainerCloseRequest { cf, removed, epoch } => {
                (cf, epoch, What::Close { removed: *removed })
            }
            Inbox::Resolved { .. }
            | Inbox::LocalFence
            | Inbox::Close
            | Inbox::ScheduleDispatcherRequest { .. }
            | Inbox::MergeDispatcherRequest { .. }
            | Inbox::HeartBeatResponse { .. }
            | Inbox::CheckpointTsMessage { .. }
            | Inbox::RedoMetaMessage { .. }
            | Inbox::RedoResolvedTsForwardMessage { .. } => return None,
        };
        Some(Request { sender: Sender { from, cf: *cf, epoch: *epoch }, what })
    }

    /// The sender and the epoch are not part of the key.
    fn has_key_of(&self, other: &Request) -> bool {
        self.sender.cf == other.sender.cf
            && std::mem::discriminant(&self.what) == std::mem::discriminant(&other.what)
    }

    /// Whether it takes the place of one of its key that waits. Requests are never merged: the epoch decides first.
    fn replaces(&self, waiting: &Request, rule: policy::PendingQueue) -> bool {
        let (old, new) = (waiting.sender.epoch, self.sender.epoch);
        match (&waiting.what, &self.what) {
            (What::Close { removed: false }, What::Close { removed: true }) => rule.upgrades(old, new),
            _ => rule.replaces(old, new),
        }
    }
}

/// A queue of requests. A request whose key waits already is dropped or takes the place of the one that waits, in
/// whose position it stays.
#[derive(Clone, Debug, Default)]
pub(super) struct Requests {
    queue: VecDeque<Request>,
    /// Those that were taken out and still count as waiting.
    lingering: Vec<Request>,
}

impl Requests {
    /// Puts a request into the queue, or drops it.
    pub(super) fn push(&mut self, request: Request, cx: &mut Cx) {
        if self.lingering.iter().any(|one| one.has_key_of(&request)) {
            return request.sender.ignore("a request of its kind is being handled", cx);
        }
        match self.queue.iter_mut().find(|waiting| waiting.has_key_of(&request)) {
            None => self.queue.push_back(request),
            Some(waiting) if request.replaces(waiting, cx.policy().orchestrator.pending_queue) => {
                *waiting = request;
            }
            Some(_) => request.sender.ignore("a request of its kind waits already", cx),
        }
    }

    /// The next request. From now on another one of its key may wait.
    pub(super) fn pop(&mut self, cx: &Cx) -> Option<Request> {
        let request = self.queue.pop_front()?;
        if !cx.policy().orchestrator.pending_key.is_freed_at_pop() {
            self.lingering.push(request.clone());
        }
        Some(request)
    }

    /// The request of a changefeed that was taken out has been handled.
    pub(super) fn handled(&mut self, cf: ChangefeedId) {
        self.lingering.retain(|one| one.sender.cf != cf);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// The requests that wait, the next one first.
    pub(super) fn waiting(&self) -> impl Iterator<Item = &Request> {
        self.queue.iter()
    }
}
