//! The removal of a maintainer: it hands over to a successor, or closes everything.

use std::collections::BTreeSet;

use crate::{
    Cx, Epoch, Mode, NodeId, Place, dispatchers,
    maintainer::{Maintainer, Note, instance::AtHand},
    policy::Stamped,
    state::flags,
};

/// What the coordinator wants.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    /// Whether the dispatchers are closed too; if not, a successor takes them over.
    pub(super) cascade: bool,
    /// Whether the changefeed is removed for good.
    pub(super) removed: bool,
    pub(super) epoch: Epoch,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Removal {
    begun: bool,
    cascade: bool,
    removed: bool,
    /// Whether it was made only to remove.
    only: bool,
    closed: BTreeSet<NodeId>,
    /// The nodes that it has asked last to close.
    asked: BTreeSet<NodeId>,
    /// Whether the manager may clean it up.
    done: bool,
    /// Whether it reports that it has stopped, and handles no event any more. It follows `done`: a tick of the manager
    /// in between reports it as working, cleans it up, and its end is never reported.
    stopped: bool,
}

impl Removal {
    pub(super) fn has_begun(&self) -> bool {
        self.begun
    }

    pub(super) fn is_removal_only(&self) -> bool {
        self.only
    }

    /// The nodes that have closed.
    pub(super) fn closed(&self) -> impl Iterator<Item = &NodeId> {
        self.closed.iter()
    }

    /// Whether everything is being closed, and nobody takes over.
    pub(super) fn closes(&self) -> bool {
        self.begun && self.cascade
    }

    /// The nodes that have been asked to close and have not.
    pub(super) fn unclosed(&self) -> impl Iterator<Item = NodeId> {
        self.asked.difference(&self.closed).copied()
    }

    /// How far it is, in words.
    pub(super) fn words(&self) -> String {
        flags(&[
            (self.only, "removal-only"),
            (self.begun, "removing"),
            (self.begun && self.cascade, "cascade"),
            (self.begun && self.removed, "removed"),
            (self.done, "closed"),
        ])
    }
}

impl Maintainer {
    pub(super) fn only_removes(&mut self) {
        self.removal.only = true;
        self.removal.cascade = true;
    }

    /// Whether it may be cleaned up; what it runs until then does not matter.
    pub(super) fn is_removed(&self) -> bool {
        self.removal.done
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.removal.stopped
    }

    /// Whether it may be closed after its next step.
    pub(super) fn may_close(&self) -> bool {
        self.removal.begun || self.is_busy()
    }

    /// The last step of a removal.
    pub(super) fn set_stopped(&mut self, cx: &mut Cx) {
        self.removal.stopped = true;
        cx.note(Note::MaintainerClosed { cf: self.cf, epoch: self.epoch });
    }

    /// Whether operators and schedulers stand still because it is being removed.
    pub(super) fn is_quiescing(&self, cx: &Cx) -> bool {
        self.removal.begun && cx.policy().maintainer.remove_operators.are_quiesced()
    }

    pub(super) fn on_remove(&mut self, request: Request, cx: &mut Cx) {
        let Request { cascade, removed, epoch } = request;
        if self.admits_removal(request, cx)
            && let Err(why) = self.begin_removal(cascade, removed, cx)
        {
            cx.note(Note::RemoveIgnored { cf: self.cf, epoch, why });
        }
    }

    /// Whether it is the one that a request means.
    pub(super) fn admits_removal(&self, Request { epoch, .. }: Request, cx: &mut Cx) -> bool {
        let admitted = cx.policy().maintainer.remove_admission.admits(epoch, self.epoch);
        if !admitted {
            cx.note(Note::RemoveIgnored { cf: self.cf, epoch, why: "another generation is meant" });
        }
        admitted
    }

    fn begin_removal(&mut self, cascade: bool, removed: bool, cx: &mut Cx) -> Result<(), &'static str> {
        let is_early = !self.initialized && !cascade && !removed;
        if is_early && cx.policy().maintainer.early_removal.is_ignored() {
            return Err("it has not bootstrapped");
        }
        if !std::mem::replace(&mut self.removal.begun, true) {
            cx.note(Note::MaintainerRemoving { cf: self.cf, epoch: self.epoch, cascade });
            if self.is_quiescing(cx) {
                for mode in [Mode::Default, Mode::Redo] {
                    self.in_mode(mode, |m| m.quiesce(cx));
                }
            }
        }
        (self.removal.cascade, self.removal.removed) = (cascade, removed);
        self.try_close(cx);
        Ok(())
    }

    fn try_close(&mut self, cx: &mut Cx) {
        self.mark_dirty();
        let closed = if self.removal.cascade { self.close_nodes(cx) } else { self.remove_trigger(cx) };
        if closed {
            self.removal.done = true;
            self.at_hand = Some(AtHand::Stopping);
        }
    }

    /// Asks every live node that has not closed yet; done when there is none left to ask.
    fn close_nodes(&mut self, cx: &mut Cx) -> bool {
        let open: Vec<NodeId> = cx.process.view().difference(&self.removal.closed).copied().collect();
        for node in &open {
            let (removed, epoch) = (self.removal.removed, self.stamp(Stamped::Close, cx));
            let request = dispatchers::Inbox::MaintainerCloseRequest { cf: self.cf, removed, epoch };
            cx.send(*node, Place::Dispatchers, request);
        }
        let is_closed = open.is_empty();
        self.removal.asked = open.into_iter().collect();
        is_closed
    }

    /// A successor takes over the dispatchers; only the table trigger has to go first. It is no longer desired from now
    /// on, so only the operator hears of its end.
    fn remove_trigger(&mut self, cx: &mut Cx) -> bool {
        let mut closed = true;
        for mode in [Mode::Default, Mode::Redo] {
            let gone = self.in_mode(mode, |m| {
                m.remove_tasks(&[m.spans.trigger()], cx);
                let let_go = || !m.operators.has(m.spans.trigger());
                !m.spans.is_trigger_working()
                    || cx.policy().maintainer.trigger_end.is_of_operator() && let_go()
            });
            closed &= gone.unwrap_or(true);
        }
        closed
    }

    pub(super) fn on_close_response(&mut self, from: NodeId, success: bool, epoch: Epoch, cx: &mut Cx) {
        if self.stale_response(from, epoch, cx) {
            return;
        }
        let expected = self.removal.begun || !cx.policy().maintainer.close_response.needs_removing();
        if success && expected {
            self.removal.closed.insert(from);
            if let Err(why) = self.begin_removal(self.removal.cascade, self.removal.removed, cx) {
                cx.note(Note::RemoveIgnored { cf: self.cf, epoch, why });
            }
        }
    }

    /// While it is being removed, only close requests are sent again; earlier versions go on as before if a successor
    /// takes over.
    pub(super) fn resend_while_removing(&mut self, cx: &mut Cx) {
        if self.removal.cascade {
            self.close_nodes(cx);
        } else if cx.policy().maintainer.remove_resend.resends() {
            self.resend_bootstrap(cx);
            self.advance_barriers(cx);
        }
    }
}
