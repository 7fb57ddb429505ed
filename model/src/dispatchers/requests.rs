//! Requests for the orchestrator, and the queue in which they wait: at most one of a type per changefeed.

use std::collections::VecDeque;

use crate::{ChangefeedId, DispatcherId, Epoch, NodeId, Ts, dispatchers::Inbox, policy::PendingQueue};

/// A request of a maintainer to the orchestrator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) from: NodeId,
    pub(super) cf: ChangefeedId,
    pub(super) epoch: Epoch,
    pub(super) what: What,
}

/// What a maintainer wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// To know what runs here, and to take over.
    Bootstrap { start_ts: Ts, trigger: Option<DispatcherId>, is_new: bool },
    /// The table trigger to become active.
    PostBootstrap { trigger: DispatcherId },
    /// The changefeed closed.
    Close { removed: bool },
}

impl Request {
    pub(super) fn from(from: NodeId, inbox: &Inbox) -> Option<Request> {
        let (cf, epoch, what) = match inbox {
            Inbox::MaintainerBootstrapRequest { cf, start_ts, trigger, is_new, epoch } => {
                (cf, epoch, What::Bootstrap { start_ts: *start_ts, trigger: *trigger, is_new: *is_new })
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
            | Inbox::MergeDispatcherRequest { .. } => return None,
        };
        Some(Request { from, cf: *cf, epoch: *epoch, what })
    }

    /// The sender and the epoch are not part of the key.
    fn has_key_of(&self, other: &Request) -> bool {
        self.cf == other.cf && std::mem::discriminant(&self.what) == std::mem::discriminant(&other.what)
    }
}

/// A queue of requests. A request whose key waits already is dropped or takes the place of the one that waits, in
/// whose position it stays.
#[derive(Clone, Debug, Default)]
pub(super) struct Requests {
    queue: VecDeque<Request>,
}

impl Requests {
    /// Whether the request waits now.
    pub(super) fn push(&mut self, request: Request, rule: PendingQueue) -> bool {
        let Some(waiting) = self.queue.iter_mut().find(|waiting| waiting.has_key_of(&request)) else {
            self.queue.push_back(request);
            return true;
        };
        let replaces = match (&waiting.what, &request.what) {
            (What::Close { removed: false }, What::Close { removed: true }) => {
                rule.upgrades(waiting.epoch, request.epoch)
            }
            _ => rule.replaces(waiting.epoch, request.epoch),
        };
        if replaces {
            *waiting = request;
        }
        replaces
    }

    pub(super) fn pop(&mut self) -> Option<Request> {
        self.queue.pop_front()
    }
}
